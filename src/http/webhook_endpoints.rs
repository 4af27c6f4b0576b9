//! Outbound webhooks: addresses that are sent what happens in a workspace.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::changed::ItemChanged;
use super::extract::{Json, Params, Path, Workspace};
use super::page::{
    DEFAULT_LIMIT, MAX_LIMIT, page_of, parse_time_cursor, time_cursor, wrong_cursor,
};
use super::problem::{Fault, Problem};
use super::settings::limit_of;
use crate::webhooks::test_event;
use ken_base::desk::InboxId;
use ken_base::domain::WorkspaceId;
use ken_base::outbound::Destinations;
use ken_base::webhook::{Endpoint, EventType, Sending};
use ken_conversations::secrets::new_webhook_secret;
use ken_store::store::desk::SealedSecrets;
use ken_store::store::webhooks::StoredEndpoint;

/// The most endpoints of a workspace.
const MAX_ENDPOINTS: usize = 20;
/// How long the secret before the present one signs too.
const ROTATION: SignedDuration = SignedDuration::from_hours(24);

/// An endpoint to add, or its new state.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookRequest {
    /// Where events are sent: an https address, or http to a private network that `outbound.private_networks` names.
    pub url: String,
    /// What is sent, at least one.
    pub types: Vec<EventType>,
    /// Whether anything is sent. Default true. To enable an endpoint that Ken disabled, put it again.
    #[serde(default = "enabled")]
    pub is_enabled: bool,
}

fn enabled() -> bool {
    true
}

/// An endpoint that was added or changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookResponse {
    #[serde(flatten)]
    pub endpoint: Endpoint,
    /// The secret that signs, `whsec_…`; shown when it is made only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// The endpoints of a workspace.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhooksResponse {
    /// Ordered by id.
    pub webhooks: Vec<Endpoint>,
}

async fn stored(
    state: &AppState,
    workspace: &WorkspaceId,
    id: &str,
) -> Result<StoredEndpoint, Problem> {
    // As a path may hold anything, only what can be an id is looked for.
    let found = match InboxId::parse(id) {
        Ok(_) => state.app.store.webhook_endpoint(workspace, id).await?,
        Err(_) => None,
    };
    found.ok_or_else(|| Problem::not_found(format!("webhook {id} not found")))
}

/// List the addresses that are sent what happens.
#[utoipa::path(
    get, path = "/v1/webhooks", tag = "webhooks", responses((status = 200, body = WebhooksResponse))
)]
pub async fn list_webhooks(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
) -> Result<axum::Json<WebhooksResponse>, Problem> {
    let all = state.app.store.webhook_endpoints().await?.into_iter();
    let own = all.filter(|(of, _)| *of == workspace);
    let webhooks = own.map(|(_, stored)| stored.endpoint).collect();
    Ok(axum::Json(WebhooksResponse { webhooks }))
}

/// Read an endpoint.
#[utoipa::path(
    get, path = "/v1/webhooks/{id}", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 200, body = Endpoint), (status = 404, body = Problem))
)]
pub async fn get_webhook(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
) -> Result<axum::Json<Endpoint>, Problem> {
    Ok(axum::Json(stored(&state, &workspace, &id).await?.endpoint))
}

