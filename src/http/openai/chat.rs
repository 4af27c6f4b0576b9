//! `POST /v1/chat/completions`: an answer as a chat completion.

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;

use super::completion::{ChatCompletionResponse, Completion};
use super::{level_of, n_tokens, stream};
use crate::http::answers::default_limit;
use crate::http::error_shapes::OpenAiErrorResponse;
use crate::http::extract::{Json, Workspace};
use crate::http::problem::{Fault, Problem};
use crate::http::{AppState, Permit};
use ken_answer::answer::Question;
use ken_base::domain::{
    Filter, Level, MAX_QUESTION_CHARS, Principal, QuestionText, Role, Strategy, Utterance,
};

/// A conversation whose last user message is the question. Fields that are not listed, such as `temperature`,
/// `max_tokens`, `tools` and `response_format`, are accepted and ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ChatCompletionRequest {
    /// `ken`, or a model of `GET /v1/models` with a level.
    pub model: String,
    /// Oldest first. The last message of the role `user` is the question, 1 to 2,000 characters. Earlier messages of
    /// `user` and `assistant` are the history: the last 50 of them, each cut to 2,000 characters. Messages of other roles
    /// and messages after the question are ignored.
    pub messages: Vec<CompletionMessage>,
    /// Reply with server-sent events. Default false.
    pub stream: Option<bool>,
    /// Options of the stream.
    pub stream_options: Option<StreamOptions>,
    /// The number of choices: 1, the default.
    pub n: Option<i64>,
    /// The end user, 1 to 128 characters: recorded as the customer. It is also the conversation, unless
    /// `metadata.conversation_id` names one.
    pub user: Option<String>,
    /// Values that only Ken uses.
    pub metadata: Option<ChatMetadata>,
}

/// A message of a conversation.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CompletionMessage {
    /// The author.
    pub role: CompletionRole,
    /// The text. Null for an assistant's message that only calls tools.
    pub content: Option<MessageContent>,
}

/// The author of a message. Messages of `system`, `developer`, `tool` and `function` are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CompletionRole {
    System,
    Developer,
    User,
    Assistant,
    Tool,
    Function,
}

/// A text, or a list of parts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged, expecting = "expected a string or a list of content parts")]
pub enum MessageContent {
    Text(String),
    Parts(Vec<ContentPart>),
}

/// A part of a message.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ContentPart {
    /// `text`. A user's message may have no other type; other parts of an assistant's message are ignored.
    #[serde(rename = "type")]
    pub kind: String,
    /// The text of a part of the type `text`. The texts of a message are joined with line breaks.
    pub text: Option<String>,
}

/// Options of the stream.
#[derive(Debug, Deserialize, ToSchema)]
pub struct StreamOptions {
    /// Send one more chunk with `usage` and without choices before the end. Default false.
    pub include_usage: Option<bool>,
}

/// Values that only Ken uses. Other keys are accepted and ignored.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct ChatMetadata {
    /// The conversation, 1 to 128 characters, the same for all its turns. If the request has no earlier messages, its
    /// recorded turns are the history.
    pub conversation_id: Option<String>,
    /// The audiences of the end user, separated by commas, such as `agent,tier:gold`.
    pub audience: Option<String>,
    /// The channel that the question comes from, 1 to 128 characters, such as `web`.
    pub channel: Option<String>,
    /// Language of the reply (BCP 47). Default: that of the question.
    pub language: Option<String>,
}

/// A request, checked.
struct ParsedRequest {
    question: Question,
    prompt_tokens: usize,
    /// The model of the request.
    model: String,
    streams: bool,
    includes_usage: bool,
}

/// How many earlier messages are used.
const MAX_HISTORY: usize = 50;

impl CompletionMessage {
    /// The text of the message, or the index and the type of a part that is no text.
    fn text(&self) -> Result<String, (usize, &str)> {
        match &self.content {
            None => Ok(String::new()),
            Some(MessageContent::Text(text)) => Ok(text.clone()),
            Some(MessageContent::Parts(parts)) => {
                let is_strict = self.role == CompletionRole::User;
                let mut texts = Vec::new();
                for (i, part) in parts.iter().enumerate() {
                    match (part.kind.as_str(), &part.text) {
                        ("text", Some(text)) => texts.push(text.as_str()),
                        (kind, _) if is_strict => return Err((i, kind)),
                        _ => {}
                    }
                }
                Ok(texts.join("\n"))
            }
        }
    }
}

/// The utterances among messages, and the index of the last one of the user.
fn utterances(messages: &[CompletionMessage], faults: &mut Vec<Fault>) -> Vec<(usize, Utterance)> {
    let mut found = Vec::new();
    for (i, message) in messages.iter().enumerate() {
        let role = match message.role {
            CompletionRole::User => Role::User,
            CompletionRole::Assistant => Role::Agent,
            _ => continue,
        };
        match message.text() {
            Ok(text) => found.push((i, Utterance { role, text })),
            Err((at, kind)) => faults.push(Fault::new(
                format!("/messages/{i}/content/{at}"),
                format!("expected a part of the type text with a text, found the type {kind:?}; Ken reads text only"),
            )),
        }
    }
    found
}

