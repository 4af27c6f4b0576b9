//! Tests of the whole service: real encoder, real store, real indexes, each in a directory of its own.

mod answers;
mod bad_input;
mod commands;
mod conflicts;
mod contract_vectors;
mod crash;
mod documents;
mod editing;
mod encoder;
mod filters;
mod formats;
mod hostile;
mod ingestion;
mod openapi;
mod quality;
mod reranking;
mod support;
mod wording;
