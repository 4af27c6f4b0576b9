//! One question of a message, from its words to a draft that holds.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::mpsc;

use super::admit::{Admission, Decision, Features, Verdict};
use super::compose::{Draft, End, compose, end_of, goes_on, with_first};
use super::generate::{Generated, MAX_EVIDENCE, generate};
use super::passage::{Passage, is_asked_by};
use super::settle::{self, Settled};
use super::understand::{LIFTED_AMONG, Lifts, lift};
use super::verify::{Rejected, verify};
use super::window::Window;
use super::{AnswerError, Event, premise, script, siblings};
use crate::domain::{
    Citation, DocumentId, Evidence, Query, Review, Sentence, Span, Strategy, Timings, WorkspaceId,
};
use crate::llm::{Llm, Usage};
use crate::reader::{Reader, ReaderError, Reading};
use crate::redact::Redactor;
use crate::retrieve::{RetrieveError, Retrieved, Retriever};
use crate::text::Language;

/// What a part is answered with and by when.
pub struct Asked<'a> {
    /// As the customer worded it.
    pub text: &'a str,
    pub query: Query,
    /// The documents that a follow-up is about.
    pub about: Lifts,
    pub language: Language,
    /// The highest rung allowed.
    pub ceiling: Strategy,
    pub until: Option<Instant>,
    /// The question's vector, where it is known already.
    pub vector: Option<Vec<f32>>,
    pub events: Option<&'a mpsc::UnboundedSender<Event>>,
}

/// What came of one question.
#[derive(Debug, Clone)]
pub struct PartReply {
    pub text: String,
    pub search_text: String,
    pub draft: Draft,
    pub verdict: Verdict,
    pub features: Features,
    pub evidence: Vec<Evidence>,
    /// What was read in the first of the evidence, in its order; empty where nothing was read.
    pub readings: Vec<Reading>,
    pub suggestions: Vec<String>,
    /// What the evidence is about where the question is about another thing of its kind, which nothing names.
    pub similar: Vec<String>,
    pub review: Option<Review>,
    pub rejected: Vec<Rejected>,
    /// Stable words for what went otherwise than it might have.
    pub notes: Vec<&'static str>,
    pub usage: Option<Usage>,
    pub revision: i64,
    pub timings: Timings,
}

/// The parts that answering one question needs.
#[derive(Clone, Copy)]
pub struct Line<'a> {
    pub retriever: &'a Retriever,
    pub admission: &'a Admission,
    pub reader: Option<&'a Reader>,
    pub llm: Option<&'a Llm>,
    /// Versions that no answer may rest on.
    pub distrusted: &'a HashSet<(DocumentId, i64)>,
    /// Takes personal data out of what a model is sent.
    pub redactor: &'a Redactor,
}

/// How many pieces of evidence are read for the decision and the wording.
pub const READ: usize = 5;
/// What is kept of a deadline for what follows a model's wording.
const RESERVE: Duration = Duration::from_millis(15);
/// With less than this left of a deadline a model is not asked.
const MIN_GENERATION: Duration = Duration::from_millis(50);

