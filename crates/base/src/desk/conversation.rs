//! [`Conversation`]: messages on one inbox with one identity, until it is over, and who answers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    AuthorKind, ConversationId, DeskEvent, Direction, Fact, IdentityId, InboxId, NewEvent, Seq,
};

/// Status of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`open`: under way. `pending`: waits for the customer. `snoozed`: hidden until a time or the next message. `resolved`: done."
)]
pub enum ConversationStatus {
    /// Under way.
    Open,
    /// Waits for the customer.
    Pending,
    /// Hidden until a time or the next message.
    Snoozed,
    /// Done.
    Resolved,
}

/// Who answers the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(description = "`bot`, `human`, or `none`: nobody answers.")]
pub enum Responder {
    /// The bot.
    Bot,
    /// People.
    Human,
    /// Nobody.
    None,
}

/// Why the responder changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "To people: `agent_spoke`, `taken_over`, `customer_asked` (for a person), `not_answered` (the bot may not answer), `bot_failed`. To the bot: \
     `resolved`, `returned` (by an agent), `customer_returned`, `idle`. To nobody: `erased`."
)]
pub enum ResponderReason {
    /// An agent wrote to the customer, here or on the channel's own app.
    AgentSpoke,
    /// An agent took the conversation over.
    TakenOver,
    /// The customer asked for a person.
    CustomerAsked,
    /// The bot may not answer the question.
    NotAnswered,
    /// The bot could not make an answer in time.
    BotFailed,
    /// The conversation was resolved, and the customer wrote again.
    Resolved,
    /// An agent gave it back.
    Returned,
    /// The customer asked for the bot.
    CustomerReturned,
    /// No agent wrote for as long as the inbox allows.
    Idle,
    /// The customer was erased.
    Erased,
}

/// A conversation.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Conversation {
    /// The conversation's id.
    pub id: ConversationId,
    /// The inbox it is on.
    pub inbox_id: InboxId,
    /// The identity that it is with.
    pub identity_id: IdentityId,
    /// Its status.
    pub status: ConversationStatus,
    /// Who answers.
    pub responder: Responder,
    /// The agent who has it; null if nobody has.
    pub assignee: Option<String>,
    /// The conversation that it continues, perhaps on another channel.
    pub continues_id: Option<ConversationId>,
    /// When it was opened.
    #[schema(value_type = String, format = DateTime)]
    pub opened_at: Timestamp,
    /// The newest message of the customer; 0 if there is none.
    pub last_in_seq: Seq,
    /// When the customer last wrote.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_in_at: Option<Timestamp>,
    /// When something was last written to the customer.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_out_at: Option<Timestamp>,
    /// When an agent last wrote to the customer.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_agent_at: Option<Timestamp>,
    /// The newest message of the customer that was answered, handed off, or answered in the shadow.
    pub answered_seq: Seq,
    /// When the bot answers what came since; null if it need not.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub reply_due_at: Option<Timestamp>,
    /// Since when the customer waits for a word; null if nobody waits.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub waiting_since: Option<Timestamp>,
    /// When the first word was written to the customer.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub first_response_at: Option<Timestamp>,
    /// When it was last resolved.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub resolved_at: Option<Timestamp>,
    /// How often it was opened again after it was resolved.
    pub n_reopened: i64,
    /// Until when something may be sent; null: at any time.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub window_until: Option<Timestamp>,
    /// Until when it is snoozed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub snoozed_until: Option<Timestamp>,
    /// The event that opened it.
    pub opened_seq: Seq,
    /// Its newest event.
    pub seq: Seq,
}

