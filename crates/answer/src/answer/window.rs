//! The part of a passage that the reader gets: its heading line and the stretch that is likeliest to answer.

use std::collections::HashSet;

use super::passage::Passage;
use super::prompt_injection::plain;
use ken_base::domain::{DocumentKind, Evidence, Span};
use ken_text::text::{is_cjk, terms};

/// The most tokens (estimated by [`tokens`]) that are read of a passage besides its heading line. The reader was
/// trained on 40 to 130. On six judged bases 90 separate as well as 130, in four fifths of the time
/// (docs/measured/reading.md).
const MAX_TOKENS: f32 = 90.0;
/// Weight of a neighbouring sentence's share.
const NEIGHBOUR: f32 = 0.3;

/// The part of a chunk that the reader gets.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// The heading line, the table's header row if the stretch starts below it, then the stretch.
    pub text: String,
    /// Where the stretch starts in `text` (`at`) and in the chunk (`from`), in bytes.
    at: usize,
    from: usize,
}

impl Window {
    /// Selects the stretch. `term_weights` are the weights of the question's terms.
    pub fn of(evidence: &Evidence, passage: &Passage, term_weights: &[(String, f32)]) -> Self {
        let chunk = evidence.chunk.text.as_str();
        let (stretch, header) = match tokens(chunk) <= MAX_TOKENS {
            true => (Span::new(0, chunk.len()), None),
            false => {
                let above = evidence.chunk.note.header.as_ref();
                let above = above.map(|header| terms(&header.text));
                stretch(chunk, passage, term_weights, above.as_deref())
            }
        };
        let mut text = heading(evidence);
        let row = header.and_then(|span| span.slice(chunk));
        let above = evidence.chunk.note.header.as_ref();
        // If the table started in an earlier chunk, the first row here is an ordinary row.
        let above = above.filter(|_| {
            let before = Span::new(0, header.map_or(stretch.start, |span| span.start));
            let before = before.slice(chunk).unwrap_or_default();
            let first = stretch.slice(chunk).unwrap_or_default().lines().next();
            first.is_some_and(is_row) && !before.contains("\n\n")
        });
        let row = above.map(|header| header.text.as_str()).or(row);
        if let Some(row) = row {
            text.push_str(row.trim_end());
            text.push('\n');
        }
        let at = text.len();
        text.push_str(stretch.slice(chunk).unwrap_or_default());
        Self {
            text,
            at,
            from: stretch.start,
        }
    }

    /// Converts a span of the window's text into one of the chunk; `None` if it is in the heading.
    pub fn in_chunk(&self, span: Span) -> Option<Span> {
        let start = span.start.max(self.at);
        (start < span.end)
            .then(|| Span::new(start - self.at + self.from, span.end - self.at + self.from))
    }
}

/// Returns the line above a passage: an FAQ's question, otherwise the title with the headings below it.
fn heading(evidence: &Evidence) -> String {
    let question = evidence.chunk.note.question.as_deref();
    let faq = evidence
        .metadata
        .questions
        .first()
        .filter(|_| evidence.metadata.kind == DocumentKind::Faq);
    let mut line = match question.or(faq.map(String::as_str)) {
        Some(question) => plain(question).to_owned(),
        None => {
            let title = plain(&evidence.metadata.title);
            let below = evidence.chunk.heading_path.iter().map(|h| plain(h));
            std::iter::once(title)
                .chain(below.filter(|heading| *heading != title))
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(" › ")
        }
    };
    if !line.is_empty() {
        line.push('\n');
    }
    line
}

