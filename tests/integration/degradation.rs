//! Failures of optional parts (encoder, vector store, chat server) degrade answers and are reported in them.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ken::app::{App, default_workspace};
use ken::check;
use ken_base::domain::Clock;
use ken_search::embed::Embedder;
use ken_search::index::{
    EmbeddedVectors, IndexError, Indexes, Selection, VectorEntry, VectorHit, VectorStore,
};
use serde_json::{Value, json};

use crate::support::{TestApp, config_in, embedder};

const REFUNDS: &str = "# 退款\n\n退款會在 7 個工作天內退回原付款帳戶。\n";
const SHIPPING: &str = "# 運費\n\n訂單滿 NT$1,200 免運費，未滿收 NT$80。\n";

/// Embedded vectors that can be made unavailable.
struct CutOff {
    vectors: EmbeddedVectors,
    is_cut: Arc<AtomicBool>,
}

impl CutOff {
    fn reached(&self) -> Result<&EmbeddedVectors, IndexError> {
        match self.is_cut.load(Ordering::Relaxed) {
            true => Err(IndexError::Vector("cut off".to_owned())),
            false => Ok(&self.vectors),
        }
    }
}

impl VectorStore for CutOff {
    fn apply(
        &self,
        removed: &[Range<u32>],
        added: &[VectorEntry],
        at: i64,
    ) -> Result<(), IndexError> {
        self.reached()?.apply(removed, added, at)
    }

    fn search(
        &self,
        query: &[f32],
        limit: usize,
        selection: &Selection,
    ) -> Result<Vec<VectorHit>, IndexError> {
        self.reached()?.search(query, limit, selection)
    }

    fn similarities(&self, query: &[f32], keys: &[u32]) -> Result<Vec<Option<f32>>, IndexError> {
        self.reached()?.similarities(query, keys)
    }

    fn negatives(&self, query: &[f32], keys: &[u32]) -> Result<Vec<Option<f32>>, IndexError> {
        self.reached()?.negatives(query, keys)
    }

    fn n_vectors(&self) -> Result<usize, IndexError> {
        self.vectors.n_vectors()
    }

    fn missing(&self, keys: &[u32]) -> Result<Vec<u32>, IndexError> {
        self.vectors.missing(keys)
    }

    fn revision(&self) -> i64 {
        self.vectors.revision()
    }

    fn save(&self) -> Result<(), IndexError> {
        self.reached()?.save()
    }
}

