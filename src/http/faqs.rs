//! FAQs: create, read, list, delete, import and export.

use axum::extract::{Request, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::documents::{
    ChangeResult, ListPage, WriteParams, WriteResponse, accepted, change, changes,
};
use super::extract::{Json, Params, PathId, Workspace};
use super::files::{ImportForm, RequestFiles};
use super::jobs::JobResponse;
use super::preconditions::{IfMatch, Preconditions, etag};
use super::problem::{Fault, Problem};
use super::schema_enums;
use ken_base::blocking::blocking;
use ken_base::domain::{Document, DocumentId, DocumentKind, DocumentStatus, FaqAnswer, Source};
use ken_ingest::ingest::faq::{self, ColumnMapping, FaqFile, FaqOptions, FaqRow, MappingFault};
use ken_ingest::ingest::{FileFormat, IngestError, faq_file};
use ken_knowledge::editing::gate::ChangeTerms;
use ken_knowledge::editing::impact::{ProposedChange, Tried};
use ken_knowledge::editing::import::{self, ImportChoices, ImportOptions};
use ken_knowledge::editing::undo::{ImportKind, new_import};
use ken_store::store::{DocumentFilter, Write};

/// An FAQ: `question`, `answer` (a string) or `answers` (`[{ "text", "channels", "audience", "language" }]`), and
/// optionally `variants`, `negatives`, `tags`, `audience`, `channels`, `language`, `uri`, `valid_from`,
/// `valid_until`, `review_by`, `status`, `related`, `parent` (the FAQ it follows up), `rank`.
#[derive(Debug, Serialize, ToSchema)]
pub struct FaqResponse {
    /// The live version, from 1.
    pub version: i64,
    #[serde(flatten)]
    #[schema(value_type = FaqFields)]
    pub fields: Map<String, Value>,
    /// Ids of follow-up FAQs.
    pub follow_ups: Vec<String>,
    /// The workspace's newest revision when it was read.
    pub revision: i64,
}

/// The fields of an FAQ. A reply leaves out fields without a value. A request also accepts the column names of an import.
#[derive(ToSchema)]
#[schema(as = Faq)]
#[expect(dead_code, reason = "it describes the JSON")]
pub struct FaqFields {
    /// The FAQ's id; in a request it can be left out, because the address names it.
    #[schema(required = false)]
    id: String,
    /// The question, 1 to 2,000 characters.
    question: String,
    /// The answer, if it is the same for everybody. A request has `answer` or `answers`.
    #[schema(required = false)]
    answer: String,
    /// Several answers, each for its own audience, channels or language.
    #[schema(required = false)]
    answers: Vec<FaqAnswer>,
    /// Other wordings of the question.
    #[schema(required = false)]
    variants: Vec<String>,
    /// Similar questions that this FAQ does not answer.
    #[schema(required = false)]
    negatives: Vec<String>,
    /// Tags; a request can ask for documents with certain tags.
    #[schema(required = false)]
    tags: Vec<String>,
    /// The audience. Default: everyone.
    #[schema(required = false)]
    audience: Vec<String>,
    /// The channels that show it; all, if absent.
    #[schema(required = false)]
    channels: Vec<String>,
    /// The FAQ's language (BCP 47); detected from the text, if absent.
    language: Option<String>,
    /// The FAQ's own address; a citation shows it.
    uri: Option<String>,
    /// From when it is valid; from the beginning, if absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    valid_from: Option<Timestamp>,
    /// Until when it is valid, exclusive; for ever, if absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    valid_until: Option<Timestamp>,
    /// When a person should check it. The lint reports it from then on.
    #[schema(value_type = Option<String>, format = DateTime)]
    review_by: Option<Timestamp>,
    /// Its state. Default: `published`.
    #[schema(required = false)]
    status: DocumentStatus,
    /// Ids of documents that a reader may want next.
    #[schema(required = false)]
    related: Vec<String>,
    /// The id of the FAQ that this one follows up.
    parent: Option<String>,
    /// Of two documents that contradict each other, the one of higher rank is right; 0, if absent.
    #[schema(required = false)]
    rank: i64,
}

/// A page of FAQs.
#[derive(Debug, Serialize, ToSchema)]
pub struct FaqListResponse {
    /// Ordered by the bytes of the id.
    #[schema(value_type = Vec<FaqFields>)]
    pub faqs: Vec<Map<String, Value>>,
    /// Ask again with `after` set to this; null on the last page.
    pub next: Option<String>,
    /// The workspace's newest revision when it was read.
    pub revision: i64,
}

/// Create an FAQ or a new version of it. Equal content changes nothing.
#[utoipa::path(
    put, path = "/v1/faqs/{id}", tag = "faqs", request_body = FaqFields,
    params(("id" = String, Path, description = "1 to 256 bytes, percent-encoded"), WriteParams, IfMatch),
    responses(
        (status = 200, body = WriteResponse), (status = 201, body = WriteResponse),
        (status = 202, body = JobResponse, description = "The judged questions are checked in a job, which writes"),
        (status = 409, body = Problem, description = "Judged questions would break; `?force=true` writes anyway"),
        (status = 412, body = Problem, description = "Another version is live"), (status = 422, body = Problem),
    )
)]
pub async fn put_faq(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    PathId(id): PathId,
    Params(params): Params<WriteParams>,
    preconditions: Preconditions,
    Json(fields): Json<Map<String, Value>>,
) -> Result<Response, Problem> {
    let source = source_of(&id, fields)?;
    if let Some(other) = state.app.store.document(&workspace, &id, None).await?
        && other.metadata.kind != DocumentKind::Faq
    {
        let detail = format!(
            "{id} is a document of kind {}, not an FAQ",
            other.metadata.kind.as_str()
        );
        return Err(Problem::conflict(detail));
    }
    let write = Write::put(source);
    change(&state, &workspace, write, params, preconditions).await
}

