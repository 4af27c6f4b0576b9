//! The gate: the one door for every change of knowledge. A change that would break a judged question is refused, unless
//! whoever asks for it says that it may.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::impact::{Altered, Change, ImpactError, Trials};
use ken_base::domain::WorkspaceId;
use ken_search::index::Follower;
use ken_store::store::{Base, Recorded, StoreError, Terms, Unmet, Write};

/// What happens to a change that would break a judged question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "What happens to a change that breaks a judged question: it is `refused` or `allowed`."
)]
pub enum Breaking {
    #[default]
    Refused,
    Allowed,
}

impl Breaking {
    /// As a caller's `force` says.
    pub fn allowed_if(force: bool) -> Self {
        match force {
            true => Self::Allowed,
            false => Self::Refused,
        }
    }
}

/// Changes that passed the gate. Nothing else is recorded.
#[must_use = "nothing is written before it is recorded"]
pub struct Passed(Vec<Write>);

/// Changes that were refused, together.
pub struct Refused {
    /// The judged questions that they would break; never empty.
    pub broken: Vec<Altered>,
    pub writes: Vec<Write>,
}

impl Refused {
    /// What would break, for people: each question with the answer that it would get.
    pub fn reason(&self) -> String {
        let broken = self.broken.iter();
        let told: Vec<String> = broken.map(Altered::told).collect();
        format!(
            "would break {} judged question(s); set force to write anyway: {}",
            told.len(),
            told.join("; ")
        )
    }
}

#[derive(thiserror::Error)]
pub enum GateError {
    #[error("{}", .0.reason())]
    WouldBreak(Refused),
    #[error(transparent)]
    Impact(#[from] ImpactError),
}

// What is refused is whole documents, which no log is to hold.
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

/// Checks changes and records them.
#[derive(Clone)]
pub struct Gate {
    trials: Trials,
    follower: Arc<Follower>,
}

impl Gate {
    pub fn new(trials: Trials, follower: Arc<Follower>) -> Self {
        Self { trials, follower }
    }

    /// Checks changes and records them in one transaction, in order: all or none.
    ///
    /// # Errors
    /// [`GateError::WouldBreak`] with the changes, where judged questions that are answered rightly now would not be; else
    /// where the store, an index or a model fails. Nothing is written then.
    pub async fn apply(
        &self,
        workspace: &WorkspaceId,
        writes: Vec<Write>,
        breaking: Breaking,
    ) -> Result<Vec<Recorded>, GateError> {
        let passed = self.check(workspace, writes, breaking).await?;
        Ok(self.record(workspace, passed).await?)
    }

    /// As [`Gate::apply`], where the terms hold when it comes to writing; else nothing is written.
    ///
    /// # Errors
    /// As [`Gate::apply`].
    pub async fn apply_if(
        &self,
        workspace: &WorkspaceId,
        writes: Vec<Write>,
        breaking: Breaking,
        terms: Terms<'_>,
    ) -> Result<Result<Vec<Recorded>, Unmet>, GateError> {
        let store = &self.trials.store;
        // Asked before the check as well, which may take long.
        if let Some(base) = terms.base
            && let Some(id) = store.changed_since(workspace, base).await?
        {
            return Ok(Err(Unmet::Changed(id)));
        }
        let Passed(writes) = self.check(workspace, writes, breaking).await?;
        let recorded = store.record_if(workspace, writes, terms).await?;
        self.follower.wake();
        Ok(recorded)
    }

    /// As [`Gate::apply`], of as many as pass: changes that are refused together are halved until what breaks stands alone,
    /// so that one document does not keep out those that came with it.
    ///
    /// # Errors
    /// As [`Gate::apply`], but for what is refused, which is returned. What was recorded before a fault stays.
    pub async fn apply_each(
        &self,
        workspace: &WorkspaceId,
        writes: Vec<Write>,
        breaking: Breaking,
    ) -> Result<Each, ImpactError> {
        let none = Terms::default();
        let each = self.apply_each_if(workspace, writes, breaking, none);
        Ok(each.await?.expect("no terms were set"))
    }

