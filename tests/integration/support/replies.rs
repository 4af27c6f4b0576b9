//! Replies of the HTTP API as the tests read them. Each type has the fields that a test reads; texts of enumerations stay
//! texts, so that a test compares what is on the wire.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The body as this type. Fails the test if a field is missing or of another type.
pub fn read<T: DeserializeOwned>(body: Value) -> T {
    let text = body.to_string();
    serde_json::from_value(body).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The reply of `POST /v1/answers`.
#[derive(Debug, Clone, Deserialize)]
pub struct Answer {
    pub id: String,
    pub outcome: String,
    pub text: String,
    /// BCP 47.
    pub language: String,
    pub strategy: String,
    /// Estimated probability that the evidence answers the question, 0 to 1.
    pub confidence: f64,
    pub sentences: Vec<Sentence>,
    pub citations: Vec<Citation>,
    pub suggestions: Vec<String>,
    pub reason: Option<String>,
    pub notes: Vec<String>,
    pub rendered: Rendered,
    pub conversation_id: Option<String>,
    pub timings_ms: Timings,
}

impl Answer {
    /// The outcome and the reason of a refusal or handoff.
    pub fn decision(&self) -> (&str, Option<&str>) {
        (&self.outcome, self.reason.as_deref())
    }

    /// The id of the document that the first citation quotes.
    pub fn first_cited(&self) -> Option<&str> {
        let first = self.citations.first();
        first.map(|citation| citation.document_id.as_str())
    }
}

#[derive(Debug, Clone, Deserialize)]
pub struct Sentence {
    pub text: String,
    /// Numbers of citations, from 1.
    pub citations: Vec<usize>,
}

/// A quotation: bytes `start` to `end` of the document's text.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Citation {
    /// From 1, in order of use.
    pub number: usize,
    pub document_id: String,
    pub document_version: i64,
    pub start: usize,
    pub end: usize,
    pub quote: String,
    pub page: Option<u32>,
}

/// Milliseconds of each stage.
#[derive(Debug, Clone, Deserialize)]
pub struct Timings {
    pub read: f64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Rendered {
    pub messages: Vec<String>,
}

/// The reply to a change of a document or an FAQ.
#[derive(Debug, Clone, Deserialize)]
pub struct Written {
    /// `added`, `changed`, `unchanged`, `scheduled` or `deleted`.
    pub effect: String,
    pub version: Option<i64>,
    pub revision: i64,
}

impl Written {
    pub fn summary(&self) -> (&str, Option<i64>, i64) {
        (&self.effect, self.version, self.revision)
    }
}

/// The reply of `POST /v1/search`.
#[derive(Debug, Clone, Deserialize)]
pub struct Found {
    pub hits: Vec<Hit>,
    /// Revision of the knowledge that was searched.
    pub revision: i64,
    /// The component that was unavailable.
    pub degraded: Option<String>,
}

impl Found {
    /// The documents of the hits, best first.
    pub fn document_ids(&self) -> Vec<&str> {
        self.hits
            .iter()
            .map(|hit| hit.document_id.as_str())
            .collect()
    }
}

#[derive(Debug, Clone, Deserialize)]
pub struct Hit {
    pub document_id: String,
    pub document_version: i64,
    pub title: String,
    pub text: String,
    pub score: f64,
}

/// The reply of `POST /v1/faqs:import`.
#[derive(Debug, Clone, Deserialize)]
pub struct Imported {
    pub n_new: usize,
    pub n_unchanged: usize,
    pub applied: bool,
    /// All rows but the unchanged ones.
    pub rows: Vec<ImportedRow>,
}

impl Imported {
    /// Each row's number in the file, with its effect.
    pub fn effects(&self) -> Vec<(u64, &str)> {
        let rows = self.rows.iter();
        rows.map(|row| (row.row, row.effect.as_str())).collect()
    }
}

#[derive(Debug, Clone, Deserialize)]
pub struct ImportedRow {
    pub row: u64,
    pub effect: String,
    pub changes: Option<Vec<FieldChange>>,
    /// The FAQ that a row conflicts with.
    pub with: Option<String>,
    pub column: Option<String>,
    pub similar: Option<Vec<Similar>>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct FieldChange {
    pub field: String,
    pub before: Value,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Similar {
    pub document_id: String,
}

/// A job as `GET /v1/jobs/{id}` returns it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Job {
    pub id: String,
    pub kind: String,
    pub state: String,
    pub n_done: usize,
    pub n_failed: usize,
    pub items: Vec<JobItem>,
    pub finished_at: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct JobItem {
    pub state: String,
    pub detail: String,
}

/// A draft in a list, in detail or after a decision.
#[derive(Debug, Clone, Deserialize)]
pub struct Draft {
    pub id: String,
    pub state: String,
    pub class: String,
    pub answer: String,
    pub tags: Vec<String>,
    pub sources: Vec<DraftSource>,
    pub published_as: Option<String>,
    pub history: Vec<DraftEvent>,
    /// Number of sources. Not in the reply to a decision.
    #[serde(default)]
    pub demand: usize,
    /// Logged questions that it would answer. In detail only.
    #[serde(default)]
    pub would_answer: Vec<String>,
    /// The nearest existing knowledge. In detail only.
    pub nearest: Option<Nearest>,
}

/// A case that a draft comes from.
#[derive(Debug, Clone, Deserialize)]
pub struct DraftSource {
    pub id: String,
    pub question: String,
    pub resolution: Vec<Said>,
}

/// Bytes `start` to `end` of a turn of a case.
#[derive(Debug, Clone, Deserialize)]
pub struct Said {
    pub turn: usize,
    pub start: usize,
    pub end: usize,
}

#[derive(Debug, Clone, Deserialize)]
pub struct DraftEvent {
    pub actor: String,
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Nearest {
    /// A unified diff.
    pub difference: String,
}

/// The reply of `POST /v1/cases`.
#[derive(Debug, Clone, Deserialize)]
pub struct CasesKept {
    pub cases: Vec<CaseKept>,
    pub n_added: usize,
    pub n_unchanged: usize,
    /// With `wait` only.
    pub distilled: Option<bool>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct CaseKept {
    pub id: String,
    pub n_redacted: usize,
}

/// The reply of `POST /v1/feedback`.
#[derive(Debug, Clone, Deserialize)]
pub struct Effects {
    /// False if the person gave the same feedback before.
    pub is_new: bool,
    pub draft_id: Option<String>,
    pub case_id: Option<String>,
    /// Documents that are no longer cited because of this feedback.
    pub distrusted: Vec<String>,
}

/// An experiment with its present results.
#[derive(Debug, Clone, Deserialize)]
pub struct Experiment {
    pub id: String,
    pub state: String,
    /// Index of the winning arm.
    pub winner: Option<usize>,
    pub reason: Option<String>,
    /// Indexes of the stopped arms.
    pub out: Vec<usize>,
    /// One for each arm.
    pub results: Vec<ArmResult>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct ArmResult {
    /// Participants whose outcome is known.
    pub known: usize,
    pub successes: usize,
    pub harms: usize,
    /// E-value against "as good as the first arm"; significant from 1/alpha.
    pub e_value: f64,
}
