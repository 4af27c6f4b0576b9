use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DocumentId, FaqAnswer, Metadata};

/// A byte range `start..end` of a document version's text, on character boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    pub fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end);
        Self { start, end }
    }

    /// The text it names, or `None` where it does not fit `text`.
    pub fn slice(self, text: &str) -> Option<&str> {
        text.get(self.start..self.end)
    }

    pub fn len(self) -> usize {
        self.end - self.start
    }

    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// Where a chunk lies, before it has a key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NewChunk {
    pub heading_path: Vec<String>,
    pub span: Span,
    #[serde(default)]
    pub note: ChunkNote,
}

/// What is said of one chunk besides what is said of its document.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ChunkNote {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The question that this chunk of an article answers, where the article is questions and answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// From which byte of the document on it stands on which page; the first at or before the chunk's start.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<(usize, u32)>,
    /// The row that names the columns of the table in which the chunk begins, where that row stands in an earlier chunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<TableHeader>,
    /// Words of the chunk that lead elsewhere: start and end in the document, and an address that people can open.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<(usize, usize, String)>,
}

/// A table's first row, `| a | b |`, and the byte of the document at which it begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableHeader {
    pub start: usize,
    pub text: String,
}

impl ChunkNote {
    /// The page on which byte `offset` of the document stands.
    pub fn page_of(&self, offset: usize) -> Option<u32> {
        let pages = self.pages.iter().rev();
        let mut before = pages.filter(|(start, _)| *start <= offset);
        before.next().or(self.pages.first()).map(|(_, page)| *page)
    }

    /// Whether it changes what holds for the chunk.
    pub fn narrows(&self) -> bool {
        !self.audience.is_empty()
            || !self.channels.is_empty()
            || self.language.is_some()
            || self.question.is_some()
    }
}

/// What a document's text looks like besides its words.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Outline {
    /// From which byte on the text stands on which page, ascending.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<(usize, u32)>,
    /// Words that lead elsewhere: start, end, address.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<(usize, usize, String)>,
    /// An FAQ's answers: where each stands, and for whom it is (its text is left empty).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<(Span, FaqAnswer)>,
}

/// The unit that is indexed, embedded and cited ("passage" in papers).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Dense number within its workspace, never used again; the indexes know a chunk by it.
    pub key: u32,
    pub document_id: DocumentId,
    pub version: i64,
    /// 0, 1, 2 … in reading order.
    pub ordinal: i64,
    pub heading_path: Vec<String>,
    pub span: Span,
    /// Equals `document.text[span.start..span.end]`.
    pub text: String,
    pub note: ChunkNote,
}

impl Chunk {
    /// The name by which a chunk is cited: `document:version:ordinal`.
    pub fn id(&self) -> String {
        format!("{}:{}:{}", self.document_id, self.version, self.ordinal)
    }
}

/// A chunk loaded from the store with what is said about its document: live, and visible to who asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    pub chunk: Chunk,
    pub metadata: Metadata,
    /// When its document was last written.
    pub updated_at: Timestamp,
    /// The hit's score after fusion, in [0, 1].
    pub score: f32,
    /// Share of the query's term weight found in the chunk, in [0, 1].
    pub coverage: f32,
    /// Cosine between query and chunk, in [-1, 1].
    pub similarity: f32,
}
