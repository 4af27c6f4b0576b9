//! [`Chunk`]: the unit of indexing and citation, with its position and its notes; [`Evidence`]: a chunk that was found.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DocumentId, FaqAnswer, Metadata, TextFormat};

/// A byte range `start..end` of a document version's text, on character boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

impl Span {
    /// The range `start..end`; `start` must not exceed `end`.
    pub fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end);
        Self { start, end }
    }

    /// The range of `text`; `None` if it is out of bounds or not on character boundaries.
    pub fn slice(self, text: &str) -> Option<&str> {
        text.get(self.start..self.end)
    }

    /// Length in bytes.
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether the range contains no byte.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// A chunk of a document that is not stored yet, so it has no key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NewChunk {
    /// Headings above the chunk, outermost first.
    pub heading_path: Vec<String>,
    /// Position in the document's text.
    pub span: Span,
    /// What holds for this chunk only.
    #[serde(default)]
    pub note: ChunkNote,
}

/// Properties of one chunk in addition to the metadata of its document.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ChunkNote {
    /// Audience of the chunk, which narrows that of the document; empty: no restriction of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<String>,
    /// Channels of the chunk, which narrow those of the document; empty: no restriction of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<String>,
    /// Language of the chunk (BCP 47), if it differs from that of the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The question that this chunk answers, if the article consists of questions and answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// Page starts: byte offset in the document and page number, ascending. The first is at or before the start of the
    /// chunk.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<(usize, u32)>,
    /// The header row of the table in which the chunk begins, if that row is in an earlier chunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<TableHeader>,
    /// Links: start and end of the link text in the document, in bytes, and the address.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<(usize, usize, String)>,
}

/// The header row of a table, `| a | b |`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableHeader {
    /// Byte offset of the row in the document.
    pub start: usize,
    /// The row as it is written.
    pub text: String,
}

impl ChunkNote {
    /// The page of byte `offset` of the document; `None` if the source has no pages.
    pub fn page_of(&self, offset: usize) -> Option<u32> {
        let pages = self.pages.iter().rev();
        let mut before = pages.filter(|(start, _)| *start <= offset);
        before.next().or(self.pages.first()).map(|(_, page)| *page)
    }

    /// Whether it changes the metadata that hold for the chunk.
    pub fn narrows(&self) -> bool {
        !self.audience.is_empty()
            || !self.channels.is_empty()
            || self.language.is_some()
            || self.question.is_some()
    }
}

/// Structure of a document's text: pages, links and the answers of an FAQ; and what it was read from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Outline {
    /// Page starts: byte offset and page number, ascending.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<(usize, u32)>,
    /// Links: start and end of the link text in bytes, and the address.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<(usize, usize, String)>,
    /// Answers of an FAQ: the span of each, and its restrictions (their `text` is empty).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<(Span, FaqAnswer)>,
    /// Format of the submitted text, if it is one that people write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<TextFormat>,
}

/// The unit that is indexed, embedded and cited ("passage" in papers).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Dense number within its workspace, never reused. The indexes identify a chunk by it.
    pub key: u32,
    /// The document that contains the chunk.
    pub document_id: DocumentId,
    /// The version of the document, from 1; 0 if it is not stored.
    pub version: i64,
    /// 0, 1, 2 … in reading order.
    pub ordinal: i64,
    /// Headings above the chunk, outermost first.
    pub heading_path: Vec<String>,
    /// Position in the text of the document's version.
    pub span: Span,
    /// Equals `document.text[span.start..span.end]`.
    pub text: String,
    /// What holds for this chunk only.
    pub note: ChunkNote,
}

impl Chunk {
    /// Id for citations: `document:version:ordinal`.
    pub fn id(&self) -> String {
        format!("{}:{}:{}", self.document_id, self.version, self.ordinal)
    }
}

/// A chunk that was found and loaded from the store: live, and visible to the caller.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The chunk.
    pub chunk: Chunk,
    /// Metadata of its document, narrowed to the chunk.
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
