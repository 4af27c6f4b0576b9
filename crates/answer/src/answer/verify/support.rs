//! Finds the sentences of the evidence that support a sentence worded by a model.

use std::collections::BTreeSet;

use super::{SentenceFault, facts};
use crate::answer::passage::Passage;
use crate::answer::prompt_injection::{injections, plain};
use ken_base::domain::{Evidence, Span};
use ken_text::conflict::{Statement, opposed, unnamed_case};
use ken_text::text::{characters_of_key, is_function_word, search_key};

/// A sentence worded by a model, with the numbers (from 1) of the evidence that it cites.
#[derive(Debug, Clone, PartialEq)]
pub struct CitedSentence {
    /// The sentence.
    pub text: String,
    /// The numbers of the cited evidence.
    pub cites: Vec<usize>,
}

/// The share of a clause's words that the source's clause must contain. Words alone do not show who does what to whom,
/// so their order counts too.
const MIN_SAID: f32 = 0.85;
/// The share of the shared words that must be in the same order.
const MIN_ORDER: f32 = 0.8;

/// Returns the sentences of a piece of evidence that may be cited, as spans of its text: all that do not address a
/// machine.
pub fn citable(evidence: &Evidence) -> Vec<Span> {
    Passage::read(evidence).spans()
}

/// Returns the sentences that support a worded sentence, each with the index of its evidence. One piece of evidence
/// must support all of it, so that facts about two things are never joined, and each clause needs its own supporting
/// clause.
///
/// # Errors
/// The [`SentenceFault`] of the part that no evidence supports.
pub fn support(
    sentence: &CitedSentence,
    evidence: &[Evidence],
) -> Result<Vec<(usize, Span)>, SentenceFault> {
    let text = sentence.text.as_str();
    if facts::has_markup(text) {
        return Err(SentenceFault::Markup);
    }
    if !injections(text).is_empty() {
        return Err(SentenceFault::ToMachines);
    }
    let mut fault = SentenceFault::Citation;
    for number in &sentence.cites {
        let Some(at) = number.checked_sub(1).filter(|at| *at < evidence.len()) else {
            continue;
        };
        match carried(text, &evidence[at]) {
            Ok(spans) => return Ok(spans.into_iter().map(|span| (at, span)).collect()),
            Err(found) => fault = found,
        }
    }
    Err(fault)
}

/// A clause of the source, with the span of its sentence.
struct Clause<'a> {
    text: &'a str,
    words: Vec<String>,
    sentence: Span,
}

