use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How sure an answer has to be: the stricter, the fewer wrong answers and the more refusals. What each comes to in
/// confidence stands in `answer::Admission`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "How sure an answer has to be, from `very_strict` (fewest wrong answers, most refusals) to `very_lenient`. `balanced` is the default."
)]
pub enum Level {
    VeryStrict,
    Strict,
    #[default]
    Balanced,
    Lenient,
    VeryLenient,
}

impl Level {
    /// As it is written in settings and over the API.
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
