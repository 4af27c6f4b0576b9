use std::collections::{HashMap, HashSet};

use pdf_extract::{Document, Error, MediaBox, Object, ObjectId, OutputDev, OutputError, Transform};
use unicode_normalization::UnicodeNormalization;

use super::writer::{Writer, joins};
use super::{Extracted, IngestError};

/// A PDF of fewer characters than this a page, in the mean, is pictures of text.
const MIN_CHARS_PER_PAGE: usize = 2;
/// Running headers and footers stand in these shares of the page's height.
const MARGIN: f64 = 0.14;
/// A line this much larger than the body's is a heading.
const HEADING: f64 = 1.07;
/// Lines this much further apart than lines usually are belong to different paragraphs.
const PARAGRAPH_GAP: f64 = 1.25;
/// Words this far apart on one line, in letter sizes, are cells of a table.
const CELL_GAP: f64 = 1.2;

/// A PDF's text as people read it: lines of a paragraph rejoined (without a space between Han characters), running
/// headers, footers and page numbers left out, headings by their size, tables by the gaps in their lines, pages
/// kept. The glyphs and where they stand come from [`pdf_extract`].
pub fn extract(bytes: &[u8]) -> Result<Extracted, IngestError> {
    let damaged = |detail: String| IngestError::damaged("PDF", detail);
    let mut document = Document::load_mem(bytes).map_err(|error| match error {
        Error::InvalidPassword | Error::Decryption(_) | Error::UnsupportedSecurityHandler(_) => {
            IngestError::PasswordProtected
        }
        error => damaged(error.to_string()),
    })?;
    if document.is_encrypted() && document.decrypt("").is_err() {
        return Err(IngestError::PasswordProtected);
    }
    let n_pages = document.get_pages().len();
    if n_pages == 0 {
        return Err(damaged("it has no pages".into()));
    }
    let mut glyphs = Glyphs::default();
    let mut is_whole = true;
    for (number, page) in &document.get_pages() {
        // A page that cannot be drawn is left out; the others are read.
        if inherits_without_end(&document, *page) {
            tracing::debug!(page = number, "a page is above itself");
            is_whole = false;
            continue;
        }
        if let Err(error) = pdf_extract::output_doc_page(&document, &mut glyphs, *number) {
            tracing::debug!(page = number, %error, "a page cannot be read");
        }
    }
    let n_chars: usize = glyphs
        .pages
        .iter()
        .flat_map(|page| &page.lines)
        .map(|line| line.text().chars().count())
        .sum();
    if n_chars < MIN_CHARS_PER_PAGE * n_pages {
        if !is_whole {
            return Err(damaged("a page is above itself".into()));
        }
        return Err(IngestError::Scanned { n_pages });
    }
    let mut extracted = layout(glyphs.pages);
    extracted.title = extracted.title().or_else(|| title_of(&document));
    Ok(extracted)
}

/// Whether something that a page does not say is looked for above it without end: so does pdf-extract 0.12 where a page is above
/// itself.
fn inherits_without_end(document: &Document, page: ObjectId) -> bool {
    [b"Resources".as_slice(), b"MediaBox"].iter().any(|key| {
        let mut seen = HashSet::new();
        let mut next = Ok(page);
        while let Ok(at) = next {
            let Ok(found) = document.get_dictionary(at) else {
                return false;
            };
            if found.has(key) {
                return false;
            }
            if !seen.insert(at) {
                return true;
            }
            next = found.get(b"Parent").and_then(Object::as_reference);
        }
        false
    })
}

fn title_of(document: &Document) -> Option<String> {
    let info = document.trailer.get(b"Info").ok()?;
    let info = document.dereference(info).ok()?.1.as_dict().ok()?;
    let title = pdf_extract::decode_text_string(info.get(b"Title").ok()?).ok()?;
    Some(title.trim().to_owned()).filter(|title| !title.is_empty())
}

