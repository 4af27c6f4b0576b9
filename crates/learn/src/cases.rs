//! Resolved support cases → reviewed knowledge: redact, keep, distil, group, compare with what is known, draft, review.
//!
//! A case is kept without personal data; what was taken out lies in the vault. Its sentences are sorted by what they do
//! ([`distill`]), cases about the same become one [`Draft`], and a draft says how it stands to what is known already. Nothing
//! of it answers anybody before a person has approved it, unless a workspace lets a class of drafts pass whose gate is clean.

mod acts;
mod collision;
mod distill;
mod general;
mod group;
mod grouping;
mod intake;
mod model;
mod relate;
mod review;
mod wording;

use std::sync::Arc;
use std::time::Duration;

use half::f16;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use ken_answer::answer::{AnswerError, Answerer};
use ken_answer::llm::Llm;
use ken_base::actor::{SERVICE, acting};
use ken_base::blocking::blocking;
use ken_base::config::LearnConfig;
use ken_base::domain::{
    Case, Distilled, Draft, DraftAction, DraftClass, DraftSource, DraftState, Feedback, Reviewer,
    WorkspaceId,
};
use ken_ingest::ingest::IngestError;
use ken_knowledge::editing::gate::Gate;
use ken_knowledge::editing::impact::{ImpactError, Trials};
use ken_search::embed::{EmbedError, Embedder};
use ken_search::vectors::{Vectors, VectorsError};
use ken_store::queue::{Failure, Handler, Policy, Progress, Waker};
use ken_store::store::{Store, StoreError, StoredCase, Vault};
use ken_text::redact::Redactor;
use ken_text::text::{detect, sha256_hex};

pub use collision::{Collision, CollisionReason, collisions};
pub use distill::distill;
pub use group::Groups;
use grouping::Groupings;
pub use intake::{CaseFault, Kept, MAX_TURN_CHARS, MAX_TURNS};
pub use review::{Details, Edit, Ranked, ReviewError, Reviewed};

