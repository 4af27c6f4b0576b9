//! What a document was read from: the uploaded file (`GET /v1/documents/{id}/original`) and the submitted text
//! (`GET /v1/documents/{id}/source`).

use axum::extract::State;
use axum::http::header::{
    CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::extract::{Params, PathId, Workspace};
use super::files;
use super::preconditions::etag;
use super::problem::Problem;
use ken_base::domain::TextFormat;
use ken_ingest::ingest::editable;

/// Query parameters of `GET /v1/documents/{id}/original` and `GET /v1/documents/{id}/source`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct OriginalParams {
    /// The document's version; default: the live one.
    version: Option<i64>,
}

/// Download the uploaded file that a version was read from, as it was sent. For a part of an archive it is the archive.
/// Only uploads up to `ingest.keep_original_bytes` are kept.
#[utoipa::path(
    get, path = "/v1/documents/{id}/original", tag = "documents", params(("id" = String, Path), OriginalParams),
    responses(
        (status = 200, body = String, content_type = "application/octet-stream", description = "The file, with its type"),
        (status = 404, body = Problem),
    )
)]
pub async fn get_original(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    PathId(id): PathId,
    Params(params): Params<OriginalParams>,
) -> Result<Response, Problem> {
    let store = &state.app.store;
    let Some(document) = store.document(&workspace, &id, params.version).await? else {
        return Err(Problem::not_found(format!("document {id} not found")));
    };
    let version = document.version;
    let Some(original) = store.original(&workspace, &id, version).await? else {
        return Err(Problem::not_found(format!(
            "no original of document {id}, version {version}; only uploads up to ingest.keep_original_bytes are kept"
        )));
    };
    // Never shown in a page of this origin: an attachment, without scripts, of the named type only.
    let headers = [
        (
            CONTENT_TYPE,
            files::content_type_of(&original.name).to_owned(),
        ),
        (CONTENT_DISPOSITION, attachment(&original.name)),
        (CONTENT_SECURITY_POLICY, "sandbox".to_owned()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    Ok((headers, original.bytes).into_response())
}

/// The text of a version, to edit it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceResponse {
    /// The version, from 1.
    pub version: i64,
    /// The format of `text`, for `PUT /v1/documents/{id}`.
    pub format: TextFormat,
    /// As it was submitted, without front matter, whose values are fields of the document.
    pub text: String,
    /// Whether `text` is the extracted text, because the document was read from another format, such as PDF or DOCX.
    pub is_extracted: bool,
}

/// Read the text of a version as it was submitted, to edit it. `GET /v1/documents/{id}` has the extracted text, in which
/// headings are lines like others.
#[utoipa::path(
    get, path = "/v1/documents/{id}/source", tag = "documents", params(("id" = String, Path), OriginalParams),
    responses(
        (status = 200, body = SourceResponse, headers(("ETag" = String, description = "The version in quotes, for `If-Match`"))),
        (status = 404, body = Problem),
    )
)]
pub async fn get_source(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    PathId(id): PathId,
    Params(params): Params<OriginalParams>,
) -> Result<Response, Problem> {
    let store = &state.app.store;
    let absent = || Problem::not_found(format!("document {id} not found"));
    let document = store.document(&workspace, &id, params.version).await?;
    let version = document.ok_or_else(absent)?.version;
    let source = store.source(&workspace, &id, version).await?;
    let source = source.ok_or_else(absent)?;
    let body = match editable(&source) {
        Some((text, format)) => SourceResponse {
            version,
            format,
            text: text.to_owned(),
            is_extracted: false,
        },
        None => SourceResponse {
            version,
            format: TextFormat::Plain,
            text: source.text,
            is_extracted: true,
        },
    };
    Ok((etag(version), axum::Json(body)).into_response())
}

/// The header that names an attachment (RFC 6266): the last part of the name, with bytes other than letters, digits and
/// `.-_` percent-encoded (RFC 8187).
pub fn attachment(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut encoded = String::new();
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
                encoded.push(char::from(byte));
            }
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("attachment; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attachment_name_cannot_leave_its_header() {
        assert_eq!(
            attachment("folder/退貨 \"1\"\r\n.pdf"),
            "attachment; filename*=UTF-8''%E9%80%80%E8%B2%A8%20%221%22%0D%0A.pdf"
        );
    }
}
