//! Errors in the shapes of other ecosystems: the routes that OpenAI's clients and Dify call return their errors, not
//! problems.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::problem::Problem;

/// The shape of a route's errors, if it is not that of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorShape {
    OpenAi,
    Dify,
}

impl ErrorShape {
    /// The shape of the errors of a path; `None` for problems.
    pub fn of(path: &str) -> Option<Self> {
        match path {
            "/v1/chat/completions" | "/v1/embeddings" | "/v1/models" => Some(Self::OpenAi),
            "/dify/retrieval" => Some(Self::Dify),
            path if path.starts_with("/v1/models/") => Some(Self::OpenAi),
            _ => None,
        }
    }

    /// The name of the error's schema in the OpenAPI document.
    pub fn schema(self) -> &'static str {
        match self {
            Self::OpenAi => "OpenAiErrorResponse",
            Self::Dify => "DifyErrorResponse",
        }
    }
}

/// An error in OpenAI's shape.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenAiErrorResponse {
    /// The error.
    pub error: OpenAiError,
}

/// The cause of an error, for people and for programs.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenAiError {
    /// The cause and the remedy.
    pub message: String,
    /// `invalid_request_error`, `authentication_error`, `permission_error`, `rate_limit_error` or `server_error`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The field that is wrong, for example `messages[0].content`.
    pub param: Option<String>,
    /// `invalid_api_key`, `insufficient_permissions`, `model_not_found`, `invalid_value`, `invalid_json`,
    /// `unsupported_media_type`, `request_too_large`, `method_not_allowed`, `not_found`, `conflict`, `rate_limit_exceeded`,
    /// `overloaded`, `timeout`, `unavailable` or `internal_error`.
    pub code: &'static str,
}

impl OpenAiErrorResponse {
    /// The error of a problem.
    pub fn of(problem: &Problem) -> Self {
        let param = problem.errors.first().map(|fault| field(&fault.pointer));
        let param = param.filter(|param| !param.is_empty());
        let (kind, code) = match (problem.status, problem.kind) {
            (401, _) => ("authentication_error", "invalid_api_key"),
            (403, _) => ("permission_error", "insufficient_permissions"),
            (404, _) if param.as_deref() == Some("model") => {
                ("invalid_request_error", "model_not_found")
            }
            (404, _) => ("invalid_request_error", "not_found"),
            (405, _) => ("invalid_request_error", "method_not_allowed"),
            (409, _) => ("invalid_request_error", "conflict"),
            (413, _) => ("invalid_request_error", "request_too_large"),
            (415, _) => ("invalid_request_error", "unsupported_media_type"),
            (400, _) => ("invalid_request_error", "invalid_json"),
            (429, "/problems/overloaded") => ("rate_limit_error", "overloaded"),
            (429, _) => ("rate_limit_error", "rate_limit_exceeded"),
            (_, "/problems/timed-out") => ("server_error", "timeout"),
            (503, _) => ("server_error", "unavailable"),
            (500.., _) => ("server_error", "internal_error"),
            _ => ("invalid_request_error", "invalid_value"),
        };
        Self {
            error: OpenAiError {
                message: message(problem),
                kind,
                param,
                code,
            },
        }
    }
}

/// An error in Dify's shape.
#[derive(Debug, Serialize, ToSchema)]
pub struct DifyErrorResponse {
    /// 1001: no key as `Authorization: Bearer`. 1002: the key is invalid or lacks the right. 2001: the key has no such
    /// knowledge. Otherwise the HTTP status.
    pub error_code: u16,
    /// The cause and the remedy.
    pub error_msg: String,
}

/// `/messages/0/content` → `messages[0].content`.
fn field(pointer: &str) -> String {
    let mut field = String::new();
    for part in pointer.split('/').filter(|part| !part.is_empty()) {
        match part.parse::<usize>() {
            Ok(at) => field.push_str(&format!("[{at}]")),
            Err(_) if field.is_empty() => field.push_str(part),
            Err(_) => field.push_str(&format!(".{part}")),
        }
    }
    field
}

/// A problem in one line.
fn message(problem: &Problem) -> String {
    let faults = problem.errors.iter();
    let faults = faults.map(|fault| match field(&fault.pointer) {
        at if at.is_empty() => fault.detail.clone(),
        at => format!("{at}: {}", fault.detail),
    });
    let faults: Vec<String> = faults.collect();
    match (&problem.detail, faults.is_empty()) {
        (_, false) => faults.join("; "),
        (Some(detail), true) => format!("{}: {detail}", problem.title),
        (None, true) => problem.title.to_owned(),
    }
}

/// Whether a request has a bearer token.
fn has_bearer(headers: &HeaderMap) -> bool {
    let header = headers.get(header::AUTHORIZATION);
    let parts = header.and_then(|value| value.to_str().ok()?.split_once(' '));
    parts.is_some_and(|(scheme, token)| {
        scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty()
    })
}

/// The status and body of a problem in a shape. Both ecosystems treat an invalid value as 400. Dify reads 404 as a wrong
/// address and 403 as a wrong key.
fn translated(problem: &Problem, shape: ErrorShape, has_bearer: bool) -> (u16, Vec<u8>) {
    let status = match problem.status {
        422 => 400,
        status => status,
    };
    let (status, body) = match shape {
        ErrorShape::OpenAi => (status, json!(OpenAiErrorResponse::of(problem))),
        ErrorShape::Dify => {
            let (status, error_code) = match status {
                401 if !has_bearer => (401, 1001),
                401 | 403 => (403, 1002),
                404 => (400, 2001),
                status => (status, status),
            };
            let error_msg = message(problem);
            let error = DifyErrorResponse {
                error_code,
                error_msg,
            };
            (status, json!(error))
        }
    };
    (status, body.to_string().into_bytes())
}

/// Middleware that returns the errors of these routes in the shape that their clients read.
pub async fn translate(request: Request, next: Next) -> Response {
    let Some(shape) = ErrorShape::of(request.uri().path()) else {
        return next.run(request).await;
    };
    let has_bearer = has_bearer(request.headers());
    let mut response = next.run(request).await;
    let Some(problem) = response.extensions_mut().remove::<Problem>() else {
        return response;
    };
    let (status, body) = translated(&problem, shape, has_bearer);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    *response.body_mut() = Body::from(body);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::problem::Fault;

    #[test]
    fn fields_are_written_as_paths() {
        for (pointer, expected) in [
            ("", ""),
            ("/model", "model"),
            ("/messages/0/content/12", "messages[0].content[12]"),
            ("/metadata/audience", "metadata.audience"),
        ] {
            assert_eq!(field(pointer), expected, "{pointer}");
        }
    }

    #[test]
    fn dify_statuses_tell_key_and_address_apart() {
        let invalid = Problem::invalid(vec![Fault::new("/query", "missing")]);
        for (problem, has_bearer, expected) in [
            (Problem::unauthorized("x"), false, (401, 1001)),
            (Problem::unauthorized("x"), true, (403, 1002)),
            (Problem::forbidden("x"), true, (403, 1002)),
            (Problem::not_found("x"), true, (400, 2001)),
            (invalid, true, (400, 400)),
            (Problem::overloaded("x"), true, (429, 429)),
        ] {
            let (status, body) = translated(&problem, ErrorShape::Dify, has_bearer);
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let code = body["error_code"].as_u64().unwrap();
            assert_eq!(
                (u64::from(status), code),
                (expected.0, expected.1),
                "{body}"
            );
        }
    }
}
