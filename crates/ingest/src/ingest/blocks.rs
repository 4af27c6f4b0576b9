use serde::{Deserialize, Serialize};

use ken_base::domain::Span;

use super::front_matter::FrontMatter;

/// What every format yields: the text people read and quote, and where its parts lie.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Extracted {
    pub front_matter: FrontMatter,
    pub text: String,
    /// In reading order, not overlapping.
    pub blocks: Vec<Block>,
    /// From which byte on the text stands on which page (or slide), ascending; empty where there are no pages.
    pub pages: Vec<(usize, u32)>,
    /// Words that lead elsewhere.
    pub links: Vec<Link>,
    /// The document's own name for itself, where the format has a place for it.
    pub title: Option<String>,
}

/// Words that lead elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Link {
    pub span: Span,
    pub url: String,
}

/// A part of the text that should not be cut where it fits.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    pub kind: BlockKind,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum BlockKind {
    /// Level 1 to 6. The span is the heading's text.
    Heading(u8),
    Paragraph,
    /// Spans of the items, each with all that is nested in it.
    List(Vec<Span>),
    /// Spans of the rows; the first is the header.
    Table(Vec<Span>),
    Code,
}

impl Extracted {
    /// The given title, else the first heading, else the first line, shortened to 120 characters.
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
            None => self.text.lines().find(|line| !line.trim().is_empty())?,
        };
        Some(text.trim().chars().take(120).collect())
    }
}