/// Polls `/readyz` until it reports this degradation.
async fn ready_with(app: &TestApp, degraded: Value) -> Value {
    let asking = async {
        loop {
            let response = app.client.get(format!("{}/readyz", app.address)).send();
            let response = response.await.unwrap();
            let is_ready = response.status() == 200;
            let state: Value = response.json().await.unwrap();
            if is_ready && state["degraded"] == degraded {
                return state;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asking)
        .await
        .unwrap_or_else(|_| panic!("/readyz never said {degraded}"))
}

/// Answers and searches use keyword search alone and report it; a document added during the failure is found too.
async fn words_alone(app: &TestApp, note: &str) {
    let answer = app.ask("退款要幾個工作天？").await;
    assert_eq!(answer.outcome, "answered", "{answer:?}");
    assert!(answer.text.contains("7 個工作天"));
    assert_eq!(answer.notes, [note]);
    app.assert_citations_resolve(&answer).await;
    let refused = app.ask("明天台北的天氣如何？").await;
    assert_eq!(refused.outcome, "refused", "{refused:?}");
    let found = app.search(json!({ "question": "退款" })).await;
    assert_eq!(
        (found.degraded.as_deref(), found.hits.len()),
        (Some(note), 1)
    );
    let state = ready_with(app, json!([note])).await;
    assert_eq!(
        state["workspaces"][0]["words"],
        state["workspaces"][0]["revision"]
    );
    let (status, problem) = app
        .post(
            "/v1/search",
            json!({ "question": "退款", "mode": "vector" }),
        )
        .await;
    assert!(
        status.is_server_error(),
        "vector search alone was requested: {problem}"
    );
    let (status, _) = app
        .request(
            reqwest::Method::PUT,
            "/v1/documents/shipping",
            Some(json!({ "text": SHIPPING })),
        )
        .await;
    assert_eq!(status, 201);
    let answered = async {
        loop {
            let answer = app.ask("訂單滿多少免運費？").await;
            if answer.outcome == "answered" {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let answer = tokio::time::timeout(Duration::from_secs(30), answered).await;
    let answer = answer.expect("a new document is found by keywords");
    assert!(answer.text.contains("1,200"), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_encoder_falls_back_to_keyword_search() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let mut config = config_in(folder.path());
    // The cache would repeat the answers given before the failure.
    config.answer.cache_entries = 0;
    let encoder = config.encoder.clone();
    // An encoder of its own, which the test stops.
    let encoder = tokio::task::spawn_blocking(move || Embedder::open(&encoder).unwrap());
    let encoder = encoder.await.unwrap();
    let app = App::build_with(config, encoder.clone()).await.unwrap();
    let app = TestApp::serve(Arc::new(app), folder).await;
    app.put("refunds", json!({ "text": REFUNDS })).await;
    let answer = app.ask("退款要幾個工作天？").await;
    assert_eq!(
        (answer.outcome.as_str(), answer.notes.len()),
        ("answered", 0)
    );
    ready_with(&app, json!([])).await;
    encoder.stop();
    words_alone(&app, "encoder_unavailable").await;
    let folder = app.stop().await;
    // After a restart with an encoder the missing vectors are added.
    let app = TestApp::start_in(folder, |_| {}).await;
    ready_with(&app, json!([])).await;
    let checked = check::check(&app.app, &default_workspace()).await.unwrap();
    assert_eq!((checked.n_chunks, checked.faults), (2, vec![]));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_vectors_fall_back_to_keywords_then_catch_up() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let config = config_in(folder.path());
    let encoder = tokio::task::spawn_blocking(embedder).await.unwrap();
    let is_cut = Arc::new(AtomicBool::new(false));
    let cut = is_cut.clone();
    let indexes = Indexes::open(&config.index, encoder.id(), encoder.dimension())
        .unwrap()
        .with_vectors(Box::new(move |_, folder: &Path, dimension, may_write| {
            let vectors = EmbeddedVectors::open(folder, dimension, may_write)?;
            let is_cut = cut.clone();
            Ok(Box::new(CutOff { vectors, is_cut }))
        }));
    let app = App::build_on(config, encoder, Clock::default(), indexes).await;
    let app = TestApp::serve(Arc::new(app.unwrap()), folder).await;
    app.put("refunds", json!({ "text": REFUNDS })).await;
    ready_with(&app, json!([])).await;
    is_cut.store(true, Ordering::Relaxed);
    words_alone(&app, "vectors_unavailable").await;
    is_cut.store(false, Ordering::Relaxed);
    let answer = app.ask("退款要幾個工作天？").await;
    assert_eq!(
        (answer.outcome.as_str(), answer.notes.len()),
        ("answered", 0)
    );
    let state = ready_with(&app, json!([])).await;
    assert_eq!(state["workspaces"][0]["indexed"], 2, "{state}");
    let checked = check::check(&app.app, &default_workspace()).await.unwrap();
    assert_eq!((checked.n_chunks, checked.faults), (2, vec![]));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_chat_server_falls_back_to_extractive_answer() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let app = TestApp::start_with(|config| {
        config.llm.url = format!("http://{address}/v1");
        config.llm.model = "any".to_owned();
        config.llm.retries = 0;
    })
    .await;
    app.put("refunds", json!({ "text": REFUNDS })).await;
    ready_with(&app, json!([])).await;
    let answer = app.ask("退款要幾個工作天？").await;
    assert_eq!(
        (answer.outcome.as_str(), answer.strategy.as_str()),
        ("answered", "extractive")
    );
    assert_eq!(answer.notes, ["llm_unavailable"]);
    ready_with(&app, json!(["llm_unavailable"])).await;
    app.stop().await;
}