impl Line<'_> {
    /// Retrieve, admit, compose, verify, settle; then a model's wording, where there is one and time for it.
    pub async fn reply(
        self,
        workspace: &WorkspaceId,
        min_confidence: f32,
        mut asked: Asked<'_>,
    ) -> Result<PartReply, AnswerError> {
        let start = Instant::now();
        let query = self.retriever.timed(asked.query.clone());
        let (mut found, mut evidence) = find(
            self.retriever,
            workspace,
            &query,
            &asked.about,
            asked.vector.take(),
        )
        .await?;
        if !self.distrusted.is_empty() {
            let is_out = |e: &Evidence| {
                let version = (e.chunk.document_id.clone(), e.chunk.version);
                self.distrusted.contains(&version)
            };
            let out: HashSet<u32> = evidence
                .iter()
                .filter(|e| is_out(e))
                .map(|e| e.chunk.key)
                .collect();
            evidence.retain(|e| !out.contains(&e.chunk.key));
            found.hits.retain(|hit| !out.contains(&hit.chunk_key));
        }
        let mut evidence = settle::prefer_specific(evidence, &query.filter, asked.language);
        // An FAQ that asks the same, word for word, is the answer; it is read only beside what may contradict it.
        let asks_same = evidence
            .iter()
            .take(READ)
            .position(|e| is_asked_by(e, query.text()));
        if let Some(at) = asks_same {
            to_front(&mut evidence, at);
        }
        let is_settled = asks_same.is_some() && rival(&evidence, 1).is_none();

        let admitting = Instant::now();
        let mut passages: Vec<Passage> = evidence.iter().take(READ).map(Passage::read).collect();
        let (weights, hits) = (&found.term_weights, &found.hits);
        let features = Features::of(query.text(), weights, hits, &evidence, &passages);
        let mut read_ms = 0.0;
        let mut readings = Vec::new();
        let mut note = None;
        if let Some(reader) = self.reader.filter(|_| !is_settled) {
            let reading = Instant::now();
            let read = read(
                reader,
                (self.admission, min_confidence),
                query.text(),
                weights,
                &evidence,
                &passages,
                asked.until,
            );
            match read.await {
                Ok(read) => readings = read,
                Err(error) => {
                    tracing::debug!(%error, "passages not read; search scores decide");
                    note = Some("reader_unavailable");
                }
            }
            read_ms = elapsed_ms(reading);
        }
        let mut verdict = match asks_same {
            Some(_) => Verdict::CERTAIN,
            None => self.admission.judge(
                &features,
                &evidence,
                self.reader.map(|_| best_logit(&readings)),
                min_confidence,
            ),
        };
        // Behind the decision, whose model was fitted to the order of the search.
        if asks_same.is_none() {
            // What says more of the question takes the first place and its score; reading may put another there.
            let scores: Vec<f32> = evidence.iter().map(|e| e.score).collect();
            let is_beyond_doubt = readings.len() == 1;
            let more = settle::says_more(query.text(), weights, &evidence, &passages)
                .filter(|at| !is_beyond_doubt && (readings.is_empty() || *at < readings.len()));
            for by_reading in [false, true] {
                let first = match by_reading {
                    false => more,
                    true => lead(scores.iter().copied(), &readings),
                };
                if let Some(at) = first {
                    to_front(&mut evidence, at);
                    to_front(&mut passages, at);
                    to_front(&mut readings, at);
                }
            }
            // Scores stay with the places: what comes first is the best for all that follows.
            for (e, score) in evidence.iter_mut().zip(&scores) {
                e.score = *score;
            }
        }
        let own_words = query.text().lines().last().unwrap_or_default();
        let is_beyond_doubt =
            best_logit(&readings).is_some_and(|logit| self.admission.settles(logit));
        let mut similar = Vec::new();
        if verdict.decision == Decision::Answer && asks_same.is_none() {
            // What an FAQ about something else is asked of may stand in another passage that answers.
            let replaced = evidence.first().filter(|_| !is_beyond_doubt);
            let replaced = replaced.and_then(|best| siblings::replaced(own_words, best));
            let says = |at: &usize| {
                let of_it = |run: &Vec<String>| siblings::says(&evidence[*at], run);
                replaced.iter().flatten().all(of_it)
            };
            let answers = |at: &usize| {
                let logit = readings[*at].logit;
                self.admission.answers(logit, min_confidence)
            };
            let answering = replaced.as_ref().and_then(|_| {
                let mut others = 1..readings.len();
                others.find(|at| says(at) && answers(at))
            });
            match answering {
                Some(at) => {
                    to_front(&mut evidence, at);
                    to_front(&mut passages, at);
                    to_front(&mut readings, at);
                }
                None if replaced.is_some()
                    || siblings::names_another(own_words, &evidence[..passages.len()]) =>
                {
                    verdict.decision = Decision::Refuse;
                    similar.extend(evidence.first().map(settle::label).map(str::to_owned));
                }
                None => {}
            }
        }
        let admit = elapsed_ms(admitting) - read_ms;

        let composing = Instant::now();
        let (mut rejected, mut usage) = (Vec::new(), None);
        let mut notes: Vec<&'static str> =
            found.degraded.iter().map(|part| part.as_str()).collect();
        notes.extend(note);
        let mut worded = |evidence: &[Evidence],
                          passages: &[Passage],
                          readings: &[Reading],
                          notes: &mut Vec<&'static str>| {
            // A passage that was read and answers far less strongly than the first adds nothing.
            let adds = |reading: &Reading| reading.logit >= readings[0].logit - settle::ANSWERS_TOO;
            let n = match readings.get(1).is_none_or(adds) {
                true => evidence.len(),
                false => 1,
            };
            let (weights, quoted) = (&found.term_weights, &evidence[..n]);
            let mut draft = compose(
                query.text(),
                weights,
                quoted,
                &passages[..n.min(passages.len())],
            );
            if let Some((at, span)) = premise::contradicted(asked.text, evidence) {
                if !notes.contains(&"false_premise") {
                    notes.push("false_premise");
                }
                draft = with_first(draft, &evidence[at], span);
            }
            let (draft, dropped) = verify(script::in_script(draft, asked.language), evidence);
            rejected.extend(dropped);
            draft
        };
        let mut review = None;
        let mut suggestions = Vec::new();
        let mut draft = match verdict.decision {
            Decision::Answer => worded(&evidence, &passages, &readings, &mut notes),
            Decision::Refuse => Draft::default(),
        };
        if !draft.sentences.is_empty() && !is_settled {
            match settle::settle(own_words, &draft, &evidence, &passages, &readings) {
                Settled::Stands => {}
                Settled::Unnamed(labels) => {
                    suggestions = labels;
                    draft = Draft::default();
                }
                Settled::Another(labels) => {
                    verdict.decision = Decision::Refuse;
                    similar = labels;
                    draft = Draft::default();
                }
                Settled::Overruled(by) => {
                    // What is overruled is evidence no more.
                    evidence.swap(0, by);
                    evidence.remove(by);
                    passages = evidence.iter().take(READ).map(Passage::read).collect();
                    if by < readings.len() {
                        readings.swap(0, by);
                        readings.remove(by);
                    }
                    draft = worded(&evidence, &passages, &readings, &mut notes);
                }
                Settled::Open(with, conflict) => {
                    let ids = [0, with].map(|i| evidence[i].chunk.document_id.to_string());
                    let passages = [0, with].map(|i| evidence[i].chunk.id());
                    review = Some(conflict.review(&ids, &passages));
                    draft = Draft::default();
                }
            }
        }
        if !draft.sentences.is_empty() && !notes.contains(&"false_premise") {
            suggestions = settle::choices(query.text(), &evidence, asked.language);
            if !suggestions.is_empty() {
                draft = Draft::default();
            }
        }
        let compose_ms = elapsed_ms(composing);
        if asked.ceiling == Strategy::Standard && draft.strategy != Strategy::Standard {
            draft = Draft::default();
        }
        let generating = Instant::now();
        if let Some(llm) = self.llm
            && asked.ceiling == Strategy::Generated
            && draft.strategy == Strategy::Extractive
            // A correction is said as it stands.
            && !notes.contains(&"false_premise")
        {
            let agreeing = settle::agreeing(&draft, &evidence, MAX_EVIDENCE);
            let (generated, note) = self.generated(llm, &asked, &query, &agreeing).await;
            notes.extend(note);
            if let Some(generated) = generated {
                rejected.extend(generated.rejected);
                usage = Some(generated.usage);
                if generated.draft.sentences.is_empty() {
                    notes.push("llm_unsupported");
                } else {
                    draft = generated.draft;
                }
            }
        }
        if draft.strategy == Strategy::Extractive
            && match end_of(&draft, &evidence) {
                End::Whole => false,
                End::Cut => true,
                End::WithPassage(last) => {
                    let next = self.retriever.behind(workspace, last).await?;
                    next.is_some_and(|next| goes_on(&next))
                }
            }
        {
            notes.push("list_continues");
        }
        let timings = Timings {
            read: read_ms,
            admit,
            compose: compose_ms,
            generate: elapsed_ms(generating),
            total: elapsed_ms(start),
            ..found.timings
        };
        Ok(PartReply {
            text: asked.text.to_owned(),
            search_text: query.text().to_owned(),
            draft,
            verdict,
            features,
            evidence,
            readings,
            suggestions,
            similar,
            review,
            rejected,
            notes,
            usage,
            revision: found.revision,
            timings,
        })
    }

    /// A model's wording, or the reason why there is none. Never takes longer than is left.
    #[tracing::instrument(name = "generate", skip_all)]
    async fn generated(
        self,
        llm: &Llm,
        asked: &Asked<'_>,
        query: &Query,
        evidence: &[Evidence],
    ) -> (Option<Generated>, Option<&'static str>) {
        let (text, events) = (asked.text, asked.events);
        let left = asked
            .until
            .map(|until| until.saturating_duration_since(Instant::now()));
        let time = match left {
            Some(left) if left < RESERVE + MIN_GENERATION => return (None, Some("llm_deadline")),
            Some(left) => llm.timeout().min(left - RESERVE),
            None => llm.timeout(),
        };
        // What was said before is part of what is searched, and may be needed to understand the rest.
        let question = match query.text().contains(text.trim()) {
            true => query.text(),
            false => text,
        };
        if let Some(events) = events {
            let _ = events.send(Event::evidence(evidence));
        }
        let mut n_heard = 0;
        let heard = |sentence: &Sentence, new: &[Citation]| {
            n_heard += 1;
            if let Some(events) = events {
                // Where nobody listens any more the request is dropped with this future.
                let _ = events.send(Event::Delta(sentence.clone(), new.to_vec()));
            }
        };
        let question = self.redactor.mask(question);
        let generating = generate(llm, &question, asked.language, evidence, heard);
        let outcome = tokio::time::timeout(time, generating).await;
        let note = match outcome {
            Ok(Ok(generated)) => return (Some(generated), None),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a model's wording was given up");
                error.code()
            }
            Err(_) => "llm_deadline",
        };
        if n_heard > 0
            && let Some(events) = events
        {
            let _ = events.send(Event::Restart);
        }
        (None, Some(note))
    }
}

