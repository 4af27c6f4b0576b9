//! The candidate passages for a question, best first, with the reader's results for the first of them.

use std::time::Instant;

use super::admit::Admission;
use super::passage::{Passage, asks_same, heading_asks};
use super::understand::DocumentBoosts;
use super::window::Window;
use ken_base::domain::Evidence;
use ken_search::reader::{Reader, ReaderError, Reading};
use ken_text::text::is_cjk;

/// The number of top candidates that are split into sentences and table rows, for admission and composition.
pub const MAX_PASSAGES: usize = 5;
/// The weight of the fused score relative to the reader's logit in reranking. Chosen on six judged knowledge bases
/// (docs/measured/reading.md), where 20 and 50 differ from it by 4 points at most.
const SCORE_WEIGHT: f32 = 30.0;
/// Most irrelevant passages have a logit below this. No passage below it answers a question.
const MIN_RELEVANT_LOGIT: f32 = -3.0;
/// A passage of another document is a rival of the best passage if it has at least this share of the best score. A
/// rival is read even if the best passage answers, because it may contradict it.
const RIVAL_SCORE_SHARE: f32 = 0.93;
/// The number of top passages that are read before the rest. The rest are read only if none of these answers, or if one
/// of the rest is a rival.
const READ_BEFORE_REST: usize = 2;

/// The evidence, its first [`MAX_PASSAGES`] items as [`Passage`]s, and the readings of the first passages. All three
/// lists have the same order, and only the methods change it. When [`Self::move_to_front`] reorders them, each score
/// stays at its rank, so that the first candidate still has the highest score.
#[derive(Debug, Clone, Default)]
pub struct Candidates {
    evidence: Vec<Evidence>,
    passages: Vec<Passage>,
    readings: Vec<Reading>,
}

impl Candidates {
    /// Creates candidates from evidence, best first. Nothing has been read yet.
    pub fn new(evidence: Vec<Evidence>) -> Self {
        let passages = evidence
            .iter()
            .take(MAX_PASSAGES)
            .map(Passage::read)
            .collect();
        Self {
            evidence,
            passages,
            readings: Vec::new(),
        }
    }

    /// Returns the evidence, best first.
    pub fn evidence(&self) -> &[Evidence] {
        &self.evidence
    }

    /// Returns the first [`MAX_PASSAGES`] candidates as passages.
    pub fn passages(&self) -> &[Passage] {
        &self.passages
    }

    /// Returns the readings of the first passages; empty if nothing was read.
    pub fn readings(&self) -> &[Reading] {
        &self.readings
    }

    /// Returns the evidence and the readings.
    pub fn into_evidence(self) -> (Vec<Evidence>, Vec<Reading>) {
        (self.evidence, self.readings)
    }

    /// Creates candidates with the FAQ that has the same question, word for word, in first place. Also returns whether
    /// there is such an FAQ.
    pub fn with_identical_first(mut evidence: Vec<Evidence>, question: &str) -> (Self, bool) {
        let at = evidence.iter().position(|e| asks_same(e, question));
        if let Some(at) = at {
            evidence[..=at].rotate_right(1);
        }
        (Self::new(evidence), at.is_some())
    }

    /// Returns the index of the first passage that was read and whose heading is the question. `None` if there is none,
    /// if its logit is below [`MIN_RELEVANT_LOGIT`], or if headings of several documents are the question.
    pub fn position_with_same_heading(&self, question: &str) -> Option<usize> {
        let read = self.evidence.iter().zip(&self.readings).enumerate();
        let mut matching = read.filter(|(_, (e, _))| heading_asks(e, question));
        let (at, (first, reading)) = matching.next()?;
        let is_unique = matching.all(|(_, (e, _))| e.chunk.document_id == first.chunk.document_id);
        (is_unique && reading.logit >= MIN_RELEVANT_LOGIT).then_some(at)
    }

    /// Returns whether the first candidate has no rival, that is, no other document scored nearly as high.
    pub fn is_uncontested(&self) -> bool {
        rival(&self.evidence, 1).is_none()
    }

    /// Runs the reader on the question and the first passages, and stores the readings. See [`read`].
    pub async fn read(
        &mut self,
        reader: &Reader,
        admission: (&Admission, f32),
        question: &str,
        term_weights: &[(String, f32)],
        deadline: Option<Instant>,
    ) -> Result<(), ReaderError> {
        let (evidence, passages) = (&self.evidence, &self.passages);
        self.readings = read(
            reader,
            admission,
            question,
            term_weights,
            evidence,
            passages,
            deadline,
        )
        .await?;
        Ok(())
    }

