//! Message → answer: understand, retrieve, admit, compose, verify. Writes nothing but the record of the conversation.

#![deny(missing_docs)]

pub mod answer;
pub mod llm;
