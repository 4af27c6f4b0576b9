//! What platforms call: `GET` and `POST /v1/inboxes/{id}/webhook`, without a key and verified by the platform's signature; and
//! `POST /v1/inboxes/{id}:test`, which says whether an inbox is connected.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::AppState;
use super::extract::{Path, Workspace};
use super::inboxes::inbox_of;
use super::metrics::{WebhookRequest, webhook_lag};
use super::problem::{Fault, Problem};
use crate::inbox_setup;
use ken_base::desk::{
    ChannelKind, ClaimBasis, ConsentPurpose, Conversation, IdentityKey, IdentityKind, Inbox,
    InboxId, LinkBasis, MessageId, Part, Responder, VerifiedBy,
};
use ken_base::domain::WorkspaceId;
use ken_channels::channel::{Content, Delivered, Event, EventKind, Person, Rejection, Webhook};
use ken_channels::channel_of;
use ken_conversations::intake::{Inbound, InboundKind, Received, Revision};
use ken_conversations::last_webhooks::LastWebhook;
use ken_conversations::platforms::credentials_of;
use ken_customers::identify::{Claim, Proof, Sender};
use ken_customers::normalize::normalized;

/// The largest request of a platform, in bytes.
const MAX_BODY: usize = 1 << 20;
/// How many requests are received at once; the rest of the API has places of its own.
const AT_ONCE: usize = 64;
/// How long a platform may take to send a request.
const RECEIVED_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);
/// How much of the last request is kept, in bytes.
const KEPT: usize = 16 << 10;
/// The longest id or address of a file, in bytes.
const MAX_MEDIA_ID: usize = 4_096;
/// The longest text of a message, in characters; more is cut off.
const MAX_TEXT: usize = 20_000;

/// How many requests wait at once for a reply that their response takes; more are acknowledged at once, and their replies
/// are pushed.
const WAITING: usize = 512;

/// How many requests of platforms are received, and wait, at once.
pub struct Webhooks {
    places: Semaphore,
    waiting: Semaphore,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            places: Semaphore::new(AT_ONCE),
            waiting: Semaphore::new(WAITING),
        }
    }
}

/// Check the address, as Meta's platforms do.
#[utoipa::path(
    get, path = "/v1/inboxes/{id}/webhook", tag = "channels",
    params(("id" = String, Path, description = "The inbox's id"), ("workspace" = Option<String>, Query, description = "Default: `default`")),
    responses(
        (status = 200, body = String, content_type = "text/plain", description = "The challenge"),
        (status = 401, body = Problem), (status = 404, body = Problem),
    )
)]
pub async fn check_webhook(
    State(state): State<AppState>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    handle(state, &id, request, true).await
}

/// Deliver a platform's events, signed as it signs. They are durable when the reply comes.
#[utoipa::path(
    post, path = "/v1/inboxes/{id}/webhook", tag = "channels",
    params(("id" = String, Path, description = "The inbox's id"), ("workspace" = Option<String>, Query, description = "Default: `default`")),
    request_body(content = String, content_type = "application/json", description = "As the platform writes it"),
    responses(
        (status = 200, body = String, content_type = "text/plain", description = "Taken, or known: empty. Slack's check: the challenge. WeChat and calls: the reply, as XML"),
        (status = 400, body = Problem), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 413, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
    )
)]
pub async fn post_webhook(
    State(state): State<AppState>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    handle(state, &id, request, false).await
}

