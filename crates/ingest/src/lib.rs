//! Bytes → structured text → chunks: one file per family of formats; untrusted files are read in bounded processes.

#![deny(missing_docs)]

/// Parsing and chunking of all formats.
pub mod ingest;
