//! The desk's part of the store: the append-only log of a workspace, texts and values beside it, and what is derived from it.
//!
//! A [`DeskTx`] is one writing transaction. [`DeskTx::append`] adds an event and applies it to the derived tables at once;
//! [`Store::rebuild_desk`] applies the whole log again with the same code, so both have the same result.

mod attachments;
mod backlog;
mod conversations;
mod identities;
mod inboxes;
mod mail;
mod messages;
mod platform_files;
mod projection;

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::{Any, Transaction};

use super::{Store, StoreError, corrupt, from_json, time_of, to_json};
use ken_base::desk::{ConversationId, DeskEvent, IdentityId, InboxId, MessageId, NewEvent, Seq};
use ken_base::domain::{InvalidId, WorkspaceId};

pub use attachments::StoredFile;
pub use backlog::{DeskBacklog, Waiting};
pub use conversations::{ConversationFilter, ConversationPosition};
pub use identities::is_withdrawn;
pub use inboxes::SealedSecrets;
pub use mail::MailPosition;
pub use messages::{Delivery, DueDelivery, KnownMessage, NewMessage};
pub use projection::Projection;

/// One writing transaction on the desk. Nothing is stored before [`DeskTx::commit`].
pub struct DeskTx {
    tx: Transaction<'static, Any>,
    now: Timestamp,
    /// The newest event of each workspace that was written to.
    heads: HashMap<WorkspaceId, Seq>,
}

impl Store {
    /// Begins a writing transaction on the desk. It reads the latest committed data, and no other writing transaction runs
    /// until it ends.
    pub async fn begin_desk(&self) -> Result<DeskTx, StoreError> {
        let mut tx = self.begin().await?;
        // Takes SQLite's lock of writers before the first read: the transaction would fail if another process wrote in
        // between. Changes no row.
        sqlx::query("UPDATE desk_heads SET seq = seq WHERE workspace = ''")
            .execute(&mut *tx)
            .await?;
        Ok(DeskTx {
            tx,
            now: self.now(),
            heads: HashMap::new(),
        })
    }

    /// The number of the newest event of a workspace; 0 if there is none.
    pub async fn desk_head(&self, workspace: &WorkspaceId) -> Result<Seq, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as("SELECT seq FROM desk_heads WHERE workspace = $1")
            .bind(workspace.as_str())
            .fetch_optional(&self.relaxed)
            .await?;
        Ok(row.map_or(0, |(seq,)| seq))
    }

    /// Events of a workspace after `after`, in order, at most `limit`.
    pub async fn desk_events(
        &self,
        workspace: &WorkspaceId,
        after: Seq,
        limit: i64,
    ) -> Result<Vec<DeskEvent>, StoreError> {
        let rows: Vec<EventRow> = sqlx::query_as(EVENTS)
            .bind(workspace.as_str())
            .bind(after)
            .bind(limit)
            .fetch_all(&self.relaxed)
            .await?;
        rows.into_iter().map(event).collect()
    }

    /// Events about identities or conversations, newest first, at most `limit`, below `before`.
    pub async fn desk_events_about(
        &self,
        workspace: &WorkspaceId,
        identities: &[IdentityId],
        before: Option<Seq>,
        limit: i64,
    ) -> Result<Vec<DeskEvent>, StoreError> {
        if identities.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT seq, at, received_at, source, source_id, identity_id, conversation_id, actor, cause, fact \
             FROM desk_events WHERE workspace = $1 AND seq < $2 AND identity_id IN ({}) ORDER BY seq DESC LIMIT $3",
            super::placeholders(4, identities.len())
        );
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(before.unwrap_or(i64::MAX))
            .bind(limit);
        for identity in identities {
            query = query.bind(identity.as_str());
        }
        let rows: Vec<EventRow> = query.fetch_all(&self.relaxed).await?;
        rows.into_iter().map(event).collect()
    }

    /// Workspaces with an inbox, or that had one.
    pub async fn desk_workspaces(&self) -> Result<Vec<WorkspaceId>, StoreError> {
        let rows: Vec<(String,)> =
            sqlx::query_as("SELECT DISTINCT workspace FROM inboxes ORDER BY workspace")
                .fetch_all(&self.relaxed)
                .await?;
        let parse = |(name,): (String,)| WorkspaceId::parse(&name).map_err(invalid);
        rows.into_iter().map(parse).collect()
    }
}

impl DeskTx {
    /// The time of the transaction.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Appends an event and applies it to the derived tables. Returns its number, or `None` if the log has an event with
    /// the same source and source id already.
    pub async fn append(
        &mut self,
        workspace: &WorkspaceId,
        new: NewEvent,
    ) -> Result<Option<Seq>, StoreError> {
        if let Some(source_id) = &new.source_id
            && self.has_event(workspace, &new.source, source_id).await?
        {
            return Ok(None);
        }
        let seq = self.head(workspace).await? + 1;
        let event = DeskEvent {
            seq,
            received_at: self.now,
            event: new,
        };
        let new = &event.event;
        sqlx::query(
            "INSERT INTO desk_events (workspace, seq, at, received_at, source, source_id, identity_id, conversation_id, \
             actor, cause, fact) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(workspace.as_str())
        .bind(seq)
        .bind(new.at.as_millisecond())
        .bind(event.received_at.as_millisecond())
        .bind(&new.source)
        .bind(new.source_id.as_deref())
        .bind(new.identity_id.as_ref().map(IdentityId::as_str))
        .bind(new.conversation_id.as_ref().map(ConversationId::as_str))
        .bind(&new.actor)
        .bind(new.cause)
        .bind(to_json(&new.fact))
        .execute(&mut *self.tx)
        .await?;
        projection::apply(&mut self.tx, workspace, &event).await?;
        self.heads.insert(workspace.clone(), seq);
        Ok(Some(seq))
    }

    /// Whether the log has an event with this source and source id.
    pub async fn has_event(
        &mut self,
        workspace: &WorkspaceId,
        source: &str,
        source_id: &str,
    ) -> Result<bool, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as(
            "SELECT seq FROM desk_events WHERE workspace = $1 AND source = $2 AND source_id = $3",
        )
        .bind(workspace.as_str())
        .bind(source)
        .bind(source_id)
        .fetch_optional(&mut *self.tx)
        .await?;
        Ok(row.is_some())
    }

