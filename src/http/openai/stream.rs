//! A chat completion as server-sent events.
//!
//! The protocol has no event that withdraws text, and a language model's draft may be withdrawn until it is complete.
//! So the text is sent when the whole answer is verified. Until then, comments keep the connection open.

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use super::completion::{CompletedAnswer, Completion};
use crate::http::admission_control::InFlight;
use crate::http::error_shapes::OpenAiErrorResponse;
use crate::http::problem::Problem;
use crate::http::{AppState, Permit};
use ken_answer::answer::Question;
use ken_base::domain::WorkspaceId;

/// How many events wait for a slow reader.
const WAITING: usize = 64;

/// Streams the answer to a question as chunks. The stream holds the permits and ends with the request's time limit. If
/// the client disconnects, the answer is cancelled.
pub fn events(
    state: AppState,
    (workspace, question): (WorkspaceId, Question),
    completion: Completion,
    includes_usage: bool,
    held: (Option<Extension<Permit>>, Option<InFlight>),
) -> Response {
    let (send, sent) = mpsc::channel::<Event>(WAITING);
    let timeout = Duration::from_millis(state.app.config.http.timeout_ms);
    let sending = async move {
        let _held = held;
        let chunks = Chunks {
            completion,
            includes_usage,
        };
        let first = chunks.chunk(json!({ "role": "assistant", "content": "" }), None);
        if send.send(event(&first)).await.is_err() {
            return;
        }
        let answering = state.app.answerer.answer(&workspace, question, None);
        let outcome = tokio::select! {
            biased;
            () = send.closed() => return,
            outcome = tokio::time::timeout(timeout, answering) => outcome,
        };
        let last = match outcome {
            Ok(Ok(explained)) => chunks.rest(chunks.completion.complete(explained.answer)),
            Ok(Err(error)) => vec![failed(Problem::from(error))],
            Err(_) => vec![failed(Problem::timed_out(timeout))],
        };
        for value in &last {
            if send.send(event(value)).await.is_err() {
                return;
            }
        }
        let _ = send.send(Event::default().data("[DONE]")).await;
    };
    // A client that reads nothing holds the permits for at most twice the time limit.
    tokio::spawn(tokio::time::timeout(timeout * 2, sending));
    let stream = Sse::new(ReceiverStream::new(sent).map(Ok::<_, Infallible>));
    stream.keep_alive(KeepAlive::default()).into_response()
}

fn event(value: &Value) -> Event {
    Event::default().data(value.to_string())
}

/// The event of a failure. Clients raise it as an exception.
fn failed(problem: Problem) -> Value {
    json!(OpenAiErrorResponse::of(&problem))
}

/// Makes the chunks of one completion.
struct Chunks {
    completion: Completion,
    includes_usage: bool,
}

impl Chunks {
    fn with_choices(&self, choices: Value) -> Value {
        let mut chunk = json!({
            "id": self.completion.id,
            "object": "chat.completion.chunk",
            "created": self.completion.created,
            "model": self.completion.model,
            "choices": choices,
        });
        if self.includes_usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    }

    /// A chunk with a delta. `finish_reason` is in every chunk, null before the end.
    fn chunk(&self, delta: Value, finish_reason: Option<&str>) -> Value {
        self.with_choices(json!([{ "index": 0, "delta": delta, "finish_reason": finish_reason }]))
    }

    /// The chunks after the first: the text by sentences, the citations, the end and the usage.
    fn rest(&self, whole: CompletedAnswer) -> Vec<Value> {
        let mut chunks = Vec::new();
        let (mut from, text) = (0, whole.content.as_str());
        let ends = whole.ends.iter().copied().chain([text.len()]);
        for end in ends.filter(|end| *end > 0) {
            if end > from {
                chunks.push(self.chunk(json!({ "content": text[from..end] }), None));
                from = end;
            }
        }
        let mut cited = self.chunk(json!({ "annotations": whole.annotations }), None);
        cited["citations"] = json!(whole.citations);
        cited["ken"] = json!(whole.ken);
        chunks.push(cited);
        chunks.push(self.chunk(json!({}), Some("stop")));
        if self.includes_usage {
            let mut usage = self.with_choices(json!([]));
            usage["usage"] = json!(whole.usage);
            chunks.push(usage);
        }
        chunks
    }
}
