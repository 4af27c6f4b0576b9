//! The admission model: logistic regression over the features, and over the reader's logit.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::features::{Features, N, NAMES};

/// A logistic model over [`Features`]. It estimates the probability that the evidence answers the question, assuming
/// that half of all questions can be answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerabilityModel {
    /// One weight per feature, in the features' order.
    pub weights: Vec<Weight>,
    /// The intercept.
    pub intercept: f32,
    /// The model of the reader's logit, used if passages are read.
    pub reading: ReadingModel,
    /// What it was fitted on and with what result, as information for people.
    #[serde(default)]
    pub fitted_on: String,
}

/// The weight of a feature. Its value is standardised and clipped at [`CLIP`] deviations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weight {
    /// The feature's name, see [`super::features::NAMES`].
    pub feature: String,
    /// The feature's mean.
    pub mean: f32,
    /// The feature's standard deviation.
    pub deviation: f32,
    /// The weight of one deviation.
    pub weight: f32,
}

/// Standardised values are clipped at this many deviations.
pub const CLIP: f32 = 3.0;

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file cannot be read.
    #[error("answer.model {0}: {1}")]
    File(PathBuf, std::io::Error),
    /// The file is not a valid model.
    #[error("answer.model {0}: {1}; run `ken calibrate` again")]
    Content(PathBuf, String),
}

impl AnswerabilityModel {
    /// Returns the compiled-in model, which was fitted on the development sets (docs/measured/quality.md).
    pub fn shipped() -> Self {
        Self::parse(include_str!("model.json")).expect("the shipped model is tested")
    }

    /// Reads a model from a file.
    ///
    /// # Errors
    /// [`ModelError`] if the file cannot be read or is not a valid model.
    pub fn read(file: &Path) -> Result<Self, ModelError> {
        let text =
            std::fs::read_to_string(file).map_err(|error| ModelError::File(file.into(), error))?;
        Self::parse(&text).map_err(|detail| ModelError::Content(file.into(), detail))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let model: AnswerabilityModel =
            serde_json::from_str(text).map_err(|error| error.to_string())?;
        let names: Vec<&str> = model
            .weights
            .iter()
            .map(|weight| weight.feature.as_str())
            .collect();
        let expected: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
        if names != expected {
            return Err(format!(
                "expected the features {expected:?}, found {names:?}"
            ));
        }
        let is_sound = |w: &Weight| {
            [w.mean, w.deviation, w.weight]
                .iter()
                .all(|x| x.is_finite())
                && w.deviation > 0.0
        };
        let reading = &model.reading;
        let numbers = [model.intercept, reading.reading, reading.intercept];
        match model.weights.iter().all(is_sound) && numbers.iter().all(|x| x.is_finite()) {
            true => Ok(model),
            false => Err("expected finite numbers and deviations above 0".to_owned()),
        }
    }

    /// Returns the confidence by search scores alone, in [0, 1].
    pub fn confidence(&self, features: &Features) -> f32 {
        1.0 / (1.0 + (-self.logit(features)).exp())
    }

    fn logit(&self, features: &Features) -> f32 {
        let z: f32 = (0..N)
            .map(|i| self.weights[i].weight * self.deviations(features, i))
            .sum();
        z + self.intercept
    }

    fn deviations(&self, features: &Features, i: usize) -> f32 {
        let weight = &self.weights[i];
        if features.0[i].is_nan() {
            return 0.0;
        }
        ((features.0[i] - weight.mean) / weight.deviation).clamp(-CLIP, CLIP)
    }
}

/// Maps the reader's logit to the probability that the evidence answers. Adding search scores had no effect
/// (docs/measured/quality.md).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadingModel {
    /// The version of the reader whose logits it was fitted on; empty if it was fitted without one.
    pub reader: String,
    /// The weight of the reader's logit.
    pub reading: f32,
    /// The intercept.
    pub intercept: f32,
    /// What it was fitted on, if that differs from the model of search scores; as information for people.
    #[serde(default)]
    pub fitted_on: String,
}

impl ReadingModel {
    /// Returns the confidence for a logit, in (0, 1).
    pub fn confidence(&self, logit: f32) -> f32 {
        1.0 / (1.0 + (-(self.reading * logit + self.intercept)).exp())
    }
}
