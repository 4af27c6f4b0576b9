//! The two searchable views of a workspace's chunks, [`KeywordIndex`] and [`VectorStore`], and the [`Follower`]
//! that keeps both in step with the store.
//!
//! Everything here is derived: the folder may be deleted and is rebuilt from the store and its vectors. Each view
//! keeps the revision it holds as its watermark, and replaying the change log from an older one is harmless.
//! One process at a time writes the folder (a file lock); others may read it.

mod collector;
mod embedded;
mod encoding;
mod follower;
mod forward;
mod keyword;
mod manifest;
mod proximity;
mod qdrant;
mod schema;
mod selection;
mod vector;
mod view;
mod wanted;
mod words;

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use ken_base::config::IndexConfig;
use ken_base::domain::{Revision, WorkspaceId};
use ken_store::store::IndexEntry;

pub use embedded::EmbeddedVectors;
pub use encoding::Encoding;
pub use follower::{Follower, Progress};
pub use keyword::KeywordIndex;
pub use manifest::Manifest;
pub use qdrant::{QdrantCluster, QdrantVectors};
pub use selection::{Rules, Selection};
pub use vector::{VectorEntry, VectorHit, VectorStore};
pub use wanted::{Form, Wanted};
pub use words::{KeywordHit, KeywordSearch, WordScores};

/// What went wrong in the indexes, with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    #[error(
        "index folder {path} was built with {what} {found:?}, but the settings require {expected:?}: run `ken rebuild`, or restore the previous setting"
    )]
    Mismatch {
        path: PathBuf,
        what: &'static str,
        found: String,
        expected: String,
    },
    #[error("index folder {path} is damaged ({detail}): run `ken rebuild`")]
    Damaged { path: PathBuf, detail: String },
    #[error("cannot open index folder {path}: {detail}")]
    Folder { path: PathBuf, detail: String },
    #[error("keyword index: {0}")]
    Keyword(#[from] tantivy::TantivyError),
    /// Also where a server is away: what can be done without is done without.
    #[error("vector index: {0}")]
    Vector(String),
    /// A server that cannot be used as it is, or as it is set.
    #[error("{0}")]
    Cluster(String),
    #[error("expected a vector of {expected} dimensions, got {got}")]
    DimensionMismatch { expected: usize, got: usize },
    #[error("keyword index is read-only")]
    ReadOnly,
    #[error("another process is writing {path}; stop it first")]
    Locked { path: PathBuf },
    #[error("the workspace was deleted during indexing")]
    Ended,
}

impl IndexError {
    /// Whether it is the vectors' alone, so that words are found all the same.
    pub fn is_of_vectors(&self) -> bool {
        matches!(self, Self::Vector(_) | Self::Cluster(_))
    }
}

/// Both views of one workspace.
pub struct WorkspaceIndex {
    pub keyword: KeywordIndex,
    pub vectors: Box<dyn VectorStore>,
    /// Nothing is written to what is deleted: its folder may be another's by then.
    ended: RwLock<bool>,
}

impl WorkspaceIndex {
    /// Of some chunks with their vectors, in memory alone.
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

    /// Runs what writes to a view.
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

    /// Waits for what is being written, and lets nothing more be.
    fn end(&self) {
        let mut ended = self
            .ended
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        *ended = true;
        self.keyword.end();
    }

    /// The revision both views hold.
    pub fn revision(&self) -> Revision {
        self.keyword.revision().min(self.vectors.revision())
    }
}

/// Opens the vectors of one workspace: in a folder, of so many dimensions, and whether they may be written.
pub type OpenVectors = dyn Fn(&WorkspaceId, &Path, usize, bool) -> Result<Box<dyn VectorStore>, IndexError>
    + Send
    + Sync;

/// The index folder: one subfolder a workspace, opened when first needed.
pub struct Indexes {
    config: IndexConfig,
    expected: Manifest,
    open_vectors: Box<OpenVectors>,
    shared: Option<QdrantCluster>,
    /// Held while this process is the one that writes. Dropped with it, also by `kill -9`. An encoder's own folder has one
    /// besides that of the folder that all are in, which says whose the work is.
    lock: Option<File>,
    role: Option<Arc<File>>,
    open: RwLock<HashMap<WorkspaceId, Arc<WorkspaceIndex>>>,
}

