//! Articles: create, read, list, delete. Also the way of every change through the gate or a job.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::extract::{Json, Params, PathId, Workspace};
use super::jobs::{JobResponse, read_job};
use super::page::{DEFAULT_LIMIT, MAX_LIMIT, page_of, parse_position, wrong_cursor};
use super::preconditions::{IfMatch, Preconditions, etag, unmet_problem};
use super::problem::{Fault, Problem};
use super::schema_enums;
use super::settings::limit_of;
use super::uploads::PreviewChunk;
use ken_base::blocking::blocking;
use ken_base::domain::{
    Document, DocumentId, DocumentKind, DocumentStatus, Metadata, Source, TextFormat, WorkspaceId,
    checked_uri,
};
use ken_ingest::ingest::{IngestError, parse_article};
use ken_knowledge::editing::gate::{Breaking, ChangeTerms, TimedResult};
use ken_knowledge::jobs::Changes;
use ken_store::store::{DocumentFilter, DocumentSummary, Effect, Recorded, TreeEntry, Write};

/// An article.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentRequest {
    /// The text, up to the request body limit. Markdown front matter overrides the fields here, except `id`.
    pub text: String,
    /// `markdown` (default), `plain` or `html`.
    #[serde(default)]
    pub format: TextFormat,
    /// Default: the first heading, or the first line.
    #[serde(default)]
    pub title: String,
    /// The document's own address; a citation shows it.
    pub uri: Option<String>,
    /// BCP 47. Default: detected from the text.
    pub language: Option<String>,
    /// Tags; a request can ask for documents with certain tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Audiences that may see it; empty: everyone.
    #[serde(default)]
    pub audience: Vec<String>,
    /// The channels that show it; all, if empty.
    #[serde(default)]
    pub channels: Vec<String>,
    /// From when it is valid; from the beginning, if absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub valid_from: Option<Timestamp>,
    /// Until when it is valid, exclusive; for ever, if absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub valid_until: Option<Timestamp>,
    /// When a person should check it. The lint reports it from then on.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub review_by: Option<Timestamp>,
    /// `draft`, `published` (default) or `archived`.
    #[serde(default)]
    pub status: DocumentStatus,
    /// Ids of related documents.
    #[serde(default)]
    pub related: Vec<String>,
    /// Precedence in contradictions: the document of higher rank wins. Default 0.
    #[serde(default)]
    pub rank: i64,
    /// When this version replaces the live one, to the second. Default: immediately.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub publish_at: Option<Timestamp>,
}

/// The result of a write.
#[derive(Debug, Serialize, ToSchema)]
pub struct WriteResponse {
    /// The document's id.
    pub document_id: String,
    /// The version that is live now, or that is scheduled, from 1.
    pub version: i64,
    /// `added`, `changed`, `unchanged`, `scheduled`, `archived` or `deleted`.
    #[schema(value_type = schema_enums::WriteEffect)]
    pub effect: &'static str,
    /// Revision of the change, or the newest revision if nothing changed. The change is durable.
    pub revision: i64,
    /// Whether the change is searchable; with `?wait=indexed` true unless indexing took longer than 20 s.
    pub indexed: bool,
}

/// Query parameters of a write.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct WriteParams {
    /// `indexed`: reply once the change is searchable, after 20 s at most.
    #[param(inline)]
    pub wait: Option<Wait>,
    /// Write even if judged questions break.
    #[serde(default)]
    pub force: bool,
    /// Check the judged questions in a job and reply 202 immediately. Default: a job takes over if the check takes longer
    /// than 10 s or a third of `http.timeout_ms`.
    #[serde(default)]
    pub background: bool,
}

/// The stage to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    Indexed,
}

/// Query parameters of `GET /v1/documents/{id}`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReadParams {
    /// Default: the live version.
    version: Option<i64>,
}

/// Query parameters of `GET /v1/documents`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DocumentListParams {
    /// Only documents whose title or id contains each of these words; case, width and Chinese script do not matter. 1 to 200
    /// characters.
    q: Option<String>,
    /// Only documents whose id begins with this.
    prefix: Option<String>,
    /// Only documents of this kind.
    #[param(inline)]
    kind: Option<DocumentKind>,
    /// Only documents with this status.
    #[param(inline)]
    status: Option<DocumentStatus>,
    /// Only documents with this tag.
    tag: Option<String>,
    /// Only documents whose audience has this name.
    audience: Option<String>,
    /// Only documents whose `valid_until` or `review_by` is before this time.
    #[param(value_type = Option<String>)]
    due_before: Option<Timestamp>,
    /// Return only documents with a greater id, in the order of their bytes: `next` of the previous page.
    after: Option<String>,
    /// 1 to 1,000; default 100.
    limit: Option<i64>,
}

