//! Outbound webhooks: who is sent what happens in a workspace (Standard Webhooks 1.0).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What happened.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[schema(as = WebhookType)]
pub enum EventType {
    /// A question was answered, or refused, and recorded.
    #[serde(rename = "answer.created")]
    AnswerCreated,
    /// A conversation with a customer began.
    #[serde(rename = "conversation.created")]
    ConversationCreated,
    /// A conversation waits for a person.
    #[serde(rename = "conversation.handed_off")]
    ConversationHandedOff,
    /// The status, the responder or the agent of a conversation changed.
    #[serde(rename = "conversation.changed")]
    ConversationChanged,
    /// A draft waits for review.
    #[serde(rename = "draft.created")]
    DraftCreated,
    /// Customers ask what the knowledge base does not answer.
    #[serde(rename = "gap.created")]
    GapCreated,
    /// A test of the endpoint; sent to it whatever its types are.
    #[serde(rename = "webhook.test")]
    WebhookTest,
}

impl EventType {
    /// All that an endpoint can ask for.
    pub const ALL: [Self; 6] = [
        Self::AnswerCreated,
        Self::ConversationCreated,
        Self::ConversationHandedOff,
        Self::ConversationChanged,
        Self::DraftCreated,
        Self::GapCreated,
    ];

    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AnswerCreated => "answer.created",
            Self::ConversationCreated => "conversation.created",
            Self::ConversationHandedOff => "conversation.handed_off",
            Self::ConversationChanged => "conversation.changed",
            Self::DraftCreated => "draft.created",
            Self::GapCreated => "gap.created",
            Self::WebhookTest => "webhook.test",
        }
    }

    /// The type of a name.
    pub fn parse(name: &str) -> Option<Self> {
        let all = Self::ALL.into_iter().chain([Self::WebhookTest]);
        all.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Why an endpoint is sent nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`gone`: it replied 410. `failing`: an event could not be delivered within its ten attempts, and nothing else was meanwhile."
)]
pub enum DisabledReason {
    /// It replied 410.
    Gone,
    /// An event could not be delivered within its attempts, and nothing else was meanwhile.
    Failing,
}

/// An address that is sent what happens.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = WebhookEndpoint)]
pub struct Endpoint {
    /// Chosen by the caller: 1 to 64 of `a-z`, `0-9`, `-` and `_`.
    pub id: String,
    /// Where it is sent.
    pub url: String,
    /// What is sent.
    #[schema(value_type = Vec<EventType>)]
    pub types: Vec<EventType>,
    /// Whether it is sent at all.
    pub is_enabled: bool,
    /// Why Ken disabled it; null if it did not.
    #[schema(value_type = Option<DisabledReason>)]
    pub disabled_reason: Option<DisabledReason>,
    /// Until when what is sent is also signed with the secret before the present one; null if there is none.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub previous_secret_until: Option<Timestamp>,
    /// When it was added. What happened before is not sent.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// State of an event for an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    as = WebhookState,
    description = "`waiting`: for its first or next attempt. `sent`: the endpoint took it. `failed`: it is not tried again, unless it is replayed."
)]
pub enum SendingState {
    /// For its first or next attempt.
    Waiting,
    /// The endpoint took it.
    Sent,
    /// It is not tried again.
    Failed,
}

impl SendingState {
    /// Its name in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }

    /// The state of a name.
    pub fn parse(name: &str) -> Option<Self> {
        let all = [Self::Waiting, Self::Sent, Self::Failed];
        all.into_iter().find(|state| state.as_str() == name)
    }
}

/// An event for an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = WebhookEvent)]
pub struct Sending {
    /// Its id, the same in every attempt: the header `webhook-id`.
    pub id: String,
    /// The endpoint.
    pub endpoint_id: String,
    /// What happened.
    #[serde(rename = "type")]
    #[schema(value_type = EventType)]
    pub kind: EventType,
    /// The body as it is sent: JSON.
    pub body: String,
    /// Its state.
    #[schema(value_type = SendingState)]
    pub state: SendingState,
    /// How often it was tried.
    pub attempt: i64,
    /// When it is tried next; null if it is not.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_at: Option<Timestamp>,
    /// What the last attempt came to: `status_500`, `timeout`, `unreachable`, `forbidden_address`, `no_secret`; null if it was
    /// not tried.
    pub last_result: Option<String>,
    /// When it was recorded.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_in_json() {
        for kind in EventType::ALL.into_iter().chain([EventType::WebhookTest]) {
            let json = serde_json::json!(kind);
            assert_eq!(json, kind.as_str());
            assert_eq!(EventType::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(EventType::parse("answer.deleted"), None);
    }
}
