//! The Model Context Protocol at `/mcp`: its newest version and earlier ones, and that tools have the rights of their key.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::keys::Keyed;
use crate::support::TestApp;

const QUESTION: &str = "DoorMate K1 可以裝在玻璃門嗎？";
const NEW: &str = "2026-07-28";

/// A client with a key.
struct Client<'a> {
    app: &'a TestApp,
    key: Option<&'a str>,
    path: &'static str,
}

impl Client<'_> {
    async fn post(&self, headers: &[(&str, &str)], body: &Value) -> (StatusCode, Value, String) {
        let url = format!("{}{}", self.app.address, self.path);
        let mut request = self.app.client.post(url).json(body);
        if let Some(key) = self.key {
            request = request.bearer_auth(key);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let reply = request.send().await.unwrap();
        let session = reply.headers().get("mcp-session-id");
        let session = session.map_or("", |id| id.to_str().unwrap()).to_owned();
        let (status, text) = (reply.status(), reply.text().await.unwrap());
        (status, message(&text), session)
    }

    /// A request of the newest version, which has no sessions.
    async fn call(&self, method: &str, mut params: Value) -> (StatusCode, Value) {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": NEW,
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let name = params["name"].as_str().unwrap_or_default().to_owned();
        let mut headers = vec![("mcp-protocol-version", NEW), ("mcp-method", method)];
        if !name.is_empty() {
            headers.push(("mcp-name", &name));
        }
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let (status, reply, session) = self.post(&headers, &body).await;
        assert_eq!(session, "");
        (status, reply)
    }

    async fn tool(&self, name: &str, arguments: Value) -> Value {
        let params = json!({ "name": name, "arguments": arguments });
        let (status, reply) = self.call("tools/call", params).await;
        assert_eq!(status, 200, "{reply}");
        reply
    }

    async fn tools(&self) -> Vec<Value> {
        let (status, reply) = self.call("tools/list", json!({})).await;
        assert_eq!(status, 200, "{reply}");
        assert_eq!(reply["result"]["cacheScope"], "private");
        reply["result"]["tools"].as_array().unwrap().clone()
    }
}

/// The problem that a tool reports.
fn problem(reply: &Value) -> Value {
    let result = &reply["result"];
    assert_eq!(result["isError"], true, "{reply}");
    assert!(result["structuredContent"].is_null(), "{reply}");
    serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap()
}

/// The last message of a reply: JSON, or events whose data are messages.
fn message(text: &str) -> Value {
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    let messages = data.filter_map(|data| serde_json::from_str::<Value>(data.trim()).ok());
    let mut messages = messages.filter(Value::is_object);
    let last = messages.next_back();
    last.unwrap_or_else(|| serde_json::from_str(text).unwrap_or(Value::Null))
}

fn names(tools: &[Value]) -> Vec<&str> {
    tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect()
}

