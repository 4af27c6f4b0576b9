//! Runs of the judged questions as jobs of the durable queue: each question is asked once, and its search and reading
//! also show what every level would do with it. So the price of a level is known on the workspace's own questions.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Uuid;

use crate::measures::{JudgedDecision, ReliabilityBin, calibration_error, reliability};
use ken_answer::answer::{AnswerError, Answerer, AnswersByLevel};
use ken_base::domain::{
    Answer, JudgedQuestion, JudgedReply, JudgedRow, Judgement, Level, LevelCounts, LevelJudgement,
    Outcome, RunSettings, RunTotals, WorkspaceId,
};
use ken_knowledge::editing::impact::{as_question, is_met, reply_of};
use ken_knowledge::jobs::{LONG_WORK, fail, next_item};
use ken_store::queue::{self, Handler, Policy, WorkFailure, WorkProgress};
use ken_store::store::{JobItem, Store, StoreError};

/// The queue's name, and the job's kind, for asking the judged questions.
pub const JUDGED_RUN: &str = "judged_run";

/// The queue's payload of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgedRunJob {
    /// The id of the run and of its job.
    pub job: String,
}

/// Why a run cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is nothing to ask.
    #[error("the workspace has no judged questions; add one first")]
    NoQuestions,
    /// Another run is unfinished.
    #[error("run {0} is not finished; wait for it or cancel its job")]
    Unfinished(String),
}

/// Asks the judged questions of workspaces. Each run of the work asks one question, so that workspaces take turns.
pub struct JudgedRuns {
    store: Store,
    answerer: Answerer,
}

impl JudgedRuns {
    /// Joins the parts that runs need.
    pub fn new(store: Store, answerer: Answerer) -> Self {
        Self { store, answerer }
    }

    /// Requests a run of all judged questions, at the settings in force. Returns its id, which is also its job's. The run
    /// is durable when this returns.
    ///
    /// # Errors
    /// [`RunError::NoQuestions`], [`RunError::Unfinished`], or [`RunError::Store`] if the store fails.
    pub async fn enqueue(
        store: &Store,
        answerer: &Answerer,
        workspace: &WorkspaceId,
    ) -> Result<String, RunError> {
        let questions = store.judged_questions(workspace).await?;
        if questions.is_empty() {
            return Err(RunError::NoQuestions);
        }
        let (level, min_confidence) = answerer.threshold_in_force(workspace).await?;
        let settings = RunSettings {
            level,
            min_confidence,
            revision: store.revision(workspace).await?,
            n_questions: questions.len(),
        };
        let id = format!("run_{}", Uuid::now_v7().simple());
        let payload = JudgedRunJob { job: id.clone() };
        let work = queue::work(JUDGED_RUN, &id, &payload);
        let added = store.add_judged_run(workspace, (&id, JUDGED_RUN), &settings, &questions, work);
        match added.await? {
            Some(unfinished) => Err(RunError::Unfinished(unfinished)),
            None => Ok(id),
        }
    }

    /// Asks the next question, or computes the totals after the last one.
    async fn next(&self, workspace: &WorkspaceId, run: &str) -> Result<WorkProgress, AnswerError> {
        let Some((item, bytes)) = next_item(&self.store, workspace, run).await? else {
            self.finish(workspace, run).await?;
            return Ok(WorkProgress::Done);
        };
        match self.ask(workspace, &bytes).await {
            Ok(row) => {
                let detail = match row.met {
                    true => "met",
                    false => "not met",
                };
                self.store
                    .record_judged_row(workspace, run, item.ordinal, &row, detail)
                    .await?;
            }
            Err(AskError::Invalid(reason)) => self.skip(workspace, run, &item, &reason).await?,
            Err(AskError::Answer(error)) => return Err(error),
        }
        Ok(WorkProgress::More)
    }

    async fn ask(&self, workspace: &WorkspaceId, bytes: &[u8]) -> Result<JudgedRow, AskError> {
        let expected: JudgedQuestion =
            serde_json::from_slice(bytes).map_err(|error| AskError::Invalid(error.to_string()))?;
        let question = as_question(&expected, &expected.question, None)
            .map_err(|error| AskError::Invalid(error.to_string()))?;
        let answers = self
            .answerer
            .reply_at_each_level(workspace, &question)
            .await
            .map_err(AskError::Answer)?;
        Ok(row(expected, answers))
    }

