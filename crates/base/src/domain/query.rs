use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DocumentId, Kind, Tuning};

/// The longest question taken, in characters (DESIGN 2).
pub const MAX_QUESTION_CHARS: usize = 2_000;
/// The most hits one query may ask for.
pub const MAX_LIMIT: usize = 100;

/// Why a text is no question.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidQuestion {
    #[error("expected 1 to {MAX_QUESTION_CHARS} characters, found none")]
    Empty,
    #[error("expected 1 to {MAX_QUESTION_CHARS} characters, found {found}")]
    TooLong { found: usize },
    #[error("expected 1 to {MAX_LIMIT}, found {found}")]
    Limit { found: usize },
}

/// What somebody asks: trimmed, neither empty nor longer than [`MAX_QUESTION_CHARS`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct QuestionText(String);

impl QuestionText {
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
    #[default]
    Hybrid,
    Keyword,
    Vector,
}

impl Mode {
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Hybrid => "hybrid",
            Mode::Keyword => "keyword",
            Mode::Vector => "vector",
        }
    }
}

/// What a hit has to be, besides relevant. Applied inside both searches.
///
/// Who asks (`audience`, `channel`) and when (`at`) decide visibility; the lists narrow it further, and an
/// empty list asks for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Filter {
    /// All that the asker is, as `agent`, `tier:gold`, `region:tw`.
    pub audience: Vec<String>,
    pub channel: Option<String>,
    /// The time asked about; `None` is now.
    pub at: Option<Timestamp>,
    /// Has all of these tags.
    pub tags: Vec<String>,
    /// Is in one of these languages.
    pub languages: Vec<String>,
    pub kinds: Vec<Kind>,
    pub document_ids: Vec<DocumentId>,
    /// Is none of these: what a change that is tried out would replace.
    pub without_documents: Vec<DocumentId>,
}

/// A search.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    text: QuestionText,
    pub filter: Filter,
    limit: usize,
    pub mode: Mode,
    /// Where the search is to go by other settings than the service's.
    pub tuning: Tuning,
}

impl Query {
    /// Trims the question; refuses an empty or overlong one and a limit outside 1 to [`MAX_LIMIT`].
    pub fn parse(text: &str, limit: usize) -> Result<Self, InvalidQuestion> {
        let text = QuestionText::parse(text)?;
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(InvalidQuestion::Limit { found: limit });
        }
        Ok(Self::of(text).with_limit(limit))
    }

    /// A search for a text, of [`MAX_LIMIT`] hits.
    pub fn of(text: QuestionText) -> Self {
        Self {
            text,
            filter: Filter::default(),
            limit: MAX_LIMIT,
            mode: Mode::Hybrid,
            tuning: Tuning::default(),
        }
    }

    pub fn with_filter(self, filter: Filter) -> Self {
        Self { filter, ..self }
    }

    /// `limit` is 1 to [`MAX_LIMIT`]; beyond it, it is cut.
    pub fn with_limit(self, limit: usize) -> Self {
        Self {
            limit: limit.clamp(1, MAX_LIMIT),
            ..self
        }
    }

    pub fn with_mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn limit(&self) -> usize {
        self.limit
    }
}

/// Who said something in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = UtteranceRole, description = "`user`: the person who asks. `agent`: the bot or the person who answers.")]
pub enum Role {
    User,
    Agent,
}

/// One thing said earlier in the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Utterance {
    /// Who said it.
    pub role: Role,
    /// The words, at most 2,000 characters.
    pub text: String,
}

/// What one leg says of a hit. Scores compare only within one leg and one query.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LegScore {
    /// From 1; `None` where the leg did not list the chunk itself and was asked for its score afterwards.
    pub rank: Option<usize>,
    /// Keyword: BM25 (≥ 0). Vector: cosine in [-1, 1].
    pub score: f32,
}

/// A chunk found. A list of hits is best first, ties by chunk key.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    pub chunk_key: u32,
    /// After fusion, in [0, 1] for coverage fusion.
    pub score: f32,
    pub keyword: Option<LegScore>,
    pub vector: Option<LegScore>,
    /// BM25 divided by the highest BM25 the query could reach in this collection, in [0, 1].
    pub coverage: f32,
    /// How much of the question stands close together, in [0, 1].
    pub proximity: f32,
    /// How much nearer the question is to one that the chunk says it does not answer than to the chunk, in cosines;
    /// 0 where it is not.
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
