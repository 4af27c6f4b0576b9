//! May a question be answered? Decided from the evidence before anything is worded.

mod features;
mod model;

use serde::Serialize;
use utoipa::ToSchema;

use ken_base::config::AnswerConfig;
use ken_base::domain::{Evidence, Level};

pub use features::{Features, N as N_FEATURES, NAMES as FEATURES};
pub use model::{CLIP, Model, ModelError, ReadingModel, Weight};

/// What is decided of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AnswerDecision, description = "Whether the evidence is good enough to `answer`, or the answer is to `refuse`.")]
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

impl Verdict {
    /// Before anything was decided.
    pub const NONE: Self = Self {
        decision: Decision::Refuse,
        confidence: 0.0,
    };

    /// Of an FAQ that asks the same, word for word.
    pub const CERTAIN: Self = Self {
        decision: Decision::Answer,
        confidence: 1.0,
    };
}

/// The highest confidence by search if all that was found is about another model: below every level.
const ANOTHER: f32 = 0.1;

/// The confidence from which on a passage answers beyond doubt: the strictest level's.
const SETTLED: f32 = 0.9;

/// The least confidence in a section whose heading asks the question: enough for [`Level::Strict`] where passages are read.
const ASKED_OVER: f32 = 0.8;

/// Decides from evidence alone: a model over [`Features`], and a threshold.
pub struct Admission {
    model: Model,
    level: Level,
    min_confidence: Option<f32>,
    reads: bool,
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
            reads: false,
        })
    }

    /// Whether passages are read.
    pub fn reading(self, reads: bool) -> Self {
        Self { reads, ..self }
    }

    /// The least confidence with which a question is answered: a workspace's own level, else what is configured.
    pub fn min_confidence(&self, level: Option<Level>) -> f32 {
        match (level, self.min_confidence) {
            (None, Some(least)) => least,
            (level, _) => least_of(level.unwrap_or(self.level), self.reads),
        }
    }

    /// The version of the reader that the model was fitted with; empty where there was none.
    pub fn fitted_with(&self) -> &str {
        &self.model.reading.reader
    }

    /// Whether a passage with this logit answers beyond doubt, so that the ones behind it need not be read.
    pub fn settles(&self, logit: f32) -> bool {
        self.answers(logit, SETTLED)
    }

    /// Whether a passage with this logit answers with at least this confidence.
    pub fn answers(&self, logit: f32, least: f32) -> bool {
        self.model.reading.confidence(logit) >= least
    }

    /// A verdict on evidence of which a section's heading asks the question in the same words.
    pub fn asked_over(&self, verdict: Verdict, min_confidence: f32) -> Verdict {
        let confidence = verdict.confidence.max(ASKED_OVER);
        match confidence >= min_confidence {
            true => Verdict {
                decision: Decision::Answer,
                confidence,
            },
            false => Verdict {
                confidence,
                ..verdict
            },
        }
    }

    /// Pure. No evidence is never admitted. `reading`: `None` where nothing reads; else the reader's strongest logit, or
    /// `None` where it had no time, and then a stricter level decides.
    pub fn judge(
        &self,
        features: &Features,
        evidence: &[Evidence],
        reading: Option<Option<f32>>,
        min_confidence: f32,
    ) -> Verdict {
        let by_search = || match features.names_another() {
            // The reader sees for itself which model a passage is about.
            true => self.model.confidence(features).min(ANOTHER),
            false => self.model.confidence(features),
        };
        let (confidence, least) = match reading {
            None => (by_search(), min_confidence),
            Some(None) => (by_search(), stricter_by_search(min_confidence)),
            Some(Some(logit)) => (self.model.reading.confidence(logit), min_confidence),
        };
        let confidence = if evidence.is_empty() { 0.0 } else { confidence };
        let decision = match !evidence.is_empty() && confidence >= least {
            true => Decision::Answer,
            false => Decision::Refuse,
        };
        Verdict {
            decision,
            confidence,
        }
    }
}

/// What each level comes to in confidence, the most lenient first: where passages are read, and where search scores alone
/// decide. The two scales are two models'; docs/measured/quality.md has what each level answers on the development sets.
const LEVELS: [(Level, f32, f32); 5] = [
    (Level::VeryLenient, 0.2, 0.15),
    (Level::Lenient, 0.35, 0.22),
    (Level::Balanced, 0.5, 0.28),
    (Level::Strict, 0.75, 0.50),
    (Level::VeryStrict, 0.9, 0.70),
];
/// The least confidence by search scores beyond the strictest level.
const BEYOND: f32 = 0.85;

/// The least confidence of a level. `reads`: whether passages are read.
pub fn least_of(level: Level, reads: bool) -> f32 {
    let (_, by_reading, by_search) = LEVELS
        .into_iter()
        .find(|(of, _, _)| *of == level)
        .expect("every level has a row");
    if reads { by_reading } else { by_search }
}

/// For a least confidence where passages are read: that by search scores alone, one level stricter.
fn stricter_by_search(least: f32) -> f32 {
    let above = LEVELS
        .into_iter()
        .find(|(_, by_reading, _)| *by_reading > least);
    above.map_or(BEYOND, |(_, _, by_search)| by_search)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::settle::tests::evidence;
    use ken_base::domain::Kind;

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
        let found = [evidence("t", Kind::Article, "x", 1.0)];
        let judge = |logit: Option<f32>| {
            let verdict = admission.judge(&Features::default(), &found, Some(logit), least);
            verdict.decision
        };
        assert_eq!(judge(Some(8.0)), Decision::Answer);
        assert_eq!(judge(Some(-8.0)), Decision::Refuse);
        let none = admission.judge(&Features::default(), &[], Some(Some(8.0)), least);
        assert_eq!((none.decision, none.confidence), (Decision::Refuse, 0.0));
    }
}
