//! The terms of a question: which forms of them the collection contains, and their weights.

use std::collections::HashSet;
use std::sync::Arc;

use tantivy::query::{Bm25Weight, FuzzyTermQuery};
use tantivy::schema::Field;
use tantivy::{InvertedIndexReader, TantivyError, Term};

use super::IndexError;
use super::schema::Fields;
use super::snapshot::IndexSnapshot;
use ken_base::config::SearchFeature;
use ken_text::text::{self, Synonyms};

/// The boost of a homophone or a near spelling; the term as written has 1. Measured for homophones with keyword search
/// alone on five development sets: on unperturbed questions a boost of 1 costs up to 1.3 points of R@1, .7 up to .7.
const GUESSED: f32 = 0.7;
/// The boost of a synonym; the term as written has 1. Not tuned.
const SYNONYM: f32 = 0.6;
/// The most guesses for one unknown term. The most frequent ones are kept.
const MAX_GUESSES: usize = 3;
/// Latin words shorter than this have too many neighbours for guessing.
const MIN_FUZZY: usize = 4;
/// From this length on two edits are allowed, below it one.
const LONG_FUZZY: usize = 8;
/// A character in more than one chunk of this many is too common to be looked up in all candidates. Set for speed: on
/// the development sets R@1 moved by +.6 (robust-drcd) at best and R@5 by −1.4 (msdocs) at worst.
const COMMON: u64 = 4;

/// A term of a question, with the forms of it that the collection contains.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryTerm {
    /// The term as written, folded and stemmed.
    pub term: String,
    /// Empty if the collection contains nothing like the term.
    pub forms: Vec<TermForm>,
    /// The term's weight: the highest inverse document frequency of its forms times their boost, or its own if it has
    /// no forms.
    pub weight: f32,
}

/// A form of a term that occurs in the collection.
#[derive(Debug, Clone, PartialEq)]
pub struct TermForm {
    /// The form as indexed.
    pub term: String,
    /// How much the form counts, in (0, 1].
    pub boost: f32,
    /// The form's inverse document frequency.
    pub idf: f32,
}

/// Document frequencies in one field. Those of the text count live chunks only. Those of the question wordings, which
/// propose chunks but do not score them, also count deleted chunks until their segment is merged.
pub struct Frequencies {
    field: Field,
    view: Arc<IndexSnapshot>,
    segments: Vec<Arc<InvertedIndexReader>>,
    /// Whether deleted chunks are left out.
    is_exact: bool,
    n_chunks: u64,
    n_terms: u64,
}

impl Frequencies {
    /// Reads the frequencies of the chunks' text.
    pub fn of_text(view: &Arc<IndexSnapshot>, fields: &Fields) -> Result<Self, IndexError> {
        let tables = view.segments().map(|(_, tables)| tables);
        let counts = tables.map(|tables| (tables.n_chunks(), tables.n_terms()));
        Self::of(view, fields.text, true, counts)
    }

    /// Reads the frequencies of the wordings of FAQ questions.
    pub fn of_questions(view: &Arc<IndexSnapshot>, fields: &Fields) -> Result<Self, IndexError> {
        let readers = view.readers().iter();
        let counts = readers.map(|reader| {
            let inverted = reader.inverted_index(fields.questions)?;
            Ok((u64::from(reader.max_doc()), inverted.total_num_tokens()))
        });
        let counts: Vec<(u64, u64)> = counts.collect::<tantivy::Result<_>>()?;
        Self::of(view, fields.questions, false, counts.into_iter())
    }

    fn of(
        view: &Arc<IndexSnapshot>,
        field: Field,
        is_exact: bool,
        counts: impl Iterator<Item = (u64, u64)>,
    ) -> Result<Self, IndexError> {
        let (n_chunks, n_terms) = counts.fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
        let segments = view
            .readers()
            .iter()
            .map(|reader| reader.inverted_index(field));
        Ok(Self {
            field,
            view: view.clone(),
            segments: segments.collect::<tantivy::Result<_>>()?,
            is_exact,
            n_chunks,
            n_terms,
        })
    }

