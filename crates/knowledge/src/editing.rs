//! What editors do with knowledge: import FAQs and see what each row would do, find what is said twice or
//! contradicts itself, see which answers a change would alter before it is live, and carry it elsewhere.

pub mod files;
pub mod gate;
pub mod impact;
pub mod import;
pub mod lint;
pub mod portable;
pub mod replay;

use ken_search::embed::Embedder;
use ken_search::index::Indexes;
use ken_store::store::Store;

/// Stored knowledge with its vectors, as what looks through all of it needs them.
#[derive(Clone, Copy)]
pub struct Knowledge<'a> {
    pub store: &'a Store,
    pub indexes: &'a Indexes,
    pub embedder: &'a Embedder,
}
