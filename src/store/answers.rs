use super::{Store, StoreError, from_json, now_ms, time_of, to_json};
use crate::domain::{Answer, Turn, WorkspaceId};

/// An answer as it goes into the record.
pub struct RecordedAnswer<'a> {
    pub question: &'a str,
    pub answer: &'a Answer,
    /// How it came about (hits, features, decision), as JSON for whoever has to explain it.
    pub trace: &'a serde_json::Value,
    pub idempotency_key: Option<&'a str>,
}

impl Store {
    /// Records a turn. Where an answer stands under the same idempotency key already, nothing is written and
    /// `false` is returned.
    pub async fn record_answer(
        &self,
        workspace: &WorkspaceId,
        record: RecordedAnswer<'_>,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "INSERT INTO answers (workspace, id, conversation_id, idempotency_key, question, body, trace, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (workspace, idempotency_key) DO NOTHING",
        )
        .bind(workspace.as_str())
        .bind(&record.answer.id)
        .bind(record.answer.conversation_id.as_deref())
        .bind(record.idempotency_key)
        .bind(record.question)
        .bind(to_json(record.answer))
        .bind(record.trace.to_string())
        .bind(now_ms())
        .execute(&self.relaxed)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The answer given under an idempotency key, with its question.
    pub async fn answer_by_idempotency_key(
        &self,
        workspace: &WorkspaceId,
        key: &str,
    ) -> Result<Option<Turn>, StoreError> {
        let row: Option<(String, String, i64)> = sqlx::query_as(
            "SELECT question, body, created_at FROM answers WHERE workspace = $1 AND idempotency_key = $2",
        )
        .bind(workspace.as_str())
        .bind(key)
        .fetch_optional(&self.relaxed)
        .await?;
        row.map(turn).transpose()
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

fn turn((question, body, created_at): (String, String, i64)) -> Result<Turn, StoreError> {
    Ok(Turn {
        question,
        answer: from_json("an answer", &body)?,
        at: time_of(created_at)?,
    })
}
