//! Writes a reply in the Chinese script of its question. Citations keep their script.

use super::compose::AnswerDraft;
use ken_text::text::{Language, fold, in_simplified, to_script};

/// Converts a text into the script of a language. Returns `None` if it is in that script already, or if conversion
/// would change its meaning.
pub fn in_script_of(text: &str, language: Language) -> Option<String> {
    let converted = to_script(text, language)?;
    is_equivalent(&converted, text).then_some(converted)
}

/// Returns whether two texts are equal except for their script, or equal to the search. The search equates Taiwan's
/// words with the mainland's (線上 and 在线), but a conversion of script alone does not (線上).
fn is_equivalent(one: &str, other: &str) -> bool {
    in_simplified(one) == in_simplified(other) || fold(one) == fold(other)
}

/// Returns whether a sentence occurs in a quote, possibly in the other Chinese script.
pub fn occurs_in(sentence: &str, quote: &str) -> bool {
    quote.contains(sentence)
        || fold(quote).contains(&fold(sentence))
        || in_simplified(quote).contains(&in_simplified(sentence))
}

/// Converts a draft's sentences from the other Chinese script into the script of a language. A sentence whose wording
/// would differ to the search, and not only its script, is unchanged.
pub fn in_script(mut draft: AnswerDraft, language: Language) -> AnswerDraft {
    if !language.is_chinese() {
        return draft;
    }
    let converted = |text: &str| in_script_of(text, language);
    for sentence in &mut draft.sentences {
        if let Some(text) = converted(&sentence.text) {
            sentence.text = text;
        }
    }
    if let Some(text) = converted(&draft.text) {
        draft.text = text;
    }
    draft
}
