//! What platforms deliver.

use jiff::Timestamp;
use ken_base::desk::DeliveryState;

/// What a verified request holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivered {
    /// The platform checks the address: reply this text.
    Challenge(String),
    /// Events, in the order of the request.
    Events(Vec<Event>),
}

/// Something that happened on the platform.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The platform's id of it: what has the same id happened once.
    pub id: String,
    /// When, by the platform's clock; `None` if it does not say.
    pub at: Option<Timestamp>,
    /// What.
    pub what: EventKind,
}

/// The kinds of events.
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// A customer wrote.
    Message {
        /// Who.
        from: Person,
        /// What.
        parts: Vec<Content>,
        /// A token with which a reply is free or goes to its place, if the platform gives one.
        reply_token: Option<String>,
        /// Of speech that is transcribed while it is spoken: the number of the version, from 1, and whether it is the last
        /// one. Versions have the same event id. `None` for a message that does not change.
        revision: Option<(u32, bool)>,
    },
    /// A person of the company wrote to a customer on the platform's own app.
    Echo {
        /// To whom.
        to: Person,
        /// What.
        parts: Vec<Content>,
    },
    /// The platform asks once more for the reply to a customer's message, in the response to this request
    /// ([`super::Limits::in_response`]).
    Poll {
        /// Who waits.
        of: Person,
        /// The token of the message.
        reply_token: String,
    },
    /// A customer withdrew a message.
    Unsent {
        /// The id of the event that brought the message.
        message_id: String,
    },
    /// What became of a message.
    Report {
        /// The id that Ken gave the message.
        message_id: String,
        /// Its state.
        state: DeliveryState,
    },
    /// A customer follows the account, or blocks it.
    Consent {
        /// Who.
        of: Person,
        /// Whether the account may write.
        granted: bool,
    },
    /// The platform has another id for a customer.
    Alias {
        /// The customer, by one id.
        of: Person,
        /// The other id.
        user_id: String,
    },
    /// Something that Ken has no use for, by a word for logs.
    Ignored(String),
}

/// Somebody on the platform.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// The platform's id of them.
    pub user_id: String,
    /// The name that they chose; empty if unknown.
    pub name: String,
    /// Their telephone number with a leading `+`, if the platform has verified it.
    pub phone: Option<String>,
    /// The telephone number with a leading `+` that a caller shows. Anyone can show any number: it identifies nobody.
    pub shown_phone: Option<String>,
}

impl Person {
    /// Somebody of whom only the id is known.
    pub fn of(user_id: &str) -> Self {
        Self {
            user_id: user_id.to_owned(),
            ..Self::default()
        }
    }
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Text.
    Text(String),
    /// A place, in degrees north and east.
    Location(f64, f64),
    /// A file, which stays on the platform until it is fetched.
    Media {
        /// `image`, `audio`, `video`, `file` or `sticker`.
        kind: String,
        /// What fetches it ([`super::Channel::media_call`]): the platform's id or the file's address.
        id: String,
        /// The name of the file, if the platform gives one.
        name: Option<String>,
        /// The media type that the platform gives, such as `image/jpeg`. The sender may have chosen it.
        media_type: Option<String>,
    },
    /// Something in another form, which cannot be fetched: the platform's word for it.
    Other(String),
}
