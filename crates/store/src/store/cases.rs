//! Support cases and the drafts that are made from them.

use std::collections::HashMap;

use futures_util::TryStreamExt;
use half::f16;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::audit::AuditEvent;
use super::queue::{NewWork, enqueue_in};
use super::vectors::{bytes_of, vector_of};
use super::{MAX_IN, Store, StoreError, from_json, now_ms, placeholders, to_json};
use ken_base::domain::{Case, Distilled, Draft, DraftState, WorkspaceId};

/// Effect of storing a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`added`: the case is new. `changed`: it replaces a case with the same id. `unchanged`: it was known already."
)]
pub enum CaseEffect {
    /// The case is new.
    Added,
    /// It replaces a case with the same id.
    Changed,
    /// It was stored already.
    Unchanged,
}

/// A stored case, without personal data.
#[derive(Debug, Clone)]
pub struct StoredCase {
    /// The case.
    pub case: Case,
    /// Result of distilling it; `None` while it waits.
    pub distilled: Option<Distilled>,
    /// The draft it is a source of.
    pub draft_id: Option<String>,
    /// SHA-256 of the case as it was submitted.
    pub content_hash: String,
    /// When it was stored first.
    pub created_at: Timestamp,
}

/// A draft with its vector.
#[derive(Debug, Clone)]
pub struct DraftVector {
    /// The draft.
    pub draft: Draft,
    /// Vector of the draft.
    pub vector: Vec<f16>,
}

/// Answers and conversation that a case refers to.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct CaseLinks {
    /// Answers of Ken before the case.
    pub answer_ids: Vec<String>,
    /// Conversation with Ken before the case.
    pub conversation_id: Option<String>,
}

type CaseRow = (String, String, Option<String>, String, i64);

impl Store {
    /// Stores cases in one transaction, each with the hash of its submitted form. A case with an equal hash stays as it
    /// is. Other cases wait to be distilled; `work`, which distils them, is enqueued in the same transaction. Returns
    /// the effect on each case, in order.
    pub async fn insert_cases(
        &self,
        workspace: &WorkspaceId,
        cases: &[(Case, String)],
        work: NewWork<'_>,
    ) -> Result<Vec<CaseEffect>, StoreError> {
        let mut tx = self.begin().await?;
        super::writes::lock(&mut tx, workspace).await?;
        let mut effects = Vec::with_capacity(cases.len());
        let mut acts = Vec::new();
        for (case, hash) in cases {
            let known: Option<(String,)> =
                sqlx::query_as("SELECT content_hash FROM cases WHERE workspace = $1 AND id = $2")
                    .bind(workspace.as_str())
                    .bind(&case.id)
                    .fetch_optional(&mut *tx)
                    .await?;
            let effect = match &known {
                Some((known,)) if known == hash => CaseEffect::Unchanged,
                Some(_) => CaseEffect::Changed,
                None => CaseEffect::Added,
            };
            effects.push(effect);
            if effect == CaseEffect::Unchanged {
                continue;
            }
            sqlx::query(
                "INSERT INTO cases (workspace, id, content_hash, body, state, created_at) VALUES ($1, $2, $3, $4, 'waiting', $5) \
                 ON CONFLICT (workspace, id) DO UPDATE SET content_hash = excluded.content_hash, body = excluded.body, \
                 state = 'waiting'",
            )
            .bind(workspace.as_str())
            .bind(&case.id)
            .bind(hash)
            .bind(to_json(case))
            .bind(self.now_ms())
            .execute(&mut *tx)
            .await?;
            let before = known.map(|(hash,)| json!({ "content_hash": hash }));
            let after = json!({ "content_hash": hash });
            acts.push(
                AuditEvent::new("case.put", &case.id)
                    .before(before)
                    .after(after),
            );
        }
        if !acts.is_empty() {
            enqueue_in(&mut tx, workspace, &[work]).await?;
        }
        self.note(&mut tx, workspace, acts).await?;
        tx.commit().await?;
        Ok(effects)
    }

