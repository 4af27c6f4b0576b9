//! Runs of the judged questions: `/v1/judged-runs`.

use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::extract::{Params, Path, Workspace};
use super::problem::Problem;
use super::schema_enums;
use super::settings::limit_of;
use ken_base::domain::{JudgedRow, RunSettings, RunTotals, WorkspaceId};
use ken_learn::learn::judged_runs::{JudgedRuns, RunError, reliability_of};
use ken_learn::measures::ReliabilityBin;
use ken_store::store::StoredRun;

/// A run of all judged questions.
#[derive(Debug, Serialize, ToSchema)]
pub struct JudgedRunBody {
    /// The run's id.
    pub id: String,
    /// The job that asks the questions: `GET /v1/jobs/{id}` shows its progress, `DELETE /v1/jobs/{id}` cancels it.
    pub job_id: String,
    /// `queued`, `running`, `done`, `failed` or `cancelled`.
    #[schema(value_type = schema_enums::JobState)]
    pub state: String,
    /// When it was requested.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was finished; null, if it is not.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    /// The settings and the knowledge that it is asked with.
    pub settings: RunSettings,
    /// How many questions have been asked.
    pub n_asked: usize,
    /// The totals, and what changed since the previous run; null until it is done.
    pub totals: Option<RunTotals>,
}

impl From<StoredRun> for JudgedRunBody {
    fn from(stored: StoredRun) -> Self {
        let run = stored.run;
        Self {
            job_id: run.id.clone(),
            id: run.id,
            state: stored.state,
            created_at: run.created_at,
            finished_at: run.finished_at,
            settings: run.settings,
            n_asked: stored.n_asked,
            totals: run.totals,
        }
    }
}

/// A page of runs.
#[derive(Debug, Serialize, ToSchema)]
pub struct JudgedRunListResponse {
    /// Newest first. A workspace keeps its newest 50 runs.
    pub runs: Vec<JudgedRunBody>,
    /// Pass as `before` to get the next page; null on the last page.
    pub next: Option<String>,
}

/// A run with its questions.
#[derive(Debug, Serialize, ToSchema)]
pub struct JudgedRunResponse {
    /// The run.
    pub run: JudgedRunBody,
    /// The questions that have been asked, ordered by id.
    pub questions: Vec<JudgedRow>,
    /// Confidence and the share of answerable questions in ten bins of confidence, lowest first.
    pub reliability: Vec<ReliabilityBin>,
}

/// Query parameters of `GET /v1/judged-runs`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct JudgedRunListParams {
    /// Return only runs before this one: `next` of the previous page.
    before: Option<String>,
    /// 1 to 50; default 20.
    limit: Option<i64>,
}

/// Ask all judged questions at the settings in force, as a job. Also finds what each level would do with each question.
#[utoipa::path(
    post, path = "/v1/judged-runs", tag = "editing",
    responses(
        (status = 202, body = JudgedRunBody),
        (status = 409, body = Problem, description = "A run is unfinished, or there are no judged questions"),
    )
)]
pub async fn start_judged_run(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
) -> Result<(StatusCode, axum::Json<JudgedRunBody>), Problem> {
    let app = &state.app;
    let id = JudgedRuns::enqueue(&app.store, &app.answerer, &workspace).await?;
    app.queue.wake();
    let run = read_run(&state, &workspace, &id).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(run.into())))
}

/// List runs of the judged questions, with their totals and what changed.
#[utoipa::path(
    get, path = "/v1/judged-runs", tag = "editing", params(JudgedRunListParams),
    responses((status = 200, body = JudgedRunListResponse), (status = 422, body = Problem))
)]
pub async fn list_judged_runs(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<JudgedRunListParams>,
) -> Result<axum::Json<JudgedRunListResponse>, Problem> {
    let limit = limit_of(params.limit, 20, 50)?;
    let store = &state.app.store;
    let mut page = store
        .judged_runs(&workspace, params.before.as_deref(), limit + 1)
        .await?;
    let more = page.len() as i64 > limit;
    page.truncate(limit as usize);
    let next = page.last().filter(|_| more).map(|last| last.run.id.clone());
    let runs = page.into_iter().map(JudgedRunBody::from).collect();
    Ok(axum::Json(JudgedRunListResponse { runs, next }))
}

/// Read a run: each question's answer, what each level would do, and the reliability of confidence.
#[utoipa::path(
    get, path = "/v1/judged-runs/{id}", tag = "editing", params(("id" = String, Path)),
    responses((status = 200, body = JudgedRunResponse), (status = 404, body = Problem))
)]
pub async fn get_judged_run(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
) -> Result<axum::Json<JudgedRunResponse>, Problem> {
    let run = read_run(&state, &workspace, &id).await?;
    let questions = state.app.store.judged_rows(&workspace, &id).await?;
    Ok(axum::Json(JudgedRunResponse {
        run: run.into(),
        reliability: reliability_of(&questions),
        questions,
    }))
}

async fn read_run(
    state: &AppState,
    workspace: &WorkspaceId,
    id: &str,
) -> Result<StoredRun, Problem> {
    let run = state.app.store.judged_run(workspace, id).await?;
    run.ok_or_else(|| Problem::not_found(format!("judged run {id} not found")))
}

impl From<RunError> for Problem {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Store(error) => error.into(),
            RunError::NoQuestions | RunError::Unfinished(_) => Problem::conflict(error.to_string()),
        }
    }
}
