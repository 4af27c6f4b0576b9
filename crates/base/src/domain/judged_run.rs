//! Runs of the judged questions: each question's answer, and what each level would do.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{JudgedQuestion, Level, Outcome, QuestionKind, Reason, Revision};

/// A run of all judged questions of a workspace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgedRun {
    /// Its id, which is also the id of its job. Ids are in order of time.
    pub id: String,
    /// When it was requested.
    pub created_at: Timestamp,
    /// The settings that it was asked with.
    pub settings: RunSettings,
    /// The totals; `None` until every question was asked.
    pub totals: Option<RunTotals>,
    /// When the totals were computed.
    pub finished_at: Option<Timestamp>,
}

/// The settings and the knowledge that a run is asked with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunSettings {
    /// The level of the workspace, or that of the service if the workspace has none.
    pub level: Level,
    /// The least confidence for an answer, in [0, 1]. It is that of `level`, unless the configuration or learning sets
    /// another one.
    pub min_confidence: f32,
    /// The revision of the knowledge when the run was requested.
    pub revision: Revision,
    /// How many questions it asks.
    pub n_questions: usize,
}

/// What an answer to a judged question is, by judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "An answerable question is answered as expected (`right`), answered otherwise (`wrong`) or not answered \
                   (`refused`). A question that must not be answered is not answered (`rightly_refused`) or answered \
                   (`falsely_answered`)."
)]
pub enum Judgement {
    /// An answerable question is answered as expected.
    Right,
    /// An answerable question is answered otherwise.
    Wrong,
    /// An answerable question is not answered.
    Refused,
    /// A question that must not be answered is not answered.
    RightlyRefused,
    /// A question that must not be answered is answered.
    FalselyAnswered,
}

/// What a level would do with a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LevelJudgement {
    /// The level.
    pub level: Level,
    /// What its answer would be.
    pub judgement: Judgement,
}

/// The parts of an answer that are judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JudgedReply {
    /// The outcome.
    pub outcome: Outcome,
    /// Why the answer contains nothing from the knowledge base.
    pub reason: Option<Reason>,
    /// The whole reply.
    pub text: String,
    /// The documents that it cites, in order of use.
    pub document_ids: Vec<String>,
}

/// One question of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JudgedRow {
    /// The judged question with its expectations, as it was when the run was requested.
    pub expected: JudgedQuestion,
    /// The answer.
    pub got: JudgedReply,
    /// Whether the answer meets all expectations.
    pub met: bool,
    /// Estimated probability that the evidence answers the question, in [0, 1].
    pub confidence: f32,
    /// What the answer is; null for a question that is expected to be clarified or handed off, which no total by level
    /// counts.
    pub judgement: Option<Judgement>,
    /// What each level would do, strictest first; empty if `judgement` is null.
    pub by_level: Vec<LevelJudgement>,
}

/// Counts of questions that must not be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct UnanswerableCounts {
    /// How many are answered.
    pub n_answered: usize,
    /// How many are not answered.
    pub n_refused: usize,
}

/// The price of a level: what it does with the judged questions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LevelCounts {
    /// The level.
    pub level: Level,
    /// Answerable questions that are answered as expected.
    pub n_right: usize,
    /// Answerable questions that are answered otherwise.
    pub n_wrong: usize,
    /// Answerable questions that are not answered.
    pub n_refused: usize,
    /// Questions that must not be answered and are not.
    pub n_rightly_refused: usize,
    /// Questions that must not be answered and are.
    pub n_falsely_answered: usize,
    /// Of the last two, the near misses.
    pub near_misses: UnanswerableCounts,
    /// Of them, the foreign questions.
    pub foreign: UnanswerableCounts,
}

impl LevelCounts {
    /// Counts nothing yet.
    pub fn new(level: Level) -> Self {
        Self {
            level,
            n_right: 0,
            n_wrong: 0,
            n_refused: 0,
            n_rightly_refused: 0,
            n_falsely_answered: 0,
            near_misses: UnanswerableCounts::default(),
            foreign: UnanswerableCounts::default(),
        }
    }

    /// Counts one question.
    pub fn count(&mut self, judgement: Judgement, kind: Option<QuestionKind>) {
        *match judgement {
            Judgement::Right => &mut self.n_right,
            Judgement::Wrong => &mut self.n_wrong,
            Judgement::Refused => &mut self.n_refused,
            Judgement::RightlyRefused => &mut self.n_rightly_refused,
            Judgement::FalselyAnswered => &mut self.n_falsely_answered,
        } += 1;
        let of_kind = match kind {
            Some(QuestionKind::NearMiss) => &mut self.near_misses,
            Some(QuestionKind::Foreign) => &mut self.foreign,
            Some(QuestionKind::Answerable) | None => return,
        };
        match judgement {
            Judgement::FalselyAnswered => of_kind.n_answered += 1,
            _ => of_kind.n_refused += 1,
        }
    }
}

/// The totals of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunTotals {
    /// How many questions were asked.
    pub n_asked: usize,
    /// How many answers meet all expectations.
    pub n_met: usize,
    /// How many questions are answerable, by judgement.
    pub n_answerable: usize,
    /// How many questions must not be answered, by judgement.
    pub n_unanswerable: usize,
    /// What each level does, strictest first.
    pub by_level: Vec<LevelCounts>,
    /// The expected calibration error of confidence, in [0, 1].
    pub calibration_error: f64,
    /// The finished run before this one; null for the first.
    pub previous_id: Option<String>,
    /// Ids of the questions that were met in the previous run and are not met in this one. Only questions with unchanged
    /// expectations are compared.
    pub newly_broken: Vec<String>,
    /// Ids of the questions that were not met in the previous run and are met in this one.
    pub newly_met: Vec<String>,
}
