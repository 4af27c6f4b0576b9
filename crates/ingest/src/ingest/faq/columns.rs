//! The columns of a file of FAQs: what each is taken for, and a mapping that overrides the recognition.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Field;

/// How many values of a column are shown.
const MAX_SAMPLES: usize = 3;
/// How many characters of a value are shown.
const MAX_SAMPLE: usize = 200;

/// One column of a sheet, or one field of JSON objects.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The column's name in the file; empty if it has none.
    pub header: String,
    /// Its position, from 1.
    pub position: usize,
    /// The field that it is taken for, as in a [`ColumnMapping`]; `None` if it is ignored.
    pub field: Option<String>,
    /// The first values that are not empty, at most 3, cut after 200 characters.
    pub samples: Vec<String>,
}

impl Column {
    /// A column without samples.
    pub fn new(position: usize, header: &str, field: Option<String>) -> Self {
        Self {
            header: header.trim().to_owned(),
            position,
            field,
            samples: Vec::new(),
        }
    }

    /// Adds a value to the samples, unless there are enough or it is empty.
    pub fn sample(&mut self, value: &str) {
        let value = value.trim();
        if self.samples.len() < MAX_SAMPLES && !value.is_empty() {
            self.samples.push(value.chars().take(MAX_SAMPLE).collect());
        }
    }

    /// The letters of the column in a spreadsheet: A, B … Z, AA …
    pub fn letters(&self) -> String {
        let (mut rest, mut letters) = (self.position, Vec::new());
        while rest > 0 {
            let digit = (rest - 1) % 26;
            letters.push(char::from(b'A' + digit as u8));
            rest = (rest - 1) / 26;
        }
        letters.iter().rev().collect()
    }
}

/// Fields of columns by the columns' names. `None` ignores a column. Columns without an entry are recognised by their
/// names, except for fields that the mapping gives to another column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnMapping(BTreeMap<String, Option<String>>);

/// A fault of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct MappingFault {
    /// The column's name; `None` for a fault of the whole mapping.
    pub column: Option<String>,
    /// What is wrong.
    pub detail: String,
}

impl ColumnMapping {
    /// Checks a JSON object of column names and fields (or null).
    ///
    /// # Errors
    /// Each column whose field is unknown, or is the field of an earlier column.
    pub fn of_value(value: &Value) -> Result<Self, Vec<MappingFault>> {
        let whole = |detail: String| {
            let column = None;
            vec![MappingFault { column, detail }]
        };
        let Value::Object(given) = value else {
            let detail = format!("expected an object of columns and fields, found {value}");
            return Err(whole(detail));
        };
        let (mut mapping, mut faults) = (BTreeMap::new(), Vec::new());
        let mut owners: BTreeMap<String, &str> = BTreeMap::new();
        for (column, field) in given {
            let mut wrong = |detail: String| {
                faults.push(MappingFault {
                    column: Some(column.clone()),
                    detail,
                });
            };
            let field = match field {
                Value::Null => None,
                Value::String(name) => match checked_field(name) {
                    Ok(field) => Some(field),
                    Err(detail) => {
                        wrong(detail);
                        continue;
                    }
                },
                other => {
                    wrong(format!(
                        "expected the name of a field or null, found {other}"
                    ));
                    continue;
                }
            };
            if let Some(field) = &field
                && let Some(other) = owners.insert(field.clone(), column)
            {
                wrong(format!("{field} is the field of column {other:?} already"));
                continue;
            }
            mapping.insert(column.trim().to_owned(), field);
        }
        match faults.is_empty() {
            true => Ok(Self(mapping)),
            false => Err(faults),
        }
    }

    /// Returns a name of the mapping that is not among these, or that several of them share.
    pub(super) fn unfit<'a>(&self, headers: impl Iterator<Item = &'a str>) -> Option<String> {
        let headers: Vec<&str> = headers.map(str::trim).collect();
        let count = |name: &str| headers.iter().filter(|header| **header == name).count();
        let mut unfit = self.0.keys().filter(|name| count(name) != 1);
        unfit.next().cloned()
    }

    /// Returns the field of each column: that of the mapping, else the recognised one.
    pub(super) fn fields<'a>(&self, headers: impl Iterator<Item = &'a str>) -> Vec<Option<String>> {
        let taken: Vec<&String> = self.0.values().flatten().collect();
        let field = |header: &str| match self.0.get(header.trim()) {
            Some(field) => field.clone(),
            None => recognised(header).filter(|field| !taken.contains(&field)),
        };
        headers.map(field).collect()
    }

    /// Returns the names of the columns that it has an entry for.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether it has an entry for a column.
    pub(super) fn names(&self, header: &str) -> bool {
        self.0.contains_key(header.trim())
    }
}

