//! What the knowledge half keeps of conversations on the desk is forgotten with them, and old messages are erased as their
//! inboxes say.

use ken_base::domain::WorkspaceId;
use ken_conversations::erasure::Erased;
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

/// Forgets the recorded questions, the feedback and the cases of conversations whose messages were erased.
pub async fn forget(
    learning: &Learning,
    workspace: &WorkspaceId,
    erased: &Erased,
) -> Result<Forgotten, LearnError> {
    let mut forgotten = Forgotten::default();
    for (conversation, _) in &erased.conversations {
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

/// Erases old messages of all inboxes, with what was recorded and learned from their conversations.
pub async fn erase_old(desk: &Desk, learning: &Learning) -> Result<(), RetentionError> {
    let store = &learning.store;
    for workspace in store.desk_workspaces().await? {
        for (inbox, _) in store.inboxes(&workspace).await? {
            if inbox.settings.keep_days.is_none() {
                continue;
            }
            loop {
                let erased = desk
                    .erase_old(workspace.clone(), inbox.clone(), AT_ONCE)
                    .await?;
                if erased.conversations.is_empty() {
                    break;
                }
                let n = erased.conversations.len();
                tracing::info!(
                    n_conversations = n,
                    inbox = inbox.id.as_str(),
                    "erased old messages"
                );
                forget(learning, &workspace, &erased).await?;
            }
        }
    }
    Ok(())
}
