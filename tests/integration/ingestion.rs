//! Ingestion of folders: unchanged and unreadable files, and rebuilding the indexes from stored vectors.

use std::fs;
use std::time::Duration;

use ken::app::default_workspace;
use ken::check::check;
use ken_knowledge::editing::files;
use tempfile::TempDir;

use crate::support::{TestApp, root};

/// A folder with four readable files, five unreadable ones and a picture.
fn mixed_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let big5 = encoding_rs::BIG5.encode("商品到貨後七天內，可以申請退貨，運費由本店負擔。");
    for (name, bytes) in [
        ("a.md", "# 甲\n\n第一篇。".as_bytes()),
        ("b.txt", "第二篇。".as_bytes()),
        ("big5.txt", &big5.0),
        ("faqs.jsonl", br#"{"id":"f1","question":"q","answer":"a"}"#),
        ("binary.md", b"PNG\0\x01\x02"),
        ("latin.txt", b"caf\xE9 \xFF\xFE\x81"),
        ("bad.jsonl", b"{\"id\":\"x\",\"question\":\"q\"}"),
        ("empty.md", b"  \n"),
        ("twin.md", "---\nid: f1\n---\n同名".as_bytes()),
        ("picture.png", b"\x89PNG"),
    ] {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_files_are_reported_with_reason() {
    let app = TestApp::start().await;
    let folder = mixed_folder();
    let report = app.ingest(folder.path()).await;
    assert_eq!(
        (
            report.added,
            report.changed,
            report.unchanged,
            report.skipped
        ),
        (4, 0, 0, 1),
        "{report:?}"
    );
    let reason = |name: &str| {
        let failure = report.failed.iter().find(|f| f.path.ends_with(name));
        failure
            .unwrap_or_else(|| panic!("{name} did not fail: {report:?}"))
            .reason
            .clone()
    };
    assert!(
        reason("binary.md").contains("binary")
            && reason("binary.md").contains("NUL byte at offset 3")
    );
    assert!(reason("latin.txt").contains("save the file as UTF-8"));
    assert!(reason("bad.jsonl").contains("line 1") && reason("bad.jsonl").contains("answer"));
    assert!(reason("empty.md").contains("no text"));
    assert!(reason("twin.md").contains("f1"));
    assert_eq!(report.failed.len(), 5);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unchanged_folder_is_not_ingested_again() {
    let app = TestApp::start().await;
    let folder = mixed_folder();
    let report = app.ingest(folder.path()).await;
    let again = app.ingest(folder.path()).await;
    assert_eq!((again.added, again.changed, again.unchanged), (0, 0, 4));
    assert_eq!(again.revision, report.revision, "nothing was recorded");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prune_archives_documents_of_removed_files() {
    let app = TestApp::start().await;
    let folder = mixed_folder();
    app.ingest(folder.path()).await;
    fs::write(folder.path().join("a.md"), "# 甲\n\n改過的第一篇。").unwrap();
    fs::remove_file(folder.path().join("b.txt")).unwrap();
    let workspace = default_workspace();
    let paths = [folder.path().to_owned()];
    let options = files::IngestOptions {
        prune: true,
        ..files::IngestOptions::default()
    };
    let pruned = files::ingest(app.app.ingester(), &workspace, &paths, options, |_, _| {})
        .await
        .unwrap();
    assert_eq!(
        (
            pruned.added,
            pruned.changed,
            pruned.unchanged,
            pruned.archived
        ),
        (0, 1, 2, 1),
        "{pruned:?}"
    );
    app.app.follower.wake();
    let follower = &app.app.follower;
    let indexed = follower.wait_for(&workspace, pruned.revision, Duration::from_secs(60));
    assert!(indexed.await);
    let checked = check(&app.app, &workspace).await.unwrap();
    assert_eq!((checked.faults, checked.n_chunks), (vec![], 3));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_path_is_reported_and_rest_is_ingested() {
    let app = TestApp::start().await;
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("a.md");
    fs::write(&good, "文").unwrap();
    // A link to nowhere and a folder in place of a file fail for root too, unlike a folder without rights.
    let paths = [folder.path().join("nowhere"), good];
    let report = files::ingest(
        app.app.ingester(),
        &default_workspace(),
        &paths,
        files::IngestOptions::default(),
        |_, _| {},
    )
    .await
    .unwrap();
    assert_eq!((report.added, report.failed.len()), (1, 1), "{report:?}");
    assert!(
        report.failed[0].path.ends_with("nowhere")
            && report.failed[0].reason.contains("No such file")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn index_rebuild_reuses_stored_vectors() {
    let app = TestApp::start().await;
    app.ingest(&root().join("corpus/shop/knowledge")).await;
    let question = serde_json::json!({ "question": "離島運費" });
    let (_, before) = app.post("/v1/search", question.clone()).await;
    let n_encoded = app.app.follower.progress().borrow().n_encoded;
    assert!(n_encoded > 100);
    let folder = app.stop().await;
    ken_search::index::clear(&folder.path().join("indexes")).unwrap();
    let app = TestApp::start_in(folder, |_| {}).await;
    let workspace = default_workspace();
    let revision = app.app.store.revision(&workspace).await.unwrap();
    assert!(
        app.app
            .follower
            .wait_for(&workspace, revision, Duration::from_secs(60))
            .await
    );
    assert_eq!(
        app.app.follower.progress().borrow().n_encoded,
        0,
        "every vector came from the store"
    );
    assert_eq!(
        check(&app.app, &workspace).await.unwrap().faults,
        Vec::<String>::new()
    );
    let (_, after) = app.post("/v1/search", question).await;
    assert_eq!(before["hits"], after["hits"]);
}
