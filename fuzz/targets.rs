//! The fuzz targets by name: each runs code on bytes and asserts its invariants. `cargo fuzz` runs them (see the
//! Makefile). `cargo test` runs them on the seeds, on earlier findings, and on some thousand mutations of both.

use std::io::Write;
use std::sync::{Arc, LazyLock};

use ken_answer::answer::{Gazetteer, reply_language, understand};
use ken_base::domain::{
    Chunk, ChunkNote, DocumentId, Filter, Metadata, Query, Role, Source, Span, Utterance,
};
use ken_ingest::ingest::{Parsed, parse_faqs, parse_file};
use ken_search::index::KeywordIndex;
use ken_store::store::IndexEntry;
use ken_text::conflict::{Statement, contradiction};
use ken_text::redact::Redactor;
use ken_text::text::{self, Synonyms};
use zip::write::{SimpleFileOptions, ZipWriter};

/// A fuzz target.
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// Whether it mostly runs a library's code. The service parses files in separate processes and refuses a file if
    /// the library panics. So only a failed assertion of ours counts.
    pub is_others: bool,
    /// Runs it on bytes. Panics if an invariant does not hold.
    pub run: fn(&[u8]),
    /// File name endings of the fixtures that it starts from.
    pub seeds: &'static [&'static str],
}

/// All targets.
pub const TARGETS: [Target; 10] = [
    Target {
        name: "markdown",
        is_others: false,
        run: |bytes| file("a.md", bytes),
        seeds: &["md"],
    },
    Target {
        name: "html",
        is_others: false,
        run: |bytes| file("a.html", bytes),
        seeds: &["html"],
    },
    Target {
        name: "tables",
        is_others: false,
        run: tables,
        seeds: &["csv", "tsv", "json", "jsonl"],
    },
    Target {
        name: "workbook",
        is_others: true,
        run: workbook,
        seeds: &["xlsx", "ods"],
    },
    Target {
        name: "office",
        is_others: false,
        run: office,
        seeds: &["docx", "pptx"],
    },
    Target {
        name: "pdf",
        is_others: false,
        run: |bytes| file("a.pdf", bytes),
        seeds: &["pdf"],
    },
    Target {
        name: "packages",
        is_others: true,
        run: packages,
        seeds: &["zip", "epub", "eml"],
    },
    Target {
        name: "words",
        is_others: false,
        run: words,
        seeds: &["txt", "md"],
    },
    Target {
        name: "query",
        is_others: false,
        run: query,
        seeds: &["txt", "md"],
    },
    Target {
        name: "body",
        is_others: false,
        run: body,
        seeds: &["json", "jsonl"],
    },
];

/// Runs a target like the service: a panic in a library's code counts as a refusal.
pub fn run(target: &Target, bytes: &[u8]) {
    if target.is_others {
        let _ = std::panic::catch_unwind(|| (target.run)(bytes)).map_err(|panic| {
            // A failed assertion of ours is not the library's panic.
            let said = panic.downcast_ref::<String>().map_or("", String::as_str);
            assert!(!said.starts_with(OURS), "{said}");
        });
    } else {
        (target.run)(bytes);
    }
}

/// Like [`run`], by name, under a fuzzer, whose own panic hook would end the process at any panic.
pub fn fuzz(name: &str, bytes: &[u8]) {
    static QUIET: std::sync::Once = std::sync::Once::new();
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.expect("there is such a target");
    if target.is_others {
        QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
        if std::panic::catch_unwind(|| run(target, bytes)).is_err() {
            std::process::abort();
        }
    } else {
        run(target, bytes);
    }
}

/// The beginning of the messages of our own assertions.
const OURS: &str = "what has to hold:";

fn hold(holds: bool, what: impl Fn() -> String) {
    assert!(holds, "{OURS} {}", what());
}

fn file(name: &str, bytes: &[u8]) {
    if let Ok(parsed) = parse_file(name, bytes) {
        sound(&parsed);
    }
}

/// Asserts that every chunk is a non-empty piece of its text, and that chunks are in order.
fn sound(parsed: &Parsed) {
    for source in &parsed.sources {
        chunks_are_sound(source);
    }
}

fn chunks_are_sound(source: &Source) {
    let text = &source.text;
    let is_piece = |span: Span| {
        span.slice(text)
            .is_some_and(|piece| !piece.trim().is_empty())
    };
    hold(!source.chunks.is_empty(), || "there are chunks".into());
    for chunk in &source.chunks {
        hold(is_piece(chunk.span), || {
            format!("{:?} is a piece of {text:?}", chunk.span)
        });
    }
    let in_order = source
        .chunks
        .windows(2)
        .all(|pair| pair[0].span.start <= pair[1].span.start);
    hold(in_order, || {
        format!("chunks are in order: {:?}", source.chunks)
    });
}

