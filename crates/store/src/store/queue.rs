//! Rows of the durable queue; [`crate::queue`] runs them.

use jiff::Timestamp;
use sqlx::{Any, Transaction};
use uuid::Uuid;

use super::questions::TimeKey;
use super::{Store, StoreError, now_ms, placeholders, time_of};
use ken_base::actor::actor;
use ken_base::domain::WorkspaceId;

/// Work to enqueue.
#[derive(Debug, Clone, PartialEq)]
pub struct NewWork<'a> {
    /// Kind of work, which selects its handler.
    pub kind: &'a str,
    /// Deduplication key. Work of the same kind and key is enqueued once per workspace while its row exists: until a
    /// day after it is done, or until its dead letter is discarded.
    pub key: &'a str,
    /// Parameters as JSON, at most [`MAX_PAYLOAD`] bytes.
    pub payload: String,
}

/// Work that has been begun.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    /// Id of the row.
    pub id: String,
    /// Name of the workspace as stored, perhaps invalid.
    pub workspace: String,
    /// Parameters as JSON.
    pub payload: String,
    /// Number of attempts since the last progress, this one included; from 1.
    pub attempt: u32,
    /// Number of runs in all, this one included; identifies the run.
    pub run: i64,
    /// Error of the previous attempt; empty if it did not fail.
    pub last_error: String,
    /// The actor that enqueued it.
    pub actor: String,
}

/// What becomes of work after a run.
#[derive(Debug, Clone, PartialEq)]
pub enum WorkOutcome {
    /// Done. Its key stays known until the row is pruned.
    Done,
    /// Failed; runs again later.
    Retry {
        /// When it runs again.
        at: Timestamp,
        /// Error of this run.
        error: String,
    },
    /// Failed for good; the row becomes a dead letter.
    Dead {
        /// Error of this run.
        error: String,
    },
    /// There is more to do: runs again at once, and attempts count from the start.
    More,
}

/// Work that failed for good.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Id of the row.
    pub id: String,
    /// Kind of work.
    pub kind: String,
    /// Parameters as JSON.
    pub payload: String,
    /// Number of attempts.
    pub attempts: u32,
    /// Error of the last attempt.
    pub error: String,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// When it failed for good.
    pub died_at: Timestamp,
}

/// Maximum size of a payload in bytes. Larger data belong in a table of their own, which the payload refers to.
pub const MAX_PAYLOAD: usize = 64 * 1024;

type BegunRow = (String, String, i64, i64, i64, String, String);
type DeadRow = (String, String, String, i64, String, i64, i64);

