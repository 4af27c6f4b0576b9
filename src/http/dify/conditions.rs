//! Dify's metadata conditions: a field of a passage's document, one of 18 operators, and a value.
//!
//! A field that is unknown, or that a document does not have, fulfils `empty` only. Of tags, one has to fulfil a positive
//! operator, and all a negative one. Comparisons of text distinguish upper and lower case.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::problem::Fault;
use ken_base::domain::{DocumentId, Evidence, Filter};

/// Conditions on the metadata of a passage.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MetadataCondition {
    /// `and` (default): all conditions have to hold. `or`: one of them.
    pub logical_operator: Option<LogicalOperator>,
    /// None: every passage fulfils them.
    pub conditions: Option<Vec<Condition>>,
}

/// Whether all conditions have to hold or one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogicalOperator {
    #[default]
    And,
    Or,
}

/// A condition on one field.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Condition {
    /// `title`, `document_id`, `path`, `uri`, `language`, `tags`, `kind` or `updated_at`. Any other field is absent from
    /// every document.
    pub name: String,
    /// How the field is compared.
    pub comparison_operator: ComparisonOperator,
    /// What it is compared with; none for `empty` and `not empty`. A time is RFC 3339, a date (`2026-01-31`, at midnight
    /// UTC), or seconds since 1970.
    pub value: Option<ConditionValue>,
}

/// A value, or a list of values for `in` and `not in`. A text is split at commas for these.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(
    untagged,
    expecting = "expected a string, a number or a list of strings"
)]
pub enum ConditionValue {
    Text(String),
    Number(f64),
    List(Vec<String>),
}

/// How a field is compared. Text: the first ten. Numbers: `=` to `≤`; `updated_at` counts as seconds since 1970, any other
/// field as the number that it is written as. Times: `before`, `after`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
pub enum ComparisonOperator {
    #[serde(rename = "contains")]
    Contains,
    #[serde(rename = "not contains")]
    NotContains,
    #[serde(rename = "start with")]
    StartWith,
    #[serde(rename = "end with")]
    EndWith,
    #[serde(rename = "is")]
    Is,
    #[serde(rename = "is not")]
    IsNot,
    #[serde(rename = "in")]
    In,
    #[serde(rename = "not in")]
    NotIn,
    #[serde(rename = "empty")]
    Empty,
    #[serde(rename = "not empty")]
    NotEmpty,
    #[serde(rename = "=")]
    Equal,
    #[serde(rename = "≠")]
    NotEqual,
    #[serde(rename = ">")]
    Greater,
    #[serde(rename = "<")]
    Less,
    #[serde(rename = "≥")]
    GreaterOrEqual,
    #[serde(rename = "≤")]
    LessOrEqual,
    #[serde(rename = "before")]
    Before,
    #[serde(rename = "after")]
    After,
}

/// Conditions, checked.
#[derive(Debug)]
pub struct Conditions {
    is_any: bool,
    tests: Vec<FieldTest>,
}

/// A test of one field.
#[derive(Debug)]
struct FieldTest {
    field: String,
    test: Test,
}

#[derive(Debug)]
enum Test {
    /// Whether the field has no value.
    IsEmpty(bool),
    Text(ComparisonOperator, Vec<String>),
    /// Of a number, or of a time in seconds since 1970.
    Number(ComparisonOperator, f64),
    /// Of a time in seconds since 1970.
    Time(ComparisonOperator, f64),
}

/// The values of a field of a document.
enum FieldValues<'a> {
    Absent,
    Texts(Vec<Cow<'a, str>>),
    Time(Timestamp),
}

impl MetadataCondition {
    /// Validates the conditions.
    pub fn parse(self, faults: &mut Vec<Fault>) -> Conditions {
        let conditions = self.conditions.unwrap_or_default();
        let mut tests = Vec::with_capacity(conditions.len());
        for (i, condition) in conditions.into_iter().enumerate() {
            match Test::of(condition.comparison_operator, condition.value) {
                Ok(test) => tests.push(FieldTest {
                    field: condition.name,
                    test,
                }),
                Err(detail) => {
                    let pointer = format!("/metadata_condition/conditions/{i}/value");
                    faults.push(Fault::new(pointer, detail));
                }
            }
        }
        Conditions {
            is_any: self.logical_operator == Some(LogicalOperator::Or),
            tests,
        }
    }
}

