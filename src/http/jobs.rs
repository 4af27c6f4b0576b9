//! Jobs: list, progress, retry and cancellation.

use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::extract::{Params, Path, Workspace};
use super::page::{
    DEFAULT_LIMIT, MAX_LIMIT, page_of, parse_position, parse_time_cursor, time_cursor,
};
use super::problem::{Fault, Problem};
use super::schema_enums;
use super::settings::limit_of;
use ken_base::domain::WorkspaceId;
use ken_knowledge::editing::gate::Breaking;
use ken_knowledge::jobs::{CHANGE, ChangeJob, UPLOAD, Upload};
use ken_store::queue;
use ken_store::store::{Job, JobCounts, JobFilter, JobItem, Retried};

/// Query parameters of `GET /v1/jobs`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct JobListParams {
    /// Only jobs in this state.
    #[param(inline, value_type = Option<schema_enums::JobState>)]
    state: Option<String>,
    /// Only jobs of this kind.
    #[param(inline, value_type = Option<schema_enums::JobKind>)]
    kind: Option<String>,
    /// `next` of the previous page.
    after: Option<String>,
    /// 1 to 200; default 100.
    limit: Option<i64>,
}

/// Query parameters of `GET /v1/jobs/{id}`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct JobParams {
    /// Only items in this state.
    #[param(inline, value_type = Option<schema_enums::JobItemState>)]
    state: Option<String>,
    /// `next` of the previous page.
    after: Option<String>,
    /// Items of a page, 1 to 1,000. Default: all.
    limit: Option<i64>,
}

/// Query parameters of `POST /v1/jobs/{id}`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RetryParams {
    /// Uploads only: write even if judged questions break.
    #[serde(default)]
    force: bool,
}

/// A background job without its items.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobSummary {
    /// The job's id.
    pub id: String,
    /// Kind of the job.
    #[schema(value_type = schema_enums::JobKind)]
    pub kind: String,
    /// `filling`, `queued`, `running`, `done`, `failed` (the job did not run, or all its items failed) or `cancelled`.
    #[schema(value_type = schema_enums::JobState)]
    pub state: String,
    /// How many items it has.
    pub n_items: usize,
    /// How many items are done.
    pub n_done: usize,
    /// How many items failed.
    pub n_failed: usize,
    /// The key or service that created it.
    pub actor: String,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was finished; null, if it is not.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
}

/// A page of jobs.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobListResponse {
    /// Newest first.
    pub jobs: Vec<JobSummary>,
    /// Pass as `after` to get the next page; null on the last page.
    pub next: Option<String>,
}

/// A background job and its progress.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobResponse {
    #[serde(flatten)]
    pub about: JobSummary,
    /// The items, in order.
    pub items: Vec<JobItemBody>,
    /// Pass as `after` to get the next page of items; null on the last page, and without `limit`.
    pub next: Option<String>,
}

/// One item of a job.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobItemBody {
    /// Position in the job, from 0.
    pub ordinal: i64,
    /// The file's name, what is changed, or the judged question's id.
    pub name: String,
    /// `waiting`, `done` or `failed`.
    #[schema(value_type = schema_enums::JobItemState)]
    pub state: String,
    /// The result, or the error.
    pub detail: String,
    /// Whether it failed and can be run again by `:retry`: its file is kept for 7 days.
    pub retriable: bool,
}

impl From<JobItem> for JobItemBody {
    fn from(item: JobItem) -> Self {
        Self {
            ordinal: item.ordinal,
            name: item.name,
            retriable: item.state == "failed" && item.has_file,
            state: item.state,
            detail: item.detail,
        }
    }
}

impl JobSummary {
    fn new(job: Job, counts: JobCounts) -> Self {
        Self {
            id: job.id,
            kind: job.kind,
            state: job.state,
            n_items: counts.n_items,
            n_done: counts.n_done,
            n_failed: counts.n_failed,
            actor: job.actor,
            created_at: job.created_at,
            finished_at: job.finished_at,
        }
    }
}

/// List jobs, newest first.
#[utoipa::path(
    get, path = "/v1/jobs", tag = "documents", params(JobListParams),
    responses((status = 200, body = JobListResponse), (status = 422, body = Problem))
)]
pub async fn list_jobs(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<JobListParams>,
) -> Result<axum::Json<JobListResponse>, Problem> {
    let mut faults = Vec::new();
    let states = [
        "filling",
        "queued",
        "running",
        "done",
        "failed",
        "cancelled",
    ];
    faults.extend(unknown("?state", params.state.as_deref(), &states));
    faults.extend(unknown("?kind", params.kind.as_deref(), &[UPLOAD, CHANGE]));
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let limit = limit_of(params.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let after = parse_time_cursor(params.after.as_deref())?;
    let filter = JobFilter {
        state: params.state,
        kind: params.kind,
    };
    let store = &state.app.store;
    let jobs = store
        .jobs(&workspace, &filter, after.as_ref(), limit + 1)
        .await?;
    let (jobs, next) = page_of(jobs, limit as usize, |job| {
        time_cursor(job.created_at, &job.id)
    });
    let ids: Vec<&str> = jobs.iter().map(|job| job.id.as_str()).collect();
    let counts = store.job_counts(&workspace, &ids).await?;
    let summary = |job: Job| {
        let counts = counts.get(&job.id).copied().unwrap_or_default();
        JobSummary::new(job, counts)
    };
    Ok(axum::Json(JobListResponse {
        jobs: jobs.into_iter().map(summary).collect(),
        next,
    }))
}

/// The fault of a value that is not among those allowed.
fn unknown(pointer: &str, value: Option<&str>, allowed: &[&str]) -> Option<Fault> {
    let value = value.filter(|value| !allowed.contains(value))?;
    let detail = format!("expected {}, found {value:?}", allowed.join(", "));
    Some(Fault::new(pointer, detail))
}

/// Read the state and progress of a job.
#[utoipa::path(
    get, path = "/v1/jobs/{id}", tag = "documents", params(("id" = String, Path), JobParams),
    responses((status = 200, body = JobResponse), (status = 404, body = Problem), (status = 422, body = Problem))
)]
pub async fn get_job(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
    Params(params): Params<JobParams>,
) -> Result<axum::Json<JobResponse>, Problem> {
    let states = ["waiting", "done", "failed"];
    if let Some(fault) = unknown("?state", params.state.as_deref(), &states) {
        return Err(Problem::invalid(vec![fault]));
    }
    let limit = match params.limit {
        Some(limit) => limit_of(Some(limit), limit, 1_000)?,
        None => ALL_ITEMS,
    };
    let after = parse_position(params.after.as_deref())?;
    let page = (params.state.as_deref(), after, limit);
    Ok(axum::Json(read_page(&state, &workspace, &id, page).await?))
}

