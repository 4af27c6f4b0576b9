//! Imports and bulk changes, recorded with what is needed to undo them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{Any, Transaction};

use super::audit::{AuditEvent, note};
use super::conditions::DocumentState;
use super::writes::{Effect, Recorded};
use super::{Scope, Store, StoreError, from_json, time_of, to_json};
use ken_base::actor::actor;
use ken_base::domain::{DocumentId, DocumentStatus, Revision, WorkspaceId};

/// How many imports of a workspace are kept.
const MAX_IMPORTS: i64 = 100;

/// A batch of writes to record as an import that can be undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewImport {
    /// The id, unique in the workspace.
    pub id: String,
    /// `import` or `bulk`.
    pub kind: String,
    /// The file's name, or what is changed.
    pub name: String,
}

/// A recorded import, for lists.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportSummary {
    /// The id.
    pub id: String,
    /// `import` or `bulk`.
    pub kind: String,
    /// The file's name, or what was changed.
    pub name: String,
    /// Who made it.
    pub actor: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// How many documents are new.
    pub n_added: i64,
    /// How many documents have a new version.
    pub n_changed: i64,
    /// How many documents were deleted.
    pub n_deleted: i64,
    /// When it was undone; `None` if it was not.
    pub undone_at: Option<Timestamp>,
    /// Who undid it.
    pub undone_by: Option<String>,
}

/// A document that an import changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportedDocument {
    /// The document.
    pub id: DocumentId,
    /// What was live before; `None` if the document did not exist or was deleted.
    pub before: Option<EarlierState>,
    /// The document's revision after the import.
    pub revision: Revision,
}

/// The state of a document before an import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EarlierState {
    /// The live version.
    pub version: i64,
    /// The document's status, which can differ from that of the version.
    pub status: DocumentStatus,
    /// The scheduled version and its time in milliseconds since 1970, if any.
    pub next: Option<(i64, i64)>,
}

struct ImportRow {
    id: String,
    kind: String,
    name: String,
    actor: String,
    created_at: i64,
    n_added: i64,
    n_changed: i64,
    n_deleted: i64,
    undone_at: Option<i64>,
    undone_by: Option<String>,
}

from_row!(ImportRow {
    id,
    kind,
    name,
    actor,
    created_at,
    n_added,
    n_changed,
    n_deleted,
    undone_at,
    undone_by,
});

const COLUMNS: &str =
    "id, kind, name, actor, created_at, n_added, n_changed, n_deleted, undone_at, undone_by";

impl Store {
    /// Imports of a workspace, newest first, at most `limit`; with `after`, those older than that one.
    pub async fn imports(
        &self,
        workspace: &WorkspaceId,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<ImportSummary>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM imports WHERE workspace = $1 AND ($2 = '' OR number < \
             (SELECT number FROM imports WHERE workspace = $1 AND id = $2)) ORDER BY number DESC LIMIT $3"
        );
        let rows: Vec<ImportRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(after.unwrap_or(""))
            .bind(limit)
            .fetch_all(&self.relaxed)
            .await?;
        rows.into_iter().map(summary).collect()
    }

    /// An import with the documents that it changed; `None` if it is unknown, not written yet, or no longer kept.
    pub async fn import(
        &self,
        workspace: &WorkspaceId,
        id: &str,
    ) -> Result<Option<(ImportSummary, Vec<ImportedDocument>)>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM imports WHERE workspace = $1 AND id = $2");
        let row: Option<ImportRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(id)
            .fetch_optional(&self.relaxed)
            .await?;
        let documents: Option<(String,)> =
            sqlx::query_as("SELECT documents FROM imports WHERE workspace = $1 AND id = $2")
                .bind(workspace.as_str())
                .bind(id)
                .fetch_optional(&self.relaxed)
                .await?;
        let (Some(row), Some((documents,))) = (row, documents) else {
            return Ok(None);
        };
        let documents = from_json("the documents of an import", &documents)?;
        Ok(Some((summary(row)?, documents)))
    }
}

