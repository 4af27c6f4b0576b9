//! [`CachedEmbedder`]: the encoder with a cache in the store, so that no text is encoded twice.

use std::collections::{HashMap, HashSet};

use half::f16;

use crate::embed::{EmbedError, Embedder};
use ken_base::blocking::blocking;
use ken_base::domain::WorkspaceId;
use ken_store::store::{Store, StoreError, text_hash};

/// A reason why vectors could not be computed.
#[derive(Debug, thiserror::Error)]
pub enum VectorsError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The encoder failed.
    #[error(transparent)]
    Embed(#[from] EmbedError),
}

/// How a text is encoded. Questions and passages are encoded differently, so they are cached under different keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextRole {
    Question,
    Passage,
}

/// An encoder whose vectors are cached in the store. Clones share both.
#[derive(Clone)]
pub struct CachedEmbedder {
    store: Store,
    embedder: Embedder,
}

impl CachedEmbedder {
    /// Joins a store and an encoder.
    pub fn new(store: Store, embedder: Embedder) -> Self {
        Self { store, embedder }
    }

    /// Returns the vectors of questions in the order of `texts`: unit length, with the precision of half floats.
    pub async fn of_questions(
        &self,
        workspace: &WorkspaceId,
        texts: &[String],
    ) -> Result<Vec<Vec<f32>>, VectorsError> {
        self.of(workspace, texts, TextRole::Question).await
    }

    /// Like [`CachedEmbedder::of_questions`], for passages.
    pub async fn of_passages(
        &self,
        workspace: &WorkspaceId,
        texts: &[String],
    ) -> Result<Vec<Vec<f32>>, VectorsError> {
        self.of(workspace, texts, TextRole::Passage).await
    }

    async fn of(
        &self,
        workspace: &WorkspaceId,
        texts: &[String],
        kind: TextRole,
    ) -> Result<Vec<Vec<f32>>, VectorsError> {
        let key = |text: &String| match kind {
            TextRole::Question => text_hash(&format!("question\n{text}")),
            TextRole::Passage => text_hash(&format!("passage\n{text}")),
        };
        let hashes: Vec<String> = texts.iter().map(key).collect();
        let mut unique = hashes.clone();
        unique.sort_unstable();
        unique.dedup();
        let known = self
            .store
            .cached_vectors(workspace, self.embedder.id(), &unique)
            .await?;
        let widen = |vector: Vec<f16>| -> Vec<f32> { vector.iter().map(|x| x.to_f32()).collect() };
        let mut vectors: HashMap<String, Vec<f32>> = known
            .into_iter()
            .map(|(hash, vector)| (hash, widen(vector)))
            .collect();
        let mut seen = HashSet::new();
        let (missing, new): (Vec<String>, Vec<String>) = hashes
            .iter()
            .zip(texts)
            .filter(|(hash, _)| !vectors.contains_key(*hash) && seen.insert((*hash).clone()))
            .map(|(hash, text)| (hash.clone(), text.clone()))
            .unzip();
        if !missing.is_empty() {
            let embedder = self.embedder.clone();
            let made = blocking(move || match kind {
                TextRole::Question => embedder.embed_questions(new),
                TextRole::Passage => embedder.embed_passages(new),
            })
            .await?;
            let new_vectors: Vec<(String, Vec<f16>)> = missing
                .into_iter()
                .zip(made.iter().map(|vector| to_half(vector)))
                .collect();
            self.store
                .insert_vectors(workspace, self.embedder.id(), &new_vectors)
                .await?;
            // New vectors are rounded to the precision of the cached ones.
            vectors.extend(
                new_vectors
                    .into_iter()
                    .map(|(hash, vector)| (hash, widen(vector))),
            );
        }
        Ok(hashes
            .iter()
            .map(|hash| vectors.get(hash).cloned().unwrap_or_default())
            .collect())
    }
}

/// Returns the cosine of two vectors of unit length. Eight partial sums let the compiler use one vector register.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a8
        .remainder()
        .iter()
        .zip(b8.remainder())
        .map(|(x, y)| x * y)
        .sum();
    for (x, y) in a8.zip(b8) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// Converts a vector from single to half precision.
pub fn to_half(vector: &[f32]) -> Vec<f16> {
    vector.iter().map(|x| f16::from_f32(*x)).collect()
}
