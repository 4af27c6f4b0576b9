//! Files that hold files: ZIP archives, e-mails with attachments, and books of chapters.

use std::io::{Cursor, Read};

use mail_parser::{MessageParser, MimeHeaders};
use rbook::Epub;
use rbook::reader::errors::ReaderError;
use zip::ZipArchive;

use super::writer::{Writer, one_line};
use super::{Extracted, Format, IngestError, Parsed, decode, html, parse_at, plain};

/// How deep files may lie in files.
pub const MAX_NESTING: usize = 3;
/// The most files read of one archive.
const MAX_MEMBERS: usize = 10_000;
/// The most that all members of one file may come to, unpacked, in bytes.
pub const MAX_UNPACKED: u64 = 256 << 20;
/// The largest book or chapter text read, in bytes.
const MAX_BOOK_BYTES: usize = 64 << 20;

/// What is left of the room for unpacked bytes; one for a file and everything in it.
pub struct Budget {
    pub bytes: u64,
}

/// Reads the members of an archive that are knowledge by their names; the others are passed over. A member that
/// cannot be read stands among the failures and the rest goes on.
pub fn read_zip(
    name: &str,
    bytes: &[u8],
    depth: usize,
    budget: &mut Budget,
) -> Result<Parsed, IngestError> {
    let damaged = |detail: String| IngestError::damaged("ZIP", detail);
    if depth >= MAX_NESTING {
        return Err(IngestError::Nested { max: MAX_NESTING });
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| damaged(e.to_string()))?;
    if archive.len() > MAX_MEMBERS {
        return Err(IngestError::too_large(
            "files in an archive",
            archive.len(),
            MAX_MEMBERS,
        ));
    }
    let mut parsed = Parsed::default();
    for i in 0..archive.len() {
        let (member, outcome) = read_member(&mut archive, i, budget);
        let Some(outcome) = outcome else { continue };
        let path = format!("{name}/{member}");
        match outcome.and_then(|bytes| parse_at(&path, &bytes, depth + 1, budget)) {
            Ok(found) => {
                parsed.sources.extend(found.sources);
                parsed.failed.extend(found.failed);
            }
            // No room is left for anything: the archive as a whole is refused.
            Err(error @ IngestError::Unpacked { .. }) => return Err(error),
            Err(error) => parsed.failed.push((path, error.to_string())),
        }
    }
    if parsed.sources.is_empty() && parsed.failed.is_empty() {
        return Err(IngestError::Empty);
    }
    Ok(parsed)
}

/// The name of a member, and its bytes where it is knowledge by its name.
fn read_member(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    i: usize,
    budget: &mut Budget,
) -> (String, Option<Result<Vec<u8>, IngestError>>) {
    let damaged = |detail: String| IngestError::damaged("ZIP", detail);
    let name = match archive.by_index_raw(i) {
        Ok(file) => {
            // A name that is not UTF-8 is read as the text it most likely is: Big5, GB18030.
            let name = match file.name() {
                Ok(name) if std::str::from_utf8(file.name_raw()).is_ok() => name.into_owned(),
                _ => decode(file.name_raw())
                    .unwrap_or_else(|_| String::from_utf8_lossy(file.name_raw()).into_owned()),
            };
            // What only systems put there, and what cannot be a place below the archive.
            let is_hidden = name.split('/').any(|part| {
                part.starts_with('.') || part == "__MACOSX" || part.chars().any(char::is_control)
            });
            if !file.is_file() || file.is_symlink() || is_hidden || Format::of_name(&name).is_err()
            {
                return (name, None);
            }
            if file.encrypted() {
                return (name, Some(Err(IngestError::PasswordProtected)));
            }
            name
        }
        Err(error) => return (format!("#{i}"), Some(Err(damaged(error.to_string())))),
    };
    let name = name.trim_start_matches('/').to_owned();
    let mut file = match archive.by_index(i) {
        Ok(file) => file,
        Err(error) => return (name, Some(Err(damaged(error.to_string())))),
    };
    let stated = file.size();
    if stated > budget.bytes {
        return (name, Some(Err(IngestError::Unpacked { max: MAX_UNPACKED })));
    }
    // All at once: grown in steps, the old and the new room would count at the same time. More than is stated is not
    // unpacked: the archive's reader stops there.
    let mut unpacked = Vec::new();
    if unpacked.try_reserve_exact(stated as usize).is_err() {
        let detail = format!("there is no room for the {stated} bytes that it states");
        return (name, Some(Err(damaged(detail))));
    }
    let read = file.read_to_end(&mut unpacked);
    budget.bytes -= stated.min(unpacked.len() as u64);
    let outcome = match read {
        Err(error) => Err(damaged(error.to_string())),
        Ok(_) if (unpacked.len() as u64) < stated => Err(damaged(format!(
            "it unpacks to fewer than the {stated} bytes that it states"
        ))),
        Ok(_) => Ok(unpacked),
    };
    (name, Some(outcome))
}

