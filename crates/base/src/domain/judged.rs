use serde::{Deserialize, Serialize};

use super::Outcome;

/// A question whose right answer is known. Asked before a change goes live, and again after.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JudgedQuestion {
    pub id: String,
    pub question: String,
    pub audience: Vec<String>,
    pub channel: Option<String>,
    /// What is to be decided; nothing in particular where absent.
    pub outcome: Option<Outcome>,
    /// A document that is to be cited.
    pub document_id: Option<String>,
    /// Words that are to stand in the answer; script, width and case do not matter.
    pub contains: Option<String>,
}

/// Something that a person has to look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// The same for the same pair in the same versions, so that it is asked for once.
    pub id: String,
    /// `conflict`.
    pub kind: String,
    pub document_ids: Vec<String>,
    pub detail: String,
}
