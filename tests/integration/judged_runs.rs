//! Runs of the judged questions: totals by level, changes between runs, cancellation and retention.

use ken::app::default_workspace;
use ken_base::domain::WorkspaceId;
use ken_knowledge::editing::portable;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestApp, pointers, read_passages};

const LEVELS: [&str; 5] = [
    "very_strict",
    "strict",
    "balanced",
    "lenient",
    "very_lenient",
];

impl TestApp {
    async fn judge(&self, id: &str, body: Value) -> (u16, Value) {
        let path = format!("/v1/judged-questions/{id}");
        let (status, reply) = self.request(Method::PUT, &path, Some(body)).await;
        (status.as_u16(), reply)
    }

    /// Starts a run; returns the status and the reply.
    async fn start_run(&self) -> (u16, Value) {
        let (status, reply) = self.request(Method::POST, "/v1/judged-runs", None).await;
        (status.as_u16(), reply)
    }

    /// Runs all judged questions to the end.
    async fn run_judged(&self) -> Value {
        let (status, run) = self.start_run().await;
        assert_eq!(status, 202, "{run}");
        self.finish_run(run["id"].as_str().unwrap(), None).await
    }
}

/// The sample shop with judged questions of each kind.
async fn judged_shop(app: &TestApp) {
    app.ingest_shop().await;
    for (id, body) in [
        (
            "a-refund",
            json!({ "question": "請問退貨後多久可以收到退款？", "outcome": "answered", "contains": "工作天", "kind": "answerable" }),
        ),
        (
            "b-filter",
            json!({ "question": "AirNest 300 的濾網多久要換一次？", "contains": "不可能出現的字" }),
        ),
        (
            "c-near",
            json!({ "question": "AirNest 900 的濾網多久要換一次？", "outcome": "refused", "kind": "near_miss" }),
        ),
        (
            "d-foreign",
            json!({ "question": "今天台北天氣如何？", "outcome": "refused", "kind": "foreign" }),
        ),
        (
            "e-person",
            json!({ "question": "我要找真人客服", "outcome": "handoff" }),
        ),
    ] {
        let (status, reply) = app.judge(id, body).await;
        assert_eq!(status, 200, "{reply}");
    }
}

/// What an answer at a level is for a row's question, asked on its own.
async fn judged_alone(app: &TestApp, row: &Value, level: &str) -> &'static str {
    let expected = &row["expected"];
    let body = json!({ "question": expected["question"], "level": level, "dry_run": true });
    let answer = app.answer(body).await;
    let is_answered = answer.outcome == "answered";
    let contains = expected["contains"].as_str();
    let is_right = contains.is_none_or(|words| answer.text.contains(words));
    match (row["judgement"].as_str().unwrap(), is_answered) {
        ("right" | "wrong" | "refused", true) if is_right => "right",
        ("right" | "wrong" | "refused", true) => "wrong",
        ("right" | "wrong" | "refused", false) => "refused",
        (_, true) => "falsely_answered",
        (_, false) => "rightly_refused",
    }
}

