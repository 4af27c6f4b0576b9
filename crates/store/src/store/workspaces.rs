//! Deletion of a workspace from all tables.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::{Any, Transaction};
use utoipa::ToSchema;

use super::audit::AuditEvent;
use super::{Scope, Store, StoreError};
use ken_base::domain::WorkspaceId;

/// Rows deleted with a workspace.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct DeletedRows {
    /// Number of deleted rows per table.
    pub rows: BTreeMap<String, i64>,
    /// Number of rows found by a final check: 0 unless written concurrently.
    pub remaining: i64,
}

/// Every table with rows of a workspace and the column with its name. Tables that others refer to come last.
pub(super) const TABLES: &[(&str, &str)] = &[
    ("consents", "workspace"),
    ("deliveries", "workspace"),
    ("conversations", "workspace"),
    ("identity_claims", "workspace"),
    ("identity_links", "workspace"),
    ("identities", "workspace"),
    ("messages", "workspace"),
    ("reply_tokens", "workspace"),
    ("platform_files", "workspace"),
    ("message_attachments", "workspace"),
    ("attachments", "workspace"),
    ("identity_values", "workspace"),
    ("desk_events", "workspace"),
    ("desk_heads", "workspace"),
    ("inboxes", "workspace"),
    ("mail_cursors", "workspace"),
    ("webhook_events", "workspace"),
    ("webhook_cursors", "workspace"),
    ("webhook_endpoints", "workspace"),
    ("synonyms", "workspace"),
    ("gap_closures", "workspace"),
    ("judged_questions", "workspace"),
    ("judged_run_rows", "workspace"),
    ("judged_runs", "workspace"),
    ("reviews", "workspace"),
    ("job_items", "workspace"),
    ("jobs", "workspace"),
    ("queue", "workspace"),
    ("imports", "workspace"),
    ("settings", "workspace"),
    ("cases", "workspace"),
    ("drafts", "workspace"),
    ("feedback", "workspace"),
    ("distrusted", "workspace"),
    ("exposures", "workspace"),
    ("experiments", "workspace"),
    ("answer_facts", "workspace"),
    ("answers", "workspace"),
    ("vectors", "workspace"),
    ("changes", "workspace"),
    ("chunks", "workspace"),
    ("document_versions", "workspace"),
    ("document_labels", "workspace"),
    ("documents", "workspace"),
    ("sessions", "workspace"),
    ("originals", "workspace"),
    ("api_keys", "workspace"),
    ("audit_log", "scope"),
    ("audit_heads", "scope"),
    ("workspaces", "id"),
];

impl Store {
    /// Deletes a workspace with all its rows, in one transaction, and records that in the service's audit log. `None`
    /// if it does not exist.
    pub async fn delete_workspace(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<Option<DeletedRows>, StoreError> {
        let mut tx = self.begin().await?;
        if self.is_shared() {
            // A transaction that adds a row of the workspace waits, and then finds that the workspace is gone.
            sqlx::query("SELECT id FROM workspaces WHERE id = $1 FOR UPDATE")
                .bind(workspace.as_str())
                .execute(&mut *tx)
                .await?;
        }
        let mut rows = BTreeMap::new();
        for (table, column) in TABLES {
            let sql = format!("DELETE FROM {table} WHERE {column} = $1");
            let done = sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(workspace.as_str())
                .execute(&mut *tx)
                .await?;
            if done.rows_affected() > 0 {
                rows.insert((*table).to_owned(), done.rows_affected() as i64);
            }
        }
        if rows.is_empty() {
            return Ok(None);
        }
        let act = AuditEvent::new("workspace.delete", workspace.as_str()).before(&rows);
        self.note(&mut tx, Scope::Service, vec![act]).await?;
        tx.commit().await?;
        self.purge_deleted().await?;
        let mut tx = self.relaxed.begin().await?;
        let remaining = count(&mut tx, workspace).await?;
        Ok(Some(DeletedRows { rows, remaining }))
    }
}

/// Number of rows of a workspace.
async fn count(tx: &mut Transaction<'_, Any>, workspace: &WorkspaceId) -> Result<i64, StoreError> {
    let mut n_rows = 0;
    for (table, column) in TABLES {
        let sql = format!("SELECT COUNT(*) FROM {table} WHERE {column} = $1");
        let (n,): (i64,) = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .fetch_one(&mut **tx)
            .await?;
        n_rows += n;
    }
    Ok(n_rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors whose encoding began before the deletion arrive too late.
    #[tokio::test]
    async fn late_vectors_do_not_recreate_deleted_workspace() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/ken.db", folder.path().display());
        let store = Store::open(&url).await.unwrap();
        let workspace = WorkspaceId::parse("late").unwrap();
        let vectors = [("0f".to_owned(), vec![half::f16::ONE; 4])];
        store.ensure_workspace(&workspace).await.unwrap();
        store
            .insert_vectors(&workspace, "e", &vectors)
            .await
            .unwrap();
        let known = |store: Store| async move {
            let workspace = WorkspaceId::parse("late").unwrap();
            let hashes = ["0f".to_owned()];
            let found = store.cached_vectors(&workspace, "e", &hashes).await;
            found.unwrap().len()
        };
        assert_eq!(known(store.clone()).await, 1);
        let deleted = store.delete_workspace(&workspace).await.unwrap().unwrap();
        assert_eq!(deleted.remaining, 0);
        store
            .insert_vectors(&workspace, "e", &vectors)
            .await
            .unwrap();
        assert_eq!(known(store.clone()).await, 0);
        assert_eq!(store.delete_workspace(&workspace).await.unwrap(), None);
    }

    /// Each new table has to be in the list.
    #[tokio::test]
    async fn workspace_table_list_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/ken.db", folder.path().display());
        let store = Store::open(&url).await.unwrap();
        let tables: Vec<(String, String)> = sqlx::query_as(
            "SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c \
             WHERE t.type = 'table' AND t.name NOT LIKE '\\_sqlx%' ESCAPE '\\' \
             AND (c.name IN ('workspace', 'scope') OR (t.name = 'workspaces' AND c.name = 'id'))",
        )
        .fetch_all(&store.relaxed)
        .await
        .unwrap();
        let mut found: Vec<(&str, &str)> = tables
            .iter()
            .map(|(table, column)| (table.as_str(), column.as_str()))
            .collect();
        let mut named = TABLES.to_vec();
        found.sort_unstable();
        named.sort_unstable();
        assert_eq!(found, named);
        let (n_tables,): (i64,) = sqlx::query_as(
            "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_sqlx%' ESCAPE '\\'",
        )
        .fetch_one(&store.relaxed)
        .await
        .unwrap();
        // The tables `encoders` and `sign_ins` belong to the service.
        assert_eq!(
            n_tables as usize,
            named.len() + 2,
            "a table is of no workspace"
        );
    }
}
