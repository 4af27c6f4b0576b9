//! The system of record; all SQL stands here and in `migrations/`.
//!
//! One write is one transaction that also records the change under the workspace's next revision, so the log has
//! no gaps and an acknowledged write is durable. The SQL and the migrations are what SQLite and PostgreSQL both accept.
//!
//! Two pools on one database: knowledge is written with a full sync (it survives loss of power), by one transaction in turn:
//! on SQLite by one connection, on PostgreSQL under one advisory lock, whichever process it is of. Answers and derived
//! vectors are written without (they survive the end of the process).

/// Reads a row's columns into the fields of the same names.
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
mod documents;
mod encoders;
mod jobs;
mod judged;
mod keys;
mod lead;
mod learning;
mod migrations;
mod portable;
mod queue;
mod settings;
mod synonyms;
mod vault;
mod vectors;
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
pub use audit::{Act, AuditEntry, Scope};
pub use cases::{CaseEffect, CaseLinks, DraftVector, StoredCase};
pub use changes::{Change, IndexEntry, entries_of};
pub use documents::{DocumentSummary, Origin, OriginState, VersionSummary};
pub use encoders::Encoder;
pub use jobs::{Job, JobItem, WaitingJob};
pub use lead::Lead;
pub use learning::ToldAnswer;
pub use portable::{ExportedDocument, ExportedVersion};
pub use queue::{DeadLetter, MAX_PAYLOAD, NewWork, Settled, Work};
pub use settings::{AutoPublish, LearningRules, PublishableClass};
pub use synonyms::SynonymGroups;
pub use vault::Vault;
pub use vectors::{StoredVector, text_hash};
pub use workspaces::Deleted;
pub use writes::{Base, Effect, EndsWith, Recorded, Terms, Unmet, Write};

/// What went wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot open store {url}: {detail}")]
    Open { url: String, detail: String },
    #[error("store migration failed: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("store error: {0}")]
    Database(sqlx::Error),
    #[error("invalid data in the store: {what}: {detail}")]
    Corrupt { what: String, detail: String },
    #[error("{what}: expected at most {limit} bytes, found {size}")]
    TooLarge {
        what: String,
        size: usize,
        limit: usize,
    },
    #[error("workspace {0} was deleted")]
    Gone(WorkspaceId),
    #[error("workspace {0}: chunk keys exhausted")]
    ChunkKeysExhausted(WorkspaceId),
    #[error("not supported on PostgreSQL: {0}")]
    LeftToPostgres(&'static str),
}

/// SQLite's BUSY, READONLY, IOERR and FULL.
const BUSY: u32 = 5;
const UNWRITABLE: [u32; 3] = [8, 10, 13];
/// PostgreSQL's read_only_sql_transaction, disk_full and io_error.
const UNWRITABLE_STATES: [&str; 3] = ["25006", "53100", "58030"];

/// SQLite's primary result code. PostgreSQL's states have five characters, which none of SQLite's codes has.
fn code_of(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error()?.code()?;
    let code: u32 = code.parse().ok().filter(|_| code.len() < 5)?;
    Some(code & 0xff)
}

fn has_unwritable_state(error: &sqlx::Error) -> bool {
    let state = error.as_database_error().and_then(|error| error.code());
    state.is_some_and(|state| UNWRITABLE_STATES.contains(&&*state))
}

/// When the disk or a lock last failed a statement.
static FAILED: Mutex<Option<Instant>> = Mutex::new(None);

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if code_of(&error).is_some_and(|code| code == BUSY || UNWRITABLE.contains(&code)) {
            *FAILED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
        Self::Database(error)
    }
}

/// Whether a connection was there when a statement failed. It may hold what is left of a transaction, and its lock, then: one
/// that SQLite has ended by itself and one that it has not are told apart by nobody (found by a disk that fills up).
fn is_suspect(connection: &PoolConnectionMetadata) -> bool {
    let failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
    failed.is_some_and(|at| at.elapsed() <= connection.age)
}

impl StoreError {
    /// Whether it is the data, so that trying again does not help: what is stored cannot be read, or the database refuses what is
    /// to be written (PostgreSQL's classes of data and integrity).
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

