use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{MAX_IN, Store, StoreError, corrupt, from_json, placeholders, time_of};
use ken_base::domain::{Document, DocumentId, Metadata, WorkspaceId};

/// Where a document was read from, so that a second reading costs a hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The folder or file that was ingested.
    pub root: String,
    /// The file, relative to what was ingested.
    pub path: String,
    /// SHA-256 of the file, as `ken-ingest` makes it.
    pub hash: String,
}

/// What is known of a file read before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginState {
    pub document_id: DocumentId,
    pub path: String,
    pub hash: String,
}

/// A version as stored, with what the document's row says.
struct DocumentRow {
    version: i64,
    metadata: String,
    text: String,
    outline: String,
    content_hash: String,
    created_at: i64,
    live_version: i64,
    live_metadata: String,
}

from_row!(DocumentRow {
    version,
    metadata,
    text,
    outline,
    content_hash,
    created_at,
    live_version,
    live_metadata,
});

/// A version; then the live one's number, the scheduled one's, and its time.
type VersionRow = (i64, String, String, i64, i64, Option<i64>, Option<i64>);

/// One version of a document, for lists.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionSummary {
    pub version: i64,
    pub content_hash: String,
    pub metadata: Metadata,
    pub created_at: Timestamp,
    /// Whether it is the one in force.
    pub live: bool,
    /// When it takes the live one's place, where it is scheduled.
    pub publish_at: Option<Timestamp>,
}

/// A document without its text, for lists.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentSummary {
    pub id: DocumentId,
    pub version: i64,
    pub metadata: Metadata,
    pub n_chunks: i64,
    pub content_hash: String,
    pub updated_at: Timestamp,
}

impl Store {
    /// The version in force now, which deleted documents have none of, or the one asked for, which stays readable.
    pub async fn document(
        &self,
        workspace: &WorkspaceId,
        id: &DocumentId,
        version: Option<i64>,
    ) -> Result<Option<Document>, StoreError> {
        let row: Option<DocumentRow> = sqlx::query_as(
            "SELECT v.version, v.metadata, v.text, v.outline, v.content_hash, v.created_at, \
             d.version AS live_version, d.metadata AS live_metadata \
             FROM documents d JOIN document_versions v ON v.workspace = d.workspace AND v.document_id = d.id \
             WHERE d.workspace = $1 AND d.id = $2 AND (d.deleted = 0 OR v.version = $3) AND v.version = COALESCE($3, \
             CASE WHEN d.next_at <= $4 THEN d.next_version ELSE d.version END)",
        )
        .bind(workspace.as_str())
        .bind(id.as_str())
        .bind(version)
        .bind(self.clock.now().as_millisecond())
        .fetch_optional(&self.relaxed)
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        // The live row knows what became of the document since (archived); an old version speaks for itself.
        let is_live = version.is_none() && row.version == row.live_version;
        let metadata = if is_live {
            row.live_metadata
        } else {
            row.metadata
        };
        Ok(Some(Document {
            id: id.clone(),
            version: row.version,
            metadata: from_json("a document's metadata", &metadata)?,
            text: row.text,
            outline: from_json("a document's outline", &row.outline)?,
            content_hash: row.content_hash,
            updated_at: time_of(row.created_at)?,
        }))
    }

    /// The live versions of these documents, by id; those that are deleted or do not exist are left out.
    pub async fn documents_by_id(
        &self,
        workspace: &WorkspaceId,
        ids: &[DocumentId],
    ) -> Result<Vec<Document>, StoreError> {
        let mut documents = Vec::with_capacity(ids.len());
        for some in ids.chunks(MAX_IN) {
            let sql = format!(
                "SELECT d.id, v.version, d.metadata, v.text, v.outline, v.content_hash, v.created_at \
                 FROM documents d JOIN document_versions v ON v.workspace = d.workspace \
                 AND v.document_id = d.id AND v.version = d.version \
                 WHERE d.workspace = $1 AND d.deleted = 0 AND d.id IN ({}) ORDER BY d.id",
                placeholders(2, some.len())
            );
            let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(workspace.as_str());
            for id in some {
                query = query.bind(id.as_str());
            }
            let rows: Vec<(String, i64, String, String, String, String, i64)> =
                query.fetch_all(&self.relaxed).await?;
            for (id, version, metadata, text, outline, content_hash, created_at) in rows {
                documents.push(Document {
                    id: DocumentId::parse(&id).map_err(|e| corrupt("a document id", &e))?,
                    version,
                    metadata: from_json("a document's metadata", &metadata)?,
                    text,
                    outline: from_json("a document's outline", &outline)?,
                    content_hash,
                    updated_at: time_of(created_at)?,
                });
            }
        }
        Ok(documents)
    }