fn tables(bytes: &[u8]) {
    for name in ["a.csv", "a.tsv", "a.json", "a.jsonl"] {
        file(name, bytes);
        faqs(name, bytes);
    }
}

fn faqs(name: &str, bytes: &[u8]) {
    if let Ok(file) = parse_faqs(name, bytes) {
        for row in file.rows {
            if let Ok(source) = row.into_source() {
                chunks_are_sound(&source);
            }
        }
    }
}

/// Runs on a package, or on the part of one that holds its text.
fn workbook(bytes: &[u8]) {
    for (name, of) in [("a.xlsx", xlsx_of as Package), ("a.ods", ods_of)] {
        let bytes = packed(bytes, of);
        file(name, &bytes);
        faqs(name, &bytes);
    }
}

/// Like [`workbook`].
fn office(bytes: &[u8]) {
    for (name, of) in [("a.docx", docx_of as Package), ("a.pptx", pptx_of)] {
        file(name, &packed(bytes, of));
    }
}

/// Like [`workbook`]; a mail is parsed as it is.
fn packages(bytes: &[u8]) {
    for (name, of) in [("a.zip", zip_of as Package), ("a.epub", epub_of)] {
        file(name, &packed(bytes, of));
    }
    file("a.eml", bytes);
}

/// The parts of a package by name; one of them is `text`.
type Package = fn(text: &[u8]) -> Vec<(&'static str, &[u8])>;

/// Builds a package around the mutated part. If the fuzzer mutated the package, its checksums would fail at the first
/// changed byte.
fn packed(bytes: &[u8], of: Package) -> Vec<u8> {
    if bytes.starts_with(b"PK") {
        return bytes.to_vec();
    }
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut packed = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, part) in of(bytes) {
        packed.start_file(name, stored).expect("a part");
        packed.write_all(part).expect("in memory");
    }
    packed.finish().expect("in memory").into_inner()
}

fn docx_of(text: &[u8]) -> Vec<(&'static str, &[u8])> {
    vec![
        (
            "[Content_Types].xml",
            br#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"#,
        ),
        (
            "_rels/.rels",
            br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>"#,
        ),
        ("word/document.xml", text),
    ]
}

fn pptx_of(text: &[u8]) -> Vec<(&'static str, &[u8])> {
    vec![
        (
            "[Content_Types].xml",
            br#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/ppt/presentation.xml" ContentType="application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"/><Override PartName="/ppt/slides/slide1.xml" ContentType="application/vnd.openxmlformats-officedocument.presentationml.slide+xml"/></Types>"#,
        ),
        (
            "_rels/.rels",
            br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="ppt/presentation.xml"/></Relationships>"#,
        ),
        (
            "ppt/presentation.xml",
            br#"<p:presentation xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><p:sldIdLst><p:sldId id="256" r:id="rId1"/></p:sldIdLst><p:sldSz cx="9144000" cy="6858000"/></p:presentation>"#,
        ),
        (
            "ppt/_rels/presentation.xml.rels",
            br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/slide" Target="slides/slide1.xml"/></Relationships>"#,
        ),
        ("ppt/slides/slide1.xml", text),
    ]
}

fn xlsx_of(text: &[u8]) -> Vec<(&'static str, &[u8])> {
    vec![
        (
            "[Content_Types].xml",
            br#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>"#,
        ),
        (
            "_rels/.rels",
            br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
        ),
        (
            "xl/workbook.xml",
            br#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="one" sheetId="1" r:id="rId1"/></sheets></workbook>"#,
        ),
        (
            "xl/_rels/workbook.xml.rels",
            br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#,
        ),
        ("xl/worksheets/sheet1.xml", text),
    ]
}

fn ods_of(text: &[u8]) -> Vec<(&'static str, &[u8])> {
    vec![
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        (
            "META-INF/manifest.xml",
            br#"<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/><manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>"#,
        ),
        ("content.xml", text),
    ]
}

fn epub_of(text: &[u8]) -> Vec<(&'static str, &[u8])> {
    vec![
        ("mimetype", b"application/epub+zip"),
        (
            "META-INF/container.xml",
            br#"<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"#,
        ),
        (
            "book.opf",
            br#"<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">one</dc:identifier><dc:title>one</dc:title><dc:language>en</dc:language></metadata><manifest><item id="one" href="one.xhtml" media-type="application/xhtml+xml"/></manifest><spine><itemref idref="one"/></spine></package>"#,
        ),
        ("one.xhtml", text),
    ]
}

