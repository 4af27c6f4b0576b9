use std::collections::HashMap;

use tantivy::postings::Postings;
use tantivy::query::{BooleanQuery, BoostQuery, EnableScoring, Occur, Query, TermQuery, Weight};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet, Searcher, SegmentReader, TERMINATED, TantivyError, Term};

use super::collector::Best;
use super::proximity::{Occurrences, best_window};
use super::schema::Fields;
use super::wanted::{Frequencies, Wanted};
use super::{IndexError, Selection};
use crate::config::Part;
use crate::text::{self, Synonyms};

/// BM25's saturation, as compiled into tantivy (Robertson et al., TREC-3; b is 0.75).
const K1: f32 = 1.2;
/// A collection with a smaller share of chunks in Latin letters is foreign to a question in them.
const FOREIGN: f32 = 0.02;
/// The name of writing in Latin letters.
pub const LATIN: &str = "latin";
/// Where chunks have fewer terms than this in the mean, that words stand together says nothing beyond that they
/// occur.
const SHORT: f32 = 80.0;
/// A chunk that covers less of a question has too few of its words for their distance to matter.
const LITTLE: f32 = 0.01;

/// A chunk found by words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeywordHit {
    pub key: u32,
    pub words: WordScores,
}

/// What a chunk has of a question's words.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct WordScores {
    /// BM25 of the question's terms in the chunk, ≥ 0.
    pub score: f32,
    /// BM25 divided by the highest BM25 the question could reach in this collection. In [0, 1].
    pub coverage: f32,
    /// How much of the question stands within 40 positions: the mean of the shares by terms and by single characters.
    /// In [0, 1]; 0 for all where chunks are short, and where coverage is below .01.
    pub proximity: f32,
}

/// One question against one state of the index.
pub struct KeywordSearch {
    searcher: Searcher,
    key_field: Field,
    text: Box<dyn Weight>,
    /// The highest BM25 the question could reach in the chunks' text: each of its terms, unknown ones too, at full
    /// saturation in a chunk of no length.
    ceiling: f32,
    /// Over the wordings of FAQ questions, which propose chunks whose long answers hide them; all are then scored by
    /// their whole text. `None` where no chunk has any.
    questions: Option<Box<dyn Weight>>,
    text_field: Field,
    wanted: Vec<Wanted>,
    characters: Vec<Wanted>,
    reads_positions: bool,
    is_foreign: bool,
}

/// BM25 of what is wanted, in one of its forms or more, over one field.
fn bm25(
    field: Field,
    wanted: &[Wanted],
    searcher: &Searcher,
) -> Result<Box<dyn Weight>, IndexError> {
    let clauses = wanted.iter().flat_map(|w| &w.forms).map(|form| {
        let term = Term::from_field_text(field, &form.term);
        let exact: Box<dyn Query> = Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs));
        let clause = match form.boost {
            1.0 => exact,
            boost => Box::new(BoostQuery::new(exact, boost)),
        };
        (Occur::Should, clause)
    });
    let query = BooleanQuery::new(clauses.collect());
    Ok(query.weight(EnableScoring::enabled_from_searcher(searcher))?)
}

/// A chunk's place in a segment, with its place in a list of keys.
type Place = (DocId, usize);

impl KeywordSearch {
    /// `None` where the question has no terms at all.
    pub fn prepare(
        searcher: Searcher,
        fields: &Fields,
        question: &str,
        synonyms: &Synonyms,
        without: &[Part],
    ) -> Result<Option<Self>, IndexError> {
        let key = text::search_key(question);
        let of_text = Frequencies::of(&searcher, fields.text)?;
        let wanted = of_text.wanted(&key, synonyms, without)?;
        if wanted.is_empty() {
            return Ok(None);
        }
        let n_chunks = of_text.n_chunks() as f32;
        let n_terms = n_tokens(&searcher, fields.text)?;
        let is_short = (n_terms as f32) < SHORT * n_chunks;
        let reads_positions = !is_short && !without.contains(&Part::Proximity);
        let characters = match reads_positions {
            true => of_text.characters(&key, &wanted)?,
            false => Vec::new(),
        };
        let has_questions = n_tokens(&searcher, fields.questions)? > 0;
        let questions = match has_questions && !without.contains(&Part::FaqQuestions) {
            true => Some(bm25(fields.questions, &wanted, &searcher)?),
            false => None,
        };
        let is_latin = !question.chars().any(text::is_cjk);
        let n_latin = searcher.doc_freq(&Term::from_field_text(fields.writing, LATIN))?;
        Ok(Some(Self {
            text: bm25(fields.text, &wanted, &searcher)?,
            ceiling: (1.0 + K1) * wanted.iter().map(|w| w.weight).sum::<f32>(),
            questions,
            key_field: fields.key,
            text_field: fields.text,
            wanted,
            characters,
            reads_positions,
            is_foreign: is_latin && (n_latin as f32) < FOREIGN * n_chunks,
            searcher,
        }))
    }

