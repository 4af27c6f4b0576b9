//! Word's automatic numbering: `1.`, `第三條`, `3.2`, `(一)`.

use std::collections::{HashMap, HashSet};

use chinese_number::{ChineseCase, ChineseCountMethod, ChineseVariant, NumberToChinese};
use roxmltree::Node;

use super::{attribute, child, is, switch, value};

/// Word has nine levels.
const N_LEVELS: usize = 9;

/// How one level of a list is numbered.
#[derive(Debug, Clone, PartialEq)]
struct ListLevel {
    start: u64,
    format: String,
    /// The text with `%1` to `%9` for the numbers of the levels: `第%1條`.
    text: String,
    is_followed_by_nothing: bool,
    /// Whether it continues to count across the levels above it.
    counts_on: bool,
    /// Whether all its numbers are in digits (`isLgl`).
    in_figures: bool,
}

#[derive(Debug, Clone, Default)]
struct AbstractNumbering {
    levels: HashMap<usize, ListLevel>,
    /// The style that defines this list, if it is defined elsewhere.
    style_link: Option<String>,
}

/// A document's lists and their counters.
#[derive(Debug, Default)]
pub struct Numbering {
    abstracts: HashMap<String, AbstractNumbering>,
    /// By `numId`: its list, and the levels that restart with their first number.
    numbers: HashMap<String, (String, HashMap<usize, u64>)>,
    /// The list that a style defines.
    of_style: HashMap<String, String>,
    /// By list: the last number of each level.
    counted: HashMap<String, [Option<u64>; N_LEVELS]>,
    /// The `numId`s used so far. A restart takes effect only at the first use.
    started: HashSet<String>,
}

/// The label before a paragraph.
#[derive(Debug, Clone, PartialEq)]
pub enum ListLabel {
    /// A bullet.
    Bullet,
    /// A plain number: `3.`
    Number(u64),
    /// Any other label, as Word shows it: `第三條`, `3.2`.
    Text(String),
}

impl Numbering {
    /// Reads the lists from the root element of `word/numbering.xml`.
    pub fn read(root: Node) -> Self {
        let mut found = Self::default();
        for node in root.children() {
            if is(node, "abstractNum") {
                let Some(id) = attribute(node, "abstractNumId") else {
                    continue;
                };
                let levels = node.children().filter(|node| is(*node, "lvl"));
                let levels = levels.filter_map(|node| Some((level_of(node)?, level(node))));
                if let Some(style) = value(node, "styleLink") {
                    found.of_style.insert(style.to_owned(), id.to_owned());
                }
                let list = AbstractNumbering {
                    levels: levels.collect(),
                    style_link: value(node, "numStyleLink").map(str::to_owned),
                };
                found.abstracts.insert(id.to_owned(), list);
            }
            if is(node, "num") {
                let (Some(id), Some(list)) =
                    (attribute(node, "numId"), value(node, "abstractNumId"))
                else {
                    continue;
                };
                let overrides = node.children().filter(|node| is(*node, "lvlOverride"));
                let starts = overrides.filter_map(|node| {
                    let start = value(node, "startOverride")?.parse().ok()?;
                    Some((level_of(node)?, start))
                });
                let starts = starts.collect();
                found
                    .numbers
                    .insert(id.to_owned(), (list.to_owned(), starts));
            }
        }
        found
    }

    /// Advances the counter and returns the paragraph's label; `None` if the list is unknown.
    pub fn next(&mut self, number: &str, level: usize) -> Option<ListLabel> {
        let level = level.min(N_LEVELS - 1);
        let (list, starts) = self.numbers.get(number)?.clone();
        let list = match self.abstracts.get(&list)?.style_link.as_ref() {
            Some(style) => self.of_style.get(style).cloned().unwrap_or(list),
            None => list,
        };
        let levels = &self.abstracts.get(&list)?.levels;
        let this = levels.get(&level)?;
        let counted = self.counted.entry(list.clone()).or_default();
        if self.started.insert(number.to_owned()) {
            for (level, start) in &starts {
                if let Some(place) = counted.get_mut(*level) {
                    *place = start.checked_sub(1);
                }
            }
        }
        if this.format == "bullet" {
            return Some(ListLabel::Bullet);
        }
        let start = |level: usize| levels.get(&level).map_or(1, |level| level.start);
        counted[level] = match counted[level] {
            Some(last) => Some(last.saturating_add(1)),
            None => Some(starts.get(&level).copied().unwrap_or(start(level))),
        };
        for (at, deeper) in counted.iter_mut().enumerate().skip(level + 1) {
            if !levels.get(&at).is_some_and(|level| level.counts_on) {
                *deeper = None;
            }
        }
        if this.format == "none" || this.text.trim().is_empty() {
            return None;
        }
        let own = counted[level].unwrap_or(1);
        let place = format!("%{}", level + 1);
        let around = this.text.replace(&place, "");
        if this.format == "decimal" && [".", ")", "、", ""].contains(&around.trim()) {
            return Some(ListLabel::Number(own));
        }
        let mut rendered = this.text.clone();
        for (at, last) in counted.iter().enumerate() {
            let place = format!("%{}", at + 1);
            if !rendered.contains(&place) {
                continue;
            }
            let format = match this.in_figures {
                true => "decimal",
                false => levels.get(&at).map_or("decimal", |level| &level.format),
            };
            let number = last.unwrap_or_else(|| start(at));
            rendered = rendered.replace(&place, &written(number, format));
        }
        if !this.is_followed_by_nothing {
            rendered.push(' ');
        }
        Some(ListLabel::Text(rendered))
    }
}

