//! Resolves ambiguity and contradictions: prefers specific evidence, offers choices, and decides between conflicting
//! documents.

use std::cmp::Ordering;
use std::collections::HashSet;

use ken_base::domain::Evidence;
use ken_search::reader::Reading;
use ken_text::conflict::{
    Authority, Conflict, MIN_SHARED_WORDS, ONE_STATEMENT, Statement, contradiction, prevails,
};
use ken_text::text::{sentences, terms, width};

use super::AnswerDraft;
use super::near_misses::{self, Contrast, IntendedThing};
use super::passage::{Passage, Unit};

/// How many of the best passages are compared with the draft.
const COMPARED: usize = 6;
/// A passage with less than this share of the best score is about something else.
const MIN_SCORE: f32 = 0.7;

/// The result of comparing a draft, made from the first evidence, with the other evidence.
pub enum Resolution {
    /// No contradiction, or the draft's evidence prevails.
    Stands,
    /// The evidence at this index prevails.
    Overruled(usize),
    /// The first and the one at this index contradict each other and no rule decides.
    Open(usize, Conflict),
    /// The first and another are about two things of one kind, and the question names neither. Contains their labels.
    Unnamed(Vec<String>),
    /// Likewise, but the question names a third thing of that kind.
    Another(Vec<String>),
}

/// A passage can contradict the best one, or be quoted together with it, if its logit is at most this much lower.
pub const MAX_LOGIT_GAP: f32 = 2.0;

/// Looks for evidence in other documents that contradicts the draft. If passages were read, only those count that
/// answer the same question.
pub fn resolve_conflicts(
    question: &str,
    draft: &AnswerDraft,
    evidence: &[Evidence],
    passages: &[Passage],
    readings: &[Reading],
) -> Resolution {
    let Some(best) = evidence.first() else {
        return Resolution::Stands;
    };
    let drafted = Statement {
        title: title(best),
        text: &draft.text,
    };
    let spans = sentences(&draft.text);
    let of_draft: Vec<HashSet<String>> = spans
        .iter()
        .filter_map(|span| span.slice(&draft.text))
        .map(|sentence| terms(sentence).into_iter().collect())
        .collect();
    // Long texts are compared by sentences that share most of their words, and not at all if no sentences share a few.
    let may_differ = |i: usize, text: &str| {
        let is_short = |text: &str| width(text) <= ONE_STATEMENT;
        let near = |unit: &Unit| {
            let mut shared = of_draft
                .iter()
                .map(|said| said.intersection(&unit.terms).count());
            shared.any(|n| n >= MIN_SHARED_WORDS)
        };
        (is_short(text) && is_short(&draft.text))
            || passages
                .get(i)
                .is_none_or(|passage| passage.units.iter().any(near))
    };
    let answers_too = |i: usize| match readings.first() {
        None => true,
        Some(best) => readings
            .get(i)
            .is_some_and(|other| other.logit >= best.logit - MAX_LOGIT_GAP),
    };
    for (i, other) in evidence.iter().enumerate().take(COMPARED).skip(1) {
        if !answers_too(i) {
            continue;
        }
        if !may_differ(i, &other.chunk.text) {
            continue;
        }
        if other.chunk.document_id == best.chunk.document_id || other.score < MIN_SCORE * best.score
        {
            continue;
        }
        let against = statement(other);
        let Some(conflict) = contradiction(drafted, against, None) else {
            continue;
        };
        if let Some(contrast) = Contrast::of(best, other) {
            let both = || [best, other].map(near_misses::label).to_vec();
            match contrast.intended(question) {
                IntendedThing::First => continue,
                IntendedThing::Second => return Resolution::Overruled(i),
                IntendedThing::Other => return Resolution::Another(both()),
                IntendedThing::Open if contrast.is_certain() => return Resolution::Unnamed(both()),
                IntendedThing::Open => {}
            }
        }
        let authority = |e: &Evidence| Authority::of(&e.metadata, e.updated_at);
        return match prevails(&authority(best), &authority(other)) {
            Some((Ordering::Less, _)) => Resolution::Overruled(i),
            Some(_) => continue,
            None => Resolution::Open(i, conflict),
        };
    }
    Resolution::Stands
}

/// Returns at most `most` of the best evidence, without any that contradicts the draft, so that a model cannot word a
/// decided point differently.
pub fn agreeing(draft: &AnswerDraft, evidence: &[Evidence], most: usize) -> Vec<Evidence> {
    let Some(best) = evidence.first() else {
        return Vec::new();
    };
    let decided = Statement {
        title: title(best),
        text: &draft.text,
    };
    let is_cited = |e: &Evidence| draft.citations.iter().any(|c| c.chunk_id == e.chunk.id());
    let agrees =
        |e: &&Evidence| is_cited(e) || contradiction(decided, statement(e), None).is_none();
    evidence.iter().take(most).filter(agrees).cloned().collect()
}

fn statement(evidence: &Evidence) -> Statement<'_> {
    Statement {
        title: title(evidence),
        text: &evidence.chunk.text,
    }
}

pub(super) fn title(evidence: &Evidence) -> &str {
    evidence
        .chunk
        .heading_path
        .last()
        .unwrap_or(&evidence.metadata.title)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use ken_base::domain::{Chunk, DocumentId, DocumentKind, Metadata, Span};

    pub fn evidence(title: &str, kind: DocumentKind, text: &str, score: f32) -> Evidence {
        Evidence {
            chunk: Chunk {
                note: Default::default(),
                key: 1,
                document_id: DocumentId::parse("d").unwrap(),
                version: 1,
                ordinal: 0,
                heading_path: vec![],
                span: Span::new(0, text.len()),
                text: text.to_owned(),
            },
            metadata: Metadata {
                kind,
                title: title.to_owned(),
                ..Metadata::default()
            },
            updated_at: jiff::Timestamp::UNIX_EPOCH,
            score,
            coverage: 1.0,
            similarity: 1.0,
        }
    }
}
