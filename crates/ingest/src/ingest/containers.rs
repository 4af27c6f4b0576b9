//! Files that contain files: ZIP archives, attachments of mails, and books of chapters.

use std::collections::HashSet;
use std::io::{Cursor, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;
use ken_text::text::Language;
use rbook::Epub;
use rbook::reader::errors::ReaderError;
use zip::ZipArchive;

use super::writer::{Writer, one_line};
use super::{Extracted, FileFormat, IngestError, Parsed, decode, html, parse_at};

/// The deepest nesting of files in files.
pub const MAX_NESTING: usize = 3;
/// The most files read of one archive.
const MAX_MEMBERS: usize = 10_000;
/// The most bytes that all members of one file may unpack to.
pub const MAX_UNPACKED: u64 = 256 << 20;
/// The longest text of a book or chapter, in bytes.
const MAX_BOOK_BYTES: usize = 64 << 20;

/// The remaining room for unpacked bytes, shared by a file and everything in it.
pub struct Budget {
    /// The remaining bytes.
    pub bytes: u64,
}

/// Reads the members of an archive whose names have a known format; others are skipped. A member that cannot be read
/// becomes a failure, and the rest is read.
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
    let names = names_of(&mut archive);
    let mut parsed = Parsed::default();
    for (i, name_of) in names.into_iter().enumerate() {
        let (member, outcome) = read_member(&mut archive, i, name_of, budget);
        let Some(outcome) = outcome else { continue };
        let path = format!("{name}/{member}");
        match outcome.and_then(|bytes| parse_at(&path, &bytes, depth + 1, budget)) {
            Ok(found) => {
                parsed.sources.extend(found.sources);
                parsed.failed.extend(found.failed);
            }
            // Without room for more, the whole archive is refused.
            Err(error @ IngestError::Unpacked { .. }) => return Err(error),
            Err(error) => parsed.failed.push((path, error.to_string())),
        }
    }
    if parsed.sources.is_empty() && parsed.failed.is_empty() {
        return Err(IngestError::Empty);
    }
    Ok(parsed)
}

/// Returns the names of an archive's members. Names that are not marked as UTF-8 were written by one program in one
/// encoding: that of the Chinese in the members' texts, otherwise the one detected from all names together.
fn names_of(archive: &mut ZipArchive<Cursor<&[u8]>>) -> Vec<String> {
    let n = archive.len();
    let raw: Vec<Vec<u8>> = (0..n)
        .map(|i| {
            let file = archive.by_index_raw(i);
            file.map(|file| file.name_raw().to_vec())
                .unwrap_or_default()
        })
        .collect();
    let others: Vec<&[u8]> = raw
        .iter()
        .map(Vec::as_slice)
        .filter(|name| std::str::from_utf8(name).is_err())
        .collect();
    let encoding = match others.is_empty() {
        true => encoding_rs::UTF_8,
        false => encoding_of(&others, &first_texts(archive)),
    };
    let read = |(i, name): (usize, &Vec<u8>)| match std::str::from_utf8(name) {
        Ok("") => format!("#{i}"),
        Ok(name) => name.to_owned(),
        Err(_) => encoding.decode_without_bom_handling(name).0.into_owned(),
    };
    raw.iter().enumerate().map(read).collect()
}

/// How many texts are examined to find the language of an archive.
const LOOKED_AT: usize = 8;
/// How many bytes of each are examined.
const LOOKED_AT_BYTES: u64 = 16 << 10;

/// Returns the beginnings of the first texts in an archive.
fn first_texts(archive: &mut ZipArchive<Cursor<&[u8]>>) -> String {
    let mut all = String::new();
    let mut n_read = 0;
    for i in 0..archive.len() {
        let Ok(mut file) = archive.by_index(i) else {
            continue;
        };
        let name = file.name_raw().to_ascii_lowercase();
        let is_text = ["md", "txt", "csv", "html", "htm"]
            .iter()
            .any(|ending| name.ends_with(format!(".{ending}").as_bytes()));
        if !is_text {
            continue;
        }
        let mut bytes = Vec::new();
        let read = (&mut file).take(LOOKED_AT_BYTES).read_to_end(&mut bytes);
        // The cut may be within a character.
        let whole = bytes.len()
            - bytes
                .iter()
                .rev()
                .take_while(|b| **b >= 0x80)
                .count()
                .min(3);
        if read.is_ok()
            && let Ok(text) = decode(&bytes).or_else(|_| decode(&bytes[..whole]))
        {
            all.push_str(&text);
        }
        n_read += 1;
        if n_read == LOOKED_AT {
            break;
        }
    }
    all
}

