//! Ways of answering, side by side, until one is surely better.

use jiff::SignedDuration;
use serde::Serialize;

use super::sequential::SequentialTest;
use super::{LearnError, Learning};
use crate::domain::{
    Arm, DocumentId, Experiment, ExperimentState, FaqAnswer, Kind, Outcome, Tuning, WorkspaceId,
};
use crate::ingest::faq::FaqRow;
use crate::store::Write;

/// What an experiment is to be.
#[derive(Debug, Clone)]
pub struct Plan {
    pub id: String,
    pub faq_id: Option<DocumentId>,
    pub arms: Vec<Arm>,
    pub alpha: f64,
    pub max_customers: usize,
}

/// How an experiment stands.
#[derive(Debug, Clone, Serialize)]
pub struct Standing {
    #[serde(flatten)]
    pub experiment: Experiment,
    /// By arm.
    pub results: Vec<ArmResult>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ArmResult {
    pub name: String,
    /// Customers who were shown it, and of how many it is known how they fared.
    pub shown: usize,
    pub known: usize,
    pub successes: usize,
    pub harms: usize,
    /// Evidence against "as good as the first arm": at least 1/α (of this comparison) is significant.
    pub e_value: f64,
    /// The same for harm.
    pub harm_e_value: f64,
}

/// Why an experiment was not begun or carried on.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    #[error("{0}: {1}")]
    Plan(&'static str, String),
    #[error("there is no experiment {0}")]
    NotFound(String),
    #[error("{0}")]
    State(String),
    #[error(transparent)]
    Learn(LearnError),
}

impl<E: Into<LearnError>> From<E> for ExperimentError {
    fn from(error: E) -> Self {
        ExperimentError::Learn(error.into())
    }
}

impl Learning {
    /// Begins an experiment. One about an FAQ writes the other arms' answers into it, each for those alone who are in the
    /// arm, so that what they are told can be opened like any answer.
    pub async fn begin(
        &self,
        workspace: &WorkspaceId,
        plan: Plan,
        by: &str,
    ) -> Result<Experiment, ExperimentError> {
        let wrong = |place, detail: &str| Err(ExperimentError::Plan(place, detail.to_owned()));
        if !(2..=8).contains(&plan.arms.len()) {
            return wrong(
                "/arms",
                "expected 2 to 8 arms, the first of them what is live",
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
                "the first arm is what is live and names no answer or settings",
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
                    "with a faq_id each other arm names an answer, without one a tuning",
                );
            }
            if let Some(fault) = arm.tuning.as_ref().and_then(Tuning::fault) {
                return Err(ExperimentError::Plan("/arms", fault));
            }
        }
        let known = self.store.experiments(workspace, false).await?;
        if known.iter().any(|e| e.id == plan.id) {
            return Err(ExperimentError::State(format!(
                "there is an experiment {} already",
                plan.id
            )));
        }
        let same = known
            .iter()
            .find(|e| e.state == ExperimentState::Running && e.faq_id == plan.faq_id);
        if let Some(same) = same {
            return Err(ExperimentError::State(format!(
                "{} runs about the same",
                same.id
            )));
        }
        let experiment = Experiment {
            id: plan.id,
            state: ExperimentState::Running,
            faq_id: plan.faq_id,
            arms: plan.arms,
            alpha: plan.alpha,
            max_customers: plan.max_customers,
            winner: None,
            reason: None,
            out: Vec::new(),
        };
        if let Some(faq) = &experiment.faq_id {
            let mut row = self.faq(workspace, faq).await?;
            // What a beginning that was cut short left there.
            let prefix = arms_of(&experiment);
            row.answers.retain(|answer| !is_of(answer, &prefix));
            let base = row.answers.first().cloned().unwrap_or_default();
            for (arm, about) in experiment.arms.iter().enumerate().skip(1) {
                row.answers.push(FaqAnswer {
                    text: about.answer.clone().unwrap_or_default(),
                    audience: vec![experiment.audience(arm)],
                    channels: base.channels.clone(),
                    language: base.language.clone(),
                });
            }
            self.write(workspace, row).await?;
        }
        self.store.put_experiment(workspace, &experiment).await?;
        self.answerer.rules().forget(workspace);
        let detail =
            serde_json::json!({ "arms": experiment.arms.len(), "faq_id": experiment.faq_id });
        self.store
            .audit(workspace, by, "experiment.begin", &experiment.id, &detail)
            .await?;
        Ok(experiment)
    }

