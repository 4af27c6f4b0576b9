//! Uploads of files as jobs, the jobs' progress, and previews of parsed files.

use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::AppState;
use super::extract::{Params, Path, Workspace};
use super::files::{FileForm, RequestFiles};
use super::problem::{Fault, Problem};
use super::schema_enums;
use ken_base::domain::{DocumentKind, Source, WorkspaceId};
use ken_ingest::ingest::{FileFormat, IngestError};
use ken_knowledge::editing::gate::Breaking;
use ken_knowledge::jobs::{UPLOAD, Upload};
use ken_store::queue;
use ken_store::store::JobItem;

/// The longest time that a request waits for a job. The job continues after that.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Query parameters of `POST /v1/documents:upload`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct UploadParams {
    /// `done`: reply once the job is finished, after 20 s at most.
    #[param(inline)]
    wait: Option<WaitForJob>,
    /// Write even if judged questions break. Default: a document that would break one is skipped, and its item reports
    /// the reason.
    #[serde(default)]
    force: bool,
}

/// The stage to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum WaitForJob {
    Done,
}

/// A background job and its progress.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobResponse {
    /// The job's id.
    pub id: String,
    /// Kind of the job.
    #[schema(value_type = schema_enums::JobKind)]
    pub kind: String,
    /// `filling`, `queued`, `running`, `done`, `failed` (the job did not run, or its only item failed) or `cancelled`.
    #[schema(value_type = schema_enums::JobState)]
    pub state: String,
    /// How many items it has.
    pub n_items: usize,
    /// How many items are done.
    pub n_done: usize,
    /// How many items failed.
    pub n_failed: usize,
    /// The items, in order.
    pub items: Vec<JobItemBody>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was finished; null, if it is not.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
}

/// One item of a job.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobItemBody {
    /// The file's name, what is changed, or the judged question's id.
    pub name: String,
    /// `waiting`, `done` or `failed`.
    #[schema(value_type = schema_enums::JobItemState)]
    pub state: String,
    /// The result, or the error.
    pub detail: String,
}

impl From<JobItem> for JobItemBody {
    fn from(item: JobItem) -> Self {
        Self {
            name: item.name,
            state: item.state,
            detail: item.detail,
        }
    }
}

/// Upload files in any supported format; a job ingests them. File names become document ids. The files are durable once
/// this replies.
#[utoipa::path(
    post, path = "/v1/documents:upload", tag = "documents", params(UploadParams),
    request_body(content = FileForm, content_type = "multipart/form-data", description = "Parts with file names"),
    responses(
        (status = 202, body = JobResponse), (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem),
    )
)]
pub async fn upload(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<UploadParams>,
    request: Request,
) -> Result<Response, Problem> {
    let mut files = RequestFiles::of(request, &state, None).await?;
    let store = &state.app.store;
    let id = format!("job_{}", Uuid::now_v7().simple());
    store.add_job(&workspace, &id, UPLOAD).await?;
    let mut n_files = 0;
    loop {
        match files.next().await {
            Ok(Some(file)) => {
                store
                    .add_job_item(&workspace, &id, n_files, &file.name, &file.bytes)
                    .await?;
                n_files += 1;
            }
            Ok(None) if n_files > 0 => break,
            outcome => {
                // All or none: the files before the fault are dropped.
                store
                    .move_job(&workspace, &id, &["filling"], "cancelled")
                    .await?;
                return Err(match outcome {
                    Err(problem) => problem,
                    _ => Problem::invalid(vec![Fault::new(
                        "",
                        "expected parts with file names, found none",
                    )]),
                });
            }
        }
    }
    let upload = Upload {
        job: id.clone(),
        breaking: Breaking::allowed_if(params.force),
    };
    let work = queue::work(UPLOAD, &id, &upload);
    if !store.enqueue_job(&workspace, &id, work).await? {
        return Err(Problem::conflict(
            "the upload was cancelled while in progress; send it again",
        ));
    }
    state.app.queue.wake();
    if params.wait == Some(WaitForJob::Done) {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let job = store.job(&workspace, &id).await?;
            if job.is_some_and(|job| job.finished_at.is_some()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let job = read_job(&state, &workspace, &id).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(job)).into_response())
}

/// Read the state and progress of a job.
#[utoipa::path(
    get, path = "/v1/jobs/{id}", tag = "documents", params(("id" = String, Path)),
    responses((status = 200, body = JobResponse), (status = 404, body = Problem))
)]
pub async fn get_job(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
) -> Result<axum::Json<JobResponse>, Problem> {
    Ok(axum::Json(read_job(&state, &workspace, &id).await?))
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
            job.state
        ))),
    }
}