impl Store {
    /// Enqueues work; durable when it returns. Returns the number of new rows; work with a known key adds none.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] if a payload exceeds [`MAX_PAYLOAD`]; then nothing is enqueued.
    pub async fn enqueue(
        &self,
        workspace: &WorkspaceId,
        work: &[NewWork<'_>],
    ) -> Result<u64, StoreError> {
        self.ensure_workspace(workspace).await?;
        let mut tx = self.begin().await?;
        let n_new = enqueue_in(&mut tx, workspace, work).await?;
        tx.commit().await?;
        Ok(n_new)
    }

    /// Begins up to `limit` pieces of due work of a kind. Workspaces take turns, one piece each, starting after `after`
    /// in the order of their names; within a workspace the oldest work comes first. With `serial`, each workspace has
    /// at most one piece, its oldest; while that is not due, the workspace waits. Workspaces in `without` are skipped.
    pub async fn begin_work(
        &self,
        kind: &str,
        limit: usize,
        serial: bool,
        after: &str,
        without: &[String],
    ) -> Result<Vec<Work>, StoreError> {
        let now = now_ms();
        let mut due = self.workspaces_with_due_work(kind, now).await?;
        due.retain(|workspace| !without.contains(workspace));
        // The order of names in the database may differ.
        due.sort_unstable();
        let next = due.partition_point(|workspace| workspace.as_str() <= after);
        due.rotate_left(next);
        let each = if serial {
            1
        } else {
            limit.div_ceil(due.len().max(1))
        };
        let choice = match serial {
            true => "ORDER BY created_at, id LIMIT $3",
            false => "AND due_at <= $4 ORDER BY due_at, id LIMIT $3",
        };
        let mut of_each = Vec::with_capacity(limit);
        for workspace in due {
            let sql = format!(
                "SELECT id, payload, attempts, runs, due_at, last_error, actor FROM queue \
                 WHERE kind = $1 AND state = 'ready' AND workspace = $2 {choice}"
            );
            let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql))
                .bind(kind)
                .bind(&workspace)
                .bind(each as i64);
            if !serial {
                query = query.bind(now);
            }
            let rows: Vec<BegunRow> = query.fetch_all(&self.relaxed).await?;
            let of = rows.into_iter().filter(|row| row.4 <= now);
            let of: Vec<Work> = of.map(|row| work_of_row(&workspace, row)).collect();
            if !of.is_empty() {
                of_each.push(of.into_iter());
            }
            if of_each.len() == limit {
                break;
            }
        }
        let mut chosen = Vec::with_capacity(limit);
        while chosen.len() < limit {
            let before = chosen.len();
            let round = of_each.iter_mut().filter_map(Iterator::next);
            chosen.extend(round.take(limit - before));
            if chosen.len() == before {
                break;
            }
        }
        if chosen.is_empty() {
            return Ok(chosen);
        }
        // One statement, which writes: on SQLite, a transaction that reads first fails if another one has written
        // since.
        let ids = placeholders(1, chosen.len());
        let sql = format!(
            "UPDATE queue SET state = 'running', attempts = attempts + 1, runs = runs + 1 \
             WHERE state = 'ready' AND id IN ({ids}) RETURNING id"
        );
        let mut update = sqlx::query_as(sqlx::AssertSqlSafe(sql));
        for work in &chosen {
            update = update.bind(&work.id);
        }
        let claimed: Vec<(String,)> = update.fetch_all(&self.durable).await?;
        chosen.retain(|work| claimed.iter().any(|(id,)| *id == work.id));
        Ok(chosen)
    }

    /// Workspaces with due work of a kind; one index lookup for each.
    async fn workspaces_with_due_work(
        &self,
        kind: &str,
        now: i64,
    ) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "WITH RECURSIVE due (workspace) AS ( \
               SELECT MIN(workspace) FROM queue WHERE kind = $1 AND state = 'ready' AND due_at <= $2 \
               UNION ALL \
               SELECT (SELECT MIN(q.workspace) FROM queue q \
                       WHERE q.kind = $3 AND q.state = 'ready' AND q.due_at <= $4 AND q.workspace > due.workspace) \
               FROM due WHERE due.workspace IS NOT NULL \
             ) SELECT workspace FROM due WHERE workspace IS NOT NULL",
        )
        .bind(kind)
        .bind(now)
        .bind(kind)
        .bind(now)
        .fetch_all(&self.relaxed)
        .await?;
        Ok(rows.into_iter().map(|(workspace,)| workspace).collect())
    }

    /// Writes the results of runs (id, run, result) in one transaction. Skips work that was deleted or begun again
    /// since.
    pub async fn finish_work(
        &self,
        outcomes: &[(String, i64, WorkOutcome)],
    ) -> Result<(), StoreError> {
        if outcomes.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        for (id, run, outcome) in outcomes {
            let (state, due_at, error, finished_at, counts) = match outcome {
                WorkOutcome::Done => ("done", None, "", Some(now_ms()), 1),
                WorkOutcome::More => ("ready", None, "", None, 0),
                WorkOutcome::Retry { at, error } => {
                    ("ready", Some(at.as_millisecond()), error.as_str(), None, 1)
                }
                WorkOutcome::Dead { error } => ("dead", None, error.as_str(), Some(now_ms()), 1),
            };
            sqlx::query(
                "UPDATE queue SET state = $1, due_at = COALESCE($2, due_at), last_error = $3, finished_at = $4, \
                 attempts = attempts * $5 WHERE id = $6 AND runs = $7 AND state = 'running'",
            )
            .bind(state)
            .bind(due_at)
            .bind(error)
            .bind(finished_at)
            .bind(counts)
            .bind(id)
            .bind(*run)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Whether a run is current: the work was neither deleted nor begun again since.
    pub async fn is_running(&self, id: &str, run: i64) -> Result<bool, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as(
            "SELECT runs FROM queue WHERE id = $1 AND runs = $2 AND state = 'running'",
        )
        .bind(id)
        .bind(run)
        .fetch_optional(&self.relaxed)
        .await?;
        Ok(row.is_some())
    }

    /// Makes running work ready again, except that with the ids `except`: the process that began it is gone. Its
    /// attempts count, so work that crashes its process does not run forever. Returns the number of rows.
    pub async fn recover_work(&self, except: &[String]) -> Result<u64, StoreError> {
        let mut sql = "UPDATE queue SET state = 'ready' WHERE state = 'running'".to_owned();
        if !except.is_empty() {
            let ids = placeholders(1, except.len());
            sql.push_str(&format!(" AND id NOT IN ({ids})"));
        }
        let mut update = sqlx::query(sqlx::AssertSqlSafe(sql));
        for id in except {
            update = update.bind(id);
        }
        Ok(update.execute(&self.durable).await?.rows_affected())
    }

    /// When the next waiting work of these kinds is due; `None` if none waits.
    pub async fn next_work_at(&self, kinds: &[&str]) -> Result<Option<Timestamp>, StoreError> {
        let names = placeholders(1, kinds.len());
        let sql =
            format!("SELECT MIN(due_at) FROM queue WHERE state = 'ready' AND kind IN ({names})");
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
        for kind in kinds {
            query = query.bind(*kind);
        }
        let (due_at,): (Option<i64>,) = query.fetch_one(&self.relaxed).await?;
        due_at.map(time_of).transpose()
    }

    /// Number of pieces of work that wait or run, of dead letters, and of waiting cases, in all workspaces.
    pub async fn n_waiting(&self) -> Result<(i64, i64, i64), StoreError> {
        Ok(sqlx::query_as(
            "SELECT (SELECT COUNT(*) FROM queue WHERE state IN ('ready', 'running')), \
             (SELECT COUNT(*) FROM queue WHERE state = 'dead'), \
             (SELECT COUNT(*) FROM cases WHERE state = 'waiting')",
        )
        .fetch_one(&self.relaxed)
        .await?)
    }

    /// Dead letters of a workspace, newest first, at most `limit`. `after` is the last one of the previous page.
    pub async fn dead_letters(
        &self,
        workspace: &WorkspaceId,
        after: Option<&TimeKey>,
        limit: i64,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let (at_ms, id) = after.map_or((i64::MAX, ""), |key| (key.at_ms, &*key.id));
        let rows: Vec<DeadRow> = sqlx::query_as(
            "SELECT id, kind, payload, attempts, last_error, created_at, finished_at FROM queue \
             WHERE workspace = $1 AND state = 'dead' AND (finished_at, id) < ($2, $3) \
             ORDER BY finished_at DESC, id DESC LIMIT $4",
        )
        .bind(workspace.as_str())
        .bind(at_ms)
        .bind(id)
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        let letter = |(id, kind, payload, attempts, error, created_at, died_at): DeadRow| {
            Ok(DeadLetter {
                id,
                kind,
                payload,
                attempts: attempts as u32,
                error,
                created_at: time_of(created_at)?,
                died_at: time_of(died_at)?,
            })
        };
        rows.into_iter().map(letter).collect()
    }

    /// Makes a dead letter ready again, with its attempts counted from the start; `false` if there is none with this
    /// id.
    pub async fn revive_work(&self, workspace: &WorkspaceId, id: &str) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE queue SET state = 'ready', attempts = 0, due_at = $1, finished_at = NULL \
             WHERE workspace = $2 AND id = $3 AND state = 'dead'",
        )
        .bind(now_ms())
        .bind(workspace.as_str())
        .bind(id)
        .execute(&self.durable)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Deletes a dead letter and the files of its job; `false` if there is none with this id.
    pub async fn discard_work(
        &self,
        workspace: &WorkspaceId,
        id: &str,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let deleted: Option<(String,)> = sqlx::query_as(
            "DELETE FROM queue WHERE workspace = $1 AND id = $2 AND state = 'dead' RETURNING dedup_key",
        )
        .bind(workspace.as_str())
        .bind(id)
        .fetch_optional(&mut *tx)
        .await?;
        if let Some((key,)) = &deleted {
            // Only work of a job has the id of a job as its key.
            sqlx::query("UPDATE job_items SET bytes = NULL WHERE workspace = $1 AND job = $2")
                .bind(workspace.as_str())
                .bind(key)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(deleted.is_some())
    }

    /// Deletes work done before `then`, so that its key can be used again. Returns the number of rows.
    pub async fn prune_work(&self, then: Timestamp) -> Result<u64, StoreError> {
        let done = sqlx::query("DELETE FROM queue WHERE state = 'done' AND finished_at < $1")
            .bind(then.as_millisecond())
            .execute(&self.durable)
            .await?;
        Ok(done.rows_affected())
    }
}

