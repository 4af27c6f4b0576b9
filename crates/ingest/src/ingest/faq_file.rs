//! Export of FAQs to files that can be imported again without changes.

use serde_json::{Map, Value};

use super::faq::FaqRow;
use super::{FileFormat, IngestError};
use ken_base::domain::FaqAnswer;

/// The columns of separated values and workbooks, in order.
const COLUMNS: [&str; 17] = [
    "id",
    "question",
    "answer",
    "variants",
    "negatives",
    "tags",
    "audience",
    "channels",
    "language",
    "uri",
    "valid_from",
    "valid_until",
    "review_by",
    "status",
    "related",
    "parent",
    "rank",
];

/// Returns FAQs as a CSV, TSV, XLSX, JSON or JSON Lines file.
///
/// # Errors
/// [`IngestError::UnknownFormat`] for any other format.
pub fn write(rows: &[FaqRow], format: FileFormat) -> Result<Vec<u8>, IngestError> {
    let objects = || rows.iter().map(|row| Value::Object(row.fields()));
    Ok(match format {
        FileFormat::JsonLines => objects()
            .map(|object| format!("{object}\n"))
            .collect::<String>()
            .into(),
        FileFormat::Json => {
            let all: Vec<Value> = objects().collect();
            serde_json::to_vec_pretty(&all).expect("FAQs are plain data")
        }
        FileFormat::Csv | FileFormat::Tsv => {
            let separator = if format == FileFormat::Csv {
                b','
            } else {
                b'\t'
            };
            let mut writer = csv::WriterBuilder::new()
                .delimiter(separator)
                .from_writer(Vec::new());
            for row in table(rows) {
                writer
                    .write_record(&row)
                    .map_err(|e| IngestError::damaged("CSV", e))?;
            }
            writer
                .into_inner()
                .map_err(|e| IngestError::damaged("CSV", e))?
        }
        FileFormat::Xlsx => {
            let failed = |e: rust_xlsxwriter::XlsxError| IngestError::damaged("XLSX", e);
            let mut book = rust_xlsxwriter::Workbook::new();
            let sheet = book.add_worksheet();
            for (i, row) in (0..).zip(table(rows)) {
                for (j, cell) in (0..).zip(row) {
                    sheet.write_string(i, j, cell).map_err(failed)?;
                }
            }
            book.save_to_buffer().map_err(failed)?
        }
        other => {
            return Err(IngestError::UnknownFormat {
                found: format!("{other:?}"),
            });
        }
    })
}

/// Returns a header and one row per FAQ. Each audience, channel or language of answers has its own column.
fn table(rows: &[FaqRow]) -> Vec<Vec<String>> {
    let mut header: Vec<String> = COLUMNS.map(str::to_owned).to_vec();
    let mut cells: Vec<Map<String, Value>> = Vec::with_capacity(rows.len());
    for row in rows {
        let mut fields = row.fields();
        fields.remove("answers");
        let scopes = |answer: &FaqAnswer| {
            (
                answer.channels.clone(),
                answer.audience.clone(),
                answer.language.clone(),
            )
        };
        let mut seen = std::collections::HashSet::new();
        if !row.answers.iter().all(|answer| seen.insert(scopes(answer))) {
            // Several answers for the same readers do not fit one cell, so the cell contains them as JSON.
            fields.insert(
                "answer".to_owned(),
                Value::String(serde_json::json!(row.answers).to_string()),
            );
            cells.push(fields);
            continue;
        }
        for answer in &row.answers {
            let mut scope: Vec<String> = Vec::new();
            scope.extend(answer.channels.iter().map(|c| format!("channel={c}")));
            scope.extend(answer.audience.iter().map(|a| format!("audience={a}")));
            scope.extend(answer.language.iter().map(|l| format!("language={l}")));
            let column = match scope.is_empty() {
                true => "answer".to_owned(),
                false => format!("answer[{}]", scope.join(",")),
            };
            if !header.contains(&column) {
                header.push(column.clone());
            }
            fields.insert(column, Value::String(answer.text.clone()));
        }
        cells.push(fields);
    }
    let mut table = vec![header.clone()];
    for fields in cells {
        table.push(header.iter().map(|name| cell(fields.get(name))).collect());
    }
    table
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => {
            let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            let parts = |c: char| "\n|｜;；,，、".contains(c);
            match texts
                .iter()
                .any(|text| text.contains(parts) || text.trim() != *text)
            {
                true => serde_json::to_string(&texts).expect("texts are plain data"),
                false => texts.join("\n"),
            }
        }
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::parse_faqs;
    use ken_base::domain::{DocumentKind, Metadata};

    #[test]
    fn faq_file_round_trip_preserves_rows() {
        let answer = |text: &str, channel: &str| FaqAnswer {
            text: text.to_owned(),
            channels: [channel]
                .iter()
                .filter(|c| !c.is_empty())
                .map(|c| (*c).to_owned())
                .collect(),
            ..FaqAnswer::default()
        };
        let rows = vec![
            FaqRow {
                id: Some("f1".into()),
                question: "可以退貨嗎？".into(),
                variants: vec!["想退; 怎麼退".into(), "退錢".into()],
                negatives: vec!["換貨".into()],
                answers: vec![
                    answer("七天內可以。\n請附發票。", ""),
                    answer("可以喔", "line"),
                ],
                metadata: Metadata {
                    kind: DocumentKind::Faq,
                    tags: vec!["退貨".into(), "運費".into()],
                    valid_until: Some("2026-12-31T16:00:00Z".parse().unwrap()),
                    related: vec!["f2".into()],
                    rank: 3,
                    ..Metadata::default()
                },
                ..FaqRow::default()
            },
            FaqRow {
                id: Some("f2".into()),
                question: "Windows 10；11 怎麼裝|\"quoted\"".into(),
                answers: vec![answer("a|b;c", ""), answer("second", "")],
                metadata: Metadata {
                    kind: DocumentKind::Faq,
                    ..Metadata::default()
                },
                ..FaqRow::default()
            },
        ];
        for (format, name) in [
            (FileFormat::Csv, "f.csv"),
            (FileFormat::Tsv, "f.tsv"),
            (FileFormat::Xlsx, "f.xlsx"),
            (FileFormat::Json, "f.json"),
            (FileFormat::JsonLines, "f.jsonl"),
        ] {
            let bytes = write(&rows, format).unwrap();
            let mut read = parse_faqs(name, &bytes).unwrap();
            assert_eq!(read.faults, [], "{name}");
            read.rows.iter_mut().for_each(|row| row.row = 0);
            assert_eq!(read.rows, rows, "{name}");
        }
    }
}
