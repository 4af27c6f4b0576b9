//! Outbound webhooks: what happens in a workspace is recorded for its endpoints and sent to them, signed as Standard Webhooks
//! 1.0 say. The leader does it. Reading and recording commit together, so that nothing is lost when the process ends.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use ken_base::background::Background;
use ken_base::desk::{Fact, Responder, ResponderReason};
use ken_base::domain::WorkspaceId;
use ken_base::outbound::Destinations;
use ken_base::webhook::{DisabledReason, EventType, Sending, SendingState};
use ken_conversations::deliveries::sign;
use ken_conversations::service::{Desk, DeskError};
use ken_learn::learn::{LearnError, Learning};
use ken_store::store::webhooks::{Attempted, NewSending, StoredEndpoint};
use ken_store::store::{Store, StoreError, to_json};

/// Delays before the second, third … attempt, in seconds (Standard Webhooks 1.0, section "Retries"); then it has failed.
const DELAYS_S: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// By how much a delay is longer at most, so that those of an outage do not all come at once: a tenth.
const JITTER: i64 = 10;
/// The longest wait that an endpoint may ask for, in seconds.
const MAX_WAIT_S: i64 = 86_400;
/// The time limit of an attempt (Standard Webhooks 1.0: 15 to 30 s).
const TIMEOUT: Duration = Duration::from_secs(20);
/// The time limit for connecting.
const CONNECT: Duration = Duration::from_secs(5);
/// How often it is looked for what happened, and for what is due.
const TICK: Duration = Duration::from_secs(1);
/// How often gaps are looked for.
const GAPS_EVERY: SignedDuration = SignedDuration::from_mins(5);
/// The most attempts at once; of one workspace; and to one endpoint.
const AT_ONCE: usize = 32;
const AT_ONCE_WORKSPACE: usize = 16;
const AT_ONCE_EACH: usize = 4;
/// How many rows are read at once.
const PAGE: i64 = 500;
/// How long a transaction may take to commit what has an earlier time, and how far the clocks of processes may differ, in
/// milliseconds: so far back rows are read again.
const OVERLAP_MS: i64 = 60_000;
/// How long events are kept.
const KEPT: SignedDuration = SignedDuration::from_hours(60 * 24);
/// How often old events are forgotten.
const FORGET_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// How many gaps are looked at, of how many days (those that the list of gaps shows first).
const GAPS: usize = 50;
const GAP_DAYS: i64 = 30;

/// Why events could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key of the secrets cannot be read.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// The gaps cannot be found.
    #[error(transparent)]
    Learn(#[from] LearnError),
}

/// A body, as it is sent.
#[derive(Serialize)]
struct Body {
    #[serde(rename = "type")]
    kind: EventType,
    timestamp: Timestamp,
    data: Value,
}

/// Something that happened.
struct Happened {
    kind: EventType,
    source_id: String,
    at: Timestamp,
    data: Value,
}

/// An event to send for something that happened.
fn event_for(endpoint: &str, happened: &Happened) -> NewSending {
    let body = Body {
        kind: happened.kind,
        timestamp: happened.at,
        data: happened.data.clone(),
    };
    NewSending {
        id: format!("evt_{}", uuid::Uuid::now_v7().simple()),
        endpoint_id: endpoint.to_owned(),
        kind: happened.kind,
        source_id: happened.source_id.clone(),
        body: to_json(&body),
    }
}

/// Whether a conversation waits for a person now; one who took over has it already.
fn is_handoff(to: Responder, reason: ResponderReason) -> bool {
    use ResponderReason::{AgentSpoke, TakenOver};
    to == Responder::Human && !matches!(reason, AgentSpoke | TakenOver)
}

/// A test of an endpoint.
pub fn test_event(endpoint: &str, at: Timestamp) -> NewSending {
    let happened = Happened {
        kind: EventType::WebhookTest,
        source_id: uuid::Uuid::now_v7().to_string(),
        at,
        data: json!({ "endpoint_id": endpoint }),
    };
    event_for(endpoint, &happened)
}

/// Records and sends.
#[derive(Clone)]
pub struct Webhooks {
    store: Store,
    desk: Arc<Desk>,
    learning: Learning,
    destinations: Destinations,
    client: reqwest::Client,
}

/// What the task remembers between two looks.
#[derive(Default)]
struct Memory {
    /// Ids read within the overlap, with their times, by workspace and source.
    seen: HashMap<(WorkspaceId, &'static str), HashMap<String, i64>>,
    gaps_at: Option<Timestamp>,
    forgotten_at: Option<Timestamp>,
}

impl Webhooks {
    /// Joins the parts that are needed.
    ///
    /// # Errors
    /// The HTTP client cannot be built; the message says why.
    pub fn new(
        desk: Arc<Desk>,
        learning: Learning,
        destinations: Destinations,
    ) -> Result<Self, String> {
        Ok(Self {
            store: learning.store.clone(),
            client: destinations.client(CONNECT, TIMEOUT)?,
            desk,
            learning,
            destinations,
        })
    }

