//! Lists for editors: filters, pages by key while rows are inserted, and what each list leaves out.

use std::time::Duration;

use ken::app::default_workspace;
use ken_base::domain::{Review, WorkspaceId};
use ken_knowledge::jobs::{UPLOAD, Upload};
use ken_store::queue;
use ken_store::store::{Retried, WorkOutcome};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::cases::{cases_of, submit};
use crate::learning::{faq, put_faq, say};
use crate::support::{TestApp, pointers};

/// The values of a field of a list's entries.
fn field(page: &Value, list: &str, name: &str) -> Vec<String> {
    let entries = page[list].as_array().unwrap_or_else(|| panic!("{page}"));
    let text = |entry: &Value| entry[name].as_str().unwrap().to_owned();
    entries.iter().map(text).collect()
}

/// The values of a field of all pages, and the number of pages. Calls `between` after each page but the last.
async fn walk(
    app: &TestApp,
    path: &str,
    (list, name): (&str, &str),
    mut between: impl AsyncFnMut(usize),
) -> (Vec<String>, usize) {
    let (mut all, mut n_pages, mut after) = (Vec::new(), 0, String::new());
    loop {
        let (status, page) = app.get(&format!("{path}{after}")).await;
        assert_eq!(status, 200, "{path}{after}: {page}");
        all.extend(field(&page, list, name));
        n_pages += 1;
        let Some(next) = page["next"].as_str() else {
            return (all, n_pages);
        };
        let next = next.replace('%', "%25").replace('/', "%2F");
        after = format!("&after={next}");
        between(n_pages).await;
    }
}

/// All entries in pages of this size, without changes in between.
async fn walked(app: &TestApp, path: &str, of: (&str, &str)) -> Vec<String> {
    walk(app, path, of, async |_| {}).await.0
}

/// Asks for each path, and expects 422 with a pointer to the parameter.
async fn assert_refused(app: &TestApp, wrong: &[(&str, &str)]) {
    for (path, pointer) in wrong {
        let (status, problem) = app.get(path).await;
        assert_eq!(status, 422, "{path}: {problem}");
        assert_eq!(pointers(&problem), [*pointer], "{path}");
    }
}

/// The reply to a request in a workspace where nothing was written.
async fn elsewhere(app: &TestApp, path: &str) -> Value {
    let request = app.client.get(format!("{}{path}", app.address));
    let request = request.header("x-ken-workspace", "elsewhere");
    request.send().await.unwrap().json().await.unwrap()
}

async fn put(app: &TestApp, id: &str, body: Value) -> Value {
    let path = format!("/v1/documents/{}", id.replace('/', "%2F"));
    let (status, written) = app.request(Method::PUT, &path, Some(body)).await;
    assert!(status.is_success(), "{written}");
    written
}

