use std::collections::HashSet;

use crate::domain::{Citation, Evidence, Kind, Sentence, Span, Strategy};
use crate::text::{sentences, terms, width};

/// An answer in the making.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    pub strategy: Strategy,
    pub text: String,
    pub sentences: Vec<Sentence>,
    pub citations: Vec<Citation>,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            strategy: Strategy::None,
            text: String::new(),
            sentences: Vec::new(),
            citations: Vec::new(),
        }
    }
}

/// A chunk up to this width (Han 2, others 1) is given whole: a paragraph, which a reader takes in at once.
const WHOLE: usize = 280;
/// How many sentences are chosen from a longer chunk, lists and tables apart.
const MAX_SENTENCES: usize = 2;
/// How many lines of a list go along with their lead-in.
const MAX_LIST_LINES: usize = 12;
/// A further sentence has to add at least this share of the question's term weight.
const MIN_GAIN: f32 = 0.12;

/// Words an answer from admitted evidence (best first): an FAQ's own answer whole, else the sentences of the best
/// chunk that hold most of what the question asks for, in reading order.
pub fn compose(term_weights: &[(String, f32)], evidence: &[Evidence]) -> Draft {
    let Some(best) = evidence.first() else {
        return Draft::default();
    };
    let text = &best.chunk.text;
    let (strategy, spans) = match best.metadata.kind {
        _ if best.metadata.kind == Kind::Faq || best.chunk.note.question.is_some() => {
            (Strategy::Standard, vec![Span::new(0, text.len())])
        }
        _ if width(text) <= WHOLE => (Strategy::Extractive, vec![Span::new(0, text.len())]),
        _ => (Strategy::Extractive, extract(text, term_weights)),
    };
    quote(best, strategy, &spans)
}

/// Quotes spans of one chunk, in order, each with its citation.
fn quote(evidence: &Evidence, strategy: Strategy, spans: &[Span]) -> Draft {
    let chunk = &evidence.chunk;
    let mut draft = Draft {
        strategy,
        ..Draft::default()
    };
    for (number, span) in (1..).zip(spans) {
        let Some(quote) = span.slice(&chunk.text) else {
            continue;
        };
        if !draft.text.is_empty() {
            draft.text.push('\n');
        }
        draft.text.push_str(quote);
        draft
            .sentences
            .extend(
                sentences(quote)
                    .iter()
                    .filter_map(|s| s.slice(quote))
                    .map(|sentence| Sentence {
                        text: sentence.to_owned(),
                        citations: vec![number],
                    }),
            );
        draft.citations.push(Citation {
            number,
            document_id: chunk.document_id.clone(),
            document_version: chunk.version,
            title: evidence.metadata.title.clone(),
            uri: evidence.metadata.uri.clone(),
            chunk_id: chunk.id(),
            heading_path: chunk.heading_path.clone(),
            page: chunk.note.page_of(chunk.span.start + span.start),
            quote: quote.to_owned(),
            start: chunk.span.start + span.start,
            end: chunk.span.start + span.end,
        });
    }
    draft
}

/// The stretches of a chunk that answer, in reading order, neighbours joined.
fn extract(text: &str, term_weights: &[(String, f32)]) -> Vec<Span> {
    let units = sentences(text);
    let total: f32 = term_weights
        .iter()
        .map(|(_, weight)| weight)
        .sum::<f32>()
        .max(f32::EPSILON);
    let found: Vec<HashSet<usize>> = units
        .iter()
        .map(|unit| {
            let terms: HashSet<String> = terms(unit.slice(text).unwrap_or_default())
                .into_iter()
                .collect();
            (0..term_weights.len())
                .filter(|i| terms.contains(&term_weights[*i].0))
                .collect()
        })
        .collect();
    let mut covered: HashSet<usize> = HashSet::new();
    let mut chosen: Vec<usize> = Vec::new();
    while chosen.len() < MAX_SENTENCES {
        let gain = |i: usize| {
            found[i]
                .difference(&covered)
                .map(|t| term_weights[*t].1)
                .sum::<f32>()
                / total
        };
        let best = (0..units.len())
            .filter(|i| !chosen.contains(i))
            .max_by(|a, b| gain(*a).total_cmp(&gain(*b)).then(b.cmp(a)));
        match best {
            Some(i) if chosen.is_empty() || gain(i) >= MIN_GAIN => {
                covered.extend(&found[i]);
                chosen.push(i);
            }
            _ => break,
        }
    }
    // Nothing of the question is in it (another language): its beginning, which says what it is about.
    if covered.is_empty() {
        chosen = (0..units.len().min(MAX_SENTENCES + 1)).collect();
    }
    let mut with_context: Vec<usize> = chosen
        .iter()
        .flat_map(|i| context(text, &units, *i))
        .collect();
    with_context.sort_unstable();
    with_context.dedup();
    join(&units, &with_context)
}

