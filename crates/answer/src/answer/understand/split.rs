//! Splits a message into its questions.

use std::sync::LazyLock;

use regex::Regex;

use super::courtesy::{Courtesy, courtesy};
use ken_text::text::{fold, is_function_word, sentences, terms};

/// The most questions of a message; the rest is added to the last.
const MAX_PARTS: usize = 4;

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is fixed and tested")
}

/// Patterns of questions, folded.
static ASKS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"[?]|吗|嘛|呢$|什么|怎么|怎样|如何|多少|几[个天时点号年月钱多]|哪|谁|为何|为什么|是否|多[久长大高远重]|能不能|可不可以|可否|有没有|会不会|要不要|是不是|边[个度]|点样|咩|\b(?:what|how|when|where|which|who|why|can|could|do|does|did|is|are|will|would|should)\b",
    )
});

/// The start of a further question within a sentence.
static FURTHER: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"[，,；;、\s]\s*(?:另外|还有|還有|以及|順便|顺便|而且|同埋|然後|然后|再請問|再请问|also,?|and also|and (?:how|what|when|where|which|who|why|can|do|does|is|are|will))\b?",
    )
});

/// A sentence that continues the question before it.
static CONTINUES: LazyLock<Regex> = LazyLock::new(|| regex(r"^(?:还是|或者?|亦或|抑或|定系|or\b)"));

/// Returns the questions of a message, in order. Statements before a question belong to it. A message with one question
/// is returned whole.
pub fn split_questions(message: &str) -> Vec<String> {
    // A numbered list in one line.
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| regex(r"(?:^|\s+)\d{1,2}[.、)]\s+"));
    let listed = match NUMBER.find_iter(message).count() {
        0 | 1 => None,
        _ => Some(NUMBER.replace_all(message, "\n").into_owned()),
    };
    let message = listed.as_deref().unwrap_or(message);
    let mut parts: Vec<String> = Vec::new();
    let mut pending = String::new();
    for span in sentences(message) {
        let sentence = span.slice(message).unwrap_or_default();
        // A greeting before a question, such as `你好嗎？`, asks nothing.
        if matches!(
            courtesy(sentence),
            Some(Courtesy::Greeting | Courtesy::Thanks | Courtesy::Goodbye)
        ) {
            continue;
        }
        for clause in questions(sentence) {
            let folded = fold(clause.trim());
            let continues = CONTINUES.is_match(&folded);
            let asks = ASKS.is_match(&folded) && says_something(clause);
            if asks && !continues && parts.len() < MAX_PARTS {
                parts.push(join(&std::mem::take(&mut pending), clause));
                continue;
            }
            let continues = continues || asks || (pending.is_empty() && !is_start(&folded));
            match parts.last_mut() {
                Some(last) if continues => *last = join(last, clause),
                _ => pending = join(&pending, clause),
            }
        }
    }
    if !pending.is_empty() {
        match parts.last_mut() {
            Some(last) => *last = join(last, &pending),
            None => parts.push(pending),
        }
    }
    match parts.len() {
        0 => vec![message.trim().to_owned()],
        _ => parts,
    }
}

/// Returns whether a text is worded as a question.
pub fn asks(text: &str) -> bool {
    ASKS.is_match(&fold(text))
}

/// Splits a sentence where a further question begins, unless one of the two parts would not be a question.
fn questions(sentence: &str) -> Vec<&str> {
    for found in FURTHER.find_iter(sentence) {
        let (before, after) = sentence.split_at(found.start());
        let asks = |text: &str| ASKS.is_match(&fold(text)) && says_something(text);
        if asks(before) && asks(after) {
            let after = after.trim_start_matches(['，', ',', '；', ';', '、', ' ']);
            let after =
                after.trim_start_matches(|c: char| c.is_ascii_digit() || ".、) ".contains(c));
            let mut all = vec![before];
            all.extend(questions(after));
            return all;
        }
    }
    vec![sentence]
}

/// Returns whether a text starts a statement that a later question may be about.
fn is_start(folded: &str) -> bool {
    ["另外", "还有", "我", "also", "my", "i "]
        .iter()
        .any(|head| folded.starts_with(head))
}

fn says_something(text: &str) -> bool {
    terms(text).iter().any(|term| !is_function_word(term))
}

fn join(before: &str, after: &str) -> String {
    match before.is_empty() {
        true => after.trim().to_owned(),
        false => format!("{} {}", before.trim(), after.trim()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_with_several_questions_is_split() {
        for (message, expected) in [
            ("怎麼退貨？", vec!["怎麼退貨？"]),
            ("怎麼退貨？運費誰出？", vec!["怎麼退貨？", "運費誰出？"]),
            (
                "我上週買了耳機。可以退嗎？另外保固多久？",
                vec!["我上週買了耳機。 可以退嗎？", "另外保固多久？"],
            ),
            ("可以退嗎？還是只能換？", vec!["可以退嗎？ 還是只能換？"]),
            (
                "How do I return it, and how long does the refund take?",
                vec!["How do I return it", "and how long does the refund take?"],
            ),
            ("耳機沒電了。", vec!["耳機沒電了。"]),
            (
                "1. 怎麼退貨 2. 運費多少 3. 保固多久",
                vec!["怎麼退貨", "運費多少", "保固多久"],
            ),
            (
                "在嗎？怎麼退貨？運費誰出？",
                vec!["怎麼退貨？", "運費誰出？"],
            ),
            (
                "請問退貨運費多少，還有幾天會收到退款",
                vec!["請問退貨運費多少", "還有幾天會收到退款"],
            ),
            ("門市幾點開？謝謝", vec!["門市幾點開？ 謝謝"]),
            (
                "夜班車資多少？可以帶狗嗎？座位可以先訂嗎？",
                vec!["夜班車資多少？", "可以帶狗嗎？", "座位可以先訂嗎？"],
            ),
        ] {
            let found = split_questions(message);
            let found: Vec<&str> = found.iter().map(String::as_str).collect();
            match expected.len() {
                1 => assert_eq!(found.len(), 1, "{message}: {found:?}"),
                _ => assert_eq!(found, expected, "{message}"),
            }
        }
    }
}
