//! The glyphs of a PDF and their positions, from PDFium, turned upright: one [`Sheet`] for each writing direction on a
//! page.

use std::collections::{HashMap, HashSet};
use std::ffi::c_int;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use pdfium_render::prelude::{FPDF_DOCUMENT, FPDF_LINK, FPDF_PAGE, Pdfium, PdfiumLibraryBindings};

use super::super::IngestError;

/// The default path of the library, where `ken setup` installs it, relative to the working folder.
const DEFAULT_LIBRARY: &str = "models/pdfium/libpdfium.so";
/// Writing that deviates from a right angle by more than this, in quarter turns, is a stamp across the page.
const SLANT: f64 = 0.1;
/// The text rendering mode of invisible text.
const INVISIBLE: i32 = 3;
/// FPDF_GetLastError: a password is needed.
const ERROR_PASSWORD: u64 = 4;
/// FPDF_GetLastError: unknown encryption.
const ERROR_SECURITY: u64 = 5;

static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
/// PDFium is not thread-safe: callers hold this lock.
static PDFIUM: Mutex<Option<Box<dyn PdfiumLibraryBindings>>> = Mutex::new(None);

/// Sets the path of PDFium's library; only the first call counts. An empty path keeps the default.
pub fn use_library(path: PathBuf) {
    if !path.as_os_str().is_empty() {
        let _ = LIBRARY.set(path);
    }
}

/// A character and its position on the sheet, in points from the upper left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Glyph {
    /// The character.
    pub text: char,
    /// Its left end.
    pub start: f64,
    /// Its right end.
    pub end: f64,
    /// The baseline.
    pub y: f64,
    /// The font size.
    pub size: f64,
}

/// The text in one writing direction on a page.
#[derive(Debug, Default)]
pub struct Sheet {
    /// The page's number, from 1.
    pub number: u32,
    /// The height in points.
    pub height: f64,
    /// The glyphs in drawing order.
    pub glyphs: Vec<Glyph>,
    /// Drawn lines, and edges of drawn boxes, parallel to the lines of text.
    pub rules: Vec<RuledLine>,
    /// Those perpendicular to the lines of text: `at` is the horizontal position, `start` and `end` are heights.
    pub walls: Vec<RuledLine>,
}

/// A drawn straight line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RuledLine {
    /// Its start, in points.
    pub start: f64,
    /// Its end, in points.
    pub end: f64,
    /// Its height, if parallel to the lines of text.
    pub at: f64,
}

/// A link of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct PageLink {
    /// The page, from 1.
    pub number: u32,
    /// The characters within its frame, in drawing order.
    pub text: String,
    /// The address.
    pub url: String,
}

/// The content of a file.
#[derive(Debug, Default)]
pub struct Pages {
    /// How many pages it has.
    pub n_pages: usize,
    /// The title in its properties.
    pub title: Option<String>,
    /// The sheets in page order.
    pub sheets: Vec<Sheet>,
    /// The links in the order of the pages' lists.
    pub links: Vec<PageLink>,
    /// How many glyphs have no known character.
    pub n_unknown: usize,
    /// How many pages have text of which none could be read.
    pub n_unread: usize,
}

/// Reads all pages.
///
/// # Errors
/// [`IngestError::NotSetUp`] without the library; [`IngestError::PasswordProtected`] if the file is encrypted;
/// [`IngestError::Damaged`] if PDFium cannot open it.
pub fn read(bytes: &[u8]) -> Result<Pages, IngestError> {
    let mut pdfium = PDFIUM.lock().unwrap_or_else(PoisonError::into_inner);
    let pdfium = match &mut *pdfium {
        Some(pdfium) => pdfium,
        none => {
            let library = LIBRARY.get_or_init(|| PathBuf::from(DEFAULT_LIBRARY));
            let absent = |error| IngestError::NotSetUp {
                format: "PDF".to_owned(),
                detail: format!("{}: {error}", library.display()),
            };
            let loaded = Pdfium::bind_to_library(library).map_err(absent)?;
            // SAFETY: called once, under the lock, before any other function of the library.
            unsafe { loaded.FPDF_InitLibrary() };
            none.insert(loaded)
        }
    };
    // SAFETY: the lock is held, so no other thread is within the library.
    unsafe { pages(pdfium.as_ref(), bytes) }
}

