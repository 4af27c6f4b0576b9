//! What strings mean: folding, terms, language and sentences; personal data in them; whether two statements contradict each
//! other. Pure functions over data files.

#![deny(missing_docs)]

pub mod conflict;
pub mod redact;
pub mod text;
