//! Answers: `POST /v1/answers`, as one reply or as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;

use super::admission_control::InFlight;
use super::conversations::ExplanationResponse;
use super::extract::{Json, OneOrMany, Workspace, one_or_many};
use super::metrics;
use super::problem::{Fault, Problem};
use super::{AppState, Permit};
use ken_answer::answer::render::{AnswerFormat, render};
use ken_answer::answer::{self, AnswerError, Question};
use ken_base::domain::{
    self, Filter, KeyRole, Level, MAX_LIMIT, MAX_QUESTION_CHARS, Principal, QuestionText, Right,
    Strategy, Utterance, WorkspaceId,
};

/// A question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerRequest {
    /// 1 to 2,000 characters. A list of messages sent in a burst is joined into one question.
    pub question: Messages,
    /// Chosen by the caller, 1 to 128 characters; the same for all turns of a conversation.
    pub conversation_id: Option<String>,
    /// Previous utterances, oldest first, if the caller stores the conversation: at most 50, each at most 2,000
    /// characters. Default: the recorded turns of `conversation_id`.
    #[serde(default)]
    pub history: Vec<Utterance>,
    /// The channel that the question comes from, as `web` or `sms`: 1 to 128 characters.
    pub channel: Option<String>,
    /// Language of the reply (BCP 47). Default: that of the question. Quotations are not translated.
    pub language: Option<String>,
    /// Audiences the asker belongs to: one name or a list, for example `agent` or `["tier:gold", "region:tw"]`.
    #[serde(default, deserialize_with = "one_or_many")]
    #[schema(value_type = Option<OneOrMany>)]
    pub audience: Vec<String>,
    /// Only documents with all of these tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Answer as of this time. Default: now.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub as_of: Option<Timestamp>,
    /// Stored with the turn and used to assign experiment arms.
    pub customer_id: Option<String>,
    /// The highest strategy allowed: `standard` (an FAQ's own answer or none), `extractive`, or `generated`
    /// (default), which falls back to `extractive` if no language model is configured.
    pub strategy: Option<StrategyName>,
    /// Time budget in milliseconds, 1 to 60,000. When it runs short, the reply degrades from generated text to quoted
    /// sentences, then to an FAQ with exactly this question, then to a refusal with the reason `deadline`.
    pub deadline_ms: Option<u64>,
    /// Confidence that this answer needs, instead of the workspace's level. Requires a role that may read the knowledge
    /// base (`editor` and above). The question takes no part in experiments.
    pub level: Option<Level>,
    /// Answer without recording: no insight, gap, conversation or experiment contains the question, and the reply has an
    /// `explanation`. For editors who try questions; requires the same role as `level`. Not allowed with an
    /// `Idempotency-Key`.
    #[serde(default)]
    pub dry_run: bool,
    /// Maximum number of evidence passages, 1 to 100.
    #[serde(default = "default_limit")]
    pub limit: usize,
    /// `plain`, `markdown` or `speech`. Default: the format of the channel.
    pub format: Option<AnswerFormat>,
    /// Reply with server-sent events: `evidence` (`citations`, or the `passages` given to the language model), then
    /// `delta`s, then `done` with the whole answer, or `error` with a problem. Discard all previous deltas on
    /// `restart`: the generated text was incomplete.
    #[serde(default)]
    pub stream: bool,
}

/// One message, or several sent in a burst.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
pub enum Messages {
    One(String),
    Burst(Vec<String>),
}

/// The highest strategy that a request allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StrategyName {
    Standard,
    Extractive,
    Generated,
}

/// The most utterances in a request's `history`.
const MAX_HISTORY: usize = 50;

/// The default number of passages.
pub fn default_limit() -> usize {
    10
}

/// An answer with its citations.
#[derive(Debug, Serialize, ToSchema)]
pub struct AnswerResponse {
    /// The answer's id; feedback names it. That of a dry run begins with `dry_` and is not stored.
    pub id: String,
    /// The decision.
    pub outcome: domain::Outcome,
    /// The whole reply, without markup of a channel.
    pub text: String,
    /// BCP 47.
    pub language: String,
    /// How the term matched.
    pub strategy: domain::Strategy,
    /// Estimated probability that the evidence answers the question, 0 to 1.
    pub confidence: f32,
    /// The sentences that cite the knowledge base, in order.
    pub sentences: Vec<SentenceBody>,
    /// Citations of the sentences, in order of use.
    pub citations: Vec<CitationBody>,
    /// Questions that the asker can choose from.
    pub suggestions: Vec<String>,
    /// Why the answer contains nothing from the knowledge base.
    pub reason: Option<domain::Reason>,
    /// Limitations of the answer, and components that were unavailable.
    pub notes: Vec<domain::Note>,
    /// The text formatted for the channel.
    pub rendered: RenderedBody,
    /// The conversation's id, as the request gave it.
    pub conversation_id: Option<String>,
    /// Revision of the knowledge that was searched.
    pub revision: i64,
    /// How long each stage took.
    pub timings_ms: TimingsBody,
    /// How a dry run's answer was produced: what `GET /v1/answers/{id}` returns for a recorded answer. Omitted otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Box<ExplanationResponse>>,
}

