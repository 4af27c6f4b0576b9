//! E-mail: mails are fetched, verified, parsed and reduced to the text that their sender wrote; replies are composed and
//! sent.
//!
//! | Module | Contents |
//! |---|---|
//! | [`message`] | raw bytes → [`message::Mail`] |
//! | [`quotes`] | a mail's text without quoted mails and signatures |
//! | [`report`], [`automatic`] | delivery reports; mails that must not be answered automatically |
//! | [`thread`] | the conversation that a mail continues; signed reply addresses |
//! | [`limits`] | how often a thread may be answered automatically |
//! | [`compose`] | a reply → the bytes of a mail |
//! | [`results`], [`verify`] | whether the sender's domain vouches for a mail |
//! | [`server`], [`smtp`], [`imap`] | a mail server's settings; sending; fetching and waiting |
//!
//! The parts that make no connections are pure. Nothing is stored here, and nothing is changed in a mailbox.

#![deny(missing_docs)]
pub mod automatic;
pub mod compose;
mod fields;
mod html_text;
pub mod imap;
pub mod limits;
pub mod message;
pub mod quotes;
pub mod report;
pub mod results;
pub mod server;
pub mod smtp;
pub mod thread;
pub mod verify;
