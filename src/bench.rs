//! `ken bench`: load test of the real service on a synthetic corpus, with questions at a fixed rate (open loop).
//!
//! Latency counts from the time when a question was due, not from when it could be sent. A service that is blocked for
//! a second is charged with all questions that were due in that second (no coordinated omission, Tene 2015). The text
//! is random. Up to [`MAX_ENCODED`] chunks it is encoded; above that the vectors are random, too, and the report says
//! so.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use half::f16;
use hdrhistogram::Histogram;
use reqwest::Client;
use serde::Serialize;
use serde_json::json;

use crate::app::{App, AppError, default_workspace};
use ken_base::config::Config;
use ken_base::domain::{DocumentId, Metadata};
use ken_ingest::ingest::{FileFormat, IngestError, parse_article};
use ken_store::store::{StoreError, Write, text_hash};

/// With more chunks than this, vectors are random.
pub const MAX_ENCODED: usize = 10_000;
/// The number of documents per transaction.
const BATCH: usize = 500;
/// The time after which memory used for loading is returned to the system.
const IDLE_AFTER: Duration = Duration::from_secs(5);

/// Why a load test failed.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The service could not be built.
    #[error(transparent)]
    App(#[from] AppError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A synthetic document could not be parsed.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// The service did not start, or indexing failed.
    #[error("service: {0}")]
    Service(String),
    /// The HTTP client failed.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    /// A file or process could not be used.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// A generator of text that follows Zipf's law over made-up words. The same seed returns the same text.
pub struct SyntheticText(fastrand::Rng);

impl SyntheticText {
    /// A generator with this seed.
    pub fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// Appends a word of one to three Han characters, or sometimes of Latin letters. Word n has a frequency of about
    /// 1/n.
    fn word(&mut self, into: &mut String) {
        const N_WORDS: f64 = 20_000.0;
        let number = N_WORDS.powf(self.0.f64()) as u64;
        let mut of_word = fastrand::Rng::with_seed(number);
        if number.is_multiple_of(37) {
            let name = ["Door", "Air", "Nest", "Hub", "Pro", "Max"];
            into.push_str(name[of_word.usize(..name.len())]);
            into.push_str(&format!("{} ", of_word.u32(1..100)));
            return;
        }
        for _ in 0..of_word.usize(1..4) {
            let character = char::from_u32(0x4E00 + of_word.u32(..4_000));
            into.extend(character);
        }
    }

    /// A text of `n_chars` characters, or a few more.
    pub fn text(&mut self, n_chars: usize) -> String {
        let mut text = String::new();
        while text.chars().count() < n_chars {
            self.word(&mut text);
        }
        text
    }

    /// Three to nine sentences.
    fn passage(&mut self) -> String {
        let n_sentences = self.0.usize(3..10);
        let mut sentence = || {
            let n_chars = self.0.usize(8..40);
            self.text(n_chars) + "。"
        };
        (0..n_sentences).map(|_| sentence()).collect()
    }

    /// A question; most are short, some long.
    pub fn question(&mut self) -> String {
        let n_chars = match self.0.u32(..10) {
            0..4 => self.0.usize(4..9),
            4..8 => self.0.usize(9..21),
            _ => self.0.usize(30..80),
        };
        self.text(n_chars) + "？"
    }

    /// A vector of unit length from one of 200 clusters.
    pub fn vector(&mut self, dimension: usize) -> Vec<f32> {
        let mut centre = fastrand::Rng::with_seed(self.0.u64(..200));
        let numbers = (0..dimension).map(|_| centre.f32() - 0.5 + (self.0.f32() - 0.5) * 0.8);
        let numbers: Vec<f32> = numbers.collect();
        let norm = numbers.iter().map(|x| x * x).sum::<f32>().sqrt();
        numbers.into_iter().map(|x| x / norm).collect()
    }
}

/// The rates of filling a store.
#[derive(Debug, Clone, Serialize)]
pub struct FillResult {
    /// The number of chunks.
    pub n_chunks: usize,
    /// Whether vectors were random rather than encoded.
    pub has_drawn_vectors: bool,
    /// Chunks per second until all were recorded.
    pub recorded_per_s: f64,
    /// Chunks per second until all were searchable.
    pub searchable_per_s: f64,
    /// Chunks per second of the encoder's own time; `None` with random vectors.
    pub encoder_per_s: Option<f64>,
}

/// Fills an empty store with `n` documents of one chunk each. `None` if the store already has documents.
pub async fn fill(config: Config, n: usize) -> Result<Option<FillResult>, BenchError> {
    let app = App::build(config).await?;
    let workspace = default_workspace();
    if app.store.revision(&workspace).await? > 0 {
        app.close().await;
        return Ok(None);
    }
    let is_drawn = n > MAX_ENCODED;
    let mut drawn = SyntheticText::new(7);
    let (start, busy) = (Instant::now(), app.embedder.busy_time());
    let mut last = 0;
    for first in (0..n).step_by(BATCH) {
        let (mut writes, mut vectors) = (Vec::new(), Vec::new());
        for i in first..(first + BATCH).min(n) {
            let metadata = Metadata {
                title: format!("文件{i}"),
                language: Some("zh-Hant".into()),
                ..Metadata::default()
            };
            let id = DocumentId::parse(&format!("d{i}")).expect("it is short and plain");
            let source = parse_article(id, metadata, &drawn.passage(), FileFormat::Plain)?;
            for chunk in source.chunks.iter().filter(|_| is_drawn) {
                let text = chunk.span.slice(&source.text).unwrap_or_default();
                for view in source.metadata.views(&chunk.heading_path, text) {
                    let vector = drawn.vector(app.embedder.dimension());
                    let vector = vector.into_iter().map(f16::from_f32).collect();
                    vectors.push((text_hash(&view), vector));
                }
            }
            let source = Box::new(source);
            writes.push(Write::Put {
                source,
                origin: None,
            });
        }
        let encoder = app.embedder.id();
        app.store.ensure_workspace(&workspace).await?;
        app.store
            .insert_vectors(&workspace, encoder, &vectors)
            .await?;
        let recorded = app.store.record(&workspace, writes).await?;
        last = recorded.last().map_or(last, |last| last.revision);
    }
    let recorded = start.elapsed();
    app.follower.wake();
    while !app
        .follower
        .wait_for(&workspace, last, Duration::from_secs(60))
        .await
    {
        let progress = app.follower.progress().borrow().clone();
        if let Some(error) = progress.error {
            return Err(BenchError::Service(error));
        }
    }
    let (took, encoding) = (start.elapsed(), app.embedder.busy_time() - busy);
    let (_, n_chunks) = app.store.counts(&workspace).await?;
    app.close().await;
    let per_s = |time: Duration| n_chunks as f64 / time.as_secs_f64();
    Ok(Some(FillResult {
        n_chunks: n_chunks as usize,
        has_drawn_vectors: is_drawn,
        recorded_per_s: per_s(recorded),
        searchable_per_s: per_s(took),
        encoder_per_s: (!is_drawn).then(|| per_s(encoding)),
    }))
}

/// The real service in a process of its own, killed when it is dropped.
pub struct Service {
    child: Child,
    _printed: BufReader<ChildStdout>,
    /// Its address, `http://…`.
    pub address: String,
    /// The time until it was ready.
    pub started_in: Duration,
    client: Client,
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Service {
    /// Starts the service in `folder` and waits until it is ready.
    pub async fn start(folder: &Path, models: &Path) -> Result<Self, BenchError> {
        ken_base::outbound::choose_cryptography();
        let start = Instant::now();
        let mut child = Command::new(std::env::current_exe()?)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .current_dir(folder)
            .env("KEN_MODELS__DIR", models)
            // Every question is admitted, so that every answer is composed.
            .env("KEN_ANSWER__MIN_CONFIDENCE", "0")
            .env("KEN_LOG__FILTER", "error")
            .stdout(Stdio::piped())
            .spawn()?;
        let mut printed = BufReader::new(child.stdout.take().expect("it was asked for"));
        let mut line = String::new();
        printed.read_line(&mut line)?;
        let mut words = line.split_whitespace();
        let address = words.find(|word| word.starts_with("http://"));
        let address = address.ok_or_else(|| BenchError::Service(line.clone()))?;
        let client = Client::builder().timeout(Duration::from_secs(60)).build()?;
        let ready = format!("{address}/readyz");
        while !client
            .get(&ready)
            .send()
            .await
            .is_ok_and(|r| r.status().is_success())
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(Self {
            address: address.to_owned(),
            child,
            _printed: printed,
            started_in: start.elapsed(),
            client,
        })
    }

    /// Its resident memory in MB.
    pub fn memory_mb(&self) -> f64 {
        memory_mb(self.child.id(), "VmRSS")
    }

    async fn ask(&self, path: &str, question: &str, mode: Option<&str>) -> u16 {
        let body = match mode {
            Some(mode) => json!({ "question": question, "mode": mode }),
            None => json!({ "question": question }),
        };
        let request = self.client.post(format!("{}{path}", self.address));
        let Ok(response) = request.json(&body).send().await else {
            return 0;
        };
        let status = response.status().as_u16();
        response.bytes().await.map_or(0, |_| status)
    }
}

/// The results of one phase. Latencies are in milliseconds.
#[derive(Debug, Clone, Serialize)]
pub struct Phase {
    /// The phase's name.
    pub name: String,
    /// The rate of questions per second.
    pub asked_per_s: f64,
    /// The number of replies with status 200.
    pub n_answered: u64,
    /// The number of replies with status 429.
    pub n_refused: u64,
    /// The number of other replies and of failed requests.
    pub n_failed: u64,
    /// The median latency of replies with status 200.
    pub p50: f64,
    /// The 90th percentile.
    pub p90: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The 99.9th percentile.
    pub p999: f64,
    /// The greatest latency.
    pub most: f64,
    /// The closed-loop rate: replies per second to eight clients that each wait for their reply.
    pub at_most_per_s: f64,
}

/// The questions of a phase.
#[derive(Clone)]
pub struct QuestionLoad {
    /// The phase's name.
    pub name: &'static str,
    /// The path of the operation.
    pub path: &'static str,
    /// The search mode; `None` for the default.
    pub mode: Option<&'static str>,
    /// The questions, repeated if they run out.
    pub questions: Arc<Vec<String>>,
}

impl QuestionLoad {
    /// Measures the closed-loop rate for a third of `time`, then asks at `rate`, or at 60 % of the measured rate, for
    /// `time`.
    pub async fn run(
        &self,
        service: &Arc<Service>,
        rate: Option<f64>,
        time: Duration,
    ) -> Result<Phase, BenchError> {
        let next = Arc::new(AtomicUsize::new(0));
        let at_most_per_s = self.flood(service, &next, time / 3).await;
        let rate = rate.unwrap_or((at_most_per_s * 0.6).max(1.0));
        // Up to ten minutes, in microseconds.
        let histogram =
            || Histogram::<u64>::new_with_max(600_000_000, 3).expect("bounds are allowed");
        let mut answered = histogram();
        let (mut n_refused, mut n_failed) = (0, 0);
        let start = tokio::time::Instant::now();
        let mut requests = tokio::task::JoinSet::new();
        let mut count = |outcome: Result<(u16, Duration), tokio::task::JoinError>| match outcome {
            Ok((200, took)) => answered.saturating_record(took.as_micros() as u64),
            Ok((429, _)) => n_refused += 1,
            _ => n_failed += 1,
        };
        for n in 0..(rate * time.as_secs_f64()) as u64 {
            let due = start + Duration::from_secs_f64(n as f64 / rate);
            tokio::time::sleep_until(due).await;
            let (service, asking) = (service.clone(), self.clone());
            let at = next.fetch_add(1, Ordering::Relaxed);
            requests.spawn(async move {
                let question = &asking.questions[at % asking.questions.len()];
                let status = service.ask(asking.path, question, asking.mode).await;
                (status, due.elapsed())
            });
            while let Some(outcome) = requests.try_join_next() {
                count(outcome);
            }
        }
        while let Some(outcome) = requests.join_next().await {
            count(outcome);
        }
        let ms = |quantile: f64| answered.value_at_quantile(quantile) as f64 / 1e3;
        Ok(Phase {
            name: self.name.to_owned(),
            asked_per_s: rate,
            n_answered: answered.len(),
            n_refused,
            n_failed,
            p50: ms(0.5),
            p90: ms(0.9),
            p99: ms(0.99),
            p999: ms(0.999),
            most: answered.max() as f64 / 1e3,
            at_most_per_s,
        })
    }

    async fn flood(&self, service: &Arc<Service>, next: &Arc<AtomicUsize>, time: Duration) -> f64 {
        let start = Instant::now();
        let askers = (0..8).map(|_| {
            let (service, next, asking) = (service.clone(), next.clone(), self.clone());
            tokio::spawn(async move {
                let mut n_answered = 0_u64;
                while start.elapsed() < time {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let question = &asking.questions[at % asking.questions.len()];
                    let status = service.ask(asking.path, question, asking.mode).await;
                    n_answered += u64::from(status == 200);
                }
                n_answered
            })
        });
        let outcome = futures_util::future::join_all(askers.collect::<Vec<_>>()).await;
        let n_answered: u64 = outcome.into_iter().filter_map(Result::ok).sum();
        n_answered as f64 / start.elapsed().as_secs_f64()
    }
}

/// The results of a load test.
#[derive(Debug, Clone, Serialize)]
pub struct BenchReport {
    /// The rates of filling; `None` if the folder was filled before.
    pub filled: Option<FillResult>,
    /// The time until the service was ready, in seconds.
    pub started_in_s: f64,
    /// Resident memory in MB, five seconds after the service was ready.
    pub idle_mb: f64,
    /// Questions per second of the encoder alone, in this process, on similar questions.
    pub encoder_per_s: f64,
    /// The phases, in order.
    pub phases: Vec<Phase>,
    /// Resident memory in MB after all phases.
    pub loaded_mb: f64,
}

/// Fills `folder` if it is empty, starts the service on it and runs all phases of `time` each.
pub async fn run(
    config: Config,
    folder: &Path,
    n_chunks: usize,
    rate: Option<f64>,
    time: Duration,
) -> Result<BenchReport, BenchError> {
    std::fs::create_dir_all(folder)?;
    let models: PathBuf = std::path::absolute(&config.models.dir)?;
    let in_folder = Config {
        store: ken_base::config::StoreConfig {
            url: format!("sqlite://{}", folder.join("data/ken.db").display()),
            vault_url: format!("sqlite://{}", folder.join("data/vault.db").display()),
        },
        index: ken_base::config::IndexConfig {
            dir: folder.join("indexes"),
            ..config.index.clone()
        },
        ..config
    };
    let filled = fill(in_folder.clone(), n_chunks).await?;
    let mut drawn = SyntheticText::new(11);
    let mut questions = |n: usize| Arc::new((0..n).map(|_| drawn.question()).collect::<Vec<_>>());
    let encoder_per_s = encoder_alone(&in_folder, &questions(400)).await?;
    let service = Arc::new(Service::start(folder, &models).await?);
    tokio::time::sleep(IDLE_AFTER).await;
    let (idle_mb, started_in_s) = (service.memory_mb(), service.started_in.as_secs_f64());
    let asking = |name, path, mode, questions| QuestionLoad {
        name,
        path,
        mode,
        questions,
    };
    // Few enough for the caches; each is asked once before.
    let again = questions(200);
    for question in again.iter() {
        service.ask("/v1/answers", question, None).await;
    }
    let mut phases = Vec::new();
    for asking in [
        asking(
            "keyword search",
            "/v1/search",
            Some("keyword"),
            questions(20_000),
        ),
        asking(
            "search without the encoder",
            "/v1/search",
            None,
            again.clone(),
        ),
        asking("cached answers", "/v1/answers", None, again),
        asking("search", "/v1/search", None, questions(100_000)),
        asking("answers", "/v1/answers", None, questions(100_000)),
    ] {
        phases.push(asking.run(&service, rate, time).await?);
    }
    Ok(BenchReport {
        filled,
        started_in_s,
        idle_mb,
        encoder_per_s,
        phases,
        loaded_mb: service.memory_mb(),
    })
}

/// Questions per second of the encoder alone, from eight concurrent callers.
async fn encoder_alone(config: &Config, questions: &Arc<Vec<String>>) -> Result<f64, BenchError> {
    let encoder = ken_base::config::EncoderConfig {
        cache_entries: 0,
        ..config.encoder.clone()
    };
    let opened =
        ken_base::blocking::blocking(move || ken_search::embed::Embedder::open(&encoder)).await;
    let embedder = opened.map_err(AppError::from)?;
    let (start, next) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    let askers = (0..8).map(|_| {
        let (embedder, questions, next) = (embedder.clone(), questions.clone(), next.clone());
        tokio::spawn(async move {
            while let Some(question) = questions.get(next.fetch_add(1, Ordering::Relaxed)) {
                embedder.embed_question(question).await?;
            }
            Ok::<_, ken_search::embed::EmbedError>(())
        })
    });
    for outcome in futures_util::future::join_all(askers.collect::<Vec<_>>()).await {
        outcome
            .map_err(|e| BenchError::Service(e.to_string()))?
            .map_err(AppError::from)?;
    }
    Ok(questions.len() as f64 / start.elapsed().as_secs_f64())
}

/// A figure of a process's memory in MB, as `VmRSS` (resident) or `VmHWM` (its peak); 0 if the system does not report
/// it.
pub fn memory_mb(process: u32, figure: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(figure));
    let kb = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kb.unwrap_or_default() / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synthetic_text_is_reproducible_and_text_like() {
        let (mut one, mut same) = (SyntheticText::new(3), SyntheticText::new(3));
        let passage = one.passage();
        assert_eq!(passage, same.passage());
        assert_ne!(passage, one.passage());
        let mut drawn = SyntheticText::new(5);
        let text = drawn.text(20_000);
        let mut counts: std::collections::HashMap<char, usize> = Default::default();
        for character in text.chars() {
            *counts.entry(character).or_default() += 1;
        }
        let most = counts.values().max().copied().unwrap_or_default();
        // As in real text, some characters are frequent and most are rare.
        assert!(
            most > 300 && counts.len() > 1_500,
            "{most} {}",
            counts.len()
        );
        let lengths: Vec<usize> = (0..200).map(|_| drawn.question().chars().count()).collect();
        assert!(lengths.iter().any(|n| *n < 9) && lengths.iter().any(|n| *n > 40));
        let norm: f32 = drawn.vector(384).iter().map(|x| x * x).sum();
        assert!((norm - 1.0).abs() < 1e-4);
    }
}
