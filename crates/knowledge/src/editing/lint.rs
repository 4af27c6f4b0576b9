//! Finds duplicates, contradictions and expired content in a workspace's knowledge.

use std::collections::{BTreeMap, HashMap, HashSet};

use half::f16;
use serde::Serialize;
use utoipa::ToSchema;

use super::Knowledge;
use ken_base::blocking::blocking;
use ken_base::domain::{DocumentId, DocumentStatus, WorkspaceId};
use ken_ingest::ingest::faq::question_key;
use ken_search::embed::EmbedError;
use ken_search::index::{IndexError, Selection};
use ken_store::store::{IndexEntry, StoreError, text_hash};
use ken_text::conflict::{Conflict, ConflictRule, Statement, contradiction, likeness};

/// Passages are compared if their cosine is at least this.
const NEAR: f32 = 0.80;
/// Passages with at least this cosine, or with the same words, are duplicates.
const SAME: f32 = 0.97;
/// Passages that share at least this much of their words, in any order, are duplicates.
const SAME_WORDS: f32 = 0.95;
/// How many nearest neighbours of a passage are compared with it.
const NEIGHBOURS: usize = 6;

/// Something in the knowledge that an editor would want to know.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LintFinding {
    // What was found. A doc comment would enter the OpenAPI document.
    #[allow(missing_docs)]
    #[serde(flatten)]
    pub what: LintFindingKind,
    /// The documents it is about: two of a pair, else one.
    pub document_ids: Vec<DocumentId>,
    /// The two chunks concerned.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub passages: Vec<String>,
    /// The finding in words.
    pub detail: String,
}

/// The finding.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum LintFindingKind {
    /// Two passages are duplicates.
    Duplicate {
        /// The cosine of the two passages' vectors, in [-1, 1].
        similarity: f32,
    },
    /// Two passages contradict each other; `decided` names the rule that decides, or a review is opened.
    Conflict {
        /// The contradiction between the passages.
        conflict: Conflict,
        /// The cosine of the two passages' vectors, in [-1, 1].
        similarity: f32,
        /// The rule that decides which passage is right; null, if none does.
        #[schema(value_type = Option<ConflictRule>)]
        decided: Option<&'static str>,
    },
    /// `valid_until` has passed.
    Expired,
    /// `review_by` has passed.
    ReviewDue,
    /// It references a document that does not exist.
    DeadReference,
}

/// Why knowledge could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum LintError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An index failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The encoder failed.
    #[error(transparent)]
    Embed(#[from] EmbedError),
}

/// Checks all knowledge of a workspace for duplicates, contradictions and expired content. Nothing is encoded: the
/// vectors are those of the index.
pub async fn lint(
    knowledge: Knowledge<'_>,
    workspace: &WorkspaceId,
) -> Result<Vec<LintFinding>, LintError> {
    let mut findings = states(knowledge, workspace).await?;
    let mut seen = HashSet::new();
    let mut after = 0;
    loop {
        let keys = knowledge.store.chunk_keys(workspace, after, 500).await?;
        let Some(last) = keys.last() else { break };
        after = *last;
        let entries = knowledge.store.chunks(workspace, &keys).await?;
        findings.extend(pairs(knowledge, workspace, &entries, &mut seen).await?);
    }
    for finding in &findings {
        if let LintFindingKind::Conflict {
            decided: None,
            conflict,
            ..
        } = &finding.what
        {
            let ids = [0, 1].map(|i| finding.document_ids[i].to_string());
            let passages = [0, 1].map(|i| finding.passages[i].clone());
            let review = conflict.review(&ids, &passages);
            knowledge.store.open_review(workspace, &review).await?;
        }
    }
    Ok(findings)
}

async fn states(
    knowledge: Knowledge<'_>,
    workspace: &WorkspaceId,
) -> Result<Vec<LintFinding>, StoreError> {
    let now = knowledge.store.now();
    let documents = knowledge.store.all_documents(workspace).await?;
    let ids: std::collections::HashSet<String> = documents
        .iter()
        .map(|document| document.id.to_string())
        .collect();
    let mut findings = Vec::new();
    for document in &documents {
        let about = &document.metadata;
        if about.status != DocumentStatus::Published {
            continue;
        }
        let mut find = |what: LintFindingKind, detail: String| {
            findings.push(LintFinding {
                what,
                document_ids: vec![document.id.clone()],
                passages: Vec::new(),
                detail,
            });
        };
        if let Some(until) = about.valid_until.filter(|until| *until <= now) {
            find(LintFindingKind::Expired, format!("expired at {until}"));
        }
        if let Some(by) = about.review_by.filter(|by| *by <= now) {
            find(
                LintFindingKind::ReviewDue,
                format!("review was due by {by}"),
            );
        }
        for other in about.related.iter().chain(&about.parent) {
            if !ids.contains(other) {
                find(
                    LintFindingKind::DeadReference,
                    format!("references {other:?}, which does not exist"),
                );
            }
        }
    }
    Ok(findings)
}

