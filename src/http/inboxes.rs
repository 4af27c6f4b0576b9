//! Inboxes: connect the addresses of channels.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::changed::ItemChanged;
use super::extract::{Json, Params, Path, Workspace};
use super::problem::{Fault, Problem};
use crate::shadow::{self, ShadowError, ShadowReport};
use ken_base::desk::{ChannelKind, Inbox, InboxId, InboxSettings};
use ken_base::domain::WorkspaceId;
use ken_channels::channel_of;
use ken_conversations::secrets::{SecretError, new_webhook_secret, webhook_key};
use ken_conversations::service::DeskError;
use ken_conversations::writer::WriteError;
use ken_search::retrieve::RetrieveError;
use ken_store::store::desk::SealedSecrets;

/// The secrets that an inbox of any channel may have.
const SECRETS: [&str; 2] = ["webhook_secret", "identity_key"];

/// The secrets that an inbox of a channel may have.
fn secrets_of(channel: ChannelKind) -> Vec<&'static str> {
    let of_platform = channel_of(channel).map_or(&[][..], |channel| channel.credentials());
    let of_platform = of_platform.iter().map(|credential| credential.name);
    SECRETS.into_iter().chain(of_platform).collect()
}
/// The languages of fixed texts.
const LANGUAGES: [&str; 3] = ["zh-Hant", "zh-Hans", "en"];
/// The most audiences of an inbox.
const MAX_AUDIENCES: usize = 20;

/// An inbox to connect, or its new state.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InboxRequest {
    /// The kind of its channel; it cannot be changed later.
    pub channel: ChannelKind,
    /// Its name for people, 1 to 128 characters. A customer who comes from another channel reads it.
    pub name: String,
    /// Its settings. Omitted ones have their defaults.
    #[serde(default)]
    pub settings: InboxSettings,
    /// Secrets to set, or null to remove one; others stay. `webhook_secret` signs callbacks (`whsec_…`; one is made if a
    /// `callback_url` is set without). `identity_key` verifies the tokens of people who are signed in: a text of at least 32
    /// bytes (HS256) or a public key in PEM (ES256). Of platforms: `channel_secret`, `access_token` (`line`); `app_secret`,
    /// `verify_token`, `access_token` (`whatsapp`, `messenger`), with `phone_number_id` or `page_id`; `bot_token`,
    /// `secret_token` (`telegram`); `signing_secret`, `bot_token` (`slack`).
    #[serde(default)]
    pub secrets: BTreeMap<String, Option<String>>,
}

/// An inbox that was connected or changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboxResponse {
    #[serde(flatten)]
    pub inbox: Inbox,
    /// The secret that was made for callbacks; shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_secret: Option<String>,
}

/// The inboxes of a workspace.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboxesResponse {
    /// Ordered by id. The values of secrets are never shown.
    pub inboxes: Vec<Inbox>,
}

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        Problem::internal(&error)
    }
}

impl From<SecretError> for Problem {
    fn from(error: SecretError) -> Self {
        Problem::internal(&error)
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        match &error {
            WriteError::Store(store) if store.is_unwritable() => {
                Problem::unavailable("store is not writable: disk full, read-only or failing")
            }
            WriteError::Store(_) => Problem::internal(&error),
            WriteError::Stopped => Problem::unavailable("the service stops"),
        }
    }
}

/// The inbox of a path, with its sealed secrets; 404 if there is none.
pub async fn inbox_of(
    state: &AppState,
    workspace: &WorkspaceId,
    id: &str,
) -> Result<(Inbox, SealedSecrets), Problem> {
    let found = match InboxId::parse(id) {
        Ok(id) => state.app.store.inbox(workspace, &id).await?,
        Err(_) => None,
    };
    found.ok_or_else(|| Problem::not_found(format!("inbox {id} not found")))
}

/// List inboxes.
#[utoipa::path(
    get, path = "/v1/inboxes", tag = "desk", responses((status = 200, body = InboxesResponse))
)]
pub async fn list_inboxes(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
) -> Result<axum::Json<InboxesResponse>, Problem> {
    let found = state.app.store.inboxes(&workspace).await?;
    let inboxes = found.into_iter().map(|(inbox, _)| inbox).collect();
    Ok(axum::Json(InboxesResponse { inboxes }))
}

/// Read an inbox.
#[utoipa::path(
    get, path = "/v1/inboxes/{id}", tag = "desk", params(("id" = String, Path)),
    responses((status = 200, body = Inbox), (status = 404, body = Problem))
)]
pub async fn get_inbox(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
) -> Result<axum::Json<Inbox>, Problem> {
    let (inbox, _) = inbox_of(&state, &workspace, &id).await?;
    Ok(axum::Json(inbox))
}

