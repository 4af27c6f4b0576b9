//! The system of record. All SQL is here and in `migrations/`.
//!
//! One write is one transaction that also records the change under the next revision of the workspace. So the change
//! log has no gaps, and an acknowledged write is durable. SQLite and PostgreSQL both accept the SQL and the migrations.
//!
//! Two connection pools use one database. The durable pool writes knowledge with a full sync, which survives a power
//! failure. Its transactions run one at a time: SQLite has one connection, PostgreSQL one advisory lock across
//! processes. The relaxed pool writes answers and derived vectors without a sync; they survive the end of the process.

/// Implements `FromRow` for a struct whose fields have the names of the columns.
macro_rules! from_row {
    ($row:ident { $($field:ident),+ $(,)? }) => {
        impl<'r> sqlx::FromRow<'r, sqlx::any::AnyRow> for $row {
            fn from_row(row: &'r sqlx::any::AnyRow) -> sqlx::Result<Self> {
                Ok(Self { $($field: sqlx::Row::try_get(row, stringify!($field))?),+ })
            }
        }
    };
}

mod answers;
mod audit;
mod cases;
mod changes;
mod conditions;
pub mod desk;
mod documents;
mod encoders;
mod gap_closures;
mod imports;
mod jobs;
mod judged;
mod judged_runs;
mod keys;
mod leader_election;
mod learning;
mod lists;
mod migrations;
mod originals;
mod portable;
mod questions;
mod queue;
mod sessions;
mod settings;
mod synonyms;
mod vault;
mod vectors;
pub mod webhooks;
mod workspaces;
mod writes;

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use backon::{ConstantBuilder, Retryable};
use jiff::Timestamp;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::pool::PoolConnectionMetadata;
use sqlx::{Any, AnyPool, Executor, Transaction};

use ken_base::domain::{Clock, Revision, WorkspaceId};
use ken_base::store_url::{is_postgres, without_password};

pub use answers::RecordedAnswer;
pub use audit::{AuditEntry, AuditEvent, AuditFilter, Scope};
pub use cases::{CaseEffect, CaseLinks, DraftVector, StoredCase};
pub use changes::{ChangeLogEntry, IndexEntry, entries_of};
pub use conditions::{BaseRevisions, CompletedItem, Precondition, UnmetCondition, WriteConditions};
pub use documents::{DocumentSummary, Origin, OriginState, VersionSummary};
pub use encoders::Encoder;
pub use imports::{EarlierState, ImportSummary, ImportedDocument, NewImport};
pub use jobs::{Job, JobCounts, JobFilter, JobItem, Retried, WaitingJob};
pub use judged_runs::{KEPT_RUNS, StoredRun};
pub use leader_election::Leadership;
pub use learning::AnswerRecord;
pub use lists::{DocumentFilter, TreeEntry};
pub use originals::Original;
pub use portable::{ExportedDocument, ExportedVersion};
pub use questions::{LoggedQuestion, NO_CHANNEL, QuestionFilter, TimeKey};
pub use queue::{DeadLetter, MAX_PAYLOAD, NewWork, Work, WorkOutcome};
pub use settings::{AutoPublish, LearningRules, PublishableClass};
pub use synonyms::SynonymGroups;
pub use vault::Vault;
pub use vectors::{StoredVector, text_hash};
pub use workspaces::DeletedRows;
pub use writes::{Effect, Recorded, Write};

/// An error of the store or the vault.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be opened or read.
    #[error("cannot open store {url}: {detail}")]
    Open {
        /// The URL without its password, or the path of a file.
        url: String,
        /// What failed.
        detail: String,
    },
    /// A migration failed.
    #[error("store migration failed: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A statement failed.
    #[error("store error: {0}")]
    Database(sqlx::Error),
    /// Stored data cannot be parsed.
    #[error("invalid data in the store: {what}: {detail}")]
    Corrupt {
        /// Kind of data, with its article.
        what: String,
        /// The problem.
        detail: String,
    },
    /// A value is too large.
    #[error("{what}: expected at most {limit} bytes, found {size}")]
    TooLarge {
        /// Name of the value.
        what: String,
        /// Its size in bytes.
        size: usize,
        /// Maximum size in bytes.
        limit: usize,
    },
    /// The workspace does not exist, and the caller must not create it.
    #[error("workspace {0} was deleted")]
    Gone(WorkspaceId),
    /// The workspace has used all 2³² chunk keys.
    #[error("workspace {0}: chunk keys exhausted")]
    ChunkKeysExhausted(WorkspaceId),
    /// Ken leaves the operation to the tools of PostgreSQL.
    #[error("not supported on PostgreSQL: {0}")]
    LeftToPostgres(&'static str),
}

