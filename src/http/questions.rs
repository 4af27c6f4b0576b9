//! The log of questions: `GET /v1/questions`.

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::extract::{Params, Workspace};
use super::insights::period_of;
use super::page::{DEFAULT_LIMIT, MAX_LIMIT, cursor_of, parse_time_cursor};
use super::problem::{Fault, Problem};
use super::settings::limit_of;
use ken_base::domain::{Outcome, Reason};
use ken_learn::learn::insights::{LogFilter, RatedQuestion};
use ken_store::store::QuestionFilter;

/// Query parameters of `GET /v1/questions`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct QuestionListParams {
    /// Only questions with this outcome.
    #[param(inline)]
    outcome: Option<Outcome>,
    /// Only questions with this reason; empty: only those without a reason.
    reason: Option<String>,
    /// Only questions from this channel; `none`: also those without a channel.
    channel: Option<String>,
    /// Only questions whose request named this tag.
    tag: Option<String>,
    /// Only questions of this group of `GET /v1/insights/summary?by=intent`, over the same period.
    intent: Option<String>,
    /// Only questions whose answer cites this document.
    document_id: Option<String>,
    /// Only questions whose newest rating is this.
    #[param(inline)]
    rating: Option<Rating>,
    /// RFC 3339. Default: 30 days before `to`.
    #[param(value_type = Option<String>)]
    from: Option<Timestamp>,
    /// RFC 3339, exclusive. Default: now.
    #[param(value_type = Option<String>)]
    to: Option<Timestamp>,
    /// `next` of the previous page.
    after: Option<String>,
    /// 1 to 200; default 100.
    limit: Option<i64>,
}

/// How an answer was rated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rating {
    /// It helped.
    Liked,
    /// It did not help.
    Disliked,
}

/// A logged question.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuestionBody {
    /// The answer's id, for `GET /v1/answers/{id}`.
    pub answer_id: String,
    /// When it was answered.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The question, without personal data.
    pub question: String,
    /// `answered`, `clarify`, `refused` or `handoff`.
    pub outcome: Outcome,
    /// Why it holds nothing from the knowledge base.
    #[schema(value_type = Option<Reason>)]
    pub reason: Option<String>,
    /// The estimated probability that the evidence answers the question, in [0, 1].
    pub confidence: f32,
    /// The channel of the request.
    pub channel: Option<String>,
    /// The tags of the request.
    pub tags: Vec<String>,
    /// The newest rating of the answer.
    pub rating: Option<Rating>,
}

impl From<RatedQuestion> for QuestionBody {
    fn from(rated: RatedQuestion) -> Self {
        let logged = rated.logged;
        Self {
            answer_id: logged.answer_id,
            at: logged.at,
            question: logged.question,
            outcome: logged.outcome,
            reason: logged.reason,
            confidence: logged.confidence,
            channel: logged.channel,
            tags: logged.tags,
            rating: rated.liked.map(|liked| match liked {
                true => Rating::Liked,
                false => Rating::Disliked,
            }),
        }
    }
}

/// A page of logged questions.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuestionListResponse {
    /// Newest first.
    pub questions: Vec<QuestionBody>,
    /// Pass as `after` to get the next page; null on the last page.
    pub next: Option<String>,
    /// The beginning of the period.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// The end of the period, exclusive.
    #[schema(value_type = String, format = DateTime)]
    pub to: Timestamp,
}

/// List logged questions, newest first: those that `GET /v1/insights/summary` counts.
#[utoipa::path(
    get, path = "/v1/questions", tag = "learning", params(QuestionListParams),
    responses((status = 200, body = QuestionListResponse), (status = 422, body = Problem))
)]
pub async fn list_questions(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<QuestionListParams>,
) -> Result<axum::Json<QuestionListResponse>, Problem> {
    let limit = limit_of(params.limit, DEFAULT_LIMIT, MAX_LIMIT)? as usize;
    let after = parse_time_cursor(params.after.as_deref())?;
    let (from, to) = period_of(&state, params.from, params.to)?;
    let is_reason = |text: &str| Reason::ALL.iter().any(|reason| reason.as_str() == text);
    if let Some(other) = params.reason.as_deref()
        && !other.is_empty()
        && !is_reason(other)
    {
        let names: Vec<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        let detail = format!("expected {} or none, found {other:?}", names.join(", "));
        return Err(Problem::invalid(vec![Fault::new("?reason", detail)]));
    }
    let filter = LogFilter {
        stored: QuestionFilter {
            outcome: params.outcome,
            reason: params.reason,
            channel: params.channel,
            tag: params.tag,
            document_id: params.document_id,
            only: None,
        },
        intent: params.intent,
        liked: params.rating.map(|rating| rating == Rating::Liked),
    };
    let (questions, next) = state
        .app
        .learning
        .questions(&workspace, (from, to), filter, after.as_ref(), limit)
        .await?;
    let next = next.as_ref().map(cursor_of);
    Ok(axum::Json(QuestionListResponse {
        questions: questions.into_iter().map(QuestionBody::from).collect(),
        next,
        from,
        to,
    }))
}
