//! Model numbers (`K2`, `AirNest 500`) and codes (`E09`). A question about one that no evidence names is not answered
//! by evidence about another of its kind.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::passage::{Passage, headings};
use ken_base::domain::Evidence;
use ken_text::text::{fold, is_function_word};

/// A number with the letters that belong to it, and the name before it if the number alone is not enough.
#[derive(Debug, PartialEq, Eq)]
struct ModelNumber {
    /// The part common to all of a kind: `k#`, `airnest ###`, `voltcard ##k`.
    kind: String,
    /// The number: `2`, `500`, `20`.
    number: String,
    /// Whether it covers others too (`K1 or newer`, `E01–E08`), or is a quantity (`AirNest 2 台`).
    is_open: bool,
    /// Whether it is at the start of the text or of its first cell.
    begins: bool,
}

/// Before a number, these make an amount of money or a date.
const NO_NAMES: [&str; 31] = [
    "nt",
    "us",
    "hk",
    "rmb",
    "usd",
    "twd",
    "hkd",
    "jan",
    "feb",
    "mar",
    "apr",
    "jun",
    "jul",
    "aug",
    "sep",
    "sept",
    "oct",
    "nov",
    "dec",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Returns all designations of a folded text.
fn model_numbers(folded: &str) -> impl Iterator<Item = ModelNumber> + '_ {
    // A name with a number beside it, or a few letters with one.
    static RUN: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?:([a-z]{3,})[ -]?(\d{1,4})([a-z]?)|([a-z]{1,2})(\d{1,4})([a-z]?))(?-u:\b)")
            .expect("the pattern is fixed")
    });
    // Part of a longer number or code, the start of a range, or a quantity.
    static OPEN: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"(?x)^(?: [.:/]\d | \ ?[~～–—−-]\ ?[a-z]{0,4}\d | [+%]
            | \ ?(?: [至到]\ ?[a-z]{0,4}\d | 以上 | 以下 | 以后 | 及以 | 或以 | 或更 | 起 | 系列
                | [元块毛天日月年周个小时点分秒岁次件张折倍名位人份台部辆层楼期斤克公里吋寸米度页行条间项笔户栋箱盒瓶副款对级代组]
                | (?:(?:or|and)\ )?(?:later|newer|above|higher|up|older|earlier)\b | series\b
                | (?:kg|g|km|m|cm|mm|ml|l|gb|tb|mb|hz|mah|wh|w|v|days?|weeks?|months?|years?|hours?|minutes?|times?|pieces?|pairs?|units?|items?|people|percent|inch(?:es)?|dollars?)\b))",
        )
        .expect("the pattern is fixed")
    });
    let of = move |found: Captures| {
        let whole = found.get(0)?;
        let (before, after) = (&folded[..whole.start()], &folded[whole.end()..]);
        let of_name = found.get(1);
        let (letters, number, suffix) = match of_name {
            Some(name) => (name.as_str(), &found[2], &found[3]),
            None => (&found[4], &found[5], &found[6]),
        };
        let is_inside =
            before.ends_with(|c: char| c.is_ascii_alphanumeric() || "-./_@#$".contains(c));
        // A number of this form is far more often a year than a model.
        let is_year = number.len() == 4 && (number.starts_with("19") || number.starts_with("20"));
        if is_inside || is_year || NO_NAMES.contains(&letters) || is_function_word(letters) {
            return None;
        }
        let kind = match of_name {
            Some(_) => format!("{letters} {}{suffix}", "#".repeat(number.len())),
            None => format!("{letters}#{suffix}"),
        };
        Some(ModelNumber {
            kind,
            number: number.to_owned(),
            is_open: OPEN.is_match(after)
                || before.ends_with(['~', '～', '–', '—', '−', '至', '到']),
            begins: before.chars().all(|c| " |*#".contains(c)),
        })
    };
    RUN.captures_iter(folded).filter_map(of)
}

