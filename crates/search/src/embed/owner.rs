//! The thread that owns the encoder: it takes questions and passages from their queues and encodes them in batches.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, select_biased};
use tokio::sync::oneshot;

use super::{EmbedError, Pace, model::EncoderModel};
use ken_text::text::width;

/// The most questions that are encoded together. More would add waiting time without adding speed.
const MAX_QUESTIONS: usize = 16;
/// Texts are similar in width (Han 2, others 1) if they differ by at most half the narrower width plus this. Not tuned.
const ALIKE: usize = 12;
/// The most padded width (Han 2, others 1) of a batch of passages: about 1,500 tokens, which take a quarter of a second
/// on two cores. A question may wait that long behind ingestion.
const MAX_BATCH_WIDTH: usize = 3_600;
/// The most texts of a batch of passages.
const MAX_BATCH_TEXTS: usize = 32;
/// While questions wait, passages get one part in this many of the time. Not tuned: small enough to keep questions
/// fast, large enough for ingestion to go on.
const SHARE: i128 = 5;

type EncodedTexts = Result<Vec<Vec<f32>>, EmbedError>;

/// A question in the queue.
pub struct QuestionRequest {
    /// The text to encode.
    pub text: String,
    /// Receives the vector or the error.
    pub reply: oneshot::Sender<Result<Vec<f32>, EmbedError>>,
}

/// A batch of texts in the queue of passages.
pub struct PassageRequest {
    /// The texts to encode.
    pub texts: Vec<String>,
    /// Whether to encode the texts with the questions' prefix.
    pub as_questions: bool,
    /// Receives the vectors in the order of the texts, or the error.
    pub reply: oneshot::Sender<EncodedTexts>,
}

/// Serves both queues until every handle is dropped. Questions usually go first: see [`DeficitScheduler`].
pub fn run(
    mut model: EncoderModel,
    questions: &Receiver<QuestionRequest>,
    passages: &Receiver<PassageRequest>,
    pace: &Pace,
) {
    let mut turns = DeficitScheduler::default();
    let mut current: Option<PassageBatches> = None;
    loop {
        current = current.or_else(|| passages.try_recv().ok().map(PassageBatches::new));
        let Some(work) = &mut current else {
            select_biased! {
                recv(questions) -> question => match question {
                    Ok(question) => answer(&mut model, question, questions, pace),
                    Err(_) => return,
                },
                recv(passages) -> job => match job {
                    Ok(job) => current = Some(PassageBatches::new(job)),
                    Err(_) => return,
                },
            }
            continue;
        };
        let start = Instant::now();
        let others_wait = !questions.is_empty();
        if others_wait && !turns.is_passages() {
            if let Ok(question) = questions.try_recv() {
                answer(&mut model, question, questions, pace);
                turns.questions_took(start.elapsed());
            }
        } else {
            let outcome = work.encode_next(&mut model);
            turns.passages_took(start.elapsed(), others_wait);
            if let Some(outcome) = outcome
                && let Some(work) = current.take()
            {
                // The caller may have given up; then the vectors are dropped.
                let _ = work.reply.send(outcome);
            }
        }
    }
}

/// Decides whose turn it is while both questions and passages wait. Passages get one part in [`SHARE`] of the time, so
/// that new documents are indexed under any load. They accumulate credit, so that a short batch need not wait (deficit
/// round robin: Shreedhar and Varghese, 1995).
#[derive(Default)]
struct DeficitScheduler {
    /// How much of the time passages may still use, in nanoseconds; negative if they used more than their share.
    credit: i128,
}

impl DeficitScheduler {
    fn is_passages(&self) -> bool {
        self.credit > 0
    }

    /// Records the time of questions that were encoded while passages waited.
    fn questions_took(&mut self, time: Duration) {
        self.credit += time.as_nanos() as i128 / (SHARE - 1);
    }

    /// Records the time of passages. If no question waited, they owe nothing.
    fn passages_took(&mut self, time: Duration, others_wait: bool) {
        self.credit = match others_wait {
            true => self.credit - time.as_nanos() as i128,
            false => 0,
        };
    }
}

/// A partly encoded job of passages, in batches of similar length.
struct PassageBatches {
    texts: Vec<String>,
    as_questions: bool,
    reply: oneshot::Sender<EncodedTexts>,
    /// The remaining batches, as indexes into `texts`.
    batches: std::vec::IntoIter<Vec<usize>>,
    vectors: Vec<Vec<f32>>,
}

impl PassageBatches {
    fn new(job: PassageRequest) -> Self {
        let widths: Vec<usize> = job.texts.iter().map(|text| width(text)).collect();
        Self {
            batches: batches(&widths).into_iter(),
            vectors: vec![Vec::new(); job.texts.len()],
            texts: job.texts,
            as_questions: job.as_questions,
            reply: job.reply,
        }
    }

