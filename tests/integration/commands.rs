//! The commands of the binary `ken`: their output, exit codes and error messages.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::models_dir;

fn ken(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ken"));
    command
        .current_dir(folder)
        .env("KEN_MODELS__DIR", models_dir())
        .env("KEN_READER__ENABLED", "false")
        .args(arguments);
    command.envs(variables.iter().copied());
    command.output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The JSON that a command prints.
fn json(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&stdout(&ken(folder, arguments, &[]))).unwrap()
}

/// The error output of a failing command. A panic fails the test.
fn complaint(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output = ken(folder, arguments, variables);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success(),
        "{arguments:?} {variables:?}: {text}"
    );
    assert!(!text.contains("panicked"), "{text}");
    text
}

/// jemalloc reports an unknown setting; the allocator of the C library ignores it.
#[test]
fn process_allocates_with_jemalloc() {
    let folder = tempfile::tempdir().unwrap();
    let output = ken(
        folder.path(),
        &["--version"],
        &[("MALLOC_CONF", "no_such_setting:1")],
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("<jemalloc>"), "{said}");
}

/// An answer on the command line has the fields of an answer over HTTP.
fn assert_has_fields_of_http_reply(answer: &Value) {
    let document = include_str!("../../docs/reference/openapi.json");
    let document: Value = serde_json::from_str(document).unwrap();
    let promised = document["components"]["schemas"]["AnswerResponse"]["properties"].as_object();
    let mut promised: Vec<&String> = promised.unwrap().keys().collect();
    // Only a dry run has it.
    promised.retain(|name| *name != "explanation");
    promised.sort();
    let mut given: Vec<&String> = answer.as_object().unwrap().keys().collect();
    given.sort();
    assert_eq!(given, promised, "the fields of the HTTP reply");
}

#[test]
fn basic_commands_ingest_search_ask_and_check() {
    let folder = tempfile::tempdir().unwrap();
    let docs = folder.path().join("docs");
    fs::create_dir(&docs).unwrap();
    fs::write(
        docs.join("a.md"),
        "# 退貨\n\n商品到貨後七天內可以退貨，運費由本店負擔。",
    )
    .unwrap();
    let report = stdout(&ken(folder.path(), &["ingest", "docs"], &[]));
    assert!(
        report.starts_with("added 1 · changed 0 · unchanged 0"),
        "{report}"
    );
    let found = stdout(&ken(
        folder.path(),
        &["search", "退货运费", "--explain"],
        &[],
    ));
    assert!(
        found.contains("退貨") && found.contains("coverage"),
        "{found}"
    );
    let line = stdout(&ken(
        folder.path(),
        &["search", "退货运费", "--json", "--mode", "vector"],
        &[],
    ));
    let hit: Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
    assert_eq!(hit["document_id"], "docs/a.md");
    let explained = stdout(&ken(
        folder.path(),
        &[
            "search",
            "退貨",
            "--explain-document",
            "docs/a.md",
            "--json",
        ],
        &[],
    ));
    let explained: Value = serde_json::from_str(explained.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&explained["verdict"], &explained["rank"]),
        (&"listed".into(), &1.into())
    );
    let answer = stdout(&ken(
        folder.path(),
        &["ask", "退貨的運費由誰負擔", "--json"],
        &[],
    ));
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["outcome"], "answered", "{answer}");
    assert_has_fields_of_http_reply(&answer);
    assert!(stdout(&ken(folder.path(), &["status"], &[])).contains("\"n_chunks\":1"));
    assert!(stdout(&ken(folder.path(), &["rebuild"], &[])).contains("default: revision 1"));
    assert!(stdout(&ken(folder.path(), &["check"], &[])).contains("default: 1 chunks, 0 faults"));
}

/// Runs a command that fails, and expects these words in its error.
fn assert_fails_with(
    folder: &Path,
    arguments: &[&str],
    variables: &[(&str, &str)],
    words: [&str; 2],
) {
    let text = complaint(folder, arguments, variables);
    assert!(
        words.iter().all(|word| text.contains(word)),
        "{arguments:?} {variables:?}: {text}"
    );
}

