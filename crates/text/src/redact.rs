//! Redaction of personal data, found by patterns and checksums. Pure.
//!
//! A placeholder such as `[phone:1]` replaces each value. Equal values have the same number within one text or one
//! case, so the text stays readable. [`Redacted::values`] maps placeholders to values, for callers with permission;
//! [`restore`] puts the values back exactly. Values that cannot be distinguished from ordinary words (a bare given
//! name) stay.
//!
//! Service numbers (0800-…, 400-…), prices, dates, model names and error codes are not personal and stay.

mod addresses;
mod names;
mod numbers;

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use regex::Regex;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use ken_base::domain::Span;

/// Kind of personal data.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonalDataKind {
    /// Name of a person.
    Name,
    /// Phone number, except service numbers.
    Phone,
    /// E-mail address.
    Email,
    /// Identity number of Taiwan, the mainland or Hong Kong.
    NationalId,
    /// Passport or travel document.
    Passport,
    /// Number of a bank card.
    BankCard,
    /// Licence plate.
    Plate,
    /// Postal address.
    Address,
    /// Number of an order, booking, parcel or case.
    OrderNumber,
    /// Number of an account, a customer or a contract.
    AccountNumber,
    /// Id of the customer at the company, if known.
    Customer,
    /// A kind of the workspace, by its own pattern.
    Custom(String),
    /// Text that looks like a placeholder; replaced, too, so that [`restore`] is exact.
    Literal,
}

impl PersonalDataKind {
    /// Name in a placeholder.
    pub fn name(&self) -> &str {
        match self {
            PersonalDataKind::Name => "name",
            PersonalDataKind::Phone => "phone",
            PersonalDataKind::Email => "email",
            PersonalDataKind::NationalId => "national_id",
            PersonalDataKind::Passport => "passport",
            PersonalDataKind::BankCard => "bank_card",
            PersonalDataKind::Plate => "plate",
            PersonalDataKind::Address => "address",
            PersonalDataKind::OrderNumber => "order_number",
            PersonalDataKind::AccountNumber => "account_number",
            PersonalDataKind::Customer => "customer",
            PersonalDataKind::Custom(name) => name,
            PersonalDataKind::Literal => "literal",
        }
    }
}

/// Personal data found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonalDataSpan {
    /// Kind of the data.
    pub kind: PersonalDataKind,
    /// Byte span in the text.
    pub span: Span,
}

/// A pattern of the workspace for personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomPattern {
    /// Name used in the placeholder: 1 to 32 of `a-z`, `0-9`, `_`, other than a built-in kind.
    pub kind: String,
    /// Regular expression (`regex` crate syntax); redacts the first group if it has one, otherwise the match.
    pub pattern: String,
}

/// Why a pattern cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PatternError {
    /// The name of the kind is invalid or built in.
    #[error(
        "expected a kind of 1 to 32 of a-z, 0-9 and '_', other than a built-in kind, found {0:?}"
    )]
    Kind(String),
    /// The regular expression is invalid or too large; with the message of its parser.
    #[error("invalid regular expression {0:?}: {1}")]
    Syntax(String, String),
    /// The pattern matches the empty string.
    #[error("pattern {0:?} matches the empty string")]
    Empty(String),
}

/// Finds personal data of the built-in kinds and of the patterns of a workspace.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    custom: Arc<[(String, Regex)]>,
}

/// Names that a kind of a workspace must not have. `customer` is allowed.
const BUILT_IN: [&str; 11] = [
    "name",
    "phone",
    "email",
    "national_id",
    "passport",
    "bank_card",
    "plate",
    "address",
    "order_number",
    "account_number",
    "literal",
];

/// Maximum number of passes over a text. A second pass rarely finds more; only artificial text needs others.
const MAX_PASSES: usize = 4;

/// Maximum size of a compiled custom pattern, in bytes.
const MAX_PATTERN_BYTES: usize = 1 << 20;

