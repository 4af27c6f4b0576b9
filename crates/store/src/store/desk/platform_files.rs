//! Messages with files that are still to be fetched from their platform.

use jiff::{SignedDuration, Timestamp};

use super::{DeskTx, message_id};
use crate::store::{Store, StoreError, to_json};
use ken_base::desk::{MessageId, Part};
use ken_base::domain::WorkspaceId;

impl DeskTx {
    /// Records that files of a message are to be fetched.
    pub async fn want_files(
        &mut self,
        workspace: &WorkspaceId,
        message: &MessageId,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO platform_files (workspace, message_id, attempt, next_at) VALUES ($1, $2, 0, $3) \
             ON CONFLICT (workspace, message_id) DO NOTHING",
        )
        .bind(workspace.as_str())
        .bind(message.as_str())
        .bind(self.now.as_millisecond())
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Begins an attempt, which another process takes up after `lease`. Returns its number, from 1; `None` if nothing is due.
    pub async fn begin_fetching(
        &mut self,
        workspace: &WorkspaceId,
        message: &MessageId,
        lease: SignedDuration,
    ) -> Result<Option<i64>, StoreError> {
        let until = self.now.saturating_add(lease).unwrap_or(Timestamp::MAX);
        let row: Option<(i64,)> = sqlx::query_as(
            "UPDATE platform_files SET attempt = attempt + 1, next_at = $3 \
             WHERE workspace = $1 AND message_id = $2 AND next_at <= $4 RETURNING attempt",
        )
        .bind(workspace.as_str())
        .bind(message.as_str())
        .bind(until.as_millisecond())
        .bind(self.now.as_millisecond())
        .fetch_optional(&mut *self.tx)
        .await?;
        Ok(row.map(|(attempt,)| attempt))
    }

    /// Ends that files of a message are to be fetched, or delays it.
    pub async fn end_fetching(
        &mut self,
        workspace: &WorkspaceId,
        message: &MessageId,
        again: Option<SignedDuration>,
    ) -> Result<(), StoreError> {
        let next = again.and_then(|wait| self.now.saturating_add(wait).ok());
        let sql = match next {
            Some(_) => {
                "UPDATE platform_files SET next_at = $3 WHERE workspace = $1 AND message_id = $2"
            }
            None => {
                "DELETE FROM platform_files WHERE workspace = $1 AND message_id = $2 AND $3 = 0"
            }
        };
        sqlx::query(sql)
            .bind(workspace.as_str())
            .bind(message.as_str())
            .bind(next.map_or(0, Timestamp::as_millisecond))
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Replaces the parts of a message, unless it was erased. Returns whether it was not.
    pub async fn replace_parts(
        &mut self,
        workspace: &WorkspaceId,
        message: &MessageId,
        parts: &[Part],
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE messages SET parts = $1 WHERE workspace = $2 AND id = $3 AND erased_at IS NULL",
        )
        .bind(to_json(&parts))
        .bind(workspace.as_str())
        .bind(message.as_str())
        .execute(&mut *self.tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        self.attach(workspace, message, parts).await?;
        Ok(true)
    }
}

impl Store {
    /// Messages whose files are due, the longest due first, at most `limit`.
    pub async fn due_files(
        &self,
        at: Timestamp,
        limit: i64,
    ) -> Result<Vec<(WorkspaceId, MessageId)>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT workspace, message_id FROM platform_files WHERE next_at <= $1 ORDER BY next_at LIMIT $2",
        )
        .bind(at.as_millisecond())
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        let parse = |(workspace, id): (String, String)| {
            let workspace = WorkspaceId::parse(&workspace).map_err(super::invalid)?;
            Ok((workspace, message_id(&id)?))
        };
        rows.into_iter().map(parse).collect()
    }
}