    /// Runs the reader on the question and each of the first passages, as many as it may read, and stores the readings.
    pub async fn read_all(
        &mut self,
        reader: &Reader,
        question: &str,
        term_weights: &[(String, f32)],
    ) -> Result<(), ReaderError> {
        let read = self.evidence.iter().zip(&self.passages);
        let texts: Vec<String> = read
            .take(reader.n_passages())
            .map(|(evidence, passage)| Window::of(evidence, passage, term_weights).text)
            .collect();
        self.readings = reader.read(question, &texts, reader.until(None)).await?;
        Ok(())
    }

    /// Drops the readings that [`read`] would not have made with a threshold. The readings must have been made with this
    /// or a higher one.
    pub fn keep_readings_of(&mut self, admission: &Admission, min_confidence: f32) {
        let is_enough = |n: &usize| {
            let read = self.readings.get(..*n);
            read.is_some_and(|read| is_enough((admission, min_confidence), &self.evidence, read))
        };
        if let Some(n) = [1, READ_BEFORE_REST].iter().find(|n| is_enough(n)) {
            self.readings.truncate(*n);
        }
    }

    /// Moves the candidate at index `at` to the front of all lists. Each score stays at its rank.
    pub fn move_to_front(&mut self, at: usize) {
        let scores: Vec<f32> = self.evidence.iter().map(|e| e.score).collect();
        to_front(&mut self.evidence, at);
        to_front(&mut self.passages, at);
        to_front(&mut self.readings, at);
        for (e, score) in self.evidence.iter_mut().zip(scores) {
            e.score = score;
        }
    }

    /// Moves the best candidate by reading and score to the front. See [`reranked_first`].
    pub fn rerank(&mut self, question: &str, about: &DocumentBoosts) {
        if let Some(at) = reranked_first(question, &self.evidence, &self.readings, about) {
            self.move_to_front(at);
        }
    }

    /// Removes the first candidate and moves the one at index `by` into its place, with its own score.
    pub fn replace_first(&mut self, by: usize) {
        self.evidence.swap(0, by);
        self.evidence.remove(by);
        self.passages = self
            .evidence
            .iter()
            .take(MAX_PASSAGES)
            .map(Passage::read)
            .collect();
        if by < self.readings.len() {
            self.readings.swap(0, by);
            self.readings.remove(by);
        } else {
            // The new first candidate was not read, so its logit cannot be compared with the others.
            self.readings.clear();
        }
    }

    /// Returns the highest logit; `None` if nothing was read.
    pub fn best_logit(&self) -> Option<f32> {
        best_logit(&self.readings)
    }

    /// Returns the highest logit of the passages that may be first; `None` without readings.
    pub fn best_eligible_logit(&self, question: &str, about: &DocumentBoosts) -> Option<f32> {
        let eligible = eligible(question, &self.evidence, &self.readings, about);
        eligible.map(|(_, logit)| logit).max_by(f32::total_cmp)
    }
}

/// Runs the reader on the question and the first passages. Spans are in bytes of the chunk. The result may be shorter
/// than the list of passages:
/// - If the first passage answers beyond doubt and has no rival, the others are not read.
/// - The passages after the second are read only if neither of the first two answers with at least `min_confidence`, or
///   if one of the later passages is a rival.
///
/// # Errors
/// [`ReaderError`] if the reader fails on any passage; earlier readings are dropped.
pub async fn read(
    reader: &Reader,
    (admission, min_confidence): (&Admission, f32),
    question: &str,
    term_weights: &[(String, f32)],
    evidence: &[Evidence],
    passages: &[Passage],
    deadline: Option<Instant>,
) -> Result<Vec<Reading>, ReaderError> {
    let windows: Vec<Window> = evidence
        .iter()
        .zip(passages)
        .take(reader.n_passages())
        .map(|(evidence, passage)| Window::of(evidence, passage, term_weights))
        .collect();
    let texts: Vec<String> = windows.iter().map(|window| window.text.clone()).collect();
    let deadline = reader.until(deadline);
    let mut readings: Vec<Reading> = Vec::with_capacity(texts.len());
    for range in [0..1, 1..READ_BEFORE_REST, READ_BEFORE_REST..texts.len()] {
        let next = texts.get(range).unwrap_or_default();
        if is_enough((admission, min_confidence), evidence, &readings) || next.is_empty() {
            break;
        }
        readings.extend(reader.read(question, next, deadline).await?);
    }
    let in_chunk = |(reading, window): (Reading, &Window)| Reading {
        span: reading.span.and_then(|span| window.in_chunk(span)),
        ..reading
    };
    Ok(readings.into_iter().zip(&windows).map(in_chunk).collect())
}

