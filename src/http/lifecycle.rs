//! Versions of documents: list, compare, publish, archive, restore, trust.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use similar::TextDiff;
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::auth::Actor;
use super::documents::{WriteParams, WriteResponse, change};
use super::extract::{Json, Params, Path, PathId, Workspace};
use super::jobs::JobResponse;
use super::preconditions::{IfMatch, Preconditions};
use super::problem::{Fault, Problem};
use ken_base::blocking::blocking;
use ken_base::domain::{DocumentId, DocumentStatus, Source, WorkspaceId};
use ken_store::store::{VersionSummary, Write};
use ken_text::text::sha256_hex;

/// Parameters of a document action.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ActionRequest {
    /// Version to act on. Default for `publish`: the newest. Required for `restore`.
    pub version: Option<i64>,
    /// `publish` only: when it replaces the live version, to the second. Default: immediately.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
    /// Write even if judged questions break.
    pub force: bool,
    /// See `PUT /v1/documents/{id}`.
    pub background: bool,
}

/// Result of `:trust`.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrustResponse {
    /// The document's id.
    pub document_id: String,
    /// Whether answers did not use a version of it before and use it again now.
    pub trusted: bool,
}

/// The reply of `:publish`, `:archive` and `:restore`, or that of `:trust`.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it describes the JSON")]
enum ActionResponse {
    Write(WriteResponse),
    Trust(TrustResponse),
}

/// The versions of a document.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionsResponse {
    /// Oldest first.
    pub versions: Vec<VersionBody>,
}

/// A version of a document, without its text.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionBody {
    /// The version's number, from 1.
    pub version: i64,
    /// The version's title.
    pub title: String,
    /// Status of this version.
    #[schema(value_type = DocumentStatus)]
    pub status: &'static str,
    /// Whether this version is live.
    pub live: bool,
    /// Scheduled publication time, if any.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub publish_at: Option<Timestamp>,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// The uploaded file that it was read from, which `GET /v1/documents/{id}/original` sends; null if none is kept.
    pub original: Option<OriginalBody>,
}

/// An uploaded file.
#[derive(Debug, Serialize, ToSchema)]
pub struct OriginalBody {
    /// The file's name.
    pub name: String,
    /// Its size.
    pub n_bytes: i64,
}

impl From<VersionSummary> for VersionBody {
    fn from(version: VersionSummary) -> Self {
        Self {
            version: version.version,
            title: version.metadata.title,
            status: version.metadata.status.as_str(),
            live: version.live,
            publish_at: version.publish_at,
            created_at: version.created_at,
            original: version
                .original
                .map(|(name, n_bytes)| OriginalBody { name, n_bytes }),
        }
    }
}

/// Query parameters of `GET /v1/documents/{id}/diff`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DiffParams {
    from: i64,
    to: i64,
}

/// The difference between two versions.
#[derive(Debug, Serialize, ToSchema)]
pub struct DiffResponse {
    /// The older version.
    pub from: i64,
    /// The newer version.
    pub to: i64,
    /// Unified diff of the texts; empty if they are equal.
    pub text: String,
    /// Metadata fields that differ: `[name, before, after]`.
    #[schema(value_type = Vec<(String, String, String)>)]
    pub metadata: Vec<(String, String, String)>,
}

/// List the versions of a document, including a deleted one. Each can be read, compared and restored (`:restore`).
#[utoipa::path(
    get, path = "/v1/documents/{id}/versions", tag = "documents", params(("id" = String, Path)),
    responses((status = 200, body = VersionsResponse), (status = 404, body = Problem))
)]
pub async fn list_versions(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    PathId(id): PathId,
) -> Result<axum::Json<VersionsResponse>, Problem> {
    let versions = state.app.store.versions(&workspace, &id).await?;
    if versions.is_empty() {
        return Err(absent(&id));
    }
    let versions = versions.into_iter().map(VersionBody::from).collect();
    Ok(axum::Json(VersionsResponse { versions }))
}

