//! Prometheus metrics of requests and answers.

use std::sync::OnceLock;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use ken_base::domain::{Answer, Reason};

/// The upper bounds of the histograms' buckets, in seconds: from a cached search to a request that times out.
const BUCKETS: [f64; 12] = [
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];

/// The process's recorder, shared by all services in the process.
fn recorder() -> &'static PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new()
            .set_buckets(&BUCKETS)
            .expect("the buckets are not empty");
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