#[test]
fn setting_errors_name_cause_and_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let not_a_library = here.join("libonnxruntime.so");
    fs::write(&not_a_library, "text").unwrap();
    let not_a_library = not_a_library.to_string_lossy().into_owned();
    let other_library = [
        "/lib/x86_64-linux-gnu/libc.so.6",
        "/lib/aarch64-linux-gnu/libc.so.6",
        "/lib64/libc.so.6",
    ]
    .into_iter()
    .find(|path| Path::new(path).exists())
    .expect("a C library");
    let file = here.join("file");
    fs::write(&file, "").unwrap();
    for (variable, value, words) in [
        (
            "KEN_ENCODER__RUNTIME",
            "/nowhere",
            ["ONNX Runtime library not found at /nowhere", "ken setup"],
        ),
        (
            "KEN_ENCODER__RUNTIME",
            not_a_library.as_str(),
            ["cannot load the ONNX Runtime library", "ken setup"],
        ),
        (
            "KEN_ENCODER__RUNTIME",
            other_library,
            ["OrtGetApiBase", "ken setup"],
        ),
        (
            "KEN_ENCODER__PATH",
            "/nowhere",
            ["encoder.json not found", "ken setup"],
        ),
        (
            "KEN_STORE__URL",
            "sqlite:///proc/nowhere/ken.db",
            ["store", "/proc/nowhere"],
        ),
        ("KEN_INDEX__DIR", "file", ["index folder", "file"]),
        ("KEN_HTTP__PORT", "1", ["invalid settings", "port"]),
    ] {
        assert_fails_with(here, &["status"], &[(variable, value)], words);
    }
}

#[test]
fn argument_errors_name_cause_and_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().to_string();
    for (arguments, words) in [
        (
            vec!["serve", "--listen", &port],
            ["port is in use", "--listen"],
        ),
        (
            vec!["serve", "--listen", "0.0.0.0:0"],
            ["loopback", "no keys"],
        ),
        (vec!["eval", "."], ["not a judged set", "queries.jsonl"]),
        (
            vec!["search", ""],
            ["expected 1 to 2000 characters", "found none"],
        ),
        (
            vec!["ingest", "nowhere.md", "--workspace", "No Good"],
            ["workspace name", "a-z"],
        ),
    ] {
        assert_fails_with(here, &arguments, &[], words);
    }
    let failed = ken(here, &["ingest", "nowhere.md"], &[]);
    assert!(
        stdout(&failed).contains("failed: nowhere.md: No such file"),
        "{}",
        stdout(&failed)
    );
    assert_eq!(failed.status.code(), Some(2));
}

#[test]
fn foreign_index_is_reported_and_damaged_index_is_rebuilt() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    fs::write(here.join("a.md"), "# 退貨\n\n七天內可以退貨。").unwrap();
    assert!(ken(here, &["ingest", "a.md"], &[]).status.success());
    let manifest = here.join("indexes/default/manifest.json");
    let sound = fs::read_to_string(&manifest).unwrap();
    let check = |what: &str, word: &str| {
        let checked = ken(here, &["check"], &[]);
        let stderr = String::from_utf8_lossy(&checked.stderr).into_owned();
        assert!(
            stderr.contains(word) && stderr.contains("rebuilding"),
            "{what}: {stderr}"
        );
        let text = stdout(&checked);
        assert!(text.contains("1 chunks, 0 faults"), "{what}: {text}");
    };
    fs::write(
        &manifest,
        sound.replace("multilingual-e5-small", "another-encoder"),
    )
    .unwrap();
    // Another encoder may be intended, so the command reports it and rebuilds nothing.
    let text = complaint(here, &["check"], &[]);
    assert!(
        text.contains("another-encoder") && text.contains("ken rebuild"),
        "{text}"
    );
    assert!(ken(here, &["rebuild"], &[]).status.success());
    let text = stdout(&ken(here, &["check"], &[]));
    assert!(text.contains("1 chunks, 0 faults"), "{text}");
    fs::write(&manifest, "{").unwrap();
    check("a damaged manifest", "damaged");
    fs::remove_file(&manifest).unwrap();
    check("a missing manifest", "manifest.json not found");
    fs::write(here.join("indexes/default/keyword/meta.json"), "{").unwrap();
    check("a damaged keyword index", "damaged");
    let snapshot = fs::read_dir(here.join("indexes/default/vectors"))
        .unwrap()
        .flatten()
        .map(|e| e.path())
        .find(|p| p.extension().is_some_and(|e| e == "usearch"))
        .unwrap();
    fs::write(snapshot, "short").unwrap();
    check("a damaged snapshot", "checksum");
}

