//! Several tenants on one service: each tenant receives the same replies as on a service of its own.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use ken_store::store::{AuditFilter, Scope};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestApp, store_in};

/// One thing that a tenant does.
#[derive(Clone)]
struct Operation {
    method: Method,
    path: String,
    body: Option<Value>,
    idempotency_key: Option<&'static str>,
}

/// A word that stands in nothing but one tenant's data.
fn mark(tenant: &str, n: u32) -> String {
    format!("qx{tenant}mark{n}")
}

/// What a tenant does, drawn from a seed. Tenants use the same ids, the same words, the same conversations and the same keys
/// of idempotency, besides words of their own.
fn operations(tenant: &str, seed: u64, n: usize) -> Vec<Operation> {
    let mut random = fastrand::Rng::with_seed(seed);
    let topics = ["退貨", "運費", "維修", "保固", "會員"];
    // What was never written to has no indexes for a moment.
    let mut drawn = vec![Operation {
        method: Method::PUT,
        path: "/v1/documents/d0?wait=indexed".into(),
        body: Some(json!({ "text": format!("# 關於我們\n\n{}", mark(tenant, 99)) })),
        idempotency_key: None,
    }];
    let draw = |random: &mut fastrand::Rng| {
        let topic = topics[random.usize(..topics.len())];
        let id = random.u32(..6);
        let own = mark(tenant, random.u32(..40));
        let days = random.u32(3..60);
        let request = |method: Method, path: String, body: Option<Value>| Operation {
            method,
            path,
            body,
            idempotency_key: None,
        };
        let question =
            json!({ "question": format!("{topic}要幾天？ {own}"), "conversation_id": "c1" });
        match random.u32(..34) {
            0..5 => {
                let text = format!("# {topic}說明\n\n{topic}需要 {days} 天，憑 {own} 辦理。\n");
                request(
                    Method::PUT,
                    format!("/v1/documents/d{id}?wait=indexed"),
                    Some(json!({ "text": text })),
                )
            }
            5..8 => {
                let faq = json!({
                    "question": format!("{topic}要幾天？"), "variants": [format!("{own} 多久")],
                    "answers": [{ "text": format!("{topic}要 {days} 天，代號 {own}。") }],
                });
                request(
                    Method::PUT,
                    format!("/v1/faqs/f{id}?wait=indexed"),
                    Some(faq),
                )
            }
            8 => request(
                Method::DELETE,
                format!("/v1/documents/d{id}?wait=indexed"),
                None,
            ),
            9 => request(Method::GET, "/v1/documents".into(), None),
            10 => request(Method::GET, format!("/v1/documents/d{id}"), None),
            11 => {
                let body = json!({ "question": format!("{topic} {own}"), "explain": true, "explain_document": format!("d{id}") });
                request(Method::POST, "/v1/search".into(), Some(body))
            }
            12 => {
                let groups = json!({ "groups": [[topic, own]] });
                request(Method::PUT, "/v1/synonyms".into(), Some(groups))
            }
            13 => {
                let level = ["strict", "lenient", "balanced"][random.usize(..3)];
                request(
                    Method::PUT,
                    "/v1/settings".into(),
                    Some(json!({ "level": level })),
                )
            }
            14 => request(Method::GET, "/v1/faqs".into(), None),
            15 => Operation {
                idempotency_key: Some(["k1", "k2"][random.usize(..2)]),
                ..request(Method::POST, "/v1/answers".into(), Some(question))
            },
            16 => request(Method::GET, "/v1/conversations/c1".into(), None),
            17 => request(Method::GET, "/v1/audit".into(), None),
            18 => request(Method::GET, "/v1/session".into(), None),
            19 => {
                let list = ["/v1/documents:tree", "/v1/jobs", "/v1/questions"];
                let list = list[random.usize(..3)].to_owned();
                request(Method::GET, list, None)
            }
            20 => {
                let part = ["chunks", "source"][random.usize(..2)];
                let path = format!("/v1/documents/d{id}/{part}");
                request(Method::GET, path, None)
            }
            21 => {
                let path = format!("/v1/documents?kind=article&q={own}");
                request(Method::GET, path, None)
            }
            22 => {
                let bulk = json!({ "ids": [format!("f{id}")], "set": { "tags_add": [own] } });
                request(Method::POST, "/v1/faqs:bulk".into(), Some(bulk))
            }
            23 => request(Method::GET, "/v1/imports".into(), None),
            24 => {
                let judged = json!({ "question": format!("{topic}要幾天？"), "contains": own });
                request(
                    Method::PUT,
                    format!("/v1/judged-questions/j{id}"),
                    Some(judged),
                )
            }
            25 => request(Method::GET, "/v1/judged-runs".into(), None),
            26 => {
                let closed =
                    json!({ "question": format!("{topic}可以刻字嗎？"), "reason": "filled" });
                request(
                    Method::POST,
                    "/v1/insights/gap-closures".into(),
                    Some(closed),
                )
            }
            27 => request(Method::GET, "/v1/insights/gap-closures".into(), None),
            28 => {
                let message =
                    json!({ "role": "user", "content": format!("{topic}要幾天？ {own}") });
                let body = json!({ "model": "ken", "messages": [message], "user": "c2" });
                request(Method::POST, "/v1/chat/completions".into(), Some(body))
            }
            29 => {
                let body = json!({ "model": "ken-embedding", "input": format!("{topic} {own}") });
                request(Method::POST, "/v1/embeddings".into(), Some(body))
            }
            30 => {
                let path = ["/v1/models", "/v1/models/ken"][random.usize(..2)];
                request(Method::GET, path.into(), None)
            }
            31 => {
                // One's own knowledge, or that of another tenant, which is refused.
                let of = ["aa", "bb", "cc", tenant][random.usize(..4)];
                let body = json!({ "knowledge_id": of, "query": format!("{topic} {own}") });
                request(Method::POST, "/dify/retrieval".into(), Some(body))
            }
            _ => request(Method::POST, "/v1/answers".into(), Some(question)),
        }
    };
    for _ in 0..n {
        drawn.push(draw(&mut random));
    }
    let case = json!({ "id": "case-1", "outcome": "resolved", "turns": [
        { "role": "customer", "text": format!("我是 amy.{tenant}@example.com，{}可以寄到海外嗎？", mark(tenant, 0)) },
        { "role": "agent", "text": "可以寄到海外，運費 NT$850，約 7 個工作天送達。" },
    ] });
    for (method, path, body) in [
        (Method::POST, "/v1/cases?wait=distilled", Some(case)),
        (Method::GET, "/v1/drafts", None),
        (Method::GET, "/v1/insights/gaps", None),
        (Method::GET, "/v1/insights/summary", None),
    ] {
        drawn.push(Operation {
            method,
            path: path.into(),
            body,
            idempotency_key: None,
        });
    }
    drawn
}

