//! A snapshot of the keyword index: tantivy's readers, and the tables computed once per segment.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, PoisonError, RwLock};

use fnv::FnvHasher;

use roaring::RoaringBitmap;
use tantivy::columnar::Column;
use tantivy::index::SegmentId;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, Searcher, SegmentReader, TERMINATED, TantivyError, Term};

use super::forward;
use super::keyword_search::LATIN;
use super::maxscore::KEY_FIELD;
use super::schema::{FORWARD_FIELD, Fields, RESTRICTED};

/// A snapshot of the keyword index. A commit replaces it by a new one.
pub struct IndexSnapshot {
    /// tantivy's searcher over the snapshot.
    pub searcher: Searcher,
    /// Whether any chunk has an audience, a channel or a validity period.
    pub has_restricted: bool,
    /// The share of chunks in Latin letters, in [0, 1]. It includes deleted chunks whose segment has not been merged
    /// since.
    pub latin: f32,
    readers: Vec<SegmentReader>,
    segments: HashMap<SegmentId, Arc<SegmentTables>>,
}

impl IndexSnapshot {
    /// Builds a view from a searcher. Segments that `earlier` contains keep its tables.
    pub fn of(
        searcher: Searcher,
        fields: &Fields,
        earlier: Option<&Self>,
    ) -> tantivy::Result<Self> {
        let mut segments = HashMap::new();
        for reader in searcher.segment_readers() {
            let id = reader.segment_id();
            let known = earlier.and_then(|earlier| earlier.segments.get(&id));
            let tables = match known {
                Some(tables) => tables.clone(),
                None => Arc::new(SegmentTables::of(reader, fields)?),
            };
            tables.subtract_deleted(reader, fields)?;
            segments.insert(id, tables);
        }
        let restricted = Term::from_field_text(fields.restricted, RESTRICTED);
        let latin = searcher.doc_freq(&Term::from_field_text(fields.writing, LATIN))?;
        let readers = searcher.segment_readers().to_vec();
        Ok(Self {
            has_restricted: searcher.doc_freq(&restricted)? > 0,
            latin: latin as f32 / n_all(&readers).max(1) as f32,
            searcher,
            readers,
            segments,
        })
    }

    /// Returns this view with another's segments after its own. Search, scores and counts then cover both. The
    /// searcher, which selects chunks, remains this view's.
    pub fn with(&self, other: &Self) -> Self {
        let mut readers = self.readers.clone();
        readers.extend_from_slice(&other.readers);
        let mut segments = self.segments.clone();
        segments.extend(
            other
                .segments
                .iter()
                .map(|(id, tables)| (*id, tables.clone())),
        );
        let latin = [self, other].map(|view| view.latin * n_all(&view.readers) as f32);
        Self {
            searcher: self.searcher.clone(),
            has_restricted: self.has_restricted || other.has_restricted,
            latin: (latin[0] + latin[1]) / n_all(&readers).max(1) as f32,
            readers,
            segments,
        }
    }

    /// Returns the segments' readers, in the order of [`Self::segments`].
    pub fn readers(&self) -> &[SegmentReader] {
        &self.readers
    }

    /// Returns the segments, each with its tables.
    pub fn segments(&self) -> impl Iterator<Item = (&SegmentReader, &SegmentTables)> {
        let readers = self.readers.iter();
        readers.map(|reader| (reader, &*self.segments[&reader.segment_id()]))
    }

    /// Returns the keys of the chunks in Latin letters, including some deleted ones.
    pub fn latin_keys(&self) -> RoaringBitmap {
        let tables = self.segments.values();
        tables.fold(RoaringBitmap::new(), |keys, tables| keys | &tables.latin)
    }

    /// Returns whether a bigram of common Han may occur, without a lookup in the dictionaries; `true` for other
    /// bigrams.
    pub fn may_contain(&self, first: char, second: char) -> bool {
        let Some(packed) = packed(first, second) else {
            return true;
        };
        let mut tables = self.segments.values();
        tables.any(|tables| tables.bigrams.contains(packed))
    }
}

/// Returns how many chunks the segments have, including deleted ones.
fn n_all(readers: &[SegmentReader]) -> u64 {
    readers
        .iter()
        .map(|reader| u64::from(reader.max_doc()))
        .sum()
}

/// The tables of one segment. A segment is immutable except for deletions.
pub struct SegmentTables {
    /// Key and document number, sorted by key. A key that was written again occurs more than once.
    places: Vec<(u32, DocId)>,
    /// See [`super::forward`].
    forward: Column<u64>,
    /// The bigrams of common Han in the text, packed.
    bigrams: RoaringBitmap,
    /// The keys of the chunks in Latin letters, including deleted ones.
    latin: RoaringBitmap,
    /// The number of terms in all chunks, including deleted ones. Lengths are exact to one byte of precision.
    n_terms: u64,
    deleted: RwLock<DeletedCounts>,
}

/// Counts of the deleted chunks. tantivy counts deleted chunks until their segment is merged. Subtracting these counts
/// makes a term's weight independent of earlier content and of the time of merges.
#[derive(Default)]
struct DeletedCounts {
    docs: RoaringBitmap,
    n_terms: u64,
    /// The number of deleted chunks with a term, by the term's [code](forward::code_of).
    n_with: HashMap<u64, u32, BuildHasherDefault<FnvHasher>>,
}

