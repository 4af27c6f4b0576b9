//! Outbound webhooks: endpoints, how far what happens was read, and what is sent.

use jiff::{SignedDuration, Timestamp};

use super::desk::SealedSecrets;
use super::{AuditEvent, Store, StoreError, corrupt, from_json, time_of, to_json};
use ken_base::domain::WorkspaceId;
use ken_base::webhook::{DisabledReason, Endpoint, EventType, Sending, SendingState};

/// An endpoint with its sealed secrets.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEndpoint {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// `secret`, and `previous` while it is replaced.
    pub secrets: SealedSecrets,
    /// When it last took an event.
    pub sent_at: Option<Timestamp>,
}

/// An event to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSending {
    /// Its id: the header `webhook-id`.
    pub id: String,
    /// The endpoint.
    pub endpoint_id: String,
    /// What happened.
    pub kind: EventType,
    /// The id of what happened: each is sent once to an endpoint.
    pub source_id: String,
    /// The body.
    pub body: String,
}

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempted<'a> {
    /// The state of the event now.
    pub state: SendingState,
    /// When it is tried next.
    pub next_at: Option<Timestamp>,
    /// A code.
    pub result: &'a str,
}

/// A recorded answer, as far as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerFact {
    /// The answer's id.
    pub id: String,
    /// When it was recorded.
    pub at: Timestamp,
    /// The name of its outcome.
    pub outcome: String,
    /// The name of its reason; empty if it has none.
    pub reason: String,
    /// The channel that it was asked on.
    pub channel: Option<String>,
    /// The conversation.
    pub conversation_id: Option<String>,
}

const ENDPOINT: &str = "SELECT workspace, id, url, types, is_enabled, disabled_reason, secrets, previous_until, created_at, sent_at \
                        FROM webhook_endpoints";
type EndpointRow = (
    String,
    String,
    String,
    String,
    i64,
    Option<String>,
    String,
    Option<i64>,
    i64,
    Option<i64>,
);

fn endpoint(row: EndpointRow) -> Result<(WorkspaceId, StoredEndpoint), StoreError> {
    let (workspace, id, url, types, is_enabled, reason, secrets, until, created, sent) = row;
    let workspace = WorkspaceId::parse(&workspace).map_err(|e| corrupt("a workspace", &e))?;
    let reason = reason.map(|name| from_json("a reason", &format!("{name:?}")));
    let endpoint = Endpoint {
        id,
        url,
        types: from_json("an endpoint's types", &types)?,
        is_enabled: is_enabled != 0,
        disabled_reason: reason.transpose()?,
        previous_secret_until: until.map(time_of).transpose()?,
        created_at: time_of(created)?,
    };
    let stored = StoredEndpoint {
        endpoint,
        secrets: from_json("an endpoint's secrets", &secrets)?,
        sent_at: sent.map(time_of).transpose()?,
    };
    Ok((workspace, stored))
}

const SENDING: &str = "SELECT workspace, id, endpoint_id, type, body, state, attempt, next_at, last_result, created_at \
                       FROM webhook_events";
type SendingRow = (
    String,
    String,
    String,
    String,
    String,
    String,
    i64,
    Option<i64>,
    Option<String>,
    i64,
);

fn sending(row: SendingRow) -> Result<(WorkspaceId, Sending), StoreError> {
    let (workspace, id, endpoint_id, kind, body, state, attempt, next_at, last_result, at) = row;
    let workspace = WorkspaceId::parse(&workspace).map_err(|e| corrupt("a workspace", &e))?;
    let wrong = |what: &str, found: &str| corrupt(what, &format!("found {found:?}"));
    let sending = Sending {
        id,
        endpoint_id,
        kind: EventType::parse(&kind).ok_or_else(|| wrong("a type of event", &kind))?,
        body,
        state: SendingState::parse(&state).ok_or_else(|| wrong("a state", &state))?,
        attempt,
        next_at: next_at.map(time_of).transpose()?,
        last_result,
        created_at: time_of(at)?,
    };
    Ok((workspace, sending))
}

