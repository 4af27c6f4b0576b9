//! The vault: personal data redacted from cases, in a store of its own, by workspace.

use std::path::Path;

use jiff::Timestamp;
use sqlx::AnyPool;

use super::portable::{BACKUP, copy_into};
use super::{
    StoreError, SyncMode, is_postgres, now_ms, pool, sqlite_path, take_turn, without_password,
};
use ken_base::domain::WorkspaceId;

/// Redacted values of a case: its id, the hash of its content, and placeholders with values.
pub type TakenOut = (String, String, Vec<(String, String)>);

/// A handle on the vault; clones share it. It is opened separately from the [`Store`](super::Store): no query joins the
/// two.
#[derive(Clone)]
pub struct Vault {
    pool: AnyPool,
    is_file: bool,
}

impl Vault {
    /// Opens the vault, and creates it if missing. Only the owner can read its file.
    ///
    /// # Errors
    /// [`StoreError::Open`] if it cannot be reached, created or opened.
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
        let pool = pool(url, SyncMode::Full, 2)
            .await
            .map_err(|e| failed(e.to_string()))?;
        let mut tx = pool.begin().await?;
        if is_postgres(url) {
            // Two processes that create the table at the same time would conflict.
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

    /// Stores redacted values by case and by hash of its content, so that values never meet the placeholders of another
    /// content.
    pub async fn insert(
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

    /// Redacted values of a case by placeholder: of the content with this hash, or of any with `None`.
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

    /// Deletes the values of earlier contents of a case.
    pub async fn retain(
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
        self.purge_deleted().await
    }

    /// Deletes the values of a case, which can then not be restored.
    pub async fn forget(&self, workspace: &WorkspaceId, case: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM vault WHERE workspace = $1 AND case_id = $2")
            .bind(workspace.as_str())
            .bind(case)
            .execute(&self.pool)
            .await?;
        self.purge_deleted().await
    }

    /// Deletes the values of a workspace. Returns how many were deleted and how many exist afterwards.
    pub async fn delete_workspace(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<(i64, i64), StoreError> {
        let done = sqlx::query("DELETE FROM vault WHERE workspace = $1")
            .bind(workspace.as_str())
            .execute(&self.pool)
            .await?;
        self.purge_deleted().await?;
        let (left,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM vault WHERE workspace = $1")
            .bind(workspace.as_str())
            .fetch_one(&self.pool)
            .await?;
        Ok((done.rows_affected() as i64, left))
    }

    /// Deletes values stored before `then`. Returns their number.
    pub async fn forget_before(&self, then: Timestamp) -> Result<u64, StoreError> {
        let done = sqlx::query("DELETE FROM vault WHERE created_at < $1")
            .bind(then.as_millisecond())
            .execute(&self.pool)
            .await?;
        if done.rows_affected() > 0 {
            self.purge_deleted().await?;
        }
        Ok(done.rows_affected())
    }

    async fn purge_deleted(&self) -> Result<(), StoreError> {
        if !self.is_file {
            return Ok(());
        }
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Writes a consistent copy of the vault into a new file that only its owner can read, while the vault is in use.
    ///
    /// # Errors
    /// The file exists or cannot be written, or the vault is not SQLite.
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

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Creates the file if missing and restricts it to its owner.
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
