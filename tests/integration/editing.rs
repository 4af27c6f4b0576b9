//! Editing over HTTP: FAQ import, versions, visibility, schedules, the publishing gate, uploads, export and backup.

use std::time::Duration;

use jiff::Timestamp;
use ken::app::{App, default_workspace};
use ken::check::check;
use ken_base::domain::{Clock, DocumentId, Filter, Metadata, Query};
use ken_ingest::ingest::{FileFormat, parse_article};
use ken_knowledge::editing::gate::Breaking;
use ken_knowledge::editing::portable;
use ken_knowledge::jobs::{UPLOAD, Upload};
use ken_search::retrieve::{Overlay, Retriever};
use ken_store::queue;
use ken_store::store::Store;
use reqwest::{Method, multipart};
use serde_json::{Value, json};

use crate::support::{Imported, Job, TestApp, config_in, embedder, pointers, read, root};

async fn import(
    app: &TestApp,
    options: &str,
    kind: &str,
    body: impl Into<reqwest::Body>,
) -> (u16, Imported) {
    let response = app
        .client
        .post(format!("{}/v1/faqs:import?{options}", app.address))
        .header("content-type", kind)
        .body(body)
        .send()
        .await
        .unwrap();
    let status = response.status().as_u16();
    (status, read(response.json().await.unwrap()))
}

