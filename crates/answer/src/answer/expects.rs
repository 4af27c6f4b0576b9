//! Answer types: which kind of thing a question asks for, and whether a sentence contains one.

use std::sync::LazyLock;

use regex::Regex;

use ken_text::text::{fold, is_cjk};

/// The kind of thing that would answer a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// A person's name.
    Person,
    /// A date, a time or a duration.
    Time,
    /// A number.
    Number,
    /// A place.
    Place,
    /// A reason.
    Reason,
    /// A list.
    List,
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is fixed and tested")
}

/// Patterns of questions, folded; more specific ones first.
static ASKS: LazyLock<[(Expected, Regex); 6]> = LazyLock::new(|| {
    [
        (
            Expected::Person,
            regex(r"谁|何人|哪位|哪一位|什么人|边个|\bwho\b|\bwhom\b|\bwhose\b"),
        ),
        (
            Expected::Time,
            regex(
                r"何时|几时|什么时[候间]|哪一?年|几年|哪[一]?天|哪[一]?日|几[月号点]|哪一?个?世纪|的时候|\bwhen\b|\bwhat (?:year|date|century|decade|day|month|time)\b|\bwhich (?:year|day|month)\b",
            ),
        ),
        (
            Expected::Number,
            regex(
                r"多少|几[^乎何时年月号点]|多[大高长远久重快]|几钱|\bhow (?:many|much|long|old|far|large|big|tall|high|often|fast|heavy)\b|\bwhat (?:percentage|number|percent|amount|price)\b",
            ),
        ),
        (
            Expected::Place,
            regex(
                r"哪里|何处|哪儿|在哪|哪[个一]?(?:国|城|省|县|市|地)|什么地方|何地|边度|\bwhere\b",
            ),
        ),
        (
            Expected::Reason,
            regex(r"为什么|为何|何以|怎么会|原因|点解|\bwhy\b"),
        ),
        (
            Expected::List,
            regex(r"哪些|哪几[个种项样]|有咩|\bwhat are\b|\bwhich (?:\w+ )?\w+s\b"),
        ),
    ]
});

/// Returns the kind that a question asks for, or `None` if its wording does not show it.
pub fn expected(question: &str) -> Option<Expected> {
    let folded = fold(question);
    let mut asks = ASKS.iter().filter(|(_, asks)| asks.is_match(&folded));
    asks.next().map(|(expected, _)| *expected)
}

/// Returns whether a sentence (as written, and folded) contains the expected kind. Without a dictionary Han names look
/// like other words, so every Chinese sentence counts as naming a person.
pub fn holds(expected: Expected, sentence: &str, folded: &str, question: &str) -> bool {
    static TIME: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"[0-9]{3,4}|[0-9]+ ?(?:年|月|日|世纪|点|时)|世纪|[一二三四五六七八九十]+[年月日]|\b(?:january|february|march|april|may|june|july|august|september|october|november|december|(?:mon|tues|wednes|thurs|fri|satur|sun)day|century|centuries|[0-9]{1,2}(?:th|st|nd|rd))\b|周[一二三四五六日]|星期",
        )
    });
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"[0-9]|[一二三四五六七八九十百千万亿两]+(?:个|名|人|年|次|位|座|条|种|天|月|岁|元|米|公|倍|分|所|家|场|部|届|艘|万|千|只|小时)|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|hundred|thousand|million|billion|half|third|twice|dozen)\b",
        )
    });
    static PLACE: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"[省市县区国州岛洲城镇村乡路街楼店站山江河湖海]|位于|坐落|\b(?:in|at|from|near|to) (?:the )?[A-Z]",
        )
    });
    static REASON: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"因|由于|所以|导致|使得|为了|\b(?:because|due to|since|so that|in order|caus\w*|reasons?|results?)\b",
        )
    });
    static CAPITALISED: LazyLock<Regex> =
        LazyLock::new(|| regex(r"[a-z,;] ([A-Z][a-z]+)|^([A-Z][a-z]+) [A-Z]"));
    match expected {
        Expected::List => {
            ["- ", "* ", "|"]
                .iter()
                .any(|mark| sentence.starts_with(mark))
                || sentence.contains('、')
        }
        Expected::Time => TIME.is_match(folded),
        Expected::Number => NUMBER.is_match(folded),
        Expected::Place => PLACE.is_match(folded) || PLACE.is_match(sentence),
        Expected::Reason => REASON.is_match(folded),
        Expected::Person => {
            let asked = question.to_lowercase();
            sentence.chars().any(is_cjk)
                || CAPITALISED.captures_iter(sentence).any(|found| {
                    let name = found.get(1).or(found.get(2)).map_or("", |m| m.as_str());
                    !asked.contains(&name.to_lowercase())
                })
        }
    }
}

