//! The top chunks of a keyword search: exact BM25 scoring, term at a time, with early termination (MaxScore).

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use tantivy::columnar::Column;
use tantivy::fastfield::AliveBitSet;
use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::BlockSegmentPostings;
use tantivy::query::Bm25Weight;
use tantivy::{DocId, Score, SegmentReader};

use super::Selection;

/// The name of the field that contains a chunk's key.
pub const KEY_FIELD: &str = "key";
/// BM25's k1, the saturation of term frequency, as compiled into tantivy (Robertson et al., TREC-3; b is 0.75).
pub const K1: f32 = 1.2;
/// The relative error of floating point sums that are added up in different orders is below this.
const ROUNDING: f32 = 1e-4;

/// If fewer than one chunk in this many has a score, sorting those chunks is faster than scanning all chunks in order.
/// An estimate.
const DENSE: usize = 32;

/// A scored chunk and its location. Ordered so that a better chunk is greater; ties go by key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredChunk {
    /// The BM25 score, ≥ 0.
    pub score: Score,
    /// The chunk's key.
    pub key: u32,
    /// The number of the chunk's segment, in the order of the view's readers.
    pub segment: u32,
    /// The chunk's number in its segment.
    pub doc: DocId,
}

impl Eq for ScoredChunk {}

impl Ord for ScoredChunk {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score
            .total_cmp(&other.score)
            .then(other.key.cmp(&self.key))
    }
}

impl PartialOrd for ScoredChunk {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The posting list of a term in one segment.
pub struct PostingList {
    /// The chunks that contain the term, with its frequencies.
    pub postings: BlockSegmentPostings,
    /// The term's weight (inverse document frequency times boost), > 0.
    pub weight: Score,
}

impl PostingList {
    /// Returns the most that the term can add to a chunk's score.
    fn most(&self) -> Score {
        self.weight * (1.0 + K1)
    }
}

/// The parts of a segment that choosing and scoring chunks needs.
pub struct Segment<'a> {
    number: u32,
    keys: Column<u64>,
    alive: Option<&'a AliveBitSet>,
    n_chunks: usize,
    lengths: FieldNormReader,
    /// BM25 of a term of weight 1.
    unit: &'a Bm25Weight,
}

impl<'a> Segment<'a> {
    /// Collects the parts of a segment; `number` becomes [`ScoredChunk::segment`].
    pub fn of(
        number: u32,
        reader: &'a SegmentReader,
        lengths: FieldNormReader,
        unit: &'a Bm25Weight,
    ) -> tantivy::Result<Self> {
        Ok(Self {
            number,
            keys: reader.fast_fields().u64(KEY_FIELD)?,
            alive: reader.alive_bitset(),
            n_chunks: reader.max_doc() as usize,
            lengths,
            unit,
        })
    }

    fn score(&self, doc: DocId, frequency: u32) -> Score {
        self.unit.score(self.lengths.fieldnorm_id(doc), frequency)
    }
}

/// The partial scores of a segment's chunks.
#[derive(Default)]
struct ScoreAccumulator {
    of: Vec<Score>,
    /// The chunks with a partial score above 0.
    touched: Vec<DocId>,
}

impl ScoreAccumulator {
    fn add(&mut self, list: &mut PostingList, segment: &Segment) {
        while !list.postings.docs().is_empty() {
            let (docs, frequencies) = (list.postings.docs(), list.postings.freqs());
            for (doc, frequency) in docs.iter().zip(frequencies) {
                let sum = &mut self.of[*doc as usize];
                if *sum == 0.0 {
                    self.touched.push(*doc);
                }
                *sum += list.weight * segment.score(*doc, *frequency);
            }
            list.postings.advance();
        }
    }

    /// Like [`Self::add`], but only for the chosen chunks, which are in ascending order.
    fn add_to(&mut self, chosen: &[DocId], list: &mut PostingList, segment: &Segment) {
        for doc in chosen {
            let at = list.postings.seek(*doc);
            if list.postings.doc(at) == *doc {
                let score = segment.score(*doc, list.postings.freq(at));
                self.of[*doc as usize] += list.weight * score;
            }
        }
    }
}

