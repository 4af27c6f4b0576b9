//! Runs experiments: compares ways of answering on live traffic until one is significantly better.

use jiff::SignedDuration;
use serde::Serialize;
use utoipa::ToSchema;

use super::experiment_results::{self, ArmResult};
use super::{LearnError, Learning};
use ken_base::domain::{
    Arm, DocumentId, DocumentKind, Experiment, ExperimentState, FaqAnswer, Tuning, WorkspaceId,
};
use ken_ingest::ingest::faq::FaqRow;
use ken_knowledge::editing::gate::{Breaking, GateError};
use ken_knowledge::editing::impact::AlteredAnswer;
use ken_store::store::{BaseRevisions, UnmetCondition, Write, WriteConditions};

/// The definition of a new experiment.
#[derive(Debug, Clone)]
pub struct ExperimentPlan {
    /// Its id, unique in the workspace.
    pub id: String,
    /// The FAQ whose answers are compared; `None` compares settings.
    pub faq_id: Option<DocumentId>,
    /// The arms, 2 to 8. The first is the live state.
    pub arms: Vec<Arm>,
    /// The significance level over all comparisons, 0.0001 to 0.2.
    pub alpha: f64,
    /// The number of customers per arm after which it ends, 50 to 1000000.
    pub max_customers: usize,
}

/// State and results of an experiment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExperimentStatus {
    #[serde(flatten)]
    #[expect(
        missing_docs,
        reason = "a description would change the OpenAPI document"
    )]
    pub experiment: Experiment,
    /// By arm.
    pub results: Vec<ArmResult>,
}

/// Why an operation on an experiment failed.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// An invalid plan: JSON pointer and fault.
    #[error("{0}: {1}")]
    Plan(&'static str, String),
    /// No experiment has this id.
    #[error("experiment {0} not found")]
    NotFound(String),
    /// The state of the experiment or of its FAQ does not allow it; the text says why.
    #[error("{0}")]
    State(String),
    /// The judged questions that its answer would break.
    #[error("judged questions would break")]
    WouldBreak(Vec<AlteredAnswer>),
    /// The store or a check failed.
    #[error(transparent)]
    Learn(LearnError),
}

impl<E: Into<LearnError>> From<E> for ExperimentError {
    fn from(error: E) -> Self {
        ExperimentError::Learn(error.into())
    }
}

