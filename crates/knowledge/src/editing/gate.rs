//! The gate that every change of knowledge passes. It refuses a change that would break a judged question, unless the
//! caller forces it.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::impact::{AlteredAnswer, ImpactError, ProposedChange, WhatIf};
use ken_base::domain::{DocumentId, Revision, WorkspaceId};
use ken_search::index::Follower;
use ken_store::store::{
    BaseRevisions, NewImport, Precondition, Recorded, StoreError, UnmetCondition, Write,
    WriteConditions,
};

/// What happens to a change that would break a judged question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "What happens to a change that breaks a judged question: it is `refused` or `allowed`."
)]
pub enum Breaking {
    /// The change is refused.
    #[default]
    Refused,
    /// The change is made.
    Allowed,
}

impl Breaking {
    /// Returns the value for a caller's `force` flag.
    pub fn allowed_if(force: bool) -> Self {
        match force {
            true => Self::Allowed,
            false => Self::Refused,
        }
    }
}

/// Changes that passed the gate. Only these can be recorded.
#[must_use = "nothing is written before it is recorded"]
pub struct CheckedWrites(Vec<Write>);

/// Changes that were refused together.
pub struct RefusedWrites {
    /// The judged questions that they would break; never empty.
    pub broken: Vec<AlteredAnswer>,
    /// The refused changes.
    pub writes: Vec<Write>,
}

impl RefusedWrites {
    /// Returns a message with each question that would break and the answer that it would get.
    pub fn reason(&self) -> String {
        let broken = self.broken.iter();
        let described: Vec<String> = broken.map(AlteredAnswer::describe).collect();
        format!(
            "would break {} judged question(s); set force to write anyway: {}",
            described.len(),
            described.join("; ")
        )
    }
}

/// Why changes were not made.
#[derive(thiserror::Error)]
pub enum GateError {
    /// They would break judged questions.
    #[error("{}", .0.reason())]
    WouldBreak(RefusedWrites),
    /// The check or the recording failed.
    #[error(transparent)]
    Impact(#[from] ImpactError),
}

// Without the refused documents, which must not be logged.
impl std::fmt::Debug for GateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl From<StoreError> for GateError {
    fn from(error: StoreError) -> Self {
        GateError::Impact(error.into())
    }
}

/// Checks changes and records them. Clones share everything.
#[derive(Clone)]
pub struct Gate {
    what_if: WhatIf,
    follower: Arc<Follower>,
}

impl Gate {
    /// Joins the parts of the gate. `follower` indexes what is recorded.
    pub fn new(what_if: WhatIf, follower: Arc<Follower>) -> Self {
        Self { what_if, follower }
    }

    /// Returns the newest revision of a workspace.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn revision(&self, workspace: &WorkspaceId) -> Result<Revision, StoreError> {
        self.what_if.store.revision(workspace).await
    }

    /// Checks changes and records them in one transaction, in order: all or none.
    ///
    /// # Errors
    /// [`GateError::WouldBreak`] with the changes if they break judged questions that are answered correctly now;
    /// [`GateError::Impact`] if the store, an index or a model fails. Then nothing is written.
    pub async fn apply(
        &self,
        workspace: &WorkspaceId,
        writes: Vec<Write>,
        breaking: Breaking,
    ) -> Result<Vec<Recorded>, GateError> {
        let passed = self.check(workspace, writes, breaking).await?;
        Ok(self.record(workspace, passed).await?)
    }

    /// Like [`Gate::apply`], if the conditions still hold at the time of writing. Otherwise nothing is written and the unmet
    /// term is returned.
    ///
    /// # Errors
    /// As [`Gate::apply`].
    pub async fn apply_if(
        &self,
        workspace: &WorkspaceId,
        writes: Vec<Write>,
        breaking: Breaking,
        conditions: WriteConditions<'_>,
    ) -> Result<Result<Vec<Recorded>, UnmetCondition>, GateError> {
        let store = &self.what_if.store;
        // Tested before the check as well, because the check may take long.
        if let Some(unmet) = store.unmet_condition(workspace, &conditions).await? {
            return Ok(Err(unmet));
        }
        let CheckedWrites(writes) = self.check(workspace, writes, breaking).await?;
        let recorded = store.record_if(workspace, writes, conditions).await?;
        self.follower.wake();
        Ok(recorded)
    }

