use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ChunkNote, DocumentId, NewChunk, Outline};

/// Kind of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DocumentKind, description = "`article`: a text. `faq`: a question with its answer. `case`: a support case.")]
pub enum Kind {
    #[default]
    Article,
    Faq,
    Case,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Article => "article",
            Kind::Faq => "faq",
            Kind::Case => "case",
        }
    }
}

/// State of a document. Only `Published` documents are retrieved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DocumentStatus, description = "`draft`: not published yet. `published`: answers use it. `archived`: answers do not use it any more.")]
pub enum Status {
    Draft,
    #[default]
    Published,
    Archived,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Draft => "draft",
            Status::Published => "published",
            Status::Archived => "archived",
        }
    }
}

/// Schemes whose addresses do nothing but open something; those that run what they hold are refused.
const SCHEMES: [&str; 6] = ["http", "https", "mailto", "tel", "ftp", "file"];

/// Whether an address may be shown as a link: absolute with a scheme that only opens something (`https`, `mailto` …), or relative, read as browsers do (WHATWG URL).
/// Pages of others turn it into a link, which `javascript:…` must not become.
pub fn checked_uri(uri: &str) -> Result<(), String> {
    match reqwest::Url::parse(uri) {
        // A path of Windows begins like a scheme of one letter.
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
    pub kind: Kind,
    pub title: String,
    pub uri: Option<String>,
    /// BCP 47, as in `zh-Hant`, `zh-Hans`, `en`.
    pub language: Option<String>,
    pub tags: Vec<String>,
    pub audience: Vec<String>,
    pub channels: Vec<String>,
    pub valid_from: Option<Timestamp>,
    pub valid_until: Option<Timestamp>,
    pub review_by: Option<Timestamp>,
    pub status: Status,
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
    /// Who sees this answer; the FAQ's own audience, if absent.
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
    /// Whether someone who is all of `audience`, on `channel`, may see this at time `at`.
    pub fn visible(&self, audience: &[String], channel: Option<&str>, at: Timestamp) -> bool {
        self.status == Status::Published
            && self.open_to(audience, channel)
            && self.valid_from.is_none_or(|from| from <= at)
            && self.valid_until.is_none_or(|until| at < until)
    }

    /// Whether someone who is all of `audience` may see this on `channel`.
    pub fn open_to(&self, audience: &[String], channel: Option<&str>) -> bool {
        let is_on = |channel: &str| self.channels.iter().any(|c| c == channel);
        audience_open_to(&self.audience, audience)
            && (self.channels.is_empty() || channel.is_some_and(is_on))
    }

    /// What holds for one chunk: its own restrictions besides the document's.
    pub fn narrowed(&self, note: &ChunkNote, window: Window) -> Self {
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

    /// Breadcrumb and text: what a chunk says together with where it says it.
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

    /// The texts by which a chunk is found by meaning, in a fixed order; each becomes one vector.
    ///
    /// An article's chunk is found by breadcrumb and text. An FAQ is found by question with answer and by each
    /// wording of its question, and a hit on any of them is a hit on the answer.
    pub fn views(&self, heading_path: &[String], text: &str) -> Vec<String> {
        let mut views = vec![self.searchable(heading_path, text)];
        views.extend(self.questions.iter().cloned());
        views.truncate(MAX_VIEWS);
        views
    }

    /// The questions by which a chunk is *not* to be found, in a fixed order; each becomes one vector.
    pub fn negative_views(&self) -> &[String] {
        &self.negatives[..self.negatives.len().min(MAX_VIEWS)]
    }

    /// Whether visibility depends on who asks or when.
    pub fn is_restricted(&self) -> bool {
        !self.audience.is_empty()
            || !self.channels.is_empty()
            || self.valid_from.is_some()
            || self.valid_until.is_some()
    }
}

/// An audience that nobody is of: where a document's audience and that of its part have nobody in common.
const NOBODY: &str = "\u{0}nobody:";

/// What a name of an audience is about: `tier` of `tier:gold`.
fn about(name: &str) -> &str {
    name.split_once(':').map_or("", |(about, _)| about)
}

/// Narrows an audience by that of a part: of what both speak about only what both name is left, and what one alone
/// speaks about stays.
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

/// Whether something for `allowed` is open to someone who is all of `who`; what names nobody is open to all.
///
/// A name may say what it is about, as `tier:gold` or `region:tw`: of names about the same thing one has to be met,
/// and of names about different things each. Names without a colon are about the same thing.
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

/// When a version is the one in force: `from <= t < until`; an absent bound is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

/// The most vectors by which one chunk is found, and the most by which it is not; the vector index keeps 6 bits for
/// a view's number.
pub const MAX_VIEWS: usize = 64;

/// One version of a source text, as stored: the live one, unless another was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub id: DocumentId,
    /// 1, 2, 3 … per document; all versions are kept, one is live.
    pub version: i64,
    pub metadata: Metadata,
    /// The extracted text: what spans index into and what is quoted.
    pub text: String,
    pub outline: Outline,
    /// SHA-256 (hex) of the source bytes and the metadata; equal hash means nothing to do.
    pub content_hash: String,
    pub updated_at: Timestamp,
}

impl Document {
    /// An FAQ's answers, as they were given; none where it is no FAQ.
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

/// A document as it comes in, parsed but not yet stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    pub id: DocumentId,
    pub metadata: Metadata,
    /// What was given as text, before extraction; kept so that a better parser can read it again. Empty for binary formats (PDF,
    /// Office files, archives).
    pub raw: String,
    pub text: String,
    /// Where the chunks lie in `text`, in reading order.
    pub chunks: Vec<NewChunk>,
    pub outline: Outline,
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
            status: Status::Draft,
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
        let narrowed = whole.narrowed(&part("vip"), Window::default());
        assert_eq!(narrowed.audience, ["vip"]);
        let nobody = whole.narrowed(&part("guest"), Window::default());
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
