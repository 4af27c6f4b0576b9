//! Jobs: long work with its items, shown to the caller while it runs.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::{Any, Executor};

use super::audit::AuditEvent;
use super::questions::TimeKey;
use super::queue::{NewWork, enqueue_in};
use super::writes::lock;
use super::{MAX_IN, Store, StoreError, now_ms, placeholders, time_of};
use ken_base::actor::actor;
use ken_base::domain::WorkspaceId;

/// A job and its state.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Name of the workspace.
    pub workspace: String,
    /// Id of the job.
    pub id: String,
    /// Kind of work.
    pub kind: String,
    /// `filling`, `queued`, `running`, `done`, `failed` or `cancelled`.
    pub state: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it ended; `None` before.
    pub finished_at: Option<Timestamp>,
    /// The actor that created it.
    pub actor: String,
}

/// The key of a stored job. The name of its workspace has not been parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingJob {
    /// Name of the workspace, perhaps invalid.
    pub workspace: String,
    /// Id of the job.
    pub id: String,
}

/// One item of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobItem {
    /// Position in the job, from 0.
    pub ordinal: i64,
    /// Name of the item, such as a file name.
    pub name: String,
    /// `waiting`, `done` or `failed`.
    pub state: String,
    /// Result of the item, or why it failed.
    pub detail: String,
    /// Whether its file is stored, so that it can be run again.
    pub has_file: bool,
}

/// Number of a job's items by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// All items.
    pub n_items: usize,
    /// Items that are done.
    pub n_done: usize,
    /// Items that failed.
    pub n_failed: usize,
}

/// Which jobs to list; `None` does not restrict.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JobFilter {
    /// State of the job.
    pub state: Option<String>,
    /// Kind of work.
    pub kind: Option<String>,
}

/// Whether the failed items of a job run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retried {
    /// They do: their number.
    Items(u64),
    /// No failed item has a stored file.
    NothingStored,
    /// The job has not ended, or it was cancelled.
    NotEnded,
}

type JobRow = (String, String, String, String, i64, Option<i64>, String);

const JOB: &str = "SELECT workspace, id, kind, state, created_at, finished_at, actor FROM jobs";

impl Store {
    /// Creates a job without items, in the state `filling`.
    pub async fn add_job(
        &self,
        workspace: &WorkspaceId,
        id: &str,
        kind: &str,
    ) -> Result<(), StoreError> {
        self.ensure_workspace(workspace).await?;
        sqlx::query("INSERT INTO jobs (workspace, id, kind, state, created_at, actor) VALUES ($1, $2, $3, 'filling', $4, $5)")
            .bind(workspace.as_str())
            .bind(id)
            .bind(kind)
            .bind(now_ms())
            .bind(&*actor())
            .execute(&self.durable)
            .await?;
        Ok(())
    }