/// Parses the fields of an FAQ. The problem lists every fault.
pub fn source_of(id: &DocumentId, mut fields: Map<String, Value>) -> Result<Source, Problem> {
    if let Some(given) = fields.insert("id".to_owned(), Value::String(id.to_string()))
        && given.as_str() != Some(id.as_str())
    {
        let detail = format!("expected {id}, as in the path, or no id; found {given}");
        return Err(Problem::invalid(vec![Fault::new("/id", detail)]));
    }
    let asks = fields.contains_key("question");
    let file = faq::of_values(&[(1, Value::Object(fields))]).filter(|_| asks);
    let Some(mut file) = file else {
        return Err(Problem::invalid(vec![Fault::new(
            "/question",
            "expected a question, found none",
        )]));
    };
    if !file.faults.is_empty() {
        let faults = file.faults.into_iter();
        let faults = faults.map(|fault| Fault::new(format!("/{}", fault.column), fault.detail));
        return Err(Problem::invalid(faults.collect()));
    }
    let source = file.rows.remove(0).into_source()?;
    if source.id != *id {
        let detail = format!("id {} differs from the id in the path, {id}", source.id);
        return Err(Problem::invalid(vec![Fault::new("", detail)]));
    }
    Ok(source)
}

/// Read an FAQ.
#[utoipa::path(
    get, path = "/v1/faqs/{id}", tag = "faqs", params(("id" = String, Path)),
    responses(
        (status = 200, body = FaqResponse, headers(("ETag" = String, description = "The version in quotes, for `If-Match`"))),
        (status = 404, body = Problem),
    )
)]
pub async fn get_faq(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    let store = &state.app.store;
    let is_faq = |document: &Document| document.metadata.kind == DocumentKind::Faq;
    let Some(document) = store.document(&workspace, &id, None).await?.filter(is_faq) else {
        return Err(Problem::not_found(format!("FAQ {id} not found")));
    };
    let follow_ups = store.follow_ups(&workspace, &id).await?;
    let body = FaqResponse {
        version: document.version,
        fields: FaqRow::of_document(&document).fields(),
        follow_ups: follow_ups.iter().map(ToString::to_string).collect(),
        revision: store.revision(&workspace).await?,
    };
    Ok((etag(document.version), axum::Json(body)).into_response())
}

