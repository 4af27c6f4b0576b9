//! Settings of a workspace, by name, as JSON.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

use super::audit::{self, AuditEvent};
use super::writes::lock;
use super::{Store, StoreError, from_json};
use ken_base::domain::Level;
use ken_base::domain::WorkspaceId;
use ken_text::redact::CustomPattern;

/// Rules for the review of drafts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LearningRules {
    /// Require approval by two people.
    pub four_eyes: bool,
    /// Draft classes published without review if no judged question breaks.
    pub auto_publish: Vec<AutoPublish>,
    /// Promote winners of experiments automatically.
    pub auto_promote: bool,
}

/// A class of drafts, and the number of sources from which on it is published without review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AutoPublish {
    /// `new`, `variant`, `update` or `negative`.
    #[schema(value_type = PublishableClass)]
    pub class: String,
    /// Minimum number of sources, at least 2.
    pub min_sources: usize,
}

impl Store {
    /// A setting of a workspace; `None` if it is not set.
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

    /// Sets a setting; `None` deletes it, so that the default of the service holds.
    pub async fn set_setting<T: Serialize>(
        &self,
        workspace: &WorkspaceId,
        name: &str,
        value: Option<&T>,
    ) -> Result<(), StoreError> {
        self.put_setting(workspace, name, value, None).await
    }

    /// As [`Store::set_setting`], with an entry of the audit log (actor and change) that replaces the default one.
    pub async fn set_setting_by<T: Serialize>(
        &self,
        workspace: &WorkspaceId,
        name: &str,
        value: Option<&T>,
        (by, act): (&str, AuditEvent),
    ) -> Result<(), StoreError> {
        self.put_setting(workspace, name, value, Some((by, act)))
            .await
    }

    async fn put_setting<T: Serialize>(
        &self,
        workspace: &WorkspaceId,
        name: &str,
        value: Option<&T>,
        by: Option<(&str, AuditEvent)>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        lock(&mut tx, workspace).await?;
        let before: Option<(String,)> =
            sqlx::query_as("SELECT value FROM settings WHERE workspace = $1 AND name = $2")
                .bind(workspace.as_str())
                .bind(name)
                .fetch_optional(&mut *tx)
                .await?;
        let before = before.map(|(value,)| from_json::<serde_json::Value>("a setting", &value));
        let before = before.transpose()?;
        let after = value.map(|value| serde_json::json!(value));
        if before == after {
            return Ok(());
        }
        let query = match &after {
            None => sqlx::query("DELETE FROM settings WHERE workspace = $1 AND name = $2")
                .bind(workspace.as_str())
                .bind(name),
            Some(after) => sqlx::query(
                "INSERT INTO settings (workspace, name, value, updated_at) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (workspace, name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
            )
            .bind(workspace.as_str())
            .bind(name)
            .bind(after.to_string())
            .bind(self.now_ms()),
        };
        query.execute(&mut *tx).await?;
        match by {
            Some((by, act)) => {
                audit::note(&mut tx, workspace.into(), by, self.now(), vec![act]).await?;
            }
            None => {
                let act = AuditEvent::new("settings.put", name)
                    .before(before)
                    .after(after);
                self.note(&mut tx, workspace, vec![act]).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }

    /// Confidence level of a workspace; `None` if it is not set.
    pub async fn level(&self, workspace: &WorkspaceId) -> Result<Option<Level>, StoreError> {
        self.setting(workspace, "level").await
    }

    /// Custom patterns of personal data; empty if there are none.
    pub async fn patterns(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<Vec<CustomPattern>, StoreError> {
        Ok(self
            .setting(workspace, "redaction")
            .await?
            .unwrap_or_default())
    }

    /// Rules for the review of drafts; the default if they are not set.
    pub async fn learning(&self, workspace: &WorkspaceId) -> Result<LearningRules, StoreError> {
        Ok(self
            .setting(workspace, "learning")
            .await?
            .unwrap_or_default())
    }

    /// Deletes a draft.
    pub async fn delete_draft(&self, workspace: &WorkspaceId, id: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM drafts WHERE workspace = $1 AND id = $2")
            .bind(workspace.as_str())
            .bind(id)
            .execute(&self.durable)
            .await?;
        Ok(())
    }
}

/// The values of [`AutoPublish::class`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(
    rename_all = "snake_case",
    description = "A class of drafts that can be published without a review."
)]
pub enum PublishableClass {
    /// Nothing answers the question yet.
    New,
    /// A new wording for an FAQ.
    Variant,
    /// Another answer to a known question.
    Update,
    /// A question that an FAQ does not answer.
    Negative,
}
