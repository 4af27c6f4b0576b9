//! Files of messages: `POST /v1/attachments`, `GET /v1/attachments/{sha256}`, and those of the web chat.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{
    CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::io::AsyncReadExt as _;
use utoipa::IntoParams;

use super::AppState;
use super::extract::{Params, Path, Workspace};
use super::originals::attachment;
use super::problem::{Fault, Problem};
use ken_base::desk::Part;
use ken_base::domain::WorkspaceId;
use ken_conversations::attachments::AttachmentError;
use ken_store::store::desk::StoredFile;

/// How much of a file is read at a time, in bytes.
const PIECE: usize = 64 << 10;
/// The longest name of a file, in characters.
const MAX_NAME: usize = 255;

/// Query parameters of `POST /v1/attachments`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AttachmentParams {
    /// The file's name, 1 to 255 characters.
    name: String,
}

impl From<AttachmentError> for Problem {
    fn from(error: AttachmentError) -> Self {
        match error {
            AttachmentError::Empty | AttachmentError::WrongType(_) => {
                Problem::invalid(vec![Fault::new("", error.to_string())])
            }
            AttachmentError::TooLarge { .. } => Problem::too_large(error.to_string()),
            AttachmentError::Store(error) => error.into(),
            AttachmentError::Folder { .. } => {
                tracing::error!(%error, "cannot use the folder of attachments");
                Problem::unavailable("the folder of attachments cannot be used")
            }
        }
    }
}

/// What is wrong with a file's name.
pub fn name_fault(pointer: &str, name: &str) -> Option<Fault> {
    Fault::bounded(pointer, name, MAX_NAME)
}

/// The body of a request that is a file with this name.
pub async fn received(state: &AppState, name: &str, request: Request) -> Result<Vec<u8>, Problem> {
    if let Some(fault) = name_fault("?name", name) {
        return Err(Problem::invalid(vec![fault]));
    }
    let limit = state.app.desk.attachments().max_bytes();
    let body = axum::body::to_bytes(request.into_body(), limit).await;
    let body = body.map_err(|_| {
        Problem::too_large(format!(
            "expected at most {limit} bytes (desk.max_attachment_bytes)"
        ))
    })?;
    Ok(body.into())
}

/// Stores a file.
pub async fn stored(
    state: &AppState,
    workspace: &WorkspaceId,
    name: &str,
    bytes: Vec<u8>,
) -> Result<Part, Problem> {
    let attachments = state.app.desk.attachments();
    Ok(attachments.store(workspace, name.trim(), bytes).await?)
}

/// Completes the files that parts name; each must be stored.
pub async fn completed(
    state: &AppState,
    workspace: &WorkspaceId,
    parts: Vec<Part>,
) -> Result<Vec<Part>, Problem> {
    let (mut found, mut faults) = (Vec::with_capacity(parts.len()), Vec::new());
    for (at, part) in parts.into_iter().enumerate() {
        if let Part::Attachment { name, .. } = &part {
            faults.extend(name_fault(&format!("/parts/{at}/name"), name));
        }
        match state
            .app
            .desk
            .attachments()
            .complete(workspace, part)
            .await?
        {
            Some(part) => found.push(part),
            None => faults.push(Fault::new(
                format!("/parts/{at}/sha256"),
                "expected a stored file; store it by POST /v1/attachments first",
            )),
        }
    }
    match faults.is_empty() {
        true => Ok(found),
        false => Err(Problem::invalid(faults)),
    }
}

/// A file to download, never to be shown in a page of this origin: an attachment, without scripts, of the named type only.
pub async fn download(
    state: &AppState,
    workspace: &WorkspaceId,
    file: Option<StoredFile>,
) -> Result<Response, Problem> {
    let file = file.ok_or_else(|| Problem::not_found("no such file"))?;
    let content = state.app.desk.attachments().open(workspace, &file).await?;
    let place = state.chats.open_stream()?;
    // A piece at a time, as fast as the client reads.
    let pieces = futures_util::stream::unfold((content, place), async |(mut content, place)| {
        let mut piece = vec![0; PIECE];
        match content.read(&mut piece).await {
            Ok(0) => None,
            Ok(n) => {
                piece.truncate(n);
                Some((Ok(piece), (content, place)))
            }
            Err(error) => Some((Err(error), (content, place))),
        }
    });
    let headers = [
        (CONTENT_TYPE, file.content_type),
        (CONTENT_LENGTH, file.n_bytes.to_string()),
        (CONTENT_DISPOSITION, attachment(&file.sha256)),
        (CONTENT_SECURITY_POLICY, "sandbox".to_owned()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// Store a file for a message: a picture, a recording, a film, a PDF, an office document or plain text, up to
/// `desk.max_attachment_bytes`. Send what is returned as a part of a message within a day. The content decides the type.
#[utoipa::path(
    post, path = "/v1/attachments", tag = "desk", params(AttachmentParams),
    request_body(content = String, content_type = "application/octet-stream", description = "The file"),
    responses(
        (status = 201, body = Part), (status = 413, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub async fn post_attachment(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<AttachmentParams>,
    request: Request,
) -> Result<Response, Problem> {
    let bytes = received(&state, &params.name, request).await?;
    let part = stored(&state, &workspace, &params.name, bytes).await?;
    Ok((StatusCode::CREATED, axum::Json(part)).into_response())
}

/// Download a file of a message.
#[utoipa::path(
    get, path = "/v1/attachments/{sha256}", tag = "desk", params(("sha256" = String, Path, description = "SHA-256 of its content, in hex")),
    responses(
        (status = 200, body = String, content_type = "application/octet-stream", description = "The file, with its type"),
        (status = 404, body = Problem), (status = 503, body = Problem),
    )
)]
pub async fn get_attachment(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(sha256): Path<String>,
) -> Result<Response, Problem> {
    let file = state.app.store.file(&workspace, &sha256).await?;
    download(&state, &workspace, file).await
}