impl Conversation {
    /// The conversation that an event opens; `None` for any other event.
    pub fn opened_by(event: &DeskEvent) -> Option<Self> {
        let NewEvent {
            fact:
                Fact::ConversationOpened {
                    inbox_id,
                    responder,
                    continues_id,
                },
            at,
            identity_id: Some(identity_id),
            conversation_id: Some(id),
            ..
        } = &event.event
        else {
            return None;
        };
        Some(Self {
            id: id.clone(),
            inbox_id: inbox_id.clone(),
            identity_id: identity_id.clone(),
            status: ConversationStatus::Open,
            responder: *responder,
            assignee: None,
            continues_id: continues_id.clone(),
            opened_at: *at,
            last_in_seq: 0,
            last_in_at: None,
            last_out_at: None,
            last_agent_at: None,
            answered_seq: 0,
            reply_due_at: None,
            waiting_since: None,
            first_response_at: None,
            resolved_at: None,
            n_reopened: 0,
            window_until: None,
            snoozed_until: None,
            opened_seq: event.seq,
            seq: event.seq,
        })
    }

    /// Applies a later event of the conversation. The result depends on the conversation and the event only.
    pub fn apply(&mut self, event: &DeskEvent) {
        let at = event.event.at;
        match &event.event.fact {
            Fact::MessageReceived {
                reply_due_at,
                window_until,
                ..
            } => {
                self.last_in_seq = event.seq;
                // Redelivered messages may be older than what is known.
                self.last_in_at = self.last_in_at.max(Some(at));
                self.reply_due_at = *reply_due_at;
                self.window_until = self.window_until.max(*window_until);
                self.waiting_since = self.waiting_since.or(Some(at));
            }
            Fact::MessageRevised { reply_due_at, .. } => {
                // A correction that need not be answered leaves what else waits.
                if reply_due_at.is_some() {
                    self.last_in_seq = event.seq;
                    self.reply_due_at = *reply_due_at;
                }
            }
            Fact::MessageAdded {
                direction,
                author,
                answers_seq,
                ..
            } => {
                self.answered_seq = self.answered_seq.max(*answers_seq);
                if self.answered_seq >= self.last_in_seq {
                    self.reply_due_at = None;
                }
                if *direction == Direction::Out {
                    self.last_out_at = self.last_out_at.max(Some(at));
                    if author.kind == AuthorKind::Agent {
                        self.last_agent_at = self.last_agent_at.max(Some(at));
                    }
                    // A fixed text of the service does not end the customer's waiting.
                    if author.kind != AuthorKind::System {
                        self.waiting_since = None;
                        self.first_response_at = self.first_response_at.or(Some(at));
                    }
                }
            }
            Fact::ResponderChanged { to, .. } => {
                self.responder = *to;
                // The bot answers what waits once it is its turn again.
                let is_waiting = *to == Responder::Bot && self.answered_seq < self.last_in_seq;
                self.reply_due_at = is_waiting.then_some(at);
            }
            Fact::StatusChanged { to, until } => {
                if self.status == ConversationStatus::Resolved && *to != self.status {
                    self.n_reopened += 1;
                }
                self.status = *to;
                self.snoozed_until = *until;
                if *to == ConversationStatus::Resolved {
                    self.resolved_at = Some(at);
                    // What was asked is settled.
                    self.answered_seq = self.last_in_seq;
                    self.waiting_since = None;
                    self.reply_due_at = None;
                }
            }
            Fact::Assigned { to } => self.assignee.clone_from(to),
            Fact::ReplyDropped => self.reply_due_at = None,
            Fact::ReplyDelayed { until } => self.reply_due_at = Some(*until),
            Fact::DeliveryChanged { .. }
            | Fact::MessageWithdrawn { .. }
            | Fact::FilesFetched { .. }
            | Fact::IdentityCreated { .. }
            | Fact::IdentityVerified { .. }
            | Fact::IdentityLinked { .. }
            | Fact::IdentityUnlinked { .. }
            | Fact::LinkSuggested { .. }
            | Fact::LinkRefused { .. }
            | Fact::ConversationOpened { .. }
            | Fact::ConsentChanged { .. }
            | Fact::IdentityErased => {}
        }
        self.seq = event.seq;
    }
}
