//! [`JudgedQuestion`]: a test question with its expected answer; [`Review`]: an issue for a person.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Outcome;

/// A question with a known correct answer, asked before and after each change.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct JudgedQuestion {
    /// Its id, 1 to 128 characters.
    #[schema(required = true)]
    pub id: String,
    /// The question, 1 to 2,000 characters.
    #[schema(required = true)]
    pub question: String,
    /// All audience names of the caller, such as `agent` or `tier:gold`.
    pub audience: Vec<String>,
    /// The channel of the question.
    pub channel: Option<String>,
    /// Expected outcome; `None`: any.
    pub outcome: Option<Outcome>,
    /// Document that must be cited.
    pub document_id: Option<String>,
    /// Text that the answer must contain; Chinese script, width and case are ignored.
    pub contains: Option<String>,
}

/// An issue for manual review.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Review {
    /// Derived from the pair of document versions, so the same issue is opened only once.
    pub id: String,
    /// `conflict` or `failing_evidence`.
    #[schema(value_type = ReviewKind)]
    pub kind: String,
    /// The documents it is about.
    pub document_ids: Vec<String>,
    /// The finding in words.
    pub detail: String,
}

/// The kinds of [`Review`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(
    rename_all = "snake_case",
    description = "`conflict`: two documents contradict each other and no rule decides. `failing_evidence`: answers that cite the document were \
     rated as wrong too often."
)]
pub enum ReviewKind {
    /// Two documents contradict each other and no rule decides.
    Conflict,
    /// Answers that cite the document were rated as wrong too often.
    FailingEvidence,
}
