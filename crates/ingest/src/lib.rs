//! Bytes → structured text → chunks: one file per family of formats; untrusted files are read in bounded processes.

#![deny(missing_docs)]

pub mod ingest;
