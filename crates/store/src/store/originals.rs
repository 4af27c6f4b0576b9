//! Uploaded files as they were sent, each kept once per workspace while a document version refers to it.

use super::{Store, StoreError, now_ms};
use ken_base::domain::{DocumentId, WorkspaceId};

/// An uploaded file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// The file's name.
    pub name: String,
    /// The content.
    pub bytes: Vec<u8>,
}

/// The original of a version, matched by content: a restored version has that of the version it was restored from.
pub(super) const ORIGINAL_OF: &str = "SELECT w.original FROM document_versions w WHERE w.workspace = v.workspace \
     AND w.document_id = v.document_id AND w.content_hash = v.content_hash AND w.original IS NOT NULL \
     ORDER BY w.version DESC LIMIT 1";

impl Store {
    /// Keeps a file as the original of the document versions that were read from it. `sha256` is that of its bytes, in
    /// hex. A version that has an original keeps it; a file that no version needs is not kept. Returns the number of
    /// versions that refer to it now for the first time.
    pub async fn keep_original(
        &self,
        workspace: &WorkspaceId,
        sha256: &str,
        original: &Original,
        versions: &[(DocumentId, i64)],
    ) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let mut n_linked = 0;
        for (id, version) in versions {
            let linked = sqlx::query(
                "UPDATE document_versions SET original = $1 \
                 WHERE workspace = $2 AND document_id = $3 AND version = $4 AND original IS NULL",
            )
            .bind(sha256)
            .bind(workspace.as_str())
            .bind(id.as_str())
            .bind(*version)
            .execute(&mut *tx)
            .await?;
            n_linked += linked.rows_affected();
        }
        if n_linked == 0 {
            return Ok(0);
        }
        sqlx::query(
            "INSERT INTO originals (workspace, sha256, name, n_bytes, bytes, created_at) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (workspace, sha256) DO NOTHING",
        )
        .bind(workspace.as_str())
        .bind(sha256)
        .bind(&original.name)
        .bind(original.bytes.len() as i64)
        .bind(original.bytes.as_slice())
        .bind(now_ms())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(n_linked)
    }

    /// The original of a document's version, `None` if none was kept.
    pub async fn original(
        &self,
        workspace: &WorkspaceId,
        id: &DocumentId,
        version: i64,
    ) -> Result<Option<Original>, StoreError> {
        let sql = format!(
            "SELECT o.name, o.bytes FROM document_versions v JOIN originals o ON o.workspace = v.workspace \
             AND o.sha256 = ({ORIGINAL_OF}) WHERE v.workspace = $1 AND v.document_id = $2 AND v.version = $3"
        );
        let row: Option<(String, Vec<u8>)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(id.as_str())
            .bind(version)
            .fetch_optional(&self.relaxed)
            .await?;
        Ok(row.map(|(name, bytes)| Original { name, bytes }))
    }

    /// Deletes the originals that no version refers to, as after an import over a deleted document. Returns their number.
    pub async fn drop_unused_originals(&self) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "DELETE FROM originals WHERE NOT EXISTS (SELECT 1 FROM document_versions v \
             WHERE v.workspace = originals.workspace AND v.original = originals.sha256)",
        )
        .execute(&self.durable)
        .await?;
        if done.rows_affected() > 0 {
            self.purge_deleted().await?;
        }
        Ok(done.rows_affected())
    }
}