/// Searches, loads what was found and lifts what the question is about. Best first, at most the query's limit.
pub async fn find(
    retriever: &Retriever,
    workspace: &WorkspaceId,
    query: &Query,
    about: &Lifts,
    vector: Option<Vec<f32>>,
) -> Result<(Retrieved, Vec<Evidence>), RetrieveError> {
    let query = retriever.timed(query.clone());
    let limit = query.limit();
    let wide = match about.is_empty() {
        true => query,
        false => query.with_limit(limit.max(LIFTED_AMONG)),
    };
    let mut found = retriever.retrieve_with(workspace, &wide, vector).await?;
    let loading = Instant::now();
    let mut evidence = retriever
        .load_evidence(workspace, &wide, &found.hits)
        .await?;
    if !about.is_empty() {
        evidence = lift(evidence, about);
        evidence.truncate(limit);
    }
    found.timings.load = elapsed_ms(loading);
    Ok((found, evidence))
}

/// What a difference of 1 in the fused score counts beside the readings, in logits, where passages are ordered. Read off six
/// judged bases (docs/quality.md), where 20 and 50 differ from it by 4 points at most.
const SCORE: f32 = 30.0;
/// A passage of another document that scored at least this share of the best one's is read even where the best answers:
/// it may contradict it.
const RIVAL: f32 = 0.93;

