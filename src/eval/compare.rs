//! Compares two runs over the same queries, with a test of significance.

use std::collections::HashMap;
use std::io::BufRead;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::EvalError;
use ken_learn::measures::{RankedGains, mean, randomisation_p};

/// The measures of one query that runs are compared by, each in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Recall@1.
    #[serde(rename = "recall@1")]
    pub recall_1: f64,
    /// Recall@5.
    #[serde(rename = "recall@5")]
    pub recall_5: f64,
    /// nDCG@10.
    #[serde(rename = "ndcg@10")]
    pub ndcg_10: f64,
}

impl From<&RankedGains> for Scores {
    fn from(ranked: &RankedGains) -> Self {
        Self {
            recall_1: ranked.recall(1),
            recall_5: ranked.recall(5),
            ndcg_10: ranked.ndcg(10),
        }
    }
}

type Measure = fn(&Scores) -> f64;

const MEASURES: [(&str, Measure); 3] = [
    ("R@1", |s| s.recall_1),
    ("R@5", |s| s.recall_5),
    ("nDCG@10", |s| s.ndcg_10),
];

/// Query id, before, after.
type Pair<'a> = (&'a str, Scores, Scores);
/// Set, mode, query id.
type Key = (String, String, String);

/// The scores of a run by query.
#[derive(Debug, Clone, Default)]
pub struct EvalRun(HashMap<Key, Scores>);

#[derive(Deserialize)]
struct BaselineLine {
    dataset: String,
    mode: String,
    query: QueryLine,
}

#[derive(Deserialize)]
struct QueryLine {
    id: String,
    scores: Option<Scores>,
}

impl EvalRun {
    /// Reads a file written by `--per-query`.
    pub fn read(path: &Path) -> Result<Self, EvalError> {
        let fault = |detail: String| EvalError::File {
            path: path.to_owned(),
            detail,
        };
        let file = std::fs::File::open(path).map_err(|e| fault(e.to_string()))?;
        let mut run = Self::default();
        for (i, line) in std::io::BufReader::new(file).lines().enumerate() {
            let line = line.map_err(|e| fault(e.to_string()))?;
            let line: BaselineLine =
                serde_json::from_str(&line).map_err(|e| fault(format!("line {}: {e}", i + 1)))?;
            if let Some(scores) = line.query.scores {
                run.insert(&line.dataset, &line.mode, &line.query.id, scores);
            }
        }
        Ok(run)
    }

    /// Adds the scores of one query.
    pub fn insert(&mut self, dataset: &str, mode: &str, query: &str, scores: Scores) {
        let key = (dataset.to_owned(), mode.to_owned(), query.to_owned());
        self.0.insert(key, scores);
    }

    /// Returns the differences from `before` to this run by set, mode and measure. Only queries judged in both runs
    /// count.
    pub fn against(&self, before: &Self) -> Vec<Difference> {
        let mut pairs: HashMap<(&str, &str), Vec<Pair>> = HashMap::new();
        for (key @ (dataset, mode, query), after) in &self.0 {
            if let Some(before) = before.0.get(key) {
                let of_set = pairs.entry((dataset, mode)).or_default();
                of_set.push((query, *before, *after));
            }
        }
        let mut differences = Vec::new();
        for ((dataset, mode), mut queries) in pairs {
            // The test draws signs in the order of the queries, so sorting makes p reproducible.
            queries.sort_by_key(|(query, ..)| *query);
            for (measure, value) in MEASURES {
                let gains: Vec<f64> = queries
                    .iter()
                    .map(|(_, b, a)| value(a) - value(b))
                    .collect();
                differences.push(Difference {
                    dataset: dataset.to_owned(),
                    mode: mode.to_owned(),
                    measure,
                    n_queries: queries.len(),
                    before: mean(queries.iter().map(|(_, before, _)| value(before))),
                    after: mean(queries.iter().map(|(_, _, after)| value(after))),
                    n_better: gains.iter().filter(|gain| **gain > 0.0).count(),
                    n_worse: gains.iter().filter(|gain| **gain < 0.0).count(),
                    p: randomisation_p(&gains),
                });
            }
        }
        differences.sort_by(|a, b| (&a.dataset, &a.mode).cmp(&(&b.dataset, &b.mode)));
        differences
    }
}

/// One measure of one set in two runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The set's name.
    pub dataset: String,
    /// The search mode.
    pub mode: String,
    /// The measure's name.
    pub measure: &'static str,
    /// The number of compared queries.
    pub n_queries: usize,
    /// The mean before.
    pub before: f64,
    /// The mean after.
    pub after: f64,
    /// The number of queries with a better score.
    pub n_better: usize,
    /// The number of queries with a worse score.
    pub n_worse: usize,
    /// The two-sided p-value of [`randomisation_p`].
    pub p: f64,
}

/// Differences as a Markdown table, shares in per cent; `*` where p < .05.
pub fn table(differences: &[Difference]) -> String {
    let mut lines = vec![
        "| set | mode | measure | queries | before | after | change | better / worse | p |"
            .to_owned(),
        "|---|---|---|--:|--:|--:|--:|--:|--:|".to_owned(),
    ];
    lines.extend(differences.iter().map(|d| {
        format!(
            "| {} | {} | {} | {} | {:.1} | {:.1} | {:+.1} | {} / {} | {:.4}{} |",
            d.dataset,
            d.mode,
            d.measure,
            d.n_queries,
            d.before * 100.0,
            d.after * 100.0,
            (d.after - d.before) * 100.0,
            d.n_better,
            d.n_worse,
            d.p,
            if d.p < 0.05 { "*" } else { "" },
        )
    }));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(value: f64) -> Scores {
        Scores {
            recall_1: value,
            recall_5: value,
            ndcg_10: value,
        }
    }

    #[test]
    fn run_comparison_pairs_by_query() {
        let (mut before, mut after) = (EvalRun::default(), EvalRun::default());
        for i in 0..20 {
            before.insert("s", "hybrid", &i.to_string(), scores(0.0));
            after.insert("s", "hybrid", &i.to_string(), scores(f64::from(i % 2)));
        }
        before.insert("s", "hybrid", "only before", scores(1.0));
        after.insert("s", "vector", "1", scores(1.0));
        let differences = after.against(&before);
        assert_eq!(differences.len(), 3);
        let d = &differences[0];
        assert_eq!(
            (d.measure, d.n_queries, d.n_better, d.n_worse),
            ("R@1", 20, 10, 0)
        );
        assert!((d.before, d.after) == (0.0, 0.5) && d.p < 0.01, "{d:?}");
        assert!(table(&differences).contains("| +50.0 | 10 / 0 |"));
    }

    #[test]
    fn damaged_run_line_error_names_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        let line = r#"{"dataset":"s","mode":"hybrid","query":{"id":"q","scores":{"recall@1":1,"recall@5":1,"ndcg@10":1}}}"#;
        std::fs::write(&path, format!("{line}\n{{")).unwrap();
        let error = EvalRun::read(&path).unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
        std::fs::write(&path, line).unwrap();
        assert_eq!(EvalRun::read(&path).unwrap().0.len(), 1);
    }
}
