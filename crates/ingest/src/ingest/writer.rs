//! The [`Writer`], through which every structured format produces its text and blocks.

use super::{Block, BlockKind, Extracted, Link, visible};
use ken_base::domain::Span;

/// The deepest list level that is indented. A hostile file could otherwise fill the memory with spaces.
const MAX_DEPTH: usize = 12;

/// Writes the text for reading and quoting, and records where its parts start and end. Every structured format uses it,
/// so that lists and tables look the same whatever their source: items as `- ` and `1. `, rows as `| a | b |`, blocks
/// separated by an empty line.
#[derive(Default)]
pub struct Writer {
    out: Extracted,
    /// The open block's kind (with its items or rows so far) and start.
    open: Option<(BlockKind, usize)>,
    /// The next number of each open list, or `None` for bullets.
    lists: Vec<Option<u64>>,
    /// Start of the open top-level item or table row.
    part_start: usize,
    link: Option<(usize, String)>,
}

impl Writer {
    /// Closes everything and returns the result.
    pub fn finish(mut self) -> Extracted {
        self.close();
        self.out
    }

    /// Starts a page (or slide), counted from 1.
    pub fn page(&mut self, number: u32) {
        if !self.in_list() {
            self.close();
        }
        let start = match (self.out.text.is_empty(), self.in_list()) {
            (true, _) => 0,
            // Inside a list: after the next line break; otherwise after the empty line before the next block.
            (false, true) => self.out.text.len() + 1,
            (false, false) => self.out.text.len() + 2,
        };
        self.out.pages.push((start, number));
    }

    /// Assigns the last `n_bytes` written to this page.
    pub fn page_before_end(&mut self, n_bytes: usize, number: u32) {
        let start = self.out.text.len().saturating_sub(n_bytes);
        self.out.pages.push((start, number));
    }

    /// Writes a heading of a level from 1 to 6.
    pub fn heading(&mut self, level: u8, text: &str) {
        self.open(BlockKind::Heading(level.clamp(1, 6)));
        self.text(text.trim());
        self.close();
    }

    /// Writes a paragraph.
    pub fn paragraph(&mut self, text: &str) {
        self.open(BlockKind::Paragraph);
        self.text(text.trim());
        self.close();
    }

    /// Writes a block of code.
    pub fn code(&mut self, text: &str) {
        self.open(BlockKind::Code);
        self.text(text.trim_matches('\n'));
        self.close();
    }

    /// Returns the rows of the last block if it is a table, otherwise nothing.
    pub fn last_rows(&self) -> &[Span] {
        match self.out.blocks.last().map(|block| &block.kind) {
            Some(BlockKind::Table(rows)) => rows,
            _ => &[],
        }
    }

    /// Writes a table. Each cell must be one line.
    pub fn table<R: IntoIterator<Item = String>>(&mut self, rows: impl IntoIterator<Item = R>) {
        self.open(BlockKind::Table(Vec::new()));
        for row in rows {
            self.start_row();
            for cell in row {
                self.start_cell();
                self.text(&one_line(&cell));
                self.end_cell();
            }
            self.end_part();
        }
        self.close();
    }

    /// Starts a block; the previous one ends.
    pub fn open(&mut self, kind: BlockKind) {
        self.close();
        if !self.out.text.is_empty() {
            self.trim_end_to(0);
            self.out.text.push_str("\n\n");
        }
        self.open = Some((kind, self.out.text.len()));
    }

    /// Ends the open block; an empty one is dropped.
    pub fn close(&mut self) {
        self.end_link();
        let Some((kind, start)) = self.open.take() else {
            return;
        };
        self.trim_end_to(start);
        let text = &mut self.out.text;
        let body = text[start..].trim();
        let is_template_tag =
            body.starts_with("{{") && body.ends_with("}}") && !body.contains('\n');
        if body.is_empty() || is_template_tag {
            text.truncate(start);
            self.trim_end_to(0);
            self.out.links.retain(|link| link.span.end <= start);
            return;
        }
        let span = Span::new(start, text.len());
        self.out.blocks.push(Block { kind, span });
    }

    /// Returns whether a block of code is open.
    pub fn is_code(&self) -> bool {
        matches!(self.open, Some((BlockKind::Code, _)))
    }

    /// Returns how many nested lists are open.
    pub fn depth(&self) -> usize {
        self.lists.len()
    }

    /// Returns whether a list is open.
    pub fn in_list(&self) -> bool {
        !self.lists.is_empty()
    }

    /// Returns whether a table is open.
    pub fn in_table(&self) -> bool {
        matches!(self.open, Some((BlockKind::Table(_), _)))
    }

    /// Starts a list, numbered from `first`, or with bullets for `None`.
    pub fn start_list(&mut self, first: Option<u64>) {
        if self.lists.is_empty() {
            self.open(BlockKind::List(Vec::new()));
        }
        self.lists.push(first);
    }

    /// Ends the innermost list.
    pub fn end_list(&mut self) {
        self.lists.pop();
        if self.lists.is_empty() {
            self.close();
        }
    }

    /// Like [`Writer::start_item`], with a label instead of a bullet or the next number.
    pub fn start_item_labelled(&mut self, label: &str) {
        self.start_item_head();
        self.out.text.push_str(label);
    }

