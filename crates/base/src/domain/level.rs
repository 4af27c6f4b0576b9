//! [`Level`]: the confidence that an answer needs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Confidence required to answer: stricter levels give fewer wrong answers and more refusals. The thresholds are in
/// `answer::Admission`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "Confidence that an answer needs, from `very_strict` (fewest wrong answers, most refusals) to `very_lenient`. `balanced` is the default."
)]
pub enum Level {
    /// Fewest wrong answers, most refusals.
    VeryStrict,
    /// Fewer wrong answers than the default.
    Strict,
    /// The default.
    #[default]
    Balanced,
    /// Fewer refusals than the default.
    Lenient,
    /// Fewest refusals, most wrong answers.
    VeryLenient,
}

impl Level {
    /// Every level, strictest first.
    pub const ALL: [Self; 5] = [
        Self::VeryStrict,
        Self::Strict,
        Self::Balanced,
        Self::Lenient,
        Self::VeryLenient,
    ];

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
