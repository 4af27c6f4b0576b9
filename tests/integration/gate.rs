//! The publishing gate: every way to change knowledge is stopped if it breaks a judged question.

use std::time::{Duration, Instant};

use ken::app::default_workspace;
use ken_base::domain::{DocumentId, JudgedQuestion, Metadata, Outcome, Source};
use ken_ingest::ingest::{FileFormat, parse_article};
use ken_knowledge::editing::files;
use ken_knowledge::editing::gate::{Breaking, ChangeTerms, GateError};
use ken_knowledge::jobs::{ChangeJob, Changes};
use ken_store::queue::{Handler, WorkProgress};
use ken_store::store::{UnmetCondition, Write, WriteConditions};
use reqwest::{Method, StatusCode, multipart};
use serde_json::{Value, json};

use crate::support::{Job, TestApp, read};

/// A service whose judged question is answered by the document `w`.
async fn guarded() -> TestApp {
    let app = TestApp::start().await;
    app.put("w.md", json!({ "text": "# 保固\n\n耳機保固十二個月。" }))
        .await;
    let judged = json!({ "question": "耳機保固多久", "contains": "十二個月" });
    let put = app.request(Method::PUT, "/v1/judged-questions/warranty", Some(judged));
    assert_eq!(put.await.0, 200);
    app
}

/// A text that breaks the judged question.
const SHORTER: &str = "# 保固\n\n耳機保固六個月。";
const UNRELATED: &str = "# 運費\n\n滿千免運費。";

async fn text_of(app: &TestApp, id: &str) -> Option<String> {
    let (status, document) = app.get(&format!("/v1/documents/{id}")).await;
    (status == 200).then(|| document["text"].as_str().unwrap().to_owned())
}

