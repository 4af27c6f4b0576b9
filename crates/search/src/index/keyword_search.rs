//! Keyword search: the chunks that best match a question's words.

use std::sync::Arc;

use tantivy::fieldnorm::FieldNormReader;
use tantivy::query::Bm25Weight;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, SegmentReader, TantivyError, Term};

use super::forward::{ForwardScan, Target};
use super::maxscore::{K1, PostingList, ScoredChunk, Segment, TopK};
use super::query_terms::{Frequencies, QueryTerm, TermForm};
use super::schema::Fields;
use super::snapshot::{IndexSnapshot, SegmentTables};
use super::{IndexError, Selection};
use ken_base::config::SearchFeature;
use ken_text::text::{self, Synonyms};

/// If the share of chunks in Latin letters is below this, the collection is foreign to a question in Latin letters.
pub const FOREIGN: f32 = 0.02;
/// The name of Latin script in the index.
pub const LATIN: &str = "latin";
/// If chunks have fewer terms than this on average, proximity adds nothing to occurrence and is not computed.
const SHORT: f32 = 80.0;
/// A chunk with less coverage has too few of the question's words for their distance to matter.
const LITTLE: f32 = 0.01;

/// Returns whether a question contains no Han, kana or hangul.
pub fn is_latin(question: &str) -> bool {
    !question.chars().any(text::is_cjk)
}

/// A chunk found by keyword search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeywordHit {
    /// The chunk's key.
    pub key: u32,
    /// Its scores.
    pub words: WordScores,
}

/// How well a chunk matches a question's words.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct WordScores {
    /// BM25 of the question's terms in the chunk, ≥ 0. Each term counts with its best form.
    pub score: f32,
    /// BM25 divided by the highest BM25 the question could reach in this collection, in [0, 1].
    pub coverage: f32,
    /// How much of the question occurs within 40 positions, in [0, 1]: the mean of the shares by terms and by single
    /// characters. 0 for all chunks if chunks are short, and for a chunk with coverage below .01.
    pub proximity: f32,
}

/// One question against one snapshot of the index.
pub struct KeywordSearch {
    view: Arc<IndexSnapshot>,
    text: CandidateScorer,
    /// The highest BM25 that the question could reach in the chunks' text: each of its terms, including unknown ones,
    /// at full saturation in a chunk of length 0.
    ceiling: f32,
    /// Search over the wordings of FAQ questions. It proposes chunks whose long answers would hide them; all chunks are
    /// then scored by their whole text. `None` if no chunk has such wordings.
    questions: Option<CandidateScorer>,
    query_terms: Vec<QueryTerm>,
    searched_terms: Vec<SearchedTerm>,
    /// The weights of each term and of each character, if proximity is computed.
    weights: Option<[Vec<f32>; 2]>,
    is_foreign: bool,
}

/// A word or character to find in a chunk, for both the score and the proximity.
struct SearchedTerm {
    forms: Vec<TermForm>,
    /// Its index among the terms, and below among the characters.
    term: Option<u16>,
    character: Option<u16>,
}

impl SearchedTerm {
    fn numbers(&self) -> [Option<u16>; 2] {
        [self.term, self.character]
    }

    fn of(query_terms: &[QueryTerm], characters: &[QueryTerm]) -> Vec<Self> {
        let place = |of: &[QueryTerm], one: &QueryTerm| of.iter().position(|w| w.term == one.term);
        let terms = query_terms
            .iter()
            .enumerate()
            .map(|(n, term)| (Some(n), term));
        let others = characters
            .iter()
            .filter(|c| place(query_terms, c).is_none());
        terms
            .chain(others.map(|character| (None, character)))
            .map(|(term, searched_terms)| Self {
                forms: searched_terms.forms.clone(),
                term: term.map(|n| n as u16),
                character: place(characters, searched_terms).map(|n| n as u16),
            })
            .collect()
    }
}

/// A BM25 query over one field that proposes chunks: a disjunction of all forms of all terms.
struct CandidateScorer {
    field: Field,
    /// BM25 of a term of weight 1 in the field.
    unit: Bm25Weight,
    /// Each form with its weight.
    terms: Vec<(Term, f32)>,
}

