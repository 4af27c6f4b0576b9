//! The pipeline of one question: retrieve → read → admit → compose → verify → resolve contradictions → generate (a
//! language model rewrites the answer). It records nothing and is independent of conversations, experiments and caches;
//! [`super::Answerer`] handles those.

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
#[derive(Clone)]
pub struct SubQuestion<'a> {
    /// The question in the customer's words.
    pub text: &'a str,
    /// What to search for.
    pub query: Query,
    /// Boosts for the documents that a follow-up question refers to.
    pub about: DocumentBoosts,
    /// The language of the reply.
    pub language: Language,
    /// The most capable strategy that is allowed.
    pub ceiling: Strategy,
    /// The minimum confidence for an answer, in [0, 1].
    pub min_confidence: f32,
    /// The time by which the answer is due; `None` for no limit.
    pub deadline: Option<Instant>,
    /// The question's vector, if it is known already.
    pub vector: Option<Vec<f32>>,
    /// Receives the sentences of a model's answer as they are generated.
    pub events: Option<&'a mpsc::UnboundedSender<Event>>,
}

/// The answer to one question, with the data that explains it.
#[derive(Debug, Clone)]
pub struct SubAnswer {
    /// The question in the customer's words.
    pub text: String,
    /// What was searched for.
    pub search_text: String,
    /// The answer; it has no sentences if there is no answer.
    pub draft: AnswerDraft,
    /// The decision whether to answer, with its confidence.
    pub verdict: Verdict,
    /// The admission features.
    pub features: Features,
    /// The evidence, best first.
    pub evidence: Vec<Evidence>,
    /// The readings of the first items of `evidence`, in the same order; empty if nothing was read.
    pub readings: Vec<Reading>,
    /// Choices to offer to the customer if the question is ambiguous.
    pub suggestions: Vec<String>,
    /// Labels of the similar things that the evidence covers, if no evidence names the thing that was asked about.
    pub similar: Vec<String>,
    /// A conflict that a person has to resolve.
    pub review: Option<Review>,
    /// Sentences that verification rejected.
    pub rejected: Vec<RejectedSentence>,
    /// Notes for the answer.
    pub notes: Vec<Note>,
    /// The model's tokens and cost, if one was called.
    pub usage: Option<ModelUsage>,
    /// The revision that was searched.
    pub revision: i64,
    /// The duration of each step.
    pub timings: Timings,
}

/// A passage with the probability that it answers the question.
#[derive(Debug, Clone)]
pub struct ScoredPassage {
    /// The passage.
    pub evidence: Evidence,
    /// The estimated probability that the passage answers the question, in [0, 1].
    pub confidence: f32,
}

/// The components that answer a question.
#[derive(Clone, Copy)]
pub struct Pipeline<'a> {
    /// Finds the evidence.
    pub retriever: &'a Retriever,
    /// Decides whether to answer.
    pub admission: &'a Admission,
    /// Reads passages, if configured.
    pub reader: Option<&'a Reader>,
    /// Rewrites answers, if configured.
    pub llm: Option<&'a Llm>,
    /// Document versions that no answer may use.
    pub distrusted: &'a HashSet<(DocumentId, i64)>,
    /// Removes personal data from text that is sent to a model.
    pub redactor: &'a Redactor,
}

/// The number of top passages that the confidence by search scores is computed from: the usual limit of a question.
const FEATURES_OF: usize = 10;
/// The time before the deadline that is reserved for the steps after generation.
const RESERVE: Duration = Duration::from_millis(15);
/// The minimum time for generation. If less remains, no model is called.
const MIN_GENERATION: Duration = Duration::from_millis(50);

