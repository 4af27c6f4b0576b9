//! Measures retrieval without the encoder, through the whole service: 1,000 and 100,000 chunks of synthetic text with
//! synthetic vectors. The vectors are put into the store's cache, so ingestion finds them there. The printed rate of
//! the set-up is that of ingestion with cached vectors.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use divan::Bencher;
use half::f16;
use ken::app::{App, default_workspace};
use ken::bench::memory_mb;
use ken_answer::answer::Question;
use ken_base::config::Config;
use ken_base::domain::{DocumentId, Metadata, Mode, Query, Timings};
use ken_ingest::ingest::{FileFormat, parse_article};
use ken_search::embed::Embedder;
use ken_store::store::{Write, text_hash};

fn main() {
    divan::main();
    println!(
        "peak memory {:.0} MB",
        memory_mb(std::process::id(), "VmHWM")
    );
}

/// A service with `n` documents of one chunk each, and questions with their vectors.
struct Bench {
    app: App,
    questions: Vec<(String, Vec<f32>)>,
    _folder: tempfile::TempDir,
}

fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Runtime::new().expect("a runtime"))
}

fn bench(n: usize) -> &'static Bench {
    static MADE: Mutex<Option<HashMap<usize, &'static Bench>>> = Mutex::new(None);
    let mut made = MADE.lock().expect("no bench panics");
    made.get_or_insert_with(HashMap::new)
        .entry(n)
        .or_insert_with(|| Box::leak(Box::new(runtime().block_on(make(n)))))
}

/// A generator that returns the same numbers on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn unit(&mut self) -> f32 {
        self.next() as f32 / (1_u64 << 31) as f32
    }
}

/// A text of `n_chars` characters whose frequencies decrease as in real text.
fn text(random: &mut Random, n_chars: usize) -> String {
    (0..n_chars)
        .map(|_| {
            char::from_u32(0x4E00 + (3_000.0 * random.unit().powi(3)) as u32)
                .expect("a Han character")
        })
        .collect()
}

/// Five sentences of such characters.
fn sentences(random: &mut Random) -> String {
    (0..5).map(|_| text(random, 24) + "。").collect()
}

/// A vector of unit length from one of 200 clusters.
fn vector(random: &mut Random, dimension: usize) -> Vec<f32> {
    let mut centre = Random(random.next() % 200 + 1);
    let raw: Vec<f32> = (0..dimension)
        .map(|_| centre.unit() - 0.5 + (random.unit() - 0.5) * 0.8)
        .collect();
    let norm = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
    raw.into_iter().map(|x| x / norm).collect()
}

async fn make(n: usize) -> Bench {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut config = Config::load(None).expect("the settings");
    config.store.url = format!("sqlite://{}", folder.path().join("ken.db").display());
    config.index.dir = folder.path().join("indexes");
    // Every question is admitted, so that every answer is composed.
    config.answer.min_confidence = Some(0.0);
    let encoder = config.encoder.clone();
    let embedder = tokio::task::spawn_blocking(move || Embedder::open(&encoder))
        .await
        .expect("no panic")
        .expect("an encoder");
    let app = App::build_with(config, embedder).await.expect("a service");
    let workspace = default_workspace();
    let mut random = Random(7);
    let start = Instant::now();
    let mut last = 0;
    for first in (0..n).step_by(500) {
        let mut writes = Vec::new();
        let mut vectors = Vec::new();
        for i in first..(first + 500).min(n) {
            let metadata = Metadata {
                title: format!("文件{i}"),
                language: Some("zh-Hant".into()),
                ..Metadata::default()
            };
            let id = DocumentId::parse(&format!("d{i}")).expect("an id");
            let source = parse_article(id, metadata, &sentences(&mut random), FileFormat::Plain)
                .expect("text");
            let chunk = &source.chunks[0];
            let view = source.metadata.searchable(
                &chunk.heading_path,
                chunk.span.slice(&source.text).expect("a span"),
            );
            let vector = vector(&mut random, app.embedder.dimension());
            vectors.push((
                text_hash(&view),
                vector.into_iter().map(f16::from_f32).collect(),
            ));
            writes.push(Write::Put {
                source: Box::new(source),
                origin: None,
            });
        }
        app.store
            .insert_vectors(&workspace, app.embedder.id(), &vectors)
            .await
            .expect("kept");
        last = app
            .store
            .record(&workspace, writes)
            .await
            .expect("recorded")
            .last()
            .expect("some")
            .revision;
    }
    let recorded = start.elapsed();
    app.follower.wake();
    assert!(
        app.follower
            .wait_for(&workspace, last, Duration::from_secs(3_600))
            .await
    );
    let total = start.elapsed();
    assert_eq!(
        app.follower.progress().borrow().n_encoded,
        0,
        "all vectors were cached"
    );
    eprintln!(
        "{n} chunks with cached vectors: recorded at {:.0}/s, searchable after {:.1} s ({:.0}/s); peak memory {:.0} MB",
        n as f64 / recorded.as_secs_f64(),
        total.as_secs_f64(),
        n as f64 / total.as_secs_f64(),
        memory_mb(std::process::id(), "VmHWM")
    );
    let questions = (0..500)
        .map(|_| {
            (
                text(&mut random, 15),
                vector(&mut random, app.embedder.dimension()),
            )
        })
        .collect();
    Bench {
        app,
        questions,
        _folder: folder,
    }
}

