//! API keys: the permissions of each role for each operation, in its own and in another workspace.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::Command;

use jiff::SignedDuration;
use ken::app::App;
use ken_base::domain::Clock;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::scripted_llm::{Script, ScriptedLlm};
use crate::support::{TestApp, config_in, embedder, models_dir, pointers};

const ROLES: [&str; 5] = ["bot", "editor", "agent", "admin", "operator"];

pub struct Keyed {
    pub app: TestApp,
    /// By role. All keys except the operator's belong to workspace `a`.
    pub keys: BTreeMap<&'static str, String>,
}

impl Keyed {
    pub async fn on(app: TestApp) -> Self {
        let mut this = Self {
            app,
            keys: BTreeMap::new(),
        };
        let (_, made) = this
            .app
            .post("/v1/keys", json!({ "role": "operator", "name": "root" }))
            .await;
        this.keys
            .insert("operator", made["key"].as_str().unwrap().to_owned());
        for role in &ROLES[..4] {
            let (status, made) = this.make("a", json!({ "role": role, "name": role })).await;
            assert_eq!(status, 200, "{made}");
            this.keys
                .insert(role, made["key"].as_str().unwrap().to_owned());
        }
        this
    }

    pub async fn start() -> Self {
        Self::on(TestApp::start().await).await
    }

