//! Takes in what channels deliver: each message once, to its identity and conversation, within one transaction.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::responder::{
    before_agent_message, before_message, first_responder, hand_off, reply_due, takes_message,
};
use crate::traffic::{self, DeliveryOutcome};
use ken_answer::answer::courtesy;
use ken_base::desk::{
    Author, AuthorKind, ConsentBasis, ConsentPurpose, Conversation, ConversationId, DeliveryState,
    Direction, Fact, IdentityId, IdentityKey, Inbox, LinkBasis, MessageId, NewEvent, Part,
    Responder, ResponderReason, SendMode, Seq, VerifiedBy, has_media, is_template, text_of,
};
use ken_base::digest::sha256_hex;
use ken_base::domain::WorkspaceId;
use ken_customers::identify::{Origin, Proof, Sender, identify};
use ken_store::store::StoreError;
use ken_store::store::desk::{DeskTx, KnownMessage, NewMessage};

/// What a channel delivers.
#[derive(Debug, Clone)]
pub struct Inbound {
    /// The workspace of the inbox.
    pub workspace: WorkspaceId,
    /// The inbox.
    pub inbox: Arc<Inbox>,
    /// The channel's id of it; what has the same id is stored once.
    pub provider_id: String,
    /// When it was written, by the channel's clock.
    pub at: Timestamp,
    /// What it is.
    pub what: InboundKind,
}

/// The kinds of what channels deliver.
#[derive(Debug, Clone)]
pub enum InboundKind {
    /// A customer wrote.
    Message {
        /// Who wrote.
        sender: Sender,
        /// What.
        parts: Vec<Part>,
        /// Of a transcript of speech: which version it is.
        revision: Revision,
        /// Whether the bot must not answer it, as a mail whose sender wants no automatic replies: people do.
        needs_person: bool,
    },
    /// A person of the company wrote on the channel's own app.
    Echo {
        /// To whom.
        to: Sender,
        /// What.
        parts: Vec<Part>,
    },
    /// A customer withdrew a message.
    Withdrawn {
        /// The channel's id of the message.
        message: String,
    },
    /// The channel reports on a delivery.
    Delivery {
        /// The message.
        message_id: MessageId,
        /// Its state.
        state: DeliveryState,
    },
    /// Somebody follows, blocks, or writes a word that the channel reserves.
    Consent {
        /// Who.
        sender: Sender,
        /// For what.
        purpose: ConsentPurpose,
        /// Whether it is given.
        granted: bool,
    },
    /// The channel has another id for somebody.
    Alias {
        /// Who, by the id that is known.
        sender: Sender,
        /// The other id.
        alias: IdentityKey,
    },
}

/// A version of what a customer says while it is transcribed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision {
    /// From 1; 0 for a message that has no versions.
    pub number: u32,
    /// Whether the customer has finished. Only then it is answered.
    pub is_final: bool,
}

impl Default for Revision {
    /// A message that has no versions.
    fn default() -> Self {
        Self {
            number: 0,
            is_final: true,
        }
    }
}

/// Result of taking something in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// It is new and stored.
    New {
        /// The message, if it is one.
        message_id: Option<MessageId>,
        /// Its conversation.
        conversation_id: Option<ConversationId>,
        /// Its event.
        seq: Seq,
    },
    /// It is stored already, or changes nothing.
    Known,
}

/// The source of an inbox's events.
fn source_of(inbox: &Inbox) -> String {
    format!("inbox:{}", inbox.id)
}

/// A channel's id as the log holds it: hashed, because some contain a telephone number.
fn source_id(provider_id: &str) -> String {
    sha256_hex([provider_id.as_bytes()])[..40].to_owned()
}

/// An id of a new row.
fn new_id(prefix: &str) -> String {
    format!("{prefix}_{}", Uuid::now_v7().simple())
}

/// The id of a new message.
pub fn new_message_id() -> MessageId {
    MessageId::parse(&new_id("msg")).expect("hexadecimal digits are allowed")
}

