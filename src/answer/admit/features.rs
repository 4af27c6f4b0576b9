use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

use regex::Regex;
use serde::{Serialize, Serializer};

use crate::answer::expects::{expected, holds, lacks_property};
use crate::answer::verify::{citable, denials};
use crate::domain::{Evidence, Hit};
use crate::text::{
    characters_of_key, fold, is_cjk, is_function_word, search_key, terms, terms_of_key,
};

/// What is measured, with the sign that its weight may have: more coverage never speaks against an answer, a missing name
/// never for one. Free signs fitted the training sets better and others worse (AUROC .825 against .902 on Taipei's).
pub const NAMES: [(&str, f32); 23] = [
    // How the search came out. Coverage is BM25 over the highest BM25 the question could reach, similarity a cosine.
    ("coverage_first", 1.0),
    ("coverage_most", 1.0),
    ("similarity_first", 1.0),
    ("similarity_most", 1.0),
    ("proximity", 1.0),
    ("margin_fifth", 1.0),
    ("margin_last", 1.0),
    // Share of the hits that both legs have among their first ten; whether the first is the first by words.
    ("agreement", 1.0),
    ("first_by_words", 1.0),
    // Weighted share of the question's words: in the best sentence with its headings, the first chunk, the first three.
    ("in_sentence", 1.0),
    ("in_first", 1.0),
    ("in_three", 1.0),
    // The same by single characters of Han.
    ("characters_in_sentence", 1.0),
    ("characters_in_chunk", 1.0),
    // In the best sentence that holds the kind of thing asked for: of all chunks, of the first.
    ("in_expected", 1.0),
    ("in_expected_of_first", 1.0),
    // How many of the question's names and figures are missing.
    ("names_missing_in_first", -1.0),
    ("names_missing_in_sentence", -1.0),
    ("figures_missing_in_first", -1.0),
    ("figures_missing_in_sentence", -1.0),
    // The question denies or says first, last, only … and the best sentence does not; or denies where it does not.
    ("denial", -1.0),
    ("qualifiers_missing", -1.0),
    // The question asks for a property (weight, colour, price …) that no chunk which has its names says anything of.
    ("property_missing", -1.0),
];
/// Where the last one stands, which decides alone.
pub const PROPERTY_MISSING: usize = NAMES.len() - 1;
/// How many.
pub const N: usize = NAMES.len();

/// What the evidence says about whether it answers; [`NAMES`] says what stands where. Not a number where nothing is known:
/// then it counts neither way.
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

/// How many chunks are read, and how many of the hits tell how the search came out.
const READ: usize = 5;
const SHAPE: usize = 10;

/// A chunk as it is held against the question.
struct Read {
    sentences: Vec<Sentence>,
    terms: HashSet<String>,
    characters: HashSet<char>,
}

struct Sentence {
    text: String,
    terms: HashSet<String>,
    /// Of it, and of it with its headings.
    share: f32,
    with_headings: f32,
    holds_expected: bool,
}

impl Features {
    /// Whether the question asks for a property that nothing found says anything of.
    pub fn lacks_property(&self) -> bool {
        self.0[PROPERTY_MISSING] > 0.0
    }

