//! Bytes → text with structure → chunks: one file a family of formats, read in bounded processes.

pub mod ingest;
