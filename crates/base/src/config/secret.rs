//! [`Secret`]: a setting that never appears in logs.

use std::path::Path;

use serde::{Deserialize, Serialize, Serializer};

/// A setting that is never printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret text, for requests only.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A key from the settings: the trimmed content of `file` if one is set, otherwise `value`.
    ///
    /// # Errors
    /// The file cannot be read; the error names it.
    pub fn read(value: Option<&Self>, file: Option<&Path>) -> std::io::Result<Option<Self>> {
        match file {
            Some(file) => {
                let text = std::fs::read_to_string(file).map_err(|error| {
                    std::io::Error::new(error.kind(), format!("{}: {error}", file.display()))
                })?;
                Ok(Some(Self::new(text.trim())))
            }
            None => Ok(value.cloned()),
        }
    }
}

/// Serializes that there is one, not what it is.
impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("set")
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}
