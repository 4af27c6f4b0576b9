//! Measures of admission by level and by kind of question.

use std::collections::BTreeMap;

use serde::Serialize;

use super::report::EvalReport;
use ken_answer::answer::least_of;
use ken_base::domain::Level;
use ken_learn::measures::{JudgedDecision, mean};

/// The reported levels: `balanced` for answers that an agent reads first, `strict` for answers sent without review.
const LEVELS: [Level; 2] = [Level::Balanced, Level::Strict];
/// The kind of questions without a kind.
const UNNAMED: &str = "all";

/// A decision with the judgement of its question.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The decision.
    pub decision: JudgedDecision,
    /// The kind of question, if the set names it.
    pub kind: Option<String>,
    /// Whether the answer's text contains a gold string; `None` if the question has none.
    pub is_right: Option<bool>,
}

/// Measures of a set at one level. Shares are in [0, 1].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LevelMeasures {
    /// The level's name.
    pub level: &'static str,
    /// Share of the answerable questions whose answer contains a gold string, or that have none.
    pub right: f64,
    /// Share of them that are answered otherwise.
    pub wrong: f64,
    /// Share of them that are not answered.
    pub refused: f64,
    /// Share of the unanswerable questions that are answered.
    pub false_answers: f64,
}

/// The questions of one kind at the level `balanced`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KindMeasures {
    /// The kind.
    pub kind: String,
    /// Whether its questions are answerable.
    pub answerable: bool,
    /// The number of questions.
    pub n_queries: usize,
    /// The number of answered questions.
    pub n_answered: usize,
    /// The number of answers that contain a gold string; 0 for unanswerable questions.
    pub n_right: usize,
}

/// The measures at each reported level; empty unless there are answerable and unanswerable questions. `reads`: whether
/// the reader model read the passages.
pub fn by_level(judged: &[Judged], reads: bool) -> Vec<LevelMeasures> {
    let (answerable, others): (Vec<&Judged>, Vec<&Judged>) =
        judged.iter().partition(|j| j.decision.answerable);
    if answerable.is_empty() || others.is_empty() {
        return Vec::new();
    }
    let share = |of: &[&Judged], holds: &dyn Fn(&Judged) -> bool| {
        mean(of.iter().map(|j| f64::from(u8::from(holds(j)))))
    };
    LEVELS
        .map(|level| {
            let is_answered = |j: &Judged| answered_at(j, level, reads);
            LevelMeasures {
                level: level.as_str(),
                right: share(&answerable, &|j| {
                    is_answered(j) && j.is_right != Some(false)
                }),
                wrong: share(&answerable, &|j| {
                    is_answered(j) && j.is_right == Some(false)
                }),
                refused: share(&answerable, &|j| !is_answered(j)),
                false_answers: share(&others, &is_answered),
            }
        })
        .into()
}

/// The counts by kind, answerable kinds first.
pub fn by_kind(judged: &[Judged], reads: bool) -> Vec<KindMeasures> {
    let mut kinds: BTreeMap<(bool, &str), KindMeasures> = BTreeMap::new();
    for j in judged {
        let kind = j.kind.as_deref().unwrap_or(UNNAMED);
        let answerable = j.decision.answerable;
        let of_kind = kinds
            .entry((!answerable, kind))
            .or_insert_with(|| KindMeasures {
                kind: kind.to_owned(),
                answerable,
                n_queries: 0,
                n_answered: 0,
                n_right: 0,
            });
        let is_answered = answered_at(j, Level::Balanced, reads);
        of_kind.n_queries += 1;
        of_kind.n_answered += usize::from(is_answered);
        of_kind.n_right += usize::from(is_answered && answerable && j.is_right != Some(false));
    }
    kinds.into_values().collect()
}

/// Whether a question is answered at a level. A question without a composable answer stays unanswered at every level.
/// `answered` was measured at one level, and a stricter level would return the same text.
fn answered_at(judged: &Judged, level: Level, reads: bool) -> bool {
    judged.decision.answered && judged.decision.confidence >= least_of(level, reads)
}

/// Levels and kinds of all reports as Markdown, shares in per cent; `None` if no set has unanswerable questions.
pub fn admission_table(reports: &[EvalReport]) -> Option<String> {
    let percent = |value: f64| format!("{:.1}", value * 100.0);
    let mut levels = vec![
        "| set | level | right | wrong | refused | false answers | calibration error |".to_owned(),
        "|---|---|--:|--:|--:|--:|--:|".to_owned(),
    ];
    let mut kinds = vec![
        "| set | kind | questions | answered | right |".to_owned(),
        "|---|---|--:|--:|--:|".to_owned(),
    ];
    for report in reports {
        let Some(admission) = &report.admission else {
            continue;
        };
        for level in &admission.levels {
            levels.push(format!(
                "| {} | {} | {} | {} | {} | {} | {:.3} |",
                report.dataset,
                level.level,
                percent(level.right),
                percent(level.wrong),
                percent(level.refused),
                percent(level.false_answers),
                admission.calibration_error,
            ));
        }
        for kind in &admission.kinds {
            let right = match kind.answerable {
                true => kind.n_right.to_string(),
                false => "–".to_owned(),
            };
            kinds.push(format!(
                "| {} | {} | {} | {} | {right} |",
                report.dataset, kind.kind, kind.n_queries, kind.n_answered
            ));
        }
    }
    (levels.len() > 2).then(|| format!("{}\n\n{}", levels.join("\n"), kinds.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(answerable: bool, confidence: f32, is_right: Option<bool>) -> Judged {
        Judged {
            decision: JudgedDecision {
                answerable,
                confidence,
                answered: confidence >= least_of(Level::Balanced, true),
            },
            kind: Some(if answerable { "plain" } else { "other_plan" }.to_owned()),
            is_right,
        }
    }

    #[test]
    fn admission_levels_and_kinds_match_hand_calculation() {
        let all = [
            judged(true, 0.99, Some(true)),
            judged(true, 0.99, Some(false)),
            judged(true, 0.01, Some(true)),
            judged(false, 0.99, None),
            judged(false, 0.01, None),
        ];
        for level in by_level(&all, true) {
            let third = 1.0 / 3.0;
            for (found, expected) in [
                (level.right, third),
                (level.wrong, third),
                (level.refused, third),
                (level.false_answers, 0.5),
            ] {
                assert!((found - expected).abs() < 1e-9, "{level:?}");
            }
        }
        let kinds = by_kind(&all, true);
        assert_eq!((kinds[0].kind.as_str(), kinds[0].n_right), ("plain", 1));
        assert_eq!(
            (kinds[1].kind.as_str(), kinds[1].n_answered),
            ("other_plan", 1)
        );
    }
}
