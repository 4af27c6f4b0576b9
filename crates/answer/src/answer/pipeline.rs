//! The pipeline of one question: retrieve → read → admit → compose → verify → resolve contradictions, then a model's
//! wording. It records nothing and is independent of conversations, experiments and caches, which [`super::Answerer`]
//! handles.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::mpsc;

use super::admit::{Admission, AnswerDecision, Features, Verdict};
use super::candidates::Candidates;
use super::compose::{AnswerDraft, QuotationEnd, compose, continues, prepend, quotation_end};
use super::conflict_resolution::{self, Resolution};
use super::generate::{Generated, MAX_EVIDENCE, generate};
use super::understand::{BOOSTED_AMONG, DocumentBoosts, boost};
use super::verify::{RejectedSentence, verify};
use super::{AnswerError, Event, chinese_script, disambiguate, near_misses, premise};
use crate::llm::{Llm, ModelUsage};
use ken_base::domain::{
    Citation, DocumentId, Evidence, Mode, Note, Query, Review, Sentence, Span, Strategy, Timings,
    WorkspaceId,
};
use ken_search::reader::{Reader, Reading};
use ken_search::retrieve::{RetrieveError, Retrieved, Retriever};
use ken_text::redact::Redactor;
use ken_text::text::Language;

/// One question of a message, after understanding.
pub struct SubQuestion<'a> {
    /// The question in the customer's words.
    pub text: &'a str,
    /// What to search for.
    pub query: Query,
    /// The documents that a follow-up is about.
    pub about: DocumentBoosts,
    /// The language of the reply.
    pub language: Language,
    /// The highest strategy allowed.
    pub ceiling: Strategy,
    /// The least confidence for an answer, in [0, 1].
    pub min_confidence: f32,
    /// The deadline.
    pub until: Option<Instant>,
    /// The question's vector, if it is known already.
    pub vector: Option<Vec<f32>>,
    /// Receives the progress of a model's wording.
    pub events: Option<&'a mpsc::UnboundedSender<Event>>,
}

/// The answer to one question, and how it came about.
#[derive(Debug, Clone)]
pub struct SubAnswer {
    /// The question in the customer's words.
    pub text: String,
    /// What was searched for.
    pub search_text: String,
    /// The answer; without sentences if there is none.
    pub draft: AnswerDraft,
    /// Whether to answer, with the confidence.
    pub verdict: Verdict,
    /// The admission features.
    pub features: Features,
    /// The evidence, best first.
    pub evidence: Vec<Evidence>,
    /// The readings of the first of the evidence, in the same order; empty if nothing was read.
    pub readings: Vec<Reading>,
    /// Choices for the customer, if the question is ambiguous.
    pub suggestions: Vec<String>,
    /// Labels of similar things that the evidence is about, if nothing found names the thing asked about.
    pub similar: Vec<String>,
    /// A conflict that a person has to resolve.
    pub review: Option<Review>,
    /// Sentences that verification rejected.
    pub rejected: Vec<RejectedSentence>,
    /// Notes for the answer.
    pub notes: Vec<Note>,
    /// What the model used, if one was called.
    pub usage: Option<ModelUsage>,
    /// The revision that was searched.
    pub revision: i64,
    /// The time of each step.
    pub timings: Timings,
}

/// The parts that answering needs besides the question.
#[derive(Clone, Copy)]
pub struct Pipeline<'a> {
    /// Finds the evidence.
    pub retriever: &'a Retriever,
    /// Decides whether to answer.
    pub admission: &'a Admission,
    /// Reads passages, if configured.
    pub reader: Option<&'a Reader>,
    /// Words answers, if configured.
    pub llm: Option<&'a Llm>,
    /// Document versions that no answer may use.
    pub distrusted: &'a HashSet<(DocumentId, i64)>,
    /// Removes personal data from what is sent to a model.
    pub redactor: &'a Redactor,
}

/// The part of a deadline reserved for the steps after a model's wording.
const RESERVE: Duration = Duration::from_millis(15);
/// With less than this left before the deadline, no model is called.
const MIN_GENERATION: Duration = Duration::from_millis(50);

