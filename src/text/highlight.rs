use std::collections::HashSet;
use std::sync::LazyLock;

use quick_cache::sync::Cache;
use unicode_segmentation::UnicodeSegmentation;

use super::{is_cjk, terms};
use crate::domain::Span;

/// One or two neighbouring characters.
type Pair = (char, Option<char>);
/// How many pairs are remembered: some 5 MB, and most pairs that a collection's texts are made of.
const REMEMBERED: usize = 131_072;
/// The one term that a pair becomes; `None` where it becomes several or a longer one, which is rare. Folding a pair takes longer
/// than all else here.
static TERMS: LazyLock<Cache<Pair, Option<Pair>>> = LazyLock::new(|| Cache::new(REMEMBERED));

fn text_of((first, second): Pair) -> String {
    std::iter::once(first).chain(second).collect()
}

/// A term of one or two characters.
fn as_pair(term: &str) -> Option<Pair> {
    let mut characters = term.chars();
    let pair = (characters.next()?, characters.next());
    characters.next().is_none().then_some(pair)
}

fn term_of(pair: Pair) -> Option<Pair> {
    TERMS.get(&pair).unwrap_or_else(|| {
        let found = match terms(&text_of(pair)).as_slice() {
            [term] => as_pair(term),
            _ => None,
        };
        TERMS.insert(pair, found);
        found
    })
}

/// Where a text as written holds some of `wanted` (terms as [`terms`] yields them): byte spans in order, touching
/// ones joined. What folding changes across more than two characters (glosses, regional phrases) is not marked.
pub fn highlights(text: &str, wanted: &HashSet<&str>) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut mark = |start: usize, end: usize| match spans.last_mut() {
        Some(last) if start <= last.end => last.end = last.end.max(end),
        _ => spans.push(Span::new(start, end)),
    };
    let is_wanted = |piece: &str| {
        let terms = terms(piece);
        terms.iter().any(|term| wanted.contains(term.as_str()))
    };
    let mut pairs: Vec<Pair> = wanted.iter().filter_map(|term| as_pair(term)).collect();
    pairs.sort_unstable();
    let is_pair_wanted = |pair: Pair| match term_of(pair) {
        Some(term) => pairs.binary_search(&term).is_ok(),
        None => is_wanted(&text_of(pair)),
    };
    let mut previous: Option<(usize, char)> = None;
    for (start, word) in text.split_word_bound_indices() {
        if !word.chars().all(is_cjk) {
            previous = None;
            if word.chars().any(char::is_alphanumeric) && is_wanted(word) {
                mark(start, start + word.len());
            }
            continue;
        }
        for (offset, c) in word.char_indices() {
            let (from, to) = (start + offset, start + offset + c.len_utf8());
            match previous {
                Some((before, first)) if is_pair_wanted((first, Some(c))) => {
                    mark(before, to);
                }
                None if is_pair_wanted((c, None)) => mark(from, to),
                _ => {}
            }
            previous = Some((from, c));
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, question: &str, expected: &[&str]) {
        let question = terms(question);
        let wanted: HashSet<&str> = question.iter().map(String::as_str).collect();
        let found: Vec<&str> = highlights(text, &wanted)
            .iter()
            .map(|s| s.slice(text).unwrap())
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn marks_the_text_as_written() {
        check("離島退貨的運費另計。", "退货运费", &["退貨", "運費"]);
        check("LumiBuds Pro 2 保固", "lumibud 保固", &["LumiBuds", "保固"]);
        check("Returns are free.", "returning", &["Returns"]);
        check("毫無關係", "退貨", &[]);
    }
}
