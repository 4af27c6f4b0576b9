//! The one door for changes of knowledge, and what editors do with it; uploaded files as work of the queue.

pub mod editing;
pub mod jobs;
