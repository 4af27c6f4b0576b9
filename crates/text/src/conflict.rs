//! Contradictions between two pieces of knowledge. Pure.
//!
//! Similarity alone does not find them: two facts that differ in one figure are as near as paraphrases (a cosine of
//! 0.997 was seen). So claims are extracted from the texts and compared: amounts, durations, dates and times in one
//! unit each, and what is allowed, needed and for whom. Claims are compared only if both texts are about the same
//! thing, and not if they name different cases of it (本島 and 離島).

mod claims;
mod contrasts;

use std::cmp::Ordering;
use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use serde::Serialize;

use crate::text;
use claims::{Claims, Polarity};
use ken_base::domain::{Metadata, Review};
use utoipa::ToSchema;

pub use claims::plain_numbers;

/// A text with its question or title.
#[derive(Debug, Clone, Copy)]
pub struct Statement<'a> {
    /// The question or title; may be empty.
    pub title: &'a str,
    /// The text of the statement.
    pub text: &'a str,
}

/// Relation of two statements.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "relation", rename_all = "snake_case")]
pub enum Relation {
    /// They are about different things, or about different cases of one.
    Apart,
    /// They are about the same thing, and no comparable claim differs.
    Agree,
    /// They contradict each other.
    Conflict(Conflict),
}

/// A contradiction between two statements.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Conflict {
    /// The kind of difference.
    pub kind: ConflictKind,
    /// Words of the first statement.
    pub first: String,
    /// Words of the second statement.
    pub second: String,
}

impl Conflict {
    /// The contradiction in words, for two passages with these ids.
    pub fn describe(&self, [a, b]: &[String; 2]) -> String {
        let Conflict {
            kind,
            first,
            second,
        } = self;
        format!("{kind:?}: {first:?} in {a} vs. {second:?} in {b}")
    }

    /// A review for a person. Its id is the same whenever the same passages are found, in either order.
    pub fn review(&self, document_ids: &[String; 2], passages: &[String; 2]) -> Review {
        let sorted = |names: &[String; 2]| {
            let mut names = names.to_vec();
            names.sort_unstable();
            names
        };
        let key = text::sha256_hex([sorted(passages).join("\n").as_bytes()]);
        Review {
            id: format!("rev_{}", &key[..16]),
            kind: "conflict".to_owned(),
            document_ids: sorted(document_ids),
            detail: self.describe(passages),
        }
    }
}

/// What differs in a contradiction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "What differs. `figure`: two numbers. `unit`: two units. `date`: two dates. `condition`: whom or what it holds for. \
     `negation`: one says that it is so, the other that it is not."
)]
pub enum ConflictKind {
    /// Two numbers.
    Figure,
    /// The same number in two units of one kind, such as days and working days.
    Unit,
    /// Two dates, or two times of the day.
    Date,
    /// Whether something is needed, or for whom it holds.
    Condition,
    /// One statement allows or affirms what the other denies.
    Negation,
}

/// Properties that decide which of two contradicting passages is right.
#[derive(Debug, Clone, Copy)]
pub struct Authority {
    /// Rank of its document; the higher one wins.
    pub rank: i64,
    /// Whether it is restricted to an audience or to channels.
    pub is_specific: bool,
    /// Start of its validity: `valid_from`, otherwise the time of its last write.
    pub since: Timestamp,
}

impl Authority {
    /// Authority of a passage, from the metadata of its document.
    pub fn of(metadata: &Metadata, updated_at: Timestamp) -> Self {
        Self {
            rank: metadata.rank,
            is_specific: !metadata.audience.is_empty() || !metadata.channels.is_empty(),
            since: metadata.valid_from.unwrap_or(updated_at),
        }
    }
}

/// Minimum difference of two times for one to be newer. Documents of one import differ by less.
const NEWER_BY: SignedDuration = SignedDuration::from_hours(24);

/// Compares two contradicting passages: by rank, then the more specific one, then the newer one. Returns the order and
/// the name of the rule ([`ConflictRule`]); `None` if no rule decides, so a person has to.
pub fn prevails(a: &Authority, b: &Authority) -> Option<(Ordering, &'static str)> {
    if a.rank != b.rank {
        return Some((a.rank.cmp(&b.rank), "rank"));
    }
    if a.is_specific != b.is_specific {
        return Some((a.is_specific.cmp(&b.is_specific), "specific"));
    }
    let newer = a.since.duration_since(b.since).abs() >= NEWER_BY;
    newer.then(|| (a.since.cmp(&b.since), "newer"))
}

