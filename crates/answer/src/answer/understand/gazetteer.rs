//! The names in a workspace's titles, for finding them in a conversation.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

use regex::Regex;

use ken_base::domain::DocumentId;
use ken_text::text::{fold, is_cjk};

/// A name as its tokens, folded: Latin words without a plural's s, single digits, single Han.
pub type Name = Arc<[Box<str>]>;

/// A title segment on more than this share of the documents (and on more than [`FEW`]) is a category, not a name.
const MAX_SHARE: f32 = 0.05;
/// See [`MAX_SHARE`].
const FEW: usize = 3;
/// The width of a name (Han 2, others 1).
const WIDTHS: std::ops::RangeInclusive<usize> = 4..=40;
/// The weight of a document for a name that omits part of its title segment.
const PART: f32 = 0.5;
/// How many of a name's documents are searched for a title of which the question contains another segment.
const MAX_FITTING: usize = 8;

/// A title segment as written, and its ways to be said.
type TitleSegment = (String, Vec<Name>);

/// The names in a workspace's titles. A title is split at `:` and `|`. Each segment is a name: as a whole, without its
/// brackets, and without the part after a dash. Segments that are questions are skipped.
#[derive(Debug, Default)]
pub struct Gazetteer {
    documents: HashMap<Name, BTreeSet<usize>>,
    by_first: HashMap<Box<str>, Vec<Name>>,
    /// Id, and the title's segments: as written, and in all ways to say it, the whole first.
    titles: Vec<(DocumentId, Vec<TitleSegment>)>,
}

impl Gazetteer {
    /// Collects the names of these titles.
    pub fn of(titles: impl IntoIterator<Item = (DocumentId, String)>) -> Self {
        let mut names = Self::default();
        let mut asked: BTreeSet<Name> = BTreeSet::new();
        for (id, title) in titles {
            let segments: Vec<TitleSegment> = title
                .split([':', '：', '|', '｜'])
                .filter(|segment| !segment.trim().is_empty())
                .map(|segment| (segment.trim().to_owned(), name_variants(segment)))
                .collect();
            let at = names.titles.len();
            for (segment, ways) in &segments {
                if asks(segment) {
                    asked.extend(ways.iter().cloned());
                }
                for way in ways {
                    names.documents.entry(way.clone()).or_default().insert(at);
                }
            }
            names.titles.push((id, segments));
        }
        let most = (MAX_SHARE * names.titles.len() as f32).max(FEW as f32) as usize;
        names.documents.retain(|name, documents| {
            documents.len() <= most && WIDTHS.contains(&width(name)) && !asked.contains(name)
        });
        for name in names.documents.keys() {
            names
                .by_first
                .entry(name[0].clone())
                .or_default()
                .push(name.clone());
        }
        for list in names.by_first.values_mut() {
            list.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        }
        names
    }

    /// Returns the names in a text, in order, with their position in tokens. Each is the longest at its place, without
    /// overlaps.
    pub fn mentions(&self, tokens: &[Box<str>]) -> Vec<(usize, Name)> {
        let (mut found, mut i) = (Vec::new(), 0);
        while i < tokens.len() {
            let candidates = self.by_first.get(&tokens[i]).map_or(&[][..], Vec::as_slice);
            match candidates.iter().find(|name| tokens[i..].starts_with(name)) {
                Some(name) => {
                    found.push((i, name.clone()));
                    i += name.len();
                }
                None => i += 1,
            }
        }
        found
    }

    /// Returns a text's tokens without the names in it.
    pub fn without(&self, text: &str) -> Vec<Box<str>> {
        let tokens = tokens(text);
        let mentions = self.mentions(&tokens);
        let is_named = |i: usize| {
            mentions
                .iter()
                .any(|(start, name)| (*start..start + name.len()).contains(&i))
        };
        let remaining = tokens.iter().enumerate().filter(|(i, _)| !is_named(*i));
        remaining.map(|(_, token)| token.clone()).collect()
    }

