//! Messages and their deliveries.

use jiff::Timestamp;

use super::{DeskTx, code, conversation_id, message_id, ms, parse_code, time};
use crate::store::{MAX_IN, Store, StoreError, from_json, placeholders, time_of, to_json};
use ken_base::desk::{
    Author, AuthorKind, ConsentPurpose, ConversationId, DeliveryRoute, DeliveryState, Direction,
    IdentityId, InboxId, Message, MessageId, Part, Seq,
};
use ken_base::domain::WorkspaceId;

/// A message to store beside its event.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMessage<'a> {
    /// The message's id.
    pub id: &'a MessageId,
    /// Its conversation.
    pub conversation_id: &'a ConversationId,
    /// The event that adds it.
    pub seq: Seq,
    /// The inbox of its conversation.
    pub inbox_id: &'a InboxId,
    /// Its direction.
    pub direction: Direction,
    /// Who wrote it.
    pub author: &'a Author,
    /// What it consists of.
    pub parts: &'a [Part],
    /// The channel's id of it.
    pub provider_message_id: Option<&'a str>,
    /// When it was written.
    pub at: Timestamp,
    /// The answer that it is.
    pub answer_id: Option<&'a str>,
}

/// A delivery and what is delivered.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The message.
    pub message: Message,
    /// The inbox it goes out by.
    pub inbox_id: InboxId,
    /// How it is delivered.
    pub route: DeliveryRoute,
    /// Its state.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempt: i64,
    /// When it expires undelivered.
    pub not_after: Option<Timestamp>,
}

/// A message that a channel delivered before.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownMessage {
    /// The message's id.
    pub id: MessageId,
    /// Its conversation.
    pub conversation_id: ConversationId,
    /// The event that added it.
    pub seq: Seq,
    /// The version of its text; 0 if it has no versions.
    pub revision: u32,
    /// Its direction.
    pub direction: Direction,
}

/// A delivery that is due.
#[derive(Debug, Clone, PartialEq)]
pub struct DueDelivery {
    /// Who wrote the message.
    pub author: AuthorKind,
    /// How it is delivered.
    pub route: DeliveryRoute,
    /// How often it was tried.
    pub attempt: i64,
    /// When it expires undelivered.
    pub not_after: Option<Timestamp>,
    /// Its conversation.
    pub conversation_id: ConversationId,
}

const MESSAGE: &str = "SELECT m.id, m.conversation_id, m.seq, m.direction, m.author_kind, m.author_id, m.parts, \
     m.provider_message_id, m.at, m.answer_id, d.state, m.erased_at FROM messages m \
     LEFT JOIN deliveries d ON d.workspace = m.workspace AND d.message_id = m.id";

type MessageRow = (
    String,
    String,
    i64,
    String,
    String,
    String,
    String,
    Option<String>,
    i64,
    Option<String>,
    Option<String>,
    Option<i64>,
);

fn message(row: MessageRow) -> Result<Message, StoreError> {
    let (
        id,
        conversation,
        seq,
        direction,
        author_kind,
        author_id,
        parts,
        provider,
        at,
        answer,
        state,
        erased,
    ) = row;
    let state = state.as_deref();
    Ok(Message {
        id: message_id(&id)?,
        conversation_id: conversation_id(&conversation)?,
        seq,
        direction: parse_code("a direction", &direction)?,
        author: Author {
            kind: parse_code("an author", &author_kind)?,
            id: author_id,
        },
        parts: from_json("a message", &parts)?,
        provider_message_id: provider,
        at: time_of(at)?,
        answer_id: answer,
        delivery: state
            .map(|state| parse_code("a delivery's state", state))
            .transpose()?,
        erased_at: time(erased)?,
    })
}

