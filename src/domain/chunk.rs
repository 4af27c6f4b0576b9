use serde::{Deserialize, Serialize};

use super::{DocumentId, Metadata};

/// A byte range `start..end` of a document version's text, on character boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// The hit's score after fusion, in [0, 1].
    pub score: f32,
    /// Share of the query's term weight found in the chunk, in [0, 1].
    pub coverage: f32,
    /// Cosine between query and chunk, in [-1, 1].
    pub similarity: f32,
}
