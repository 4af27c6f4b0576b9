//! Claims of a statement: quantities with units, dates, times, and what is allowed, needed and for whom.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::Statement;
use crate::text;

/// Comparable claims of a statement.
#[derive(Debug, Default)]
pub struct Claims {
    /// Quantities by kind.
    pub quantities: BTreeMap<QuantityKind, Vec<Quantity>>,
    /// Days of the year.
    pub dates: Vec<DateOrTime>,
    /// Times of the day.
    pub times: Vec<DateOrTime>,
    /// Whether it is allowed, offered, possible.
    pub allowed: Polarity,
    /// Whether something is needed.
    pub needed: Polarity,
    /// Whether it is for everyone, or only for some.
    pub for_all: Polarity,
}

/// Whether a text affirms or denies something, with the words that do.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Polarity {
    /// Neither.
    #[default]
    Silent,
    /// It affirms.
    Yes(String),
    /// It denies.
    No(String),
    /// It affirms and denies.
    Both,
}

/// Kind of a quantity. Values of one kind have one unit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum QuantityKind {
    /// In days.
    Duration,
    /// In months.
    Months,
    /// In working days.
    WorkingDays,
    /// In any currency.
    Money,
    /// An amount per month, in any currency.
    MoneyPerMonth,
    /// An amount per year, in any currency.
    MoneyPerYear,
    /// In percent.
    Percent,
    /// In kilograms.
    Mass,
    /// In centimetres.
    Length,
    /// In megabytes.
    Data,
    /// In megabits a second.
    Speed,
    /// A number of things, by their Chinese counter or English noun.
    Count(String),
}

impl QuantityKind {
    /// Whether a number of one kind is easily written for one of the other.
    pub fn is_mistakable_for(&self, other: &QuantityKind) -> bool {
        const GROUPS: [&[QuantityKind]; 2] = [
            &[
                QuantityKind::Duration,
                QuantityKind::WorkingDays,
                QuantityKind::Months,
            ],
            &[
                QuantityKind::Money,
                QuantityKind::MoneyPerMonth,
                QuantityKind::MoneyPerYear,
            ],
        ];
        GROUPS
            .iter()
            .any(|group| group.contains(self) && group.contains(other))
    }
}

/// A figure with its unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantity {
    /// Value in the unit of the kind.
    value: f64,
    /// The number as written.
    pub number: f64,
    /// Number and unit as written.
    pub written: String,
}

impl Quantity {
    /// Whether the values are equal, within a relative error of 10⁻⁶.
    pub fn is(&self, other: &Quantity) -> bool {
        (self.value - other.value).abs() <= 1e-6 * self.value.abs().max(other.value.abs())
    }
}

/// A date (month, day, perhaps year) or a time of the day (hour, minute).
#[derive(Debug, Clone, PartialEq)]
pub struct DateOrTime {
    year: Option<u32>,
    pair: (u32, u32),
    /// The date or time as written.
    pub written: String,
}

impl DateOrTime {
    /// Whether both are the same date or time. A year counts only if both have one.
    pub fn is(&self, other: &DateOrTime) -> bool {
        let years = self.year.zip(other.year).is_none_or(|(a, b)| a == b);
        self.pair == other.pair && years
    }
}

impl Claims {
    /// Extracts the claims of title and text; only the text affirms or denies.
    pub fn of(statement: Statement) -> Self {
        let folded = text::fold(&format!("{}\n{}", statement.title, statement.text));
        let mut rest = plain_numbers(&text::figures(&folded));
        let mut claims = Claims::default();
        rest = take_dates(&rest, &mut claims);
        rest = take_times(&rest, &mut claims);
        take_quantities(&rest, &mut claims);
        // The title asks, the text affirms.
        let folded_text = text::fold(statement.text);
        claims.allowed = polarity(&folded_text, &ALLOWED, &NOT_ALLOWED);
        claims.needed = polarity(&folded_text, &NEEDED, &NOT_NEEDED);
        claims.for_all = polarity(&folded_text, &FOR_ALL, &FOR_SOME);
        claims
    }
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is fixed and tested")
}