fn zip_of(text: &[u8]) -> Vec<(&'static str, &[u8])> {
    vec![("a.eml", text), ("b.html", text)]
}

static REDACTOR: LazyLock<Redactor> = LazyLock::new(Redactor::default);

/// Runs the text functions, from folding to the comparison of statements.
fn words(bytes: &[u8]) {
    let given = String::from_utf8_lossy(bytes);
    let given = &*given;
    let folded = text::fold(given);
    let terms = text::terms(given);
    hold(terms.iter().all(|term| !term.is_empty()), || {
        "no term is empty".into()
    });
    text::figures(&folded);
    text::written(given);
    text::detect(given);
    for sentence in text::sentences(given) {
        hold(sentence.slice(given).is_some(), || {
            format!("{sentence:?} is in {given:?}")
        });
    }
    let wanted = terms.iter().map(String::as_str).collect();
    for mark in text::Highlighter::new(wanted).marks(given) {
        hold(mark.slice(given).is_some(), || {
            format!("{mark:?} is in {given:?}")
        });
    }
    let redactor = &*REDACTOR;
    for found in redactor.find(given) {
        hold(found.span.slice(given).is_some(), || {
            format!("{found:?} is in {given:?}")
        });
    }
    let masked = redactor.mask(given);
    hold(redactor.mask(&masked) == masked, || {
        format!("{given:?} is masked at once: {masked:?}")
    });
    let (one, other) = given.split_at(given.floor_char_boundary(given.len() / 2));
    let said = |text| Statement { title: "", text };
    contradiction(said(one), said(other), None);
    file("a.txt", bytes);
}

/// A small collection to search in.
static COLLECTION: LazyLock<KeywordIndex> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("ken-fuzz-{}", std::process::id()));
    let index = KeywordIndex::open(&folder, Some(15_000_000)).expect("an index");
    let texts = [
        "退款會在 7 個工作天內退回 DoorMat K1 的付款帳戶。",
        "Shipping is free over NT$1,200.",
    ];
    let entry = |(key, text): (u32, &str)| IndexEntry {
        chunk: Chunk {
            key,
            document_id: DocumentId::parse(&format!("d{key}")).expect("an id"),
            version: 1,
            ordinal: 0,
            heading_path: Vec::new(),
            span: Span::new(0, text.len()),
            text: text.to_owned(),
            note: ChunkNote::default(),
        },
        metadata: Arc::new(Metadata::default()),
        updated_at: Default::default(),
    };
    let entries: Vec<IndexEntry> = (1..).zip(texts).map(entry).collect();
    index.apply(&[], &entries, 1).expect("written");
    // The files are mapped, so their names are not needed any more.
    std::fs::remove_dir_all(&folder).expect("removed");
    index
});

/// Understands a question after an earlier message, and searches it by keywords.
fn query(bytes: &[u8]) {
    let given = String::from_utf8_lossy(bytes);
    let (before, question) = given.split_once('\n').unwrap_or(("", &given));
    let Ok(query) = Query::parse(question, 10) else {
        return;
    };
    let id = DocumentId::parse("d1").expect("an id");
    let names = Gazetteer::of([(id, before.to_owned())]);
    let said = Utterance {
        role: Role::User,
        text: before.to_owned(),
    };
    let understood = understand(query.text(), &[said], &names);
    hold(Query::parse(&understood.search_text, 10).is_ok(), || {
        format!(
            "{given:?} is understood as a question: {:?}",
            understood.search_text
        )
    });
    reply_language(question, Some(before));
    let everything = COLLECTION.select(&Filter::default()).expect("selected");
    let search = COLLECTION.search(&understood.search_text, &Synonyms::default(), &[]);
    if let Some(search) = search.expect("searched") {
        for hit in search.top(5, &everything).expect("found") {
            let coverage = hit.words.coverage;
            hold((0.0..=1.001).contains(&coverage), || {
                format!("{given:?}: coverage {coverage}")
            });
        }
    }
}

/// Asserts that an invalid request body gives a readable problem with status 400 or 422.
fn body(bytes: &[u8]) {
    for (kind, problem) in ken::http::problems_of(bytes) {
        let problem_body: serde_json::Value =
            serde_json::from_str(&problem).expect("a problem is JSON");
        let status = problem_body["status"].as_u64().unwrap_or_default();
        hold([400, 422].contains(&status), || {
            format!("{kind}: {problem}")
        });
    }
}
