//! [`Document`] and its [`Metadata`]: kinds, states, validity, and who may see what.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ChunkNote, DocumentId, NewChunk, Outline};

/// Kind of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`article`: a text. `faq`: a question with its answer. `case`: a support case."
)]
pub enum DocumentKind {
    /// A text.
    #[default]
    Article,
    /// A question with its answers.
    Faq,
    /// A support case.
    Case,
}

impl DocumentKind {
    /// Name in the API and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            DocumentKind::Article => "article",
            DocumentKind::Faq => "faq",
            DocumentKind::Case => "case",
        }
    }
}

/// State of a document. Only `Published` documents are retrieved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`draft`: not published yet. `published`: answers use it. `archived`: answers do not use it any more."
)]
pub enum DocumentStatus {
    /// Not published yet.
    Draft,
    /// Answers use it.
    #[default]
    Published,
    /// Answers no longer use it.
    Archived,
}

impl DocumentStatus {
    /// Name in the API and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            DocumentStatus::Draft => "draft",
            DocumentStatus::Published => "published",
            DocumentStatus::Archived => "archived",
        }
    }
}

/// URI schemes that only open something. Schemes that run their content are rejected.
const SCHEMES: [&str; 6] = ["http", "https", "mailto", "tel", "ftp", "file"];

/// Checks that an address may be shown as a link: relative, or absolute with a scheme that only opens something
/// (`https`, `mailto` …). Parses it as browsers do (WHATWG URL). Clients turn it into a link, which must not be
/// `javascript:…`.
///
/// # Errors
/// A message with the allowed schemes and the one that was found.
pub fn checked_uri(uri: &str) -> Result<(), String> {
    match reqwest::Url::parse(uri) {
        // A Windows path begins like a scheme of one letter.
        Ok(url) if !SCHEMES.contains(&url.scheme()) && url.scheme().len() > 1 => Err(format!(
            "expected a relative URI or one of the schemes {}, found {:?}",
            SCHEMES.join(", "),
            url.scheme()
        )),
        _ => Ok(()),
    }
}

/// Metadata of a document.
///
/// Empty `audience` or `channels` mean "everyone" and "every channel". The document is valid in
/// `valid_from <= t < valid_until`; an absent bound is open.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// Kind of the document.
    pub kind: DocumentKind,
    /// The title; part of the searchable text.
    pub title: String,
    /// The document's own address, if it has one.
    pub uri: Option<String>,
    /// BCP 47, as in `zh-Hant`, `zh-Hans`, `en`.
    pub language: Option<String>,
    /// Tags, for filters.
    pub tags: Vec<String>,
    /// Who may see it, see [`audience_open_to`].
    pub audience: Vec<String>,
    /// The channels that may show it.
    pub channels: Vec<String>,
    /// Start of validity, inclusive.
    pub valid_from: Option<Timestamp>,
    /// End of validity, exclusive.
    pub valid_until: Option<Timestamp>,
    /// When a person should review it.
    pub review_by: Option<Timestamp>,
    /// State of the document.
    pub status: DocumentStatus,
    /// FAQ only: the question, then its alternative wordings. Searched, never quoted.
    pub questions: Vec<String>,
    /// FAQ only: similar questions that it does not answer.
    pub negatives: Vec<String>,
    /// Ids of related documents.
    pub related: Vec<String>,
    /// FAQ only: id of the parent FAQ that this one follows up.
    pub parent: Option<String>,
    /// Precedence in contradictions: the document of higher rank wins. Default 0.
    pub rank: i64,
}

/// One of an FAQ's answers. Empty `audience` or `channels` mean those of the FAQ itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FaqAnswer {
    /// The answer.
    #[schema(required = true)]
    pub text: String,
    /// The audience of this answer. Default: the FAQ's audience.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<String>,
    /// The channels that show this answer; the FAQ's own channels, if absent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<String>,
    /// The answer's language (BCP 47); the FAQ's own, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

impl Metadata {
    /// Whether a caller with all names of `audience`, on `channel`, may see the document at time `at`.
    pub fn visible(&self, audience: &[String], channel: Option<&str>, at: Timestamp) -> bool {
        self.status == DocumentStatus::Published
            && self.open_to(audience, channel)
            && self.valid_from.is_none_or(|from| from <= at)
            && self.valid_until.is_none_or(|until| at < until)
    }

    /// Whether a caller with all names of `audience` may see the document on `channel`, whatever its state and
    /// validity.
    pub fn open_to(&self, audience: &[String], channel: Option<&str>) -> bool {
        let is_on = |channel: &str| self.channels.iter().any(|c| c == channel);
        audience_open_to(&self.audience, audience)
            && (self.channels.is_empty() || channel.is_some_and(is_on))
    }