    /// Ids of the cases that name a conversation or an answer.
    pub async fn cases_naming(
        &self,
        workspace: &WorkspaceId,
        id: &str,
    ) -> Result<Vec<String>, StoreError> {
        let literal = id
            .replace('\\', "\\\\")
            .replace('%', "\\%")
            .replace('_', "\\_");
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT id FROM cases WHERE workspace = $1 AND body LIKE $2 ESCAPE '\\' ORDER BY id",
        )
        .bind(workspace.as_str())
        .bind(format!("%\"{literal}\"%"))
        .fetch_all(&self.relaxed)
        .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// Content hashes of stored cases, by id; missing cases are left out.
    pub async fn case_hashes(
        &self,
        workspace: &WorkspaceId,
        ids: &[&str],
    ) -> Result<HashMap<String, String>, StoreError> {
        let states = self.stored_case_states(workspace, ids).await?;
        Ok(states
            .into_iter()
            .map(|(id, (hash, _))| (id, hash))
            .collect())
    }

    /// Content hash of each stored case and the draft that it is a source of, by id; missing cases are left out.
    pub async fn stored_case_states(
        &self,
        workspace: &WorkspaceId,
        ids: &[&str],
    ) -> Result<HashMap<String, (String, Option<String>)>, StoreError> {
        let mut states = HashMap::with_capacity(ids.len());
        for some in ids.chunks(MAX_IN) {
            let sql = format!(
                "SELECT id, content_hash, draft FROM cases WHERE workspace = $1 AND id IN ({})",
                placeholders(2, some.len())
            );
            let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(workspace.as_str());
            for id in some {
                query = query.bind(*id);
            }
            let rows: Vec<(String, String, Option<String>)> =
                query.fetch_all(&self.relaxed).await?;
            states.extend(
                rows.into_iter()
                    .map(|(id, hash, draft)| (id, (hash, draft))),
            );
        }
        Ok(states)
    }

    /// A case by its id.
    pub async fn case(
        &self,
        workspace: &WorkspaceId,
        id: &str,
    ) -> Result<Option<StoredCase>, StoreError> {
        let row: Option<CaseRow> = sqlx::query_as(
            "SELECT body, distilled, draft, content_hash, created_at FROM cases WHERE workspace = $1 AND id = $2",
        )
        .bind(workspace.as_str())
        .bind(id)
        .fetch_optional(&self.relaxed)
        .await?;
        row.map(stored).transpose()
    }

    /// Answers and conversations of the newest `limit` cases since `since`. Reads the cases one by one.
    pub async fn case_links(
        &self,
        workspace: &WorkspaceId,
        since: Timestamp,
        limit: i64,
    ) -> Result<Vec<CaseLinks>, StoreError> {
        let mut rows = sqlx::query_as::<_, (String,)>(
            "SELECT body FROM cases WHERE workspace = $1 AND created_at >= $2 ORDER BY created_at DESC, id DESC LIMIT $3",
        )
        .bind(workspace.as_str())
        .bind(since.as_millisecond())
        .bind(limit)
        .fetch(&self.relaxed);
        let mut links = Vec::new();
        while let Some((body,)) = rows.try_next().await? {
            links.push(from_json("a case", &body)?);
        }
        Ok(links)
    }

    /// The newest `limit` cases since `since`, oldest first.
    pub async fn cases_since(
        &self,
        workspace: &WorkspaceId,
        since: Timestamp,
        limit: i64,
    ) -> Result<Vec<StoredCase>, StoreError> {
        let rows: Vec<CaseRow> = sqlx::query_as(
            "SELECT body, distilled, draft, content_hash, created_at FROM cases WHERE workspace = $1 AND created_at >= $2 \
             ORDER BY created_at DESC, id DESC LIMIT $3",
        )
        .bind(workspace.as_str())
        .bind(since.as_millisecond())
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        rows.into_iter().rev().map(stored).collect()
    }

    /// The oldest cases of a workspace that wait to be distilled, at most `limit`.
    pub async fn waiting_cases(
        &self,
        workspace: &WorkspaceId,
        limit: i64,
    ) -> Result<Vec<StoredCase>, StoreError> {
        let rows: Vec<CaseRow> = sqlx::query_as(
            "SELECT body, distilled, draft, content_hash, created_at FROM cases WHERE workspace = $1 AND state = 'waiting' \
             ORDER BY created_at, id LIMIT $2",
        )
        .bind(workspace.as_str())
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        rows.into_iter().map(stored).collect()
    }

