//! The web chat: what a visitor's browser calls. No API key: a session's token names the visitor.

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use governor::clock::Clock;
use governor::{Quota, RateLimiter};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::attachments::{download, received, stored};
use super::auth::{InFlightPerKey, Rates, address_of, rates};
use super::extract::{Json, Params, Path};
use super::inbound::{identity_key, parts_of};
use super::page::{DEFAULT_LIMIT, MAX_LIMIT, parse_position};
use super::problem::{Fault, Problem};
use super::sessions::subscriber_of;
use super::settings::limit_of;
use ken_base::desk::{
    AuthorKind, ChannelKind, Direction, IdentityId, Inbox, InboxId, Message, Part, Responder,
};
use ken_base::domain::WorkspaceId;
use ken_conversations::chat::{ChatSession, Visitor};
use ken_conversations::intake::{Inbound, InboundKind, Received, Revision};
use ken_customers::tokens::{TokenError, verified};
use ken_store::store::desk::{ConversationFilter, SealedSecrets};

/// How long a visitor who has not signed in is known.
const ANONYMOUS: SignedDuration = SignedDuration::from_hours(24 * 30);
/// How many events wait for a slow browser.
const WAITING: usize = 16;
/// How often a stream looks for what other processes wrote.
const OTHERS: std::time::Duration = std::time::Duration::from_secs(1);

/// The chat to open.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChatRequest {
    /// The workspace of the inbox. Default: `default`.
    pub workspace: Option<String>,
    /// An inbox of the channel `web`.
    pub inbox_id: String,
    /// The token of an earlier session of this browser: the visitor stays the same.
    pub session: Option<String>,
    /// A token that the company signed for somebody who is signed in; see `POST /v1/inboxes/{id}/messages`. What the
    /// visitor wrote before they signed in belongs to them from now on.
    pub identity_token: Option<String>,
    /// Name of somebody who is signed in, at most 128 characters, in place of the token's.
    pub name: Option<String>,
}

/// A visitor's session.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatResponse {
    /// Send it as `Authorization: Bearer …`. Forget it when the visitor signs out: the next session is somebody else's.
    pub session: String,
    /// Until when it is valid: 30 days, or as long as the identity token.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// Whether the visitor is signed in.
    pub is_signed_in: bool,
}

/// The inbox of a session; 404 if it is none of the channel `web`.
async fn web_inbox(
    state: &AppState,
    workspace: &WorkspaceId,
    id: &str,
) -> Result<(Inbox, SealedSecrets), Problem> {
    let found = match InboxId::parse(id) {
        Ok(id) => state.app.store.inbox(workspace, &id).await?,
        Err(_) => None,
    };
    let found = found.filter(|(inbox, _)| inbox.channel == ChannelKind::Web);
    found.ok_or_else(|| Problem::not_found("no web chat at this inbox"))
}

/// Open a chat: without tokens as a new visitor.
#[utoipa::path(
    post, path = "/v1/chat/sessions", tag = "chat", request_body = ChatRequest,
    responses((status = 200, body = ChatResponse), (status = 404, body = Problem), (status = 422, body = Problem))
)]
pub async fn open_chat(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    Json(request): Json<ChatRequest>,
) -> Result<axum::Json<ChatResponse>, Problem> {
    state.chats.check_opening(address)?;
    let name = request.workspace.as_deref().unwrap_or("default");
    let Ok(workspace) = WorkspaceId::parse(name) else {
        return Err(Problem::not_found("no web chat at this inbox"));
    };
    let (inbox, secrets) = web_inbox(&state, &workspace, &request.inbox_id).await?;
    let (desk, now) = (&state.app.desk, state.app.store.now());
    let vault = desk.vault().await?;
    let mut faults = Vec::new();
    if let Some(name) = &request.name {
        faults.extend(Fault::bounded("/name", name, 128));
    }
    let earlier = request.session.as_deref().and_then(|token| {
        let opened = ChatSession::open(token, vault, now).ok();
        let of_inbox = |one: &ChatSession| one.workspace == workspace && one.inbox_id == inbox.id;
        opened.filter(of_inbox)
    });
    // Somebody who signed out is a new visitor.
    let anonymous = earlier.filter(|one| matches!(one.visitor, Visitor::Anonymous(_)));
    let signed = match &request.identity_token {
        None => None,
        Some(token) => {
            let key = identity_key(&state, &secrets).await?;
            let signed = verified(token, key.as_deref())
                .and_then(|claims| Ok((claims.exp, claims.sub.clone(), claims.sender()?)));
            let fault = |error: TokenError| Fault::new("/identity_token", error.to_string());
            signed.map_err(|error| faults.push(fault(error))).ok()
        }
    };
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let (visitor, expires_at) = match (&signed, &anonymous) {
        (Some((exp, sub, _)), _) => {
            let expires_at = i64::try_from(*exp).ok();
            let expires_at = expires_at.and_then(|exp| Timestamp::from_second(exp).ok());
            (Visitor::SignedIn(sub.clone()), expires_at.unwrap_or(now))
        }
        (None, earlier) => {
            let visitor = match earlier {
                Some(earlier) if !is_signed_in(&state, earlier).await? => earlier.visitor.clone(),
                _ => Visitor::new(),
            };
            let expires_at = now.saturating_add(ANONYMOUS);
            (visitor, expires_at.unwrap_or(Timestamp::MAX))
        }
    };
    let session = ChatSession {
        workspace: workspace.clone(),
        inbox_id: inbox.id.clone(),
        visitor,
        expires_at,
    };
    let is_signed_in = signed.is_some();
    if let Some((_, _, mut sender)) = signed {
        if let Some(name) = request.name {
            sender.display_name = name;
        }
        let visitor = anonymous.map(|earlier| earlier.key());
        desk.sign_in(workspace, inbox.id, sender, visitor).await?;
    }
    Ok(axum::Json(ChatResponse {
        session: session.token(vault)?,
        expires_at,
        is_signed_in,
    }))
}

