//! [`Query`]: a valid question with its filter; [`Hit`]: a chunk that was found.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DocumentId, DocumentKind, Tuning};

/// Maximum length of a question, in characters.
pub const MAX_QUESTION_CHARS: usize = 2_000;
/// Maximum number of hits of a query.
pub const MAX_LIMIT: usize = 100;

/// Why a text or a limit is not valid for a [`Query`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidQuestion {
    /// The text has no visible character.
    #[error("expected 1 to {MAX_QUESTION_CHARS} characters, found none")]
    Empty,
    /// The text is too long.
    #[error("expected 1 to {MAX_QUESTION_CHARS} characters, found {found}")]
    TooLong {
        /// Number of characters.
        found: usize,
    },
    /// The limit is out of range.
    #[error("expected 1 to {MAX_LIMIT}, found {found}")]
    Limit {
        /// The limit.
        found: usize,
    },
}

/// A question: trimmed, not empty, and at most [`MAX_QUESTION_CHARS`] characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct QuestionText(String);

impl QuestionText {
    /// Trims and checks a question.
    ///
    /// # Errors
    /// The text is empty or longer than [`MAX_QUESTION_CHARS`].
    pub fn parse(text: &str) -> Result<Self, InvalidQuestion> {
        let text = text.trim();
        let found = text.chars().count();
        if !text.chars().any(|c| !c.is_whitespace() && !c.is_control()) {
            return Err(InvalidQuestion::Empty);
        }
        if found > MAX_QUESTION_CHARS {
            return Err(InvalidQuestion::TooLong { found });
        }
        Ok(Self(text.to_owned()))
    }
}

impl std::ops::Deref for QuestionText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Which legs search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SearchMode, description = "`hybrid`: keyword and vector search together. `keyword`: keyword search only. `vector`: vector search only.")]
pub enum Mode {
    /// Keyword and vector search together.
    #[default]
    Hybrid,
    /// Keyword search only.
    Keyword,
    /// Vector search only.
    Vector,
}

impl Mode {
    /// Name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Hybrid => "hybrid",
            Mode::Keyword => "keyword",
            Mode::Vector => "vector",
        }
    }
}

/// Restrictions on hits. Both searches apply them while they search.
///
/// The caller (`audience`, `channel`) and the time (`at`) decide visibility. The lists narrow it further; an empty list
/// does not restrict.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Filter {
    /// All audience names of the caller, such as `agent`, `tier:gold`, `region:tw`.
    pub audience: Vec<String>,
    /// The channel of the caller, if known.
    pub channel: Option<String>,
    /// The time at which visibility is decided; `None`: now.
    pub at: Option<Timestamp>,
    /// Has all of these tags.
    pub tags: Vec<String>,
    /// Is in one of these languages.
    pub languages: Vec<String>,
    /// Is of one of these kinds.
    pub kinds: Vec<DocumentKind>,
    /// Is a chunk of one of these documents.
    pub document_ids: Vec<DocumentId>,
    /// Is not a chunk of these documents, which the changes of a what-if test would replace.
    pub without_documents: Vec<DocumentId>,
}

/// A search.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    text: QuestionText,
    /// Restrictions on the hits.
    pub filter: Filter,
    limit: usize,
    /// Which legs search.
    pub mode: Mode,
    /// Settings that override those of the service for this search.
    pub tuning: Tuning,
}

impl Query {
    /// Parses a hybrid search without a filter.
    ///
    /// # Errors
    /// The question is empty or too long, or the limit is not in 1 to [`MAX_LIMIT`].
    pub fn parse(text: &str, limit: usize) -> Result<Self, InvalidQuestion> {
        let text = QuestionText::parse(text)?;
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(InvalidQuestion::Limit { found: limit });
        }
        Ok(Self::of(text).with_limit(limit))
    }

    /// A hybrid search without a filter, for [`MAX_LIMIT`] hits.
    pub fn of(text: QuestionText) -> Self {
        Self {
            text,
            filter: Filter::default(),
            limit: MAX_LIMIT,
            mode: Mode::Hybrid,
            tuning: Tuning::default(),
        }
    }

    /// The same search with another filter.
    pub fn with_filter(self, filter: Filter) -> Self {
        Self { filter, ..self }
    }

    /// The same search with another limit, clamped to 1 to [`MAX_LIMIT`].
    pub fn with_limit(self, limit: usize) -> Self {
        Self {
            limit: limit.clamp(1, MAX_LIMIT),
            ..self
        }
    }

    /// The same search with other legs.
    pub fn with_mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    /// The question, trimmed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Maximum number of hits, 1 to [`MAX_LIMIT`].
    pub fn limit(&self) -> usize {
        self.limit
    }
}

/// Speaker of an utterance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = UtteranceRole, description = "`user`: the customer. `agent`: the bot or the person who answers.")]
pub enum Role {
    /// The customer.
    User,
    /// The bot or the person who answers.
    Agent,
}

/// An earlier message of the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Utterance {
    /// The speaker.
    pub role: Role,
    /// The text, at most 2,000 characters.
    pub text: String,
}

/// Rank and score of a hit in one leg. Scores compare only within one leg and one query.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LegScore {
    /// Rank from 1; `None` if the leg did not return the chunk and its score was computed afterwards.
    pub rank: Option<usize>,
    /// Keyword: BM25 (≥ 0). Vector: cosine in [-1, 1].
    pub score: f32,
}

/// A chunk that was found. Lists of hits are sorted by descending score, then by chunk key.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Key of the chunk within its workspace.
    pub chunk_key: u32,
    /// Score after fusion; in [0, 1] for coverage fusion.
    pub score: f32,
    /// Rank and BM25 score in keyword search; `None` if it has no score for the chunk.
    pub keyword: Option<LegScore>,
    /// Rank and cosine in vector search; `None` if it has no score for the chunk.
    pub vector: Option<LegScore>,
    /// BM25 divided by the highest BM25 that the query can reach in this collection, in [0, 1].
    pub coverage: f32,
    /// Proximity of the question's terms in the chunk, in [0, 1].
    pub proximity: f32,
    /// By how much the cosine between the question and the nearest negative question of the chunk exceeds that between
    /// the question and the chunk; 0 if it does not.
    pub negative: f32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_parsing_rejects_empty_long_or_bad_limit() {
        assert_eq!(
            Query::parse("  怎麼退貨？ ", 5).unwrap().text(),
            "怎麼退貨？"
        );
        assert_eq!(
            Query::parse("退".repeat(2000).as_str(), 5).unwrap().limit(),
            5
        );
        for (text, limit, expected) in [
            ("", 5, InvalidQuestion::Empty),
            (" \n\u{3000}\t", 5, InvalidQuestion::Empty),
            ("\u{0}\u{1}", 5, InvalidQuestion::Empty),
            ("退", 0, InvalidQuestion::Limit { found: 0 }),
            ("退", 101, InvalidQuestion::Limit { found: 101 }),
        ] {
            assert_eq!(
                Query::parse(text, limit).unwrap_err(),
                expected,
                "{text:?} {limit}"
            );
        }
        let long = "退".repeat(2001);
        assert_eq!(
            Query::parse(&long, 5).unwrap_err(),
            InvalidQuestion::TooLong { found: 2001 }
        );
    }
}
