//! The [`Embedder`]: texts → vectors of unit length, by local ONNX models through fastembed.
//!
//! One thread owns the models (by default two, whose vectors are joined into one: [`EncoderPart`](crate::config::EncoderPart)). Questions and passages wait in two bounded queues: waiting questions are encoded
//! together and go before passages, which are encoded in batches of like length so that little is spent on
//! padding. The default encoder's vectors do not depend on what else is in the batch.

mod model;
mod owner;
mod runtime;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::config::EncoderConfig;
use owner::{Passages, Question};

/// Why there is no vector, with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    #[error(
        "the ONNX Runtime library is not at {path}: run `ken setup`, or set encoder.runtime to a libonnxruntime of version 1.24 or later"
    )]
    RuntimeMissing { path: PathBuf },
    #[error(
        "the ONNX Runtime library at {path} cannot be used ({detail}): run `ken setup`, or set encoder.runtime to a libonnxruntime of version 1.24 or later"
    )]
    RuntimeUnusable { path: PathBuf, detail: String },
    #[error(
        "the encoder's folder {path} lacks {file}: run `ken setup`, or set encoder.path to a folder that has it"
    )]
    FileMissing { path: PathBuf, file: String },
    #[error(
        "the encoder's file {path} is not the one that encoder.json describes ({detail}): delete the folder and run `ken setup`"
    )]
    FileWrong { path: PathBuf, detail: String },
    #[error("encoder.model {name:?} is not in fastembed's catalogue")]
    UnknownModel { name: String },
    #[error("the encoder does not load: {0}")]
    Load(String),
    #[error("the encoder failed on a text: {0}")]
    Encode(String),
    #[error("the encoder's queue is full ({capacity} questions are waiting)")]
    Overloaded { capacity: usize },
    #[error("the encoder has stopped; restart the service")]
    Stopped,
}

/// ONNX Runtime's environment, which all models of the process share; loaded at the first call.
pub fn environment(config: &EncoderConfig) -> Result<ort::environment::Environment, EmbedError> {
    runtime::load(&config.runtime)
}

/// A handle on the encoder; clones share it.
///
/// Vectors have [`dimension`](Self::dimension) numbers and unit length, so that their dot product is the cosine.
/// Vectors compare only where [`id`](Self::id) is equal.
#[derive(Clone)]
pub struct Embedder {
    id: String,
    dimension: usize,
    queue_capacity: usize,
    busy_ns: Arc<AtomicU64>,
    questions: crossbeam_channel::Sender<Question>,
    passages: crossbeam_channel::Sender<Passages>,
}

impl Embedder {
    /// Loads the runtime library and the model (about half a second) and starts the thread that owns them.
    /// Blocks.
    pub fn open(config: &EncoderConfig) -> Result<Self, EmbedError> {
        let environment = runtime::load(&config.runtime)?;
        let model = model::Model::load(config, &environment)?;
        let (questions, question_queue) = crossbeam_channel::bounded(config.queue_capacity);
        let (passages, passage_queue) = crossbeam_channel::bounded(1);
        let embedder = Self {
            id: model.id.clone(),
            dimension: model.dimension,
            queue_capacity: config.queue_capacity,
            busy_ns: model.busy_ns.clone(),
            questions,
            passages,
        };
        std::thread::Builder::new()
            .name("encoder".into())
            .spawn(move || owner::run(model, &question_queue, &passage_queue))
            .map_err(|error| EmbedError::Load(error.to_string()))?;
        Ok(embedder)
    }

    /// Name, quantisation, content hash and share of each model, and the runtime's version.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// How long the encoder has worked since it was loaded.
    pub fn busy(&self) -> Duration {
        Duration::from_nanos(self.busy_ns.load(Ordering::Relaxed))
    }

    /// How many questions wait for the encoder now.
    pub fn n_waiting(&self) -> usize {
        self.questions.len()
    }

    /// Encodes a question. Fails at once with [`EmbedError::Overloaded`] when the queue is full.
    pub async fn embed_question(&self, text: &str) -> Result<Vec<f32>, EmbedError> {
        let (reply, answer) = oneshot::channel();
        let question = Question {
            text: text.to_owned(),
            reply,
        };
        self.questions
            .try_send(question)
            .map_err(|error| match error {
                crossbeam_channel::TrySendError::Full(_) => EmbedError::Overloaded {
                    capacity: self.queue_capacity,
                },
                crossbeam_channel::TrySendError::Disconnected(_) => EmbedError::Stopped,
            })?;
        answer.await.map_err(|_| EmbedError::Stopped)?
    }

    /// Encodes passages, in the order given; waits for its turn. Blocks: call it from a blocking task.
    pub fn embed_passages(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedError> {
        self.embed_many(texts, false)
    }

    /// Encodes questions that nobody is waiting for, as evaluation does. Blocks.
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
        let (reply, answer) = oneshot::channel();
        self.passages
            .send(Passages {
                texts,
                as_questions,
                reply,
            })
            .map_err(|_| EmbedError::Stopped)?;
        answer.blocking_recv().map_err(|_| EmbedError::Stopped)?
    }
}
