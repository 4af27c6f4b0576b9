//! Learning from resolved support cases and from feedback on answers: drafts of knowledge, experiments, tuning of
//! settings and statistics. Also the metrics of ranking and admission that `ken eval` and `ken tune` use.

#![deny(missing_docs)]

pub mod cases;
pub mod learn;
pub mod measures;
