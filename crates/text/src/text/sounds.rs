//! Homophones of Chinese characters.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use encoding_rs::GBK;
use pinyin::ToPinyinMulti;

/// Toneless pinyin → common characters with this reading.
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

/// Whether a character is among the 6,763 of GB 2312, simplified characters in common use.
fn is_common(c: char) -> bool {
    let mut buffer = [0; 4];
    let (bytes, _, unmappable) = GBK.encode(c.encode_utf8(&mut buffer));
    !unmappable && matches!(bytes[..], [0xB0..=0xF7, 0xA1..=0xFE])
}

/// [`homophones`] of every common character.
static HOMOPHONES: LazyLock<HashMap<char, Box<[char]>>> = LazyLock::new(|| {
    let common = ('\u{4E00}'..='\u{9FFF}').filter(|c| is_common(*c));
    common.map(|c| (c, alike(c).into())).collect()
});

/// Common characters with a reading of `c` (folded), without `c`, sorted. Choosing the wrong candidate of a pinyin or
/// zhuyin input may have turned one of them into `c`. Tones are ignored; all readings of `c` count.
pub fn homophones(c: char) -> Cow<'static, [char]> {
    match HOMOPHONES.get(&c) {
        Some(known) => Cow::Borrowed(known),
        None => Cow::Owned(alike(c)),
    }
}

fn alike(c: char) -> Vec<char> {
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
    fn homophones_include_intended_character() {
        for (written, meant) in [
            ('推', '退'),
            ('非', '费'),
            ('再', '在'),
            ('航', '行'),
            ('杏', '行'),
        ] {
            let found = homophones(written);
            assert!(found.contains(&meant), "{written}: {found:?}");
            assert!(!found.contains(&written), "{written}");
            assert!(
                found.is_sorted() && found.len() < 200,
                "{written}: {found:?}"
            );
        }
    }

    #[test]
    fn non_han_character_has_no_homophones() {
        for other in ['a', '3', 'ㄊ', 'か', '，', ' '] {
            assert!(homophones(other).is_empty(), "{other}");
        }
    }
}