/// Converts English number words to digits, and removes separators and powers from figures: `1,290` → `1290`, `5千元` →
/// `5000元`. For a folded text.
pub fn plain_numbers(text: &str) -> String {
    static SEPARATED: LazyLock<Regex> = LazyLock::new(|| regex(r"\d{1,3}(?:,\d{3})+"));
    static WORDS: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"\b(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fourteen|fifteen|twenty|thirty|sixty|ninety)\b",
        )
    });
    const VALUES: [(&str, &str); 18] = [
        ("one", "1"),
        ("two", "2"),
        ("three", "3"),
        ("four", "4"),
        ("five", "5"),
        ("six", "6"),
        ("seven", "7"),
        ("eight", "8"),
        ("nine", "9"),
        ("ten", "10"),
        ("eleven", "11"),
        ("twelve", "12"),
        ("fourteen", "14"),
        ("fifteen", "15"),
        ("twenty", "20"),
        ("thirty", "30"),
        ("sixty", "60"),
        ("ninety", "90"),
    ];
    let text = SEPARATED.replace_all(text, |found: &Captures| found[0].replace(',', ""));
    let text = WORDS.replace_all(&text, |found: &Captures| {
        let value = VALUES.iter().find(|(word, _)| *word == &found[1]);
        value.map_or(found[0].to_owned(), |(_, digits)| (*digits).to_owned())
    });
    // `5 千元`: a figure followed by a power of ten.
    static POWERS: LazyLock<Regex> =
        LazyLock::new(|| regex(r"(\d+(?:\.\d+)?) ?(百|千|万|亿)(?:元|块|圆|$|\D)"));
    let mut powered = text.into_owned();
    while let Some(found) = POWERS.captures(&powered) {
        let (number, power) = (&found[1], &found[2]);
        let factor = match power {
            "百" => 1e2,
            "千" => 1e3,
            "万" => 1e4,
            _ => 1e8,
        };
        let value = number.parse::<f64>().unwrap_or(0.0) * factor;
        let (from, to) = (
            found.get(1).map_or(0, |m| m.start()),
            found.get(2).map_or(0, |m| m.end()),
        );
        powered.replace_range(from..to, &format!("{value}"));
    }
    powered
}

fn take_dates(text: &str, claims: &mut Claims) -> String {
    static MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    static DATES: LazyLock<[Regex; 4]> = LazyLock::new(|| {
        const MONTH: &str = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?";
        [
            regex(r"(?:(\d{4}) ?年 ?)?(\d{1,2}) ?月 ?(\d{1,2}) ?[日号]"),
            regex(r"(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})"),
            regex(&format!(
                r"\b(\d{{1,2}})(?:st|nd|rd|th)? {MONTH}(?:,? (\d{{4}}))?"
            )),
            regex(&format!(
                r"\b{MONTH} (\d{{1,2}})(?:st|nd|rd|th)?(?:,? (\d{{4}}))?"
            )),
        ]
    });
    let number = |text: &str| text.parse::<u32>().ok();
    let month = |text: &str| MONTHS.iter().position(|m| *m == text).map(|i| i as u32 + 1);
    let mut rest = text.to_owned();
    for (form, pattern) in DATES.iter().enumerate() {
        rest = pattern
            .replace_all(&rest, |found: &Captures| {
                let part = |i: usize| found.get(i).map_or("", |part| part.as_str());
                let (year, pair) = match form {
                    0 | 1 => (number(part(1)), number(part(2)).zip(number(part(3)))),
                    2 => (number(part(3)), month(part(2)).zip(number(part(1)))),
                    _ => (number(part(3)), month(part(1)).zip(number(part(2)))),
                };
                if let Some(pair) = pair {
                    let written = found[0].trim().to_owned();
                    claims.dates.push(DateOrTime {
                        year,
                        pair,
                        written,
                    });
                }
                " ".to_owned()
            })
            .into_owned();
    }
    rest
}

