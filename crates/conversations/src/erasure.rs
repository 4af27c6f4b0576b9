//! Erasure: texts and identity values are overwritten; the log stays valid, and what it counts stays.

use jiff::{SignedDuration, Timestamp};

use crate::intake::Incoming;
use ken_base::desk::{
    Conversation, ConversationId, Fact, IdentityId, Inbox, Responder, ResponderReason,
};
use ken_base::domain::WorkspaceId;
use ken_customers::identify::Origin;
use ken_store::store::StoreError;
use ken_store::store::desk::DeskTx;

/// What was erased.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    /// How many identities lost their value and name.
    pub n_identities: usize,
    /// The conversations whose messages were emptied, each with the answers among them.
    pub conversations: Vec<(ConversationId, Vec<String>)>,
}

/// Erases the customer of an identity.
///
/// # Errors
/// [`StoreError`] if the store fails. Then the transaction must not be committed.
pub async fn erase(
    tx: &mut DeskTx,
    workspace: &WorkspaceId,
    any: &IdentityId,
    actor: &str,
) -> Result<Erased, StoreError> {
    let mut erased = Erased::default();
    let origin = origin(actor, tx.now());
    for identity in tx.identities_of_customer(workspace, any).await? {
        for conversation in tx.conversations_of(workspace, &identity.id).await? {
            close(tx, workspace, &conversation, &origin).await?;
            erase_messages(tx, workspace, &conversation.id, None, &mut erased).await?;
        }
        tx.erase_identity_value(workspace, &identity.id).await?;
        let event = origin.about(&identity.id, Fact::IdentityErased);
        tx.append(workspace, event).await?;
        erased.n_identities += 1;
    }
    Ok(erased)
}

/// Ends a conversation and erases its messages.
///
/// # Errors
/// As of [`erase`].
pub async fn erase_conversation(
    tx: &mut DeskTx,
    workspace: &WorkspaceId,
    id: &ConversationId,
    actor: &str,
) -> Result<Erased, StoreError> {
    let mut erased = Erased::default();
    let origin = origin(actor, tx.now());
    if let Some(conversation) = tx.conversation(workspace, id).await? {
        close(tx, workspace, &conversation, &origin).await?;
        erase_messages(tx, workspace, id, None, &mut erased).await?;
    }
    Ok(erased)
}

fn origin(actor: &str, at: Timestamp) -> Origin {
    Origin {
        source: "agent".to_owned(),
        actor: actor.to_owned(),
        at,
        cause: None,
    }
}

/// The time before which an inbox keeps no messages; `None` if it keeps all.
pub fn kept_since(inbox: &Inbox, now: Timestamp) -> Option<Timestamp> {
    let days = inbox.settings.keep_days?;
    let kept = SignedDuration::from_hours(24 * i64::from(days));
    Some(now.checked_sub(kept).unwrap_or(Timestamp::MIN))
}

/// Erases the messages of conversations that were written before a time.
///
/// # Errors
/// As of [`erase`].
pub async fn erase_before(
    tx: &mut DeskTx,
    workspace: &WorkspaceId,
    conversations: &[ConversationId],
    before: Timestamp,
) -> Result<Erased, StoreError> {
    let mut erased = Erased::default();
    for id in conversations {
        erase_messages(tx, workspace, id, Some(before), &mut erased).await?;
    }
    Ok(erased)
}

async fn erase_messages(
    tx: &mut DeskTx,
    workspace: &WorkspaceId,
    id: &ConversationId,
    before: Option<Timestamp>,
    erased: &mut Erased,
) -> Result<(), StoreError> {
    let answers = tx.erase_messages(workspace, id, before).await?;
    erased.conversations.push((id.clone(), answers));
    Ok(())
}

/// Ends a conversation: nobody answers in it any more, and nothing that waits is sent.
async fn close(
    tx: &mut DeskTx,
    workspace: &WorkspaceId,
    conversation: &Conversation,
    origin: &Origin,
) -> Result<(), StoreError> {
    if conversation.responder == Responder::None {
        return Ok(());
    }
    for (message_id, attempt) in tx.queued_of(workspace, &conversation.id, None).await? {
        let cancelled = Incoming::cancelled(message_id, attempt);
        let event = origin.in_conversation(conversation, cancelled);
        tx.append(workspace, event).await?;
    }
    let closed = Fact::ResponderChanged {
        to: Responder::None,
        reason: ResponderReason::Erased,
    };
    let event = origin.in_conversation(conversation, closed);
    tx.append(workspace, event).await?;
    Ok(())
}
