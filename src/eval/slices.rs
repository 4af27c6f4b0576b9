//! Measures by slice: by language and by perturbation rule.

use std::collections::BTreeMap;

use serde::Serialize;

use super::dataset::JudgedQuery;
use super::report::EvalReport;
use ken_learn::measures::{RankedGains, mean};

/// The rule of unchanged queries, which others are variants of.
const UNCHANGED: &str = "orig";

/// The measures of a part of a set's queries. Shares are in [0, 1].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slice {
    /// `language` or `perturbation`.
    pub by: &'static str,
    /// The language or the rule.
    pub value: String,
    /// The number of queries.
    pub n_queries: usize,
    /// Mean recall@1.
    #[serde(rename = "recall@1")]
    pub recall_1: f64,
    /// Mean recall@5.
    #[serde(rename = "recall@5")]
    pub recall_5: f64,
    /// Mean nDCG@10.
    #[serde(rename = "ndcg@10")]
    pub ndcg_10: f64,
    /// Recall@1 of the unchanged queries that these are variants of.
    #[serde(rename = "unchanged_recall@1")]
    pub unchanged_recall_1: Option<f64>,
    /// Recall@5 of these unchanged queries.
    #[serde(rename = "unchanged_recall@5")]
    pub unchanged_recall_5: Option<f64>,
}

/// Judged queries by language and by perturbation rule.
#[derive(Default)]
pub struct Slices {
    by_language: BTreeMap<String, Vec<RankedGains>>,
    /// Rule → the part of the query's id that its variants share → ranking.
    by_rule: BTreeMap<String, BTreeMap<String, RankedGains>>,
}

impl Slices {
    /// Adds a query. Variants of one query share their id up to `~`.
    pub fn add(&mut self, query: &JudgedQuery, ranked: &RankedGains) {
        if !query.lang.is_empty() {
            let of_language = self.by_language.entry(query.lang.clone()).or_default();
            of_language.push(ranked.clone());
        }
        if let Some(rule) = &query.perturb {
            let base = query.id.split('~').next().unwrap_or_default();
            let of_rule = self.by_rule.entry(rule.clone()).or_default();
            of_rule.insert(base.to_owned(), ranked.clone());
        }
    }

    /// The slices: languages if the set has more than one, and all rules.
    pub fn report(self) -> Vec<Slice> {
        let mut slices = Vec::new();
        if self.by_language.len() > 1 {
            for (language, ranked) in &self.by_language {
                let all: Vec<&RankedGains> = ranked.iter().collect();
                slices.push(slice("language", language, &all, &[]));
            }
        }
        let unchanged = self.by_rule.get(UNCHANGED);
        for (rule, variants) in &self.by_rule {
            let all: Vec<&RankedGains> = variants.values().collect();
            let bases: Vec<&RankedGains> = variants
                .keys()
                .filter_map(|base| unchanged?.get(base))
                .collect();
            slices.push(slice("perturbation", rule, &all, &bases));
        }
        slices
    }
}

fn slice(by: &'static str, value: &str, ranked: &[&RankedGains], bases: &[&RankedGains]) -> Slice {
    let recall = |of: &[&RankedGains], k: usize| mean(of.iter().map(|r| r.recall(k)));
    let of_bases = |k: usize| (!bases.is_empty()).then(|| recall(bases, k));
    Slice {
        by,
        value: value.to_owned(),
        n_queries: ranked.len(),
        recall_1: recall(ranked, 1),
        recall_5: recall(ranked, 5),
        ndcg_10: mean(ranked.iter().map(|r| r.ndcg(10))),
        unchanged_recall_1: of_bases(1),
        unchanged_recall_5: of_bases(5),
    }
}

/// The slices of all reports as a Markdown table, shares in per cent; `None` if there are none.
pub fn slice_table(reports: &[EvalReport]) -> Option<String> {
    let percent = |value: f64| format!("{:.1}", value * 100.0);
    let rows: Vec<String> = reports
        .iter()
        .flat_map(|report| report.slices.iter().map(move |slice| (report, slice)))
        .map(|(report, s)| {
            let unchanged = match (s.unchanged_recall_1, s.unchanged_recall_5) {
                (Some(at_1), Some(at_5)) => format!("{} / {}", percent(at_1), percent(at_5)),
                _ => "–".to_owned(),
            };
            format!(
                "| {} | {} | {} | {} | {} | {} / {} | {unchanged} | {} |",
                report.dataset,
                report.mode,
                s.by,
                s.value,
                s.n_queries,
                percent(s.recall_1),
                percent(s.recall_5),
                percent(s.ndcg_10),
            )
        })
        .collect();
    let head = "| set | mode | by | slice | queries | R@1 / R@5 | of the same, unchanged | nDCG@10 |\n|---|---|---|---|--:|--:|--:|--:|";
    (!rows.is_empty()).then(|| format!("{head}\n{}", rows.join("\n")))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn query(id: &str, lang: &str, rule: &str) -> JudgedQuery {
        serde_json::from_value(
            serde_json::json!({ "_id": id, "text": "?", "lang": lang, "perturb": rule }),
        )
        .unwrap()
    }

    #[test]
    fn variants_are_compared_with_original_queries() {
        let ranked = |found: bool| {
            let document = if found { "a" } else { "b" };
            RankedGains::new(
                &[(document.to_owned(), 1.0)],
                &HashMap::from([("a".to_owned(), 1.0)]),
            )
        };
        let mut slices = Slices::default();
        slices.add(&query("1~orig", "en", "orig"), &ranked(true));
        slices.add(&query("2~orig", "zh", "orig"), &ranked(false));
        slices.add(&query("1~typo", "en", "typo"), &ranked(false));
        let report = slices.report();
        let named: Vec<(&str, &str, f64, Option<f64>)> = report
            .iter()
            .map(|s| (s.by, s.value.as_str(), s.recall_1, s.unchanged_recall_1))
            .collect();
        assert_eq!(
            named,
            [
                ("language", "en", 0.5, None),
                ("language", "zh", 0.0, None),
                ("perturbation", "orig", 0.5, Some(0.5)),
                ("perturbation", "typo", 0.0, Some(1.0)),
            ]
        );
    }
}
