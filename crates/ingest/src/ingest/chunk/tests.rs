//! Tests of chunking.

use proptest::prelude::*;

use super::super::{markdown, plain};
use super::*;

fn read(markdown: &str) -> Vec<String> {
    let extracted = markdown::extract(markdown).unwrap();
    chunk(&extracted)
        .into_iter()
        .map(
            |NewChunk {
                 heading_path: path,
                 span,
                 ..
             }| {
                format!(
                    "[{}] {}",
                    path.join(" › "),
                    span.slice(&extracted.text).unwrap()
                )
            },
        )
        .collect()
}

fn long(sentence: &str, n: usize) -> String {
    sentence.repeat(n)
}

#[test]
fn section_becomes_chunk_with_heading_path() {
    let body = long("七天內可以退貨。", 10);
    let found = read(&format!(
        "# 退換貨\n\n{body}\n\n## 運費\n\n{body}\n\n# 保固\n\n{body}"
    ));
    assert_eq!(
        found,
        [
            format!("[退換貨] {body}"),
            format!("[退換貨 › 運費] {body}"),
            format!("[保固] {body}")
        ]
    );
}

#[test]
fn one_line_section_merges_with_neighbour() {
    let body = long("七天內可以退貨。", 10);
    let found = read(&format!(
        "# 門市\n\n## 台北\n\n忠孝東路。\n\n## 台中\n\n{body}"
    ));
    assert_eq!(
        found,
        [format!("[門市] 台北\n\n忠孝東路。\n\n台中\n\n{body}")]
    );
}

#[test]
fn heading_without_body_is_preserved() {
    let body = long("七天內可以退貨。", 10);
    let found = read(&format!(
        "# 規約\n\n{body}\n\n## 第 7.9 條 出入口須淨空\n\n## 第 7.10 條 車位不得轉讓\n\n# 附則\n\n{body}\n\n## 本規約自公告日施行"
    ));
    let all = found.join("\n");
    for heading in ["7.9 條", "7.10 條", "自公告日施行"] {
        assert!(all.contains(heading), "{heading}: {all}");
    }
    // A question alone answers nothing.
    assert_eq!(
        read(&format!("# 問答\n\n{body}\n\n## 可以轉讓嗎？")).len(),
        1
    );
}

#[test]
fn list_chunk_includes_lead_in() {
    let filler = long("說明文字在這裡。", 60);
    let items: String = (1..=9)
        .map(|i| format!("{i}. {}\n", long("按住電源鍵。", 6)))
        .collect();
    let found = read(&format!("# 重設\n\n{filler}\n\n請依序操作：\n\n{items}"));
    assert_eq!(found.len(), 2);
    assert!(
        found[1].starts_with("[重設] 請依序操作：\n\n1. "),
        "{}",
        found[1]
    );
    assert!(found[1].contains("9. "));
}

#[test]
fn long_table_is_split_at_rows_and_repeats_header() {
    let rows: String = (1..=60)
        .map(|i| format!("| 地區{i} | {i}00 元起，離島另計 |\n"))
        .collect();
    let found = read(&format!("# 運費\n\n| 地區 | 費用 |\n|---|---|\n{rows}"));
    assert!(found.len() > 1);
    assert!(found[0].starts_with("[運費] | 地區 | 費用 |\n"));
    for later in &found[1..] {
        assert!(
            later.starts_with("[運費 › | 地區 | 費用 |] | 地區"),
            "{later}"
        );
        assert!(later.ends_with('|'), "cut inside a row: {later}");
    }
}

#[test]
fn headings_only_text_is_one_chunk() {
    assert_eq!(read("# 甲\n\n## 乙"), ["[] 甲\n\n乙"]);
    assert_eq!(read(""), Vec::<String>::new());
}

fn holds(extracted: &Extracted) -> Result<(), TestCaseError> {
    let mut last_end = 0;
    for NewChunk { span, .. } in chunk(extracted) {
        let text = span.slice(&extracted.text);
        prop_assert!(text.is_some(), "{span:?} is no span of the text");
        let text = text.unwrap();
        prop_assert!(!text.trim().is_empty());
        prop_assert!(width(text) <= MAX_WIDTH, "{} wide", width(text));
        prop_assert!(span.start >= last_end, "{span:?} overlaps");
        last_end = span.end;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn markdown_chunk_spans_are_exact_ordered_and_bounded(
        parts in prop::collection::vec("(#{1,3} )?[a-z退貨運費。\\|\\-`<> \n1.*_]{0,300}", 0..12)
    ) {
        holds(&markdown::extract(&parts.join("\n\n")).unwrap())?;
    }

    #[test]
    fn plain_text_chunk_spans_are_exact_ordered_and_bounded(text in "(\\PC|\n){0,3000}") {
        holds(&plain::extract(&text))?;
    }

    #[test]
    fn plain_text_chunks_cover_all_characters(parts in prop::collection::vec("[a-z退貨運。]{1,200}", 1..20)) {
        let text = parts.join("\n\n");
        let extracted = plain::extract(&text);
        let covered: String = chunk(&extracted)
            .into_iter()
            .map(|NewChunk { span, .. }| span.slice(&extracted.text).unwrap().to_owned())
            .collect();
        let letters = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        prop_assert_eq!(letters(&covered), letters(&text));
    }
}
