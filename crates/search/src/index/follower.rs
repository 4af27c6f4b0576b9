use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Encoding, IndexError, Indexes, VectorEntry, VectorStore, WorkspaceIndex};
use crate::embed::{EmbedError, Embedder};
use crate::vectors::VectorsError;
use ken_base::background::Background;
use ken_base::blocking::blocking;
use ken_base::domain::{DocumentId, Revision, WorkspaceId};
use ken_store::store::{IndexEntry, Store, StoreError};

/// How many changes are taken at a time while texts have to be encoded: a few seconds of work between commits.
const MIN_BATCH: i64 = 32;
/// And when all vectors are known already, as after `ken rebuild`.
const MAX_BATCH: i64 = 4_096;
/// The vector snapshot of a busy workspace, which is its whole graph, is written at most this often; after a crash the log
/// is replayed from it, with vectors that are known already.
const SAVE_EVERY: Duration = Duration::from_secs(30);
/// And so rarely that writing takes at most 1 of so many seconds, however large the graph is.
const SAVE_SHARE: u32 = 50;

/// So long after the last change the keyword index is put together. Not tuned.
const QUIET: Duration = Duration::from_secs(2);

/// How long a pass that failed is waited with at most: what was away is made up for soon after it is back.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Why the follower stands still.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Index(#[from] IndexError),
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

/// How far the indexes have come.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// The revision both views hold, by workspace.
    pub indexed: HashMap<WorkspaceId, Revision>,
    /// The revision that can be found by words.
    pub words: HashMap<WorkspaceId, Revision>,
    /// What the last pass failed with, if it did.
    pub error: Option<String>,
    /// Whether it failed at the vectors alone, so that words are found all the same.
    pub lacks_vectors: bool,
    /// How many texts have been encoded since the start.
    pub n_encoded: u64,
}

/// Reads the change log in order and brings both views to the store's revision: one background task.
///
/// A failed pass is tried again with growing pauses; what was acknowledged waits in the store meanwhile.
pub struct Follower {
    wake: watch::Sender<()>,
    publish: watch::Sender<Progress>,
    progress: watch::Receiver<Progress>,
    task: Background,
}

impl Follower {
    /// Starts following. `leads` says whether this process is the one that writes what all share; `poll` is how often changes
    /// made by other processes are looked for.
    pub fn start(
        store: Store,
        indexes: Arc<Indexes>,
        embedder: Embedder,
        leads: watch::Receiver<bool>,
        poll: Duration,
    ) -> Self {
        let (wake, woken) = watch::channel(());
        let (publish, progress) = watch::channel(Progress::default());
        let worker = Worker {
            store,
            indexes,
            embedder,
            leads,
            publish: publish.clone(),
            save_at: HashMap::new(),
            settled: HashMap::new(),
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

    /// Says that there is something new to read.
    pub fn wake(&self) {
        self.wake.send_replace(());
    }

    /// Forgets how far a workspace is that is deleted: one of the same name begins anew.
    pub fn forget(&self, workspace: &WorkspaceId) {
        self.publish.send_modify(|progress| {
            progress.indexed.remove(workspace);
            progress.words.remove(workspace);
        });
    }

    /// As [`Follower::wake`], for whoever outlives the borrow.
    pub fn waker(&self) -> impl Fn() + Clone + Send + Sync + 'static {
        let wake = self.wake.clone();
        move || {
            wake.send_replace(());
        }
    }

    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// Waits until both views of a workspace hold `revision`; `false` where `patience` runs out before.
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

    /// Ends after the pass under way, with everything saved.
    pub async fn stop(&self) {
        self.task.stop().await;
    }
}

/// The chunk keys that go, the chunks that come, and the revision after that.
type Changed = (Vec<Range<u32>>, Vec<IndexEntry>, Revision);

/// Since when a workspace's words have been as they are.
struct Settled {
    revision: Revision,
    since: Instant,
    /// Whether they were put together since.
    is_compact: Arc<AtomicBool>,
}

struct Worker {
    store: Store,
    indexes: Arc<Indexes>,
    embedder: Embedder,
    leads: watch::Receiver<bool>,
    publish: watch::Sender<Progress>,
    /// When each workspace's vectors are to be written to disk again.
    save_at: HashMap<WorkspaceId, Instant>,
    settled: HashMap<WorkspaceId, Settled>,
    compacting: Option<JoinHandle<()>>,
}

impl Worker {
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
                // What it was writing is gone; the others have waited for that.
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
                // Who will never lead is not told so again.
                Ok(()) = leads.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        if let Some(compacting) = self.compacting.take() {
            // Nothing is lost where it failed, and it has said so.
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
        self.forget_all_but(&workspaces).await?;
        let mut open = Vec::with_capacity(workspaces.len());
        for (workspace, newest) in &workspaces {
            let index = self.open(workspace, *newest).await?;
            open.push((workspace, index, *newest));
        }
        // Beside each other: what can be found by words does not wait for the encoder, and each leaves a core idle at times. Both
        // to their end, so that nothing of either is still being written when it is begun anew.
        let by_vectors = async {
            self.look_at_the_cluster(&workspaces).await?;
            self.all_by_vectors(&open, stop).await
        };
        let (words, vectors) = tokio::join!(self.all_by_words(&open, stop), by_vectors);
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

    async fn all_by_words(
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
                && self.follow_by_words(workspace, index, batch).await?
            {
                batch = (batch * 4).min(MAX_BATCH);
            }
        }
        Ok(())
    }