/// Takes in what a channel delivers.
///
/// # Errors
/// [`StoreError`] if the store fails. Then the transaction must not be committed.
pub async fn receive(tx: &mut DeskTx, inbound: &Inbound) -> Result<Received, StoreError> {
    let (workspace, inbox) = (&inbound.workspace, &*inbound.inbox);
    let source = source_of(inbox);
    let id = match &inbound.what {
        InboundKind::Message { revision, .. } if revision.number > 0 => {
            source_id(&format!("{}\n{}", inbound.provider_id, revision.number))
        }
        _ => source_id(&inbound.provider_id),
    };
    if tx.has_event(workspace, &source, &id).await? {
        return Ok(Received::Known);
    }
    let now = tx.now();
    let origin = |actor: &str| Origin {
        source: source.clone(),
        actor: actor.to_owned(),
        // A channel's clock may be ahead.
        at: inbound.at.min(now),
        cause: None,
    };
    match &inbound.what {
        InboundKind::Message {
            sender,
            parts,
            revision,
            needs_person,
        } => {
            let origin = origin("customer");
            let identity = identify(tx, workspace, sender, &origin).await?;
            let text = text_of(parts);
            let at = Incoming {
                workspace,
                inbox,
                origin: &origin,
            };
            let provider_id = &inbound.provider_id;
            if let Some(known) = tx
                .message_by_provider_id(workspace, &inbox.id, provider_id)
                .await?
            {
                return at
                    .revise(tx, &known, &identity.id, parts, *revision, id)
                    .await;
            }
            let conversation = at.conversation(tx, &identity, Some(&text)).await?;
            for fact in before_message(&conversation, &inbox.settings, &text, now) {
                at.append(tx, &conversation, fact).await?;
            }
            if *needs_person {
                for fact in hand_off(&conversation, ResponderReason::NotAnswered) {
                    at.append(tx, &conversation, fact).await?;
                }
            }
            let current = tx.conversation(workspace, &conversation.id).await?;
            let current = current.as_ref().unwrap_or(&conversation);
            let due = match revision.is_final && !needs_person {
                true => reply_due(current, &inbox.settings, parts, now),
                false => None,
            };
            let message_id = new_message_id();
            let window = window_of(inbox);
            let received = Fact::MessageReceived {
                message_id: message_id.clone(),
                // Half a sentence leaves the question before it due.
                reply_due_at: due.or(current.reply_due_at),
                window_until: window.and_then(|window| origin.at.checked_add(window).ok()),
            };
            let event = at.event(&conversation, received, Some(id));
            let Some(seq) = tx.append(workspace, event).await? else {
                return Ok(Received::Known);
            };
            let message = NewMessage {
                id: &message_id,
                conversation_id: &conversation.id,
                seq,
                inbox_id: &inbox.id,
                direction: Direction::In,
                author: &Author {
                    kind: AuthorKind::Customer,
                    id: String::new(),
                },
                parts,
                provider_message_id: Some(&inbound.provider_id),
                at: origin.at,
                answer_id: None,
            };
            tx.add_message(workspace, message).await?;
            if has_media(parts) {
                tx.want_files(workspace, &message_id).await?;
            }
            if revision.number > 0 {
                tx.revise_message(workspace, &message_id, revision.number, None)
                    .await?;
            }
            Ok(Received::New {
                message_id: Some(message_id),
                conversation_id: Some(conversation.id),
                seq,
            })
        }
        InboundKind::Echo { to, parts } => {
            let origin = origin("agent");
            let identity = identify(tx, workspace, to, &origin).await?;
            let at = Incoming {
                workspace,
                inbox,
                origin: &origin,
            };
            let conversation = at.conversation(tx, &identity, None).await?;
            let message = AgentMessage {
                agent: "",
                parts,
                provider_id: Some(&inbound.provider_id),
                source_id: Some(id),
                is_delivered: true,
            };
            let seq = at.agent_writes(tx, &conversation, message).await?;
            Ok(
                seq.map_or(Received::Known, |(message_id, seq)| Received::New {
                    message_id: Some(message_id),
                    conversation_id: Some(conversation.id),
                    seq,
                }),
            )
        }
        InboundKind::Withdrawn { message } => {
            let known = tx.message_by_provider_id(workspace, &inbox.id, message);
            let Some(known) = known
                .await?
                .filter(|known| known.direction == Direction::In)
            else {
                return Ok(Received::Known);
            };
            let conversation = tx.conversation(workspace, &known.conversation_id).await?;
            let Some(conversation) = conversation else {
                return Ok(Received::Known);
            };
            let origin = origin("customer");
            let at = Incoming {
                workspace,
                inbox,
                origin: &origin,
            };
            let withdrawn = Fact::MessageWithdrawn {
                message_id: known.id.clone(),
            };
            let event = at.event(&conversation, withdrawn, Some(id));
            let Some(seq) = tx.append(workspace, event).await? else {
                return Ok(Received::Known);
            };
            tx.withdraw_message(workspace, &known.id).await?;
            Ok(Received::New {
                message_id: Some(known.id),
                conversation_id: Some(conversation.id),
                seq,
            })
        }
        InboundKind::Delivery { message_id, state } => {
            let Some((now, attempt, conversation)) = tx.delivery(workspace, message_id).await?
            else {
                return Ok(Received::Known);
            };
            if !now.advances_to(*state) {
                return Ok(Received::Known);
            }
            let of = tx.conversation(workspace, &conversation).await?;
            let changed = NewEvent {
                fact: Fact::DeliveryChanged {
                    message_id: message_id.clone(),
                    state: *state,
                    attempt,
                    next_at: None,
                    error: None,
                },
                at: origin("ken").at,
                source,
                source_id: Some(id),
                identity_id: of.map(|of| of.identity_id),
                conversation_id: Some(conversation.clone()),
                actor: "ken".to_owned(),
                cause: None,
            };
            let seq = tx.append(workspace, changed).await?;
            Ok(seq.map_or(Received::Known, |seq| Received::New {
                message_id: Some(message_id.clone()),
                conversation_id: Some(conversation),
                seq,
            }))
        }
        InboundKind::Consent {
            sender,
            purpose,
            granted,
        } => {
            let origin = origin("customer");
            let identity = identify(tx, workspace, sender, &origin).await?;
            // Reports come in any order: what is older than the state, or than the customer's last words, changes nothing.
            let known_at = tx.consent_at(workspace, &identity.id, *purpose).await?;
            let newest = tx.newest_conversation(workspace, &identity.id, &inbox.id);
            let wrote_at = newest.await?.and_then(|of| of.last_in_at);
            let is_older = |at: Timestamp| at > origin.at;
            if known_at.is_some_and(is_older) || (!granted && wrote_at.is_some_and(is_older)) {
                return Ok(Received::Known);
            }
            let changed = Fact::ConsentChanged {
                purpose: *purpose,
                granted: *granted,
                basis: ConsentBasis::Provider,
            };
            let event = NewEvent {
                source_id: Some(id),
                ..origin.about(&identity.id, changed)
            };
            let seq = tx.append(workspace, event).await?;
            Ok(seq.map_or(Received::Known, of_no_message))
        }
        InboundKind::Alias { sender, alias } => {
            let origin = origin("ken");
            let proof = Proof {
                key: alias.clone(),
                verified_by: VerifiedBy::Provider,
                basis: LinkBasis::ProviderAlias,
            };
            let sender = Sender {
                proofs: vec![proof],
                ..sender.clone()
            };
            let identity = identify(tx, workspace, &sender, &origin).await?;
            // Marks it as received, also if the link exists.
            let seen = Fact::IdentityVerified {
                by: VerifiedBy::Provider,
            };
            let event = NewEvent {
                source_id: Some(id),
                ..origin.about(&identity.id, seen)
            };
            let seq = tx.append(workspace, event).await?;
            Ok(seq.map_or(Received::Known, of_no_message))
        }
    }
}