/// Whether a visitor has signed in since: then the anonymous session is over, because another person may use the browser.
async fn is_signed_in(state: &AppState, session: &ChatSession) -> Result<bool, Problem> {
    if matches!(session.visitor, Visitor::SignedIn(_)) {
        return Ok(false);
    }
    let store = &state.app.store;
    let identity = store
        .identity_by_key(&session.workspace, &session.key())
        .await?;
    Ok(identity.is_some_and(|identity| identity.verified_by.is_some()))
}

/// The address of a browser, for limits.
pub struct ClientAddress(String);

impl FromRequestParts<AppState> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Infallible> {
        Ok(Self(subscriber_of(address_of(parts)).to_string()))
    }
}

/// The session of a request's bearer token.
pub struct Session(ChatSession);

impl FromRequestParts<AppState> for Session {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let header = parts.headers.get(AUTHORIZATION);
        let token = header.and_then(|value| value.to_str().ok());
        let token = token.and_then(|value| value.strip_prefix("Bearer "));
        let missing = || Problem::unauthorized("open a chat by POST /v1/chat/sessions");
        let token = token.ok_or_else(missing)?;
        let vault = state.app.desk.vault_if_used().await?;
        let vault = vault.ok_or_else(missing)?;
        let opened = ChatSession::open(token.trim(), vault, state.app.store.now());
        let session = opened.map_err(|_| missing())?;
        let address = subscriber_of(address_of(parts)).to_string();
        state.chats.check_request(address, &session)?;
        match is_signed_in(state, &session).await? {
            true => Err(missing()),
            false => Ok(Self(session)),
        }
    }
}

/// A message of a visitor.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChatMessageRequest {
    /// Chosen by the browser, 1 to 64 bytes: what has the same id is stored once.
    pub id: String,
    /// The text, 1 to 20,000 characters.
    pub text: String,
}

/// A message as the visitor sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatMessage {
    /// The message's id.
    pub id: String,
    /// The id that the browser chose; null for others' messages.
    pub client_id: Option<String>,
    /// Who wrote.
    pub author: AuthorKind,
    /// What.
    pub parts: Vec<Part>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The answer's id, with which the site's server can give feedback; null if it is none.
    pub answer_id: Option<String>,
}

impl From<Message> for ChatMessage {
    fn from(message: Message) -> Self {
        let is_own = message.direction == Direction::In;
        let client_id = message.provider_message_id.filter(|_| is_own);
        Self {
            id: message.id.to_string(),
            client_id: client_id.and_then(|id| Some(id.split_once(':')?.1.to_owned())),
            author: message.author.kind,
            parts: message.parts,
            at: message.at,
            answer_id: message.answer_id,
        }
    }
}

/// The message that was stored.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatMessageResponse {
    /// Its id; null if it was stored before.
    pub message_id: Option<String>,
}

