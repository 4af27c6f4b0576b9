//! Recorded answers: writing, reading, and deleting them.

use jiff::Timestamp;

use super::audit::AuditEvent;
use super::questions::AnswerFacts;
use super::{Store, StoreError, from_json, time_of, to_json};
use ken_base::domain::{Answer, Reason, Turn, WorkspaceId};

/// An answer to record.
pub struct RecordedAnswer<'a> {
    /// The question as the customer sent it.
    pub question: &'a str,
    /// The answer.
    pub answer: &'a Answer,
    /// How the answer was made (hits, features, decision), as JSON, for explanations.
    pub trace: &'a str,
    /// Idempotency key of the request, if it has one.
    pub idempotency_key: Option<&'a str>,
    /// Channel of the request, if it has one.
    pub channel: Option<&'a str>,
    /// Tags of the request.
    pub tags: &'a [String],
}

/// How long answers of a missing workspace are kept, in milliseconds.
const STRAY_MS: i64 = 24 * 3_600_000;

impl Store {
    /// Records a turn. Returns `false`, without a write, if an answer with the same idempotency key exists.
    pub async fn record_answer(
        &self,
        workspace: &WorkspaceId,
        record: RecordedAnswer<'_>,
    ) -> Result<bool, StoreError> {
        let (answer, now) = (record.answer, self.now_ms());
        let mut cited: Vec<&str> = answer
            .citations
            .iter()
            .map(|citation| citation.document_id.as_str())
            .collect();
        cited.sort_unstable();
        cited.dedup();
        let facts = AnswerFacts {
            answer_id: &answer.id,
            outcome: answer.outcome,
            reason: answer.reason.map_or("", Reason::as_str),
            channel: record.channel,
            tags: record.tags,
            cited,
        };
        let mut tx = self.relaxed.begin().await?;
        let done = sqlx::query(
            "INSERT INTO answers (workspace, id, conversation_id, idempotency_key, question, body, trace, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (workspace, idempotency_key) DO NOTHING",
        )
        .bind(workspace.as_str())
        .bind(&answer.id)
        .bind(answer.conversation_id.as_deref())
        .bind(record.idempotency_key)
        .bind(record.question)
        .bind(to_json(answer))
        .bind(record.trace)
        .bind(now)
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        facts.save(&mut *tx, workspace.as_str(), now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The answer with an idempotency key, and its record as JSON.
    pub async fn answer_by_idempotency_key(
        &self,
        workspace: &WorkspaceId,
        key: &str,
    ) -> Result<Option<(Turn, serde_json::Value)>, StoreError> {
        let row: Option<LoggedRow> = sqlx::query_as(
            "SELECT question, body, created_at, trace FROM answers WHERE workspace = $1 AND idempotency_key = $2",
        )
        .bind(workspace.as_str())
        .bind(key)
        .fetch_optional(&self.relaxed)
        .await?;
        row.map(logged).transpose()
    }

    /// An answer by its id, and its record as JSON.
    pub async fn answer(
        &self,
        workspace: &WorkspaceId,
        id: &str,
    ) -> Result<Option<(Turn, serde_json::Value)>, StoreError> {
        let row: Option<LoggedRow> = sqlx::query_as(
            "SELECT question, body, created_at, trace FROM answers WHERE workspace = $1 AND id = $2",
        )
        .bind(workspace.as_str())
        .bind(id)
        .fetch_optional(&self.relaxed)
        .await?;
        row.map(logged).transpose()
    }

    /// The newest `limit` answers with their records, of one conversation or of all, newest first.
    pub async fn logged_answers(
        &self,
        workspace: &WorkspaceId,
        conversation_id: Option<&str>,
        limit: i64,
    ) -> Result<Vec<(Turn, serde_json::Value)>, StoreError> {
        let sql = newest(conversation_id.is_some());
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(limit);
        if let Some(conversation) = conversation_id {
            query = query.bind(conversation);
        }
        let rows: Vec<LoggedRow> = query.fetch_all(&self.relaxed).await?;
        rows.into_iter().map(logged).collect()
    }

    /// Deletes the turns of a conversation and their records. Returns their number.
    pub async fn delete_conversation(
        &self,
        workspace: &WorkspaceId,
        conversation_id: &str,
    ) -> Result<u64, StoreError> {
        let delete =
            sqlx::query("DELETE FROM answers WHERE workspace = $1 AND conversation_id = $2")
                .bind(workspace.as_str())
                .bind(conversation_id);
        let act = AuditEvent::new("conversation.delete", conversation_id);
        let done = self.change(workspace, act, delete).await?;
        self.purge_deleted().await?;
        Ok(done)
    }

    /// Deletes conversations without a turn since `then`, and older answers outside of conversations. Returns the
    /// number of deleted turns.
    pub async fn forget_answers_before(&self, then: Timestamp) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "DELETE FROM answers WHERE created_at < $1 AND (conversation_id IS NULL OR NOT EXISTS \
             (SELECT 1 FROM answers later WHERE later.workspace = answers.workspace \
              AND later.conversation_id = answers.conversation_id AND later.created_at >= $1))",
        )
        .bind(then.as_millisecond())
        .execute(&self.durable)
        .await?;
        // Answers of a missing workspace: the question arrived while the workspace was deleted, or before anything was
        // written to it.
        let stray = sqlx::query(
            "DELETE FROM answers WHERE created_at < $1 \
             AND NOT EXISTS (SELECT 1 FROM workspaces w WHERE w.id = answers.workspace)",
        )
        .bind(self.now_ms() - STRAY_MS)
        .execute(&self.durable)
        .await?;
        let n_forgotten = done.rows_affected() + stray.rows_affected();
        if n_forgotten > 0 {
            self.purge_deleted().await?;
        }
        Ok(n_forgotten)
    }

