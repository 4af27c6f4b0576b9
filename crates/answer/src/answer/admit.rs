//! Admission: decides from the evidence whether a question may be answered, before any text is composed.

mod features;
mod model;

use serde::Serialize;
use utoipa::ToSchema;

use ken_base::config::AnswerConfig;
use ken_base::domain::{Evidence, Level};

pub use features::{Features, N as N_FEATURES, NAMES as FEATURES};
pub use model::{AnswerabilityModel, CLIP, ModelError, ReadingModel, Weight};

/// The decision on a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(description = "Whether the evidence suffices to `answer`; otherwise `refuse`.")]
pub enum AnswerDecision {
    /// The evidence is good enough.
    Answer,
    /// The evidence is not good enough.
    Refuse,
}

/// A decision with its confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// The decision.
    pub decision: AnswerDecision,
    /// The estimated probability that the evidence answers the question, in [0, 1].
    pub confidence: f32,
}

impl Verdict {
    /// The verdict before any decision.
    pub const NONE: Self = Self {
        decision: AnswerDecision::Refuse,
        confidence: 0.0,
    };

    /// The verdict on an FAQ with the same question, word for word.
    pub const CERTAIN: Self = Self {
        decision: AnswerDecision::Answer,
        confidence: 1.0,
    };
}

/// The highest confidence by search if all that was found is about another model: below every level.
const ANOTHER: f32 = 0.1;

/// From this confidence on, a passage answers beyond doubt. It equals the strictest level.
const SETTLED: f32 = 0.9;

/// The least confidence in a section whose heading asks the question. With a reader it is enough for [`Level::Strict`].
const HEADING_ASKS: f32 = 0.8;

/// Decides from evidence alone: a model over [`Features`], and a threshold.
pub struct Admission {
    model: AnswerabilityModel,
    level: Level,
    min_confidence: Option<f32>,
    reads: bool,
}

impl Admission {
    /// Loads the model that `answer.model` names, or the shipped one.
    pub fn new(config: &AnswerConfig) -> Result<Self, ModelError> {
        let model = match &config.model {
            Some(file) => AnswerabilityModel::read(file)?,
            None => AnswerabilityModel::shipped(),
        };
        Ok(Self {
            model,
            level: config.level,
            min_confidence: config.min_confidence,
            reads: false,
        })
    }

    /// Sets whether a reader is used.
    pub fn reading(self, reads: bool) -> Self {
        Self { reads, ..self }
    }

    /// Returns a workspace's level, or the configured one if it has chosen none.
    pub fn level(&self, chosen: Option<Level>) -> Level {
        chosen.unwrap_or(self.level)
    }

    /// Returns the least confidence for answering: the workspace's level, or the configured value.
    pub fn min_confidence(&self, level: Option<Level>) -> f32 {
        match (level, self.min_confidence) {
            (None, Some(least)) => least,
            (level, _) => least_of(level.unwrap_or(self.level), self.reads),
        }
    }

    /// Returns the version of the reader that the model was fitted with; empty if it was fitted without one.
    pub fn fitted_with(&self) -> &str {
        &self.model.reading.reader
    }

    /// Returns whether a passage with this logit answers beyond doubt, so that later ones need not be read.
    pub fn settles(&self, logit: f32) -> bool {
        self.answers(logit, SETTLED)
    }

    /// Returns whether a passage with this logit answers with at least this confidence.
    pub fn answers(&self, logit: f32, least: f32) -> bool {
        self.by_reading(logit) >= least
    }

    /// Returns the probability that a passage with this logit answers, in [0, 1].
    pub fn by_reading(&self, logit: f32) -> f32 {
        self.model.reading.confidence(logit)
    }

    /// Returns the probability that the evidence answers, by search scores alone, in [0, 1].
    pub fn by_search(&self, features: &Features) -> f32 {
        let confidence = self.model.confidence(features);
        match features.names_another() {
            // The reader sees for itself which model a passage is about.
            true => confidence.min(ANOTHER),
            false => confidence,
        }
    }

