//! [`EncoderReport`]: progress and results of an encoder that is prepared.

use serde::{Deserialize, Serialize};

/// Progress of preparing an encoder, and its comparison with the current one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EncoderReport {
    /// Number of texts encoded since the preparing process started.
    pub n_encoded: u64,
    /// Results on the judged questions of all workspaces; `None` until measured.
    pub scores: Option<EncoderScores>,
}

/// Results of both encoders on the judged questions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncoderScores {
    /// Number of judged questions.
    pub n_judged: usize,
    /// Number of correct answers of the current encoder.
    pub right_before: usize,
    /// Number of correct answers of the new encoder.
    pub right_after: usize,
    /// Number of judged questions with an expected document.
    pub n_with_document: usize,
    /// Of `n_with_document`, how many expected documents the current encoder ranks first.
    pub first_before: usize,
    /// Of `n_with_document`, how many expected documents the new encoder ranks first.
    pub first_after: usize,
}

impl EncoderScores {
    /// Whether the new encoder has no fewer correct answers and no fewer first ranks.
    pub fn is_no_worse(&self) -> bool {
        self.right_after >= self.right_before && self.first_after >= self.first_before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoder_scores_no_worse_only_without_any_loss() {
        let scores = |right_after, first_after| EncoderScores {
            n_judged: 10,
            right_before: 8,
            right_after,
            n_with_document: 5,
            first_before: 4,
            first_after,
        };
        assert!(scores(8, 4).is_no_worse() && scores(9, 5).is_no_worse());
        assert!(!scores(7, 5).is_no_worse() && !scores(9, 3).is_no_worse());
    }
}
