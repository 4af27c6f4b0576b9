//! Measures the lists of the API over HTTP, on SQLite in a temporary folder.
//!
//!     cargo bench --bench lists -- [N] [serve]
//!
//! Writes N articles in 100 folders (100,000 by default), N / 2 FAQs and N / 2 answers straight into the store. The
//! documents have no chunks, so that nothing is encoded. Then asks for each list 60 times, its first page and a page in
//! its last tenth, and prints the median and the 95th percentile, each also as a multiple of the plain first page of
//! the same run. With `serve` it serves the console instead, until its standard input ends, for `console/tools/times.mjs`.

use std::sync::Arc;
use std::time::Instant;

use ken::app::{App, default_workspace};
use ken::http;
use ken_base::config::Config;
use ken_base::domain::{
    Answer, DocumentId, DocumentKind, DocumentStatus, Metadata, Outline, Source, WorkspaceId,
};
use ken_store::store::{RecordedAnswer, Store, Write};
use reqwest::Client;
use serde_json::{Value, json};

/// How often each page is asked for.
const ROUNDS: usize = 60;
/// Documents of one transaction.
const BATCH: usize = 1_000;

fn source(id: String, metadata: Metadata, text: String) -> Write {
    Write::put(Source {
        content_hash: id.clone(),
        id: DocumentId::parse(&id).expect("a valid id"),
        metadata,
        raw: String::new(),
        text,
        chunks: Vec::new(),
        outline: Outline::default(),
    })
}

fn article(n: usize) -> Write {
    let metadata = Metadata {
        title: format!("第 {n} 篇說明：退貨、換貨與 Refund {}", n % 977),
        tags: vec![format!("tag{}", n % 10), format!("rare{}", n % 5_000)],
        status: match n % 50 {
            0 => DocumentStatus::Draft,
            _ => DocumentStatus::Published,
        },
        ..Metadata::default()
    };
    source(
        format!("guides/{:02}/{n:06}", n % 100),
        metadata,
        "內文。".repeat(200),
    )
}

fn faq(n: usize) -> Write {
    let question = format!("第 {n} 個問題：訂單 {} 什麼時候會到？", n % 977);
    let metadata = Metadata {
        kind: DocumentKind::Faq,
        title: question.clone(),
        questions: vec![question.clone(), format!("我的包裹 {n} 到哪了")],
        tags: vec![format!("tag{}", n % 10)],
        audience: match n % 100 {
            0 => vec!["tier:gold".to_owned()],
            _ => Vec::new(),
        },
        ..Metadata::default()
    };
    let text = format!("{question}\n\n一般三到五個工作天送達，旺季另行公告。代號 {n}。");
    source(format!("faq-{n:06}"), metadata, text)
}

async fn fill(store: &Store, workspace: &WorkspaceId, n_articles: usize) {
    let start = Instant::now();
    let articles = (0..n_articles).map(article);
    let mut all = articles.chain((0..n_articles / 2).map(faq)).peekable();
    while all.peek().is_some() {
        let batch: Vec<Write> = all.by_ref().take(BATCH).collect();
        store.record(workspace, batch).await.expect("recorded");
    }
    println!(
        "wrote {} documents: {:.0} a second",
        n_articles + n_articles / 2,
        (n_articles + n_articles / 2) as f64 / start.elapsed().as_secs_f64()
    );
    for n in 0..n_articles / 2 {
        let (outcome, reason) = match n % 5 {
            0 => ("refused", Some("weak_evidence")),
            _ => ("answered", None),
        };
        let answer = json!({
            "id": format!("ans_{n:08}"), "outcome": outcome, "reason": reason, "text": "好。".repeat(100), "language": "zh-Hant",
            "strategy": "none", "confidence": 0.5, "sentences": [], "citations": [], "suggestions": [], "revision": 1,
            "conversation_id": null, "timings_ms": {},
        });
        let answer: Answer = serde_json::from_value(answer).expect("an answer");
        let trace = json!({ "request": {}, "parts": "特徵".repeat(1_000) }).to_string();
        let record = RecordedAnswer {
            question: &format!("訂單 {n} 什麼時候會到"),
            answer: &answer,
            trace: &trace,
            idempotency_key: None,
            channel: Some(if n % 100 == 0 { "line" } else { "web" }),
            tags: &[],
        };
        store
            .record_answer(workspace, record)
            .await
            .expect("recorded");
    }
}

