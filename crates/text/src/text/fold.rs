//! Folding: normalization of a text into its search key.

use std::sync::{Arc, LazyLock};

use ferrous_opencc::{OpenCC, config::BuiltinConfig};
use quick_cache::sync::Cache;
use unicode_normalization::UnicodeNormalization;

use super::is_cjk;

/// Traditional (Taiwan) → Simplified with Taiwan's wording mapped to the mainland's (軟體 → 软件).
/// The data are compiled into the crate, hence the `expect`.
static TO_SIMPLIFIED: LazyLock<OpenCC> = LazyLock::new(|| {
    OpenCC::from_config(BuiltinConfig::Tw2sp).expect("the conversion tables are compiled in")
});

/// Version of [`fold`]. Has to change with it, since vectors are made from folded text, too. A change also needs a
/// migration that sets `documents.title_folded` to NULL, so that the store folds what lists search once more.
pub const FOLDING: &str = "fold-1";

/// Removes differences of a text that do not change its meaning, so that texts which differ only in them match.
///
/// In this order: compatibility forms (NFKC: width, ligatures, CJK compatibility ideographs), lower case, invisible
/// characters removed, pronunciation glosses in brackets removed (`消費(fèi)者`), thousands separators removed (`1,200` →
/// `1200`), Traditional → Simplified with Taiwan wording. Folding before segmenting lifts R@1 on mixed-script questions
/// from .66 to .95 (measured with BM25).
///
/// Results for short texts are cached: one question folds itself and each sentence of its evidence several times, other
/// questions fold the same sentences again, and the conversion takes longer than most other steps.
pub fn fold(text: &str) -> String {
    if text.is_ascii() || text.len() > SENTENCE {
        return fold_uncached(text);
    }
    if let Some(folded) = FOLDED.get(text) {
        return folded.as_ref().to_owned();
    }
    let folded = fold_uncached(text);
    FOLDED.insert(text.into(), folded.as_str().into());
    folded
}

/// Maximum length of a cached text, in bytes; longer texts are not sentences.
const SENTENCE: usize = 400;
/// Number of cached texts: at most about 7 MB if all have the maximum length.
const REMEMBERED: usize = 8_192;
static FOLDED: LazyLock<Cache<Box<str>, Arc<str>>> = LazyLock::new(|| Cache::new(REMEMBERED));

/// Clears the cache, as after a deletion of the documents that the sentences are from.
pub fn clear_sentence_cache() {
    FOLDED.clear();
}

fn fold_uncached(text: &str) -> String {
    let compatible: String = text
        .nfkc()
        .filter(|c| !is_invisible(*c))
        .flat_map(char::to_lowercase)
        .collect();
    let plain = drop_separators_in_numbers(&drop_glosses(&compatible));
    match plain.is_ascii() {
        true => plain,
        false => TO_SIMPLIFIED.convert(&plain),
    }
}

/// Zero-width spaces and joiners, direction marks, soft hyphens, byte-order marks, variation selectors.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{2064}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
}

/// Removes a bracket that follows a Han character and holds only its pronunciation: pinyin with a tone mark
/// or tone digit, or bopomofo. `打開(app)` and `價格(NT$1200)` stay.
fn drop_glosses(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('(') {
        let (before, from_open) = rest.split_at(open);
        cleaned.push_str(before);
        let gloss = from_open[1..]
            .find(')')
            .map(|length| &from_open[1..1 + length]);
        match gloss {
            Some(gloss) if before.chars().next_back().is_some_and(is_cjk) && is_gloss(gloss) => {
                rest = &from_open[gloss.len() + 2..];
            }
            _ => {
                cleaned.push('(');
                rest = &from_open[1..];
            }
        }
    }
    cleaned.push_str(rest);
    cleaned
}

fn is_gloss(text: &str) -> bool {
    let is_bopomofo = |c: char| matches!(c, '\u{3105}'..='\u{312F}' | '\u{31A0}'..='\u{31BF}' | 'ˊ' | 'ˇ' | 'ˋ' | '˙' | 'ˉ');
    let is_toned = |c: char| "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜḿńňǹ".contains(c);
    let syllables: Vec<&str> = text
        .split([' ', '\'', ',', '、'])
        .filter(|s| !s.is_empty())
        .collect();
    if syllables.is_empty() || text.chars().count() > 40 {
        return false;
    }
    let is_pinyin = |syllable: &str| {
        let letters = syllable.trim_end_matches(|c: char| matches!(c, '1'..='5'));
        let has_digit = letters.len() + 1 == syllable.len();
        !letters.is_empty()
            && letters
                .chars()
                .all(|c| c.is_ascii_lowercase() || c == 'ü' || is_toned(c))
            && (has_digit || letters.chars().any(is_toned))
            && letters.chars().count() <= 12
    };
    syllables.iter().all(|s| s.chars().all(is_bopomofo)) || syllables.iter().all(|s| is_pinyin(s))
}

/// `1,200` → `1200`; `1,20` and `a,b` stay.
fn drop_separators_in_numbers(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_digit);
    let separates = |i: usize| {
        bytes[i] == b','
            && i > 0
            && digit(i - 1)
            && (1..=3).all(|step| digit(i + step))
            && !digit(i + 4)
    };
    text.char_indices()
        .filter(|(i, _)| !separates(*i))
        .map(|(_, c)| c)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expected: &str) {
        assert_eq!(fold(input), expected, "{input}");
    }

    #[test]
    fn fold_normalizes_width_case_and_compatibility_forms() {
        check("ＡＢＣ１２３", "abc123");
        check("LumiBuds Pro 2", "lumibuds pro 2");
        check("㈱ ﬁne", "(株) fine");
        check("金\u{F90A}", "金金");
        check("零\u{200B}寬\u{FEFF}", "零宽");
    }

    #[test]
    fn fold_converts_traditional_and_taiwan_wording() {
        check("滑鼠與軟體", "鼠标与软件");
        check("退換貨", "退换货");
        check("已经是简体", "已经是简体");
    }

    #[test]
    fn fold_removes_pronunciation_glosses_only() {
        check("消費(fèi)者", "消费者");
        check("消費（ㄈㄟˋ）者", "消费者");
        check("退(tuì huàn)換", "退换");
        check("費(fei4)用", "费用");
        check("打開(app)後", "打开(app)后");
        check("價格(1200元)", "价格(1200元)");
        check("fee (fèi)", "fee (fèi)");
        check("未完(fèi", "未完(fèi");
    }

    #[test]
    fn fold_removes_thousands_separators() {
        check("NT$1,200", "nt$1200");
        check("12,345,678", "12345678");
        check("1,20 與 1,2345", "1,20 与 1,2345");
    }

    #[test]
    fn fold_is_idempotent() {
        for text in ["消費(fèi)者", "ＬＩＮＥ　Ｐａｙ", "１,２００元", "滑鼠墊 İ"]
        {
            assert_eq!(fold(&fold(text)), fold(text), "{text}");
        }
    }
}
