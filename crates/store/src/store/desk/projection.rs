//! What is derived from the log: each event changes the tables by the same code when it is appended and at a rebuild.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::{Any, Row, Transaction};

use super::conversations::{conversation_in, insert_conversation, update_conversation};
use super::{DeskTx, EVENTS, EventRow, code, event, ms};
use crate::store::{MAX_IN, Store, StoreError, placeholders};
use ken_base::desk::{
    Conversation, ConversationId, DeliveryRoute, DeliveryState, DeskEvent, Fact, IdentityId,
    LinkState,
};
use ken_base::domain::WorkspaceId;

/// Rows of the derived tables by table, each as text.
pub type Projection = BTreeMap<&'static str, BTreeSet<String>>;

/// How many events of a rebuild are read at once.
const PAGE: i64 = 1_000;

/// A derived table: its columns of text and of numbers, without the workspace.
struct Table {
    name: &'static str,
    texts: &'static [&'static str],
    numbers: &'static [&'static str],
}

const TABLES: [Table; 6] = [
    Table {
        name: "identities",
        texts: &["id", "kind", "verified_by", "customer_id"],
        numbers: &["created_seq", "created_at", "erased_at"],
    },
    Table {
        name: "identity_links",
        texts: &["a", "b", "basis"],
        numbers: &["seq"],
    },
    Table {
        name: "identity_claims",
        texts: &["a", "b", "basis", "state"],
        numbers: &["seq"],
    },
    Table {
        name: "conversations",
        texts: &[
            "id",
            "inbox_id",
            "identity_id",
            "status",
            "responder",
            "assignee",
            "continues_id",
        ],
        numbers: &[
            "opened_at",
            "opened_seq",
            "last_in_seq",
            "last_in_at",
            "last_out_at",
            "last_agent_at",
            "answered_seq",
            "reply_due_at",
            "waiting_since",
            "first_response_at",
            "resolved_at",
            "n_reopened",
            "window_until",
            "snoozed_until",
            "seq",
        ],
    },
    Table {
        name: "deliveries",
        texts: &[
            "message_id",
            "conversation_id",
            "route",
            "author_kind",
            "state",
            "error",
        ],
        numbers: &["attempt", "next_at", "not_after", "seq"],
    },
    Table {
        name: "consents",
        texts: &["identity_id", "purpose", "basis"],
        numbers: &["granted", "seq"],
    },
];

impl Store {
    /// Makes the derived tables of a workspace again from the log. Returns the number of events.
    pub async fn rebuild_desk(&self, workspace: &WorkspaceId) -> Result<i64, StoreError> {
        let mut tx = self.begin_fill().await?;
        let n_events = rebuild(&mut tx, workspace).await?;
        tx.commit().await?;
        Ok(n_events)
    }

    /// Compares the derived tables of a workspace with what the log says. Returns a message for each difference. Other
    /// writers wait meanwhile.
    pub async fn desk_faults(&self, workspace: &WorkspaceId) -> Result<Vec<String>, StoreError> {
        if self.desk_head(workspace).await? == 0 {
            return Ok(Vec::new());
        }
        let mut tx = self.begin_fill().await?;
        let mut faults = Vec::new();
        let row: (i64, i64, i64) = sqlx::query_as(
            "SELECT COUNT(*), COALESCE(MAX(seq), 0), COALESCE((SELECT seq FROM desk_heads WHERE workspace = $1), 0) \
             FROM desk_events WHERE workspace = $1",
        )
        .bind(workspace.as_str())
        .fetch_one(&mut *tx)
        .await?;
        if row.0 != row.1 || row.1 != row.2 {
            faults.push(format!(
                "the desk's log has {} events, its newest is {}, and {} were counted",
                row.0, row.1, row.2
            ));
        }
        let stored = dump(&mut tx, workspace).await?;
        rebuild(&mut tx, workspace).await?;
        let rebuilt = dump(&mut tx, workspace).await?;
        tx.rollback().await?;
        for (name, rows) in &stored {
            let expected = &rebuilt[name];
            let missing = expected.difference(rows).next();
            let extra = rows.difference(expected).next();
            if missing.is_some() || extra.is_some() {
                faults.push(format!(
                    "{name}: stored {}, by the log {}",
                    extra.map_or("nothing", String::as_str),
                    missing.map_or("nothing", String::as_str)
                ));
            }
        }
        Ok(faults)
    }