/// Median and 95th percentile of the time for one page, in milliseconds.
async fn timed(client: &Client, url: &str) -> (f64, f64) {
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let reply = client.get(url).send().await.expect("a reply");
        assert!(reply.status().is_success(), "{url}");
        reply.bytes().await.expect("a body");
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    (times[ROUNDS / 2], times[ROUNDS * 95 / 100])
}

/// The `next` of a page, to find a deep one.
async fn next_of(client: &Client, url: &str) -> Option<String> {
    let reply = client.get(url).send().await.expect("a reply");
    let page: Value = reply.json().await.expect("JSON");
    page["next"].as_str().map(|next| next.replace('/', "%2F"))
}

#[tokio::main]
async fn main() {
    let numbers = std::env::args().skip(1).find_map(|arg| arg.parse().ok());
    let only_serves = std::env::args().any(|arg| arg == "serve");
    let n_articles: usize = numbers.unwrap_or(100_000);
    let folder = tempfile::tempdir().expect("a folder of its own");
    let mut config = Config::load(None).expect("the settings");
    config.store.url = format!("sqlite://{}", folder.path().join("ken.db").display());
    config.index.dir = folder.path().join("indexes");
    let app = Arc::new(App::build(config).await.expect("a service"));
    let workspace = default_workspace();
    fill(&app.store, &workspace, n_articles).await;
    let revision = app.store.revision(&workspace).await.expect("a revision");
    app.follower.wake();
    let patience = std::time::Duration::from_secs(600);
    let followed = app.follower.wait_for(&workspace, revision, patience);
    assert!(followed.await, "the follower reads the change log");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0");
    let listener = listener.await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(http::serve(app.clone(), listener, async {
        let _ = stopped.await;
    }));
    if only_serves {
        println!("{address}");
        let until_end = || std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let waited = tokio::task::spawn_blocking(until_end).await;
        waited.expect("no panic").expect("standard input");
    } else {
        measure(&address, n_articles).await;
    }
    let _ = stop.send(());
    serving.await.expect("no panic").expect("served");
    app.close().await;
}

/// Asks for each list and prints its times.
async fn measure(address: &str, n_articles: usize) {
    ken_base::outbound::choose_cryptography();
    let client = Client::new();
    let last = n_articles - n_articles / 10;
    let article = format!("guides%2F99%2F{:06}", last - last % 100 + 99);
    let faq = format!("faq-{:06}", last / 2);
    let mut plain = None;
    for (path, deep) in [
        ("/v1/documents?", Some(&article)),
        ("/v1/documents?kind=article", Some(&article)),
        ("/v1/documents?prefix=guides/50/", None),
        ("/v1/documents?status=draft", Some(&article)),
        ("/v1/documents?tag=tag3", Some(&article)),
        ("/v1/documents?tag=rare77", None),
        ("/v1/documents?q=refund", Some(&article)),
        ("/v1/documents?q=refund 977", None),
        ("/v1/documents:tree?", None),
        ("/v1/documents:tree?prefix=guides/", None),
        ("/v1/documents:tree?prefix=guides/50/", None),
        ("/v1/faqs?", Some(&faq)),
        ("/v1/faqs?tag=tag3", Some(&faq)),
        ("/v1/faqs?audience=tier:gold", Some(&faq)),
        ("/v1/faqs?q=工作天", Some(&faq)),
        ("/v1/faqs?q=找不到的字", None),
        ("/v1/questions?", None),
        ("/v1/questions?outcome=refused", None),
        ("/v1/questions?channel=line", None),
        ("/v1/questions?tag=none", None),
    ] {
        let url = format!("{address}{path}&limit=100");
        let first = timed(&client, &url).await;
        let plain = *plain.get_or_insert(first.0);
        print!(
            "{path:40} first {:7.1} {:7.1} ({:.1} times)",
            first.0,
            first.1,
            first.0 / plain
        );
        let deep = match deep {
            Some(after) => Some(after.clone()),
            None => next_of(&client, &url).await,
        };
        if let Some(after) = deep {
            let deep = timed(&client, &format!("{url}&after={after}")).await;
            print!(
                "  deep {:7.1} {:7.1} ({:.1} times)",
                deep.0,
                deep.1,
                deep.0 / plain
            );
        }
        println!();
    }
}