/// SQLite's result code for a database that another connection has locked.
const BUSY: u32 = 5;
/// SQLite's READONLY, IOERR and FULL.
const UNWRITABLE: [u32; 3] = [8, 10, 13];
/// PostgreSQL's read_only_sql_transaction, disk_full and io_error.
const UNWRITABLE_STATES: [&str; 3] = ["25006", "53100", "58030"];

/// The primary result code of an SQLite error. PostgreSQL's states have five characters, SQLite's codes fewer.
fn code_of(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error()?.code()?;
    let code: u32 = code.parse().ok().filter(|_| code.len() < 5)?;
    Some(code & 0xff)
}

fn has_unwritable_state(error: &sqlx::Error) -> bool {
    let state = error.as_database_error().and_then(|error| error.code());
    state.is_some_and(|state| UNWRITABLE_STATES.contains(&&*state))
}

/// When a statement last failed because of the disk or a lock.
static FAILED: Mutex<Option<Instant>> = Mutex::new(None);

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if code_of(&error).is_some_and(|code| code == BUSY || UNWRITABLE.contains(&code)) {
            *FAILED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
        Self::Database(error)
    }
}

/// Whether a connection was open when a statement failed. It may still hold an open transaction and its lock: nothing
/// shows whether SQLite has rolled the transaction back or not (found with a disk that fills up).
fn is_suspect(connection: &PoolConnectionMetadata) -> bool {
    let failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
    failed.is_some_and(|at| at.elapsed() <= connection.age)
}

impl StoreError {
    /// Whether the data cause the error, so that a retry does not help: stored data cannot be decoded, or PostgreSQL
    /// rejects the data to be written (error classes 22, data, and 23, integrity).
    pub fn is_of_data(&self) -> bool {
        let Self::Database(error) = self else {
            return false;
        };
        if matches!(
            error,
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)
        ) {
            return true;
        }
        let state = error.as_database_error().and_then(|error| error.code());
        state.is_some_and(|state| {
            state.len() == 5 && ["22", "23"].iter().any(|class| state.starts_with(class))
        })
    }

    /// Whether the disk is full, read-only or failing.
    pub fn is_unwritable(&self) -> bool {
        match self {
            Self::Database(error) => {
                has_unwritable_state(error)
                    || code_of(error).is_some_and(|code| UNWRITABLE.contains(&code))
            }
            _ => false,
        }
    }
}

/// A handle on the store; clones share it.
#[derive(Clone)]
pub struct Store {
    durable: AnyPool,
    relaxed: AnyPool,
    clock: Clock,
    url: Arc<str>,
}

/// How long a writer waits for another process' transaction, in milliseconds.
const BUSY_TIMEOUT_MS: u32 = 10_000;
/// How long a statement waits for a connection.
const CONNECTION_WAIT: Duration = Duration::from_secs(10);
/// Number of retries at start if PostgreSQL gives no connection within [`CONNECTION_WAIT`]: it may be starting, too, or
/// be busy.
const OPENING_RETRIES: usize = 5;
const NO_CONNECTION: &str =
    "connection timed out; the server may be down, unreachable or out of connections";
/// Connections of each pool to PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 6;
/// PostgreSQL's advisory lock, which one writing transaction holds at a time. An arbitrary number that no other lock
/// uses.
const WRITERS: i64 = 0x4b65_6e01;

