//! The order of turns within a conversation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::OwnedMutexGuard;

use ken_base::domain::WorkspaceId;

type ConversationKey = (WorkspaceId, String);

/// Runs one turn at a time in each conversation, in order of arrival, so that a later turn sees the earlier answer.
#[derive(Clone, Default)]
pub struct ConversationLocks {
    under_way: Arc<Mutex<HashMap<ConversationKey, Weak<tokio::sync::Mutex<()>>>>>,
}

impl ConversationLocks {
    /// Waits for the conversation's earlier turns. The next turn starts when the guard is dropped.
    pub async fn wait(&self, workspace: &WorkspaceId, conversation: &str) -> OwnedMutexGuard<()> {
        let key = (workspace.clone(), conversation.to_owned());
        let turn = {
            let mut under_way = self
                .under_way
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let known = under_way.get(&key).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                under_way.retain(|_, turn| turn.strong_count() > 0);
                let turn = Arc::new(tokio::sync::Mutex::new(()));
                under_way.insert(key, Arc::downgrade(&turn));
                turn
            })
        };
        // First come, first served.
        turn.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turns_of_one_conversation_run_sequentially() {
        let turns = ConversationLocks::default();
        let workspace = WorkspaceId::parse("w").unwrap();
        let first = turns.wait(&workspace, "a").await;
        let other = turns.wait(&workspace, "b").await;
        let waiting = turns.wait(&workspace, "a");
        tokio::pin!(waiting);
        assert!(
            futures_util::poll!(&mut waiting).is_pending(),
            "the first is not over"
        );
        drop(first);
        let second = waiting.await;
        drop((second, other));
        drop(turns.wait(&workspace, "c").await);
        assert_eq!(
            turns.under_way.lock().unwrap().len(),
            1,
            "what is over is forgotten"
        );
    }
}
