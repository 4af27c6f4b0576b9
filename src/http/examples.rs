//! Adds examples of requests and replies to the OpenAPI document, one file per operation.

use serde::Deserialize;
use serde_json::Value;
use utoipa::openapi::example::Example;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{Content, HttpMethod, OpenApi, PathItem, RefOr};

/// A file of `examples/`.
#[derive(Deserialize)]
struct ExampleFile {
    /// What the example shows.
    summary: String,
    /// The request's body, if it has one.
    request: Option<Value>,
    /// The content type of `request`; JSON by default.
    request_type: Option<String>,
    /// The status of `reply`.
    status: u16,
    reply: Value,
}

const FILES: [(HttpMethod, &str, &str, &str); 12] = [
    (
        HttpMethod::Post,
        "/v1/answers",
        "answered",
        include_str!("examples/answers.json"),
    ),
    (
        HttpMethod::Post,
        "/v1/answers",
        "refused",
        include_str!("examples/answers_refused.json"),
    ),
    (
        HttpMethod::Post,
        "/v1/search",
        "search",
        include_str!("examples/search.json"),
    ),
    (
        HttpMethod::Put,
        "/v1/documents/{id}",
        "document",
        include_str!("examples/document.json"),
    ),
    (
        HttpMethod::Post,
        "/v1/documents:upload",
        "upload",
        include_str!("examples/upload.json"),
    ),
    (
        HttpMethod::Post,
        "/v1/faqs:import",
        "import",
        include_str!("examples/faq_import.json"),
    ),
    (
        HttpMethod::Put,
        "/v1/faqs/{id}",
        "faq",
        include_str!("examples/faq.json"),
    ),
    (
        HttpMethod::Post,
        "/v1/cases",
        "case",
        include_str!("examples/cases.json"),
    ),
    (
        HttpMethod::Get,
        "/v1/drafts",
        "drafts",
        include_str!("examples/drafts.json"),
    ),
    (
        HttpMethod::Post,
        "/v1/drafts/{id}",
        "approve",
        include_str!("examples/draft_approve.json"),
    ),
    (
        HttpMethod::Post,
        "/v1/feedback",
        "feedback",
        include_str!("examples/feedback.json"),
    ),
    (
        HttpMethod::Get,
        "/v1/insights/gaps",
        "gaps",
        include_str!("examples/gaps.json"),
    ),
];

/// Adds each example to its operation.
pub fn add(mut document: OpenApi) -> OpenApi {
    for (method, path, name, text) in FILES {
        let file: ExampleFile = serde_json::from_str(text).expect("a test reads the examples");
        let item = document.paths.paths.get_mut(path);
        let operation = item.and_then(|item| operation(item, &method));
        let operation = operation.expect("a test reads the examples");
        if let (Some(request), Some(RefOr::T(body))) = (&file.request, &mut operation.request_body)
        {
            let kind = file.request_type.as_deref().unwrap_or("application/json");
            show(body.content.get_mut(kind), name, &file.summary, request);
        }
        let status = file.status.to_string();
        if let Some(RefOr::T(response)) = operation.responses.responses.get_mut(&status) {
            let content = response.content.get_mut("application/json");
            show(content, name, &file.summary, &file.reply);
        }
    }
    document
}

fn operation<'a>(item: &'a mut PathItem, method: &HttpMethod) -> Option<&'a mut Operation> {
    match method {
        HttpMethod::Get => item.get.as_mut(),
        HttpMethod::Put => item.put.as_mut(),
        _ => item.post.as_mut(),
    }
}

fn show(content: Option<&mut RefOr<Content>>, name: &str, summary: &str, value: &Value) {
    if let Some(RefOr::T(content)) = content {
        let example = Example::builder()
            .summary(summary)
            .value(Some(value.clone()))
            .build();
        content.examples.insert(name.to_owned(), example.into());
    }
}