    /// The metadata that hold for one chunk: those of the document, narrowed by the note of the chunk and the window of
    /// its version.
    pub fn narrowed(&self, note: &ChunkNote, window: ValidityPeriod) -> Self {
        let mut narrowed = self.clone();
        narrow_audience(&mut narrowed.audience, &note.audience);
        if narrowed.channels.is_empty() {
            narrowed.channels.clone_from(&note.channels);
        } else if !note.channels.is_empty() {
            narrowed
                .channels
                .retain(|name| note.channels.contains(name));
            if narrowed.channels.is_empty() {
                narrowed.channels.push(NOBODY.to_owned());
            }
        }
        if note.language.is_some() {
            narrowed.language.clone_from(&note.language);
        }
        if let Some(question) = &note.question {
            narrowed.questions = vec![question.clone()];
        }
        narrowed.valid_from = narrowed.valid_from.max(window.from);
        narrowed.valid_until = match (narrowed.valid_until, window.until) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        narrowed
    }

    /// Searchable text of a chunk: title, headings and text, one per line.
    pub fn searchable(&self, heading_path: &[String], text: &str) -> String {
        let mut lines: Vec<&str> = Vec::with_capacity(heading_path.len() + 2);
        lines.push(&self.title);
        lines.extend(
            heading_path
                .iter()
                .map(String::as_str)
                .filter(|h| *h != self.title),
        );
        lines.push(text);
        lines.retain(|line| !line.is_empty());
        lines.join("\n")
    }

    /// Texts of a chunk for vector search, in a fixed order, at most [`MAX_VIEWS`]; each becomes one vector.
    ///
    /// The first is the [searchable text](Self::searchable). An FAQ has one more for each wording of its question. A
    /// hit on any of them is a hit on the chunk.
    pub fn views(&self, heading_path: &[String], text: &str) -> Vec<String> {
        let mut views = vec![self.searchable(heading_path, text)];
        views.extend(self.questions.iter().cloned());
        views.truncate(MAX_VIEWS);
        views
    }

    /// Questions that must not find the chunk, in a fixed order, at most [`MAX_VIEWS`]; each becomes one vector.
    pub fn negative_views(&self) -> &[String] {
        &self.negatives[..self.negatives.len().min(MAX_VIEWS)]
    }

    /// Whether visibility depends on the caller or the time.
    pub fn is_restricted(&self) -> bool {
        !self.audience.is_empty()
            || !self.channels.is_empty()
            || self.valid_from.is_some()
            || self.valid_until.is_some()
    }
}

/// A name that no caller has. It stands for the empty intersection of the audiences of a document and its part.
const NOBODY: &str = "\u{0}nobody:";

/// Category of an audience name: `tier` for `tier:gold`; empty for a name without a colon.
fn about(name: &str) -> &str {
    name.split_once(':').map_or("", |(about, _)| about)
}

/// Narrows an audience by that of a part. In a category that both name, only the common names are left; a category that
/// only one of them names stays.
fn narrow_audience(audience: &mut Vec<String>, own: &[String]) {
    let mut subjects: Vec<&str> = own.iter().map(|name| about(name)).collect();
    subjects.sort_unstable();
    subjects.dedup();
    for subject in subjects {
        let of_part = || own.iter().filter(|name| about(name) == subject);
        if !audience.iter().any(|name| about(name) == subject) {
            audience.extend(of_part().cloned());
            continue;
        }
        audience.retain(|name| about(name) != subject || own.contains(name));
        if !audience.iter().any(|name| about(name) == subject) {
            audience.push(NOBODY.to_owned());
        }
    }
}

/// Whether content for `allowed` is open to a caller with all names of `who`. An empty `allowed` is open to everyone.
///
/// A name may have a category, as in `tier:gold` or `region:tw`. The caller needs one of the allowed names in each
/// category. Names without a colon form one category.
pub fn audience_open_to(allowed: &[String], who: &[String]) -> bool {
    let about = |name: &str| {
        name.split_once(':')
            .map_or("", |(about, _)| about)
            .to_owned()
    };
    allowed.iter().all(|name| {
        let about_this = about(name);
        let mut same = allowed.iter().filter(|other| about(other) == about_this);
        same.any(|other| who.contains(other))
    })
}

/// The time during which a version is in force: `from <= t < until`; a missing bound is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ValidityPeriod {
    /// Start, inclusive.
    pub from: Option<Timestamp>,
    /// End, exclusive.
    pub until: Option<Timestamp>,
}

/// Maximum number of views of a chunk, and of its negative views. The vector index stores the number of a view in 6
/// bits.
pub const MAX_VIEWS: usize = 64;

/// One version of a source text, as stored: the live one unless another was requested.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Id of the document.
    pub id: DocumentId,
    /// 1, 2, 3 … per document; all versions are kept, one is live.
    pub version: i64,
    /// Metadata of this version.
    pub metadata: Metadata,
    /// The extracted text. Spans are positions in it, and citations quote it.
    pub text: String,
    /// Pages, links and FAQ answers of `text`.
    pub outline: Outline,
    /// SHA-256 (hex) of the source bytes and the metadata; a write with an equal hash changes nothing.
    pub content_hash: String,
    /// When this version was written.
    pub updated_at: Timestamp,
}

