//! Bytes → structured text → [`Source`]: one file per family of formats, and one for chunking.
//!
//! Nothing is stored here, and no file is opened except PDFium's library. Every format yields the extracted text and
//! its [`Block`]s; chunking is the same for all. `editing/files.rs` walks folders and records documents. [`worker`]
//! reads untrusted files in a separate process with limits on time and memory.

mod blocks;
mod chunk;
mod containers;
mod encoding;
mod exports;
pub mod faq;
pub mod faq_file;
mod front_matter;
mod grid;
mod html;
mod json;
mod mail;
mod markdown;
mod office;
mod pages;
mod pdf;
mod plain;
mod questions;
mod sheets;
mod tables;
pub mod worker;
mod writer;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use containers::{Budget, MAX_UNPACKED};
use ken_base::domain::{
    ChunkNote, DocumentId, DocumentKind, FaqAnswer, InvalidId, Metadata, NewChunk, Outline, Source,
    Span, TextFormat,
};
use ken_text::text;

pub use blocks::{Block, BlockKind, Extracted, Link};
pub use chunk::{MAX_WIDTH, chunk};
pub use encoding::{DecodeError, decode};
pub use front_matter::read_time;

/// Part of every content hash, so that a new parser or chunker counts as a change of content. Change it with any change
/// of the output of extraction or chunking.
const RECIPE: &str = "ken-ingest-4";

/// How many bytes of a text language detection reads. Reading all of a long text took two thirds of its parsing time.
const LANGUAGE_SAMPLE_BYTES: usize = 16 << 10;

/// The longest text of one document, in bytes: about twenty million Han characters.
const MAX_TEXT_BYTES: usize = 64 << 20;

/// The supported formats by file name ending, for messages; the same as in `ENDINGS`.
pub const FORMATS: &str = "md, markdown, txt, text, html, htm, xhtml, pdf, docx, pptx, xlsx, ods, csv, tsv, tab, json, \
    jsonl, ndjson, epub, eml, zip";

/// The format of each file name ending, for uploads, folders, archives and the command line.
const ENDINGS: [(&str, FileFormat); 21] = [
    ("md", FileFormat::Markdown),
    ("markdown", FileFormat::Markdown),
    ("txt", FileFormat::Plain),
    ("text", FileFormat::Plain),
    ("html", FileFormat::Html),
    ("htm", FileFormat::Html),
    ("xhtml", FileFormat::Html),
    ("pdf", FileFormat::Pdf),
    ("docx", FileFormat::Docx),
    ("pptx", FileFormat::Pptx),
    ("xlsx", FileFormat::Xlsx),
    ("ods", FileFormat::Ods),
    ("csv", FileFormat::Csv),
    ("tsv", FileFormat::Tsv),
    ("tab", FileFormat::Tsv),
    ("json", FileFormat::Json),
    ("jsonl", FileFormat::JsonLines),
    ("ndjson", FileFormat::JsonLines),
    ("epub", FileFormat::Epub),
    ("eml", FileFormat::Mail),
    ("zip", FileFormat::Zip),
];

