//! The two indexes of a workspace's chunks, [`KeywordIndex`] and [`VectorStore`], and the [`Follower`] that keeps both
//! in step with the store.
//!
//! Everything here is derived data: the folder may be deleted and is rebuilt from the store and its cached vectors.
//! Each index keeps the revision it holds as its watermark. Replaying the change log from an older revision is
//! harmless. One process at a time writes the folder (a file lock); others may read it.

mod embedded;
mod encoding;
mod follower;
mod forward;
mod keyword;
mod keyword_search;
mod manifest;
mod maxscore;
mod proximity;
mod qdrant;
mod query_terms;
mod schema;
mod selection;
mod snapshot;
mod vector;

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use ken_base::config::IndexConfig;
use ken_base::domain::{Revision, WorkspaceId};
use ken_store::store::IndexEntry;

pub use embedded::EmbeddedVectors;
pub use encoding::ChunkEncoding;
pub use follower::{Follower, IndexingProgress};
pub use keyword::KeywordIndex;
pub use keyword_search::{KeywordHit, KeywordSearch, WordScores};
pub use manifest::Manifest;
pub use qdrant::{QdrantCluster, QdrantVectors};
pub use query_terms::{QueryTerm, TermForm};
pub use selection::{Selection, SelectionRules};
pub use vector::{VectorEntry, VectorHit, VectorStore};

/// An error of the indexes, with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The folder's manifest differs from the settings.
    #[error(
        "index folder {path} was built with {what} {found:?}, but the settings require {expected:?}: run `ken rebuild`, or restore the previous setting"
    )]
    Mismatch {
        /// The folder.
        path: PathBuf,
        /// The property that differs.
        what: &'static str,
        /// Its value in the manifest.
        found: String,
        /// Its value by the settings.
        expected: String,
    },
    /// A file of the index is damaged.
    #[error("index folder {path} is damaged ({detail}): run `ken rebuild`")]
    Damaged {
        /// The folder or file.
        path: PathBuf,
        /// The problem.
        detail: String,
    },
    /// The folder cannot be read or written.
    #[error("cannot open index folder {path}: {detail}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's message.
        detail: String,
    },
    /// tantivy failed.
    #[error("keyword index: {0}")]
    Keyword(#[from] tantivy::TantivyError),
    /// The vector index failed, or its server is unavailable. Callers fall back to keyword search if they can.
    #[error("vector index: {0}")]
    Vector(String),
    /// The server cannot be used in its current version or with these settings.
    #[error("{0}")]
    Cluster(String),
    /// A vector has another length than the index's.
    #[error("expected a vector of {expected} dimensions, got {got}")]
    DimensionMismatch {
        /// The length of the index's vectors.
        expected: usize,
        /// The length of the given vector.
        got: usize,
    },
    /// The index was opened without a writer.
    #[error("keyword index is read-only")]
    ReadOnly,
    /// Another process holds the folder's lock.
    #[error("another process is writing {path}; stop it first")]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The workspace was deleted, so nothing is written to it.
    #[error("the workspace was deleted during indexing")]
    Ended,
}

impl IndexError {
    /// Returns whether only vector search failed, so that keyword search still works.
    pub fn is_of_vectors(&self) -> bool {
        matches!(self, Self::Vector(_) | Self::Cluster(_))
    }
}

/// Both indexes of one workspace.
pub struct WorkspaceIndex {
    /// The keyword index.
    pub keyword: KeywordIndex,
    /// The vector index.
    pub vectors: Box<dyn VectorStore>,
    /// Whether the workspace was deleted. Then nothing may be written: its folder may belong to another workspace.
    ended: RwLock<bool>,
}

