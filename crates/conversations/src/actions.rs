//! What agents do in conversations.

use jiff::Timestamp;

use crate::intake::{AgentMessage, Incoming, new_message_id};
use crate::responder::{give_back, set_status, take_over};
use ken_base::desk::{
    Author, AuthorKind, Conversation, ConversationId, ConversationStatus, Direction, Fact, Inbox,
    MessageId, Part, Responder, Seq, is_template,
};
use ken_base::domain::WorkspaceId;
use ken_channels::channel_of;
use ken_customers::identify::Origin;
use ken_store::store::StoreError;
use ken_store::store::desk::{DeskTx, NewMessage};

/// What an agent does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Writes to the customer, and takes over by it.
    Write(Vec<Part>),
    /// Writes a note for other agents.
    Note(Vec<Part>),
    /// Takes the conversation over.
    TakeOver,
    /// Gives it back to the bot.
    GiveBack,
    /// Gives it to an agent, or to nobody.
    Assign(Option<String>),
    /// Resolves it.
    Resolve,
    /// Opens it again.
    Reopen,
    /// Waits for the customer.
    Wait,
    /// Hides it until a time or the next message.
    Snooze(Timestamp),
}

/// Why an action is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such conversation.
    #[error("conversation not found")]
    NotFound,
    /// Nobody answers in it any more.
    #[error("the conversation is closed: its customer was erased")]
    Closed,
    /// The channel allows nothing to be sent now.
    #[error("the channel's window closed at {0}; write again once the customer has written")]
    WindowClosed(Timestamp),
    /// The channel allows nothing but an approved template to be sent now.
    #[error(
        "the channel's window closed at {0}; send an approved template as the only part, or write again once the customer has written"
    )]
    TemplateNeeded(Timestamp),
    /// The time is past.
    #[error("expected a time in the future")]
    Past,
}

/// The result of an action.
#[derive(Debug, Clone, PartialEq)]
pub struct Acted {
    /// The conversation afterwards.
    pub conversation: Conversation,
    /// The message that was added.
    pub message_id: Option<MessageId>,
}

/// Whether the platform of an inbox takes approved templates.
pub fn takes_templates(inbox: &Inbox) -> bool {
    channel_of(inbox.channel).is_some_and(|channel| channel.limits().templates)
}

/// Makes an action of an agent. `actor` is the key or the person.
///
/// # Errors
/// [`StoreError`] if the store fails; a [`Refusal`] within the result, and then nothing was written.
pub async fn act(
    tx: &mut DeskTx,
    workspace: &WorkspaceId,
    inbox: &Inbox,
    id: &ConversationId,
    action: &Action,
    actor: &str,
) -> Result<Result<Acted, Refusal>, StoreError> {
    let Some(before) = tx.conversation(workspace, id).await? else {
        return Ok(Err(Refusal::NotFound));
    };
    if before.responder == Responder::None {
        return Ok(Err(Refusal::Closed));
    }
    let now = tx.now();
    match action {
        Action::Write(parts) => {
            let closed = before.window_until.filter(|until| *until <= now);
            let has_templates = takes_templates(inbox);
            match closed {
                Some(until) if !(has_templates && is_template(parts)) => {
                    return Ok(Err(match has_templates {
                        true => Refusal::TemplateNeeded(until),
                        false => Refusal::WindowClosed(until),
                    }));
                }
                _ => {}
            }
        }
        Action::Snooze(until) if *until <= now => return Ok(Err(Refusal::Past)),
        _ => {}
    }
    let origin = Origin {
        source: "agent".to_owned(),
        actor: actor.to_owned(),
        at: now,
        cause: None,
    };
    let at = Incoming {
        workspace,
        inbox,
        origin: &origin,
    };
    let mut message_id = None;
    let facts = match action {
        Action::Write(parts) => {
            let message = AgentMessage {
                agent: actor,
                parts,
                provider_id: None,
                source_id: None,
                is_delivered: false,
            };
            let written = at.agent_writes(tx, &before, message).await?;
            message_id = written.map(|(id, _)| id);
            Vec::new()
        }
        Action::Note(parts) => {
            let (id, _) = note(tx, &at, &before, actor, parts).await?;
            message_id = Some(id);
            Vec::new()
        }
        Action::TakeOver => {
            at.cancel_bot(tx, &before).await?;
            take_over(&before, actor)
        }
        Action::GiveBack => give_back(&before, &inbox.settings),
        Action::Assign(to) if *to == before.assignee => Vec::new(),
        Action::Assign(to) => vec![Fact::Assigned { to: to.clone() }],
        Action::Resolve => {
            let mut facts = set_status(&before, ConversationStatus::Resolved, None);
            // The customer's next message is the bot's again, where the bot answers.
            facts.extend(give_back(&before, &inbox.settings));
            facts
        }
        Action::Reopen => set_status(&before, ConversationStatus::Open, None),
        Action::Wait => set_status(&before, ConversationStatus::Pending, None),
        Action::Snooze(until) => set_status(&before, ConversationStatus::Snoozed, Some(*until)),
    };
    for fact in facts {
        at.append(tx, &before, fact).await?;
    }
    let after = tx.conversation(workspace, id).await?;
    Ok(Ok(Acted {
        conversation: after.unwrap_or(before),
        message_id,
    }))
}

async fn note(
    tx: &mut DeskTx,
    at: &Incoming<'_>,
    conversation: &Conversation,
    agent: &str,
    parts: &[Part],
) -> Result<(MessageId, Seq), StoreError> {
    let id = new_message_id();
    let author = Author {
        kind: AuthorKind::Agent,
        id: agent.to_owned(),
    };
    let added = Fact::MessageAdded {
        message_id: id.clone(),
        direction: Direction::Note,
        author: author.clone(),
        answers_seq: 0,
        route: None,
        not_after: None,
    };
    let seq = at
        .append(tx, conversation, added)
        .await?
        .unwrap_or_default();
    let message = NewMessage {
        id: &id,
        conversation_id: &conversation.id,
        seq,
        inbox_id: &at.inbox.id,
        direction: Direction::Note,
        author: &author,
        parts,
        provider_message_id: None,
        at: at.origin.at,
        answer_id: None,
    };
    tx.add_message(at.workspace, message).await?;
    Ok((id, seq))
}
