//! API keys: `/v1/keys`.

use axum::Extension;
use axum::extract::State;
use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::changed::ItemChanged;
use super::extract::{Json, Path, Workspace};
use super::problem::{Fault, Problem};
use ken_base::domain::Principal;
use ken_base::domain::{ApiKey, KeyRole};

/// A key to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRequest {
    /// `bot`, `editor`, `agent`, `admin` or `operator`; only operators create operator keys.
    pub role: KeyRole,
    /// Name of the key, 1 to 128 characters; shown in the audit log.
    pub name: String,
    /// Expiry time. Default: never.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// Networks from which the key may be used, for example `["10.0.0.0/8"]`; empty: any. Behind a proxy, the proxy's
    /// address is checked.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub networks: Vec<IpNet>,
}

/// A new key with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyCreated {
    #[serde(flatten)]
    pub about: ApiKey,
    /// The secret to send as `Authorization: Bearer …`. Shown only once.
    pub key: String,
}

/// The keys of a workspace.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeysResponse {
    /// Oldest first, including revoked keys: `id`, `workspace`, `role`, `name`, `networks`, `created_at`, `expires_at`,
    /// `revoked_at`, `last_used_at`.
    pub keys: Vec<ApiKey>,
}

/// Create a key for the workspace. Once a key exists, requests without a key are rejected.
#[utoipa::path(
    post, path = "/v1/keys", tag = "operation", request_body = KeyRequest,
    responses((status = 200, body = KeyCreated), (status = 403, body = Problem), (status = 422, body = Problem))
)]
pub async fn create_key(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Extension(principal): Extension<Principal>,
    Json(request): Json<KeyRequest>,
) -> Result<axum::Json<KeyCreated>, Problem> {
    let mut faults: Vec<Fault> = Fault::bounded("/name", &request.name, 128)
        .into_iter()
        .collect();
    let now = state.app.store.now();
    if request.expires_at.is_some_and(|at| at <= now) {
        faults.push(Fault::new("/expires_at", "expected a time in the future"));
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    // Otherwise the caller would lock themselves out.
    if principal.name.is_none() && request.role != KeyRole::Operator {
        let detail = "the first key must have the role operator: requests without a key are rejected once a key exists";
        return Err(Problem::invalid(vec![Fault::new("/role", detail)]));
    }
    let of = match (request.role, principal.role) {
        (KeyRole::Operator, KeyRole::Operator) => None,
        (KeyRole::Operator, _) => {
            return Err(Problem::forbidden("only operators create operator keys"));
        }
        _ => Some(workspace.clone()),
    };
    let (about, key) = state
        .app
        .keys
        .create(
            of,
            request.role,
            &request.name,
            request.networks,
            request.expires_at,
        )
        .await?;
    Ok(axum::Json(KeyCreated { about, key }))
}

/// List the keys of the workspace; operators also see operator keys.
#[utoipa::path(
    get, path = "/v1/keys", tag = "operation", responses((status = 200, body = KeysResponse))
)]
pub async fn list_keys(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Extension(principal): Extension<Principal>,
) -> Result<axum::Json<KeysResponse>, Problem> {
    let mut keys = state.app.keys.list().await?;
    keys.retain(|key| is_theirs(key, &workspace, &principal));
    Ok(axum::Json(KeysResponse { keys }))
}

/// Revoke a key permanently.
#[utoipa::path(
    delete, path = "/v1/keys/{id}", tag = "operation", params(("id" = String, Path)),
    responses((status = 200, body = ItemChanged), (status = 404, body = Problem))
)]
pub async fn revoke_key(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<axum::Json<ItemChanged>, Problem> {
    let keys = state.app.keys.list().await?;
    let known = keys
        .iter()
        .find(|key| key.id == id && is_theirs(key, &workspace, &principal));
    let is_done = match known {
        Some(key) => state.app.keys.revoke(key).await?,
        None => false,
    };
    if !is_done {
        return Err(Problem::not_found(format!("active key {id} not found")));
    }
    Ok(axum::Json(ItemChanged {
        id,
        effect: "revoked",
    }))
}

fn is_theirs(
    key: &ApiKey,
    workspace: &ken_base::domain::WorkspaceId,
    principal: &Principal,
) -> bool {
    match &key.workspace {
        Some(of) => of == workspace,
        None => principal.role == KeyRole::Operator,
    }
}
