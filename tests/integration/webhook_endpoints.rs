//! Outbound webhooks against a recorder on loopback: what happens is sent once, signed, and again until it is taken.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use ring::hmac;
use serde_json::{Value, json};

use crate::channels::{Called, Platform};
use crate::support::TestApp;

const ALL: [&str; 6] = [
    "answer.created",
    "conversation.created",
    "conversation.handed_off",
    "conversation.changed",
    "draft.created",
    "gap.created",
];

/// A service that may send to loopback.
async fn service() -> TestApp {
    TestApp::start_with(|config| {
        config.outbound.private_networks = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await
}

impl TestApp {
    /// Adds an endpoint; returns its secret.
    async fn add_webhook(&self, id: &str, platform: &Platform, types: &[&str]) -> String {
        let body = json!({ "url": format!("{}/{id}", platform.address), "types": types });
        let path = format!("/v1/webhooks/{id}");
        let (status, added) = self.request(Method::PUT, &path, Some(body)).await;
        assert_eq!(status, 201, "{added}");
        added["secret"].as_str().unwrap().to_owned()
    }

    async fn webhook_events(&self, id: &str) -> Vec<Value> {
        let (status, page) = self.get(&format!("/v1/webhooks/{id}/events")).await;
        assert_eq!(status, 200, "{page}");
        page["events"].as_array().unwrap().clone()
    }

    /// The endpoint's newest event as soon as it is in a state.
    async fn newest_event(&self, id: &str, state: &str) -> Value {
        let start = Instant::now();
        loop {
            let events = self.webhook_events(id).await;
            match events.first() {
                Some(event) if event["state"] == state => return event.clone(),
                _ => assert!(start.elapsed() < Duration::from_secs(60), "{events:?}"),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Whether one of a request's signatures is of a secret.
fn is_signed(call: &Called, secret: &str) -> bool {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap());
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key.unwrap());
    let (id, at) = (call.header("webhook-id"), call.header("webhook-timestamp"));
    let signed = format!("{id}.{at}.{}", call.raw);
    let mut signatures = call.header("webhook-signature").split(' ');
    signatures.any(|signature| {
        let bytes = STANDARD.decode(signature.strip_prefix("v1,").unwrap());
        hmac::verify(&key, signed.as_bytes(), &bytes.unwrap()).is_ok()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_sent_signed_until_it_is_taken() {
    let (app, platform) = (service().await, Platform::start().await);
    app.ingest_shop().await;
    let (_, before) = app
        .post("/v1/answers", json!({ "question": "退款要多久？" }))
        .await;
    let secret = app.add_webhook("all", &platform, &ALL).await;
    let other = app
        .add_webhook("drafts", &platform, &["draft.created"])
        .await;
    assert_ne!(secret, other);

    // The first attempt fails; the next has the same id and body, and a new signature.
    platform.replies_with(&[(500, json!({}))]);
    let asked = json!({ "question": "運費多少？", "conversation_id": "c1", "channel": "web" });
    let (_, answer) = app.post("/v1/answers", asked).await;
    let calls = platform.called(2).await;
    assert_eq!(calls[0].path, "/all");
    assert_eq!(calls[0].header("webhook-id"), calls[1].header("webhook-id"));
    assert_eq!(calls[0].raw, calls[1].raw);
    assert!(
        calls.iter().all(|call| is_signed(call, &secret)),
        "{calls:?}"
    );
    assert!(!is_signed(&calls[1], &other));
    let sent = &calls[1].body;
    assert_eq!(sent["type"], "answer.created");
    assert_eq!(sent["data"]["answer_id"], answer["id"]);
    assert_ne!(answer["id"], before["id"]);
    assert_eq!(sent["data"]["conversation_id"], "c1");
    assert!(
        !calls[1].raw.contains("運費"),
        "no words of customers: {sent}"
    );
    let event = app.newest_event("all", "sent").await;
    assert_eq!(
        (&event["attempt"], &event["last_result"]),
        (&json!(2), &json!("sent"))
    );

    // A conversation begins and is handed off.
    let inbox = json!({ "channel": "generic", "name": "App", "settings": { "mode": "live", "burst_ms": 0 } });
    app.request(Method::PUT, "/v1/inboxes/app", Some(inbox))
        .await;
    app.says("app", "u1", "m1", "轉真人客服").await;
    let calls = platform.called(5).await;
    let mut kinds: Vec<&str> = calls[2..5]
        .iter()
        .map(|call| call.body["type"].as_str().unwrap())
        .collect();
    kinds.sort_unstable();
    assert_eq!(
        kinds,
        [
            "answer.created",
            "conversation.created",
            "conversation.handed_off"
        ]
    );
    assert_eq!(app.webhook_events("drafts").await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoint_that_is_gone_is_disabled_and_failures_are_replayed() {
    let (app, platform) = (service().await, Platform::start().await);
    let secret = app.add_webhook("crm", &platform, &["answer.created"]).await;
    platform.replies_with(&[(410, json!({}))]);
    let (status, tested) = app.post("/v1/webhooks/crm:test", json!({})).await;
    assert_eq!(status, 200, "{tested}");
    let failed = app.newest_event("crm", "failed").await;
    assert_eq!(failed["id"], tested["event_id"]);
    assert_eq!(failed["last_result"], "status_410");
    let start = Instant::now();
    loop {
        let (_, endpoint) = app.get("/v1/webhooks/crm").await;
        if endpoint["disabled_reason"] == "gone" {
            assert_eq!(endpoint["is_enabled"], false);
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{endpoint}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (status, problem) = app.post("/v1/webhooks/crm:test", json!({})).await;
    assert_eq!(status, 409, "{problem}");

    // Put again, it is enabled; a new secret signs beside the old one; what failed is sent again by the same id.
    let body = json!({ "url": format!("{}/crm", platform.address), "types": ["answer.created"] });
    let (status, put) = app
        .request(Method::PUT, "/v1/webhooks/crm", Some(body))
        .await;
    assert_eq!((status.as_u16(), &put["secret"]), (200, &Value::Null));
    let (_, rotated) = app.post("/v1/webhooks/crm:rotate-secret", json!({})).await;
    let new = rotated["secret"].as_str().unwrap();
    assert!(!rotated["previous_secret_until"].is_null());
    let (_, replayed) = app.post("/v1/webhooks/crm:replay", json!({})).await;
    assert_eq!(replayed["n_events"], 1);
    let calls = platform.called(2).await;
    assert_eq!(calls[1].header("webhook-id"), failed["id"]);
    assert!(is_signed(&calls[1], new) && is_signed(&calls[1], &secret));
    app.newest_event("crm", "sent").await;
    let again = json!({ "event_id": failed["id"] });
    assert_eq!(
        app.post("/v1/webhooks/crm:replay", again).await.1["n_events"],
        1
    );
    platform.called(3).await;
    let unknown = json!({ "event_id": "evt_0" });
    assert_eq!(app.post("/v1/webhooks/crm:replay", unknown).await.0, 404);
    assert_eq!(app.post("/v1/webhooks/crm:forget", json!({})).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_failures_and_private_addresses_are_refused() {
    let (app, platform) = (service().await, Platform::start().await);
    for (url, types) in [
        ("http://10.0.0.1/hook", json!(["answer.created"])),
        ("https://10.0.0.1/hook", json!(["answer.created"])),
        ("https://[::1]/hook", json!(["answer.created"])),
        ("http://169.254.169.254/latest", json!(["answer.created"])),
        ("http://example.com/hook", json!(["answer.created"])),
        ("ftp://example.com/", json!(["answer.created"])),
        ("nonsense", json!(["answer.created"])),
        ("https://example.com/hook", json!([])),
        ("https://example.com/hook", json!(["webhook.test"])),
        ("https://example.com/hook", json!(["answer.deleted"])),
    ] {
        let body = json!({ "url": url, "types": types });
        let (status, problem) = app.request(Method::PUT, "/v1/webhooks/x", Some(body)).await;
        assert_eq!(status, 422, "{url}: {problem}");
    }
    // A name that leads into a network that is not named is refused when it is called.
    let body = json!({ "url": "https://localhost:1/hook", "types": ["answer.created"] });
    let strict = TestApp::start().await;
    let put = strict
        .request(Method::PUT, "/v1/webhooks/x", Some(body))
        .await;
    assert_eq!(put.0, 201, "{}", put.1);
    strict.post("/v1/webhooks/x:test", json!({})).await;
    let start = Instant::now();
    while strict.webhook_events("x").await[0]["last_result"] != "unreachable" {
        assert!(start.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    app.add_webhook("moved", &platform, &["answer.created"])
        .await;
    platform.replies_with(&[(302, json!({}))]);
    app.post("/v1/webhooks/moved:test", json!({})).await;
    platform.called(2).await;
    assert_eq!(app.newest_event("moved", "sent").await["attempt"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_survive_the_end_of_the_process() {
    let platform = Platform::start().await;
    let allow = |config: &mut ken_base::config::Config| {
        config.outbound.private_networks = vec!["127.0.0.0/8".parse().unwrap()];
    };
    let app = TestApp::start_with(allow).await;
    app.add_webhook("crm", &platform, &["answer.created"]).await;
    platform.replies_with(&[(503, json!({}))]);
    app.post("/v1/answers", json!({ "question": "你好" })).await;
    platform.called(1).await;
    let folder = app.stop().await;
    let app = TestApp::start_in(folder, allow).await;
    let calls = platform.called(2).await;
    assert_eq!(calls[0].header("webhook-id"), calls[1].header("webhook-id"));
    app.newest_event("crm", "sent").await;
    assert_eq!(
        app.webhook_events("crm").await.len(),
        1,
        "read again, sent once"
    );
    let (status, _) = app.request(Method::DELETE, "/v1/webhooks/crm", None).await;
    assert_eq!(status, 200);
    assert_eq!(app.get("/v1/webhooks/crm").await.0, 404);
}
