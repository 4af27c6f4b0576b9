//! Measures the service under sustained load and under overload: `cargo bench --bench soak [-- MINUTES]`, 2 by default.
//! Starts the real binary in a temporary folder with the sample shop. Measures how many questions per second it answers
//! while documents, FAQs and cases come in. Then asks at 80 % of that rate in open loop, at four times that rate for a
//! minute, and at 80 % again. Latency counts from when a question was due. docs/measured/operations.md records the
//! figures.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use ken::bench::memory_mb;
use reqwest::Client;
use serde_json::{Value, json};

/// The length of compared windows, and the longest recovery.
const WINDOW: Duration = Duration::from_secs(10);
/// The duration of the overload.
const OVERLOAD: Duration = Duration::from_secs(60);

/// The outcomes of one phase's questions.
struct Tally {
    admitted: Histogram<u64>,
    refused: Histogram<u64>,
    n_failed: u64,
}

impl Tally {
    fn new() -> Self {
        // Up to ten minutes, in microseconds.
        let histogram = || Histogram::new_with_max(600_000_000, 3).expect("bounds are allowed");
        Self {
            admitted: histogram(),
            refused: histogram(),
            n_failed: 0,
        }
    }

    fn add(&mut self, status: u16, took: Duration) {
        let us = took.as_micros() as u64;
        match status {
            200 => self.admitted.saturating_record(us),
            429 => self.refused.saturating_record(us),
            _ => self.n_failed += 1,
        }
    }

    fn line(&self) -> String {
        let ms = |histogram: &Histogram<u64>, q: f64| histogram.value_at_quantile(q) as f64 / 1e3;
        format!(
            "{} answered (p50 {:.1}, p99 {:.1}, most {:.1} ms), {} refused (p99 {:.1} ms), {} failed",
            self.admitted.len(),
            ms(&self.admitted, 0.5),
            ms(&self.admitted, 0.99),
            self.admitted.max() as f64 / 1e3,
            self.refused.len(),
            ms(&self.refused, 0.99),
            self.n_failed
        )
    }
}

struct Service {
    child: Child,
    _printed: BufReader<std::process::ChildStdout>,
    address: String,
    client: Client,
    questions: Arc<Vec<String>>,
    /// Other requests: how many succeeded, and how many did not.
    n_taken: AtomicU64,
    n_not: AtomicU64,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn main() {
    let minutes: u64 = std::env::args()
        .skip(1)
        .find_map(|arg| arg.parse().ok())
        .unwrap_or(2);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(run(minutes));
}

async fn run(minutes: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let service = Arc::new(start(folder.path()));
    let is_over = Arc::new(AtomicBool::new(false));
    let beside = tokio::spawn(beside(service.clone(), is_over.clone()));
    let capacity = capacity(&service).await;
    let rate = 0.8 * capacity;
    println!("capacity {capacity:.0} questions a second beside other work; asked at {rate:.0}");

    let mut memory = Vec::new();
    let mut first_p99 = None;
    let mut whole = Tally::new();
    for minute in 1..=minutes {
        let tally = ask(&service, rate, Duration::from_secs(60)).await;
        // Memory of mapped files is released on demand, so the rest counts.
        let resident = memory_mb(service.child.id(), "VmRSS");
        let own = memory_mb(service.child.id(), "RssAnon");
        memory.push(own);
        first_p99.get_or_insert(tally.admitted.value_at_quantile(0.99));
        println!(
            "minute {minute}: {}, {resident:.0} MB, {own:.0} without files",
            tally.line()
        );
        whole.admitted.add(&tally.admitted).expect("of one kind");
        whole.refused.add(&tally.refused).expect("of one kind");
        whole.n_failed += tally.n_failed;
        if minute == minutes {
            let p99 = tally.admitted.value_at_quantile(0.99);
            let first = first_p99.unwrap_or(p99).max(1);
            println!(
                "p99 of the last minute by the first's: {:.2}",
                p99 as f64 / first as f64
            );
        }
    }
    println!("soak: {}", whole.line());
    println!(
        "beside it: {} writes taken, {} not",
        service.n_taken.load(Ordering::Relaxed),
        service.n_not.load(Ordering::Relaxed)
    );
    // The first third includes what the service allocates once.
    println!(
        "memory without files: {:.0} MB at first, {:.0} at last; slope over the last two thirds {:+.2} MB a minute",
        memory.first().unwrap_or(&0.0),
        memory.last().unwrap_or(&0.0),
        slope(&memory[memory.len() / 3..])
    );

    let before = ask(&service, rate, WINDOW).await;
    println!("before: {}", before.line());
    let over = ask(&service, 4.0 * capacity, OVERLOAD).await;
    println!("at {:.0} a second: {}", 4.0 * capacity, over.line());
    let after = ask(&service, rate, WINDOW).await;
    println!("the {} s after: {}", WINDOW.as_secs(), after.line());
    let last = ask(&service, rate, WINDOW).await;
    println!("the {} s after that: {}", WINDOW.as_secs(), last.line());
    let p99 = |tally: &Tally| tally.admitted.value_at_quantile(0.99).max(1) as f64;
    println!(
        "p99 of the admitted by that before: {:.2} under overload, {:.2} after {} s",
        p99(&over) / p99(&whole),
        p99(&last) / p99(&whole),
        WINDOW.as_secs()
    );
    is_over.store(true, Ordering::Relaxed);
    beside.await.expect("the other work ends");
}

fn ken(folder: &Path) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_ken"));
    command
        .current_dir(folder)
        .env("KEN_MODELS__DIR", root.join("models"))
        .env("KEN_LOG__FILTER", "error");
    command
}

