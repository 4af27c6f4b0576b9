//! Measures of ranking, of admission and of significance. Each takes one query or one list of decisions. Ties count
//! against the system.

pub mod tune;

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

/// One query's ranking as gains in order of rank (0: not relevant), with the gains of all relevant documents in
/// descending order.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedGains {
    gains: Vec<f64>,
    ideal: Vec<f64>,
}

impl RankedGains {
    /// Ranks `documents` (id, score; in any order). Among equal scores the relevant ones rank last. `relevant` maps
    /// document ids to gains.
    pub fn new(documents: &[(String, f32)], relevant: &HashMap<String, f64>) -> Self {
        let mut scored: Vec<(f32, f64)> = documents
            .iter()
            .map(|(id, score)| (*score, relevant.get(id).copied().unwrap_or(0.0)))
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.total_cmp(&b.1)));
        let mut ideal: Vec<f64> = relevant.values().copied().collect();
        ideal.sort_by(|a, b| b.total_cmp(a));
        Self {
            gains: scored.into_iter().map(|(_, gain)| gain).collect(),
            ideal,
        }
    }

    /// The share of all relevant documents that are among the first k, in [0, 1]; 0 if none is relevant.
    pub fn recall(&self, k: usize) -> f64 {
        self.n_relevant(k) as f64 / self.ideal.len().max(1) as f64
    }

    /// 1 if a relevant document is among the first k, else 0.
    pub fn success(&self, k: usize) -> f64 {
        f64::from(u8::from(self.n_relevant(k) > 0))
    }

    /// 1 / rank of the first relevant document among the first k, else 0.
    pub fn reciprocal_rank(&self, k: usize) -> f64 {
        self.first_relevant()
            .filter(|rank| *rank <= k)
            .map_or(0.0, |rank| 1.0 / rank as f64)
    }

    /// nDCG@k, in [0, 1]: Σ gain / log2(rank + 1) over the first k, divided by the greatest possible sum (Järvelin,
    /// Kekäläinen, 2002).
    pub fn ndcg(&self, k: usize) -> f64 {
        let dcg = |gains: &[f64]| -> f64 {
            gains
                .iter()
                .take(k)
                .zip(2..)
                .map(|(gain, next)| gain / f64::from(next).log2())
                .sum()
        };
        match dcg(&self.ideal) {
            0.0 => 0.0,
            ideal => dcg(&self.gains) / ideal,
        }
    }

    /// The rank of the first relevant document, from 1; `None` if there is none.
    pub fn first_relevant(&self) -> Option<usize> {
        self.gains
            .iter()
            .position(|gain| *gain > 0.0)
            .map(|i| i + 1)
    }

    fn n_relevant(&self, k: usize) -> usize {
        self.gains
            .iter()
            .take(k)
            .filter(|gain| **gain > 0.0)
            .count()
    }
}

/// The admission decision on one judged question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JudgedDecision {
    /// Whether the knowledge answers the question, by judgement.
    pub answerable: bool,
    /// The system's confidence, in [0, 1].
    pub confidence: f32,
    /// Whether the system answered.
    pub answered: bool,
}

/// AUROC, in [0, 1]: the probability that an answerable question has a higher confidence than an unanswerable one. A
/// tie counts as lower. `None` unless both kinds occur.
pub fn auroc(decisions: &[JudgedDecision]) -> Option<f64> {
    let (answerable, not): (Vec<&JudgedDecision>, Vec<&JudgedDecision>) =
        decisions.iter().partition(|d| d.answerable);
    if answerable.is_empty() || not.is_empty() {
        return None;
    }
    let mut others: Vec<f32> = not.iter().map(|d| d.confidence).collect();
    others.sort_by(f32::total_cmp);
    let below: usize = answerable
        .iter()
        .map(|d| others.partition_point(|c| *c < d.confidence))
        .sum();
    Some(below as f64 / (answerable.len() * not.len()) as f64)
}

