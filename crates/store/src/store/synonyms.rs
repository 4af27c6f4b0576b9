//! Synonyms of a workspace.

use super::audit::AuditEvent;
use super::writes::lock;
use super::{Store, StoreError, from_json, now_ms, to_json};
use ken_base::domain::WorkspaceId;

/// Synonym groups of a workspace.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SynonymGroups {
    /// 0 if none were ever set; increases with each change.
    pub version: i64,
    /// Groups of words or phrases with the same meaning.
    pub groups: Vec<Vec<String>>,
}

impl Store {
    /// Synonym groups of a workspace; empty if none were set.
    pub async fn synonyms(&self, workspace: &WorkspaceId) -> Result<SynonymGroups, StoreError> {
        let row: Option<(i64, String)> =
            sqlx::query_as("SELECT version, groups FROM synonyms WHERE workspace = $1")
                .bind(workspace.as_str())
                .fetch_optional(&self.relaxed)
                .await?;
        let Some((version, groups)) = row else {
            return Ok(SynonymGroups::default());
        };
        Ok(SynonymGroups {
            version,
            groups: from_json("synonyms", &groups)?,
        })
    }

    /// Replaces all groups and returns them with their version; durable when it returns. Creates the workspace if it
    /// does not exist.
    pub async fn replace_synonyms(
        &self,
        workspace: &WorkspaceId,
        groups: &[Vec<String>],
    ) -> Result<SynonymGroups, StoreError> {
        let mut tx = self.begin().await?;
        lock(&mut tx, workspace).await?;
        let before: Option<(String,)> =
            sqlx::query_as("SELECT groups FROM synonyms WHERE workspace = $1")
                .bind(workspace.as_str())
                .fetch_optional(&mut *tx)
                .await?;
        let before = before.map(|(groups,)| from_json::<Vec<Vec<String>>>("synonyms", &groups));
        let (version,): (i64,) = sqlx::query_as(
            "INSERT INTO synonyms (workspace, version, groups, updated_at) VALUES ($1, 1, $2, $3) \
             ON CONFLICT (workspace) DO UPDATE SET version = synonyms.version + 1, \
             groups = excluded.groups, updated_at = excluded.updated_at RETURNING version",
        )
        .bind(workspace.as_str())
        .bind(to_json(&groups))
        .bind(now_ms())
        .fetch_one(&mut *tx)
        .await?;
        let act = AuditEvent::new("synonyms.put", "synonyms")
            .before(before.transpose()?)
            .after(groups);
        self.note(&mut tx, workspace, vec![act]).await?;
        tx.commit().await?;
        Ok(SynonymGroups {
            version,
            groups: groups.to_vec(),
        })
    }
}
