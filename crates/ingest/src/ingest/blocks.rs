//! The result of extraction, common to all formats: text, blocks, links and pages.

use serde::{Deserialize, Serialize};

use ken_base::domain::Span;

use super::front_matter::FrontMatter;

/// The extracted text, with the positions of its parts.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Extracted {
    /// The document's front matter.
    pub front_matter: FrontMatter,
    /// The text for reading and quoting.
    pub text: String,
    /// The blocks in reading order, without overlaps.
    pub blocks: Vec<Block>,
    /// The byte at which each page (or slide) starts, ascending, with its number; empty without pages.
    pub pages: Vec<(usize, u32)>,
    /// The links.
    pub links: Vec<Link>,
    /// The title in the document's properties, if the format has any.
    pub title: Option<String>,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// The span of its words.
    pub span: Span,
    /// The address.
    pub url: String,
}

/// A part of the text that should not be split if it fits into a chunk.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// The kind.
    pub kind: BlockKind,
    /// The span.
    pub span: Span,
}

/// The kind of a block.
#[derive(Debug, Clone, PartialEq)]
pub enum BlockKind {
    /// A heading of level 1 to 6. The span is the heading's text.
    Heading(u8),
    /// A paragraph.
    Paragraph,
    /// A list: the spans of its items, each with everything nested in it.
    List(Vec<Span>),
    /// A table: the spans of its rows; the first is the header.
    Table(Vec<Span>),
    /// Code.
    Code,
}

impl Extracted {
    /// Returns the given title, otherwise the first heading or the first line, shortened to 120 characters.
    pub fn title(&self) -> Option<String> {
        if let Some(title) = &self.title {
            return Some(title.clone());
        }
        let heading = self
            .blocks
            .iter()
            .find(|b| matches!(b.kind, BlockKind::Heading(_)));
        let text = match heading {
            Some(block) => block.span.slice(&self.text)?,
            // The names of a table's columns are no title.
            None => self
                .text
                .lines()
                .find(|line| !line.trim().is_empty())
                .filter(|line| !line.starts_with('|'))?,
        };
        Some(text.trim().chars().take(120).collect())
    }
}
