//! Dify's external knowledge API: `POST /dify/retrieval`.

mod conditions;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::error_shapes::DifyErrorResponse;
use super::extract::{Json, WORKSPACE_HEADER};
use super::problem::{Fault, Problem};
use conditions::{Conditions, MetadataCondition};
use ken_answer::answer::{Question, ScoredPassage};
use ken_base::domain::{DocumentKind, Evidence, MAX_LIMIT, Principal, WorkspaceId};

/// A search of Dify. Fields that are not listed are accepted and ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RetrievalRequest {
    /// The workspace, or `WORKSPACE:TAG` for its documents with a tag. It has to be the workspace of the key; an
    /// operator's key may name any.
    pub knowledge_id: String,
    /// The question, 1 to 2,000 characters.
    pub query: String,
    /// How many passages, and how certain.
    #[serde(default)]
    pub retrieval_setting: RetrievalSetting,
    /// Only passages whose metadata fulfils these conditions, among the 100 best passages. Where all conditions have to
    /// hold, the search itself applies `is` and `in` on `document_id`, and `is` on `tags`.
    pub metadata_condition: Option<MetadataCondition>,
}

/// How many passages, and how certain.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct RetrievalSetting {
    /// The maximum number of records, 1 to 100. Default 4.
    pub top_k: Option<i64>,
    /// The lowest score of a record, 0 to 1. Default 0.
    pub score_threshold: Option<f32>,
}

/// The passages found.
#[derive(Debug, Serialize, ToSchema)]
pub struct RetrievalResponse {
    /// The highest score first.
    pub records: Vec<RecordBody>,
}

/// A passage.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordBody {
    /// The title and the headings in one line, an empty line, and the passage.
    pub content: String,
    /// The estimated probability that the passage answers the query, 0 to 1. The reader estimates it for the first
    /// passages. Any other passage has the probability that the whole evidence answers, by search scores, times its share
    /// of the best search score. An FAQ with exactly this question has 1.
    pub score: f32,
    /// The document's title.
    pub title: String,
    /// Properties of the passage; strings and numbers only.
    pub metadata: RecordMetadata,
}

/// Properties of a passage. Conditions use the same names, except for `chunk_id`, `document_version` and `page`.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordMetadata {
    /// The document's id.
    pub document_id: String,
    /// The version of the document, from 1.
    pub document_version: i64,
    /// The passage's id.
    pub chunk_id: String,
    /// The document's title.
    pub title: String,
    /// The document's own address, or its id if it has none.
    pub path: String,
    /// The document's own address; omitted if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// BCP 47; omitted if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The document's tags, separated by commas.
    pub tags: String,
    /// `article`, `faq` or `case`.
    pub kind: DocumentKind,
    /// When the document was last written (RFC 3339).
    pub updated_at: String,
    /// The page or slide where the passage begins, from 1; omitted if the source has no pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
}

/// The default number of records.
const DEFAULT_TOP_K: usize = 4;
/// The longest tag.
const MAX_TAG_CHARS: usize = 128;

/// A request, checked.
struct ParsedRequest {
    question: Question,
    top_k: usize,
    least: f32,
    conditions: Option<Conditions>,
}

impl RetrievalRequest {
    /// Validates the request, without its `knowledge_id`. The problem lists every fault.
    fn parse(self, tag: Option<String>) -> Result<ParsedRequest, Problem> {
        let mut faults = Vec::new();
        let setting = self.retrieval_setting;
        let top_k = setting
            .top_k
            .map_or(Some(DEFAULT_TOP_K), |k| usize::try_from(k).ok());
        let top_k = top_k.filter(|k| (1..=MAX_LIMIT).contains(k));
        if top_k.is_none() {
            let found = setting.top_k.unwrap_or_default();
            let detail = format!("expected 1 to {MAX_LIMIT}, found {found}");
            faults.push(Fault::new("/retrieval_setting/top_k", detail));
        }
        let least = setting.score_threshold.unwrap_or_default();
        if !(0.0..=1.0).contains(&least) {
            let detail = format!("expected 0 to 1, found {least}");
            faults.push(Fault::new("/retrieval_setting/score_threshold", detail));
        }
        let conditions = self.metadata_condition;
        let conditions = conditions.map(|conditions| conditions.parse(&mut faults));
        let question = Question::parse(&self.query)
            .map_err(|error| faults.push(Fault::new("/query", error.to_string())));
        let (Ok(mut question), Some(top_k), true) = (question, top_k, faults.is_empty()) else {
            return Err(Problem::invalid(faults));
        };
        question.filter.tags.extend(tag);
        question.limit = question.limit.max(top_k);
        if let Some(conditions) = &conditions {
            conditions.narrow(&mut question.filter);
            // Passages that do not fulfil the other conditions are removed after the search.
            question.limit = MAX_LIMIT;
        }
        Ok(ParsedRequest {
            question,
            top_k,
            least,
            conditions,
        })
    }
}