/// Connect an inbox, or change it. A new one is in `shadow` mode unless the settings say otherwise.
#[utoipa::path(
    put, path = "/v1/inboxes/{id}", tag = "desk", request_body = InboxRequest,
    params(("id" = String, Path, description = "1 to 64 of `a-z`, `0-9`, `-` and `_`")),
    responses(
        (status = 200, body = InboxResponse), (status = 201, body = InboxResponse), (status = 422, body = Problem),
    )
)]
pub async fn put_inbox(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
    Json(request): Json<InboxRequest>,
) -> Result<Response, Problem> {
    let mut faults = faults_of(&request);
    let id = match InboxId::parse(&id) {
        Ok(id) => Some(id),
        Err(error) => {
            faults.push(Fault::new("{id}", error.to_string()));
            None
        }
    };
    let store = &state.app.store;
    let before = match &id {
        Some(id) => store.inbox(&workspace, id).await?,
        None => None,
    };
    if let Some((before, _)) = before
        .as_ref()
        .filter(|(inbox, _)| inbox.channel != request.channel)
    {
        let is = before.channel.as_str();
        let detail = format!("the inbox is of the channel {is}; connect another inbox");
        faults.push(Fault::new("/channel", detail));
    }
    let (Some(id), true) = (id, faults.is_empty()) else {
        return Err(Problem::invalid(faults));
    };
    let vault = state.app.desk.vault().await?;
    let mut sealed = before.map(|(_, secrets)| secrets).unwrap_or_default();
    for (name, secret) in &request.secrets {
        match secret {
            Some(secret) => sealed.insert(name.clone(), vault.seal(name, secret)?),
            None => sealed.remove(name),
        };
    }
    let mut made = None;
    if request.settings.callback_url.is_some() && !sealed.contains_key("webhook_secret") {
        let secret = new_webhook_secret()?;
        sealed.insert(
            "webhook_secret".to_owned(),
            vault.seal("webhook_secret", &secret)?,
        );
        made = Some(secret);
    }
    let inbox = Inbox {
        id,
        channel: request.channel,
        name: request.name.trim().to_owned(),
        settings: request.settings,
        secrets: sealed.keys().cloned().collect(),
        created_at: store.now(),
    };
    let is_new = store.put_inbox(&workspace, &inbox, Some(&sealed)).await?;
    let (inbox, _) = inbox_of(&state, &workspace, inbox.id.as_str()).await?;
    let status = match is_new {
        true => StatusCode::CREATED,
        false => StatusCode::OK,
    };
    let webhook_secret = made;
    let body = InboxResponse {
        inbox,
        webhook_secret,
    };
    Ok((status, axum::Json(body)).into_response())
}

fn faults_of(request: &InboxRequest) -> Vec<Fault> {
    let settings = &request.settings;
    let mut faults = Vec::new();
    faults.extend(Fault::bounded("/name", &request.name, 128));
    let within = |pointer: &str, value: u32, least: u32, most: u32| {
        let detail = || format!("expected {least} to {most}, found {value}");
        (!(least..=most).contains(&value))
            .then(|| Fault::new(format!("/settings/{pointer}"), detail()))
    };
    faults.extend(within("burst_ms", settings.burst_ms, 0, 10_000));
    faults.extend(within("reopen_hours", settings.reopen_hours, 1, 8_760));
    for (name, hours) in [
        ("return_to_bot_hours", settings.return_to_bot_hours),
        ("window_hours", settings.window_hours),
    ] {
        faults.extend(hours.and_then(|hours| within(name, hours, 1, 8_760)));
    }
    faults.extend(
        settings
            .keep_days
            .and_then(|days| within("keep_days", days, 1, 3_650)),
    );
    if let Some(channel) = &settings.channel {
        faults.extend(Fault::bounded("/settings/channel", channel, 128));
    }
    if let Some(language) = &settings.language
        && !LANGUAGES.contains(&language.as_str())
    {
        let detail = format!("expected zh-Hant, zh-Hans or en, found {language:?}");
        faults.push(Fault::new("/settings/language", detail));
    }
    if settings.audience.len() > MAX_AUDIENCES {
        let found = settings.audience.len();
        let detail = format!("expected at most {MAX_AUDIENCES} names, found {found}");
        faults.push(Fault::new("/settings/audience", detail));
    }
    if let Some(url) = &settings.callback_url {
        faults.extend(callback_fault(request.channel, url));
    }
    if let Some(url) = &settings.platform_url {
        faults.extend(platform_fault(request.channel, url));
    }
    let secrets = secrets_of(request.channel);
    for (name, secret) in &request.secrets {
        let pointer = format!("/secrets/{}", name.replace('~', "~0").replace('/', "~1"));
        if !secrets.contains(&name.as_str()) {
            let detail = format!("expected one of {}, found {name:?}", secrets.join(", "));
            faults.push(Fault::new(pointer, detail));
        } else if let Some(secret) = secret {
            faults.extend(Fault::bounded(&pointer, secret, 10_000));
            let is_webhook = name == "webhook_secret";
            if is_webhook && webhook_key(secret).is_none() {
                let detail =
                    "expected `whsec_` and 24 to 64 bytes in base64, as Standard Webhooks 1.0 say";
                faults.push(Fault::new(pointer, detail));
            }
        }
    }
    faults
}

