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

use std::time::Duration;

use tokio::task::JoinHandle;

use crate::answer::{AnswerError, Answerer};
use crate::cases::{CaseError, Cases};
use crate::config::LearnConfig;
use crate::editing::impact::Trials;
use crate::ingest::IngestError;
use crate::retrieve::{RetrieveError, Retriever, Shares};
use crate::store::{Store, StoreError};
use crate::vectors::{Vectors, VectorsError};

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
    #[error("the labels cannot be written: {0}")]
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
    pub trials: Trials,
    pub config: LearnConfig,
    /// The service's own.
    pub shares: Shares,
}

impl Learning {
    /// Learns settings and looks at experiments on a schedule, in every workspace.
    pub fn start(&self) -> JoinHandle<()> {
        let learning = self.clone();
        tokio::spawn(async move {
            let hours = learning.config.tune_every_hours;
            if hours == 0 {
                return;
            }
            loop {
                tokio::time::sleep(Duration::from_secs(3_600 * u64::from(hours))).await;
                if let Err(error) = learning.round().await {
                    tracing::error!(%error, "a round of learning was given up");
                }
            }
        })
    }

    /// One round over all workspaces.
    pub async fn round(&self) -> Result<(), LearnError> {
        for (workspace, _) in self.store.workspaces().await? {
            self.tune(&workspace, "schedule").await?;
            if let Err(error) = self.experiments(&workspace).await {
                tracing::error!(%error, %workspace, "the experiments could not be looked at");
            }
        }
        Ok(())
    }
}