    /// All rows of the derived tables of a workspace, by table, each as text.
    pub async fn desk_projection(&self, workspace: &WorkspaceId) -> Result<Projection, StoreError> {
        let mut tx = self.relaxed.begin().await?;
        dump(&mut tx, workspace).await
    }
}

impl DeskTx {
    /// All rows of the derived tables of a workspace, as this transaction sees them.
    pub async fn projection(&mut self, workspace: &WorkspaceId) -> Result<Projection, StoreError> {
        dump(&mut self.tx, workspace).await
    }

    /// Makes the derived tables of a workspace again from the log.
    pub async fn rebuild(&mut self, workspace: &WorkspaceId) -> Result<i64, StoreError> {
        rebuild(&mut self.tx, workspace).await
    }
}

async fn rebuild(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
) -> Result<i64, StoreError> {
    for table in &TABLES {
        let sql = format!("DELETE FROM {} WHERE workspace = $1", table.name);
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .execute(&mut **tx)
            .await?;
    }
    let (mut after, mut n_events) = (0, 0);
    loop {
        let rows: Vec<EventRow> = sqlx::query_as(EVENTS)
            .bind(workspace.as_str())
            .bind(after)
            .bind(PAGE)
            .fetch_all(&mut **tx)
            .await?;
        if rows.is_empty() {
            return Ok(n_events);
        }
        for row in rows {
            let event = event(row)?;
            apply(tx, workspace, &event).await?;
            after = event.seq;
            n_events += 1;
        }
    }
}

