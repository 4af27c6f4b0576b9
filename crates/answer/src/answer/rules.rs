use std::collections::{HashMap, HashSet};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use ken_base::domain::Level;
use ken_base::domain::{DocumentId, Experiment, Tuning, Tunings, WorkspaceId};
use ken_store::store::{Store, StoreError};

/// What a workspace has decided, or learned, of how it answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules {
    pub level: Option<Level>,
    pub tuning: Tuning,
    /// Versions that no answer may rest on.
    pub distrusted: HashSet<(DocumentId, i64)>,
    /// Those that run.
    pub experiments: Vec<Experiment>,
}

/// How old they may be before the store is asked whether another process changed them.
const FRESH: Duration = Duration::from_secs(1);

type Known = HashMap<WorkspaceId, (Instant, Arc<Rules>)>;

/// The rules of every workspace, read from the store when they are a second old or were changed here.
#[derive(Clone)]
pub struct RuleBook {
    store: Store,
    known: Arc<RwLock<Known>>,
}

impl RuleBook {
    pub fn new(store: Store) -> Self {
        Self {
            store,
            known: Arc::default(),
        }
    }

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

    /// Makes the next question read them anew.
    pub fn forget(&self, workspace: &WorkspaceId) {
        let mut known = self
            .known
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        known.remove(workspace);
    }
}
