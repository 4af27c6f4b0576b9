//! A message → a grounded [`Answer`], in one straight line: understand, retrieve, admit, compose, verify, record.
//!
//! Whether a question may be answered is decided from evidence before anything is worded, and what is worded
//! leaves only with citations that resolve. [`part`] is the line for one question; this file is what is around it: the
//! conversation, several questions in one message, deadlines, the record.

mod admit;
mod catalogue;
mod compose;
mod expects;
mod generate;
mod guard;
mod part;
mod phrases;
mod premise;
mod record;
pub mod render;
mod script;
mod settle;
mod turns;
mod understand;
mod verify;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use uuid::Uuid;

use crate::domain::{
    Answer, Citation, Evidence, Filter, InvalidQuestion, Mode, Outcome, Query, Review, Revision,
    Sentence, Span, Strategy, Timings, Utterance, WorkspaceId,
};
use crate::embed::Embedder;
use crate::llm::Llm;
use crate::retrieve::{RetrieveError, Retrieved, Retriever};
use crate::store::{Store, StoreError};
use crate::text::{Language, fold};

pub use admit::{
    Admission, CLIP, Decision, FEATURES, Features, Model, ModelError, N_FEATURES, Verdict, Weight,
};
pub use compose::Draft;
use part::{Asked, Line, PartReply, elapsed_ms};
pub use record::{Logged, Request};
pub use understand::{Names, Understood, reply_language, understand};