/// Closes a handle on drop, even after a panic.
struct Closing<F: FnMut()>(F);

impl<F: FnMut()> Drop for Closing<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// The frames (left, bottom, right, top) of a page's links to addresses, one a line of text, with the addresses.
///
/// # Safety
/// As for [`pages`]; both handles must be open.
unsafe fn links_of(
    pdfium: &dyn PdfiumLibraryBindings,
    document: FPDF_DOCUMENT,
    page: FPDF_PAGE,
) -> Vec<(Vec<[f64; 4]>, String)> {
    let mut links = Vec::new();
    // SAFETY: the handles are open, and each buffer has the stated length.
    unsafe {
        let (mut next, mut link) = (0, std::ptr::null_mut());
        let mut n_seen = 0;
        while n_seen < MAX_LINKS && pdfium.FPDFLink_Enumerate(page, &mut next, &mut link) == 1 {
            n_seen += 1;
            let action = pdfium.FPDFLink_GetAction(link);
            if action.is_null() || pdfium.FPDFAction_GetType(action) != URI_ACTION {
                continue;
            }
            let mut url = vec![0_u8; MAX_URL];
            let (buffer, room) = (url.as_mut_ptr().cast(), url.len() as _);
            let n_bytes = pdfium.FPDFAction_GetURIPath(document, action, buffer, room) as usize;
            // The length includes the terminating zero.
            if !(2..=MAX_URL).contains(&n_bytes) {
                continue;
            }
            url.truncate(n_bytes - 1);
            let frames = frames_of(pdfium, link);
            links.extend(String::from_utf8(url).ok().map(|url| (frames, url)));
        }
    }
    links
}

/// The frames of a link's lines. A link without quadrilaterals has the frame of its annotation, which holds the words beside
/// it, too, where it goes over two lines.
///
/// # Safety
/// The handle is open, and no other thread is within the library.
unsafe fn frames_of(pdfium: &dyn PdfiumLibraryBindings, link: FPDF_LINK) -> Vec<[f64; 4]> {
    // SAFETY: the handle is open, and what is written to lives on this stack.
    unsafe {
        let n_quads = pdfium.FPDFLink_CountQuadPoints(link).min(MAX_LINES);
        let quads = (0..n_quads).filter_map(|index| {
            let mut quad = std::mem::zeroed();
            let is_read = pdfium.FPDFLink_GetQuadPoints(link, index, &mut quad) == 1;
            let (xs, ys) = (
                [quad.x1, quad.x2, quad.x3, quad.x4].map(f64::from),
                [quad.y1, quad.y2, quad.y3, quad.y4].map(f64::from),
            );
            let (least, most) = (
                |of: [f64; 4]| of.into_iter().fold(f64::INFINITY, f64::min),
                |of: [f64; 4]| of.into_iter().fold(f64::NEG_INFINITY, f64::max),
            );
            let frame = [least(xs), least(ys), most(xs), most(ys)];
            (is_read && frame[0] < frame[2] && frame[1] < frame[3]).then_some(frame)
        });
        let quads: Vec<[f64; 4]> = quads.collect();
        let mut frame = std::mem::zeroed();
        if quads.is_empty() && pdfium.FPDFLink_GetAnnotRect(link, &mut frame) == 1 {
            return vec![[frame.left, frame.bottom, frame.right, frame.top].map(f64::from)];
        }
        quads
    }
}