#[test]
fn eval_runs_are_sliced_compared_and_tuned() {
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("set");
    fs::create_dir(&set).unwrap();
    let lines = |lines: &[&str]| lines.join("\n");
    let corpus = lines(&[
        r#"{"_id":"refund","title":"","text":"退款會在十四天內入帳。","lang":"zh-Hant"}"#,
        r#"{"_id":"hours","title":"","text":"門市營業到晚上九點。","lang":"zh-Hant"}"#,
    ]);
    let queries = lines(&[
        r#"{"_id":"1~orig","text":"退款要多久","lang":"zh-Hant","perturb":"orig"}"#,
        r#"{"_id":"1~typo","text":"推款要多久","lang":"zh-Hant","perturb":"typo"}"#,
        r#"{"_id":"2~orig","text":"when do you close","lang":"en","perturb":"orig"}"#,
    ]);
    let qrels =
        "query-id\tcorpus-id\tscore\n1~orig\trefund\t1\n1~typo\trefund\t1\n2~orig\thours\t1\n";
    fs::write(set.join("corpus.jsonl"), corpus).unwrap();
    fs::write(set.join("queries.jsonl"), queries).unwrap();
    fs::write(set.join("qrels.tsv"), qrels).unwrap();
    let run = |extra: &[&str]| -> String {
        let mut arguments = vec!["eval", "set", "--cache", "cache"];
        arguments.extend(extra);
        let output = ken(folder.path(), &arguments, &[]);
        assert!(output.status.success(), "{output:?}");
        stdout(&output)
    };
    let sliced = run(&["--slices", "--per-query", "before.jsonl"]);
    for row in [
        "| set | hybrid | language | zh-Hant | 2 | 100.0 / 100.0 | – |",
        "| set | hybrid | perturbation | typo | 1 | 100.0 / 100.0 | 100.0 / 100.0 |",
    ] {
        assert!(sliced.contains(row), "{row}: {sliced}");
    }
    let without = ["--without", "homophones,proximity"];
    let compared = run(&[&without[..], &["--baseline", "before.jsonl"]].concat());
    assert!(
        compared.contains("| set | hybrid | R@1 | 3 | 100.0 |"),
        "{compared}"
    );
    let tuned = stdout(&ken(
        folder.path(),
        &["tune", "set", "--cache", "cache"],
        &[],
    ));
    assert!(
        tuned.contains("| set | 2 |") && tuned.contains("[retrieve]\nkeyword_share = 0."),
        "the English question to a Chinese collection is not counted: {tuned}"
    );
    let error = complaint(
        folder.path(),
        &["eval", "set", "--baseline", "nowhere"],
        &[],
    );
    assert!(error.contains("nowhere"), "{error}");
    let error = complaint(folder.path(), &["eval", "set", "--without", "luck"], &[]);
    assert!(error.contains("luck"), "{error}");
}

/// A folder with a sheet of two FAQs.
fn with_sheet() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("faqs.csv"),
        "問題,答案\n可以退貨嗎？,七天內可以退貨。\n退貨運費誰付？,運費由本店負擔。\n",
    )
    .unwrap();
    folder
}

fn import_sheet(folder: &Path) {
    let done = stdout(&ken(folder, &["faqs", "import", "faqs.csv"], &[]));
    assert!(done.contains("written, revision 2"), "{done}");
}

/// A folder with the two FAQs imported and a third one that contradicts the first.
fn with_conflict() -> TempDir {
    let folder = with_sheet();
    import_sheet(folder.path());
    fs::write(
        folder.path().join("other.csv"),
        "編號,問題,答案\nx,退貨期限是幾天？,十天內可以退貨。\n",
    )
    .unwrap();
    ken(folder.path(), &["faqs", "import", "other.csv"], &[]);
    folder
}

