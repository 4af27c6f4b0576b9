//! A message → a grounded [`Answer`], in a fixed sequence: understand, retrieve, admit, compose, verify, record.
//!
//! The evidence decides whether a question may be answered, before any text is composed. A text is returned only with
//! citations that resolve. `pipeline` answers one question. This file handles a message of one or several questions.
//! `turn` handles everything around a message: order, idempotency, history, experiments, the answer cache, the deadline
//! and the record.

mod admit;
mod answer_type;
mod assemble;
mod assignment;
mod cache;
mod candidates;
mod chinese_script;
mod compose;
mod conflict_resolution;
mod conversation_locks;
mod disambiguate;
mod gazetteer_cache;
mod generate;
mod model_number;
mod near_misses;
mod passage;
mod pipeline;
mod premise;
mod prompt_injection;
mod record;
pub mod render;
mod settings;
mod templates;
mod turn;
mod understand;
mod verify;
mod window;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::llm::Llm;
use ken_base::domain::{
    Answer, Citation, Evidence, Filter, InvalidQuestion, Level, Query, QuestionText, Review,
    Sentence, Span, Strategy, Tuning, Utterance, WorkspaceId,
};
use ken_search::embed::Embedder;
use ken_search::reader::{Reader, Reading};
use ken_search::retrieve::{RetrieveError, Retrieved, Retriever};
use ken_store::store::{Store, StoreError};
use ken_text::redact::Redactor;
use ken_text::text::Language;

pub use admit::{
    Admission, AnswerDecision, AnswerabilityModel, CLIP, FEATURES, Features, ModelError,
    N_FEATURES, ReadingModel, Verdict, Weight, least_of,
};
use assemble::{courtesy_reply, finish};
use cache::AnswerCache;
use candidates::{MAX_PASSAGES, read};
pub use candidates::{best_logit, reranked_first, to_front};
pub use chinese_script::occurs_in;
pub use compose::AnswerDraft;
pub use passage::Passage;
pub use pipeline::ScoredPassage;
use pipeline::{Pipeline, SubQuestion, elapsed_ms, find};
pub use record::{LoggedQuestion, RecordedRequest};
pub use settings::{AnswerSettings, SettingsCache};
use understand::DocumentBoosts;
pub use understand::{
    Courtesy, Gazetteer, UnderstoodQuestion, courtesy, reply_language, understand,
};
pub use verify::RejectedSentence;

/// A question that got no answer, not even a refusal.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The question is invalid.
    #[error(transparent)]
    Question(#[from] InvalidQuestion),
    /// The search failed.
    #[error(transparent)]
    Retrieve(#[from] RetrieveError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The idempotency key belongs to a different question.
    #[error("the idempotency key was already used with a different question")]
    KeyReused,
}

/// A question with its context: filter, conversation, customer and settings.
#[derive(Debug, Clone)]
pub struct Question {
    /// The question's text.
    pub text: QuestionText,
    /// Which documents may serve as evidence.
    pub filter: Filter,
    /// How many chunks may serve as evidence, 1 to 100; a higher value is cut to 100.
    pub limit: usize,
    /// The conversation that the question belongs to.
    pub conversation_id: Option<String>,
    /// Recorded with the turn. It has no influence on the answer except in experiments.
    pub customer_id: Option<String>,
    /// The earlier messages, if the caller keeps the conversation. If empty, they are read from the record.
    pub history: Vec<Utterance>,
    /// How many of the earlier messages, the first ones, are not recorded with the answer: they belong to another
    /// conversation, which may be erased before this one.
    pub n_unrecorded: usize,
    /// The reply's language as a BCP 47 tag; by default the question's. Quotations keep their language.
    pub language: Option<String>,
    /// Requests with the same key get the same answer.
    pub idempotency_key: Option<String>,
    /// Settings that replace the workspace's for this question.
    pub tuning: Tuning,
    /// The level of confidence for this question; `None`: the workspace's. A question with a level of its own takes no
    /// part in experiments.
    pub level: Option<Level>,
    /// The highest strategy allowed.
    pub ceiling: Strategy,
    /// The time limit of the reply. If it passes, the answer is what is ready, or a refusal with the reason `deadline`.
    pub deadline: Option<Duration>,
}

impl Question {
    /// Parses a question without conversation, asked by an anonymous caller.
    ///
    /// # Errors
    /// [`InvalidQuestion`] if the text is empty or too long.
    pub fn parse(text: &str) -> Result<Self, InvalidQuestion> {
        Ok(Self {
            text: QuestionText::parse(text)?,
            filter: Filter::default(),
            limit: 10,
            conversation_id: None,
            customer_id: None,
            history: Vec::new(),
            n_unrecorded: 0,
            language: None,
            idempotency_key: None,
            tuning: Tuning::default(),
            level: None,
            ceiling: Strategy::Generated,
            deadline: None,
        })
    }
}

/// Progress of an answer, sent while it is being generated.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The passages that a model is about to word, as whole citations.
    Evidence(Vec<Citation>),
    /// A verified sentence, with those of its citations that are new.
    Delta(Sentence, Vec<Citation>),
    /// Discards all sentences so far: the model's text was incomplete.
    Restart,
}