/// Delete an FAQ. Its versions stay in the history.
#[utoipa::path(
    delete, path = "/v1/faqs/{id}", tag = "faqs", params(("id" = String, Path), WriteParams, IfMatch),
    responses(
        (status = 200, body = WriteResponse), (status = 202, body = JobResponse, description = "A job checks the judged questions"),
        (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 412, body = Problem, description = "Another version is live"),
    )
)]
pub async fn delete_faq(
    state: State<AppState>,
    workspace: Workspace,
    id: PathId,
    params: Params<WriteParams>,
    preconditions: Preconditions,
) -> Result<Response, Problem> {
    preconditions.check(&state, &workspace.0, &id.0).await?;
    let document = state.app.store.document(&workspace.0, &id.0, None).await?;
    if document.is_none_or(|document| document.metadata.kind != DocumentKind::Faq) {
        return Err(Problem::not_found(format!("FAQ {} not found", id.0)));
    }
    super::documents::delete_document(state, workspace, id, params, preconditions).await
}

/// Query parameters of `GET /v1/faqs`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct FaqListParams {
    /// Only FAQs whose question, variants and answers together contain each of these words; case, width and Chinese script do
    /// not matter. 1 to 200 characters.
    q: Option<String>,
    /// Only FAQs with this tag.
    tag: Option<String>,
    /// Only FAQs with this status.
    #[param(inline)]
    status: Option<DocumentStatus>,
    /// Only FAQs whose audience has this name.
    audience: Option<String>,
    /// Return only FAQs with a greater id, in the order of their bytes: `next` of the previous page.
    after: Option<String>,
    /// 1 to 1,000; default 100.
    limit: Option<i64>,
}

/// List FAQs.
#[utoipa::path(
    get, path = "/v1/faqs", tag = "faqs", params(FaqListParams),
    responses((status = 200, body = FaqListResponse), (status = 422, body = Problem))
)]
pub async fn list_faqs(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<FaqListParams>,
) -> Result<axum::Json<FaqListResponse>, Problem> {
    let filter = DocumentFilter {
        q: params.q,
        in_faq: true,
        prefix: None,
        kind: Some(DocumentKind::Faq),
        status: params.status,
        tag: params.tag,
        audience: params.audience,
        due_before: None,
    };
    let page = ListPage::checked(filter, params.after.as_deref(), params.limit)?;
    let (ids, next) = page.ids(&state, &workspace).await?;
    let store = &state.app.store;
    let mut documents = store.documents_by_id(&workspace, &ids).await?;
    // The order of texts in the database may differ.
    documents.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(axum::Json(FaqListResponse {
        next,
        faqs: documents
            .iter()
            .map(|d| FaqRow::of_document(d).fields())
            .collect(),
        revision: store.revision(&workspace).await?,
    }))
}

/// Query parameters of `POST /v1/faqs:import`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ImportParams {
    /// Report what each row would change, without writing.
    #[serde(default)]
    dry_run: bool,
    /// Write the valid rows even if others are invalid or conflicting.
    #[serde(default)]
    partial: bool,
    /// Write even if judged questions break.
    #[serde(default)]
    force: bool,
    /// See `PUT /v1/documents/{id}`.
    #[serde(default)]
    background: bool,
    /// With `dry_run`: also find existing FAQs that are semantically similar to new rows.
    #[serde(default)]
    similar: bool,
    /// With `dry_run`: also preview which answers the import would alter, as `POST /v1/documents:preview-impact` does.
    #[serde(default)]
    preview_impact: bool,
    /// A JSON object from the numbers of rows to `replace`, `add` or `skip`: what to do with rows that ask the same as
    /// another FAQ or row, `{"7": "replace"}`. `replace`: its answers replace the other's. `add`: it becomes an FAQ beside
    /// the other. `skip`: it is left out, and does not stop the import. A form can have it as the part `choices`.
    choices: Option<String>,
    /// File name; needed if the body is the file itself and its content type does not identify the format.
    name: Option<String>,
    /// A JSON object from the names of columns to fields, or to null for columns to ignore: `{"Reply": "answer"}`. Fields
    /// are those of an FAQ, and `answer[channel=…,audience=…,language=…]`. Other columns are recognised by their names.
    /// A form can have it as the part `columns`.
    columns: Option<String>,
}

/// Where the mapping of columns is in the request.
enum MappingPlace {
    Query,
    Part,
}