    /// Encodes one more batch. Returns all vectors after the last batch, an error if a batch failed, otherwise `None`.
    fn encode_next(&mut self, model: &mut EncoderModel) -> Option<EncodedTexts> {
        if let Some(batch) = self.batches.next() {
            let texts: Vec<&str> = batch.iter().map(|i| self.texts[*i].as_str()).collect();
            match encode(model, &texts, self.as_questions) {
                Ok(encoded) => {
                    for (i, vector) in batch.into_iter().zip(encoded) {
                        self.vectors[i] = vector;
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
        let is_done = self.batches.len() == 0;
        is_done.then(|| Ok(std::mem::take(&mut self.vectors)))
    }
}

/// Encodes a question together with those that wait behind it. Questions whose caller has given up are skipped.
fn answer(
    model: &mut EncoderModel,
    first: QuestionRequest,
    queue: &Receiver<QuestionRequest>,
    pace: &Pace,
) {
    let mut batch: Vec<QuestionRequest> = std::iter::once(first)
        .chain(queue.try_iter().take(MAX_QUESTIONS - 1))
        .collect();
    batch.retain(|question| !question.reply.is_closed());
    batch.sort_by_cached_key(|question| width(&question.text));
    while !batch.is_empty() {
        let n = n_similar_widths(batch.iter().map(|question| width(&question.text)));
        let rest = batch.split_off(n);
        encode_together(model, std::mem::replace(&mut batch, rest), pace);
    }
}

/// Returns how many of the narrowest texts to encode together. A text is padded to the widest of its batch; if that one
/// is much wider, encoding the text alone is cheaper.
fn n_similar_widths(widths: impl Iterator<Item = usize>) -> usize {
    let mut bound = usize::MAX;
    widths
        .take_while(|width| {
            let is_alike = *width <= bound;
            bound = bound.min(width + width / 2 + ALIKE);
            is_alike
        })
        .count()
}

fn encode_together(model: &mut EncoderModel, batch: Vec<QuestionRequest>, pace: &Pace) {
    let texts: Vec<&str> = batch
        .iter()
        .map(|question| question.text.as_str())
        .collect();
    let start = Instant::now();
    let encoded = encode(model, &texts, true);
    pace.record(start.elapsed(), batch.len());
    match encoded {
        Ok(vectors) => {
            for (question, vector) in batch.into_iter().zip(vectors) {
                let _ = question.reply.send(Ok(vector));
            }
        }
        Err(error) => {
            for question in batch {
                let _ = question
                    .reply
                    .send(Err(EmbedError::Encode(error.to_string())));
            }
        }
    }
}

/// Encodes one batch. A panic inside the model becomes an error for these texts only.
fn encode(model: &mut EncoderModel, texts: &[&str], as_questions: bool) -> EncodedTexts {
    let encoding = std::panic::AssertUnwindSafe(|| model.encode(texts, as_questions));
    std::panic::catch_unwind(encoding)
        .unwrap_or_else(|_| Err(EmbedError::Encode("encoder panicked".to_owned())))
}

/// Splits texts of these widths into batches, the narrowest first, whose padded width stays within [`MAX_BATCH_WIDTH`].
fn batches(widths: &[usize]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..widths.len()).collect();
    order.sort_by_key(|i| widths[*i]);
    let mut batches = Vec::new();
    let mut rest = order.as_slice();
    while !rest.is_empty() {
        let fits = |n: usize| n * widths[rest[n - 1]].max(1) <= MAX_BATCH_WIDTH;
        let n = (1..=rest.len().min(MAX_BATCH_TEXTS))
            .take_while(|n| fits(*n))
            .last()
            .unwrap_or(1);
        let (batch, after) = rest.split_at(n);
        batches.push(batch.to_vec());
        rest = after;
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_of_similar_width_are_batched() {
        let check = |widths: &[usize], expected| {
            assert_eq!(
                n_similar_widths(widths.iter().copied()),
                expected,
                "{widths:?}"
            );
        };
        check(&[], 0);
        check(&[400], 1);
        check(&[8, 8, 20, 24, 25, 160], 4);
        check(&[30, 57, 58], 2);
        check(&[0, 12, 13], 2);
    }

    #[test]
    fn passages_get_reserved_time_share_while_questions_wait() {
        let ms = Duration::from_millis;
        let mut turns = DeficitScheduler::default();
        let (mut questions, mut passages) = (0, 0);
        while questions + passages < 100_000 {
            if turns.is_passages() {
                turns.passages_took(ms(250), true);
                passages += 250;
            } else {
                turns.questions_took(ms(110));
                questions += 110;
            }
        }
        assert!((19_000..21_000).contains(&passages), "{passages}");
        // Time that passages use while no question waits is not owed.
        turns.passages_took(ms(10_000), true);
        turns.passages_took(ms(250), false);
        assert!(!turns.is_passages());
        turns.questions_took(ms(1));
        assert!(turns.is_passages());
    }

    #[test]
    fn batches_contain_each_text_once_within_width_limit() {
        let widths = [10, 10, 3_000, 900, 1_000, 5_000, 0];
        let found = batches(&widths);
        assert_eq!(found.concat(), [6, 0, 1, 3, 4, 2, 5]);
        for batch in &found {
            let padded = batch.len() * widths[*batch.last().unwrap()];
            assert!(padded <= MAX_BATCH_WIDTH || batch.len() == 1, "{batch:?}");
        }
        assert!(found.len() < widths.len());
    }
}