impl DeskTx {
    /// Stores a message beside its event.
    pub async fn add_message(
        &mut self,
        workspace: &WorkspaceId,
        new: NewMessage<'_>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO messages (workspace, id, conversation_id, seq, inbox_id, direction, author_kind, author_id, parts, \
             provider_message_id, at, answer_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(workspace.as_str())
        .bind(new.id.as_str())
        .bind(new.conversation_id.as_str())
        .bind(new.seq)
        .bind(new.inbox_id.as_str())
        .bind(code(&new.direction))
        .bind(code(&new.author.kind))
        .bind(&new.author.id)
        .bind(to_json(&new.parts))
        .bind(new.provider_message_id)
        .bind(new.at.as_millisecond())
        .bind(new.answer_id)
        .execute(&mut *self.tx)
        .await?;
        self.attach(workspace, new.id, new.parts).await
    }

    /// Keeps the platform's token for a free reply in a conversation, in place of an earlier one.
    pub async fn put_reply_token(
        &mut self,
        workspace: &WorkspaceId,
        conversation: &ConversationId,
        token: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO reply_tokens (workspace, conversation_id, token, at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (workspace, conversation_id) DO UPDATE SET token = excluded.token, at = excluded.at",
        )
        .bind(workspace.as_str())
        .bind(conversation.as_str())
        .bind(token)
        .bind(self.now.as_millisecond())
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Takes the token for a free reply in a conversation, with the time when it came. It is used once.
    pub async fn take_reply_token(
        &mut self,
        workspace: &WorkspaceId,
        conversation: &ConversationId,
    ) -> Result<Option<(String, Timestamp)>, StoreError> {
        let row: Option<(String, i64)> = sqlx::query_as(
            "DELETE FROM reply_tokens WHERE workspace = $1 AND conversation_id = $2 RETURNING token, at",
        )
        .bind(workspace.as_str())
        .bind(conversation.as_str())
        .fetch_optional(&mut *self.tx)
        .await?;
        row.map(|(token, at)| Ok((token, time_of(at)?))).transpose()
    }

    /// The message of an inbox with a channel's id.
    pub async fn message_by_provider_id(
        &mut self,
        workspace: &WorkspaceId,
        inbox: &InboxId,
        provider_message_id: &str,
    ) -> Result<Option<KnownMessage>, StoreError> {
        let row: Option<(String, String, i64, i64, String)> = sqlx::query_as(
            "SELECT id, conversation_id, seq, revision, direction FROM messages \
             WHERE workspace = $1 AND inbox_id = $2 AND provider_message_id = $3",
        )
        .bind(workspace.as_str())
        .bind(inbox.as_str())
        .bind(provider_message_id)
        .fetch_optional(&mut *self.tx)
        .await?;
        row.map(|(id, conversation, seq, revision, direction)| {
            Ok(KnownMessage {
                id: message_id(&id)?,
                conversation_id: conversation_id(&conversation)?,
                seq,
                revision: u32::try_from(revision).unwrap_or(u32::MAX),
                direction: parse_code("a direction", &direction)?,
            })
        })
        .transpose()
    }

    /// Sets the version of a message's text, and replaces the text if parts are given.
    pub async fn revise_message(
        &mut self,
        workspace: &WorkspaceId,
        id: &MessageId,
        revision: u32,
        parts: Option<&[Part]>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE messages SET revision = $1, parts = COALESCE($2, parts) \
             WHERE workspace = $3 AND id = $4 AND erased_at IS NULL",
        )
        .bind(i64::from(revision))
        .bind(parts.map(|parts| to_json(&parts)))
        .bind(workspace.as_str())
        .bind(id.as_str())
        .execute(&mut *self.tx)
        .await?;
        match parts {
            Some(parts) => self.attach(workspace, id, parts).await,
            None => Ok(()),
        }
    }