    /// Fails the item of a question that cannot be asked. The others are still asked.
    async fn skip(
        &self,
        workspace: &WorkspaceId,
        run: &str,
        item: &JobItem,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.store
            .finish_job_item(workspace, run, item.ordinal, "failed", reason)
            .await
    }

    /// Computes and records the totals. Does nothing if the job was cancelled.
    async fn finish(&self, workspace: &WorkspaceId, run: &str) -> Result<(), StoreError> {
        let rows = self.store.judged_rows(workspace, run).await?;
        let previous_id = self.store.previous_judged_run(workspace, run).await?;
        let previous = match &previous_id {
            Some(id) => self.store.judged_rows(workspace, id).await?,
            None => Vec::new(),
        };
        let totals = totals(&rows, previous_id, &previous);
        self.store
            .finish_judged_run(workspace, run, &totals)
            .await?;
        Ok(())
    }
}

/// Why a question got no row.
enum AskError {
    /// The question cannot be asked.
    Invalid(String),
    /// The search or the store failed.
    Answer(AnswerError),
}

/// What an answer is, by judgement; `None` if the question is expected to be clarified or handed off.
fn judge(expected: &JudgedQuestion, answer: &Answer) -> Option<Judgement> {
    let is_answered = answer.outcome == Outcome::Answered;
    Some(match (expected.is_answerable()?, is_answered) {
        (true, true) if is_met(expected, &reply_of(answer.clone())) => Judgement::Right,
        (true, true) => Judgement::Wrong,
        (true, false) => Judgement::Refused,
        (false, true) => Judgement::FalselyAnswered,
        (false, false) => Judgement::RightlyRefused,
    })
}

fn row(expected: JudgedQuestion, answers: AnswersByLevel) -> JudgedRow {
    let answer = answers.explained.answer;
    let judged = answers.by_level.into_iter().filter_map(|(level, answer)| {
        let judgement = judge(&expected, &answer)?;
        Some(LevelJudgement { level, judgement })
    });
    let by_level = judged.collect();
    let judgement = judge(&expected, &answer);
    let (confidence, reason) = (answer.confidence, answer.reason);
    let reply = reply_of(answer);
    JudgedRow {
        met: is_met(&expected, &reply),
        got: JudgedReply {
            outcome: reply.outcome,
            reason,
            text: reply.text,
            document_ids: reply.document_ids,
        },
        expected,
        confidence,
        judgement,
        by_level,
    }
}

/// Confidence and the share of answerable questions, in bins of confidence. Questions that are expected to be clarified
/// or handed off do not count.
pub fn reliability_of(rows: &[JudgedRow]) -> Vec<ReliabilityBin> {
    reliability(&decisions(rows))
}

fn decisions(rows: &[JudgedRow]) -> Vec<JudgedDecision> {
    let decision = |row: &JudgedRow| {
        Some(JudgedDecision {
            answerable: row.expected.is_answerable()?,
            confidence: row.confidence,
            answered: row.got.outcome == Outcome::Answered,
        })
    };
    rows.iter().filter_map(decision).collect()
}

/// The totals of a run, compared with the rows of the previous one.
fn totals(rows: &[JudgedRow], previous_id: Option<String>, previous: &[JudgedRow]) -> RunTotals {
    let mut by_level = Level::ALL.map(LevelCounts::new);
    for row in rows {
        for at in &row.by_level {
            let counts = by_level.iter_mut().find(|counts| counts.level == at.level);
            if let Some(counts) = counts {
                counts.count(at.judgement, row.expected.kind);
            }
        }
    }
    let before: HashMap<&str, &JudgedRow> = previous
        .iter()
        .map(|row| (row.expected.id.as_str(), row))
        .collect();
    let changed_to = |met: bool| {
        let is_changed = |row: &&JudgedRow| {
            let before = before.get(row.expected.id.as_str());
            row.met == met && before.is_some_and(|b| b.met != met && b.expected == row.expected)
        };
        let ids = rows.iter().filter(is_changed);
        ids.map(|row| row.expected.id.clone()).collect()
    };
    let decisions = decisions(rows);
    let n_answerable = decisions.iter().filter(|d| d.answerable).count();
    RunTotals {
        n_asked: rows.len(),
        n_met: rows.iter().filter(|row| row.met).count(),
        n_answerable,
        n_unanswerable: decisions.len() - n_answerable,
        by_level: by_level.into(),
        calibration_error: calibration_error(&decisions),
        previous_id,
        newly_broken: changed_to(false),
        newly_met: changed_to(true),
    }
}

