//! The [`Reader`] estimates whether a passage answers a question, and where. It is a cross-encoder that this project
//! trains (`tools/reader/`); it reads question and passage together.
//!
//! One thread owns the model. Requests wait in a bounded queue; a request that would wait longer than the budget is
//! rejected at once. The first request loads the model.

mod model;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use crate::embed::{self, EmbedError};
use ken_base::config::{EncoderConfig, ReaderConfig};
use ken_base::domain::Span;
use model::ReaderModel;

/// A reason why a passage was not read, with the remedy.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReaderError {
    /// A file of the reader's folder is missing, or its content differs from its description.
    #[error(
        "cannot load reader file {path} ({detail}): run `ken setup`, or set reader.enabled = false"
    )]
    File {
        /// The file's path.
        path: PathBuf,
        /// The problem.
        detail: String,
    },
    /// The ONNX Runtime library cannot be loaded; the text is the cause.
    #[error("cannot load the ONNX Runtime library: {0}")]
    Runtime(String),
    /// The model cannot be loaded; the text is the library's message.
    #[error("cannot load reader model: {0}")]
    Load(String),
    /// The model failed on the passages; the text is the library's message.
    #[error("reading failed: {0}")]
    Read(String),
    /// The queue is full, or the request would wait longer than its budget.
    #[error("reader queue is full ({waiting} requests waiting)")]
    Overloaded {
        /// How many requests wait.
        waiting: usize,
    },
    /// The time limit passed during reading.
    #[error("reading exceeded reader.budget_ms")]
    OutOfTime,
    /// The reader's thread has ended.
    #[error("the reader has stopped; restart the service")]
    Stopped,
}

impl From<EmbedError> for ReaderError {
    fn from(error: EmbedError) -> Self {
        Self::Runtime(error.to_string())
    }
}

/// The result of reading one passage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// How strongly the passage answers the question: a logit, comparable across questions and passages.
    pub logit: f32,
    /// The answer's byte range in the given passage; `None` if no range is likelier than "no answer here".
    pub span: Option<Span>,
}

/// A question with the passages to read.
struct ReadRequest {
    question: String,
    passages: Vec<String>,
    reply: oneshot::Sender<Result<Vec<Reading>, ReaderError>>,
}

/// Readings by the SHA-256 of question and passage.
type ReadingCache = Cache<[u8; 32], Reading>;

/// A handle on the reader. Clones share it.
#[derive(Clone)]
pub struct Reader {
    version: String,
    requests: Sender<ReadRequest>,
    n_passages: usize,
    budget: Duration,
    /// The recent reading time of a passage in nanoseconds, as a moving average; 0 before the first.
    pace: Arc<AtomicU64>,
    is_loaded: Arc<AtomicBool>,
    cache: Arc<ReadingCache>,
}

/// How many requests may wait. Beyond that, questions are decided without reading.
const MAX_WAITING: usize = 64;
/// How many readings are cached in memory, about 2 MB.
const CACHED: usize = 16_384;
/// How long a question may wait for the model to load, in addition to the budget: several times the usual loading time.
const LOADING: Duration = Duration::from_secs(10);

impl Reader {
    /// Checks that the model's files exist and starts the thread that loads them on first use. Returns `None` if
    /// reading is switched off. Blocks.
    ///
    /// # Errors
    /// [`ReaderError::File`] if a file is missing. A damaged file makes the first reading fail.
    pub fn open(
        config: &ReaderConfig,
        encoder: &EncoderConfig,
    ) -> Result<Option<Self>, ReaderError> {
        if !config.enabled {
            return Ok(None);
        }
        let files = model::ModelFiles::find(&config.path)?;
        let version = files.version.clone();
        let (requests, queue) = crossbeam_channel::bounded(MAX_WAITING);
        let pace = Arc::new(AtomicU64::new(0));
        let is_loaded = Arc::new(AtomicBool::new(false));
        let (thread_pace, thread_loaded) = (pace.clone(), is_loaded.clone());
        let encoder = encoder.clone();
        std::thread::Builder::new()
            .name("reader".into())
            .spawn(move || serve(&files, &encoder, &queue, &thread_pace, &thread_loaded))
            .map_err(|error| ReaderError::Load(error.to_string()))?;
        Ok(Some(Self {
            version,
            requests,
            n_passages: config.passages,
            budget: Duration::from_millis(config.budget_ms),
            pace,
            is_loaded,
            cache: Arc::new(Cache::new(CACHED)),
        }))
    }

    /// Returns the name and date of the weights.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns how many of the best passages are read.
    pub fn n_passages(&self) -> usize {
        self.n_passages
    }

    /// Returns the deadline of a reading that begins now: `reader.budget_ms` from now, or `until` if that is earlier.
    /// Until the model is loaded, the budget includes the loading time.
    pub fn until(&self, until: Option<Instant>) -> Instant {
        let loading = match self.is_loaded.load(Ordering::Relaxed) {
            true => Duration::ZERO,
            false => LOADING,
        };
        let budget = Instant::now() + self.budget + loading;
        until.map_or(budget, |until| until.min(budget))
    }

