use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{Store, StoreError, from_json, time_of, to_json};
use crate::config::Level;
use crate::domain::WorkspaceId;
use crate::redact::CustomPattern;

/// How a workspace wants its drafts reviewed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LearningRules {
    /// Whether two people have to approve a draft.
    pub four_eyes: bool,
    /// Classes of drafts that are published unreviewed where their gate is clean.
    pub auto_publish: Vec<AutoPublish>,
    /// Whether the winner of an experiment is put in force by rule; else a person does it.
    pub auto_promote: bool,
}

/// A class of drafts, and from how many sources on it is published unreviewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AutoPublish {
    /// `new`, `variant`, `update` or `negative`.
    pub class: String,
    /// At least 2.
    pub min_sources: usize,
}

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditEntry {
    pub id: String,
    pub at: Timestamp,
    pub actor: String,
    pub action: String,
    pub subject: String,
    pub detail: serde_json::Value,
}

impl Store {
    /// A workspace's own choice, where it has made one.
    pub async fn setting<T: DeserializeOwned>(
        &self,
        workspace: &WorkspaceId,
        name: &str,
    ) -> Result<Option<T>, StoreError> {
        let row: Option<(String,)> =
            sqlx::query_as("SELECT value FROM settings WHERE workspace = $1 AND name = $2")
                .bind(workspace.as_str())
                .bind(name)
                .fetch_optional(&self.relaxed)
                .await?;
        row.map(|(value,)| from_json("a setting", &value))
            .transpose()
    }

    /// `None` goes back to what holds for all.
    pub async fn set_setting<T: Serialize>(
        &self,
        workspace: &WorkspaceId,
        name: &str,
        value: Option<&T>,
    ) -> Result<(), StoreError> {
        self.ensure_workspace(workspace).await?;
        let query = match value {
            None => sqlx::query("DELETE FROM settings WHERE workspace = $1 AND name = $2")
                .bind(workspace.as_str())
                .bind(name),
            Some(value) => sqlx::query(
                "INSERT INTO settings (workspace, name, value, updated_at) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (workspace, name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
            )
            .bind(workspace.as_str())
            .bind(name)
            .bind(to_json(value))
            .bind(self.now_ms()),
        };
        query.execute(&self.durable).await?;
        Ok(())
    }

    /// How sure a workspace wants its answers, where it says so.
    pub async fn level(&self, workspace: &WorkspaceId) -> Result<Option<Level>, StoreError> {
        self.setting(workspace, "level").await
    }

    /// A workspace's own patterns of personal data.
    pub async fn patterns(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<Vec<CustomPattern>, StoreError> {
        Ok(self
            .setting(workspace, "redaction")
            .await?
            .unwrap_or_default())
    }

    /// How a workspace wants its drafts reviewed.
    pub async fn learning(&self, workspace: &WorkspaceId) -> Result<LearningRules, StoreError> {
        Ok(self
            .setting(workspace, "learning")
            .await?
            .unwrap_or_default())
    }

    /// Notes who changed what.
    pub async fn audit(
        &self,
        workspace: &WorkspaceId,
        actor: &str,
        action: &str,
        subject: &str,
        detail: &serde_json::Value,
    ) -> Result<(), StoreError> {
        self.ensure_workspace(workspace).await?;
        sqlx::query(
            "INSERT INTO audit (workspace, id, actor, action, subject, detail, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(workspace.as_str())
        .bind(Uuid::now_v7().simple().to_string())
        .bind(actor)
        .bind(action)
        .bind(subject)
        .bind(detail.to_string())
        .bind(self.now_ms())
        .execute(&self.durable)
        .await?;
        Ok(())
    }

    /// The newest lines of the audit log, newest first.
    pub async fn audit_log(
        &self,
        workspace: &WorkspaceId,
        limit: i64,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let rows: Vec<(String, i64, String, String, String, String)> = sqlx::query_as(
            "SELECT id, created_at, actor, action, subject, detail FROM audit WHERE workspace = $1 \
             ORDER BY created_at DESC, id DESC LIMIT $2",
        )
        .bind(workspace.as_str())
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        let read = |(id, at, actor, action, subject, detail): (
            String,
            i64,
            String,
            String,
            String,
            String,
        )| {
            Ok(AuditEntry {
                id,
                at: time_of(at)?,
                actor,
                action,
                subject,
                detail: from_json("an audit entry", &detail)?,
            })
        };
        rows.into_iter().map(read).collect()
    }

    pub async fn delete_draft(&self, workspace: &WorkspaceId, id: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM drafts WHERE workspace = $1 AND id = $2")
            .bind(workspace.as_str())
            .bind(id)
            .execute(&self.durable)
            .await?;
        Ok(())
    }
}