    /// Whether the disk is full, may not be written, or fails.
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

/// How long a writer waits for another process' transaction.
const BUSY_TIMEOUT_MS: u32 = 10_000;
/// How long a statement waits for a connection.
const CONNECTION_WAIT: Duration = Duration::from_secs(10);
/// How often a server that gives no connection within that time is tried again at start: it may be starting, too, or be busy.
const OPENING_RETRIES: usize = 5;
const NO_CONNECTION: &str =
    "connection timed out; the server may be down, unreachable or out of connections";
/// How many connections of each pool to PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 6;
/// PostgreSQL's advisory lock that one writing transaction holds at a time. Any number that others do not use.
const WRITERS: i64 = 0x4b65_6e01;

impl Store {
    /// Opens (and where absent, makes) the store and brings its tables up to date.
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
        let durable = pool(url, Synced::Fully, 1).await.map_err(why)?;
        migrations::migrator().run(&durable).await?;
        let relaxed = pool(url, Synced::Later, 4).await.map_err(why)?;
        Ok(Self {
            durable,
            relaxed,
            clock: Clock::default(),
            url: url.into(),
        })
    }

    /// Whether other processes, also of other machines, may write to it at the same time.
    pub fn is_shared(&self) -> bool {
        is_postgres(&self.url)
    }

    /// Begins a transaction that writes: what it reads is what was written last, and nobody else writes until it ends.
    async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        let mut tx = self.durable.begin().await?;
        if self.is_shared() {
            take_turn(&mut tx).await?;
        }
        Ok(tx)
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

    /// Runs a statement and, where it changed something, notes that in the same transaction. Returns how many rows it changed.
    async fn change(
        &self,
        scope: impl Into<Scope<'_>>,
        act: audit::Act,
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

    /// Makes the workspace where it does not exist.
    ///
    /// # Errors
    /// [`StoreError::Gone`] where it does not exist and nobody has asked for it, see [`ken_base::actor::by_itself`].
    pub async fn ensure_workspace(&self, workspace: &WorkspaceId) -> Result<(), StoreError> {
        if !ken_base::actor::makes_workspaces() {
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

    /// When a workspace was made, in milliseconds since 1970, and its newest revision; both 0 where it does not exist.
    pub async fn made_at_and_revision(
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

    /// Ends all connections; what was acknowledged is on disk already.
    pub async fn close(&self) {
        self.durable.close().await;
        self.relaxed.close().await;
    }
}

/// What a commit waits for.
#[derive(Clone, Copy, PartialEq)]
enum Synced {
    Fully,
    Later,
}

/// Waits for the turn to write; it ends with the transaction.
async fn take_turn(tx: &mut Transaction<'_, Any>) -> Result<(), StoreError> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(WRITERS)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Connections to a database; of an SQLite file so many, which is made where absent.
async fn pool(url: &str, synced: Synced, connections: u32) -> Result<AnyPool, sqlx::Error> {
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
        // A server may have been started anew since.
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

fn sqlite_settings(synced: Synced) -> String {
    let synchronous = match synced {
        Synced::Fully => "FULL",
        Synced::Later => "NORMAL",
    };
    format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; \
         PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}; PRAGMA cache_size = -16384"
    )
}

/// A process whose machine has gone is found out within some eight seconds, so that its locks are free for others.
fn postgres_settings(synced: Synced) -> String {
    let commit = match synced {
        Synced::Fully => "on",
        Synced::Later => "off",
    };
    format!(
        "SET synchronous_commit = {commit}; SET lock_timeout = {BUSY_TIMEOUT_MS}; \
         SET idle_in_transaction_session_timeout = 60000; SET client_min_messages = warning; \
         SET tcp_keepalives_idle = 4; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 2; \
         SET tcp_user_timeout = 8000"
    )
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

/// How many rows one statement inserts.
const ROWS: usize = 50;

/// The most values bound in one IN list.
const MAX_IN: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked for every question or change takes no longer where there is more in the workspace.
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
            let told = without_password(url);
            assert!(
                !told.contains("geheim") && told.starts_with("postgres"),
                "{told}"
            );
        }
        assert_eq!(
            without_password("sqlite://data/ken.db"),
            "sqlite://data/ken.db"
        );
    }
}