/// # Safety
/// The library is initialised and no other thread is within it.
unsafe fn pages(pdfium: &dyn PdfiumLibraryBindings, bytes: &[u8]) -> Result<Pages, IngestError> {
    // SAFETY: `bytes` outlives the document, and every handle is used only while its parent is open.
    unsafe {
        let document = pdfium.FPDF_LoadMemDocument64(bytes, None);
        if document.is_null() {
            return Err(match pdfium.FPDF_GetLastError() {
                ERROR_PASSWORD | ERROR_SECURITY => IngestError::PasswordProtected,
                _ => IngestError::damaged("PDF", "the file is damaged"),
            });
        }
        let _close = Closing(|| pdfium.FPDF_CloseDocument(document));
        let mut found = Pages {
            n_pages: usize::try_from(pdfium.FPDF_GetPageCount(document)).unwrap_or(0),
            ..Pages::default()
        };
        let mut title = vec![0_u16; 512];
        let room = (title.len() * 2) as _;
        let n_bytes = pdfium.FPDF_GetMetaText(document, "Title", title.as_mut_ptr().cast(), room);
        title.truncate((usize::try_from(n_bytes).unwrap_or(0) / 2).min(512));
        let title = String::from_utf16_lossy(&title);
        let title = title.trim_end_matches('\0').trim();
        found.title = Some(title.to_owned()).filter(|title| !title.is_empty());

        for (index, number) in (0..).zip(1..=found.n_pages as u32) {
            let mut page = pdfium.FPDF_LoadPage(document, index);
            let links = match page.is_null() {
                true => Vec::new(),
                false => links_of(pdfium, document, page),
            };
            // Form fields and annotations become part of the page.
            let is_written = |i| {
                let note = pdfium.FPDFPage_GetAnnot(page, i);
                let kind = pdfium.FPDFAnnot_GetSubtype(note);
                pdfium.FPDFPage_CloseAnnot(note);
                [FREE_TEXT, WIDGET].contains(&kind)
            };
            if !page.is_null()
                && (0..pdfium.FPDFPage_GetAnnotCount(page).min(MAX_NOTES)).any(is_written)
                && pdfium.FPDFPage_Flatten(page, AS_SHOWN) == FLATTENED
            {
                pdfium.FPDF_ClosePage(page);
                page = pdfium.FPDF_LoadPage(document, index);
            }
            if page.is_null() {
                found.n_unread += 1;
                continue;
            }
            let _close = Closing(|| pdfium.FPDF_ClosePage(page));
            // The content is rotated instead of the page. PDFium skips a line of text without any width (vertical or
            // sideways writing in fonts without a height), so the page is read again after a quarter turn.
            let turns = pdfium.FPDFPage_GetRotation(page).rem_euclid(4);
            let n_objects = pdfium.FPDFPage_CountObjects(page);
            let objects = (0..n_objects).map(|i| pdfium.FPDFPage_GetObject(page, i));
            let texts: Vec<_> = objects
                .filter(|object| pdfium.FPDFPageObj_GetType(*object) == TEXT_OBJECT)
                .map(|object| object as usize)
                .collect();
            let turn = |turns: i32| {
                let [a, b, c, d] = quarters(turns);
                for i in 0..n_objects {
                    let object = pdfium.FPDFPage_GetObject(page, i);
                    pdfium.FPDFPageObj_Transform(object, a, b, c, d, 0.0, 0.0);
                }
            };
            let mut frame = std::mem::zeroed();
            pdfium.FPDF_GetPageBoundingBox(page, &mut frame);
            let sides = [frame.left, frame.right, frame.bottom, frame.top].map(f64::from);
            // The straight edges of drawings, each from point to point.
            let edges = || {
                let mut edges: Vec<Edge> = Vec::new();
                for i in 0..n_objects {
                    let path = pdfium.FPDFPage_GetObject(page, i);
                    if pdfium.FPDFPageObj_GetType(path) != PATH_OBJECT || edges.len() > MAX_EDGES {
                        continue;
                    }
                    let mut matrix = std::mem::zeroed();
                    pdfium.FPDFPageObj_GetMatrix(path, &mut matrix);
                    let [a, b, c, d] = [matrix.a, matrix.b, matrix.c, matrix.d].map(f64::from);
                    let (e, f) = (f64::from(matrix.e), f64::from(matrix.f));
                    let (mut begun, mut last) = (None, None);
                    for k in 0..pdfium.FPDFPath_CountSegments(path).min(MAX_SEGMENTS) {
                        let segment = pdfium.FPDFPath_GetPathSegment(path, k);
                        let (mut x, mut y) = (0.0_f32, 0.0_f32);
                        pdfium.FPDFPathSegment_GetPoint(segment, &mut x, &mut y);
                        let (x, y) = (f64::from(x), f64::from(y));
                        let here = (a * x + c * y + e, b * x + d * y + f);
                        match pdfium.FPDFPathSegment_GetType(segment) {
                            MOVE_TO => begun = Some(here),
                            LINE_TO => edges.extend(last.map(|last| (last, here))),
                            _ => {}
                        }
                        last = Some(here);
                        if pdfium.FPDFPathSegment_GetClose(segment) == 1 {
                            edges.extend(begun.map(|begun| (here, begun)));
                        }
                    }
                }
                edges
            };
            let written = |turns: i32| {
                let mut found = PageScan::of(sides, turns);
                found.edges = edges();
                let text = pdfium.FPDFText_LoadPage(page);
                if text.is_null() {
                    return found;
                }
                let _close = Closing(|| pdfium.FPDFText_ClosePage(text));
                let mut first_half = None;
                for i in 0..pdfium.FPDFText_CountChars(text) {
                    if pdfium.FPDFText_IsGenerated(text, i) == 1 {
                        continue;
                    }
                    let object = pdfium.FPDFText_GetTextObject(text, i);
                    found.objects.insert(object as usize);
                    let mut code = pdfium.FPDFText_GetUnicode(text, i);
                    // Characters beyond the first plane are two halves.
                    match (first_half.take(), code) {
                        (_, 0xD800..0xDC00) => {
                            first_half = Some(code);
                            continue;
                        }
                        (Some(first), 0xDC00..0xE000) => {
                            code = 0x1_0000 + ((first - 0xD800) << 10) + (code - 0xDC00);
                        }
                        _ => {}
                    }
                    let is_doubtful = pdfium.FPDFText_HasUnicodeMapError(text, i) == 1;
                    let Some(character) = character(code) else {
                        found.n_unknown += usize::from(code > 0x20);
                        continue;
                    };
                    let (mut x, mut y) = (0.0, 0.0);
                    pdfium.FPDFText_GetCharOrigin(text, i, &mut x, &mut y);
                    let mut frame = std::mem::zeroed();
                    pdfium.FPDFText_GetLooseCharBox(text, i, &mut frame);
                    let mut matrix = std::mem::zeroed();
                    pdfium.FPDFText_GetMatrix(text, i, &mut matrix);
                    let area = f64::from(matrix.a * matrix.d - matrix.b * matrix.c);
                    found.seen.push(PlacedGlyph {
                        text: character,
                        origin: (x, y),
                        low: (f64::from(frame.left), f64::from(frame.bottom)),
                        high: (f64::from(frame.right), f64::from(frame.top)),
                        // Upside down in a mirrored frame.
                        size: pdfium.FPDFText_GetFontSize(text, i).abs() * area.abs().sqrt(),
                        // Counterclockwise, as PDFium counts.
                        angle: -f64::from(pdfium.FPDFText_GetCharAngle(text, i)),
                        is_shown: object.is_null()
                            || pdfium.FPDFTextObj_GetTextRenderMode(object) != INVISIBLE,
                        is_doubtful,
                        object: object as usize,
                    });
                }
                found
            };
            let (mut best, mut best_turns) = (PageScan::default(), turns);
            if turns > 0 {
                turn(turns);
            }
            for attempt in 0..2 {
                let look = written(turns + attempt);
                let missed = texts.iter().filter(|text| !look.objects.contains(text));
                let n_missed = missed.count();
                if look.seen.len() > best.seen.len() || attempt == 0 {
                    (best, best_turns) = (look, turns + attempt);
                }
                if n_missed * 4 < texts.len() || texts.is_empty() {
                    break;
                }
                turn(1);
            }
            let PageScan {
                mut seen,
                n_unknown,
                corners,
                edges,
                ..
            } = best;
            // A page with hardly any visible text is a picture with its recognised text behind it.
            let n_shown = seen.iter().filter(|glyph| glyph.is_shown).count();
            if n_shown * 5 > seen.len() {
                seen.retain(|glyph| glyph.is_shown);
            }
            // On a page with rotated content the links' frames would not match.
            if best_turns == 0 {
                found.links.extend(links.into_iter().map(|(frames, url)| {
                    let is_within =
                        |glyph: &PlacedGlyph| frames.iter().any(|frame| glyph.is_within(*frame));
                    let within = seen
                        .iter()
                        .filter(|glyph| glyph.is_shown && is_within(glyph));
                    PageLink {
                        number,
                        text: within.map(|glyph| glyph.text).take(MAX_WORDS).collect(),
                        url,
                    }
                }));
            }
            let doubtful = seen.iter().filter(|glyph| glyph.is_doubtful);
            let doubtful: String = doubtful.map(|glyph| glyph.text).collect();
            if !doubtful.is_empty() && !is_plausible(&doubtful) {
                found.n_unknown += doubtful.chars().filter(|c| !c.is_whitespace()).count();
                seen.retain(|glyph| !glyph.is_doubtful);
            }
            found.n_unknown += n_unknown;
            found.n_unread += usize::from(seen.is_empty() && n_unknown == 0 && !texts.is_empty());
            found.sheets.extend(sheets(number, &seen, &edges, corners));
        }
        Ok(found)
    }
}

