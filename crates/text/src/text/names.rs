//! Names of products and brands in a question.

use std::sync::LazyLock;

use regex::Regex;

use super::{is_cjk, is_function_word, terms};

/// Names in a question or title, as sorted terms: all Latin words in a Chinese question; otherwise words with a digit
/// or with a capital that is not the first letter of the question.
pub fn names(question: &str) -> Vec<String> {
    static WORD: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"[A-Za-z0-9][A-Za-z0-9'’-]*").expect("the pattern is fixed"));
    let is_han = question.chars().any(is_cjk);
    let is_name = |start: usize, word: &str| {
        let has_digit = word.chars().any(|c| c.is_ascii_digit());
        let has_letter = word.chars().any(|c| c.is_ascii_alphabetic());
        // The number of an order or parcel does not name a subject of the knowledge.
        let is_number_of = word.chars().filter(char::is_ascii_digit).count() > 4;
        let capital = word
            .chars()
            .skip(usize::from(start == 0))
            .any(|c| c.is_ascii_uppercase());
        has_letter && !is_number_of && (is_han || has_digit || capital)
    };
    let found = WORD
        .find_iter(question)
        .filter(|found| is_name(found.start(), found.as_str()));
    let named = found.flat_map(|found| terms(found.as_str()));
    let mut names: Vec<String> = named.filter(|term| !is_function_word(term)).collect();
    names.sort_unstable();
    names.dedup();
    names
}
