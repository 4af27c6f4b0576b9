//! The candidate passages for a question, best first, with the reader's results for the first of them.

use std::time::Instant;

use super::admit::Admission;
use super::passage::{Passage, asks_same, heading_asks};
use super::understand::DocumentBoosts;
use super::window::Window;
use ken_base::domain::Evidence;
use ken_search::reader::{Reader, ReaderError, Reading};
use ken_text::text::{detect, is_cjk};

/// How many of the first passages are split into sentences and rows, for admission and composition.
pub const READ: usize = 5;
/// The weight of the fused score beside the reader's logit when passages are ordered. Read off six judged bases
/// (docs/measured/reading.md), where 20 and 50 differ from it by 4 points at most.
const SCORE: f32 = 30.0;
/// Most passages about something else have a logit below this; no question is answered by such a passage.
const SAYS_NOTHING: f32 = -3.0;
/// A passage of another document with at least this share of the best score is read even if the best one answers, since
/// it may contradict it.
const RIVAL: f32 = 0.93;
/// How many passages are read at once. Later ones are read only if none of these answers.
const AT_ONCE: usize = 2;

/// The evidence, its first [`READ`] as [`Passage`]s, and the readings of the first of these: three lists in the same
/// order, which only the methods change. Scores stay with the ranks, so that later steps always see the first as the
/// best.
#[derive(Debug, Default)]
pub struct Candidates {
    evidence: Vec<Evidence>,
    passages: Vec<Passage>,
    readings: Vec<Reading>,
}

