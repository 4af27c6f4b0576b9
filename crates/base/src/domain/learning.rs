use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DocumentId, Outcome};

/// Settings of the way from question to answer that a workspace has of its own; the service's where absent.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tuning {
    /// How much words count, and that they stand together, in [0, 1] and together below 1. Either both or none.
    pub keyword_share: Option<f32>,
    /// The weight of proximity, in [0, 1].
    pub proximity_share: Option<f32>,
    /// The least confidence with which a question is answered, in [0, 1].
    pub min_confidence: Option<f32>,
}

impl Tuning {
    /// What this says, and what the other says where this says nothing.
    pub fn or(self, other: Self) -> Self {
        Self {
            keyword_share: self.keyword_share.or(other.keyword_share),
            proximity_share: self.proximity_share.or(other.proximity_share),
            min_confidence: self.min_confidence.or(other.min_confidence),
        }
    }

    /// What is wrong with it.
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

/// The settings that a workspace has learned, and those before; one value in the store, so that both change together.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tunings {
    pub in_force: Tuning,
    /// Oldest first.
    pub earlier: Vec<Tuning>,
}

impl Tunings {
    /// Its name among the store's settings.
    pub const NAME: &str = "tuning";
}

/// What an agent did with an answer that was suggested to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "What the agent did with a suggested answer: `accepted` it, `edited` it, or `ignored` it."
)]
pub enum AgentAction {
    Accepted,
    Edited,
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
    /// What it says is not so.
    Wrong,
    Outdated,
    /// It answers another question.
    Irrelevant,
    Incomplete,
    Unclear,
    Other,
}

/// What somebody said of an answer.
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
    /// The document that should have answered.
    pub corrected_document_id: Option<DocumentId>,
    /// What an agent did with the answer.
    pub agent_action: Option<AgentAction>,
    /// 1 to 5.
    pub csat: Option<u8>,
    /// Whether the customer came back about it.
    pub reopened: bool,
    /// Whether the customer complained.
    pub complaint: bool,
    /// A hash of who said it, so that nobody counts twice.
    pub customer: Option<String>,
    /// When it was given.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Of the answer: without personal data.
    pub question: String,
    /// The outcome of the answer.
    pub outcome: Outcome,
    /// The confidence of the answer, in [0, 1].
    pub confidence: f32,
    /// The documents that the answer cited, each as `[id, version]`.
    pub cited: Vec<(DocumentId, i64)>,
}

impl Feedback {
    /// Whether it speaks for the answer, where it says anything of that.
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

/// What an arm of an experiment serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// The arm's name, 1 to 128 characters.
    pub name: String,
    /// Of an experiment about an FAQ: its answer. The first arm is what is live and names none.
    #[serde(default)]
    pub answer: Option<String>,
    /// Of an experiment about settings.
    #[serde(default)]
    pub tuning: Option<Tuning>,
}

/// How far an experiment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`running`: customers see its arms. `stopped`: ended without a winner, or by a guard rail. `decided`: it has a winner, which is \
     not in force yet. `promoted`: the winner is in force."
)]
pub enum ExperimentState {
    Running,
    /// Ended without a winner, or by a guard rail.
    Stopped,
    Decided,
    /// The winner is in force.
    Promoted,
}

impl ExperimentState {
    pub fn as_str(self) -> &'static str {
        match self {
            ExperimentState::Running => "running",
            ExperimentState::Stopped => "stopped",
            ExperimentState::Decided => "decided",
            ExperimentState::Promoted => "promoted",
        }
    }
}

/// Two or more ways of answering, served side by side. The first arm is what is live.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Experiment {
    /// The experiment's id.
    pub id: String,
    /// How far it is.
    pub state: ExperimentState,
    /// The FAQ it is about; settings where absent.
    pub faq_id: Option<DocumentId>,
    /// The FAQ's live answer when it began.
    #[serde(default)]
    pub live: Option<String>,
    /// What is compared; the first arm is what is live.
    pub arms: Vec<Arm>,
    /// The greatest probability of calling a winner, a loser or a harm where there is no difference, over all arms and looks.
    pub alpha: f64,
    /// Customers an arm, after which it ends without a winner.
    pub max_customers: usize,
    /// The arm that won, from 0.
    pub winner: Option<usize>,
    /// Why it ended.
    pub reason: Option<String>,
    /// Arms that a guard rail has taken out, from 0.
    #[serde(default)]
    pub out: Vec<usize>,
    /// Whether it was decided under a rule that puts the winner in force, and the winner is neither that nor refused yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub to_promote: bool,
}

impl Experiment {
    /// The audience that sees an arm's answer.
    pub fn audience(&self, arm: usize) -> String {
        format!("experiment:{}.{arm}", self.id)
    }

    /// The arm a customer is in, always the same; of those still in.
    pub fn arm_of(&self, customer: &str) -> usize {
        let digest = crate::digest::sha256_hex([self.id.as_bytes(), customer.as_bytes()]);
        let number = u64::from_str_radix(&digest[..15], 16).expect("it is hexadecimal");
        let arm = (number % self.arms.len() as u64) as usize;
        if self.out.contains(&arm) { 0 } else { arm }
    }
}

/// How somebody fared in an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    pub customer: String,
    pub arm: usize,
    pub at: Timestamp,
    /// Whether there was an answer.
    pub answered: bool,
    /// What was said of it first, and when.
    pub said: Option<(bool, Timestamp)>,
    /// When they first complained or wished for a person.
    pub harmed_at: Option<Timestamp>,
}
