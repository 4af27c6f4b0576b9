//! Runs of the judged questions. A run and its job have the same id.

use sqlx::{Any, Transaction};

use super::jobs::finish_item;
use super::queue::{NewWork, enqueue_in};
use super::writes::lock;
use super::{Store, StoreError, from_json, now_ms, time_of, to_json};
use ken_base::actor::actor;
use ken_base::domain::{JudgedQuestion, JudgedRow, JudgedRun, RunSettings, RunTotals, WorkspaceId};

/// How many runs a workspace keeps.
pub const KEPT_RUNS: i64 = 50;

/// A run with the state of its job.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRun {
    /// The run.
    pub run: JudgedRun,
    /// State of its job: `queued`, `running`, `done`, `failed` or `cancelled`. `running` until the totals are computed.
    pub state: String,
    /// How many questions have been asked.
    pub n_asked: usize,
}

type RunRow = (
    String,
    String,
    Option<String>,
    i64,
    Option<i64>,
    String,
    i64,
);

const RUN: &str = "SELECT r.id, r.settings, r.totals, r.created_at, r.finished_at, j.state, \
     (SELECT COUNT(*) FROM judged_run_rows q WHERE q.workspace = r.workspace AND q.run = r.id) \
     FROM judged_runs r JOIN jobs j ON j.workspace = r.workspace AND j.id = r.id WHERE r.workspace = $1";

impl Store {
    /// Adds a run of these questions with its job of this kind, and enqueues its work, in one transaction. Drops the
    /// oldest runs beyond [`KEPT_RUNS`], with their jobs. Returns the id of the unfinished run if there is one; then
    /// nothing is written.
    pub async fn add_judged_run(
        &self,
        workspace: &WorkspaceId,
        (id, kind): (&str, &str),
        settings: &RunSettings,
        questions: &[JudgedQuestion],
        work: NewWork<'_>,
    ) -> Result<Option<String>, StoreError> {
        let mut tx = self.begin().await?;
        lock(&mut tx, workspace).await?;
        let unfinished: Option<(String,)> = sqlx::query_as(
            "SELECT r.id FROM judged_runs r JOIN jobs j ON j.workspace = r.workspace AND j.id = r.id \
             WHERE r.workspace = $1 AND (j.state IN ('queued', 'running') OR j.state = 'done' AND r.totals IS NULL)",
        )
        .bind(workspace.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        if let Some((unfinished,)) = unfinished {
            return Ok(Some(unfinished));
        }
        sqlx::query("INSERT INTO jobs (workspace, id, kind, state, created_at, actor) VALUES ($1, $2, $3, 'queued', $4, $5)")
            .bind(workspace.as_str())
            .bind(id)
            .bind(kind)
            .bind(now_ms())
            .bind(&*actor())
            .execute(&mut *tx)
            .await?;
        for (ordinal, question) in (0_i64..).zip(questions) {
            sqlx::query(
                "INSERT INTO job_items (workspace, job, ordinal, name, bytes, state) VALUES ($1, $2, $3, $4, $5, 'waiting')",
            )
            .bind(workspace.as_str())
            .bind(id)
            .bind(ordinal)
            .bind(&question.id)
            .bind(to_json(question).into_bytes())
            .execute(&mut *tx)
            .await?;
        }
        sqlx::query(
            "INSERT INTO judged_runs (workspace, id, settings, created_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(workspace.as_str())
        .bind(id)
        .bind(to_json(settings))
        .bind(now_ms())
        .execute(&mut *tx)
        .await?;
        drop_old(&mut tx, workspace).await?;
        enqueue_in(&mut tx, workspace, &[work]).await?;
        tx.commit().await?;
        Ok(None)
    }

    /// Records the answer to a question of a run, and finishes its item with `detail`. Does nothing if the item is
    /// finished or its job is not running.
    pub async fn record_judged_row(
        &self,
        workspace: &WorkspaceId,
        run: &str,
        ordinal: i64,
        row: &JudgedRow,
        detail: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        // The first statement is a write, as in `lock`.
        let running = sqlx::query(
            "UPDATE jobs SET state = 'running' WHERE workspace = $1 AND id = $2 AND state = 'running'",
        )
        .bind(workspace.as_str())
        .bind(run)
        .execute(&mut *tx)
        .await?;
        if running.rows_affected() == 0
            || !finish_item(&mut *tx, workspace, run, ordinal, "done", detail).await?
        {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO judged_run_rows (workspace, run, ordinal, body) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (workspace, run, ordinal) DO UPDATE SET body = excluded.body",
        )
        .bind(workspace.as_str())
        .bind(run)
        .bind(ordinal)
        .bind(to_json(row))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Records the totals of a run whose job is done; `false` if it has totals already or its job is not done.
    pub async fn finish_judged_run(
        &self,
        workspace: &WorkspaceId,
        run: &str,
        totals: &RunTotals,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE judged_runs SET totals = $1, finished_at = $2 WHERE workspace = $3 AND id = $4 AND totals IS NULL \
             AND EXISTS (SELECT 1 FROM jobs j WHERE j.workspace = judged_runs.workspace AND j.id = judged_runs.id \
             AND j.state = 'done')",
        )
        .bind(to_json(totals))
        .bind(now_ms())
        .bind(workspace.as_str())
        .bind(run)
        .execute(&self.durable)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// A run by its id.
    pub async fn judged_run(
        &self,
        workspace: &WorkspaceId,
        id: &str,
    ) -> Result<Option<StoredRun>, StoreError> {
        let sql = format!("{RUN} AND r.id = $2");
        let row: Option<RunRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(id)
            .fetch_optional(&self.relaxed)
            .await?;
        row.map(stored_run).transpose()
    }

    /// The newest `limit` runs, newest first; with `before` only those with a smaller id.
    pub async fn judged_runs(
        &self,
        workspace: &WorkspaceId,
        before: Option<&str>,
        limit: i64,
    ) -> Result<Vec<StoredRun>, StoreError> {
        let only = match before {
            Some(_) => "AND r.id < $3",
            None => "",
        };
        let sql = format!("{RUN} {only} ORDER BY r.id DESC LIMIT $2");
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(limit);
        if let Some(before) = before {
            query = query.bind(before);
        }
        let rows: Vec<RunRow> = query.fetch_all(&self.relaxed).await?;
        rows.into_iter().map(stored_run).collect()
    }

    /// The id of the newest run with totals before this one.
    pub async fn previous_judged_run(
        &self,
        workspace: &WorkspaceId,
        id: &str,
    ) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> = sqlx::query_as(
            "SELECT id FROM judged_runs WHERE workspace = $1 AND id < $2 AND totals IS NOT NULL ORDER BY id DESC LIMIT 1",
        )
        .bind(workspace.as_str())
        .bind(id)
        .fetch_optional(&self.relaxed)
        .await?;
        Ok(row.map(|(id,)| id))
    }

    /// The answers of a run, in the order of the questions' ids.
    pub async fn judged_rows(
        &self,
        workspace: &WorkspaceId,
        run: &str,
    ) -> Result<Vec<JudgedRow>, StoreError> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT body FROM judged_run_rows WHERE workspace = $1 AND run = $2 ORDER BY ordinal",
        )
        .bind(workspace.as_str())
        .bind(run)
        .fetch_all(&self.relaxed)
        .await?;
        let read = |(body,): (String,)| from_json("a row of a judged run", &body);
        rows.into_iter().map(read).collect()
    }
}

