//! Chooses the sentences of the best chunks that answer the question.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::MAX_SENTENCES;
use crate::answer::answer_type::{AnswerType, answer_type, contains_type};
use crate::answer::passage::{Passage, Unit};
use ken_base::domain::{DocumentKind, Evidence, Span};
use ken_text::conflict::{Statement, contradiction};
use ken_text::text::{fold, names, terms, width};

/// How many lines of a list are quoted together with its lead-in.
const MAX_LIST_LINES: usize = 12;
/// How many clauses after semicolons are quoted together if the whole enumeration is wider than [`MAX_ENUMERATION`].
const MAX_CLAUSES: usize = 3;
/// Up to this width (Han 2, others 1) clauses joined by semicolons are quoted whole.
const MAX_ENUMERATION: usize = 160;
/// One sentence is enough if it has this share of the question's term weight and contains the kind of thing asked for …
const ENOUGH: f32 = 0.6;
/// … unless a second one adds at least this share.
const MIN_GAIN: f32 = 0.03;

// Weights of the scores by which sentences are chosen. Found by coordinate search on half of the questions of DRCD,
// CMRC and SQuAD. Share of answers that contain the gold string: 86.4 on the other half, 81.9 on all of them with the
// question's terms alone.
/// How many of the best chunks sentences are taken from.
const CHUNKS: usize = 2;
/// A chunk of another document must mention at least this share, by weight, of the question's terms in the best chunk's
/// headings.
const MIN_SUBJECT: f32 = 0.5;
/// Weight of the difference between a chunk's fused score and the best one's.
const CHUNK: f32 = 2.0;
/// Weight of a pair of Han with a grammatical character; other terms have 1.
const GRAMMAR: f32 = 0.6;
/// The share of its weight that a term loses if it occurs in every sentence of the chunk.
const COMMON: f32 = 0.3;
/// Weight of the better neighbour's score.
const NEIGHBOUR: f32 = 0.1;
/// Bonus for containing the kind of thing asked for.
const EXPECTED: f32 = 0.1;
/// Weight of a second sentence's new terms.
const GAIN: f32 = 2.0;
/// Bonus for a second sentence next to the first.
const ADJACENT: f32 = 0.05;

/// A sentence that may be chosen.
struct SentenceCandidate {
    /// Index of its evidence; `unit` is the index of the sentence in it.
    at: usize,
    unit: usize,
    score: f32,
    /// The question's terms in it, each with its weight in the chunk.
    terms: HashMap<usize, f32>,
    holds_answer_type: bool,
}

