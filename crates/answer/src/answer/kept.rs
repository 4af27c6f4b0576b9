//! Answers that were given, for as long as nothing they rest on has changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use quick_cache::sync::Cache;

use super::rules::Rules;
use super::{AnswerError, Answerer, Explained, Features, Question};
use ken_base::domain::Note;
use ken_base::domain::{
    Answer, Filter, QuestionText, Revision, Strategy, Timings, Tuning, WorkspaceId,
};

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
    cache: Option<Arc<Cache<Key, Arc<Kept>>>>,
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

/// What makes two questions one: every field of a question that can change its answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    workspace: WorkspaceId,
    text: QuestionText,
    filter: Filter,
    limit: usize,
    language: Option<String>,
    tuning: [Option<u32>; 3],
    ceiling: Strategy,
}

impl Key {
    /// `None` where an answer is for its moment alone. Questions with a history are not kept at all.
    fn of(workspace: &WorkspaceId, question: &Question) -> Option<Self> {
        // By name, so that a new field has to be decided about.
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
            ceiling: *ceiling,
        })
    }
}

impl Answerer {
    /// What an answer would rest on now; `None` where there is nothing to keep it for.
    pub(super) async fn basis(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<Option<Basis>, AnswerError> {
        // What a model says is not the same twice, and somebody may be listening.
        if self.kept.cache.is_none() || self.llm.is_some() {
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
        ken_text::text::forget_sentences();
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
        let kept = self
            .kept
            .cache
            .as_ref()?
            .get(&Key::of(workspace, question)?)?;
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
        // What is noted of the moment is not kept; that a list goes on is a matter of the text.
        let is_of_the_moment = |note: &Note| *note != Note::ListContinues;
        if explained.answer.notes.iter().any(is_of_the_moment) || !explained.reviews.is_empty() {
            return;
        }
        if let Some(key) = Key::of(workspace, question) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use ken_base::domain::{DocumentId, Kind};

    #[test]
    fn cache_keys_differ_when_any_question_field_differs() {
        let shop = WorkspaceId::parse("shop").unwrap();
        let asked = Question::parse("運費").unwrap();
        let with = |change: &dyn Fn(&mut Question)| {
            let mut question = asked.clone();
            change(&mut question);
            Key::of(&shop, &question)
        };
        let id = || DocumentId::parse("d").unwrap();
        let keys = [
            with(&|_| {}),
            with(&|q| q.text = QuestionText::parse("運費?").unwrap()),
            with(&|q| q.limit += 1),
            with(&|q| q.language = Some("en".into())),
            with(&|q| q.ceiling = Strategy::Standard),
            with(&|q| q.tuning.min_confidence = Some(0.5)),
            with(&|q| q.tuning.keyword_share = Some(0.5)),
            with(&|q| q.tuning.proximity_share = Some(0.5)),
            with(&|q| q.filter.audience.push("agent".into())),
            with(&|q| q.filter.audience.extend(["agent".into(), "vip".into()])),
            with(&|q| q.filter.audience.push("agent\", \"vip".into())),
            with(&|q| q.filter.channel = Some("line".into())),
            with(&|q| q.filter.tags.push("agent".into())),
            with(&|q| q.filter.languages.push("en".into())),
            with(&|q| q.filter.kinds.push(Kind::Faq)),
            with(&|q| q.filter.document_ids.push(id())),
            with(&|q| q.filter.without_documents.push(id())),
            Key::of(&WorkspaceId::parse("other").unwrap(), &asked),
        ];
        let distinct: std::collections::HashSet<&Key> = keys.iter().flatten().collect();
        assert_eq!(distinct.len(), keys.len());
        assert_eq!(
            with(&|q| q.filter.at = Some(jiff::Timestamp::UNIX_EPOCH)),
            None
        );
        assert_eq!(with(&|q| q.customer_id = Some("c".into())), with(&|_| {}));
    }
}
