//! Resolves ambiguity and contradictions: prefers specific evidence, offers choices, and decides between conflicting
//! documents.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};

use ken_base::domain::{Evidence, Filter, Kind};
use ken_search::reader::Reading;
use ken_text::conflict::{
    Authority, Conflict, MIN_SHARED_WORDS, ONE_STATEMENT, Statement, contradiction, likeness,
    prevails,
};
use ken_text::text::{Language, is_function_word, sentences, terms, width};

use super::Draft;
use super::guard::plain;
use super::passage::{Passage, Unit};
use super::siblings::{self, Contrast, Meant};

/// How many of the best passages are compared with the draft.
const COMPARED: usize = 6;
/// A passage with less than this share of the best score is about something else.
const MIN_SCORE: f32 = 0.7;
/// Keeps, of an FAQ's answers that are open to the caller, the most specific: for the caller's channel, then for the
/// audience, then in the language.
pub fn prefer_specific(
    evidence: Vec<Evidence>,
    filter: &Filter,
    language: Language,
) -> Vec<Evidence> {
    let fits = |e: &Evidence| -> (bool, bool, i8) {
        let note = &e.chunk.note;
        let in_language = match note.language.as_deref() {
            None => 0,
            Some(tag) if Language::from_tag(tag) == language => 1,
            Some(_) => -1,
        };
        let for_channel = filter
            .channel
            .as_ref()
            .is_some_and(|c| note.channels.contains(c));
        (for_channel, !note.audience.is_empty(), in_language)
    };
    let best_of = |e: &Evidence| {
        let same = evidence
            .iter()
            .filter(|other| other.chunk.document_id == e.chunk.document_id);
        same.map(fits).max()
    };
    let keep: Vec<bool> = evidence
        .iter()
        .map(|e| e.metadata.kind != Kind::Faq || Some(fits(e)) == best_of(e))
        .collect();
    let kept = evidence.into_iter().zip(keep).filter(|(_, keep)| *keep);
    kept.map(|(e, _)| e).collect()
}

/// How near the best other answers have to be, as a share of its score, to be choices.
const MIN_CHOICE: f32 = 0.93;
/// The most choices to offer.
const MAX_CHOICES: usize = 3;
/// A question with more terms than this is specific enough.
const MAX_TERMS: usize = 6;

/// Returns the questions or titles to choose from, if a short question fits two or three answers equally well: all of
/// its words occur in each title, each title has further words, and the answers differ. Otherwise returns nothing.
pub fn choices(question: &str, evidence: &[Evidence], language: Language) -> Vec<String> {
    let Some(best) = evidence.first() else {
        return Vec::new();
    };
    let says = |text: &str| -> BTreeSet<String> {
        let terms = terms(text).into_iter();
        terms.filter(|term| !is_function_word(term)).collect()
    };
    let asked = says(question);
    if asked.is_empty() || asked.len() > MAX_TERMS {
        return Vec::new();
    }
    let mut chosen: Vec<(&Evidence, &str, BTreeSet<String>)> = Vec::new();
    for e in evidence
        .iter()
        .take_while(|e| e.score >= MIN_CHOICE * best.score)
    {
        if Language::from_tag(e.metadata.language.as_deref().unwrap_or_default()) != language {
            continue;
        }
        let label = label(e);
        let words = says(label);
        let is_more = asked.is_subset(&words) && words.len() > asked.len();
        let is_other = chosen.iter().all(|(other, _, known)| {
            let (a, b) = (
                Statement {
                    title: "",
                    text: &e.chunk.text,
                },
                Statement {
                    title: "",
                    text: &other.chunk.text,
                },
            );
            e.chunk.document_id != other.chunk.document_id
                && words.difference(known).next().is_some()
                && known.difference(&words).next().is_some()
                && likeness(a, b) < 0.9
        });
        if is_more && is_other {
            chosen.push((e, label, words));
        }
    }
    let is_meant = chosen
        .first()
        .is_none_or(|(first, _, _)| first.chunk.key != best.chunk.key);
    match chosen.len() {
        2..=MAX_CHOICES if !is_meant => chosen
            .iter()
            .map(|(_, label, _)| (*label).to_owned())
            .collect(),
        _ => Vec::new(),
    }
}

/// Returns the label of a piece of evidence: its question, otherwise its title.
pub fn label(evidence: &Evidence) -> &str {
    let question = evidence.chunk.note.question.as_deref().map(plain);
    let faq = evidence
        .metadata
        .questions
        .first()
        .map(|question| plain(question));
    question
        .or(faq.filter(|_| evidence.metadata.kind == Kind::Faq))
        .unwrap_or_else(|| plain(title(evidence)))
}

/// The result of comparing a draft, made from the first evidence, with the other evidence.
pub enum Settled {
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

/// A passage can contradict the best, or be quoted beside it, if its logit is at most this much lower.
pub const ANSWERS_TOO: f32 = 2.0;

/// Looks for evidence in other documents that contradicts the draft. If passages were read, only those count that
/// answer the same question.
pub fn settle(
    question: &str,
    draft: &Draft,
    evidence: &[Evidence],
    passages: &[Passage],
    readings: &[Reading],
) -> Settled {
    let Some(best) = evidence.first() else {
        return Settled::Stands;
    };
    let said = Statement {
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
            .is_some_and(|other| other.logit >= best.logit - ANSWERS_TOO),
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
        let Some(conflict) = contradiction(said, against, None) else {
            continue;
        };
        if let Some(contrast) = Contrast::of(best, other) {
            let both = || [best, other].map(siblings::label).to_vec();
            match contrast.meant(question) {
                Meant::First => continue,
                Meant::Second => return Settled::Overruled(i),
                Meant::Other => return Settled::Another(both()),
                Meant::Open if contrast.is_certain() => return Settled::Unnamed(both()),
                Meant::Open => {}
            }
        }
        let standing = |e: &Evidence| Authority::of(&e.metadata, e.updated_at);
        return match prevails(&standing(best), &standing(other)) {
            Some((Ordering::Less, _)) => Settled::Overruled(i),
            Some(_) => continue,
            None => Settled::Open(i, conflict),
        };
    }
    Settled::Stands
}

/// Returns at most `most` of the best evidence, without any that contradicts the draft, so that a model cannot word a
/// decided point differently.
pub fn agreeing(draft: &Draft, evidence: &[Evidence], most: usize) -> Vec<Evidence> {
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

fn title(evidence: &Evidence) -> &str {
    evidence
        .chunk
        .heading_path
        .last()
        .unwrap_or(&evidence.metadata.title)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use ken_base::domain::{Chunk, DocumentId, Metadata, Span};

    pub fn evidence(title: &str, kind: Kind, text: &str, score: f32) -> Evidence {
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
