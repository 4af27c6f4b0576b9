use tantivy::postings::Postings;
use tantivy::query::Bm25Weight;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet, Searcher, SegmentReader, TERMINATED, TantivyError, Term};

use super::collector::{Best, K1, KEY_FIELD, List, Scored, Segment};
use super::proximity::{Occurrences, best_window};
use super::schema::Fields;
use super::wanted::{Form, Frequencies, Wanted};
use super::{IndexError, Selection};
use crate::config::Part;
use crate::text::{self, Synonyms};

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
    text: Proposing,
    /// The highest BM25 the question could reach in the chunks' text: each of its terms, unknown ones too, at full
    /// saturation in a chunk of no length.
    ceiling: f32,
    /// Over the wordings of FAQ questions, which propose chunks whose long answers hide them; all are then scored by
    /// their whole text. `None` where no chunk has any.
    questions: Option<Proposing>,
    wanted: Vec<Wanted>,
    sought: Vec<Sought>,
    /// What each term and each character tells, where positions are read.
    weights: Option<[Vec<f32>; 2]>,
    is_foreign: bool,
}

/// What is read once for all that is made of it.
struct Sought {
    forms: Vec<Form>,
    /// Its places among the terms and among the characters.
    term: Option<u16>,
    character: Option<u16>,
}

impl Sought {
    fn numbers(&self) -> [Option<u16>; 2] {
        [self.term, self.character]
    }

    fn of(wanted: &[Wanted], characters: &[Wanted]) -> Vec<Self> {
        let place = |of: &[Wanted], one: &Wanted| of.iter().position(|w| w.term == one.term);
        let terms = wanted.iter().enumerate().map(|(n, term)| (Some(n), term));
        let others = characters.iter().filter(|c| place(wanted, c).is_none());
        terms
            .chain(others.map(|character| (None, character)))
            .map(|(term, sought)| Self {
                forms: sought.forms.clone(),
                term: term.map(|n| n as u16),
                character: place(characters, sought).map(|n| n as u16),
            })
            .collect()
    }
}

/// BM25 of what is wanted, in one of its forms or more, over one field.
struct Proposing {
    field: Field,
    /// BM25 in the field of a term that tells 1.
    unit: Bm25Weight,
    /// Each with what it tells.
    terms: Vec<(Term, f32)>,
}

