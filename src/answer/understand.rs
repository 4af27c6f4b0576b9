use crate::domain::{MAX_QUESTION_CHARS, Role, Turn, Utterance};
use crate::text::{Language, detect, width};

/// A question as it is searched for.
#[derive(Debug, Clone, PartialEq)]
pub struct Understood {
    /// The question, with what was said just before where it cannot stand alone.
    pub search_text: String,
    /// Of the reply.
    pub language: Language,
}

/// How many of the last utterances go along with a follow-up.
const CONTEXT: usize = 2;
/// Up to this width (Han 2, others 1) a question in a conversation counts as a follow-up.
const SHORT: usize = 24;

/// Makes a question stand alone and settles the reply's language.
///
/// A follow-up is short or points back (它, 那, 這個, it, that …); the last two utterances are put before it.
pub fn understand(question: &str, history: &[Utterance], language: Option<&str>) -> Understood {
    let language = match language.map(Language::from_tag) {
        Some(asked) if asked != Language::Other => asked,
        _ => detect(question),
    };
    let question = question.trim();
    let mut search_text = question.to_owned();
    if is_follow_up(question) {
        for utterance in history.iter().rev().take(CONTEXT) {
            search_text = format!("{}\n{search_text}", utterance.text.trim());
        }
    }
    let surplus = search_text
        .chars()
        .count()
        .saturating_sub(MAX_QUESTION_CHARS);
    Understood {
        search_text: search_text.chars().skip(surplus).collect(),
        language,
    }
}

/// A recorded turn as what the two sides said.
pub fn utterances(turn: Turn) -> [Utterance; 2] {
    [
        Utterance {
            role: Role::User,
            text: turn.question,
        },
        Utterance {
            role: Role::Agent,
            text: turn.answer.text,
        },
    ]
}

fn is_follow_up(question: &str) -> bool {
    const HAN: [&str; 20] = [
        "它", "牠", "他們", "她", "那", "這", "这", "该", "該", "其", "呢", "也", "還", "还",
        "上面", "剛", "刚", "嗰", "呢個", "同樣",
    ];
    const LATIN: [&str; 12] = [
        "it", "its", "that", "this", "they", "them", "those", "these", "there", "also", "same",
        "else",
    ];
    let lower = question.to_lowercase();
    width(question) <= SHORT
        || HAN.iter().any(|word| question.contains(word))
        || lower
            .split(|c: char| !c.is_alphanumeric())
            .any(|word| LATIN.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(role: Role, text: &str) -> Utterance {
        Utterance {
            role,
            text: text.into(),
        }
    }

    #[test]
    fn a_follow_up_takes_the_last_two_utterances_along() {
        let history = [
            said(Role::User, "你好"),
            said(Role::User, "LumiBuds 可以退嗎"),
            said(Role::Agent, "七天內可以。"),
        ];
        let found = understand("那運費呢？", &history, None);
        assert_eq!(
            found.search_text,
            "LumiBuds 可以退嗎\n七天內可以。\n那運費呢？"
        );
        let alone = "請問超過保固期限之後送修掃地機器人，檢測費用怎麼收？";
        assert_eq!(understand(alone, &history, None).search_text, alone);
        assert_eq!(
            understand("那運費呢？", &[], None).search_text,
            "那運費呢？"
        );
    }

    #[test]
    fn the_reply_is_in_the_questions_language_unless_asked_otherwise() {
        for (question, asked, expected) in [
            ("怎麼退貨", None, "zh-Hant"),
            ("怎么退货", None, "zh-Hans"),
            ("how to return", None, "en"),
            ("how to return", Some("zh-TW"), "zh-Hant"),
            ("how to return", Some("xx"), "en"),
        ] {
            assert_eq!(
                understand(question, &[], asked).language.tag(),
                expected,
                "{question} {asked:?}"
            );
        }
    }

    #[test]
    fn a_long_context_is_cut_at_its_beginning() {
        let history = [said(Role::User, &"長".repeat(3_000))];
        let found = understand("那呢？", &history, None);
        assert_eq!(found.search_text.chars().count(), MAX_QUESTION_CHARS);
        assert!(found.search_text.ends_with("那呢？"));
    }
}
