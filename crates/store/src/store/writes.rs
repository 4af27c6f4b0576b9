//! Writes of documents, each in one transaction with its entry of the change log.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{Any, AnyConnection, Transaction};

use super::audit::{AuditEvent, note};
use super::documents::Origin;
use super::jobs::finish_item;
use super::{
    MAX_IN, ROWS, Scope, Store, StoreError, corrupt, from_json, now_ms, placeholders, to_json,
};
use ken_base::actor::{actor, may_create_workspaces};
use ken_base::domain::{
    DocumentId, DocumentStatus, Metadata, NewChunk, Revision, Source, WorkspaceId,
};
use ken_text::text::sha256_hex;

/// One change of a document. Only the gate of `ken-knowledge` changes knowledge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Write {
    /// Writes a version that is live at once.
    Put {
        /// The parsed document.
        source: Box<Source>,
        /// The file that it was read from, if any.
        origin: Option<Origin>,
    },
    /// Writes a version that replaces the live one at a later time. It replaces an earlier schedule. If no version is
    /// live, it is written at once and valid from that time.
    Schedule {
        /// The parsed document.
        source: Box<Source>,
        /// When it becomes live.
        at: Timestamp,
    },
    /// Removes the document from all answers and keeps it.
    Archive(DocumentId),
    /// Removes the document from everything except its history.
    Delete(DocumentId),
}

impl Write {
    /// A write of a document that was not read from a file.
    pub fn put(source: Source) -> Self {
        Write::Put {
            source: Box::new(source),
            origin: None,
        }
    }

    /// The document that it changes.
    pub fn document_id(&self) -> &DocumentId {
        match self {
            Write::Put { source, .. } | Write::Schedule { source, .. } => &source.id,
            Write::Archive(id) | Write::Delete(id) => id,
        }
    }
}

/// The last revisions of documents when changes of them were requested. Archiving, scheduling and deleting count, too.
/// The changes are written only if these revisions are still the last ones.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BaseVersions(Vec<(DocumentId, Option<Revision>)>);

impl BaseVersions {
    fn ids(&self) -> impl Iterator<Item = &DocumentId> {
        self.0.iter().map(|(id, _)| id)
    }
}

/// The item of a job that writes. It ends in the transaction of its write: both or neither.
pub struct EndsWith<'a> {
    /// Position of the item in the job.
    pub ordinal: i64,
    /// Result text of the item.
    pub detail: &'a (dyn Fn(&[Recorded]) -> String + Sync),
}

/// Conditions of a write, checked in its transaction.
#[derive(Default, Clone, Copy)]
pub struct WriteConditions<'a> {
    /// Revisions that have to be the last ones of their documents.
    pub base: Option<&'a BaseVersions>,
    /// The job that writes. It has to be running, which it is not after it was cancelled or its workspace deleted.
    pub job: Option<&'a str>,
    /// The item of `job` that ends with the write.
    pub ends: Option<&'a EndsWith<'a>>,
}

/// The condition of [`WriteConditions`] that did not hold, so that nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnmetCondition {
    /// A document was changed by another write.
    #[error("{0} was changed concurrently; retry")]
    Changed(DocumentId),
    /// The job is not running.
    #[error("the job was cancelled")]
    NotRunning,
}

/// Effect of a write.
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

/// Result of one write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The document.
    pub document_id: DocumentId,
    /// The version concerned; 0 if there is no such document.
    pub version: i64,
    /// What the write did.
    pub effect: Effect,
    /// Revision of the write; the newest of the workspace if nothing changed.
    pub revision: Revision,
}

/// The row of a document, inside a transaction.
struct Live {
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
    /// The highest version number.
    newest: i64,
}

