//! [`Document`] and its [`Metadata`]: kind, status, validity, and visibility by audience and channel.

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

/// Format of a text that people write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TextFormat {
    /// CommonMark.
    #[default]
    Markdown,
    /// Plain text.
    Plain,
    /// HTML.
    Html,
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

/// The allowed URI schemes. They open a resource; schemes that execute their content, such as `javascript`, are
/// rejected.
const ALLOWED_SCHEMES: [&str; 6] = ["http", "https", "mailto", "tel", "ftp", "file"];

/// Checks that a URI may be shown as a link: it is relative, or absolute with an allowed scheme (`https`, `mailto` …).
/// Parses it as browsers do (WHATWG URL), because clients turn it into a link, which must not execute `javascript:…`.
///
/// # Errors
/// A message with the allowed schemes and the one that was found.
pub fn checked_uri(uri: &str) -> Result<(), String> {
    match reqwest::Url::parse(uri) {
        // The drive letter of a Windows path parses as a scheme of one letter.
        Ok(url) if !ALLOWED_SCHEMES.contains(&url.scheme()) && url.scheme().len() > 1 => {
            Err(format!(
                "expected a relative URI or one of the schemes {}, found {:?}",
                ALLOWED_SCHEMES.join(", "),
                url.scheme()
            ))
        }
        _ => Ok(()),
    }
}

/// Metadata of a document.
///
/// An empty `audience` means everyone, empty `channels` mean every channel. The document is valid in
/// `valid_from <= t < valid_until`; a missing bound is open.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// The kind of the document.
    pub kind: DocumentKind,
    /// The title; part of the searchable text.
    pub title: String,
    /// The document's own URI, if it has one.
    pub uri: Option<String>,
    /// The language tag (BCP 47), such as `zh-Hant`, `zh-Hans`, `en`.
    pub language: Option<String>,
    /// Tags, for filters.
    pub tags: Vec<String>,
    /// The audience that may see it; see [`audience_open_to`].
    pub audience: Vec<String>,
    /// The channels that may show it.
    pub channels: Vec<String>,
    /// Start of validity, inclusive.
    pub valid_from: Option<Timestamp>,
    /// End of validity, exclusive.
    pub valid_until: Option<Timestamp>,
    /// When a person should review it.
    pub review_by: Option<Timestamp>,
    /// The status of the document.
    pub status: DocumentStatus,
    /// FAQ only: the question, then its paraphrases. They are searched, never quoted.
    pub questions: Vec<String>,
    /// FAQ only: similar questions that it does not answer (hard negatives).
    pub negatives: Vec<String>,
    /// The ids of related documents.
    pub related: Vec<String>,
    /// FAQ only: the id of the parent FAQ, to which this one is a follow-up.
    pub parent: Option<String>,
    /// The precedence in contradictions: the document with the higher rank wins. Default 0.
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
    /// Returns whether a caller with all names in `audience` may see the document on `channel` at time `at`: it is
    /// published, open to the caller, and valid.
    pub fn visible(&self, audience: &[String], channel: Option<&str>, at: Timestamp) -> bool {
        self.status == DocumentStatus::Published
            && self.open_to(audience, channel)
            && self.valid_from.is_none_or(|from| from <= at)
            && self.valid_until.is_none_or(|until| at < until)
    }

    /// Returns whether a caller with all names in `audience` may see the document on `channel`, regardless of its
    /// status and validity.
    pub fn open_to(&self, audience: &[String], channel: Option<&str>) -> bool {
        let is_on = |channel: &str| self.channels.iter().any(|c| c == channel);
        audience_open_to(&self.audience, audience)
            && (self.channels.is_empty() || channel.is_some_and(is_on))
    }

    /// Returns the effective metadata of one chunk: those of the document, narrowed by the chunk's note and by the
    /// validity period of its version.
    pub fn narrowed(&self, note: &ChunkNote, period: ValidityPeriod) -> Self {
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
        narrowed.valid_from = narrowed.valid_from.max(period.from);
        narrowed.valid_until = match (narrowed.valid_until, period.until) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        narrowed
    }

    /// Returns the searchable text of a chunk: title, headings and text, one per line.
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

    /// Returns the views of a chunk: the texts that represent it in vector search, at most [`MAX_VIEWS`], in a fixed
    /// order. Each becomes one vector.
    ///
    /// The first view is the [searchable text](Self::searchable). An FAQ has one more for its question and for each
    /// paraphrase. A hit on any view is a hit on the chunk.
    pub fn views(&self, heading_path: &[String], text: &str) -> Vec<String> {
        let mut views = vec![self.searchable(heading_path, text)];
        views.extend(self.questions.iter().cloned());
        views.truncate(MAX_VIEWS);
        views
    }

    /// Returns the questions that lower the chunk's score, at most [`MAX_VIEWS`], in a fixed order. Each becomes one
    /// vector.
    pub fn negative_views(&self) -> &[String] {
        &self.negatives[..self.negatives.len().min(MAX_VIEWS)]
    }

    /// Returns whether visibility depends on the caller, the channel or the time.
    pub fn is_restricted(&self) -> bool {
        !self.audience.is_empty()
            || !self.channels.is_empty()
            || self.valid_from.is_some()
            || self.valid_until.is_some()
    }
}

