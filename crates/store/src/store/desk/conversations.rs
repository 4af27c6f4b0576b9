//! Conversations: finding the one that a message belongs to, lists, and those whose answer is due.

use jiff::Timestamp;
use sqlx::{Any, Transaction};

use super::{DeskTx, code, conversation_id, identity_id, inbox_id, ms, parse_code, time};
use crate::store::{Store, StoreError, time_of};
use ken_base::desk::{
    Conversation, ConversationId, ConversationStatus, IdentityId, InboxId, Responder, Seq,
};
use ken_base::domain::WorkspaceId;

const COLUMNS: &str = "id, inbox_id, identity_id, status, responder, assignee, continues_id, opened_at, last_in_seq, last_in_at, \
     last_out_at, last_agent_at, answered_seq, reply_due_at, waiting_since, first_response_at, resolved_at, n_reopened, \
     window_until, snoozed_until, opened_seq, seq";

/// A row of `conversations`, by the names of its columns.
struct ConversationRow {
    id: String,
    inbox_id: String,
    identity_id: String,
    status: String,
    responder: String,
    assignee: Option<String>,
    continues_id: Option<String>,
    opened_at: i64,
    last_in_seq: i64,
    last_in_at: Option<i64>,
    last_out_at: Option<i64>,
    last_agent_at: Option<i64>,
    answered_seq: i64,
    reply_due_at: Option<i64>,
    waiting_since: Option<i64>,
    first_response_at: Option<i64>,
    resolved_at: Option<i64>,
    n_reopened: i64,
    window_until: Option<i64>,
    snoozed_until: Option<i64>,
    opened_seq: i64,
    seq: i64,
}

from_row!(ConversationRow {
    id,
    inbox_id,
    identity_id,
    status,
    responder,
    assignee,
    continues_id,
    opened_at,
    last_in_seq,
    last_in_at,
    last_out_at,
    last_agent_at,
    answered_seq,
    reply_due_at,
    waiting_since,
    first_response_at,
    resolved_at,
    n_reopened,
    window_until,
    snoozed_until,
    opened_seq,
    seq,
});

fn conversation(row: ConversationRow) -> Result<Conversation, StoreError> {
    Ok(Conversation {
        id: conversation_id(&row.id)?,
        inbox_id: inbox_id(&row.inbox_id)?,
        identity_id: identity_id(&row.identity_id)?,
        status: parse_code("a conversation's status", &row.status)?,
        responder: parse_code("a responder", &row.responder)?,
        assignee: row.assignee,
        continues_id: row
            .continues_id
            .as_deref()
            .map(conversation_id)
            .transpose()?,
        opened_at: time_of(row.opened_at)?,
        last_in_seq: row.last_in_seq,
        last_in_at: time(row.last_in_at)?,
        last_out_at: time(row.last_out_at)?,
        last_agent_at: time(row.last_agent_at)?,
        answered_seq: row.answered_seq,
        reply_due_at: time(row.reply_due_at)?,
        waiting_since: time(row.waiting_since)?,
        first_response_at: time(row.first_response_at)?,
        resolved_at: time(row.resolved_at)?,
        n_reopened: row.n_reopened,
        window_until: time(row.window_until)?,
        snoozed_until: time(row.snoozed_until)?,
        opened_seq: row.opened_seq,
        seq: row.seq,
    })
}

/// A conversation by its id, in a transaction.
pub(super) async fn conversation_in(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    id: &ConversationId,
) -> Result<Option<Conversation>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM conversations WHERE workspace = $1 AND id = $2");
    let row: Option<ConversationRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(workspace.as_str())
        .bind(id.as_str())
        .fetch_optional(&mut **tx)
        .await?;
    row.map(conversation).transpose()
}

