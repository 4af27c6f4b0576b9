//! The OpenAPI document: it matches its snapshot, it is complete, and the replies conform to it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use ken::app::default_workspace;
use ken_base::domain::{Review, Tuning, TuningHistory};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::cases::{cases_of, id_of};
use crate::support::{TestApp, root};

/// `docs/reference/openapi.json` is what the console's types are generated from.
#[tokio::test(flavor = "multi_thread")]
async fn openapi_document_matches_reference() {
    let app = TestApp::start().await;
    let (_, document) = app.get("/openapi.json").await;
    let document = serde_json::to_string_pretty(&document).unwrap() + "\n";
    let path = root().join("docs/reference/openapi.json");
    if std::env::var_os("KEN_UPDATE_REFERENCE").is_some() {
        std::fs::write(&path, document).unwrap();
        return;
    }
    let held = std::fs::read_to_string(&path).unwrap();
    let mut lines = held.lines().zip(document.lines());
    let differs = lines.find(|(held, now)| held != now);
    assert!(
        held == document,
        "docs/reference/openapi.json is out of date; write it with KEN_UPDATE_REFERENCE=1. First difference: {differs:?}"
    );
}

/// The audit log records values of every kind; these have no schema of their own.
const ANY_JSON: [&str; 2] = ["AuditEntry.before", "AuditEntry.after"];

/// The calls of which the document has to show a request and a reply.
const WITH_EXAMPLES: [(&str, &str); 11] = [
    ("post", "/v1/answers"),
    ("post", "/v1/search"),
    ("put", "/v1/documents/{id}"),
    ("post", "/v1/documents:upload"),
    ("post", "/v1/faqs:import"),
    ("put", "/v1/faqs/{id}"),
    ("post", "/v1/cases"),
    ("get", "/v1/drafts"),
    ("post", "/v1/drafts/{id}"),
    ("post", "/v1/feedback"),
    ("get", "/v1/insights/gaps"),
];

/// Operations that `replies_match_their_schemas` does not call, because their replies are files, plain text, streams
/// or redirects, or because they need work that has failed for good.
const NOT_CALLED: [&str; 18] = [
    "delete /mcp",
    "delete /v1/dead-letters/{id}",
    "get /healthz",
    "get /mcp",
    "get /metrics",
    "get /v1/attachments/{sha256}",
    "get /v1/audit:export",
    "get /v1/chat/attachments/{sha256}",
    "get /v1/chat/stream",
    "get /v1/documents/{id}/original",
    "get /v1/faqs:export",
    "get /v1/inboxes/{id}/webhook",
    "get /v1/session/oidc",
    "get /v1/session/oidc/callback",
    "get /v1/stream",
    "post /mcp",
    "post /v1/dead-letters/{id}",
    "post /v1/inboxes/{id}/webhook",
];

/// The OpenAPI document of a service.
struct Document(Value);

/// An object that a schema allows: `allOf` is merged, one of `oneOf` is chosen.
#[derive(Clone, Default)]
struct Shape<'a> {
    properties: BTreeMap<&'a str, &'a Value>,
    required: BTreeSet<&'a str>,
    /// The schema of properties that are not declared; `None` where there are none.
    additional: Option<&'a Value>,
}

impl Document {
    /// Every operation, as its method, path and description.
    fn operations(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        let paths = self.0["paths"].as_object().unwrap().iter();
        paths.flat_map(|(path, item)| {
            let operations = item.as_object().unwrap().iter();
            operations.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
        })
    }

