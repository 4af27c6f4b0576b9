//! Measures ingestion of the sample shop's knowledge, from files to searchable: with the encoder, and with all vectors
//! cached.

use std::path::Path;
use std::time::Duration;

use divan::Bencher;
use ken::app::{App, default_workspace};
use ken_base::config::Config;
use ken_knowledge::editing::files;

fn main() {
    divan::main();
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().expect("a runtime")
}

async fn open(folder: &Path) -> App {
    let mut config = Config::load(None).expect("the settings");
    config.ingest.reader = Path::new(env!("CARGO_BIN_EXE_ken")).with_file_name("ken-read");
    config.store.url = format!("sqlite://{}", folder.join("ken.db").display());
    config.index.dir = folder.join("indexes");
    App::build(config).await.expect("a service")
}

async fn ingest(app: &App) {
    let workspace = default_workspace();
    let knowledge = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/shop/knowledge");
    let report = files::ingest(
        app.ingester(),
        &workspace,
        &[knowledge],
        files::IngestOptions::default(),
        |_, _| {},
    )
    .await
    .expect("recorded");
    assert!(report.failed.is_empty());
    app.follower.wake();
    assert!(
        app.follower
            .wait_for(&workspace, report.revision, Duration::from_secs(600))
            .await
    );
}

/// Closing saves the vectors and frees the folder for the next round.
async fn ingest_and_close(app: &App) {
    ingest(app).await;
    app.close().await;
}

/// 98 files and FAQs, 237 chunks, 426 vectors.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn shop_with_encoder(bencher: Bencher) {
    let runtime = runtime();
    bencher
        .with_inputs(|| {
            let folder = tempfile::tempdir().expect("a folder");
            (runtime.block_on(open(folder.path())), folder)
        })
        .bench_local_refs(|(app, _)| runtime.block_on(ingest_and_close(app)));
}

/// The indexes are deleted and rebuilt from the store.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn rebuild_with_cached_vectors(bencher: Bencher) {
    let runtime = runtime();
    let folder = tempfile::tempdir().expect("a folder");
    runtime.block_on(async {
        let app = open(folder.path()).await;
        ingest_and_close(&app).await;
    });
    bencher
        .with_inputs(|| {
            ken_search::index::clear(&folder.path().join("indexes")).expect("cleared");
            runtime.block_on(open(folder.path()))
        })
        .bench_local_refs(|app| runtime.block_on(ingest_and_close(app)));
}
