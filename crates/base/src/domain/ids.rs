//! Identifiers: [`WorkspaceId`], [`DocumentId`] and [`Revision`].

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The number of a change in one workspace's log: 1, 2, 3 … without gaps. 0 means "nothing recorded yet".
pub type Revision = i64;

/// Why a text is not a valid identifier.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{what} {why}, found {found:?}")]
pub struct InvalidId {
    /// What was parsed, with its article: `a workspace name`.
    pub what: &'static str,
    /// The rule that the text breaks.
    pub why: &'static str,
    /// The text, cut to 80 characters.
    pub found: String,
}

/// Name of a workspace: 1 to 64 of `a-z`, `0-9`, `-`, `_`. It also names a folder, hence the narrow alphabet.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, description = "A workspace's name: 1 to 64 of `a-z`, `0-9`, `-` and `_`.")]
pub struct WorkspaceId(String);

impl WorkspaceId {
    /// Parses a workspace name.
    ///
    /// # Errors
    /// The text is empty, longer than 64 bytes, or contains another character.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let valid = (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
        match valid {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidId {
                what: "a workspace name",
                why: "must be 1 to 64 of a-z, 0-9, '-' and '_'",
                found: shorten(text),
            }),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Stable id of a document: 1 to 256 bytes, no control characters, no space at either end. The author chooses it, or it
/// is derived from the source.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, description = "A document's id: 1 to 256 bytes, no control characters, no space at either end.")]
pub struct DocumentId(String);

impl DocumentId {
    /// Parses a document id.
    ///
    /// # Errors
    /// The text is empty, longer than 256 bytes, contains a control character, or begins or ends with white space.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let valid = (1..=256).contains(&text.len())
            && text.trim() == text
            && !text.chars().any(char::is_control);
        match valid {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidId {
                what: "a document id",
                why: "must be 1 to 256 bytes without control characters or outer spaces",
                found: shorten(text),
            }),
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}

impl TryFrom<String> for WorkspaceId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        Self::parse(&text)
    }
}

impl From<WorkspaceId> for String {
    fn from(id: WorkspaceId) -> String {
        id.0
    }
}

impl fmt::Display for WorkspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for DocumentId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        Self::parse(&text)
    }
}

impl From<DocumentId> for String {
    fn from(id: DocumentId) -> String {
        id.0
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_parsing_rejects_invalid_ids() {
        for good in ["default", "a", "shop-1", "x_y"] {
            assert_eq!(WorkspaceId::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "Shop", "a/b", "..", "店", &"a".repeat(65)] {
            assert!(WorkspaceId::parse(bad).is_err(), "{bad}");
        }
        for good in ["a", "zh-Hant/退貨.md", "id with space"] {
            assert_eq!(DocumentId::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", " a", "a\n", "a\u{0}b", &"長".repeat(100)] {
            assert!(DocumentId::parse(bad).is_err(), "{bad}");
        }
    }
}
