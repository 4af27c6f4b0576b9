//! Understanding of a message: its questions, the language of the reply, and the subject of a follow-up.

mod courtesy;
mod follow_up;
mod gazetteer;
mod split;

pub use courtesy::{Courtesy, courtesy};
pub use follow_up::{BOOSTED_AMONG, DocumentBoosts, boost, depends_on_previous, standalone};
pub use gazetteer::Gazetteer;
pub use split::{asks, split_questions};

use ken_base::domain::{MAX_QUESTION_CHARS, Role, Turn, Utterance};
use ken_text::text::{Language, detect};

/// One question, as it is searched for.
#[derive(Debug, Clone, PartialEq)]
pub struct UnderstoodQuestion {
    /// The question, with earlier messages if it cannot stand alone.
    pub search_text: String,
    /// The documents it is about, if an earlier message or the question named them.
    pub about: DocumentBoosts,
}

/// Rewrites a question so that it can be searched for on its own.
pub fn understand(question: &str, history: &[Utterance], names: &Gazetteer) -> UnderstoodQuestion {
    let (text, about) = standalone(question, history, names);
    let surplus = text.chars().count().saturating_sub(MAX_QUESTION_CHARS);
    UnderstoodQuestion {
        search_text: text.chars().skip(surplus).collect(),
        about,
    }
}

/// Returns the questions of a message, each with its understanding. A later one usually stands alone; otherwise it
/// depends on the question before it.
pub fn questions(
    message: &str,
    history: &[Utterance],
    names: &Gazetteer,
) -> Vec<(String, UnderstoodQuestion)> {
    let mut before = history.to_vec();
    let mut questions = Vec::new();
    for text in split_questions(message) {
        let is_dependent = before.len() > history.len() && depends_on_previous(&text);
        let context = if is_dependent { &before } else { history };
        let understood = understand(&text, context, names);
        before.push(Utterance {
            role: Role::User,
            text: text.clone(),
        });
        questions.push((text, understood));
    }
    questions
}

/// Returns the language of the reply: the requested one (a BCP 47 tag), otherwise the question's.
pub fn reply_language(question: &str, asked_for: Option<&str>) -> Language {
    match asked_for.map(Language::from_tag) {
        Some(language) if language != Language::Other => language,
        _ => detect(question),
    }
}

/// Returns a recorded turn as two utterances.
pub fn utterances(turn: Turn) -> [Utterance; 2] {
    let utterance = |role, text| Utterance { role, text };
    [
        utterance(Role::User, turn.question),
        utterance(Role::Agent, turn.answer.text),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reply_language_defaults_to_question_language() {
        for (question, asked, expected) in [
            ("怎麼退貨", None, "zh-Hant"),
            ("怎么退货", None, "zh-Hans"),
            ("how to return", None, "en"),
            ("how to return", Some("zh-TW"), "zh-Hant"),
            ("how to return", Some("xx"), "en"),
        ] {
            let found = reply_language(question, asked).tag();
            assert_eq!(found, expected, "{question} {asked:?}");
        }
    }

    #[test]
    fn long_context_is_truncated_at_start() {
        let utterance = |role, text: &str| Utterance {
            role,
            text: text.into(),
        };
        let history = [utterance(Role::User, &"長".repeat(3_000))];
        let found = understand("那呢？", &history, &Gazetteer::default());
        assert_eq!(found.search_text.chars().count(), MAX_QUESTION_CHARS);
        assert!(found.search_text.ends_with("那呢？"));
    }
}
