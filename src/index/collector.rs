use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::Column;
use tantivy::query::Weight;
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

use super::Selection;

/// The name of the field that holds a chunk's key.
pub const KEY_FIELD: &str = "key";

/// The best chunks by score that a selection admits, best first, ties by key.
///
/// Chunks that are not admitted are passed over while the posting lists are walked, so the result is exact, and
/// the score that the last admitted chunk set still lets tantivy skip blocks that cannot reach it.
pub struct TopChunks<'a> {
    pub limit: usize,
    pub selection: &'a Selection,
}

/// Ordered so that a better chunk is greater.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    pub score: Score,
    pub key: u32,
}

impl Eq for Scored {}

impl Ord for Scored {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score
            .total_cmp(&other.score)
            .then(other.key.cmp(&self.key))
    }
}

impl PartialOrd for Scored {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Collector for TopChunks<'_> {
    type Fruit = Vec<Scored>;
    type Child = Unused;

    fn for_segment(&self, _: SegmentOrdinal, _: &SegmentReader) -> tantivy::Result<Unused> {
        Ok(Unused)
    }

    fn requires_scoring(&self) -> bool {
        true
    }

    fn collect_segment(
        &self,
        weight: &dyn Weight,
        _: u32,
        reader: &SegmentReader,
    ) -> tantivy::Result<Vec<Scored>> {
        let keys: Column<u64> = reader.fast_fields().u64(KEY_FIELD)?;
        let mut best: BinaryHeap<Reverse<Scored>> = BinaryHeap::with_capacity(self.limit + 1);
        let mut collect = |doc: DocId, score: Score, threshold: Score| -> Score {
            if reader
                .alive_bitset()
                .is_some_and(|alive| alive.is_deleted(doc))
            {
                return threshold;
            }
            let Some(key) = keys.first(doc).map(|key| key as u32) else {
                return threshold;
            };
            if !self.selection.admits(key) {
                return threshold;
            }
            best.push(Reverse(Scored { score, key }));
            if best.len() <= self.limit {
                return threshold;
            }
            best.pop();
            // Just below the worst kept score: an equal score with a smaller key still has to be seen.
            best.peek()
                .map_or(threshold, |worst| worst.0.score.next_down())
        };
        let mut threshold = Score::MIN;
        weight.for_each_pruning(threshold, reader, &mut |doc, score| {
            threshold = collect(doc, score, threshold);
            threshold
        })?;
        Ok(best.into_iter().map(|Reverse(scored)| scored).collect())
    }

    fn merge_fruits(&self, segments: Vec<Vec<Scored>>) -> tantivy::Result<Vec<Scored>> {
        let mut all = segments.concat();
        all.sort_by(|a, b| b.cmp(a));
        all.truncate(self.limit);
        Ok(all)
    }
}

/// Collection is done segment by segment above; tantivy's signature still wants a type here.
pub struct Unused;

impl SegmentCollector for Unused {
    type Fruit = Vec<Scored>;

    fn collect(&mut self, _: DocId, _: Score) {}

    fn harvest(self) -> Vec<Scored> {
        Vec::new()
    }
}