    /// From the question, its terms' weights and the evidence, best first. Some 0.2 ms.
    pub fn of(
        question: &str,
        term_weights: &[(String, f32)],
        hits: &[Hit],
        evidence: &[Evidence],
    ) -> Self {
        let Some(first) = evidence.first() else {
            return Self::default();
        };
        let key = search_key(question);
        let asked = content(&key, term_weights);
        let total: f32 = asked.values().sum::<f32>().max(f32::EPSILON);
        let share = |terms: &HashSet<String>| -> f32 {
            let found = asked
                .iter()
                .filter(|(term, _)| terms.contains(term.as_str()));
            found.map(|(_, weight)| weight).sum::<f32>() / total
        };
        let kind = expected(question);
        let read: Vec<Read> = evidence
            .iter()
            .take(READ)
            .map(|e| {
                let headings: HashSet<String> = terms(&headings(e)).into_iter().collect();
                let text = &e.chunk.text;
                let sentences: Vec<Sentence> = citable(e)
                    .iter()
                    .filter_map(|span| span.slice(text))
                    .map(|sentence| {
                        let terms: HashSet<String> = terms(sentence).into_iter().collect();
                        let both: HashSet<String> = terms.union(&headings).cloned().collect();
                        Sentence {
                            share: share(&terms),
                            with_headings: share(&both),
                            holds_expected: kind.is_none_or(|kind| holds(kind, sentence, question)),
                            text: sentence.to_owned(),
                            terms: both,
                        }
                    })
                    .collect();
                let mut terms = headings;
                terms.extend(sentences.iter().flat_map(|s| s.terms.iter().cloned()));
                Read {
                    characters: fold(text).chars().collect(),
                    sentences,
                    terms,
                }
            })
            .collect();
        // The best sentence: most of the question, with its headings, rather one that holds what is asked for, rather early.
        let worth = |at: usize, s: &Sentence| {
            s.share + 0.5 * s.with_headings + if s.holds_expected { 0.02 } else { 0.0 }
                - 0.01 * at as f32
        };
        let best = read
            .iter()
            .enumerate()
            .flat_map(|(at, chunk)| chunk.sentences.iter().map(move |s| (at, s)))
            .max_by(|a, b| worth(a.0, a.1).total_cmp(&worth(b.0, b.1)));
        let in_three: HashSet<String> = read
            .iter()
            .take(3)
            .flat_map(|chunk| chunk.terms.iter().cloned())
            .collect();
        let expected_in = |chunks: &[Read]| {
            let sentences = chunks.iter().flat_map(|chunk| &chunk.sentences);
            sentences
                .filter(|s| s.holds_expected)
                .map(|s| s.share)
                .fold(0.0, f32::max)
        };
        let han: HashSet<char> = asked
            .keys()
            .flat_map(|term| term.chars())
            .filter(|c| is_cjk(*c))
            .collect();
        let of_han = |known: &HashSet<char>| match han.is_empty() {
            true => None,
            false => Some(han.intersection(known).count() as f32 / han.len() as f32),
        };
        let names = names(question);
        let figures = numbers(&key);
        let missing = |wanted: &[String], known: &HashSet<String>| {
            wanted
                .iter()
                .filter(|name| !known.contains(name.as_str()))
                .count()
                .min(3) as f32
        };
        let has_names = |chunk: &Read| names.iter().all(|name| chunk.terms.contains(name.as_str()));
        let read_with = evidence.iter().zip(&read);
        let named: Vec<&str> = read_with
            .filter(|(_, chunk)| has_names(chunk))
            .map(|(e, _)| e.chunk.text.as_str())
            .collect();
        let about = match named.is_empty() {
            true => evidence
                .iter()
                .take(READ)
                .map(|e| e.chunk.text.as_str())
                .collect(),
            false => named,
        };
        let empty = HashSet::new();
        let (best_text, best_terms) =
            best.map_or(("", &empty), |(_, s)| (s.text.as_str(), &s.terms));
        let best_with = best.map_or(0.0, |(_, s)| s.with_headings);
        let in_first = read.first().map_or(0.0, |chunk| share(&chunk.terms));

        let by_key: HashMap<u32, &Hit> = hits.iter().map(|hit| (hit.chunk_key, hit)).collect();
        let hit_of = |e: &Evidence| by_key.get(&e.chunk.key).copied();
        let shape = &evidence[..evidence.len().min(SHAPE)];
        let highest = |value: fn(&Evidence) -> f32| shape.iter().map(value).fold(0.0, f32::max);
        // Where so few are found that there is none, nothing is known of it.
        let behind = |e: Option<&Evidence>| e.map_or(f32::NAN, |e| first.score - e.score);
        let among_ten = |leg: Option<crate::domain::LegScore>| {
            leg.and_then(|leg| leg.rank).is_some_and(|rank| rank <= 10)
        };
        let agreed = shape
            .iter()
            .filter_map(hit_of)
            .filter(|hit| among_ten(hit.keyword) && among_ten(hit.vector));
        let first_hit = hit_of(first);
        let by_words = first_hit
            .and_then(|hit| hit.keyword)
            .and_then(|leg| leg.rank)
            == Some(1);
        let is_denied = |text: &str| !denials(&without_choice(text)).is_empty();

        Self([
            first.coverage,
            highest(|e| e.coverage),
            first.similarity,
            highest(|e| e.similarity),
            first_hit.map_or(0.0, |hit| hit.proximity),
            behind(shape.get(4)),
            behind(shape.last().filter(|_| shape.len() > 4)),
            agreed.count() as f32 / SHAPE as f32,
            f32::from(u8::from(by_words)),
            best_with,
            in_first,
            share(&in_three),
            of_han(&fold(best_text).chars().collect()).unwrap_or(best_with),
            best.and_then(|(at, _)| of_han(&read[at].characters))
                .unwrap_or(in_first),
            expected_in(&read),
            expected_in(&read[..read.len().min(1)]),
            missing(&names, read.first().map_or(&empty, |chunk| &chunk.terms)),
            missing(&names, best_terms),
            missing(&figures, read.first().map_or(&empty, |chunk| &chunk.terms)),
            missing(&figures, best_terms),
            f32::from(u8::from(is_denied(question) != is_denied(best_text))),
            qualifiers_missing(question, best_text),
            f32::from(u8::from(lacks_property(question, about.into_iter()))),
        ])
    }
}

