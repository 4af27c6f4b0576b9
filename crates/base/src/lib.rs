//! The foundation of all crates: domain types, settings, the current actor, background tasks, and requests to other
//! servers. No SQL, no web server, no models.

#![deny(missing_docs)]

pub mod actor;
pub mod background;
pub mod blocking;
pub mod config;
pub mod desk;
pub mod digest;
pub mod domain;
pub mod outbound;
pub mod store_url;
pub mod webhook;
