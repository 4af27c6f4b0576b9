//! Platforms against a recorder on loopback: signed webhooks are taken once, answers go out by the right way, and replies of
//! the platform decide what becomes of a delivery.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use ring::hmac;
use serde_json::{Value, json};

use crate::support::TestApp;

const QUESTION: &str = "DoorMate K1 可以裝在玻璃門嗎？";

/// A request that a platform received.
#[derive(Debug, Clone)]
pub struct Called {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Value,
    /// The body as it was received.
    pub raw: String,
}

impl Called {
    pub fn header(&self, name: &str) -> &str {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// Its body as text, to look for words.
    fn words(&self) -> String {
        self.body.to_string()
    }
}

/// What the recorder replies to the next requests; then 200 and `{"ok":true}`.
type Replies = Mutex<Vec<(u16, Value)>>;

/// A platform on loopback that records what it receives.
#[derive(Clone)]
pub struct Platform {
    pub address: String,
    called: Arc<Mutex<Vec<Called>>>,
    replies: Arc<Replies>,
}

impl Platform {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let platform = Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            called: Arc::default(),
            replies: Arc::default(),
        };
        let router = Router::new().fallback(record).with_state(platform.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        platform
    }

    pub fn replies_with(&self, replies: &[(u16, Value)]) {
        let mut planned = self.replies.lock().unwrap();
        planned.extend(replies.iter().rev().cloned());
    }

    pub fn calls(&self) -> Vec<Called> {
        self.called.lock().unwrap().clone()
    }

