//! Preview of changes, judged questions, lint and reviews.

use std::collections::BTreeMap;

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::changed::ItemChanged;
use super::documents::DocumentRequest;
use super::extract::{Json, OneOrMany, Params, Path, Workspace, one_or_many};
use super::faqs::{self, FaqFields};
use super::page::{cursor_of, page_of, parse_time_cursor, wrong_cursor};
use super::problem::{Fault, Problem};
use super::settings::limit_of;
use ken_base::domain::{DocumentId, JudgedQuestion, Outcome, QuestionKind, Review};
use ken_knowledge::editing::gate::GateError;
use ken_knowledge::editing::impact::{
    AlteredAnswer, Impact, ImpactError, LOGGED, ProposedChange, Tried,
};
use ken_knowledge::editing::lint::{LintError, LintFinding, lint};

/// The most questions that a request gives to a preview.
const MAX_QUESTIONS: usize = 100;

/// A change to preview: documents to write and to remove.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImpactRequest {
    /// Documents to write, by id.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, DocumentRequest>)]
    pub put: BTreeMap<DocumentId, DocumentRequest>,
    /// FAQs to write, by id, with the fields of `PUT /v1/faqs/{id}`.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, FaqFields>)]
    pub put_faqs: BTreeMap<DocumentId, Map<String, Value>>,
    /// Ids of documents to delete.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub remove: Vec<DocumentId>,
    /// Number of recent logged questions to ask besides the judged ones, 0 to 1,000; default 200.
    pub logged: Option<i64>,
    /// Further questions to ask, at most 100, each of 1 to 2,000 characters.
    #[serde(default)]
    pub questions: Vec<String>,
    /// Answer as of this time. Default: now.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
}

/// Preview which answers a change would alter, break or fix. The judged questions, the latest logged ones, the wordings of
/// changed FAQs and the given questions are asked.
#[utoipa::path(
    post, path = "/v1/documents:preview-impact", tag = "editing", request_body = ImpactRequest,
    responses((status = 200, body = Impact), (status = 422, body = Problem))
)]
pub async fn preview_impact(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Json(request): Json<ImpactRequest>,
) -> Result<axum::Json<Impact>, Problem> {
    let n_logged = request.logged.unwrap_or(LOGGED);
    let mut faults = Vec::new();
    if !(0..=1_000).contains(&n_logged) {
        let detail = format!("expected 0 to 1000, found {n_logged}");
        faults.push(Fault::new("/logged", detail));
    }
    if request.questions.len() > MAX_QUESTIONS {
        let found = request.questions.len();
        let detail = format!("expected at most {MAX_QUESTIONS} questions, found {found}");
        faults.push(Fault::new("/questions", detail));
    }
    for (at, question) in request.questions.iter().enumerate() {
        if let Err(error) = ken_base::domain::Query::parse(question, 1) {
            faults.push(Fault::new(format!("/questions/{at}"), error.to_string()));
        }
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let mut changes: Vec<ProposedChange> = request
        .remove
        .into_iter()
        .map(ProposedChange::Remove)
        .collect();
    for (id, document) in request.put {
        changes.push(ProposedChange::Put(Box::new(
            document.parse_off_thread(id).await?,
        )));
    }
    for (id, fields) in request.put_faqs {
        // A problem points into the request.
        let source = faqs::source_of(&id, fields);
        let source = source.map_err(|problem| problem.within("/put_faqs", id.as_str()))?;
        changes.push(ProposedChange::Put(Box::new(source)));
    }
    let what_if = &state.app.what_if;
    let tried = Tried {
        n_logged,
        asked: request.questions,
        at: request.at,
    };
    let impact = what_if.assess(&workspace, changes, &tried);
    Ok(axum::Json(impact.await?))
}

/// The problem of a change that would break judged questions.
pub fn would_break(broken: Vec<AlteredAnswer>) -> Problem {
    let fault = |altered: &AlteredAnswer| {
        let id = altered.id.as_deref().unwrap_or("");
        Fault::new(format!("judged-questions/{id}"), altered.describe())
    };
    Problem::would_break(broken.iter().map(fault).collect(), broken)
}

impl From<GateError> for Problem {
    fn from(error: GateError) -> Self {
        match error {
            GateError::WouldBreak(refused) => would_break(refused.broken),
            GateError::Impact(error) => error.into(),
        }
    }
}

impl From<ImpactError> for Problem {
    fn from(error: ImpactError) -> Self {
        match error {
            ImpactError::Answer(error) => error.into(),
            ImpactError::Store(error) => error.into(),
        }
    }
}

impl From<LintError> for Problem {
    fn from(error: LintError) -> Self {
        Problem::internal(&error)
    }
}

/// A question with a known correct answer. Omitted expectations are not checked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JudgedQuestionRequest {
    /// 1 to 2,000 characters.
    pub question: String,
    /// Everything that the asker is: one name or a list, as `agent` or `["tier:gold"]`.
    #[serde(default, deserialize_with = "one_or_many")]
    #[schema(value_type = Option<OneOrMany>)]
    pub audience: Vec<String>,
    /// The channel that it is asked on.
    pub channel: Option<String>,
    /// The expected outcome.
    pub outcome: Option<Outcome>,
    /// Document that must be cited.
    pub document_id: Option<String>,
    /// Text that the answer must contain; Chinese script, width and case are ignored.
    pub contains: Option<String>,
    /// The kind of question. Near misses and foreign questions must not be answered; judged runs count them apart.
    pub kind: Option<QuestionKind>,
}