fn level_of(node: Node) -> Option<usize> {
    let level: usize = attribute(node, "ilvl")?.parse().ok()?;
    (level < N_LEVELS).then_some(level)
}

fn level(node: Node) -> ListLevel {
    // Newer formats are in an alternative with an older one as fallback.
    let format = child(node, "numFmt").or_else(|| {
        let choice = child(node, "AlternateContent")?;
        child(child(choice, "Choice")?, "numFmt")
    });
    ListLevel {
        start: value(node, "start")
            .and_then(|start| start.parse().ok())
            .unwrap_or(1),
        format: format
            .and_then(|format| attribute(format, "val"))
            .unwrap_or("decimal")
            .to_owned(),
        text: value(node, "lvlText").unwrap_or_default().to_owned(),
        is_followed_by_nothing: value(node, "suff") == Some("nothing"),
        counts_on: value(node, "lvlRestart") == Some("0"),
        in_figures: switch(node, "isLgl") == Some(true),
    }
}

/// Writes a number in one of Word's formats (ECMA-376, 17.18.59); unknown formats become digits.
fn written(number: u64, format: &str) -> String {
    let of = |signs: &str| {
        let at = usize::try_from(number.checked_sub(1)?).ok()?;
        signs.chars().nth(at).map(String::from)
    };
    let chinese = |variant, case| {
        let number = i128::from(number);
        number
            .to_chinese(variant, case, ChineseCountMethod::TenThousand)
            .ok()
    };
    let found = match format {
        "decimalZero" => Some(format!("{number:02}")),
        "lowerLetter" => Some(letters(number)),
        "upperLetter" => Some(letters(number).to_uppercase()),
        "lowerRoman" => roman(number).map(|roman| roman.to_lowercase()),
        "upperRoman" => roman(number),
        "chineseCounting"
        | "chineseCountingThousand"
        | "taiwaneseCounting"
        | "taiwaneseCountingThousand"
        | "japaneseCounting" => chinese(ChineseVariant::Traditional, ChineseCase::Lower),
        "ideographDigital" | "japaneseDigitalTenThousand" | "taiwaneseDigital" => {
            let digit = |c: char| "〇一二三四五六七八九".chars().nth(c.to_digit(10)? as usize);
            number.to_string().chars().map(digit).collect()
        }
        "chineseLegalSimplified" => chinese(ChineseVariant::Simple, ChineseCase::Upper),
        "ideographLegalTraditional" => chinese(ChineseVariant::Traditional, ChineseCase::Upper),
        "ideographTraditional" => of("甲乙丙丁戊己庚辛壬癸"),
        "ideographZodiac" => of("子丑寅卯辰巳午未申酉戌亥"),
        "decimalEnclosedCircle" | "decimalEnclosedCircleChinese" => of("①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"),
        "decimalEnclosedParen" => Some(format!("({number})")),
        "decimalFullWidth" | "decimalFullWidth2" => {
            let wide = |c: char| char::from_u32(u32::from(c) - 0x30 + 0xFF10).unwrap_or(c);
            Some(number.to_string().chars().map(wide).collect())
        }
        _ => None,
    };
    found.unwrap_or_else(|| number.to_string())
}

/// Returns a … z, aa … zz, as Word counts.
fn letters(number: u64) -> String {
    let Some(at) = number.checked_sub(1) else {
        return String::new();
    };
    let letter = char::from(b'a' + (at % 26) as u8);
    let times = usize::try_from(at / 26 + 1).unwrap_or(1).min(20);
    std::iter::repeat_n(letter, times).collect()
}

