use std::sync::Arc;

use tantivy::fieldnorm::FieldNormReader;
use tantivy::query::Bm25Weight;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, SegmentReader, TantivyError, Term};

use super::collector::{Best, K1, List, Scored, Segment};
use super::forward::{Reading, Target};
use super::schema::Fields;
use super::view::{SegmentTables, View};
use super::wanted::{Form, Frequencies, Wanted};
use super::{IndexError, Selection};
use ken_base::config::Part;
use ken_text::text::{self, Synonyms};

/// A collection with a smaller share of chunks in Latin letters is foreign to a question in them.
pub const FOREIGN: f32 = 0.02;
/// The name of writing in Latin letters.
pub const LATIN: &str = "latin";
/// Where chunks have fewer terms than this in the mean, that words stand together says nothing beyond that they
/// occur.
const SHORT: f32 = 80.0;
/// A chunk that covers less of a question has too few of its words for their distance to matter.
const LITTLE: f32 = 0.01;

/// Whether a question is written without Han, kana and hangul.
pub fn is_latin(question: &str) -> bool {
    !question.chars().any(text::is_cjk)
}

/// A chunk found by words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeywordHit {
    pub key: u32,
    pub words: WordScores,
}

/// What a chunk has of a question's words.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct WordScores {
    /// BM25 of the question's terms in the chunk, each in the form of it that tells most, ≥ 0.
    pub score: f32,
    /// BM25 divided by the highest BM25 the question could reach in this collection. In [0, 1].
    pub coverage: f32,
    /// How much of the question stands within 40 positions: the mean of the shares by terms and by single characters.
    /// In [0, 1]; 0 for all where chunks are short, and where coverage is below .01.
    pub proximity: f32,
}

/// One question against one state of the index.
pub struct KeywordSearch {
    view: Arc<View>,
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

    fn walk(&self, readers: &[SegmentReader], best: &mut Best) -> Result<(), IndexError> {
        for (number, reader) in (0..).zip(readers) {
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

/// What chunks of a segment are read by.
struct OfSegment<'a> {
    lengths: FieldNormReader,
    tables: &'a SegmentTables,
}

impl KeywordSearch {
    /// `None` where the question has no terms at all.
    pub fn prepare(
        view: Arc<View>,
        fields: &Fields,
        question: &str,
        synonyms: &Synonyms,
        without: &[Part],
    ) -> Result<Option<Self>, IndexError> {
        let key = text::search_key(question);
        let of_text = Frequencies::of_text(&view, fields)?;
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
        let of_questions = Frequencies::of_questions(&view, fields)?;
        let has_questions = of_questions.n_terms() > 0;
        let questions = match has_questions && !without.contains(&Part::FaqQuestions) {
            true => Some(Proposing::of(&of_questions, &wanted, |form| {
                of_questions.idf_of(&form.term)
            })?),
            false => None,
        };
        Ok(Some(Self {
            text: Proposing::of(&of_text, &wanted, |form| Ok(form.idf))?,
            ceiling: (1.0 + K1) * wanted.iter().map(|w| w.weight).sum::<f32>(),
            questions,
            sought: Sought::of(&wanted, &characters),
            wanted,
            weights,
            is_foreign: is_latin(question) && view.latin < FOREIGN,
            view,
        }))
    }

    /// The best `limit` chunks that are admitted, by the words of the chunk and, apart from these, by the wordings
    /// of FAQ questions; ordered by coverage, best first, ties by key.
    pub fn top(&self, limit: usize, selection: &Selection) -> Result<Vec<KeywordHit>, IndexError> {
        let mut found: Vec<Scored> = Vec::new();
        for proposing in std::iter::once(&self.text).chain(&self.questions) {
            let mut best = Best::new(limit, selection);
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

    /// What given chunks have of the question's words, in the order of `keys`.
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

    fn reading(&self) -> Reading {
        let forms = |sought: &Sought| sought.forms.len();
        let mut targets = Vec::with_capacity(self.sought.iter().map(forms).sum());
        for sought in &self.sought {
            targets.extend(sought.forms.iter().map(|form| Target {
                term: &form.term,
                weight: match sought.term {
                    Some(_) => form.boost * form.idf,
                    None => 0.0,
                },
                numbers: sought.numbers(),
            }));
        }
        Reading::of(&targets)
    }

    fn of_segment<'a>(
        &self,
        reader: &SegmentReader,
        tables: &'a SegmentTables,
    ) -> Result<OfSegment<'a>, IndexError> {
        Ok(OfSegment {
            lengths: reader.get_fieldnorms_reader(self.text.field)?,
            tables,
        })
    }

    /// Reads what a chunk has of the question's words.
    fn read(&self, of: &OfSegment, doc: DocId, reading: &mut Reading) -> WordScores {
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
