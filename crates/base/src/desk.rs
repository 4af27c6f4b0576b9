//! The domain types of the desk: inboxes, identities, customers, conversations, messages, and the events that change them.
//! No I/O. The knowledge half uses none of them.

mod conversation;
mod event;
mod identity;
mod ids;
mod inbox;
mod message;

pub use conversation::{Conversation, ConversationStatus, Responder, ResponderReason};
pub use event::{DeskEvent, Fact, NewEvent};
pub use identity::{
    ClaimBasis, Consent, ConsentBasis, ConsentPurpose, Identity, IdentityKey, IdentityKind, Link,
    LinkBasis, LinkState, VerifiedBy,
};
pub use ids::{ConversationId, IdentityId, InboxId, MessageId, Seq};
pub use inbox::{ChannelKind, EmailSettings, Inbox, InboxSettings, SendMode};
pub use message::{
    Author, AuthorKind, DeliveryRoute, DeliveryState, Direction, Message, Part, has_media,
    is_template, text_of,
};