impl Indexes {
    /// Opens the folder, to write where no other process does.
    pub fn open(
        config: &IndexConfig,
        encoder_id: &str,
        dimension: usize,
    ) -> Result<Self, IndexError> {
        let role = take_lock(base_of(&config.dir))?.map(Arc::new);
        Self::open_as(config, encoder_id, dimension, role)
    }

    /// As [`Indexes::open`], with the role that another of this process has: it writes where that one does.
    pub fn open_beside(
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
        let is_apart = base_of(&config.dir) != config.dir;
        let lock = match is_apart && role.is_some() {
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

    /// With other vectors than the embedded ones.
    pub fn with_vectors(self, open_vectors: Box<OpenVectors>) -> Self {
        Self {
            open_vectors,
            ..self
        }
    }

    /// With vectors that a cluster holds for all processes.
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

    /// The cluster that holds the vectors of all processes, where there is one.
    pub fn cluster(&self) -> Option<&QdrantCluster> {
        self.shared.as_ref()
    }

    /// Whether this process writes the indexes; otherwise another one does, and this one reads.
    pub fn is_writer(&self) -> bool {
        let is_apart = base_of(&self.config.dir) != self.config.dir;
        self.role.is_some() && (!is_apart || self.lock.is_some())
    }

    /// A workspace's indexes where it has some; asking makes none, so a name that is not a workspace costs nothing.
    pub fn find(&self, workspace: &WorkspaceId) -> Option<Arc<WorkspaceIndex>> {
        self.read().get(workspace).cloned()
    }

    /// A workspace's indexes, made where absent. Blocks on the first use of a workspace.
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
            // All of it is derived, so what is broken is made anew.
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

    /// As [`Indexes::workspace`], of a store that is at `newest`: indexes that are ahead of it are of another store, or of what
    /// it was before it was put back, and are made anew.
    pub fn workspace_at(
        &self,
        workspace: &WorkspaceId,
        newest: Revision,
    ) -> Result<Arc<WorkspaceIndex>, IndexError> {
        let index = self.workspace(workspace)?;
        let mut ahead = index.keyword.revision();
        // Of shared vectors who leads takes care.
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

    /// Closes and deletes workspaces that are open and not known any more, as where another process deleted them.
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

    /// Deletes what is of no workspace that is known, as after a crash while one was deleted.
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
            // Nothing but an index has a manifest.
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

    /// Deletes a workspace that is gone: its folder, and its vectors wherever they are. What is near goes first, also where a
    /// cluster is away: who leads looks for what is left there.
    pub fn delete_for_good(&self, workspace: &WorkspaceId) -> Result<(), IndexError> {
        self.delete(workspace)?;
        // And what other encoders had of it.
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

    /// Closes a workspace and deletes its folder, once what is being written to it has been.
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
                // Nobody opens it between the two.
                let aside = set_aside(&folder)?;
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

    /// Writes what is only in memory yet. Blocks.
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

/// The size of a keyword index's write buffer.
const WRITER_BYTES: usize = 50_000_000;

/// Where the indexes of encoders are that are not of the settings. No workspace is called so.
pub const OF_ENCODERS: &str = ".encoders";

/// Deletes all derived data, so that the next start makes them anew.
///
/// # Errors
/// [`IndexError::Locked`] while a process writes the folder.
pub fn clear(folder: &Path) -> Result<(), IndexError> {
    let locked = |path: &Path| IndexError::Locked {
        path: path.to_owned(),
    };
    let mut locks = vec![take_lock(folder)?.ok_or_else(|| locked(folder))?];
    // Another encoder than that of the settings may serve.
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

/// The folder that those of all encoders are in.
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

/// What folders that are being deleted begin with. No workspace is called so.
const ASIDE: &str = ".deleted-";

fn remove_folder(folder: &Path) -> Result<(), IndexError> {
    set_aside(folder)?.map_or(Ok(()), |aside| remove_all(&aside))
}

/// Renames a folder to one that nobody writes to or opens; `None` where there is none.
fn set_aside(folder: &Path) -> Result<Option<PathBuf>, IndexError> {
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

/// Replaces a small file so that after a crash either the old or the new one is there.
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

    /// As the follower does, while a workspace is deleted: neither fails for the other, and nothing is brought back.
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
