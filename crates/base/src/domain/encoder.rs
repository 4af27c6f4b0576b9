use serde::{Deserialize, Serialize};

/// How far an encoder is and how it did beside the one that serves.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EncoderReport {
    /// How many texts were encoded since the process began that prepares it.
    pub n_encoded: u64,
    /// Of the judged questions of all workspaces; absent until both were asked.
    pub scores: Option<EncoderScores>,
}

/// What the judged questions say of both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncoderScores {
    pub n_judged: usize,
    /// How many are answered as they have to be.
    pub right_before: usize,
    pub right_after: usize,
    /// How many find the document that they have to as the first, of those that name one.
    pub n_with_document: usize,
    pub first_before: usize,
    pub first_after: usize,
}

impl EncoderScores {
    /// Whether nothing is lost.
    pub fn is_no_worse(&self) -> bool {
        self.right_after >= self.right_before && self.first_after >= self.first_before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_be_no_worse_is_to_lose_nothing() {
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
