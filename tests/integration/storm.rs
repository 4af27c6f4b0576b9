//! A storm of messages: each delivered one to four times, in no order, by many at once, while the service is killed. The
//! suite's run is short; `make storm` has 50,000 messages and 50 kills. On PostgreSQL two processes serve, and either is
//! killed. Half of the inboxes are of platforms, whose webhooks are signed as each platform does, with a recorder in place of
//! the platform that takes a reply token once.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use ken::app::default_workspace;
use ken_base::desk::{AuthorKind, DeliveryState, Direction, Fact, Message, Seq, text_of};
use ken_store::store::Store;
use ken_store::store::desk::ConversationFilter;
use reqwest::{Client, RequestBuilder};
use ring::{digest, hmac};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::crash::{Service, ken, serve_with};
use crate::support::store_in;

/// Who delivers at once.
const SENDERS: usize = 32;
/// Messages that may be delivered in any order.
const WINDOW: usize = 400;
/// Messages of a person.
const OF_ONE: usize = 25;
/// The inboxes: two on which the bot answers, one in the shadow, a telephone, and platforms.
const INBOXES: [(&str, &str, &str); 9] = [
    ("site", "web", "live"),
    ("app", "generic", "live"),
    ("desk", "generic", "shadow"),
    ("calls", "phone", "live"),
    ("line", "line", "live"),
    ("whatsapp", "whatsapp", "live"),
    ("telegram", "telegram", "live"),
    ("slack", "slack", "live"),
    ("wechat", "wechat", "live"),
];

fn number(name: &str, default: usize) -> usize {
    let set = std::env::var(name).ok();
    set.map_or(default, |n| n.parse().expect("it is a number"))
}

/// A message of the storm.
struct Storm {
    n: usize,
    inbox: &'static str,
    person: String,
    at: Timestamp,
    text: String,
}

/// Message `n`. Times of one person increase with `n`, by whole seconds, which all platforms know.
fn message(n: usize, start: Timestamp) -> Storm {
    let person = n / OF_ONE;
    let (inbox, ..) = INBOXES[person % INBOXES.len()];
    // A question now and then; the rest is talk that is joined with it.
    let text = match n % OF_ONE {
        7 | 19 => format!("{n} 退貨期限是幾天？"),
        _ => format!("{n} 嗯"),
    };
    Storm {
        n,
        inbox,
        person: format!("p{person}"),
        at: start + SignedDuration::from_secs(n as i64),
        text,
    }
}

