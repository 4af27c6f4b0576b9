//! A client for OpenAI-compatible chat servers. It is independent of the content of the prompts.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use eventsource_stream::Eventsource;
use futures_util::StreamExt;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use ken_base::config::{LlmConfig, Secret};
use ken_base::domain::Note;
use ken_base::outbound;

/// Why a chat server returned no usable text.
#[derive(Debug, thiserror::Error)]
pub enum LlmError {
    /// The key file cannot be read.
    #[error("llm.key_file: {0}")]
    KeyFile(std::io::Error),
    /// The HTTP client cannot be created.
    #[error("cannot create HTTP client: {0}")]
    Client(String),
    /// The server could not be reached.
    #[error("chat server unreachable: {0}")]
    Unavailable(String),
    // Without the body, which may repeat the key or the prompt.
    /// The server replied with an error status.
    #[error("chat server replied {status}")]
    Status {
        /// The HTTP status.
        status: StatusCode,
        /// The wait that the server requests, from its `Retry-After` header.
        retry_after: Option<Duration>,
    },
    /// The reply ended before the model was done.
    #[error("chat server reply truncated")]
    Truncated,
    /// The reply is not a chat completion.
    #[error("invalid chat server reply: {0}")]
    Garbage(String),
}

impl LlmError {
    /// Returns whether a retry may help: the server was unreachable, overloaded or failing.
    fn is_transient(&self) -> bool {
        match self {
            LlmError::Unavailable(_) => true,
            LlmError::Status {
                status,
                retry_after,
            } => {
                let is_soon = retry_after.is_none_or(|after| after <= MAX_WAIT);
                is_soon && (*status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error())
            }
            _ => false,
        }
    }

    /// Returns the error's stable name for the record.
    pub fn note(&self) -> Note {
        match self {
            LlmError::KeyFile(_) | LlmError::Client(_) | LlmError::Unavailable(_) => {
                Note::LlmUnavailable
            }
            LlmError::Status { .. } => Note::LlmRefused,
            LlmError::Truncated => Note::LlmTruncated,
            LlmError::Garbage(_) => Note::LlmGarbage,
        }
    }
}

/// The role of a chat message.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// Instructions.
    System,
    /// The user's message.
    User,
}

/// One message of a chat.
#[derive(Debug, Clone, Serialize)]
pub struct Message {
    /// The message's role.
    pub role: Speaker,
    /// The message's text.
    pub content: String,
}

/// Usage of a completion.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelUsage {
    /// The model's name.
    pub model: String,
    /// As the server counted them; null where it does not say.
    pub prompt_tokens: Option<u64>,
    /// Tokens of the completion; null where the server does not report them.
    pub completion_tokens: Option<u64>,
    /// By the configured prices; null where tokens or prices are unknown.
    pub cost: Option<f64>,
}

/// A client of a chat server. Clones share the connection pool.
#[derive(Clone)]
pub struct Llm {
    client: reqwest::Client,
    config: Arc<LlmConfig>,
    key: Option<Arc<str>>,
    /// When the server was last found unreachable; `None` after a success.
    failed_at: Arc<Mutex<Option<Instant>>>,
}

/// The longest accepted reply, in bytes.
const MAX_REPLY_BYTES: usize = 64 << 10;
/// The time limit of connecting.
const CONNECT: Duration = Duration::from_secs(2);
/// A server that asks for a longer wait than this is not retried, because the customer is waiting.
const MAX_WAIT: Duration = Duration::from_secs(2);
/// How long an unreachable server is not called again, so that not every answer waits for it.
const LEFT_ALONE: Duration = Duration::from_secs(10);

impl Llm {
    /// Returns a client, or `None` if no server is configured.
    ///
    /// # Errors
    /// [`LlmError::KeyFile`] if the key file cannot be read; [`LlmError::Client`] if the client cannot be created.
    pub fn new(config: &LlmConfig) -> Result<Option<Self>, LlmError> {
        if config.url.is_empty() {
            return Ok(None);
        }
        let key = Secret::read(config.key.as_ref(), config.key_file.as_deref())
            .map_err(LlmError::KeyFile)?;
        let connect = CONNECT;
        let idle = Duration::from_millis(config.idle_ms);
        let client = outbound::client(connect, idle).map_err(LlmError::Client)?;
        Ok(Some(Self {
            client,
            config: Arc::new(config.clone()),
            key: key.map(|key| key.expose().into()),
            failed_at: Arc::default(),
        }))
    }

    /// Returns whether the server was unreachable at the last request.
    pub fn is_unavailable(&self) -> bool {
        let failed_at = self
            .failed_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        failed_at.is_some()
    }

