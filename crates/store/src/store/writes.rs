//! Document writes. Each write and its change log entry are in one transaction.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{Any, Transaction};

use super::audit::{AuditEvent, note};
use super::conditions::{UnmetCondition, WriteConditions, first_unmet, states};
use super::documents::Origin;
use super::imports::{insert_import, mark_undone};
use super::jobs::finish_item;
use super::lists::{ListColumns, version_text};
use super::{
    MAX_IN, ROWS, Scope, Store, StoreError, corrupt, from_json, now_ms, placeholders, time_of,
    to_json,
};
use ken_base::actor::{actor, may_create_workspaces};
use ken_base::domain::{
    DocumentId, DocumentStatus, Metadata, NewChunk, Revision, Source, WorkspaceId,
};
use ken_text::text::sha256_hex;

/// One change of a document. Knowledge is changed through the gate of `ken-knowledge` only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Write {
    /// Writes a version that is live immediately.
    Put {
        /// The parsed document.
        source: Box<Source>,
        /// The file that it was read from, if any.
        origin: Option<Origin>,
    },
    /// Writes a version that replaces the live one at the time `at`, and drops an earlier scheduled version. If no
    /// version is live, the new one is written immediately, with `valid_from` at that time or later.
    Schedule {
        /// The parsed document.
        source: Box<Source>,
        /// When it becomes live.
        at: Timestamp,
    },
    /// Archives the document: answers no longer use it, but it can still be opened.
    Archive(DocumentId),
    /// Deletes the document; only its history is kept.
    Delete(DocumentId),
}

impl Write {
    /// Returns a [`Write::Put`] of a document that was not read from a file.
    pub fn put(source: Source) -> Self {
        Write::Put {
            source: Box::new(source),
            origin: None,
        }
    }

    /// Returns the id of the document that the write changes.
    pub fn document_id(&self) -> &DocumentId {
        match self {
            Write::Put { source, .. } | Write::Schedule { source, .. } => &source.id,
            Write::Archive(id) | Write::Delete(id) => id,
        }
    }
}

/// The effect of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The document is new.
    Added,
    /// The document has a new version.
    Changed,
    /// The document had this content already.
    Unchanged,
    /// A version is scheduled.
    Scheduled,
    /// The document was archived.
    Archived,
    /// The document was deleted.
    Deleted,
    /// There is no such document.
    NotFound,
}

/// The result of one write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The document.
    pub document_id: DocumentId,
    /// The version that was written, archived or deleted, or the unchanged one; 0 if there is no such document.
    pub version: i64,
    /// The effect of the write.
    pub effect: Effect,
    /// The revision of the write, or the workspace's current revision if nothing changed.
    pub revision: Revision,
}

/// The row of a document, read inside a transaction. A deleted document has a row, too.
struct CurrentRow {
    version: i64,
    content_hash: String,
    deleted: i64,
    status: String,
    metadata: String,
    first_key: i64,
    n_chunks: i64,
    next_version: Option<i64>,
    next_at: Option<i64>,
    next_first_key: Option<i64>,
    next_n_chunks: Option<i64>,
    /// The highest version number, including scheduled and dropped versions.
    newest: i64,
}

from_row!(CurrentRow {
    version,
    content_hash,
    deleted,
    status,
    metadata,
    first_key,
    n_chunks,
    next_version,
    next_at,
    next_first_key,
    next_n_chunks,
    newest,
});

impl CurrentRow {
    /// Returns the first chunk key and the number of chunks of the current version.
    fn keys(&self) -> (i64, i64) {
        (self.first_key, self.n_chunks)
    }

    /// Returns the same for the scheduled version; zeros if there is none.
    fn next_keys(&self) -> (i64, i64) {
        (
            self.next_first_key.unwrap_or(0),
            self.next_n_chunks.unwrap_or(0),
        )
    }
}

