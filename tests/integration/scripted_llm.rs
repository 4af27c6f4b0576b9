//! A chat server that returns scripted text. It speaks the protocol of OpenAI's chat completions over loopback and contains
//! no model.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_stream::StreamExt;

/// What the server does with a request.
#[derive(Debug, Clone)]
pub enum Script {
    /// Streams this, a few characters at a time, and ends well.
    Says(String),
    /// Replies with it whole, as servers do that cannot stream.
    SaysAtOnce(String),
    /// Streams this and closes the connection without an end.
    BreaksOffAfter(String),
    /// Streams this and says that its length ran out.
    RunsOutAfter(String),
    /// Streams this and then nothing more, for as long as the client waits.
    StallsAfter(String),
    /// Replies with this status.
    Fails(u16),
    /// Replies with what is no JSON.
    Garbage,
}

/// The server; it goes on until the test ends.
pub struct ScriptedLlm {
    pub url: String,
    state: Arc<Shared>,
}

struct Shared {
    /// In order; the last one is kept.
    scripts: Mutex<Vec<Script>>,
    requests: Mutex<Vec<Value>>,
    /// How many streams the client has left.
    left: watch::Sender<usize>,
}

impl ScriptedLlm {
    pub async fn start(scripts: Vec<Script>) -> Self {
        let state = Arc::new(Shared {
            scripts: Mutex::new(scripts),
            requests: Mutex::default(),
            left: watch::Sender::new(0),
        });
        let router = Router::new()
            .route("/v1/chat/completions", post(complete))
            .with_state(state.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, state }
    }

    pub fn now(&self, script: Script) {
        *self.state.scripts.lock().unwrap() = vec![script];
    }

    /// What it was asked, in order.
    pub fn requests(&self) -> Vec<Value> {
        self.state.requests.lock().unwrap().clone()
    }

    /// Waits until a client has left a stream that was not at its end.
    pub async fn is_left(&self) -> bool {
        let mut left = self.state.left.subscribe();
        let waiting = left.wait_for(|n| *n > 0);
        tokio::time::timeout(Duration::from_secs(10), waiting)
            .await
            .is_ok()
    }
}

/// Counts a stream that is dropped.
struct Leaving(Arc<Shared>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.left.send_modify(|n| *n += 1);
    }
}

async fn complete(State(state): State<Arc<Shared>>, Json(request): Json<Value>) -> Response {
    state.requests.lock().unwrap().push(request);
    let script = {
        let mut scripts = state.scripts.lock().unwrap();
        match scripts.len() {
            1 => scripts[0].clone(),
            _ => scripts.remove(0),
        }
    };
    match script {
        Script::Says(text) => stream(pieces(&text).into_iter().chain(end("stop")).map(Some).collect(), None),
        Script::RunsOutAfter(text) => {
            stream(pieces(&text).into_iter().chain(end("length")).map(Some).collect(), None)
        }
        Script::BreaksOffAfter(text) => stream(pieces(&text).into_iter().map(Some).collect(), None),
        Script::StallsAfter(text) => {
            let all = pieces(&text).into_iter().map(Some).chain([None]).collect();
            stream(all, Some(Leaving(state)))
        }
        Script::SaysAtOnce(text) => Json(json!({
            "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": text } }],
            "usage": { "prompt_tokens": 100, "completion_tokens": 20 },
        }))
        .into_response(),
        Script::Fails(status) => (StatusCode::from_u16(status).unwrap(), "the server is not well").into_response(),
        Script::Garbage => ([("content-type", "application/json")], "<html>").into_response(),
    }
}

fn pieces(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let piece = |piece: &[char]| {
        let text: String = piece.iter().collect();
        json!({ "choices": [{ "index": 0, "delta": { "content": text } }] }).to_string()
    };
    characters.chunks(3).map(piece).collect()
}

fn end(reason: &str) -> Vec<String> {
    vec![
        json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": reason }] }).to_string(),
        json!({ "choices": [], "usage": { "prompt_tokens": 100, "completion_tokens": 20 } })
            .to_string(),
        "[DONE]".to_owned(),
    ]
}

/// `None` waits for ever.
fn stream(events: Vec<Option<String>>, leaving: Option<Leaving>) -> Response {
    let stream = tokio_stream::iter(events).then(move |event| {
        let _held = &leaving;
        async move {
            match event {
                Some(data) => Ok::<_, Infallible>(Event::default().data(data)),
                None => std::future::pending().await,
            }
        }
    });
    Sse::new(stream).into_response()
}
