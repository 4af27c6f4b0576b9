use std::path::Path;

use serde::Deserialize;

/// A setting that is never printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A key as it is set: in a file, which wins, or by value.
    ///
    /// # Errors
    /// Where the file cannot be read.
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

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}
