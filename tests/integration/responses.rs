//! Platforms that take their reply in the response to a webhook: WeChat and telephone calls by Twilio. And what customers
//! withdraw, in what order they follow and block, and what may be sent after a while.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use ken::app::App;
use ken_base::domain::Clock;
use reqwest::Method;
use ring::{digest, hmac};
use serde_json::{Value, json};

use crate::channels::{Platform, line_text};
use crate::support::{TestApp, config_in, embedder};

const QUESTION: &str = "DoorMate K1 可以裝在玻璃門嗎？";

fn wechat_address(app: &TestApp) -> String {
    let (stamp, nonce) = (Timestamp::now().as_second().to_string(), "n0nce");
    let mut signed = ["t0ken", stamp.as_str(), nonce];
    signed.sort_unstable();
    let signature = digest::digest(
        &digest::SHA1_FOR_LEGACY_USE_ONLY,
        signed.concat().as_bytes(),
    );
    let signature: String = signature
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!(
        "{}/v1/inboxes/wechat/webhook?signature={signature}&timestamp={stamp}&nonce={nonce}",
        app.address
    )
}

fn wechat_text(id: &str, text: &str) -> String {
    let now = Timestamp::now().as_second();
    format!(
        "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[o-mei]]></FromUserName>\
         <CreateTime>{now}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{text}]]></Content>\
         <MsgId>{id}</MsgId></xml>"
    )
}

impl TestApp {
    async fn by_wechat(&self, id: &str, text: &str) -> (u16, String) {
        let request = self
            .client
            .post(wechat_address(self))
            .body(wechat_text(id, text));
        let reply = request.send().await.unwrap();
        (reply.status().as_u16(), reply.text().await.unwrap())
    }

    async fn set_inbox(&self, channel: &str, platform: &Platform, burst_ms: u32, secrets: Value) {
        let settings = json!({ "mode": "live", "burst_ms": burst_ms, "auto_send_level": "balanced", "platform_url": platform.address });
        let body = json!({ "channel": channel, "name": channel, "settings": settings, "secrets": secrets });
        let path = format!("/v1/inboxes/{channel}");
        let (status, inbox) = self.request(Method::PUT, &path, Some(body)).await;
        assert!(status.is_success(), "{inbox}");
    }