fn take_times(text: &str, claims: &mut Claims) -> String {
    static CHINESE: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"(上午|早上|清晨|凌晨|中午|下午|晚上|晚间|傍晚)? ?(\d{1,2}) ?[点时](?:(半)| ?(\d{1,2}) ?分)?",
        )
    });
    static CLOCK: LazyLock<Regex> = LazyLock::new(|| regex(r"\b(\d{1,2}):(\d{2})\b"));
    static ENGLISH: LazyLock<Regex> =
        LazyLock::new(|| regex(r"\b(\d{1,2})(?::(\d{2}))? ?(a\.?m\b\.?|p\.?m\b\.?)"));
    let mut rest = text.to_owned();
    let mut push = |hour: u32, minute: u32, is_late: bool, written: &str| {
        let hour = if is_late && hour < 12 {
            hour + 12
        } else {
            hour
        };
        claims.times.push(DateOrTime {
            year: None,
            pair: (hour, minute),
            written: written.trim().to_owned(),
        });
    };
    let number =
        |text: Option<regex::Match>| text.and_then(|t| t.as_str().parse().ok()).unwrap_or(0);
    rest = ENGLISH
        .replace_all(&rest, |found: &Captures| {
            let is_late = found[3].starts_with('p');
            push(
                number(found.get(1)),
                number(found.get(2)),
                is_late,
                &found[0],
            );
            " "
        })
        .into_owned();
    rest = CLOCK
        .replace_all(&rest, |found: &Captures| {
            push(number(found.get(1)), number(found.get(2)), false, &found[0]);
            " "
        })
        .into_owned();
    CHINESE
        .replace_all(&rest, |found: &Captures| {
            let part = found.get(1).map_or("", |part| part.as_str());
            let is_late = matches!(part, "下午" | "晚上" | "晚间" | "傍晚");
            let minute = if found.get(3).is_some() {
                30
            } else {
                number(found.get(4))
            };
            push(number(found.get(2)), minute, is_late, &found[0]);
            " "
        })
        .into_owned()
}

/// Kind of a unit and its size in the unit of the kind. Longer names come first: `个工作天` is not `天`.
fn unit(name: &str) -> Option<(QuantityKind, f64)> {
    Some(match name {
        "个工作天" | "工作天" | "个工作日" | "工作日" | "个营业日" | "营业日" | "business day"
        | "business days" | "working day" | "working days" => (QuantityKind::WorkingDays, 1.0),
        "天" | "日" | "day" | "days" => (QuantityKind::Duration, 1.0),
        "周" | "个星期" | "星期" | "个礼拜" | "礼拜" | "week" | "weeks" => {
            (QuantityKind::Duration, 7.0)
        }
        "小时" | "个小时" | "钟头" | "个钟头" | "hour" | "hours" | "hrs" => {
            (QuantityKind::Duration, 1.0 / 24.0)
        }
        "分钟" | "分" | "minute" | "minutes" | "min" | "mins" => {
            (QuantityKind::Duration, 1.0 / 1_440.0)
        }
        "秒" | "秒钟" | "second" | "seconds" => (QuantityKind::Duration, 1.0 / 86_400.0),
        "个月" | "月" | "month" | "months" => (QuantityKind::Months, 1.0),
        "年" | "year" | "years" => (QuantityKind::Months, 12.0),
        "元" | "块" | "圆" | "块钱" | "dollars" | "usd" | "twd" | "台币" | "美元" | "港币" => {
            (QuantityKind::Money, 1.0)
        }
        "%" | "percent" => (QuantityKind::Percent, 1.0),
        "折" => (QuantityKind::Percent, 10.0),
        "成" => (QuantityKind::Percent, 10.0),
        "公斤" | "kg" | "千克" => (QuantityKind::Mass, 1.0),
        "公克" | "克" | "g" => (QuantityKind::Mass, 0.001),
        "磅" | "lb" | "lbs" => (QuantityKind::Mass, 0.453_592),
        "公里" | "km" => (QuantityKind::Length, 100_000.0),
        "公尺" | "米" | "m" => (QuantityKind::Length, 100.0),
        "公分" | "厘米" | "cm" => (QuantityKind::Length, 1.0),
        "毫米" | "mm" => (QuantityKind::Length, 0.1),
        "英寸" | "吋" | "inch" | "inches" => (QuantityKind::Length, 2.54),
        "mbps" => (QuantityKind::Speed, 1.0),
        "gbps" => (QuantityKind::Speed, 1_000.0),
        "kb" => (QuantityKind::Data, 0.001),
        "mb" => (QuantityKind::Data, 1.0),
        "gb" => (QuantityKind::Data, 1_000.0),
        "tb" => (QuantityKind::Data, 1_000_000.0),
        "分贝" | "件" | "份" | "张" | "次" | "台" | "部" | "位" | "人" | "名" | "本" | "期"
        | "倍" | "岁" | "点" | "支" | "组" | "笔" | "则" | "家" | "层" | "瓶" | "箱" | "堂"
        | "集" | "间" | "晚" | "席" => (QuantityKind::Count(name.to_owned()), 1.0),
        "devices" | "device" | "users" | "user" | "people" | "guests" | "guest" | "seats"
        | "times" | "items" | "bags" | "pieces" | "nights" | "night" | "instalments"
        | "installments" | "projects" | "members" => (
            QuantityKind::Count(name.trim_end_matches('s').to_owned()),
            1.0,
        ),
        _ => return None,
    })
}