/// Refuses a package (DOCX, PPTX, XLSX, ODS, EPUB: all are ZIP archives) that would unpack to more than there is
/// room for, before the reader of its format unpacks it.
pub fn check_package(bytes: &[u8], format: &'static str) -> Result<(), IngestError> {
    // Office wraps an encrypted package in an OLE container.
    if bytes.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
        return Err(IngestError::PasswordProtected);
    }
    let damaged = |detail: String| IngestError::damaged(format, detail);
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| damaged(e.to_string()))?;
    if archive.len() > MAX_MEMBERS {
        return Err(IngestError::too_large(
            "parts in a document",
            archive.len(),
            MAX_MEMBERS,
        ));
    }
    let mut left = MAX_UNPACKED / 2;
    for i in 0..archive.len() {
        let file = archive.by_index(i).map_err(|error| match error {
            zip::result::ZipError::UnsupportedArchive(_) => IngestError::PasswordProtected,
            error => damaged(error.to_string()),
        })?;
        let is_text = [".xml", ".rels", ".xhtml", ".html", ".opf", ".ncx"]
            .iter()
            .any(|ending| {
                file.name()
                    .is_ok_and(|name| name.to_lowercase().ends_with(ending))
            });
        if !is_text {
            continue;
        }
        let unpacked = std::io::copy(&mut file.take(left + 1), &mut std::io::sink())
            .map_err(|e| damaged(e.to_string()))?;
        left = left.checked_sub(unpacked).ok_or(IngestError::Unpacked {
            max: MAX_UNPACKED / 2,
        })?;
    }
    Ok(())
}

/// An e-mail: subject, text (the HTML part where there is one), and each attachment that is knowledge by its name.
pub fn read_mail(
    name: &str,
    bytes: &[u8],
    depth: usize,
    budget: &mut Budget,
) -> Result<(Extracted, Parsed), IngestError> {
    if depth >= MAX_NESTING {
        return Err(IngestError::Nested { max: MAX_NESTING });
    }
    let message = MessageParser::default()
        .parse(bytes)
        .ok_or_else(|| IngestError::damaged("e-mail", "it has no header"))?;
    let is_html = message
        .html_bodies()
        .next()
        .is_some_and(|part| part.is_text_html());
    let mut extracted = match message.body_html(0).filter(|_| is_html) {
        Some(body) => {
            let mut writer = Writer::default();
            html::extract_into(&mut writer, &body)?;
            writer.finish()
        }
        None => plain::extract(
            &message
                .body_text(0)
                .unwrap_or_default()
                .replace("\r\n", "\n"),
        ),
    };
    extracted.title = message
        .subject()
        .map(one_line)
        .filter(|subject| !subject.is_empty());
    let mut parsed = Parsed::default();
    for attachment in message.attachments() {
        let Some(file) = attachment.attachment_name() else {
            continue;
        };
        if Format::of_name(file).is_err() {
            continue;
        }
        let path = format!("{name}/{file}");
        let contents = attachment.contents();
        budget.bytes = budget
            .bytes
            .checked_sub(contents.len() as u64)
            .ok_or(IngestError::Unpacked { max: MAX_UNPACKED })?;
        match parse_at(&path, contents, depth + 1, budget) {
            Ok(found) => {
                parsed.sources.extend(found.sources);
                parsed.failed.extend(found.failed);
            }
            Err(error) => parsed.failed.push((path, error.to_string())),
        }
    }
    Ok((extracted, parsed))
}

/// An EPUB's chapters in reading order; the table of contents is left out.
pub fn read_book(bytes: &[u8]) -> Result<Extracted, IngestError> {
    let damaged = |detail: String| IngestError::damaged("EPUB", detail);
    check_package(bytes, "EPUB")?;
    let book = Epub::options()
        .strict(false)
        .read(Cursor::new(bytes.to_vec()))
        .map_err(|e| damaged(e.to_string()))?;
    let mut writer = Writer::default();
    let mut n_bytes = 0;
    for chapter in book.reader() {
        let chapter = chapter.map_err(|e: ReaderError| damaged(e.to_string()))?;
        let is_contents = chapter.manifest_entry().properties().has_property("nav");
        if is_contents {
            continue;
        }
        n_bytes += chapter.content().len();
        if n_bytes > MAX_BOOK_BYTES {
            return Err(IngestError::Unpacked {
                max: MAX_BOOK_BYTES as u64,
            });
        }
        html::extract_into(&mut writer, chapter.content())?;
    }
    let mut extracted = writer.finish();
    extracted.title = book.metadata().title().map(|title| one_line(title.value()));
    Ok(extracted)
}