impl ChatCompletionRequest {
    /// Validates the request. The problem lists every fault.
    fn parse(self, level: Option<Level>) -> Result<ParsedRequest, Problem> {
        let mut faults = Vec::new();
        if let Some(n) = self.n.filter(|n| *n != 1) {
            faults.push(Fault::new("/n", format!("expected 1, found {n}")));
        }
        let metadata = self.metadata.unwrap_or_default();
        for (pointer, text) in [
            ("/user", &self.user),
            ("/metadata/conversation_id", &metadata.conversation_id),
            ("/metadata/channel", &metadata.channel),
            ("/metadata/language", &metadata.language),
        ] {
            faults.extend(
                text.as_ref()
                    .and_then(|text| Fault::bounded(pointer, text, 128)),
            );
        }
        let audience = metadata.audience.unwrap_or_default();
        let audience = audience.split(',').map(|name| name.trim().to_owned());
        let audience: Vec<String> = audience.filter(|name| !name.is_empty()).collect();
        for name in &audience {
            faults.extend(Fault::bounded("/metadata/audience", name, 128));
        }
        let mut said = utterances(&self.messages, &mut faults);
        let last = said.iter().rposition(|(_, one)| one.role == Role::User);
        let text = match last.map(|at| said.drain(at..).next()) {
            Some(Some((i, last))) => QuestionText::parse(&last.text)
                .map_err(|error| Fault::new(format!("/messages/{i}/content"), error.to_string())),
            _ => Err(Fault::new(
                "/messages",
                "expected a message of the role user",
            )),
        };
        let text = text.map_err(|fault| {
            // An image is the cause, not the text that is missing without it.
            if faults.is_empty() {
                faults.push(fault);
            }
        });
        let Some(text) = text.ok().filter(|_| faults.is_empty()) else {
            return Err(Problem::invalid(faults));
        };
        said.retain(|(_, one)| !one.text.trim().is_empty());
        let n_left_out = said.len().saturating_sub(MAX_HISTORY);
        let history = said.into_iter().skip(n_left_out).map(|(_, one)| Utterance {
            text: one.text.chars().take(MAX_QUESTION_CHARS).collect(),
            ..one
        });
        let history: Vec<Utterance> = history.collect();
        let earlier: usize = history.iter().map(|one| n_tokens(&one.text)).sum();
        let options = self.stream_options;
        Ok(ParsedRequest {
            prompt_tokens: earlier + n_tokens(&text),
            model: self.model,
            streams: self.stream == Some(true),
            includes_usage: options.is_some_and(|options| options.include_usage == Some(true)),
            question: Question {
                text,
                filter: Filter {
                    audience,
                    channel: metadata.channel,
                    ..Filter::default()
                },
                limit: default_limit(),
                conversation_id: metadata.conversation_id.or_else(|| self.user.clone()),
                customer_id: self.user,
                history,
                n_unrecorded: 0,
                language: metadata.language,
                idempotency_key: None,
                tuning: Default::default(),
                level,
                ceiling: Strategy::Generated,
                deadline: None,
            },
        })
    }
}

/// Answer the last user message of a conversation, or refuse, as OpenAI's chat completions. Streams are sent when the answer
/// is verified as a whole, sentence by sentence.
#[utoipa::path(
    post, path = "/v1/chat/completions", tag = "openai", request_body = ChatCompletionRequest,
    params(("X-Ken-Workspace" = Option<String>, Header, description = "Default: the key's workspace, or `default`")),
    responses(
        (status = 200, content((ChatCompletionResponse = "application/json"), (String = "text/event-stream"))),
        (status = 400, body = OpenAiErrorResponse), (status = 401, body = OpenAiErrorResponse),
        (status = 403, body = OpenAiErrorResponse), (status = 404, body = OpenAiErrorResponse),
        (status = 429, body = OpenAiErrorResponse), (status = 503, body = OpenAiErrorResponse),
    )
)]
pub async fn post_chat_completion(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Extension(principal): Extension<Principal>,
    permit: Option<Extension<Permit>>,
    Json(request): Json<ChatCompletionRequest>,
) -> Result<Response, Problem> {
    let level = level_of(&request.model, &principal)?;
    let in_flight = state.admit()?;
    let parsed = request.parse(level)?;
    let completion = Completion::new(parsed.model, parsed.prompt_tokens, &state);
    if parsed.streams {
        let asked = (workspace, parsed.question);
        let held = (permit, in_flight);
        let includes_usage = parsed.includes_usage;
        return Ok(stream::events(
            state,
            asked,
            completion,
            includes_usage,
            held,
        ));
    }
    let answerer = &state.app.answerer;
    let answered = answerer.answer(&workspace, parsed.question, None).await?;
    Ok(axum::Json(completion.reply(answered.answer)).into_response())
}
