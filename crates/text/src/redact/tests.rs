//! Tests of redaction, with floors of recall and precision on labelled corpora.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct MarkedLine {
    id: String,
    marked: String,
}

/// The text without marks, and the marked spans with their kinds.
fn unmark(marked: &str) -> (String, Vec<(String, Span)>) {
    let (mut text, mut spans) = (String::new(), Vec::new());
    let mut rest = marked;
    while let Some((before, mark)) = rest.split_once('⟦') {
        text.push_str(before);
        let (mark, after) = mark.split_once('⟧').expect("marks are closed");
        let (kind, value) = mark.split_once(':').expect("marks name a kind");
        spans.push((
            kind.to_owned(),
            Span::new(text.len(), text.len() + value.len()),
        ));
        text.push_str(value);
        rest = after;
    }
    text.push_str(rest);
    (text, spans)
}

/// Returns recall, precision and the number of marked spans. A span counts as found if all of it is redacted, and a
/// finding as right if it touches a span: leaving a part is a leak, redacting a space more is not. Prints missed spans
/// and false positives.
fn score(file: &str) -> (f64, f64, usize) {
    let path = format!(
        "{}/../../corpus/redaction/{file}",
        env!("CARGO_MANIFEST_DIR")
    );
    let lines = std::fs::read_to_string(path).unwrap();
    let redactor = Redactor::default();
    let (mut wanted, mut found, mut taken, mut right) = (0, 0, 0, 0);
    let mut by_kind: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for line in lines.lines() {
        let MarkedLine { id, marked } = serde_json::from_str(line).unwrap();
        let (text, spans) = unmark(&marked);
        let findings = redactor.find(&text);
        for (kind, span) in &spans {
            let is_covered = (span.start..span.end).all(|at| {
                let holds = |f: &PersonalDataSpan| f.span.start <= at && at < f.span.end;
                !text.is_char_boundary(at) || findings.iter().any(holds)
            });
            let of_kind = by_kind.entry(kind.clone()).or_default();
            of_kind.1 += 1;
            of_kind.0 += usize::from(is_covered);
            if !is_covered {
                println!(
                    "missed {id} {kind} {:?} in {text:?}",
                    &text[span.start..span.end]
                );
            }
        }
        for f in &findings {
            let touches =
                |(_, span): &&(String, Span)| span.start < f.span.end && f.span.start < span.end;
            match spans.iter().any(|span| touches(&span)) {
                true => right += 1,
                false => println!(
                    "false positive {id} {:?} {:?} in {text:?}",
                    f.kind,
                    &text[f.span.start..f.span.end]
                ),
            }
        }
        taken += findings.len();
    }
    for (found_of, wanted_of) in by_kind.values() {
        found += found_of;
        wanted += wanted_of;
    }
    let recall = found as f64 / wanted as f64;
    let precision = right as f64 / taken as f64;
    println!(
        "{file}: recall {recall:.3} of {wanted}, precision {precision:.3} of {taken}; {by_kind:?}"
    );
    (recall, precision, wanted)
}

#[test]
fn redaction_recall_and_precision_meet_floors() {
    for file in ["dev.jsonl", "heldout.jsonl", "final.jsonl"] {
        let (recall, precision, n) = score(file);
        assert!(
            n >= 150 && recall >= 0.97 && precision >= 0.95,
            "{file}: {recall:.3} {precision:.3} of {n}"
        );
    }
}

#[test]
fn repeated_value_gets_same_placeholder_everywhere() {
    let redacted = Redactor::default().redact(&[
        "我叫王大明，電話 0912-345-678",
        "王大明您好，稍後回撥 0912-345-678；總機 0800-000-123 也可以。[phone:1]",
    ]);
    assert_eq!(
        redacted.texts,
        [
            "我叫[name:1]，電話 [phone:1]",
            "[name:1]您好，稍後回撥 [phone:1]；總機 0800-000-123 也可以。[literal:1]"
        ]
    );
    let restored: Vec<String> = redacted
        .texts
        .iter()
        .map(|t| restore(t, &redacted.values))
        .collect();
    assert_eq!(
        restored[1],
        "王大明您好，稍後回撥 0912-345-678；總機 0800-000-123 也可以。[phone:1]"
    );
}

