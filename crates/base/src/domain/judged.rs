use serde::{Deserialize, Serialize};

use super::Outcome;

/// A question with a known correct answer, asked before and after each change.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JudgedQuestion {
    pub id: String,
    pub question: String,
    pub audience: Vec<String>,
    pub channel: Option<String>,
    /// Expected outcome; `None`: any.
    pub outcome: Option<Outcome>,
    /// Document that must be cited.
    pub document_id: Option<String>,
    /// Text that the answer must contain; Chinese script, width and case are ignored.
    pub contains: Option<String>,
}

/// An issue for manual review.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// Derived from the pair of document versions, so the same issue is opened only once.
    pub id: String,
    /// `conflict`.
    pub kind: String,
    pub document_ids: Vec<String>,
    pub detail: String,
}