impl Proposing {
    /// `idf` says what a form tells in the field.
    fn of(
        frequencies: &Frequencies,
        wanted: &[Wanted],
        idf: impl Fn(&Form) -> Result<f32, IndexError>,
    ) -> Result<Self, IndexError> {
        let field = frequencies.field();
        let forms = wanted.iter().flat_map(|w| &w.forms);
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

    fn walk(&self, searcher: &Searcher, best: &mut Best) -> Result<(), IndexError> {
        for (number, reader) in (0..).zip(searcher.segment_readers()) {
            let inverted = reader.inverted_index(self.field)?;
            let mut lists = Vec::with_capacity(self.terms.len());
            for (term, weight) in &self.terms {
                let postings = inverted.read_block_postings(term, IndexRecordOption::WithFreqs);
                let weight = *weight;
                let list = postings.map_err(TantivyError::from)?;
                lists.extend(list.map(|postings| List { postings, weight }));
            }
            if !lists.is_empty() {
                let lengths = reader.get_fieldnorms_reader(self.field)?;
                best.walk(&Segment::of(number, reader, lengths, &self.unit)?, lists);
            }
        }
        Ok(())
    }
}

/// A chunk's place in a segment, with its place in a list.
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
        let is_short = (of_text.n_terms() as f32) < SHORT * n_chunks;
        let (mut characters, mut weights) = (Vec::new(), None);
        if !is_short && !without.contains(&Part::Proximity) {
            characters = of_text.characters(&key, &wanted)?;
            let of = |wanted: &[Wanted]| wanted.iter().map(|w| w.weight).collect();
            weights = Some([of(&wanted), of(&characters)]);
        }
        let of_questions = Frequencies::of(&searcher, fields.questions)?;
        let has_questions = of_questions.n_terms() > 0;
        let questions = match has_questions && !without.contains(&Part::FaqQuestions) {
            true => Some(Proposing::of(&of_questions, &wanted, |form| {
                of_questions.idf_of(&form.term)
            })?),
            false => None,
        };
        let is_latin = !question.chars().any(text::is_cjk);
        let n_latin = searcher.doc_freq(&Term::from_field_text(fields.writing, LATIN))?;
        Ok(Some(Self {
            text: Proposing::of(&of_text, &wanted, |form| Ok(form.idf))?,
            ceiling: (1.0 + K1) * wanted.iter().map(|w| w.weight).sum::<f32>(),
            questions,
            key_field: fields.key,
            sought: Sought::of(&wanted, &characters),
            wanted,
            weights,
            is_foreign: is_latin && (n_latin as f32) < FOREIGN * n_chunks,
            searcher,
        }))
    }

    /// The best `limit` chunks that are admitted, by the words of the chunk and, apart from these, by the wordings
    /// of FAQ questions; ordered by coverage, best first, ties by key.
    pub fn top(&self, limit: usize, selection: &Selection) -> Result<Vec<KeywordHit>, IndexError> {
        let mut found: Vec<Scored> = Vec::new();
        for proposing in std::iter::once(&self.text).chain(&self.questions) {
            let mut best = Best::new(limit, selection);
            proposing.walk(&self.searcher, &mut best)?;
            found.extend(best.found());
        }
        found.sort_unstable_by_key(|found| (found.segment, found.doc));
        found.dedup_by_key(|found| found.key);
        let mut scores = vec![WordScores::default(); found.len()];
        for (segment, reader) in (0..).zip(self.searcher.segment_readers()) {
            let here = found.iter().enumerate();
            let here = here.filter(|(_, found)| found.segment == segment);
            let places: Vec<Place> = here.map(|(i, found)| (found.doc, i)).collect();
            self.read(reader, &places, &mut scores)?;
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

    /// What given chunks have of the question's words, in the order of `keys`.
    pub fn scores(&self, keys: &[u32]) -> Result<Vec<WordScores>, IndexError> {
        let mut scores = vec![WordScores::default(); keys.len()];
        for reader in self.searcher.segment_readers() {
            let places = self.places(reader, keys)?;
            self.read(reader, &places, &mut scores)?;
        }
        Ok(scores)
    }

    /// Where the live chunks of a segment are, in order.
    fn places(&self, reader: &SegmentReader, keys: &[u32]) -> Result<Vec<Place>, IndexError> {
        let inverted = reader.inverted_index(self.key_field)?;
        let held = reader.fast_fields().u64(KEY_FIELD)?;
        let held = held.min_value()..=held.max_value();
        let mut places = Vec::with_capacity(keys.len());
        for (i, key) in keys.iter().enumerate() {
            if !held.contains(&u64::from(*key)) {
                continue;
            }
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

    /// Reads what the chunks at some places of a segment, in order, have of the question's words: one term after another, each
    /// once and only where the chunks are.
    fn read(
        &self,
        reader: &SegmentReader,
        places: &[Place],
        scores: &mut [WordScores],
    ) -> Result<(), IndexError> {
        if places.is_empty() {
            return Ok(());
        }
        let (field, unit) = (self.text.field, &self.text.unit);
        let inverted = reader.inverted_index(field)?;
        let lengths = reader.get_fieldnorms_reader(field)?;
        let option = match self.weights {
            Some(_) => IndexRecordOption::WithFreqsAndPositions,
            None => IndexRecordOption::WithFreqs,
        };
        let mut occurrences: Vec<[Occurrences; 2]> = Vec::new();
        occurrences.resize_with(places.len(), Default::default);
        let mut positions = Vec::new();
        for sought in &self.sought {
            for form in &sought.forms {
                let term = Term::from_field_text(field, &form.term);
                let postings = inverted.read_postings(&term, option);
                let Some(mut postings) = postings.map_err(TantivyError::from)? else {
                    continue;
                };
                for ((doc, i), occurrences) in places.iter().zip(&mut occurrences) {
                    if postings.doc() < *doc {
                        postings.seek(*doc);
                    }
                    if postings.doc() != *doc {
                        continue;
                    }
                    if sought.term.is_some() {
                        let of_unit = unit.score(lengths.fieldnorm_id(*doc), postings.term_freq());
                        scores[*i].score += form.boost * form.idf * of_unit;
                    }
                    if self.weights.is_some() {
                        postings.positions(&mut positions);
                        for (of, number) in occurrences.iter_mut().zip(sought.numbers()) {
                            if let Some(number) = number {
                                of.extend(positions.iter().map(|position| (*position, number)));
                            }
                        }
                    }
                }
            }
        }
        for ((_, i), occurrences) in places.iter().zip(&mut occurrences) {
            let words = &mut scores[*i];
            words.coverage = (words.score / self.ceiling).clamp(0.0, 1.0);
            if let Some(weights) = self.weights.as_ref().filter(|_| words.coverage >= LITTLE) {
                let shares = occurrences.iter_mut().zip(weights);
                words.proximity = shares.map(|(of, weights)| best_window(of, weights)).sum();
                words.proximity /= 2.0;
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
