//! The vault: what was taken out of cases, in a store of its own, by workspace.

use std::path::Path;

use jiff::Timestamp;
use sqlx::AnyPool;

use super::portable::{BACKUP, copy_into};
use super::{
    StoreError, Synced, is_postgres, now_ms, pool, sqlite_path, take_turn, without_password,
};
use ken_base::domain::WorkspaceId;

/// A case's id, the hash of its content, and what was taken out of it by placeholder.
pub type TakenOut = (String, String, Vec<(String, String)>);

/// A handle on the vault; clones share it. It is opened beside the [`Store`](super::Store), never by it: no query joins
/// the two.
#[derive(Clone)]
pub struct Vault {
    pool: AnyPool,
    is_file: bool,
}

impl Vault {
    /// Opens (and where absent, makes) the vault. A file is readable by its owner alone.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let failed = |detail: String| StoreError::Open {
            url: without_password(url),
            detail,
        };
        let path = sqlite_path(url);
        if let Some(path) = &path {
            make_private(path).map_err(|e| failed(e.to_string()))?;
        }
        let pool = pool(url, Synced::Fully, 2)
            .await
            .map_err(|e| failed(e.to_string()))?;
        let mut tx = pool.begin().await?;
        if is_postgres(url) {
            // Two that make it at once get into each other's way.
            take_turn(&mut tx).await?;
        }
        sqlx::query(
            "CREATE TABLE IF NOT EXISTS vault (workspace TEXT NOT NULL, case_id TEXT NOT NULL, content_hash TEXT NOT NULL, \
             placeholder TEXT NOT NULL, value TEXT NOT NULL, created_at BIGINT NOT NULL, \
             PRIMARY KEY (workspace, case_id, content_hash, placeholder))",
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        let is_file = !is_postgres(url);
        Ok(Self { pool, is_file })
    }

    /// Keeps what was taken out of cases, by the case and the hash of what it was taken out of: values never stand beside
    /// another content's placeholders.
    pub async fn keep(
        &self,
        workspace: &WorkspaceId,
        cases: &[TakenOut],
    ) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await?;
        for (case, hash, values) in cases {
            for (placeholder, value) in values {
                sqlx::query(
                    "INSERT INTO vault (workspace, case_id, content_hash, placeholder, value, created_at) \
                     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (workspace, case_id, content_hash, placeholder) DO NOTHING",
                )
                .bind(workspace.as_str())
                .bind(case)
                .bind(hash)
                .bind(placeholder)
                .bind(value)
                .bind(now_ms())
                .execute(&mut *tx)
                .await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }

    /// What was taken out of a case, by placeholder: of the content with this hash, or of any.
    pub async fn values(
        &self,
        workspace: &WorkspaceId,
        case: &str,
        hash: Option<&str>,
    ) -> Result<Vec<(String, String)>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT placeholder, value FROM vault WHERE workspace = $1 AND case_id = $2 \
             AND content_hash = COALESCE($3, content_hash) ORDER BY placeholder",
        )
        .bind(workspace.as_str())
        .bind(case)
        .bind(hash)
        .fetch_all(&self.pool)
        .await?)
    }

    /// Forgets what was taken out of a case's former contents.
    pub async fn keep_only(
        &self,
        workspace: &WorkspaceId,
        case: &str,
        hash: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM vault WHERE workspace = $1 AND case_id = $2 AND content_hash <> $3",
        )
        .bind(workspace.as_str())
        .bind(case)
        .bind(hash)
        .execute(&self.pool)
        .await?;
        self.leave_no_trace().await
    }

    /// Forgets what was taken out of a case: it cannot be put back any more.
    pub async fn forget(&self, workspace: &WorkspaceId, case: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM vault WHERE workspace = $1 AND case_id = $2")
            .bind(workspace.as_str())
            .bind(case)
            .execute(&self.pool)
            .await?;
        self.leave_no_trace().await
    }

    /// Forgets all that was taken out of a workspace's cases. Returns how many values, and how many are there afterwards.
    pub async fn delete_workspace(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<(i64, i64), StoreError> {
        let done = sqlx::query("DELETE FROM vault WHERE workspace = $1")
            .bind(workspace.as_str())
            .execute(&self.pool)
            .await?;
        self.leave_no_trace().await?;
        let (left,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM vault WHERE workspace = $1")
            .bind(workspace.as_str())
            .fetch_one(&self.pool)
            .await?;
        Ok((done.rows_affected() as i64, left))
    }

    /// Forgets what was taken out before then. Returns how many values.
    pub async fn forget_before(&self, then: Timestamp) -> Result<u64, StoreError> {
        let done = sqlx::query("DELETE FROM vault WHERE created_at < $1")
            .bind(then.as_millisecond())
            .execute(&self.pool)
            .await?;
        if done.rows_affected() > 0 {
            self.leave_no_trace().await?;
        }
        Ok(done.rows_affected())
    }

    async fn leave_no_trace(&self) -> Result<(), StoreError> {
        if !self.is_file {
            return Ok(());
        }
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Writes the whole vault into a file that its owner alone can read, while it is used.
    ///
    /// # Errors
    /// Where the file exists or cannot be written.
    pub async fn backup(&self, path: &Path) -> Result<(), StoreError> {
        if !self.is_file {
            return Err(StoreError::LeftToPostgres(BACKUP));
        }
        make_private(path).map_err(|e| StoreError::Open {
            url: path.display().to_string(),
            detail: e.to_string(),
        })?;
        copy_into(&self.pool, path).await
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Makes the file, where it is not there, and takes from it what others than its owner may do.
fn make_private(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    drop(file);
    Ok(())
}