/// Add an endpoint, or change it. Its secret is shown once, when it is added.
#[utoipa::path(
    put, path = "/v1/webhooks/{id}", tag = "webhooks", request_body = WebhookRequest,
    params(("id" = String, Path, description = "1 to 64 of `a-z`, `0-9`, `-` and `_`")),
    responses(
        (status = 200, body = WebhookResponse), (status = 201, body = WebhookResponse), (status = 422, body = Problem),
    )
)]
pub async fn put_webhook(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
    Json(request): Json<WebhookRequest>,
) -> Result<Response, Problem> {
    let store = &state.app.store;
    let mut faults = Vec::new();
    if let Err(error) = InboxId::parse(&id) {
        faults.push(Fault::new("{id}", error.why));
    }
    let networks = &state.app.config.outbound.private_networks;
    faults.extend(url_fault(&Destinations::new(networks), &request.url));
    let mut types = request.types;
    types.sort_unstable();
    types.dedup();
    if types.is_empty() || types.contains(&EventType::WebhookTest) {
        let names = EventType::ALL.map(EventType::as_str).join(", ");
        faults.push(Fault::new("/types", format!("expected some of {names}")));
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let before = store.webhook_endpoint(&workspace, &id).await?;
    if before.is_none() {
        let all = store.webhook_endpoints().await?;
        if all.iter().filter(|(of, _)| *of == workspace).count() >= MAX_ENDPOINTS {
            let detail = format!("the workspace has {MAX_ENDPOINTS} webhooks; delete one first");
            return Err(Problem::conflict(detail));
        }
    }
    let made = match before {
        Some(_) => None,
        None => Some(new_webhook_secret()?),
    };
    let mut secrets = SealedSecrets::new();
    if let Some(secret) = &made {
        let sealed = state.app.desk.vault().await?.seal("secret", secret)?;
        secrets.insert("secret".to_owned(), sealed);
    }
    let endpoint = Endpoint {
        id: id.clone(),
        url: request.url,
        types,
        is_enabled: request.is_enabled,
        disabled_reason: None,
        previous_secret_until: None,
        created_at: before.map_or_else(|| store.now(), |before| before.endpoint.created_at),
    };
    let is_new = store
        .put_webhook_endpoint(&workspace, &endpoint, made.as_ref().map(|_| &secrets))
        .await?;
    let status = match is_new {
        true => StatusCode::CREATED,
        false => StatusCode::OK,
    };
    let body = WebhookResponse {
        endpoint: stored(&state, &workspace, &id).await?.endpoint,
        secret: made,
    };
    Ok((status, axum::Json(body)).into_response())
}

/// What is wrong with an address that events are sent to.
fn url_fault(destinations: &Destinations, url: &str) -> Option<Fault> {
    if let Some(fault) = Fault::bounded("/url", url, 2_000) {
        return Some(fault);
    }
    if let Err(detail) = destinations.check(url) {
        return Some(Fault::new("/url", detail));
    }
    let parsed = reqwest::Url::parse(url).ok();
    let is_literal = parsed
        .as_ref()
        .and_then(|url| url.host_str())
        .is_some_and(|host| {
            host.trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok()
        });
    let is_encrypted = parsed.is_some_and(|url| url.scheme() == "https");
    // Without encryption only to addresses of networks that are named: others were refused above, public ones are here.
    let is_named = is_literal && Destinations::default().check(url).is_err();
    let detail = || format!("expected an https address, found {url:?}");
    (!is_encrypted && !is_named).then(|| Fault::new("/url", detail()))
}

/// Remove an endpoint and what waits for it.
#[utoipa::path(
    delete, path = "/v1/webhooks/{id}", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 200, body = ItemChanged), (status = 404, body = Problem))
)]
pub async fn delete_webhook(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
) -> Result<axum::Json<ItemChanged>, Problem> {
    stored(&state, &workspace, &id).await?;
    state
        .app
        .store
        .delete_webhook_endpoint(&workspace, &id)
        .await?;
    Ok(axum::Json(ItemChanged {
        id,
        effect: "deleted",
    }))
}

/// What to replay; of other actions, nothing.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookActionRequest {
    /// Of `:replay`: this event.
    pub event_id: Option<String>,
    /// Of `:replay` without `event_id`: all events since then that failed. Default: of the last 3 days.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
}

/// What an action did.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookActionResponse {
    /// The endpoint.
    #[serde(flatten)]
    pub endpoint: Endpoint,
    /// Of `:rotate-secret`: the new secret, shown this once. The one before it signs too for 24 hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Of `:test`: the event's id, to look it up among the endpoint's events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// Of `:replay`: how many events are sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_events: Option<u64>,
}