/// The result of one reading of a page.
#[derive(Default)]
struct PageScan {
    seen: Vec<PlacedGlyph>,
    n_unknown: usize,
    /// The text objects of which something was found.
    objects: HashSet<usize>,
    corners: [(f64, f64); 4],
    edges: Vec<Edge>,
}

/// The end points of a drawn straight line.
type Edge = ((f64, f64), (f64, f64));

/// PDFACTION_URI.
const URI_ACTION: u64 = 3;
/// More links of a page, lines of a link, and longer addresses are left out.
const MAX_LINKS: usize = 1_000;
const MAX_LINES: c_int = 100;
const MAX_URL: usize = 2_048;
/// A link with more characters is a panel, not words.
const MAX_WORDS: usize = 300;
/// FPDF_PAGEOBJ_PATH, FPDF_SEGMENT_LINETO, FPDF_SEGMENT_MOVETO.
const PATH_OBJECT: i32 = 2;
const LINE_TO: i32 = 0;
const MOVE_TO: i32 = 2;
/// A page with more edges is a drawing, not a table.
const MAX_EDGES: usize = 20_000;
const MAX_SEGMENTS: i32 = 5_000;
/// An edge is a rule if it is longer than this and less slanted, in points.
const MIN_RULE: f64 = 8.0;
const MAX_SLANT: f64 = 0.8;

