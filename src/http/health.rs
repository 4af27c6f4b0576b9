use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::auth::IsOperator;
use super::problem::Problem;

/// Whether questions can be answered from everything that is stored.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    pub ready: bool,
    /// The encoder in use.
    pub encoder: String,
    /// For an operator alone.
    pub workspaces: Vec<WorkspaceReadiness>,
    /// What the indexes fail with, if they do; for an operator alone.
    pub error: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct WorkspaceReadiness {
    pub workspace: String,
    /// The newest change stored.
    pub revision: i64,
    /// The newest change that can be searched.
    pub indexed: i64,
}

/// The process is alive.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, body = String)))]
pub async fn healthz() -> &'static str {
    "ok"
}

/// The model is loaded and the indexes hold what the store holds; else 503 with the same body.
#[utoipa::path(
    get, path = "/readyz", tag = "operation",
    responses((status = 200, body = Readiness), (status = 503, body = Readiness))
)]
pub async fn readyz(
    State(state): State<AppState>,
    IsOperator(is_operator): IsOperator,
) -> Result<(StatusCode, axum::Json<Readiness>), Problem> {
    let progress = state.app.follower.progress().borrow().clone();
    let workspaces: Vec<WorkspaceReadiness> = state
        .app
        .store
        .workspaces()
        .await?
        .into_iter()
        .map(|(workspace, revision)| WorkspaceReadiness {
            indexed: progress.indexed.get(&workspace).copied().unwrap_or(0),
            workspace: workspace.into(),
            revision,
        })
        .collect();
    // Who is no operator is told whether, not which.
    let ready = progress.error.is_none() && workspaces.iter().all(|w| w.indexed >= w.revision);
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let encoder = state.app.embedder.id().to_owned();
    Ok((
        status,
        axum::Json(Readiness {
            ready,
            encoder,
            workspaces: match is_operator {
                true => workspaces,
                false => Vec::new(),
            },
            error: progress.error.filter(|_| is_operator),
        }),
    ))
}

/// Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses((status = 200, body = String)))]
pub async fn metrics(State(state): State<AppState>) -> Result<String, Problem> {
    let progress = state.app.follower.progress().borrow().clone();
    for (workspace, revision) in state.app.store.workspaces().await? {
        let indexed = progress.indexed.get(&workspace).copied().unwrap_or(0);
        metrics::gauge!("ken_revision_lag", "workspace" => workspace.to_string())
            .set((revision - indexed) as f64);
    }
    metrics::gauge!("ken_encoder_queue").set(state.app.embedder.n_waiting() as f64);
    metrics::counter!("ken_texts_encoded_total").absolute(progress.n_encoded);
    Ok(super::metrics::render())
}