/// A page of documents to read, checked.
pub struct ListPage {
    /// Which documents.
    pub filter: DocumentFilter,
    /// The last document of the previous page.
    pub after: Option<DocumentId>,
    /// How many documents.
    pub limit: usize,
}

impl ListPage {
    /// Checks the parameters that lists of documents and FAQs share. The problem lists every fault.
    pub fn checked(
        filter: DocumentFilter,
        after: Option<&str>,
        limit: Option<i64>,
    ) -> Result<Self, Problem> {
        let limit = limit_of(limit, 100, 1_000)?;
        let texts = [
            ("?q", &filter.q, 200),
            ("?prefix", &filter.prefix, 256),
            ("?tag", &filter.tag, 128),
            ("?audience", &filter.audience, 128),
        ];
        let faults: Vec<Fault> = texts
            .into_iter()
            .filter_map(|(pointer, text, most)| Fault::bounded(pointer, text.as_ref()?, most))
            .collect();
        if !faults.is_empty() {
            return Err(Problem::invalid(faults));
        }
        let after = match after.map(DocumentId::parse) {
            None => None,
            Some(Ok(id)) => Some(id),
            Some(Err(_)) => return Err(wrong_cursor(after.unwrap_or_default())),
        };
        Ok(Self {
            filter,
            after,
            limit: limit as usize,
        })
    }

    /// Reads the ids of the page, and the cursor of the next one.
    pub async fn ids(
        &self,
        state: &AppState,
        workspace: &WorkspaceId,
    ) -> Result<(Vec<DocumentId>, Option<String>), Problem> {
        let limit = self.limit as i64 + 1;
        let store = &state.app.store;
        let ids = store.listed_ids(workspace, &self.filter, self.after.as_ref(), limit);
        Ok(page_of(ids.await?, self.limit, ToString::to_string))
    }
}

/// Query parameters of `GET /v1/documents:tree`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TreeParams {
    /// The folder: empty (default) or the `prefix` of a folder, which ends in `/`.
    #[serde(default)]
    prefix: String,
    /// `next` of the previous page.
    after: Option<String>,
    /// 1 to 200; default 100.
    limit: Option<i64>,
}

/// A page of one level of the tree.
#[derive(Debug, Serialize, ToSchema)]
pub struct TreeResponse {
    /// The folder that was read; empty for the highest level.
    pub prefix: String,
    /// The folders of this page, ordered by prefix. Folders and documents share the order of the pages.
    pub folders: Vec<FolderBody>,
    /// The documents of this page, ordered by id.
    pub documents: Vec<ListedDocument>,
    /// Pass as `after` to get the next page; null on the last page.
    pub next: Option<String>,
    /// The workspace's newest revision when it was read.
    pub revision: i64,
}

/// A folder of the tree that ids with `/` form.
#[derive(Debug, Serialize, ToSchema)]
pub struct FolderBody {
    /// The folder's name, without `/`.
    pub name: String,
    /// The beginning of the ids below it, to read that level.
    pub prefix: String,
    /// How many documents are below it, at all levels.
    pub n_documents: i64,
}

/// Query parameters of `GET /v1/documents/{id}/chunks`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ChunkListParams {
    /// Default: the live version.
    version: Option<i64>,
    /// `next` of the previous page.
    after: Option<String>,
    /// 1 to 200; default 100.
    limit: Option<i64>,
}

/// A page of the chunks of a version.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChunkListResponse {
    /// The version, from 1.
    pub version: i64,
    /// How many chunks the version has.
    pub n_chunks: usize,
    /// The chunks, in reading order.
    pub chunks: Vec<ListedChunk>,
    /// Pass as `after` to get the next page; null on the last page.
    pub next: Option<String>,
}

/// A chunk of a stored version.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListedChunk {
    /// Its position in the document, from 0.
    pub ordinal: usize,
    #[serde(flatten)]
    pub chunk: PreviewChunk,
}