impl Test {
    /// The test of an operator with a value, or what is wrong with the value.
    fn of(operator: ComparisonOperator, value: Option<ConditionValue>) -> Result<Self, String> {
        use ComparisonOperator as Op;
        match (operator, value) {
            (Op::Empty | Op::NotEmpty, _) => Ok(Self::IsEmpty(operator == Op::Empty)),
            (_, None) => Err("expected a value for this operator".to_owned()),
            (Op::In | Op::NotIn, Some(ConditionValue::Text(text))) => {
                let texts = text.split(',').map(|one| one.trim().to_owned());
                Ok(Self::Text(operator, texts.collect()))
            }
            (Op::In | Op::NotIn, Some(ConditionValue::List(texts))) => {
                Ok(Self::Text(operator, texts))
            }
            (_, Some(ConditionValue::List(_))) => {
                Err("expected one value; only `in` and `not in` take a list".to_owned())
            }
            (Op::Before | Op::After, Some(value)) => {
                let text = value.text();
                let time = seconds_of(&text);
                let time = time.ok_or_else(|| format!("expected a time, found {text:?}"))?;
                Ok(Self::Time(operator, time))
            }
            (
                Op::Equal
                | Op::NotEqual
                | Op::Greater
                | Op::Less
                | Op::GreaterOrEqual
                | Op::LessOrEqual,
                Some(value),
            ) => {
                let text = value.text();
                let number = seconds_of(&text);
                let number = number.ok_or_else(|| format!("expected a number, found {text:?}"))?;
                Ok(Self::Number(operator, number))
            }
            (_, Some(value)) => Ok(Self::Text(operator, vec![value.text()])),
        }
    }

    fn holds(&self, values: &FieldValues<'_>) -> bool {
        use ComparisonOperator as Op;
        match (self, values) {
            (Self::IsEmpty(expected), values) => *expected == values.is_empty(),
            (_, FieldValues::Absent) => false,
            (Self::Text(operator, wanted), values) => {
                let texts = values.texts();
                let any = |fits: &dyn Fn(&str, &str) -> bool| {
                    let mut texts = texts.iter();
                    texts.any(|text| wanted.iter().any(|wanted| fits(text, wanted)))
                };
                match operator {
                    Op::Contains => any(&|text, wanted| text.contains(wanted)),
                    Op::NotContains => !any(&|text, wanted| text.contains(wanted)),
                    Op::StartWith => any(&|text, wanted| text.starts_with(wanted)),
                    Op::EndWith => any(&|text, wanted| text.ends_with(wanted)),
                    Op::IsNot | Op::NotIn => !any(&|text, wanted| text == wanted),
                    _ => any(&|text, wanted| text == wanted),
                }
            }
            (Self::Number(operator, wanted), values) => {
                let numbers = values.numbers();
                let any = |fits: &dyn Fn(f64) -> bool| numbers.iter().any(|number| fits(*number));
                match operator {
                    // What is no number is not compared.
                    Op::NotEqual => !numbers.is_empty() && !any(&|number| number == *wanted),
                    Op::Greater => any(&|number| number > *wanted),
                    Op::Less => any(&|number| number < *wanted),
                    Op::GreaterOrEqual => any(&|number| number >= *wanted),
                    Op::LessOrEqual => any(&|number| number <= *wanted),
                    _ => any(&|number| number == *wanted),
                }
            }
            (Self::Time(operator, wanted), values) => {
                let mut times = values.numbers().into_iter();
                match operator {
                    Op::Before => times.any(|time| time < *wanted),
                    _ => times.any(|time| time > *wanted),
                }
            }
        }
    }
}

impl ConditionValue {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::List(texts) => texts.join(","),
        }
    }
}

/// A number as written, or a time or date in seconds since 1970.
fn seconds_of(text: &str) -> Option<f64> {
    let text = text.trim();
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    let time = || text.parse::<Timestamp>().ok();
    let date = || text.parse::<Date>().ok();
    let midnight = || Some(date()?.to_zoned(TimeZone::UTC).ok()?.timestamp());
    number.or_else(|| Some(time().or_else(midnight)?.as_second() as f64))
}