    /// Like [`Gate::apply`], for as many changes as pass. Changes that are refused together are split in half until the
    /// breaking one is alone, so that one document does not block the others.
    ///
    /// # Errors
    /// As [`Gate::apply`], except that refused changes are returned. What was recorded before an error stays recorded.
    pub async fn apply_each(
        &self,
        workspace: &WorkspaceId,
        writes: Vec<Write>,
        breaking: Breaking,
    ) -> Result<PartialResult, ImpactError> {
        let none = WriteConditions::default();
        let each = self.apply_each_if(workspace, writes, breaking, none);
        Ok(each.await?.expect("no conditions were set"))
    }

    /// Like [`Gate::apply_each`]. If the conditions no longer hold, nothing more is written.
    ///
    /// # Errors
    /// As [`Gate::apply_each`].
    pub async fn apply_each_if(
        &self,
        workspace: &WorkspaceId,
        writes: Vec<Write>,
        breaking: Breaking,
        conditions: WriteConditions<'_>,
    ) -> Result<Result<PartialResult, UnmetCondition>, ImpactError> {
        let mut each = PartialResult::default();
        // A stack with the next part on top, so that changes are recorded in order.
        let mut parts = vec![writes];
        while let Some(part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            match self.apply_if(workspace, part, breaking, conditions).await {
                Ok(Ok(recorded)) => each.recorded.extend(recorded),
                Ok(Err(unmet)) => return Ok(Err(unmet)),
                Err(GateError::WouldBreak(mut refused)) if refused.writes.len() > 1 => {
                    let rest = refused.writes.split_off(refused.writes.len() / 2);
                    parts.push(rest);
                    parts.push(refused.writes);
                }
                Err(GateError::WouldBreak(refused)) => each.refused.push(refused),
                Err(GateError::Impact(error)) => return Err(error),
            }
        }
        Ok(Ok(each))
    }

    /// Like [`Gate::apply_if`], if the check takes at most `patience`. Otherwise the check is cancelled, nothing is
    /// written, and the changes are returned with their terms for a job. These then contain the revisions that the
    /// documents had at the beginning.
    ///
    /// # Errors
    /// As [`Gate::apply`].
    pub async fn apply_within(
        &self,
        workspace: &WorkspaceId,
        writes: Vec<Write>,
        breaking: Breaking,
        terms: ChangeTerms,
        patience: Duration,
    ) -> Result<TimedResult, GateError> {
        let store = &self.what_if.store;
        let conditions = terms.conditions();
        if let Some(unmet) = store.unmet_condition(workspace, &conditions).await? {
            return Ok(TimedResult::Unmet(unmet));
        }
        let base = store
            .base(workspace, writes.iter().map(Write::document_id))
            .await?;
        let check = self.broken(workspace, &writes, breaking);
        let Ok(broken) = tokio::time::timeout(patience, check).await else {
            return Ok(TimedResult::TooLong(writes, terms.or_base(base)));
        };
        let CheckedWrites(writes) = pass(broken?, writes)?;
        let recorded = store.record_if(workspace, writes, conditions).await?;
        self.follower.wake();
        Ok(match recorded {
            Ok(recorded) => TimedResult::Recorded(recorded),
            Err(unmet) => TimedResult::Unmet(unmet),
        })
    }

    /// Checks changes without recording them, for callers with a further decision between the two.
    ///
    /// # Errors
    /// As [`Gate::apply`].
    pub async fn check(
        &self,
        workspace: &WorkspaceId,
        writes: Vec<Write>,
        breaking: Breaking,
    ) -> Result<CheckedWrites, GateError> {
        pass(self.broken(workspace, &writes, breaking).await?, writes)
    }

