//! Resolved support cases: `/v1/cases`.

use std::time::Duration;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::auth::Actor;
use super::changed::ItemChanged;
use super::extract::{Params, Path, Workspace, parse_at, read};
use super::problem::{Fault, Problem};
use super::schema_enums;
use ken_base::domain::Principal;
use ken_base::domain::{Case, Distilled, Right};
use ken_learn::cases::{CaseError, SubmittedCase};
use ken_store::store::CaseEffect;

/// A resolved case, or several: `{ "cases": [ … ] }`.
///
/// Fields of a case: `turns` (`[{ "role": "customer | agent | bot | system", "text", "at" }]`), and optionally
/// `id`, `channel`, `outcome` (`resolved`, `workaround`, `unresolved`; default: inferred from the transcript), `tags`,
/// `product`, `agent`, `customer_id`, `conversation_id`, `answer_ids`, `csat` (1 to 5), `reopened`, `closed_at`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
enum CasesRequest {
    Many {
        /// At least one case.
        #[schema(value_type = Vec<Case>)]
        cases: Vec<serde_json::Value>,
    },
    #[schema(value_type = Case)]
    One(serde_json::Value),
}

/// Query parameters of `POST /v1/cases`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CaseParams {
    /// `distilled`: reply once the cases are distilled into drafts, after 10 s at most.
    #[param(inline, value_type = Option<schema_enums::WaitForCases>)]
    wait: Option<String>,
}

/// Results for the submitted cases.
#[derive(Debug, Serialize, ToSchema)]
pub struct CasesResponse {
    /// In request order.
    pub cases: Vec<SubmittedCaseBody>,
    /// How many cases are new.
    pub n_added: usize,
    /// How many cases replace one with the same id.
    pub n_changed: usize,
    /// How many cases were known already.
    pub n_unchanged: usize,
    /// Whether all cases of the workspace are distilled; only with `wait`.
    pub distilled: Option<bool>,
}

/// Result for one case.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubmittedCaseBody {
    /// The case's id.
    pub id: String,
    /// `added`, `changed` or `unchanged`.
    pub effect: CaseEffect,
    /// Number of redacted personal data items.
    pub n_redacted: usize,
}

impl From<SubmittedCase> for SubmittedCaseBody {
    fn from(submitted: SubmittedCase) -> Self {
        Self {
            id: submitted.id,
            effect: submitted.effect,
            n_redacted: submitted.n_redacted,
        }
    }
}

/// The longest time that `wait` waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// Submit resolved cases: one, a list, or one a line (`application/x-ndjson`).
///
/// All or none: one invalid case rejects the request. A case is identified by its `id`, or by its content if it has none.
/// Submitting it again changes nothing; with other content it replaces the previous case.
#[utoipa::path(
    post, path = "/v1/cases", tag = "learning", params(CaseParams),
    request_body(content((CasesRequest = "application/json"), (String = "application/x-ndjson"))),
    responses(
        (status = 200, body = CasesResponse), (status = 400, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem, description = "All faults, by the index of the case"),
    )
)]
pub async fn post_cases(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<CaseParams>,
    request: Request,
) -> Result<axum::Json<CasesResponse>, Problem> {
    let waits = match params.wait.as_deref() {
        None => false,
        Some("distilled") => true,
        Some(other) => {
            let detail = format!("expected `distilled`, found {other:?}");
            return Err(Problem::invalid(vec![Fault::new("?wait", detail)]));
        }
    };
    let kind = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let is_lines =
        kind.ends_with("ndjson") || kind.ends_with("jsonl") || kind.ends_with("jsonlines");
    if !is_lines && !kind.ends_with("json") {
        return Err(Problem::unsupported_media_type());
    }
    let bytes = read(
        request.into_body(),
        state.app.config.ingest.max_upload_bytes,
    )
    .await?;
    let cases = ken_base::blocking::blocking(move || parse(&bytes, is_lines)).await?;
    let submitted = match state.app.cases.submit(&workspace, cases).await? {
        Ok(submitted) => submitted,
        Err(faults) => {
            let fault = |(at, fault): &(usize, ken_learn::cases::CaseFault)| {
                Fault::new(
                    format!("/cases/{at}{}", fault.pointer),
                    fault.detail.clone(),
                )
            };
            return Err(Problem::invalid(faults.iter().map(fault).collect()));
        }
    };
    let distilled = match waits {
        true => Some(state.app.cases.wait_for(&workspace, PATIENCE).await?),
        false => None,
    };
    let n = |effect: CaseEffect| {
        submitted
            .iter()
            .filter(|submitted| submitted.effect == effect)
            .count()
    };
    Ok(axum::Json(CasesResponse {
        n_added: n(CaseEffect::Added),
        n_changed: n(CaseEffect::Changed),
        n_unchanged: n(CaseEffect::Unchanged),
        cases: submitted.into_iter().map(SubmittedCaseBody::from).collect(),
        distilled,
    }))
}

