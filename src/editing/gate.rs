//! The gate: the one door for every change of knowledge. A change that would break a judged question is refused, unless
//! whoever asks for it says that it may.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::impact::{Altered, Change, ImpactError, Trials};
use crate::background::to_the_end;
use crate::domain::WorkspaceId;
use crate::store::{Recorded, StoreError, Write};

/// What happens to a change that would break a judged question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
            "it would break {} judged question(s), and is written only with force: {}",
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
}

impl Gate {
    pub fn new(trials: Trials) -> Self {
        Self { trials }
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

    /// As [`Gate::apply`], for a job: nothing is written, and `None` returned, once it does not run any more.
    ///
    /// # Errors
    /// As [`Gate::apply`].
    pub async fn apply_for_job(
        &self,
        workspace: &WorkspaceId,
        job: &str,
        writes: Vec<Write>,
        breaking: Breaking,
    ) -> Result<Option<Vec<Recorded>>, GateError> {
        let Passed(writes) = self.check(workspace, writes, breaking).await?;
        let store = &self.trials.store;
        let recorded = store.record_for_job(workspace, job, writes).await?;
        self.trials.follower.wake();
        Ok(recorded)
    }

    /// As [`Gate::apply`], of as many as pass: changes that are refused together are halved until what breaks stands alone,
    /// so that one document does not keep out those that came with it.
    ///
    /// `job`: the one that asks for it. Nothing is written any more once it does not run, and `None` returned.
    ///
    /// # Errors
    /// As [`Gate::apply`], but for what is refused, which is returned. What was recorded before a fault stays.
    pub async fn apply_each(
        &self,
        workspace: &WorkspaceId,
        writes: Vec<Write>,
        breaking: Breaking,
        job: Option<&str>,
    ) -> Result<Option<Each>, ImpactError> {
        let mut each = Each::default();
        // The next part is last, so that what is recorded is recorded in order.
        let mut parts = vec![writes];
        while let Some(part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            let recorded = match job {
                Some(job) => self.apply_for_job(workspace, job, part, breaking).await,
                None => self.apply(workspace, part, breaking).await.map(Some),
            };
            match recorded {
                Ok(Some(recorded)) => each.recorded.extend(recorded),
                Ok(None) => return Ok(None),
                Err(GateError::WouldBreak(mut refused)) if refused.writes.len() > 1 => {
                    let rest = refused.writes.split_off(refused.writes.len() / 2);
                    parts.push(rest);
                    parts.push(refused.writes);
                }
                Err(GateError::WouldBreak(refused)) => each.refused.push(refused),
                Err(GateError::Impact(error)) => return Err(error),
            }
        }
        Ok(Some(each))
    }

    /// As [`Gate::apply`], where the check takes no longer than `patience`; else nothing is written, and the changes are
    /// returned as they came.
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
        let check = self.broken(workspace, &writes, breaking);
        let Ok(broken) = tokio::time::timeout(patience, check).await else {
            return Ok(Applied::TooLong(writes));
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
        // Scheduled knowledge is asked for as of its time.
        let at = writes.iter().find_map(|write| match write {
            Write::Schedule { at, .. } => Some(*at),
            _ => None,
        });
        let changes = writes.iter().filter_map(Change::of).collect();
        let (trials, of) = (self.trials.clone(), workspace.clone());
        // What is tried out is cleared away, also where the caller leaves meanwhile.
        to_the_end(async move { trials.gate(&of, changes, at).await }).await
    }

    /// Records what passed, in one transaction.
    pub async fn record(
        &self,
        workspace: &WorkspaceId,
        Passed(writes): Passed,
    ) -> Result<Vec<Recorded>, StoreError> {
        let recorded = self.trials.store.record(workspace, writes).await?;
        self.trials.follower.wake();
        Ok(recorded)
    }
}

fn pass(broken: Vec<Altered>, writes: Vec<Write>) -> Result<Passed, GateError> {
    match broken.is_empty() {
        true => Ok(Passed(writes)),
        false => Err(GateError::WouldBreak(Refused { broken, writes })),
    }
}

/// What came of changes whose check had only so much time.
pub enum Applied {
    Recorded(Vec<Recorded>),
    TooLong(Vec<Write>),
}

/// What came of changes that were applied as far as they pass.
#[derive(Default)]
pub struct Each {
    pub recorded: Vec<Recorded>,
    /// Each of one change.
    pub refused: Vec<Refused>,
}