async fn dump(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
) -> Result<Projection, StoreError> {
    let mut all = BTreeMap::new();
    for table in &TABLES {
        let columns = [table.texts, table.numbers].concat();
        let sql = format!(
            "SELECT {} FROM {} WHERE workspace = $1",
            columns.join(", "),
            table.name
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .fetch_all(&mut **tx)
            .await?;
        let mut lines = BTreeSet::new();
        for row in rows {
            let mut line = String::new();
            for name in table.texts {
                let value: Option<String> = row.try_get(*name)?;
                line.push_str(&format!("{name}={value:?} "));
            }
            for name in table.numbers {
                let value: Option<i64> = row.try_get(*name)?;
                line.push_str(&format!("{name}={value:?} "));
            }
            lines.insert(line);
        }
        all.insert(table.name, lines);
    }
    Ok(all)
}

/// Applies an event to the derived tables. The result depends on them and on the event only.
pub(super) async fn apply(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    event: &DeskEvent,
) -> Result<(), StoreError> {
    let (seq, at, new) = (event.seq, event.event.at.as_millisecond(), &event.event);
    let identity = new.identity_id.as_ref().map_or("", IdentityId::as_str);
    let conversation = new
        .conversation_id
        .as_ref()
        .map_or("", ConversationId::as_str);
    match &new.fact {
        Fact::IdentityCreated {
            kind, verified_by, ..
        } => {
            sqlx::query(
                "INSERT INTO identities (workspace, id, kind, verified_by, customer_id, created_seq, created_at) \
                 VALUES ($1, $2, $3, $4, $2, $5, $6)",
            )
            .bind(workspace.as_str())
            .bind(identity)
            .bind(code(kind))
            .bind(verified_by.as_ref().map(code))
            .bind(seq)
            .bind(at)
            .execute(&mut **tx)
            .await?;
        }
        Fact::IdentityVerified { by } => {
            sqlx::query("UPDATE identities SET verified_by = $1 WHERE workspace = $2 AND id = $3")
                .bind(code(by))
                .bind(workspace.as_str())
                .bind(identity)
                .execute(&mut **tx)
                .await?;
        }
        Fact::IdentityLinked { other, basis } => {
            let (a, b) = ordered(tx, workspace, identity, other.as_str()).await?;
            sqlx::query(
                "INSERT INTO identity_links (workspace, a, b, basis, seq) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT (workspace, a, b, basis) DO NOTHING",
            )
            .bind(workspace.as_str())
            .bind(&a)
            .bind(&b)
            .bind(code(basis))
            .bind(seq)
            .execute(&mut **tx)
            .await?;
            derive_customers(tx, workspace, &[identity, other.as_str()]).await?;
        }
        Fact::IdentityUnlinked { other } => {
            let (a, b) = ordered(tx, workspace, identity, other.as_str()).await?;
            let bases: Vec<(String,)> = sqlx::query_as(
                "DELETE FROM identity_links WHERE workspace = $1 AND a = $2 AND b = $3 RETURNING basis",
            )
            .bind(workspace.as_str())
            .bind(&a)
            .bind(&b)
            .fetch_all(&mut **tx)
            .await?;
            // What an agent merged may be merged again; what was verified is not linked automatically again.
            for (basis,) in bases.into_iter().filter(|(basis,)| basis != "agent") {
                claim(tx, workspace, (&a, &b), &basis, LinkState::Withdrawn, seq).await?;
            }
            derive_customers(tx, workspace, &[identity, other.as_str()]).await?;
        }
        Fact::LinkSuggested { other, basis } => {
            let (a, b) = ordered(tx, workspace, identity, other.as_str()).await?;
            claim(
                tx,
                workspace,
                (&a, &b),
                &code(basis),
                LinkState::Suggested,
                seq,
            )
            .await?;
        }
        Fact::LinkRefused { other, basis } => {
            let (a, b) = ordered(tx, workspace, identity, other.as_str()).await?;
            claim(
                tx,
                workspace,
                (&a, &b),
                &code(basis),
                LinkState::Refused,
                seq,
            )
            .await?;
        }
        Fact::ConversationOpened { .. } => {
            if let Some(opened) = Conversation::opened_by(event) {
                insert_conversation(tx, workspace, &opened).await?;
            }
        }
        Fact::MessageReceived { .. }
        | Fact::MessageRevised { .. }
        | Fact::MessageWithdrawn { .. }
        | Fact::FilesFetched { .. }
        | Fact::ResponderChanged { .. }
        | Fact::StatusChanged { .. }
        | Fact::Assigned { .. }
        | Fact::ReplyDropped
        | Fact::ReplyDelayed { .. } => apply_to_conversation(tx, workspace, event).await?,
        Fact::MessageAdded {
            message_id,
            author,
            route,
            not_after,
            ..
        } => {
            apply_to_conversation(tx, workspace, event).await?;
            if let Some(route) = route {
                // What is read from the API is there at once.
                let (state, next_at) = match route {
                    DeliveryRoute::Callback | DeliveryRoute::Platform => {
                        (DeliveryState::Queued, Some(at))
                    }
                    DeliveryRoute::Pull => (DeliveryState::Accepted, None),
                };
                sqlx::query(
                    "INSERT INTO deliveries (workspace, message_id, conversation_id, route, author_kind, state, attempt, next_at, \
                     not_after, seq) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9)",
                )
                .bind(workspace.as_str())
                .bind(message_id.as_str())
                .bind(conversation)
                .bind(code(route))
                .bind(code(&author.kind))
                .bind(code(&state))
                .bind(next_at)
                .bind(ms(*not_after))
                .bind(seq)
                .execute(&mut **tx)
                .await?;
            }
        }
        Fact::DeliveryChanged {
            message_id,
            state,
            attempt,
            next_at,
            error,
        } => {
            let is_waiting = matches!(state, DeliveryState::Queued | DeliveryState::Sending);
            sqlx::query(
                "UPDATE deliveries SET state = $1, attempt = $2, next_at = $3, error = $4, seq = $5 \
                 WHERE workspace = $6 AND message_id = $7",
            )
            .bind(code(state))
            .bind(*attempt)
            .bind(ms(*next_at).filter(|_| is_waiting))
            .bind(error.as_deref())
            .bind(seq)
            .bind(workspace.as_str())
            .bind(message_id.as_str())
            .execute(&mut **tx)
            .await?;
        }
        Fact::ConsentChanged {
            purpose,
            granted,
            basis,
        } => {
            sqlx::query(
                "INSERT INTO consents (workspace, identity_id, purpose, granted, basis, seq) VALUES ($1, $2, $3, $4, $5, $6) \
                 ON CONFLICT (workspace, identity_id, purpose) DO UPDATE SET granted = excluded.granted, \
                 basis = excluded.basis, seq = excluded.seq",
            )
            .bind(workspace.as_str())
            .bind(identity)
            .bind(code(purpose))
            .bind(i64::from(*granted))
            .bind(code(basis))
            .bind(seq)
            .execute(&mut **tx)
            .await?;
        }
        Fact::IdentityErased => {
            sqlx::query("UPDATE identities SET erased_at = $1 WHERE workspace = $2 AND id = $3")
                .bind(at)
                .bind(workspace.as_str())
                .bind(identity)
                .execute(&mut **tx)
                .await?;
        }
    }
    Ok(())
}

/// Applies an event to its conversation.
async fn apply_to_conversation(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    event: &DeskEvent,
) -> Result<(), StoreError> {
    let Some(id) = &event.event.conversation_id else {
        return Ok(());
    };
    if let Some(mut conversation) = conversation_in(tx, workspace, id).await? {
        conversation.apply(event);
        update_conversation(tx, workspace, &conversation).await?;
    }
    Ok(())
}

/// Two identities, the older one first.
async fn ordered(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    one: &str,
    other: &str,
) -> Result<(String, String), StoreError> {
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT id FROM identities WHERE workspace = $1 AND id IN ($2, $3) ORDER BY created_seq",
    )
    .bind(workspace.as_str())
    .bind(one)
    .bind(other)
    .fetch_all(&mut **tx)
    .await?;
    let is_swapped = rows.first().is_some_and(|(first,)| first == other);
    let (a, b) = if is_swapped {
        (other, one)
    } else {
        (one, other)
    };
    Ok((a.to_owned(), b.to_owned()))
}