    /// Number of cases of a workspace that wait to be distilled.
    pub async fn n_waiting_cases(&self, workspace: &WorkspaceId) -> Result<i64, StoreError> {
        let (n,): (i64,) =
            sqlx::query_as("SELECT COUNT(*) FROM cases WHERE workspace = $1 AND state = 'waiting'")
                .bind(workspace.as_str())
                .fetch_one(&self.relaxed)
                .await?;
        Ok(n)
    }

    /// Records results of distilling (case id, result, draft id), the changed drafts, and drafts that were merged into
    /// others (`moved`: from, into). All or none.
    pub async fn insert_distilled(
        &self,
        workspace: &WorkspaceId,
        encoder_id: &str,
        cases: &[(String, Distilled, Option<String>)],
        drafts: &[(Draft, Vec<f16>)],
        moved: &[(String, String)],
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for (id, distilled, draft) in cases {
            sqlx::query(
                "UPDATE cases SET distilled = $1, draft = $2, state = 'distilled' WHERE workspace = $3 AND id = $4",
            )
            .bind(to_json(distilled))
            .bind(draft.as_deref())
            .bind(workspace.as_str())
            .bind(id)
            .execute(&mut *tx)
            .await?;
        }
        for (from, into) in moved {
            sqlx::query("UPDATE cases SET draft = $1 WHERE workspace = $2 AND draft = $3")
                .bind(into)
                .bind(workspace.as_str())
                .bind(from)
                .execute(&mut *tx)
                .await?;
        }
        for (draft, vector) in drafts {
            put_draft(&mut tx, workspace, encoder_id, draft, vector).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Deletes a case; `false` if there is none. Remove it from its draft first.
    pub async fn delete_case(&self, workspace: &WorkspaceId, id: &str) -> Result<bool, StoreError> {
        let delete = sqlx::query("DELETE FROM cases WHERE workspace = $1 AND id = $2")
            .bind(workspace.as_str())
            .bind(id);
        let act = AuditEvent::new("case.delete", id);
        let done = self.change(workspace, act, delete).await?;
        self.purge_deleted().await?;
        Ok(done == 1)
    }

    /// The oldest `limit` cases stored before `then`, with their workspaces.
    pub async fn cases_before(
        &self,
        then: Timestamp,
        limit: i64,
    ) -> Result<Vec<(WorkspaceId, String)>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT workspace, id FROM cases WHERE created_at < $1 ORDER BY created_at LIMIT $2",
        )
        .bind(then.as_millisecond())
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        rows.into_iter()
            .map(|(workspace, id)| {
                let workspace = WorkspaceId::parse(&workspace)
                    .map_err(|e| super::corrupt("a workspace name", &e))?;
                Ok((workspace, id))
            })
            .collect()
    }

    /// A draft by its id.
    pub async fn draft(
        &self,
        workspace: &WorkspaceId,
        id: &str,
    ) -> Result<Option<Draft>, StoreError> {
        let row: Option<(String,)> =
            sqlx::query_as("SELECT body FROM drafts WHERE workspace = $1 AND id = $2")
                .bind(workspace.as_str())
                .bind(id)
                .fetch_optional(&self.relaxed)
                .await?;
        row.map(|(body,)| from_json("a draft", &body)).transpose()
    }

    /// Drafts by their ids, in no order; missing ones are left out.
    pub async fn drafts_by_id(
        &self,
        workspace: &WorkspaceId,
        ids: &[String],
    ) -> Result<Vec<Draft>, StoreError> {
        let mut drafts = Vec::with_capacity(ids.len());
        for some in ids.chunks(MAX_IN) {
            let sql = format!(
                "SELECT body FROM drafts WHERE workspace = $1 AND id IN ({})",
                placeholders(2, some.len())
            );
            let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(workspace.as_str());
            for id in some {
                query = query.bind(id);
            }
            let rows: Vec<(String,)> = query.fetch_all(&self.relaxed).await?;
            for (body,) in rows {
                drafts.push(from_json("a draft", &body)?);
            }
        }
        Ok(drafts)
    }

