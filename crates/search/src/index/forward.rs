//! The forward index: each chunk's text as a sequence of codes, one per position. The question's words in a chunk are
//! found in one pass over its codes. An inverted index would need one lookup per word and chunk.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use fnv::FnvHasher;

use super::proximity::{Occurrences, best_window};
use ken_text::text::is_cjk;

/// Bit of a code: it is the hash of a word; otherwise it is a character of a run without spaces.
const WORD: u32 = 1 << 31;
/// Bit of a code: the next character belongs to the same run, so both form a bigram.
const JOINS: u32 = 1 << 30;

/// Returns a text's codes, from its index terms ([`ken_text::text::index_terms`]). Each number holds two codes, which
/// halves the numbers to write and merge. The upper half of the last number may be 0, which is no code.
pub fn rows(terms: &[(String, usize)]) -> Vec<u64> {
    let row = |pair: &[u32]| {
        let second = pair.get(1).copied().unwrap_or(0);
        u64::from(pair[0]) | u64::from(second) << 32
    };
    codes(terms).chunks(2).map(row).collect()
}

fn codes(terms: &[(String, usize)]) -> Vec<u32> {
    let mut codes: Vec<u32> = Vec::with_capacity(terms.len());
    for (term, at) in terms {
        match TermShape::of(term) {
            TermShape::Pair(..) => codes[*at] |= JOINS,
            TermShape::Single(code) => codes.push(code),
        }
    }
    codes
}

/// How a term appears in the codes: one code or two joined ones.
#[derive(Clone, Copy)]
enum TermShape {
    Single(u32),
    Pair(u32, u32),
}

impl TermShape {
    fn of(term: &str) -> Self {
        let mut characters = term.chars();
        match (characters.next(), characters.next()) {
            (Some(first), None) if is_cjk(first) => Self::Single(u32::from(first)),
            (Some(first), Some(second)) if is_cjk(first) => {
                Self::Pair(u32::from(first), u32::from(second))
            }
            _ => Self::Single(WORD | word_hash(term)),
        }
    }
}

/// Returns a number that identifies a term.
pub fn code_of(term: &str) -> u64 {
    match TermShape::of(term) {
        TermShape::Single(code) => u64::from(code),
        TermShape::Pair(first, second) => pair_code(first, second),
    }
}

fn pair_code(first: u32, second: u32) -> u64 {
    u64::from(first) | u64::from(second) << 32
}

/// Returns the [codes](code_of) of a text's terms from its [`rows`], each once.
pub fn different_terms(rows: &[u64]) -> HashSet<u64, BuildHasherDefault<FnvHasher>> {
    let codes: Vec<u32> = codes_of(rows).collect();
    let single = |code: &u32| code & !JOINS;
    let singles = codes.iter().map(|code| u64::from(single(code)));
    let joined = codes.windows(2).filter(|both| both[0] & JOINS != 0);
    let pairs = joined.map(|both| pair_code(single(&both[0]), single(&both[1])));
    singles.chain(pairs).collect()
}

fn codes_of(rows: &[u64]) -> impl Iterator<Item = u32> {
    let both = rows
        .iter()
        .flat_map(|row| [*row as u32, (*row >> 32) as u32]);
    both.filter(|code| *code != 0)
}

/// Returns 30 bits of FNV-1a. Two different words collide in one of a thousand million pairs.
fn word_hash(word: &str) -> u32 {
    let mut hasher = FnvHasher::default();
    hasher.write(word.as_bytes());
    let hash = hasher.finish();
    ((hash >> 32) ^ hash) as u32 & (JOINS - 1)
}

/// A form of a term to search for.
pub struct Target<'a> {
    /// The form as indexed.
    pub term: &'a str,
    /// The most that this form can add to the score; 0 if only its position counts.
    pub weight: f32,
    /// Index of its term among the question's terms and among its characters, for proximity. Targets of one term must
    /// be adjacent.
    pub numbers: [Option<u16>; 2],
}

/// The result of reading one chunk.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForwardScores {
    /// The sum of the terms' BM25 scores, ≥ 0.
    pub score: f32,
    /// How close the terms are, in [0, 1]; see [`super::proximity`].
    pub proximity: f32,
}

/// The targets, arranged by their first code, with buffers for the chunk being read.
pub struct ForwardScan {
    by_first: HashMap<u32, Vec<CodeTarget>, BuildHasherDefault<FnvHasher>>,
    /// Whether any target starts with a code that has these low bits. It rejects most codes of a text at once.
    begins: Vec<bool>,
    weights: Vec<f32>,
    numbers: Vec<[Option<u16>; 2]>,
    rows: Vec<u64>,
    codes: Vec<u32>,
    frequencies: Vec<u32>,
    occurrences: [Occurrences; 2],
}

struct CodeTarget {
    /// For a bigram, the second character.
    second: Option<u32>,
    target: usize,
}

const LOW_BITS: u32 = 0x3ff;

