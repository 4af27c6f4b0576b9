//! Converts a text for speech output.

use std::sync::LazyLock;

use chinese_number::{ChineseCase, ChineseCountMethod, ChineseVariant, NumberToChinese};
use regex::{Captures, Regex};

use ken_text::text::{Language, char_width, is_cjk, sentences, width};

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is fixed and tested")
}

/// A wider sentence (Han 2, others 1) is cut at a comma when it is spoken.
const MAX_BREATH: usize = 60;

/// Returns a text for speech output: without addresses and markup, with figures in words.
pub fn spoken(text: &str, language: Language) -> String {
    static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
        regex(r"[（(]?\b(?:https?://|www\.)[^\s，。；）)]+[）)]?|[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
    });
    static MARKS: LazyLock<Regex> =
        LazyLock::new(|| regex(r"(?m)^\s*(?:#+|[-*•>])\s+|[*_`~]{1,3}"));
    static PHONE: LazyLock<Regex> = LazyLock::new(|| {
        regex(r"\+?\d{2,4}[- ]\d{3,4}[- ]\d{3,4}(?: ?#\d+)?|\b0\d{8,10}\b|\b\d{4}-\d{6}\b")
    });
    let text = ADDRESS.replace_all(text, "");
    let text = MARKS.replace_all(&text, "");
    let text = PHONE.replace_all(&text, |found: &Captures| digits(&found[0], language));
    let text = match language.is_chinese() {
        true => chinese_figures(&text, language),
        false => english_figures(&text),
    };
    let (stop, commas): (&str, &[char]) = match language.is_chinese() {
        true => ("。", &['，', '；']),
        false => (".", &[',', ';']),
    };
    let mut spoken_sentences: Vec<String> = Vec::new();
    for span in sentences(&text) {
        let mut rest = span.slice(&text).unwrap_or_default();
        while width(rest) > MAX_BREATH {
            let mut wide = 0;
            let fits = rest.char_indices().take_while(|(_, c)| {
                wide += char_width(*c);
                wide <= MAX_BREATH
            });
            let is_figure = |at: usize| rest[at + 1..].starts_with(|c: char| c.is_ascii_digit());
            let cut = fits
                .filter(|(at, c)| commas.contains(c) && !(*c == ',' && is_figure(*at)))
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

/// Returns a number digit by digit.
fn digits(number: &str, language: Language) -> String {
    let says = |c: char| -> Option<String> {
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
                c => says(c),
            })
            .collect();
        digits.join(if language.is_chinese() { "" } else { " " })
    });
    groups
        .collect::<Vec<_>>()
        .join(if language.is_chinese() { "，" } else { ", " })
}

fn chinese_figures(text: &str, language: Language) -> String {
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
        let (whole, part) = plain.split_once('.').unwrap_or((&plain, ""));
        let value: Option<u64> = whole.parse().ok();
        let words = value.and_then(|value| {
            value
                .to_chinese(variant, ChineseCase::Lower, ChineseCountMethod::TenThousand)
                .ok()
        });
        let words = words.unwrap_or_else(|| whole.to_owned());
        match part {
            "" => words,
            part => {
                let point = if is_traditional { "點" } else { "点" };
                format!("{words}{point}{}", self::digits(part, language))
            }
        }
    };
    let spoken = FIGURE.replace_all(text, |found: &Captures| {
        let at = found.get(0).map_or(0, |all| all.start());
        // Part of a name: `S7`, `VC10`.
        let in_name = text[..at].ends_with(|c: char| c.is_ascii_alphabetic() || c == '-');
        let group = |name| found.name(name).map(|m| m.as_str());
        match () {
            _ if in_name && group("number").is_some() => found[0].to_owned(),
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
    // `7–10 天`, `本島 → 離島`.
    static RANGE: LazyLock<Regex> =
        LazyLock::new(|| regex(r"([\p{Han}])\s?[–~～-]\s?([零一二三四五六七八九十百千萬万])"));
    let spoken = RANGE.replace_all(&spoken, "${1}到${2}");
    let mut text = String::with_capacity(spoken.len());
    let mut characters = spoken.chars().peekable();
    while let Some(c) = characters.next() {
        // Gaps between Han are only visual.
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

fn english_figures(text: &str) -> String {
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
