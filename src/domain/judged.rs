use serde::{Deserialize, Serialize};

use super::Outcome;
use crate::text::sha256_hex;

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

impl Review {
    /// A contradiction for a person to settle, under an id that is the same whenever it is found.
    pub fn of_conflict(document_ids: &[String], passages: &[String], detail: &str) -> Self {
        let sorted = |names: &[String]| {
            let mut names = names.to_vec();
            names.sort_unstable();
            names
        };
        let document_ids = sorted(document_ids);
        let key = sha256_hex([sorted(passages).join("\n").as_bytes()]);
        Review {
            id: format!("rev_{}", &key[..16]),
            kind: "conflict".to_owned(),
            document_ids,
            detail: detail.to_owned(),
        }
    }
}
