//! Uploads of files as jobs, and previews of parsed files.

use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::AppState;
use super::extract::{Params, Workspace};
use super::files::{FileForm, RequestFiles};
use super::jobs::{JobResponse, read_job};
use super::problem::{Fault, Problem};
use ken_base::domain::{DocumentKind, NewChunk, Source};
use ken_ingest::ingest::{FileFormat, IngestError};
use ken_knowledge::editing::gate::Breaking;
use ken_knowledge::jobs::{UPLOAD, Upload};
use ken_store::queue;

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

impl PreviewChunk {
    /// A chunk of a document with this text.
    pub fn of(chunk: &NewChunk, text: &str) -> Self {
        Self {
            heading_path: chunk.heading_path.clone(),
            start: chunk.span.start,
            end: chunk.span.end,
            text: chunk.span.slice(text).unwrap_or_default().to_owned(),
            page: chunk.note.page_of(chunk.span.start),
            question: chunk.note.question.clone(),
        }
    }
}

fn previewed(source: Source) -> PreviewBody {
    let chunks = source.chunks.iter();
    let chunks = chunks.map(|chunk| PreviewChunk::of(chunk, &source.text));
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
