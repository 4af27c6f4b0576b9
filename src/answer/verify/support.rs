use std::collections::BTreeSet;

use super::{Fault, facts};
use crate::answer::guard::to_machines;
use crate::conflict::{Statement, opposed, unnamed_case};
use crate::domain::{Evidence, Span};
use crate::text::{
    characters_of_key, detect, fold, is_function_word, search_key, sentences, terms_of_key,
};

/// A sentence that a model worded, with the numbers (from 1) of the evidence it names.
#[derive(Debug, Clone, PartialEq)]
pub struct Worded {
    pub text: String,
    pub cites: Vec<usize>,
}

/// The sentence of the evidence that is nearest in meaning to a worded one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Aligned {
    pub evidence: usize,
    pub span: Span,
    /// Their cosine.
    pub similarity: f32,
}

/// The evidence has to say at least this much of a sentence's words.
const MIN_SHARE: f32 = 0.62;
/// And as much of it in one or two sentences.
const MIN_ALIGNED: f32 = 0.45;
/// Between languages, words say nothing: then the meaning has to be this near (cosine of the shipped encoders; unrelated
/// sentences of one topic lie around .6, translations above .85).
const MIN_SIMILARITY: f32 = 0.84;
/// Of a clause that denies, a clause that does not may have this much at most: characters of Han and words, without grammar.
const MIN_DENIED: f32 = 0.7;
const GRAMMAR: &str = "的是在了和与及于个之有我你您他她它们也都就不没无未冇唔哋喺系嘅会能可以";
/// A clause is compared with the clause of the source that has this much of its words.
const MIN_CLAUSE: f32 = 0.5;

/// The sentences of a piece of evidence that may be cited, as spans of its text: all but those that speak to machines.
pub fn citable(evidence: &Evidence) -> Vec<Span> {
    let text = &evidence.chunk.text;
    let tainted = to_machines(text);
    let mut spans = sentences(text);
    spans.retain(|span| !tainted.contains(span));
    spans
}

/// Where the evidence says what a worded sentence says: the sentences to cite, by the evidence's place. One piece of
/// evidence has to carry all of it, so that facts of two things are never joined.
///
/// # Errors
/// What of it nothing carries.
pub fn support(
    sentence: &Worded,
    evidence: &[Evidence],
    aligned: Option<Aligned>,
) -> Result<Vec<(usize, Span)>, Fault> {
    let text = sentence.text.as_str();
    if facts::has_markup(text) {
        return Err(Fault::Markup);
    }
    if !to_machines(text).is_empty() {
        return Err(Fault::ToMachines);
    }
    let mut fault = Fault::Citation;
    for number in &sentence.cites {
        let Some(at) = number.checked_sub(1).filter(|at| *at < evidence.len()) else {
            continue;
        };
        let aligned = aligned.filter(|aligned| aligned.evidence == at);
        match carried(text, at, evidence, aligned) {
            Ok(spans) => return Ok(spans.into_iter().map(|span| (at, span)).collect()),
            Err(found) => fault = found,
        }
    }
    Err(fault)
}

/// The words of a text that say something, each once.
struct Words {
    terms: BTreeSet<String>,
    characters: BTreeSet<String>,
}

impl Words {
    fn of(text: &str) -> Self {
        let key = search_key(text);
        let says = |term: &String| !is_function_word(term);
        Self {
            terms: terms_of_key(&key).into_iter().filter(says).collect(),
            characters: characters_of_key(&key).into_iter().filter(says).collect(),
        }
    }

    /// How much of these stands among the others, in [0, 1]: pairs and single characters alike, so that another order
    /// costs less than another word.
    fn share_in(&self, others: &Words) -> f32 {
        let share = |a: &BTreeSet<String>, b: &BTreeSet<String>| {
            a.intersection(b).count() as f32 / a.len().max(1) as f32
        };
        (share(&self.terms, &others.terms) + share(&self.characters, &others.characters)) / 2.0
    }
}

fn carried(
    text: &str,
    at: usize,
    evidence: &[Evidence],
    aligned: Option<Aligned>,
) -> Result<Vec<Span>, Fault> {
    let of = &evidence[at];
    let citable = citable(of);
    let said = |span: &Span| span.slice(&of.chunk.text).unwrap_or_default();
    let body: Vec<&str> = citable.iter().map(said).collect();
    let heading = format!(
        "{}\n{}",
        of.metadata.title,
        of.chunk.heading_path.join("\n")
    );
    let question = of.chunk.note.question.as_deref().unwrap_or_default();
    let source = format!("{heading}\n{question}\n{}", body.join("\n"));

    if let Some(address) = facts::missing_address(text, &source) {
        return Err(Fault::Address(address));
    }
    if let Some(figure) = facts::missing_figure(text, &source) {
        return Err(Fault::Figure(figure));
    }
    if let Some(name) = facts::missing_name(text, &source) {
        return Err(Fault::Name(name));
    }
    let case = unnamed_case(text, &source).map(str::to_owned);
    if let Some(thing) = case.or_else(|| other_thing(text, &source, at, evidence)) {
        return Err(Fault::OtherThing(thing));
    }

    let words = Words::of(text);
    let is_foreign = detect(text).is_chinese() != detect(&of.chunk.text).is_chinese();
    let spans = match aligned.filter(|_| is_foreign) {
        Some(aligned) if aligned.similarity >= MIN_SIMILARITY => vec![aligned.span],
        Some(aligned) => return Err(Fault::Unlike(aligned.similarity)),
        None => {
            let share = words.share_in(&Words::of(&source));
            if share < MIN_SHARE {
                return Err(Fault::Unlike(share));
            }
            best_two(&words, &citable, &of.chunk.text)
        }
    };
    let cited: Vec<&str> = spans.iter().map(said).collect();
    let cited = cited.join("\n");
    if let Some(sentence) = denied_elsewhere(&words, &cited, &body) {
        return Err(Fault::Denial(sentence.to_owned()));
    }
    if !is_foreign {
        let share = words.share_in(&Words::of(&format!("{heading}\n{question}\n{cited}")));
        if share < MIN_ALIGNED {
            return Err(Fault::Unlike(share));
        }
    }
    // What decides has to stand in what is cited, not somewhere in the passage.
    let near = format!("{heading}\n{question}\n{cited}");
    if let Some(figure) = facts::missing_figure(text, &near) {
        return Err(Fault::Figure(figure));
    }
    if let Some(word) = facts::missing_decision(text, &near) {
        return Err(Fault::Decision(word));
    }
    if let Some(clause) = denied(text, &cited, is_foreign) {
        return Err(Fault::Denial(clause));
    }
    let statement = |text| Statement { title: "", text };
    if let Some(conflict) = opposed(statement(text), statement(&cited)) {
        return Err(Fault::Opposed(format!(
            "{} / {}",
            conflict.first, conflict.second
        )));
    }
    Ok(spans)
}