/// Returns the sentences or rows around the one that contains most of the question, as many as fit, and the header row
/// of the table in which they start.
///
/// `above`: the words of the header, if the chunk starts inside a table whose header is in an earlier chunk. Its first
/// row is then an ordinary row.
fn stretch(
    chunk: &str,
    passage: &Passage,
    term_weights: &[(String, f32)],
    above: Option<&[String]>,
) -> (Span, Option<Span>) {
    let units = &passage.units;
    let continues = |i: usize| above.is_some() && i == 0;
    let above: HashSet<String> = above.unwrap_or_default().iter().cloned().collect();
    let size = |i: usize| tokens(units[i].span.slice(chunk).unwrap_or_default());
    let share_of = |holds: &dyn Fn(&String) -> bool| -> f32 {
        let found = term_weights.iter().filter(|(term, _)| holds(term));
        found.map(|(_, weight)| weight).sum()
    };
    let row = |i: usize| is_row(units[i].span.slice(chunk).unwrap_or_default());
    // Two tables are separated by an empty line.
    let follows = |i: usize| {
        let gap = chunk.get(units[i - 1].span.end..units[i].span.start);
        row(i) && row(i - 1) && !gap.is_some_and(|gap| gap.contains("\n\n"))
    };
    // Column names count for every row; the header row alone says nothing.
    let nothing = HashSet::new();
    let mut share: Vec<f32> = Vec::with_capacity(units.len());
    let mut names: &HashSet<String> = &nothing;
    for (i, unit) in units.iter().enumerate() {
        let is_continued = i > 0 && follows(i);
        let is_named =
            !is_continued && row(i) && i + 1 < units.len() && follows(i + 1) && !continues(i);
        match (is_continued, is_named, continues(i) && row(i)) {
            (true, ..) => {}
            (_, true, _) => names = &unit.terms,
            (.., true) => names = &above,
            _ => names = &nothing,
        }
        share.push(match is_named {
            true => 0.0,
            false => share_of(&|term| unit.terms.contains(term) || names.contains(term)),
        });
    }
    let worth = |i: usize| {
        let neighbours = [i.checked_sub(1), Some(i + 1)];
        let neighbours = neighbours
            .into_iter()
            .flatten()
            .filter_map(|j| share.get(j));
        share[i] + NEIGHBOUR * neighbours.copied().fold(0.0, f32::max)
    };
    // Of equals the first, so that a question in another language reads the beginning.
    let best = (0..units.len())
        .rev()
        .max_by(|a, b| worth(*a).total_cmp(&worth(*b)));
    let Some(best) = best else {
        return (Span::new(0, chunk.len()), None);
    };
    let (mut first, mut last, mut total) = (best, best, size(best));
    loop {
        let before = first.checked_sub(1).map(|i| (i, size(i)));
        let after = (last + 1 < units.len()).then(|| (last + 1, size(last + 1)));
        let fits = |side: &(usize, f32)| total + side.1 <= MAX_TOKENS;
        // The side that contains more of the question; the following one if both are equal.
        let side = match (before.filter(fits), after.filter(fits)) {
            (Some(before), Some(after)) if share[before.0] > share[after.0] => before,
            (_, Some(after)) => after,
            (Some(before), None) => before,
            (None, None) => break,
        };
        (first, last, total) = (first.min(side.0), last.max(side.0), total + side.1);
    }
    let span = Span::new(units[first].span.start, units[last].span.end);
    let mut header = first;
    while header > 0 && follows(header) {
        header -= 1;
    }
    let header = (row(first) && header < first).then_some(header);
    (span, header.map(|header| units[header].span))
}

fn is_row(line: &str) -> bool {
    let line = line.trim();
    line.starts_with('|') && line.ends_with('|')
}

/// Estimates the number of tokens: two thirds per Han character, a quarter per other character.
fn tokens(text: &str) -> f32 {
    let han = text.chars().filter(|c| is_cjk(*c)).count() as f32;
    let others = text.chars().count() as f32 - han;
    0.67 * han + 0.26 * others
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::conflict_resolution::tests::evidence;

    fn window(title: &str, text: &str, question: &str) -> (Window, String) {
        let found = evidence(title, DocumentKind::Article, text, 1.0);
        let passage = Passage::read(&found);
        let weights: Vec<(String, f32)> = terms(question).into_iter().map(|t| (t, 1.0)).collect();
        let window = Window::of(&found, &passage, &weights);
        let text = window.text.clone();
        (window, text)
    }

    #[test]
    fn short_chunk_window_is_title_and_whole_chunk() {
        let (window, text) = window("運費", "本島 80 元。", "離島");
        assert_eq!(text, "運費\n本島 80 元。");
        let at = text.find("80").unwrap();
        let span = window.in_chunk(Span::new(at, at + 2)).unwrap();
        assert_eq!(span.slice("本島 80 元。"), Some("80"));
        // The heading is not part of the chunk.
        assert_eq!(window.in_chunk(Span::new(0, 6)), None);
    }

    #[test]
    fn column_names_do_not_attract_window() {
        let rows: Vec<String> = (0..40)
            .map(|i| format!("| 第{i}診 | 週三上午、週五下午 | {} 元 |", 100 + i))
            .collect();
        let chunk = format!("| 診間 | 看診時間 | 掛號費用 |\n{}", rows.join("\n"));
        let (_, text) = window("門診表", &chunk, "第37診的掛號費用");
        assert!(text.contains("| 137 元 |"), "{text}");
    }

    #[test]
    fn long_table_window_keeps_header_above_asked_row() {
        let rows: Vec<String> = (0..60)
            .map(|i| format!("| 第{i}區 | {} 元 | 每週三與每週六各配送一次 |", 100 + i))
            .collect();
        let chunk = format!("| 地區 | 運費 | 配送 |\n{}", rows.join("\n"));
        let (window, text) = window("運費表", &chunk, "第47區運費");
        assert!(
            text.starts_with("運費表\n| 地區 | 運費 | 配送 |\n"),
            "{text}"
        );
        assert!(text.contains("| 147 元 |"), "{text}");
        assert!(tokens(&text) < 1.4 * MAX_TOKENS, "{text}");
        let at = text.find("147 元").unwrap();
        let span = window.in_chunk(Span::new(at, at + 3)).unwrap();
        assert_eq!(span.slice(&chunk), Some("147"));
    }
}