/// Write as the visitor. It is durable when the reply comes; the answer comes by `GET /v1/chat/stream` or
/// `GET /v1/chat/messages`.
#[utoipa::path(
    post, path = "/v1/chat/messages", tag = "chat", request_body = ChatMessageRequest,
    responses(
        (status = 201, body = ChatMessageResponse), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem),
    )
)]
pub async fn write_chat(
    State(state): State<AppState>,
    Session(session): Session,
    Json(request): Json<ChatMessageRequest>,
) -> Result<Response, Problem> {
    let (inbox, _) = web_inbox(&state, &session.workspace, session.inbox_id.as_str()).await?;
    check_id("/id", &request.id)?;
    let parts = parts_of(Some(request.text), Vec::new()).map_err(Problem::invalid)?;
    written(&state, &session, inbox, &request.id, parts).await
}

fn check_id(pointer: &str, id: &str) -> Result<(), Problem> {
    if (1..=64).contains(&id.len()) {
        return Ok(());
    }
    let detail = format!("expected 1 to 64 bytes, found {}", id.len());
    Err(Problem::invalid(vec![Fault::new(pointer, detail)]))
}

/// Stores a message of the visitor.
async fn written(
    state: &AppState,
    session: &ChatSession,
    inbox: Inbox,
    id: &str,
    parts: Vec<Part>,
) -> Result<Response, Problem> {
    let received = state.app.desk.receive(Inbound {
        workspace: session.workspace.clone(),
        inbox: Arc::new(inbox),
        // Another visitor may choose the same id.
        provider_id: format!("{}:{id}", session.visitor_id()),
        at: state.app.store.now(),
        what: InboundKind::Message {
            sender: session.sender(),
            parts,
            revision: Revision::default(),
            needs_person: false,
        },
    });
    let message_id = match received.await? {
        Received::New { message_id, .. } => message_id,
        Received::Known => None,
    };
    let message_id = message_id.map(String::from);
    Ok((
        StatusCode::CREATED,
        axum::Json(ChatMessageResponse { message_id }),
    )
        .into_response())
}

/// Query parameters of a visitor's file.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ChatFileParams {
    /// Chosen by the browser, 1 to 64 bytes: what has the same id is stored once.
    id: String,
    /// The file's name, 1 to 255 characters.
    name: String,
}

/// Send a file as the visitor; see `POST /v1/attachments`. It is durable when the reply comes.
#[utoipa::path(
    post, path = "/v1/chat/attachments", tag = "chat", params(ChatFileParams),
    request_body(content = String, content_type = "application/octet-stream", description = "The file"),
    responses(
        (status = 201, body = ChatMessageResponse), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 413, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub async fn send_chat_file(
    State(state): State<AppState>,
    Session(session): Session,
    ClientAddress(address): ClientAddress,
    Params(params): Params<ChatFileParams>,
    request: Request,
) -> Result<Response, Problem> {
    let (inbox, _) = web_inbox(&state, &session.workspace, session.inbox_id.as_str()).await?;
    check_id("?id", &params.id)?;
    let _places = state.chats.begin_upload(&address)?;
    let bytes = received(&state, &params.name, request).await?;
    state.chats.count_bytes(address, bytes.len())?;
    let part = stored(&state, &session.workspace, &params.name, bytes).await?;
    written(&state, &session, inbox, &params.id, vec![part]).await
}

/// Download a file of the visitor's chat.
#[utoipa::path(
    get, path = "/v1/chat/attachments/{sha256}", tag = "chat",
    params(("sha256" = String, Path, description = "SHA-256 of its content, in hex")),
    responses(
        (status = 200, body = String, content_type = "application/octet-stream", description = "The file, with its type"),
        (status = 401, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem),
    )
)]
pub async fn get_chat_file(
    State(state): State<AppState>,
    Session(session): Session,
    Path(sha256): Path<String>,
) -> Result<Response, Problem> {
    let identities = identities_of(&state, &session).await?;
    let (workspace, inbox) = (&session.workspace, &session.inbox_id);
    let store = &state.app.store;
    let file = store.file_with(workspace, inbox, &identities, &sha256);
    download(&state, workspace, file.await?).await
}

/// Query parameters of the messages of a chat.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ChatListParams {
    /// `next` of the previous page.
    after: Option<String>,
    /// 1 to 200; default 100.
    limit: Option<i64>,
}

/// A page of a chat.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatListResponse {
    /// Of this visitor on this inbox, in the order of the log, without notes among agents.
    pub messages: Vec<ChatMessage>,
    /// Pass as `after` to get the next page, or what comes later.
    pub next: Option<String>,
    /// Who answers now; null before the first message.
    pub responder: Option<Responder>,
}

