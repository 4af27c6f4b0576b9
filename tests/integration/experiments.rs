//! Experiments on answers and on settings, over HTTP.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use ken::app::{App, default_workspace};
use ken_base::domain::Clock;
use ken_learn::learn::experiments::ExperimentPlan;
use reqwest::Method;
use serde_json::json;

use crate::cases::audited;
use crate::learning::{ask_as, faq, put_faq, say};
use crate::support::{Experiment, TestApp, config_in, embedder, pointers, read};

/// A service whose time is set by hand.
async fn at(clock: &Clock) -> TestApp {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let encoder = tokio::task::spawn_blocking(embedder).await.unwrap();
    let app = App::build_at(config_in(folder.path()), encoder, clock.clone())
        .await
        .unwrap();
    TestApp::serve(Arc::new(app), folder).await
}

async fn experiment(app: &TestApp, id: &str) -> Experiment {
    let (status, mut found) = app.get("/v1/experiments").await;
    assert_eq!(status, 200, "{found}");
    let all: Vec<Experiment> = read(found["experiments"].take());
    all.into_iter().find(|e| e.id == id).unwrap()
}

const WRAP: &str = "禮物包裝要加多少錢？";

/// Asks as 120 customers. Three of four are helped by the arm "ribbon", one of four by the live answer. Returns how many saw
/// each arm.
async fn run_ribbon_experiment(app: &TestApp) -> [usize; 2] {
    let mut shown = [0, 0];
    for n in 0..120 {
        let customer = format!("c{n}");
        let answer = ask_as(app, &customer, WRAP).await;
        let sees_ribbon = answer.text.contains("緞帶");
        shown[usize::from(sees_ribbon)] += 1;
        assert_eq!(
            answer.text.contains("請洽門市"),
            !sees_ribbon,
            "one answer, not both: {answer:?}"
        );
        app.assert_citations_resolve(&answer).await;
        if n < 10 {
            let on_line = json!({ "question": WRAP, "customer_id": customer, "channel": "line" });
            let again = app.answer(on_line).await;
            assert_eq!(again.text, answer.text, "the same on every channel");
        }
        let helpful = (n % 4 == 0) != sees_ribbon;
        say(app, &answer, json!({ "helpful": helpful })).await;
    }
    shown
}