/// A service with the sample shop in the workspace of its keys.
async fn shop() -> Keyed {
    Keyed::on(TestApp::with_shop().await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn question_is_answered_with_quotations_or_refused_as_a_value() {
    let app = TestApp::with_shop().await;
    for path in ["/mcp", "/mcp/"] {
        let client = Client {
            app: &app,
            key: None,
            path,
        };
        let (_, discovered) = client.call("server/discover", json!({})).await;
        assert_eq!(
            discovered["result"]["serverInfo"]["name"].as_str().or(
                discovered["result"]["_meta"]["io.modelcontextprotocol/serverInfo"]["name"]
                    .as_str()
            ),
            Some("ken"),
            "{discovered}"
        );
        let reply = client
            .tool("answer_question", json!({ "question": QUESTION }))
            .await;
        let result = &reply["result"];
        assert_ne!(result["isError"], true, "{reply}");
        let answer = &result["structuredContent"];
        assert_eq!(answer["outcome"], "answered", "{answer}");
        let quotes = answer["citations"].as_array().unwrap();
        let about_glass = |one: &&Value| one["quote"].as_str().unwrap().contains("玻璃");
        let quote = quotes
            .iter()
            .find(about_glass)
            .expect("it quotes the answer");
        // The same as text, for clients that read nothing else.
        let text = result["content"][0]["text"].as_str().unwrap();
        assert_eq!(&serde_json::from_str::<Value>(text).unwrap(), answer);

        let id = quote["document_id"].clone();
        let document = client.tool("get_document", json!({ "id": id })).await;
        let document = &document["result"]["structuredContent"];
        assert_eq!(document["id"], id);
        assert!(
            document["text"]
                .as_str()
                .unwrap()
                .contains(quote["quote"].as_str().unwrap())
        );
    }
    let client = Client {
        app: &app,
        key: None,
        path: "/mcp",
    };
    let refused = client
        .tool(
            "answer_question",
            json!({ "question": "今天台北天氣如何？" }),
        )
        .await;
    assert_ne!(refused["result"]["isError"], true, "{refused}");
    let answer = &refused["result"]["structuredContent"];
    assert_eq!(answer["outcome"], "refused", "{answer}");
    assert!(!answer["text"].as_str().unwrap().is_empty());
    let found = client
        .tool("search_knowledge", json!({ "query": "玻璃門", "limit": 3 }))
        .await;
    let passages = &found["result"]["structuredContent"]["passages"];
    assert!(
        (1..=3).contains(&passages.as_array().unwrap().len()),
        "{passages}"
    );

    // Faults are of the tool, with their places; unknown tools are of the protocol.
    let fault = client
        .tool("answer_question", json!({ "question": "" }))
        .await;
    assert_eq!(problem(&fault)["errors"][0]["pointer"], "/question");
    let fault = client
        .tool("get_document", json!({ "id": "no/such one" }))
        .await;
    assert_eq!(problem(&fault)["status"], 404, "{fault}");
    let fault = client.tool("get_document", json!({ "name": 1 })).await;
    assert_eq!(problem(&fault)["status"], 422, "{fault}");
    let (_, unknown) = client
        .call(
            "tools/call",
            json!({ "name": "drop_tables", "arguments": {} }),
        )
        .await;
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn earlier_version_has_a_session() {
    let app = TestApp::with_shop().await;
    let client = Client {
        app: &app,
        key: None,
        path: "/mcp",
    };
    let hello = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "old", "version": "1" },
        },
    });
    // It asks for JSON only, as several clients do.
    let (status, reply, session) = client.post(&[("accept", "application/json")], &hello).await;
    assert_eq!(status, 200, "{reply}");
    assert_eq!(reply["result"]["protocolVersion"], "2025-06-18");
    assert_eq!(reply["result"]["serverInfo"]["name"], "ken");
    assert!(!session.is_empty());
    let headers = [
        ("mcp-session-id", session.as_str()),
        ("mcp-protocol-version", "2025-06-18"),
    ];
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(client.post(&headers, &ready).await.0, 202);
    let list = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" });
    let (_, listed, _) = client.post(&headers, &list).await;
    let tools = listed["result"]["tools"].as_array().unwrap();
    assert_eq!(tools.len(), 6, "{listed}");
    assert!(
        tools
            .iter()
            .all(|tool| tool["outputSchema"]["type"] == "object")
    );
    let ask = json!({
        "jsonrpc": "2.0", "id": 3, "method": "tools/call",
        "params": { "name": "answer_question", "arguments": { "question": QUESTION } },
    });
    let (_, reply, _) = client.post(&headers, &ask).await;
    assert_eq!(
        reply["result"]["structuredContent"]["outcome"], "answered",
        "{reply}"
    );
    let url = format!("{}/mcp", app.address);
    let end = app
        .client
        .request(Method::DELETE, url)
        .header("mcp-session-id", &session);
    assert!(end.send().await.unwrap().status().is_success());
    assert_eq!(client.post(&headers, &list).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_are_those_that_the_key_may_use() {
    let keyed = shop().await;
    let all = [
        "search_knowledge",
        "answer_question",
        "get_document",
        "list_gaps",
        "get_customer_context",
        "suggest_reply",
    ];
    for (role, n) in [("bot", 2), ("editor", 4), ("agent", 6), ("admin", 6)] {
        let client = Client {
            app: &keyed.app,
            key: Some(&keyed.keys[role]),
            path: "/mcp",
        };
        assert_eq!(names(&client.tools().await), all[..n], "{role}");
        // A tool that is not listed cannot be called either.
        for name in &all[n..] {
            let params = json!({ "name": name, "arguments": {} });
            let (_, reply) = client.call("tools/call", params).await;
            assert_eq!(reply["error"]["code"], -32602, "{role} {name}: {reply}");
        }
    }
    // The keys are of another workspace, which knows nothing of the shop.
    let client = Client {
        app: &keyed.app,
        key: Some(&keyed.keys["bot"]),
        path: "/mcp",
    };
    let answer = client
        .tool("answer_question", json!({ "question": QUESTION }))
        .await;
    assert_eq!(
        answer["result"]["structuredContent"]["outcome"], "refused",
        "{answer}"
    );
    let none = Client {
        key: None,
        ..client
    };
    assert_eq!(none.call("tools/list", json!({})).await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn agent_reads_a_conversation_and_gets_a_suggestion() {
    let app = TestApp::with_shop().await;
    // In the shadow, nobody replies.
    let inbox = json!({ "channel": "generic", "name": "App" });
    app.request(Method::PUT, "/v1/inboxes/app", Some(inbox))
        .await;
    app.says("app", "mei", "m1", "你好").await;
    app.says("app", "mei", "m2", QUESTION).await;
    let (_, list) = app.get("/v1/conversations?inbox_id=app").await;
    let id = list["conversations"][0]["id"].clone();
    let client = Client {
        app: &app,
        key: None,
        path: "/mcp",
    };
    let context = client
        .tool("get_customer_context", json!({ "conversation_id": id }))
        .await;
    let context = &context["result"]["structuredContent"];
    assert_eq!(context["conversation"]["id"], id);
    assert_eq!(
        context["customer"]["identities"][0]["value"], "mei",
        "{context}"
    );
    assert_eq!(context["messages"][1]["parts"][0]["text"], QUESTION);
    let (_, n_before) = app.get("/v1/questions").await;
    let reply = client
        .tool("suggest_reply", json!({ "conversation_id": id }))
        .await;
    let suggested = &reply["result"]["structuredContent"];
    assert!(
        suggested["question"].as_str().unwrap().ends_with(QUESTION),
        "{reply}"
    );
    assert_eq!(suggested["answer"]["outcome"], "answered", "{reply}");
    assert!(!suggested["answer"]["citations"][0]["quote"].is_null());
    let (_, n_after) = app.get("/v1/questions").await;
    let (before, after) = (&n_before["questions"], &n_after["questions"]);
    assert_eq!(before, after, "a suggestion is not recorded");
    let missing = client
        .tool("suggest_reply", json!({ "conversation_id": "cnv_0" }))
        .await;
    assert_eq!(problem(&missing)["status"], 404, "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_hosts_and_origins_are_refused_unless_named() {
    let app = TestApp::start_with(|config| {
        config.http.mcp_hosts = vec!["ken.example.com".to_owned()];
        config.http.cors_origins = vec!["https://inspector.example.com".to_owned()];
    })
    .await;
    let client = Client {
        app: &app,
        key: None,
        path: "/mcp",
    };
    for (headers, expected) in [
        (vec![("host", "evil.example.com")], 403),
        (vec![("origin", "https://evil.example.com")], 403),
        (vec![("host", "ken.example.com")], 200),
        (vec![("origin", "https://inspector.example.com")], 200),
    ] {
        let hello = json!({
            "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
                "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "old", "version": "1" },
            },
        });
        let (status, reply, _) = client.post(&headers, &hello).await;
        assert_eq!(status, expected, "{headers:?}: {reply}");
    }
    let large = json!({ "jsonrpc": "2.0", "id": 1, "method": "x".repeat(300_000) });
    assert_eq!(client.post(&[], &large).await.0, 413);
}
