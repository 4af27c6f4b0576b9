//! The audit log: who changed what, in the transaction that changed it.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sqlx::{Any, Transaction};
use utoipa::ToSchema;

use super::lists::containing;
use super::{Store, StoreError, from_json, time_of};
use ken_base::actor::actor;
use ken_base::domain::{DocumentId, WorkspaceId};
use ken_text::text::sha256_hex;

/// Which audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// The log of the service, for changes outside of workspaces: keys of operators, deleted workspaces.
    Service,
    /// The log of a workspace.
    Workspace(&'a WorkspaceId),
}

impl<'a> From<&'a WorkspaceId> for Scope<'a> {
    fn from(workspace: &'a WorkspaceId) -> Self {
        Self::Workspace(workspace)
    }
}

impl<'a> Scope<'a> {
    /// The log of a workspace; that of the service for `None`.
    pub fn of(workspace: Option<&'a WorkspaceId>) -> Self {
        workspace.map_or(Self::Service, Self::Workspace)
    }

    /// Name in the tables; empty for the service.
    pub(super) fn as_str(self) -> &'a str {
        match self {
            Self::Service => "",
            Self::Workspace(workspace) => workspace.as_str(),
        }
    }
}

/// Which entries of a log; `None` does not restrict. The texts are contained in the field, in any case of letters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AuditFilter {
    /// A part of the actor.
    pub actor: Option<String>,
    /// A part of the action.
    pub action: Option<String>,
    /// A part of the subject.
    pub subject: Option<String>,
    /// Not before this time.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub to: Option<Timestamp>,
}

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AuditEntry {
    /// 1, 2, 3 … within the log, without gaps.
    pub number: i64,
    /// When it was done.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The actor: name and id of the key, or the service itself.
    pub actor: String,
    /// The action, such as `document.put` or `key.revoke`.
    pub action: String,
    /// Subject of the action: an id or a name.
    pub subject: String,
    /// Previous value, if any.
    #[schema(value_type = Value)]
    pub before: Value,
    /// New value; null if none is recorded.
    #[schema(value_type = Value)]
    pub after: Value,
    /// SHA-256 over the entry and the previous hash, hexadecimal; empty in entries older than hashing.
    pub hash: String,
}

impl AuditEntry {
    /// The hash of the entry after the hash of the previous one.
    fn hash_after(&self, previous: &str) -> String {
        let (before, after) = (self.before.to_string(), self.after.to_string());
        sha256_hex([
            previous.as_bytes(),
            self.number.to_string().as_bytes(),
            self.at.as_millisecond().to_string().as_bytes(),
            self.actor.as_bytes(),
            self.action.as_bytes(),
            self.subject.as_bytes(),
            before.as_bytes(),
            after.as_bytes(),
        ])
    }
}

/// A change to record in the audit log.
pub struct AuditEvent {
    pub(super) action: String,
    pub(super) subject: String,
    pub(super) before: Value,
    pub(super) after: Value,
}

impl AuditEvent {
    /// A change with the name of its action (`document.put`) and the id or name of its subject.
    pub fn new(action: impl Into<String>, subject: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            subject: subject.into(),
            before: Value::Null,
            after: Value::Null,
        }
    }

    /// Adds the value before the change.
    pub fn before(self, before: impl Serialize) -> Self {
        let before = serde_json::json!(before);
        Self { before, ..self }
    }

    /// Adds the value after the change.
    pub fn after(self, after: impl Serialize) -> Self {
        let after = serde_json::json!(after);
        Self { after, ..self }
    }
}

