//! The impact of a change: which answers it would alter, before it is live.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use ken_answer::answer::{AnswerError, Answerer, Question};
use ken_base::domain::{
    Answer, DocumentId, Filter, InvalidQuestion, JudgedQuestion, Outcome, Source, Status,
    WorkspaceId,
};
use ken_search::embed::Embedder;
use ken_search::retrieve::{Beside, Retriever};
use ken_store::store::{Store, StoreError, Write};
use ken_text::text;

/// The default number of logged questions that are asked besides the judged ones.
pub const LOGGED: i64 = 200;

/// A change that is not live yet.
pub enum Change {
    /// Adds or replaces a document.
    Put(Box<Source>),
    /// Removes a document from all answers.
    Remove(DocumentId),
}

impl Change {
    /// Returns a write as a change of what callers can find.
    pub fn of(write: &Write) -> Self {
        match write {
            Write::Put { source, .. } | Write::Schedule { source, .. } => {
                Change::Put(source.clone())
            }
            Write::Archive(id) | Write::Delete(id) => Change::Remove(id.clone()),
        }
    }

    fn id(&self) -> &DocumentId {
        match self {
            Change::Put(source) => &source.id,
            Change::Remove(id) => id,
        }
    }
}

/// Which answers a change alters.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Impact {
    /// How many judged questions were asked.
    pub n_judged: usize,
    /// How many logged questions were asked.
    pub n_logged: usize,
    /// Judged questions answered correctly now, but not after the change.
    pub broken: Vec<Altered>,
    /// Judged questions answered wrongly now, but correctly after the change.
    pub healed: Vec<Altered>,
    /// Other questions whose answer would change.
    pub changed: Vec<Altered>,
}

/// A question whose answer changes.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = AlteredAnswer)]
pub struct Altered {
    /// Id of the judged question; null for a logged question.
    pub id: Option<String>,
    /// The question.
    pub question: String,
    /// The answer now.
    pub before: Reply,
    /// The answer with the change.
    pub after: Reply,
}

impl Altered {
    /// Returns a message with the question, the answer now and the answer with the change.
    pub fn told(&self) -> String {
        format!(
            "{:?}: answered {:?} now, would be {} with {:?}",
            self.question,
            self.before.text,
            self.after.outcome.as_str(),
            self.after.text
        )
    }
}

/// What of an answer counts here.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = ImpactReply)]
pub struct Reply {
    /// What is decided.
    pub outcome: Outcome,
    /// The whole reply.
    pub text: String,
    /// The documents that it cites.
    pub document_ids: Vec<String>,
}

/// Why the impact is unknown.
#[derive(Debug, thiserror::Error)]
pub enum ImpactError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A question could not be answered.
    #[error(transparent)]
    Answer(#[from] AnswerError),
}

/// How many changes are tried at a time; the others wait. Each holds the text and the vectors of its chunks in memory, some
/// 2 kB a chunk, and asks every judged question twice.
const MAX_AT_A_TIME: usize = 2;

/// Tries changes out. Clones share everything.
#[derive(Clone)]
pub struct Trials {
    /// The system of record.
    pub store: Store,
    /// The encoder.
    pub embedder: Embedder,
    /// Finds evidence.
    pub retriever: Retriever,
    /// Answers questions.
    pub answerer: Answerer,
    turns: Arc<Semaphore>,
}

impl Trials {
    /// Tries changes out with what answers questions. Clones share the limit of trials at a time.
    pub fn new(store: Store, embedder: Embedder, retriever: Retriever, answerer: Answerer) -> Self {
        Self {
            store,
            embedder,
            retriever,
            answerer,
            turns: Arc::new(Semaphore::new(MAX_AT_A_TIME)),
        }
    }

    /// Asks the judged questions and the last `n_logged` logged ones, with the current and with the changed knowledge.
    /// `at` is the time asked about, by default now.
    ///
    /// # Errors
    /// [`ImpactError`] if the store fails or a question cannot be answered.
    pub async fn assess(
        &self,
        workspace: &WorkspaceId,
        changes: Vec<Change>,
        n_logged: i64,
        at: Option<Timestamp>,
    ) -> Result<Impact, ImpactError> {
        let judged = self.store.judged_questions(workspace).await?;
        let logged = match n_logged {
            0 => Vec::new(),
            n => self.store.logged_questions(workspace, n).await?,
        };
        self.ask(workspace, changes, &judged, &logged, at).await
    }

    /// Like [`Trials::assess`], with the given questions.
    ///
    /// The changed documents are searched in memory beside the indexed ones, and questions take the usual path. Nothing
    /// is written except the vectors of the changed documents.
    pub async fn ask(
        &self,
        workspace: &WorkspaceId,
        changes: Vec<Change>,
        judged: &[JudgedQuestion],
        logged: &[String],
        at: Option<Timestamp>,
    ) -> Result<Impact, ImpactError> {
        if judged.is_empty() && logged.is_empty() {
            return Ok(Impact::default());
        }
        // Never closed, so waiting for a turn does not fail.
        let _turn = self.turns.acquire().await.ok();
        let trial = Trial::of(self, workspace, changes).await?;
        trial.ask(workspace, judged, logged, at).await
    }

