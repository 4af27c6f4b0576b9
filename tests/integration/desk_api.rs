//! The desk over HTTP: inboxes, the generic channel, what agents do, customers, the stream of events, and the web chat.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jsonwebtoken::{EncodingKey, Header, encode};
use reqwest::{Method, StatusCode};
use ring::hmac;
use serde_json::{Value, json};
use tokio_stream::StreamExt;

use crate::keys::Keyed;
use crate::support::{TestApp, pointers};

const QUESTION: &str = "DoorMate K1 可以裝在玻璃門嗎？";
const KEY: &str = "0123456789abcdef0123456789abcdef";

/// A token that the company signs for somebody.
fn token(sub: &str, more: &Value) -> String {
    let now = Timestamp::now().as_second();
    let mut claims = json!({ "sub": sub, "iat": now, "exp": now + 600 });
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let key = EncodingKey::from_secret(KEY.as_bytes());
    encode(&Header::default(), &claims, &key).unwrap()
}

impl TestApp {
    /// Connects an inbox whose bot answers at once.
    pub async fn connect(&self, id: &str, channel: &str, more: Value) -> Value {
        let mut settings = json!({ "mode": "live", "burst_ms": 0, "auto_send_level": "balanced" });
        for (name, value) in more.as_object().unwrap() {
            settings[name] = value.clone();
        }
        let body = json!({
            "channel": channel, "name": id.to_uppercase(), "settings": settings,
            "secrets": { "identity_key": KEY },
        });
        let path = format!("/v1/inboxes/{id}");
        let (status, inbox) = self.request(Method::PUT, &path, Some(body)).await;
        assert_eq!(status, 201, "{inbox}");
        inbox
    }

    /// Delivers something to an inbox; it must be taken.
    pub async fn deliver(&self, inbox: &str, body: Value) -> Value {
        let path = format!("/v1/inboxes/{inbox}/messages");
        let (status, reply) = self.post(&path, body).await;
        assert_eq!(status, 200, "{reply}");
        reply
    }

    pub async fn says(&self, inbox: &str, user: &str, id: &str, text: &str) -> Value {
        let sender = json!({ "user_id": user });
        let body = json!({ "type": "message", "id": id, "sender": sender, "text": text });
        self.deliver(inbox, body).await
    }

