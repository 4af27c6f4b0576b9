//! `POST /v1/answers` over HTTP: citations, follow-ups, idempotency keys, deadlines, streaming, shutdown and the answer cache.

use std::sync::Arc;

use ken::app::App;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Answer, TestApp, config_in, pointers};

#[tokio::test(flavor = "multi_thread")]
async fn shop_questions_in_any_script_are_answered_with_citations() {
    let app = TestApp::with_shop().await;
    for (question, expected) in [
        ("請問退貨後多久可以收到退款？", "工作天"),
        ("请问退货以后多久能收到退款？", "工作"),
        ("How long does a refund take?", "working days"),
        (
            "個 DoorMat K1 冇晒電，我而家喺門口入唔到屋呀，點算好",
            "USB-C",
        ),
    ] {
        let answer = app.ask(question).await;
        assert_eq!(answer.outcome, "answered", "{question}: {answer:?}");
        assert!(answer.text.contains(expected), "{question}: {answer:?}");
        assert!(!answer.citations.is_empty());
        app.assert_citations_resolve(&answer).await;
        for sentence in &answer.sentences {
            let text = &sentence.text;
            let mut cited = sentence.citations.iter();
            let is_quoted = cited.any(|number| answer.citations[number - 1].quote.contains(text));
            assert!(is_quoted, "{text} is not in what it cites");
        }
    }
    for question in [
        "今天台北天氣如何？",
        "Who won the world cup in 1998?",
        "紅燒牛肉麵怎麼煮",
    ] {
        let answer = app.ask(question).await;
        assert_eq!(answer.outcome, "refused", "{question}: {answer:?}");
        assert_eq!(answer.strategy, "none");
        assert!(answer.citations.is_empty());
        assert!(answer.reason.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_knowledge_base_refuses() {
    let app = TestApp::start().await;
    let answer = app.ask("請問怎麼退貨？").await;
    assert_eq!(answer.decision(), ("refused", Some("no_evidence")));
    let found = app.search(json!({ "question": "退貨" })).await;
    assert!(found.hits.is_empty(), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn glossed_text_is_found_by_simplified_query_and_unchanged() {
    let app = TestApp::start().await;
    let text = "# 申訴\n\n消費(fèi)者可於七日內無條件解除契約(qì yuē)，逾期恕不受理。";
    app.put("law", json!({ "text": text })).await;
    app.put(
        "other",
        json!({ "text": "# 門市\n\n門市每日上午十點開始營業，國定假日公休。" }),
    )
    .await;
    let found = app
        .search(json!({ "question": "消费者解除契约", "mode": "keyword" }))
        .await;
    assert_eq!(
        found.document_ids(),
        ["law"],
        "the other document shares no term"
    );
    assert_eq!(
        found.hits[0].text,
        "消費(fèi)者可於七日內無條件解除契約(qì yuē)，逾期恕不受理。"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn follow_up_is_resolved_from_conversation() {
    let app = TestApp::with_shop().await;
    let first = json!({ "question": "AirNest 300 的濾網多久要換一次？", "conversation_id": "c1" });
    let answer = app.answer(first).await;
    assert_eq!(answer.outcome, "answered", "{answer:?}");
    let follow_up = "那一片多少錢？";
    let alone = app
        .search(json!({ "question": follow_up, "limit": 1 }))
        .await;
    assert!(
        !alone.hits[0].title.contains("AirNest"),
        "the follow-up alone does not find it: {alone:?}"
    );
    let answer = app
        .answer(json!({ "question": follow_up, "conversation_id": "c1" }))
        .await;
    let cited = answer.first_cited().unwrap_or_default();
    assert!(cited.contains("airnest"), "{answer:?}");
    assert_eq!(answer.conversation_id.as_deref(), Some("c1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_idempotency_key_returns_first_answer() {
    let app = TestApp::with_shop().await;
    let post = |question: &str| {
        let body = json!({ "question": question });
        app.client
            .post(format!("{}/v1/answers", app.address))
            .header("idempotency-key", "k1")
            .json(&body)
            .send()
    };
    let first: serde_json::Value = post("運費多少").await.unwrap().json().await.unwrap();
    let second: serde_json::Value = post("運費多少").await.unwrap().json().await.unwrap();
    assert_eq!(first, second);
    assert_eq!(post("保固多久").await.unwrap().status(), 409);
    // The same key with another audience is another request: a customer does not get an agent's answer.
    let as_agent = app
        .client
        .post(format!("{}/v1/answers", app.address))
        .header("idempotency-key", "k1")
        .json(&json!({ "question": "運費多少", "audience": "agent" }));
    assert_eq!(as_agent.send().await.unwrap().status(), 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_respects_strategy_ceiling_and_deadline() {
    let app = TestApp::with_shop().await;
    let extractive = json!({ "question": "BeamBox Mini 的投影尺寸和亮度規格是多少？" });
    let answer = app.answer(extractive.clone()).await;
    assert_eq!(answer.strategy, "extractive", "{answer:?}");
    let mut standard_only = extractive;
    standard_only["strategy"] = json!("standard");
    let answer = app.answer(standard_only).await;
    assert_eq!(
        (answer.outcome.as_str(), answer.strategy.as_str()),
        ("refused", "none"),
        "{answer:?}"
    );
    // The encoder alone takes longer than a millisecond.
    let answer = app
        .answer(json!({ "question": "長".repeat(1_500), "deadline_ms": 1 }))
        .await;
    assert_eq!(answer.decision(), ("refused", Some("deadline")));
}

#[tokio::test(flavor = "multi_thread")]
async fn streamed_answer_sends_evidence_then_deltas_then_done() {
    let app = TestApp::with_shop().await;
    let body = json!({ "question": "How long does a refund take?", "stream": true });
    let response = app
        .client
        .post(format!("{}/v1/answers", app.address))
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = response.text().await.unwrap();
    let events: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("event: "))
        .collect();
    assert_eq!((events[0], events[events.len() - 1]), ("evidence", "done"));
    assert!(
        events[1..events.len() - 1]
            .iter()
            .all(|event| *event == "delta")
            && events.len() > 2
    );
    let last = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .next_back()
        .unwrap();
    let answer: Answer = serde_json::from_str(last).unwrap();
    assert_eq!(answer.outcome, "answered");
}

/// The shutdown begins after the request's head was sent and before its body. The service accepts no new connection and
/// still answers this request.
#[tokio::test(flavor = "multi_thread")]
async fn accepted_request_is_finished_during_shutdown() {
    let app = TestApp::start().await;
    app.put("a", json!({ "text": "文件" })).await;
    let address = app.address.trim_start_matches("http://").to_owned();
    let mut connection = TcpStream::connect(&address).await.unwrap();
    let body = json!({ "question": "文件" }).to_string();
    let head = format!(
        "POST /v1/search HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut reply = vec![0; 25];
    connection.read_exact(&mut reply).await.unwrap();
    assert_eq!(&reply, b"HTTP/1.1 100 Continue\r\n\r\n");
    let stopping = tokio::spawn(app.stop());
    while TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    connection.write_all(body.as_bytes()).await.unwrap();
    let mut reply = String::new();
    connection.read_to_string(&mut reply).await.unwrap();
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    stopping.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn exact_faq_question_is_answered_while_encoder_is_busy() {
    // An encoder of its own, so that other tests do not wait for it.
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let mut config = config_in(folder.path());
    config.encoder.threads = 1;
    let app = Arc::new(App::build(config).await.unwrap());
    let app = TestApp::serve(app, folder).await;
    let faq = json!({ "question": "門市幾點開門？", "answer": "每天上午十點開門。", "language": "zh-Hant" });
    let (status, _) = app
        .request(Method::PUT, "/v1/faqs/hours?wait=indexed", Some(faq))
        .await;
    assert!(status.is_success());
    let long = "退貨運費由誰負擔，多久可以收到退款？".repeat(20);
    let busy: Vec<_> = (0..80)
        .map(|_| {
            let (embedder, long) = (app.app.embedder.clone(), long.clone());
            tokio::spawn(async move { embedder.embed_question(&long).await })
        })
        .collect();
    while app.app.embedder.n_waiting() < 50 {
        tokio::task::yield_now().await;
    }
    let asked = |question: &str| json!({ "question": question, "deadline_ms": 1_500 });
    let (known, unknown) = tokio::join!(
        app.answer(asked("門市幾點開門")),
        app.answer(asked("門市在哪裡？"))
    );
    busy.iter().for_each(|task| task.abort());
    assert_eq!(known.strategy, "standard", "{known:?}");
    assert_eq!(known.notes, ["deadline"]);
    assert_eq!(unknown.decision(), ("refused", Some("deadline")));
    app.assert_citations_resolve(&known).await;
    app.stop().await;
}

async fn with_shipping_fee() -> TestApp {
    let app = TestApp::start().await;
    app.put("fee", json!({ "text": "# 運費\n\n運費是 80 元。\n" }))
        .await;
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_question_is_cached_and_each_answer_recorded() {
    let app = with_shipping_fee().await;
    let ask = async || app.ask("運費是多少？").await;
    let (first, again) = (ask().await, ask().await);
    assert_ne!(first.id, again.id, "each is recorded");
    assert_eq!(
        (&first.text, &first.citations),
        (&again.text, &again.citations)
    );
    for id in [&first.id, &again.id] {
        let (status, read) = app.get(&format!("/v1/answers/{id}")).await;
        assert_eq!(
            (status.as_u16(), &read["answer"]["text"]),
            (200, &json!(first.text)),
            "{read}"
        );
    }
    assert_eq!(app.app.answerer.n_cache_hits(), 1, "one cache hit");
    // The channel is part of the cache key.
    let other = app
        .answer(json!({ "question": "運費是多少？", "channel": "line" }))
        .await;
    assert_eq!(other.outcome, "answered");
    assert_eq!(app.app.answerer.n_cache_hits(), 1);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cached_answer_is_dropped_when_its_inputs_change() {
    let app = with_shipping_fee().await;
    let ask = async || app.ask("運費是多少？").await;
    ask().await;
    // Another text, a synonym, a level and a deletion apply at once.
    app.put("fee", json!({ "text": "# 運費\n\n運費是 90 元。\n" }))
        .await;
    assert!(ask().await.text.contains("90"));
    assert!(ask().await.text.contains("90"));
    assert_eq!(app.app.answerer.n_cache_hits(), 1);
    for (path, body) in [
        ("/v1/synonyms", json!({ "groups": [["運費", "郵資"]] })),
        ("/v1/settings", json!({ "level": "strict" })),
    ] {
        let (status, reply) = app.request(Method::PUT, path, Some(body)).await;
        assert!(status.is_success(), "{reply}");
        ask().await;
        assert_eq!(app.app.answerer.n_cache_hits(), 1, "{path}");
    }
    let (status, _) = app.request(Method::DELETE, "/v1/documents/fee", None).await;
    assert_eq!(status.as_u16(), 200);
    let outcome = ask().await.outcome;
    assert_eq!(outcome, "refused", "a deleted document is not cited");
    // A new workspace of the same name and at the same revisions does not use the cache of the old one.
    for (about, says) in [("運費是 80 元", true), ("包裝是紙盒", false)] {
        let path = "/v1/workspaces/default";
        let (status, reply) = app.request(Method::DELETE, path, None).await;
        assert_eq!(status.as_u16(), 200, "{reply}");
        let text = format!("# 說明\n\n{about}。\n");
        app.put("fee", json!({ "text": text })).await;
        let answer = ask().await;
        let is_said = answer.text.contains("80");
        assert_eq!(is_said, says, "{answer:?}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn level_of_one_question_overrides_workspace_level() {
    let app = TestApp::with_shop().await;
    let questions = [
        "請問退貨後多久可以收到退款？",
        "AirNest 300 的濾網多久要換一次？",
        "可以寄到國外嗎？",
        "買很多可以算便宜一點嗎？",
        "你們的門市可以帶狗進去嗎？",
    ];
    let mut outcomes = Vec::new();
    for question in questions {
        let at = async |level: &str| {
            let body = json!({ "question": question, "level": level });
            let answer = app.answer(body).await;
            let (_, read) = app.get(&format!("/v1/answers/{}", answer.id)).await;
            assert_eq!(read["request"]["level"], level, "{read}");
            answer.outcome
        };
        let by_level = (at("very_strict").await, at("very_lenient").await);
        assert_ne!(
            by_level,
            ("answered".to_owned(), "refused".to_owned()),
            "{question}"
        );
        outcomes.push(by_level);
    }
    let differs = outcomes.iter().any(|(strict, lenient)| strict != lenient);
    assert!(differs, "the level decides some question: {outcomes:?}");
    let (_, settings) = app.get("/v1/settings").await;
    assert_eq!(settings["level"], json!(null), "the workspace's is kept");
    let (status, problem) = app
        .post(
            "/v1/answers",
            json!({ "question": "運費", "level": "bold" }),
        )
        .await;
    assert_eq!((status.as_u16(), pointers(&problem)), (422, vec!["/level"]));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_run_is_explained_and_leaves_nothing_behind() {
    let app = with_shipping_fee().await;
    let first = json!({ "question": "運費是多少？", "conversation_id": "c1" });
    app.answer(first).await;
    let figures = async || {
        let (_, summary) = app.get("/v1/insights/summary").await;
        let (_, gaps) = app.get("/v1/insights/gaps").await;
        let (_, turns) = app.get("/v1/conversations/c1").await;
        (
            summary["total"].clone(),
            gaps["gaps"].clone(),
            turns["turns"].as_array().map(Vec::len),
        )
    };
    let before = figures().await;
    assert_eq!(before.2, Some(1));
    for question in ["運費是多少？", "今天台北天氣如何？"] {
        let body = json!({ "question": question, "conversation_id": "c1", "dry_run": true, "level": "balanced" });
        let (status, reply) = app.post("/v1/answers", body).await;
        assert_eq!(status.as_u16(), 200, "{reply}");
        let id = reply["id"].as_str().unwrap();
        assert!(id.starts_with("dry_"), "{reply}");
        let explanation = &reply["explanation"];
        assert_eq!(explanation["question"], question);
        assert_eq!(explanation["answer"]["id"], id);
        assert_eq!(explanation["request"]["level"], "balanced");
        assert_eq!(explanation["parts"][0]["confidence"], reply["confidence"]);
        let (status, _) = app.get(&format!("/v1/answers/{id}")).await;
        assert_eq!(status.as_u16(), 404, "it is not stored");
    }
    let body = json!({ "question": "運費是多少？", "dry_run": true });
    let (_, reply) = app.post("/v1/answers", body).await;
    let evidence = &reply["explanation"]["parts"][0]["evidence"][0];
    assert!(
        evidence["text"].as_str().unwrap().contains("80 元"),
        "{reply}"
    );
    assert_eq!(figures().await, before);
    // Without the flag the same question is recorded and has no explanation.
    let (_, reply) = app
        .post(
            "/v1/answers",
            json!({ "question": "運費是多少？", "conversation_id": "c1" }),
        )
        .await;
    assert_eq!(reply.get("explanation"), None);
    assert_eq!(figures().await.2, Some(2));
    let keyed = app
        .client
        .post(format!("{}/v1/answers", app.address))
        .header("idempotency-key", "k1")
        .json(&json!({ "question": "運費", "dry_run": true }));
    let problem: serde_json::Value = keyed.send().await.unwrap().json().await.unwrap();
    assert_eq!(pointers(&problem), ["Idempotency-Key"]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streamed_dry_run_ends_with_its_explanation() {
    let app = with_shipping_fee().await;
    let body = json!({ "question": "運費是多少？", "dry_run": true, "stream": true });
    let reply = app
        .client
        .post(format!("{}/v1/answers", app.address))
        .json(&body)
        .send();
    let events = reply.await.unwrap().text().await.unwrap();
    let last = events.split("event: done").nth(1).expect("it is done");
    let data = last.split("data:").nth(1).unwrap().trim();
    let done: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(done["outcome"], "answered");
    assert_eq!(done["explanation"]["question"], "運費是多少？");
    app.stop().await;
}