    /// Adds a file to a job that is being filled; durable when it returns.
    pub async fn add_job_item(
        &self,
        workspace: &WorkspaceId,
        job: &str,
        ordinal: i64,
        name: &str,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO job_items (workspace, job, ordinal, name, bytes, state) \
             SELECT j.workspace, j.id, $3, $4, $5, 'waiting' FROM jobs j WHERE j.workspace = $1 AND j.id = $2",
        )
        .bind(workspace.as_str())
        .bind(job)
        .bind(ordinal)
        .bind(name)
        .bind(bytes)
        .execute(&self.durable)
        .await?;
        Ok(())
    }

    /// Changes the state of a job; `false` if its state is not in `from`. Deletes the files of a job that ends, except
    /// those of failed items of a job that was not cancelled: they can be run again ([`Store::retry_job`]).
    pub async fn move_job(
        &self,
        workspace: &WorkspaceId,
        id: &str,
        from: &[&str],
        to: &str,
    ) -> Result<bool, StoreError> {
        let finished = matches!(to, "done" | "failed" | "cancelled").then(now_ms);
        let mut moved = 0;
        for state in from {
            let done = sqlx::query(
                "UPDATE jobs SET state = $1, finished_at = $2 WHERE workspace = $3 AND id = $4 AND state = $5",
            )
            .bind(to)
            .bind(finished)
            .bind(workspace.as_str())
            .bind(id)
            .bind(*state)
            .execute(&self.durable)
            .await?;
            moved += done.rows_affected();
        }
        if moved > 0 && finished.is_some() {
            // The files of waiting items are no longer needed.
            sqlx::query(
                "UPDATE job_items SET bytes = NULL WHERE workspace = $1 AND job = $2 \
                 AND (state <> 'failed' OR $3 = 'cancelled')",
            )
            .bind(workspace.as_str())
            .bind(id)
            .bind(to)
            .execute(&self.durable)
            .await?;
        }
        Ok(moved > 0)
    }

    /// Queues a filled job and enqueues its work, in one transaction; `false` if its state is not `filling`.
    pub async fn enqueue_job(
        &self,
        workspace: &WorkspaceId,
        id: &str,
        work: NewWork<'_>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let moved = sqlx::query(
            "UPDATE jobs SET state = 'queued' WHERE workspace = $1 AND id = $2 AND state = 'filling'",
        )
        .bind(workspace.as_str())
        .bind(id)
        .execute(&mut *tx)
        .await?;
        if moved.rows_affected() == 0 {
            return Ok(false);
        }
        enqueue_in(&mut tx, workspace, &[work]).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Fails a job, with the reason on each waiting item. The files of the items are kept for [`Store::reopen_job`].
    pub async fn fail_job(&self, job: &WaitingJob, reason: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "UPDATE job_items SET state = 'failed', detail = $1 WHERE workspace = $2 AND job = $3 AND state = 'waiting' \
             AND EXISTS (SELECT 1 FROM jobs j WHERE j.workspace = job_items.workspace AND j.id = job_items.job \
             AND j.state IN ('queued', 'running'))",
        )
        .bind(reason)
        .bind(&job.workspace)
        .bind(&job.id)
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "UPDATE jobs SET state = 'failed', finished_at = $1 WHERE workspace = $2 AND id = $3 \
             AND state IN ('queued', 'running')",
        )
        .bind(now_ms())
        .bind(&job.workspace)
        .bind(&job.id)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Resumes a failed job with the items whose files are kept; `false` if it has not failed.
    pub async fn reopen_job(&self, workspace: &WorkspaceId, id: &str) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let moved = sqlx::query(
            "UPDATE jobs SET state = 'running', finished_at = NULL WHERE workspace = $1 AND id = $2 AND state = 'failed'",
        )
        .bind(workspace.as_str())
        .bind(id)
        .execute(&mut *tx)
        .await?;
        if moved.rows_affected() > 0 {
            sqlx::query(
                "UPDATE job_items SET state = 'waiting', detail = '' \
                 WHERE workspace = $1 AND job = $2 AND state = 'failed' AND bytes IS NOT NULL",
            )
            .bind(workspace.as_str())
            .bind(id)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(moved.rows_affected() > 0)
    }

    /// A job by its id.
    pub async fn job(&self, workspace: &WorkspaceId, id: &str) -> Result<Option<Job>, StoreError> {
        let sql = format!("{JOB} WHERE workspace = $1 AND id = $2");
        let row: Option<JobRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(id)
            .fetch_optional(&self.relaxed)
            .await?;
        row.map(job).transpose()
    }

    /// Jobs that a filter allows, newest first, at most `limit`. `after` is the last job of the previous page.
    pub async fn jobs(
        &self,
        workspace: &WorkspaceId,
        filter: &JobFilter,
        after: Option<&TimeKey>,
        limit: i64,
    ) -> Result<Vec<Job>, StoreError> {
        let mut sql = format!("{JOB} WHERE workspace = $1");
        let mut texts = Vec::new();
        for (column, value) in [("state", &filter.state), ("kind", &filter.kind)] {
            if let Some(value) = value {
                texts.push(value);
                sql.push_str(&format!(" AND {column} = ${}", texts.len() + 4));
            }
        }
        sql.push_str(" AND (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT $4");
        let end = TimeKey {
            at_ms: i64::MAX,
            id: String::new(),
        };
        let after = after.unwrap_or(&end);
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(after.at_ms)
            .bind(&after.id)
            .bind(limit);
        for text in texts {
            query = query.bind(text);
        }
        let rows: Vec<JobRow> = query.fetch_all(&self.relaxed).await?;
        rows.into_iter().map(job).collect()
    }

    /// The numbers of items of jobs, by the job's id. A job without items is left out.
    pub async fn job_counts(
        &self,
        workspace: &WorkspaceId,
        ids: &[&str],
    ) -> Result<HashMap<String, JobCounts>, StoreError> {
        let mut counts: HashMap<String, JobCounts> = HashMap::with_capacity(ids.len());
        for some in ids.chunks(MAX_IN) {
            let sql = format!(
                "SELECT job, state, COUNT(*) FROM job_items WHERE workspace = $1 AND job IN ({}) GROUP BY job, state",
                placeholders(2, some.len())
            );
            let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(workspace.as_str());
            for id in some {
                query = query.bind(*id);
            }
            let rows: Vec<(String, String, i64)> = query.fetch_all(&self.relaxed).await?;
            for (job, state, n) in rows {
                let (counts, n) = (counts.entry(job).or_default(), n as usize);
                counts.n_items += n;
                match state.as_str() {
                    "done" => counts.n_done += n,
                    "failed" => counts.n_failed += n,
                    _ => {}
                }
            }
        }
        Ok(counts)
    }

    /// A job's items above the position `after`, in order, at most `limit`; only those in `state`, if given.
    pub async fn job_items(
        &self,
        workspace: &WorkspaceId,
        id: &str,
        state: Option<&str>,
        after: i64,
        limit: i64,
    ) -> Result<Vec<JobItem>, StoreError> {
        let of_state = match state {
            Some(_) => "AND state = $5",
            None => "",
        };
        let sql = format!(
            "SELECT ordinal, name, state, detail, CASE WHEN bytes IS NULL THEN 0 ELSE 1 END FROM job_items \
             WHERE workspace = $1 AND job = $2 AND ordinal > $3 {of_state} ORDER BY ordinal LIMIT $4"
        );
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(id)
            .bind(after)
            .bind(limit);
        if let Some(state) = state {
            query = query.bind(state);
        }
        let rows: Vec<(i64, String, String, String, i64)> = query.fetch_all(&self.relaxed).await?;
        let item = |(ordinal, name, state, detail, has_file): (_, _, _, _, i64)| JobItem {
            ordinal,
            name,
            state,
            detail,
            has_file: has_file != 0,
        };
        Ok(rows.into_iter().map(item).collect())
    }

    /// Runs the failed items of an ended job again whose files are stored, in one transaction with their work.
    pub async fn retry_job(
        &self,
        workspace: &WorkspaceId,
        id: &str,
        work: NewWork<'_>,
    ) -> Result<Retried, StoreError> {
        let mut tx = self.begin().await?;
        let moved = sqlx::query(
            "UPDATE jobs SET state = 'queued', finished_at = NULL WHERE workspace = $1 AND id = $2 \
             AND state IN ('done', 'failed')",
        )
        .bind(workspace.as_str())
        .bind(id)
        .execute(&mut *tx)
        .await?;
        if moved.rows_affected() == 0 {
            return Ok(Retried::NotEnded);
        }
        let items = sqlx::query(
            "UPDATE job_items SET state = 'waiting', detail = '' \
             WHERE workspace = $1 AND job = $2 AND state = 'failed' AND bytes IS NOT NULL",
        )
        .bind(workspace.as_str())
        .bind(id)
        .execute(&mut *tx)
        .await?;
        if items.rows_affected() == 0 {
            return Ok(Retried::NothingStored);
        }
        // The former work, perhaps a dead letter. If its last run is still ending, nothing of that run is left to write.
        sqlx::query("DELETE FROM queue WHERE workspace = $1 AND kind = $2 AND dedup_key = $3")
            .bind(workspace.as_str())
            .bind(work.kind)
            .bind(work.key)
            .execute(&mut *tx)
            .await?;
        enqueue_in(&mut tx, workspace, &[work]).await?;
        let event = AuditEvent::new("job.retry", id);
        self.note(&mut tx, workspace, vec![event]).await?;
        tx.commit().await?;
        Ok(Retried::Items(items.rows_affected()))
    }

    /// Deletes the files of failed items of jobs that ended before `then` and have no dead letter. Returns the number of
    /// items.
    pub async fn forget_failed_files(&self, then: Timestamp) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "UPDATE job_items SET bytes = NULL WHERE state = 'failed' AND bytes IS NOT NULL AND EXISTS \
             (SELECT 1 FROM jobs j WHERE j.workspace = job_items.workspace AND j.id = job_items.job \
             AND j.finished_at < $1 AND NOT EXISTS (SELECT 1 FROM queue q WHERE q.workspace = j.workspace \
             AND q.kind = j.kind AND q.dedup_key = j.id AND q.state = 'dead'))",
        )
        .bind(then.as_millisecond())
        .execute(&self.durable)
        .await?;
        Ok(done.rows_affected())
    }

    /// The next waiting item, with its file.
    pub async fn next_job_item(
        &self,
        workspace: &WorkspaceId,
        id: &str,
    ) -> Result<Option<(JobItem, Vec<u8>)>, StoreError> {
        let row: Option<(i64, String, String, String, Vec<u8>)> = sqlx::query_as(
            "SELECT ordinal, name, state, detail, bytes FROM job_items \
             WHERE workspace = $1 AND job = $2 AND state = 'waiting' ORDER BY ordinal LIMIT 1",
        )
        .bind(workspace.as_str())
        .bind(id)
        .fetch_optional(&self.relaxed)
        .await?;
        Ok(row.map(|(ordinal, name, state, detail, bytes)| {
            let item = JobItem {
                ordinal,
                name,
                state,
                detail,
                has_file: true,
            };
            (item, bytes)
        }))
    }

    /// Records the result of a waiting item. Deletes its file, unless it failed.
    pub async fn finish_job_item(
        &self,
        workspace: &WorkspaceId,
        id: &str,
        ordinal: i64,
        state: &str,
        detail: &str,
    ) -> Result<(), StoreError> {
        finish_item(&self.durable, workspace, id, ordinal, state, detail).await?;
        Ok(())
    }

    /// Creates a queued job with one item and enqueues its work, in one transaction.
    pub async fn add_whole_job(
        &self,
        workspace: &WorkspaceId,
        (id, kind): (&str, &str),
        (name, bytes): (&str, &[u8]),
        work: NewWork<'_>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        lock(&mut tx, workspace).await?;
        sqlx::query("INSERT INTO jobs (workspace, id, kind, state, created_at, actor) VALUES ($1, $2, $3, 'queued', $4, $5)")
            .bind(workspace.as_str())
            .bind(id)
            .bind(kind)
            .bind(now_ms())
            .bind(&*actor())
            .execute(&mut *tx)
            .await?;
        sqlx::query("INSERT INTO job_items (workspace, job, ordinal, name, bytes, state) VALUES ($1, $2, 0, $3, $4, 'waiting')")
            .bind(workspace.as_str())
            .bind(id)
            .bind(name)
            .bind(bytes)
            .execute(&mut *tx)
            .await?;
        enqueue_in(&mut tx, workspace, &[work]).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Cancels jobs created until `then` that were never filled, as after a crash, and deletes their files.
    pub async fn drop_unfilled_jobs(&self, then: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "UPDATE job_items SET bytes = NULL WHERE EXISTS (SELECT 1 FROM jobs j WHERE j.workspace = job_items.workspace \
             AND j.id = job_items.job AND j.state = 'filling' AND j.created_at <= $1)",
        )
        .bind(then.as_millisecond())
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "UPDATE jobs SET state = 'cancelled', finished_at = $1 WHERE state = 'filling' AND created_at <= $2",
        )
        .bind(now_ms())
        .bind(then.as_millisecond())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Records the result of a waiting item; `false` if it no longer waits. Deletes its file, unless it failed.
pub(super) async fn finish_item<'e>(
    executor: impl Executor<'e, Database = Any>,
    workspace: &WorkspaceId,
    job: &str,
    ordinal: i64,
    state: &str,
    detail: &str,
) -> Result<bool, StoreError> {
    let finished = sqlx::query(
        "UPDATE job_items SET state = $1, detail = $2, bytes = CASE WHEN $6 = 1 THEN bytes ELSE NULL END \
         WHERE workspace = $3 AND job = $4 AND ordinal = $5 AND state = 'waiting'",
    )
    .bind(state)
    .bind(detail)
    .bind(workspace.as_str())
    .bind(job)
    .bind(ordinal)
    .bind(i64::from(state == "failed"))
    .execute(executor)
    .await?;
    Ok(finished.rows_affected() > 0)
}

fn job(row: JobRow) -> Result<Job, StoreError> {
    let (workspace, id, kind, state, created_at, finished_at, actor) = row;
    Ok(Job {
        actor,
        workspace,
        id,
        kind,
        state,
        created_at: time_of(created_at)?,
        finished_at: finished_at.map(time_of).transpose()?,
    })
}