impl Document {
    /// Answers of an FAQ, as submitted; empty for other kinds.
    pub fn answers(&self) -> Vec<FaqAnswer> {
        let answers = self.outline.answers.iter();
        answers
            .map(|(span, about)| FaqAnswer {
                text: span.slice(&self.text).unwrap_or_default().to_owned(),
                ..about.clone()
            })
            .collect()
    }
}

/// A document that was parsed and is not stored yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Id of the document.
    pub id: DocumentId,
    /// Metadata of the document.
    pub metadata: Metadata,
    /// The submitted text before extraction, kept so that a better parser can read it again. Empty for binary formats
    /// (PDF, Office files, archives).
    pub raw: String,
    /// The extracted text.
    pub text: String,
    /// Positions of the chunks in `text`, in reading order.
    pub chunks: Vec<NewChunk>,
    /// Pages, links and FAQ answers of `text`.
    pub outline: Outline,
    /// SHA-256 (hex) of the source bytes and the metadata.
    pub content_hash: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn document_visibility_depends_on_audience_time_and_status() {
        let at = |s: &str| s.parse::<Timestamp>().unwrap();
        let open = Metadata::default();
        assert!(open.visible(&[], None, at("2026-01-01T00:00:00Z")));
        assert!(!open.is_restricted());

        let campaign = Metadata {
            audience: vec!["vip".into()],
            valid_from: Some(at("2026-01-01T00:00:00Z")),
            valid_until: Some(at("2026-02-01T00:00:00Z")),
            ..Metadata::default()
        };
        assert!(campaign.is_restricted());
        for (audience, time, expected) in [
            ("vip", "2026-01-01T00:00:00Z", true),
            ("vip", "2025-12-31T23:59:59Z", false),
            ("vip", "2026-02-01T00:00:00Z", false),
            ("guest", "2026-01-15T00:00:00Z", false),
            ("", "2026-01-15T00:00:00Z", false),
        ] {
            let audience = &[audience.to_owned()][..];
            assert_eq!(
                campaign.visible(audience, None, at(time)),
                expected,
                "{audience:?} {time}"
            );
        }
        let draft = Metadata {
            status: DocumentStatus::Draft,
            ..Metadata::default()
        };
        assert!(!draft.visible(&[], None, at("2026-01-01T00:00:00Z")));
    }

    #[test]
    fn audience_needs_one_name_per_category() {
        let names =
            |list: &str| -> Vec<String> { list.split_whitespace().map(str::to_owned).collect() };
        for (allowed, who, expected) in [
            ("", "", true),
            ("agent", "", false),
            ("agent staff", "staff", true),
            ("tier:gold tier:vip", "tier:vip", true),
            ("tier:gold region:tw", "tier:gold", false),
            ("tier:gold region:tw", "tier:gold region:tw agent", true),
            ("tier:gold region:tw", "tier:gold region:hk", false),
        ] {
            assert_eq!(
                audience_open_to(&names(allowed), &names(who)),
                expected,
                "{allowed} / {who}"
            );
        }
    }

    #[test]
    fn chunk_audience_never_exceeds_document_audience() {
        let whole = Metadata {
            audience: vec!["staff".into(), "vip".into()],
            ..Metadata::default()
        };
        let part = |audience: &str| ChunkNote {
            audience: vec![audience.to_owned()],
            ..ChunkNote::default()
        };
        let both = |whole: &str, own: &str| {
            let names = |list: &str| -> Vec<String> {
                list.split_whitespace().map(str::to_owned).collect()
            };
            let mut audience = names(whole);
            narrow_audience(&mut audience, &names(own));
            audience
        };
        assert_eq!(
            both("tier:gold region:tw", "tier:gold"),
            ["tier:gold", "region:tw"]
        );
        assert_eq!(both("region:tw", "tier:gold"), ["region:tw", "tier:gold"]);
        assert_eq!(
            both("staff vip \u{0}trial:x", "vip"),
            ["vip", "\u{0}trial:x"]
        );
        assert_eq!(both("", "vip"), ["vip"]);
        assert_eq!(both("tier:gold", "tier:vip"), [NOBODY]);
        let narrowed = whole.narrowed(&part("vip"), ValidityPeriod::default());
        assert_eq!(narrowed.audience, ["vip"]);
        let nobody = whole.narrowed(&part("guest"), ValidityPeriod::default());
        assert!(!nobody.open_to(&["guest".into(), "vip".into(), "staff".into()], None));
    }

    #[test]
    fn executable_uri_scheme_is_rejected() {
        for good in [
            "https://shop.example/費用",
            "mailto:a@shop.example",
            "guides/fees.md",
            "C:\\guides\\fees.md",
            "",
        ] {
            assert_eq!(checked_uri(good), Ok(()), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            " Java\nScript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
        ] {
            assert!(checked_uri(bad).unwrap_err().contains("scheme"), "{bad}");
        }
    }
}
