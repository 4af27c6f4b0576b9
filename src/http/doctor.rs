//! The checks of `ken doctor` on the running service: `GET /v1/doctor`.

use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::problem::Problem;
use crate::doctor::{self, DoctorFinding, RunningParts, Severity};

/// The result of all checks.
#[derive(Debug, Serialize, ToSchema)]
pub struct DoctorResponse {
    /// When they were checked.
    #[schema(value_type = String, format = DateTime)]
    pub checked_at: Timestamp,
    /// The worst severity found.
    pub severity: Severity,
    /// The findings, in the order in which the service needs the parts.
    pub findings: Vec<DoctorFinding>,
}

/// Check for common misconfigurations, as `ken doctor` does. Checks the encoder, the models, the store and the indexes that
/// the service uses now; it loads no model a second time. One check runs at a time.
#[utoipa::path(
    get, path = "/v1/doctor", tag = "operation",
    responses(
        (status = 200, body = DoctorResponse),
        (status = 429, body = Problem, description = "A check is running"),
    )
)]
pub async fn get_doctor(
    State(state): State<AppState>,
) -> Result<axum::Json<DoctorResponse>, Problem> {
    let Ok(_only) = state.checking.try_lock() else {
        return Err(Problem::overloaded("a check is already running"));
    };
    let app = &state.app;
    let parts = RunningParts {
        store: &app.store,
        embedder: &app.embedder,
        reader: app.answerer.reader(),
        file_reader: &app.reader,
        cluster: app.indexes.cluster(),
    };
    let findings = doctor::examine_running(&app.config, parts).await;
    let severities = findings.iter().map(|finding| finding.severity);
    Ok(axum::Json(DoctorResponse {
        checked_at: Timestamp::now(),
        severity: severities.max().unwrap_or(Severity::Fine),
        findings,
    }))
}
