//! Inboxes and their sealed secrets.

use std::collections::BTreeMap;

use super::{code, inbox_id, parse_code};
use crate::store::{AuditEvent, Store, StoreError, from_json, time_of, to_json};
use ken_base::desk::{ChannelKind, Inbox, InboxId};
use ken_base::domain::WorkspaceId;

/// Sealed secrets of an inbox by name.
pub type SealedSecrets = BTreeMap<String, String>;

const INBOX: &str = "SELECT id, channel, name, settings, secrets, created_at FROM inboxes";

type InboxRow = (String, String, String, String, String, i64);

fn inbox(row: InboxRow) -> Result<(Inbox, SealedSecrets), StoreError> {
    let (id, channel, name, settings, secrets, created_at) = row;
    let secrets: SealedSecrets = from_json("an inbox's secrets", &secrets)?;
    let inbox = Inbox {
        id: inbox_id(&id)?,
        channel: parse_code("a channel", &channel)?,
        name,
        settings: from_json("an inbox's settings", &settings)?,
        secrets: secrets.keys().cloned().collect(),
        created_at: time_of(created_at)?,
    };
    Ok((inbox, secrets))
}

impl Store {
    /// Creates an inbox, or replaces its name and settings and, if given, its secrets. A disconnected one is
    /// connected again. Returns whether it is new.
    pub async fn put_inbox(
        &self,
        workspace: &WorkspaceId,
        inbox: &Inbox,
        secrets: Option<&SealedSecrets>,
    ) -> Result<bool, StoreError> {
        self.ensure_workspace(workspace).await?;
        let before = self.inbox(workspace, &inbox.id).await?;
        let kept = before.as_ref().map(|(_, secrets)| secrets);
        let none = SealedSecrets::new();
        let secrets = secrets.or(kept).unwrap_or(&none);
        let put = sqlx::query(
            "INSERT INTO inboxes (workspace, id, channel, name, settings, secrets, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT (workspace, id) DO UPDATE SET channel = excluded.channel, name = excluded.name, settings = excluded.settings, \
             secrets = excluded.secrets, disconnected_at = NULL",
        )
        .bind(workspace.as_str())
        .bind(inbox.id.as_str())
        .bind(code(&inbox.channel))
        .bind(&inbox.name)
        .bind(to_json(&inbox.settings))
        .bind(to_json(secrets))
        .bind(self.now_ms());
        let mut act = AuditEvent::new("inbox.put", inbox.id.as_str()).after(&inbox.settings);
        if let Some((before, _)) = &before {
            act = act.before(&before.settings);
        }
        self.change(workspace, act, put).await?;
        Ok(before.is_none())
    }

    /// An inbox with its sealed secrets.
    pub async fn inbox(
        &self,
        workspace: &WorkspaceId,
        id: &InboxId,
    ) -> Result<Option<(Inbox, SealedSecrets)>, StoreError> {
        let sql = format!("{INBOX} WHERE workspace = $1 AND id = $2 AND disconnected_at IS NULL");
        let row: Option<InboxRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(id.as_str())
            .fetch_optional(&self.relaxed)
            .await?;
        row.map(inbox).transpose()
    }

    /// All inboxes of a workspace with their sealed secrets, by id.
    pub async fn inboxes(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<Vec<(Inbox, SealedSecrets)>, StoreError> {
        let sql = format!("{INBOX} WHERE workspace = $1 AND disconnected_at IS NULL ORDER BY id");
        let rows: Vec<InboxRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .fetch_all(&self.relaxed)
            .await?;
        rows.into_iter().map(inbox).collect()
    }

    /// The inboxes of a channel in all workspaces with their sealed secrets, by workspace and id.
    pub async fn inboxes_of(
        &self,
        channel: ChannelKind,
    ) -> Result<Vec<(WorkspaceId, Inbox, SealedSecrets)>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT workspace, id FROM inboxes WHERE channel = $1 AND disconnected_at IS NULL ORDER BY workspace, id",
        )
        .bind(code(&channel))
        .fetch_all(&self.relaxed)
        .await?;
        let mut found = Vec::new();
        for (workspace, id) in rows {
            let workspace = WorkspaceId::parse(&workspace).map_err(super::invalid)?;
            if let Some((inbox, sealed)) = self.inbox(&workspace, &inbox_id(&id)?).await? {
                found.push((workspace, inbox, sealed));
            }
        }
        Ok(found)
    }

    /// All inboxes of a workspace by id, with those that were disconnected, whose conversations are still there.
    pub async fn all_inboxes(&self, workspace: &WorkspaceId) -> Result<Vec<Inbox>, StoreError> {
        let sql = format!("{INBOX} WHERE workspace = $1 ORDER BY id");
        let rows: Vec<InboxRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .fetch_all(&self.relaxed)
            .await?;
        let inbox = |row| Ok(inbox(row)?.0);
        rows.into_iter().map(inbox).collect()
    }

    /// Disconnects an inbox: its secrets are removed; its conversations and how long they are kept stay. Returns whether it
    /// existed.
    pub async fn delete_inbox(
        &self,
        workspace: &WorkspaceId,
        id: &InboxId,
    ) -> Result<bool, StoreError> {
        let delete = sqlx::query(
            "UPDATE inboxes SET disconnected_at = $3, secrets = '{}' \
             WHERE workspace = $1 AND id = $2 AND disconnected_at IS NULL",
        )
        .bind(workspace.as_str())
        .bind(id.as_str())
        .bind(self.now_ms());
        let act = AuditEvent::new("inbox.delete", id.as_str());
        let is_deleted = self.change(workspace, act, delete).await? > 0;
        // Connected again, it begins with what comes then.
        sqlx::query("DELETE FROM mail_cursors WHERE workspace = $1 AND inbox_id = $2")
            .bind(workspace.as_str())
            .bind(id.as_str())
            .execute(&self.durable)
            .await?;
        Ok(is_deleted)
    }

    /// Replaces the sealed secrets of all inboxes in one transaction, as after a change of the key that seals them.
    pub async fn reseal_inboxes(
        &self,
        sealed: &[(WorkspaceId, InboxId, SealedSecrets)],
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for (workspace, inbox, secrets) in sealed {
            sqlx::query("UPDATE inboxes SET secrets = $1 WHERE workspace = $2 AND id = $3")
                .bind(to_json(secrets))
                .bind(workspace.as_str())
                .bind(inbox.as_str())
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