impl MappingPlace {
    /// The pointer to the mapping, or to the entry of a column.
    fn pointer(&self, column: Option<&str>) -> String {
        let start = match self {
            Self::Query => "?columns",
            Self::Part => "/columns",
        };
        match column {
            // Escaped as in RFC 6901.
            Some(column) => format!("{start}/{}", column.replace('~', "~0").replace('/', "~1")),
            None => start.to_owned(),
        }
    }
}

/// The mapping of columns of a request, from its query or its form.
struct RequestMapping {
    mapping: ColumnMapping,
    place: MappingPlace,
}

impl RequestMapping {
    /// Parses the mapping. A request has at most one.
    fn of(query: Option<&str>, part: Option<&str>) -> Result<Self, Problem> {
        let (place, text) = match (query, part) {
            (Some(_), Some(_)) => {
                let detail = "expected columns in the query or in the form, found both";
                return Err(Problem::invalid(vec![Fault::new("?columns", detail)]));
            }
            (Some(text), None) => (MappingPlace::Query, text),
            (None, Some(text)) => (MappingPlace::Part, text),
            (None, None) => (MappingPlace::Query, "{}"),
        };
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let detail = format!("expected a JSON object: {error}");
            Problem::invalid(vec![Fault::new(place.pointer(None), detail)])
        })?;
        let fault = |fault: MappingFault| {
            let pointer = place.pointer(fault.column.as_deref());
            Fault::new(pointer, fault.detail)
        };
        let faults = |all: Vec<MappingFault>| all.into_iter().map(fault).collect();
        match ColumnMapping::of_value(&value) {
            Ok(mapping) => Ok(Self { mapping, place }),
            Err(all) => Err(Problem::invalid(faults(all))),
        }
    }

    /// Refuses a file that does not have the mapped columns, or whose question or answer column is unknown. A dry run
    /// reports the columns of the latter.
    fn check(&self, file: &FaqFile, dry_run: bool) -> Result<(), Problem> {
        let count = |name: &str| file.columns.iter().filter(|c| c.header == name).count();
        let fault = |name: &str| {
            let detail = match count(name) {
                1 => return None,
                0 => "the file has no column of this name".to_owned(),
                n => format!("the file has {n} columns of this name"),
            };
            Some(Fault::new(self.place.pointer(Some(name)), detail))
        };
        let faults: Vec<Fault> = self.mapping.columns().filter_map(fault).collect();
        match faults.is_empty() {
            true if file.recognised || dry_run => Ok(()),
            true => Err(IngestError::NoFaqs.into()),
            false => Err(Problem::invalid(faults)),
        }
    }
}

/// The choices of a request, from its query or its form.
fn choices_of(query: Option<&str>, part: Option<&str>) -> Result<ImportChoices, Problem> {
    let (pointer, text) = match (query, part) {
        (Some(_), Some(_)) => {
            let detail = "expected choices in the query or in the form, found both";
            return Err(Problem::invalid(vec![Fault::new("?choices", detail)]));
        }
        (Some(text), None) => ("?choices", text),
        (None, Some(text)) => ("/choices", text),
        (None, None) => return Ok(ImportChoices::new()),
    };
    serde_json::from_str(text).map_err(|error| {
        let detail = format!("expected an object of row numbers and replace, add or skip: {error}");
        Problem::invalid(vec![Fault::new(pointer, detail)])
    })
}

/// An import that a job checks against the judged questions, then writes.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportJobResponse {
    #[serde(flatten)]
    pub job: JobResponse,
    /// Effects that the import would have. The job's item holds the result.
    pub report: import::ImportReport,
}

