//! Exports of help centres as JSON (Zendesk, Intercom, Freshdesk, Confluence, and similar ones): one document per
//! article.

use ken_base::domain::{DocumentId, DocumentStatus, Metadata, Source, TextFormat};
use ken_text::text;
use serde_json::{Map, Value};

use super::writer::{Writer, one_line};
use super::{Extracted, IngestError, article, html, markdown};

/// The fields for an article's title, in order of preference.
const TITLES: [&str; 3] = ["title", "name", "subject"];
/// The fields for an article's text, in order of preference.
const BODIES: [&str; 6] = [
    "body",
    "body_html",
    "html",
    "content",
    "description",
    "text",
];
/// Fields that only an export has: an object with one of them, a title and a body is an article.
const SIGNS: [&str; 7] = [
    "html_url",
    "locale",
    "default_locale",
    "section_id",
    "folder_id",
    "author_id",
    "_links",
];
/// The values by which such a system marks its pages.
const KINDS: [&str; 3] = ["article", "page", "blogpost"];
/// The states of an article that is not published yet.
const DRAFTS: [&str; 3] = ["draft", "unpublished", "pending"];
/// The states of an article that is no longer published.
const ARCHIVED: [&str; 4] = ["archived", "trashed", "deleted", "outdated"];

/// Returns the articles of an export; `None` if the values are something else.
pub fn articles(values: &[(usize, Value)]) -> Option<Vec<&Map<String, Value>>> {
    let lists: Vec<Vec<&Value>> = match values {
        // A page of an API: the list is one of its fields.
        [(_, Value::Object(fields))] if body_of(fields).is_none() => {
            let lists = fields.values().filter_map(Value::as_array);
            lists.map(|items| items.iter().collect()).collect()
        }
        values => vec![values.iter().map(|(_, value)| value).collect()],
    };
    let is_article = |value: &&&Value| {
        value.as_object().is_some_and(|fields| {
            let kind = fields.get("type").and_then(Value::as_str);
            let has_sign = SIGNS.iter().any(|sign| fields.contains_key(*sign))
                || kind.is_some_and(|kind| KINDS.contains(&kind));
            has_sign && title_of(fields).is_some() && body_of(fields).is_some()
        })
    };
    let found = lists.into_iter().find(|items| {
        !items.is_empty() && items.iter().filter(is_article).count() * 2 > items.len()
    })?;
    Some(found.into_iter().filter_map(Value::as_object).collect())
}

/// Returns an article as a document. `name` is the file's name.
///
/// # Errors
/// [`IngestError::Empty`] if the article has no text.
pub fn source(name: &str, fields: &Map<String, Value>) -> Result<Source, IngestError> {
    let title = title_of(fields).unwrap_or_default();
    let body = body_of(fields).unwrap_or_default();
    let own = fields.get("id").or_else(|| fields.get("slug"));
    let own = match own {
        Some(Value::String(id)) => id.clone(),
        Some(Value::Number(id)) => id.to_string(),
        _ => text::sha256_hex([title.as_bytes(), body.as_bytes()])[..12].to_owned(),
    };
    let metadata = Metadata {
        title: title.to_owned(),
        uri: address(fields),
        language: ["locale", "default_locale", "language"]
            .iter()
            .find_map(|key| fields.get(*key)?.as_str())
            .and_then(language),
        tags: tags(fields),
        status: status(fields),
        ..Metadata::default()
    };
    let extracted = extracted(body)?;
    let id = DocumentId::parse(&format!("{name}#{own}"))?;
    let format = match is_html(body) {
        true => TextFormat::Html,
        false => TextFormat::Markdown,
    };
    let raw = (body.to_owned(), Some(format));
    article(id, metadata, extracted, raw, body)
}

fn extracted(body: &str) -> Result<Extracted, IngestError> {
    if !is_html(body) {
        return markdown::extract(body);
    }
    let mut writer = Writer::default();
    html::extract_into(&mut writer, body)?;
    Ok(writer.finish())
}

fn title_of(fields: &Map<String, Value>) -> Option<&str> {
    let titles = TITLES.iter().filter_map(|key| fields.get(*key)?.as_str());
    titles.map(str::trim).find(|title| !title.is_empty())
}

fn body_of(fields: &Map<String, Value>) -> Option<&str> {
    let bodies = BODIES.iter().filter_map(|key| within(fields.get(*key)?));
    bodies.into_iter().find(|body| !body.trim().is_empty())
}

/// Returns a text, or the one in Confluence's form `{"storage": {"value": "<p>…"}}`.
fn within(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        Value::Object(fields) => ["storage", "view", "export_view", "value", "html"]
            .iter()
            .find_map(|key| within(fields.get(*key)?)),
        _ => None,
    }
}

fn is_html(body: &str) -> bool {
    [
        "</p", "</div", "</li", "</h", "</table", "<p>", "</span", "</ac:",
    ]
    .iter()
    .any(|tag| body.contains(tag))
}

/// Returns the address of the article's public page.
fn address(fields: &Map<String, Value>) -> Option<String> {
    let direct = ["html_url", "url", "link", "permalink"]
        .iter()
        .find_map(|key| fields.get(*key)?.as_str());
    let links = fields.get("_links").and_then(Value::as_object);
    let linked = links.and_then(|links| {
        let page = links.get("webui")?.as_str()?;
        let base = links
            .get("base")
            .and_then(Value::as_str)
            .unwrap_or_default();
        Some(format!("{base}{page}"))
    });
    let found = direct.map(str::to_owned).or(linked)?;
    let is_open = found.starts_with("https://") || found.starts_with("http://");
    is_open.then_some(found)
}

