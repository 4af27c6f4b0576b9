//! What the knowledge half keeps of conversations on the desk is forgotten with them, and old messages are erased as their
//! inboxes say.

use ken_base::desk::{ConversationId, Inbox};
use ken_base::domain::WorkspaceId;
use ken_conversations::erasure::kept_since;
use ken_conversations::service::Desk;
use ken_conversations::writer::WriteError;
use ken_learn::learn::{LearnError, Learning};
use ken_store::store::StoreError;

/// Conversations whose old messages are erased in one transaction.
const AT_ONCE: i64 = 100;
/// The most answers of a conversation that are looked at.
const MAX_TURNS: i64 = 10_000;

/// Why old messages could not be erased. What was erased stays erased.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The messages could not be erased.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// What was learned from them could not be forgotten.
    #[error(transparent)]
    Learn(#[from] LearnError),
}

/// What was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// How many recorded questions with their answers.
    pub n_turns: u64,
    /// How many cases.
    pub n_cases: usize,
}

/// Forgets the recorded questions, the feedback and the cases of conversations. Doing it again changes nothing.
pub async fn forget(
    learning: &Learning,
    workspace: &WorkspaceId,
    conversations: &[ConversationId],
) -> Result<Forgotten, LearnError> {
    let mut forgotten = Forgotten::default();
    for conversation in conversations {
        let id = conversation.as_str();
        let turns = learning
            .store
            .recent_turns(workspace, id, MAX_TURNS)
            .await?;
        let answers: Vec<String> = turns.into_iter().map(|turn| turn.answer.id).collect();
        forgotten.n_cases += learning
            .forget_conversation(workspace, id, &answers)
            .await?;
        forgotten.n_turns += learning.answerer.forget(workspace, id).await?;
    }
    Ok(forgotten)
}

/// Erases old messages of all inboxes, also of disconnected ones, with what was recorded and learned from their conversations. An inbox that fails is
/// tried again the next time and does not stop the others.
pub async fn erase_old(desk: &Desk, learning: &Learning) -> Result<(), RetentionError> {
    let store = &learning.store;
    for workspace in store.desk_workspaces().await? {
        for inbox in store.all_inboxes(&workspace).await? {
            if let Err(error) = erase_old_of(desk, learning, &workspace, &inbox).await {
                tracing::error!(%error, inbox = inbox.id.as_str(), "cannot erase old messages");
            }
        }
    }
    Ok(())
}

async fn erase_old_of(
    desk: &Desk,
    learning: &Learning,
    workspace: &WorkspaceId,
    inbox: &Inbox,
) -> Result<(), RetentionError> {
    let store = &learning.store;
    let Some(before) = kept_since(inbox, store.now()) else {
        return Ok(());
    };
    loop {
        let old = store.conversations_with_messages_before(workspace, &inbox.id, before, AT_ONCE);
        let old = old.await?;
        if old.is_empty() {
            return Ok(());
        }
        // Forgotten first: after a crash in between, the messages are still there and lead here again.
        forget(learning, workspace, &old).await?;
        let n = old.len();
        desk.erase_before(workspace.clone(), old, before).await?;
        tracing::info!(
            n_conversations = n,
            inbox = inbox.id.as_str(),
            "erased old messages"
        );
    }
}
