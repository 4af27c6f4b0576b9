//! Facts that a sentence and its source must share exactly: figures with units, names, addresses, decisive words.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use chinese_number::{ChineseCountMethod, ChineseToNumber};
use regex::Regex;

use ken_text::conflict::plain_numbers;
use ken_text::text::{figures, fold};

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is fixed and tested")
}

/// A number with its unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    value: f64,
    /// The unit or currency under one name for all its spellings; `None` without a unit.
    unit: Option<String>,
    /// Whether it is an ordinal number.
    is_ordinal: bool,
    /// The figure as written.
    pub written: String,
}

impl Figure {
    /// Returns whether a source with the figure `other` supports this one.
    fn is(&self, other: &Figure) -> bool {
        let same_unit = match (&self.unit, &other.unit) {
            (Some(a), Some(b)) => a == b || is_same_money(a, b),
            (None, _) => true,
            (Some(_), None) => false,
        };
        self.value == other.value && self.is_ordinal == other.is_ordinal && same_unit
    }
}

/// Returns whether two currencies may be equal: an ambiguous sign or word may stand for a specific one.
fn is_same_money(a: &str, b: &str) -> bool {
    const OPEN: [(&str, &[&str]); 2] = [
        ("元", &["twd", "cny", "hkd", "usd"]),
        ("$", &["twd", "usd", "hkd"]),
    ];
    OPEN.iter().any(|(open, named)| {
        (a == *open && named.contains(&b)) || (b == *open && named.contains(&a))
    }) || (["元", "$"].contains(&a) && ["元", "$"].contains(&b))
}

/// Returns the canonical name of a unit. Other words are not units; Latin letters directly after the number (`mAh`,
/// `dB`) are their own unit.
fn unit_of(word: &str) -> Option<&'static str> {
    const UNITS: [(&str, &[&str]); 33] = [
        (
            "workday",
            &[
                "个工作天",
                "工作天",
                "个工作日",
                "工作日",
                "个营业日",
                "营业日",
                "business day",
                "business days",
                "working day",
                "working days",
            ],
        ),
        ("day", &["天", "日", "day", "days"]),
        (
            "week",
            &["周", "个星期", "星期", "个礼拜", "礼拜", "week", "weeks"],
        ),
        (
            "hour",
            &[
                "小时",
                "个小时",
                "钟头",
                "个钟头",
                "hour",
                "hours",
                "hr",
                "hrs",
            ],
        ),
        ("minute", &["分钟", "minute", "minutes", "min", "mins"]),
        ("second", &["秒", "秒钟", "second", "seconds"]),
        ("month", &["个月", "month", "months"]),
        ("月", &["月"]),
        ("year", &["年", "year", "years"]),
        ("twd", &["nt$", "ntd", "twd", "新台币", "台币"]),
        ("usd", &["us$", "usd", "美元", "美金"]),
        ("hkd", &["hk$", "hkd", "港币", "港元"]),
        ("cny", &["¥", "￥", "rmb", "cny", "人民币"]),
        ("eur", &["€", "eur", "euro", "euros", "欧元"]),
        ("gbp", &["£", "gbp", "pound", "pounds", "英镑"]),
        ("$", &["$", "dollar", "dollars"]),
        ("元", &["元", "块", "块钱", "圆"]),
        ("percent", &["%", "percent", "per cent"]),
        ("折", &["折"]),
        ("成", &["成"]),
        ("point", &["点", "point", "points"]),
        ("o'clock", &["时", "点钟", "o'clock"]),
        ("am", &["am", "a.m."]),
        ("pm", &["pm", "p.m."]),
        ("分", &["分"]),
        (
            "piece",
            &[
                "个", "件", "份", "张", "台", "部", "组", "支", "piece", "pieces", "item", "items",
            ],
        ),
        ("次", &["次", "time", "times", "回"]),
        ("人", &["人", "位", "名", "people", "person", "persons"]),
        ("代", &["代", "generation"]),
        ("期", &["期", "instalments", "installments"]),
        ("层", &["层", "楼"]),
        ("公里", &["公里", "km", "kilometres", "kilometers"]),
        ("公斤", &["公斤", "kg", "千克"]),
    ];
    let found = UNITS
        .iter()
        .find(|(_, spellings)| spellings.contains(&word));
    found.map(|(name, _)| *name)
}

