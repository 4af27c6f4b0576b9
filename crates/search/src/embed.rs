//! The [`Embedder`] encodes texts into vectors of unit length with local ONNX models, through fastembed.
//!
//! One thread owns the models. By default there are two, and their vectors are joined into one: see
//! [`EncoderPart`](ken_base::config::EncoderPart).
//! Questions and passages wait in two bounded queues. Waiting questions are encoded together, before passages. While
//! questions wait, passages get a fifth of the time. Passages are encoded in batches of similar length, so that little
//! time is spent on padding. With the default encoder, a vector does not depend on the other texts of its batch.

mod model;
mod owner;
mod runtime;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use ken_base::config::EncoderConfig;
use owner::{PassageRequest, QuestionRequest};

/// A reason why a text could not be encoded, with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// The ONNX Runtime library does not exist.
    #[error(
        "ONNX Runtime library not found at {path}: run `ken setup`, or set encoder.runtime to a libonnxruntime of version 1.24 or later"
    )]
    RuntimeMissing {
        /// The library's path.
        path: PathBuf,
    },
    /// The ONNX Runtime library cannot be loaded.
    #[error(
        "cannot load the ONNX Runtime library at {path} ({detail}): run `ken setup`, or set encoder.runtime to a libonnxruntime of version 1.24 or later"
    )]
    RuntimeUnusable {
        /// The library's path.
        path: PathBuf,
        /// The loader's message.
        detail: String,
    },
    /// A file of an encoder folder does not exist.
    #[error("encoder folder {path}: {file} not found: run `ken setup`, or correct encoder.path")]
    FileMissing {
        /// The encoder's folder.
        path: PathBuf,
        /// The file's name.
        file: String,
    },
    /// A file of an encoder folder cannot be used, or its content differs from its description.
    #[error(
        "encoder file {path} does not match encoder.json ({detail}): delete the folder and run `ken setup`"
    )]
    FileWrong {
        /// The file's path.
        path: PathBuf,
        /// The problem.
        detail: String,
    },
    /// The model cannot be loaded; the text is the library's message.
    #[error("cannot load encoder: {0}")]
    Load(String),
    /// The model failed on the texts; the text is the library's message.
    #[error("encoding failed: {0}")]
    Encode(String),
    /// The queue is full, or a question would wait longer than `encoder.max_wait_ms`.
    #[error("encoder queue is full ({waiting} questions waiting)")]
    Overloaded {
        /// How many questions wait.
        waiting: usize,
    },
    /// The encoder's thread has ended, or [`Embedder::stop`] was called.
    #[error("the encoder has stopped; restart the service")]
    Stopped,
}

impl EmbedError {
    /// Returns whether the encoder is overloaded, as opposed to broken.
    pub fn is_overload(&self) -> bool {
        matches!(self, Self::Overloaded { .. })
    }
}

/// Returns ONNX Runtime's environment, which all models of the process share. The first call loads the library.
pub fn environment(config: &EncoderConfig) -> Result<ort::environment::Environment, EmbedError> {
    runtime::load(&config.runtime)
}

/// The recent encoding time of a question in nanoseconds, as a moving average; 0 before the first.
#[derive(Default)]
struct Pace(AtomicU64);

impl Pace {
    /// Adds the time of a batch of questions. It gets a weight of one eighth in the moving average.
    fn record(&self, time: Duration, n_questions: usize) {
        let each = time.as_nanos() as u64 / n_questions.max(1) as u64;
        let known = self.0.load(Ordering::Relaxed);
        let pace = match known {
            0 => each,
            known => known - known / 8 + each / 8,
        };
        self.0.store(pace, Ordering::Relaxed);
    }

