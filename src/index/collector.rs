use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use tantivy::columnar::Column;
use tantivy::query::Weight;
use tantivy::{Score, SegmentReader};

use super::Selection;

/// The name of the field that holds a chunk's key.
pub const KEY_FIELD: &str = "key";

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

/// The best `limit` chunks that a selection admits, of the segments that were walked.
///
/// Chunks that are not admitted are passed over while the posting lists are walked, so the result is exact, and
/// the score that the last admitted chunk set still lets tantivy skip blocks that cannot reach it, also in the
/// segments that come after.
pub struct Best<'a> {
    limit: usize,
    selection: &'a Selection,
    heap: BinaryHeap<Reverse<Scored>>,
}

impl<'a> Best<'a> {
    pub fn new(limit: usize, selection: &'a Selection) -> Self {
        Self {
            limit,
            selection,
            heap: BinaryHeap::with_capacity(limit + 1),
        }
    }

    /// What a score has to be above. Just below the worst kept one: an equal score with a smaller key still has to be seen.
    fn threshold(&self) -> Score {
        let worst = self.heap.peek().filter(|_| self.heap.len() >= self.limit);
        worst.map_or(Score::MIN, |worst| worst.0.score.next_down())
    }

    pub fn walk(&mut self, weight: &dyn Weight, reader: &SegmentReader) -> tantivy::Result<()> {
        let keys: Column<u64> = reader.fast_fields().u64(KEY_FIELD)?;
        let alive = reader.alive_bitset();
        weight.for_each_pruning(self.threshold(), reader, &mut |doc, score| {
            let is_alive = alive.is_none_or(|alive| alive.is_alive(doc));
            let key = keys.first(doc).map(|key| key as u32);
            if let Some(key) = key.filter(|key| is_alive && self.selection.admits(*key)) {
                self.heap.push(Reverse(Scored { score, key }));
                if self.heap.len() > self.limit {
                    self.heap.pop();
                }
            }
            self.threshold()
        })
    }

    /// In no order.
    pub fn keys(self) -> impl Iterator<Item = u32> {
        self.heap.into_iter().map(|Reverse(scored)| scored.key)
    }
}