    /// The messages of a conversation as soon as what the customer wrote is answered.
    pub async fn answered(&self, conversation: &Value) -> Vec<Value> {
        let id = conversation.as_str().unwrap();
        let start = Instant::now();
        loop {
            let (_, found) = self.get(&format!("/v1/conversations/{id}")).await;
            let desk = &found["desk"];
            if desk["answered_seq"].as_i64() >= desk["last_in_seq"].as_i64() {
                let path = format!("/v1/conversations/{id}/messages");
                return self.get(&path).await.1["messages"]
                    .as_array()
                    .unwrap()
                    .clone();
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{found}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn act(
        &self,
        conversation: &Value,
        action: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        let id = conversation.as_str().unwrap();
        self.post(&format!("/v1/conversations/{id}:{action}"), body)
            .await
    }

    /// A request of a visitor's browser.
    pub async fn chat(
        &self,
        method: Method,
        path: &str,
        session: &str,
        body: Value,
    ) -> (u16, Value) {
        let url = format!("{}/v1/chat/{path}", self.address);
        let mut request = self.client.request(method, url).bearer_auth(session);
        if !body.is_null() {
            request = request.json(&body);
        }
        let reply = request.send().await.unwrap();
        (reply.status().as_u16(), reply.json().await.unwrap())
    }

    pub async fn open_chat(&self, more: Value) -> String {
        let mut body = json!({ "inbox_id": "site" });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let (status, opened) = self.post("/v1/chat/sessions", body).await;
        assert_eq!(status, 200, "{opened}");
        opened["session"].as_str().unwrap().to_owned()
    }

    /// The texts that a visitor reads, with who wrote them, as soon as there are `n`.
    pub async fn read_chat(&self, session: &str, n: usize) -> Vec<(String, String)> {
        let start = Instant::now();
        loop {
            let (status, page) = self
                .chat(Method::GET, "messages", session, Value::Null)
                .await;
            assert_eq!(status, 200, "{page}");
            let messages = page["messages"].as_array().unwrap();
            if messages.len() >= n {
                let read = |message: &Value| {
                    let text = message["parts"][0]["text"].as_str().unwrap().to_owned();
                    (message["author"].as_str().unwrap().to_owned(), text)
                };
                return messages.iter().map(read).collect();
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{page}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inbox_is_connected_and_its_secrets_are_never_shown() {
    let app = TestApp::start().await;
    let settings = json!({ "callback_url": "https://bot.example.com/ken" });
    let made = app.connect("shop", "generic", settings).await;
    let secret = made["webhook_secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"), "{made}");
    assert_eq!(made["secrets"], json!(["identity_key", "webhook_secret"]));
    let (_, read) = app.get("/v1/inboxes/shop").await;
    let (_, list) = app.get("/v1/inboxes").await;
    assert_eq!(list["inboxes"], json!([read]));
    let (_, audit) = app.get("/v1/audit").await;
    for shown in [&read, &list, &audit] {
        let text = shown.to_string();
        assert!(!text.contains(KEY) && !text.contains(secret), "{text}");
    }
    // Other secrets stay; a removed one is gone; a new inbox is in the shadow.
    let body = json!({ "channel": "generic", "name": "Shop", "secrets": { "identity_key": null } });
    let (status, changed) = app
        .request(Method::PUT, "/v1/inboxes/shop", Some(body))
        .await;
    assert_eq!(
        (status.as_u16(), &changed["secrets"]),
        (200, &json!(["webhook_secret"]))
    );
    assert_eq!(changed["settings"]["mode"], "shadow");
    for (body, places) in [
        (
            json!({ "channel": "web", "name": "Shop" }),
            vec!["/channel"],
        ),
        (
            json!({ "channel": "generic", "name": " ", "settings": { "burst_ms": 10_001, "window_hours": 0 } }),
            vec!["/name", "/settings/burst_ms", "/settings/window_hours"],
        ),
        (
            json!({ "channel": "generic", "name": "S", "settings": { "callback_url": "http://bot.example.com" } }),
            vec!["/settings/callback_url"],
        ),
        (
            json!({ "channel": "generic", "name": "S", "secrets": { "pin": "1", "webhook_secret": "x" } }),
            vec!["/secrets/pin", "/secrets/webhook_secret"],
        ),
    ] {
        let (status, problem) = app
            .request(Method::PUT, "/v1/inboxes/shop", Some(body))
            .await;
        assert_eq!(
            (status.as_u16(), pointers(&problem)),
            (422, places),
            "{problem}"
        );
    }
    let (status, _) = app.request(Method::DELETE, "/v1/inboxes/shop", None).await;
    assert_eq!(status, 200);
    assert_eq!(app.get("/v1/inboxes/shop").await.0, 404);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn generic_channel_delivers_once_and_reads_replies() {
    let app = TestApp::with_shop().await;
    app.connect("shop", "generic", json!({})).await;
    let first = app.says("shop", "mei", "m1", QUESTION).await;
    assert_eq!(first["is_known"], false);
    let again = app.says("shop", "mei", "m1", QUESTION).await;
    assert_eq!(
        again,
        json!({ "is_known": true, "message_id": null, "conversation_id": null, "seq": null })
    );
    let messages = app.answered(&first["conversation_id"]).await;
    assert_eq!(messages.len(), 2, "{messages:?}");
    let (_, out) = app.get("/v1/inboxes/shop/messages").await;
    let reply = &out["messages"][0];
    assert_eq!(reply["id"], messages[1]["id"]);
    assert!(
        reply["parts"][0]["text"].as_str().unwrap().contains("玻璃"),
        "{reply}"
    );
    let seq = reply["seq"].as_i64().unwrap();
    let (_, later) = app
        .get(&format!("/v1/inboxes/shop/messages?after={seq}"))
        .await;
    assert_eq!(later["messages"], json!([]));
    // The channel reports what became of it, in any order and again.
    for (id, state, is_known) in [
        ("d1", "read", false),
        ("d2", "delivered", true),
        ("d1", "read", true),
    ] {
        let report =
            json!({ "type": "delivery", "id": id, "message_id": reply["id"], "state": state });
        let reported = app.deliver("shop", report).await;
        assert_eq!(reported["is_known"], is_known, "{state}: {reported}");
    }
    let (_, out) = app.get("/v1/inboxes/shop/messages").await;
    assert_eq!(out["messages"][0]["delivery"], "read");

    let long = "長".repeat(20_001);
    let old = token("u1", &json!({ "exp": 1_000_000_000 }));
    let sender = json!({ "user_id": "mei" });
    for (body, places) in [
        (
            json!({ "type": "message", "id": "", "sender": {}, "text": "" }),
            vec!["/sender", "/text", "/id"],
        ),
        (
            json!({ "type": "message", "id": "x", "sender": sender, "text": long }),
            vec!["/text"],
        ),
        (
            json!({ "type": "message", "id": "x", "sender": sender }),
            vec!["/parts"],
        ),
        (
            json!({ "type": "message", "id": "x", "sender": { "token": old }, "text": "a" }),
            vec!["/sender/token"],
        ),
        (
            json!({ "type": "message", "id": "x", "sender": { "user_id": "m", "email": "x", "phone": "0912" }, "text": "a" }),
            vec!["/sender/email", "/sender/phone"],
        ),
        (
            json!({ "type": "delivery", "id": "x", "message_id": "msg_1", "state": "queued" }),
            vec!["/state"],
        ),
    ] {
        let (status, problem) = app.post("/v1/inboxes/shop/messages", body).await;
        assert_eq!(
            (status.as_u16(), pointers(&problem)),
            (422, places),
            "{problem}"
        );
    }
    let (status, _) = app
        .post(
            "/v1/inboxes/none/messages",
            json!({ "type": "message", "id": "x", "sender": sender, "text": "a" }),
        )
        .await;
    assert_eq!(status, 404);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spoken_turn_is_revised_until_it_is_final_and_then_answered() {
    let app = TestApp::with_shop().await;
    app.connect("line1", "phone", json!({})).await;
    let turn = |revision: u32, is_final: bool, text: &str| {
        json!({
            "type": "message", "id": "call1-turn1", "sender": { "user_id": "+886912345678" }, "text": text,
            "revision": revision, "is_final": is_final,
        })
    };
    let first = app.deliver("line1", turn(1, false, "DoorMate")).await;
    let third = app
        .deliver("line1", turn(3, false, "DoorMate K1 可以裝"))
        .await;
    assert_eq!(third["message_id"], first["message_id"]);
    let late = app.deliver("line1", turn(2, false, "DoorMate K1")).await;
    assert_eq!(
        late["is_known"], true,
        "an earlier version that arrives late"
    );
    let path = format!(
        "/v1/conversations/{}",
        first["conversation_id"].as_str().unwrap()
    );
    let (_, found) = app.get(&path).await;
    assert_eq!(
        found["desk"]["reply_due_at"],
        Value::Null,
        "the caller still speaks"
    );
    app.deliver("line1", turn(4, true, QUESTION)).await;
    let again = app.deliver("line1", turn(4, true, QUESTION)).await;
    assert_eq!(again["is_known"], true);
    let messages = app.answered(&first["conversation_id"]).await;
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert_eq!(messages[0]["parts"][0]["text"], QUESTION);
    assert!(
        messages[1]["parts"][0]["text"]
            .as_str()
            .unwrap()
            .contains("玻璃"),
        "{messages:?}"
    );
    // A caller's number can be forged: it is a claim, and verifies nobody.
    let (_, customers) = app.get("/v1/customers").await;
    assert_eq!(customers["customers"][0]["verified_by"], Value::Null);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn number_that_called_with_a_token_proves_nobody_later() {
    let app = TestApp::with_shop().await;
    app.connect("calls", "phone", json!({})).await;
    let number = "+886912345678";
    let with_token = json!({ "user_id": number, "token": token("u1", &json!({})) });
    let call = |id: &str, sender: Value| json!({ "type": "message", "id": id, "sender": sender, "text": QUESTION });
    let first = app.deliver("calls", call("c1", with_token)).await;
    app.answered(&first["conversation_id"]).await;
    let forged = app
        .deliver("calls", call("c2", json!({ "user_id": number })))
        .await;
    assert_ne!(forged["conversation_id"], first["conversation_id"]);
    let path = format!(
        "/v1/conversations/{}",
        forged["conversation_id"].as_str().unwrap()
    );
    assert_eq!(app.get(&path).await.1["desk"]["continues_id"], Value::Null);
    let alias = json!({ "type": "alias", "id": "a1", "sender": { "user_id": number }, "user_id": "+886900000000" });
    let (status, problem) = app.post("/v1/inboxes/calls/messages", alias).await;
    assert_eq!((status.as_u16(), pointers(&problem)), (422, vec!["/type"]));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_answered_leaves_what_can() {
    let app = TestApp::with_shop().await;
    app.connect("shop", "generic", json!({ "burst_ms": 300 }))
        .await;
    let sender = json!({ "user_id": "mei" });
    // A place within the burst.
    let asked = app.says("shop", "mei", "m1", QUESTION).await;
    let place = json!([{ "type": "location", "latitude": 25.0, "longitude": 121.5 }]);
    app.deliver(
        "shop",
        json!({ "type": "message", "id": "m2", "sender": sender, "parts": place }),
    )
    .await;
    let messages = app.answered(&asked["conversation_id"]).await;
    let out = |messages: &[Value]| {
        messages
            .iter()
            .filter(|one| one["direction"] == "out")
            .count()
    };
    assert_eq!(out(&messages), 1, "{messages:?}");
    // The last version of a turn may have no number; a correction of what was answered asks nothing.
    let turn = |more: Value| {
        let mut turn = json!({ "type": "message", "id": "t1", "sender": { "user_id": "ann" }, "text": QUESTION });
        turn.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        turn
    };
    let partial = app
        .deliver(
            "shop",
            turn(json!({ "revision": 1, "is_final": false, "text": "Door" })),
        )
        .await;
    let last = app.deliver("shop", turn(json!({}))).await;
    assert_eq!(last["message_id"], partial["message_id"]);
    assert_eq!(app.deliver("shop", turn(json!({}))).await["is_known"], true);
    assert_eq!(out(&app.answered(&partial["conversation_id"]).await), 1);
    // Another person's message with the same id changes nothing.
    let other = json!({ "sender": { "user_id": "bob" }, "revision": 9, "text": "別的" });
    assert_eq!(app.deliver("shop", turn(other)).await["is_known"], true);
    // What a person wrote on the channel's own app is not sent again.
    let echo = json!({ "type": "echo", "id": "e1", "sender": sender, "text": "我來幫您" });
    app.deliver("shop", echo).await;
    let (_, to_send) = app.get("/v1/inboxes/shop/messages").await;
    assert!(!to_send.to_string().contains("我來幫您"), "{to_send}");

    // An inbox that goes into the shadow, or away, leaves nothing due for ever.
    let path = "/v1/inboxes/shop";
    let shadow = json!({ "channel": "generic", "name": "S", "settings": { "mode": "shadow", "burst_ms": 3_000 } });
    assert_eq!(app.request(Method::PUT, path, Some(shadow)).await.0, 200);
    let later = app.says("shop", "eve", "s1", QUESTION).await;
    let ann = app.says("shop", "ann", "s2", QUESTION).await;
    let found = async |of: &Value| {
        app.get(&format!(
            "/v1/conversations/{}",
            of["conversation_id"].as_str().unwrap()
        ))
        .await
        .1["desk"]
            .clone()
    };
    assert_eq!(
        found(&ann).await["responder"],
        "human",
        "the bot answered her before"
    );
    assert!(found(&later).await["reply_due_at"].is_string());
    assert_eq!(app.request(Method::DELETE, path, None).await.0, 200);
    let store = &app.app.store;
    crate::cases::wait_until(async || {
        store
            .next_desk_work(jiff::Timestamp::UNIX_EPOCH)
            .await
            .unwrap()
            .is_none()
    })
    .await;
    assert_eq!(found(&later).await["reply_due_at"], Value::Null);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_act_in_conversations_over_http() {
    let app = TestApp::with_shop().await;
    app.connect("shop", "generic", json!({ "window_hours": 24 }))
        .await;
    let received = app.says("shop", "mei", "m1", QUESTION).await;
    let id = &received["conversation_id"];
    app.answered(id).await;
    let (status, taken) = app.act(id, "takeover", json!({})).await;
    assert_eq!(
        (status.as_u16(), &taken["conversation"]["responder"]),
        (200, &json!("human"))
    );
    let path = format!("/v1/conversations/{}/messages", id.as_str().unwrap());
    let (status, written) = app
        .post(&path, json!({ "text": "我是小美，我來幫您。" }))
        .await;
    assert_eq!(status, 201, "{written}");
    let note = json!({ "text": "客人很急", "is_note": true });
    assert_eq!(app.post(&path, note).await.0, 201);
    let (_, page) = app.get(&format!("{path}?limit=3")).await;
    assert_eq!(page["messages"].as_array().unwrap().len(), 3);
    let next = page["next"].as_str().unwrap();
    let (_, rest) = app.get(&format!("{path}?after={next}")).await;
    assert_eq!(rest["messages"][0]["direction"], "note", "{rest}");
    let (_, out) = app.get("/v1/inboxes/shop/messages").await;
    assert!(
        !out.to_string().contains("客人很急"),
        "a note is for agents"
    );

    for (action, body, field, expected) in [
        ("assign", json!({ "to": "amy" }), "assignee", json!("amy")),
        ("wait", json!({}), "status", json!("pending")),
        (
            "snooze",
            json!({ "until": "2199-01-01T00:00:00Z" }),
            "status",
            json!("snoozed"),
        ),
        ("resolve", json!({}), "status", json!("resolved")),
        ("reopen", json!({}), "status", json!("open")),
        ("return", json!({}), "responder", json!("bot")),
        ("assign", json!({ "to": null }), "assignee", Value::Null),
    ] {
        let (status, acted) = app.act(id, action, body).await;
        assert_eq!(
            (status.as_u16(), &acted["conversation"][field]),
            (200, &expected),
            "{action}: {acted}"
        );
    }
    for (action, body, status, places) in [
        ("snooze", json!({}), 422, vec!["/until"]),
        (
            "snooze",
            json!({ "until": "2001-01-01T00:00:00Z" }),
            422,
            vec!["/until"],
        ),
        ("assign", json!({ "to": "" }), 422, vec!["/to"]),
        ("dance", json!({}), 404, vec![]),
    ] {
        let (found, problem) = app.act(id, action, body).await;
        assert_eq!(found.as_u16(), status, "{action}: {problem}");
        if status == 422 {
            assert_eq!(pointers(&problem), places, "{action}");
        }
    }
    let (_, list) = app
        .get("/v1/conversations?responder=bot&inbox_id=shop")
        .await;
    assert_eq!(list["conversations"][0]["id"], *id, "{list}");
    let (_, list) = app.get("/v1/conversations?status=resolved").await;
    assert_eq!(list["conversations"], json!([]));
    assert_eq!(
        app.get("/v1/conversations?inbox_id=No%20inbox").await.0,
        422
    );

    // Outside of the channel's window nothing is sent.
    let old = json!({
        "type": "message", "id": "m0", "at": "2020-01-01T00:00:00Z", "sender": { "user_id": "old" }, "text": "您好",
    });
    let old = app.deliver("shop", old).await;
    let path = format!(
        "/v1/conversations/{}/messages",
        old["conversation_id"].as_str().unwrap()
    );
    let (status, problem) = app.post(&path, json!({ "text": "您好" })).await;
    assert_eq!(
        (status.as_u16(), &problem["type"]),
        (409, &json!("/problems/conflict")),
        "{problem}"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn customer_is_known_over_channels_merged_split_exported_and_erased() {
    let app = TestApp::with_shop().await;
    app.connect("shop", "generic", json!({})).await;
    app.connect("line", "generic", json!({})).await;
    let signed = |user: &str, sub: &str| json!({ "user_id": user, "token": token(sub, &json!({ "email": "Mei@Example.com" })), "name": "林小梅" });
    let body = |id: &str, sender: Value, text: &str| json!({ "type": "message", "id": id, "sender": sender, "text": text });
    let first = app
        .deliver("shop", body("m1", signed("s1", "u1"), QUESTION))
        .await;
    app.answered(&first["conversation_id"]).await;
    let second = app
        .deliver("line", body("m2", signed("l1", "u1"), "那保固多久？"))
        .await;
    let messages = app.answered(&second["conversation_id"]).await;
    let path = format!(
        "/v1/conversations/{}",
        second["conversation_id"].as_str().unwrap()
    );
    let (_, found) = app.get(&path).await;
    assert_eq!(found["desk"]["continues_id"], first["conversation_id"]);
    let reply = messages[1]["parts"][0]["text"].as_str().unwrap();
    assert!(reply.contains("SHOP"), "it says what it continues: {reply}");

    let (_, list) = app.get("/v1/customers?value=mei@example.COM").await;
    let mei = list["customers"][0]["id"].as_str().unwrap().to_owned();
    let (_, customer) = app.get(&format!("/v1/customers/{mei}")).await;
    assert_eq!(
        customer["identities"].as_array().unwrap().len(),
        4,
        "{customer}"
    );
    assert_eq!(customer["conversations"].as_array().unwrap().len(), 2);

    // Somebody who types the address is a suggestion and inherits nothing.
    let typed = json!({ "user_id": "x1", "email": "mei@example.com" });
    let third = app
        .deliver("line", body("m3", typed, "保固期有多長？"))
        .await;
    let path = format!(
        "/v1/conversations/{}",
        third["conversation_id"].as_str().unwrap()
    );
    assert_eq!(app.get(&path).await.1["desk"]["continues_id"], Value::Null);
    let other = app.get(&path).await.1["desk"]["identity_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let (_, suggested) = app.get(&format!("/v1/customers/{other}")).await;
    assert_eq!(suggested["links"][0]["state"], "suggested", "{suggested}");

    let before = app.get(&format!("/v1/customers/{mei}")).await.1;
    let with = json!({ "identity_id": other });
    let (status, merged) = app
        .post(&format!("/v1/customers/{mei}:merge"), with.clone())
        .await;
    assert_eq!(
        (
            status.as_u16(),
            merged["identities"].as_array().unwrap().len()
        ),
        (200, 5)
    );
    let (status, _) = app
        .post(&format!("/v1/customers/{mei}:merge"), with.clone())
        .await;
    assert_eq!(status, 409, "they are one customer");
    let (_, timeline) = app
        .get(&format!("/v1/customers/{mei}/timeline?limit=200"))
        .await;
    let entries = timeline["entries"].as_array().unwrap();
    let linked = entries
        .iter()
        .find(|entry| entry["data"]["basis"] == "agent")
        .unwrap();
    assert_eq!(
        (&linked["type"], &linked["actor"]),
        (&json!("identity.linked"), &json!("api"))
    );
    let said = entries
        .iter()
        .find(|entry| entry["message"]["parts"][0]["text"] == QUESTION);
    assert_eq!(said.unwrap()["type"], "message.received");
    let (status, _) = app.post(&format!("/v1/customers/{mei}:split"), with).await;
    assert_eq!(status, 200);
    let after = app.get(&format!("/v1/customers/{mei}")).await.1;
    assert_eq!(after["identities"], before["identities"]);
    // Two people with ids of their own are never one customer.
    let fourth = app
        .deliver(
            "line",
            body("m4", json!({ "token": token("u2", &json!({})) }), "您好"),
        )
        .await;
    let path = format!(
        "/v1/conversations/{}",
        fourth["conversation_id"].as_str().unwrap()
    );
    let with = json!({ "identity_id": app.get(&path).await.1["desk"]["identity_id"] });
    let (status, problem) = app.post(&format!("/v1/customers/{mei}:merge"), with).await;
    assert_eq!(status, 409, "{problem}");

    let (_, export) = app.get(&format!("/v1/customers/{mei}/export")).await;
    for text in ["mei@example.com", QUESTION, "林小梅"] {
        assert!(export.to_string().contains(text), "{text}");
    }
    assert_eq!(export["answers"][0]["question"], "那保固多久？", "{export}");

    // What was learned from the conversation goes with it.
    let answer = messages[1]["answer_id"].clone();
    let corrected = json!({ "answer_id": answer, "corrected_answer": "梅小姐的保固是 777 天。", "comment": "林小梅來電" });
    let (status, effects) = app.post("/v1/feedback", corrected).await;
    assert_eq!(status, 200, "{effects}");
    let (status, erased) = app
        .request(Method::DELETE, &format!("/v1/customers/{mei}"), None)
        .await;
    assert_eq!(
        (
            status.as_u16(),
            &erased["n_identities"],
            &erased["n_conversations"],
            &erased["n_cases"]
        ),
        (200, &json!(4), &json!(2), &json!(1)),
        "{erased}"
    );
    assert_nothing_is_left(
        &app,
        &[
            "mei@example.com",
            "林小梅",
            "那保固多久",
            "玻璃門嗎",
            "777 天",
        ],
    )
    .await;
    let (_, erased) = app.get(&format!("/v1/customers/{mei}")).await;
    assert_eq!(
        erased["identities"].as_array().unwrap().len(),
        4,
        "counts stay"
    );
    assert_eq!(erased["conversations"][0]["responder"], "none");
    let workspace = ken::app::default_workspace();
    let faults = app.app.store.desk_faults(&workspace).await.unwrap();
    assert_eq!(faults, Vec::<String>::new(), "the log stays valid");
    // Written again, it is somebody new.
    let again = app
        .deliver("shop", body("m9", json!({ "user_id": "s1" }), "您好"))
        .await;
    let path = format!(
        "/v1/conversations/{}",
        again["conversation_id"].as_str().unwrap()
    );
    let (_, again) = app.get(&path).await;
    assert_ne!(again["desk"]["identity_id"], json!(mei));
    assert_eq!(again["desk"]["continues_id"], Value::Null);
    app.stop().await;
}

/// No table of the store or the vault has one of these texts.
pub async fn assert_nothing_is_left(app: &TestApp, texts: &[&str]) {
    app.app.store.checkpoint().await.unwrap();
    let folder = app.folder.path();
    let mut files = vec![folder.to_path_buf()];
    let mut n_read = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(
                std::fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        n_read += 1;
        for text in texts {
            let needle = text.as_bytes();
            let is_in = bytes.windows(needle.len()).any(|window| window == needle);
            assert!(!is_in, "{text} in {}", path.display());
        }
    }
    assert!(n_read > 3, "{n_read} files in {}", folder.display());
}

#[tokio::test(flavor = "multi_thread")]
async fn old_messages_are_erased_as_the_inbox_says() {
    let app = TestApp::start().await;
    app.connect(
        "shop",
        "generic",
        json!({ "keep_days": 30, "mode": "shadow" }),
    )
    .await;
    let old = json!({
        "type": "message", "id": "m1", "at": "2020-01-01T00:00:00Z", "sender": { "user_id": "mei" }, "text": "很久以前的話",
    });
    let old = app.deliver("shop", old).await;
    app.answered(&old["conversation_id"]).await;
    app.says("shop", "ann", "m2", "剛剛說的話").await;
    let (desk, learning) = (&app.app.desk, &app.app.learning);
    ken::retention::erase_old(desk, learning).await.unwrap();
    let (_, page) = app
        .get(&format!(
            "/v1/conversations/{}/messages",
            old["conversation_id"].as_str().unwrap()
        ))
        .await;
    assert_eq!(page["messages"][0]["parts"], json!([]));
    assert!(page["messages"][0]["erased_at"].is_string(), "{page}");
    let (_, list) = app.get("/v1/conversations").await;
    let texts = async |id: &Value| {
        let path = format!("/v1/conversations/{}/messages", id.as_str().unwrap());
        app.get(&path).await.1.to_string()
    };
    assert!(
        texts(&list["conversations"][0]["id"])
            .await
            .contains("剛剛說的話")
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shadow_report_compares_bot_and_agents() {
    let app = TestApp::with_shop().await;
    app.connect("shop", "generic", json!({ "mode": "shadow" }))
        .await;
    let mut conversations = Vec::new();
    for (n, (question, said)) in [
        (QUESTION, "DoorMate K1 不能裝在玻璃門上。"),
        ("退款要多久？", "退款一律 45 個工作天。"),
        ("今天台北天氣如何？", "抱歉，我們不清楚天氣。"),
    ]
    .into_iter()
    .enumerate()
    {
        let received = app
            .says("shop", &format!("p{n}"), &format!("m{n}"), question)
            .await;
        let id = received["conversation_id"].clone();
        let path = format!("/v1/conversations/{}/messages", id.as_str().unwrap());
        // Some agents are faster than the bot.
        if n == 0 {
            app.answered(&id).await;
        }
        assert_eq!(app.post(&path, json!({ "text": said })).await.0, 201);
        conversations.push(id);
    }
    for id in &conversations {
        let messages = app.answered(id).await;
        let shadows = messages.iter().filter(|one| one["direction"] == "shadow");
        assert_eq!(shadows.count(), 1, "also after an agent: {messages:?}");
    }
    let (status, report) = app.get("/v1/inboxes/shop/shadow-report").await;
    assert_eq!(status, 200, "{report}");
    let n = |name: &str| report[name].as_u64().unwrap();
    assert_eq!(
        (n("n_answers"), n("n_would_hand_off"), n("n_compared")),
        (3, 1, 2),
        "{report}"
    );
    let pairs = report["pairs"].as_array().unwrap();
    assert_eq!(
        pairs[0]["question"], "退款要多久？",
        "the least alike first: {report}"
    );
    assert_eq!(pairs[0]["missing_figures"], json!(["45"]));
    assert_eq!(
        (&pairs[1]["conversation_id"], &pairs[1]["question"]),
        (&conversations[0], &json!(QUESTION))
    );
    let mean = report["mean_similarity"].as_f64().unwrap();
    assert!((0.5..=1.0).contains(&mean), "{mean}");
    app.stop().await;
}

/// Many people who type the address of a customer see nothing of what the customer wrote or read. `make storm` has a
/// thousand of them.
#[tokio::test(flavor = "multi_thread")]
async fn claimants_inherit_nothing() {
    let n = std::env::var("STORM_CLAIMANTS").map_or(20, |n| n.parse().unwrap());
    let app = TestApp::with_shop().await;
    app.connect("shop", "generic", json!({})).await;
    app.connect("site", "web", json!({})).await;
    let mei = json!({ "token": token("u1", &json!({ "email": "mei@example.com", "phone": "+886912345678" })) });
    let said = json!({ "type": "message", "id": "m0", "sender": mei, "text": QUESTION });
    let said = app.deliver("shop", said).await;
    let shown = app.answered(&said["conversation_id"]).await;
    let shown = shown[1]["parts"][0]["text"].as_str().unwrap().to_owned();
    // A question that only the earlier one makes clear, from somebody whom nobody knows.
    let follow_up = "那我的呢？";
    let stranger = app.says("shop", "stranger", "s0", follow_up).await;
    let fresh = app.answered(&stranger["conversation_id"]).await[1]["parts"].clone();
    for i in 0..n {
        let mut sender = json!({ "user_id": format!("c{i}") });
        match i % 4 {
            0 => sender["email"] = json!("mei@example.com"),
            1 => sender["phone"] = json!("+886 912-345-678"),
            2 => sender["name"] = json!("u1"),
            _ => sender["user_id"] = json!("mei@example.com"),
        }
        let body = json!({ "type": "message", "id": format!("c{i}"), "sender": sender, "text": follow_up });
        let claimed = app.deliver("shop", body).await;
        let id = claimed["conversation_id"].as_str().unwrap();
        let messages = app.answered(&claimed["conversation_id"]).await;
        let (_, found) = app.get(&format!("/v1/conversations/{id}")).await;
        assert_eq!(found["desk"]["continues_id"], Value::Null, "{found}");
        let replies = messages.iter().filter(|one| one["direction"] == "out");
        for reply in replies {
            assert_eq!(reply["parts"], fresh, "as to somebody whom nobody knows");
        }
        assert!(!json!(messages).to_string().contains(&shown));
    }
    let visitor = app.open_chat(json!({ "name": "mei@example.com" })).await;
    let written = json!({ "id": "1", "text": follow_up });
    app.chat(Method::POST, "messages", &visitor, written).await;
    let read = app.read_chat(&visitor, 2).await;
    assert_eq!(json!(read[1].1), fresh[0]["text"]);
    // The stream of events names ids only.
    let head = app
        .app
        .store
        .desk_head(&ken::app::default_workspace())
        .await
        .unwrap();
    let all = events(
        &app,
        "/v1/stream?after=0",
        None,
        usize::try_from(head).unwrap(),
    )
    .await;
    for text in ["mei@example.com", "912345678", QUESTION, &shown, follow_up] {
        let shown = all
            .iter()
            .find(|(_, event)| event.to_string().contains(text));
        assert_eq!(shown, None, "{text}");
    }
    app.stop().await;
}

/// A merge is one event and its undoing another, however much was written: no conversation and no message is touched.
/// `make storm` merges two customers of 10,000 messages.
#[tokio::test(flavor = "multi_thread")]
async fn merge_of_large_customers_moves_no_row() {
    let n: usize = std::env::var("STORM_MERGED").map_or(200, |n| n.parse().unwrap());
    let app = TestApp::start().await;
    app.connect("shop", "generic", json!({ "mode": "shadow" }))
        .await;
    let (store, workspace) = (&app.app.store, ken::app::default_workspace());
    let inbox = ken_base::desk::InboxId::parse("shop").unwrap();
    let (inbox, _) = store.inbox(&workspace, &inbox).await.unwrap().unwrap();
    let inbox = Arc::new(inbox);
    let start = Instant::now();
    for chunk in (0..2 * n).collect::<Vec<_>>().chunks(1_000) {
        let received = chunk.iter().map(|i| {
            let user = ["mei", "amy"][i % 2];
            app.app
                .desk
                .receive(crate::desk::said(&inbox, &format!("m{i}"), user, ""))
        });
        for received in futures_util::future::join_all(received).await {
            received.unwrap();
        }
    }
    let rate = 2.0 * n as f64 / start.elapsed().as_secs_f64();
    println!("{rate:.0} messages/s stored");
    let (_, list) = app.get("/v1/customers").await;
    let ids = [0, 1].map(|at: usize| list["customers"][at]["id"].as_str().unwrap().to_owned());
    let state = async || {
        let customers = [
            app.get(&format!("/v1/customers/{}", ids[0])).await.1,
            app.get(&format!("/v1/customers/{}", ids[1])).await.1,
        ];
        (customers, store.desk_head(&workspace).await.unwrap())
    };
    let (before, head) = state().await;
    let with = json!({ "identity_id": ids[1] });
    let start = Instant::now();
    let (status, merged) = app
        .post(&format!("/v1/customers/{}:merge", ids[0]), with.clone())
        .await;
    let took = start.elapsed();
    assert_eq!(
        (
            status.as_u16(),
            merged["identities"].as_array().unwrap().len()
        ),
        (200, 2),
        "{merged}"
    );
    assert_eq!(
        store.desk_head(&workspace).await.unwrap(),
        head + 1,
        "one event"
    );
    println!("merge of two customers with {n} messages each: {took:?}");
    let (status, _) = app
        .post(&format!("/v1/customers/{}:split", ids[0]), with)
        .await;
    assert_eq!(status, 200);
    let (after, now) = state().await;
    assert_eq!((after, now), (before, head + 2), "as it was");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn key_of_the_desk_is_rotated_and_secrets_stay() {
    let app = TestApp::with_shop().await;
    app.connect("site", "web", json!({})).await;
    let folder = app.stop().await;
    let config = crate::support::config_in(folder.path());
    let before = std::fs::read_to_string(&config.desk.key_file).unwrap();
    let mut rotate = crate::crash::ken(folder.path());
    rotate
        .env("KEN_STORE__URL", &config.store.url)
        .env("KEN_DESK__KEY_FILE", &config.desk.key_file);
    let output = rotate.arg("rotate-desk-key").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_ne!(
        std::fs::read_to_string(&config.desk.key_file).unwrap(),
        before
    );
    let app = TestApp::start_in(folder, |_| {}).await;
    let signed = json!({ "identity_token": token("u1", &json!({})) });
    let session = app.open_chat(signed).await;
    assert_eq!(
        app.read_chat(&session, 0).await,
        [],
        "the inbox's key is the same"
    );
    app.stop().await;
}

/// What a callback's receiver got: its id, its signature's parts, and the body.
#[derive(Clone)]
struct Called {
    id: String,
    timestamp: String,
    signature: String,
    body: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_are_sent_signed_until_they_are_accepted() {
    let called: Arc<Mutex<Vec<Called>>> = Arc::default();
    let record = {
        let called = called.clone();
        async move |headers: axum::http::HeaderMap, body: String| {
            let header = |name: &str| headers[name].to_str().unwrap().to_owned();
            let mut called = called.lock().unwrap();
            called.push(Called {
                id: header("webhook-id"),
                timestamp: header("webhook-timestamp"),
                signature: header("webhook-signature"),
                body,
            });
            // The first attempt fails.
            match called.len() {
                1 => axum::http::StatusCode::SERVICE_UNAVAILABLE,
                _ => axum::http::StatusCode::NO_CONTENT,
            }
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/ken", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/ken", axum::routing::post(record));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });

    let app = TestApp::with_shop().await;
    let inbox = app
        .connect("shop", "generic", json!({ "callback_url": url }))
        .await;
    let received = app.says("shop", "mei", "m1", QUESTION).await;
    let messages = app.answered(&received["conversation_id"]).await;
    let path = format!(
        "/v1/conversations/{}/messages",
        received["conversation_id"].as_str().unwrap()
    );
    let state = async || app.get(&path).await.1["messages"][1]["delivery"].clone();
    crate::cases::wait_until(async || state().await == "accepted").await;
    let called = called.lock().unwrap().clone();
    assert_eq!(called.len(), 2);
    let secret = inbox["webhook_secret"]
        .as_str()
        .unwrap()
        .strip_prefix("whsec_")
        .unwrap();
    let secret = STANDARD.decode(secret).unwrap();
    for call in &called {
        // As Standard Webhooks 1.0 says: HMAC-SHA256 of id, timestamp and body.
        let content = format!("{}.{}.{}", call.id, call.timestamp, call.body);
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let signature = STANDARD.encode(hmac::sign(&key, content.as_bytes()));
        assert_eq!(call.signature, format!("v1,{signature}"));
        assert_eq!(call.id, messages[1]["id"], "the same id in every attempt");
        let body: Value = serde_json::from_str(&call.body).unwrap();
        assert_eq!(
            (&body["type"], &body["data"]["user_id"]),
            (&json!("message.created"), &json!("mei"))
        );
        assert_eq!(body["data"]["parts"], messages[1]["parts"]);
    }
    app.stop().await;
}

/// Reads server-sent events until `n` have come.
async fn events(app: &TestApp, path: &str, session: Option<&str>, n: usize) -> Vec<(i64, Value)> {
    let url = format!("{}{path}", app.address);
    let mut request = app.client.get(url);
    if let Some(session) = session {
        request = request.bearer_auth(session);
    }
    let reply = request.send().await.unwrap();
    assert_eq!(reply.status(), 200);
    let mut stream = reply.bytes_stream();
    let (mut text, mut found) = (String::new(), Vec::new());
    let read = async {
        while found.len() < n {
            let bytes = stream.next().await.expect("the stream ended").unwrap();
            text.push_str(&String::from_utf8_lossy(&bytes));
            while let Some((event, rest)) = text.split_once("\n\n") {
                let line = |name: &str| {
                    let mut lines = event.lines();
                    lines
                        .find_map(|line| line.strip_prefix(name))
                        .map(str::trim)
                };
                if let (Some(id), Some(data)) = (line("id:"), line("data:")) {
                    found.push((id.parse().unwrap(), serde_json::from_str(data).unwrap()));
                }
                text = rest.to_owned();
            }
        }
    };
    let read = tokio::time::timeout(Duration::from_secs(60), read).await;
    read.expect("the events come");
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_has_every_event_and_resumes() {
    let app = TestApp::start().await;
    app.connect("shop", "generic", json!({ "mode": "shadow" }))
        .await;
    let first = app.says("shop", "mei", "m1", "您好").await;
    let seq = first["seq"].as_i64().unwrap();
    let n = usize::try_from(seq).unwrap();
    let all = events(&app, "/v1/stream?after=0", None, n).await;
    assert!(all.iter().map(|(id, _)| *id).eq(1..=seq), "{all:?}");
    let last = &all[n - 1].1;
    assert_eq!(
        (&last["type"], &last["data"]["message_id"]),
        (&json!("message.received"), &first["message_id"])
    );
    assert!(
        !all.iter()
            .any(|(_, event)| event.to_string().contains("您好")),
        "no free text"
    );
    // Events that come while it is open; the write follows the connection.
    let path = format!("/v1/stream?after={seq}");
    let (_, later) = tokio::join!(
        app.says("shop", "ann", "m2", "在嗎"),
        events(&app, &path, None, 1)
    );
    assert_eq!(later[0].0, seq + 1);
    for path in ["/v1/stream?after=-1", "/v1/stream?after=x"] {
        assert_eq!(app.get(path).await.0, 422, "{path}");
    }
    // Open streams do not keep the service from stopping.
    let url = format!("{}/v1/stream", app.address);
    let mut open = app.client.get(url).send().await.unwrap();
    let start = Instant::now();
    app.stop().await;
    assert!(start.elapsed() < Duration::from_secs(20));
    // The bot may have answered meanwhile.
    while let Some(piece) = open.chunk().await.unwrap() {
        let is_whole = [b":".as_slice(), b"id:"]
            .iter()
            .any(|start| piece.starts_with(start));
        assert!(is_whole, "{piece:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_ends_when_its_key_is_revoked() {
    let keyed = Keyed::on(TestApp::start().await).await;
    let agent = keyed.keys["agent"].as_str();
    let open = keyed
        .app
        .client
        .get(format!("{}/v1/stream", keyed.app.address));
    let mut open = open.bearer_auth(agent).send().await.unwrap();
    assert_eq!(open.status(), 200);
    let id = agent.split('_').nth(1).unwrap();
    let url = format!("{}/v1/keys/{id}", keyed.app.address);
    let revoke = keyed
        .app
        .client
        .delete(url)
        .bearer_auth(&keyed.keys["admin"]);
    assert_eq!(revoke.send().await.unwrap().status(), 200);
    let ended = async { while open.chunk().await.unwrap().is_some() {} };
    let ended = tokio::time::timeout(Duration::from_secs(60), ended).await;
    ended.expect("the stream ends");
    keyed.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn visitor_chats_signs_in_and_signs_out() {
    let app = TestApp::with_shop().await;
    app.connect("site", "web", json!({})).await;
    let anonymous = app.open_chat(json!({})).await;
    let (status, _) = app
        .chat(
            Method::POST,
            "messages",
            &anonymous,
            json!({ "id": "a", "text": QUESTION }),
        )
        .await;
    assert_eq!(status, 201);
    let (_, again) = app
        .chat(
            Method::POST,
            "messages",
            &anonymous,
            json!({ "id": "a", "text": QUESTION }),
        )
        .await;
    assert_eq!(again["message_id"], Value::Null, "it is stored once");
    let read = app.read_chat(&anonymous, 2).await;
    assert_eq!(
        (read[0].0.as_str(), read[1].0.as_str()),
        ("customer", "bot"),
        "{read:?}"
    );
    let streamed = events(&app, "/v1/chat/stream", Some(&anonymous), 2).await;
    assert_eq!(streamed[0].1["client_id"], "a", "{streamed:?}");
    let last = format!("/v1/chat/messages?after={}", streamed[0].0);
    let reply = app
        .client
        .get(format!("{}{last}", app.address))
        .bearer_auth(&anonymous)
        .send()
        .await
        .unwrap();
    let rest: Value = reply.json().await.unwrap();
    assert_eq!(rest["messages"].as_array().unwrap().len(), 1);

    // Another visitor reads nothing of it, also with the same id of a message.
    let other = app.open_chat(json!({})).await;
    assert_eq!(app.read_chat(&other, 0).await, []);
    let own = json!({ "id": "a", "text": "您好" });
    let (_, written) = app.chat(Method::POST, "messages", &other, own).await;
    assert!(written["message_id"].is_string(), "{written}");

    // The first visitor signs in: what they wrote is theirs, on any browser, and the anonymous session is over.
    let signed = json!({ "identity_token": token("u1", &json!({ "name": "Mei" })) });
    let mut with_session = signed.clone();
    with_session["session"] = json!(anonymous);
    let session = app.open_chat(with_session).await;
    assert_eq!(app.read_chat(&session, 2).await, read);
    let elsewhere = app.open_chat(signed).await;
    assert_eq!(app.read_chat(&elsewhere, 2).await, read);
    let (status, _) = app
        .chat(Method::GET, "messages", &anonymous, Value::Null)
        .await;
    assert_eq!(status, 401, "another person may use the browser");
    let later = app.open_chat(json!({ "session": anonymous })).await;
    assert_eq!(app.read_chat(&later, 0).await, []);
    // Signed out, the browser is a new visitor's.
    let out = app.open_chat(json!({ "session": session })).await;
    assert_eq!(app.read_chat(&out, 0).await, []);
    // Somebody else's token does not open it, nor does one of another key.
    let somebody = app
        .open_chat(json!({ "identity_token": token("u2", &json!({})) }))
        .await;
    assert_eq!(app.read_chat(&somebody, 0).await, []);
    let body = json!({ "inbox_id": "site", "identity_token": "x.y.z" });
    let (status, problem) = app.post("/v1/chat/sessions", body).await;
    assert_eq!(
        (status.as_u16(), pointers(&problem)),
        (422, vec!["/identity_token"])
    );
    for session in ["", "x", KEY] {
        let (status, _) = app
            .chat(Method::GET, "messages", session, Value::Null)
            .await;
        assert_eq!(status, 401);
    }
    app.connect("bot", "generic", json!({})).await;
    for inbox in ["bot", "none", "No inbox"] {
        let (status, _) = app
            .post("/v1/chat/sessions", json!({ "inbox_id": inbox }))
            .await;
        assert_eq!(status, 404, "{inbox}");
    }
    app.stop().await;
}
