//! API keys, with the hashes of their secrets.

use super::audit::AuditEvent;
use super::{Scope, Store, StoreError, corrupt, from_json, time_of, to_json};
use ken_base::domain::{ApiKey, KeyRole, WorkspaceId};

type KeyRow = (
    String,
    Option<String>,
    String,
    String,
    String,
    String,
    i64,
    Option<i64>,
    Option<i64>,
    Option<i64>,
);

impl Store {
    /// Stores a key with the hash of its secret.
    pub async fn insert_key(&self, key: &ApiKey, secret_hash: &str) -> Result<(), StoreError> {
        if let Some(workspace) = &key.workspace {
            self.ensure_workspace(workspace).await?;
        }
        let insert = sqlx::query(
            "INSERT INTO api_keys (id, workspace, role, name, secret_hash, networks, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&key.id)
        .bind(key.workspace.as_ref().map(WorkspaceId::as_str))
        .bind(key.role.as_str())
        .bind(&key.name)
        .bind(secret_hash)
        .bind(to_json(&key.networks))
        .bind(key.created_at.as_millisecond())
        .bind(key.expires_at.map(jiff::Timestamp::as_millisecond));
        let act = AuditEvent::new("key.create", &key.id).after(key);
        self.change(Scope::of(key.workspace.as_ref()), act, insert)
            .await?;
        Ok(())
    }

    /// All keys, also expired and revoked ones, oldest first, each with the hash of its secret.
    pub async fn keys(&self) -> Result<Vec<(ApiKey, String)>, StoreError> {
        let rows: Vec<KeyRow> = sqlx::query_as(
            "SELECT id, workspace, role, name, secret_hash, networks, created_at, expires_at, revoked_at, last_used_at \
             FROM api_keys ORDER BY created_at, id",
        )
        .fetch_all(&self.relaxed)
        .await?;
        rows.into_iter().map(key).collect()
    }

    /// Revokes a key; `false` if it is revoked already or was never stored.
    pub async fn revoke_key(&self, key: &ApiKey) -> Result<bool, StoreError> {
        let update =
            sqlx::query("UPDATE api_keys SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL")
                .bind(self.now_ms())
                .bind(&key.id);
        let act = AuditEvent::new("key.revoke", &key.id).before(key);
        let scope = Scope::of(key.workspace.as_ref());
        Ok(self.change(scope, act, update).await? == 1)
    }

    /// Records that a key was used now.
    pub async fn key_used(&self, id: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE api_keys SET last_used_at = $1 WHERE id = $2")
            .bind(self.now_ms())
            .bind(id)
            .execute(&self.relaxed)
            .await?;
        Ok(())
    }
}

fn key(row: KeyRow) -> Result<(ApiKey, String), StoreError> {
    let (id, workspace, role, name, hash, networks, created, expires, revoked, used) = row;
    let wrong = |detail: &dyn std::fmt::Display| corrupt("a key", detail);
    let workspace = workspace.map(|name| WorkspaceId::parse(&name).map_err(|e| wrong(&e)));
    let key = ApiKey {
        id,
        workspace: workspace.transpose()?,
        role: KeyRole::parse(&role).ok_or_else(|| wrong(&role))?,
        name,
        networks: from_json("a key's networks", &networks)?,
        created_at: time_of(created)?,
        expires_at: expires.map(time_of).transpose()?,
        revoked_at: revoked.map(time_of).transpose()?,
        last_used_at: used.map(time_of).transpose()?,
    };
    Ok((key, hash))
}
