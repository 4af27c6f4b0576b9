//! Fits the weights of keyword, proximity and vector similarity in the fused score: `ken tune`.
//!
//! A linear model with two free numbers, [`Shares`], fitted by a grid search on nDCG@10. Models with more freedom were
//! tried on the same features (pairwise logistic regression, boosted trees). They did worse on held-out sets:
//! docs/measured/quality.md.

use std::collections::HashMap;

use serde::Serialize;

use super::{RankedGains, mean};
use ken_search::retrieve::Shares;

/// A judged question with the candidates that a search proposed.
pub struct Example {
    /// Document id → gain.
    pub relevant: HashMap<String, f64>,
    /// The chunks that retrieval proposed, in any order.
    pub candidates: Vec<TuningCandidate>,
}

/// One proposed chunk.
pub struct TuningCandidate {
    /// The id of the chunk's document.
    pub document: String,
    /// The share of the query's term weight found in the chunk, in [0, 1].
    pub coverage: f32,
    /// How close the query's terms are to each other in the chunk, in [0, 1].
    pub proximity: f32,
    /// The cosine of the query's vector and the chunk's, in [-1, 1].
    pub similarity: f32,
}

/// The outcome for one set, as nDCG@10.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TunedSet {
    /// The name of the set.
    pub dataset: String,
    /// The number of judged questions in the set.
    pub n_queries: usize,
    /// With the current shares.
    pub before: f64,
    /// With the shares that are best over all sets.
    pub tuned: f64,
    /// With the shares that are best over all *other* sets; `None` if there is only one set.
    pub held_out: Option<f64>,
}

/// The shares with the greatest sum of nDCG@10 over the sets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tuned {
    /// The best shares.
    pub shares: Shares,
    /// The outcome for each set, in the order given.
    pub sets: Vec<TunedSet>,
}

/// The grid's steps per unit: finer steps change the measure by less than its noise.
const STEPS: usize = 20;

/// Tries all keyword shares from 0 to .6 and all proximity shares from 0 to .4 whose sum is below .95.
pub fn tune(sets: &[(String, Vec<Example>)], now: Shares) -> Tuned {
    let share = |step: usize| step as f32 / STEPS as f32;
    let grid: Vec<Shares> = (0..=STEPS * 6 / 10)
        .flat_map(|keyword| {
            (0..=STEPS * 4 / 10).map(move |proximity| Shares {
                keyword: share(keyword),
                proximity: share(proximity),
            })
        })
        .filter(|shares| shares.keyword + shares.proximity < 0.95)
        .collect();
    // nDCG@10 by set and by point of the grid.
    let measured: Vec<Vec<f64>> = sets
        .iter()
        .map(|(_, examples)| grid.iter().map(|shares| ndcg(examples, *shares)).collect())
        .collect();
    let best_over = |counts: &dyn Fn(usize) -> bool| -> Option<usize> {
        let total = |point: usize| -> f64 {
            let of_sets = measured.iter().enumerate();
            let counted = of_sets.filter(|(set, _)| counts(*set));
            counted.map(|(_, values)| values[point]).sum()
        };
        (0..grid.len()).max_by(|a, b| total(*a).total_cmp(&total(*b)))
    };
    let best = best_over(&|_| true).unwrap_or_default();
    let report = sets
        .iter()
        .enumerate()
        .map(|(i, (name, examples))| TunedSet {
            dataset: name.clone(),
            n_queries: examples.len(),
            before: ndcg(examples, now),
            tuned: measured[i][best],
            held_out: match sets.len() {
                0 | 1 => None,
                _ => best_over(&|set| set != i).map(|point| measured[i][point]),
            },
        });
    Tuned {
        shares: grid[best],
        sets: report.collect(),
    }
}

fn ndcg(examples: &[Example], shares: Shares) -> f64 {
    mean(examples.iter().map(|example| {
        let mut best: HashMap<&str, f32> = HashMap::new();
        for c in &example.candidates {
            let score = shares.score(c.coverage, c.proximity, c.similarity);
            let of_document = best.entry(&c.document).or_insert(score);
            *of_document = of_document.max(score);
        }
        let ranked: Vec<(String, f32)> = best
            .into_iter()
            .map(|(document, score)| (document.to_owned(), score))
            .collect();
        RankedGains::new(&ranked, &example.relevant).ndcg(10)
    }))
}

/// The outcome as a Markdown table.
pub fn table(tuned: &Tuned) -> String {
    let mut lines = vec![
        "| set | queries | nDCG@10 now | tuned on all | tuned on the others |".to_owned(),
        "|---|--:|--:|--:|--:|".to_owned(),
    ];
    lines.extend(tuned.sets.iter().map(|set| {
        format!(
            "| {} | {} | {:.1} | {:.1} | {} |",
            set.dataset,
            set.n_queries,
            set.before * 100.0,
            set.tuned * 100.0,
            set.held_out
                .map_or("–".to_owned(), |value| format!("{:.1}", value * 100.0)),
        )
    }));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One question whose answer is the best by `coverage` alone.
    fn by_words(id: &str) -> Example {
        let candidate = |document: &str, coverage, similarity| TuningCandidate {
            document: document.to_owned(),
            coverage,
            proximity: 0.0,
            similarity,
        };
        Example {
            relevant: HashMap::from([(id.to_owned(), 1.0)]),
            candidates: vec![candidate(id, 0.9, 0.80), candidate("other", 0.1, 0.95)],
        }
    }

    #[test]
    fn tuning_raises_share_of_better_leg() {
        let sets = vec![
            ("a".to_owned(), vec![by_words("x")]),
            ("b".to_owned(), vec![by_words("y"), by_words("z")]),
        ];
        let blind = Shares {
            keyword: 0.0,
            proximity: 0.0,
        };
        let tuned = tune(&sets, blind);
        assert!(tuned.shares.keyword > 0.2, "{tuned:?}");
        let set = &tuned.sets[1];
        assert!(
            set.before < 0.7 && set.tuned == 1.0 && set.held_out == Some(1.0),
            "{tuned:?}"
        );
        assert_eq!(tune(&sets[..1], blind).sets[0].held_out, None);
        assert!(
            table(&tuned).contains("| b | 2 | 63.1 | 100.0 | 100.0 |"),
            "{}",
            table(&tuned)
        );
    }
}
