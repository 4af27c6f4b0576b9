//! The two searchable views of a workspace's chunks, [`KeywordIndex`] and [`VectorStore`], and the [`Follower`]
//! that keeps both in step with the store.
//!
//! Everything here is derived: the folder may be deleted and is rebuilt from the store and its vectors. Each view
//! keeps the revision it holds as its watermark, and replaying the change log from an older one is harmless.
//! One process at a time writes the folder (a file lock); others may read it.

mod collector;
mod embedded;
mod follower;
mod keyword;
mod manifest;
mod proximity;
mod schema;
mod selection;
mod vector;
mod wanted;
mod words;

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use crate::config::IndexConfig;
use crate::domain::{Revision, WorkspaceId};

pub use embedded::EmbeddedVectors;
pub use follower::{Follower, Progress};
pub use keyword::KeywordIndex;
pub use manifest::Manifest;
pub use selection::Selection;
pub use vector::{VectorEntry, VectorHit, VectorStore};
pub use wanted::{Form, Wanted};
pub use words::{KeywordHit, KeywordSearch, WordScores};

/// What went wrong in the indexes, with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    #[error(
        "the index folder {path} was made with {what} {found:?}, and the settings say {expected:?}: run `ken rebuild`, or restore the former setting"
    )]
    Mismatch {
        path: PathBuf,
        what: &'static str,
        found: String,
        expected: String,
    },
    #[error("the index folder {path} is damaged ({detail}): run `ken rebuild`")]
    Damaged { path: PathBuf, detail: String },
    #[error("the index folder {path} cannot be used: {detail}")]
    Folder { path: PathBuf, detail: String },
    #[error("the keyword index failed: {0}")]
    Keyword(#[from] tantivy::TantivyError),
    #[error("the vector index failed: {0}")]
    Vector(String),
    #[error("expected a vector of {expected} numbers, got {got}")]
    DimensionMismatch { expected: usize, got: usize },
    #[error("the keyword index was opened for reading")]
    ReadOnly,
    #[error("another process is writing {path}; stop it first")]
    Locked { path: PathBuf },
}

/// Both views of one workspace.
pub struct WorkspaceIndex {
    pub keyword: KeywordIndex,
    pub vectors: Box<dyn VectorStore>,
}

impl WorkspaceIndex {
    /// The revision both views hold.
    pub fn revision(&self) -> Revision {
        self.keyword.revision().min(self.vectors.revision())
    }
}

/// The index folder: one subfolder a workspace, opened when first needed.
pub struct Indexes {
    config: IndexConfig,
    expected: Manifest,
    /// Held while this process is the one that writes. Dropped with it, also by `kill -9`.
    lock: Option<File>,
    open: RwLock<HashMap<WorkspaceId, Arc<WorkspaceIndex>>>,
}

impl Indexes {
    /// Opens the folder, to write where no other process does.
    pub fn open(
        config: &IndexConfig,
        encoder_id: &str,
        dimension: usize,
    ) -> Result<Self, IndexError> {
        Ok(Self {
            lock: take_lock(&config.dir)?,
            config: config.clone(),
            expected: Manifest::current(encoder_id, dimension),
            open: RwLock::default(),
        })
    }

    /// Whether this process writes the indexes; otherwise another one does, and this one reads.
    pub fn is_writer(&self) -> bool {
        self.lock.is_some()
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
        let mut open = self
            .open
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(index) = open.get(workspace) {
            return Ok(index.clone());
        }
        let folder = self.config.dir.join(workspace.as_str());
        let index = Arc::new(self.open_workspace(&folder)?);
        open.insert(workspace.clone(), index.clone());
        Ok(index)
    }

    fn open_workspace(&self, folder: &Path) -> Result<WorkspaceIndex, IndexError> {
        manifest::check_or_write(folder, &self.expected, self.is_writer())?;
        let writer_bytes = self.lock.is_some().then_some(self.config.writer_bytes);
        Ok(WorkspaceIndex {
            keyword: KeywordIndex::open(&folder.join("keyword"), writer_bytes)?,
            vectors: Box::new(EmbeddedVectors::open(
                &folder.join("vectors"),
                self.expected.dimension,
                self.is_writer(),
            )?),
        })
    }

    /// Closes a workspace and deletes its folder.
    pub fn delete(&self, workspace: &WorkspaceId) -> Result<(), IndexError> {
        self.open
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .remove(workspace);
        remove_folder(&self.config.dir.join(workspace.as_str()))
    }

    /// Writes what is only in memory yet. Blocks.
    pub fn save(&self) -> Result<(), IndexError> {
        if self.is_writer() {
            for index in self.read().values() {
                index.vectors.save()?;
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

/// Deletes all derived data, so that the next start makes them anew.
///
/// # Errors
/// [`IndexError::Locked`] while a process writes the folder.
pub fn clear(folder: &Path) -> Result<(), IndexError> {
    let lock = take_lock(folder)?.ok_or_else(|| IndexError::Locked {
        path: folder.to_owned(),
    })?;
    for entry in std::fs::read_dir(folder)
        .map_err(|e| unusable(folder, &e))?
        .flatten()
    {
        if entry.path().is_dir() {
            remove_folder(&entry.path())?;
        }
    }
    drop(lock);
    Ok(())
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

fn remove_folder(folder: &Path) -> Result<(), IndexError> {
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
