use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::features::{Features, N, NAMES};

/// A logistic model over [`Features`]: the probability that the evidence answers the question, where half of all
/// questions can be answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// One a feature, in the features' order.
    pub weights: Vec<Weight>,
    pub intercept: f32,
    /// How the reader's logit counts, where passages are read.
    pub reading: ReadingModel,
    /// What it was fitted on and how it did there, for people.
    #[serde(default)]
    pub fitted_on: String,
}

/// How a feature counts: by how many deviations it is off its mean, at most [`CLIP`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weight {
    pub feature: String,
    pub mean: f32,
    pub deviation: f32,
    pub weight: f32,
}

/// Beyond so many deviations more does not count.
pub const CLIP: f32 = 3.0;

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("answer.model {0}: {1}")]
    File(PathBuf, std::io::Error),
    #[error("answer.model {0}: {1}; run `ken calibrate` again")]
    Content(PathBuf, String),
}

impl Model {
    /// The one that was fitted on the development sets (docs/measured/quality.md) and is compiled in.
    pub fn shipped() -> Self {
        Self::parse(include_str!("model.json")).expect("the shipped model is tested")
    }

    pub fn read(file: &Path) -> Result<Self, ModelError> {
        let text =
            std::fs::read_to_string(file).map_err(|error| ModelError::File(file.into(), error))?;
        Self::parse(&text).map_err(|detail| ModelError::Content(file.into(), detail))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let model: Model = serde_json::from_str(text).map_err(|error| error.to_string())?;
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

    /// By search scores alone, in [0, 1].
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

/// From the reader's logit to the probability that the evidence answers. Search scores beside it were worth nothing
/// (docs/measured/quality.md).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadingModel {
    /// The version of the reader whose logits it was fitted on; empty where it was fitted without one.
    pub reader: String,
    /// What a point of the reader's logit counts.
    pub reading: f32,
    pub intercept: f32,
    /// What it was fitted on, where that is not what the model of search scores was fitted on; for people.
    #[serde(default)]
    pub fitted_on: String,
}

impl ReadingModel {
    /// In (0, 1).
    pub fn confidence(&self, logit: f32) -> f32 {
        1.0 / (1.0 + (-(self.reading * logit + self.intercept)).exp())
    }
}