impl PageScan {
    /// Starts empty, for a page with these sides (left, right, bottom, top) after a rotation.
    fn of([left, right, bottom, top]: [f64; 4], turns: i32) -> Self {
        let [a, b, c, d] = quarters(turns);
        let corners = [(left, bottom), (right, bottom), (left, top), (right, top)];
        Self {
            corners: corners.map(|(x, y)| (a * x + c * y, b * x + d * y)),
            ..Self::default()
        }
    }
}

/// Returns whether codes used as characters make words: Latin ones have vowels as in English and similar languages;
/// Chinese ones are mostly among the 3,755 most common (GB 2312, level 1) or the 5,401 of Big5.
fn is_plausible(text: &str) -> bool {
    let letters: Vec<char> = text.chars().filter(|c| c.is_alphabetic()).collect();
    let n = letters.len().max(1);
    let n_signs = text.chars().filter(|c| !c.is_whitespace()).count();
    let lower = letters.iter().filter(|c| c.is_ascii_lowercase()).count();
    let vowels = letters
        .iter()
        .filter(|c| "aeiouAEIOU".contains(**c))
        .count();
    let is_common = |c: &&char| {
        let mut one = [0; 4];
        let one: &str = c.encode_utf8(&mut one);
        let (simplified, _, no_simplified) = encoding_rs::GBK.encode(one);
        let (traditional, _, no_traditional) = encoding_rs::BIG5.encode(one);
        let in_level_1 = |bytes: &[u8], last: u8| bytes.len() == 2 && bytes[0] <= last;
        (!no_simplified && in_level_1(&simplified, 0xD7) && simplified[0] >= 0xB0)
            || (!no_traditional && in_level_1(&traditional, 0xC6) && traditional[0] >= 0xA4)
    };
    let han = letters
        .iter()
        .filter(|c| ken_text::text::is_cjk(**c))
        .count();
    let common = letters.iter().filter(is_common).count();
    let reads_latin = lower * 2 > n && vowels * 4 > n && vowels * 9 < n * 5;
    let reads_chinese = han * 2 > n && common * 4 > han * 3;
    n * 3 > n_signs && (reads_latin || reads_chinese)
}

