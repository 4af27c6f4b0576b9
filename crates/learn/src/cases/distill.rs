//! Distils a case: the question in general terms, the agents' statements that hold for any customer, and the steps.
//! Pure.
//!
//! Only agents' sentences count as facts. Statements about one account, or about work done for one customer, are not
//! knowledge.

use super::dialogue_acts::{self, DialogueAct};
use super::generalize::{self, CaseValues};
use ken_base::domain::{Case, CaseOutcome, CaseRole, Distilled, Excerpt, NoKnowledge};
use ken_text::text::{char_width, detect, sentences};

/// The longest question, in display width (a Han character counts two). Longer sentences tell a story.
const MAX_QUESTION_WIDTH: usize = 160;
/// The most requests, the most steps and the most resolution sentences that are kept of a case.
const MAX_EXCERPTS: usize = 40;

/// A sentence of a case with its speaker and its dialogue act.
pub(super) struct CaseSentence {
    /// The speaker.
    pub role: CaseRole,
    /// The sentence in general terms with its place in the case.
    pub excerpt: Excerpt,
    /// What the sentence does.
    pub act: DialogueAct,
}

/// The sentences of customers and agents, in order and in general terms.
pub(super) fn case_sentences(case: &Case) -> Vec<CaseSentence> {
    let values = CaseValues::of(case);
    let mut all = Vec::new();
    for (turn, t) in case.turns.iter().enumerate() {
        if !matches!(t.role, CaseRole::Customer | CaseRole::Agent) {
            continue;
        }
        for span in sentences(&t.text) {
            let whole = span.slice(&t.text).unwrap_or_default();
            // A salutation names the customer, but does not make the sentence specific to that customer.
            let skipped = match t.role {
                CaseRole::Agent => generalize::salutation(whole),
                _ => 0,
            };
            let sentence = &whole[skipped..];
            let (text, act) = match t.role {
                CaseRole::Agent => {
                    let (text, has_value) = generalize::agent_sentence(sentence, &values);
                    let act = dialogue_acts::dialogue_act(sentence, has_value);
                    (text, act)
                }
                _ => {
                    let act = match dialogue_acts::request(sentence) {
                        0 => DialogueAct::Courtesy,
                        _ => DialogueAct::Ask,
                    };
                    (generalize::customer_sentence(sentence, &values), act)
                }
            };
            let (start, end) = (span.start + skipped, span.end);
            all.push(CaseSentence {
                role: t.role,
                excerpt: Excerpt {
                    turn,
                    start,
                    end,
                    text,
                },
                act,
            });
        }
    }
    all
}

/// Distils a case whose personal data was already removed.
pub fn distill(case: &Case) -> Distilled {
    let all = case_sentences(case);
    let of = |role: CaseRole, acts: &[DialogueAct]| -> Vec<Excerpt> {
        let some = all
            .iter()
            .filter(|s| s.role == role && acts.contains(&s.act));
        let mut excerpts: Vec<Excerpt> = Vec::new();
        for s in some {
            if excerpts.len() < MAX_EXCERPTS
                && !excerpts.iter().any(|known| known.text == s.excerpt.text)
            {
                excerpts.push(s.excerpt.clone());
            }
        }
        excerpts
    };
    let requests = of(CaseRole::Customer, &[DialogueAct::Ask]);
    let resolution = of(CaseRole::Agent, &[DialogueAct::Fact, DialogueAct::Instruct]);
    let steps = of(CaseRole::Agent, &[DialogueAct::Ask, DialogueAct::Instruct]);
    let is_about_one = all
        .iter()
        .any(|s| s.role == CaseRole::Agent && s.act == DialogueAct::Specific);
    let outcome = case
        .outcome
        .unwrap_or_else(|| dialogue_acts::outcome(case, !resolution.is_empty()));
    finish(case, requests, resolution, steps, is_about_one, outcome)
}

/// Builds the result from selected sentences.
pub(super) fn finish(
    case: &Case,
    requests: Vec<Excerpt>,
    resolution: Vec<Excerpt>,
    steps: Vec<Excerpt>,
    is_about_one: bool,
    outcome: CaseOutcome,
) -> Distilled {
    let question = question(&requests);
    let says = resolution
        .iter()
        .any(|e| !e.text.trim_end().ends_with(['?', '？']));
    let gap = match (outcome, says, is_about_one) {
        (CaseOutcome::Unresolved, ..) => Some(NoKnowledge::Unresolved),
        (_, false, true) => Some(NoKnowledge::OneAccount),
        (_, false, false) => Some(NoKnowledge::SettlesNothing),
        _ if question.is_empty() => Some(NoKnowledge::SettlesNothing),
        _ => None,
    };
    let conditions = resolution
        .iter()
        .filter(|e| dialogue_acts::is_condition(&e.text));
    let spoken: Vec<&str> = case.turns.iter().map(|turn| turn.text.as_str()).collect();
    Distilled {
        language: detect(&spoken.join("\n")).tag().to_owned(),
        conditions: conditions.cloned().collect(),
        question,
        requests,
        steps,
        resolution,
        outcome,
        is_outcome_given: case.outcome.is_some(),
        gap,
        product: case.product.clone(),
        tags: case.tags.clone(),
        by_model: false,
    }
}

/// The plainest of a customer's requests; of equal ones the earliest.
fn question(requests: &[Excerpt]) -> String {
    let width = |text: &str| text.chars().map(char_width).sum::<usize>();
    let score = |(at, e): &(usize, &Excerpt)| -> i64 {
        let width = width(&e.text);
        let fits = match width {
            0..=7 => -3,
            8..=MAX_QUESTION_WIDTH => 0,
            _ => -2,
        };
        let n_blanks = e.text.matches('[').count() as i64;
        2 * dialogue_acts::request(&e.text) as i64 + fits - n_blanks - *at as i64
    };
    let best = requests
        .iter()
        .enumerate()
        .max_by_key(|request| (score(request), std::cmp::Reverse(request.0)));
    best.map_or(String::new(), |(_, e)| e.text.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ken_base::domain::CaseTurn;

    #[test]
    fn salutation_is_removed_from_distilled_sentence() {
        for (all, left) in [
            (
                "[name:1]小姐您好，無電梯 5 樓以上每件加收 NT$90。",
                "無電梯 5 樓以上每件加收 NT$90。",
            ),
            (
                "Hi [name:1], returns are free within 7 days.",
                "returns are free within 7 days.",
            ),
            ("Dear Mr. [name:2], yes.", "yes."),
            ("請 [name:1] 先生稍候。", "請 [name:1] 先生稍候。"),
            ("[name:1]，", "[name:1]，"),
        ] {
            assert_eq!(&all[generalize::salutation(all)..], left);
        }
        let turn = |role, text: &str| CaseTurn {
            role,
            text: text.to_owned(),
            at: None,
        };
        let asked = "五樓沒電梯，送上來要加錢嗎？我姓[name:1]";
        let reply = "[name:1]小姐您好，無電梯 5 樓以上每件加收 NT$90。";
        let turns = vec![
            turn(CaseRole::Customer, asked),
            turn(CaseRole::Agent, reply),
        ];
        let made = distill(&Case {
            outcome: Some(CaseOutcome::Resolved),
            ..Case::new("c", turns)
        });
        assert_eq!(made.gap, None, "{made:?}");
        let all = &made.resolution[0];
        assert_eq!(all.text, "無電梯 5 樓以上每件加收 NT$90。");
        assert_eq!(all.start, "[name:1]小姐您好，".len());
    }
}
