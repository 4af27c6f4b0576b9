//! What a reranker does to a list. The reranker here is a stand-in: no cross-encoder can be had without a hub.

use std::sync::{Arc, Mutex, mpsc};

use ken::app::default_workspace;
use ken::config::RerankConfig;
use ken::domain::{Mode, Query};
use ken::rerank::{RerankError, Reranker};
use ken::retrieve::Retrieved;
use serde_json::json;

use crate::support::TestApp;

/// Likes long passages.
struct ByLength;

impl Reranker for ByLength {
    fn read(&self, question: &str, passages: &[String]) -> Result<Option<Vec<f32>>, RerankError> {
        assert_eq!(question, "退貨運費");
        Ok(Some(passages.iter().map(|p| p.len() as f32).collect()))
    }
}

/// Never comes to an end while the test holds the other side.
struct Endless(Mutex<mpsc::Receiver<()>>);

impl Reranker for Endless {
    fn read(&self, _: &str, passages: &[String]) -> Result<Option<Vec<f32>>, RerankError> {
        let _ = self.0.lock().unwrap().recv();
        Ok(Some(vec![0.0; passages.len()]))
    }
}

struct Failing;

impl Reranker for Failing {
    fn read(&self, _: &str, _: &[String]) -> Result<Option<Vec<f32>>, RerankError> {
        Err(RerankError::Read("out of memory".into()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reranker_reorders_the_best_within_its_time() {
    let app = TestApp::start().await;
    for (id, text) in [
        ("a", "退貨運費由賣家負擔。"),
        ("b", "退貨運費由賣家負擔，離島另計，請保留收據。"),
        (
            "c",
            "退貨運費由賣家負擔，離島另計，請保留收據，並在七天內寄回原來的門市或倉庫。",
        ),
        (
            "d",
            "營業時間是早上九點到晚上九點，週末與國定假日照常，農曆春節另行公告，歡迎來電洽詢。",
        ),
    ] {
        app.put(id, json!({ "text": text })).await;
    }
    let search = async |reranker: Option<Arc<dyn Reranker>>, top: usize, mode: Mode| {
        let config = RerankConfig {
            top,
            // Only the endless one is asked to read all, and is not waited for long.
            budget_ms: if top == 20 { 100 } else { 60_000 },
            ..RerankConfig::default()
        };
        let mut retriever = app.app.retriever.clone();
        if let Some(reranker) = reranker {
            retriever = retriever.with_reranker(reranker, &config);
        }
        let query = Query::parse("退貨運費", 10).unwrap().with_mode(mode);
        retriever.retrieve(&default_workspace(), &query).await
    };
    let texts = async |found: &Retrieved| -> Vec<String> {
        let query = Query::parse("退貨運費", 10).unwrap();
        let evidence = app
            .app
            .retriever
            .load_evidence(&default_workspace(), &query, &found.hits)
            .await
            .unwrap();
        let ids = evidence.iter().map(|e| e.chunk.document_id.to_string());
        ids.collect()
    };
    let plain = search(None, 20, Mode::Hybrid).await.unwrap();
    let order = texts(&plain).await;
    assert_eq!(
        (order.len(), order[3].as_str(), plain.reranked),
        (4, "d", false)
    );

    let read = search(Some(Arc::new(ByLength)), 3, Mode::Hybrid)
        .await
        .unwrap();
    assert!(read.reranked);
    assert_eq!(
        texts(&read).await,
        ["c", "b", "a", "d"],
        "the fourth was not read"
    );
    let scores = |found: &Retrieved| -> Vec<f32> { found.hits.iter().map(|h| h.score).collect() };
    assert_eq!(scores(&read), scores(&plain), "scores stay with the places");

    let (hold, wait) = mpsc::channel();
    let endless = Arc::new(Endless(Mutex::new(wait)));
    let late = search(Some(endless), 20, Mode::Hybrid).await.unwrap();
    assert_eq!((texts(&late).await, late.reranked), (order, false));
    drop(hold);

    let error = search(Some(Arc::new(Failing)), 3, Mode::Hybrid)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("out of memory"), "{error}");
    let by_words = search(Some(Arc::new(Failing)), 3, Mode::Keyword)
        .await
        .unwrap();
    assert!(!by_words.reranked, "only hybrid searches are reranked");
}
