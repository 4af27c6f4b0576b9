//! The system of record: all SQL, SQLite or PostgreSQL, and the one durable queue.

pub mod queue;
pub mod store;
