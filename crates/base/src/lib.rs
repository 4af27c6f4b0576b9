//! What everything else stands on: the nouns of the domain, the settings, who acts, tasks, and requests to other servers. No SQL,
//! no web server, no models.

pub mod actor;
pub mod background;
pub mod blocking;
pub mod config;
pub mod digest;
pub mod domain;
pub mod outbound;
pub mod store_url;