impl Event {
    fn evidence(evidence: &[Evidence]) -> Self {
        let passages = (1..).zip(evidence.iter().take(generate::MAX_EVIDENCE));
        let whole = |e: &Evidence| Span::new(0, e.chunk.text.len());
        Event::Evidence(
            passages
                .filter_map(|(number, e)| compose::quote_of(e, whole(e), number))
                .collect(),
        )
    }
}

/// How many earlier turns (of two utterances each) are read from the record.
const RECENT_TURNS: i64 = 6;
/// Answers questions from a workspace's knowledge.
#[derive(Clone)]
pub struct Answerer {
    store: Store,
    retriever: Retriever,
    embedder: Embedder,
    admission: Arc<Admission>,
    reader: Option<Reader>,
    llm: Option<Llm>,
    gazetteers: gazetteer_cache::GazetteerCache,
    settings: SettingsCache,
    turns: conversation_locks::ConversationLocks,
    cache: AnswerCache,
}

/// An answer with its evidence, for explanation and evaluation.
#[derive(Debug, Clone)]
pub struct ExplainedAnswer {
    /// The answer.
    pub answer: Answer,
    /// The evidence for the first question; empty if the answer was recorded or cached earlier.
    pub evidence: Vec<Evidence>,
    /// The admission features of the first question.
    pub features: Features,
    /// The conflicts that a person has to resolve before this can be answered.
    pub reviews: Vec<Review>,
    /// How the answer came about: a JSON array with one entry per question.
    pub trace: Arc<str>,
}

/// The answers to a question at the threshold in force and at each level.
#[derive(Debug, Clone)]
pub struct AnswersByLevel {
    /// The answer that the workspace gives.
    pub explained: ExplainedAnswer,
    /// The answer of each level, strictest first.
    pub by_level: Vec<(Level, Answer)>,
}

/// A message, split into its questions.
struct Message {
    language: Language,
    tuning: Tuning,
    min_confidence: f32,
    /// The questions in the customer's words, each with its understanding.
    questions: Vec<(String, UnderstoodQuestion)>,
    settings: Arc<AnswerSettings>,
    redactor: Redactor,
}

impl Message {
    /// Returns the questions for the pipeline. `vector` and `events` count for a single question only.
    fn sub_questions<'a>(
        &'a self,
        question: &Question,
        mut vector: Option<Vec<f32>>,
        deadline: Option<Instant>,
        events: Option<&'a mpsc::UnboundedSender<Event>>,
    ) -> Result<Vec<SubQuestion<'a>>, AnswerError> {
        let is_one = self.questions.len() == 1;
        let mut asked = Vec::with_capacity(self.questions.len());
        for (text, understood) in &self.questions {
            let search_text = QuestionText::parse(&understood.search_text)?;
            let mut query = Query::of(search_text)
                .with_limit(question.limit)
                .with_filter(question.filter.clone());
            query.tuning = self.tuning;
            asked.push(SubQuestion {
                text,
                query,
                about: understood.about.clone(),
                language: self.language,
                ceiling: question.ceiling,
                min_confidence: self.min_confidence,
                deadline,
                vector: vector.take().filter(|_| is_one),
                events: events.filter(|_| is_one),
            });
        }
        Ok(asked)
    }
}