/// Returns whether the passages after those that were read need not be read.
fn is_enough(
    (admission, min_confidence): (&Admission, f32),
    evidence: &[Evidence],
    readings: &[Reading],
) -> bool {
    match best_logit(readings) {
        None => false,
        Some(logit) if readings.len() < READ_BEFORE_REST => {
            admission.settles(logit) && rival(evidence, 1).is_none()
        }
        Some(logit) => {
            admission.answers(logit, min_confidence) && rival(evidence, readings.len()).is_none()
        }
    }
}

/// Returns a rival of the best passage at index `from` or later: a passage of another document that scored nearly as
/// high.
fn rival(evidence: &[Evidence], from: usize) -> Option<&Evidence> {
    let best = evidence.first()?;
    evidence.iter().skip(from).find(|other| {
        other.chunk.document_id != best.chunk.document_id
            && other.score >= RIVAL_SCORE_SHARE * best.score
    })
}

/// Returns the highest logit; `None` without readings.
pub fn best_logit(readings: &[Reading]) -> Option<f32> {
    let logits = readings.iter().map(|reading| reading.logit);
    logits.max_by(f32::total_cmp)
}

/// Returns the index of the passage that reranking by reading and score puts first, or `None` if it is first already.
/// Of equal passages, the first in the list wins. See `eligible` for the passages that may move.
pub fn reranked_first(
    question: &str,
    evidence: &[Evidence],
    readings: &[Reading],
    about: &DocumentBoosts,
) -> Option<usize> {
    let combined = eligible(question, evidence, readings, about)
        .map(|(at, logit)| (at, logit + SCORE_WEIGHT * evidence[at].score));
    let combined: Vec<(usize, f32)> = combined.collect();
    // `max_by` returns the last of equal items, so the reversed order makes the first one win.
    let best = combined
        .iter()
        .rev()
        .max_by(|(_, a), (_, b)| a.total_cmp(b));
    best.map(|(at, _)| *at).filter(|at| *at > 0)
}

/// Returns the indexes and the logits of the passages that may be first: the first one, and those that may take its place.
///
/// Two kinds of passages are held back:
/// - A passage in another script (Han or Latin) than the question, unless the reader accepts it (logit above 0) and
///   rejects the first (below −3). Across languages, smaller differences rank passages worse than the search scores do
///   (docs/measured/reading.md). A passage without letters is in every script.
/// - For a follow-up question, a passage whose document has a lower boost than the first passage's document. The reader
///   does not see the conversation. `about` contains the boosts.
fn eligible(
    question: &str,
    evidence: &[Evidence],
    readings: &[Reading],
    about: &DocumentBoosts,
) -> impl Iterator<Item = (usize, f32)> {
    let boost = |e: &Evidence| about.get(&e.chunk.document_id).copied().unwrap_or(0.0);
    let first_boost = evidence.first().map_or(0.0, boost);
    let is_han = |text: &str| text.chars().any(is_cjk);
    let is_question_han = is_han(question);
    let is_first_rejected = readings
        .first()
        .is_some_and(|first| first.logit < MIN_RELEVANT_LOGIT);
    let is_eligible = move |e: &Evidence, logit: f32| {
        let text = &e.chunk.text;
        let is_same_script =
            is_han(text) == is_question_han || !text.chars().any(char::is_alphabetic);
        boost(e) >= first_boost && (is_same_script || is_first_rejected && logit > 0.0)
    };
    let read = evidence.iter().zip(readings).enumerate();
    read.filter(move |(at, (e, reading))| *at == 0 || is_eligible(e, reading.logit))
        .map(|(at, (_, reading))| (at, reading.logit))
}

