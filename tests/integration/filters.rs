use serde_json::{Value, json};

use crate::support::TestApp;

async fn found(app: &TestApp, mode: &str, filter: Value) -> Vec<String> {
    let mut body = json!({ "question": "優惠活動的折扣是多少", "mode": mode, "limit": 50 });
    body.as_object_mut()
        .unwrap()
        .extend(filter.as_object().unwrap().clone());
    let (status, found) = app.post("/v1/search", body).await;
    assert_eq!(status, 200, "{found}");
    let mut ids: Vec<String> = found["hits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| hit["document_id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_where_when_and_what_decide_in_both_legs() {
    let app = TestApp::start().await;
    let text = |n: u32| format!("# 優惠活動\n\n本次優惠活動的折扣是 {n} 元，歡迎選購。");
    for (id, mut body) in [
        ("all", json!({})),
        (
            "vip",
            json!({ "audience": ["vip"], "tags": ["campaign", "2026"] }),
        ),
        (
            "line",
            json!({ "channels": ["line"], "tags": ["campaign"] }),
        ),
        ("past", json!({ "valid_until": "2026-01-01T00:00:00Z" })),
        ("future", json!({ "valid_from": "2099-01-01T00:00:00Z" })),
        ("draft", json!({ "status": "draft" })),
        ("english", json!({ "language": "en" })),
    ] {
        body["text"] = json!(text(id.len() as u32 * 100));
        app.put(id, body).await;
    }
    for mode in ["keyword", "vector", "hybrid"] {
        for (filter, expected) in [
            (json!({}), vec!["all", "english"]),
            (json!({ "audience": "vip" }), vec!["all", "english", "vip"]),
            (json!({ "audience": "guest" }), vec!["all", "english"]),
            (json!({ "channel": "line" }), vec!["all", "english", "line"]),
            (
                json!({ "as_of": "2025-06-01T00:00:00Z" }),
                vec!["all", "english", "past"],
            ),
            (
                json!({ "as_of": "2026-01-01T00:00:00Z" }),
                vec!["all", "english"],
            ),
            (
                json!({ "as_of": "2099-06-01T00:00:00Z" }),
                vec!["all", "english", "future"],
            ),
            (
                json!({ "tags": ["campaign"], "audience": "vip", "channel": "line" }),
                vec!["line", "vip"],
            ),
            (
                json!({ "tags": ["campaign", "2026"], "audience": "vip" }),
                vec!["vip"],
            ),
            (json!({ "tags": ["campaign"] }), vec![]),
            (json!({ "languages": ["en"] }), vec!["english"]),
            (
                json!({ "document_ids": ["all", "vip", "nowhere"] }),
                vec!["all"],
            ),
            (json!({ "kinds": ["faq"] }), vec![]),
        ] {
            assert_eq!(
                found(&app, mode, filter.clone()).await,
                expected,
                "{mode} {filter}"
            );
        }
    }
}