    pub async fn make(&self, workspace: &str, body: Value) -> (StatusCode, Value) {
        let key = &self.keys["operator"];
        self.send(
            Method::POST,
            "/v1/keys",
            Some(key),
            Some(workspace),
            Some(body),
        )
        .await
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        workspace: Option<&str>,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let mut request = self
            .app
            .client
            .request(method, format!("{}{path}", self.app.address));
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        if let Some(workspace) = workspace {
            request = request.header("x-ken-workspace", workspace);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Every operation of the router, as it describes itself.
    async fn operations(&self) -> Vec<(Method, String)> {
        let (_, document) = self.app.get("/openapi.json").await;
        let mut operations = Vec::new();
        for (path, of) in document["paths"].as_object().unwrap() {
            for method in of.as_object().unwrap().keys() {
                let method: Method = method.to_uppercase().parse().unwrap();
                operations.push((method, path.clone()));
            }
        }
        operations.sort_by_key(|(method, path)| (path.clone(), method.to_string()));
        operations
    }
}

/// Whether an operation needs no right.
fn is_open(path: &str) -> bool {
    ["/healthz", "/readyz"].contains(&path) || path.starts_with("/v1/session")
}

/// The key with another last character, so that it is no key.
pub fn with_another_end(key: &str) -> String {
    let (start, last) = key.split_at(key.len() - 1);
    format!("{start}{}", if last == "0" { "1" } else { "0" })
}

#[tokio::test(flavor = "multi_thread")]
async fn role_permissions_match_table_within_own_workspace() {
    let keyed = Keyed::start().await;
    let mut table = String::new();
    let operations = keyed.operations().await;
    assert!(operations.len() > 50, "{}", operations.len());
    for (method, path) in operations {
        let is_chat = path.starts_with("/v1/chat/") && path != "/v1/chat/completions";
        if is_chat || path.ends_with("/webhook") {
            // Visitors of a web chat and platforms have no key; `desk_api` and `channels` test who they are.
            continue;
        }
        let address = match path.as_str() {
            // Otherwise it never ends.
            "/v1/stream" => "/v1/stream?after=-1".to_owned(),
            path => path
                .replace("{id}", "nothing")
                .replace("{sha256}", "nothing"),
        };
        let is_open = is_open(&path);
        let (status, problem) = keyed.send(method.clone(), &address, None, None, None).await;
        assert_eq!(
            status == 401,
            !is_open,
            "{method} {path} without a key: {problem}"
        );
        let mut may = Vec::new();
        for role in ROLES {
            let key = Some(keyed.keys[role].as_str());
            let (status, problem) = keyed.send(method.clone(), &address, key, None, None).await;
            assert_ne!(status, 401, "{method} {path} as {role}: {problem}");
            assert_ne!(status, 500, "{method} {path} as {role}: {problem}");
            if status != 403 {
                may.push(role);
            }
            if role == "operator" || is_open || path == "/metrics" {
                continue;
            }
            // The reply does not reveal whether another workspace exists.
            let mut problems = Vec::new();
            for other in ["default", "never-made"] {
                let (status, mut problem) = keyed
                    .send(method.clone(), &address, key, Some(other), None)
                    .await;
                assert_eq!(
                    status, 403,
                    "{method} {path} as {role} in {other}: {problem}"
                );
                problem["request_id"] = Value::Null;
                problems.push(problem);
            }
            assert_eq!(problems[0], problems[1]);
        }
        writeln!(table, "{:6} {path}: {}", method.as_str(), may.join(" ")).unwrap();
    }
    insta::assert_snapshot!(table);
    keyed.app.stop().await;
}

/// A service whose time is set by hand, with a key for each role.
pub async fn keyed_at(clock: &Clock) -> Keyed {
    let folder = std::sync::Arc::new(tempfile::tempdir().unwrap());
    let encoder = tokio::task::spawn_blocking(embedder).await.unwrap();
    let app = App::build_at(config_in(folder.path()), encoder, clock.clone())
        .await
        .unwrap();
    let app = TestApp::serve(std::sync::Arc::new(app), folder).await;
    let first = json!({ "role": "bot", "name": "b" });
    let (status, problem) = app.post("/v1/keys", first).await;
    assert_eq!(
        (status.as_u16(), pointers(&problem)),
        (422, vec!["/role"]),
        "a first key without the operator role would lock out its creator"
    );
    Keyed::on(app).await
}

impl Keyed {
    /// Makes a key of a bot of workspace `a`, with these limits.
    async fn bot_with(&self, mut limits: Value, name: &str) -> String {
        limits["role"] = json!("bot");
        limits["name"] = json!(name);
        let (status, made) = self.make("a", limits).await;
        assert_eq!(status, 200, "{made}");
        made["key"].as_str().unwrap().to_owned()
    }

    async fn ask_with(&self, key: &str) -> (StatusCode, Value) {
        let body = json!({ "question": "可以刷卡嗎？" });
        self.send(Method::POST, "/v1/answers", Some(key), None, Some(body))
            .await
    }

    /// Revokes the key of the bot, as the admin does.
    async fn revoke_bot(&self) -> StatusCode {
        let id = self.keys["bot"].split('_').nth(1).unwrap();
        let admin = Some(self.keys["admin"].as_str());
        let path = format!("/v1/keys/{id}");
        self.send(Method::DELETE, &path, admin, None, None).await.0
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_key_is_rejected_without_revealing_why() {
    let clock = Clock::fixed("2026-11-01T00:00:00Z".parse().unwrap());
    let keyed = keyed_at(&clock).await;
    let ends = clock.now() + SignedDuration::from_hours(1);
    let timed = keyed.bot_with(json!({ "expires_at": ends }), "timed").await;
    let far = json!({ "networks": ["10.0.0.0/8"] });
    let far = keyed.bot_with(far, "far").await;
    let near = json!({ "networks": ["127.0.0.0/8", "::1/128"] });
    let near = keyed.bot_with(near, "near").await;
    assert_eq!(keyed.ask_with(&timed).await.0, 200);
    assert_eq!(keyed.ask_with(&near).await.0, 200);
    clock.set(ends);
    assert_eq!(keyed.revoke_bot().await, 200);
    assert_eq!(keyed.revoke_bot().await, 404);
    let bot = &keyed.keys["bot"];
    let changed = with_another_end(bot);
    let mut problems = Vec::new();
    for key in [&timed, &far, bot, &changed, "ken_nobody_00", "nonsense"] {
        let (status, mut problem) = keyed.ask_with(key).await;
        assert_eq!(status, 401, "{problem}");
        problem["request_id"] = Value::Null;
        problems.push(problem);
    }
    problems.dedup();
    assert_eq!(
        problems.len(),
        1,
        "the problem does not reveal why a key is invalid: {problems:?}"
    );
    keyed.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn admin_lists_own_keys_without_secrets() {
    let clock = Clock::fixed("2026-11-01T00:00:00Z".parse().unwrap());
    let keyed = keyed_at(&clock).await;
    for name in ["timed", "far", "near"] {
        let key = keyed.bot_with(json!({}), name).await;
        assert_eq!(keyed.ask_with(&key).await.0, 200);
    }
    assert_eq!(keyed.revoke_bot().await, 200);
    // An admin sees neither operators nor keys of other workspaces, and cannot make an operator.
    keyed
        .make("b", json!({ "role": "bot", "name": "of-b" }))
        .await;
    let admin = Some(keyed.keys["admin"].as_str());
    let (_, list) = keyed.send(Method::GET, "/v1/keys", admin, None, None).await;
    let keys = list["keys"].as_array().unwrap();
    let named = |name: &str| keys.iter().find(|key| key["name"] == name);
    assert_eq!(keys.len(), 7, "{list}");
    assert!(named("root").is_none() && named("of-b").is_none(), "{list}");
    for key in keyed.keys.values() {
        assert!(!list.to_string().contains(secret(key)));
    }
    assert!(named("bot").unwrap()["revoked_at"].is_string(), "{list}");
    assert!(
        named("timed").unwrap()["last_used_at"].is_string(),
        "{list}"
    );
    let operator = json!({ "role": "operator", "name": "more" });
    let (status, _) = keyed
        .send(Method::POST, "/v1/keys", admin, None, Some(operator))
        .await;
    assert_eq!(status, 403);
    let (_, audit) = keyed
        .send(Method::GET, "/v1/audit", admin, None, None)
        .await;
    assert!(
        audit.to_string().contains("key.revoke") && audit.to_string().contains("admin ("),
        "{audit}"
    );
    keyed.assert_store_has_no_secret().await;
}

/// The part of a key that authenticates.
fn secret(key: &str) -> &str {
    key.rsplit('_').next().unwrap()
}

impl Keyed {
    /// Stops the service and looks for the secrets of its keys in the store's file.
    async fn assert_store_has_no_secret(self) {
        let folder = self.app.stop().await;
        if crate::postgres::chosen().is_some() {
            return;
        }
        let store = std::fs::read(folder.path().join("data/ken.db")).unwrap();
        for key in self.keys.values() {
            let secret = secret(key).as_bytes();
            let is_there = store.windows(secret.len()).any(|w| w == secret);
            assert!(!is_there, "a secret is in the store");
        }
    }
}

#[test]
fn service_without_keys_listens_on_loopback_only() {
    let folder = tempfile::tempdir().unwrap();
    let ken = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ken"));
        command
            .args(args)
            .current_dir(folder.path())
            .env("KEN_MODELS__DIR", models_dir());
        command.output().unwrap()
    };
    let refused = ken(&["serve", "--listen", "0.0.0.0:0"]);
    assert!(!refused.status.success());
    let stderr = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        stderr.contains("ken keys create --role operator"),
        "{stderr}"
    );
    assert!(
        !ken(&["keys", "create", "--role", "bot", "--name", "first"])
            .status
            .success()
    );
    let made = ken(&["keys", "create", "--role", "operator", "--name", "root"]);
    let token = String::from_utf8_lossy(&made.stdout).trim().to_owned();
    assert!(token.starts_with("ken_"), "{made:?}");
    let listed = String::from_utf8_lossy(&ken(&["keys", "list"]).stdout).into_owned();
    assert!(
        listed.contains("\"name\":\"root\"") && !listed.contains(&token),
        "{listed}"
    );
    let id = token.split('_').nth(1).unwrap();
    assert!(ken(&["keys", "revoke", id]).status.success());
    assert!(!ken(&["keys", "revoke", id]).status.success());
    assert!(
        !ken(&["keys", "create", "--role", "king", "--name", "x"])
            .status
            .success()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_limited_key_gets_retry_after_and_others_continue() {
    let app = TestApp::start_with(|config| config.http.requests_per_minute = 60).await;
    let keyed = Keyed::on(app).await;
    let get = |role: &str| {
        let request = keyed
            .app
            .client
            .get(format!("{}/v1/faqs", keyed.app.address));
        request.bearer_auth(&keyed.keys[role]).send()
    };
    let mut refused = None;
    for _ in 0..30 {
        let response = get("editor").await.unwrap();
        if response.status() == 429 {
            refused = Some(response);
            break;
        }
    }
    let refused = refused.expect("a burst of ten is allowed, then one a second");
    let wait: u64 = refused.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=2).contains(&wait), "{wait}");
    assert_eq!(refused.headers()["cache-control"], "no-store");
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["type"], "/problems/too-many-requests");
    assert_eq!(
        get("agent").await.unwrap().status(),
        200,
        "each key has its own limit"
    );
    keyed.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn key_over_concurrency_limit_is_refused() {
    let llm = ScriptedLlm::start(vec![Script::StallsAfter("退款".to_owned())]).await;
    let app = TestApp::start_with(|config| {
        config.llm.url = llm.url.clone();
        config.llm.model = "scripted".to_owned();
        config.http.max_concurrent_per_key = 2;
    })
    .await;
    let keyed = Keyed::on(app).await;
    let text = json!({ "text": "# 退款\n\n退款會在 7 個工作天內退回原付款帳戶。\n" });
    let (status, _) = keyed
        .send(
            Method::PUT,
            "/v1/documents/refunds?wait=indexed",
            Some(&keyed.keys["editor"]),
            None,
            Some(text),
        )
        .await;
    assert_eq!(status, 201);
    let stream = || {
        let request = keyed
            .app
            .client
            .post(format!("{}/v1/answers", keyed.app.address));
        let body = json!({ "question": "退款要幾個工作天？", "stream": true });
        request.bearer_auth(&keyed.keys["bot"]).json(&body).send()
    };
    let mut streams = Vec::new();
    for _ in 0..2 {
        let mut streaming = stream().await.unwrap();
        assert!(streaming.chunk().await.unwrap().is_some());
        streams.push(streaming);
    }
    let refused = stream().await.unwrap();
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
    let get = async |role: &str| {
        let key = Some(keyed.keys[role].as_str());
        let path = "/v1/conversations/none";
        keyed.send(Method::GET, path, key, None, None).await.0
    };
    assert_eq!(get("bot").await, 429);
    assert_eq!(get("agent").await, 404, "other keys are not limited");
    drop(streams);
    let freed = async {
        while get("bot").await != 404 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    let freed = tokio::time::timeout(std::time::Duration::from_secs(10), freed).await;
    assert!(freed.is_ok(), "disconnected clients free their permits");
    keyed.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn key_counts_as_one_reviewer_under_any_name() {
    let keyed = Keyed::start().await;
    let send = async |role: &str, method: Method, path: &str, body: Value| {
        let key = Some(keyed.keys[role].as_str());
        keyed.send(method, path, key, None, Some(body)).await
    };
    let rules = json!({ "learning": { "four_eyes": true } });
    assert_eq!(
        send("admin", Method::PUT, "/v1/settings", rules).await.0,
        200
    );
    let case = json!({ "outcome": "resolved", "turns": [
        { "role": "customer", "text": "維修可以急件處理嗎，要多少錢？" },
        { "role": "agent", "text": "急件維修加收 NT$650，檢測後 2 個工作天內修好。" },
    ] });
    let (status, kept) = send("agent", Method::POST, "/v1/cases?wait=distilled", case).await;
    assert_eq!(
        (status.as_u16(), &kept["distilled"]),
        (200, &json!(true)),
        "{kept}"
    );
    let (_, queue) = send("agent", Method::GET, "/v1/drafts", Value::Null).await;
    let path = format!(
        "/v1/drafts/{}:approve",
        queue["drafts"][0]["id"].as_str().unwrap()
    );
    let mut states = Vec::new();
    for (role, name) in [("agent", "x"), ("agent", "y"), ("editor", "x")] {
        let (status, reply) = send(role, Method::POST, &path, json!({ "reviewer": name })).await;
        states.push((
            status.as_u16(),
            reply["draft"]["state"].as_str().unwrap_or("").to_owned(),
        ));
    }
    let states: Vec<(u16, &str)> = states
        .iter()
        .map(|(n, state)| (*n, state.as_str()))
        .collect();
    assert_eq!(states, [(200, "approved"), (409, ""), (200, "published")]);
    keyed.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bot_cannot_correct_answers_as_agent() {
    let keyed = Keyed::start().await;
    let send = async |role: &str, method: Method, path: &str, body: Value| {
        let key = Some(keyed.keys[role].as_str());
        keyed.send(method, path, key, None, Some(body)).await
    };
    let (_, answer) = send(
        "bot",
        Method::POST,
        "/v1/answers",
        json!({ "question": "可以帶狗嗎？" }),
    )
    .await;
    let said = json!({ "answer_id": answer["id"], "corrected_answer": "可以。" });
    assert_eq!(
        send("bot", Method::POST, "/v1/feedback", said.clone())
            .await
            .0,
        403
    );
    assert_eq!(
        send("agent", Method::POST, "/v1/feedback", said).await.0,
        200
    );
    keyed.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_method_is_counted_as_other_in_metrics() {
    let keyed = Keyed::start().await;
    let odd = Method::from_bytes(b"ZZ1").unwrap();
    let bot = Some(keyed.keys["bot"].as_str());
    let (status, _) = keyed
        .send(odd, "/v1/answers", bot, None, Some(Value::Null))
        .await;
    assert_eq!(status, 405);
    // The case of the authentication scheme does not matter.
    let request = keyed
        .app
        .client
        .get(format!("{}/metrics", keyed.app.address));
    let request = request.header(
        "authorization",
        format!("bearer {}", keyed.keys["operator"]),
    );
    let metrics = request.send().await.unwrap().text().await.unwrap();
    assert!(
        metrics.contains("method=\"other\"") && !metrics.contains("ZZ1"),
        "{metrics}"
    );
    keyed.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn level_and_dry_run_are_refused_to_bots() {
    let keyed = keyed_at(&Clock::default()).await;
    let ask = async |role: &str, body: Value| {
        let key = Some(keyed.keys[role].as_str());
        keyed
            .send(Method::POST, "/v1/answers", key, None, Some(body))
            .await
    };
    for (body, expected) in [
        (json!({ "level": "lenient" }), vec!["/level"]),
        (json!({ "dry_run": true }), vec!["/dry_run"]),
        (
            json!({ "level": "strict", "dry_run": true }),
            vec!["/level", "/dry_run"],
        ),
    ] {
        let mut body = body;
        body["question"] = json!("可以刷卡嗎？");
        let (status, problem) = ask("bot", body.clone()).await;
        assert_eq!((status.as_u16(), pointers(&problem)), (403, expected));
        for role in ["editor", "admin"] {
            let (status, reply) = ask(role, body.clone()).await;
            assert_eq!(status.as_u16(), 200, "{role}: {reply}");
        }
    }
    let plain = json!({ "question": "可以刷卡嗎？", "dry_run": false });
    assert_eq!(ask("bot", plain).await.0.as_u16(), 200);
    keyed.app.stop().await;
}
