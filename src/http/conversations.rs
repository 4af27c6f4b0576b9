use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::answers::CitationBody;
use super::extract::{Path, Workspace};
use super::problem::Problem;
use super::{AppState, words};
use ken_base::domain::{Outcome, Reason, Turn};

/// A question and its answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct TurnBody {
    pub answer_id: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub question: String,
    /// `answered`, `clarify`, `refused` or `handoff`.
    #[schema(value_type = words::Outcome)]
    pub outcome: Outcome,
    pub text: String,
    pub citations: Vec<CitationBody>,
    #[schema(value_type = Option<words::Reason>)]
    pub reason: Option<Reason>,
}

impl From<Turn> for TurnBody {
    fn from(turn: Turn) -> Self {
        let answer = turn.answer;
        Self {
            answer_id: answer.id,
            at: turn.at,
            question: turn.question,
            outcome: answer.outcome,
            text: answer.text,
            citations: answer
                .citations
                .into_iter()
                .map(CitationBody::from)
                .collect(),
            reason: answer.reason,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ConversationResponse {
    pub id: String,
    /// Oldest first.
    pub turns: Vec<TurnBody>,
}

/// The most turns of a conversation that are read back.
const MAX_TURNS: i64 = 1_000;

fn absent(id: &str) -> Problem {
    Problem::not_found(format!("conversation {id} not found"))
}

/// Read the turns of a conversation with their citations.
#[utoipa::path(
    get, path = "/v1/conversations/{id}", tag = "conversations", params(("id" = String, Path)),
    responses((status = 200, body = ConversationResponse), (status = 404, body = Problem))
)]
pub async fn get_conversation(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
) -> Result<axum::Json<ConversationResponse>, Problem> {
    let turns = state
        .app
        .store
        .recent_turns(&workspace, &id, MAX_TURNS)
        .await?;
    if turns.is_empty() {
        return Err(absent(&id));
    }
    let turns = turns.into_iter().map(TurnBody::from).collect();
    Ok(axum::Json(ConversationResponse { id, turns }))
}

/// Delete a conversation with its turns, traces and logged questions.
#[utoipa::path(
    delete, path = "/v1/conversations/{id}", tag = "conversations", params(("id" = String, Path)),
    responses((status = 200, body = Object), (status = 404, body = Problem))
)]
pub async fn delete_conversation(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
) -> Result<axum::Json<serde_json::Value>, Problem> {
    match state.app.answerer.forget(&workspace, &id).await? {
        0 => Err(absent(&id)),
        n => Ok(axum::Json(
            serde_json::json!({ "id": id, "effect": "deleted", "n_turns": n }),
        )),
    }
}

/// How an answer was produced.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplanationResponse {
    /// The answer as returned.
    #[schema(value_type = Object)]
    pub answer: serde_json::Value,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub question: String,
    /// Audience, channel and conversation history of the request.
    #[schema(value_type = Object)]
    pub request: serde_json::Value,
    /// For each sub-question: query terms, evidence (with text if the version still exists), features, decision, rejected
    /// sentences, tokens and cost of the language model, timings.
    #[schema(value_type = Vec<Object>)]
    pub parts: serde_json::Value,
}

/// Explain an answer: its evidence, features, decision, rejected sentences and timings.
#[utoipa::path(
    get, path = "/v1/answers/{id}", tag = "answers", params(("id" = String, Path)),
    responses((status = 200, body = ExplanationResponse), (status = 404, body = Problem))
)]
pub async fn get_answer(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
) -> Result<axum::Json<ExplanationResponse>, Problem> {
    let Some((turn, mut trace)) = state.app.answerer.explained(&workspace, &id).await? else {
        return Err(Problem::not_found(format!("answer {id} not found")));
    };
    Ok(axum::Json(ExplanationResponse {
        answer: serde_json::json!(turn.answer),
        at: turn.at,
        question: turn.question,
        request: trace["request"].take(),
        parts: trace["parts"].take(),
    }))
}
