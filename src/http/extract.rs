//! Extractors and parsers for bodies, query parameters, paths and headers. Every failure is a [`Problem`].

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio_stream::StreamExt;
use utoipa::ToSchema;

use super::AppState;
use super::problem::{Fault, Problem};
use crate::app::default_workspace;
use ken_base::domain::Principal;
use ken_base::domain::{DocumentId, WorkspaceId};

/// A JSON body. A failure is a [`Problem`] with the place of the fault.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let is_json = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| {
                value
                    .split(';')
                    .next()
                    .is_some_and(|kind| kind.trim().ends_with("json"))
            });
        if !is_json {
            return Err(Problem::unsupported_media_type());
        }
        let max = state.app.config.http.max_body_bytes;
        let bytes = read(request.into_body(), max).await?;
        parse(&bytes).map(Self)
    }
}

/// How many times `max` bytes of a too long body are read and dropped.
const MAX_DROPPED: usize = 8;

/// Reads a body of at most `max` bytes. The rest of a longer one is read and dropped: otherwise a client that writes
/// everything before it reads would see a connection reset instead of the reply.
pub async fn read(body: Body, max: usize) -> Result<Vec<u8>, Problem> {
    let mut stream = body.into_data_stream();
    let (mut bytes, mut length) = (Vec::new(), 0);
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|error| Problem::not_json(error.to_string()))?;
        length += piece.len();
        if length > max * MAX_DROPPED {
            break;
        }
        if length <= max {
            bytes.extend_from_slice(&piece);
        }
    }
    match length <= max {
        true => Ok(bytes),
        false => Err(Problem::too_large(format!("expected at most {max} bytes"))),
    }
}

/// Parses a JSON body.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // Serde also accepts a list of field values for an object.
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'[') && serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok() {
        let fault = Fault::new("", "expected an object, found a list");
        return Err(Problem::invalid(vec![fault]));
    }
    const NUL: &[u8] = b"\\u0000";
    if bytes.windows(NUL.len()).any(|some| some == NUL)
        && let Ok(mut value) = serde_json::from_slice(bytes)
    {
        without_nul(&mut value);
        return parse_at("", value).map_err(|fault| Problem::invalid(vec![fault]));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        // Serde reports an unknown enum value as a syntax error; valid JSON has none.
        let is_json = || serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok();
        match inner.is_data() || is_json() {
            true => Problem::invalid(vec![Fault::new(
                pointer(&path),
                strip_place(&inner.to_string()),
            )]),
            false => Problem::not_json(inner.to_string()),
        }
    })?;
    reader
        .end()
        .map_err(|error| Problem::not_json(error.to_string()))?;
    Ok(value)
}

/// Removes NUL characters from all strings: they are not text, and PostgreSQL cannot store them.
fn without_nul(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) => text.retain(|c| c != '\0'),
        serde_json::Value::Array(values) => values.iter_mut().for_each(without_nul),
        serde_json::Value::Object(fields) => fields.values_mut().for_each(without_nul),
        _ => {}
    }
}

/// Parses a JSON value. A fault's pointer begins with `at`.
pub fn parse_at<T: DeserializeOwned>(at: &str, value: serde_json::Value) -> Result<T, Fault> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let place = pointer(&error.path().to_string());
        Fault::new(format!("{at}{place}"), error.into_inner().to_string())
    })
}

/// `tags[1].name` → `/tags/1/name`.
fn pointer(path: &str) -> String {
    match path {
        "." => String::new(),
        path => format!(
            "/{}",
            path.replace('[', "/").replace(']', "").replace('.', "/")
        ),
    }
}

fn strip_place(message: &str) -> &str {
    message.split(" at line ").next().unwrap_or(message)
}

