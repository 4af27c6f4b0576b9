use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::auth::Actor;
use super::documents::wait_until_indexed;
use super::drafts::reviewer_of;
use super::extract::{Json, Path, Workspace};
use super::impact::broken_fault;
use super::problem::{Fault, Problem};
use super::uploads::PATIENCE;
use ken_base::background::to_the_end;
use ken_base::domain::{Arm, DocumentId, Experiment, Tuning, WorkspaceId};
use ken_learn::learn::LearnError;
use ken_learn::learn::experiments::{ExperimentError, Plan, Standing};
use ken_learn::learn::tuning::{Learned, LearningFailure};

/// Ways of answering to be served side by side.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExperimentRequest {
    /// 1 to 64 of `a–z 0–9 - _`.
    pub id: String,
    /// The FAQ whose answers are compared; settings are where absent.
    #[schema(value_type = Option<String>)]
    pub faq_id: Option<DocumentId>,
    /// 2 to 8: `[{ "name", "answer" | "tuning": { "keyword_share", "proximity_share", "min_confidence" } }]`. The first is
    /// what is live and names neither.
    pub arms: Vec<Arm>,
    /// The probability of calling a difference where there is none, over the whole experiment: .0001 to .2, .05 where absent.
    pub alpha: Option<f64>,
    /// Customers an arm, after which it ends without a winner: 50 to 1,000,000, 10,000 where absent.
    pub max_customers: Option<usize>,
    /// Who begins it.
    pub reviewer: Option<String>,
}

/// The workspace's experiments.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExperimentsResponse {
    /// Newest first: the experiment, and by arm `shown`, `known`, `successes`, `harms`, `e_value`, `harm_e_value`.
    pub experiments: Vec<Standing>,
}

/// Who decides.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DecisionRequest {
    /// 1 to 128 characters.
    pub reviewer: Option<String>,
}

/// Begin an experiment. A customer is in the same arm on every channel; who has neither a `customer_id` nor a
/// `conversation_id` sees what is live.
#[utoipa::path(
    post, path = "/v1/experiments", tag = "learning", request_body = ExperimentRequest,
    responses(
        (status = 200, body = Experiment),
        (status = 409, body = Problem, description = "The id is taken, or one about the same is running"),
        (status = 422, body = Problem),
    )
)]
pub async fn begin(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    actor: Actor,
    Json(request): Json<ExperimentRequest>,
) -> Result<axum::Json<Experiment>, Problem> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    let mut faults = Vec::new();
    if !(1..=64).contains(&request.id.len()) || !request.id.chars().all(allowed) {
        let detail = format!("expected 1 to 64 of a–z 0–9 - _, found {:?}", request.id);
        faults.push(Fault::new("/id", detail));
    }
    for (at, arm) in request.arms.iter().enumerate() {
        faults.extend(Fault::bounded(&format!("/arms/{at}/name"), &arm.name, 128));
        if let Some(answer) = &arm.answer {
            faults.extend(Fault::bounded(
                &format!("/arms/{at}/answer"),
                answer,
                20_000,
            ));
        }
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let by = reviewer_of(actor, request.reviewer)?.name;
    let plan = Plan {
        id: request.id,
        faq_id: request.faq_id,
        arms: request.arms,
        alpha: request.alpha.unwrap_or(0.05),
        max_customers: request.max_customers.unwrap_or(10_000),
    };
    let begun = state.app.learning.begin(&workspace, plan, &by).await?;
    catch_up(&state, &workspace).await?;
    Ok(axum::Json(begun))
}

/// Waits until the searches have what an experiment wrote into its FAQ.
async fn catch_up(state: &AppState, workspace: &WorkspaceId) -> Result<(), Problem> {
    let revision = state.app.store.revision(workspace).await?;
    wait_until_indexed(state, workspace, revision).await;
    Ok(())
}

/// List experiments and how they stand; those that are decided by now are decided.
#[utoipa::path(
    get, path = "/v1/experiments", tag = "learning", responses((status = 200, body = ExperimentsResponse))
)]
pub async fn list(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
) -> Result<axum::Json<ExperimentsResponse>, Problem> {
    let (learning, of) = (state.app.learning.clone(), workspace.clone());
    let experiments = to_the_end(async move { learning.experiments(&of).await }).await?;
    catch_up(&state, &workspace).await?;
    Ok(axum::Json(ExperimentsResponse { experiments }))
}

/// End an experiment without a winner, or put the winner in force: the address ends in `:stop` or `:promote`.
#[utoipa::path(
    post, path = "/v1/experiments/{id}", tag = "learning", request_body = DecisionRequest,
    params(("id" = String, Path, description = "The id, then `:stop` or `:promote`")),
    responses(
        (status = 200, body = Experiment), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "It is not running, or has no winner"),
        (status = 422, body = Problem),
    )
)]
pub async fn decide(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(address): Path<String>,
    actor: Actor,
    Json(request): Json<DecisionRequest>,
) -> Result<axum::Json<Experiment>, Problem> {
    let by = reviewer_of(actor, request.reviewer)?.name;
    let promotes = match address.rsplit_once(':') {
        Some((_, "stop")) => false,
        Some((_, "promote")) => true,
        _ => {
            return Err(Problem::not_found(
                "expected the address to end in :stop or :promote",
            ));
        }
    };
    let (learning, of) = (state.app.learning.clone(), workspace.clone());
    let decision = async move {
        let (id, _) = address.rsplit_once(':').unwrap_or_default();
        match promotes {
            true => learning.promote(&of, id, &by).await,
            false => learning.stop(&of, id, &by).await,
        }
    };
    let decided = to_the_end(decision).await?;
    catch_up(&state, &workspace).await?;
    Ok(axum::Json(decided))
}

