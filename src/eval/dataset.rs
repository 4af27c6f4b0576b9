//! Judged sets on disk: queries, relevance judgements and corpus.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, de::DeserializeOwned};

use ken_base::domain::{DocumentId, Metadata, Source, Utterance, WorkspaceId};
use ken_ingest::ingest::{FileFormat, IngestError, parse_article, parse_file};
use ken_text::text::sha256_hex;

/// Why a folder is not a valid judged set.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The folder is not a judged set.
    #[error(
        "{path} is not a judged set: expected queries.jsonl, qrels.tsv and corpus.jsonl or knowledge/, or subfolders with them"
    )]
    NotASet {
        /// The folder.
        path: PathBuf,
    },
    #[error("{path}, line {line}: {detail}")]
    /// A line of a file is invalid.
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// The problem.
        detail: String,
    },
    /// A file cannot be read or parsed.
    #[error("{path}: {detail}")]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        detail: String,
    },
}

/// A judged question. Only `text` and `history` reach the system.
#[derive(Debug, Clone, Deserialize)]
pub struct JudgedQuery {
    /// The query's id. Variants of one query share it up to `~`.
    #[serde(rename = "_id")]
    pub id: String,
    /// The question.
    pub text: String,
    /// Earlier utterances of the conversation, oldest first.
    #[serde(default)]
    pub history: Vec<Utterance>,
    /// The query's language; empty if the set does not state it.
    #[serde(default)]
    pub lang: String,
    /// The kind of question, for reports.
    pub kind: Option<String>,
    /// The perturbation rule that made it; `orig` for an unchanged query.
    pub perturb: Option<String>,
    /// Whether the corpus answers it; `None` if the set does not state it.
    pub answerable: Option<bool>,
    /// Gold strings; a right answer contains one of them.
    #[serde(default)]
    pub answers: Vec<String>,
}

#[derive(Deserialize)]
struct CorpusLine {
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    title: String,
    text: String,
    lang: Option<String>,
}

/// A set in BEIR layout: `queries.jsonl`, `qrels.tsv`, and `corpus.jsonl` or a folder `knowledge/` of files, or both.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// The folder's name.
    pub name: String,
    /// The folder's absolute path.
    pub path: PathBuf,
    /// The queries, in the order of the file.
    pub queries: Vec<JudgedQuery>,
    /// Query id → document id → gain (> 0).
    pub qrels: HashMap<String, HashMap<String, f64>>,
}

/// The sets in a folder: the folder itself, or those of its subfolders by name. Other folders are skipped. Fails if
/// there is none.
pub fn find(path: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let is_set = |p: &Path| {
        p.join("queries.jsonl").is_file()
            && (p.join("corpus.jsonl").is_file() || p.join("knowledge").is_dir())
    };
    if is_set(path) {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).map_err(|_| DatasetError::NotASet {
        path: path.to_owned(),
    })?;
    let mut sets: Vec<PathBuf> = entries
        .flatten()
        .map(|e| e.path())
        .filter(|p| is_set(p))
        .collect();
    sets.sort();
    match sets.is_empty() {
        true => Err(DatasetError::NotASet {
            path: path.to_owned(),
        }),
        false => Ok(sets),
    }
}

impl Dataset {
    /// Loads the queries and judgements of a set.
    pub fn load(path: &Path) -> Result<Self, DatasetError> {
        let full = path.canonicalize().map_err(|_| DatasetError::NotASet {
            path: path.to_owned(),
        })?;
        let name = full
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        Ok(Self {
            name,
            queries: read_lines(&full.join("queries.jsonl"))?,
            qrels: read_qrels(&full.join("qrels.tsv"))?,
            path: full,
        })
    }

    /// Whether the queries have gold fields for answers.
    pub fn asks_for_answers(&self) -> bool {
        self.queries
            .iter()
            .any(|q| q.answerable.is_some() || !q.answers.is_empty())
    }

