//! Question → passages: the models (encoder, reader), the keyword and vector indexes, and the retriever over both.

#![deny(missing_docs)]

/// The encoder: texts to vectors.
pub mod embed;
/// The keyword and vector indexes, and the task that keeps them up to date.
pub mod index;
/// The reader: a cross-encoder that finds a passage's answer to a question.
pub mod reader;
/// The retriever: a query to ranked chunks.
pub mod retrieve;
/// The encoder with a cache in the store.
pub mod vectors;
