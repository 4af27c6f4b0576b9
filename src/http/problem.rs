//! Errors as problem details (RFC 9457): every failure of the API and its OpenAPI documentation.

use std::any::Any;
use std::num::NonZeroU32;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::{Content, OpenApi, Ref, RefOr};

use super::error_shapes::ErrorShape;
use super::schema_enums;
use ken_answer::answer::AnswerError;
use ken_base::domain::InvalidQuestion;
use ken_knowledge::editing::impact::AlteredAnswer;
use ken_search::embed::EmbedError;
use ken_search::retrieve::RetrieveError;
use ken_store::store::StoreError;

/// An error (RFC 9457). `type` is stable: branch on it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// A stable path, for example `/problems/invalid-value`.
    #[serde(rename = "type")]
    #[schema(value_type = schema_enums::ProblemType)]
    pub kind: &'static str,
    /// The failure in a few words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The cause and the remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub detail: Option<Box<str>>,
    /// Every invalid value (422), every value that the caller may not send (403), a value that names
    /// a missing resource (404), or every judged question, wording or
    /// document that blocks the change (409).
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<Fault>)]
    pub errors: Box<[Fault]>,
    /// The judged questions that the change would break (409), with the answers now and then.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<AlteredAnswer>)]
    pub broken: Box<[AlteredAnswer]>,
    /// The live version of the document (412), to compare it with what was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<Box<CurrentVersion>>,
    /// The request's id; the service's log has the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    #[serde(skip)]
    retry_after_s: Option<NonZeroU32>,
}

/// The live version of a document that was expected to have another one.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CurrentVersion {
    /// The document's id.
    pub document_id: String,
    /// The live version; null if the document does not exist or was deleted.
    pub version: Option<i64>,
    /// Who last wrote, archived or deleted it; null if the audit log has no entry.
    pub changed_by: Option<String>,
    /// When that was; null if the audit log has no entry.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub changed_at: Option<Timestamp>,
}

/// One invalid value.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Fault {
    /// A JSON pointer into the body (RFC 6901), or a query parameter as `?name`.
    pub pointer: String,
    /// The problem.
    pub detail: String,
}

impl Fault {
    /// The fault of a text that does not have 1 to `most` characters without outer blanks; `None` if it has.
    pub fn bounded(pointer: &str, text: &str, most: usize) -> Option<Self> {
        let n = text.trim().chars().count();
        let detail = || format!("expected 1 to {most} characters, found {n}");
        (!(1..=most).contains(&n)).then(|| Self::new(pointer, detail()))
    }

    /// A fault at a JSON pointer or query parameter.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }
}