/// A document with its text.
#[derive(Debug, Serialize, ToSchema)]
pub struct DocumentResponse {
    #[serde(flatten)]
    pub about: SummaryBody,
    /// The extracted text; citation spans are byte offsets into it.
    pub text: String,
    /// Newest revision of the workspace at the time of reading.
    pub revision: i64,
}

/// A document without its text.
#[derive(Debug, Serialize, ToSchema)]
pub struct SummaryBody {
    /// The document's id.
    pub id: String,
    /// The live version, from 1.
    pub version: i64,
    /// `article`, `faq` or `case`.
    #[schema(value_type = DocumentKind)]
    pub kind: &'static str,
    /// `draft`, `published` or `archived`.
    #[schema(value_type = DocumentStatus)]
    pub status: &'static str,
    /// The document's title.
    pub title: String,
    /// The document's own address, if it has one.
    pub uri: Option<String>,
    /// The document's language (BCP 47).
    pub language: Option<String>,
    /// The document's tags.
    pub tags: Vec<String>,
    /// The audiences; everyone, if empty.
    pub audience: Vec<String>,
    /// The channels that show it; all, if empty.
    pub channels: Vec<String>,
    /// From when it is valid; from the beginning, if null.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub valid_from: Option<Timestamp>,
    /// Until when it is valid, exclusive; for ever, if null.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub valid_until: Option<Timestamp>,
    /// When a person should check it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub review_by: Option<Timestamp>,
    /// Precedence in contradictions: the document of higher rank wins.
    pub rank: i64,
    /// Ids of related documents.
    pub related: Vec<String>,
    /// When the live version was written.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// A document in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListedDocument {
    #[serde(flatten)]
    pub about: SummaryBody,
    /// How many chunks the live version has; 0 unless it is published.
    pub n_chunks: i64,
    /// Whether its last change is searchable, by keywords and by vectors of the active encoder.
    pub indexed: bool,
}

/// A page of documents.
#[derive(Debug, Serialize, ToSchema)]
pub struct DocumentListResponse {
    /// Ordered by the bytes of the id.
    pub documents: Vec<ListedDocument>,
    /// Pass as `after` to get the next page; null on the last page.
    pub next: Option<String>,
    /// The workspace's newest revision when it was read.
    pub revision: i64,
}

impl SummaryBody {
    fn new(id: DocumentId, version: i64, metadata: Metadata, updated_at: Timestamp) -> Self {
        Self {
            id: id.into(),
            version,
            kind: metadata.kind.as_str(),
            status: metadata.status.as_str(),
            title: metadata.title,
            uri: metadata.uri,
            language: metadata.language,
            tags: metadata.tags,
            audience: metadata.audience,
            channels: metadata.channels,
            valid_from: metadata.valid_from,
            valid_until: metadata.valid_until,
            review_by: metadata.review_by,
            rank: metadata.rank,
            related: metadata.related,
            updated_at,
        }
    }
}

impl DocumentRequest {
    /// Validates and parses the document in a blocking task. The problem lists every fault.
    pub async fn parse_off_thread(self, id: DocumentId) -> Result<Source, Problem> {
        blocking(move || self.parse(id)).await
    }

    fn parse(self, id: DocumentId) -> Result<Source, Problem> {
        let mut faults = Vec::new();
        if let (Some(from), Some(until)) = (self.valid_from, self.valid_until)
            && from >= until
        {
            let detail = format!("expected a time after valid_from ({from}), found {until}");
            faults.push(Fault::new("/valid_until", detail));
        }
        if let Some(Err(detail)) = self.uri.as_deref().map(checked_uri) {
            faults.push(Fault::new("/uri", detail));
        }
        if self.text.trim().is_empty() {
            faults.push(Fault::new("/text", "expected text, found none"));
        }
        if !faults.is_empty() {
            return Err(Problem::invalid(faults));
        }
        let metadata = Metadata {
            title: self.title,
            uri: self.uri,
            language: self.language,
            tags: self.tags,
            audience: self.audience,
            channels: self.channels,
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            review_by: self.review_by,
            status: self.status,
            related: self.related,
            rank: self.rank,
            ..Metadata::default()
        };
        let wrong =
            |error: IngestError| Problem::invalid(vec![Fault::new("/text", error.to_string())]);
        let source =
            parse_article(id.clone(), metadata, &self.text, self.format.into()).map_err(wrong)?;
        match source.id == id {
            true => Ok(source),
            false => {
                let detail = format!(
                    "front matter id {} differs from the id in the path, {id}",
                    source.id
                );
                Err(Problem::invalid(vec![Fault::new("/text", detail)]))
            }
        }
    }
}

