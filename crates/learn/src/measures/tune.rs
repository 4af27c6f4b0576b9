//! How much each part of a search should count: `ken tune`.
//!
//! A linear model with two free numbers, [`Shares`], found by trying all of them on the measure itself. Models
//! with more freedom were tried on the same features in a notebook (pairwise logistic regression, boosted trees)
//! and did worse on sets they were not fitted on: docs/measured/quality.md.

use std::collections::HashMap;

use serde::Serialize;

use super::{Ranked, mean};
use ken_search::retrieve::Shares;

/// A judged question with the candidates that a search proposed.
pub struct Example {
    /// Document id → gain.
    pub relevant: HashMap<String, f64>,
    pub candidates: Vec<Candidate>,
}

/// One proposed chunk.
pub struct Candidate {
    pub document: String,
    pub coverage: f32,
    pub proximity: f32,
    pub similarity: f32,
}

/// The outcome for one set, as nDCG@10.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TunedSet {
    pub dataset: String,
    pub n_queries: usize,
    /// With the shares that are set now.
    pub before: f64,
    /// With the shares that are best on all sets together.
    pub tuned: f64,
    /// With the shares that are best on all *other* sets; `None` where there is no other.
    pub held_out: Option<f64>,
}

/// The shares that are best in the mean over sets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tuned {
    pub shares: Shares,
    pub sets: Vec<TunedSet>,
}

/// Steps of a twentieth: finer ones move the measure by less than its noise.
const STEPS: usize = 20;

/// Tries all shares of words up to .6 and of proximity up to .4.
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
    // By set, by point of the grid.
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
        Ranked::new(&ranked, &example.relevant).ndcg(10)
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
        let candidate = |document: &str, coverage, similarity| Candidate {
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