    /// Returns the judged questions that would break; none if breaking is allowed.
    async fn broken(
        &self,
        workspace: &WorkspaceId,
        writes: &[Write],
        breaking: Breaking,
    ) -> Result<Vec<AlteredAnswer>, ImpactError> {
        let is_asked = breaking == Breaking::Refused
            && self.what_if.store.has_judged_questions(workspace).await?;
        if !is_asked {
            return Ok(Vec::new());
        }
        // Writes that were already made, for example before a crash, are not checked again.
        let changing = self
            .what_if
            .store
            .changing_writes(workspace, writes)
            .await?;
        let changing = uncancelled(changing);
        for at in times_of(&changing) {
            let effective = changing.iter().filter(|write| takes_effect(write) <= at);
            let changes = effective.map(ProposedChange::of).collect();
            let broken = self.what_if.gate(workspace, changes, at).await?;
            if !broken.is_empty() {
                return Ok(broken);
            }
        }
        Ok(Vec::new())
    }

    /// Records passed changes in one transaction.
    pub async fn record(
        &self,
        workspace: &WorkspaceId,
        CheckedWrites(writes): CheckedWrites,
    ) -> Result<Vec<Recorded>, StoreError> {
        let recorded = self.what_if.store.record(workspace, writes).await?;
        self.follower.wake();
        Ok(recorded)
    }
}

fn pass(broken: Vec<AlteredAnswer>, writes: Vec<Write>) -> Result<CheckedWrites, GateError> {
    match broken.is_empty() {
        true => Ok(CheckedWrites(writes)),
        false => Err(GateError::WouldBreak(RefusedWrites { broken, writes })),
    }
}

/// Removes scheduled versions that a later write of the same document cancels.
fn uncancelled(writes: Vec<Write>) -> Vec<Write> {
    let mut later = HashSet::new();
    let mut kept: Vec<Write> = Vec::with_capacity(writes.len());
    for write in writes.into_iter().rev() {
        let is_last = later.insert(write.document_id().clone());
        if is_last || takes_effect(&write).is_none() {
            kept.push(write);
        }
    }
    kept.reverse();
    kept
}

/// Returns when a change takes effect; `None`, which sorts first, means immediately.
fn takes_effect(write: &Write) -> Option<Timestamp> {
    match write {
        Write::Schedule { at, .. } => Some(*at),
        _ => None,
    }
}

/// Returns the times at which changes take effect, in order. Judged questions are asked as of each of them.
fn times_of(writes: &[Write]) -> BTreeSet<Option<Timestamp>> {
    writes.iter().map(takes_effect).collect()
}

/// The terms of a change, which hold also if a job makes it later.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChangeTerms {
    /// Revisions that must still be the last ones of their documents.
    pub base: Option<BaseRevisions>,
    /// Conditions on the live versions of documents.
    pub versions: Vec<(DocumentId, Precondition)>,
    /// The import that the change is recorded as.
    pub import: Option<NewImport>,
    /// The id of the import that the change undoes.
    pub undoes: Option<String>,
}

impl ChangeTerms {
    /// The terms as conditions of the write.
    pub fn conditions(&self) -> WriteConditions<'_> {
        WriteConditions {
            base: self.base.as_ref(),
            versions: &self.versions,
            import: self.import.as_ref(),
            undoes: self.undoes.as_deref(),
            ..WriteConditions::default()
        }
    }

    /// The same terms, with `base` if they have none.
    #[must_use]
    pub fn or_base(mut self, base: BaseRevisions) -> Self {
        self.base.get_or_insert(base);
        self
    }
}

/// The result of changes whose check had a time limit.
pub enum TimedResult {
    /// The changes were made.
    Recorded(Vec<Recorded>),
    /// A condition was not met. Nothing was written.
    Unmet(UnmetCondition),
    /// The check took too long. Contains the changes and their terms.
    TooLong(Vec<Write>, ChangeTerms),
}

/// The result of changes of which as many as possible were made.
#[derive(Default)]
pub struct PartialResult {
    /// The recorded changes, in order.
    pub recorded: Vec<Recorded>,
    /// The refused changes, one per entry.
    pub refused: Vec<RefusedWrites>,
}