impl Problem {
    fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            title,
            status: status.as_u16(),
            detail: Some(detail.into().into_boxed_str()),
            errors: Box::default(),
            broken: Box::default(),
            current: None,
            request_id: None,
            retry_after_s: None,
        }
    }

    /// 400: the body is not valid JSON.
    pub fn not_json(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "/problems/not-json",
            "Invalid JSON",
            detail,
        )
    }

    /// 422: one or more values are invalid.
    pub fn invalid(errors: Vec<Fault>) -> Self {
        let mut problem = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "/problems/invalid-value",
            "Invalid value",
            "see errors",
        );
        problem.detail = None;
        problem.errors = errors.into();
        problem
    }

    /// The problem of a value, as one of the member `name` of the object at `pointer`.
    pub fn within(mut self, pointer: &str, name: &str) -> Self {
        let name = name.replace('~', "~0").replace('/', "~1");
        for fault in &mut self.errors {
            fault.pointer = format!("{pointer}/{name}{}", fault.pointer);
        }
        self
    }

    /// 401: no valid key or token.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "/problems/unauthorized",
            "Authentication required",
            detail,
        )
    }

    /// 403: the caller lacks the right.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "/problems/forbidden",
            "Insufficient permissions",
            detail,
        )
    }

    /// 403: a page of another site may have made the request.
    pub fn cross_site(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "/problems/cross-site",
            "Cross-site request refused",
            detail,
        )
    }

    /// Whether the sender has no valid key, token or session.
    pub fn is_unauthorized(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }

    /// 403: the caller lacks the right to send these values.
    pub fn forbidden_values(detail: impl Into<String>, errors: Vec<Fault>) -> Self {
        Self {
            errors: errors.into(),
            ..Self::forbidden(detail)
        }
    }

    /// 404: the resource does not exist.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "/problems/not-found",
            "Resource not found",
            detail,
        )
    }

    /// 404: a value of the request names a resource that does not exist.
    pub fn no_such_value(pointer: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let mut problem = Self::not_found(detail.clone());
        problem.errors = vec![Fault::new(pointer, detail)].into();
        problem
    }

    /// 405: the resource does not support the method.
    pub fn method_not_allowed() -> Self {
        let detail = "this path does not support the method; see /docs";
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "/problems/method-not-allowed",
            "Method not allowed",
            detail,
        )
    }

    /// 409: the current state does not allow it.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "/problems/conflict",
            "Conflict with the current state",
            detail,
        )
    }

    /// 409: documents of an import were changed after it.
    pub fn changed_since_import(errors: Vec<Fault>) -> Self {
        let mut problem = Self::new(
            StatusCode::CONFLICT,
            "/problems/changed-since-import",
            "Documents were changed after the import",
            "see errors; set partial to undo the others",
        );
        problem.errors = errors.into();
        problem
    }

    /// 412: the document has another version than the request expects.
    pub fn version_mismatch(detail: impl Into<String>, current: CurrentVersion) -> Self {
        let mut problem = Self::new(
            StatusCode::PRECONDITION_FAILED,
            "/problems/version-mismatch",
            "The document has another version",
            detail,
        );
        problem.current = Some(Box::new(current));
        problem
    }

    /// 413: the body or a file is too large.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "/problems/too-large",
            "Request body too large",
            detail,
        )
    }

    /// 415: the body is not JSON.
    pub fn unsupported_media_type() -> Self {
        let detail = "send the body as application/json";
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "/problems/unsupported-media-type",
            "Unsupported media type",
            detail,
        )
    }

    /// 415: the format of the file is unknown.
    pub fn unsupported_file_type() -> Self {
        let detail = format!(
            "supported formats: {}; send multipart/form-data, or set the file name",
            ken_ingest::ingest::FORMATS
        );
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "/problems/unsupported-media-type",
            "Unsupported media type",
            detail,
        )
    }

    /// 409: judged questions would be answered wrongly after the change.
    pub fn would_break(errors: Vec<Fault>, broken: Vec<AlteredAnswer>) -> Self {
        let mut problem = Self::new(
            StatusCode::CONFLICT,
            "/problems/breaks-judged-questions",
            "Judged questions would break",
            "see errors; set force to write anyway",
        );
        problem.errors = errors.into();
        problem.broken = broken.into();
        problem
    }

    /// 409: wordings collide with other documents.
    pub fn collides(errors: Vec<Fault>) -> Self {
        let mut problem = Self::new(
            StatusCode::CONFLICT,
            "/problems/wording-collides",
            "Wording belongs to another FAQ",
            "see errors; remove the wording with :edit, or set force",
        );
        problem.errors = errors.into();
        problem
    }

    /// 429: the service is overloaded.
    pub fn overloaded(detail: impl Into<String>) -> Self {
        let mut problem = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "/problems/overloaded",
            "Service overloaded",
            detail,
        );
        problem.retry_after_s = NonZeroU32::new(1);
        problem
    }

    /// 429: the key or address has exceeded a limit; `wait` is the time until the next request.
    pub fn too_many(wait: Duration, more: &str) -> Self {
        let seconds = u32::try_from(wait.as_secs() + 1).unwrap_or(u32::MAX);
        let mut problem = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "/problems/too-many-requests",
            "Rate limit exceeded",
            format!("retry in {seconds} s{more}"),
        );
        problem.retry_after_s = NonZeroU32::new(seconds);
        problem
    }

    /// 503: a component is unavailable.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        let mut problem = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "/problems/unavailable",
            "Service unavailable",
            detail,
        );
        problem.retry_after_s = NonZeroU32::new(5);
        problem
    }

    /// The request exceeded its time limit `after`.
    pub fn timed_out(after: Duration) -> Self {
        let mut problem = Self::unavailable(format!(
            "exceeded http.timeout_ms ({} ms)",
            after.as_millis()
        ));
        problem.kind = "/problems/timed-out";
        problem.title = "Request timed out";
        problem
    }

    /// 500: an internal error. The details are logged and not returned.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "request failed");
        let detail = "see the service log for this request_id";
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "/problems/internal",
            "Internal error",
            detail,
        )
    }
}