/// Returns the character of a code; `None` if the file does not define it or gives it a private meaning, except for
/// symbol fonts.
fn character(code: u32) -> Option<char> {
    match code {
        0 | 0xFFFD | 0xE000..0xF000 | 0xF100..0xF900 => None,
        // PDFium's mark for a hyphen at a line's end.
        2 => Some('-'),
        code => char::from_u32(code),
    }
}

/// Returns the matrix of a clockwise rotation by quarter turns.
fn quarters(turns: i32) -> [f64; 4] {
    match turns.rem_euclid(4) {
        1 => [0.0, -1.0, 1.0, 0.0],
        2 => [-1.0, 0.0, 0.0, -1.0],
        3 => [0.0, 1.0, -1.0, 0.0],
        _ => [1.0, 0.0, 0.0, 1.0],
    }
}

/// FPDF_ANNOT_FREETEXT, FPDF_ANNOT_WIDGET.
const FREE_TEXT: i32 = 3;
const WIDGET: i32 = 20;
/// FLAT_NORMALDISPLAY, FLATTEN_SUCCESS.
const AS_SHOWN: i32 = 0;
const FLATTENED: i32 = 1;
/// The most annotations of a page that are examined.
const MAX_NOTES: i32 = 10_000;
/// FPDF_PAGEOBJ_TEXT.
const TEXT_OBJECT: i32 = 1;

/// A glyph in the page's own coordinates, upwards and to the right.
struct PlacedGlyph {
    text: char,
    origin: (f64, f64),
    low: (f64, f64),
    high: (f64, f64),
    size: f64,
    angle: f64,
    is_shown: bool,
    /// Whether the font does not define its character, so that its code is used instead.
    is_doubtful: bool,
    /// The text object that drew it.
    object: usize,
}

impl PlacedGlyph {
    /// Returns whether its centre is in a frame: left, bottom, right, top.
    fn is_within(&self, [left, bottom, right, top]: [f64; 4]) -> bool {
        let middle = |a: f64, b: f64| (a + b) / 2.0;
        let (x, y) = (
            middle(self.low.0, self.high.0),
            middle(self.low.1, self.high.1),
        );
        (left..=right).contains(&x) && (bottom..=top).contains(&y)
    }
}

