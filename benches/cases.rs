//! Measures distillation of cases in bulk: `cargo bench --bench cases [-- N]`, 10,000 by default. The cases are
//! conversations of `corpus/month` with other names, telephone numbers, orders and greetings. Prints cases per second
//! for each step, and the peak of memory; `docs/measured/learning.md` records the figures.

use std::path::Path;
use std::time::{Duration, Instant};

use ken::app::{App, default_workspace};
use ken::bench::memory_mb;
use ken_base::config::Config;
use ken_base::domain::{Case, DraftState};
use ken_knowledge::editing::files;
use ken_learn::cases::distill;
use ken_search::embed::Embedder;
use ken_text::redact::Redactor;
use serde_json::Value;

fn main() {
    let n: usize = std::env::args()
        .skip(1)
        .find_map(|arg| arg.parse().ok())
        .unwrap_or(10_000);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(run(n));
}

async fn run(n: usize) {
    let cases = synthetic(n);
    let redactor = Redactor::default();
    let texts: Vec<&str> = cases
        .iter()
        .flat_map(|case| case.turns.iter().map(|turn| turn.text.as_str()))
        .collect();
    let redacting = timed(|| {
        for text in &texts {
            std::hint::black_box(redactor.mask(text));
        }
    });
    let distilling = timed(|| {
        for case in &cases {
            std::hint::black_box(distill(case));
        }
    });
    print_rate("redact", n, redacting);
    print_rate("distil", n, distilling);

    let folder = tempfile::tempdir().expect("a folder");
    let mut config = Config::default();
    config.store.url = format!("sqlite://{}", folder.path().join("ken.db").display());
    config.index.dir = folder.path().join("indexes");
    config.ingest.reader = Path::new(env!("CARGO_BIN_EXE_ken")).with_file_name("ken-read");
    let config = config.completed();
    let embedder =
        Embedder::open(&config.encoder).expect("the models are prepared: run `ken setup`");
    let app = App::build_with(config, embedder.clone())
        .await
        .expect("it starts");
    let workspace = default_workspace();
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/shop/knowledge");
    let report = files::ingest(
        app.ingester(),
        &workspace,
        &[shop],
        files::IngestOptions::default(),
        |_, _| {},
    )
    .await
    .expect("the shop is ingested");
    app.follower.wake();
    assert!(
        app.follower
            .wait_for(&workspace, report.revision, Duration::from_secs(600))
            .await
    );
    let before = memory_mb(std::process::id(), "VmRSS");
    let (start, busy) = (Instant::now(), embedder.busy_time());
    for batch in cases.chunks(500) {
        let kept = app.cases.submit(&workspace, batch.to_vec()).await;
        kept.expect("they are kept").expect("they have no faults");
    }
    print_rate("take in, beside the distilling", n, start.elapsed());
    assert!(
        app.cases
            .wait_for(&workspace, Duration::from_secs(7_200))
            .await
            .expect("they are distilled")
    );
    let all = start.elapsed();
    print_rate("take in, distil, encode, group, relate", n, all);
    let encoding = embedder.busy_time() - busy;
    print_rate(
        "the same without the encoder",
        n,
        all.saturating_sub(encoding),
    );
    let drafts = app
        .store
        .drafts(&workspace, DraftState::Open, 100_000)
        .await
        .expect("there are drafts");
    let largest = drafts.iter().map(|draft| draft.sources.len()).max();
    println!(
        "{} drafts, the largest of {} cases; memory {before:.0} MB before, {:.0} MB at most",
        drafts.len(),
        largest.unwrap_or(0),
        memory_mb(std::process::id(), "VmHWM")
    );
    app.close().await;
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn print_rate(what: &str, n: usize, took: Duration) {
    println!(
        "{what}: {:.0} cases/s ({:.1} s)",
        n as f64 / took.as_secs_f64(),
        took.as_secs_f64()
    );
}

fn synthetic(n: usize) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/month");
    let read = |name: &str| {
        std::fs::read_to_string(folder.join(name)).expect("the month is part of the sources")
    };
    let lines = |text: &str| -> Vec<Value> {
        text.lines()
            .map(|line| serde_json::from_str(line).expect("one object a line"))
            .collect()
    };
    let mut seeds: Vec<Case> = Vec::new();
    for need in lines(&read("needs.jsonl")) {
        for case in need["cases"].as_array().expect("a list") {
            seeds.push(serde_json::from_value(case.clone()).expect("a case"));
        }
    }
    for line in lines(&read("noise.jsonl")) {
        let case = serde_json::json!({ "turns": line["turns"], "outcome": line["outcome"] });
        seeds.push(serde_json::from_value(case).expect("a case"));
    }
    let mut random = fastrand::Rng::with_seed(3);
    let greetings = [
        "你好，",
        "請問，",
        "哈囉～",
        "Hi, ",
        "不好意思，",
        "想問一下，",
        "",
    ];
    (0..n)
        .map(|at| {
            let mut case = seeds[random.usize(0..seeds.len())].clone();
            case.id = format!("case-{at}");
            if let Some(first) = case.turns.first_mut() {
                let greeting = random.choice(greetings).expect("there are some");
                first.text = format!(
                    "{greeting}{} 電話 09{:08}",
                    first.text,
                    random.u32(0..100_000_000)
                );
            }
            case
        })
        .collect()
}
