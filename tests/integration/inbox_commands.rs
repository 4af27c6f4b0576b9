//! `ken inbox`: connects inboxes beside a running service, with secrets that never are arguments, and tests them.

use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::channels::{Platform, line_text, signed};
use crate::crash::{ken, serve};
use crate::support::client;

const PUBLIC: (&str, &str) = ("KEN_HTTP__PUBLIC_URL", "https://help.example.com");

/// Runs `ken inbox` with lines on standard input.
fn run(folder: &Path, arguments: &[&str], lines: &str) -> Output {
    let mut command = ken(folder);
    command.env(PUBLIC.0, PUBLIC.1).arg("inbox").args(arguments);
    command.env("TOKEN_OF_LINE", "line-token");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // A command that reads nothing may have ended.
    let _ = input.write_all(lines.as_bytes());
    drop(input);
    child.wait_with_output().unwrap()
}

/// What a command prints that succeeds.
fn done(folder: &Path, arguments: &[&str], lines: &str) -> String {
    let output = run(folder, arguments, lines);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The error of a command that fails.
fn error(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments, "");
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn inbox_is_connected_changed_listed_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    std::fs::write(here.join("secret.txt"), "line-secret\n").unwrap();
    let add = [
        "add",
        "line",
        "main",
        "--name",
        "LINE 官方帳號",
        "--secret-file",
        "channel_secret=secret.txt",
        "--secret-env",
        "access_token=TOKEN_OF_LINE",
        "--set",
        "burst_ms=0",
        "--set",
        "audience=[\"vip\"]",
    ];
    let shown = done(here, &add, "");
    for words in [
        "connected main (line)",
        "answers are kept and not sent",
        "channel_secret: set",
        "access_token: set",
        "https://help.example.com/v1/inboxes/main/webhook",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let changed = done(
        here,
        &[
            "add",
            "line",
            "main",
            "--set",
            "mode=live",
            "--secret",
            "identity_key",
        ],
        "an identity key of at least 32 bytes\n",
    );
    assert!(changed.contains("changed main (line)"), "{changed}");
    assert!(!changed.contains("not sent"), "{changed}");
    let listed: Value = serde_json::from_str(&done(here, &["list"], "")).unwrap();
    assert_eq!(
        (&listed["name"], &listed["secrets"]),
        (
            &json!("LINE 官方帳號"),
            &json!(["access_token", "channel_secret", "identity_key"])
        )
    );
    let settings = &listed["settings"];
    assert_eq!(
        (
            &settings["mode"],
            &settings["burst_ms"],
            &settings["audience"]
        ),
        (&json!("live"), &json!(0), &json!(["vip"]))
    );
    let other = done(here, &["-w", "other", "add", "slack", "staff"], "");
    let place = "signing_secret: missing; it is at: api.slack.com";
    assert!(other.contains(place), "{other}");
    let path = "/v1/inboxes/staff/webhook?workspace=other";
    let shown = done(here, &["-w", "other", "show", "staff"], "");
    assert!(shown.contains(place) && shown.contains(path), "{shown}");
    let shown = done(here, &["show", "main"], "");
    for secret in ["line-secret", "line-token", "at least 32"] {
        assert!(!shown.contains(secret), "{shown}");
        if crate::postgres::chosen().is_none() {
            let store = std::fs::read(here.join("data/ken.db")).unwrap();
            let mut parts = store.windows(secret.len());
            assert!(!parts.any(|part| part == secret.as_bytes()), "{secret}");
        }
    }
    let mut audit = ken(here);
    let audit = audit.arg("audit").output().unwrap();
    let audit = String::from_utf8(audit.stdout).unwrap();
    assert_eq!(audit.matches("\"inbox.put\"").count(), 2, "{audit}");
    assert!(audit.contains("command line"), "{audit}");
    let callback = "callback_url=https://bot.example.com/ken";
    let shown = done(here, &["add", "generic", "app", "--set", callback], "");
    assert!(shown.contains("shown this once: whsec_"), "{shown}");

    assert!(done(here, &["remove", "main"], "").contains("disconnected main"));
    for arguments in [["show", "main"], ["test", "main"], ["remove", "main"]] {
        assert!(error(here, &arguments).contains("inbox main not found"));
    }
}

#[test]
fn wrong_arguments_of_inbox_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    done(here, &["add", "web", "site"], "");
    for (arguments, words) in [
        (&["add", "line", "site"][..], "of the channel web"),
        (&["add", "line", "Not Good"], "{id}: an inbox id must be"),
        (
            &["add", "line", "a", "--set", "mood=live"],
            "/settings/mood",
        ),
        (
            &["add", "line", "a", "--set", "burst_ms=20000"],
            "/settings/burst_ms: expected 0 to 10000, found 20000",
        ),
        (
            &["add", "line", "a", "--secret-file", "bot_token=/dev/null"],
            "/secrets/bot_token: expected one of",
        ),
        (
            &["add", "line", "a", "--secret-env", "access_token=NOT_SET"],
            "environment variable NOT_SET",
        ),
        (
            &["add", "line", "a", "--secret", "access_token"],
            "expected the secret access_token on standard input",
        ),
        (&["test", "site"], "web has no platform to test"),
    ] {
        let found = error(here, arguments);
        assert!(found.contains(words), "{arguments:?}: {found}");
    }
    let output = run(here, &["add", "fax", "a"], "");
    let usage = String::from_utf8(output.stderr).unwrap();
    assert!(
        usage.contains("fax") && usage.contains("telegram"),
        "{usage}"
    );
    assert_eq!(done(here, &["list"], "").lines().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn inbox_added_beside_a_running_service_works_at_once() {
    let platform = Platform::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (_service, address, _printed) = serve(folder.path());
    let here = folder.path().to_owned();
    let command = async |arguments: &[&str], lines: &'static str| {
        let (here, arguments) = (here.clone(), arguments.to_vec());
        let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
        let run = move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let output = run(&here, &arguments, lines);
            let shown = String::from_utf8(output.stdout).unwrap();
            (output.status.code(), shown)
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    };
    let at = format!("platform_url={}", platform.address);
    let (code, shown) = command(&["add", "line", "line", "--set", &at], "").await;
    assert_eq!(code, Some(0), "{shown}");
    let (code, shown) = command(&["test", "line"], "").await;
    assert_eq!(code, Some(2), "{shown}");
    let missing = "FAULT the secret access_token is not set; it is at: LINE Developers";
    assert!(shown.contains(missing), "{shown}");
    assert!(platform.called(0).await.is_empty(), "nothing is asked");

    let secrets = ["--secret", "channel_secret", "--secret", "access_token"];
    let add = [&["add", "line", "line"][..], &secrets].concat();
    let (code, shown) = command(&add, "line-secret\nline-token\n").await;
    assert_eq!(code, Some(0), "{shown}");
    let refused = json!({ "message": "Authentication failed: the access token expired" });
    platform.replies_with(&[(401, refused)]);
    let (code, shown) = command(&["test", "line"], "").await;
    assert_eq!(code, Some(2), "{shown}");
    for words in [
        "FAULT the platform refuses the access token (status_401): it has expired",
        "the platform says: Authentication failed",
        "WARN  no message has arrived yet",
        "curl -X POST",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }

    let body = json!({ "destination": "U0", "events": [line_text("1", "t", "退款要幾天？")] });
    let body = body.to_string();
    let signature = STANDARD.encode(signed("line-secret", &[body.as_bytes()]));
    let hook = client()
        .request(Method::POST, format!("{address}/v1/inboxes/line/webhook"))
        .header("x-line-signature", signature)
        .body(body);
    assert_eq!(hook.send().await.unwrap().status(), 200);
    let (code, shown) = command(&["test", "line"], "").await;
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("ok    the platform accepts"), "{shown}");
    assert!(shown.contains("ok    the newest message was"), "{shown}");
    let calls = platform.called(2).await;
    assert!(calls.iter().all(|call| call.path == "/v2/bot/info"));
}

