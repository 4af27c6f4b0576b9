//! Learning from feedback and from unanswered questions, over HTTP: drafts, gaps, insights and tuning.

use std::time::Duration;

use ken::app::default_workspace;
use ken_base::domain::{JudgedQuestion, Outcome};
use reqwest::Method;
use serde_json::{Value, json};

use crate::cases::{audited, cases_of, decide, details_of, submit, the_draft, wait_until};
use crate::support::{Answer, Draft, Effects, TestApp, pointers, read, root, store_in};

pub fn faq(question: &str, answer: &str) -> Value {
    json!({ "question": question, "answer": answer })
}

pub async fn put_faq(app: &TestApp, id: &str, body: Value) {
    let (status, written) = app
        .request(
            Method::PUT,
            &format!("/v1/faqs/{id}?wait=indexed"),
            Some(body),
        )
        .await;
    assert!(status.is_success(), "{written}");
}

pub async fn say(app: &TestApp, answer: &Answer, mut body: Value) -> Effects {
    body["answer_id"] = json!(answer.id);
    let (status, effects) = app.post("/v1/feedback", body).await;
    assert_eq!(status, 200, "{effects}");
    read(effects)
}

pub async fn ask_as(app: &TestApp, customer: &str, question: &str) -> Answer {
    app.answer(json!({ "question": question, "customer_id": customer }))
        .await
}

/// The draft that feedback has created or extended.
async fn draft_of(app: &TestApp, effects: &Effects) -> Draft {
    details_of(app, effects.draft_id.as_ref().unwrap()).await
}

