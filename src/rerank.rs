//! [`Reranker`]: reorders the best hits by reading each with the question. Off by default: a cross-encoder costs a
//! forward pass over question and passage for every passage it reads.

use std::sync::Mutex;

use fastembed::{
    RerankInitOptions, RerankInitOptionsUserDefined, RerankerModel, TextRerank, TokenizerFiles,
    UserDefinedRerankingModel,
};

use crate::config::{EncoderConfig, RerankConfig};
use crate::embed::{self, EmbedError};

/// How many passages are read in one forward pass.
const BATCH: usize = 8;

/// Why passages were not read, with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum RerankError {
    #[error(transparent)]
    Runtime(#[from] EmbedError),
    #[error(
        "the reranker's file {path} cannot be read ({detail}): set rerank.path to a folder with model.onnx, tokenizer.json, config.json, special_tokens_map.json and tokenizer_config.json"
    )]
    File { path: String, detail: String },
    #[error("rerank.model {name:?} is not in fastembed's catalogue, which has {known}")]
    UnknownModel { name: String, known: String },
    #[error("the reranker does not load: {0}")]
    Load(String),
    #[error("the reranker failed on a passage: {0}")]
    Read(String),
}

/// Reads a question with passages and says how well each answers it.
///
/// # Contract
/// One finite score a passage, in their order, higher is better; scores compare only within one call. `None` where it
/// has no time for this question now. Blocks.
pub trait Reranker: Send + Sync {
    fn read(&self, question: &str, passages: &[String]) -> Result<Option<Vec<f32>>, RerankError>;
}

/// A cross-encoder through fastembed.
pub struct CrossEncoder {
    model: Mutex<TextRerank>,
}

impl CrossEncoder {
    /// The one that is configured, if one is. Loads ONNX Runtime where it is not loaded yet.
    pub fn open(
        config: &RerankConfig,
        encoder: &EncoderConfig,
    ) -> Result<Option<Self>, RerankError> {
        let model = match (&config.path, &config.model) {
            (Some(folder), _) => {
                let file = |name: &str| {
                    let path = folder.join(name);
                    std::fs::read(&path).map_err(|error| RerankError::File {
                        path: path.display().to_string(),
                        detail: error.to_string(),
                    })
                };
                let files = TokenizerFiles {
                    tokenizer_file: file("tokenizer.json")?,
                    config_file: file("config.json")?,
                    special_tokens_map_file: file("special_tokens_map.json")?,
                    tokenizer_config_file: file("tokenizer_config.json")?,
                };
                // A large model keeps its weights in a second file beside it, so it is opened by its path.
                std::fs::File::open(folder.join("model.onnx")).map_err(|error| {
                    RerankError::File {
                        path: folder.join("model.onnx").display().to_string(),
                        detail: error.to_string(),
                    }
                })?;
                let options = RerankInitOptionsUserDefined::new()
                    .with_environment(embed::environment(encoder)?)
                    .with_intra_threads(encoder.threads)
                    .with_session_config("session.intra_op.allow_spinning", "0");
                let model = UserDefinedRerankingModel::new(folder.join("model.onnx"), files);
                TextRerank::try_new_from_user_defined(model, options)
            }
            (None, Some(name)) => {
                let known = TextRerank::list_supported_models();
                let kind: RerankerModel = name.parse().map_err(|_| RerankError::UnknownModel {
                    name: name.clone(),
                    known: known
                        .iter()
                        .map(|info| info.model_code.as_str())
                        .collect::<Vec<_>>()
                        .join(", "),
                })?;
                let mut options = RerankInitOptions::new(kind)
                    .with_cache_dir(encoder.cache_dir.clone())
                    .with_show_download_progress(true)
                    .with_intra_threads(encoder.threads);
                options.environment = Some(embed::environment(encoder)?);
                TextRerank::try_new(options)
            }
            (None, None) => return Ok(None),
        };
        let model = model.map_err(|error| RerankError::Load(error.to_string()))?;
        Ok(Some(Self {
            model: Mutex::new(model),
        }))
    }
}

impl Reranker for CrossEncoder {
    /// One question at a time; another one is not kept waiting.
    fn read(&self, question: &str, passages: &[String]) -> Result<Option<Vec<f32>>, RerankError> {
        let mut model = match self.model.try_lock() {
            Ok(model) => model,
            Err(std::sync::TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(std::sync::TryLockError::WouldBlock) => return Ok(None),
        };
        let passages: Vec<&str> = passages.iter().map(String::as_str).collect();
        let results = model
            .rerank(question, &passages, false, Some(BATCH))
            .map_err(|error| RerankError::Read(error.to_string()))?;
        let mut scores = vec![f32::NAN; passages.len()];
        for result in results {
            if let Some(score) = scores.get_mut(result.index) {
                *score = result.score;
            }
        }
        match scores.iter().all(|score| score.is_finite()) {
            true => Ok(Some(scores)),
            false => Err(RerankError::Read("it gave no finite score".into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_settings_there_is_none_and_wrong_ones_are_named() {
        let encoder = EncoderConfig::default();
        let open = |config: RerankConfig| CrossEncoder::open(&config, &encoder);
        assert!(open(RerankConfig::default()).unwrap().is_none());
        let folder = tempfile::tempdir().unwrap();
        for (config, word) in [
            (
                RerankConfig {
                    path: Some(folder.path().into()),
                    ..RerankConfig::default()
                },
                "tokenizer.json",
            ),
            (
                RerankConfig {
                    model: Some("no/such".into()),
                    ..RerankConfig::default()
                },
                "BAAI/bge-reranker-base",
            ),
        ] {
            let error = open(config).err().unwrap().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
