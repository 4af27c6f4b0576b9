//! Message → answer: understand, retrieve, admit, compose, verify. Writes nothing but the record of the conversation.

#![deny(missing_docs)]

/// The pipeline from a message to an answer.
pub mod answer;
/// The client of a chat server.
pub mod llm;
