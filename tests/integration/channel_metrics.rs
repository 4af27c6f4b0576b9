//! Metrics of channels: real traffic of a service in a process of its own, so that nothing else is counted.

use std::io::BufReader;
use std::process::ChildStdout;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use ken::app::default_workspace;
use ken_base::desk::{ChannelKind, InboxId};
use ken_base::domain::WorkspaceId;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::channels::{Platform, hex, line_text, signed};
use crate::crash::{Service, serve};
use crate::support::{TestApp, client, root};

const QUESTION: &str = "退款要幾天？";
const DOCUMENTS: [(&str, &str); 4] = [
    ("refunds", "# 退款\n\n退款會在 7 個工作天內退回。"),
    ("a", "# 洗衣\n\n洗衣每袋 180 元。"),
    ("b", "# 寵物\n\n寵物每晚加收 500 元。"),
    ("c", "# 早餐\n\n早餐 6:30 開始供應。"),
];
/// One of its three questions has no answer here.
const THREE: &str = "洗衣每袋多少？有接駁車嗎？早餐幾點開始？";

/// A serving process with some documents.
struct Running {
    address: String,
    client: Client,
    _service: Service,
    _printed: BufReader<ChildStdout>,
    _folder: TempDir,
}

impl Running {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (service, address, printed) = serve(folder.path());
        let this = Self {
            address,
            client: client(),
            _service: service,
            _printed: printed,
            _folder: folder,
        };
        for (id, text) in DOCUMENTS {
            let path = format!("/v1/documents/{id}?wait=indexed");
            let document = json!({ "text": text });
            assert_eq!(this.send(Method::PUT, &path, document).await.0, 201);
        }
        this
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let request = self
            .client
            .request(method, format!("{}{path}", self.address));
        let reply = request.json(&body).send().await.unwrap();
        (reply.status().as_u16(), reply.json().await.unwrap())
    }

    async fn connect(&self, id: &str, channel: &str, settings: Value, secrets: Value) {
        let mut all = json!({ "mode": "live", "burst_ms": 0, "auto_send_level": "balanced" });
        for (name, value) in settings.as_object().unwrap() {
            all[name] = value.clone();
        }
        let body = json!({ "channel": channel, "name": id, "settings": all, "secrets": secrets });
        let path = format!("/v1/inboxes/{id}");
        let (status, inbox) = self.send(Method::PUT, &path, body).await;
        assert_eq!(status, 201, "{inbox}");
    }

    /// A request to a webhook. Returns its status.
    async fn hook(&self, inbox: &str, body: &str, headers: &[(&str, String)]) -> u16 {
        let url = format!("{}/v1/inboxes/{inbox}/webhook", self.address);
        let mut request = self.client.post(url).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        request.send().await.unwrap().status().as_u16()
    }

    async fn by_line(&self, body: &str) -> u16 {
        let signature = STANDARD.encode(signed("line-secret", &[body.as_bytes()]));
        self.hook("line", body, &[("x-line-signature", signature)])
            .await
    }

    /// A message of a person to the bot on Telegram.
    async fn by_telegram(&self, person: i64) {
        let body = json!({ "update_id": person, "message": {
            "date": Timestamp::now().as_second(), "chat": { "id": person, "type": "private" },
            "from": { "first_name": "Mei" }, "text": QUESTION,
        } });
        let header = (
            "x-telegram-bot-api-secret-token",
            "telegram-secret".to_owned(),
        );
        let status = self.hook("telegram", &body.to_string(), &[header]).await;
        assert_eq!(status, 200);
    }

    async fn metrics(&self) -> String {
        let url = format!("{}/metrics", self.address);
        let reply = self.client.get(url).send().await.unwrap();
        reply.text().await.unwrap()
    }

    /// The metrics as soon as a series has a value.
    async fn until(&self, series: &str, expected: f64) -> String {
        let start = Instant::now();
        loop {
            let metrics = self.metrics().await;
            if value(&metrics, series) == Some(expected) {
                return metrics;
            }
            let over = start.elapsed() > Duration::from_secs(60);
            assert!(!over, "{series} is not {expected}:\n{metrics}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The value of a series, written with its labels.
fn value(metrics: &str, series: &str) -> Option<f64> {
    let mut lines = metrics.lines();
    let found = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    found.parse().ok()
}

fn outcome(of: &str, channel: &str, outcome: &str) -> String {
    format!("ken_{of}_total{{channel=\"{channel}\",outcome=\"{outcome}\"}}")
}

fn direction(channel: &str, direction: &str) -> String {
    format!("ken_messages_total{{channel=\"{channel}\",direction=\"{direction}\"}}")
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_what_channels_deliver_and_send() {
    let (service, platform) = (Running::start().await, Platform::start().await);
    let at = json!({ "platform_url": platform.address });
    let line = json!({ "channel_secret": "line-secret", "access_token": "line-token" });
    service.connect("line", "line", at.clone(), line).await;
    let telegram = json!({ "bot_token": "1:a", "secret_token": "telegram-secret" });
    service
        .connect("telegram", "telegram", at.clone(), telegram)
        .await;
    let whatsapp = json!({ "app_secret": "app-secret", "verify_token": "mine", "access_token": "t", "phone_number_id": "10" });
    service.connect("whatsapp", "whatsapp", at, whatsapp).await;

    // Every series begins at 0.
    let metrics = service.metrics().await;
    for series in [
        outcome("deliveries", "line", "reconnect"),
        outcome("webhook_requests", "line", "taken"),
        direction("telegram", "in"),
        "ken_deliveries_waiting{channel=\"line\"}".to_owned(),
        "ken_deliveries_oldest_seconds{channel=\"line\"}".to_owned(),
        "ken_replies_waiting".to_owned(),
    ] {
        assert_eq!(value(&metrics, &series), Some(0.0), "{series}\n{metrics}");
    }

    line_is_counted(&service).await;
    slack_is_counted(&service).await;
    telegram_is_counted(&service, &platform).await;
    closed_window_is_counted(&service).await;
    generic_is_counted(&service).await;

    // The same question twice, and one whose answer has a note.
    for (question, notes) in [
        (QUESTION, json!([])),
        (QUESTION, json!([])),
        (THREE, json!(["partly_answered"])),
    ] {
        let asked = json!({ "question": question });
        let (_, answer) = service.send(Method::POST, "/v1/answers", asked).await;
        assert_eq!(answer["notes"], notes, "{answer}");
    }
    let metrics = service.metrics().await;
    for private in ["Mei", "U-mei", "cnv_", "idn_", "msg_", QUESTION] {
        assert!(!metrics.contains(private), "{private} is in\n{metrics}");
    }
    assert_documents_use_existing_metrics(&metrics);
}

/// Requests of LINE that are refused, and a message that was written 40 s before it came.
async fn line_is_counted(service: &Running) {
    let mut event = line_text("1", "token-1", QUESTION);
    let written = Timestamp::now() - SignedDuration::from_secs(40);
    event["timestamp"] = json!(written.as_millisecond());
    let body = json!({ "destination": "U0", "events": [event] }).to_string();
    let forged = [("x-line-signature", "forged".to_owned())];
    assert_eq!(service.hook("line", &body, &forged).await, 401);
    assert_eq!(service.by_line("nonsense").await, 400);
    let large = "x".repeat(2 << 20);
    assert_eq!(service.hook("line", &large, &forged).await, 413);
    assert_eq!(service.hook("none", &body, &forged).await, 404);
    // The platform delivers it twice.
    assert_eq!(service.by_line(&body).await, 200);
    assert_eq!(service.by_line(&body).await, 200);
    let accepted = outcome("deliveries", "line", "accepted");
    let metrics = service.until(&accepted, 1.0).await;
    let requests = |channel, is| outcome("webhook_requests", channel, is);
    for (series, expected) in [
        (requests("line", "forged"), 1.0),
        (requests("line", "malformed"), 1.0),
        (requests("line", "too_large"), 1.0),
        (requests("line", "taken"), 2.0),
        (requests("none", "unknown_inbox"), 1.0),
        (direction("line", "in"), 1.0),
        (direction("line", "out"), 1.0),
        (
            "ken_webhook_lag_seconds_bucket{channel=\"line\",le=\"30\"}".to_owned(),
            0.0,
        ),
        (
            "ken_webhook_lag_seconds_bucket{channel=\"line\",le=\"300\"}".to_owned(),
            2.0,
        ),
        (
            "ken_delivery_seconds_count{channel=\"line\"}".to_owned(),
            1.0,
        ),
        (
            "ken_reply_seconds_bucket{channel=\"line\",le=\"30\"}".to_owned(),
            0.0,
        ),
        ("ken_reply_seconds_count{channel=\"line\"}".to_owned(), 1.0),
    ] {
        let found = value(&metrics, &series);
        assert_eq!(found, Some(expected), "{series}\n{metrics}");
    }
}

/// A check of the address, and the same ten minutes after it was signed.
async fn slack_is_counted(service: &Running) {
    let secrets = json!({ "signing_secret": "slack-secret" });
    service.connect("slack", "slack", json!({}), secrets).await;
    let body = json!({ "type": "url_verification", "challenge": "c0" }).to_string();
    let now = Timestamp::now().as_second();
    for (at, expected) in [(now, 200), (now - 600, 401)] {
        let at = at.to_string();
        let parts = [b"v0:", at.as_bytes(), b":", body.as_bytes()];
        let signature = format!("v0={}", hex(&signed("slack-secret", &parts)));
        let headers = [
            ("x-slack-request-timestamp", at.clone()),
            ("x-slack-signature", signature),
        ];
        let status = service.hook("slack", &body, &headers).await;
        assert_eq!(status, expected);
    }
    let metrics = service.metrics().await;
    for is in ["challenge", "stale"] {
        let series = outcome("webhook_requests", "slack", is);
        assert_eq!(value(&metrics, &series), Some(1.0), "{series}\n{metrics}");
    }
}

/// Attempts that the platform refuses, each in its own way, and a message that an agent overtakes.
async fn telegram_is_counted(service: &Running, platform: &Platform) {
    let deliveries = |is| outcome("deliveries", "telegram", is);
    let later = json!({ "ok": false, "error_code": 429, "parameters": { "retry_after": 3_600 } });
    platform.replies_with(&[(429, later)]);
    service.by_telegram(1).await;
    service.until(&deliveries("retry"), 1.0).await;
    let list = "/v1/conversations?inbox_id=telegram";
    let (_, list) = service.send(Method::GET, list, Value::Null).await;
    let id = list["conversations"][0]["id"].as_str().unwrap();
    let path = format!("/v1/conversations/{id}/messages");
    let written = json!({ "text": "我是小美，我來幫您。" });
    assert_eq!(service.send(Method::POST, &path, written).await.0, 201);
    let metrics = service.until(&deliveries("accepted"), 1.0).await;
    assert_eq!(value(&metrics, &deliveries("cancelled")), Some(1.0));
    assert_eq!(value(&metrics, &direction("telegram", "out")), Some(2.0));
    let replies = "ken_reply_seconds_count{channel=\"telegram\"}";
    assert_eq!(value(&metrics, replies), None, "an agent's is no reply");

    let refused = json!({ "ok": false, "error_code": 401, "description": "Unauthorized" });
    platform.replies_with(&[(401, refused)]);
    service.by_telegram(2).await;
    service.until(&deliveries("reconnect"), 1.0).await;
    let blocked = json!({ "ok": false, "error_code": 403, "description": "Forbidden" });
    platform.replies_with(&[(403, blocked)]);
    service.by_telegram(3).await;
    let metrics = service.until(&deliveries("failed"), 1.0).await;
    assert_eq!(value(&metrics, &deliveries("retry")), Some(1.0));
}

/// A question that came after WhatsApp's window of a day had closed.
async fn closed_window_is_counted(service: &Running) {
    let written = Timestamp::now() - SignedDuration::from_hours(25);
    let body = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": {
        "metadata": { "phone_number_id": "10" },
        "contacts": [{ "profile": { "name": "Mei" }, "wa_id": "886912345678" }],
        "messages": [{ "from": "886912345678", "id": "wamid.1", "timestamp": written.as_second().to_string(),
            "type": "text", "text": { "body": QUESTION } }],
    } }] }] })
    .to_string();
    let signature = format!("sha256={}", hex(&signed("app-secret", &[body.as_bytes()])));
    let header = ("x-hub-signature-256", signature);
    assert_eq!(service.hook("whatsapp", &body, &[header]).await, 200);
    let expired = outcome("deliveries", "whatsapp", "expired");
    service.until(&expired, 1.0).await;
}