    fn per_question(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// Question vectors by the SHA-256 of the text.
type VectorCache = Cache<[u8; 32], Arc<[f32]>>;

/// A handle on the encoder. Clones share it.
///
/// Vectors have [`dimension`](Self::dimension) numbers and unit length, so their dot product is the cosine.
/// Only vectors of encoders with equal [`id`](Self::id)s can be compared.
#[derive(Clone)]
pub struct Embedder {
    id: String,
    dimension: usize,
    busy_ns: Arc<AtomicU64>,
    failing: Arc<AtomicBool>,
    stopped: Arc<AtomicBool>,
    /// Cache of question vectors by the hash of the text. A vector depends on the text alone.
    cache: Option<Arc<VectorCache>>,
    pace: Arc<Pace>,
    max_wait: Duration,
    questions: crossbeam_channel::Sender<QuestionRequest>,
    passages: crossbeam_channel::Sender<PassageRequest>,
}

impl Embedder {
    /// Loads the runtime library and the model (about half a second) and starts the thread that owns them. Blocks.
    pub fn open(config: &EncoderConfig) -> Result<Self, EmbedError> {
        let environment = runtime::load(&config.runtime)?;
        let model = model::EncoderModel::load(config, &environment)?;
        let (questions, question_queue) = crossbeam_channel::bounded(config.queue_capacity);
        let (passages, passage_queue) = crossbeam_channel::bounded(1);
        let embedder = Self {
            id: model.id.clone(),
            dimension: model.dimension,
            busy_ns: model.busy_ns.clone(),
            failing: Arc::default(),
            stopped: Arc::default(),
            cache: (config.cache_entries > 0).then(|| Arc::new(Cache::new(config.cache_entries))),
            pace: Arc::default(),
            max_wait: Duration::from_millis(config.max_wait_ms),
            questions,
            passages,
        };
        let pace = embedder.pace.clone();
        std::thread::Builder::new()
            .name("encoder".into())
            .spawn(move || owner::run(model, &question_queue, &passage_queue, &pace))
            .map_err(|error| EmbedError::Load(error.to_string()))?;
        Ok(embedder)
    }

    /// Returns the name, quantisation, content hash and share of each model, and the runtime's version.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns how many numbers a vector has.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Returns the total time spent on encoding since the models were loaded.
    pub fn busy_time(&self) -> Duration {
        Duration::from_nanos(self.busy_ns.load(Ordering::Relaxed))
    }

    /// Returns how many questions wait in the queue.
    pub fn n_waiting(&self) -> usize {
        self.questions.len()
    }

    /// Returns whether the last call failed. An overload is not counted as a failure.
    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    fn record_outcome<T>(&self, outcome: Result<T, EmbedError>) -> Result<T, EmbedError> {
        let failed = outcome.as_ref().is_err_and(|error| !error.is_overload());
        self.failing.store(failed, Ordering::Relaxed);
        outcome
    }

    /// Makes every later call fail with [`EmbedError::Stopped`]. For failure tests.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Returns how long a new question would wait, estimated from the queue length and the recent encoding time.
    /// Batches of passages that run in between are not included.
    pub fn expected_wait(&self) -> Duration {
        self.pace.per_question() * u32::try_from(self.questions.len()).unwrap_or(u32::MAX)
    }

    /// Returns whether a new question would be rejected.
    pub fn is_overloaded(&self) -> bool {
        self.expected_wait() > self.max_wait
    }

    /// Encodes a question.
    ///
    /// # Errors
    /// [`EmbedError::Overloaded`] at once if the question would wait too long.
    #[tracing::instrument(name = "embed", skip_all)]
    pub async fn embed_question(&self, text: &str) -> Result<Vec<f32>, EmbedError> {
        let is_stopped = self.stopped.load(Ordering::Relaxed);
        let cache = self.cache.as_ref().filter(|_| !is_stopped);
        let hash: [u8; 32] = Sha256::digest(text).into();
        if let Some(vector) = cache.and_then(|cache| cache.get(&hash)) {
            metrics::counter!("ken_question_vector_cache_hits_total").increment(1);
            return Ok(vector.to_vec());
        }
        let (reply, answer) = oneshot::channel();
        let question = QuestionRequest {
            text: text.to_owned(),
            reply,
        };
        let outcome = self.request(question, answer).await;
        if let (Some(cache), Ok(vector)) = (cache, &outcome) {
            cache.insert(hash, vector.as_slice().into());
        }
        self.record_outcome(outcome)
    }

    async fn request(
        &self,
        question: QuestionRequest,
        answer: oneshot::Receiver<Result<Vec<f32>, EmbedError>>,
    ) -> Result<Vec<f32>, EmbedError> {
        if self.stopped.load(Ordering::Relaxed) {
            return Err(EmbedError::Stopped);
        }
        if self.is_overloaded() {
            return Err(EmbedError::Overloaded {
                waiting: self.n_waiting(),
            });
        }
        self.questions
            .try_send(question)
            .map_err(|error| match error {
                crossbeam_channel::TrySendError::Full(_) => EmbedError::Overloaded {
                    waiting: self.n_waiting(),
                },
                crossbeam_channel::TrySendError::Disconnected(_) => EmbedError::Stopped,
            })?;
        answer.await.map_err(|_| EmbedError::Stopped)?
    }

    /// Encodes passages and returns their vectors in the same order. Waits for its turn. Blocks: call it from a
    /// blocking task.
    pub fn embed_passages(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedError> {
        self.embed_many(texts, false)
    }

    /// Encodes questions with the priority of passages, for callers that can wait, such as evaluation. Blocks.
    pub fn embed_questions(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedError> {
        self.embed_many(texts, true)
    }

    fn embed_many(
        &self,
        texts: Vec<String>,
        as_questions: bool,
    ) -> Result<Vec<Vec<f32>>, EmbedError> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        if self.stopped.load(Ordering::Relaxed) {
            return self.record_outcome(Err(EmbedError::Stopped));
        }
        let (reply, answer) = oneshot::channel();
        let sent = self.passages.send(PassageRequest {
            texts,
            as_questions,
            reply,
        });
        self.record_outcome(match sent {
            Ok(()) => answer.blocking_recv().unwrap_or(Err(EmbedError::Stopped)),
            Err(_) => Err(EmbedError::Stopped),
        })
    }
}