fn carried(text: &str, of: &Evidence) -> Result<Vec<Span>, SentenceFault> {
    let citable = citable(of);
    let text_of = |span: &Span| span.slice(&of.chunk.text).unwrap_or_default();
    let body: Vec<&str> = citable.iter().map(text_of).collect();
    let path = of.chunk.heading_path.iter().map(String::as_str);
    let question = of.chunk.note.question.as_deref();
    let over: Vec<&str> = path
        .chain([of.metadata.title.as_str()])
        .chain(question)
        .map(plain)
        .collect();
    let heading = over.join("\n");
    let source = format!("{heading}\n{}", body.join("\n"));

    if let Some(address) = facts::missing_address(text, &source) {
        return Err(SentenceFault::Address(address));
    }
    if let Some(figure) = facts::missing_figure(text, &source) {
        return Err(SentenceFault::Figure(figure));
    }
    if let Some(name) = facts::missing_name(text, &source) {
        return Err(SentenceFault::Name(name));
    }
    if let Some(thing) = unnamed_case(text, &source) {
        return Err(SentenceFault::OtherThing(thing.to_owned()));
    }
    let of_heading: BTreeSet<String> = words(&heading).into_iter().collect();
    let clauses_of = |span: &Span| {
        let sentence = *span;
        clauses(text_of(span)).into_iter().map(move |text| Clause {
            text,
            words: words(text),
            sentence,
        })
    };
    let sources: Vec<Clause> = citable.iter().flat_map(clauses_of).collect();
    let mut cited: Vec<Span> = Vec::new();
    let mut nearest = 0.0_f32;
    for clause in clauses(text) {
        let claimed = words(clause);
        if claimed.is_empty() {
            continue;
        }
        let mut fault = None;
        let carrier = sources.iter().find(|source| {
            let share = share(&claimed, &source.words, &of_heading);
            nearest = nearest.max(share);
            if share < MIN_SAID
                || order(&claimed, &source.words) < MIN_ORDER * known(&claimed, &source.words)
                || !is_whole(source, &claimed, &of_heading)
            {
                return false;
            }
            fault = differs(clause, source.text, &heading);
            fault.is_none()
        });
        match (carrier, fault) {
            (Some(source), _) if !cited.contains(&source.sentence) => cited.push(source.sentence),
            (Some(_), _) => {}
            (None, Some(fault)) => return Err(fault),
            (None, None) => return Err(SentenceFault::Unlike(nearest)),
        }
    }
    if cited.is_empty() {
        return Err(SentenceFault::Unlike(0.0));
    }
    // If the source states a condition, the sentence must state it too.
    let whole: Vec<&str> = cited.iter().map(text_of).collect();
    if let Some(condition) = facts::missing_condition(&whole.join("\n"), text) {
        return Err(SentenceFault::Condition(condition));
    }
    cited.sort_by_key(|span| span.start);
    Ok(cited)
}

/// Returns the fault by which a clause differs from a source clause with the same words.
fn differs(clause: &str, source: &str, heading: &str) -> Option<SentenceFault> {
    let near = format!("{heading}\n{source}");
    if let Some(figure) = facts::missing_figure(clause, source) {
        return Some(SentenceFault::Figure(figure));
    }
    if let Some(name) = facts::missing_name(clause, &near) {
        return Some(SentenceFault::Name(name));
    }
    if let Some(word) = facts::missing_decision(clause, &near) {
        return Some(SentenceFault::Decision(word));
    }
    if facts::denials(clause).is_empty() != facts::denials(source).is_empty() {
        return Some(SentenceFault::Denial(clause.trim().to_owned()));
    }
    let statement = |text| Statement { title: "", text };
    let conflict = opposed(statement(clause), statement(source))?;
    Some(SentenceFault::Opposed(format!(
        "{} / {}",
        conflict.first, conflict.second
    )))
}

/// Returns the content words, in order: single Han except grammatical ones, stems of Latin words, figures.
fn words(text: &str) -> Vec<String> {
    const GRAMMAR: &str = "的了呢吧啊呀喔哦嗎吗您你请請也就都會会可以能";
    let says = |word: &String| !is_function_word(word) && !GRAMMAR.contains(word.as_str());
    characters_of_key(&search_key(text))
        .into_iter()
        .filter(says)
        .collect()
}

/// Returns the share of words that occur in the source's clause or in the headings, in [0, 1].
fn share(claimed: &[String], source: &[String], heading: &BTreeSet<String>) -> f32 {
    let found = claimed
        .iter()
        .filter(|word| source.contains(word) || heading.contains(*word));
    found.count() as f32 / claimed.len().max(1) as f32
}

/// Returns the share of words that occur in the source's clause itself.
fn known(claimed: &[String], source: &[String]) -> f32 {
    let found = claimed.iter().filter(|word| source.contains(word));
    found.count() as f32 / claimed.len().max(1) as f32
}

/// Returns the share of words that occur in the source's clause in the same order: the longest common subsequence.
fn order(claimed: &[String], source: &[String]) -> f32 {
    let mut row = vec![0_usize; source.len() + 1];
    for word in claimed {
        let mut diagonal = 0;
        for (j, other) in source.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = if word == other {
                diagonal + 1
            } else {
                above.max(row[j])
            };
            diagonal = above;
        }
    }
    row[source.len()] as f32 / claimed.len().max(1) as f32
}

