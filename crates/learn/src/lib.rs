//! What human agents resolved and what was said of answers → drafts, experiments and settings; statistics they are judged by.

pub mod cases;
pub mod learn;
pub mod measures;
