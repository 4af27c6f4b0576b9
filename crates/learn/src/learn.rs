//! What people said of answers, and what was asked in vain → work, and settings that learn.
//!
//! [`feedback`] acts on what is said of an answer, [`gaps`] groups what was asked in vain, [`insights`] counts,
//! [`experiments`] serves ways of answering side by side, [`tuning`] fits settings. Nothing here needs a model.

pub mod experiments;
pub mod feedback;
pub mod gaps;
pub mod insights;
pub mod labels;
pub mod sequential;
pub mod tuning;
pub mod verdict;

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
use ken_search::vectors::{Vectors, VectorsError};
use ken_store::store::{Store, StoreError};

/// Why something was not learned.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Vectors(#[from] VectorsError),
    #[error(transparent)]
    Answer(#[from] AnswerError),
    #[error(transparent)]
    Retrieve(#[from] RetrieveError),
    #[error(transparent)]
    Case(#[from] CaseError),
    #[error(transparent)]
    Ingest(#[from] IngestError),
    #[error(transparent)]
    Impact(#[from] ImpactError),
    #[error("tuning is already running for this workspace; poll GET /v1/tuning")]
    Busy,
    #[error("cannot write labels: {0}")]
    Write(std::io::Error),
}

/// The parts that learning needs. Clones share everything.
#[derive(Clone)]
pub struct Learning {
    pub store: Store,
    pub vectors: Vectors,
    pub answerer: Answerer,
    pub retriever: Retriever,
    pub cases: Cases,
    pub gate: Gate,
    pub config: LearnConfig,
    /// The service's own.
    pub shares: Shares,
    /// One at a time decides about experiments.
    pub deciding: Arc<tokio::sync::Mutex<()>>,
    /// One at a time changes settings; taken after `deciding`.
    pub setting: Arc<tokio::sync::Mutex<()>>,
    /// The workspaces whose settings are being learned.
    pub tuning: Arc<Mutex<HashSet<WorkspaceId>>>,
}

/// How often experiments are looked at, and whether settings are due to be learned.
const ROUND: Duration = Duration::from_secs(60);
/// When settings were last learned, in the store.
const LEARNED_AT: &str = "tuned_at";

impl Learning {
    /// Looks at experiments and learns settings on a schedule, in every workspace, while this process leads. A round is given
    /// up where it ends.
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

    /// One round over all workspaces; what fails in one does not keep the others from theirs.
    pub async fn round(&self) -> Result<(), LearnError> {
        for (workspace, _) in self.store.workspaces().await? {
            if let Err(error) = self.look_at_all(&workspace).await {
                tracing::error!(%error, %workspace, "cannot evaluate experiments");
            }
            if let Err(error) = self.tune_when_due(&workspace).await {
                tracing::error!(%error, %workspace, "tuning failed");
            }
        }
        Ok(())
    }

    /// Learns settings where `learn.tune_every_hours` have passed since the last time, also across restarts.
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
