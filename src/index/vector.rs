use std::ops::Range;

use half::f16;

use super::{IndexError, Selection};
use crate::domain::Revision;

/// The vectors of one chunk, one for each of its views (1 to [`crate::domain::MAX_VIEWS`]), each of unit length.
pub struct VectorEntry {
    pub key: u32,
    pub vectors: Vec<Vec<f16>>,
    /// Of the questions that the chunk does not answer (0 to [`crate::domain::MAX_VIEWS`]). Never found by.
    pub negatives: Vec<Vec<f16>>,
}

/// A chunk found by meaning: the cosine of its nearest view, in [-1, 1].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VectorHit {
    pub key: u32,
    pub similarity: f32,
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
    fn n_vectors(&self) -> usize;

    fn contains(&self, key: u32) -> bool;

    /// The revision held in memory.
    fn revision(&self) -> Revision;

    /// Makes what is in memory survive a restart. Cheap where nothing has changed.
    fn save(&self) -> Result<(), IndexError>;
}