fn roman(mut number: u64) -> Option<String> {
    const SIGNS: [(u64, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if !(1..4000).contains(&number) {
        return None;
    }
    let mut rendered = String::new();
    for (value, sign) in SIGNS {
        while number >= value {
            rendered.push_str(sign);
            number -= value;
        }
    }
    Some(rendered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbering(levels: &str, numbers: &str) -> Numbering {
        let xml = format!(
            "<numbering><abstractNum abstractNumId=\"7\">{levels}</abstractNum>{numbers}</numbering>"
        );
        let document = roxmltree::Document::parse(&xml).unwrap();
        Numbering::read(document.root_element())
    }

    fn level(at: usize, format: &str, text: &str) -> String {
        format!(
            "<lvl ilvl=\"{at}\"><start val=\"1\"/><numFmt val=\"{format}\"/><lvlText val=\"{text}\"/></lvl>"
        )
    }

    fn number(id: &str) -> String {
        format!("<num numId=\"{id}\"><abstractNumId val=\"7\"/></num>")
    }

    fn text(rendered: &str) -> Option<ListLabel> {
        Some(ListLabel::Text(rendered.to_owned()))
    }

    #[test]
    fn clause_numbering_matches_word() {
        let levels = [
            level(0, "chineseCounting", "第%1條"),
            level(1, "decimal", "%1.%2"),
        ]
        .concat();
        let mut lists = numbering(&levels, &number("1"));
        assert_eq!(lists.next("1", 0), text("第一條 "));
        assert_eq!(lists.next("1", 1), text("一.1 "));
        assert_eq!(lists.next("1", 1), text("一.2 "));
        assert_eq!(lists.next("1", 0), text("第二條 "));
        assert_eq!(lists.next("1", 1), text("二.1 "));
        for _ in 0..8 {
            lists.next("1", 0);
        }
        assert_eq!(lists.next("1", 0), text("第十一條 "));
    }

    #[test]
    fn numbered_and_bulleted_levels_are_distinguished() {
        let levels = [level(0, "decimal", "%1."), level(1, "bullet", "•")].concat();
        let mut lists = numbering(&levels, &number("1"));
        assert_eq!(lists.next("1", 0), Some(ListLabel::Number(1)));
        assert_eq!(lists.next("1", 1), Some(ListLabel::Bullet));
        assert_eq!(lists.next("1", 0), Some(ListLabel::Number(2)));
        assert_eq!(lists.next("9", 0), None, "an unknown list");
    }

    #[test]
    fn clause_numbering_without_restart_continues_over_chapters() {
        let clause = "<lvl ilvl=\"1\"><start val=\"1\"/><numFmt val=\"decimal\"/><lvlRestart val=\"0\"/><lvlText val=\"第%2條\"/></lvl>";
        let levels = level(0, "decimal", "第%1章") + clause;
        let mut lists = numbering(&levels, &number("1"));
        assert_eq!(lists.next("1", 0), text("第1章 "));
        assert_eq!(lists.next("1", 1), text("第1條 "));
        assert_eq!(lists.next("1", 0), text("第2章 "));
        assert_eq!(lists.next("1", 1), text("第2條 "));
    }

    #[test]
    fn list_start_override_applies_once() {
        let restarted = "<num numId=\"2\"><abstractNumId val=\"7\"/><lvlOverride ilvl=\"0\"><startOverride val=\"5\"/></lvlOverride></num>";
        let mut lists = numbering(&level(0, "decimal", "%1."), &(number("1") + restarted));
        assert_eq!(lists.next("1", 0), Some(ListLabel::Number(1)));
        assert_eq!(lists.next("2", 0), Some(ListLabel::Number(5)));
        assert_eq!(lists.next("2", 0), Some(ListLabel::Number(6)));
    }

    #[test]
    fn list_numbers_are_formatted_as_in_word() {
        for (number, format, expected) in [
            (3, "taiwaneseCountingThousand", "三"),
            (21, "japaneseCounting", "二十一"),
            (2, "ideographTraditional", "乙"),
            (4, "upperRoman", "IV"),
            (28, "lowerLetter", "bb"),
            (7, "decimalEnclosedCircle", "⑦"),
            (12, "decimalFullWidth", "１２"),
            (12, "ideographDigital", "一二"),
            (5, "unheard of", "5"),
        ] {
            assert_eq!(written(number, format), expected, "{format}");
        }
    }
}