impl SegmentTables {
    fn of(reader: &SegmentReader, fields: &Fields) -> tantivy::Result<Self> {
        let keys = reader.fast_fields().u64(KEY_FIELD)?;
        let docs = 0..reader.max_doc();
        let places = docs.filter_map(|doc| keys.first(doc).map(|key| (key as u32, doc)));
        let mut places: Vec<(u32, DocId)> = places.collect();
        places.sort_unstable();
        let inverted = reader.inverted_index(fields.text)?;
        let mut bigrams = RoaringBitmap::new();
        let mut terms = inverted.terms().stream().map_err(TantivyError::from)?;
        while terms.advance() {
            let mut term = std::str::from_utf8(terms.key()).unwrap_or_default().chars();
            if let (Some(first), Some(second), None) = (term.next(), term.next(), term.next())
                && let Some(packed) = packed(first, second)
            {
                bigrams.insert(packed);
            }
        }
        let term = Term::from_field_text(fields.writing, LATIN);
        let mut latin = RoaringBitmap::new();
        let of_writing = reader.inverted_index(fields.writing)?;
        if let Some(mut docs) = of_writing.read_postings(&term, IndexRecordOption::Basic)? {
            while docs.doc() != TERMINATED {
                latin.extend(keys.first(docs.doc()).map(|key| key as u32));
                docs.advance();
            }
        }
        // The column is missing if no chunk has a term.
        let forward = reader.fast_fields().column_opt(FORWARD_FIELD)?;
        let lengths = reader.get_fieldnorms_reader(fields.text)?;
        let length = |doc| u64::from(lengths.fieldnorm(doc));
        Ok(Self {
            places,
            forward: forward.unwrap_or_else(|| Column::build_empty_column(reader.max_doc())),
            bigrams,
            latin,
            n_terms: (0..reader.max_doc()).map(length).sum(),
            deleted: RwLock::default(),
        })
    }

    /// Adds the chunks deleted since the last call to the counts of deleted chunks.
    fn subtract_deleted(&self, reader: &SegmentReader, fields: &Fields) -> tantivy::Result<()> {
        let mut deleted = self.deleted.write().unwrap_or_else(PoisonError::into_inner);
        let Some(alive) = reader.alive_bitset() else {
            return Ok(());
        };
        if u64::from(reader.num_deleted_docs()) == deleted.docs.len() {
            return Ok(());
        }
        let lengths = reader.get_fieldnorms_reader(fields.text)?;
        let mut rows = Vec::new();
        for doc in (0..reader.max_doc()).filter(|doc| alive.is_deleted(*doc)) {
            if deleted.docs.insert(doc) {
                deleted.n_terms += u64::from(lengths.fieldnorm(doc));
                self.rows(doc, &mut rows);
                for term in forward::different_terms(&rows) {
                    *deleted.n_with.entry(term).or_default() += 1;
                }
            }
        }
        Ok(())
    }

    /// Returns how many live chunks there are.
    pub fn n_chunks(&self) -> u64 {
        let deleted = self.deleted.read().unwrap_or_else(PoisonError::into_inner);
        self.places.len() as u64 - deleted.docs.len()
    }

    /// Returns how many terms the live chunks have.
    pub fn n_terms(&self) -> u64 {
        let deleted = self.deleted.read().unwrap_or_else(PoisonError::into_inner);
        self.n_terms - deleted.n_terms
    }

    /// Returns how many deleted chunks, which tantivy still counts, contain a term.
    pub fn n_deleted_with(&self, term: &str) -> u64 {
        let deleted = self.deleted.read().unwrap_or_else(PoisonError::into_inner);
        if deleted.docs.is_empty() {
            return 0;
        }
        let n_with = deleted.n_with.get(&forward::code_of(term));
        n_with.map_or(0, |n| u64::from(*n))
    }

    /// Returns the document number of the live chunk with a key.
    pub fn place(&self, reader: &SegmentReader, key: u32) -> Option<DocId> {
        let first = self.places.partition_point(|(held, _)| *held < key);
        let same = self.places[first..].iter();
        let mut same = same.take_while(|(held, _)| *held == key);
        let alive = reader.alive_bitset();
        let is_alive = |doc: DocId| alive.is_none_or(|alive| alive.is_alive(doc));
        same.find(|(_, doc)| is_alive(*doc)).map(|(_, doc)| *doc)
    }

    /// Reads a chunk's [rows](super::forward::rows) into a buffer.
    pub fn rows(&self, doc: DocId, into: &mut Vec<u64>) {
        let rows = self.forward.index.value_row_ids(doc);
        into.resize(rows.len(), 0);
        self.forward.values.get_range(u64::from(rows.start), into);
    }
}

/// Packs two Han of the main block into 30 bits; `None` for other characters.
fn packed(first: char, second: char) -> Option<u32> {
    let number = |c: char| {
        let is_common = ('\u{4E00}'..='\u{9FFF}').contains(&c);
        is_common.then(|| u32::from(c) - 0x4E00)
    };
    Some(number(first)? << 15 | number(second)?)
}
