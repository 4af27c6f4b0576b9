//! Who may change a workspace's drafts: one at a time, each workspace for itself, and nobody while a question is answered.
//!
//! What takes long (asking the gate, comparing a draft with what is known) is worked out without the lock. Before it is
//! written the lock is taken and what it was worked out from is compared with what is there; where it differs, it is
//! worked out anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::group::Groups;
use ken_base::domain::WorkspaceId;

/// A workspace's groups in memory, and how often its drafts were changed.
#[derive(Default)]
pub struct Grouping {
    /// `None` where they have to be read from the store.
    pub groups: Option<Groups>,
    n_changes: u64,
    n_published: u64,
}

impl Grouping {
    /// Says that drafts were changed: what is worked out at the moment does not hold, and the groups are read anew.
    pub fn changed(&mut self) {
        self.groups = None;
        self.n_changes += 1;
    }

    /// Says that a draft becomes knowledge: what was held against the knowledge before has to be held against it anew.
    pub fn publishes(&mut self) {
        self.n_published += 1;
    }

    /// Differs where drafts were published in between.
    pub fn n_published(&self) -> u64 {
        self.n_published
    }

    /// Differs where drafts were changed in between.
    pub fn n_changes(&self) -> u64 {
        self.n_changes
    }
}

/// The locks of all workspaces that are in use. Clones share them.
#[derive(Clone, Default)]
pub struct Groupings(Arc<Mutex<HashMap<WorkspaceId, Handle>>>);

type Handle = Arc<tokio::sync::Mutex<Grouping>>;

impl Groupings {
    pub fn of(&self, workspace: &WorkspaceId) -> Handle {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(workspace.clone()).or_default().clone()
    }

    /// Frees the groups of all other workspaces that nobody works on: the memory of one is held.
    pub fn keep_only(&self, workspace: &WorkspaceId) {
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
        groupings.keep_only(&other);
        assert!(
            groupings.of(&one).try_lock().is_err(),
            "what is in use stays the same lock"
        );
    }
}
