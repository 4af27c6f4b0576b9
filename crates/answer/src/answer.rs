//! A message → a grounded [`Answer`], in one straight line: understand, retrieve, admit, compose, verify, record.
//!
//! Whether a question may be answered is decided from evidence before anything is worded, and what is worded
//! leaves only with citations that resolve. `pipeline` answers one question; this file is a message of one or several;
//! `turn` is what stands around a message: order, idempotency, history, experiments, kept answers, deadline, record.

mod admit;
mod assemble;
mod candidates;
mod catalogue;
mod compose;
mod designation;
mod expects;
mod generate;
mod guard;
mod kept;
mod passage;
mod phrases;
mod pipeline;
mod premise;
mod record;
pub mod render;
mod rules;
mod script;
mod settle;
mod siblings;
mod trial;
mod turn;
mod turns;
mod understand;
mod verify;
mod window;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::llm::Llm;
use ken_base::domain::{
    Answer, Citation, Evidence, Filter, InvalidQuestion, Query, QuestionText, Review, Sentence,
    Span, Strategy, Tuning, Utterance, WorkspaceId,
};
use ken_search::embed::Embedder;
use ken_search::reader::{Reader, Reading};
use ken_search::retrieve::{RetrieveError, Retrieved, Retriever};
use ken_store::store::{Store, StoreError};
use ken_text::redact::Redactor;

pub use admit::{
    Admission, CLIP, Decision, FEATURES, Features, Model, ModelError, N_FEATURES, ReadingModel,
    Verdict, Weight, least_of,
};
use assemble::{courteous, finish};
use candidates::{READ, read};
pub use candidates::{best_logit, lead, to_front};
pub use compose::Draft;
use kept::KeptAnswers;
pub use passage::Passage;
use pipeline::{Pipeline, SubQuestion, elapsed_ms, find};
pub use record::{Logged, Request};
pub use rules::{RuleBook, Rules};
pub use script::stands_in;
use understand::Lifts;
pub use understand::{Names, Understood, reply_language, understand};
pub use verify::Rejected;

/// A question that got no answer, not even a refusal.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    #[error(transparent)]
    Question(#[from] InvalidQuestion),
    #[error(transparent)]
    Retrieve(#[from] RetrieveError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the idempotency key was already used with a different question")]
    KeyReused,
}

/// What is asked, with where and for whom.
#[derive(Debug, Clone)]
pub struct Question {
    pub text: QuestionText,
    pub filter: Filter,
    /// How many chunks may serve as evidence, 1 to 100; beyond it, it is cut.
    pub limit: usize,
    pub conversation_id: Option<String>,
    /// Kept with the turn; it does not change the answer.
    pub customer_id: Option<String>,
    /// What was said before, where the caller keeps the conversation; else it is read from the record.
    pub history: Vec<Utterance>,
    /// The reply's language as a BCP 47 tag; the question's where absent. Quotations stay in their own.
    pub language: Option<String>,
    pub idempotency_key: Option<String>,
    /// Where it is to be answered by other settings than the workspace's.
    pub tuning: Tuning,
    /// The highest rung allowed.
    pub ceiling: Strategy,
    /// How long the reply may take; what is ready then is said, a refusal with the reason `deadline` where nothing is.
    pub deadline: Option<Duration>,
}

impl Question {
    /// A question that stands alone, asked by anyone.
    pub fn parse(text: &str) -> Result<Self, InvalidQuestion> {
        Ok(Self {
            text: QuestionText::parse(text)?,
            filter: Filter::default(),
            limit: 10,
            conversation_id: None,
            customer_id: None,
            history: Vec::new(),
            language: None,
            idempotency_key: None,
            tuning: Tuning::default(),
            ceiling: Strategy::Generated,
            deadline: None,
        })
    }
}

/// What is told of an answer while it is made.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// What a model is about to word, whole passages as citations.
    Evidence(Vec<Citation>),
    /// A sentence that holds, with those of its citations that are new.
    Delta(Sentence, Vec<Citation>),
    /// Forget the sentences so far: the model's text did not come whole.
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

/// How many earlier turns, of two utterances each, are read from the record.
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
    catalogue: catalogue::Catalogue,
    rules: RuleBook,
    turns: turns::Turns,
    kept: KeptAnswers,
}