/// The workspace and the tag that a `knowledge_id` names.
///
/// # Errors
/// 404 if the caller has no such workspace. The reply does not show whether another caller has it.
async fn knowledge(
    state: &AppState,
    principal: &Principal,
    headers: &HeaderMap,
    knowledge_id: &str,
) -> Result<(WorkspaceId, Option<String>), Problem> {
    let missing = || {
        let shown: String = knowledge_id.chars().take(200).collect();
        Problem::not_found(format!(
            "the key has no knowledge {shown:?}; expected its workspace, or WORKSPACE:TAG"
        ))
    };
    let (name, tag) = match knowledge_id.split_once(':') {
        Some((name, tag)) => (name, Some(tag.trim())),
        None => (knowledge_id, None),
    };
    let workspace = WorkspaceId::parse(name.trim()).map_err(|_| missing())?;
    let own = principal.workspace.as_ref();
    let header = headers.get(WORKSPACE_HEADER);
    let is_named = header.is_none_or(|named| named.as_bytes() == workspace.as_str().as_bytes());
    let is_tag = tag.is_none_or(|tag| (1..=MAX_TAG_CHARS).contains(&tag.chars().count()));
    if !is_named || !is_tag || own.is_some_and(|own| *own != workspace) {
        return Err(missing());
    }
    if own.is_none() {
        let all = state.app.store.workspaces().await?;
        if !all.iter().any(|(name, _)| *name == workspace) {
            return Err(missing());
        }
    }
    Ok((workspace, tag.map(str::to_owned)))
}

/// The title and the headings of a passage, outermost first, without repetitions.
fn place(evidence: &Evidence) -> String {
    let mut parts = vec![evidence.metadata.title.as_str()];
    for heading in &evidence.chunk.heading_path {
        if parts.last() != Some(&heading.as_str()) {
            parts.push(heading);
        }
    }
    parts.join(" > ")
}

impl From<ScoredPassage> for RecordBody {
    fn from(passage: ScoredPassage) -> Self {
        let ScoredPassage {
            evidence,
            confidence,
        } = passage;
        let content = format!("{}\n\n{}", place(&evidence), evidence.chunk.text);
        let chunk_id = evidence.chunk.id();
        let page = evidence.chunk.note.page_of(evidence.chunk.span.start);
        let (chunk, metadata) = (evidence.chunk, evidence.metadata);
        let document_id = String::from(chunk.document_id);
        Self {
            content,
            score: confidence,
            title: metadata.title.clone(),
            metadata: RecordMetadata {
                document_version: chunk.version,
                chunk_id,
                title: metadata.title,
                path: metadata.uri.clone().unwrap_or_else(|| document_id.clone()),
                document_id,
                uri: metadata.uri,
                language: metadata.language,
                tags: metadata.tags.join(","),
                kind: metadata.kind,
                updated_at: evidence.updated_at.to_string(),
                page,
            },
        }
    }
}

/// Find passages for Dify's external knowledge. In Dify, enter the service's address with `/dify` as the endpoint. Only
/// documents without an audience are found.
#[utoipa::path(
    post, path = "/dify/retrieval", tag = "dify", request_body = RetrievalRequest,
    responses(
        (status = 200, body = RetrievalResponse),
        (status = 400, body = DifyErrorResponse, description = "Invalid value, or 2001: the key has no such knowledge"),
        (status = 401, body = DifyErrorResponse, description = "1001: no key as `Authorization: Bearer`"),
        (status = 403, body = DifyErrorResponse, description = "1002: the key is invalid or lacks the right"),
        (status = 429, body = DifyErrorResponse), (status = 503, body = DifyErrorResponse),
    )
)]
pub async fn post_retrieval(
    State(state): State<AppState>,
    Extension(principal): Extension<Principal>,
    headers: HeaderMap,
    Json(request): Json<RetrievalRequest>,
) -> Result<axum::Json<RetrievalResponse>, Problem> {
    let _in_flight = state.admit()?;
    let (workspace, tag) = knowledge(&state, &principal, &headers, &request.knowledge_id).await?;
    let parsed = request.parse(tag)?;
    let conditions = &parsed.conditions;
    let keep = |evidence: &Evidence| {
        let conditions = conditions.as_ref();
        conditions.is_none_or(|conditions| conditions.hold(evidence))
    };
    let answerer = &state.app.answerer;
    let found = answerer.passages(&workspace, &parsed.question, parsed.top_k, keep);
    let found = found.await?.into_iter();
    let certain = found.filter(|passage| passage.confidence >= parsed.least);
    Ok(axum::Json(RetrievalResponse {
        records: certain.map(RecordBody::from).collect(),
    }))
}
