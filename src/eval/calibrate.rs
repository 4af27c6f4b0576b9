//! Fits the admission model's confidence: `ken calibrate`.
//!
//! A logistic model over [`Features`] whose weights have fixed, plausible signs. It is fitted by L-BFGS on judged
//! questions, then scaled (Platt 1999) on held-out folds. Tried and left out: models with free signs and boosted trees,
//! which did better on the sets they were fitted on and worse on others: docs/measured/quality.md.

use std::collections::{BTreeMap, BTreeSet};

use argmin::core::{CostFunction, Error, Executor, Gradient, State};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use serde::Serialize;

use ken_answer::answer::{
    AnswerabilityModel, CLIP, FEATURES, Features, N_FEATURES, ReadingModel, Weight,
};
use ken_learn::measures::{JudgedDecision, auroc, false_answer_rate_at};
use ken_text::text::sha256_hex;

/// A question with the features of its retrieved passages, and whether these answer it.
#[derive(Debug, Clone)]
pub struct CalibrationRow {
    /// The set's name.
    pub dataset: String,
    /// The group of related rows, which are never split between training and test.
    pub group: String,
    /// Whether the passages answer it.
    pub answerable: bool,
    /// The features of the search.
    pub features: Features,
    /// The greatest logit of the reader model over the passages; `None` without a reader.
    pub reading: Option<f32>,
}

/// The measures of a model on held-out rows of one set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeldOut {
    /// The set's name.
    pub dataset: String,
    /// The number of held-out rows.
    pub n_rows: usize,
    /// AUROC of confidence, in [0, 1]; `None` if only one kind of questions is held out.
    pub auroc: Option<f64>,
    /// Share of unanswerable questions answered at the threshold that answers 90 % of the answerable ones.
    pub false_answer_rate_90: Option<f64>,
    /// Expected calibration error in ten bins, in [0, 1]; both classes have the same weight.
    pub calibration_error: f64,
}

/// A model fitted on all rows, with the measures of one fitted on a part of them and measured on the rest.
#[derive(Debug, Clone)]
pub struct Calibrated {
    /// The model.
    pub model: AnswerabilityModel,
    /// The measures by set.
    pub held_out: Vec<HeldOut>,
    /// Expected calibration error over all sets with equal weight.
    pub calibration_error: f64,
}

/// The strength of the ridge penalty. .5 was best on left-out sets; .02 fits more closely and transfers worse.
const RIDGE: f64 = 0.5;
/// How many tenths of the groups are held out.
const HELD_OUT: u64 = 3;
/// The number of folds for scaling.
const FOLDS: u64 = 5;
/// The most iterations of the solver.
const MAX_STEPS: u64 = 300;

/// Fits a model on judged rows. Three tenths of the groups are held out to measure it.
///
/// There are no answerable or no unanswerable rows, or the solver fails.
pub fn calibrate(rows: &[CalibrationRow]) -> Result<Calibrated, String> {
    let part = |row: &CalibrationRow, of: u64| place(&row.group) % of;
    let (test, train): (Vec<CalibrationRow>, Vec<CalibrationRow>) = rows
        .iter()
        .cloned()
        .partition(|row| part(row, 10) < HELD_OUT);
    let trial = fit(&train)?;
    let datasets: BTreeSet<&str> = test.iter().map(|row| row.dataset.as_str()).collect();
    let held_out: Vec<HeldOut> = datasets
        .into_iter()
        .map(|dataset| {
            let of_set: Vec<&CalibrationRow> =
                test.iter().filter(|row| row.dataset == dataset).collect();
            measured(dataset, &trial, &of_set)
        })
        .collect();
    let all: Vec<&CalibrationRow> = test.iter().collect();
    Ok(Calibrated {
        calibration_error: calibration_error(&trial, &all),
        model: fit(rows)?,
        held_out,
    })
}

/// Fits only the scale and shift of the reader's logit and leaves the model of search scores unchanged. Each set in
/// turn is held out.
///
/// There are no reader scores, or no answerable or no unanswerable rows.
pub fn calibrate_reading(
    rows: &[CalibrationRow],
    model: AnswerabilityModel,
) -> Result<Calibrated, String> {
    let fitted = |rows: &[&CalibrationRow]| -> Result<AnswerabilityModel, String> {
        Ok(AnswerabilityModel {
            reading: reading(rows)?,
            ..model.clone()
        })
    };
    if rows.iter().all(|row| row.reading.is_none()) {
        return Err("no reader scores: reader.enabled is false or the reader failed".to_owned());
    }
    let datasets: BTreeSet<&str> = rows.iter().map(|row| row.dataset.as_str()).collect();
    let mut held_out = Vec::new();
    let mut errors = 0.0;
    for dataset in &datasets {
        let (of_set, others): (Vec<&CalibrationRow>, Vec<&CalibrationRow>) =
            rows.iter().partition(|row| row.dataset == *dataset);
        // A single set is measured on itself.
        let trial = fitted(if others.is_empty() { &of_set } else { &others })?;
        let set = measured(dataset, &trial, &of_set);
        errors += set.calibration_error;
        held_out.push(set);
    }
    Ok(Calibrated {
        calibration_error: errors / datasets.len().max(1) as f64,
        model: fitted(&rows.iter().collect::<Vec<_>>())?,
        held_out,
    })
}