/// Returns one sheet for each writing direction, the one with the most text first, without slanted text.
fn sheets(
    number: u32,
    seen: &[PlacedGlyph],
    edges: &[Edge],
    corners: [(f64, f64); 4],
) -> Vec<Sheet> {
    let mut sheets: Vec<Sheet> = Vec::new();
    for turns in 0..4 {
        let (cos, sin) = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)][turns];
        // Along the line, and from line to line.
        let along = |(x, y): (f64, f64)| x * cos + y * sin;
        let down = |(x, y): (f64, f64)| x * sin - y * cos;
        let is_written = |glyph: &&PlacedGlyph| {
            let quarters = glyph.angle / std::f64::consts::FRAC_PI_2;
            let near = quarters.round();
            (quarters - near).abs() < SLANT && near.rem_euclid(4.0) as usize == turns
        };
        let first = |of: &dyn Fn((f64, f64)) -> f64| {
            corners.into_iter().map(of).fold(f64::INFINITY, f64::min)
        };
        let last = |of: &dyn Fn((f64, f64)) -> f64| {
            corners
                .into_iter()
                .map(of)
                .fold(f64::NEG_INFINITY, f64::max)
        };
        let (left, top) = (first(&along), first(&down));
        let (width, height) = (last(&along) - left, last(&down) - top);
        let mut glyphs: Vec<Glyph> = Vec::new();
        let mut tops: Vec<(f64, f64)> = Vec::new();
        let mut drawn = DrawnGlyphs::default();
        for glyph in seen.iter().filter(is_written) {
            let ends = [along(glyph.low), along(glyph.high)];
            let heights = [down(glyph.low), down(glyph.high)];
            if !(glyph.size.is_finite() && glyph.size > 0.0) || drawn.again(glyph) {
                continue;
            }
            glyphs.push(Glyph {
                text: glyph.text,
                start: along(glyph.origin) - left,
                end: ends[0].max(ends[1]) - left,
                y: down(glyph.origin) - top,
                size: glyph.size,
            });
            let [a, b] = heights.map(|y| y - top);
            tops.push((a.min(b), a.max(b)));
        }
        if glyphs.is_empty() {
            continue;
        }
        let is_vertical = is_vertical(&glyphs);
        if is_vertical {
            // Columns from right to left become lines from top to bottom.
            for (glyph, (top, bottom)) in glyphs.iter_mut().zip(tops) {
                let y = width - glyph.start;
                (glyph.start, glyph.end, glyph.y) = (top, bottom, y);
            }
            // PDFium returns them in any order.
            let line = |glyph: &Glyph| (2.0 * glyph.y / glyph.size).round();
            glyphs.sort_by(|a, b| {
                let order = line(a).total_cmp(&line(b));
                order.then(a.start.total_cmp(&b.start))
            });
        }
        let straight = |(from, to): ((f64, f64), (f64, f64))| {
            let is_rule = (from.0 - to.0).abs() > MIN_RULE && (from.1 - to.1).abs() < MAX_SLANT;
            is_rule.then(|| RuledLine {
                start: from.0.min(to.0),
                end: from.0.max(to.0),
                at: from.1,
            })
        };
        let placed = |point: (f64, f64)| (along(point) - left, down(point) - top);
        let rule = |(from, to): &Edge| straight((placed(*from), placed(*to)));
        let turned = |(x, y): (f64, f64)| (y, x);
        let wall = |(from, to): &Edge| straight((turned(placed(*from)), turned(placed(*to))));
        // None for vertical writing: its tables are not recognised.
        let edges = if is_vertical { &[] } else { edges };
        sheets.push(Sheet {
            number,
            height: if is_vertical { width } else { height },
            glyphs,
            rules: edges.iter().filter_map(rule).collect(),
            walls: edges.iter().filter_map(wall).collect(),
        });
    }
    sheets.sort_by_key(|sheet| std::cmp::Reverse(sheet.glyphs.len()));
    sheets
}

/// A letter drawn again within this share of its size is the same one, made bold or given a shadow.
const OVERPRINT: f64 = 0.2;

/// The positions of the letters drawn so far.
#[derive(Default)]
struct DrawnGlyphs(HashMap<(char, i64, i64), Vec<Place>>);

/// A position, with the text object.
type Place = (f64, f64, usize);

impl DrawnGlyphs {
    /// Returns whether this glyph was drawn at this position before.
    fn again(&mut self, glyph: &PlacedGlyph) -> bool {
        let (x, y) = glyph.origin;
        if glyph.text.is_whitespace() || !x.is_finite() || !y.is_finite() {
            return false;
        }
        let near = OVERPRINT * glyph.size;
        // Positions in squares of the size that counts as near, so that only neighbours need a check.
        let square = |value: f64| (value / near).floor() as i64;
        // Letters of one text object are side by side: a narrow `ll`, the `ff` of a ligature.
        let is_near = |(a, b, object): &(f64, f64, usize)| {
            (a - x).abs() < near && (b - y).abs() < near && *object != glyph.object
        };
        let around = (-1..=1).flat_map(|dx| (-1..=1).map(move |dy| (dx, dy)));
        let was = around
            .filter_map(|(dx, dy)| self.0.get(&(glyph.text, square(x) + dx, square(y) + dy)))
            .flatten()
            .any(is_near);
        if !was {
            let place = (glyph.text, square(x), square(y));
            self.0.entry(place).or_default().push((x, y, glyph.object));
        }
        was
    }
}