impl Learning {
    /// Starts an experiment. For an FAQ, writes the other arms' answers into it, each visible only to the customers of
    /// that arm, so that the shown answers can be cited and opened like any other.
    pub async fn begin(
        &self,
        workspace: &WorkspaceId,
        plan: ExperimentPlan,
        by: &str,
    ) -> Result<Experiment, ExperimentError> {
        let wrong = |place, detail: &str| Err(ExperimentError::Plan(place, detail.to_owned()));
        if !(2..=8).contains(&plan.arms.len()) {
            return wrong(
                "/arms",
                "expected 2 to 8 arms, the first being the live state",
            );
        }
        if !(0.0001..=0.2).contains(&plan.alpha) {
            return wrong("/alpha", "expected 0.0001 to 0.2");
        }
        if !(50..=1_000_000).contains(&plan.max_customers) {
            return wrong("/max_customers", "expected 50 to 1000000");
        }
        let (first, others) = plan.arms.split_first().expect("there are two at least");
        if first.answer.is_some()
            || first
                .tuning
                .is_some_and(|tuning| tuning != Tuning::default())
        {
            return wrong(
                "/arms/0",
                "the first arm is the live state: expected no answer or tuning",
            );
        }
        let is_about_faq = plan.faq_id.is_some();
        for arm in others {
            let fits = match is_about_faq {
                true => {
                    arm.answer.as_ref().is_some_and(|a| !a.trim().is_empty())
                        && arm.tuning.is_none()
                }
                false => arm.tuning.is_some_and(|t| t != Tuning::default()) && arm.answer.is_none(),
            };
            if !fits {
                return wrong(
                    "/arms",
                    "expected an answer in each other arm with a faq_id, a tuning without one",
                );
            }
            if let Some(fault) = arm.tuning.as_ref().and_then(Tuning::fault) {
                return Err(ExperimentError::Plan("/arms", fault));
            }
        }
        let _deciding = self.deciding.lock().await;
        let known = self.store.experiments(workspace, false).await?;
        if known.iter().any(|e| e.id == plan.id) {
            return Err(ExperimentError::State(format!(
                "experiment {} already exists",
                plan.id
            )));
        }
        let same = known
            .iter()
            .find(|e| e.state == ExperimentState::Running && e.faq_id == plan.faq_id);
        if let Some(same) = same {
            return Err(ExperimentError::State(format!(
                "experiment {} is already running on the same subject",
                same.id
            )));
        }
        let mut experiment = Experiment {
            id: plan.id,
            live: None,
            state: ExperimentState::Running,
            faq_id: plan.faq_id,
            arms: plan.arms,
            alpha: plan.alpha,
            max_customers: plan.max_customers,
            winner: None,
            reason: None,
            out: Vec::new(),
            to_promote: false,
        };
        if let Some(faq) = &experiment.faq_id.clone() {
            let Some((mut row, base)) = self.faq(workspace, faq).await? else {
                let detail = format!("FAQ {faq} not found");
                return Err(ExperimentError::Plan("/faq_id", detail));
            };
            // Remove the remains of an interrupted start.
            let prefix = arms_of(&experiment);
            row.answers.retain(|answer| !is_of(answer, &prefix));
            let live = row.answers.first().cloned().unwrap_or_default();
            experiment.live = Some(live.text.clone());
            for (arm, about) in experiment.arms.iter().enumerate().skip(1) {
                row.answers.push(FaqAnswer {
                    text: about.answer.clone().unwrap_or_default(),
                    audience: vec![experiment.audience(arm)],
                    channels: live.channels.clone(),
                    language: live.language.clone(),
                });
            }
            let written = self.write(workspace, row, Breaking::Refused, &base);
            written
                .await?
                .map_err(|unmet| ExperimentError::State(unmet.to_string()))?;
        }
        self.store.put_experiment(workspace, &experiment).await?;
        self.answerer.settings().invalidate(workspace);
        let detail =
            serde_json::json!({ "arms": experiment.arms.len(), "faq_id": experiment.faq_id });
        self.store
            .audit(workspace, by, "experiment.begin", &experiment.id, &detail)
            .await?;
        Ok(experiment)
    }

    /// An FAQ with the state that a later write must still find; `None` if it does not exist.
    async fn faq(
        &self,
        workspace: &WorkspaceId,
        id: &DocumentId,
    ) -> Result<Option<(FaqRow, BaseRevisions)>, ExperimentError> {
        let base = self.store.base(workspace, [id]).await?;
        let document = self.store.document(workspace, id, None).await?;
        let faq = document.filter(|document| document.metadata.kind == DocumentKind::Faq);
        Ok(faq.map(|document| (FaqRow::of_document(&document), base)))
    }

    async fn write(
        &self,
        workspace: &WorkspaceId,
        row: FaqRow,
        breaking: Breaking,
        base: &BaseRevisions,
    ) -> Result<Result<(), UnmetCondition>, ExperimentError> {
        let source = row.into_source().map_err(LearnError::from)?;
        let writes = vec![Write::put(source)];
        let terms = WriteConditions {
            base: Some(base),
            ..WriteConditions::default()
        };
        match self.gate.apply_if(workspace, writes, breaking, terms).await {
            Ok(written) => Ok(written.map(drop)),
            Err(GateError::WouldBreak(refused)) => Err(ExperimentError::WouldBreak(refused.broken)),
            Err(GateError::Impact(error)) => Err(LearnError::from(error).into()),
        }
    }