impl Answerer {
    /// Joins the parts of an answerer. Without a reader, search scores decide; without a model, answers are quotations.
    pub fn new(
        store: Store,
        retriever: Retriever,
        embedder: Embedder,
        admission: Admission,
        reader: Option<Reader>,
        llm: Option<Llm>,
    ) -> Self {
        if let Some(reader) = &reader
            && reader.version() != admission.fitted_with()
        {
            tracing::warn!(
                reader = reader.version(),
                fitted_with = admission.fitted_with(),
                "admission model fitted with another reader; run `ken calibrate`"
            );
        }
        Self {
            gazetteers: gazetteer_cache::GazetteerCache::new(store.clone()),
            settings: SettingsCache::new(store.clone()),
            store,
            retriever,
            embedder,
            admission: Arc::new(admission.reading(reader.is_some())),
            reader,
            llm,
            turns: conversation_locks::ConversationLocks::default(),
            cache: AnswerCache::new(0),
        }
    }

    /// Caches up to `n_answers` answers. A cached answer is used as long as everything it depends on is unchanged.
    pub fn with_cache(self, n_answers: usize) -> Self {
        let cache = AnswerCache::new(n_answers);
        Self { cache, ..self }
    }

    /// Returns an answerer that searches with another retriever and starts with an empty cache.
    pub fn with_retriever(&self, retriever: Retriever) -> Self {
        Self {
            retriever,
            cache: AnswerCache::new(0),
            ..self.clone()
        }
    }

    /// Answers a message without recording it. `vector` is the question's vector if it is known already.
    ///
    /// # Errors
    /// [`AnswerError`] if the search or the store fails.
    pub async fn reply(
        &self,
        workspace: &WorkspaceId,
        question: &Question,
        history: &[Utterance],
        vector: Option<Vec<f32>>,
    ) -> Result<ExplainedAnswer, AnswerError> {
        self.reply_until(workspace, question, history, vector, None, None)
            .await
    }

    /// Answers a question without history as [`Self::reply`] does, and as each level would answer it. All answers come
    /// from one search and one reading; a language model may reword the first one only.
    ///
    /// # Errors
    /// [`AnswerError`] if the search or the store fails.
    pub async fn reply_at_each_level(
        &self,
        workspace: &WorkspaceId,
        question: &Question,
    ) -> Result<AnswersByLevel, AnswerError> {
        let start = Instant::now();
        if let Some(courtesy) = self.courtesy(workspace, question).await? {
            let same = |level| (level, courtesy.answer.clone());
            return Ok(AnswersByLevel {
                by_level: Level::ALL.map(same).into(),
                explained: courtesy,
            });
        }
        let message = self.parse_message(workspace, question, &[]).await?;
        let levels = Level::ALL.map(|level| self.admission.min_confidence(Some(level)));
        let thresholds: Vec<f32> = std::iter::once(message.min_confidence)
            .chain(levels)
            .collect();
        let pipeline = self.pipeline(&message.settings, &message.redactor);
        let sub_questions = message.sub_questions(question, None, None, None)?;
        let answers = sub_questions
            .into_iter()
            .map(|asked| pipeline.answer_at_each(workspace, asked, &thresholds));
        let answers = futures_util::future::try_join_all(answers).await?;
        let mut answers: Vec<_> = answers.into_iter().map(Vec::into_iter).collect();
        let mut next = || {
            let of_threshold = answers.iter_mut().filter_map(Iterator::next).collect();
            finish(question, message.language, of_threshold, start)
        };
        Ok(AnswersByLevel {
            explained: next(),
            by_level: Level::ALL.map(|level| (level, next().answer)).into(),
        })
    }

    async fn reply_until(
        &self,
        workspace: &WorkspaceId,
        question: &Question,
        history: &[Utterance],
        vector: Option<Vec<f32>>,
        until: Option<Instant>,
        events: Option<&mpsc::UnboundedSender<Event>>,
    ) -> Result<ExplainedAnswer, AnswerError> {
        let start = Instant::now();
        if let Some(courtesy) = self.courtesy(workspace, question).await? {
            return Ok(courtesy);
        }
        let message = self.parse_message(workspace, question, history).await?;
        let pipeline = self.pipeline(&message.settings, &message.redactor);
        let sub_questions = message.sub_questions(question, vector, until, events)?;
        let answers = sub_questions
            .into_iter()
            .map(|asked| pipeline.answer(workspace, asked));
        let replies = futures_util::future::try_join_all(answers).await?;
        Ok(finish(question, message.language, replies, start))
    }