/// Parses one case, a list, or one case per line. The problem lists every fault.
fn parse(bytes: &[u8], is_lines: bool) -> Result<Vec<Case>, Problem> {
    let values: Vec<serde_json::Value> = match is_lines {
        true => {
            let text = std::str::from_utf8(bytes).map_err(|e| Problem::not_json(e.to_string()))?;
            let lines = text
                .lines()
                .enumerate()
                .filter(|(_, line)| !line.trim().is_empty());
            let read = |(at, line): (usize, &str)| {
                serde_json::from_str(line)
                    .map_err(|e| Problem::not_json(format!("line {}: {e}", at + 1)))
            };
            lines.map(read).collect::<Result<_, _>>()?
        }
        false => match serde_json::from_slice(bytes) {
            Ok(CasesRequest::Many { cases }) => cases,
            Ok(CasesRequest::One(case)) => vec![case],
            Err(error) => return Err(Problem::not_json(error.to_string())),
        },
    };
    let (mut cases, mut faults) = (Vec::with_capacity(values.len()), Vec::new());
    for (at, value) in values.into_iter().enumerate() {
        match parse_at(&format!("/cases/{at}"), value) {
            Ok(case) => cases.push(case),
            Err(fault) => faults.push(fault),
        }
    }
    match (cases.is_empty(), faults.is_empty()) {
        (_, false) => Err(Problem::invalid(faults)),
        (true, true) => Err(Problem::invalid(vec![Fault::new(
            "",
            "expected at least one case",
        )])),
        (false, true) => Ok(cases),
    }
}

impl From<CaseError> for Problem {
    fn from(error: CaseError) -> Self {
        match error {
            CaseError::Store(error) => error.into(),
            CaseError::Answer(error) => error.into(),
            CaseError::Impact(error) => error.into(),
            other => Problem::internal(&other),
        }
    }
}

/// Query parameters of `GET /v1/cases/{id}`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CaseReadParams {
    /// Restore redacted personal data that is still in the vault; recorded in the audit log.
    #[serde(default)]
    reveal: bool,
}

/// A case with its draft, if there is one.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseResponse {
    /// Without personal data unless `reveal` is set.
    pub case: Case,
    /// The distilled case: `question`, `requests`, `conditions`, `steps`, `resolution`, `outcome`, `gap`, each sentence
    /// with its position in the transcript; null until distilled.
    pub distilled: Option<Distilled>,
    /// The draft that uses it as a source.
    pub draft_id: Option<String>,
}

/// Read a case and its distillation.
#[utoipa::path(
    get, path = "/v1/cases/{id}", tag = "learning", params(("id" = String, Path), CaseReadParams),
    responses((status = 200, body = CaseResponse), (status = 404, body = Problem))
)]
pub async fn get_case(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
    Extension(principal): Extension<Principal>,
    actor: Actor,
    Params(params): Params<CaseReadParams>,
) -> Result<axum::Json<CaseResponse>, Problem> {
    let Some(mut stored) = state.app.store.case(&workspace, &id).await? else {
        return Err(Problem::not_found(format!("case {id} not found")));
    };
    if params.reveal {
        if !principal.role.may(Right::Manage) {
            return Err(Problem::forbidden("reveal requires the admin role"));
        }
        stored.case = state.app.cases.revealed(&workspace, &stored).await?;
        let detail = serde_json::json!({});
        state
            .app
            .store
            .audit(&workspace, &actor.name, "case.reveal", &id, &detail)
            .await?;
    }
    Ok(axum::Json(CaseResponse {
        case: stored.case,
        distilled: stored.distilled,
        draft_id: stored.draft_id,
    }))
}

/// Delete a case with its transcript, its redacted personal data and its contribution to drafts.
#[utoipa::path(
    delete, path = "/v1/cases/{id}", tag = "learning", params(("id" = String, Path)),
    responses((status = 200, body = ItemChanged), (status = 404, body = Problem))
)]
pub async fn delete_case(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
) -> Result<axum::Json<ItemChanged>, Problem> {
    match state.app.cases.forget(&workspace, &id).await? {
        true => Ok(axum::Json(ItemChanged {
            id,
            effect: "deleted",
        })),
        false => Err(Problem::not_found(format!("case {id} not found"))),
    }
}
