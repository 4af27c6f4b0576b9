//! The manifest: what an index folder was built with.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{IndexError, damaged, unusable, write_atomically};

/// The properties an index folder was built with. A folder with other properties is not searched but rebuilt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the folder's layout.
    pub format: u32,
    /// The encoder's id.
    pub encoder_id: String,
    /// How many numbers a vector has.
    pub dimension: usize,
    /// Version of folding and terms. It changes with every change of the output of [`ken_text::text::terms`].
    pub analyzer: String,
}

impl Manifest {
    /// Returns the manifest of folders that this version writes.
    pub fn current(encoder_id: &str, dimension: usize) -> Self {
        Self {
            format: 5,
            encoder_id: encoder_id.to_owned(),
            dimension,
            analyzer: "fold-figures-bigram-character-stem-4".into(),
        }
    }

    fn differs(&self, expected: &Self) -> Option<(&'static str, String, String)> {
        let pairs = [
            (
                "format",
                self.format.to_string(),
                expected.format.to_string(),
            ),
            (
                "encoder",
                self.encoder_id.clone(),
                expected.encoder_id.clone(),
            ),
            (
                "dimension",
                self.dimension.to_string(),
                expected.dimension.to_string(),
            ),
            ("analyzer", self.analyzer.clone(), expected.analyzer.clone()),
        ];
        pairs
            .into_iter()
            .find(|(_, found, expected)| found != expected)
    }
}

/// The manifest's file name in each workspace's folder.
pub const FILE: &str = "manifest.json";

/// Checks that the folder was built with `expected`. Writes the manifest of a new folder if allowed to.
pub fn check_or_write(
    folder: &Path,
    expected: &Manifest,
    may_write: bool,
) -> Result<(), IndexError> {
    let path = folder.join(FILE);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && may_write => {
            let is_new = !folder.join("keyword").exists() && !folder.join("vectors").exists();
            if !is_new {
                return Err(damaged(folder, &"manifest.json not found"));
            }
            std::fs::create_dir_all(folder).map_err(|e| unusable(folder, &e))?;
            let json = serde_json::to_vec_pretty(expected).expect("a manifest is plain data");
            return write_atomically(&path, &json);
        }
        Err(error) => return Err(unusable(&path, &error)),
    };
    let found: Manifest = serde_json::from_slice(&bytes).map_err(|e| damaged(&path, &e))?;
    match found.differs(expected) {
        None => Ok(()),
        Some((what, found, expected)) => Err(IndexError::Mismatch {
            path: folder.to_owned(),
            what,
            found,
            expected,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_of_another_encoder_is_rejected_with_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let ours = Manifest::current("e5", 384);
        check_or_write(folder.path(), &ours, true).unwrap();
        check_or_write(folder.path(), &ours, true).unwrap();
        let error =
            check_or_write(folder.path(), &Manifest::current("use", 512), true).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("\"e5\"") && text.contains("\"use\"") && text.contains("ken rebuild"),
            "{text}"
        );
    }

    #[test]
    fn damaged_manifest_returns_damaged_error() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("manifest.json"), "{").unwrap();
        let error = check_or_write(folder.path(), &Manifest::current("e5", 384), true).unwrap_err();
        assert!(matches!(error, IndexError::Damaged { .. }), "{error}");
    }
}
