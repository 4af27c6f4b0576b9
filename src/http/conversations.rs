//! Recorded conversations and explanations of answers.

use std::collections::BTreeMap;

use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::answers::CitationBody;
use super::changed::ConversationDeleted;
use super::extract::{Path, Workspace};
use super::problem::Problem;
use ken_answer::answer::{AnswerDecision, RecordedRequest, RejectedSentence};
use ken_answer::llm::ModelUsage;
use ken_base::actor::actor;
use ken_base::desk::{Conversation, ConversationId};
use ken_base::domain::{
    Answer as RecordedAnswer, Note, Outcome, Reason, Timings, Turn, WorkspaceId,
};

/// A question and its answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct TurnBody {
    /// The answer's id.
    pub answer_id: String,
    /// When it was answered.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The original question.
    pub question: String,
    /// `answered`, `clarify`, `refused` or `handoff`.
    pub outcome: Outcome,
    /// The whole reply.
    pub text: String,
    /// The citations.
    pub citations: Vec<CitationBody>,
    /// Why it holds nothing from the knowledge base.
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

/// A conversation.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConversationResponse {
    /// The conversation's id.
    pub id: String,
    /// Questions and their answers, oldest first.
    pub turns: Vec<TurnBody>,
    /// The conversation on the desk; null for one that a bot has by `POST /v1/answers`.
    pub desk: Option<Conversation>,
}

/// The most turns of a conversation that are returned.
const MAX_TURNS: i64 = 1_000;

fn absent(id: &str) -> Problem {
    Problem::not_found(format!("conversation {id} not found"))
}

/// The conversation on the desk with this id.
async fn on_desk(
    state: &AppState,
    workspace: &WorkspaceId,
    id: &str,
) -> Result<Option<Conversation>, Problem> {
    match ConversationId::parse(id) {
        Ok(id) => Ok(state.app.store.conversation(workspace, &id).await?),
        Err(_) => Ok(None),
    }
}

/// Read a conversation: its turns with their citations, and its state on the desk.
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
    let desk = on_desk(&state, &workspace, &id).await?;
    if turns.is_empty() && desk.is_none() {
        return Err(absent(&id));
    }
    let turns = turns.into_iter().map(TurnBody::from).collect();
    Ok(axum::Json(ConversationResponse { id, turns, desk }))
}

/// Delete a conversation with its turns, traces and logged questions. On the desk it ends, and its messages are erased with
/// what was learned from them.
#[utoipa::path(
    delete, path = "/v1/conversations/{id}", tag = "conversations", params(("id" = String, Path)),
    responses((status = 200, body = ConversationDeleted), (status = 404, body = Problem))
)]
pub async fn delete_conversation(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
) -> Result<axum::Json<ConversationDeleted>, Problem> {
    let desk = on_desk(&state, &workspace, &id).await?;
    if let Some(conversation) = desk {
        let (app, by) = (&state.app, actor().to_string());
        let erased = app
            .desk
            .erase_conversation(workspace.clone(), conversation.id, by);
        let forgotten = app.forget(&workspace, &erased.await?).await?;
        return Ok(axum::Json(ConversationDeleted {
            id,
            effect: "deleted",
            n_turns: forgotten.n_turns,
        }));
    }
    match state.app.answerer.forget(&workspace, &id).await? {
        0 => Err(absent(&id)),
        n_turns => Ok(axum::Json(ConversationDeleted {
            id,
            effect: "deleted",
            n_turns,
        })),
    }
}

/// How an answer was produced.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplanationResponse {
    /// The answer as returned.
    #[schema(value_type = RecordedAnswer)]
    pub answer: serde_json::Value,
    /// When it was answered.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The original question.
    pub question: String,
    /// Audience, channel and conversation history of the request.
    #[schema(value_type = RecordedRequest)]
    pub request: serde_json::Value,
    /// For each sub-question: query terms, evidence (with text if the version still exists), features, decision, rejected
    /// sentences, tokens and cost of the language model, timings.
    #[schema(value_type = Vec<ExplainedPart>)]
    pub parts: serde_json::Value,
}

impl ExplanationResponse {
    /// The explanation of a turn from its trace.
    pub fn new(turn: Turn, mut trace: serde_json::Value) -> Self {
        Self {
            answer: serde_json::json!(turn.answer),
            at: turn.at,
            question: turn.question,
            request: trace["request"].take(),
            parts: trace["parts"].take(),
        }
    }
}

/// How one question of a message was answered.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the JSON")]
struct ExplainedPart {
    /// The standalone question that was searched for.
    question: String,
    /// The text that was searched for.
    search_text: String,
    /// Whether the evidence was good enough.
    decision: AnswerDecision,
    /// The estimated probability that the evidence answers the question, in [0, 1].
    confidence: f32,
    /// The features that the decision was made from, by name; null if a feature is unknown.
    features: BTreeMap<String, Option<f32>>,
    /// The passages that were found, best first.
    evidence: Vec<ExplainedEvidence>,
    /// Sentences that failed verification.
    rejected: Vec<RejectedSentence>,
    /// Limitations of the answer, and components that were unavailable.
    notes: Vec<Note>,
    /// What a language model used; null, if none was asked.
    usage: Option<ModelUsage>,
    /// How long each stage took.
    timings_ms: Timings,
}

/// A passage that was found for a question.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the JSON")]
struct ExplainedEvidence {
    /// The passage's id.
    chunk_id: String,
    /// The document that it is from.
    document_id: String,
    /// The version of the document, from 1.
    document_version: i64,
    /// The document's title.
    title: String,
    /// The headings above the passage, outermost first.
    heading_path: Vec<String>,
    /// Where the passage begins in the document's text, in bytes.
    start: usize,
    /// Where the passage ends in the document's text, in bytes, exclusive.
    end: usize,
    /// The score after fusion, in [0, 1].
    score: f32,
    /// BM25 divided by the highest BM25 that the question could reach, in [0, 1].
    coverage: f32,
    /// The cosine of the passage's vector and the question's vector, in [-1, 1].
    similarity: f32,
    /// The reader's logit that the passage answers the question; absent, if the passage was not read.
    #[schema(required = false)]
    reading: f32,
    /// Where the reader found the answer, in bytes of the document; absent, if it found none.
    #[schema(required = false)]
    answer_at: AnswerSpan,
    /// The passage's text; null, if the version does not exist any more.
    text: Option<String>,
}

/// A range of a document's text.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the JSON")]
struct AnswerSpan {
    /// Where it begins, in bytes.
    start: usize,
    /// Where it ends, in bytes, exclusive.
    end: usize,
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
    let Some((turn, trace)) = state.app.answerer.explained(&workspace, &id).await? else {
        return Err(Problem::not_found(format!("answer {id} not found")));
    };
    Ok(axum::Json(ExplanationResponse::new(turn, trace)))
}
