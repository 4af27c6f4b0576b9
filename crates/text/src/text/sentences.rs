//! Sentence segmentation.

use unicode_segmentation::UnicodeSegmentation;

use ken_base::domain::Span;

use super::{char_width, width};

/// Titles and abbreviations after which a full stop does not end a sentence.
const ABBREVIATIONS: [&str; 14] = [
    "Mr.", "Mrs.", "Ms.", "Dr.", "St.", "No.", "vs.", "e.g.", "i.e.", "etc.", "approx.", "Inc.",
    "Ltd.", "Co.",
];

/// Sentences of a text as byte spans, trimmed, in order; none is empty.
///
/// Sentences end by Unicode's rules (UAX #29: `。！？.!?` with closing quotes, line breaks) and at `；`. Abbreviations,
/// initials, item numbers and open quotations do not end one. A line (heading, list item, table row) is a sentence of
/// its own.
pub fn sentences(text: &str) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    // Table rows, whatever their cells contain, separate the prose between them.
    let (mut from, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        let row = line.trim();
        if row.len() > 1 && row.starts_with('|') && row.ends_with('|') {
            in_prose(text, from, at, &mut spans);
            let start = at + (line.len() - line.trim_start().len());
            spans.push(Span::new(start, start + row.len()));
            from = at + line.len();
        }
        at += line.len();
    }
    in_prose(text, from, text.len(), &mut spans);
    spans
}

/// Sentences of prose between two byte offsets.
fn in_prose(text: &str, from: usize, to: usize, spans: &mut Vec<Span>) {
    let mut open: Option<usize> = None;
    let text = &text[..to];
    for (start, piece) in text[from..].split_sentence_bound_indices() {
        let start = from + start;
        let begin = open.take().unwrap_or(start);
        let end = start + piece.len();
        let so_far = &text[begin..end];
        let ends_in_abbreviation = !so_far.ends_with('\n')
            && (is_item_number(so_far)
                || ABBREVIATIONS
                    .iter()
                    .any(|a| ends_with_word(so_far.trim_end(), a)));
        let continues =
            ends_in_abbreviation || ends_in_initial(so_far, &text[end..]) || is_quoting(so_far);
        if continues && end < text.len() {
            open = Some(begin);
            continue;
        }
        split_clauses(text, begin, end, spans);
    }
}

/// Whether a text ends in an initial and a name follows: `J. K. Rowling`.
fn ends_in_initial(so_far: &str, rest: &str) -> bool {
    let Some(before) = so_far.trim_end_matches(' ').strip_suffix('.') else {
        return false;
    };
    let mut back = before.chars().rev();
    let is_initial = back.next().is_some_and(|c| c.is_ascii_uppercase())
        && back.next().is_none_or(|c| matches!(c, ' ' | '.' | '('));
    is_initial && rest.starts_with(|c: char| c.is_uppercase())
}

/// Maximum length of a quotation that is kept together, in characters.
const MAX_QUOTATION: usize = 120;

/// Whether the last line of a text has an open quotation.
fn is_quoting(so_far: &str) -> bool {
    if so_far.ends_with('\n') {
        return false;
    }
    [('「', '」'), ('『', '』'), ('“', '”')]
        .iter()
        .any(|(opening, closing)| {
            so_far.rfind(*opening).is_some_and(|at| {
                let inside = &so_far[at..];
                !inside.contains(*closing) && inside.chars().count() <= MAX_QUOTATION
            })
        })
}

