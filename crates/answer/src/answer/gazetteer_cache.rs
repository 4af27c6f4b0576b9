//! The names in each workspace's titles, cached.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::understand::Gazetteer;
use ken_base::blocking::blocking;
use ken_base::domain::{DocumentStatus, Metadata, Revision, WorkspaceId};
use ken_store::store::{Store, StoreError};

/// The names of a changed workspace are read again at most this often, and at most a fiftieth of the time is spent on
/// it.
const FRESH: Duration = Duration::from_secs(2);
/// See [`FRESH`].
const SHARE_OF_TIME: u32 = 50;

/// The names in each workspace's titles. They are read when a conversation first needs them, and again after changes.
/// Clones share the cache.
#[derive(Clone)]
pub struct GazetteerCache {
    store: Store,
    cached: Arc<Mutex<HashMap<WorkspaceId, CachedGazetteer>>>,
}

#[derive(Clone)]
struct CachedGazetteer {
    revision: Revision,
    read: Instant,
    took: Duration,
    names: Arc<Gazetteer>,
}

impl GazetteerCache {
    /// Starts with an empty cache.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            cached: Arc::default(),
        }
    }

    /// Returns the names of a workspace. They may lag behind the store for a few seconds.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn of(&self, workspace: &WorkspaceId) -> Result<Arc<Gazetteer>, StoreError> {
        let cached = self.lock().get(workspace).cloned();
        if let Some(cached) = cached {
            let is_fresh = cached.read.elapsed() < FRESH.max(cached.took * SHARE_OF_TIME);
            if is_fresh || cached.revision == self.store.revision(workspace).await? {
                return Ok(cached.names);
            }
        }
        let start = Instant::now();
        let revision = self.store.revision(workspace).await?;
        let documents = self.store.all_documents(workspace).await?;
        // Names in restricted documents are not carried into questions.
        let (at, everybody) = (self.store.now(), &[]);
        let is_open = |metadata: &Metadata| {
            metadata.status == DocumentStatus::Published && metadata.visible(everybody, None, at)
        };
        let published = documents
            .into_iter()
            .filter(|document| is_open(&document.metadata))
            .map(|document| (document.id, document.metadata.title));
        let titles: Vec<_> = published.collect();
        let names = Arc::new(blocking(move || Gazetteer::of(titles)).await);
        let cached = CachedGazetteer {
            revision,
            read: Instant::now(),
            took: start.elapsed(),
            names: names.clone(),
        };
        self.lock().insert(workspace.clone(), cached);
        Ok(names)
    }

    /// Drops a workspace from the cache.
    pub fn invalidate(&self, workspace: &WorkspaceId) {
        self.lock().remove(workspace);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<WorkspaceId, CachedGazetteer>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