/// Create a document or a new version of it. Equal content changes nothing.
#[utoipa::path(
    put, path = "/v1/documents/{id}", tag = "documents", request_body = DocumentRequest,
    params(("id" = String, Path, description = "1 to 256 bytes, percent-encoded"), WriteParams, IfMatch),
    responses(
        (status = 200, body = WriteResponse), (status = 201, body = WriteResponse),
        (status = 202, body = JobResponse, description = "A job checks the judged questions, then writes"),
        (status = 400, body = Problem),
        (status = 409, body = Problem, description = "Judged questions would break; `?force=true` writes anyway"),
        (status = 412, body = Problem, description = "Another version is live"), (status = 413, body = Problem), (status = 422, body = Problem),
    )
)]
pub async fn put_document(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    PathId(id): PathId,
    Params(params): Params<WriteParams>,
    preconditions: Preconditions,
    Json(request): Json<DocumentRequest>,
) -> Result<Response, Problem> {
    let publish_at = request.publish_at;
    let source = Box::new(request.parse_off_thread(id).await?);
    let write = match publish_at {
        Some(at) => Write::Schedule { source, at },
        None => Write::Put {
            source,
            origin: None,
        },
    };
    change(&state, &workspace, write, params, preconditions).await
}

/// Delete a document. Its versions stay in the history.
#[utoipa::path(
    delete, path = "/v1/documents/{id}", tag = "documents",
    params(("id" = String, Path), WriteParams, IfMatch),
    responses(
        (status = 200, body = WriteResponse), (status = 202, body = JobResponse, description = "A job checks the judged questions"),
        (status = 404, body = Problem), (status = 409, body = Problem, description = "Judged questions would break"),
        (status = 412, body = Problem, description = "Another version is live"),
    )
)]
pub async fn delete_document(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    PathId(id): PathId,
    Params(params): Params<WriteParams>,
    preconditions: Preconditions,
) -> Result<Response, Problem> {
    preconditions.check(&state, &workspace, &id).await?;
    if state
        .app
        .store
        .document(&workspace, &id, None)
        .await?
        .is_none()
    {
        return Err(Problem::not_found(format!("document {id} not found")));
    }
    let write = Write::Delete(id);
    change(&state, &workspace, write, params, preconditions).await
}

/// Read a document.
#[utoipa::path(
    get, path = "/v1/documents/{id}", tag = "documents",
    params(("id" = String, Path), ReadParams),
    responses(
        (status = 200, body = DocumentResponse, headers(("ETag" = String, description = "The version in quotes, for `If-Match`"))),
        (status = 404, body = Problem),
    )
)]
pub async fn get_document(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    PathId(id): PathId,
    Params(params): Params<ReadParams>,
) -> Result<Response, Problem> {
    let store = &state.app.store;
    let Some(document) = store.document(&workspace, &id, params.version).await? else {
        return Err(Problem::not_found(format!("document {id} not found")));
    };
    let Document {
        id,
        version,
        metadata,
        text,
        updated_at,
        ..
    } = document;
    let body = DocumentResponse {
        about: SummaryBody::new(id, version, metadata, updated_at),
        text,
        revision: store.revision(&workspace).await?,
    };
    Ok((etag(version), axum::Json(body)).into_response())
}

/// List documents.
#[utoipa::path(
    get, path = "/v1/documents", tag = "documents", params(DocumentListParams),
    responses((status = 200, body = DocumentListResponse), (status = 422, body = Problem))
)]
pub async fn list_documents(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<DocumentListParams>,
) -> Result<axum::Json<DocumentListResponse>, Problem> {
    let filter = DocumentFilter {
        q: params.q,
        in_faq: false,
        prefix: params.prefix,
        kind: params.kind,
        status: params.status,
        tag: params.tag,
        audience: params.audience,
        due_before: params.due_before,
    };
    let page = ListPage::checked(filter, params.after.as_deref(), params.limit)?;
    let (ids, next) = page.ids(&state, &workspace).await?;
    Ok(axum::Json(DocumentListResponse {
        documents: listed(&state, &workspace, &ids).await?,
        next,
        revision: state.app.store.revision(&workspace).await?,
    }))
}