    /// Moves the write-ahead log of SQLite into the database file; does nothing on PostgreSQL.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        self.purge_deleted().await
    }

    /// Removes deleted data from the write-ahead log, too; in the file `secure_delete` has overwritten it. While a
    /// reader is active, the next deletion tries again. PostgreSQL overwrites nothing: its VACUUM frees the space for
    /// other rows.
    pub(super) async fn purge_deleted(&self) -> Result<(), StoreError> {
        if self.is_shared() {
            return Ok(());
        }
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&self.durable)
            .await?;
        Ok(())
    }

    /// The newest `limit` turns of a conversation, oldest first.
    pub async fn recent_turns(
        &self,
        workspace: &WorkspaceId,
        conversation_id: &str,
        limit: i64,
    ) -> Result<Vec<Turn>, StoreError> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT question, body, created_at FROM answers WHERE workspace = $1 AND conversation_id = $2 \
             ORDER BY created_at DESC, id DESC LIMIT $3",
        )
        .bind(workspace.as_str())
        .bind(conversation_id)
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        rows.into_iter().rev().map(turn).collect()
    }
}

/// SQL for the newest `$2` answers of a workspace (`$1`) or of one conversation (`$3`). Two statements: with one for
/// both, SQLite would scan all answers of the workspace for each turn of a conversation.
pub(super) fn newest(is_of_conversation: bool) -> String {
    let only = match is_of_conversation {
        true => "AND conversation_id = $3",
        false => "",
    };
    format!(
        "SELECT question, body, created_at, trace FROM answers WHERE workspace = $1 {only} \
         ORDER BY created_at DESC, id DESC LIMIT $2"
    )
}

type LoggedRow = (String, String, i64, String);

pub(super) fn logged(
    (question, body, created_at, trace): LoggedRow,
) -> Result<(Turn, serde_json::Value), StoreError> {
    Ok((
        turn((question, body, created_at))?,
        from_json("an answer's record", &trace)?,
    ))
}

fn turn((question, body, created_at): (String, String, i64)) -> Result<Turn, StoreError> {
    Ok(Turn {
        question,
        answer: from_json("an answer", &body)?,
        at: time_of(created_at)?,
    })
}
