//! Questions in other words than the knowledge: synonyms, typing errors, FAQ variants and the explanation of hits.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestApp, pointers};

async fn ids(app: &TestApp, body: Value) -> Vec<String> {
    let hits = app.search(body).await.hits.into_iter();
    hits.map(|hit| hit.document_id).collect()
}

async fn by_words(app: &TestApp, question: &str) -> Vec<String> {
    ids(app, json!({ "question": question, "mode": "keyword" })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn workspace_synonyms_apply_from_next_question() {
    let app = TestApp::start().await;
    app.put("warranty", json!({ "text": "LumiBuds 的保固期是一年。" }))
        .await;
    app.put("other", json!({ "text": "門市營業到晚上九點。" }))
        .await;
    assert_eq!(by_words(&app, "樂米").await, Vec::<String>::new());
    let (status, before) = app.get("/v1/synonyms").await;
    assert_eq!((status.as_u16(), &before["version"]), (200, &json!(0)));

    let groups = json!([["樂米", "LumiBuds"]]);
    let put = |groups: &Value| {
        app.request(
            Method::PUT,
            "/v1/synonyms",
            Some(json!({ "groups": groups })),
        )
    };
    let (status, written) = put(&groups).await;
    assert_eq!(
        (status.as_u16(), &written["version"]),
        (200, &json!(1)),
        "{written}"
    );
    assert_eq!(by_words(&app, "樂米").await, ["warranty"]);
    assert_eq!(app.get("/v1/synonyms").await.1["groups"], groups);

    let (status, problem) = put(&json!([["樂米", "LumiBuds"], ["一個"], ["a", "！"]])).await;
    let pointers = pointers(&problem);
    assert_eq!(
        (status.as_u16(), pointers),
        (422, vec!["/groups/1", "/groups/2/1"])
    );
    assert_eq!(
        app.get("/v1/synonyms").await.1["version"],
        1,
        "nothing was applied in part"
    );

    put(&json!([])).await;
    assert_eq!(by_words(&app, "樂米").await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn typos_and_synonyms_find_same_document() {
    let app = TestApp::start().await;
    app.put("refund", json!({ "text": "退款會在十四天內入帳。" }))
        .await;
    app.put(
        "ship",
        json!({ "text": "The courier collects your parcel on weekdays." }),
    )
    .await;
    app.put("fee", json!({ "text": "運費是 1,200 元。" })).await;
    for (question, expected) in [
        ("推款", "refund"),  // same sound
        ("退錢", "refund"),  // the lexicon
        ("14天", "refund"),  // figures
        ("couirer", "ship"), // a transposition
        ("parcle", "ship"),
        ("快遞 weekdays", "ship"),
        ("一千二百元", "fee"),
        ("１２００元", "fee"),
    ] {
        let found = by_words(&app, question).await;
        assert_eq!(
            found.first().map(String::as_str),
            Some(expected),
            "{question}: {found:?}"
        );
    }
}

const FAQS: &str = r#"{"id":"cancel","language":"zh-Hant","question":"怎麼取消訂單？","variants":["我不想買了","訂單可以取消嗎"],"negatives":["怎麼取消會員訂閱？"],"answer":"在「我的訂單」按取消即可，出貨前都可以。"}
{"id":"subscription","language":"zh-Hant","question":"會員方案如何終止？","answer":"到「會員中心」關閉自動續約，下期起不再扣款。"}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn faq_negative_lowers_rank_and_keeps_own_wordings() {
    let app = TestApp::start().await;
    let path = app.folder.path().join("faqs.jsonl");
    std::fs::write(&path, FAQS).unwrap();
    app.ingest(&path).await;
    let first = async |question: &str| ids(&app, json!({ "question": question })).await[0].clone();
    for own in [
        "怎麼取消訂單？",
        "我不想買了",
        "訂單可以取消嗎",
        "訂單能不能取消",
    ] {
        assert_eq!(first(own).await, "cancel", "{own}");
    }
    for other in ["怎麼取消會員訂閱？", "怎麼取消會員的訂閱"] {
        assert_eq!(first(other).await, "subscription", "{other}");
    }
    let body = json!({ "question": "怎麼取消會員訂閱？", "explain": true });
    let (_, found) = app.post("/v1/search", body).await;
    let hits = found["hits"].as_array().unwrap();
    let cancel = hits
        .iter()
        .find(|hit| hit["document_id"] == "cancel")
        .unwrap();
    assert!(
        cancel["explanation"]["negative"].as_f64().unwrap() > 0.0,
        "{cancel}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn search_explains_why_document_was_found_or_not() {
    let app = TestApp::start().await;
    app.put("refund", json!({ "text": "退款會在十四天內入帳。" }))
        .await;
    app.put(
        "vip",
        json!({ "text": "退款給會員會快一點。", "audience": ["vip"] }),
    )
    .await;
    app.put("hours", json!({ "text": "門市營業到晚上九點。" }))
        .await;
    for (document, verdict, rank) in [
        ("refund", "listed", json!(1)),
        ("hours", "outranked", json!(2)),
        ("vip", "filtered", json!(null)),
        ("nowhere", "no_such_document", json!(null)),
    ] {
        let body = json!({
            "question": "推款要多久", "limit": 1, "explain": true, "explain_document": document,
        });
        let (status, found) = app.post("/v1/search", body).await;
        assert_eq!(status, 200, "{found}");
        let explained = &found["document"];
        assert_eq!(explained["verdict"], verdict, "{found}");
        assert_eq!(explained["rank"], rank, "{found}");
        let terms = found["terms"].as_array().unwrap();
        let term = terms.iter().find(|term| term["term"] == "推款").unwrap();
        assert_eq!(term["forms"][0]["term"], "退款", "{found}");
        assert_eq!(
            found["hits"][0]["explanation"]["matched"][0], "退款",
            "{found}"
        );
        let failed: Vec<&str> = explained["filters"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|filter| filter["passed"] == false)
            .map(|filter| filter["filter"].as_str().unwrap())
            .collect();
        let expected: &[&str] = if document == "vip" {
            &["audience"]
        } else {
            &[]
        };
        assert_eq!(failed, expected, "{explained}");
    }
    let body = json!({ "question": "退款", "mode": "keyword", "explain_document": "hours" });
    let (_, found) = app.post("/v1/search", body).await;
    assert_eq!(found["document"]["verdict"], "no_match", "{found}");
}
