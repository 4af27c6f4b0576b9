//! Backups of the store: `/v1/backups`.

use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::extract::Params;
use super::problem::Problem;
use crate::backups::{BackupAttempt, BackupError, BackupFile};

/// Query parameters of `POST /v1/backups`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct BackupParams {
    /// Also back up the vault, which holds personal data.
    #[serde(default)]
    vault: bool,
}

/// What a backup is a copy of.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "What the file is a copy of: the `store`, or the `vault` with personal data."
)]
pub enum BackupContent {
    /// The system of record.
    Store,
    /// Personal data removed from cases.
    Vault,
}

/// A finished backup.
#[derive(Debug, Serialize, ToSchema)]
pub struct BackupBody {
    /// The file's name in `backup.dir`.
    pub name: String,
    /// What it is a copy of.
    pub content: BackupContent,
    /// Its size.
    pub n_bytes: u64,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// A backup that is being written, or that failed.
#[derive(Debug, Serialize, ToSchema)]
pub struct BackupAttemptBody {
    /// The name of the store's copy.
    pub name: String,
    /// When it was begun.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// Why it failed; null while it is being written.
    pub error: Option<String>,
}

/// The backups in the configured folder.
#[derive(Debug, Serialize, ToSchema)]
pub struct BackupsResponse {
    /// The folder, `backup.dir`; null if none is set, so that the service cannot make backups.
    pub folder: Option<String>,
    /// The backup that is being written, if any.
    pub running: Option<BackupAttemptBody>,
    /// The last backup, if it failed since the service's start.
    pub failed: Option<BackupAttemptBody>,
    /// Newest first.
    pub backups: Vec<BackupBody>,
}

impl From<BackupAttempt> for BackupAttemptBody {
    fn from(attempt: BackupAttempt) -> Self {
        Self {
            name: attempt.name,
            started_at: attempt.started_at,
            error: attempt.error,
        }
    }
}

impl From<BackupFile> for BackupBody {
    fn from(file: BackupFile) -> Self {
        Self {
            name: file.name,
            content: match file.is_vault {
                true => BackupContent::Vault,
                false => BackupContent::Store,
            },
            n_bytes: file.n_bytes,
            created_at: file.created_at,
        }
    }
}

/// Back up the store into `backup.dir`, while it is in use. Replies at once; `GET /v1/backups` shows the result. The service
/// must run until it is finished. `ken restore` restores it.
#[utoipa::path(
    post, path = "/v1/backups", tag = "operation", params(BackupParams),
    responses(
        (status = 202, body = BackupAttemptBody),
        (status = 409, body = Problem, description = "backup.dir is not set, the store is not SQLite, or a backup is running"),
    )
)]
pub async fn start_backup(
    State(state): State<AppState>,
    Params(params): Params<BackupParams>,
) -> Result<(StatusCode, axum::Json<BackupAttemptBody>), Problem> {
    let begun = state.backups.begin(params.vault).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(begun.into())))
}

/// List the backups in `backup.dir`, and the one that is being written.
#[utoipa::path(
    get, path = "/v1/backups", tag = "operation", responses((status = 200, body = BackupsResponse))
)]
pub async fn list_backups(
    State(state): State<AppState>,
) -> Result<axum::Json<BackupsResponse>, Problem> {
    // Read before the folder, so that a backup that ends in between is in the list.
    let (running, failed) = state.backups.attempts();
    let backups = state.backups.list().await?;
    let folder = state.backups.folder();
    Ok(axum::Json(BackupsResponse {
        folder: folder.map(|folder| folder.display().to_string()),
        running: running.map(BackupAttemptBody::from),
        failed: failed.map(BackupAttemptBody::from),
        backups: backups.into_iter().map(BackupBody::from).collect(),
    }))
}

impl From<BackupError> for Problem {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Folder { .. } => Problem::internal(&error),
            error => Problem::conflict(error.to_string()),
        }
    }
}
