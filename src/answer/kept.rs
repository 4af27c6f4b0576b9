//! Answers that were given, for as long as nothing they rest on has changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use quick_cache::sync::Cache;

use super::rules::Rules;
use super::{AnswerError, Answerer, Explained, Features, Question};
use crate::domain::{Answer, Revision, Timings, WorkspaceId};

/// All that an answer rests on besides the question. What is decided otherwise has another of these.
#[derive(Clone)]
pub struct Basis {
    /// When the workspace was made: one of the same name may have come after it.
    made_at: i64,
    /// Of the store, of words and of vectors.
    revisions: (Revision, Revision, Revision),
    synonyms: i64,
    rules: Arc<Rules>,
    /// The second, where the workspace holds anything that is for some, or for some time.
    second: Option<i64>,
}

impl PartialEq for Basis {
    fn eq(&self, other: &Self) -> bool {
        self.made_at == other.made_at
            && self.revisions == other.revisions
            && self.synonyms == other.synonyms
            && self.second == other.second
            && (Arc::ptr_eq(&self.rules, &other.rules) || self.rules == other.rules)
    }
}

/// An answer without what it was found by, which only what is asked for the first time needs.
struct Kept {
    basis: Basis,
    answer: Answer,
    features: Features,
    trace: Arc<str>,
}

/// Shared by clones.
#[derive(Clone)]
pub struct KeptAnswers {
    cache: Option<Arc<Cache<String, Arc<Kept>>>>,
    n_given: Arc<AtomicU64>,
}

impl KeptAnswers {
    /// Keeps so many; none where 0.
    pub fn new(most: usize) -> Self {
        Self {
            cache: (most > 0).then(|| Arc::new(Cache::new(most))),
            n_given: Arc::default(),
        }
    }
}

/// What makes two questions one; `None` where an answer is for its moment alone.
fn key(workspace: &WorkspaceId, question: &Question) -> Option<String> {
    let Question {
        text,
        filter,
        limit,
        language,
        tuning,
        ceiling,
        conversation_id: _,
        customer_id: _,
        history: _,
        idempotency_key: _,
        deadline: _,
    } = question;
    let is_of_now = filter.at.is_none();
    is_of_now.then(|| {
        format!("{workspace} {limit} {language:?} {tuning:?} {ceiling:?} {filter:?} {text}")
    })
}

impl Answerer {
    /// What an answer would rest on now; `None` where there is nothing to keep it for.
    pub(super) async fn basis(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<Option<Basis>, AnswerError> {
        // What a model says is not the same twice, and somebody may be listening.
        // Whether a reranker had the time to look depends on the moment, too.
        let is_of_the_moment = self.llm.is_some() || self.retriever.has_reranker();
        if self.kept.cache.is_none() || is_of_the_moment {
            return Ok(None);
        }
        let Some(index) = self.retriever.index_of(workspace) else {
            return Ok(None);
        };
        let glossary = self.retriever.glossary();
        let synonyms = glossary.version(workspace).await?;
        let rules = self.rules.of(workspace).await?;
        let indexed = (index.keyword.revision(), index.vectors.revision());
        let (made_at, stored) = self.store.made_at_and_revision(workspace).await?;
        let is_passing = index.keyword.has_restricted();
        Ok(Some(Basis {
            made_at,
            revisions: (stored, indexed.0, indexed.1),
            synonyms,
            rules,
            second: is_passing.then(|| self.store.now().as_second()),
        }))
    }

    /// Forgets all that is kept, of whomever.
    pub(super) fn forget_kept(&self) {
        crate::text::forget_sentences();
        if let Some(cache) = &self.kept.cache {
            cache.clear();
        }
    }

    /// How often an answer was given again.
    pub fn n_kept(&self) -> u64 {
        self.kept.n_given.load(Ordering::Relaxed)
    }

    /// The answer that was given to the same question on the same basis.
    pub(super) fn kept(
        &self,
        workspace: &WorkspaceId,
        question: &Question,
        basis: &Basis,
    ) -> Option<Explained> {
        let start = Instant::now();
        let kept = self.kept.cache.as_ref()?.get(&key(workspace, question)?)?;
        if kept.basis != *basis {
            return None;
        }
        self.kept.n_given.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("ken_answers_kept_total").increment(1);
        let mut answer = kept.answer.clone();
        answer.conversation_id.clone_from(&question.conversation_id);
        answer.timings_ms = Timings {
            total: super::elapsed_ms(start),
            ..Timings::default()
        };
        Some(Explained {
            answer,
            evidence: Vec::new(),
            features: kept.features,
            reviews: Vec::new(),
            trace: kept.trace.clone(),
        })
    }

    /// Keeps an answer, unless something was away or it took too long to say all.
    pub(super) fn keep(
        &self,
        workspace: &WorkspaceId,
        question: &Question,
        basis: Basis,
        explained: &Explained,
    ) {
        let Some(cache) = &self.kept.cache else {
            return;
        };
        if !explained.answer.notes.is_empty() || !explained.reviews.is_empty() {
            return;
        }
        if let Some(key) = key(workspace, question) {
            let kept = Kept {
                basis,
                answer: explained.answer.clone(),
                features: explained.features,
                trace: explained.trace.clone(),
            };
            cache.insert(key, Arc::new(kept));
        }
    }
}
