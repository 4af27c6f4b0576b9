//! The chat protocol against a real server with a small model. `make test-llm` fetches and starts the server; `cargo test`
//! does not run this test.

#[path = "integration/support.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "one test does not use all that the others share"
)]
mod support;

#[path = "integration/postgres.rs"]
mod postgres;

use serde_json::json;
use support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn real_llm_server_follows_protocol() {
    let variable = |name: &str| {
        std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run make test-llm"))
    };
    let (url, model) = (variable("KEN_TEST_LLM_URL"), variable("KEN_TEST_LLM_MODEL"));
    let app = TestApp::start_with(|config| {
        config.llm.url = url;
        config.llm.model = model;
        config.llm.idle_ms = 120_000;
        config.llm.timeout_ms = 120_000;
        config.llm.max_tokens = 256;
        config.http.timeout_ms = 200_000;
    })
    .await;
    let text = "# 退貨\n\n收到商品七天內可以申請退貨，商品須保持全新。\n退貨運費為 NT$80 元，由買方負擔。\n退款在驗收後五個工作天內完成。";
    app.put("returns", json!({ "text": text })).await;
    let answer = app
        .answer(json!({ "question": "退貨運費多少錢，幾天內可以退？" }))
        .await;
    // A small model may say anything; what counts is that its text was read, and that nothing false passed.
    let notes = &answer.notes;
    let is_noted = |note: &String| note == "llm_unsupported" || note == "llm_truncated";
    let is_read = answer.strategy == "generated" || notes.iter().any(is_noted);
    assert!(is_read, "{answer:?}");
    assert_eq!(answer.outcome, "answered");
    app.assert_citations_resolve(&answer).await;
    println!("{}: {notes:?}", answer.strategy);
    app.stop().await;
}