/// A channel that reads its replies, a person's message on its own app, and an inbox in the shadow.
async fn generic_is_counted(service: &Running) {
    let none = json!({});
    service
        .connect("shop", "generic", none.clone(), none.clone())
        .await;
    let shadow = json!({ "mode": "shadow" });
    service.connect("quiet", "generic", shadow, none).await;
    for (inbox, kind, id) in [
        ("shop", "message", "m1"),
        ("shop", "echo", "m2"),
        ("quiet", "message", "m3"),
    ] {
        let person = json!({ "user_id": format!("person-{id}") });
        let body = json!({ "type": kind, "id": id, "sender": person, "text": QUESTION });
        let path = format!("/v1/inboxes/{inbox}/messages");
        let (status, reply) = service.send(Method::POST, &path, body).await;
        assert_eq!(status, 200, "{reply}");
    }
    service.until(&direction("generic", "shadow"), 1.0).await;
    let accepted = outcome("deliveries", "generic", "accepted");
    let metrics = service.until(&accepted, 1.0).await;
    for (of, expected) in [("in", 2.0), ("out", 1.0), ("echo", 1.0)] {
        assert_eq!(value(&metrics, &direction("generic", of)), Some(expected));
    }
    let replies = "ken_reply_seconds_count{channel=\"generic\"}";
    assert_eq!(value(&metrics, replies), Some(1.0), "not the shadow's");
}

