//! Chunking: splits an extracted text into the units that are indexed, encoded and cited.

use ken_base::domain::{ChunkNote, NewChunk, Span, TableHeader};
use ken_text::text::{char_width, sentences, width};

use super::{Block, BlockKind, Extracted, questions};

/// The widest chunk (a Han character counts 2, any other 1): 600 Han or 1,200 Latin characters. With the heading path
/// this fits into the encoder's 512 tokens.
pub const MAX_WIDTH: usize = 1_200;
/// A narrower section is joined with its neighbour: alone it is a heading without a statement.
const MIN_WIDTH: usize = 120;
/// A narrower section is joined even if that fills a chunk: 40 Han characters alone carry no information.
const TINY_WIDTH: usize = 80;

/// Splits an extracted text into chunks with heading path and span, in reading order, without overlaps.
///
/// A chunk never crosses a heading, except that sections of a line or two are joined. Paragraphs, lists, tables and
/// code are kept whole if they fit, a list with its lead-in line. Longer ones are split between items, rows or
/// sentences. The later parts then have the lead-in or the table's header at the end of their heading path, so that
/// each part can be understood alone.
pub fn chunk(extracted: &Extracted) -> Vec<NewChunk> {
    let text = extracted.text.as_str();
    let blocks = questions::found_in(text, &extracted.blocks);
    let mut chunks: Vec<ChunkDraft> = Vec::new();
    let mut path: Vec<(u8, String)> = Vec::new();
    let mut heading: Option<Span> = None;
    let mut section = 0;
    let mut lead_in: Option<Span> = None;
    let mut question: Option<String> = None;
    let mut bare: Option<(Span, u8)> = None;
    for block in &blocks {
        if let BlockKind::Heading(level) = block.kind
            && block.span.is_empty()
        {
            // The answer to a question ends here.
            path.retain(|(above, _)| *above < level);
            (question, lead_in, bare) = (None, None, None);
            section += 1;
            continue;
        }
        if let BlockKind::Heading(level) = block.kind {
            // A heading with nothing below it is a statement of its own.
            if let Some((span, above)) = bare.take().filter(|(_, above)| *above >= level) {
                push_bare(text, &mut chunks, &path, span, above, section);
            }
            bare = Some((block.span, level));
            path.retain(|(above, _)| *above < level);
            let words = clip(block.span.slice(text).unwrap_or_default(), 200);
            question = questions::is_question(&words).then(|| words.clone());
            path.push((level, words));
            heading = Some(block.span);
            section += 1;
            lead_in = None;
            continue;
        }
        bare = None;
        let headings: Vec<String> = path.iter().map(|(_, heading)| heading.clone()).collect();
        for (context, span) in pieces(text, block, lead_in) {
            let mut headings = headings.clone();
            let words = context.and_then(|span| span.slice(text));
            headings.extend(words.map(|words| clip(words, 200)));
            let is_table = matches!(block.kind, BlockKind::Table(_));
            let draft = ChunkDraft {
                headings,
                heading: heading.take(),
                section,
                question: question.clone(),
                // A header longer than a chunk is not a header.
                header: context.filter(|span| is_table && fits(text, *span)),
                span,
            };
            join_or_push(text, &mut chunks, draft, lead_in);
        }
        let leads = matches!(block.kind, BlockKind::Paragraph)
            && width(block.span.slice(text).unwrap_or_default()) <= MAX_WIDTH / 3;
        lead_in = leads.then_some(block.span);
    }
    if let Some((span, above)) = bare.filter(|_| !chunks.is_empty()) {
        push_bare(text, &mut chunks, &path, span, above, section + 1);
    }
    if chunks.is_empty() {
        let span = trimmed(text, Span::new(0, text.len()));
        return match span.is_empty() {
            true => Vec::new(),
            false => vec![noted(extracted, ChunkDraft::plain(span))],
        };
    }
    join_small(text, chunks)
        .into_iter()
        .map(|draft| noted(extracted, draft))
        .collect()
}