from_row!(Live {
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

impl Live {
    fn keys(&self) -> (i64, i64) {
        (self.first_key, self.n_chunks)
    }

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

    /// As [`Store::record`], if the terms hold in the same transaction; otherwise nothing is written and the unmet term
    /// is returned.
    pub async fn record_if(
        &self,
        workspace: &WorkspaceId,
        writes: Vec<Write>,
        terms: WriteConditions<'_>,
    ) -> Result<Result<Vec<Recorded>, UnmetCondition>, StoreError> {
        let mut tx = self.begin().await?;
        if let Some(job) = terms.job {
            // The first statement writes, as in `lock`. A deleted workspace is not created again.
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
        if let Some(base) = terms.base {
            let ids: Vec<DocumentId> = base.ids().cloned().collect();
            let now = revisions(&mut tx, workspace, &ids).await?;
            if let Some((id, _)) = base
                .0
                .iter()
                .find(|(id, then)| now.get(id).copied() != *then)
            {
                return Ok(Err(UnmetCondition::Changed(id.clone())));
            }
        }
        let recorded = self.record_in(&mut tx, workspace, writes).await?;
        if let (Some(job), Some(ends)) = (terms.job, terms.ends) {
            let detail = (ends.detail)(&recorded);
            // If an earlier run has written it, dropping the transaction undoes this write.
            if !finish_item(&mut *tx, workspace, job, ends.ordinal, "done", &detail).await? {
                return Ok(Err(UnmetCondition::NotRunning));
            }
        }
        tx.commit().await?;
        Ok(Ok(recorded))
    }

    /// Last revisions of documents.
    pub async fn base<'a>(
        &self,
        workspace: &WorkspaceId,
        ids: impl IntoIterator<Item = &'a DocumentId>,
    ) -> Result<BaseVersions, StoreError> {
        let ids: Vec<DocumentId> = ids.into_iter().cloned().collect();
        let mut connection = self.relaxed.acquire().await?;
        let mut found = revisions(&mut connection, workspace, &ids).await?;
        let base = ids.into_iter().map(|id| {
            let revision = found.remove(&id);
            (id, revision)
        });
        Ok(BaseVersions(base.collect()))
    }

    /// The first document whose last revision differs from `base`; `None` if there is none.
    pub async fn changed_since(
        &self,
        workspace: &WorkspaceId,
        base: &BaseVersions,
    ) -> Result<Option<DocumentId>, StoreError> {
        let now = self.base(workspace, base.ids()).await?;
        let mut pairs = base.0.iter().zip(&now.0);
        let changed = pairs.find(|(then, now)| then != now);
        Ok(changed.map(|((id, _), _)| id.clone()))
    }

    /// The writes that would change something, as [`Store::record`] would find.
    pub async fn changing(
        &self,
        workspace: &WorkspaceId,
        writes: &[Write],
    ) -> Result<Vec<Write>, StoreError> {
        let ids: Vec<&str> = writes.iter().map(|w| w.document_id().as_str()).collect();
        let mut live: HashMap<String, (String, String)> = HashMap::new();
        for some in ids.chunks(MAX_IN) {
            let sql = format!(
                "SELECT id, content_hash, status FROM documents WHERE workspace = $1 AND deleted = 0 \
                 AND next_version IS NULL AND id IN ({})",
                placeholders(2, some.len())
            );
            let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(workspace.as_str());
            for id in some {
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

    /// Makes due scheduled versions live; returns whether there were any, at most 1,000 at a time. Searches do not
    /// depend on it: they use the times of the versions.
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
            live(&mut tx, &workspace, &mut cursor, &id).await?;
            cursor.save(&mut tx, &workspace).await?;
            tx.commit().await?;
        }
        Ok(!due.is_empty())
    }
}

/// Last revision of each document; missing documents are left out.
async fn revisions(
    connection: &mut AnyConnection,
    workspace: &WorkspaceId,
    ids: &[DocumentId],
) -> Result<HashMap<DocumentId, Revision>, StoreError> {
    let mut found = HashMap::with_capacity(ids.len());
    for some in ids.chunks(MAX_IN) {
        let sql = format!(
            "SELECT id, revision FROM documents WHERE workspace = $1 AND id IN ({})",
            placeholders(2, some.len())
        );
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(workspace.as_str());
        for id in some {
            query = query.bind(id.as_str());
        }
        let rows: Vec<(String, Revision)> = query.fetch_all(&mut *connection).await?;
        for (id, revision) in rows {
            let id = DocumentId::parse(&id).map_err(|e| corrupt("a document id", &e))?;
            found.insert(id, revision);
        }
    }
    Ok(found)
}

/// Applies one write in a transaction.
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

/// Locks the workspace: a statement that writes comes first, so that writers queue here and no transaction fails half
/// way. Creates the workspace if the caller may.
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

/// Counters of a workspace during a transaction.
pub(super) struct Cursor {
    revision: i64,
    next_key: i64,
    now: Timestamp,
    acts: Vec<AuditEvent>,
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
            acts: Vec::new(),
        })
    }

    /// Writes the counters, and the audit entries of the changes.
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
        note(tx, scope, &actor(), self.now, self.acts).await
    }
}

/// The row of a document, after a due scheduled version was made live.
async fn live(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    cursor: &mut Cursor,
    id: &DocumentId,
) -> Result<Option<Live>, StoreError> {
    let Some(found) = read_live(tx, workspace, id).await? else {
        return Ok(None);
    };
    let is_due = found
        .next_at
        .is_some_and(|at| at <= cursor.now.as_millisecond());
    match is_due && found.deleted == 0 {
        true => {
            promote(tx, workspace, cursor, id, &found).await?;
            read_live(tx, workspace, id).await
        }
        false => Ok(Some(found)),
    }
}

