//! Conversations: customers' messages are received once, answered by the bot or by people and never by both, and the
//! replies are delivered.

#![deny(missing_docs)]
pub mod access;
pub mod actions;
pub mod attachments;
pub mod calls;
pub mod chat;
pub mod deliveries;
pub mod erasure;
pub mod files;
pub mod intake;
pub mod last_webhooks;
pub mod mails;
pub mod phrases;
pub mod platforms;
pub mod replies;
pub mod responder;
pub mod responses;
pub mod secrets;
pub mod service;
pub mod traffic;
pub mod writer;