    async fn agent_writes(&self, inbox: &str, body: Value) -> (u16, Value) {
        let id = self.on(inbox).await[0]["id"].clone();
        let path = format!("/v1/conversations/{}/messages", id.as_str().unwrap());
        let (status, reply) = self.post(&path, body).await;
        (status.as_u16(), reply)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wechat_is_answered_in_the_response_and_pushed_to_when_it_is_late() {
    let (app, platform) = (TestApp::with_shop().await, Platform::start().await);
    let secrets = json!({ "app_id": "wx1", "app_secret": "s3cret", "token": "t0ken" });
    app.set_inbox("wechat", &platform, 0, secrets).await;
    let check = app
        .client
        .get(format!("{}&echostr=hello", wechat_address(&app)));
    assert_eq!(check.send().await.unwrap().text().await.unwrap(), "hello");
    let forged = wechat_address(&app).replace("n0nce", "other");
    let forged = app.client.post(forged).body(wechat_text("1", QUESTION));
    assert_eq!(forged.send().await.unwrap().status(), 401);

    let (status, reply) = app.by_wechat("1", QUESTION).await;
    assert_eq!(status, 200, "{reply}");
    assert!(
        reply.contains("玻璃") && reply.contains("<ToUserName><![CDATA[o-mei]]>"),
        "{reply}"
    );
    app.delivered("wechat", "accepted").await;
    assert!(platform.calls().is_empty(), "{:?}", platform.calls());
    // The platform did not get the response and repeats its request: it gets the same one.
    let again = app.by_wechat("1", QUESTION).await.1;
    assert!(again.contains("玻璃"), "{again}");
    assert_eq!(app.thread("wechat").await.len(), 2);

    // What an agent writes is pushed, with an access token that is fetched once and again when it is refused.
    platform.replies_with(&[
        (200, json!({ "access_token": "at-1", "expires_in": 7200 })),
        (200, json!({ "errcode": 42001, "errmsg": "expired" })),
        (200, json!({ "access_token": "at-2", "expires_in": 7200 })),
        (200, json!({ "errcode": 0 })),
    ]);
    let (status, acted) = app
        .agent_writes("wechat", json!({ "text": "我是小美，我來幫您。" }))
        .await;
    assert_eq!(status, 201, "{acted}");
    let calls = platform.called(4).await;
    let paths: Vec<&str> = calls.iter().map(|call| call.path.as_str()).collect();
    let send = "/cgi-bin/message/custom/send?access_token=";
    assert_eq!(
        paths,
        [
            "/cgi-bin/stable_token",
            &format!("{send}at-1"),
            "/cgi-bin/stable_token",
            &format!("{send}at-2")
        ]
    );
    assert_eq!(calls[3].body["touser"], "o-mei");
    app.delivered("wechat", "accepted").await;
    // People answer now: the request is acknowledged at once.
    let asked_at = std::time::Instant::now();
    assert_eq!(
        app.by_wechat("2", "還在嗎？").await,
        (200, "success".to_owned())
    );
    assert!(asked_at.elapsed() < std::time::Duration::from_millis(4_400));

    // An answer that is made after 4.5 seconds is pushed, though the platform got its acknowledgement.
    let id = app.on("wechat").await[0]["id"].clone();
    app.act(&id, "return", json!({})).await;
    platform.called(4).await;
    app.set_inbox("wechat", &platform, 5_000, json!({})).await;
    platform.replies_with(&[(200, json!({ "errcode": 0 }))]);
    let before = platform.calls().len();
    assert_eq!(
        app.by_wechat("3", "退款要多久？").await,
        (200, "success".to_owned())
    );
    let calls = platform.called(before + 1).await;
    let pushed = calls.last().unwrap();
    assert_eq!(pushed.path, format!("{send}at-2"));
    assert_eq!(pushed.body["msgtype"], "text");
}

#[tokio::test(flavor = "multi_thread")]
async fn call_is_answered_in_the_response() {
    let (app, platform) = (TestApp::with_shop().await, Platform::start().await);
    let secrets = json!({ "account_sid": "AC1", "auth_token": "t0ken", "language": "zh-TW" });
    app.set_inbox("phone", &platform, 0, secrets).await;
    let url = format!("{}/v1/inboxes/phone/webhook", app.address);
    let call = async |url: &str, fields: &[(&str, &str)], token: &str| {
        let mut sorted = fields.to_vec();
        sorted.sort_unstable();
        let signed = sorted
            .iter()
            .fold(url.to_owned(), |all, (name, value)| all + name + value);
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes());
        let signature = STANDARD.encode(hmac::sign(&key, signed.as_bytes()));
        let mut form = form_urlencoded::Serializer::new(String::new());
        let request = app.client.post(url).header("x-twilio-signature", signature);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let reply = request
            .body(form.extend_pairs(fields).finish())
            .send()
            .await
            .unwrap();
        (reply.status().as_u16(), reply.text().await.unwrap())
    };
    let ringing = [
        ("CallSid", "CA1"),
        ("From", "+886912345678"),
        ("CallStatus", "ringing"),
    ];
    assert_eq!(call(&url, &ringing, "other").await.0, 401);
    let (status, document) = call(&url, &ringing, "t0ken").await;
    assert_eq!(status, 200, "{document}");
    assert!(document.contains("<Gather"), "{document}");
    assert!(app.on("phone").await.is_empty(), "nothing was said yet");

    // The address where the next turn is to be sent is in the document.
    let action = document
        .split("action=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let action = action.unwrap_or(&url).replace("&amp;", "&");
    let spoken = [
        ("CallSid", "CA1"),
        ("From", "+886912345678"),
        ("CallStatus", "in-progress"),
        ("SpeechResult", QUESTION),
        ("Confidence", "0.91"),
    ];
    let (status, document) = call(&action, &spoken, "t0ken").await;
    assert_eq!(status, 200, "{document}");
    assert!(
        document.contains("<Say") && document.contains("玻璃"),
        "{document}"
    );
    assert!(document.contains("<Gather"), "it listens on: {document}");
    app.delivered("phone", "accepted").await;
    let (_, found) = app.get("/v1/customers").await;
    let caller = &found["customers"][0];
    assert_eq!(
        caller["verified_by"],
        Value::Null,
        "the number is no proof: {caller}"
    );
    assert!(platform.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawn_message_is_erased_and_old_reports_change_nothing() {
    let (app, platform) = (TestApp::with_shop().await, Platform::start().await);
    let secrets = json!({ "channel_secret": "line-secret", "access_token": "line-token" });
    app.set_inbox("line", &platform, 0, secrets).await;
    app.by_line(line_text("1", "token-1", QUESTION)).await;
    platform.called(1).await;
    let user = json!({ "type": "user", "userId": "U-mei" });
    let now = Timestamp::now().as_millisecond();
    let event = |kind: &str, id: &str, at: i64| json!({ "type": kind, "mode": "active", "timestamp": at, "webhookEventId": id, "source": user, "unsend": { "messageId": "1" } });
    app.by_line(event("unsend", "01S", now)).await;
    let thread = app.thread("line").await;
    assert_eq!(thread[0]["parts"], json!([]));
    assert!(!thread[0]["erased_at"].is_null());
    // Delivered again, it stays erased.
    app.by_line(line_text("1", "token-1", QUESTION)).await;
    assert_eq!(app.thread("line").await[0]["parts"], json!([]));

    // Blocked and followed again; the report of the block comes last.
    app.by_line(event("follow", "01F", now + 20)).await;
    app.by_line(event("unfollow", "01B", now + 10)).await;
    let (status, _) = app
        .agent_writes("line", json!({ "text": "歡迎回來" }))
        .await;
    assert_eq!(status, 201);
    app.delivered("line", "accepted").await;
    app.by_line(event("unfollow", "01C", now + 30)).await;
    app.agent_writes("line", json!({ "text": "還在嗎？" }))
        .await;
    app.delivered("line", "failed").await;
}

/// A service whose time is set.
async fn at(clock: &Clock) -> TestApp {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let config = config_in(folder.path());
    let encoder = tokio::task::spawn_blocking(embedder).await.unwrap();
    let app = App::build_at(config, encoder, clock.clone()).await.unwrap();
    TestApp::serve(Arc::new(app), folder).await
}

#[tokio::test(flavor = "multi_thread")]
async fn way_of_a_message_depends_on_how_long_ago_the_customer_wrote() {
    let start = Timestamp::now();
    let clock = Clock::fixed(start);
    let (app, platform) = (at(&clock).await, Platform::start().await);
    let secrets = json!({ "channel_secret": "line-secret", "access_token": "line-token" });
    app.set_inbox("line", &platform, 0, secrets).await;
    // An agent answers, so that the time passes before the reply.
    for (id, seconds, expected) in [("1", 40, "reply"), ("2", 55, "push")] {
        clock.set(start);
        app.by_line(line_text(id, &format!("token-{id}"), "轉真人客服"))
            .await;
        let before = platform.calls().len();
        clock.set(start + SignedDuration::from_secs(seconds));
        app.agent_writes("line", json!({ "text": "您好" })).await;
        let calls = platform.called(before + 1).await;
        assert!(
            calls.last().unwrap().path.ends_with(expected),
            "{seconds} s: {calls:?}"
        );
        app.delivered("line", "accepted").await;
    }

    clock.set(start);
    let secrets = json!({ "app_secret": "app-secret", "verify_token": "v", "access_token": "t", "phone_number_id": "15" });
    app.set_inbox("whatsapp", &platform, 0, secrets).await;
    let message = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": {
        "messaging_product": "whatsapp", "metadata": { "display_phone_number": "1", "phone_number_id": "15" },
        "contacts": [{ "wa_id": "886912345678", "profile": { "name": "Mei" } }],
        "messages": [{ "from": "886912345678", "id": "wamid.1", "timestamp": start.as_second().to_string(), "type": "text", "text": { "body": "轉真人客服" } }],
    } }] }] });
    assert_eq!(app.by_meta("whatsapp", &message).await.0, 200);
    clock.set(start + SignedDuration::from_hours(25));
    let (status, problem) = app
        .agent_writes("whatsapp", json!({ "text": "您好" }))
        .await;
    assert_eq!(status, 409, "{problem}");
    assert!(
        problem["detail"].as_str().unwrap().contains("template"),
        "{problem}"
    );
    let template = json!({ "type": "template", "name": "order_ready", "language": "zh_TW", "parameters": ["A-1"] });
    let both = json!([template, { "type": "text", "text": "x" }]);
    assert_eq!(
        app.agent_writes("whatsapp", json!({ "parts": both }))
            .await
            .0,
        422
    );
    let before = platform.calls().len();
    let (status, acted) = app
        .agent_writes("whatsapp", json!({ "parts": [template] }))
        .await;
    assert_eq!(status, 201, "{acted}");
    let calls = platform.called(before + 1).await;
    let sent = &calls.last().unwrap().body;
    assert_eq!(
        (&sent["type"], &sent["template"]["name"]),
        (&json!("template"), &json!("order_ready"))
    );
    let (status, problem) = app
        .agent_writes("line", json!({ "parts": [template] }))
        .await;
    assert_eq!(status, 422, "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn file_of_a_customer_becomes_an_attachment() {
    let (app, platform) = (TestApp::start().await, Platform::start().await);
    let secrets = json!({ "channel_secret": "line-secret", "access_token": "line-token" });
    app.set_inbox("line", &platform, 0, secrets).await;
    // The platform fails once; what it sends then is the file.
    let file = json!({ "content": "of the file" });
    platform.replies_with(&[(503, json!({})), (200, file.clone())]);
    let mut event = line_text("77", "token-77", "");
    event["message"] =
        json!({ "type": "image", "id": "77", "contentProvider": { "type": "line" } });
    assert_eq!(app.by_line(event).await.0, 200);
    let stored = app.thread("line").await;
    assert_eq!(
        stored[0]["parts"][0]["type"], "other",
        "it is stored before its file"
    );
    let calls = platform.called(2).await;
    assert!(
        calls
            .iter()
            .all(|call| call.path == "/v2/bot/message/77/content"),
        "{calls:?}"
    );
    assert_eq!(calls[1].header("authorization"), "Bearer line-token");
    let start = std::time::Instant::now();
    let part = loop {
        let part = app.thread("line").await[0]["parts"][0].clone();
        if part["type"] == "attachment" {
            break part;
        }
        assert!(
            start.elapsed() < std::time::Duration::from_secs(60),
            "{part}"
        );
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    let url = format!(
        "{}/v1/attachments/{}",
        app.address,
        part["sha256"].as_str().unwrap()
    );
    let body = app
        .client
        .get(url)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), file);
    // Nobody but the platform names what is fetched.
    let chosen = json!({ "type": "message", "id": "m1", "sender": { "user_id": "u" }, "parts": [{ "type": "other", "kind": "image", "media_id": "78" }] });
    let (status, problem) = app.post("/v1/inboxes/line/messages", chosen).await;
    assert_eq!(status, 422, "{problem}");
}
