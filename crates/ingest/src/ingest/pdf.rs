//! PDF: reconstructs lines, paragraphs, headings, lists, columns and tables from the positions of glyphs.

mod glyphs;
mod tables;

use std::collections::{HashMap, HashSet};

use unicode_normalization::UnicodeNormalization;

pub use glyphs::use_library;

use super::grid::Grid;
use super::writer::{Writer, joins, lowered, raised};
use super::{Extracted, IngestError, Link};
use glyphs::{PageLink, RuledLine, Sheet};
use ken_base::domain::Span;
use tables::{Column, Row, columns_of, rows_of, table_at};

/// A PDF with fewer characters per page than this on average contains pictures of text.
const MIN_CHARS_PER_PAGE: usize = 2;
/// A file is refused if a larger share of its characters is unknown. A smaller share is symbols without names in fonts.
const MAX_UNKNOWN: f64 = 0.02;
/// Running headers and footers are within this share of the page's height.
const MARGIN: f64 = 0.14;
/// A line this much larger than the body text is a heading.
const HEADING: f64 = 1.07;
/// Lines this much further apart than usual belong to different paragraphs.
const PARAGRAPH_GAP: f64 = 1.25;
/// Words on one line that are this far apart, in letter sizes, are cells of a table.
const CELL_GAP: f64 = 1.2;
/// A superscript or subscript is at most this share of its line's size.
const SMALL: f64 = 0.78;
/// Columns of prose have at least this many lines.
const MIN_COLUMN_LINES: usize = 3;
/// Lines in columns of prose have at least this many letter sizes on average.
const MIN_COLUMN_WIDTH: f64 = 7.0;

/// Extracts a PDF's text in reading order from the glyphs that PDFium returns. Lines of a paragraph are joined, without
/// a space between Han characters and without the hyphen of a divided word. Columns follow each other. Running headers
/// and footers, page numbers and slanted stamps are removed. Headings are recognised by size, tables by the gaps in
/// their lines, also across pages. Pages are recorded.
pub fn extract(bytes: &[u8]) -> Result<Extracted, IngestError> {
    let found = glyphs::read(bytes)?;
    let damaged = |detail: &str| IngestError::damaged("PDF", detail);
    if found.n_pages == 0 {
        return Err(damaged("no pages"));
    }
    let glyphs = found.sheets.iter().flat_map(|sheet| &sheet.glyphs);
    let n_read = glyphs.filter(|glyph| !glyph.text.is_whitespace()).count();
    let n_chars = n_read + found.n_unknown;
    if found.n_unknown as f64 > MAX_UNKNOWN * n_chars as f64 {
        return Err(IngestError::Undecoded {
            n_unknown: found.n_unknown,
            n_chars,
        });
    }
    if n_read < MIN_CHARS_PER_PAGE * found.n_pages {
        return Err(match found.n_unread {
            0 => IngestError::Scanned {
                n_pages: found.n_pages,
            },
            _ => damaged("cannot extract text from its pages"),
        });
    }
    let mut extracted = layout(found.sheets.iter().map(page_of).collect())?;
    extracted.title = extracted.title().or(found.title);
    place(&mut extracted, &found.links);
    Ok(extracted)
}

/// Adds the links of a page whose words occur in the text as often as the page has links with these words. If they
/// occur more often, or were removed like a running header, no link is added: a wrong address is worse than none.
fn place(extracted: &mut Extracted, links: &[PageLink]) {
    for of_page in links.chunk_by(|a, b| a.number == b.number) {
        let number = of_page[0].number;
        let is_of_page = |(_, page): &&(usize, u32)| *page == number;
        let Some((from, _)) = extracted.pages.iter().find(is_of_page).copied() else {
            continue;
        };
        let behind = extracted
            .pages
            .iter()
            .find(|(at, page)| *at > from && *page != number);
        let to = behind.map_or(extracted.text.len(), |(next, _)| *next);
        let Some(page) = extracted.text.get(from..to) else {
            continue;
        };
        // The letters without white space, each with its position.
        let (mut letters, mut places) = (String::with_capacity(page.len()), Vec::new());
        for (at, c) in page.char_indices().filter(|(_, c)| !c.is_whitespace()) {
            places.extend(std::iter::repeat_n(at, c.len_utf8()));
            letters.push(c);
        }
        // A link over two lines is two links on the page.
        let mut urls: HashMap<String, Vec<&str>> = HashMap::new();
        for of_url in of_page.chunk_by(|a, b| a.url == b.url) {
            let words = of_url.iter().map(|link| unified(&link.text));
            let words: String = words.collect::<String>().split_whitespace().collect();
            if !words.is_empty() {
                urls.entry(words).or_default().push(&of_url[0].url);
            }
        }
        for (words, urls) in urls {
            let is_whole = |at: &usize| {
                let end = at + words.len();
                let joins = |a: Option<char>, b: Option<char>, apart: bool| {
                    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
                    !apart && is_word(a) && is_word(b)
                };
                let gap = |at: usize| {
                    at > 0 && at < places.len() && {
                        let last = letters[..at].chars().next_back().map_or(1, char::len_utf8);
                        places[at] > places[at - 1] + last
                    }
                };
                let (before, behind) = (
                    letters[..*at].chars().next_back(),
                    letters[end..].chars().next(),
                );
                !joins(before, words.chars().next(), gap(*at))
                    && !joins(words.chars().next_back(), behind, gap(end))
            };
            let found = letters.match_indices(&words).map(|(at, _)| at);
            let found: Vec<usize> = found.filter(is_whole).take(urls.len() + 1).collect();
            if found.len() != urls.len() {
                continue;
            }
            for (at, url) in found.into_iter().zip(urls) {
                let last = at + words.len() - words.chars().next_back().map_or(1, char::len_utf8);
                let end = places[last] + (at + words.len() - last);
                extracted.links.push(Link {
                    span: Span::new(from + places[at], from + end),
                    url: url.to_owned(),
                });
            }
        }
    }
    extracted.links.sort_by_key(|link| link.span.start);
}

