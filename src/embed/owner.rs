use std::time::Instant;

use crossbeam_channel::{Receiver, select_biased};
use tokio::sync::oneshot;

use super::{EmbedError, Pace, model::Model};
use crate::text::width;

/// The most questions encoded together: more adds waiting without adding speed.
const MAX_QUESTIONS: usize = 16;
/// Texts that differ by less in width (Han 2, others 1), besides half of it, are alike. Not tuned.
const ALIKE: usize = 12;
/// The most padded width (Han 2, others 1) of a batch of passages: some 1,500 tokens, a quarter of a second on
/// two cores, which is how long a question may wait behind ingestion.
const MAX_BATCH_WIDTH: usize = 3_600;
const MAX_BATCH_TEXTS: usize = 32;

type Vectors = Result<Vec<Vec<f32>>, EmbedError>;

pub struct Question {
    pub text: String,
    pub reply: oneshot::Sender<Result<Vec<f32>, EmbedError>>,
}

pub struct Passages {
    pub texts: Vec<String>,
    pub as_questions: bool,
    pub reply: oneshot::Sender<Vectors>,
}

/// Serves both queues until every handle is gone. Questions go first.
pub fn run(
    mut model: Model,
    questions: &Receiver<Question>,
    passages: &Receiver<Passages>,
    pace: &Pace,
) {
    loop {
        select_biased! {
            recv(questions) -> question => match question {
                Ok(question) => answer(&mut model, question, questions, pace),
                Err(_) => return,
            },
            recv(passages) -> job => match job {
                Ok(job) => {
                    let vectors = encode_all(&mut model, &job, questions, pace);
                    // Whoever asked may have gone; then nobody wants the vectors.
                    let _ = job.reply.send(vectors);
                }
                Err(_) => return,
            },
        }
    }
}

/// Encodes a question together with those that wait behind it. One whose asker has gone is left out.
fn answer(model: &mut Model, first: Question, queue: &Receiver<Question>, pace: &Pace) {
    let mut batch: Vec<Question> = std::iter::once(first)
        .chain(queue.try_iter().take(MAX_QUESTIONS - 1))
        .collect();
    batch.retain(|question| !question.reply.is_closed());
    batch.sort_by_cached_key(|question| width(&question.text));
    while !batch.is_empty() {
        let n = n_alike(batch.iter().map(|question| width(&question.text)));
        let rest = batch.split_off(n);
        encode_together(model, std::mem::replace(&mut batch, rest), pace);
    }
}

/// How many of the narrowest texts to encode together: a text is padded to the widest of its batch, which costs more than
/// encoding it by itself where that is much wider.
fn n_alike(widths: impl Iterator<Item = usize>) -> usize {
    let mut bound = usize::MAX;
    widths
        .take_while(|width| {
            let is_alike = *width <= bound;
            bound = bound.min(width + width / 2 + ALIKE);
            is_alike
        })
        .count()
}

fn encode_together(model: &mut Model, batch: Vec<Question>, pace: &Pace) {
    let texts: Vec<&str> = batch
        .iter()
        .map(|question| question.text.as_str())
        .collect();
    let start = Instant::now();
    let encoded = encode(model, &texts, true);
    pace.took(start.elapsed(), batch.len());
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

/// What panics fails on these texts and goes on with the next.
fn encode(model: &mut Model, texts: &[&str], as_questions: bool) -> Vectors {
    let encoding = std::panic::AssertUnwindSafe(|| model.encode(texts, as_questions));
    std::panic::catch_unwind(encoding)
        .unwrap_or_else(|_| Err(EmbedError::Encode("it panicked".to_owned())))
}

/// Encodes passages in batches of like length; between batches, questions that have come in.
fn encode_all(
    model: &mut Model,
    job: &Passages,
    questions: &Receiver<Question>,
    pace: &Pace,
) -> Vectors {
    let widths: Vec<usize> = job.texts.iter().map(|text| width(text)).collect();
    let mut order: Vec<usize> = (0..job.texts.len()).collect();
    order.sort_by_key(|i| widths[*i]);
    let mut vectors = vec![Vec::new(); job.texts.len()];
    for batch in batches(&order, &widths) {
        if let Ok(question) = questions.try_recv() {
            answer(model, question, questions, pace);
        }
        let texts: Vec<&str> = batch.iter().map(|i| job.texts[*i].as_str()).collect();
        for (i, vector) in batch.iter().zip(encode(model, &texts, job.as_questions)?) {
            vectors[*i] = vector;
        }
    }
    Ok(vectors)
}

/// Cuts texts in order of width into batches whose padded width stays within [`MAX_BATCH_WIDTH`].
fn batches<'a>(order: &'a [usize], widths: &[usize]) -> Vec<&'a [usize]> {
    let mut batches = Vec::new();
    let mut rest = order;
    while !rest.is_empty() {
        let fits = |n: usize| n * widths[rest[n - 1]].max(1) <= MAX_BATCH_WIDTH;
        let n = (1..=rest.len().min(MAX_BATCH_TEXTS))
            .take_while(|n| fits(*n))
            .last()
            .unwrap_or(1);
        let (batch, after) = rest.split_at(n);
        batches.push(batch);
        rest = after;
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_of_like_width_go_together() {
        let check = |widths: &[usize], expected| {
            assert_eq!(n_alike(widths.iter().copied()), expected, "{widths:?}");
        };
        check(&[], 0);
        check(&[400], 1);
        check(&[8, 8, 20, 24, 25, 160], 4);
        check(&[30, 57, 58], 2);
        check(&[0, 12, 13], 2);
    }

    #[test]
    fn batches_hold_every_text_once_within_the_bound() {
        let widths = [10, 10, 3_000, 900, 1_000, 5_000, 0];
        let mut order: Vec<usize> = (0..widths.len()).collect();
        order.sort_by_key(|i| widths[*i]);
        let found = batches(&order, &widths);
        assert_eq!(found.concat(), order);
        for batch in &found {
            let padded = batch.len() * widths[*batch.last().unwrap()];
            assert!(padded <= MAX_BATCH_WIDTH || batch.len() == 1, "{batch:?}");
        }
        assert!(found.len() < widths.len());
    }
}
