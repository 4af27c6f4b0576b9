//! Measures the time from the last byte of a LINE webhook to the reply request, without a language model, beside the time of
//! the answer itself: `cargo bench --bench channel [-- SECONDS]`, 30 by default, with 20 messages a second, each of another
//! customer, without waiting for further messages. Starts the real binary in a temporary folder with the sample shop, and a
//! recorder on loopback in place of the platform. docs/measured/channels.md records the figures.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use reqwest::Client;
use ring::hmac;
use serde_json::{Value, json};

/// Messages a second.
const RATE: u32 = 20;
/// The sample shop's questions.
const QUESTIONS: [&str; 6] = [
    "DoorMate K1 可以裝在玻璃門嗎？",
    "退款要多久？",
    "運費多少？",
    "How long does a refund take?",
    "保固期多久？",
    "可以開發票嗎？",
];

/// When the reply to each token came.
type Replied = Arc<Mutex<HashMap<String, Instant>>>;

struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::main]
async fn main() {
    let seconds = std::env::args().skip(1).find_map(|arg| arg.parse().ok());
    let n = seconds.unwrap_or(30) * RATE;
    let folder = tempfile::tempdir().expect("a folder");
    let models = std::env::current_dir().expect("a folder").join("models");
    let ken = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ken"));
        command
            .current_dir(folder.path())
            .env("KEN_MODELS__DIR", &models);
        command
    };
    let shop = std::env::current_dir()
        .expect("a folder")
        .join("corpus/shop/knowledge");
    let ingested = ken().arg("ingest").arg(shop).output().expect("the binary");
    assert!(ingested.status.success(), "the shop is ingested");
    let mut child = ken()
        .args(["serve", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary");
    let mut printed = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    printed.read_line(&mut line).expect("the address");
    let address = line
        .split_whitespace()
        .find(|word| word.starts_with("http://"));
    let address = address.expect("the address").to_owned();
    let _service = Service(child);

    let replied = Replied::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let platform = format!("http://{}", listener.local_addr().expect("an address"));
    let router = Router::new().fallback(record).with_state(replied.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    ken_base::outbound::choose_cryptography();
    let client = Client::new();
    let settings = json!({ "mode": "live", "burst_ms": 0, "auto_send_level": "lenient", "platform_url": platform });
    let secrets = json!({ "channel_secret": "s", "access_token": "t" });
    let inbox =
        json!({ "channel": "line", "name": "LINE", "settings": settings, "secrets": secrets });
    let put = client
        .put(format!("{address}/v1/inboxes/line"))
        .json(&inbox);
    assert!(put.send().await.expect("a reply").status().is_success());
    until_ready(&client, &address).await;

    // First some that are not counted, so that all is loaded.
    send(&client, &address, 0..RATE, &replied).await;
    replied.lock().expect("not poisoned").clear();
    let sent = send(&client, &address, RATE..RATE + n, &replied).await;
    let histogram = || Histogram::<u64>::new_with_max(600_000_000, 3).expect("bounds are allowed");
    let (mut whole, mut acknowledged) = (histogram(), histogram());
    let replies = replied.lock().expect("not poisoned").clone();
    for (token, (at, took)) in &sent {
        let reply = replies.get(token).expect("every message is replied to");
        whole.saturating_record((*reply - *at).as_micros() as u64);
        acknowledged.saturating_record(took.as_micros() as u64);
    }
    let mut answers = histogram();
    for question in QUESTIONS.iter().cycle().take(n as usize / 3) {
        // Another channel, so that none is answered from the cache of the messages.
        let body = json!({ "question": question, "channel": "bench", "level": "lenient" });
        let asked = client
            .post(format!("{address}/v1/answers"))
            .json(&body)
            .send();
        let answer: Value = asked.await.expect("a reply").json().await.expect("JSON");
        let total = answer["timings_ms"]["total"].as_f64().expect("a number");
        answers.saturating_record((total * 1e3) as u64);
    }
    let ms = |histogram: &Histogram<u64>, q: f64| histogram.value_at_quantile(q) as f64 / 1e3;
    for (name, of) in [
        ("webhook to its acknowledgement", &acknowledged),
        ("webhook to the reply request", &whole),
        ("the answer alone", &answers),
    ] {
        println!(
            "{name}: p50 {:.1} ms, p99 {:.1} ms",
            ms(of, 0.5),
            ms(of, 0.99)
        );
    }
    let ratio = |q| ms(&whole, q) / ms(&answers, q).max(0.001);
    println!(
        "ratio of reply to answer: p50 {:.1}, p99 {:.1}",
        ratio(0.5),
        ratio(0.99)
    );
}

async fn record(State(replied): State<Replied>, body: String) -> axum::Json<Value> {
    let body: Value = serde_json::from_str(&body).unwrap_or_default();
    if let Some(token) = body["replyToken"].as_str() {
        let mut replied = replied.lock().expect("not poisoned");
        replied.entry(token.to_owned()).or_insert_with(Instant::now);
    }
    axum::Json(json!({}))
}

async fn until_ready(client: &Client, address: &str) {
    let start = Instant::now();
    loop {
        let ready = client.get(format!("{address}/readyz")).send().await;
        if ready.is_ok_and(|reply| reply.status() == 200) {
            return;
        }
        assert!(
            start.elapsed() < Duration::from_secs(300),
            "the indexes are ready"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Sends messages at the rate, and waits for their replies. Returns when the last byte of each was sent, and how long its
/// acknowledgement took.
async fn send(
    client: &Client,
    address: &str,
    numbers: std::ops::Range<u32>,
    replied: &Replied,
) -> HashMap<String, (Instant, Duration)> {
    let (start, first) = (Instant::now(), numbers.start);
    let mut sending = tokio::task::JoinSet::new();
    for n in numbers {
        let due = start + Duration::from_secs(1) * (n - first) / RATE;
        tokio::time::sleep_until(due.into()).await;
        let (client, url) = (client.clone(), format!("{address}/v1/inboxes/line/webhook"));
        sending.spawn(async move {
            let token = format!("token-{n}");
            let now = jiff::Timestamp::now().as_millisecond();
            let text = QUESTIONS[n as usize % QUESTIONS.len()];
            let event = json!({
                "type": "message", "mode": "active", "timestamp": now, "webhookEventId": format!("01{n}"),
                "deliveryContext": { "isRedelivery": false }, "replyToken": token,
                "source": { "type": "user", "userId": format!("U{n}") },
                "message": { "type": "text", "id": n.to_string(), "text": text },
            });
            let body = json!({ "destination": "U0", "events": [event] }).to_string();
            let key = hmac::Key::new(hmac::HMAC_SHA256, b"s");
            let signature = STANDARD.encode(hmac::sign(&key, body.as_bytes()));
            let request = client.post(url).header("x-line-signature", signature);
            let at = Instant::now();
            let reply = request.body(body).send().await.expect("a reply");
            assert_eq!(reply.status(), 200);
            (token, (at, at.elapsed()))
        });
    }
    let mut sent = HashMap::new();
    while let Some(one) = sending.join_next().await {
        let (token, times) = one.expect("no panic");
        sent.insert(token, times);
    }
    let start = Instant::now();
    while replied.lock().expect("not poisoned").len() < sent.len() {
        assert!(
            start.elapsed() < Duration::from_secs(120),
            "every message is replied to"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    sent
}