/// A run of letters of one size and height without a gap.
#[derive(Debug, Clone)]
struct Piece {
    start: f64,
    end: f64,
    y: f64,
    size: f64,
    text: String,
}

/// The pieces on one baseline, in drawing order.
#[derive(Debug, Clone)]
struct Line {
    y: f64,
    size: f64,
    pieces: Vec<Piece>,
    /// The right edge of its column, for a line in a column.
    right: Option<f64>,
    /// Whether it is the first line of a column beside the previous one.
    begins_column: bool,
}

impl Line {
    fn text(&self) -> String {
        self.joined(&self.pieces)
    }

    fn joined(&self, pieces: &[Piece]) -> String {
        let (mut text, mut end) = (String::new(), f64::MIN);
        for piece in pieces {
            let is_small = piece.size < SMALL * self.size;
            let moved = match is_small {
                true if piece.y < self.y - 0.15 * self.size => raised(&piece.text),
                true if piece.y > self.y + 0.05 * self.size => lowered(&piece.text),
                _ => piece.text.clone(),
            };
            let parted = match (text.chars().next_back(), moved.chars().next()) {
                (Some(a), Some(b)) => !(joins(a) && joins(b)) && a != ' ' && b != ' ',
                _ => false,
            };
            let is_mark = moved != piece.text && piece.start - end < 0.5 * self.size;
            if parted && !is_mark {
                text.push(' ');
            }
            text.push_str(&moved);
            end = piece.end;
        }
        text.trim().to_owned()
    }

    fn start(&self) -> f64 {
        self.pieces.iter().map(|p| p.start).fold(f64::MAX, f64::min)
    }

    fn end(&self) -> f64 {
        self.pieces.iter().map(|p| p.end).fold(f64::MIN, f64::max)
    }

    /// Returns the pieces between wide gaps.
    fn groups(&self) -> Vec<&[Piece]> {
        self.pieces
            .chunk_by(|a, b| b.start - a.end < CELL_GAP * self.size)
            .filter(|group| group.iter().any(|piece| !piece.text.trim().is_empty()))
            .collect()
    }

    /// Returns the texts between wide gaps, with the start of each.
    fn cells(&self) -> Vec<(f64, String)> {
        let groups = self.groups().into_iter();
        groups
            .map(|group| (group[0].start, self.joined(group)))
            .collect()
    }

    /// Returns the texts between wide gaps, with the start and end of each.
    fn extents(&self) -> Vec<(f64, f64, String)> {
        let groups = self.groups().into_iter();
        let end = |group: &[Piece]| group.iter().map(|p| p.end).fold(f64::MIN, f64::max);
        groups
            .map(|group| (group[0].start, end(group), self.joined(group)))
            .collect()
    }

    /// Returns the pieces that satisfy a condition, as a line of their own.
    fn part(&self, is_part: impl Fn(&Piece) -> bool) -> Option<Line> {
        let pieces: Vec<Piece> = self
            .pieces
            .iter()
            .filter(|piece| is_part(piece))
            .cloned()
            .collect();
        (!pieces.is_empty()).then(|| Line {
            pieces,
            ..self.clone()
        })
    }
}

#[derive(Debug, Default)]
struct Page {
    number: u32,
    height: f64,
    lines: Vec<Line>,
    rules: Vec<RuledLine>,
    walls: Vec<RuledLine>,
}

/// Groups the glyphs of a sheet into lines, in drawing order.
fn page_of(sheet: &Sheet) -> Page {
    let mut lines: Vec<Line> = Vec::new();
    for glyph in &sheet.glyphs {
        let (x, y, size) = (glyph.start, glyph.y, glyph.size);
        if glyph.text.is_control() {
            continue;
        }
        let is_blank = glyph.text.is_whitespace();
        let on_line = lines.last_mut().filter(|line| {
            let last = line.pieces.last().map_or(x, |piece| piece.end);
            (line.y - y).abs() < 0.5 * line.size.max(size) && x > last - 2.0 * size
        });
        let text = unified(glyph.text.encode_utf8(&mut [0; 4]));
        let piece = Piece {
            start: x,
            end: glyph.end,
            y,
            size,
            text,
        };
        let Some(line) = on_line else {
            if !is_blank {
                lines.push(Line {
                    y,
                    size,
                    pieces: vec![piece],
                    right: None,
                    begins_column: false,
                });
            }
            continue;
        };
        // The size and the baseline of a line are those of its largest letters.
        if size > line.size {
            (line.size, line.y) = (size, y);
        }
        match line.pieces.last_mut() {
            Some(last)
                if x - last.end < 0.15 * size
                    && (is_blank || (last.size - size).abs() < 0.15 * size) =>
            {
                if !(is_blank && last.text.ends_with(' ')) {
                    last.text.push_str(&piece.text);
                }
                last.end = last.end.max(piece.end);
            }
            _ if is_blank => {}
            _ => line.pieces.push(piece),
        }
    }
    Page {
        number: sheet.number,
        height: sheet.height,
        lines,
        rules: sheet.rules.clone(),
        walls: sheet.walls.clone(),
    }
}

