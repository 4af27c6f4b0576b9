//! The features of the admission model.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

use regex::Regex;
use serde::{Serialize, Serializer};

use crate::answer::answer_type::{answer_type, contains_type};
use crate::answer::model_number::names_another;
use crate::answer::passage::{Passage, Unit};
use crate::answer::verify::denials;
use ken_base::domain::{Evidence, Hit};
use ken_text::text::{
    characters_of_key, fold, is_cjk, is_function_word, names, search_key, terms_of_key,
};

/// The features, with the sign that a weight may have: more coverage never counts against an answer, a missing name
/// never for one. Free signs fitted the training sets better and others worse (AUROC .825 against .902 on Taipei's).
pub const NAMES: [(&str, f32); 23] = [
    // Search scores. Coverage is BM25 divided by the highest BM25 the question could reach, similarity is a cosine.
    ("coverage_first", 1.0),
    ("coverage_most", 1.0),
    ("similarity_first", 1.0),
    ("similarity_most", 1.0),
    ("proximity", 1.0),
    ("margin_fifth", 1.0),
    ("margin_last", 1.0),
    // Share of the hits among the first ten of both searches; whether the first hit is also the first by keywords.
    ("agreement", 1.0),
    ("first_by_words", 1.0),
    // Weighted share of the question's words: in the best sentence with its headings, the first chunk, the first three.
    ("in_sentence", 1.0),
    ("in_first", 1.0),
    ("in_three", 1.0),
    // The same by single characters of Han.
    ("characters_in_sentence", 1.0),
    ("characters_in_chunk", 1.0),
    // The same in the best sentence that contains the kind of thing asked for: of all chunks, of the first.
    ("in_expected", 1.0),
    ("in_expected_of_first", 1.0),
    // How many of the question's names and figures are missing.
    ("names_missing_in_first", -1.0),
    ("names_missing_in_sentence", -1.0),
    ("figures_missing_in_first", -1.0),
    ("figures_missing_in_sentence", -1.0),
    // Negation in the question but not in the best sentence, or the reverse; words such as first, last or only that the
    // best sentence lacks.
    ("denial", -1.0),
    ("qualifiers_missing", -1.0),
    // The question names a model or a code, and the evidence is about another.
    ("another_named", -1.0),
];
/// Index of the last feature, which decides alone.
pub const ANOTHER_NAMED: usize = NAMES.len() - 1;
/// The number of features.
pub const N: usize = NAMES.len();

/// The values of the features in [`NAMES`]' order. NaN means unknown and counts neither way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Features(pub [f32; N]);

impl Default for Features {
    fn default() -> Self {
        Self([0.0; N])
    }
}

impl Serialize for Features {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let named: BTreeMap<&str, f32> = NAMES
            .iter()
            .zip(self.0)
            .map(|((name, _), x)| (*name, x))
            .collect();
        named.serialize(serializer)
    }
}

/// How many chunks are read.
const READ: usize = 5;
/// How many hits the features of the search use.
const SHAPE: usize = 10;

/// A sentence compared with the question: its passage, and its share of the question's words without and with headings.
struct ScoredUnit<'a> {
    at: usize,
    unit: &'a Unit,
    share: f32,
    with_headings: f32,
    holds_answer_type: bool,
}

impl Features {
    /// Whether the question names a model or a code, and all that was found is about others.
    pub fn names_another(&self) -> bool {
        self.0[ANOTHER_NAMED] > 0.0
    }