    /// Returns the field.
    pub fn field(&self) -> Field {
        self.field
    }

    /// Returns how many chunks there are.
    pub fn n_chunks(&self) -> u64 {
        self.n_chunks
    }

    /// Returns how many terms all chunks have together.
    pub fn n_terms(&self) -> u64 {
        self.n_terms
    }

    /// Returns BM25 of a term of weight 1.
    pub fn unit(&self) -> Bm25Weight {
        let mean_length = self.n_terms.max(1) as f32 / self.n_chunks.max(1) as f32;
        let of_any = Bm25Weight::for_one_term(0, self.n_chunks, mean_length);
        of_any.boost_by(1.0 / self.idf(0))
    }

    /// Returns how many chunks contain a term.
    fn n_with(&self, term: &str) -> Result<u64, IndexError> {
        let mut n_with = 0;
        for (segment, (_, tables)) in self.segments.iter().zip(self.view.segments()) {
            let found = segment.terms().get(term).map_err(TantivyError::from)?;
            let Some(found) = found else { continue };
            n_with += u64::from(found.doc_freq);
            if self.is_exact {
                n_with -= tables.n_deleted_with(term).min(n_with);
            }
        }
        // A concurrent deletion may be subtracted from one of the two counts only.
        Ok(n_with.min(self.n_chunks))
    }

    /// Returns a term's inverse document frequency.
    pub fn idf_of(&self, term: &str) -> Result<f32, IndexError> {
        Ok(self.idf(self.n_with(term)?))
    }

    /// tantivy's formula: ln(1 + (N − n + ½) / (n + ½)).
    fn idf(&self, n_with: u64) -> f32 {
        let (with, all) = (n_with as f32, self.n_chunks as f32);
        (1.0 + (all - with + 0.5) / (with + 0.5)).ln()
    }

    /// Returns the terms of a question, each once, with their forms.
    pub fn query_terms(
        &self,
        question: &str,
        synonyms: &Synonyms,
        without: &[SearchFeature],
    ) -> Result<Vec<QueryTerm>, IndexError> {
        let mut terms = text::terms_of_key(question);
        // A question of function words only is still searched for.
        if !terms.iter().all(|term| text::is_function_word(term)) {
            terms.retain(|term| !text::is_function_word(term));
        }
        terms.sort_unstable();
        terms.dedup();
        let others = match without.contains(&SearchFeature::Lexicon) {
            true => Vec::new(),
            false => synonyms.of(question),
        };
        let mut query_terms = Vec::with_capacity(terms.len());
        for term in terms {
            let n_with = self.n_with(&term)?;
            let mut forms = match n_with {
                0 => self.guesses(&term, without)?,
                _ => vec![self.form(&term, 1.0, n_with)],
            };
            let matching = others.iter().filter(|other| other.instead_of == term);
            for synonym in matching.map(|other| &other.term) {
                let n_with = self.n_with(synonym)?;
                if n_with > 0 && forms.iter().all(|form| form.term != *synonym) {
                    forms.push(self.form(synonym, SYNONYM, n_with));
                }
            }
            query_terms.push(self.query_term(term, forms));
        }
        Ok(query_terms)
    }

    fn query_term(&self, term: String, forms: Vec<TermForm>) -> QueryTerm {
        let of_forms = forms.iter().map(|form| form.boost * form.idf);
        QueryTerm {
            weight: match forms.is_empty() {
                true => self.idf(0),
                false => of_forms.fold(0.0, f32::max),
            },
            term,
            forms,
        }
    }

