//! Front matter of Markdown files: metadata in YAML or TOML.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::IngestError;
use ken_base::domain::{DocumentId, DocumentStatus, Metadata, checked_uri};

/// The metadata block at the start of a Markdown file. Unknown keys are ignored, since they belong to other tools.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct FrontMatter(Map<String, Value>);

impl FrontMatter {
    /// Parses YAML.
    ///
    /// # Errors
    /// [`IngestError::FrontMatter`] if it is not a valid mapping.
    pub fn parse(yaml: &str) -> Result<Self, IngestError> {
        match serde_saphyr::from_str(yaml) {
            Ok(Value::Object(mapping)) => Ok(Self(mapping)),
            Ok(Value::Null) => Ok(Self::default()),
            Ok(_) => Err(IngestError::front_matter("expected `key: value` lines")),
            Err(error) => Err(IngestError::front_matter(error)),
        }
    }

    /// Like [`FrontMatter::parse`], for TOML between lines of `+++`.
    pub fn parse_toml(toml: &str) -> Result<Self, IngestError> {
        match toml::from_str::<toml::Table>(toml) {
            Ok(table) => Ok(Self(
                table
                    .into_iter()
                    .map(|(key, value)| (key, as_json(value)))
                    .collect(),
            )),
            Err(error) => Err(IngestError::front_matter(error.message())),
        }
    }

    /// Replaces values in `given` by those of the front matter.
    pub fn apply(
        &self,
        id: DocumentId,
        mut given: Metadata,
    ) -> Result<(DocumentId, Metadata), IngestError> {
        let id = match self.text("id") {
            Some(text) => DocumentId::parse(&text)?,
            None => id,
        };
        if let Some(title) = self.text("title") {
            given.title = title;
        }
        if let Some(uri) = self.text("uri").or_else(|| self.text("url")) {
            let wrong = |detail| IngestError::front_matter(format!("uri: {detail}"));
            checked_uri(&uri).map_err(wrong)?;
            given.uri = Some(uri);
        }
        given.language = self
            .text("language")
            .or_else(|| self.text("lang"))
            .or(given.language);
        for (key, list) in [
            ("tags", &mut given.tags),
            ("audience", &mut given.audience),
            ("channels", &mut given.channels),
        ] {
            if let Some(found) = self.list(key)? {
                *list = found;
            }
        }
        for (key, time) in [
            ("valid_from", &mut given.valid_from),
            ("valid_until", &mut given.valid_until),
            ("review_by", &mut given.review_by),
        ] {
            if self
                .0
                .get(key)
                .is_some_and(|value| !value.is_null() && !value.is_string())
            {
                return Err(IngestError::front_matter(format!(
                    "{key}: expected a time or a date"
                )));
            }
            if let Some(text) = self.text(key) {
                let wrong = |detail: String| IngestError::front_matter(format!("{key}: {detail}"));
                *time = Some(read_time(&text).map_err(wrong)?);
            }
        }
        if let Some(status) = self.value("status")? {
            given.status = status;
        } else if self.0.get("draft") == Some(&Value::Bool(true)) {
            // The convention of Hugo, Jekyll and Astro.
            given.status = DocumentStatus::Draft;
        }
        if let Some(rank) = self.value("rank")? {
            given.rank = rank;
        }
        if let Some(related) = self.list("related")? {
            given.related = related;
        }
        Ok((id, given))
    }

    fn text(&self, key: &str) -> Option<String> {
        match self.0.get(key)? {
            Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// Reads a YAML list, or words separated by commas. Anything else is an error: an audience that was silently read
    /// as empty would admit everyone.
    fn list(&self, key: &str) -> Result<Option<Vec<String>>, IngestError> {
        let word = |item: &Value| match item {
            Value::String(text) => Ok(text.trim().to_owned()),
            Value::Number(number) => Ok(number.to_string()),
            other => Err(IngestError::front_matter(format!(
                "{key}: expected strings, found {other}"
            ))),
        };
        let items: Vec<String> = match self.0.get(key) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Array(items)) => items.iter().map(word).collect::<Result<_, _>>()?,
            Some(Value::String(text)) => text
                .split([',', '，', '、'])
                .map(|item| item.trim().to_owned())
                .collect(),
            Some(other) => vec![word(other)?],
        };
        Ok(Some(
            items.into_iter().filter(|item| !item.is_empty()).collect(),
        ))
    }

