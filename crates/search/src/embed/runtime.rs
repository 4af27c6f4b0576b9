//! Loading of ONNX Runtime's shared library.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ort::environment::Environment;

use super::EmbedError;

/// The process's one ONNX Runtime environment, which all models share.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// Loads ONNX Runtime's shared library once. `path` is the library, or a folder that contains it.
pub fn load(path: &Path) -> Result<Environment, EmbedError> {
    let mut environment = ENVIRONMENT
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(environment) = environment.as_ref() {
        return Ok(environment.clone());
    }
    let library = find_library(path)?;
    let unusable = |detail: String| EmbedError::RuntimeUnusable {
        path: library.clone(),
        detail,
    };
    let loaded = ort::init_from(&library)
        .map_err(|error| unusable(error.to_string()))?
        .with_telemetry(false)
        .build()
        .map_err(|error| unusable(error.to_string()))?;
    *environment = Some(loaded.clone());
    Ok(loaded)
}

fn find_library(path: &Path) -> Result<PathBuf, EmbedError> {
    let absent = || EmbedError::RuntimeMissing {
        path: path.to_owned(),
    };
    let path = path.canonicalize().map_err(|_| absent())?;
    if path.is_file() {
        return Ok(path);
    }
    let is_library = |p: &PathBuf| {
        let name = p
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        name.starts_with("libonnxruntime.") && !name.contains("providers")
    };
    std::fs::read_dir(&path)
        .map_err(|_| absent())?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(is_library)
        .max()
        .ok_or_else(absent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_library_error_names_path_and_remedy() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().join("nowhere"), folder.path().to_owned()] {
            let error = find_library(&path).unwrap_err().to_string();
            assert!(
                error.contains("ken setup") && error.contains(path.to_str().unwrap()),
                "{error}"
            );
        }
    }
}