impl Store {
    /// Opens the store, runs missing migrations and fills columns that SQL cannot. Creates the SQLite file and its folder if missing.
    ///
    /// # Errors
    /// [`StoreError::Open`] if the database cannot be reached or opened, [`StoreError::Migrate`] if a migration fails.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let failed = |detail: String| StoreError::Open {
            url: without_password(url),
            detail,
        };
        if let Some(folder) = sqlite_path(url).as_deref().and_then(|path| path.parent()) {
            std::fs::create_dir_all(folder)
                .map_err(|error| failed(format!("{}: {error}", folder.display())))?;
        }
        let why = |error: sqlx::Error| match error {
            sqlx::Error::PoolTimedOut => failed(NO_CONNECTION.to_owned()),
            error => failed(error.to_string()),
        };
        let durable = pool(url, SyncMode::Full, 1).await.map_err(why)?;
        migrations::migrator().run(&durable).await?;
        let relaxed = pool(url, SyncMode::Deferred, 4).await.map_err(why)?;
        let store = Self {
            durable,
            relaxed,
            clock: Clock::default(),
            url: url.into(),
        };
        store.fill_list_columns().await?;
        store.fill_answer_facts().await?;
        Ok(store)
    }

    /// Whether other processes, also on other machines, may write to it at the same time (PostgreSQL).
    pub fn is_shared(&self) -> bool {
        is_postgres(&self.url)
    }

    /// Begins a writing transaction. It reads the latest committed data, and no other one runs until it ends.
    async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        let mut tx = self.durable.begin().await?;
        if self.is_shared() {
            take_turn(&mut tx).await?;
        }
        Ok(tx)
    }

    /// Uses another clock for validity and publication.
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The current time for validity and publication.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn now_ms(&self) -> i64 {
        self.now().as_millisecond()
    }

    /// Runs a statement. If it changes rows, records `act` in the audit log in the same transaction. Returns the number
    /// of changed rows.
    async fn change(
        &self,
        scope: impl Into<Scope<'_>>,
        act: audit::AuditEvent,
        statement: sqlx::query::Query<'_, sqlx::Any, sqlx::any::AnyArguments>,
    ) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let done = statement.execute(&mut *tx).await?.rows_affected();
        if done > 0 {
            self.note(&mut tx, scope, vec![act]).await?;
        }
        tx.commit().await?;
        Ok(done)
    }

    /// Creates the workspace if it does not exist.
    ///
    /// # Errors
    /// [`StoreError::Gone`] if it does not exist and the caller must not create it, see [`ken_base::actor::as_system`].
    pub async fn ensure_workspace(&self, workspace: &WorkspaceId) -> Result<(), StoreError> {
        if !ken_base::actor::may_create_workspaces() {
            let row: Option<(i64,)> = sqlx::query_as("SELECT 1 FROM workspaces WHERE id = $1")
                .bind(workspace.as_str())
                .fetch_optional(&self.relaxed)
                .await?;
            return row.map(|_| ()).ok_or(StoreError::Gone(workspace.clone()));
        }
        sqlx::query(
            "INSERT INTO workspaces (id, created_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
        )
        .bind(workspace.as_str())
        .bind(now_ms())
        .execute(&self.durable)
        .await?;
        Ok(())
    }

    /// All workspaces with their newest revisions, sorted by name.
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

    /// The newest revision of a workspace; 0 if it is empty or does not exist.
    pub async fn revision(&self, workspace: &WorkspaceId) -> Result<Revision, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as("SELECT revision FROM workspaces WHERE id = $1")
            .bind(workspace.as_str())
            .fetch_optional(&self.relaxed)
            .await?;
        Ok(row.map_or(0, |(revision,)| revision))
    }

    /// Creation time of a workspace in milliseconds since 1970, and its newest revision; both 0 if it does not exist.
    pub async fn created_at_and_revision(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<(i64, Revision), StoreError> {
        let row: Option<(i64, i64)> =
            sqlx::query_as("SELECT created_at, revision FROM workspaces WHERE id = $1")
                .bind(workspace.as_str())
                .fetch_optional(&self.relaxed)
                .await?;
        Ok(row.unwrap_or_default())
    }

    /// Closes all connections. Acknowledged writes are on disk already.
    pub async fn close(&self) {
        self.durable.close().await;
        self.relaxed.close().await;
    }
}

/// Whether a commit waits for a sync.
#[derive(Clone, Copy, PartialEq)]
enum SyncMode {
    Full,
    Deferred,
}

