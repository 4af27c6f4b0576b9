//! The synonyms of each workspace, cached.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use super::{RetrieveError, search_blocking};
use ken_base::domain::WorkspaceId;
use ken_store::store::Store;
use ken_text::text::Synonyms;

/// How old cached synonyms may be before the store is checked for changes by other processes.
const FRESH: Duration = Duration::from_secs(1);

/// The synonyms of every workspace: the lexicon's and its own, read from the store when they change. Clones share the
/// cache.
#[derive(Clone)]
pub struct Glossary {
    store: Store,
    cached: Arc<RwLock<HashMap<WorkspaceId, CachedSynonyms>>>,
}

struct CachedSynonyms {
    version: i64,
    read: Instant,
    synonyms: Synonyms,
}

impl Glossary {
    /// Starts with an empty cache.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            cached: Arc::default(),
        }
    }

    /// Returns a workspace's synonyms, at most a second old.
    pub async fn of(&self, workspace: &WorkspaceId) -> Result<Synonyms, RetrieveError> {
        if let Some(synonyms) = self.fresh(workspace) {
            return Ok(synonyms);
        }
        let stored = self.store.synonyms(workspace).await?;
        let synonyms = match self.unchanged(workspace, stored.version) {
            Some(synonyms) => synonyms,
            // Building a long list takes a while.
            None => search_blocking(move || Ok(Synonyms::with(&stored.groups))).await?,
        };
        let cached = CachedSynonyms {
            version: stored.version,
            read: Instant::now(),
            synonyms: synonyms.clone(),
        };
        self.cached
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .insert(workspace.clone(), cached);
        Ok(synonyms)
    }

    /// Returns the version of a workspace's own synonyms, at most a second old.
    pub async fn version(&self, workspace: &WorkspaceId) -> Result<i64, RetrieveError> {
        self.of(workspace).await?;
        let cached = self
            .cached
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        Ok(cached.get(workspace).map_or(0, |cached| cached.version))
    }

    /// Drops a workspace from the cache, so that the next question reads its synonyms again.
    pub fn invalidate(&self, workspace: &WorkspaceId) {
        self.cached
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .remove(workspace);
    }

    fn fresh(&self, workspace: &WorkspaceId) -> Option<Synonyms> {
        self.read(workspace, |cached| cached.read.elapsed() < FRESH)
    }

    fn unchanged(&self, workspace: &WorkspaceId, version: i64) -> Option<Synonyms> {
        self.read(workspace, |cached| cached.version == version)
    }

    fn read(
        &self,
        workspace: &WorkspaceId,
        will_do: impl Fn(&CachedSynonyms) -> bool,
    ) -> Option<Synonyms> {
        let cached = self
            .cached
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let cached = cached.get(workspace).filter(|cached| will_do(cached))?;
        Some(cached.synonyms.clone())
    }
}