/// Writes ordinal numbers in digits, whatever they count: `第二代` → `第2代`. For folded texts.
fn ordinals(folded: &str) -> String {
    static ORDINAL: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"(第\s?|)([一二三四五六七八九十]{1,3})([代期版季届级组期项条款])|第\s?([一二三四五六七八九十百]{1,4})",
        )
    });
    let digits =
        |numeral: &str| -> Option<u64> { numeral.to_number(ChineseCountMethod::TenThousand).ok() };
    let written = |found: &regex::Captures| -> Option<String> {
        Some(match found.get(4) {
            Some(numeral) => format!("第{}", digits(numeral.as_str())?),
            None => format!("{}{}{}", &found[1], digits(&found[2])?, &found[3]),
        })
    };
    let replaced = ORDINAL.replace_all(folded, |found: &regex::Captures| {
        written(found).unwrap_or_else(|| found[0].to_owned())
    });
    replaced.into_owned()
}

/// Returns the figures of a text, in order.
pub fn figures_of(text: &str) -> Vec<Figure> {
    static FIGURE: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"(?x)
            (?P<before> 第\s? | no\.?\s? | nt\$\s? | us\$\s? | hk\$\s? | [$¥￥€£]\s? )?
            (?P<number> \d+(?:\.\d+)?)
            (?P<th> st\b | nd\b | rd\b | th\b)?
            [\s-]?
            (?P<unit> 个?工作[天日] | 个?营业日 | business\ days? | working\ days? | 个?星期 | 个?礼拜 | 个?小时 | 个?钟头 | 分钟 | 秒钟
              | 点钟 | 个月 | 块钱 | 新?台币 | 美[元金] | 港[币元] | 人民币 | 欧元 | 英镑 | per\ cent | [ap]\.m\. | o'clock
              | 公升 | 毫升 | 公吨 | 加仑 | 盎司 | 平方公尺 | 赫兹 | 毫安时 | 毫安 | 安培 | 伏特 | 流明 | 公里 | 公斤 | 千克 | 公尺 | 公分 | 厘米 | 毫米 | 公克 | 英[寸吋] | 坪 | 分贝
              | [天日周月年时点分秒元块圆%折成个件份张台部组支次回人位名代期层楼] | [a-zµ°]{1,12} | \p{Han} )?",
        )
    });
    let text = plain_numbers(&figures(&ordinals(&fold(text))));
    let figure = |found: regex::Captures| {
        let before = found.name("before").map_or("", |m| m.as_str()).trim();
        let after = found.name("unit").map_or("", |m| m.as_str());
        let is_ordinal = matches!(before, "第" | "no" | "no.") || found.name("th").is_some();
        let glued = !found[0].contains([' ', '-']);
        let unit = unit_of(before)
            .or_else(|| unit_of(after))
            .map(str::to_owned)
            .or_else(|| {
                let is_own =
                    !after.is_empty() && (!after.is_ascii() || (glued && after.len() <= 4));
                is_own.then(|| after.to_owned())
            });
        Some(Figure {
            value: found["number"].parse().ok()?,
            unit,
            is_ordinal,
            written: found[0].trim().to_owned(),
        })
    };
    FIGURE.captures_iter(&text).filter_map(figure).collect()
}

/// Returns the first figure of a sentence that is not in its source.
pub fn missing_figure(sentence: &str, source: &str) -> Option<String> {
    let known = figures_of(source);
    let missing = figures_of(sentence)
        .into_iter()
        .find(|figure| !known.iter().any(|other| figure.is(other)))?;
    Some(missing.written)
}

