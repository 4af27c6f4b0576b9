//! Background jobs that failed permanently: list, retry, discard.

use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::extract::{Params, Path, Workspace};
use super::page::{parse_time_cursor, time_cursor};
use super::problem::Problem;
use super::schema_enums;
use super::settings::limit_of;
use ken_knowledge::editing::gate::Breaking;
use ken_store::store::DeadLetter;

/// Query parameters of `GET /v1/dead-letters`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DeadLetterListParams {
    /// `cursor` of the last dead letter of the previous page.
    after: Option<String>,
    /// 1 to 1,000; default 100.
    limit: Option<i64>,
}

/// A job that failed permanently.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeadLetterBody {
    /// The work's id.
    pub id: String,
    /// Kind of work, for example `upload`.
    #[schema(value_type = schema_enums::WorkKind)]
    pub kind: String,
    /// Input of the job.
    #[schema(value_type = WorkPayload)]
    pub payload: serde_json::Value,
    /// How many times it was tried.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub error: String,
    /// When it was enqueued.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When the last attempt failed.
    #[schema(value_type = String, format = DateTime)]
    pub died_at: Timestamp,
    /// Pass as `after` to get the dead letters after this one.
    pub cursor: String,
}

/// Payload of the job; a string, if it cannot be parsed.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it describes the JSON")]
enum WorkPayload {
    Job {
        /// The job that it belongs to; absent for `distil`, which takes all cases that wait.
        job: Option<String>,
        /// What happens to a change that breaks a judged question; for `upload`.
        breaking: Option<Breaking>,
    },
    Unreadable(String),
}

impl From<DeadLetter> for DeadLetterBody {
    fn from(letter: DeadLetter) -> Self {
        let payload = serde_json::from_str(&letter.payload);
        Self {
            cursor: time_cursor(letter.died_at, &letter.id),
            id: letter.id,
            kind: letter.kind,
            payload: payload.unwrap_or(serde_json::Value::String(letter.payload)),
            attempts: letter.attempts,
            error: letter.error,
            created_at: letter.created_at,
            died_at: letter.died_at,
        }
    }
}

/// A retried or deleted dead letter.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangedDeadLetter {
    /// The work's id.
    pub id: String,
    /// `ready` (queued for retry) or `deleted`.
    #[schema(value_type = schema_enums::DeadLetterState)]
    pub state: &'static str,
}

/// List permanently failed background jobs, newest first.
#[utoipa::path(
    get, path = "/v1/dead-letters", tag = "operation", params(DeadLetterListParams),
    responses((status = 200, body = Vec<DeadLetterBody>), (status = 422, body = Problem))
)]
pub async fn list_dead_letters(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<DeadLetterListParams>,
) -> Result<axum::Json<Vec<DeadLetterBody>>, Problem> {
    let limit = limit_of(params.limit, 100, 1_000)?;
    let after = parse_time_cursor(params.after.as_deref())?;
    let store = &state.app.store;
    let letters = store
        .dead_letters(&workspace, after.as_ref(), limit)
        .await?;
    Ok(axum::Json(
        letters.into_iter().map(DeadLetterBody::from).collect(),
    ))
}

/// Retry a dead letter with a fresh attempt count.
#[utoipa::path(
    post, path = "/v1/dead-letters/{id}", tag = "operation", params(("id" = String, Path)),
    responses((status = 202, body = ChangedDeadLetter), (status = 404, body = Problem))
)]
pub async fn revive_dead_letter(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
) -> Result<(StatusCode, axum::Json<ChangedDeadLetter>), Problem> {
    if !state.app.store.revive_work(&workspace, &id).await? {
        return Err(absent(&id));
    }
    state.app.queue.wake();
    let changed = ChangedDeadLetter { id, state: "ready" };
    Ok((StatusCode::ACCEPTED, axum::Json(changed)))
}

/// Delete a dead letter.
#[utoipa::path(
    delete, path = "/v1/dead-letters/{id}", tag = "operation", params(("id" = String, Path)),
    responses((status = 200, body = ChangedDeadLetter), (status = 404, body = Problem))
)]
pub async fn discard_dead_letter(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
) -> Result<axum::Json<ChangedDeadLetter>, Problem> {
    match state.app.store.discard_work(&workspace, &id).await? {
        true => Ok(axum::Json(ChangedDeadLetter {
            id,
            state: "deleted",
        })),
        false => Err(absent(&id)),
    }
}

fn absent(id: &str) -> Problem {
    Problem::not_found(format!("dead letter {id} not found"))
}
