//! Conditions of a write, checked in its transaction (optimistic locking).

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

use super::imports::{EarlierState, NewImport};
use super::writes::Recorded;
use super::{MAX_IN, Store, StoreError, corrupt, from_json, placeholders};
use ken_base::domain::{DocumentId, DocumentStatus, Revision, WorkspaceId};

/// The last revision of each document at the time when a change of it was requested; `None` for a missing document.
/// Archiving, scheduling and deleting also create revisions. The change is written only if these are still the last
/// revisions (optimistic locking).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BaseRevisions(Vec<(DocumentId, Option<Revision>)>);

impl BaseRevisions {
    /// Makes them of known revisions.
    pub fn of(revisions: impl IntoIterator<Item = (DocumentId, Revision)>) -> Self {
        let known = revisions.into_iter();
        Self(known.map(|(id, revision)| (id, Some(revision))).collect())
    }

    fn ids(&self) -> impl Iterator<Item = &DocumentId> {
        self.0.iter().map(|(id, _)| id)
    }
}

/// A condition on the version of a document that is live at the time of writing. A deleted document has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precondition {
    /// The live version is one of these (`If-Match: "3"`).
    Version(Vec<i64>),
    /// The document exists (`If-Match: *`).
    Exists,
    /// The document does not exist (`If-None-Match: *`).
    Absent,
}

impl Precondition {
    fn is_met(&self, live: Option<i64>) -> bool {
        match self {
            Self::Version(any) => live.is_some_and(|live| any.contains(&live)),
            Self::Exists => live.is_some(),
            Self::Absent => live.is_none(),
        }
    }
}

/// The job item that a write completes. Both are in one transaction: either both happen or neither.
pub struct CompletedItem<'a> {
    /// The item's position in the job.
    pub ordinal: i64,
    /// Returns the result text of the item from the results of the writes.
    pub detail: &'a (dyn Fn(&[Recorded]) -> String + Sync),
}

/// Conditions of a write, checked in its transaction.
#[derive(Default, Clone, Copy)]
pub struct WriteConditions<'a> {
    /// Revisions that must still be the last ones of their documents.
    pub base: Option<&'a BaseRevisions>,
    /// Conditions on the live versions of documents.
    pub versions: &'a [(DocumentId, Precondition)],
    /// The job that writes. It must be running; a job that was cancelled or whose workspace was deleted is not.
    pub job: Option<&'a str>,
    /// The item of `job` that the write completes. Ignored without `job`.
    pub completes: Option<&'a CompletedItem<'a>>,
    /// The import that the write is recorded as.
    pub import: Option<&'a NewImport>,
    /// The import that the write undoes. It must not have been undone.
    pub undoes: Option<&'a str>,
}

/// The first of the [`WriteConditions`] that was not met. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnmetCondition {
    /// Another write changed the document.
    #[error("{0} was changed concurrently; retry")]
    Changed(DocumentId),
    /// A [`Precondition`] on the document's live version does not hold.
    #[error("{}", mismatch(.id, *.current))]
    Version {
        /// The document.
        id: DocumentId,
        /// Its live version; `None` if it does not exist or was deleted.
        current: Option<i64>,
    },
    /// The import that the write would undo was undone before, or is no longer kept.
    #[error("import {0} was undone already")]
    Undone(String),
    /// The job is not running, or its item is completed already.
    #[error("the job is not running: it was cancelled or has completed the change already")]
    NotRunning,
}

fn mismatch(id: &DocumentId, current: Option<i64>) -> String {
    match current {
        Some(version) => format!("the current version of {id} is {version}, not the expected one"),
        None => format!("{id} does not exist or was deleted"),
    }
}

impl Store {
    /// Returns the last revision of each document.
    pub async fn base<'a>(
        &self,
        workspace: &WorkspaceId,
        ids: impl IntoIterator<Item = &'a DocumentId>,
    ) -> Result<BaseRevisions, StoreError> {
        let ids: Vec<DocumentId> = ids.into_iter().cloned().collect();
        let mut connection = self.relaxed.acquire().await?;
        let mut found = states(&mut connection, workspace, &ids).await?;
        let base = ids.into_iter().map(|id| {
            let revision = found.0.remove(&id).map(|row| row.revision);
            (id, revision)
        });
        Ok(BaseRevisions(base.collect()))
    }

    /// Returns the documents whose last revision is another one now.
    pub async fn changed_since(
        &self,
        workspace: &WorkspaceId,
        base: &BaseRevisions,
    ) -> Result<Vec<DocumentId>, StoreError> {
        let now = self.base(workspace, base.ids()).await?;
        let changed = base.0.iter().zip(&now.0).filter(|(then, now)| then != now);
        Ok(changed.map(|((id, _), _)| id.clone()).collect())
    }

    /// Returns the first condition on documents that does not hold now. The writing transaction checks all of them
    /// again; this saves the work between.
    pub async fn unmet_condition(
        &self,
        workspace: &WorkspaceId,
        conditions: &WriteConditions<'_>,
    ) -> Result<Option<UnmetCondition>, StoreError> {
        let mut connection = self.relaxed.acquire().await?;
        first_unmet(&mut connection, workspace, conditions, self.clock.now()).await
    }
}