    /// The best `limit` chunks that are admitted, by the words of the chunk and, apart from these, by the wordings
    /// of FAQ questions; ordered by coverage, best first, ties by key.
    pub fn top(&self, limit: usize, selection: &Selection) -> Result<Vec<KeywordHit>, IndexError> {
        let mut keys = Vec::new();
        for weight in std::iter::once(&self.text).chain(&self.questions) {
            let mut best = Best::new(limit, selection);
            for reader in self.searcher.segment_readers() {
                best.walk(weight.as_ref(), reader)?;
            }
            keys.extend(best.keys());
        }
        keys.sort_unstable();
        keys.dedup();
        let mut hits: Vec<KeywordHit> = keys
            .iter()
            .zip(self.scores(&keys)?)
            .map(|(key, words)| KeywordHit { key: *key, words })
            .collect();
        hits.sort_by(|a, b| {
            let (x, y) = (a.words.coverage, b.words.coverage);
            y.total_cmp(&x).then(a.key.cmp(&b.key))
        });
        hits.truncate(limit);
        Ok(hits)
    }

    /// What given chunks have of the question's words, in the order of `keys`.
    pub fn scores(&self, keys: &[u32]) -> Result<Vec<WordScores>, IndexError> {
        let mut scores = vec![WordScores::default(); keys.len()];
        for reader in self.searcher.segment_readers() {
            let mut places = self.places(reader, keys)?;
            if places.is_empty() {
                continue;
            }
            let mut scorer = self.text.scorer(reader, 1.0)?;
            for (doc, i) in &places {
                if scorer.doc() < *doc {
                    scorer.seek(*doc);
                }
                if scorer.doc() == *doc {
                    scores[*i].score = scorer.score();
                    scores[*i].coverage = (scores[*i].score / self.ceiling).clamp(0.0, 1.0);
                }
            }
            if self.reads_positions {
                places.retain(|(_, i)| scores[*i].coverage >= LITTLE);
                for wanted in [&self.wanted, &self.characters] {
                    self.each_window(wanted, reader, &places, |i, share| {
                        scores[i].proximity += share / 2.0;
                    })?;
                }
            }
        }
        Ok(scores)
    }

    /// Where the live chunks of a segment are, in order.
    fn places(&self, reader: &SegmentReader, keys: &[u32]) -> Result<Vec<Place>, IndexError> {
        let inverted = reader.inverted_index(self.key_field)?;
        let mut places = Vec::with_capacity(keys.len());
        for (i, key) in keys.iter().enumerate() {
            let term = Term::from_field_u64(self.key_field, u64::from(*key));
            let found = inverted
                .read_postings(&term, IndexRecordOption::Basic)
                .map_err(TantivyError::from)?;
            let Some(mut postings) = found else { continue };
            let is_alive = |doc: DocId| {
                let alive = reader.alive_bitset();
                alive.is_none_or(|alive| alive.is_alive(doc))
            };
            let mut doc = postings.doc();
            while doc != TERMINATED && !is_alive(doc) {
                doc = postings.advance();
            }
            if doc != TERMINATED {
                places.push((doc, i));
            }
        }
        places.sort_unstable();
        Ok(places)
    }

    /// The share of what is wanted that stands together, of each chunk that has some of it.
    fn each_window(
        &self,
        wanted: &[Wanted],
        reader: &SegmentReader,
        places: &[Place],
        mut note: impl FnMut(usize, f32),
    ) -> Result<(), IndexError> {
        let inverted = reader.inverted_index(self.text_field)?;
        let mut occurrences: HashMap<DocId, Occurrences> = HashMap::with_capacity(places.len());
        let mut positions = Vec::new();
        for (number, wanted) in (0_u16..).zip(wanted) {
            for form in &wanted.forms {
                let term = Term::from_field_text(self.text_field, &form.term);
                let found = inverted
                    .read_postings(&term, IndexRecordOption::WithFreqsAndPositions)
                    .map_err(TantivyError::from)?;
                let Some(mut postings) = found else { continue };
                for (doc, _) in places {
                    if postings.doc() < *doc {
                        postings.seek(*doc);
                    }
                    if postings.doc() == *doc {
                        postings.positions(&mut positions);
                        let of_chunk = occurrences.entry(*doc).or_default();
                        of_chunk.extend(positions.iter().map(|position| (*position, number)));
                    }
                }
            }
        }
        let weights: Vec<f32> = wanted.iter().map(|wanted| wanted.weight).collect();
        for (doc, i) in places {
            if let Some(occurrences) = occurrences.get_mut(doc) {
                note(*i, best_window(occurrences, &weights));
            }
        }
        Ok(())
    }

    /// Whether the question is written in Latin letters and hardly a chunk here is. What words it then shares
    /// with a Chinese text (names of menus, of products) say little; in a Chinese question such words say much.
    pub fn is_foreign(&self) -> bool {
        self.is_foreign
    }

    /// The question's different terms, in the forms that the collection has, with how much each one tells.
    pub fn term_weights(&self) -> Vec<(String, f32)> {
        let mut weights = Vec::with_capacity(self.wanted.len());
        for wanted in &self.wanted {
            match wanted.forms.is_empty() {
                true => weights.push((wanted.term.clone(), wanted.weight)),
                false => weights.extend(
                    wanted
                        .forms
                        .iter()
                        .map(|form| (form.term.clone(), form.boost * form.idf)),
                ),
            }
        }
        weights
    }

    /// What the question was taken to ask for.
    pub fn wanted(&self) -> &[Wanted] {
        &self.wanted
    }
}

/// How many terms all chunks have in a field.
fn n_tokens(searcher: &Searcher, field: Field) -> Result<u64, IndexError> {
    let mut total = 0;
    for reader in searcher.segment_readers() {
        total += reader.inverted_index(field)?.total_num_tokens();
    }
    Ok(total)
}