impl Store {
    /// Writes documents in one transaction: all or none. Each change gets a revision of its own, in order.
    pub async fn record(
        &self,
        workspace: &WorkspaceId,
        writes: Vec<Write>,
    ) -> Result<Vec<Recorded>, StoreError> {
        let mut tx = self.begin().await?;
        lock(&mut tx, workspace).await?;
        let recorded = self.record_in(&mut tx, workspace, writes).await?;
        tx.commit().await?;
        Ok(recorded)
    }

    /// Like [`Store::record`], but checks `conditions` in the same transaction. Returns the first unmet condition; then
    /// nothing is written.
    pub async fn record_if(
        &self,
        workspace: &WorkspaceId,
        writes: Vec<Write>,
        conditions: WriteConditions<'_>,
    ) -> Result<Result<Vec<Recorded>, UnmetCondition>, StoreError> {
        let mut tx = self.begin().await?;
        if let Some(job) = conditions.job {
            // As in `lock`, the first statement is a write. It precedes `lock`, so that a deleted workspace is not
            // created again.
            let running = sqlx::query(
                "UPDATE jobs SET state = 'running' WHERE workspace = $1 AND id = $2 AND state = 'running'",
            )
            .bind(workspace.as_str())
            .bind(job)
            .execute(&mut *tx)
            .await?;
            if running.rows_affected() == 0 {
                return Ok(Err(UnmetCondition::NotRunning));
            }
        }
        lock(&mut tx, workspace).await?;
        if let Some(unmet) = first_unmet(&mut tx, workspace, &conditions, self.clock.now()).await? {
            return Ok(Err(unmet));
        }
        let ids: Vec<DocumentId> = match conditions.import {
            Some(_) => writes.iter().map(|w| w.document_id().clone()).collect(),
            None => Vec::new(),
        };
        let before = states(&mut tx, workspace, &ids).await?;
        let recorded = self.record_in(&mut tx, workspace, writes).await?;
        let now = self.clock.now();
        if let Some(import) = conditions.import {
            insert_import(&mut tx, workspace, import, &before, &recorded, now).await?;
        }
        // Here and below, the transaction is dropped if a condition is unmet, which rolls back this write.
        if let Some(import) = conditions.undoes
            && !mark_undone(&mut tx, workspace, import, &recorded, now).await?
        {
            return Ok(Err(UnmetCondition::Undone(import.to_owned())));
        }
        if let (Some(job), Some(item)) = (conditions.job, conditions.completes) {
            let detail = (item.detail)(&recorded);
            // An earlier run may have completed the item.
            if !finish_item(&mut *tx, workspace, job, item.ordinal, "done", &detail).await? {
                return Ok(Err(UnmetCondition::NotRunning));
            }
        }
        tx.commit().await?;
        Ok(Ok(recorded))
    }

    /// Returns the writes without each [`Write::Put`] whose document already has this content and status. All other
    /// kinds of writes are returned, even if they would change nothing.
    pub async fn changing_writes(
        &self,
        workspace: &WorkspaceId,
        writes: &[Write],
    ) -> Result<Vec<Write>, StoreError> {
        let ids: Vec<&str> = writes.iter().map(|w| w.document_id().as_str()).collect();
        let mut live: HashMap<String, (String, String)> = HashMap::new();
        for batch in ids.chunks(MAX_IN) {
            let sql = format!(
                "SELECT id, content_hash, status FROM documents WHERE workspace = $1 AND deleted = 0 \
                 AND next_version IS NULL AND id IN ({})",
                placeholders(2, batch.len())
            );
            let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(workspace.as_str());
            for id in batch {
                query = query.bind(*id);
            }
            let rows: Vec<(String, String, String)> = query.fetch_all(&self.relaxed).await?;
            live.extend(
                rows.into_iter()
                    .map(|(id, hash, status)| (id, (hash, status))),
            );
        }
        let is_same = |write: &&Write| match write {
            Write::Put { source, .. } => {
                live.get(source.id.as_str()).is_some_and(|(hash, status)| {
                    *hash == source.content_hash && status == source.metadata.status.as_str()
                })
            }
            _ => false,
        };
        Ok(writes
            .iter()
            .filter(|write| !is_same(write))
            .cloned()
            .collect())
    }

