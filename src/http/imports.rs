//! Imports of FAQs and bulk changes: list them, undo them.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::documents::{ChangeResult, accepted, changes};
use super::extract::{Json, Params, Path, Workspace};
use super::jobs::JobResponse;
use super::problem::{Fault, Problem};
use super::schema_enums;
use super::settings::limit_of;
use ken_knowledge::editing::gate::ChangeTerms;
use ken_knowledge::editing::undo::plan_undo;
use ken_store::store::ImportSummary;

/// Query parameters of `GET /v1/imports`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ImportListParams {
    /// Return only older imports: `next` of the previous page.
    after: Option<String>,
    /// 1 to 100; default 100.
    limit: Option<i64>,
}

/// A page of imports.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportListResponse {
    /// Newest first. The last 100 of a workspace are kept.
    pub imports: Vec<ImportBody>,
    /// Pass as `after` to get the next page; null on the last page.
    pub next: Option<String>,
}

/// An import of a file, or a bulk change.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportBody {
    /// The import's id.
    pub id: String,
    /// `import` or `bulk`.
    #[schema(value_type = schema_enums::ImportKind)]
    pub kind: String,
    /// The file's name, or what was changed.
    pub name: String,
    /// Who made it.
    pub actor: String,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// How many FAQs it added.
    pub n_added: i64,
    /// How many FAQs it changed.
    pub n_changed: i64,
    /// How many FAQs it deleted.
    pub n_deleted: i64,
    /// When it was undone; null if it was not.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub undone_at: Option<Timestamp>,
    /// Who undid it; null if it was not undone.
    pub undone_by: Option<String>,
}

impl From<ImportSummary> for ImportBody {
    fn from(import: ImportSummary) -> Self {
        Self {
            id: import.id,
            kind: import.kind,
            name: import.name,
            actor: import.actor,
            created_at: import.created_at,
            n_added: import.n_added,
            n_changed: import.n_changed,
            n_deleted: import.n_deleted,
            undone_at: import.undone_at,
            undone_by: import.undone_by,
        }
    }
}

/// Options of an undo.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UndoRequest {
    /// Undo the FAQs that were not changed after the import, and leave the others. Default: if one was changed, nothing
    /// is undone.
    pub partial: bool,
    /// Write even if judged questions break.
    pub force: bool,
    /// See `PUT /v1/documents/{id}`.
    pub background: bool,
}

/// What an undo did, or does if a job writes it.
#[derive(Debug, Serialize, ToSchema)]
pub struct UndoReport {
    /// The import that is undone.
    pub import_id: String,
    /// How many FAQs return to the version before.
    pub n_restored: usize,
    /// How many FAQs are deleted because the import added them.
    pub n_deleted: usize,
    /// The FAQs that were changed after the import and stay as they are; only with `partial`.
    pub skipped: Vec<String>,
    /// Whether it is written.
    pub applied: bool,
    /// Newest revision after the undo.
    pub revision: i64,
}

/// An undo that a job checks against the judged questions, then writes.
#[derive(Debug, Serialize, ToSchema)]
pub struct UndoJobResponse {
    #[serde(flatten)]
    pub job: JobResponse,
    /// What the undo will do.
    pub report: UndoReport,
}

/// List imports of FAQs and bulk changes.
#[utoipa::path(
    get, path = "/v1/imports", tag = "faqs", params(ImportListParams),
    responses((status = 200, body = ImportListResponse), (status = 422, body = Problem))
)]
pub async fn list_imports(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<ImportListParams>,
) -> Result<axum::Json<ImportListResponse>, Problem> {
    let limit = limit_of(params.limit, 100, 100)?;
    let after = params.after.as_deref();
    let store = &state.app.store;
    let mut page = store.imports(&workspace, after, limit + 1).await?;
    let more = page.len() as i64 > limit;
    page.truncate(limit as usize);
    let next = page.last().filter(|_| more).map(|last| last.id.clone());
    let imports = page.into_iter().map(ImportBody::from).collect();
    Ok(axum::Json(ImportListResponse { imports, next }))
}

/// Undo an import or a bulk change: the path ends in `:undo`. Each FAQ returns to the version before; added FAQs are
/// deleted. All or none, unless `partial`. An import can be undone once.
#[utoipa::path(
    post, path = "/v1/imports/{id}", tag = "faqs", request_body = UndoRequest,
    params(("id" = String, Path, description = "The id, then `:undo`")),
    responses(
        (status = 200, body = UndoReport),
        (status = 202, body = UndoJobResponse, description = "A job checks the judged questions, then writes"),
        (status = 404, body = Problem, description = "It is unknown, not written yet, or no longer kept"),
        (status = 409, body = Problem, description = "It was undone before, FAQs were changed after it, or judged questions would break"),
        (status = 422, body = Problem),
    )
)]
pub async fn undo_import(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(address): Path<String>,
    Json(request): Json<UndoRequest>,
) -> Result<Response, Problem> {
    let (id, action) = address.rsplit_once(':').unwrap_or((&address, ""));
    if action != "undo" {
        return Err(Problem::not_found("expected the path to end in :undo"));
    }
    let store = &state.app.store;
    let Some((import, documents)) = store.import(&workspace, id).await? else {
        let detail = "it is unknown, not written yet, or no longer kept";
        return Err(Problem::not_found(format!(
            "import {id} not found: {detail}"
        )));
    };
    if let Some(at) = import.undone_at {
        let by = import.undone_by.unwrap_or_default();
        let detail = format!("import {id} was undone already, by {by} at {at}");
        return Err(Problem::conflict(detail));
    }
    let plan = plan_undo(store, &workspace, documents).await?;
    let changed = plan.changed_since.iter().map(ToString::to_string);
    let changed: Vec<String> = changed.collect();
    if !changed.is_empty() && (!request.partial || plan.writes.is_empty()) {
        let fault =
            |id: &String| Fault::new(format!("faqs/{id}"), "it was changed after the import");
        return Err(Problem::changed_since_import(
            changed.iter().map(fault).collect(),
        ));
    }
    let mut report = UndoReport {
        import_id: id.to_owned(),
        n_restored: plan.n_restored,
        n_deleted: plan.n_deleted,
        skipped: changed,
        applied: false,
        revision: store.revision(&workspace).await?,
    };
    let terms = ChangeTerms {
        base: Some(plan.base),
        undoes: Some(id.to_owned()),
        ..ChangeTerms::default()
    };
    let UndoRequest {
        force, background, ..
    } = request;
    match changes(&state, &workspace, plan.writes, force, background, terms).await? {
        ChangeResult::Later(job) => {
            let id = job.about.id.clone();
            Ok(accepted(&id, UndoJobResponse { job, report }))
        }
        ChangeResult::Now(recorded) => {
            report.applied = true;
            if let Some(last) = recorded.last() {
                report.revision = last.revision;
            }
            Ok(axum::Json(report).into_response())
        }
    }
}