/// A sentence of an answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentenceBody {
    /// The sentence.
    pub text: String,
    /// Citation numbers.
    pub citations: Vec<usize>,
}

/// The text for the channel: Markdown for `web` and `app`, speech for `phone` and `voice`, plain text for others. Split
/// into messages of at most 70 UTF-16 units for `sms` (numbered), 5,000 for `line`, 4,096 for `whatsapp` and `telegram`,
/// 2,000 for `messenger`.
#[derive(Debug, Serialize, ToSchema)]
pub struct RenderedBody {
    /// `plain`, `markdown` or `speech`.
    pub format: AnswerFormat,
    /// In sending order.
    pub messages: Vec<String>,
}

/// A quotation: the document's text from byte `start` to byte `end` equals `quote`.
#[derive(Debug, Serialize, ToSchema)]
pub struct CitationBody {
    /// The citation's number, from 1, in order of use.
    pub number: usize,
    /// The document that is quoted.
    pub document_id: String,
    /// The version of it that is quoted, from 1.
    pub document_version: i64,
    /// The document's title.
    pub title: String,
    /// The document's own address, if it has one.
    pub uri: Option<String>,
    /// The passage that is quoted.
    pub chunk_id: String,
    /// The headings above the passage, outermost first.
    pub heading_path: Vec<String>,
    /// Page or slide where the quote begins, from 1, if the source has pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// The quoted text.
    pub quote: String,
    /// Where the quote begins in the document's text, in bytes.
    pub start: usize,
    /// Where the quote ends in the document's text, in bytes, exclusive.
    pub end: usize,
    /// Links within the quote; omitted if empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<LinkBody>,
}

/// A link: its text and an `http`, `https`, `mailto` or `tel` URI.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkBody {
    /// The words of the link.
    pub text: String,
    /// The address that the link leads to.
    pub uri: String,
    /// Byte offset of the link text in the document.
    pub start: usize,
    /// Where the words end in the document, in bytes, exclusive.
    pub end: usize,
}

/// Milliseconds per stage; `keyword` and `embed` run in parallel.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimingsBody {
    /// Encoding the question.
    pub embed: f64,
    /// Keyword search.
    pub keyword: f64,
    /// Vector search.
    pub vector: f64,
    /// Merging both result lists.
    pub fuse: f64,
    /// Scoring the best passages with the reader model.
    pub read: f64,
    /// Loading the evidence from the store.
    pub load: f64,
    /// Deciding whether to answer.
    pub admit: f64,
    /// Choosing and verifying the sentences.
    pub compose: f64,
    /// A language model's wording.
    pub generate: f64,
    /// From the request to the reply.
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
            read: round(t.read),
            load: round(t.load),
            admit: round(t.admit),
            compose: round(t.compose),
            generate: round(t.generate),
            total: round(t.total),
        }
    }
}

impl From<domain::Citation> for CitationBody {
    fn from(c: domain::Citation) -> Self {
        Self {
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
            links: c
                .links
                .into_iter()
                .map(|link| LinkBody {
                    text: link.text,
                    uri: link.uri,
                    start: link.start,
                    end: link.end,
                })
                .collect(),
        }
    }
}

impl AnswerResponse {
    /// An answer as its channel shows it: the one public shape of an answer, over HTTP and on the command line. `format`
    /// defaults to that of the channel.
    pub fn new(
        answer: domain::Answer,
        channel: Option<&str>,
        format: Option<AnswerFormat>,
    ) -> Self {
        let rendered = render(&answer, channel, format);
        let sentence = |s: domain::Sentence| SentenceBody {
            text: s.text,
            citations: s.citations,
        };
        Self {
            rendered: RenderedBody {
                format: rendered.format,
                messages: rendered.messages,
            },
            id: answer.id,
            outcome: answer.outcome,
            text: answer.text,
            language: answer.language,
            strategy: answer.strategy,
            confidence: answer.confidence,
            sentences: answer.sentences.into_iter().map(sentence).collect(),
            citations: answer
                .citations
                .into_iter()
                .map(CitationBody::from)
                .collect(),
            suggestions: answer.suggestions,
            reason: answer.reason,
            notes: answer.notes,
            conversation_id: answer.conversation_id,
            revision: answer.revision,
            timings_ms: answer.timings_ms.into(),
            explanation: None,
        }
    }
}

