//! Ingestion of files and folders, with a report: walk, hash, parse, record.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use futures_util::stream::{self, StreamExt};
use ignore::WalkBuilder;
use serde::Serialize;

use super::gate::{Breaking, Gate};
use super::impact::ImpactError;
use ken_base::blocking::blocking;
use ken_base::domain::{DocumentId, Revision, Source, WorkspaceId};
use ken_ingest::ingest::worker::FileReader;
use ken_ingest::ingest::{FileFormat, Parsed, file_hash};
use ken_store::store::{Effect, Origin, Store, Write};

/// The most documents recorded in one transaction. Small enough that answers never wait long for it.
const BATCH: usize = 32;
/// The most bytes of text recorded in one transaction.
const BATCH_BYTES: usize = 8 << 20;
/// How many files are read ahead of the one being recorded; bounds the memory in use.
const READ_AHEAD: usize = 4;

/// The result of an ingestion.
#[derive(Debug, Default, Clone, Serialize, PartialEq, Eq)]
pub struct IngestReport {
    /// How many documents are new.
    pub added: usize,
    /// How many documents changed.
    pub changed: usize,
    /// How many documents are unchanged.
    pub unchanged: usize,
    /// How many documents were archived.
    pub archived: usize,
    /// How many files were skipped because of their name (images, scripts …).
    pub skipped: usize,
    /// The files that failed.
    pub failed: Vec<FileFailure>,
    /// The newest revision after the run.
    pub revision: Revision,
}

/// A file or document that failed. The rest was ingested.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct FileFailure {
    /// Its path.
    pub path: String,
    /// Why it failed.
    pub reason: String,
}

/// How files are ingested.
#[derive(Debug, Clone, Copy, Default)]
pub struct IngestOptions {
    /// Whether to archive documents whose source file is gone.
    pub prune: bool,
    /// Whether documents may break judged questions.
    pub breaking: Breaking,
}

/// Reads files and folders and records their documents through the gate.
#[derive(Clone, Copy)]
pub struct Ingester<'a> {
    /// The system of record.
    pub store: &'a Store,
    /// The gate.
    pub gate: &'a Gate,
    /// Parses files.
    pub reader: &'a FileReader,
}

