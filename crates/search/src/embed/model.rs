//! The loaded encoder models: one or more ONNX sessions whose vectors are joined into one.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use fastembed::{
    InitOptionsUserDefined, Pooling, TextEmbedding, TokenizerFiles, UserDefinedEmbeddingModel,
};
use ort::environment::Environment;
use serde::Deserialize;
use std::collections::BTreeMap;

use super::EmbedError;
use ken_base::config::{EncoderConfig, EncoderPart};
use ken_text::text::{FOLDING, fold, sha256_hex};

/// Up to this many texts, the models run in parallel: so few texts do not keep two cores busy. Longer batches do:
/// sixteen questions took equally long either way, eight passages took 6 % longer in parallel (ONNX Runtime alone, two
/// cores).
const BESIDE: usize = 4;

/// `encoder.json`: the properties of a model folder that its files do not contain.
#[derive(Debug, Deserialize)]
struct EncoderDescription {
    name: String,
    quantisation: String,
    dimension: usize,
    max_length: usize,
    pooling: PoolingName,
    query_prefix: String,
    passage_prefix: String,
    /// Whether texts are folded ([`ken_text::text::fold`]) before they are encoded.
    #[serde(default)]
    folds: bool,
    runtime_version: String,
    /// File name → SHA-256 (hex).
    files: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum PoolingName {
    Mean,
    Cls,
}

/// One or more loaded encoders whose vectors are joined into one.
pub struct EncoderModel {
    /// The encoder's id, as [`super::Embedder::id`] returns it.
    pub id: String,
    /// How many numbers a joined vector has.
    pub dimension: usize,
    parts: Vec<LoadedEncoder>,
    is_parallel: bool,
    /// Time spent on encoding since the model was loaded, in nanoseconds.
    pub busy_ns: Arc<AtomicU64>,
}

/// An ONNX session with its tokenizer, prefixes and pooling.
struct LoadedEncoder {
    id: String,
    dimension: usize,
    query_prefix: String,
    passage_prefix: String,
    folds: bool,
    session: TextEmbedding,
    /// The factor that its unit vectors are multiplied by: the square root of its share.
    scale: f32,
}

impl EncoderModel {
    /// Loads one folder if `encoder.path` is set, otherwise all parts.
    pub fn load(config: &EncoderConfig, environment: &Environment) -> Result<Self, EmbedError> {
        let mut parts = match &config.path {
            Some(folder) => vec![LoadedEncoder::from_folder(
                folder,
                config,
                environment.clone(),
            )?],
            None => Self::parts(config, environment)?,
        };
        let total: f32 = parts.iter().map(|part| part.scale).sum();
        for part in &mut parts {
            part.scale = (part.scale / total).sqrt();
        }
        let id = |part: &LoadedEncoder| match config.path.is_none() {
            true => format!("{:.4}*{}", part.scale * part.scale, part.id),
            false => part.id.clone(),
        };
        Ok(Self {
            id: parts.iter().map(id).collect::<Vec<_>>().join("+"),
            dimension: parts.iter().map(|part| part.dimension).sum(),
            parts,
            is_parallel: config.threads > 1,
            busy_ns: Arc::default(),
        })
    }

