//! The settings by which each workspace answers, cached.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use ken_base::domain::Level;
use ken_base::domain::{DocumentId, Experiment, Tuning, TuningHistory, WorkspaceId};
use ken_store::store::{Store, StoreError};

/// A workspace's settings for answering, chosen or learned.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AnswerSettings {
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

type CachedSettings = HashMap<WorkspaceId, (Instant, Arc<AnswerSettings>)>;

/// The rules of every workspace, read from the store if they are a second old or were changed here. Clones share the
/// cache.
#[derive(Clone)]
pub struct SettingsCache {
    store: Store,
    cached: Arc<RwLock<CachedSettings>>,
}

impl SettingsCache {
    /// Starts with an empty cache.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            cached: Arc::default(),
        }
    }

    /// Returns a workspace's rules, at most a second old.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn of(&self, workspace: &WorkspaceId) -> Result<Arc<AnswerSettings>, StoreError> {
        if let Some(settings) = self.fresh(workspace) {
            return Ok(settings);
        }
        let settings = Arc::new(AnswerSettings {
            level: self.store.level(workspace).await?,
            tuning: self
                .store
                .setting::<TuningHistory>(workspace, TuningHistory::NAME)
                .await?
                .unwrap_or_default()
                .in_force,
            distrusted: self.store.distrusted(workspace).await?,
            experiments: self.store.experiments(workspace, true).await?,
        });
        let mut cached = self
            .cached
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        cached.insert(workspace.clone(), (Instant::now(), settings.clone()));
        Ok(settings)
    }

    fn fresh(&self, workspace: &WorkspaceId) -> Option<Arc<AnswerSettings>> {
        let cached = self
            .cached
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let fresh = cached
            .get(workspace)
            .filter(|(read, _)| read.elapsed() < FRESH);
        fresh.map(|(_, settings)| settings.clone())
    }

    /// Drops a workspace from the cache, so that the next question reads its rules again.
    pub fn invalidate(&self, workspace: &WorkspaceId) {
        let mut cached = self
            .cached
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        cached.remove(workspace);
    }
}