    async fn record_in(
        &self,
        tx: &mut Transaction<'_, Any>,
        workspace: &WorkspaceId,
        writes: Vec<Write>,
    ) -> Result<Vec<Recorded>, StoreError> {
        let mut cursor = Cursor::read(tx, workspace, self.clock.now()).await?;
        let mut recorded = Vec::with_capacity(writes.len());
        for write in writes {
            recorded.push(apply(tx, workspace, &mut cursor, write).await?);
        }
        cursor.save(tx, workspace).await?;
        Ok(recorded)
    }

    /// Makes up to 1,000 due scheduled versions live, each in its own transaction. Returns whether any was due.
    /// Searches do not depend on this: they compare the times of the versions with the current time.
    pub async fn promote_due(&self) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let due: Vec<(String, String)> = sqlx::query_as(
            "SELECT workspace, id FROM documents WHERE next_at <= $1 AND deleted = 0 ORDER BY next_at LIMIT 1000",
        )
        .bind(now.as_millisecond())
        .fetch_all(&self.relaxed)
        .await?;
        for (workspace, id) in &due {
            let workspace =
                WorkspaceId::parse(workspace).map_err(|e| corrupt("a workspace name", &e))?;
            let id = DocumentId::parse(id).map_err(|e| corrupt("a document id", &e))?;
            let mut tx = self.begin().await?;
            lock(&mut tx, &workspace).await?;
            let mut cursor = Cursor::read(&mut tx, &workspace, now).await?;
            promoted_row(&mut tx, &workspace, &mut cursor, &id).await?;
            cursor.save(&mut tx, &workspace).await?;
            tx.commit().await?;
        }
        Ok(!due.is_empty())
    }
}

/// Applies one write in the transaction.
pub(super) async fn apply(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    cursor: &mut Cursor,
    write: Write,
) -> Result<Recorded, StoreError> {
    Ok(match write {
        Write::Put { source, origin } => put(tx, workspace, cursor, *source, origin).await?,
        Write::Schedule { source, at } => schedule(tx, workspace, cursor, *source, at).await?,
        Write::Archive(id) => retire(tx, workspace, cursor, id, false).await?,
        Write::Delete(id) => retire(tx, workspace, cursor, id, true).await?,
    })
}

