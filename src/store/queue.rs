//! The rows of the durable queue. Who works them off is [`crate::queue`].

use jiff::Timestamp;
use sqlx::{Any, Transaction};
use uuid::Uuid;

use super::{Store, StoreError, now_ms, placeholders, time_of};
use crate::actor::actor;
use crate::domain::WorkspaceId;

/// Work to be done once, some time from now on.
#[derive(Debug, Clone, PartialEq)]
pub struct NewWork<'a> {
    pub kind: &'a str,
    /// Work of the same kind and key is enqueued once for a workspace, for as long as its row is kept.
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
    /// This one included, from 1.
    pub attempt: u32,
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
    /// workspaces: one piece each, beginning behind `after`, then another each, at most `each` where that is set. None of the
    /// workspaces in `without`.
    pub async fn begin_work(
        &self,
        kind: &str,
        limit: usize,
        each: Option<usize>,
        after: &str,
        without: &[String],
    ) -> Result<Vec<Work>, StoreError> {
        let waiting = self.workspaces_with_work(kind).await?;
        let (first, second): (Vec<&String>, Vec<&String>) = waiting
            .iter()
            .filter(|workspace| !without.contains(workspace))
            .partition(|workspace| workspace.as_str() > after);
        let turns: Vec<&String> = first.into_iter().chain(second).take(limit).collect();
        if turns.is_empty() {
            return Ok(Vec::new());
        }
        let each = each.unwrap_or_else(|| limit.div_ceil(turns.len()));
        let mut tx = self.begin().await?;
        let mut of_each = Vec::with_capacity(turns.len());
        for workspace in turns {
            let rows: Vec<(String, String, i64, String)> = sqlx::query_as(
                "SELECT id, payload, attempts, actor FROM queue \
                 WHERE kind = $1 AND state = 'ready' AND workspace = $2 AND due_at <= $3 ORDER BY due_at, id LIMIT $4",
            )
            .bind(kind)
            .bind(workspace.as_str())
            .bind(now_ms())
            .bind(each as i64)
            .fetch_all(&mut *tx)
            .await?;
            let of = rows.into_iter().map(|(id, payload, attempts, actor)| Work {
                id,
                workspace: workspace.clone(),
                payload,
                attempt: attempts as u32 + 1,
                actor,
            });
            of_each.push(of.collect::<Vec<_>>().into_iter());
        }
        let mut begun = Vec::with_capacity(limit);
        while begun.len() < limit {
            let before = begun.len();
            let round = of_each.iter_mut().filter_map(Iterator::next);
            begun.extend(round.take(limit - before));
            if begun.len() == before {
                break;
            }
        }
        if !begun.is_empty() {
            let ids = placeholders(1, begun.len());
            let sql = format!(
                "UPDATE queue SET state = 'running', attempts = attempts + 1 WHERE id IN ({ids})"
            );
            let mut update = sqlx::query(sqlx::AssertSqlSafe(sql));
            for work in &begun {
                update = update.bind(&work.id);
            }
            update.execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(begun)
    }

    /// The workspaces that have work of a kind waiting, due or not, by name. A step down the index for each of them.
    async fn workspaces_with_work(&self, kind: &str) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "WITH RECURSIVE waiting (workspace) AS ( \
               SELECT MIN(workspace) FROM queue WHERE kind = $1 AND state = 'ready' \
               UNION ALL \
               SELECT (SELECT MIN(q.workspace) FROM queue q \
                       WHERE q.kind = $2 AND q.state = 'ready' AND q.workspace > waiting.workspace) \
               FROM waiting WHERE waiting.workspace IS NOT NULL \
             ) SELECT workspace FROM waiting WHERE workspace IS NOT NULL",
        )
        .bind(kind)
        .bind(kind)
        .fetch_all(&self.relaxed)
        .await?;
        Ok(rows.into_iter().map(|(workspace,)| workspace).collect())
    }

    /// Settles work that was begun, in one transaction. What is not running any more (its workspace was deleted) is passed over.
    pub async fn settle_work(&self, settled: &[(String, Settled)]) -> Result<(), StoreError> {
        if settled.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        for (id, settled) in settled {
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
                 attempts = attempts * $5 WHERE id = $6 AND state = 'running'",
            )
            .bind(state)
            .bind(due_at)
            .bind(error)
            .bind(finished_at)
            .bind(counts)
            .bind(id)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Makes all work ready that a process had begun which is gone. To be called before any is begun. The attempts count: work
    /// that brings its process down is not begun for ever.
    pub async fn recover_work(&self) -> Result<u64, StoreError> {
        let done = sqlx::query("UPDATE queue SET state = 'ready' WHERE state = 'running'")
            .execute(&self.durable)
            .await?;
        Ok(done.rows_affected())
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

    /// Deletes a dead letter; `false` where there is none of that id.
    pub async fn discard_work(
        &self,
        workspace: &WorkspaceId,
        id: &str,
    ) -> Result<bool, StoreError> {
        let done =
            sqlx::query("DELETE FROM queue WHERE workspace = $1 AND id = $2 AND state = 'dead'")
                .bind(workspace.as_str())
                .bind(id)
                .execute(&self.durable)
                .await?;
        Ok(done.rows_affected() > 0)
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
            "INSERT INTO queue (id, workspace, kind, dedup_key, payload, state, attempts, due_at, last_error, actor, created_at) \
             VALUES ($1, $2, $3, $4, $5, 'ready', 0, $6, '', $7, $8) ON CONFLICT (workspace, kind, dedup_key) DO NOTHING",
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