/// Runs a command on a terminal of its own, answers its questions once it no longer echoes, and prints what it shows.
const TERMINAL: &str = r#"
import os, pty, select, sys, termios
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[2], sys.argv[2:])
shown = b""
def read():
    global shown
    if select.select([terminal], [], [], 0.01)[0]:
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            return False
        shown += piece
        return bool(piece)
    return True
for n, answer in enumerate(sys.argv[1].split(","), 1):
    while shown.count(b"leaves it out") < n or termios.tcgetattr(terminal)[3] & termios.ECHO:
        if not read():
            sys.exit(f"it ended: {shown}")
    os.write(terminal, answer.encode() + b"\n")
while read():
    pass
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"#;

#[test]
fn missing_secret_is_asked_on_a_terminal_without_echo() {
    let folder = tempfile::tempdir().unwrap();
    let ken_itself = ken(folder.path()).get_program().to_owned();
    let mut command = std::process::Command::new("python3");
    command.current_dir(folder.path()).envs(
        ken(folder.path())
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))),
    );
    // The second secret is left out.
    command.args(["-c", TERMINAL, "line-secret,"]);
    command
        .arg(ken_itself)
        .args(["inbox", "add", "line", "main"]);
    let output = command.output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{shown}{errors}");
    assert!(!shown.contains("line-secret"), "{shown}");
    for words in [
        "channel_secret (LINE Developers, the channel's Basic settings",
        "channel_secret: set",
        "access_token: missing",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}