/// Run the failed items of a job again: the path ends in `:retry`. Items whose file is not kept any more stay failed. The
/// job continues with the same id. A dead letter of the job is replaced.
#[utoipa::path(
    post, path = "/v1/jobs/{id}", tag = "documents",
    params(("id" = String, Path, description = "The id, then `:retry`"), RetryParams),
    responses(
        (status = 202, body = JobResponse), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "The job has not ended, was cancelled, or no failed item can be run again"),
        (status = 422, body = Problem),
    )
)]
pub async fn retry_job(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(address): Path<String>,
    Params(params): Params<RetryParams>,
) -> Result<(StatusCode, axum::Json<JobResponse>), Problem> {
    let Some(id) = address.strip_suffix(":retry") else {
        return Err(Problem::not_found("expected the path to end in :retry"));
    };
    let store = &state.app.store;
    let Some(job) = store.job(&workspace, id).await? else {
        return Err(absent(id));
    };
    let job_id = id.to_owned();
    let (upload, change);
    let work = match job.kind.as_str() {
        UPLOAD => {
            upload = Upload {
                job: job_id,
                breaking: Breaking::allowed_if(params.force),
            };
            queue::work(UPLOAD, id, &upload)
        }
        CHANGE if params.force => {
            let detail = "only uploads can be forced; send the change again with force";
            return Err(Problem::invalid(vec![Fault::new("?force", detail)]));
        }
        _ => {
            change = ChangeJob { job: job_id };
            queue::work(CHANGE, id, &change)
        }
    };
    match store.retry_job(&workspace, id, work).await? {
        Retried::Items(_) => {}
        Retried::NothingStored => {
            return Err(Problem::conflict(
                "no failed item can be run again; upload the files again",
            ));
        }
        Retried::NotEnded => {
            let detail = format!("expected a job that is done or failed, found {}", job.state);
            return Err(Problem::conflict(detail));
        }
    }
    state.app.queue.wake();
    let job = read_job(&state, &workspace, id).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(job)))
}

/// Cancel a job: the current item is finished, waiting items are dropped. Written documents stay.
#[utoipa::path(
    delete, path = "/v1/jobs/{id}", tag = "documents", params(("id" = String, Path)),
    responses((status = 200, body = JobResponse), (status = 404, body = Problem), (status = 409, body = Problem))
)]
pub async fn cancel_job(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
) -> Result<axum::Json<JobResponse>, Problem> {
    let job = read_job(&state, &workspace, &id).await?;
    let from = ["filling", "queued", "running"];
    match state
        .app
        .store
        .move_job(&workspace, &id, &from, "cancelled")
        .await?
    {
        true => Ok(axum::Json(read_job(&state, &workspace, &id).await?)),
        false => Err(Problem::conflict(format!(
            "the job is {} already",
            job.about.state
        ))),
    }
}

/// More items than a job can have.
const ALL_ITEMS: i64 = i64::MAX - 1;

/// Reads a job with its items; 404 if it does not exist.
pub async fn read_job(
    state: &AppState,
    workspace: &WorkspaceId,
    id: &str,
) -> Result<JobResponse, Problem> {
    read_page(state, workspace, id, (None, -1, ALL_ITEMS)).await
}

/// Reads a job with the items in a state above a position, at most `limit`.
async fn read_page(
    state: &AppState,
    workspace: &WorkspaceId,
    id: &str,
    (of_state, after, limit): (Option<&str>, i64, i64),
) -> Result<JobResponse, Problem> {
    let store = &state.app.store;
    let Some(job) = store.job(workspace, id).await? else {
        return Err(absent(id));
    };
    let counts = store.job_counts(workspace, &[id]).await?;
    let items = store
        .job_items(workspace, id, of_state, after, limit + 1)
        .await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (items, next) = page_of(items, limit, |item| item.ordinal.to_string());
    Ok(JobResponse {
        about: JobSummary::new(job, counts.get(id).copied().unwrap_or_default()),
        items: items.into_iter().map(JobItemBody::from).collect(),
        next,
    })
}

fn absent(id: &str) -> Problem {
    Problem::not_found(format!("job {id} not found"))
}
