//! Feedback, distrusted versions, and experiments with their participants.

use std::collections::{HashMap, HashSet};

use futures_util::TryStreamExt;
use jiff::Timestamp;
use serde::Deserialize;

use super::questions::TimeKey;
use super::{MAX_IN, Store, StoreError, corrupt, from_json, placeholders, time_of, to_json};
use ken_base::domain::{DocumentId, Experiment, Exposure, Feedback, Outcome, WorkspaceId};

/// Customer, arm, answered, success, decided at, harmed at, shown at.
type ExposureRow = (String, i64, i64, Option<i64>, Option<i64>, Option<i64>, i64);

/// Records a success or failure of an exposure, and whether it did harm. The first values stay.
const UPDATE_OUTCOME: &str = "UPDATE exposures SET success = COALESCE(success, $1), \
    decided_at = CASE WHEN success IS NULL AND $1 IS NOT NULL THEN $2 ELSE decided_at END, \
    harmed_at = CASE WHEN $3 = 1 THEN COALESCE(harmed_at, $2) ELSE harmed_at END WHERE workspace = $4 AND ";

/// Columns of a recorded answer that statistics need.
#[derive(Debug, Clone)]
pub struct AnswerRecord {
    /// The question as the customer sent it.
    pub question: String,
    /// When it was recorded.
    pub at: Timestamp,
    /// Id of the answer.
    pub id: String,
    /// Its conversation, if it has one.
    pub conversation_id: Option<String>,
    /// Outcome of the answer.
    pub outcome: Outcome,
    /// Reason of the outcome, if it has one.
    pub reason: Option<String>,
    /// Documents of the citations; a document with two citations occurs twice.
    pub cited: Vec<DocumentId>,
    /// Channel of the request.
    pub channel: Option<String>,
    /// Tags of the request.
    pub tags: Vec<String>,
}

/// Parts of a stored answer.
#[derive(Deserialize)]
pub(super) struct AnswerPart {
    id: String,
    pub(super) outcome: Outcome,
    pub(super) reason: Option<String>,
    conversation_id: Option<String>,
    pub(super) citations: Vec<CitationPart>,
}

#[derive(Deserialize)]
pub(super) struct CitationPart {
    pub(super) document_id: DocumentId,
}

/// Parts of its record.
#[derive(Default, Deserialize)]
pub(super) struct RecordPart {
    #[serde(default)]
    pub(super) request: RequestPart,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RequestPart {
    pub(super) channel: Option<String>,
    pub(super) tags: Vec<String>,
}

impl Store {
    /// Stores feedback; `false` if feedback with this id exists.
    pub async fn insert_feedback(
        &self,
        workspace: &WorkspaceId,
        feedback: &Feedback,
    ) -> Result<bool, StoreError> {
        self.ensure_workspace(workspace).await?;
        let done = sqlx::query(
            "INSERT INTO feedback (workspace, id, answer_id, body, created_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (workspace, id) DO NOTHING",
        )
        .bind(workspace.as_str())
        .bind(&feedback.id)
        .bind(&feedback.answer_id)
        .bind(to_json(feedback))
        .bind(feedback.at.as_millisecond())
        .execute(&self.durable)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Deletes the feedback on answers.
    pub async fn delete_feedback_on(
        &self,
        workspace: &WorkspaceId,
        answer_ids: &[String],
    ) -> Result<(), StoreError> {
        for some in answer_ids.chunks(MAX_IN) {
            let sql = format!(
                "DELETE FROM feedback WHERE workspace = $1 AND answer_id IN ({})",
                placeholders(2, some.len())
            );
            let mut delete = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(workspace.as_str());
            for id in some {
                delete = delete.bind(id);
            }
            delete.execute(&self.durable).await?;
        }
        Ok(())
    }

    /// The newest `limit` entries of feedback since `since`, oldest first.
    pub async fn feedback_since(
        &self,
        workspace: &WorkspaceId,
        since: Timestamp,
        limit: i64,
    ) -> Result<Vec<Feedback>, StoreError> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT body FROM feedback WHERE workspace = $1 AND created_at >= $2 ORDER BY created_at DESC, id LIMIT $3",
        )
        .bind(workspace.as_str())
        .bind(since.as_millisecond())
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        let read = |(body,): (String,)| from_json("feedback", &body);
        rows.into_iter().rev().map(read).collect()
    }