/// So many passages are read at once; those behind them only where none of them answers.
const AT_ONCE: usize = 2;

/// Reads the question with the first of the evidence. Spans are in bytes of the chunk. Where the first passage answers
/// beyond doubt and has no rival, the others are not read; those behind the second only where neither answers with the
/// `least` confidence, or one of them is a rival.
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

/// A passage of another document that scored nearly as high as the best, from a place on.
fn rival(evidence: &[Evidence], from: usize) -> Option<&Evidence> {
    let best = evidence.first()?;
    evidence.iter().skip(from).find(|other| {
        other.chunk.document_id != best.chunk.document_id && other.score >= RIVAL * best.score
    })
}

/// The strongest answer among the passages that were read.
pub fn best_logit(readings: &[Reading]) -> Option<f32> {
    let logits = readings.iter().map(|reading| reading.logit);
    logits.max_by(f32::total_cmp)
}

/// The passage that comes first by reading and score together, where it is not the first already. `scores`: of the places.
pub fn lead(scores: impl IntoIterator<Item = f32>, readings: &[Reading]) -> Option<usize> {
    let worth = readings.iter().zip(scores);
    let worth: Vec<f32> = worth
        .map(|(reading, score)| reading.logit + SCORE * score)
        .collect();
    // Of equals the first.
    let all = worth.iter().enumerate().rev();
    let (at, _) = all.max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    (at > 0).then_some(at)
}