    /// Every document that is not deleted, in order of id, a page at a time.
    pub async fn all_documents(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<Vec<DocumentSummary>, StoreError> {
        let mut all: Vec<DocumentSummary> = Vec::new();
        loop {
            let after = all.last().map(|last| last.id.to_string());
            let page = self.documents(workspace, after.as_deref(), 1_000).await?;
            let is_last = page.len() < 1_000;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// A document's versions, oldest first, and which is to come when; none where there never was such a document. Of a
    /// deleted one none is live.
    pub async fn versions(
        &self,
        workspace: &WorkspaceId,
        id: &DocumentId,
    ) -> Result<Vec<VersionSummary>, StoreError> {
        let rows: Vec<VersionRow> = sqlx::query_as(
            "SELECT v.version, v.content_hash, v.metadata, v.created_at, \
             CASE WHEN d.deleted = 0 THEN d.version ELSE 0 END, d.next_version, d.next_at \
             FROM documents d JOIN document_versions v ON v.workspace = d.workspace AND v.document_id = d.id \
             WHERE d.workspace = $1 AND d.id = $2 ORDER BY v.version",
        )
        .bind(workspace.as_str())
        .bind(id.as_str())
        .fetch_all(&self.relaxed)
        .await?;
        rows.into_iter()
            .map(
                |(version, content_hash, metadata, created_at, live, next, next_at)| {
                    let takes_over = next_at.filter(|_| next == Some(version));
                    let takes_over = takes_over.map(time_of).transpose()?;
                    let is_due = |at: Timestamp| at <= self.clock.now();
                    let next_is_due = next_at.map(time_of).transpose()?.is_some_and(is_due);
                    Ok(VersionSummary {
                        version,
                        content_hash,
                        metadata: from_json("a document's metadata", &metadata)?,
                        created_at: time_of(created_at)?,
                        live: match takes_over {
                            Some(at) => is_due(at),
                            None => version == live && !next_is_due,
                        },
                        publish_at: takes_over,
                    })
                },
            )
            .collect()
    }

    /// Documents in order of id, after `after`; deleted ones are left out.
    pub async fn documents(
        &self,
        workspace: &WorkspaceId,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<DocumentSummary>, StoreError> {
        let rows: Vec<(String, i64, String, i64, String, i64)> = sqlx::query_as(
            "SELECT id, version, metadata, n_chunks, content_hash, updated_at FROM documents \
             WHERE workspace = $1 AND deleted = 0 AND id > $2 ORDER BY id LIMIT $3",
        )
        .bind(workspace.as_str())
        .bind(after.unwrap_or(""))
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        rows.into_iter()
            .map(
                |(id, version, metadata, n_chunks, content_hash, updated_at)| {
                    Ok(DocumentSummary {
                        id: DocumentId::parse(&id).map_err(|e| corrupt("a document id", &e))?,
                        version,
                        metadata: from_json("a document's metadata", &metadata)?,
                        n_chunks,
                        content_hash,
                        updated_at: time_of(updated_at)?,
                    })
                },
            )
            .collect()
    }

    /// The documents that came from `root` and are live.
    pub async fn origins(
        &self,
        workspace: &WorkspaceId,
        root: &str,
    ) -> Result<Vec<OriginState>, StoreError> {
        let rows: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT id, origin_path, origin_hash FROM documents \
             WHERE workspace = $1 AND origin_root = $2 AND deleted = 0 AND status <> 'archived' ORDER BY id",
        )
        .bind(workspace.as_str())
        .bind(root)
        .fetch_all(&self.relaxed)
        .await?;
        rows.into_iter()
            .map(|(id, path, hash)| {
                let document_id =
                    DocumentId::parse(&id).map_err(|e| corrupt("a document id", &e))?;
                Ok(OriginState {
                    document_id,
                    path,
                    hash,
                })
            })
            .collect()
    }

    /// Gives a file's hash to those of its documents that have `before` in its place.
    pub async fn complete_origin(
        &self,
        workspace: &WorkspaceId,
        file: &Origin,
        before: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE documents SET origin_hash = $1 \
             WHERE workspace = $2 AND origin_root = $3 AND origin_path = $4 AND origin_hash = $5",
        )
        .bind(&file.hash)
        .bind(workspace.as_str())
        .bind(&file.root)
        .bind(&file.path)
        .bind(before)
        .execute(&self.relaxed)
        .await?;
        Ok(())
    }

    /// How many documents are live, and how many chunks they have.
    pub async fn counts(&self, workspace: &WorkspaceId) -> Result<(i64, i64), StoreError> {
        let row: (i64, i64) = sqlx::query_as(
            "SELECT COUNT(*), CAST(COALESCE(SUM(n_chunks), 0) AS BIGINT) FROM documents \
             WHERE workspace = $1 AND deleted = 0",
        )
        .bind(workspace.as_str())
        .fetch_one(&self.relaxed)
        .await?;
        Ok(row)
    }
}