/// The first contradiction of two statements that are about the same thing: in what is needed, for whom, what is
/// allowed, or in figures. Dates are not compared.
pub fn opposed(a: Statement, b: Statement) -> Option<Conflict> {
    let (of_a, of_b) = (Claims::of(a), Claims::of(b));
    polarities(&of_a, &of_b).or_else(|| quantities(&of_a, &of_b))
}

/// The first case (本島 in a row of 本島 and 離島) that `statement` names and `source` does not.
pub fn unnamed_case(statement: &str, source: &str) -> Option<&'static str> {
    contrasts::unnamed(statement, source)
}

/// Minimum overlap of the words of two statements about the same thing.
const MIN_OVERLAP: f32 = 0.30;
/// The same by cosine of their vectors, if known; one of the two minima is enough. Chosen on the `dev` part of
/// corpus/conflicts.
const MIN_SIMILARITY: f32 = 0.75;

/// Compares two statements. `similarity` is the cosine of their vectors, if known.
pub fn compare(a: Statement, b: Statement, similarity: Option<f32>) -> Relation {
    if !same_topic(a, b, similarity) || contrasts::differ(a, b) {
        return Relation::Apart;
    }
    let (of_a, of_b) = (Claims::of(a), Claims::of(b));
    let found = quantities(&of_a, &of_b)
        .or_else(|| dates(&of_a, &of_b))
        .or_else(|| polarities(&of_a, &of_b));
    found.map_or(Relation::Agree, Relation::Conflict)
}

/// Maximum width of a text that is compared as one statement, see [`text::width`]; longer texts are compared by
/// sentence.
pub const ONE_STATEMENT: usize = 240;
/// Minimum share of common words of two titles that may ask the same.
const MIN_TITLES: f32 = 0.25;
/// Minimum share of common words, relative to the longer sentence, of two sentences about the same thing.
const MIN_SENTENCES: f32 = 0.6;
/// Minimum number of common words of two sentences about the same thing.
pub const MIN_SHARED_WORDS: usize = 4;

/// The first contradiction between two passages of any length.
///
/// Short passages under similar titles are compared as wholes; a product name in both titles does not make them
/// similar. In other passages only sentences are compared that share most of their words, and table rows about the same
/// subject: the same statement with another figure. Passages with several figures would otherwise always differ in
/// some.
pub fn contradiction(a: Statement, b: Statement, similarity: Option<f32>) -> Option<Conflict> {
    let found = |relation| match relation {
        Relation::Conflict(conflict) => Some(conflict),
        _ => None,
    };
    let is_short = |s: Statement| text::width(s.text) <= ONE_STATEMENT;
    let are_like = |a: &BTreeSet<String>, b: &BTreeSet<String>| share(a, b) >= MIN_TITLES;
    let (title, other) = (words(a.title), words(b.title));
    let (asked, of_other) = (
        without_names(a.title, &title),
        without_names(b.title, &other),
    );
    if is_short(a)
        && is_short(b)
        && are_like(&title, &other)
        && (title == other || are_like(&asked, &of_other))
    {
        return found(compare(a, b, similarity));
    }
    let sentences = |s: Statement| -> Vec<(String, BTreeSet<String>)> {
        let spans = text::sentences(s.text);
        let texts = spans.iter().filter_map(|span| span.slice(s.text));
        texts.map(|text| (text.to_owned(), words(text))).collect()
    };
    let (of_a, of_b) = (sentences(a), sentences(b));
    for (first, words) in &of_a {
        for (second, others) in &of_b {
            let shared = words.intersection(others).count();
            let longer = words.len().max(others.len());
            if shared < MIN_SHARED_WORDS || (shared as f32) < MIN_SENTENCES * longer as f32 {
                continue;
            }
            if !is_about(first, others) || !is_about(second, words) {
                continue;
            }
            let (first, second) = (
                Statement {
                    title: a.title,
                    text: first,
                },
                Statement {
                    title: b.title,
                    text: second,
                },
            );
            if let Some(conflict) = found(compare(first, second, None)) {
                return Some(conflict);
            }
        }
    }
    None
}