/// Returns the first name of a sentence that is not in its source: Latin words written as names or with a digit, any
/// Latin word between Han, and text in quotation marks.
pub fn missing_name(sentence: &str, source: &str) -> Option<String> {
    static LATIN: LazyLock<Regex> =
        LazyLock::new(|| regex(r"[A-Za-z0-9][A-Za-z0-9.+'’-]*[A-Za-z0-9]|[A-Za-z]"));
    static QUOTED: LazyLock<Regex> =
        LazyLock::new(|| regex(r#"[「『“《"]([^」』”》"]{2,40})[」』”》"]"#));
    let known = fold(source);
    let is_known = |word: &str| has_word(&known, word);
    let is_han = sentence.chars().any(ken_text::text::is_cjk);
    for found in LATIN.find_iter(sentence) {
        let word = found.as_str();
        let has_letter = word.chars().any(|c| c.is_ascii_alphabetic());
        let is_first = sentence[..found.start()]
            .trim_end()
            .chars()
            .next_back()
            .is_none_or(|c| ".!?:：。\n\"“*-".contains(c));
        let inner = word.chars().skip(1);
        let is_name = word.chars().any(|c| c.is_ascii_digit())
            || inner.clone().any(|c| c.is_ascii_uppercase())
            || (word.starts_with(|c: char| c.is_ascii_uppercase()) && !is_first && word != "I");
        let word = fold(word);
        let word = word.trim_end_matches("'s").trim_end_matches("’s");
        if has_letter && (is_han || is_name) && !is_known(word) {
            // `7th`, `3rd` and `5pm` are figures.
            let is_figure = word.starts_with(|c: char| c.is_ascii_digit())
                && word
                    .trim_start_matches(|c: char| c.is_ascii_digit() || c == '.')
                    .len()
                    <= 4;
            if !is_figure {
                return Some(word.to_owned());
            }
        }
    }
    QUOTED.captures_iter(sentence).find_map(|found| {
        let name = fold(&found[1]);
        (!known.contains(&name)).then_some(name)
    })
}

/// Returns the first address of a sentence (web, e-mail, phone) that is not in its source.
pub fn missing_address(sentence: &str, source: &str) -> Option<String> {
    static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"(?i)\b[a-z][a-z+.-]{1,15}://[^\s）)\]」]+|\bwww\.[^\s）)\]」]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\b[a-z0-9-]+(?:\.[a-z0-9-]+)+/[^\s）)\]」]*|\b[a-z0-9-]{2,}\.(?:[a-z0-9-]+\.)*(?:com|net|org|io|co|tw|cn|hk|jp|uk|us|info|biz|shop|store|app|xyz|example|site|online|top|me|cc|link|click|dev|ai)\b|\+?\d[\d\s()-]{6,}\d",
        )
    });
    let plain = |text: &str| -> String {
        let folded = fold(text);
        folded
            .chars()
            .filter(|c| !c.is_whitespace() && !"()-".contains(*c))
            .collect()
    };
    let known = plain(source);
    let mut found = ADDRESS.find_iter(sentence).map(|found| found.as_str());
    let missing =
        found.find(|address| !known.contains(plain(address).trim_end_matches(['.', '。', ','])));
    missing.map(str::to_owned)
}

/// Returns whether a sentence contains active markup: tags, images, links, script.
pub fn has_markup(sentence: &str) -> bool {
    static MARKUP: LazyLock<Regex> = LazyLock::new(|| {
        regex(r"(?i)<[a-z/!?][^>]*>?|\]\s*\(|!\[|javascript:|data:text|```|&lt;|\bon\w+\s*=")
    });
    MARKUP.is_match(sentence)
}