/// Adds a heading as a section of its own, below the headings above it. A question alone is dropped, since it answers
/// nothing.
fn push_bare(
    text: &str,
    chunks: &mut Vec<ChunkDraft>,
    path: &[(u8, String)],
    span: Span,
    level: u8,
    section: usize,
) {
    if questions::is_question(span.slice(text).unwrap_or_default()) {
        return;
    }
    let above = path.iter().filter(|(above, _)| *above < level);
    chunks.push(ChunkDraft {
        headings: above.map(|(_, heading)| heading.clone()).collect(),
        section,
        ..ChunkDraft::plain(span)
    });
}

fn noted(extracted: &Extracted, draft: ChunkDraft) -> NewChunk {
    let span = draft.span;
    let pages = &extracted.pages;
    let first = pages
        .partition_point(|(start, _)| *start <= span.start)
        .saturating_sub(1);
    let end = pages.partition_point(|(start, _)| *start < span.end);
    let links = &extracted.links;
    let links = links
        .iter()
        .filter(|link| link.span.start >= span.start && link.span.end <= span.end)
        .filter(|link| is_address(&link.url))
        .map(|link| (link.span.start, link.span.end, link.url.clone()));
    NewChunk {
        heading_path: draft.headings,
        span,
        note: ChunkNote {
            question: draft.question,
            pages: pages.get(first..end).unwrap_or_default().to_vec(),
            header: draft.header.and_then(|span| {
                Some(TableHeader {
                    start: span.start,
                    text: span.slice(&extracted.text)?.to_owned(),
                })
            }),
            links: links.collect(),
            ..ChunkNote::default()
        },
    }
}

/// Returns whether the link works elsewhere: not a place within the page or a file beside it.
fn is_address(url: &str) -> bool {
    let scheme = url
        .split_once(':')
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    let is_known =
        scheme.is_some_and(|scheme| ["http", "https", "mailto", "tel"].contains(&scheme.as_str()));
    is_known && !url.contains(char::is_whitespace) && !url.contains(['<', '>'])
}

/// Splits a span without structure between sentences, as [`chunk`] does.
pub fn chunk_span(text: &str, start: usize, end: usize) -> Vec<Span> {
    cut(text, Span::new(start, end))
}

struct ChunkDraft {
    headings: Vec<String>,
    /// The heading directly above, if this is the first chunk of its section.
    heading: Option<Span>,
    section: usize,
    /// The heading directly above, if it is a question.
    question: Option<String>,
    /// The table's header row, if this is a later part of the table.
    header: Option<Span>,
    span: Span,
}

impl ChunkDraft {
    fn plain(span: Span) -> Self {
        Self {
            headings: Vec::new(),
            heading: None,
            section: 0,
            question: None,
            header: None,
            span,
        }
    }
}

/// Splits a block into spans that fit, each with the lead-in or header that later parts need.
fn pieces(text: &str, block: &Block, lead_in: Option<Span>) -> Vec<(Option<Span>, Span)> {
    if fits(text, block.span) {
        return vec![(None, block.span)];
    }
    let (parts, context) = match &block.kind {
        BlockKind::List(items) => (group(text, items), lead_in),
        BlockKind::Table(rows) => (group(text, rows), rows.first().copied()),
        BlockKind::Code => (group(text, &lines(text, block.span)), lead_in),
        BlockKind::Paragraph | BlockKind::Heading(_) => (cut(text, block.span), None),
    };
    let parts = parts.into_iter().enumerate();
    parts
        .map(|(i, span)| (context.filter(|_| i > 0), span))
        .collect()
}

/// Joins a draft to the last chunk of the same section if both fit, otherwise adds it. A list's lead-in moves with the
/// list.
fn join_or_push(
    text: &str,
    chunks: &mut Vec<ChunkDraft>,
    draft: ChunkDraft,
    lead_in: Option<Span>,
) {
    let Some(last) = chunks.last_mut() else {
        return chunks.push(draft);
    };
    let joined = Span::new(last.span.start, draft.span.end);
    if last.section == draft.section && last.headings == draft.headings && fits(text, joined) {
        last.span = joined;
        return;
    }
    let mut draft = draft;
    let moves = lead_in.filter(|lead| {
        last.section == draft.section
            && lead.end == last.span.end
            && lead.start > last.span.start
            && fits(text, Span::new(lead.start, draft.span.end))
    });
    if let Some(lead) = moves {
        last.span = trimmed(text, Span::new(last.span.start, lead.start));
        draft.span = Span::new(lead.start, draft.span.end);
    }
    chunks.push(draft);
}