/// Radicals that are whole characters and that NFKC does not change, with those characters (Unicode,
/// EquivalentUnifiedIdeograph.txt).
const RADICALS: [&str; 2] = [
    "\u{2E81}\u{2E88}\u{2E8E}\u{2E92}\u{2E93}\u{2E9B}\u{2E9C}\u{2E9D}\u{2EA0}\u{2EA7}\u{2EA9}\u{2EAB}\u{2EAC}\u{2EB6}\u{2EBB}\u{2EBC}\u{2EBD}\u{2EC1}\u{2EC4}\u{2EC5}\u{2EC6}\u{2EC9}\u{2ECA}\u{2ECB}\u{2ED1}\u{2ED3}\u{2ED4}\u{2ED7}\u{2ED8}\u{2ED9}\u{2EDA}\u{2EDB}\u{2EDC}\u{2EDD}\u{2EDE}\u{2EE1}\u{2EE2}\u{2EE3}\u{2EE4}\u{2EE5}\u{2EE6}\u{2EE7}\u{2EE8}\u{2EE9}\u{2EEA}\u{2EEB}\u{2EEC}\u{2EED}\u{2EEE}\u{2EEF}\u{2EF0}\u{2EF1}\u{2EF2}",
    "厂刀兀巳幺旡日月民牛王目示羊聿肉臼虎西见角贝足车長长门雨青韦页风飞食食首马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀",
];

/// Replaces radicals, compatibility ideographs and ligatures, which some fonts use for letters, by the letters.
fn unified(text: &str) -> String {
    let whole = |c: char| {
        let at = RADICALS[0].chars().position(|radical| radical == c)?;
        RADICALS[1].chars().nth(at)
    };
    text.chars()
        .map(|c| match u32::from(c) {
            0x2E80..=0x2EFF => whole(c).unwrap_or(c),
            _ => c,
        })
        .flat_map(|c| -> Box<dyn Iterator<Item = char>> {
            match u32::from(c) {
                0x2E80..=0x2FDF | 0xF900..=0xFAFF | 0xFB00..=0xFB06 | 0x2F800..=0x2FA1F => {
                    Box::new(c.nfkc())
                }
                0xA0 => Box::new(std::iter::once(' ')),
                _ => Box::new(std::iter::once(c)),
            }
        })
        .filter(|c| !c.is_control())
        .collect()
}

fn layout(mut pages: Vec<Page>) -> Result<Extracted, IngestError> {
    for page in &mut pages {
        join_baselines(page);
    }
    drop_running(&mut pages);
    for page in &mut pages {
        page.lines = in_columns(std::mem::take(&mut page.lines), &page.rules, &page.walls);
    }
    let sizes = Sizes::of(&pages);
    let mut text = PageText {
        hyphenated: hyphenated(&pages),
        ..PageText::default()
    };
    for page in &pages {
        text.start_page(page)?;
        text.write(page, &sizes)?;
    }
    text.flush()?;
    text.end_list();
    Ok(text.writer.finish())
}

/// Returns the hyphenated words within lines, in lower case. A word divided at such a hyphen keeps it.
fn hyphenated(pages: &[Page]) -> HashSet<String> {
    let mut found = HashSet::new();
    for line in pages.iter().flat_map(|page| &page.lines) {
        let text = line.text();
        let words = text.split(|c: char| !(c.is_alphanumeric() || c == '-'));
        found.extend(
            words
                .filter(|word| word.trim_matches('-').contains('-'))
                .map(str::to_lowercase),
        );
    }
    found
}

/// The text written so far, and what is still open.
#[derive(Default)]
struct PageText {
    writer: Writer,
    open: Option<OpenBlock>,
    table: Option<OpenTable>,
    /// The current page.
    number: u32,
    hyphenated: HashSet<String>,
}

/// A table with more rows to come, possibly on the next page.
struct OpenTable {
    columns: Vec<Column>,
    rows: Vec<Row>,
    /// The rows at which a new page starts, with its number.
    turns: Vec<(usize, u32)>,
}

impl OpenTable {
    /// Returns how many lines at the top of a page continue the table.
    fn n_continuing_lines(&self, lines: &[Line]) -> Option<usize> {
        let n = table_at(lines, 1)?;
        let columns = columns_of(&lines[..n]);
        let is_same =
            |(ours, theirs): (&Column, &Column)| ours.0.max(theirs.0) < ours.1.min(theirs.1);
        let all_same = self.columns.iter().zip(&columns).all(is_same);
        (columns.len() == self.columns.len() && all_same).then_some(n)
    }
}

/// A paragraph, heading or item with more lines to come.
struct OpenBlock {
    kind: OpenKind,
    text: String,
    y: f64,
    size: f64,
    left: f64,
    /// How much room the last line left.
    slack: f64,
    /// The bytes of the text at which a new page starts, with its number.
    turns: Vec<(usize, u32)>,
}