async fn read_live(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    id: &DocumentId,
) -> Result<Option<Live>, StoreError> {
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

/// Makes the scheduled version live and removes the chunks of the previous one.
async fn promote(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    cursor: &mut Cursor,
    id: &DocumentId,
    before: &Live,
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
         revision = $1, updated_at = $2 WHERE workspace = $3 AND id = $4",
    )
    .bind(cursor.revision)
    .bind(now_ms())
    .bind(workspace.as_str())
    .bind(id.as_str())
    .execute(&mut **tx)
    .await?;
    let version = before.next_version.unwrap_or(before.version);
    let act = AuditEvent::new("document.publish", id.as_str());
    let (was, became) = (
        json!({ "version": before.version }),
        json!({ "version": version }),
    );
    cursor.acts.push(act.before(was).after(became));
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

/// Drops the scheduled version, if there is one.
async fn unschedule(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    cursor: &mut Cursor,
    id: &DocumentId,
    before: &Live,
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

async fn schedule(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    cursor: &mut Cursor,
    mut source: Source,
    at: Timestamp,
) -> Result<Recorded, StoreError> {
    source.metadata.status = DocumentStatus::Published;
    let before = live(tx, workspace, cursor, &source.id).await?;
    let is_live = match &before {
        Some(live) if live.deleted == 0 && live.status == DocumentStatus::Published.as_str() => {
            // A document that becomes valid later is not live yet; this version replaces it.
            let metadata: Metadata = from_json("a document's metadata", &live.metadata)?;
            metadata.valid_from.is_none_or(|from| from <= cursor.now)
        }
        _ => false,
    };
    let Some(before) = before.filter(|_| is_live) else {
        source.metadata.valid_from = source.metadata.valid_from.max(Some(at));
        // The same text without the time is another content.
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
    cursor.acts.push(
        AuditEvent::new("document.schedule", source.id.as_str())
            .before(json!({ "version": before.version, "scheduled_at": before.next_at }))
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

async fn put(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    cursor: &mut Cursor,
    source: Source,
    origin: Option<Origin>,
) -> Result<Recorded, StoreError> {
    let before = live(tx, workspace, cursor, &source.id).await?;
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
    let removed = remove_chunks(tx, workspace, before.as_ref().map_or((0, 0), Live::keys)).await?;
    let first_key = cursor.next_key;
    let n_chunks = match status {
        DocumentStatus::Published => add_chunks(tx, workspace, first_key, version, &source).await?,
        DocumentStatus::Draft | DocumentStatus::Archived => 0,
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
    .bind(now_ms())
    .execute(&mut **tx)
    .await?;
    insert_origin(tx, workspace, &source.id, origin).await?;
    cursor
        .acts
        .push(put_act(before.as_ref(), &source, version, &metadata)?);
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

async fn retire(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    cursor: &mut Cursor,
    id: DocumentId,
    delete: bool,
) -> Result<Recorded, StoreError> {
    let before = live(tx, workspace, cursor, &id).await?;
    let before = before.filter(|live| live.deleted == 0);
    let Some(before) = before else {
        return Ok(Recorded {
            document_id: id,
            version: 0,
            effect: Effect::NotFound,
            revision: cursor.revision,
        });
    };
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
    let was = json!({ "version": before.version, "status": before.status });
    let became = json!({ "version": before.version, "status": "archived", "deleted": delete });
    let act = AuditEvent::new(action, id.as_str())
        .before(was)
        .after(became);
    cursor.acts.push(act);
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

/// Audit entry of a new version: number, state, hash, and metadata fields that changed. The texts are kept as versions.
fn put_act(
    before: Option<&Live>,
    source: &Source,
    version: i64,
    metadata: &str,
) -> Result<AuditEvent, StoreError> {
    type Fields = serde_json::Map<String, serde_json::Value>;
    let fields = |json: &str| from_json::<Fields>("a document's metadata", json);
    let mut now = fields(metadata)?;
    let mut then = match before {
        Some(live) => fields(&live.metadata)?,
        None => Fields::new(),
    };
    let same: Vec<String> = now
        .iter()
        .filter(|(name, value)| then.get(*name) == Some(value))
        .map(|(name, _)| name.clone())
        .collect();
    for name in &same {
        now.remove(name);
        then.remove(name);
    }
    let was = before.map(|live| {
        json!({
            "version": live.version, "status": live.status, "deleted": live.deleted != 0,
            "content_hash": live.content_hash, "metadata": then,
        })
    });
    let became = json!({
        "version": version, "status": source.metadata.status, "content_hash": source.content_hash, "metadata": now,
    });
    Ok(AuditEvent::new("document.put", source.id.as_str())
        .before(was)
        .after(became))
}

/// Removes chunks by their keys, given and returned as first key and count.
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