/// List one level of the tree that document ids with `/` form: folders with their number of documents, and documents.
#[utoipa::path(
    get, path = "/v1/documents:tree", tag = "documents", params(TreeParams),
    responses((status = 200, body = TreeResponse), (status = 422, body = Problem))
)]
pub async fn list_tree(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<TreeParams>,
) -> Result<axum::Json<TreeResponse>, Problem> {
    let limit = limit_of(params.limit, DEFAULT_LIMIT, MAX_LIMIT)? as usize;
    let prefix = params.prefix;
    if !prefix.is_empty() && !prefix.ends_with('/') {
        let detail = format!("expected no prefix or one that ends in \"/\", found {prefix:?}");
        return Err(Problem::invalid(vec![Fault::new("?prefix", detail)]));
    }
    let after = params.after.as_deref();
    // A document or a folder of this level: nothing follows a `/` in the rest.
    let is_of_level = |after: &str| {
        let rest = after.strip_prefix(&*prefix);
        rest.is_some_and(|rest| !rest.trim_end_matches('/').contains('/') && !after.is_empty())
    };
    if let Some(other) = after.filter(|after| !is_of_level(after)) {
        return Err(wrong_cursor(other));
    }
    let store = &state.app.store;
    let entries = store.tree(&workspace, &prefix, after, limit + 1).await?;
    let (entries, next) = page_of(entries, limit, |entry| match entry {
        TreeEntry::Document(id) => id.to_string(),
        TreeEntry::Folder { prefix, .. } => prefix.clone(),
    });
    let (mut ids, mut folders) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry {
            TreeEntry::Document(id) => ids.push(id),
            TreeEntry::Folder {
                prefix: of,
                n_documents,
            } => folders.push(FolderBody {
                name: of[prefix.len()..of.len() - 1].to_owned(),
                prefix: of,
                n_documents,
            }),
        }
    }
    Ok(axum::Json(TreeResponse {
        folders,
        documents: listed(&state, &workspace, &ids).await?,
        next,
        revision: store.revision(&workspace).await?,
        prefix,
    }))
}

/// Documents for a list, in the order of the ids.
async fn listed(
    state: &AppState,
    workspace: &WorkspaceId,
    ids: &[DocumentId],
) -> Result<Vec<ListedDocument>, Problem> {
    let progress = state.app.follower.progress();
    let indexed = progress.borrow().indexed.get(workspace).copied();
    let indexed = indexed.unwrap_or(0);
    let documents = state.app.store.summaries(workspace, ids).await?;
    let body = |d: DocumentSummary| ListedDocument {
        about: SummaryBody::new(d.id, d.version, d.metadata, d.updated_at),
        n_chunks: d.n_chunks,
        indexed: d.revision <= indexed,
    };
    Ok(documents.into_iter().map(body).collect())
}

/// List the chunks of a stored version as Ken indexes them: bytes `start..end` of its text, with headings, page and
/// question. A draft or an archived document is not searched, but has chunks here.
#[utoipa::path(
    get, path = "/v1/documents/{id}/chunks", tag = "documents", params(("id" = String, Path), ChunkListParams),
    responses((status = 200, body = ChunkListResponse), (status = 404, body = Problem), (status = 422, body = Problem))
)]
pub async fn list_chunks(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    PathId(id): PathId,
    Params(params): Params<ChunkListParams>,
) -> Result<axum::Json<ChunkListResponse>, Problem> {
    let limit = limit_of(params.limit, DEFAULT_LIMIT, MAX_LIMIT)? as usize;
    let after = parse_position(params.after.as_deref())?;
    let store = &state.app.store;
    let absent = || Problem::not_found(format!("document {id} not found"));
    let document = store.document(&workspace, &id, params.version).await?;
    let version = document.ok_or_else(absent)?.version;
    let source = store.source(&workspace, &id, version).await?;
    let source = source.ok_or_else(absent)?;
    let first = usize::try_from(after + 1).unwrap_or(usize::MAX);
    let chunks = source.chunks.iter().enumerate().skip(first);
    let chunks: Vec<ListedChunk> = chunks
        .take(limit + 1)
        .map(|(ordinal, chunk)| ListedChunk {
            ordinal,
            chunk: PreviewChunk::of(chunk, &source.text),
        })
        .collect();
    let (chunks, next) = page_of(chunks, limit, |chunk| chunk.ordinal.to_string());
    Ok(axum::Json(ChunkListResponse {
        version,
        n_chunks: source.chunks.len(),
        chunks,
        next,
    }))
}