impl AnswerRequest {
    /// Checks that the role may send the values that bypass the workspace's settings or its records.
    fn authorize(&self, role: KeyRole) -> Result<(), Problem> {
        let restricted = [("/level", self.level.is_some()), ("/dry_run", self.dry_run)];
        let detail = format!("role {} may not send this value", role.as_str());
        let faults: Vec<Fault> = restricted
            .into_iter()
            .filter(|(_, is_sent)| *is_sent && !role.may(Right::Read))
            .map(|(pointer, _)| Fault::new(pointer, detail.clone()))
            .collect();
        match faults.is_empty() {
            true => Ok(()),
            false => Err(Problem::forbidden_values(
                "level and dry_run require a role that may read the knowledge base",
                faults,
            )),
        }
    }

    /// Validates the request. The problem lists every fault.
    fn parse(self, headers: &HeaderMap) -> Result<Question, Problem> {
        let mut faults = Vec::new();
        let text = match self.question {
            Messages::One(text) => text,
            Messages::Burst(texts) => texts.join("\n"),
        };
        let text = QuestionText::parse(&text)
            .inspect_err(|error| faults.push(Fault::new("/question", error.to_string())))
            .ok();
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
        if self.history.len() > MAX_HISTORY {
            let found = self.history.len();
            faults.push(Fault::new(
                "/history",
                format!("expected at most {MAX_HISTORY}, found {found}"),
            ));
        }
        for (i, utterance) in self.history.iter().enumerate() {
            let n = utterance.text.chars().count();
            if n > MAX_QUESTION_CHARS {
                let detail = format!("expected at most {MAX_QUESTION_CHARS} characters, found {n}");
                faults.push(Fault::new(format!("/history/{i}/text"), detail));
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
        if self.dry_run && key.is_some() {
            faults.push(Fault::new(
                "Idempotency-Key",
                "not allowed with dry_run, which stores no answer to repeat",
            ));
        }
        let Some(text) = text.filter(|_| faults.is_empty()) else {
            return Err(Problem::invalid(faults));
        };
        Ok(Question {
            tuning: Default::default(),
            level: self.level,
            text,
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
            history: self.history,
            n_unrecorded: 0,
            language: self.language,
            ceiling: match self.strategy {
                Some(StrategyName::Standard) => Strategy::Standard,
                Some(StrategyName::Extractive) => Strategy::Extractive,
                Some(StrategyName::Generated) | None => Strategy::Generated,
            },
            deadline: self.deadline_ms.map(Duration::from_millis),
            idempotency_key: key,
        })
    }
}

/// Answer a question from the knowledge base, or refuse.
#[utoipa::path(
    post, path = "/v1/answers", tag = "answers", request_body = AnswerRequest,
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "A repeated request with the same key returns the first answer"),
        ("X-Ken-Workspace" = Option<String>, Header, description = "Default: the key's workspace, or `default`"),
    ),
    responses(
        (status = 200, content((AnswerResponse = "application/json"), (String = "text/event-stream"))),
        (status = 400, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
    )
)]
pub async fn post_answer(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Extension(principal): Extension<Principal>,
    permit: Option<Extension<Permit>>,
    headers: HeaderMap,
    Json(request): Json<AnswerRequest>,
) -> Result<Response, Problem> {
    request.authorize(principal.role)?;
    let in_flight = state.admit()?;
    let (stream, format, dry_run) = (request.stream, request.format, request.dry_run);
    let question = request.parse(&headers)?;
    let channel = question.filter.channel.clone();
    let asked = Asked {
        workspace,
        question,
        dry_run,
    };
    let body = move |replied: Replied| {
        let (answer, explanation) = replied;
        if !dry_run {
            metrics::answered(&answer);
        }
        AnswerResponse {
            explanation: explanation.map(Box::new),
            ..AnswerResponse::new(answer, channel.as_deref(), format)
        }
    };
    if stream {
        return Ok(events(state, asked, body, (permit, in_flight)).into_response());
    }
    let replied = asked.reply(&state, None).await?;
    Ok(axum::Json(body(replied)).into_response())
}

/// A question to a workspace. A dry run is not recorded.
struct Asked {
    workspace: WorkspaceId,
    question: Question,
    dry_run: bool,
}

/// An answer; that of a dry run with its explanation.
type Replied = (domain::Answer, Option<ExplanationResponse>);

