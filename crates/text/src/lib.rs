//! Text analysis: folding, terms, language and sentences; redaction of personal data; contradictions between two
//! statements. Pure functions over data files.

#![deny(missing_docs)]

pub mod conflict;
pub mod redact;
pub mod text;