fn headings(evidence: &Evidence) -> String {
    let mut all = vec![evidence.metadata.title.as_str()];
    all.extend(evidence.chunk.heading_path.iter().map(String::as_str));
    all.extend(evidence.chunk.note.question.as_deref());
    all.extend(evidence.metadata.questions.iter().map(String::as_str));
    all.join("\n")
}

/// The words of a question that say what it is about, with their weights; one that the index does not know weighs the most.
fn content(key: &str, term_weights: &[(String, f32)]) -> HashMap<String, f32> {
    const GRAMMAR: &str = "的了吗呢吧啊呀么什怎哪谁几多少是否不没有在和与及或也都就才很这那之其被把将从到对由为因会能可想让给用得着过个些请问我你您他她它们";
    let is_grammar = |term: &str| {
        is_function_word(term) || term.chars().all(|c| GRAMMAR.contains(c)) || {
            // A pair across a word's end.
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
    let said = all.iter().filter(|term| !is_grammar(term));
    let content: HashMap<String, f32> = said.map(|term| (term.clone(), weight(term))).collect();
    match content.is_empty() {
        true => all
            .into_iter()
            .map(|term| (term.clone(), weight(&term)))
            .collect(),
        false => content,
    }
}

/// Names in a question, as terms: Latin words between Han; else those with a capital that does not begin the question, or
/// with a digit.
pub fn names(question: &str) -> Vec<String> {
    static WORD: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"[A-Za-z0-9][A-Za-z0-9'’-]*").expect("the pattern is fixed"));
    let is_han = question.chars().any(is_cjk);
    let is_name = |start: usize, word: &str| {
        let has_digit = word.chars().any(|c| c.is_ascii_digit());
        let has_letter = word.chars().any(|c| c.is_ascii_alphabetic());
        // An order or a parcel is not what the knowledge is about.
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

/// Whether a chunk, with what stands over it, has all of these names.
pub fn speaks_of(names: &[String], evidence: &Evidence) -> bool {
    let text = format!("{}\n{}", headings(evidence), evidence.chunk.text);
    let known: HashSet<String> = terms(&text).into_iter().collect();
    names.iter().all(|name| known.contains(name))
}

/// Figures in a question, as terms.
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

/// Without the ways of asking that hold a denial: `能不能`.
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