fn take_quantities(text: &str, claims: &mut Claims) {
    static QUANTITY: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"(?x)
            (?P<currency> nt\$ | us\$ | hk\$ | \$ | ￥ | ¥ | rmb\s? | eur\s? | €)? \s?
            (?P<number> \d+(?:\.\d+)?)
            (?: \s?(?:-|~|–|至|到|或|to|and|or)\s? (?P<second> \d+(?:\.\d+)?))?
            \s?
            (?P<unit> 个工作天|工作天|个工作日|工作日|个营业日|营业日|business\ days?|working\ days?
              |个星期|星期|个礼拜|礼拜|个小时|小时|个钟头|钟头|分贝|分钟|秒钟|个月|块钱|公斤|千克|公克|公里|公尺|公分|厘米
              |毫米|英寸|台币|美元|港币
              |mbps|gbps|percent|inch(?:es)?|hours?|hrs|minutes?|mins?|seconds?|days?|weeks?|months?|years?|dollars
              |devices?|users?|people|guests?|seats|times|items|bags|pieces|nights?|instal?lments|projects|members
              |usd|twd|kg|lbs?|km|cm|mm|kb|mb|gb|tb
              |[天日周分秒月年元块圆%折成克磅米吋件份张次台部位人名本期倍岁点支组笔则家层瓶箱堂集间晚席])?
            (?P<per> \s?(?:/|per\ |a\ |每)\s?(?:月|month|年|year))?",
        )
    });
    static HALF: LazyLock<Regex> = LazyLock::new(|| regex(r"半价|half[ -]price"));
    let mut push = |kind: QuantityKind, value: f64, number: f64, written: &str| {
        let known = claims.quantities.entry(kind).or_default();
        let quantity = Quantity {
            value,
            number,
            written: written.trim().to_owned(),
        };
        if !known.iter().any(|q| q.is(&quantity)) {
            known.push(quantity);
        }
    };
    for found in QUANTITY.captures_iter(text) {
        let is_money = found.name("currency").is_some();
        let named = found.name("unit").map(|unit| unit.as_str());
        let (mut kind, factor) = match (named.and_then(unit), is_money) {
            (_, true) => (QuantityKind::Money, 1.0),
            (Some(known), false) => known,
            (None, false) => continue,
        };
        let written = &found[0];
        let before = &text[..found.get(0).map_or(0, |all| all.start())];
        // `2026年` is a year, not a duration; `八五折` is 85 %.
        let first: f64 = found["number"].parse().unwrap_or(0.0);
        if named == Some("年") && first >= 1_000.0 {
            continue;
        }
        // `第 3 次` is an ordinal.
        if before.trim_end().ends_with('第') {
            continue;
        }
        if kind == QuantityKind::Months
            && named == Some("月")
            && before.ends_with(|c: char| c.is_ascii_digit())
        {
            continue;
        }
        if kind == QuantityKind::Money {
            let per = found.name("per").map_or("", |per| per.as_str());
            let head: String = before
                .chars()
                .rev()
                .take(6)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect();
            let says =
                |words: [&str; 3]| words.iter().any(|w| per.contains(w)) || head.contains(words[2]);
            if says(["月", "month", "每月"]) || head.contains("月租") {
                kind = QuantityKind::MoneyPerMonth;
            } else if says(["年", "year", "每年"]) || head.contains("年费") {
                kind = QuantityKind::MoneyPerYear;
            }
        }
        let discount = named == Some("折") && first > 10.0;
        let factor = if discount { 1.0 } else { factor };
        push(kind.clone(), first * factor, first, written);
        if let Some(second) = found
            .name("second")
            .and_then(|n| n.as_str().parse::<f64>().ok())
        {
            push(kind, second * factor, second, written);
        }
    }
    if let Some(half) = HALF.find(text) {
        push(QuantityKind::Percent, 50.0, 50.0, half.as_str());
    }
}