/// Read the visitor's messages and the replies.
#[utoipa::path(
    get, path = "/v1/chat/messages", tag = "chat", params(ChatListParams),
    responses((status = 200, body = ChatListResponse), (status = 401, body = Problem), (status = 422, body = Problem))
)]
pub async fn list_chat(
    State(state): State<AppState>,
    Session(session): Session,
    Params(params): Params<ChatListParams>,
) -> Result<axum::Json<ChatListResponse>, Problem> {
    let limit = limit_of(params.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let after = parse_position(params.after.as_deref())?;
    let identities = identities_of(&state, &session).await?;
    let store = &state.app.store;
    let (workspace, inbox) = (&session.workspace, &session.inbox_id);
    let found = store
        .messages_with(workspace, inbox, &identities, after, limit)
        .await?;
    let responder = responder_for(&state, &session, &identities).await?;
    let next = found.last().map(|message| message.seq.to_string());
    Ok(axum::Json(ChatListResponse {
        next: next.or(params.after),
        messages: found.into_iter().map(ChatMessage::from).collect(),
        responder,
    }))
}

/// The identities whose messages a visitor may read: somebody who is signed in, all of their own; another visitor, only
/// what they wrote in this session.
async fn identities_of(
    state: &AppState,
    session: &ChatSession,
) -> Result<Vec<IdentityId>, Problem> {
    let store = &state.app.store;
    let (workspace, key) = (&session.workspace, session.key());
    let Some(identity) = store.identity_by_key(workspace, &key).await? else {
        return Ok(Vec::new());
    };
    if matches!(session.visitor, Visitor::Anonymous(_)) {
        return Ok(vec![identity.id]);
    }
    let customer = store.customer(workspace, &identity.id).await?;
    Ok(customer.into_iter().map(|one| one.id).collect())
}

/// Who answers the visitor now: in the newest conversation on the inbox.
async fn responder_for(
    state: &AppState,
    session: &ChatSession,
    identities: &[IdentityId],
) -> Result<Option<Responder>, Problem> {
    let Some(any) = identities.first() else {
        return Ok(None);
    };
    let filter = ConversationFilter {
        inbox: Some(session.inbox_id.clone()),
        customer: Some(any.clone()),
        ..ConversationFilter::default()
    };
    let store = &state.app.store;
    let found = store
        .conversations(&session.workspace, &filter, None, 20)
        .await?;
    let own = found
        .into_iter()
        .find(|one| identities.contains(&one.identity_id));
    Ok(own.map(|one| one.responder))
}

/// Follow the chat: server-sent events `message`, each with its position as `id`. Connect again with the last one to miss
/// nothing.
#[utoipa::path(
    get, path = "/v1/chat/stream", tag = "chat", params(ChatListParams),
    responses(
        (status = 200, content((String = "text/event-stream")), description = "Messages, until the client disconnects"),
        (status = 401, body = Problem), (status = 422, body = Problem),
    )
)]
pub async fn stream_chat(
    State(state): State<AppState>,
    Session(session): Session,
    Params(params): Params<ChatListParams>,
) -> Result<Response, Problem> {
    let limit = limit_of(params.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let after = parse_position(params.after.as_deref())?;
    let place = state.chats.open_stream()?;
    let (events, received) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        let _place = place;
        if let Err(error) = follow(&state, &session, after, limit, events).await {
            tracing::error!(detail = error.title, "cannot follow a chat");
        }
    });
    let stream = Sse::new(ReceiverStream::new(received)).keep_alive(KeepAlive::default());
    Ok(stream.into_response())
}

/// Sends messages until the browser is gone, the session ends, or the store fails; the browser connects again.
async fn follow(
    state: &AppState,
    session: &ChatSession,
    mut after: i64,
    limit: i64,
    events: mpsc::Sender<Result<Event, Infallible>>,
) -> Result<(), Problem> {
    let store = &state.app.store;
    let mut written = state.app.desk.written().await?;
    let mut ended = state.app.desk.ended();
    while session.expires_at > store.now() && !is_signed_in(state, session).await? {
        written.borrow_and_update();
        let identities = identities_of(state, session).await?;
        let (workspace, inbox) = (&session.workspace, &session.inbox_id);
        let page = store
            .messages_with(workspace, inbox, &identities, after, limit)
            .await?;
        let is_full = page.len() as i64 == limit;
        for message in page {
            after = message.seq;
            let body = serde_json::json!(ChatMessage::from(message)).to_string();
            let event = Event::default()
                .id(after.to_string())
                .event("message")
                .data(body);
            if events.send(Ok(event)).await.is_err() {
                return Ok(());
            }
        }
        if is_full {
            continue;
        }
        tokio::select! {
            () = events.closed() => return Ok(()),
            _ = ended.wait_for(|ended| *ended) => return Ok(()),
            changed = written.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
            }
            () = tokio::time::sleep(OTHERS) => {}
        }
    }
    Ok(())
}

