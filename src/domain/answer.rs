use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DocumentId, Revision};

/// What Ken decided to do with a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Answered,
    Clarify,
    Refused,
    Handoff,
}

impl Outcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Answered => "answered",
            Outcome::Clarify => "clarify",
            Outcome::Refused => "refused",
            Outcome::Handoff => "handoff",
        }
    }
}

/// How the words of an answer were found: an FAQ's own answer, sentences of the evidence, or a model's
/// wording of it. `None` where nothing was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    Standard,
    Extractive,
    Generated,
    None,
}

/// A sentence of an answer and the numbers of the citations that carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sentence {
    pub text: String,
    pub citations: Vec<usize>,
}

/// A span of a document version and the quotation found there: `text[start..end] == quote`, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// From 1, in order of use.
    pub number: usize,
    pub document_id: DocumentId,
    pub document_version: i64,
    pub title: String,
    pub uri: Option<String>,
    pub chunk_id: String,
    pub heading_path: Vec<String>,
    /// The page (or slide) on which the quote begins, from 1, where the source has pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    pub quote: String,
    pub start: usize,
    pub end: usize,
}

/// Milliseconds spent by stage. `keyword` and `vector` run side by side, so `total` is less than the sum.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Timings {
    pub embed: f64,
    pub keyword: f64,
    pub vector: f64,
    pub fuse: f64,
    #[serde(default)]
    pub rerank: f64,
    pub load: f64,
    /// Reading the best passages with the question.
    #[serde(default)]
    pub read: f64,
    pub admit: f64,
    pub compose: f64,
    /// A model's wording.
    pub generate: f64,
    pub total: f64,
}

/// The reply to a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub id: String,
    pub outcome: Outcome,
    pub text: String,
    pub language: String,
    pub strategy: Strategy,
    /// The estimated probability that the evidence answers the question, in [0, 1].
    pub confidence: f32,
    pub sentences: Vec<Sentence>,
    pub citations: Vec<Citation>,
    pub suggestions: Vec<String>,
    /// Why there is nothing from the knowledge in it, as a stable word. Refused: `no_evidence`, `weak_evidence`,
    /// `no_supported_sentence`, `similar_only` (what is asked about is named nowhere, another of its kind is), `deadline`. Handoff: `conflicting_evidence`, `asked_for_person`. Clarify: `ambiguous`.
    /// Answered: `greeting`, `thanks`, `goodbye`.
    pub reason: Option<String>,
    /// What went otherwise than it might have, as stable words: `false_premise`, `partly_answered`, `list_continues`, `deadline` (the search
    /// took too long), and of a model's wording `llm_unavailable`, `llm_refused`, `llm_truncated`, `llm_garbage`,
    /// `llm_deadline`, `llm_unsupported`; `reader_unavailable` (the passages were not read, and a stricter level decided by
    /// search scores alone).
    #[serde(default)]
    pub notes: Vec<String>,
    pub conversation_id: Option<String>,
    /// The lowest revision the indexes held when they were read.
    pub revision: Revision,
    pub timings_ms: Timings,
}

/// A recorded question with its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    pub question: String,
    pub answer: Answer,
    pub at: Timestamp,
}
