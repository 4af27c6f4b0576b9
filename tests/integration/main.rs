//! Integration tests of the whole service: real encoder, store and indexes, in a temporary folder for each test.

#![recursion_limit = "256"]

mod answers;
mod architecture;
mod attacks;
mod bad_input;
mod cases;
mod commands;
mod conflicts;
mod contract_vectors;
mod conversations;
mod crash;
mod degradation;
mod documents;
mod editing;
mod encoder;
mod experiments;
mod faults;
mod filters;
mod formats;
mod fuzzed;
mod gate;
mod hostile;
mod imports;
mod ingestion;
mod judged_runs;
mod keys;
mod learning;
mod lists;
mod llm;
#[path = "../month/mod.rs"]
mod month;
mod near_misses;
mod openapi;
mod operation;
mod plain_words;
mod postgres;
mod provider;
mod qdrant_standin;
mod quality;
mod queue;
mod reading;
mod reencode;
mod reference;
mod scaling;
mod scripted_llm;
mod sessions;
mod simulation;
mod support;
mod tables;
mod telemetry;
mod tenants;
mod transport;
mod vault;
mod wording;
mod writes;
