//! Resolved support cases → reviewed knowledge: redact, store, distil, group, compare with the knowledge, draft,
//! review.
//!
//! A case is stored without personal data, which goes to the vault. Its sentences are classified by dialogue act
//! ([`distill`]). Cases on the same subject become one [`Draft`], which states its relation to the existing knowledge.
//! No draft answers questions before a person has approved it, unless the workspace publishes its class automatically
//! and the gate finds no broken question.

mod classify;
mod collision;
mod dialogue_acts;
mod distill;
mod draft_text;
mod generalize;
mod group;
mod grouping;
mod intake;
mod model;
mod review;

use std::sync::Arc;
use std::time::Duration;

use half::f16;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use ken_answer::answer::{AnswerError, Answerer};
use ken_answer::llm::Llm;
use ken_base::actor::{SERVICE, as_actor};
use ken_base::blocking::blocking;
use ken_base::config::LearnConfig;
use ken_base::domain::{
    Case, Distilled, Draft, DraftAction, DraftClass, DraftSource, DraftState, Feedback, Reviewer,
    WorkspaceId,
};
use ken_ingest::ingest::IngestError;
use ken_knowledge::editing::gate::Gate;
use ken_knowledge::editing::impact::{ImpactError, WhatIf};
use ken_search::embed::{EmbedError, Embedder};
use ken_search::vectors::{CachedEmbedder, VectorsError};
use ken_store::queue::{Handler, Policy, Waker, WorkFailure, WorkProgress};
use ken_store::store::{Store, StoreError, StoredCase, Vault};
use ken_text::redact::Redactor;
use ken_text::text::{detect, sha256_hex};

pub use collision::{Collision, CollisionReason, collisions};
pub use distill::distill;
pub use group::Groups;
use grouping::Groupings;
pub use intake::{CaseFault, MAX_TURN_CHARS, MAX_TURNS, SubmittedCase};
pub use review::{DraftDetails, DraftEdit, RankedDraft, ReviewError, ReviewedDraft};

