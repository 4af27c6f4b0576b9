use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use quick_cache::sync::Cache;
use unicode_segmentation::UnicodeSegmentation;

use super::{is_cjk, terms};
use crate::domain::Span;

/// How many pairs of characters are remembered: some 4 MB, and most pairs that a collection's texts are made of.
const REMEMBERED: usize = 32_768;
/// The terms of two neighbouring characters, or of one alone. Folding them takes longer than all else here.
static TERMS: LazyLock<Cache<(char, Option<char>), Arc<[String]>>> =
    LazyLock::new(|| Cache::new(REMEMBERED));

fn is_pair_wanted(pair: (char, Option<char>), wanted: &HashSet<&str>) -> bool {
    let of_pair = TERMS.get(&pair).unwrap_or_else(|| {
        let text: String = std::iter::once(pair.0).chain(pair.1).collect();
        let found: Arc<[String]> = terms(&text).into();
        TERMS.insert(pair, found.clone());
        found
    });
    of_pair.iter().any(|term| wanted.contains(term.as_str()))
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
        terms(piece)
            .iter()
            .any(|term| wanted.contains(term.as_str()))
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
                Some((before, first)) if is_pair_wanted((first, Some(c)), wanted) => {
                    mark(before, to);
                }
                None if is_pair_wanted((c, None), wanted) => mark(from, to),
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