/// The longest time that `?wait=indexed` waits.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a request waits for the gate before a job takes over.
const GATE_PATIENCE: Duration = Duration::from_secs(10);

/// Makes one change through the gate or a job, on the request's preconditions, and returns the reply.
pub async fn change(
    state: &AppState,
    workspace: &WorkspaceId,
    write: Write,
    params: WriteParams,
    preconditions: Preconditions,
) -> Result<Response, Problem> {
    let id = write.document_id().clone();
    let WriteParams {
        wait,
        force,
        background,
    } = params;
    let terms = preconditions.on(&id);
    let changed = changes(state, workspace, vec![write], force, background, terms);
    let mut recorded = match changed.await? {
        ChangeResult::Now(recorded) => recorded,
        ChangeResult::Later(job) => return Ok(accepted(&job.about.id, &job)),
    };
    let recorded = recorded.remove(0);
    let patience = match wait {
        Some(Wait::Indexed) => PATIENCE,
        None => Duration::ZERO,
    };
    let follower = &state.app.follower;
    let indexed = follower
        .wait_for(workspace, recorded.revision, patience)
        .await;
    let status = match recorded.effect {
        Effect::NotFound => return Err(Problem::not_found(format!("document {id} not found"))),
        Effect::Added => StatusCode::CREATED,
        _ => StatusCode::OK,
    };
    Ok((status, axum::Json(response(recorded, indexed))).into_response())
}

/// Result of a change.
pub enum ChangeResult {
    /// The changes are recorded.
    Now(Vec<Recorded>),
    /// A job will make the changes.
    Later(JobResponse),
}

/// Makes changes through the gate on these terms, all or none. If the gate takes too long or `background` is set, a job
/// makes them.
pub async fn changes(
    state: &AppState,
    workspace: &WorkspaceId,
    writes: Vec<Write>,
    force: bool,
    background: bool,
    terms: ChangeTerms,
) -> Result<ChangeResult, Problem> {
    let breaking = Breaking::allowed_if(force);
    let store = &state.app.store;
    let (writes, terms) = if background {
        let unmet = store
            .unmet_condition(workspace, &terms.conditions())
            .await?;
        if let Some(unmet) = unmet {
            return Err(unmet_problem(state, workspace, unmet).await?);
        }
        let ids = writes.iter().map(Write::document_id);
        let base = store.base(workspace, ids).await?;
        (writes, terms.or_base(base))
    } else {
        let longest = Duration::from_millis(state.app.config.http.timeout_ms);
        let patience = GATE_PATIENCE.min(longest / 3);
        let gate = &state.app.gate;
        match gate
            .apply_within(workspace, writes, breaking, terms, patience)
            .await?
        {
            TimedResult::Recorded(recorded) => return Ok(ChangeResult::Now(recorded)),
            TimedResult::Unmet(unmet) => return Err(unmet_problem(state, workspace, unmet).await?),
            TimedResult::TooLong(writes, terms) => (writes, terms),
        }
    };
    let job = Changes::enqueue(store, workspace, writes, breaking, terms).await?;
    state.app.queue.wake();
    Ok(ChangeResult::Later(read_job(state, workspace, &job).await?))
}

/// A 202 reply with the job's address.
pub fn accepted(job: &str, body: impl Serialize) -> Response {
    let location = [(LOCATION, format!("/v1/jobs/{job}"))];
    (StatusCode::ACCEPTED, location, axum::Json(body)).into_response()
}

/// Waits until a revision is searchable, for `PATIENCE` at most. Returns whether it is.
pub async fn wait_until_indexed(state: &AppState, workspace: &WorkspaceId, revision: i64) -> bool {
    state.app.follower.wake();
    let follower = &state.app.follower;
    follower.wait_for(workspace, revision, PATIENCE).await
}

/// The reply's body for a recorded change.
pub fn response(recorded: Recorded, indexed: bool) -> WriteResponse {
    WriteResponse {
        document_id: recorded.document_id.into(),
        version: recorded.version,
        effect: match recorded.effect {
            Effect::Added => "added",
            Effect::Changed => "changed",
            Effect::Unchanged => "unchanged",
            Effect::Scheduled => "scheduled",
            Effect::Archived => "archived",
            Effect::Deleted => "deleted",
            Effect::NotFound => "not_found",
        },
        revision: recorded.revision,
        indexed,
    }
}
