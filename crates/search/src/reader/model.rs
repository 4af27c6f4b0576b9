//! The reader's ONNX session and tokenizer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::Tensor;
use serde::Deserialize;
use tokenizers::Tokenizer;

use super::{ReaderError, Reading};
use ken_base::domain::Span;
use ken_text::text::sha256_hex;

/// The most pieces of a question that are read; the model was trained with the same limit.
const MAX_QUESTION: usize = 48;
/// The most pieces of question and passage together. The model has 512 positions and was trained with 256.
const MAX_PIECES: usize = 320;
/// The longest answer that is searched for, in pieces.
const MAX_ANSWER: usize = 60;
/// Ids of `<s>`, `<pad>` and `</s>`.
const BEGIN: i64 = 0;
const PAD: i64 = 1;
const END: i64 = 2;

/// `reader.json`: the content of the folder.
#[derive(Debug, Deserialize)]
struct ReaderDescription {
    version: String,
    /// File name → SHA-256 (hex).
    files: BTreeMap<String, String>,
}

/// The model's files, which exist but have not been read.
pub struct ModelFiles {
    /// Name and date of the weights.
    pub version: String,
    folder: PathBuf,
    hashes: BTreeMap<String, String>,
}

const MODEL: &str = "model.onnx";
const TOKENIZER: &str = "tokenizer.json";

fn wrong(path: &Path, detail: impl std::fmt::Display) -> ReaderError {
    ReaderError::File {
        path: path.to_owned(),
        detail: detail.to_string(),
    }
}

impl ModelFiles {
    /// Finds the files in a folder.
    ///
    /// # Errors
    /// [`ReaderError::File`] if a file is missing or `reader.json` has no hash for it.
    pub fn find(folder: &Path) -> Result<Self, ReaderError> {
        let description = folder.join("reader.json");
        let text = std::fs::read(&description).map_err(|error| wrong(&description, error))?;
        let about: ReaderDescription =
            serde_json::from_slice(&text).map_err(|error| wrong(&description, error))?;
        for name in [MODEL, TOKENIZER] {
            if !about.files.contains_key(name) {
                return Err(wrong(&description, format!("{name} not listed")));
            }
            let path = folder.join(name);
            std::fs::metadata(&path).map_err(|error| wrong(&path, error))?;
        }
        Ok(Self {
            version: about.version,
            folder: folder.to_owned(),
            hashes: about.files,
        })
    }

    /// Reads a file and checks its hash against `reader.json`.
    fn read(&self, name: &str) -> Result<Vec<u8>, ReaderError> {
        let path = self.folder.join(name);
        let bytes = std::fs::read(&path).map_err(|error| wrong(&path, error))?;
        match self.hashes.get(name) == Some(&sha256_hex([&bytes])) {
            true => Ok(bytes),
            false => Err(wrong(&path, "checksum does not match reader.json")),
        }
    }
}

/// The loaded reader: an ONNX session with its tokenizer.
pub struct ReaderModel {
    session: Session,
    tokenizer: Tokenizer,
}

/// A question and a passage in pieces.
struct TokenPair {
    ids: Vec<i64>,
    /// Index of the passage's first piece.
    first: usize,
    offsets: Offsets,
}

/// The bytes of a text that each of its pieces covers: start and end.
type Offsets = Vec<(usize, usize)>;

impl ReaderModel {
    /// Loads session and tokenizer; the session uses `threads` threads.
    ///
    /// # Errors
    /// [`ReaderError`] if a file is damaged or ONNX Runtime rejects the model.
    pub fn load(
        files: &ModelFiles,
        environment: &Environment,
        threads: usize,
    ) -> Result<Self, ReaderError> {
        let failed = |error: String| ReaderError::Load(error);
        let mut builder = Session::builder(environment)
            .map_err(|error| failed(error.to_string()))?
            .with_optimization_level(GraphOptimizationLevel::Level3)
            .map_err(|error| failed(error.to_string()))?
            .with_intra_threads(threads)
            .map_err(|error| failed(error.to_string()))?
            // Idle threads would otherwise spin and take the cores from the encoder.
            .with_config_entry("session.intra_op.allow_spinning", "0")
            .map_err(|error| failed(error.to_string()))?;
        let session = builder
            .commit_from_memory(&files.read(MODEL)?)
            .map_err(|error| failed(error.to_string()))?;
        let mut tokenizer = Tokenizer::from_bytes(files.read(TOKENIZER)?)
            .map_err(|error| failed(error.to_string()))?;
        tokenizer
            .with_truncation(None)
            .map_err(|error| failed(error.to_string()))?;
        tokenizer.with_padding(None);
        Ok(Self { session, tokenizer })
    }