/// How many requests a visitor makes in a minute.
const BY_VISITOR: u32 = 240;
/// How many requests come from one address in a minute: those of many visitors behind one proxy.
const BY_ADDRESS: u32 = 2_400;
/// How many chats are opened from one address in a minute.
const OPENED: u32 = 240;
/// How many files come from one address in a minute.
const FILES: u32 = 60;
/// How many megabytes of files come from one address in an hour.
const MEGABYTES: NonZeroU32 = NonZeroU32::new(256).unwrap();
/// How many files of visitors are received at once, and of one address.
const UPLOADS: usize = 32;
const UPLOADS_OF_ADDRESS: usize = 2;
/// How many streams are open at once, of chats and of agents.
const STREAMS: usize = 2_000;
/// With more visitors or addresses than this, those without a request in the last minute are removed.
const MAX_REMEMBERED: usize = 10_000;

/// Limits of requests without a key, and of open streams.
pub struct ChatRates {
    by_visitor: Option<Rates>,
    by_address: Option<Rates>,
    opened: Option<Rates>,
    files: Option<Rates>,
    megabytes: Rates,
    uploads: Arc<Semaphore>,
    uploads_by_address: InFlightPerKey,
    streams: Arc<Semaphore>,
}

impl Default for ChatRates {
    fn default() -> Self {
        Self {
            by_visitor: rates(BY_VISITOR),
            by_address: rates(BY_ADDRESS),
            opened: rates(OPENED),
            files: rates(FILES),
            megabytes: RateLimiter::keyed(Quota::per_hour(MEGABYTES)),
            uploads: Arc::new(Semaphore::new(UPLOADS)),
            uploads_by_address: InFlightPerKey::new(UPLOADS_OF_ADDRESS),
            streams: Arc::new(Semaphore::new(STREAMS)),
        }
    }
}

impl ChatRates {
    fn check(rates: Option<&Rates>, who: String) -> Result<(), Problem> {
        let Some(rates) = rates else { return Ok(()) };
        if rates.len() > MAX_REMEMBERED {
            rates.retain_recent();
        }
        rates.check_key(&who).map_err(|until| {
            let wait = until.wait_time_from(rates.clock().now());
            Problem::too_many(wait, "")
        })
    }

    fn check_opening(&self, address: String) -> Result<(), Problem> {
        Self::check(self.opened.as_ref(), address)
    }

    /// Counts a request of a visitor, first by its address, so that many sessions of one address are no way around.
    fn check_request(&self, address: String, session: &ChatSession) -> Result<(), Problem> {
        Self::check(self.by_address.as_ref(), address)?;
        let (workspace, inbox) = (&session.workspace, &session.inbox_id);
        let who = format!("{workspace}/{inbox}/{}", session.visitor_id());
        Self::check(self.by_visitor.as_ref(), who)
    }

    /// Places for a file of an address, for as long as it is received.
    fn begin_upload(&self, address: &str) -> Result<[OwnedSemaphorePermit; 2], Problem> {
        Self::check(self.files.as_ref(), address.to_owned())?;
        let full = || Problem::overloaded("too many files are being received; try again");
        let own = self.uploads_by_address.acquire(address);
        let all = self.uploads.clone().try_acquire_owned().ok();
        Ok([own.ok_or_else(full)?, all.ok_or_else(full)?])
    }

    /// Counts the bytes of a file of an address.
    fn count_bytes(&self, address: String, n_bytes: usize) -> Result<(), Problem> {
        let megabytes = u32::try_from(n_bytes.div_ceil(1 << 20)).unwrap_or(u32::MAX);
        let Some(megabytes) = NonZeroU32::new(megabytes) else {
            return Ok(());
        };
        if self.megabytes.len() > MAX_REMEMBERED {
            self.megabytes.retain_recent();
        }
        match self.megabytes.check_key_n(&address, megabytes) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => {
                let wait = until.wait_time_from(self.megabytes.clock().now());
                Err(Problem::too_many(wait, ""))
            }
            Err(_) => Err(Problem::too_large("the file is too large for a visitor")),
        }
    }

    /// A place for a stream, for as long as it is open.
    pub fn open_stream(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let place = self.streams.clone().try_acquire_owned();
        place.map_err(|_| Problem::overloaded("too many open streams; read pages instead"))
    }
}