impl<'a> FieldValues<'a> {
    fn of(field: &str, evidence: &'a Evidence) -> Self {
        let metadata = &evidence.metadata;
        let id = evidence.chunk.document_id.as_str();
        let one = |text: &'a str| Self::Texts(vec![Cow::Borrowed(text)]);
        let maybe = |text: &'a Option<String>| text.as_deref().map_or(Self::Absent, one);
        match field {
            "title" => one(&metadata.title),
            "document_id" => one(id),
            "path" => one(metadata.uri.as_deref().unwrap_or(id)),
            "uri" => maybe(&metadata.uri),
            "language" => maybe(&metadata.language),
            "tags" => {
                let tags = metadata.tags.iter().map(|tag| Cow::Borrowed(tag.as_str()));
                Self::Texts(tags.collect())
            }
            "kind" => one(metadata.kind.as_str()),
            "updated_at" => Self::Time(evidence.updated_at),
            _ => Self::Absent,
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Absent => true,
            Self::Texts(texts) => texts.iter().all(|text| text.is_empty()),
            Self::Time(_) => false,
        }
    }

    fn texts(&self) -> Vec<Cow<'a, str>> {
        match self {
            Self::Absent => Vec::new(),
            Self::Texts(texts) => texts.clone(),
            Self::Time(time) => vec![Cow::Owned(time.to_string())],
        }
    }

    fn numbers(&self) -> Vec<f64> {
        match self {
            Self::Absent => Vec::new(),
            Self::Texts(texts) => texts.iter().filter_map(|text| seconds_of(text)).collect(),
            Self::Time(time) => vec![time.as_second() as f64],
        }
    }
}

impl Conditions {
    /// Has the search itself apply conditions that it can: a document's id (`is`, `in`) and a tag (`is`). So they select
    /// among all passages, not among the best.
    pub fn narrow(&self, filter: &mut Filter) {
        use ComparisonOperator as Op;
        if self.is_any && self.tests.len() != 1 {
            return;
        }
        for one in &self.tests {
            match (one.field.as_str(), &one.test) {
                ("document_id", Test::Text(Op::Is | Op::In, ids))
                    if filter.document_ids.is_empty() =>
                {
                    let ids = ids.iter().filter_map(|id| DocumentId::parse(id).ok());
                    filter.document_ids.extend(ids);
                }
                ("tags", Test::Text(Op::Is, tags)) => filter.tags.extend(tags.iter().cloned()),
                _ => {}
            }
        }
    }

