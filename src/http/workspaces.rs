//! Workspaces: list and delete.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::extract::Path;
use super::problem::{Fault, Problem};
use crate::app::AppError;
use ken_base::domain::WorkspaceId;
use ken_store::store::DeletedRows;

/// All workspaces.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkspacesResponse {
    /// Ordered by name: `name` and newest `revision`.
    pub workspaces: Vec<WorkspaceSummary>,
}

/// A workspace.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkspaceSummary {
    /// The workspace's name.
    pub name: String,
    /// The workspace's newest revision.
    pub revision: i64,
}

/// A workspace that was deleted.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkspaceDeleted {
    /// The workspace's name.
    pub workspace: String,
    /// `rows`: number of deleted rows per table (`vault`: redacted personal data); `remaining`: number of rows found by a
    /// final check.
    #[serde(flatten)]
    pub deleted: DeletedRows,
}

/// List all workspaces.
#[utoipa::path(
    get, path = "/v1/workspaces", tag = "operation", responses((status = 200, body = WorkspacesResponse))
)]
pub async fn list_workspaces(
    State(state): State<AppState>,
) -> Result<axum::Json<WorkspacesResponse>, Problem> {
    let workspaces = state.app.store.workspaces().await?;
    let summary = |(name, revision): (WorkspaceId, i64)| WorkspaceSummary {
        name: name.to_string(),
        revision,
    };
    Ok(axum::Json(WorkspacesResponse {
        workspaces: workspaces.into_iter().map(summary).collect(),
    }))
}

/// Delete a workspace with its knowledge, cases, conversations, keys and audit log. This cannot be undone.
#[utoipa::path(
    delete, path = "/v1/workspaces/{id}", tag = "operation", params(("id" = String, Path)),
    responses((status = 200, body = WorkspaceDeleted), (status = 404, body = Problem), (status = 422, body = Problem))
)]
pub async fn delete_workspace(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<axum::Json<WorkspaceDeleted>, Problem> {
    let workspace = WorkspaceId::parse(&id)
        .map_err(|e| Problem::invalid(vec![Fault::new("{id}", e.to_string())]))?;
    // The deletion continues if the client disconnects.
    let (app, of) = (state.app.clone(), workspace.clone());
    let deleting = async move { app.delete_workspace(&of).await };
    match ken_base::background::run_detached(deleting).await {
        Ok(Some(deleted)) => Ok(axum::Json(WorkspaceDeleted {
            workspace: workspace.to_string(),
            deleted,
        })),
        Ok(None) => Err(Problem::not_found(format!("workspace {id} not found"))),
        Err(AppError::Store(error)) => Err(error.into()),
        Err(error @ AppError::NotTheWriter) => Err(Problem::conflict(error.to_string())),
        Err(error) => Err(Problem::internal(&error)),
    }
}