    /// Raises a verdict if the heading of a section in the evidence asks the same question.
    pub fn raise_for_heading(&self, verdict: Verdict, min_confidence: f32) -> Verdict {
        let confidence = verdict.confidence.max(HEADING_ASKS);
        match confidence >= min_confidence {
            true => Verdict {
                decision: AnswerDecision::Answer,
                confidence,
            },
            false => Verdict {
                confidence,
                ..verdict
            },
        }
    }

    /// Decides on a question. A pure function. Without evidence nothing is admitted. `reading` is `None` without a
    /// reader; otherwise it is the reader's highest logit, or `Some(None)` if the reader had no time, in which case a
    /// stricter level applies.
    pub fn judge(
        &self,
        features: &Features,
        evidence: &[Evidence],
        reading: Option<Option<f32>>,
        min_confidence: f32,
    ) -> Verdict {
        let (confidence, least) = match reading {
            None => (self.by_search(features), min_confidence),
            Some(None) => (self.by_search(features), stricter_by_search(min_confidence)),
            Some(Some(logit)) => (self.by_reading(logit), min_confidence),
        };
        let confidence = if evidence.is_empty() { 0.0 } else { confidence };
        let decision = match !evidence.is_empty() && confidence >= least {
            true => AnswerDecision::Answer,
            false => AnswerDecision::Refuse,
        };
        Verdict {
            decision,
            confidence,
        }
    }
}

/// The least confidence of each level, most lenient first: with a reader, and by search scores alone. The two scales
/// belong to two models. docs/measured/quality.md shows what each level answers on the development sets.
const LEVELS: [(Level, f32, f32); 5] = [
    (Level::VeryLenient, 0.2, 0.15),
    (Level::Lenient, 0.35, 0.22),
    (Level::Balanced, 0.5, 0.28),
    (Level::Strict, 0.75, 0.50),
    (Level::VeryStrict, 0.9, 0.70),
];
/// The least confidence by search scores beyond the strictest level.
const BEYOND: f32 = 0.85;

/// Returns the least confidence of a level. `reads` says whether a reader is used.
pub fn least_of(level: Level, reads: bool) -> f32 {
    let (_, by_reading, by_search) = LEVELS
        .into_iter()
        .find(|(of, _, _)| *of == level)
        .expect("every level has a row");
    if reads { by_reading } else { by_search }
}

/// Converts a threshold for readings into one for search scores that is one level stricter.
fn stricter_by_search(least: f32) -> f32 {
    let above = LEVELS
        .into_iter()
        .find(|(_, by_reading, _)| *by_reading > least);
    above.map_or(BEYOND, |(_, _, by_search)| by_search)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::conflict_resolution::tests::evidence;
    use ken_base::domain::DocumentKind;

    #[test]
    fn unread_passage_admission_is_one_level_stricter() {
        for (least, expected) in [
            (0.2, 0.22),
            (0.5, 0.50),
            (0.6, 0.50),
            (0.75, 0.70),
            (0.9, BEYOND),
        ] {
            assert_eq!(stricter_by_search(least), expected, "{least}");
        }
    }

    #[test]
    fn reader_logit_present_decides_admission() {
        let admission = Admission::new(&AnswerConfig::default())
            .unwrap()
            .reading(true);
        let least = admission.min_confidence(None);
        let found = [evidence("t", DocumentKind::Article, "x", 1.0)];
        let judge = |logit: Option<f32>| {
            let verdict = admission.judge(&Features::default(), &found, Some(logit), least);
            verdict.decision
        };
        assert_eq!(judge(Some(8.0)), AnswerDecision::Answer);
        assert_eq!(judge(Some(-8.0)), AnswerDecision::Refuse);
        let none = admission.judge(&Features::default(), &[], Some(Some(8.0)), least);
        assert_eq!(
            (none.decision, none.confidence),
            (AnswerDecision::Refuse, 0.0)
        );
    }
}