fn search(bencher: Bencher, n: usize, mode: Mode) {
    let bench = bench(n);
    let workspace = default_workspace();
    let mut next = 0;
    bencher
        .with_inputs(|| {
            next += 1;
            let (text, vector) = &bench.questions[next % bench.questions.len()];
            (
                Query::parse(text, 10).expect("a question").with_mode(mode),
                vector.clone(),
            )
        })
        .bench_local_values(|(query, vector)| {
            runtime()
                .block_on(
                    bench
                        .app
                        .retriever
                        .retrieve_with(&workspace, &query, Some(vector)),
                )
                .expect("hits")
        });
}

#[divan::bench(args = [1_000, 100_000], sample_count = 500, sample_size = 1)]
fn hybrid(bencher: Bencher, n: usize) {
    search(bencher, n, Mode::Hybrid);
}

#[divan::bench(args = [1_000, 100_000], sample_count = 500, sample_size = 1)]
fn keyword(bencher: Bencher, n: usize) {
    search(bencher, n, Mode::Keyword);
}

#[divan::bench(args = [1_000, 100_000], sample_count = 500, sample_size = 1)]
fn vectors(bencher: Bencher, n: usize) {
    search(bencher, n, Mode::Vector);
}

/// The encoder alone, as `answer` uses it; compare them within one run.
#[divan::bench(args = [1_000, 100_000], sample_count = 300, sample_size = 1)]
fn encoder(bencher: Bencher, n: usize) {
    let bench = bench(n);
    let mut next = 0;
    bencher
        .with_inputs(|| {
            next += 1;
            bench.questions[next % bench.questions.len()].0.clone()
        })
        .bench_local_values(|text| {
            let encoding = bench.app.embedder.embed_question(&text);
            runtime().block_on(encoding).expect("a vector")
        });
}

/// A whole answer: encode, search, admit, compose, verify, record.
#[divan::bench(args = [1_000, 100_000], sample_count = 300, sample_size = 1)]
fn answer(bencher: Bencher, n: usize) {
    let bench = bench(n);
    let workspace = default_workspace();
    let mut stages: Vec<Timings> = Vec::new();
    let mut next = 0;
    bencher
        .with_inputs(|| {
            next += 1;
            Question::parse(&bench.questions[next % bench.questions.len()].0).unwrap()
        })
        .bench_local_values(|question| {
            let answering = bench.app.answerer.answer(&workspace, question, None);
            let explained = runtime().block_on(answering).expect("an answer");
            stages.push(explained.answer.timings_ms);
            explained
        });
    let median = |stage: fn(&Timings) -> f64| {
        let mut ms: Vec<f64> = stages.iter().map(stage).collect();
        ms.sort_by(f64::total_cmp);
        ms.get(ms.len() / 2).copied().unwrap_or_default()
    };
    eprintln!(
        "{n} chunks, medians in ms: embed {:.2}, keyword {:.2} (beside it), vector {:.2}, fuse {:.2}, load {:.2}, admit {:.2}, compose {:.2}, total {:.2}",
        median(|t| t.embed),
        median(|t| t.keyword),
        median(|t| t.vector),
        median(|t| t.fuse),
        median(|t| t.load),
        median(|t| t.admit),
        median(|t| t.compose),
        median(|t| t.total)
    );
}
