//! Files and folders → recorded knowledge, with a report. One line: walk, hash, parse, record.

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
use ken_ingest::ingest::{Format, Parsed, file_hash};
use ken_store::store::{Effect, Origin, Store, Write};

/// How many documents are recorded in one transaction: short enough that a question's answer never waits long.
const BATCH: usize = 32;
/// How many bytes of text at most, where documents are long.
const BATCH_BYTES: usize = 8 << 20;
/// How many files are read ahead of the one that is recorded; bounds the memory that waits.
const READ_AHEAD: usize = 4;

/// What an ingestion did.
#[derive(Debug, Default, Clone, Serialize, PartialEq, Eq)]
pub struct Report {
    pub added: usize,
    pub changed: usize,
    pub unchanged: usize,
    pub archived: usize,
    /// Files skipped by name (images, scripts …).
    pub skipped: usize,
    pub failed: Vec<Failure>,
    /// Newest revision after the run.
    pub revision: Revision,
}

/// A file that was not taken, and why. The rest of the ingestion went on.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct Failure {
    pub path: String,
    pub reason: String,
}

/// How files are ingested.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Archive documents that came from the same place and are there no more.
    pub prune: bool,
    /// Whether documents may break judged questions.
    pub breaking: Breaking,
}

/// Reads files and folders and records what they hold, through the gate.
#[derive(Clone, Copy)]
pub struct Ingester<'a> {
    pub store: &'a Store,
    pub gate: &'a Gate,
    pub reader: &'a FileReader,
}

/// Ingests files and folders. `on_file` is told of each file's name as its turn comes, with how many there are.
///
/// Files are known by their path below what was named, and by content: an unchanged one costs a hash. A document that the
/// gate refuses stays as it was (when it is tried again: docs/guides/edit-knowledge.md).
///
/// # Errors
/// Only where the store, an index or a model fails; what was recorded until then stays. A bad file, and a document that was
/// refused, stands in the report.
pub async fn ingest(
    ingester: Ingester<'_>,
    workspace: &WorkspaceId,
    paths: &[PathBuf],
    Options { prune, breaking }: Options,
    mut on_file: impl FnMut(&str, usize),
) -> Result<Report, ImpactError> {
    let Ingester { store, reader, .. } = ingester;
    let mut report = Report::default();
    let mut ids: HashMap<DocumentId, String> = HashMap::new();
    for path in paths {
        let n_failed = report.failed.len();
        let (root, files) = match walk(path, &mut report) {
            Some(found) => found,
            None => continue,
        };
        // What cannot be looked into may still be there: then nothing counts as gone.
        let prune = prune && report.failed.len() == n_failed;
        let mut known: HashMap<String, Known> = HashMap::new();
        for origin in store.origins(workspace, &root).await? {
            let file = known.entry(origin.path).or_default();
            file.hashes.insert(origin.hash);
            file.documents.push(origin.document_id);
        }
        let mut seen: HashSet<DocumentId> = HashSet::new();
        let mut batch = Batch::default();
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
                |path: String, reason: String| report.failed.push(Failure { path, reason });
            let (hash, parsed) = match outcome {
                Outcome::Unchanged(documents) => {
                    report.unchanged += documents.len();
                    seen.extend(documents.iter().cloned());
                    ids.extend(documents.into_iter().map(|id| (id, name.clone())));
                    continue;
                }
                Outcome::Failed(reason) => {
                    fail(file.display().to_string(), reason);
                    // What was read of it before stays as it is.
                    let before = known.get(&name).map(|file| file.documents.clone());
                    seen.extend(before.unwrap_or_default());
                    continue;
                }
                Outcome::Parsed(hash, parsed) => (hash, parsed),
            };
            if !parsed.failed.is_empty() {
                // What was read before of the parts that cannot be read now stays.
                let before = known.get(&name).map(|file| file.documents.clone());
                seen.extend(before.unwrap_or_default());
            }
            for (path, reason) in parsed.failed {
                fail(path, reason);
            }
            // Until all of them are written, the file is not one that was read: what stops before is made up for.
            let is_one = parsed.sources.len() == 1;
            let partial = if is_one { hash.clone() } else { partly(&hash) };
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
            let gone = Batch {
                writes: gone.collect(),
                ..Batch::default()
            };
            record_batch(ingester, workspace, gone, breaking, &mut report).await?;
        }
    }
    report.revision = store.revision(workspace).await?;
    Ok(report)
}

/// Reads files and folders without recording anything; what cannot be read stands in the report.
pub async fn read_all(reader: &FileReader, paths: &[PathBuf], report: &mut Report) -> Vec<Source> {
    let known = HashMap::new();
    let mut sources = Vec::new();
    for path in paths {
        let Some((_, files)) = walk(path, report) else {
            continue;
        };
        for (name, file) in files {
            let mut fail =
                |path: String, reason: String| report.failed.push(Failure { path, reason });
            match read_and_parse(reader, &name, &file, &known).await {
                Outcome::Parsed(_, parsed) => {
                    sources.extend(parsed.sources);
                    parsed
                        .failed
                        .into_iter()
                        .for_each(|(path, reason)| fail(path, reason));
                }
                Outcome::Failed(reason) => fail(file.display().to_string(), reason),
                Outcome::Unchanged(_) => {}
            }
        }
    }
    sources
}

/// What is known of a file by the documents that came from it.
#[derive(Default)]
struct Known {
    /// The file's as it was when each was written.
    hashes: HashSet<String>,
    documents: Vec<DocumentId>,
}

/// What stands for a file's hash on its documents until all of them are written.
fn partly(hash: &str) -> String {
    format!("{hash} in part")
}

/// What is recorded together: whole files.
#[derive(Default)]
struct Batch {
    writes: Vec<Write>,
    n_bytes: usize,
    /// The files of other than one document.
    ends: Vec<Origin>,
}

impl Batch {
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

enum Outcome {
    Unchanged(Vec<DocumentId>),
    Failed(String),
    /// With the file's hash.
    Parsed(String, Parsed),
}

async fn read_and_parse(
    reader: &FileReader,
    name: &str,
    file: &Path,
    known: &HashMap<String, Known>,
) -> Outcome {
    let bytes = match read(file, reader.max_file_bytes()).await {
        Ok(bytes) => bytes,
        Err(reason) => return Outcome::Failed(reason),
    };
    let (hash, bytes) = blocking(move || (file_hash(&bytes), bytes)).await;
    match known.get(name) {
        Some(file) if file.hashes.contains(&hash) => Outcome::Unchanged(file.documents.clone()),
        _ => match reader.read(name, bytes).await {
            Ok(parsed) => Outcome::Parsed(hash, parsed),
            Err(error) => Outcome::Failed(error.to_string()),
        },
    }
}

/// The files below a path that are knowledge by their name, in order; hidden and git-ignored ones are left out.
fn walk(path: &Path, report: &mut Report) -> Option<(String, Vec<(String, PathBuf)>)> {
    let root = match path.canonicalize() {
        Ok(root) => root,
        Err(error) => {
            report.failed.push(Failure {
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
                let failure = Failure {
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
        // A file that was named itself is read whatever it is called, so that its fault is reported.
        match Format::of_name(&name).is_ok() || entry.path() == root {
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
    batch: Batch,
    breaking: Breaking,
    report: &mut Report,
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
            report.failed.push(Failure {
                path: write.document_id().to_string(),
                reason: refused.reason(),
            });
        }
    }
    for file in &batch.ends {
        if !in_part.contains(file.path.as_str()) {
            let before = partly(&file.hash);
            store.complete_origin(workspace, file, &before).await?;
        }
    }
    Ok(())
}
