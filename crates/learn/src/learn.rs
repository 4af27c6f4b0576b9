//! Turns feedback on answers and unanswered questions into work for editors, and fits settings to them.
//!
//! [`feedback`] acts on feedback, [`gaps`] groups unanswered questions by meaning, [`insights`] counts answers and
//! their outcomes, [`judged_runs`] asks the judged questions at every level, [`experiments`] compares ways of answering on
//! live traffic, [`tuning`] fits settings. Nothing here needs a language model.

pub mod experiment_results;
pub mod experiments;
pub mod feedback;
pub mod gaps;
pub mod insights;
pub mod judged_runs;
pub mod labels;
pub mod sequential;
pub mod tuning;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::cases::{CaseError, Cases};
use ken_answer::answer::{AnswerError, Answerer};
use ken_base::background::Background;
use ken_base::config::LearnConfig;
use ken_base::domain::WorkspaceId;
use ken_ingest::ingest::IngestError;
use ken_knowledge::editing::gate::Gate;
use ken_knowledge::editing::impact::ImpactError;
use ken_search::retrieve::{RetrieveError, Retriever, Shares};
use ken_search::vectors::{CachedEmbedder, VectorsError};
use ken_store::store::{Store, StoreError};

/// Why a learning operation failed.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vectors of questions or passages could not be loaded or computed.
    #[error(transparent)]
    Vectors(#[from] VectorsError),
    /// A labelled question could not be answered.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// Retrieval failed.
    #[error(transparent)]
    Retrieve(#[from] RetrieveError),
    /// A case or a draft could not be written.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// An FAQ could not be parsed or serialized.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// The effect of a change on judged questions could not be computed.
    #[error(transparent)]
    Impact(#[from] ImpactError),
    /// This process is already tuning the workspace.
    #[error("tuning is already running for this workspace; poll GET /v1/tuning")]
    Busy,
    /// The labels could not be written to the folder.
    #[error("cannot write labels: {0}")]
    Write(std::io::Error),
}

/// The services that learning uses. Clones share everything.
#[derive(Clone)]
pub struct Learning {
    /// The system of record.
    pub store: Store,
    /// Vectors of questions and passages, cached in the store.
    pub vectors: CachedEmbedder,
    /// Answers labelled questions with candidate settings.
    pub answerer: Answerer,
    /// Retrieves passages for questions.
    pub retriever: Retriever,
    /// Receives cases and drafts that come from feedback.
    pub cases: Cases,
    /// Checks each change of an FAQ against judged questions.
    pub gate: Gate,
    /// The `learn` section of the configuration.
    pub config: LearnConfig,
    /// The fusion shares of the configuration, used if a workspace has none.
    pub shares: Shares,
    /// Serializes decisions about experiments.
    pub deciding: Arc<tokio::sync::Mutex<()>>,
    /// Serializes changes of the settings in force. Lock `deciding` first.
    pub setting: Arc<tokio::sync::Mutex<()>>,
    /// The workspaces that this process is tuning now.
    pub tuning: Arc<Mutex<HashSet<WorkspaceId>>>,
}

/// The time between two learning rounds.
const ROUND: Duration = Duration::from_secs(60);
/// The setting that holds the time of the last scheduled tuning.
const LEARNED_AT: &str = "tuned_at";

impl Learning {
    /// Starts the background task that evaluates experiments and tunes settings in every workspace while this process
    /// is the leader. When the task stops, it abandons the current round.
    pub fn start(&self, leads: watch::Receiver<bool>) -> Background {
        let learning = self.clone();
        Background::start_while("learning", leads, move |mut stopped| {
            let learning = learning.clone();
            async move {
                let rounds = async {
                    loop {
                        tokio::time::sleep(ROUND).await;
                        if let Err(error) = learning.round().await {
                            tracing::error!(%error, "learning round failed");
                        }
                    }
                };
                tokio::select! {
                    _ = stopped.wait_for(|stop| *stop) => {}
                    () = rounds => {}
                }
            }
        })
    }

    /// Evaluates the experiments of every workspace and tunes settings where tuning is due. A failure in one workspace
    /// is logged and does not affect the others.
    pub async fn round(&self) -> Result<(), LearnError> {
        for (workspace, _) in self.store.workspaces().await? {
            if let Err(error) = self.evaluate_all(&workspace).await {
                tracing::error!(%error, %workspace, "cannot evaluate experiments");
            }
            if let Err(error) = self.tune_when_due(&workspace).await {
                tracing::error!(%error, %workspace, "tuning failed");
            }
        }
        Ok(())
    }

    /// Tunes settings if `learn.tune_every_hours` have passed since the last run, including time before a restart. The
    /// first call only stores the time. 0 hours: never.
    async fn tune_when_due(&self, workspace: &WorkspaceId) -> Result<(), LearnError> {
        let every = SignedDuration::from_hours(i64::from(self.config.tune_every_hours));
        let now = self.store.now();
        let last: Option<Timestamp> = self.store.setting(workspace, LEARNED_AT).await?;
        if every.is_zero() || last.is_some_and(|last| now.duration_since(last) < every) {
            return Ok(());
        }
        self.store
            .set_setting(workspace, LEARNED_AT, Some(&now))
            .await?;
        if last.is_some() {
            self.tune(workspace, "schedule").await?;
        }
        Ok(())
    }
}
