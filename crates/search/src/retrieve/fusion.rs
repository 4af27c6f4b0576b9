//! Fusion of the keyword and vector results into one ranking.

use serde::Serialize;

use crate::index::WordScores;
use ken_base::config::RetrieveConfig;
use ken_base::domain::{Hit, LegScore, Tuning};

/// How much a chunk's score falls for each unit by which a question's cosine with the chunk's negative exceeds its
/// cosine with the chunk. No set has negatives to measure it on. With this value a difference of .1 outweighs any match
/// in meaning.
const NEGATIVE_PENALTY: f32 = 4.0;

/// The weights of coverage and proximity in coverage fusion; closeness has the rest. Each in [0, 1], together below 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Shares {
    /// The weight of coverage.
    pub keyword: f32,
    /// The weight of proximity.
    pub proximity: f32,
}

impl Shares {
    /// Returns the score of a chunk that both searches scored. `similarity` is the cosine.
    pub fn score(self, coverage: f32, proximity: f32, similarity: f32) -> f32 {
        let rest = 1.0 - self.keyword - self.proximity;
        self.keyword * coverage + self.proximity * proximity + rest * closeness(similarity)
    }
}

/// The cosine below which the encoders' cosines carry no information.
const FLOOR: f32 = 0.4;

/// Rescales a cosine so that [`FLOOR`] is 0 and 1 is 1.
fn closeness(similarity: f32) -> f32 {
    ((similarity - FLOOR) / (1.0 - FLOOR)).clamp(0.0, 1.0)
}

/// How the results of both searches become one score in [0, 1]: keyword · coverage + proximity · proximity + the rest ·
/// closeness.
///
/// *Coverage* is BM25 divided by the highest BM25 that the question could reach in the collection, unknown terms
/// included. So the keyword share fades automatically if few of the question's terms occur (another language, typing
/// errors), which is where reciprocal ranks work worst. *Closeness* is the cosine rescaled from [.4, 1] to [0, 1];
/// below .4 the encoders' cosines carry no information.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fusion {
    native: Shares,
    /// Used if the collection is not in the question's writing.
    foreign: Shares,
}

impl Fusion {
    /// Returns the fusion with a workspace's own weights, if it has any.
    pub fn tuned(self, tuning: Tuning) -> Self {
        match (tuning.keyword_share, tuning.proximity_share) {
            (Some(keyword), Some(proximity)) => Self {
                native: Shares { keyword, proximity },
                ..self
            },
            _ => self,
        }
    }
}

impl From<&RetrieveConfig> for Fusion {
    fn from(config: &RetrieveConfig) -> Self {
        Self {
            native: Shares {
                keyword: config.keyword_share,
                proximity: config.proximity_share,
            },
            // English questions to Chinese collections do best with hardly any weight on words:
            // docs/measured/quality.md.
            foreign: Shares {
                keyword: 0.05,
                proximity: 0.0,
            },
        }
    }
}

/// A chunk that at least one search proposed, with the scores of both.
#[derive(Debug, Clone, PartialEq)]
pub struct FusionCandidate {
    /// The chunk's key.
    pub key: u32,
    /// Rank and score of the keyword search.
    pub keyword: Option<LegScore>,
    /// Rank and score of the vector search.
    pub vector: Option<LegScore>,
    /// Coverage, in [0, 1], as in [`Hit`].
    pub coverage: f32,
    /// Proximity, in [0, 1], as in [`Hit`].
    pub proximity: f32,
    /// Nearness to a negative, ≥ 0, as in [`Hit`].
    pub negative: f32,
}

impl FusionCandidate {
    /// Starts without scores.
    pub fn new(key: u32) -> Self {
        Self {
            key,
            keyword: None,
            vector: None,
            coverage: 0.0,
            proximity: 0.0,
            negative: 0.0,
        }
    }

    /// Sets the scores of the keyword search.
    pub fn set_keyword_scores(&mut self, rank: Option<usize>, words: &WordScores) {
        self.keyword = Some(LegScore {
            rank,
            score: words.score,
        });
        self.coverage = words.coverage;
        self.proximity = words.proximity;
    }
}

