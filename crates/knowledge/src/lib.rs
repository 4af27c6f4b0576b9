//! Changes of knowledge: the gate that every change passes, the editors' tools, and long changes as background jobs.

#![deny(missing_docs)]

/// Editing of knowledge: gate, import, lint, impact, export.
pub mod editing;
/// Uploads and long changes as jobs of the durable queue.
pub mod jobs;
