//! Editing over HTTP: FAQ import, versions, visibility, schedules, the publishing gate, uploads, export and backup.

use std::time::Duration;

use ken::app::{App, default_workspace};
use ken::check::check;
use ken_base::domain::{Clock, DocumentId, Filter, Metadata, Query};
use ken_ingest::ingest::{Format, parse_article};
use ken_knowledge::editing::gate::Breaking;
use ken_knowledge::jobs::{UPLOAD, Upload};
use ken_search::retrieve::{Beside, Retriever};
use ken_store::queue;
use ken_store::store::Store;
use reqwest::{Method, multipart};
use serde_json::{Value, json};

use crate::support::{TestApp, config_in, embedder, pointers, root};

async fn import(
    app: &TestApp,
    options: &str,
    kind: &str,
    body: impl Into<reqwest::Body>,
) -> (u16, Value) {
    let response = app
        .client
        .post(format!("{}/v1/faqs:import?{options}", app.address))
        .header("content-type", kind)
        .body(body)
        .send()
        .await
        .unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn indexed(app: &TestApp) {
    let workspace = default_workspace();
    let revision = app.app.store.revision(&workspace).await.unwrap();
    app.app.follower.wake();
    let follower = &app.app.follower;
    assert!(
        follower
            .wait_for(&workspace, revision, Duration::from_secs(60))
            .await
    );
}

fn effects(report: &Value) -> Vec<(u64, &str)> {
    let rows = report["rows"].as_array().unwrap().iter();
    rows.map(|row| {
        (
            row["row"].as_u64().unwrap(),
            row["effect"].as_str().unwrap(),
        )
    })
    .collect()
}

const SHEET: &str = "編號,問題,相似問法,答案,標籤\n\
    f1,可以退貨嗎？,想退|怎麼退,七天內可以退貨。,退貨\n\
    f2,運費多少？,,本島運費 80 元。,運費\n";

#[tokio::test(flavor = "multi_thread")]
async fn faq_sheet_is_previewed_imported_updated_and_exported() {
    let app = TestApp::start().await;
    let (status, tried) = import(&app, "dry_run=true", "text/csv", SHEET).await;
    assert_eq!(
        (status, &tried["n_new"], &tried["applied"]),
        (200, &json!(2), &json!(false))
    );
    assert_eq!(
        app.get("/v1/faqs").await.1["faqs"],
        json!([]),
        "a dry run writes nothing"
    );

    let (_, done) = import(&app, "", "text/csv", SHEET).await;
    assert_eq!(
        (&done["n_new"], &done["applied"]),
        (&json!(2), &json!(true))
    );
    let (_, again) = import(&app, "", "text/csv", SHEET).await;
    assert_eq!(
        (&again["n_unchanged"], &again["applied"]),
        (&json!(2), &json!(false))
    );

    // Every kind of row, in one file.
    let edited = "編號,問題,答案,狀態\n\
        f1,可以退貨嗎？,十天內可以退貨。,\n\
        f3,可以退货吗?,十天內可以退貨。,\n\
        f4,運費多少,本島運費 100 元。,\n\
        f5,,沒有問題,\n\
        f6,可以換貨嗎？,可以。,也許\n\
        f7,營業時間？,九點到五點。,\n";
    let (_, tried) = import(&app, "dry_run=true", "text/csv", edited).await;
    assert_eq!(
        effects(&tried),
        [
            (2, "changed"),
            (3, "duplicate"),
            (4, "conflicting"),
            (5, "invalid"),
            (6, "invalid"),
            (7, "new")
        ]
    );
    let changes = tried["rows"][0]["changes"].as_array().unwrap();
    let answer = changes
        .iter()
        .find(|change| change["field"] == "answer")
        .unwrap();
    assert_eq!(answer["before"], "七天內可以退貨。");
    assert_eq!(tried["rows"][2]["with"], "f2");
    assert_eq!(tried["rows"][4]["column"], "狀態");

    // By meaning, and not by the words alone.
    indexed(&app).await;
    let near =
        "question,answer\n請問可以辦理退貨嗎？,收到七天內可以退貨。\n怎麼煮牛肉麵？,先炒糖色。\n";
    let (_, tried) = import(&app, "dry_run=true&similar=true", "text/csv", near).await;
    assert_eq!(
        tried["rows"][0]["similar"][0]["document_id"], "f1",
        "{tried}"
    );
    assert!(tried["rows"][1].get("similar").is_none(), "{tried}");

    let (_, refused) = import(&app, "", "text/csv", edited).await;
    assert_eq!(refused["applied"], false, "all or nothing");
    let (_, f1) = app.get("/v1/faqs/f1").await;
    assert_eq!(f1["answer"], "七天內可以退貨。");
    let (_, partial) = import(&app, "partial=true", "text/csv", edited).await;
    assert_eq!(partial["applied"], true);
    let (_, f1) = app.get("/v1/faqs/f1").await;
    assert_eq!(
        (&f1["answer"], &f1["version"]),
        (&json!("十天內可以退貨。"), &json!(2))
    );

    // What is given back imports as the same state.
    for (format, kind) in [
        ("jsonl", "application/jsonl"),
        ("csv", "text/csv"),
        (
            "xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
    ] {
        let url = format!("{}/v1/faqs:export?format={format}", app.address);
        let file = app
            .client
            .get(url)
            .send()
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap();
        let (_, same) = import(&app, "", kind, file).await;
        assert_eq!(
            (&same["n_unchanged"], &same["rows"]),
            (&json!(3), &json!([])),
            "{format}: {same}"
        );
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faq_sheet_of_816_rows_round_trips() {
    let mut sheet = String::from("id,question,answer,variants\n");
    for i in 0..816 {
        sheet.push_str(&format!("q{i:04},市民服務第 {i} 項怎麼申請？,\"備妥證件，到第 {i} 號櫃台辦理。\n{i} 天內完成。\",第 {i} 項申請\n"));
    }
    let app = TestApp::start().await;
    let (status, report) = import(&app, "", "text/csv", sheet.clone()).await;
    assert_eq!((status, &report["n_new"]), (200, &json!(816)));
    let (_, again) = import(&app, "", "text/csv", sheet).await;
    assert_eq!(again["n_unchanged"], 816);
    let url = format!("{}/v1/faqs:export?format=csv", app.address);
    let file = app
        .client
        .get(url)
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    let (_, same) = import(&app, "", "text/csv", file).await;
    assert_eq!(
        (&same["n_unchanged"], &same["rows"]),
        (&json!(816), &json!([]))
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faq_answer_is_selected_by_channel_and_audience() {
    let app = TestApp::start().await;
    let faq = json!({
        "question": "客服專線幾點開始？", "parent": "root", "related": ["f9"],
        "answers": [
            { "text": "一般專線上午九點開始。" },
            { "text": "LINE 客服全天都在。", "channels": ["line"] },
            { "text": "同仁專線上午八點開始。", "audience": ["agent"] },
        ],
    });
    let (status, _) = app
        .request(Method::PUT, "/v1/faqs/hours?wait=indexed", Some(faq))
        .await;
    assert_eq!(status, 201);
    for (more, expected) in [
        (json!({}), "一般專線上午九點開始。"),
        (json!({ "channel": "line" }), "LINE 客服全天都在。"),
        (json!({ "audience": "agent" }), "同仁專線上午八點開始。"),
        (
            json!({ "audience": ["agent", "tier:gold"], "channel": "web" }),
            "同仁專線上午八點開始。",
        ),
    ] {
        let mut body = json!({ "question": "客服專線幾點開始？" });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let (_, answer) = app.post("/v1/answers", body.clone()).await;
        assert_eq!(answer["text"], expected, "{body}");
        assert_eq!(answer["strategy"], "standard");
        app.assert_citations_resolve(&answer).await;
    }
    let (status, _) = app
        .request(
            Method::PUT,
            "/v1/faqs/x",
            Some(json!({ "question": "q", "answer": "a", "colour": 1 })),
        )
        .await;
    assert_eq!(status, 422);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_listed_compared_and_restored() {
    let app = TestApp::start().await;
    app.put(
        "w",
        json!({ "text": "# 保固\n\n耳機保固十二個月。", "tags": ["a"] }),
    )
    .await;
    app.put("w", json!({ "text": "# 保固\n\n耳機保固二十四個月。" }))
        .await;
    let (_, diff) = app.get("/v1/documents/w/diff?from=1&to=2").await;
    let text = diff["text"].as_str().unwrap();
    assert!(
        text.contains("-耳機保固十二個月。") && text.contains("+耳機保固二十四個月。"),
        "{text}"
    );
    assert_eq!(diff["metadata"], json!([["tags", "[\"a\"]", "[]"]]));
    let (status, restored) = app
        .post("/v1/documents/w:restore", json!({ "version": 1 }))
        .await;
    assert_eq!((status.as_u16(), &restored["version"]), (200, &json!(3)));
    indexed(&app).await;
    let answer = app.ask("耳機保固多久").await;
    assert_eq!(answer["text"], "耳機保固十二個月。");
    let (_, versions) = app.get("/v1/documents/w/versions").await;
    let live: Vec<&Value> = versions["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| &v["live"])
        .collect();
    assert_eq!(live, [false, false, true]);

    app.post("/v1/documents/w:archive", json!({})).await;
    indexed(&app).await;
    assert_eq!(app.ask("耳機保固多久").await["outcome"], "refused");
    app.post("/v1/documents/w:publish", json!({ "version": 2 }))
        .await;
    indexed(&app).await;
    assert_eq!(
        app.ask("耳機保固多久").await["text"],
        "耳機保固二十四個月。"
    );
    for (address, status) in [
        ("w:explode", 404),
        ("nobody:archive", 404),
        ("w:restore", 422),
    ] {
        let (found, _) = app
            .post(&format!("/v1/documents/{address}"), json!({}))
            .await;
        assert_eq!(found.as_u16(), status, "{address}");
    }

    // Deleted, it answers nothing and is listed nowhere; what it said can be read and brought back.
    app.request(Method::DELETE, "/v1/documents/w", None).await;
    indexed(&app).await;
    assert_eq!(app.get("/v1/documents/w").await.0, 404);
    assert_eq!(app.ask("耳機保固多久").await["outcome"], "refused");
    let (status, versions) = app.get("/v1/documents/w/versions").await;
    let versions = versions["versions"].as_array().cloned().unwrap_or_default();
    assert_eq!((status.as_u16(), versions.len()), (200, 4));
    assert!(versions.iter().all(|v| v["live"] == json!(false)));
    let (_, old) = app.get("/v1/documents/w?version=1").await;
    assert!(old["text"].as_str().unwrap().contains("十二個月"), "{old}");
    let (status, _) = app.post("/v1/documents/w:publish", json!({})).await;
    assert_eq!(status, 404);
    app.post("/v1/documents/w:restore", json!({ "version": 1 }))
        .await;
    indexed(&app).await;
    assert_eq!(app.ask("耳機保固多久").await["text"], "耳機保固十二個月。");
    app.stop().await;
}

/// A service whose time is set by hand.
async fn at_a_standing_clock(clock: &Clock) -> TestApp {
    let folder = std::sync::Arc::new(tempfile::tempdir().unwrap());
    let encoder = tokio::task::spawn_blocking(embedder).await.unwrap();
    let config = config_in(folder.path());
    let app = App::build_at(config, encoder, clock.clone()).await.unwrap();
    TestApp::serve(std::sync::Arc::new(app), folder).await
}

#[tokio::test(flavor = "multi_thread")]
async fn scheduled_version_goes_live_at_publish_time() {
    let clock = Clock::standing("2026-06-01T00:00:00Z".parse().unwrap());
    let app = at_a_standing_clock(&clock).await;
    app.put("fee", json!({ "text": "# 運費\n\n本島運費八十元。" }))
        .await;
    let scheduled = app
        .put(
            "fee",
            json!({ "text": "# 運費\n\n本島運費一百元。", "publish_at": "2026-06-07T16:00:00Z" }),
        )
        .await;
    assert_eq!(
        (&scheduled["effect"], &scheduled["version"]),
        (&json!("scheduled"), &json!(2))
    );
    let asked = async |as_of: Option<&str>| -> String {
        let (_, answer) = app
            .post(
                "/v1/answers",
                json!({ "question": "本島運費多少", "as_of": as_of }),
            )
            .await;
        answer["text"].as_str().unwrap().to_owned()
    };
    assert_eq!(asked(None).await, "本島運費八十元。");
    assert_eq!(
        asked(Some("2026-06-07T15:59:59Z")).await,
        "本島運費八十元。"
    );
    assert_eq!(
        asked(Some("2026-06-07T16:00:00Z")).await,
        "本島運費一百元。"
    );
    assert_eq!(app.get("/v1/documents/fee").await.1["version"], 1);

    let workspace = default_workspace();
    let before = app.app.store.revision(&workspace).await.unwrap();
    clock.set("2026-06-07T16:00:00Z".parse().unwrap());
    assert_eq!(
        asked(None).await,
        "本島運費一百元。",
        "the switch needs no work to be done"
    );
    assert_eq!(app.get("/v1/documents/fee").await.1["version"], 2);
    // The work that is done all the same: once, however often it is asked for.
    app.app.store.promote_due().await.unwrap();
    assert!(!app.app.store.promote_due().await.unwrap());
    let id = DocumentId::parse("fee").unwrap();
    let stored = app
        .app
        .store
        .exported(&workspace, &id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((stored.version, stored.next), (2, None));
    assert_eq!(
        app.app.store.revision(&workspace).await.unwrap(),
        before + 1
    );
    indexed(&app).await;
    assert_eq!(asked(None).await, "本島運費一百元。");
    let checked = check(&app.app, &default_workspace()).await.unwrap();
    assert_eq!(checked.faults, Vec::<String>::new());
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unpublished_version_can_be_rescheduled() {
    let clock = Clock::standing("2026-06-01T00:00:00Z".parse().unwrap());
    let app = at_a_standing_clock(&clock).await;
    let asked = async || app.ask("本島運費多少").await["outcome"].clone();
    let body = |status: &str, at: Option<&str>| json!({ "text": "# 運費\n\n本島運費八十元。", "status": status, "publish_at": at });
    app.put("fee", body("draft", Some("2026-06-08T00:00:00Z")))
        .await;
    app.put("fee", body("published", Some("2026-06-12T00:00:00Z")))
        .await;
    clock.set("2026-06-09T00:00:00Z".parse().unwrap());
    assert_eq!(asked().await, "refused", "it was put off");
    clock.set("2026-06-12T00:00:00Z".parse().unwrap());
    assert_eq!(asked().await, "answered");
    app.put(
        "later",
        json!({ "text": "# 保固\n\n耳機保固十二個月。", "publish_at": "2026-07-01T00:00:00Z" }),
    )
    .await;
    assert_eq!(app.ask("耳機保固多久").await["outcome"], "refused");
    app.put("later", json!({ "text": "# 保固\n\n耳機保固十二個月。" }))
        .await;
    assert_eq!(
        app.ask("耳機保固多久").await["text"],
        "耳機保固十二個月。",
        "it was brought forward"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn audience_restricted_trial_stays_hidden_from_others() {
    let app = TestApp::start().await;
    let faq = |text: &str| json!({ "question": "耳機保固多久？", "audience": ["staff", "vip"], "answers": [{ "text": text, "audience": ["vip"] }] });
    let judged = json!({ "question": "耳機保固多久？", "audience": "vip", "contains": "十二" });
    let put = async |path: &str, body: Value| app.request(Method::PUT, path, Some(body)).await;
    put("/v1/faqs/w?wait=indexed", faq("保固十二個月。")).await;
    put("/v1/judged-questions/w", judged).await;
    let (status, refused) = put("/v1/faqs/w", faq("保固三個月。")).await;
    assert_eq!(
        status, 409,
        "the trial is asked as its audience would: {refused}"
    );
    indexed(&app).await;
    for audience in ["vip", "staff", "guest"] {
        let (_, found) = app
            .post(
                "/v1/search",
                json!({ "question": "耳機保固多久？", "audience": audience }),
            )
            .await;
        let texts: Vec<&str> = found["hits"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hit| hit["text"].as_str().unwrap())
            .collect();
        let expected: &[&str] = if audience == "vip" {
            &["保固十二個月。"]
        } else {
            &[]
        };
        assert_eq!(texts, expected, "{audience}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contradicting_evidence_is_resolved_by_rank_or_handed_off() {
    let app = TestApp::start().await;
    let faq = |answer: &str, rank: i64| json!({ "question": "退貨期限是幾天？", "answer": answer, "rank": rank });
    let put = async |id: &str, body: Value| {
        let (status, written) = app
            .request(
                Method::PUT,
                &format!("/v1/faqs/{id}?wait=indexed"),
                Some(body),
            )
            .await;
        assert!(status.is_success(), "{written}");
    };
    put("old", faq("收到商品後 7 天內可以申請退貨。", 0)).await;
    put("new", faq("收到商品後 10 天內可以申請退貨。", 0)).await;
    let answer = app.ask("退貨期限是幾天？").await;
    assert_eq!(
        (&answer["outcome"], &answer["reason"]),
        (&json!("handoff"), &json!("conflicting_evidence"))
    );
    let (_, reviews) = app.get("/v1/reviews").await;
    let review = &reviews["reviews"][0];
    assert_eq!(review["document_ids"], json!(["new", "old"]));
    let (_, linted) = app.post("/v1/documents:lint", json!({})).await;
    assert_eq!(linted["findings"][0]["finding"], "conflict", "{linted}");

    put("new", faq("收到商品後 10 天內可以申請退貨。", 1)).await;
    let answer = app.ask("退貨期限是幾天？").await;
    assert_eq!(
        answer["text"], "收到商品後 10 天內可以申請退貨。",
        "the higher rank is right"
    );
    let id = review["id"].as_str().unwrap();
    let (status, _) = app
        .request(Method::DELETE, &format!("/v1/reviews/{id}"), None)
        .await;
    assert_eq!(status, 200);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn change_breaking_judged_question_is_previewed_and_rejected() {
    let app = TestApp::start().await;
    app.put("w", json!({ "text": "# 保固\n\n耳機保固十二個月。" }))
        .await;
    let judged = json!({ "question": "耳機保固多久", "contains": "十二個月", "document_id": "w" });
    let (status, _) = app
        .request(Method::PUT, "/v1/judged-questions/warranty", Some(judged))
        .await;
    assert_eq!(status, 200);
    app.ask("耳機壞了保固幾個月").await;

    let change = json!({ "text": "# 保固\n\n耳機保固六個月。" });
    let (status, impact) = app
        .post(
            "/v1/documents:preview-impact",
            json!({ "put": { "w": change } }),
        )
        .await;
    assert_eq!(status, 200, "{impact}");
    assert_eq!(impact["broken"][0]["id"], "warranty");
    assert_eq!(impact["broken"][0]["after"]["text"], "耳機保固六個月。");
    assert_eq!(
        impact["broken"][0]["after"]["document_ids"],
        json!(["w"]),
        "the trial's own id is not shown"
    );
    assert_eq!(impact["changed"][0]["question"], "耳機壞了保固幾個月");
    assert_eq!(
        app.ask("耳機保固多久").await["text"],
        "耳機保固十二個月。",
        "nothing is changed by looking"
    );
    let (_, list) = app.get("/v1/documents").await;
    assert_eq!(list["documents"].as_array().unwrap().len(), 1, "nor listed");

    let (status, refused) = app
        .request(Method::PUT, "/v1/documents/w", Some(change.clone()))
        .await;
    assert_eq!(
        (status.as_u16(), &refused["type"]),
        (409, &json!("/problems/breaks-judged-questions"))
    );
    assert_eq!(pointers(&refused), ["judged-questions/warranty"]);
    let (status, _) = app.request(Method::DELETE, "/v1/documents/w", None).await;
    assert_eq!(status, 409);
    let (status, _) = app
        .request(
            Method::PUT,
            "/v1/documents/w?force=true&wait=indexed",
            Some(change),
        )
        .await;
    assert_eq!(status, 200);
    assert_eq!(app.ask("耳機保固多久").await["text"], "耳機保固六個月。");
    let healing =
        json!({ "put": { "w": { "text": "# 保固\n\n耳機保固十二個月。" } }, "logged": 0 });
    let (_, impact) = app.post("/v1/documents:preview-impact", healing).await;
    assert_eq!(impact["healed"][0]["id"], "warranty");
    indexed(&app).await;
    assert_eq!(
        check(&app.app, &default_workspace()).await.unwrap().faults,
        Vec::<String>::new()
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trial_search_matches_written_change_and_writes_nothing() {
    let app = TestApp::start().await;
    let workspace = default_workspace();
    let old = "# 保固\n\n耳機保固十二個月。\n\n## 維修\n\n送修要七天。";
    app.put("w", json!({ "text": old })).await;
    app.put("s", json!({ "text": "# 運費\n\n本島 80 元。" }))
        .await;
    app.put(
        "e",
        json!({ "text": "# Returns\n\nSend it back within 14 days." }),
    )
    .await;
    let new = "# 保固\n\n耳機與充電盒保固六個月，Zephyr 除外。\n\n## 維修\n\n送修要九天。";
    let id = DocumentId::parse("w").unwrap();
    let source = parse_article(id, Metadata::default(), new, Format::Markdown).unwrap();
    let found = async |retriever: &Retriever, question: &str| {
        let query = retriever.timed(Query::parse(question, 10).unwrap());
        let found = retriever.retrieve(&workspace, &query).await.unwrap();
        let evidence = retriever.load_evidence(&workspace, &query, &found.hits);
        let found = evidence.await.unwrap();
        found
            .into_iter()
            .map(|e| {
                let of = format!("{}:{}", e.chunk.document_id, e.chunk.ordinal);
                ((of, e.chunk.text), e.score)
            })
            .collect::<Vec<_>>()
    };
    let questions = [
        "耳機保固多久",
        "zephyr",
        "維修要幾天",
        "運費",
        "return it in how many days",
    ];
    let retriever = &app.app.retriever;
    let revision = app.app.store.revision(&workspace).await.unwrap();
    let embedder = tokio::task::spawn_blocking(embedder).await.unwrap();
    let replaced = vec![source.id.clone()];
    let tried = Beside::of(&app.app.store, &embedder, &workspace, &[source], replaced).await;
    let trying = retriever.searching(tried.unwrap());
    let mut expected = Vec::new();
    for question in questions {
        expected.push(found(&trying, question).await);
    }
    assert_eq!(app.app.store.revision(&workspace).await.unwrap(), revision);
    app.put("w", json!({ "text": new })).await;
    indexed(&app).await;
    for (question, expected) in questions.into_iter().zip(expected) {
        let found = found(retriever, question).await;
        let what = |found: &[((String, String), f32)]| -> Vec<(String, String)> {
            found.iter().map(|(what, _)| what.clone()).collect()
        };
        assert_eq!(what(&found), what(&expected), "{question}");
        // What is replaced still counts in how often a term occurs.
        let scores = found.iter().zip(&expected).map(|(a, b)| (a.1 - b.1).abs());
        assert!(scores.fold(0.0, f32::max) < 0.02, "{found:?} {expected:?}");
    }
    app.stop().await;
}

fn part(name: &str) -> multipart::Part {
    let bytes = std::fs::read(root().join("tests/fixtures/formats").join(name)).unwrap();
    multipart::Part::bytes(bytes).file_name(name.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn uploaded_files_are_parsed_in_background_and_previewed() {
    let app = TestApp::start().await;
    let upload = async |files: &[&str]| -> Value {
        let form = files.iter().fold(multipart::Form::new(), |form, name| {
            form.part((*name).to_owned(), part(name))
        });
        let url = format!("{}/v1/documents:upload?wait=done", app.address);
        let sent = app.client.post(url).multipart(form).send().await.unwrap();
        sent.json().await.unwrap()
    };
    let job = upload(&["manual-chromium.pdf", "password.docx"]).await;
    assert_eq!(
        (&job["state"], &job["n_done"], &job["n_failed"]),
        (&json!("done"), &json!(1), &json!(1)),
        "{job}"
    );
    assert!(
        job["items"][1]["detail"]
            .as_str()
            .unwrap()
            .contains("password")
    );
    let (_, read) = app
        .get(&format!("/v1/jobs/{}", job["id"].as_str().unwrap()))
        .await;
    assert_eq!(read, job);
    indexed(&app).await;
    let answer = app.ask("門市遺失送修的商品會賠償多少補償金").await;
    assert!(
        answer["text"].as_str().unwrap().contains("NT$2,000"),
        "{answer}"
    );
    assert_eq!(answer["citations"][0]["document_id"], "manual-chromium.pdf");
    assert_eq!(answer["citations"][0]["page"], 4);
    let bundle = upload(&["bundle.zip"]).await;
    assert_eq!(bundle["items"][0]["detail"], "3 written, 0 unchanged");
    let form = multipart::Form::new().part("a", part("slides.pptx"));
    let url = format!("{}/v1/documents:preview", app.address);
    let seen: Value = app
        .client
        .post(url)
        .multipart(form)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let chunks = seen["documents"][0]["chunks"].as_array().unwrap();
    assert!(
        chunks.len() > 5 && chunks.iter().all(|chunk| chunk["page"].is_u64()),
        "{seen}"
    );
    let (status, _) = app.get("/v1/documents/slides.pptx").await;
    assert_eq!(status, 404, "a preview stores nothing");

    let response = app
        .client
        .post(format!("{}/v1/documents:preview", app.address))
        .header("content-type", "image/png")
        .body("x")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 415);
    let (status, _) = app
        .request(
            Method::DELETE,
            &format!("/v1/jobs/{}", job["id"].as_str().unwrap()),
            None,
        )
        .await;
    assert_eq!(status, 409, "what is done cannot be cancelled");
    app.stop().await;
}

/// Enqueues a job that has its items.
async fn enqueue(store: &Store, id: &str) {
    let upload = Upload {
        job: id.to_owned(),
        breaking: Breaking::Refused,
    };
    let work = queue::work(UPLOAD, id, &upload);
    let is_new = store.enqueue_job(&default_workspace(), id, work).await;
    assert!(is_new.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn upload_interrupted_by_crash_resumes() {
    let app = TestApp::start().await;
    let workspace = default_workspace();
    let store = &app.app.store;
    // As a process leaves it that died: one file read, one waiting; and one upload that never came in whole.
    store.add_job(&workspace, "job_1", "upload").await.unwrap();
    store
        .add_job_item(&workspace, "job_1", 0, "a.md", "# 甲\n\n第一。".as_bytes())
        .await
        .unwrap();
    store
        .add_job_item(&workspace, "job_1", 1, "b.md", "# 乙\n\n第二。".as_bytes())
        .await
        .unwrap();
    store
        .finish_job_item(&workspace, "job_1", 0, "done", "1 written")
        .await
        .unwrap();
    store.add_job(&workspace, "job_2", "upload").await.unwrap();
    let folder = app.stop().await;
    let url = crate::support::store_in(folder.path());
    let before = ken_store::store::Store::open(&url).await.unwrap();
    enqueue(&before, "job_1").await;
    let begun = before.begin_work(UPLOAD, 1, true, "", &[]).await.unwrap();
    assert_eq!(begun.len(), 1);
    before.close().await;
    let app = TestApp::start_in(folder, |_| {}).await;
    let mut job = app.get("/v1/jobs/job_1").await.1;
    for _ in 0..200 {
        if job["state"] == "done" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        job = app.get("/v1/jobs/job_1").await.1;
    }
    assert_eq!(job["state"], "done", "{job}");
    assert_eq!(app.get("/v1/documents/b.md").await.0, 200);
    assert_eq!(
        app.get("/v1/documents/a.md").await.0,
        404,
        "what was done is not done again"
    );
    // Of a store that others may be writing to, an hour has to pass before it counts as left behind.
    let left = match crate::postgres::chosen() {
        None => "cancelled",
        Some(_) => "filling",
    };
    assert_eq!(app.get("/v1/jobs/job_2").await.1["state"], left);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_jobs_do_not_block_later_upload() {
    let app = TestApp::start().await;
    let workspace = default_workspace();
    let store = &app.app.store;
    // Before all others: one of a workspace that has no such name, one whose item has lost its file.
    for id in ["job_1", "job_2"] {
        store.add_job(&workspace, id, "upload").await.unwrap();
        let text = "# 甲\n\n第一。".as_bytes();
        store
            .add_job_item(&workspace, id, 0, "a.md", text)
            .await
            .unwrap();
        enqueue(store, id).await;
    }
    let url = crate::support::store_in(app.folder.path());
    let pool = sqlx::AnyPool::connect(&url).await.unwrap();
    for change in [
        "UPDATE job_items SET bytes = NULL WHERE job = 'job_2'",
        "INSERT INTO workspaces (id, created_at) VALUES ('No Name!', 1)",
        "UPDATE job_items SET workspace = 'No Name!' WHERE job = 'job_1'",
        "UPDATE jobs SET workspace = 'No Name!' WHERE id = 'job_1'",
        "UPDATE queue SET workspace = 'No Name!' WHERE dedup_key = 'job_1'",
    ] {
        sqlx::query(change).execute(&pool).await.unwrap();
    }
    let form = multipart::Form::new().part("b", part("manual-chromium.pdf"));
    let url = format!("{}/v1/documents:upload?wait=done", app.address);
    let sent = app.client.post(url).multipart(form).send().await.unwrap();
    let job: Value = sent.json().await.unwrap();
    assert_eq!(job["state"], "done", "{job}");
    let state_of = async |id: &str| -> (String, Option<String>) {
        let sql =
            "SELECT j.state, i.detail FROM jobs j JOIN job_items i ON i.job = j.id WHERE j.id = $1";
        sqlx::query_as(sql).bind(id).fetch_one(&pool).await.unwrap()
    };
    let (state, detail) = state_of("job_1").await;
    assert_eq!(state, "failed");
    assert!(detail.unwrap().contains("workspace"));
    assert_eq!(state_of("job_2").await.0, "failed");
    // What failed for good is listed with its reason, can be run again, and be discarded.
    let (_, dead) = app.get("/v1/dead-letters").await;
    let letter = &dead[0];
    assert_eq!(letter["payload"]["job"], "job_2", "{dead:#}");
    assert!(!letter["error"].as_str().unwrap().is_empty(), "{dead:#}");
    let path = format!("/v1/dead-letters/{}", letter["id"].as_str().unwrap());
    assert_eq!(app.request(Method::POST, &path, None).await.0, 202);
    let mut listed = Value::Null;
    for _ in 0..100 {
        listed = app.get("/v1/dead-letters").await.1;
        // Its file is lost: there is nothing left to do.
        if listed == json!([]) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(listed, json!([]));
    assert_eq!(app.request(Method::DELETE, &path, None).await.0, 404);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn export_and_backup_restore_all_knowledge() {
    let app = TestApp::start().await;
    app.put("a", json!({ "text": "# 甲\n\n第一版。" })).await;
    app.put(
        "a",
        json!({ "text": "# 甲\n\n第二版保固三年。", "tags": ["t"] }),
    )
    .await;
    app.put("gone", json!({ "text": "# 乙\n\n不見了。" })).await;
    app.request(Method::DELETE, "/v1/documents/gone", None)
        .await;
    app.put(
        "a",
        json!({ "text": "# 甲\n\n第三版保固五年。", "publish_at": "2999-01-01T00:00:00Z" }),
    )
    .await;
    let faq = json!({ "question": "可以退貨嗎？", "answers": [{ "text": "可以。" }, { "text": "可以喔。", "channels": ["line"] }] });
    app.request(Method::PUT, "/v1/faqs/f", Some(faq)).await;
    let file = app.folder.path().join("all.jsonl");
    let workspace = default_workspace();
    ken_knowledge::editing::portable::export(&app.app.store, &workspace, &file)
        .await
        .unwrap();

    let other = TestApp::start().await;
    let imported = ken_knowledge::editing::portable::import(&other.app.store, &workspace, &file)
        .await
        .unwrap();
    assert_eq!(imported.n_added, 3);
    indexed(&other).await;
    assert_eq!(
        check(&other.app, &workspace).await.unwrap().faults,
        Vec::<String>::new()
    );
    for path in ["/v1/documents/a/versions", "/v1/faqs/f"] {
        let (mut here, mut there) = (app.get(path).await.1, other.get(path).await.1);
        for body in [&mut here, &mut there] {
            body.as_object_mut().unwrap().remove("revision");
        }
        assert_eq!(here, there, "{path}");
    }
    assert_eq!(other.get("/v1/documents/gone").await.0, 404);
    assert_eq!(other.ask("甲的保固").await["text"], "第二版保固三年。");
    let (_, later) = other
        .post(
            "/v1/answers",
            json!({ "question": "甲的保固", "as_of": "2999-06-01T00:00:00Z" }),
        )
        .await;
    assert_eq!(later["text"], "第三版保固五年。");
    let again = ken_knowledge::editing::portable::import(&other.app.store, &workspace, &file)
        .await
        .unwrap();
    assert_eq!(
        (again.n_unchanged, again.n_added, again.n_changed),
        (3, 0, 0)
    );
    other.stop().await;

    // A backup is taken while the service runs, and has the vectors. PostgreSQL's are its own.
    let backup = app.folder.path().join("backup.db");
    if crate::postgres::chosen().is_some() {
        let error = app.app.store.backup(&backup).await.unwrap_err();
        assert!(error.to_string().contains("pg_dump"), "{error}");
        return;
    }
    app.app.store.backup(&backup).await.unwrap();
    let config = app.app.config.clone();
    let refused = ken_knowledge::editing::portable::restore(&config, &backup)
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("another process is writing"),
        "{refused}"
    );
    app.request(Method::DELETE, "/v1/documents/a", None).await;
    let folder = app.stop().await;
    let broken = folder.path().join("broken.db");
    std::fs::write(&broken, b"no database").unwrap();
    assert!(
        ken_knowledge::editing::portable::restore(&config, &broken)
            .await
            .is_err()
    );
    ken_knowledge::editing::portable::restore(&config, &backup)
        .await
        .unwrap();
    let app = TestApp::start_in(folder, |_| {}).await;
    indexed(&app).await;
    assert_eq!(app.ask("甲的保固").await["text"], "第二版保固三年。");
    assert_eq!(
        app.app.follower.progress().borrow().n_encoded,
        0,
        "nothing is encoded again"
    );
    app.stop().await;
}

/// One document's life, as drawn by chance.
struct Life {
    status: &'static str,
    audience: Vec<&'static str>,
    channel: Option<&'static str>,
    from: Option<i64>,
    until: Option<i64>,
    deleted: bool,
}

impl Life {
    fn draw(random: &mut fastrand::Rng) -> Self {
        let names = ["agent", "tier:gold", "tier:vip", "region:tw"];
        Life {
            status: ["published", "published", "published", "draft", "archived"][random.usize(..5)],
            audience: names.into_iter().filter(|_| random.u8(..4) == 0).collect(),
            channel: ["line", "web"].into_iter().find(|_| random.u8(..5) == 0),
            from: (random.u8(..3) == 0).then(|| random.i64(0..60)),
            until: (random.u8(..3) == 0).then(|| random.i64(61..120)),
            deleted: random.u8(..8) == 0,
        }
    }

    fn is_open(&self, audience: &[&str], channel: Option<&str>, minute: i64) -> bool {
        let about = |name: &str| {
            name.split_once(':')
                .map_or("", |(about, _)| about)
                .to_owned()
        };
        let met = |name: &&str| {
            let same = self
                .audience
                .iter()
                .filter(|other| about(other) == about(name));
            same.into_iter().any(|other| audience.contains(other))
        };
        self.status == "published"
            && !self.deleted
            && self.audience.iter().all(met)
            && self.channel.is_none_or(|own| channel == Some(own))
            && self.from.is_none_or(|from| from <= minute)
            && self.until.is_none_or(|until| minute < until)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_documents_obey_visibility_rules() {
    let start: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let minute = |n: i64| start + jiff::SignedDuration::from_mins(n);
    let clock = Clock::standing(start);
    let app = at_a_standing_clock(&clock).await;
    let seed = 20_261_123;
    let mut random = fastrand::Rng::with_seed(seed);
    let mut lives: Vec<Life> = Vec::new();
    for i in 0..60 {
        let life = Life::draw(&mut random);
        let body = json!({
            "text": format!("# 保固 {i}\n\n第 {i} 號耳機保固十二個月。"), "status": life.status, "audience": life.audience,
            "channels": life.channel.iter().collect::<Vec<_>>(), "valid_from": life.from.map(minute), "valid_until": life.until.map(minute),
        });
        // Some were something else before.
        if random.bool() {
            let before =
                json!({ "text": format!("第 {i} 號耳機舊說明保固。"), "status": "published" });
            app.request(Method::PUT, &format!("/v1/documents/d{i}"), Some(before))
                .await;
        }
        let (status, written) = app
            .request(Method::PUT, &format!("/v1/documents/d{i}"), Some(body))
            .await;
        assert!(status.is_success(), "{written}");
        if life.deleted {
            app.request(Method::DELETE, &format!("/v1/documents/d{i}"), None)
                .await;
        }
        lives.push(life);
    }
    indexed(&app).await;
    let workspace = default_workspace();
    for round in 0..150 {
        let names = ["agent", "tier:gold", "tier:vip", "region:tw"];
        let audience: Vec<&str> = names.into_iter().filter(|_| random.bool()).collect();
        let channel = [None, Some("line"), Some("web")][random.usize(..3)];
        let now = random.i64(-10..130);
        clock.set(minute(now));
        // Asked about now, or about another time.
        let asked = if random.bool() {
            Some(random.i64(-10..130))
        } else {
            None
        };
        let filter = Filter {
            audience: audience.iter().map(|name| (*name).to_owned()).collect(),
            channel: channel.map(str::to_owned),
            at: asked.map(minute),
            ..Filter::default()
        };
        let query = Query::parse("耳機保固幾個月", 100)
            .unwrap()
            .with_filter(filter);
        let found = app
            .app
            .retriever
            .retrieve(&workspace, &query)
            .await
            .unwrap();
        let evidence = app
            .app
            .retriever
            .load_evidence(&workspace, &app.app.retriever.timed(query), &found.hits)
            .await
            .unwrap();
        let mut shown: Vec<usize> = evidence
            .iter()
            .map(|e| e.chunk.document_id.as_str()[1..].parse().unwrap())
            .collect();
        shown.sort_unstable();
        let at = asked.unwrap_or(now);
        let expected: Vec<usize> = (0..lives.len())
            .filter(|i| lives[*i].is_open(&audience, channel, at))
            .collect();
        let context = format!("seed {seed}, round {round}: {audience:?} {channel:?} at {at}");
        assert_eq!(shown, expected, "{context}");
        // Not even counted: the index alone gives no more than that.
        assert_eq!(found.hits.len(), expected.len(), "{context}");
        if round % 10 == 0 {
            let body = json!({ "question": "耳機保固幾個月", "audience": audience, "channel": channel, "as_of": asked.map(minute) });
            let (_, answer) = app.post("/v1/answers", body).await;
            for citation in answer["citations"].as_array().unwrap() {
                let i: usize = citation["document_id"].as_str().unwrap()[1..]
                    .parse()
                    .unwrap();
                assert!(expected.contains(&i), "{context}: cites {i}");
            }
            assert_eq!(
                answer["outcome"] == "answered",
                !expected.is_empty(),
                "{context}: {answer}"
            );
        }
    }
    app.stop().await;
}
