//! Invalid, oversized and excess requests are rejected with a problem that states the location and the reason.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestApp, pointers};

/// Method, path, raw body, status, problem type, and a word that the problem has to contain.
type Case = (
    Method,
    &'static str,
    String,
    u16,
    &'static str,
    &'static str,
);

fn cases() -> Vec<Case> {
    let text = |body: Value| body.to_string();
    let (invalid, not_json) = ("/problems/invalid-value", "/problems/not-json");
    vec![
        (
            Method::POST,
            "/v1/answers",
            text(json!({ "question": "" })),
            422,
            invalid,
            "expected 1 to 2000 characters, found none",
        ),
        (
            Method::POST,
            "/v1/answers",
            text(json!({ "question": " \n\u{3000}" })),
            422,
            invalid,
            "found none",
        ),
        (
            Method::POST,
            "/v1/answers",
            text(json!({ "question": "長".repeat(350_000) })),
            422,
            invalid,
            "found 350000",
        ),
        (
            Method::POST,
            "/v1/answers",
            text(json!({ "question": "a", "limit": 0 })),
            422,
            invalid,
            "/limit",
        ),
        (
            Method::POST,
            "/v1/answers",
            text(json!({ "question": "a", "deadline_ms": 0 })),
            422,
            invalid,
            "/deadline_ms",
        ),
        (
            Method::PUT,
            "/v1/settings",
            text(json!(["strict"])),
            422,
            invalid,
            "expected an object, found a list",
        ),
        (
            Method::PUT,
            "/v1/documents/a",
            text(json!({ "text": "a", "uri": " JAVA\tscript:alert(1)" })),
            422,
            invalid,
            "/uri",
        ),
        (
            Method::GET,
            "/v1/answers/%ff",
            String::new(),
            422,
            invalid,
            "{id}",
        ),
        (
            Method::POST,
            "/v1/answers",
            text(json!({ "question": 7 })),
            422,
            invalid,
            "/question",
        ),
        (
            Method::POST,
            "/v1/answers",
            text(json!({ "question": "a", "colour": 1 })),
            422,
            invalid,
            "/colour",
        ),
        (
            Method::POST,
            "/v1/answers",
            text(json!({ "question": "a", "strategy": "magic" })),
            422,
            invalid,
            "/strategy",
        ),
        (
            Method::POST,
            "/v1/answers",
            text(json!({ "question": "a", "as_of": "soon" })),
            422,
            invalid,
            "/as_of",
        ),
        (
            Method::POST,
            "/v1/answers",
            text(json!({})),
            422,
            invalid,
            "question",
        ),
        (
            Method::POST,
            "/v1/answers",
            "{".into(),
            400,
            not_json,
            "EOF",
        ),
        (
            Method::POST,
            "/v1/answers",
            "退貨".into(),
            400,
            not_json,
            "expected value",
        ),
        (Method::POST, "/v1/answers", "".into(), 400, not_json, "EOF"),
        (
            Method::POST,
            "/v1/answers",
            format!("{{\"question\":\"{}\"}}", "a".repeat(5 << 20)),
            413,
            "/problems/too-large",
            "4194304",
        ),
        (
            Method::POST,
            "/v1/search",
            text(json!({ "question": "a", "mode": "psychic" })),
            422,
            invalid,
            "/mode",
        ),
        (
            Method::POST,
            "/v1/search",
            text(json!({ "question": "", "limit": 101 })),
            422,
            invalid,
            "/limit",
        ),
        (
            Method::POST,
            "/v1/search",
            text(json!({ "question": "a", "kinds": ["poem"] })),
            422,
            invalid,
            "/kinds/0",
        ),
        (
            Method::PUT,
            "/v1/documents/a",
            text(json!({ "text": " " })),
            422,
            invalid,
            "/text",
        ),
        (
            Method::PUT,
            "/v1/documents/a",
            text(json!({ "text": "---\nvalid_from: soon\n---\nx" })),
            422,
            invalid,
            "valid_from",
        ),
        (
            Method::PUT,
            "/v1/documents/a",
            text(json!({ "text": "---\nid: b\n---\nx" })),
            422,
            invalid,
            "front matter id b differs",
        ),
        (
            Method::PUT,
            "/v1/documents/a",
            text(
                json!({ "text": "x", "valid_from": "2026-02-01T00:00:00Z", "valid_until": "2026-01-01T00:00:00Z" }),
            ),
            422,
            invalid,
            "/valid_until",
        ),
        (
            Method::PUT,
            "/v1/documents/a?wait=forever",
            text(json!({ "text": "x" })),
            422,
            invalid,
            "forever",
        ),
        (
            Method::PUT,
            "/v1/documents/%20a",
            text(json!({ "text": "x" })),
            422,
            invalid,
            "outer spaces",
        ),
        (
            Method::GET,
            "/v1/documents/nowhere",
            "".into(),
            404,
            "/problems/not-found",
            "nowhere",
        ),
        (
            Method::GET,
            "/v1/documents?limit=0",
            "".into(),
            422,
            invalid,
            "expected 1 to 1000",
        ),
        (
            Method::GET,
            "/v1/nothing",
            "".into(),
            404,
            "/problems/not-found",
            "/docs",
        ),
        (
            Method::DELETE,
            "/v1/answers",
            "".into(),
            405,
            "/problems/method-not-allowed",
            "/docs",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_request_returns_problem_with_location_and_reason() {
    let app = TestApp::start().await;
    for (method, path, body, status, kind, word) in cases() {
        let shown: String = body.chars().take(60).collect();
        let request = app
            .client
            .request(method.clone(), format!("{}{path}", app.address))
            .header("content-type", "application/json")
            .header("x-request-id", "r-1")
            .body(body);
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["x-request-id"], "r-1", "{path}");
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json",
            "{method} {path} {shown}"
        );
        let found = response.status().as_u16();
        let problem = response.text().await.unwrap();
        assert_eq!(found, status, "{method} {path} {shown}: {problem}");
        let parsed: Value = serde_json::from_str(&problem).unwrap();
        assert_eq!(
            (&parsed["type"], &parsed["status"]),
            (&json!(kind), &json!(status)),
            "{problem}"
        );
        assert_eq!(parsed["request_id"], "r-1", "{problem}");
        assert!(
            problem.contains(word),
            "{method} {path} {shown}: {word:?} is not in {problem}"
        );
    }
    let plain = app
        .client
        .post(format!("{}/v1/answers", app.address))
        .body("question=a")
        .send()
        .await
        .unwrap();
    assert_eq!(plain.status(), 415);
    let workspace = app
        .client
        .get(format!("{}/v1/documents", app.address))
        .header("x-ken-workspace", "../x");
    assert_eq!(workspace.send().await.unwrap().status(), 422);
    let (_, list) = app.get("/v1/documents").await;
    assert_eq!(list["documents"], json!([]), "nothing was half applied");
}

/// Regression: a reply before the whole body was read ended the connection during the next request.
#[tokio::test(flavor = "multi_thread")]
async fn client_continues_after_oversized_body_is_rejected() {
    let app = TestApp::start().await;
    let url = format!("{}/v1/search", app.address);
    for megabytes in [5, 40, 5] {
        let large = format!("{{\"question\":\"{}\"}}", "a".repeat(megabytes << 20));
        let request = app
            .client
            .post(&url)
            .header("content-type", "application/json");
        match request.body(large).send().await {
            Ok(refused) => {
                assert_eq!(refused.status(), 413, "{megabytes} MB");
                assert_eq!(refused.headers()["connection"], "close");
            }
            // The server drops a limited part of the rest; beyond that the connection may end before the reply is read.
            Err(error) => assert!(megabytes > 32, "{megabytes} MB: {error:?}"),
        }
        let (status, _) = app.post("/v1/search", json!({ "question": "a" })).await;
        assert_eq!(status, 200, "after {megabytes} MB");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn request_errors_are_reported_together() {
    let app = TestApp::start().await;
    let body = json!({ "question": "", "limit": 0, "deadline_ms": 0, "channel": "" });
    let (_, problem) = app.post("/v1/answers", body).await;
    assert_eq!(
        pointers(&problem),
        ["/question", "/limit", "/deadline_ms", "/channel"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn full_service_returns_429_and_recovers() {
    let app = Arc::new(TestApp::start_with(|config| config.http.max_concurrent = 1).await);
    app.put("a", json!({ "text": "文件" })).await;
    let question = "長".repeat(1_900);
    let many: Vec<_> = (0..24)
        .map(|_| {
            let (app, question) = (app.clone(), question.clone());
            tokio::spawn(async move {
                let request = app
                    .client
                    .post(format!("{}/v1/search", app.address))
                    .json(&json!({ "question": question }));
                let response = request.send().await.unwrap();
                (
                    response.status().as_u16(),
                    response.headers().contains_key("retry-after"),
                )
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for one in many {
        outcomes.push(one.await.unwrap());
    }
    assert!(outcomes.contains(&(200, false)), "{outcomes:?}");
    assert!(outcomes.contains(&(429, true)), "{outcomes:?}");
    assert!(
        outcomes
            .iter()
            .all(|(status, _)| [200, 429].contains(status)),
        "{outcomes:?}"
    );
    assert_eq!(
        app.post("/v1/search", json!({ "question": "文件" }))
            .await
            .0,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn full_encoder_queue_rejects_request() {
    let mut encoder = crate::support::config_in(std::path::Path::new(".")).encoder;
    encoder.queue_capacity = 1;
    let embedder = tokio::task::spawn_blocking(move || ken_search::embed::Embedder::open(&encoder))
        .await
        .unwrap()
        .unwrap();
    let long = "長".repeat(1_900);
    let many: Vec<_> = (0..40)
        .map(|_| {
            let (embedder, long) = (embedder.clone(), long.clone());
            tokio::spawn(async move {
                embedder
                    .embed_question(&long)
                    .await
                    .map(|v| v.len())
                    .map_err(|e| e.to_string())
            })
        })
        .collect();
    let (mut done, mut refused) = (0, 0);
    for one in many {
        match one.await.unwrap() {
            Ok(896) => done += 1,
            Err(error) => {
                assert!(error.starts_with("encoder queue is full"), "{error}");
                refused += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(done > 0 && refused > 0, "{done} {refused}");
}