    /// Returns the single characters of a question except the common ones, and its words, each once. A word has the
    /// forms found for it as a term.
    pub fn characters(
        &self,
        question: &str,
        terms: &[QueryTerm],
    ) -> Result<Vec<QueryTerm>, IndexError> {
        let mut seen = HashSet::new();
        let mut query_terms = Vec::new();
        for character in text::characters_of_key(question) {
            if !seen.insert(character.clone()) {
                continue;
            }
            let is_word = !character.chars().any(text::is_cjk);
            match terms
                .iter()
                .find(|query_terms| query_terms.term == character)
            {
                Some(term) => query_terms.push(term.clone()),
                // Function words are left out.
                None if is_word => {}
                None => {
                    let n_with = self.n_with(&character)?;
                    if n_with * COMMON > self.n_chunks {
                        continue;
                    }
                    let forms = match n_with {
                        0 => Vec::new(),
                        _ => vec![self.form(&character, 1.0, n_with)],
                    };
                    query_terms.push(self.query_term(character, forms));
                }
            }
        }
        Ok(query_terms)
    }

    fn form(&self, term: &str, boost: f32, n_with: u64) -> TermForm {
        TermForm {
            term: term.to_owned(),
            boost,
            idf: self.idf(n_with),
        }
    }

    /// Returns replacements for a term that the collection does not contain: Han bigrams of the same sound, or Latin
    /// words of similar spelling.
    fn guesses(&self, term: &str, without: &[SearchFeature]) -> Result<Vec<TermForm>, IndexError> {
        let characters: Vec<char> = term.chars().collect();
        let mut found = match characters[..] {
            [first, second] if text::is_cjk(first) && text::is_cjk(second) => {
                match without.contains(&SearchFeature::Homophones) {
                    true => Vec::new(),
                    false => self.same_sounds(first, second)?,
                }
            }
            _ if without.contains(&SearchFeature::Fuzzy) => Vec::new(),
            _ => self.near_spellings(term)?,
        };
        found.sort_unstable_by(|a, b| b.cmp(a));
        found.truncate(MAX_GUESSES);
        let form = |(n_with, other): (u64, String)| self.form(&other, GUESSED, n_with);
        Ok(found.into_iter().map(form).collect())
    }

    /// Returns bigrams of the collection in which one character is replaced by another of the same sound, each after
    /// its frequency.
    fn same_sounds(&self, first: char, second: char) -> Result<Vec<(u64, String)>, IndexError> {
        let (like_first, like_second) = (text::homophones(first), text::homophones(second));
        let in_first = like_first.iter().map(|other| (*other, second));
        let in_second = like_second.iter().map(|other| (first, *other));
        let others = in_first.chain(in_second);
        let mut found = Vec::new();
        for (first, second) in others.filter(|(a, b)| self.view.may_contain(*a, *b)) {
            let other = String::from_iter([first, second]);
            match self.n_with(&other)? {
                0 => {}
                n_with => found.push((n_with, other)),
            }
        }
        Ok(found)
    }

    /// Returns the nearest words of the collection within one edit (two from [`LONG_FUZZY`] letters on), each after its
    /// frequency. A transposition is one edit.
    fn near_spellings(&self, word: &str) -> Result<Vec<(u64, String)>, IndexError> {
        let length = word.chars().count();
        if length < MIN_FUZZY || !word.chars().all(char::is_alphabetic) {
            return Ok(Vec::new());
        }
        let most = if length < LONG_FUZZY { 1 } else { 2 };
        for distance in 1..=most {
            let term = Term::from_field_text(self.field, word);
            let query = FuzzyTermQuery::new(term, distance, true);
            let mut found: Vec<String> = Vec::new();
            for segment in &self.segments {
                let mut stream = segment
                    .terms()
                    .search(query.automaton()?)
                    .into_stream()
                    .map_err(TantivyError::from)?;
                while stream.advance() {
                    let other = String::from_utf8_lossy(stream.key()).into_owned();
                    if !found.contains(&other) && other.chars().all(char::is_alphabetic) {
                        found.push(other);
                    }
                }
            }
            let mut known = Vec::with_capacity(found.len());
            for other in found {
                known.push((self.n_with(&other)?, other));
            }
            known.retain(|(n_with, other)| *n_with > 0 && !other.chars().any(text::is_cjk));
            if !known.is_empty() {
                return Ok(known);
            }
        }
        Ok(Vec::new())
    }
}
