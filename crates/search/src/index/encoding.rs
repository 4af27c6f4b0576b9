//! Encoding of chunks: the vectors of each chunk's views and of its negatives.

use std::collections::{HashMap, HashSet};

use half::f16;

use super::VectorEntry;
use crate::embed::Embedder;
use crate::vectors::{VectorsError, to_half};
use ken_base::blocking::blocking;
use ken_base::domain::WorkspaceId;
use ken_store::store::{IndexEntry, Store, text_hash};

/// How many texts are encoded between two writes to the vector cache. A crash loses at most this much work.
const TEXTS_PER_STEP: usize = 64;

/// Chunks with the vectors that the store has cached for them.
pub struct ChunkEncoding<'a> {
    store: &'a Store,
    embedder: &'a Embedder,
    workspace: &'a WorkspaceId,
    entries: &'a [IndexEntry],
    /// For each chunk, the hashes of its texts (first the views, then the negatives) and the number of views.
    hashes: Vec<(Vec<String>, usize)>,
    known: HashMap<String, Vec<f16>>,
    /// Hash and text of what is not cached yet.
    missing: Vec<(String, String)>,
}

impl<'a> ChunkEncoding<'a> {
    /// Looks up the cached vectors of all texts of `entries`.
    pub async fn of(
        store: &'a Store,
        embedder: &'a Embedder,
        workspace: &'a WorkspaceId,
        entries: &'a [IndexEntry],
    ) -> Result<Self, VectorsError> {
        let mut texts: Vec<String> = Vec::with_capacity(entries.len());
        let mut hashes = Vec::with_capacity(entries.len());
        for entry in entries {
            let (chunk, metadata) = (&entry.chunk, &entry.metadata);
            let mut views = metadata.views(&chunk.heading_path, &chunk.text);
            let n_views = views.len();
            views.extend_from_slice(metadata.negative_views());
            let of_chunk: Vec<String> = views.iter().map(|text| text_hash(text)).collect();
            hashes.push((of_chunk, n_views));
            texts.extend(views);
        }
        let flat: Vec<String> = hashes.iter().flat_map(|(of, _)| of).cloned().collect();
        let known = store
            .cached_vectors(workspace, embedder.id(), &flat)
            .await?;
        let known: HashMap<String, Vec<f16>> = known.into_iter().collect();
        let mut seen = HashSet::new();
        let missing = flat
            .into_iter()
            .zip(texts)
            .filter(|(hash, _)| !known.contains_key(hash) && seen.insert(hash.clone()));
        Ok(Self {
            missing: missing.collect(),
            store,
            embedder,
            workspace,
            entries,
            hashes,
            known,
        })
    }

    /// Returns how many texts have to be encoded.
    pub fn n_missing(&self) -> usize {
        self.missing.len()
    }

    /// Encodes the missing texts, caches their vectors and returns one entry per chunk. Calls `encoded` with the number
    /// of texts after each step.
    pub async fn finish(
        mut self,
        encoded: impl Fn(usize),
    ) -> Result<Vec<VectorEntry>, VectorsError> {
        for step in self.missing.chunks(TEXTS_PER_STEP) {
            let embedder = self.embedder.clone();
            let texts: Vec<String> = step.iter().map(|(_, text)| text.clone()).collect();
            let vectors = blocking(move || embedder.embed_passages(texts)).await?;
            let fresh: Vec<(String, Vec<f16>)> = step
                .iter()
                .zip(vectors)
                .map(|((hash, _), vector)| (hash.clone(), to_half(&vector)))
                .collect();
            self.store
                .insert_vectors(self.workspace, self.embedder.id(), &fresh)
                .await?;
            self.known.extend(fresh);
            encoded(step.len());
        }
        let vectors = |hashes: &[String]| -> Vec<Vec<f16>> {
            let found = hashes.iter().filter_map(|hash| self.known.get(hash));
            found.cloned().collect()
        };
        let of_entries = self.entries.iter().zip(&self.hashes);
        let entries = of_entries.map(|(entry, (hashes, n_views))| {
            let (views, negatives) = hashes.split_at(*n_views);
            VectorEntry {
                key: entry.chunk.key,
                document_id: entry.chunk.document_id.clone(),
                metadata: entry.metadata.clone(),
                vectors: vectors(views),
                negatives: vectors(negatives),
            }
        });
        Ok(entries.collect())
    }
}