    /// Reads a question with each passage. Returns one reading per passage, in order.
    ///
    /// # Errors
    /// [`ReaderError::OutOfTime`] if reading takes longer than `until`; [`ReaderError::Overloaded`] at once if it is
    /// expected to.
    #[tracing::instrument(name = "read", skip_all, fields(n_passages = passages.len()))]
    pub async fn read(
        &self,
        question: &str,
        passages: &[String],
        until: Instant,
    ) -> Result<Vec<Reading>, ReaderError> {
        let hashes: Vec<[u8; 32]> = passages.iter().map(|p| hash(question, p)).collect();
        let mut readings: Vec<Option<Reading>> =
            hashes.iter().map(|hash| self.cache.get(hash)).collect();
        let unread: Vec<usize> = (0..passages.len())
            .filter(|i| readings[*i].is_none())
            .collect();
        if !unread.is_empty() {
            let texts = unread.iter().map(|i| passages[*i].clone()).collect();
            let read = self.request(question, texts, until).await?;
            for (i, reading) in unread.into_iter().zip(read) {
                self.cache.insert(hashes[i], reading);
                readings[i] = Some(reading);
            }
        }
        readings
            .into_iter()
            .map(|reading| reading.ok_or_else(|| ReaderError::Read("a reading is missing".into())))
            .collect()
    }

    async fn request(
        &self,
        question: &str,
        passages: Vec<String>,
        until: Instant,
    ) -> Result<Vec<Reading>, ReaderError> {
        let waiting = self.requests.len();
        let expected = Duration::from_nanos(self.pace.load(Ordering::Relaxed))
            * u32::try_from(waiting + passages.len()).unwrap_or(u32::MAX);
        // With an empty queue it is always tried: the pace may have been measured on a busy machine.
        if waiting > 0 && Instant::now() + expected > until {
            return Err(ReaderError::Overloaded { waiting });
        }
        let (reply, answer) = oneshot::channel();
        let request = ReadRequest {
            question: question.to_owned(),
            passages,
            reply,
        };
        self.requests
            .try_send(request)
            .map_err(|error| match error {
                TrySendError::Full(_) => ReaderError::Overloaded { waiting },
                TrySendError::Disconnected(_) => ReaderError::Stopped,
            })?;
        match tokio::time::timeout_at(until.into(), answer).await {
            Ok(Ok(read)) => read,
            Ok(Err(_)) => Err(ReaderError::Stopped),
            Err(_) => Err(ReaderError::OutOfTime),
        }
    }
}

fn hash(question: &str, passage: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update((question.len() as u64).to_le_bytes());
    hasher.update(question);
    hasher.update(passage);
    hasher.finalize().into()
}

/// Serves requests until every handle is dropped.
fn serve(
    files: &model::ModelFiles,
    encoder: &EncoderConfig,
    queue: &Receiver<ReadRequest>,
    pace: &AtomicU64,
    is_loaded: &AtomicBool,
) {
    let mut loaded: Option<Result<ReaderModel, ReaderError>> = None;
    while let Ok(request) = queue.recv() {
        // Callers give up at their deadline.
        if request.reply.is_closed() {
            continue;
        }
        // A model that failed to load is not loaded again before a restart.
        let model = loaded.get_or_insert_with(|| load(files, encoder));
        is_loaded.store(true, Ordering::Relaxed);
        let outcome = match model {
            Ok(model) => read(model, &request, pace),
            Err(error) => Err(error.clone()),
        };
        let _ = request.reply.send(outcome);
    }
}

fn load(files: &model::ModelFiles, encoder: &EncoderConfig) -> Result<ReaderModel, ReaderError> {
    let start = Instant::now();
    let environment = embed::environment(encoder).map_err(ReaderError::from);
    let loaded = environment.and_then(|it| ReaderModel::load(files, &it, encoder.threads));
    let ms = start.elapsed().as_millis() as u64;
    match &loaded {
        Ok(_) => tracing::info!(ms, version = files.version, "reader loaded"),
        Err(error) => tracing::error!(%error, "cannot load reader; falling back to search scores"),
    }
    loaded
}

/// Reads one request's passages together and updates the pace. A panic inside the model fails this request only.
fn read(
    model: &mut ReaderModel,
    request: &ReadRequest,
    pace: &AtomicU64,
) -> Result<Vec<Reading>, ReaderError> {
    let start = Instant::now();
    let reading = std::panic::AssertUnwindSafe(|| model.read(&request.question, &request.passages));
    let outcome = std::panic::catch_unwind(reading)
        .unwrap_or_else(|_| Err(ReaderError::Read("the model panicked".to_owned())));
    let each = start.elapsed().as_nanos() as u64 / request.passages.len().max(1) as u64;
    let known = pace.load(Ordering::Relaxed);
    // A moving average with a weight of one eighth.
    let paced = match known {
        0 => each,
        known => known - known / 8 + each / 8,
    };
    pace.store(paced, Ordering::Relaxed);
    if let Err(error) = &outcome {
        tracing::error!(%error, "reading failed");
    }
    outcome
}