impl Candidates {
    /// Starts from evidence, best first.
    pub fn new(evidence: Vec<Evidence>) -> Self {
        let passages = evidence.iter().take(READ).map(Passage::read).collect();
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

    /// Returns the first [`READ`] as passages.
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

    /// Puts an FAQ with the same question, word for word, first. Also returns whether there is one.
    pub fn leading_with_identical(mut evidence: Vec<Evidence>, question: &str) -> (Self, bool) {
        let at = evidence.iter().position(|e| asks_same(e, question));
        if let Some(at) = at {
            evidence[..=at].rotate_right(1);
        }
        (Self::new(evidence), at.is_some())
    }

    /// Returns the index of the passage whose heading asks the question, among those that were read, unless its logit
    /// is very low. `None` if the headings of two documents ask it.
    pub fn position_asked_by_heading(&self, question: &str) -> Option<usize> {
        let read = self.evidence.iter().zip(&self.readings).enumerate();
        let mut asked = read.filter(|(_, (e, _))| heading_asks(e, question));
        let (at, (first, reading)) = asked.next()?;
        let is_only = asked.all(|(_, (e, _))| e.chunk.document_id == first.chunk.document_id);
        (is_only && reading.logit >= SAYS_NOTHING).then_some(at)
    }

    /// Returns whether no other document scored nearly as high as the first.
    pub fn is_uncontested(&self) -> bool {
        rival(&self.evidence, 1).is_none()
    }

    /// Reads the first passages with the question. See [`read`].
    pub async fn read(
        &mut self,
        reader: &Reader,
        admission: (&Admission, f32),
        question: &str,
        term_weights: &[(String, f32)],
        until: Option<Instant>,
    ) -> Result<(), ReaderError> {
        let (evidence, passages) = (&self.evidence, &self.passages);
        self.readings = read(
            reader,
            admission,
            question,
            term_weights,
            evidence,
            passages,
            until,
        )
        .await?;
        Ok(())
    }

    /// Moves the candidate at an index to the front of all lists. The scores stay with the ranks.
    pub fn lead_with(&mut self, at: usize) {
        let scores: Vec<f32> = self.evidence.iter().map(|e| e.score).collect();
        to_front(&mut self.evidence, at);
        to_front(&mut self.passages, at);
        to_front(&mut self.readings, at);
        for (e, score) in self.evidence.iter_mut().zip(scores) {
            e.score = score;
        }
    }

    /// Moves the best candidate by reading and score to the front. See [`lead`].
    pub fn order_by_reading(&mut self, question: &str, about: &DocumentBoosts) {
        if let Some(at) = lead(question, &self.evidence, &self.readings, about) {
            self.lead_with(at);
        }
    }

    /// Removes the first candidate and replaces it by the one at an index.
    pub fn overrule_first(&mut self, by: usize) {
        self.evidence.swap(0, by);
        self.evidence.remove(by);
        self.passages = self.evidence.iter().take(READ).map(Passage::read).collect();
        if by < self.readings.len() {
            self.readings.swap(0, by);
            self.readings.remove(by);
        } else {
            // The new first was not read, so the other readings cannot be compared with it.
            self.readings.clear();
        }
    }

    /// Returns the highest logit.
    pub fn best_logit(&self) -> Option<f32> {
        best_logit(&self.readings)
    }
}

/// Reads the question with the first of the evidence. Spans are in bytes of the chunk. If the first passage answers
/// beyond doubt and has no rival, the others are not read. Those after the second are read only if neither answers with
/// the `least` confidence, or if one of them is a rival.
pub async fn read(
    reader: &Reader,
    (admission, least): (&Admission, f32),
    question: &str,
    term_weights: &[(String, f32)],
    evidence: &[Evidence],
    passages: &[Passage],
    until: Option<Instant>,
) -> Result<Vec<Reading>, ReaderError> {
    let windows: Vec<Window> = evidence
        .iter()
        .zip(passages)
        .take(reader.n_passages())
        .map(|(evidence, passage)| Window::of(evidence, passage, term_weights))
        .collect();
    let texts: Vec<String> = windows.iter().map(|window| window.text.clone()).collect();
    let until = reader.until(until);
    let mut read: Vec<Reading> = Vec::with_capacity(texts.len());
    for range in [0..1, 1..AT_ONCE, AT_ONCE..texts.len()] {
        let is_enough = match best_logit(&read) {
            None => false,
            Some(logit) if read.len() < AT_ONCE => {
                admission.settles(logit) && rival(evidence, 1).is_none()
            }
            Some(logit) => admission.answers(logit, least) && rival(evidence, read.len()).is_none(),
        };
        let next = texts.get(range).unwrap_or_default();
        if is_enough || next.is_empty() {
            break;
        }
        read.extend(reader.read(question, next, until).await?);
    }
    let in_chunk = |(reading, window): (Reading, &Window)| Reading {
        span: reading.span.and_then(|span| window.in_chunk(span)),
        ..reading
    };
    Ok(read.into_iter().zip(&windows).map(in_chunk).collect())
}

/// Returns a passage of another document, from an index on, that scored nearly as high as the best.
fn rival(evidence: &[Evidence], from: usize) -> Option<&Evidence> {
    let best = evidence.first()?;
    evidence.iter().skip(from).find(|other| {
        other.chunk.document_id != best.chunk.document_id && other.score >= RIVAL * best.score
    })
}

/// Returns the highest logit of the readings.
pub fn best_logit(readings: &[Reading]) -> Option<f32> {
    let logits = readings.iter().map(|reading| reading.logit);
    logits.max_by(f32::total_cmp)
}

/// Returns the index of the best passage by reading and score, or `None` if it is the first already.
///
/// Two kinds of passages are held back:
/// - A passage in another writing system (Han or Latin) than the question moves to the front only if the reader accepts it
///   (logit above 0) and rejects the first (below −3). Between languages, smaller differences order passages worse
///   than the search scores do (docs/measured/reading.md).
/// - In a follow-up question, a passage of a document that is boosted less than the first one's never moves. The reader
///   does not see the conversation. `about` holds the boosts.
pub fn lead(
    question: &str,
    evidence: &[Evidence],
    readings: &[Reading],
    about: &DocumentBoosts,
) -> Option<usize> {
    let boost = |e: &Evidence| about.get(&e.chunk.document_id).copied().unwrap_or(0.0);
    let least = evidence.first().map(boost)?;
    let is_latin = !question.chars().any(is_cjk);
    let is_rejected = readings
        .first()
        .is_some_and(|first| first.logit < SAYS_NOTHING);
    let may_lead = |e: &Evidence, reading: &Reading| {
        let is_same = detect(&e.chunk.text).is_latin() == is_latin;
        boost(e) >= least && (is_same || is_rejected && reading.logit > 0.0)
    };
    let read = evidence.iter().zip(readings).enumerate();
    let worth = read
        .filter(|(at, (e, reading))| *at == 0 || may_lead(e, reading))
        .map(|(at, (e, reading))| (at, reading.logit + SCORE * e.score));
    // Of equals, the first.
    let worth: Vec<(usize, f32)> = worth.collect();
    let best = worth.iter().rev().max_by(|(_, a), (_, b)| a.total_cmp(b));
    best.map(|(at, _)| *at).filter(|at| *at > 0)
}

/// Moves the item at an index to the front; the others keep their order. Does nothing if the list is too short.
pub fn to_front<T>(items: &mut [T], at: usize) {
    if let Some(until) = items.get_mut(..=at) {
        until.rotate_right(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::conflict_resolution::tests::evidence;
    use ken_base::domain::{DocumentId, DocumentKind};

    /// Evidence of documents `d0`, `d1` …, with readings: of each a logit and a score.
    fn read_as(read: &[(f32, f32)]) -> (Vec<Evidence>, Vec<Reading>) {
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
    fn lead_passage_combines_reading_and_score() {
        let check = |read: &[(f32, f32)], expected: Option<usize>| {
            let (found, readings) = read_as(read);
            assert_eq!(
                lead("保固", &found, &readings, &DocumentBoosts::new()),
                expected,
                "{read:?}"
            );
        };
        check(&[], None);
        check(&[(-3.0, 0.5)], None);
        // With a score lower by .1, four more logits are enough, two are not.
        check(&[(0.0, 0.6), (4.0, 0.5)], Some(1));
        check(&[(0.0, 0.6), (2.0, 0.5)], None);
        check(&[(0.5, 0.5), (0.5, 0.5)], None);
        check(&[(-1.0, 0.52), (0.5, 0.5), (-2.0, 0.5)], Some(1));
    }

    #[test]
    fn follow_up_is_led_by_document_of_conversation() {
        let (found, readings) = read_as(&[(-2.0, 0.5), (3.0, 0.5), (1.0, 0.5)]);
        let led_by = |about: &[(&str, f32)]| {
            let about = about.iter();
            let about = about.map(|(id, boost)| (DocumentId::parse(id).unwrap(), *boost));
            lead("保固", &found, &readings, &about.collect())
        };
        assert_eq!(led_by(&[]), Some(1));
        assert_eq!(led_by(&[("d0", 1.0)]), None);
        assert_eq!(led_by(&[("d0", 1.0), ("d2", 1.0)]), Some(2));
        assert_eq!(led_by(&[("d0", 1.0), ("d1", 0.8)]), None);
        assert_eq!(led_by(&[("d0", 0.8), ("d2", 1.0)]), Some(2));
    }

    #[test]
    fn passage_in_other_language_leads_only_if_first_is_rejected() {
        let leads = |question: &str, text: &str, logits: [f32; 2]| {
            let (mut found, readings) = read_as(&logits.map(|logit| (logit, 0.5)));
            found[1].chunk.text = text.to_owned();
            lead(question, &found, &readings, &DocumentBoosts::new())
        };
        let (han, latin) = (
            "保固兩年。",
            "The AirNest (清淨機) has a warranty of two years.",
        );
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
    fn item_moved_to_front_keeps_order_of_rest() {
        let mut items = ['a', 'b', 'c', 'd'];
        to_front(&mut items, 2);
        assert_eq!(items, ['c', 'a', 'b', 'd']);
        to_front(&mut items, 9);
        assert_eq!(items, ['c', 'a', 'b', 'd']);
    }
}
