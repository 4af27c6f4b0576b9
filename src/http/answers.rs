use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::extract::{Json, Workspace, one_or_many};
use super::metrics;
use super::problem::{Fault, Problem};
use crate::answer::Question;
use crate::domain::{self, Filter, MAX_LIMIT, Query};

/// A question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerRequest {
    /// 1 to 2,000 characters.
    pub question: String,
    /// Turns of one conversation carry the same id: up to 128 characters, made by the caller.
    pub conversation_id: Option<String>,
    pub channel: Option<String>,
    /// The reply's language (BCP 47); the question's where absent. Quotations stay in their own.
    pub language: Option<String>,
    /// All that the asker is: one name or a list, as `agent` or `["tier:gold", "region:tw"]`.
    #[serde(default, deserialize_with = "one_or_many")]
    #[schema(value_type = Vec<String>)]
    pub audience: Vec<String>,
    /// Only documents with all of these tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The time asked about; now where absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub as_of: Option<Timestamp>,
    /// Kept with the turn; it does not change the answer.
    pub customer_id: Option<String>,
    /// The highest rung allowed: `standard` (an FAQ's own answer or none), `extractive`, or `generated`, which
    /// falls back to `extractive` where no language model is configured.
    pub strategy: Option<StrategyName>,
    /// After this many milliseconds the question is refused with the reason `deadline`: 1 to 60,000.
    pub deadline_ms: Option<u64>,
    /// How many passages may serve as evidence: 1 to 100.
    #[serde(default = "default_limit")]
    pub limit: usize,
    /// Server-sent events: `evidence`, then `delta`s, then `done` with the whole answer.
    #[serde(default)]
    pub stream: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StrategyName {
    Standard,
    Extractive,
    Generated,
}

pub fn default_limit() -> usize {
    10
}

/// The reply.
#[derive(Debug, Serialize, ToSchema)]
pub struct AnswerResponse {
    pub id: String,
    /// `answered`, `clarify`, `refused` or `handoff`.
    #[schema(value_type = String)]
    pub outcome: domain::Outcome,
    pub text: String,
    /// BCP 47.
    pub language: String,
    /// `standard`, `extractive`, `generated` or `none`.
    #[schema(value_type = String)]
    pub strategy: domain::Strategy,
    /// The estimated probability that the evidence answers the question.
    pub confidence: f32,
    pub sentences: Vec<SentenceBody>,
    pub citations: Vec<CitationBody>,
    pub suggestions: Vec<String>,
    /// Why it was not answered: `no_evidence`, `weak_evidence`, `no_supported_sentence`, `deadline`.
    pub reason: Option<String>,
    pub conversation_id: Option<String>,
    /// What was read, as the number of the last change that it held.
    pub revision: i64,
    pub timings_ms: TimingsBody,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SentenceBody {
    pub text: String,
    /// Numbers of citations.
    pub citations: Vec<usize>,
}

/// The document's text from byte `start` to byte `end` is exactly `quote`.
#[derive(Debug, Serialize, ToSchema)]
pub struct CitationBody {
    pub number: usize,
    pub document_id: String,
    pub document_version: i64,
    pub title: String,
    pub uri: Option<String>,
    pub chunk_id: String,
    pub heading_path: Vec<String>,
    /// The page or slide on which the quote begins, from 1, where the source has pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    pub quote: String,
    pub start: usize,
    pub end: usize,
}

/// Milliseconds by stage; `keyword` runs while `embed` does.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimingsBody {
    pub embed: f64,
    pub keyword: f64,
    pub vector: f64,
    pub fuse: f64,
    pub rerank: f64,
    pub load: f64,
    pub admit: f64,
    pub compose: f64,
    pub total: f64,
}

impl From<domain::Timings> for TimingsBody {
    fn from(t: domain::Timings) -> Self {
        let round = |ms: f64| (ms * 1_000.0).round() / 1_000.0;
        Self {
            embed: round(t.embed),
            keyword: round(t.keyword),
            vector: round(t.vector),
            fuse: round(t.fuse),
            rerank: round(t.rerank),
            load: round(t.load),
            admit: round(t.admit),
            compose: round(t.compose),
            total: round(t.total),
        }
    }
}