/// Ingests files and folders. Calls `on_file` with each file's name when its turn comes, and with the number of files.
///
/// A file is identified by its path below the given folder and by its content; an unchanged file only costs a hash. A
/// document that the gate refuses keeps its old version (for retries see docs/guides/edit-knowledge.md).
///
/// # Errors
/// Only if the store, an index or a model fails; what was recorded until then stays. Bad files and refused documents
/// are listed in the report.
pub async fn ingest(
    ingester: Ingester<'_>,
    workspace: &WorkspaceId,
    paths: &[PathBuf],
    IngestOptions { prune, breaking }: IngestOptions,
    mut on_file: impl FnMut(&str, usize),
) -> Result<IngestReport, ImpactError> {
    let Ingester { store, reader, .. } = ingester;
    let mut report = IngestReport::default();
    let mut ids: HashMap<DocumentId, String> = HashMap::new();
    for path in paths {
        let n_failed = report.failed.len();
        let (root, files) = match walk(path, &mut report) {
            Some(found) => found,
            None => continue,
        };
        // A folder that cannot be read may still contain its files, so nothing counts as gone.
        let prune = prune && report.failed.len() == n_failed;
        let mut known: HashMap<String, KnownFile> = HashMap::new();
        for origin in store.origins(workspace, &root).await? {
            let file = known.entry(origin.path).or_default();
            file.hashes.insert(origin.hash);
            file.documents.push(origin.document_id);
        }
        let mut seen: HashSet<DocumentId> = HashSet::new();
        let mut batch = WriteBatch::default();
        let n_files = files.len();
        let known = &known;
        let mut outcomes = stream::iter(files)
            .map(|(name, file)| async move {
                let outcome = read_and_parse(reader, &name, &file, known).await;
                (name, file, outcome)
            })
            .buffered(READ_AHEAD);
        while let Some((name, file, outcome)) = outcomes.next().await {
            on_file(&name, n_files);
            let mut fail =
                |path: String, reason: String| report.failed.push(FileFailure { path, reason });
            let (hash, parsed) = match outcome {
                FileOutcome::Unchanged(documents) => {
                    report.unchanged += documents.len();
                    seen.extend(documents.iter().cloned());
                    ids.extend(documents.into_iter().map(|id| (id, name.clone())));
                    continue;
                }
                FileOutcome::Failed(reason) => {
                    fail(file.display().to_string(), reason);
                    // Documents read from it earlier stay unchanged.
                    let before = known.get(&name).map(|file| file.documents.clone());
                    seen.extend(before.unwrap_or_default());
                    continue;
                }
                FileOutcome::Parsed(hash, parsed) => (hash, parsed),
            };
            if !parsed.failed.is_empty() {
                // Documents read earlier from the parts that cannot be read now stay.
                let before = known.get(&name).map(|file| file.documents.clone());
                seen.extend(before.unwrap_or_default());
            }
            for (path, reason) in parsed.failed {
                fail(path, reason);
            }
            // Until all of its documents are written, the file does not count as read, so an interrupted run is
            // completed later.
            let is_one = parsed.sources.len() == 1;
            let partial = if is_one {
                hash.clone()
            } else {
                partial_hash(&hash)
            };
            for source in parsed.sources {
                seen.insert(source.id.clone());
                if let Some(other) = ids.insert(source.id.clone(), name.clone()) {
                    let reason = format!("duplicate id {}, also used by {other}", source.id);
                    fail(file.display().to_string(), reason);
                    continue;
                }
                let origin = Origin {
                    root: root.clone(),
                    path: name.clone(),
                    hash: partial.clone(),
                };
                batch.push(source, origin);
            }
            if !is_one {
                batch.ends.push(Origin {
                    root: root.clone(),
                    path: name,
                    hash,
                });
            }
            if batch.is_full() {
                let full = std::mem::take(&mut batch);
                record_batch(ingester, workspace, full, breaking, &mut report).await?;
            }
        }
        record_batch(ingester, workspace, batch, breaking, &mut report).await?;
        if prune {
            let gone = store.origins(workspace, &root).await?;
            let gone = gone
                .into_iter()
                .filter(|o| !seen.contains(&o.document_id))
                .map(|o| Write::Archive(o.document_id));
            let gone = WriteBatch {
                writes: gone.collect(),
                ..WriteBatch::default()
            };
            record_batch(ingester, workspace, gone, breaking, &mut report).await?;
        }
    }
    report.revision = store.revision(workspace).await?;
    Ok(report)
}

/// Parses files and folders without recording anything. Adds failures to the report.
pub async fn read_all(
    reader: &FileReader,
    paths: &[PathBuf],
    report: &mut IngestReport,
) -> Vec<Source> {
    let known = HashMap::new();
    let mut sources = Vec::new();
    for path in paths {
        let Some((_, files)) = walk(path, report) else {
            continue;
        };
        for (name, file) in files {
            let mut fail =
                |path: String, reason: String| report.failed.push(FileFailure { path, reason });
            match read_and_parse(reader, &name, &file, &known).await {
                FileOutcome::Parsed(_, parsed) => {
                    sources.extend(parsed.sources);
                    parsed
                        .failed
                        .into_iter()
                        .for_each(|(path, reason)| fail(path, reason));
                }
                FileOutcome::Failed(reason) => fail(file.display().to_string(), reason),
                FileOutcome::Unchanged(_) => {}
            }
        }
    }
    sources
}

/// A file as known from the documents that came from it.
#[derive(Default)]
struct KnownFile {
    /// The file's hash at the time each document was written.
    hashes: HashSet<String>,
    documents: Vec<DocumentId>,
}

/// Returns the placeholder for a file's hash until all of its documents are written.
fn partial_hash(hash: &str) -> String {
    format!("{hash} in part")
}

/// Documents that are recorded together, from whole files.
#[derive(Default)]
struct WriteBatch {
    writes: Vec<Write>,
    n_bytes: usize,
    /// Files with another number of documents than one, whose hash is recorded at the end.
    ends: Vec<Origin>,
}

impl WriteBatch {
    fn push(&mut self, source: Source, origin: Origin) {
        self.n_bytes += source.text.len();
        self.writes.push(Write::Put {
            source: Box::new(source),
            origin: Some(origin),
        });
    }

