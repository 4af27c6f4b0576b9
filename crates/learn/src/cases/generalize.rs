//! Generalizes sentences: removes what belongs to one customer. Pure.
//!
//! Besides personal data, values from the system's notes in the transcript (looked up or booked for this customer) are
//! removed, and in the customer's sentences also amounts, dates, times and long numbers. Amounts and times in agents'
//! sentences are knowledge and stay, unless they are such a value.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use ken_base::domain::{Case, CaseRole};

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is fixed and tested")
}

/// Values that belong to one case, longest first, each with the name of its field.
#[derive(Debug, Clone, Default)]
pub struct CaseValues(Vec<(String, String)>);

/// Fields of a record that hold a status or a call, not a value.
static STATUS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)message|status|type|api|action|intent|request|result|error|code$|^ok$|success|confirmation",
    )
});
static FIELD: LazyLock<Regex> =
    LazyLock::new(|| regex(r#""([\w .-]{1,40})"\s*:\s*(?:"((?:[^"\\]|\\.)*)"|(-?\d+(?:\.\d+)?))"#));
/// `key=value` and `key: value` in notes that are not JSON.
static PAIR: LazyLock<Regex> =
    LazyLock::new(|| regex(r"([\w]{2,30})\s*[=：:]\s*([^,，;；\s{}\[\]]{2,40})"));

/// The longest value, in characters; longer texts are messages.
const MAX_VALUE_CHARS: usize = 120;

impl CaseValues {
    /// The values in the system's notes of a case.
    pub fn of(case: &Case) -> Self {
        let mut found: BTreeSet<(String, String)> = BTreeSet::new();
        let notes = case
            .turns
            .iter()
            .filter(|turn| turn.role == CaseRole::System);
        for note in notes {
            let mut is_json = false;
            for groups in FIELD.captures_iter(&note.text) {
                is_json = true;
                let name = &groups[1];
                let value = groups.get(2).or(groups.get(3)).map_or("", |m| m.as_str());
                if !STATUS.is_match(name) {
                    add(&mut found, name, value);
                }
            }
            if !is_json {
                for groups in PAIR.captures_iter(&note.text) {
                    if !STATUS.is_match(&groups[1]) {
                        add(&mut found, &groups[1], &groups[2]);
                    }
                }
            }
        }
        let mut values: Vec<(String, String)> = found.into_iter().collect();
        values.sort_by(|a, b| b.0.chars().count().cmp(&a.0.chars().count()).then(a.cmp(b)));
        values.dedup_by(|a, b| a.0.eq_ignore_ascii_case(&b.0));
        Self(values)
    }

    /// Replaces these values by `[name]`. Also returns whether there was any.
    fn without_own_values(&self, text: &str) -> (String, bool) {
        let mut text = text.to_owned();
        let mut has_value = false;
        for (value, name) in &self.0 {
            let mut from = 0;
            while let Some(at) = find_ignoring_case(&text[from..], value).map(|at| from + at) {
                let end = at + value.len();
                if !is_whole(&text, at, end) || is_in_brackets(&text, at) {
                    from = end;
                    continue;
                }
                let label = format!("[{name}]");
                text.replace_range(at..end, &label);
                from = at + label.len();
                has_value = true;
            }
        }
        (text, has_value)
    }
}

/// Adds a value, without a query that wraps it: `api.is_equal_to(\"Shadyside Inn\")`.
fn add(found: &mut BTreeSet<(String, String)>, name: &str, value: &str) {
    static WRAPPED: LazyLock<Regex> = LazyLock::new(|| regex(r#"\\"([^"\\]+)\\""#));
    let inner = WRAPPED.captures(value).map_or(value, |groups| {
        groups.get(1).expect("the group is not optional").as_str()
    });
    let inner = inner.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\\');
    let n_chars = inner.chars().count();
    let is_word = matches!(
        inner.to_lowercase().as_str(),
        "true" | "false" | "null" | "none" | "yes" | "no" | "x" | "n/a"
    );
    let is_value = (1..=MAX_VALUE_CHARS).contains(&n_chars) && !is_word;
    if !is_value || inner.starts_with('[') {
        return;
    }
    let name = snake(name);
    // Each capitalized word of a name of several words stands for it too.
    if inner.contains(' ') {
        for word in inner.split(' ') {
            let is_proper =
                word.chars().count() >= 4 && word.chars().next().is_some_and(char::is_uppercase);
            if is_proper && !COMMON.contains(&word.to_lowercase().as_str()) {
                found.insert((word.to_owned(), name.clone()));
            }
        }
    }
    found.insert((inner.to_owned(), name));
}

/// Words that occur in names but do not identify one.
const COMMON: &[&str] = &[
    "hotel",
    "restaurant",
    "room",
    "park",
    "street",
    "city",
    "center",
    "centre",
    "airport",
    "station",
    "university",
    "school",
    "bank",
    "store",
    "shop",
    "house",
    "club",
    "place",
    "point",
    "service",
    "doctor",
    "hospital",
    "main",
    "north",
    "south",
    "east",
    "west",
    "food",
    "business",
    "economy",
    "first",
    "party",
    "best",
    "good",
    "free",
    "high",
];

/// `DoctorName` → `doctor_name`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars().take(32) {
        if c.is_ascii_uppercase() && !snake.is_empty() && !snake.ends_with('_') {
            snake.push('_');
        }
        snake.push(if c.is_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '_'
        });
    }
    snake
}

/// The hash stored in place of a value: 16 hexadecimal digits, case-insensitive.
fn hash_of(value: &str) -> String {
    ken_text::text::sha256_hex([value.to_lowercase().as_bytes()])[..16].to_owned()
}

/// The most words of a value that [`without_values`] recognizes.
const MAX_WORDS: usize = 6;

/// The hashes of the names in a case's notes. Figures are left out: the price that one customer paid may be a rule for
/// all.
pub fn hashed_values(case: &Case) -> Vec<String> {
    let values = CaseValues::of(case);
    let is_name = |value: &&(String, String)| {
        value.0.chars().any(char::is_alphabetic) && value.0.chars().count() >= 3
    };
    let names = values.0.iter().filter(is_name);
    names.map(|(value, _)| hash_of(value)).collect()
}

/// Replaces runs of words (for Han, of characters) whose hash is in `values` by `[value]`.
pub fn without_values(text: &str, values: &BTreeSet<&str>) -> String {
    use unicode_segmentation::UnicodeSegmentation;
    if values.is_empty() {
        return text.to_owned();
    }
    let words: Vec<(usize, &str)> = text.unicode_word_indices().collect();
    let end_of = |at: usize| words[at].0 + words[at].1.len();
    let mut general = String::with_capacity(text.len());
    let (mut at, mut from) = (0, 0);
    while at < words.len() {
        let start = words[at].0;
        let is_value =
            |last: &usize| values.contains(hash_of(&text[start..end_of(*last)]).as_str());
        let mut longest = (at..words.len().min(at + MAX_WORDS)).rev();
        match longest
            .find(is_value)
            .filter(|_| !is_in_brackets(text, start))
        {
            Some(last) => {
                general.push_str(&text[from..start]);
                general.push_str("[value]");
                from = end_of(last);
                at = last + 1;
            }
            None => at += 1,
        }
    }
    general.push_str(&text[from..]);
    general
}

fn find_ignoring_case(text: &str, value: &str) -> Option<usize> {
    let n = value.len();
    let bytes = text.as_bytes();
    (0..=bytes.len().checked_sub(n)?).find(|&at| {
        text.is_char_boundary(at)
            && text.is_char_boundary(at + n)
            && text[at..at + n].eq_ignore_ascii_case(value)
    })
}

fn is_whole(text: &str, start: usize, end: usize) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let (first, last) = (
        text[start..].chars().next(),
        text[..end].chars().next_back(),
    );
    let is_cut_from = is_part(first) && is_part(text[..start].chars().next_back());
    let is_cut_off = is_part(last) && is_part(text[end..].chars().next());
    !is_cut_from && !is_cut_off
}

