use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use half::f16;
use tokio::sync::watch;

use super::{IndexError, Indexes, VectorEntry, WorkspaceIndex};
use crate::background::Background;
use crate::blocking::blocking;
use crate::domain::{DocumentId, Revision, WorkspaceId};
use crate::embed::{EmbedError, Embedder};
use crate::store::{IndexEntry, Store, StoreError, text_hash};
use crate::vectors::to_half;

/// How many changes are taken at a time while texts have to be encoded: a few seconds of work between commits.
const MIN_BATCH: i64 = 32;
/// And when all vectors are known already, as after `ken rebuild`.
const MAX_BATCH: i64 = 4_096;
/// How many texts are encoded between two writes to the vector cache: what a crash may cost.
const TEXTS_PER_STEP: usize = 64;
/// The vector snapshot of a busy workspace is written at most this often; the log is replayed from it.
const SAVE_EVERY: Duration = Duration::from_secs(30);

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

/// How far the indexes have come.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// The revision both views hold, by workspace.
    pub indexed: HashMap<WorkspaceId, Revision>,
    /// What the last pass failed with, if it did.
    pub error: Option<String>,
    /// How many texts have been encoded since the start.
    pub n_encoded: u64,
}

/// Reads the change log in order and brings both views to the store's revision: one background task.
///
/// A failed pass is tried again with growing pauses; what was acknowledged waits in the store meanwhile.
pub struct Follower {
    wake: watch::Sender<()>,
    progress: watch::Receiver<Progress>,
    task: Background,
}

impl Follower {
    /// Starts following. `poll` is how often changes made by other processes are looked for.
    pub fn start(store: Store, indexes: Arc<Indexes>, embedder: Embedder, poll: Duration) -> Self {
        let (wake, woken) = watch::channel(());
        let (publish, progress) = watch::channel(Progress::default());
        let worker = Worker {
            store,
            indexes,
            embedder,
            publish,
            saved: HashMap::new(),
        };
        let task = Background::start("the follower", |stopped| worker.run(woken, stopped, poll));
        Self {
            wake,
            progress,
            task,
        }
    }

    /// Says that there is something new to read.
    pub fn wake(&self) {
        self.wake.send_replace(());
    }