/// Why a file or text cannot be ingested, in words for the sender.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum IngestError {
    /// The file name's ending is not supported.
    #[error("unsupported format {found:?}; supported formats: {FORMATS}")]
    UnknownFormat {
        /// The file name's ending in lower case; empty without one.
        found: String,
    },
    /// The text's encoding is unknown, or the file is binary.
    #[error("{detail}")]
    Decode {
        /// What is wrong, with the remedy.
        detail: String,
    },
    /// The front matter is invalid.
    #[error("front matter: {detail}")]
    FrontMatter {
        /// What is wrong.
        detail: String,
    },
    /// A line is invalid.
    #[error("line {line}: {detail}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        detail: String,
    },
    /// The document's id is invalid.
    #[error("{detail}")]
    Id {
        /// What is wrong.
        detail: String,
    },
    /// There is no text.
    #[error("the file contains no text")]
    Empty,
    /// A PDF without text.
    #[error("no text on {n_pages} pages: the file is scanned, drawn or empty; run OCR on it first")]
    Scanned {
        /// How many pages the file has.
        n_pages: usize,
    },
    /// Too many of a PDF's glyphs have no Unicode character.
    #[error(
        "{n_unknown} of {n_chars} glyphs have no Unicode mapping; export the file again with Unicode text, or run OCR on it"
    )]
    Undecoded {
        /// How many glyphs are unknown.
        n_unknown: usize,
        /// How many glyphs there are.
        n_chars: usize,
    },
    /// A library that this format needs is not installed.
    #[error("{format} support is not installed: {detail}; run `ken setup`")]
    NotSetUp {
        /// The format.
        format: String,
        /// The loader's message.
        detail: String,
    },
    /// The file is encrypted.
    #[error("the file is password-protected; remove the password and send it again")]
    PasswordProtected,
    /// A limit of size is exceeded.
    #[error("too large: expected at most {max} {what}, found {found}")]
    TooLarge {
        /// The unit of the limit.
        what: String,
        /// The found size.
        found: usize,
        /// The limit.
        max: usize,
    },
    /// The unpacked content is too large.
    #[error("too large: the unpacked content exceeds {max} bytes")]
    Unpacked {
        /// The limit in bytes.
        max: u64,
    },
    /// Archives are nested too deeply.
    #[error("archives nested more than {max} levels deep")]
    Nested {
        /// The limit in levels.
        max: usize,
    },
    /// Elements are nested too deeply.
    #[error("{format} nested too deeply")]
    TooDeep {
        /// The format.
        format: String,
    },
    /// The file does not follow its format.
    #[error("not a valid {format} file: {detail}")]
    Damaged {
        /// The format.
        format: String,
        /// The parser's message.
        detail: String,
    },
    /// No column or field is recognised as the question and one as the answer.
    #[error(
        "no question and answer columns (or fields) found; name them question and answer, or 問題 and 答案"
    )]
    NoFaqs,
    /// Parsing took too long.
    #[error("parsing exceeded ingest.timeout_ms ({max_ms} ms); the file is too large or damaged")]
    TimedOut {
        /// The limit in milliseconds.
        max_ms: u64,
    },
    /// Parsing needed too much memory.
    #[error(
        "parsing exceeded ingest.memory_bytes ({max_bytes} bytes); the file is too large or damaged"
    )]
    OutOfMemory {
        /// The limit in bytes.
        max_bytes: u64,
    },
    /// The worker process died.
    #[error("the parser crashed on this file: {detail}")]
    Crashed {
        /// The panic's message or the worker's exit status.
        detail: String,
    },
}

impl IngestError {
    fn damaged(format: &str, detail: impl std::fmt::Display) -> Self {
        IngestError::Damaged {
            format: format.to_owned(),
            detail: detail.to_string(),
        }
    }

    fn too_deep(format: &str) -> Self {
        IngestError::TooDeep {
            format: format.to_owned(),
        }
    }

    fn front_matter(detail: impl std::fmt::Display) -> Self {
        IngestError::FrontMatter {
            detail: detail.to_string(),
        }
    }

    fn too_large(what: &str, found: usize, max: usize) -> Self {
        IngestError::TooLarge {
            what: what.to_owned(),
            found,
            max,
        }
    }
}

impl From<DecodeError> for IngestError {
    fn from(error: DecodeError) -> Self {
        IngestError::Decode {
            detail: error.to_string(),
        }
    }
}

impl From<InvalidId> for IngestError {
    fn from(error: InvalidId) -> Self {
        IngestError::Id {
            detail: error.to_string(),
        }
    }
}

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// CommonMark.
    Markdown,
    /// Plain text.
    Plain,
    /// HTML.
    Html,
    /// PDF.
    Pdf,
    /// Word.
    Docx,
    /// PowerPoint.
    Pptx,
    /// Excel.
    Xlsx,
    /// OpenDocument spreadsheet.
    Ods,
    /// Comma-separated values.
    Csv,
    /// Tab-separated values.
    Tsv,
    /// JSON.
    Json,
    /// JSON Lines.
    JsonLines,
    /// EPUB.
    Epub,
    /// An e-mail (RFC 5322).
    Mail,
    /// A ZIP archive.
    Zip,
}