struct Tenants {
    app: TestApp,
    operator: String,
    admins: Vec<(String, String)>,
}

impl Tenants {
    async fn start(names: &[&str]) -> Self {
        let app = TestApp::start().await;
        let (_, made) = app
            .post("/v1/keys", json!({ "role": "operator", "name": "root" }))
            .await;
        let mut this = Self {
            app,
            operator: made["key"].as_str().unwrap().to_owned(),
            admins: Vec::new(),
        };
        for name in names {
            let key = this.admin_of(name).await;
            this.admins.push(((*name).to_owned(), key));
        }
        this
    }

    async fn admin_of(&self, name: &str) -> String {
        let request = self
            .app
            .client
            .post(format!("{}/v1/keys", self.app.address))
            .header("x-ken-workspace", name)
            .json(&json!({ "role": "admin", "name": "admin" }));
        let made: Value = request
            .bearer_auth(&self.operator)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        made["key"].as_str().unwrap().to_owned()
    }

    async fn run(&self, key: &str, operation: &Operation) -> (u16, Value) {
        let address = format!("{}{}", self.app.address, operation.path);
        let mut request = self
            .app
            .client
            .request(operation.method.clone(), address)
            .bearer_auth(key);
        if let Some(body) = &operation.body {
            request = request.json(body);
        }
        if let Some(key) = operation.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap())
    }
}

