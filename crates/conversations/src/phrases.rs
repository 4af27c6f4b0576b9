//! Fixed texts in conversations, and the words by which a customer returns to the bot (`data/phrases.toml`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

use ken_text::text::fold;

#[derive(Deserialize)]
struct Phrases {
    handoff: BTreeMap<String, String>,
    returned: BTreeMap<String, String>,
    continued: BTreeMap<String, String>,
    return_words: Words,
}

#[derive(Deserialize)]
struct Words {
    words: Vec<String>,
}

static PHRASES: LazyLock<Phrases> = LazyLock::new(|| {
    toml::from_str(include_str!("../data/phrases.toml")).expect("the file is tested")
});

static RETURN_WORDS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    PHRASES
        .return_words
        .words
        .iter()
        .map(|word| bare(word))
        .collect()
});

fn bare(text: &str) -> String {
    let folded = fold(text);
    let is_mark = |c: char| !c.is_alphanumeric();
    folded.trim_matches(is_mark).to_owned()
}

fn in_language<'a>(texts: &'a BTreeMap<String, String>, language: &str) -> &'a str {
    let text = texts.get(language).or_else(|| texts.get("en"));
    text.map_or("", String::as_str)
}

/// The text at a handoff to people, in a language (`zh-Hant`, `zh-Hans` or `en`; English for others; Traditional Chinese and
/// English if it is empty).
pub fn handoff(language: &str) -> String {
    let text = |language| in_language(&PHRASES.handoff, language);
    match language {
        "" => [text("zh-Hant"), text("en")].join("\n"),
        language => text(language).to_owned(),
    }
}

/// The text when the bot answers again because the customer asked for it.
pub fn returned(language: &str) -> &'static str {
    in_language(&PHRASES.returned, language)
}

/// The note that a conversation continues one on another inbox.
pub fn continued(language: &str, inbox: &str) -> String {
    in_language(&PHRASES.continued, language).replace("{inbox}", inbox)
}

/// Whether a message as a whole asks for the bot.
pub fn asks_for_bot(message: &str) -> bool {
    RETURN_WORDS.contains(&bare(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_there_in_each_language() {
        for language in ["zh-Hant", "zh-Hans", "en"] {
            let continued = continued(language, "LINE");
            for text in [handoff(language).as_str(), returned(language), &continued] {
                assert!(!text.is_empty(), "{language}");
            }
            assert!(continued.contains("LINE") && !continued.contains('{'));
        }
        assert_eq!(handoff("ja"), handoff("en"));
        assert_eq!(handoff("").lines().count(), 2);
    }

    #[test]
    fn text_at_a_handoff_names_a_word_that_returns() {
        for language in ["zh-Hant", "zh-Hans", "en"] {
            let text = handoff(language);
            let quoted = text.split(['「', '」', '“', '”', '"']).nth(1).unwrap();
            assert!(asks_for_bot(quoted), "{quoted}");
        }
    }

    #[test]
    fn each_word_returns_as_a_whole_message_only() {
        for word in &PHRASES.return_words.words {
            assert!(asks_for_bot(word), "{word}");
            assert!(asks_for_bot(&format!("{word}！")), "{word}");
            assert!(!asks_for_bot(&format!("{word}在哪裡買")), "{word}");
        }
        assert!(asks_for_bot("机器人"));
        assert!(!asks_for_bot("掃地機器人"));
    }
}