    /// Reads all passages in one forward pass.
    pub fn read(
        &mut self,
        question: &str,
        passages: &[String],
    ) -> Result<Vec<Reading>, ReaderError> {
        if passages.is_empty() {
            return Ok(Vec::new());
        }
        let failed = |error: String| ReaderError::Read(error);
        let mut asked = self.pieces(question)?.0;
        asked.truncate(MAX_QUESTION);
        let pairs: Vec<TokenPair> = passages
            .iter()
            .map(|passage| self.pair(&asked, passage))
            .collect::<Result<_, _>>()?;
        let n = pairs.len();
        let length = pairs.iter().map(|pair| pair.ids.len()).max().unwrap_or(0);
        let mut ids = vec![PAD; n * length];
        let mut mask = vec![0i64; n * length];
        let mut types = vec![0i64; n * length];
        for (i, pair) in pairs.iter().enumerate() {
            let row = i * length;
            ids[row..row + pair.ids.len()].copy_from_slice(&pair.ids);
            mask[row..row + pair.ids.len()].fill(1);
            types[row + pair.first..row + pair.first + pair.offsets.len()].fill(1);
        }
        let tensor = |values: Vec<i64>| {
            Tensor::from_array(([n, length], values)).map_err(|error| failed(error.to_string()))
        };
        let outputs = self
            .session
            .run(ort::inputs! {
                "input_ids" => tensor(ids)?,
                "attention_mask" => tensor(mask)?,
                "token_type_ids" => tensor(types)?,
            })
            .map_err(|error| failed(error.to_string()))?;
        let values = |name: &str| {
            outputs
                .get(name)
                .ok_or_else(|| failed(format!("the model has no output {name}")))?
                .try_extract_tensor::<f32>()
                .map(|(_, values)| values)
                .map_err(|error| failed(error.to_string()))
        };
        let (answers, spans) = (values("answers")?, values("span")?);
        if answers.len() != n
            || spans.len() != n * length * 2
            || answers.iter().any(|logit| !logit.is_finite())
        {
            return Err(failed(
                "expected one finite logit per passage and two per piece".to_owned(),
            ));
        }
        let reading = |(i, pair): (usize, &TokenPair)| Reading {
            logit: answers[i],
            span: best_span(pair, &spans[i * length * 2..(i + 1) * length * 2]),
        };
        Ok(pairs.iter().enumerate().map(reading).collect())
    }

    fn pieces(&self, text: &str) -> Result<(Vec<i64>, Offsets), ReaderError> {
        let encoded = self
            .tokenizer
            .encode(text, false)
            .map_err(|error| ReaderError::Read(error.to_string()))?;
        let ids = encoded.get_ids().iter().map(|id| i64::from(*id)).collect();
        Ok((ids, encoded.get_offsets().to_vec()))
    }

    /// Builds `<s> question </s></s> passage </s>`. A passage that is too long is cut at its end.
    fn pair(&self, question: &[i64], passage: &str) -> Result<TokenPair, ReaderError> {
        let (mut pieces, mut offsets) = self.pieces(passage)?;
        let room = MAX_PIECES.saturating_sub(question.len() + 4);
        pieces.truncate(room);
        offsets.truncate(room);
        let mut ids = Vec::with_capacity(question.len() + pieces.len() + 4);
        ids.push(BEGIN);
        ids.extend_from_slice(question);
        ids.extend([END, END]);
        let first = ids.len();
        ids.extend(pieces);
        ids.push(END);
        Ok(TokenPair {
            ids,
            first,
            offsets,
        })
    }
}

/// Returns the likeliest span of at most [`MAX_ANSWER`] pieces, or `None` if "no answer here" is likelier. `logits`
/// holds the start and end logit of each piece, interleaved; the first piece represents "no answer here".
fn best_span(pair: &TokenPair, logits: &[f32]) -> Option<Span> {
    let start = |i: usize| logits[2 * (pair.first + i)];
    let end = |i: usize| logits[2 * (pair.first + i) + 1];
    let none = logits[0] + logits[1];
    let mut best: Option<(f32, usize, usize)> = None;
    for i in 0..pair.offsets.len() {
        let last = (i + MAX_ANSWER).min(pair.offsets.len());
        for j in i..last {
            let score = start(i) + end(j);
            if best.is_none_or(|(known, _, _)| score > known) {
                best = Some((score, i, j));
            }
        }
    }
    let (_, i, j) = best.filter(|(score, _, _)| *score > none)?;
    let (from, to) = (pair.offsets[i].0, pair.offsets[j].1);
    (from < to).then(|| Span::new(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn best_span_prefers_likeliest_pair_in_order() {
        let pair = TokenPair {
            ids: vec![0; 6],
            first: 2,
            offsets: vec![(0, 3), (3, 6), (6, 9)],
        };
        let check = |logits: [f32; 12], expected: Option<(usize, usize)>| {
            let span = best_span(&pair, &logits).map(|span| (span.start, span.end));
            assert_eq!(span, expected, "{logits:?}");
        };
        // Piece 0 represents "none"; pieces 2 to 4 belong to the passage.
        let none = [0.0, 0.0, 9.0, 9.0];
        let passage = |values: [f32; 6]| {
            let mut all = [0.0; 12];
            all[..4].copy_from_slice(&none);
            all[4..10].copy_from_slice(&values);
            all
        };
        check(passage([1.0, 0.0, 3.0, 1.0, 0.0, 2.0]), Some((3, 9)));
        // An end before its start is not accepted.
        check(passage([0.0, 5.0, 3.0, 0.0, 0.0, 1.0]), Some((0, 3)));
        check(passage([-1.0, -1.0, -1.0, -1.0, -1.0, -1.0]), None);
    }

    #[test]
    fn missing_reader_file_error_names_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let fault = || ModelFiles::find(folder.path()).err().unwrap().to_string();
        let error = fault();
        assert!(
            error.contains("ken setup") && error.contains("reader.json"),
            "{error}"
        );
        let description =
            r#"{"version": "v", "files": {"model.onnx": "0", "tokenizer.json": "0"}}"#;
        std::fs::write(folder.path().join("reader.json"), description).unwrap();
        let error = fault();
        assert!(error.contains("model.onnx"), "{error}");
        for name in [MODEL, TOKENIZER] {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        let files = ModelFiles::find(folder.path()).unwrap();
        let error = files.read(MODEL).err().unwrap().to_string();
        assert!(error.contains("checksum"), "{error}");
    }
}