/// Query parameters of `GET /v1/judged-questions` and `GET /v1/reviews`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageParams {
    /// `next` of the previous page.
    after: Option<String>,
    /// 1 to 1,000. Default: all judged questions, or 1,000 reviews.
    limit: Option<i64>,
}

/// The workspace's judged questions.
#[derive(Debug, Serialize, ToSchema)]
pub struct JudgedQuestionsResponse {
    /// Ordered by id.
    pub questions: Vec<JudgedQuestion>,
    /// Pass as `after` to get the next page; null on the last page, and without `limit`.
    pub next: Option<String>,
}

/// List judged questions.
#[utoipa::path(
    get, path = "/v1/judged-questions", tag = "editing", params(PageParams),
    responses((status = 200, body = JudgedQuestionsResponse), (status = 422, body = Problem))
)]
pub async fn list_judged(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<PageParams>,
) -> Result<axum::Json<JudgedQuestionsResponse>, Problem> {
    let limit = match params.limit {
        Some(limit) => limit_of(Some(limit), limit, 1_000)?,
        None => i64::MAX - 1,
    };
    let after = params.after.as_deref();
    if let Some(other) = after.filter(|id| !(1..=128).contains(&id.chars().count())) {
        return Err(wrong_cursor(other));
    }
    let questions = state
        .app
        .store
        .judged_questions_page(&workspace, after, limit + 1)
        .await?;
    let (questions, next) = page_of(questions, limit as usize, |judged| judged.id.clone());
    Ok(axum::Json(JudgedQuestionsResponse { questions, next }))
}

