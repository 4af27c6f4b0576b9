//! The system of record; all SQL stands here and in `migrations/`.
//!
//! One write is one transaction that also records the change under the workspace's next revision, so the log has
//! no gaps and an acknowledged write is durable. The SQL is what SQLite and PostgreSQL both accept.
//!
//! Two pools on one SQLite file: knowledge is written with a full sync (it survives loss of power), answers and
//! derived vectors without (they survive the end of the process).

mod answers;
mod cases;
mod changes;
mod documents;
mod jobs;
mod judged;
mod keys;
mod learning;
mod portable;
mod settings;
mod synonyms;
mod vault;
mod vectors;
mod writes;

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyPool, Executor};

use crate::domain::{Clock, Revision, WorkspaceId};

pub use answers::RecordedAnswer;
pub use cases::{CaseEffect, DraftVector, StoredCase};
pub use changes::{Change, IndexEntry};
pub use documents::{DocumentSummary, Origin, OriginState, VersionSummary};
pub use jobs::{Job, JobItem};
pub use portable::{ExportedDocument, ExportedVersion};
pub use settings::{AuditEntry, AutoPublish, LearningRules};
pub use synonyms::SynonymGroups;
pub use vault::Vault;
pub use vectors::{StoredVector, text_hash};
pub use writes::{Effect, Recorded, Write};

/// What went wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the store at {url} cannot be opened: {detail}")]
    Open { url: String, detail: String },
    #[error("the store's migrations cannot be applied: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("the store failed: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the store holds {what} that cannot be read: {detail}")]
    Corrupt { what: String, detail: String },
    #[error("workspace {0} has used up its chunk numbers")]
    ChunkKeysExhausted(WorkspaceId),
}

/// A handle on the store; clones share it.
#[derive(Clone)]
pub struct Store {
    durable: AnyPool,
    relaxed: AnyPool,
    clock: Clock,
}

/// How long a writer waits for another process' transaction.
const BUSY_TIMEOUT_MS: u32 = 10_000;

impl Store {
    /// Opens (and where absent, makes) the store and brings its tables up to date.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let failed = |detail: String| StoreError::Open {
            url: url.to_owned(),
            detail,
        };
        if let Some(folder) = sqlite_path(url).as_deref().and_then(|path| path.parent()) {
            std::fs::create_dir_all(folder)
                .map_err(|error| failed(format!("{}: {error}", folder.display())))?;
        }
        let separator = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{separator}mode=rwc");
        let options = AnyConnectOptions::from_str(&url).map_err(|e| failed(e.to_string()))?;
        let durable = pool(options.clone(), "FULL", 4)
            .await
            .map_err(|e| failed(e.to_string()))?;
        sqlx::migrate!("./migrations").run(&durable).await?;
        let relaxed = pool(options, "NORMAL", 4)
            .await
            .map_err(|e| failed(e.to_string()))?;
        Ok(Self {
            durable,
            relaxed,
            clock: Clock::default(),
        })
    }

    /// Goes by another clock.
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// What time it is for what is valid and published.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn now_ms(&self) -> i64 {
        self.now().as_millisecond()
    }

    /// Makes the workspace where it does not exist.
    pub async fn ensure_workspace(&self, workspace: &WorkspaceId) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO workspaces (id, created_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
        )
        .bind(workspace.as_str())
        .bind(now_ms())
        .execute(&self.durable)
        .await?;
        Ok(())
    }

    /// Every workspace with its newest revision, by name.
    pub async fn workspaces(&self) -> Result<Vec<(WorkspaceId, Revision)>, StoreError> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT id, revision FROM workspaces ORDER BY id")
                .fetch_all(&self.relaxed)
                .await?;
        rows.into_iter()
            .map(|(id, revision)| {
                let id = WorkspaceId::parse(&id).map_err(|e| corrupt("a workspace name", &e))?;
                Ok((id, revision))
            })
            .collect()
    }

    /// The newest revision of a workspace; 0 where it is empty or does not exist.
    pub async fn revision(&self, workspace: &WorkspaceId) -> Result<Revision, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as("SELECT revision FROM workspaces WHERE id = $1")
            .bind(workspace.as_str())
            .fetch_optional(&self.relaxed)
            .await?;
        Ok(row.map_or(0, |(revision,)| revision))
    }

    /// Ends all connections; what was acknowledged is on disk already.
    pub async fn close(&self) {
        self.durable.close().await;
        self.relaxed.close().await;
    }
}

async fn pool(
    options: AnyConnectOptions,
    synchronous: &'static str,
    connections: u32,
) -> Result<AnyPool, sqlx::Error> {
    let settings = format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; \
         PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}; PRAGMA cache_size = -16384"
    );
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(10))
        .after_connect(move |connection, _| {
            let settings = settings.clone();
            Box::pin(async move {
                connection
                    .execute(sqlx::AssertSqlSafe(settings))
                    .await
                    .map(|_| ())
            })
        })
        .connect_with(options)
        .await
}

/// The file of an `sqlite://path` URL.
pub fn sqlite_path(url: &str) -> Option<PathBuf> {
    let path = url
        .strip_prefix("sqlite://")
        .or_else(|| url.strip_prefix("sqlite:"))?;
    let path = path.split('?').next().unwrap_or(path);
    Some(PathBuf::from(path)).filter(|path| path.as_os_str() != ":memory:")
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

fn time_of(ms: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(ms).map_err(|e| corrupt("a time", &e))
}

fn corrupt(what: &str, detail: &dyn std::fmt::Display) -> StoreError {
    StoreError::Corrupt {
        what: what.to_owned(),
        detail: detail.to_string(),
    }
}

fn from_json<T: serde::de::DeserializeOwned>(what: &str, json: &str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|e| corrupt(what, &e))
}

fn to_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("domain values are plain data")
}

/// `$from,$from+1,…`: n placeholders for an IN list.
fn placeholders(from: usize, n: usize) -> String {
    (from..from + n)
        .map(|i| format!("${i}"))
        .collect::<Vec<_>>()
        .join(",")
}

/// The most values bound in one IN list.
const MAX_IN: usize = 400;