    async fn all_by_vectors(
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
                batch = self.follow_by_vectors(workspace, index, size).await?;
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

    /// Learns how far shared vectors are. Who leads takes out those of workspaces that are gone, and of stores that were put
    /// back to what they were before.
    async fn look_at_the_cluster(
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
            // Whoever led before may have written since the workspaces were read.
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

    /// Workspaces that are deleted, here or by another process, are not spoken of or searched any more.
    async fn forget_all_but(
        &mut self,
        workspaces: &[(WorkspaceId, Revision)],
    ) -> Result<(), FollowError> {
        let known: Vec<WorkspaceId> = workspaces.iter().map(|(name, _)| name.clone()).collect();
        let indexes = self.indexes.clone();
        blocking(move || indexes.close_others(&known)).await?;
        let is_there = |name: &WorkspaceId| workspaces.iter().any(|(there, _)| there == name);
        self.save_at.retain(|name, _| is_there(name));
        self.settled.retain(|name, _| is_there(name));
        self.publish.send_if_modified(|progress| {
            let n = progress.indexed.len();
            progress.indexed.retain(|name, _| is_there(name));
            progress.words.retain(|name, _| is_there(name));
            progress.indexed.len() != n
        });
        Ok(())
    }

    /// Publishes how far a workspace is, unless it was deleted meanwhile: another may have its name by now.
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

    /// Takes the next changes into the keyword index; `false` where there are none.
    async fn follow_by_words(
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

    /// Takes the next changes into the vectors; returns how many to take next time, `None` where there are none.
    async fn follow_by_vectors(
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

    /// The next changes after a revision: what goes, what comes, and the last one's revision.
    async fn changed(
        &self,
        workspace: &WorkspaceId,
        from: Revision,
        batch: i64,
    ) -> Result<Option<Changed>, FollowError> {
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

    /// The vectors of all views of these chunks: from the store where the text is known, else encoded and kept. Of several
    /// processes on one store one encodes; `None` where another has to.
    async fn vectors_of(
        &self,
        workspace: &WorkspaceId,
        entries: &[IndexEntry],
    ) -> Result<Option<(Vec<VectorEntry>, usize)>, FollowError> {
        let encoding = Encoding::of(&self.store, &self.embedder, workspace, entries).await?;
        if encoding.n_missing() > 0 && self.store.is_shared() && !self.leads() {
            return Ok(None);
        }
        let n_missing = encoding.n_missing();
        let publish = &self.publish;
        let entries = encoding.finish(|n| publish.send_modify(|p| p.n_encoded += n as u64));
        Ok(Some((entries.await?, n_missing)))
    }

    /// Puts the keyword index together, beside everything else, once nothing has come for a while.
    fn compact_if_quiet(&mut self, workspace: &WorkspaceId, index: &Arc<WorkspaceIndex>) {
        if !self.indexes.is_writer() {
            return;
        }
        let revision = index.keyword.revision();
        let now = || Settled {
            revision,
            since: Instant::now(),
            is_compact: Arc::default(),
        };
        let settled = self.settled.entry(workspace.clone()).or_insert_with(now);
        if settled.revision != revision {
            *settled = now();
        }
        let is_free = self.compacting.as_ref().is_none_or(JoinHandle::is_finished);
        let is_compact = settled.is_compact.clone();
        if is_compact.load(Ordering::Relaxed) || settled.since.elapsed() < QUIET || !is_free {
            return;
        }
        settled.since = Instant::now();
        let index = index.clone();
        self.compacting = Some(tokio::task::spawn_blocking(move || {
            match index.write(|index| index.keyword.compact()) {
                Ok(_) | Err(IndexError::Ended) => is_compact.store(true, Ordering::Relaxed),
                // As while a merge that tantivy has begun is not done. It is searched as it is, and tried again.
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

/// How long a snapshot is good enough that took so long to write.
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