impl CandidateScorer {
    /// Builds the query. `idf` returns a form's inverse document frequency in the field.
    fn of(
        frequencies: &Frequencies,
        query_terms: &[QueryTerm],
        idf: impl Fn(&TermForm) -> Result<f32, IndexError>,
    ) -> Result<Self, IndexError> {
        let field = frequencies.field();
        let forms = query_terms.iter().flat_map(|w| &w.forms);
        let terms = forms.map(|form| {
            let term = Term::from_field_text(field, &form.term);
            Ok((term, form.boost * idf(form)?))
        });
        Ok(Self {
            field,
            unit: frequencies.unit(),
            terms: terms.collect::<Result<_, IndexError>>()?,
        })
    }

    fn walk(&self, readers: &[SegmentReader], best: &mut TopK) -> Result<(), IndexError> {
        for (number, reader) in (0..).zip(readers) {
            let inverted = reader.inverted_index(self.field)?;
            let mut lists = Vec::with_capacity(self.terms.len());
            for (term, weight) in &self.terms {
                let postings = inverted.read_block_postings(term, IndexRecordOption::WithFreqs);
                let weight = *weight;
                let list = postings.map_err(TantivyError::from)?;
                lists.extend(list.map(|postings| PostingList { postings, weight }));
            }
            if !lists.is_empty() {
                let lengths = reader.get_fieldnorms_reader(self.field)?;
                best.walk(&Segment::of(number, reader, lengths, &self.unit)?, lists);
            }
        }
        Ok(())
    }
}

/// The parts of a segment that reading its chunks needs.
struct ScannedSegment<'a> {
    lengths: FieldNormReader,
    tables: &'a SegmentTables,
}

impl KeywordSearch {
    /// Prepares a search. Returns `None` if the question has no terms.
    pub fn prepare(
        view: Arc<IndexSnapshot>,
        fields: &Fields,
        question: &str,
        synonyms: &Synonyms,
        without: &[SearchFeature],
    ) -> Result<Option<Self>, IndexError> {
        let key = text::search_key(question);
        let of_text = Frequencies::of_text(&view, fields)?;
        let query_terms = of_text.query_terms(&key, synonyms, without)?;
        if query_terms.is_empty() {
            return Ok(None);
        }
        let n_chunks = of_text.n_chunks() as f32;
        let is_short = (of_text.n_terms() as f32) < SHORT * n_chunks;
        let (mut characters, mut weights) = (Vec::new(), None);
        if !is_short && !without.contains(&SearchFeature::Proximity) {
            characters = of_text.characters(&key, &query_terms)?;
            let of = |query_terms: &[QueryTerm]| query_terms.iter().map(|w| w.weight).collect();
            weights = Some([of(&query_terms), of(&characters)]);
        }
        let of_questions = Frequencies::of_questions(&view, fields)?;
        let has_questions = of_questions.n_terms() > 0;
        let questions = match has_questions && !without.contains(&SearchFeature::FaqQuestions) {
            true => Some(CandidateScorer::of(&of_questions, &query_terms, |form| {
                of_questions.idf_of(&form.term)
            })?),
            false => None,
        };
        Ok(Some(Self {
            text: CandidateScorer::of(&of_text, &query_terms, |form| Ok(form.idf))?,
            ceiling: (1.0 + K1) * query_terms.iter().map(|w| w.weight).sum::<f32>(),
            questions,
            searched_terms: SearchedTerm::of(&query_terms, &characters),
            query_terms,
            weights,
            is_foreign: is_latin(question) && view.latin < FOREIGN,
            view,
        }))
    }