/// Returns the spans of the best chunks that answer: by chunk, best first, in reading order, neighbours joined.
pub fn choose(
    question: &str,
    term_weights: &[(String, f32)],
    evidence: &[Evidence],
    passages: &[Passage],
) -> Vec<(usize, Vec<Span>)> {
    let expected = answer_type(question);
    let passages = &passages[..passages.len().min(CHUNKS)];
    let chunks: Vec<Vec<Span>> = passages.iter().map(Passage::spans).collect();
    let names = names(question);
    let over = |(term, _): &&(String, f32)| passages[0].headings.contains(term);
    let subject: Vec<&(String, f32)> = term_weights.iter().filter(over).collect();
    let mut candidates: Vec<SentenceCandidate> = Vec::new();
    for (at, passage) in passages.iter().enumerate() {
        let is_standalone = evidence[at].metadata.kind == DocumentKind::Faq
            || evidence[at].chunk.note.question.is_some();
        // From another document, only text that mentions the question's names and enough of the subject, so that facts
        // about two things are never joined.
        let is_other = at > 0 && evidence[at].chunk.document_id != evidence[0].chunk.document_id;
        let covers_subject = names.iter().all(|name| passages[at].has_term(name))
            && weight_share(&subject, |term| passages[at].has_term(term)) >= MIN_SUBJECT;
        if (at > 0 && is_standalone) || (is_other && !covers_subject) {
            continue;
        }
        let behind = CHUNK * (evidence[at].score - evidence[0].score);
        candidates.extend(score_units(
            question,
            expected,
            term_weights,
            &evidence[at],
            &passage.units,
            at,
            behind,
        ));
    }
    let total = |a: &SentenceCandidate, b: &SentenceCandidate| {
        let order = a.score.total_cmp(&b.score);
        order.then((b.at, b.unit).cmp(&(a.at, a.unit)))
    };
    let Some(first) = candidates.iter().max_by(|a, b| total(a, b)) else {
        return Vec::new();
    };
    // No term of the question occurs (another language): quote the beginning, which introduces the subject.
    if candidates.iter().all(|c| c.terms.is_empty()) {
        let units = &chunks[0];
        let text = &evidence[0].chunk.text;
        let has_header = evidence[0].chunk.note.header.is_some();
        let beginning = 0..units.len().min(MAX_SENTENCES + 1);
        let beginning: BTreeSet<usize> = beginning
            .flat_map(|i| context(text, units, i, false, has_header))
            .collect();
        let beginning: Vec<usize> = beginning.into_iter().collect();
        return vec![(0, join(text, units, &beginning))];
    }
    let line = |c: &SentenceCandidate| {
        chunks[c.at][c.unit]
            .slice(&evidence[c.at].chunk.text)
            .unwrap_or_default()
    };
    let mut chosen = vec![(first.at, first.unit)];
    let refers_back = first.unit > 0 && is_anaphoric(line(first));
    if refers_back {
        chosen.push((first.at, first.unit - 1));
    } else {
        let gain = |c: &SentenceCandidate| -> f32 {
            let new = c
                .terms
                .iter()
                .filter(|(term, _)| !first.terms.contains_key(term));
            new.map(|(_, weight)| weight).sum()
        };
        let is_adjacent =
            |c: &SentenceCandidate| c.at == first.at && c.unit.abs_diff(first.unit) == 1;
        let value = |c: &SentenceCandidate| {
            c.score + GAIN * gain(c) + if is_adjacent(c) { ADJACENT } else { 0.0 }
        };
        let is_self_contained = |c: &SentenceCandidate| {
            let before = c.unit.checked_sub(1);
            !is_anaphoric(line(c))
                || before.is_some_and(|unit| (c.at, unit) == (first.at, first.unit))
        };
        let agrees = |c: &SentenceCandidate| {
            let statement = |c| Statement {
                title: "",
                text: line(c),
            };
            c.at == first.at || contradiction(statement(first), statement(c), None).is_none()
        };
        let statement = fold(line(first));
        let second = candidates
            .iter()
            .filter(|c| (c.at, c.unit) != (first.at, first.unit) && is_self_contained(c))
            .filter(|c| fold(line(c)) != statement)
            .max_by(|a, b| {
                value(a)
                    .total_cmp(&value(b))
                    .then((b.at, b.unit).cmp(&(a.at, a.unit)))
            });
        let is_enough = first.terms.values().sum::<f32>() >= ENOUGH
            && (expected.is_none() || first.holds_answer_type);
        // Another row or item is about another thing, unless it contains more of what is asked for.
        let is_structured = |c: &SentenceCandidate| is_row(line(c)) || is_item(line(c));
        // The same holds for another paragraph.
        let is_same_paragraph = |c: &SentenceCandidate| {
            let span = |of: &SentenceCandidate| chunks[of.at][of.unit];
            let (a, b) = (span(first), span(c));
            let between = a.end.min(b.end)..a.start.max(b.start);
            let text = &evidence[c.at].chunk.text;
            c.at == first.at && text.get(between).is_some_and(|gap| !gap.contains("\n\n"))
        };
        let adds = |c: &SentenceCandidate| {
            let is_included = !is_enough && !is_structured(c) && is_same_paragraph(c);
            is_included || gain(c) >= MIN_GAIN
        };
        if let Some(second) = second.filter(|c| adds(c) && agrees(c)) {
            chosen.push((second.at, second.unit));
        }
    }
    let mut by_chunk = Vec::new();
    let is_list = expected == Some(AnswerType::List);
    for (at, units) in chunks.iter().enumerate() {
        let text = &evidence[at].chunk.text;
        let has_header = evidence[at].chunk.note.header.is_some();
        let of_chunk = chosen.iter().filter(|(of, _)| *of == at);
        let mut with_context: Vec<usize> = of_chunk
            .flat_map(|(_, i)| context(text, units, *i, is_list, has_header))
            .collect();
        with_context.sort_unstable();
        with_context.dedup();
        if !with_context.is_empty() {
            by_chunk.push((at, join(text, units, &with_context)));
        }
    }
    by_chunk
}

/// Returns the share of some terms' weight that `says` accepts; 1 if there are no terms.
fn weight_share(terms: &[&(String, f32)], says: impl Fn(&str) -> bool) -> f32 {
    let total: f32 = terms.iter().map(|(_, weight)| weight).sum();
    let found = terms.iter().filter(|(term, _)| says(term));
    match total > 0.0 {
        true => found.map(|(_, weight)| weight).sum::<f32>() / total,
        false => 1.0,
    }
}