impl WorkspaceIndex {
    /// Builds both indexes of some chunks and their vectors, in memory only.
    pub fn in_memory(
        entries: &[IndexEntry],
        vectors: &[VectorEntry],
        dimension: usize,
    ) -> Result<Self, IndexError> {
        let of_vectors = EmbeddedVectors::in_memory(dimension)?;
        of_vectors.apply(&[], vectors, 1)?;
        Ok(Self {
            keyword: KeywordIndex::in_memory(entries)?,
            vectors: Box::new(of_vectors),
            ended: RwLock::default(),
        })
    }

    /// Runs a function that writes to an index. A deletion waits for it.
    ///
    /// # Errors
    /// [`IndexError::Ended`] once the workspace has been deleted.
    pub fn write<T>(
        &self,
        write: impl FnOnce(&Self) -> Result<T, IndexError>,
    ) -> Result<T, IndexError> {
        let ended = self
            .ended
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        match *ended {
            true => Err(IndexError::Ended),
            false => write(self),
        }
    }

    /// Waits for running writes and rejects all later ones.
    fn end(&self) {
        let mut ended = self
            .ended
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        *ended = true;
        self.keyword.end();
    }

    /// Returns the revision that both indexes hold.
    pub fn revision(&self) -> Revision {
        self.keyword.revision().min(self.vectors.revision())
    }
}

/// Opens the vectors of one workspace. The arguments are the folder, the vectors' length and whether writing is
/// allowed.
pub type OpenVectors = dyn Fn(&WorkspaceId, &Path, usize, bool) -> Result<Box<dyn VectorStore>, IndexError>
    + Send
    + Sync;

/// The index folder: one subfolder per workspace, opened on first use.
pub struct Indexes {
    config: IndexConfig,
    expected: Manifest,
    open_vectors: Box<OpenVectors>,
    shared: Option<QdrantCluster>,
    /// The lock of an encoder's own folder, held by the writing process and released when it ends, even by `kill -9`.
    lock: Option<File>,
    /// The lock of the folder of all encoders. Its holder does the writing.
    role: Option<Arc<File>>,
    open: RwLock<HashMap<WorkspaceId, Arc<WorkspaceIndex>>>,
}

impl Indexes {
    /// Opens the folder. This process becomes the writer unless another process is.
    pub fn open(
        config: &IndexConfig,
        encoder_id: &str,
        dimension: usize,
    ) -> Result<Self, IndexError> {
        let role = take_lock(base_of(&config.dir))?.map(Arc::new);
        Self::open_as(config, encoder_id, dimension, role)
    }

    /// Like [`Indexes::open`], with the role of `other`, which belongs to the same process: it writes if that one does.
    pub fn open_sharing_role(
        config: &IndexConfig,
        encoder_id: &str,
        dimension: usize,
        other: &Self,
    ) -> Result<Self, IndexError> {
        Self::open_as(config, encoder_id, dimension, other.role.clone())
    }

    fn open_as(
        config: &IndexConfig,
        encoder_id: &str,
        dimension: usize,
        role: Option<Arc<File>>,
    ) -> Result<Self, IndexError> {
        let is_separate = base_of(&config.dir) != config.dir;
        let lock = match is_separate && role.is_some() {
            true => take_lock(&config.dir)?,
            false => None,
        };
        Ok(Self {
            lock,
            role,
            config: config.clone(),
            expected: Manifest::current(encoder_id, dimension),
            open_vectors: Box::new(|_, folder, dimension, may_write| {
                let vectors = EmbeddedVectors::open(folder, dimension, may_write)?;
                Ok(Box::new(vectors))
            }),
            shared: None,
            open: RwLock::default(),
        })
    }

    /// Replaces the embedded vectors by others.
    pub fn with_vectors(self, open_vectors: Box<OpenVectors>) -> Self {
        Self {
            open_vectors,
            ..self
        }
    }

    /// Keeps the vectors in a cluster that all processes share.
    pub fn with_cluster(self, cluster: QdrantCluster) -> Self {
        let of = cluster.clone();
        Self {
            open_vectors: Box::new(move |workspace, _, _, _| {
                Ok(Box::new(of.vectors_of(workspace)))
            }),
            shared: Some(cluster),
            ..self
        }
    }

