use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use super::{RetrieveError, computing};
use ken_base::domain::WorkspaceId;
use ken_store::store::Store;
use ken_text::text::Synonyms;

/// How old a workspace's synonyms may be before the store is asked whether another process changed them.
const FRESH: Duration = Duration::from_secs(1);

/// The synonyms of every workspace: the lexicon's and its own, read from the store when they change.
#[derive(Clone)]
pub struct Glossary {
    store: Store,
    known: Arc<RwLock<HashMap<WorkspaceId, Known>>>,
}

struct Known {
    version: i64,
    read: Instant,
    synonyms: Synonyms,
}

impl Glossary {
    pub fn new(store: Store) -> Self {
        Self {
            store,
            known: Arc::default(),
        }
    }

    /// At most a second old.
    pub async fn of(&self, workspace: &WorkspaceId) -> Result<Synonyms, RetrieveError> {
        if let Some(synonyms) = self.fresh(workspace) {
            return Ok(synonyms);
        }
        let stored = self.store.synonyms(workspace).await?;
        let synonyms = match self.unchanged(workspace, stored.version) {
            Some(synonyms) => synonyms,
            // A long list takes a while to build.
            None => computing(move || Ok(Synonyms::with(&stored.groups))).await?,
        };
        let known = Known {
            version: stored.version,
            read: Instant::now(),
            synonyms: synonyms.clone(),
        };
        self.known
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .insert(workspace.clone(), known);
        Ok(synonyms)
    }

    /// Which version of its own synonyms a workspace goes by; at most a second old.
    pub async fn version(&self, workspace: &WorkspaceId) -> Result<i64, RetrieveError> {
        self.of(workspace).await?;
        let known = self
            .known
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        Ok(known.get(workspace).map_or(0, |known| known.version))
    }

    /// Makes the next question read them anew.
    pub fn forget(&self, workspace: &WorkspaceId) {
        self.known
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .remove(workspace);
    }

    fn fresh(&self, workspace: &WorkspaceId) -> Option<Synonyms> {
        self.read(workspace, |known| known.read.elapsed() < FRESH)
    }

    fn unchanged(&self, workspace: &WorkspaceId, version: i64) -> Option<Synonyms> {
        self.read(workspace, |known| known.version == version)
    }

    fn read(&self, workspace: &WorkspaceId, will_do: impl Fn(&Known) -> bool) -> Option<Synonyms> {
        let known = self
            .known
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let known = known.get(workspace).filter(|known| will_do(known))?;
        Some(known.synonyms.clone())
    }
}