#[test]
fn faq_sheet_commands_import_and_export() {
    let folder = with_sheet();
    let here = folder.path();
    let dry_run = ["faqs", "import", "faqs.csv", "--dry-run"];
    let tried = stdout(&ken(here, &dry_run, &[]));
    assert!(
        tried.starts_with("new 2 ·") && tried.contains("dry run: nothing written"),
        "{tried}"
    );
    import_sheet(here);
    let exported = stdout(&ken(here, &["faqs", "export", "out.xlsx"], &[]));
    assert!(exported.starts_with("2 FAQs"), "{exported}");
    let again = stdout(&ken(here, &["faqs", "import", "out.xlsx"], &[]));
    assert!(
        again.contains("unchanged 2") && again.contains("nothing to write"),
        "{again}"
    );

    fs::write(here.join("bad.csv"), "問題,答案\n營業時間？,\n").unwrap();
    let refused = ken(here, &["faqs", "import", "bad.csv"], &[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stdout(&refused).contains("row 2 : answer: expected a value, found none"),
        "{}",
        stdout(&refused)
    );
    fs::write(here.join("none.csv"), "品名,價格\na,1\n").unwrap();
    assert!(complaint(here, &["faqs", "import", "none.csv"], &[]).contains("question and answer"));
}

#[test]
fn chunks_command_shows_chunks_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    fs::write(
        here.join("page.html"),
        "<main><h1>退貨</h1><h2>多久退款？</h2><p>十天。</p></main>",
    )
    .unwrap();
    let chunks = stdout(&ken(here, &["chunks", "page.html", "--json"], &[]));
    let chunk: Value = serde_json::from_str(&chunks).unwrap();
    assert_eq!(
        (&chunk["question"], &chunk["text"]),
        (&"多久退款？".into(), &"十天。".into())
    );
    assert!(complaint(here, &["chunks", "faqs.exe"], &[]).contains("faqs.exe"));
}