impl Store {
    /// Adds or replaces an endpoint. Without secrets those that it has stay, with the time of their rotation. Returns whether it
    /// is new. What happens from now on is read for it.
    pub async fn put_webhook_endpoint(
        &self,
        workspace: &WorkspaceId,
        endpoint: &Endpoint,
        secrets: Option<&SealedSecrets>,
    ) -> Result<bool, StoreError> {
        self.ensure_workspace(workspace).await?;
        let before = self.webhook_endpoint(workspace, &endpoint.id).await?;
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO webhook_endpoints (workspace, id, url, types, is_enabled, disabled_reason, secrets, previous_until, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (workspace, id) DO UPDATE SET url = excluded.url, \
             types = excluded.types, is_enabled = excluded.is_enabled, disabled_reason = excluded.disabled_reason, \
             secrets = CASE WHEN $10 = 1 THEN excluded.secrets ELSE webhook_endpoints.secrets END, \
             previous_until = CASE WHEN $10 = 1 THEN excluded.previous_until ELSE webhook_endpoints.previous_until END",
        )
        .bind(workspace.as_str())
        .bind(&endpoint.id)
        .bind(&endpoint.url)
        .bind(to_json(&endpoint.types))
        .bind(i64::from(endpoint.is_enabled))
        .bind(endpoint.disabled_reason.map(name_of))
        .bind(to_json(secrets.unwrap_or(&SealedSecrets::new())))
        .bind(endpoint.previous_secret_until.map(Timestamp::as_millisecond))
        .bind(endpoint.created_at.as_millisecond())
        .bind(i64::from(secrets.is_some()))
        .execute(&mut *tx)
        .await?;
        let now = self.now_ms();
        for source in ["answers", "drafts"] {
            begin_reading(&mut tx, workspace, source, now).await?;
        }
        let (head,): (i64,) =
            sqlx::query_as("SELECT COALESCE((SELECT seq FROM desk_heads WHERE workspace = $1), 0)")
                .bind(workspace.as_str())
                .fetch_one(&mut *tx)
                .await?;
        begin_reading(&mut tx, workspace, "desk", head).await?;
        let mut act = AuditEvent::new("webhook.put", &endpoint.id).after(endpoint);
        if let Some(before) = &before {
            act = act.before(&before.endpoint);
        }
        self.note(&mut tx, workspace, vec![act]).await?;
        tx.commit().await?;
        Ok(before.is_none())
    }

    /// An endpoint.
    pub async fn webhook_endpoint(
        &self,
        workspace: &WorkspaceId,
        id: &str,
    ) -> Result<Option<StoredEndpoint>, StoreError> {
        let sql = format!("{ENDPOINT} WHERE workspace = $1 AND id = $2");
        let row: Option<EndpointRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(id)
            .fetch_optional(&self.relaxed)
            .await?;
        Ok(row.map(endpoint).transpose()?.map(|(_, stored)| stored))
    }

