use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use half::f16;

use super::{IndexError, Selection};
use ken_base::domain::{DocumentId, Metadata, Revision};

/// The vectors of one chunk, one for each of its views (1 to [`ken_base::domain::MAX_VIEWS`]), each of unit length.
pub struct VectorEntry {
    pub key: u32,
    /// Whose chunk it is, and what it is filtered by where a server does that.
    pub document_id: DocumentId,
    pub metadata: Arc<Metadata>,
    pub vectors: Vec<Vec<f16>>,
    /// Of the questions that the chunk does not answer (0 to [`ken_base::domain::MAX_VIEWS`]). Never found by.
    pub negatives: Vec<Vec<f16>>,
}

/// A chunk found by meaning: the cosine of its nearest view, in [-1, 1].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VectorHit {
    pub key: u32,
    pub similarity: f32,
}

/// Best first, ties by key.
pub(super) fn sort(hits: &mut [VectorHit]) {
    hits.sort_by(|a, b| {
        b.similarity
            .total_cmp(&a.similarity)
            .then(a.key.cmp(&b.key))
    });
}

/// Searches views, of which there are `size`, `n_views` at first, asking for more until enough different chunks are found or there
/// are no more. `search` returns how many it found, and those that are no negatives.
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
/// - `search` returns at most `limit` chunks, each once with its best view, best first, ties by key, and only
///   chunks that the selection admits. It is exact where few chunks are admitted and near-exact otherwise.
/// - `apply` takes out all views of the removed keys and replaces those of the added ones; doing it twice is the
///   same as doing it once. `revision` then is `at`, and a restart finds it no higher than what was saved.
/// - Vectors of another length than the store's dimension are refused, and nothing is changed.
pub trait VectorStore: Send + Sync {
    fn apply(
        &self,
        removed: &[Range<u32>],
        added: &[VectorEntry],
        at: Revision,
    ) -> Result<(), IndexError>;

    fn search(
        &self,
        query: &[f32],
        limit: usize,
        selection: &Selection,
    ) -> Result<Vec<VectorHit>, IndexError>;

    /// The cosine of each chunk's nearest view, in the order of `keys`; `None` for chunks that are not held.
    fn similarities(&self, query: &[f32], keys: &[u32]) -> Result<Vec<Option<f32>>, IndexError>;

    /// The cosine of each chunk's nearest negative, in the order of `keys`; `None` for chunks that have none.
    fn negatives(&self, query: &[f32], keys: &[u32]) -> Result<Vec<Option<f32>>, IndexError>;

    /// How many vectors are held, negatives too.
    fn n_vectors(&self) -> Result<usize, IndexError>;

    /// Those of these chunks that are not held, in their order.
    fn missing(&self, keys: &[u32]) -> Result<Vec<u32>, IndexError>;

    /// The revision held: in memory, or by the server as it was when it was last asked or written.
    fn revision(&self) -> Revision;

    /// Makes what is in memory survive a restart. Cheap where nothing has changed.
    fn save(&self) -> Result<(), IndexError>;

    /// Asks the server how far it is. Of vectors in memory nothing is to be learnt.
    fn refresh(&self) -> Result<(), IndexError> {
        Ok(())
    }

    /// Deletes all of the workspace's vectors on the server; those in files go with their folder.
    fn clear(&self) -> Result<(), IndexError> {
        Ok(())
    }
}