#[test]
fn placeholder_does_not_affect_masking_of_neighbours() {
    let redactor = Redactor::default();
    // The figures at the end are not personal; after the word "number" they would be a phone number.
    let text = "保5555555555555555555555555555555555555555555555&5555555";
    let masked = redactor.mask(text).into_owned();
    assert_eq!(masked, "保[account_number]&5555555");
    assert_eq!(redactor.mask(&masked), masked);
    assert_eq!(
        redactor.mask("[phone:1] 2345678 [note] phone 2345678"),
        "[phone:1] 2345678 [note] phone [phone]"
    );
    let own = CustomPattern {
        kind: "badge".into(),
        pattern: "badge".into(),
    };
    let own = Redactor::new(&[own]).unwrap();
    assert_eq!(own.mask("a badge ［badge］"), "a [badge] ［[badge]］");
    assert_eq!(own.mask("a [badge] ［[badge]］"), "a [badge] ［[badge]］");
}

#[test]
fn custom_patterns_are_validated_and_applied() {
    let pattern = |kind: &str, pattern: &str| CustomPattern {
        kind: kind.into(),
        pattern: pattern.into(),
    };
    let redactor = Redactor::new(&[pattern("badge", r"badge (K-\d{3})")]).unwrap();
    assert_eq!(
        redactor.mask("badge K-123 of gate K-9"),
        "badge [badge] of gate K-9"
    );
    for wrong in [
        pattern("phone", "x"),
        pattern("Badge", "x"),
        pattern("b", "("),
        pattern("b", "x*"),
    ] {
        assert!(
            Redactor::new(std::slice::from_ref(&wrong)).is_err(),
            "{wrong:?}"
        );
    }
}

proptest! {
    /// Restoring returns any text exactly, and nothing panics.
    #[test]
    fn redaction_round_trip_is_exact(
        texts in prop::collection::vec(
            prop::collection::vec(
                prop_oneof![
                    Just("我叫陳小明 ".to_owned()), Just("電話:0912345678".to_owned()), Just("[phone:1]".to_owned()),
                    Just("a@example.com".to_owned()), Just("訂單編號 AB-20240101".to_owned()), Just("[name:2]".to_owned()),
                    Just("台北市信義區松仁路１００號５樓".to_owned()), ".{0,12}", "[0-9 ＋－()]{0,20}",
                ],
                0..6,
            ),
            1..4,
        )
    ) {
        let texts: Vec<String> = texts.into_iter().map(|pieces| pieces.concat()).collect();
        let given: Vec<&str> = texts.iter().map(String::as_str).collect();
        let redacted = Redactor::default().redact(&given);
        for (text, redacted_text) in texts.iter().zip(&redacted.texts) {
            prop_assert_eq!(text, &restore(redacted_text, &redacted.values));
        }
    }

    /// Masking a masked text changes nothing.
    #[test]
    fn masking_is_idempotent(
        pieces in prop::collection::vec(
            prop_oneof![
                "[電话話電phonenumber]{1,8}", "[0-9]{1,20}", "[ ：:，,&/.()（）\\-－+]{1,3}", "[A-Z]{1,4}", "(帳號|訂單|車牌|護照|身分證|我叫|先生|Mr\\. )",
                "(\\[phone\\]|\\[name\\]|\\[order_number:1\\])", ".{0,3}",
            ],
            0..10,
        )
    ) {
        let text = pieces.concat();
        let redactor = Redactor::default();
        let masked = redactor.mask(&text);
        prop_assert_eq!(redactor.mask(&masked), masked.as_ref());
    }
}
