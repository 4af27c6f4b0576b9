//! Cases of one thing, such as 本島 and 離島: statements about different cases do not contradict each other.

use std::sync::LazyLock;

use regex::Regex;

use super::Statement;
use crate::text;

/// Rows of `contrasts.tsv`: the cases of a row, each with its words.
static CONTRASTS: LazyLock<Vec<Vec<Vec<&'static str>>>> = LazyLock::new(|| {
    include_str!("contrasts.tsv")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| {
            line.split('\t')
                .map(|case| case.split('|').collect())
                .collect()
        })
        .collect()
});

/// Minimum length of the common end of two titles that ask the same about different things, in characters.
const MIN_COMMON_END: usize = 2;

/// Whether two statements are about different cases: they name different cases of a row or different ordinals, or their
/// titles ask the same about different things (`冷氣保固幾年`, `除濕機保固幾年`).
pub fn differ(a: Statement, b: Statement) -> bool {
    let all = |s: Statement| text::fold(&format!("{}\n{}", s.title, s.text));
    let (of_a, of_b) = (all(a), all(b));
    let names = |text: &str, case: &[&str]| case.iter().any(|word| has_word(text, word));
    let by_row = CONTRASTS.iter().any(|row| {
        let only = |text: &str| -> Vec<bool> { row.iter().map(|case| names(text, case)).collect() };
        let (of_a, of_b) = (only(&of_a), only(&of_b));
        let named = |cases: &[bool]| cases.iter().filter(|case| **case).count();
        let shared = of_a.iter().zip(&of_b).any(|(a, b)| *a && *b);
        named(&of_a) > 0 && named(&of_b) > 0 && !shared
    });
    by_row || ordinals_differ(&of_a, &of_b) || titles_differ(a.title, b.title)
}

/// The first case that `text` names and `source` does not, as the first of its words.
pub fn unnamed(text: &str, source: &str) -> Option<&'static str> {
    let (text, source) = (text::fold(text), text::fold(source));
    let names = |text: &str, case: &[&str]| case.iter().any(|word| has_word(text, word));
    let mut cases = CONTRASTS.iter().flatten();
    let case = cases.find(|case| names(&text, case) && !names(&source, case))?;
    case.first().copied()
}

/// Whether both texts have ordinals and none in common: `第 2 號`, `第 3 號`.
fn ordinals_differ(a: &str, b: &str) -> bool {
    static ORDINAL: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"第 ?([0-9]+|[一二三四五六七八九十]+) ?(\w)").expect("the pattern is fixed")
    });
    let ordinals = |text: &str| -> Vec<String> {
        ORDINAL
            .find_iter(text)
            .map(|m| m.as_str().replace(' ', ""))
            .collect()
    };
    let (a, b) = (ordinals(a), ordinals(b));
    !a.is_empty() && !b.is_empty() && !a.iter().any(|ordinal| b.contains(ordinal))
}

/// Whether a text contains a word. A Latin word must not be part of a longer one; Chinese has no spaces to check.
fn has_word(text: &str, word: &str) -> bool {
    let is_latin = word.is_ascii();
    text.match_indices(word).any(|(start, found)| {
        let before = text[..start].chars().next_back();
        let after = text[start + found.len()..].chars().next();
        let joined = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        !is_latin || !(joined(before) || joined(after))
    })
}

/// Whether two titles have a common end and different beginnings. Chinese names the subject first and the question
/// last, so such titles ask the same about different things.
fn titles_differ(a: &str, b: &str) -> bool {
    let letters = |title: &str| -> Vec<char> {
        let folded = text::fold(title);
        let folded = folded.trim_end_matches(['?', '。', '吗', '呢', '!', '.', ' ']);
        folded
            .chars()
            .filter(|c| c.is_alphanumeric() || *c == ' ')
            .collect()
    };
    let (a, b) = (letters(a), letters(b));
    if a.is_empty() || b.is_empty() || a == b {
        return false;
    }
    let start = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let room = a.len().min(b.len()) - start;
    let end = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take_while(|(a, b)| a == b)
        .count()
        .min(room);
    let (of_a, of_b) = (&a[start..a.len() - end], &b[start..b.len() - end]);
    // A figure or a negation in the middle is a contradiction, not another subject.
    let is_thing = |middle: &[char]| {
        !middle.is_empty()
            && !middle.iter().any(|c| c.is_numeric())
            && !middle
                .iter()
                .all(|c| "不无未免非可能否有没须需要 ".contains(*c))
    };
    let enough = if a.iter().all(char::is_ascii) {
        MIN_COMMON_END * 3
    } else {
        MIN_COMMON_END
    };
    end >= enough && is_thing(of_a) && is_thing(of_b)
}