/// Returns whether the sentence contains the whole source clause, except for words of the headings. One omitted word
/// may be a condition (`非瑕疵品`, *gold members*).
fn is_whole(source: &Clause, claimed: &[String], heading: &BTreeSet<String>) -> bool {
    let mut own = source.words.iter().filter(|word| !heading.contains(*word));
    own.all(|word| claimed.contains(word))
}

/// Returns a text's clauses: the parts between commas and similar punctuation, but not within a figure.
fn clauses(text: &str) -> Vec<&str> {
    const ENDS: [char; 15] = [
        '，', ',', '；', ';', '。', '.', '\n', '：', ':', '！', '!', '？', '?', '、', '|',
    ];
    let mut clauses = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices().filter(|(_, c)| ENDS.contains(c)) {
        let after = text[at + c.len_utf8()..].chars().next();
        let before = text[..at].chars().next_back();
        let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        if c.is_ascii() && is_digit(before) && is_digit(after) {
            continue;
        }
        clauses.push(&text[start..at]);
        start = at + c.len_utf8();
    }
    clauses.push(&text[start..]);
    clauses.retain(|clause| clause.chars().any(char::is_alphanumeric));
    clauses
}

#[cfg(test)]
mod tests {
    use super::*;
    use ken_base::domain::{Chunk, DocumentId};

    fn evidence(title: &str, text: &str) -> Evidence {
        Evidence {
            chunk: Chunk {
                note: Default::default(),
                key: 1,
                document_id: DocumentId::parse("d").unwrap(),
                version: 1,
                ordinal: 0,
                heading_path: vec![title.to_owned()],
                span: Span::new(0, text.len()),
                text: text.to_owned(),
            },
            metadata: Default::default(),
            updated_at: jiff::Timestamp::UNIX_EPOCH,
            score: 1.0,
            coverage: 1.0,
            similarity: 1.0,
        }
    }

    fn check(title: &str, text: &str, good: &[&str], bad: &[&str]) {
        let evidence = [evidence(title, text)];
        let supported = |claimed: &str| {
            let sentence = CitedSentence {
                text: claimed.to_owned(),
                cites: vec![1],
            };
            support(&sentence, &evidence)
        };
        for claimed in good {
            assert!(
                supported(claimed).is_ok(),
                "{claimed}: {:?}",
                supported(claimed)
            );
        }
        for claimed in bad {
            assert!(
                supported(claimed).is_err(),
                "{claimed} is not what {text:?} says"
            );
        }
    }

    #[test]
    fn sentence_with_swapped_roles_is_unsupported() {
        check(
            "退貨運費",
            "瑕疵品的運費由本店負擔，非瑕疵品的運費由買家負擔。\n本島運費 80 元，離島運費 150 元。\n請先關閉總電源，再打開外蓋。",
            &[
                "瑕疵品的運費由本店負擔。",
                "離島運費 150 元，本島運費 80 元。",
                "請先關閉總電源，再打開外蓋。",
            ],
            &[
                "瑕疵品的運費由買家負擔。",
                "本島運費 150 元，離島運費 80 元。",
                "請先打開外蓋，再關閉總電源後面的外蓋。",
                "請先打開總電源，再關閉外蓋。",
                "台南運費 80 元。",
            ],
        );
        check(
            "Returns",
            "Gold members may return goods within 30 days. Refunds start after inspection, unless the seal is broken.\nPlan A costs £5, Plan B costs £9.",
            &[
                "Gold members may return goods within 30 days.",
                "Plan B costs £9.",
                "Refunds start after inspection, unless the seal is broken.",
            ],
            &[
                "You may return goods within 30 days.",
                "Refunds start after inspection.",
                "Refunds start as soon as the courier collects.",
                "Plan A costs £9.",
                "Refunds start after inspection, even though the seal is broken.",
                "Gold members may return goods within 30 days to meridian-refunds.com.",
            ],
        );
    }
}