impl Fusion {
    /// Scores and orders the candidates: best first, ties by key. If only one search ran, its order is kept.
    pub fn fuse(self, candidates: Vec<FusionCandidate>, is_foreign: bool) -> Vec<Hit> {
        let mut hits: Vec<Hit> = candidates
            .into_iter()
            .map(|candidate| {
                let score =
                    self.score(&candidate, is_foreign) - NEGATIVE_PENALTY * candidate.negative;
                let score = score.max(0.0);
                Hit {
                    chunk_key: candidate.key,
                    score,
                    keyword: candidate.keyword,
                    vector: candidate.vector,
                    coverage: candidate.coverage,
                    proximity: candidate.proximity,
                    negative: candidate.negative,
                }
            })
            .collect();
        hits.sort_by(|a, b| {
            b.score
                .total_cmp(&a.score)
                .then(a.chunk_key.cmp(&b.chunk_key))
        });
        hits
    }

    fn score(self, candidate: &FusionCandidate, is_foreign: bool) -> f32 {
        let shares = if is_foreign {
            self.foreign
        } else {
            self.native
        };
        match (candidate.keyword, candidate.vector) {
            (Some(_), None) => candidate.coverage,
            (None, Some(leg)) => closeness(leg.score),
            (_, leg) => shares.score(
                candidate.coverage,
                candidate.proximity,
                leg.map_or(0.0, |leg| leg.score),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leg(rank: usize, score: f32) -> Option<LegScore> {
        Some(LegScore {
            rank: Some(rank),
            score,
        })
    }

    fn candidate(
        key: u32,
        (by_words, coverage): (usize, f32),
        (by_meaning, cosine): (usize, f32),
    ) -> FusionCandidate {
        FusionCandidate {
            keyword: leg(by_words, coverage * 10.0),
            vector: leg(by_meaning, cosine),
            coverage,
            ..FusionCandidate::new(key)
        }
    }

    fn candidates() -> Vec<FusionCandidate> {
        vec![
            candidate(1, (1, 0.8), (3, 0.80)),
            candidate(2, (2, 0.4), (1, 0.90)),
            candidate(3, (3, 0.2), (2, 0.85)),
        ]
    }

    fn order(fusion: Fusion, is_foreign: bool) -> Vec<u32> {
        let hits = fusion.fuse(candidates(), is_foreign);
        hits.iter().map(|hit| hit.chunk_key).collect()
    }

    const BLIND: Shares = Shares {
        keyword: 0.0,
        proximity: 0.0,
    };
    const HALF: Fusion = Fusion {
        native: Shares {
            keyword: 0.5,
            proximity: 0.0,
        },
        foreign: BLIND,
    };

    #[test]
    fn fusion_weighs_keyword_coverage_against_similarity() {
        assert_eq!(order(HALF, false), [1, 2, 3]);
        assert_eq!(
            order(HALF, true),
            [2, 3, 1],
            "words say little in a collection of another writing"
        );
        let best = &HALF.fuse(candidates(), false)[0];
        // ½ · 0.8 + ½ · (0.80 − 0.4)/0.6
        assert!(
            (best.score - (0.4 + 1.0 / 3.0)).abs() < 1e-6,
            "{}",
            best.score
        );
    }

    #[test]
    fn proximity_raises_chunk_score() {
        let fusion = Fusion {
            native: Shares {
                keyword: 0.3,
                proximity: 0.3,
            },
            foreign: BLIND,
        };
        let mut near = candidates();
        near[2].proximity = 1.0;
        let hits = fusion.fuse(near.clone(), false);
        assert_eq!(hits[0].chunk_key, 3);
        // .3 · 0.2 + .3 · 1 + .4 · (0.85 − 0.4)/0.6
        assert!((hits[0].score - 0.66).abs() < 1e-6, "{}", hits[0].score);
        assert_ne!(fusion.fuse(near, true)[0].chunk_key, 3);
    }

    #[test]
    fn tied_hits_are_ordered_by_key() {
        let same = |key| FusionCandidate {
            vector: leg(1, 0.9),
            ..FusionCandidate::new(key)
        };
        let hits = HALF.fuse(vec![same(7), same(3), same(5)], false);
        let keys: Vec<_> = hits.iter().map(|h| h.chunk_key).collect();
        assert_eq!(keys, [3, 5, 7]);
    }
}
