//! Conversion of spoken questions to written language.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::{fold, is_cjk};

/// Spoken → written, in both scripts, see `lexicon/README.md`.
static SPOKEN: LazyLock<(AhoCorasick, Vec<String>)> = LazyLock::new(|| {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for line in include_str!("lexicon/spoken.tsv").lines() {
        if let Some((spoken, written)) = line.split_once('\t').filter(|_| !line.starts_with('#')) {
            pairs.push((spoken.to_owned(), written.to_owned()));
            pairs.push((fold(spoken), fold(written)));
        }
    }
    let (spoken, written): (Vec<String>, Vec<String>) = pairs.into_iter().unzip();
    let matcher = AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .ascii_case_insensitive(true)
        .build(&spoken)
        .expect("the lexicon is compiled in, and small");
    (matcher, written)
});

/// A question in written language: standard words for Cantonese and colloquial ones, words of courtesy removed. The
/// script stays. A question that consists of courtesy only stays unchanged.
pub fn written(question: &str) -> String {
    let (matcher, written) = &*SPOKEN;
    let mut text = String::with_capacity(question.len());
    let mut end = 0;
    for found in matcher.find_iter(question) {
        let span = &question[found.range()];
        if !is_whole_word(question, found.start(), found.end()) {
            continue;
        }
        text.push_str(&question[end..found.start()]);
        let replacement = &written[found.pattern().as_usize()];
        match replacement.eq_ignore_ascii_case(span) {
            true => text.push_str(span),
            false => text.push_str(replacement),
        }
        end = found.end();
    }
    text.push_str(&question[end..]);
    let is_edge = |c: char| !c.is_alphanumeric() && !"「」『』《》()（）\"'".contains(c);
    let trimmed = text.trim_start_matches(is_edge).trim_end();
    match trimmed.chars().any(char::is_alphanumeric) {
        true => trimmed.to_owned(),
        false => question.to_owned(),
    }
}

/// Whether a match is a whole word: neither Latin words nor zhuyin syllables continue on either side.
pub(super) fn is_whole_word(text: &str, start: usize, end: usize) -> bool {
    let joins = |inner: Option<char>, outer: Option<char>| match (inner, outer) {
        (Some(a), Some(b)) => {
            let is_word = |c: char| c.is_alphanumeric() && !is_cjk(c);
            (is_word(a) && (is_word(b) || b == '\'')) || (is_zhuyin(a) && is_zhuyin(b))
        }
        _ => false,
    };
    let matched = &text[start..end];
    !joins(matched.chars().next(), text[..start].chars().next_back())
        && !joins(matched.chars().next_back(), text[end..].chars().next())
}

fn is_zhuyin(c: char) -> bool {
    matches!(c, '\u{3105}'..='\u{312F}' | 'ˊ' | 'ˇ' | 'ˋ' | '˙')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spoken_words_become_written_words_in_same_script() {
        for (spoken, expected) in [
            ("個單去咗邊度？", "個單去了哪裡？"),
            ("个单去咗边度？", "个单去了哪里？"),
            ("點樣退貨呀", "怎樣退貨呀"),
            ("冇電點算好", "沒有電怎麼辦"),
            ("有冇現貨", "有沒有現貨"),
            ("呢個係咩", "這個是什麼"),
            ("啥時候出貨", "什麼時候出貨"),
            ("退貨ㄉ運費", "退貨的運費"),
            ("這是什麼關係", "這是什麼關係"),
            ("往返票價", "往返票價"),
            ("哪ㄊㄧㄢ", "哪ㄊㄧㄢ"),
            ("pls reset ur pw", "reset your password"),
            ("旁邊一間店", "旁邊一間店"),
            ("return policy", "return policy"),
            ("Hiking shoes", "Hiking shoes"),
        ] {
            assert_eq!(written(spoken), expected, "{spoken}");
        }
    }

    #[test]
    fn courtesy_is_stripped_unless_whole_message() {
        for (polite, expected) in [
            ("你好，請問運費多少？謝謝", "運費多少？"),
            ("您好 想請問一下 怎麼退貨", "怎麼退貨"),
            ("Hi, could you please tell me the price", "the price"),
            ("「你好」是什麼意思", "「」是什麼意思"),
            ("你好", "你好"),
            ("謝謝！", "謝謝！"),
            ("thank you", "thank you"),
        ] {
            assert_eq!(written(polite), expected, "{polite}");
        }
    }
}