    /// The bodies of an operation: where each is, its content type and description.
    fn bodies(operation: &Value) -> Vec<(String, &str, &Value)> {
        let request = operation.get("requestBody").map(|body| ("request", body));
        let responses = operation["responses"].as_object().unwrap().iter();
        let responses = responses.map(|(status, response)| (status.as_str(), response));
        let contents = request.into_iter().chain(responses);
        let contents = contents.filter_map(|(at, body)| Some((at, body["content"].as_object()?)));
        let bodies = contents.flat_map(|(at, content)| {
            let kinds = content.iter();
            kinds.map(move |(kind, body)| (at.to_owned(), kind.as_str(), body))
        });
        bodies.collect()
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(name) => self.resolve(self.0.pointer(&name[1..]).expect(name)),
            None => schema,
        }
    }

    /// The objects that a schema allows, and its alternatives that are no objects.
    fn shapes<'a>(&'a self, schema: &'a Value) -> (Vec<Shape<'a>>, Vec<&'a Value>) {
        let schema = self.resolve(schema);
        for alternatives in ["oneOf", "anyOf"] {
            if let Some(alternatives) = schema[alternatives].as_array() {
                let (mut objects, mut others) = (Vec::new(), Vec::new());
                for alternative in alternatives {
                    let (some, other) = self.shapes(alternative);
                    objects.extend(some);
                    others.extend(other);
                }
                return (objects, others);
            }
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let mut merged = vec![Shape::default()];
            for part in parts {
                let (some, others) = self.shapes(part);
                assert!(others.is_empty(), "only objects are merged: {schema}");
                let pairs = merged
                    .iter()
                    .flat_map(|one| some.iter().map(move |other| (one, other)));
                let merge = |(one, other): (&Shape<'a>, &Shape<'a>)| {
                    let mut both = one.clone();
                    both.properties.extend(&other.properties);
                    both.required.extend(&other.required);
                    both.additional = one.additional.or(other.additional);
                    both
                };
                merged = pairs.map(merge).collect();
            }
            return (merged, Vec::new());
        }
        let is_object = types(schema).contains(&"object");
        if !is_object {
            return (Vec::new(), vec![schema]);
        }
        let properties = schema["properties"].as_object().into_iter().flatten();
        let required = schema["required"].as_array().into_iter().flatten();
        let shape = Shape {
            properties: properties.map(|(name, of)| (name.as_str(), of)).collect(),
            required: required.map(|name| name.as_str().unwrap()).collect(),
            additional: schema
                .get("additionalProperties")
                .filter(|of| of.is_object()),
        };
        let others = types(schema).contains(&"null").then_some(schema);
        (vec![shape], others.into_iter().collect())
    }

    /// What of a value its schema does not declare or allow; empty where it is right.
    fn faults(&self, schema: &Value, value: &Value, at: &str) -> Vec<String> {
        let (objects, others) = self.shapes(schema);
        let of_objects = objects.iter().map(|shape| self.in_object(shape, value, at));
        let of_others = others
            .into_iter()
            .map(|other| self.in_other(other, value, at));
        let all = of_objects.chain(of_others);
        all.min_by_key(Vec::len).unwrap_or_default()
    }

    fn in_object(&self, shape: &Shape, value: &Value, at: &str) -> Vec<String> {
        let Some(fields) = value.as_object() else {
            return vec![format!("{at} is no object: {value}")];
        };
        let mut faults = Vec::new();
        for name in &shape.required {
            if !fields.contains_key(*name) {
                faults.push(format!("{at}.{name} is required and absent"));
            }
        }
        for (name, value) in fields {
            let at = format!("{at}.{name}");
            match shape
                .properties
                .get(name.as_str())
                .or(shape.additional.as_ref())
            {
                Some(schema) => faults.extend(self.faults(schema, value, &at)),
                None => faults.push(format!("{at} is not declared")),
            }
        }
        faults
    }

    fn in_other(&self, schema: &Value, value: &Value, at: &str) -> Vec<String> {
        let wrong = |what: &str| vec![format!("{at} is not {what}: {value}")];
        if let Some(values) = schema["enum"].as_array()
            && !values.contains(value)
        {
            return wrong("among the values");
        }
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if !number.is_f64() => "integer",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let types = types(schema);
        let fits = types.contains(&found) || (found == "integer" && types.contains(&"number"));
        if !types.is_empty() && !fits {
            return wrong(&types.join(" or "));
        }
        if schema["format"] == "date-time"
            && let Some(text) = value.as_str()
            && text.parse::<Timestamp>().is_err()
        {
            return wrong("a time");
        }
        if let (Some(least), Some(number)) = (schema["minimum"].as_f64(), value.as_f64())
            && number < least
        {
            return wrong("large enough");
        }
        let Some(values) = value.as_array() else {
            return Vec::new();
        };
        let first = schema["prefixItems"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        let item = |(i, value): (usize, &Value)| {
            let schema = first.get(i).unwrap_or(&schema["items"]);
            self.faults(schema, value, &format!("{at}[{i}]"))
        };
        if schema["items"] == false && values.len() != first.len() {
            return wrong("as long as its schema");
        }
        values.iter().enumerate().flat_map(item).collect()
    }

    /// Parts of a schema that say nothing of the value, by their place.
    fn gaps<'a>(
        &'a self,
        schema: &'a Value,
        at: &str,
        seen: &mut BTreeSet<&'a str>,
    ) -> Vec<String> {
        if let Some(name) = schema["$ref"].as_str() {
            let resolved = self.resolve(schema);
            let short = name.rsplit('/').next().unwrap();
            return match seen.insert(name) {
                true => self.gaps(resolved, short, seen),
                false => Vec::new(),
            };
        }
        let alternatives = ["oneOf", "anyOf", "allOf"]
            .iter()
            .filter_map(|kind| schema[kind].as_array())
            .flatten();
        let mut gaps: Vec<String> = alternatives
            .flat_map(|part| self.gaps(part, at, seen))
            .collect();
        let is_composed = ["oneOf", "anyOf", "allOf"]
            .iter()
            .any(|kind| schema[kind].is_array());
        let types = types(schema);
        if types.is_empty() && !is_composed && !ANY_JSON.contains(&at) {
            gaps.push(format!("{at} has no type"));
        }
        let properties = schema["properties"].as_object();
        let additional = schema
            .get("additionalProperties")
            .filter(|of| of.is_object());
        if types.contains(&"object") && properties.is_none() && additional.is_none() {
            gaps.push(format!("{at} is a bare object"));
        }
        for (name, property) in properties.into_iter().flatten() {
            gaps.extend(self.gaps(property, &format!("{at}.{name}"), seen));
        }
        if let Some(additional) = additional {
            gaps.extend(self.gaps(additional, &format!("{at}.*"), seen));
        }
        let items = schema.get("items").filter(|of| of.is_object());
        let first = schema["prefixItems"].as_array().into_iter().flatten();
        for item in items.into_iter().chain(first) {
            gaps.extend(self.gaps(item, &format!("{at}[]"), seen));
        }
        gaps
    }
}

/// The JSON types that a schema allows; empty where it names none.
fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Whether a body is one JSON value.
fn is_json(kind: &str) -> bool {
    kind == "application/json" || kind == "application/problem+json"
}

