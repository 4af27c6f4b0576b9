//! The binary as an operator meets it, with the faults that only a fresh process can show.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::models_dir;

fn ken(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ken"));
    command
        .current_dir(folder)
        .env("KEN_MODELS__DIR", models_dir())
        .args(arguments);
    command.envs(variables.iter().copied());
    command.output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a failing command says; a panic is never among it.
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

#[test]
fn ingest_search_ask_status_and_check() {
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
    let hit: serde_json::Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
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
    let explained: serde_json::Value =
        serde_json::from_str(explained.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&explained["verdict"], &explained["rank"]),
        (&"listed".into(), &1.into())
    );
    let answer = stdout(&ken(
        folder.path(),
        &["ask", "退貨的運費由誰負擔", "--json"],
        &[],
    ));
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["outcome"], "answered", "{answer}");
    assert!(stdout(&ken(folder.path(), &["status"], &[])).contains("\"n_chunks\":1"));
    assert!(stdout(&ken(folder.path(), &["rebuild"], &[])).contains("default: revision 1"));
    assert!(stdout(&ken(folder.path(), &["check"], &[])).contains("default: 1 chunks, 0 faults"));
}

#[test]
fn faults_are_said_in_a_sentence_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().to_string();
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
    for (arguments, variables, words) in [
        (
            vec!["status"],
            vec![("KEN_ENCODER__RUNTIME", "/nowhere")],
            ["ONNX Runtime library is not at /nowhere", "ken setup"],
        ),
        (
            vec!["status"],
            vec![("KEN_ENCODER__RUNTIME", not_a_library.as_str())],
            ["cannot be used", "ken setup"],
        ),
        (
            vec!["status"],
            vec![("KEN_ENCODER__RUNTIME", other_library)],
            ["OrtGetApiBase", "ken setup"],
        ),
        (
            vec!["status"],
            vec![("KEN_ENCODER__PATH", "/nowhere")],
            ["lacks encoder.json", "ken setup"],
        ),
        (
            vec!["status"],
            vec![("KEN_STORE__URL", "sqlite:///proc/nowhere/ken.db")],
            ["store", "/proc/nowhere"],
        ),
        (
            vec!["status"],
            vec![("KEN_INDEX__DIR", "file")],
            ["index folder", "file"],
        ),
        (
            vec!["status"],
            vec![("KEN_HTTP__PORT", "1")],
            ["settings cannot be used", "port"],
        ),
        (
            vec!["serve", "--listen", &port],
            vec![],
            ["port in use", "--listen"],
        ),
        (
            vec!["serve", "--listen", "0.0.0.0:0"],
            vec![],
            ["loopback", "no keys"],
        ),
        (
            vec!["eval", "."],
            vec![],
            ["no judged set", "queries.jsonl"],
        ),
        (
            vec!["search", ""],
            vec![],
            ["expected 1 to 2000 characters", "found none"],
        ),
        (
            vec!["ingest", "nowhere.md", "--workspace", "No Good"],
            vec![],
            ["workspace name", "a-z"],
        ),
    ] {
        let text = complaint(here, &arguments, &variables);
        assert!(
            words.iter().all(|word| text.contains(word)),
            "{arguments:?} {variables:?}: {text}"
        );
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
fn damaged_or_foreign_indexes_are_named_and_rebuilt() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    fs::write(here.join("a.md"), "# 退貨\n\n七天內可以退貨。").unwrap();
    assert!(ken(here, &["ingest", "a.md"], &[]).status.success());
    let manifest = here.join("indexes/default/manifest.json");
    let sound = fs::read_to_string(&manifest).unwrap();
    let check = |what: &str, word: &str| {
        let text = complaint(here, &["check"], &[]);
        assert!(
            text.contains(word) && text.contains("ken rebuild"),
            "{what}: {text}"
        );
        assert!(ken(here, &["rebuild"], &[]).status.success(), "{what}");
        let text = stdout(&ken(here, &["check"], &[]));
        assert!(text.contains("1 chunks, 0 faults"), "{what}: {text}");
    };
    fs::write(
        &manifest,
        sound.replace("multilingual-e5-small", "another-encoder"),
    )
    .unwrap();
    check("an index made by another encoder", "another-encoder");
    fs::write(&manifest, "{").unwrap();
    check("a damaged manifest", "damaged");
    fs::remove_file(&manifest).unwrap();
    check("a missing manifest", "manifest.json is missing");
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
fn runs_are_sliced_compared_and_tuned() {
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
    fs::write(
        folder.path().join("ken.toml"),
        "[retrieve]\nwithout = [\"homophones\", \"proximity\"]\n",
    )
    .unwrap();
    let compared = run(&["--baseline", "before.jsonl"]);
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
        "the English question is to a collection of another writing: {tuned}"
    );
    let error = complaint(
        folder.path(),
        &["eval", "set", "--baseline", "nowhere"],
        &[],
    );
    assert!(error.contains("nowhere"), "{error}");
    fs::write(
        folder.path().join("ken.toml"),
        "[retrieve]\nwithout = [\"luck\"]\n",
    )
    .unwrap();
    let error = complaint(folder.path(), &["eval", "set"], &[]);
    assert!(error.contains("luck"), "{error}");
}
