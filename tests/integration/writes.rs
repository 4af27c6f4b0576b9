//! Two editors at once: conditional writes, and what writes leave in the audit log.

use std::time::{Duration, Instant};

use ken::app::default_workspace;
use ken_store::store::{AuditFilter, Scope};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::{Job, TestApp, pointers, read};

impl TestApp {
    /// Sends a request with a header.
    async fn send_with(
        &self,
        method: Method,
        path: &str,
        (name, value): (&'static str, &str),
        body: Option<Value>,
    ) -> Response {
        let request = self
            .client
            .request(method, format!("{}{path}", self.address));
        let request = request.header(name, value);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        request.send().await.unwrap()
    }

    /// The status and body of a request on condition of a version.
    async fn if_match(
        &self,
        method: Method,
        path: &str,
        tag: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let response = self.send_with(method, path, ("if-match", tag), body).await;
        (response.status().as_u16(), response.json().await.unwrap())
    }
}

/// A text with a number.
fn text(n: usize) -> Value {
    json!({ "text": format!("# 退貨\n\n{n} 天內可以退貨。") })
}

fn faq(n: usize) -> Value {
    json!({ "question": "幾天內可以退貨？", "answer": format!("{n} 天內可以退貨。") })
}

/// Asserts a 412 that names this version, and returns the problem.
fn assert_mismatch((status, problem): (u16, Value), version: Option<i64>) -> Value {
    assert_eq!(status, 412, "{problem}");
    assert_eq!(problem["type"], "/problems/version-mismatch");
    assert_eq!(problem["current"]["version"], json!(version), "{problem}");
    problem
}

#[tokio::test(flavor = "multi_thread")]
async fn read_sends_version_as_etag() {
    let app = TestApp::start().await;
    app.put("d", text(7)).await;
    app.put("d", text(8)).await;
    let put = app.request(Method::PUT, "/v1/faqs/f", Some(faq(7))).await;
    assert_eq!(put.0, 201);
    for (path, tag) in [
        ("/v1/documents/d", "\"2\""),
        ("/v1/documents/d?version=1", "\"1\""),
        ("/v1/faqs/f", "\"1\""),
    ] {
        let url = format!("{}{path}", app.address);
        let read = app.client.get(url).send().await.unwrap();
        assert_eq!(read.headers()["etag"], tag, "{path}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn write_expecting_other_version_is_refused() {
    let app = TestApp::start().await;
    for (path, body) in [
        ("/v1/documents/d", text as fn(usize) -> Value),
        ("/v1/faqs/f", faq),
    ] {
        let put = async |n, tag: &str| app.if_match(Method::PUT, path, tag, Some(body(n))).await;
        // Nobody has written it yet.
        let problem = assert_mismatch(put(1, "\"1\"").await, None);
        assert_eq!(problem["current"]["changed_by"], Value::Null);
        assert_mismatch(put(1, "*").await, None);
        let response = app
            .send_with(Method::PUT, path, ("if-none-match", "*"), Some(body(1)))
            .await;
        assert_eq!(response.status(), 201);
        let response = app
            .send_with(Method::PUT, path, ("if-none-match", "*"), Some(body(2)))
            .await;
        let status = response.status().as_u16();
        assert_mismatch((status, response.json().await.unwrap()), Some(1));

        assert_eq!(put(2, "\"1\"").await.0, 200);
        let revision = app.app.store.revision(&default_workspace()).await.unwrap();
        let problem = assert_mismatch(put(3, "\"1\"").await, Some(2));
        let current = &problem["current"];
        assert_eq!(current["document_id"], &path[path.len() - 1..]);
        assert_eq!(current["changed_by"], "api");
        let at: jiff::Timestamp = current["changed_at"].as_str().unwrap().parse().unwrap();
        assert!(at <= jiff::Timestamp::now(), "{at}");
        assert_mismatch(put(3, "W/\"2\"").await, Some(2));
        assert_mismatch(
            app.if_match(Method::DELETE, path, "\"1\"", None).await,
            Some(2),
        );
        let after = app.app.store.revision(&default_workspace()).await.unwrap();
        assert_eq!(after, revision, "nothing was written");

        assert_eq!(put(3, "\"1\", \"2\"").await.0, 200);
        assert_eq!(put(4, "*").await.0, 200);
        let deleted = app.if_match(Method::DELETE, path, "\"4\"", None).await;
        assert_eq!(deleted.0, 200, "{}", deleted.1);
        // Also a deleted document is another version, for a write and for a second deletion.
        let problem = assert_mismatch(put(5, "\"4\"").await, None);
        assert_eq!(problem["current"]["changed_by"], "api");
        assert_mismatch(
            app.if_match(Method::DELETE, path, "\"4\"", None).await,
            None,
        );
        let (status, problem) = put(5, "4").await;
        assert_eq!((status, pointers(&problem)), (422, vec!["If-Match"]));
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn action_expecting_other_version_is_refused() {
    let app = TestApp::start().await;
    app.put("d", text(7)).await;
    app.put("d", text(8)).await;
    let act = async |action: &str, tag: &str| {
        let path = format!("/v1/documents/d:{action}");
        let body = json!({ "version": 1 });
        app.if_match(Method::POST, &path, tag, Some(body)).await
    };
    for action in ["publish", "archive", "restore"] {
        assert_mismatch(act(action, "\"1\"").await, Some(2));
    }
    let (_, document) = app.get("/v1/documents/d").await;
    assert_eq!(
        (&document["version"], &document["status"]),
        (&json!(2), &json!("published"))
    );
    for (action, tag) in [
        ("archive", "\"2\""),
        ("restore", "\"2\""),
        ("archive", "\"3\""),
    ] {
        let (status, reply) = act(action, tag).await;
        assert_eq!(status, 200, "{action}: {reply}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_writers_with_same_version_wins() {
    const WRITERS: usize = 16;
    let app = TestApp::start().await;
    app.put("d", text(0)).await;
    for round in 1..=3 {
        let tag = format!("\"{round}\"");
        let writers = (0..WRITERS).map(|n| {
            let (client, tag) = (app.client.clone(), tag.clone());
            let url = format!("{}/v1/documents/d", app.address);
            let put = client.put(url).header("if-match", tag);
            tokio::spawn(put.json(&text(round as usize * 100 + n)).send())
        });
        let writers: Vec<_> = writers.collect();
        let mut statuses = Vec::new();
        let mut won = Value::Null;
        for writer in writers {
            let response = writer.await.unwrap().unwrap();
            statuses.push(response.status().as_u16());
            let reply: Value = response.json().await.unwrap();
            match statuses.last() {
                Some(200) => won = reply,
                _ => assert_eq!(reply["current"]["version"], round + 1, "{reply}"),
            }
        }
        statuses.sort_unstable();
        let mut expected = vec![412; WRITERS];
        expected[0] = 200;
        assert_eq!(statuses, expected);
        assert_eq!(won["version"], round + 1);
    }
    app.stop().await;
}

/// Waits for the end of a job.
async fn ended(app: &TestApp, id: &str) -> Job {
    let start = Instant::now();
    loop {
        let (_, job) = app.get(&format!("/v1/jobs/{id}")).await;
        let job: Job = read(job);
        if job.finished_at.is_some() {
            return job;
        }
        assert!(start.elapsed() < Duration::from_secs(120), "{job:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn job_expecting_other_version_writes_nothing() {
    const PATH: &str = "/v1/documents/d?background=true";
    let app = TestApp::start().await;
    app.put("d", text(7)).await;
    assert_mismatch(
        app.if_match(Method::PUT, PATH, "\"2\"", Some(text(8)))
            .await,
        Some(1),
    );
    // Of writers whose jobs run later, one wins as well.
    let mut jobs = Vec::new();
    for n in 10..14 {
        let (status, job) = app
            .if_match(Method::PUT, PATH, "\"1\"", Some(text(n)))
            .await;
        match status {
            202 => jobs.push(read::<Job>(job).id),
            _ => drop(assert_mismatch((status, job), Some(2))),
        }
    }
    let mut n_done = 0;
    for job in &jobs {
        n_done += ended(&app, job).await.n_done;
    }
    assert_eq!(n_done, 1);
    let (_, document) = app.get("/v1/documents/d").await;
    assert_eq!(document["version"], 2);
    app.stop().await;
}

/// The actions in the audit log, oldest first.
async fn actions(app: &TestApp) -> Vec<String> {
    let workspace = default_workspace();
    let (scope, all) = (Scope::Workspace(&workspace), AuditFilter::default());
    let log = app.app.store.audit_log(scope, &all, None, 1_000);
    let log = log.await.unwrap().into_iter().rev();
    log.map(|entry| entry.action).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn archiving_archived_document_changes_nothing() {
    let app = TestApp::start().await;
    app.put("d", text(7)).await;
    let archive = async || {
        let (status, written) = app.post("/v1/documents/d:archive", json!({})).await;
        assert_eq!(status, 200, "{written}");
        let effect = written["effect"].as_str().unwrap().to_owned();
        (effect, written["revision"].as_i64().unwrap())
    };
    assert_eq!(archive().await, ("archived".to_owned(), 2));
    assert_eq!(archive().await, ("unchanged".to_owned(), 2));
    assert_eq!(actions(&app).await, ["document.put", "document.archive"]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_schedule_is_audited() {
    let app = TestApp::start().await;
    app.put("d", text(7)).await;
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let mut next = text(8);
    next["publish_at"] = json!(at);
    app.put("d", next).await;
    app.put("d", text(9)).await;
    let expected = [
        "document.put",
        "document.schedule",
        "document.unschedule",
        "document.put",
    ];
    assert_eq!(actions(&app).await, expected);
    let workspace = default_workspace();
    let (scope, all) = (Scope::Workspace(&workspace), AuditFilter::default());
    let log = app.app.store.audit_log(scope, &all, None, 2);
    let cancelled = &log.await.unwrap()[1];
    assert_eq!(cancelled.before["version"], 2);
    let scheduled: jiff::Timestamp = cancelled.before["scheduled_at"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(scheduled.as_millisecond(), at.as_millisecond());
    assert_eq!(cancelled.after["version"], 1);
    app.stop().await;
}