async fn handle(
    state: AppState,
    id: &str,
    request: Request,
    is_get: bool,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let lasts = state.app.desk.last_webhooks();
    let mut counted = WebhookRequest::default();
    let query: Vec<(String, String)> =
        form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
    let missing = || Problem::not_found("no platform's inbox here");
    let workspace = query.iter().find(|(name, _)| name == "workspace");
    let workspace = workspace.map_or("default", |(_, value)| value.as_str());
    let workspace = WorkspaceId::parse(workspace).map_err(|_| missing())?;
    let inbox = InboxId::parse(id).map_err(|_| missing())?;
    counted.outcome = "unavailable";
    let found = state.app.store.inbox(&workspace, &inbox).await?;
    counted.outcome = "unknown_inbox";
    let (inbox, sealed) = found.ok_or_else(missing)?;
    let channel = channel_of(inbox.channel).ok_or_else(missing)?;
    counted.channel = inbox.channel.as_str();
    counted.outcome = "overloaded";
    let place = state.webhooks.places.try_acquire();
    let place = place.map_err(|_| Problem::overloaded("too many requests of platforms"))?;
    counted.outcome = "timed_out";
    let body = axum::body::to_bytes(body, MAX_BODY);
    let body = tokio::time::timeout(RECEIVED_WITHIN, body).await;
    let body = body.map_err(|_| Problem::timed_out(RECEIVED_WITHIN))?;
    counted.outcome = "too_large";
    let body =
        body.map_err(|_| Problem::too_large(format!("expected at most {MAX_BODY} bytes")))?;
    counted.outcome = "unavailable";
    let headers: Vec<(String, String)> = parts
        .headers
        .iter()
        .filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        })
        .collect();
    let vault = state.app.desk.vault().await?;
    let credentials = credentials_of(vault, channel, &sealed)?;
    let (now, received) = (state.app.store.now(), Instant::now());
    let url = public_url(&state, &parts);
    let webhook = Webhook {
        is_get,
        url: &url,
        query: &query,
        headers: &headers,
        body: &body,
        now,
    };
    let delivered = channel.receive(&credentials, &webhook);
    let last = |n_events, error: Option<String>| LastWebhook {
        at: now,
        n_events,
        error,
        body: String::from_utf8_lossy(&body[..body.len().min(KEPT)]).into_owned(),
    };
    match delivered {
        Ok(Delivered::Challenge(text)) => {
            counted.outcome = "challenge";
            lasts.put(&workspace, &inbox.id, last(Some(0), None), true);
            Ok(text.into_response())
        }
        Ok(Delivered::Events(events)) => {
            let n = events.len();
            lasts.put(&workspace, &inbox.id, last(Some(n), None), true);
            let limits = channel.limits();
            let token = limits.in_response.then(|| token_of(&events)).flatten();
            let responses = &state.app.desk.connections().responses;
            // Before the message is stored, so that its answer finds the request.
            let request = token.map(|token| responses.wait(&workspace, &inbox.id, &token));
            let taken = take(&state, &workspace, Arc::new(inbox), events, now).await?;
            counted.outcome = "taken";
            drop(place);
            let reply = match (
                request,
                limits.reply.and_then(|reply| reply.try_into().ok()),
            ) {
                (Some(request), Some(limit)) if is_answered(&state, &workspace, &taken).await? => {
                    let waiting = state.webhooks.waiting.try_acquire();
                    match waiting {
                        Ok(_waiting) => request.until(received + limit).await,
                        Err(_) => None,
                    }
                }
                _ => None,
            };
            let (text, choices) = match &reply {
                Some(reply) => (Some(reply.text.as_str()), &reply.choices[..]),
                None => (None, &[][..]),
            };
            let response = channel.response(&credentials, &webhook, text, choices);
            let kind = [(header::CONTENT_TYPE, response.content_type)];
            Ok((kind, response.body).into_response())
        }
        Err(rejection) => {
            counted.outcome = outcome_of(&rejection);
            let error = rejection.to_string();
            tracing::warn!(
                inbox = inbox.id.as_str(),
                error,
                "refused a request to a webhook"
            );
            // What nobody signed is not kept: anyone could have sent it.
            let mut refused = last(None, Some(error.clone()));
            let is_signed = matches!(rejection, Rejection::Malformed(_));
            if !is_signed {
                refused.body.clear();
            }
            lasts.put(&workspace, &inbox.id, refused, is_signed);
            Err(match rejection {
                Rejection::Malformed(_) => Problem::not_json(error),
                _ => Problem::unauthorized(error),
            })
        }
    }
}

/// What the metrics call a refused request.
fn outcome_of(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::NoCredential(_) => "no_credential",
        Rejection::Forged(_) => "forged",
        Rejection::Stale(_) => "stale",
        Rejection::Malformed(_) => "malformed",
    }
}

/// Stores events. All wait for the same commit.
async fn take(
    state: &AppState,
    workspace: &WorkspaceId,
    inbox: Arc<Inbox>,
    events: Vec<Event>,
    now: Timestamp,
) -> Result<Vec<Received>, Problem> {
    let desk = &state.app.desk;
    let taken = events.into_iter().filter_map(|event| {
        let (what, token) = kind_of(&inbox, event.what)?;
        if let Some(at) = event.at {
            webhook_lag(inbox.channel, now.duration_since(at));
        }
        let inbound = Inbound {
            workspace: workspace.clone(),
            inbox: inbox.clone(),
            provider_id: event.id,
            at: event.at.unwrap_or(now),
            what,
        };
        Some(desk.receive_with_token(inbound, token))
    });
    let mut all = Vec::new();
    for received in futures_util::future::join_all(taken).await {
        all.push(received?);
    }
    Ok(all)
}