/// A run of letters without a gap.
#[derive(Debug)]
struct Piece {
    start: f64,
    end: f64,
    text: String,
}

/// What stands on one baseline, in the order it was drawn.
#[derive(Debug)]
struct Line {
    y: f64,
    size: f64,
    pieces: Vec<Piece>,
}

impl Line {
    fn text(&self) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            let parted = match (text.chars().next_back(), piece.text.chars().next()) {
                (Some(a), Some(b)) => !(joins(a) && joins(b)) && a != ' ' && b != ' ',
                _ => false,
            };
            if parted {
                text.push(' ');
            }
            text.push_str(&piece.text);
        }
        text.trim().to_owned()
    }

    fn start(&self) -> f64 {
        self.pieces.iter().map(|p| p.start).fold(f64::MAX, f64::min)
    }

    fn end(&self) -> f64 {
        self.pieces.iter().map(|p| p.end).fold(f64::MIN, f64::max)
    }

    /// The texts between wide gaps.
    fn cells(&self) -> Vec<(f64, String)> {
        let mut cells: Vec<(f64, f64, String)> = Vec::new();
        for piece in &self.pieces {
            match cells.last_mut() {
                Some((_, end, text)) if piece.start - *end < CELL_GAP * self.size => {
                    if !text.ends_with(' ') && !piece.text.starts_with(' ') {
                        text.push(' ');
                    }
                    text.push_str(&piece.text);
                    *end = piece.end;
                }
                _ if piece.text.trim().is_empty() => {}
                _ => cells.push((piece.start, piece.end, piece.text.clone())),
            }
        }
        cells
            .into_iter()
            .map(|(start, _, text)| (start, text.trim().to_owned()))
            .collect()
    }
}

#[derive(Debug, Default)]
struct Page {
    number: u32,
    height: f64,
    lines: Vec<Line>,
}

/// Takes the glyphs as the interpreter draws them.
#[derive(Default)]
struct Glyphs {
    pages: Vec<Page>,
    bottom: f64,
}

impl OutputDev for Glyphs {
    fn begin_page(
        &mut self,
        page_num: u32,
        media_box: &MediaBox,
        _: Option<(f64, f64, f64, f64)>,
    ) -> Result<(), OutputError> {
        self.bottom = media_box.lly;
        self.pages.push(Page {
            number: page_num,
            height: (media_box.ury - media_box.lly).abs(),
            lines: Vec::new(),
        });
        Ok(())
    }