    /// Returns the judged questions that a change would break. Changes are made through [`super::gate::Gate`], which
    /// calls this.
    pub(super) async fn gate(
        &self,
        workspace: &WorkspaceId,
        changes: Vec<Change>,
        at: Option<Timestamp>,
    ) -> Result<Vec<Altered>, ImpactError> {
        let judged = self.store.judged_questions(workspace).await?;
        let impact = self.ask(workspace, changes, &judged, &[], at);
        Ok(impact.await?.broken)
    }
}

/// Answers questions with the current knowledge and with the changed one.
struct Trial<'a> {
    before: &'a Answerer,
    after: Answerer,
}

impl<'a> Trial<'a> {
    async fn of(
        trials: &'a Trials,
        workspace: &WorkspaceId,
        changes: Vec<Change>,
    ) -> Result<Self, ImpactError> {
        // If a document changes more than once, the last change counts.
        let mut changes = changes;
        let mut seen = HashSet::new();
        changes.reverse();
        changes.retain(|change| seen.insert(change.id().clone()));
        changes.reverse();
        let replaced = changes.iter().map(|change| change.id().clone()).collect();
        let put = changes.into_iter().filter_map(|change| match change {
            Change::Put(source) if source.metadata.status == Status::Published => Some(*source),
            _ => None,
        });
        let put: Vec<Source> = put.collect();
        let (store, embedder) = (&trials.store, &trials.embedder);
        let beside = Beside::of(store, embedder, workspace, &put, replaced).await;
        let retriever = trials
            .retriever
            .searching(beside.map_err(AnswerError::from)?);
        Ok(Self {
            before: &trials.answerer,
            after: trials.answerer.searching(retriever),
        })
    }

    async fn ask(
        &self,
        workspace: &WorkspaceId,
        judged: &[JudgedQuestion],
        logged: &[String],
        at: Option<Timestamp>,
    ) -> Result<Impact, ImpactError> {
        let mut impact = Impact {
            n_judged: judged.len(),
            n_logged: logged.len(),
            ..Impact::default()
        };
        for question in judged {
            let (before, after) = self
                .both(workspace, &question.question, question, at)
                .await?;
            let altered = |before, after| Altered {
                id: Some(question.id.clone()),
                question: question.question.clone(),
                before,
                after,
            };
            match (meets(question, &before), meets(question, &after)) {
                (true, false) => impact.broken.push(altered(before, after)),
                (false, true) => impact.healed.push(altered(before, after)),
                _ if before != after => impact.changed.push(altered(before, after)),
                _ => {}
            }
        }
        let anyone = JudgedQuestion::default();
        for question in logged {
            if judged.iter().any(|judged| judged.question == *question) {
                continue;
            }
            let (before, after) = self.both(workspace, question, &anyone, at).await?;
            if before != after {
                impact.changed.push(Altered {
                    id: None,
                    question: question.clone(),
                    before,
                    after,
                });
            }
        }
        Ok(impact)
    }

    /// Returns the current answer and the one after the change.
    async fn both(
        &self,
        workspace: &WorkspaceId,
        text: &str,
        asker: &JudgedQuestion,
        at: Option<Timestamp>,
    ) -> Result<(Reply, Reply), ImpactError> {
        let question = as_question(asker, text, at).map_err(AnswerError::Question)?;
        // Encoded once: only the knowledge differs.
        let vector = self.before.vector_of(&question).await?;
        let before = self.before.reply(workspace, &question, &[], vector.clone());
        let before = before.await?;
        let after = self.after.reply(workspace, &question, &[], vector).await?;
        Ok((reply_of(before.answer), reply_of(after.answer)))
    }
}

/// Returns the parts of an answer that are compared.
pub fn reply_of(answer: Answer) -> Reply {
    let cited = answer.citations.iter();
    let mut document_ids: Vec<String> = cited.map(|c| c.document_id.to_string()).collect();
    document_ids.dedup();
    Reply {
        outcome: answer.outcome,
        text: answer.text,
        document_ids,
    }
}

/// Returns a question with the context of the judged question `asker`: its audience, channel and so on.
pub fn as_question(
    asker: &JudgedQuestion,
    text: &str,
    at: Option<Timestamp>,
) -> Result<Question, InvalidQuestion> {
    let question = Question::parse(text)?;
    Ok(Question {
        filter: Filter {
            audience: asker.audience.clone(),
            channel: asker.channel.clone(),
            at,
            ..Filter::default()
        },
        ..question
    })
}

/// Returns whether a reply meets the expectation of a judged question.
pub fn meets(question: &JudgedQuestion, reply: &Reply) -> bool {
    let contains = |words: &String| {
        let letters = |text: &str| -> String {
            text::fold(text)
                .chars()
                .filter(|c| !c.is_whitespace())
                .collect()
        };
        letters(&reply.text).contains(&letters(words))
    };
    question
        .outcome
        .is_none_or(|outcome| outcome == reply.outcome)
        && question
            .document_id
            .as_ref()
            .is_none_or(|id| reply.document_ids.contains(id))
        && question.contains.as_ref().is_none_or(contains)
}
