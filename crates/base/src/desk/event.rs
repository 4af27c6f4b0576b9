//! [`DeskEvent`]: an entry of the append-only log. It holds ids and codes, neither free text nor personal values, so that
//! the log stays valid when texts and values are erased.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Author, ClaimBasis, ConsentBasis, ConsentPurpose, ConversationId, ConversationStatus,
    DeliveryRoute, DeliveryState, Direction, IdentityId, IdentityKind, InboxId, LinkBasis,
    MessageId, Responder, ResponderReason, Seq, VerifiedBy,
};

/// What happened. Its JSON has a `type` and `data`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", content = "data")]
pub enum Fact {
    /// Somebody was seen for the first time. The value is stored beside the log.
    #[serde(rename = "identity.created")]
    IdentityCreated {
        /// The inbox on which it is known; `None` if it is known everywhere.
        inbox_id: Option<InboxId>,
        /// What the value is.
        kind: IdentityKind,
        /// How it was verified, if it was.
        verified_by: Option<VerifiedBy>,
    },
    /// An identity was verified.
    #[serde(rename = "identity.verified")]
    IdentityVerified {
        /// How.
        by: VerifiedBy,
    },
    /// Two identities are one customer.
    #[serde(rename = "identity.linked")]
    IdentityLinked {
        /// The other identity.
        other: IdentityId,
        /// Why.
        basis: LinkBasis,
    },
    /// Two identities are not one customer by this link any more.
    #[serde(rename = "identity.unlinked")]
    IdentityUnlinked {
        /// The other identity.
        other: IdentityId,
    },
    /// Two identities may be one customer; an agent may decide.
    #[serde(rename = "identity.link_suggested")]
    LinkSuggested {
        /// The other identity.
        other: IdentityId,
        /// Why.
        basis: ClaimBasis,
    },
    /// A link was refused, because both sides have a verified external id.
    #[serde(rename = "identity.link_refused")]
    LinkRefused {
        /// The other identity.
        other: IdentityId,
        /// Why they were to be linked.
        basis: LinkBasis,
    },
    /// A conversation began.
    #[serde(rename = "conversation.opened")]
    ConversationOpened {
        /// The inbox.
        inbox_id: InboxId,
        /// Who answers.
        responder: Responder,
        /// The conversation that it continues.
        continues_id: Option<ConversationId>,
    },
    /// The customer wrote.
    #[serde(rename = "message.received")]
    MessageReceived {
        /// The message.
        message_id: MessageId,
        /// When the bot answers it; `None` if it need not.
        #[schema(value_type = Option<String>, format = DateTime)]
        reply_due_at: Option<Timestamp>,
        /// Until when something may be sent.
        #[schema(value_type = Option<String>, format = DateTime)]
        window_until: Option<Timestamp>,
    },
    /// A later transcript of what the customer said replaces the message's text.
    #[serde(rename = "message.revised")]
    MessageRevised {
        /// The message.
        message_id: MessageId,
        /// The number of the version.
        revision: u32,
        /// When the bot answers it; `None` if it need not.
        #[schema(value_type = Option<String>, format = DateTime)]
        reply_due_at: Option<Timestamp>,
    },
    /// The customer withdrew a message on the channel; it is erased.
    #[serde(rename = "message.withdrawn")]
    MessageWithdrawn {
        /// The message.
        message_id: MessageId,
    },
    /// Files of a message of the customer were fetched from the platform.
    #[serde(rename = "message.files_fetched")]
    FilesFetched {
        /// The message.
        message_id: MessageId,
    },
    /// Something was written to the customer, or noted, or answered in the shadow.
    #[serde(rename = "message.added")]
    MessageAdded {
        /// The message.
        message_id: MessageId,
        /// Its direction: not `in`.
        direction: Direction,
        /// Who wrote it. The id of an agent is that of a key or of a person at the provider of sign-in.
        author: Author,
        /// The newest message of the customer that it answers; 0 if it answers none.
        answers_seq: Seq,
        /// How it is delivered; `None` if it is not.
        route: Option<DeliveryRoute>,
        /// When it expires undelivered.
        #[schema(value_type = Option<String>, format = DateTime)]
        not_after: Option<Timestamp>,
    },
    /// Who answers changed.
    #[serde(rename = "conversation.responder_changed")]
    ResponderChanged {
        /// Who answers now.
        to: Responder,
        /// Why.
        reason: ResponderReason,
    },
    /// The status changed.
    #[serde(rename = "conversation.status_changed")]
    StatusChanged {
        /// The status now.
        to: ConversationStatus,
        /// Until when it is snoozed.
        #[schema(value_type = Option<String>, format = DateTime)]
        until: Option<Timestamp>,
    },
    /// The agent who has it changed.
    #[serde(rename = "conversation.assigned")]
    Assigned {
        /// The agent; `None`: nobody.
        to: Option<String>,
    },
    /// The bot gave up answering for now; it is due again at a later time.
    #[serde(rename = "conversation.reply_delayed")]
    ReplyDelayed {
        /// When it is due.
        #[schema(value_type = String, format = DateTime)]
        until: Timestamp,
    },
    /// The bot need not answer what was due: it is nobody's turn, or not the bot's.
    #[serde(rename = "conversation.reply_dropped")]
    ReplyDropped,
    /// The state of a delivery changed.
    #[serde(rename = "delivery.changed")]
    DeliveryChanged {
        /// The message.
        message_id: MessageId,
        /// The state now.
        state: DeliveryState,
        /// How often it was tried.
        attempt: i64,
        /// When it is tried again.
        #[schema(value_type = Option<String>, format = DateTime)]
        next_at: Option<Timestamp>,
        /// A code of the failure.
        error: Option<String>,
    },
    /// A consent was given or withdrawn.
    #[serde(rename = "consent.changed")]
    ConsentChanged {
        /// For what.
        purpose: ConsentPurpose,
        /// Whether it is given.
        granted: bool,
        /// How.
        basis: ConsentBasis,
    },
    /// The texts and values of an identity were erased.
    #[serde(rename = "identity.erased")]
    IdentityErased,
}