/// Why cases were not kept or distilled.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Embed(#[from] EmbedError),
    #[error(transparent)]
    Answer(#[from] AnswerError),
    #[error(transparent)]
    Impact(#[from] ImpactError),
    #[error(transparent)]
    Ingest(#[from] IngestError),
    #[error(transparent)]
    Vectors(#[from] VectorsError),
    #[error("invalid redaction pattern in the workspace settings: {0}")]
    Pattern(#[from] ken_text::redact::PatternError),
}

/// Takes cases in and makes drafts of them. Clones share everything.
#[derive(Clone)]
pub struct Cases {
    store: Store,
    vault: Vault,
    embedder: Embedder,
    vectors: Vectors,
    answerer: Answerer,
    trials: Trials,
    gate: Gate,
    llm: Option<Llm>,
    config: LearnConfig,
    groupings: Groupings,
    /// One at a time takes cases in or forgets them; taken before a workspace's grouping.
    taking: Arc<tokio::sync::Mutex<()>>,
    /// Of the queue that distils.
    waker: Waker,
    /// How many cases have been distilled since the start.
    done: watch::Sender<u64>,
}

/// A distilled case as it is kept now.
struct Taken<'a> {
    case: &'a Case,
    /// The draft that it is a source of.
    draft_id: Option<String>,
    made: &'a Distilled,
    vector: &'a Vec<f32>,
}

/// Distilled cases with the drafts that they make or join, before they are recorded.
struct Plan {
    n_changes: u64,
    groups: Groups,
    /// With the draft that each joins.
    cases: Vec<(String, Distilled, Option<String>)>,
    drafts: Vec<Draft>,
    /// Drafts whose sources are another's now.
    moved: Vec<(String, String)>,
}

/// How alike two cases have to be to be about the same, as a mean cosine; read off development data (docs/measured/learning.md).
const SAME_TOPIC: f32 = 0.87;
/// How many cases are distilled and encoded together.
const BATCH: i64 = 64;
/// How often a batch is grouped anew because drafts were changed meanwhile, before changes wait for it.
const MAX_TRIES: usize = 4;
/// In place of an encoder's id: cases do not join these drafts.
const FROM_FEEDBACK: &str = "feedback";
/// How often the store is asked whether cases wait that another process distils.
const POLL: Duration = Duration::from_secs(2);

/// The kind of work that distils the cases of a workspace that wait. One is enqueued with each lot of cases that is taken in.
pub const DISTIL: &str = "distil";

/// What waits stands in the store, with the cases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Distilling {}

impl Cases {
    pub fn new(
        vault: Vault,
        embedder: Embedder,
        trials: Trials,
        gate: Gate,
        llm: Option<Llm>,
        config: LearnConfig,
        waker: Waker,
    ) -> Self {
        let store = trials.store.clone();
        Self {
            vectors: Vectors::new(store.clone(), embedder.clone()),
            store,
            vault,
            embedder,
            answerer: trials.answerer.clone(),
            trials,
            gate,
            llm,
            config,
            groupings: Groupings::default(),
            taking: Arc::default(),
            waker,
            done: watch::channel(0).0,
        }
    }

    /// What takes personal data out of a workspace's texts.
    pub async fn redactor(&self, workspace: &WorkspaceId) -> Result<Redactor, CaseError> {
        Ok(Redactor::new(&self.store.patterns(workspace).await?)?)
    }

    /// Waits until no case of a workspace waits any more; `false` where `patience` runs out before.
    pub async fn wait_for(
        &self,
        workspace: &WorkspaceId,
        patience: Duration,
    ) -> Result<bool, StoreError> {
        let mut done = self.done.subscribe();
        let distilled = async {
            while self.store.n_waiting_cases(workspace).await? > 0 {
                // Where another process distils, only the store says so.
                let _ = tokio::time::timeout(POLL, done.changed()).await;
            }
            Ok(())
        };
        match tokio::time::timeout(patience, distilled).await {
            Ok(outcome) => outcome.map(|()| true),
            Err(_) => Ok(false),
        }
    }

    /// Distils and groups every case of a workspace that waits. Returns how many there were.
    pub async fn work_off(&self, workspace: &WorkspaceId) -> Result<usize, CaseError> {
        let mut n = 0;
        loop {
            match self.next_batch(workspace).await? {
                0 => return Ok(n),
                n_taken => n += n_taken,
            }
        }
    }

    /// Distils and groups the oldest cases of a workspace that wait. Returns how many there were.
    async fn next_batch(&self, workspace: &WorkspaceId) -> Result<usize, CaseError> {
        let cases = self.store.waiting_cases(workspace, BATCH).await?;
        let n = cases.len();
        if n > 0 {
            self.take(workspace, cases).await?;
            self.done.send_modify(|n| *n += 1);
        }
        Ok(n)
    }

    /// One batch: distil, encode, group, compare with what is known, record.
    async fn take(&self, workspace: &WorkspaceId, cases: Vec<StoredCase>) -> Result<(), CaseError> {
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
            let mut held = grouping.lock().await;
            let mut plan = self
                .plan(workspace, &mut held, &distilled, &vectors)
                .await?;
            // Where drafts change all the time, they have to wait for once.
            let held = (n_tries > MAX_TRIES).then_some(held);
            for draft in plan
                .drafts
                .iter_mut()
                .filter(|draft| draft.state != DraftState::Merged)
            {
                self.reword(workspace, draft).await?;
            }
            let mut grouping = match held {
                Some(held) => held,
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
                .keep_distilled(
                    workspace,
                    self.embedder.id(),
                    &plan.cases,
                    &with_vectors,
                    &plan.moved,
                )
                .await?;
            grouping.changed();
            // Where others decide about drafts, too, they are read each time.
            grouping.groups = (!self.store.is_shared()).then_some(plan.groups);
            break plan.drafts;
        };
        self.groupings.keep_only(workspace);
        for draft in &drafts {
            self.publish_by_rule(workspace, draft).await?;
        }
        Ok(())
    }

    /// Which drafts the cases join. The groups in memory are taken out: until all is recorded they are ahead of the store.
    async fn plan(
        &self,
        workspace: &WorkspaceId,
        grouping: &mut grouping::Grouping,
        distilled: &[(StoredCase, Distilled)],
        vectors: &[Vec<f32>],
    ) -> Result<Plan, CaseError> {
        // What was changed or forgotten meanwhile does not count; changed, it waits.
        let ids: Vec<&str> = distilled
            .iter()
            .map(|(of, _)| of.case.id.as_str())
            .collect();
        let mut kept = self.store.cases_as_kept(workspace, &ids).await?;
        let mut current: Vec<Taken> = Vec::with_capacity(distilled.len());
        for ((of, made), vector) in distilled.iter().zip(vectors) {
            if let Some((hash, draft_id)) = kept.remove(&of.case.id)
                && hash == of.content_hash
            {
                current.push(Taken {
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
            .filter_map(|taken| taken.draft_id.clone())
            .collect();
        let mut joins: Vec<Option<String>> = Vec::with_capacity(current.len());
        for Taken { made, vector, .. } in &current {
            // What asks nothing is about nothing.
            let id = (!made.question.is_empty()).then(|| groups.join(vector, group::figures(made)));
            ids.extend(id.clone());
            joins.push(id);
        }
        ids.sort_unstable();
        ids.dedup();
        let mut drafts: Vec<Draft> = self.store.drafts_by_id(workspace, &ids).await?;
        for (taken, id) in current.iter().zip(&joins) {
            if let Some(old) = &taken.draft_id {
                let before = drafts.iter_mut().find(|draft| draft.id == *old);
                before
                    .into_iter()
                    .for_each(|draft| draft.sources.retain(|source| source.id != taken.case.id));
            }
            let Some(id) = id else { continue };
            let at = match drafts.iter().position(|draft| draft.id == *id) {
                Some(at) => at,
                None => {
                    drafts.push(wording::empty(id));
                    drafts.len() - 1
                }
            };
            wording::add(&mut drafts[at], taken.case, taken.made);
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
            .map(|(taken, id)| (taken.case.id.clone(), taken.made.clone(), id));
        Ok(Plan {
            n_changes: grouping.n_changes(),
            groups,
            cases: cases.collect(),
            drafts,
            moved,
        })
    }

    /// Words a draft anew from its sources. What was approved in other words waits for approval again; what is decided stays
    /// as it was decided.
    async fn reword(&self, workspace: &WorkspaceId, draft: &mut Draft) -> Result<(), CaseError> {
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
        wording::rebuild(draft);
        if draft.state == DraftState::Approved && before != words(draft) {
            draft.state = DraftState::Open;
            let at = self.store.now();
            review::note(draft, at, &Reviewer::rule(), DraftAction::Reopened, None);
        }
        if draft.state == DraftState::Open {
            self.relate(workspace, draft).await?;
        }
        Ok(())
    }

    /// Merges groups that have grown together; their drafts' sources move. A draft that somebody has decided about or worded
    /// stays what it is.
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
            let mut taken = Vec::new();
            if let Some(small) = drafts.iter_mut().find(|draft| draft.id == *from) {
                taken.append(&mut small.sources);
                small.state = DraftState::Merged;
            }
            if let Some(large) = drafts.iter_mut().find(|draft| draft.id == *into) {
                if matches!(large.class, DraftClass::Gap { .. }) && taken.iter().any(|s| s.settles)
                {
                    large.class = DraftClass::New;
                }
                large.sources.append(&mut taken);
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

    /// The vectors of cases, by what was asked and what was said.
    async fn vectors(&self, texts: Vec<[String; 2]>) -> Result<Vec<Vec<f32>>, EmbedError> {
        let embedder = self.embedder.clone();
        let flat: Vec<String> = texts.into_iter().flatten().collect();
        let vectors = blocking(move || embedder.embed_passages(flat)).await?;
        Ok(vectors
            .chunks(2)
            .map(|two| group::joined(&two[0], &two[1]))
            .collect())
    }

    /// Forgets a case: its transcript, what was taken out of it, its part in a draft. A draft that has no source left and
    /// was not published goes too; what was published stays, for a person has made it the company's.
    pub async fn forget(&self, workspace: &WorkspaceId, id: &str) -> Result<bool, CaseError> {
        let _taking = self.taking.lock().await;
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
                    self.reword(workspace, draft).await?;
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

    /// Forgets cases, and what was taken out of them, that are past their time.
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

    /// Adds a wording to a draft of feedback: one draft a document and kind of change.
    pub async fn propose(
        &self,
        workspace: &WorkspaceId,
        class: DraftClass,
        feedback: &Feedback,
    ) -> Result<String, CaseError> {
        let grouping = self.groupings.of(workspace);
        let mut held = grouping.lock().await;
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
            // A person's word, with nothing said for it yet.
            confidence: 0.5,
            is_edited: true,
            ..wording::empty(&id)
        });
        // One person is one source, whatever they say.
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
        held.changed();
        self.store
            .put_draft(workspace, FROM_FEEDBACK, &draft, &[])
            .await?;
        drop(held);
        self.publish_by_rule(workspace, &draft).await?;
        Ok(id)
    }

    /// Publishes a draft of a class that the workspace lets pass unreviewed, where its gate is clean.
    async fn publish_by_rule(
        &self,
        workspace: &WorkspaceId,
        draft: &Draft,
    ) -> Result<(), CaseError> {
        if !self.may_pass(workspace, draft).await? {
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

    /// Whether a rule of the workspace lets a draft pass unreviewed. What contradicts what is known is a person's to decide,
    /// and four eyes are two people's.
    async fn may_pass(&self, workspace: &WorkspaceId, draft: &Draft) -> Result<bool, StoreError> {
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

/// Distils the cases of a workspace that wait, a batch a run, so that workspaces take turns.
impl Handler for Cases {
    type Payload = Distilling;
    const KIND: &'static str = DISTIL;

    fn policy(&self) -> Policy {
        Policy {
            at_once: 1,
            in_order: true,
            // Some 16 hours: what was acknowledged waits for a disk that is full.
            max_attempts: 100,
            timeout: Duration::from_secs(3_600),
            ..Policy::default()
        }
    }

    async fn run(
        &self,
        workspace: WorkspaceId,
        _all: Distilling,
        _stopped: watch::Receiver<bool>,
    ) -> Result<Progress, Failure> {
        // Whoever sent the cases did not make the drafts, and publishes none.
        match acting(SERVICE, self.next_batch(&workspace)).await {
            Ok(0) => Ok(Progress::Done),
            Ok(_) => Ok(Progress::More),
            Err(error) => Err(Failure::Passing(error.to_string())),
        }
    }
}