/// The dashboard, the alert rules and the guide name metrics that exist, and the guide names all that exist.
fn assert_documents_use_existing_metrics(metrics: &str) {
    let exist: Vec<&str> = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect();
    let name = regex::Regex::new("ken_[a-z_]+").unwrap();
    let guides = root().join("docs/guides");
    let read = |file: &str| std::fs::read_to_string(guides.join(file)).unwrap();
    let production = read("production.md");
    let table = production
        .lines()
        .filter(|line| line.starts_with("| `ken_"));
    let table: String = table.map(|line| format!("{line}\n")).collect();
    for (file, text, least) in [
        ("grafana.json", read("grafana.json"), 25),
        ("alerts.yml", read("alerts.yml"), 20),
        ("production.md", table.clone(), 25),
    ] {
        let named: Vec<&str> = name.find_iter(&text).map(|found| found.as_str()).collect();
        assert!(named.len() >= least, "{file}: {}", named.len());
        for named in named {
            let series = ["_bucket", "_count", "_sum"];
            let mut series = series.iter().filter_map(|end| named.strip_suffix(end));
            let base = series.next().unwrap_or(named);
            assert!(exist.contains(&base), "{file} names {named}:\n{metrics}");
        }
    }
    for metric in exist {
        let is_named = table.contains(&format!("`{metric}`"));
        assert!(is_named, "production.md does not name {metric}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn backlog_counts_what_is_due_by_channel() {
    let (app, platform) = (TestApp::with_shop().await, Platform::start().await);
    let secrets = json!({ "channel_secret": "line-secret", "access_token": "line-token" });
    app.connect_platform("line", &platform, secrets).await;
    app.connect("site", "generic", json!({ "burst_ms": 10_000 }))
        .await;
    // The reply and the three times that it is tried at once.
    platform.replies_with(&vec![(500, json!({ "message": "error" })); 4]);
    app.by_line(line_text("1", "t1", QUESTION)).await;
    platform.called(4).await;
    app.says("site", "mei", "m1", QUESTION).await;
    let store = &app.app.store;
    let backlog = async |hours| {
        let at = store.now() + SignedDuration::from_hours(hours);
        (at, store.desk_backlog(at).await.unwrap())
    };
    // LINE's message waits for its second attempt.
    let start = Instant::now();
    let (at, due) = loop {
        let (at, due) = backlog(1).await;
        if due.deliveries[&ChannelKind::Line].n == 1 {
            break (at, due);
        }
        assert!(start.elapsed() < Duration::from_secs(4), "{due:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let since = due.deliveries[&ChannelKind::Line].since.unwrap();
    let age = at.duration_since(since).as_secs();
    assert!((3_590..=3_600).contains(&age), "{age}");
    assert_eq!(due.deliveries[&ChannelKind::Generic].n, 0);
    assert_eq!(due.replies.n, 1, "the site's answer is due in ten seconds");
    let (_, now) = backlog(0).await;
    assert_eq!((now.replies.n, now.replies.since), (0, None));
    app.stop().await;
}

/// The last request of a platform may have words of a customer.
#[tokio::test(flavor = "multi_thread")]
async fn last_request_is_forgotten_with_what_is_erased() {
    let (app, platform) = (TestApp::start().await, Platform::start().await);
    let secrets = json!({ "channel_secret": "line-secret", "access_token": "line-token" });
    app.connect_platform("line", &platform, secrets).await;
    let (inbox, workspace) = (InboxId::parse("line").unwrap(), default_workspace());
    let last = || {
        let lasts = app.app.desk.last_webhooks();
        lasts.get(&workspace, &inbox, app.app.store.now())
    };
    for (n, erased) in ["conversation", "customer", "old"].iter().enumerate() {
        let id = n.to_string();
        assert_eq!(app.by_line(line_text(&id, &id, "秘密")).await.0, 200);
        assert!(last().unwrap().body.contains("秘密"), "{erased}");
        let (_, list) = app.get("/v1/conversations?inbox_id=line").await;
        let newest = &list["conversations"][0];
        let (conversation, identity) = (&newest["id"], &newest["identity_id"]);
        let path = match *erased {
            "conversation" => format!("/v1/conversations/{}", conversation.as_str().unwrap()),
            "customer" => format!("/v1/customers/{}", identity.as_str().unwrap()),
            _ => {
                let ids = Vec::new();
                let before = app.app.store.now();
                let desk = &app.app.desk;
                desk.erase_before(workspace.clone(), ids, before)
                    .await
                    .unwrap();
                assert_eq!(last(), None, "{erased}");
                continue;
            }
        };
        let (status, reply) = app.request(Method::DELETE, &path, None).await;
        assert_eq!(status, 200, "{reply}");
        assert_eq!(last(), None, "{erased}");
    }
    app.by_line(line_text("9", "9", "秘密")).await;
    assert!(last().is_some());
    let (status, reply) = app
        .request(Method::DELETE, "/v1/workspaces/default", None)
        .await;
    assert_eq!(status, 200, "{reply}");
    assert_eq!(last(), None);
    let other = WorkspaceId::parse("other").unwrap();
    let lasts = app.app.desk.last_webhooks();
    assert_eq!(lasts.get(&other, &inbox, app.app.store.now()), None);
    app.stop().await;
}