#[tokio::test(flavor = "multi_thread")]
async fn every_body_has_a_schema_with_properties() {
    let app = TestApp::start().await;
    let document = Document(app.get("/openapi.json").await.1);
    let (mut gaps, mut seen, mut n) = (Vec::new(), BTreeSet::new(), 0);
    for (method, path, operation) in document.operations() {
        let bodies = Document::bodies(operation);
        let redirects = operation["responses"]["302"].is_object();
        let replies = redirects || bodies.iter().any(|(at, ..)| at.starts_with('2'));
        assert!(replies, "{method} {path} has a reply");
        for (at, kind, body) in bodies {
            let at = format!("{method} {path} {at}");
            match body.get("schema") {
                Some(schema) if is_json(kind) => gaps.extend(document.gaps(schema, &at, &mut seen)),
                Some(_) => {}
                None => gaps.push(format!("{at} has no schema")),
            }
            n += 1;
        }
    }
    assert!(n > 300, "the bodies are found: {n}");
    assert_eq!(gaps, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn examples_match_their_schemas() {
    let app = TestApp::start().await;
    let document = Document(app.get("/openapi.json").await.1);
    let (mut faults, mut shown) = (Vec::new(), BTreeSet::new());
    for (method, path, operation) in document.operations() {
        for (at, kind, body) in Document::bodies(operation) {
            for (name, example) in body["examples"].as_object().into_iter().flatten() {
                let place = format!("{method} {path} {at} {name}");
                if is_json(kind) {
                    faults.extend(document.faults(&body["schema"], &example["value"], &place));
                }
                let part = if at == "request" { "request" } else { "reply" };
                shown.insert((method, path, part));
            }
        }
    }
    assert_eq!(faults, [""; 0]);
    for (method, path) in WITH_EXAMPLES {
        assert!(shown.contains(&(method, path, "reply")), "{method} {path}");
        let has_request = shown.contains(&(method, path, "request"));
        assert_eq!(has_request, method != "get", "{method} {path}");
    }
    app.stop().await;
}

/// A service whose replies are compared with its document.
struct Compared {
    app: TestApp,
    document: Document,
    key: Option<String>,
    called: BTreeSet<String>,
    faults: Vec<String>,
}

impl Compared {
    async fn start() -> Self {
        let app = TestApp::start_with(|config| {
            let folder = config.index.dir.parent().unwrap();
            config.backup.dir = Some(folder.join("backups"));
        })
        .await;
        app.ingest_shop().await;
        let document = Document(app.get("/openapi.json").await.1);
        Self {
            app,
            document,
            key: None,
            called: BTreeSet::new(),
            faults: Vec::new(),
        }
    }

    /// Calls the operation at `template`, where `{id}` stands for what is between the same texts in `path`.
    async fn call(
        &mut self,
        (method, template): (Method, &str),
        path: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        let operation = self.operation(&method, template);
        let schema = operation.pointer("/requestBody/content/application~1json/schema");
        let at = format!("{method} {path} request");
        let mut faults = Vec::new();
        if let Some(schema) = schema.filter(|_| !body.is_null()) {
            faults = self.document.faults(schema, &body, &at);
        }
        self.faults.extend(faults);
        let request = self
            .app
            .client
            .request(method.clone(), format!("{}{path}", self.app.address));
        let request = match body {
            Value::Null => request,
            body => request.json(&body),
        };
        self.send((method, template), path, request).await
    }

    async fn send(
        &mut self,
        (method, template): (Method, &str),
        path: &str,
        mut request: RequestBuilder,
    ) -> (StatusCode, Value) {
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let reply: Value = response.json().await.unwrap();
        // Routes for other ecosystems return errors in their shapes.
        let is_problem = reply["type"]
            .as_str()
            .is_some_and(|kind| kind.starts_with("/problems/"));
        let kind = match is_problem {
            false => "application~1json",
            true => "application~1problem+json",
        };
        let at = format!("{method} {path} {status}");
        let place = format!("/responses/{}/content/{kind}/schema", status.as_u16());
        let found = match self.operation(&method, template).pointer(&place) {
            Some(schema) => self.document.faults(schema, &reply, &at),
            None => vec![format!("{at} is not in the document")],
        };
        self.faults.extend(found);
        if status.is_success() {
            let method = method.as_str().to_ascii_lowercase();
            self.called.insert(format!("{method} {template}"));
        }
        (status, reply)
    }

    fn operation(&self, method: &Method, template: &str) -> &Value {
        let method = method.as_str().to_ascii_lowercase();
        let operation = &self.document.0["paths"][template][method];
        assert!(operation.is_object(), "{template} is in the document");
        operation
    }

    async fn get(&mut self, template: &str, path: &str) -> Value {
        self.call((Method::GET, template), path, Value::Null)
            .await
            .1
    }

    async fn post(&mut self, template: &str, path: &str, body: Value) -> Value {
        self.call((Method::POST, template), path, body).await.1
    }

    async fn put(&mut self, template: &str, path: &str, body: Value) -> Value {
        self.call((Method::PUT, template), path, body).await.1
    }

    async fn delete(&mut self, template: &str, path: &str) -> Value {
        self.call((Method::DELETE, template), path, Value::Null)
            .await
            .1
    }

    async fn documents(&mut self) {
        const ID: &str = "/v1/documents/{id}";
        let text = json!({ "text": "# 禮物包裝\n\n禮物包裝每件加收 NT$50。", "tags": ["gift"] });
        self.put(ID, "/v1/documents/wrap?wait=indexed", text).await;
        let text = json!({ "text": "# 禮物包裝\n\n禮物包裝每件加收 NT$60。", "review_by": "2020-01-01T00:00:00Z" });
        self.put(ID, "/v1/documents/wrap", text.clone()).await;
        self.put(ID, "/v1/documents/wrap?background=true", text)
            .await;
        let text = json!({ "text": "# 禮物\n\n另議。", "publish_at": "2999-01-01T00:00:00Z", "related": ["nowhere"] });
        self.put(ID, "/v1/documents/wrap", text).await;
        let wrong = json!({ "text": " ", "uri": "javascript:1" });
        self.put(ID, "/v1/documents/wrap", wrong).await;
        self.get(ID, "/v1/documents/wrap").await;
        self.get(ID, "/v1/documents/nothing").await;
        self.get("/v1/documents", "/v1/documents?limit=3").await;
        let filtered = "/v1/documents?q=包裝&kind=article&status=published";
        self.get("/v1/documents", filtered).await;
        self.get("/v1/documents:tree", "/v1/documents:tree?limit=2")
            .await;
        self.get("/v1/documents:tree", "/v1/documents:tree?prefix=x")
            .await;
        self.get("/v1/documents/{id}/chunks", "/v1/documents/wrap/chunks")
            .await;
        self.get("/v1/documents/{id}/source", "/v1/documents/wrap/source")
            .await;
        self.get("/v1/documents/{id}/source", "/v1/documents/nothing/source")
            .await;
        self.get("/v1/documents/{id}/versions", "/v1/documents/wrap/versions")
            .await;
        self.get(
            "/v1/documents/{id}/diff",
            "/v1/documents/wrap/diff?from=1&to=2",
        )
        .await;
        for (action, body) in [
            ("archive", json!({})),
            ("restore", json!({ "version": 1 })),
            ("publish", json!({ "version": 2 })),
            ("trust", json!({})),
        ] {
            self.post(ID, &format!("/v1/documents/wrap:{action}"), body)
                .await;
        }
        let put = json!({ "put": { "wrap": { "text": "# 禮物包裝\n\n免費。" } }, "remove": ["faq-none"], "logged": 5 });
        self.post(
            "/v1/documents:preview-impact",
            "/v1/documents:preview-impact",
            put,
        )
        .await;
        self.files().await;
        self.post("/v1/documents:lint", "/v1/documents:lint", Value::Null)
            .await;
        self.delete(ID, "/v1/documents/wrap?force=true").await;
    }

    async fn files(&mut self) {
        const UPLOAD: &str = "/v1/documents:upload";
        let part = Part::text("# 門市\n\n門市十點開始營業。").file_name("store.md");
        let broken = Part::text("nothing").file_name("broken.pdf");
        let form = Form::new().part("file", part).part("file", broken);
        let url = format!("{}{UPLOAD}?wait=done", self.app.address);
        let request = self.app.client.post(url).multipart(form);
        let (_, job) = self.send((Method::POST, UPLOAD), UPLOAD, request).await;
        let path = format!("/v1/jobs/{}", id_of(&job));
        self.get("/v1/jobs/{id}", &path).await;
        self.get("/v1/jobs/{id}", &format!("{path}?limit=1&state=failed"))
            .await;
        self.get("/v1/jobs", "/v1/jobs?limit=1").await;
        let retry = format!("{path}:retry");
        self.post("/v1/jobs/{id}", &retry, Value::Null).await;
        self.post("/v1/jobs/{id}", "/v1/jobs/none:retry", Value::Null)
            .await;
        let store = &self.app.app.store;
        let workspace = default_workspace();
        store
            .add_job(&workspace, "job_waits", "upload")
            .await
            .unwrap();
        self.delete("/v1/jobs/{id}", "/v1/jobs/job_waits").await;
        self.delete("/v1/jobs/{id}", "/v1/jobs/job_waits").await;
        const PREVIEW: &str = "/v1/documents:preview";
        let request = self
            .app
            .client
            .post(format!("{}{PREVIEW}", self.app.address));
        let request = request
            .header("content-type", "text/markdown")
            .body("# 甲\n\n乙。");
        self.send((Method::POST, PREVIEW), PREVIEW, request).await;
    }

    async fn faqs(&mut self) {
        const ID: &str = "/v1/faqs/{id}";
        let faq = json!({
            "question": "可以用禮券付款嗎？", "variants": ["收禮券嗎？"], "negatives": ["哪裡可以買禮券？"],
            "answers": [{ "text": "可以，每筆一張。" }, { "text": "門市不限張數。", "channels": ["store"] }],
            "tags": ["payment"], "rank": 2, "valid_from": "2020-01-01T00:00:00Z",
        });
        self.put(ID, "/v1/faqs/voucher?wait=indexed", faq).await;
        let follow_up =
            json!({ "question": "禮券可以找零嗎？", "answer": "不行。", "parent": "voucher" });
        self.put(ID, "/v1/faqs/change", follow_up).await;
        self.put(ID, "/v1/faqs/voucher", json!({ "question": "" }))
            .await;
        self.get(ID, "/v1/faqs/voucher").await;
        self.get("/v1/faqs", "/v1/faqs?limit=200").await;
        self.get("/v1/faqs", "/v1/faqs?q=禮券&tag=payment").await;
        const IMPORT: &str = "/v1/faqs:import";
        let rows = "id,question,answer,color\nvoucher,可以用禮券付款嗎？,可以,red\n,收禮券嗎？,不收。,\nx1,有停車場嗎？,有,\n,,沒有問題,\n";
        for query in [
            "dry_run=true&similar=true",
            "partial=true",
            "partial=true&background=true",
        ] {
            let path = format!("{IMPORT}?{query}");
            let request = self.app.client.post(format!("{}{path}", self.app.address));
            let rows = rows.replace("x1", query);
            let request = request.header("content-type", "text/csv").body(rows);
            self.send((Method::POST, IMPORT), &path, request).await;
        }
        self.imports().await;
        self.delete(ID, "/v1/faqs/change").await;
    }

    async fn imports(&mut self) {
        const BULK: &str = "/v1/faqs:bulk";
        const UNDO: &str = "/v1/imports/{id}";
        let set = json!({ "tags_add": ["gift"], "valid_until": "2999-01-01T00:00:00Z", "review_by": null });
        let change = json!({ "ids": ["voucher", "change"], "set": set, "dry_run": true });
        self.post(BULK, BULK, change).await;
        let change = json!({ "ids": ["voucher", "change"], "set": { "rank": 4 } });
        let changed = self.post(BULK, BULK, change.clone()).await;
        self.post(BULK, BULK, change).await;
        self.post(BULK, BULK, json!({ "ids": ["nothing"], "delete": true }))
            .await;
        let import = changed["import_id"].as_str().unwrap();
        let path = format!("/v1/imports/{import}:undo");
        self.post(UNDO, &path, json!({})).await;
        self.post(UNDO, &path, json!({})).await;
        self.get("/v1/imports", "/v1/imports?limit=2").await;
        const ID: &str = "/v1/faqs/{id}";
        let request = self
            .app
            .client
            .delete(format!("{}/v1/faqs/voucher", self.app.address))
            .header("if-match", "\"99\"");
        let refused = self.send((Method::DELETE, ID), ID, request).await;
        assert_eq!(refused.0, 412);
    }

    async fn questions(&mut self) {
        let ask = |question: &str| json!({ "question": question, "conversation_id": "c1", "channel": "web", "customer_id": "amy" });
        let mut answers = Vec::new();
        for question in [
            "請問退貨後多久可以收到退款？",
            "今天台北天氣如何？",
            "你好",
            "我要找真人客服",
        ] {
            answers.push(self.post("/v1/answers", "/v1/answers", ask(question)).await);
        }
        let burst = json!({
            "question": ["退貨", "要多久？"], "audience": "agent", "strategy": "extractive", "format": "speech", "limit": 5,
            "history": [{ "role": "user", "text": "你好" }, { "role": "agent", "text": "您好" }],
        });
        answers.push(self.post("/v1/answers", "/v1/answers", burst).await);
        self.post("/v1/answers", "/v1/answers", json!({ "question": "" }))
            .await;
        for answer in &answers {
            let path = format!("/v1/answers/{}", id_of(answer));
            self.get("/v1/answers/{id}", &path).await;
        }
        self.other_ecosystems().await;
        let search = json!({ "question": "退款要幾天", "explain": true, "explain_document": "faq-none", "mode": "hybrid", "kinds": ["faq"] });
        self.post("/v1/search", "/v1/search", search).await;
        let document = answers[0]["citations"][0]["document_id"].clone();
        let search = json!({ "question": "退款要幾天", "explain_document": document, "tags": ["x"], "languages": ["en"], "channel": "web" });
        self.post("/v1/search", "/v1/search", search).await;
        for body in [
            json!({ "helpful": false, "reason": "incomplete", "comment": "少了時間", "csat": 2, "customer_id": "amy" }),
            json!({ "agent_action": "edited", "corrected_answer": "退款約 5 個工作天。", "corrected_document_id": document }),
        ] {
            let mut body = body;
            body["answer_id"] = answers[0]["id"].clone();
            self.post("/v1/feedback", "/v1/feedback", body).await;
        }
        self.get("/v1/feedback", "/v1/feedback").await;
        self.get("/v1/questions", "/v1/questions?limit=2").await;
        self.get("/v1/questions", "/v1/questions?reason=odd").await;
        self.get("/v1/conversations/{id}", "/v1/conversations/c1")
            .await;
        let template = "/v1/insights/gap-closures";
        let closed = json!({ "question": "可以刻字嗎", "reason": "out_of_scope" });
        let closed = self.post(template, template, closed).await;
        self.get(template, template).await;
        let template = "/v1/insights/gap-closures/{id}";
        let id = closed["id"].as_str().unwrap().to_owned();
        self.delete(template, &template.replace("{id}", &id)).await;
        for (template, query) in [
            ("/v1/insights/gaps", ""),
            ("/v1/insights/gaps", "?limit=1"),
            ("/v1/insights/knowledge", "?limit=1"),
            ("/v1/insights/summary", "?by=channel"),
            ("/v1/insights/summary", ""),
            ("/v1/insights/knowledge", ""),
            ("/v1/insights/scenes", ""),
        ] {
            self.get(template, &format!("{template}{query}")).await;
        }
        self.delete("/v1/conversations/{id}", "/v1/conversations/c1")
            .await;
    }

    async fn other_ecosystems(&mut self) {
        const CHAT: &str = "/v1/chat/completions";
        for question in ["請問退貨後多久可以收到退款？", "今天台北天氣如何？", "退貨"]
        {
            let messages = json!([
                { "role": "assistant", "content": null },
                { "role": "user", "content": [{ "type": "text", "text": question }] },
            ]);
            let body = json!({
                "model": "ken", "messages": messages, "stream": false, "stream_options": { "include_usage": true },
                "n": 1, "user": "amy", "metadata": { "audience": "agent", "channel": "web", "language": "zh-Hant" },
            });
            self.post(CHAT, CHAT, body).await;
        }
        let unknown =
            json!({ "model": "gpt-4o", "messages": [{ "role": "user", "content": "?" }] });
        self.post(CHAT, CHAT, unknown).await;
        self.post(CHAT, CHAT, json!({ "model": "ken", "messages": [] }))
            .await;
        const EMBEDDINGS: &str = "/v1/embeddings";
        for (input, format) in [
            (json!("退貨"), "base64"),
            (json!(["a", "b"]), "float"),
            (json!([1]), "float"),
        ] {
            let body = json!({ "model": "ken-embedding", "input": input, "encoding_format": format, "input_type": "query" });
            self.post(EMBEDDINGS, EMBEDDINGS, body).await;
        }
        self.get("/v1/models", "/v1/models").await;
        for model in ["ken", "gpt-4o"] {
            let path = format!("/v1/models/{model}");
            self.get("/v1/models/{id}", &path).await;
        }
        const RETRIEVAL: &str = "/dify/retrieval";
        let condition = json!({ "logical_operator": "or", "conditions": [
            { "name": "kind", "comparison_operator": "in", "value": ["faq", "article"] },
            { "name": "title", "comparison_operator": "not empty", "value": null },
            { "name": "updated_at", "comparison_operator": "≥", "value": 1 },
        ] });
        for id in ["default", "none"] {
            let body = json!({
                "knowledge_id": id, "query": "退款要幾天", "metadata_condition": condition,
                "retrieval_setting": { "top_k": 3, "score_threshold": 0.1 },
            });
            self.post(RETRIEVAL, RETRIEVAL, body).await;
        }
    }

    async fn cases(&mut self) {
        let body = json!({ "cases": cases_of("need-34") });
        self.post("/v1/cases", "/v1/cases?wait=distilled", body)
            .await;
        let body = json!({ "id": "one", "channel": "chat", "outcome": "resolved", "csat": 5, "tags": ["pay"], "turns": [
            { "role": "customer", "text": "我是 amy@example.com，可以用禮券買禮物卡嗎？", "at": "2026-01-01T00:00:00Z" },
            { "role": "agent", "text": "禮物卡不能用禮券付款，請改用信用卡。" },
        ] });
        self.post("/v1/cases", "/v1/cases?wait=distilled", body)
            .await;
        let one = cases_of("need-34")[0].clone();
        self.get("/v1/cases/{id}", "/v1/cases/one?reveal=true")
            .await;
        let path = format!("/v1/cases/{}", id_of(&one).replace('/', "%2F"));
        self.get("/v1/cases/{id}", &path).await;
        self.drafts().await;
        self.delete("/v1/cases/{id}", "/v1/cases/one").await;
        self.delete("/v1/cases/{id}", "/v1/cases/none").await;
    }

    async fn drafts(&mut self) {
        const ID: &str = "/v1/drafts/{id}";
        let listed = self.get("/v1/drafts", "/v1/drafts?class=all").await;
        let ids: Vec<String> = listed["drafts"]
            .as_array()
            .unwrap()
            .iter()
            .map(id_of)
            .collect();
        assert!(!ids.is_empty(), "{listed}");
        let path = format!("/v1/drafts/{}", ids[0]);
        self.get(ID, &path).await;
        let edit = json!({ "reviewer": "amy", "tags": ["review"] });
        self.post(ID, &format!("{path}:edit"), edit).await;
        let approve = json!({ "reviewer": "amy", "force": true });
        self.post(ID, &format!("{path}:approve"), approve).await;
        let reject = json!({ "reviewer": "amy", "reason": "wrong" });
        for id in &ids[1..] {
            self.post(ID, &format!("/v1/drafts/{id}:reject"), reject.clone())
                .await;
        }
        self.get("/v1/drafts", "/v1/drafts?state=published&class=all")
            .await;
    }

    async fn settings(&mut self) {
        let settings = json!({
            "level": "strict", "learning": { "four_eyes": false, "auto_publish": [{ "class": "variant", "min_sources": 3 }] },
            "redaction": [{ "kind": "member", "pattern": "VIP-[0-9]+" }],
        });
        self.put("/v1/settings", "/v1/settings", settings).await;
        self.put("/v1/settings", "/v1/settings", json!({ "level": null }))
            .await;
        self.get("/v1/settings", "/v1/settings").await;
        self.put(
            "/v1/synonyms",
            "/v1/synonyms",
            json!({ "groups": [["禮券", "商品券"]] }),
        )
        .await;
        self.get("/v1/synonyms", "/v1/synonyms").await;
        const JUDGED: &str = "/v1/judged-questions/{id}";
        let judged =
            json!({ "question": "退款要幾天？", "outcome": "answered", "contains": "工作天" });
        self.put(JUDGED, "/v1/judged-questions/q1", judged).await;
        self.get("/v1/judged-questions", "/v1/judged-questions")
            .await;
        let foreign =
            json!({ "question": "今天台北天氣如何？", "outcome": "refused", "kind": "foreign" });
        self.put(JUDGED, "/v1/judged-questions/q2", foreign).await;
        const RUNS: &str = "/v1/judged-runs";
        let run = self.post(RUNS, RUNS, Value::Null).await;
        self.app.finish_run(&id_of(&run), self.key.as_deref()).await;
        self.get(RUNS, RUNS).await;
        self.get("/v1/judged-runs/{id}", &format!("{RUNS}/{}", id_of(&run)))
            .await;
        self.get("/v1/judged-runs/{id}", "/v1/judged-runs/none")
            .await;
        for id in ["q1", "q2", "q2"] {
            self.delete(JUDGED, &format!("/v1/judged-questions/{id}"))
                .await;
        }
        self.post(RUNS, RUNS, Value::Null).await;
        let review = Review {
            id: "rev_1".into(),
            kind: "conflict".into(),
            document_ids: vec!["a".into(), "b".into()],
            detail: "7 against 14".into(),
        };
        let (store, workspace) = (&self.app.app.store, default_workspace());
        store.open_review(&workspace, &review).await.unwrap();
        self.get("/v1/reviews", "/v1/reviews").await;
        self.delete("/v1/reviews/{id}", "/v1/reviews/rev_1").await;
        self.get("/v1/dead-letters", "/v1/dead-letters").await;
        self.get("/readyz", "/readyz").await;
        self.get("/v1/workspaces", "/v1/workspaces").await;
        self.get("/v1/config", "/v1/config").await;
        self.post("/v1/backups", "/v1/backups", Value::Null).await;
        self.app.finish_backup().await;
        self.get("/v1/backups", "/v1/backups").await;
        self.get("/v1/doctor", "/v1/doctor").await;
    }

    async fn experiments(&mut self) {
        const ID: &str = "/v1/experiments/{id}";
        let plan = json!({ "id": "e1", "faq_id": "voucher", "arms": [{ "name": "live" }, { "name": "short", "answer": "可以。" }] });
        self.post("/v1/experiments", "/v1/experiments", plan).await;
        let plan = json!({ "id": "e2", "arms": [{ "name": "live" }, { "name": "bold", "tuning": { "min_confidence": 0.4 } }], "alpha": 0.1 });
        self.post("/v1/experiments", "/v1/experiments", plan).await;
        self.get("/v1/experiments", "/v1/experiments").await;
        for id in ["e1", "e2"] {
            let body = json!({ "reviewer": "amy" });
            self.post(ID, &format!("/v1/experiments/{id}:stop"), body)
                .await;
        }
        self.post("/v1/tuning/learn", "/v1/tuning/learn", json!({}))
            .await;
        let tunings = TuningHistory {
            in_force: Tuning {
                min_confidence: Some(0.4),
                ..Tuning::default()
            },
            earlier: vec![Tuning::default()],
        };
        let store = &self.app.app.store;
        let workspace = default_workspace();
        let set = store.set_setting(&workspace, TuningHistory::NAME, Some(&tunings));
        set.await.unwrap();
        self.get("/v1/tuning", "/v1/tuning").await;
        self.post("/v1/tuning/rollback", "/v1/tuning/rollback", json!({}))
            .await;
    }

    async fn desk(&mut self) {
        const INBOX: &str = "/v1/inboxes/{id}";
        const MESSAGES: &str = "/v1/inboxes/{id}/messages";
        let settings = json!({
            "mode": "live", "callback_url": "https://bot.example.com/", "audience": ["vip"], "channel": "web", "burst_ms": 0,
            "reopen_hours": 1, "return_to_bot_hours": null, "keep_days": 30, "window_hours": 24, "auto_send_level": "strict",
        });
        let body = json!({ "channel": "generic", "name": "Shop", "settings": settings, "secrets": { "identity_key": null } });
        self.put(INBOX, "/v1/inboxes/shop", body.clone()).await;
        self.put(INBOX, "/v1/inboxes/shop", body).await;
        self.put(
            INBOX,
            "/v1/inboxes/shop",
            json!({ "channel": "phone", "name": "" }),
        )
        .await;
        self.get(INBOX, "/v1/inboxes/shop").await;
        let line =
            json!({ "channel": "line", "name": "LINE", "secrets": { "channel_secret": "x" } });
        self.put(INBOX, "/v1/inboxes/line", line).await;
        self.post(INBOX, "/v1/inboxes/line:test", Value::Null).await;
        self.post(INBOX, "/v1/inboxes/shop:test", Value::Null).await;
        self.delete(INBOX, "/v1/inboxes/line").await;
        self.get(INBOX, "/v1/inboxes/none").await;
        self.get("/v1/inboxes", "/v1/inboxes").await;
        let path = "/v1/inboxes/shop/messages";
        let sender = json!({ "user_id": "mei", "name": "Mei", "email": "mei@example.com" });
        let mut said = Value::Null;
        for (user, id, more) in [
            (
                "mei",
                "m1",
                json!({ "text": "您好", "revision": 1, "is_final": true }),
            ),
            (
                "ann",
                "m2",
                json!({ "parts": [{ "type": "location", "latitude": 25.0, "longitude": 121.5 }], "at": "2026-01-01T00:00:00Z" }),
            ),
        ] {
            let mut body = json!({ "type": "message", "id": id, "sender": { "user_id": user } });
            body.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            said = self.post(MESSAGES, path, body).await;
        }
        let echo = json!({ "type": "echo", "id": "e1", "sender": sender, "text": "我來幫您" });
        let echoed = self.post(MESSAGES, path, echo).await;
        for body in [
            json!({ "type": "delivery", "id": "d1", "message_id": echoed["message_id"], "state": "read" }),
            json!({ "type": "consent", "id": "c1", "sender": sender, "purpose": "marketing", "granted": true }),
            json!({ "type": "alias", "id": "a1", "sender": sender, "user_id": "mei2" }),
            json!({ "type": "message", "id": "", "sender": {} }),
        ] {
            self.post(MESSAGES, path, body).await;
        }
        self.get(MESSAGES, "/v1/inboxes/shop/messages?limit=1")
            .await;
        const SHADOW: &str = "/v1/inboxes/{id}/shadow-report";
        self.get(SHADOW, "/v1/inboxes/shop/shadow-report").await;
        self.get(SHADOW, "/v1/inboxes/shop/shadow-report?days=0")
            .await;
        const LIST: &str = "/v1/conversations";
        self.get(LIST, "/v1/conversations?limit=1&status=open")
            .await;
        const ONE: &str = "/v1/conversations/{id}";
        let id = echoed["conversation_id"].as_str().unwrap().to_owned();
        let path = format!("/v1/conversations/{id}");
        let found = self.get(ONE, &path).await;
        let action = |action: &str| format!("{path}:{action}");
        self.post(ONE, &action("assign"), json!({ "to": "amy" }))
            .await;
        self.post(
            ONE,
            &action("snooze"),
            json!({ "until": "2199-01-01T00:00:00Z" }),
        )
        .await;
        self.post(ONE, &action("dance"), json!({})).await;
        const TEXTS: &str = "/v1/conversations/{id}/messages";
        let texts = format!("{path}/messages");
        self.post(TEXTS, &texts, json!({ "text": "好的", "is_note": true }))
            .await;
        self.post(TEXTS, &texts, json!({ "text": "" })).await;
        const FILES: &str = "/v1/attachments";
        let file = self
            .post(FILES, "/v1/attachments?name=a.txt", json!("the lock beeps"))
            .await;
        self.post(TEXTS, &texts, json!({ "parts": [file] })).await;
        self.post(FILES, "/v1/attachments?name=", json!("text"))
            .await;
        self.get(TEXTS, &format!("{texts}?limit=1")).await;
        const CUSTOMER: &str = "/v1/customers/{id}";
        self.get("/v1/customers", "/v1/customers?limit=1").await;
        let mei = found["desk"]["identity_id"].as_str().unwrap().to_owned();
        let path = format!("/v1/customers/{mei}");
        self.get(CUSTOMER, &path).await;
        let other = format!("{LIST}/{}", said["conversation_id"].as_str().unwrap());
        let other = self.get(ONE, &other).await["desk"]["identity_id"].clone();
        let with = json!({ "identity_id": other });
        self.post(CUSTOMER, &format!("{path}:merge"), with.clone())
            .await;
        self.post(CUSTOMER, &format!("{path}:merge"), with.clone())
            .await;
        self.post(CUSTOMER, &format!("{path}:split"), with).await;
        self.get(
            "/v1/customers/{id}/timeline",
            &format!("{path}/timeline?limit=200"),
        )
        .await;
        self.get("/v1/customers/{id}/export", &format!("{path}/export"))
            .await;
        self.delete(CUSTOMER, &path).await;
        let body = json!({ "channel": "web", "name": "Site" });
        self.put(INBOX, "/v1/inboxes/site", body).await;
        const SESSIONS: &str = "/v1/chat/sessions";
        let opened = self
            .post(
                SESSIONS,
                SESSIONS,
                json!({ "inbox_id": "site", "name": "Mei" }),
            )
            .await;
        self.post(SESSIONS, SESSIONS, json!({ "inbox_id": "none" }))
            .await;
        let key = self.key.take();
        self.key = opened["session"].as_str().map(str::to_owned);
        const CHAT: &str = "/v1/chat/messages";
        self.post(CHAT, CHAT, json!({ "id": "1", "text": "您好" }))
            .await;
        let file = "/v1/chat/attachments?id=2&name=a.txt";
        self.post("/v1/chat/attachments", file, json!("it beeps"))
            .await;
        self.get(CHAT, "/v1/chat/messages?limit=1").await;
        self.key = Some("nobody".into());
        self.get(CHAT, CHAT).await;
        self.key = key;
        self.delete(INBOX, "/v1/inboxes/site").await;
    }

    async fn webhooks(&mut self) {
        const WEBHOOK: &str = "/v1/webhooks/{id}";
        let url = "http://127.0.0.1:9/hook";
        let body = json!({ "url": url, "types": ["answer.created"] });
        self.put(WEBHOOK, "/v1/webhooks/crm", body.clone()).await;
        self.put(WEBHOOK, "/v1/webhooks/crm", body).await;
        let wrong = json!({ "url": "http://10.0.0.1/", "types": [] });
        self.put(WEBHOOK, "/v1/webhooks/crm", wrong).await;
        for action in ["test", "rotate-secret", "replay"] {
            let path = format!("/v1/webhooks/crm:{action}");
            self.post(WEBHOOK, &path, json!({})).await;
        }
        self.get(WEBHOOK, "/v1/webhooks/crm").await;
        self.get("/v1/webhooks", "/v1/webhooks").await;
        let events = "/v1/webhooks/{id}/events";
        self.get(events, "/v1/webhooks/crm/events").await;
        self.delete(WEBHOOK, "/v1/webhooks/crm").await;
        self.get(WEBHOOK, "/v1/webhooks/crm").await;
    }

    async fn keys(&mut self) {
        let body = json!({ "role": "operator", "name": "root" });
        let made = self.post("/v1/keys", "/v1/keys", body).await;
        self.key = made["key"].as_str().map(str::to_owned);
        const SESSION: &str = "/v1/session";
        self.get(SESSION, SESSION).await;
        self.post(SESSION, SESSION, json!({ "key": made["key"] }))
            .await;
        self.delete(SESSION, "/v1/session?everywhere=true").await;
        let body = json!({ "role": "bot", "name": "web", "networks": ["10.0.0.0/8"], "expires_at": "2999-01-01T00:00:00Z" });
        let made = self.post("/v1/keys", "/v1/keys", body).await;
        self.get("/v1/keys", "/v1/keys").await;
        let path = format!("/v1/keys/{}", id_of(&made));
        self.delete("/v1/keys/{id}", &path).await;
        self.get("/readyz", "/readyz").await;
        self.get("/v1/audit", "/v1/audit?limit=1000").await;
        self.delete("/v1/workspaces/{id}", "/v1/workspaces/default")
            .await;
        self.key = Some("nobody".into());
        self.get("/v1/audit", "/v1/audit").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_match_their_schemas() {
    let mut compared = Compared::start().await;
    compared.documents().await;
    compared.faqs().await;
    compared.questions().await;
    compared.cases().await;
    compared.settings().await;
    compared.experiments().await;
    compared.desk().await;
    compared.webhooks().await;
    compared.keys().await;
    assert_eq!(compared.faults, [""; 0], "{}", compared.faults.join("\n"));
    let operations = compared.document.operations();
    let all: BTreeSet<String> = operations
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    let left: Vec<&String> = all.difference(&compared.called).collect();
    assert_eq!(left, NOT_CALLED.iter().collect::<Vec<_>>());
    compared.app.stop().await;
}
