//! Changes of knowledge: the gate that every change passes, the editors' tools, and long changes as background jobs.

#![deny(missing_docs)]

pub mod editing;
pub mod jobs;