/// A sentence with what it cannot be understood without: a list with its lead-in, a row with the table's header,
/// the sentence before one that begins by pointing back.
fn context(text: &str, units: &[Span], i: usize) -> Vec<usize> {
    let line = |i: usize| units[i].slice(text).unwrap_or_default();
    let mut all = vec![i];
    if is_row(line(i)) {
        let first = (0..=i)
            .rev()
            .take_while(|j| is_row(line(*j)))
            .last()
            .unwrap_or(i);
        all.push(first);
    } else if is_item(line(i)) || leads(line(i)) {
        let start = (0..=i)
            .rev()
            .take_while(|j| is_item(line(*j)))
            .last()
            .unwrap_or(i);
        let head = if start > 0 && leads(line(start - 1)) {
            start - 1
        } else {
            start
        };
        all.push(head);
        let from = if leads(line(i)) { i + 1 } else { start };
        let is_procedure =
            from < units.len() && line(from).starts_with(|c: char| c.is_ascii_digit());
        if is_procedure || leads(line(i)) {
            all.extend(
                (from..units.len())
                    .take_while(|j| is_item(line(*j)))
                    .take(MAX_LIST_LINES),
            );
        }
    } else if i > 0 && points_back(line(i)) {
        all.push(i - 1);
    }
    all
}

fn is_row(line: &str) -> bool {
    line.starts_with('|') && line.ends_with('|')
}

fn is_item(line: &str) -> bool {
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with("- ") || (number.len() < line.len() && number.starts_with(". "))
}

fn leads(line: &str) -> bool {
    line.ends_with(['：', ':'])
}

fn points_back(line: &str) -> bool {
    const WORDS: [&str; 18] = [
        "它",
        "該",
        "该",
        "此",
        "這",
        "这",
        "其",
        "但",
        "否則",
        "否则",
        "因此",
        "所以",
        "This ",
        "It ",
        "That ",
        "These ",
        "However",
        "Otherwise",
    ];
    WORDS.iter().any(|word| line.starts_with(word))
}

/// Chosen units as spans; units that follow one another become one.
fn join(units: &[Span], chosen: &[usize]) -> Vec<Span> {
    let mut spans: Vec<(usize, Span)> = Vec::new();
    for i in chosen {
        match spans.last_mut() {
            Some((last, span)) if *last + 1 == *i => {
                *last = *i;
                span.end = units[*i].end;
            }
            _ => spans.push((*i, units[*i])),
        }
    }
    spans.into_iter().map(|(_, span)| span).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(text: &str, question: &str) -> Vec<String> {
        let weights: Vec<(String, f32)> = terms(question).into_iter().map(|t| (t, 1.0)).collect();
        extract(text, &weights)
            .iter()
            .map(|s| s.slice(text).unwrap().to_owned())
            .collect()
    }

    #[test]
    fn the_sentence_that_holds_the_question_is_chosen() {
        let text = "本店於週一至週五營業。退貨運費由本店負擔，但離島除外。商品保固一年。";
        assert_eq!(
            pick(text, "退貨運費誰負擔"),
            ["退貨運費由本店負擔，但離島除外。"]
        );
    }

    #[test]
    fn a_pointing_sentence_takes_the_one_before_along() {
        let text = "第一段。鋰電池不得空運。此限制不含配送行動電源時的陸運。最後。";
        assert_eq!(
            pick(text, "配送行動電源陸運"),
            ["鋰電池不得空運。此限制不含配送行動電源時的陸運。"]
        );
    }

    #[test]
    fn a_procedure_is_given_whole_with_its_lead_in() {
        let text =
            "說明。\n重設耳機的步驟：\n1. 放回充電盒。\n2. 長按十秒。\n3. 燈號閃紅。\n其他事項。";
        let expected = ["重設耳機的步驟：\n1. 放回充電盒。\n2. 長按十秒。\n3. 燈號閃紅。"];
        assert_eq!(pick(text, "如何重設耳機"), expected);
        assert_eq!(pick(text, "長按幾秒十秒"), expected);
    }

    #[test]
    fn a_row_comes_with_its_header() {
        let text = "| 地區 | 運費 |\n| 本島 | 80 元 |\n| 離島 | 150 元 |";
        assert_eq!(pick(text, "離島"), ["| 地區 | 運費 |", "| 離島 | 150 元 |"]);
    }

    #[test]
    fn without_a_common_word_the_beginning_is_given() {
        assert_eq!(pick("一。二。三。四。", "refund"), ["一。二。三。"]);
    }
}