/// A pattern of words that affirm or deny. Denials are searched for first, so that `不可以` is not read as `可以`.
struct WordPattern(LazyLock<Regex>);

impl WordPattern {
    fn find(&self, text: &str) -> Option<String> {
        self.0
            .find(text)
            .map(|found| found.as_str().trim().to_owned())
    }
}

static NOT_ALLOWED: WordPattern = WordPattern(LazyLock::new(|| {
    regex(
        r"(?x) 不可以?|不能|不得|不会|无法|不提供|未提供|不支[援持]|未支[援持]|不接受|不予|不受理|恕不|没有|并无|不含|不包[含括]
        |不在|不适用|不开放|未开放|禁止|请勿|暂停|停止|只能|不再|无提供
        |(?:cannot|can't|can\ not|(?:do|does|is|are|will|may)\ not|don't|doesn't|isn't|aren't|won't|\bno\b)(?:\ \w+)?|unable|unavailable
        |not\ (?:allowed|available|possible|supported|offered|included|accepted)",
    )
}));
static ALLOWED: WordPattern = WordPattern(LazyLock::new(|| {
    regex(
        r"(?x) 可以|可(?:于|在|至|向|凭|选|用|享|申|办|继|更|使|免费|直接|随时|线上|自行)|均可|皆可|即可|能够?(?:在|用|于|申|办|直接|使)|[，,。]得|者,得|提供|支[援持]|接受|受理
        |有的?[，,。]|包含|含有?|附有?|开放
        |\byes\b|\bcan\b|\bmay\b|supports?\b|offers?\b|includes?\b|available|allowed|accepts?\b|provides?\b",
    )
}));
static NOT_NEEDED: WordPattern = WordPattern(LazyLock::new(|| {
    regex(
        r"(?x) 无[须需]|不[需须必用限]|毋[须需]|免(?:出示|附|填|提供|持|检附|备|费)|不要求|即使|不论|无论|一律免|免收
        |no\ need|not\ (?:need|require|necessary)|(?:isn't|aren't|is\ not|are\ not)\ (?:needed|required)|without\ (?:needing|having)
        |no\ [a-z\ ]{1,40}(?:required|needed|necessary)|free\ of\ charge",
    )
}));
static NEEDED: WordPattern = WordPattern(LazyLock::new(|| {
    regex(
        r"(?x) 必[须需]|[应需须](?:要|于|在|出示|附|填|提供|持|检附|备|带|事先|先|达|满|缴|支付|付|自费|自行|另|单笔|加|收|经|由|以|全额)|才能|方[可得]|才[可会由]|满\ ?\d+|自付|酌收|收取
        |\bmust\b|\brequire[ds]?\b|\bneeds?\ to\b|\bneeded\b|\bhave\ to\b|\bhas\ to\b|only\ (?:if|when|after)|necessary|mandatory",
    )
}));
static FOR_ALL: WordPattern = WordPattern(LazyLock::new(|| {
    regex(
        r"(?x) 所有|任何|每一?位|凡|皆可|均可|一律|全部|不限|人人|各
        |\bevery(?:one|body)\b|\b(?:all|every|any)\ (?:customer|guest|passenger|member|user|traveller|traveler|visitor|buyer)s?\b|regardless",
    )
}));
static FOR_SOME: WordPattern = WordPattern(LazyLock::new(|| {
    regex(
        r"(?x) 仅[限开供能有限]|只[限有开能]|限(?:本|会员|\w{0,4}会员|定)|仅|以上会员|除外
        |\bonly\ (?:for|to|available|open|members)\b|(?:members|customers|guests)\ only|\bonly\ \w+\ (?:members|customers|guests)|exclusive|restricted\ to|limited\ to|reserved\ for",
    )
}));

fn polarity(text: &str, yes: &WordPattern, no: &WordPattern) -> Polarity {
    let denied = no.find(text);
    // Denials are removed, since they may contain words that affirm.
    let rest = no.0.replace_all(text, " ");
    match (yes.find(&rest), denied) {
        (None, None) => Polarity::Silent,
        (Some(words), None) => Polarity::Yes(words),
        (None, Some(words)) => Polarity::No(words),
        (Some(_), Some(_)) => Polarity::Both,
    }
}