impl OpenBlock {
    /// Returns whether it is unfinished and the page's first line could continue it.
    fn continues_on(&self, page: &Page) -> bool {
        let is_next = page.lines.first().is_some_and(|line| {
            line.cells().len() == 1 && (line.start() - self.left).abs() < 2.0 * line.size
        });
        is_next && self.is_unfinished()
    }

    /// Returns whether its last line is full and does not end a sentence.
    fn is_unfinished(&self) -> bool {
        let ends = ['。', '！', '？', '.', '!', '?', '：', ':'];
        self.slack < 4.0 * self.size && !self.text.ends_with(ends)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum OpenKind {
    Heading(u8),
    Paragraph,
    Item(Option<u64>),
}

impl PageText {
    /// Starts a page. An open paragraph or table may continue there.
    fn start_page(&mut self, page: &Page) -> Result<(), IngestError> {
        let continues = self
            .table
            .as_ref()
            .is_some_and(|table| table.n_continuing_lines(&page.lines).is_some());
        if let Some(open) = self.open.as_mut().filter(|open| open.continues_on(page)) {
            open.turns.push((open.text.len(), page.number));
            open.y = f64::MIN;
        } else if let Some(table) = self.table.as_mut().filter(|_| continues) {
            table.turns.push((table.rows.len(), page.number));
        } else {
            self.flush()?;
            if self.number != page.number {
                self.writer.page(page.number);
            }
        }
        self.number = page.number;
        Ok(())
    }

    fn write(&mut self, page: &Page, sizes: &Sizes) -> Result<(), IngestError> {
        let page_right = right_margin(page);
        let mut i = 0;
        while i < page.lines.len() {
            let rest = &page.lines[i..];
            let continued = match (i, &self.table) {
                (0, Some(table)) => table.n_continuing_lines(rest),
                _ => None,
            };
            if let Some(n) = continued
                && let Some(table) = &mut self.table
            {
                let mut rows = rows_of(&rest[..n], &table.columns, page);
                // The header is repeated on each page.
                if rows.first() == table.rows.first() {
                    rows.remove(0);
                }
                table.rows.extend(rows);
                i += n;
                continue;
            }
            if let Some(n) = table_at(rest, 2) {
                self.flush()?;
                self.end_list();
                let columns = columns_of(&rest[..n]);
                self.table = Some(OpenTable {
                    rows: rows_of(&rest[..n], &columns, page),
                    columns,
                    turns: Vec::new(),
                });
                i += n;
                continue;
            }
            self.flush_table()?;
            let line = &page.lines[i];
            i += 1;
            let text = line.text();
            if !text.is_empty() {
                self.line(line, &text, line.right.unwrap_or(page_right), sizes)?;
            }
        }
        Ok(())
    }

    fn line(
        &mut self,
        line: &Line,
        text: &str,
        right: f64,
        sizes: &Sizes,
    ) -> Result<(), IngestError> {
        let slack = right - line.end();
        let kind = match item(text) {
            Some(number) => OpenKind::Item(number),
            None => {
                // A full line is prose that continues.
                let numbered = numbered_heading(text)
                    .filter(|_| slack > 2.0 * line.size)
                    .map(|depth| sizes.above(line).max(1) + depth - 1);
                let level = sizes.heading(line).or(numbered);
                level.map_or(OpenKind::Paragraph, |level| {
                    OpenKind::Heading(level.clamp(1, 6))
                })
            }
        };
        let continues = self.open.as_ref().is_some_and(|open| {
            let distance = line.y - open.y;
            let size = open.size.max(line.size);
            let near = open.y == f64::MIN
                || (line.begins_column && open.is_unfinished())
                || (distance > 0.0 && distance < PARAGRAPH_GAP * sizes.pitch * size);
            let same_kind = match (open.kind, kind) {
                (OpenKind::Heading(a), OpenKind::Heading(b)) => a == b,
                (OpenKind::Item(_) | OpenKind::Paragraph, OpenKind::Paragraph) => true,
                _ => false,
            };
            let same_size = (open.size - line.size).abs() < 0.1 * open.size;
            near && same_kind && same_size && open.slack < room_for(text, line.size)
        });
        if let Some(open) = self.open.as_mut().filter(|_| continues) {
            join(&mut open.text, text, &self.hyphenated);
            (open.y, open.slack) = (line.y, slack);
            return Ok(());
        }
        self.flush()?;
        self.open = Some(OpenBlock {
            kind,
            text: text.to_owned(),
            y: line.y,
            size: line.size,
            left: line.start(),
            slack,
            turns: Vec::new(),
        });
        Ok(())
    }

    /// Writes what is open.
    fn flush(&mut self) -> Result<(), IngestError> {
        self.flush_table()?;
        let Some(OpenBlock {
            kind, text, turns, ..
        }) = self.open.take()
        else {
            return Ok(());
        };
        match kind {
            OpenKind::Item(number) => {
                if !self.writer.in_list() {
                    self.writer.start_list(number);
                }
                match number {
                    Some(number) => self.writer.start_item_labelled(&format!("{number}. ")),
                    None => self.writer.start_item_labelled("- "),
                }
                self.writer.text(without_marker(&text));
                self.writer.end_item();
            }
            OpenKind::Heading(level) => {
                self.end_list();
                self.writer.heading(level, &text);
            }
            OpenKind::Paragraph => {
                self.end_list();
                self.writer.paragraph(&text);
            }
        }
        // Counted from the end, where nothing was removed.
        for (offset, page) in turns {
            self.writer.page_before_end(text.len() - offset, page);
        }
        Ok(())
    }

    fn flush_table(&mut self) -> Result<(), IngestError> {
        let Some(table) = self.table.take() else {
            return Ok(());
        };
        // The rows of a table across pages are counted, so they are written unchanged.
        if table.turns.is_empty() {
            let mut grid = Grid::default();
            for (number, row) in (1..).zip(table.rows) {
                let merged = row.iter().enumerate();
                let merged: Vec<(usize, usize)> = merged
                    .filter_map(|(column, cell)| Some((column, cell.merged?)))
                    .collect();
                let texts = row.into_iter().map(|cell| cell.text).collect();
                grid.push_numbered(number, texts, merged)?;
            }
            grid.write(&mut self.writer);
            return Ok(());
        }
        let texts =
            |row: &Row| -> Vec<String> { row.iter().map(|cell| cell.text.clone()).collect() };
        self.writer.table(table.rows.iter().map(texts));
        let lengths: Vec<usize> = self
            .writer
            .last_rows()
            .iter()
            .map(|row| row.len())
            .collect();
        for (row, page) in table.turns {
            let after = lengths.get(row..).unwrap_or_default();
            // The rows with the line breaks between them.
            let n_bytes = after.iter().sum::<usize>() + after.len().saturating_sub(1);
            self.writer.page_before_end(n_bytes, page);
        }
        Ok(())
    }

    fn end_list(&mut self) {
        while self.writer.in_list() {
            self.writer.end_list();
        }
    }
}

/// Adds a paragraph's next line.
fn join(text: &mut String, next: &str, hyphenated: &HashSet<String>) {
    let (Some(last), Some(first)) = (text.chars().next_back(), next.chars().next()) else {
        text.push_str(next);
        return;
    };
    let before = text.chars().rev().nth(1);
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_lowercase() && !joins(c));
    let is_parted = is_letter(before) && is_letter(Some(first));
    match last {
        '\u{AD}' if is_letter(Some(first)) => {
            text.pop();
        }
        '-' | '\u{2010}' if is_parted => {
            let of_word = |c: char| c.is_alphanumeric() || c == '-';
            let head = text.trim_end_matches(of_word).len();
            let tail = next.find(|c| !of_word(c)).unwrap_or(next.len());
            let word = format!("{}{}", &text[head..], &next[..tail]).to_lowercase();
            if !hyphenated.contains(&word) {
                text.pop();
            }
        }
        // Chinese has no space between its characters and figures; a hyphen at the end may be part of a number.
        '-' => {}
        last if !joins(last) && !joins(first) => text.push(' '),
        _ => {}
    }
    text.push_str(next);
}

const BULLETS: [char; 12] = [
    '•', '‧', '·', '●', '○', '▪', '■', '◦', '–', '\u{F0B7}', '\u{F0A7}', '➢',
];

/// Returns whether a line starts an item: `Some(None)` with a bullet, `Some(number)` with a number.
fn item(text: &str) -> Option<Option<u64>> {
    let mut chars = text.chars();
    if chars.next().is_some_and(|c| BULLETS.contains(&c)) {
        // `–5 度` is a negative number.
        if text.starts_with('–') && !chars.as_str().starts_with(' ') {
            return None;
        }
        return Some(None).filter(|_| !chars.as_str().trim().is_empty());
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number = text.get(..digits)?.parse().ok()?;
    let rest = &text[digits..];
    let marked = rest.starts_with("、")
        || rest.starts_with(". ")
        || rest.starts_with(") ")
        || rest.starts_with("．");
    (digits <= 3 && marked).then_some(Some(number))
}

fn without_marker(text: &str) -> &str {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text[digits..].trim_start_matches(['、', '.', ')', '．']);
    rest.trim_start_matches(BULLETS).trim()
}

/// Joins pieces at one height into one line, even if others were drawn in between.
fn join_baselines(page: &mut Page) {
    let mut joined: Vec<Line> = Vec::with_capacity(page.lines.len());
    for line in page.lines.drain(..) {
        // Only recent ones: columns side by side are drawn far apart.
        let same = joined.iter_mut().rev().take(12).find(|other| {
            (other.y - line.y).abs() < 0.3 * other.size.max(line.size)
                && (other.end() <= line.start() || line.end() <= other.start())
        });
        match same {
            Some(other) => {
                other.size = other.size.max(line.size);
                other.pieces.extend(line.pieces);
                other.pieces.sort_by(|a, b| a.start.total_cmp(&b.start));
            }
            None => joined.push(line),
        }
    }
    page.lines = joined;
}

/// Returns the lines of a page that are rows of tables with three or more columns.
fn rows_at_margin(page: &Page) -> HashSet<usize> {
    let mut found = HashSet::new();
    let mut i = 0;
    while i < page.lines.len() {
        let n = table_at(&page.lines[i..], 2).unwrap_or(0);
        if n > 0 && page.lines[i].cells().len() > 2 {
            found.extend(i..i + n);
        }
        i += n.max(1);
    }
    found
}

/// Puts the columns of prose one after the other. Without such columns the order is unchanged.
fn in_columns(lines: Vec<Line>, rules: &[RuledLine], walls: &[RuledLine]) -> Vec<Line> {
    let mut page = Page {
        lines,
        ..Page::default()
    };
    let drawn = page.lines.clone();
    page.lines.sort_by(|a, b| a.y.total_cmp(&b.y));
    join_baselines(&mut page);
    let rows = page.lines;
    let mut rest = rows.as_slice();
    let mut ordered: Vec<Line> = Vec::new();
    while let Some((from, to, gutter)) = columns_at(rest, rules, walls) {
        let side = |is_left: bool| -> Vec<Line> {
            let rows = rest[from..to].iter();
            rows.filter_map(|row| row.part(|piece| (piece.start < gutter) == is_left))
                .collect()
        };
        ordered.extend_from_slice(&rest[..from]);
        // The right side may have columns again, each narrower than the whole.
        for (is_left, mut column) in [
            (true, side(true)),
            (false, in_columns(side(false), rules, walls)),
        ] {
            let right = column.iter().map(Line::end).fold(f64::MIN, f64::max);
            for line in &mut column {
                line.right.get_or_insert(right);
            }
            if let Some(first) = column.first_mut() {
                first.begins_column = !is_left;
            }
            ordered.extend(column);
        }
        rest = &rest[to..];
    }
    match ordered.is_empty() {
        true => drawn,
        false => {
            ordered.extend_from_slice(rest);
            ordered
        }
    }
}

/// The most gaps that are tried on a page.
const MAX_GUTTERS: usize = 64;

/// Returns the first range of rows that a vertical gap splits into columns of prose, and the position of the gap.
fn columns_at(
    rows: &[Line],
    rules: &[RuledLine],
    walls: &[RuledLine],
) -> Option<(usize, usize, f64)> {
    // The gaps tried, each with the row up to which it was tried.
    let mut tried: Vec<(f64, usize)> = Vec::new();
    for (first, row) in rows.iter().enumerate() {
        for pair in row.groups().windows(2) {
            let [left, right] = pair else { continue };
            let end = left.iter().map(|p| p.end).fold(f64::MIN, f64::max);
            // Just before the right column, which starts at a fixed position; lines end anywhere.
            let gutter = right[0].start - 0.3 * row.size;
            let was_tried = |(at, to): &(f64, usize)| (at - gutter).abs() < 1.0 && first < *to;
            if end >= gutter || tried.iter().any(was_tried) || tried.len() > MAX_GUTTERS {
                continue;
            }
            let crosses = |row: &Line| {
                row.pieces
                    .iter()
                    .any(|piece| piece.start < gutter && piece.end > gutter)
                    || row.groups().iter().any(|group| {
                        group[0].start < gutter && group[group.len() - 1].start > gutter
                    })
            };
            let from = rows[..first]
                .iter()
                .rposition(crosses)
                .map_or(0, |at| at + 1);
            let to = rows[first..]
                .iter()
                .position(crosses)
                .map_or(rows.len(), |n| first + n);
            tried.push((gutter, to));
            // A heading above or a line below belongs to no column if nothing is beside it.
            let is_both = |row: &Line| {
                let starts_right = row.pieces.iter().any(|p| p.start > gutter);
                starts_right && row.start() < gutter
            };
            let Some(from) = (from..to).find(|i| is_both(&rows[*i])) else {
                continue;
            };
            let part = |is_left: bool| -> Vec<Line> {
                let rows = rows[from..to].iter();
                rows.filter_map(|row| row.part(|piece| (piece.start < gutter) == is_left))
                    .collect()
            };
            if is_drawn(&rows[from..to], (end, right[0].start), rules, walls) {
                continue;
            }
            if is_prose(&part(true)) && is_prose_or_columns(&part(false), rules, walls) {
                return Some((from, to, gutter));
            }
        }
    }
    None
}

fn is_prose_or_columns(lines: &[Line], rules: &[RuledLine], walls: &[RuledLine]) -> bool {
    is_prose(lines) || columns_at(lines, rules, walls).is_some()
}

/// Returns whether rules cross a gap or walls are within it: then it separates cells, not columns.
fn is_drawn(
    rows: &[Line],
    (left, right): (f64, f64),
    rules: &[RuledLine],
    walls: &[RuledLine],
) -> bool {
    let (top, bottom) = (
        rows.iter().map(|row| row.y).fold(f64::MAX, f64::min),
        rows.iter().map(|row| row.y).fold(f64::MIN, f64::max),
    );
    let crosses = |rule: &RuledLine| {
        top < rule.at && rule.at < bottom && rule.start < left && rule.end > right
    };
    let within = |wall: &RuledLine| {
        left <= wall.at && wall.at <= right && wall.start < bottom && wall.end > top
    };
    rules.iter().any(crosses) && walls.iter().any(within)
}

/// Returns whether lines are sentences that continue from line to line: most are full, and none has a gap.
fn is_prose(lines: &[Line]) -> bool {
    let right = lines.iter().map(Line::end).fold(f64::MIN, f64::max);
    let left = lines.iter().map(Line::start).fold(f64::MAX, f64::min);
    let is_full = |line: &&Line| right - line.end() < 2.5 * line.size;
    let ends = |line: &&Line| {
        line.text()
            .ends_with(['。', '！', '？', '.', '!', '?', '：', ':'])
    };
    let n_full = lines.iter().filter(is_full).count();
    let n_open = lines
        .iter()
        .filter(is_full)
        .filter(|line| !ends(line))
        .count();
    let size = lines.iter().map(|line| line.size).fold(0.0, f64::max);
    lines.len() >= MIN_COLUMN_LINES
        && right - left > MIN_COLUMN_WIDTH * size
        && n_full * 2 >= lines.len()
        && n_open * 3 >= lines.len()
        && lines.iter().all(|line| line.groups().len() == 1)
}

/// A line of at least this many characters that ends like a sentence is not a running header.
const MIN_SENTENCE: usize = 14;

/// Removes what occurs at the top or bottom of most pages, ignoring its figures.
fn drop_running(pages: &mut [Page]) {
    let shape = |line: &Line| -> String {
        line.text()
            .chars()
            .filter(|c| !c.is_numeric() && !c.is_whitespace())
            .collect()
    };
    // A table's column names are repeated on each page.
    let in_table: Vec<HashSet<usize>> = pages.iter().map(rows_at_margin).collect();
    let is_margin = |page: &Page, line: &Line| {
        line.y < MARGIN * page.height || line.y > (1.0 - MARGIN) * page.height
    };
    let mut seen: HashMap<String, usize> = HashMap::new();
    for page in pages.iter() {
        let margin = page.lines.iter().filter(|line| is_margin(page, line));
        let mut on_page: Vec<String> = margin.map(shape).collect();
        on_page.sort_unstable();
        on_page.dedup();
        for text in on_page {
            *seen.entry(text).or_default() += 1;
        }
    }
    let n_pages = pages.len();
    let mut first_seen: HashSet<String> = HashSet::new();
    for (page, in_table) in pages.iter_mut().zip(in_table) {
        let lines = std::mem::take(&mut page.lines);
        page.lines = lines
            .into_iter()
            .enumerate()
            .filter(|(i, line)| {
                if in_table.contains(i) {
                    return true;
                }
                let often = seen.get(&shape(line)).copied().unwrap_or(0);
                let is_number = shape(line).is_empty() && line.text().chars().count() <= 6;
                let is_running = n_pages > 1 && often * 2 > n_pages;
                // The first occurrence of a repeated sentence is kept.
                let text = line.text();
                let says = text.ends_with(['。', '.', '！', '!'])
                    && text.chars().count() >= MIN_SENTENCE
                    && first_seen.insert(shape(line));
                !(is_margin(page, line) && ((is_running && !says) || is_number))
            })
            .map(|(_, line)| line)
            .collect();
    }
}

/// Returns the room that the next line's first word needs; with less left, a line is full. A Han character may be moved
/// together with a punctuation mark that must not start a line.
fn room_for(next: &str, size: f64) -> f64 {
    let word = next.chars().take_while(|c| !joins(*c) && *c != ' ').count();
    (word as f64 * 0.6 + 2.2) * size
}

/// Returns the depth of a numbered heading, which is short and not a sentence: `1.2 申請步驟`, `三、保固範圍`.
fn numbered_heading(text: &str) -> Option<u8> {
    const NUMERALS: &str = "一二三四五六七八九十";
    let is_sentence = text.ends_with(['。', '；', '，', '.', ';', ',', '：', ':']);
    if text.chars().count() > 40 || is_sentence {
        return None;
    }
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, rest) = text.split_at(digits);
    let depth = number.split('.').filter(|part| !part.is_empty()).count();
    if depth >= 2 && rest.starts_with(' ') && number.len() <= 8 {
        return Some(depth.min(6) as u8);
    }
    let numerals = text.chars().take_while(|c| NUMERALS.contains(*c)).count();
    let after = text.chars().nth(numerals);
    let is_chapter = (1..=3).contains(&numerals) && after == Some('、');
    is_chapter.then_some(1)
}

/// The letter sizes in the document, weighted by the amount of text.
struct Sizes {
    body: f64,
    /// The sizes larger than the body's, largest first.
    headings: Vec<f64>,
    /// The usual distance between lines of a paragraph, in letter sizes.
    pitch: f64,
}

impl Sizes {
    fn of(pages: &[Page]) -> Self {
        let mut written: HashMap<u64, usize> = HashMap::new();
        let lines = || pages.iter().flat_map(|page| &page.lines);
        let n_chars = |line: &Line| line.text().chars().count();
        // Tables are often set smaller, so the body size is taken from text outside of tables, if there is enough.
        let prose = |line: &&Line| line.groups().len() < 2;
        let (n_all, n_prose): (usize, usize) = (
            lines().map(n_chars).sum(),
            lines().filter(prose).map(n_chars).sum(),
        );
        let has_prose = n_prose * 5 >= n_all;
        for line in lines().filter(|line| !has_prose || prose(line)) {
            *written.entry(half_points(line.size)).or_default() += n_chars(line);
        }
        let body = written
            .iter()
            .max_by_key(|(size, n)| (**n, **size))
            .map_or(0, |(size, _)| *size);
        let mut headings: Vec<f64> = written
            .keys()
            .map(|size| *size as f64 / 2.0)
            .filter(|size| *size >= HEADING * body as f64 / 2.0)
            .collect();
        headings.sort_by(|a, b| b.total_cmp(a));
        let mut distances: HashMap<u64, usize> = HashMap::new();
        for page in pages {
            for pair in page.lines.windows(2) {
                let distance = (pair[1].y - pair[0].y) / pair[0].size;
                let same = half_points(pair[0].size) == body && half_points(pair[1].size) == body;
                if same && (0.9..4.0).contains(&distance) {
                    *distances
                        .entry((distance * 20.0).round() as u64)
                        .or_default() += 1;
                }
            }
        }
        let n_distances: usize = distances.values().sum();
        let pitch = distances
            .iter()
            .filter(|(_, n)| **n * 6 >= n_distances)
            .map(|(distance, _)| *distance)
            .min()
            .map_or(1.5, |distance| distance as f64 / 20.0);
        Self {
            pitch,
            body: body as f64 / 2.0,
            headings,
        }
    }