/// The reply without volatile fields: times and random ids.
fn lasting(reply: &Value) -> Value {
    const OF_THE_MOMENT: [&str; 18] = [
        "timings_ms",
        "request_id",
        "closed_at",
        "closed_by",
        "created",
        "created_at",
        "updated_at",
        "at",
        "hash",
        "actor",
        "from",
        "to",
        "id",
        "answer_id",
        "subject",
        "draft",
        "content_hash",
        "import_id",
    ];
    match reply {
        Value::Object(fields) => {
            let lasting_ones = fields
                .iter()
                .filter(|(name, _)| !OF_THE_MOMENT.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), lasting(value)));
            Value::Object(lasting_ones.collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(lasting).collect()),
        Value::Number(number) if number.is_f64() => {
            // What is encoded in another batch differs in the last bits.
            json!((number.as_f64().unwrap() * 1e3).round() / 1e3)
        }
        other => other.clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tenant_operations_are_isolated_from_other_tenants() {
    let names = ["aa", "bb", "cc"];
    for seed in [11, 12] {
        let sequences: Vec<Vec<Operation>> = (0..)
            .zip(names)
            .map(|(n, name)| operations(name, seed * 10 + n, 45))
            .collect();
        let together = Tenants::start(&names).await;
        let mut replies: Vec<Vec<(u16, Value)>> = vec![Vec::new(); names.len()];
        let mut random = fastrand::Rng::with_seed(seed);
        while let Some(whose) = {
            let waiting = (0..names.len()).filter(|n| replies[*n].len() < sequences[*n].len());
            random.choice(waiting.collect::<Vec<_>>())
        } {
            let operation = &sequences[whose][replies[whose].len()];
            let (status, answer) = together.run(&together.admins[whose].1, operation).await;
            let text = answer.to_string();
            for other in names.iter().filter(|other| **other != names[whose]) {
                assert!(
                    !text.contains(&format!("qx{other}mark")),
                    "{}: {text}",
                    operation.path
                );
            }
            if operation.path.contains("cases") {
                assert_eq!(status, 200, "{answer}");
            }
            replies[whose].push((status, answer));
        }
        assert!(
            replies
                .iter()
                .flatten()
                .filter(|(status, _)| *status < 300)
                .count()
                > 100,
            "most operations succeed"
        );
        // The one in the middle, alone on a service of its own.
        let alone = Tenants::start(&names[1..2]).await;
        for (operation, (status, before)) in sequences[1].iter().zip(&replies[1]) {
            let (now, reply) = alone.run(&alone.admins[0].1, operation).await;
            assert_eq!(
                (now, lasting(&reply)),
                (*status, lasting(before)),
                "{} {}",
                operation.method,
                operation.path
            );
        }
        alone.app.stop().await;
        deleted_without_a_trace(together, &sequences).await;
    }
}

/// No file contains data of a deleted tenant, the other tenants lose nothing, and the name can be used again from the start.
async fn deleted_without_a_trace(tenants: Tenants, sequences: &[Vec<Operation>]) {
    let ask = |tenant: &str| Operation {
        method: Method::POST,
        path: "/v1/search".into(),
        body: Some(
            json!({ "question": format!("運費要幾天 {}", mark(tenant, 1)), "explain": true }),
        ),
        idempotency_key: None,
    };
    let of_aa = tenants.run(&tenants.admins[0].1, &ask("aa")).await;
    let delete = |key: String, name: &str| {
        let address = format!("{}/v1/workspaces/{name}", tenants.app.address);
        tenants.app.client.delete(address).bearer_auth(key).send()
    };
    let refused = delete(tenants.admins[1].1.clone(), "bb").await.unwrap();
    assert_eq!(
        refused.status(),
        403,
        "an admin cannot delete a workspace, not even its own"
    );
    // Files that are read while the workspace goes do not bring it back.
    let form = reqwest::multipart::Form::new().part(
        "file",
        reqwest::multipart::Part::text(format!("# 上傳\n\n{}", mark("bb", 39).repeat(500)))
            .file_name("late.md"),
    );
    let upload = tenants
        .app
        .client
        .post(format!("{}/v1/documents:upload", tenants.app.address))
        .bearer_auth(&tenants.admins[1].1)
        .multipart(form);
    assert!(upload.send().await.unwrap().status().is_success());
    let gone = delete(tenants.operator.clone(), "bb").await.unwrap();
    let gone: Value = gone.json().await.unwrap();
    assert_eq!(gone["remaining"], 0, "{gone}");
    for table in [
        "documents",
        "answers",
        "vectors",
        "api_keys",
        "audit_log",
        "vault",
        "cases",
    ] {
        assert!(gone["rows"][table].as_i64() > Some(0), "{table}: {gone}");
    }
    let again = delete(tenants.operator.clone(), "bb").await.unwrap();
    assert_eq!(again.status(), 404);
    let own = tenants.run(&tenants.admins[1].1, &ask("bb")).await;
    assert_eq!(own.0, 401, "the keys of a deleted workspace are invalid");
    let again = tenants.run(&tenants.admins[0].1, &ask("aa")).await;
    assert_eq!(
        lasting(&of_aa.1),
        lasting(&again.1),
        "other tenants are unchanged"
    );
    // A new workspace of the same name starts at the first revision without the old data.
    let key = tenants.admin_of("bb").await;
    let (_, found) = tenants.run(&key, &ask("bb")).await;
    assert_eq!(found["hits"].as_array().unwrap().len(), 0, "{found}");
    let put = sequences[1]
        .iter()
        .find(|operation| operation.method == Method::PUT && operation.path.contains("documents"));
    let (status, put) = tenants.run(&key, put.unwrap()).await;
    assert_eq!(
        (status, &put["revision"], &put["indexed"]),
        (201, &json!(1), &json!(true)),
        "{put}"
    );
    let (_, found) = tenants.run(&key, &ask("bb")).await;
    assert_eq!(found["hits"].as_array().unwrap().len(), 1, "{found}");
    let gone = delete(tenants.operator.clone(), "bb").await.unwrap();
    assert_eq!(gone.status(), 200);
    let log = tenants
        .app
        .app
        .store
        .audit_log(Scope::Service, &AuditFilter::default(), None, 10)
        .await
        .unwrap();
    assert_eq!(log[0].action, "workspace.delete");
    assert!(log[0].actor.starts_with("root ("), "{log:?}");
    // The folder as it is while the service runs, and after it.
    let clean = |folder: &Path| {
        let mut with_marks = Vec::new();
        with_text(folder, "qxbbmark", &mut with_marks);
        with_text(folder, "amy.bb@", &mut with_marks);
        assert_eq!(with_marks, [] as [std::path::PathBuf; 0]);
        assert!(!folder.join("indexes/bb").exists());
    };
    let until_read = async {
        while tenants.app.app.store.n_waiting().await.unwrap().0 > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    until_read.await;
    clean(tenants.app.folder.path());
    let mut others = Vec::new();
    with_text(tenants.app.folder.path(), "qxaamark", &mut others);
    // In a database there are no files of it to look at.
    let has_files = crate::postgres::chosen().is_none();
    assert_eq!(
        !others.is_empty(),
        has_files,
        "the search for traces can find them"
    );
    let folder = tenants.app.stop().await;
    clean(folder.path());
}

/// The files in a folder that contain a text.
fn with_text(folder: &Path, text: &str, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            with_text(&path, text, found);
        } else if let Ok(bytes) = std::fs::read(&path)
            && bytes
                .windows(text.len())
                .any(|window| window == text.as_bytes())
        {
            found.push(path);
        }
    }
}