pub(super) async fn insert_conversation(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    new: &Conversation,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO conversations (workspace, id, inbox_id, identity_id, status, responder, continues_id, opened_at, \
         opened_seq, last_in_seq, answered_seq, n_reopened, seq) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, 0, $9)",
    )
    .bind(workspace.as_str())
    .bind(new.id.as_str())
    .bind(new.inbox_id.as_str())
    .bind(new.identity_id.as_str())
    .bind(code(&new.status))
    .bind(code(&new.responder))
    .bind(new.continues_id.as_ref().map(ConversationId::as_str))
    .bind(new.opened_at.as_millisecond())
    .bind(new.seq)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Writes what events change.
pub(super) async fn update_conversation(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    of: &Conversation,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE conversations SET status = $1, responder = $2, assignee = $3, last_in_seq = $4, last_in_at = $5, \
         last_out_at = $6, last_agent_at = $7, answered_seq = $8, reply_due_at = $9, waiting_since = $10, \
         first_response_at = $11, resolved_at = $12, n_reopened = $13, window_until = $14, snoozed_until = $15, seq = $16 \
         WHERE workspace = $17 AND id = $18",
    )
    .bind(code(&of.status))
    .bind(code(&of.responder))
    .bind(of.assignee.as_deref())
    .bind(of.last_in_seq)
    .bind(ms(of.last_in_at))
    .bind(ms(of.last_out_at))
    .bind(ms(of.last_agent_at))
    .bind(of.answered_seq)
    .bind(ms(of.reply_due_at))
    .bind(ms(of.waiting_since))
    .bind(ms(of.first_response_at))
    .bind(ms(of.resolved_at))
    .bind(of.n_reopened)
    .bind(ms(of.window_until))
    .bind(ms(of.snoozed_until))
    .bind(of.seq)
    .bind(workspace.as_str())
    .bind(of.id.as_str())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Which conversations to list; `None` does not restrict.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConversationFilter {
    /// The status.
    pub status: Option<ConversationStatus>,
    /// Who answers.
    pub responder: Option<Responder>,
    /// The inbox.
    pub inbox: Option<InboxId>,
    /// The agent who has it.
    pub assignee: Option<String>,
    /// Any identity of the customer.
    pub customer: Option<IdentityId>,
}

/// The position of a conversation in a list: its newest event.
pub type ConversationPosition = Seq;

impl DeskTx {
    /// A conversation by its id.
    pub async fn conversation(
        &mut self,
        workspace: &WorkspaceId,
        id: &ConversationId,
    ) -> Result<Option<Conversation>, StoreError> {
        conversation_in(&mut self.tx, workspace, id).await
    }

    /// The newest conversation of an identity on an inbox.
    pub async fn newest_conversation(
        &mut self,
        workspace: &WorkspaceId,
        identity: &IdentityId,
        inbox: &InboxId,
    ) -> Result<Option<Conversation>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM conversations WHERE workspace = $1 AND identity_id = $2 AND inbox_id = $3 \
             ORDER BY opened_seq DESC LIMIT 1"
        );
        let row: Option<ConversationRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(identity.as_str())
            .bind(inbox.as_str())
            .fetch_optional(&mut *self.tx)
            .await?;
        row.map(conversation).transpose()
    }

    /// The conversation of a customer, on any inbox, in which the customer wrote last.
    pub async fn newest_of_customer(
        &mut self,
        workspace: &WorkspaceId,
        customer: &IdentityId,
    ) -> Result<Option<Conversation>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM conversations WHERE workspace = $1 AND last_in_seq > 0 AND identity_id IN \
             (SELECT id FROM identities WHERE workspace = $1 AND customer_id = $2) ORDER BY last_in_seq DESC LIMIT 1"
        );
        let row: Option<ConversationRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(customer.as_str())
            .fetch_optional(&mut *self.tx)
            .await?;
        row.map(conversation).transpose()
    }

    /// Ids of the conversations of some identities.
    pub async fn conversations_of(
        &mut self,
        workspace: &WorkspaceId,
        identity: &IdentityId,
    ) -> Result<Vec<Conversation>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM conversations WHERE workspace = $1 AND identity_id = $2 ORDER BY opened_seq"
        );
        let rows: Vec<ConversationRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(identity.as_str())
            .fetch_all(&mut *self.tx)
            .await?;
        rows.into_iter().map(conversation).collect()
    }
}