/// The measures of a model on the rows of one set.
fn measured(dataset: &str, model: &AnswerabilityModel, rows: &[&CalibrationRow]) -> HeldOut {
    let decisions: Vec<JudgedDecision> = rows
        .iter()
        .map(|row| JudgedDecision {
            answerable: row.answerable,
            confidence: confidence(model, row),
            answered: false,
        })
        .collect();
    HeldOut {
        dataset: dataset.to_owned(),
        n_rows: rows.len(),
        auroc: auroc(&decisions),
        false_answer_rate_90: false_answer_rate_at(&decisions, 0.9),
        calibration_error: calibration_error(model, rows),
    }
}

/// The confidence that admission computes.
fn confidence(model: &AnswerabilityModel, row: &CalibrationRow) -> f32 {
    match row.reading {
        Some(logit) => model.reading.confidence(logit),
        None => model.confidence(&row.features),
    }
}

fn place(group: &str) -> u64 {
    u64::from_str_radix(&sha256_hex([group.as_bytes()])[..12], 16).unwrap_or_default()
}

/// The rows' weights: each class of each set has the same sum.
fn weights(rows: &[&CalibrationRow]) -> Vec<f64> {
    let mut counts: BTreeMap<(&str, bool), f64> = BTreeMap::new();
    for row in rows {
        *counts.entry((&row.dataset, row.answerable)).or_default() += 1.0;
    }
    let n_parts = counts.len() as f64;
    rows.iter()
        .map(|row| 1.0 / (counts[&(row.dataset.as_str(), row.answerable)] * n_parts))
        .collect()
}

fn fit(rows: &[CalibrationRow]) -> Result<AnswerabilityModel, String> {
    let all: Vec<&CalibrationRow> = rows.iter().collect();
    for answerable in [true, false] {
        if !rows.iter().any(|row| row.answerable == answerable) {
            let kind = if answerable {
                "answerable"
            } else {
                "unanswerable"
            };
            return Err(format!("no {kind} questions to fit on"));
        }
    }
    // Scaling uses each fold's model on the rows it was not fitted on.
    let mut outside: Vec<(f64, &CalibrationRow)> = Vec::new();
    for fold in 0..FOLDS {
        let is_in = |row: &&CalibrationRow| place(&format!("fold {}", row.group)) % FOLDS == fold;
        let (held, others): (Vec<&CalibrationRow>, Vec<&CalibrationRow>) =
            all.iter().copied().partition(is_in);
        let unscaled = raw(&others)?;
        outside.extend(
            held.into_iter()
                .map(|row| (unscaled.logit(&row.features), row)),
        );
    }
    let (scale, shift) = platt(&outside)?;
    let whole = raw(&all)?;
    let weights = FEATURES.iter().enumerate().map(|(i, (name, _))| Weight {
        feature: (*name).to_owned(),
        mean: whole.means[i] as f32,
        deviation: whole.deviations[i] as f32,
        weight: (scale * whole.weights[i]) as f32,
    });
    Ok(AnswerabilityModel {
        weights: weights.collect(),
        intercept: (scale * whole.intercept + shift) as f32,
        reading: reading(&all)?,
        fitted_on: String::new(),
    })
}

/// The scale and shift of the reader's logit; [`ReadingModel::default`] without reader scores.
fn reading(rows: &[&CalibrationRow]) -> Result<ReadingModel, String> {
    let read: Vec<(f64, &CalibrationRow)> = rows
        .iter()
        .filter_map(|row| Some((f64::from(row.reading?), *row)))
        .collect();
    if read.is_empty() {
        return Ok(ReadingModel::default());
    }
    let (scale, shift) = platt(&read)?;
    Ok(ReadingModel {
        reader: String::new(),
        reading: scale as f32,
        intercept: shift as f32,
        fitted_on: String::new(),
    })
}

struct Raw {
    means: Vec<f64>,
    deviations: Vec<f64>,
    weights: Vec<f64>,
    intercept: f64,
}

