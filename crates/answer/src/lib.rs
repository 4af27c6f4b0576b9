//! Message → answer: understand, retrieve, admit, compose, verify. It writes nothing but the record of what was said.

pub mod answer;
pub mod llm;