    /// Computes the features from the question, its terms' weights, the hits and the evidence, best first, whose first
    /// chunks are given as passages.
    pub fn of(
        question: &str,
        term_weights: &[(String, f32)],
        hits: &[Hit],
        evidence: &[Evidence],
        passages: &[Passage],
    ) -> Self {
        let Some(first) = evidence.first() else {
            return Self::default();
        };
        let passages = &passages[..passages.len().min(READ)];
        let key = search_key(question);
        let asked = content(&key, term_weights);
        let total: f32 = asked.values().sum::<f32>().max(f32::EPSILON);
        let share = |has: &dyn Fn(&str) -> bool| -> f32 {
            let found = asked.iter().filter(|(term, _)| has(term.as_str()));
            found.map(|(_, weight)| weight).sum::<f32>() / total
        };
        let kind = answer_type(question);
        let mut scored: Vec<ScoredUnit> = Vec::new();
        for (at, (passage, e)) in passages.iter().zip(evidence).enumerate() {
            for unit in &passage.units {
                let sentence = unit.span.slice(&e.chunk.text).unwrap_or_default();
                let with =
                    |term: &str| unit.terms.contains(term) || passage.headings.contains(term);
                scored.push(ScoredUnit {
                    at,
                    unit,
                    share: share(&|term| unit.terms.contains(term)),
                    with_headings: share(&with),
                    holds_answer_type: kind
                        .is_none_or(|kind| contains_type(kind, sentence, &unit.folded, question)),
                });
            }
        }
        // The best sentence: the highest share with headings; of similar ones, one that contains what is asked for, or
        // an early one.
        let worth = |scored: &ScoredUnit| {
            let bonus = if scored.holds_answer_type { 0.02 } else { 0.0 };
            scored.share + 0.5 * scored.with_headings + bonus - 0.01 * scored.at as f32
        };
        let best = scored.iter().max_by(|a, b| worth(a).total_cmp(&worth(b)));
        let in_three = share(&|term| {
            passages
                .iter()
                .take(3)
                .any(|passage| passage.has_term(term))
        });
        let expected_in = |n: usize| {
            let of_these = scored
                .iter()
                .filter(|scored| scored.at < n && scored.holds_answer_type);
            of_these.map(|scored| scored.share).fold(0.0, f32::max)
        };
        let han: HashSet<char> = asked
            .keys()
            .flat_map(|term| term.chars())
            .filter(|c| is_cjk(*c))
            .collect();
        let of_han = |units: &[&Unit]| match han.is_empty() {
            true => None,
            false => {
                let known = |c: &&char| units.iter().any(|unit| unit.folded.contains(**c));
                Some(han.iter().filter(known).count() as f32 / han.len() as f32)
            }
        };
        let names = names(question);
        let figures = numbers(&key);
        let missing = |terms: &[String], has: &dyn Fn(&str) -> bool| {
            terms
                .iter()
                .filter(|name| !has(name.as_str()))
                .count()
                .min(3) as f32
        };
        let in_best = |term: &str| {
            best.is_some_and(|scored| {
                scored.unit.terms.contains(term) || passages[scored.at].headings.contains(term)
            })
        };
        let in_first = |term: &str| {
            passages
                .first()
                .is_some_and(|passage| passage.has_term(term))
        };
        let best_text = best.map_or("", |scored| scored.unit.folded.as_str());
        let best_with = best.map_or(0.0, |scored| scored.with_headings);
        let share_of_first = share(&in_first);
        let best_units: Vec<&Unit> = best.iter().map(|scored| scored.unit).collect();
        let around: Vec<&Unit> = best.map_or(Vec::new(), |scored| {
            passages[scored.at].units.iter().collect()
        });

        let by_key: HashMap<u32, &Hit> = hits.iter().map(|hit| (hit.chunk_key, hit)).collect();
        let hit_of = |e: &Evidence| by_key.get(&e.chunk.key).copied();
        let shape = &evidence[..evidence.len().min(SHAPE)];
        let highest = |value: fn(&Evidence) -> f32| shape.iter().map(value).fold(0.0, f32::max);
        // With so few hits the value is unknown.
        let behind = |e: Option<&Evidence>| e.map_or(f32::NAN, |e| first.score - e.score);
        let among_ten = |leg: Option<ken_base::domain::LegScore>| {
            leg.and_then(|leg| leg.rank).is_some_and(|rank| rank <= 10)
        };
        let agreed = shape
            .iter()
            .filter_map(hit_of)
            .filter(|hit| among_ten(hit.keyword) && among_ten(hit.vector));
        let first_hit = hit_of(first);
        // Without vectors, similarity and the agreement of both searches are unknown.
        let has_vectors = hits.iter().any(|hit| hit.vector.is_some());
        let of_both = |x: f32| if has_vectors { x } else { f32::NAN };
        let by_words = first_hit
            .and_then(|hit| hit.keyword)
            .and_then(|leg| leg.rank)
            == Some(1);
        let is_denied = |text: &str| !denials(&without_choice(text)).is_empty();

        Self([
            first.coverage,
            highest(|e| e.coverage),
            of_both(first.similarity),
            of_both(highest(|e| e.similarity)),
            first_hit.map_or(0.0, |hit| hit.proximity),
            behind(shape.get(4)),
            behind(shape.last().filter(|_| shape.len() > 4)),
            of_both(agreed.count() as f32 / SHAPE as f32),
            of_both(f32::from(u8::from(by_words))),
            best_with,
            share_of_first,
            in_three,
            of_han(&best_units).unwrap_or(best_with),
            of_han(&around).unwrap_or(share_of_first),
            expected_in(READ),
            expected_in(1),
            missing(&names, &in_first),
            missing(&names, &in_best),
            missing(&figures, &in_first),
            missing(&figures, &in_best),
            f32::from(u8::from(is_denied(question) != is_denied(best_text))),
            qualifiers_missing(question, best_text),
            f32::from(u8::from(names_another(question, evidence, passages))),
        ])
    }
}

