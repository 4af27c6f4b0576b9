//! Bytes → text with structure → [`Source`]: one file per format, one for chunking.
//!
//! Pure: reads no files and stores nothing. Every format yields the extracted text and its [`Block`]s; chunking
//! is the same for all. Walking folders and recording is [`files`]' work.

mod blocks;
mod chunk;
mod encoding;
mod faq;
pub mod files;
mod front_matter;
mod markdown;
mod plain;

use crate::domain::{DocumentId, InvalidId, Kind, Metadata, Source};
use crate::text;

pub use blocks::{Block, BlockKind, Extracted};
pub use chunk::{MAX_WIDTH, chunk};
pub use encoding::{DecodeError, decode};

/// Part of every content hash, so that a change of parser or chunker shows as a change of content.
/// Raise it with any change of what extraction or chunking yields.
const RECIPE: &str = "ken-ingest-1";

/// The formats read, by file name ending.
pub const FORMATS: &str = "md, markdown, txt, text, jsonl (FAQs)";

/// Why a file or text is not knowledge, in words for whoever sent it.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    #[error("the format {found:?} is not read; known are {FORMATS}")]
    UnknownFormat { found: String },
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error("front matter: {0}")]
    FrontMatter(String),
    #[error("line {line}: {detail}")]
    Line { line: usize, detail: String },
    #[error(transparent)]
    Id(#[from] InvalidId),
    #[error("there is no text in it")]
    Empty,
}

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Markdown,
    Plain,
    FaqLines,
}

impl Format {
    /// By the file name's ending, in any case.
    pub fn of_name(name: &str) -> Result<Self, IngestError> {
        let ending = name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase());
        match ending.as_deref() {
            Some("md" | "markdown") => Ok(Format::Markdown),
            Some("txt" | "text") => Ok(Format::Plain),
            Some("jsonl") => Ok(Format::FaqLines),
            other => Err(IngestError::UnknownFormat {
                found: other.unwrap_or("").to_owned(),
            }),
        }
    }
}

/// Reads the knowledge in one file. `name` (a relative path with `/`) is the id where the text gives none.
///
/// # Errors
/// As [`IngestError`] says; then nothing of the file is taken.
pub fn parse_file(name: &str, bytes: &[u8]) -> Result<Vec<Source>, IngestError> {
    let format = Format::of_name(name)?;
    let raw = decode(bytes)?;
    let defaults = Metadata {
        uri: Some(name.to_owned()),
        ..Metadata::default()
    };
    match format {
        Format::FaqLines => faq::parse_lines(&raw),
        _ => Ok(vec![parse_article(
            DocumentId::parse(name)?,
            defaults,
            &raw,
            format,
        )?]),
    }
}

/// Makes a document of a text. Front matter wins over `given`, what is still missing is derived: the title
/// from the first heading, line or the id, the language from the text.
pub fn parse_article(
    id: DocumentId,
    given: Metadata,
    raw: &str,
    format: Format,
) -> Result<Source, IngestError> {
    let extracted = match format {
        Format::Markdown => markdown::extract(raw)?,
        Format::Plain | Format::FaqLines => plain::extract(raw),
    };
    let (id, mut metadata) = extracted.front_matter.apply(id, given)?;
    if metadata.title.trim().is_empty() {
        metadata.title = extracted.title().unwrap_or_else(|| id.to_string());
    }
    if extracted.text.trim().is_empty() {
        return Err(IngestError::Empty);
    }
    if metadata.language.is_none() {
        metadata.language = Some(text::detect(&extracted.text).tag().to_owned());
    }
    let chunks = chunk(&extracted);
    Ok(Source {
        content_hash: content_hash(&id, &metadata, raw),
        id,
        metadata,
        raw: raw.to_owned(),
        text: extracted.text,
        chunks,
    })
}

/// Makes an FAQ document: its text is the question, an empty line, the answer; its one piece of evidence is
/// the answer (cut only where it is longer than a chunk).
pub fn make_faq(
    id: DocumentId,
    mut metadata: Metadata,
    answer: &str,
) -> Result<Source, IngestError> {
    let answer = answer.trim();
    let question = metadata
        .questions
        .first()
        .map(|q| q.trim().to_owned())
        .unwrap_or_default();
    if answer.is_empty() || question.is_empty() {
        return Err(IngestError::Empty);
    }
    metadata.kind = Kind::Faq;
    if metadata.title.is_empty() {
        metadata.title = question.clone();
    }
    if metadata.language.is_none() {
        metadata.language = Some(
            text::detect(&format!("{question}{answer}"))
                .tag()
                .to_owned(),
        );
    }
    let body = format!("{question}\n\n{answer}");
    let chunks = chunk::chunk_span(&body, question.len() + 2, body.len())
        .into_iter()
        .map(|span| (vec![question.clone()], span))
        .collect();
    Ok(Source {
        content_hash: content_hash(&id, &metadata, &body),
        id,
        metadata,
        raw: body.clone(),
        text: body,
        chunks,
    })
}

/// SHA-256 (hex) over everything a stored document is made of.
fn content_hash(id: &DocumentId, metadata: &Metadata, raw: &str) -> String {
    let metadata = serde_json::to_vec(metadata).expect("metadata are plain data");
    text::sha256_hex([
        RECIPE.as_bytes(),
        id.as_str().as_bytes(),
        &metadata,
        raw.as_bytes(),
    ])
}

/// SHA-256 (hex) of a file as it lies on disk, with the recipe: equal means nothing to parse.
pub fn file_hash(bytes: &[u8]) -> String {
    text::sha256_hex([RECIPE.as_bytes(), bytes])
}