/// Whether the byte at `at` is inside a placeholder.
fn is_in_brackets(text: &str, at: usize) -> bool {
    let opened = text[..at].rfind('[');
    opened.is_some_and(|open| !text[open..at].contains(']') && text[at..].contains(']'))
}

static OWN: LazyLock<[(Regex, &str); 4]> = LazyLock::new(|| {
    [
        (r"(?i)(?:NT\$?|US\$|HK\$|TWD|USD|RMB|[$€£¥￥])\s?\d[\d,.]*\d|(?:NT\$?|US\$|HK\$|[$€£¥￥])\s?\d|\d[\d,]*(?:\.\d+)?\s?(?:dollars|bucks|usd|twd|rmb|credits|元|塊錢|块钱|塊|块|圓|圆|蚊)", "amount"),
        (r"(?i)\b(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?\s+(?:the\s+)?\d{1,2}(?:st|nd|rd|th)?\b(?:,?\s*(?:19|20)\d{2})?|\b\d{1,2}(?:st|nd|rd|th)\b(?:\s+of\s+\w+)?|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\b(?:19|20)\d{2}[-/.]\d{1,2}[-/.]\d{1,2}\b|\b\d{1,2}/\d{1,2}(?:/\d{2,4})?\b|(?:\d{2,4}\s?年\s?)?\d{1,2}\s?月\s?\d{1,2}\s?[日號号]?|(?:星期|週|周|禮拜|礼拜)[一二三四五六日天]", "date"),
        (r"(?i)\b\d{1,2}(?::\d{2})?\s?(?:am|pm|a\.m\.?|p\.m\.?|o'clock)\b|\b\d{1,2}:\d{2}\b|(?:上午|下午|早上|晚上|中午|凌晨)?\s?\d{1,2}\s?[點点](?:\d{1,2}分|半)?", "time"),
        (r"\b\d[\d-]{2,}\b", "number"),
    ]
    .map(|(pattern, name)| (regex(pattern), name))
});