/// Each level's judgement in a run is what the question gets when it is asked at that level.
async fn run_matches_answers_at_each_level(app: &TestApp) {
    judged_shop(app).await;
    let read = app.run_judged().await;
    assert_eq!(read["run"]["state"], "done", "{read}");
    let rows = read["questions"].as_array().unwrap();
    assert_eq!(rows.len(), 5);
    for row in &rows[..4] {
        for (at, level) in LEVELS.iter().enumerate() {
            let judged = &row["by_level"][at];
            assert_eq!(judged["level"], *level);
            let alone = judged_alone(app, row, level).await;
            assert_eq!(judged["judgement"], alone, "{level}: {row}");
        }
    }
    let person = &rows[4];
    assert_eq!(
        (&person["judgement"], &person["met"], &person["by_level"]),
        (&Value::Null, &json!(true), &json!([]))
    );
    let totals = &read["run"]["totals"];
    for (name, expected) in [("n_asked", 5), ("n_answerable", 2), ("n_unanswerable", 2)] {
        assert_eq!(totals[name], expected, "{name}: {totals}");
    }
    for level in totals["by_level"].as_array().unwrap() {
        let count = |name: &str| level[name].as_u64().unwrap();
        assert_eq!(count("n_right") + count("n_wrong") + count("n_refused"), 2);
        let unanswerable = count("n_rightly_refused") + count("n_falsely_answered");
        assert_eq!(unanswerable, 2);
        for kind in ["near_misses", "foreign"] {
            let of_kind = &level[kind];
            let n =
                of_kind["n_answered"].as_u64().unwrap() + of_kind["n_refused"].as_u64().unwrap();
            assert_eq!(n, 1, "{kind}: {level}");
        }
    }
    let bins = read["reliability"].as_array().unwrap();
    let n_in_bins: u64 = bins
        .iter()
        .map(|bin| bin["n_questions"].as_u64().unwrap())
        .sum();
    assert_eq!((bins.len(), n_in_bins), (10, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn judged_run_matches_answers_at_each_level() {
    let app = TestApp::start().await;
    run_matches_answers_at_each_level(&app).await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn judged_run_with_reader_matches_answers_at_each_level() {
    let app = TestApp::start_with(read_passages).await;
    run_matches_answers_at_each_level(&app).await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn judged_run_lists_what_changed_since_previous() {
    let app = TestApp::start().await;
    app.put("fee", json!({ "text": "# 運費\n\n運費是 80 元。\n" }))
        .await;
    let judged = |words: &str| json!({ "question": "運費是多少？", "contains": words });
    for (id, words) in [("now", "80"), ("later", "90"), ("edited", "80")] {
        app.judge(id, judged(words)).await;
    }
    let first = app.run_judged().await;
    assert_eq!(first["run"]["totals"]["n_met"], 2, "{first}");
    assert_eq!(first["run"]["totals"]["previous_id"], Value::Null);
    let text = json!({ "text": "# 運費\n\n運費是 90 元。\n" });
    let path = "/v1/documents/fee?wait=indexed&force=true";
    let (status, reply) = app.request(Method::PUT, path, Some(text)).await;
    assert_eq!(status.as_u16(), 200, "{reply}");
    app.judge("edited", judged("八十")).await;
    let second = app.run_judged().await;
    let totals = &second["run"]["totals"];
    assert_eq!(totals["newly_broken"], json!(["now"]), "{totals}");
    assert_eq!(totals["newly_met"], json!(["later"]), "{totals}");
    assert_eq!(totals["previous_id"], first["run"]["id"]);
    let (_, page) = app.get("/v1/judged-runs?limit=1").await;
    assert_eq!(page["runs"][0], second["run"]);
    let next = page["next"].as_str().unwrap();
    let (_, page) = app
        .get(&format!("/v1/judged-runs?limit=1&before={next}"))
        .await;
    assert_eq!(
        (&page["runs"][0], &page["next"]),
        (&first["run"], &Value::Null)
    );
    // Runs are not answers: nothing is logged.
    let (_, summary) = app.get("/v1/insights/summary").await;
    assert_eq!(summary["total"]["n"], 0, "{summary}");
    let (_, job) = app
        .get(&format!(
            "/v1/jobs/{}",
            second["run"]["job_id"].as_str().unwrap()
        ))
        .await;
    assert_eq!(
        (&job["kind"], &job["state"], &job["n_done"]),
        (&json!("judged_run"), &json!("done"), &json!(3))
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn judged_run_without_questions_or_beside_another_conflicts() {
    let app = TestApp::start().await;
    let (status, problem) = app.start_run().await;
    assert_eq!(status, 409, "{problem}");
    // Nothing runs, so that runs stay queued.
    app.app.queue.stop().await;
    let (status, reply) = app
        .judge("q", json!({ "question": "運費？", "outcome": "refused" }))
        .await;
    assert_eq!(status, 200, "{reply}");
    let (status, run) = app.start_run().await;
    assert_eq!((status, &run["state"]), (202, &json!("queued")), "{run}");
    let id = run["id"].as_str().unwrap();
    let (status, problem) = app.start_run().await;
    assert_eq!(status, 409);
    assert!(
        problem["detail"].as_str().unwrap().contains(id),
        "{problem}"
    );
    let (status, _) = app
        .request(Method::DELETE, &format!("/v1/jobs/{id}"), None)
        .await;
    assert_eq!(status.as_u16(), 200);
    let read = app.finish_run(id, None).await;
    assert_eq!(
        (&read["run"]["state"], &read["run"]["totals"]),
        (&json!("cancelled"), &Value::Null)
    );
    // Two more than are kept.
    let mut ids = vec![id.to_owned()];
    for _ in 0..51 {
        let (status, run) = app.start_run().await;
        assert_eq!(status, 202, "{run}");
        let id = run["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/jobs/{id}");
        app.request(Method::DELETE, &path, None).await;
        ids.push(id);
    }
    let (_, page) = app.get("/v1/judged-runs?limit=50").await;
    let kept = page["runs"].as_array().unwrap().iter();
    let kept: Vec<&str> = kept.map(|run| run["id"].as_str().unwrap()).collect();
    ids.reverse();
    assert_eq!(kept, ids[..50]);
    assert_eq!(page["next"], Value::Null);
    for dropped in &ids[50..] {
        for path in ["judged-runs", "jobs"] {
            let (status, _) = app.get(&format!("/v1/{path}/{dropped}")).await;
            assert_eq!(status.as_u16(), 404, "{path}");
        }
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kind_of_judged_question_is_checked_and_exported() {
    let app = TestApp::start().await;
    for (kind, outcome) in [
        ("answerable", "refused"),
        ("near_miss", "answered"),
        ("foreign", "answered"),
    ] {
        let body = json!({ "question": "運費？", "outcome": outcome, "kind": kind });
        let (status, problem) = app.judge("q", body).await;
        assert_eq!((status, pointers(&problem)), (422, vec!["/kind"]), "{kind}");
    }
    let body = json!({ "question": "運費？", "outcome": "refused", "kind": "near_miss" });
    let (status, judged) = app.judge("q", body).await;
    assert_eq!((status, &judged["kind"]), (200, &json!("near_miss")));
    let file = app.folder.path().join("export.jsonl");
    let store = &app.app.store;
    portable::export(store, &default_workspace(), &file)
        .await
        .unwrap();
    let other = WorkspaceId::parse("other").unwrap();
    portable::import(store, &other, &file).await.unwrap();
    assert_eq!(
        store.judged_questions(&other).await.unwrap(),
        store.judged_questions(&default_workspace()).await.unwrap()
    );
    app.stop().await;
}
