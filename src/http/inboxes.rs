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
use crate::inbox_setup::{self, InboxChange, SetupError, SetupFault};
use crate::shadow::{self, ShadowError, ShadowReport};
use ken_base::desk::{ChannelKind, Inbox, InboxId, InboxSettings};
use ken_base::domain::WorkspaceId;
use ken_conversations::secrets::SecretError;
use ken_conversations::service::DeskError;
use ken_conversations::writer::WriteError;
use ken_search::retrieve::RetrieveError;
use ken_store::store::desk::SealedSecrets;

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

impl From<SetupError> for Problem {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::Invalid(faults) => {
                let faults = faults.into_iter();
                let fault = |of: SetupFault| Fault::new(of.pointer, of.detail);
                Problem::invalid(faults.map(fault).collect())
            }
            SetupError::Store(error) => error.into(),
            error => Problem::internal(&error),
        }
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
    let store = &state.app.store;
    let change = InboxChange {
        channel: request.channel,
        name: request.name,
        settings: request.settings,
        secrets: request.secrets,
    };
    let checked = inbox_setup::check(store, &workspace, &id, change).await?;
    let vault = state.app.desk.vault().await?;
    let connected = checked.put(store, vault, &workspace).await?;
    let status = match connected.is_new {
        true => StatusCode::CREATED,
        false => StatusCode::OK,
    };
    let body = InboxResponse {
        inbox: connected.inbox,
        webhook_secret: connected.webhook_secret,
    };
    Ok((status, axum::Json(body)).into_response())
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