impl FileFormat {
    /// Returns the format of a file name's ending, in upper or lower case.
    ///
    /// # Errors
    /// [`IngestError::UnknownFormat`] for any other ending.
    pub fn of_name(name: &str) -> Result<Self, IngestError> {
        let ending = name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase());
        let ending = ending.unwrap_or_default();
        let known = ENDINGS.iter().find(|(known, _)| *known == ending);
        known
            .map(|(_, format)| *format)
            .ok_or(IngestError::UnknownFormat { found: ending })
    }

    /// The format as one of texts that people write.
    fn of_text(self) -> Option<TextFormat> {
        match self {
            FileFormat::Markdown => Some(TextFormat::Markdown),
            FileFormat::Plain => Some(TextFormat::Plain),
            FileFormat::Html => Some(TextFormat::Html),
            _ => None,
        }
    }
}

impl From<TextFormat> for FileFormat {
    fn from(format: TextFormat) -> Self {
        match format {
            TextFormat::Markdown => FileFormat::Markdown,
            TextFormat::Plain => FileFormat::Plain,
            TextFormat::Html => FileFormat::Html,
        }
    }
}

/// The content of a file.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Parsed {
    /// The documents.
    pub sources: Vec<Source>,
    /// The parts that could not be read: path and reason.
    pub failed: Vec<(String, String)>,
}

impl Parsed {
    fn take(&mut self, other: Parsed) {
        self.sources.extend(other.sources);
        self.failed.extend(other.failed);
    }
}

/// Reads the documents in one file. `name` (a relative path with `/`) is the id unless the text has one. A file in an
/// archive or a mail is named by both paths.
///
/// # Errors
/// [`IngestError`] if nothing of the file can be read.
pub fn parse_file(name: &str, bytes: &[u8]) -> Result<Parsed, IngestError> {
    let mut budget = Budget {
        bytes: MAX_UNPACKED,
    };
    parse_at(name, bytes, 0, &mut budget)
}

fn parse_at(
    name: &str,
    bytes: &[u8],
    depth: usize,
    budget: &mut Budget,
) -> Result<Parsed, IngestError> {
    let format = FileFormat::of_name(name)?;
    let mut parsed = Parsed::default();
    let (extracted, raw) = match format {
        FileFormat::Zip => return containers::read_zip(name, bytes, depth, budget),
        FileFormat::Xlsx | FileFormat::Ods => {
            let kind = if format == FileFormat::Xlsx {
                "XLSX"
            } else {
                "ODS"
            };
            containers::check_package(bytes, kind)?;
            let (faqs, grids) = split_faqs(tables::read_workbook(bytes, kind)?);
            for (sheet, mut file) in faqs {
                qualify_ids(&mut file, &format!("{name}/{sheet}"));
                parsed.take(faq::into_good_sources(name, file)?);
            }
            match grids.iter().all(|grid| grid.rows.is_empty()) && !parsed.sources.is_empty() {
                true => return Ok(parsed),
                false => (tables::extract(grids), String::new()),
            }
        }
        FileFormat::Csv | FileFormat::Tsv => {
            let raw = decode(bytes)?;
            let grid = tables::read_separated(&raw, format == FileFormat::Tsv)?;
            if let Some(mut file) = faq::of_grid(&grid) {
                qualify_ids(&mut file, name);
                parsed.take(faq::into_good_sources(name, file)?);
                return Ok(parsed);
            }
            (tables::extract(vec![grid]), raw)
        }
        FileFormat::Json | FileFormat::JsonLines => {
            let raw = decode(bytes)?;
            let values = json::read(&raw, format == FileFormat::JsonLines)?;
            if let Some(file) = faq::of_values(&values) {
                parsed.sources = faq::into_sources(file)?;
                return Ok(parsed);
            }
            if let Some(articles) = exports::articles(&values) {
                for fields in articles {
                    match exports::source(name, fields) {
                        Ok(source) => parsed.sources.push(source),
                        Err(error) => {
                            let id = fields.get("id").map_or(String::new(), ToString::to_string);
                            let path = format!("{name}#{}", id.trim_matches('"'));
                            parsed.failed.push((path, error.to_string()));
                        }
                    }
                }
                return Ok(parsed);
            }
            (json::extract(&values), raw)
        }
        FileFormat::Mail => {
            let (extracted, attached) = mail::read(name, bytes, depth, budget)?;
            parsed = attached;
            if extracted.text.trim().is_empty() && !parsed.sources.is_empty() {
                return Ok(parsed);
            }
            (extracted, String::new())
        }
        FileFormat::Epub => (containers::read_book(bytes)?, String::new()),
        FileFormat::Pdf => (pdf::extract(bytes)?, String::new()),
        FileFormat::Docx | FileFormat::Pptx => {
            let kind = if format == FileFormat::Docx {
                "DOCX"
            } else {
                "PPTX"
            };
            containers::check_package(bytes, kind)?;
            (office::extract(bytes, kind)?, String::new())
        }
        FileFormat::Markdown | FileFormat::Plain | FileFormat::Html => {
            let raw = match format == FileFormat::Html && !has_mark(bytes) && bytes.contains(&0) {
                // The HTML standard drops NUL characters.
                true => decode(
                    &bytes
                        .iter()
                        .copied()
                        .filter(|b| *b != 0)
                        .collect::<Vec<u8>>(),
                )?,
                false => decode(bytes)?,
            };
            (extract_text(&raw, format)?, raw)
        }
    };
    let given = Metadata {
        uri: Some(name.to_owned()),
        ..Metadata::default()
    };
    let hash = text::sha256_hex([bytes]);
    let raw = (raw, format.of_text());
    parsed.sources.insert(
        0,
        article(DocumentId::parse(name)?, given, extracted, raw, &hash)?,
    );
    Ok(parsed)
}