impl Asked {
    async fn reply(
        self,
        state: &AppState,
        events: Option<&mpsc::UnboundedSender<answer::Event>>,
    ) -> Result<Replied, AnswerError> {
        let answerer = &state.app.answerer;
        if self.dry_run {
            let dry_run = answerer.dry_run(&self.workspace, self.question, events);
            let (turn, trace) = dry_run.await?;
            let answer = turn.answer.clone();
            return Ok((answer, Some(ExplanationResponse::new(turn, trace))));
        }
        let answered = answerer.answer(&self.workspace, self.question, events);
        Ok((answered.await?.answer, None))
    }
}

/// Streams the answer as events: generated text sentence by sentence, everything else at once. The stream holds the
/// permit and ends with the request's time limit, even if the client reads nothing. If the client disconnects, the
/// stream is dropped and the answer is cancelled.
fn events(
    state: AppState,
    asked: Asked,
    body: impl FnOnce(Replied) -> AnswerResponse + Send + 'static,
    held: (Option<Extension<Permit>>, Option<InFlight>),
) -> impl IntoResponse {
    let event =
        |name: &str, data: serde_json::Value| Event::default().event(name).data(data.to_string());
    let (tell, mut answer_events) = mpsc::unbounded_channel();
    let (send, sent) = mpsc::channel::<Event>(64);
    let timeout = Duration::from_millis(state.app.config.http.timeout_ms);
    // The stream holds the permits, since the request ends before its events.
    let telling = async move {
        let _held = held;
        let answering = asked.reply(&state, Some(&tell));
        tokio::pin!(answering);
        let mut n_streamed = 0;
        let outcome = loop {
            let next = tokio::select! {
                biased;
                () = send.closed() => return,
                Some(next) = answer_events.recv() => next,
                outcome = &mut answering => break outcome,
            };
            n_streamed = n_streamed_after(n_streamed, &next);
            if send.send(sse_event(next)).await.is_err() {
                return;
            }
        };
        // Events that were sent before the answer was complete.
        while let Ok(next) = answer_events.try_recv() {
            n_streamed = n_streamed_after(n_streamed, &next);
            if send.send(sse_event(next)).await.is_err() {
                return;
            }
        }
        let mut last = Vec::new();
        match outcome {
            Ok(replied) => {
                let body = body(replied);
                let is_streamed =
                    body.strategy == Strategy::Generated && n_streamed == body.sentences.len();
                if !is_streamed {
                    if n_streamed > 0 {
                        last.push(event("restart", json!({})));
                    }
                    last.push(event("evidence", json!({ "citations": body.citations })));
                    let delta = |s: &SentenceBody| {
                        event("delta", json!({ "text": s.text, "citations": s.citations }))
                    };
                    last.extend(body.sentences.iter().map(delta));
                    // Text besides the sentences: a refusal, a clarifying question, a note on an unanswered part.
                    let is_quoted = |text: &str| {
                        body.sentences
                            .iter()
                            .any(|s| text.contains(s.text.as_str()))
                    };
                    let besides = body.text.split("\n\n").filter(|text| !is_quoted(text));
                    last.extend(besides.map(|text| event("delta", json!({ "text": text }))));
                }
                last.push(event("done", json!(body)));
            }
            Err(error) => {
                let problem = Problem::from(error);
                last.push(event("error", json!(problem)));
            }
        }
        for event in last {
            if send.send(event).await.is_err() {
                return;
            }
        }
    };
    tokio::spawn(tokio::time::timeout(timeout, telling));
    Sse::new(ReceiverStream::new(sent).map(Ok::<_, Infallible>))
}

/// How many of the streamed sentences are valid after an event.
fn n_streamed_after(n_streamed: usize, event: &answer::Event) -> usize {
    match event {
        answer::Event::Evidence(_) => n_streamed,
        answer::Event::Delta(..) => n_streamed + 1,
        answer::Event::Restart => 0,
    }
}

fn sse_event(event: answer::Event) -> Event {
    let (name, data) = match event {
        // Passages, not citations: the sentences decide which of them are cited.
        answer::Event::Evidence(passages) => {
            let passages: Vec<_> = passages
                .into_iter()
                .map(|p| json!({ "document_id": p.document_id, "title": p.title, "uri": p.uri, "chunk_id": p.chunk_id}))
                .collect();
            ("evidence", json!({ "passages": passages }))
        }
        answer::Event::Delta(sentence, new) => {
            let sources: Vec<CitationBody> = new.into_iter().map(CitationBody::from).collect();
            let cites = sentence.citations;
            (
                "delta",
                json!({ "text": sentence.text, "citations": cites, "sources": sources }),
            )
        }
        answer::Event::Restart => ("restart", json!({})),
    };
    Event::default().event(name).data(data.to_string())
}
