//! Documents and their versions: reading and listing them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::originals::ORIGINAL_OF;
use super::{MAX_IN, Store, StoreError, corrupt, from_json, placeholders, time_of};
use ken_base::domain::{Document, DocumentId, Metadata, Revision, WorkspaceId};

/// Source file of a document; an unchanged file is recognised by its hash and not parsed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The ingested folder or file.
    pub root: String,
    /// Path of the file, relative to `root`.
    pub path: String,
    /// SHA-256 of the file, as `ken-ingest` makes it.
    pub hash: String,
}

/// Source file of a live document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginState {
    /// The document.
    pub document_id: DocumentId,
    /// Path of the file, relative to its root.
    pub path: String,
    /// SHA-256 of the file when it was read.
    pub hash: String,
}

/// A stored version with the columns of its document's row.
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

/// Columns of a version, number of the live version, number and time of the scheduled one.
type VersionRow = (
    i64,
    String,
    String,
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    Option<String>,
    Option<i64>,
);

/// One version of a document, for lists.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionSummary {
    /// Number of the version, from 1.
    pub version: i64,
    /// SHA-256 (hex) of the source bytes and the metadata.
    pub content_hash: String,
    /// Metadata of the version.
    pub metadata: Metadata,
    /// When the version was written.
    pub created_at: Timestamp,
    /// Whether the version is in force.
    pub live: bool,
    /// When it replaces the live version, if it is scheduled.
    pub publish_at: Option<Timestamp>,
    /// Name and size in bytes of the file it was read from, if that is kept.
    pub original: Option<(String, i64)>,
}

/// A document without its text, for lists.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentSummary {
    /// Id of the document.
    pub id: DocumentId,
    /// The live version.
    pub version: i64,
    /// Metadata of the document.
    pub metadata: Metadata,
    /// Number of live chunks.
    pub n_chunks: i64,
    /// SHA-256 (hex) of the source bytes and the metadata.
    pub content_hash: String,
    /// Revision of its last change.
    pub revision: Revision,
    /// When the document was last written.
    pub updated_at: Timestamp,
}

impl Store {
    /// A version of a document: `version`, which stays readable after a deletion, or the version in force now, which a
    /// deleted document does not have.
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
        // The row of the document has its current state (archived); an old version has its own.
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

    /// Live versions of documents, sorted by id; missing and deleted documents are left out.
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

    /// All documents that are not deleted, sorted by id; read a page at a time.
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

    /// Versions of a document, oldest first, with the time of a scheduled one; empty if the document never existed. No
    /// version of a deleted document is live.
    pub async fn versions(
        &self,
        workspace: &WorkspaceId,
        id: &DocumentId,
    ) -> Result<Vec<VersionSummary>, StoreError> {
        let sql = format!(
            "SELECT v.version, v.content_hash, v.metadata, v.created_at, \
             CASE WHEN d.deleted = 0 THEN d.version ELSE 0 END, d.next_version, d.next_at, o.name, o.n_bytes \
             FROM documents d JOIN document_versions v ON v.workspace = d.workspace AND v.document_id = d.id \
             LEFT JOIN originals o ON o.workspace = v.workspace AND o.sha256 = ({ORIGINAL_OF}) \
             WHERE d.workspace = $1 AND d.id = $2 ORDER BY v.version"
        );
        let rows: Vec<VersionRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(id.as_str())
            .fetch_all(&self.relaxed)
            .await?;
        rows.into_iter()
            .map(
                |(
                    version,
                    content_hash,
                    metadata,
                    created_at,
                    live,
                    next,
                    next_at,
                    name,
                    n_bytes,
                )| {
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
                        original: name.zip(n_bytes),
                    })
                },
            )
            .collect()
    }

    /// Documents with an id above `after`, sorted by id, at most `limit`; deleted ones are left out.
    pub async fn documents(
        &self,
        workspace: &WorkspaceId,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<DocumentSummary>, StoreError> {
        let rows: Vec<(String, i64, String, i64, String, i64, i64)> = sqlx::query_as(
            "SELECT id, version, metadata, n_chunks, content_hash, revision, updated_at FROM documents \
             WHERE workspace = $1 AND deleted = 0 AND id > $2 ORDER BY id LIMIT $3",
        )
        .bind(workspace.as_str())
        .bind(after.unwrap_or(""))
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        rows.into_iter()
            .map(
                |(id, version, metadata, n_chunks, content_hash, revision, updated_at)| {
                    Ok(DocumentSummary {
                        id: DocumentId::parse(&id).map_err(|e| corrupt("a document id", &e))?,
                        version,
                        metadata: from_json("a document's metadata", &metadata)?,
                        n_chunks,
                        content_hash,
                        revision,
                        updated_at: time_of(updated_at)?,
                    })
                },
            )
            .collect()
    }

    /// Live documents from `root` with their source files.
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

    /// Sets the hash of a file on its documents whose stored hash is `before`.
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

    /// Number of documents that are not deleted, and of their chunks.
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