/// A question that got no answer, not even a refusal.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    #[error(transparent)]
    Question(#[from] InvalidQuestion),
    #[error(transparent)]
    Retrieve(#[from] RetrieveError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the idempotency key was used for another question")]
    KeyReused,
}

/// What is asked, with where and for whom.
#[derive(Debug, Clone)]
pub struct Question {
    pub text: String,
    pub filter: Filter,
    /// How many chunks may serve as evidence, 1 to 100.
    pub limit: usize,
    pub conversation_id: Option<String>,
    /// Kept with the turn; it does not change the answer.
    pub customer_id: Option<String>,
    /// What was said before, where the caller keeps the conversation; else it is read from the record.
    pub history: Vec<Utterance>,
    /// The reply's language as a BCP 47 tag; the question's where absent. Quotations stay in their own.
    pub language: Option<String>,
    pub idempotency_key: Option<String>,
    /// The highest rung allowed.
    pub ceiling: Strategy,
    /// How long the reply may take; what is ready then is said, a refusal with the reason `deadline` where nothing is.
    pub deadline: Option<Duration>,
}

impl Default for Question {
    fn default() -> Self {
        Self {
            text: String::new(),
            filter: Filter::default(),
            limit: 10,
            conversation_id: None,
            customer_id: None,
            history: Vec::new(),
            language: None,
            idempotency_key: None,
            ceiling: Strategy::Generated,
            deadline: None,
        }
    }
}

/// What is told of an answer while it is made.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// What a model is about to word, whole passages as citations.
    Evidence(Vec<Citation>),
    /// A sentence that holds.
    Delta(Sentence),
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

/// How many earlier utterances are read from the record.
const RECENT_TURNS: i64 = 6;
/// What is kept of a deadline for looking up an FAQ by its question, where the search takes too long.
const RESERVE: Duration = Duration::from_millis(25);

/// Answers questions from a workspace's knowledge.
#[derive(Clone)]
pub struct Answerer {
    store: Store,
    retriever: Retriever,
    embedder: Embedder,
    admission: Arc<Admission>,
    llm: Option<Llm>,
    catalogue: catalogue::Catalogue,
    turns: turns::Turns,
}

/// An answer with what it was made from, for explanation and evaluation.
#[derive(Debug, Clone)]
pub struct Explained {
    pub answer: Answer,
    /// Of the first question, where there were several.
    pub evidence: Vec<Evidence>,
    pub features: Features,
    /// What a person has to settle before this can be answered.
    pub reviews: Vec<Review>,
    /// How it came about, as JSON for whoever has to explain it.
    pub trace: serde_json::Value,
}

impl Answerer {
    pub fn new(
        store: Store,
        retriever: Retriever,
        embedder: Embedder,
        admission: Admission,
        llm: Option<Llm>,
    ) -> Self {
        Self {
            catalogue: catalogue::Catalogue::new(store.clone()),
            store,
            retriever,
            embedder,
            admission: Arc::new(admission),
            llm,
            turns: turns::Turns::default(),
        }
    }

    /// Answers and records the turn. Finding no evidence is an answer (a refusal), not an error. Turns of one
    /// conversation are answered one after another, in the order in which they came.
    pub async fn answer(
        &self,
        workspace: &WorkspaceId,
        question: Question,
        events: Option<&mpsc::UnboundedSender<Event>>,
    ) -> Result<Explained, AnswerError> {
        let start = Instant::now();
        let _turn = match &question.conversation_id {
            Some(conversation) => Some(self.turns.wait(workspace, conversation).await),
            None => None,
        };
        if let Some(given) = self.given_before(workspace, &question).await? {
            return Ok(given);
        }
        let history = self.history(workspace, &question).await?;
        let until = question.deadline.map(|deadline| start + deadline);
        let reserve =
            |until: Instant| RESERVE.min(until.saturating_duration_since(Instant::now()) / 4);
        let reply_by = until.map(|until| until - reserve(until));
        let reply = self.reply_until(workspace, &question, &history, None, reply_by, events);
        let mut explained = match until.zip(reply_by) {
            None => reply.await?,
            Some((until, reply_by)) => {
                match tokio::time::timeout_at(reply_by.into(), reply).await {
                    Ok(explained) => explained?,
                    Err(_) => {
                        let standard = self.by_words(workspace, &question);
                        let standard = tokio::time::timeout_at(until.into(), standard).await;
                        let explained = standard.ok().transpose()?.flatten();
                        explained.unwrap_or_else(|| out_of_time(&question, start))
                    }
                }
            }
        };
        explained.answer.id = format!("ans_{}", Uuid::now_v7().simple());
        explained.answer.timings_ms.total = elapsed_ms(start);
        let recorded = self
            .record(workspace, &question, &history, &explained)
            .await?;
        match recorded {
            true => Ok(explained),
            // Another request with the same key was quicker: its answer is the answer.
            false => self
                .given_before(workspace, &question)
                .await?
                .ok_or(AnswerError::KeyReused),
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
        // Refuses what is no question before anything else.
        Query::parse(&question.text, question.limit)?;
        let language = reply_language(&question.text, question.language.as_deref());
        if let Some(kind) = understand::courtesy(&question.text) {
            return Ok(courteous(question, language, kind, start));
        }
        let level = self.store.level(workspace).await?;
        let min_confidence = self.admission.min_confidence(level);
        let names = self.names(workspace, history).await?;
        let parts = understand::parts(&question.text);
        let is_one = parts.len() == 1;
        let mut before = history.to_vec();
        let mut asked = Vec::new();
        for text in &parts {
            // A later question of one message mostly stands alone; what it may lean on is the question before it.
            let leans = before.len() > history.len() && understand::leans(text);
            let context = if leans { &before } else { history };
            let understood = understand(text, context, &names);
            before.push(Utterance {
                role: crate::domain::Role::User,
                text: text.clone(),
            });
            let query = Query::parse(&understood.search_text, question.limit)?
                .with_filter(question.filter.clone());
            asked.push(Asked {
                text,
                query,
                about: understood.about,
                language,
                ceiling: question.ceiling,
                until,
                vector: vector.take().filter(|_| is_one),
                events: events.filter(|_| is_one),
            });
        }
        let line = Line {
            retriever: &self.retriever,
            admission: &self.admission,
            embedder: &self.embedder,
            llm: self.llm.as_ref(),
        };
        let replies = asked
            .into_iter()
            .map(|asked| line.reply(workspace, min_confidence, asked));
        let replies = futures_util::future::try_join_all(replies).await?;
        Ok(finish(question, language, replies, start))
    }

    /// The vector of a question that stands alone; `None` where it is several, or none at all.
    pub async fn vector_of(&self, question: &Question) -> Result<Option<Vec<f32>>, AnswerError> {
        let parts = understand::parts(&question.text);
        let [only] = &parts[..] else {
            return Ok(None);
        };
        if understand::courtesy(only).is_some() {
            return Ok(None);
        }
        let worded = self.retriever.worded(only);
        let vector = self.embedder.embed_question(&worded).await;
        Ok(Some(vector.map_err(RetrieveError::from)?))
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
        Ok(part::find(&self.retriever, workspace, query, &understood.about, vector).await?)
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

    /// An FAQ's answer where the question is one of its own, word for word, found without the encoder.
    async fn by_words(
        &self,
        workspace: &WorkspaceId,
        question: &Question,
    ) -> Result<Option<Explained>, AnswerError> {
        let start = Instant::now();
        let language = reply_language(&question.text, question.language.as_deref());
        let query = Query::parse(&question.text, question.limit)?
            .with_filter(question.filter.clone())
            .with_mode(Mode::Keyword);
        let query = self.retriever.timed(query);
        let found = self.retriever.retrieve(workspace, &query).await?;
        let evidence = self
            .retriever
            .load_evidence(workspace, &query, &found.hits)
            .await?;
        let letters =
            |text: &str| -> String { fold(text).chars().filter(|c| c.is_alphanumeric()).collect() };
        let asked = letters(&question.text);
        let is_asked = |e: &Evidence| {
            let note = e.chunk.note.question.as_deref();
            let mut questions = e.metadata.questions.iter().map(String::as_str).chain(note);
            questions.any(|known| letters(known) == asked)
        };
        let evidence = settle::prefer_specific(evidence, &query.filter, language);
        let Some(at) = evidence.iter().position(is_asked) else {
            return Ok(None);
        };
        let evidence = vec![evidence[at].clone()];
        let draft = compose::compose(&question.text, &found.term_weights, &evidence);
        let (draft, rejected) = verify::verify(script::in_script(draft, language), &evidence);
        let reply = PartReply {
            text: question.text.clone(),
            search_text: question.text.clone(),
            draft,
            verdict: Verdict {
                decision: Decision::Answer,
                confidence: 1.0,
            },
            features: Features::default(),
            evidence,
            suggestions: Vec::new(),
            review: None,
            rejected,
            notes: vec!["deadline"],
            usage: None,
            revision: found.revision,
            timings: found.timings,
        };
        Ok(Some(finish(question, language, vec![reply], start)))
    }
}

/// An answer without a word from the knowledge.
fn plain(
    question: &Question,
    language: Language,
    outcome: Outcome,
    text: &str,
    start: Instant,
) -> Explained {
    let answer = Answer {
        id: String::new(),
        outcome,
        text: text.to_owned(),
        language: language.tag().to_owned(),
        strategy: Strategy::None,
        confidence: 0.0,
        sentences: Vec::new(),
        citations: Vec::new(),
        suggestions: Vec::new(),
        reason: None,
        notes: Vec::new(),
        conversation_id: question.conversation_id.clone(),
        revision: 0,
        timings_ms: Timings {
            total: elapsed_ms(start),
            ..Timings::default()
        },
    };
    Explained {
        answer,
        evidence: Vec::new(),
        features: Features::default(),
        reviews: Vec::new(),
        trace: serde_json::Value::Array(Vec::new()),
    }
}

fn courteous(
    question: &Question,
    language: Language,
    kind: understand::Courtesy,
    start: Instant,
) -> Explained {
    let outcome = match kind {
        understand::Courtesy::AsksForPerson => Outcome::Handoff,
        _ => Outcome::Answered,
    };
    let mut explained = plain(
        question,
        language,
        outcome,
        phrases::courtesy(language, kind),
        start,
    );
    explained.answer.reason = Some(kind.reason().to_owned());
    explained.answer.confidence = 1.0;
    explained
}

/// The reply where the deadline passed before there was one.
fn out_of_time(question: &Question, start: Instant) -> Explained {
    let language = reply_language(&question.text, question.language.as_deref());
    let text = phrases::refusal(language);
    let mut explained = plain(question, language, Outcome::Refused, text, start);
    explained.answer.reason = Some("deadline".to_owned());
    explained
}

/// Puts the answer to a message together from the replies to its questions.
fn finish(
    question: &Question,
    language: Language,
    replies: Vec<PartReply>,
    start: Instant,
) -> Explained {
    let trace = serde_json::json!(replies.iter().map(PartReply::trace).collect::<Vec<_>>());
    let is_one = replies.len() == 1;
    let mut explained = plain(question, language, Outcome::Refused, "", start);
    let answer = &mut explained.answer;
    let n_answered = replies.iter().filter(|reply| reply.is_answered()).count();
    let mut texts: Vec<String> = Vec::new();
    let mut whole = Draft::default();
    let revisions: Vec<Revision> = replies.iter().map(|reply| reply.revision).collect();
    for (i, reply) in replies.into_iter().enumerate() {
        let (outcome, text, reason) =
            reply.outcome(language, (!is_one && n_answered > 0).then_some(i + 1));
        if i == 0 || rank(outcome) > rank(answer.outcome) {
            (answer.outcome, answer.reason) = (outcome, reason.map(str::to_owned));
            answer.strategy = reply.draft.strategy;
        }
        answer.confidence = match i {
            0 => reply.verdict.confidence,
            _ => answer.confidence.min(reply.verdict.confidence),
        };
        if !texts.contains(&text) {
            texts.push(text);
        }
        whole.append(reply.draft);
        answer.suggestions.extend(reply.suggestions);
        answer
            .notes
            .extend(reply.notes.iter().map(|note| (*note).to_owned()));
        add(&mut answer.timings_ms, &reply.timings);
        explained.reviews.extend(reply.review);
        if i == 0 {
            explained.evidence = reply.evidence;
            explained.features = reply.features;
        }
    }
    if n_answered > 0 && n_answered < revisions.len() {
        answer.notes.push("partly_answered".to_owned());
    }
    answer.text = texts.join("\n\n");
    (answer.sentences, answer.citations) = (whole.sentences, whole.citations);
    answer.revision = revisions.into_iter().min().unwrap_or_default();
    answer.timings_ms.total = elapsed_ms(start);
    explained.trace = trace;
    explained
}

/// Of several questions in one message, the outcome that counts.
fn rank(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Refused => 0,
        Outcome::Clarify => 1,
        Outcome::Handoff => 2,
        Outcome::Answered => 3,
    }
}

/// Several questions run side by side: each stage takes as long as its slowest.
fn add(all: &mut Timings, part: &Timings) {
    for (sum, ms) in [
        (&mut all.embed, part.embed),
        (&mut all.keyword, part.keyword),
        (&mut all.vector, part.vector),
        (&mut all.fuse, part.fuse),
        (&mut all.rerank, part.rerank),
        (&mut all.load, part.load),
        (&mut all.admit, part.admit),
        (&mut all.compose, part.compose),
        (&mut all.generate, part.generate),
    ] {
        *sum = sum.max(ms);
    }
}

impl PartReply {
    fn is_answered(&self) -> bool {
        !self.draft.sentences.is_empty()
    }

    /// What is decided, what is said, and why it is no answer. `number`: which question it is, where others are answered.
    fn outcome(
        &self,
        language: Language,
        number: Option<usize>,
    ) -> (Outcome, String, Option<&'static str>) {
        if self.review.is_some() {
            let text = phrases::contradiction(language).to_owned();
            return (Outcome::Handoff, text, Some("conflicting_evidence"));
        }
        if !self.suggestions.is_empty() {
            let text = phrases::which(language).to_owned();
            return (Outcome::Clarify, text, Some("ambiguous"));
        }
        if self.is_answered() {
            return (Outcome::Answered, self.draft.text.clone(), None);
        }
        let reason = match self.verdict.decision {
            Decision::Answer => "no_supported_sentence",
            Decision::Refuse if self.evidence.is_empty() => "no_evidence",
            Decision::Refuse => "weak_evidence",
        };
        let text = match number {
            None => phrases::refusal(language).to_owned(),
            Some(number) => phrases::unanswered_part(language, number),
        };
        (Outcome::Refused, text, Some(reason))
    }
}
