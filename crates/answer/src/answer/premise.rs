//! Checks a premise in the question against the evidence.

use std::sync::LazyLock;

use regex::Regex;

use super::verify::citable;
use ken_base::domain::{Evidence, Span};
use ken_text::conflict::{Statement, contradiction};
use ken_text::text::{fold, terms};

/// How many of the best pieces of evidence are compared with the premise.
const COMPARED: usize = 3;

/// Returns the premise of a question, or `None` if it has none in its wording.
fn premise(question: &str) -> Option<&str> {
    static PREMISE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"(?ix)
            (?:既然|因為|因为|聽說|听说|不是說|不是说|你們說|你们说|官網說|官网说|記得|记得|反正|都說|都说|雖然|虽然|如果說|如果说)(?P<han>[^，,。！？!?]{3,60})[，,。！？!?]
            | \b(?:since|given\ that|because|as|seeing\ that|considering|i\ (?:heard|read|know|understand|saw)(?:\ that)?|now\ that)\ (?P<latin>[^,.!?;]{6,120})[,.!?;]",
        )
        .expect("the pattern is fixed and tested")
    });
    let found = PREMISE.captures(question)?;
    found
        .name("han")
        .or(found.name("latin"))
        .map(|m| m.as_str().trim())
}

/// Returns the sentence of the evidence that contradicts the question's premise: index of the evidence, and span in it.
pub fn contradicted(question: &str, evidence: &[Evidence]) -> Option<(usize, Span)> {
    let premise = premise(question)?;
    for (at, e) in evidence.iter().enumerate().take(COMPARED) {
        for span in citable(e) {
            let text = span.slice(&e.chunk.text).unwrap_or_default();
            let (taken, said) = (
                Statement {
                    title: "",
                    text: premise,
                },
                Statement { title: "", text },
            );
            if contradiction(taken, said, None).is_some() || is_charged(premise, text) {
                return Some((at, span));
            }
        }
    }
    None
}

/// Returns whether one text says that something is free of charge and the other names a price.
fn is_charged(premise: &str, sentence: &str) -> bool {
    static FREE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"免费|免运|免收|不(?:用|需要?|必)(?:我|再|另外)?(?:付|出|负担|支付|给)?.{0,4}(?:费|钱)|\bfree\b|no (?:charge|fee|cost)")
            .expect("the pattern is fixed")
    });
    static COSTS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"自付|负担|收取|酌收|加收|\d ?元|\$ ?\d|£ ?\d|€ ?\d|\bcharged?\b|\bcosts?\b|\bpays?\b",
        )
        .expect("the pattern is fixed")
    });
    let (premise, sentence) = (fold(premise), fold(sentence));
    let rest = FREE.replace_all(&premise, " ").into_owned();
    let (asked, said) = (terms(&rest), terms(&sentence));
    let shared = asked.iter().filter(|term| said.contains(term)).count();
    FREE.is_match(&premise) && COSTS.is_match(&sentence) && !FREE.is_match(&sentence) && shared > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_of_charge_claim_against_fee_is_detected() {
        let costs = "退貨運費由買方負擔，每件 80 元。";
        assert!(is_charged("退貨不需要運費", costs));
        assert!(is_charged("退貨免運費", costs));
        assert!(!is_charged("退貨要運費", costs));
        assert!(!is_charged("安裝免費", costs));
    }

    #[test]
    fn presupposition_in_question_is_extracted() {
        for (question, taken) in [
            ("既然退貨免運費，我要怎麼寄回？", Some("退貨免運費")),
            ("聽說保固三年，是嗎？", Some("保固三年")),
            (
                "Since returns are free, how do I send it back?",
                Some("returns are free"),
            ),
            ("How do I send it back?", None),
            ("怎麼退貨？", None),
        ] {
            assert_eq!(premise(question), taken, "{question}");
        }
    }
}