    /// Returns the time limit of a whole completion.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.config.timeout_ms)
    }

    /// Requests a completion and passes each piece of its text to `take` as it arrives. An unreachable, overloaded or
    /// failing server is retried before the first piece, never after it. Dropping the future cancels the request.
    ///
    /// # Errors
    /// [`LlmError`]; the pieces passed to `take` until then are not a complete text.
    pub async fn complete(
        &self,
        messages: &[Message],
        mut take: impl FnMut(&str),
    ) -> Result<ModelUsage, LlmError> {
        let failed_at = || {
            self.failed_at
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if failed_at().is_some_and(|since| since.elapsed() < LEFT_ALONE) {
            return Err(LlmError::Unavailable("unavailable a moment ago".to_owned()));
        }
        let body = json!({
            "model": self.config.model,
            "messages": messages,
            "max_tokens": self.config.max_tokens,
            "temperature": 0,
            "stream": true,
            "stream_options": { "include_usage": true },
        });
        let waits = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(200))
            .with_max_delay(Duration::from_secs(4))
            .with_max_times(self.config.retries)
            .with_jitter();
        let response = (|| self.send(&body))
            .retry(waits)
            .when(LlmError::is_transient)
            .adjust(|error, wait| match error {
                // The server knows best how long to wait.
                LlmError::Status {
                    retry_after: Some(after),
                    ..
                } => wait.map(|wait| wait.max(*after)),
                _ => wait,
            })
            .await;
        *failed_at() = match &response {
            Err(LlmError::Unavailable(_)) => Some(Instant::now()),
            _ => None,
        };
        let response = response?;
        let is_json = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| kind.starts_with("application/json"));
        let (prompt_tokens, completion_tokens) = match is_json {
            true => whole(response, &mut take).await?,
            false => streamed(response, &mut take).await?,
        };
        let price = |tokens: Option<u64>, per_million: Option<f64>| {
            Some(tokens? as f64 * per_million? / 1e6)
        };
        let config = &self.config;
        let cost = price(prompt_tokens, config.prompt_price)
            .zip(price(completion_tokens, config.completion_price))
            .map(|(prompt, completion)| prompt + completion);
        Ok(ModelUsage {
            model: config.model.clone(),
            prompt_tokens,
            completion_tokens,
            cost,
        })
    }

    async fn send(&self, body: &serde_json::Value) -> Result<reqwest::Response, LlmError> {
        let url = format!("{}/chat/completions", self.config.url.trim_end_matches('/'));
        let mut request = self.client.post(url).json(body);
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|seconds| seconds.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        Err(LlmError::Status {
            status,
            retry_after,
        })
    }
}

/// Converts an error without its URL, which may contain a secret.
fn unreachable(error: reqwest::Error) -> LlmError {
    LlmError::Unavailable(error.without_url().to_string())
}

type Tokens = (Option<u64>, Option<u64>);

/// The fields used from OpenAI's chat completions, of a whole reply or of one event of a stream.
#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<TokenCounts>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(alias = "message")]
    delta: Option<Content>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    content: Option<String>,
}

#[derive(Deserialize)]
struct TokenCounts {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
}

/// Returns whether the model ended the text. `length` marks a text that was cut off, which is an error.
fn is_end(reason: &str) -> Result<bool, LlmError> {
    match reason {
        "stop" => Ok(true),
        "length" => Err(LlmError::Truncated),
        other => Err(LlmError::Garbage(format!("finish_reason {other:?}"))),
    }
}

async fn streamed(
    response: reqwest::Response,
    take: &mut impl FnMut(&str),
) -> Result<Tokens, LlmError> {
    let mut events = response.bytes_stream().eventsource();
    let (mut is_whole, mut tokens, mut n_bytes) = (false, (None, None), 0);
    while let Some(event) = events.next().await {
        let data = event
            .map_err(|error| match error {
                eventsource_stream::EventStreamError::Transport(error) => unreachable(error),
                other => LlmError::Garbage(other.to_string()),
            })?
            .data;
        if data.trim() == "[DONE]" {
            break;
        }
        let piece: Completion =
            serde_json::from_str(&data).map_err(|error| LlmError::Garbage(error.to_string()))?;
        if let Some(counts) = piece.usage {
            tokens = (counts.prompt_tokens, counts.completion_tokens);
        }
        for choice in piece.choices.into_iter().take(1) {
            if let Some(text) = choice.delta.and_then(|delta| delta.content) {
                n_bytes += text.len();
                if n_bytes > MAX_REPLY_BYTES {
                    return Err(LlmError::Garbage(format!(
                        "more than {MAX_REPLY_BYTES} bytes"
                    )));
                }
                take(&text);
            }
            if let Some(reason) = choice.finish_reason {
                is_whole = is_end(&reason)?;
            }
        }
    }
    match is_whole {
        true => Ok(tokens),
        false => Err(LlmError::Truncated),
    }
}

async fn whole(
    response: reqwest::Response,
    take: &mut impl FnMut(&str),
) -> Result<Tokens, LlmError> {
    let mut bytes = Vec::new();
    let mut stream = response.bytes_stream();
    while let Some(piece) = stream.next().await {
        bytes.extend_from_slice(&piece.map_err(unreachable)?);
        if bytes.len() > 2 * MAX_REPLY_BYTES {
            return Err(LlmError::Garbage("reply too long".to_owned()));
        }
    }
    let reply: Completion =
        serde_json::from_slice(&bytes).map_err(|error| LlmError::Garbage(error.to_string()))?;
    let choice = reply.choices.into_iter().next();
    let choice = choice.ok_or_else(|| LlmError::Garbage("no choices".to_owned()))?;
    if !is_end(choice.finish_reason.as_deref().unwrap_or("stop"))? {
        return Err(LlmError::Truncated);
    }
    match choice.delta.and_then(|message| message.content) {
        Some(text) => take(&text),
        None => return Err(LlmError::Garbage("no content".to_owned())),
    }
    let counts = reply.usage;
    Ok(counts.map_or((None, None), |c| (c.prompt_tokens, c.completion_tokens)))
}
