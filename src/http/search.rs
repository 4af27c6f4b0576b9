//! Search for passages: `POST /v1/search`.

use std::collections::HashSet;

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::answers::{TimingsBody, default_limit};
use super::extract::{Json, OneOrMany, Workspace, one_or_many};
use super::problem::{Fault, Problem};
use super::schema_enums;
use ken_base::domain::{DocumentId, DocumentKind, Filter, Hit, LegScore, Mode, Query};
use ken_search::index::QueryTerm;
use ken_search::retrieve::{FilterDecision, SearchVerdict};
use ken_text::text::{Highlighter, terms};

/// A search.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchRequest {
    /// 1 to 2,000 characters.
    pub question: String,
    /// `hybrid` (default), `keyword` or `vector`.
    #[serde(default)]
    pub mode: Mode,
    /// 1 to 100.
    #[serde(default = "default_limit")]
    pub limit: usize,
    /// Audiences the asker belongs to: one name or a list, for example `agent` or `["tier:gold", "region:tw"]`.
    #[serde(default, deserialize_with = "one_or_many")]
    #[schema(value_type = Option<OneOrMany>)]
    pub audience: Vec<String>,
    /// The channel that the question comes from, as `web`.
    pub channel: Option<String>,
    /// Only documents with all of these tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Only documents in one of these languages (BCP 47, as stored).
    #[serde(default)]
    pub languages: Vec<String>,
    /// `article`, `faq`, `case`.
    #[serde(default)]
    pub kinds: Vec<DocumentKind>,
    /// Only these documents.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub document_ids: Vec<DocumentId>,
    /// The time that the question refers to. Default: now.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub as_of: Option<Timestamp>,
    /// Add rank and score per leg to each hit, and the weighted query terms.
    #[serde(default)]
    pub explain: bool,
    /// Explain why this document was or was not found.
    #[schema(value_type = Option<String>)]
    pub explain_document: Option<DocumentId>,
}

/// Search results.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchResponse {
    /// Best first.
    pub hits: Vec<HitBody>,
    /// `encoder_unavailable` or `vectors_unavailable` if the search fell back to keywords only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema_enums::Degradation>)]
    pub degraded: Option<String>,
    /// The lowest revision that the indexes held when they were searched.
    pub revision: i64,
    /// How long each stage took.
    pub timings_ms: TimingsBody,
    /// The question's terms; with `explain` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terms: Option<Vec<TermBody>>,
    /// Why a document was found or not; with `explain_document` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<DocumentExplanationBody>,
}

/// Why a document was or was not found.
#[derive(Debug, Serialize, ToSchema)]
pub struct DocumentExplanationBody {
    /// The document's id.
    pub document_id: String,
    /// `listed`, `outranked`, `no_match`, `filtered`, `not_indexed`, `no_such_document`.
    pub verdict: SearchVerdict,
    /// Every active filter and whether the document passes it.
    pub filters: Vec<FilterDecision>,
    /// Rank of its best passage among the first 100, from 1.
    pub rank: Option<usize>,
    /// Scores of its best passage.
    pub best: Option<ExplanationBody>,
    /// Score of the last hit within the limit.
    pub last_score: Option<f32>,
}

/// A passage: the document's text from byte `start` to byte `end` equals `text`.
#[derive(Debug, Serialize, ToSchema)]
pub struct HitBody {
    /// The passage's id.
    pub chunk_id: String,
    /// The document that it is from.
    pub document_id: String,
    /// The version of the document, from 1.
    pub document_version: i64,
    /// The document's title.
    pub title: String,
    /// The document's own address, if it has one.
    pub uri: Option<String>,
    /// The document's language (BCP 47).
    pub language: Option<String>,
    /// The headings above the passage, outermost first.
    pub heading_path: Vec<String>,
    /// The passage's text.
    pub text: String,
    /// Where the passage begins in the document's text, in bytes.
    pub start: usize,
    /// Where the passage ends in the document's text, in bytes, exclusive.
    pub end: usize,
    /// Fused score, 0 to 1.
    pub score: f32,
    /// Byte ranges of `text` that match query terms.
    pub highlights: Vec<HighlightBody>,
    /// Parts of the score; with `explain` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<ExplanationBody>,
}

/// A highlighted part of a passage.
#[derive(Debug, Serialize, ToSchema)]
pub struct HighlightBody {
    /// Where the highlight begins in `text`, in bytes.
    pub start: usize,
    /// Where the highlight ends in `text`, in bytes, exclusive.
    pub end: usize,
}

/// The parts of a passage's score.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplanationBody {
    /// The passage in keyword search; null, if the search does not use keywords.
    pub keyword: Option<LegBody>,
    /// The passage in vector search; null, if the search does not use vectors.
    pub vector: Option<LegBody>,
    /// BM25 divided by the highest BM25 possible for the question in this workspace, 0 to 1.
    pub coverage: f32,
    /// Term proximity, 0 to 1.
    pub proximity: f32,
    /// Penalty for questions that the passage is known not to answer, as a cosine difference.
    pub negative: f32,
    /// Fused score.
    pub score: f32,
    /// Query term forms found in the passage; hits only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched: Option<Vec<String>>,
}

/// A passage's rank and score in one of the two searches.
#[derive(Debug, Serialize, ToSchema)]
pub struct LegBody {
    /// From 1; null if this leg did not list the passage.
    pub rank: Option<usize>,
    /// BM25 (keyword) or cosine (vector).
    pub score: f32,
}