/// Puts the item at a place first; the others keep their order. Nothing changes where a shorter list lacks the place.
pub fn to_front<T>(items: &mut [T], at: usize) {
    if let Some(until) = items.get_mut(..=at) {
        until.rotate_right(1);
    }
}

/// What is kept of a part to explain it by.
#[derive(Serialize)]
pub struct PartTrace<'a> {
    question: &'a str,
    search_text: &'a str,
    decision: Decision,
    confidence: f32,
    features: &'a Features,
    evidence: Vec<EvidenceTrace<'a>>,
    rejected: &'a [Rejected],
    notes: &'a [&'static str],
    usage: &'a Option<Usage>,
    timings_ms: Timings,
}

#[derive(Serialize)]
struct EvidenceTrace<'a> {
    chunk_id: String,
    document_id: &'a str,
    document_version: i64,
    title: &'a str,
    heading_path: &'a [String],
    start: usize,
    end: usize,
    score: f32,
    coverage: f32,
    similarity: f32,
    /// How strongly the reader says that it answers, a logit, and where, in bytes of the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    reading: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer_at: Option<Span>,
}

impl PartReply {
    pub fn trace(&self) -> PartTrace<'_> {
        let readings = self
            .readings
            .iter()
            .map(Some)
            .chain(std::iter::repeat(None));
        let in_document = |e: &Evidence, span: Span| {
            Span::new(
                e.chunk.span.start + span.start,
                e.chunk.span.start + span.end,
            )
        };
        let evidence = self
            .evidence
            .iter()
            .zip(readings)
            .map(|(e, read)| EvidenceTrace {
                reading: read.map(|read| read.logit),
                answer_at: read.and_then(|read| Some(in_document(e, read.span?))),
                chunk_id: e.chunk.id(),
                document_id: e.chunk.document_id.as_str(),
                document_version: e.chunk.version,
                title: &e.metadata.title,
                heading_path: &e.chunk.heading_path,
                start: e.chunk.span.start,
                end: e.chunk.span.end,
                score: e.score,
                coverage: e.coverage,
                similarity: e.similarity,
            });
        PartTrace {
            question: &self.text,
            search_text: &self.search_text,
            decision: self.verdict.decision,
            confidence: self.verdict.confidence,
            features: &self.features,
            evidence: evidence.collect(),
            rejected: &self.rejected,
            notes: &self.notes,
            usage: &self.usage,
            timings_ms: self.timings,
        }
    }
}

pub(super) fn elapsed_ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passage_leads_by_reading_and_score_together() {
        let check = |read: &[(f32, f32)], expected: Option<usize>| {
            let readings: Vec<Reading> = read
                .iter()
                .map(|(logit, _)| Reading {
                    logit: *logit,
                    span: None,
                })
                .collect();
            let scores = read.iter().map(|(_, score)| *score);
            assert_eq!(lead(scores, &readings), expected, "{read:?}");
        };
        check(&[], None);
        check(&[(-3.0, 0.5)], None);
        // Beside a score behind by .1 four logits more are enough, two are not.
        check(&[(0.0, 0.6), (4.0, 0.5)], Some(1));
        check(&[(0.0, 0.6), (2.0, 0.5)], None);
        check(&[(0.5, 0.5), (0.5, 0.5)], None);
        check(&[(-1.0, 0.52), (0.5, 0.5), (-2.0, 0.5)], Some(1));
    }

    #[test]
    fn item_to_front_keeps_the_order_of_the_others() {
        let mut items = ['a', 'b', 'c', 'd'];
        to_front(&mut items, 2);
        assert_eq!(items, ['c', 'a', 'b', 'd']);
        to_front(&mut items, 9);
        assert_eq!(items, ['c', 'a', 'b', 'd']);
    }
}