    /// Whether a passage fulfils the conditions.
    pub fn hold(&self, evidence: &Evidence) -> bool {
        let holds = |one: &FieldTest| one.test.holds(&FieldValues::of(&one.field, evidence));
        match self.is_any && !self.tests.is_empty() {
            true => self.tests.iter().any(holds),
            false => self.tests.iter().all(holds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ken_base::domain::{Chunk, ChunkNote, DocumentKind, Metadata, Span};
    use serde_json::{Value, json};

    fn passage() -> Evidence {
        Evidence {
            chunk: Chunk {
                key: 1,
                document_id: DocumentId::parse("2024").unwrap(),
                version: 1,
                ordinal: 0,
                heading_path: Vec::new(),
                span: Span::new(0, 4),
                text: "text".to_owned(),
                note: ChunkNote::default(),
            },
            metadata: Metadata {
                kind: DocumentKind::Faq,
                title: "Returns by post".to_owned(),
                tags: vec!["returns".to_owned(), "post".to_owned()],
                ..Metadata::default()
            },
            updated_at: "2026-03-01T12:00:00Z".parse().unwrap(),
            score: 1.0,
            coverage: 1.0,
            similarity: 1.0,
        }
    }

    fn parsed(condition: Value) -> Result<Conditions, Vec<Fault>> {
        let mut faults = Vec::new();
        let condition: MetadataCondition = serde_json::from_value(condition).unwrap();
        let conditions = condition.parse(&mut faults);
        match faults.is_empty() {
            true => Ok(conditions),
            false => Err(faults),
        }
    }

    #[test]
    fn each_operator_holds_and_fails() {
        for (field, operator, holds, fails) in [
            ("title", "contains", json!("by"), json!("By")),
            ("title", "not contains", json!("air"), json!("post")),
            ("tags", "not contains", json!("air"), json!("ost")),
            ("title", "start with", json!("Returns"), json!("by")),
            ("title", "end with", json!("post"), json!("by")),
            ("tags", "is", json!("post"), json!("pos")),
            ("document_id", "is", json!(2024), json!(2025)),
            ("tags", "is not", json!("air"), json!("returns")),
            ("document_id", "in", json!(["1", "2024"]), json!(["1"])),
            ("document_id", "in", json!("1, 2024"), json!("1,2")),
            ("kind", "not in", json!(["article"]), json!(["faq"])),
            ("document_id", "=", json!(2024), json!("2025")),
            ("document_id", "≠", json!(2025), json!(2024.0)),
            ("document_id", ">", json!(2023), json!(2024)),
            ("document_id", "<", json!(2025), json!(2024)),
            ("document_id", "≥", json!(2024), json!(2025)),
            ("document_id", "≤", json!(2024), json!(2023)),
            (
                "updated_at",
                "before",
                json!("2026-03-02"),
                json!("2026-03-01"),
            ),
            (
                "updated_at",
                "after",
                json!("2026-03-01"),
                json!(1_999_999_999),
            ),
            (
                "updated_at",
                "≥",
                json!(1_700_000_000),
                json!("2026-03-01T13:00:00Z"),
            ),
            ("path", "is", json!("2024"), json!("")),
        ] {
            for (value, expected) in [(holds, true), (fails, false)] {
                let condition =
                    json!({ "name": field, "comparison_operator": operator, "value": value });
                let conditions = parsed(json!({ "conditions": [condition] })).unwrap();
                assert_eq!(conditions.hold(&passage()), expected, "{condition}");
            }
        }
    }

    #[test]
    fn absent_field_fulfils_empty_only() {
        for field in ["uri", "language", "nothing"] {
            for (operator, value, expected) in [
                ("empty", json!(null), true),
                ("not empty", json!(null), false),
                ("is not", json!("x"), false),
                ("not contains", json!("x"), false),
                ("not in", json!(["x"]), false),
                ("≠", json!(1), false),
                ("before", json!("2999-01-01"), false),
            ] {
                let condition =
                    json!({ "name": field, "comparison_operator": operator, "value": value });
                let conditions = parsed(json!({ "conditions": [condition] })).unwrap();
                assert_eq!(conditions.hold(&passage()), expected, "{condition}");
            }
        }
        let not_empty = json!({ "name": "title", "comparison_operator": "not empty" });
        let conditions = parsed(json!({ "conditions": [not_empty] })).unwrap();
        assert!(conditions.hold(&passage()));
    }

    #[test]
    fn logical_operator_joins_conditions() {
        let yes = json!({ "name": "kind", "comparison_operator": "is", "value": "faq" });
        let no = json!({ "name": "kind", "comparison_operator": "is", "value": "case" });
        for (operator, conditions, expected) in [
            (json!(null), vec![&yes, &no], false),
            (json!("and"), vec![&yes, &yes], true),
            (json!("or"), vec![&no, &yes], true),
            (json!("or"), vec![&no], false),
            (json!("or"), vec![], true),
        ] {
            let body = json!({ "logical_operator": operator, "conditions": conditions });
            assert_eq!(
                parsed(body.clone()).unwrap().hold(&passage()),
                expected,
                "{body}"
            );
        }
    }

    #[test]
    fn search_applies_ids_and_tags_that_all_have_to_match() {
        let id = json!({ "name": "document_id", "comparison_operator": "in", "value": "a, b" });
        let tag = json!({ "name": "tags", "comparison_operator": "is", "value": "post" });
        let title = json!({ "name": "title", "comparison_operator": "is", "value": "x" });
        for (operator, conditions, ids, tags) in [
            ("and", vec![&id, &tag, &title], 2, 1),
            ("or", vec![&id], 2, 0),
            ("or", vec![&id, &tag], 0, 0),
        ] {
            let body = json!({ "logical_operator": operator, "conditions": conditions });
            let mut filter = Filter::default();
            parsed(body.clone()).unwrap().narrow(&mut filter);
            let found = (filter.document_ids.len(), filter.tags.len());
            assert_eq!(found, (ids, tags), "{body}");
        }
    }

    #[test]
    fn unusable_value_is_a_fault_at_its_place() {
        for (operator, value) in [
            ("is", json!(null)),
            ("is", json!(["a"])),
            ("before", json!("soon")),
            (">", json!("many")),
        ] {
            let condition =
                json!({ "name": "title", "comparison_operator": operator, "value": value });
            let faults = parsed(json!({ "conditions": [condition] })).unwrap_err();
            assert_eq!(faults[0].pointer, "/metadata_condition/conditions/0/value");
        }
    }
}