/// Returns the sentences of a chunk with their scores.
fn score_units(
    question: &str,
    expected: Option<AnswerType>,
    term_weights: &[(String, f32)],
    evidence: &Evidence,
    units: &[Unit],
    at: usize,
    behind: f32,
) -> Vec<SentenceCandidate> {
    let text = &evidence.chunk.text;
    let line = |unit: &Unit| unit.span.slice(text).unwrap_or_default();
    let is_heading = |i: usize| {
        let line = line(&units[i]);
        line == evidence.metadata.title
            || evidence.chunk.heading_path.iter().any(|h| h == line)
            || is_heading(text, units[i].span)
    };
    let headings: Vec<bool> = (0..units.len()).map(is_heading).collect();
    let mut found: Vec<HashSet<usize>> = units
        .iter()
        .map(|unit| {
            let has = |i: &usize| unit.terms.contains(&term_weights[*i].0);
            (0..term_weights.len()).filter(has).collect()
        })
        .collect();
    // A heading's terms count for the sentence or list below it; a heading alone does not answer.
    let structured = |i: usize| is_item(line(&units[i])) || is_row(line(&units[i]));
    let mut heading = HashSet::new();
    for i in 1..units.len() {
        if headings[i - 1] {
            heading = found[i - 1].clone();
        } else if !(structured(i - 1) && structured(i)) {
            heading.clear();
        }
        if !headings[i] {
            found[i].extend(heading.iter().copied());
        }
    }
    // A table's column names count for every row; the header row alone does not answer.
    let is_parted = |i: usize| text[units[i - 1].span.end..units[i].span.start].contains("\n\n");
    let follows =
        |i: usize| i > 0 && is_row(line(&units[i])) && is_row(line(&units[i - 1])) && !is_parted(i);
    let mut headings = headings;
    let mut header: Option<HashSet<usize>> = None;
    for i in 0..units.len() {
        if follows(i) {
            if let Some(names) = &header {
                found[i].extend(names.iter().copied());
            }
            continue;
        }
        let above = evidence.chunk.note.header.as_ref();
        if let Some(above) = above.filter(|_| i == 0 && is_row(line(&units[i]))) {
            let names: HashSet<String> = terms(&above.text).into_iter().collect();
            let header_terms =
                (0..term_weights.len()).filter(|t| names.contains(&term_weights[*t].0));
            let header_terms: HashSet<usize> = header_terms.collect();
            found[i].extend(header_terms.iter().copied());
            header = Some(header_terms);
            continue;
        }
        let names_columns = is_row(line(&units[i])) && i + 1 < units.len() && follows(i + 1);
        header = names_columns.then(|| found[i].clone());
        headings[i] |= names_columns;
    }
    let total: f32 = term_weights.iter().map(|(_, weight)| weight).sum();
    let others = units.len().saturating_sub(1).max(1) as f32;
    let weight = |i: usize| {
        let (term, weight) = &term_weights[i];
        let n = found
            .iter()
            .filter(|terms| terms.contains(&i))
            .count()
            .max(1);
        let common = 1.0 - COMMON * (n - 1) as f32 / others;
        let grammar = if has_grammar(term) { GRAMMAR } else { 1.0 };
        weight / total.max(f32::EPSILON) * common * grammar
    };
    let weights: Vec<f32> = (0..term_weights.len()).map(weight).collect();
    let own: Vec<f32> = found
        .iter()
        .map(|terms| terms.iter().map(|i| weights[*i]).sum())
        .collect();
    let neighbour = |i: usize| {
        let around = [i.checked_sub(1), Some(i + 1)];
        let scores = around.into_iter().flatten().filter_map(|j| own.get(j));
        scores.copied().fold(0.0, f32::max)
    };
    let are_all = headings.iter().all(|is_heading| *is_heading);
    (0..units.len())
        .filter(|i| are_all || !headings[*i])
        .map(|i| {
            let holds_answer_type = expected.is_some_and(|kind| {
                contains_type(kind, line(&units[i]), &units[i].folded, question)
            });
            let bonus = if holds_answer_type { EXPECTED } else { 0.0 };
            SentenceCandidate {
                at,
                unit: i,
                score: own[i] + NEIGHBOUR * neighbour(i) + bonus + behind,
                terms: found[i].iter().map(|t| (*t, weights[*t])).collect(),
                holds_answer_type,
            }
        })
        .collect()
}

/// The longest heading within a chunk, in width (Han 2, others 1).
const MAX_HEADING: usize = 40;

