//! Switches the encoder without downtime.
//!
//! `ken reencode --to` stores the request. Then every serving process builds a second, standby [`App`] beside the one
//! in service: on the same store, with the other encoder, and with indexes in a folder of their own. Its follower
//! encodes; vectors are cached in the store, so a crash costs little. The leader asks both the judged questions and
//! switches unless the new one does worse. Each process replaces the app in service in one step, so one app handles a
//! request from start to end. The former indexes and vectors stay, so going back is the same step.

use std::sync::Arc;
use std::time::Duration;

use crate::app::{App, AppError};
use crate::encoders::{SpecError, with_encoder};
use crate::http::CurrentApp;
use ken_answer::answer::{AnswerError, Question};
use ken_base::blocking::blocking;
use ken_base::config::Config;
use ken_base::domain::{
    EncoderReport, EncoderScores, InvalidQuestion, JudgedQuestion, Query, WorkspaceId,
};
use ken_knowledge::editing::impact::{as_question, is_met, reply_of};
use ken_search::retrieve::RetrieveError;
use ken_store::store::{Encoder, StoreError};

/// How long requests of a replaced app may take to finish.
const DRAIN: Duration = Duration::from_secs(60);

/// Why a switch of encoders failed; it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum ReencodeError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The standby app could not be built.
    #[error(transparent)]
    App(#[from] AppError),
    /// A judged question could not be answered.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// Retrieval or encoding failed.
    #[error(transparent)]
    Retrieve(#[from] RetrieveError),
    /// A judged question is invalid.
    #[error(transparent)]
    Question(#[from] InvalidQuestion),
    /// The encoder spec is invalid.
    #[error(transparent)]
    Spec(#[from] SpecError),
}

/// Carries out requested switches of encoders while a service runs.
pub struct Reencoding {
    /// The original configuration with its own encoder.
    config: Config,
    current: Arc<CurrentApp>,
    /// The spec of the app in service.
    spec: String,
    /// The standby app with its spec.
    standby: Option<(String, Arc<App>)>,
}

impl Reencoding {
    /// Switches `current`, whose encoder has the spec `spec`.
    pub fn new(config: Config, current: Arc<CurrentApp>, spec: String) -> Self {
        Self {
            config,
            current,
            spec,
            standby: None,
        }
    }

    /// Checks every `poll` for a requested switch. Never returns.
    pub async fn run(mut self, poll: Duration) {
        loop {
            if let Err(error) = self.attend().await {
                tracing::error!(%error, "encoder switch failed; retrying");
            }
            tokio::time::sleep(poll).await;
        }
    }

    /// Makes one step of a requested switch. Returns `true` if nothing is left to do.
    pub async fn attend(&mut self) -> Result<bool, ReencodeError> {
        let app = self.current.app();
        let encoders = app.store.encoders().await?;
        let is = |state: &str| encoders.iter().find(|encoder| encoder.state == state);
        let chosen = is("serving").map_or("", |encoder| &encoder.spec);
        if chosen != self.spec {
            if self.prepare(&app, chosen).await? {
                self.switch().await;
            }
            return Ok(false);
        }
        let Some(building) = is("building") else {
            if let Some((_, standby)) = self.standby.take() {
                standby.retire().await;
            }
            return Ok(true);
        };
        if self.prepare(&app, &building.spec).await? {
            self.judge(&app, building).await?;
        } else if let Some((_, standby)) = &self.standby
            && app.leadership.is_leader()
        {
            let report = EncoderReport {
                n_encoded: standby.follower.progress().borrow().n_encoded,
                scores: None,
            };
            app.store.report_encoder(building.number, &report).await?;
        }
        Ok(false)
    }

    /// Builds the standby app if needed. Returns whether it has caught up with all workspaces.
    async fn prepare(&mut self, app: &Arc<App>, spec: &str) -> Result<bool, ReencodeError> {
        if self.standby.as_ref().is_some_and(|(of, _)| of != spec)
            && let Some((_, other)) = self.standby.take()
        {
            other.retire().await;
        }
        let standby = match &self.standby {
            Some((_, standby)) => standby.clone(),
            None => {
                tracing::info!(spec, "preparing encoder");
                let config = with_encoder(self.config.clone(), spec)?;
                let made = Arc::new(App::build_standby(config, app).await?);
                if app.indexes.is_writer() && !made.indexes.is_writer() {
                    // An app that was replaced just now still holds these indexes.
                    made.retire().await;
                    return Ok(false);
                }
                self.standby = Some((spec.to_owned(), made.clone()));
                made
            }
        };
        let progress = standby.follower.progress().borrow().clone();
        let workspaces = app.store.workspaces().await?;
        let has_all = |(name, newest): &(WorkspaceId, i64)| {
            progress.indexed.get(name).copied().unwrap_or(0) >= *newest
        };
        Ok(workspaces.iter().all(has_all))
    }

    /// Compares both encoders and switches unless the new one does worse. Only the leader does this.
    async fn judge(&mut self, app: &Arc<App>, building: &Encoder) -> Result<(), ReencodeError> {
        let Some((_, standby)) = self.standby.clone() else {
            return Ok(());
        };
        if !app.leadership.is_leader() {
            return Ok(());
        }
        let scores = score(app, &standby).await?;
        let report = EncoderReport {
            n_encoded: standby.follower.progress().borrow().n_encoded,
            scores: Some(scores),
        };
        app.store.report_encoder(building.number, &report).await?;
        if scores.is_no_worse() || building.anyway {
            app.store.switch_encoder(building.number).await?;
        } else {
            tracing::warn!(
                ?scores,
                "new encoder performs worse on judged questions; not switched"
            );
            app.store.end_encoder(building.number, "refused").await?;
        }
        Ok(())
    }

    /// Replaces the app in service by the standby app.
    async fn switch(&mut self) {
        let Some((spec, standby)) = self.standby.take() else {
            return;
        };
        let former = self.current.replace(standby.clone());
        former.deactivate().await;
        standby.activate();
        tracing::info!(spec, encoder = standby.embedder.id(), "switched encoder");
        self.spec = spec;
        tokio::spawn(async move {
            let drained = async {
                while Arc::strong_count(&former) > 1 {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            };
            if tokio::time::timeout(DRAIN, drained).await.is_err() {
                tracing::warn!("requests on the previous encoder did not finish in time");
            }
            former.retire().await;
        });
    }
}

/// Asks both apps the judged questions of all workspaces and counts right answers and documents found first.
pub async fn score(before: &App, after: &App) -> Result<EncoderScores, ReencodeError> {
    let mut scores = EncoderScores::default();
    for (workspace, _) in before.store.workspaces().await? {
        for judged in before.store.judged_questions(&workspace).await? {
            scores.n_judged += 1;
            let (right_before, first_before) = ask(before, &workspace, &judged).await?;
            let (right_after, first_after) = ask(after, &workspace, &judged).await?;
            scores.right_before += usize::from(right_before);
            scores.right_after += usize::from(right_after);
            scores.n_with_document += usize::from(judged.document_id.is_some());
            scores.first_before += usize::from(first_before);
            scores.first_after += usize::from(first_after);
        }
    }
    Ok(scores)
}

/// Like [`Answerer::vector_of`](ken_answer::answer::Answerer::vector_of), at lower priority than users' questions, so
/// that load does not refuse it.
async fn vector_of(app: &App, question: &Question) -> Result<Option<Vec<f32>>, ReencodeError> {
    let Some(normalized) = app.answerer.normalized(question) else {
        return Ok(None);
    };
    let embedder = app.embedder.clone();
    let vectors = blocking(move || embedder.embed_questions(vec![normalized])).await;
    let mut vectors = vectors.map_err(RetrieveError::from)?;
    Ok(vectors.pop())
}

/// Whether a judged question is answered as expected, and whether its document is found first.
async fn ask(
    app: &App,
    workspace: &WorkspaceId,
    judged: &JudgedQuestion,
) -> Result<(bool, bool), ReencodeError> {
    let question = as_question(judged, &judged.question, None)?;
    let vector = vector_of(app, &question).await?;
    let mut query = Query::parse(&question.text, 1)?;
    query.filter = question.filter.clone();
    let found = app
        .retriever
        .retrieve_with(workspace, &query, vector.clone())
        .await?;
    let evidence = app
        .retriever
        .load_evidence(workspace, &query, &found.hits)
        .await?;
    let first = evidence.first().map(|e| e.chunk.document_id.as_str());
    let is_first = first.is_some() && first == judged.document_id.as_deref();
    let replied = app
        .answerer
        .reply(workspace, &question, &[], vector)
        .await?;
    let reply = reply_of(replied.answer);
    Ok((is_met(judged, &reply), is_first))
}