impl Tenants {
    /// The reply to an operation of the first tenant that has to succeed.
    async fn change(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let operation = Operation {
            method,
            path: path.into(),
            body,
            idempotency_key: None,
        };
        let (status, reply) = self.run(&self.admins[0].1, &operation).await;
        assert!(status < 300, "{path}: {reply}");
        reply
    }

    /// The audit log of the first tenant, newest line first.
    async fn audit_log(&self) -> Vec<Value> {
        let log = self.change(Method::GET, "/v1/audit?limit=1000", None).await;
        log["entries"].as_array().unwrap().clone()
    }
}

/// A tenant `aa` with changes of a document, synonyms, settings and a judged question, and two requests that change nothing.
async fn with_audited_changes() -> Tenants {
    let tenants = Tenants::start(&["aa"]).await;
    let text = |days: u32| json!({ "text": format!("# 退貨\n\n{days} 天內可以退貨。"), "tags": [format!("t{days}")] });
    let groups = json!({ "groups": [["退貨", "退換"]] });
    let judged = json!({ "question": "幾天內可以退？", "outcome": "answered" });
    let judged_path = "/v1/judged-questions/q1";
    for (method, path, body) in [
        (Method::PUT, "/v1/documents/returns", Some(text(7))),
        (Method::PUT, "/v1/documents/returns", Some(text(7))),
        (Method::PUT, "/v1/documents/returns", Some(text(30))),
        (Method::DELETE, "/v1/documents/returns", None),
        (Method::PUT, "/v1/synonyms", Some(groups)),
        (
            Method::PUT,
            "/v1/settings",
            Some(json!({ "level": "strict" })),
        ),
        (Method::PUT, "/v1/settings", Some(json!({ "level": null }))),
        (Method::PUT, judged_path, Some(judged)),
        (Method::DELETE, judged_path, None),
    ] {
        tenants.change(method, path, body).await;
    }
    let none = Operation {
        method: Method::DELETE,
        path: "/v1/conversations/none".into(),
        body: None,
        idempotency_key: None,
    };
    assert_eq!(tenants.run(&tenants.admins[0].1, &none).await.0, 404);
    tenants
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_log_records_each_change_with_its_values() {
    let tenants = with_audited_changes().await;
    let lines = tenants.audit_log().await;
    let actions: Vec<&str> = lines
        .iter()
        .rev()
        .map(|line| line["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        actions,
        [
            "key.create",
            "document.put",
            "document.put",
            "document.delete",
            "synonyms.put",
            "settings.put",
            "settings.put",
            "judged-question.put",
            "judged-question.delete",
        ],
        "requests that change nothing are not recorded"
    );
    let line = |n: usize| &lines[lines.len() - n];
    assert!(line(1)["actor"].as_str().unwrap().starts_with("root ("));
    assert!(line(2)["actor"].as_str().unwrap().starts_with("admin ("));
    assert_eq!(line(3)["before"]["version"], 1);
    assert_eq!(line(3)["before"]["metadata"]["tags"], json!(["t7"]));
    assert_eq!(line(3)["after"]["metadata"]["tags"], json!(["t30"]));
    assert_eq!(
        line(3)["after"]["metadata"].get("title"),
        None,
        "unchanged fields are omitted"
    );
    assert_eq!(line(5)["before"], Value::Null);
    assert_eq!(line(5)["after"], json!([["退貨", "退換"]]));
    assert_eq!(
        (&line(7)["before"], &line(7)["after"]),
        (&json!("strict"), &Value::Null)
    );
    tenants.app.stop().await;
}

/// Compared with the whole log, filtered here.
#[tokio::test(flavor = "multi_thread")]
async fn audit_log_filters_equal_filtered_whole_log() {
    let tenants = with_audited_changes().await;
    let lines = tenants.audit_log().await;
    let middle = lines[lines.len() / 2]["at"].as_str().unwrap().to_owned();
    let has = |line: &Value, field: &str, part: &str| {
        let text = line[field].as_str().unwrap().to_lowercase();
        text.contains(&part.to_lowercase())
    };
    let since = |line: &Value| line["at"].as_str().unwrap().parse::<Timestamp>().unwrap();
    let at: Timestamp = middle.parse().unwrap();
    type Fits<'a> = &'a dyn Fn(&Value) -> bool;
    let all: [(&str, Fits<'_>); 8] = [
        ("action=document.", &|line| has(line, "action", "document.")),
        ("action=PUT", &|line| has(line, "action", "put")),
        ("action=d%25p", &|_| false),
        ("actor=Admin", &|line| has(line, "actor", "admin")),
        ("subject=nothing-of-this-name", &|_| false),
        ("actor=admin&action=synonyms", &|line| {
            has(line, "actor", "admin") && has(line, "action", "synonyms")
        }),
        ("from", &|line| since(line) >= at),
        ("to", &|line| since(line) < at),
    ];
    let mut n_found = 0;
    for (query, fits) in all {
        let query = match query {
            "from" | "to" => format!("{query}={middle}"),
            query => query.to_owned(),
        };
        let path = format!("/v1/audit?limit=1000&{query}");
        let found = tenants.change(Method::GET, &path, None).await;
        let expected: Vec<&Value> = lines.iter().filter(|line| fits(line)).collect();
        let found: Vec<&Value> = found["entries"].as_array().unwrap().iter().collect();
        assert_eq!(found, expected, "{query}");
        n_found += found.len();
    }
    assert!(n_found > lines.len(), "{n_found}");
    let path = format!("{}/v1/audit?actor=%20&from=now", tenants.app.address);
    let wrong = tenants
        .app
        .client
        .get(path)
        .bearer_auth(&tenants.admins[0].1);
    assert_eq!(wrong.send().await.unwrap().status(), 422);
    tenants.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_log_pages_and_export_equal_whole_log() {
    let tenants = with_audited_changes().await;
    let lines = tenants.audit_log().await;
    let first = tenants.change(Method::GET, "/v1/audit?limit=4", None).await;
    let last = first["entries"][3]["number"].as_i64().unwrap();
    let path = format!("/v1/audit?limit=100&before={last}");
    let second = tenants.change(Method::GET, &path, None).await;
    let paged = [&first, &second].map(|page| page["entries"].as_array().unwrap().clone());
    assert_eq!(paged.concat(), lines);
    let export = tenants
        .app
        .client
        .get(format!("{}/v1/audit:export", tenants.app.address))
        .bearer_auth(&tenants.admins[0].1);
    let export = export.send().await.unwrap().text().await.unwrap();
    let exported: Vec<Value> = export
        .lines()
        .rev()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(exported, lines);
    tenants.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_log_line_altered_in_database_is_detected() {
    let tenants = with_audited_changes().await;
    let folder = tenants.app.stop().await;
    let url = store_in(folder.path());
    let faults = async || {
        let store = ken_store::store::Store::open(&url).await.unwrap();
        let workspace = ken_base::domain::WorkspaceId::parse("aa").unwrap();
        let faults = store
            .audit_faults(ken_store::store::Scope::Workspace(&workspace))
            .await
            .unwrap();
        store.close().await;
        faults.join("; ")
    };
    assert_eq!(faults().await, "");
    let pool = sqlx::AnyPool::connect(&url).await.unwrap();
    for (alter, restore, expected) in [
        (
            "UPDATE audit_log SET actor = 'nobody' WHERE scope = 'aa' AND number = 3",
            "UPDATE audit_log SET actor = (SELECT actor FROM audit_log WHERE scope = 'aa' AND number = 2) WHERE scope = 'aa' AND number = 3",
            "audit log: line 3 was altered",
        ),
        (
            "UPDATE audit_log SET number = 90 WHERE scope = 'aa' AND number = 9",
            "UPDATE audit_log SET number = 9 WHERE scope = 'aa' AND number = 90",
            "audit log: line 9 missing",
        ),
        (
            "DELETE FROM audit_log WHERE scope = 'aa' AND number = 9",
            "SELECT 1",
            "audit log: expected 9 lines, found 8",
        ),
    ] {
        sqlx::query(alter).execute(&pool).await.unwrap();
        let found = faults().await;
        assert!(found.contains(expected), "{alter}: {found}");
        sqlx::query(restore).execute(&pool).await.unwrap();
    }
    pool.close().await;
}