/// The settings that a workspace has learned.
#[derive(Debug, Serialize, ToSchema)]
pub struct TuningResponse {
    /// What holds in place of the service's own settings; empty fields are the service's.
    pub tuning: Tuning,
    /// How many earlier settings can be gone back to.
    pub n_earlier: usize,
    /// Whether they are being learned, by the process that was asked.
    pub is_learning: bool,
    /// What came of learning them the last time, and when that was.
    pub last_learned: Option<Learned>,
    /// When and why it failed, where the last time it did.
    pub last_failed: Option<LearningFailure>,
}

/// Read the settings that a workspace has learned.
#[utoipa::path(
    get, path = "/v1/tuning", tag = "learning", responses((status = 200, body = TuningResponse))
)]
pub async fn get_tuning(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
) -> Result<axum::Json<TuningResponse>, Problem> {
    let learning = &state.app.learning;
    // Asked first: where it is over, what came of it is there.
    let is_learning = learning.is_tuning(&workspace);
    let (tuning, n_earlier) = learning.tuning(&workspace).await?;
    let last_learned = learning.last_learned(&workspace).await?;
    let last_failed = learning
        .last_failed(&workspace, last_learned.as_ref())
        .await?;
    Ok(axum::Json(TuningResponse {
        tuning,
        n_earlier,
        is_learning,
        last_learned,
        last_failed,
    }))
}

/// Learn settings from feedback and judged questions; they count only where they win and lose nowhere. Where it takes longer
/// than the shorter of 20 s and half of `http.timeout_ms`, it goes on: `GET /v1/tuning` says whether it still does
/// (`is_learning`) and what came of it (`last_learned`, `last_failed`).
#[utoipa::path(
    post, path = "/v1/tuning/learn", tag = "learning", request_body = DecisionRequest,
    responses(
        (status = 200, body = Learned, description = "What was tried, how it did, and whether it counts now"),
        (status = 202, body = TuningResponse, description = "It goes on; what holds until then"),
        (status = 409, body = Problem, description = "They are being learned already")
    )
)]
pub async fn learn(
    state: State<AppState>,
    workspace: Workspace,
    actor: Actor,
    Json(request): Json<DecisionRequest>,
) -> Result<Response, Problem> {
    let by = reviewer_of(actor, request.reviewer)?.name;
    let learning = state.app.learning.clone();
    let of = workspace.0.clone();
    let work = to_the_end(async move {
        let learned = learning.tune(&of, &by).await;
        // Nobody may be there any more to be told.
        match &learned {
            Ok(_) | Err(LearnError::Busy) => {}
            Err(error) => tracing::error!(%error, "settings could not be learned"),
        }
        learned
    });
    let longest = Duration::from_millis(state.app.config.http.timeout_ms);
    match tokio::time::timeout(PATIENCE.min(longest / 2), work).await {
        Ok(learned) => Ok(axum::Json(learned?).into_response()),
        Err(_) => {
            let until_then = get_tuning(state, workspace).await?;
            Ok((StatusCode::ACCEPTED, until_then).into_response())
        }
    }
}

/// Go back to the settings before the last change.
#[utoipa::path(
    post, path = "/v1/tuning/rollback", tag = "learning", request_body = DecisionRequest,
    responses((status = 200, body = TuningResponse), (status = 409, body = Problem, description = "There is nothing to go back to"))
)]
pub async fn roll_back(
    state: State<AppState>,
    workspace: Workspace,
    actor: Actor,
    Json(request): Json<DecisionRequest>,
) -> Result<axum::Json<TuningResponse>, Problem> {
    let by = reviewer_of(actor, request.reviewer)?.name;
    if state
        .app
        .learning
        .roll_back(&workspace.0, &by)
        .await?
        .is_none()
    {
        return Err(Problem::conflict("there are no earlier settings"));
    }
    get_tuning(state, workspace).await
}

impl From<ExperimentError> for Problem {
    fn from(error: ExperimentError) -> Self {
        let detail = error.to_string();
        match error {
            ExperimentError::Plan(pointer, detail) => {
                Problem::invalid(vec![Fault::new(pointer, detail)])
            }
            ExperimentError::NotFound(_) => Problem::not_found(detail),
            ExperimentError::State(_) => Problem::conflict(detail),
            ExperimentError::WouldBreak(broken) => {
                Problem::would_break(broken.iter().map(broken_fault).collect())
            }
            ExperimentError::Learn(error) => error.into(),
        }
    }
}