/// An answer with what it was made from, for explanation and evaluation.
#[derive(Debug, Clone)]
pub struct Explained {
    pub answer: Answer,
    /// Of the first question, where there were several; empty where an answer is given once more.
    pub evidence: Vec<Evidence>,
    pub features: Features,
    /// What a person has to settle before this can be answered.
    pub reviews: Vec<Review>,
    /// How it came about, of each question: a JSON array for whoever has to explain it.
    pub trace: Arc<str>,
}

impl Answerer {
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
            catalogue: catalogue::Catalogue::new(store.clone()),
            rules: RuleBook::new(store.clone()),
            store,
            retriever,
            embedder,
            admission: Arc::new(admission.reading(reader.is_some())),
            reader,
            llm,
            turns: turns::Turns::default(),
            kept: KeptAnswers::new(0),
        }
    }

    /// Keeps so many answers for as long as nothing they rest on changes.
    pub fn keeping(self, n_answers: usize) -> Self {
        let kept = KeptAnswers::new(n_answers);
        Self { kept, ..self }
    }

    /// One that finds what another retriever does.
    pub fn searching(&self, retriever: Retriever) -> Self {
        Self {
            retriever,
            kept: KeptAnswers::new(0),
            ..self.clone()
        }
    }

    /// The straight line without the record. `vector` is the question's, where it is known already.
    pub async fn reply(
        &self,
        workspace: &WorkspaceId,
        question: &Question,
        history: &[Utterance],
        vector: Option<Vec<f32>>,
    ) -> Result<Explained, AnswerError> {
        self.reply_until(workspace, question, history, vector, None, None)
            .await
    }

    async fn reply_until(
        &self,
        workspace: &WorkspaceId,
        question: &Question,
        history: &[Utterance],
        mut vector: Option<Vec<f32>>,
        until: Option<Instant>,
        events: Option<&mpsc::UnboundedSender<Event>>,
    ) -> Result<Explained, AnswerError> {
        let start = Instant::now();
        let language = reply_language(&question.text, question.language.as_deref());
        if let Some(kind) = understand::courtesy(&question.text) {
            // `How do I reach a person?` may be a question that an FAQ answers.
            let faq = match kind {
                understand::Courtesy::AsksForPerson => self.by_words(workspace, question).await?,
                _ => None,
            };
            return Ok(faq.unwrap_or_else(|| courteous(question, language, kind, start)));
        }
        let rules = self.rules.of(workspace).await?;
        let tuning = question.tuning.or(rules.tuning);
        // What was learned counts where the workspace has chosen no level itself.
        let learned = tuning
            .min_confidence
            .filter(|_| rules.level.is_none() || question.tuning.min_confidence.is_some());
        let min_confidence = learned.unwrap_or_else(|| self.admission.min_confidence(rules.level));
        let redactor = match &self.llm {
            None => Redactor::default(),
            Some(_) => Redactor::new(&self.store.patterns(workspace).await?).unwrap_or_default(),
        };
        let names = self.names(workspace, history).await?;
        let questions = understand::questions(&question.text, history, &names);
        let is_one = questions.len() == 1;
        let mut asked = Vec::with_capacity(questions.len());
        for (text, understood) in &questions {
            let search_text = QuestionText::parse(&understood.search_text)?;
            let mut query = Query::of(search_text)
                .with_limit(question.limit)
                .with_filter(question.filter.clone());
            query.tuning = tuning;
            asked.push(SubQuestion {
                text,
                query,
                about: understood.about.clone(),
                language,
                ceiling: question.ceiling,
                min_confidence,
                until,
                vector: vector.take().filter(|_| is_one),
                events: events.filter(|_| is_one),
            });
        }
        let pipeline = self.pipeline(&rules, &redactor);
        let answers = asked
            .into_iter()
            .map(|asked| pipeline.answer(workspace, asked));
        let replies = futures_util::future::try_join_all(answers).await?;
        Ok(finish(question, language, replies, start))
    }

    /// The version of the reader; `None` where nothing reads.
    pub fn reader_version(&self) -> Option<&str> {
        self.reader.as_ref().map(Reader::version)
    }

    /// Whether a chat server words what is not said word for word.
    pub fn has_llm(&self) -> bool {
        self.llm.is_some()
    }

    /// Whether there is a chat server and it was away when it was last asked.
    pub fn llm_is_away(&self) -> bool {
        self.llm.as_ref().is_some_and(Llm::is_away)
    }

    /// Drops what is remembered of a workspace.
    pub fn forget_workspace(&self, workspace: &WorkspaceId) {
        self.rules.forget(workspace);
        self.catalogue.forget(workspace);
        self.forget_kept();
    }

    /// The vector of a question that stands alone; `None` where it is several, or none at all.
    pub async fn vector_of(&self, question: &Question) -> Result<Option<Vec<f32>>, AnswerError> {
        let Some(worded) = self.worded(question) else {
            return Ok(None);
        };
        let vector = self.embedder.embed_question(&worded).await;
        Ok(Some(vector.map_err(RetrieveError::from)?))
    }

    /// What is encoded of a question that stands alone.
    pub fn worded(&self, question: &Question) -> Option<String> {
        let parts = understand::parts(&question.text);
        match &parts[..] {
            [only] if understand::courtesy(only).is_none() => Some(self.retriever.worded(only)),
            _ => None,
        }
    }

    /// What a follow-up searches for; a question without a history stays as it is.
    pub async fn understand(
        &self,
        workspace: &WorkspaceId,
        question: &str,
        history: &[Utterance],
    ) -> Result<Understood, AnswerError> {
        let names = self.names(workspace, history).await?;
        Ok(understand(question, history, &names))
    }

    /// Searches for what was understood, with what it is about lifted. Best first, at most the query's limit.
    pub async fn find(
        &self,
        workspace: &WorkspaceId,
        query: &Query,
        understood: &Understood,
        vector: Option<Vec<f32>>,
    ) -> Result<(Retrieved, Vec<Evidence>), AnswerError> {
        Ok(find(&self.retriever, workspace, query, &understood.about, vector).await?)
    }

    /// Reads a question with the first of what was found for it, as an answer would; empty where nothing reads or the
    /// reader failed.
    pub async fn read(
        &self,
        question: &str,
        term_weights: &[(String, f32)],
        evidence: &[Evidence],
    ) -> Vec<Reading> {
        let Some(reader) = &self.reader else {
            return Vec::new();
        };
        let passages: Vec<Passage> = evidence.iter().take(READ).map(Passage::read).collect();
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

    async fn names(
        &self,
        workspace: &WorkspaceId,
        history: &[Utterance],
    ) -> Result<Arc<Names>, StoreError> {
        match history.is_empty() {
            true => Ok(Arc::default()),
            false => self.catalogue.of(workspace).await,
        }
    }

    /// The answer of an FAQ that asks the same, word for word, found without the encoder.
    async fn by_words(
        &self,
        workspace: &WorkspaceId,
        question: &Question,
    ) -> Result<Option<Explained>, AnswerError> {
        let start = Instant::now();
        let language = reply_language(&question.text, question.language.as_deref());
        let rules = self.rules.of(workspace).await?;
        let query = Query::of(question.text.clone());
        let asked = SubQuestion {
            text: &question.text,
            query: query
                .with_limit(question.limit)
                .with_filter(question.filter.clone()),
            about: Lifts::default(),
            language,
            ceiling: Strategy::Standard,
            min_confidence: 1.0,
            until: None,
            vector: None,
            events: None,
        };
        let redactor = Redactor::default();
        let pipeline = Pipeline {
            llm: None,
            ..self.pipeline(&rules, &redactor)
        };
        let answer = pipeline.identical_faq(workspace, asked).await?;
        Ok(answer.map(|answer| finish(question, language, vec![answer], start)))
    }

    fn pipeline<'a>(&'a self, rules: &'a Rules, redactor: &'a Redactor) -> Pipeline<'a> {
        Pipeline {
            retriever: &self.retriever,
            admission: &self.admission,
            reader: self.reader.as_ref(),
            llm: self.llm.as_ref(),
            distrusted: &rules.distrusted,
            redactor,
        }
    }
}
