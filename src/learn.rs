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

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use half::f16;
use tokio::task::JoinHandle;

use crate::answer::{AnswerError, Answerer};
use crate::blocking::blocking;
use crate::cases::{CaseError, Cases};
use crate::config::LearnConfig;
use crate::editing::impact::Trials;
use crate::embed::{EmbedError, Embedder};
use crate::ingest::IngestError;
use crate::retrieve::{RetrieveError, Retriever, Shares};
use crate::store::{Store, StoreError, text_hash};

/// Why something was not learned.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Embed(#[from] EmbedError),
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
    pub embedder: Embedder,
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

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// The vectors of questions, in their order; those known are not encoded again.
pub async fn vectors_of(
    store: &Store,
    embedder: &Embedder,
    texts: &[String],
) -> Result<Vec<Vec<f32>>, LearnError> {
    // Questions and passages are encoded differently, so they are kept apart.
    let key = |text: &String| text_hash(&format!("question\n{text}"));
    let hashes: Vec<String> = texts.iter().map(key).collect();
    let mut wanted = hashes.clone();
    wanted.sort_unstable();
    wanted.dedup();
    let known = store.cached_vectors(embedder.id(), &wanted).await?;
    let widen = |vector: Vec<f16>| -> Vec<f32> { vector.iter().map(|x| x.to_f32()).collect() };
    let mut vectors: HashMap<String, Vec<f32>> = known
        .into_iter()
        .map(|(hash, vector)| (hash, widen(vector)))
        .collect();
    let mut seen = HashSet::new();
    let missing: Vec<(String, String)> = hashes
        .iter()
        .zip(texts)
        .filter(|(hash, _)| !vectors.contains_key(*hash) && seen.insert((*hash).clone()))
        .map(|(hash, text)| (hash.clone(), text.clone()))
        .collect();
    if !missing.is_empty() {
        let (embedder_, texts) = (
            embedder.clone(),
            missing.iter().map(|(_, text)| text.clone()).collect(),
        );
        let made = blocking(move || embedder_.embed_questions(texts)).await?;
        let narrow =
            |vector: &Vec<f32>| -> Vec<f16> { vector.iter().map(|x| f16::from_f32(*x)).collect() };
        let kept: Vec<(String, Vec<f16>)> = missing
            .iter()
            .zip(&made)
            .map(|((hash, _), vector)| (hash.clone(), narrow(vector)))
            .collect();
        store.keep_vectors(embedder.id(), &kept).await?;
        vectors.extend(
            missing
                .into_iter()
                .zip(made)
                .map(|((hash, _), vector)| (hash, vector)),
        );
    }
    Ok(hashes
        .iter()
        .map(|hash| vectors.get(hash).cloned().unwrap_or_default())
        .collect())
}