/// Create or replace a judged question. Changes that break it are rejected unless forced, whether they come from this API,
/// uploads, the command line, review or experiments. `ken import` and `ken restore` are not checked.
#[utoipa::path(
    put, path = "/v1/judged-questions/{id}", tag = "editing", request_body = JudgedQuestionRequest,
    params(("id" = String, Path, description = "1 to 128 characters")),
    responses((status = 200, body = JudgedQuestion), (status = 422, body = Problem))
)]
pub async fn put_judged(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
    Json(request): Json<JudgedQuestionRequest>,
) -> Result<axum::Json<JudgedQuestion>, Problem> {
    let mut faults = Vec::new();
    if let Err(error) = ken_base::domain::Query::parse(&request.question, 1) {
        faults.push(Fault::new("/question", error.to_string()));
    }
    if id.chars().count() > 128 {
        faults.push(Fault::new("{id}", "expected 1 to 128 characters"));
    }
    if request.outcome.is_none() && request.document_id.is_none() && request.contains.is_none() {
        faults.push(Fault::new(
            "",
            "expected at least one of outcome, document_id, contains",
        ));
    }
    let contradicting = match (request.kind, request.outcome) {
        (Some(QuestionKind::Answerable), Some(Outcome::Refused)) => Some("answerable"),
        (Some(QuestionKind::NearMiss), Some(Outcome::Answered)) => Some("near_miss"),
        (Some(QuestionKind::Foreign), Some(Outcome::Answered)) => Some("foreign"),
        _ => None,
    };
    if let (Some(kind), Some(outcome)) = (contradicting, request.outcome) {
        let detail = format!("{kind} contradicts the outcome {}", outcome.as_str());
        faults.push(Fault::new("/kind", detail));
    }
    if let Some(cited) = &request.document_id {
        let store = &state.app.store;
        let exists = match DocumentId::parse(cited) {
            Ok(cited) => store.document(&workspace, &cited, None).await?.is_some(),
            Err(_) => false,
        };
        if !exists {
            let detail = format!("document {cited:?} not found; create it before the question");
            faults.push(Fault::new("/document_id", detail));
        }
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let judged = JudgedQuestion {
        id,
        question: request.question,
        audience: request.audience,
        channel: request.channel,
        outcome: request.outcome,
        document_id: request.document_id,
        contains: request.contains,
        kind: request.kind,
    };
    state
        .app
        .store
        .put_judged_question(&workspace, &judged)
        .await?;
    Ok(axum::Json(judged))
}

/// Delete a judged question.
#[utoipa::path(
    delete, path = "/v1/judged-questions/{id}", tag = "editing", params(("id" = String, Path)),
    responses((status = 200, body = ItemChanged), (status = 404, body = Problem))
)]
pub async fn delete_judged(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
) -> Result<axum::Json<ItemChanged>, Problem> {
    match state
        .app
        .store
        .delete_judged_question(&workspace, &id)
        .await?
    {
        true => Ok(axum::Json(ItemChanged {
            id,
            effect: "deleted",
        })),
        false => Err(Problem::not_found(format!(
            "judged question {id} not found"
        ))),
    }
}

/// Findings of the lint.
#[derive(Debug, Serialize, ToSchema)]
pub struct LintResponse {
    /// `duplicate`, `conflict`, `expired`, `review_due` or `dead_reference`, each with the documents concerned.
    pub findings: Vec<LintFinding>,
}

/// Report duplicates, contradictions, expired content and dead references.
#[utoipa::path(
    post, path = "/v1/documents:lint", tag = "editing", responses((status = 200, body = LintResponse))
)]
pub async fn post_lint(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
) -> Result<axum::Json<LintResponse>, Problem> {
    let findings = lint(state.app.knowledge(), &workspace).await?;
    Ok(axum::Json(LintResponse { findings }))
}

/// The reviews that are open.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewsResponse {
    /// Newest first.
    pub reviews: Vec<Review>,
    /// Pass as `after` to get the next page; null on the last page.
    pub next: Option<String>,
}

/// List open reviews, such as contradictions that no rule resolves.
#[utoipa::path(
    get, path = "/v1/reviews", tag = "editing", params(PageParams),
    responses((status = 200, body = ReviewsResponse), (status = 422, body = Problem))
)]
pub async fn list_reviews(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<PageParams>,
) -> Result<axum::Json<ReviewsResponse>, Problem> {
    let limit = limit_of(params.limit, 1_000, 1_000)?;
    let after = parse_time_cursor(params.after.as_deref())?;
    let reviews = state
        .app
        .store
        .open_reviews(&workspace, after.as_ref(), limit + 1)
        .await?;
    let (reviews, next) = page_of(reviews, limit as usize, |(_, key)| cursor_of(key));
    Ok(axum::Json(ReviewsResponse {
        reviews: reviews.into_iter().map(|(review, _)| review).collect(),
        next,
    }))
}

/// Close a review. The same pair of document versions does not open another one.
#[utoipa::path(
    delete, path = "/v1/reviews/{id}", tag = "editing", params(("id" = String, Path)),
    responses((status = 200, body = ItemChanged), (status = 404, body = Problem))
)]
pub async fn close_review(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
) -> Result<axum::Json<ItemChanged>, Problem> {
    match state.app.store.close_review(&workspace, &id).await? {
        true => Ok(axum::Json(ItemChanged {
            id,
            effect: "closed",
        })),
        false => Err(Problem::not_found(format!("open review {id} not found"))),
    }
}