/// Waits for the end of a job.
async fn ended(app: &TestApp, id: &str) -> Job {
    let start = Instant::now();
    loop {
        let (status, job) = app.get(&format!("/v1/jobs/{id}")).await;
        assert_eq!(status, 200, "{job}");
        let job: Job = read(job);
        if job.finished_at.is_some() {
            return job;
        }
        assert!(start.elapsed() < Duration::from_secs(120), "{job:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn upload_breaking_judged_question_keeps_other_files() {
    let app = guarded().await;
    let upload = async |query: &str| -> Job {
        let part = |name: &str, text: &'static str| {
            multipart::Part::bytes(text.as_bytes()).file_name(name.to_owned())
        };
        let form = multipart::Form::new()
            .part("a", part("w.md", SHORTER))
            .part("b", part("fee.md", UNRELATED));
        let url = format!("{}/v1/documents:upload?wait=done{query}", app.address);
        let sent = app.client.post(url).multipart(form).send().await.unwrap();
        sent.json().await.unwrap()
    };
    let job = upload("").await;
    assert_eq!((job.n_done, job.n_failed), (1, 1), "{job:?}");
    let reason = &job.items[0].detail;
    assert!(
        reason.contains("耳機保固多久") && reason.contains("force"),
        "{reason}"
    );
    assert!(text_of(&app, "w.md").await.unwrap().contains("十二個月"));
    assert!(text_of(&app, "fee.md").await.is_some());

    let job = upload("&force=true").await;
    assert_eq!(job.n_done, 2, "{job:?}");
    assert!(text_of(&app, "w.md").await.unwrap().contains("六個月"));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ingest_breaking_judged_question_keeps_other_files() {
    let app = guarded().await;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("kb");
    std::fs::create_dir(&root).unwrap();
    let write = |name: &str, text: &str| std::fs::write(root.join(name), text).unwrap();
    for n in 0..5 {
        write(
            &format!("{n}.md"),
            &format!("# 門市 {n}\n\n門市 {n} 在 {n} 樓。"),
        );
    }
    write("more.md", "---\nid: w.md\n---\n# 保固\n\n耳機保固六個月。");
    let (workspace, paths) = (default_workspace(), [root.clone()]);
    let ingest = async |breaking: Breaking| {
        let options = files::IngestOptions {
            breaking,
            ..files::IngestOptions::default()
        };
        let ingester = app.app.ingester();
        let report = files::ingest(ingester, &workspace, &paths, options, |_, _| {});
        report.await.unwrap()
    };
    let report = ingest(Breaking::Refused).await;
    assert_eq!((report.added, report.failed.len()), (5, 1), "{report:?}");
    assert_eq!(report.failed[0].path, "w.md");
    assert!(report.failed[0].reason.contains("耳機保固多久"));
    assert!(text_of(&app, "w.md").await.unwrap().contains("十二個月"));

    let again = ingest(Breaking::Refused).await;
    assert_eq!(
        (again.unchanged, again.failed.len()),
        (5, 1),
        "the failed file is tried again"
    );
    let forced = ingest(Breaking::Allowed).await;
    assert_eq!((forced.changed, forced.failed.len()), (1, 0), "{forced:?}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file_with_rejected_document_is_read_again() {
    let app = guarded().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("faqs.csv");
    let rows =
        "id,question,answer\nw.md,耳機保固多久,耳機保固六個月。\nfee,運費多少,滿千免運費。\n";
    std::fs::write(&file, rows).unwrap();
    let (workspace, paths) = (default_workspace(), [file]);
    let ingest = async |breaking: Breaking| {
        let options = files::IngestOptions {
            breaking,
            ..files::IngestOptions::default()
        };
        let ingester = app.app.ingester();
        let report = files::ingest(ingester, &workspace, &paths, options, |_, _| {});
        let report = report.await.unwrap();
        (
            report.added,
            report.changed,
            report.unchanged,
            report.failed.len(),
        )
    };
    assert_eq!(ingest(Breaking::Refused).await, (1, 0, 0, 1));
    assert_eq!(ingest(Breaking::Refused).await, (0, 0, 1, 1));
    assert_eq!(ingest(Breaking::Allowed).await, (0, 1, 1, 0));
    assert!(text_of(&app, "w.md").await.unwrap().contains("六個月"));
    assert_eq!(ingest(Breaking::Refused).await, (0, 0, 2, 0));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn change_with_outdated_base_is_rejected() {
    let app = TestApp::start().await;
    let store = &app.app.store;
    let workspace = default_workspace();
    let id = DocumentId::parse("w.md").unwrap();
    app.put("w.md", json!({ "text": "# 保固\n\n耳機保固十二個月。" }))
        .await;
    let old = store.source(&workspace, &id, 1).await.unwrap().unwrap();
    let mut new = old.clone();
    new.content_hash = "other".to_owned();
    let schedule = Write::Schedule {
        source: Box::new(old.clone()),
        at: jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1),
    };
    let others = [
        schedule,
        Write::Archive(id.clone()),
        Write::put(old),
        Write::Delete(id.clone()),
    ];
    for other in others {
        let base = store.base(&workspace, [&id]).await.unwrap();
        let change = format!("{other:?}");
        app.app
            .gate
            .apply(&workspace, vec![other], Breaking::Refused)
            .await
            .unwrap();
        let before = store.revision(&workspace).await.unwrap();
        let terms = WriteConditions {
            base: Some(&base),
            ..WriteConditions::default()
        };
        let writes = vec![Write::put(new.clone())];
        let made = store.record_if(&workspace, writes, terms).await.unwrap();
        assert_eq!(
            made,
            Err(UnmetCondition::Changed(id.clone())),
            "after {change}"
        );
        assert_eq!(store.revision(&workspace).await.unwrap(), before);
    }
    // The same for a document that did not exist before.
    let id = DocumentId::parse("later").unwrap();
    let base = store.base(&workspace, [&id]).await.unwrap();
    app.put("later", json!({ "text": "# 新\n\n本店新開。" }))
        .await;
    let terms = WriteConditions {
        base: Some(&base),
        ..WriteConditions::default()
    };
    let writes = vec![Write::Delete(id.clone())];
    let made = store.record_if(&workspace, writes, terms).await.unwrap();
    assert_eq!(made, Err(UnmetCondition::Changed(id)));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batch_is_judged_at_each_time_it_takes_effect() {
    let app = guarded().await;
    let id = DocumentId::parse("w.md").unwrap();
    let workspace = default_workspace();
    let store = &app.app.store;
    let right = store.source(&workspace, &id, 1).await.unwrap().unwrap();
    let wrong = parse_article(id, Metadata::default(), SHORTER, FileFormat::Markdown).unwrap();
    let later = |source: &Source| Write::Schedule {
        source: Box::new(source.clone()),
        at: jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1),
    };
    for (writes, when) in [
        (vec![Write::put(wrong.clone()), later(&right)], "now"),
        (vec![Write::put(right.clone()), later(&wrong)], "later"),
    ] {
        let applied = app.app.gate.apply(&workspace, writes, Breaking::Refused);
        let Err(GateError::WouldBreak(refused)) = applied.await else {
            panic!("the change that breaks {when} passed");
        };
        assert_eq!(refused.broken.len(), 1, "{when}");
    }
    assert!(text_of(&app, "w.md").await.unwrap().contains("十二個月"));
    // The second schedule cancels the first, so the wrong version never goes live.
    let writes = vec![later(&wrong), later(&right)];
    let applied = app.app.gate.apply(&workspace, writes, Breaking::Refused);
    assert_eq!(applied.await.unwrap().len(), 2);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn winner_breaking_judged_question_is_not_promoted() {
    let app = TestApp::start().await;
    let faq = json!({ "question": "禮物包裝要加多少錢？", "answer": "禮物包裝每件加收五十元。" });
    let put = app.request(Method::PUT, "/v1/faqs/wrap?wait=indexed", Some(faq));
    assert_eq!(put.await.0, 201);
    let judged = json!({ "question": "禮物包裝要加多少錢？", "contains": "五十元" });
    let put = app.request(Method::PUT, "/v1/judged-questions/wrap", Some(judged));
    assert_eq!(put.await.0, 200);
    let plan = json!({ "id": "e", "faq_id": "wrap", "arms": [{ "name": "live" }, { "name": "vague", "answer": "禮物包裝加收少許費用。" }] });
    let (status, begun) = app.post("/v1/experiments", plan).await;
    assert_eq!(
        status, 200,
        "starting an experiment does not change the answers to judged questions: {begun}"
    );

    let store = &app.app.store;
    let workspace = default_workspace();
    let mut experiment = store
        .experiments(&workspace, false)
        .await
        .unwrap()
        .remove(0);
    experiment.state = ken_base::domain::ExperimentState::Decided;
    experiment.winner = Some(1);
    store.put_experiment(&workspace, &experiment).await.unwrap();
    let (status, refused) = app.post("/v1/experiments/e:promote", json!({})).await;
    assert_eq!(status, 409, "{refused}");
    assert_eq!(refused["type"], "/problems/breaks-judged-questions");
    let answer = app.ask("禮物包裝要加多少錢？").await;
    assert_eq!(answer.text, "禮物包裝每件加收五十元。");

    // A promotion interrupted by the end of the process is checked again and its refusal is reported.
    experiment.to_promote = true;
    store.put_experiment(&workspace, &experiment).await.unwrap();
    let (_, standing) = app.get("/v1/experiments").await;
    let standing = &standing["experiments"][0];
    assert_eq!(standing["state"], "decided", "{standing}");
    let reason = standing["reason"].as_str().unwrap();
    assert!(reason.contains("would break"), "{reason}");
    assert!(
        standing.get("to_promote").is_none(),
        "the decision is left to a person"
    );
    let (status, _) = app
        .request(Method::DELETE, "/v1/judged-questions/wrap", None)
        .await;
    assert!(status.is_success());
    store.put_experiment(&workspace, &experiment).await.unwrap();
    let (_, standing) = app.get("/v1/experiments").await;
    assert_eq!(
        standing["experiments"][0]["state"], "promoted",
        "{standing}"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn background_change_is_checked_and_applied_by_job() {
    let app = guarded().await;
    let put = async |id: &str, text: &str, query: &str| {
        let path = format!("/v1/documents/{id}?background=true{query}");
        let body = json!({ "text": text });
        let (status, job) = app.request(Method::PUT, &path, Some(body)).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{job}");
        let job: Job = read(job);
        assert_eq!(job.kind, "change");
        ended(&app, &job.id).await
    };
    let job = put("fee", UNRELATED, "").await;
    assert_eq!((job.state.as_str(), job.n_done), ("done", 1));
    assert!(text_of(&app, "fee").await.is_some());

    let job = put("w.md", SHORTER, "").await;
    assert_eq!((job.state.as_str(), job.n_failed), ("failed", 1));
    let reason = &job.items[0].detail;
    assert!(reason.contains("耳機保固多久"), "{reason}");
    assert!(text_of(&app, "w.md").await.unwrap().contains("十二個月"));

    let job = put("w.md", SHORTER, "&force=true").await;
    assert_eq!(job.n_done, 1, "{job:?}");
    assert!(text_of(&app, "w.md").await.unwrap().contains("六個月"));

    // A second run, as after a crash before the queue recorded the end, changes nothing.
    let before = app.app.store.revision(&default_workspace()).await.unwrap();
    let changes = Changes::new(app.app.store.clone(), app.app.gate.clone());
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let again = ChangeJob { job: job.id };
    let ran = changes.run(default_workspace(), again, stopped).await;
    assert_eq!(ran, Ok(WorkProgress::Done));
    let after = app.app.store.revision(&default_workspace()).await.unwrap();
    assert_eq!(after, before);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn background_import_reports_rows() {
    let app = guarded().await;
    let rows = "id,question,answer\nfee,運費多少,滿千免運費。\n";
    let part = multipart::Part::bytes(rows.as_bytes()).file_name("faqs.csv");
    let url = format!("{}/v1/faqs:import?background=true", app.address);
    let form = multipart::Form::new().part("file", part);
    let sent = app.client.post(url).multipart(form).send().await.unwrap();
    assert_eq!(sent.status(), 202);
    let body: Value = sent.json().await.unwrap();
    assert_eq!(body["report"]["rows"][0]["id"], "fee", "{body}");
    assert_eq!(body["report"]["applied"], false);
    let job = ended(&app, body["id"].as_str().unwrap()).await;
    let detail = &job.items[0].detail;
    assert!(detail.starts_with("1 written, 0 unchanged"), "{detail}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn background_change_of_modified_document_is_rejected() {
    let app = guarded().await;
    let store = &app.app.store;
    let workspace = default_workspace();
    let (_, document) = app.get("/v1/documents/w.md").await;
    let version = document["version"].as_i64().unwrap();
    let mut source = store
        .source(&workspace, &DocumentId::parse("w.md").unwrap(), version)
        .await
        .unwrap()
        .unwrap();
    source.text = source.text.replace("耳機", "全部耳機");
    source.content_hash = "other".to_owned();
    // The queue is stopped, so the job starts after the other change.
    app.app.queue.stop().await;
    let base = store.base(&workspace, [&source.id]).await.unwrap();
    let writes = vec![Write::put(source)];
    let terms = ChangeTerms::default().or_base(base);
    let job = Changes::enqueue(store, &workspace, writes, Breaking::Refused, terms).await;
    app.put(
        "w.md",
        json!({ "text": "# 保固\n\n耳機保固十二個月，憑發票。" }),
    )
    .await;
    let folder = app.stop().await;
    let app = TestApp::start_in(folder, |_| {}).await;
    let job = ended(&app, &job.unwrap()).await;
    assert_eq!(job.n_failed, 1, "{job:?}");
    let detail = &job.items[0].detail;
    assert!(detail.contains("was changed concurrently"), "{detail}");
    assert!(text_of(&app, "w.md").await.unwrap().contains("憑發票"));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn check_exceeding_request_timeout_becomes_job() {
    let app = TestApp::start_with(|config| config.http.timeout_ms = 3_000).await;
    let workspace = default_workspace();
    for i in 0..400 {
        let judged = JudgedQuestion {
            id: format!("q{i}"),
            question: format!("耳機保固多久，第 {i} 次問"),
            outcome: Some(Outcome::Answered),
            ..JudgedQuestion::default()
        };
        let put = app.app.store.put_judged_question(&workspace, &judged);
        put.await.unwrap();
    }
    let body = json!({ "text": "# 保固\n\n耳機保固六個月。" });
    let (status, job) = app
        .request(Method::PUT, "/v1/documents/w", Some(body))
        .await;
    assert_eq!(
        status,
        StatusCode::ACCEPTED,
        "400 questions, each asked twice, take longer than a second: {job}"
    );
    let job: Job = read(job);
    assert_eq!(job.kind, "change");
    let folder = app.stop().await;
    let app = TestApp::start_in(folder, |_| {}).await;
    let (_, waiting) = app.get(&format!("/v1/jobs/{}", job.id)).await;
    let waiting: Job = read(waiting);
    assert_eq!(
        (&waiting.finished_at, waiting.items[0].state.as_str()),
        (&None, "waiting"),
        "the shutdown does not wait for the check: {waiting:?}"
    );
    let job = ended(&app, &job.id).await;
    assert_eq!((job.state.as_str(), job.n_done), ("done", 1));
    assert!(text_of(&app, "w").await.is_some());
    app.stop().await;
}