/// Records changes in the transaction that makes them. Other transactions that write to the same log wait until it has
/// ended.
pub(super) async fn note(
    tx: &mut Transaction<'_, Any>,
    scope: Scope<'_>,
    actor: &str,
    now: Timestamp,
    acts: Vec<AuditEvent>,
) -> Result<(), StoreError> {
    if acts.is_empty() {
        return Ok(());
    }
    let scope = scope.as_str();
    let (mut number, mut hash): (i64, String) = sqlx::query_as(
        "INSERT INTO audit_heads (scope, number, hash) VALUES ($1, 0, '') \
         ON CONFLICT (scope) DO UPDATE SET number = audit_heads.number RETURNING number, hash",
    )
    .bind(scope)
    .fetch_one(&mut **tx)
    .await?;
    for act in acts {
        number += 1;
        let mut entry = AuditEntry {
            number,
            // In the stored precision, which the hash covers.
            at: time_of(now.as_millisecond())?,
            actor: actor.to_owned(),
            action: act.action,
            subject: act.subject,
            before: act.before,
            after: act.after,
            hash: String::new(),
        };
        entry.hash = entry.hash_after(&hash);
        sqlx::query(
            "INSERT INTO audit_log (scope, number, actor, action, subject, was, became, created_at, hash) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(scope)
        .bind(number)
        .bind(&entry.actor)
        .bind(&entry.action)
        .bind(&entry.subject)
        .bind(entry.before.to_string())
        .bind(entry.after.to_string())
        .bind(entry.at.as_millisecond())
        .bind(&entry.hash)
        .execute(&mut **tx)
        .await?;
        hash = entry.hash;
    }
    sqlx::query("UPDATE audit_heads SET number = $1, hash = $2 WHERE scope = $3")
        .bind(number)
        .bind(hash)
        .bind(scope)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

type AuditRow = (i64, i64, String, String, String, String, String, String);

impl Store {
    /// As [`note`], with the current actor and time.
    pub(super) async fn note(
        &self,
        tx: &mut Transaction<'_, Any>,
        scope: impl Into<Scope<'_>>,
        acts: Vec<AuditEvent>,
    ) -> Result<(), StoreError> {
        note(tx, scope.into(), &actor(), self.now(), acts).await
    }

    /// Records an action that is not a change of the store alone, with its actor.
    pub async fn audit(
        &self,
        workspace: &WorkspaceId,
        actor: &str,
        action: &str,
        subject: &str,
        after: &Value,
    ) -> Result<(), StoreError> {
        self.ensure_workspace(workspace).await?;
        let mut tx = self.begin().await?;
        let act = AuditEvent::new(action, subject).after(after);
        note(
            &mut tx,
            Scope::Workspace(workspace),
            actor,
            self.now(),
            vec![act],
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Entries of a log that a filter allows, newest first, at most `limit`; with `before`, only entries with a lower
    /// number.
    pub async fn audit_log(
        &self,
        scope: Scope<'_>,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let part =
            |text: &Option<String>| containing(&text.as_deref().unwrap_or("").to_lowercase());
        let at = |time: Option<Timestamp>, open| time.map_or(open, |time| time.as_millisecond());
        let rows: Vec<AuditRow> = sqlx::query_as(
            "SELECT number, created_at, actor, action, subject, was, became, hash FROM audit_log \
             WHERE scope = $1 AND number < $2 AND LOWER(actor) LIKE $3 ESCAPE '\\' AND LOWER(action) LIKE $4 ESCAPE '\\' \
             AND LOWER(subject) LIKE $5 ESCAPE '\\' AND created_at >= $6 AND created_at < $7 \
             ORDER BY number DESC LIMIT $8",
        )
        .bind(scope.as_str())
        .bind(before.unwrap_or(i64::MAX))
        .bind(part(&filter.actor))
        .bind(part(&filter.action))
        .bind(part(&filter.subject))
        .bind(at(filter.from, i64::MIN))
        .bind(at(filter.to, i64::MAX))
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        rows.into_iter().map(entry).collect()
    }

    /// Entries of a log with a number above `after`, oldest first, at most `limit`.
    pub async fn audit_after(
        &self,
        scope: Scope<'_>,
        after: i64,
        limit: i64,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let rows: Vec<AuditRow> = sqlx::query_as(
            "SELECT number, created_at, actor, action, subject, was, became, hash FROM audit_log \
             WHERE scope = $1 AND number > $2 ORDER BY number LIMIT $3",
        )
        .bind(scope.as_str())
        .bind(after)
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        rows.into_iter().map(entry).collect()
    }

    /// The newest entry about the live version of a document: its writing, publication, archiving or deletion. `None`
    /// if the log has none.
    pub async fn last_change_of(
        &self,
        workspace: &WorkspaceId,
        id: &DocumentId,
    ) -> Result<Option<AuditEntry>, StoreError> {
        let row: Option<AuditRow> = sqlx::query_as(
            "SELECT number, created_at, actor, action, subject, was, became, hash FROM audit_log \
             WHERE scope = $1 AND subject = $2 AND action IN \
             ('document.put', 'document.publish', 'document.archive', 'document.delete') \
             ORDER BY number DESC LIMIT 1",
        )
        .bind(workspace.as_str())
        .bind(id.as_str())
        .fetch_optional(&self.relaxed)
        .await?;
        row.map(entry).transpose()
    }

    /// Messages about missing or altered entries of a log; empty if the log is intact.
    pub async fn audit_faults(&self, scope: Scope<'_>) -> Result<Vec<String>, StoreError> {
        const PAGE: i64 = 1_000;
        let (mut last, mut hash, mut faults) = (0, String::new(), Vec::new());
        loop {
            let lines = self.audit_after(scope, last, PAGE).await?;
            for line in &lines {
                if line.number != last + 1 {
                    faults.push(format!("audit log: line {} missing", last + 1));
                }
                // Entries older than hashing precede all others.
                let is_old = hash.is_empty() && line.hash.is_empty();
                if !is_old && line.hash_after(&hash) != line.hash {
                    faults.push(format!("audit log: line {} was altered", line.number));
                }
                last = line.number;
                hash.clone_from(&line.hash);
            }
            if (lines.len() as i64) < PAGE {
                break;
            }
        }
        let head: Option<(i64, String)> =
            sqlx::query_as("SELECT number, hash FROM audit_heads WHERE scope = $1")
                .bind(scope.as_str())
                .fetch_optional(&self.relaxed)
                .await?;
        let (number, sealed) = head.unwrap_or_default();
        if (number, &sealed) != (last, &hash) {
            faults.push(format!("audit log: expected {number} lines, found {last}"));
        }
        Ok(faults)
    }
}

fn entry(row: AuditRow) -> Result<AuditEntry, StoreError> {
    let (number, at, actor, action, subject, before, after, hash) = row;
    Ok(AuditEntry {
        number,
        at: time_of(at)?,
        actor,
        action,
        subject,
        before: from_json("an audit entry", &before)?,
        after: from_json("an audit entry", &after)?,
        hash,
    })
}
