//! The [`Follower`]: a background task that applies the store's change log to the keyword and vector indexes.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{ChunkEncoding, IndexError, Indexes, VectorEntry, VectorStore, WorkspaceIndex};
use crate::embed::{EmbedError, Embedder};
use crate::vectors::VectorsError;
use ken_base::background::Background;
use ken_base::blocking::blocking;
use ken_base::domain::{DocumentId, Revision, WorkspaceId};
use ken_store::store::{IndexEntry, Store, StoreError};

/// How many changes are applied at a time while texts have to be encoded: a few seconds of work between commits.
const MIN_BATCH: i64 = 32;
/// How many changes are applied at a time when all vectors are cached, such as after `ken rebuild`.
const MAX_BATCH: i64 = 4_096;
/// The minimum time between two vector snapshots of a busy workspace. A snapshot writes the whole graph. After a crash
/// the log is replayed from the snapshot, with cached vectors.
const SAVE_EVERY: Duration = Duration::from_secs(30);
/// Writing snapshots takes at most one part in this many of the time, however large the graph is.
const SAVE_SHARE: u32 = 50;

/// How long after the last change the keyword index is compacted. Not tuned.
const QUIET: Duration = Duration::from_secs(2);

/// The longest pause after a failed pass. It bounds the delay after a dependency is available again.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// A reason why a pass failed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An index failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The encoder failed.
    #[error(transparent)]
    Embed(#[from] EmbedError),
}

impl From<VectorsError> for FollowError {
    fn from(error: VectorsError) -> Self {
        match error {
            VectorsError::Store(error) => Self::Store(error),
            VectorsError::Embed(error) => Self::Embed(error),
        }
    }
}

impl FollowError {
    fn is_of_vectors(&self) -> bool {
        match self {
            Self::Embed(_) => true,
            Self::Index(error) => error.is_of_vectors(),
            Self::Store(_) => false,
        }
    }
}

/// How far the indexes have followed the store.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IndexingProgress {
    /// The revision that both indexes hold, by workspace.
    pub indexed: HashMap<WorkspaceId, Revision>,
    /// The revision that the keyword index holds, by workspace.
    pub words: HashMap<WorkspaceId, Revision>,
    /// The error of the last pass, if it failed.
    pub error: Option<String>,
    /// Whether only the vectors failed, so that keyword search is up to date.
    pub lacks_vectors: bool,
    /// How many texts have been encoded since the start of the process.
    pub n_encoded: u64,
}

/// Reads the change log in order and brings both indexes to the store's revision, in one background task.
///
/// A failed pass is retried with growing pauses. Acknowledged changes are safe in the store meanwhile.
pub struct Follower {
    wake: watch::Sender<()>,
    publish: watch::Sender<IndexingProgress>,
    progress: watch::Receiver<IndexingProgress>,
    task: Background,
}

impl Follower {
    /// Starts following. `leads` says whether this process writes shared data (the vectors in a cluster). `poll` is the
    /// interval at which changes by other processes are looked for.
    pub fn start(
        store: Store,
        indexes: Arc<Indexes>,
        embedder: Embedder,
        leads: watch::Receiver<bool>,
        poll: Duration,
    ) -> Self {
        let (wake, woken) = watch::channel(());
        let (publish, progress) = watch::channel(IndexingProgress::default());
        let worker = FollowerTask {
            store,
            indexes,
            embedder,
            leads,
            publish: publish.clone(),
            save_at: HashMap::new(),
            last_change: HashMap::new(),
            compacting: None,
        };
        let task = Background::start("the follower", |stopped| worker.run(woken, stopped, poll));
        Self {
            wake,
            publish,
            progress,
            task,
        }
    }

    /// Announces a change to read.
    pub fn wake(&self) {
        self.wake.send_replace(());
    }

    /// Forgets the progress of a deleted workspace, so that a new one of the same name starts from zero.
    pub fn forget(&self, workspace: &WorkspaceId) {
        self.publish.send_modify(|progress| {
            progress.indexed.remove(workspace);
            progress.words.remove(workspace);
        });
    }

    /// Returns [`Follower::wake`] as a function that may outlive the borrow.
    pub fn waker(&self) -> impl Fn() + Clone + Send + Sync + 'static {
        let wake = self.wake.clone();
        move || {
            wake.send_replace(());
        }
    }

    /// Returns a receiver of the progress.
    pub fn progress(&self) -> watch::Receiver<IndexingProgress> {
        self.progress.clone()
    }

    /// Waits until both indexes of a workspace hold `revision`. Returns `false` if `patience` passes first.
    pub async fn wait_for(
        &self,
        workspace: &WorkspaceId,
        revision: Revision,
        patience: Duration,
    ) -> bool {
        let mut progress = self.progress.clone();
        let reached =
            progress.wait_for(|p| p.indexed.get(workspace).copied().unwrap_or(0) >= revision);
        matches!(tokio::time::timeout(patience, reached).await, Ok(Ok(_)))
    }

    /// Stops after the current pass and saves everything.
    pub async fn stop(&self) {
        self.task.stop().await;
    }
}

