//! The report of one set in one mode, its tables, and the quality card.

use serde::Serialize;

use super::admission::{self, Judged, KindMeasures, LevelMeasures};
use super::slices::Slice;
use ken_learn::measures::{
    JudgedDecision, auroc, calibration_error, false_answer_rate_at, mean, percentile,
};

/// The measures of one set in one mode. Shares are in [0, 1].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvalReport {
    /// The set's name.
    pub dataset: String,
    /// The search mode.
    pub mode: String,
    /// The number of queries.
    pub n_queries: usize,
    /// How many queries have a relevant document; ranking measures are means over these.
    pub n_judged: usize,
    /// Mean recall@1.
    #[serde(rename = "recall@1")]
    pub recall_1: f64,
    /// Mean recall@5.
    #[serde(rename = "recall@5")]
    pub recall_5: f64,
    /// Mean recall@10.
    #[serde(rename = "recall@10")]
    pub recall_10: f64,
    /// Mean success@1.
    #[serde(rename = "success@1")]
    pub success_1: f64,
    /// Mean success@5.
    #[serde(rename = "success@5")]
    pub success_5: f64,
    /// Mean reciprocal rank within the first 10.
    #[serde(rename = "mrr@10")]
    pub mrr_10: f64,
    /// Mean nDCG@10.
    #[serde(rename = "ndcg@10")]
    pub ndcg_10: f64,
    /// By language and by perturbation rule, if the queries have them.
    pub slices: Vec<Slice>,
    /// Latency of retrieval.
    pub latency_ms: Latency,
    /// Measures of admission; `None` unless the set has answerable and unanswerable questions.
    #[serde(flatten)]
    pub admission: Option<AdmissionMeasures>,
    /// Measures of answers; `None` if no answers were asked for.
    #[serde(flatten)]
    pub answers: Option<AnswerMeasures>,
}

/// Latency of retrieval without loading evidence, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Latency {
    /// The median.
    pub p50: f64,
    /// The 95th percentile.
    pub p95: f64,
    /// Whether the latency includes encoding the question; with cached vectors it does not.
    pub with_encoder: bool,
}

impl Latency {
    /// The percentiles of latencies in milliseconds, in any order.
    pub fn of(mut values_ms: Vec<f64>, with_encoder: bool) -> Self {
        values_ms.sort_by(f64::total_cmp);
        Self {
            p50: percentile(&values_ms, 0.5),
            p95: percentile(&values_ms, 0.95),
            with_encoder,
        }
    }
}

/// How well admission separates answerable from unanswerable questions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AdmissionMeasures {
    /// AUROC of confidence, in [0, 1].
    pub auroc: f64,
    /// Share of unanswerable questions answered at the threshold that answers 90 % of the answerable.
    #[serde(rename = "false_answer_rate@90")]
    pub false_answer_rate_90: f64,
    /// At the shipped threshold: share of the answerable questions answered.
    pub answer_rate: f64,
    /// At the shipped threshold: share of the unanswerable questions answered.
    pub false_answer_rate: f64,
    /// Expected calibration error of confidence, in [0, 1].
    pub calibration_error: f64,
    /// Measures at the reported levels.
    pub levels: Vec<LevelMeasures>,
    /// Counts by kind of question.
    pub kinds: Vec<KindMeasures>,
}

impl AdmissionMeasures {
    /// The measures; `None` unless there are answerable and unanswerable questions. `reads`: whether the reader model
    /// read the passages.
    pub fn of(judged: &[Judged], reads: bool) -> Option<Self> {
        let decisions: Vec<JudgedDecision> = judged.iter().map(|j| j.decision).collect();
        let decisions = decisions.as_slice();
        let rate = |answerable: bool| {
            let kind = decisions.iter().filter(|d| d.answerable == answerable);
            mean(kind.map(|d| f64::from(u8::from(d.answered))))
        };
        Some(Self {
            auroc: auroc(decisions)?,
            false_answer_rate_90: false_answer_rate_at(decisions, 0.9)?,
            answer_rate: rate(true),
            false_answer_rate: rate(false),
            calibration_error: calibration_error(decisions),
            levels: admission::by_level(judged, reads),
            kinds: admission::by_kind(judged, reads),
        })
    }
}

/// Measures of the answers' content.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnswerMeasures {
    /// Share of answerable queries whose answer contains a gold string, after folding.
    pub answer_contains: f64,
    /// Share of citations whose quote is exactly the cited span.
    pub citation_valid: f64,
    /// The number of citations.
    pub n_citations: usize,
    /// Share of sentences that do not occur in their citations, after folding; 0 is expected of quoted answers.
    pub sentences_unsupported: f64,
    /// Mean number of sentences per answer.
    pub sentences_per_answer: f64,
    /// Mean number of characters per answer.
    pub characters_per_answer: f64,
}

/// The markers around the quality card in a Markdown file.
const CARD: [&str; 2] = [
    "<!-- quality card: written by `make quality` -->",
    "<!-- end of the quality card -->",
];

/// Replaces the quality card of `document` by `table`; `None` if the document has no markers.
pub fn with_card(document: &str, table: &str) -> Option<String> {
    let (before, rest) = document.split_once(CARD[0])?;
    let (_, after) = rest.split_once(CARD[1])?;
    Some(format!(
        "{before}{}\n\n{table}\n\n{}{after}",
        CARD[0], CARD[1]
    ))
}

/// The reports as a Markdown table, shares in per cent.
pub fn table(reports: &[EvalReport]) -> String {
    let mut lines = vec![
        "| set | mode | queries | R@1 | S@1 | S@5 | R@5 | R@10 | MRR@10 | nDCG@10 | AUROC | FAR@90 | answered / falsely | contains gold | citations valid | p50 / p95 ms |".to_owned(),
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|".to_owned(),
    ];
    let percent = |value: f64| format!("{:.1}", value * 100.0);
    for r in reports {
        let admission = r.admission.as_ref().map_or(
            ["–".to_owned(), "–".to_owned(), "–".to_owned()],
            |a| {
                [
                    format!("{:.3}", a.auroc),
                    format!("{:.3}", a.false_answer_rate_90),
                    format!(
                        "{} / {}",
                        percent(a.answer_rate),
                        percent(a.false_answer_rate)
                    ),
                ]
            },
        );
        let answers = r
            .answers
            .as_ref()
            .map_or(["–".to_owned(), "–".to_owned()], |a| {
                [percent(a.answer_contains), percent(a.citation_valid)]
            });
        let note = if r.latency_ms.with_encoder { "" } else { "*" };
        lines.push(format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {:.1} / {:.1}{note} |",
            r.dataset,
            r.mode,
            r.n_queries,
            percent(r.recall_1),
            percent(r.success_1),
            percent(r.success_5),
            percent(r.recall_5),
            percent(r.recall_10),
            percent(r.mrr_10),
            percent(r.ndcg_10),
            admission.join(" | "),
            answers.join(" | "),
            r.latency_ms.p50,
            r.latency_ms.p95,
        ));
    }
    lines.push(String::new());
    lines.push(
        "\\* without the encoder (keyword mode, or question vectors from the cache)".to_owned(),
    );
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_card_is_replaced_and_rest_is_unchanged() {
        let document = format!("a\n{}\nold\n{}\nb", CARD[0], CARD[1]);
        let written = with_card(&document, "| new |").unwrap();
        assert!(
            written.starts_with("a\n") && written.ends_with("\nb") && written.contains("| new |")
        );
        assert!(!written.contains("old"));
        assert_eq!(with_card(&written, "| new |").unwrap(), written);
        assert_eq!(with_card("no place", "| new |"), None);
    }
}
