//! Text analysis: folding, terms for the keyword index, sentences, language and script.
//!
//! Pure functions over strings. Folded text is a search key and never shown: people always read the text as it was
//! written.

mod figures;
mod fold;
mod function_words;
mod highlight;
mod language;
mod names;
mod sentences;
mod sounds;
mod spoken;
mod synonyms;
mod terms;
mod wording;

pub use figures::figures;
pub use fold::{FOLDING, clear_sentence_cache, fold};
pub use function_words::is_function_word;
pub use highlight::Highlighter;
pub use ken_base::digest::{hex, sha256_hex, sha256_hex_of};
pub use language::{Language, detect, in_simplified, to_script};
pub use names::names;
pub use sentences::sentences;
pub use sounds::homophones;
pub use spoken::written;
pub use synonyms::{Replacement, Synonyms};
pub use terms::{
    char_width, characters_of_key, index_terms, is_cjk, search_key, terms, terms_of_key, width,
};
pub use wording::wording;

/// Builds all tables, which the first question would otherwise build.
pub fn warm_up() {
    let question = written("退貨");
    Synonyms::default().of(&search_key(&question));
    homophones('退');
    wording("退貨");
    is_function_word("what");
    Highlighter::new(["退货"].into()).marks("退貨");
}