    /// Returns all experiments with their results. Concludes those that are decided by now.
    pub async fn experiments(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<Vec<ExperimentStatus>, ExperimentError> {
        let _deciding = self.deciding.lock().await;
        let mut standings = Vec::new();
        for experiment in self.store.experiments(workspace, false).await? {
            standings.push(self.evaluate(workspace, experiment).await?);
        }
        Ok(standings)
    }

    /// Evaluates running experiments and those whose winner is still to be promoted.
    pub(super) async fn evaluate_all(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<(), ExperimentError> {
        let _deciding = self.deciding.lock().await;
        for experiment in self.store.experiments(workspace, false).await? {
            if experiment.state == ExperimentState::Running || experiment.to_promote {
                self.evaluate(workspace, experiment).await?;
            }
        }
        Ok(())
    }

    async fn evaluate(
        &self,
        workspace: &WorkspaceId,
        mut experiment: Experiment,
    ) -> Result<ExperimentStatus, ExperimentError> {
        let silence = SignedDuration::from_hours(i64::from(self.config.reopen_hours));
        let exposures = self.store.exposures(workspace, &experiment.id).await?;
        let results =
            experiment_results::results(&experiment, &exposures, self.store.now(), silence);
        let mut changed = false;
        if experiment.state == ExperimentState::Running
            && !self.arms_unchanged(workspace, &experiment).await?
        {
            experiment.state = ExperimentState::Stopped;
            experiment.reason =
                Some("the FAQ was edited or deleted during the experiment".to_owned());
            changed = true;
        }
        changed |= experiment_results::conclude(&mut experiment, &results);
        if changed {
            if experiment.state != ExperimentState::Running {
                // The arms have no customers any more. A winner's answer is put in force from the experiment itself.
                self.without_arms(workspace, &experiment, None).await?;
            }
            experiment.to_promote = experiment.state == ExperimentState::Decided
                && self.store.learning(workspace).await?.auto_promote;
            self.finish(workspace, &experiment, "rule", "experiment.look")
                .await?;
        }
        // Also after an earlier evaluation was interrupted.
        if experiment.to_promote {
            let promoted = self.apply_winner(workspace, experiment.clone(), "rule");
            let reason = match promoted.await {
                Ok(promoted) => {
                    experiment = promoted;
                    None
                }
                Err(ExperimentError::WouldBreak(broken)) => {
                    let descriptions: Vec<String> =
                        broken.iter().map(AlteredAnswer::describe).collect();
                    Some(format!(
                        "the winner would break judged questions: {}",
                        descriptions.join("; ")
                    ))
                }
                Err(ExperimentError::State(detail)) => {
                    Some(format!("the winner was not promoted: {detail}"))
                }
                Err(error) => return Err(error),
            };
            // It stays decided; a person reads the reason and decides.
            if reason.is_some() {
                experiment.reason = reason;
                experiment.to_promote = false;
                self.finish(workspace, &experiment, "rule", "experiment.look")
                    .await?;
            }
        }
        Ok(ExperimentStatus {
            experiment,
            results,
        })
    }

    /// Whether the FAQ still has the compared answers: the live one and those of the arms.
    async fn arms_unchanged(
        &self,
        workspace: &WorkspaceId,
        experiment: &Experiment,
    ) -> Result<bool, ExperimentError> {
        let Some(faq) = &experiment.faq_id else {
            return Ok(true);
        };
        let Some((row, _)) = self.faq(workspace, faq).await? else {
            return Ok(false);
        };
        let live = row.answers.first().map(|answer| &answer.text);
        let has_arm = |arm: usize| {
            let audience = [experiment.audience(arm)];
            row.answers.iter().any(|answer| {
                answer.audience == audience
                    && Some(&answer.text) == experiment.arms[arm].answer.as_ref()
            })
        };
        Ok(live == experiment.live.as_ref() && (1..experiment.arms.len()).all(has_arm))
    }

    /// Stops a running experiment without a winner.
    pub async fn stop(
        &self,
        workspace: &WorkspaceId,
        id: &str,
        by: &str,
    ) -> Result<Experiment, ExperimentError> {
        let _deciding = self.deciding.lock().await;
        let mut experiment = self.experiment(workspace, id).await?;
        if experiment.state != ExperimentState::Running {
            return Err(ExperimentError::State(format!(
                "the experiment is {}",
                experiment.state.as_str()
            )));
        }
        experiment.state = ExperimentState::Stopped;
        experiment.reason = Some(format!("stopped by {by}"));
        self.without_arms(workspace, &experiment, None).await?;
        self.finish(workspace, &experiment, by, "experiment.stop")
            .await?;
        Ok(experiment)
    }

    /// Puts the winner of a decided experiment in force: its answer, or its settings.
    pub async fn promote(
        &self,
        workspace: &WorkspaceId,
        id: &str,
        by: &str,
    ) -> Result<Experiment, ExperimentError> {
        let _deciding = self.deciding.lock().await;
        let experiment = self.experiment(workspace, id).await?;
        self.apply_winner(workspace, experiment, by).await
    }

    async fn apply_winner(
        &self,
        workspace: &WorkspaceId,
        mut experiment: Experiment,
        by: &str,
    ) -> Result<Experiment, ExperimentError> {
        let (ExperimentState::Decided, Some(winner)) = (experiment.state, experiment.winner) else {
            let state = experiment.state.as_str();
            return Err(ExperimentError::State(format!("the experiment is {state}")));
        };
        let arm = experiment.arms[winner].clone();
        self.without_arms(workspace, &experiment, arm.answer.as_deref())
            .await?;
        if let Some(tuning) = arm.tuning {
            let before = self.in_force(workspace).await?;
            let new = (None, tuning.or(before));
            self.put_tuning(workspace, new, by, &experiment.id).await?;
        }
        experiment.state = ExperimentState::Promoted;
        experiment.to_promote = false;
        self.finish(workspace, &experiment, by, "experiment.promote")
            .await?;
        Ok(experiment)
    }

    async fn experiment(
        &self,
        workspace: &WorkspaceId,
        id: &str,
    ) -> Result<Experiment, ExperimentError> {
        let all = self.store.experiments(workspace, false).await?;
        all.into_iter()
            .find(|e| e.id == id)
            .ok_or_else(|| ExperimentError::NotFound(id.to_owned()))
    }

    async fn finish(
        &self,
        workspace: &WorkspaceId,
        experiment: &Experiment,
        by: &str,
        action: &str,
    ) -> Result<(), ExperimentError> {
        self.store.put_experiment(workspace, experiment).await?;
        self.answerer.settings().invalidate(workspace);
        let detail = serde_json::json!({ "state": experiment.state, "winner": experiment.winner, "out": experiment.out, "reason": experiment.reason });
        self.store
            .audit(workspace, by, action, &experiment.id, &detail)
            .await?;
        Ok(())
    }

    /// Removes the arms' answers from the FAQ. With `answer`, also replaces the live answer, if it is still the one
    /// that was compared.
    async fn without_arms(
        &self,
        workspace: &WorkspaceId,
        experiment: &Experiment,
        answer: Option<&str>,
    ) -> Result<(), ExperimentError> {
        let Some(faq) = &experiment.faq_id else {
            return Ok(());
        };
        let prefix = arms_of(experiment);
        for _ in 0..MAX_TRIES {
            let Some((mut row, base)) = self.faq(workspace, faq).await? else {
                return match answer {
                    None => Ok(()),
                    Some(_) => Err(ExperimentError::State(format!("FAQ {faq} was deleted"))),
                };
            };
            let before = row.answers.clone();
            row.answers.retain(|answer| !is_of(answer, &prefix));
            if let Some(text) = answer {
                let live = row.answers.first_mut();
                if live.as_ref().map(|live| &live.text) != experiment.live.as_ref() {
                    let detail =
                        "the FAQ was edited since: the winner was compared with another answer";
                    return Err(ExperimentError::State(detail.to_owned()));
                }
                if let Some(live) = live {
                    text.clone_into(&mut live.text);
                }
            }
            if row.answers == before {
                return Ok(());
            }
            // Removing the arms only restores the former live answers, so it is always allowed.
            let breaking = Breaking::allowed_if(answer.is_none());
            if self.write(workspace, row, breaking, &base).await?.is_ok() {
                return Ok(());
            }
        }
        let detail = format!("{faq} is being changed concurrently; retry");
        Err(ExperimentError::State(detail))
    }
}

/// How often a write of the FAQ is tried while others change it.
const MAX_TRIES: usize = 5;

/// The prefix of the audiences of an experiment's arms.
fn arms_of(experiment: &Experiment) -> String {
    format!("experiment:{}.", experiment.id)
}

fn is_of(answer: &FaqAnswer, prefix: &str) -> bool {
    answer.audience.iter().any(|name| name.starts_with(prefix))
}
