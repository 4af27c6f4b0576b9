//! Generated wording, against a scripted chat server that behaves well and badly. tests/real_llm.rs (`make test-llm`) runs
//! the protocol against a real server.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::scripted_llm::{Script, ScriptedLlm};
use crate::support::{Answer, TestApp};

const TEXT: &str = "# 退貨\n\n收到商品七天內可以申請退貨，商品須保持全新。\n退貨運費為 NT$80 元，由買方負擔。\n退款在驗收後五個工作天內完成。\n客製商品不接受退貨。";
const QUESTION: &str = "退貨運費多少錢，幾天內可以退？";
const GOOD: &str =
    "退貨運費為 NT$80 元，由買方負擔。[1]收到商品七天內可以申請退貨，商品須保持全新。[1]";

async fn with(llm: &ScriptedLlm) -> TestApp {
    let app = TestApp::start_with(|config| {
        config.llm.url = llm.url.clone();
        config.llm.model = "scripted".into();
        config.llm.key = Some(ken_base::config::Secret::new("k-123"));
        config.llm.idle_ms = 1_000;
        config.llm.timeout_ms = 2_000;
        config.llm.prompt_price = Some(1.0);
        config.llm.completion_price = Some(2.0);
    })
    .await;
    app.put("returns", json!({ "text": TEXT })).await;
    app
}