impl ForwardScan {
    /// Prepares a reading of these targets.
    pub fn of(targets: &[Target<'_>]) -> Self {
        let mut this = Self {
            by_first: HashMap::default(),
            begins: vec![false; LOW_BITS as usize + 1],
            weights: targets.iter().map(|target| target.weight).collect(),
            numbers: targets.iter().map(|target| target.numbers).collect(),
            rows: Vec::new(),
            codes: Vec::new(),
            frequencies: vec![0; targets.len()],
            occurrences: Default::default(),
        };
        for (target, candidate) in targets.iter().enumerate() {
            let (first, second) = match TermShape::of(candidate.term) {
                TermShape::Single(code) => (code, None),
                TermShape::Pair(first, second) => (first, Some(second)),
            };
            this.begins[(first & LOW_BITS) as usize] = true;
            let beginning = this.by_first.entry(first).or_default();
            beginning.push(CodeTarget { second, target });
        }
        this
    }

    /// Reads one chunk. `read` writes the chunk's [`rows`] into its argument. `score` returns the contribution of a
    /// target of weight 1 at a given frequency. `shares` are the weights of the terms and of the characters; if given,
    /// and if the score reaches `least`, the proximity is computed, otherwise it is 0.
    pub fn read(
        &mut self,
        read: impl Fn(&mut Vec<u64>),
        score: impl Fn(u32) -> f32,
        shares: Option<&[Vec<f32>; 2]>,
        least: f32,
    ) -> ForwardScores {
        read(&mut self.rows);
        self.codes.clear();
        self.codes.extend(codes_of(&self.rows));
        let codes = &self.codes;
        self.frequencies.fill(0);
        for of in &mut self.occurrences {
            of.clear();
        }
        for (position, code) in (0_u32..).zip(codes) {
            let first = code & !JOINS;
            if !self.begins[(first & LOW_BITS) as usize] {
                continue;
            }
            let Some(beginning) = self.by_first.get(&first) else {
                continue;
            };
            let next = match code & JOINS {
                0 => None,
                _ => codes.get(position as usize + 1),
            };
            let next = next.map(|code| code & !JOINS);
            for candidate in beginning {
                if candidate.second.is_some() && candidate.second != next {
                    continue;
                }
                self.frequencies[candidate.target] += 1;
                if shares.is_some() {
                    let numbers = self.numbers[candidate.target];
                    for (of, number) in self.occurrences.iter_mut().zip(numbers) {
                        of.extend(number.map(|number| (position, number)));
                    }
                }
            }
        }
        // A term counts as its best form: forms are alternatives, so their scores are not added.
        let (mut total, mut term, mut best) = (0.0, None, 0.0_f32);
        for (n, frequency) in self.frequencies.iter().enumerate() {
            let (weight, [of_term, _]) = (self.weights[n], self.numbers[n]);
            if *frequency == 0 || weight <= 0.0 {
                continue;
            }
            if of_term.is_none() || of_term != term {
                total += std::mem::take(&mut best);
                term = of_term;
            }
            best = best.max(weight * score(*frequency));
        }
        total += best;
        let proximity = match shares {
            Some(shares) if total >= least => {
                let occurrences = self.occurrences.iter_mut().zip(shares);
                occurrences
                    .map(|(of, weights)| best_window(of, weights))
                    .sum::<f32>()
                    / 2.0
            }
            _ => 0.0,
        };
        ForwardScores {
            score: total,
            proximity,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use ken_text::text::index_terms;

    /// Compares each term's frequency in the codes with that among the text's index terms.
    fn check(text: &str, sought: &[&str]) {
        let terms = index_terms(text);
        let mut expected: HashMap<&str, u32> = HashMap::new();
        for (term, _) in &terms {
            *expected.entry(term).or_default() += 1;
        }
        let rows = rows(&terms);
        let n_positions = terms.iter().map(|(_, at)| at + 1).max().unwrap_or(0);
        assert_eq!(rows.len(), n_positions.div_ceil(2), "{text}");
        let codes: HashSet<u64, _> = expected.keys().map(|term| code_of(term)).collect();
        assert_eq!(different_terms(&rows), codes, "{text}");
        let known = expected.keys().copied().collect::<Vec<_>>();
        for term in sought.iter().copied().chain(known) {
            let target = Target {
                term,
                weight: 1.0,
                numbers: [Some(0), None],
            };
            let read = |into: &mut Vec<u64>| into.clone_from(&rows);
            let found = ForwardScan::of(&[target]).read(read, |n| n as f32, None, 0.0);
            let n = expected.get(term).copied().unwrap_or(0);
            assert_eq!(found.score, n as f32, "{term} in {text}");
        }
    }

    #[test]
    fn forward_codes_contain_all_terms_of_text() {
        check(
            "退貨運費，退貨 APP 鎖/USB 退",
            &["退费", "货退", "usb", "lock"],
        );
        check("一千二百元的 LumiBuds 3.5 mm", &["1200", "3.5", "3"]);
        check("カタカナと漢字、漢字", &["汉字", "字汉", "と汉"]);
        check("𠮷野家𠮷野", &["野𠮷"]);
        check("returned returns return", &["return", "returned"]);
        check("", &["退"]);
    }

    #[test]
    fn forward_reading_scores_proximity_by_position() {
        let terms = index_terms("退貨要在七天內辦理");
        let rows = rows(&terms);
        let target = |term, numbers| Target {
            term,
            weight: 1.0,
            numbers,
        };
        let targets = [
            target("退货", [Some(0), None]),
            target("办理", [Some(1), None]),
            target("天", [None, Some(0)]),
        ];
        let shares = [vec![1.0, 1.0, 2.0], vec![1.0]];
        let mut reading = ForwardScan::of(&targets);
        let read = |into: &mut Vec<u64>| into.clone_from(&rows);
        for _ in 0..2 {
            let found = reading.read(read, |n| n as f32, Some(&shares), 0.0);
            assert_eq!((found.score, found.proximity), (3.0, (0.5 + 1.0) / 2.0));
        }
        let found = reading.read(read, |n| n as f32, Some(&shares), 3.5);
        assert_eq!(found.proximity, 0.0);
        // Two forms of one term count as the better one.
        let mut forms = ForwardScan::of(&[
            Target {
                weight: 0.5,
                ..target("退货", [Some(0), None])
            },
            target("要在", [Some(0), None]),
            target("办理", [Some(1), None]),
        ]);
        assert_eq!(forms.read(read, |n| n as f32, None, 0.0).score, 2.0);
    }
}
