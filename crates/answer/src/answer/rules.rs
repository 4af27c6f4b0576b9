//! The settings by which each workspace answers, cached.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use ken_base::domain::Level;
use ken_base::domain::{DocumentId, Experiment, Tuning, Tunings, WorkspaceId};
use ken_store::store::{Store, StoreError};

/// A workspace's settings for answering, chosen or learned.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules {
    /// The chosen level of confidence.
    pub level: Option<Level>,
    /// The learned settings.
    pub tuning: Tuning,
    /// Document versions that no answer may use.
    pub distrusted: HashSet<(DocumentId, i64)>,
    /// The running experiments.
    pub experiments: Vec<Experiment>,
}

/// How old cached rules may be before the store is checked for changes by other processes.
const FRESH: Duration = Duration::from_secs(1);

type Known = HashMap<WorkspaceId, (Instant, Arc<Rules>)>;

/// The rules of every workspace, read from the store if they are a second old or were changed here. Clones share the
/// cache.
#[derive(Clone)]
pub struct RuleBook {
    store: Store,
    known: Arc<RwLock<Known>>,
}

impl RuleBook {
    /// Starts with an empty cache.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            known: Arc::default(),
        }
    }

    /// Returns a workspace's rules, at most a second old.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn of(&self, workspace: &WorkspaceId) -> Result<Arc<Rules>, StoreError> {
        if let Some(rules) = self.fresh(workspace) {
            return Ok(rules);
        }
        let rules = Arc::new(Rules {
            level: self.store.level(workspace).await?,
            tuning: self
                .store
                .setting::<Tunings>(workspace, Tunings::NAME)
                .await?
                .unwrap_or_default()
                .in_force,
            distrusted: self.store.distrusted(workspace).await?,
            experiments: self.store.experiments(workspace, true).await?,
        });
        let mut known = self
            .known
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        known.insert(workspace.clone(), (Instant::now(), rules.clone()));
        Ok(rules)
    }

    fn fresh(&self, workspace: &WorkspaceId) -> Option<Arc<Rules>> {
        let known = self
            .known
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let fresh = known
            .get(workspace)
            .filter(|(read, _)| read.elapsed() < FRESH);
        fresh.map(|(_, rules)| rules.clone())
    }

    /// Drops a workspace from the cache, so that the next question reads its rules again.
    pub fn forget(&self, workspace: &WorkspaceId) {
        let mut known = self
            .known
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        known.remove(workspace);
    }
}