/// Joins sections of a line or two with the section after them (or, at the end, before them), including the heading.
fn join_small(text: &str, drafts: Vec<ChunkDraft>) -> Vec<ChunkDraft> {
    let mut joined: Vec<ChunkDraft> = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let width_of = |d: &ChunkDraft| width(d.span.slice(text).unwrap_or_default());
        let is_small = |d: &ChunkDraft| width_of(d) < MIN_WIDTH;
        if let Some(last) = joined.last_mut() {
            let start = last
                .heading
                .map_or(last.span.start, |heading| heading.start);
            let whole = Span::new(start, draft.span.end);
            let same_parent = common(&last.headings, &draft.headings) + 1 >= last.headings.len();
            // A short answer is complete and stays separate.
            let answers = last.question.is_some() || draft.question.is_some();
            let is_tiny = width_of(last).min(width_of(&draft)) < TINY_WIDTH;
            let has_room = fits_half(text, whole) || (is_tiny && fits(text, whole));
            if !answers && (is_small(last) || is_small(&draft)) && same_parent && has_room {
                last.headings
                    .truncate(common(&last.headings, &draft.headings));
                last.span = whole;
                continue;
            }
        }
        joined.push(draft);
    }
    joined
}

fn common(a: &[String], b: &[String]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Joins neighbouring parts as far as they fit. A part that is too long alone is split at sentences.
fn group(text: &str, parts: &[Span]) -> Vec<Span> {
    let mut groups: Vec<Span> = Vec::new();
    for part in parts {
        match groups.last_mut() {
            Some(last) if fits(text, Span::new(last.start, part.end)) => last.end = part.end,
            _ if fits(text, *part) => groups.push(*part),
            _ => groups.extend(cut(text, *part)),
        }
    }
    groups
}

/// Splits between sentences, and within one only if it is too long alone.
fn cut(text: &str, span: Span) -> Vec<Span> {
    let body = span.slice(text).unwrap_or_default();
    let mut groups: Vec<Span> = Vec::new();
    for sentence in sentences(body) {
        let sentence = Span::new(span.start + sentence.start, span.start + sentence.end);
        match groups.last_mut() {
            Some(last) if fits(text, Span::new(last.start, sentence.end)) => {
                last.end = sentence.end
            }
            _ if fits(text, sentence) => groups.push(sentence),
            _ => groups.extend(cut_hard(text, sentence)),
        }
    }
    groups
}

/// Splits at character boundaries, for a "sentence" longer than a chunk (base64, an endless table).
fn cut_hard(text: &str, span: Span) -> Vec<Span> {
    let mut spans = Vec::new();
    let (mut start, mut used) = (span.start, 0);
    for (offset, c) in span.slice(text).unwrap_or_default().char_indices() {
        let here = span.start + offset;
        if used + char_width(c) > MAX_WIDTH {
            spans.push(trimmed(text, Span::new(start, here)));
            (start, used) = (here, 0);
        }
        used += char_width(c);
    }
    spans.push(trimmed(text, Span::new(start, span.end)));
    spans.retain(|s| !s.is_empty());
    spans
}

fn lines(text: &str, span: Span) -> Vec<Span> {
    let mut start = span.start;
    let mut spans = Vec::new();
    for line in span.slice(text).unwrap_or_default().split_inclusive('\n') {
        let content = line.trim_end();
        if !content.is_empty() {
            spans.push(Span::new(start, start + content.len()));
        }
        start += line.len();
    }
    spans
}

fn trimmed(text: &str, span: Span) -> Span {
    let body = span.slice(text).unwrap_or_default();
    let start = span.start + (body.len() - body.trim_start().len());
    Span::new(start, start + body.trim().len())
}

fn fits(text: &str, span: Span) -> bool {
    // A byte is at most one unit wide, so most spans are decided without counting.
    span.len() <= MAX_WIDTH || width(span.slice(text).unwrap_or_default()) <= MAX_WIDTH
}

fn fits_half(text: &str, span: Span) -> bool {
    width(span.slice(text).unwrap_or_default()) <= MAX_WIDTH / 2
}

fn clip(text: &str, max_chars: usize) -> String {
    text.chars().take(max_chars).collect()
}

#[cfg(test)]
mod tests;
