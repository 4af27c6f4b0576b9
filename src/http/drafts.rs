//! Review of drafts: `/v1/drafts`.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::auth::Actor;
use super::documents::wait_until_indexed;
use super::extract::{Json, Params, Path, Workspace};
use super::page::{after_rank, page_of, parse_rank_cursor, rank_cursor};
use super::problem::{Fault, Problem};
use super::schema_enums;
use super::settings::limit_of;
use ken_base::background::run_detached;
use ken_base::domain::{DraftState, Reviewer};
use ken_learn::cases::{DraftDetails, DraftEdit, RankedDraft, ReviewError, ReviewedDraft};

/// Query parameters of `GET /v1/drafts`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DraftListParams {
    /// `open` (default), `approved`, `published`, `rejected`, `merged`.
    #[param(inline)]
    state: Option<DraftState>,
    /// `new`, `variant`, `update`, `contradiction`, `known`, `negative`, `gap`, or `all`. Default: for open drafts, those
    /// with new content; otherwise all.
    #[param(inline, value_type = Option<schema_enums::ClassFilter>)]
    class: Option<String>,
    /// `next` of the previous page.
    after: Option<String>,
    /// 1 to 1,000; default 50.
    limit: Option<i64>,
}

/// Drafts, by rank.
#[derive(Debug, Serialize, ToSchema)]
pub struct DraftListResponse {
    /// By rank: demand × confidence × approval rate of similar drafts.
    pub drafts: Vec<RankedDraft>,
    /// Pass as `after` to get the next page; null on the last page.
    pub next: Option<String>,
}

/// List drafts, highest rank first.
#[utoipa::path(
    get, path = "/v1/drafts", tag = "learning", params(DraftListParams),
    responses((status = 200, body = DraftListResponse), (status = 422, body = Problem))
)]
pub async fn list_drafts(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<DraftListParams>,
) -> Result<axum::Json<DraftListResponse>, Problem> {
    let limit = limit_of(params.limit, 50, 1_000)?;
    let state_of = params.state.unwrap_or(DraftState::Open);
    let limit = usize::try_from(limit).unwrap_or(50);
    let after = parse_rank_cursor(params.after.as_deref())?;
    let cases = &state.app.cases;
    let class = params.class.as_deref();
    let drafts = cases.queue(&workspace, state_of, class, usize::MAX).await?;
    let drafts = after_rank(drafts, after.as_ref(), |ranked| {
        (ranked.rank, ranked.draft.id.as_str())
    });
    let (drafts, next) = page_of(drafts, limit, |ranked| {
        rank_cursor(ranked.rank, &ranked.draft.id)
    });
    Ok(axum::Json(DraftListResponse { drafts, next }))
}

/// Read a draft with its evidence, the nearest existing knowledge and the difference from it, the logged questions it
/// would answer, the answers it would change, and wording collisions with other FAQs.
#[utoipa::path(
    get, path = "/v1/drafts/{id}", tag = "learning", params(("id" = String, Path)),
    responses((status = 200, body = DraftDetails), (status = 404, body = Problem))
)]
pub async fn get_draft(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
) -> Result<axum::Json<DraftDetails>, Problem> {
    Ok(axum::Json(state.app.cases.details(&workspace, &id).await?))
}

/// A review decision.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DraftActionRequest {
    /// Name of the reviewer, 1 to 128 characters. With `four_eyes`, approval needs two different reviewers.
    pub reviewer: Option<String>,
    /// `:reject` only, 1 to 500 characters. `wrong`, `duplicate` and `not_general` also train the ranking.
    pub reason: Option<String>,
    /// `:merge` only: id of the target draft.
    pub into: Option<String>,
    /// `:approve` only: publish despite broken judged questions or wording collisions.
    pub force: bool,
    /// `:edit` only; omitted fields stay unchanged.
    pub question: Option<String>,
    /// `:edit` only: the new answer, 1 to 20,000 characters.
    pub answer: Option<String>,
    /// `:edit` only: the new wordings, each 1 to 2,000 characters.
    pub variants: Option<Vec<String>>,
    /// `:edit` only: the new tags, each 1 to 128 characters.
    pub tags: Option<Vec<String>>,
}

