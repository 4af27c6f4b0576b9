//! Explains why a search did or did not find a document.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{RetrieveError, Retriever, search_blocking};
use ken_base::domain::{
    DocumentId, DocumentStatus, Filter, Hit, MAX_LIMIT, Metadata, Query, WorkspaceId,
    audience_open_to,
};

/// Why a document was found or not.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentExplanation {
    /// The outcome.
    pub verdict: SearchVerdict,
    /// Each condition of the query and of the document's state, with whether the document meets it. Empty if the
    /// document does not exist.
    pub filters: Vec<FilterDecision>,
    /// Rank of the document's best passage, from 1, among the first [`MAX_LIMIT`].
    pub rank: Option<usize>,
    /// The document's best passage with the scores of a search in this document only.
    pub best: Option<Hit>,
    /// The score of the last passage within the query's limit.
    pub last_score: Option<f32>,
}

/// The outcome for a document in a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`listed`: it is among the hits. `outranked`: other documents score higher. `no_match`: it shares no word with the question. \
     `filtered`: it does not meet a filter. `not_indexed`: the indexes do not have it yet. `no_such_document`: the workspace has \
     no document with this id."
)]
pub enum SearchVerdict {
    /// Among the hits.
    Listed,
    /// Ranked below the limit.
    Outranked,
    /// Neither keyword nor vector search found it: it shares no term with the question.
    NoMatch,
    /// Excluded by a filter.
    Filtered,
    /// Stored, but not indexed yet.
    NotIndexed,
    /// There is no document with this id.
    NoSuchDocument,
}

/// One filter's decision on a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FilterDecision {
    /// `status`, `audience`, `channel`, `valid_from`, `valid_until`, `tags`, `languages`, `kinds`, `document_ids`.
    #[schema(value_type = FilterName)]
    pub filter: &'static str,
    /// Whether the document meets the filter.
    pub passed: bool,
    /// Expected and found values.
    pub detail: String,
}

impl Retriever {
    /// Explains the outcome for one document of a search that returned `hits`. Encodes the question again and searches
    /// this document alone. If the document is not among the hits, searches all documents with the highest limit.
    pub async fn explain_document(
        &self,
        workspace: &WorkspaceId,
        query: &Query,
        hits: &[Hit],
        id: &DocumentId,
    ) -> Result<DocumentExplanation, RetrieveError> {
        let mut explanation = DocumentExplanation {
            verdict: SearchVerdict::NoSuchDocument,
            filters: Vec::new(),
            rank: None,
            best: None,
            last_score: None,
        };
        let Some(document) = self.store.document(workspace, id, None).await? else {
            return Ok(explanation);
        };
        let query = &self.with_time(query.clone());
        let at = query.filter.at.unwrap_or_else(Timestamp::now);
        explanation.filters = decisions(&query.filter, id, &document.metadata, at);
        if explanation.filters.iter().any(|filter| !filter.passed) {
            explanation.verdict = SearchVerdict::Filtered;
            return Ok(explanation);
        }
        explanation.last_score = hits.last().map(|hit| hit.score);
        let Some(index) = self.indexes.find(workspace) else {
            explanation.verdict = SearchVerdict::NotIndexed;
            return Ok(explanation);
        };
        let alone = Filter {
            document_ids: vec![id.clone()],
            ..query.filter.clone()
        };
        let held = alone.clone();
        let selection = search_blocking(move || index.keyword.select(&held)).await?;
        if selection.listed().is_none_or(|keys| keys.is_empty()) {
            explanation.verdict = SearchVerdict::NotIndexed;
            return Ok(explanation);
        }
        let (vector, ..) = self.question_vector(query, None).await?;
        let alone = query.clone().with_filter(alone).with_limit(MAX_LIMIT);
        let found = self.retrieve_with(workspace, &alone, vector.clone());
        explanation.best = found.await?.hits.into_iter().next();
        let Some(best) = &explanation.best else {
            explanation.verdict = SearchVerdict::NoMatch;
            return Ok(explanation);
        };
        let place = |hits: &[Hit]| {
            let place = hits.iter().position(|hit| hit.chunk_key == best.chunk_key);
            place.map(|place| place + 1)
        };
        explanation.rank = place(hits);
        explanation.verdict = SearchVerdict::Listed;
        if explanation.rank.is_none() {
            let all = query.clone().with_limit(MAX_LIMIT);
            let found = self.retrieve_with(workspace, &all, vector).await?;
            explanation.rank = place(&found.hits);
            explanation.verdict = SearchVerdict::Outranked;
        }
        Ok(explanation)
    }
}