/// The state that the stages pass on.
struct PipelineState<'q> {
    question: SubQuestion<'q>,
    query: Query,
    retrieved: Retrieved,
    candidates: Candidates,
    /// Whether the first candidate is an FAQ with the same question, word for word. Then it is the answer.
    is_identical: bool,
    /// Whether, in addition, no other document may contradict it. Then nothing is read.
    is_settled: bool,
    features: Features,
    verdict: Verdict,
    draft: AnswerDraft,
    suggestions: Vec<String>,
    similar: Vec<String>,
    review: Option<Review>,
    rejected: Vec<RejectedSentence>,
    notes: Vec<Note>,
    usage: Option<ModelUsage>,
    timings: Timings,
}

impl Pipeline<'_> {
    /// Answers one question.
    ///
    /// # Errors
    /// [`AnswerError`] if the search or the store fails. Missing evidence leads to a refusal. A failing reader or model
    /// is recorded in the answer's notes.
    pub async fn answer(
        self,
        workspace: &WorkspaceId,
        question: SubQuestion<'_>,
    ) -> Result<SubAnswer, AnswerError> {
        let start = Instant::now();
        let mut state = self.retrieve(workspace, question).await?;
        self.read(&mut state).await;
        self.admit(&mut state);
        state.quote();
        self.generate(&mut state).await;
        self.note_continuation(workspace, &mut state).await?;
        Ok(state.into_answer(start))
    }

    /// Returns the answer of an FAQ with the same question, word for word, found by keywords alone; `None` if there is
    /// none. It needs neither encoder nor reader, so it is fast enough when [`Self::answer`] is not.
    pub async fn identical_faq(
        self,
        workspace: &WorkspaceId,
        mut question: SubQuestion<'_>,
    ) -> Result<Option<SubAnswer>, AnswerError> {
        let start = Instant::now();
        question.query = question.query.with_mode(Mode::Keyword);
        let mut state = self.retrieve(workspace, question).await?;
        if !state.is_identical {
            return Ok(None);
        }
        state.keep_first();
        state.verdict = Verdict::CERTAIN;
        state.compose();
        Ok(Some(state.into_answer(start)))
    }

    /// Searches and loads the evidence. Removes distrusted versions and puts an identical FAQ first.
    async fn retrieve<'q>(
        self,
        workspace: &WorkspaceId,
        mut question: SubQuestion<'q>,
    ) -> Result<PipelineState<'q>, AnswerError> {
        let query = self.retriever.with_time(question.query.clone());
        let vector = question.vector.take();
        let (mut retrieved, mut evidence) =
            find(self.retriever, workspace, &query, &question.about, vector).await?;
        if !self.distrusted.is_empty() {
            let is_distrusted = |e: &&Evidence| {
                let version = (e.chunk.document_id.clone(), e.chunk.version);
                self.distrusted.contains(&version)
            };
            let out = evidence.iter().filter(is_distrusted);
            let out: HashSet<u32> = out.map(|e| e.chunk.key).collect();
            evidence.retain(|e| !out.contains(&e.chunk.key));
            retrieved.hits.retain(|hit| !out.contains(&hit.chunk_key));
        }
        let evidence = disambiguate::prefer_specific(evidence, &query.filter, question.language);
        let (candidates, is_identical) = Candidates::leading_with_identical(evidence, query.text());
        Ok(PipelineState {
            is_identical,
            is_settled: is_identical && candidates.is_uncontested(),
            notes: retrieved.degraded.into_iter().map(Note::from).collect(),
            timings: retrieved.timings,
            question,
            query,
            retrieved,
            candidates,
            features: Features::default(),
            verdict: Verdict::NONE,
            draft: AnswerDraft::default(),
            suggestions: Vec::new(),
            similar: Vec::new(),
            review: None,
            rejected: Vec::new(),
            usage: None,
        })
    }

    /// Reads the best candidates together with the question.
    async fn read(self, state: &mut PipelineState<'_>) {
        let reading = Instant::now();
        let Some(reader) = self.reader.filter(|_| !state.is_settled) else {
            return;
        };
        let read = state.candidates.read(
            reader,
            (self.admission, state.question.min_confidence),
            state.query.text(),
            &state.retrieved.term_weights,
            state.question.until,
        );
        if let Err(error) = read.await {
            tracing::debug!(%error, "reader unavailable; falling back to search scores");
            state.notes.push(Note::ReaderUnavailable);
        }
        state.timings.read = elapsed_ms(reading);
    }

    /// Decides whether the candidates answer, and which is the best.
    fn admit(self, state: &mut PipelineState<'_>) {
        let admitting = Instant::now();
        let (text, weights) = (state.query.text(), &state.retrieved.term_weights);
        let candidates = &mut state.candidates;
        let (evidence, passages) = (candidates.evidence(), candidates.passages());
        state.features = Features::of(text, weights, &state.retrieved.hits, evidence, passages);
        if state.is_identical {
            state.verdict = Verdict::CERTAIN;
        } else {
            let reading = self.reader.map(|_| candidates.best_logit());
            let least = state.question.min_confidence;
            state.verdict = self
                .admission
                .judge(&state.features, evidence, reading, least);
            // After the decision, because its model was fitted to the order of the search.
            if let Some(at) = candidates.position_asked_by_heading(text) {
                state.verdict = self.admission.raise_for_heading(state.verdict, least);
                candidates.lead_with(at);
            } else {
                candidates.order_by_reading(text, &state.question.about);
            }
            if state.verdict.decision == AnswerDecision::Answer {
                self.match_named_thing(state);
            }
        }
        state.timings.admit = elapsed_ms(admitting);
    }

    /// Refuses if the question names a thing of a kind and the evidence is about another of that kind. If the first
    /// candidate is an FAQ about another, a passage that was read, answers, and names the thing replaces it.
    fn match_named_thing(self, state: &mut PipelineState<'_>) {
        let own_words = state.query.text().lines().last().unwrap_or_default();
        let candidates = &mut state.candidates;
        let logit = candidates.best_logit();
        let is_beyond_doubt = logit.is_some_and(|logit| self.admission.settles(logit));
        let (evidence, readings) = (candidates.evidence(), candidates.readings());
        let replaced = evidence.first().filter(|_| !is_beyond_doubt);
        let replaced = replaced.and_then(|best| near_misses::substitutions(own_words, best));
        let answering = replaced.as_ref().and_then(|runs| {
            let least = state.question.min_confidence;
            let says = |at: &usize| {
                runs.iter()
                    .all(|run| near_misses::mentions(&evidence[*at], run))
            };
            let answers = |at: &usize| self.admission.answers(readings[*at].logit, least);
            (1..readings.len()).find(|at| says(at) && answers(at))
        });
        if let Some(at) = answering {
            candidates.lead_with(at);
        } else if replaced.is_some()
            || near_misses::names_another(own_words, &evidence[..candidates.passages().len()])
        {
            state.verdict.decision = AnswerDecision::Refuse;
            let label = evidence.first().map(disambiguate::label);
            state.similar.extend(label.map(str::to_owned));
        }
    }

    /// Lets a model word the quoted evidence, if there is a model and enough time.
    async fn generate(self, state: &mut PipelineState<'_>) {
        let generating = Instant::now();
        let is_allowed = state.question.ceiling == Strategy::Generated
            && state.draft.strategy == Strategy::Extractive
            // A correction is quoted unchanged.
            && !state.notes.contains(&Note::FalsePremise);
        if let Some(llm) = self.llm.filter(|_| is_allowed) {
            let evidence = state.candidates.evidence();
            let agreeing = conflict_resolution::agreeing(&state.draft, evidence, MAX_EVIDENCE);
            let (question, query) = (&state.question, &state.query);
            match self.generated(llm, question, query, &agreeing).await {
                Err(note) => state.notes.push(note),
                Ok(generated) => {
                    state.rejected.extend(generated.rejected);
                    state.usage = Some(generated.usage);
                    match generated.draft.sentences.is_empty() {
                        true => state.notes.push(Note::LlmUnsupported),
                        false => state.draft = generated.draft,
                    }
                }
            }
        }
        state.timings.generate = elapsed_ms(generating);
    }

    /// Adds a note if the quoted list or table continues after the quotation.
    async fn note_continuation(
        self,
        workspace: &WorkspaceId,
        state: &mut PipelineState<'_>,
    ) -> Result<(), AnswerError> {
        if state.draft.strategy != Strategy::Extractive {
            return Ok(());
        }
        let continues = match quotation_end(&state.draft, state.candidates.evidence()) {
            QuotationEnd::Whole => false,
            QuotationEnd::Cut => true,
            QuotationEnd::WithPassage(last) => {
                let next = self.retriever.next_passage(workspace, last).await?;
                next.is_some_and(|next| continues(&next))
            }
        };
        if continues {
            state.notes.push(Note::ListContinues);
        }
        Ok(())
    }

    /// Returns a model's wording, or a note on why there is none. Never exceeds the deadline.
    #[tracing::instrument(name = "generate", skip_all)]
    async fn generated(
        self,
        llm: &Llm,
        sub_question: &SubQuestion<'_>,
        query: &Query,
        evidence: &[Evidence],
    ) -> Result<Generated, Note> {
        let (text, events) = (sub_question.text, sub_question.events);
        let left = sub_question
            .until
            .map(|until| until.saturating_duration_since(Instant::now()));
        let time = match left {
            Some(left) if left < RESERVE + MIN_GENERATION => return Err(Note::LlmDeadline),
            Some(left) => llm.timeout().min(left - RESERVE),
            None => llm.timeout(),
        };
        // The search text may contain earlier messages, which may be needed to understand the question.
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
                // If nobody listens any more, this future is dropped and so is the request.
                let _ = events.send(Event::Delta(sentence.clone(), new.to_vec()));
            }
        };
        let question = self.redactor.mask(question);
        let generating = generate(llm, &question, sub_question.language, evidence, heard);
        let outcome = tokio::time::timeout(time, generating).await;
        let note = match outcome {
            Ok(Ok(generated)) => return Ok(generated),
            Ok(Err(error)) => {
                tracing::warn!(%error, "generation failed; falling back to quoted sentences");
                error.note()
            }
            Err(_) => Note::LlmDeadline,
        };
        if n_heard > 0
            && let Some(events) = events
        {
            let _ = events.send(Event::Restart);
        }
        Err(note)
    }
}

