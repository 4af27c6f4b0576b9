//! [`JudgedQuestion`]: a test question with its expected answer; [`Review`]: an issue for a person; [`GapClosure`]: one that
//! a person closed.

use jiff::Timestamp;
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
    /// The kind of question; omitted if it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<QuestionKind>,
}

impl JudgedQuestion {
    /// Returns whether the question has to be answered (`true`) or must not be (`false`), by its kind, else by the
    /// expected outcome. `None` if it is expected to be clarified or handed off.
    pub fn is_answerable(&self) -> Option<bool> {
        match (self.kind, self.outcome) {
            (Some(QuestionKind::Answerable), _) => Some(true),
            (Some(QuestionKind::NearMiss | QuestionKind::Foreign), _) => Some(false),
            // Without an outcome, a citation or a text is expected.
            (None, None | Some(Outcome::Answered)) => Some(true),
            (None, Some(Outcome::Refused)) => Some(false),
            (None, Some(Outcome::Clarify | Outcome::Handoff)) => None,
        }
    }
}

/// The kind of a judged question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`answerable`: the knowledge base answers it. `near_miss`: it does not, but covers something similar. `foreign`: the question \
     is about something else entirely."
)]
pub enum QuestionKind {
    /// The knowledge base answers it.
    Answerable,
    /// The knowledge base does not answer it, but covers something similar.
    NearMiss,
    /// The question is about something else entirely.
    Foreign,
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

/// A gap in the knowledge that a person closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GapClosure {
    /// The gap's id, derived from the question.
    pub id: String,
    /// The gap's question. Questions that mean the same are covered too.
    pub question: String,
    /// Why it was closed.
    pub reason: GapClosing,
    /// Who closed it.
    pub closed_by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub closed_at: Timestamp,
}

/// Why a gap was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`filled`: the knowledge answers it now; it is listed again if it fails again. `out_of_scope`: the knowledge need not \
     answer it; it is not listed again."
)]
pub enum GapClosing {
    /// The knowledge answers it now.
    Filled,
    /// The knowledge need not answer it.
    OutOfScope,
}