static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\[[a-z0-9_]{1,32}:\d{1,9}\]").expect("the pattern is fixed and tested")
});
/// A placeholder, or a mask of [`Redactor::mask`]: `[phone]`.
static MASK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\[([a-z0-9_]{1,32})(:\d{1,9})?\]").expect("the pattern is fixed and tested")
});

/// Whether a text contains a placeholder.
pub fn has_placeholder(text: &str) -> bool {
    PLACEHOLDER.is_match(text)
}

/// The text with placeholders as bare kinds: `[phone:1]` → `[phone]`.
pub fn without_numbers(text: &str) -> Cow<'_, str> {
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\[([a-z0-9_]{1,32}):\d{1,9}\]").expect("the pattern is fixed and tested")
    });
    NUMBER.replace_all(text, "[$1]")
}

/// Redacted texts, and their values by placeholder.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Redacted {
    /// The redacted texts, in the given order.
    pub texts: Vec<String>,
    /// Placeholders and values, in order of first occurrence; each placeholder once.
    pub values: Vec<(String, String)>,
}

impl Redactor {
    /// A redactor of the built-in kinds and custom patterns.
    ///
    /// # Errors
    /// The first pattern that cannot be used.
    pub fn new(patterns: &[CustomPattern]) -> Result<Self, PatternError> {
        let compile = |custom: &CustomPattern| {
            let kind = &custom.kind;
            let is_name = (1..=32).contains(&kind.len())
                && kind
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            if !is_name || BUILT_IN.contains(&kind.as_str()) {
                return Err(PatternError::Kind(kind.clone()));
            }
            let regex = regex::RegexBuilder::new(&custom.pattern)
                .size_limit(MAX_PATTERN_BYTES)
                .build()
                .map_err(|e| PatternError::Syntax(custom.pattern.clone(), e.to_string()))?;
            match regex.is_match("") {
                true => Err(PatternError::Empty(custom.pattern.clone())),
                false => Ok((kind.clone(), regex)),
            }
        };
        Ok(Self {
            custom: patterns.iter().map(compile).collect::<Result<_, _>>()?,
        })
    }

    /// Personal data of a text, in order, without overlaps. If findings overlap, the more reliable rule wins; rules run
    /// in that order.
    pub fn find(&self, text: &str) -> Vec<PersonalDataSpan> {
        let mut narrow = NarrowText::of(text);
        let masks = self.masks(text);
        let mut found: Vec<PersonalDataSpan> = Vec::new();
        let add = |found: &mut Vec<PersonalDataSpan>,
                   kind: PersonalDataKind,
                   start: usize,
                   end: usize| {
            let is_free = |other: Span| end <= other.start || other.end <= start;
            let is_masked =
                kind != PersonalDataKind::Literal && !masks.iter().copied().all(is_free);
            if start < end && !is_masked && found.iter().all(|f| is_free(f.span)) {
                found.push(PersonalDataSpan {
                    kind,
                    span: Span::new(start, end),
                });
            }
        };
        for literal in PLACEHOLDER.find_iter(text) {
            add(
                &mut found,
                PersonalDataKind::Literal,
                literal.start(),
                literal.end(),
            );
        }
        for (kind, regex) in self.custom.iter() {
            for groups in regex.captures_iter(text) {
                let whole = groups.get(1).or(groups.get(0));
                if let Some(whole) = whole {
                    let kind = PersonalDataKind::Custom(kind.clone());
                    add(&mut found, kind, whole.start(), whole.end());
                }
            }
        }
        for mask in &masks {
            narrow.blank(*mask);
        }
        let mut n_blank = 0;
        for _ in 0..MAX_PASSES {
            let mut take = |kind: PersonalDataKind, start: usize, end: usize| {
                let (start, end) = (narrow.place(start), narrow.place(end));
                add(&mut found, kind, start, end);
            };
            numbers::find(&narrow.text, &mut take);
            addresses::find(&narrow.text, &mut take);
            names::find(&narrow.text, &mut take);
            // Once a found part is blanked, the next pass can find the rest of a longer number.
            if found.len() == n_blank {
                break;
            }
            for PersonalDataSpan { span, .. } in &found[n_blank..] {
                narrow.blank(*span);
            }
            n_blank = found.len();
        }
        found.sort_by_key(|finding| finding.span.start);
        found
    }