/// The state that the stages read and update.
#[derive(Clone)]
struct PipelineState<'q> {
    question: SubQuestion<'q>,
    query: Query,
    retrieved: Retrieved,
    candidates: Candidates,
    /// Whether the first candidate is an FAQ with the same question, word for word. Such an FAQ is always admitted.
    is_identical: bool,
    /// Whether `is_identical` holds and no other document scored nearly as high. Then nothing is read, and
    /// contradictions are not looked for.
    is_uncontested: bool,
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

    /// Answers one question as each of several thresholds would, from one search and one reading. A language model may
    /// rewrite the first answer only. Returns the answers in the order of the thresholds.
    ///
    /// # Errors
    /// Like [`Self::answer`].
    pub async fn answer_at_each(
        self,
        workspace: &WorkspaceId,
        question: SubQuestion<'_>,
        thresholds: &[f32],
    ) -> Result<Vec<SubAnswer>, AnswerError> {
        let start = Instant::now();
        let mut read = self.retrieve(workspace, question).await?;
        // The strictest threshold has the most passages read.
        read.question.min_confidence = thresholds.iter().copied().fold(0.0, f32::max);
        self.read(&mut read).await;
        let mut answers = Vec::with_capacity(thresholds.len());
        for (at, min_confidence) in thresholds.iter().enumerate() {
            let mut state = read.clone();
            state.question.min_confidence = *min_confidence;
            state
                .candidates
                .keep_readings_of(self.admission, *min_confidence);
            self.admit(&mut state);
            state.quote();
            if at == 0 {
                self.generate(&mut state).await;
            }
            self.note_continuation(workspace, &mut state).await?;
            answers.push(state.into_answer(start));
        }
        Ok(answers)
    }

    /// Returns the answer of an FAQ with the same question, word for word, or `None` if keyword search finds no such
    /// FAQ. Needs neither encoder nor reader, so it can meet a deadline that [`Self::answer`] would miss.
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

    /// Finds the passages for one question, of those that `keep` accepts, and estimates for each the probability that it
    /// answers the question. Returns at most `most`, the likeliest first.
    ///
    /// The probability of a passage that the reader read is that of its logit. Any other passage has the probability that
    /// the whole evidence answers, by search scores, times its share of the best search score, and at most the lowest
    /// probability that was read. An FAQ with the same question, word for word, has 1.
    ///
    /// # Errors
    /// [`AnswerError`] if the search or the store fails. If the reader fails, no passage counts as read.
    pub async fn passages(
        self,
        workspace: &WorkspaceId,
        question: SubQuestion<'_>,
        most: usize,
        keep: impl Fn(&Evidence) -> bool + Send,
    ) -> Result<Vec<ScoredPassage>, AnswerError> {
        let state = self.retrieve(workspace, question).await?;
        let (text, weights) = (state.query.text(), &state.retrieved.term_weights);
        let (mut evidence, _) = state.candidates.into_evidence();
        evidence.retain(keep);
        evidence.truncate(most.max(FEATURES_OF));
        let keys: HashSet<u32> = evidence.iter().map(|e| e.chunk.key).collect();
        let mut hits = state.retrieved.hits;
        hits.retain(|hit| keys.contains(&hit.chunk_key));
        hits.truncate(FEATURES_OF);
        let (mut candidates, is_identical) = Candidates::with_identical_first(evidence, text);
        if let Some(reader) = self.reader
            && let Err(error) = candidates.read_all(reader, text, weights).await
        {
            tracing::debug!(%error, "reader unavailable; falling back to search scores");
        }
        let (evidence, passages) = (candidates.evidence(), candidates.passages());
        let first = &evidence[..evidence.len().min(FEATURES_OF)];
        let by_search = self
            .admission
            .by_search(&Features::of(text, weights, &hits, first, passages));
        let (evidence, readings) = candidates.into_evidence();
        let readings = readings.iter().map(|reading| reading.logit);
        let readings: Vec<f32> = readings
            .map(|logit| self.admission.by_reading(logit))
            .collect();
        let lowest = readings.iter().copied().fold(1.0, f32::min);
        let scores = evidence.iter().map(|e| e.score);
        let best = scores.fold(f32::EPSILON, f32::max);
        let scored = evidence.into_iter().enumerate().map(|(at, evidence)| {
            let confidence = match readings.get(at) {
                _ if at == 0 && is_identical => Verdict::CERTAIN.confidence,
                Some(confidence) => *confidence,
                None => (by_search * evidence.score / best).clamp(0.0, lowest),
            };
            ScoredPassage {
                evidence,
                confidence,
            }
        });
        let mut scored: Vec<ScoredPassage> = scored.collect();
        scored.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        scored.truncate(most);
        Ok(scored)
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
            let removed = evidence.iter().filter(is_distrusted);
            let removed: HashSet<u32> = removed.map(|e| e.chunk.key).collect();
            evidence.retain(|e| !removed.contains(&e.chunk.key));
            retrieved
                .hits
                .retain(|hit| !removed.contains(&hit.chunk_key));
        }
        let evidence = disambiguate::prefer_specific(evidence, &query.filter, question.language);
        let (candidates, is_identical) = Candidates::with_identical_first(evidence, query.text());
        Ok(PipelineState {
            is_identical,
            is_uncontested: is_identical && candidates.is_uncontested(),
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

    /// Runs the reader on the question and the best candidates.
    async fn read(self, state: &mut PipelineState<'_>) {
        let reading = Instant::now();
        let Some(reader) = self.reader.filter(|_| !state.is_uncontested) else {
            return;
        };
        let read = state.candidates.read(
            reader,
            (self.admission, state.question.min_confidence),
            state.query.text(),
            &state.retrieved.term_weights,
            state.question.deadline,
        );
        if let Err(error) = read.await {
            tracing::debug!(%error, "reader unavailable; falling back to search scores");
            state.notes.push(Note::ReaderUnavailable);
        }
        state.timings.read = elapsed_ms(reading);
    }

    /// Decides whether the candidates answer the question, and moves the best one to the front.
    fn admit(self, state: &mut PipelineState<'_>) {
        let admitting = Instant::now();
        let (text, weights) = (state.query.text(), &state.retrieved.term_weights);
        let candidates = &mut state.candidates;
        let (evidence, passages) = (candidates.evidence(), candidates.passages());
        state.features = Features::of(text, weights, &state.retrieved.hits, evidence, passages);
        if state.is_identical {
            state.verdict = Verdict::CERTAIN;
        } else {
            let about = &state.question.about;
            let reading = self
                .reader
                .map(|_| candidates.best_eligible_logit(text, about));
            let min_confidence = state.question.min_confidence;
            state.verdict =
                self.admission
                    .judge(&state.features, evidence, reading, min_confidence);
            // Reranking follows the decision, because the admission model was fitted to the search order.
            if let Some(at) = candidates.position_with_same_heading(text) {
                state.verdict = self
                    .admission
                    .raise_for_heading(state.verdict, min_confidence);
                candidates.move_to_front(at);
            } else {
                candidates.rerank(text, &state.question.about);
            }
            if state.verdict.decision == AnswerDecision::Answer {
                self.match_named_entity(state);
            }
        }
        state.timings.admit = elapsed_ms(admitting);
    }

    /// Refuses if the question names one entity and the evidence is about another of the same type. If the first
    /// candidate is an FAQ about another entity, it first looks for a passage that was read, answers, and mentions the
    /// named entity; that passage moves to the front instead.
    fn match_named_entity(self, state: &mut PipelineState<'_>) {
        let own_words = state.query.text().lines().last().unwrap_or_default();
        let candidates = &mut state.candidates;
        let logit = candidates.best_logit();
        let is_beyond_doubt = logit.is_some_and(|logit| self.admission.settles(logit));
        let (evidence, readings) = (candidates.evidence(), candidates.readings());
        let doubtful = evidence.first().filter(|_| !is_beyond_doubt);
        let substituted = doubtful.and_then(|best| near_misses::substitutions(own_words, best));
        let answering = substituted.as_ref().and_then(|runs| {
            let min_confidence = state.question.min_confidence;
            let mentions_all = |at: &usize| {
                runs.iter()
                    .all(|run| near_misses::mentions(&evidence[*at], run))
            };
            let answers = |at: &usize| self.admission.answers(readings[*at].logit, min_confidence);
            (1..readings.len()).find(|at| mentions_all(at) && answers(at))
        });
        if let Some(at) = answering {
            candidates.move_to_front(at);
        } else if substituted.is_some()
            || near_misses::names_another(own_words, &evidence[..candidates.passages().len()])
        {
            state.verdict.decision = AnswerDecision::Refuse;
            let label = evidence.first().map(disambiguate::label);
            state.similar.extend(label.map(str::to_owned));
        }
    }

    /// Lets a model rewrite the quoted evidence, if a model is configured and enough time remains.
    async fn generate(self, state: &mut PipelineState<'_>) {
        let generating = Instant::now();
        let is_allowed = state.question.ceiling == Strategy::Generated
            && state.draft.strategy == Strategy::Extractive
            // The correction of a false premise is always quoted.
            && !state.notes.contains(&Note::FalsePremise);
        if let Some(llm) = self.llm.filter(|_| is_allowed) {
            let evidence = state.candidates.evidence();
            let agreeing = conflict_resolution::agreeing(&state.draft, evidence, MAX_EVIDENCE);
            let (question, query) = (&state.question, &state.query);
            match self.generate_draft(llm, question, query, &agreeing).await {
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

    /// Returns a model's draft, or a note that says why there is none. Stops [`RESERVE`] before the deadline.
    #[tracing::instrument(name = "generate", skip_all)]
    async fn generate_draft(
        self,
        llm: &Llm,
        sub_question: &SubQuestion<'_>,
        query: &Query,
        evidence: &[Evidence],
    ) -> Result<Generated, Note> {
        let (text, events) = (sub_question.text, sub_question.events);
        let remaining = sub_question
            .deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let timeout = match remaining {
            Some(time) if time < RESERVE + MIN_GENERATION => return Err(Note::LlmDeadline),
            Some(time) => llm.timeout().min(time - RESERVE),
            None => llm.timeout(),
        };
        // The search text may also contain earlier messages, which the model may need to understand the question.
        let question = match query.text().contains(text.trim()) {
            true => query.text(),
            false => text,
        };
        if let Some(events) = events {
            let _ = events.send(Event::evidence(evidence));
        }
        let mut n_sentences = 0;
        let on_sentence = |sentence: &Sentence, new: &[Citation]| {
            n_sentences += 1;
            if let Some(events) = events {
                // A send fails only after the receiver was dropped; then this future is dropped, too, which cancels the
                // request.
                let _ = events.send(Event::Delta(sentence.clone(), new.to_vec()));
            }
        };
        let question = self.redactor.mask(question);
        let generating = generate(llm, &question, sub_question.language, evidence, on_sentence);
        let outcome = tokio::time::timeout(timeout, generating).await;
        let note = match outcome {
            Ok(Ok(generated)) => return Ok(generated),
            Ok(Err(error)) => {
                tracing::warn!(%error, "generation failed; falling back to quoted sentences");
                error.note()
            }
            Err(_) => Note::LlmDeadline,
        };
        if n_sentences > 0
            && let Some(events) = events
        {
            let _ = events.send(Event::Restart);
        }
        Err(note)
    }
}

impl PipelineState<'_> {
    /// Composes a draft from admitted evidence and resolves contradictions. Replaces the draft by choices if the
    /// question is ambiguous.
    fn quote(&mut self) {
        let composing = Instant::now();
        if self.verdict.decision == AnswerDecision::Answer {
            self.compose();
            self.resolve_conflicts();
            self.clarify();
            self.enforce_ceiling();
        }
        self.timings.compose = elapsed_ms(composing);
    }

    /// Composes a draft of quotations and verifies it. If the evidence contradicts a premise of the question, the draft
    /// begins with the correction.
    fn compose(&mut self) {
        let candidates = &self.candidates;
        let (evidence, passages) = (candidates.evidence(), candidates.passages());
        // If the second passage has a much lower logit than the first, only the first is quoted.
        let n_quoted = match candidates.readings() {
            [first, second, ..]
                if second.logit < first.logit - conflict_resolution::MAX_LOGIT_GAP =>
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
        if self.draft.sentences.is_empty() || self.is_uncontested {
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
                candidates.replace_first(by);
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

    /// Offers choices instead of an answer if a short question matches several answers equally well.
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

    /// Drops the draft if it needs a strategy above the ceiling of the question.
    fn enforce_ceiling(&mut self) {
        let exceeds_standard = self.draft.strategy != Strategy::Standard;
        if self.question.ceiling == Strategy::Standard && exceeds_standard {
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

/// Searches, loads the evidence and boosts the documents in `about`. Returns the evidence best first, at most as many
/// items as the query's limit.
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

/// A trace of how one question was answered, for explanations.
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
    /// The reader's logit.
    #[serde(skip_serializing_if = "Option::is_none")]
    reading: Option<f32>,
    /// The span of the answer, in bytes of the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer_at: Option<Span>,
}

impl SubAnswer {
    /// Returns the trace of this answer.
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
