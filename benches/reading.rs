//! Measures files to recorded chunks, without the encoder: parsing alone, parsing in bounded processes and recording in
//! the store, and a long PDF. `KEN_BENCH_BYTES` sets how much Markdown is recorded (default 64 MB; 1 GB shows that
//! memory is bounded; the peak is printed).

use std::path::{Path, PathBuf};

use divan::Bencher;
use divan::counter::BytesCount;
use ken::app::default_workspace;
use ken_base::config::IngestConfig;
use ken_ingest::ingest::parse_file;
use ken_ingest::ingest::worker::FileReader;
use ken_store::store::{Store, Write};
use lopdf::{Document, Object};

fn main() {
    divan::main();
}

fn config() -> IngestConfig {
    IngestConfig {
        reader: Path::new(env!("CARGO_BIN_EXE_ken")).with_file_name("ken-read"),
        ..IngestConfig::default()
    }
}

/// The sample shop's articles, repeated: about 1 MB per file.
fn markdown(n: usize) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/shop/knowledge");
    let mut articles: Vec<PathBuf> = ignore::Walk::new(folder)
        .flatten()
        .map(ignore::DirEntry::into_path)
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .collect();
    articles.sort();
    assert!(!articles.is_empty());
    let body = |path: &PathBuf| -> String {
        let text = std::fs::read_to_string(path).expect("an article");
        text.splitn(3, "---\n")
            .last()
            .unwrap_or_default()
            .to_owned()
    };
    let all: String = articles.iter().map(body).collect();
    format!(
        "# 檔案 {n}\n\n{}",
        all.repeat((1 << 20) / all.len().max(1) + 1)
    )
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn parse_markdown(bencher: Bencher) {
    let text = markdown(0);
    bencher
        .counter(BytesCount::new(text.len()))
        .bench(|| parse_file("a.md", text.as_bytes()).expect("it parses"));
}

#[divan::bench(sample_count = 1, sample_size = 1)]
fn read_and_record_markdown(bencher: Bencher) {
    let n_bytes: usize = std::env::var("KEN_BENCH_BYTES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(64 << 20);
    let folder = tempfile::tempdir().expect("a folder");
    let knowledge = folder.path().join("knowledge");
    std::fs::create_dir(&knowledge).expect("a folder");
    let mut written = 0;
    for n in 0.. {
        let text = markdown(n);
        written += text.len();
        std::fs::write(knowledge.join(format!("{n}.md")), text).expect("a file");
        if written >= n_bytes {
            break;
        }
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    bencher.counter(BytesCount::new(written)).bench_local(|| {
        runtime.block_on(async {
            let url = format!("sqlite://{}", folder.path().join("ken.db").display());
            let store = Store::open(&url).await.expect("a store");
            let reader = FileReader::new(&config());
            let mut files: Vec<PathBuf> = std::fs::read_dir(&knowledge)
                .expect("a folder")
                .map(|entry| entry.expect("a file").path())
                .collect();
            files.sort();
            for file in files {
                let bytes = std::fs::read(&file).expect("a file");
                let name = file.file_name().expect("a name").to_string_lossy();
                let parsed = reader.read(&name, bytes).await.expect("it is read");
                assert_eq!(parsed.failed, []);
                let writes = parsed.sources.into_iter().map(Write::put).collect();
                let recorded = store.record(&default_workspace(), writes).await;
                recorded.expect("recorded");
            }
            store.close().await;
        });
    });
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap_or_default();
    println!("{written} bytes of Markdown; {peak}");
}

/// A fixture of four pages, with its pages repeated.
fn long_pdf(n_pages: usize) -> Vec<u8> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/formats/manual-libreoffice.pdf");
    let mut document = Document::load(path).expect("the fixture");
    let pages: Vec<_> = document.get_pages().into_values().collect();
    let mut kids: Vec<Object> = Vec::with_capacity(n_pages);
    for id in pages.iter().cycle().take(n_pages) {
        let page = document.get_object(*id).expect("a page").clone();
        kids.push(Object::Reference(document.add_object(page)));
    }
    let catalog = document.catalog().expect("a catalog");
    let root = catalog
        .get(b"Pages")
        .and_then(Object::as_reference)
        .expect("pages");
    let tree = document.get_dictionary_mut(root).expect("a page tree");
    tree.set("Kids", Object::Array(kids));
    tree.set("Count", Object::Integer(n_pages as i64));
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).expect("it is written");
    bytes
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn read_pdf_of_500_pages(bencher: Bencher) {
    let bytes = long_pdf(500);
    bencher.bench(|| {
        let parsed = parse_file("long.pdf", &bytes).expect("it parses");
        assert_eq!(parsed.sources[0].outline.pages.len(), 500);
    });
}