    /// Placeholders and masks in a text.
    fn masks(&self, text: &str) -> Vec<Span> {
        let is_kind = |name: &str| {
            BUILT_IN.contains(&name)
                || name == PersonalDataKind::Customer.name()
                || self.custom.iter().any(|(kind, _)| kind == name)
        };
        let masks = MASK.captures_iter(text).filter_map(|groups| {
            let whole = groups.get(0)?;
            let is_mask = groups.get(2).is_some() || is_kind(&groups[1]);
            is_mask.then(|| Span::new(whole.start(), whole.end()))
        });
        masks.collect()
    }

    /// The text with bare kinds in place of personal data: `[phone]`. For logs and for text that leaves the service.
    /// Masks until nothing more is found: a mask may be shorter than its value, which moves cue words nearer to other
    /// figures.
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut masked = Cow::Borrowed(text);
        for _ in 0..MAX_PASSES {
            match self.masked(&masked) {
                Some(more) => masked = Cow::Owned(more),
                None => break,
            }
        }
        masked
    }

    fn masked(&self, text: &str) -> Option<String> {
        let mut found = self.find(text);
        found.retain(|finding| finding.kind != PersonalDataKind::Literal);
        if found.is_empty() {
            return None;
        }
        let mut masked = String::with_capacity(text.len());
        let mut at = 0;
        for PersonalDataSpan { kind, span } in found {
            masked.push_str(&text[at..span.start]);
            masked.push('[');
            masked.push_str(kind.name());
            masked.push(']');
            at = span.end;
        }
        masked.push_str(&text[at..]);
        Some(masked)
    }

    /// Redacts texts that belong together, such as the turns of a case. A value that is found once is redacted
    /// everywhere in them.
    pub fn redact(&self, texts: &[&str]) -> Redacted {
        self.redact_with(texts, &[])
    }

    /// As [`Redactor::redact`], and also redacts known values.
    pub fn redact_with(&self, texts: &[&str], known: &[(PersonalDataKind, String)]) -> Redacted {
        let mut values: Vec<(String, String)> = Vec::new();
        let mut counts: std::collections::HashMap<String, usize> = Default::default();
        let mut number = |kind: &PersonalDataKind, value: &str| -> String {
            let prefix = format!("[{}:", kind.name());
            let known = |(placeholder, known): &&(String, String)| {
                known == value && placeholder.starts_with(&prefix)
            };
            if let Some((placeholder, _)) = values.iter().find(known) {
                return placeholder.clone();
            }
            let n = counts.entry(prefix.clone()).or_default();
            *n += 1;
            let placeholder = format!("{prefix}{n}]");
            values.push((placeholder.clone(), value.to_owned()));
            placeholder
        };
        let mut found: Vec<Vec<PersonalDataSpan>> =
            texts.iter().map(|text| self.find(text)).collect();
        let is_telling_known =
            |(kind, value): &&(PersonalDataKind, String)| is_distinctive(kind, value);
        let mut again: Vec<(PersonalDataKind, String)> =
            known.iter().filter(is_telling_known).cloned().collect();
        for (text, found) in texts.iter().zip(&found) {
            for PersonalDataSpan { kind, span } in found {
                let value = &text[span.start..span.end];
                if is_distinctive(kind, value) && !again.iter().any(|(_, known)| known == value) {
                    again.push((kind.clone(), value.to_owned()));
                }
            }
        }
        for (text, found) in texts.iter().zip(&mut found) {
            for (kind, value) in &again {
                for start in places_of(text, value) {
                    let end = start + value.len();
                    let is_free = |f: &PersonalDataSpan| end <= f.span.start || f.span.end <= start;
                    if is_whole_word(text, start, end) && found.iter().all(is_free) {
                        found.push(PersonalDataSpan {
                            kind: kind.clone(),
                            span: Span::new(start, end),
                        });
                    }
                }
            }
            found.sort_by_key(|finding| finding.span.start);
        }
        let texts = texts.iter().zip(found).map(|(text, found)| {
            let mut redacted = String::with_capacity(text.len());
            let mut at = 0;
            for PersonalDataSpan { kind, span } in found {
                redacted.push_str(&text[at..span.start]);
                redacted.push_str(&number(&kind, &text[span.start..span.end]));
                at = span.end;
            }
            redacted.push_str(&text[at..]);
            redacted
        });
        Redacted {
            texts: texts.collect(),
            values,
        }
    }
}

