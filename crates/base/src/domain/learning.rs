//! Learned settings, feedback, and experiments with their arms and participants.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DocumentId, Outcome};

/// Pipeline settings of a workspace; empty fields fall back to those of the service.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tuning {
    /// Weights of keyword match and term proximity, 0 to 1, sum below 1. Set both or neither.
    pub keyword_share: Option<f32>,
    /// Weight of term proximity, 0 to 1.
    pub proximity_share: Option<f32>,
    /// Minimum confidence to answer, 0 to 1.
    pub min_confidence: Option<f32>,
}

impl Tuning {
    /// These settings; fields that are not set come from `other`.
    pub fn or(self, other: Self) -> Self {
        Self {
            keyword_share: self.keyword_share.or(other.keyword_share),
            proximity_share: self.proximity_share.or(other.proximity_share),
            min_confidence: self.min_confidence.or(other.min_confidence),
        }
    }

    /// A message if a value is out of range or only one share is set; `None` if the settings are valid.
    pub fn fault(&self) -> Option<String> {
        let shares = [self.keyword_share, self.proximity_share];
        let in_range = |value: Option<f32>| value.is_none_or(|value| (0.0..=1.0).contains(&value));
        let sum: f32 = shares.iter().flatten().sum();
        if shares[0].is_some() != shares[1].is_some()
            || !shares.into_iter().all(in_range)
            || sum >= 1.0
        {
            return Some("expected keyword_share and proximity_share, both in 0 to 1 and together below 1, or neither".to_owned());
        }
        (!in_range(self.min_confidence)).then(|| "expected a min_confidence in 0 to 1".to_owned())
    }
}

/// Learned settings of a workspace and their history; one value in the store, so both change atomically.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TuningHistory {
    /// The settings in force.
    pub in_force: Tuning,
    /// Former settings, oldest first.
    pub earlier: Vec<Tuning>,
}

impl TuningHistory {
    /// Name of this setting in the store.
    pub const NAME: &str = "tuning";
}

/// What an agent did with a suggested answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "What the agent did with a suggested answer: `accepted` it, `edited` it, or `ignored` it."
)]
pub enum AgentAction {
    /// The agent sent it as it was.
    Accepted,
    /// The agent changed it.
    Edited,
    /// The agent did not use it.
    Ignored,
}

/// Why an answer did not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`wrong`: the answer is not true. `outdated`: it was true once. `irrelevant`: it answers another question. `incomplete`: \
     something is missing. `unclear`: it is hard to understand. `other`: another reason."
)]
pub enum FeedbackReason {
    /// The statement is false.
    Wrong,
    /// It was true once.
    Outdated,
    /// It answers another question.
    Irrelevant,
    /// Something is missing.
    Incomplete,
    /// It is hard to understand.
    Unclear,
    /// Another reason.
    Other,
}

/// Feedback on an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Feedback {
    /// The feedback's id.
    pub id: String,
    /// The answer that it is about.
    pub answer_id: String,
    /// Whether the answer helped.
    pub helpful: Option<bool>,
    /// Why the answer did not help.
    pub reason: Option<FeedbackReason>,
    /// The comment, without personal data.
    pub comment: Option<String>,
    /// The answer that should have been given, without personal data.
    pub corrected_answer: Option<String>,
    /// Document that should have been cited.
    pub corrected_document_id: Option<DocumentId>,
    /// The agent's use of the answer.
    pub agent_action: Option<AgentAction>,
    /// The customer's rating, 1 to 5.
    pub csat: Option<u8>,
    /// Whether the customer contacted support again about the same issue.
    pub reopened: bool,
    /// Whether the customer complained.
    pub complaint: bool,
    /// Hash of the author, to count each person once.
    pub customer: Option<String>,
    /// When it was given.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Question of the answer, without personal data.
    pub question: String,
    /// The outcome of the answer.
    pub outcome: Outcome,
    /// The confidence of the answer, in [0, 1].
    pub confidence: f32,
    /// The documents that the answer cited, each as `[id, version]`.
    pub cited: Vec<(DocumentId, i64)>,
}