/// Returns the field that a column's name means, in the form of a mapping: `question`, or `answer[LINE]` for an answer
/// whose column names its readers.
pub(super) fn recognised(header: &str) -> Option<String> {
    let field = Field::of(header)?;
    let scope = scope_of(header);
    Some(match field == Field::Answer && !scope.is_empty() {
        true => format!("{}[{scope}]", field.name()),
        false => field.name().to_owned(),
    })
}

/// Returns the text in brackets after a column's name, which says for whom an answer is.
pub(super) fn scope_of(name: &str) -> &str {
    name.split_once(['(', '（', '[', ':', '：'])
        .map_or("", |(_, inside)| inside)
        .trim_end_matches([')', '）', ']'])
        .trim()
}

/// Returns the field of a mapping in its standard form.
fn checked_field(name: &str) -> Result<String, String> {
    let base = name.split('[').next().unwrap_or(name).trim();
    let field = Field::ALL.into_iter().find(|field| field.name() == base);
    let has_scope = name.contains('[');
    match field {
        Some(field) if !has_scope || field == Field::Answer => {
            Ok(recognised(name).unwrap_or_else(|| field.name().to_owned()))
        }
        _ => {
            let names: Vec<&str> = Field::ALL.iter().map(|field| field.name()).collect();
            Err(format!(
                "expected null, answer[channel=…,audience=…,language=…] or one of {}; found {name:?}",
                names.join(", ")
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults(value: Value) -> Vec<(Option<String>, String)> {
        let faults = ColumnMapping::of_value(&value).unwrap_err().into_iter();
        faults.map(|fault| (fault.column, fault.detail)).collect()
    }

    #[test]
    fn mapping_with_unknown_or_repeated_field_is_refused() {
        let found = faults(json!({ "a": "colour", "b": "question", "c": "question", "d": 1 }));
        let columns: Vec<&str> = found
            .iter()
            .flat_map(|(column, _)| column.as_deref())
            .collect();
        assert_eq!(columns, ["a", "c", "d"]);
        assert!(found[1].1.contains("column \"b\""), "{found:?}");
        assert_eq!(faults(json!([])).len(), 1);
        assert_eq!(faults(json!({ "a": "tags[x]" })).len(), 1);
    }

    #[test]
    fn mapped_column_takes_field_from_recognised_one() {
        let mapping =
            json!({ "說明": "answer", "備註": "tags", "標籤": null, "LINE": "answer[line]" });
        let mapping = ColumnMapping::of_value(&mapping).unwrap();
        let headers = [
            "問題",
            "答案",
            "說明",
            "備註",
            "標籤",
            "LINE",
            "答案（APP）",
            "x",
        ];
        let fields = mapping.fields(headers.into_iter());
        let fields: Vec<&str> = fields.iter().map(|f| f.as_deref().unwrap_or("-")).collect();
        assert_eq!(
            fields,
            [
                "question",
                "-",
                "answer",
                "tags",
                "-",
                "answer[line]",
                "answer[APP]",
                "-"
            ]
        );
        assert_eq!(mapping.unfit(headers.into_iter()), None);
        let twice = ["說明", "備註", "標籤", "LINE", "說明 "];
        assert_eq!(mapping.unfit(twice.into_iter()).as_deref(), Some("說明"));
        assert_eq!(mapping.unfit(["備註"].into_iter()).as_deref(), Some("LINE"));
    }

    #[test]
    fn column_letters_are_those_of_spreadsheets() {
        let letters = |position| Column::new(position, "", None).letters();
        let expected = [(1, "A"), (26, "Z"), (27, "AA"), (52, "AZ"), (703, "AAA")];
        for (position, name) in expected {
            assert_eq!(letters(position), name);
        }
    }
}