/// Returns the encoding in which most characters of the names also occur in the texts, otherwise that of their
/// language, otherwise a guess.
fn encoding_of(names: &[&[u8]], texts: &str) -> &'static Encoding {
    let read = |encoding: &'static Encoding| -> Option<String> {
        let mut all = String::new();
        for name in names {
            let (text, malformed) = encoding.decode_without_bom_handling(name);
            let is_text =
                !malformed && !text.chars().any(|c| ('\u{E000}'..='\u{F8FF}').contains(&c));
            all.push_str(is_text.then_some(&text)?);
        }
        Some(all)
    };
    let reads = |encoding: &&&'static Encoding| read(encoding).is_some();
    let likely: &[&Encoding] = match ken_text::text::detect(texts) {
        Language::SimplifiedChinese => &[encoding_rs::GB18030, encoding_rs::BIG5],
        Language::Japanese => &[encoding_rs::SHIFT_JIS],
        Language::TraditionalChinese => &[encoding_rs::BIG5, encoding_rs::GB18030],
        _ => &[],
    };
    let known: HashSet<char> = texts.chars().filter(|c| !c.is_ascii()).collect();
    let n_known = |encoding: &&'static Encoding| {
        let read = read(encoding).unwrap_or_default();
        read.chars().filter(|c| known.contains(c)).count()
    };
    let best = likely.iter().rev().copied().max_by_key(n_known);
    if let Some(encoding) = best.filter(|best| n_known(best) > 0) {
        return encoding;
    }
    if let Some(encoding) = likely.iter().find(reads) {
        return encoding;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(&names.join(&b'\n'), true);
    let guess = detector.guess(None, Utf8Detection::Deny);
    // Chinese is preferred to Latin letters with accents.
    let chinese: &[&Encoding] = match guess.is_single_byte() {
        true => &[encoding_rs::BIG5, encoding_rs::GB18030],
        false => &[],
    };
    chinese.iter().find(reads).copied().unwrap_or(guess)
}

/// Returns the name of a member, and its bytes if the name has a known format.
fn read_member(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    i: usize,
    name: String,
    budget: &mut Budget,
) -> (String, Option<Result<Vec<u8>, IngestError>>) {
    let damaged = |detail: String| IngestError::damaged("ZIP", detail);
    let name = match archive.by_index_raw(i) {
        Ok(file) => {
            // System files, and names that cannot be a path below the archive.
            let is_hidden = name.split('/').any(|part| {
                part.starts_with('.') || part == "__MACOSX" || part.chars().any(char::is_control)
            });
            if !file.is_file() || file.is_symlink() || is_hidden || is_skipped(&name) {
                return (name, None);
            }
            if let Err(error) = FileFormat::of_name(&name) {
                return (name, Some(Err(error)));
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
    // Reserved at once: if it grew in steps, the old and the new buffer would count at the same time. The archive's
    // reader stops at the declared size.
    let mut unpacked = Vec::new();
    if unpacked.try_reserve_exact(stated as usize).is_err() {
        let detail = format!("cannot allocate the declared size of {stated} bytes");
        return (name, Some(Err(damaged(detail))));
    }
    let read = file.read_to_end(&mut unpacked);
    budget.bytes -= stated.min(unpacked.len() as u64);
    let outcome = match read {
        Err(error) => Err(damaged(error.to_string())),
        Ok(_) if (unpacked.len() as u64) < stated => Err(damaged(format!(
            "unpacks to fewer than the declared {stated} bytes"
        ))),
        Ok(_) => Ok(unpacked),
    };
    (name, Some(outcome))
}

/// Refuses a package (DOCX, PPTX, XLSX, ODS, EPUB, which are ZIP archives) that would unpack to more than the limit,
/// before the format's reader unpacks it.
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

/// Reads an attachment of a mail if its name has a known format.
///
/// # Errors
/// [`IngestError::Unpacked`] if there is no room for more.
pub fn attached(
    name: &str,
    file: &str,
    contents: &[u8],
    depth: usize,
    budget: &mut Budget,
    parsed: &mut Parsed,
) -> Result<(), IngestError> {
    let path = format!("{name}/{file}");
    if let Err(error) = FileFormat::of_name(file) {
        if !is_skipped(file) {
            parsed.failed.push((path, error.to_string()));
        }
        return Ok(());
    }
    budget.bytes = budget
        .bytes
        .checked_sub(contents.len() as u64)
        .ok_or(IngestError::Unpacked { max: MAX_UNPACKED })?;
    match parse_at(&path, contents, depth + 1, budget) {
        Ok(found) => parsed.take(found),
        Err(error) => parsed.failed.push((path, error.to_string())),
    }
    Ok(())
}

/// The name endings of files without knowledge in archives and mails: pictures, sounds, films, fonts, styles and
/// scripts. Skipping them is not reported.
const PASSED_OVER: [&str; 40] = [
    "png", "jpg", "jpeg", "gif", "webp", "svg", "bmp", "tif", "tiff", "ico", "heic", "avif", "emf",
    "wmf", "mp3", "m4a", "wav", "ogg", "flac", "mp4", "mov", "avi", "webm", "mkv", "woff", "woff2",
    "ttf", "otf", "eot", "css", "scss", "js", "mjs", "ts", "map", "ics", "vcf", "p7s", "asc",
    "url",
];

fn is_skipped(name: &str) -> bool {
    let ending = name
        .rsplit_once('.')
        .map(|(_, ending)| ending.to_lowercase());
    ending.is_some_and(|ending| PASSED_OVER.contains(&ending.as_str()))
}

/// Extracts an EPUB's chapters in reading order, without the table of contents.
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