impl PipelineState<'_> {
    /// Composes a draft from admitted evidence, resolves contradictions, and may replace the draft by choices.
    fn quote(&mut self) {
        let composing = Instant::now();
        if self.verdict.decision == AnswerDecision::Answer {
            self.compose();
            self.resolve_conflicts();
            self.clarify();
            self.keep_below_ceiling();
        }
        self.timings.compose = elapsed_ms(composing);
    }

    /// Quotes the candidates and verifies the quotations. If the evidence contradicts a premise of the question, the
    /// correction comes first.
    fn compose(&mut self) {
        let candidates = &self.candidates;
        let (evidence, passages) = (candidates.evidence(), candidates.passages());
        // A second passage that answers far less strongly than the first adds nothing.
        let n_quoted = match candidates.readings() {
            [first, second, ..]
                if second.logit < first.logit - conflict_resolution::ANSWERS_TOO =>
            {
                1
            }
            _ => evidence.len(),
        };
        let mut draft = compose(
            self.query.text(),
            &self.retrieved.term_weights,
            &evidence[..n_quoted],
            &passages[..n_quoted.min(passages.len())],
        );
        if let Some((at, span)) = premise::contradicted(self.question.text, evidence) {
            if !self.notes.contains(&Note::FalsePremise) {
                self.notes.push(Note::FalsePremise);
            }
            draft = prepend(draft, &evidence[at], span);
        }
        let (draft, dropped) = verify(
            chinese_script::in_script(draft, self.question.language),
            evidence,
        );
        self.draft = draft;
        self.rejected.extend(dropped);
    }

    /// Resolves contradictions between the draft and the other evidence.
    fn resolve_conflicts(&mut self) {
        if self.draft.sentences.is_empty() || self.is_settled {
            return;
        }
        let own_words = self.query.text().lines().last().unwrap_or_default();
        let candidates = &mut self.candidates;
        let (evidence, passages) = (candidates.evidence(), candidates.passages());
        let readings = candidates.readings();
        match conflict_resolution::resolve_conflicts(
            own_words,
            &self.draft,
            evidence,
            passages,
            readings,
        ) {
            Resolution::Stands => {}
            Resolution::Unnamed(labels) => {
                self.suggestions = labels;
                self.draft = AnswerDraft::default();
            }
            Resolution::Another(labels) => {
                self.verdict.decision = AnswerDecision::Refuse;
                self.similar = labels;
                self.draft = AnswerDraft::default();
            }
            Resolution::Overruled(by) => {
                candidates.overrule_first(by);
                self.compose();
            }
            Resolution::Open(with, conflict) => {
                let ids = [0, with].map(|i| evidence[i].chunk.document_id.to_string());
                let passages = [0, with].map(|i| evidence[i].chunk.id());
                self.review = Some(conflict.review(&ids, &passages));
                self.draft = AnswerDraft::default();
            }
        }
    }

    /// Offers choices instead of an answer if a short question fits several things equally well.
    fn clarify(&mut self) {
        if self.draft.sentences.is_empty() || self.notes.contains(&Note::FalsePremise) {
            return;
        }
        let (text, evidence) = (self.query.text(), self.candidates.evidence());
        self.suggestions = disambiguate::choices(text, evidence, self.question.language);
        if !self.suggestions.is_empty() {
            self.draft = AnswerDraft::default();
        }
    }

    fn keep_below_ceiling(&mut self) {
        let is_above = self.draft.strategy != Strategy::Standard;
        if self.question.ceiling == Strategy::Standard && is_above {
            self.draft = AnswerDraft::default();
        }
    }

    /// Drops all candidates but the first.
    fn keep_first(&mut self) {
        let (mut evidence, _) = std::mem::take(&mut self.candidates).into_evidence();
        evidence.truncate(1);
        self.candidates = Candidates::new(evidence);
    }

    fn into_answer(self, start: Instant) -> SubAnswer {
        let (evidence, readings) = self.candidates.into_evidence();
        SubAnswer {
            text: self.question.text.to_owned(),
            search_text: self.query.text().to_owned(),
            draft: self.draft,
            verdict: self.verdict,
            features: self.features,
            evidence,
            readings,
            suggestions: self.suggestions,
            similar: self.similar,
            review: self.review,
            rejected: self.rejected,
            notes: self.notes,
            usage: self.usage,
            revision: self.retrieved.revision,
            timings: Timings {
                total: elapsed_ms(start),
                ..self.timings
            },
        }
    }
}

