//! One question of a message, from its words to a draft that holds.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::mpsc;

use super::admit::{Admission, Decision, Features, Verdict};
use super::compose::{Draft, compose, with_first};
use super::generate::{Generated, MAX_EVIDENCE, generate};
use super::passage::Passage;
use super::settle::{self, Settled};
use super::understand::{LIFTED_AMONG, Lifts, lift};
use super::verify::{Rejected, verify};
use super::{AnswerError, Event, premise, script};
use crate::domain::{
    Citation, DocumentId, Evidence, Query, Review, Sentence, Strategy, Timings, WorkspaceId,
};
use crate::llm::{Llm, Usage};
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
    pub suggestions: Vec<String>,
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
    pub llm: Option<&'a Llm>,
    /// Versions that no answer may rest on.
    pub distrusted: &'a HashSet<(DocumentId, i64)>,
    /// Takes personal data out of what a model is sent.
    pub redactor: &'a Redactor,
}

/// How many pieces of evidence are read for the decision and the wording.
const READ: usize = 5;
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

        let admitting = Instant::now();
        let mut passages: Vec<Passage> = evidence.iter().take(READ).map(Passage::read).collect();
        let (weights, hits) = (&found.term_weights, &found.hits);
        let features = Features::of(query.text(), weights, hits, &evidence, &passages);
        let verdict = self.admission.judge(&features, &evidence, min_confidence);
        // Behind the decision, whose model was fitted to the order of the search.
        if let Some(at) = settle::says_more(query.text(), weights, &evidence, &passages) {
            evidence[..=at].rotate_right(1);
            passages[..=at].rotate_right(1);
        }
        let admit = elapsed_ms(admitting);

        let composing = Instant::now();
        let (mut rejected, mut usage) = (Vec::new(), None);
        let mut notes: Vec<&'static str> =
            found.degraded.iter().map(|part| part.as_str()).collect();
        let mut worded =
            |evidence: &[Evidence], passages: &[Passage], notes: &mut Vec<&'static str>| {
                let mut draft = compose(query.text(), &found.term_weights, evidence, passages);
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
            Decision::Answer => worded(&evidence, &passages, &mut notes),
            Decision::Refuse => Draft::default(),
        };
        if !draft.sentences.is_empty() {
            match settle::settle(&draft, &evidence, &passages) {
                Settled::Stands => {}
                Settled::Overruled(by) => {
                    // What is overruled is evidence no more.
                    evidence.swap(0, by);
                    evidence.remove(by);
                    passages = evidence.iter().take(READ).map(Passage::read).collect();
                    draft = worded(&evidence, &passages, &mut notes);
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
        let timings = Timings {
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
            suggestions,
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
}

impl PartReply {
    pub fn trace(&self) -> PartTrace<'_> {
        let evidence = self.evidence.iter().map(|e| EvidenceTrace {
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