fn work_of_row(workspace: &str, row: BegunRow) -> Work {
    let (id, payload, attempts, runs, _, last_error, actor) = row;
    Work {
        id,
        workspace: workspace.to_owned(),
        payload,
        attempt: attempts as u32 + 1,
        run: runs + 1,
        last_error,
        actor,
    }
}

/// Enqueues work in the transaction that writes its data. Returns the number of new rows.
pub(super) async fn enqueue_in(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    work: &[NewWork<'_>],
) -> Result<u64, StoreError> {
    if let Some(large) = work.iter().find(|work| work.payload.len() > MAX_PAYLOAD) {
        return Err(StoreError::TooLarge {
            what: format!("the payload of {} {}", large.kind, large.key),
            size: large.payload.len(),
            limit: MAX_PAYLOAD,
        });
    }
    let (now, actor) = (now_ms(), actor());
    let mut n_new = 0;
    for work in work {
        let done = sqlx::query(
            "INSERT INTO queue \
             (id, workspace, kind, dedup_key, payload, state, attempts, runs, due_at, last_error, actor, created_at) \
             VALUES ($1, $2, $3, $4, $5, 'ready', 0, 0, $6, '', $7, $8) ON CONFLICT (workspace, kind, dedup_key) DO NOTHING",
        )
        .bind(format!("work_{}", Uuid::now_v7().simple()))
        .bind(workspace.as_str())
        .bind(work.kind)
        .bind(work.key)
        .bind(&work.payload)
        .bind(now)
        .bind(&*actor)
        .bind(now)
        .execute(&mut **tx)
        .await?;
        n_new += done.rows_affected();
    }
    Ok(n_new)
}