/// Moves the item at index `at` to the front; the others keep their order. Does nothing if `at` is out of bounds.
pub fn to_front<T>(items: &mut [T], at: usize) {
    if let Some(head) = items.get_mut(..=at) {
        head.rotate_right(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::conflict_resolution::tests::evidence;
    use ken_base::domain::{DocumentId, DocumentKind};

    /// Evidence from documents `d0`, `d1` … with readings; one (logit, score) for each document.
    fn with_readings(read: &[(f32, f32)]) -> (Vec<Evidence>, Vec<Reading>) {
        let each = read.iter().enumerate().map(|(at, (logit, score))| {
            let mut found = evidence("", DocumentKind::Article, "保固兩年。", *score);
            found.chunk.document_id = DocumentId::parse(&format!("d{at}")).unwrap();
            let reading = Reading {
                logit: *logit,
                span: None,
            };
            (found, reading)
        });
        each.unzip()
    }

    #[test]
    fn reranking_combines_logit_and_score() {
        let check = |read: &[(f32, f32)], expected: Option<usize>| {
            let (found, readings) = with_readings(read);
            assert_eq!(
                reranked_first("保固", &found, &readings, &DocumentBoosts::new()),
                expected,
                "{read:?}"
            );
        };
        check(&[], None);
        check(&[(-3.0, 0.5)], None);
        // A logit higher by 4 outweighs a score lower by .1; one higher by 2 does not.
        check(&[(0.0, 0.6), (4.0, 0.5)], Some(1));
        check(&[(0.0, 0.6), (2.0, 0.5)], None);
        check(&[(0.5, 0.5), (0.5, 0.5)], None);
        check(&[(-1.0, 0.52), (0.5, 0.5), (-2.0, 0.5)], Some(1));
    }

    #[test]
    fn follow_up_reranking_prefers_boosted_document() {
        let (found, readings) = with_readings(&[(-2.0, 0.5), (3.0, 0.5), (1.0, 0.5)]);
        let reranked = |about: &[(&str, f32)]| {
            let about = about.iter();
            let about = about.map(|(id, boost)| (DocumentId::parse(id).unwrap(), *boost));
            reranked_first("保固", &found, &readings, &about.collect())
        };
        assert_eq!(reranked(&[]), Some(1));
        assert_eq!(reranked(&[("d0", 1.0)]), None);
        assert_eq!(reranked(&[("d0", 1.0), ("d2", 1.0)]), Some(2));
        assert_eq!(reranked(&[("d0", 1.0), ("d1", 0.8)]), None);
        assert_eq!(reranked(&[("d0", 0.8), ("d2", 1.0)]), Some(2));
    }

    #[test]
    fn passage_in_other_script_leads_only_if_first_is_rejected() {
        let leads = |question: &str, text: &str, logits: [f32; 2]| {
            let (mut found, readings) = with_readings(&logits.map(|logit| (logit, 0.5)));
            found[1].chunk.text = text.to_owned();
            reranked_first(question, &found, &readings, &DocumentBoosts::new())
        };
        let (han, latin) = ("保固兩年。", "The AirNest has a warranty of two years.");
        for (question, same, other) in [
            ("AirNest 保固", han, latin),
            ("AirNest warranty", latin, han),
        ] {
            assert_eq!(leads(question, same, [-2.0, -1.0]), Some(1), "{question}");
            assert_eq!(leads(question, other, [-2.0, 3.0]), None, "{question}");
            assert_eq!(leads(question, other, [-4.0, -0.5]), None, "{question}");
            assert_eq!(leads(question, other, [-4.0, 0.5]), Some(1), "{question}");
        }
    }

    #[test]
    fn admission_ignores_passages_that_may_not_lead() {
        let (evidence, readings) = with_readings(&[(-8.0, 0.5), (5.0, 0.4)]);
        let candidates = Candidates {
            evidence,
            readings,
            ..Candidates::default()
        };
        let of = |about: &[(&str, f32)]| {
            let about = about.iter();
            let about = about.map(|(id, boost)| (DocumentId::parse(id).unwrap(), *boost));
            candidates.best_eligible_logit("保固", &about.collect())
        };
        assert_eq!(of(&[]), Some(5.0));
        assert_eq!(of(&[("d0", 1.0)]), Some(-8.0));
        let none = Candidates::default().best_eligible_logit("保固", &DocumentBoosts::new());
        assert_eq!(none, None);
    }

    #[test]
    fn table_of_figures_leads_in_every_script() {
        let (mut found, readings) = with_readings(&[(-2.0, 0.5), (3.0, 0.5)]);
        found[1].chunk.text = "| 1 | 2 |\n| 30 | 40 |".to_owned();
        for question in ["保固", "warranty"] {
            found[0].chunk.text = question.to_owned();
            let at = reranked_first(question, &found, &readings, &DocumentBoosts::new());
            assert_eq!(at, Some(1), "{question}");
        }
    }

    #[test]
    fn item_moved_to_front_keeps_order_of_rest() {
        let mut items = ['a', 'b', 'c', 'd'];
        to_front(&mut items, 2);
        assert_eq!(items, ['c', 'a', 'b', 'd']);
        to_front(&mut items, 9);
        assert_eq!(items, ['c', 'a', 'b', 'd']);
    }
}