    fn is_full(&self) -> bool {
        self.writes.len() >= BATCH || self.n_bytes >= BATCH_BYTES
    }
}

enum FileOutcome {
    Unchanged(Vec<DocumentId>),
    Failed(String),
    /// The file's hash and its documents.
    Parsed(String, Parsed),
}

async fn read_and_parse(
    reader: &FileReader,
    name: &str,
    file: &Path,
    known: &HashMap<String, KnownFile>,
) -> FileOutcome {
    let bytes = match read(file, reader.max_file_bytes()).await {
        Ok(bytes) => bytes,
        Err(reason) => return FileOutcome::Failed(reason),
    };
    let (hash, bytes) = blocking(move || (file_hash(&bytes), bytes)).await;
    match known.get(name) {
        Some(file) if file.hashes.contains(&hash) => FileOutcome::Unchanged(file.documents.clone()),
        _ => match reader.read(name, bytes).await {
            Ok(parsed) => FileOutcome::Parsed(hash, parsed),
            Err(error) => FileOutcome::Failed(error.to_string()),
        },
    }
}

/// Returns the files below a path whose name has a known format, in order, without hidden and git-ignored ones.
fn walk(path: &Path, report: &mut IngestReport) -> Option<(String, Vec<(String, PathBuf)>)> {
    let root = match path.canonicalize() {
        Ok(root) => root,
        Err(error) => {
            report.failed.push(FileFailure {
                path: path.display().to_string(),
                reason: error.to_string(),
            });
            return None;
        }
    };
    let folder = root
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let mut files = Vec::new();
    for entry in WalkBuilder::new(&root).sort_by_file_path(Path::cmp).build() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let failure = FileFailure {
                    path: path.display().to_string(),
                    reason: error.to_string(),
                };
                report.failed.push(failure);
                continue;
            }
        };
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let below = entry.path().strip_prefix(&root).unwrap_or(entry.path());
        let mut parts: Vec<String> = vec![folder.clone()];
        parts.extend(
            below
                .components()
                .map(|part| part.as_os_str().to_string_lossy().into_owned()),
        );
        let name = parts.join("/");
        // A file given by name is read whatever its name, so that its error is reported.
        match FileFormat::of_name(&name).is_ok() || entry.path() == root {
            true => files.push((name, entry.into_path())),
            false => report.skipped += 1,
        }
    }
    Some((root.display().to_string(), files))
}

async fn read(file: &Path, max: u64) -> Result<Vec<u8>, String> {
    let size = tokio::fs::metadata(file)
        .await
        .map_err(|e| e.to_string())?
        .len();
    if size > max {
        return Err(format!(
            "too large: expected at most {max} bytes, found {size}"
        ));
    }
    tokio::fs::read(file).await.map_err(|e| e.to_string())
}

async fn record_batch(
    ingester: Ingester<'_>,
    workspace: &WorkspaceId,
    batch: WriteBatch,
    breaking: Breaking,
    report: &mut IngestReport,
) -> Result<(), ImpactError> {
    let Ingester { store, gate, .. } = ingester;
    let each = gate.apply_each(workspace, batch.writes, breaking).await?;
    for recorded in each.recorded {
        match recorded.effect {
            Effect::Added => report.added += 1,
            Effect::Changed => report.changed += 1,
            Effect::Unchanged | Effect::Scheduled => report.unchanged += 1,
            Effect::Archived | Effect::Deleted => report.archived += 1,
            Effect::NotFound => {}
        }
    }
    let mut in_part: HashSet<&str> = HashSet::new();
    for refused in &each.refused {
        for write in &refused.writes {
            if let Write::Put {
                origin: Some(origin),
                ..
            } = write
            {
                in_part.insert(&origin.path);
            }
            report.failed.push(FileFailure {
                path: write.document_id().to_string(),
                reason: refused.reason(),
            });
        }
    }
    for file in &batch.ends {
        if !in_part.contains(file.path.as_str()) {
            let before = partial_hash(&file.hash);
            store.complete_origin(workspace, file, &before).await?;
        }
    }
    Ok(())
}
