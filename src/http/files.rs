//! Files in requests: multipart forms, or the body as one file.

use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::header::CONTENT_TYPE;

use utoipa::ToSchema;

use super::AppState;
use super::extract::read;
use super::problem::{Fault, Problem};

/// One file of a request: a part of a `multipart/form-data` body, or the body itself.
pub struct RequestFile {
    /// The file's name, which selects its format.
    pub name: String,
    /// The content.
    pub bytes: Vec<u8>,
}

/// A form with files.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the JSON")]
pub struct FileForm {
    /// The file; a call that takes several files takes several parts of this name.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// A form with a file of FAQs.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the JSON")]
pub struct ImportForm {
    /// The file.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// Like the query parameter `columns`.
    columns: Option<String>,
    /// Like the query parameter `choices`.
    choices: Option<String>,
}

/// The content types of a body that is one file, with the file name ending of the format.
const TYPES: [(&str, &str); 16] = [
    ("text/csv", "csv"),
    ("text/tab-separated-values", "tsv"),
    ("application/json", "json"),
    ("application/jsonl", "jsonl"),
    ("application/x-ndjson", "jsonl"),
    (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xlsx",
    ),
    ("application/vnd.oasis.opendocument.spreadsheet", "ods"),
    (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "docx",
    ),
    (
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "pptx",
    ),
    ("application/pdf", "pdf"),
    ("application/zip", "zip"),
    ("application/epub+zip", "epub"),
    ("text/html", "html"),
    ("text/markdown", "md"),
    ("text/plain", "txt"),
    ("message/rfc822", "eml"),
];

/// The content type of a file by its name; that of any bytes if the ending is unknown.
pub fn content_type_of(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let known = TYPES
        .iter()
        .find(|(_, known)| ending.eq_ignore_ascii_case(known));
    known.map_or("application/octet-stream", |(kind, _)| kind)
}

/// The files of a request, read one at a time.
pub enum RequestFiles {
    /// The remaining parts of a form, and the largest size of a file in bytes.
    Parts(Multipart, u64),
    /// The body as one file; `None` once it was returned.
    Body(Option<RequestFile>),
}

impl RequestFiles {
    /// Opens a multipart form, or reads the body as one file. Its content type or `name` selects the format; 415
    /// without either.
    pub async fn of(
        request: Request,
        state: &AppState,
        name: Option<&str>,
    ) -> Result<Self, Problem> {
        let kind = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .map_or(String::new(), |kind| kind.trim().to_ascii_lowercase());
        let max = state.app.config.ingest.max_file_bytes;
        if kind == "multipart/form-data" {
            let parts = Multipart::from_request(request, state)
                .await
                .map_err(|e| Problem::invalid(vec![Fault::new("", e.to_string())]))?;
            return Ok(RequestFiles::Parts(parts, max));
        }
        let ending = TYPES
            .iter()
            .find(|(known, _)| *known == kind)
            .map(|(_, ending)| *ending);
        let name = match (name, ending) {
            (Some(name), _) => name.to_owned(),
            (None, Some(ending)) => format!("body.{ending}"),
            (None, None) => return Err(Problem::unsupported_file_type()),
        };
        let bytes = read(request.into_body(), max as usize).await?;
        Ok(RequestFiles::Body(Some(RequestFile { name, bytes })))
    }

    /// Returns the next file; `None` at the end. Parts without a file name are skipped.
    pub async fn next(&mut self) -> Result<Option<RequestFile>, Problem> {
        loop {
            match self.next_part().await? {
                Some(RequestPart::File(file)) => return Ok(Some(file)),
                Some(RequestPart::Field(..)) => {}
                None => return Ok(None),
            }
        }
    }

    /// Returns the first file and the fields with these names, in any order.
    pub async fn file_with_fields<const N: usize>(
        &mut self,
        names: [&str; N],
    ) -> Result<(Option<RequestFile>, [Option<String>; N]), Problem> {
        let (mut file, mut values) = (None, [const { None }; N]);
        while let Some(part) = self.next_part().await? {
            match part {
                RequestPart::File(found) => drop(file.get_or_insert(found)),
                RequestPart::Field(name, text) => {
                    if let Some(at) = names.iter().position(|known| *known == name) {
                        values[at] = Some(text);
                    }
                }
            }
        }
        Ok((file, values))
    }

    async fn next_part(&mut self) -> Result<Option<RequestPart>, Problem> {
        let (parts, max) = match self {
            RequestFiles::Body(file) => return Ok(file.take().map(RequestPart::File)),
            RequestFiles::Parts(parts, max) => (parts, *max),
        };
        let broken = |e: MultipartError| match e.status().as_u16() {
            413 => Problem::too_large("upload exceeds ingest.max_upload_bytes"),
            _ => Problem::invalid(vec![Fault::new("", e.body_text())]),
        };
        let Some(mut part) = parts.next_field().await.map_err(broken)? else {
            return Ok(None);
        };
        let file_name = part.file_name().map(str::to_owned);
        let field = part.name().unwrap_or_default().to_owned();
        let (label, max) = match &file_name {
            Some(name) => (name.clone(), max),
            None => (field.clone(), MAX_FIELD_BYTES.min(max)),
        };
        let mut bytes = Vec::new();
        while let Some(piece) = part.chunk().await.map_err(broken)? {
            if (bytes.len() + piece.len()) as u64 > max {
                return Err(Problem::too_large(format!(
                    "{label}: expected at most {max} bytes per part"
                )));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(Some(match file_name {
            Some(name) => RequestPart::File(RequestFile { name, bytes }),
            None => RequestPart::Field(field, String::from_utf8_lossy(&bytes).into_owned()),
        }))
    }
}

/// The largest part without a file name, in bytes.
const MAX_FIELD_BYTES: u64 = 1 << 20;

/// One part of a form.
enum RequestPart {
    File(RequestFile),
    /// A part without a file name: its name and text.
    Field(String, String),
}
