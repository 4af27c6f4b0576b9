//! Function words of English and Chinese questions.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::terms;

/// English question words, articles, pronouns, auxiliaries and prepositions; Chinese ways of asking. Questions contain
/// them, but they do not describe the topic. They are rare enough in declarative text to weigh much in BM25.
const WORDS: &str = "what which who whom whose when where why how do does did doing is are was were be been being am the a \
    an of in on at to for from by with and or as it its this that these those there i me my you your he his she her \
    we our us they their them can could would should will shall may might must has have had having about into than then \
    any some please if so also just \
    什么 什麼 怎么 怎麼 怎样 如何 请问 多少 哪个 哪些 哪里 哪儿 是否 为何 几个 是什 么是 有什 有哪 是哪 是谁 的是";

static TERMS: LazyLock<HashSet<String>> =
    LazyLock::new(|| WORDS.split_whitespace().flat_map(terms).collect());

/// Whether a term (from [`terms`]) belongs to the way of asking rather than to the topic.
pub fn is_function_word(term: &str) -> bool {
    TERMS.contains(term)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn function_words_are_distinguished_from_topic_terms() {
        let topic = |question: &str| -> Vec<String> {
            terms(question)
                .into_iter()
                .filter(|term| !is_function_word(term))
                .collect()
        };
        assert_eq!(topic("What is the warranty of this?"), ["warranti"]);
        assert_eq!(topic("does it ship"), ["ship"]);
        assert_eq!(topic("請問運費"), ["问运", "运费"]);
        assert_eq!(topic("退貨"), ["退货"]);
    }
}
