//! Imports of FAQs for a console: columns, undo, bulk changes.

use std::time::{Duration, Instant};

use ken::app::default_workspace;
use ken_store::store::{AuditFilter, Scope};
use reqwest::{Method, multipart};
use serde_json::{Value, json};

use crate::crash;
use crate::editing::indexed;
use crate::support::{Job, TestApp, pointers, read};

const CSV: &str = "id,question,answer,tags\nf1,幾天內可以退貨？,七天內可以退貨。,退貨\nf2,運費多少？,運費 80 元。,運費\n";
const NEW_CSV: &str = "id,question,answer,tags\nf1,幾天內可以退貨？,十天內可以退貨。,退貨\nf2,運費多少？,運費 60 元。,運費\n\
                       f3,怎麼開發票？,結帳時填統一編號。,發票\n";

impl TestApp {
    /// The status and body of the reply to an import with form fields.
    async fn import_with(
        &self,
        query: &str,
        csv: &str,
        fields: &[(&'static str, String)],
    ) -> (u16, Value) {
        let file = multipart::Part::text(csv.to_owned()).file_name("faqs.csv");
        let mut form = multipart::Form::new();
        for (name, value) in fields {
            form = form.text(*name, value.clone());
        }
        let form = form.part("file", file);
        let url = format!("{}/v1/faqs:import?{query}", self.address);
        let response = self.client.post(url).multipart(form).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// The report of an import that is written.
    async fn import(&self, csv: &str) -> Value {
        let (status, report) = self.import_with("", csv, &[]).await;
        assert_eq!(
            (status, &report["applied"]),
            (200, &json!(true)),
            "{report}"
        );
        report
    }

    async fn undo(&self, import: &str, body: Value) -> (u16, Value) {
        let (status, reply) = self.post(&format!("/v1/imports/{import}:undo"), body).await;
        (status.as_u16(), reply)
    }

    /// The FAQs without their versions and revisions.
    async fn faqs(&self) -> Value {
        self.get("/v1/faqs").await.1["faqs"].take()
    }

    async fn list_imports(&self, query: &str) -> Value {
        let (status, list) = self.get(&format!("/v1/imports{query}")).await;
        assert_eq!(status, 200, "{list}");
        list
    }

    /// The ended job of a 202.
    async fn ended(&self, reply: &Value) -> Job {
        let id = reply["id"].as_str().unwrap();
        let start = Instant::now();
        loop {
            let (_, job) = self.get(&format!("/v1/jobs/{id}")).await;
            let job: Job = read(job);
            if job.finished_at.is_some() {
                return job;
            }
            assert!(start.elapsed() < Duration::from_secs(120), "{job:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn id_of(report: &Value) -> &str {
    report["import_id"].as_str().expect("the import has an id")
}

#[tokio::test(flavor = "multi_thread")]
async fn import_reports_and_maps_columns() {
    const SHEET: &str = "客服常見問題,,,\nid,顧客說,我們說,備註\nf1,幾天內可以退貨？,七天內可以退貨。,x\nf2,運費多少？,運費 80 元。,\n";
    let app = TestApp::start().await;
    let (status, problem) = app.import_with("", SHEET, &[]).await;
    assert_eq!(status, 422, "{problem}");
    let (status, report) = app.import_with("dry_run=true", SHEET, &[]).await;
    assert_eq!(
        (status, &report["header_row"]),
        (200, &Value::Null),
        "{report}"
    );
    assert_eq!(report["columns"][1]["header"], "顧客說");

    let mapping = json!({ "顧客說": "question", "我們說": "answer" }).to_string();
    let part = [("columns", mapping.clone())];
    let (status, report) = app.import_with("dry_run=true", SHEET, &part).await;
    assert_eq!((status, &report["n_new"]), (200, &json!(2)), "{report}");
    assert_eq!(report["header_row"], 2);
    assert_eq!(
        report["columns"][2],
        json!({
            "header": "我們說", "position": 3, "letters": "C", "field": "answer",
            "samples": ["七天內可以退貨。", "運費 80 元。"],
        })
    );
    assert_eq!(report["columns"][3]["field"], Value::Null);
    assert_eq!(report["ignored_columns"], json!(["備註"]));
    // The same as a query parameter.
    let url = format!("{}/v1/faqs:import", app.address);
    let url = reqwest::Url::parse_with_params(&url, [("columns", mapping)]).unwrap();
    let sent = app.client.post(url);
    let sent = sent
        .header("content-type", "text/csv")
        .body(SHEET)
        .send()
        .await
        .unwrap();
    let report: Value = sent.json().await.unwrap();
    assert_eq!(report["applied"], true, "{report}");
    assert_eq!(app.faqs().await[0]["answer"], "七天內可以退貨。");

    for (mapping, places) in [
        (json!({ "顧客說": "colour" }), vec!["/columns/顧客說"]),
        (
            json!({ "備註": "answer", "我們說": "answer" }),
            vec!["/columns/我們說"],
        ),
        (json!({ "a/b": "question" }), vec!["/columns/a~1b"]),
        (json!(["question"]), vec!["/columns"]),
    ] {
        let part = [("columns", mapping.to_string())];
        let (status, problem) = app.import_with("dry_run=true", SHEET, &part).await;
        assert_eq!(
            (status, pointers(&problem)),
            (422, places),
            "{mapping}: {problem}"
        );
    }
    let part = [("columns", "{".to_owned())];
    let (_, problem) = app.import_with("", SHEET, &part).await;
    assert_eq!(pointers(&problem), ["/columns"]);
    let (_, problem) = app.import_with("columns={}", SHEET, &part).await;
    assert_eq!(pointers(&problem), ["?columns"]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conflicting_row_has_both_answers() {
    let app = TestApp::start().await;
    app.import(CSV).await;
    let other = "question,answer\n幾天內可以退貨？,三十天內可以退貨。\n";
    let (_, report) = app.import_with("dry_run=true", other, &[]).await;
    let row = &report["rows"][0];
    assert_eq!(
        (&row["effect"], &row["with"]),
        (&json!("conflicting"), &json!("f1")),
        "{row}"
    );
    assert_eq!(row["answer"], "三十天內可以退貨。");
    assert_eq!(row["other_answer"], "七天內可以退貨。");
    assert_eq!(report["import_id"], Value::Null);
    app.stop().await;
}

/// The rows of a report: number, effect, choice.
fn rows_of(report: &Value) -> Vec<(u64, &str, Option<&str>)> {
    let rows = report["rows"].as_array().unwrap().iter();
    rows.map(|row| {
        let effect = row["effect"].as_str().unwrap();
        (row["row"].as_u64().unwrap(), effect, row["choice"].as_str())
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn row_that_asks_the_same_is_kept_replaced_or_added_by_choice() {
    const FIRST: &str = "id,question,answer,variants,tags\n\
        f1,幾天內可以退貨？,七天內可以退貨。,退貨期限是多久,returns\n\
        f2,可以指定送達時段嗎？,可以，結帳時選擇。,,shipping\n";
    // Rows 2 and 3 ask what f1 and f2 ask; row 4 what row 3 asks; row 5 asks f2's question and says the same.
    const SECOND: &str = "question,answer\n\
        退貨期限是多久？,三十天內可以退貨。\n\
        可以指定送達時段嗎？,目前只有宅配可以，超商取貨不行。\n\
        可以換貨嗎？,可以，請聯絡客服。\n\
        可以換貨嗎,要先寄回原商品。\n\
        可以指定送達時段嗎,可以，結帳時 選擇。\n";
    let app = TestApp::start().await;
    app.import(FIRST).await;
    let choices = async |query: &str, choices: Value| {
        let part = [("choices", choices.to_string())];
        app.import_with(query, SECOND, &part).await
    };
    let (_, report) = choices("dry_run=true", json!({})).await;
    assert_eq!(
        rows_of(&report),
        [
            (2, "conflicting", None),
            (3, "duplicate", None),
            (4, "new", None),
            (5, "duplicate", None),
            (6, "duplicate", None),
        ],
        "{report}"
    );
    let differing = &report["rows"][1];
    assert_eq!(differing["answer"], "目前只有宅配可以，超商取貨不行。");
    assert_eq!(differing["other_answer"], "可以，結帳時選擇。");
    assert_eq!(report["rows"][3]["of"], "row 4");
    assert_eq!(report["rows"][4]["answer"], Value::Null, "the same");
    let (_, report) = choices("", json!({})).await;
    assert_eq!(report["applied"], false, "row 2 contradicts f1");

    let chosen = json!({ "2": "replace", "3": "add", "5": "replace", "6": "skip" });
    let (_, report) = choices("", chosen).await;
    assert_eq!(
        rows_of(&report),
        [
            (2, "changed", Some("replace")),
            (3, "new", Some("add")),
            (4, "duplicate", Some("skip")),
            (5, "new", Some("replace")),
            (6, "duplicate", Some("skip")),
        ],
        "{report}"
    );
    assert_eq!(report["applied"], true, "{report}");
    let counts = [
        "n_new",
        "n_changed",
        "n_duplicate",
        "n_conflicting",
        "n_skipped",
    ];
    assert_eq!(
        counts.map(|name| report[name].as_u64().unwrap()),
        [2, 1, 0, 0, 2]
    );
    let (_, f1) = app.get("/v1/faqs/f1").await;
    assert_eq!(f1["answer"], "三十天內可以退貨。");
    assert_eq!(f1["question"], "幾天內可以退貨？", "its question stays");
    assert_eq!(f1["variants"], json!(["退貨期限是多久"]), "{f1}");
    assert_eq!(f1["tags"], json!(["returns"]), "the sheet has no tags");
    let (_, f2) = app.get("/v1/faqs/f2").await;
    assert_eq!(f2["answer"], "可以，結帳時選擇。");
    let faqs = app.faqs().await;
    let answers: Vec<&str> = faqs
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["answer"].as_str().unwrap())
        .collect();
    assert_eq!(answers.len(), 4, "{answers:?}");
    assert!(
        answers.contains(&"目前只有宅配可以，超商取貨不行。"),
        "{answers:?}"
    );
    assert!(answers.contains(&"要先寄回原商品。"), "{answers:?}");

    // Two rows with the same question and no ids can both be added.
    let twice = "question,answer\n有會員折扣嗎？,金卡九折。\n有會員折扣嗎？,生日當月八折。\n";
    let part = [("choices", json!({ "3": "add" }).to_string())];
    let (_, report) = app.import_with("", twice, &part).await;
    assert_eq!(report["n_new"], 2, "{report}");
    // A row that is unlike any other can be left out too.
    let part = [("choices", json!({ "2": "skip" }).to_string())];
    let (_, report) = app
        .import_with("", "question,answer\n可以開發票嗎？,可以。\n", &part)
        .await;
    assert_eq!(
        (&report["n_skipped"], &report["applied"]),
        (&json!(1), &json!(false))
    );
    for (part, pointer) in [
        ("[]", "/choices"),
        (r#"{"x":"skip"}"#, "/choices"),
        (r#"{"2":"keep"}"#, "/choices"),
    ] {
        let (status, problem) = app
            .import_with("", SECOND, &[("choices", part.to_owned())])
            .await;
        assert_eq!(
            (status, pointers(&problem)),
            (422, vec![pointer]),
            "{problem}"
        );
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_run_previews_answers_of_new_and_changed_rows() {
    let app = TestApp::start().await;
    app.import("id,question,answer\nf1,幾天內可以退貨？,七天內可以退貨。\n")
        .await;
    indexed(&app).await;
    let turned = "id,question,answer\nf1,幾天內可以退貨？,三十天內可以退貨。\nf9,店裡可以修理耳機嗎？,可以，現場修理要 40 分鐘。\n";
    let (_, report) = app.import_with("dry_run=true", turned, &[]).await;
    assert_eq!(report["impact"], Value::Null, "not asked for");
    let (_, report) = app
        .import_with("dry_run=true&preview_impact=true", turned, &[])
        .await;
    let impact = &report["impact"];
    assert_eq!(
        (&impact["n_own"], &impact["n_judged"]),
        (&json!(2), &json!(0)),
        "{impact}"
    );
    let changed = impact["changed"].as_array().unwrap();
    let of = |question: &str| changed.iter().find(|one| one["question"] == question);
    let (old, new) = (
        of("幾天內可以退貨？").unwrap(),
        of("店裡可以修理耳機嗎？").unwrap(),
    );
    assert_eq!(old["origin"], "own");
    assert!(
        old["after"]["text"].as_str().unwrap().contains("三十天"),
        "{old}"
    );
    assert!(
        old["before"]["text"].as_str().unwrap().contains("七天"),
        "{old}"
    );
    assert!(
        new["after"]["text"].as_str().unwrap().contains("40 分鐘"),
        "{new}"
    );
    assert!(
        app.get("/v1/faqs/f9").await.0 == 404,
        "a dry run writes nothing"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn undone_import_restores_faqs() {
    let app = TestApp::start().await;
    app.import(CSV).await;
    // Archived by an action: the status is not that of the version.
    let (status, _) = app.post("/v1/documents/f2:archive", json!({})).await;
    assert_eq!(status, 200);
    let before = app.faqs().await;
    let report = app.import(NEW_CSV).await;
    let id = id_of(&report);
    assert_ne!(app.faqs().await, before);

    let (status, undone) = app.undo(id, json!({})).await;
    assert_eq!(status, 200, "{undone}");
    assert_eq!(
        (
            &undone["n_restored"],
            &undone["n_deleted"],
            &undone["applied"]
        ),
        (&json!(2), &json!(1), &json!(true))
    );
    assert_eq!(app.faqs().await, before);
    assert_eq!(app.get("/v1/faqs/f3").await.0, 404);

    let list = app.list_imports("").await;
    let imports = list["imports"].as_array().unwrap();
    assert_eq!((imports.len(), &list["next"]), (2, &Value::Null));
    let last = &imports[0];
    assert_eq!(
        (last["id"].as_str(), &last["kind"]),
        (Some(id), &json!("import"))
    );
    assert_eq!(
        (&last["name"], &last["actor"]),
        (&json!("faqs.csv"), &json!("api"))
    );
    let counts = [&last["n_added"], &last["n_changed"], &last["n_deleted"]];
    assert_eq!(counts.map(Value::as_i64), [Some(1), Some(2), Some(0)]);
    assert!(
        last["undone_at"].is_string() && last["undone_by"] == "api",
        "{last}"
    );
    assert_eq!(imports[1]["undone_at"], Value::Null);
    let page = app.list_imports("?limit=1").await;
    assert_eq!(page["imports"].as_array().unwrap().len(), 1);
    let next = page["next"].as_str().unwrap();
    let page = app.list_imports(&format!("?limit=1&after={next}")).await;
    assert_eq!(
        (&page["imports"][0]["id"], &page["next"]),
        (&imports[1]["id"], &Value::Null)
    );

    let (status, problem) = app.undo(id, json!({})).await;
    assert_eq!(
        (status, &problem["type"]),
        (409, &json!("/problems/conflict")),
        "{problem}"
    );
    assert_eq!(app.undo("imp_0", json!({})).await.0, 404);
    let workspace = default_workspace();
    let log = app
        .app
        .store
        .audit_log(
            Scope::Workspace(&workspace),
            &AuditFilter::default(),
            None,
            100,
        )
        .await
        .unwrap();
    let entry = |action: &str| log.iter().find(|entry| entry.action == action).unwrap();
    assert_eq!(entry("import.put").after["name"], "faqs.csv");
    assert_eq!(
        (
            entry("import.undo").subject.as_str(),
            &entry("import.undo").after["n_deleted"]
        ),
        (id, &json!(1))
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faqs_changed_after_import_are_not_undone() {
    let app = TestApp::start().await;
    app.import(CSV).await;
    let report = app.import(NEW_CSV).await;
    let id = id_of(&report);
    let mine = json!({ "question": "運費多少？", "answer": "運費 50 元。" });
    let put = app.request(Method::PUT, "/v1/faqs/f2", Some(mine)).await;
    assert_eq!(put.0, 200);
    let before = app.faqs().await;
    let (status, problem) = app.undo(id, json!({})).await;
    assert_eq!(
        (status, &problem["type"]),
        (409, &json!("/problems/changed-since-import"))
    );
    assert_eq!(pointers(&problem), ["faqs/f2"]);
    assert_eq!(app.faqs().await, before);
    let (status, undone) = app.undo(id, json!({ "partial": true })).await;
    assert_eq!(
        (status, &undone["skipped"]),
        (200, &json!(["f2"])),
        "{undone}"
    );
    let faqs = app.faqs().await;
    assert_eq!(faqs[0]["answer"], "七天內可以退貨。");
    assert_eq!(faqs[1]["answer"], "運費 50 元。");
    assert_eq!(faqs.as_array().unwrap().len(), 2);
    assert_eq!(app.undo(id, json!({ "partial": true })).await.0, 409);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_restores_scheduled_version() {
    let app = TestApp::start().await;
    app.import(CSV).await;
    let edit = json!({ "question": "運費多少？", "answer": "運費 70 元。" });
    assert_eq!(
        app.request(Method::PUT, "/v1/faqs/f2", Some(edit)).await.0,
        200
    );
    // Version 1 comes back in an hour.
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let publish = json!({ "version": 1, "at": at });
    assert_eq!(app.post("/v1/documents/f2:publish", publish).await.0, 200);
    let scheduled = async || {
        let (_, versions) = app.get("/v1/documents/f2/versions").await;
        let versions = versions["versions"].as_array().unwrap().clone();
        let next = versions
            .iter()
            .find(|version| version["publish_at"].is_string());
        next.map(|version| version["publish_at"].clone())
    };
    let before = (app.faqs().await, scheduled().await);
    assert!(before.1.is_some());
    let report = app.import(NEW_CSV).await;
    assert_eq!(scheduled().await, None);
    assert_eq!(app.undo(id_of(&report), json!({})).await.0, 200);
    assert_eq!((app.faqs().await, scheduled().await), before);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn import_made_by_job_is_undone_by_job() {
    let app = TestApp::start().await;
    app.import(CSV).await;
    let before = app.faqs().await;
    let (status, reply) = app.import_with("background=true", NEW_CSV, &[]).await;
    assert_eq!(status, 202, "{reply}");
    let id = id_of(&reply["report"]);
    assert_eq!(app.ended(&reply).await.state, "done");
    assert_eq!(app.list_imports("").await["imports"][0]["id"], id);
    // Both jobs are accepted; one of them undoes the import.
    app.app.queue.stop().await;
    let mut replies = Vec::new();
    for _ in 0..2 {
        let (status, reply) = app.undo(id, json!({ "background": true })).await;
        assert_eq!(
            (status, &reply["report"]["applied"]),
            (202, &json!(false)),
            "{reply}"
        );
        replies.push(reply);
    }
    let folder = app.stop().await;
    let app = TestApp::start_in(folder, |_| {}).await;
    let mut states = Vec::new();
    for reply in &replies {
        states.push(app.ended(reply).await.state);
    }
    states.sort_unstable();
    assert_eq!(states, ["done", "failed"]);
    assert_eq!(app.faqs().await, before);
    assert!(app.list_imports("").await["imports"][0]["undone_at"].is_string());
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_breaking_judged_question_is_refused() {
    let app = TestApp::start().await;
    app.import(CSV).await;
    let report = app.import(NEW_CSV).await;
    let id = id_of(&report);
    let revision = report["revision"].as_i64().unwrap();
    let (workspace, patience) = (default_workspace(), Duration::from_secs(120));
    assert!(
        app.app
            .follower
            .wait_for(&workspace, revision, patience)
            .await
    );
    let judged = json!({ "question": "幾天內可以退貨？", "contains": "十天" });
    let put = app.request(Method::PUT, "/v1/judged-questions/q", Some(judged));
    assert_eq!(put.await.0, 200);
    let (status, problem) = app.undo(id, json!({})).await;
    assert_eq!(
        (status, &problem["type"]),
        (409, &json!("/problems/breaks-judged-questions"))
    );
    assert_eq!(app.faqs().await[0]["answer"], "十天內可以退貨。");
    assert_eq!(app.undo(id, json!({ "force": true })).await.0, 200);
    assert_eq!(app.faqs().await[0]["answer"], "七天內可以退貨。");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sheet_without_a_column_keeps_its_field() {
    let app = TestApp::start().await;
    let faq = json!({
        "question": "運費多少？", "answer": "一律八十元。", "variants": ["寄送要錢嗎？"], "tags": ["費用"],
        "negatives": ["退貨運費多少？"], "valid_until": "2099-01-01T00:00:00Z",
    });
    let (status, _) = app.request(Method::PUT, "/v1/faqs/fee", Some(faq)).await;
    assert_eq!(status, 201);
    app.import("編號,問題,答案\nfee,運費多少？,一律九十元。\n")
        .await;
    let (_, kept) = app.get("/v1/faqs/fee").await;
    assert_eq!(kept["answer"], "一律九十元。");
    assert_eq!(kept["variants"], json!(["寄送要錢嗎？"]));
    assert_eq!(kept["negatives"], json!(["退貨運費多少？"]));
    assert_eq!(kept["tags"], json!(["費用"]));
    assert_eq!(kept["valid_until"], "2099-01-01T00:00:00Z");
    // An empty cell deletes.
    app.import("編號,問題,答案,標籤\nfee,運費多少？,一律九十元。,\n")
        .await;
    let (_, emptied) = app.get("/v1/faqs/fee").await;
    assert!(
        emptied["tags"].as_array().is_none_or(Vec::is_empty),
        "{emptied}"
    );
    assert_eq!(emptied["variants"], json!(["寄送要錢嗎？"]));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bulk_change_applies_to_all_or_none() {
    let app = TestApp::start().await;
    app.import(NEW_CSV).await;
    app.put("article", json!({ "text": "# 門市\n\n門市在一樓。" }))
        .await;
    let before = app.faqs().await;
    let bulk = async |body: Value| {
        let (status, reply) = app.post("/v1/faqs:bulk", body).await;
        (status.as_u16(), reply)
    };
    for (body, places) in [
        (
            json!({ "ids": ["f1", "none", "article"], "set": { "rank": 1 } }),
            vec!["/ids/1", "/ids/2"],
        ),
        (
            json!({ "ids": ["f1", "f1"], "set": { "rank": 1 } }),
            vec!["/ids/1"],
        ),
        (json!({ "ids": [], "delete": true }), vec!["/ids"]),
        (
            json!({ "ids": vec!["f1"; 1_001], "delete": true }),
            vec!["/ids"],
        ),
        (json!({ "ids": ["f1"] }), vec!["/set"]),
        (json!({ "ids": ["f1"], "set": {} }), vec!["/set"]),
        (
            json!({ "ids": ["f1"], "set": { "rank": 1 }, "delete": true }),
            vec!["/delete"],
        ),
        (
            json!({ "ids": ["f1"], "set": { "tags_add": ["a", " "] } }),
            vec!["/set/tags_add/1"],
        ),
        (
            json!({ "ids": ["f1"], "set": { "valid_from": "2026-02-01T00:00:00Z", "valid_until": "2026-01-01T00:00:00Z" } }),
            vec!["/ids/0"],
        ),
    ] {
        let (status, problem) = bulk(body.clone()).await;
        assert_eq!(
            (status, pointers(&problem)),
            (422, places),
            "{body}: {problem}"
        );
    }
    assert_eq!(app.faqs().await, before, "nothing was written");

    let set = json!({
        "status": "draft", "tags_add": ["退貨", "新"], "tags_remove": ["運費"], "audience": ["vip"],
        "valid_until": "2030-01-01T00:00:00Z", "review_by": "2029-01-01T00:00:00Z", "rank": 3,
    });
    let body = |dry_run| json!({ "ids": ["f2", "f1"], "set": set, "dry_run": dry_run });
    let (status, report) = bulk(body(true)).await;
    assert_eq!(
        (status, &report["applied"], &report["import_id"]),
        (200, &json!(false), &Value::Null)
    );
    assert_eq!(app.faqs().await, before);
    let (status, report) = bulk(body(false)).await;
    assert_eq!((status, &report["n_changed"]), (200, &json!(2)), "{report}");
    let row = &report["faqs"][0];
    assert_eq!(
        (&row["id"], &row["effect"]),
        (&json!("f2"), &json!("changed"))
    );
    let fields: Vec<&str> = row["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["field"].as_str().unwrap())
        .collect();
    assert_eq!(
        fields,
        [
            "audience",
            "rank",
            "review_by",
            "status",
            "tags",
            "valid_until"
        ]
    );
    let faqs = app.faqs().await;
    assert_eq!(faqs[0]["tags"], json!(["退貨", "新"]));
    assert_eq!(faqs[1]["tags"], json!(["退貨", "新"]));
    assert_eq!(
        (&faqs[0]["status"], &faqs[0]["rank"]),
        (&json!("draft"), &json!(3))
    );
    assert_eq!(faqs[2], before[2]);
    let import = id_of(&report).to_owned();

    let (_, again) = bulk(body(false)).await;
    assert_eq!(
        (&again["n_unchanged"], &again["import_id"]),
        (&json!(2), &Value::Null),
        "{again}"
    );
    // Null removes a time.
    let clear = json!({ "ids": ["f1"], "set": { "valid_until": null } });
    let (_, cleared) = bulk(clear).await;
    let faqs = app.faqs().await;
    assert_eq!(
        (
            faqs[0].get("valid_until"),
            faqs[1].get("valid_until").is_some()
        ),
        (None, true)
    );

    assert_eq!(app.undo(id_of(&cleared), json!({})).await.0, 200);
    // The undo is a change as well.
    assert_eq!(app.undo(&import, json!({})).await.0, 409);
    let (status, undone) = app.undo(&import, json!({ "partial": true })).await;
    assert_eq!((status, &undone["skipped"]), (200, &json!(["f1"])));
    assert_eq!(app.faqs().await[1], before[1]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bulk_deletion_is_undone() {
    let app = TestApp::start().await;
    app.import(NEW_CSV).await;
    let before = app.faqs().await;
    let delete = json!({ "ids": ["f1", "f3"], "delete": true });
    let (status, report) = app.post("/v1/faqs:bulk", delete).await;
    assert_eq!(
        (status.as_u16(), &report["n_deleted"]),
        (200, &json!(2)),
        "{report}"
    );
    assert_eq!(app.faqs().await.as_array().unwrap().len(), 1);
    let list = app.list_imports("").await;
    let last = &list["imports"][0];
    assert_eq!(
        (&last["kind"], &last["n_deleted"]),
        (&json!("bulk"), &json!(2))
    );
    let (status, undone) = app.undo(id_of(&report), json!({})).await;
    assert_eq!(
        (status, &undone["n_restored"]),
        (200, &json!(2)),
        "{undone}"
    );
    assert_eq!(app.faqs().await, before);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn last_hundred_imports_are_kept() {
    let app = TestApp::start().await;
    let first = app.import(CSV).await;
    let second = app.import(NEW_CSV).await;
    for rank in 1..=99 {
        let body = json!({ "ids": ["f1"], "set": { "rank": rank } });
        assert_eq!(app.post("/v1/faqs:bulk", body).await.0, 200);
    }
    let list = app.list_imports("").await;
    let imports = list["imports"].as_array().unwrap();
    assert_eq!(
        (imports.len(), imports[99]["id"].as_str()),
        (100, Some(id_of(&second)))
    );
    assert_eq!(app.undo(id_of(&first), json!({})).await.0, 404);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_import_and_undo_survive_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let client = crate::support::client();
    let import = async |address: &str, csv: &'static str| -> Value {
        let url = format!("{address}/v1/faqs:import");
        let sent = client
            .post(url)
            .header("content-type", "text/csv")
            .body(csv);
        sent.send().await.unwrap().json().await.unwrap()
    };
    let get = async |address: &str, path: &str| -> Value {
        let sent = client.get(format!("{address}{path}")).send();
        sent.await.unwrap().json().await.unwrap()
    };
    let (mut child, address, _printed) = crash::serve(folder.path());
    import(&address, CSV).await;
    let before = get(&address, "/v1/faqs").await["faqs"].take();
    let report = import(&address, NEW_CSV).await;
    child.kill().unwrap();
    child.wait().unwrap();

    let (mut child, address, _printed) = crash::serve(folder.path());
    assert_eq!(
        get(&address, "/v1/imports").await["imports"][0]["id"],
        report["import_id"]
    );
    let url = format!("{address}/v1/imports/{}:undo", id_of(&report));
    let undone = client.post(&url).json(&json!({})).send().await.unwrap();
    assert_eq!(undone.status(), 200);
    child.kill().unwrap();
    child.wait().unwrap();

    let (mut child, address, _printed) = crash::serve(folder.path());
    assert_eq!(get(&address, "/v1/faqs").await["faqs"], before);
    let url = format!("{address}/v1/imports/{}:undo", id_of(&report));
    let again = client.post(&url).json(&json!({})).send().await.unwrap();
    assert_eq!(again.status(), 409);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(crash::check(folder.path()).contains(" 0 faults"));
}