#[tokio::test(flavor = "multi_thread")]
async fn better_arm_wins_sticky_per_customer_and_is_promoted_manually() {
    let app = TestApp::start().await;
    let live = faq(WRAP, "禮物包裝每件加收 NT$50，請洽門市。");
    put_faq(&app, "wrap", live).await;
    let plan = json!({ "id": "wrap-text", "faq_id": "wrap", "arms": [{ "name": "live" }, { "name": "ribbon", "answer": "禮物包裝每件加收 NT$50，附緞帶。" }] });
    let (status, begun) = app.post("/v1/experiments", plan.clone()).await;
    assert_eq!(
        (status.as_u16(), &begun["state"]),
        (200, &json!("running")),
        "{begun}"
    );
    let (status, _) = app.post("/v1/experiments", plan).await;
    assert_eq!(status, 409, "the id is taken");
    let anonymous = app.ask(WRAP).await;
    assert!(anonymous.text.contains("請洽門市"), "{anonymous:?}");
    let shown = run_ribbon_experiment(&app).await;
    assert!(shown[0] > 40 && shown[1] > 40, "{shown:?}");
    let found = experiment(&app, "wrap-text").await;
    assert_eq!(
        (found.state.as_str(), found.winner),
        ("decided", Some(1)),
        "{found:?}"
    );
    assert!(found.results[1].e_value >= 20.0, "{found:?}");
    let still = ask_as(&app, "c1000", WRAP).await;
    assert!(
        still.text.contains("請洽門市"),
        "a winner is not promoted without a decision: {still:?}"
    );

    let promote = "/v1/experiments/wrap-text:promote";
    let (status, promoted) = app.post(promote, json!({ "reviewer": "amy" })).await;
    assert_eq!(status, 200, "{promoted}");
    assert!(app.ask(WRAP).await.text.contains("緞帶"));
    let (_, faq) = app.get("/v1/faqs/wrap").await;
    assert!(
        !faq.to_string().contains("experiment:"),
        "nothing of the experiment is left: {faq}"
    );
    let actions = audited(&app).await;
    assert!(actions.contains(&"experiment.promote".to_owned()));
    for action in ["stop", "promote"] {
        let path = format!("/v1/experiments/wrap-text:{action}");
        let (status, _) = app.post(&path, json!({})).await;
        assert_eq!(status, 409, "{action} after the promotion");
    }
    let (status, _) = app.post("/v1/experiments/nobody:stop", json!({})).await;
    assert_eq!(status, 404);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn harmful_arm_is_stopped_and_silence_counts_after_delay() {
    let clock = Clock::fixed("2026-10-01T00:00:00Z".parse::<Timestamp>().unwrap());
    let app = at(&clock).await;
    put_faq(
        &app,
        "wrap",
        faq("禮物包裝要加多少錢？", "禮物包裝每件加收 NT$50。"),
    )
    .await;
    let plan = json!({ "id": "rude", "faq_id": "wrap", "arms": [{ "name": "live" }, { "name": "rude", "answer": "禮物包裝每件加收 NT$50，自己看網站。" }] });
    assert_eq!(app.post("/v1/experiments", plan).await.0, 200);
    for n in 0..80 {
        let answer = ask_as(&app, &format!("c{n}"), "禮物包裝要加多少錢？").await;
        if answer.text.contains("自己看") {
            say(&app, &answer, json!({ "complaint": true })).await;
        }
    }
    let before = experiment(&app, "rude").await;
    assert_eq!(
        (before.state.as_str(), before.results[0].known),
        ("running", 0),
        "{before:?}"
    );
    clock.set(app.app.store.now() + SignedDuration::from_hours(3));
    let after = experiment(&app, "rude").await;
    assert_eq!(
        (after.state.as_str(), after.out.as_slice()),
        ("stopped", [1].as_slice()),
        "{after:?}"
    );
    assert!(after.reason.unwrap().contains("guardrail"));
    clock.set(app.app.store.now() + SignedDuration::from_hours(73));
    let later = experiment(&app, "rude").await;
    let live = &later.results[0];
    assert_eq!(live.successes, live.known, "silence counts as success");
    assert!(live.known > 20, "{later:?}");
    for n in 0..80 {
        let answer = ask_as(&app, &format!("c{n}"), "禮物包裝要加多少錢？").await;
        assert!(!answer.text.contains("自己看"), "{answer:?}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_experiment_runs_and_invalid_plan_is_rejected() {
    let app = TestApp::with_shop().await;
    let strict = json!({ "id": "strict", "arms": [{ "name": "live" }, { "name": "strict", "tuning": { "min_confidence": 1.0 } }] });
    assert_eq!(app.post("/v1/experiments", strict).await.0, 200);
    let mut outcomes = std::collections::BTreeSet::new();
    for n in 0..12 {
        let answer = ask_as(&app, &format!("c{n}"), "禮物包裝要加多少錢？").await;
        outcomes.insert(answer.outcome);
    }
    assert_eq!(
        outcomes.into_iter().collect::<Vec<_>>(),
        ["answered", "refused"]
    );
    let live = json!({ "name": "live" });
    for (plan, place) in [
        (json!({ "id": "A b", "arms": [live, live] }), "/id"),
        (json!({ "id": "x", "arms": [live] }), "/arms"),
        (
            json!({ "id": "x", "arms": [live, { "name": "b" }] }),
            "/arms",
        ),
        (
            json!({ "id": "x", "arms": [{ "name": "a", "answer": "?" }, live] }),
            "/arms/0",
        ),
        (
            json!({ "id": "x", "faq_id": "nowhere", "arms": [live, { "name": "b", "answer": "?" }] }),
            "/faq_id",
        ),
        (
            json!({ "id": "x", "alpha": 0.9, "arms": [live, { "name": "b", "tuning": { "min_confidence": 0.5 } }] }),
            "/alpha",
        ),
        (
            json!({ "id": "x", "arms": [live, { "name": "b", "tuning": { "min_confidence": 5.0 } }] }),
            "/arms",
        ),
    ] {
        let (status, problem) = app.post("/v1/experiments", plan).await;
        assert_eq!(
            (status.as_u16(), pointers(&problem)),
            (422, vec![place]),
            "{problem}"
        );
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn auto_promote_rule_promotes_winner() {
    let app = TestApp::start().await;
    let workspace = default_workspace();
    app.request(
        Method::PUT,
        "/v1/settings",
        Some(json!({ "level": null, "learning": { "auto_promote": true } })),
    )
    .await;
    let arm = |name: &str, least: Option<f32>| {
        serde_json::from_value(
            json!({ "name": name, "tuning": least.map(|l| json!({ "min_confidence": l })) }),
        )
        .unwrap()
    };
    let plan = ExperimentPlan {
        id: "t".into(),
        faq_id: None,
        arms: vec![arm("live", None), arm("low", Some(0.1))],
        alpha: 0.05,
        max_customers: 1_000,
    };
    let begun = app
        .app
        .learning
        .begin(&workspace, plan, "amy")
        .await
        .unwrap();
    for n in 0..200 {
        let (customer, id) = (format!("c{n}"), format!("a{n}"));
        let arm = begun.arm_of(&customer);
        app.app
            .store
            .expose(&workspace, "t", (&customer, arm), &id, true)
            .await
            .unwrap();
        app.app
            .store
            .record_outcome(&workspace, &id, arm == 1 || n % 5 == 0, false)
            .await
            .unwrap();
    }
    let found = experiment(&app, "t").await;
    assert_eq!(
        (found.state.as_str(), found.winner),
        ("promoted", Some(1)),
        "{found:?}"
    );
    let (_, tuning) = app.get("/v1/tuning").await;
    assert!(
        (tuning["tuning"]["min_confidence"].as_f64().unwrap() - 0.1).abs() < 1e-6,
        "{tuning}"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faq_edit_ends_experiment_and_handoff_counts_as_harm() {
    let app = TestApp::start().await;
    for id in ["wrap", "gone"] {
        put_faq(
            &app,
            id,
            faq("禮物包裝要加多少錢？", "禮物包裝每件加收 NT$50。"),
        )
        .await;
        let plan = json!({ "id": id, "faq_id": id, "arms": [{ "name": "live" }, { "name": "b", "answer": "禮物包裝每件加收 NT$50，附緞帶。" }] });
        assert_eq!(app.post("/v1/experiments", plan).await.0, 200);
        if id == "wrap" {
            for n in 0..12 {
                let customer = format!("c{n}");
                ask_as(&app, &customer, "禮物包裝要加多少錢？").await;
                let wish = ask_as(&app, &customer, "我要找真人客服").await;
                assert_eq!(wish.outcome, "handoff", "{wish:?}");
            }
            let found = experiment(&app, "wrap").await;
            let n_harms: usize = found.results.iter().map(|arm| arm.harms).sum();
            assert_eq!(n_harms, 12, "{found:?}");
            // The live answer is edited; the arms' answers stay in the FAQ.
            let (_, mut row) = app.get("/v1/faqs/wrap").await;
            row["answers"][0]["text"] = json!("禮物包裝每件加收 NT$60。");
            for field in ["id", "revision", "version", "follow_ups", "status"] {
                row.as_object_mut().unwrap().remove(field);
            }
            put_faq(&app, "wrap", row).await;
        } else {
            let (status, _) = app.request(Method::DELETE, "/v1/faqs/gone", None).await;
            assert!(status.is_success());
        }
        let ended = experiment(&app, id).await;
        assert_eq!(ended.state, "stopped", "{ended:?}");
        let reason = ended.reason.unwrap();
        assert!(reason.contains("edited or deleted"), "{reason}");
    }
    app.stop().await;
}
