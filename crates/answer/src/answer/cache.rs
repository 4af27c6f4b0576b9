//! The answer cache. An entry is valid as long as everything it depends on is unchanged.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use quick_cache::sync::Cache;

use super::settings::AnswerSettings;
use super::{AnswerError, Answerer, ExplainedAnswer, Features, Question};
use ken_base::domain::Note;
use ken_base::domain::{
    Answer, Filter, Level, QuestionText, Revision, Strategy, Timings, Tuning, WorkspaceId,
};

/// The fingerprint of everything that an answer depends on besides the question. An answer that could be different has
/// another fingerprint.
#[derive(Clone)]
pub struct Fingerprint {
    /// Creation time of the workspace: a later one may have the same name.
    created_at: i64,
    /// Revisions of the store, of the keyword index and of the vectors.
    revisions: (Revision, Revision, Revision),
    synonyms: i64,
    settings: Arc<AnswerSettings>,
    /// The current second, if the workspace contains restricted documents, whose visibility depends on time.
    second: Option<i64>,
}

impl PartialEq for Fingerprint {
    fn eq(&self, other: &Self) -> bool {
        self.created_at == other.created_at
            && self.revisions == other.revisions
            && self.synonyms == other.synonyms
            && self.second == other.second
            && (Arc::ptr_eq(&self.settings, &other.settings) || self.settings == other.settings)
    }
}

/// A cached answer, without the search details that only its first request needs.
struct CachedAnswer {
    fingerprint: Fingerprint,
    answer: Answer,
    features: Features,
    trace: Arc<str>,
}

/// The answer cache. Clones share it.
#[derive(Clone)]
pub struct AnswerCache {
    entries: Option<Arc<Cache<CacheKey, Arc<CachedAnswer>>>>,
    n_hits: Arc<AtomicU64>,
}

impl AnswerCache {
    /// Creates a cache for up to `most` answers; 0 disables it.
    pub fn new(most: usize) -> Self {
        Self {
            entries: (most > 0).then(|| Arc::new(Cache::new(most))),
            n_hits: Arc::default(),
        }
    }
}

/// The cache key: every field of a question that can change its answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct CacheKey {
    workspace: WorkspaceId,
    text: QuestionText,
    filter: Filter,
    limit: usize,
    language: Option<String>,
    tuning: [Option<u32>; 3],
    level: Option<Level>,
    ceiling: Strategy,
}

impl CacheKey {
    /// Returns `None` for a question about a given time. Questions with a history are never cached.
    fn of(workspace: &WorkspaceId, question: &Question) -> Option<Self> {
        // Destructured, so that a new field has to be considered here.
        let Question {
            text,
            filter,
            limit,
            language,
            tuning,
            level,
            ceiling,
            conversation_id: _,
            customer_id: _,
            history: _,
            n_unrecorded: _,
            idempotency_key: _,
            deadline: _,
        } = question;
        let Tuning {
            keyword_share,
            proximity_share,
            min_confidence,
        } = tuning;
        let bits = |value: &Option<f32>| value.map(f32::to_bits);
        filter.at.is_none().then(|| Self {
            workspace: workspace.clone(),
            text: text.clone(),
            filter: filter.clone(),
            limit: *limit,
            language: language.clone(),
            tuning: [
                bits(keyword_share),
                bits(proximity_share),
                bits(min_confidence),
            ],
            level: *level,
            ceiling: *ceiling,
        })
    }
}