    /// The workspace of this set. Two folders of the same name have different ones.
    pub fn workspace(&self) -> WorkspaceId {
        let digest = sha256_hex([self.path.to_string_lossy().as_bytes()]);
        let name: String = self
            .name
            .to_ascii_lowercase()
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == '-' {
                    c
                } else {
                    '-'
                }
            })
            .take(40)
            .collect();
        WorkspaceId::parse(&format!("{name}-{}", &digest[..8])).expect("made of allowed characters")
    }

    /// The set's documents, parsed like any others.
    pub fn sources(&self) -> Result<Vec<Source>, DatasetError> {
        let (corpus, knowledge) = (self.path.join("corpus.jsonl"), self.path.join("knowledge"));
        let mut sources = match knowledge.is_dir() {
            true => read_knowledge(&knowledge)?,
            false => Vec::new(),
        };
        if !corpus.is_file() {
            return Ok(sources);
        }
        let lines: Vec<CorpusLine> = read_lines(&corpus)?;
        let make = |(i, line): (usize, CorpusLine)| {
            let detail = |e: String| DatasetError::Line {
                path: corpus.clone(),
                line: i + 1,
                detail: e,
            };
            let id = DocumentId::parse(&line.id).map_err(|e| detail(e.to_string()))?;
            // A title derived from the text would count twice in search.
            let title = if line.title.is_empty() {
                " ".to_owned()
            } else {
                line.title
            };
            let metadata = Metadata {
                title,
                language: line.lang,
                ..Metadata::default()
            };
            match parse_article(id, metadata, &line.text, FileFormat::Plain) {
                Ok(source) => Ok(Some(source)),
                Err(IngestError::Empty) => Ok(None),
                Err(error) => Err(detail(error.to_string())),
            }
        };
        for source in lines.into_iter().enumerate().map(make) {
            sources.extend(source?);
        }
        Ok(sources)
    }
}

fn read_knowledge(folder: &Path) -> Result<Vec<Source>, DatasetError> {
    let mut sources = Vec::new();
    for entry in ignore::WalkBuilder::new(folder)
        .sort_by_file_path(Path::cmp)
        .build()
        .flatten()
    {
        let path = entry.path();
        let name = path
            .strip_prefix(folder)
            .unwrap_or(path)
            .to_string_lossy()
            .into_owned();
        if !path.is_file() || FileFormat::of_name(&name).is_err() {
            continue;
        }
        let fault = |detail: String| DatasetError::File {
            path: path.to_owned(),
            detail,
        };
        let bytes = std::fs::read(path).map_err(|e| fault(e.to_string()))?;
        let parsed = parse_file(&name, &bytes).map_err(|e| fault(e.to_string()))?;
        if let Some((path, reason)) = parsed.failed.first() {
            return Err(fault(format!("{path}: {reason}")));
        }
        sources.extend(parsed.sources);
    }
    Ok(sources)
}

fn read_text(path: &Path) -> Result<String, DatasetError> {
    std::fs::read_to_string(path).map_err(|e| DatasetError::File {
        path: path.to_owned(),
        detail: e.to_string(),
    })
}

fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, DatasetError> {
    let text = read_text(path)?;
    let parse = |(i, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|e| DatasetError::Line {
            path: path.to_owned(),
            line: i + 1,
            detail: e.to_string(),
        })
    };
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(parse)
        .collect()
}

/// `query-id <tab> corpus-id <tab> score`, with a header line.
fn read_qrels(path: &Path) -> Result<HashMap<String, HashMap<String, f64>>, DatasetError> {
    let mut qrels: HashMap<String, HashMap<String, f64>> = HashMap::new();
    for (i, line) in read_text(path)?
        .lines()
        .enumerate()
        .skip(1)
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let fault = |detail: &str| DatasetError::Line {
            path: path.to_owned(),
            line: i + 1,
            detail: detail.into(),
        };
        let parts: Vec<&str> = line.split('\t').collect();
        let [query, document, score] = parts[..] else {
            return Err(fault("expected three columns"));
        };
        let score: f64 = score
            .trim()
            .parse()
            .map_err(|_| fault("expected a number as score"))?;
        if score > 0.0 {
            qrels
                .entry(query.to_owned())
                .or_default()
                .insert(document.to_owned(), score);
        }
    }
    Ok(qrels)
}