    fn end_page(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn output_character(
        &mut self,
        trm: &Transform,
        width: f64,
        _spacing: f64,
        font_size: f64,
        char: &str,
    ) -> Result<(), OutputError> {
        let Some(page) = self.pages.last_mut() else {
            return Ok(());
        };
        // The side of the square that has the area of one letter's box.
        let size = (trm.m11 * trm.m22 - trm.m12 * trm.m21).abs().sqrt() * font_size;
        if !size.is_finite() || size <= 0.0 || char.chars().all(char::is_control) {
            return Ok(());
        }
        let (x, y) = (trm.m31, page.height - (trm.m32 - self.bottom));
        let end = x + width * size;
        let is_blank = char.trim().is_empty();
        let on_line = page.lines.last_mut().filter(|line| {
            let last = line.pieces.last().map_or(x, |piece| piece.end);
            (line.y - y).abs() < 0.5 * line.size.max(size) && x > last - 2.0 * size
        });
        let Some(line) = on_line else {
            if !is_blank {
                let text = unified(char);
                page.lines.push(Line {
                    y,
                    size,
                    pieces: vec![Piece {
                        start: x,
                        end,
                        text,
                    }],
                });
            }
            return Ok(());
        };
        // The size of the line is that of its largest letters.
        line.size = line.size.max(size);
        match line.pieces.last_mut() {
            Some(piece) if x - piece.end < 0.15 * size => {
                if !(is_blank && piece.text.ends_with(' ')) {
                    piece.text.push_str(&unified(char));
                }
                piece.end = end;
            }
            _ if is_blank => {}
            _ => line.pieces.push(Piece {
                start: x,
                end,
                text: unified(char),
            }),
        }
        Ok(())
    }

    fn begin_word(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_word(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), OutputError> {
        Ok(())
    }
}

/// Radicals, compatibility ideographs and ligatures, which fonts name in place of the letters, as the letters.
fn unified(text: &str) -> String {
    text.chars()
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

fn layout(mut pages: Vec<Page>) -> Extracted {
    for page in &mut pages {
        join_baselines(page);
    }
    drop_running(&mut pages);
    let sizes = Sizes::of(&pages);
    let mut writer = Writer::default();
    let mut open: Option<Open> = None;
    for page in &pages {
        match open.as_mut().filter(|open| open.goes_on_to(page)) {
            Some(open) => open.turns.push((open.text.len(), page.number)),
            None => {
                flush(&mut writer, &mut open);
                writer.page(page.number);
            }
        }
        write_page(&mut writer, &mut open, page, &sizes);
        if let Some(open) = &mut open {
            open.y = f64::MIN;
        }
    }
    flush(&mut writer, &mut open);
    end_list(&mut writer);
    writer.finish()
}

/// A paragraph, heading or item whose lines are still coming.
struct Open {
    kind: Kind,
    text: String,
    y: f64,
    size: f64,
    left: f64,
    /// How much room the last line left.
    slack: f64,
    /// From which byte of the text on it stands on another page.
    turns: Vec<(usize, u32)>,
}

impl Open {
    /// Whether it is unfinished and the page's first line could be its next.
    fn goes_on_to(&self, page: &Page) -> bool {
        let is_next = page.lines.first().is_some_and(|line| {
            line.cells().len() == 1 && (line.start() - self.left).abs() < 2.0 * line.size
        });
        let ends = ['。', '！', '？', '.', '!', '?', '：', ':'];
        is_next && self.slack < 4.0 * self.size && !self.text.ends_with(ends)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Heading(u8),
    Paragraph,
    Item(Option<u64>),
}

fn write_page(writer: &mut Writer, open: &mut Option<Open>, page: &Page, sizes: &Sizes) {
    let right = right_margin(page);
    let mut i = 0;
    while i < page.lines.len() {
        if let Some(n) = table_at(&page.lines[i..]) {
            flush(writer, open);
            end_list(writer);
            let rows = rows_of(&page.lines[i..i + n]);
            writer.table(rows);
            i += n;
            continue;
        }
        let line = &page.lines[i];
        i += 1;
        let text = line.text();
        if text.is_empty() {
            continue;
        }
        let slack = right - line.end();
        let kind = match item(&text) {
            Some(number) => Kind::Item(number),
            None => {
                let numbered =
                    numbered_heading(&text).map(|depth| sizes.above(line).max(1) + depth - 1);
                let level = sizes.heading(line).or(numbered);
                level.map_or(Kind::Paragraph, |level| Kind::Heading(level.clamp(1, 6)))
            }
        };
        let goes_on = open.as_ref().is_some_and(|open| {
            let distance = line.y - open.y;
            let size = open.size.max(line.size);
            let near = open.y == f64::MIN
                || (distance > 0.0 && distance < PARAGRAPH_GAP * sizes.pitch * size);
            let same_kind = match (open.kind, kind) {
                (Kind::Heading(a), Kind::Heading(b)) => a == b,
                (Kind::Item(_) | Kind::Paragraph, Kind::Paragraph) => true,
                _ => false,
            };
            let same_size = (open.size - line.size).abs() < 0.1 * open.size;
            near && same_kind && same_size && open.slack < room_for(&text, line.size)
        });
        match open {
            Some(open) if goes_on => {
                let parted = match (open.text.chars().next_back(), text.chars().next()) {
                    // Chinese sets no space between its characters and figures; a hyphen at the end may be part of a word.
                    (Some(a), Some(b)) => !joins(a) && !joins(b) && a != '-',
                    _ => false,
                };
                if parted {
                    open.text.push(' ');
                }
                open.text.push_str(&text);
                (open.y, open.slack) = (line.y, slack);
            }
            _ => {
                flush(writer, open);
                *open = Some(Open {
                    kind,
                    text,
                    y: line.y,
                    size: line.size,
                    left: line.start(),
                    slack,
                    turns: Vec::new(),
                });
            }
        }
    }
}

fn flush(writer: &mut Writer, open: &mut Option<Open>) {
    let Some(Open {
        kind, text, turns, ..
    }) = open.take()
    else {
        return;
    };
    match kind {
        Kind::Item(number) => {
            if !writer.in_list() {
                writer.start_list(number);
            }
            writer.start_item();
            writer.text(without_marker(&text));
            writer.end_item();
        }
        Kind::Heading(level) => {
            end_list(writer);
            writer.heading(level, &text);
        }
        Kind::Paragraph => {
            end_list(writer);
            writer.paragraph(&text);
        }
    }
    // Counted from the end, where nothing was taken off.
    for (offset, page) in turns {
        writer.page_before_end(text.len() - offset, page);
    }
}

fn end_list(writer: &mut Writer) {
    while writer.in_list() {
        writer.end_list();
    }
}

const BULLETS: [char; 12] = [
    '•', '‧', '·', '●', '○', '▪', '■', '◦', '–', '\u{F0B7}', '\u{F0A7}', '➢',
];

/// Whether a line begins an item: `Some(None)` with a bullet, `Some(number)` with a number.
fn item(text: &str) -> Option<Option<u64>> {
    let mut chars = text.chars();
    if chars.next().is_some_and(|c| BULLETS.contains(&c)) {
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

/// Pieces drawn one after the other on one height are one line, also where the drawing went elsewhere between.
fn join_baselines(page: &mut Page) {
    let mut joined: Vec<Line> = Vec::with_capacity(page.lines.len());
    for line in page.lines.drain(..) {
        // Only near ones: columns beside each other are drawn far apart.
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

/// Takes out what stands at the head or foot of most pages, apart from its figures.
fn drop_running(pages: &mut [Page]) {
    let shape = |line: &Line| -> String {
        line.text()
            .chars()
            .filter(|c| !c.is_numeric() && !c.is_whitespace())
            .collect()
    };
    let is_margin = |page: &Page, line: &Line| {
        line.y < MARGIN * page.height || line.y > (1.0 - MARGIN) * page.height
    };
    let mut seen: HashMap<String, usize> = HashMap::new();
    for page in pages.iter() {
        let mut on_page: Vec<String> = page
            .lines
            .iter()
            .filter(|line| is_margin(page, line))
            .map(shape)
            .collect();
        on_page.sort_unstable();
        on_page.dedup();
        for text in on_page {
            *seen.entry(text).or_default() += 1;
        }
    }
    let n_pages = pages.len();
    for page in pages {
        let lines = std::mem::take(&mut page.lines);
        page.lines = lines
            .into_iter()
            .filter(|line| {
                let often = seen.get(&shape(line)).copied().unwrap_or(0);
                let is_number = shape(line).is_empty() && line.text().chars().count() <= 6;
                !(is_margin(page, line) && ((n_pages > 1 && often * 2 > n_pages) || is_number))
            })
            .collect();
    }
}

/// A line is full that had no room for the next one's first word; Han characters are moved two at a time where a
/// line may not begin with a mark.
fn room_for(next: &str, size: f64) -> f64 {
    let word = next.chars().take_while(|c| !joins(*c) && *c != ' ').count();
    (word as f64 * 0.6 + 2.2) * size
}

/// Numbered as headings are, short, and no sentence: `1.2 申請步驟`, `三、保固範圍`.
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

/// The sizes of letters in the document, by how much is written in each.
struct Sizes {
    body: f64,
    /// Larger than the body's, largest first.
    headings: Vec<f64>,
    /// How far lines of a paragraph usually are apart, in letter sizes.
    pitch: f64,
}

impl Sizes {
    fn of(pages: &[Page]) -> Self {
        let mut written: HashMap<u64, usize> = HashMap::new();
        for line in pages.iter().flat_map(|page| &page.lines) {
            *written.entry(half_points(line.size)).or_default() += line.text().chars().count();
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

    /// How many larger sizes there are.
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

/// Where full lines end: the furthest end that several lines reach.
fn right_margin(page: &Page) -> f64 {
    let mut ends: Vec<f64> = page.lines.iter().map(Line::end).collect();
    ends.sort_by(f64::total_cmp);
    match ends.as_slice() {
        [] => 0.0,
        ends => ends[ends.len() - 1 - ends.len() / 20],
    }
}

/// How many lines from here on are rows of one table: at least two lines of several cells that stand below one
/// another; lines of one cell between them continue a cell.
fn table_at(lines: &[Line]) -> Option<usize> {
    let first = lines.first()?.cells();
    if first.len() < 2 || item(&lines[0].text()).is_some() {
        return None;
    }
    let (mut n, mut n_rows, mut y) = (1, 1, lines[0].y);
    for (i, line) in lines.iter().enumerate().skip(1) {
        let distance = line.y - y;
        if distance <= 0.0 && distance.abs() > 3.0 * line.size || distance > 4.0 * line.size {
            break;
        }
        let cells = line.cells();
        let aligned = cells.iter().all(|(start, _)| {
            first
                .iter()
                .any(|(other, _)| (start - other).abs() < 2.0 * line.size)
        });
        match cells.len() {
            0 => break,
            1 if !aligned || cells[0].0 <= first[0].0 + line.size => break,
            1 => {}
            _ => {
                n_rows += 1;
                n = i + 1;
            }
        }
        y = line.y;
        if cells.len() == 1 {
            n = i + 1;
        }
    }
    (n_rows >= 2).then_some(n)
}

/// Cells by the columns of the widest row; a line that continues a cell joins the row above it.
fn rows_of(lines: &[Line]) -> Vec<Vec<String>> {
    let mut columns: Vec<f64> = Vec::new();
    for line in lines {
        for (start, _) in line.cells() {
            if !columns.iter().any(|c| (c - start).abs() < 1.5 * line.size) {
                columns.push(start);
            }
        }
    }
    columns.sort_by(f64::total_cmp);
    let column = |start: f64| {
        let near = |a: &f64, b: &f64| (a - start).abs().total_cmp(&(b - start).abs());
        let nearest = columns.iter().copied().min_by(near).unwrap_or(start);
        columns.iter().position(|c| *c == nearest).unwrap_or(0)
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    for line in lines {
        let cells = line.cells();
        let continues = cells.len() == 1 && column(cells[0].0) > 0;
        if rows.is_empty() || !continues {
            rows.push(vec![String::new(); columns.len()]);
        }
        if let Some(row) = rows.last_mut() {
            for (start, text) in cells {
                let cell = &mut row[column(start)];
                let parted = match (cell.chars().next_back(), text.chars().next()) {
                    (Some(a), Some(b)) => !(joins(a) && joins(b)),
                    _ => false,
                };
                if parted {
                    cell.push(' ');
                }
                cell.push_str(&text);
            }
        }
    }
    rows
}

/// Only for the tests of what a page's lines become.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_of_items_are_recognised_and_taken_off() {
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
    fn letters_named_as_radicals_are_letters() {
        assert_eq!(unified("⼀般⼈ﬁ"), "一般人fi");
    }
}