/// Returns the content words of a question with their weights. A word that is not in the index has the highest weight.
fn content(key: &str, term_weights: &[(String, f32)]) -> HashMap<String, f32> {
    const GRAMMAR: &str = "的了吗呢吧啊呀么什怎哪谁几多少是否不没有在和与及或也都就才很这那之其被把将从到对由为因会能可想让给用得着过个些请问我你您他她它们";
    let is_grammar = |term: &str| {
        is_function_word(term) || term.chars().all(|c| GRAMMAR.contains(c)) || {
            // A pair across a word boundary.
            let mut characters = term.chars();
            term.chars().count() == 2
                && characters.any(|c| "的了吗呢吧么什谁几请问我你您们".contains(c))
        }
    };
    let known: HashMap<&str, f32> = term_weights
        .iter()
        .map(|(term, weight)| (term.as_str(), *weight))
        .collect();
    let most = known.values().copied().fold(1.0, f32::max);
    let all: HashSet<String> = terms_of_key(key).into_iter().collect();
    let weight = |term: &str| known.get(term).copied().unwrap_or(most);
    let stated = all.iter().filter(|term| !is_grammar(term));
    let content: HashMap<String, f32> = stated.map(|term| (term.clone(), weight(term))).collect();
    match content.is_empty() {
        true => all
            .into_iter()
            .map(|term| (term.clone(), weight(&term)))
            .collect(),
        false => content,
    }
}

/// Returns the figures in a question, as terms.
fn numbers(key: &str) -> Vec<String> {
    let is_figure = |term: &String| term.chars().all(|c| c.is_ascii_digit() || c == '.');
    let mut figures: Vec<String> = characters_of_key(key)
        .into_iter()
        .filter(is_figure)
        .collect();
    figures.sort_unstable();
    figures.dedup();
    figures
}

/// Removes question forms that contain a negation, such as `能不能`.
fn without_choice(text: &str) -> String {
    static CHOICE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new("是不是|可不可以|能不能|有没有|会不会|要不要|对不对|不好意思|好不好|需不需要")
            .expect("the pattern is fixed")
    });
    CHOICE.replace_all(&fold(text), "").into_owned()
}

fn qualifiers_missing(question: &str, sentence: &str) -> f32 {
    static QUALIFIER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"最\p{Han}|第[一二三四五六七八九十\d]+|首[次位个]|唯一|主要|只有|仅|(?-u:\b)(?:first|last|second|third|fourth|fifth|only|main|primary|most|least|largest|smallest|biggest|highest|lowest|oldest|earliest|latest|final|best|worst|greatest|longest|shortest|youngest|newest|fewest|before|after|during|until|without|except|besides|never|always|half|exactly|total|original)(?-u:\b)",
        )
        .expect("the pattern is fixed")
    });
    let (question, sentence) = (fold(question), fold(sentence));
    let missing = QUALIFIER
        .find_iter(&question)
        .filter(|found| !sentence.contains(found.as_str()));
    missing.count().min(3) as f32
}