    /// Starts an item with a bullet or the next number.
    pub fn start_item(&mut self) {
        self.start_item_head();
        match self.lists.last_mut() {
            Some(Some(number)) => {
                self.out.text.push_str(&format!("{number}. "));
                *number = number.saturating_add(1);
            }
            _ => self.out.text.push_str("- "),
        }
    }

    fn start_item_head(&mut self) {
        self.fresh_line();
        let depth = self.lists.len();
        if depth == 1 {
            self.part_start = self.out.text.len();
        }
        let indent = depth.saturating_sub(1).min(MAX_DEPTH);
        self.out.text.extend(std::iter::repeat_n("  ", indent));
    }

    /// Ends an item.
    pub fn end_item(&mut self) {
        if self.lists.len() == 1 {
            self.end_part();
        }
    }

    /// Starts a table row.
    pub fn start_row(&mut self) {
        self.fresh_line();
        self.part_start = self.out.text.len();
        self.out.text.push('|');
    }

    /// Starts a cell.
    pub fn start_cell(&mut self) {
        self.out.text.push(' ');
    }

    /// Ends a cell.
    pub fn end_cell(&mut self) {
        self.out.text.push_str(" |");
    }

    /// Records the item or row that ends here.
    pub fn end_part(&mut self) {
        self.trim_end_to(self.part_start);
        let span = Span::new(self.part_start, self.out.text.len());
        if let Some((BlockKind::List(parts) | BlockKind::Table(parts), _)) = &mut self.open {
            parts.push(span);
        }
    }

    /// Starts a link.
    pub fn start_link(&mut self, url: &str) {
        self.end_link();
        self.link = Some((self.out.text.len(), url.to_owned()));
    }

    /// Ends the link, if one is open.
    pub fn end_link(&mut self) {
        let Some((start, url)) = self.link.take() else {
            return;
        };
        let end = self.out.text.len();
        if start < end && !url.is_empty() {
            let span = Span::new(start, end);
            self.out.links.push(Link { span, url });
        }
    }

    /// Writes words unchanged; without an open block they start a paragraph.
    pub fn text(&mut self, text: &str) {
        if self.open.is_none() {
            self.open(BlockKind::Paragraph);
        }
        self.out.text.push_str(&visible(text));
    }

    /// Writes a line break without meaning: a space, or nothing between two Han characters.
    pub fn soft_break(&mut self) {
        match self.out.text.chars().next_back() {
            Some(c) if joins(c) => {}
            _ => self.out.text.push(' '),
        }
    }

    /// Writes a line break inside a block; in a table row a space, so that a row is one line.
    pub fn new_line(&mut self) {
        let c = if self.in_table() { ' ' } else { '\n' };
        self.out.text.push(c);
    }

    /// Ends the current line unless it is empty.
    pub fn fresh_line(&mut self) {
        let block_start = self.open.as_ref().map_or(0, |(_, start)| *start);
        if self.out.text.len() > block_start && !self.out.text.ends_with('\n') {
            self.out.text.push('\n');
        }
    }

    /// Like [`Writer::fresh_line`], unless the line contains only the item's number or bullet.
    pub fn fresh_line_unless_at_item_head(&mut self) {
        let line = self.out.text.rsplit('\n').next().unwrap_or("");
        let is_head = line.trim_end().ends_with(['-', '.']) && line.ends_with(' ');
        if !is_head {
            self.fresh_line();
        }
    }

    /// Returns the text of the open block so far.
    pub fn open_text(&self) -> &str {
        self.open
            .as_ref()
            .map_or("", |(_, start)| &self.out.text[*start..])
    }

    /// Returns the whole text so far.
    pub fn written(&self) -> &str {
        &self.out.text
    }

    fn trim_end_to(&mut self, floor: usize) {
        let end = self.out.text[floor..].trim_end().len() + floor;
        self.out.text.truncate(end);
    }
}

/// Returns superscript characters, which stay separate from the figure before them: `10⁶`, `1,200¹`. Text without such
/// characters, like the `th` of `5th`, is unchanged.
pub fn raised(text: &str) -> String {
    moved(text, "0123456789+-=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ")
}

/// Like [`raised`], for subscripts: `CO₂`.
pub fn lowered(text: &str) -> String {
    moved(text, "0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")
}

fn moved(text: &str, plain: &str, moved: &str) -> String {
    let one = |c: char| {
        plain
            .chars()
            .position(|p| p == c)
            .and_then(|i| moved.chars().nth(i))
    };
    let has_all = text
        .trim()
        .chars()
        .all(|c| one(c).is_some() || c.is_whitespace());
    match has_all {
        true => text.chars().map(|c| one(c).unwrap_or(c)).collect(),
        false => text.to_owned(),
    }
}

/// Returns whether a line that ends (or starts) with this character joins its neighbour without a space.
pub fn joins(c: char) -> bool {
    ken_text::text::is_cjk(c) || "，。；：、！？（）「」『』《》〈〉【】…—".contains(c)
}

/// Replaces white space by single spaces, or by nothing if a line was broken between Han characters.
pub fn one_line(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let Some(first) = words.next() else { continue };
        match (joined.chars().next_back(), first.chars().next()) {
            (None, _) => {}
            (Some(a), Some(b)) if joins(a) && joins(b) => {}
            _ => joined.push(' '),
        }
        joined.push_str(first);
        for word in words {
            joined.push(' ');
            joined.push_str(word);
        }
    }
    joined
}