/// Compare two versions of a document.
#[utoipa::path(
    get, path = "/v1/documents/{id}/diff", tag = "documents", params(("id" = String, Path), DiffParams),
    responses((status = 200, body = DiffResponse), (status = 404, body = Problem), (status = 422, body = Problem))
)]
pub async fn diff_versions(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    PathId(id): PathId,
    Params(DiffParams { from, to }): Params<DiffParams>,
) -> Result<axum::Json<DiffResponse>, Problem> {
    let before = version(&state, &workspace, &id, from).await?;
    let after = version(&state, &workspace, &id, to).await?;
    let diff = blocking(move || {
        let text = TextDiff::from_lines(&before.text, &after.text)
            .unified_diff()
            .header(&format!("version {from}"), &format!("version {to}"))
            .to_string();
        let fields = |source: &Source| match serde_json::to_value(&source.metadata) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        };
        let (before, after) = (fields(&before), fields(&after));
        let metadata = after
            .iter()
            .filter(|(name, value)| before.get(*name) != Some(value))
            .map(|(name, value)| {
                let old = before
                    .get(name)
                    .map(ToString::to_string)
                    .unwrap_or_default();
                (name.clone(), old, value.to_string())
            })
            .collect();
        DiffResponse {
            from,
            to,
            text,
            metadata,
        }
    })
    .await;
    Ok(axum::Json(diff))
}

/// Publish, archive, restore or trust a document: the path ends in `:publish`, `:archive`, `:restore` or `:trust`. `:trust`
/// lets answers use a version again that too many people found wrong.
#[utoipa::path(
    post, path = "/v1/documents/{id}", tag = "documents", request_body = ActionRequest,
    params(("id" = String, Path, description = "The id, then `:publish`, `:archive`, `:restore` or `:trust`"), IfMatch),
    responses(
        (status = 200, body = ActionResponse), (status = 201, body = WriteResponse), (status = 202, body = JobResponse), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "Judged questions would break; `force` writes anyway"),
        (status = 412, body = Problem, description = "Another version is live"), (status = 422, body = Problem),
    )
)]
pub async fn post_action(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(address): Path<String>,
    actor: Actor,
    preconditions: Preconditions,
    Json(request): Json<ActionRequest>,
) -> Result<Response, Problem> {
    let unknown =
        || Problem::not_found("expected the path to end in :publish, :archive, :restore or :trust");
    let (id, action) = address.rsplit_once(':').ok_or_else(unknown)?;
    let id = DocumentId::parse(id)
        .map_err(|e| Problem::invalid(vec![Fault::new("{id}", e.to_string())]))?;
    preconditions.check(&state, &workspace, &id).await?;
    let write = match action {
        "publish" => publish(&state, &workspace, &id, &request).await?,
        "archive" => {
            if state
                .app
                .store
                .document(&workspace, &id, None)
                .await?
                .is_none()
            {
                return Err(absent(&id));
            }
            Write::Archive(id)
        }
        "restore" => {
            let Some(number) = request.version else {
                let fault = Fault::new("/version", "expected the version to restore");
                return Err(Problem::invalid(vec![fault]));
            };
            Write::put(version(&state, &workspace, &id, number).await?)
        }
        "trust" => {
            let trusted = state
                .app
                .learning
                .trust(&workspace, &id, &actor.name)
                .await?;
            let reply = TrustResponse {
                document_id: id.into(),
                trusted,
            };
            return Ok(axum::Json(reply).into_response());
        }
        _ => return Err(unknown()),
    };
    let params = WriteParams {
        wait: None,
        force: request.force,
        background: request.background,
    };
    change(&state, &workspace, write, params, preconditions).await
}

async fn publish(
    state: &AppState,
    workspace: &WorkspaceId,
    id: &DocumentId,
    request: &ActionRequest,
) -> Result<Write, Problem> {
    let number = match request.version {
        Some(number) => number,
        None => {
            let versions = state.app.store.versions(workspace, id).await?;
            // A deleted document returns only with an explicit version.
            let is_there = |v: &&VersionSummary| v.live || v.publish_at.is_some();
            versions.iter().find(is_there).ok_or_else(|| absent(id))?;
            versions.last().ok_or_else(|| absent(id))?.version
        }
    };
    let mut source = version(state, workspace, id, number).await?;
    if source.metadata.status != DocumentStatus::Published {
        source.metadata.status = DocumentStatus::Published;
        // The status is part of the content.
        source.content_hash = sha256_hex([source.content_hash.as_bytes(), b"published"]);
    }
    let source = Box::new(source);
    Ok(match request.at {
        Some(at) => Write::Schedule { source, at },
        None => Write::Put {
            source,
            origin: None,
        },
    })
}

async fn version(
    state: &AppState,
    workspace: &WorkspaceId,
    id: &DocumentId,
    number: i64,
) -> Result<Source, Problem> {
    let source = state.app.store.source(workspace, id, number).await?;
    source.ok_or_else(|| Problem::not_found(format!("version {number} of document {id} not found")))
}

fn absent(id: &DocumentId) -> Problem {
    Problem::not_found(format!("document {id} not found"))
}