/// Prefixes numeric row ids with the file's name: `1` of one sheet is not `1` of another.
fn qualify_ids(file: &mut faq::FaqFile, name: &str) {
    for row in &mut file.rows {
        if let Some(id) = &mut row.id
            && id.bytes().all(|b| b.is_ascii_digit())
        {
            *id = format!("{name}#{id}");
        }
    }
}

/// Separates the tables that are lists of FAQs, with their names, from the others.
fn split_faqs(grids: Vec<grid::Grid>) -> (Vec<(String, faq::FaqFile)>, Vec<grid::Grid>) {
    let (mut faqs, mut others) = (Vec::new(), Vec::new());
    for grid in grids {
        match faq::of_grid(&grid) {
            Some(file) => faqs.push((grid.name, file)),
            None => others.push(grid),
        }
    }
    (faqs, others)
}

/// Reads a file of FAQs; other content is ignored. Of a workbook, the first sheet with a question and an answer column
/// counts.
///
/// # Errors
/// [`IngestError::NoFaqs`] if no column or field is recognised as the question and one as the answer.
pub fn parse_faqs(name: &str, bytes: &[u8]) -> Result<faq::FaqFile, IngestError> {
    parse_faqs_with(name, bytes, &faq::FaqOptions::default())
}

/// Like [`parse_faqs`], with options.
///
/// # Errors
/// As [`parse_faqs`], unless a file without recognised columns is wanted.
pub fn parse_faqs_with(
    name: &str,
    bytes: &[u8],
    options: &faq::FaqOptions,
) -> Result<faq::FaqFile, IngestError> {
    let format = FileFormat::of_name(name)?;
    let mapping = &options.mapping;
    let found = match format {
        FileFormat::Xlsx | FileFormat::Ods | FileFormat::Csv | FileFormat::Tsv => {
            let workbook = |kind: &'static str| {
                containers::check_package(bytes, kind)?;
                tables::read_workbook(bytes, kind)
            };
            let grids = match format {
                FileFormat::Xlsx => workbook("XLSX")?,
                FileFormat::Ods => workbook("ODS")?,
                _ => {
                    let is_tsv = format == FileFormat::Tsv;
                    vec![tables::read_separated(&decode(bytes)?, is_tsv)?]
                }
            };
            let mut files = grids.iter();
            let file = files.find_map(|grid| faq::of_mapped_grid(grid, mapping));
            let unrecognised = || {
                let mut grids = grids.iter().filter(|_| options.unrecognised);
                grids.find_map(|grid| faq::unrecognised(grid, mapping))
            };
            file.or_else(unrecognised)
        }
        FileFormat::Json | FileFormat::JsonLines => {
            let values = json::read(&decode(bytes)?, format == FileFormat::JsonLines)?;
            let unrecognised = || faq::FaqFile {
                columns: faq::json_columns(&values, mapping),
                ..faq::FaqFile::default()
            };
            faq::of_mapped_values(&values, mapping)
                .or_else(|| options.unrecognised.then(unrecognised))
                .filter(|file| !file.columns.is_empty())
        }
        _ => None,
    };
    found.ok_or(IngestError::NoFaqs)
}