#[test]
fn lint_and_impact_commands_report_conflict_and_change() {
    let folder = with_conflict();
    let here = folder.path();
    let linted = ken(here, &["lint", "--json"], &[]);
    assert_eq!(linted.status.code(), Some(2), "{}", stdout(&linted));
    assert!(stdout(&linted).contains(r#""finding":"conflict""#));
    stdout(&ken(here, &["ask", "退貨運費誰付？"], &[]));
    fs::write(
        here.join("change.jsonl"),
        "{\"question\":\"退貨運費誰付？\",\"answer\":\"運費由顧客負擔。\"}\n",
    )
    .unwrap();
    let absent = ken(here, &["impact", "nothing-here"], &[]);
    assert_eq!(absent.status.code(), Some(2));
    let impact = stdout(&ken(here, &["impact", "change.jsonl"], &[]));
    assert!(
        impact.contains("changes: 退貨運費誰付？") && impact.contains("運費由顧客負擔"),
        "{impact}"
    );
}

#[test]
fn export_and_backup_commands_restore_all_documents() {
    let folder = with_conflict();
    let here = folder.path();
    let written = stdout(&ken(here, &["export", "all.jsonl"], &[]));
    assert!(written.starts_with("exported 3 documents"), "{written}");
    let read = stdout(&ken(here, &["import", "all.jsonl", "-w", "copy"], &[]));
    assert!(read.contains("added 3"), "{read}");
    ken(here, &["backup", "b.db"], &[]);
    assert!(complaint(here, &["backup", "b.db"], &[]).contains("exists"));
    fs::write(here.join("not.db"), "x").unwrap();
    assert!(complaint(here, &["restore", "not.db"], &[]).contains("not a Ken backup"));
    let restored = ken(here, &["restore", "b.db"], &[]);
    assert!(restored.status.success());
    assert!(stdout(&ken(here, &["check"], &[])).contains("copy: 3 chunks, 0 faults"));
}

#[test]
fn watched_folder_is_synchronized() {
    let folder = tempfile::tempdir().unwrap();
    let docs = folder.path().join("docs");
    fs::create_dir(&docs).unwrap();
    fs::write(docs.join("a.md"), "# 甲\n\n第一。").unwrap();
    let mut watching = Command::new(env!("CARGO_BIN_EXE_ken"))
        .current_dir(folder.path())
        .env("KEN_MODELS__DIR", models_dir())
        .args(["watch", "docs"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let mut until = |wanted: &str| {
        let found = lines
            .by_ref()
            .map(Result::unwrap)
            .find(|line| line.contains(wanted));
        assert!(found.is_some(), "the output ends without {wanted:?}");
    };
    until("added 1");
    fs::write(docs.join("b.md"), "# 乙\n\n第二。").unwrap();
    until("added 1");
    fs::write(docs.join("a.md"), "# 甲\n\n改了。").unwrap();
    until("changed 1");
    fs::remove_file(docs.join("b.md")).unwrap();
    until("archived 1");
    let stopped = Command::new("kill")
        .arg(watching.id().to_string())
        .status()
        .unwrap();
    assert!(stopped.success());
    assert!(
        watching.wait().unwrap().success(),
        "SIGTERM ends it with success"
    );
}

#[test]
fn reviewer_commands_import_edit_and_approve_drafts() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let lines: Vec<String> = crate::cases::cases_of("need-34")
        .iter()
        .map(ToString::to_string)
        .collect();
    fs::write(folder.join("cases.jsonl"), lines.join("\n")).unwrap();
    fs::write(folder.join("bad.jsonl"), "{\"turns\": []}\n").unwrap();
    let error = complaint(folder, &["cases", "bad.jsonl"], &[]);
    assert!(
        error.contains("bad.jsonl") && error.contains("/turns"),
        "{error}"
    );
    let taken = stdout(&ken(folder, &["cases", "cases.jsonl"], &[]));
    assert!(
        taken.starts_with("3 cases") && taken.contains(" 1 drafts to review"),
        "{taken}"
    );

    let list = json(folder, &["drafts", "list", "--json"]);
    let id = list[0]["id"].as_str().unwrap();
    assert_eq!(list[0]["sources"].as_array().unwrap().len(), 3);
    let shown = stdout(&ken(folder, &["drafts", "show", id], &[]));
    assert!(
        shown.contains("\"nearest\"") && shown.contains("NT$650"),
        "{shown}"
    );
    let edited = ken(
        folder,
        &["drafts", "edit", id, "--answer", "急件：[phone:1]"],
        &[],
    );
    assert!(edited.status.success());
    let error = complaint(folder, &["drafts", "approve", id], &[]);
    assert!(error.contains("/answer"), "{error}");
    let better = ["drafts", "edit", id, "--answer", "急件維修加收 NT$650。"];
    assert!(ken(folder, &better, &[]).status.success());
    let approved = stdout(&ken(folder, &["drafts", "approve", id, "--by", "amy"], &[]));
    assert!(approved.contains("is published as learned/"), "{approved}");
    let error = complaint(folder, &["drafts", "reject", id, "--reason", "late"], &[]);
    assert!(error.contains("published"), "{error}");

    let answer = stdout(&ken(folder, &["ask", "維修急件要多少錢？", "--json"], &[]));
    assert!(answer.contains("NT$650"), "{answer}");
    ken(folder, &["ask", "附近哪裡有拉麵店？"], &[]);
    let gaps = json(folder, &["gaps", "--json"]);
    assert_eq!(gaps[0]["question"], "附近哪裡有拉麵店？", "{gaps}");
    let labels = stdout(&ken(folder, &["learn", "labels", "set"], &[]));
    assert!(labels.contains("questions on 1 documents"), "{labels}");
    let error = complaint(folder, &["learn", "rollback"], &[]);
    assert!(error.contains("no earlier settings"), "{error}");
    let backup = ken(
        folder,
        &["backup", "all.db", "--vault", "vault-copy.db"],
        &[],
    );
    assert!(backup.status.success() && folder.join("vault-copy.db").metadata().unwrap().len() > 0);
}

#[test]
fn dialogue_evaluation_leaves_service_data_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("dialogues");
    fs::create_dir(&set).unwrap();
    let mut lines = Vec::new();
    for need in ["need-34", "need-36"] {
        for case in crate::cases::cases_of(need) {
            let line =
                serde_json::json!({ "id": case["id"], "turns": case["turns"], "tasks": [need] });
            lines.push(line.to_string());
        }
    }
    fs::write(set.join("dialogues.jsonl"), lines.join("\n")).unwrap();
    let output = ken(folder.path(), &["eval", "dialogues"], &[]);
    let table = stdout(&output);
    let row = table.lines().last().unwrap_or_default().to_owned();
    assert!(
        row.starts_with("| dialogues | 6 | 2 | 100.0 | 100.0 |"),
        "six dialogues, two drafts, each of one task: {table}{output:?}"
    );
    assert!(
        !folder.path().join("data").exists(),
        "the store and the vault of the service are unchanged"
    );
}