/// Searches, loads the evidence and raises the documents that the question is about. Best first, at most the query's
/// limit.
pub async fn find(
    retriever: &Retriever,
    workspace: &WorkspaceId,
    query: &Query,
    about: &DocumentBoosts,
    vector: Option<Vec<f32>>,
) -> Result<(Retrieved, Vec<Evidence>), RetrieveError> {
    let query = retriever.with_time(query.clone());
    let limit = query.limit();
    let wide = match about.is_empty() {
        true => query,
        false => query.with_limit(limit.max(BOOSTED_AMONG)),
    };
    let mut found = retriever.retrieve_with(workspace, &wide, vector).await?;
    let loading = Instant::now();
    let mut evidence = retriever
        .load_evidence(workspace, &wide, &found.hits)
        .await?;
    if !about.is_empty() {
        evidence = boost(evidence, about);
        evidence.truncate(limit);
    }
    found.timings.load = elapsed_ms(loading);
    Ok((found, evidence))
}

/// The record of the answer to one question, for explanations.
#[derive(Serialize)]
pub struct SubAnswerTrace<'a> {
    question: &'a str,
    search_text: &'a str,
    decision: AnswerDecision,
    confidence: f32,
    features: &'a Features,
    evidence: Vec<EvidenceTrace<'a>>,
    rejected: &'a [RejectedSentence],
    notes: &'a [Note],
    usage: &'a Option<ModelUsage>,
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
    /// The reader's logit, and the answer's place in bytes of the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    reading: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer_at: Option<Span>,
}

impl SubAnswer {
    /// Returns the record of this answer.
    pub fn trace(&self) -> SubAnswerTrace<'_> {
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
        SubAnswerTrace {
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