/// Returns whether bytes start with the byte-order mark of UTF-16 or UTF-8.
fn has_mark(bytes: &[u8]) -> bool {
    encoding_rs::Encoding::for_bom(bytes).is_some()
}

fn extract_text(raw: &str, format: FileFormat) -> Result<Extracted, IngestError> {
    match format {
        FileFormat::Markdown => markdown::extract(raw),
        FileFormat::Html => html::extract(raw),
        FileFormat::Plain => Ok(plain::extract(&visible(raw))),
        FileFormat::Pdf
        | FileFormat::Docx
        | FileFormat::Pptx
        | FileFormat::Xlsx
        | FileFormat::Ods
        | FileFormat::Csv
        | FileFormat::Tsv
        | FileFormat::Json
        | FileFormat::JsonLines
        | FileFormat::Epub
        | FileFormat::Mail
        | FileFormat::Zip => unreachable!("{format:?} is not given as text"),
    }
}

/// Removes invisible characters, which split words for search and copying: zero-width spaces and joiners (except within
/// emoji), soft hyphens, byte-order marks.
fn visible(text: &str) -> Cow<'_, str> {
    let is_unseen = |c: char| {
        matches!(
            c,
            '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}'
        )
    };
    if !text.contains(is_unseen) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        // Emoji are composed with a joiner; some scripts need one between their letters.
        let joins = c == '\u{200D}'
            && shown
                .chars()
                .next_back()
                .is_some_and(|c| !c.is_ascii() && !text::is_cjk(c))
            && chars
                .peek()
                .is_some_and(|c| !c.is_ascii() && !text::is_cjk(*c));
        if !is_unseen(c) || joins {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Makes a document of a text. Front matter has priority over `given`. Missing values are derived: the title from the
/// first heading, the first line or the id, the language from the text.
pub fn parse_article(
    id: DocumentId,
    given: Metadata,
    raw: &str,
    format: FileFormat,
) -> Result<Source, IngestError> {
    let extracted = extract_text(raw, format)?;
    let submitted = (raw.to_owned(), format.of_text());
    article(id, given, extracted, submitted, raw)
}

/// The text of a document as a person edits it: as it was submitted, without its front matter, whose values are the
/// document's. `None` if it was read from another format than these.
pub fn editable(source: &Source) -> Option<(&str, TextFormat)> {
    // Versions written before the format was stored are named as their files.
    let named = || FileFormat::of_name(source.id.as_str()).ok()?.of_text();
    let format = source.outline.format.or_else(named)?;
    match format {
        _ if source.raw.is_empty() => None,
        TextFormat::Markdown => Some((markdown::without_front_matter(&source.raw), format)),
        TextFormat::Plain | TextFormat::Html => Some((&source.raw, format)),
    }
}

/// Makes a document. `raw` is the submitted text with its format; `content` is hashed in place of the bytes that the text
/// was read from.
fn article(
    id: DocumentId,
    given: Metadata,
    extracted: Extracted,
    (raw, format): (String, Option<TextFormat>),
    content: &str,
) -> Result<Source, IngestError> {
    let (id, mut metadata) = extracted.front_matter.apply(id, given)?;
    if metadata.title.trim().is_empty() {
        metadata.title = extracted.title().unwrap_or_else(|| id.to_string());
    }
    if extracted.text.trim().is_empty() {
        return Err(IngestError::Empty);
    }
    if extracted.text.len() > MAX_TEXT_BYTES {
        let found = extracted.text.len();
        return Err(IngestError::too_large(
            "bytes of text",
            found,
            MAX_TEXT_BYTES,
        ));
    }
    if metadata.language.is_none() {
        let end = extracted.text.floor_char_boundary(LANGUAGE_SAMPLE_BYTES);
        metadata.language = Some(text::detect(&extracted.text[..end]).tag().to_owned());
    }
    let chunks = chunk(&extracted);
    let links = extracted.links.into_iter();
    Ok(Source {
        content_hash: content_hash(&id, &metadata, content, &[]),
        id,
        metadata,
        raw,
        outline: Outline {
            pages: extracted.pages,
            links: links
                .map(|link| (link.span.start, link.span.end, link.url))
                .collect(),
            answers: Vec::new(),
            format,
        },
        text: extracted.text,
        chunks,
    })
}

/// Makes an FAQ document. Its text is the question and its answers, separated by empty lines. Each answer is one piece
/// of evidence (cut only if it is longer than a chunk) with its own audience and channels.
pub fn make_faq(
    id: DocumentId,
    mut metadata: Metadata,
    answers: &[FaqAnswer],
) -> Result<Source, IngestError> {
    let question = metadata
        .questions
        .first()
        .map(|q| q.trim().to_owned())
        .unwrap_or_default();
    if question.is_empty() || answers.is_empty() || answers.iter().any(|a| a.text.trim().is_empty())
    {
        return Err(IngestError::Empty);
    }
    metadata.kind = DocumentKind::Faq;
    if metadata.title.is_empty() {
        metadata.title = question.clone();
    }
    let mut body = question.clone();
    let mut outline = Outline::default();
    for answer in answers {
        body.push_str("\n\n");
        let start = body.len();
        body.push_str(visible(&answer.text).trim());
        let about = FaqAnswer {
            text: String::new(),
            ..answer.clone()
        };
        outline.answers.push((Span::new(start, body.len()), about));
    }
    if metadata.language.is_none() {
        metadata.language = Some(text::detect(&body).tag().to_owned());
    }
    let mut chunks = Vec::new();
    for (span, about) in &outline.answers {
        for piece in chunk::chunk_span(&body, span.start, span.end) {
            chunks.push(NewChunk {
                heading_path: vec![question.clone()],
                span: piece,
                note: ChunkNote {
                    audience: about.audience.clone(),
                    channels: about.channels.clone(),
                    language: about.language.clone(),
                    ..ChunkNote::default()
                },
            });
        }
    }
    Ok(Source {
        content_hash: content_hash(&id, &metadata, &body, &outline.answers),
        id,
        metadata,
        raw: body.clone(),
        outline,
        text: body,
        chunks,
    })
}

/// Returns the SHA-256 (hex) of everything that a stored document consists of.
fn content_hash(
    id: &DocumentId,
    metadata: &Metadata,
    content: &str,
    answers: &[(Span, FaqAnswer)],
) -> String {
    let about = serde_json::to_vec(&(metadata, answers)).expect("metadata are plain data");
    text::sha256_hex([
        RECIPE.as_bytes(),
        id.as_str().as_bytes(),
        &about,
        content.as_bytes(),
    ])
}

/// Returns the SHA-256 (hex) of a file's bytes and `RECIPE`. A file with an equal hash need not be parsed again.
pub fn file_hash(bytes: &[u8]) -> String {
    text::sha256_hex([RECIPE.as_bytes(), bytes])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_formats_match_known_file_extensions() {
        let known: Vec<&str> = ENDINGS.iter().map(|(ending, _)| *ending).collect();
        assert_eq!(FORMATS.split(", ").collect::<Vec<_>>(), known);
    }

    #[test]
    fn invisible_characters_are_removed_and_emoji_preserved() {
        assert_eq!(visible("客\u{200B}服 a\u{AD}b\u{2060}c"), "客服 abc");
        assert_eq!(visible("👩\u{200D}💻 在線"), "👩\u{200D}💻 在線");
    }
}