/// The token of the first message among events, or of one that is asked for once more.
fn token_of(events: &[Event]) -> Option<String> {
    events.iter().find_map(|event| match &event.what {
        EventKind::Message { reply_token, .. } => reply_token.clone(),
        EventKind::Poll { reply_token, .. } => Some(reply_token.clone()),
        _ => None,
    })
}

/// Whether an answer to what was taken may come: the bot is to answer, or the request is a repeated one.
async fn is_answered(
    state: &AppState,
    workspace: &WorkspaceId,
    taken: &[Received],
) -> Result<bool, Problem> {
    // Without anything new, the platform asks once more.
    if taken.is_empty() {
        return Ok(true);
    }
    for received in taken {
        let Received::New {
            conversation_id: Some(id),
            ..
        } = received
        else {
            return Ok(*received == Received::Known);
        };
        let conversation = state.app.store.conversation(workspace, id).await?;
        // It may be answered already.
        let is_bots = |of: &Conversation| {
            let is_due = of.reply_due_at.is_some() || of.answered_seq >= of.last_in_seq;
            of.responder == Responder::Bot && is_due
        };
        if conversation.as_ref().is_some_and(is_bots) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The address that a platform called, as the public knows it.
fn public_url(state: &AppState, parts: &Parts) -> String {
    let http = &state.app.config.http;
    let path = parts.uri.path_and_query();
    let path = path.map_or("/", |path| path.as_str());
    if !http.public_url.is_empty() {
        return format!("{}{path}", http.public_url);
    }
    let scheme = match http.tls_cert {
        Some(_) => "https",
        None => "http",
    };
    let host = parts.headers.get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok());
    let host = host.or(parts.uri.host()).unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

/// What an event means to the desk, with the token for a free reply; `None` if nothing.
fn kind_of(inbox: &Inbox, what: EventKind) -> Option<(InboundKind, Option<String>)> {
    Some(match what {
        EventKind::Message {
            from,
            parts,
            reply_token,
            revision,
        } => {
            let revision = revision.map(|(number, is_final)| Revision { number, is_final });
            let message = InboundKind::Message {
                sender: sender_of(inbox, from)?,
                parts: parts_of(parts),
                revision: revision.unwrap_or_default(),
                needs_person: false,
            };
            (message, reply_token)
        }
        // It waits for the reply, and brings nothing.
        EventKind::Poll { .. } => return None,
        EventKind::Unsent { message_id } => {
            let withdrawn = InboundKind::Withdrawn {
                message: message_id,
            };
            (withdrawn, None)
        }
        EventKind::Echo { to, parts } => {
            let echo = InboundKind::Echo {
                to: sender_of(inbox, to)?,
                parts: parts_of(parts),
            };
            (echo, None)
        }
        EventKind::Report { message_id, state } => {
            let message_id = MessageId::parse(&message_id).ok()?;
            (InboundKind::Delivery { message_id, state }, None)
        }
        EventKind::Consent { of, granted } => {
            let consent = InboundKind::Consent {
                sender: sender_of(inbox, of)?,
                purpose: ConsentPurpose::Service,
                granted,
            };
            (consent, None)
        }
        EventKind::Alias { of, user_id } => {
            let alias = InboundKind::Alias {
                sender: sender_of(inbox, of)?,
                alias: key_of(inbox, &user_id)?,
            };
            (alias, None)
        }
        EventKind::Ignored(why) => {
            tracing::debug!(inbox = inbox.id.as_str(), why, "ignored an event");
            return None;
        }
    })
}

fn key_of(inbox: &Inbox, user_id: &str) -> Option<IdentityKey> {
    Some(IdentityKey {
        inbox: Some(inbox.id.clone()),
        kind: IdentityKind::ChannelUser,
        value: normalized(IdentityKind::ChannelUser, user_id).ok()?,
    })
}

/// The person, whom the platform has verified; with their number, if it has verified that.
fn sender_of(inbox: &Inbox, person: Person) -> Option<Sender> {
    let phone = person.phone.as_deref();
    let phone = phone.and_then(|phone| normalized(IdentityKind::Phone, phone).ok());
    let proofs = phone.map(|value| Proof {
        key: IdentityKey {
            inbox: None,
            kind: IdentityKind::Phone,
            value,
        },
        verified_by: VerifiedBy::Provider,
        basis: LinkBasis::VerifiedPhone,
    });
    let name = person.name.trim().chars().filter(|c| !c.is_control());
    let name: String = name.take(128).collect();
    let shown = person.shown_phone.as_deref();
    let shown = shown.and_then(|phone| normalized(IdentityKind::Phone, phone).ok());
    let claims = shown.map(|value| Claim {
        key: IdentityKey {
            inbox: None,
            kind: IdentityKind::Phone,
            value,
        },
        basis: ClaimBasis::TypedPhone,
    });
    // The number that calls is no proof of anybody.
    let is_call = inbox.channel == ChannelKind::Phone;
    Some(Sender {
        key: key_of(inbox, &person.user_id)?,
        verified_by: (!is_call).then_some(VerifiedBy::Provider),
        display_name: name,
        proofs: proofs.into_iter().collect(),
        claims: claims.into_iter().collect(),
    })
}

/// Something that stays on the platform.
fn other(kind: &str) -> Part {
    Part::Other {
        kind: kind.chars().take(64).collect(),
        media_id: None,
        name: None,
    }
}

fn parts_of(contents: Vec<Content>) -> Vec<Part> {
    let part = |content| match content {
        Content::Text(text) => {
            let text: String = text.chars().take(MAX_TEXT).collect();
            (!text.trim().is_empty()).then_some(Part::Text { text })
        }
        Content::Location(latitude, longitude) => Some(Part::Location {
            latitude,
            longitude,
        }),
        Content::Media { kind, id, name, .. } => Some(Part::Other {
            kind: kind.chars().take(64).collect(),
            media_id: Some(id).filter(|id| id.len() <= MAX_MEDIA_ID),
            name: name.map(|name| name.chars().take(255).collect()),
        }),
        Content::Other(kind) => Some(other(&kind)),
    };
    let parts: Vec<Part> = contents.into_iter().filter_map(part).collect();
    match parts.is_empty() {
        true => vec![other("empty")],
        false => parts,
    }
}

/// Whether an inbox is connected rightly.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboxTestResponse {
    /// Whether nothing is wrong.
    pub is_ready: bool,
    /// What is wrong, and what to do.
    pub faults: Vec<String>,
    /// What the platform says about the account, as JSON; null if it was not reached.
    pub account: Option<String>,
    /// The path of the webhook, below the service's public address, to enter at the platform; empty for mailboxes.
    pub webhook_path: String,
    /// The last request that the platform made to this process within an hour; null if none came.
    pub last_webhook: Option<LastWebhook>,
}

/// Test whether an inbox is connected: its secrets, what the platform says to them, and the last request of the platform. The
/// path ends in `:test`.
#[utoipa::path(
    post, path = "/v1/inboxes/{id}", tag = "channels",
    params(("id" = String, Path, description = "The inbox's id, then `:test`")),
    responses((status = 200, body = InboxTestResponse), (status = 404, body = Problem), (status = 422, body = Problem))
)]
pub async fn test_inbox(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(address): Path<String>,
) -> Result<axum::Json<InboxTestResponse>, Problem> {
    let Some((id, "test")) = address.rsplit_once(':') else {
        return Err(Problem::not_found("expected the path to end in :test"));
    };
    let (inbox, sealed) = inbox_of(&state, &workspace, id).await?;
    let vault = state.app.desk.vault().await?;
    if inbox.channel == ChannelKind::Email {
        let tested = inbox_setup::test_mailbox(vault, &inbox, &sealed).await?;
        return Ok(axum::Json(InboxTestResponse {
            is_ready: tested.faults.is_empty(),
            faults: tested.faults,
            account: tested.account,
            webhook_path: String::new(),
            last_webhook: None,
        }));
    }
    let Some(channel) = channel_of(inbox.channel) else {
        let detail = "an inbox of this channel has no platform to test";
        return Err(Problem::invalid(vec![Fault::new("{id}", detail)]));
    };
    let desk = &state.app.desk;
    let access = (&desk.connections().access, desk.destinations());
    let of = (&workspace, &inbox);
    let mut tested = inbox_setup::test(vault, access, channel, of, &sealed).await?;
    let now = state.app.store.now();
    let last_webhook = state
        .app
        .desk
        .last_webhooks()
        .get(&workspace, &inbox.id, now);
    let webhook_fault = inbox_setup::webhook_fault(last_webhook.as_ref());
    tested.faults.extend(webhook_fault);
    Ok(axum::Json(InboxTestResponse {
        is_ready: tested.faults.is_empty(),
        faults: tested.faults,
        account: tested.account,
        webhook_path: inbox_setup::webhook_path(&workspace, &inbox.id),
        last_webhook,
    }))
}
