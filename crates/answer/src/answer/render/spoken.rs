//! Text normalization for speech output (TTS).

use std::sync::LazyLock;

use chinese_number::{ChineseCase, ChineseCountMethod, ChineseVariant, NumberToChinese};
use regex::{Captures, Regex};

use ken_text::text::{Language, char_width, is_cjk, sentences, width};

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is fixed and tested")
}

/// The maximum width of a spoken sentence; a Han character has width 2, others 1. A wider sentence is split at commas.
const MAX_SENTENCE_WIDTH: usize = 60;

/// Returns a text for speech output: without URLs, email addresses and markup, with numbers spelled out, and with long
/// sentences split at commas.
pub fn spoken(text: &str, language: Language) -> String {
    static URL_OR_EMAIL: LazyLock<Regex> = LazyLock::new(|| {
        regex(r"[（(]?\b(?:https?://|www\.)[^\s，。；）)]+[）)]?|[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
    });
    static MARKUP: LazyLock<Regex> =
        LazyLock::new(|| regex(r"(?m)^\s*(?:#+|[-*•>])\s+|[*_`~]{1,3}"));
    static PHONE: LazyLock<Regex> = LazyLock::new(|| {
        regex(r"\+?\d{2,4}[- ]\d{3,4}[- ]\d{3,4}(?: ?#\d+)?|\b0\d{8,10}\b|\b\d{4}-\d{6}\b")
    });
    let text = URL_OR_EMAIL.replace_all(text, "");
    let text = MARKUP.replace_all(&text, "");
    let text = PHONE.replace_all(&text, |found: &Captures| digits(&found[0], language));
    let text = match language.is_chinese() {
        true => chinese_numbers(&text, language),
        false => english_numbers(&text),
    };
    let (stop, commas): (&str, &[char]) = match language.is_chinese() {
        true => ("。", &['，', '；']),
        false => (".", &[',', ';']),
    };
    let mut spoken_sentences: Vec<String> = Vec::new();
    for span in sentences(&text) {
        let mut rest = span.slice(&text).unwrap_or_default();
        while width(rest) > MAX_SENTENCE_WIDTH {
            let mut used = 0;
            let fits = rest.char_indices().take_while(|(_, c)| {
                used += char_width(*c);
                used <= MAX_SENTENCE_WIDTH
            });
            let is_before_digit =
                |at: usize| rest[at + 1..].starts_with(|c: char| c.is_ascii_digit());
            let cut = fits
                .filter(|(at, c)| commas.contains(c) && !(*c == ',' && is_before_digit(*at)))
                .map(|(at, c)| (at, c.len_utf8()))
                .last();
            let Some((at, len)) = cut else { break };
            spoken_sentences.push(format!("{}{stop}", rest[..at].trim()));
            rest = rest[at + len..].trim_start();
        }
        let rest = rest.trim_end_matches(['；', ';', '，', ',', '、']);
        let ends = rest.ends_with(['。', '！', '？', '.', '!', '?', '：', ':']);
        spoken_sentences.push(if ends {
            rest.to_owned()
        } else {
            format!("{rest}{stop}")
        });
    }
    spoken_sentences.join(if language.is_chinese() { "" } else { " " })
}

/// Returns a phone number or the decimals of a number digit by digit. Groups are separated by commas.
fn digits(number: &str, language: Language) -> String {
    let spell = |c: char| -> Option<String> {
        let digit = c.to_digit(10)?;
        Some(match language.is_chinese() {
            true => "零一二三四五六七八九"
                .chars()
                .nth(digit as usize)?
                .to_string(),
            false => digit.to_string(),
        })
    };
    let groups = number.split(['-', ' ']).map(|group| {
        let digits: Vec<String> = group
            .chars()
            .filter_map(|c| match c {
                '#' if language.is_chinese() => Some("轉".to_owned()),
                '#' => Some("extension".to_owned()),
                c => spell(c),
            })
            .collect();
        digits.join(if language.is_chinese() { "" } else { " " })
    });
    groups
        .collect::<Vec<_>>()
        .join(if language.is_chinese() { "，" } else { ", " })
}

/// Spells out dates, times, amounts of money, percentages, numbers and ranges in Chinese.
fn chinese_numbers(text: &str, language: Language) -> String {
    static FIGURE: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"(?x)
            (?P<y>\d{4})[-/](?P<mo>\d{1,2})[-/](?P<d>\d{1,2})
            | (?P<h>\d{1,2}):(?P<mi>\d{2})
            | (?P<currency>NT\$|US\$|HK\$|\$|€|£|¥)\s?(?P<amount>\d+(?:,\d{3})*(?:\.\d+)?)(?:\s?元)?
            | (?P<percent>\d+(?:,\d{3})*(?:\.\d+)?)\s?[%％]
            | (?P<number>\d+(?:,\d{3})*(?:\.\d+)?)",
        )
    });
    let is_traditional = language == Language::TraditionalChinese;
    let variant = match is_traditional {
        true => ChineseVariant::Traditional,
        false => ChineseVariant::Simple,
    };
    let number = |digits: &str| -> String {
        let plain = digits.replace(',', "");
        let (whole, decimals) = plain.split_once('.').unwrap_or((&plain, ""));
        let value: Option<u64> = whole.parse().ok();
        let words = value.and_then(|value| {
            value
                .to_chinese(variant, ChineseCase::Lower, ChineseCountMethod::TenThousand)
                .ok()
        });
        let words = words.unwrap_or_else(|| whole.to_owned());
        match decimals {
            "" => words,
            decimals => {
                let point = if is_traditional { "點" } else { "点" };
                format!("{words}{point}{}", self::digits(decimals, language))
            }
        }
    };
    let spoken = FIGURE.replace_all(text, |found: &Captures| {
        let at = found.get(0).map_or(0, |all| all.start());
        // A number that is part of a name stays as it is: `S7`, `VC10`.
        let is_in_name = text[..at].ends_with(|c: char| c.is_ascii_alphabetic() || c == '-');
        let group = |name| found.name(name).map(|m| m.as_str());
        match () {
            _ if is_in_name && group("number").is_some() => found[0].to_owned(),
            _ if group("y").is_some() => format!(
                "{}年{}月{}日",
                self::digits(&found["y"], language),
                number(&found["mo"]),
                number(&found["d"])
            ),
            _ if group("h").is_some() => {
                let minutes = match &found["mi"] {
                    "00" => String::new(),
                    minutes => format!("{}分", number(minutes)),
                };
                let hour = if is_traditional { "點" } else { "点" };
                format!("{}{hour}{minutes}", number(&found["h"]))
            }
            _ if group("currency").is_some() => {
                let name = match (&found["currency"], is_traditional) {
                    ("NT$", true) => "新台幣",
                    ("NT$", false) => "新台币",
                    ("US$", _) => "美金",
                    ("HK$", true) => "港幣",
                    ("HK$", false) => "港币",
                    ("€", true) => "歐元",
                    ("€", false) => "欧元",
                    ("£", true) => "英鎊",
                    ("£", false) => "英镑",
                    _ => "",
                };
                format!("{name}{}元", number(&found["amount"]))
            }
            _ if group("percent").is_some() => format!("百分之{}", number(&found["percent"])),
            _ => number(&found["number"]),
        }
    });
    // `七–十 天`: the numbers are spelled out already.
    static RANGE: LazyLock<Regex> =
        LazyLock::new(|| regex(r"([\p{Han}])\s?[–~～-]\s?([零一二三四五六七八九十百千萬万])"));
    let spoken = RANGE.replace_all(&spoken, "${1}到${2}");
    let mut text = String::with_capacity(spoken.len());
    let mut characters = spoken.chars().peekable();
    while let Some(c) = characters.next() {
        // A space between Han characters is only visual, so it is dropped.
        let after_han = c == ' ' && text.chars().next_back().is_some_and(is_cjk);
        if after_han
            && characters
                .peek()
                .is_some_and(|next| is_cjk(*next) || "。，；、".contains(*next))
        {
            continue;
        }
        text.push(c);
    }
    text
}

/// Replaces currency symbols, percent signs and range dashes with English words. Digits stay.
fn english_numbers(text: &str) -> String {
    static MONEY: LazyLock<Regex> =
        LazyLock::new(|| regex(r"(NT\$|US\$|HK\$|\$|€|£)\s?(\d+(?:,\d{3})*(?:\.\d+)?)"));
    static PERCENT: LazyLock<Regex> = LazyLock::new(|| regex(r"(\d)\s?%"));
    static RANGE: LazyLock<Regex> = LazyLock::new(|| regex(r"(\d)\s?[–~]\s?(\d)"));
    let text = MONEY.replace_all(text, |found: &Captures| {
        let name = match &found[1] {
            "NT$" => "New Taiwan dollars",
            "US$" => "US dollars",
            "HK$" => "Hong Kong dollars",
            "€" => "euros",
            "£" => "pounds",
            _ => "dollars",
        };
        format!("{} {name}", &found[2])
    });
    let text = PERCENT.replace_all(&text, "$1 percent");
    RANGE.replace_all(&text, "$1 to $2").into_owned()
}
