//! Each file format, written by third-party programs from one known text, is parsed back to that text.

use std::path::PathBuf;

use ken_base::domain::Source;
use ken_ingest::ingest::{IngestError, parse_file};
use serde_json::Value;

use crate::support::root;

fn fixture(name: &str) -> Vec<u8> {
    let path: PathBuf = root().join("tests/fixtures/formats").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read(name: &str) -> Vec<Source> {
    let parsed = parse_file(name, &fixture(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert_eq!(parsed.failed, [], "{name}");
    parsed.sources
}

fn known() -> Value {
    serde_json::from_slice(&fixture("source.json")).unwrap()
}

fn texts(known: &Value) -> Vec<String> {
    let mut texts = vec![known["title"].as_str().unwrap().to_owned()];
    for block in known["blocks"].as_array().unwrap() {
        let text = |key: &str| block[key].as_str().unwrap_or_default().to_owned();
        match block["kind"].as_str().unwrap() {
            "ordered" | "bullets" => {
                texts.push(text("lead"));
                let items = block["items"].as_array().unwrap();
                texts.extend(items.iter().map(|item| item.as_str().unwrap().to_owned()));
            }
            "table" => texts.extend(rows(block).into_iter().flatten()),
            _ => texts.push(text("text")),
        }
    }
    texts
}

fn rows(table: &Value) -> Vec<Vec<String>> {
    let rows = table["rows"].as_array().unwrap().iter();
    rows.map(|row| {
        let cells = row.as_array().unwrap().iter();
        cells
            .map(|cell| cell.as_str().unwrap().to_owned())
            .collect()
    })
    .collect()
}

fn the_table(known: &Value) -> Vec<Vec<String>> {
    let blocks = known["blocks"].as_array().unwrap();
    rows(
        blocks
            .iter()
            .find(|block| block["kind"] == "table")
            .unwrap(),
    )
}

/// Letters and digits only; everything else is layout.
fn letters(text: &str) -> Vec<char> {
    text.lines()
        .flat_map(|line| {
            let line = line.trim();
            let digits = line.bytes().take_while(u8::is_ascii_digit).count();
            let item = line[digits..].strip_prefix(". ").filter(|_| digits > 0);
            item.or(line.strip_prefix("- ")).unwrap_or(line).chars()
        })
        .filter(|c| !c.is_whitespace() && !"|●•".contains(*c))
        .collect()
}

/// Edit distance to the known text, divided by the length of the known text.
fn character_error_rate(found: &str, known: &str) -> f64 {
    let (found, known) = (letters(found), letters(known));
    strsim::generic_levenshtein(&found, &known) as f64 / known.len() as f64
}

const MANUALS: [&str; 11] = [
    "manual.md",
    "manual.txt",
    "manual.html",
    "manual-plain.html",
    "manual-docx-lib.docx",
    "manual-libreoffice.docx",
    "manual-libreoffice.pdf",
    "manual-chromium.pdf",
    "manual-reportlab.pdf",
    "password-owner-only.pdf",
    "manual.epub",
];

/// Plain text has no marked tables or lists.
fn with_structure() -> impl Iterator<Item = &'static &'static str> {
    MANUALS.iter().filter(|name| !name.ends_with(".txt"))
}

#[test]
fn text_of_every_format_matches_reference() {
    let known = known();
    let expected = texts(&known).join("\n");
    let mut worst: f64 = 0.0;
    for name in MANUALS {
        let source = &read(name)[0];
        // EPUB and HTML state their title outside the text.
        let text = match source.text.starts_with(&source.metadata.title) {
            true => source.text.clone(),
            false => format!("{}\n{}", source.metadata.title, source.text),
        };
        // Plain text has its link's address in the text.
        let text = text.replace(
            "（https://support.galaxy-electronics.example/warranty?lang=zh-TW）",
            "",
        );
        let rate = character_error_rate(&text, &expected);
        println!("{name}: character error rate {:.2} %", rate * 100.0);
        worst = worst.max(rate);
        assert_eq!(
            source.metadata.title,
            known["title"].as_str().unwrap(),
            "{name}"
        );
        for boilerplate in [
            "使用手冊",
            "購物車",
            "限時特賣",
            "熱門文章",
            "Cookie",
            "追蹤代碼",
            "第1頁",
            "第 1 頁",
        ] {
            assert!(!source.text.contains(boilerplate), "{name}: {boilerplate}");
        }
    }
    assert!(worst <= 0.01, "{worst}");
}

/// Each row of the known table is one line with its cells in order.
fn assert_table(name: &str, text: &str, rows: &[Vec<String>]) {
    for row in rows {
        let is_row = |line: &str| {
            let found: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let mut cells = found.iter();
            row.iter().all(|cell| cells.any(|found| found == cell))
        };
        assert!(
            text.lines().any(is_row),
            "{name} lacks the row {row:?}:\n{text}"
        );
    }
}

#[test]
fn tables_of_every_format_contain_all_cells() {
    let rows = the_table(&known());
    for name in with_structure() {
        assert_table(name, &read(name)[0].text, &rows);
    }
    for name in [
        "slides.pptx",
        "slides-libreoffice.pptx",
        "table.csv",
        "table-big5.csv",
        "table.tsv",
    ] {
        assert_table(name, &read(name)[0].text, &rows);
    }
    for name in ["table.xlsx", "table-openpyxl.xlsx"] {
        let sources = read(name);
        let article = sources
            .iter()
            .find(|source| source.metadata.questions.is_empty())
            .unwrap();
        assert_table(name, &article.text, &rows);
        assert!(article.text.contains("93.6%"), "{name}: {}", article.text);
    }
    // Values in ODS are read without their number formats.
    let plain: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            row.iter()
                .map(|cell| cell.replace("NT$", "").replace(',', ""))
                .collect()
        })
        .collect();
    for name in ["table.xlsx", "table.ods"] {
        let sources = read(name);
        let article = sources
            .iter()
            .find(|source| source.metadata.questions.is_empty())
            .unwrap();
        assert_table(
            name,
            &article.text.replace("NT$", "").replace(',', ""),
            &plain,
        );
        assert!(
            article.text.contains("2026-04-01"),
            "{name}: {}",
            article.text
        );
        let questions: Vec<&str> = sources
            .iter()
            .filter_map(|source| source.metadata.questions.first().map(String::as_str))
            .collect();
        assert_eq!(
            questions.len(),
            5,
            "{name}: the sheet of FAQs is read as FAQs"
        );
    }
}

#[test]
fn lists_headings_and_links_preserve_structure() {
    for name in with_structure() {
        let source = &read(name)[0];
        assert!(
            source.text.contains("\n4. 把商品裝回原外盒")
                && source.text.contains("\n5. 倉庫驗收後"),
            "{name}: the steps are numbered in order\n{}",
            source.text
        );
        // With its lead-in, in one chunk.
        let steps = source.chunks.iter().find(|chunk| {
            let text = chunk.span.slice(&source.text).unwrap();
            text.contains("請依照下列步驟申請退貨：")
                && text.contains("1. 登入")
                && text.contains("5. 倉庫")
        });
        assert!(steps.is_some(), "{name}: the list is whole");
        let path = &steps.unwrap().heading_path;
        assert!(
            path.iter().any(|heading| heading.contains("1.2 申請步驟")),
            "{name}: {path:?}"
        );
    }
    for name in [
        "manual.md",
        "manual.html",
        "manual-plain.html",
        "manual-docx-lib.docx",
        "manual.epub",
    ] {
        let source = &read(name)[0];
        let (start, end, url) = source
            .outline
            .links
            .first()
            .unwrap_or_else(|| panic!("{name}: no link"));
        assert_eq!(&source.text[*start..*end], "星河電子服務中心", "{name}");
        assert!(url.starts_with("https://"), "{name}: {url}");
        assert!(
            source
                .text
                .contains("cloudsync backup --device LP11-0427 \\\n    --target"),
            "{name}: code keeps its lines"
        );
    }
}

#[test]
fn pdf_pages_and_slides_are_recorded() {
    for name in [
        "manual-libreoffice.pdf",
        "manual-chromium.pdf",
        "manual-reportlab.pdf",
    ] {
        let source = &read(name)[0];
        let pages: Vec<u32> = source.outline.pages.iter().map(|(_, page)| *page).collect();
        assert_eq!(pages, [1, 2, 3, 4], "{name}");
        let page_of = |words: &str| {
            let start = source.text.find(words).unwrap();
            let chunk = source
                .chunks
                .iter()
                .find(|c| c.span.start <= start && start < c.span.end);
            chunk.unwrap().note.page_of(start)
        };
        assert_eq!(page_of("網路商店的訂單自收到"), Some(1), "{name}");
        assert_eq!(page_of("門市如果遺失顧客送修的商品"), Some(4), "{name}");
    }
    let slides = &read("slides.pptx")[0];
    assert!(slides.outline.pages.len() > 8);
    assert!(
        slides.text.contains("講者備忘"),
        "the speaker's notes are read"
    );
}

#[test]
fn mail_and_archive_yield_contained_documents() {
    let known = known();
    let expected = texts(&known).join("\n");
    let mail = read("mail.eml");
    assert_eq!(mail.len(), 2, "the mail and its attachment");
    assert_eq!(mail[1].id.as_str(), "mail.eml/manual.docx");
    assert!(character_error_rate(&mail[1].text, &expected) <= 0.01);
    assert_eq!(
        read("mail-plain.eml")[0].metadata.language.as_deref(),
        Some("zh-Hant")
    );
    let ids =
        |name: &str| -> Vec<String> { read(name).into_iter().map(|s| s.id.to_string()).collect() };
    assert_eq!(
        ids("bundle.zip"),
        [
            "bundle.zip/手冊/manual.md",
            "bundle.zip/手冊/table.csv",
            "bundle.zip/手冊/manual.docx"
        ]
    );
    assert_eq!(
        ids("bundle-big5-names.zip"),
        [
            "bundle-big5-names.zip/手冊/使用手冊.md",
            "bundle-big5-names.zip/手冊/維修價目.csv"
        ]
    );
}

#[test]
fn json_data_is_parsed_as_faqs_or_fields() {
    let data = &read("data.json")[0];
    assert!(
        data.text.contains("CloudSync Hub") && data.text.contains("4200"),
        "{}",
        data.text
    );
    let faqs = read("data.jsonl");
    assert_eq!(faqs.len(), 5);
    assert_eq!(faqs[0].metadata.tags, ["耳機", "保固"]);
}

#[test]
fn unreadable_file_is_rejected_with_reason() {
    for name in ["password.pdf", "password.docx", "password.xlsx"] {
        let refused = parse_file(name, &fixture(name)).unwrap_err();
        assert!(
            matches!(refused, IngestError::PasswordProtected),
            "{name}: {refused}"
        );
    }
    for name in ["password.zip", "password-aes.zip"] {
        let parsed = parse_file(name, &fixture(name)).unwrap();
        assert!(parsed.sources.is_empty());
        assert_eq!(parsed.failed.len(), 2, "{name}");
        assert!(
            parsed.failed[0].1.contains("password"),
            "{:?}",
            parsed.failed
        );
    }
    let scanned = parse_file("scanned.pdf", &fixture("scanned.pdf")).unwrap_err();
    assert!(
        matches!(scanned, IngestError::Scanned { n_pages: 4 }),
        "{scanned}"
    );
}
