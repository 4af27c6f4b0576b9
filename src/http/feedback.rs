//! Feedback on answers: `/v1/feedback`.

use axum::Extension;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::extract::{Json, Params, Workspace};
use super::page::{page_of, parse_time_cursor, time_cursor};
use super::problem::{Fault, Problem};
use super::settings::limit_of;
use ken_base::domain::Principal;
use ken_base::domain::{AgentAction, DocumentId, Feedback, FeedbackReason, Right};
use ken_learn::cases::MAX_TURN_CHARS;
use ken_learn::learn::LearnError;
use ken_learn::learn::feedback::NewFeedback;

/// Feedback on an answer: at least one field besides `answer_id` is required.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedbackRequest {
    /// `id` of the answer.
    pub answer_id: String,
    /// Whether the answer helped.
    pub helpful: Option<bool>,
    /// `wrong`, `outdated`, `irrelevant`, `incomplete`, `unclear`, `other`.
    pub reason: Option<FeedbackReason>,
    /// 1 to 2,000 characters.
    pub comment: Option<String>,
    /// The correct answer, 1 to 10,000 characters: handled as a case resolved by an agent, and made into a draft.
    /// Requires a role that may review drafts.
    pub corrected_answer: Option<String>,
    /// Document that should have been cited. For an FAQ, the question becomes a draft variant.
    #[schema(value_type = Option<String>)]
    pub corrected_document_id: Option<DocumentId>,
    /// Agent's action: `accepted`, `edited` or `ignored`.
    pub agent_action: Option<AgentAction>,
    /// Rating, 1 to 5; 4 and 5 are positive, 1 and 2 negative.
    pub csat: Option<u8>,
    /// Whether the customer contacted support again about the same issue.
    #[serde(default)]
    pub reopened: bool,
    /// Whether the customer complained.
    #[serde(default)]
    pub complaint: bool,
    /// Author of the feedback, if other than the asker. Only the latest feedback per person counts. Stored as a hash.
    pub customer_id: Option<String>,
}

/// Effects of the feedback.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeedbackResponse {
    /// The feedback's id.
    pub id: String,
    /// `false` if the same feedback was already recorded; nothing changed then.
    pub is_new: bool,
    /// Draft created or supported by the feedback.
    pub draft_id: Option<String>,
    /// Case created from the corrected answer.
    pub case_id: Option<String>,
    /// Documents excluded from answers from now on because too many people found them wrong.
    #[schema(value_type = Vec<String>)]
    pub distrusted: Vec<DocumentId>,
}

/// Submit feedback on an answer.
#[utoipa::path(
    post, path = "/v1/feedback", tag = "learning", request_body = FeedbackRequest,
    responses(
        (status = 200, body = FeedbackResponse), (status = 400, body = Problem),
        (status = 422, body = Problem, description = "Invalid value, or answer or document not found"),
    )
)]
pub async fn post_feedback(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Extension(principal): Extension<Principal>,
    Json(request): Json<FeedbackRequest>,
) -> Result<axum::Json<FeedbackResponse>, Problem> {
    // A corrected answer counts as an agent's statement.
    if request.corrected_answer.is_some() && !principal.role.may(Right::Review) {
        return Err(Problem::forbidden(
            "corrected_answer requires a role that may review drafts",
        ));
    }
    let mut faults = check(&request);
    if let Some(id) = &request.corrected_document_id
        && state
            .app
            .store
            .document(&workspace, id, None)
            .await?
            .is_none()
    {
        let detail = format!("document {id} not found");
        faults.push(Fault::new("/corrected_document_id", detail));
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let answer_id = request.answer_id.clone();
    let given = NewFeedback {
        answer_id: request.answer_id,
        helpful: request.helpful,
        reason: request.reason,
        comment: request.comment,
        corrected_answer: request.corrected_answer,
        corrected_document_id: request.corrected_document_id,
        agent_action: request.agent_action,
        csat: request.csat,
        reopened: request.reopened,
        complaint: request.complaint,
        customer_id: request.customer_id,
    };
    let Some(effects) = state.app.learning.feedback(&workspace, given).await? else {
        let detail = format!("answer {answer_id} not found; it may have been deleted");
        return Err(Problem::invalid(vec![Fault::new("/answer_id", detail)]));
    };
    Ok(axum::Json(FeedbackResponse {
        id: effects.id,
        is_new: effects.is_new,
        draft_id: effects.draft_id,
        case_id: effects.case_id,
        distrusted: effects.distrusted,
    }))
}

fn check(request: &FeedbackRequest) -> Vec<Fault> {
    let texts = [
        ("/answer_id", Some(&request.answer_id), 128),
        ("/comment", request.comment.as_ref(), 2_000),
        (
            "/corrected_answer",
            request.corrected_answer.as_ref(),
            MAX_TURN_CHARS,
        ),
        ("/customer_id", request.customer_id.as_ref(), 128),
    ];
    let mut faults: Vec<Fault> = texts
        .into_iter()
        .filter_map(|(pointer, text, most)| Fault::bounded(pointer, text?, most))
        .collect();
    if let Some(csat) = request.csat.filter(|csat| !(1..=5).contains(csat)) {
        faults.push(Fault::new(
            "/csat",
            format!("expected 1 to 5, found {csat}"),
        ));
    }
    let says_nothing = request.helpful.is_none()
        && request.reason.is_none()
        && request.comment.is_none()
        && request.corrected_answer.is_none()
        && request.corrected_document_id.is_none()
        && request.agent_action.is_none()
        && request.csat.is_none()
        && !request.reopened
        && !request.complaint;
    if says_nothing {
        faults.push(Fault::new(
            "",
            "expected at least one of helpful, reason, comment, corrected_answer, corrected_document_id, agent_action, csat, \
             reopened, complaint",
        ));
    }
    faults
}

/// Query parameters of `GET /v1/feedback`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct FeedbackListParams {
    /// `next` of the previous page.
    after: Option<String>,
    /// 1 to 1,000; default 100.
    limit: Option<i64>,
}

/// Feedback on answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeedbackListResponse {
    /// Newest first, without personal data.
    pub feedback: Vec<Feedback>,
    /// Pass as `after` to get the next page; null on the last page.
    pub next: Option<String>,
}

/// List feedback.
#[utoipa::path(
    get, path = "/v1/feedback", tag = "learning", params(FeedbackListParams),
    responses((status = 200, body = FeedbackListResponse), (status = 422, body = Problem))
)]
pub async fn list_feedback(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<FeedbackListParams>,
) -> Result<axum::Json<FeedbackListResponse>, Problem> {
    let limit = limit_of(params.limit, 100, 1_000)?;
    let after = parse_time_cursor(params.after.as_deref())?;
    let feedback = state
        .app
        .store
        .feedback_page(&workspace, after.as_ref(), limit + 1)
        .await?;
    let (feedback, next) = page_of(feedback, limit as usize, |one| time_cursor(one.at, &one.id));
    Ok(axum::Json(FeedbackListResponse { feedback, next }))
}

impl From<LearnError> for Problem {
    fn from(error: LearnError) -> Self {
        match error {
            LearnError::Store(error) => error.into(),
            LearnError::Answer(error) => error.into(),
            LearnError::Case(error) => error.into(),
            LearnError::Impact(error) => error.into(),
            LearnError::Busy => Problem::conflict(error.to_string()),
            other => Problem::internal(&other),
        }
    }
}