/// The exact top `limit` chunks that a selection admits, over all segments walked so far.
///
/// Terms are processed one at a time, in descending weight (MaxScore: Turtle and Flood 1995). Once the remaining terms
/// together cannot lift a chunk without any earlier term into the top, no new chunks are collected. The remaining
/// posting lists are then only probed for the collected chunks. Chunks that are not admitted never count towards the
/// top. Questions here have dozens of terms, for which this is several times faster than tantivy's block-max walk
/// (docs/measured/speed.md).
pub struct TopK<'a> {
    limit: usize,
    selection: &'a Selection,
    heap: BinaryHeap<Reverse<ScoredChunk>>,
    sums: ScoreAccumulator,
}

impl<'a> TopK<'a> {
    /// Starts with no chunks.
    pub fn new(limit: usize, selection: &'a Selection) -> Self {
        Self {
            limit,
            selection,
            heap: BinaryHeap::with_capacity(limit + 1),
            sums: ScoreAccumulator::default(),
        }
    }

    /// Adds the top chunks of one more segment, scored by `lists`.
    pub fn walk(&mut self, segment: &Segment, mut lists: Vec<PostingList>) {
        lists.sort_unstable_by(|a, b| b.weight.total_cmp(&a.weight));
        // The most that each list and all lists after it can add together.
        let mut rests = vec![0.0; lists.len() + 1];
        for (n, list) in lists.iter().enumerate().rev() {
            rests[n] = rests[n + 1] + list.most() * (1.0 + ROUNDING);
        }
        if self.sums.of.len() < segment.n_chunks {
            self.sums.of.resize(segment.n_chunks, 0.0);
        }
        let mut sums = std::mem::take(&mut self.sums);
        let mut floor = self.floor(segment, &[], &sums);
        let (mut n_walked, mut n_since) = (0, 0);
        for list in &mut lists {
            // Computing the floor must not cost more than walking the lists.
            if n_since * 2 >= sums.touched.len() {
                floor = self.floor(segment, &sums.touched, &sums);
                n_since = 0;
            }
            if rests[n_walked] < floor {
                break;
            }
            n_since += list.postings.doc_freq() as usize;
            sums.add(list, segment);
            n_walked += 1;
        }
        let reaches = |sums: &ScoreAccumulator, doc: DocId, rest: Score, floor: Score| {
            sums.of[doc as usize] * (1.0 + ROUNDING) + rest >= floor
        };
        let reaching = |doc: &DocId| reaches(&sums, *doc, rests[n_walked], floor);
        let mut chosen: Vec<DocId> = match sums.touched.len() * DENSE < segment.n_chunks {
            true => {
                let touched = sums.touched.iter().copied();
                let mut chosen: Vec<DocId> = touched.filter(reaching).collect();
                chosen.sort_unstable();
                chosen
            }
            false => {
                let all = 0..segment.n_chunks as DocId;
                all.filter(|doc| sums.of[*doc as usize] > 0.0 && reaching(doc))
                    .collect()
            }
        };
        for (list, rest) in lists.iter_mut().zip(&rests[1..]).skip(n_walked) {
            sums.add_to(&chosen, list, segment);
            if chosen.len() > self.limit {
                floor = self.floor(segment, &chosen, &sums);
                chosen.retain(|doc| reaches(&sums, *doc, *rest, floor));
            }
        }
        put(
            &mut self.heap,
            self.limit,
            self.selection,
            segment,
            &chosen,
            &sums,
        );
        for doc in sums.touched.drain(..) {
            sums.of[doc as usize] = 0.0;
        }
        self.sums = sums;
    }