/// Words that decide what a sentence promises. If one occurs in a sentence, it or another of its row must occur in the
/// source.
const DECISIVE: [&[&str]; 44] = [
    &["除非", "unless"],
    &["即使", "就算", "even if", "even when", "regardless"],
    &["上午", "早上", "am", "a.m.", "morning"],
    &["下午", "pm", "p.m.", "afternoon"],
    &["晚上", "晚间", "夜间", "evening", "night"],
    &["以前", "之前", "before", "prior to"],
    &["以后", "之后", "after", "later than", "从"],
    &[
        "至少", "最少", "以上", "at least", "minimum", "or more", "满",
    ],
    &[
        "至多",
        "最多",
        "最高",
        "以下",
        "以内",
        "内",
        "上限",
        "at most",
        "up to",
        "maximum",
        "within",
        "no more than",
        "limit",
        "不超过",
    ],
    &[
        "免费",
        "免运",
        "免收",
        "free",
        "no charge",
        "at no cost",
        "不收",
        "without charge",
        "complimentary",
        "不需付费",
        "无须费用",
    ],
    &["全额", "full refund", "in full", "fully"],
    &["半价", "half price", "half-price"],
    &["双倍", "两倍", "加倍", "double", "twice", "2倍"],
    &["三倍", "triple", "3倍"],
    &["无限", "不限", "unlimited", "no limit"],
    &[
        "终身",
        "终生",
        "永久",
        "lifetime",
        "for life",
        "permanent",
        "forever",
    ],
    &["保证", "担保", "guarantee", "guaranteed", "promise"],
    &[
        "立即",
        "立刻",
        "马上",
        "即时",
        "immediately",
        "instantly",
        "at once",
        "right away",
        "即",
    ],
    &[
        "一律", "全部", "所有", "任何", "all", "every", "any", "each", "皆", "均", "凡",
    ],
    &[
        "不用", "不须", "不需", "无需", "无须", "免", "不必", "not need", "no need", "without",
    ],
    &["自动", "automatic", "automatically"],
    &["密码", "password", "验证码", "otp", "verification code"],
    &[
        "银行帐户",
        "银行账户",
        "帐号",
        "账号",
        "bank account",
        "account",
    ],
    &[
        "折扣",
        "优惠",
        "discount",
        "% off",
        "折",
        "voucher",
        "coupon",
        "折价券",
        "优惠券",
        "礼券",
    ],
    &["赔偿", "补偿", "compensation", "compensate"],
    &["每日", "每天", "daily", "a day", "per day", "天天", "day"],
    &["每周", "weekly", "a week", "per week", "每星期", "week"],
    &["每月", "monthly", "a month", "per month", "月租", "month"],
    &[
        "每年", "yearly", "annual", "annually", "a year", "per year", "年费", "year",
    ],
    &["左", "left"],
    &["右", "right"],
    &["含税", "including tax", "tax included", "incl. tax"],
    &["未税", "不含税", "excluding tax", "plus tax"],
    &["开启", "打开", "turn on", "switch on", "open", "开"],
    &["关闭", "turn off", "switch off", "close", "关"],
    &["增加", "提高", "increase", "raise", "调高"],
    &["减少", "降低", "decrease", "reduce", "lower", "调低"],
    &["最新", "latest", "newest"],
    &["第一", "首次", "首", "first", "第1"],
    &["最后", "last", "final"],
    &[
        "除了",
        "除外",
        "except",
        "excluding",
        "but not",
        "不含",
        "不包括",
        "不适用",
    ],
    &[
        "包含",
        "包括",
        "含",
        "附",
        "include",
        "includes",
        "including",
        "included",
        "comes with",
    ],
    &["仅", "只", "only", "限"],
    &[
        "必须", "须", "需", "应", "要", "must", "need", "required", "have to", "has to", "should",
    ],
];

/// Returns the first decisive word of a sentence that is not in its source.
pub fn missing_decision(sentence: &str, source: &str) -> Option<String> {
    let (sentence, source) = (fold(sentence), fold(source));
    for row in DECISIVE {
        // Single characters are too common to be required; in the source they are accepted.
        let said = row
            .iter()
            .find(|word| word.chars().count() > 1 && has_word(&sentence, word));
        if let Some(word) = said
            && !row.iter().any(|word| has_word(&source, word))
        {
            return Some((*word).to_owned());
        }
    }
    None
}

/// Returns the first condition of a source that a sentence taken from it omits.
pub fn missing_condition(source: &str, sentence: &str) -> Option<String> {
    const CONDITIONS: [&[&str]; 12] = [
        &["除非", "unless"],
        &[
            "除外",
            "不含",
            "不包括",
            "不适用",
            "except",
            "excluding",
            "but not",
        ],
        &["仅限", "仅", "只限", "只有", "限定", "only"],
        &[
            "如果", "若", "如", "假如", "倘", "当", "if", "when", "whenever", "in case", "provided",
        ],
        &[
            "必须", "须", "需要", "需", "must", "have to", "has to", "required", "require",
        ],
        &["但", "不过", "然而", "but", "however", "although"],
        &["以前", "之前", "before", "prior to", "until", "为止"],
        &["以后", "之后", "after", "once"],
        &["满", "至少", "at least", "minimum", "over"],
        &["最多", "上限", "不超过", "at most", "up to", "maximum"],
        &["会员", "member", "members"],
        &["另加", "另收", "外加", "plus", "additional", "extra"],
    ];
    let (source, sentence) = (fold(source), fold(sentence));
    CONDITIONS.iter().find_map(|row| {
        let word = row.iter().find(|word| has_word(&source, word))?;
        (!row.iter().any(|word| has_word(&sentence, word))).then(|| (*word).to_owned())
    })
}

