//! Traces, metrics and `ken doctor`; none of them contains the text of a question.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use serde_json::json;

use crate::crash::{ken, serve_with};
use crate::support::{TestApp, client};

#[tokio::test(flavor = "multi_thread")]
async fn exported_spans_omit_question_text() {
    let received: Arc<Mutex<Vec<u8>>> = Arc::default();
    let keep = received.clone();
    let collector = Router::new().route(
        "/v1/traces",
        post(async move |body: Bytes| keep.lock().unwrap().extend_from_slice(&body)),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, collector).await });
    let folder = tempfile::tempdir().unwrap();
    let mut command = ken(folder.path());
    command.env("KEN_LOG__OTLP_URL", &url);
    let (mut child, address, _printed) = serve_with(command);
    let put = client()
        .put(format!("{address}/v1/documents/refunds?wait=indexed"))
        .json(&json!({ "text": "# 退款\n\n退款會在 7 個工作天內退回。" }));
    assert!(put.send().await.unwrap().status().is_success());
    let asked =
        json!({ "question": "退款要幾天？ zebra0912345678", "customer_id": "amy@example.com" });
    let answer = client().post(format!("{address}/v1/answers")).json(&asked);
    assert!(answer.send().await.unwrap().status().is_success());
    // What is left is sent at the end.
    let ended = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(ended.unwrap().success());
    assert!(child.wait().unwrap().success());
    let received = received.lock().unwrap();
    let has = |text: &str| {
        received
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    for name in ["request", "answer", "retrieve", "embed", "/v1/answers"] {
        assert!(has(name), "{name} is no span");
    }
    for secret in ["zebra", "0912345678", "amy@example.com", "退款要幾天"] {
        assert!(!has(secret), "{secret} left the house");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_of_answers_and_indexes_are_exposed() {
    let app = TestApp::start().await;
    app.put(
        "refunds",
        json!({ "text": "# 退款\n\n退款會在 7 個工作天內退回。" }),
    )
    .await;
    app.ask("退款要幾天？").await;
    app.ask("今天天氣如何？").await;
    let metrics = app.client.get(format!("{}/metrics", app.address)).send();
    let metrics = metrics.await.unwrap().text().await.unwrap();
    for wanted in [
        "ken_answers_total{outcome=\"answered\"",
        "ken_answers_total{outcome=\"refused\"",
        "ken_stage_seconds_bucket{stage=\"embed\"",
        "ken_http_requests_total{route=\"/v1/answers\",method=\"POST\",status=\"200\"}",
        "ken_revision_lag{workspace=\"default\"} 0",
        // All tests of the process share its encoder.
        "ken_encoder_queue_length ",
        "ken_queue_waiting 0",
        "ken_cases_waiting 0",
        "ken_degraded{part=\"encoder_unavailable\"} 0",
        "ken_requests_in_flight",
    ] {
        assert!(metrics.contains(wanted), "{wanted} is not in\n{metrics}");
    }
    app.stop().await;
}

/// Runs `ken doctor` with these settings. Returns whether it found no fault, and its report.
fn examined(folder: &Path, settings: &[(&str, &str)]) -> (bool, String) {
    let mut command = ken(folder);
    command.arg("doctor").envs(settings.iter().copied());
    let output = command.stderr(Stdio::null()).output().unwrap();
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

#[test]
fn doctor_reports_wrong_settings() {
    let folder = tempfile::tempdir().unwrap();
    let (is_well, report) = examined(folder.path(), &[]);
    assert!(is_well && !report.contains("FAULT"), "{report}");
    assert!(report.contains("WARN  keys: no keys"), "{report}");
    for (settings, expected) in [
        (
            &[("KEN_HTTP__LISTEN", "0.0.0.0:80")][..],
            "FAULT keys: no keys, so the service refuses to listen",
        ),
        (
            &[("KEN_HTTP__LISTEN", "0.0.0.0:80")],
            "WARN  encryption: none on 0.0.0.0:80",
        ),
        (
            &[
                ("KEN_HTTP__TLS_CERT", "/no/cert.pem"),
                ("KEN_HTTP__TLS_KEY", "/no/key.pem"),
            ],
            "FAULT encryption: /no/cert.pem",
        ),
        (&[("KEN_MODELS__DIR", "/no/models")], "FAULT encoder:"),
        (
            &[
                ("KEN_LLM__URL", "http://127.0.0.1:9/v1"),
                ("KEN_LLM__MODEL", "m"),
            ],
            "WARN  chat server: http://127.0.0.1:9/v1 unreachable",
        ),
        (
            &[
                ("KEN_AUTH__ISSUER", "http://127.0.0.1:9"),
                ("KEN_AUTH__AUDIENCE", "ken"),
            ],
            "FAULT token provider:",
        ),
        (
            &[("KEN_STORE__URL", "sqlite:///proc/no/ken.db")],
            "FAULT store:",
        ),
    ] {
        let (is_well, report) = examined(folder.path(), settings);
        assert!(report.contains(expected), "{expected} is not in\n{report}");
        assert_eq!(is_well, !report.contains("FAULT"), "{report}");
    }
}

#[test]
fn doctor_reports_vault_readable_by_others() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("data")).unwrap();
    let vault = folder.path().join("data/vault.db");
    std::fs::write(&vault, b"").unwrap();
    std::fs::set_permissions(&vault, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (is_well, report) = examined(folder.path(), &[]);
    assert!(
        !is_well && report.contains("FAULT vault:") && report.contains("readable by others"),
        "{report}"
    );
}