/// A property (such as price or weight) that can only be stated with certain words. A passage without any of them does
/// not state it.
pub struct Property {
    asks: Regex,
    says: Regex,
}

/// Patterns for asking about a property and for stating it, both folded.
static PROPERTIES: LazyLock<[Property; 12]> = LazyLock::new(|| {
    let property = |asks: &str, says: &str| Property {
        asks: regex(asks),
        says: regex(says),
    };
    [
        property(
            r"多少钱|几多?钱|几元|几块|多少元|价格|价钱|售价|费用是?多少|运费多少|收费|\bhow much (?:is|are|does|do|did|will|would)\b.{0,40}(?:cost|charge|fee|\bpay|price)|\bwhat (?:charge|fee|price|cost)\b|\bhow much (?:is|are) (?:the|a|an)\b",
            r"\d ?(?:元|块|折|点|万)|[一二三四五六七八九十百千]+元|nt\$|[$€£¥] ?\d|免费|免运|免收|自费|费|价|\bfree\b|charge|fee|cost|price|\d ?(?:dollars?|pounds?|euros?|%)",
        ),
        property(
            r"多重|重量|几公斤|几克|how heavy|\bweigh",
            r"\d ?(?:(?:kg|g|lbs?|pounds?|oz)\b|公斤|千克|公克|克|吨|磅)|重量|[净毛机总体]重|重约|weighs?\b|\bweight",
        ),
        property(
            r"几瓦|多少瓦|功率|耗电|吃多少电|用多少电|几度电|how many watts|power consumption|\bwattage",
            r"\d ?(?:w|kw|kwh|瓦|千瓦|度|watts?)\b|\d ?(?:瓦|千瓦|度)|功率|耗电|省电|watt",
        ),
        property(
            r"(?:几|多少) ?(?:mah|毫安)|电池容量|battery capacity|how many mah",
            r"\d ?(?:mah|毫安|wh)|电池容量|电量为",
        ),
        property(
            r"(?:几|多少) ?(?:pa|帕)|吸力|suction",
            r"\d ?(?:pa|kpa|帕)|吸力|suction",
        ),
        property(
            r"(?:几|多少) ?(?:mm|cm|毫米|公分|厘米|公尺|吋|寸)|多[长宽厚高]|how (?:long is the|wide|thick|tall)\b|尺寸|dimensions?",
            r"\d ?(?:mm|cm|m|毫米|公厘|公分|厘米|公尺|米|吋|寸|尺|inch|inches|feet|ft)|尺寸|size|dimension",
        ),
        property(
            r"多远|多少距离|距离(?:是|要|有)?多少|how far\b",
            r"\d ?(?:mm|cm|m|km|毫米|公厘|公分|厘米|公尺|米|公里|吋|寸|尺|步|分钟|inch|inches|feet|ft|miles?|meters?|metres?|minutes?)|距离|distance",
        ),
        property(
            r"颜色|哪些色|什么色|几色|色系|\bcolou?rs?\b",
            r"[黑白红蓝绿灰银金粉紫黄橙棕][两三二]?[色款]|颜色|色系|单色|\b(?:black|white|red|blue|green|gr[ae]y|silver|gold|pink|purple|yellow|orange|brown|colou?rs?)\b",
        ),
        property(r"对比[值度]|contrast", r"\d ?[:：] ?\d|对比|contrast"),
        property(
            r"(?:除|去|净化|过滤).{0,6}(?:效率|率)|效率(?:是|有)?多少|百分之几|几趴|几成|percentage|what percent",
            r"\d ?%|百分之|\d ?成|percent|效率|率",
        ),
        property(
            r"防水(?:等级|级数|系数)|防水吗|几级防水|\bip ?(?:rating|x?\d)|waterproof|water.?resist",
            r"防水|防泼|ip[x\d]|water.?(?:proof|resist)",
        ),
        property(
            r"(?:几|多少)(?:流明|lumens?)|亮度(?:是|有)?多少|how bright|lumens?",
            r"流明|lumen|亮度|bright",
        ),
    ]
});