/// Returns the language tag of a locale in the systems' notation: `zh-tw`, `en_US`.
fn language(locale: &str) -> Option<String> {
    let locale = locale.to_lowercase().replace('_', "-");
    let (tag, rest) = locale.split_once('-').unwrap_or((&locale, ""));
    Some(match tag {
        "zh" if ["tw", "hk", "mo", "hant"]
            .iter()
            .any(|place| rest.starts_with(place)) =>
        {
            "zh-Hant".to_owned()
        }
        "zh" if !rest.is_empty() => "zh-Hans".to_owned(),
        // The script is detected from the text.
        "zh" | "" => return None,
        tag => tag.to_owned(),
    })
}

fn tags(fields: &Map<String, Value>) -> Vec<String> {
    let list = ["label_names", "tags", "labels"]
        .iter()
        .find_map(|key| fields.get(*key)?.as_array());
    let words = list.into_iter().flatten().filter_map(Value::as_str);
    words.map(one_line).filter(|tag| !tag.is_empty()).collect()
}

fn status(fields: &Map<String, Value>) -> DocumentStatus {
    let is = |key: &str| fields.get(key).and_then(Value::as_bool) == Some(true);
    let status_field = ["state", "status"].iter().find_map(|key| fields.get(*key));
    match status_field {
        _ if is("draft") => DocumentStatus::Draft,
        _ if is("archived") || is("outdated") => DocumentStatus::Archived,
        // Freshdesk uses numbers: 1 is a draft, 2 is published.
        Some(Value::Number(number))
            if number.as_u64() == Some(1) && fields.contains_key("folder_id") =>
        {
            DocumentStatus::Draft
        }
        Some(Value::String(state)) if DRAFTS.contains(&state.to_lowercase().as_str()) => {
            DocumentStatus::Draft
        }
        Some(Value::String(state)) if ARCHIVED.contains(&state.to_lowercase().as_str()) => {
            DocumentStatus::Archived
        }
        _ => DocumentStatus::Published,
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_file;
    use super::*;
    use serde_json::json;

    fn read(value: &Value) -> Vec<Source> {
        let parsed = parse_file("export.json", value.to_string().as_bytes()).unwrap();
        assert_eq!(parsed.failed, []);
        parsed.sources
    }

    #[test]
    fn help_centre_export_yields_one_document_per_article() {
        let body = "<p>收貨後 <b>10 日</b>內可申請。</p><ul><li>登入</li></ul>";
        for (system, export) in [
            (
                "Zendesk",
                json!({"count": 2, "articles": [
                    {"id": 1, "title": "退貨", "body": body, "html_url": "https://x.example/1", "locale": "zh-tw", "draft": false, "label_names": ["退"]},
                    {"id": 2, "title": "折扣", "body": "<p>6 折</p>", "html_url": "https://x.example/2", "draft": true},
                ]}),
            ),
            (
                "Intercom",
                json!({"type": "list", "data": [
                    {"type": "article", "id": "1", "title": "退貨", "description": "", "body": body, "state": "published", "url": "https://x.example/1", "default_locale": "zh-TW", "tags": ["退"]},
                    {"type": "article", "id": "2", "title": "折扣", "body": "<p>6 折</p>", "state": "draft"},
                ]}),
            ),
            (
                "Freshdesk",
                json!([
                    {"id": 1, "title": "退貨", "description": body, "description_text": "收貨後", "status": 2, "url": "https://x.example/1", "language": "zh-TW", "tags": ["退"], "folder_id": 3},
                    {"id": 2, "title": "折扣", "description": "<p>6 折</p>", "status": 1, "folder_id": 3},
                ]),
            ),
            (
                "Confluence",
                json!({"results": [
                    {"id": "1", "type": "page", "status": "current", "title": "退貨", "body": {"storage": {"value": body}}, "labels": ["退"], "language": "zh-TW", "_links": {"webui": "/1", "base": "https://x.example"}},
                    {"id": "2", "type": "page", "status": "draft", "title": "折扣", "body": {"storage": {"value": "<p>6 折</p>"}}},
                ]}),
            ),
        ] {
            let sources = read(&export);
            let [first, second] = &sources[..] else {
                panic!("{system}: {}", sources.len())
            };
            assert_eq!(first.id.as_str(), "export.json#1", "{system}");
            assert_eq!(first.text, "收貨後 10 日內可申請。\n\n- 登入", "{system}");
            let about = &first.metadata;
            assert_eq!(about.title, "退貨", "{system}");
            assert_eq!(
                about.uri.as_deref(),
                Some("https://x.example/1"),
                "{system}"
            );
            assert_eq!(about.language.as_deref(), Some("zh-Hant"), "{system}");
            assert_eq!(about.tags, ["退"], "{system}");
            assert_eq!(about.status, DocumentStatus::Published, "{system}");
            assert_eq!(second.metadata.status, DocumentStatus::Draft, "{system}");
        }
    }

    #[test]
    fn product_list_is_not_recognised_as_export() {
        let values = [(
            1,
            json!({"name": "台北店", "description": "<p>近捷運站</p>", "status": "open", "phone": "02-1"}),
        )];
        assert!(articles(&values).is_none());
    }
}
