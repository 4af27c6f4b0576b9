//! Gaps that a person closed.

use super::audit::AuditEvent;
use super::writes::lock;
use super::{Store, StoreError, from_json, time_of, to_json};
use ken_base::domain::{GapClosure, WorkspaceId};

type Row = (String, String, String, String, i64);

impl Store {
    /// The gap closures of a workspace, newest first.
    pub async fn gap_closures(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<Vec<GapClosure>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, question, reason, closed_by, closed_at FROM gap_closures \
             WHERE workspace = $1 ORDER BY closed_at DESC, id",
        )
        .bind(workspace.as_str())
        .fetch_all(&self.relaxed)
        .await?;
        let read = |(id, question, reason, closed_by, closed_at): Row| {
            Ok(GapClosure {
                id,
                question,
                reason: from_json("a gap closure", &reason)?,
                closed_by,
                closed_at: time_of(closed_at)?,
            })
        };
        rows.into_iter().map(read).collect()
    }

    /// Inserts or replaces a gap closure.
    pub async fn put_gap_closure(
        &self,
        workspace: &WorkspaceId,
        closure: &GapClosure,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        lock(&mut tx, workspace).await?;
        sqlx::query(
            "INSERT INTO gap_closures (workspace, id, question, reason, closed_by, closed_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (workspace, id) DO UPDATE SET \
             question = excluded.question, reason = excluded.reason, \
             closed_by = excluded.closed_by, closed_at = excluded.closed_at",
        )
        .bind(workspace.as_str())
        .bind(&closure.id)
        .bind(&closure.question)
        .bind(to_json(&closure.reason))
        .bind(&closure.closed_by)
        .bind(closure.closed_at.as_millisecond())
        .execute(&mut *tx)
        .await?;
        let act = AuditEvent::new("gap.close", &closure.id).after(closure);
        self.note(&mut tx, workspace, vec![act]).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Deletes a gap closure, which opens the gap again; `false` if there is none with this id.
    pub async fn delete_gap_closure(
        &self,
        workspace: &WorkspaceId,
        id: &str,
    ) -> Result<bool, StoreError> {
        let delete = sqlx::query("DELETE FROM gap_closures WHERE workspace = $1 AND id = $2")
            .bind(workspace.as_str())
            .bind(id);
        let act = AuditEvent::new("gap.reopen", id);
        Ok(self.change(workspace, act, delete).await? == 1)
    }
}