    /// Returns the cluster that holds the vectors, if there is one.
    pub fn cluster(&self) -> Option<&QdrantCluster> {
        self.shared.as_ref()
    }

    /// Returns whether this process writes the indexes. Otherwise another process writes and this one reads.
    pub fn is_writer(&self) -> bool {
        let is_separate = base_of(&self.config.dir) != self.config.dir;
        self.role.is_some() && (!is_separate || self.lock.is_some())
    }

    /// Returns a workspace's indexes if they are open. Never creates any, so an unknown name costs nothing.
    pub fn find(&self, workspace: &WorkspaceId) -> Option<Arc<WorkspaceIndex>> {
        self.read().get(workspace).cloned()
    }

    /// Returns a workspace's indexes, and creates them if missing. Blocks on the first use of a workspace.
    pub fn workspace(&self, workspace: &WorkspaceId) -> Result<Arc<WorkspaceIndex>, IndexError> {
        if let Some(index) = self.read().get(workspace) {
            return Ok(index.clone());
        }
        let mut open = self.opened();
        if let Some(index) = open.get(workspace) {
            return Ok(index.clone());
        }
        let folder = self.config.dir.join(workspace.as_str());
        let opened = match self.open_workspace(workspace, &folder) {
            // All data is derived, so a damaged index is rebuilt.
            Err(error @ IndexError::Damaged { .. }) if self.is_writer() => {
                tracing::error!(%error, "index damaged; rebuilding");
                remove_folder(&folder)?;
                self.open_workspace(workspace, &folder)?
            }
            opened => opened?,
        };
        let index = Arc::new(opened);
        open.insert(workspace.clone(), index.clone());
        Ok(index)
    }

    /// Like [`Indexes::workspace`], for a store at revision `newest`. Indexes ahead of it belong to another store, or
    /// to an earlier state that was restored; the writer rebuilds them.
    pub fn workspace_at(
        &self,
        workspace: &WorkspaceId,
        newest: Revision,
    ) -> Result<Arc<WorkspaceIndex>, IndexError> {
        let index = self.workspace(workspace)?;
        let mut ahead = index.keyword.revision();
        // The leader takes care of shared vectors.
        if self.shared.is_none() {
            ahead = ahead.max(index.vectors.revision());
        }
        if ahead <= newest || !self.is_writer() {
            return Ok(index);
        }
        tracing::warn!(%workspace, ahead, newest, "index revision ahead of store; rebuilding");
        drop(index);
        self.delete(workspace)?;
        self.workspace(workspace)
    }

    /// Closes open workspaces that are not in `known`, for example after another process deleted them. The writer also
    /// deletes their folders.
    pub fn close_others(&self, known: &[WorkspaceId]) -> Result<(), IndexError> {
        let open: Vec<WorkspaceId> = self.read().keys().cloned().collect();
        for workspace in open.iter().filter(|name| !known.contains(name)) {
            match self.is_writer() {
                true => self.delete(workspace)?,
                false => self.close(workspace),
            }
        }
        Ok(())
    }

    /// Deletes the folders of workspaces that are not in `known`, for example after a crash during a deletion.
    pub fn drop_others(&self, known: &[WorkspaceId]) -> Result<(), IndexError> {
        if !self.is_writer() {
            return Ok(());
        }
        let folder = &self.config.dir;
        for entry in std::fs::read_dir(folder).map_err(|e| unusable(folder, &e))? {
            let entry = entry.map_err(|e| unusable(folder, &e))?;
            let name = entry.file_name();
            let of = name.to_str().and_then(|name| WorkspaceId::parse(name).ok());
            let is_other = of.is_some_and(|of| !known.contains(&of));
            if name.to_string_lossy().starts_with(ASIDE) {
                remove_all(&entry.path())?;
            }
            // Only an index has a manifest.
            if is_other && entry.path().join(manifest::FILE).is_file() {
                tracing::warn!(folder = %entry.path().display(), "deleting orphaned index");
                remove_folder(&entry.path())?;
            }
        }
        Ok(())
    }