    /// Drafts in a state, the last updated first, at most `limit`.
    pub async fn drafts(
        &self,
        workspace: &WorkspaceId,
        state: DraftState,
        limit: i64,
    ) -> Result<Vec<Draft>, StoreError> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT body FROM drafts WHERE workspace = $1 AND state = $2 ORDER BY updated_at DESC, id LIMIT $3",
        )
        .bind(workspace.as_str())
        .bind(state.as_str())
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        let read = |(body,): (String,)| from_json("a draft", &body);
        rows.into_iter().map(read).collect()
    }

    /// Open and approved drafts with vectors of this encoder, which new cases may join. Published drafts are knowledge
    /// and rejected ones were wrong, so later cases start a draft of their own.
    pub async fn draft_vectors(
        &self,
        workspace: &WorkspaceId,
        encoder_id: &str,
    ) -> Result<Vec<DraftVector>, StoreError> {
        let rows: Vec<(String, Vec<u8>)> = sqlx::query_as(
            "SELECT body, vector FROM drafts WHERE workspace = $1 AND encoder_id = $2 AND state IN ('open', 'approved') ORDER BY id",
        )
        .bind(workspace.as_str())
        .bind(encoder_id)
        .fetch_all(&self.relaxed)
        .await?;
        rows.into_iter()
            .map(|(body, vector)| {
                Ok(DraftVector {
                    draft: from_json("a draft", &body)?,
                    vector: vector_of(&vector)?,
                })
            })
            .collect()
    }

    /// Replaces drafts; their vectors stay.
    pub async fn update_drafts(
        &self,
        workspace: &WorkspaceId,
        drafts: &[&Draft],
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for draft in drafts {
            sqlx::query(
                "UPDATE drafts SET state = $1, body = $2, updated_at = $3 WHERE workspace = $4 AND id = $5",
            )
            .bind(draft.state.as_str())
            .bind(to_json(draft))
            .bind(self.now_ms())
            .bind(workspace.as_str())
            .bind(&draft.id)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Inserts or replaces a draft with its vector.
    pub async fn put_draft(
        &self,
        workspace: &WorkspaceId,
        encoder_id: &str,
        draft: &Draft,
        vector: &[f16],
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        super::writes::lock(&mut tx, workspace).await?;
        put_draft(&mut tx, workspace, encoder_id, draft, vector).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Assigns the cases of one draft to another.
    pub async fn move_cases(
        &self,
        workspace: &WorkspaceId,
        from: &str,
        to: &str,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE cases SET draft = $1 WHERE workspace = $2 AND draft = $3")
            .bind(to)
            .bind(workspace.as_str())
            .bind(from)
            .execute(&self.durable)
            .await?;
        Ok(())
    }
}

async fn put_draft(
    tx: &mut sqlx::Transaction<'_, sqlx::Any>,
    workspace: &WorkspaceId,
    encoder_id: &str,
    draft: &Draft,
    vector: &[f16],
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO drafts (workspace, id, state, body, encoder_id, vector, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (workspace, id) DO UPDATE SET state = excluded.state, \
         body = excluded.body, encoder_id = excluded.encoder_id, vector = excluded.vector, updated_at = excluded.updated_at",
    )
    .bind(workspace.as_str())
    .bind(&draft.id)
    .bind(draft.state.as_str())
    .bind(to_json(draft))
    .bind(encoder_id)
    .bind(bytes_of(vector))
    .bind(now_ms())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn stored(
    (body, distilled, draft_id, content_hash, created_at): CaseRow,
) -> Result<StoredCase, StoreError> {
    Ok(StoredCase {
        case: from_json("a case", &body)?,
        distilled: match distilled.is_empty() {
            true => None,
            false => Some(from_json("a distilled case", &distilled)?),
        },
        draft_id,
        content_hash,
        created_at: super::time_of(created_at)?,
    })
}