impl Handler for JudgedRuns {
    type Payload = JudgedRunJob;
    const KIND: &'static str = JUDGED_RUN;

    fn policy(&self) -> Policy {
        LONG_WORK
    }

    async fn run(
        &self,
        workspace: WorkspaceId,
        job: JudgedRunJob,
        mut stopped: watch::Receiver<bool>,
    ) -> Result<WorkProgress, WorkFailure> {
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => Ok(WorkProgress::More),
            worked = self.next(&workspace, &job.job) => {
                worked.map_err(|error| WorkFailure::Transient(error.to_string()))
            }
        }
    }

    async fn failed(
        &self,
        workspace: &str,
        job: &JudgedRunJob,
        error: &str,
    ) -> Result<(), StoreError> {
        fail(&self.store, workspace, &job.job, error).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ken_base::domain::QuestionKind;

    /// A row by its id, kind, confidence, whether it is met, and what each level does.
    fn row(
        id: &str,
        kind: QuestionKind,
        confidence: f32,
        met: bool,
        by_level: [Judgement; 5],
    ) -> JudgedRow {
        let mut levels = Level::ALL.into_iter().zip(by_level);
        JudgedRow {
            expected: JudgedQuestion {
                id: id.to_owned(),
                question: format!("{id}?"),
                kind: Some(kind),
                ..JudgedQuestion::default()
            },
            got: JudgedReply {
                outcome: Outcome::Answered,
                reason: None,
                text: String::new(),
                document_ids: Vec::new(),
            },
            met,
            confidence,
            judgement: Some(by_level[2]),
            by_level: levels
                .by_ref()
                .map(|(level, judgement)| LevelJudgement { level, judgement })
                .collect(),
        }
    }

    #[test]
    fn totals_match_hand_calculation() {
        use Judgement::{FalselyAnswered, Refused, Right, RightlyRefused, Wrong};
        let rows = [
            row(
                "a",
                QuestionKind::Answerable,
                0.8,
                true,
                [Refused, Right, Right, Right, Right],
            ),
            row(
                "b",
                QuestionKind::Answerable,
                0.6,
                false,
                [Refused, Refused, Wrong, Wrong, Wrong],
            ),
            row(
                "c",
                QuestionKind::NearMiss,
                0.6,
                false,
                [
                    RightlyRefused,
                    RightlyRefused,
                    FalselyAnswered,
                    FalselyAnswered,
                    FalselyAnswered,
                ],
            ),
            row("d", QuestionKind::Foreign, 0.1, true, [RightlyRefused; 5]),
        ];
        let mut previous = rows.clone();
        previous[0].met = false;
        previous[1].met = true;
        // Its expectation has changed since, so the two are not compared.
        previous[2].met = true;
        previous[2].expected.question = "another?".to_owned();
        let totals = totals(&rows, Some("run_0".to_owned()), &previous[..3]);
        assert_eq!((totals.n_asked, totals.n_met), (4, 2));
        assert_eq!((totals.n_answerable, totals.n_unanswerable), (2, 2));
        assert_eq!(totals.newly_met, ["a"]);
        assert_eq!(totals.newly_broken, ["b"]);
        let strictest = &totals.by_level[0];
        assert_eq!(
            (
                strictest.level,
                strictest.n_refused,
                strictest.n_rightly_refused
            ),
            (Level::VeryStrict, 2, 2)
        );
        let balanced = &totals.by_level[2];
        assert_eq!(
            (
                balanced.n_right,
                balanced.n_wrong,
                balanced.n_falsely_answered
            ),
            (1, 1, 1)
        );
        assert_eq!(
            (balanced.near_misses.n_answered, balanced.foreign.n_refused),
            (1, 1)
        );
        // Bins .8 to .9 (one, answerable), .6 to .7 (two, one answerable), .1 to .2 (one, not).
        let expected = (0.2 + 0.2 + 0.1) / 4.0;
        assert!(
            (totals.calibration_error - expected).abs() < 1e-6,
            "{totals:?}"
        );
    }
}