impl Feedback {
    /// Whether the feedback is positive; `None` if it is neutral. A reopened case or a complaint is negative. Otherwise
    /// `helpful` decides, then the action of the agent, then the rating (4 and 5 positive, 1 and 2 negative).
    pub fn verdict(&self) -> Option<bool> {
        if self.reopened || self.complaint {
            return Some(false);
        }
        self.helpful
            .or(match self.agent_action {
                Some(AgentAction::Accepted) => Some(true),
                Some(AgentAction::Ignored) => Some(false),
                _ => None,
            })
            .or(match self.csat {
                Some(4..) => Some(true),
                Some(..=2) => Some(false),
                _ => None,
            })
    }
}

/// An arm of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// The arm's name, 1 to 128 characters.
    pub name: String,
    /// FAQ experiments: the answer. The first arm is the live state and has none.
    #[serde(default)]
    pub answer: Option<String>,
    /// Settings experiments: the settings.
    #[serde(default)]
    pub tuning: Option<Tuning>,
}

/// State of an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`running`: customers see its arms. `stopped`: ended without a winner, or by a guard rail. `decided`: it has a winner, which is \
     not in force yet. `promoted`: the winner is in force."
)]
pub enum ExperimentState {
    /// Customers see its arms.
    Running,
    /// Stopped without a winner, or by a guardrail.
    Stopped,
    /// It has a winner that is not live yet.
    Decided,
    /// The winner is live.
    Promoted,
}

impl ExperimentState {
    /// Name in the API and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            ExperimentState::Running => "running",
            ExperimentState::Stopped => "stopped",
            ExperimentState::Decided => "decided",
            ExperimentState::Promoted => "promoted",
        }
    }
}

/// Two or more arms served side by side. The first arm is the live state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Experiment {
    /// The experiment's id.
    pub id: String,
    /// State of the experiment.
    pub state: ExperimentState,
    /// FAQ whose answers are compared; `None` if settings are compared.
    pub faq_id: Option<DocumentId>,
    /// Live answer of the FAQ at the start.
    #[serde(default)]
    pub live: Option<String>,
    /// The compared arms; the first one is the live state.
    pub arms: Vec<Arm>,
    /// Maximum probability of a false positive (winner, loser or harm) over all arms and looks.
    pub alpha: f64,
    /// Customers per arm after which the experiment ends without a winner.
    pub max_customers: usize,
    /// Index of the winning arm, from 0.
    pub winner: Option<usize>,
    /// Why it ended.
    pub reason: Option<String>,
    /// Indexes of the arms removed by a guardrail, from 0.
    #[serde(default)]
    pub out: Vec<usize>,
    /// Whether automatic promotion of the winner is pending.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub to_promote: bool,
}

impl Experiment {
    /// Name of the audience that sees the answer of an arm.
    pub fn audience(&self, arm: usize) -> String {
        format!("experiment:{}.{arm}", self.id)
    }

    /// Index of the arm of a customer, always the same. Customers of a removed arm get arm 0.
    pub fn arm_of(&self, customer: &str) -> usize {
        let digest = crate::digest::sha256_hex([self.id.as_bytes(), customer.as_bytes()]);
        let number = u64::from_str_radix(&digest[..15], 16).expect("it is hexadecimal");
        let arm = (number % self.arms.len() as u64) as usize;
        if self.out.contains(&arm) { 0 } else { arm }
    }
}

/// Outcome of one participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    /// The participant.
    pub customer: String,
    /// Index of the arm, from 0.
    pub arm: usize,
    /// When the arm was shown first.
    pub at: Timestamp,
    /// Whether the first reply was an answer.
    pub answered: bool,
    /// First feedback: positive or not, and when.
    pub rated: Option<(bool, Timestamp)>,
    /// Time of the first complaint or request for a person.
    pub harmed_at: Option<Timestamp>,
}