fn start(folder: &Path) -> Service {
    ken_base::outbound::choose_cryptography();
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/shop");
    let ingested = ken(folder)
        .arg("ingest")
        .arg(shop.join("knowledge"))
        .stdout(Stdio::null())
        .status();
    assert!(ingested.expect("ken runs").success());
    let mut child = ken(folder)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("ken serves");
    let mut printed = BufReader::new(child.stdout.take().expect("it prints"));
    let mut line = String::new();
    printed.read_line(&mut line).expect("an address");
    let address = line
        .split_whitespace()
        .find(|word| word.starts_with("http"));
    let queries = std::fs::read_to_string(shop.join("queries.jsonl")).expect("questions");
    let questions = queries.lines().map(|line| {
        let query: Value = serde_json::from_str(line).expect("JSON");
        query["text"].as_str().expect("a text").to_owned()
    });
    Service {
        address: address.expect("an address").to_owned(),
        child,
        _printed: printed,
        client: Client::builder()
            .timeout(Duration::from_secs(60))
            .build()
            .expect("a client"),
        questions: Arc::new(questions.collect()),
        n_taken: AtomicU64::new(0),
        n_not: AtomicU64::new(0),
    }
}

/// The closed-loop rate: answers per second to eight clients that each wait for their reply.
async fn capacity(service: &Arc<Service>) -> f64 {
    let (start, n_answered) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let askers = (0..8).map(|_| {
        let (service, n_answered) = (service.clone(), n_answered.clone());
        tokio::spawn(async move {
            while start.elapsed() < Duration::from_secs(20) {
                if answer(&service).await == 200 {
                    n_answered.fetch_add(1, Ordering::Relaxed);
                }
            }
        })
    });
    futures_util::future::join_all(askers.collect::<Vec<_>>()).await;
    n_answered.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}

/// Asks a new question, so that no cached answer is returned. Returns the status of the reply; 0 without a reply.
async fn answer(service: &Service) -> u16 {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let at = NEXT.fetch_add(1, Ordering::Relaxed);
    let question = &service.questions[at % service.questions.len()];
    let asked = json!({ "question": format!("{question} #{at}"), "conversation_id": null });
    let request = service
        .client
        .post(format!("{}/v1/answers", service.address));
    match request.json(&asked).send().await {
        Ok(response) => {
            let status = response.status().as_u16();
            match response.bytes().await {
                Ok(_) => status,
                Err(_) => 0,
            }
        }
        Err(_) => 0,
    }
}