impl From<domain::Answer> for AnswerResponse {
    fn from(answer: domain::Answer) -> Self {
        let sentence = |s: domain::Sentence| SentenceBody {
            text: s.text,
            citations: s.citations,
        };
        let citation = |c: domain::Citation| CitationBody {
            number: c.number,
            document_id: c.document_id.into(),
            document_version: c.document_version,
            title: c.title,
            uri: c.uri,
            chunk_id: c.chunk_id,
            heading_path: c.heading_path,
            page: c.page,
            quote: c.quote,
            start: c.start,
            end: c.end,
        };
        Self {
            id: answer.id,
            outcome: answer.outcome,
            text: answer.text,
            language: answer.language,
            strategy: answer.strategy,
            confidence: answer.confidence,
            sentences: answer.sentences.into_iter().map(sentence).collect(),
            citations: answer.citations.into_iter().map(citation).collect(),
            suggestions: answer.suggestions,
            reason: answer.reason,
            conversation_id: answer.conversation_id,
            revision: answer.revision,
            timings_ms: answer.timings_ms.into(),
        }
    }
}

impl AnswerRequest {
    /// Every fault together.
    fn parse(self, headers: &HeaderMap) -> Result<Question, Problem> {
        let mut faults = Vec::new();
        if let Err(error) = Query::parse(&self.question, 1) {
            faults.push(Fault::new("/question", error.to_string()));
        }
        if !(1..=MAX_LIMIT).contains(&self.limit) {
            faults.push(Fault::new(
                "/limit",
                format!("expected 1 to {MAX_LIMIT}, found {}", self.limit),
            ));
        }
        if let Some(ms) = self.deadline_ms.filter(|ms| !(1..=60_000).contains(ms)) {
            faults.push(Fault::new(
                "/deadline_ms",
                format!("expected 1 to 60000, found {ms}"),
            ));
        }
        for (pointer, text) in [
            ("/conversation_id", &self.conversation_id),
            ("/customer_id", &self.customer_id),
            ("/channel", &self.channel),
            ("/language", &self.language),
        ] {
            let n = text.as_ref().map_or(1, |text| text.chars().count());
            if !(1..=128).contains(&n) {
                faults.push(Fault::new(
                    pointer,
                    format!("expected 1 to 128 characters, found {n}"),
                ));
            }
        }
        let key = match headers.get("idempotency-key").map(|key| key.to_str()) {
            None => None,
            Some(Ok(key)) if (1..=128).contains(&key.len()) => Some(key.to_owned()),
            Some(_) => {
                faults.push(Fault::new(
                    "Idempotency-Key",
                    "expected 1 to 128 ASCII characters",
                ));
                None
            }
        };
        if !faults.is_empty() {
            return Err(Problem::invalid(faults));
        }
        Ok(Question {
            text: self.question,
            filter: Filter {
                audience: self.audience,
                channel: self.channel,
                at: self.as_of,
                tags: self.tags,
                ..Filter::default()
            },
            limit: self.limit,
            conversation_id: self.conversation_id,
            customer_id: self.customer_id,
            history: Vec::new(),
            language: self.language,
            standard_only: self.strategy == Some(StrategyName::Standard),
            deadline: self.deadline_ms.map(Duration::from_millis),
            idempotency_key: key,
        })
    }
}

/// Answer a question from the knowledge, or refuse.
#[utoipa::path(
    post, path = "/v1/answers", tag = "answers", request_body = AnswerRequest,
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "A repeated request gets the first one's answer"),
        ("X-Ken-Workspace" = Option<String>, Header, description = "`default` where absent"),
    ),
    responses(
        (status = 200, body = AnswerResponse),
        (status = 400, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem), (status = 503, body = Problem),
    )
)]
pub async fn post_answer(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    headers: HeaderMap,
    Json(request): Json<AnswerRequest>,
) -> Result<Response, Problem> {
    let stream = request.stream;
    let question = request.parse(&headers)?;
    let answer = state
        .app
        .answerer
        .answer(&workspace, question)
        .await?
        .answer;
    metrics::answered(&answer);
    let body = AnswerResponse::from(answer);
    match stream {
        true => Ok(events(body).into_response()),
        false => Ok(axum::Json(body).into_response()),
    }
}

/// The answer as events. Without a language model it is known whole, so the sentences are the deltas.
fn events(body: AnswerResponse) -> impl IntoResponse {
    let event =
        |name: &str, data: serde_json::Value| Event::default().event(name).data(data.to_string());
    let mut events = vec![event(
        "evidence",
        serde_json::json!({ "citations": body.citations }),
    )];
    if body.sentences.is_empty() {
        events.push(event("delta", serde_json::json!({ "text": body.text })));
    }
    events.extend(body.sentences.iter().map(|s| {
        event(
            "delta",
            serde_json::json!({ "text": s.text, "citations": s.citations }),
        )
    }));
    events.push(event("done", serde_json::json!(body)));
    Sse::new(tokio_stream::iter(
        events.into_iter().map(Ok::<_, Infallible>),
    ))
}
