//! Texts within a platform's limits.

use super::outgoing::{Limits, Outgoing, Unit};

/// The choices that can be offered to touch: none if there are too many or one is too long.
pub(crate) fn offered<'a>(message: &'a Outgoing, limits: &Limits) -> &'a [String] {
    let fits = |choice: &String| choice.chars().count() <= limits.choice;
    match message.choices.len() <= limits.choices && message.choices.iter().all(fits) {
        true => &message.choices,
        false => &[],
    }
}

/// Cuts a text into pieces within a limit, at paragraph, line or sentence ends where there are any.
pub fn cut(text: &str, limits: &Limits) -> Vec<String> {
    let length = |c: char| match limits.unit {
        Unit::Utf16 => c.len_utf16(),
        Unit::Characters => 1,
        Unit::Bytes => c.len_utf8(),
    };
    let size = |text: &str| text.chars().map(length).sum::<usize>();
    let (mut rest, mut pieces) = (text.trim(), Vec::new());
    while size(rest) > limits.text {
        let mut end = 0;
        let mut used = 0;
        for (at, c) in rest.char_indices() {
            used += length(c);
            if used > limits.text {
                break;
            }
            end = at + c.len_utf8();
        }
        let fits = &rest[..end];
        let after = |mark: &str| fits.rfind(mark).map(|at| at + mark.len());
        let natural = after("\n\n").or_else(|| after("\n")).or_else(|| {
            let ends = ["。", "！", "？", ". ", "! ", "? "];
            ends.iter().filter_map(|mark| after(mark)).max()
        });
        // A cut near the beginning would make many short messages.
        let at = natural.filter(|at| *at > end / 4).unwrap_or(end);
        pieces.push(rest[..at].trim_end().to_owned());
        rest = rest[at..].trim_start();
    }
    if !rest.is_empty() {
        pieces.push(rest.to_owned());
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Limits = Limits {
        choices: 3,
        choice: 4,
        ..Limits::of_text(10, Unit::Utf16)
    };

    #[test]
    fn text_is_cut_at_natural_places_within_the_limit() {
        assert_eq!(cut("很短", &TEN), ["很短"]);
        assert_eq!(cut("", &TEN), Vec::<String>::new());
        assert_eq!(
            cut("第一句話。第二句話到這裡。", &TEN),
            ["第一句話。", "第二句話到這裡。"]
        );
        assert_eq!(
            cut("一二三四五六七八九十甲", &TEN),
            ["一二三四五六七八九十", "甲"]
        );
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..2_000 {
            let n = random.usize(0..60);
            let letters = ['a', '。', '😀', '\n', ' ', '字', '.'];
            let text: String = (0..n).filter_map(|_| random.choice(letters)).collect();
            let bare = |text: &str| text.split_whitespace().collect::<String>();
            for (unit, size) in [
                (Unit::Utf16, utf16 as fn(&str) -> usize),
                (Unit::Characters, |piece| piece.chars().count()),
                (Unit::Bytes, str::len),
            ] {
                let pieces = cut(&text, &Limits { unit, ..TEN });
                assert_eq!(bare(&pieces.concat()), bare(&text), "{text:?}");
                assert!(
                    pieces.iter().all(|piece| size(piece) <= TEN.text),
                    "{unit:?} {pieces:?}"
                );
            }
        }
    }

    fn utf16(text: &str) -> usize {
        text.encode_utf16().count()
    }

    #[test]
    fn choices_are_offered_only_if_all_fit() {
        let message = |choices: &[&str]| Outgoing {
            choices: choices.iter().map(|&choice| choice.to_owned()).collect(),
            ..Outgoing::default()
        };
        assert_eq!(offered(&message(&["甲", "乙"]), &TEN).len(), 2);
        assert!(offered(&message(&["甲", "太長的選項"]), &TEN).is_empty());
        assert!(offered(&message(&["1", "2", "3", "4"]), &TEN).is_empty());
    }
}