/// Waits for the lock of writers; the end of the transaction releases it.
async fn take_turn(tx: &mut Transaction<'_, Any>) -> Result<(), StoreError> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(WRITERS)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Opens a connection pool. For SQLite it has `connections` connections and creates the file if missing.
async fn pool(url: &str, synced: SyncMode, connections: u32) -> Result<AnyPool, sqlx::Error> {
    let is_remote = is_postgres(url);
    let (options, settings, connections) = match is_remote {
        true => (
            AnyConnectOptions::from_str(url)?,
            postgres_settings(synced),
            POSTGRES_CONNECTIONS,
        ),
        false => {
            let separator = if url.contains('?') { '&' } else { '?' };
            (
                AnyConnectOptions::from_str(&format!("{url}{separator}mode=rwc"))?,
                sqlite_settings(synced),
                connections,
            )
        }
    };
    let pool = AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(CONNECTION_WAIT)
        // The server may have restarted since.
        .test_before_acquire(is_remote)
        .before_acquire(|_, about| Box::pin(async move { Ok(!is_suspect(&about)) }))
        .after_release(|_, about| Box::pin(async move { Ok(!is_suspect(&about)) }))
        .after_connect(move |connection, _| {
            let settings = settings.clone();
            Box::pin(async move {
                connection
                    .execute(sqlx::AssertSqlSafe(settings))
                    .await
                    .map(|_| ())
            })
        })
        .connect_lazy_with(options);
    let tries = ConstantBuilder::default()
        .with_delay(Duration::ZERO)
        .with_max_times(OPENING_RETRIES);
    let first = || async { pool.acquire().await.map(drop) };
    first
        .retry(tries)
        .when(|error| is_remote && matches!(error, sqlx::Error::PoolTimedOut))
        .notify(|_, _| tracing::warn!("cannot connect to the store; retrying"))
        .await?;
    Ok(pool)
}

fn sqlite_settings(synced: SyncMode) -> String {
    let synchronous = match synced {
        SyncMode::Full => "FULL",
        SyncMode::Deferred => "NORMAL",
    };
    format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; \
         PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}; PRAGMA cache_size = -16384"
    )
}

/// The keepalives detect a lost machine within about eight seconds, so that its locks become free.
fn postgres_settings(synced: SyncMode) -> String {
    let commit = match synced {
        SyncMode::Full => "on",
        SyncMode::Deferred => "off",
    };
    format!(
        "SET synchronous_commit = {commit}; SET lock_timeout = {BUSY_TIMEOUT_MS}; \
         SET idle_in_transaction_session_timeout = 60000; SET client_min_messages = warning; \
         SET tcp_keepalives_idle = 4; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 2; \
         SET tcp_user_timeout = 8000"
    )
}

/// The file of an `sqlite://path` URL; `None` for another URL and for `:memory:`.
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

/// A value as JSON. Panics if it cannot be serialized, which plain data always can.
pub fn to_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("domain values are plain data")
}

/// `$from,$from+1,…`: n placeholders for an IN list.
fn placeholders(from: usize, n: usize) -> String {
    (from..from + n)
        .map(|i| format!("${i}"))
        .collect::<Vec<_>>()
        .join(",")
}

/// Maximum number of rows of one INSERT.
const ROWS: usize = 50;

/// Maximum number of values of one IN list.
const MAX_IN: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    /// Queries that run for each question or change do not scan all rows of a workspace.
    #[tokio::test]
    async fn frequent_queries_use_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/ken.db", folder.path().display());
        let store = Store::open(&url).await.unwrap();
        for sql in [
            changes::chunks_of_documents(1),
            changes::chunks_of_documents(MAX_IN),
            changes::chunks_with_keys(1),
            changes::chunks_with_keys(MAX_IN),
            answers::newest(true),
            "SELECT * FROM answers WHERE workspace = $1 AND idempotency_key = $2".to_owned(),
            "SELECT * FROM changes WHERE workspace = $1 AND revision > $2 LIMIT $3".to_owned(),
        ] {
            let explain = format!("EXPLAIN QUERY PLAN {sql}");
            let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(sqlx::AssertSqlSafe(explain))
                .fetch_all(&store.relaxed)
                .await
                .unwrap();
            assert!(!plan.is_empty(), "{sql}");
            for (.., step) in plan {
                assert!(
                    !step.starts_with("SCAN") && !step.contains("(workspace=?)"),
                    "{step}: {sql}"
                );
            }
        }
        store.close().await;
    }

    #[test]
    fn store_url_is_shown_without_password() {
        for url in [
            "postgres://ken:geheim@db/ken",
            "postgresql://db/ken?user=ken&password=geheim",
            "postgres://ken:geheim@db:5432/ken?sslpassword=geheim",
            "postgres://ken:geheim@[::1",
        ] {
            let shown = without_password(url);
            assert!(
                !shown.contains("geheim") && shown.starts_with("postgres"),
                "{shown}"
            );
        }
        assert_eq!(
            without_password("sqlite://data/ken.db"),
            "sqlite://data/ken.db"
        );
    }
}