    /// Returns how many larger sizes there are.
    fn above(&self, line: &Line) -> u8 {
        let larger = self
            .headings
            .iter()
            .filter(|size| **size > line.size * 1.02);
        larger.count().min(5) as u8
    }

    fn heading(&self, line: &Line) -> Option<u8> {
        let size = half_points(line.size) as f64 / 2.0;
        let is_short = line.text().chars().count() <= 80;
        if size < HEADING * self.body || !is_short {
            return None;
        }
        let rank = self.headings.iter().position(|heading| *heading <= size)?;
        Some((rank as u8 + 1).min(6))
    }
}

fn half_points(size: f64) -> u64 {
    (size * 2.0).round().clamp(0.0, 2e4) as u64
}

/// Returns the right margin of full lines: the furthest end that several lines reach.
fn right_margin(page: &Page) -> f64 {
    let mut ends: Vec<f64> = page.lines.iter().map(Line::end).collect();
    ends.sort_by(f64::total_cmp);
    match ends.as_slice() {
        [] => 0.0,
        ends => ends[ends.len() - 1 - ends.len() / 20],
    }
}

/// Tests of how a page's lines become text.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pdf_list_markers_are_recognised_and_stripped() {
        for (line, number, text) in [
            ("1. 放回充電盒", Some(Some(1)), "放回充電盒"),
            ("12、聯絡客服", Some(Some(12)), "聯絡客服"),
            ("• 發票", Some(None), "發票"),
            ("3.5 公斤以內", None, ""),
            ("2026 年起", None, ""),
        ] {
            assert_eq!(item(line), number, "{line}");
            if number.is_some() {
                assert_eq!(without_marker(line), text, "{line}");
            }
        }
    }

    #[test]
    fn pdf_link_spans_cover_anchor_text() {
        for name in ["manual-chromium.pdf", "manual-libreoffice.pdf"] {
            let root = env!("CARGO_MANIFEST_DIR").trim_end_matches("crates/ingest");
            use_library(format!("{root}models/pdfium/libpdfium.so").into());
            let bytes = std::fs::read(format!("{root}tests/fixtures/formats/{name}")).unwrap();
            let found = extract(&bytes).unwrap();
            let links = found.links.iter().map(|link| {
                let words = link.span.slice(&found.text).unwrap();
                (words, link.url.as_str())
            });
            let links: Vec<(&str, &str)> = links.collect();
            let address = "https://support.galaxy-electronics.example/warranty?lang=zh-TW";
            assert_eq!(links, [("星河電子服務中心", address)], "{name}");
        }
    }

    #[test]
    fn pdf_link_over_two_lines_covers_its_words_only() {
        // PDFium finds the objects although the table of their places is missing.
        let pdf = "%PDF-1.7
1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj
2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj
3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 400 400]/Contents 4 0 R/Annots[6 0 R]
  /Resources<</Font<</F 5 0 R>>>>>> endobj