    /// As [`Gate::apply_each`]; where the terms do not hold any more, nothing further is written.
    ///
    /// # Errors
    /// As [`Gate::apply_each`].
    pub async fn apply_each_if(
        &self,
        workspace: &WorkspaceId,
        writes: Vec<Write>,
        breaking: Breaking,
        terms: Terms<'_>,
    ) -> Result<Result<Each, Unmet>, ImpactError> {
        let mut each = Each::default();
        // The next part is last, so that what is recorded is recorded in order.
        let mut parts = vec![writes];
        while let Some(part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            match self.apply_if(workspace, part, breaking, terms).await {
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

    /// As [`Gate::apply`], where the check takes no longer than `patience`; else nothing is written, the check ends, and the
    /// changes are returned as they came, with how their documents stood before.
    ///
    /// # Errors
    /// As [`Gate::apply`].
    pub async fn apply_within(
        &self,
        workspace: &WorkspaceId,
        writes: Vec<Write>,
        breaking: Breaking,
        patience: Duration,
    ) -> Result<Applied, GateError> {
        let base = self
            .trials
            .store
            .base(workspace, writes.iter().map(Write::document_id))
            .await?;
        let check = self.broken(workspace, &writes, breaking);
        let Ok(broken) = tokio::time::timeout(patience, check).await else {
            return Ok(Applied::TooLong(writes, base));
        };
        let passed = pass(broken?, writes)?;
        Ok(Applied::Recorded(self.record(workspace, passed).await?))
    }

    /// Checks changes without recording them, for callers that decide something more between the two.
    ///
    /// # Errors
    /// As [`Gate::apply`].
    pub async fn check(
        &self,
        workspace: &WorkspaceId,
        writes: Vec<Write>,
        breaking: Breaking,
    ) -> Result<Passed, GateError> {
        pass(self.broken(workspace, &writes, breaking).await?, writes)
    }

    /// The judged questions that would break, where it is asked for them.
    async fn broken(
        &self,
        workspace: &WorkspaceId,
        writes: &[Write],
        breaking: Breaking,
    ) -> Result<Vec<Altered>, ImpactError> {
        let is_asked = breaking == Breaking::Refused
            && self.trials.store.has_judged_questions(workspace).await?;
        if !is_asked {
            return Ok(Vec::new());
        }
        // What is written already, as before a crash, is not tried again.
        let changing = self.trials.store.changing(workspace, writes).await?;
        let mut broken: Vec<Altered> = Vec::new();
        for at in times_of(&changing) {
            let effective = changing.iter().filter(|write| takes_effect(write) <= at);
            let changes = effective.map(Change::of).collect();
            for altered in self.trials.gate(workspace, changes, at).await? {
                if broken.iter().all(|known| known.id != altered.id) {
                    broken.push(altered);
                }
            }
        }
        Ok(broken)
    }

    /// Records what passed, in one transaction.
    pub async fn record(
        &self,
        workspace: &WorkspaceId,
        Passed(writes): Passed,
    ) -> Result<Vec<Recorded>, StoreError> {
        let recorded = self.trials.store.record(workspace, writes).await?;
        self.follower.wake();
        Ok(recorded)
    }
}

fn pass(broken: Vec<Altered>, writes: Vec<Write>) -> Result<Passed, GateError> {
    match broken.is_empty() {
        true => Ok(Passed(writes)),
        false => Err(GateError::WouldBreak(Refused { broken, writes })),
    }
}

/// When a change takes effect: `None`, the earliest of all, at once.
fn takes_effect(write: &Write) -> Option<Timestamp> {
    match write {
        Write::Schedule { at, .. } => Some(*at),
        _ => None,
    }
}

/// The times as of which changes are judged, in order: each at which one of them takes effect.
fn times_of(writes: &[Write]) -> BTreeSet<Option<Timestamp>> {
    writes.iter().map(takes_effect).collect()
}

/// What came of changes whose check had only so much time.
pub enum Applied {
    Recorded(Vec<Recorded>),
    TooLong(Vec<Write>, Base),
}

/// What came of changes that were applied as far as they pass.
#[derive(Default)]
pub struct Each {
    pub recorded: Vec<Recorded>,
    /// Each of one change.
    pub refused: Vec<Refused>,
}