    fn open_workspace(
        &self,
        workspace: &WorkspaceId,
        folder: &Path,
    ) -> Result<WorkspaceIndex, IndexError> {
        manifest::check_or_write(folder, &self.expected, self.is_writer())?;
        let writer_bytes = self.is_writer().then_some(WRITER_BYTES);
        let (words, vectors) = (folder.join("keyword"), folder.join("vectors"));
        let (dimension, may_write) = (self.expected.dimension, self.is_writer());
        let (keyword, vectors) = std::thread::scope(|scope| {
            let keyword = scope.spawn(|| KeywordIndex::open(&words, writer_bytes));
            let vectors = (self.open_vectors)(workspace, &vectors, dimension, may_write);
            let keyword = keyword.join();
            let keyword = keyword.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (keyword, vectors)
        });
        Ok(WorkspaceIndex {
            keyword: keyword?,
            vectors: vectors?,
            ended: RwLock::default(),
        })
    }

    /// Deletes a workspace's folders, and its vectors wherever they are. Local data is deleted first, even if a cluster
    /// is unavailable: the leader later cleans up there.
    pub fn purge(&self, workspace: &WorkspaceId) -> Result<(), IndexError> {
        self.delete(workspace)?;
        // The indexes of other encoders.
        let base = base_of(&self.config.dir);
        let others = std::fs::read_dir(base.join(OF_ENCODERS))
            .into_iter()
            .flatten();
        let others = others.flatten().map(|entry| entry.path());
        for folder in others.chain([base.to_owned()]) {
            if folder != self.config.dir {
                remove_folder(&folder.join(workspace.as_str()))?;
            }
        }
        match &self.shared {
            Some(cluster) => cluster.vectors_of(workspace).clear(),
            None => Ok(()),
        }
    }

    /// Closes a workspace and deletes its folder after running writes have ended.
    pub fn delete(&self, workspace: &WorkspaceId) -> Result<(), IndexError> {
        let folder = self.config.dir.join(workspace.as_str());
        loop {
            let ended = self.find(workspace);
            if let Some(index) = &ended {
                index.end();
            }
            let mut open = self.opened();
            let is_same = open.get(workspace).map(Arc::as_ptr) == ended.as_ref().map(Arc::as_ptr);
            if is_same {
                open.remove(workspace);
                // Under the lock, so that nobody opens the folder in between.
                let aside = rename_for_deletion(&folder)?;
                drop(open);
                return aside.map_or(Ok(()), |folder| remove_all(&folder));
            }
        }
    }

    fn close(&self, workspace: &WorkspaceId) {
        self.opened().remove(workspace);
    }

