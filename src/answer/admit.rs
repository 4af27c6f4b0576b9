use serde::Serialize;

use crate::domain::{Evidence, Kind};

/// What the evidence says about whether it answers, each in [0, 1] unless said otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Features {
    /// Coverage of the best hit: BM25 over the highest BM25 the question could reach.
    pub coverage: f32,
    /// The highest coverage among the hits.
    pub best_coverage: f32,
    /// Cosine of the best hit, in [-1, 1].
    pub similarity: f32,
    /// The highest cosine among the hits.
    pub best_similarity: f32,
    /// Fused score of the best hit.
    pub score: f32,
    /// Fused score of the best hit less that of the fifth, or of the last.
    pub margin: f32,
    /// Whether the best hit is an FAQ: 1 or 0.
    pub faq: f32,
    /// How many different terms the question has.
    pub n_terms: f32,
}

impl Features {
    /// From the question's terms and the evidence, best first.
    pub fn of(term_weights: &[(String, f32)], evidence: &[Evidence]) -> Self {
        let Some(best) = evidence.first() else {
            return Self::default();
        };
        let fifth = evidence.get(4).or(evidence.last()).map_or(0.0, |e| e.score);
        let highest = |value: fn(&Evidence) -> f32| evidence.iter().map(value).fold(0.0, f32::max);
        Self {
            coverage: best.coverage,
            best_coverage: highest(|e| e.coverage),
            similarity: best.similarity,
            best_similarity: highest(|e| e.similarity),
            score: best.score,
            margin: best.score - fifth,
            faq: f32::from(u8::from(best.metadata.kind == Kind::Faq)),
            n_terms: term_weights.len() as f32,
        }
    }
}

/// The decision whether to answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    pub admitted: bool,
    /// The estimated probability that the evidence answers the question.
    pub confidence: f32,
}

/// Decides from evidence alone: a logistic model over [`Features`], and a threshold.
pub struct Admission {
    min_confidence: f32,
}

impl Admission {
    pub fn new(min_confidence: f32) -> Self {
        Self { min_confidence }
    }

    /// Pure. No evidence is never admitted.
    pub fn judge(&self, features: &Features, evidence: &[Evidence]) -> Verdict {
        if evidence.is_empty() {
            return Verdict {
                admitted: false,
                confidence: 0.0,
            };
        }
        let confidence = confidence(features);
        Verdict {
            admitted: confidence >= self.min_confidence,
            confidence,
        }
    }
}

/// Fitted by logistic regression on the development sets: questions whose documents were removed, human-written
/// unanswerable ones, and the answerable questions of each set mixed with those of others; each set weighs the same,
/// and so do its two kinds. The figures are in docs/quality.md. Further features (agreement, margin, FAQ match,
/// number of terms) were tried and moved a held-out set's AUROC by less than .02 either way.
fn confidence(f: &Features) -> f32 {
    let z = -28.05 + 7.96 * f.coverage + 33.95 * f.similarity;
    1.0 / (1.0 + (-z).exp())
}