impl Raw {
    fn row(&self, features: &Features) -> Vec<f64> {
        let clip = f64::from(CLIP);
        let z = |i: usize| (f64::from(features.0[i]) - self.means[i]) / self.deviations[i];
        let known = |z: f64| if z.is_nan() { 0.0 } else { z };
        (0..N_FEATURES)
            .map(|i| known(z(i)).clamp(-clip, clip))
            .collect()
    }

    fn logit(&self, features: &Features) -> f64 {
        let row = self.row(features);
        row.iter()
            .zip(&self.weights)
            .map(|(x, w)| x * w)
            .sum::<f64>()
            + self.intercept
    }
}

fn raw(rows: &[&CalibrationRow]) -> Result<Raw, String> {
    let n = rows.len().max(1) as f64;
    let column = |i: usize| {
        let values = rows.iter().map(move |row| f64::from(row.features.0[i]));
        values.filter(|x| !x.is_nan())
    };
    let means: Vec<f64> = (0..N_FEATURES)
        .map(|i| column(i).sum::<f64>() / n)
        .collect();
    let deviation = |i: usize| {
        let variance = column(i).map(|x| (x - means[i]).powi(2)).sum::<f64>() / n;
        variance.sqrt().max(1e-3)
    };
    let deviations: Vec<f64> = (0..N_FEATURES).map(deviation).collect();
    let mut model = Raw {
        means,
        deviations,
        weights: vec![0.0; N_FEATURES],
        intercept: 0.0,
    };
    let problem = FitProblem {
        inputs: rows.iter().map(|row| model.row(&row.features)).collect(),
        answers: rows
            .iter()
            .map(|row| if row.answerable { 1.0 } else { -1.0 })
            .collect(),
        weights: weights(rows),
        signs: FEATURES.iter().map(|(_, sign)| f64::from(*sign)).collect(),
        ridge: RIDGE,
    };
    let found = solve(&problem, vec![-3.0; N_FEATURES + 1])?;
    (model.weights, model.intercept) = (problem.weights_of(&found), found[N_FEATURES]);
    Ok(model)
}

/// The scale and shift that turn a logit into that of a probability.
fn platt(rows: &[(f64, &CalibrationRow)]) -> Result<(f64, f64), String> {
    let only: Vec<&CalibrationRow> = rows.iter().map(|(_, row)| *row).collect();
    let problem = FitProblem {
        inputs: rows.iter().map(|(logit, _)| vec![*logit]).collect(),
        answers: only
            .iter()
            .map(|row| if row.answerable { 1.0 } else { -1.0 })
            .collect(),
        weights: weights(&only),
        signs: vec![1.0],
        ridge: 0.0,
    };
    let found = solve(&problem, vec![0.5, 0.0])?;
    Ok((problem.weights_of(&found)[0], found[1]))
}

/// Weighted log loss of a linear model whose weights have given signs: weight = sign · softplus(parameter). The last
/// parameter is the intercept.
struct FitProblem {
    inputs: Vec<Vec<f64>>,
    answers: Vec<f64>,
    weights: Vec<f64>,
    signs: Vec<f64>,
    ridge: f64,
}

impl FitProblem {
    fn weights_of(&self, parameters: &[f64]) -> Vec<f64> {
        let softplus = |x: f64| if x > 30.0 { x } else { x.exp().ln_1p() };
        self.signs
            .iter()
            .zip(parameters)
            .map(|(sign, p)| sign * softplus(*p))
            .collect()
    }

    fn margins(&self, parameters: &[f64]) -> Vec<f64> {
        let weights = self.weights_of(parameters);
        let intercept = parameters[weights.len()];
        let logit =
            |row: &[f64]| row.iter().zip(&weights).map(|(x, w)| x * w).sum::<f64>() + intercept;
        self.inputs
            .iter()
            .zip(&self.answers)
            .map(|(row, answer)| answer * logit(row))
            .collect()
    }
}

impl CostFunction for &FitProblem {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, parameters: &Self::Param) -> Result<f64, Error> {
        let loss = |margin: f64| {
            if margin < -30.0 {
                -margin
            } else {
                (-margin).exp().ln_1p()
            }
        };
        let losses = self.margins(parameters).into_iter().zip(&self.weights);
        let held: f64 = self.weights_of(parameters).iter().map(|w| w * w).sum();
        Ok(losses
            .map(|(margin, weight)| weight * loss(margin))
            .sum::<f64>()
            + self.ridge * held / 2.0)
    }
}