/// The length in bytes of the salutation at the beginning of an agent's sentence, such as 「[name:1]小姐您好，」 or "Hi
/// [name:1], "; 0 without one.
pub fn salutation(sentence: &str) -> usize {
    static SALUTATION: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"(?i)^\s*(?:(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|親愛的|亲爱的|您好|你好)[\s,，]*)?(?:(?:mr|mrs|ms|miss|dr)\b\.?\s*)?\[name:\d+\]\s*(?:先生|小姐|女士|太太|同學|同学|老師|老师)?\s*(?:您好|你好|早安|午安|晚安)?\s*[,，、!！:：]\s*",
        )
    });
    match SALUTATION.find(sentence) {
        Some(found) if found.end() < sentence.trim_end().len() => found.end(),
        _ => 0,
    }
}

/// Generalizes an agent's sentence. Also returns whether it held anything of this customer.
pub fn agent_sentence(sentence: &str, values: &CaseValues) -> (String, bool) {
    let bare = ken_text::redact::without_numbers(sentence);
    let had_placeholder = ken_text::redact::has_placeholder(sentence);
    let (text, has_value) = values.without_own_values(&bare);
    (one_line(&text), has_value || had_placeholder)
}

/// Generalizes a customer's sentence.
pub fn customer_sentence(sentence: &str, values: &CaseValues) -> String {
    let bare = ken_text::redact::without_numbers(sentence);
    let (mut text, _) = values.without_own_values(&bare);
    for (pattern, name) in OWN.iter() {
        let replaced = pattern.replace_all(&text, |found: &regex::Captures| {
            let place = found.get(0).expect("it matched");
            // Part of a model's name, as in "RT-AX88U" or "X-1000".
            match is_in_brackets(&text, place.start())
                || is_in_name(&text, place.start(), place.end())
            {
                true => place.as_str().to_owned(),
                false => format!("[{name}]"),
            }
        });
        text = replaced.into_owned();
    }
    one_line(&text)
}

fn is_in_name(text: &str, start: usize, end: usize) -> bool {
    let joins =
        |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let before = joins(text[..start].chars().next_back());
    let after = text[end..].chars().next();
    before || joins(after)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ken_base::domain::CaseTurn;

    fn case(notes: &[&str]) -> Case {
        let turn = |text: &&str| CaseTurn {
            role: CaseRole::System,
            text: (*text).to_owned(),
            at: None,
        };
        serde_json::from_value::<Case>(serde_json::json!({ "turns": [] }))
            .map(|case| Case {
                turns: notes.iter().map(turn).collect(),
                ..case
            })
            .unwrap()
    }

    #[test]
    fn looked_up_values_are_replaced_by_placeholders() {
        let values = CaseValues::of(&case(&[
            r#"query hotel_book [{"Name": "api.is_equal_to(\"Shadyside Inn\")"}, {"RequestType": "\"Check\""}]"#,
            r#"result {"APIName": "ride_book", "DriverName": "Ella", "Price": 24, "Message": "Available", "AllowsChanges": true}"#,
            "room=1204; guest：Angela",
        ]));
        for (sentence, expected) in [
            (
                "There is no room at the Shadyside Inn.",
                "There is no room at the [name].",
            ),
            (
                "Ella comes for 24 credits.",
                "[driver_name] comes for [price] credits.",
            ),
            (
                "Angela is in 1204, not 12045.",
                "[guest] is in [room], not 12045.",
            ),
        ] {
            assert_eq!(
                agent_sentence(sentence, &values),
                (expected.to_owned(), true)
            );
        }
        let check = "Check-in begins at 3 pm. A deposit of $100 is needed.";
        assert_eq!(agent_sentence(check, &values), (check.to_owned(), false));
    }

    #[test]
    fn customer_amounts_are_generalized_and_model_names_are_not() {
        let none = CaseValues::default();
        for (sentence, expected) in [
            (
                "Someone took $500 on May 15th at 6 pm",
                "Someone took [amount] on [date] at [time]",
            ),
            (
                "我 5月3日 買的 RT-AX88U 付了 3,500 元，單號 [order_number:1]",
                "我 [date] 買的 RT-AX88U 付了 [amount]，單號 [order_number]",
            ),
            ("iPhone 15 的 7 天鑑賞期？", "iPhone 15 的 7 天鑑賞期？"),
        ] {
            assert_eq!(customer_sentence(sentence, &none), expected);
        }
    }
}