/// Returns whether most characters are below the previous one, as in vertical writing.
fn is_vertical(glyphs: &[Glyph]) -> bool {
    let (mut below, mut beside) = (0_usize, 0_usize);
    for pair in glyphs.windows(2) {
        let (dx, dy) = (
            (pair[1].start - pair[0].start) / pair[0].size,
            (pair[1].y - pair[0].y) / pair[0].size,
        );
        below += usize::from(dx.abs() < 0.3 && (0.5..1.6).contains(&dy));
        beside += usize::from(dy.abs() < 0.3 && (0.1..1.6).contains(&dx));
    }
    below > beside && below * 3 > glyphs.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: char, x: f64, y: f64, angle: f64) -> PlacedGlyph {
        PlacedGlyph {
            text,
            origin: (x, y),
            low: (x, y - 2.0),
            high: (x + 10.0, y + 8.0),
            size: 10.0,
            angle,
            is_shown: true,
            is_doubtful: false,
            object: 0,
        }
    }

    /// Returns the glyph as drawn by another text object.
    fn again(glyph: PlacedGlyph, object: usize) -> PlacedGlyph {
        PlacedGlyph { object, ..glyph }
    }

    const PAGE: [(f64, f64); 4] = [(0.0, 0.0), (200.0, 0.0), (0.0, 100.0), (200.0, 100.0)];

    fn words(sheet: &Sheet) -> String {
        sheet.glyphs.iter().map(|glyph| glyph.text).collect()
    }

    #[test]
    fn slanted_stamp_is_dropped() {
        let page = [
            seen('正', 10.0, 90.0, 0.0),
            seen('文', 20.0, 90.0, 0.0),
            seen('印', 30.0, 30.0, 0.8),
        ];
        let found = sheets(1, &page, &[], PAGE);
        assert_eq!(found.iter().map(words).collect::<Vec<_>>(), ["正文"]);
        assert_eq!(found[0].glyphs[0].y, 10.0);
    }

    #[test]
    fn vertical_side_text_becomes_separate_sheet() {
        let up = std::f64::consts::FRAC_PI_2;
        let page = [
            seen('橫', 10.0, 90.0, 0.0),
            seen('式', 20.0, 90.0, 0.0),
            seen('側', 50.0, 10.0, up),
        ];
        let found = sheets(1, &page, &[], PAGE);
        assert_eq!(found.iter().map(words).collect::<Vec<_>>(), ["橫式", "側"]);
        assert_eq!(
            (
                found[1].glyphs[0].start,
                found[1].glyphs[0].y,
                found[1].height
            ),
            (10.0, 50.0, 200.0)
        );
    }

    #[test]
    fn overprinted_glyph_counts_once() {
        let page = [
            seen('粗', 10.0, 90.0, 0.0),
            again(seen('粗', 10.3, 90.0, 0.0), 1),
            again(seen('粗', 10.6, 90.2, 0.0), 2),
            seen('粗', 20.0, 90.0, 0.0),
            // A ligature's letters have the same position.
            seen('f', 30.0, 90.0, 0.0),
            seen('f', 30.0, 90.0, 0.0),
        ];
        let found = sheets(1, &page, &[], PAGE);
        assert_eq!(found.iter().map(words).collect::<Vec<_>>(), ["粗粗ff"]);
    }

    #[test]
    fn text_plausibility_distinguishes_words_from_glyph_codes() {
        for (text, expected) in [
            ("The essay says that people learn by reading", true),
            ("甲方：中国饮料有限公司与乙方签订合同", true),
            ("保固期間內免費維修", true),
            ("6XPPDU\\ RI WKH UHSRUW", false),
            ("齉龘靐齾爩鱻麤龗灪", false),
            ("!\"#$%&'()*+,-", false),
        ] {
            assert_eq!(is_plausible(text), expected, "{text}");
        }
    }

    #[test]
    fn vertical_columns_are_lines_from_right_to_left() {
        let page = [
            seen('一', 150.0, 90.0, 0.0),
            seen('二', 150.0, 80.0, 0.0),
            seen('三', 150.0, 70.0, 0.0),
            seen('四', 130.0, 90.0, 0.0),
            seen('五', 130.0, 80.0, 0.0),
        ];
        let sheet = &sheets(1, &page, &[], PAGE)[0];
        let lines: Vec<f64> = sheet.glyphs.iter().map(|glyph| glyph.y).collect();
        assert_eq!(lines, [50.0, 50.0, 50.0, 70.0, 70.0]);
        assert_eq!(sheet.glyphs[1].start - sheet.glyphs[0].start, 10.0);
    }
}