impl Answerer {
    /// Returns the current fingerprint of a workspace; `None` if answers are not cached.
    pub(super) async fn fingerprint(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<Option<Fingerprint>, AnswerError> {
        // A model's text differs each time, and a listener may be waiting for its events.
        if self.cache.entries.is_none() || self.llm.is_some() {
            return Ok(None);
        }
        let Some(index) = self.retriever.index_of(workspace) else {
            return Ok(None);
        };
        let glossary = self.retriever.glossary();
        let synonyms = glossary.version(workspace).await?;
        let settings = self.settings.of(workspace).await?;
        let indexed = (index.keyword.revision(), index.vectors.revision());
        let (created_at, stored) = self.store.created_at_and_revision(workspace).await?;
        let is_passing = index.keyword.has_restricted();
        Ok(Some(Fingerprint {
            created_at,
            revisions: (stored, indexed.0, indexed.1),
            synonyms,
            settings,
            second: is_passing.then(|| self.store.now().as_second()),
        }))
    }

    /// Clears the cache of all workspaces.
    pub(super) fn clear_cache(&self) {
        ken_text::text::clear_sentence_cache();
        if let Some(cache) = &self.cache.entries {
            cache.clear();
        }
    }

    /// Returns the number of cache hits.
    pub fn n_cache_hits(&self) -> u64 {
        self.cache.n_hits.load(Ordering::Relaxed)
    }

    /// Returns the cached answer to the same question with the same fingerprint.
    pub(super) fn cached(
        &self,
        workspace: &WorkspaceId,
        question: &Question,
        fingerprint: &Fingerprint,
    ) -> Option<ExplainedAnswer> {
        let start = Instant::now();
        let cached = self
            .cache
            .entries
            .as_ref()?
            .get(&CacheKey::of(workspace, question)?)?;
        if cached.fingerprint != *fingerprint {
            return None;
        }
        self.cache.n_hits.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("ken_answer_cache_hits_total").increment(1);
        let mut answer = cached.answer.clone();
        answer.conversation_id.clone_from(&question.conversation_id);
        answer.timings_ms = Timings {
            total: super::elapsed_ms(start),
            ..Timings::default()
        };
        Some(ExplainedAnswer {
            answer,
            evidence: Vec::new(),
            features: cached.features,
            reviews: Vec::new(),
            trace: cached.trace.clone(),
        })
    }

    /// Caches an answer, unless a part was unavailable or the time limit cut it short.
    pub(super) fn cache_answer(
        &self,
        workspace: &WorkspaceId,
        question: &Question,
        fingerprint: Fingerprint,
        explained: &ExplainedAnswer,
    ) {
        let Some(cache) = &self.cache.entries else {
            return;
        };
        // Notes about the moment prevent caching. That a list continues depends on the text only.
        let is_of_the_moment = |note: &Note| *note != Note::ListContinues;
        if explained.answer.notes.iter().any(is_of_the_moment) || !explained.reviews.is_empty() {
            return;
        }
        if let Some(key) = CacheKey::of(workspace, question) {
            let cached = CachedAnswer {
                fingerprint,
                answer: explained.answer.clone(),
                features: explained.features,
                trace: explained.trace.clone(),
            };
            cache.insert(key, Arc::new(cached));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ken_base::domain::{DocumentId, DocumentKind};

    #[test]
    fn cache_keys_differ_when_any_question_field_differs() {
        let shop = WorkspaceId::parse("shop").unwrap();
        let asked = Question::parse("運費").unwrap();
        let with = |change: &dyn Fn(&mut Question)| {
            let mut question = asked.clone();
            change(&mut question);
            CacheKey::of(&shop, &question)
        };
        let id = || DocumentId::parse("d").unwrap();
        let keys = [
            with(&|_| {}),
            with(&|q| q.text = QuestionText::parse("運費?").unwrap()),
            with(&|q| q.limit += 1),
            with(&|q| q.language = Some("en".into())),
            with(&|q| q.ceiling = Strategy::Standard),
            with(&|q| q.tuning.min_confidence = Some(0.5)),
            with(&|q| q.level = Some(Level::Balanced)),
            with(&|q| q.level = Some(Level::Strict)),
            with(&|q| q.tuning.keyword_share = Some(0.5)),
            with(&|q| q.tuning.proximity_share = Some(0.5)),
            with(&|q| q.filter.audience.push("agent".into())),
            with(&|q| q.filter.audience.extend(["agent".into(), "vip".into()])),
            with(&|q| q.filter.audience.push("agent\", \"vip".into())),
            with(&|q| q.filter.channel = Some("line".into())),
            with(&|q| q.filter.tags.push("agent".into())),
            with(&|q| q.filter.languages.push("en".into())),
            with(&|q| q.filter.kinds.push(DocumentKind::Faq)),
            with(&|q| q.filter.document_ids.push(id())),
            with(&|q| q.filter.without_documents.push(id())),
            CacheKey::of(&WorkspaceId::parse("other").unwrap(), &asked),
        ];
        let distinct: std::collections::HashSet<&CacheKey> = keys.iter().flatten().collect();
        assert_eq!(distinct.len(), keys.len());
        assert_eq!(
            with(&|q| q.filter.at = Some(jiff::Timestamp::UNIX_EPOCH)),
            None
        );
        assert_eq!(with(&|q| q.customer_id = Some("c".into())), with(&|_| {}));
    }
}