fn mac(secret: &str, parts: &[&[u8]]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::sign(&key, &parts.concat()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Storm {
    /// The request of its channel.
    fn request(&self, client: &Client, address: &str) -> RequestBuilder {
        let Self {
            n,
            inbox,
            person,
            at,
            text,
        } = self;
        let hook = format!("{address}/v1/inboxes/{inbox}/webhook");
        match *inbox {
            "line" => {
                let event = json!({
                    "type": "message", "mode": "active", "timestamp": at.as_millisecond(), "webhookEventId": format!("01{n}"),
                    "replyToken": format!("t{n}"), "source": { "type": "user", "userId": person },
                    "message": { "type": "text", "id": format!("m{n}"), "text": text },
                });
                let body = json!({ "destination": "U0", "events": [event] }).to_string();
                let signature = STANDARD.encode(mac("line", &[body.as_bytes()]));
                client
                    .post(hook)
                    .header("x-line-signature", signature)
                    .body(body)
            }
            "whatsapp" => {
                let value = json!({
                    "messaging_product": "whatsapp", "metadata": { "display_phone_number": "1", "phone_number_id": "15" },
                    "contacts": [{ "wa_id": person, "profile": { "name": person } }],
                    "messages": [{ "from": person, "id": format!("m{n}"), "timestamp": at.as_second().to_string(), "type": "text", "text": { "body": text } }],
                });
                let body = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": value }] }] });
                let body = body.to_string();
                let signature = format!("sha256={}", hex(&mac("app", &[body.as_bytes()])));
                client
                    .post(hook)
                    .header("x-hub-signature-256", signature)
                    .body(body)
            }
            "telegram" => {
                let id: i64 = person[1..].parse().unwrap();
                let chat = json!({ "id": id, "type": "private", "first_name": person });
                let body = json!({ "update_id": n, "message": {
                    "message_id": n, "date": at.as_second(), "chat": chat, "from": { "id": id, "is_bot": false, "first_name": person }, "text": text,
                } });
                let header = "x-telegram-bot-api-secret-token";
                client
                    .post(hook)
                    .header(header, "telegram")
                    .body(body.to_string())
            }
            "slack" => {
                let event = json!({
                    "type": "message", "channel_type": "im", "channel": format!("D{person}"), "user": person, "text": text,
                    "ts": format!("{}.{n:06}", at.as_second()),
                });
                let body = json!({ "type": "event_callback", "event_id": format!("Ev{n}"), "event": event });
                let (body, stamp) = (body.to_string(), Timestamp::now().as_second().to_string());
                let signed = mac("slack", &[b"v0:", stamp.as_bytes(), b":", body.as_bytes()]);
                client
                    .post(hook)
                    .header("x-slack-request-timestamp", stamp)
                    .header("x-slack-signature", format!("v0={}", hex(&signed)))
                    .body(body)
            }
            "wechat" => {
                let (stamp, nonce) = (Timestamp::now().as_second().to_string(), "n");
                let mut signed = ["wechat", stamp.as_str(), nonce];
                signed.sort_unstable();
                let signature = digest::digest(
                    &digest::SHA1_FOR_LEGACY_USE_ONLY,
                    signed.concat().as_bytes(),
                );
                let signature = hex(signature.as_ref());
                let body = format!(
                    "<xml><ToUserName>g</ToUserName><FromUserName>{person}</FromUserName><CreateTime>{}</CreateTime>\
                     <MsgType>text</MsgType><Content>{text}</Content><MsgId>{n}</MsgId></xml>",
                    at.as_second()
                );
                let query = format!("signature={signature}&timestamp={stamp}&nonce={nonce}");
                client.post(format!("{hook}?{query}")).body(body)
            }
            _ => {
                let body = json!({
                    "type": "message", "id": format!("m{n}"), "at": at, "sender": { "user_id": person }, "text": text,
                });
                client
                    .post(format!("{address}/v1/inboxes/{inbox}/messages"))
                    .json(&body)
            }
        }
    }
}

/// The secrets of an inbox.
fn secrets(inbox: &str) -> Value {
    match inbox {
        "line" => json!({ "channel_secret": "line", "access_token": "t" }),
        "whatsapp" => {
            json!({ "app_secret": "app", "verify_token": "v", "access_token": "t", "phone_number_id": "15" })
        }
        "telegram" => json!({ "bot_token": "1:t", "secret_token": "telegram" }),
        "slack" => json!({ "signing_secret": "slack", "bot_token": "xoxb" }),
        "wechat" => json!({ "app_id": "wx", "app_secret": "s", "token": "wechat" }),
        _ => json!({}),
    }
}

/// What the platforms were sent.
#[derive(Default)]
struct Recorded {
    /// Reply tokens that were used, and retry keys.
    keys: HashSet<String>,
    n_taken: usize,
    /// Tokens and keys that came again.
    n_repeated: usize,
}

/// Replies as the platforms do: a token of LINE works once, a retry key is known the second time.
async fn record(State(recorded): State<Arc<Mutex<Recorded>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut recorded = recorded.lock().unwrap();
    if parts.uri.path() == "/cgi-bin/stable_token" {
        return axum::Json(json!({ "access_token": "a", "expires_in": 7200 })).into_response();
    }
    let token = body["replyToken"].as_str().map(str::to_owned);
    let retry = parts.headers.get("x-line-retry-key");
    let retry = retry.map(|key| key.to_str().unwrap().to_owned());
    let (is_token, key) = (token.is_some(), token.or(retry));
    if key.is_some_and(|key| !recorded.keys.insert(key)) {
        recorded.n_repeated += 1;
        let (status, why) = match is_token {
            true => (400, "Invalid reply token"),
            false => (409, "The retry key is already accepted"),
        };
        let status = axum::http::StatusCode::from_u16(status).unwrap();
        return (status, axum::Json(json!({ "message": why }))).into_response();
    }
    recorded.n_taken += 1;
    axum::Json(json!({ "ok": true, "errcode": 0, "messages": [{ "id": "x" }] })).into_response()
}

/// Delivers one message until it is acknowledged; the process may be killed at any time.
async fn deliver(client: &Client, addresses: &mut watch::Receiver<Vec<String>>, message: &Storm) {
    let start = Instant::now();
    loop {
        let address = fastrand::choice(addresses.borrow_and_update().iter()).cloned();
        match message.request(client, &address.unwrap()).send().await {
            Ok(reply) if reply.status() == 200 => return,
            Ok(reply) if [429, 503].contains(&reply.status().as_u16()) => {}
            Ok(reply) => panic!("{} {}", reply.status(), reply.text().await.unwrap()),
            // The process was killed: the addresses change with the next one.
            Err(_) => {
                drop(tokio::time::timeout(Duration::from_secs(5), addresses.changed()).await);
            }
        }
        assert!(start.elapsed() < Duration::from_secs(300), "{}", message.n);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Process `n` of those that serve the store of a folder, its address, and what has to stay open.
fn serving(folder: &Path, n: usize) -> (Service, String, impl Sized) {
    let mut command = ken(folder);
    command.env("KEN_HTTP__MAX_CONCURRENT", "512");
    if n > 0 {
        let own = folder.join(n.to_string());
        std::fs::create_dir_all(&own).unwrap();
        command
            .current_dir(&own)
            .env("KEN_DESK__KEY_FILE", folder.join("data/desk.key"));
    }
    serve_with(command)
}

#[tokio::test(flavor = "multi_thread")]
async fn storm_of_messages_loses_and_repeats_nothing() {
    let n_messages = number("STORM_MESSAGES", 800);
    let kills = number("STORM_KILLS", 3);
    let folder = tempfile::tempdir().unwrap();
    let client = crate::support::client();
    let recorded = Arc::new(Mutex::new(Recorded::default()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let platform = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(record).with_state(recorded.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let n_processes = match crate::postgres::chosen() {
        Some(_) => 2,
        None => 1,
    };
    let mut processes: Vec<_> = (0..n_processes)
        .map(|n| serving(folder.path(), n))
        .collect();
    let first = processes[0].1.clone();
    let text = json!({ "text": "# 退貨\n\n退貨期限是收到商品後七天。" });
    let put = client
        .put(format!("{first}/v1/documents/returns?wait=indexed"))
        .json(&text);
    assert_eq!(put.send().await.unwrap().status(), 201);
    for (id, channel, mode) in INBOXES {
        let mut settings = json!({ "mode": mode, "burst_ms": 200, "auto_send_level": "balanced" });
        if !["web", "generic", "phone"].contains(&channel) {
            settings["platform_url"] = json!(platform);
        }
        let body =
            json!({ "channel": channel, "name": id, "settings": settings, "secrets": secrets(id) });
        let put = client.put(format!("{first}/v1/inboxes/{id}")).json(&body);
        assert_eq!(put.send().await.unwrap().status(), 201);
    }
    fn addresses<P>(of: &[(Service, String, P)]) -> Vec<String> {
        of.iter().map(|(_, address, _)| address.clone()).collect()
    }
    let (set_addresses, address) = watch::channel(addresses(&processes));

    // Windows of messages, each one to four times, shuffled.
    let mut random = fastrand::Rng::with_seed(11);
    let mut deliveries = Vec::new();
    for start in (0..n_messages).step_by(WINDOW) {
        let mut window: Vec<usize> = (start..(start + WINDOW).min(n_messages))
            .flat_map(|n| std::iter::repeat_n(n, random.usize(1..=4)))
            .collect();
        random.shuffle(&mut window);
        deliveries.extend(window);
    }
    let n_deliveries = deliveries.len();
    // Within the windows of the platforms at the end, and in the past.
    let start = Timestamp::now() - SignedDuration::from_secs(n_messages as i64 + 60);
    let start = Timestamp::from_second(start.as_second()).unwrap();
    let (deliveries, next) = (Arc::new(deliveries), Arc::new(AtomicUsize::new(0)));
    let mut senders = tokio::task::JoinSet::new();
    let began = Instant::now();
    for _ in 0..SENDERS {
        let (deliveries, next) = (deliveries.clone(), next.clone());
        let (client, mut address) = (client.clone(), address.clone());
        senders.spawn(async move {
            while let Some(n) = deliveries.get(next.fetch_add(1, Ordering::Relaxed)) {
                deliver(&client, &mut address, &message(*n, start)).await;
            }
        });
    }
    for kill in 1..=kills {
        let at = n_deliveries * kill / (kills + 1);
        while next.load(Ordering::Relaxed) < at {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let n = kill % n_processes;
        processes[n].0.kill().unwrap();
        processes[n].0.wait().unwrap();
        processes[n] = serving(folder.path(), n);
        set_addresses.send_replace(addresses(&processes));
    }
    while let Some(sent) = senders.join_next().await {
        sent.unwrap();
    }
    let took = began.elapsed();
    let rate = n_deliveries as f64 / took.as_secs_f64();
    println!(
        "{n_processes} processes, {n_messages} messages, {n_deliveries} deliveries, {kills} kills: {took:?}, {rate:.0} deliveries/s"
    );

    let store = Store::open(&store_in(folder.path())).await.unwrap();
    until_nothing_is_due(&store).await;
    for (mut process, ..) in processes {
        process.kill().unwrap();
        process.wait().unwrap();
    }
    assert_outcome(&store, n_messages, start).await;
    assert_deliveries(&store, &recorded).await;
    store.close().await;
}

/// Waits until every question is answered or handed off.
async fn until_nothing_is_due(store: &Store) {
    let start = Instant::now();
    while let Some(due) = store.next_desk_work(Timestamp::UNIX_EPOCH).await.unwrap() {
        assert!(
            start.elapsed() < Duration::from_secs(600),
            "due since {due}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Every message to a customer of a platform went out or was overtaken; none waits, and none failed.
async fn assert_deliveries(store: &Store, recorded: &Mutex<Recorded>) {
    let (mut after, mut states) = (0, BTreeMap::new());
    loop {
        let page = store
            .desk_events(&default_workspace(), after, 1_000)
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        for event in &page {
            if let Fact::DeliveryChanged {
                message_id, state, ..
            } = &event.event.fact
            {
                states.insert(message_id.clone(), *state);
            }
        }
        after = last.seq;
    }
    let with = |wanted: DeliveryState| states.values().filter(|state| **state == wanted).count();
    let n_accepted = with(DeliveryState::Accepted);
    let n_cancelled = with(DeliveryState::Cancelled);
    assert_eq!(n_accepted + n_cancelled, states.len(), "{states:?}");
    let recorded = recorded.lock().unwrap();
    println!(
        "{n_accepted} accepted, {n_cancelled} overtaken; the platforms took {} requests and refused {} repeated ones",
        recorded.n_taken, recorded.n_repeated
    );
    assert!(n_accepted > 0 && recorded.n_taken > 0);
}

async fn assert_outcome(store: &Store, n_messages: usize, start: Timestamp) {
    let workspace = default_workspace();
    let mut conversations = Vec::new();
    let mut before = None;
    loop {
        let filter = ConversationFilter::default();
        let page = store.conversations(&workspace, &filter, before, 500);
        let page = page.await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.seq);
        conversations.extend(page);
    }
    let n_people = n_messages.div_ceil(OF_ONE);
    assert_eq!(conversations.len(), n_people, "one conversation a person");
    let (mut received, mut n_replies) = (HashSet::new(), 0);
    for conversation in &conversations {
        let messages = store.messages(&workspace, &conversation.id, None, 1_000);
        let messages: Vec<Message> = messages.await.unwrap();
        let (inbound, rest): (Vec<&Message>, Vec<&Message>) = messages
            .iter()
            .partition(|message| message.direction == Direction::In);
        // In the order in which they were written, each once.
        let mut last = None;
        for message in inbound {
            let text = text_of(&message.parts);
            let n: usize = text.split(' ').next().unwrap().parse().unwrap();
            assert!(received.insert(n), "{n} is there twice");
            assert!(last < Some(n), "{n} after {last:?}");
            let written = start + SignedDuration::from_secs(n as i64);
            assert_eq!(message.at, written, "{n}");
            last = Some(n);
        }
        let of_bot = rest
            .iter()
            .filter(|one| one.author.kind != AuthorKind::Agent);
        n_replies += of_bot.count();
    }
    assert!(
        (0..n_messages).all(|n| received.contains(&n)),
        "nothing is lost"
    );
    assert!(n_replies > 0, "the bot answered");

    // At most one reply a turn: each reply answers up to a later message than the one before.
    let mut answered: BTreeMap<String, Seq> = BTreeMap::new();
    let mut after = 0;
    loop {
        let page = store.desk_events(&workspace, after, 1_000).await.unwrap();
        let Some(last) = page.last() else { break };
        for (at, event) in page.iter().enumerate() {
            assert_eq!(event.seq, after + 1 + at as i64, "no gaps");
            if let Fact::MessageAdded {
                answers_seq,
                direction,
                ..
            } = &event.event.fact
            {
                assert_ne!(*direction, Direction::Note);
                let of = event.event.conversation_id.as_ref().unwrap().to_string();
                let before = answered.insert(of.clone(), *answers_seq);
                assert!(
                    before < Some(*answers_seq),
                    "{of}: {before:?} and {answers_seq}"
                );
            }
        }
        after = last.seq;
    }
    let live = store.desk_projection(&workspace).await.unwrap();
    assert_eq!(
        store.desk_faults(&workspace).await.unwrap(),
        Vec::<String>::new()
    );
    store.rebuild_desk(&workspace).await.unwrap();
    assert_eq!(store.desk_projection(&workspace).await.unwrap(), live);
}