/// Whether the last line is the number of a list item, `1. `.
fn is_item_number(text: &str) -> bool {
    let line = text.rsplit('\n').next().unwrap_or(text).trim();
    line.strip_suffix('.')
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

fn ends_with_word(text: &str, word: &str) -> bool {
    text.strip_suffix(word).is_some_and(|before| {
        !before
            .chars()
            .next_back()
            .is_some_and(char::is_alphanumeric)
    })
}

fn split_clauses(text: &str, begin: usize, end: usize, spans: &mut Vec<Span>) {
    let mut from = begin;
    for clause in text[begin..end].split_inclusive(['；', '\n']) {
        let trimmed = clause.trim();
        if !trimmed.is_empty() {
            let start = from + (clause.len() - clause.trim_start().len());
            let span = Span::new(start, start + trimmed.len());
            match trimmed.len() > MAX_WIDTH
                && !trimmed.starts_with('|')
                && width(trimmed) > MAX_WIDTH
            {
                true => windows(text, span, spans),
                false => spans.push(span),
            }
        }
        from += clause.len();
    }
}

/// Maximum width of a text without the end of a sentence (Han 2, others 1); wider text is cut. An author who writes 200
/// Han without one uses no punctuation.
const MAX_WIDTH: usize = 400;
/// Maximum width of a piece.
const WINDOW: usize = 160;
/// Minimum width of a piece.
const MIN_WINDOW: usize = 60;
/// Characters after which a clause ends.
const CLAUSE_ENDS: &str = "，、：,:";
/// Characters with which a clause begins where the author wrote no comma.
const CLAUSE_BEGINS: &str = "若凡如但並并且惟遇 ";

/// Cuts a text without punctuation at the last likely end of a clause within [`WINDOW`], otherwise at a character.
fn windows(text: &str, span: Span, spans: &mut Vec<Span>) {
    let mut start = span.start;
    while start < span.end {
        let (mut used, mut place, mut last) = (0, None, None);
        let rest = &text[start..span.end];
        let mut is_whole = true;
        let mut before: Option<char> = None;
        for (at, c) in rest.char_indices() {
            let here = start + at;
            if used > WINDOW {
                is_whole = false;
                break;
            }
            // Never within a figure, a time or a Latin word.
            let after = rest[at + c.len_utf8()..].chars().next();
            let in_figure = |a: Option<char>, b: Option<char>| {
                let is_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
                is_word(a) && is_word(b)
            };
            if used >= MIN_WINDOW && CLAUSE_BEGINS.contains(c) && !in_figure(before, after) {
                place = Some(here);
            }
            used += char_width(c);
            let end = here + c.len_utf8();
            if used >= MIN_WINDOW && CLAUSE_ENDS.contains(c) && !in_figure(before, after) {
                place = Some(end);
            }
            if !in_figure(Some(c), after) && !".,:：".contains(c) {
                last = Some(end);
            }
            before = Some(c);
        }
        let end = match is_whole {
            true => span.end,
            false => place.or(last).unwrap_or(span.end),
        };
        let piece = text[start..end].trim();
        if !piece.is_empty() {
            let lead = text[start..end].len() - text[start..end].trim_start().len();
            spans.push(Span::new(start + lead, start + lead + piece.len()));
        }
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_row_is_one_sentence() {
        let text = "說明。如下：\n| 步驟 | 費用 |\n| 先拍照。再估價；另計 | 90 元。 |\n其他。";
        let found: Vec<&str> = sentences(text)
            .into_iter()
            .map(|s| &text[s.start..s.end])
            .collect();
        assert_eq!(
            found,
            [
                "說明。",
                "如下：",
                "| 步驟 | 費用 |",
                "| 先拍照。再估價；另計 | 90 元。 |",
                "其他。"
            ]
        );
    }

    #[test]
    fn text_without_punctuation_is_split_at_clauses() {
        let text = "店員每日清點並填表若有短少即通報總倉".repeat(20);
        let found = sentences(&text);
        assert!(found.len() > 3);
        let all: String = found.iter().map(|s| &text[s.start..s.end]).collect();
        assert_eq!(all, text);
        for span in &found {
            let piece = &text[span.start..span.end];
            assert!(width(piece) <= WINDOW + 2, "{piece}");
            assert!(piece.starts_with(['店', '若', '並']), "{piece}");
        }
        // Figures, times and words stay whole.
        let text = "收取新臺幣1,311圓整於下午6:45送達品項abc12".repeat(24);
        for span in sentences(&text) {
            let piece = &text[span.start..span.end];
            let before = text[..span.start].chars().next_back();
            let first = piece.chars().next();
            let is_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
            assert!(!(is_word(before) && is_word(first)), "{piece}");
            assert!(!before.is_some_and(|c| ",:".contains(c)), "{piece}");
        }
        // Rows stay whole.
        let row = format!("| {} |", "長".repeat(300));
        assert_eq!(sentences(&row).len(), 1);
    }

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> = sentences(text)
            .iter()
            .map(|s| s.slice(text).unwrap())
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn sentence_ends_are_found_in_chinese_and_english() {
        check(
            "可以退貨。七天內！好嗎？",
            &["可以退貨。", "七天內！", "好嗎？"],
        );
        check(
            "他說：「好。」然後走了。",
            &["他說：「好。」", "然後走了。"],
        );
        check(
            "It costs 3.5 dollars. Call us.",
            &["It costs 3.5 dollars.", "Call us."],
        );
        check(
            "他答：「可以。但要預約。」隔天就好了。",
            &["他答：「可以。但要預約。」", "隔天就好了。"],
        );
        check(
            "Written by A. B. Lowe. It sold well.",
            &["Written by A. B. Lowe.", "It sold well."],
        );
        check("未閉「引號。下一句。", &["未閉「引號。下一句。"]);
        check("Take vitamin C. it helps.", &["Take vitamin C. it helps."]);
        check("Ask Mr. Lin. He knows.", &["Ask Mr. Lin.", "He knows."]);
        check(
            "- 第一項\n- 第二項\n\n結尾",
            &["- 第一項", "- 第二項", "結尾"],
        );
        check("先付款；後出貨。", &["先付款；", "後出貨。"]);
        check(
            "步驟：\n1. 開機。\n12. 連線。",
            &["步驟：", "1. 開機。", "12. 連線。"],
        );
        check("  \n ", &[]);
        check("沒有句號", &["沒有句號"]);
    }
}