    /// Returns the documents that a name refers to, with their weights times `weight`.
    pub fn documents_of(&self, name: &Name, weight: f32) -> BTreeMap<DocumentId, f32> {
        let documents = self.documents.get(name).into_iter().flatten();
        let weighted = documents.map(|at| {
            let (id, segments) = &self.titles[*at];
            let is_whole = segments.iter().any(|(_, ways)| ways.first() == Some(name));
            (id.clone(), if is_whole { weight } else { weight * PART })
        });
        weighted.collect()
    }

    /// Returns whether a title contains both names.
    pub fn share_title(&self, one: &Name, other: &Name) -> bool {
        let of = |name| self.documents.get(name);
        of(one)
            .zip(of(other))
            .is_some_and(|(one, other)| !one.is_disjoint(other))
    }

    /// Returns a name as a title writes it.
    pub fn as_in_title(&self, name: &Name) -> Option<&str> {
        let at = self.documents.get(name)?.first()?;
        let mut segments = self.titles[*at].1.iter();
        let (written, _) = segments.find(|(_, ways)| ways.contains(name))?;
        Some(written)
    }

    /// Returns whether a text contains another segment of a title with this name: `這家酒店` of `酒店：X`.
    pub fn fits(&self, name: &Name, tokens: &[Box<str>]) -> bool {
        let documents = self
            .documents
            .get(name)
            .into_iter()
            .flatten()
            .take(MAX_FITTING);
        documents.into_iter().any(|at| {
            let segments = self.titles[*at].1.iter();
            let mut others = segments
                .filter(|(_, ways)| !ways.contains(name))
                .flat_map(|(_, ways)| ways);
            others.any(|way| {
                width(way) >= *WIDTHS.start()
                    && tokens.windows(way.len()).any(|window| window == &way[..])
            })
        })
    }
}

/// Returns a text's tokens, as names are compared by.
pub fn tokens(text: &str) -> Vec<Box<str>> {
    const NUMBERS: [&str; 21] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
    ];
    let folded = fold(text).replace('&', " and ").replace(['\'', '’'], "");
    let mut tokens: Vec<Box<str>> = Vec::new();
    let mut word = String::new();
    let end_word = |word: &mut String, tokens: &mut Vec<Box<str>>| {
        if let Some(number) = NUMBERS.iter().position(|number| number == word) {
            tokens.extend(
                number
                    .to_string()
                    .chars()
                    .map(|digit| digit.to_string().into()),
            );
        } else if word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") {
            tokens.push(word[..word.len() - 1].into());
        } else if !word.is_empty() {
            tokens.push(word.as_str().into());
        }
        word.clear();
    };
    for c in folded.chars() {
        if c.is_alphabetic() && !is_cjk(c) {
            word.push(c);
            continue;
        }
        end_word(&mut word, &mut tokens);
        if is_cjk(c) || c.is_ascii_digit() {
            tokens.push(c.to_string().into());
        }
    }
    end_word(&mut word, &mut tokens);
    tokens
}

fn width(tokens: &[Box<str>]) -> usize {
    tokens
        .iter()
        .map(|token| ken_text::text::width(token))
        .sum()
}

/// Returns the whole, the part without brackets, and the part before a dash.
fn name_variants(segment: &str) -> Vec<Name> {
    static BRACKETS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\s*[(（\[【].*?[)）\]】]\s*").expect("the pattern is fixed"));
    static DASH: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\s+[-–—]\s+").expect("the pattern is fixed"));
    let bare = BRACKETS.replace_all(segment, " ");
    let head = DASH.split(segment).next().unwrap_or(segment);
    let mut ways: Vec<Name> = Vec::new();
    for way in [segment, &bare, head] {
        let tokens: Name = tokens(way).into();
        if !tokens.is_empty() && !ways.contains(&tokens) {
            ways.push(tokens);
        }
    }
    ways
}

fn asks(segment: &str) -> bool {
    static ASKS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)[?？]\s*$|嗎|吗|怎|如何|什麼|什么|哪|幾|几|多少|^(?:how|what|when|where|which|who|why|can|do|does|is|are)\b")
            .expect("the pattern is fixed")
    });
    ASKS.is_match(segment)
}