    /// The endpoints of a workspace, by id.
    pub async fn webhook_endpoints_of(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<Vec<StoredEndpoint>, StoreError> {
        let sql = format!("{ENDPOINT} WHERE workspace = $1 ORDER BY id");
        let rows: Vec<EndpointRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .fetch_all(&self.relaxed)
            .await?;
        rows.into_iter().map(|row| Ok(endpoint(row)?.1)).collect()
    }

    /// The endpoints of all workspaces, by workspace and id.
    pub async fn webhook_endpoints(
        &self,
    ) -> Result<Vec<(WorkspaceId, StoredEndpoint)>, StoreError> {
        let sql = format!("{ENDPOINT} ORDER BY workspace, id");
        let rows: Vec<EndpointRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .fetch_all(&self.relaxed)
            .await?;
        rows.into_iter().map(endpoint).collect()
    }

    /// Removes an endpoint with its events. Returns whether it existed.
    pub async fn delete_webhook_endpoint(
        &self,
        workspace: &WorkspaceId,
        id: &str,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let delete = "DELETE FROM webhook_events WHERE workspace = $1 AND endpoint_id = $2";
        for sql in [
            delete,
            "DELETE FROM webhook_endpoints WHERE workspace = $1 AND id = $2",
        ] {
            let done = sqlx::query(sql).bind(workspace.as_str()).bind(id);
            let done = done.execute(&mut *tx).await?;
            if sql != delete && done.rows_affected() == 0 {
                return Ok(false);
            }
        }
        // Without endpoints nothing is read; a later one begins with what happens then.
        sqlx::query(
            "DELETE FROM webhook_cursors WHERE workspace = $1 AND NOT EXISTS \
             (SELECT 1 FROM webhook_endpoints WHERE workspace = $1)",
        )
        .bind(workspace.as_str())
        .execute(&mut *tx)
        .await?;
        let act = AuditEvent::new("webhook.delete", id);
        self.note(&mut tx, workspace, vec![act]).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Disables an endpoint, unless it has another address by now. What waits for it has failed.
    pub async fn disable_webhook_endpoint(
        &self,
        workspace: &WorkspaceId,
        (id, url): (&str, &str),
        reason: DisabledReason,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE webhook_endpoints SET is_enabled = 0, disabled_reason = $3 \
             WHERE workspace = $1 AND id = $2 AND url = $4 AND is_enabled = 1",
        )
        .bind(workspace.as_str())
        .bind(id)
        .bind(name_of(reason))
        .bind(url)
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() > 0 {
            sqlx::query(
                "UPDATE webhook_events SET state = 'failed', next_at = NULL \
                 WHERE workspace = $1 AND endpoint_id = $2 AND state = 'waiting'",
            )
            .bind(workspace.as_str())
            .bind(id)
            .execute(&mut *tx)
            .await?;
            let act = AuditEvent::new("webhook.disable", id).after(reason);
            self.note(&mut tx, workspace, vec![act]).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Replaces the sealed secrets of endpoints, as after a change of the key that seals them.
    pub async fn reseal_webhook_endpoints(
        &self,
        sealed: &[(WorkspaceId, String, SealedSecrets)],
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for (workspace, id, secrets) in sealed {
            sqlx::query(
                "UPDATE webhook_endpoints SET secrets = $1 WHERE workspace = $2 AND id = $3",
            )
            .bind(to_json(secrets))
            .bind(workspace.as_str())
            .bind(id)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// How far a source was read; `None` if nothing is read.
    pub async fn webhook_cursor(
        &self,
        workspace: &WorkspaceId,
        source: &str,
    ) -> Result<Option<i64>, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as(
            "SELECT position FROM webhook_cursors WHERE workspace = $1 AND source = $2",
        )
        .bind(workspace.as_str())
        .bind(source)
        .fetch_optional(&self.relaxed)
        .await?;
        Ok(row.map(|(position,)| position))
    }

    /// Records what is to be sent, and how far its source was read, in one transaction. What is known is left as it is.
    pub async fn enqueue_webhooks(
        &self,
        workspace: &WorkspaceId,
        read: Option<(&str, i64)>,
        events: &[NewSending],
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let now = self.now_ms();
        for event in events {
            sqlx::query(
                "INSERT INTO webhook_events (workspace, id, endpoint_id, type, source_id, body, state, attempt, next_at, created_at) \
                 SELECT workspace, $2, id, $4, $5, $6, 'waiting', 0, CAST($7 AS BIGINT), CAST($7 AS BIGINT) FROM webhook_endpoints \
                 WHERE workspace = $1 AND id = $3 ON CONFLICT (workspace, endpoint_id, type, source_id) DO NOTHING",
            )
            .bind(workspace.as_str())
            .bind(&event.id)
            .bind(&event.endpoint_id)
            .bind(event.kind.as_str())
            .bind(&event.source_id)
            .bind(&event.body)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        }
        if let Some((source, position)) = read {
            sqlx::query(
                "UPDATE webhook_cursors SET position = $3 WHERE workspace = $1 AND source = $2",
            )
            .bind(workspace.as_str())
            .bind(source)
            .bind(position)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Events of enabled endpoints whose next attempt is due, the longest due first: at most `each` of an endpoint, so that
    /// one that hangs hides no other, and `limit` in all.
    pub async fn due_webhooks(
        &self,
        each: i64,
        limit: i64,
    ) -> Result<Vec<(WorkspaceId, Sending)>, StoreError> {
        let sql = "SELECT workspace, id, endpoint_id, type, body, state, attempt, next_at, last_result, created_at FROM ( \
                   SELECT w.*, ROW_NUMBER() OVER (PARTITION BY w.workspace, w.endpoint_id ORDER BY w.next_at, w.id) AS place \
                   FROM webhook_events w JOIN webhook_endpoints e ON e.workspace = w.workspace AND e.id = w.endpoint_id \
                   AND e.is_enabled = 1 WHERE w.next_at <= $1) due WHERE place <= $2 ORDER BY next_at, id LIMIT $3";
        let rows: Vec<SendingRow> = sqlx::query_as(sql)
            .bind(self.now_ms())
            .bind(each)
            .bind(limit)
            .fetch_all(&self.relaxed)
            .await?;
        rows.into_iter().map(sending).collect()
    }

    /// An event.
    pub async fn webhook_event(
        &self,
        workspace: &WorkspaceId,
        id: &str,
    ) -> Result<Option<Sending>, StoreError> {
        let sql = format!("{SENDING} WHERE workspace = $1 AND id = $2");
        let row: Option<SendingRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(id)
            .fetch_optional(&self.relaxed)
            .await?;
        Ok(row.map(sending).transpose()?.map(|(_, sending)| sending))
    }

    /// The events of an endpoint below a time and an id, newest first, at most `limit`.
    pub async fn webhook_events(
        &self,
        workspace: &WorkspaceId,
        endpoint: &str,
        before: Option<(Timestamp, &str)>,
        limit: i64,
    ) -> Result<Vec<Sending>, StoreError> {
        let sql = format!(
            "{SENDING} WHERE workspace = $1 AND endpoint_id = $2 AND (created_at < $3 OR (created_at = $3 AND id < $4)) \
             ORDER BY created_at DESC, id DESC LIMIT $5"
        );
        let (at, id) = before.map_or((i64::MAX, ""), |(at, id)| (at.as_millisecond(), id));
        let rows: Vec<SendingRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(endpoint)
            .bind(at)
            .bind(id)
            .bind(limit)
            .fetch_all(&self.relaxed)
            .await?;
        let sendings = rows.into_iter().map(sending);
        sendings.map(|read| Ok(read?.1)).collect()
    }

    /// Records what an attempt came to.
    pub async fn end_webhook_attempt(
        &self,
        workspace: &WorkspaceId,
        tried: &Sending,
        came: &Attempted<'_>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        // Meanwhile it may have been replayed.
        sqlx::query(
            "UPDATE webhook_events SET state = $3, attempt = $4, next_at = $5, last_result = $6 \
             WHERE workspace = $1 AND id = $2 AND attempt = $7",
        )
        .bind(workspace.as_str())
        .bind(&tried.id)
        .bind(came.state.as_str())
        .bind(tried.attempt + 1)
        .bind(came.next_at.map(Timestamp::as_millisecond))
        .bind(came.result)
        .bind(tried.attempt)
        .execute(&mut *tx)
        .await?;
        if came.state == SendingState::Sent {
            sqlx::query(
                "UPDATE webhook_endpoints SET sent_at = $3 WHERE workspace = $1 AND id = $2",
            )
            .bind(workspace.as_str())
            .bind(&tried.endpoint_id)
            .bind(self.now_ms())
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Sends events of an endpoint again with their ids: one, or all that failed since a time. Returns how many.
    pub async fn replay_webhooks(
        &self,
        workspace: &WorkspaceId,
        endpoint: &str,
        one: Option<&str>,
        since: Timestamp,
    ) -> Result<u64, StoreError> {
        let which = match one {
            Some(_) => "id = $4",
            None => "state = 'failed' AND $4 = ''",
        };
        let sql = format!(
            "UPDATE webhook_events SET state = 'waiting', attempt = 0, next_at = $3 \
             WHERE workspace = $1 AND endpoint_id = $2 AND created_at >= $5 AND {which}"
        );
        let replay = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(endpoint)
            .bind(self.now_ms())
            .bind(one.unwrap_or_default())
            .bind(since.as_millisecond());
        let act = AuditEvent::new("webhook.replay", endpoint).after(one);
        self.change(workspace, act, replay).await
    }

    /// Forgets events that are older than a time; those of gaps, which say that a gap was sent, after ten times as long. Returns
    /// how many.
    pub async fn drop_old_webhooks(&self, kept: SignedDuration) -> Result<u64, StoreError> {
        let ago = |kept| self.now().saturating_sub(kept).unwrap_or(Timestamp::MIN);
        let (before, long_before) = (ago(kept), ago(kept.saturating_mul(10)));
        let done =
            sqlx::query("DELETE FROM webhook_events WHERE created_at < $1 AND (type <> 'gap.created' OR created_at < $2)")
                .bind(before.as_millisecond())
                .bind(long_before.as_millisecond())
                .execute(&self.durable)
                .await?;
        Ok(done.rows_affected())
    }

    /// Answers recorded after a time in milliseconds and an id, oldest first, at most `limit`.
    pub async fn answer_facts_after(
        &self,
        workspace: &WorkspaceId,
        (at, id): (i64, &str),
        limit: i64,
    ) -> Result<Vec<AnswerFact>, StoreError> {
        type Row = (String, i64, String, String, Option<String>, Option<String>);
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT f.answer_id, f.created_at, f.outcome, f.reason, f.channel, a.conversation_id FROM answer_facts f \
             JOIN answers a ON a.workspace = f.workspace AND a.id = f.answer_id \
             WHERE f.workspace = $1 AND (f.created_at > $2 OR (f.created_at = $2 AND f.answer_id > $3)) \
             ORDER BY f.created_at, f.answer_id LIMIT $4",
        )
        .bind(workspace.as_str())
        .bind(at)
        .bind(id)
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        let fact = |(id, at, outcome, reason, channel, conversation_id): Row| {
            Ok(AnswerFact {
                id,
                at: time_of(at)?,
                outcome,
                reason,
                channel,
                conversation_id,
            })
        };
        rows.into_iter().map(fact).collect()
    }

    /// Ids of drafts made after a time in milliseconds and an id, with their times, oldest first, at most `limit`.
    pub async fn drafts_after(
        &self,
        workspace: &WorkspaceId,
        (at, id): (i64, &str),
        limit: i64,
    ) -> Result<Vec<(String, Timestamp)>, StoreError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT id, created_at FROM drafts WHERE workspace = $1 AND (created_at > $2 OR (created_at = $2 AND id > $3)) \
             ORDER BY created_at, id LIMIT $4",
        )
        .bind(workspace.as_str())
        .bind(at)
        .bind(id)
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        let draft = |(id, at): (String, i64)| Ok((id, time_of(at)?));
        rows.into_iter().map(draft).collect()
    }
}

/// The name of a reason in the store.
fn name_of(reason: DisabledReason) -> &'static str {
    match reason {
        DisabledReason::Gone => "gone",
        DisabledReason::Failing => "failing",
    }
}

/// Reads a source from a position on, unless it is being read.
async fn begin_reading(
    tx: &mut sqlx::Transaction<'_, sqlx::Any>,
    workspace: &WorkspaceId,
    source: &str,
    position: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO webhook_cursors (workspace, source, position) VALUES ($1, $2, $3) \
         ON CONFLICT (workspace, source) DO NOTHING",
    )
    .bind(workspace.as_str())
    .bind(source)
    .bind(position)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
