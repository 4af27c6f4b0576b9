//! Reviews drafts: the queue by rank, the effects of a draft, and a person's decisions.

mod details;
mod draft_ranking;

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Serialize;

use super::{CaseError, Cases, Collision, collisions, draft_text};
use draft_ranking::DraftRanking;
use ken_base::domain::{
    DocumentKind, Draft, DraftAction, DraftClass, DraftEvent, DraftState, FaqAnswer, Reviewer,
    Source, WorkspaceId,
};
use ken_ingest::ingest::faq::{FaqRow, question_key};
use ken_knowledge::editing::gate::{Breaking, CheckedWrites, GateError};
use ken_knowledge::editing::impact::AlteredAnswer;
use ken_store::store::{StoreError, Write};
use ken_text::redact::has_placeholder;
use utoipa::ToSchema;

pub use details::DraftDetails;

/// Why a decision about a draft failed.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// No draft has this id.
    #[error("draft {0} not found")]
    NotFound(String),
    /// The draft's state does not allow the decision; the text says why.
    #[error("{0}")]
    State(Cow<'static, str>),
    /// Missing or invalid fields: JSON pointer and fault.
    #[error("the draft is incomplete")]
    Incomplete(Vec<(&'static str, String)>),
    /// The judged questions that the draft would break.
    #[error("judged questions would break")]
    WouldBreak(Vec<AlteredAnswer>),
    /// The collisions of the draft's wordings.
    #[error("wording belongs to another FAQ")]
    Collides(Vec<Collision>),
    /// The reviewer who already approved or edited the draft; the four-eyes rule needs another one.
    #[error("{0} already approved this draft; a second reviewer must approve")]
    SameReviewer(String),
    /// Comparing or storing the draft failed.
    #[error(transparent)]
    Case(#[from] CaseError),
}

impl From<StoreError> for ReviewError {
    fn from(error: StoreError) -> Self {
        ReviewError::Case(error.into())
    }
}

/// A person's changes to a draft. `None` leaves a field unchanged.
#[derive(Debug, Clone, Default)]
pub struct DraftEdit {
    /// The new question.
    pub question: Option<String>,
    /// The new answer.
    pub answer: Option<String>,
    /// The new variants of the question; they replace all former ones.
    pub variants: Option<Vec<String>>,
    /// The new tags; they replace all former ones.
    pub tags: Option<Vec<String>>,
}

/// A draft with its place in the queue.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RankedDraft {
    /// Demand × confidence × approval rate of similar drafts.
    pub rank: f64,
    /// How many cases or customers asked the question.
    pub demand: usize,
    #[serde(flatten)]
    #[expect(
        missing_docs,
        reason = "a description would change the OpenAPI document"
    )]
    pub draft: Draft,
}

/// Effect of a decision.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReviewedDraft {
    /// The draft after the decision.
    pub draft: Draft,
    /// Revision of the written document, if any.
    pub revision: Option<i64>,
}

/// How often a decision is tried again because the draft changed meanwhile.
const MAX_TRIES: usize = 5;
const CONTENDED: ReviewError = ReviewError::State(Cow::Borrowed(
    "the draft is being changed concurrently; retry",
));
/// How many published and how many rejected drafts the ranking learns from, the newest.
const RANKED_BY: i64 = 1_000;
impl Cases {
    /// Returns the drafts in a state, by descending rank, at most `limit`. `class`: one class, or `all`. Without a
    /// class, open drafts of the classes `gap` and `known` are left out.
    pub async fn queue(
        &self,
        workspace: &WorkspaceId,
        state: DraftState,
        class: Option<&str>,
        limit: usize,
    ) -> Result<Vec<RankedDraft>, CaseError> {
        let drafts = self.store.drafts(workspace, state, 10_000).await?;
        let ranking = self.draft_ranking(workspace).await?;
        let is_wanted = |draft: &Draft| match class {
            Some("all") => true,
            Some(class) => draft.class.name() == class,
            None => {
                state != DraftState::Open
                    || !matches!(
                        draft.class,
                        DraftClass::Gap { .. } | DraftClass::Known { .. }
                    )
            }
        };
        let mut ranked: Vec<RankedDraft> = drafts
            .into_iter()
            .filter(is_wanted)
            .map(|draft| RankedDraft {
                rank: ranking.rank(&draft),
                demand: draft.demand(),
                draft,
            })
            .collect();
        ranked.sort_by(|a, b| {
            b.rank
                .total_cmp(&a.rank)
                .then_with(|| a.draft.id.cmp(&b.draft.id))
        });
        ranked.truncate(limit);
        Ok(ranked)
    }