/// A name that no caller and no channel has. It stands for an empty intersection: the document and one of its chunks
/// have no audience, or no channel, in common.
const NOBODY: &str = "\u{0}nobody:";

/// Returns the category of an audience name: `tier` for `tier:gold`, empty for a name without a colon.
fn category(name: &str) -> &str {
    name.split_once(':').map_or("", |(category, _)| category)
}

/// Narrows a document's audience by the audience of one of its chunks. In a category that both have, the common names
/// remain, or [`NOBODY`] if there are none. A category that only one of them has remains unchanged.
fn narrow_audience(audience: &mut Vec<String>, of_chunk: &[String]) {
    let mut categories: Vec<&str> = of_chunk.iter().map(|name| category(name)).collect();
    categories.sort_unstable();
    categories.dedup();
    for own in categories {
        if !audience.iter().any(|name| category(name) == own) {
            let added = of_chunk.iter().filter(|name| category(name) == own);
            audience.extend(added.cloned());
            continue;
        }
        audience.retain(|name| category(name) != own || of_chunk.contains(name));
        if !audience.iter().any(|name| category(name) == own) {
            audience.push(NOBODY.to_owned());
        }
    }
}

/// Returns whether content with the audience `allowed` is open to a caller with all names in `caller`. Content with an
/// empty audience is open to everyone.
///
/// A name may have a category, as in `tier:gold` or `region:tw`. In each category of `allowed`, the caller needs at
/// least one of the allowed names. Names without a colon form one category.
pub fn audience_open_to(allowed: &[String], caller: &[String]) -> bool {
    allowed.iter().all(|name| {
        let own = category(name);
        let mut same = allowed.iter().filter(|other| category(other) == own);
        same.any(|other| caller.contains(other))
    })
}

/// The period during which a version is live: `from <= t < until`; a missing bound is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ValidityPeriod {
    /// Start, inclusive.
    pub from: Option<Timestamp>,
    /// End, exclusive.
    pub until: Option<Timestamp>,
}

/// The maximum number of views of a chunk, and of its negative views. The vector index stores a view's number in 6
/// bits.
pub const MAX_VIEWS: usize = 64;

/// One stored version of a document: the live one unless another was requested.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Id of the document.
    pub id: DocumentId,
    /// The version number: 1, 2, 3 … per document. All versions are kept; one is live.
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
    /// Returns the answers of an FAQ as submitted; empty for other kinds.
    pub fn answers(&self) -> Vec<FaqAnswer> {
        let answers = self.outline.answers.iter();
        answers
            .map(|(span, attributes)| FaqAnswer {
                text: span.slice(&self.text).unwrap_or_default().to_owned(),
                ..attributes.clone()
            })
            .collect()
    }
}

/// A parsed document that is not stored yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Id of the document.
    pub id: DocumentId,
    /// Metadata of the document.
    pub metadata: Metadata,
    /// The submitted text before extraction, kept so that an improved parser can parse it again. Empty for binary
    /// formats (PDF, Office files, archives).
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
        let note = |audience: &str| ChunkNote {
            audience: vec![audience.to_owned()],
            ..ChunkNote::default()
        };
        let intersect = |whole: &str, own: &str| {
            let names = |list: &str| -> Vec<String> {
                list.split_whitespace().map(str::to_owned).collect()
            };
            let mut audience = names(whole);
            narrow_audience(&mut audience, &names(own));
            audience
        };
        assert_eq!(
            intersect("tier:gold region:tw", "tier:gold"),
            ["tier:gold", "region:tw"]
        );
        assert_eq!(
            intersect("region:tw", "tier:gold"),
            ["region:tw", "tier:gold"]
        );
        assert_eq!(
            intersect("staff vip \u{0}trial:x", "vip"),
            ["vip", "\u{0}trial:x"]
        );
        assert_eq!(intersect("", "vip"), ["vip"]);
        assert_eq!(intersect("tier:gold", "tier:vip"), [NOBODY]);
        let narrowed = whole.narrowed(&note("vip"), ValidityPeriod::default());
        assert_eq!(narrowed.audience, ["vip"]);
        let nobody = whole.narrowed(&note("guest"), ValidityPeriod::default());
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
