//! A reply in the script of its question: Traditional asked, Traditional said. Citations stay as they are written.

use super::compose::Draft;
use ken_text::text::{Language, fold, in_simplified, to_script};

/// A text in the script of a language; `None` where it is in it already, or would say something else.
pub fn in_script_of(text: &str, language: Language) -> Option<String> {
    let converted = to_script(text, language)?;
    says_the_same(&converted, text).then_some(converted)
}

/// Whether two texts are one but for their script, or for what the search does not tell apart either. Taiwan's words are the
/// mainland's to the search (線上 is 在线), but not in another script (线上).
fn says_the_same(one: &str, other: &str) -> bool {
    in_simplified(one) == in_simplified(other) || fold(one) == fold(other)
}

/// Whether a sentence stands in a quote, perhaps in the other Chinese script.
pub fn stands_in(sentence: &str, quote: &str) -> bool {
    quote.contains(sentence)
        || fold(quote).contains(&fold(sentence))
        || in_simplified(quote).contains(&in_simplified(sentence))
}

/// A draft's sentences in the script of a language, where they are in the other Chinese script. A sentence that would say
/// something else to the search (another wording, not only another script) stays as it is.
pub fn in_script(mut draft: Draft, language: Language) -> Draft {
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
