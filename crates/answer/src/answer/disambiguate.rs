//! Choosing among several good answers: the most specific answer of an FAQ, and choices for a short
//! question.

use std::collections::BTreeSet;

use ken_base::domain::{DocumentKind, Evidence, Filter};
use ken_text::conflict::{Statement, likeness};
use ken_text::text::{Language, is_function_word, terms};

use super::conflict_resolution::title;
use super::prompt_injection::plain;

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
        .map(|e| e.metadata.kind != DocumentKind::Faq || Some(fits(e)) == best_of(e))
        .collect();
    let preferred = evidence.into_iter().zip(keep).filter(|(_, keep)| *keep);
    preferred.map(|(e, _)| e).collect()
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
        .or(faq.filter(|_| evidence.metadata.kind == DocumentKind::Faq))
        .unwrap_or_else(|| plain(title(evidence)))
}
