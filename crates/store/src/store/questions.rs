//! The log of questions as a list: a narrow row for each answer, with what lists filter by.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::Deserialize;
use sqlx::{Any, Executor};

use super::learning::{AnswerPart, RecordPart};
use super::lists::containing;
use super::{MAX_IN, Store, StoreError, from_json, placeholders, time_of, to_json};
use ken_base::domain::{Outcome, WorkspaceId};

/// How many rows are filled in one transaction.
const FILLED_AT_ONCE: i64 = 500;
/// How many narrow rows are read at once.
const BATCH: i64 = 1_000;

/// Stands for the channel of a request without one.
pub const NO_CHANNEL: &str = "none";

/// Place of an entry in a list that is ordered by time, newest first: the time in milliseconds since 1970, and the id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeKey {
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// The entry's id.
    pub id: String,
}

/// Which logged questions to list; `None` does not restrict.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QuestionFilter {
    /// The outcome of the answer.
    pub outcome: Option<Outcome>,
    /// The reason of the outcome; empty for answers without one.
    pub reason: Option<String>,
    /// The channel of the request; `none` also for requests without one.
    pub channel: Option<String>,
    /// A tag of the request.
    pub tag: Option<String>,
    /// A document that the answer cites.
    pub document_id: Option<String>,
    /// Only answers with these ids.
    pub only: Option<HashSet<String>>,
}

/// A logged question.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedQuestion {
    /// Id of the answer.
    pub answer_id: String,
    /// When it was recorded.
    pub at: Timestamp,
    /// The question as the customer sent it.
    pub question: String,
    /// Outcome of the answer.
    pub outcome: Outcome,
    /// Reason of the outcome, if it has one.
    pub reason: Option<String>,
    /// Confidence of the answer, in [0, 1].
    pub confidence: f32,
    /// Channel of the request.
    pub channel: Option<String>,
    /// Tags of the request.
    pub tags: Vec<String>,
}

/// Columns of `answer_facts` that lists read.
type FactsRow = (String, i64, String, String, Option<String>, String, String);

/// What lists filter an answer by.
pub(super) struct AnswerFacts<'a> {
    pub(super) answer_id: &'a str,
    pub(super) outcome: Outcome,
    pub(super) reason: &'a str,
    pub(super) channel: Option<&'a str>,
    pub(super) tags: &'a [String],
    pub(super) cited: Vec<&'a str>,
}

impl AnswerFacts<'_> {
    /// Inserts or replaces the row of an answer.
    pub(super) async fn save<'e>(
        &self,
        executor: impl Executor<'e, Database = Any>,
        workspace: &str,
        created_at: i64,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO answer_facts (workspace, answer_id, created_at, outcome, reason, channel, tags, cited) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (workspace, answer_id) DO UPDATE SET \
             outcome = excluded.outcome, reason = excluded.reason, channel = excluded.channel, \
             tags = excluded.tags, cited = excluded.cited",
        )
        .bind(workspace)
        .bind(self.answer_id)
        .bind(created_at)
        .bind(self.outcome.as_str())
        .bind(self.reason)
        .bind(self.channel)
        .bind(to_json(&self.tags))
        .bind(to_json(&self.cited))
        .execute(executor)
        .await?;
        Ok(())
    }
}

#[derive(Deserialize)]
struct ConfidencePart {
    confidence: f32,
}