impl Fact {
    /// The `type` in JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Fact::IdentityCreated { .. } => "identity.created",
            Fact::IdentityVerified { .. } => "identity.verified",
            Fact::IdentityLinked { .. } => "identity.linked",
            Fact::IdentityUnlinked { .. } => "identity.unlinked",
            Fact::LinkSuggested { .. } => "identity.link_suggested",
            Fact::LinkRefused { .. } => "identity.link_refused",
            Fact::ConversationOpened { .. } => "conversation.opened",
            Fact::MessageReceived { .. } => "message.received",
            Fact::MessageRevised { .. } => "message.revised",
            Fact::MessageWithdrawn { .. } => "message.withdrawn",
            Fact::FilesFetched { .. } => "message.files_fetched",
            Fact::MessageAdded { .. } => "message.added",
            Fact::ResponderChanged { .. } => "conversation.responder_changed",
            Fact::StatusChanged { .. } => "conversation.status_changed",
            Fact::Assigned { .. } => "conversation.assigned",
            Fact::ReplyDelayed { .. } => "conversation.reply_delayed",
            Fact::ReplyDropped => "conversation.reply_dropped",
            Fact::DeliveryChanged { .. } => "delivery.changed",
            Fact::ConsentChanged { .. } => "consent.changed",
            Fact::IdentityErased => "identity.erased",
        }
    }

    /// The message that was received, revised, or added.
    pub fn message(&self) -> Option<&MessageId> {
        match self {
            Fact::MessageReceived { message_id, .. }
            | Fact::MessageRevised { message_id, .. }
            | Fact::MessageWithdrawn { message_id }
            | Fact::FilesFetched { message_id }
            | Fact::MessageAdded { message_id, .. } => Some(message_id),
            _ => None,
        }
    }
}

/// An event to append.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct NewEvent {
    /// What happened.
    #[serde(flatten)]
    pub fact: Fact,
    /// When, by the clock of the source.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Where it comes from: `inbox:ID`, `agent` or `ken`.
    pub source: String,
    /// The source's id of it; an event with the same source and id is appended once.
    pub source_id: Option<String>,
    /// The identity that it is about.
    pub identity_id: Option<IdentityId>,
    /// The conversation that it is about.
    pub conversation_id: Option<ConversationId>,
    /// Who did it: `customer`, `bot`, `ken`, or the id of an agent's key.
    pub actor: String,
    /// The event that made it happen.
    pub cause: Option<Seq>,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DeskEvent {
    /// 1, 2, 3 … within the workspace, without gaps.
    pub seq: Seq,
    /// When it was appended.
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Timestamp,
    /// The event.
    #[serde(flatten)]
    pub event: NewEvent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_of_a_fact_is_its_type_in_json() {
        let id = || IdentityId::parse("idn_1").unwrap();
        let message = || MessageId::parse("msg_1").unwrap();
        let facts = [
            Fact::IdentityCreated {
                inbox_id: None,
                kind: IdentityKind::Email,
                verified_by: None,
            },
            Fact::IdentityVerified {
                by: VerifiedBy::Dkim,
            },
            Fact::IdentityLinked {
                other: id(),
                basis: LinkBasis::Agent,
            },
            Fact::IdentityUnlinked { other: id() },
            Fact::LinkSuggested {
                other: id(),
                basis: ClaimBasis::TypedEmail,
            },
            Fact::LinkRefused {
                other: id(),
                basis: LinkBasis::SameToken,
            },
            Fact::ConversationOpened {
                inbox_id: InboxId::parse("web").unwrap(),
                responder: Responder::Bot,
                continues_id: None,
            },
            Fact::MessageReceived {
                message_id: message(),
                reply_due_at: None,
                window_until: None,
            },
            Fact::MessageWithdrawn {
                message_id: message(),
            },
            Fact::FilesFetched {
                message_id: message(),
            },
            Fact::MessageRevised {
                message_id: message(),
                revision: 2,
                reply_due_at: None,
            },
            Fact::MessageAdded {
                message_id: message(),
                direction: Direction::Note,
                author: Author {
                    kind: super::super::AuthorKind::Agent,
                    id: "key_1".into(),
                },
                answers_seq: 0,
                route: None,
                not_after: None,
            },
            Fact::ResponderChanged {
                to: Responder::Human,
                reason: ResponderReason::TakenOver,
            },
            Fact::StatusChanged {
                to: ConversationStatus::Resolved,
                until: None,
            },
            Fact::Assigned { to: None },
            Fact::ReplyDelayed {
                until: Timestamp::UNIX_EPOCH,
            },
            Fact::ReplyDropped,
            Fact::DeliveryChanged {
                message_id: message(),
                state: DeliveryState::Read,
                attempt: 1,
                next_at: None,
                error: None,
            },
            Fact::ConsentChanged {
                purpose: ConsentPurpose::Service,
                granted: false,
                basis: ConsentBasis::Provider,
            },
            Fact::IdentityErased,
        ];
        for fact in facts {
            let json = serde_json::to_value(&fact).unwrap();
            assert_eq!(json["type"], fact.kind());
            assert_eq!(serde_json::from_value::<Fact>(json).unwrap(), fact);
        }
    }
}
