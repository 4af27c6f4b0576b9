use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{PreTokenizedString, Token, TokenStream, Tokenizer};

use super::collector::KEY_FIELD;
use crate::text;

/// The name of the field that is the forward index.
pub const FORWARD_FIELD: &str = "forward";

/// What a chunk's field of restrictions says where it is for some, or for some time.
pub const RESTRICTED: &str = "yes";

/// The fields of the keyword index.
pub struct Fields {
    pub key: Field,
    pub text: Field,
    /// The text's [rows](super::forward::rows) of codes, in order.
    pub forward: Field,
    /// The wordings of an FAQ's question.
    pub questions: Field,
    pub document_id: Field,
    pub kind: Field,
    pub language: Field,
    pub writing: Field,
    pub tags: Field,
    /// Who may see it and where, where not everyone may: a [`super::keyword::Rule`] as JSON.
    pub rule: Field,
    pub restricted: Field,
    pub valid_from: Field,
    pub valid_until: Field,
}

/// The schema, with its fields by name.
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

/// What a text is indexed by, for a field of texts. Tokens' places in the text are not kept.
pub fn pre_tokenized(terms: Vec<(String, usize)>) -> PreTokenizedString {
    let tokens = terms.into_iter().map(|(text, position)| Token {
        text,
        position,
        ..Token::default()
    });
    PreTokenizedString {
        text: String::new(),
        tokens: tokens.collect(),
    }
}

/// [`crate::text::index_terms`] in tantivy's clothes.
#[derive(Clone)]
pub struct Analyzer;

/// The terms of one text, as a stream.
pub struct Terms {
    terms: std::vec::IntoIter<(String, usize)>,
    token: Token,
}

impl Tokenizer for Analyzer {
    type TokenStream<'a> = Terms;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Terms {
        Terms {
            terms: text::index_terms(text).into_iter(),
            token: Token::default(),
        }
    }
}

impl TokenStream for Terms {
    fn advance(&mut self) -> bool {
        let Some((term, position)) = self.terms.next() else {
            return false;
        };
        self.token.text = term;
        self.token.position = position;
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}
