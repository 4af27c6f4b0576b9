//! The rows of the durable queue. Who works them off is [`crate::queue`].

use jiff::Timestamp;
use sqlx::{Any, Transaction};
use uuid::Uuid;

use super::{Store, StoreError, now_ms, placeholders, time_of};
use ken_base::actor::actor;
use ken_base::domain::WorkspaceId;

/// Work to be done once, some time from now on.
#[derive(Debug, Clone, PartialEq)]
pub struct NewWork<'a> {
    pub kind: &'a str,
    /// Work of the same kind and key is enqueued once for a workspace, for as long as its row is kept: a day after it is
    /// done; a dead letter until it is discarded.
    pub key: &'a str,
    /// JSON.
    pub payload: String,
}

/// Work that has been begun.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    pub id: String,
    /// As it is stored: not even its name has been parsed.
    pub workspace: String,
    pub payload: String,
    /// This one included, from 1 where it has made progress or was never begun.
    pub attempt: u32,
    /// How often it was begun in all, this time included.
    pub run: i64,
    /// Why the attempt before failed; empty where none did.
    pub last_error: String,
    /// Who asked for it.
    pub actor: String,
}

/// What becomes of work that was begun.
#[derive(Debug, Clone, PartialEq)]
pub enum Settled {
    /// Done; its key is known until the row is pruned.
    Done,
    /// Failed, to be begun again at a time.
    Retry { at: Timestamp, error: String },
    /// Failed for good: it stays in the list of dead letters.
    Dead { error: String },
    /// There is more to do: to be begun again at once, its attempts counted from the start.
    More,
}

/// Work that failed for good.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    pub id: String,
    pub kind: String,
    pub payload: String,
    pub attempts: u32,
    pub error: String,
    pub created_at: Timestamp,
    pub died_at: Timestamp,
}

/// The largest payload, in bytes. What is larger belongs into a table of its own, named by the payload.
pub const MAX_PAYLOAD: usize = 64 * 1024;

type BegunRow = (String, String, i64, i64, i64, String, String);
type DeadRow = (String, String, String, i64, String, i64, i64);

impl Store {
    /// Enqueues work; durable when it returns. How many rows are new: the others were known by their keys.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] where a payload exceeds [`MAX_PAYLOAD`]; then nothing is enqueued.
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

    /// Begins up to `limit` pieces of work of a kind that are due, oldest first within a workspace, and takes turns among the
    /// workspaces that have some: one piece each, beginning behind `after` in the order of their names, then another each. In
    /// order: at most one of a workspace, its oldest; where that is not due yet, the workspace waits. None of the workspaces in
    /// `without`.
    pub async fn begin_work(
        &self,
        kind: &str,
        limit: usize,
        in_order: bool,
        after: &str,
        without: &[String],
    ) -> Result<Vec<Work>, StoreError> {
        let now = now_ms();
        let mut due = self.workspaces_with_due_work(kind, now).await?;
        due.retain(|workspace| !without.contains(workspace));
        // Not as the database sorts names.
        due.sort_unstable();
        let next = due.partition_point(|workspace| workspace.as_str() <= after);
        due.rotate_left(next);
        let each = if in_order {
            1
        } else {
            limit.div_ceil(due.len().max(1))
        };
        let choice = match in_order {
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
            if !in_order {
                query = query.bind(now);
            }
            let rows: Vec<BegunRow> = query.fetch_all(&self.relaxed).await?;
            let of = rows.into_iter().filter(|row| row.4 <= now);
            let of: Vec<Work> = of.map(|row| begun(&workspace, row)).collect();
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
        // One statement, which writes: one that reads first may find, on SQLite, that somebody has written since.
        let ids = placeholders(1, chosen.len());
        let sql = format!(
            "UPDATE queue SET state = 'running', attempts = attempts + 1, runs = runs + 1 \
             WHERE state = 'ready' AND id IN ({ids}) RETURNING id"
        );
        let mut update = sqlx::query_as(sqlx::AssertSqlSafe(sql));
        for work in &chosen {
            update = update.bind(&work.id);
        }
        let begun: Vec<(String,)> = update.fetch_all(&self.durable).await?;
        chosen.retain(|work| begun.iter().any(|(id,)| *id == work.id));
        Ok(chosen)
    }

    /// The workspaces that have due work of a kind. A step down the index for each of them.
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

    /// Settles work that was begun (id, run, what becomes of it), in one transaction. What was deleted or begun again since is
    /// passed over.
    pub async fn settle_work(&self, settled: &[(String, i64, Settled)]) -> Result<(), StoreError> {
        if settled.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        for (id, run, settled) in settled {
            let (state, due_at, error, finished_at, counts) = match settled {
                Settled::Done => ("done", None, "", Some(now_ms()), 1),
                Settled::More => ("ready", None, "", None, 0),
                Settled::Retry { at, error } => {
                    ("ready", Some(at.as_millisecond()), error.as_str(), None, 1)
                }
                Settled::Dead { error } => ("dead", None, error.as_str(), Some(now_ms()), 1),
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

    /// Whether work that was begun is still of that run: not deleted, and not begun again since.
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

    /// Makes all work ready that was begun, but for `except`: whoever began it is gone. The attempts count: work that brings
    /// its process down is not begun for ever.
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

    /// When the next piece of work is due that waits; `None` where none does.
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

    /// How many pieces of work wait or run, how many are dead letters, and how many cases wait, in all workspaces.
    pub async fn n_waiting(&self) -> Result<(i64, i64, i64), StoreError> {
        Ok(sqlx::query_as(
            "SELECT (SELECT COUNT(*) FROM queue WHERE state IN ('ready', 'running')), \
             (SELECT COUNT(*) FROM queue WHERE state = 'dead'), \
             (SELECT COUNT(*) FROM cases WHERE state = 'waiting')",
        )
        .fetch_one(&self.relaxed)
        .await?)
    }

    /// A workspace's dead letters, newest first, at most `limit`.
    pub async fn dead_letters(
        &self,
        workspace: &WorkspaceId,
        limit: i64,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let rows: Vec<DeadRow> = sqlx::query_as(
            "SELECT id, kind, payload, attempts, last_error, created_at, finished_at FROM queue \
             WHERE workspace = $1 AND state = 'dead' ORDER BY finished_at DESC, id DESC LIMIT $2",
        )
        .bind(workspace.as_str())
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

    /// Begins a dead letter's attempts anew; `false` where there is none of that id.
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

    /// Deletes a dead letter, and the files of an upload with it; `false` where there is none of that id.
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
            // No other kind's key is the name of a job.
            sqlx::query("UPDATE job_items SET bytes = NULL WHERE workspace = $1 AND job = $2")
                .bind(workspace.as_str())
                .bind(key)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(deleted.is_some())
    }

    /// Deletes what was done before then, and with it what is known of its keys.
    pub async fn prune_work(&self, then: Timestamp) -> Result<u64, StoreError> {
        let done = sqlx::query("DELETE FROM queue WHERE state = 'done' AND finished_at < $1")
            .bind(then.as_millisecond())
            .execute(&self.durable)
            .await?;
        Ok(done.rows_affected())
    }
}

fn begun(workspace: &str, row: BegunRow) -> Work {
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

/// Enqueues work in a transaction that also writes what the work is about. How many rows are new.
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