/// A term of the question.
#[derive(Debug, Serialize, ToSchema)]
pub struct TermBody {
    /// The term, as it is in the index.
    pub term: String,
    /// Inverse document frequency in this workspace.
    pub weight: f32,
    /// Forms searched for: the term, synonyms, homophones and near spellings.
    pub forms: Vec<FormBody>,
}

/// A form of a term that was searched for.
#[derive(Debug, Serialize, ToSchema)]
pub struct FormBody {
    /// The form, as it is in the index.
    pub term: String,
    /// Weight of the form, above 0 to 1; 1 is the term as written.
    pub boost: f32,
}

impl From<LegScore> for LegBody {
    fn from(leg: LegScore) -> Self {
        Self {
            rank: leg.rank,
            score: leg.score,
        }
    }
}

impl ExplanationBody {
    fn new(hit: &Hit, matched: Option<Vec<String>>) -> Self {
        Self {
            keyword: hit.keyword.map(LegBody::from),
            vector: hit.vector.map(LegBody::from),
            coverage: hit.coverage,
            proximity: hit.proximity,
            negative: hit.negative,
            score: hit.score,
            matched,
        }
    }
}

impl SearchRequest {
    fn parse(self) -> Result<Query, Problem> {
        let mut faults = Vec::new();
        if let Err(error) = Query::parse(&self.question, 1) {
            faults.push(Fault::new("/question", error.to_string()));
        }
        if let Err(error) = Query::parse("-", self.limit) {
            faults.push(Fault::new("/limit", error.to_string()));
        }
        if !faults.is_empty() {
            return Err(Problem::invalid(faults));
        }
        let filter = Filter {
            audience: self.audience,
            channel: self.channel,
            at: self.as_of,
            tags: self.tags,
            languages: self.languages,
            kinds: self.kinds,
            document_ids: self.document_ids,
            without_documents: Vec::new(),
        };
        Ok(Query::parse(&self.question, self.limit)?
            .with_filter(filter)
            .with_mode(self.mode))
    }
}

/// Search for passages.
#[utoipa::path(
    post, path = "/v1/search", tag = "search", request_body = SearchRequest,
    params(("X-Ken-Workspace" = Option<String>, Header, description = "Default: the key's workspace, or `default`")),
    responses(
        (status = 200, body = SearchResponse), (status = 400, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem), (status = 503, body = Problem),
    )
)]
pub async fn post_search(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Json(request): Json<SearchRequest>,
) -> Result<axum::Json<SearchResponse>, Problem> {
    let _in_work = state.admit()?;
    let explain = request.explain;
    let asked_for = request.explain_document.clone();
    let query = request.parse()?;
    let retriever = &state.app.retriever;
    let found = retriever.retrieve(&workspace, &query).await?;
    let evidence = retriever
        .load_evidence(&workspace, &query, &found.hits)
        .await?;
    let document = match asked_for {
        Some(id) => {
            let explained = retriever
                .explain_document(&workspace, &query, &found.hits, &id)
                .await?;
            Some(DocumentExplanationBody {
                document_id: id.to_string(),
                verdict: explained.verdict,
                filters: explained.filters,
                rank: explained.rank,
                best: explained.best.map(|hit| ExplanationBody::new(&hit, None)),
                last_score: explained.last_score,
            })
        }
        None => None,
    };
    let question = terms(query.text());
    let forms = found
        .query_terms
        .iter()
        .flat_map(|query_terms| &query_terms.forms);
    let query_terms: HashSet<&str> = question
        .iter()
        .map(String::as_str)
        .chain(forms.map(|form| form.term.as_str()))
        .collect();
    let highlighter = Highlighter::new(query_terms);
    let hits = evidence
        .into_iter()
        .map(|e| {
            let hit = found
                .hits
                .iter()
                .find(|hit| hit.chunk_key == e.chunk.key)
                .filter(|_| explain);
            let marks = highlighter.marks(&e.chunk.text);
            let explanation = hit.map(|hit| {
                let searchable = e.metadata.searchable(&e.chunk.heading_path, &e.chunk.text);
                let has: HashSet<String> = terms(&searchable).into_iter().collect();
                let forms = found
                    .query_terms
                    .iter()
                    .flat_map(|query_terms| &query_terms.forms);
                let matched = forms.filter(|form| has.contains(&form.term));
                let matched = matched.map(|form| form.term.clone()).collect();
                ExplanationBody::new(hit, Some(matched))
            });
            HitBody {
                chunk_id: e.chunk.id(),
                document_id: e.chunk.document_id.into(),
                document_version: e.chunk.version,
                title: e.metadata.title,
                uri: e.metadata.uri,
                language: e.metadata.language,
                heading_path: e.chunk.heading_path,
                text: e.chunk.text,
                start: e.chunk.span.start,
                end: e.chunk.span.end,
                score: e.score,
                highlights: marks
                    .into_iter()
                    .map(|s| HighlightBody {
                        start: s.start,
                        end: s.end,
                    })
                    .collect(),
                explanation,
            }
        })
        .collect();
    let term = |query_terms: &QueryTerm| TermBody {
        term: query_terms.term.clone(),
        weight: query_terms.weight,
        forms: query_terms
            .forms
            .iter()
            .map(|form| FormBody {
                term: form.term.clone(),
                boost: form.boost,
            })
            .collect(),
    };
    Ok(axum::Json(SearchResponse {
        hits,
        degraded: found.degraded.map(|part| part.as_str().to_owned()),
        revision: found.revision,
        timings_ms: found.timings.into(),
        terms: explain.then(|| found.query_terms.iter().map(term).collect()),
        document,
    }))
}
