//! Judged questions, logged questions, and reviews.

use super::audit::AuditEvent;
use super::questions::TimeKey;
use super::writes::lock;
use super::{Store, StoreError, from_json, to_json};
use ken_base::domain::{JudgedQuestion, Review, WorkspaceId};

impl Store {
    /// Judged questions, sorted by id.
    pub async fn judged_questions(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<Vec<JudgedQuestion>, StoreError> {
        let rows: Vec<(String,)> =
            sqlx::query_as("SELECT body FROM judged_questions WHERE workspace = $1 ORDER BY id")
                .bind(workspace.as_str())
                .fetch_all(&self.relaxed)
                .await?;
        let read = |(body,): (String,)| from_json("a judged question", &body);
        rows.into_iter().map(read).collect()
    }

    /// Judged questions with an id above `after`, sorted by id, at most `limit`.
    pub async fn judged_questions_page(
        &self,
        workspace: &WorkspaceId,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<JudgedQuestion>, StoreError> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT body FROM judged_questions WHERE workspace = $1 AND id > $2 ORDER BY id LIMIT $3",
        )
        .bind(workspace.as_str())
        .bind(after.unwrap_or(""))
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        let read = |(body,): (String,)| from_json("a judged question", &body);
        rows.into_iter().map(read).collect()
    }

    /// Whether the workspace has a judged question.
    pub async fn has_judged_questions(&self, workspace: &WorkspaceId) -> Result<bool, StoreError> {
        let (n,): (i64,) =
            sqlx::query_as("SELECT COUNT(*) FROM judged_questions WHERE workspace = $1")
                .bind(workspace.as_str())
                .fetch_one(&self.relaxed)
                .await?;
        Ok(n > 0)
    }

    /// Inserts or replaces a judged question.
    pub async fn put_judged_question(
        &self,
        workspace: &WorkspaceId,
        question: &JudgedQuestion,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        lock(&mut tx, workspace).await?;
        let before: Option<(String,)> =
            sqlx::query_as("SELECT body FROM judged_questions WHERE workspace = $1 AND id = $2")
                .bind(workspace.as_str())
                .bind(&question.id)
                .fetch_optional(&mut *tx)
                .await?;
        let before = before.map(|(body,)| from_json::<JudgedQuestion>("a judged question", &body));
        sqlx::query(
            "INSERT INTO judged_questions (workspace, id, body, updated_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (workspace, id) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at",
        )
        .bind(workspace.as_str())
        .bind(&question.id)
        .bind(to_json(question))
        .bind(self.now_ms())
        .execute(&mut *tx)
        .await?;
        let act = AuditEvent::new("judged-question.put", &question.id)
            .before(before.transpose()?)
            .after(question);
        self.note(&mut tx, workspace, vec![act]).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Deletes a judged question; `false` if there is none with this id.
    pub async fn delete_judged_question(
        &self,
        workspace: &WorkspaceId,
        id: &str,
    ) -> Result<bool, StoreError> {
        let delete = sqlx::query("DELETE FROM judged_questions WHERE workspace = $1 AND id = $2")
            .bind(workspace.as_str())
            .bind(id);
        let act = AuditEvent::new("judged-question.delete", id);
        Ok(self.change(workspace, act, delete).await? == 1)
    }

    /// The newest distinct questions of customers, newest first, at most `limit`.
    pub async fn logged_questions(
        &self,
        workspace: &WorkspaceId,
        limit: i64,
    ) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT question FROM answers WHERE workspace = $1 GROUP BY question \
             ORDER BY MAX(created_at) DESC LIMIT $2",
        )
        .bind(workspace.as_str())
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        Ok(rows.into_iter().map(|(question,)| question).collect())
    }

    /// Open reviews with the time when they were opened, newest first, at most `limit`. `after` is the last one of the
    /// previous page.
    pub async fn open_reviews(
        &self,
        workspace: &WorkspaceId,
        after: Option<&TimeKey>,
        limit: i64,
    ) -> Result<Vec<(Review, TimeKey)>, StoreError> {
        let (at_ms, id) = after.map_or((i64::MAX, ""), |key| (key.at_ms, &*key.id));
        let rows: Vec<(String, i64, String)> = sqlx::query_as(
            "SELECT body, created_at, id FROM reviews WHERE workspace = $1 AND state = 'open' \
             AND (created_at < $2 OR (created_at = $2 AND id > $3)) ORDER BY created_at DESC, id LIMIT $4",
        )
        .bind(workspace.as_str())
        .bind(at_ms)
        .bind(id)
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        let read = |(body, at_ms, id): (String, i64, String)| {
            Ok((from_json("a review", &body)?, TimeKey { at_ms, id }))
        };
        rows.into_iter().map(read).collect()
    }

    /// Opens a review. A review with the same id is not opened again, even if it is closed.
    pub async fn open_review(
        &self,
        workspace: &WorkspaceId,
        review: &Review,
    ) -> Result<(), StoreError> {
        self.ensure_workspace(workspace).await?;
        sqlx::query(
            "INSERT INTO reviews (workspace, id, body, state, created_at) VALUES ($1, $2, $3, 'open', $4) \
             ON CONFLICT (workspace, id) DO NOTHING",
        )
        .bind(workspace.as_str())
        .bind(&review.id)
        .bind(to_json(review))
        .bind(self.now_ms())
        .execute(&self.relaxed)
        .await?;
        Ok(())
    }

    /// Closes a review; `false` if no such review is open.
    pub async fn close_review(
        &self,
        workspace: &WorkspaceId,
        id: &str,
    ) -> Result<bool, StoreError> {
        let close = sqlx::query(
            "UPDATE reviews SET state = 'closed' WHERE workspace = $1 AND id = $2 AND state = 'open'",
        )
        .bind(workspace.as_str())
        .bind(id);
        let act = AuditEvent::new("review.close", id)
            .before("open")
            .after("closed");
        Ok(self.change(workspace, act, close).await? == 1)
    }
}
