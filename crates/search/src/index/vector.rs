//! The [`VectorStore`] contract, which the embedded and the Qdrant back ends implement.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use half::f16;

use super::{IndexError, Selection};
use ken_base::domain::{DocumentId, Metadata, Revision};

/// The vectors of one chunk, one for each of its views (1 to [`ken_base::domain::MAX_VIEWS`]), each of unit length.
pub struct VectorEntry {
    /// The chunk's key.
    pub key: u32,
    /// The chunk's document; like `metadata`, used for filters on a server.
    pub document_id: DocumentId,
    /// The document's metadata.
    pub metadata: Arc<Metadata>,
    /// One vector per view.
    pub vectors: Vec<Vec<f16>>,
    /// The vectors of the questions that the chunk does not answer (0 to [`ken_base::domain::MAX_VIEWS`]). A search
    /// never finds the chunk by them.
    pub negatives: Vec<Vec<f16>>,
}

/// A chunk found by vector search: the cosine of its nearest view, in [-1, 1].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VectorHit {
    /// The chunk's key.
    pub key: u32,
    /// The cosine, in [-1, 1].
    pub similarity: f32,
}

/// Sorts hits best first, ties by key.
pub(super) fn sort(hits: &mut [VectorHit]) {
    hits.sort_by(|a, b| {
        b.similarity
            .total_cmp(&a.similarity)
            .then(a.key.cmp(&b.key))
    });
}

/// Searches for the nearest views until `limit` different chunks are found, starting with `n_views` of `size` views and
/// then four times as many each time. `search` returns the number of points found and the hits among them that are
/// views.
pub(super) fn by_views(
    size: usize,
    limit: usize,
    n_views: usize,
    search: impl Fn(usize) -> Result<(usize, Vec<VectorHit>), IndexError>,
) -> Result<Vec<VectorHit>, IndexError> {
    let mut n_views = n_views.max(limit).min(size);
    loop {
        let (n_found, mut hits) = search(n_views)?;
        sort(&mut hits);
        let mut seen = HashSet::with_capacity(hits.len());
        hits.retain(|hit| seen.insert(hit.key));
        if hits.len() >= limit || n_found < n_views || n_views >= size {
            hits.truncate(limit);
            return Ok(hits);
        }
        n_views = (n_views * 4).min(size);
    }
}

/// Nearest chunks by cosine. All calls block.
///
/// # Contract
/// - `search` returns at most `limit` chunks, each once with its best view, best first, ties by key, and only chunks
///   that the selection admits. It is exact if few chunks are admitted and near-exact otherwise.
/// - `apply` removes all vectors of the removed keys and replaces those of the added ones. It is idempotent. `revision`
///   then is `at`, and after a restart it is no higher than what was saved.
/// - Vectors of another length than the store's dimension are refused, and nothing is changed.
pub trait VectorStore: Send + Sync {
    /// Removes chunks, adds chunks, and sets the revision to `at`.
    fn apply(
        &self,
        removed: &[Range<u32>],
        added: &[VectorEntry],
        at: Revision,
    ) -> Result<(), IndexError>;

    /// Returns the `limit` nearest chunks that `selection` admits, best first.
    fn search(
        &self,
        query: &[f32],
        limit: usize,
        selection: &Selection,
    ) -> Result<Vec<VectorHit>, IndexError>;

    /// Returns the cosine of each chunk's nearest view, in the order of `keys`; `None` for chunks that are not held.
    fn similarities(&self, query: &[f32], keys: &[u32]) -> Result<Vec<Option<f32>>, IndexError>;

    /// Returns the cosine of each chunk's nearest negative, in the order of `keys`; `None` for chunks without one.
    fn negatives(&self, query: &[f32], keys: &[u32]) -> Result<Vec<Option<f32>>, IndexError>;

    /// Returns how many vectors are held, including negatives.
    fn n_vectors(&self) -> Result<usize, IndexError>;

    /// Returns those of `keys` that are not held, in their order.
    fn missing(&self, keys: &[u32]) -> Result<Vec<u32>, IndexError>;

    /// Returns the revision held: in memory, or on the server as of the last read or write.
    fn revision(&self) -> Revision;

    /// Saves to disk what is only in memory. Cheap if nothing has changed.
    fn save(&self) -> Result<(), IndexError>;

    /// Reads the revision from the server. Does nothing for vectors in memory.
    fn refresh(&self) -> Result<(), IndexError> {
        Ok(())
    }

    /// Deletes all of the workspace's vectors on a server. Does nothing for vectors in files, which are deleted with
    /// their folder.
    fn clear(&self) -> Result<(), IndexError> {
        Ok(())
    }
}