/// Deletes the oldest runs beyond [`KEPT_RUNS`], with their jobs.
async fn drop_old(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
) -> Result<(), StoreError> {
    let oldest: Option<(String,)> = sqlx::query_as(
        "SELECT id FROM judged_runs WHERE workspace = $1 ORDER BY id DESC LIMIT 1 OFFSET $2",
    )
    .bind(workspace.as_str())
    .bind(KEPT_RUNS - 1)
    .fetch_optional(&mut **tx)
    .await?;
    let Some((oldest,)) = oldest else {
        return Ok(());
    };
    for sql in [
        "DELETE FROM job_items WHERE workspace = $1 AND job IN (SELECT id FROM judged_runs WHERE workspace = $1 AND id < $2)",
        "DELETE FROM jobs WHERE workspace = $1 AND id IN (SELECT id FROM judged_runs WHERE workspace = $1 AND id < $2)",
        "DELETE FROM judged_run_rows WHERE workspace = $1 AND run < $2",
        "DELETE FROM judged_runs WHERE workspace = $1 AND id < $2",
    ] {
        sqlx::query(sql)
            .bind(workspace.as_str())
            .bind(&oldest)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

fn stored_run(row: RunRow) -> Result<StoredRun, StoreError> {
    let (id, settings, totals, created_at, finished_at, state, n_asked) = row;
    let totals = totals.map(|totals| from_json("the totals of a judged run", &totals));
    let totals: Option<RunTotals> = totals.transpose()?;
    // The job is done a moment before the totals are.
    let is_unfinished = state == "done" && totals.is_none();
    Ok(StoredRun {
        run: JudgedRun {
            id,
            created_at: time_of(created_at)?,
            settings: from_json("the settings of a judged run", &settings)?,
            totals,
            finished_at: finished_at.map(time_of).transpose()?,
        },
        state: if is_unfinished {
            "running".to_owned()
        } else {
            state
        },
        n_asked: n_asked as usize,
    })
}
