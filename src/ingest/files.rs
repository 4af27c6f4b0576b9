//! Files and folders → recorded knowledge, with a report. One line: walk, hash, parse, record.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use serde::Serialize;

use super::{Format, IngestError, file_hash, parse_file};
use crate::domain::{DocumentId, Revision, Source, WorkspaceId};
use crate::store::{Effect, Origin, Store, StoreError, Write};

/// How many documents are recorded in one transaction: short enough that a question's answer never waits long.
const BATCH: usize = 32;
/// The largest file read, in bytes.
const MAX_FILE_BYTES: u64 = 32 << 20;

/// What an ingestion did.
#[derive(Debug, Default, Clone, Serialize, PartialEq, Eq)]
pub struct Report {
    pub added: usize,
    pub changed: usize,
    pub unchanged: usize,
    pub archived: usize,
    /// Files that are not knowledge by their name (images, scripts …).
    pub skipped: usize,
    pub failed: Vec<Failure>,
    /// The newest revision when it was done.
    pub revision: Revision,
}

/// A file that was not taken, and why. The rest of the ingestion went on.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct Failure {
    pub path: String,
    pub reason: String,
}

/// Ingests files and folders. `on_file` is told of each file's name before it is read, with how many there are.
///
/// Files are known by their path below what was named, and by content: an unchanged one costs a hash. With
/// `prune`, documents that came from the same place and are there no more are archived.
///
/// # Errors
/// Only where the store fails; what was recorded until then stays. A bad file stands in the report.
pub async fn ingest(
    store: &Store,
    workspace: &WorkspaceId,
    paths: &[PathBuf],
    prune: bool,
    mut on_file: impl FnMut(&str, usize),
) -> Result<Report, StoreError> {
    let mut report = Report::default();
    let mut ids: HashMap<DocumentId, String> = HashMap::new();
    for path in paths {
        let (root, files) = match walk(path, &mut report) {
            Some(found) => found,
            None => continue,
        };
        let mut known: HashMap<String, (String, Vec<DocumentId>)> = HashMap::new();
        for origin in store.origins(workspace, &root).await? {
            known
                .entry(origin.path)
                .or_insert((origin.hash, Vec::new()))
                .1
                .push(origin.document_id);
        }
        let mut seen: HashSet<String> = HashSet::new();
        let mut batch: Vec<Write> = Vec::new();
        let n_files = files.len();
        for (name, file) in files {
            on_file(&name, n_files);
            seen.insert(name.clone());
            let read = match read(&file).await {
                Ok(bytes) => bytes,
                Err(reason) => {
                    report.failed.push(Failure {
                        path: file.display().to_string(),
                        reason,
                    });
                    continue;
                }
            };
            let hash = file_hash(&read);
            if let Some((_, documents)) = known.remove(&name).filter(|(known, _)| *known == hash) {
                report.unchanged += documents.len();
                ids.extend(documents.into_iter().map(|id| (id, name.clone())));
                continue;
            }
            match parse(&name, read).await {
                Ok(sources) => {
                    for source in sources {
                        if let Some(other) = ids.insert(source.id.clone(), name.clone()) {
                            let reason = format!("its id {} is that of {other} too", source.id);
                            report.failed.push(Failure {
                                path: file.display().to_string(),
                                reason,
                            });
                            continue;
                        }
                        let origin = Origin {
                            root: root.clone(),
                            path: name.clone(),
                            hash: hash.clone(),
                        };
                        batch.push(Write::Put {
                            source: Box::new(source),
                            origin: Some(origin),
                        });
                    }
                }
                Err(error) => {
                    report.failed.push(Failure {
                        path: file.display().to_string(),
                        reason: error.to_string(),
                    });
                }
            }
            if batch.len() >= BATCH {
                record(store, workspace, std::mem::take(&mut batch), &mut report).await?;
            }
        }
        record(store, workspace, batch, &mut report).await?;
        if prune {
            let gone = store.origins(workspace, &root).await?;
            let gone = gone
                .into_iter()
                .filter(|o| !seen.contains(&o.path))
                .map(|o| Write::Archive(o.document_id));
            record(store, workspace, gone.collect(), &mut report).await?;
        }
    }
    report.revision = store.revision(workspace).await?;
    Ok(report)
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

async fn read(file: &Path) -> Result<Vec<u8>, String> {
    let size = tokio::fs::metadata(file)
        .await
        .map_err(|e| e.to_string())?
        .len();
    if size > MAX_FILE_BYTES {
        return Err(format!("it has {size} bytes; the most is {MAX_FILE_BYTES}"));
    }
    tokio::fs::read(file).await.map_err(|e| e.to_string())
}

async fn parse(name: &str, bytes: Vec<u8>) -> Result<Vec<Source>, IngestError> {
    let name = name.to_owned();
    match tokio::task::spawn_blocking(move || parse_file(&name, &bytes)).await {
        Ok(parsed) => parsed,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

async fn record(
    store: &Store,
    workspace: &WorkspaceId,
    writes: Vec<Write>,
    report: &mut Report,
) -> Result<(), StoreError> {
    if writes.is_empty() {
        return Ok(());
    }
    for recorded in store.record(workspace, writes).await? {
        match recorded.effect {
            Effect::Added => report.added += 1,
            Effect::Changed => report.changed += 1,
            Effect::Unchanged => report.unchanged += 1,
            Effect::Archived | Effect::Deleted => report.archived += 1,
            Effect::NotFound => {}
        }
    }
    Ok(())
}