    /// Messages of a conversation whose first attempt has not begun: those of one kind of author, or all.
    pub async fn queued_of(
        &mut self,
        workspace: &WorkspaceId,
        conversation: &ConversationId,
        author: Option<AuthorKind>,
    ) -> Result<Vec<(MessageId, i64)>, StoreError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT message_id, attempt FROM deliveries WHERE workspace = $1 AND conversation_id = $2 AND state = 'queued' \
             AND author_kind = COALESCE($3, author_kind)",
        )
        .bind(workspace.as_str())
        .bind(conversation.as_str())
        .bind(author.map(|author| code(&author)))
        .fetch_all(&mut *self.tx)
        .await?;
        rows.iter()
            .map(|(id, attempt)| Ok((message_id(id)?, *attempt)))
            .collect()
    }

    /// A delivery that is due: its route, the number of its attempts, when it expires, and its conversation.
    pub async fn due_delivery(
        &mut self,
        workspace: &WorkspaceId,
        id: &MessageId,
    ) -> Result<Option<DueDelivery>, StoreError> {
        let row: Option<(String, i64, Option<i64>, String, String)> = sqlx::query_as(
            "SELECT route, attempt, not_after, conversation_id, author_kind FROM deliveries WHERE workspace = $1 AND message_id = $2 \
             AND next_at <= $3",
        )
        .bind(workspace.as_str())
        .bind(id.as_str())
        .bind(self.now.as_millisecond())
        .fetch_optional(&mut *self.tx)
        .await?;
        row.map(|(route, attempt, not_after, conversation, author)| {
            Ok(DueDelivery {
                author: parse_code("an author", &author)?,
                route: parse_code("a route", &route)?,
                attempt,
                not_after: time(not_after)?,
                conversation_id: conversation_id(&conversation)?,
            })
        })
        .transpose()
    }

    /// The state of a delivery, the number of its attempts, and its conversation.
    pub async fn delivery(
        &mut self,
        workspace: &WorkspaceId,
        id: &MessageId,
    ) -> Result<Option<(DeliveryState, i64, ConversationId)>, StoreError> {
        let row: Option<(String, i64, String)> = sqlx::query_as(
            "SELECT state, attempt, conversation_id FROM deliveries WHERE workspace = $1 AND message_id = $2",
        )
        .bind(workspace.as_str())
        .bind(id.as_str())
        .fetch_optional(&mut *self.tx)
        .await?;
        row.map(|(state, attempt, conversation)| {
            Ok((
                parse_code("a delivery's state", &state)?,
                attempt,
                conversation_id(&conversation)?,
            ))
        })
        .transpose()
    }

    /// Empties a message that the customer withdrew. Its id at the channel stays, so that it is not stored again.
    pub async fn withdraw_message(
        &mut self,
        workspace: &WorkspaceId,
        id: &MessageId,
    ) -> Result<(), StoreError> {
        self.detach_message(workspace, id).await?;
        sqlx::query(
            "UPDATE messages SET parts = '[]', erased_at = $1 WHERE workspace = $2 AND id = $3 AND erased_at IS NULL",
        )
        .bind(self.now.as_millisecond())
        .bind(workspace.as_str())
        .bind(id.as_str())
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// When a consent was last given or withdrawn, by the clock of its source; `None` if it never was.
    pub async fn consent_at(
        &mut self,
        workspace: &WorkspaceId,
        identity: &IdentityId,
        purpose: ConsentPurpose,
    ) -> Result<Option<Timestamp>, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as(
            "SELECT e.at FROM consents c JOIN desk_events e ON e.workspace = c.workspace AND e.seq = c.seq \
             WHERE c.workspace = $1 AND c.identity_id = $2 AND c.purpose = $3",
        )
        .bind(workspace.as_str())
        .bind(identity.as_str())
        .bind(code(&purpose))
        .fetch_optional(&mut *self.tx)
        .await?;
        time(row.map(|(at,)| at))
    }

    /// Empties the messages of a conversation that were written before a time, or all. Files that no other message has are
    /// marked for removal. Returns the ids of their answers.
    pub async fn erase_messages(
        &mut self,
        workspace: &WorkspaceId,
        conversation: &ConversationId,
        before: Option<Timestamp>,
    ) -> Result<Vec<String>, StoreError> {
        let before = ms(before).unwrap_or(i64::MAX);
        let answers: Vec<(String,)> = sqlx::query_as(
            "SELECT answer_id FROM messages WHERE workspace = $1 AND conversation_id = $2 AND at < $3 AND erased_at IS NULL \
             AND answer_id IS NOT NULL",
        )
        .bind(workspace.as_str())
        .bind(conversation.as_str())
        .bind(before)
        .fetch_all(&mut *self.tx)
        .await?;
        self.detach(workspace, conversation, before).await?;
        sqlx::query("DELETE FROM reply_tokens WHERE workspace = $1 AND conversation_id = $2")
            .bind(workspace.as_str())
            .bind(conversation.as_str())
            .execute(&mut *self.tx)
            .await?;
        sqlx::query(
            "UPDATE messages SET parts = '[]', provider_message_id = NULL, answer_id = NULL, erased_at = $1 \
             WHERE workspace = $2 AND conversation_id = $3 AND at < $4 AND erased_at IS NULL",
        )
        .bind(self.now.as_millisecond())
        .bind(workspace.as_str())
        .bind(conversation.as_str())
        .bind(before)
        .execute(&mut *self.tx)
        .await?;
        Ok(answers.into_iter().map(|(id,)| id).collect())
    }
}

