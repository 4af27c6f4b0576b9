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

/// The best `limit` chunks of one segment that a selection admits, in no order.
///
/// Chunks that are not admitted are passed over while the posting lists are walked, so the result is exact, and
/// the score that the last admitted chunk set still lets tantivy skip blocks that cannot reach it.
pub fn top_of_segment(
    weight: &dyn Weight,
    reader: &SegmentReader,
    limit: usize,
    selection: &Selection,
) -> tantivy::Result<Vec<Scored>> {
    let keys: Column<u64> = reader.fast_fields().u64(KEY_FIELD)?;
    let alive = reader.alive_bitset();
    let mut best: BinaryHeap<Reverse<Scored>> = BinaryHeap::with_capacity(limit + 1);
    let mut threshold = Score::MIN;
    weight.for_each_pruning(threshold, reader, &mut |doc, score| {
        let is_alive = alive.is_none_or(|alive| alive.is_alive(doc));
        let key = keys.first(doc).map(|key| key as u32);
        if let Some(key) = key.filter(|key| is_alive && selection.admits(*key)) {
            best.push(Reverse(Scored { score, key }));
            if best.len() > limit {
                best.pop();
                // Just below the worst kept score: an equal score with a smaller key still has to be seen.
                threshold = best
                    .peek()
                    .map_or(threshold, |worst| worst.0.score.next_down());
            }
        }
        threshold
    })?;
    Ok(best.into_iter().map(|Reverse(scored)| scored).collect())
}