/// Returns the decision of every filter that is set, and of the document's state, in a fixed order.
fn decisions(
    filter: &Filter,
    id: &DocumentId,
    metadata: &Metadata,
    at: Timestamp,
) -> Vec<FilterDecision> {
    let mut decisions = Vec::new();
    let mut decide = |filter, passed, detail: String| {
        decisions.push(FilterDecision {
            filter,
            passed,
            detail,
        });
    };
    decide(
        "status",
        metadata.status == DocumentStatus::Published,
        format!("expected published, found {}", metadata.status.as_str()),
    );
    let channel: Vec<String> = filter.channel.iter().cloned().collect();
    let is_on =
        metadata.channels.is_empty() || channel.iter().any(|c| metadata.channels.contains(c));
    let is_open = audience_open_to(&metadata.audience, &filter.audience);
    for (name, allowed, who, passed) in [
        ("audience", &metadata.audience, &filter.audience, is_open),
        ("channel", &metadata.channels, &channel, is_on),
    ] {
        let asks = match who.is_empty() {
            true => "none".to_owned(),
            false => who.join(", "),
        };
        let detail = match allowed.is_empty() {
            true => format!("asked by {asks}, open to all"),
            false => format!("asked by {asks}, restricted to {}", allowed.join(", ")),
        };
        decide(name, passed, detail);
    }
    if let Some(from) = metadata.valid_from {
        let detail = format!("asked for {at}, valid from {from}");
        decide("valid_from", from <= at, detail);
    }
    if let Some(until) = metadata.valid_until {
        let detail = format!("asked for {at}, valid until {until}");
        decide("valid_until", at < until, detail);
    }
    if !filter.tags.is_empty() {
        let has_all = filter.tags.iter().all(|tag| metadata.tags.contains(tag));
        let detail = format!(
            "expected all of {}, found {}",
            filter.tags.join(", "),
            listed(&metadata.tags)
        );
        decide("tags", has_all, detail);
    }
    if !filter.languages.is_empty() {
        let language = metadata.language.as_deref().unwrap_or("und");
        let detail = format!(
            "expected {}, found {language}",
            filter.languages.join(" or ")
        );
        decide(
            "languages",
            filter.languages.iter().any(|l| l == language),
            detail,
        );
    }
    if !filter.kinds.is_empty() {
        let asked: Vec<&str> = filter.kinds.iter().map(|kind| kind.as_str()).collect();
        let detail = format!(
            "expected {}, found {}",
            asked.join(" or "),
            metadata.kind.as_str()
        );
        decide("kinds", filter.kinds.contains(&metadata.kind), detail);
    }
    if !filter.document_ids.is_empty() {
        let detail = format!("restricted to {} documents", filter.document_ids.len());
        decide("document_ids", filter.document_ids.contains(id), detail);
    }
    decisions
}

fn listed(names: &[String]) -> String {
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    }
}

/// The values of [`FilterDecision::filter`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(
    rename_all = "snake_case",
    description = "The filter that decides, by the request's field or the document's field."
)]
pub enum FilterName {
    /// The document's status.
    Status,
    /// The caller's audience.
    Audience,
    /// The channel.
    Channel,
    /// The start of validity.
    ValidFrom,
    /// The end of validity.
    ValidUntil,
    /// The required tags.
    Tags,
    /// The accepted languages.
    Languages,
    /// The accepted kinds.
    Kinds,
    /// The accepted documents.
    DocumentIds,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explain_returns_decision_for_each_set_filter() {
        let at: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        let id = DocumentId::parse("d").unwrap();
        let metadata = Metadata {
            audience: vec!["vip".into()],
            tags: vec!["a".into()],
            valid_until: Some("2026-01-01T00:00:00Z".parse().unwrap()),
            language: Some("zh-Hant".into()),
            ..Metadata::default()
        };
        let filter = Filter {
            audience: vec!["vip".into()],
            tags: vec!["a".into(), "b".into()],
            languages: vec!["en".into(), "zh-Hant".into()],
            document_ids: vec![DocumentId::parse("e").unwrap()],
            ..Filter::default()
        };
        let found = decisions(&filter, &id, &metadata, at);
        let found: Vec<(&str, bool)> = found.iter().map(|d| (d.filter, d.passed)).collect();
        assert_eq!(
            found,
            [
                ("status", true),
                ("audience", true),
                ("channel", true),
                ("valid_until", false),
                ("tags", false),
                ("languages", true),
                ("document_ids", false),
            ]
        );
    }
}
