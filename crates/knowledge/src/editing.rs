//! What editors do with knowledge: import FAQs with a preview per row, find duplicates and contradictions, see which
//! answers a change would alter before it is live, and move knowledge between installations.

/// Ingestion of files and folders.
pub mod files;
/// The gate that every change passes.
pub mod gate;
/// The effect of a change on answers.
pub mod impact;
/// Import and export of FAQs.
pub mod import;
/// Search for duplicates, contradictions and expired content.
pub mod lint;
/// Export and import of a workspace, and restore of a backup.
pub mod portable;
/// Replay of logged questions.
pub mod replay;

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
