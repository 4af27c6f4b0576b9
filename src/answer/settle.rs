use std::cmp::Ordering;

use crate::conflict::{Authority, Conflict, Statement, contradiction, prevails};
use crate::domain::{Evidence, Filter, Kind};
use crate::text::Language;

use super::Draft;

/// How many of the best are compared with what is about to be said.
const COMPARED: usize = 6;
/// A passage far behind the best is about something else.
const MIN_SCORE: f32 = 0.7;
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
            text: &other.chunk.text,
        };
        let Some(conflict) = contradiction(said, against, None) else {
            continue;
        };
        let standing = |e: &Evidence| Authority::of(&e.metadata, e.updated_at);
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