/// Approves the draft of this feedback.
async fn approve(app: &TestApp, effects: &Effects) -> (u16, Value) {
    let id = effects.draft_id.as_ref().unwrap();
    decide(app, id, "approve", json!({})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn disliked_document_is_distrusted_until_edited_or_trusted() {
    let app = TestApp::start().await;
    put_faq(
        &app,
        "wrap",
        faq("禮物包裝要加多少錢？", "禮物包裝每件加收 NT$150。"),
    )
    .await;
    let question = "禮物包裝要加多少錢？";
    for n in 0..5 {
        let answer = ask_as(&app, &format!("c{n}"), question).await;
        assert_eq!(answer.outcome, "answered", "{n}: {answer:?}");
        let no = json!({ "helpful": false, "reason": "wrong" });
        let effects = say(&app, &answer, no.clone()).await;
        assert!(effects.is_new);
        let again = say(&app, &answer, no).await;
        assert!(!again.is_new, "repeated feedback counts once");
        let demoted = effects.distrusted == ["wrap"];
        assert_eq!(demoted, n == 4, "five people, not four: {effects:?}");
    }
    assert_eq!(app.ask(question).await.outcome, "refused");
    let (_, reviews) = app.get("/v1/reviews").await;
    assert_eq!(
        reviews["reviews"][0]["kind"], "failing_evidence",
        "{reviews}"
    );
    let (_, usage) = app.get("/v1/insights/knowledge").await;
    assert_eq!(
        usage["documents"][0]["flags"],
        json!(["disliked", "distrusted"]),
        "{usage}"
    );

    let (status, trusted) = app.post("/v1/documents/wrap:trust", json!({})).await;
    assert_eq!((status.as_u16(), &trusted["trusted"]), (200, &json!(true)));
    assert_eq!(app.ask(question).await.outcome, "answered");
    let answer = ask_as(&app, "c9", question).await;
    let effects = say(&app, &answer, json!({ "helpful": false })).await;
    assert!(
        effects.distrusted.is_empty(),
        "a document trusted by a person stays trusted"
    );
    app.stop().await;
}

/// A wording that belongs to another FAQ is rejected when it is approved.
async fn assert_colliding_wording_is_rejected(app: &TestApp) {
    let answer = app.ask("掃地機回充電座倒灰塵那一聲好大，是幾分貝").await;
    let corrected = json!({ "corrected_document_id": "faq-sweepgo-pet" });
    let effects = say(app, &answer, corrected).await;
    let (status, problem) = approve(app, &effects).await;
    let kind = problem["type"].as_str().unwrap();
    assert_eq!(
        (status, kind.contains("collides")),
        (409, true),
        "{problem}"
    );
    assert!(
        problem.to_string().contains("faq-sweepgo-noise"),
        "{problem}"
    );
}

/// A new wording becomes a variant of the FAQ that the feedback names.
async fn assert_new_wording_becomes_variant(app: &TestApp) {
    let own = "冇電鎖死咗入唔到屋企點算";
    let answer = app.ask(own).await;
    let corrected = json!({ "corrected_document_id": "faq-doormate-nobattery" });
    let effects = say(app, &answer, corrected).await;
    let (status, approved) = approve(app, &effects).await;
    assert_eq!(status, 200, "{approved}");
    let (_, faq) = app.get("/v1/faqs/faq-doormate-nobattery").await;
    assert!(
        faq["variants"].as_array().unwrap().contains(&json!(own)),
        "{faq}"
    );
}

/// A question that an FAQ answers wrongly becomes a negative of it. Returns the answer after that.
async fn assert_irrelevant_answer_becomes_negative(app: &TestApp) -> Answer {
    let question = "禮物附的卡片可以印我們的合照嗎";
    let answer = app.ask(question).await;
    assert_eq!(answer.first_cited(), Some("faq-gift-wrap"), "{answer:?}");
    let irrelevant = json!({ "helpful": false, "reason": "irrelevant" });
    let effects = say(app, &answer, irrelevant).await;
    let (status, approved) = approve(app, &effects).await;
    assert_eq!(
        (status, &approved["draft"]["class"]),
        (200, &json!("negative")),
        "{approved}"
    );
    let answer = app.ask(question).await;
    assert_ne!(answer.first_cited(), Some("faq-gift-wrap"), "{answer:?}");
    answer
}

/// An agent's own answer becomes a case with a draft.
async fn assert_corrected_answer_becomes_case(app: &TestApp, answer: &Answer) {
    let edited = json!({ "corrected_answer": "可以，照片卡片每張 NT$85，請在結帳時上傳照片。", "agent_action": "edited" });
    let effects = say(app, answer, edited).await;
    let (cases, workspace) = (&app.app.cases, default_workspace());
    let distilled = cases.wait_for(&workspace, Duration::from_secs(60)).await;
    assert!(distilled.unwrap());
    let case = effects.case_id.unwrap().replace('/', "%2F");
    let (status, case) = app.get(&format!("/v1/cases/{case}")).await;
    assert_eq!(status, 200, "{case}");
    let draft = details_of(app, case["draft_id"].as_str().unwrap()).await;
    assert!(draft.answer.contains("NT$85"), "{draft:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn feedback_creates_drafts_and_colliding_wording_is_rejected() {
    let app = TestApp::with_shop().await;
    assert_colliding_wording_is_rejected(&app).await;
    assert_new_wording_becomes_variant(&app).await;
    let answer = assert_irrelevant_answer_becomes_negative(&app).await;
    assert_corrected_answer_becomes_case(&app, &answer).await;
    for (body, at) in [
        (json!({ "answer_id": answer.id }), ""),
        (
            json!({ "answer_id": "nobody", "helpful": true }),
            "/answer_id",
        ),
        (json!({ "answer_id": answer.id, "csat": 6 }), "/csat"),
        (
            json!({ "answer_id": answer.id, "corrected_document_id": "nowhere" }),
            "/corrected_document_id",
        ),
    ] {
        let (status, problem) = app.post("/v1/feedback", body).await;
        assert_eq!(
            (status.as_u16(), pointers(&problem)),
            (422, vec![at]),
            "{problem}"
        );
    }
    app.stop().await;
}

/// Similar unanswered questions form one gap; the largest gap comes first, with the draft that would close it.
async fn assert_gaps_are_grouped_and_ranked(app: &TestApp) {
    let (status, found) = app.get("/v1/insights/gaps").await;
    assert_eq!(status, 200);
    let gaps = found["gaps"].as_array().unwrap();
    assert_eq!(
        (&gaps[0]["volume"], &gaps[0]["failures"]),
        (&json!(3), &json!([["refused", 3]])),
        "{found}"
    );
    assert!(gaps[0]["question"].as_str().unwrap().contains("電梯"));
    assert!(
        gaps[0]["closest"]["document_id"].is_string() && gaps[0]["stub"]["question"].is_string(),
        "{found}"
    );
    assert!(
        gaps.iter()
            .any(|gap| gap["failures"] == json!([["disliked", 1]])),
        "{found}"
    );
    assert_gap_is_closed_and_opened(app, &gaps[0]).await;
    submit(app, &cases_of("need-36")).await;
    let (_, found) = app.get("/v1/insights/gaps?limit=1").await;
    let draft = the_draft(app).await;
    assert_eq!(found["gaps"][0]["draft_id"], draft.id, "{found}");
}

/// A closed gap is not listed, also if it is asked in other words; opened again, it is.
async fn assert_gap_is_closed_and_opened(app: &TestApp, gap: &Value) {
    let gaps = async || app.get("/v1/insights/gaps").await.1["gaps"].take();
    let is_listed = async || {
        gaps()
            .await
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["id"] == gap["id"])
    };
    assert_eq!(gap["filled_by"], Value::Null, "nobody wrote an FAQ");
    for reason in ["filled", "out_of_scope"] {
        let body = json!({ "question": gap["question"], "reason": reason });
        let (status, closed) = app.post("/v1/insights/gap-closures", body).await;
        assert_eq!(
            (status.as_u16(), &closed["id"]),
            (200, &gap["id"]),
            "{closed}"
        );
        assert!(!is_listed().await);
        let (_, list) = app.get("/v1/insights/gap-closures").await;
        assert_eq!(list["closures"], json!([closed]), "closing again replaces");
        // It fails again.
        app.ask(gap["question"].as_str().unwrap()).await;
        assert_eq!(is_listed().await, reason == "filled", "{reason}");
    }
    let path = format!("/v1/insights/gap-closures/{}", gap["id"].as_str().unwrap());
    for expected in [200, 404] {
        let (status, _) = app.request(Method::DELETE, &path, None).await;
        assert_eq!(status, expected);
    }
    assert!(is_listed().await);
    let (_, entries) = app.get("/v1/audit?limit=3").await;
    let entries = entries["entries"].as_array().unwrap().iter();
    let actions: Vec<&str> = entries.map(|one| one["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["gap.reopen", "gap.close", "gap.close"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_faq_that_asks_the_same_fills_gap() {
    let app = TestApp::with_shop().await;
    let question = "你們有沒有教室可以租借辦活動？";
    app.ask(question).await;
    let gap = async || app.get("/v1/insights/gaps").await.1["gaps"][0].take();
    let before = gap().await;
    assert_eq!(
        (&before["question"], &before["filled_by"]),
        (&json!(question), &Value::Null),
        "{before}"
    );
    let faq = json!({ "question": question, "answer": "可以，教室每小時租金 500 元。" });
    let path = "/v1/faqs/classroom?wait=indexed";
    let (status, _) = app.request(Method::PUT, path, Some(faq)).await;
    assert_eq!(status, 201);
    let filled = gap().await;
    assert_eq!(filled["filled_by"]["document_id"], "classroom", "{filled}");
    app.stop().await;
}

/// The summary and the usage of documents count two answers on LINE: one liked, one reopened.
async fn assert_insights_count_resolution(app: &TestApp) {
    let (_, summary) = app.get("/v1/insights/summary?by=channel").await;
    let expected = json!({ "n": 2, "resolved": 1, "liked": 1, "disliked": 1, "resolution_rate": 0.5, "csat": 5.0 });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&summary["groups"]["line"][name], value, "{name}: {summary}");
    }
    assert_eq!(
        (&summary["total"]["n"], &summary["total"]["refused"]),
        (&json!(8), &json!(6)),
        "{summary}"
    );
    let (_, knowledge) = app.get("/v1/insights/knowledge").await;
    let all = knowledge["documents"].as_array().unwrap();
    let wrap = all
        .iter()
        .find(|d| d["document_id"] == "faq-gift-wrap")
        .unwrap();
    assert_eq!(
        (&wrap["cited"], &wrap["liked"], &wrap["disliked"]),
        (&json!(2), &json!(1), &json!(1))
    );
    assert!(all.iter().any(|d| d["flags"] == json!(["unused"])));
}

#[tokio::test(flavor = "multi_thread")]
async fn gaps_are_grouped_and_ranked_and_insights_count_resolution() {
    let app = TestApp::with_shop().await;
    for question in [
        "我家住公寓五樓沒電梯，送上來要加錢嗎",
        "沒有電梯的老公寓五樓，送上來要加錢嗎",
        "公寓五樓沒電梯，送上樓要加錢嗎",
    ] {
        let answer = ask_as(&app, question, question).await;
        assert_eq!(answer.outcome, "refused", "{answer:?}");
    }
    app.ask("附近哪裡有好吃的拉麵").await;
    let on_line = json!({ "question": "禮物包裝要加多少錢？", "channel": "line" });
    let good = app.answer(on_line.clone()).await;
    say(&app, &good, json!({ "helpful": true, "csat": 5 })).await;
    let bad = app.answer(on_line).await;
    say(&app, &bad, json!({ "reopened": true })).await;

    assert_gaps_are_grouped_and_ranked(&app).await;
    assert_insights_count_resolution(&app).await;
    for (query, at) in [
        ("summary?by=mood", "?by"),
        ("gaps?days=0", "?days"),
        ("scenes?by=day", "?by"),
        ("summary?from=2030-01-01T00:00:00Z", "?from"),
    ] {
        let (status, problem) = app.get(&format!("/v1/insights/{query}")).await;
        assert_eq!(
            (status.as_u16(), pointers(&problem)),
            (422, vec![at]),
            "{problem}"
        );
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn weak_scene_is_flagged_with_evidence() {
    let app = TestApp::start().await;
    put_faq(
        &app,
        "wrap",
        faq("禮物包裝要加多少錢？", "禮物包裝每件加收 NT$50。"),
    )
    .await;
    for n in 0..24 {
        let (channel, question) = match n % 3 {
            0 => ("phone", format!("第 {n} 位客人想問附近的拉麵店")),
            _ => ("web", "禮物包裝要加多少錢？".to_owned()),
        };
        app.post(
            "/v1/answers",
            json!({ "question": question, "channel": channel }),
        )
        .await;
    }
    let (_, found) = app.get("/v1/insights/scenes").await;
    let scenes = found["scenes"].as_array().unwrap();
    let phone = scenes
        .iter()
        .find(|s| s["scene"] == "channel phone")
        .unwrap();
    assert_eq!(
        (
            &phone["counts"]["n"],
            phone["counts"]["resolution_rate"].as_f64()
        ),
        (&json!(8), Some(0.0)),
        "{found}"
    );
    assert_eq!(phone["evidence"].as_array().unwrap().len(), 5);
    assert!(
        !scenes.iter().any(|s| s["scene"] == "channel web"),
        "{found}"
    );
    app.stop().await;
}

/// Learns settings. Returns the result, from the reply or, if it takes longer, once it is recorded.
async fn learn(app: &TestApp, request: Value) -> Value {
    let (status, reply) = app.post("/v1/tuning/learn", request).await;
    match status.as_u16() {
        200 => reply,
        202 => learned(app).await,
        other => panic!("{other}: {reply}"),
    }
}

/// The result of learning settings. Waits for it; a busy machine needs minutes.
async fn learned(app: &TestApp) -> Value {
    let over = tokio::time::timeout(Duration::from_secs(600), async {
        loop {
            let (_, tuning) = app.get("/v1/tuning").await;
            if tuning["is_learning"] == false {
                return tuning["last_learned"].clone();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    over.await.expect("learning ends within ten minutes")
}

#[tokio::test(flavor = "multi_thread")]
async fn learning_exceeding_timeout_continues_and_is_exclusive() {
    let app = TestApp::start_with(|config| config.http.timeout_ms = 2_000).await;
    app.ingest_shop().await;
    let needs = needs().into_iter();
    let wordings = needs.flat_map(|need| need["wordings"].as_array().unwrap().clone());
    let mut n_judged = 0;
    for (n, wording) in wordings.step_by(6).enumerate() {
        let judged = JudgedQuestion {
            id: format!("q{n}"),
            question: wording.as_str().unwrap().to_owned(),
            audience: Vec::new(),
            channel: None,
            outcome: Some(Outcome::Refused),
            document_id: None,
            contains: None,
            kind: None,
        };
        let (store, workspace) = (&app.app.store, default_workspace());
        let put = store.put_judged_question(&workspace, &judged).await;
        put.unwrap();
        n_judged += 1;
    }
    let (status, reply) = app.post("/v1/tuning/learn", json!({})).await;
    assert_eq!(
        (status.as_u16(), &reply["is_learning"]),
        (202, &json!(true)),
        "{reply}"
    );
    assert_eq!(app.post("/v1/tuning/learn", json!({})).await.0, 409);
    let learned = learned(&app).await;
    assert_eq!(learned["n_labels"], n_judged, "{learned}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_learning_is_reported_until_success() {
    let app = TestApp::start().await;
    put_faq(&app, "hours", faq("幾點開門？", "十點。")).await;
    let judged = json!({ "question": "幾點開門", "document_id": "hours" });
    let (status, reply) = app
        .request(Method::PUT, "/v1/judged-questions/hours", Some(judged))
        .await;
    assert!(status.is_success(), "{reply}");
    let url = store_in(app.folder.path());
    let pool = sqlx::AnyPool::connect(&url).await.unwrap();
    let change = async |to: &'static str| {
        sqlx::query(to).execute(&pool).await.unwrap();
    };

    change("UPDATE judged_questions SET body = '-' || body").await;
    assert_eq!(app.post("/v1/tuning/learn", json!({})).await.0, 500);
    let (_, tuning) = app.get("/v1/tuning").await;
    let error = tuning["last_failed"]["error"].as_str().unwrap();
    assert!(error.contains("judged question"), "{tuning}");
    assert_eq!(
        (&tuning["is_learning"], &tuning["last_learned"]),
        (&json!(false), &Value::Null)
    );

    change("UPDATE judged_questions SET body = SUBSTR(body, 2)").await;
    let learned = learn(&app, json!({})).await;
    assert_eq!(learned["n_labels"], 1, "{learned}");
    let (_, tuning) = app.get("/v1/tuning").await;
    assert_eq!(tuning["last_failed"], Value::Null, "{tuning}");
    let mut actions = audited(&app).await;
    actions.retain(|action| action.starts_with("tuning") || action.starts_with("settings"));
    assert_eq!(
        actions,
        ["tuning.learn", "tuning.learn_failed"],
        "each action once, the newest first"
    );
    pool.close().await;
    app.stop().await;
}

/// The needs of the simulated month.
fn needs() -> Vec<Value> {
    let text = std::fs::read_to_string(root().join("corpus/month/needs.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Asks every second Chinese wording of each need and says whether the answer states the need's fact.
async fn give_feedback_on_needs(app: &TestApp) {
    for need in needs() {
        // The few English ones that are held out are too few for a verdict: it went either way with the processor's kernels.
        let is_chinese = |wording: &&Value| {
            let text = wording.as_str().unwrap();
            text.chars().any(|c| ('一'..='鿿').contains(&c))
        };
        let wordings = need["wordings"].as_array().unwrap().iter().step_by(2);
        for wording in wordings.filter(is_chinese) {
            let answer = app.ask(wording.as_str().unwrap()).await;
            if answer.outcome == "answered" {
                let helpful = answer.text.contains(need["fact"].as_str().unwrap());
                say(app, &answer, json!({ "helpful": helpful })).await;
            }
        }
    }
}

/// The labels from feedback are a judged set that can be loaded.
async fn assert_labels_are_a_judged_set(app: &TestApp) {
    let folder = tempfile::tempdir().unwrap();
    let written = app
        .app
        .learning
        .write_labels(&default_workspace(), folder.path())
        .await
        .unwrap();
    let set = ken::eval::Dataset::load(folder.path()).unwrap();
    let ids: std::collections::HashSet<String> = set
        .sources()
        .unwrap()
        .iter()
        .map(|s| s.id.to_string())
        .collect();
    assert_eq!(
        (set.queries.len(), ids.len()),
        (written.n_questions, written.n_documents)
    );
    let judged = set.qrels.values().flat_map(|of| of.keys());
    let unknown: Vec<&String> = judged.filter(|id| !ids.contains(*id)).collect();
    assert!(unknown.is_empty() && set.qrels.len() > 20, "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn learned_settings_must_win_and_can_be_rolled_back() {
    let app = TestApp::with_shop().await;
    let nothing = learn(&app, json!({})).await;
    assert_eq!(
        (&nothing["candidate"], &nothing["is_live"]),
        (&json!(null), &json!(false)),
        "too few labels"
    );
    assert_eq!(app.post("/v1/tuning/rollback", json!({})).await.0, 409);
    give_feedback_on_needs(&app).await;
    let by_amy = json!({ "reviewer": "amy" });
    let learned = learn(&app, by_amy.clone()).await;
    assert_eq!(learned["is_live"], true, "{learned}");
    let wrong = |of: &Value| of["wrong"].as_u64().unwrap();
    assert!(
        wrong(&learned["held_out_after"]) < wrong(&learned["held_out_before"]),
        "{learned}"
    );
    assert!(learned["p_value"].as_f64().unwrap() <= 0.05, "{learned}");
    let (_, tuning) = app.get("/v1/tuning").await;
    assert_eq!(
        (&tuning["tuning"], &tuning["n_earlier"]),
        (&learned["candidate"], &json!(1))
    );
    let unsure = "請問會員點數與航空哩程之兌換比例為何？";
    let answer = app.ask(unsure).await;
    assert_eq!(answer.outcome, "refused", "{answer:?}");

    let (status, back) = app.post("/v1/tuning/rollback", by_amy).await;
    assert_eq!(
        (status.as_u16(), &back["tuning"]["min_confidence"]),
        (200, &json!(null))
    );
    let actions = audited(&app).await;
    for action in ["tuning.learn", "tuning.put", "tuning.roll_back"] {
        assert!(actions.contains(&action.to_owned()), "{actions:?}");
    }

    // Settings that break a judged question are not applied.
    let answer = app.ask(unsure).await;
    let judged = json!({ "question": unsure, "document_id": answer.first_cited().unwrap() });
    let put = app.request(Method::PUT, "/v1/judged-questions/miles", Some(judged));
    assert!(put.await.0.is_success());
    let learned = learn(&app, json!({})).await;
    assert_eq!(learned["is_live"], false, "{learned}");
    assert_eq!(learned["lost"], json!([unsure]), "{learned}");
    assert_labels_are_a_judged_set(&app).await;
    app.stop().await;
}

/// The ten wordings of each of 48 needs, in an order that mixes them.
#[tokio::test(flavor = "multi_thread")]
async fn question_grouping_by_need_meets_floors() {
    let app = TestApp::start().await;
    let needs = needs();
    let mut asked: Vec<(usize, String)> = Vec::new();
    for wording in 0..10 {
        for (need, about) in needs.iter().enumerate() {
            asked.push((
                need,
                about["wordings"][wording].as_str().unwrap().to_owned(),
            ));
        }
    }
    let texts: Vec<String> = asked.iter().map(|(_, text)| text.clone()).collect();
    let vectors = app
        .app
        .learning
        .vectors
        .of_questions(&default_workspace(), &texts)
        .await
        .unwrap();
    let groups = ken_learn::learn::gaps::grouped(&vectors, ken_learn::learn::gaps::SAME_NEED);
    let mut together: Vec<usize> = groups.concat();
    together.sort_unstable();
    assert_eq!(together, (0..asked.len()).collect::<Vec<_>>(), "each once");
    let largest = |members: &Vec<usize>| {
        let mut counts = std::collections::HashMap::new();
        for at in members {
            *counts.entry(asked[*at].0).or_insert(0) += 1;
        }
        counts.into_values().max().unwrap_or(0)
    };
    let purity = groups.iter().map(largest).sum::<usize>() as f64 / asked.len() as f64;
    let per_need = groups.len() as f64 / needs.len() as f64;
    assert!(purity >= 0.9 && per_need <= 4.0, "{purity} {per_need}");
    app.stop().await;
}

/// A service with an FAQ on gift wrapping.
async fn with_gift_wrap_faq() -> TestApp {
    let app = TestApp::start().await;
    let wrap = faq("禮物包裝要加多少錢？", "禮物包裝每件加收 NT$50。");
    put_faq(&app, "wrap", wrap).await;
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn feedback_counts_once_per_person_for_auto_publish() {
    let app = with_gift_wrap_faq().await;
    let rules =
        json!({ "learning": { "auto_publish": [{ "class": "variant", "min_sources": 2 }] } });
    app.request(Method::PUT, "/v1/settings", Some(rules)).await;
    let answer = ask_as(&app, "amy", "包靚啲要俾幾多錢").await;
    for comment in ["x", "y"] {
        let corrected = json!({ "corrected_document_id": "wrap", "comment": comment });
        let draft = draft_of(&app, &say(&app, &answer, corrected).await).await;
        assert_eq!(
            (draft.state.as_str(), draft.demand),
            ("open", 1),
            "{draft:?}"
        );
    }
    let by_ben = json!({ "corrected_document_id": "wrap", "customer_id": "ben" });
    let draft = draft_of(&app, &say(&app, &answer, by_ben).await).await;
    assert_eq!(
        draft.state, "published",
        "two people count as two sources: {draft:?}"
    );
    // The new version is searchable a moment later.
    wait_until(async || app.ask("禮物包裝要加多少錢？").await.outcome == "answered").await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn last_feedback_value_of_a_person_wins() {
    let app = with_gift_wrap_faq().await;
    let answer = ask_as(&app, "amy", "包靚啲要俾幾多錢").await;
    for (helpful, is_new) in [(true, true), (false, true), (false, false), (true, true)] {
        let effects = say(&app, &answer, json!({ "helpful": helpful })).await;
        assert_eq!(effects.is_new, is_new, "{helpful}");
    }
    let (_, recorded) = app.get("/v1/feedback?limit=1").await;
    assert_eq!(recorded["feedback"][0]["helpful"], true);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn draft_that_no_longer_fits_its_faq_is_rejected() {
    let app = with_gift_wrap_faq().await;
    // The question of an FAQ cannot become a negative of the same FAQ.
    let own = ask_as(&app, "amy", "禮物包裝要加多少錢？").await;
    assert_eq!(own.outcome, "answered", "{own:?}");
    let irrelevant = json!({ "helpful": false, "reason": "irrelevant" });
    let effects = say(&app, &own, irrelevant).await;
    let (status, problem) = approve(&app, &effects).await;
    assert_eq!(
        (status, pointers(&problem)),
        (422, vec!["/question"]),
        "{problem}"
    );
    // A variant of a deleted FAQ cannot be published.
    let other = ask_as(&app, "amy", "送禮要包裝").await;
    let effects = say(&app, &other, json!({ "corrected_document_id": "wrap" })).await;
    let deleted = app.request(Method::DELETE, "/v1/faqs/wrap", None).await;
    assert!(deleted.0.is_success());
    let (status, problem) = approve(&app, &effects).await;
    assert_eq!(
        (status, pointers(&problem)),
        (422, vec!["/document_id"]),
        "{problem}"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_workspace_accepts_feedback_and_early_period() {
    let app = TestApp::start().await;
    let post = async |path: &str, body: Value| {
        let request = app.client.post(format!("{}{path}", app.address));
        let request = request.header("x-ken-workspace", "empty").json(&body);
        request.send().await.unwrap()
    };
    let asked = post("/v1/answers", json!({ "question": "有人嗎" })).await;
    let asked: Answer = read(asked.json().await.unwrap());
    let feedback = json!({ "answer_id": asked.id, "helpful": false });
    assert_eq!(post("/v1/feedback", feedback).await.status(), 200);
    let (status, _) = app
        .get("/v1/insights/summary?to=-009999-01-03T00:00:00Z")
        .await;
    assert_eq!(status, 200);
    app.stop().await;
}