/// Returns whether a sentence is a heading within its chunk: a short paragraph with another one below it, without a
/// figure, without the end of a sentence, and without a colon.
fn is_heading(text: &str, span: Span) -> bool {
    let line = span.slice(text).unwrap_or_default();
    let (before, after) = (&text[..span.start], &text[span.end..]);
    let is_standalone = (before.trim_end_matches(' ').is_empty() || before.ends_with("\n\n"))
        && after.starts_with("\n\n");
    let is_text = |c: char| c.is_alphabetic() || matches!(c, ' ' | '、' | '/' | '&' | '-');
    is_standalone
        && !is_row(line)
        && !is_item(line)
        && width(line) <= MAX_HEADING
        && line.trim_end_matches(['?', '？']).chars().all(is_text)
}

/// Returns whether a pair of Han (folded) contains a grammatical or interrogative character.
fn has_grammar(term: &str) -> bool {
    const CHARACTERS: &str = "的是在了和与及于个之有何么什哪谁为几多少吗呢被其该此";
    term.chars().any(|c| CHARACTERS.contains(c))
}

/// Returns a sentence with the context that it needs: a list with its lead-in, a row with the table's header, the
/// previous sentence if it begins by pointing back. `is_list`: whether an item brings all others of its list.
/// `has_header`: whether the header of the table at the start of the text is in another chunk.
fn context(text: &str, units: &[Span], i: usize, is_list: bool, has_header: bool) -> Vec<usize> {
    let line = |i: usize| units[i].slice(text).unwrap_or_default();
    let mut all = vec![i];
    // A line before a list or a table is its lead-in, with or without a colon.
    let structured = |j: usize| j < units.len() && (is_item(line(j)) || is_row(line(j)));
    let leads = |j: usize| !structured(j) && (ends_in_colon(line(j)) || structured(j + 1));
    // Two tables are separated by an empty line.
    let is_parted = |j: usize| {
        let above = j.checked_sub(1).and_then(|above| units.get(above));
        above.is_some_and(|above| text[above.end..units[j].start].contains("\n\n"))
    };
    if is_row(line(i)) {
        let mut first = i;
        while first > 0 && is_row(line(first - 1)) && !is_parted(first) {
            first -= 1;
        }
        let is_named = has_header && first == 0;
        if !is_named {
            all.push(first);
        }
        // A header alone says nothing.
        if first == i && !is_named {
            let rows =
                (i..units.len()).take_while(|j| is_row(line(*j)) && (*j == i || !is_parted(*j)));
            all.extend(rows.take(MAX_LIST_LINES));
        }
    } else if is_item(line(i)) || leads(i) {
        let start = (0..=i)
            .rev()
            .take_while(|j| is_item(line(*j)))
            .last()
            .unwrap_or(i);
        let head = if start > 0 && leads(start - 1) {
            start - 1
        } else {
            start
        };
        all.push(head);
        let from = if leads(i) { i + 1 } else { start };
        let is_procedure =
            from < units.len() && line(from).starts_with(|c: char| c.is_ascii_digit());
        if is_procedure || is_list || leads(i) {
            all.extend(
                (from..units.len())
                    .take_while(|j| structured(*j))
                    .take(MAX_LIST_LINES),
            );
        }
    } else if i > 0 && is_anaphoric(line(i)) {
        all.push(i - 1);
    }
    // Clauses joined by semicolons are cases of one rule, or restrict one another.
    let continues = |j: &usize| line(*j).ends_with('；') && !is_row(line(*j));
    let first = (0..i).rev().take_while(continues).last().unwrap_or(i);
    let last = (i..units.len() - 1).take_while(continues).last();
    let last = last.map_or(i, |j| j + 1);
    match (first..=last).map(|j| width(line(j))).sum::<usize>() <= MAX_ENUMERATION {
        true => all.extend(first..=last),
        false => all.extend((i + 1..=last).take(MAX_CLAUSES)),
    }
    all
}

/// Returns whether a line is a row of a Markdown table.
pub fn is_row(line: &str) -> bool {
    line.starts_with('|') && line.ends_with('|')
}

/// Returns whether a line is an item of a list: `- ` or a number and `. `.
pub fn is_item(line: &str) -> bool {
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with("- ") || (number.len() < line.len() && number.starts_with(". "))
}

fn ends_in_colon(line: &str) -> bool {
    line.ends_with(['：', ':'])
}

fn is_anaphoric(line: &str) -> bool {
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

/// Returns the chosen units as spans. Units with only white space between them are joined.
pub fn join(text: &str, units: &[Span], chosen: &[usize]) -> Vec<Span> {
    let is_gap =
        |from: usize, to: usize| text.get(from..to).is_some_and(|gap| gap.trim().is_empty());
    let mut spans: Vec<Span> = Vec::new();
    for i in chosen {
        match spans.last_mut() {
            Some(span) if is_gap(span.end, units[*i].start) => span.end = units[*i].end,
            _ => spans.push(units[*i]),
        }
    }
    spans
}
