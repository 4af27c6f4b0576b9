//! A piece of evidence prepared for answering: its sentences, folded and split into terms once.

use std::collections::HashSet;

use super::prompt_injection::free_of_injection;
use super::understand::asks;
use ken_base::domain::{Evidence, Span};
use ken_text::text::{figures, fold, sentences, terms, terms_of_key, wording};

/// The sentences of a piece of evidence that may be cited: all that do not address a machine.
#[derive(Debug, Clone, Default)]
pub struct Passage {
    /// The terms of the title, the headings and the questions that it answers.
    pub headings: HashSet<String>,
    /// The sentences.
    pub units: Vec<Unit>,
}

/// One sentence.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Its span in the chunk's text.
    pub span: Span,
    /// The folded text.
    pub folded: String,
    /// Its terms.
    pub terms: HashSet<String>,
}

impl Passage {
    /// Prepares a piece of evidence.
    pub fn read(evidence: &Evidence) -> Self {
        let text = &evidence.chunk.text;
        let folded: Vec<(Span, String)> = sentences(text)
            .into_iter()
            .map(|span| (span, fold(span.slice(text).unwrap_or_default())))
            .collect();
        let is_safe = free_of_injection(text, &folded);
        let unit = |(span, folded): (Span, String)| Unit {
            terms: terms_of_key(&figures(&folded)).into_iter().collect(),
            span,
            folded,
        };
        let units = folded
            .into_iter()
            .zip(is_safe)
            .filter(|(_, is_safe)| *is_safe);
        Self {
            headings: terms(&headings(evidence)).into_iter().collect(),
            units: units.map(|(read, _)| unit(read)).collect(),
        }
    }

    /// Returns whether a term occurs in it or in its headings.
    pub fn has_term(&self, term: &str) -> bool {
        self.headings.contains(term) || self.units.iter().any(|unit| unit.terms.contains(term))
    }

    /// Returns the spans of its sentences.
    pub fn spans(&self) -> Vec<Span> {
        self.units.iter().map(|unit| unit.span).collect()
    }
}

/// Returns whether a question is one of those that a piece of evidence answers, in the same words.
pub fn asks_same(evidence: &Evidence, question: &str) -> bool {
    let note = evidence.chunk.note.question.as_deref();
    let questions = evidence.metadata.questions.iter().map(String::as_str);
    let asked = wording(question);
    questions.chain(note).any(|known| wording(known) == asked)
}

/// Returns whether the heading above a piece of evidence asks this question, in the same words.
pub fn heading_asks(evidence: &Evidence, question: &str) -> bool {
    let title = evidence.metadata.title.as_str();
    let heading = evidence
        .chunk
        .heading_path
        .last()
        .map_or(title, String::as_str);
    asks(heading) && wording(heading) == wording(question)
}

/// Returns the headings above a chunk, one per line.
pub(super) fn headings(evidence: &Evidence) -> String {
    let mut all = vec![evidence.metadata.title.as_str()];
    all.extend(evidence.chunk.heading_path.iter().map(String::as_str));
    all.extend(evidence.chunk.note.question.as_deref());
    all.extend(evidence.metadata.questions.iter().map(String::as_str));
    all.join("\n")
}