/// Asks at `rate` questions per second for `time` (open loop).
async fn ask(service: &Arc<Service>, rate: f64, time: Duration) -> Tally {
    let tally = Arc::new(Mutex::new(Tally::new()));
    let n_questions = (rate * time.as_secs_f64()) as u64;
    let start = tokio::time::Instant::now();
    let mut asked = tokio::task::JoinSet::new();
    for n in 0..n_questions {
        let due = start + Duration::from_secs_f64(n as f64 / rate);
        tokio::time::sleep_until(due).await;
        let (service, tally) = (service.clone(), tally.clone());
        asked.spawn(async move {
            let status = answer(&service).await;
            let took = due.elapsed();
            tally.lock().expect("whole").add(status, took);
        });
        while asked.try_join_next().is_some() {}
    }
    while asked.join_next().await.is_some() {}
    let tally = Arc::into_inner(tally).expect("all tasks have finished");
    tally.into_inner().expect("whole")
}

/// Writes and deletes documents, FAQs and cases, and reads drafts, until `is_over`.
async fn beside(service: Arc<Service>, is_over: Arc<AtomicBool>) {
    let mut n = 0_u64;
    while !is_over.load(Ordering::Relaxed) {
        n += 1;
        let address = &service.address;
        let client = &service.client;
        let text = format!(
            "# 公告 {n}\n\n第 {n} 號公告：活動延長 {} 天，憑代碼 EV{n} 參加。\n",
            n % 60
        );
        let document = client
            .put(format!("{address}/v1/documents/soak-{}", n % 300))
            .json(&json!({ "text": text }));
        let mut requests = vec![document];
        if n.is_multiple_of(7) {
            let faqs: Vec<Value> = (0..5)
                .map(|i| json!({ "id": format!("soak-faq-{i}"), "question": format!("第 {n} 期抽獎的第 {i} 獎是什麼？"), "answer": format!("第 {i} 獎是 {n} 元禮券。") }))
                .collect();
            let body = serde_json::to_vec(&faqs).expect("JSON");
            let part = reqwest::multipart::Part::bytes(body).file_name("faqs.json");
            let form = reqwest::multipart::Form::new().part("file", part);
            requests.push(
                client
                    .post(format!("{address}/v1/faqs:import"))
                    .multipart(form),
            );
        }
        if n.is_multiple_of(10) {
            let case = json!({ "id": format!("soak-{}", n % 100), "outcome": "resolved", "turns": [
                { "role": "customer", "text": format!("你好，我的訂單 EC-2026-{:06} 可以改地址嗎？電話 0912-{:03}-678", n, n % 1000) },
                { "role": "agent", "text": "可以，出貨前在會員中心的訂單頁按「修改地址」即可，出貨後請聯絡物流。" },
            ] });
            requests.push(client.post(format!("{address}/v1/cases")).json(&case));
        }
        if n.is_multiple_of(25) {
            requests.push(client.get(format!("{address}/v1/drafts")));
            requests.push(client.get(format!("{address}/v1/insights/summary")));
            requests.push(client.delete(format!("{address}/v1/documents/soak-{}", n % 300)));
        }
        for request in requests {
            let counter = match request.send().await {
                Ok(response) if response.status().is_success() => &service.n_taken,
                other => {
                    eprintln!("beside: {other:?}");
                    &service.n_not
                }
            };
            counter.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
}

/// The slope per step, by least squares.
fn slope(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let (mean_x, mean_y) = ((n - 1.0) / 2.0, values.iter().sum::<f64>() / n);
    let (mut above, mut below) = (0.0, 0.0);
    for (x, y) in values.iter().enumerate() {
        above += (x as f64 - mean_x) * (y - mean_y);
        below += (x as f64 - mean_x).powi(2);
    }
    if below == 0.0 { 0.0 } else { above / below }
}
