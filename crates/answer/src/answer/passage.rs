//! A piece of evidence as answering reads it: folded and taken into words once.

use std::collections::HashSet;

use super::guard::untainted;
use super::understand::asks;
use ken_base::domain::{Evidence, Span};
use ken_text::text::{figures, fold, sentences, terms, terms_of_key, wording};

/// The sentences of a piece of evidence that may be cited: all but those that speak to machines.
#[derive(Debug, Clone, Default)]
pub struct Passage {
    /// The words of title, headings and the questions it answers.
    pub headings: HashSet<String>,
    pub units: Vec<Unit>,
}

/// One sentence.
#[derive(Debug, Clone)]
pub struct Unit {
    /// In the chunk's text.
    pub span: Span,
    pub folded: String,
    pub terms: HashSet<String>,
}

impl Passage {
    pub fn read(evidence: &Evidence) -> Self {
        let text = &evidence.chunk.text;
        let folded: Vec<(Span, String)> = sentences(text)
            .into_iter()
            .map(|span| (span, fold(span.slice(text).unwrap_or_default())))
            .collect();
        let kept = untainted(text, &folded);
        let unit = |(span, folded): (Span, String)| Unit {
            terms: terms_of_key(&figures(&folded)).into_iter().collect(),
            span,
            folded,
        };
        let units = folded.into_iter().zip(kept).filter(|(_, kept)| *kept);
        Self {
            headings: terms(&headings(evidence)).into_iter().collect(),
            units: units.map(|(read, _)| unit(read)).collect(),
        }
    }

    /// Whether a word stands in it or over it.
    pub fn says(&self, term: &str) -> bool {
        self.headings.contains(term) || self.units.iter().any(|unit| unit.terms.contains(term))
    }

    /// Where its sentences stand.
    pub fn spans(&self) -> Vec<Span> {
        self.units.iter().map(|unit| unit.span).collect()
    }
}

/// Whether a question is one of those that a piece of evidence answers, in the same words.
pub fn is_asked_by(evidence: &Evidence, question: &str) -> bool {
    let note = evidence.chunk.note.question.as_deref();
    let questions = evidence.metadata.questions.iter().map(String::as_str);
    let asked = wording(question);
    questions.chain(note).any(|known| wording(known) == asked)
}

/// Whether the heading that a piece of evidence stands under is a question, and this one, in the same words.
pub fn is_asked_over(evidence: &Evidence, question: &str) -> bool {
    let title = evidence.metadata.title.as_str();
    let heading = evidence
        .chunk
        .heading_path
        .last()
        .map_or(title, String::as_str);
    asks(heading) && wording(heading) == wording(question)
}

/// What stands over a chunk.
pub(super) fn headings(evidence: &Evidence) -> String {
    let mut all = vec![evidence.metadata.title.as_str()];
    all.extend(evidence.chunk.heading_path.iter().map(String::as_str));
    all.extend(evidence.chunk.note.question.as_deref());
    all.extend(evidence.metadata.questions.iter().map(String::as_str));
    all.join("\n")
}