/// Returns whether a text contains a word. Latin words must stand alone; Chinese has no spaces.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(start, found)| {
        let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let before = text[..start].chars().next_back();
        let after = text[start + found.len()..].chars().next();
        !(word.is_ascii() && (is_letter(before) || is_letter(after)))
    })
}

/// Returns the negative words of a text, folded.
pub fn denials(text: &str) -> BTreeSet<String> {
    static DENIAL: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"不|没|無|无|未|冇|唔|毋|非(?:会员|本|营业|上班|保固)|勿|禁止|拒绝|恕|(?-u:\b)(?:not?|never|none|nor|cannot|can't|won't|don't|doesn't|isn't|aren't|wasn't|weren't|without|unable|except|unless|neither|excluded?s?|excluding|refuse[sd]?)(?-u:\b)|n't",
        )
    });
    // Words that contain the negative character but negate nothing.
    static HARMLESS: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"不同|不过|不但|不仅|不只|不论|无论|不管|不久|无误|无线|未来|差不多|对不起|唔该|唔好意思|不好意思|没问题|不好|不错|no\. ?\d|non-?stop",
        )
    });
    let folded = HARMLESS.replace_all(&fold(text), " ").into_owned();
    DENIAL
        .find_iter(&folded)
        .map(|found| found.as_str().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figure_is_compared_with_unit() {
        let source = "運費為 NT$1,200 元，七天內送達；第二代機種保固 24 個月，每週一下午 3 點截止，折扣 30%。";
        for good in [
            "運費 1200 元",
            "7 天",
            "第 2 代",
            "保固24個月",
            "30%",
            "NT$1,200",
        ] {
            assert_eq!(missing_figure(good, source), None, "{good}");
        }
        for bad in [
            "NT$12,000",
            "7 個工作天",
            "第三代",
            "24 年",
            "13%",
            "US$1,200",
            "2 代",
            "十天",
        ] {
            assert!(missing_figure(bad, source).is_some(), "{bad}");
        }
        assert_eq!(
            missing_figure("within 7 days", "You have seven days."),
            None
        );
        assert!(missing_figure("within 7 working days", "You have seven days.").is_some());
        assert!(missing_figure("£95", "It costs $95.").is_some());
    }

    #[test]
    fn unsupported_names_addresses_and_markup_are_detected() {
        let source = "LumiBuds Pro 2 的客服：service@lumina.example，電話 02-2345-6789。";
        assert_eq!(missing_name("LumiBuds Pro 2 可退", source), None);
        assert_eq!(
            missing_name("SweepGo S7 可退", source).as_deref(),
            Some("sweepgo")
        );
        assert_eq!(
            missing_name("Please ask Marlow for it", "Please ask.").as_deref(),
            Some("marlow")
        );
        assert_eq!(
            missing_address("寫信到 service@lumina.example", source),
            None
        );
        assert_eq!(missing_address("電話 (02)2345-6789", source), None);
        assert!(missing_address("請上 https://evil.example/a", source).is_some());
        assert!(missing_address("電話 02-2345-6780", source).is_some());
        assert!(
            has_markup("![a](https://x.example)")
                && has_markup("<script>")
                && !has_markup("3 < 5 天")
        );
    }

    #[test]
    fn unsupported_decisions_and_denials_are_detected() {
        assert_eq!(
            missing_decision("退貨免費", "退貨運費自付。").as_deref(),
            Some("免费")
        );
        assert_eq!(
            missing_decision("Returns are free of charge", "There is no charge."),
            None
        );
        assert!(missing_decision("下午三點", "上午三點").is_some());
        assert!(denials("客製商品不可以退").contains("不") && denials("不同顏色").is_empty());
        assert!(!denials("You can't return it").is_empty() && denials("Now you can").is_empty());
    }
}