    async fn draft_ranking(&self, workspace: &WorkspaceId) -> Result<DraftRanking, StoreError> {
        let mut ranking = DraftRanking::default();
        for (state, approved) in [(DraftState::Published, true), (DraftState::Rejected, false)] {
            for draft in self.store.drafts(workspace, state, RANKED_BY).await? {
                ranking.learn(&draft, approved);
            }
        }
        Ok(ranking)
    }

    async fn found(&self, workspace: &WorkspaceId, id: &str) -> Result<Draft, ReviewError> {
        let draft = self.store.draft(workspace, id).await?;
        draft.ok_or_else(|| ReviewError::NotFound(id.to_owned()))
    }

    async fn open(&self, workspace: &WorkspaceId, id: &str) -> Result<Draft, ReviewError> {
        let draft = self.found(workspace, id).await?;
        match draft.state {
            DraftState::Open | DraftState::Approved => Ok(draft),
            other => Err(ReviewError::State(
                format!("the draft is already {}", other.as_str()).into(),
            )),
        }
    }

    /// The document that an approval writes, and the wordings that are new in it; `None` if there is nothing to write.
    async fn as_published(
        &self,
        workspace: &WorkspaceId,
        draft: &Draft,
    ) -> Result<Option<(Source, Vec<String>)>, ReviewError> {
        let mut faults = Vec::new();
        let mut wants_text = |field: &'static str, text: &str, needed: bool| {
            if needed && text.trim().is_empty() {
                faults.push((
                    field,
                    "expected text, found none; add it with :edit".to_owned(),
                ));
            }
            if has_placeholder(text) || text.contains('[') && is_blank(text) {
                faults.push((
                    field,
                    "contains a placeholder for customer data; generalize the text with :edit"
                        .to_owned(),
                ));
            }
        };
        let is_negative = matches!(draft.class, DraftClass::Negative { .. });
        let is_variant = matches!(draft.class, DraftClass::Variant { .. });
        wants_text("/question", &draft.question, true);
        wants_text("/answer", &draft.answer, !is_negative && !is_variant);
        if !faults.is_empty() {
            return Err(ReviewError::Incomplete(faults));
        }
        if matches!(draft.class, DraftClass::Known { .. }) && !draft.is_edited {
            return Ok(None);
        }
        let known = match draft.class.document_id() {
            Some(id) => self.store.document(workspace, id, None).await?,
            None => None,
        };
        let wordings = || {
            std::iter::once(&draft.question)
                .chain(&draft.variants)
                .cloned()
        };
        let ingest = |e: ken_ingest::ingest::IngestError| ReviewError::Case(e.into());
        if known.is_none() && (is_negative || is_variant) {
            let fault = "the FAQ no longer exists; reject the draft";
            return Err(ReviewError::Incomplete(vec![(
                "/document_id",
                fault.to_owned(),
            )]));
        }
        if let Some(document) = known.filter(|document| document.metadata.kind == DocumentKind::Faq)
        {
            let mut faq = FaqRow::of_document(&document);
            if is_negative {
                let own = faq.variants.iter().chain([&faq.question]);
                if own
                    .into_iter()
                    .any(|q| question_key(q) == question_key(&draft.question))
                {
                    let fault = "is a wording of the FAQ; remove it from the FAQ first";
                    return Err(ReviewError::Incomplete(vec![(
                        "/question",
                        fault.to_owned(),
                    )]));
                }
                faq.negatives.push(draft.question.clone());
                return Ok(Some((faq.into_source().map_err(ingest)?, Vec::new())));
            }
            let mut asked: Vec<String> = faq
                .variants
                .iter()
                .chain([&faq.question])
                .map(|q| question_key(q))
                .collect();
            let mut added = Vec::new();
            for wording in wordings() {
                let key = question_key(&wording);
                if !asked.contains(&key) {
                    asked.push(key);
                    faq.variants.push(wording.clone());
                    added.push(wording);
                }
            }
            if !is_variant && !matches!(draft.class, DraftClass::Known { .. }) {
                // Answers for particular channels, languages or audiences stay unchanged.
                let is_for_all = |a: &&mut FaqAnswer| {
                    a.audience.is_empty() && a.channels.is_empty() && a.language.is_none()
                };
                match faq.answers.iter_mut().find(is_for_all) {
                    Some(answer) => answer.text.clone_from(&draft.answer),
                    None => faq.answers.push(FaqAnswer {
                        text: draft.answer.clone(),
                        ..FaqAnswer::default()
                    }),
                }
            }
            return Ok(Some((faq.into_source().map_err(ingest)?, added)));
        }
        if is_negative {
            let fault = "the document is not an FAQ, so questions cannot be excluded";
            return Err(ReviewError::Incomplete(vec![(
                "/document_id",
                fault.to_owned(),
            )]));
        }
        let mut faq = FaqRow {
            id: Some(format!("learned/{}", draft.id)),
            question: draft.question.clone(),
            variants: draft.variants.clone(),
            answers: vec![FaqAnswer {
                text: draft.answer.clone(),
                ..FaqAnswer::default()
            }],
            ..FaqRow::default()
        };
        faq.metadata.tags.clone_from(&draft.tags);
        faq.metadata.language = draft_text::language(draft);
        if let DraftClass::Contradiction { document_id, .. } = &draft.class
            && let Some(other) = self.store.document(workspace, document_id, None).await?
        {
            // A person has decided that the draft is right and the other document is wrong.
            faq.metadata.rank = other.metadata.rank + 1;
        }
        Ok(Some((
            faq.into_source().map_err(ingest)?,
            wordings().collect(),
        )))
    }

    /// Approves a draft and publishes it, unless the four-eyes rule needs a second approval. Fails if judged questions
    /// would break or a wording collides with another document; `force` publishes anyway.
    pub async fn approve(
        &self,
        workspace: &WorkspaceId,
        id: &str,
        reviewer: &Reviewer,
        force: bool,
    ) -> Result<ReviewedDraft, ReviewError> {
        self.decide(workspace, id, reviewer, force, false).await
    }

    /// Like [`Cases::approve`], if a rule still allows publishing without review.
    pub(super) async fn approve_by_rule(
        &self,
        workspace: &WorkspaceId,
        id: &str,
    ) -> Result<ReviewedDraft, ReviewError> {
        self.decide(workspace, id, &Reviewer::rule(), false, true)
            .await
    }

    async fn decide(
        &self,
        workspace: &WorkspaceId,
        id: &str,
        reviewer: &Reviewer,
        force: bool,
        by_rule: bool,
    ) -> Result<ReviewedDraft, ReviewError> {
        let grouping = self.groupings.of(workspace);
        for _ in 0..MAX_TRIES {
            let n_published = grouping.lock().await.n_published();
            let before = self.open(workspace, id).await?;
            let mut draft = before.clone();
            if draft.state == DraftState::Open {
                // The knowledge may have changed since.
                self.classify(workspace, &mut draft).await?;
            }
            if by_rule && !self.may_auto_publish(workspace, &draft).await? {
                return Err(ReviewError::State(
                    "the auto-publish rule no longer applies".into(),
                ));
            }
            let planned = self.as_published(workspace, &draft).await?;
            let rules = self.store.learning(workspace).await?;
            let is_first_of_two = rules.four_eyes && draft.state != DraftState::Approved;
            if rules.four_eyes && !is_first_of_two {
                let mut events = draft.history.iter().rev();
                let rewording = events.find(|event| {
                    matches!(event.action, DraftAction::Approved | DraftAction::Edited)
                });
                if rewording.is_some_and(|event| reviewer.is_author_of(event)) {
                    return Err(ReviewError::SameReviewer(reviewer.name.clone()));
                }
            }
            let passed = match planned {
                Some(planned) if !is_first_of_two => {
                    Some(self.check(workspace, planned, force).await?)
                }
                _ => None,
            };
            let mut guard = grouping.lock().await;
            if self.store.draft(workspace, id).await?.as_ref() != Some(&before)
                || guard.n_published() != n_published
            {
                continue;
            }
            guard.changed();
            if is_first_of_two {
                draft.state = DraftState::Approved;
                note(
                    &mut draft,
                    self.now(),
                    reviewer,
                    DraftAction::Approved,
                    None,
                );
                self.store.update_drafts(workspace, &[&draft]).await?;
                return Ok(ReviewedDraft {
                    draft,
                    revision: None,
                });
            }
            guard.publishes();
            return self
                .publish(workspace, draft, passed, reviewer, force)
                .await;
        }
        Err(CONTENDED)
    }

    /// Writes the document of an approved draft and records the decision.
    async fn publish(
        &self,
        workspace: &WorkspaceId,
        mut draft: Draft,
        passed: Option<CheckedWrites>,
        reviewer: &Reviewer,
        force: bool,
    ) -> Result<ReviewedDraft, ReviewError> {
        let mut revision = None;
        if let Some(passed) = passed {
            let recorded = self.gate.record(workspace, passed).await?;
            let faq = recorded.into_iter().next_back();
            revision = faq.as_ref().map(|faq| faq.revision);
            draft.published_as = faq.map(|faq| faq.document_id);
        } else {
            draft.published_as = draft.class.document_id().cloned();
        }
        draft.state = DraftState::Published;
        note(
            &mut draft,
            self.now(),
            reviewer,
            DraftAction::Published,
            force.then(|| "forced".to_owned()),
        );
        self.store.update_drafts(workspace, &[&draft]).await?;
        let detail =
            serde_json::json!({ "document_id": draft.published_as, "class": draft.class.name() });
        self.store
            .audit(
                workspace,
                &reviewer.name,
                "draft.approve",
                &draft.id,
                &detail,
            )
            .await?;
        Ok(ReviewedDraft { draft, revision })
    }

    /// Runs the gate and the collision test.
    async fn check(
        &self,
        workspace: &WorkspaceId,
        (source, wordings): (Source, Vec<String>),
        force: bool,
    ) -> Result<CheckedWrites, ReviewError> {
        let writes = vec![Write::put(source.clone())];
        let breaking = Breaking::allowed_if(force);
        let passed = match self.gate.check(workspace, writes, breaking).await {
            Ok(passed) => passed,
            Err(GateError::WouldBreak(refused)) => {
                return Err(ReviewError::WouldBreak(refused.broken));
            }
            Err(GateError::Impact(error)) => return Err(CaseError::from(error).into()),
        };
        if !force {
            let found =
                collisions(&self.what_if, &self.vectors, workspace, &source, &wordings).await?;
            if !found.is_empty() {
                return Err(ReviewError::Collides(found));
            }
        }
        Ok(passed)
    }

    /// Changes a draft's wording and reopens it. Sources that are added later do not change the wording again.
    pub async fn edit(
        &self,
        workspace: &WorkspaceId,
        id: &str,
        reviewer: &Reviewer,
        edit: DraftEdit,
    ) -> Result<Draft, ReviewError> {
        let grouping = self.groupings.of(workspace);
        for _ in 0..MAX_TRIES {
            let before = self.open(workspace, id).await?;
            let mut draft = before.clone();
            let edit = edit.clone();
            draft.question = edit.question.unwrap_or(draft.question);
            draft.answer = edit.answer.unwrap_or(draft.answer);
            draft.variants = edit.variants.unwrap_or(draft.variants);
            draft.tags = edit.tags.unwrap_or(draft.tags);
            draft.is_edited = true;
            // An earlier approval was for another wording.
            draft.state = DraftState::Open;
            if matches!(
                draft.class,
                DraftClass::Gap { .. } | DraftClass::Known { .. }
            ) && !draft.answer.is_empty()
            {
                draft.class = DraftClass::New;
            }
            self.classify(workspace, &mut draft).await?;
            note(&mut draft, self.now(), reviewer, DraftAction::Edited, None);
            let mut guard = grouping.lock().await;
            if self.store.draft(workspace, id).await?.as_ref() != Some(&before) {
                continue;
            }
            guard.changed();
            self.store.update_drafts(workspace, &[&draft]).await?;
            return Ok(draft);
        }
        Err(CONTENDED)
    }

    /// Rejects a draft. The ranking of similar drafts learns from the reason.
    pub async fn reject(
        &self,
        workspace: &WorkspaceId,
        id: &str,
        reviewer: &Reviewer,
        reason: &str,
    ) -> Result<Draft, ReviewError> {
        let grouping = self.groupings.of(workspace);
        let mut guard = grouping.lock().await;
        let mut draft = self.open(workspace, id).await?;
        guard.changed();
        draft.state = DraftState::Rejected;
        note(
            &mut draft,
            self.now(),
            reviewer,
            DraftAction::Rejected,
            Some(reason.to_owned()),
        );
        self.store.update_drafts(workspace, &[&draft]).await?;
        let detail = serde_json::json!({ "reason": reason });
        self.store
            .audit(workspace, &reviewer.name, "draft.reject", id, &detail)
            .await?;
        Ok(draft)
    }

    /// Moves the sources of draft `id` to draft `into`, rebuilds `into` and reopens it. Returns `into`.
    pub async fn merge(
        &self,
        workspace: &WorkspaceId,
        id: &str,
        into: &str,
        reviewer: &Reviewer,
    ) -> Result<Draft, ReviewError> {
        let grouping = self.groupings.of(workspace);
        for _ in 0..MAX_TRIES {
            let before = (
                self.open(workspace, id).await?,
                self.open(workspace, into).await?,
            );
            let (mut from, mut target) = before.clone();
            if from.id == target.id {
                return Err(ReviewError::State(
                    "cannot merge a draft into itself".into(),
                ));
            }
            target.sources.append(&mut from.sources);
            from.state = DraftState::Merged;
            for (draft, other) in [(&mut from, into), (&mut target, id)] {
                let reason = Some(other.to_owned());
                note(draft, self.now(), reviewer, DraftAction::Merged, reason);
            }
            if matches!(target.class, DraftClass::Gap { .. })
                && target.sources.iter().any(|s| s.settles)
            {
                target.class = DraftClass::New;
            }
            draft_text::rebuild(&mut target);
            // An earlier approval was for another wording.
            target.state = DraftState::Open;
            self.classify(workspace, &mut target).await?;
            let mut guard = grouping.lock().await;
            let now = (
                self.open(workspace, id).await?,
                self.open(workspace, into).await?,
            );
            if now != before {
                continue;
            }
            guard.changed();
            self.store.move_cases(workspace, id, into).await?;
            self.store
                .update_drafts(workspace, &[&from, &target])
                .await?;
            return Ok(target);
        }
        Err(CONTENDED)
    }
}

/// Whether a text holds a placeholder of a generalized sentence: `[date]`, `[order_number]`.
fn is_blank(text: &str) -> bool {
    static BLANK: std::sync::LazyLock<regex::Regex> = std::sync::LazyLock::new(|| {
        regex::Regex::new(r"\[[a-z][a-z0-9_]{1,31}\]").expect("the pattern is fixed and tested")
    });
    BLANK.is_match(text)
}

pub(super) fn note(
    draft: &mut Draft,
    at: Timestamp,
    reviewer: &Reviewer,
    action: DraftAction,
    reason: Option<String>,
) {
    draft.history.push(DraftEvent {
        at,
        actor: reviewer.name.clone(),
        key_id: reviewer.key_id.clone(),
        action,
        reason,
    });
}