/// Terms of a text without function words and figures.
fn words(text: &str) -> BTreeSet<String> {
    let is_word = |term: &String| {
        !text::is_function_word(term) && !term.chars().all(|c| c.is_numeric() || c == '.')
    };
    text::terms(text).into_iter().filter(is_word).collect()
}

/// Words of a title without the names in it.
fn without_names(title: &str, words_of_it: &BTreeSet<String>) -> BTreeSet<String> {
    let names: BTreeSet<String> = text::names(title).into_iter().collect();
    words_of_it.difference(&names).cloned().collect()
}

/// Whether the other words contain most words of the first cell of a table row, which names its subject. True for a
/// text that is not a row.
fn is_about(row: &str, others: &BTreeSet<String>) -> bool {
    let Some(cells) = row.strip_prefix('|') else {
        return true;
    };
    let subject = words(cells.split('|').next().unwrap_or_default());
    let n_shared = subject.intersection(others).count();
    n_shared as f32 >= MIN_SUBJECT * subject.len() as f32
}

/// Minimum share of the words of the first cell.
const MIN_SUBJECT: f32 = 0.7;

/// Common words relative to the smaller set, in [0, 1].
fn share(a: &BTreeSet<String>, b: &BTreeSet<String>) -> f32 {
    a.intersection(b).count() as f32 / a.len().min(b.len()).max(1) as f32
}

/// Common words relative to the shorter statement, in [0, 1]; figures do not count.
fn overlap(a: Statement, b: Statement) -> f32 {
    share(&all_words(a), &all_words(b))
}

/// Common words of two statements relative to the longer one, in [0, 1]; figures do not count.
pub fn likeness(a: Statement, b: Statement) -> f32 {
    let (a, b) = (all_words(a), all_words(b));
    a.intersection(&b).count() as f32 / a.len().max(b.len()).max(1) as f32
}

fn all_words(statement: Statement) -> BTreeSet<String> {
    let mut all = words(statement.title);
    all.append(&mut words(statement.text));
    all
}

fn same_topic(a: Statement, b: Statement, similarity: Option<f32>) -> bool {
    overlap(a, b) >= MIN_OVERLAP
        || similarity.is_some_and(|similarity| similarity >= MIN_SIMILARITY)
}

/// The first conflict between quantities of one kind that both statements name, or between units.
fn quantities(a: &Claims, b: &Claims) -> Option<Conflict> {
    for (kind, of_a) in &a.quantities {
        let Some(of_b) = b.quantities.get(kind) else {
            continue;
        };
        if let Some((first, second)) = differing(of_a, of_b) {
            return Some(Conflict {
                kind: ConflictKind::Figure,
                first,
                second,
            });
        }
    }
    // The same number with another unit of the same group: 7 days and 7 working days, 30 a month and 30 a year.
    for (kind, of_a) in &a.quantities {
        for (other, of_b) in &b.quantities {
            let both_say = a.quantities.contains_key(other) || b.quantities.contains_key(kind);
            if kind == other || both_say || !kind.is_mistakable_for(other) {
                continue;
            }
            let same = of_a
                .iter()
                .find(|q| of_b.iter().any(|p| p.number == q.number));
            if let (Some(first), Some(second)) = (same, of_b.iter().next()) {
                return Some(Conflict {
                    kind: ConflictKind::Unit,
                    first: first.written.clone(),
                    second: second.written.clone(),
                });
            }
        }
    }
    None
}

/// A value of each set that the other one lacks; `None` if one set contains the other: something was added, not
/// changed.
fn differing(a: &[claims::Quantity], b: &[claims::Quantity]) -> Option<(String, String)> {
    let missing = |a: &[claims::Quantity], b: &[claims::Quantity]| -> Option<String> {
        let lacks = |q: &&claims::Quantity| !b.iter().any(|p| p.is(q));
        a.iter().find(lacks).map(|q| q.written.clone())
    };
    missing(a, b).zip(missing(b, a))
}

fn dates(a: &Claims, b: &Claims) -> Option<Conflict> {
    for (kind, of_a, of_b) in [
        (ConflictKind::Date, &a.dates, &b.dates),
        (ConflictKind::Date, &a.times, &b.times),
    ] {
        let missing = |a: &[claims::DateOrTime], b: &[claims::DateOrTime]| {
            a.iter()
                .find(|w| !b.iter().any(|v| v.is(w)))
                .map(|w| w.written.clone())
        };
        if let Some((first, second)) = missing(of_a, of_b).zip(missing(of_b, of_a)) {
            return Some(Conflict {
                kind,
                first,
                second,
            });
        }
    }
    None
}

