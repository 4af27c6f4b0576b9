//! [`Message`]: a message of a conversation, and its delivery.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ConversationId, MessageId, Seq};

/// The direction of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`in`: from the customer. `out`: to the customer. `note`: among agents. `shadow`: an answer that was made and not sent."
)]
pub enum Direction {
    /// From the customer.
    In,
    /// To the customer.
    Out,
    /// Among agents.
    Note,
    /// An answer of the bot that was made and not sent.
    Shadow,
}

/// The kind of an author.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`customer`, `bot`, `agent`, or `system` for fixed texts such as the one at a handoff."
)]
pub enum AuthorKind {
    /// The customer.
    Customer,
    /// The bot.
    Bot,
    /// An agent.
    Agent,
    /// The service, with a fixed text.
    System,
}

/// Who wrote a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Author {
    /// The kind of the author.
    pub kind: AuthorKind,
    /// The id of the agent; empty otherwise, and where an agent wrote outside of Ken.
    #[serde(default)]
    pub id: String,
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Part {
    /// Text.
    Text {
        /// 1 to 20,000 characters.
        text: String,
    },
    /// A stored file: `POST /v1/attachments` stores it and returns this.
    Attachment {
        /// SHA-256 of its content, in hex.
        sha256: String,
        /// The file's name, 1 to 255 characters.
        name: String,
        /// Its type as found in its content, such as `image/png`. Ignored in requests.
        #[serde(default)]
        content_type: String,
        /// Its size in bytes. Ignored in requests.
        #[serde(default)]
        n_bytes: u64,
    },
    /// A place.
    Location {
        /// Degrees north, -90 to 90.
        latitude: f64,
        /// Degrees east, -180 to 180.
        longitude: f64,
    },
    /// Something in another form that the customer sent on a platform, such as a sticker. A file becomes an attachment once it
    /// is fetched; anything else stays there.
    Other {
        /// The platform's word for it, such as `sticker`.
        kind: String,
        /// What fetches it from the platform; null if nothing does. Not allowed in requests.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        media_id: Option<String>,
        /// The file's name, if the platform gives one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// The subject of a mail.
    Subject {
        /// At most 500 characters.
        text: String,
        /// Whether the mail replies to another: its subject is not a part of what is asked.
        is_reply: bool,
    },
    /// A message that the platform has approved: the only one that it takes from the company outside of its window
    /// (WhatsApp).
    Template {
        /// The name of the template at the platform, 1 to 512 characters.
        name: String,
        /// Its language, as the platform writes it, such as `zh_TW`; 2 to 16 characters.
        language: String,
        /// The values of its places, at most 20, each 1 to 1,024 characters.
        #[serde(default)]
        parameters: Vec<String>,
    },
}

/// Whether files of a message are to be fetched from its platform.
pub fn has_media(parts: &[Part]) -> bool {
    let is_media = |part: &Part| {
        matches!(
            part,
            Part::Other {
                media_id: Some(_),
                ..
            }
        )
    };
    parts.iter().any(is_media)
}

/// Whether a message is a template and nothing else.
pub fn is_template(parts: &[Part]) -> bool {
    matches!(parts, [Part::Template { .. }])
}

/// The texts of the parts, a line each.
pub fn text_of(parts: &[Part]) -> String {
    let texts = parts.iter().filter_map(|part| match part {
        Part::Text { text } => Some(text.as_str()),
        Part::Subject { text, is_reply } => {
            Some(text.as_str()).filter(|text| !is_reply && !text.is_empty())
        }
        Part::Attachment { .. }
        | Part::Location { .. }
        | Part::Other { .. }
        | Part::Template { .. } => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// A message of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Message {
    /// The message's id.
    pub id: MessageId,
    /// Its conversation.
    pub conversation_id: ConversationId,
    /// The event that added it.
    pub seq: Seq,
    /// Its direction.
    pub direction: Direction,
    /// Who wrote it.
    pub author: Author,
    /// What it consists of; empty once it is erased.
    pub parts: Vec<Part>,
    /// The channel's id of it.
    pub provider_message_id: Option<String>,
    /// When it was written, by the channel's clock if that has one.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The answer that it is, for `GET /v1/answers/{id}`.
    pub answer_id: Option<String>,
    /// The state of its delivery; null if it is not delivered.
    pub delivery: Option<DeliveryState>,
    /// When it was erased.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub erased_at: Option<Timestamp>,
}

/// State of a delivery.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`queued`: waits for its first or next attempt. `sending`: an attempt is under way. `accepted`: the platform took it. `delivered`, `read`: \
     the platform reports it. `failed`: it will not be tried again. `expired`: it was not sent before the channel's window closed. `cancelled`: an agent \
     took over before it was sent."
)]
pub enum DeliveryState {
    /// Waits for its first or next attempt.
    Queued,
    /// An attempt is under way.
    Sending,
    /// The platform took it.
    Accepted,
    /// It reached the customer's device.
    Delivered,
    /// The customer opened it.
    Read,
    /// It will not be tried again.
    Failed,
    /// The channel's window closed before it was sent.
    Expired,
    /// An agent took over before it was sent.
    Cancelled,
}

impl DeliveryState {
    /// Whether a report of `next` changes this state: reports arrive in any order, and a later stage stands.
    pub fn advances_to(self, next: Self) -> bool {
        match (self, next) {
            (Self::Queued, next) => next != Self::Queued,
            (Self::Sending, next) => !matches!(next, Self::Sending | Self::Cancelled),
            (Self::Accepted, next) => matches!(next, Self::Delivered | Self::Read | Self::Failed),
            (Self::Delivered, next) => next == Self::Read,
            (Self::Read | Self::Failed | Self::Expired | Self::Cancelled, _) => false,
        }
    }
}

/// By which way something is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`callback`: a signed request to the inbox's `callback_url`. `pull`: the client reads it from the API."
)]
pub enum DeliveryRoute {
    /// A signed request to the inbox's callback address.
    Callback,
    /// The client reads it.
    Pull,
    /// A request to the channel's platform.
    Platform,
}

#[cfg(test)]
mod tests {
    use super::DeliveryState::{
        Accepted, Cancelled, Delivered, Expired, Failed, Queued, Read, Sending,
    };

    #[test]
    fn delivery_reports_in_any_order_keep_the_furthest_stage() {
        for (from, to, advances) in [
            (Queued, Accepted, true),
            (Queued, Read, true),
            (Queued, Expired, true),
            (Queued, Cancelled, true),
            (Sending, Cancelled, false),
            (Sending, Queued, true),
            (Accepted, Delivered, true),
            (Accepted, Queued, false),
            (Accepted, Expired, false),
            (Delivered, Accepted, false),
            (Delivered, Failed, false),
            (Read, Delivered, false),
            (Failed, Accepted, false),
            (Expired, Accepted, false),
        ] {
            assert_eq!(from.advances_to(to), advances, "{from:?} {to:?}");
        }
    }
}