    async fn head(&mut self, workspace: &WorkspaceId) -> Result<Seq, StoreError> {
        if let Some(seq) = self.heads.get(workspace) {
            return Ok(*seq);
        }
        let row: Option<(i64,)> = sqlx::query_as("SELECT seq FROM desk_heads WHERE workspace = $1")
            .bind(workspace.as_str())
            .fetch_optional(&mut *self.tx)
            .await?;
        Ok(row.map_or(0, |(seq,)| seq))
    }

    /// Marks a place to which [`Attempt::undo`] returns, so that a change that fails does not fail those before it.
    pub async fn attempt(&mut self) -> Result<Attempt, StoreError> {
        sqlx::query("SAVEPOINT desk_change")
            .execute(&mut *self.tx)
            .await?;
        Ok(Attempt {
            heads: self.heads.clone(),
        })
    }

    /// Commits. Returns the workspaces with new events, and their newest.
    pub async fn commit(mut self) -> Result<Vec<(WorkspaceId, Seq)>, StoreError> {
        let heads: Vec<(WorkspaceId, Seq)> = self.heads.into_iter().collect();
        for (workspace, seq) in &heads {
            sqlx::query(
                "INSERT INTO desk_heads (workspace, seq) VALUES ($1, $2) \
                 ON CONFLICT (workspace) DO UPDATE SET seq = excluded.seq",
            )
            .bind(workspace.as_str())
            .bind(*seq)
            .execute(&mut *self.tx)
            .await?;
        }
        self.tx.commit().await?;
        Ok(heads)
    }
}

/// A change within a transaction, which can be undone without the others.
#[must_use]
pub struct Attempt {
    heads: HashMap<WorkspaceId, Seq>,
}

impl Attempt {
    /// Keeps the change.
    pub async fn keep(self, tx: &mut DeskTx) -> Result<(), StoreError> {
        sqlx::query("RELEASE SAVEPOINT desk_change")
            .execute(&mut *tx.tx)
            .await?;
        Ok(())
    }

    /// Undoes the change.
    pub async fn undo(self, tx: &mut DeskTx) -> Result<(), StoreError> {
        for sql in [
            "ROLLBACK TO SAVEPOINT desk_change",
            "RELEASE SAVEPOINT desk_change",
        ] {
            sqlx::query(sql).execute(&mut *tx.tx).await?;
        }
        tx.heads = self.heads;
        Ok(())
    }
}

/// Events after `$2` of a workspace `$1`, at most `$3`.
const EVENTS: &str = "SELECT seq, at, received_at, source, source_id, identity_id, conversation_id, actor, cause, fact \
     FROM desk_events WHERE workspace = $1 AND seq > $2 ORDER BY seq LIMIT $3";

type EventRow = (
    i64,
    i64,
    i64,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    String,
    Option<i64>,
    String,
);

fn event(row: EventRow) -> Result<DeskEvent, StoreError> {
    let (seq, at, received_at, source, source_id, identity, conversation, actor, cause, fact) = row;
    Ok(DeskEvent {
        seq,
        received_at: time_of(received_at)?,
        event: NewEvent {
            fact: from_json("an event", &fact)?,
            at: time_of(at)?,
            source,
            source_id,
            identity_id: identity.as_deref().map(identity_id).transpose()?,
            conversation_id: conversation.as_deref().map(conversation_id).transpose()?,
            actor,
            cause,
        },
    })
}

fn invalid(error: InvalidId) -> StoreError {
    corrupt("an id", &error)
}

fn identity_id(text: &str) -> Result<IdentityId, StoreError> {
    IdentityId::parse(text).map_err(invalid)
}

fn conversation_id(text: &str) -> Result<ConversationId, StoreError> {
    ConversationId::parse(text).map_err(invalid)
}

fn message_id(text: &str) -> Result<MessageId, StoreError> {
    MessageId::parse(text).map_err(invalid)
}

fn inbox_id(text: &str) -> Result<InboxId, StoreError> {
    InboxId::parse(text).map_err(invalid)
}

fn time(ms: Option<i64>) -> Result<Option<Timestamp>, StoreError> {
    ms.map(time_of).transpose()
}

fn ms(at: Option<Timestamp>) -> Option<i64> {
    at.map(|at| at.as_millisecond())
}

/// The name of a value of an enumeration, as in JSON.
fn code<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        other => unreachable!("an enumeration without data, found {other:?}"),
    }
}

/// The value of an enumeration by its name.
fn parse_code<T: DeserializeOwned>(what: &str, name: &str) -> Result<T, StoreError> {
    serde_json::from_value(serde_json::Value::String(name.to_owned()))
        .map_err(|error| corrupt(what, &error))
}
