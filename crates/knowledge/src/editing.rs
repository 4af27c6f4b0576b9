//! Tools for editors: import FAQs with a preview per row, find duplicates and contradictions, see which
//! answers a change would alter before it is live, and move knowledge between installations.

pub mod bulk;
pub mod files;
pub mod gate;
pub mod impact;
pub mod import;
pub mod lint;
pub mod portable;
pub mod replay;
pub mod undo;

use ken_search::embed::Embedder;
use ken_search::index::Indexes;
use ken_store::store::Store;

/// The stored knowledge with its vectors, for functions that go through all of it.
#[derive(Clone, Copy)]
pub struct Knowledge<'a> {
    /// The system of record.
    pub store: &'a Store,
    /// The indexes, which hold the vectors.
    pub indexes: &'a Indexes,
    /// The encoder.
    pub embedder: &'a Embedder,
}