    /// The calls as soon as there are `n`.
    pub async fn called(&self, n: usize) -> Vec<Called> {
        let start = Instant::now();
        loop {
            let calls = self.calls();
            if calls.len() >= n {
                return calls;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{calls:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn record(State(platform): State<Platform>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let headers = parts.headers.iter();
    let headers = headers.map(|(name, value)| {
        (
            name.to_string(),
            value.to_str().unwrap_or_default().to_owned(),
        )
    });
    platform.called.lock().unwrap().push(Called {
        path: parts.uri.to_string(),
        headers: headers.collect(),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        raw: String::from_utf8_lossy(&body).into_owned(),
    });
    let planned = platform.replies.lock().unwrap().pop();
    let (status, body) = planned.unwrap_or((200, json!({ "ok": true })));
    (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
}

pub fn signed(secret: &str, parts: &[&[u8]]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::sign(&key, &parts.concat()).as_ref().to_vec()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl TestApp {
    pub async fn connect_platform(&self, channel: &str, platform: &Platform, secrets: Value) {
        let settings = json!({ "mode": "live", "burst_ms": 0, "auto_send_level": "balanced", "platform_url": platform.address });
        let body = json!({ "channel": channel, "name": channel, "settings": settings, "secrets": secrets });
        let path = format!("/v1/inboxes/{channel}");
        let (status, inbox) = self.request(Method::PUT, &path, Some(body)).await;
        assert_eq!(status, 201, "{inbox}");
    }

    /// A request of a platform, with headers.
    async fn hook(&self, channel: &str, body: &str, headers: &[(&str, String)]) -> (u16, String) {
        let url = format!("{}/v1/inboxes/{channel}/webhook", self.address);
        let mut request = self.client.post(url).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let reply = request.send().await.unwrap();
        (reply.status().as_u16(), reply.text().await.unwrap())
    }

    pub async fn by_line(&self, event: Value) -> (u16, String) {
        let body = json!({ "destination": "U0", "events": [event] }).to_string();
        let signature = STANDARD.encode(signed("line-secret", &[body.as_bytes()]));
        self.hook("line", &body, &[("x-line-signature", signature)])
            .await
    }

    pub async fn by_meta(&self, channel: &str, body: &Value) -> (u16, String) {
        let body = body.to_string();
        let signature = format!("sha256={}", hex(&signed("app-secret", &[body.as_bytes()])));
        self.hook(channel, &body, &[("x-hub-signature-256", signature)])
            .await
    }

    /// The conversations of an inbox.
    pub async fn on(&self, inbox: &str) -> Vec<Value> {
        let (_, list) = self
            .get(&format!("/v1/conversations?inbox_id={inbox}"))
            .await;
        list["conversations"].as_array().unwrap().clone()
    }

    /// The messages of the only conversation of an inbox.
    pub async fn thread(&self, inbox: &str) -> Vec<Value> {
        let found = self.on(inbox).await;
        assert_eq!(found.len(), 1, "{found:?}");
        let id = found[0]["id"].as_str().unwrap();
        let (_, page) = self.get(&format!("/v1/conversations/{id}/messages")).await;
        page["messages"].as_array().unwrap().clone()
    }

    /// Waits until the last message of an inbox has this delivery state.
    pub async fn delivered(&self, inbox: &str, state: &str) {
        let start = Instant::now();
        loop {
            let messages = self.thread(inbox).await;
            if messages.last().unwrap()["delivery"] == state {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{messages:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

pub fn line_text(id: &str, token: &str, text: &str) -> Value {
    json!({
        "type": "message", "mode": "active", "timestamp": jiff::Timestamp::now().as_millisecond(),
        "webhookEventId": format!("01{id}"), "deliveryContext": { "isRedelivery": false }, "replyToken": token,
        "source": { "type": "user", "userId": "U-mei" }, "message": { "type": "text", "id": id, "text": text },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn line_is_answered_once_by_its_token_and_then_by_push() {
    let (app, platform) = (TestApp::with_shop().await, Platform::start().await);
    let secrets = json!({ "channel_secret": "line-secret", "access_token": "line-token" });
    app.connect_platform("line", &platform, secrets).await;

    // The console's check of the address, a forged request, and an unsigned one.
    let check = json!({ "destination": "U0", "events": [] }).to_string();
    let signature = STANDARD.encode(signed("line-secret", &[check.as_bytes()]));
    let (status, _) = app
        .hook("line", &check, &[("x-line-signature", signature.clone())])
        .await;
    assert_eq!(status, 200);
    let question = json!({ "events": [line_text("1", "token-1", QUESTION)] }).to_string();
    for headers in [vec![("x-line-signature", signature)], Vec::new()] {
        assert_eq!(app.hook("line", &question, &headers).await.0, 401);
    }
    assert!(app.on("line").await.is_empty(), "nothing is stored");

    // Delivered again and again, at once.
    let event = line_text("1", "token-1", QUESTION);
    let again = (0..6).map(|_| app.by_line(event.clone()));
    for (status, body) in futures_util::future::join_all(again).await {
        assert_eq!(status, 200, "{body}");
    }
    let calls = platform.called(1).await;
    let reply = &calls[0];
    assert_eq!(reply.path, "/v2/bot/message/reply");
    assert_eq!(reply.header("authorization"), "Bearer line-token");
    assert_eq!(reply.body["replyToken"], "token-1");
    assert!(reply.words().contains("玻璃"), "{reply:?}");
    assert!(
        reply.words().contains("來源"),
        "it names its sources: {reply:?}"
    );
    app.delivered("line", "accepted").await;
    assert_eq!(app.by_line(event).await.0, 200);
    assert_eq!(app.thread("line").await.len(), 2, "it is known");

    // An agent writes later: the token is used, so it is a push, and takes over.
    let id = app.on("line").await[0]["id"].clone();
    let path = format!("/v1/conversations/{}/messages", id.as_str().unwrap());
    let (status, _) = app
        .post(&path, json!({ "text": "我是小美，我來幫您。" }))
        .await;
    assert_eq!(status, 201);
    let push = platform.called(2).await.remove(1);
    assert_eq!(
        (push.path.as_str(), &push.body["to"]),
        ("/v2/bot/message/push", &json!("U-mei"))
    );
    assert!(!push.header("x-line-retry-key").is_empty());
    let (status, problem) = app
        .post(&path, json!({ "parts": [{ "type": "attachment", "sha256": "0".repeat(64), "name": "a.png" }] }))
        .await;
    assert_eq!(status, 422, "{problem}");

    // The token of the next event is refused: the answer is pushed.
    app.act(&id, "return", json!({})).await;
    platform.replies_with(&[(400, json!({ "message": "Invalid reply token" }))]);
    app.by_line(line_text("2", "token-2", "退款要多久？")).await;
    let calls = platform.called(4).await;
    let paths: Vec<&str> = calls[2..].iter().map(|call| call.path.as_str()).collect();
    assert_eq!(paths, ["/v2/bot/message/reply", "/v2/bot/message/push"]);
    app.delivered("line", "accepted").await;

    // Somebody who blocks the account gets nothing more.
    let now = jiff::Timestamp::now().as_millisecond();
    let unfollow = json!({ "type": "unfollow", "mode": "active", "timestamp": now, "webhookEventId": "01U", "source": { "type": "user", "userId": "U-mei" } });
    app.by_line(unfollow).await;
    app.post(&path, json!({ "text": "還有問題嗎？" })).await;
    app.delivered("line", "failed").await;
    assert_eq!(platform.calls().len(), 4);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatsapp_confirms_its_address_and_reports_what_was_read() {
    let (app, platform) = (TestApp::with_shop().await, Platform::start().await);
    let secrets = json!({ "app_secret": "app-secret", "verify_token": "mine", "access_token": "meta-token", "phone_number_id": "10" });
    app.connect_platform("whatsapp", &platform, secrets).await;
    for (token, status) in [("mine", 200), ("theirs", 401)] {
        let path = format!(
            "{}/v1/inboxes/whatsapp/webhook?hub.mode=subscribe&hub.verify_token={token}&hub.challenge=4242",
            app.address
        );
        let reply = app.client.get(path).send().await.unwrap();
        assert_eq!(reply.status(), status);
        if status == 200 {
            assert_eq!(reply.text().await.unwrap(), "4242");
        }
    }
    let of = |value: Value| {
        let mut value = value;
        value["metadata"] = json!({ "phone_number_id": "10" });
        json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": value }] }] })
    };
    let now = jiff::Timestamp::now().as_second();
    let message = of(json!({
        "contacts": [{ "profile": { "name": "Mei" }, "wa_id": "886912345678" }],
        "messages": [{ "from": "886912345678", "id": "wamid.1", "timestamp": now.to_string(), "type": "text", "text": { "body": QUESTION } }],
    }));
    assert_eq!(app.by_meta("whatsapp", &message).await.0, 200);
    let call = platform.called(1).await.remove(0);
    assert_eq!(call.path, "/v23.0/10/messages");
    assert_eq!(call.body["to"], "886912345678");
    app.delivered("whatsapp", "accepted").await;
    let status = of(
        json!({ "statuses": [{ "id": "wamid.2", "status": "read", "timestamp": now.to_string(), "biz_opaque_callback_data": call.body["biz_opaque_callback_data"] }] }),
    );
    assert_eq!(app.by_meta("whatsapp", &status).await.0, 200);
    app.delivered("whatsapp", "read").await;
    // The number is verified: it is the customer's on other channels too.
    let (_, found) = app.get("/v1/customers?value=%2B886912345678").await;
    assert_eq!(found["customers"].as_array().unwrap().len(), 1, "{found}");
    // The platform says that its window has closed: nothing is tried again.
    platform.replies_with(&[(
        400,
        json!({ "error": { "code": 131_047, "message": "Re-engagement message" } }),
    )]);
    let id = app.on("whatsapp").await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    app.post(
        &format!("/v1/conversations/{id}/messages"),
        json!({ "text": "您好" }),
    )
    .await;
    app.delivered("whatsapp", "failed").await;
    app.stop().await;
}

/// A person who answers in Meta's own inbox silences the bot.
#[tokio::test(flavor = "multi_thread")]
async fn messenger_echo_of_a_person_takes_over() {
    let (app, platform) = (TestApp::with_shop().await, Platform::start().await);
    let secrets = json!({ "app_secret": "app-secret", "verify_token": "mine", "access_token": "page-token", "page_id": "P" });
    app.connect_platform("messenger", &platform, secrets).await;
    let of = |messaging: Value| json!({ "object": "page", "entry": [{ "id": "P", "messaging": [messaging] }] });
    let now = jiff::Timestamp::now().as_millisecond();
    let said = |mid: &str, text: &str| {
        of(
            json!({ "sender": { "id": "u1" }, "recipient": { "id": "P" }, "timestamp": now, "message": { "mid": mid, "text": text } }),
        )
    };
    app.by_meta("messenger", &said("m1", QUESTION)).await;
    let call = platform.called(1).await.remove(0);
    app.delivered("messenger", "accepted").await;
    // The echo of the bot's own message changes nothing.
    let echo = |mid: &str, metadata: &Value| {
        of(
            json!({ "sender": { "id": "P" }, "recipient": { "id": "u1" }, "timestamp": now, "message": { "mid": mid, "is_echo": true, "text": "您好", "metadata": metadata } }),
        )
    };
    app.by_meta("messenger", &echo("e1", &call.body["message"]["metadata"]))
        .await;
    assert_eq!(app.on("messenger").await[0]["responder"], "bot");
    app.by_meta("messenger", &echo("e2", &Value::Null)).await;
    assert_eq!(app.on("messenger").await[0]["responder"], "human");
    app.by_meta("messenger", &said("m2", "退款要多久？")).await;
    assert_eq!(app.on("messenger").await[0]["reply_due_at"], Value::Null);
    assert_eq!(platform.calls().len(), 1);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn platforms_replies_decide_what_is_tried_again() {
    let (app, platform) = (TestApp::with_shop().await, Platform::start().await);
    let secrets = json!({ "bot_token": "1:a", "secret_token": "telegram-secret" });
    app.connect_platform("telegram", &platform, secrets).await;
    let said = |n: i64, text: &str| {
        json!({ "update_id": n, "message": { "date": jiff::Timestamp::now().as_second(), "chat": { "id": 42, "type": "private" }, "from": { "first_name": "Mei" }, "text": text } }).to_string()
    };
    let hook = async |body: String| {
        app.hook(
            "telegram",
            &body,
            &[(
                "x-telegram-bot-api-secret-token",
                "telegram-secret".to_owned(),
            )],
        )
        .await
    };
    // Too many requests: it waits as long as the platform says, and longer than the schedule.
    platform.replies_with(&[(
        429,
        json!({ "ok": false, "error_code": 429, "parameters": { "retry_after": 3_600 } }),
    )]);
    assert_eq!(hook(said(7, QUESTION)).await.0, 200);
    let call = platform.called(1).await.remove(0);
    assert_eq!(
        (call.path.as_str(), &call.body["chat_id"]),
        ("/bot1:a/sendMessage", &json!("42"))
    );
    app.delivered("telegram", "queued").await;
    let due = app
        .app
        .store
        .next_desk_work(jiff::Timestamp::UNIX_EPOCH)
        .await
        .unwrap()
        .unwrap();
    let wait = due.duration_since(app.app.store.now()).as_secs();
    assert!((3_000..=3_600).contains(&wait), "{wait}");

    // Wrong credentials: the test says so, and what to do.
    platform.replies_with(&[(
        401,
        json!({ "ok": false, "error_code": 401, "description": "Unauthorized" }),
    )]);
    let (status, tested) = app.post("/v1/inboxes/telegram:test", json!({})).await;
    assert_eq!(
        (status.as_u16(), &tested["is_ready"]),
        (200, &json!(false)),
        "{tested}"
    );
    assert!(
        tested["faults"][0]
            .as_str()
            .unwrap()
            .contains("access token"),
        "{tested}"
    );
    assert!(
        tested["last_webhook"]["body"]
            .as_str()
            .unwrap()
            .contains("update_id")
    );
    let (_, tested) = app.post("/v1/inboxes/telegram:test", json!({})).await;
    assert_eq!(tested["is_ready"], true, "{tested}");
    let forged = app
        .hook(
            "telegram",
            &said(8, "x"),
            &[("x-telegram-bot-api-secret-token", "other".to_owned())],
        )
        .await;
    assert_eq!(forged.0, 401);
    let (_, tested) = app.post("/v1/inboxes/telegram:test", json!({})).await;
    assert_eq!(
        tested["is_ready"], true,
        "anyone could have sent it: {tested}"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_answers_direct_messages() {
    let (app, platform) = (TestApp::with_shop().await, Platform::start().await);
    let secrets = json!({ "signing_secret": "slack-secret", "bot_token": "xoxb-1" });
    app.connect_platform("slack", &platform, secrets).await;
    let hook = async |body: Value, at: i64| {
        let (body, at) = (body.to_string(), at.to_string());
        let signature = signed(
            "slack-secret",
            &[b"v0:", at.as_bytes(), b":", body.as_bytes()],
        );
        let headers = [
            ("x-slack-request-timestamp", at),
            ("x-slack-signature", format!("v0={}", hex(&signature))),
        ];
        app.hook("slack", &body, &headers).await
    };
    let now = jiff::Timestamp::now().as_second();
    let check = hook(
        json!({ "type": "url_verification", "challenge": "c0" }),
        now,
    )
    .await;
    assert_eq!(check, (200, "c0".to_owned()));
    let event = json!({ "type": "event_callback", "event_id": "Ev1", "event": { "type": "message", "channel_type": "im", "user": "U1", "text": QUESTION, "ts": format!("{now}.000100") } });
    assert_eq!(
        hook(event.clone(), now - 600).await.0,
        401,
        "an old signature"
    );
    assert_eq!(hook(event.clone(), now).await.0, 200);
    let call = platform.called(1).await.remove(0);
    assert_eq!(
        (call.path.as_str(), &call.body["channel"]),
        ("/api/chat.postMessage", &json!("U1"))
    );
    app.delivered("slack", "accepted").await;
    // Slack delivers again if it was not answered in time.
    assert_eq!(hook(event, now).await.0, 200);
    assert_eq!(app.thread("slack").await.len(), 2);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_requests_to_webhooks_are_refused() {
    let (app, platform) = (TestApp::start().await, Platform::start().await);
    let secrets = json!({ "channel_secret": "line-secret" });
    app.connect_platform("line", &platform, secrets).await;
    app.connect("site", "web", json!({})).await;
    let body = "nonsense";
    let signature = STANDARD.encode(signed("line-secret", &[body.as_bytes()]));
    let headers = [("x-line-signature", signature)];
    assert_eq!(
        app.hook("line", body, &headers).await.0,
        400,
        "signed, but no JSON"
    );
    let large = "x".repeat(2 << 20);
    assert_eq!(app.hook("line", &large, &[]).await.0, 413);
    for (inbox, expected) in [("none", 404), ("site", 404), ("line?x=1", 404)] {
        let found = app.hook(inbox, "{}", &[]).await;
        assert_eq!(found.0, expected, "{inbox}: {}", found.1);
    }
    let (_, tested) = app.post("/v1/inboxes/line:test", json!({})).await;
    assert_eq!(tested["last_webhook"]["body"], "nonsense", "{tested}");
    let faults = tested["faults"].to_string();
    assert!(
        faults.contains("access_token") && faults.contains("LINE Developers"),
        "{tested}"
    );
    for (channel, secrets, settings, pointer) in [
        (
            "line",
            json!({ "bot_token": "x" }),
            json!({}),
            "/secrets/bot_token",
        ),
        (
            "line",
            json!({}),
            json!({ "platform_url": "http://example.com" }),
            "/settings/platform_url",
        ),
        (
            "web",
            json!({}),
            json!({ "platform_url": "https://example.com" }),
            "/settings/platform_url",
        ),
    ] {
        let body =
            json!({ "channel": channel, "name": "x", "secrets": secrets, "settings": settings });
        let (status, problem) = app
            .request(Method::PUT, "/v1/inboxes/other", Some(body))
            .await;
        assert_eq!(
            (status.as_u16(), &problem["errors"][0]["pointer"]),
            (422, &json!(pointer)),
            "{problem}"
        );
    }
    app.stop().await;
}
