use sqlx::{Any, Transaction};

use super::{Store, StoreError, corrupt, from_json, now_ms, time_of, to_json};
use crate::domain::{Document, DocumentId, Metadata, Revision, Source, Status, WorkspaceId};

/// Where a document was read from, so that a second reading costs a hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The folder or file that was ingested.
    pub root: String,
    /// The file, relative to what was ingested.
    pub path: String,
    /// [`crate::ingest::file_hash`] of the file.
    pub hash: String,
}

/// What is known of a file read before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginState {
    pub document_id: DocumentId,
    pub path: String,
    pub hash: String,
}

/// One change to a document.
pub enum Write {
    Put {
        source: Box<Source>,
        origin: Option<Origin>,
    },
    /// Takes it out of every answer and keeps it.
    Archive(DocumentId),
    /// Takes it out of everything but the history.
    Delete(DocumentId),
}

/// What a write did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Added,
    Changed,
    Unchanged,
    Archived,
    Deleted,
    NotFound,
}

/// The outcome of one write. `revision` is the one it made, or the workspace's newest where it changed nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub document_id: DocumentId,
    pub version: i64,
    pub effect: Effect,
    pub revision: Revision,
}

/// A document without its text, for lists.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentSummary {
    pub id: DocumentId,
    pub version: i64,
    pub metadata: Metadata,
    pub n_chunks: i64,
    pub updated_at: jiff::Timestamp,
}

/// The live row of a document, inside a transaction.
struct Live {
    version: i64,
    content_hash: String,
    deleted: bool,
    status: String,
    metadata: String,
    first_key: i64,
    n_chunks: i64,
}

impl Store {
    /// Writes documents in one transaction: all or none. Each change takes a revision of its own, in order.
    pub async fn record(
        &self,
        workspace: &WorkspaceId,
        writes: Vec<Write>,
    ) -> Result<Vec<Recorded>, StoreError> {
        let mut tx = self.durable.begin().await?;
        // Written first, so that writers queue here and no transaction has to give up half way.
        sqlx::query(
            "INSERT INTO workspaces (id, created_at) VALUES ($1, $2) \
             ON CONFLICT (id) DO UPDATE SET revision = workspaces.revision",
        )
        .bind(workspace.as_str())
        .bind(now_ms())
        .execute(&mut *tx)
        .await?;
        let mut cursor = Cursor::read(&mut tx, workspace).await?;
        let mut recorded = Vec::with_capacity(writes.len());
        for write in writes {
            let done = match write {
                Write::Put { source, origin } => {
                    put(&mut tx, workspace, &mut cursor, *source, origin).await?
                }
                Write::Archive(id) => retire(&mut tx, workspace, &mut cursor, id, false).await?,
                Write::Delete(id) => retire(&mut tx, workspace, &mut cursor, id, true).await?,
            };
            recorded.push(done);
        }
        cursor.save(&mut tx, workspace).await?;
        tx.commit().await?;
        Ok(recorded)
    }

    /// The live version, or the one asked for. Deleted documents have none.
    pub async fn document(
        &self,
        workspace: &WorkspaceId,
        id: &DocumentId,
        version: Option<i64>,
    ) -> Result<Option<Document>, StoreError> {
        let row: Option<(i64, String, String, String, i64, String)> = sqlx::query_as(
            "SELECT v.version, v.metadata, v.text, v.content_hash, v.created_at, d.metadata \
             FROM documents d JOIN document_versions v ON v.workspace = d.workspace AND v.document_id = d.id \
             WHERE d.workspace = $1 AND d.id = $2 AND d.deleted = 0 AND v.version = COALESCE($3, d.version)",
        )
        .bind(workspace.as_str())
        .bind(id.as_str())
        .bind(version)
        .fetch_optional(&self.relaxed)
        .await?;
        let Some((found, own, text, content_hash, created_at, live)) = row else {
            return Ok(None);
        };
        // The live row knows what became of the document since (archived); an old version speaks for itself.
        let metadata = if version.is_none() { live } else { own };
        Ok(Some(Document {
            id: id.clone(),
            version: found,
            metadata: from_json("a document's metadata", &metadata)?,
            text,
            content_hash,
            updated_at: time_of(created_at)?,
        }))
    }