    /// Works while `leads` is true.
    pub fn start(self, leads: watch::Receiver<bool>) -> Background {
        Background::start_while("webhooks", leads, move |stopped| self.clone().work(stopped))
    }

    async fn work(self, mut stopped: watch::Receiver<bool>) {
        let (mut memory, mut under_way) = (Memory::default(), JoinSet::new());
        let mut sending: HashMap<(WorkspaceId, String), String> = HashMap::new();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let ended = tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => break,
                _ = tick.tick() => None,
                Some(ended) = under_way.join_next() => Some(ended),
            };
            match ended {
                None => {
                    if let Err(error) = self.look(&mut memory).await {
                        tracing::error!(%error, "cannot record what happened for webhooks");
                    }
                }
                Some(Ok((key, tried))) => {
                    sending.remove(&key);
                    if let Err(error) = tried {
                        tracing::error!(%error, "cannot record an attempt of a webhook");
                    }
                }
                // A panic: without its key, all that is due is read again.
                Some(Err(_)) => sending.clear(),
            }
            match self.due(&sending).await {
                Ok(due) => {
                    for (workspace, event) in due {
                        let key = (workspace.clone(), event.id.clone());
                        sending.insert(key.clone(), event.endpoint_id.clone());
                        let this = self.clone();
                        under_way.spawn(async move {
                            let tried = this.attempt(&workspace, &event).await;
                            (key, tried)
                        });
                    }
                }
                Err(error) => tracing::error!(%error, "cannot read the webhooks that are due"),
            }
        }
        // What was not ended is sent again: an endpoint knows it by its id.
        under_way.shutdown().await;
    }

    /// What is due and not being sent, within the limits.
    async fn due(
        &self,
        sending: &HashMap<(WorkspaceId, String), String>,
    ) -> Result<Vec<(WorkspaceId, Sending)>, StoreError> {
        let mut free = AT_ONCE.saturating_sub(sending.len());
        if free == 0 {
            return Ok(Vec::new());
        }
        let (mut of_workspace, mut of_endpoint) = (HashMap::new(), HashMap::new());
        for ((workspace, _), endpoint) in sending {
            *of_workspace.entry(workspace.clone()).or_insert(0) += 1;
            *of_endpoint
                .entry((workspace.clone(), endpoint.clone()))
                .or_insert(0) += 1;
        }
        // Those under way are among the first of each endpoint.
        let each = 2 * AT_ONCE_EACH as i64;
        let mut due = Vec::new();
        for (workspace, event) in self.store.due_webhooks(each, PAGE).await? {
            if free == 0 || sending.contains_key(&(workspace.clone(), event.id.clone())) {
                continue;
            }
            let own = of_workspace.entry(workspace.clone()).or_insert(0);
            let key = (workspace.clone(), event.endpoint_id.clone());
            let to_it = of_endpoint.entry(key).or_insert(0);
            if *own < AT_ONCE_WORKSPACE && *to_it < AT_ONCE_EACH {
                *own += 1;
                *to_it += 1;
                free -= 1;
                due.push((workspace, event));
            }
        }
        Ok(due)
    }

    /// Records what has happened since the last look.
    async fn look(&self, memory: &mut Memory) -> Result<(), WebhookError> {
        let mut by_workspace: HashMap<WorkspaceId, Vec<StoredEndpoint>> = HashMap::new();
        for (workspace, stored) in self.store.webhook_endpoints().await? {
            by_workspace.entry(workspace).or_default().push(stored);
        }
        memory
            .seen
            .retain(|(of, _), _| by_workspace.contains_key(of));
        let now = self.store.now();
        let is_due =
            |at: Option<Timestamp>, every| at.is_none_or(|at| now.duration_since(at) >= every);
        let look_for_gaps = is_due(memory.gaps_at, GAPS_EVERY);
        for (workspace, endpoints) in &by_workspace {
            self.read_desk(workspace).await?;
            self.read_answers(workspace, memory).await?;
            self.read_drafts(workspace, memory).await?;
            let ask_for_gaps = |of: &StoredEndpoint| {
                of.endpoint.is_enabled && of.endpoint.types.contains(&EventType::GapCreated)
            };
            if look_for_gaps && endpoints.iter().any(ask_for_gaps) {
                self.read_gaps(workspace, now).await?;
                memory.gaps_at = Some(now);
            }
        }
        if is_due(memory.forgotten_at, FORGET_EVERY) {
            self.store.drop_old_webhooks(KEPT).await?;
            memory.forgotten_at = Some(now);
        }
        Ok(())
    }

    async fn read_desk(&self, workspace: &WorkspaceId) -> Result<(), WebhookError> {
        let Some(mut position) = self.store.webhook_cursor(workspace, "desk").await? else {
            return Ok(());
        };
        loop {
            let events = self.store.desk_events(workspace, position, PAGE).await?;
            let Some(last) = events.last() else {
                return Ok(());
            };
            position = last.seq;
            let happened = events.iter().filter_map(|entry| {
                let event = &entry.event;
                let conversation = event.conversation_id.as_ref()?;
                let kind = match &event.fact {
                    Fact::ConversationOpened { .. } => EventType::ConversationCreated,
                    Fact::ResponderChanged { to, reason } if is_handoff(*to, *reason) => {
                        EventType::ConversationHandedOff
                    }
                    Fact::ResponderChanged { .. }
                    | Fact::StatusChanged { .. }
                    | Fact::Assigned { .. } => EventType::ConversationChanged,
                    _ => return None,
                };
                let data = json!({
                    "conversation_id": conversation, "identity_id": event.identity_id, "seq": entry.seq,
                    "actor": event.actor, "change": event.fact,
                });
                Some(Happened {
                    kind,
                    source_id: entry.seq.to_string(),
                    at: entry.received_at,
                    data,
                })
            });
            let found = happened.collect();
            self.record(workspace, Some(("desk", position)), found)
                .await?;
        }
    }

    async fn read_answers(
        &self,
        workspace: &WorkspaceId,
        memory: &mut Memory,
    ) -> Result<(), WebhookError> {
        let source = "answers";
        let Some(position) = self.store.webhook_cursor(workspace, source).await? else {
            return Ok(());
        };
        let seen = memory.seen.entry((workspace.clone(), source)).or_default();
        let mut key = (position - OVERLAP_MS, String::new());
        loop {
            let store = &self.store;
            let rows = store.answer_facts_after(workspace, (key.0, &key.1), PAGE);
            let rows = rows.await?;
            let Some(last) = rows.last() else { break };
            key = (last.at.as_millisecond(), last.id.clone());
            let (mut found, mut ids) = (Vec::new(), Vec::new());
            for row in rows {
                if seen.contains_key(&row.id) {
                    continue;
                }
                ids.push((row.id.clone(), row.at.as_millisecond()));
                let reason = Some(row.reason).filter(|reason| !reason.is_empty());
                found.push(Happened {
                    kind: EventType::AnswerCreated,
                    at: row.at,
                    data: json!({
                        "answer_id": row.id, "outcome": row.outcome, "reason": reason, "channel": row.channel,
                        "conversation_id": row.conversation_id,
                    }),
                    source_id: row.id,
                });
            }
            if !found.is_empty() {
                let read = Some((source, key.0.max(position)));
                self.record(workspace, read, found).await?;
                seen.extend(ids);
            }
        }
        let newest = key.0.max(position);
        seen.retain(|_, at| *at >= newest - OVERLAP_MS);
        Ok(())
    }

    async fn read_drafts(
        &self,
        workspace: &WorkspaceId,
        memory: &mut Memory,
    ) -> Result<(), WebhookError> {
        let source = "drafts";
        let Some(position) = self.store.webhook_cursor(workspace, source).await? else {
            return Ok(());
        };
        let seen = memory.seen.entry((workspace.clone(), source)).or_default();
        let mut key = (position - OVERLAP_MS, String::new());
        loop {
            let rows = self.store.drafts_after(workspace, (key.0, &key.1), PAGE);
            let rows = rows.await?;
            let Some((id, at)) = rows.last() else { break };
            key = (at.as_millisecond(), id.clone());
            let (mut found, mut ids) = (Vec::new(), Vec::new());
            for (id, at) in rows {
                if !seen.contains_key(&id) {
                    ids.push((id.clone(), at.as_millisecond()));
                    found.push(Happened {
                        kind: EventType::DraftCreated,
                        at,
                        data: json!({ "draft_id": id }),
                        source_id: id,
                    });
                }
            }
            if !found.is_empty() {
                let read = Some((source, key.0.max(position)));
                self.record(workspace, read, found).await?;
                seen.extend(ids);
            }
        }
        let newest = key.0.max(position);
        seen.retain(|_, at| *at >= newest - OVERLAP_MS);
        Ok(())
    }

    /// Gaps have no time of their own: one is sent when it is first seen, also if it was there before the endpoint.
    async fn read_gaps(&self, workspace: &WorkspaceId, now: Timestamp) -> Result<(), WebhookError> {
        let gaps = self.learning.gaps(workspace, GAP_DAYS, None, GAPS).await?;
        let happened = gaps.into_iter().map(|gap| Happened {
            kind: EventType::GapCreated,
            at: now,
            // The question is a customer's words: those who may read it find it by the id.
            data: json!({ "gap_id": gap.id, "volume": gap.volume }),
            source_id: gap.id,
        });
        let found = happened.collect();
        self.record(workspace, None, found).await
    }

    /// Records what happened for the endpoints that ask for it.
    async fn record(
        &self,
        workspace: &WorkspaceId,
        read: Option<(&str, i64)>,
        found: Vec<Happened>,
    ) -> Result<(), WebhookError> {
        // After what happened was read: an endpoint that was added in between gets it too.
        let endpoints = self.store.webhook_endpoints_of(workspace).await?;
        let mut events = Vec::new();
        for happened in &found {
            for StoredEndpoint { endpoint, .. } in &endpoints {
                let is_asked_for = endpoint.is_enabled
                    && endpoint.types.contains(&happened.kind)
                    && happened.at >= endpoint.created_at;
                if is_asked_for {
                    events.push(event_for(&endpoint.id, happened));
                }
            }
        }
        if !events.is_empty() || read.is_some() {
            self.store
                .enqueue_webhooks(workspace, read, &events)
                .await?;
        }
        Ok(())
    }

    /// Makes an attempt, and records what it came to.
    async fn attempt(&self, workspace: &WorkspaceId, event: &Sending) -> Result<(), WebhookError> {
        let stored = self.store.webhook_endpoint(workspace, &event.endpoint_id);
        let Some(stored) = stored.await? else {
            return Ok(());
        };
        let (result, after) = self.send(&stored, event).await?;
        let now = self.store.now();
        let delay = usize::try_from(event.attempt)
            .ok()
            .and_then(|n| DELAYS_S.get(n));
        let (state, delay) = match (result.as_str(), delay) {
            ("sent", _) => (SendingState::Sent, None),
            ("status_410", _) | (_, None) => (SendingState::Failed, None),
            (_, Some(delay)) => {
                let asked = after.unwrap_or(0).min(MAX_WAIT_S);
                let delay = delay + fastrand::i64(0..=delay / JITTER);
                (SendingState::Waiting, Some(delay.max(asked)))
            }
        };
        let next_at = delay.and_then(|s| now.saturating_add(SignedDuration::from_secs(s)).ok());
        let came = Attempted {
            state,
            next_at,
            result: &result,
        };
        self.store
            .end_webhook_attempt(workspace, event, &came)
            .await?;
        let reason = match (state, result.as_str()) {
            (SendingState::Failed, "status_410") => Some(DisabledReason::Gone),
            (SendingState::Failed, _) if stored.sent_at.is_none_or(|at| at < event.created_at) => {
                Some(DisabledReason::Failing)
            }
            _ => None,
        };
        if let Some(reason) = reason {
            tracing::warn!(
                endpoint = event.endpoint_id,
                ?reason,
                "disabled a webhook endpoint"
            );
            let store = &self.store;
            store
                .disable_webhook_endpoint(
                    workspace,
                    (&event.endpoint_id, &stored.endpoint.url),
                    reason,
                )
                .await?;
        }
        Ok(())
    }

    /// Sends an event. Returns `sent` or a code, and how many seconds the endpoint asks to wait.
    async fn send(
        &self,
        stored: &StoredEndpoint,
        event: &Sending,
    ) -> Result<(String, Option<i64>), WebhookError> {
        let failed = |code: &str| Ok((code.to_owned(), None));
        let now = Timestamp::now();
        let vault = self.desk.vault().await?;
        let until = stored.endpoint.previous_secret_until;
        let mut signatures = Vec::new();
        for (name, is_valid) in [
            ("secret", true),
            ("previous", until.is_some_and(|at| now < at)),
        ] {
            // Another key file may be restored.
            let Ok(secret) = vault.open(&stored.secrets, name) else {
                return failed("sealed_by_another_key");
            };
            let secret = secret.filter(|_| is_valid);
            let signed =
                secret.and_then(|secret| sign(&secret, &event.id, now.as_second(), &event.body));
            signatures.extend(signed);
        }
        if signatures.is_empty() {
            return failed("no_secret");
        }
        if self.destinations.check(&stored.endpoint.url).is_err() {
            return failed("forbidden_address");
        }
        let request = self
            .client
            .post(&stored.endpoint.url)
            .header("content-type", "application/json")
            .header("webhook-id", &event.id)
            .header("webhook-timestamp", now.as_second().to_string())
            .header("webhook-signature", signatures.join(" "))
            .timeout(TIMEOUT)
            .body(event.body.clone());
        match request.send().await {
            Ok(reply) if reply.status().is_success() => failed("sent"),
            Ok(reply) => {
                let after = reply.headers().get("retry-after");
                let after = after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
                Ok((format!("status_{}", reply.status().as_u16()), after))
            }
            Err(error) if error.is_timeout() => failed("timeout"),
            Err(_) => failed("unreachable"),
        }
    }
}