/// Articles in folders, a draft and an FAQ; waits until they are searchable.
async fn with_documents() -> TestApp {
    let app = TestApp::start().await;
    let gold = json!({ "text": "# 退貨說明\n\n七天內可退。", "tags": ["退貨", "50%"], "audience": ["tier:gold"] });
    put(&app, "guides/returns", gold).await;
    let mut tagged = json!({ "text": "# 國內運費\n\n滿千免運。", "tags": ["退貨"] });
    tagged["valid_until"] = json!("2031-01-01T00:00:00Z");
    tagged["review_by"] = json!("2030-06-01T00:00:00Z");
    put(&app, "guides/shipping/tw", tagged).await;
    put(
        &app,
        "guides/shipping/us",
        json!({ "text": "# Shipping to the US\n\nTen days." }),
    )
    .await;
    put(
        &app,
        "guides.old",
        json!({ "text": "# 舊版\n\n舊。", "status": "draft" }),
    )
    .await;
    put(
        &app,
        "about",
        json!({ "text": "# About the iPhone_case\n\nText." }),
    )
    .await;
    put(&app, "gone", json!({ "text": "# 退貨舊文\n\n沒了。" })).await;
    let gone = app.request(Method::DELETE, "/v1/documents/gone", None);
    assert_eq!(gone.await.0, 200);
    put_faq(&app, "z-faq", faq("軟體可以退貨嗎？", "已開封的不行。")).await;
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn document_list_filters_by_words_and_fields() {
    let app = with_documents().await;
    for (query, expected) in [
        (
            "",
            "about guides.old guides/returns guides/shipping/tw guides/shipping/us z-faq",
        ),
        ("q=退货", "guides/returns z-faq"),
        ("q=ＩＰＨＯＮＥ", "about"),
        ("q=shipping us", "guides/shipping/us"),
        ("q=us shipping", "guides/shipping/us"),
        ("q=iphone_c", "about"),
        // No wildcards.
        ("q=iphone%25case", ""),
        ("q=i_hone", ""),
        (
            "prefix=guides/",
            "guides/returns guides/shipping/tw guides/shipping/us",
        ),
        ("prefix=Guides/", ""),
        ("kind=faq", "z-faq"),
        ("kind=article&q=退貨", "guides/returns"),
        ("status=draft", "guides.old"),
        ("tag=退貨", "guides/returns guides/shipping/tw"),
        ("tag=50%25", "guides/returns"),
        ("tag=50", ""),
        ("audience=tier:gold", "guides/returns"),
        ("audience=tier:gold&tag=退貨", "guides/returns"),
        ("audience=tier:gold&tag=50%25&q=運費", ""),
        ("tag=退貨&prefix=guides/shipping/", "guides/shipping/tw"),
        ("tag=退貨&after=guides%2Freturns", "guides/shipping/tw"),
        ("tag=退貨&status=draft", ""),
        ("due_before=2030-06-01T00:00:00Z", ""),
        (
            "due_before=2030-06-01T08:00:01%2B08:00",
            "guides/shipping/tw",
        ),
        (
            "due_before=2040-01-01T00:00:00Z&status=published",
            "guides/shipping/tw",
        ),
        ("due_before=2040-01-01T00:00:00Z&tag=50%25", ""),
    ] {
        let (status, page) = app.get(&format!("/v1/documents?{query}")).await;
        assert_eq!(status, 200, "{query}: {page}");
        let ids = field(&page, "documents", "id").join(" ");
        assert_eq!(
            (ids.as_str(), &page["next"]),
            (expected, &Value::Null),
            "{query}"
        );
    }
    let none = elsewhere(&app, "/v1/documents?q=退貨").await;
    assert_eq!(
        (&none["documents"], &none["next"]),
        (&json!([]), &Value::Null)
    );
    assert_refused(
        &app,
        &[
            ("/v1/documents?q=%20", "?q"),
            ("/v1/documents?tag=", "?tag"),
            ("/v1/documents?after=%0A", "?after"),
            ("/v1/documents?after=", "?after"),
            ("/v1/documents?limit=0", "?limit"),
            ("/v1/documents?kind=nothing", "?"),
            ("/v1/documents?due_before=tomorrow", "?"),
        ],
    )
    .await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn document_list_follows_edits_schedules_and_the_index() {
    let app = with_documents().await;
    let listed = async |query: &str| {
        field(
            &app.get(&format!("/v1/documents?{query}")).await.1,
            "documents",
            "id",
        )
    };
    // A new version without the tag and with another title.
    app.put(
        "guides%2Freturns",
        json!({ "text": "# 換貨說明\n\n七天內可換。" }),
    )
    .await;
    assert_eq!(listed("tag=退貨").await, ["guides/shipping/tw"]);
    assert_eq!(listed("audience=tier:gold").await, [""; 0]);
    assert_eq!(listed("q=換貨").await, ["guides/returns"]);
    assert_eq!(listed("q=退貨").await, ["z-faq"]);
    let (_, page) = app.get("/v1/documents?q=換貨").await;
    let document = &page["documents"][0];
    assert_eq!(
        (
            &document["n_chunks"],
            &document["indexed"],
            &document["version"]
        ),
        (&json!(1), &json!(true), &json!(2))
    );
    // An archived document stays in the list with its status; a deleted one leaves it.
    let archived = app.post("/v1/documents/guides%2Freturns:archive", json!({}));
    assert_eq!(archived.await.0, 200);
    assert_eq!(listed("status=archived").await, ["guides/returns"]);
    let deleted = app.request(Method::DELETE, "/v1/documents/guides%2Freturns", None);
    assert_eq!(deleted.await.0, 200);
    assert_eq!(listed("q=換貨").await, [""; 0]);
    // A version that takes over brings its own title and tags.
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_millis(300);
    let next = json!({ "text": "# 免運門檻\n\n滿五百。", "tags": ["運費"], "publish_at": soon.to_string() });
    put(&app, "guides/shipping/tw", next).await;
    assert_eq!(listed("tag=運費").await, [""; 0]);
    let mut promoted = Vec::new();
    for _ in 0..200 {
        promoted = listed("tag=運費").await;
        if !promoted.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(promoted, ["guides/shipping/tw"]);
    assert_eq!(listed("q=門檻").await, ["guides/shipping/tw"]);
    assert_eq!(listed("tag=退貨").await, [""; 0]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_lose_and_repeat_nothing_while_documents_are_inserted() {
    let app = TestApp::start().await;
    let text = json!({ "text": "# 文件\n\n內文。", "tags": ["t"] });
    let ids: Vec<String> = (0..10).map(|n| format!("d/{n:02}")).collect();
    for id in &ids {
        put(&app, id, text.clone()).await;
        let path = format!("/v1/faqs/f{}", &id[2..]);
        let body = Some(faq("問題？", "答案。"));
        assert!(app.request(Method::PUT, &path, body).await.0.is_success());
    }
    let insert = async |n: usize| {
        // One before the pages that were read, and one after all.
        put(&app, &format!("a/{n}"), text.clone()).await;
        put(&app, &format!("d/00.{n}"), text.clone()).await;
    };
    for path in [
        "/v1/documents?prefix=d/&limit=3",
        "/v1/documents?tag=t&limit=3",
        "/v1/documents?q=文件&limit=3",
        "/v1/documents?kind=article&limit=3",
        "/v1/documents:tree?prefix=d/&limit=3",
    ] {
        let (seen, n_pages) = walk(&app, path, ("documents", "id"), insert).await;
        assert!(n_pages >= 4, "{path}: {n_pages}");
        let mut distinct = seen.clone();
        distinct.sort_unstable();
        assert_eq!(distinct, seen, "{path}: in order");
        distinct.dedup();
        assert_eq!(distinct.len(), seen.len(), "{path}: nothing twice");
        assert!(ids.iter().all(|id| seen.contains(id)), "{path}: {seen:?}");
    }
    let insert = async |n: usize| put_faq(&app, &format!("f00.{n}"), faq("新的？", "是。")).await;
    let (seen, _) = walk(&app, "/v1/faqs?limit=3", ("faqs", "id"), insert).await;
    let expected: Vec<String> = (0..10).map(|n| format!("f{n:02}")).collect();
    assert_eq!(seen, expected);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tree_lists_one_level_with_counts() {
    let app = with_documents().await;
    put(&app, "/", json!({ "text": "斜線" })).await;
    let level = async |query: &str| {
        let (status, page) = app.get(&format!("/v1/documents:tree?{query}")).await;
        assert_eq!(status, 200, "{query}: {page}");
        page
    };
    let top = level("").await;
    assert_eq!(
        top["folders"],
        json!([
            { "name": "", "prefix": "/", "n_documents": 1 },
            { "name": "guides", "prefix": "guides/", "n_documents": 3 },
        ])
    );
    assert_eq!(
        field(&top, "documents", "id"),
        ["about", "guides.old", "z-faq"]
    );
    assert_eq!((&top["prefix"], &top["next"]), (&json!(""), &Value::Null));
    let guides = level("prefix=guides/").await;
    assert_eq!(
        guides["folders"],
        json!([{ "name": "shipping", "prefix": "guides/shipping/", "n_documents": 2 }])
    );
    assert_eq!(field(&guides, "documents", "id"), ["guides/returns"]);
    assert_eq!(field(&level("prefix=/").await, "documents", "id"), ["/"]);
    // One entry a page, in the order of the keys.
    let (mut after, mut order) = (String::new(), Vec::new());
    loop {
        let page = level(&format!("limit=1{after}")).await;
        order.extend(field(&page, "folders", "prefix"));
        order.extend(field(&page, "documents", "id"));
        let Some(next) = page["next"].as_str() else {
            break;
        };
        after = format!("&after={}", next.replace('/', "%2F"));
    }
    assert_eq!(order, ["/", "about", "guides.old", "guides/", "z-faq"]);
    assert_eq!(
        elsewhere(&app, "/v1/documents:tree").await["folders"],
        json!([])
    );
    assert_refused(
        &app,
        &[
            ("/v1/documents:tree?prefix=guides", "?prefix"),
            ("/v1/documents:tree?prefix=guides/&after=about", "?after"),
            ("/v1/documents:tree?after=guides%2Freturns", "?after"),
            ("/v1/documents:tree?after=", "?after"),
            ("/v1/documents:tree?limit=201", "?limit"),
        ],
    )
    .await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faq_list_filters_by_text_and_fields() {
    let app = with_documents().await;
    let faqs = [
        (
            "f1",
            json!({ "question": "運費多少？", "variants": ["寄送要錢嗎"], "answers": [{ "text": "一律 NT$80。" }], "tags": ["運費"] }),
        ),
        (
            "f2",
            json!({ "question": "可以海外寄送嗎？", "answer": "可以，見運費表。", "audience": ["tier:gold"], "parent": "f1" }),
        ),
        (
            "f3",
            json!({ "question": "還在寫的？", "answer": "還沒。", "status": "draft", "parent": "f1" }),
        ),
    ];
    for (id, body) in faqs {
        put_faq(&app, id, body).await;
    }
    for (query, expected) in [
        ("", "f1 f2 f3 z-faq"),
        ("q=运费", "f1 f2"),
        ("q=寄送 運費", "f1 f2"),
        ("q=nt$80", "f1"),
        ("q=软件", "z-faq"),
        ("tag=運費", "f1"),
        ("status=draft", "f3"),
        ("status=published&q=寄送", "f1 f2"),
        ("audience=tier:gold", "f2"),
        ("q=退貨說明", ""),
    ] {
        let (status, page) = app.get(&format!("/v1/faqs?{query}")).await;
        assert_eq!(status, 200, "{query}: {page}");
        assert_eq!(field(&page, "faqs", "id").join(" "), expected, "{query}");
    }
    let (_, first) = app.get("/v1/faqs/f1").await;
    assert_eq!(first["follow_ups"], json!(["f2", "f3"]));
    assert_eq!(elsewhere(&app, "/v1/faqs").await["faqs"], json!([]));
    assert_refused(
        &app,
        &[
            ("/v1/faqs?after=%0A", "?after"),
            ("/v1/faqs?q=", "?q"),
            ("/v1/faqs?limit=1001", "?limit"),
        ],
    )
    .await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_are_those_of_the_stored_version() {
    let app = TestApp::start().await;
    let sections: Vec<String> = (0..12)
        .map(|n| format!("## 第 {n} 節\n\n{}", "這一節說明一件事。".repeat(60)))
        .collect();
    let long = json!({ "text": format!("# 手冊\n\n{}", sections.join("\n\n")) });
    app.put("manual", long).await;
    put(&app, "manual", json!({ "text": "# 手冊\n\n很短。" })).await;
    let (_, live) = app.get("/v1/documents/manual/chunks").await;
    assert_eq!(
        (&live["version"], &live["n_chunks"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(live["chunks"][0]["text"], "很短。");

    let path = "/v1/documents/manual/chunks?version=1";
    let (_, whole) = app.get(path).await;
    let chunks = whole["chunks"].as_array().unwrap();
    assert!(chunks.len() >= 12, "{whole}");
    let (_, document) = app.get("/v1/documents/manual?version=1").await;
    let text = document["text"].as_str().unwrap();
    for chunk in chunks {
        let at = |name: &str| chunk[name].as_u64().unwrap() as usize;
        assert_eq!(chunk["text"], text[at("start")..at("end")]);
    }
    assert_eq!(chunks[3]["heading_path"][0], "手冊");
    let paged = walked(&app, &format!("{path}&limit=5"), ("chunks", "text")).await;
    assert_eq!(paged, field(&whole, "chunks", "text"));
    // What was indexed are these chunks.
    let (_, list) = app.get("/v1/documents?prefix=manual").await;
    assert_eq!(list["documents"][0]["n_chunks"], live["n_chunks"]);
    for missing in [
        "/v1/documents/manual/chunks?version=9",
        "/v1/documents/none/chunks",
    ] {
        assert_eq!(app.get(missing).await.0, 404, "{missing}");
    }
    let other = elsewhere(&app, "/v1/documents/manual/chunks").await;
    assert_eq!(other["status"], 404);
    assert_refused(
        &app,
        &[
            ("/v1/documents/manual/chunks?after=x", "?after"),
            ("/v1/documents/manual/chunks?limit=0", "?limit"),
        ],
    )
    .await;
    app.stop().await;
}

/// Uploads files and waits until they are read.
async fn upload(app: &TestApp, files: &[(&str, &str)]) -> Value {
    let mut form = Form::new();
    for (name, text) in files {
        form = form.part(
            "file",
            Part::text((*text).to_owned()).file_name((*name).to_owned()),
        );
    }
    let request = app
        .client
        .post(format!("{}/v1/documents:upload?wait=done", app.address));
    let reply = request.multipart(form).send().await.unwrap();
    let job: Value = reply.json().await.unwrap();
    ended(app, job["id"].as_str().unwrap()).await
}

/// The job once it has ended.
async fn ended(app: &TestApp, id: &str) -> Value {
    for _ in 0..1_200 {
        let (_, job) = app.get(&format!("/v1/jobs/{id}")).await;
        if !job["finished_at"].is_null() {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("job {id} does not end");
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_listed_newest_first_and_items_paged() {
    let app = TestApp::start().await;
    let first = upload(&app, &[("a.md", "# 甲\n\n一。")]).await;
    let second = upload(
        &app,
        &[
            ("b.md", "# 乙\n\n二。"),
            ("c.pdf", "no pdf"),
            ("d.md", "# 丁\n\n四。"),
            ("e.pdf", "no pdf"),
        ],
    )
    .await;
    let id = |job: &Value| job["id"].as_str().unwrap().to_owned();
    let (_, page) = app.get("/v1/jobs").await;
    assert_eq!(field(&page, "jobs", "id"), [id(&second), id(&first)]);
    let newest = &page["jobs"][0];
    assert_eq!(
        (
            &newest["n_items"],
            &newest["n_done"],
            &newest["n_failed"],
            &newest["actor"],
            &newest["kind"]
        ),
        (
            &json!(4),
            &json!(2),
            &json!(2),
            &json!("api"),
            &json!("upload")
        )
    );
    assert!(newest.get("items").is_none(), "{newest}");
    let (_, none) = app.get("/v1/jobs?state=failed").await;
    assert_eq!(none["jobs"], json!([]));
    let (_, done) = app.get("/v1/jobs?state=done&kind=upload").await;
    assert_eq!(field(&done, "jobs", "id").len(), 2);
    // Jobs that are created between the pages are newer than these.
    let store = &app.app.store;
    let insert = async |n: usize| {
        let name = format!("job_new{n}");
        store
            .add_job(&default_workspace(), &name, UPLOAD)
            .await
            .unwrap();
    };
    let (seen, _) = walk(&app, "/v1/jobs?limit=1", ("jobs", "id"), insert).await;
    assert_eq!(seen, [id(&second), id(&first)]);
    // The whole reply is as it was; items can be paged and filtered.
    let path = format!("/v1/jobs/{}", id(&second));
    assert_eq!(
        field(&second, "items", "name"),
        ["b.md", "c.pdf", "d.md", "e.pdf"]
    );
    assert_eq!(second["next"], Value::Null);
    let paged = walked(&app, &format!("{path}?limit=3"), ("items", "name")).await;
    assert_eq!(paged, ["b.md", "c.pdf", "d.md", "e.pdf"]);
    let failed = walked(
        &app,
        &format!("{path}?state=failed&limit=1"),
        ("items", "name"),
    )
    .await;
    assert_eq!(failed, ["c.pdf", "e.pdf"]);
    assert_eq!(elsewhere(&app, "/v1/jobs").await["jobs"], json!([]));
    assert_refused(
        &app,
        &[
            ("/v1/jobs?state=odd", "?state"),
            ("/v1/jobs?kind=odd", "?kind"),
            ("/v1/jobs?after=odd", "?after"),
            ("/v1/jobs?limit=201", "?limit"),
            (&format!("{path}?after=odd"), "?after"),
            (&format!("{path}?state=odd"), "?state"),
        ],
    )
    .await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_upload_is_run_again_from_its_stored_file() {
    let app = TestApp::start().await;
    app.put("w.md", json!({ "text": "# 保固\n\n耳機保固十二個月。" }))
        .await;
    let judged = json!({ "question": "耳機保固多久", "contains": "十二個月" });
    let put = app.request(Method::PUT, "/v1/judged-questions/warranty", Some(judged));
    assert_eq!(put.await.0, 200);
    let job = upload(
        &app,
        &[
            ("w.md", "# 保固\n\n耳機保固三個月。"),
            ("x.md", "# 新\n\n新的。"),
        ],
    )
    .await;
    assert_eq!(
        (&job["n_done"], &job["n_failed"]),
        (&json!(1), &json!(1)),
        "{job}"
    );
    assert_eq!(
        (&job["items"][0]["retriable"], &job["items"][1]["retriable"]),
        (&json!(true), &json!(false))
    );
    let path = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
    let retry = async |query: &str| app.post(&format!("{path}:retry{query}"), json!({})).await;
    // The cause is still there: the item fails again and keeps its file.
    assert_eq!(retry("").await.0, 202);
    let again = ended(&app, job["id"].as_str().unwrap()).await;
    assert_eq!(
        (&again["n_failed"], &again["items"][0]["retriable"]),
        (&json!(1), &json!(true)),
        "{again}"
    );
    assert_eq!(retry("?force=true").await.0, 202);
    let forced = ended(&app, job["id"].as_str().unwrap()).await;
    assert_eq!(
        (&forced["state"], &forced["n_done"]),
        (&json!("done"), &json!(2)),
        "{forced}"
    );
    let (_, live) = app.get("/v1/documents/w.md").await;
    assert!(live["text"].as_str().unwrap().contains("三個月"), "{live}");
    // Nothing is left to run again.
    let (status, problem) = retry("").await;
    assert_eq!(
        (status.as_u16(), &problem["type"]),
        (409, &json!("/problems/conflict"))
    );
    assert_eq!(app.post("/v1/jobs/none:retry", json!({})).await.0, 404);
    assert_eq!(app.post(&path, json!({})).await.0, 404);
    let (_, log) = app.get("/v1/audit?limit=1000").await;
    let retries = log["entries"].as_array().unwrap().iter();
    assert_eq!(
        retries
            .filter(|entry| entry["action"] == "job.retry")
            .count(),
        2
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_failed_items_are_kept_until_they_expire() {
    let app = TestApp::start().await;
    let (store, workspace) = (&app.app.store, default_workspace());
    let job = upload(&app, &[("c.pdf", "no pdf")]).await;
    assert_eq!(
        (&job["state"], &job["items"][0]["retriable"]),
        (&json!("failed"), &json!(true))
    );
    let now = jiff::Timestamp::now();
    let hour = jiff::SignedDuration::from_hours(1);
    assert_eq!(store.forget_failed_files(now - hour).await.unwrap(), 0);
    assert_eq!(store.forget_failed_files(now + hour).await.unwrap(), 1);
    let path = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
    assert_eq!(
        app.get(&path).await.1["items"][0]["retriable"],
        json!(false)
    );
    assert_eq!(app.post(&format!("{path}:retry"), json!({})).await.0, 409);
    // A job whose work is a dead letter is run again by either way; this one replaces the dead letter.
    store.add_job(&workspace, "job_dead", UPLOAD).await.unwrap();
    let bytes = "# 戊\n\n五。".as_bytes();
    store
        .add_job_item(&workspace, "job_dead", 0, "e.md", bytes)
        .await
        .unwrap();
    let upload = Upload {
        job: "job_dead".to_owned(),
        breaking: Default::default(),
    };
    let work = || queue::work(UPLOAD, "job_dead", &upload);
    assert!(
        store
            .enqueue_job(&workspace, "job_dead", work())
            .await
            .unwrap()
    );
    let begun = loop {
        let begun = store.begin_work(UPLOAD, 1, false, "", &[]).await.unwrap();
        if let Some(work) = begun.into_iter().next() {
            break Some(work);
        }
        // The service itself was quicker.
        if ended(&app, "job_dead").await["state"] == "done" {
            break None;
        }
    };
    if let Some(begun) = begun {
        assert_eq!(
            store
                .retry_job(&workspace, "job_dead", work())
                .await
                .unwrap(),
            Retried::NotEnded
        );
        let waiting = ken_store::store::WaitingJob {
            workspace: workspace.as_str().to_owned(),
            id: "job_dead".to_owned(),
        };
        store.fail_job(&waiting, "the disk was full").await.unwrap();
        let dead = [(
            begun.id,
            begun.run,
            WorkOutcome::Dead {
                error: "full".into(),
            },
        )];
        store.finish_work(&dead).await.unwrap();
        let (_, letters) = app.get("/v1/dead-letters").await;
        assert_eq!(letters.as_array().unwrap().len(), 1);
        assert_eq!(app.post("/v1/jobs/job_dead:retry", json!({})).await.0, 202);
        assert_eq!(ended(&app, "job_dead").await["state"], "done");
        assert_eq!(app.get("/v1/dead-letters").await.1, json!([]));
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn listed_questions_equal_the_counts_of_the_summary() {
    let app = TestApp::start().await;
    put_faq(
        &app,
        "wrap",
        faq("禮物包裝要加多少錢？", "禮物包裝每件加收 NT$150。"),
    )
    .await;
    put_faq(
        &app,
        "card",
        faq("可以附卡片嗎？", "可以附手寫卡片，每張 NT$20。"),
    )
    .await;
    let asked = [
        ("禮物包裝要加多少錢？", Some("web"), vec![]),
        (
            "禮物包裝要加多少錢？我是 amy@example.com",
            Some("line"),
            vec![],
        ),
        ("可以附卡片嗎？", Some("web"), vec![]),
        ("可以附卡片嗎？", None, vec!["gift"]),
        ("月球上有幾座機場？", Some("line"), vec!["gift"]),
        ("我要找真人客服", None, vec![]),
        ("你好", Some("web"), vec![]),
    ];
    let mut answers = Vec::new();
    for (question, channel, tags) in &asked {
        let body = json!({ "question": question, "channel": channel, "tags": tags });
        answers.push(app.answer(body).await);
    }
    say(&app, &answers[0], json!({ "helpful": true })).await;
    say(
        &app,
        &answers[2],
        json!({ "helpful": true, "customer_id": "a" }),
    )
    .await;
    say(
        &app,
        &answers[2],
        json!({ "helpful": false, "customer_id": "b" }),
    )
    .await;
    let n_listed = async |query: &str| {
        let path = format!("/v1/questions?limit=2&{query}");
        let ids = walked(&app, &path, ("questions", "answer_id")).await;
        let mut distinct = ids.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), ids.len(), "{query}");
        ids.len()
    };
    let (_, summary) = app.get("/v1/insights/summary").await;
    let total = &summary["total"];
    assert_eq!(n_listed("").await, asked.len());
    for (query, count) in [
        ("", "n"),
        ("outcome=answered", "answered"),
        ("outcome=clarify", "clarified"),
        ("outcome=refused", "refused"),
        ("outcome=handoff", "handed_off"),
        ("rating=liked", "liked"),
        ("rating=disliked", "disliked"),
    ] {
        assert_eq!(
            json!(n_listed(query).await),
            total[count],
            "{query}: {total}"
        );
    }
    assert!(total["liked"] == 1 && total["disliked"] == 1, "{total}");
    for by in ["channel", "tag", "reason", "intent"] {
        let (_, summary) = app.get(&format!("/v1/insights/summary?by={by}")).await;
        let groups = summary["groups"].as_object().unwrap();
        assert!(!groups.is_empty(), "{by}: {summary}");
        for (name, counts) in groups {
            let name = name
                .replace('%', "%25")
                .replace('&', "%26")
                .replace('#', "%23");
            let query = format!("{by}={name}");
            assert_eq!(
                json!(n_listed(&query).await),
                counts["n"],
                "{query}: {summary}"
            );
            let query = format!("{query}&outcome=answered");
            assert_eq!(json!(n_listed(&query).await), counts["answered"], "{query}");
        }
    }
    let (_, usage) = app.get("/v1/insights/knowledge").await;
    for document in usage["documents"].as_array().unwrap() {
        let id = document["document_id"].as_str().unwrap();
        let query = format!("document_id={id}");
        assert_eq!(json!(n_listed(&query).await), document["cited"], "{query}");
        let query = format!("{query}&rating=disliked");
        assert_eq!(
            json!(n_listed(&query).await),
            document["disliked"],
            "{query}"
        );
    }
    // Newest first, with what a row shows, and without personal data.
    let (_, page) = app.get("/v1/questions").await;
    let questions = page["questions"].as_array().unwrap();
    assert_eq!(questions[0]["question"], "你好");
    assert_eq!(questions[0]["answer_id"], json!(answers[6].id));
    let liked = &questions[6];
    assert_eq!(
        (&liked["channel"], &liked["rating"], &liked["outcome"]),
        (&json!("web"), &json!("liked"), &json!("answered"))
    );
    assert!((liked["confidence"].as_f64().unwrap() - answers[0].confidence).abs() < 1e-6);
    assert!(!page.to_string().contains("amy@example.com"), "{page}");
    assert_eq!(
        elsewhere(&app, "/v1/questions").await["questions"],
        json!([])
    );
    assert_refused(
        &app,
        &[
            ("/v1/questions?reason=odd", "?reason"),
            ("/v1/questions?after=odd", "?after"),
            ("/v1/questions?limit=201", "?limit"),
            (
                "/v1/questions?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
                "?from",
            ),
            ("/v1/questions?outcome=odd", "?"),
        ],
    )
    .await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn question_pages_are_stable_and_deletion_removes_rows() {
    let app = TestApp::start().await;
    let ask = async |n: usize| {
        let body = json!({ "question": format!("你好 {n}"), "conversation_id": format!("c{n}") });
        app.answer(body).await.id
    };
    let mut ids = Vec::new();
    for n in 0..7 {
        ids.push(ask(n).await);
    }
    ids.reverse();
    let insert = async |n: usize| {
        ask(100 + n).await;
    };
    let (seen, _) = walk(
        &app,
        "/v1/questions?limit=2",
        ("questions", "answer_id"),
        insert,
    )
    .await;
    assert_eq!(seen, ids);
    // What a person has deleted is in no list.
    assert_eq!(
        app.request(Method::DELETE, "/v1/conversations/c3", None)
            .await
            .0,
        200
    );
    let left = walked(&app, "/v1/questions?limit=200", ("questions", "answer_id")).await;
    assert!(
        !left.contains(&ids[3]) && left.contains(&ids[2]),
        "{left:?}"
    );
    // A workspace goes with its rows.
    let deleted = app
        .app
        .store
        .delete_workspace(&default_workspace())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(deleted.remaining, 0);
    assert!(deleted.rows["answer_facts"] > 0, "{deleted:?}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_lists_are_paged_as_they_are_ordered() {
    let app = TestApp::start().await;
    let (store, workspace) = (&app.app.store, default_workspace());
    for n in 0..5 {
        let review = Review {
            id: format!("rev_{n}"),
            kind: "conflict".into(),
            document_ids: vec!["a".into(), "b".into()],
            detail: String::new(),
        };
        store.open_review(&workspace, &review).await.unwrap();
        let judged = json!({ "question": "退款要幾天？", "outcome": "answered" });
        let path = format!("/v1/judged-questions/q{n}");
        assert_eq!(app.request(Method::PUT, &path, Some(judged)).await.0, 200);
        put_faq_forced(
            &app,
            &format!("f{n}"),
            &format!("第 {n} 種禮物包裝要多少錢？"),
            n,
        )
        .await;
        let answer = app.ask(&format!("第 {n} 種禮物包裝要多少錢？")).await;
        say(&app, &answer, json!({ "helpful": n % 2 == 0 })).await;
        app.ask(
            [
                "月球有機場嗎",
                "怎麼種番茄",
                "誰發明了電話",
                "今天下雨嗎",
                "鯨魚吃什麼",
            ][n],
        )
        .await;
        let key = format!("k{n}");
        let work = queue::work("nothing", &key, &n);
        store.enqueue(&workspace, &[work]).await.unwrap();
    }
    let begun = store
        .begin_work("nothing", 5, false, "", &[])
        .await
        .unwrap();
    for work in begun {
        let dead = [(work.id, work.run, WorkOutcome::Dead { error: "x".into() })];
        store.finish_work(&dead).await.unwrap();
    }
    let mut cases = cases_of("need-34");
    cases.extend(cases_of("need-35"));
    submit(&app, &cases).await;
    for (path, list, name) in [
        ("/v1/judged-questions?", "questions", "id"),
        ("/v1/reviews?", "reviews", "id"),
        ("/v1/feedback?", "feedback", "id"),
        ("/v1/insights/gaps?", "gaps", "id"),
        ("/v1/insights/knowledge?", "documents", "document_id"),
        ("/v1/drafts?class=all&", "drafts", "id"),
    ] {
        let whole = app.get(path).await.1;
        let expected = field(&whole, list, name);
        assert_eq!(whole["next"], Value::Null, "{path}");
        assert!(expected.len() >= 2, "{path}: {whole}");
        let paged = walked(&app, &format!("{path}limit=1"), (list, name)).await;
        assert_eq!(paged, expected, "{path}");
        assert_eq!(elsewhere(&app, path).await[list], json!([]), "{path}");
        let after = if list == "questions" { "" } else { "odd" };
        assert_refused(
            &app,
            &[
                (&format!("{path}after={after}"), "?after"),
                (&format!("{path}limit=0"), "?limit"),
            ],
        )
        .await;
    }
    // Dead letters are a list; each has the cursor behind it.
    let (_, all) = app.get("/v1/dead-letters").await;
    let cursors = all.as_array().unwrap().iter();
    let cursors: Vec<&str> = cursors
        .map(|letter| letter["cursor"].as_str().unwrap())
        .collect();
    assert_eq!(cursors.len(), 5);
    let (_, rest) = app
        .get(&format!("/v1/dead-letters?limit=2&after={}", cursors[1]))
        .await;
    assert_eq!(rest, json!(all.as_array().unwrap()[2..4]));
    assert_refused(&app, &[("/v1/dead-letters?after=odd", "?after")]).await;
    let other = WorkspaceId::parse("elsewhere").unwrap();
    assert!(
        store
            .dead_letters(&other, None, 10)
            .await
            .unwrap()
            .is_empty()
    );
    app.stop().await;
}

async fn put_faq_forced(app: &TestApp, id: &str, question: &str, n: usize) {
    let path = format!("/v1/faqs/{id}?wait=indexed&force=true");
    let body = faq(question, &format!("第 {n} 種每件加收 NT${}0。", n + 1));
    let (status, written) = app.request(Method::PUT, &path, Some(body)).await;
    assert!(status.is_success(), "{written}");
}