    /// Documents in order of id, after `after`; deleted ones are left out.
    pub async fn documents(
        &self,
        workspace: &WorkspaceId,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<DocumentSummary>, StoreError> {
        let rows: Vec<(String, i64, String, i64, i64)> = sqlx::query_as(
            "SELECT id, version, metadata, n_chunks, updated_at FROM documents \
             WHERE workspace = $1 AND deleted = 0 AND id > $2 ORDER BY id LIMIT $3",
        )
        .bind(workspace.as_str())
        .bind(after.unwrap_or(""))
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        rows.into_iter()
            .map(|(id, version, metadata, n_chunks, updated_at)| {
                Ok(DocumentSummary {
                    id: DocumentId::parse(&id).map_err(|e| corrupt("a document id", &e))?,
                    version,
                    metadata: from_json("a document's metadata", &metadata)?,
                    n_chunks,
                    updated_at: time_of(updated_at)?,
                })
            })
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

    /// How many documents are live, and how many chunks they have.
    pub async fn counts(&self, workspace: &WorkspaceId) -> Result<(i64, i64), StoreError> {
        let row: (i64, i64) = sqlx::query_as(
            "SELECT COUNT(*), COALESCE(SUM(n_chunks), 0) FROM documents WHERE workspace = $1 AND deleted = 0",
        )
        .bind(workspace.as_str())
        .fetch_one(&self.relaxed)
        .await?;
        Ok(row)
    }
}

/// The workspace's counters while a transaction uses them up.
struct Cursor {
    revision: i64,
    next_key: i64,
}

impl Cursor {
    async fn read(
        tx: &mut Transaction<'_, Any>,
        workspace: &WorkspaceId,
    ) -> Result<Self, StoreError> {
        let (revision, next_key): (i64, i64) =
            sqlx::query_as("SELECT revision, next_chunk_key FROM workspaces WHERE id = $1")
                .bind(workspace.as_str())
                .fetch_one(&mut **tx)
                .await?;
        Ok(Self { revision, next_key })
    }

    async fn save(
        &self,
        tx: &mut Transaction<'_, Any>,
        workspace: &WorkspaceId,
    ) -> Result<(), StoreError> {
        if self.next_key > i64::from(u32::MAX) {
            return Err(StoreError::ChunkKeysExhausted(workspace.clone()));
        }
        sqlx::query("UPDATE workspaces SET revision = $1, next_chunk_key = $2 WHERE id = $3")
            .bind(self.revision)
            .bind(self.next_key)
            .bind(workspace.as_str())
            .execute(&mut **tx)
            .await?;
        Ok(())
    }
}

async fn live(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    id: &DocumentId,
) -> Result<Option<Live>, StoreError> {
    let row: Option<(i64, String, i64, String, String, i64, i64)> = sqlx::query_as(
        "SELECT version, content_hash, deleted, status, metadata, first_key, n_chunks \
         FROM documents WHERE workspace = $1 AND id = $2",
    )
    .bind(workspace.as_str())
    .bind(id.as_str())
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(
        |(version, content_hash, deleted, status, metadata, first_key, n_chunks)| Live {
            version,
            content_hash,
            deleted: deleted != 0,
            status,
            metadata,
            first_key,
            n_chunks,
        },
    ))
}

async fn put(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    cursor: &mut Cursor,
    source: Source,
    origin: Option<Origin>,
) -> Result<Recorded, StoreError> {
    let before = live(tx, workspace, &source.id).await?;
    let status = source.metadata.status;
    let unchanged = before.as_ref().filter(|live| {
        live.content_hash == source.content_hash && !live.deleted && live.status == status.as_str()
    });
    if let Some(live) = unchanged {
        let version = live.version;
        remember_origin(tx, workspace, &source.id, origin).await?;
        return Ok(Recorded {
            document_id: source.id,
            version,
            effect: Effect::Unchanged,
            revision: cursor.revision,
        });
    }
    let version = before.as_ref().map_or(1, |live| live.version + 1);
    let metadata = to_json(&source.metadata);
    let at = now_ms();
    sqlx::query(
        "INSERT INTO document_versions (workspace, document_id, version, content_hash, metadata, raw, text, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(workspace.as_str())
    .bind(source.id.as_str())
    .bind(version)
    .bind(&source.content_hash)
    .bind(&metadata)
    .bind(&source.raw)
    .bind(&source.text)
    .bind(at)
    .execute(&mut **tx)
    .await?;
    let removed = remove_chunks(tx, workspace, before.as_ref()).await?;
    let first_key = cursor.next_key;
    let n_chunks = match status {
        Status::Published => add_chunks(tx, workspace, first_key, version, &source).await?,
        Status::Draft | Status::Archived => 0,
    };
    cursor.next_key += n_chunks;
    cursor.revision += 1;
    sqlx::query(
        "INSERT INTO documents (workspace, id, version, status, deleted, content_hash, metadata, first_key, \
         n_chunks, revision, updated_at) VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT (workspace, id) DO UPDATE SET version = excluded.version, status = excluded.status, \
         deleted = 0, content_hash = excluded.content_hash, metadata = excluded.metadata, \
         first_key = excluded.first_key, n_chunks = excluded.n_chunks, revision = excluded.revision, \
         updated_at = excluded.updated_at, origin_root = NULL, origin_path = NULL, origin_hash = NULL",
    )
    .bind(workspace.as_str())
    .bind(source.id.as_str())
    .bind(version)
    .bind(status.as_str())
    .bind(&source.content_hash)
    .bind(&metadata)
    .bind(first_key)
    .bind(n_chunks)
    .bind(cursor.revision)
    .bind(at)
    .execute(&mut **tx)
    .await?;
    remember_origin(tx, workspace, &source.id, origin).await?;
    log_change(
        tx,
        workspace,
        cursor.revision,
        &source.id,
        "put",
        version,
        removed,
    )
    .await?;
    Ok(Recorded {
        document_id: source.id,
        version,
        effect: if before.is_some_and(|live| !live.deleted) {
            Effect::Changed
        } else {
            Effect::Added
        },
        revision: cursor.revision,
    })
}

async fn retire(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    cursor: &mut Cursor,
    id: DocumentId,
    delete: bool,
) -> Result<Recorded, StoreError> {
    let before = live(tx, workspace, &id).await?.filter(|live| !live.deleted);
    let Some(before) = before else {
        return Ok(Recorded {
            document_id: id,
            version: 0,
            effect: Effect::NotFound,
            revision: cursor.revision,
        });
    };
    let mut metadata: Metadata = from_json("a document's metadata", &before.metadata)?;
    metadata.status = Status::Archived;
    let removed = remove_chunks(tx, workspace, Some(&before)).await?;
    cursor.revision += 1;
    sqlx::query(
        "UPDATE documents SET status = 'archived', deleted = $1, metadata = $2, n_chunks = 0, revision = $3, \
         updated_at = $4 WHERE workspace = $5 AND id = $6",
    )
    .bind(i64::from(delete))
    .bind(to_json(&metadata))
    .bind(cursor.revision)
    .bind(now_ms())
    .bind(workspace.as_str())
    .bind(id.as_str())
    .execute(&mut **tx)
    .await?;
    let (operation, effect) = match delete {
        true => ("delete", Effect::Deleted),
        false => ("archive", Effect::Archived),
    };
    log_change(
        tx,
        workspace,
        cursor.revision,
        &id,
        operation,
        before.version,
        removed,
    )
    .await?;
    Ok(Recorded {
        document_id: id,
        version: before.version,
        effect,
        revision: cursor.revision,
    })
}

/// Takes out the chunks of the version that was live; returns their keys as first and count.
async fn remove_chunks(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    before: Option<&Live>,
) -> Result<(i64, i64), StoreError> {
    let Some(live) = before.filter(|live| live.n_chunks > 0) else {
        return Ok((0, 0));
    };
    sqlx::query("DELETE FROM chunks WHERE workspace = $1 AND chunk_key >= $2 AND chunk_key < $3")
        .bind(workspace.as_str())
        .bind(live.first_key)
        .bind(live.first_key + live.n_chunks)
        .execute(&mut **tx)
        .await?;
    Ok((live.first_key, live.n_chunks))
}

async fn add_chunks(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    first_key: i64,
    version: i64,
    source: &Source,
) -> Result<i64, StoreError> {
    for (ordinal, (heading_path, span)) in (0_i64..).zip(&source.chunks) {
        let text = span
            .slice(&source.text)
            .ok_or_else(|| corrupt("a chunk", &format!("{span:?} is no span of {}", source.id)))?;
        sqlx::query(
            "INSERT INTO chunks (workspace, chunk_key, document_id, version, ordinal, heading_path, start_byte, \
             end_byte, text) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(workspace.as_str())
        .bind(first_key + ordinal)
        .bind(source.id.as_str())
        .bind(version)
        .bind(ordinal)
        .bind(to_json(heading_path))
        .bind(span.start as i64)
        .bind(span.end as i64)
        .bind(text)
        .execute(&mut **tx)
        .await?;
    }
    Ok(source.chunks.len() as i64)
}

async fn remember_origin(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    id: &DocumentId,
    origin: Option<Origin>,
) -> Result<(), StoreError> {
    let Some(origin) = origin else { return Ok(()) };
    sqlx::query(
        "UPDATE documents SET origin_root = $1, origin_path = $2, origin_hash = $3 WHERE workspace = $4 AND id = $5",
    )
    .bind(origin.root)
    .bind(origin.path)
    .bind(origin.hash)
    .bind(workspace.as_str())
    .bind(id.as_str())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn log_change(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    revision: Revision,
    id: &DocumentId,
    operation: &'static str,
    version: i64,
    (removed_first, removed_count): (i64, i64),
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO changes (workspace, revision, document_id, operation, version, removed_first, removed_count, \
         created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(workspace.as_str())
    .bind(revision)
    .bind(id.as_str())
    .bind(operation)
    .bind(version)
    .bind(removed_first)
    .bind(removed_count)
    .bind(now_ms())
    .execute(&mut **tx)
    .await?;
    Ok(())
}
