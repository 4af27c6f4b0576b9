//! Selects the encoder: the one of the settings, or the one chosen by `ken reencode`.

use std::path::Path;

use ken_base::config::{Config, EncoderPart};
use ken_base::digest::sha256_hex;
use ken_search::index::OF_ENCODERS;
use ken_store::store::{Store, StoreError};

/// An invalid encoder spec.
#[derive(Debug, thiserror::Error)]
#[error("expected comma-separated NAME or NAME=SHARE, each a folder in models.dir, found {0:?}")]
pub struct SpecError(String);

/// Parses a spec: `NAME` or `NAME=SHARE`, comma-separated. Each name is a folder in `models` with `encoder.json`;
/// shares are positive, 1 by default.
pub fn parts_of(spec: &str, models: &Path) -> Result<Vec<EncoderPart>, SpecError> {
    let wrong = || SpecError(spec.to_owned());
    spec.split(',')
        .map(|part| {
            let (name, share) = part.trim().split_once('=').unwrap_or((part.trim(), "1"));
            let share: f32 = share.trim().parse().map_err(|_| wrong())?;
            let is_name = !name.is_empty() && models.join(name).join("encoder.json").is_file();
            match is_name && share > 0.0 && share.is_finite() {
                true => Ok(EncoderPart {
                    path: models.join(name.trim()),
                    share,
                }),
                false => Err(wrong()),
            }
        })
        .collect()
}

/// The configuration with the encoder of a spec and an index folder of its own. An empty spec leaves it unchanged.
pub fn with_encoder(mut config: Config, spec: &str) -> Result<Config, SpecError> {
    if spec.is_empty() {
        return Ok(config);
    }
    config.encoder.parts = parts_of(spec, &config.models.dir)?;
    config.encoder.path = None;
    let hash = sha256_hex([spec.as_bytes()]);
    config.index.dir = config.index.dir.join(OF_ENCODERS).join(&hash[..16]);
    Ok(config)
}

/// The spec of the encoder in service; empty for the one of the settings.
pub async fn serving(store: &Store) -> Result<String, StoreError> {
    let encoders = store.encoders().await?;
    let serving = encoders
        .into_iter()
        .find(|encoder| encoder.state == "serving");
    Ok(serving.map_or(String::new(), |encoder| encoder.spec))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoder_spec_is_parsed_to_folders_and_shares() {
        let models = tempfile::tempdir().unwrap();
        for name in ["e5", "use"] {
            std::fs::create_dir(models.path().join(name)).unwrap();
            std::fs::write(models.path().join(name).join("encoder.json"), "{}").unwrap();
        }
        let parts = parts_of("e5=6, use", models.path()).unwrap();
        let shares: Vec<f32> = parts.iter().map(|part| part.share).collect();
        assert_eq!(shares, [6.0, 1.0]);
        for wrong in ["", "e5=0", "e5=x", "bge", "e5,,use", "e5=NaN"] {
            let error = parts_of(wrong, models.path()).unwrap_err().to_string();
            assert!(error.contains("NAME=SHARE"), "{wrong}: {error}");
        }
    }
}
