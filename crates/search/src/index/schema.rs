//! The schema of the keyword index, and the analyzer of its text fields.

use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use super::maxscore::KEY_FIELD;

/// The name of the field that contains the forward index.
pub const FORWARD_FIELD: &str = "forward";

/// The value of the field `restricted` for chunks with an audience, a channel or a validity period.
pub const RESTRICTED: &str = "yes";

/// The fields of the keyword index.
pub struct Fields {
    /// The chunk's key.
    pub key: Field,
    /// The terms of the chunk's text.
    pub text: Field,
    /// The text's [rows](super::forward::rows) of codes, in order.
    pub forward: Field,
    /// The wordings of an FAQ's question.
    pub questions: Field,
    /// The document's id.
    pub document_id: Field,
    /// The document's kind.
    pub kind: Field,
    /// The chunk's language tag.
    pub language: Field,
    /// The chunk's script: [`LATIN`](super::keyword_search::LATIN) or another.
    pub writing: Field,
    /// The document's tags.
    pub tags: Field,
    /// The audience and channels, if restricted: a [`super::keyword::VisibilityRule`] as JSON.
    pub rule: Field,
    /// [`RESTRICTED`] if the chunk is restricted, otherwise without a value.
    pub restricted: Field,
    /// Start of validity in milliseconds since 1970.
    pub valid_from: Field,
    /// End of validity in milliseconds since 1970.
    pub valid_until: Field,
}

/// Returns the schema and its fields.
pub fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let text = TextOptions::default().set_indexing_options(
        TextFieldIndexing::default()
            .set_tokenizer(ANALYZER)
            .set_index_option(IndexRecordOption::WithFreqs),
    );
    let fields = Fields {
        key: schema.add_u64_field(KEY_FIELD, INDEXED | FAST),
        text: schema.add_text_field("text", text.clone()),
        forward: schema.add_u64_field(FORWARD_FIELD, FAST),
        questions: schema.add_text_field("questions", text),
        document_id: schema.add_text_field("document_id", STRING),
        kind: schema.add_text_field("kind", STRING),
        language: schema.add_text_field("language", STRING),
        writing: schema.add_text_field("writing", STRING),
        tags: schema.add_text_field("tags", STRING),
        rule: schema.add_text_field("rule", STRING),
        restricted: schema.add_text_field("restricted", STRING),
        valid_from: schema.add_i64_field("valid_from", INDEXED | FAST),
        valid_until: schema.add_i64_field("valid_until", INDEXED | FAST),
    };
    (schema.build(), fields)
}

/// The name under which [`Analyzer`] is registered.
pub const ANALYZER: &str = "ken";

/// The separator of terms in a [`joined`] text; no term contains it.
const SEPARATOR: char = '\n';

/// Returns a text's index terms ([`ken_text::text::index_terms`]) joined into one string, as the value of a text field.
/// Terms passed as such would be sent to tantivy's thread as JSON, which took a seventh of the work of ingestion.
pub fn joined(terms: &[(String, usize)]) -> String {
    let length = terms.iter().map(|(term, _)| term.len() + 1).sum();
    let mut joined = String::with_capacity(length);
    for (term, _) in terms {
        if !joined.is_empty() {
            joined.push(SEPARATOR);
        }
        joined.push_str(term);
    }
    joined
}

/// Splits a [`joined`] text into its terms, one a position. Byte offsets are not kept.
#[derive(Clone)]
pub struct Analyzer;

/// The terms of one text, as a token stream.
pub struct TermStream<'a> {
    terms: std::str::Split<'a, char>,
    token: Token,
}

impl Tokenizer for Analyzer {
    type TokenStream<'a> = TermStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> TermStream<'a> {
        TermStream {
            terms: text.split(SEPARATOR),
            token: Token::default(),
        }
    }
}

impl TokenStream for TermStream<'_> {
    fn advance(&mut self) -> bool {
        // A text without terms is one empty piece.
        let Some(term) = self.terms.find(|term| !term.is_empty()) else {
            return false;
        };
        self.token.text.clear();
        self.token.text.push_str(term);
        // A fresh token is before the first position.
        self.token.position = self.token.position.wrapping_add(1);
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}