    async fn faq(
        &self,
        workspace: &WorkspaceId,
        id: &DocumentId,
    ) -> Result<FaqRow, ExperimentError> {
        let document = self.store.document(workspace, id, None).await?;
        match document.filter(|document| document.metadata.kind == Kind::Faq) {
            Some(document) => Ok(FaqRow::of_document(&document)),
            None => Err(ExperimentError::Plan(
                "/faq_id",
                format!("there is no FAQ {id}"),
            )),
        }
    }

    async fn write(&self, workspace: &WorkspaceId, row: FaqRow) -> Result<(), ExperimentError> {
        let source = row.into_source().map_err(LearnError::from)?;
        let write = Write::Put {
            source: Box::new(source),
            origin: None,
        };
        self.store.record(workspace, vec![write]).await?;
        self.trials.follower.wake();
        Ok(())
    }

    /// How the experiments stand; those that are decided by now are decided.
    pub async fn experiments(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<Vec<Standing>, ExperimentError> {
        let mut standings = Vec::new();
        for experiment in self.store.experiments(workspace, false).await? {
            standings.push(self.look(workspace, experiment).await?);
        }
        Ok(standings)
    }

    /// Looks at an experiment: takes out arms that do harm, ends it where an arm is surely better or enough were asked.
    async fn look(
        &self,
        workspace: &WorkspaceId,
        mut experiment: Experiment,
    ) -> Result<Standing, ExperimentError> {
        let results = self.results(workspace, &experiment).await?;
        if experiment.state != ExperimentState::Running {
            return Ok(Standing {
                experiment,
                results,
            });
        }
        // Each arm is compared with the first, for success and for harm: Bonferroni over the comparisons.
        let alpha = experiment.alpha / (results.len() - 1) as f64;
        let rate = |n: usize, of: usize| n as f64 / of.max(1) as f64;
        let first = &results[0];
        let mut changed = false;
        for (arm, result) in results.iter().enumerate().skip(1) {
            let does_harm = result.harm_e_value >= 1.0 / alpha
                && rate(result.harms, result.known) > rate(first.harms, first.known);
            if does_harm && !experiment.out.contains(&arm) {
                experiment.out.push(arm);
                changed = true;
            }
        }
        let better = |arm: usize| {
            let result = &results[arm];
            rate(result.successes, result.known) > rate(first.successes, first.known)
        };
        let called =
            |arm: &usize| results[*arm].e_value >= 1.0 / alpha && !experiment.out.contains(arm);
        let arms = 1..results.len();
        let winners = arms.clone().filter(called).filter(|arm| better(*arm));
        let best = winners.max_by(|a, b| {
            let of = |arm: usize| rate(results[arm].successes, results[arm].known);
            of(*a).total_cmp(&of(*b))
        });
        let losers = arms
            .clone()
            .filter(|arm| experiment.out.contains(arm) || called(arm) && !better(*arm))
            .count();
        let is_full = results
            .iter()
            .enumerate()
            .all(|(arm, r)| r.known >= experiment.max_customers || experiment.out.contains(&arm));
        let end = match (best, losers == results.len() - 1) {
            (Some(arm), _) => Some((ExperimentState::Decided, Some(arm), "an arm is better")),
            (None, true) if experiment.out.len() == losers => Some((
                ExperimentState::Stopped,
                None,
                "guard rail: every other arm does harm",
            )),
            (None, true) => Some((
                ExperimentState::Decided,
                Some(0),
                "what is live is better than every other arm",
            )),
            (None, false) if is_full => Some((
                ExperimentState::Stopped,
                None,
                "no difference among as many customers as planned",
            )),
            _ => None,
        };
        if let Some((state, winner, reason)) = end {
            experiment.state = state;
            experiment.winner = winner;
            experiment.reason = Some(reason.to_owned());
            changed = true;
            // Nobody is in an arm any more. A winner's answer is put in force from the experiment itself.
            self.without_arms(workspace, &experiment, None).await?;
        }
        if changed {
            self.store.put_experiment(workspace, &experiment).await?;
            self.answerer.rules().forget(workspace);
            let detail = serde_json::json!({ "state": experiment.state, "winner": experiment.winner, "out": experiment.out });
            self.store
                .audit(
                    workspace,
                    "rule",
                    "experiment.look",
                    &experiment.id,
                    &detail,
                )
                .await?;
        }
        let promotes = self.store.learning(workspace).await?.auto_promote;
        if experiment.state == ExperimentState::Decided && promotes && changed {
            experiment = self.promote(workspace, &experiment.id, "rule").await?;
        }
        Ok(Standing {
            experiment,
            results,
        })
    }

    async fn results(
        &self,
        workspace: &WorkspaceId,
        experiment: &Experiment,
    ) -> Result<Vec<ArmResult>, ExperimentError> {
        let n = experiment.arms.len();
        let mut results: Vec<ArmResult> = experiment
            .arms
            .iter()
            .map(|arm| ArmResult {
                name: arm.name.clone(),
                ..ArmResult::default()
            })
            .collect();
        let mut tests = vec![(SequentialTest::default(), SequentialTest::default()); n];
        let hours = SignedDuration::from_hours(i64::from(self.config.reopen_hours));
        let now = self.store.now();
        for exposure in self.store.exposures(workspace, &experiment.id).await? {
            let Some(result) = results.get_mut(exposure.arm) else {
                continue;
            };
            result.shown += 1;
            // Nobody came back and nobody complained: then it went as the answer says.
            let success = match exposure.success {
                Some(success) => Some(success && !exposure.harm),
                None if now.duration_since(exposure.at) >= hours => {
                    let answer = self.store.answer(workspace, &exposure.answer_id).await?;
                    answer.map(|(turn, _)| turn.answer.outcome == Outcome::Answered)
                }
                None => None,
            };
            let Some(success) = success else { continue };
            result.known += 1;
            result.successes += usize::from(success);
            result.harms += usize::from(exposure.harm);
            // What the first arm's customers did counts in every comparison.
            let of = if exposure.arm == 0 {
                1..n
            } else {
                exposure.arm..exposure.arm + 1
            };
            for (of_success, of_harm) in &mut tests[of] {
                let side = usize::from(exposure.arm > 0);
                of_success.take(side, success);
                of_harm.take(side, exposure.harm);
            }
        }
        for (result, (success, harm)) in results.iter_mut().zip(&tests) {
            result.e_value = success.e_value();
            result.harm_e_value = harm.e_value();
        }
        Ok(results)
    }

    /// Ends an experiment without a winner.
    pub async fn stop(
        &self,
        workspace: &WorkspaceId,
        id: &str,
        by: &str,
    ) -> Result<Experiment, ExperimentError> {
        let mut experiment = self.experiment(workspace, id).await?;
        if experiment.state != ExperimentState::Running {
            return Err(ExperimentError::State(format!(
                "it is {}",
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

    /// Puts the winner in force: the FAQ's answer, or the workspace's settings.
    pub async fn promote(
        &self,
        workspace: &WorkspaceId,
        id: &str,
        by: &str,
    ) -> Result<Experiment, ExperimentError> {
        let experiment = self.experiment(workspace, id).await?;
        let Some(winner) = experiment.winner else {
            return Err(ExperimentError::State("it has no winner".to_owned()));
        };
        let arm = &experiment.arms[winner];
        self.without_arms(workspace, &experiment, arm.answer.as_deref())
            .await?;
        if let Some(tuning) = arm.tuning {
            let before = self.in_force(workspace).await?;
            self.put_tuning(workspace, tuning.or(before), by, &experiment.id)
                .await?;
        }
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
        self.answerer.rules().forget(workspace);
        let detail =
            serde_json::json!({ "winner": experiment.winner, "reason": experiment.reason });
        self.store
            .audit(workspace, by, action, &experiment.id, &detail)
            .await?;
        Ok(())
    }

    /// Takes the arms' answers out of the FAQ, and puts one in the place of the live one.
    async fn without_arms(
        &self,
        workspace: &WorkspaceId,
        experiment: &Experiment,
        answer: Option<&str>,
    ) -> Result<(), ExperimentError> {
        let Some(faq) = &experiment.faq_id else {
            return Ok(());
        };
        let mut row = self.faq(workspace, faq).await?;
        let prefix = arms_of(experiment);
        let before = row.answers.clone();
        row.answers.retain(|answer| !is_of(answer, &prefix));
        if let (Some(text), Some(live)) = (answer, row.answers.first_mut()) {
            text.clone_into(&mut live.text);
        }
        match row.answers == before {
            true => Ok(()),
            false => self.write(workspace, row).await,
        }
    }
}

/// How the audiences of an experiment's arms begin.
fn arms_of(experiment: &Experiment) -> String {
    format!("experiment:{}.", experiment.id)
}

fn is_of(answer: &FaqAnswer, prefix: &str) -> bool {
    answer.audience.iter().any(|name| name.starts_with(prefix))
}