/// Review a draft: the path ends in `:approve`, `:edit`, `:reject` or `:merge`.
#[utoipa::path(
    post, path = "/v1/drafts/{id}", tag = "learning", request_body = DraftActionRequest,
    params(("id" = String, Path, description = "The id, then `:approve`, `:edit`, `:reject` or `:merge`")),
    responses(
        (status = 200, body = ReviewedDraft), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "Judged questions would break, a wording belongs to another FAQ, or the draft is already decided"),
        (status = 422, body = Problem),
    )
)]
pub async fn post_draft_action(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(address): Path<String>,
    actor: Actor,
    Json(request): Json<DraftActionRequest>,
) -> Result<axum::Json<ReviewedDraft>, Problem> {
    let (id, action) = match address.rsplit_once(':') {
        Some((id, action)) if ["approve", "edit", "reject", "merge"].contains(&action) => {
            (id, action)
        }
        _ => {
            return Err(Problem::not_found(
                "expected the path to end in :approve, :edit, :reject or :merge",
            ));
        }
    };
    let faults = check(action, &request);
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let reviewer = reviewer_of(actor, request.reviewer.clone())?;
    let (cases, id, action, name) = (
        state.app.cases.clone(),
        id.to_owned(),
        action.to_owned(),
        workspace.clone(),
    );
    let deciding = async move {
        let of = |draft| ReviewedDraft {
            draft,
            revision: None,
        };
        match action.as_str() {
            "approve" => cases.approve(&name, &id, &reviewer, request.force).await,
            "edit" => {
                let edit = DraftEdit {
                    question: request.question,
                    answer: request.answer,
                    variants: request.variants,
                    tags: request.tags,
                };
                cases.edit(&name, &id, &reviewer, edit).await.map(of)
            }
            "reject" => {
                let reason = request.reason.unwrap_or_default();
                cases.reject(&name, &id, &reviewer, &reason).await.map(of)
            }
            _ => {
                let into = request.into.unwrap_or_default();
                cases.merge(&name, &id, &into, &reviewer).await.map(of)
            }
        }
    };
    let reviewed = run_detached(deciding).await?;
    if let Some(revision) = reviewed.revision {
        wait_until_indexed(&state, &workspace, revision).await;
    }
    Ok(axum::Json(reviewed))
}

fn check(action: &str, request: &DraftActionRequest) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut bound = |pointer: &str, text: Option<&str>, most: usize, is_needed: bool| {
        if let Some(text) = text.or(is_needed.then_some("")) {
            faults.extend(Fault::bounded(pointer, text, most));
        }
    };
    bound(
        "/reason",
        request.reason.as_deref(),
        500,
        action == "reject",
    );
    bound("/into", request.into.as_deref(), 128, action == "merge");
    bound("/question", request.question.as_deref(), 2_000, false);
    bound("/answer", request.answer.as_deref(), 20_000, false);
    for variant in request.variants.iter().flatten() {
        bound("/variants", Some(variant), 2_000, true);
    }
    for tag in request.tags.iter().flatten() {
        bound("/tags", Some(tag), 128, true);
    }
    faults
}

/// The reviewer: the request's name for them, with the key. 422 if the name is invalid.
pub fn reviewer_of(actor: Actor, name: Option<String>) -> Result<Reviewer, Problem> {
    let fault = name
        .as_deref()
        .and_then(|name| Fault::bounded("/reviewer", name, 128));
    match fault {
        None => Ok(actor.reviewing_as(name)),
        Some(fault) => Err(Problem::invalid(vec![fault])),
    }
}

impl From<ReviewError> for Problem {
    fn from(error: ReviewError) -> Self {
        let detail = error.to_string();
        match error {
            ReviewError::NotFound(_) => Problem::not_found(detail),
            ReviewError::State(_) | ReviewError::SameReviewer(_) => Problem::conflict(detail),
            ReviewError::Incomplete(faults) => {
                let fault = |(pointer, detail): (&str, String)| Fault::new(pointer, detail);
                Problem::invalid(faults.into_iter().map(fault).collect())
            }
            ReviewError::WouldBreak(broken) => super::impact::would_break(broken),
            ReviewError::Collides(found) => {
                let fault = |c: &ken_learn::cases::Collision| {
                    let detail = format!(
                        "{:?} ({}): {:?} belongs to {}",
                        c.wording, c.why, c.question, c.belongs_to
                    );
                    Fault::new("/variants", detail)
                };
                Problem::collides(found.iter().map(fault).collect())
            }
            ReviewError::Case(error) => error.into(),
        }
    }
}