    /// Loads all parts in parallel, since loading one keeps one core busy most of the time.
    fn parts(
        config: &EncoderConfig,
        environment: &Environment,
    ) -> Result<Vec<LoadedEncoder>, EmbedError> {
        let load = |part: &EncoderPart, environment| {
            let loaded = LoadedEncoder::from_folder(&part.path, config, environment)?;
            Ok(LoadedEncoder {
                scale: part.share,
                ..loaded
            })
        };
        std::thread::scope(|scope| {
            let begin = |part| {
                let environment = environment.clone();
                scope.spawn(move || load(part, environment))
            };
            let loading: Vec<_> = config.parts.iter().map(begin).collect();
            let loaded = loading.into_iter().map(|loading| {
                let loaded = loading.join();
                loaded.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            loaded.collect()
        })
    }

    /// Encodes one batch. Returns the vectors in the order of the texts, each of unit length.
    pub fn encode(
        &mut self,
        texts: &[&str],
        as_questions: bool,
    ) -> Result<Vec<Vec<f32>>, EmbedError> {
        let start = Instant::now();
        let mut joined: Vec<Vec<f32>> = vec![Vec::with_capacity(self.dimension); texts.len()];
        for vectors in self.by_part(texts, as_questions) {
            for (whole, vector) in joined.iter_mut().zip(vectors?) {
                whole.extend(vector);
            }
        }
        let took = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.busy_ns.fetch_add(took, Ordering::Relaxed);
        Ok(joined)
    }

    /// Returns each part's vectors. The parts run in parallel if there are few texts and more than one core may be
    /// used.
    fn by_part(
        &mut self,
        texts: &[&str],
        as_questions: bool,
    ) -> Vec<Result<Vec<Vec<f32>>, EmbedError>> {
        match self.parts.as_mut_slice() {
            [first, others @ ..] if self.is_parallel && texts.len() <= BESIDE => {
                std::thread::scope(|scope| {
                    let tasks: Vec<_> = others
                        .iter_mut()
                        .map(|part| scope.spawn(|| part.encode(texts, as_questions)))
                        .collect();
                    let first = first.encode(texts, as_questions);
                    let others = tasks.into_iter().map(|encoding| {
                        let encoded = encoding.join();
                        encoded.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                    });
                    std::iter::once(first).chain(others).collect()
                })
            }
            parts => {
                let encode = |part: &mut LoadedEncoder| part.encode(texts, as_questions);
                parts.iter_mut().map(encode).collect()
            }
        }
    }
}

impl LoadedEncoder {
    fn from_folder(
        folder: &Path,
        config: &EncoderConfig,
        environment: Environment,
    ) -> Result<Self, EmbedError> {
        let described = read(folder, "encoder.json")?;
        let about: EncoderDescription =
            serde_json::from_slice(&described).map_err(|error| EmbedError::FileWrong {
                path: folder.join("encoder.json"),
                detail: error.to_string(),
            })?;
        let file = |name: &str| read_checked(folder, name, &about);
        let tokenizer_files = TokenizerFiles {
            tokenizer_file: file("tokenizer.json")?,
            config_file: file("config.json")?,
            special_tokens_map_file: file("special_tokens_map.json")?,
            tokenizer_config_file: file("tokenizer_config.json")?,
        };
        let pooling = match about.pooling {
            PoolingName::Mean => Pooling::Mean,
            PoolingName::Cls => Pooling::Cls,
        };
        let model = UserDefinedEmbeddingModel::new(file("model.onnx")?, tokenizer_files)
            .with_pooling(pooling);
        let options = InitOptionsUserDefined::new()
            .with_environment(environment)
            .with_max_length(about.max_length)
            .with_intra_threads(config.threads)
            // Otherwise each session's idle threads would spin and take the cores from the other session.
            .with_session_config("session.intra_op.allow_spinning", "0");
        let session = TextEmbedding::try_new_from_user_defined(model, options)
            .map_err(|error| EmbedError::Load(error.to_string()))?;
        let content = sha256_hex([&described]);
        let folding = match about.folds {
            true => format!("/{FOLDING}"),
            false => String::new(),
        };
        Ok(Self {
            id: format!(
                "{}/{}/ort-{}/{}{folding}",
                about.name,
                about.quantisation,
                about.runtime_version,
                &content[..12]
            ),
            dimension: about.dimension,
            query_prefix: about.query_prefix,
            passage_prefix: about.passage_prefix,
            folds: about.folds,
            session,
            scale: 1.0,
        })
    }

    /// Encodes one batch with this part. Each vector's length is `scale`.
    fn encode(&mut self, texts: &[&str], as_questions: bool) -> Result<Vec<Vec<f32>>, EmbedError> {
        let prefix = if as_questions {
            &self.query_prefix
        } else {
            &self.passage_prefix
        };
        let prefixed: Vec<String> = texts
            .iter()
            .map(|text| match self.folds {
                true => format!("{prefix}{}", fold(text)),
                false => format!("{prefix}{text}"),
            })
            .collect();
        let mut vectors = self
            .session
            .embed(&prefixed, Some(prefixed.len()))
            .map_err(|error| EmbedError::Encode(error.to_string()))?;
        for number in vectors.iter_mut().flatten() {
            *number *= self.scale;
        }
        match vectors
            .iter()
            .all(|v| v.len() == self.dimension && v.iter().all(|x| x.is_finite()))
        {
            true => Ok(vectors),
            false => Err(EmbedError::Encode(format!(
                "expected {} finite numbers for each text",
                self.dimension
            ))),
        }
    }
}

fn read(folder: &Path, file: &str) -> Result<Vec<u8>, EmbedError> {
    std::fs::read(folder.join(file)).map_err(|_| EmbedError::FileMissing {
        path: folder.to_owned(),
        file: file.to_owned(),
    })
}

fn read_checked(
    folder: &Path,
    file: &str,
    about: &EncoderDescription,
) -> Result<Vec<u8>, EmbedError> {
    let wrong = |detail: &str| EmbedError::FileWrong {
        path: folder.join(file),
        detail: detail.to_owned(),
    };
    let expected = about
        .files
        .get(file)
        .ok_or_else(|| wrong("not listed in encoder.json"))?;
    let bytes = read(folder, file)?;
    match sha256_hex([&bytes]) == *expected {
        true => Ok(bytes),
        false => Err(wrong("checksum mismatch")),
    }
}