/// What is wrong with a callback address.
fn callback_fault(channel: ChannelKind, url: &str) -> Option<Fault> {
    let pointer = "/settings/callback_url";
    if channel != ChannelKind::Generic {
        let detail = "only an inbox of the channel generic has callbacks";
        return Some(Fault::new(pointer, detail));
    }
    address_fault(pointer, url)
}

/// What is wrong with a platform's address.
fn platform_fault(channel: ChannelKind, url: &str) -> Option<Fault> {
    let pointer = "/settings/platform_url";
    if channel_of(channel).is_none() {
        let detail = "an inbox of this channel has no platform";
        return Some(Fault::new(pointer, detail));
    }
    if url.ends_with('/') {
        return Some(Fault::new(pointer, "expected no slash at its end"));
    }
    address_fault(pointer, url)
}

/// What is wrong with an address that Ken calls. Plain HTTP is for tests on the same machine.
fn address_fault(pointer: &str, url: &str) -> Option<Fault> {
    let parsed = reqwest::Url::parse(url).ok();
    let is_allowed = parsed.is_some_and(|url| match url.scheme() {
        "https" => url.has_host(),
        "http" => matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")),
        _ => false,
    });
    let detail = || format!("expected an https address, found {url:?}");
    (!is_allowed).then(|| Fault::new(pointer, detail()))
}

/// Disconnect an inbox. Its secrets are removed. Its conversations stay, as long as `keep_days` says.
#[utoipa::path(
    delete, path = "/v1/inboxes/{id}", tag = "desk", params(("id" = String, Path)),
    responses((status = 200, body = ItemChanged), (status = 404, body = Problem))
)]
pub async fn delete_inbox(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
) -> Result<axum::Json<ItemChanged>, Problem> {
    let (inbox, _) = inbox_of(&state, &workspace, &id).await?;
    state.app.store.delete_inbox(&workspace, &inbox.id).await?;
    Ok(axum::Json(ItemChanged {
        id,
        effect: "deleted",
    }))
}

/// Query parameters of the report.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ShadowParams {
    /// Period in days, 1 to 366; default 7.
    days: Option<i64>,
}

impl From<ShadowError> for Problem {
    fn from(error: ShadowError) -> Self {
        match error {
            ShadowError::Store(error) => error.into(),
            ShadowError::Embed(error) => RetrieveError::Embed(error).into(),
        }
    }
}

/// Report what the bot would have sent on an inbox in the shadow, beside what agents said: how alike by figures, facts and
/// meaning.
#[utoipa::path(
    get, path = "/v1/inboxes/{id}/shadow-report", tag = "desk", params(("id" = String, Path), ShadowParams),
    responses((status = 200, body = ShadowReport), (status = 404, body = Problem), (status = 422, body = Problem))
)]
pub async fn get_shadow_report(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
    Params(params): Params<ShadowParams>,
) -> Result<axum::Json<ShadowReport>, Problem> {
    let days = params.days.unwrap_or(7);
    if !(1..=366).contains(&days) {
        let detail = format!("expected 1 to 366, found {days}");
        return Err(Problem::invalid(vec![Fault::new("?days", detail)]));
    }
    let (inbox, _) = inbox_of(&state, &workspace, &id).await?;
    let store = &state.app.store;
    let since = store.now() - SignedDuration::from_hours(24 * days);
    let report = shadow::report(store, &state.app.embedder, &workspace, &inbox.id, since);
    Ok(axum::Json(report.await?))
}