pub async fn indexed(app: &TestApp) {
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

const SHEET: &str = "編號,問題,相似問法,答案,標籤\n\
    f1,可以退貨嗎？,想退|怎麼退,七天內可以退貨。,退貨\n\
    f2,運費多少？,,本島運費 80 元。,運費\n";

/// A second version of `SHEET` with a row of each kind.
const EDITED: &str = "編號,問題,答案,狀態\n\
    f1,可以退貨嗎？,十天內可以退貨。,\n\
    f3,可以退货吗?,十天內可以退貨。,\n\
    f4,運費多少,本島運費 100 元。,\n\
    f5,,沒有問題,\n\
    f6,可以換貨嗎？,可以。,也許\n\
    f7,營業時間？,九點到五點。,\n";

/// A service with the FAQs of `SHEET`.
async fn with_sheet() -> TestApp {
    let app = TestApp::start().await;
    let (_, done) = import(&app, "", "text/csv", SHEET).await;
    assert_eq!((done.n_new, done.applied), (2, true));
    app
}

/// The file that an export of all FAQs in this format returns.
async fn exported(app: &TestApp, format: &str) -> Vec<u8> {
    let url = format!("{}/v1/faqs:export?format={format}", app.address);
    let response = app.client.get(url).send().await.unwrap();
    response.bytes().await.unwrap().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn faq_import_is_idempotent_and_dry_run_writes_nothing() {
    let app = TestApp::start().await;
    let (status, tried) = import(&app, "dry_run=true", "text/csv", SHEET).await;
    assert_eq!((status, tried.n_new, tried.applied), (200, 2, false));
    let (_, list) = app.get("/v1/faqs").await;
    assert_eq!(list["faqs"], json!([]), "a dry run writes nothing");
    let (_, done) = import(&app, "", "text/csv", SHEET).await;
    assert_eq!((done.n_new, done.applied), (2, true));
    let (_, again) = import(&app, "", "text/csv", SHEET).await;
    assert_eq!((again.n_unchanged, again.applied), (2, false));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faq_import_preview_names_effect_of_each_row() {
    let app = with_sheet().await;
    let (_, tried) = import(&app, "dry_run=true", "text/csv", EDITED).await;
    assert_eq!(
        tried.effects(),
        [
            (2, "changed"),
            (3, "duplicate"),
            (4, "conflicting"),
            (5, "invalid"),
            (6, "invalid"),
            (7, "new")
        ]
    );
    let changes = tried.rows[0].changes.as_ref().unwrap();
    let answer = changes.iter().find(|change| change.field == "answer");
    assert_eq!(answer.unwrap().before, "七天內可以退貨。");
    assert_eq!(tried.rows[2].with.as_deref(), Some("f2"));
    assert_eq!(tried.rows[4].column.as_deref(), Some("狀態"));

    // Similar FAQs are found by meaning.
    indexed(&app).await;
    let near =
        "question,answer\n請問可以辦理退貨嗎？,收到七天內可以退貨。\n怎麼煮牛肉麵？,先炒糖色。\n";
    let (_, tried) = import(&app, "dry_run=true&similar=true", "text/csv", near).await;
    let similar = tried.rows[0].similar.as_ref().unwrap();
    assert_eq!(similar[0].document_id, "f1", "{tried:?}");
    assert!(tried.rows[1].similar.is_none(), "{tried:?}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partial_faq_import_writes_valid_rows_and_round_trips() {
    let app = with_sheet().await;
    let (_, refused) = import(&app, "", "text/csv", EDITED).await;
    assert!(!refused.applied, "all or nothing");
    let (_, f1) = app.get("/v1/faqs/f1").await;
    assert_eq!(f1["answer"], "七天內可以退貨。");
    let (_, partial) = import(&app, "partial=true", "text/csv", EDITED).await;
    assert!(partial.applied);
    let (_, f1) = app.get("/v1/faqs/f1").await;
    assert_eq!(
        (&f1["answer"], &f1["version"]),
        (&json!("十天內可以退貨。"), &json!(2))
    );
    for (format, kind) in [
        ("jsonl", "application/jsonl"),
        ("csv", "text/csv"),
        (
            "xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
    ] {
        let (_, same) = import(&app, "", kind, exported(&app, format).await).await;
        assert_eq!(same.n_unchanged, 3, "{format}: {same:?}");
        assert!(same.rows.is_empty(), "{format}: {same:?}");
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
    assert_eq!((status, report.n_new), (200, 816));
    let (_, again) = import(&app, "", "text/csv", sheet).await;
    assert_eq!(again.n_unchanged, 816);
    let (_, same) = import(&app, "", "text/csv", exported(&app, "csv").await).await;
    assert_eq!((same.n_unchanged, same.rows.len()), (816, 0));
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
        let answer = app.answer(body.clone()).await;
        assert_eq!(answer.text, expected, "{body}");
        assert_eq!(answer.strategy, "standard");
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

/// A deleted document answers nothing and is not listed. Its versions can be read and restored.
async fn assert_deletion_can_be_undone(app: &TestApp) {
    app.request(Method::DELETE, "/v1/documents/w", None).await;
    indexed(app).await;
    assert_eq!(app.get("/v1/documents/w").await.0, 404);
    assert_eq!(app.ask("耳機保固多久").await.outcome, "refused");
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
    indexed(app).await;
    assert_eq!(app.ask("耳機保固多久").await.text, "耳機保固十二個月。");
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
    assert_eq!(answer.text, "耳機保固十二個月。");
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
    assert_eq!(app.ask("耳機保固多久").await.outcome, "refused");
    app.post("/v1/documents/w:publish", json!({ "version": 2 }))
        .await;
    indexed(&app).await;
    assert_eq!(app.ask("耳機保固多久").await.text, "耳機保固二十四個月。");
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

    assert_deletion_can_be_undone(&app).await;
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

/// Writes a fee of 80 and schedules one of 100 for 2026-06-07T16:00:00Z.
async fn schedule_fee(app: &TestApp) {
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
}

#[tokio::test(flavor = "multi_thread")]
async fn scheduled_version_goes_live_at_publish_time() {
    let clock = Clock::fixed("2026-06-01T00:00:00Z".parse().unwrap());
    let app = at_a_standing_clock(&clock).await;
    schedule_fee(&app).await;
    let asked = async |as_of: Option<&str>| -> String {
        let answer = app
            .answer(json!({ "question": "本島運費多少", "as_of": as_of }))
            .await;
        answer.text
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
        "the switch needs no background work"
    );
    assert_eq!(app.get("/v1/documents/fee").await.1["version"], 2);
    // The promotion in the store happens once, also if it is called again.
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
async fn file_is_ingested_again_after_scheduled_version_went_live() {
    let clock = Clock::fixed("2026-06-01T00:00:00Z".parse().unwrap());
    let app = at_a_standing_clock(&clock).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("fee.md"),
        "---\nid: fee\n---\n# 運費\n\n本島運費八十元。",
    )
    .unwrap();
    assert_eq!(app.ingest(folder.path()).await.added, 1);
    assert_eq!(app.ingest(folder.path()).await.unchanged, 1);
    app.put(
        "fee",
        json!({ "text": "# 運費\n\n本島運費一百元。", "publish_at": "2026-06-07T16:00:00Z" }),
    )
    .await;
    assert_eq!(app.ingest(folder.path()).await.unchanged, 1);
    clock.set("2026-06-07T16:00:00Z".parse().unwrap());
    app.app.store.promote_due().await.unwrap();
    assert_eq!(app.ingest(folder.path()).await.changed, 1);
    let (_, document) = app.get("/v1/documents/fee").await;
    assert!(document["text"].as_str().unwrap().contains("八十元"));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unpublished_version_can_be_rescheduled() {
    let clock = Clock::fixed("2026-06-01T00:00:00Z".parse().unwrap());
    let app = at_a_standing_clock(&clock).await;
    let asked = async || app.ask("本島運費多少").await.outcome;
    let body = |status: &str, at: Option<&str>| json!({ "text": "# 運費\n\n本島運費八十元。", "status": status, "publish_at": at });
    app.put("fee", body("draft", Some("2026-06-08T00:00:00Z")))
        .await;
    app.put("fee", body("published", Some("2026-06-12T00:00:00Z")))
        .await;
    clock.set("2026-06-09T00:00:00Z".parse().unwrap());
    assert_eq!(asked().await, "refused", "the publication was postponed");
    clock.set("2026-06-12T00:00:00Z".parse().unwrap());
    assert_eq!(asked().await, "answered");
    app.put(
        "later",
        json!({ "text": "# 保固\n\n耳機保固十二個月。", "publish_at": "2026-07-01T00:00:00Z" }),
    )
    .await;
    assert_eq!(app.ask("耳機保固多久").await.outcome, "refused");
    app.put("later", json!({ "text": "# 保固\n\n耳機保固十二個月。" }))
        .await;
    assert_eq!(
        app.ask("耳機保固多久").await.text,
        "耳機保固十二個月。",
        "the publication was moved to now"
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
        "the gate asks with the audience of the judged question: {refused}"
    );
    indexed(&app).await;
    for audience in ["vip", "staff", "guest"] {
        let found = app
            .search(json!({ "question": "耳機保固多久？", "audience": audience }))
            .await;
        let texts: Vec<&str> = found.hits.iter().map(|hit| hit.text.as_str()).collect();
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
    assert_eq!(answer.decision(), ("handoff", Some("conflicting_evidence")));
    let (_, reviews) = app.get("/v1/reviews").await;
    let review = &reviews["reviews"][0];
    assert_eq!(review["document_ids"], json!(["new", "old"]));
    let (_, linted) = app.post("/v1/documents:lint", json!({})).await;
    assert_eq!(linted["findings"][0]["finding"], "conflict", "{linted}");

    put("new", faq("收到商品後 10 天內可以申請退貨。", 1)).await;
    let answer = app.ask("退貨期限是幾天？").await;
    assert_eq!(
        answer.text, "收到商品後 10 天內可以申請退貨。",
        "the higher rank takes precedence"
    );
    let id = review["id"].as_str().unwrap();
    let (status, _) = app
        .request(Method::DELETE, &format!("/v1/reviews/{id}"), None)
        .await;
    assert_eq!(status, 200);
    app.stop().await;
}

/// A preview of this change of `w` lists the judged and the logged question whose answers change, and writes nothing.
async fn assert_impact_is_previewed(app: &TestApp, change: &Value) {
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
        "the internal id of the trial is hidden"
    );
    assert_eq!(impact["changed"][0]["question"], "耳機壞了保固幾個月");
    assert_eq!(
        app.ask("耳機保固多久").await.text,
        "耳機保固十二個月。",
        "a preview changes nothing"
    );
    let (_, list) = app.get("/v1/documents").await;
    assert_eq!(list["documents"].as_array().unwrap().len(), 1, "nor listed");
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
    assert_impact_is_previewed(&app, &change).await;
    let (status, refused) = app
        .request(Method::PUT, "/v1/documents/w", Some(change.clone()))
        .await;
    assert_eq!(
        (status.as_u16(), &refused["type"]),
        (409, &json!("/problems/breaks-judged-questions"))
    );
    assert_eq!(pointers(&refused), ["judged-questions/warranty"]);
    let broken = &refused["broken"][0];
    assert_eq!(broken["unmet"], json!(["contains"]), "{broken}");
    assert_eq!(broken["after"]["text"], "耳機保固六個月。", "{broken}");
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
    assert_eq!(app.ask("耳機保固多久").await.text, "耳機保固六個月。");
    let asked = "充電盒的保固是幾個月";
    let longer = json!({
        "put": { "w": { "text": "# 保固\n\n耳機保固十二個月，充電盒保固九個月。" } },
        "questions": [asked],
    });
    let (_, impact) = app.post("/v1/documents:preview-impact", longer).await;
    assert_eq!(impact["n_asked"], 1, "{impact}");
    let changed = impact["changed"].as_array().unwrap().iter();
    let origins = changed.filter(|one| one["question"] == asked);
    let origins: Vec<&Value> = origins.map(|one| &one["origin"]).collect();
    assert_eq!(origins, ["asked"], "{impact}");
    let empty = json!({ "questions": [""] });
    let (status, problem) = app.post("/v1/documents:preview-impact", empty).await;
    assert_eq!(
        (status.as_u16(), pointers(&problem)),
        (422, vec!["/questions/0"])
    );
    let nowhere = json!({ "question": "耳機保固多久", "document_id": "nowhere" });
    let (status, problem) = app
        .request(Method::PUT, "/v1/judged-questions/none", Some(nowhere))
        .await;
    assert_eq!(
        (status.as_u16(), pointers(&problem)),
        (422, vec!["/document_id"])
    );
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
    let source = parse_article(id, Metadata::default(), new, FileFormat::Markdown).unwrap();
    let found = async |retriever: &Retriever, question: &str| {
        let query = retriever.with_time(Query::parse(question, 10).unwrap());
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
    let tried = Overlay::of(&app.app.store, &embedder, &workspace, &[source], replaced).await;
    let trying = retriever.with_overlay(tried.unwrap());
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
        // Term frequencies still count the replaced chunks, so scores differ a little.
        let scores = found.iter().zip(&expected).map(|(a, b)| (a.1 - b.1).abs());
        assert!(scores.fold(0.0, f32::max) < 0.02, "{found:?} {expected:?}");
    }
    app.stop().await;
}

fn part(name: &str) -> multipart::Part {
    let bytes = std::fs::read(root().join("tests/fixtures/formats").join(name)).unwrap();
    multipart::Part::bytes(bytes).file_name(name.to_owned())
}

/// Uploads fixtures and waits until the job is done.
async fn upload(app: &TestApp, files: &[&str]) -> Job {
    let form = files.iter().fold(multipart::Form::new(), |form, name| {
        form.part((*name).to_owned(), part(name))
    });
    let url = format!("{}/v1/documents:upload?wait=done", app.address);
    let sent = app.client.post(url).multipart(form).send().await.unwrap();
    read(sent.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn uploaded_files_are_parsed_in_background_and_answer() {
    let app = TestApp::start().await;
    let job = upload(&app, &["manual-chromium.pdf", "password.docx"]).await;
    assert_eq!(
        (job.state.as_str(), job.n_done, job.n_failed),
        ("done", 1, 1),
        "{job:?}"
    );
    assert!(job.items[1].detail.contains("password"), "{job:?}");
    let path = format!("/v1/jobs/{}", job.id);
    let (_, read_again) = app.get(&path).await;
    assert_eq!(read::<Job>(read_again), job);
    let (status, _) = app.request(Method::DELETE, &path, None).await;
    assert_eq!(status, 409, "a finished job cannot be cancelled");
    indexed(&app).await;
    let answer = app.ask("門市遺失送修的商品會賠償多少補償金").await;
    assert!(answer.text.contains("NT$2,000"), "{answer:?}");
    assert_eq!(answer.first_cited(), Some("manual-chromium.pdf"));
    assert_eq!(answer.citations[0].page, Some(4));
    let bundle = upload(&app, &["bundle.zip"]).await;
    assert_eq!(bundle.items[0].detail, "3 written, 0 unchanged");
    app.stop().await;
}

/// The status, the headers and the body of `GET /v1/documents/{path}`.
async fn original(app: &TestApp, path: &str) -> (u16, reqwest::header::HeaderMap, Vec<u8>) {
    let url = format!("{}/v1/documents/{path}", app.address);
    let reply = app.client.get(url).send().await.unwrap();
    let (status, headers) = (reply.status().as_u16(), reply.headers().clone());
    (status, headers, reply.bytes().await.unwrap().to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn original_of_uploaded_file_is_kept_with_its_version() {
    let app = TestApp::start().await;
    upload(&app, &["manual-chromium.pdf", "bundle.zip"]).await;
    let file = root().join("tests/fixtures/formats/manual-chromium.pdf");
    let expected = std::fs::read(file).unwrap();
    let (status, headers, bytes) = original(&app, "manual-chromium.pdf/original").await;
    assert_eq!((status, bytes == expected), (200, true));
    for (name, value) in [
        ("content-type", "application/pdf"),
        ("content-security-policy", "sandbox"),
        ("x-content-type-options", "nosniff"),
        (
            "content-disposition",
            "attachment; filename*=UTF-8''manual-chromium.pdf",
        ),
    ] {
        assert_eq!(headers[name], value);
    }
    // A text that an editor writes has no original; the version before it and a restored one have.
    app.put("manual-chromium.pdf", json!({ "text": "# 手冊\n\n另議。" }))
        .await;
    let restore = json!({ "version": 1 });
    let (status, _) = app
        .post("/v1/documents/manual-chromium.pdf:restore", restore)
        .await;
    assert_eq!(status, 200);
    for (version, expected) in [(1, 200), (2, 404), (3, 200), (9, 404)] {
        let path = format!("manual-chromium.pdf/original?version={version}");
        assert_eq!(original(&app, &path).await.0, expected, "{version}");
    }
    let (_, listed) = app.get("/v1/documents/manual-chromium.pdf/versions").await;
    let kept = json!({ "name": "manual-chromium.pdf", "n_bytes": expected.len() });
    let versions = listed["versions"].as_array().unwrap().iter();
    let originals: Vec<&Value> = versions.map(|version| &version["original"]).collect();
    assert_eq!(originals, [&kept, &Value::Null, &kept]);
    // Each document of an archive has the archive, which is kept once.
    let (_, documents) = app.get("/v1/documents").await;
    let documents = documents["documents"].as_array().unwrap().iter();
    let ids = documents.map(|document| document["id"].as_str().unwrap());
    let archive = std::fs::read(root().join("tests/fixtures/formats/bundle.zip")).unwrap();
    let mut n = 0;
    for id in ids.filter(|id| *id != "manual-chromium.pdf") {
        let path = format!("{}/original", id.replace('/', "%2F"));
        assert_eq!(original(&app, &path).await.2, archive, "{id}");
        n += 1;
    }
    assert_eq!(n, 3);
    let store = &app.app.store;
    assert_eq!(store.drop_unused_originals().await.unwrap(), 0);
    let (_, deleted) = app
        .request(Method::DELETE, "/v1/workspaces/default", None)
        .await;
    assert_eq!(deleted["rows"]["originals"], 2, "{deleted}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn source_of_a_text_is_what_was_submitted() {
    let app = TestApp::start().await;
    let markdown = "---\ntitle: 包裝\n---\n# 包裝\n\n- **禮物**：$20\n";
    app.put("wrap", json!({ "text": markdown })).await;
    let html = "<h1>包裝</h1><p>每件 $20。</p>";
    app.put("page", json!({ "text": html, "format": "html" }))
        .await;
    upload(&app, &["manual.md", "manual.txt", "manual-chromium.pdf"]).await;
    let file =
        |name: &str| std::fs::read_to_string(root().join("tests/fixtures/formats").join(name));
    let (_, manual) = app.get("/v1/documents/manual.md").await;
    assert_eq!(manual["title"], "星河電子退換貨與保固手冊");
    for (id, version, format, text) in [
        (
            "wrap",
            1,
            "markdown",
            "# 包裝\n\n- **禮物**：$20\n".to_owned(),
        ),
        ("page", 1, "html", html.to_owned()),
        ("manual.txt", 1, "plain", file("manual.txt").unwrap()),
    ] {
        let (status, source) = app.get(&format!("/v1/documents/{id}/source")).await;
        let expected =
            json!({ "version": version, "format": format, "text": text, "is_extracted": false });
        assert_eq!((status.as_u16(), &source), (200, &expected), "{id}");
    }
    // Written back, it is the same document.
    let (_, source) = app.get("/v1/documents/manual.md/source").await;
    assert!(
        file("manual.md")
            .unwrap()
            .ends_with(source["text"].as_str().unwrap())
    );
    let text =
        json!({ "text": source["text"], "format": source["format"], "title": manual["title"] });
    app.put("manual.md", text).await;
    let (_, again) = app.get("/v1/documents/manual.md").await;
    assert_eq!(again["text"], manual["text"]);
    // What was no text is edited as what was read from it.
    let (_, pdf) = app.get("/v1/documents/manual-chromium.pdf").await;
    let (_, source) = app.get("/v1/documents/manual-chromium.pdf/source").await;
    let expected =
        json!({ "version": 1, "format": "plain", "text": pdf["text"], "is_extracted": true });
    assert_eq!(source, expected);
    let (status, _) = app.get("/v1/documents/manual.md/source?version=1").await;
    assert_eq!(status, 200);
    let (status, _) = app.get("/v1/documents/manual.md/source?version=9").await;
    assert_eq!(status, 404);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn original_above_the_limit_is_not_kept() {
    for limit in [0, 100] {
        let app = TestApp::start_with(|config| config.ingest.keep_original_bytes = limit).await;
        let job = upload(&app, &["manual-chromium.pdf"]).await;
        assert_eq!(job.n_done, 1, "{job:?}");
        let (status, _, _) = original(&app, "manual-chromium.pdf/original").await;
        assert_eq!(status, 404, "{limit}");
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn file_preview_returns_chunks_and_stores_nothing() {
    let app = TestApp::start().await;
    let form = multipart::Form::new().part("a", part("slides.pptx"));
    let url = format!("{}/v1/documents:preview", app.address);
    let sent = app.client.post(&url).multipart(form).send().await.unwrap();
    let seen: Value = sent.json().await.unwrap();
    let chunks = seen["documents"][0]["chunks"].as_array().unwrap();
    assert!(
        chunks.len() > 5 && chunks.iter().all(|chunk| chunk["page"].is_u64()),
        "{seen}"
    );
    let (status, _) = app.get("/v1/documents/slides.pptx").await;
    assert_eq!(status, 404, "a preview stores nothing");
    let request = app.client.post(&url).header("content-type", "image/png");
    let response = request.body("x").send().await.unwrap();
    assert_eq!(response.status(), 415);
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
    // The state after a crash: one file parsed, one waiting, and one incomplete upload.
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
    let job = async |id: &str| -> Job { read(app.get(&format!("/v1/jobs/{id}")).await.1) };
    let mut first = job("job_1").await;
    for _ in 0..200 {
        if first.state == "done" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        first = job("job_1").await;
    }
    assert_eq!(first.state, "done", "{first:?}");
    assert_eq!(app.get("/v1/documents/b.md").await.0, 200);
    assert_eq!(
        app.get("/v1/documents/a.md").await.0,
        404,
        "a finished item is not run again"
    );
    // In a shared store an upload counts as abandoned only after an hour.
    let left = match crate::postgres::chosen() {
        None => "cancelled",
        Some(_) => "filling",
    };
    assert_eq!(job("job_2").await.state, left);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_jobs_do_not_block_later_upload() {
    let app = TestApp::start().await;
    let workspace = default_workspace();
    let store = &app.app.store;
    // Two broken jobs come first: one with an invalid workspace name, one whose file is missing.
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
    let job = upload(&app, &["manual-chromium.pdf"]).await;
    assert_eq!(job.state, "done", "{job:?}");
    let state_of = async |id: &str| -> (String, Option<String>) {
        let sql =
            "SELECT j.state, i.detail FROM jobs j JOIN job_items i ON i.job = j.id WHERE j.id = $1";
        sqlx::query_as(sql).bind(id).fetch_one(&pool).await.unwrap()
    };
    let (state, detail) = state_of("job_1").await;
    assert_eq!(state, "failed");
    assert!(detail.unwrap().contains("workspace"));
    assert_eq!(state_of("job_2").await.0, "failed");
    // A dead letter is listed with its error and can be retried or discarded.
    let (_, dead) = app.get("/v1/dead-letters").await;
    let letter = &dead[0];
    assert_eq!(letter["payload"]["job"], "job_2", "{dead:#}");
    assert!(!letter["error"].as_str().unwrap().is_empty(), "{dead:#}");
    let path = format!("/v1/dead-letters/{}", letter["id"].as_str().unwrap());
    assert_eq!(app.request(Method::POST, &path, None).await.0, 202);
    let mut listed = Value::Null;
    for _ in 0..100 {
        listed = app.get("/v1/dead-letters").await.1;
        // The retry ends at once, since the file is missing.
        if listed == json!([]) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(listed, json!([]));
    assert_eq!(app.request(Method::DELETE, &path, None).await.0, 404);
    app.stop().await;
}

/// A service with versions in the past and in the future, a deleted document and an FAQ with two answers.
async fn with_history() -> TestApp {
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
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn exported_knowledge_is_imported_with_its_versions() {
    let app = with_history().await;
    let file = app.folder.path().join("all.jsonl");
    let workspace = default_workspace();
    portable::export(&app.app.store, &workspace, &file)
        .await
        .unwrap();

    let other = TestApp::start().await;
    let imported = portable::import(&other.app.store, &workspace, &file)
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
    assert_eq!(other.ask("甲的保固").await.text, "第二版保固三年。");
    let later = other
        .answer(json!({ "question": "甲的保固", "as_of": "2999-06-01T00:00:00Z" }))
        .await;
    assert_eq!(later.text, "第三版保固五年。");
    let again = portable::import(&other.app.store, &workspace, &file)
        .await
        .unwrap();
    assert_eq!(
        (again.n_unchanged, again.n_added, again.n_changed),
        (3, 0, 0)
    );
    other.stop().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_is_restored_without_encoding_again() {
    let app = with_history().await;
    indexed(&app).await;
    // A backup is made while the service runs and contains the vectors. PostgreSQL has its own tools.
    let backup = app.folder.path().join("backup.db");
    if crate::postgres::chosen().is_some() {
        let error = app.app.store.backup(&backup).await.unwrap_err();
        assert!(error.to_string().contains("pg_dump"), "{error}");
        return;
    }
    app.app.store.backup(&backup).await.unwrap();
    let config = app.app.config.clone();
    let refused = portable::restore(&config, &backup).await.unwrap_err();
    assert!(
        refused.to_string().contains("another process is writing"),
        "{refused}"
    );
    app.request(Method::DELETE, "/v1/documents/a", None).await;
    let folder = app.stop().await;
    let broken = folder.path().join("broken.db");
    std::fs::write(&broken, b"no database").unwrap();
    assert!(portable::restore(&config, &broken).await.is_err());
    portable::restore(&config, &backup).await.unwrap();
    let app = TestApp::start_in(folder, |_| {}).await;
    indexed(&app).await;
    assert_eq!(app.ask("甲的保固").await.text, "第二版保固三年。");
    assert_eq!(
        app.app.follower.progress().borrow().n_encoded,
        0,
        "nothing is encoded again"
    );
    app.stop().await;
}

/// Random visibility and lifetime of a document.
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

/// Writes document `d{i}` with this life, half of the time over an earlier version.
async fn put_life(
    app: &TestApp,
    i: usize,
    life: &Life,
    random: &mut fastrand::Rng,
    minute: impl Fn(i64) -> Timestamp,
) {
    let path = format!("/v1/documents/d{i}");
    let body = json!({
        "text": format!("# 保固 {i}\n\n第 {i} 號耳機保固十二個月。"), "status": life.status, "audience": life.audience,
        "channels": life.channel.iter().collect::<Vec<_>>(), "valid_from": life.from.map(&minute), "valid_until": life.until.map(&minute),
    });
    if random.bool() {
        let before = json!({ "text": format!("第 {i} 號耳機舊說明保固。"), "status": "published" });
        app.request(Method::PUT, &path, Some(before)).await;
    }
    let (status, written) = app.request(Method::PUT, &path, Some(body)).await;
    assert!(status.is_success(), "{written}");
    if life.deleted {
        app.request(Method::DELETE, &path, None).await;
    }
}

/// The numbers of the documents that a search shows. The index alone finds no more than these.
async fn shown_to(app: &TestApp, filter: Filter) -> Vec<usize> {
    let (workspace, retriever) = (default_workspace(), &app.app.retriever);
    let query = Query::parse("耳機保固幾個月", 100).unwrap();
    let query = query.with_filter(filter);
    let found = retriever.retrieve(&workspace, &query).await.unwrap();
    let with_time = retriever.with_time(query);
    let evidence = retriever.load_evidence(&workspace, &with_time, &found.hits);
    let evidence = evidence.await.unwrap();
    let ids = evidence.iter().map(|e| e.chunk.document_id.as_str());
    let mut shown: Vec<usize> = ids.map(|id| id[1..].parse().unwrap()).collect();
    shown.sort_unstable();
    assert_eq!(found.hits.len(), shown.len(), "hits that are not shown");
    shown
}

#[tokio::test(flavor = "multi_thread")]
async fn random_documents_obey_visibility_rules() {
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let minute = |n: i64| start + jiff::SignedDuration::from_mins(n);
    let clock = Clock::fixed(start);
    let app = at_a_standing_clock(&clock).await;
    let seed = 20_261_123;
    let mut random = fastrand::Rng::with_seed(seed);
    let mut lives: Vec<Life> = Vec::new();
    for i in 0..60 {
        let life = Life::draw(&mut random);
        put_life(&app, i, &life, &mut random, minute).await;
        lives.push(life);
    }
    indexed(&app).await;
    for round in 0..150 {
        let names = ["agent", "tier:gold", "tier:vip", "region:tw"];
        let audience: Vec<&str> = names.into_iter().filter(|_| random.bool()).collect();
        let channel = [None, Some("line"), Some("web")][random.usize(..3)];
        let now = random.i64(-10..130);
        clock.set(minute(now));
        // The question is about now or about another time.
        let asked = random.bool().then(|| random.i64(-10..130));
        let filter = Filter {
            audience: audience.iter().map(|name| (*name).to_owned()).collect(),
            channel: channel.map(str::to_owned),
            at: asked.map(minute),
            ..Filter::default()
        };
        let at = asked.unwrap_or(now);
        let expected: Vec<usize> = (0..lives.len())
            .filter(|i| lives[*i].is_open(&audience, channel, at))
            .collect();
        let context = format!("seed {seed}, round {round}: {audience:?} {channel:?} at {at}");
        assert_eq!(shown_to(&app, filter).await, expected, "{context}");
        if round % 10 == 0 {
            let body = json!({ "question": "耳機保固幾個月", "audience": audience, "channel": channel, "as_of": asked.map(minute) });
            let answer = app.answer(body).await;
            for citation in &answer.citations {
                let i: usize = citation.document_id[1..].parse().unwrap();
                assert!(expected.contains(&i), "{context}: cites {i}");
            }
            let is_answered = answer.outcome == "answered";
            assert_eq!(is_answered, !expected.is_empty(), "{context}: {answer:?}");
        }
    }
    app.stop().await;
}
