//! The names in each workspace's titles, cached.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::understand::Names;
use ken_base::blocking::blocking;
use ken_base::domain::{Metadata, Revision, Status, WorkspaceId};
use ken_store::store::{Store, StoreError};

/// The names of a changed workspace are read again at most this often, and at most a fiftieth of the time is spent on
/// it.
const FRESH: Duration = Duration::from_secs(2);
/// See [`FRESH`].
const SHARE_OF_TIME: u32 = 50;

/// The names in each workspace's titles. They are read when a conversation first needs them, and again after changes.
/// Clones share the cache.
#[derive(Clone)]
pub struct Catalogue {
    store: Store,
    known: Arc<Mutex<HashMap<WorkspaceId, Known>>>,
}

#[derive(Clone)]
struct Known {
    revision: Revision,
    read: Instant,
    took: Duration,
    names: Arc<Names>,
}

impl Catalogue {
    /// Starts with an empty cache.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            known: Arc::default(),
        }
    }

    /// Returns the names of a workspace. They may lag behind the store for a few seconds.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn of(&self, workspace: &WorkspaceId) -> Result<Arc<Names>, StoreError> {
        let known = self.lock().get(workspace).cloned();
        if let Some(known) = known {
            let is_fresh = known.read.elapsed() < FRESH.max(known.took * SHARE_OF_TIME);
            if is_fresh || known.revision == self.store.revision(workspace).await? {
                return Ok(known.names);
            }
        }
        let start = Instant::now();
        let revision = self.store.revision(workspace).await?;
        let documents = self.store.all_documents(workspace).await?;
        // Names in restricted documents are not carried into questions.
        let (at, everybody) = (self.store.now(), &[]);
        let is_open = |metadata: &Metadata| {
            metadata.status == Status::Published && metadata.visible(everybody, None, at)
        };
        let published = documents
            .into_iter()
            .filter(|document| is_open(&document.metadata))
            .map(|document| (document.id, document.metadata.title));
        let titles: Vec<_> = published.collect();
        let names = Arc::new(blocking(move || Names::of(titles)).await);
        let known = Known {
            revision,
            read: Instant::now(),
            took: start.elapsed(),
            names: names.clone(),
        };
        self.lock().insert(workspace.clone(), known);
        Ok(names)
    }

    /// Drops a workspace from the cache.
    pub fn forget(&self, workspace: &WorkspaceId) {
        self.lock().remove(workspace);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<WorkspaceId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
