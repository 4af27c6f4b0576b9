//! Experiments and tuned settings: `/v1/experiments` and `/v1/tuning`.

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
use super::impact::would_break;
use super::problem::{Fault, Problem};
use super::uploads::PATIENCE;
use ken_base::background::run_detached;
use ken_base::domain::{Arm, DocumentId, Experiment, Tuning, WorkspaceId};
use ken_learn::learn::LearnError;
use ken_learn::learn::experiments::{ExperimentError, ExperimentPlan, ExperimentStatus};
use ken_learn::learn::tuning::{LearnedTuning, LearningFailure};

/// An experiment: answers or settings served side by side.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExperimentRequest {
    /// 1 to 64 of `a–z 0–9 - _`.
    pub id: String,
    /// FAQ whose answers are compared. Default: none; the arms compare settings.
    #[schema(value_type = Option<String>)]
    pub faq_id: Option<DocumentId>,
    /// 2 to 8 arms: `[{ "name", "answer" | "tuning": { "keyword_share", "proximity_share", "min_confidence" } }]`. The first
    /// arm is the live state and has neither.
    pub arms: Vec<Arm>,
    /// Probability of a false positive over the whole experiment, 0.0001 to 0.2; default 0.05.
    pub alpha: Option<f64>,
    /// Customers per arm after which the experiment ends without a winner, 50 to 1,000,000; default 10,000.
    pub max_customers: Option<usize>,
    /// Name of the person who starts it, 1 to 128 characters.
    pub reviewer: Option<String>,
}

/// The workspace's experiments.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExperimentsResponse {
    /// Newest first: the experiment, and per arm `shown`, `known`, `successes`, `harms`, `e_value`, `harm_e_value`.
    pub experiments: Vec<ExperimentStatus>,
}

/// A decision.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DecisionRequest {
    /// Name of the person who decides, 1 to 128 characters.
    pub reviewer: Option<String>,
}

/// Start an experiment. A customer sees the same arm on every channel. Requests without a `customer_id` or
/// `conversation_id` see the live state.
#[utoipa::path(
    post, path = "/v1/experiments", tag = "learning", request_body = ExperimentRequest,
    responses(
        (status = 200, body = Experiment),
        (status = 409, body = Problem, description = "The id is taken, or an experiment on the same subject is running"),
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
    let plan = ExperimentPlan {
        id: request.id,
        faq_id: request.faq_id,
        arms: request.arms,
        alpha: request.alpha.unwrap_or(0.05),
        max_customers: request.max_customers.unwrap_or(10_000),
    };
    let experiment = state.app.learning.begin(&workspace, plan, &by).await?;
    catch_up(&state, &workspace).await?;
    Ok(axum::Json(experiment))
}

/// Waits until the experiment's change of its FAQ is searchable.
async fn catch_up(state: &AppState, workspace: &WorkspaceId) -> Result<(), Problem> {
    let revision = state.app.store.revision(workspace).await?;
    wait_until_indexed(state, workspace, revision).await;
    Ok(())
}

/// List experiments with their current results. Also ends those that have reached a decision.
#[utoipa::path(
    get, path = "/v1/experiments", tag = "learning", responses((status = 200, body = ExperimentsResponse))
)]
pub async fn list(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
) -> Result<axum::Json<ExperimentsResponse>, Problem> {
    let (learning, of) = (state.app.learning.clone(), workspace.clone());
    let experiments = run_detached(async move { learning.experiments(&of).await }).await?;
    catch_up(&state, &workspace).await?;
    Ok(axum::Json(ExperimentsResponse { experiments }))
}

/// Stop an experiment without a winner, or promote the winner: the path ends in `:stop` or `:promote`.
#[utoipa::path(
    post, path = "/v1/experiments/{id}", tag = "learning", request_body = DecisionRequest,
    params(("id" = String, Path, description = "The id, then `:stop` or `:promote`")),
    responses(
        (status = 200, body = Experiment), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "The experiment is not running, or has no winner"),
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
                "expected the path to end in :stop or :promote",
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
    let decided = run_detached(decision).await?;
    catch_up(&state, &workspace).await?;
    Ok(axum::Json(decided))
}

/// The settings that a workspace has learned.
#[derive(Debug, Serialize, ToSchema)]
pub struct TuningResponse {
    /// Settings that override those of the service; empty fields fall back to them.
    pub tuning: Tuning,
    /// Number of earlier settings available for rollback.
    pub n_earlier: usize,
    /// Whether tuning is running in the process that handles this request.
    pub is_learning: bool,
    /// Result and time of the last tuning run.
    pub last_learned: Option<LearnedTuning>,
    /// Time and error of the last tuning run if it failed.
    pub last_failed: Option<LearningFailure>,
}

/// Read the learned settings of a workspace.
#[utoipa::path(
    get, path = "/v1/tuning", tag = "learning", responses((status = 200, body = TuningResponse))
)]
pub async fn get_tuning(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
) -> Result<axum::Json<TuningResponse>, Problem> {
    let learning = &state.app.learning;
    // Read first: if the run is over by now, its outcome is already stored.
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

/// Learn settings from feedback and judged questions. They take effect only if they improve results and break no judged
/// question. If tuning takes longer than 20 s or half of `http.timeout_ms`, it continues in the background: `GET /v1/tuning`
/// returns its state (`is_learning`) and result (`last_learned`, `last_failed`).
#[utoipa::path(
    post, path = "/v1/tuning/learn", tag = "learning", request_body = DecisionRequest,
    responses(
        (status = 200, body = LearnedTuning, description = "Settings tried, their results, and whether they took effect"),
        (status = 202, body = TuningResponse, description = "Tuning continues in the background; the current settings"),
        (status = 409, body = Problem, description = "Tuning is already running")
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
    let work = run_detached(async move {
        let learned = learning.tune(&of, &by).await;
        // The client may have disconnected, so the error is logged.
        match &learned {
            Ok(_) | Err(LearnError::Busy) => {}
            Err(error) => tracing::error!(%error, "tuning failed"),
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

/// Roll back to the settings before the last change.
#[utoipa::path(
    post, path = "/v1/tuning/rollback", tag = "learning", request_body = DecisionRequest,
    responses((status = 200, body = TuningResponse), (status = 409, body = Problem, description = "There are no earlier settings"))
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
            ExperimentError::WouldBreak(broken) => would_break(broken),
            ExperimentError::Learn(error) => error.into(),
        }
    }
}