/// Locks the workspace until the transaction ends. The first statement of a transaction must be a write, so that
/// writers queue here and no transaction fails later. Creates a missing workspace if the caller may.
///
/// # Errors
/// [`StoreError::Gone`] if the workspace is missing and the caller may not create it.
pub(super) async fn lock(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
) -> Result<(), StoreError> {
    if !may_create_workspaces() {
        let found = sqlx::query("UPDATE workspaces SET revision = revision WHERE id = $1")
            .bind(workspace.as_str())
            .execute(&mut **tx)
            .await?;
        return match found.rows_affected() {
            0 => Err(StoreError::Gone(workspace.clone())),
            _ => Ok(()),
        };
    }
    sqlx::query(
        "INSERT INTO workspaces (id, created_at) VALUES ($1, $2) \
         ON CONFLICT (id) DO UPDATE SET revision = workspaces.revision",
    )
    .bind(workspace.as_str())
    .bind(now_ms())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The counters of a workspace during a transaction, and the audit events to write at its end.
pub(super) struct Cursor {
    /// The revision of the last change.
    revision: i64,
    /// The key of the next chunk.
    next_key: i64,
    now: Timestamp,
    events: Vec<AuditEvent>,
}

impl Cursor {
    pub(super) async fn read(
        tx: &mut Transaction<'_, Any>,
        workspace: &WorkspaceId,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let (revision, next_key): (i64, i64) =
            sqlx::query_as("SELECT revision, next_chunk_key FROM workspaces WHERE id = $1")
                .bind(workspace.as_str())
                .fetch_one(&mut **tx)
                .await?;
        Ok(Self {
            revision,
            next_key,
            now,
            events: Vec::new(),
        })
    }

    /// Writes the counters and the audit events.
    ///
    /// # Errors
    /// [`StoreError::ChunkKeysExhausted`] if the chunk keys exceed 32 bits.
    pub(super) async fn save(
        self,
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
        let scope = Scope::Workspace(workspace);
        note(tx, scope, &actor(), self.now, self.events).await
    }
}

/// Returns the row of a document. Makes a due scheduled version live first.
async fn promoted_row(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    cursor: &mut Cursor,
    id: &DocumentId,
) -> Result<Option<CurrentRow>, StoreError> {
    let Some(found) = read_row(tx, workspace, id).await? else {
        return Ok(None);
    };
    let is_due = found
        .next_at
        .is_some_and(|at| at <= cursor.now.as_millisecond());
    match is_due && found.deleted == 0 {
        true => {
            promote(tx, workspace, cursor, id, &found).await?;
            read_row(tx, workspace, id).await
        }
        false => Ok(Some(found)),
    }
}

async fn read_row(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    id: &DocumentId,
) -> Result<Option<CurrentRow>, StoreError> {
    Ok(sqlx::query_as(
        "SELECT version, content_hash, deleted, status, metadata, first_key, n_chunks, next_version, next_at, \
         next_first_key, next_n_chunks, (SELECT MAX(v.version) FROM document_versions v \
         WHERE v.workspace = documents.workspace AND v.document_id = documents.id) AS newest \
         FROM documents WHERE workspace = $1 AND id = $2",
    )
    .bind(workspace.as_str())
    .bind(id.as_str())
    .fetch_optional(&mut **tx)
    .await?)
}

/// Makes the scheduled version live and removes the chunks of the previous version.
async fn promote(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    cursor: &mut Cursor,
    id: &DocumentId,
    before: &CurrentRow,
) -> Result<(), StoreError> {
    let removed = remove_chunks(tx, workspace, before.keys()).await?;
    cursor.revision += 1;
    sqlx::query(
        "UPDATE documents SET version = next_version, first_key = next_first_key, n_chunks = next_n_chunks, \
         status = 'published', next_version = NULL, next_at = NULL, next_first_key = NULL, next_n_chunks = NULL, \
         content_hash = (SELECT v.content_hash FROM document_versions v WHERE v.workspace = documents.workspace \
         AND v.document_id = documents.id AND v.version = documents.next_version), \
         metadata = (SELECT v.metadata FROM document_versions v WHERE v.workspace = documents.workspace \
         AND v.document_id = documents.id AND v.version = documents.next_version), \
         origin_root = NULL, origin_path = NULL, origin_hash = NULL, \
         revision = $1, updated_at = $2 WHERE workspace = $3 AND id = $4",
    )
    .bind(cursor.revision)
    .bind(now_ms())
    .bind(workspace.as_str())
    .bind(id.as_str())
    .execute(&mut **tx)
    .await?;
    let version = before.next_version.unwrap_or(before.version);
    let (metadata,): (String,) =
        sqlx::query_as("SELECT metadata FROM documents WHERE workspace = $1 AND id = $2")
            .bind(workspace.as_str())
            .bind(id.as_str())
            .fetch_one(&mut **tx)
            .await?;
    let metadata: Metadata = from_json("a document's metadata", &metadata)?;
    let text = version_text(tx, workspace.as_str(), id.as_str(), version).await?;
    let listed = ListColumns::of(id.as_str(), &metadata, &text);
    listed.save(tx, workspace.as_str(), id.as_str()).await?;
    cursor.events.push(
        AuditEvent::new("document.publish", id.as_str())
            .before(json!({ "version": before.version }))
            .after(json!({ "version": version })),
    );
    log_change(
        tx,
        workspace,
        cursor.revision,
        id,
        "publish",
        version,
        removed,
    )
    .await
}

/// Drops the scheduled version, if there is one. Its text stays in the history.
async fn unschedule(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    cursor: &mut Cursor,
    id: &DocumentId,
    before: &CurrentRow,
) -> Result<(), StoreError> {
    let Some(version) = before.next_version else {
        return Ok(());
    };
    let removed = remove_chunks(tx, workspace, before.next_keys()).await?;
    cursor.revision += 1;
    sqlx::query(
        "UPDATE documents SET next_version = NULL, next_at = NULL, next_first_key = NULL, next_n_chunks = NULL, \
         revision = $1 WHERE workspace = $2 AND id = $3",
    )
    .bind(cursor.revision)
    .bind(workspace.as_str())
    .bind(id.as_str())
    .execute(&mut **tx)
    .await?;
    let at = before.next_at.map(time_of).transpose()?;
    cursor.events.push(
        AuditEvent::new("document.unschedule", id.as_str())
            .before(json!({ "version": version, "scheduled_at": at }))
            .after(json!({ "version": before.version, "scheduled_at": null })),
    );
    log_change(
        tx,
        workspace,
        cursor.revision,
        id,
        "unschedule",
        version,
        removed,
    )
    .await
}

/// Writes a version that becomes live at a time, or a live one with `valid_from` if none is live now.
async fn schedule(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    cursor: &mut Cursor,
    mut source: Source,
    at: Timestamp,
) -> Result<Recorded, StoreError> {
    source.metadata.status = DocumentStatus::Published;
    let before = promoted_row(tx, workspace, cursor, &source.id).await?;
    let is_live = match &before {
        Some(live) if live.deleted == 0 && live.status == DocumentStatus::Published.as_str() => {
            // A document that is not valid yet is not live. The new version replaces it immediately.
            let metadata: Metadata = from_json("a document's metadata", &live.metadata)?;
            metadata.valid_from.is_none_or(|from| from <= cursor.now)
        }
        _ => false,
    };
    let Some(before) = before.filter(|_| is_live) else {
        source.metadata.valid_from = source.metadata.valid_from.max(Some(at));
        // The time is part of the content: the same text without it has another hash.
        let time = at.to_string();
        source.content_hash = sha256_hex([source.content_hash.as_bytes(), time.as_bytes()]);
        return put(tx, workspace, cursor, source, None).await;
    };
    unschedule(tx, workspace, cursor, &source.id, &before).await?;
    let version = before.newest + 1;
    insert_version(tx, workspace, version, &source).await?;
    let first_key = cursor.next_key;
    let n_chunks = add_chunks(tx, workspace, first_key, version, &source).await?;
    cursor.next_key += n_chunks;
    cursor.revision += 1;
    sqlx::query(
        "UPDATE documents SET next_version = $1, next_at = $2, next_first_key = $3, next_n_chunks = $4, \
         revision = $5 WHERE workspace = $6 AND id = $7",
    )
    .bind(version)
    .bind(at.as_millisecond())
    .bind(first_key)
    .bind(n_chunks)
    .bind(cursor.revision)
    .bind(workspace.as_str())
    .bind(source.id.as_str())
    .execute(&mut **tx)
    .await?;
    cursor.events.push(
        AuditEvent::new("document.schedule", source.id.as_str())
            .before(json!({ "version": before.version, "scheduled_at": null }))
            .after(json!({ "version": version, "scheduled_at": at })),
    );
    log_change(
        tx,
        workspace,
        cursor.revision,
        &source.id,
        "schedule",
        version,
        (0, 0),
    )
    .await?;
    Ok(Recorded {
        document_id: source.id,
        version,
        effect: Effect::Scheduled,
        revision: cursor.revision,
    })
}

async fn insert_version(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    version: i64,
    source: &Source,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO document_versions (workspace, document_id, version, content_hash, metadata, raw, text, outline, \
         chunks, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(workspace.as_str())
    .bind(source.id.as_str())
    .bind(version)
    .bind(&source.content_hash)
    .bind(to_json(&source.metadata))
    .bind(&source.raw)
    .bind(&source.text)
    .bind(to_json(&source.outline))
    .bind(to_json(&source.chunks))
    .bind(now_ms())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Writes a new version that is live immediately, unless the document already has this content and status.
async fn put(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    cursor: &mut Cursor,
    source: Source,
    origin: Option<Origin>,
) -> Result<Recorded, StoreError> {
    let before = promoted_row(tx, workspace, cursor, &source.id).await?;
    let status = source.metadata.status;
    let unchanged = before.as_ref().filter(|live| {
        live.content_hash == source.content_hash
            && live.deleted == 0
            && live.status == status.as_str()
            && live.next_version.is_none()
    });
    if let Some(live) = unchanged {
        let version = live.version;
        insert_origin(tx, workspace, &source.id, origin).await?;
        return Ok(Recorded {
            document_id: source.id,
            version,
            effect: Effect::Unchanged,
            revision: cursor.revision,
        });
    }
    if let Some(before) = &before {
        unschedule(tx, workspace, cursor, &source.id, before).await?;
    }
    let version = before.as_ref().map_or(1, |live| live.newest + 1);
    let metadata = to_json(&source.metadata);
    insert_version(tx, workspace, version, &source).await?;
    let removed = remove_chunks(
        tx,
        workspace,
        before.as_ref().map_or((0, 0), CurrentRow::keys),
    )
    .await?;
    let first_key = cursor.next_key;
    let n_chunks = match status {
        DocumentStatus::Published => add_chunks(tx, workspace, first_key, version, &source).await?,
        DocumentStatus::Draft | DocumentStatus::Archived => 0,
    };
    cursor.next_key += n_chunks;
    cursor.revision += 1;
    let listed = ListColumns::of(source.id.as_str(), &source.metadata, &source.text);
    sqlx::query(
        "INSERT INTO documents (workspace, id, version, status, deleted, content_hash, metadata, first_key, \
         n_chunks, revision, updated_at, kind, sort_key, title_folded, faq_folded) \
         VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (workspace, id) DO UPDATE SET version = excluded.version, status = excluded.status, \
         deleted = 0, content_hash = excluded.content_hash, metadata = excluded.metadata, \
         first_key = excluded.first_key, n_chunks = excluded.n_chunks, revision = excluded.revision, \
         updated_at = excluded.updated_at, origin_root = NULL, origin_path = NULL, origin_hash = NULL, \
         kind = excluded.kind, sort_key = excluded.sort_key, title_folded = excluded.title_folded, \
         faq_folded = excluded.faq_folded",
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
    .bind(now_ms())
    .bind(listed.kind)
    .bind(listed.sort_key.as_slice())
    .bind(&listed.title_folded)
    .bind(&listed.faq_folded)
    .execute(&mut **tx)
    .await?;
    let has_old = before.is_some();
    listed.set_labels(tx, workspace.as_str(), has_old).await?;
    insert_origin(tx, workspace, &source.id, origin).await?;
    cursor
        .events
        .push(put_event(before.as_ref(), &source, version, &metadata)?);
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
        effect: if before.is_some_and(|live| live.deleted == 0) {
            Effect::Changed
        } else {
            Effect::Added
        },
        revision: cursor.revision,
    })
}

/// Archives a document, or deletes it if `delete`. Archiving an archived document changes nothing.
async fn retire(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    cursor: &mut Cursor,
    id: DocumentId,
    delete: bool,
) -> Result<Recorded, StoreError> {
    let before = promoted_row(tx, workspace, cursor, &id).await?;
    let before = before.filter(|live| live.deleted == 0);
    let Some(before) = before else {
        return Ok(Recorded {
            document_id: id,
            version: 0,
            effect: Effect::NotFound,
            revision: cursor.revision,
        });
    };
    let is_archived = before.status == DocumentStatus::Archived.as_str();
    if is_archived && !delete && before.next_version.is_none() {
        return Ok(Recorded {
            document_id: id,
            version: before.version,
            effect: Effect::Unchanged,
            revision: cursor.revision,
        });
    }
    let mut metadata: Metadata = from_json("a document's metadata", &before.metadata)?;
    metadata.status = DocumentStatus::Archived;
    unschedule(tx, workspace, cursor, &id, &before).await?;
    let removed = remove_chunks(tx, workspace, before.keys()).await?;
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
    let (operation, action, effect) = match delete {
        true => ("delete", "document.delete", Effect::Deleted),
        false => ("archive", "document.archive", Effect::Archived),
    };
    let old = json!({ "version": before.version, "status": before.status });
    let new = json!({ "version": before.version, "status": "archived", "deleted": delete });
    let event = AuditEvent::new(action, id.as_str()).before(old).after(new);
    cursor.events.push(event);
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

/// Returns the audit event of a new version: its number, status, content hash, and the metadata fields that changed. It
/// contains no text, because `document_versions` keeps the texts.
fn put_event(
    before: Option<&CurrentRow>,
    source: &Source,
    version: i64,
    metadata: &str,
) -> Result<AuditEvent, StoreError> {
    type Fields = serde_json::Map<String, serde_json::Value>;
    let fields = |json: &str| from_json::<Fields>("a document's metadata", json);
    let mut new_fields = fields(metadata)?;
    let mut old_fields = match before {
        Some(live) => fields(&live.metadata)?,
        None => Fields::new(),
    };
    let unchanged: Vec<String> = new_fields
        .iter()
        .filter(|(name, value)| old_fields.get(*name) == Some(value))
        .map(|(name, _)| name.clone())
        .collect();
    for name in &unchanged {
        new_fields.remove(name);
        old_fields.remove(name);
    }
    let old = before.map(|live| {
        json!({
            "version": live.version, "status": live.status, "deleted": live.deleted != 0,
            "content_hash": live.content_hash, "metadata": old_fields,
        })
    });
    let new = json!({
        "version": version, "status": source.metadata.status, "content_hash": source.content_hash,
        "metadata": new_fields,
    });
    Ok(AuditEvent::new("document.put", source.id.as_str())
        .before(old)
        .after(new))
}

/// Removes the chunks with `count` consecutive keys from `first`. Returns the removed range as (first key, count), or
/// zeros if it is empty.
async fn remove_chunks(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    (first, count): (i64, i64),
) -> Result<(i64, i64), StoreError> {
    if count == 0 {
        return Ok((0, 0));
    }
    sqlx::query("DELETE FROM chunks WHERE workspace = $1 AND chunk_key >= $2 AND chunk_key < $3")
        .bind(workspace.as_str())
        .bind(first)
        .bind(first + count)
        .execute(&mut **tx)
        .await?;
    Ok((first, count))
}

/// Inserts the chunks of a version with consecutive keys from `first_key`. Returns their number.
async fn add_chunks(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    first_key: i64,
    version: i64,
    source: &Source,
) -> Result<i64, StoreError> {
    let numbered: Vec<(i64, &NewChunk)> = (0_i64..).zip(&source.chunks).collect();
    for rows in numbered.chunks(ROWS) {
        let values: Vec<String> = (0..rows.len())
            .map(|row| format!("({})", placeholders(row * 10 + 1, 10)))
            .collect();
        let sql = format!(
            "INSERT INTO chunks (workspace, chunk_key, document_id, version, ordinal, heading_path, start_byte, \
             end_byte, text, note) VALUES {}",
            values.join(",")
        );
        let mut insert = sqlx::query(sqlx::AssertSqlSafe(sql));
        for (ordinal, chunk) in rows {
            let span = chunk.span;
            let text = span.slice(&source.text).ok_or_else(|| {
                corrupt(
                    "a chunk",
                    &format!("{span:?} is not a span of {}", source.id),
                )
            })?;
            insert = insert
                .bind(workspace.as_str())
                .bind(first_key + ordinal)
                .bind(source.id.as_str())
                .bind(version)
                .bind(*ordinal)
                .bind(to_json(&chunk.heading_path))
                .bind(span.start as i64)
                .bind(span.end as i64)
                .bind(text)
                .bind(to_json(&chunk.note));
        }
        insert.execute(&mut **tx).await?;
    }
    Ok(source.chunks.len() as i64)
}

/// Sets the source file of a document. Does nothing without an origin.
async fn insert_origin(
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

/// Appends one change to the change log. The last argument is the range of removed chunk keys: first key, count.
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