impl Gradient for &FitProblem {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, parameters: &Self::Param) -> Result<Vec<f64>, Error> {
        let weights = self.weights_of(parameters);
        let mut by_weight: Vec<f64> = weights.iter().map(|w| self.ridge * w).collect();
        let mut by_intercept = 0.0;
        for (i, margin) in self.margins(parameters).into_iter().enumerate() {
            let slope = -self.answers[i] * self.weights[i] / (1.0 + margin.exp());
            by_weight
                .iter_mut()
                .zip(&self.inputs[i])
                .for_each(|(sum, x)| *sum += slope * x);
            by_intercept += slope;
        }
        let inner = |p: f64| 1.0 / (1.0 + (-p).exp());
        let mut gradient: Vec<f64> = (0..weights.len())
            .map(|i| by_weight[i] * self.signs[i] * inner(parameters[i]))
            .collect();
        gradient.push(by_intercept);
        Ok(gradient)
    }
}

fn solve(problem: &FitProblem, start: Vec<f64>) -> Result<Vec<f64>, String> {
    let solver = LBFGS::new(MoreThuenteLineSearch::new(), 10);
    let executor =
        Executor::new(problem, solver).configure(|state| state.param(start).max_iters(MAX_STEPS));
    let outcome = executor
        .run()
        .map_err(|error| format!("solver failed: {error}"))?;
    let best = outcome.state().get_best_param().cloned();
    best.ok_or_else(|| "solver found no solution".to_owned())
}

/// The expected calibration error in ten bins (Naeini, Cooper, Hauskrecht, AAAI 2015).
fn calibration_error(model: &AnswerabilityModel, rows: &[&CalibrationRow]) -> f64 {
    let mut bins = [(0.0, 0.0); 10];
    for (row, weight) in rows.iter().zip(weights(rows)) {
        let confidence = f64::from(confidence(model, row));
        let bin = &mut bins[((confidence * 10.0) as usize).min(9)];
        bin.0 += weight * confidence;
        bin.1 += if row.answerable { weight } else { 0.0 };
    }
    bins.iter()
        .map(|(predicted, was)| (predicted - was).abs())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows whose answerability follows one feature, with noise in another.
    fn rows(n: usize) -> Vec<CalibrationRow> {
        let mut random = fastrand::Rng::with_seed(7);
        (0..n)
            .map(|i| {
                let answerable = i % 2 == 0;
                let mut features = Features::default();
                // Nearly normal, so that a logistic model is the correct one.
                let spread: f32 = (0..8).map(|_| random.f32()).sum();
                features.0[2] = spread / 8.0 + if answerable { 0.14 } else { 0.0 };
                features.0[3] = random.f32();
                // It correlates negatively in these rows, which the fixed sign does not allow.
                features.0[0] = if answerable { 0.1 } else { 0.2 };
                CalibrationRow {
                    dataset: "set".into(),
                    group: format!("g{i}"),
                    answerable,
                    features,
                    reading: None,
                }
            })
            .collect()
    }

    #[test]
    fn calibrated_model_fits_data_and_keeps_weight_signs() {
        let found = calibrate(&rows(2_000)).unwrap();
        let set = &found.held_out[0];
        assert!((0.75..0.95).contains(&set.auroc.unwrap()), "{set:?}");
        assert!(found.calibration_error < 0.06, "{found:?}");
        for (weight, (name, sign)) in found.model.weights.iter().zip(FEATURES) {
            assert!(weight.weight * sign >= 0.0, "{name}");
        }
        let by_name = |name: &str| {
            found
                .model
                .weights
                .iter()
                .find(|w| w.feature == name)
                .unwrap()
                .weight
        };
        assert!(by_name("similarity_first") > 0.3, "it decides");
        assert!(by_name("coverage_first") < 0.05, "its sign is held");
    }

    #[test]
    fn reading_calibration_leaves_search_model_unchanged() {
        let mut all = rows(600);
        for (i, row) in all.iter_mut().enumerate() {
            row.features = Features::default();
            row.dataset = format!("set {}", i % 3);
            let noise = ((i * 7919) % 100) as f32 / 25.0 - 2.0;
            row.reading = Some(noise + if row.answerable { 1.5 } else { -1.5 });
        }
        let found = calibrate_reading(&all, AnswerabilityModel::shipped()).unwrap();
        assert_eq!(found.held_out.len(), 3);
        let reading = &found.model.reading;
        assert!(reading.reading > 0.5, "{reading:?}");
        assert!(reading.confidence(3.0) > 0.9 && reading.confidence(-3.0) < 0.1);
        assert_eq!(found.model.weights, AnswerabilityModel::shipped().weights);
        for row in &mut all {
            row.reading = None;
        }
        let fault = calibrate_reading(&all, AnswerabilityModel::shipped()).unwrap_err();
        assert!(fault.contains("no reader scores"), "{fault}");
    }

    #[test]
    fn calibration_without_unanswerable_rows_is_rejected() {
        let only: Vec<CalibrationRow> = rows(20).into_iter().filter(|row| row.answerable).collect();
        assert!(calibrate(&only).unwrap_err().contains("no unanswerable"));
    }
}