/// One name, or a list of names.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it describes the JSON")]
pub enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Deserializes one name or a list of names. Control characters are rejected.
pub fn one_or_many<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
    use serde::de::Error;
    let names = match serde_json::Value::deserialize(input)? {
        serde_json::Value::Null => Vec::new(),
        serde_json::Value::String(name) => vec![name],
        other => Vec::<String>::deserialize(other)
            .map_err(|_| D::Error::custom("expected a string or a list of strings"))?,
    };
    let is_name = |name: &String| {
        (1..=128).contains(&name.chars().count()) && !name.chars().any(char::is_control)
    };
    match names.iter().find(|name| !is_name(name)) {
        Some(name) => Err(D::Error::custom(format!(
            "expected names of 1 to 128 characters without control characters, found {name:?}"
        ))),
        None => Ok(names),
    }
}

/// The fault of a path or query with a NUL character.
const NO_NUL: &str = "expected no NUL character (%00)";

/// Whether a percent-encoded text has a NUL character, which PostgreSQL cannot store or compare.
fn has_nul(encoded: &str) -> bool {
    encoded.contains("%00")
}

/// Query parameters; an invalid one returns 422.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<AppState> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        if has_nul(parts.uri.query().unwrap_or_default()) {
            return Err(Problem::invalid(vec![Fault::new("?", NO_NUL)]));
        }
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => {
                use std::error::Error;
                let detail = rejection
                    .source()
                    .map_or_else(|| rejection.to_string(), ToString::to_string);
                Err(Problem::invalid(vec![Fault::new("?", detail)]))
            }
        }
    }
}

/// The document id in a path.
pub struct PathId(pub DocumentId);

/// The parameters of a path; a failure is a [`Problem`].
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<AppState> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let wrong = |detail: String| Problem::invalid(vec![Fault::new("{id}", detail)]);
        if has_nul(parts.uri.path()) {
            return Err(wrong(NO_NUL.to_owned()));
        }
        axum::extract::Path::<T>::from_request_parts(parts, state)
            .await
            .map(|path| Self(path.0))
            .map_err(|e| wrong(e.to_string()))
    }
}

impl FromRequestParts<AppState> for PathId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let wrong = |detail: String| Problem::invalid(vec![Fault::new("{id}", detail)]);
        let Path(id) = Path::<String>::from_request_parts(parts, state).await?;
        DocumentId::parse(&id)
            .map(Self)
            .map_err(|e| wrong(e.to_string()))
    }
}

/// The header that names a workspace. By default it is the key's, or `default` for a key without one.
pub const WORKSPACE_HEADER: &str = "x-ken-workspace";

/// The workspace of a request.
pub struct Workspace(pub WorkspaceId);

impl FromRequestParts<AppState> for Workspace {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        let own = parts
            .extensions
            .get::<Principal>()
            .and_then(|principal| principal.workspace.clone());
        let Some(value) = parts.headers.get(WORKSPACE_HEADER) else {
            return Ok(Self(own.unwrap_or_else(default_workspace)));
        };
        let text = String::from_utf8_lossy(value.as_bytes());
        let wrong = |detail: String| Problem::invalid(vec![Fault::new(WORKSPACE_HEADER, detail)]);
        WorkspaceId::parse(&text)
            .map(Self)
            .map_err(|e| wrong(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_error_pointer_locates_fault() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Body {
            tags: Vec<String>,
            #[serde(default)]
            #[expect(dead_code, reason = "it is read")]
            kind: ken_base::domain::DocumentKind,
        }
        for (json, status, place) in [
            (r#"{"tags":["a",1]}"#, 422, "/tags/1"),
            (r#"{"tags":[],"x":1}"#, 422, "/x"),
            (r#"{}"#, 422, ""),
            (r#"{"tags":[],"kind":{}}"#, 422, "/kind"),
            (r#" [["a"]]"#, 422, ""),
        ] {
            let problem = parse::<Body>(json.as_bytes()).unwrap_err();
            assert_eq!(
                (problem.status, problem.errors[0].pointer.as_str()),
                (status, place),
                "{json}"
            );
        }
        let body: Body = parse(br#"{"tags":["a"]}"#).unwrap();
        assert_eq!(body.tags, ["a"]);
        for json in [r#"{"tags":["#, r#"{"tags":[]} x"#, "", "退貨"] {
            assert_eq!(
                parse::<Body>(json.as_bytes()).unwrap_err().status,
                400,
                "{json}"
            );
        }
    }
}