    /// Returns a score that at least `limit` chunks reach, counting those of earlier segments and the partial scores of
    /// `docs`; 0 if there are fewer.
    fn floor(&self, segment: &Segment, docs: &[DocId], sums: &ScoreAccumulator) -> Score {
        let mut heap = self.heap.clone();
        put(&mut heap, self.limit, self.selection, segment, docs, sums);
        let worst = heap.peek().filter(|_| heap.len() >= self.limit);
        worst.map_or(0.0, |worst| worst.0.score)
    }

    /// Returns the top chunks in no particular order.
    pub fn found(self) -> impl Iterator<Item = ScoredChunk> {
        self.heap.into_iter().map(|Reverse(scored)| scored)
    }
}

/// Adds those chunks to the heap that are alive, admitted and good enough.
fn put(
    heap: &mut BinaryHeap<Reverse<ScoredChunk>>,
    limit: usize,
    selection: &Selection,
    segment: &Segment,
    docs: &[DocId],
    sums: &ScoreAccumulator,
) {
    for doc in docs {
        let score = sums.of[*doc as usize];
        let worst = heap.peek().filter(|_| heap.len() >= limit);
        if worst.is_some_and(|worst| score < worst.0.score)
            || segment.alive.is_some_and(|alive| !alive.is_alive(*doc))
        {
            continue;
        }
        let Some(key) = segment.keys.first(*doc) else {
            continue;
        };
        let scored = ScoredChunk {
            score,
            key: key as u32,
            segment: segment.number,
            doc: *doc,
        };
        if worst.is_none_or(|worst| scored > worst.0) && selection.admits(scored.key) {
            heap.push(Reverse(scored));
            if heap.len() > limit {
                heap.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use roaring::RoaringBitmap;
    use tantivy::collector::DocSetCollector;
    use tantivy::query::{
        AllQuery, Bm25StatisticsProvider, BooleanQuery, BoostQuery, EnableScoring, Occur, Query,
        TermQuery,
    };
    use tantivy::schema::{Field, IndexRecordOption};
    use tantivy::{Index, IndexWriter, Searcher, TantivyDocument, Term};

    use super::*;
    use crate::index::forward;
    use crate::index::query_terms::Frequencies;
    use crate::index::schema::{ANALYZER, Analyzer, Fields, joined, schema};
    use crate::index::snapshot::IndexSnapshot;
    use ken_text::text;

    /// Counts the live chunks by a scan of all of them.
    struct Alive<'a>(&'a Searcher);

    impl Alive<'_> {
        fn count(&self, query: &dyn Query) -> u64 {
            self.0.search(query, &DocSetCollector).unwrap().len() as u64
        }
    }

    impl Bm25StatisticsProvider for Alive<'_> {
        fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
            let mut total = 0;
            for reader in self.0.segment_readers() {
                let lengths = reader.get_fieldnorms_reader(field)?;
                let alive = reader.doc_ids_alive();
                total += alive
                    .map(|doc| u64::from(lengths.fieldnorm(doc)))
                    .sum::<u64>();
            }
            Ok(total)
        }

        fn total_num_docs(&self) -> tantivy::Result<u64> {
            Ok(self.count(&AllQuery))
        }

        fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
            let query = TermQuery::new(term.clone(), IndexRecordOption::Basic);
            Ok(self.count(&query))
        }
    }

    /// Builds chunks with a few frequent and many rare words, in several segments. Some chunks are then deleted.
    fn made(segments: &[usize], seed: u64) -> (Searcher, Fields) {
        let (schema, fields) = schema();
        let index = Index::create_in_ram(schema);
        index.tokenizers().register(ANALYZER, Analyzer);
        let mut writer: IndexWriter = index.writer_with_num_threads(1, 20_000_000).unwrap();
        writer.set_merge_policy(Box::new(tantivy::merge_policy::NoMergePolicy));
        let mut random = fastrand::Rng::with_seed(seed);
        let mut key = 0_u64;
        for n_chunks in segments {
            for _ in 0..*n_chunks {
                let n_words = random.usize(1..60);
                let words = (0..n_words).map(|_| word(300_f64.powf(random.f64()) as u32));
                let text = words.collect::<Vec<_>>().join(" ");
                let mut document = TantivyDocument::new();
                document.add_u64(fields.key, key);
                let terms = text::index_terms(&text);
                for row in forward::rows(&terms) {
                    document.add_u64(fields.forward, row);
                }
                document.add_text(fields.text, joined(&terms));
                writer.add_document(document).unwrap();
                key += 1;
            }
            writer.commit().unwrap();
        }
        for gone in (0..key).filter(|_| random.u32(..5) == 0) {
            writer.delete_term(Term::from_field_u64(fields.key, gone));
        }
        writer.commit().unwrap();
        (index.reader().unwrap().searcher(), fields)
    }

    fn word(n: u32) -> String {
        format!("w{n}")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn top_k_equals_exhaustive_search(
            segments in proptest::collection::vec(1_usize..400, 1..4),
            seed in any::<u64>(),
            asked in proptest::collection::btree_map(0_u32..300, 0.1_f32..1.0, 1..40),
            limit in 1_usize..40,
            share in 0_u32..4,
        ) {
            let (searcher, fields) = made(&segments, seed);
            let only = (share > 0).then(|| {
                let keys = 0..segments.iter().sum::<usize>() as u32;
                keys.filter(|key| key % (share + 1) == 0).collect::<RoaringBitmap>()
            });
            let selection = Selection { only, ..Selection::default() };
            let readers = searcher.segment_readers();

            // tantivy's own scores of every chunk that contains any of the terms.
            let mut terms = Vec::new();
            let clauses = asked.iter().map(|(n, boost)| {
                let term = Term::from_field_text(fields.text, &word(*n));
                terms.push((term.clone(), *boost));
                let query = TermQuery::new(term, IndexRecordOption::WithFreqs);
                (Occur::Should, Box::new(BoostQuery::new(Box::new(query), *boost)) as Box<dyn Query>)
            });
            let query = BooleanQuery::new(clauses.collect());
            let alive = searcher.search(&query, &DocSetCollector).unwrap();
            let weight = query.weight(EnableScoring::enabled_from_statistics_provider(&Alive(&searcher), &searcher)).unwrap();
            let mut expected: Vec<Score> = Vec::new();
            for (number, reader) in (0..).zip(readers) {
                let keys = reader.fast_fields().u64(KEY_FIELD).unwrap();
                weight.for_each(reader, &mut |doc, score| {
                    let key = keys.first(doc).unwrap() as u32;
                    if alive.contains(&tantivy::DocAddress::new(number, doc)) && selection.admits(key) {
                        expected.push(score);
                    }
                }).unwrap();
            }
            expected.sort_by(|a, b| b.total_cmp(a));
            expected.truncate(limit);

            let view = Arc::new(IndexSnapshot::of(searcher.clone(), &fields, None).unwrap());
            let frequencies = Frequencies::of_text(&view, &fields).unwrap();
            let unit = frequencies.unit();
            let mut best = TopK::new(limit, &selection);
            for (number, reader) in (0..).zip(readers) {
                let inverted = reader.inverted_index(fields.text).unwrap();
                let lists = terms.iter().filter_map(|(term, boost)| {
                    let postings = inverted.read_block_postings(term, IndexRecordOption::WithFreqs);
                    let idf = frequencies.idf_of(term.value().as_str().unwrap()).unwrap();
                    Some(PostingList { postings: postings.unwrap()?, weight: boost * idf })
                });
                let lengths = reader.get_fieldnorms_reader(fields.text).unwrap();
                let segment = Segment::of(number, reader, lengths, &unit).unwrap();
                best.walk(&segment, lists.collect());
            }
            let mut found: Vec<Score> = best.found().map(|found| found.score).collect();
            found.sort_by(|a, b| b.total_cmp(a));
            prop_assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                prop_assert!((found - expected).abs() <= expected * 1e-4, "{found} is not {expected}");
            }
        }
    }
}
