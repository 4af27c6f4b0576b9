use serde::{Deserialize, Serialize};

/// Confidence required to answer: stricter levels give fewer wrong answers and more refusals. The thresholds are in
/// `answer::Admission`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    VeryStrict,
    Strict,
    #[default]
    Balanced,
    Lenient,
    VeryLenient,
}

impl Level {
    /// Name in settings and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VeryStrict => "very_strict",
            Self::Strict => "strict",
            Self::Balanced => "balanced",
            Self::Lenient => "lenient",
            Self::VeryLenient => "very_lenient",
        }
    }
}