/// Why cases could not be stored or distilled.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The encoder failed.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// A draft's question could not be answered for comparison.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The effect of a draft on other questions could not be computed.
    #[error(transparent)]
    Impact(#[from] ImpactError),
    /// A draft could not be turned into an FAQ.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// The vectors of questions or passages could not be loaded or computed.
    #[error(transparent)]
    Vectors(#[from] VectorsError),
    /// A redaction pattern of the workspace is not a valid regular expression.
    #[error("invalid redaction pattern in the workspace settings: {0}")]
    Pattern(#[from] ken_text::redact::PatternError),
}

/// Stores cases and makes drafts of them. Clones share everything.
#[derive(Clone)]
pub struct Cases {
    store: Store,
    vault: Vault,
    embedder: Embedder,
    vectors: CachedEmbedder,
    answerer: Answerer,
    what_if: WhatIf,
    gate: Gate,
    llm: Option<Llm>,
    config: LearnConfig,
    groupings: Groupings,
    /// Serializes storing and forgetting of cases. Lock it before a workspace's grouping.
    intake_lock: Arc<tokio::sync::Mutex<()>>,
    /// Wakes the queue that distils.
    waker: Waker,
    /// The number of batches distilled since the process started.
    done: watch::Sender<u64>,
}

/// A distilled case in its currently stored version.
struct DistilledCase<'a> {
    case: &'a Case,
    /// The draft that it was a source of before.
    draft_id: Option<String>,
    made: &'a Distilled,
    vector: &'a Vec<f32>,
}

/// Distilled cases with the drafts that they create or join, before they are stored.
struct BatchPlan {
    n_changes: u64,
    groups: Groups,
    /// Case id, distilled case, and the draft that it joins.
    cases: Vec<(String, Distilled, Option<String>)>,
    drafts: Vec<Draft>,
    /// Merged drafts: (from, into).
    moved: Vec<(String, String)>,
}

/// The least mean cosine of cases on the same subject; chosen on development data (docs/measured/learning.md).
const SAME_TOPIC: f32 = 0.87;
/// How many cases are distilled and encoded together.
const BATCH: i64 = 64;
/// How often a batch is grouped without the lock. If drafts change during each try, the next one holds the lock.
const MAX_TRIES: usize = 4;
/// Stored in place of an encoder's id, so that cases do not join these drafts.
const FROM_FEEDBACK: &str = "feedback";
/// How often to poll the store for cases that another process is distilling.
const POLL: Duration = Duration::from_secs(2);

/// The kind of the job that distils a workspace's waiting cases. One is enqueued with each submission.
pub const DISTIL: &str = "distil";

/// The payload of a [`DISTIL`] job: empty, since the store knows which cases wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct DistillPayload {}

impl Cases {
    /// Connects the parts. `what_if` also provides the store and the answerer. Without `llm`, cases are distilled by
    /// rules.
    pub fn new(
        vault: Vault,
        embedder: Embedder,
        what_if: WhatIf,
        gate: Gate,
        llm: Option<Llm>,
        config: LearnConfig,
        waker: Waker,
    ) -> Self {
        let store = what_if.store.clone();
        Self {
            vectors: CachedEmbedder::new(store.clone(), embedder.clone()),
            store,
            vault,
            embedder,
            answerer: what_if.answerer.clone(),
            what_if,
            gate,
            llm,
            config,
            groupings: Groupings::default(),
            intake_lock: Arc::default(),
            waker,
            done: watch::channel(0).0,
        }
    }

    /// The redactor with the workspace's own patterns. Fails if a pattern is invalid.
    pub async fn redactor(&self, workspace: &WorkspaceId) -> Result<Redactor, CaseError> {
        Ok(Redactor::new(&self.store.patterns(workspace).await?)?)
    }

    /// Waits until all cases of a workspace are distilled. Returns `false` if `patience` runs out before.
    pub async fn wait_for(
        &self,
        workspace: &WorkspaceId,
        patience: Duration,
    ) -> Result<bool, StoreError> {
        let mut done = self.done.subscribe();
        let distilled = async {
            while self.store.n_waiting_cases(workspace).await? > 0 {
                // If another process distils, only the store shows it.
                let _ = tokio::time::timeout(POLL, done.changed()).await;
            }
            Ok(())
        };
        match tokio::time::timeout(patience, distilled).await {
            Ok(outcome) => outcome.map(|()| true),
            Err(_) => Ok(false),
        }
    }

    /// Distils and groups all waiting cases of a workspace. Returns their number.
    pub async fn distill_all(&self, workspace: &WorkspaceId) -> Result<usize, CaseError> {
        let mut n = 0;
        loop {
            match self.next_batch(workspace).await? {
                0 => return Ok(n),
                n_taken => n += n_taken,
            }
        }
    }

    /// Distils and groups the oldest waiting cases of a workspace, at most `BATCH`. Returns their number.
    async fn next_batch(&self, workspace: &WorkspaceId) -> Result<usize, CaseError> {
        let cases = self.store.waiting_cases(workspace, BATCH).await?;
        let n = cases.len();
        if n > 0 {
            self.process_batch(workspace, cases).await?;
            self.done.send_modify(|n| *n += 1);
        }
        Ok(n)
    }

    /// Processes one batch: distil, encode, group, compare with the knowledge, store.
    async fn process_batch(
        &self,
        workspace: &WorkspaceId,
        cases: Vec<StoredCase>,
    ) -> Result<(), CaseError> {
        let mut distilled: Vec<(StoredCase, Distilled)> = Vec::with_capacity(cases.len());
        for case in cases {
            let made = self.distilled(&case.case).await;
            distilled.push((case, made));
        }
        let texts: Vec<[String; 2]> = distilled.iter().map(|(_, d)| group::texts(d)).collect();
        let vectors = self.vectors(texts).await?;
        let grouping = self.groupings.of(workspace);
        let mut n_tries = 0;
        let drafts = loop {
            n_tries += 1;
            let mut guard = grouping.lock().await;
            let mut plan = self
                .plan(workspace, &mut guard, &distilled, &vectors)
                .await?;
            // After too many conflicts, keep the lock so that other changes wait.
            let guard = (n_tries > MAX_TRIES).then_some(guard);
            for draft in plan
                .drafts
                .iter_mut()
                .filter(|draft| draft.state != DraftState::Merged)
            {
                self.rewrite_text(workspace, draft).await?;
            }
            let mut grouping = match guard {
                Some(guard) => guard,
                None => grouping.lock().await,
            };
            if grouping.n_changes() != plan.n_changes {
                continue;
            }
            let with_vectors: Vec<(Draft, Vec<f16>)> = plan
                .drafts
                .iter()
                .map(|draft| (draft.clone(), plan.groups.vector(&draft.id)))
                .collect();
            self.store
                .insert_distilled(
                    workspace,
                    self.embedder.id(),
                    &plan.cases,
                    &with_vectors,
                    &plan.moved,
                )
                .await?;
            grouping.changed();
            // If other processes also change drafts, the groups are loaded each time.
            grouping.groups = (!self.store.is_shared()).then_some(plan.groups);
            break plan.drafts;
        };
        self.groupings.retain(workspace);
        for draft in &drafts {
            self.publish_by_rule(workspace, draft).await?;
        }
        Ok(())
    }

    /// Plans which drafts the cases join. Takes the groups out of memory, since they are ahead of the store until the
    /// plan is stored.
    async fn plan(
        &self,
        workspace: &WorkspaceId,
        grouping: &mut grouping::Grouping,
        distilled: &[(StoredCase, Distilled)],
        vectors: &[Vec<f32>],
    ) -> Result<BatchPlan, CaseError> {
        // Cases that were changed or forgotten meanwhile are skipped. A changed case waits for its own batch.
        let ids: Vec<&str> = distilled
            .iter()
            .map(|(of, _)| of.case.id.as_str())
            .collect();
        let mut stored = self.store.stored_case_states(workspace, &ids).await?;
        let mut current: Vec<DistilledCase> = Vec::with_capacity(distilled.len());
        for ((of, made), vector) in distilled.iter().zip(vectors) {
            if let Some((hash, draft_id)) = stored.remove(&of.case.id)
                && hash == of.content_hash
            {
                current.push(DistilledCase {
                    case: &of.case,
                    draft_id,
                    made,
                    vector,
                });
            }
        }
        let mut groups = match grouping.groups.take() {
            Some(groups) => groups,
            None => {
                let vectors = self
                    .store
                    .draft_vectors(workspace, self.embedder.id())
                    .await?;
                Groups::new(vectors, SAME_TOPIC)
            }
        };
        let mut ids: Vec<String> = current
            .iter()
            .filter_map(|entry| entry.draft_id.clone())
            .collect();
        let mut joins: Vec<Option<String>> = Vec::with_capacity(current.len());
        for DistilledCase { made, vector, .. } in &current {
            // A case without a question has no subject.
            let id = (!made.question.is_empty()).then(|| groups.join(vector, group::figures(made)));
            ids.extend(id.clone());
            joins.push(id);
        }
        ids.sort_unstable();
        ids.dedup();
        let mut drafts: Vec<Draft> = self.store.drafts_by_id(workspace, &ids).await?;
        for (entry, id) in current.iter().zip(&joins) {
            if let Some(old) = &entry.draft_id {
                let before = drafts.iter_mut().find(|draft| draft.id == *old);
                before
                    .into_iter()
                    .for_each(|draft| draft.sources.retain(|source| source.id != entry.case.id));
            }
            let Some(id) = id else { continue };
            let at = match drafts.iter().position(|draft| draft.id == *id) {
                Some(at) => at,
                None => {
                    drafts.push(draft_text::empty(id));
                    drafts.len() - 1
                }
            };
            draft_text::add(&mut drafts[at], entry.case, entry.made);
        }
        let moved = self.merged(workspace, &mut groups, &mut drafts).await?;
        for (from, into) in &moved {
            for joined in joins.iter_mut().flatten().filter(|id| *id == from) {
                joined.clone_from(into);
            }
        }
        let cases = current
            .into_iter()
            .zip(joins)
            .map(|(entry, id)| (entry.case.id.clone(), entry.made.clone(), id));
        Ok(BatchPlan {
            n_changes: grouping.n_changes(),
            groups,
            cases: cases.collect(),
            drafts,
            moved,
        })
    }

    /// Rebuilds a draft from its sources. If the wording of an approved draft changes, it has to be approved again.
    /// Published, rejected and merged drafts stay unchanged.
    async fn rewrite_text(
        &self,
        workspace: &WorkspaceId,
        draft: &mut Draft,
    ) -> Result<(), CaseError> {
        if !matches!(draft.state, DraftState::Open | DraftState::Approved) {
            return Ok(());
        }
        let words = |draft: &Draft| {
            let Draft {
                question,
                answer,
                variants,
                ..
            } = draft;
            (question.clone(), answer.clone(), variants.clone())
        };
        let before = words(draft);
        draft_text::rebuild(draft);
        if draft.state == DraftState::Approved && before != words(draft) {
            draft.state = DraftState::Open;
            let at = self.store.now();
            review::note(draft, at, &Reviewer::rule(), DraftAction::Reopened, None);
        }
        if draft.state == DraftState::Open {
            self.classify(workspace, draft).await?;
        }
        Ok(())
    }

    /// Merges groups that have become similar, and moves the sources of their drafts. A draft that a person has decided
    /// about or edited is not merged into another. Returns (from, into) pairs.
    async fn merged(
        &self,
        workspace: &WorkspaceId,
        groups: &mut Groups,
        drafts: &mut Vec<Draft>,
    ) -> Result<Vec<(String, String)>, CaseError> {
        let touched: Vec<String> = drafts.iter().map(|draft| draft.id.clone()).collect();
        let free = |draft: &Draft| draft.state == DraftState::Open && !draft.is_edited;
        let fixed: std::collections::HashSet<String> = groups.fixed.clone();
        let known: std::collections::HashMap<String, bool> = drafts
            .iter()
            .map(|draft| (draft.id.clone(), free(draft)))
            .collect();
        let merged = groups.merge(&touched, |id| {
            known.get(id).copied().unwrap_or(!fixed.contains(id))
        });
        for (from, into) in &merged {
            for id in [from, into] {
                if !drafts.iter().any(|draft| draft.id == *id) {
                    drafts.extend(self.store.draft(workspace, id).await?);
                }
            }
            let mut moved = Vec::new();
            if let Some(small) = drafts.iter_mut().find(|draft| draft.id == *from) {
                moved.append(&mut small.sources);
                small.state = DraftState::Merged;
            }
            if let Some(large) = drafts.iter_mut().find(|draft| draft.id == *into) {
                if matches!(large.class, DraftClass::Gap { .. }) && moved.iter().any(|s| s.settles)
                {
                    large.class = DraftClass::New;
                }
                large.sources.append(&mut moved);
            }
        }
        Ok(merged)
    }

    async fn distilled(&self, case: &Case) -> Distilled {
        if let Some(llm) = &self.llm {
            match model::choose(llm, case).await {
                Ok(Some(made)) => return made,
                Ok(None) => tracing::warn!(
                    case = case.id,
                    "ignoring invalid sentence selection from language model"
                ),
                Err(error) => {
                    tracing::warn!(%error, "language model failed; distilling case without it")
                }
            }
        }
        distill(case)
    }

    /// The vectors of cases, each from its two texts ([`group::texts`]).
    async fn vectors(&self, texts: Vec<[String; 2]>) -> Result<Vec<Vec<f32>>, EmbedError> {
        let embedder = self.embedder.clone();
        let flat: Vec<String> = texts.into_iter().flatten().collect();
        let vectors = blocking(move || embedder.embed_passages(flat)).await?;
        Ok(vectors
            .chunks(2)
            .map(|two| group::joined(&two[0], &two[1]))
            .collect())
    }

    /// Forgets a case: its transcript, its personal data and its part in a draft. Returns `false` if there is no such
    /// case. A draft without sources is deleted, unless it was published: published knowledge stays, since a person
    /// approved it.
    pub async fn forget(&self, workspace: &WorkspaceId, id: &str) -> Result<bool, CaseError> {
        let _taking = self.intake_lock.lock().await;
        let grouping = self.groupings.of(workspace);
        loop {
            let Some(stored) = self.store.case(workspace, id).await? else {
                return Ok(false);
            };
            let before = match &stored.draft_id {
                Some(draft) => self.store.draft(workspace, draft).await?,
                None => None,
            };
            let mut draft = before.clone();
            if let Some(draft) = &mut draft {
                draft.sources.retain(|source| source.id != id);
                if !draft.sources.is_empty() {
                    self.rewrite_text(workspace, draft).await?;
                }
            }
            let mut grouping = grouping.lock().await;
            let now = self.store.case(workspace, id).await?;
            let now = now.and_then(|stored| stored.draft_id);
            let as_it_is = match &now {
                Some(draft) => self.store.draft(workspace, draft).await?,
                None => None,
            };
            if (now, as_it_is) != (stored.draft_id, before) {
                continue;
            }
            grouping.changed();
            self.vault.forget(workspace, id).await?;
            match draft {
                Some(draft) if draft.sources.is_empty() && draft.state != DraftState::Published => {
                    self.store.delete_draft(workspace, &draft.id).await?;
                }
                Some(draft) => self.store.update_drafts(workspace, &[&draft]).await?,
                None => {}
            }
            return Ok(self.store.delete_case(workspace, id).await?);
        }
    }

    /// Forgets cases older than `learn.keep_cases_days` and personal data older than `learn.keep_vault_days`. 0 keeps
    /// them forever.
    pub async fn forget_old(&self) -> Result<(), CaseError> {
        let before =
            |days: u32| self.store.now() - SignedDuration::from_hours(24 * i64::from(days));
        if self.config.keep_vault_days > 0 {
            self.vault
                .forget_before(before(self.config.keep_vault_days))
                .await?;
        }
        if self.config.keep_cases_days > 0 {
            let then: Timestamp = before(self.config.keep_cases_days);
            loop {
                let old = self.store.cases_before(then, 500).await?;
                if old.is_empty() {
                    break;
                }
                for (workspace, id) in old {
                    self.forget(&workspace, &id).await?;
                }
            }
        }
        Ok(())
    }

    /// Adds feedback to the draft for its document, kind of change and question, and creates the draft if needed. A
    /// decided draft stays unchanged. One person counts as one source. Returns the draft's id.
    pub async fn propose(
        &self,
        workspace: &WorkspaceId,
        class: DraftClass,
        feedback: &Feedback,
    ) -> Result<String, CaseError> {
        let grouping = self.groupings.of(workspace);
        let mut guard = grouping.lock().await;
        let about = class
            .document_id()
            .map_or(String::new(), ToString::to_string);
        let key = sha256_hex([
            class.name().as_bytes(),
            about.as_bytes(),
            feedback.question.as_bytes(),
        ]);
        let id = format!("draft_{}", &key[..32]);
        let known = self.store.draft(workspace, &id).await?;
        let mut draft = known.unwrap_or_else(|| Draft {
            class,
            question: feedback.question.clone(),
            language: detect(&feedback.question).tag().to_owned(),
            // One person's feedback, not confirmed by others yet.
            confidence: 0.5,
            is_edited: true,
            ..draft_text::empty(&id)
        });
        let who = feedback.customer.as_ref().unwrap_or(&feedback.answer_id);
        let source = format!("feedback/{who}");
        if !matches!(draft.state, DraftState::Open | DraftState::Approved)
            || draft.sources.iter().any(|known| known.id == source)
        {
            return Ok(id);
        }
        draft.sources.push(DraftSource {
            id: source,
            question: feedback.question.clone(),
            resolution: Vec::new(),
            steps: Vec::new(),
            agent: None,
            tags: Vec::new(),
            settles: false,
            values: Vec::new(),
        });
        guard.changed();
        self.store
            .put_draft(workspace, FROM_FEEDBACK, &draft, &[])
            .await?;
        drop(guard);
        self.publish_by_rule(workspace, &draft).await?;
        Ok(id)
    }

    /// Publishes a draft if the workspace publishes its class automatically and the gate finds no broken question.
    async fn publish_by_rule(
        &self,
        workspace: &WorkspaceId,
        draft: &Draft,
    ) -> Result<(), CaseError> {
        if !self.may_auto_publish(workspace, draft).await? {
            return Ok(());
        }
        match self.approve_by_rule(workspace, &draft.id).await {
            Ok(_) => {
                let detail =
                    serde_json::json!({ "class": draft.class.name(), "sources": draft.demand() });
                self.store
                    .audit(workspace, "rule", "draft.publish", &draft.id, &detail)
                    .await?;
            }
            Err(error) => {
                tracing::info!(draft = draft.id, %error, "draft not auto-published; left for manual review")
            }
        }
        Ok(())
    }

    /// Whether a rule of the workspace may publish a draft without review. Contradictions always need a person, and the
    /// four-eyes rule needs two.
    async fn may_auto_publish(
        &self,
        workspace: &WorkspaceId,
        draft: &Draft,
    ) -> Result<bool, StoreError> {
        let rules = self.store.learning(workspace).await?;
        let (is_publishable, needs_answer) = match draft.class {
            DraftClass::New | DraftClass::Update { .. } => (true, true),
            DraftClass::Variant { .. } | DraftClass::Negative { .. } => (true, false),
            DraftClass::Contradiction { .. }
            | DraftClass::Gap { .. }
            | DraftClass::Known { .. } => (false, true),
        };
        let is_sure = draft.disagreement.is_none() && !(needs_answer && draft.answer.is_empty());
        let class = draft.class.name();
        let passes = rules
            .auto_publish
            .iter()
            .any(|rule| rule.class == class && draft.demand() >= rule.min_sources);
        Ok(passes
            && is_publishable
            && is_sure
            && !rules.four_eyes
            && draft.state == DraftState::Open)
    }
}

/// Distils one batch of waiting cases per run, so that workspaces take turns.
impl Handler for Cases {
    type Payload = DistillPayload;
    const KIND: &'static str = DISTIL;

    fn policy(&self) -> Policy {
        Policy {
            max_concurrent: 1,
            serial: true,
            // About 16 hours: acknowledged cases wait while a disk is full.
            max_attempts: 100,
            timeout: Duration::from_secs(3_600),
            ..Policy::default()
        }
    }

    async fn run(
        &self,
        workspace: WorkspaceId,
        _all: DistillPayload,
        _stopped: watch::Receiver<bool>,
    ) -> Result<WorkProgress, WorkFailure> {
        // The caller who sent the cases is not the author of the drafts, so the service is the actor.
        match as_actor(SERVICE, self.next_batch(&workspace)).await {
            Ok(0) => Ok(WorkProgress::Done),
            Ok(_) => Ok(WorkProgress::More),
            Err(error) => Err(WorkFailure::Transient(error.to_string())),
        }
    }
}