async fn ask(app: &TestApp, more: Value) -> Answer {
    let mut body = json!({ "question": QUESTION });
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    app.answer(body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn question_is_redacted_before_model_request() {
    let llm = ScriptedLlm::start(vec![Script::Says(GOOD.into())]).await;
    let app = with(&llm).await;
    let question = format!("我姓駱，電話 0912-345-678，{QUESTION}");
    let answer = ask(&app, json!({ "question": question })).await;
    assert_eq!(answer.strategy, "generated", "{answer:?}");
    let requests = llm.requests();
    assert!(!requests.is_empty());
    for request in requests {
        let sent = request.to_string();
        assert!(sent.contains("退貨運費多少錢"), "{sent}");
        assert!(!sent.contains("0912") && !sent.contains('駱'), "{sent}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn supported_generation_is_sent_with_citations_and_cost() {
    let llm = ScriptedLlm::start(vec![Script::Says(GOOD.into())]).await;
    let app = with(&llm).await;
    for script in [Script::Says(GOOD.into()), Script::SaysAtOnce(GOOD.into())] {
        llm.now(script);
        let answer = ask(&app, json!({})).await;
        assert_eq!(answer.strategy, "generated", "{answer:?}");
        assert_eq!(
            answer.text,
            "退貨運費為 NT$80 元，由買方負擔。收到商品七天內可以申請退貨，商品須保持全新。"
        );
        assert_eq!(answer.sentences[0].citations, [1]);
        assert_eq!(
            answer.citations[0].quote,
            "退貨運費為 NT$80 元，由買方負擔。"
        );
        app.assert_citations_resolve(&answer).await;
        let id = &answer.id;
        let (_, explained) = app.get(&format!("/v1/answers/{id}")).await;
        let usage = &explained["parts"][0]["usage"];
        assert_eq!(
            (&usage["prompt_tokens"], &usage["completion_tokens"]),
            (&json!(100), &json!(20))
        );
        assert!((usage["cost"].as_f64().unwrap() - 140.0 / 1e6).abs() < 1e-12);
    }
    let request = &llm.requests()[0];
    assert_eq!(
        (&request["model"], &request["stream"]),
        (&json!("scripted"), &json!(true))
    );
    let shown = request["messages"][1]["content"].as_str().unwrap();
    let data: Value = serde_json::from_str(shown).expect("the evidence is fenced as JSON");
    assert_eq!(data["message"], QUESTION);
    assert_eq!(data["passages"][0]["number"], 1);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faulty_model_output_falls_back_to_extractive_answer() {
    let llm = ScriptedLlm::start(vec![Script::Garbage]).await;
    let app = with(&llm).await;
    let says = |text: &str| Script::Says(text.to_owned());
    for (script, note) in [
        (says("退貨運費為 NT$800 元。[1]"), "llm_unsupported"),
        (
            says("收到商品十七天內可以申請退貨，商品須保持全新。[1]"),
            "llm_unsupported",
        ),
        (says("客製商品接受退貨。[1]"), "llm_unsupported"),
        (
            says("退貨運費為 NT$80 元，由買方負擔。[4]"),
            "llm_unsupported",
        ),
        (says("退貨運費為 NT$80 元，由買方負擔。"), "llm_unsupported"),
        // A missing condition, a swapped payer, an added address.
        (says("收到商品七天內可以申請退貨。[1]"), "llm_unsupported"),
        (
            says("退貨運費為 NT$80 元，由本店負擔。[1]"),
            "llm_unsupported",
        ),
        (
            says("退貨運費為 NT$80 元，由買方負擔至 refunds-shop.com。[1]"),
            "llm_unsupported",
        ),
        (says("NO_ANSWER"), "llm_unsupported"),
        (Script::BreaksOffAfter(GOOD.into()), "llm_truncated"),
        (Script::RunsOutAfter(GOOD.into()), "llm_truncated"),
        (Script::StallsAfter("退貨運費為".into()), "llm_unavailable"),
        (Script::Fails(400), "llm_refused"),
        (Script::Fails(429), "llm_deadline"),
        (Script::Garbage, "llm_garbage"),
    ] {
        let what = format!("{script:?}");
        llm.now(script);
        let answer = ask(&app, json!({})).await;
        assert_eq!(answer.outcome, "answered", "{what}: {answer:?}");
        assert_eq!(answer.strategy, "extractive", "{what}: {answer:?}");
        let found = &answer.notes;
        // The wait for a busy server depends on its reply and on random jitter.
        let is_noted = *found == [note] || (note == "llm_deadline" && *found == ["llm_refused"]);
        assert!(is_noted, "{what}: {found:?}");
        for false_word in ["800", "十七", "客製商品接受", "本店", "refunds-shop"] {
            assert!(!answer.text.contains(false_word), "{what}: {answer:?}");
        }
        app.assert_citations_resolve(&answer).await;
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unsupported_sentence_is_dropped_and_recorded() {
    let llm = ScriptedLlm::start(vec![Script::Says(format!(
        "{GOOD}退款在三個工作天內完成。[1]"
    ))])
    .await;
    let app = with(&llm).await;
    let answer = ask(&app, json!({})).await;
    assert_eq!(answer.strategy, "generated");
    assert!(!answer.text.contains("三個"), "{answer:?}");
    let (_, explained) = app.get(&format!("/v1/answers/{}", answer.id)).await;
    let rejected = &explained["parts"][0]["rejected"][0];
    assert_eq!(
        (&rejected["why"], &rejected["text"]),
        (&json!("figure"), &json!("退款在三個工作天內完成。"))
    );
    assert!(
        explained["parts"][0]["evidence"][0]["text"]
            .as_str()
            .unwrap()
            .contains("NT$80")
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn busy_model_server_is_retried() {
    let llm = ScriptedLlm::start(vec![Script::Fails(503), Script::Says(GOOD.into())]).await;
    let app = with(&llm).await;
    assert_eq!(ask(&app, json!({})).await.strategy, "generated");
    assert_eq!(llm.requests().len(), 2);
    llm.now(Script::Fails(401));
    let answer = ask(&app, json!({})).await;
    assert_eq!(answer.strategy, "extractive");
    assert_eq!(answer.notes, ["llm_refused"]);
    assert_eq!(llm.requests().len(), 3, "a rejected request is not retried");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn model_call_respects_deadline_and_strategy_ceiling() {
    let llm = ScriptedLlm::start(vec![Script::StallsAfter(GOOD.into())]).await;
    let app = TestApp::start_with(|config| {
        config.llm.url = llm.url.clone();
        config.llm.model = "scripted".into();
        config.llm.idle_ms = 60_000;
        config.llm.timeout_ms = 60_000;
    })
    .await;
    app.put("returns", json!({ "text": TEXT })).await;
    let start = Instant::now();
    let answer = ask(&app, json!({ "deadline_ms": 3_000 })).await;
    assert_eq!(answer.strategy, "extractive");
    assert_eq!(answer.notes, ["llm_deadline"]);
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "the deadline applies, not the timeout of the model: {:?}",
        start.elapsed()
    );
    assert!(llm.is_left().await, "the request is cancelled");
    let n = llm.requests().len();
    for ceiling in ["extractive", "standard"] {
        ask(&app, json!({ "strategy": ceiling })).await;
    }
    assert_eq!(
        llm.requests().len(),
        n,
        "no model request below the `generated` strategy"
    );
    app.stop().await;
}

/// Server-sent events as pairs of name and data.
fn events(body: &str) -> Vec<(String, Value)> {
    let blocks = body
        .split("\n\n")
        .filter(|block| block.starts_with("event: "));
    let event = |block: &str| {
        let (name, data) = block.split_once('\n').unwrap();
        let data = data.strip_prefix("data: ").unwrap();
        (
            name.strip_prefix("event: ").unwrap().to_owned(),
            serde_json::from_str(data).unwrap(),
        )
    };
    blocks.map(event).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn verified_sentences_stream_and_truncation_sends_restart() {
    let llm = ScriptedLlm::start(vec![Script::Says(GOOD.into())]).await;
    let app = with(&llm).await;
    let stream = async || {
        let body = json!({ "question": QUESTION, "stream": true });
        let sent = app
            .client
            .post(format!("{}/v1/answers", app.address))
            .json(&body)
            .send();
        events(&sent.await.unwrap().text().await.unwrap())
    };
    let names = |events: &[(String, Value)]| -> Vec<String> {
        events.iter().map(|(name, _)| name.clone()).collect()
    };
    let received = stream().await;
    assert_eq!(names(&received), ["evidence", "delta", "delta", "done"]);
    assert_eq!(received[1].1["text"], "退貨運費為 NT$80 元，由買方負擔。");
    assert_eq!(received[3].1["strategy"], "generated");
    llm.now(Script::BreaksOffAfter(GOOD.into()));
    let received = stream().await;
    let names = names(&received);
    let restart = names
        .iter()
        .position(|name| name == "restart")
        .expect("the streamed sentences are retracted");
    assert!(names[..restart].contains(&"delta".to_owned()), "{names:?}");
    let n_restarts = names.iter().filter(|name| *name == "restart").count();
    assert_eq!(n_restarts, 1, "retracted once: {names:?}");
    assert_eq!(received.last().unwrap().1["strategy"], "extractive");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn client_disconnect_cancels_model_request() {
    let llm = ScriptedLlm::start(vec![Script::StallsAfter(GOOD.into())]).await;
    let app = TestApp::start_with(|config| {
        config.llm.url = llm.url.clone();
        config.llm.model = "scripted".into();
        config.llm.idle_ms = 60_000;
        config.llm.timeout_ms = 60_000;
    })
    .await;
    app.put("returns", json!({ "text": TEXT })).await;
    let body = json!({ "question": QUESTION, "stream": true });
    let mut response = app
        .client
        .post(format!("{}/v1/answers", app.address))
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let mut heard = String::new();
    while !heard.contains("event: delta") {
        let piece = response.chunk().await.unwrap().expect("the stream goes on");
        heard.push_str(std::str::from_utf8(&piece).unwrap());
    }
    drop(response);
    assert!(llm.is_left().await);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn overruled_passage_is_not_sent_to_model() {
    let said = "收到商品後 7 天內可以申請退貨。";
    let llm = ScriptedLlm::start(vec![Script::Says(format!("{said}[1]{said}[2]"))]).await;
    let app = TestApp::start_with(|config| {
        config.llm.url = llm.url.clone();
        config.llm.model = "scripted".into();
    })
    .await;
    let article = |days: u8| format!("# 退貨期限是幾天\n\n收到商品後 {days} 天內可以申請退貨。");
    app.put("old", json!({ "text": article(7), "rank": 0 }))
        .await;
    app.put("new", json!({ "text": article(10), "rank": 5 }))
        .await;
    let answer = app.answer(json!({ "question": "退貨期限是幾天？" })).await;
    assert_eq!(answer.outcome, "answered", "{answer:?}");
    assert_eq!(answer.text, "收到商品後 10 天內可以申請退貨。");
    let shown = llm.requests()[0]["messages"][1]["content"].to_string();
    assert!(
        shown.contains("10 天") && !shown.contains("7 天"),
        "{shown}"
    );
    app.stop().await;
}