    /// As [`Follower::wake`], for whoever outlives the borrow.
    pub fn waker(&self) -> impl Fn() + Send + Sync + 'static {
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

struct Worker {
    store: Store,
    indexes: Arc<Indexes>,
    embedder: Embedder,
    publish: watch::Sender<Progress>,
    /// When each workspace's vectors were last written to disk.
    saved: HashMap<WorkspaceId, Instant>,
}

impl Worker {
    async fn run(
        mut self,
        mut woken: watch::Receiver<()>,
        mut stop: watch::Receiver<bool>,
        poll: Duration,
    ) {
        let mut pause = poll;
        loop {
            match self.catch_up(&stop).await {
                Ok(()) => {
                    pause = poll;
                    self.publish.send_if_modified(|p| p.error.take().is_some());
                }
                Err(error) => {
                    tracing::error!(%error, retry_ms = pause.as_millis() as u64, "the indexes cannot follow the store");
                    self.publish
                        .send_modify(|p| p.error = Some(error.to_string()));
                    pause = (pause * 2).min(Duration::from_secs(60));
                }
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                _ = woken.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        let indexes = self.indexes.clone();
        match tokio::task::spawn_blocking(move || indexes.save()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(%error, "the vectors were not saved; they will be caught up")
            }
            Err(error) => tracing::error!(%error, "saving the vectors ended badly"),
        }
    }

    /// Brings every workspace to the store's revision.
    async fn catch_up(&mut self, stop: &watch::Receiver<bool>) -> Result<(), FollowError> {
        if self.indexes.is_writer() {
            self.store.promote_due().await?;
        }
        for (workspace, newest) in self.store.workspaces().await? {
            let index = self.open(&workspace).await?;
            let mut batch = MIN_BATCH;
            while self.report(&workspace, &index) < newest && !*stop.borrow() {
                batch = self.follow(&workspace, &index, batch).await?;
            }
            self.save_if_due(&workspace, &index).await?;
        }
        Ok(())
    }

    async fn open(&self, workspace: &WorkspaceId) -> Result<Arc<WorkspaceIndex>, FollowError> {
        let (indexes, workspace) = (self.indexes.clone(), workspace.clone());
        Ok(blocking(move || indexes.workspace(&workspace)).await?)
    }

    /// Publishes how far a workspace is.
    fn report(&self, workspace: &WorkspaceId, index: &WorkspaceIndex) -> Revision {
        // A reader of another process' keyword index follows with its vectors only.
        let revision = match self.indexes.is_writer() {
            true => index.revision(),
            false => index.vectors.revision(),
        };
        self.publish.send_if_modified(|progress| {
            progress.indexed.insert(workspace.clone(), revision) != Some(revision)
        });
        revision
    }

    /// Takes the next changes into both views; returns how many to take next time.
    async fn follow(
        &self,
        workspace: &WorkspaceId,
        index: &Arc<WorkspaceIndex>,
        batch: i64,
    ) -> Result<i64, FollowError> {
        let writes_keywords = self.indexes.is_writer();
        let (keyword_at, vectors_at) = (index.keyword.revision(), index.vectors.revision());
        let from = if writes_keywords {
            keyword_at.min(vectors_at)
        } else {
            vectors_at
        };
        let changes = self.store.changes_since(workspace, from, batch).await?;
        let Some(last) = changes.last().map(|change| change.revision) else {
            return Ok(batch);
        };
        let documents: BTreeSet<DocumentId> =
            changes.iter().map(|c| c.document_id.clone()).collect();
        let documents: Vec<DocumentId> = documents.into_iter().collect();
        let entries = self.store.chunks_of(workspace, &documents).await?;
        let (vectors, n_encoded) = self.vectors_of(&entries).await?;
        let removed: Vec<Range<u32>> = changes
            .into_iter()
            .map(|c| c.removed)
            .filter(|keys| !keys.is_empty())
            .collect();
        let index = index.clone();
        blocking(move || {
            if writes_keywords && keyword_at < last {
                index.keyword.apply(&removed, &entries, last)?;
            }
            index.vectors.apply(&removed, &vectors, last)
        })
        .await?;
        Ok(if n_encoded > 0 {
            MIN_BATCH
        } else {
            (batch * 4).min(MAX_BATCH)
        })
    }

    /// The vectors of all views of these chunks: from the store where the text is known, else encoded and kept.
    async fn vectors_of(
        &self,
        entries: &[IndexEntry],
    ) -> Result<(Vec<VectorEntry>, usize), FollowError> {
        // First the views, then the negatives.
        let mut texts: Vec<Vec<String>> = Vec::with_capacity(entries.len());
        let mut n_views = Vec::with_capacity(entries.len());
        for entry in entries {
            let (chunk, metadata) = (&entry.chunk, &entry.metadata);
            let mut views = metadata.views(&chunk.heading_path, &chunk.text);
            n_views.push(views.len());
            views.extend_from_slice(metadata.negative_views());
            texts.push(views);
        }
        let hashes: Vec<Vec<String>> = texts
            .iter()
            .map(|views| views.iter().map(|text| text_hash(text)).collect())
            .collect();
        let flat: Vec<String> = hashes.iter().flatten().cloned().collect();
        let known = self.store.cached_vectors(self.embedder.id(), &flat).await?;
        let mut known: HashMap<String, Vec<f16>> = known.into_iter().collect();
        let mut seen = HashSet::new();
        let missing: Vec<(String, String)> = flat
            .into_iter()
            .zip(texts.into_iter().flatten())
            .filter(|(hash, _)| !known.contains_key(hash) && seen.insert(hash.clone()))
            .collect();
        for step in missing.chunks(TEXTS_PER_STEP) {
            let embedder = self.embedder.clone();
            let texts: Vec<String> = step.iter().map(|(_, text)| text.clone()).collect();
            let vectors = blocking(move || embedder.embed_passages(texts)).await?;
            let fresh: Vec<(String, Vec<f16>)> = step
                .iter()
                .zip(vectors)
                .map(|((hash, _), vector)| (hash.clone(), to_half(&vector)))
                .collect();
            self.store.keep_vectors(self.embedder.id(), &fresh).await?;
            known.extend(fresh);
            self.publish
                .send_modify(|p| p.n_encoded += step.len() as u64);
        }
        let entries = entries
            .iter()
            .zip(hashes.iter().zip(n_views))
            .map(|(entry, (hashes, n_views))| {
                let (views, negatives) = hashes.split_at(n_views);
                let vectors = |hashes: &[String]| -> Vec<Vec<f16>> {
                    let found = hashes.iter().filter_map(|hash| known.get(hash));
                    found.cloned().collect()
                };
                VectorEntry {
                    key: entry.chunk.key,
                    vectors: vectors(views),
                    negatives: vectors(negatives),
                }
            })
            .collect();
        Ok((entries, missing.len()))
    }

    async fn save_if_due(
        &mut self,
        workspace: &WorkspaceId,
        index: &Arc<WorkspaceIndex>,
    ) -> Result<(), FollowError> {
        let due = self
            .saved
            .get(workspace)
            .is_none_or(|at| at.elapsed() >= SAVE_EVERY);
        if due {
            let index = index.clone();
            blocking(move || index.vectors.save()).await?;
            self.saved.insert(workspace.clone(), Instant::now());
        }
        Ok(())
    }
}