impl Property {
    /// Returns whether a folded text states the property.
    pub fn is_said(&self, text: &str) -> bool {
        self.says.is_match(text)
    }

    /// Returns whether a folded text asks for the property, as an FAQ's question does.
    pub fn is_asked(&self, text: &str) -> bool {
        self.asks.is_match(text)
    }
}

/// Returns the properties that a question asks for.
pub fn properties(question: &str) -> impl Iterator<Item = &'static Property> {
    let folded = fold(question);
    PROPERTIES
        .iter()
        .filter(move |property| property.is_asked(&folded))
}

/// Returns whether a question asks for a property that none of the folded texts states.
pub fn lacks_property<'a>(question: &str, texts: impl Iterator<Item = &'a str> + Clone) -> bool {
    properties(question).any(|property| !texts.clone().any(|text| property.is_said(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expected_answer_type_is_detected_and_matched() {
        for (question, asks, yes, no) in [
            ("誰發明了電話", Expected::Person, "貝爾發明了電話。", ""),
            (
                "Who founded Lumina?",
                Expected::Person,
                "It was founded by Chen Wei.",
                "Lumina was founded early.",
            ),
            (
                "門市幾點開門",
                Expected::Time,
                "每天上午 10 點開門。",
                "門市在台北。",
            ),
            (
                "When does the sale end?",
                Expected::Time,
                "It ends on 5th May.",
                "It ends soon.",
            ),
            (
                "運費多少錢",
                Expected::Number,
                "運費 80 元。",
                "運費由本店負擔。",
            ),
            (
                "個電池用幾耐",
                Expected::Number,
                "可用八小時。",
                "電池可換。",
            ),
            (
                "門市在哪裡",
                Expected::Place,
                "在台北市信義路。",
                "有兩個。",
            ),
            ("為什麼不能退", Expected::Reason, "因為已拆封。", "不能退。"),
        ] {
            assert_eq!(expected(question), Some(asks), "{question}");
            let holds = |text: &str| holds(asks, text, &fold(text), question);
            assert!(holds(yes), "{question}: {yes}");
            assert!(no.is_empty() || !holds(no), "{no}");
        }
        assert_eq!(expected("怎麼退貨"), None);
    }

    #[test]
    fn unmentioned_property_is_lacking() {
        let lacks = |question: &str, text: &str| {
            lacks_property(question, [fold(text).as_str()].into_iter())
        };
        for (question, without, with) in [
            (
                "咖啡機的耗電功率是幾瓦？",
                "水箱 1.8 公升，重 4.2 公斤。",
                "額定功率 1,450 W。",
            ),
            (
                "S7 裡面的電池是幾 mAh",
                "電池保固兩年。",
                "電池 5,200 mAh。",
            ),
            ("有出哪幾個顏色", "附三組耳塞。", "有黑白兩款。"),
            ("整台多重", "可水洗。", "淨重 3.2 公斤。"),
            (
                "what charge do I pay if I keep it",
                "It is lent to you.",
                "You pay $85.",
            ),
        ] {
            assert!(lacks(question, without), "{question}: {without}");
            assert!(!lacks(question, with), "{question}: {with}");
        }
        assert!(!lacks("怎麼退貨", "無關。"));
    }
}