/// The chunk keys to remove, the chunks to add, and the revision after that.
type ChangeBatch = (Vec<Range<u32>>, Vec<IndexEntry>, Revision);

/// The time since which a workspace's keyword index has been unchanged.
struct LastChange {
    revision: Revision,
    since: Instant,
    /// Whether it was compacted since.
    is_compact: Arc<AtomicBool>,
}

struct FollowerTask {
    store: Store,
    indexes: Arc<Indexes>,
    embedder: Embedder,
    leads: watch::Receiver<bool>,
    publish: watch::Sender<IndexingProgress>,
    /// When each workspace's vectors are due to be saved again.
    save_at: HashMap<WorkspaceId, Instant>,
    last_change: HashMap<WorkspaceId, LastChange>,
    compacting: Option<JoinHandle<()>>,
}

impl FollowerTask {
    async fn run(
        mut self,
        mut woken: watch::Receiver<()>,
        mut stop: watch::Receiver<bool>,
        poll: Duration,
    ) {
        let mut pause = poll;
        let mut leads = self.leads.clone();
        loop {
            match self.catch_up(&stop).await {
                Ok(()) => {
                    pause = poll;
                    self.publish.send_if_modified(|p| {
                        p.lacks_vectors = false;
                        p.error.take().is_some()
                    });
                }
                // The workspace was deleted during the pass; the others have waited for it.
                Err(FollowError::Index(IndexError::Ended)) => continue,
                Err(error) => {
                    tracing::error!(%error, retry_ms = pause.as_millis() as u64, "indexing failed; retrying");
                    self.publish.send_modify(|p| {
                        p.lacks_vectors = error.is_of_vectors();
                        p.error = Some(error.to_string());
                    });
                    pause = (pause * 2).min(MAX_PAUSE);
                }
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                _ = woken.changed() => {}
                // A closed channel: this process can never lead.
                Ok(()) = leads.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        if let Some(compacting) = self.compacting.take() {
            // A failed merge loses nothing and has been logged.
            let _ = compacting.await;
        }
        let indexes = self.indexes.clone();
        match tokio::task::spawn_blocking(move || indexes.save()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(%error, "vector snapshot failed; the next start re-indexes the changes")
            }
            Err(error) => tracing::error!(%error, "vector snapshot task panicked"),
        }
    }

    /// Brings every workspace to the store's revision.
    async fn catch_up(&mut self, stop: &watch::Receiver<bool>) -> Result<(), FollowError> {
        if self.leads() {
            self.store.promote_due().await?;
        }
        let workspaces = self.store.workspaces().await?;
        self.retain_workspaces(&workspaces).await?;
        let mut open = Vec::with_capacity(workspaces.len());
        for (workspace, newest) in &workspaces {
            let index = self.open(workspace, *newest).await?;
            open.push((workspace, index, *newest));
        }
        // Concurrently: the keyword index does not wait for the encoder, and each leaves a core idle at times. Both run
        // to their end, so that the next pass never meets an unfinished write.
        let by_vectors = async {
            self.refresh_cluster(&workspaces).await?;
            self.index_all_vectors(&open, stop).await
        };
        let (words, vectors) = tokio::join!(self.index_all_keywords(&open, stop), by_vectors);
        words.and(vectors)?;
        for (workspace, index, _) in &open {
            // It may have been deleted meanwhile.
            if self.indexes.find(workspace).is_some() {
                self.report(workspace, index);
                self.save_if_due(workspace, index).await?;
                self.compact_if_quiet(workspace, index);
            }
        }
        Ok(())
    }

    async fn index_all_keywords(
        &self,
        open: &[(&WorkspaceId, Arc<WorkspaceIndex>, Revision)],
        stop: &watch::Receiver<bool>,
    ) -> Result<(), FollowError> {
        for (workspace, index, newest) in open {
            if !self.indexes.is_writer() {
                let index = index.clone();
                blocking(move || index.keyword.refresh()).await?;
                continue;
            }
            let mut batch = MIN_BATCH;
            while index.keyword.revision() < *newest
                && !*stop.borrow()
                && self.index_keywords(workspace, index, batch).await?
            {
                batch = (batch * 4).min(MAX_BATCH);
            }
        }
        Ok(())
    }

    async fn index_all_vectors(
        &self,
        open: &[(&WorkspaceId, Arc<WorkspaceIndex>, Revision)],
        stop: &watch::Receiver<bool>,
    ) -> Result<(), FollowError> {
        for (workspace, index, newest) in open {
            let mut batch = Some(MIN_BATCH);
            while let Some(size) = batch
                && index.vectors.revision() < *newest
                && !*stop.borrow()
            {
                batch = self.index_vectors(workspace, index, size).await?;
                self.report(workspace, index);
            }
        }
        Ok(())
    }

    async fn open(
        &self,
        workspace: &WorkspaceId,
        newest: Revision,
    ) -> Result<Arc<WorkspaceIndex>, FollowError> {
        let (indexes, workspace) = (self.indexes.clone(), workspace.clone());
        Ok(blocking(move || indexes.workspace_at(&workspace, newest)).await?)
    }

    fn leads(&self) -> bool {
        *self.leads.borrow()
    }

    /// Reads the revisions of shared vectors. The leader deletes the vectors of workspaces that are gone, and of those
    /// whose store was restored to an earlier state.
    async fn refresh_cluster(
        &self,
        workspaces: &[(WorkspaceId, Revision)],
    ) -> Result<(), FollowError> {
        let Some(cluster) = self.indexes.cluster() else {
            return Ok(());
        };
        let asked = cluster.clone();
        blocking(move || asked.refresh()).await?;
        if !self.leads() {
            return Ok(());
        }
        for name in cluster.workspaces() {
            let Ok(workspace) = WorkspaceId::parse(&name) else {
                continue;
            };
            let vectors = cluster.vectors_of(&workspace);
            let read = workspaces.iter().find(|(there, _)| *there == workspace);
            let held = vectors.revision();
            // The previous leader may have written after the workspaces were read.
            if read.is_some_and(|(_, newest)| held <= *newest)
                || held <= self.store.revision(&workspace).await?
            {
                continue;
            }
            tracing::warn!(%workspace, held, "deleting orphaned vectors");
            blocking(move || vectors.clear()).await?;
        }
        Ok(())
    }

    /// Drops the progress and the indexes of workspaces that were deleted, by this process or another.
    async fn retain_workspaces(
        &mut self,
        workspaces: &[(WorkspaceId, Revision)],
    ) -> Result<(), FollowError> {
        let known: Vec<WorkspaceId> = workspaces.iter().map(|(name, _)| name.clone()).collect();
        let indexes = self.indexes.clone();
        blocking(move || indexes.close_others(&known)).await?;
        let is_there = |name: &WorkspaceId| workspaces.iter().any(|(there, _)| there == name);
        self.save_at.retain(|name, _| is_there(name));
        self.last_change.retain(|name, _| is_there(name));
        self.publish.send_if_modified(|progress| {
            let n = progress.indexed.len();
            progress.indexed.retain(|name, _| is_there(name));
            progress.words.retain(|name, _| is_there(name));
            progress.indexed.len() != n
        });
        Ok(())
    }

    /// Publishes a workspace's revisions and returns the indexed one. Publishes nothing if the workspace was deleted
    /// meanwhile: another one may have its name by now.
    fn report(&self, workspace: &WorkspaceId, index: &Arc<WorkspaceIndex>) -> Revision {
        let (revision, words) = (index.revision(), index.keyword.revision());
        self.publish.send_if_modified(|progress| {
            let open = self.indexes.find(workspace);
            if !open.is_some_and(|open| Arc::ptr_eq(&open, index)) {
                return false;
            }
            let was = progress.words.insert(workspace.clone(), words);
            let had = progress.indexed.insert(workspace.clone(), revision);
            (was, had) != (Some(words), Some(revision))
        });
        revision
    }

    /// Applies the next changes to the keyword index. Returns `false` if there are none.
    async fn index_keywords(
        &self,
        workspace: &WorkspaceId,
        index: &Arc<WorkspaceIndex>,
        batch: i64,
    ) -> Result<bool, FollowError> {
        let from = index.keyword.revision();
        let Some((removed, entries, last)) = self.changed(workspace, from, batch).await? else {
            return Ok(false);
        };
        let of_words = index.clone();
        blocking(move || of_words.write(|index| index.keyword.apply(&removed, &entries, last)))
            .await?;
        self.report(workspace, index);
        Ok(true)
    }

    /// Applies the next changes to the vectors. Returns the size of the next batch, or `None` if there are no changes.
    async fn index_vectors(
        &self,
        workspace: &WorkspaceId,
        index: &Arc<WorkspaceIndex>,
        batch: i64,
    ) -> Result<Option<i64>, FollowError> {
        if self.indexes.cluster().is_some() && !self.leads() {
            return Ok(None);
        }
        let from = index.vectors.revision();
        let Some((removed, entries, last)) = self.changed(workspace, from, batch).await? else {
            return Ok(None);
        };
        let Some((vectors, n_encoded)) = self.vectors_of(workspace, &entries).await? else {
            return Ok(None);
        };
        let index = index.clone();
        blocking(move || index.write(|index| index.vectors.apply(&removed, &vectors, last)))
            .await?;
        Ok(Some(match n_encoded {
            0 => (batch * 4).min(MAX_BATCH),
            _ => MIN_BATCH,
        }))
    }

    /// Returns the next changes after a revision: keys to remove, chunks to add, and the last change's revision. `None`
    /// if there are none.
    async fn changed(
        &self,
        workspace: &WorkspaceId,
        from: Revision,
        batch: i64,
    ) -> Result<Option<ChangeBatch>, FollowError> {
        let changes = self.store.changes_since(workspace, from, batch).await?;
        let Some(last) = changes.last().map(|change| change.revision) else {
            return Ok(None);
        };
        let documents: BTreeSet<DocumentId> =
            changes.iter().map(|c| c.document_id.clone()).collect();
        let documents: Vec<DocumentId> = documents.into_iter().collect();
        let entries = self.store.chunks_of(workspace, &documents).await?;
        let removed = changes.into_iter().map(|c| c.removed);
        let removed = removed.filter(|keys| !keys.is_empty()).collect();
        Ok(Some((removed, entries, last)))
    }

    /// Returns the vectors of all texts of these chunks, from the cache or from the encoder, and the number of texts
    /// encoded. Only the leader of several processes on one store encodes; the others return `None` for uncached texts.
    async fn vectors_of(
        &self,
        workspace: &WorkspaceId,
        entries: &[IndexEntry],
    ) -> Result<Option<(Vec<VectorEntry>, usize)>, FollowError> {
        let encoding = ChunkEncoding::of(&self.store, &self.embedder, workspace, entries).await?;
        if encoding.n_missing() > 0 && self.store.is_shared() && !self.leads() {
            return Ok(None);
        }
        let n_missing = encoding.n_missing();
        let publish = &self.publish;
        let entries = encoding.finish(|n| publish.send_modify(|p| p.n_encoded += n as u64));
        Ok(Some((entries.await?, n_missing)))
    }

    /// Compacts the keyword index in the background once nothing has changed for a while.
    fn compact_if_quiet(&mut self, workspace: &WorkspaceId, index: &Arc<WorkspaceIndex>) {
        if !self.indexes.is_writer() {
            return;
        }
        let revision = index.keyword.revision();
        let now = || LastChange {
            revision,
            since: Instant::now(),
            is_compact: Arc::default(),
        };
        let last_change = self
            .last_change
            .entry(workspace.clone())
            .or_insert_with(now);
        if last_change.revision != revision {
            *last_change = now();
        }
        let is_free = self.compacting.as_ref().is_none_or(JoinHandle::is_finished);
        let is_compact = last_change.is_compact.clone();
        if is_compact.load(Ordering::Relaxed) || last_change.since.elapsed() < QUIET || !is_free {
            return;
        }
        last_change.since = Instant::now();
        let index = index.clone();
        self.compacting = Some(tokio::task::spawn_blocking(move || {
            match index.write(|index| index.keyword.compact()) {
                Ok(_) | Err(IndexError::Ended) => is_compact.store(true, Ordering::Relaxed),
                // For example while one of tantivy's own merges is running. The index stays searchable and this is
                // retried.
                Err(error) => tracing::debug!(%error, "keyword index merge failed"),
            }
        }));
    }

    async fn save_if_due(
        &mut self,
        workspace: &WorkspaceId,
        index: &Arc<WorkspaceIndex>,
    ) -> Result<(), FollowError> {
        let start = Instant::now();
        if self.save_at.get(workspace).is_none_or(|at| start >= *at) {
            let index = index.clone();
            blocking(move || index.write(|index| index.vectors.save())).await?;
            let pause = pause_after(start.elapsed());
            self.save_at
                .insert(workspace.clone(), Instant::now() + pause);
        }
        Ok(())
    }
}

/// Returns the time to the next snapshot after one that took this long.
fn pause_after(took: Duration) -> Duration {
    SAVE_EVERY.max(took * SAVE_SHARE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshot_pause_grows_with_write_time() {
        let after = |seconds: f64| pause_after(Duration::from_secs_f64(seconds)).as_secs_f64();
        assert_eq!(after(0.01), 30.0);
        assert_eq!(after(0.6), 30.0);
        assert_eq!(after(8.0), 400.0);
    }
}