    /// Returns the best `limit` admitted chunks, proposed by the chunks' text and, separately, by the wordings of FAQ
    /// questions. Ordered by coverage, best first, ties by key.
    pub fn top(&self, limit: usize, selection: &Selection) -> Result<Vec<KeywordHit>, IndexError> {
        let mut found: Vec<ScoredChunk> = Vec::new();
        for proposing in std::iter::once(&self.text).chain(&self.questions) {
            let mut best = TopK::new(limit, selection);
            proposing.walk(self.view.readers(), &mut best)?;
            found.extend(best.found());
        }
        found.sort_unstable_by_key(|found| (found.segment, found.doc));
        found.dedup_by_key(|found| found.key);
        let mut scores = vec![WordScores::default(); found.len()];
        let mut reading = self.reading();
        for (number, (reader, tables)) in (0..).zip(self.view.segments()) {
            let here = found.iter().zip(&mut scores);
            let mut here = here.filter(|(found, _)| found.segment == number).peekable();
            if here.peek().is_some() {
                let of = self.of_segment(reader, tables)?;
                for (found, scores) in here {
                    *scores = self.read(&of, found.doc, &mut reading);
                }
            }
        }
        let hits = found.iter().zip(scores);
        let hits = hits.map(|(found, words)| KeywordHit {
            key: found.key,
            words,
        });
        let mut hits: Vec<KeywordHit> = hits.collect();
        hits.sort_by(|a, b| {
            let (x, y) = (a.words.coverage, b.words.coverage);
            y.total_cmp(&x).then(a.key.cmp(&b.key))
        });
        hits.truncate(limit);
        Ok(hits)
    }

    /// Returns the scores of given chunks, in the order of `keys`. A chunk that is not in the index gets zeros.
    pub fn scores(&self, keys: &[u32]) -> Result<Vec<WordScores>, IndexError> {
        let mut scores = vec![WordScores::default(); keys.len()];
        let mut reading = self.reading();
        for (reader, tables) in self.view.segments() {
            let of = self.of_segment(reader, tables)?;
            for (key, scores) in keys.iter().zip(&mut scores) {
                if let Some(doc) = tables.place(reader, *key) {
                    *scores = self.read(&of, doc, &mut reading);
                }
            }
        }
        Ok(scores)
    }

    fn reading(&self) -> ForwardScan {
        let forms = |searched_terms: &SearchedTerm| searched_terms.forms.len();
        let mut targets = Vec::with_capacity(self.searched_terms.iter().map(forms).sum());
        for searched_terms in &self.searched_terms {
            targets.extend(searched_terms.forms.iter().map(|form| Target {
                term: &form.term,
                weight: match searched_terms.term {
                    Some(_) => form.boost * form.idf,
                    None => 0.0,
                },
                numbers: searched_terms.numbers(),
            }));
        }
        ForwardScan::of(&targets)
    }

    fn of_segment<'a>(
        &self,
        reader: &SegmentReader,
        tables: &'a SegmentTables,
    ) -> Result<ScannedSegment<'a>, IndexError> {
        Ok(ScannedSegment {
            lengths: reader.get_fieldnorms_reader(self.text.field)?,
            tables,
        })
    }

    /// Computes the scores of one chunk.
    fn read(&self, of: &ScannedSegment, doc: DocId, reading: &mut ForwardScan) -> WordScores {
        let length = of.lengths.fieldnorm_id(doc);
        let score = |frequency| self.text.unit.score(length, frequency);
        let shares = self.weights.as_ref();
        let rows = |into: &mut Vec<u64>| of.tables.rows(doc, into);
        let found = reading.read(rows, score, shares, LITTLE * self.ceiling);
        WordScores {
            score: found.score,
            coverage: (found.score / self.ceiling).clamp(0.0, 1.0),
            proximity: found.proximity,
        }
    }

    /// Returns whether the question is in Latin letters and hardly any chunk is. The words that it then shares with a
    /// Chinese text (menu or product names) say little; in a Chinese question they say much.
    pub fn is_foreign(&self) -> bool {
        self.is_foreign
    }

    /// Returns the question's different terms, in the forms that the collection contains, with their weights.
    pub fn term_weights(&self) -> Vec<(String, f32)> {
        let mut weights = Vec::with_capacity(self.query_terms.len());
        for query_terms in &self.query_terms {
            match query_terms.forms.is_empty() {
                true => weights.push((query_terms.term.clone(), query_terms.weight)),
                false => weights.extend(
                    query_terms
                        .forms
                        .iter()
                        .map(|form| (form.term.clone(), form.boost * form.idf)),
                ),
            }
        }
        weights
    }

    /// Returns the question's terms.
    pub fn query_terms(&self) -> &[QueryTerm] {
        &self.query_terms
    }
}