/// Byte offsets of a value in a text, ignoring the case of Latin letters.
fn places_of(text: &str, value: &str) -> Vec<usize> {
    let (text_, value) = (text.to_ascii_lowercase(), value.to_ascii_lowercase());
    text_.match_indices(&value).map(|(at, _)| at).collect()
}

/// Whether a found value is distinctive enough to be redacted wherever else it occurs; a surname of one character is
/// not.
fn is_distinctive(kind: &PersonalDataKind, value: &str) -> bool {
    match kind {
        PersonalDataKind::Literal => false,
        PersonalDataKind::Name => value.chars().count() >= 2,
        _ => value.chars().count() >= 4,
    }
}

/// Whether a range is not part of a longer word or number.
fn is_whole_word(text: &str, start: usize, end: usize) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric();
    let inner = &text[start..end];
    let joined = |inside: Option<char>, outside: Option<char>| {
        inside.is_some_and(is_part) && outside.is_some_and(is_part)
    };
    !joined(inner.chars().next(), text[..start].chars().next_back())
        && !joined(inner.chars().next_back(), text[end..].chars().next())
}

/// Replaces placeholders by their values; unknown placeholders stay.
pub fn restore(text: &str, values: &[(String, String)]) -> String {
    let value_of = |placeholder: &str| values.iter().find(|(known, _)| known == placeholder);
    let replaced = PLACEHOLDER.replace_all(text, |found: &regex::Captures| {
        let placeholder = &found[0];
        value_of(placeholder).map_or(placeholder.to_owned(), |(_, value)| value.clone())
    });
    replaced.into_owned()
}

/// A text with full-width letters, digits and punctuation as narrow ones, and the original offset of each byte.
struct NarrowText {
    text: String,
    /// Original offset of each byte of `text`, and of its end.
    places: Vec<usize>,
}

impl NarrowText {
    fn of(original: &str) -> Self {
        let mut text = String::with_capacity(original.len());
        let mut places = Vec::with_capacity(original.len() + 1);
        for (at, c) in original.char_indices() {
            let narrow = match c {
                '\u{3000}' => ' ',
                '\u{FF01}'..='\u{FF5E}' => {
                    char::from_u32(c as u32 - 0xFEE0).expect("it is within ASCII")
                }
                '–' | '—' | '‐' | '‑' => '-',
                other => other,
            };
            text.push(narrow);
            places.resize(text.len(), at);
        }
        places.push(original.len());
        Self { text, places }
    }

    /// Blanks a found value, so that neither it nor the name of its kind affects findings next to it.
    fn blank(&mut self, original: Span) {
        let start = self.places.partition_point(|place| *place < original.start);
        let end = self.places.partition_point(|place| *place < original.end);
        let blank = match end - start {
            0 | 1 => "0".repeat(end - start),
            n => format!("[{}]", "0".repeat(n - 2)),
        };
        self.text.replace_range(start..end, &blank);
    }

    fn place(&self, byte: usize) -> usize {
        self.places[byte]
    }
}

#[cfg(test)]
mod tests;