4 0 obj <</Length 138>> stream
BT /F 10 Tf 50 300 Td (Repairs are free for two years, see our) Tj 0 -12 Td (warranty page for the conditions that apply.) Tj ET
endstream endobj
5 0 obj <</Type/Font/Subtype/Type1/BaseFont/Courier>> endobj
6 0 obj <</Type/Annot/Subtype/Link/Rect[50 284 284 310]/A<</S/URI/URI(https://shop.example/warranty)>>
  /QuadPoints[266 310 284 310 266 298 284 298 50 297 128 297 50 285 128 285]>> endobj
trailer <</Root 1 0 R>>
";
        let root = env!("CARGO_MANIFEST_DIR").trim_end_matches("crates/ingest");
        use_library(format!("{root}models/pdfium/libpdfium.so").into());
        let found = extract(pdf.as_bytes()).unwrap();
        let links = found.links.iter().map(|link| {
            let words = link.span.slice(&found.text).unwrap();
            (
                words.split_whitespace().collect::<Vec<_>>().join(" "),
                link.url.as_str(),
            )
        });
        let links: Vec<(String, &str)> = links.collect();
        assert_eq!(
            links,
            [(
                "our warranty page".to_owned(),
                "https://shop.example/warranty"
            )]
        );
    }

    #[test]
    fn radical_code_points_are_mapped_to_characters() {
        assert_eq!(unified("⼀般⼈ﬁ"), "一般人fi");
        assert_eq!(unified("\u{2ED1}笛班"), "長笛班");
        let [radicals, whole] = RADICALS.map(|text| text.chars().count());
        assert_eq!(radicals, whole);
    }
}