/// Returns whether a question is about a model or code that no evidence names, while some evidence is about another of
/// its kind: in its title, its headings, the questions it answers, or at the start of a sentence or row.
pub fn names_another(question: &str, evidence: &[Evidence], passages: &[Passage]) -> bool {
    let folded = fold(question);
    let mut asked = model_numbers(&folded).filter(|d| !d.is_open).peekable();
    if asked.peek().is_none() {
        return false;
    }
    let over: Vec<String> = evidence.iter().map(|e| fold(&headings(e))).collect();
    let over = over.iter().flat_map(|about| about.lines());
    let units = passages.iter().flat_map(|passage| &passage.units);
    let texts: Vec<(bool, &str)> = over
        .map(|line| (true, line))
        .chain(units.map(|unit| (false, unit.folded.as_str())))
        .collect();
    let mentioned: Vec<(bool, ModelNumber)> = texts
        .into_iter()
        .flat_map(|(is_over, text)| model_numbers(text).map(move |d| (is_over || d.begins, d)))
        .collect();
    asked.any(|asked| {
        let mut of_kind = mentioned.iter().filter(|(_, d)| d.kind == asked.kind);
        let is_named = of_kind.clone().any(|(_, d)| d.number == asked.number);
        !is_named && of_kind.any(|(is_about, d)| *is_about && !d.is_open)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::conflict_resolution::tests::evidence;
    use ken_base::domain::DocumentKind;

    #[test]
    fn different_model_or_code_is_detected() {
        let another = |question: &str, title: &str, text: &str| {
            let found = [evidence(title, DocumentKind::Article, text, 1.0)];
            let passages: Vec<Passage> = found.iter().map(Passage::read).collect();
            names_another(question, &found, &passages)
        };
        let codes = "| 代碼 | 意思 |\n|---|---|\n| E01 | 沒水 |\n| E08 | 過熱 |";
        for (question, title, text, is_another) in [
            (
                "DoorMate K2 多少錢",
                "DoorMate K1 電子鎖",
                "售價 13,800 元。",
                true,
            ),
            (
                "DoorMate K1 多少錢",
                "DoorMate K1 電子鎖",
                "售價 13,800 元。",
                false,
            ),
            ("K2 多少錢", "DoorMate K1 電子鎖", "與 K2 相同。", false),
            ("AirNest 500 的適用坪數", "AirNest 300", "6–12 坪。", true),
            (
                "AirNest500 適用坪數",
                "AirNest 300、AirNest 500",
                "6–12 坪。",
                false,
            ),
            (
                "VoltCard 20K 可以帶上飛機嗎",
                "VoltCard 10K 可以帶上飛機嗎？",
                "可以。",
                true,
            ),
            ("出現 E09 怎麼辦", "SweepGo S7", codes, true),
            ("出現 e08 怎麼辦", "SweepGo S7", codes, false),
            (
                "What does E09 mean?",
                "Error codes E01–E12",
                "Clean it.",
                false,
            ),
            // A quantity, a price, a date, a decimal, a range that contains it, an unknown thing.
            ("買 AirNest 500 台有折扣嗎", "AirNest 300", "可以。", false),
            ("NT2500 以上免運嗎", "NT1000", "可以。", false),
            ("Open on May 12?", "May 11", "Closed.", false),
            ("Open on October 12?", "October 11", "Closed.", false),
            (
                "Who led it between 1994 and 1999?",
                "Mayors",
                "Between 1990 and 1994 it was Wyganowski.",
                false,
            ),
            ("TiDB 4.0 怎麼升級", "TiDB 3.0", "照做。", false),
            ("iOS 17 可以用嗎", "支援 iOS 15 以上", "可以。", false),
            ("iPhone 16 多少錢", "DoorMate K1", "售價 13,800 元。", false),
            // A model that is only mentioned is not the subject of the text.
            ("K1 可以接 USB3 嗎", "DoorMate K1", "介面為 USB2。", false),
        ] {
            assert_eq!(
                another(question, title, text),
                is_another,
                "{question} – {title}"
            );
        }
    }
}
