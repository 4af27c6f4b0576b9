//! May a question be answered? Decided from the evidence before anything is worded.

mod features;
mod model;

use serde::Serialize;

use crate::config::{AnswerConfig, Level};
use crate::domain::Evidence;

pub use features::content;
pub use features::{Features, N as N_FEATURES, NAMES as FEATURES};
pub use model::{CLIP, Model, ModelError, Weight};

/// What is decided of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Answer,
    Refuse,
}

/// The decision whether to answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    pub decision: Decision,
    /// The estimated probability that the evidence answers the question.
    pub confidence: f32,
}

/// The most that can be hoped for where nothing speaks of what is asked: below every level.
const UNSAID: f32 = 0.1;

/// Decides from evidence alone: a model over [`Features`], and a threshold.
pub struct Admission {
    model: Model,
    level: Level,
    min_confidence: Option<f32>,
}

impl Admission {
    pub fn new(config: &AnswerConfig) -> Result<Self, ModelError> {
        let model = match &config.model {
            Some(file) => Model::read(file)?,
            None => Model::shipped(),
        };
        Ok(Self {
            model,
            level: config.level,
            min_confidence: config.min_confidence,
        })
    }

    /// The least confidence with which a question is answered: a workspace's own level, else what is configured.
    pub fn min_confidence(&self, level: Option<Level>) -> f32 {
        match (level, self.min_confidence) {
            (None, Some(least)) => least,
            (level, _) => least_of(level.unwrap_or(self.level)),
        }
    }

    /// Pure. No evidence is never admitted.
    pub fn judge(
        &self,
        features: &Features,
        evidence: &[Evidence],
        min_confidence: f32,
    ) -> Verdict {
        let confidence = match evidence.is_empty() {
            true => 0.0,
            false if features.lacks_property() => self.model.confidence(features).min(UNSAID),
            false => self.model.confidence(features),
        };
        let decision = match !evidence.is_empty() && confidence >= min_confidence {
            true => Decision::Answer,
            false => Decision::Refuse,
        };
        Verdict {
            decision,
            confidence,
        }
    }
}

/// What a level comes to in confidence. What each answers on the development sets stands in docs/quality.md.
pub fn least_of(level: Level) -> f32 {
    match level {
        Level::VeryStrict => 0.70,
        Level::Strict => 0.50,
        Level::Balanced => 0.28,
        Level::Lenient => 0.22,
        Level::VeryLenient => 0.15,
    }
}
