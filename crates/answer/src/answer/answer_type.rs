//! Expected answer types: detects which type a question asks for, and whether a sentence contains that type.

use std::sync::LazyLock;

use regex::Regex;

use ken_text::text::{fold, is_cjk};

/// The type of answer that a question asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerType {
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

/// The question patterns of each type, for folded text. The first that matches decides, so more specific ones come
/// first.
static QUESTION_PATTERNS: LazyLock<[(AnswerType, Regex); 6]> = LazyLock::new(|| {
    [
        (
            AnswerType::Person,
            regex(r"谁|何人|哪位|哪一位|什么人|边个|\bwho\b|\bwhom\b|\bwhose\b"),
        ),
        (
            AnswerType::Time,
            regex(
                r"何时|几时|什么时[候间]|哪一?年|几年|哪[一]?天|哪[一]?日|几[月号点]|哪一?个?世纪|的时候|\bwhen\b|\bwhat (?:year|date|century|decade|day|month|time)\b|\bwhich (?:year|day|month)\b",
            ),
        ),
        (
            AnswerType::Number,
            regex(
                r"多少|几[^乎何时年月号点]|多[大高长远久重快]|几钱|\bhow (?:many|much|long|old|far|large|big|tall|high|often|fast|heavy)\b|\bwhat (?:percentage|number|percent|amount|price)\b",
            ),
        ),
        (
            AnswerType::Place,
            regex(
                r"哪里|何处|哪儿|在哪|哪[个一]?(?:国|城|省|县|市|地)|什么地方|何地|边度|\bwhere\b",
            ),
        ),
        (
            AnswerType::Reason,
            regex(r"为什么|为何|何以|怎么会|原因|点解|\bwhy\b"),
        ),
        (
            AnswerType::List,
            regex(r"哪些|哪几[个种项样]|有咩|\bwhat are\b|\bwhich (?:\w+ )?\w+s\b"),
        ),
    ]
});

/// Returns the answer type of a question, or `None` if its wording does not show it.
pub fn answer_type(question: &str) -> Option<AnswerType> {
    let folded = fold(question);
    let mut matching = QUESTION_PATTERNS
        .iter()
        .filter(|(_, pattern)| pattern.is_match(&folded));
    matching.next().map(|(expected, _)| *expected)
}

/// Returns whether a sentence contains the expected answer type. `sentence` is as written, `folded` is the same
/// sentence after folding. A capitalised name counts as a person only if `question` does not contain it. There is no
/// dictionary of Chinese names, so every sentence with a CJK character counts as naming a person.
pub fn contains_type(expected: AnswerType, sentence: &str, folded: &str, question: &str) -> bool {
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
        AnswerType::List => {
            ["- ", "* ", "|"]
                .iter()
                .any(|mark| sentence.starts_with(mark))
                || sentence.contains('、')
        }
        AnswerType::Time => TIME.is_match(folded),
        AnswerType::Number => NUMBER.is_match(folded),
        AnswerType::Place => PLACE.is_match(folded) || PLACE.is_match(sentence),
        AnswerType::Reason => REASON.is_match(folded),
        AnswerType::Person => {
            let question = question.to_lowercase();
            sentence.chars().any(is_cjk)
                || CAPITALISED.captures_iter(sentence).any(|found| {
                    let name = found.get(1).or(found.get(2)).map_or("", |m| m.as_str());
                    !question.contains(&name.to_lowercase())
                })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expected_answer_type_is_detected_and_matched() {
        for (question, expected, yes, no) in [
            ("誰發明了電話", AnswerType::Person, "貝爾發明了電話。", ""),
            (
                "Who founded Lumina?",
                AnswerType::Person,
                "It was founded by Chen Wei.",
                "Lumina was founded early.",
            ),
            (
                "門市幾點開門",
                AnswerType::Time,
                "每天上午 10 點開門。",
                "門市在台北。",
            ),
            (
                "When does the sale end?",
                AnswerType::Time,
                "It ends on 5th May.",
                "It ends soon.",
            ),
            (
                "運費多少錢",
                AnswerType::Number,
                "運費 80 元。",
                "運費由本店負擔。",
            ),
            (
                "個電池用幾耐",
                AnswerType::Number,
                "可用八小時。",
                "電池可換。",
            ),
            (
                "門市在哪裡",
                AnswerType::Place,
                "在台北市信義路。",
                "有兩個。",
            ),
            (
                "為什麼不能退",
                AnswerType::Reason,
                "因為已拆封。",
                "不能退。",
            ),
        ] {
            assert_eq!(answer_type(question), Some(expected), "{question}");
            let contains_type = |text: &str| contains_type(expected, text, &fold(text), question);
            assert!(contains_type(yes), "{question}: {yes}");
            assert!(no.is_empty() || !contains_type(no), "{no}");
        }
        assert_eq!(answer_type("怎麼退貨"), None);
    }
}
