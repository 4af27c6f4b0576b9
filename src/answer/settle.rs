use std::cmp::Ordering;

use crate::conflict::{Conflict, Relation, Statement, compare, overlap, prevails};
use crate::domain::{Evidence, Filter, Kind, Span};
use crate::store::authority;
use crate::text::{Language, sentences, width};

use super::Draft;

/// How many of the best are compared with what is about to be said.
const COMPARED: usize = 6;
/// A passage far behind the best is about something else.
const MIN_SCORE: f32 = 0.7;
/// What is about to be said and what might contradict it share this much of their words.
const MIN_SHARED: f32 = 0.6;
/// A passage up to this width is one statement; of a longer one the nearest sentence is taken.
const ONE_STATEMENT: usize = 240;

/// Of an FAQ's answers that are all open to who asks, the one made for them: for their channel, then for their
/// audience, then in their language. The others are left out.
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

/// What the other evidence says against a draft made of the first.
pub enum Settled {
    /// Nothing, or the draft's evidence is in the right.
    Stands,
    /// The evidence at this place is in the right.
    Overruled(usize),
    /// No rule decides between the first and the one at this place.
    Open(usize, Conflict),
}

/// Looks for evidence of other documents that contradicts what the draft says.
pub fn settle(draft: &Draft, evidence: &[Evidence]) -> Settled {
    let Some(best) = evidence.first() else {
        return Settled::Stands;
    };
    let said = Statement {
        title: title(best),
        text: &draft.text,
    };
    for (i, other) in evidence.iter().enumerate().take(COMPARED).skip(1) {
        if other.chunk.document_id == best.chunk.document_id || other.score < MIN_SCORE * best.score
        {
            continue;
        }
        let against = Statement {
            title: title(other),
            text: nearest(other, said),
        };
        let shared = overlap(
            Statement { title: "", ..said },
            Statement {
                title: "",
                ..against
            },
        );
        if shared < MIN_SHARED {
            continue;
        }
        let Relation::Conflict(conflict) = compare(said, against, None) else {
            continue;
        };
        let standing = |e: &Evidence| authority(&e.metadata, e.updated_at);
        return match prevails(&standing(best), &standing(other)) {
            Some((Ordering::Less, _)) => Settled::Overruled(i),
            Some(_) => continue,
            None => Settled::Open(i, conflict),
        };
    }
    Settled::Stands
}

fn title(evidence: &Evidence) -> &str {
    evidence
        .chunk
        .heading_path
        .last()
        .unwrap_or(&evidence.metadata.title)
}

/// The passage where it is one statement, else its sentence that shares most words with what is said.
fn nearest<'a>(evidence: &'a Evidence, said: Statement) -> &'a str {
    let text = evidence.chunk.text.as_str();
    if width(text) <= ONE_STATEMENT {
        return text;
    }
    let shared = |span: &Span| {
        let text = span.slice(text).unwrap_or_default();
        overlap(said, Statement { title: "", text })
    };
    sentences(text)
        .iter()
        .max_by(|a, b| shared(a).total_cmp(&shared(b)))
        .and_then(|span| span.slice(text))
        .unwrap_or(text)
}
