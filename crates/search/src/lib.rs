//! Question → passages: the models (encoder, reader), the keyword and vector indexes, and the retriever over both.

#![deny(missing_docs)]

pub mod embed;
pub mod index;
pub mod reader;
pub mod retrieve;
pub mod vectors;