/// The share of unanswerable questions answered at the threshold that answers `share` of the answerable ones, in [0,
/// 1]. `None` unless both kinds occur.
pub fn false_answer_rate_at(decisions: &[JudgedDecision], share: f64) -> Option<f64> {
    let mut answerable: Vec<f32> = decisions
        .iter()
        .filter(|d| d.answerable)
        .map(|d| d.confidence)
        .collect();
    let n_others = decisions.iter().filter(|d| !d.answerable).count();
    if answerable.is_empty() || n_others == 0 {
        return None;
    }
    answerable.sort_by(|a, b| b.total_cmp(a));
    let needed = (share * answerable.len() as f64).ceil().max(1.0) as usize;
    let threshold = answerable[needed - 1];
    let answered = decisions
        .iter()
        .filter(|d| !d.answerable && d.confidence >= threshold)
        .count();
    Some(answered as f64 / n_others as f64)
}

/// A bin of confidence: the questions whose confidence is in it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct ReliabilityBin {
    /// The least confidence, inclusive.
    pub from: f64,
    /// The greatest confidence, exclusive but for the last bin.
    pub to: f64,
    /// How many questions are in it.
    pub n_questions: usize,
    /// The mean of their confidence; 0 without questions.
    pub mean_confidence: f64,
    /// The share of them that is answerable; 0 without questions.
    pub share_answerable: f64,
}

/// The number of bins of confidence.
const BINS: usize = 10;

/// Confidence and the share of answerable questions in ten bins of confidence, lowest first. With calibrated confidence
/// both are equal in each bin.
pub fn reliability(decisions: &[JudgedDecision]) -> Vec<ReliabilityBin> {
    let bin_of = |d: &JudgedDecision| ((f64::from(d.confidence) * 10.0) as usize).min(BINS - 1);
    let bin = |at: usize| {
        let of_bin: Vec<_> = decisions.iter().filter(|d| bin_of(d) == at).collect();
        ReliabilityBin {
            from: at as f64 / BINS as f64,
            to: (at + 1) as f64 / BINS as f64,
            n_questions: of_bin.len(),
            mean_confidence: mean(of_bin.iter().map(|d| f64::from(d.confidence))),
            share_answerable: mean(of_bin.iter().map(|d| f64::from(u8::from(d.answerable)))),
        }
    };
    (0..BINS).map(bin).collect()
}

/// The mean difference of confidence and the share of answerable questions, in ten bins of confidence (expected
/// calibration error: Naeini, Cooper, Hauskrecht, AAAI 2015). In [0, 1].
pub fn calibration_error(decisions: &[JudgedDecision]) -> f64 {
    let off = reliability(decisions)
        .into_iter()
        .map(|bin| bin.n_questions as f64 * (bin.mean_confidence - bin.share_answerable).abs());
    off.sum::<f64>() / decisions.len().max(1) as f64
}

/// The arithmetic mean; 0 for no values.
pub fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0_usize), |(sum, n), value| (sum + value, n + 1));
    sum / n.max(1) as f64
}

/// The `share` quantile (0 to 1) of values in ascending order, by nearest rank; 0 for no values.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted
        .get(rank.min(sorted.len()).wrapping_sub(1))
        .copied()
        .unwrap_or(0.0)
}

/// The number of random sign patterns.
const DRAWS: usize = 10_000;
/// The generator's seed, fixed so that the same gains return the same p-value.
const SEED: u64 = 13;