    /// Feedback, newest first, at most `limit`. `after` is the last entry of the previous page.
    pub async fn feedback_page(
        &self,
        workspace: &WorkspaceId,
        after: Option<&TimeKey>,
        limit: i64,
    ) -> Result<Vec<Feedback>, StoreError> {
        let (at_ms, id) = after.map_or((i64::MAX, ""), |key| (key.at_ms, &*key.id));
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT body FROM feedback WHERE workspace = $1 \
             AND (created_at < $2 OR (created_at = $2 AND id > $3)) ORDER BY created_at DESC, id LIMIT $4",
        )
        .bind(workspace.as_str())
        .bind(at_ms)
        .bind(id)
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        let read = |(body,): (String,)| from_json("feedback", &body);
        rows.into_iter().map(read).collect()
    }

    /// Answers from `from` until before `to`, newest first, at most `limit`. Reads them one by one: each has some
    /// kilobytes, and there are many.
    pub async fn answers_between(
        &self,
        workspace: &WorkspaceId,
        from: Timestamp,
        to: Timestamp,
        limit: i64,
    ) -> Result<Vec<AnswerRecord>, StoreError> {
        let mut rows = sqlx::query_as::<_, (String, String, i64, String)>(
            "SELECT question, body, created_at, trace FROM answers WHERE workspace = $1 AND created_at >= $2 \
             AND created_at < $3 ORDER BY created_at DESC, id DESC LIMIT $4",
        )
        .bind(workspace.as_str())
        .bind(from.as_millisecond())
        .bind(to.as_millisecond())
        .bind(limit)
        .fetch(&self.relaxed);
        let mut records = Vec::new();
        while let Some((question, body, at, trace)) = rows.try_next().await? {
            let body: AnswerPart = from_json("an answer", &body)?;
            let record: RecordPart = from_json("an answer's record", &trace)?;
            records.push(AnswerRecord {
                question,
                at: time_of(at)?,
                id: body.id,
                conversation_id: body.conversation_id,
                outcome: body.outcome,
                reason: body.reason,
                cited: body.citations.into_iter().map(|c| c.document_id).collect(),
                channel: record.request.channel,
                tags: record.request.tags,
            });
        }
        Ok(records)
    }

    /// Sets whether answers may use a version of a document. A version that a person has declared right stays trusted
    /// unless a person changes that. Returns `false` if nothing was written.
    pub async fn set_distrust(
        &self,
        workspace: &WorkspaceId,
        (document, version): (&DocumentId, i64),
        distrusted: bool,
        by_person: bool,
        detail: &str,
    ) -> Result<bool, StoreError> {
        self.ensure_workspace(workspace).await?;
        let keep = if by_person {
            ""
        } else {
            " WHERE distrusted.state <> 'trusted'"
        };
        let sql = format!(
            "INSERT INTO distrusted (workspace, document_id, version, state, detail, updated_at) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (workspace, document_id, version) DO UPDATE SET state = excluded.state, detail = excluded.detail, \
             updated_at = excluded.updated_at{keep}"
        );
        let done = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(document.as_str())
            .bind(version)
            .bind(if distrusted { "distrusted" } else { "trusted" })
            .bind(detail)
            .bind(self.now_ms())
            .execute(&self.durable)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Versions of documents that no answer may use.
    pub async fn distrusted(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<HashSet<(DocumentId, i64)>, StoreError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT document_id, version FROM distrusted WHERE workspace = $1 AND state = 'distrusted'",
        )
        .bind(workspace.as_str())
        .fetch_all(&self.relaxed)
        .await?;
        rows.into_iter()
            .map(|(id, version)| {
                let id = DocumentId::parse(&id).map_err(|e| corrupt("a document id", &e))?;
                Ok((id, version))
            })
            .collect()
    }

    /// Inserts or replaces an experiment.
    pub async fn put_experiment(
        &self,
        workspace: &WorkspaceId,
        experiment: &Experiment,
    ) -> Result<(), StoreError> {
        self.ensure_workspace(workspace).await?;
        sqlx::query(
            "INSERT INTO experiments (workspace, id, state, body, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5) \
             ON CONFLICT (workspace, id) DO UPDATE SET state = excluded.state, body = excluded.body, \
             updated_at = excluded.updated_at",
        )
        .bind(workspace.as_str())
        .bind(&experiment.id)
        .bind(experiment.state.as_str())
        .bind(to_json(experiment))
        .bind(self.now_ms())
        .execute(&self.durable)
        .await?;
        Ok(())
    }

    /// Experiments, newest first, at most 1,000; only running ones if `only_running`.
    pub async fn experiments(
        &self,
        workspace: &WorkspaceId,
        only_running: bool,
    ) -> Result<Vec<Experiment>, StoreError> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT body FROM experiments WHERE workspace = $1 AND ($2 = 0 OR state = 'running') \
             ORDER BY created_at DESC, id LIMIT 1000",
        )
        .bind(workspace.as_str())
        .bind(i64::from(only_running))
        .fetch_all(&self.relaxed)
        .await?;
        let read = |(body,): (String,)| from_json("an experiment", &body);
        rows.into_iter().map(read).collect()
    }

    /// Records which arm a customer saw and whether it was an answer. Only the first record of a customer counts.
    pub async fn expose(
        &self,
        workspace: &WorkspaceId,
        experiment: &str,
        (customer, arm): (&str, usize),
        answer_id: &str,
        answered: bool,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO exposures (workspace, experiment, customer, arm, answer_id, answered, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (workspace, experiment, customer) DO NOTHING",
        )
        .bind(workspace.as_str())
        .bind(experiment)
        .bind(customer)
        .bind(arm as i64)
        .bind(answer_id)
        .bind(i64::from(answered))
        .bind(self.now_ms())
        .execute(&self.relaxed)
        .await?;
        Ok(())
    }

    /// Records success or failure, and harm, for participants who saw an answer.
    pub async fn record_outcome(
        &self,
        workspace: &WorkspaceId,
        answer_id: &str,
        success: bool,
        harm: bool,
    ) -> Result<(), StoreError> {
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "{UPDATE_OUTCOME} answer_id = $5"
        )))
        .bind(Some(i64::from(success)))
        .bind(self.now_ms())
        .bind(i64::from(harm))
        .bind(workspace.as_str())
        .bind(answer_id)
        .execute(&self.durable)
        .await?;
        Ok(())
    }

    /// Records that a participant asked for a person: a failure and a harm.
    pub async fn record_harm(
        &self,
        workspace: &WorkspaceId,
        experiment: &str,
        customer: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "{UPDATE_OUTCOME} experiment = $5 AND customer = $6"
        )))
        .bind(Some(0_i64))
        .bind(self.now_ms())
        .bind(1_i64)
        .bind(workspace.as_str())
        .bind(experiment)
        .bind(customer)
        .execute(&self.durable)
        .await?;
        Ok(())
    }

    /// Participants of an experiment in order of their first exposure.
    pub async fn exposures(
        &self,
        workspace: &WorkspaceId,
        experiment: &str,
    ) -> Result<Vec<Exposure>, StoreError> {
        let rows: Vec<ExposureRow> = sqlx::query_as(
            "SELECT customer, arm, answered, success, decided_at, harmed_at, created_at FROM exposures \
             WHERE workspace = $1 AND experiment = $2 ORDER BY created_at, customer",
        )
        .bind(workspace.as_str())
        .bind(experiment)
        .fetch_all(&self.relaxed)
        .await?;
        rows.into_iter()
            .map(|(customer, arm, answered, success, decided, harmed, at)| {
                let rated = match (success, decided) {
                    (Some(success), Some(decided)) => Some((success == 1, time_of(decided)?)),
                    _ => None,
                };
                Ok(Exposure {
                    customer,
                    arm: usize::try_from(arm).unwrap_or(0),
                    at: time_of(at)?,
                    answered: answered == 1,
                    rated,
                    harmed_at: harmed.map(time_of).transpose()?,
                })
            })
            .collect()
    }

    /// The newest verdict of feedback on each answer: `true` if it is positive. An answer without a verdict is left out.
    pub async fn verdicts(
        &self,
        workspace: &WorkspaceId,
        answer_ids: &[&str],
    ) -> Result<HashMap<String, bool>, StoreError> {
        let mut verdicts = HashMap::new();
        for some in answer_ids.chunks(MAX_IN) {
            let sql = format!(
                "SELECT answer_id, body FROM feedback WHERE workspace = $1 AND answer_id IN ({}) \
                 ORDER BY created_at DESC, id",
                placeholders(2, some.len())
            );
            let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(workspace.as_str());
            for id in some {
                query = query.bind(*id);
            }
            let rows: Vec<(String, String)> = query.fetch_all(&self.relaxed).await?;
            for (answer_id, body) in rows {
                let feedback: Feedback = from_json("feedback", &body)?;
                if let Some(verdict) = feedback.verdict() {
                    verdicts.entry(answer_id).or_insert(verdict);
                }
            }
        }
        Ok(verdicts)
    }

    /// Feedback on one answer, oldest first.
    pub async fn feedback_on(
        &self,
        workspace: &WorkspaceId,
        answer_id: &str,
    ) -> Result<Vec<Feedback>, StoreError> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT body FROM feedback WHERE workspace = $1 AND answer_id = $2 ORDER BY created_at, id LIMIT 1000",
        )
        .bind(workspace.as_str())
        .bind(answer_id)
        .fetch_all(&self.relaxed)
        .await?;
        let read = |(body,): (String,)| from_json("feedback", &body);
        rows.into_iter().map(read).collect()
    }
}
