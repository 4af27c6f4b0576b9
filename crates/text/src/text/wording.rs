//! Comparison key for questions with the same wording.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::spoken::is_whole_word;
use super::{fold, written};

/// A way of asking → the one for all of its kind, both folded, see `lexicon/README.md`.
static ASKING: LazyLock<(AhoCorasick, Vec<String>)> = LazyLock::new(|| {
    let rows = include_str!("lexicon/asking.tsv").lines();
    let pairs = rows.filter(|line| !line.starts_with('#'));
    let pairs = pairs.filter_map(|line| line.split_once('\t'));
    let (ways, kinds): (Vec<String>, Vec<String>) =
        pairs.map(|(way, kind)| (fold(way), fold(kind))).unzip();
    let matcher = AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(&ways)
        .expect("the lexicon is compiled in, and small");
    (matcher, kinds)
});

/// Final particles that mark or soften a Chinese question.
const ENDINGS: [char; 7] = ['吗', '呢', '啊', '呀', '喔', '哦', '嘛'];

/// Comparison key of a question: folded letters and digits, without courtesy, with one way of asking for all of its
/// kind (如何 for 怎麼, "how to" for "how do I"). Questions with equal keys ask the same. Empty if the question has no
/// letters or digits.
pub fn wording(question: &str) -> String {
    let folded = fold(&written(question));
    let (matcher, kinds) = &*ASKING;
    let mut text = String::with_capacity(folded.len());
    let mut end = 0;
    for found in matcher.find_iter(&folded) {
        if is_whole_word(&folded, found.start(), found.end()) {
            text.push_str(&folded[end..found.start()]);
            text.push_str(&kinds[found.pattern().as_usize()]);
            end = found.end();
        }
    }
    text.push_str(&folded[end..]);
    text.retain(char::is_alphanumeric);
    let length = text.trim_end_matches(ENDINGS).len();
    if length > 0 {
        text.truncate(length);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paraphrases_of_asking_have_same_wording() {
        for (a, b) in [
            ("怎麼申請退貨", "如何申請退貨？"),
            ("請問要怎麼樣更改地址呢？", "如何更改地址"),
            ("点样更改地址", "如何更改地址？"),
            ("可唔可以分期", "可以分期嗎？"),
            ("能否分期？", "可以分期嗎"),
            ("幾時出貨", "什麼時候出貨？"),
            ("How do I cancel my plan?", "how to cancel my plan"),
            ("What's the fee?", "What is the fee"),
        ] {
            assert_eq!(wording(a), wording(b), "{a} | {b}");
        }
    }

    #[test]
    fn different_questions_have_different_wordings() {
        for (a, b) in [
            ("如何申請退貨", "如何取消退貨"),
            ("如何申請退貨", "何時可以申請退貨"),
            ("可以分期嗎", "不可以分期嗎"),
            ("退貨怎麼辦", "如何退貨"),
            ("怎麼會退款失敗", "如何退款"),
            ("How to cancel plan A", "How to cancel plan B"),
            ("Can I cancel?", "How do I cancel?"),
            ("多少錢", "多少"),
            ("手機有無線充電嗎", "手機有線充電嗎"),
            ("附近有沒有酒吧", "附近有酒嗎"),
            ("任何時候都能退貨嗎", "何時能退貨"),
        ] {
            assert_ne!(wording(a), wording(b), "{a} | {b}");
        }
        assert_eq!(wording("？！"), "");
        assert_eq!(wording("嗎"), "吗", "never nothing of something");
    }

    #[test]
    fn asking_phrase_is_normalized_to_its_kind() {
        for line in include_str!("lexicon/asking.tsv").lines() {
            let Some((way, kind)) = line.split_once('\t') else {
                assert!(line.starts_with('#'), "{line:?}");
                continue;
            };
            let letters = |text: &str| -> String {
                fold(text).chars().filter(|c| c.is_alphanumeric()).collect()
            };
            let worded = wording(&format!("{way} 退貨"));
            let expected = letters(&written(&format!("{kind} 退貨")));
            assert!(
                worded.contains(&letters(kind)) || worded == expected,
                "{way} -> {worded}"
            );
        }
    }
}
