//! The system of record: all SQL, SQLite or PostgreSQL, and the one durable queue.

#![deny(missing_docs)]

pub mod queue;
pub mod store;
