use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use super::collector::KEY_FIELD;

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

/// Between two terms of a [`joined`] text; no term has it.
const SEPARATOR: char = '\n';

/// What a text is indexed by ([`ken_text::text::index_terms`]), for a field of texts. As one string: tantivy would carry terms
/// made beforehand to its own thread as JSON, which took a seventh of all work of ingestion.
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

/// The terms of a [`joined`] text, one a position. Their places in the text are not kept.
#[derive(Clone)]
pub struct Analyzer;

/// The terms of one text, as a stream.
pub struct Terms<'a> {
    terms: std::str::Split<'a, char>,
    token: Token,
}

impl Tokenizer for Analyzer {
    type TokenStream<'a> = Terms<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Terms<'a> {
        Terms {
            terms: text.split(SEPARATOR),
            token: Token::default(),
        }
    }
}

impl TokenStream for Terms<'_> {
    fn advance(&mut self) -> bool {
        // A text without terms is one empty stretch.
        let Some(term) = self.terms.find(|term| !term.is_empty()) else {
            return false;
        };
        self.token.text.clear();
        self.token.text.push_str(term);
        // A fresh token stands before the first place.
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