fn summary(row: ImportRow) -> Result<ImportSummary, StoreError> {
    Ok(ImportSummary {
        id: row.id,
        kind: row.kind,
        name: row.name,
        actor: row.actor,
        created_at: time_of(row.created_at)?,
        n_added: row.n_added,
        n_changed: row.n_changed,
        n_deleted: row.n_deleted,
        undone_at: row.undone_at.map(time_of).transpose()?,
        undone_by: row.undone_by,
    })
}

/// Records an import in the transaction of its writes. `before` are the states of their documents at its beginning.
/// Drops the oldest imports.
pub(super) async fn insert_import(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    import: &NewImport,
    before: &DocumentState,
    recorded: &[Recorded],
    now: Timestamp,
) -> Result<(), StoreError> {
    let count = |effect: Effect| recorded.iter().filter(|one| one.effect == effect).count() as i64;
    let (n_added, n_deleted) = (count(Effect::Added), count(Effect::Deleted));
    let n_changed = [Effect::Changed, Effect::Scheduled, Effect::Archived];
    let n_changed: i64 = n_changed.into_iter().map(count).sum();
    let changed = recorded
        .iter()
        .filter(|one| !matches!(one.effect, Effect::Unchanged | Effect::NotFound));
    let mut documents = Vec::with_capacity(recorded.len());
    for one in changed {
        documents.push(ImportedDocument {
            id: one.document_id.clone(),
            before: before.earlier(&one.document_id, now)?,
            revision: one.revision,
        });
    }
    let (number,): (i64,) = sqlx::query_as(
        "SELECT CAST(COALESCE(MAX(number), 0) + 1 AS BIGINT) FROM imports WHERE workspace = $1",
    )
    .bind(workspace.as_str())
    .fetch_one(&mut **tx)
    .await?;
    sqlx::query(
        "INSERT INTO imports (workspace, number, id, kind, name, actor, created_at, n_added, n_changed, n_deleted, \
         documents) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(workspace.as_str())
    .bind(number)
    .bind(&import.id)
    .bind(&import.kind)
    .bind(&import.name)
    .bind(&*actor())
    .bind(now.as_millisecond())
    .bind(n_added)
    .bind(n_changed)
    .bind(n_deleted)
    .bind(to_json(&documents))
    .execute(&mut **tx)
    .await?;
    sqlx::query("DELETE FROM imports WHERE workspace = $1 AND number <= $2")
        .bind(workspace.as_str())
        .bind(number - MAX_IMPORTS)
        .execute(&mut **tx)
        .await?;
    let event = AuditEvent::new("import.put", &import.id).after(json!({
        "kind": import.kind, "name": import.name, "n_added": n_added, "n_changed": n_changed, "n_deleted": n_deleted,
    }));
    note(tx, Scope::Workspace(workspace), &actor(), now, vec![event]).await
}

/// Marks an import as undone, in the transaction that undoes it; `false` if it was undone before or is unknown.
pub(super) async fn mark_undone(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    id: &str,
    recorded: &[Recorded],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let marked = sqlx::query(
        "UPDATE imports SET undone_at = $1, undone_by = $2 WHERE workspace = $3 AND id = $4 AND undone_at IS NULL",
    )
    .bind(now.as_millisecond())
    .bind(&*actor())
    .bind(workspace.as_str())
    .bind(id)
    .execute(&mut **tx)
    .await?;
    if marked.rows_affected() == 0 {
        return Ok(false);
    }
    let n_deleted = recorded
        .iter()
        .filter(|one| one.effect == Effect::Deleted)
        .count();
    let n_restored = recorded
        .iter()
        .filter(|one| matches!(one.effect, Effect::Added | Effect::Changed))
        .count();
    let after = json!({ "n_restored": n_restored, "n_deleted": n_deleted });
    let event = AuditEvent::new("import.undo", id).after(after);
    note(tx, Scope::Workspace(workspace), &actor(), now, vec![event]).await?;
    Ok(true)
}
