use std::collections::HashMap;
use std::sync::LazyLock;

use encoding_rs::GBK;
use pinyin::ToPinyinMulti;

/// Toneless pinyin → the common characters that are read so.
static BY_SOUND: LazyLock<HashMap<&'static str, Vec<char>>> = LazyLock::new(|| {
    let mut by_sound: HashMap<&'static str, Vec<char>> = HashMap::new();
    for c in ('\u{4E00}'..='\u{9FFF}').filter(|c| is_common(*c)) {
        for sound in sounds(c) {
            let of_sound = by_sound.entry(sound).or_default();
            if of_sound.last() != Some(&c) {
                of_sound.push(c);
            }
        }
    }
    by_sound
});

/// All readings of a character, without tones.
fn sounds(c: char) -> impl Iterator<Item = &'static str> {
    let readings = c.to_pinyin_multi();
    readings.into_iter().flatten().map(|sound| sound.plain())
}

/// Whether a character is among the 6,763 of GB 2312, the simplified characters in common use.
fn is_common(c: char) -> bool {
    let mut buffer = [0; 4];
    let (bytes, _, unmappable) = GBK.encode(c.encode_utf8(&mut buffer));
    !unmappable && matches!(bytes[..], [0xB0..=0xF7, 0xA1..=0xFE])
}

/// The bigrams that sound like `bigram` (folded) and differ from it in one character: what a slip in choosing
/// among a pinyin or zhuyin input's candidates turns into it. Tones do not count. Empty for anything but two Han.
pub fn homophones(bigram: &str) -> Vec<String> {
    let characters: Vec<char> = bigram.chars().collect();
    let [first, second] = characters[..] else {
        return Vec::new();
    };
    let mut found: Vec<String> = Vec::new();
    for other in like_sounding(first) {
        found.push([other, second].iter().collect());
    }
    for other in like_sounding(second) {
        found.push([first, other].iter().collect());
    }
    found
}

fn like_sounding(c: char) -> Vec<char> {
    let mut others: Vec<char> = sounds(c)
        .filter_map(|sound| BY_SOUND.get(sound))
        .flatten()
        .copied()
        .filter(|other| *other != c)
        .collect();
    others.sort_unstable();
    others.dedup();
    others
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_candidate_of_the_same_sound_is_found_back() {
        for (written, meant) in [
            ("推货", "退货"),
            ("运非", "运费"),
            ("在线", "再线"),
            ("银航", "银行"),
            ("音行", "银行"),
        ] {
            let found = homophones(written);
            assert!(found.iter().any(|f| f == meant), "{written}: {found:?}");
            assert!(!found.iter().any(|f| f == written), "{written}");
        }
    }

    #[test]
    fn only_two_han_have_homophones() {
        for other in ["退", "退货单", "ab", "3天", ""] {
            let found = homophones(other);
            assert!(
                found.iter().all(|f| f.chars().count() == 2 && f != other),
                "{other}: {found:?}"
            );
        }
        assert!(homophones("ab").is_empty() && homophones("退").is_empty());
    }
}