/// The sentence that says most of it, with a second one where that adds something, in reading order.
fn best_two(words: &Words, citable: &[Span], text: &str) -> Vec<Span> {
    let share = |spans: &[Span]| {
        let joined: Vec<&str> = spans.iter().filter_map(|span| span.slice(text)).collect();
        words.share_in(&Words::of(&joined.join("\n")))
    };
    let best = |with: &[Span]| {
        let mut found: Option<(f32, Span)> = None;
        for span in citable.iter().filter(|span| !with.contains(span)) {
            let mut all = with.to_vec();
            all.push(*span);
            let share = share(&all);
            if found.is_none_or(|(most, _)| share > most) {
                found = Some((share, *span));
            }
        }
        found
    };
    let Some((one, first)) = best(&[]) else {
        return Vec::new();
    };
    let mut spans = vec![first];
    if let Some((two, second)) = best(&spans).filter(|(two, _)| *two >= one + 0.1) {
        debug_assert!(two > one);
        spans.push(second);
    }
    spans.sort_by_key(|span| span.start);
    spans
}

/// A word of another piece of evidence's title that the sentence uses and its own source does not know: it speaks of
/// that other thing.
fn other_thing(text: &str, source: &str, at: usize, evidence: &[Evidence]) -> Option<String> {
    let (said, known) = (Words::of(text), Words::of(source));
    let others = evidence.iter().enumerate().filter(|(i, _)| *i != at);
    others
        .flat_map(|(_, other)| {
            let heading = other.chunk.heading_path.last();
            let title = heading.unwrap_or(&other.metadata.title);
            Words::of(title).terms
        })
        .find(|term| said.terms.contains(term) && !known.terms.contains(term))
}

/// A sentence of the passage that denies something of what the sentence brings in from beyond what it cites.
fn denied_elsewhere<'a>(words: &Words, cited: &str, body: &[&'a str]) -> Option<&'a str> {
    let known = Words::of(cited);
    let brought: BTreeSet<&String> = words.terms.difference(&known.terms).collect();
    let denies = |sentence: &&&str| {
        let terms = Words::of(sentence).terms;
        !facts::denials(sentence).is_empty()
            && brought.iter().filter(|term| terms.contains(**term)).count() > 1
    };
    body.iter().find(denies).copied()
}

/// A clause that denies where its source does not, or the other way round.
fn denied(text: &str, cited: &str, is_foreign: bool) -> Option<String> {
    let denies = |text: &str| !facts::denials(text).is_empty();
    if is_foreign {
        return (denies(text) != denies(cited)).then(|| text.to_owned());
    }
    let sources: Vec<(Words, bool)> = clauses(cited)
        .into_iter()
        .map(|clause| (Words::of(clause), denies(clause)))
        .collect();
    for clause in clauses(text) {
        let words = Words::of(clause);
        if words.characters.len() < 2 {
            continue;
        }
        // The source denies just this, if of something more (`A is safe; B is not` against `A and B are safe`).
        let is_denied = |(source, denied): &&(Words, bool)| {
            let says = |c: &&String| !GRAMMAR.contains(c.as_str()) && !denies(c);
            let content: Vec<&String> = source.characters.iter().filter(says).collect();
            let said = content
                .iter()
                .filter(|c| words.characters.contains(**c))
                .count();
            *denied && content.len() > 1 && said as f32 >= MIN_DENIED * content.len() as f32
        };
        if !denies(clause)
            && let Some(_) = sources.iter().find(is_denied)
        {
            return Some(clause.trim().to_owned());
        }
        let shares: Vec<f32> = sources
            .iter()
            .map(|(source, _)| words.share_in(source))
            .collect();
        let most = shares.iter().copied().fold(0.0, f32::max);
        let agrees = match most >= MIN_CLAUSE {
            true => sources
                .iter()
                .zip(&shares)
                .any(|((_, denied), share)| *share >= most - 0.05 && *denied == denies(clause)),
            false => denies(clause) == denies(cited) || !denies(clause),
        };
        if !agrees {
            return Some(clause.trim().to_owned());
        }
    }
    None
}

fn clauses(text: &str) -> Vec<&str> {
    let ends = [
        '，', ',', '；', ';', '。', '.', '\n', '：', ':', '！', '!', '？', '?',
    ];
    let pieces = text
        .split(ends)
        .filter(|clause| !fold(clause).trim().is_empty());
    pieces.collect()
}