impl Store {
    /// How many messages a conversation's platform has taken since an event.
    pub async fn sent_since(
        &self,
        workspace: &WorkspaceId,
        conversation: &ConversationId,
        since: Seq,
    ) -> Result<i64, StoreError> {
        let (n,): (i64,) = sqlx::query_as(
            "SELECT COUNT(*) FROM deliveries d JOIN messages m ON m.workspace = d.workspace AND m.id = d.message_id \
             WHERE d.workspace = $1 AND d.conversation_id = $2 AND m.seq > $3 AND d.state IN ('accepted', 'delivered', 'read')",
        )
        .bind(workspace.as_str())
        .bind(conversation.as_str())
        .bind(since)
        .fetch_one(&self.relaxed)
        .await?;
        Ok(n)
    }

    /// Messages of a conversation after a position, by the time they were written, at most `limit`. A position is the time
    /// and the event of a message.
    pub async fn messages(
        &self,
        workspace: &WorkspaceId,
        conversation: &ConversationId,
        after: Option<(Timestamp, Seq)>,
        limit: i64,
    ) -> Result<Vec<Message>, StoreError> {
        let (at, seq) = after.map_or((i64::MIN, 0), |(at, seq)| (at.as_millisecond(), seq));
        let sql = format!(
            "{MESSAGE} WHERE m.workspace = $1 AND m.conversation_id = $2 AND (m.at > $3 OR (m.at = $3 AND m.seq > $4)) \
             ORDER BY m.at, m.seq LIMIT $5"
        );
        let rows: Vec<MessageRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(conversation.as_str())
            .bind(at)
            .bind(seq)
            .bind(limit)
            .fetch_all(&self.relaxed)
            .await?;
        rows.into_iter().map(message).collect()
    }