fn polarities(a: &Claims, b: &Claims) -> Option<Conflict> {
    for (kind, of_a, of_b) in [
        (ConflictKind::Condition, &a.needed, &b.needed),
        (ConflictKind::Condition, &a.for_all, &b.for_all),
        (ConflictKind::Negation, &a.allowed, &b.allowed),
    ] {
        let opposed = match (of_a, of_b) {
            (Polarity::Yes(first), Polarity::No(second)) => Some((first, second)),
            (Polarity::No(first), Polarity::Yes(second)) => Some((first, second)),
            _ => None,
        };
        if let Some((first, second)) = opposed {
            return Some(Conflict {
                kind,
                first: first.clone(),
                second: second.clone(),
            });
        }
    }
    None
}

/// Names of the rules that [`prevails`] returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(
    rename_all = "snake_case",
    description = "The rule that decides which of two passages is right. `rank`: the higher rank. `specific`: the one for fewer people or \
                   channels. `newer`: the one that became valid later."
)]
pub enum ConflictRule {
    /// The higher rank.
    Rank,
    /// The one for fewer people or channels.
    Specific,
    /// The one that became valid later.
    Newer,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(a: &str, b: &str) -> Relation {
        let statement = |text| Statement { title: "", text };
        compare(statement(a), statement(b), None)
    }

    #[test]
    fn different_topics_of_one_product_do_not_contradict() {
        let found = |a: (&str, &str), b: (&str, &str)| {
            let statement = |(title, text)| Statement { title, text };
            contradiction(statement(a), statement(b), None).is_some()
        };
        let pets = (
            "家裡有貓狗，適合用 SweepGo S7 嗎？",
            "可以，建議塵袋 40 天更換，S7 會自己集塵。",
        );
        let noise = (
            "SweepGo S7 會很吵嗎？",
            "S7 會在集塵時大聲 15 秒，可以改時段。",
        );
        assert!(!found(pets, noise));
        assert!(found(
            pets,
            (
                "貓狗的毛適合用 SweepGo S7 吸嗎？",
                "可以，建議塵袋 60 天更換，S7 會自己集塵。"
            )
        ));
        assert!(found(
            ("LumiBuds Pro", "可用 6 小時。"),
            ("LumiBuds Pro", "可用 8 小時。")
        ));
        // Rows are compared where they are about the same.
        let cash = (
            "Payment",
            "| Cash on delivery | NT$30 | main island home delivery |",
        );
        let fee = (
            "Fees",
            "| Home delivery, main island | NT$100 | free above NT$1,000 |",
        );
        assert!(!found(cash, fee));
        assert!(found(
            cash,
            (
                "Fees",
                "| Cash on delivery | NT$50 | main island home delivery |"
            )
        ));
    }

    #[test]
    fn figures_are_compared_in_common_unit() {
        for (a, b, agree) in [
            (
                "收到商品後 7 天內可以退貨。",
                "收到商品後七日內可以退貨。",
                true,
            ),
            (
                "收到商品後 7 天內可以退貨。",
                "收到商品後 10 天內可以退貨。",
                false,
            ),
            (
                "收到商品後兩週內可以退貨。",
                "收到商品後 14 天內可以退貨。",
                true,
            ),
            ("保固 12 個月。", "保固一年。", true),
            ("運費 NT$1,200。", "運費 1200 元。", true),
            ("每日轉帳上限 5 萬元。", "每日轉帳上限 5 千元。", false),
            ("退款 7 天內完成。", "退款 7 個工作天內完成。", false),
            ("會員打八折。", "會員享 80% 的價格。", true),
        ] {
            let found = relation(a, b);
            assert_eq!(
                matches!(found, Relation::Agree),
                agree,
                "{a} / {b}: {found:?}"
            );
        }
    }

    #[test]
    fn statements_about_different_cases_do_not_contradict() {
        let a = "寄送台灣本島的訂單約 2 天送達。";
        let b = "寄送離島的訂單約 7 天送達。";
        assert_eq!(relation(a, b), Relation::Apart);
    }
}