/// Send a test event, make a new secret, or send events again. The path ends in `:test`, `:rotate-secret` or `:replay`.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}", tag = "webhooks", request_body = WebhookActionRequest,
    params(("id" = String, Path, description = "The endpoint's id, then `:test`, `:rotate-secret` or `:replay`")),
    responses(
        (status = 200, body = WebhookActionResponse), (status = 404, body = Problem), (status = 409, body = Problem),
    )
)]
pub async fn act_on_webhook(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(address): Path<String>,
    Json(request): Json<WebhookActionRequest>,
) -> Result<axum::Json<WebhookActionResponse>, Problem> {
    let missing =
        || Problem::not_found("expected the path to end in :test, :rotate-secret or :replay");
    let (id, action) = address.rsplit_once(':').ok_or_else(missing)?;
    let store = &state.app.store;
    let found = stored(&state, &workspace, id).await?;
    let (mut secret, mut event_id, mut n_events) = (None, None, None);
    match action {
        "test" => {
            if !found.endpoint.is_enabled {
                return Err(Problem::conflict(
                    "the webhook is disabled; enable it first",
                ));
            }
            let event = test_event(id, store.now());
            event_id = Some(event.id.clone());
            store.enqueue_webhooks(&workspace, None, &[event]).await?;
        }
        "rotate-secret" => {
            secret = Some(rotate(&state, &workspace, found).await?);
        }
        "replay" => {
            let since = store.now() - SignedDuration::from_hours(72);
            let since = match request.event_id {
                Some(_) => Timestamp::UNIX_EPOCH,
                None => request.since.unwrap_or(since),
            };
            let one = request.event_id.as_deref();
            let n = store.replay_webhooks(&workspace, id, one, since).await?;
            if n == 0
                && let Some(one) = one
            {
                return Err(Problem::not_found(format!("event {one} not found")));
            }
            n_events = Some(n);
        }
        _ => return Err(missing()),
    }
    Ok(axum::Json(WebhookActionResponse {
        endpoint: stored(&state, &workspace, id).await?.endpoint,
        secret,
        event_id,
        n_events,
    }))
}

/// Makes a new secret; the one before it stays for a day.
async fn rotate(
    state: &AppState,
    workspace: &WorkspaceId,
    found: StoredEndpoint,
) -> Result<String, Problem> {
    let store = &state.app.store;
    let vault = state.app.desk.vault().await?;
    let (mut endpoint, mut secrets) = (found.endpoint, found.secrets);
    if let Some(before) = vault.open(&secrets, "secret")? {
        secrets.insert("previous".to_owned(), vault.seal("previous", &before)?);
        endpoint.previous_secret_until = store.now().saturating_add(ROTATION).ok();
    }
    let made = new_webhook_secret()?;
    secrets.insert("secret".to_owned(), vault.seal("secret", &made)?);
    store
        .put_webhook_endpoint(workspace, &endpoint, Some(&secrets))
        .await?;
    Ok(made)
}

/// Query parameters of an endpoint's events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct WebhookEventParams {
    /// `next` of the previous page.
    after: Option<String>,
    /// 1 to 200; default 100.
    limit: Option<i64>,
}

/// A page of an endpoint's events.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookEventsResponse {
    /// Newest first; those that were sent or failed are kept for 60 days.
    pub events: Vec<Sending>,
    /// Pass as `after` to get the next page; null on the last page.
    pub next: Option<String>,
}

/// List what was sent to an endpoint, and what waits.
#[utoipa::path(
    get, path = "/v1/webhooks/{id}/events", tag = "webhooks",
    params(("id" = String, Path), WebhookEventParams),
    responses(
        (status = 200, body = WebhookEventsResponse), (status = 404, body = Problem), (status = 422, body = Problem),
    )
)]
pub async fn list_webhook_events(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
    Params(params): Params<WebhookEventParams>,
) -> Result<axum::Json<WebhookEventsResponse>, Problem> {
    let limit = limit_of(params.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let key = parse_time_cursor(params.after.as_deref())?;
    let before = match &key {
        None => None,
        Some(key) => {
            let at = Timestamp::from_millisecond(key.at_ms);
            let at = at.map_err(|_| wrong_cursor(params.after.as_deref().unwrap_or_default()))?;
            Some((at, key.id.as_str()))
        }
    };
    stored(&state, &workspace, &id).await?;
    let store = &state.app.store;
    let found = store
        .webhook_events(&workspace, &id, before, limit + 1)
        .await?;
    let limit = usize::try_from(limit).unwrap_or(0);
    let (events, next) = page_of(found, limit, |one| time_cursor(one.created_at, &one.id));
    Ok(axum::Json(WebhookEventsResponse { events, next }))
}