    /// Returns the answer to a message that asks nothing of the knowledge; `None` for a question.
    async fn courtesy(
        &self,
        workspace: &WorkspaceId,
        question: &Question,
    ) -> Result<Option<ExplainedAnswer>, AnswerError> {
        let start = Instant::now();
        let Some(kind) = understand::courtesy(&question.text) else {
            return Ok(None);
        };
        // `How do I reach a person?` may be a question that an FAQ answers.
        let faq = match kind {
            understand::Courtesy::AsksForPerson => self.identical_faq(workspace, question).await?,
            _ => None,
        };
        let language = reply_language(&question.text, question.language.as_deref());
        Ok(Some(faq.unwrap_or_else(|| {
            courtesy_reply(question, language, kind, start)
        })))
    }

    /// Splits a message into its questions, and collects what their answers depend on.
    async fn parse_message(
        &self,
        workspace: &WorkspaceId,
        question: &Question,
        history: &[Utterance],
    ) -> Result<Message, AnswerError> {
        let settings = self.settings.of(workspace).await?;
        let redactor = match &self.llm {
            None => Redactor::default(),
            Some(_) => Redactor::new(&self.store.patterns(workspace).await?).unwrap_or_default(),
        };
        let names = self.names(workspace, history).await?;
        Ok(Message {
            language: reply_language(&question.text, question.language.as_deref()),
            tuning: question.tuning.or(settings.tuning),
            min_confidence: self.threshold(question.level, question.tuning, &settings),
            questions: understand::questions(&question.text, history, &names),
            settings,
            redactor,
        })
    }

    /// Returns the least confidence for answering a question: by the question's own level, else by an experiment, by the
    /// workspace's level, by what was learned, or by the configuration.
    fn threshold(&self, level: Option<Level>, tuning: Tuning, settings: &AnswerSettings) -> f32 {
        if level.is_some() {
            return self.admission.min_confidence(level);
        }
        // A learned threshold counts only if the workspace has not chosen a level.
        let learned = tuning.or(settings.tuning).min_confidence;
        learned
            .filter(|_| settings.level.is_none() || tuning.min_confidence.is_some())
            .unwrap_or_else(|| self.admission.min_confidence(settings.level))
    }