impl Store {
    /// Logged questions that a filter allows, from `from` until before `to`, newest first, at most `limit`; and the key
    /// of the last one if there are more. `after` is that key of the previous page.
    pub async fn logged_questions_page(
        &self,
        workspace: &WorkspaceId,
        (from, to): (Timestamp, Timestamp),
        filter: &QuestionFilter,
        after: Option<&TimeKey>,
        limit: usize,
    ) -> Result<(Vec<LoggedQuestion>, Option<TimeKey>), StoreError> {
        let mut found: Vec<FactsRow> = Vec::with_capacity(limit + 1);
        // Below every id of this millisecond, which is not in the period.
        let end = TimeKey {
            at_ms: to.as_millisecond(),
            id: String::new(),
        };
        let after = after.filter(|after| after.at_ms < end.at_ms);
        let mut key = after.cloned().unwrap_or(end);
        let batch = match filter.only {
            Some(_) => BATCH,
            None => BATCH.min(limit as i64 + 1),
        };
        while found.len() <= limit {
            let rows = self.facts(workspace, from, filter, &key, batch).await?;
            let is_last = (rows.len() as i64) < batch;
            if let Some(last) = rows.last() {
                key = key_of(last);
            }
            for row in rows {
                if found.len() <= limit && filter.allows(&row)? {
                    found.push(row);
                }
            }
            if is_last {
                break;
            }
        }
        let has_more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| has_more).map(key_of);
        Ok((self.with_questions(workspace, found).await?, next))
    }

    /// The next narrow rows below a key, newest first, at most `limit`.
    async fn facts(
        &self,
        workspace: &WorkspaceId,
        from: Timestamp,
        filter: &QuestionFilter,
        below: &TimeKey,
        limit: i64,
    ) -> Result<Vec<FactsRow>, StoreError> {
        let mut sql = "SELECT answer_id, created_at, outcome, reason, channel, tags, cited FROM answer_facts \
             WHERE workspace = $1 AND created_at >= $2 AND (created_at, answer_id) < ($3, $4)"
            .to_owned();
        // A list of names is compared as text here; `allows` compares its names.
        let listed = |name: &String| containing(&to_json(name));
        let channel = format!("COALESCE(channel, '{NO_CHANNEL}') = ");
        let conditions = [
            (
                "outcome = ",
                filter.outcome.map(|of| of.as_str().to_owned()),
            ),
            ("reason = ", filter.reason.clone()),
            (&*channel, filter.channel.clone()),
            ("tags LIKE ", filter.tag.as_ref().map(listed)),
            ("cited LIKE ", filter.document_id.as_ref().map(listed)),
        ];
        let mut texts = Vec::new();
        for (condition, value) in conditions {
            if let Some(value) = value {
                texts.push(value);
                sql.push_str(&format!(" AND {condition}${}", texts.len() + 5));
                if condition.ends_with("LIKE ") {
                    sql.push_str(" ESCAPE '\\'");
                }
            }
        }
        sql.push_str(" ORDER BY created_at DESC, answer_id DESC LIMIT $5");
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(from.as_millisecond())
            .bind(below.at_ms)
            .bind(&below.id)
            .bind(limit);
        for text in texts {
            query = query.bind(text);
        }
        Ok(query.fetch_all(&self.relaxed).await?)
    }

    /// The questions and confidences of narrow rows; answers that were deleted meanwhile are left out.
    async fn with_questions(
        &self,
        workspace: &WorkspaceId,
        rows: Vec<FactsRow>,
    ) -> Result<Vec<LoggedQuestion>, StoreError> {
        let mut stored = std::collections::HashMap::with_capacity(rows.len());
        for some in rows.chunks(MAX_IN) {
            let sql = format!(
                "SELECT id, question, body FROM answers WHERE workspace = $1 AND id IN ({})",
                placeholders(2, some.len())
            );
            let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(workspace.as_str());
            for row in some {
                query = query.bind(&row.0);
            }
            let answers: Vec<(String, String, String)> = query.fetch_all(&self.relaxed).await?;
            stored.extend(
                answers
                    .into_iter()
                    .map(|(id, question, body)| (id, (question, body))),
            );
        }
        let mut questions = Vec::with_capacity(rows.len());
        for (answer_id, at, outcome, reason, channel, tags, _) in rows {
            let Some((question, body)) = stored.remove(&answer_id) else {
                continue;
            };
            let ConfidencePart { confidence } = from_json("an answer", &body)?;
            questions.push(LoggedQuestion {
                answer_id,
                at: time_of(at)?,
                question,
                outcome: from_json("an outcome", &to_json(&outcome))?,
                reason: Some(reason).filter(|reason| !reason.is_empty()),
                confidence,
                channel,
                tags: from_json("an answer's tags", &tags)?,
            });
        }
        Ok(questions)
    }

    /// Fills the rows of answers that were recorded before these rows existed. A damaged answer counts as refused here:
    /// reading it fails, opening the store does not.
    pub(super) async fn fill_answer_facts(&self) -> Result<(), StoreError> {
        const ANY: &str = "SELECT 1 FROM answer_facts WHERE outcome = '' LIMIT 1";
        while self.has_row(ANY).await? {
            let mut tx = self.begin_fill().await?;
            let rows: Vec<(String, String, i64, String, String)> = sqlx::query_as(
                "SELECT a.workspace, a.id, a.created_at, a.body, a.trace FROM answer_facts f \
                 JOIN answers a ON a.workspace = f.workspace AND a.id = f.answer_id WHERE f.outcome = '' LIMIT $1",
            )
            .bind(FILLED_AT_ONCE)
            .fetch_all(&mut *tx)
            .await?;
            for (workspace, id, created_at, body, trace) in rows {
                let body: Option<AnswerPart> = serde_json::from_str(&body).ok();
                let request: RecordPart = serde_json::from_str(&trace).unwrap_or_default();
                let cited = body.iter().flat_map(|body| &body.citations);
                let mut cited: Vec<&str> = cited.map(|c| c.document_id.as_str()).collect();
                cited.sort_unstable();
                cited.dedup();
                let facts = AnswerFacts {
                    answer_id: &id,
                    outcome: body.as_ref().map_or(Outcome::Refused, |body| body.outcome),
                    reason: body
                        .as_ref()
                        .and_then(|body| body.reason.as_deref())
                        .unwrap_or_default(),
                    channel: request.request.channel.as_deref(),
                    tags: &request.request.tags,
                    cited,
                };
                facts.save(&mut *tx, &workspace, created_at).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }
}

fn key_of(row: &FactsRow) -> TimeKey {
    TimeKey {
        at_ms: row.1,
        id: row.0.clone(),
    }
}

impl QuestionFilter {
    /// Whether a row passes the filters that are not in the statement.
    fn allows(&self, row: &FactsRow) -> Result<bool, StoreError> {
        let (id, .., tags, cited) = row;
        if self.only.as_ref().is_some_and(|only| !only.contains(id)) {
            return Ok(false);
        }
        for (wanted, list) in [(&self.tag, tags), (&self.document_id, cited)] {
            if let Some(wanted) = wanted {
                let list: Vec<String> = from_json("what an answer is listed by", list)?;
                if !list.contains(wanted) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}
