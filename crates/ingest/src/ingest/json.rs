//! JSON and JSON Lines.

use serde_json::{Map, Value};

use super::writer::{Writer, one_line};
use super::{Extracted, IngestError};

/// Reads one value (of an array, its items), or one per line (JSON Lines) if `lines` is set. Returns each value with its
/// position in the array or its line, from 1.
///
/// # Errors
/// The message contains the line (JSON Lines), or line and column. The parser refuses nesting deeper than 128.
pub fn read(raw: &str, lines: bool) -> Result<Vec<(usize, Value)>, IngestError> {
    if !lines {
        let value: Value = serde_json::from_str(raw).map_err(refusal)?;
        return Ok(match value {
            Value::Array(items) => (1..).zip(items).collect(),
            value => vec![(1, value)],
        });
    }
    let mut values = Vec::new();
    for (number, line) in (1..).zip(raw.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let value = serde_json::from_str(line).map_err(|error| IngestError::Line {
            line: number,
            detail: error.to_string(),
        })?;
        values.push((number, value));
    }
    match values.is_empty() {
        true => Err(IngestError::Empty),
        false => Ok(values),
    }
}

fn refusal(error: serde_json::Error) -> IngestError {
    match error.to_string() {
        // The parser's own limit is a depth of 128.
        detail if detail.starts_with("recursion limit") => IngestError::too_deep("JSON"),
        detail => IngestError::damaged("JSON", detail),
    }
}

/// Extracts data that are not FAQs: each object becomes a block of `name: value` lines below its title or name.
pub fn extract(values: &[(usize, Value)]) -> Extracted {
    let mut writer = Writer::default();
    for (_, value) in values {
        match value {
            Value::Object(fields) => object(&mut writer, fields),
            other => writer.paragraph(&plain(other)),
        }
    }
    writer.finish()
}

fn object(writer: &mut Writer, fields: &Map<String, Value>) {
    const TITLES: [&str; 8] = [
        "title", "name", "標題", "名稱", "标题", "名称", "品名", "產品",
    ];
    let title = TITLES
        .iter()
        .find_map(|key| fields.get(*key)?.as_str().map(|title| (*key, title)));
    if let Some((_, title)) = title {
        writer.heading(2, &one_line(title));
    }
    let mut lines = Vec::new();
    for (key, value) in fields {
        let is_title = title.is_some_and(|(title, _)| title == key);
        if !is_title && !value.is_null() {
            lines.push(format!("{key}: {}", plain(value)));
        }
    }
    writer.paragraph(&lines.join("\n"));
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.trim().to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let pairs = fields
                .iter()
                .map(|(key, value)| format!("{key}: {}", plain(value)));
            pairs.collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}