impl Store {
    /// A conversation by its id.
    pub async fn conversation(
        &self,
        workspace: &WorkspaceId,
        id: &ConversationId,
    ) -> Result<Option<Conversation>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM conversations WHERE workspace = $1 AND id = $2");
        let row: Option<ConversationRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(id.as_str())
            .fetch_optional(&self.relaxed)
            .await?;
        row.map(conversation).transpose()
    }

    /// Conversations that a filter allows, with the newest event first, below `before`, at most `limit`.
    pub async fn conversations(
        &self,
        workspace: &WorkspaceId,
        filter: &ConversationFilter,
        before: Option<ConversationPosition>,
        limit: i64,
    ) -> Result<Vec<Conversation>, StoreError> {
        let mut conditions = vec!["workspace = $1".to_owned(), "seq < $2".to_owned()];
        let mut values = Vec::new();
        let mut add = |condition: &str, value: String| {
            values.push(value);
            conditions.push(condition.replace('?', &format!("${}", values.len() + 3)));
        };
        if let Some(status) = &filter.status {
            add("status = ?", code(status));
        }
        if let Some(responder) = &filter.responder {
            add("responder = ?", code(responder));
        }
        if let Some(inbox) = &filter.inbox {
            add("inbox_id = ?", inbox.to_string());
        }
        if let Some(assignee) = &filter.assignee {
            add("assignee = ?", assignee.clone());
        }
        if let Some(customer) = &filter.customer {
            add(
                "identity_id IN (SELECT id FROM identities WHERE workspace = $1 AND customer_id = \
                 (SELECT customer_id FROM identities WHERE workspace = $1 AND id = ?))",
                customer.to_string(),
            );
        }
        let sql = format!(
            "SELECT {COLUMNS} FROM conversations WHERE {} ORDER BY seq DESC LIMIT $3",
            conditions.join(" AND ")
        );
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(before.unwrap_or(i64::MAX))
            .bind(limit);
        for value in values {
            query = query.bind(value);
        }
        let rows: Vec<ConversationRow> = query.fetch_all(&self.relaxed).await?;
        rows.into_iter().map(conversation).collect()
    }

    /// Conversations whose answer is due, the longest due first, at most `limit`; and when the next one is due.
    pub async fn due_replies(
        &self,
        at: Timestamp,
        limit: i64,
    ) -> Result<Vec<(WorkspaceId, ConversationId)>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT workspace, id FROM conversations WHERE reply_due_at <= $1 ORDER BY reply_due_at LIMIT $2",
        )
        .bind(at.as_millisecond())
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        let parse = |(workspace, id): (String, String)| {
            let workspace = WorkspaceId::parse(&workspace).map_err(super::invalid)?;
            Ok((workspace, conversation_id(&id)?))
        };
        rows.into_iter().map(parse).collect()
    }

    /// When the next answer, delivery or file is due after a time; `None` if nothing is.
    pub async fn next_desk_work(&self, after: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let (reply, delivery, file): (Option<i64>, Option<i64>, Option<i64>) = sqlx::query_as(
            "SELECT (SELECT MIN(reply_due_at) FROM conversations WHERE reply_due_at > $1), \
             (SELECT MIN(next_at) FROM deliveries WHERE next_at > $1), \
             (SELECT MIN(next_at) FROM platform_files WHERE next_at > $1)",
        )
        .bind(after.as_millisecond())
        .fetch_one(&self.relaxed)
        .await?;
        time([reply, delivery, file].into_iter().flatten().min())
    }
}