/// Import FAQs from CSV, TSV, XLSX, ODS, JSON or JSON Lines: multipart, or the file as the body. Columns are
/// recognised by their Chinese or English names, or mapped by `columns`. All rows or none, unless `partial`. The report
/// lists every column, and every row except unchanged ones. A dry run reports the columns also if none is recognised.
#[utoipa::path(
    post, path = "/v1/faqs:import", tag = "faqs", params(ImportParams),
    request_body(content((ImportForm = "multipart/form-data"), (String = "text/csv"), (String = "application/jsonl")), description = "One file"),
    responses(
        (status = 200, body = import::ImportReport, description = "The changes made, or planned if `applied` is false"),
        (status = 202, body = ImportJobResponse, description = "A job checks the judged questions, then writes"),
        (status = 409, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem),
    )
)]
pub async fn import_faqs(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<ImportParams>,
    request: Request,
) -> Result<Response, Problem> {
    let mut files = RequestFiles::of(request, &state, params.name.as_deref()).await?;
    let (file, [columns, choices]) = files.file_with_fields(["columns", "choices"]).await?;
    let Some(file) = file else {
        return Err(Problem::invalid(vec![Fault::new(
            "",
            "expected a part with a file name, found none",
        )]));
    };
    let columns = RequestMapping::of(params.columns.as_deref(), columns.as_deref())?;
    let choices = choices_of(params.choices.as_deref(), choices.as_deref())?;
    let reading = FaqOptions {
        mapping: columns.mapping.clone(),
        unrecognised: true,
    };
    let read = state.app.reader.read_faqs(&file.name, file.bytes, &reading);
    let faqs = read.await?;
    columns.check(&faqs, params.dry_run)?;
    let options = ImportOptions {
        dry_run: params.dry_run,
        partial: params.partial,
    };
    let mut plan = import::plan(&state.app.store, &workspace, faqs, &choices).await?;
    if params.dry_run && params.similar {
        import::find_similar(state.app.knowledge(), &workspace, &mut plan).await?;
    }
    let mut report = plan.report;
    if params.dry_run && params.preview_impact {
        let put = |source: &Source| ProposedChange::Put(Box::new(source.clone()));
        let changes = plan.sources.iter().map(put).collect();
        let what_if = &state.app.what_if;
        let tried = Tried::default();
        report.impact = Some(what_if.assess(&workspace, changes, &tried).await?);
    }
    report.revision = state.app.store.revision(&workspace).await?;
    if report.is_blocked(options) || plan.sources.is_empty() {
        return Ok(axum::Json(report).into_response());
    }
    let writes = plan.sources.into_iter().map(Write::put).collect();
    let import = new_import(ImportKind::Import, &file.name);
    report.import_id = Some(import.id.clone());
    let terms = ChangeTerms {
        import: Some(import),
        ..ChangeTerms::default()
    };
    let changed = changes(
        &state,
        &workspace,
        writes,
        params.force,
        params.background,
        terms,
    );
    match changed.await? {
        ChangeResult::Later(job) => {
            let id = job.about.id.clone();
            Ok(accepted(&id, ImportJobResponse { job, report }))
        }
        ChangeResult::Now(recorded) => {
            report.mark_applied(&recorded);
            Ok(axum::Json(report).into_response())
        }
    }
}

/// Query parameters of `GET /v1/faqs:export`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ExportParams {
    /// `jsonl` (default), `json`, `csv`, `tsv` or `xlsx`.
    #[serde(default)]
    #[param(inline, value_type = Option<schema_enums::FileEnding>)]
    format: Option<String>,
}

/// Export all FAQs as a file; importing it restores the same state.
#[utoipa::path(
    get, path = "/v1/faqs:export", tag = "faqs", params(ExportParams),
    responses((status = 200, description = "The file", content((String = "text/csv"), (String = "text/tab-separated-values"), (String = "application/json"), (String = "application/jsonl"), (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), (status = 422, body = Problem))
)]
pub async fn export_faqs(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<ExportParams>,
) -> Result<Response, Problem> {
    let ending = params.format.as_deref().unwrap_or("jsonl");
    let (format, kind) = match ending {
        "jsonl" => (FileFormat::JsonLines, "application/jsonl"),
        "json" => (FileFormat::Json, "application/json"),
        "csv" => (FileFormat::Csv, "text/csv; charset=utf-8"),
        "tsv" => (FileFormat::Tsv, "text/tab-separated-values; charset=utf-8"),
        "xlsx" => (
            FileFormat::Xlsx,
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        other => {
            let detail = format!("expected jsonl, json, csv, tsv or xlsx, found {other:?}");
            return Err(Problem::invalid(vec![Fault::new("?format", detail)]));
        }
    };
    let rows = import::export(&state.app.store, &workspace).await?;
    let bytes = blocking(move || faq_file::write(&rows, format)).await?;
    let name = format!("attachment; filename=\"faqs.{ending}\"");
    Ok((
        [(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, name)],
        bytes,
    )
        .into_response())
}