impl From<InvalidQuestion> for Problem {
    fn from(error: InvalidQuestion) -> Self {
        let pointer = match error {
            InvalidQuestion::Empty | InvalidQuestion::TooLong { .. } => "/question",
            InvalidQuestion::Limit { .. } => "/limit",
        };
        Self::invalid(vec![Fault::new(pointer, error.to_string())])
    }
}

impl From<RetrieveError> for Problem {
    fn from(error: RetrieveError) -> Self {
        match error {
            RetrieveError::Embed(EmbedError::Overloaded { .. }) => {
                Self::overloaded("encoder queue is full")
            }
            RetrieveError::Embed(error) => {
                tracing::error!(%error, "encoder unavailable");
                Self::unavailable("encoder unavailable; retry later")
            }
            error => Self::internal(&error),
        }
    }
}

impl From<AnswerError> for Problem {
    fn from(error: AnswerError) -> Self {
        match error {
            AnswerError::Question(error) => error.into(),
            AnswerError::Retrieve(error) => error.into(),
            AnswerError::KeyReused => {
                Self::conflict("Idempotency-Key was already used with a different question")
            }
            AnswerError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if error.is_unwritable() {
            tracing::error!(%error, "store is not writable");
            return Self::unavailable("store is not writable: disk full, read-only or failing");
        }
        match error {
            StoreError::Gone(workspace) => {
                Self::not_found(format!("workspace {workspace} was deleted"))
            }
            error => Self::internal(&error),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.get()));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            // The rest of the body is not read, so the connection cannot be reused (RFC 9110, 15.5.14).
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Documents the error responses of every operation.
pub fn documented(mut document: OpenApi) -> OpenApi {
    const OF_ALL: [(&str, &str); 9] = [
        ("400", "The body is not valid JSON"),
        ("401", "Authentication required"),
        ("403", "Insufficient permissions"),
        ("404", "Resource not found"),
        ("413", "Request body too large"),
        ("415", "Unsupported media type"),
        ("422", "Invalid value"),
        (
            "429",
            "Rate limit exceeded or service overloaded; retry after `Retry-After` seconds",
        ),
        ("503", "Service unavailable"),
    ];
    for (path, item) in &mut document.paths.paths {
        let shape = ErrorShape::of(path);
        let (kind, schema) = match shape {
            None => ("application/problem+json", "Problem"),
            Some(shape) => ("application/json", shape.schema()),
        };
        let problem = || {
            let schema = Ref::from_schema_name(schema);
            Content::builder().schema(Some(schema)).build()
        };
        let methods = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.delete,
        ];
        for operation in methods.into_iter().flatten() {
            let responses = &mut operation.responses.responses;
            if path.starts_with("/v1/") || path == "/metrics" || shape.is_some() {
                // Other ecosystems know 400 for an invalid value.
                let all = OF_ALL.into_iter();
                let known = all.filter(|(status, _)| shape.is_none() || *status != "422");
                for (status, description) in known {
                    responses
                        .entry(status.to_owned())
                        .or_insert_with(|| utoipa::openapi::Response::new(description).into());
                }
            }
            for (status, response) in responses {
                let RefOr::T(response) = response else {
                    continue;
                };
                // A 503 of /readyz has its own body.
                if status.as_str() >= "400" && path != "/readyz" {
                    response.content = [(kind.to_owned(), RefOr::T(problem()))].into();
                }
            }
        }
    }
    document
}

/// Middleware that adds the request's id to a problem's body.
pub async fn name_request(request: Request, next: Next) -> Response {
    let id = request
        .headers()
        .get("x-request-id")
        .and_then(|id| id.to_str().ok())
        .map(str::to_owned);
    let mut response = next.run(request).await;
    if let Some(mut problem) = response.extensions_mut().remove::<Problem>() {
        problem.request_id = id;
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = Body::from(body);
    }
    response
}

/// Turns a panic in a handler into a 500.
pub fn from_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    Problem::internal(&format!("panic: {text}")).into_response()
}