/// Returns the first condition on documents that does not hold.
pub(super) async fn first_unmet(
    connection: &mut AnyConnection,
    workspace: &WorkspaceId,
    conditions: &WriteConditions<'_>,
    now: Timestamp,
) -> Result<Option<UnmetCondition>, StoreError> {
    if let Some(base) = conditions.base {
        let ids: Vec<DocumentId> = base.ids().cloned().collect();
        let found = states(connection, workspace, &ids).await?;
        let revision = |id: &DocumentId| found.0.get(id).map(|row| row.revision);
        if let Some((id, _)) = base.0.iter().find(|(id, then)| revision(id) != *then) {
            return Ok(Some(UnmetCondition::Changed(id.clone())));
        }
    }
    let ids: Vec<DocumentId> = conditions
        .versions
        .iter()
        .map(|(id, _)| id.clone())
        .collect();
    let found = states(connection, workspace, &ids).await?;
    for (id, condition) in conditions.versions {
        let current = found.0.get(id).and_then(|row| row.live_version(now));
        if !condition.is_met(current) {
            let id = id.clone();
            return Ok(Some(UnmetCondition::Version { id, current }));
        }
    }
    Ok(None)
}

/// The rows of documents by id, without missing documents.
pub(super) struct DocumentState(HashMap<DocumentId, StateRow>);

/// What conditions and imports need of a document's row. A deleted document has a row, too.
struct StateRow {
    id: String,
    revision: Revision,
    version: i64,
    status: String,
    deleted: i64,
    next_version: Option<i64>,
    next_at: Option<i64>,
}

from_row!(StateRow {
    id,
    revision,
    version,
    status,
    deleted,
    next_version,
    next_at,
});

impl StateRow {
    /// The scheduled version if it is due: it is live then.
    fn due_version(&self, now: Timestamp) -> Option<i64> {
        let is_due = self.next_at.is_some_and(|at| at <= now.as_millisecond());
        self.next_version.filter(|_| is_due)
    }

    /// The live version; `None` for a deleted document.
    fn live_version(&self, now: Timestamp) -> Option<i64> {
        let version = self.due_version(now).unwrap_or(self.version);
        (self.deleted == 0).then_some(version)
    }
}

impl DocumentState {
    /// What an import needs to restore a document; `None` if it does not exist or was deleted.
    pub(super) fn earlier(
        &self,
        id: &DocumentId,
        now: Timestamp,
    ) -> Result<Option<EarlierState>, StoreError> {
        let Some(row) = self.0.get(id).filter(|row| row.deleted == 0) else {
            return Ok(None);
        };
        Ok(Some(match row.due_version(now) {
            Some(version) => EarlierState {
                version,
                status: DocumentStatus::Published,
                next: None,
            },
            None => EarlierState {
                version: row.version,
                status: from_json("a document's status", &format!("\"{}\"", row.status))?,
                next: row.next_version.zip(row.next_at),
            },
        }))
    }
}

/// Returns the states of documents.
pub(super) async fn states(
    connection: &mut AnyConnection,
    workspace: &WorkspaceId,
    ids: &[DocumentId],
) -> Result<DocumentState, StoreError> {
    let mut found = HashMap::with_capacity(ids.len());
    for batch in ids.chunks(MAX_IN) {
        let sql = format!(
            "SELECT id, revision, version, status, deleted, next_version, next_at FROM documents \
             WHERE workspace = $1 AND id IN ({})",
            placeholders(2, batch.len())
        );
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(workspace.as_str());
        for id in batch {
            query = query.bind(id.as_str());
        }
        let rows: Vec<StateRow> = query.fetch_all(&mut *connection).await?;
        for row in rows {
            let id = DocumentId::parse(&row.id).map_err(|e| corrupt("a document id", &e))?;
            found.insert(id, row);
        }
    }
    Ok(DocumentState(found))
}
