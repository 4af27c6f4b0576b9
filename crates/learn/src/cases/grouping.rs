//! Locks that let one task at a time change the drafts of a workspace. Workspaces do not block each other, and no lock
//! is held while a question is answered, except for a batch of cases after too many conflicts.
//!
//! Slow work (the gate, the comparison of a draft with the knowledge) runs without the lock. Its result is written
//! under the lock, and only if the drafts and the counters of [`Grouping`] are still those that it was computed from.
//! Otherwise the work is repeated.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::group::Groups;
use ken_base::domain::WorkspaceId;

/// The groups of a workspace in memory, and counters of changes to its drafts.
#[derive(Default)]
pub struct Grouping {
    /// `None` if the groups have to be loaded from the store.
    pub groups: Option<Groups>,
    n_changes: u64,
    n_published: u64,
}

impl Grouping {
    /// Records that drafts changed: discards the groups in memory and invalidates work in progress.
    pub fn changed(&mut self) {
        self.groups = None;
        self.n_changes += 1;
    }

    /// Records that a draft is being published, so that comparisons with the knowledge have to be repeated.
    pub fn publishes(&mut self) {
        self.n_published += 1;
    }

    /// The number of published drafts since the process started. A different number means that the knowledge has
    /// changed.
    pub fn n_published(&self) -> u64 {
        self.n_published
    }

    /// The number of draft changes since the process started. A different number means that drafts have changed.
    pub fn n_changes(&self) -> u64 {
        self.n_changes
    }
}

/// The locks and groups of all workspaces in use. Clones share them.
#[derive(Clone, Default)]
pub struct Groupings(Arc<Mutex<HashMap<WorkspaceId, Handle>>>);

type Handle = Arc<tokio::sync::Mutex<Grouping>>;

impl Groupings {
    /// The lock of a workspace, created on first use.
    pub fn of(&self, workspace: &WorkspaceId) -> Handle {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(workspace.clone()).or_default().clone()
    }

    /// Drops the groups of all other workspaces that no task is using, so that memory holds one workspace's groups.
    pub fn retain(&self, workspace: &WorkspaceId) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|of, handle| of == workspace || Arc::strong_count(handle) > 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grouping_lock_is_per_workspace() {
        let groupings = Groupings::default();
        let [one, other] = ["one", "other"].map(|id| WorkspaceId::parse(id).unwrap());
        let held = groupings.of(&one);
        let _held = held.try_lock().unwrap();
        assert!(groupings.of(&one).try_lock().is_err());
        assert!(groupings.of(&other).try_lock().is_ok());
        groupings.retain(&other);
        assert!(
            groupings.of(&one).try_lock().is_err(),
            "what is in use stays the same lock"
        );
    }
}
