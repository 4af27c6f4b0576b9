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

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRequest {
    /// `bot`, `editor`, `agent`, `admin`; `operator` by an operator alone.
    pub role: KeyRole,
    /// What it is for, 1 to 128 characters; it stands in the audit log.
    pub name: String,
    /// When it ends; never where absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// From where alone it may be used, as `["10.0.0.0/8"]`; from anywhere where empty. Of a request through a proxy, the
    /// proxy's address counts.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub networks: Vec<IpNet>,
}

/// A new key with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyCreated {
    #[serde(flatten)]
    pub about: ApiKey,
    /// What its owner sends as `Authorization: Bearer …`. It is shown this once.
    pub key: String,
}

/// The keys of a workspace.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeysResponse {
    /// Oldest first, with those that are ended: `id`, `workspace`, `role`, `name`, `networks`, `created_at`, `expires_at`,
    /// `revoked_at`, `last_used_at`.
    pub keys: Vec<ApiKey>,
}

/// Make a key for the workspace. The first key closes the service to whoever has none.
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
        faults.push(Fault::new("/expires_at", "expected a time to come"));
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    // Else whoever made it would have locked themselves out.
    if principal.name.is_none() && request.role != KeyRole::Operator {
        let detail = "the first key has to be an operator's: the service is closed to whoever has none from then on";
        return Err(Problem::invalid(vec![Fault::new("/role", detail)]));
    }
    let of = match (request.role, principal.role) {
        (KeyRole::Operator, KeyRole::Operator) => None,
        (KeyRole::Operator, _) => {
            return Err(Problem::forbidden("only an operator makes operators"));
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

/// List the workspace's keys; an operator sees those of operators, too.
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

/// End a key, for good.
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
        return Err(Problem::not_found(format!("there is no key {id} in force")));
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
