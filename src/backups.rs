//! Backups that the running service writes into the folder of `backup.dir`. They are those of `ken backup`: `ken restore`
//! reads them while nothing is served.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use ken_base::blocking::blocking;
use ken_base::config::Config;
use ken_store::store::{Store, StoreError, Vault, sqlite_path};

/// A finished backup in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupFile {
    /// Name in the folder.
    pub name: String,
    /// Whether it is a copy of the vault, not of the store.
    pub is_vault: bool,
    /// Size in bytes.
    pub n_bytes: u64,
    /// When it was written.
    pub created_at: Timestamp,
}

/// A backup that is being written, or the last one that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupAttempt {
    /// Name that the store's copy has, or would have had.
    pub name: String,
    /// When it was begun.
    pub started_at: Timestamp,
    /// Why it failed; `None` while it is being written.
    pub error: Option<String>,
}

/// Why no backup can be made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// No folder is configured.
    #[error("backup.dir is not set; set it, or run `ken backup FILE`")]
    NoFolder,
    /// The store is not a file.
    #[error("the store is in PostgreSQL; back it up with pg_dump")]
    Postgres,
    /// The vault is not a file.
    #[error("the vault is in PostgreSQL; back it up with pg_dump")]
    VaultInPostgres,
    /// Another backup is being written.
    #[error("backup {0} is being written; wait until it is finished")]
    Running(String),
    /// The folder cannot be used.
    #[error("backup.dir {folder}: {error}")]
    Folder {
        /// The folder.
        folder: String,
        /// What failed.
        error: std::io::Error,
    },
}

#[derive(Debug, Default)]
struct Attempts {
    running: Option<BackupAttempt>,
    failed: Option<BackupAttempt>,
}

/// Writes backups, one at a time. Clones share the state.
#[derive(Clone)]
pub struct Backups {
    folder: Option<PathBuf>,
    store_url: String,
    vault_url: String,
    attempts: Arc<Mutex<Attempts>>,
}

/// Name ending of a file that is being written.
const UNFINISHED: &str = ".unfinished";

impl Backups {
    /// Writes backups of the configured store and vault.
    pub fn new(config: &Config) -> Self {
        Self {
            folder: config.backup.dir.clone(),
            store_url: config.store.url.clone(),
            vault_url: config.store.vault_url.clone(),
            attempts: Arc::default(),
        }
    }

    /// Returns the folder; `None` if none is configured.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Returns the backup that is being written and the last one that failed since the start. A success clears the
    /// failure.
    pub fn attempts(&self) -> (Option<BackupAttempt>, Option<BackupAttempt>) {
        let attempts = self.lock();
        (attempts.running.clone(), attempts.failed.clone())
    }

    /// Begins a backup of the store, and of the vault with `with_vault`, in the background. Returns the attempt.
    ///
    /// # Errors
    /// [`BackupError`] if no backup can be made. A failure while writing is in [`Self::attempts`].
    pub async fn begin(&self, with_vault: bool) -> Result<BackupAttempt, BackupError> {
        let folder = self.folder.clone().ok_or(BackupError::NoFolder)?;
        if sqlite_path(&self.store_url).is_none() {
            return Err(BackupError::Postgres);
        }
        if with_vault && sqlite_path(&self.vault_url).is_none() {
            return Err(BackupError::VaultInPostgres);
        }
        let prepared = folder.clone();
        let prepare = blocking(move || remove_unfinished(&prepared));
        let started_at = Timestamp::now();
        let stamp = started_at.strftime("%Y%m%dT%H%M%S%3fZ").to_string();
        let attempt = BackupAttempt {
            name: format!("ken-{stamp}.db"),
            started_at,
            error: None,
        };
        {
            let mut attempts = self.lock();
            if let Some(running) = &attempts.running {
                return Err(BackupError::Running(running.name.clone()));
            }
            attempts.running = Some(attempt.clone());
        }
        if let Err(error) = prepare.await {
            self.lock().running = None;
            let folder = folder.display().to_string();
            return Err(BackupError::Folder { folder, error });
        }
        let (this, begun) = (self.clone(), attempt.clone());
        tokio::spawn(async move {
            let vault = with_vault.then(|| folder.join(format!("vault-{stamp}.db")));
            let file = folder.join(&begun.name);
            let written = this.write(&file, vault.as_deref()).await;
            let failed = written.err().map(|error| BackupAttempt {
                error: Some(error.to_string()),
                ..begun
            });
            if let Some(failed) = &failed {
                tracing::error!(backup = failed.name, error = failed.error, "backup failed");
            }
            *this.lock() = Attempts {
                running: None,
                failed,
            };
        });
        Ok(attempt)
    }

    /// Writes the files under another name and renames them once they are complete. Connections of its own copy the
    /// store, so that the service's stay free for writes.
    async fn write(&self, file: &Path, vault_file: Option<&Path>) -> Result<(), StoreError> {
        let unfinished = unfinished(file);
        create_private(&unfinished)?;
        let store = Store::open(&self.store_url).await?;
        let copied = store.backup(&unfinished).await;
        store.close().await;
        copied?;
        if let Some(vault_file) = vault_file {
            let unfinished = self::unfinished(vault_file);
            create_private(&unfinished)?;
            let vault = Vault::open(&self.vault_url).await?;
            let copied = vault.backup(&unfinished).await;
            vault.close().await;
            copied?;
            rename(&unfinished, vault_file)?;
        }
        rename(&unfinished, file)
    }

    /// Returns the finished backups in the folder, newest first; none without a folder.
    ///
    /// # Errors
    /// [`BackupError::Folder`] if the folder exists and cannot be read.
    pub async fn list(&self) -> Result<Vec<BackupFile>, BackupError> {
        let Some(folder) = self.folder.clone() else {
            return Ok(Vec::new());
        };
        let name = folder.display().to_string();
        let listed = blocking(move || list(&folder)).await;
        listed.map_err(|error| BackupError::Folder {
            folder: name,
            error,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unfinished(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(UNFINISHED);
    name.into()
}

/// Creates an empty file that only its owner can read.
fn create_private(file: &Path) -> Result<(), StoreError> {
    let created = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file);
    created.map(drop).map_err(|error| failed(file, &error))
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    std::fs::rename(from, to).map_err(|error| failed(to, &error))
}

fn failed(file: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Open {
        url: file.display().to_string(),
        detail: error.to_string(),
    }
}

/// Creates the folder, and removes what an earlier process left unfinished.
fn remove_unfinished(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let of_ken = kind_of(name.to_str().and_then(|name| name.strip_suffix(UNFINISHED)));
        if of_ken.is_some() {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Whether the name is that of a backup of the vault; `None` if it is no backup.
fn kind_of(name: Option<&str>) -> Option<bool> {
    let stem = name?.strip_suffix(".db")?;
    match stem.strip_prefix("ken-") {
        Some(_) => Some(false),
        None => stem.strip_prefix("vault-").map(|_| true),
    }
}

fn list(folder: &Path) -> std::io::Result<Vec<BackupFile>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let Some(is_vault) = kind_of(Some(name)) else {
            continue;
        };
        let metadata = entry.metadata()?;
        if metadata.is_file() {
            let modified = Timestamp::try_from(metadata.modified()?);
            files.push(BackupFile {
                name: name.to_owned(),
                is_vault,
                n_bytes: metadata.len(),
                created_at: modified.map_err(std::io::Error::other)?,
            });
        }
    }
    files.sort_by(|a, b| (b.created_at, &b.name).cmp(&(a.created_at, &a.name)));
    Ok(files)
}
