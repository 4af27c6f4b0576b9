//! Documents over HTTP: create, read, update, list, delete and wait for the index.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Found, TestApp, Written, read};

#[tokio::test(flavor = "multi_thread")]
async fn document_put_reports_effect_version_and_revision() {
    let app = TestApp::start().await;
    let body = json!({ "text": "# 保固\n\n耳機保固十二個月。", "tags": ["保固"], "uri": "https://x.example/w" });
    let put = async |body: Value| -> Written { read(app.put("warranty", body).await) };
    let added = put(body.clone()).await;
    assert_eq!(added.summary(), ("added", Some(1), 1));
    let again = put(body).await;
    assert_eq!(again.summary(), ("unchanged", Some(1), 1));
    let changed = put(json!({ "text": "# 保固\n\n耳機保固二十四個月。" })).await;
    assert_eq!(changed.summary(), ("changed", Some(2), 2));

    let (_, live) = app.get("/v1/documents/warranty").await;
    assert_eq!(live["text"], "保固\n\n耳機保固二十四個月。");
    assert_eq!(
        (&live["title"], &live["language"], &live["revision"]),
        (&json!("保固"), &json!("zh-Hant"), &json!(2))
    );
    let (_, old) = app.get("/v1/documents/warranty?version=1").await;
    assert_eq!(old["text"], "保固\n\n耳機保固十二個月。");

    let found = app.search(json!({ "question": "耳機保固多久" })).await;
    assert_eq!(found.hits.len(), 1, "the old version is not found");
    assert_eq!((found.hits[0].document_version, found.revision), (2, 2));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_document_is_not_read_found_or_listed() {
    let app = TestApp::start().await;
    app.put(
        "warranty",
        json!({ "text": "# 保固\n\n耳機保固十二個月。" }),
    )
    .await;
    let path = "/v1/documents/warranty?wait=indexed";
    let (status, deleted) = app.request(Method::DELETE, path, None).await;
    assert_eq!(status, 200, "{deleted}");
    let deleted: Written = read(deleted);
    assert_eq!((deleted.effect.as_str(), deleted.revision), ("deleted", 2));
    assert_eq!(app.get("/v1/documents/warranty").await.0, 404);
    let again = app.request(Method::DELETE, "/v1/documents/warranty", None);
    assert_eq!(again.await.0, 404);
    let found = app.search(json!({ "question": "耳機保固多久" })).await;
    assert!(found.hits.is_empty(), "{found:?}");
    let (_, list) = app.get("/v1/documents").await;
    assert_eq!(list["documents"], json!([]));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_document_is_not_served_while_index_lags() {
    let app = TestApp::start().await;
    app.put(
        "secret",
        json!({ "text": "# 活動\n\n抽獎代碼是 X42，限本週使用。" }),
    )
    .await;
    // Deleted in the store without waking the follower: the evidence is checked against the store when it is loaded.
    let write =
        ken_store::store::Write::Delete(ken_base::domain::DocumentId::parse("secret").unwrap());
    app.app
        .store
        .record(&ken::app::default_workspace(), vec![write])
        .await
        .unwrap();
    let found = app.search(json!({ "question": "抽獎代碼" })).await;
    assert!(found.hits.is_empty(), "{found:?}");
    assert_eq!(app.ask("抽獎代碼是什麼").await.outcome, "refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn document_list_is_paginated() {
    let app = TestApp::start().await;
    for id in ["a", "b", "c"] {
        app.put(id, json!({ "text": format!("文件 {id}") })).await;
    }
    let (_, first) = app.get("/v1/documents?limit=2").await;
    let ids = |page: &Value| -> Vec<String> {
        page["documents"]
            .as_array()
            .unwrap()
            .iter()
            .map(|d| d["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        (ids(&first), &first["next"]),
        (vec!["a".into(), "b".into()], &json!("b"))
    );
    let (_, second) = app.get("/v1/documents?limit=2&after=b").await;
    assert_eq!(
        (ids(&second), &second["next"]),
        (vec!["c".to_owned()], &json!(null))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn search_does_not_cross_workspaces() {
    let app = TestApp::start().await;
    app.put("mine", json!({ "text": "# 密語\n\n開門的密語是芝麻。" }))
        .await;
    let body = json!({ "question": "開門的密語" });
    let other = app
        .client
        .post(format!("{}/v1/search", app.address))
        .header("x-ken-workspace", "other")
        .json(&body);
    let found: Found = other.send().await.unwrap().json().await.unwrap();
    assert_eq!((found.hits.len(), found.revision), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_metrics_and_pages_are_served() {
    let app = TestApp::start().await;
    app.put("a", json!({ "text": "文件" })).await;
    let (status, ready) = app.get("/readyz").await;
    assert_eq!(
        (status.as_u16(), &ready["ready"]),
        (200, &json!(true)),
        "{ready}"
    );
    assert_eq!(
        ready["workspaces"],
        json!([{ "workspace": "default", "revision": 1, "indexed": 1, "words": 1 }])
    );
    app.ask("文件").await;
    let text = |path: &str| app.client.get(format!("{}{path}", app.address)).send();
    assert_eq!(text("/healthz").await.unwrap().text().await.unwrap(), "ok");
    let metrics = text("/metrics").await.unwrap().text().await.unwrap();
    for name in [
        "ken_answers_total",
        "ken_stage_seconds_bucket",
        "ken_revision_lag",
        "ken_http_requests_total",
    ] {
        assert!(metrics.contains(name), "{name} is missing in {metrics}");
    }
    let page = text("/").await.unwrap();
    assert!(
        page.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("script-src 'self'")
    );
    let docs = text("/docs/").await.unwrap();
    assert_eq!(docs.status(), 200);
}

/// PostgreSQL cannot store NUL, so no text keeps one.
#[tokio::test(flavor = "multi_thread")]
async fn nul_in_request_is_removed() {
    let app = TestApp::start().await;
    let text = "# 退\u{0}款\n\n退款會在 7 個\u{0}工作天內退回。\n";
    app.put("refunds", json!({ "text": text, "title": "退\u{0}款" }))
        .await;
    let answer = app.ask("退款要幾\u{0}個工作天？").await;
    assert_eq!(answer.outcome, "answered", "{answer:?}");
    app.assert_citations_resolve(&answer).await;
    let (_, document) = app.get("/v1/documents/refunds").await;
    assert!(
        document["text"].as_str().unwrap().contains("7 個工作天"),
        "{document}"
    );
    app.stop().await;
}

/// PostgreSQL can neither store nor compare NUL.
#[tokio::test(flavor = "multi_thread")]
async fn nul_in_path_or_query_is_invalid() {
    let app = TestApp::start().await;
    for path in [
        "/v1/attachments/%00",
        "/v1/documents/a%00b",
        "/v1/answers/%00",
        "/v1/conversations/%00",
        "/v1/customers/%00/timeline",
        "/v1/documents?q=a%00",
        "/v1/customers?value=%00",
        "/v1/conversations?inbox_id=%00",
    ] {
        let (status, problem) = app.get(path).await;
        assert_eq!(status, 422, "{path}: {problem}");
        let detail = problem["errors"][0]["detail"].as_str().unwrap();
        assert!(detail.contains("NUL"), "{path}: {problem}");
    }
    // Not a NUL, but its percent-encoding.
    assert_eq!(app.get("/v1/attachments/%2500").await.0, 404);
    app.stop().await;
}