    /// When the newest message of a customer on an inbox was written, by the channel's clock; `None` if there is none. Not
    /// what was erased.
    pub async fn newest_inbound(
        &self,
        workspace: &WorkspaceId,
        inbox: &InboxId,
    ) -> Result<Option<Timestamp>, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as(
            "SELECT at FROM messages WHERE workspace = $1 AND inbox_id = $2 AND direction = 'in' AND erased_at IS NULL \
             ORDER BY at DESC LIMIT 1",
        )
        .bind(workspace.as_str())
        .bind(inbox.as_str())
        .fetch_optional(&self.relaxed)
        .await?;
        row.map(|(at,)| time_of(at)).transpose()
    }

    /// Conversations of an inbox with a message that was written before a time and is not erased, at most `limit`.
    pub async fn conversations_with_messages_before(
        &self,
        workspace: &WorkspaceId,
        inbox: &InboxId,
        before: Timestamp,
        limit: i64,
    ) -> Result<Vec<ConversationId>, StoreError> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT DISTINCT conversation_id FROM messages \
             WHERE workspace = $1 AND inbox_id = $2 AND at < $3 AND erased_at IS NULL LIMIT $4",
        )
        .bind(workspace.as_str())
        .bind(inbox.as_str())
        .bind(before.as_millisecond())
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        rows.iter().map(|(id,)| conversation_id(id)).collect()
    }

    /// Messages to the customers of an inbox that its channel reads from the API, after an event, in the order of the log, at
    /// most `limit`. Not what was cancelled, expired, failed or erased, nor what a person wrote on the channel's own app.
    pub async fn outbound_messages(
        &self,
        workspace: &WorkspaceId,
        inbox: &InboxId,
        after: Seq,
        limit: i64,
    ) -> Result<Vec<Message>, StoreError> {
        let sql = format!(
            "{MESSAGE} WHERE m.workspace = $1 AND m.inbox_id = $2 AND m.direction = 'out' AND m.seq > $3 AND d.route = 'pull' \
             AND d.state NOT IN ('cancelled', 'expired', 'failed') AND m.erased_at IS NULL ORDER BY m.seq LIMIT $4"
        );
        let rows: Vec<MessageRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(inbox.as_str())
            .bind(after)
            .bind(limit)
            .fetch_all(&self.relaxed)
            .await?;
        rows.into_iter().map(message).collect()
    }

    /// Answers of an inbox that were made in the shadow since a time, newest first, at most `limit`; not what was erased.
    pub async fn shadow_messages(
        &self,
        workspace: &WorkspaceId,
        inbox: &InboxId,
        since: Timestamp,
        limit: i64,
    ) -> Result<Vec<Message>, StoreError> {
        let sql = format!(
            "{MESSAGE} WHERE m.workspace = $1 AND m.inbox_id = $2 AND m.at >= $3 AND m.direction = 'shadow' \
             AND m.erased_at IS NULL ORDER BY m.at DESC, m.seq DESC LIMIT $4"
        );
        let rows: Vec<MessageRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(inbox.as_str())
            .bind(since.as_millisecond())
            .bind(limit)
            .fetch_all(&self.relaxed)
            .await?;
        rows.into_iter().map(message).collect()
    }

    /// What some identities wrote on an inbox and what was sent to them, after an event, in the order of the log, at most
    /// `limit`. Without what was cancelled, failed or erased.
    pub async fn messages_with(
        &self,
        workspace: &WorkspaceId,
        inbox: &InboxId,
        identities: &[IdentityId],
        after: Seq,
        limit: i64,
    ) -> Result<Vec<Message>, StoreError> {
        if identities.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "{MESSAGE} JOIN conversations c ON c.workspace = m.workspace AND c.id = m.conversation_id \
             WHERE m.workspace = $1 AND m.inbox_id = $2 AND m.seq > $3 AND m.direction IN ('in', 'out') AND m.erased_at IS NULL \
             AND (d.state IS NULL OR d.state NOT IN ('cancelled', 'expired', 'failed')) AND c.identity_id IN ({}) \
             ORDER BY m.seq LIMIT $4",
            placeholders(5, identities.len())
        );
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(inbox.as_str())
            .bind(after)
            .bind(limit);
        for identity in identities {
            query = query.bind(identity.as_str());
        }
        let rows: Vec<MessageRow> = query.fetch_all(&self.relaxed).await?;
        rows.into_iter().map(message).collect()
    }

    /// What the customer wrote in a conversation after one event and up to another, by the time it was written: the last
    /// `limit` to arrive.
    pub async fn waiting_messages(
        &self,
        workspace: &WorkspaceId,
        conversation: &ConversationId,
        after: Seq,
        up_to: Seq,
        limit: i64,
    ) -> Result<Vec<Message>, StoreError> {
        let sql = format!(
            "{MESSAGE} WHERE m.workspace = $1 AND m.conversation_id = $2 AND m.direction = 'in' AND m.seq > $3 AND m.seq <= $4 \
             ORDER BY m.seq DESC LIMIT $5"
        );
        let rows: Vec<MessageRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(conversation.as_str())
            .bind(after)
            .bind(up_to)
            .bind(limit)
            .fetch_all(&self.relaxed)
            .await?;
        let mut found: Vec<Message> = rows.into_iter().map(message).collect::<Result<_, _>>()?;
        found.sort_by_key(|message| (message.at, message.seq));
        Ok(found)
    }

    /// The last messages of a conversation that were added up to an event, oldest first, at most `limit`.
    pub async fn newest_messages(
        &self,
        workspace: &WorkspaceId,
        conversation: &ConversationId,
        up_to: Seq,
        limit: i64,
    ) -> Result<Vec<Message>, StoreError> {
        let sql = format!(
            "{MESSAGE} WHERE m.workspace = $1 AND m.conversation_id = $2 AND m.seq <= $3 ORDER BY m.at DESC, m.seq DESC LIMIT $4"
        );
        let rows: Vec<MessageRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(conversation.as_str())
            .bind(up_to)
            .bind(limit)
            .fetch_all(&self.relaxed)
            .await?;
        rows.into_iter().rev().map(message).collect()
    }

    /// Messages by their ids, in no order.
    pub async fn messages_by_id(
        &self,
        workspace: &WorkspaceId,
        ids: &[MessageId],
    ) -> Result<Vec<Message>, StoreError> {
        let mut found = Vec::with_capacity(ids.len());
        for some in ids.chunks(MAX_IN) {
            let sql = format!(
                "{MESSAGE} WHERE m.workspace = $1 AND m.id IN ({})",
                placeholders(2, some.len())
            );
            let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(workspace.as_str());
            for id in some {
                query = query.bind(id.as_str());
            }
            let rows: Vec<MessageRow> = query.fetch_all(&self.relaxed).await?;
            for row in rows {
                found.push(message(row)?);
            }
        }
        Ok(found)
    }

    /// Deliveries that are due, the longest due first, at most `limit`.
    pub async fn due_deliveries(
        &self,
        at: Timestamp,
        limit: i64,
    ) -> Result<Vec<(WorkspaceId, MessageId)>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT workspace, message_id FROM deliveries WHERE next_at <= $1 ORDER BY next_at LIMIT $2",
        )
        .bind(at.as_millisecond())
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        let parse = |(workspace, id): (String, String)| {
            let workspace = WorkspaceId::parse(&workspace).map_err(super::invalid)?;
            Ok((workspace, message_id(&id)?))
        };
        rows.into_iter().map(parse).collect()
    }

    /// Deliveries of which an attempt is under way.
    pub async fn deliveries_under_way(&self) -> Result<Vec<(WorkspaceId, MessageId)>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT workspace, message_id FROM deliveries WHERE next_at IS NOT NULL AND state = 'sending'",
        )
        .fetch_all(&self.relaxed)
        .await?;
        let parse = |(workspace, id): (String, String)| {
            let workspace = WorkspaceId::parse(&workspace).map_err(super::invalid)?;
            Ok((workspace, message_id(&id)?))
        };
        rows.into_iter().map(parse).collect()
    }

    /// A delivery with its message.
    pub async fn delivery(
        &self,
        workspace: &WorkspaceId,
        id: &MessageId,
    ) -> Result<Option<Delivery>, StoreError> {
        let Some(message) = self
            .messages_by_id(workspace, std::slice::from_ref(id))
            .await?
            .pop()
        else {
            return Ok(None);
        };
        let row: Option<(String, String, i64, Option<i64>, String)> = sqlx::query_as(
            "SELECT d.route, d.state, d.attempt, d.not_after, m.inbox_id FROM deliveries d JOIN messages m \
             ON m.workspace = d.workspace AND m.id = d.message_id WHERE d.workspace = $1 AND d.message_id = $2",
        )
        .bind(workspace.as_str())
        .bind(id.as_str())
        .fetch_optional(&self.relaxed)
        .await?;
        row.map(|(route, state, attempt, not_after, inbox)| {
            Ok(Delivery {
                message,
                inbox_id: super::inbox_id(&inbox)?,
                route: parse_code("a route", &route)?,
                state: parse_code("a delivery's state", &state)?,
                attempt,
                not_after: time(not_after)?,
            })
        })
        .transpose()
    }
}