/// Reads a job with its items; 404 if it does not exist.
pub async fn read_job(
    state: &AppState,
    workspace: &WorkspaceId,
    id: &str,
) -> Result<JobResponse, Problem> {
    let store = &state.app.store;
    let Some(job) = store.job(workspace, id).await? else {
        return Err(Problem::not_found(format!("job {id} not found")));
    };
    let items = store.job_items(workspace, id).await?;
    let count = |state: &str| items.iter().filter(|item| item.state == state).count();
    Ok(JobResponse {
        id: job.id,
        kind: job.kind,
        state: job.state,
        n_items: items.len(),
        n_done: count("done"),
        n_failed: count("failed"),
        items: items.into_iter().map(JobItemBody::from).collect(),
        created_at: job.created_at,
        finished_at: job.finished_at,
    })
}

/// The parsed content of a file.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviewResponse {
    /// The documents that the file holds.
    pub documents: Vec<PreviewBody>,
    /// Parts that cannot be parsed: `[path, reason]`.
    #[schema(value_type = Vec<(String, String)>)]
    pub failed: Vec<(String, String)>,
}

/// A document that a file holds.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviewBody {
    /// The id that the document would have.
    pub id: String,
    /// The kind of document.
    #[schema(value_type = DocumentKind)]
    pub kind: &'static str,
    /// The document's title.
    pub title: String,
    /// The document's language (BCP 47).
    pub language: Option<String>,
    /// The extracted text.
    pub text: String,
    /// The passages, in reading order.
    pub chunks: Vec<PreviewChunk>,
}

/// A chunk: bytes `start..end` of the document's text.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviewChunk {
    /// The headings above the passage, outermost first.
    pub heading_path: Vec<String>,
    /// Where the passage begins, in bytes.
    pub start: usize,
    /// Where the passage ends, in bytes, exclusive.
    pub end: usize,
    /// The passage's text.
    pub text: String,
    /// First page, from 1, if the source has pages.
    pub page: Option<u32>,
    /// The question it answers, if the source has questions and answers.
    pub question: Option<String>,
}

/// Query parameters of `POST /v1/documents:preview`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PreviewParams {
    /// File name; needed if the body is the file itself and its content type does not identify the format.
    name: Option<String>,
}

/// Parse a file without storing it: multipart, or the file as the body.
#[utoipa::path(
    post, path = "/v1/documents:preview", tag = "documents", params(PreviewParams),
    request_body(content = FileForm, content_type = "multipart/form-data", description = "One file"),
    responses((status = 200, body = PreviewResponse), (status = 415, body = Problem), (status = 422, body = Problem))
)]
pub async fn preview(
    State(state): State<AppState>,
    Params(params): Params<PreviewParams>,
    request: Request,
) -> Result<axum::Json<PreviewResponse>, Problem> {
    let mut files = RequestFiles::of(request, &state, params.name.as_deref()).await?;
    let Some(file) = files.next().await? else {
        return Err(Problem::invalid(vec![Fault::new(
            "",
            "expected a part with a file name, found none",
        )]));
    };
    FileFormat::of_name(&file.name)?;
    let parsed = state.app.reader.read(&file.name, file.bytes).await?;
    Ok(axum::Json(PreviewResponse {
        documents: parsed.sources.into_iter().map(previewed).collect(),
        failed: parsed.failed,
    }))
}

fn previewed(source: Source) -> PreviewBody {
    let chunks = source.chunks.iter().map(|chunk| PreviewChunk {
        heading_path: chunk.heading_path.clone(),
        start: chunk.span.start,
        end: chunk.span.end,
        text: chunk
            .span
            .slice(&source.text)
            .unwrap_or_default()
            .to_owned(),
        page: chunk.note.page_of(chunk.span.start),
        question: chunk.note.question.clone(),
    });
    PreviewBody {
        id: source.id.to_string(),
        kind: source.metadata.kind.as_str(),
        chunks: chunks.collect(),
        title: source.metadata.title,
        language: source.metadata.language,
        text: source.text,
    }
}

impl From<IngestError> for Problem {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::UnknownFormat { .. } => Problem::unsupported_file_type(),
            error => Problem::invalid(vec![Fault::new("", error.to_string())]),
        }
    }
}
