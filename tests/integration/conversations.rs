//! Conversations: turn order, retries, courtesy, history, replay, expiry, deletion and clarification.

use std::time::Duration;

use ken::app::default_workspace;
use ken_knowledge::editing::replay::replay;
use reqwest::Method;
use serde_json::{Value, json};

use crate::scripted_llm::{Script, ScriptedLlm};
use crate::support::{Answer, TestApp};

async fn say(app: &TestApp, conversation: &str, question: &str) -> Answer {
    app.answer(json!({ "question": question, "conversation_id": conversation }))
        .await
}

async fn knowing() -> TestApp {
    let app = TestApp::start().await;
    for (id, title, text) in [
        (
            "pro",
            "LumiBuds Pro：保固與退貨",
            "LumiBuds Pro 保固十二個月。LumiBuds Pro 可在七天內退貨。",
        ),
        (
            "mini",
            "BeamBox Mini：保固與退貨",
            "BeamBox Mini 保固二十四個月。BeamBox Mini 可在十四天內退貨。",
        ),
        ("stores", "門市", "門市每天上午十點開門，晚上九點打烊。"),
    ] {
        app.put(id, json!({ "title": title, "text": text })).await;
    }
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn conversation_is_listed_explained_and_deleted_everywhere() {
    let app = knowing().await;
    let first = say(&app, "c1", "LumiBuds Pro 保固多久？").await;
    let second = say(&app, "c1", "那 BeamBox Mini 呢？").await;
    assert!(second.text.contains("二十四個月"), "{second:?}");
    say(&app, "c2", "門市幾點開門？").await;

    let (status, conversation) = app.get("/v1/conversations/c1").await;
    assert_eq!(status, 200);
    let turns = conversation["turns"].as_array().unwrap();
    assert_eq!(turns.len(), 2);
    assert_eq!(
        (&turns[0]["question"], &turns[0]["answer_id"]),
        (&json!("LumiBuds Pro 保固多久？"), &json!(first.id))
    );
    assert_eq!(turns[1]["citations"][0]["document_id"], "mini");

    let id = &second.id;
    let (_, explained) = app.get(&format!("/v1/answers/{id}")).await;
    let part = &explained["parts"][0];
    assert_eq!(part["decision"], "answer");
    assert!(
        part["search_text"].as_str().unwrap().contains("保固"),
        "{part}"
    );
    assert!(part["features"]["similarity_first"].as_f64().unwrap() > 0.0);
    assert_eq!(explained["request"]["history"].as_array().unwrap().len(), 2);
    assert_eq!(explained["answer"]["id"], second.id);

    let (status, _) = app
        .request(Method::DELETE, "/v1/conversations/c1", None)
        .await;
    assert_eq!(status, 200);
    for gone in [
        "/v1/conversations/c1".to_owned(),
        format!("/v1/answers/{id}"),
    ] {
        assert_eq!(app.get(&gone).await.0, 404, "{gone}");
    }
    let workspace = default_workspace();
    let logged = app
        .app
        .store
        .logged_questions(&workspace, 100)
        .await
        .unwrap();
    assert_eq!(
        logged,
        ["門市幾點開門？"],
        "a deleted conversation is not replayed"
    );
    let (status, _) = app
        .request(Method::DELETE, "/v1/conversations/c1", None)
        .await;
    assert_eq!(status, 404);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_messages_are_answered_in_order() {
    // The model stalls during the first turn until the timeout.
    let llm = ScriptedLlm::start(vec![Script::StallsAfter("LumiBuds".into())]).await;
    let app = TestApp::start_with(|config| {
        config.llm.url = llm.url.clone();
        config.llm.model = "scripted".into();
        config.llm.idle_ms = 1_500;
    })
    .await;
    let text = "# LumiBuds Pro\n\nLumiBuds Pro 保固十二個月。";
    app.put("pro", json!({ "text": text })).await;
    let first = say(&app, "c", "LumiBuds Pro 保固多久？");
    let second = async {
        while llm.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        say(&app, "c", "謝謝").await
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.notes, ["llm_unavailable"], "{first:?}");
    let id = &second.id;
    let (_, explained) = app.get(&format!("/v1/answers/{id}")).await;
    let history = explained["request"]["history"].as_array().unwrap();
    assert_eq!(
        history.len(),
        2,
        "the second waited for the first: {explained}"
    );
    assert_eq!(history[1]["text"], first.text);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn timed_out_retry_does_not_replace_answer() {
    let llm = ScriptedLlm::start(vec![Script::StallsAfter("LumiBuds".into())]).await;
    let app = TestApp::start_with(|config| {
        config.llm.url = llm.url.clone();
        config.llm.model = "scripted".into();
        config.llm.idle_ms = 3_000;
    })
    .await;
    app.put(
        "pro",
        json!({ "text": "# LumiBuds Pro\n\nLumiBuds Pro 保固十二個月。" }),
    )
    .await;
    let ask = async |deadline_ms: Option<u64>| -> Answer {
        let body = json!({ "question": "LumiBuds Pro 保固多久？", "conversation_id": "c", "deadline_ms": deadline_ms });
        let post = app.client.post(format!("{}/v1/answers", app.address));
        let sent = post.header("idempotency-key", "k").json(&body).send();
        sent.await.unwrap().json().await.unwrap()
    };
    let retry = async {
        while llm.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        ask(Some(200)).await
    };
    let (first, retried) = tokio::join!(ask(None), retry);
    assert_eq!(retried.reason.as_deref(), Some("deadline"), "{retried:?}");
    assert_eq!(first.outcome, "answered", "{first:?}");
    assert_eq!(
        ask(None).await.id,
        first.id,
        "the key returns the first answer"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn courtesy_message_bursts_and_multiple_questions_are_answered() {
    let app = knowing().await;
    for (message, outcome, reason) in [
        ("你好！", "answered", "greeting"),
        ("謝謝你", "answered", "thanks"),
        ("我要找真人客服", "handoff", "asked_for_person"),
    ] {
        let answer = app.ask(message).await;
        assert_eq!(answer.decision(), (outcome, Some(reason)), "{message}");
        assert_eq!(answer.strategy, "none");
    }
    assert_eq!(app.ask("thanks a lot").await.text, "You're welcome.");

    let burst = json!({ "question": ["哈囉", "想問一下", "LumiBuds Pro", "保固多久"] });
    let answer = app.answer(burst).await;
    assert!(answer.text.contains("十二個月"), "{answer:?}");

    let answer = app.ask("LumiBuds Pro 保固多久？還有，門市幾點開門？").await;
    let text = &answer.text;
    assert!(
        text.contains("十二個月") && text.contains("上午十點"),
        "{answer:?}"
    );
    app.assert_citations_resolve(&answer).await;
    let numbers: Vec<usize> = answer.citations.iter().map(|c| c.number).collect();
    assert_eq!(
        numbers,
        (1..=numbers.len()).collect::<Vec<_>>(),
        "numbered on"
    );

    let answer = app.ask("LumiBuds Pro 保固多久？明天台北會下雨嗎？").await;
    assert_eq!(answer.notes, ["partly_answered"], "{answer:?}");
    assert!(answer.text.contains("第 2 個問題"), "{answer:?}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reply_uses_question_script_and_quote_keeps_its_own() {
    let app = knowing().await;
    let answer = app.ask("门市几点开门？").await;
    assert_eq!(answer.language, "zh-Hans");
    assert!(answer.text.contains("门市每天上午十点开门"), "{answer:?}");
    assert!(answer.citations[0].quote.contains("門市每天上午十點開門"));
    app.assert_citations_resolve(&answer).await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_repeats_logged_questions_without_recording() {
    let app = knowing().await;
    say(&app, "c1", "LumiBuds Pro 保固多久？").await;
    say(&app, "c1", "那 BeamBox Mini 呢？").await;
    app.ask("門市幾點開門？").await;
    let workspace = default_workspace();
    let same = replay(&app.app.store, &app.app.answerer, &workspace, None, 100)
        .await
        .unwrap();
    assert_eq!((same.n_asked, same.changed), (3, vec![]));
    app.put("mini", json!({ "title": "BeamBox Mini：保固與退貨", "text": "BeamBox Mini 保固三十六個月。BeamBox Mini 可在十四天內退貨。" }))
        .await;
    let other = replay(
        &app.app.store,
        &app.app.answerer,
        &workspace,
        Some("c1"),
        100,
    )
    .await
    .unwrap();
    assert_eq!((other.n_asked, other.changed.len()), (2, 1));
    assert!(
        other.changed[0].now.text.contains("三十六個月"),
        "{:?}",
        other.changed
    );
    let (_, turns) = app.get("/v1/conversations/c1").await;
    assert_eq!(
        turns["turns"].as_array().unwrap().len(),
        2,
        "nothing is recorded"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conversation_expires_by_last_turn() {
    let app = knowing().await;
    say(&app, "old", "LumiBuds Pro 保固多久？").await;
    say(&app, "kept", "LumiBuds Pro 保固多久？").await;
    app.ask("門市幾點開門？").await;
    let store = &app.app.store;
    let then = store.now() + Duration::from_millis(1);
    while store.now() <= then {
        tokio::task::yield_now().await;
    }
    say(&app, "kept", "門市幾點開門？").await;
    assert_eq!(store.forget_answers_before(then).await.unwrap(), 2);
    assert_eq!(app.get("/v1/conversations/old").await.0, 404);
    let (_, kept) = app.get("/v1/conversations/kept").await;
    assert_eq!(
        kept["turns"].as_array().unwrap().len(),
        2,
        "the whole conversation is kept, with its old turn"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workspace_level_sets_answer_threshold() {
    let app = knowing().await;
    assert_eq!(app.ask("LumiBuds Pro 保固多久？").await.outcome, "answered");
    let put = async |level: Value| {
        app.request(Method::PUT, "/v1/settings", Some(json!({ "level": level })))
            .await
    };
    let unsure = "耳機壞了可以修嗎";
    let mut outcomes = Vec::new();
    for level in ["very_strict", "very_lenient"] {
        assert_eq!(put(json!(level)).await.0, 200);
        assert_eq!(app.get("/v1/settings").await.1["level"], level);
        outcomes.push(app.ask(unsure).await.outcome);
    }
    assert_eq!(outcomes, ["refused", "answered"], "{unsure}");
    assert_eq!(put(json!("sometimes")).await.0, 422);
    assert_eq!(put(Value::Null).await.1["level"], Value::Null);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn false_premise_is_corrected_first() {
    let app = TestApp::start().await;
    let text = "# 退貨\n\n退貨時請先在會員中心填寫退貨申請。\n物流會在三天內到府收件。\n退貨運費由買方負擔，每件 80 元。\n退款在驗收後五個工作天內完成。";
    app.put("returns", json!({ "text": text })).await;
    let answer = app.ask("既然退貨不需要運費，那退貨要怎麼申請？").await;
    assert_eq!(answer.notes, ["false_premise"], "{answer:?}");
    let first = &answer.sentences[0].text;
    assert!(first.contains("退貨運費由買方負擔"), "{answer:?}");
    app.assert_citations_resolve(&answer).await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ambiguous_short_question_returns_clarification() {
    let app = TestApp::start().await;
    for (id, question, answer) in [
        (
            "a",
            "LumiBuds Pro 保固多久？",
            "LumiBuds Pro 保固十二個月。",
        ),
        (
            "b",
            "BeamBox Mini 保固多久？",
            "BeamBox Mini 保固二十四個月，燈泡除外。",
        ),
    ] {
        let faq = json!({ "question": question, "answer": answer, "language": "zh-Hant" });
        let (status, body) = app
            .request(
                Method::PUT,
                &format!("/v1/faqs/{id}?wait=indexed"),
                Some(faq),
            )
            .await;
        assert!(status.is_success(), "{body}");
    }
    let answer = app.ask("保固多久？").await;
    assert_eq!(
        answer.decision(),
        ("clarify", Some("ambiguous")),
        "{answer:?}"
    );
    let mut choices = answer.suggestions;
    choices.sort_unstable();
    assert_eq!(
        choices,
        ["BeamBox Mini 保固多久？", "LumiBuds Pro 保固多久？"]
    );
    let answer = app.ask("BeamBox Mini 保固多久").await;
    assert_eq!(answer.outcome, "answered", "{answer:?}");
    app.stop().await;
}