/// The p-value of the two-sided paired randomisation test, in (0, 1]: how often differences as large as these occur if
/// the two runs' scores are swapped at random for each query. Source: Smucker, Allan, Carterette, CIKM 2007.
pub fn randomisation_p(gains: &[f64]) -> f64 {
    let changed: Vec<f64> = gains.iter().copied().filter(|gain| *gain != 0.0).collect();
    let observed = changed.iter().sum::<f64>().abs();
    let mut random = fastrand::Rng::with_seed(SEED);
    let as_large = (0..DRAWS)
        .filter(|_| {
            let drawn: f64 = changed
                .iter()
                .map(|gain| if random.bool() { *gain } else { -gain })
                .sum();
            drawn.abs() >= observed - 1e-12
        })
        .count();
    (as_large + 1) as f64 / (DRAWS + 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(scores: &[(&str, f32)], relevant: &[(&str, f64)]) -> RankedGains {
        let documents: Vec<(String, f32)> =
            scores.iter().map(|(id, s)| (id.to_string(), *s)).collect();
        RankedGains::new(
            &documents,
            &relevant
                .iter()
                .map(|(id, g)| (id.to_string(), *g))
                .collect(),
        )
    }

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn ranking_measures_match_hand_calculation() {
        let r = ranked(
            &[("a", 0.9), ("b", 0.8), ("c", 0.7)],
            &[("b", 1.0), ("x", 1.0)],
        );
        near(r.recall(1), 0.0);
        near(r.recall(5), 0.5);
        near(r.success(5), 1.0);
        near(r.reciprocal_rank(10), 0.5);
        // 1/log2(3) over 1/log2(2) + 1/log2(3)
        near(r.ndcg(10), (1.0 / 3f64.log2()) / (1.0 + 1.0 / 3f64.log2()));
        near(ranked(&[], &[("b", 1.0)]).ndcg(10), 0.0);
    }

    #[test]
    fn calibration_matches_hand_calculation() {
        let decision = |answerable, confidence| JudgedDecision {
            answerable,
            confidence,
            answered: true,
        };
        let decisions = [
            decision(true, 0.99),
            decision(true, 0.99),
            decision(false, 1.0),
            decision(true, 0.01),
            decision(false, 0.01),
        ];
        let bins = reliability(&decisions);
        assert_eq!(bins.len(), 10);
        assert_eq!((bins[0].n_questions, bins[9].n_questions), (2, 3));
        assert!((bins[9].share_answerable - 2.0 / 3.0).abs() < 1e-9);
        assert!((bins[9].mean_confidence - 2.98 / 3.0).abs() < 1e-6);
        // |2.98 - 2| + |.02 - 1| over five.
        assert!((calibration_error(&decisions) - (0.98 + 0.98) / 5.0).abs() < 1e-6);
        near(calibration_error(&[]), 0.0);
    }

    #[test]
    fn tied_scores_rank_relevant_last() {
        let r = ranked(&[("b", 0.9), ("a", 0.9)], &[("b", 1.0)]);
        near(r.recall(1), 0.0);
        near(r.reciprocal_rank(10), 0.5);
    }

    #[test]
    fn admission_measures_match_hand_calculation() {
        let d = |answerable, confidence| JudgedDecision {
            answerable,
            confidence,
            answered: confidence >= 0.5,
        };
        let all = [
            d(true, 0.9),
            d(true, 0.6),
            d(true, 0.3),
            d(false, 0.6),
            d(false, 0.1),
        ];
        // pairs: .9 beats both, .6 beats .1 and ties with .6, .3 beats .1 → 4 of 6
        near(auroc(&all).unwrap(), 4.0 / 6.0);
        // two of three answerable ones need the threshold .6, which answers one of two unanswerable ones
        near(false_answer_rate_at(&all, 0.6).unwrap(), 0.5);
        near(false_answer_rate_at(&all, 0.9).unwrap(), 0.5);
        assert_eq!(auroc(&all[..3]), None);
    }

    #[test]
    fn percentile_returns_value_from_list() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        near(percentile(&values, 0.5), 50.0);
        near(percentile(&values, 0.95), 95.0);
        near(percentile(&[7.0], 0.95), 7.0);
        near(percentile(&[], 0.5), 0.0);
    }

    #[test]
    fn randomisation_test_detects_steady_gain() {
        // Ten gains of one sign: 2 of 2^10 patterns are as large.
        let p = randomisation_p(&[0.1; 10]);
        assert!((p - 2.0 / 1024.0).abs() < 0.001, "{p}");
        let p = randomisation_p(&[0.5, -0.5, 0.5, -0.5]);
        assert!(p > 0.99, "{p}");
        assert_eq!(randomisation_p(&[0.0; 5]), 1.0);
        assert_eq!(randomisation_p(&[]), 1.0);
    }
}
