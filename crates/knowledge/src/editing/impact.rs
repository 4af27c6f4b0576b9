use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use ken_answer::answer::{AnswerError, Answerer, Question};
use ken_base::domain::{
    Answer, DocumentId, Filter, InvalidQuestion, JudgedQuestion, Outcome, Revision, Source, Status,
    TRIAL, WorkspaceId,
};
use ken_search::index::{Follower, IndexError, Indexes};
use ken_search::retrieve::Retriever;
use ken_store::store::{Store, StoreError, Write};
use ken_text::text;

/// How many logged questions are asked besides the judged ones.
pub const LOGGED: i64 = 200;
/// How long the tried-out knowledge may take to be indexed.
const PATIENCE: Duration = Duration::from_secs(120);

/// A change that is not live yet.
pub enum Change {
    /// Puts or replaces a document.
    Put(Box<Source>),
    /// Takes a document out of every answer.
    Remove(DocumentId),
}

impl Change {
    /// What a write comes to for those who ask; `None` of one that nobody sees.
    pub fn of(write: &Write) -> Option<Self> {
        match write {
            Write::Put { source, .. } | Write::Schedule { source, .. } => {
                Some(Change::Put(source.clone()))
            }
            Write::Archive(id) | Write::Delete(id) => Some(Change::Remove(id.clone())),
            Write::Stage(_) => None,
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
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Impact {
    pub n_judged: usize,
    pub n_logged: usize,
    /// Judged questions that are right now and would be wrong.
    pub broken: Vec<Altered>,
    /// Judged questions that are wrong now and would be right.
    pub healed: Vec<Altered>,
    /// Other questions whose answer would change.
    pub changed: Vec<Altered>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Altered {
    /// Of a judged question.
    pub id: Option<String>,
    pub question: String,
    pub before: Reply,
    pub after: Reply,
}

impl Altered {
    /// The question with what is answered now and what would be.
    pub fn told(&self) -> String {
        format!(
            "{:?} is answered {:?} now and would be {} with {:?}",
            self.question,
            self.before.text,
            self.after.outcome.as_str(),
            self.after.text
        )
    }
}

/// What of an answer counts here.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reply {
    pub outcome: Outcome,
    pub text: String,
    pub document_ids: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ImpactError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Answer(#[from] AnswerError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error("the change was not indexed within {} s", PATIENCE.as_secs())]
    NotIndexed,
    /// Whoever asked waits no more.
    #[error("nobody waits for it any more")]
    Left,
}

/// What a change is tried out with.
#[derive(Clone)]
pub struct Trials {
    pub store: Store,
    pub indexes: Arc<Indexes>,
    pub follower: Arc<Follower>,
    pub retriever: Retriever,
    pub answerer: Answerer,
}

impl Trials {
    /// Asks the judged questions and the last `n_logged` logged ones against the knowledge as it is and as it would be.
    /// `at` is the time the questions ask about; now where absent.
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

    /// As [`Trials::assess`], of these questions.
    ///
    /// The change is indexed beside what is live, for an audience that nobody else is of, and asked by the way every
    /// question goes; then it is forgotten.
    pub async fn ask(
        &self,
        workspace: &WorkspaceId,
        changes: Vec<Change>,
        judged: &[JudgedQuestion],
        logged: &[String],
        at: Option<Timestamp>,
    ) -> Result<Impact, ImpactError> {
        let stays = CancellationToken::new();
        self.ask_until(workspace, changes, (judged, logged), at, &stays)
            .await
    }

    /// As [`Trials::ask`]; once nobody waits for it (`left`) no more is asked.
    async fn ask_until(
        &self,
        workspace: &WorkspaceId,
        changes: Vec<Change>,
        (judged, logged): (&[JudgedQuestion], &[String]),
        at: Option<Timestamp>,
        left: &CancellationToken,
    ) -> Result<Impact, ImpactError> {
        if judged.is_empty() && logged.is_empty() {
            return Ok(Impact::default());
        }
        let trial = Trial::stage(self, workspace, changes, left).await?;
        // Dropped between two awaits, which writes nothing.
        let asking = trial.ask(self, workspace, judged, logged, at);
        let asked = left.run_until_cancelled(asking).await;
        let assessed = asked.unwrap_or(Err(ImpactError::Left));
        // Forgotten whatever came of it; what a crash leaves is forgotten at the next start.
        self.store.forget(workspace, trial.staged.clone()).await?;
        self.follower.wake();
        assessed
    }

    /// The judged questions that a change would break. Changes are made through [`super::gate::Gate`], which asks this.
    pub(super) async fn gate(
        &self,
        workspace: &WorkspaceId,
        changes: Vec<Change>,
        at: Option<Timestamp>,
        left: CancellationToken,
    ) -> Result<Vec<Altered>, ImpactError> {
        let judged = self.store.judged_questions(workspace).await?;
        let impact = self.ask_until(workspace, changes, (&judged, &[]), at, &left);
        Ok(impact.await?.broken)
    }
}

/// A change as it lies beside what is live.
struct Trial {
    /// The audience that sees it.
    name: String,
    staged: Vec<DocumentId>,
    /// What each staged document stands for.
    stands_for: Vec<DocumentId>,
    replaced: Vec<DocumentId>,
}

impl Trial {
    async fn stage(
        trials: &Trials,
        workspace: &WorkspaceId,
        changes: Vec<Change>,
        left: &CancellationToken,
    ) -> Result<Self, ImpactError> {
        let batch = Uuid::new_v4().simple().to_string();
        let name = format!("{TRIAL}{batch}");
        let mut trial = Trial {
            replaced: changes.iter().map(|change| change.id().clone()).collect(),
            name: name.clone(),
            staged: Vec::new(),
            stands_for: Vec::new(),
        };
        let mut writes = Vec::new();
        for (i, change) in changes.into_iter().enumerate() {
            let Change::Put(mut source) = change else {
                continue;
            };
            if source.metadata.status != Status::Published {
                continue;
            }
            let id =
                DocumentId::parse(&format!("~trial/{batch}/{i}")).expect("it is short and plain");
            trial.staged.push(id.clone());
            trial.stands_for.push(std::mem::replace(&mut source.id, id));
            source.metadata.audience.push(name.clone());
            writes.push(Write::Stage(source));
        }
        if writes.is_empty() {
            return Ok(trial);
        }
        let recorded = trials.store.record(workspace, writes).await?;
        let revision = recorded.last().map_or(0, |last| last.revision);
        trials.follower.wake();
        let indexed = tokio::time::timeout(PATIENCE, searchable(trials, workspace, revision));
        let error = match left.run_until_cancelled(indexed).await {
            Some(Ok(Ok(()))) => return Ok(trial),
            Some(Ok(Err(error))) => error.into(),
            Some(Err(_)) => ImpactError::NotIndexed,
            None => ImpactError::Left,
        };
        trials.store.forget(workspace, trial.staged).await?;
        trials.follower.wake();
        Err(error)
    }

    async fn ask(
        &self,
        trials: &Trials,
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
                .both(trials, workspace, &question.question, question, at)
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
            let (before, after) = self.both(trials, workspace, question, &anyone, at).await?;
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

    /// The answer as things are, and as they would be.
    async fn both(
        &self,
        trials: &Trials,
        workspace: &WorkspaceId,
        text: &str,
        asker: &JudgedQuestion,
        at: Option<Timestamp>,
    ) -> Result<(Reply, Reply), ImpactError> {
        let mut question = as_question(asker, text, at).map_err(AnswerError::Question)?;
        // Encoded once: only the knowledge differs.
        let vector = trials.answerer.vector_of(&question).await?;
        let before = trials
            .answerer
            .reply(workspace, &question, &[], vector.clone())
            .await?;
        question.filter.audience.push(self.name.clone());
        question.filter.without_documents.clone_from(&self.replaced);
        let after = trials
            .answerer
            .reply(workspace, &question, &[], vector)
            .await?;
        Ok((self.reply(before.answer), self.reply(after.answer)))
    }

    fn reply(&self, answer: Answer) -> Reply {
        reply_of(answer, |id| {
            let stands_for = self.staged.iter().position(|staged| staged == id);
            stands_for.map_or(id, |i| &self.stands_for[i]).to_string()
        })
    }
}

/// What of an answer counts, with the names of what it cites.
pub fn reply_of(answer: Answer, name: impl Fn(&DocumentId) -> String) -> Reply {
    let cited = answer.citations.iter();
    let mut document_ids: Vec<String> = cited.map(|c| name(&c.document_id)).collect();
    document_ids.dedup();
    Reply {
        outcome: answer.outcome,
        text: answer.text,
        document_ids,
    }
}

/// Waits until both indexes hold a revision, also where another process writes them.
async fn searchable(
    trials: &Trials,
    workspace: &WorkspaceId,
    revision: Revision,
) -> Result<(), IndexError> {
    while !trials
        .follower
        .wait_for(workspace, revision, PATIENCE)
        .await
    {}
    let Some(index) = trials.indexes.find(workspace) else {
        return Ok(());
    };
    loop {
        index.keyword.refresh()?;
        if index.keyword.revision() >= revision {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A question as who is meant would ask it.
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

/// Whether a judged question is answered as it has to be.
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
