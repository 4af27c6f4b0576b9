//! `GET /v1/stream`: the desk's log as server-sent events, resumable by `seq`.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::IntoParams;

use super::AppState;
use super::auth::StillAllowed;
use super::extract::{Params, Workspace};
use super::problem::{Fault, Problem};
use ken_base::desk::DeskEvent;
use ken_base::domain::WorkspaceId;

/// How many events are read at a time.
const PAGE: i64 = 500;
/// How many events wait for a slow reader; then no more are read.
const WAITING: usize = 64;
/// How often it is checked that the key is still valid.
const CHECKED_EVERY: Duration = Duration::from_secs(5);
/// How often the log is read for what other processes wrote.
const OTHERS: Duration = Duration::from_secs(1);

/// Query parameters of `GET /v1/stream`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct StreamParams {
    /// Send events after this number; the header `Last-Event-ID`, which browsers send when they connect again, takes
    /// precedence. Default: only new events.
    after: Option<i64>,
}

/// Follow what happens in conversations: server-sent events, each with its number as `id`, its type as `event` and the event
/// as `data`. Connect again with the last number to miss nothing. It ends within
/// seconds when the key is revoked.
#[utoipa::path(
    get, path = "/v1/stream", tag = "desk", params(StreamParams),
    responses(
        (status = 200, content((String = "text/event-stream")), description = "Events, until the client disconnects"),
        (status = 422, body = Problem),
    )
)]
pub async fn get_stream(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<StreamParams>,
    headers: HeaderMap,
    sender: StillAllowed,
) -> Result<Response, Problem> {
    let last = headers.get("last-event-id").map(|value| {
        let text = value.to_str().unwrap_or_default();
        let parsed = text.parse::<i64>().ok().filter(|seq| *seq >= 0);
        parsed.ok_or_else(|| {
            let detail = format!("expected the number of an event, found {text:?}");
            Problem::invalid(vec![Fault::new("Last-Event-ID", detail)])
        })
    });
    let after = match (last.transpose()?, params.after) {
        (Some(last), _) => last,
        (None, Some(after)) if after >= 0 => after,
        (None, Some(after)) => {
            let detail = format!("expected 0 or more, found {after}");
            return Err(Problem::invalid(vec![Fault::new("?after", detail)]));
        }
        (None, None) => state.app.store.desk_head(&workspace).await?,
    };
    let place = state.chats.open_stream()?;
    let (events, received) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        let _place = place;
        follow(state, sender, workspace, after, events).await;
    });
    let stream = Sse::new(ReceiverStream::new(received)).keep_alive(KeepAlive::default());
    Ok(stream.into_response())
}

/// Sends events until the reader is gone or the store fails; the client connects again.
async fn follow(
    state: AppState,
    sender: StillAllowed,
    workspace: WorkspaceId,
    mut after: i64,
    events: mpsc::Sender<Result<Event, Infallible>>,
) {
    let mut written = match state.app.desk.written().await {
        Ok(written) => written,
        Err(error) => {
            tracing::error!(%error, "cannot follow the desk");
            return;
        }
    };
    let mut ended = state.app.desk.ended();
    let mut checked = tokio::time::Instant::now();
    loop {
        if checked.elapsed() >= CHECKED_EVERY {
            if !sender.check(&state).await {
                return;
            }
            checked = tokio::time::Instant::now();
        }
        written.borrow_and_update();
        let page = match state.app.store.desk_events(&workspace, after, PAGE).await {
            Ok(page) => page,
            Err(error) => {
                tracing::error!(%error, "cannot read the desk's log");
                return;
            }
        };
        let is_full = page.len() as i64 == PAGE;
        for event in page {
            after = event.seq;
            if events.send(Ok(as_sse(&event))).await.is_err() {
                return;
            }
        }
        if is_full {
            continue;
        }
        tokio::select! {
            () = events.closed() => return,
            _ = ended.wait_for(|ended| *ended) => return,
            changed = written.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            () = tokio::time::sleep(OTHERS) => {}
        }
    }
}

fn as_sse(event: &DeskEvent) -> Event {
    let body = serde_json::json!(event);
    let kind = body["type"].as_str().unwrap_or("event").to_owned();
    Event::default()
        .id(event.seq.to_string())
        .event(kind)
        .data(body.to_string())
}
