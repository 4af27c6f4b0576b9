//! Tests of the whole service: real encoder, real store, real indexes, each in a directory of its own.

mod answers;
mod attacks;
mod bad_input;
mod cases;
mod commands;
mod conflicts;
mod contract_vectors;
mod conversations;
mod crash;
mod documents;
mod editing;
mod encoder;
mod experiments;
mod filters;
mod formats;
mod hostile;
mod ingestion;
mod keys;
mod learning;
mod llm;
#[path = "../month/mod.rs"]
mod month;
mod openapi;
mod quality;
mod reranking;
mod scripted_llm;
mod simulation;
mod support;
mod vault;
mod wording;
