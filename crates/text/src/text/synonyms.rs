//! Synonyms: replacement terms for the terms of a question.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use aho_corasick::{AhoCorasick, MatchKind};

use super::spoken::is_whole_word;
use super::{is_function_word, search_key, terms_of_key};

/// Synonym groups that expand a question. Cheap to clone.
#[derive(Clone)]
pub struct Synonyms(Arc<Table>);

struct Table {
    matcher: AhoCorasick,
    /// By pattern, its terms.
    terms: Vec<Vec<String>>,
    /// By pattern, the groups that contain it.
    groups_of: Vec<Vec<usize>>,
    /// By group, the patterns of its members.
    groups: Vec<Vec<usize>>,
}

/// A term that may replace a term of a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Replacement {
    /// The term of the question.
    pub instead_of: String,
    /// The term that may replace it.
    pub term: String,
}

/// Groups of the built-in lexicon.
static BUILT_IN: LazyLock<Vec<Vec<String>>> = LazyLock::new(|| {
    include_str!("lexicon/synonyms.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect()
});

static DEFAULT: LazyLock<Synonyms> = LazyLock::new(|| Synonyms::of_groups(BUILT_IN.iter()));

impl Default for Synonyms {
    /// The built-in lexicon.
    fn default() -> Self {
        DEFAULT.clone()
    }
}

impl Synonyms {
    /// The built-in lexicon and `groups`, each a list of words or phrases with the same meaning.
    pub fn with(groups: &[Vec<String>]) -> Self {
        match groups.is_empty() {
            true => Self::default(),
            false => Self::of_groups(BUILT_IN.iter().chain(groups)),
        }
    }

    fn of_groups<'a>(groups: impl Iterator<Item = &'a Vec<String>>) -> Self {
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let mut members: Vec<String> = Vec::new();
        let mut groups_of: Vec<Vec<usize>> = Vec::new();
        let mut all: Vec<Vec<usize>> = Vec::new();
        for group in groups {
            let mut keys: Vec<String> = group.iter().map(|m| search_key(m.trim())).collect();
            keys.retain(|key| !key.is_empty());
            keys.sort_unstable();
            keys.dedup();
            let mut patterns = Vec::with_capacity(keys.len());
            for key in keys {
                let pattern = *numbers.entry(key).or_insert_with_key(|key| {
                    members.push(key.clone());
                    groups_of.push(Vec::new());
                    members.len() - 1
                });
                groups_of[pattern].push(all.len());
                patterns.push(pattern);
            }
            all.push(patterns);
        }
        let matcher = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&members)
            .expect("far fewer synonyms than the matcher can hold");
        Self(Arc::new(Table {
            matcher,
            terms: members
                .iter()
                .map(|member| distinctive_terms(member))
                .collect(),
            groups_of,
            groups: all,
        }))
    }

    /// Replacements for the terms of a question, given as its [`search_key`]. The terms of a longer synonym are
    /// distributed over the terms that it replaces.
    pub fn of(&self, key: &str) -> Vec<Replacement> {
        let mut replacements: Vec<Replacement> = Vec::new();
        for found in self.0.matcher.find_iter(key) {
            if !is_whole_word(key, found.start(), found.end()) {
                continue;
            }
            let table = &*self.0;
            let pattern = found.pattern().as_usize();
            let own = &table.terms[pattern];
            let groups = table.groups_of[pattern].iter();
            let others = groups.flat_map(|group| &table.groups[*group]);
            for other in others.filter(|other| **other != pattern) {
                for (i, term) in table.terms[*other].iter().enumerate() {
                    let Some(instead_of) = own.get(i % own.len().max(1)) else {
                        break;
                    };
                    replacements.push(Replacement {
                        instead_of: instead_of.clone(),
                        term: term.clone(),
                    });
                }
            }
        }
        replacements
    }
}

/// Terms of a synonym without function words: `多少錢` without `多少`. A synonym of function words only keeps them.
fn distinctive_terms(key: &str) -> Vec<String> {
    let all = terms_of_key(key);
    match all.iter().all(|term| is_function_word(term)) {
        true => all,
        false => {
            let telling = all.into_iter().filter(|term| !is_function_word(term));
            telling.collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms_for(synonyms: &Synonyms, question: &str, instead_of: &str) -> Vec<String> {
        let found = synonyms.of(&search_key(question));
        found
            .into_iter()
            .filter(|r| r.instead_of == instead_of)
            .map(|r| r.term)
            .collect()
    }

    #[test]
    fn question_terms_are_expanded_by_synonyms() {
        let lexicon = Synonyms::default();
        let found = terms_for(&lexicon, "我要退錢", "退钱");
        assert!(
            found.contains(&"退款".into()) && found.contains(&"refund".into()),
            "{found:?}"
        );
        let found = terms_for(&lexicon, "how do I get a refund", "refund");
        assert!(found.contains(&"退款".into()), "{found:?}");
        assert!(
            terms_for(&lexicon, "refunded", "refund").is_empty(),
            "only whole words"
        );
        assert!(lexicon.of("今天天气").is_empty());
        // Function words are neither replaced nor replacements.
        let found = terms_for(&lexicon, "SweepGo S7 多少錢", "少钱");
        assert!(found.contains(&"售价".into()), "{found:?}");
        let found = terms_for(&lexicon, "SweepGo S7 售價", "售价");
        assert!(!found.contains(&"多少".into()), "{found:?}");
    }

    #[test]
    fn workspace_synonyms_extend_lexicon() {
        let groups = vec![vec!["樂米".to_owned(), "LumiBuds".to_owned()]];
        let own = Synonyms::with(&groups);
        assert_eq!(terms_for(&own, "樂米沒聲音", "乐米"), ["lumibud"]);
        assert_eq!(terms_for(&own, "lumibuds", "lumibud"), ["乐米"]);
        assert!(
            !terms_for(&own, "退錢", "退钱").is_empty(),
            "the lexicon stays"
        );
        assert!(terms_for(&Synonyms::with(&[]), "樂米", "乐米").is_empty());
    }

    #[test]
    fn long_synonym_is_split_into_terms() {
        let groups = vec![vec!["到付".to_owned(), "貨到付款".to_owned()]];
        let own = Synonyms::with(&groups);
        let found = terms_for(&own, "可以到付嗎", "到付");
        assert_eq!(found, ["货到", "到付", "付款"]);
    }
}