/// How long after a customer's message something may be sent: as the inbox says, else as long as the platform lets people
/// write.
fn window_of(inbox: &Inbox) -> Option<SignedDuration> {
    let own = inbox.settings.window_hours;
    let own = own.map(|n| SignedDuration::from_hours(i64::from(n)));
    own.or_else(|| {
        let limits = ken_channels::channel_of(inbox.channel)?.limits();
        limits.person_window.or(limits.window)
    })
}

fn of_no_message(seq: Seq) -> Received {
    Received::New {
        message_id: None,
        conversation_id: None,
        seq,
    }
}

/// A message of an agent.
pub(crate) struct AgentMessage<'a> {
    /// The agent; empty if they wrote on the channel's own app.
    pub agent: &'a str,
    pub parts: &'a [Part],
    pub provider_id: Option<&'a str>,
    pub source_id: Option<String>,
    /// Whether the customer has it already.
    pub is_delivered: bool,
}

/// Where events of one delivery of a channel, or of one act of an agent, belong.
pub(crate) struct Incoming<'a> {
    pub workspace: &'a WorkspaceId,
    pub inbox: &'a Inbox,
    pub origin: &'a Origin,
}

impl Incoming<'_> {
    /// An event about a conversation.
    pub fn event(&self, of: &Conversation, fact: Fact, source_id: Option<String>) -> NewEvent {
        NewEvent {
            source_id,
            ..self.origin.in_conversation(of, fact)
        }
    }

    pub async fn append(
        &self,
        tx: &mut DeskTx,
        of: &Conversation,
        fact: Fact,
    ) -> Result<Option<Seq>, StoreError> {
        tx.append(self.workspace, self.event(of, fact, None)).await
    }

    /// The conversation that a message belongs to, opened if need be. A new one continues the last one of the customer, on
    /// whatever inbox, if it is verified who writes; one of the same identity in any case. `text` is `None` for a message of
    /// an agent.
    async fn conversation(
        &self,
        tx: &mut DeskTx,
        identity: &ken_base::desk::Identity,
        text: Option<&str>,
    ) -> Result<Conversation, StoreError> {
        let (workspace, settings, now) = (self.workspace, &self.inbox.settings, tx.now());
        let newest = tx
            .newest_conversation(workspace, &identity.id, &self.inbox.id)
            .await?;
        let is_courtesy =
            text.is_none_or(|text| courtesy(text).is_some_and(|kind| kind.is_closing()));
        if let Some(newest) = &newest
            && takes_message(newest, settings, is_courtesy, now)
        {
            return Ok(newest.clone());
        }
        let continued = match identity.verified_by {
            Some(_) => {
                tx.newest_of_customer(workspace, &identity.customer_id)
                    .await?
            }
            None => newest,
        };
        let continued = continued.filter(|of| of.responder != Responder::None);
        let id = ConversationId::parse(&new_id("cnv")).expect("hexadecimal digits are allowed");
        let opened = Fact::ConversationOpened {
            inbox_id: self.inbox.id.clone(),
            responder: first_responder(settings),
            continues_id: continued.map(|of| of.id),
        };
        let event = NewEvent {
            conversation_id: Some(id.clone()),
            ..self.origin.about(&identity.id, opened)
        };
        tx.append(workspace, event).await?;
        let opened = tx.conversation(workspace, &id).await?;
        Ok(opened.expect("it was inserted in this transaction"))
    }

    /// Replaces the text of a message by a later version; one without a number is the last. An earlier one that arrives
    /// late changes nothing, nor does another person's message with the same id. What was answered is not answered again.
    async fn revise(
        &self,
        tx: &mut DeskTx,
        known: &KnownMessage,
        identity: &IdentityId,
        parts: &[Part],
        mut revision: Revision,
        source_id: String,
    ) -> Result<Received, StoreError> {
        let (workspace, settings, now) = (self.workspace, &self.inbox.settings, tx.now());
        if revision.number == 0 && known.revision > 0 {
            revision.number = u32::MAX;
        }
        let conversation = tx.conversation(workspace, &known.conversation_id).await?;
        let Some(conversation) = conversation.filter(|of| of.identity_id == *identity) else {
            return Ok(Received::Known);
        };
        if revision.number <= known.revision || known.direction != Direction::In {
            return Ok(Received::Known);
        }
        let is_answered = conversation.answered_seq >= known.seq;
        let reply_due_at = match revision.is_final && !is_answered {
            true => reply_due(&conversation, settings, parts, now),
            false => None,
        };
        let revised = Fact::MessageRevised {
            message_id: known.id.clone(),
            revision: revision.number,
            reply_due_at,
        };
        let event = self.event(&conversation, revised, Some(source_id));
        let Some(seq) = tx.append(workspace, event).await? else {
            return Ok(Received::Known);
        };
        tx.revise_message(workspace, &known.id, revision.number, Some(parts))
            .await?;
        Ok(Received::New {
            message_id: Some(known.id.clone()),
            conversation_id: Some(conversation.id),
            seq,
        })
    }

    /// Adds a message of an agent, who takes over by it. What the bot has not begun to send is cancelled. `None` if the
    /// message is known.
    pub async fn agent_writes(
        &self,
        tx: &mut DeskTx,
        conversation: &Conversation,
        message: AgentMessage<'_>,
    ) -> Result<Option<(MessageId, Seq)>, StoreError> {
        for fact in before_agent_message(conversation, message.agent) {
            self.append(tx, conversation, fact).await?;
        }
        self.cancel_bot(tx, conversation).await?;
        let id = new_message_id();
        let author = Author {
            kind: AuthorKind::Agent,
            id: message.agent.to_owned(),
        };
        let added = Fact::MessageAdded {
            message_id: id.clone(),
            direction: Direction::Out,
            author: author.clone(),
            // In the shadow the bot answers too, also after an agent, so that both can be compared.
            answers_seq: match self.inbox.settings.mode {
                SendMode::Live => conversation.last_in_seq,
                SendMode::Shadow => 0,
            },
            route: (!message.is_delivered).then(|| crate::writer::route_of(self.inbox)),
            not_after: conversation
                .window_until
                .filter(|_| !is_template(message.parts)),
        };
        let event = self.event(conversation, added, message.source_id);
        let Some(seq) = tx.append(self.workspace, event).await? else {
            return Ok(None);
        };
        let new = NewMessage {
            id: &id,
            conversation_id: &conversation.id,
            seq,
            inbox_id: &self.inbox.id,
            direction: Direction::Out,
            author: &author,
            parts: message.parts,
            provider_message_id: message.provider_id,
            at: self.origin.at,
            answer_id: None,
        };
        tx.add_message(self.workspace, new).await?;
        Ok(Some((id, seq)))
    }

    /// Cancels what the bot wrote and nobody has begun to send.
    pub async fn cancel_bot(
        &self,
        tx: &mut DeskTx,
        conversation: &Conversation,
    ) -> Result<(), StoreError> {
        let bot = Some(AuthorKind::Bot);
        let queued = tx.queued_of(self.workspace, &conversation.id, bot);
        for (message_id, attempt) in queued.await? {
            let cancelled = Self::cancelled(message_id, attempt);
            self.append(tx, conversation, cancelled).await?;
            traffic::delivery(Some(self.inbox.channel), DeliveryOutcome::Cancelled);
        }
        Ok(())
    }

    /// The end of a delivery that has not begun.
    pub fn cancelled(message_id: MessageId, attempt: i64) -> Fact {
        Fact::DeliveryChanged {
            message_id,
            state: DeliveryState::Cancelled,
            attempt,
            next_at: None,
            error: None,
        }
    }
}
