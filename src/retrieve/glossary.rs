use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use crate::domain::WorkspaceId;
use crate::store::{Store, StoreError};
use crate::text::Synonyms;

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
    pub async fn of(&self, workspace: &WorkspaceId) -> Result<Synonyms, StoreError> {
        if let Some(synonyms) = self.fresh(workspace) {
            return Ok(synonyms);
        }
        let stored = self.store.synonyms(workspace).await?;
        let mut known = self
            .known
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let synonyms = match known.get(workspace) {
            Some(known) if known.version == stored.version => known.synonyms.clone(),
            _ => Synonyms::with(&stored.groups),
        };
        known.insert(
            workspace.clone(),
            Known {
                version: stored.version,
                read: Instant::now(),
                synonyms: synonyms.clone(),
            },
        );
        Ok(synonyms)
    }

    /// Makes the next question read them anew.
    pub fn forget(&self, workspace: &WorkspaceId) {
        self.known
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .remove(workspace);
    }

    fn fresh(&self, workspace: &WorkspaceId) -> Option<Synonyms> {
        let known = self
            .known
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let known = known.get(workspace)?;
        (known.read.elapsed() < FRESH).then(|| known.synonyms.clone())
    }
}
