//! Prometheus metrics of requests and answers.

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use ken_base::desk::ChannelKind;
use ken_base::domain::{Answer, Reason};
use ken_channels::channel_of;
use ken_conversations::traffic;
use ken_store::store::desk::DeskBacklog;

/// The upper bounds of the histograms' buckets, in seconds: from a cached search to a request that times out.
const BUCKETS: [f64; 12] = [
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];

/// The upper bounds of the buckets of waits outside of the service, in seconds: from a fast platform to the last attempt of a
/// delivery, 76 hours later.
const LONG_BUCKETS: [f64; 14] = [
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0, 86_400.0, 345_600.0,
];

/// The metrics that have them.
const LONG: [&str; 3] = [
    "ken_webhook_lag_seconds",
    "ken_delivery_seconds",
    "ken_reply_seconds",
];

/// The process's recorder, shared by all services in the process.
fn recorder() -> &'static PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new()
            .set_buckets(&BUCKETS)
            .expect("the buckets are not empty");
        let builder = LONG.iter().fold(builder, |builder, name| {
            builder
                .set_buckets_for_metric(Matcher::Full((*name).to_owned()), &LONG_BUCKETS)
                .expect("the buckets are not empty")
        });
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        // If the host program has its own recorder, that one receives the metrics and ours stays empty.
        let _ = metrics::set_global_recorder(recorder);
        handle
    })
}

/// Aggregates recorded values into the buckets. Until then every single value is stored, even if no scrape ever comes.
pub fn run_upkeep() {
    recorder().run_upkeep();
}

/// The metrics in Prometheus text format.
pub fn render() -> String {
    recorder().render()
}

/// Middleware that counts and times every request by route. Addresses would produce unlimited series, since they hold
/// ids.
pub async fn count(request: Request, next: Next) -> Response {
    recorder();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("none", |path| path.as_str())
        .to_owned();
    // A method can be any word, so unknown ones share one series.
    let method = match *request.method() {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::DELETE
        | Method::PATCH
        | Method::OPTIONS => request.method().to_string(),
        _ => "other".to_owned(),
    };
    let start = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    metrics::histogram!("ken_http_request_seconds", "route" => route.clone())
        .record(start.elapsed().as_secs_f64());
    metrics::counter!("ken_http_requests_total", "route" => route, "method" => method, "status" => status).increment(1);
    response
}

/// Counts an answer's outcome and times its stages.
pub fn answered(answer: &Answer) {
    // Reasons are few and fixed, so they are safe as a label.
    let reason = answer.reason.map_or("", Reason::as_str);
    metrics::counter!("ken_answers_total", "outcome" => answer.outcome.as_str(), "reason" => reason)
        .increment(1);
    for note in &answer.notes {
        metrics::counter!("ken_answer_notes_total", "note" => note.as_str()).increment(1);
    }
    let t = &answer.timings_ms;
    for (stage, ms) in [
        ("embed", t.embed),
        ("keyword", t.keyword),
        ("vector", t.vector),
        ("fuse", t.fuse),
        ("load", t.load),
        ("admit", t.admit),
        ("compose", t.compose),
        ("read", t.read),
        ("generate", t.generate),
        ("total", t.total),
    ] {
        metrics::histogram!("ken_stage_seconds", "stage" => stage).record(ms / 1e3);
    }
}

/// The outcomes of requests to webhooks of known inboxes.
const WEBHOOK_OUTCOMES: [&str; 10] = [
    "taken",
    "challenge",
    "forged",
    "stale",
    "malformed",
    "no_credential",
    "too_large",
    "timed_out",
    "overloaded",
    "unavailable",
];

/// A request of a platform, counted by channel and outcome when it is dropped: so also one that a time limit ends.
pub struct WebhookRequest {
    /// The channel; `none` before the inbox is known.
    pub channel: &'static str,
    /// The outcome if it ends here.
    pub outcome: &'static str,
}

impl Default for WebhookRequest {
    fn default() -> Self {
        Self {
            channel: "none",
            outcome: "unknown_inbox",
        }
    }
}

impl Drop for WebhookRequest {
    fn drop(&mut self) {
        count_webhook(self.channel, self.outcome, 1);
    }
}

fn count_webhook(channel: &'static str, outcome: &'static str, n: u64) {
    metrics::counter!("ken_webhook_requests_total", "channel" => channel, "outcome" => outcome)
        .increment(n);
}

/// Shows the counters of a channel before anything is counted: Prometheus sees no increase in a series that begins at 1.
fn register(channel: ChannelKind) {
    traffic::register(channel);
    if channel_of(channel).is_some() {
        for outcome in WEBHOOK_OUTCOMES {
            count_webhook(channel.as_str(), outcome, 0);
        }
    }
}

/// Records how long an event took from the platform to here, by both clocks; 0 if the platform's is ahead.
pub fn webhook_lag(channel: ChannelKind, lag: SignedDuration) {
    metrics::histogram!("ken_webhook_lag_seconds", "channel" => channel.as_str())
        .record(lag.as_secs_f64().max(0.0));
}

/// Sets the gauges of what waits on the desk.
pub fn set_backlog(backlog: &DeskBacklog, now: Timestamp) {
    // A channel whose last inbox was deleted with its workspace has no backlog.
    static KNOWN: Mutex<BTreeSet<ChannelKind>> = Mutex::new(BTreeSet::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    for channel in backlog.deliveries.keys() {
        if known.insert(*channel) {
            register(*channel);
        }
    }
    for channel in known.iter() {
        let waiting = backlog.deliveries.get(channel).copied();
        let (waiting, channel) = (waiting.unwrap_or_default(), channel.as_str());
        metrics::gauge!("ken_deliveries_waiting", "channel" => channel).set(waiting.n as f64);
        metrics::gauge!("ken_deliveries_oldest_seconds", "channel" => channel)
            .set(age(waiting.since, now));
    }
    metrics::gauge!("ken_replies_waiting").set(backlog.replies.n as f64);
    metrics::gauge!("ken_replies_oldest_seconds").set(age(backlog.replies.since, now));
}

/// The age in seconds of what is due since a time; 0 for nothing.
fn age(since: Option<Timestamp>, now: Timestamp) -> f64 {
    since.map_or(0.0, |since| {
        now.duration_since(since).as_secs_f64().max(0.0)
    })
}
