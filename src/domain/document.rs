use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DocumentId, Span};

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
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

/// Where a document stands in its life. Only `Published` is ever retrieved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
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

/// What is said about a document besides its text.
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
    /// FAQ only: the question first, then its other wordings. Searched, never quoted.
    pub questions: Vec<String>,
    /// FAQ only: questions near it that it does not answer.
    pub negatives: Vec<String>,
}

impl Metadata {
    /// Whether someone of `audience`, on `channel`, may see this at time `at`.
    pub fn visible(&self, audience: Option<&str>, channel: Option<&str>, at: Timestamp) -> bool {
        self.status == Status::Published
            && open_to(&self.audience, audience)
            && open_to(&self.channels, channel)
            && self.valid_from.is_none_or(|from| from <= at)
            && self.valid_until.is_none_or(|until| at < until)
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

/// Whether something for `allowed` is open to `who`; what names nobody is open to all.
pub fn open_to(allowed: &[String], who: Option<&str>) -> bool {
    allowed.is_empty() || who.is_some_and(|who| allowed.iter().any(|a| a == who))
}

/// The most vectors by which one chunk is found, and the most by which it is not; the vector index keeps 6 bits for
/// a view's number.
pub const MAX_VIEWS: usize = 64;

/// One live version of a source text, as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub id: DocumentId,
    /// 1, 2, 3 … per document; all versions are kept, one is live.
    pub version: i64,
    pub metadata: Metadata,
    /// The extracted text: what spans index into and what is quoted.
    pub text: String,
    /// SHA-256 (hex) of the source bytes and the metadata; equal hash means nothing to do.
    pub content_hash: String,
    pub updated_at: Timestamp,
}

/// A document as it comes in, parsed but not yet stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    pub id: DocumentId,
    pub metadata: Metadata,
    /// What was given, before extraction; kept so that a better parser can read it again.
    pub raw: String,
    pub text: String,
    /// Where the chunks lie in `text`, in reading order.
    pub chunks: Vec<(Vec<String>, Span)>,
    pub content_hash: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visibility_is_who_where_and_when() {
        let at = |s: &str| s.parse::<Timestamp>().unwrap();
        let open = Metadata::default();
        assert!(open.visible(None, None, at("2026-01-01T00:00:00Z")));
        assert!(!open.is_restricted());

        let campaign = Metadata {
            audience: vec!["vip".into()],
            valid_from: Some(at("2026-01-01T00:00:00Z")),
            valid_until: Some(at("2026-02-01T00:00:00Z")),
            ..Metadata::default()
        };
        assert!(campaign.is_restricted());
        for (audience, time, expected) in [
            (Some("vip"), "2026-01-01T00:00:00Z", true),
            (Some("vip"), "2025-12-31T23:59:59Z", false),
            (Some("vip"), "2026-02-01T00:00:00Z", false),
            (Some("guest"), "2026-01-15T00:00:00Z", false),
            (None, "2026-01-15T00:00:00Z", false),
        ] {
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
        assert!(!draft.visible(None, None, at("2026-01-01T00:00:00Z")));
    }
}
