//! Pages of questions and answers: which blocks are the questions.

use super::{Block, BlockKind};
use ken_base::domain::Span;
use ken_text::text::is_cjk;

/// The longest question recognised, in characters.
const MAX_CHARS: usize = 120;

/// Whether a heading asks, so that what stands under it answers.
pub fn is_question(heading: &str) -> bool {
    let heading = heading.trim();
    let asks = heading.ends_with(['？', '?'])
        || ["嗎", "吗", "呢", "怎麼辦", "怎么办"]
            .iter()
            .any(|end| heading.ends_with(end));
    asks && heading.chars().count() <= MAX_CHARS
}

/// The blocks, with `Q: …` and `A: …` paragraphs as headings and what stands under them; the markers belong to
/// neither. Blocks of pages without such pairs are given back as they are.
pub fn found_in(text: &str, blocks: &[Block]) -> Vec<Block> {
    let is_pair = |marker: fn(&str) -> Option<usize>| {
        let mut paragraphs = blocks.iter().filter(|b| b.kind == BlockKind::Paragraph);
        paragraphs.any(|b| {
            lines(text, b.span).any(|line| marker(line.slice(text).unwrap_or_default()).is_some())
        })
    };
    if !is_pair(question_marker) || !is_pair(answer_marker) {
        return blocks.to_vec();
    }
    let level = blocks
        .iter()
        .filter_map(|block| match block.kind {
            BlockKind::Heading(level) => Some(level),
            _ => None,
        })
        .max()
        .map_or(1, |deepest| (deepest + 1).min(6));
    let mut found: Vec<Block> = Vec::with_capacity(blocks.len());
    for block in blocks {
        if block.kind != BlockKind::Paragraph {
            found.push(block.clone());
            continue;
        }
        let mut open: Option<Span> = None;
        for line in lines(text, block.span) {
            let words = line.slice(text).unwrap_or_default();
            let is_short = words.chars().count() <= MAX_CHARS + 8;
            if let Some(marker) = question_marker(words).filter(|_| is_short) {
                found.extend(open.take().map(paragraph));
                found.push(Block {
                    kind: BlockKind::Heading(level),
                    span: Span::new(line.start + marker, line.end),
                });
            } else if let Some(marker) = answer_marker(words) {
                found.extend(open.take().map(paragraph));
                open = Some(Span::new(line.start + marker, line.end));
            } else {
                let start = open.map_or(line.start, |span| span.start);
                open = Some(Span::new(start, line.end));
            }
        }
        found.extend(open.map(paragraph));
    }
    found
}

fn paragraph(span: Span) -> Block {
    Block {
        kind: BlockKind::Paragraph,
        span,
    }
}

fn lines(text: &str, span: Span) -> impl Iterator<Item = Span> {
    let mut start = span.start;
    let body = span.slice(text).unwrap_or_default();
    body.split_inclusive('\n').filter_map(move |line| {
        let (content, here) = (line.trim_end(), start);
        start += line.len();
        (!content.is_empty()).then(|| Span::new(here, here + content.len()))
    })
}

/// Whether a line begins as a question or an answer does.
pub fn is_marked(line: &str) -> bool {
    question_marker(line).or(answer_marker(line)).is_some()
}

/// The length of the `Q:` at a line's beginning; the words begin after it.
fn question_marker(line: &str) -> Option<usize> {
    marker(line, &["Q", "q", "問題", "问题", "問", "问", "Question"])
}

fn answer_marker(line: &str) -> Option<usize> {
    marker(line, &["A", "a", "答案", "答", "Answer", "回答"])
}

fn marker(line: &str, names: &[&str]) -> Option<usize> {
    let name = names.iter().find(|name| line.starts_with(**name))?;
    let rest = &line[name.len()..];
    // `Q1:` counts its questions.
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    // What is made bold with its marker has the bold's end behind the sign, or before it.
    let after = rest[digits..].trim_start_matches([' ', '*', '_']);
    let sign = after
        .chars()
        .next()
        .filter(|c| [':', '：', '.', '、', '．'].contains(c))?;
    let words = after[sign.len_utf8()..].trim_start_matches([' ', '\t', '*', '_']);
    let is_abbreviation = sign == '.' && !words.starts_with(is_cjk);
    (!words.is_empty() && !is_abbreviation).then(|| line.len() - words.len())
}

#[cfg(test)]
mod tests {
    use super::super::{chunk, plain};
    use super::*;

    #[test]
    fn questions_and_answers_are_told_from_prose() {
        for (heading, expected) in [
            ("可以退貨嗎？", true),
            ("How do I reset it?", true),
            ("忘記密碼怎麼辦", true),
            ("退貨流程", false),
        ] {
            assert_eq!(is_question(heading), expected, "{heading}");
        }
        assert_eq!(marker("Q: 可以嗎", &["Q"]), Some(3));
        assert_eq!(marker("問：可以嗎", &["問"]), Some(6));
        assert_eq!(marker("A. Smith wrote", &["A"]), None);
        assert_eq!(marker("Quality", &["Q"]), None);
    }

    #[test]
    fn each_pair_is_a_chunk_of_the_answer_alone() {
        let text = "常見問題\n\nQ1：可以退貨嗎？\nA1：七天內可以。\n請保留發票。\n\nQ2：運費多少？\nA2：80 元。";
        let chunks = chunk(&plain::extract(text));
        let read: Vec<(Option<&str>, &str)> = chunks
            .iter()
            .map(|c| (c.note.question.as_deref(), c.span.slice(text).unwrap()))
            .collect();
        assert_eq!(
            read[read.len() - 2..],
            [
                (Some("可以退貨嗎？"), "七天內可以。\n請保留發票。"),
                (Some("運費多少？"), "80 元。")
            ]
        );
    }
}