    /// Returns a workspace's level, or the service's if it has chosen none, and the least confidence for answering in
    /// force.
    pub async fn threshold_in_force(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<(Level, f32), StoreError> {
        let settings = self.settings.of(workspace).await?;
        let min_confidence = self.threshold(None, Tuning::default(), &settings);
        Ok((self.admission.level(settings.level), min_confidence))
    }

    /// Returns the version of the reader, or `None` without one.
    pub fn reader_version(&self) -> Option<&str> {
        self.reader.as_ref().map(Reader::version)
    }

    /// Returns the reader, or `None` without one.
    pub fn reader(&self) -> Option<&Reader> {
        self.reader.as_ref()
    }

    /// Returns whether a chat server is configured, so that extractive answers can be reworded.
    pub fn has_llm(&self) -> bool {
        self.llm.is_some()
    }

    /// Returns whether the configured chat server was unreachable at the last request.
    pub fn llm_is_unavailable(&self) -> bool {
        self.llm.as_ref().is_some_and(Llm::is_unavailable)
    }

    /// Drops everything cached for a workspace.
    pub fn forget_workspace(&self, workspace: &WorkspaceId) {
        self.settings.invalidate(workspace);
        self.gazetteers.invalidate(workspace);
        self.clear_cache();
    }

    /// Returns the vector of a single question; `None` if the message has several questions or none.
    pub async fn vector_of(&self, question: &Question) -> Result<Option<Vec<f32>>, AnswerError> {
        let Some(normalized) = self.normalized(question) else {
            return Ok(None);
        };
        let vector = self.embedder.embed_question(&normalized).await;
        Ok(Some(vector.map_err(RetrieveError::from)?))
    }

    /// Returns the text that is encoded for a single question; `None` if the message has several questions or none.
    pub fn normalized(&self, question: &Question) -> Option<String> {
        let parts = understand::split_questions(&question.text);
        match &parts[..] {
            [only] if understand::courtesy(only).is_none() => Some(self.retriever.normalized(only)),
            _ => None,
        }
    }

    /// Rewrites a follow-up so that it can be searched for on its own. Without a history the question is unchanged.
    pub async fn understand(
        &self,
        workspace: &WorkspaceId,
        question: &str,
        history: &[Utterance],
    ) -> Result<UnderstoodQuestion, AnswerError> {
        let names = self.names(workspace, history).await?;
        Ok(understand(question, history, &names))
    }

    /// Searches for an understood question and raises the documents that it is about. Best first, at most the query's
    /// limit.
    pub async fn find(
        &self,
        workspace: &WorkspaceId,
        query: &Query,
        understood: &UnderstoodQuestion,
        vector: Option<Vec<f32>>,
    ) -> Result<(Retrieved, Vec<Evidence>), AnswerError> {
        Ok(find(&self.retriever, workspace, query, &understood.about, vector).await?)
    }

    /// Reads a question with the first of its evidence, as an answer would. Returns nothing without a reader or if it
    /// failed.
    pub async fn read(
        &self,
        question: &str,
        term_weights: &[(String, f32)],
        evidence: &[Evidence],
    ) -> Vec<Reading> {
        let Some(reader) = &self.reader else {
            return Vec::new();
        };
        let passages: Vec<Passage> = evidence
            .iter()
            .take(MAX_PASSAGES)
            .map(Passage::read)
            .collect();
        let read = read(
            reader,
            (&self.admission, self.min_confidence()),
            question,
            term_weights,
            evidence,
            &passages,
            None,
        );
        read.await.unwrap_or_else(|error| {
            tracing::warn!(%error, "reader unavailable; keeping search order");
            Vec::new()
        })
    }

    /// Finds the passages for a question, of those that `keep` accepts, each with the estimated probability that it
    /// answers. `most` is the maximum number, the question's `limit` how many are searched. Neither the history nor the
    /// level counts, and nothing is recorded.
    ///
    /// # Errors
    /// [`AnswerError`] if the search or the store fails.
    pub async fn passages(
        &self,
        workspace: &WorkspaceId,
        question: &Question,
        most: usize,
        keep: impl Fn(&Evidence) -> bool + Send,
    ) -> Result<Vec<ScoredPassage>, AnswerError> {
        let settings = self.settings.of(workspace).await?;
        let mut asked = standalone(question);
        asked.query.tuning = question.tuning.or(settings.tuning);
        let redactor = Redactor::default();
        let pipeline = self.pipeline(&settings, &redactor);
        pipeline.passages(workspace, asked, most, keep).await
    }

    async fn names(
        &self,
        workspace: &WorkspaceId,
        history: &[Utterance],
    ) -> Result<Arc<Gazetteer>, StoreError> {
        match history.is_empty() {
            true => Ok(Arc::default()),
            false => self.gazetteers.of(workspace).await,
        }
    }

    /// Returns the answer of an FAQ with the same question, word for word, found without the encoder.
    async fn identical_faq(
        &self,
        workspace: &WorkspaceId,
        question: &Question,
    ) -> Result<Option<ExplainedAnswer>, AnswerError> {
        let start = Instant::now();
        let language = reply_language(&question.text, question.language.as_deref());
        let settings = self.settings.of(workspace).await?;
        let asked = standalone(question);
        let redactor = Redactor::default();
        let pipeline = Pipeline {
            llm: None,
            ..self.pipeline(&settings, &redactor)
        };
        let answer = pipeline.identical_faq(workspace, asked).await?;
        Ok(answer.map(|answer| finish(question, language, vec![answer], start)))
    }

    fn pipeline<'a>(
        &'a self,
        settings: &'a AnswerSettings,
        redactor: &'a Redactor,
    ) -> Pipeline<'a> {
        Pipeline {
            retriever: &self.retriever,
            admission: &self.admission,
            reader: self.reader.as_ref(),
            llm: self.llm.as_ref(),
            distrusted: &settings.distrusted,
            redactor,
        }
    }
}

/// Returns a message as one question without history, for what composes no new text.
fn standalone(question: &Question) -> SubQuestion<'_> {
    SubQuestion {
        text: &question.text,
        query: Query::of(question.text.clone())
            .with_limit(question.limit)
            .with_filter(question.filter.clone()),
        about: DocumentBoosts::default(),
        language: reply_language(&question.text, question.language.as_deref()),
        ceiling: Strategy::Standard,
        min_confidence: 1.0,
        deadline: None,
        vector: None,
        events: None,
    }
}