    fn value<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, IngestError> {
        let Some(value) = self.0.get(key) else {
            return Ok(None);
        };
        serde_json::from_value(value.clone())
            .map(Some)
            .map_err(|error| IngestError::front_matter(format!("{key}: {error}")))
    }
}

/// Parses RFC 3339, or a date (`2026-01-31`, `2026/1/31`, `2026年1月31日`), which starts at midnight UTC.
pub fn read_time(text: &str) -> Result<Timestamp, String> {
    let date = || -> Option<Timestamp> {
        let parts: Vec<i16> = text
            .split(['-', '/', '.', '年', '月', '日'])
            .filter(|part| !part.trim().is_empty())
            .map(|part| part.trim().parse().ok())
            .collect::<Option<_>>()?;
        let [year, month, day] = parts[..] else {
            return None;
        };
        let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
        Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    let text = text.trim();
    let local = || -> Option<Timestamp> {
        let time: jiff::civil::DateTime = text.parse().ok()?;
        Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    text.parse::<Timestamp>()
        .ok()
        .or_else(date)
        .or_else(local)
        .ok_or_else(|| {
            format!(
                "expected a time like 2026-01-31T09:00:00Z or a date like 2026-01-31, found {text:?}"
            )
        })
}

fn as_json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => Value::from(number),
        toml::Value::Boolean(truth) => Value::Bool(truth),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(values) => values.into_iter().map(as_json).collect(),
        toml::Value::Table(table) => Value::Object(
            table
                .into_iter()
                .map(|(key, value)| (key, as_json(value)))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ken_base::domain::DocumentStatus;

    fn apply(yaml: &str) -> Result<(DocumentId, Metadata), IngestError> {
        FrontMatter::parse(yaml)?.apply(DocumentId::parse("a.md").unwrap(), Metadata::default())
    }

    #[test]
    fn front_matter_known_keys_set_metadata_others_are_ignored() {
        let (id, metadata) = apply(
            "id: returns\ntitle: 退貨\nlang: zh-Hant\ntags: [退貨, 運費]\naudience: vip, staff\n\
             valid_from: 2026-01-31\nstatus: draft\nms.date: 07/29/2020\nweight: 3",
        )
        .unwrap();
        assert_eq!(id.as_str(), "returns");
        assert_eq!(metadata.title, "退貨");
        assert_eq!(metadata.language.as_deref(), Some("zh-Hant"));
        assert_eq!(metadata.tags, ["退貨", "運費"]);
        assert_eq!(metadata.audience, ["vip", "staff"]);
        assert_eq!(
            metadata.valid_from.unwrap().to_string(),
            "2026-01-31T00:00:00Z"
        );
        assert_eq!(metadata.status, DocumentStatus::Draft);
    }

    #[test]
    fn front_matter_errors_name_the_key() {
        for (yaml, expected) in [
            ("valid_until: soon", "valid_until"),
            ("status: maybe", "status"),
            ("audience: {vip: true}", "audience"),
            ("channels: [[line]]", "channels"),
            ("valid_until: [2026-01-01]", "valid_until"),
            ("uri: javascript:alert(1)", "scheme"),
            ("- a\n- b", "key: value"),
            ("a: [", ""),
        ] {
            let error = apply(yaml).unwrap_err().to_string();
            assert!(
                error.starts_with("front matter:") && error.contains(expected),
                "{error}"
            );
        }
    }
}
