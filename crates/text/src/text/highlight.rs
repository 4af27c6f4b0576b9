//! Highlighting of query terms in the original text.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering};

use unicode_segmentation::UnicodeSegmentation;

use super::language::with_local_words;
use super::{is_cjk, terms};
use ken_base::domain::Span;

/// One or two neighbouring characters.
type Pair = (char, Option<char>);

/// A term of one or two characters.
fn as_pair(term: &str) -> Option<Pair> {
    let mut characters = term.chars();
    let pair = (characters.next()?, characters.next());
    characters.next().is_none().then_some(pair)
}

/// Folded form of each character of the Basic Multilingual Plane: 0 if not computed yet, [`OTHERWISE`] if it is not one
/// character. Folding takes longer than everything else here.
static FOLDED: [AtomicU32; 1 << 16] = [const { AtomicU32::new(0) }; 1 << 16];
const OTHERWISE: u32 = u32::MAX;

/// The folded form of a single character, if that is one character.
fn folded(c: char) -> Option<char> {
    let known = FOLDED.get(c as usize);
    let code = match known.map_or(0, |known| known.load(Ordering::Relaxed)) {
        0 => {
            let found = match terms(c.encode_utf8(&mut [0; 4])).as_slice() {
                [term] => as_pair(term),
                _ => None,
            };
            let code = match found {
                Some((one, None)) => u32::from(one),
                _ => OTHERWISE,
            };
            if let Some(known) = known {
                known.store(code, Ordering::Relaxed);
            }
            code
        }
        code => code,
    };
    char::from_u32(code)
}

/// Pairs that fold to a query term only as a whole: words of Taiwan for those of the mainland (滑鼠 → 鼠标).
fn local_words(pairs: &[Pair]) -> Vec<Pair> {
    let of_two = pairs
        .iter()
        .filter_map(|(first, second)| Some((first, (*second)?)));
    let words = of_two.filter_map(|(first, second)| {
        let term = String::from_iter([*first, second]);
        let local = with_local_words(&term);
        let is_same = terms(&local).as_slice() == [term.as_str()];
        as_pair(&local).filter(|_| is_same && local != term)
    });
    words.collect()
}

/// Marks query terms in original texts.
pub struct Highlighter<'a> {
    /// Query terms, from [`terms`].
    terms: HashSet<&'a str>,
    /// Query terms of one or two characters, sorted.
    pairs: Vec<Pair>,
    local: Vec<Pair>,
}

impl<'a> Highlighter<'a> {
    /// A highlighter of query terms, which come from [`terms`](super::terms).
    pub fn new(terms: HashSet<&'a str>) -> Self {
        let mut pairs: Vec<Pair> = terms.iter().filter_map(|term| as_pair(term)).collect();
        pairs.sort_unstable();
        let local = local_words(&pairs);
        Self {
            terms,
            pairs,
            local,
        }
    }

    /// Byte spans of the query terms in a text, in order; touching spans are joined. Changes of folding across more
    /// than two characters (glosses, regional phrases) are not marked.
    pub fn marks(&self, text: &str) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        let mut mark = |start: usize, end: usize| match spans.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ => spans.push(Span::new(start, end)),
        };
        let mut previous: Option<(usize, char)> = None;
        for (start, word) in text.split_word_bound_indices() {
            if !word.chars().all(is_cjk) {
                previous = None;
                if word.chars().any(char::is_alphanumeric) && self.is_match(word) {
                    mark(start, start + word.len());
                }
                continue;
            }
            for (offset, c) in word.char_indices() {
                let (from, to) = (start + offset, start + offset + c.len_utf8());
                match previous {
                    Some((before, first)) if self.is_pair_match((first, Some(c))) => {
                        mark(before, to);
                    }
                    None if self.is_pair_match((c, None)) => mark(from, to),
                    _ => {}
                }
                previous = Some((from, c));
            }
        }
        spans
    }

    fn is_match(&self, piece: &str) -> bool {
        let terms = terms(piece);
        terms.iter().any(|term| self.terms.contains(term.as_str()))
    }

    fn is_pair_match(&self, pair: Pair) -> bool {
        let holds = |pair: Pair| self.pairs.binary_search(&pair).is_ok();
        match (folded(pair.0), pair.1.map(folded)) {
            (Some(first), None) => holds((first, None)),
            (Some(first), Some(Some(second))) => {
                holds((first, Some(second))) || self.local.contains(&pair)
            }
            _ => {
                let characters = std::iter::once(pair.0).chain(pair.1);
                self.is_match(&String::from_iter(characters))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, question: &str, expected: &[&str]) {
        let question = terms(question);
        let terms: HashSet<&str> = question.iter().map(String::as_str).collect();
        let found: Vec<&str> = Highlighter::new(terms)
            .marks(text)
            .iter()
            .map(|s| s.slice(text).unwrap())
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn highlight_marks_original_text() {
        check("離島退貨的運費另計。", "退货运费", &["退貨", "運費"]);
        check("LumiBuds Pro 2 保固", "lumibud 保固", &["LumiBuds", "保固"]);
        check("Returns are free.", "returning", &["Returns"]);
        check("毫無關係", "退貨", &[]);
        check("無線滑鼠的軟體", "鼠标 软件", &["滑鼠", "軟體"]);
        check("无线鼠标的软件", "滑鼠與軟體", &["鼠标", "软件"]);
        check("黃\u{F90A}的錶", "黄金", &["黃\u{F90A}"]);
    }
}
