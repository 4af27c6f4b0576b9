//! `kill -9` on the real binary: acknowledged writes survive and the indexes catch up after a restart.

use std::io::{BufRead, BufReader};
use std::ops::{Deref, DerefMut};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::support::{models_dir, root};

pub fn ken(folder: &std::path::Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ken"));
    command
        .current_dir(folder)
        .env("KEN_MODELS__DIR", models_dir())
        .env("KEN_LOG__FILTER", "warn")
        .env("KEN_READER__ENABLED", "false");
    if crate::postgres::chosen().is_some() {
        command.env("KEN_STORE__URL", crate::support::store_in(folder));
    }
    command
}

/// A process that is killed at the end of its test, also after a panic.
pub struct Service(Child);

impl Deref for Service {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Service {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A serving process, its address and the reader of its output, which has to stay open.
pub fn serve(folder: &std::path::Path) -> (Service, String, BufReader<ChildStdout>) {
    serve_with(ken(folder))
}

/// [`serve`] with the settings of a command.
pub fn serve_with(mut command: Command) -> (Service, String, BufReader<ChildStdout>) {
    let mut child = command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut printed = BufReader::new(child.stdout.take().unwrap());
    printed.read_line(&mut line).unwrap();
    let address = line
        .split_whitespace()
        .find(|word| word.starts_with("http://"))
        .expect(&line)
        .to_owned();
    (Service(child), address, printed)
}

pub fn check(folder: &std::path::Path) -> String {
    check_with(ken(folder))
}

/// [`check`] with the settings of a command.
pub fn check_with(mut command: Command) -> String {
    let output = command.arg("check").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_writes_survive_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let client = crate::support::client();
    let mut acknowledged = Vec::new();
    // Killed after different numbers of writes: while the follower encodes, commits, or has just begun.
    for (round, n_writes) in [3, 11, 1].into_iter().enumerate() {
        let (mut child, address, _printed) = serve(folder.path());
        for i in 0..n_writes {
            let id = format!("r{round}-{i}");
            let body = json!({ "text": format!("# 文件 {id}\n\n{}", "這一段是用來編碼的內容。".repeat(60)) });
            let response = client
                .put(format!("{address}/v1/documents/{id}"))
                .json(&body)
                .send()
                .await
                .unwrap();
            assert_eq!(response.status(), 201);
            acknowledged.push(id);
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let (mut child, address, _printed) = serve(folder.path());
    for id in &acknowledged {
        let response = client
            .get(format!("{address}/v1/documents/{id}"))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200, "{id} was acknowledged and is lost");
    }
    let ready = async {
        loop {
            let state = client
                .get(format!("{address}/readyz"))
                .send()
                .await
                .unwrap();
            if state.status() == 200 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), ready)
        .await
        .expect("the indexes catch up after a restart");
    child.kill().unwrap();
    child.wait().unwrap();
    let text = check(folder.path());
    assert!(
        text.contains(&format!("{} chunks, 0 faults", acknowledged.len() * 2)),
        "{text}"
    );
}

#[test]
fn killed_ingest_resumes() {
    let folder = tempfile::tempdir().unwrap();
    let knowledge = root().join("corpus/shop/knowledge");
    let ingest = || {
        let mut command = ken(folder.path());
        command
            .arg("ingest")
            .arg(&knowledge)
            .arg("--json")
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        command
    };
    let mut child = ingest().spawn().unwrap();
    // Killed as soon as the store has data: the follower is indexing then.
    let store = folder.path().join("data/ken.db");
    while !store.exists() && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    let indexed = folder.path().join("indexes/default/keyword/meta.json");
    while !indexed.exists() && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    check(folder.path());
    let output = ingest().output().unwrap();
    assert!(output.status.success());
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        report["added"].as_u64().unwrap() + report["unchanged"].as_u64().unwrap(),
        98,
        "{report}"
    );
    assert!(check(folder.path()).contains(" 0 faults"));
}