/// Compares each passage with its nearest neighbours.
async fn pairs(
    knowledge: Knowledge<'_>,
    workspace: &WorkspaceId,
    entries: &[IndexEntry],
    seen: &mut HashSet<(u32, u32)>,
) -> Result<Vec<LintFinding>, LintError> {
    let Some(index) = knowledge.indexes.find(workspace) else {
        return Ok(Vec::new());
    };
    let view = |entry: &IndexEntry| {
        entry
            .metadata
            .searchable(&entry.chunk.heading_path, &entry.chunk.text)
    };
    let hashes: Vec<String> = entries
        .iter()
        .map(|entry| text_hash(&view(entry)))
        .collect();
    let known = knowledge
        .store
        .cached_vectors(workspace, knowledge.embedder.id(), &hashes)
        .await?;
    let known: HashMap<String, Vec<f16>> = known.into_iter().collect();
    let searched: Vec<(u32, Vec<f32>)> = entries
        .iter()
        .zip(&hashes)
        .filter_map(|(entry, hash)| {
            let vector = known.get(hash)?.iter().map(|x| x.to_f32()).collect();
            Some((entry.chunk.key, vector))
        })
        .collect();
    let near = blocking(move || -> Result<Vec<(u32, u32, f32)>, IndexError> {
        // Including passages that are restricted, or valid at another time.
        let everything = Selection::default();
        let mut near: BTreeMap<(u32, u32), f32> = BTreeMap::new();
        for (key, vector) in searched {
            for hit in index.vectors.search(&vector, NEIGHBOURS, &everything)? {
                if hit.similarity >= NEAR && hit.key != key {
                    near.insert((key.min(hit.key), key.max(hit.key)), hit.similarity);
                }
            }
        }
        Ok(near
            .into_iter()
            .map(|((a, b), similarity)| (a, b, similarity))
            .collect())
    })
    .await?;
    let mut keys: Vec<u32> = near.iter().flat_map(|(a, b, _)| [*a, *b]).collect();
    keys.sort_unstable();
    keys.dedup();
    let loaded = knowledge.store.chunks(workspace, &keys).await?;
    let by_key: HashMap<u32, &IndexEntry> = loaded
        .iter()
        .map(|entry| (entry.chunk.key, entry))
        .collect();
    let mut findings = Vec::new();
    for (a, b, similarity) in near {
        if !seen.insert((a, b)) {
            continue;
        }
        if let (Some(a), Some(b)) = (by_key.get(&a), by_key.get(&b)) {
            findings.extend(judge(a, b, similarity));
        }
    }
    Ok(findings)
}

/// Returns a passage as a statement about its heading.
pub fn statement(entry: &IndexEntry) -> Statement<'_> {
    let title = entry
        .chunk
        .heading_path
        .last()
        .unwrap_or(&entry.metadata.title);
    Statement {
        title,
        text: &entry.chunk.text,
    }
}

fn judge(a: &IndexEntry, b: &IndexEntry, similarity: f32) -> Option<LintFinding> {
    let (of_a, of_b) = (&a.metadata, &b.metadata);
    // Answers of one FAQ for different channels or audiences differ on purpose.
    let apart = a.chunk.document_id == b.chunk.document_id
        || (!of_a.audience.is_empty()
            && !of_b.audience.is_empty()
            && of_a.audience != of_b.audience);
    if apart {
        return None;
    }
    let (first, second) = (statement(a), statement(b));
    let same_question = question_key(first.title) == question_key(second.title);
    let what = match contradiction(first, second, Some(similarity)) {
        Some(conflict) => LintFindingKind::Conflict {
            decided: decided_by(a, b),
            conflict,
            similarity,
        },
        None if similarity >= SAME || likeness(first, second) >= SAME_WORDS || same_question => {
            LintFindingKind::Duplicate { similarity }
        }
        None => return None,
    };
    let detail = match &what {
        LintFindingKind::Conflict { conflict, .. } => {
            conflict.describe(&[a.chunk.id(), b.chunk.id()])
        }
        _ => format!("{} duplicates {}", a.chunk.id(), b.chunk.id()),
    };
    Some(LintFinding {
        what,
        document_ids: vec![a.chunk.document_id.clone(), b.chunk.document_id.clone()],
        passages: vec![a.chunk.id(), b.chunk.id()],
        detail,
    })
}

fn decided_by(a: &IndexEntry, b: &IndexEntry) -> Option<&'static str> {
    let (_, rule) = ken_text::conflict::prevails(&a.authority(), &b.authority())?;
    Some(rule)
}