    fn opened(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<WorkspaceId, Arc<WorkspaceIndex>>> {
        self.open
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Saves what is only in memory. Blocks.
    pub fn save(&self) -> Result<(), IndexError> {
        if self.is_writer() {
            for index in self.read().values() {
                match index.write(|index| index.vectors.save()) {
                    Err(IndexError::Ended) => {}
                    saved => saved?,
                }
            }
        }
        Ok(())
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, HashMap<WorkspaceId, Arc<WorkspaceIndex>>> {
        self.open
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The size of a keyword index's write buffer, in bytes.
const WRITER_BYTES: usize = 50_000_000;

/// The folder for the indexes of encoders other than the configured one. No workspace can have this name.
pub const OF_ENCODERS: &str = ".encoders";

/// Deletes all derived data, so that the next start rebuilds it.
///
/// # Errors
/// [`IndexError::Locked`] while a process writes the folder.
pub fn clear(folder: &Path) -> Result<(), IndexError> {
    let locked = |path: &Path| IndexError::Locked {
        path: path.to_owned(),
    };
    let mut locks = vec![take_lock(folder)?.ok_or_else(|| locked(folder))?];
    // An encoder other than the configured one may be serving.
    for entry in std::fs::read_dir(folder.join(OF_ENCODERS))
        .into_iter()
        .flatten()
        .flatten()
    {
        let path = entry.path();
        locks.push(take_lock(&path)?.ok_or_else(|| locked(&path))?);
    }
    for entry in std::fs::read_dir(folder)
        .map_err(|e| unusable(folder, &e))?
        .flatten()
    {
        if entry.path().is_dir() {
            remove_folder(&entry.path())?;
        }
    }
    drop(locks);
    Ok(())
}

/// Returns the folder that contains those of all encoders.
fn base_of(folder: &Path) -> &Path {
    let inner = folder
        .parent()
        .filter(|parent| parent.ends_with(OF_ENCODERS));
    inner.and_then(Path::parent).unwrap_or(folder)
}

fn take_lock(folder: &Path) -> Result<Option<File>, IndexError> {
    std::fs::create_dir_all(folder).map_err(|e| unusable(folder, &e))?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join("lock"))
        .map_err(|e| unusable(folder, &e))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => Err(unusable(folder, &error)),
    }
}

/// The prefix of folders that are being deleted. No workspace can have such a name.
const ASIDE: &str = ".deleted-";

fn remove_folder(folder: &Path) -> Result<(), IndexError> {
    rename_for_deletion(folder)?.map_or(Ok(()), |aside| remove_all(&aside))
}

/// Renames a folder to a name that nobody opens or writes to. Returns `None` if the folder does not exist.
fn rename_for_deletion(folder: &Path) -> Result<Option<PathBuf>, IndexError> {
    let aside = folder.with_file_name(format!("{ASIDE}{}", uuid::Uuid::new_v4()));
    match std::fs::rename(folder, &aside) {
        Ok(()) => Ok(Some(aside)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(folder, &error)),
    }
}

fn remove_all(folder: &Path) -> Result<(), IndexError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(unusable(folder, &error)),
        _ => Ok(()),
    }
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> IndexError {
    IndexError::Folder {
        path: path.to_owned(),
        detail: error.to_string(),
    }
}

fn damaged(path: &Path, error: &dyn std::fmt::Display) -> IndexError {
    IndexError::Damaged {
        path: path.to_owned(),
        detail: error.to_string(),
    }
}

/// Replaces a small file atomically: after a crash either the old or the new content exists.
fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), IndexError> {
    let fresh = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        std::fs::write(&fresh, bytes)?;
        File::open(&fresh)?.sync_all()?;
        std::fs::rename(&fresh, path)?;
        match path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    };
    write().map_err(|error| unusable(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The follower may write while a workspace is deleted. Neither fails because of the other, and nothing reappears.
    #[test]
    fn workspace_deleted_during_write_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let config = IndexConfig {
            dir: folder.path().to_owned(),
            ..IndexConfig::default()
        };
        let indexes = Indexes::open(&config, "an-encoder", 4).unwrap();
        let workspace = WorkspaceId::parse("w1").unwrap();
        for _ in 0..20 {
            let index = indexes.workspace(&workspace).unwrap();
            assert_eq!(index.revision(), 0, "what was before is not there");
            std::thread::scope(|scope| {
                let (begun, has_begun) = std::sync::mpsc::channel();
                let written = scope.spawn(move || {
                    for at in 1.. {
                        index.write(|index| {
                            index.keyword.apply(&[], &[], at)?;
                            index.vectors.apply(&[], &[], at)?;
                            index.vectors.save()
                        })?;
                        let _ = begun.send(());
                    }
                    Ok::<_, IndexError>(())
                });
                has_begun.recv().unwrap();
                indexes.delete(&workspace).unwrap();
                let ended = written.join().unwrap();
                assert!(matches!(ended, Err(IndexError::Ended)), "{ended:?}");
            });
            let left = std::fs::read_dir(folder.path()).unwrap();
            let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(left, ["lock"]);
        }
    }
}