async fn claim(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    (a, b): (&str, &str),
    basis: &str,
    state: LinkState,
    seq: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO identity_claims (workspace, a, b, basis, state, seq) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (workspace, a, b, basis) DO UPDATE SET state = excluded.state, seq = excluded.seq",
    )
    .bind(workspace.as_str())
    .bind(a)
    .bind(b)
    .bind(basis)
    .bind(code(&state))
    .bind(seq)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Derives the customers of the identities that some identities were or are linked with.
async fn derive_customers(
    tx: &mut Transaction<'_, Any>,
    workspace: &WorkspaceId,
    of: &[&str],
) -> Result<(), StoreError> {
    let mut members: Vec<(String, String, i64)> = Vec::new();
    for id in of {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT id, customer_id, created_seq FROM identities WHERE workspace = $1 AND customer_id = \
             (SELECT customer_id FROM identities WHERE workspace = $1 AND id = $2)",
        )
        .bind(workspace.as_str())
        .bind(*id)
        .fetch_all(&mut **tx)
        .await?;
        members.extend(rows);
    }
    members.sort_by_key(|(_, _, created)| *created);
    members.dedup();
    let place: HashMap<&str, usize> = members
        .iter()
        .enumerate()
        .map(|(place, (id, ..))| (id.as_str(), place))
        .collect();
    // Of each member, the oldest member that it is linked with: members are in order of age.
    let mut oldest: Vec<usize> = (0..members.len()).collect();
    for some in members.chunks(MAX_IN) {
        let sql = format!(
            "SELECT a, b FROM identity_links WHERE workspace = $1 AND b IN ({})",
            placeholders(2, some.len())
        );
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(workspace.as_str());
        for (id, ..) in some {
            query = query.bind(id);
        }
        let links: Vec<(String, String)> = query.fetch_all(&mut **tx).await?;
        for (a, b) in links {
            if let (Some(a), Some(b)) = (place.get(a.as_str()), place.get(b.as_str())) {
                let (a, b) = (root(&mut oldest, *a), root(&mut oldest, *b));
                oldest[a.max(b)] = a.min(b);
            }
        }
    }
    for at in 0..members.len() {
        let customer = &members[root(&mut oldest, at)].0;
        let (id, before, _) = &members[at];
        if customer != before {
            sqlx::query("UPDATE identities SET customer_id = $1 WHERE workspace = $2 AND id = $3")
                .bind(customer)
                .bind(workspace.as_str())
                .bind(id)
                .execute(&mut **tx)
                .await?;
        }
    }
    Ok(())
}

/// The representative of a set (union-find with path halving).
fn root(parents: &mut [usize], mut at: usize) -> usize {
    while parents[at] != at {
        parents[at] = parents[parents[at]];
        at = parents[at];
    }
    at
}

#[cfg(test)]
mod tests {
    use super::root;

    #[test]
    fn root_is_the_oldest_of_a_chain() {
        let mut parents = vec![0, 0, 1, 2, 4];
        assert_eq!(root(&mut parents, 3), 0);
        assert_eq!(root(&mut parents, 4), 4);
    }
}
