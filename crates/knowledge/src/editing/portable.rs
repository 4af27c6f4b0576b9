//! Export and import of a whole workspace, and restore of a backup.

use std::io::{BufRead, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use ken_base::config::Config;
use ken_base::domain::{JudgedQuestion, WorkspaceId};
use ken_base::store_url::without_password;
use ken_search::index;
use ken_store::store::{ExportedDocument, Store, StoreError, sqlite_path};

/// Version of the export format. Files of another version are refused.
const FORMAT: u32 = 1;

/// One line of an export.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ExportLine {
    KenExport { format: u32, workspace: String },
    Synonyms { groups: Vec<Vec<String>> },
    JudgedQuestion { question: JudgedQuestion },
    Document { document: Box<ExportedDocument> },
}

/// Why an export, import or restore failed.
#[derive(Debug, thiserror::Error)]
pub enum PortableError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file could not be read or written.
    #[error("{path}: {detail}")]
    File {
        /// The file's path.
        path: PathBuf,
        /// The system's message.
        detail: String,
    },
    /// A line could not be imported.
    #[error("line {line}: {detail}; lines before it were imported")]
    Line {
        /// The line, from 1.
        line: usize,
        /// The problem.
        detail: String,
    },
    /// The operation was refused; the text is the reason.
    #[error("{0}")]
    Refused(String),
}

fn file_error(path: &Path) -> impl Fn(std::io::Error) -> PortableError + '_ {
    move |error| PortableError::File {
        path: path.to_owned(),
        detail: error.to_string(),
    }
}

/// Writes everything of a workspace except its conversations: documents with all versions and tombstones, synonyms,
/// judged questions. Returns the number of documents.
pub async fn export(
    store: &Store,
    workspace: &WorkspaceId,
    path: &Path,
) -> Result<usize, PortableError> {
    let wrong = file_error(path);
    let fresh = path.with_extension("partial");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&fresh).map_err(&wrong)?);
    let mut write = |line: &ExportLine| -> Result<(), PortableError> {
        let json = serde_json::to_string(line).expect("knowledge is plain data");
        writeln!(file, "{json}").map_err(&wrong)
    };
    write(&ExportLine::KenExport {
        format: FORMAT,
        workspace: workspace.to_string(),
    })?;
    let groups = store.synonyms(workspace).await?.groups;
    write(&ExportLine::Synonyms { groups })?;
    for question in store.judged_questions(workspace).await? {
        write(&ExportLine::JudgedQuestion { question })?;
    }
    let ids = store.document_ids(workspace).await?;
    for id in &ids {
        if let Some(document) = store.exported(workspace, id).await? {
            write(&ExportLine::Document {
                document: Box::new(document),
            })?;
        }
    }
    let file = file.into_inner().map_err(|e| wrong(e.into_error()))?;
    file.sync_all().map_err(&wrong)?;
    std::fs::rename(&fresh, path).map_err(&wrong)?;
    Ok(ids.len())
}

/// The result of importing an export.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ImportCounts {
    /// How many documents are new.
    pub n_added: usize,
    /// How many documents existed with other content. The file's live version became their new version.
    pub n_changed: usize,
    /// How many documents are unchanged.
    pub n_unchanged: usize,
}

/// Imports an export into a workspace. A new document is imported with all its versions; of an existing one only the
/// live version. The first faulty line stops the import, and the error names it. The lines before it are imported, and
/// the file may be imported again.
pub async fn import(
    store: &Store,
    workspace: &WorkspaceId,
    path: &Path,
) -> Result<ImportCounts, PortableError> {
    let wrong = file_error(path);
    let file = std::io::BufReader::new(std::fs::File::open(path).map_err(&wrong)?);
    let mut imported = ImportCounts::default();
    store.ensure_workspace(workspace).await?;
    for (number, line) in (1..).zip(file.lines()) {
        let at_line = |detail: String| PortableError::Line {
            line: number,
            detail,
        };
        let line = line.map_err(|e| at_line(e.to_string()))?;
        let line: ExportLine = serde_json::from_str(&line).map_err(|e| at_line(e.to_string()))?;
        match line {
            ExportLine::KenExport { format: FORMAT, .. } => {}
            ExportLine::KenExport { format, .. } => {
                return Err(at_line(format!(
                    "expected export format {FORMAT}, found {format}"
                )));
            }
            _ if number == 1 => {
                return Err(at_line("not a Ken export: header line missing".into()));
            }
            ExportLine::Synonyms { groups } if groups.is_empty() => {}
            ExportLine::Synonyms { groups } => {
                store.replace_synonyms(workspace, &groups).await?;
            }
            ExportLine::JudgedQuestion { question } => {
                store.put_judged_question(workspace, &question).await?
            }
            ExportLine::Document { document } => {
                match store.import_document(workspace, *document).await? {
                    ken_store::store::Effect::Added | ken_store::store::Effect::Deleted => {
                        imported.n_added += 1
                    }
                    ken_store::store::Effect::Unchanged => imported.n_unchanged += 1,
                    _ => imported.n_changed += 1,
                }
            }
        }
    }
    Ok(imported)
}

/// Replaces the store by a backup. The old store is kept beside it as `….before-restore`. The indexes are rebuilt at
/// the next start without encoding, because a backup contains the vectors.
///
/// # Errors
/// [`PortableError::Refused`] if a service is running on the same folders, or if the file is not a valid backup. Then
/// nothing is changed.
pub async fn restore(config: &Config, backup: &Path) -> Result<PathBuf, PortableError> {
    let Some(target) = sqlite_path(&config.store.url) else {
        return Err(PortableError::Refused(format!(
            "{} is not an SQLite file; use the tools of its database",
            without_password(&config.store.url)
        )));
    };
    Store::check_backup(backup).await?;
    let wrong = file_error(&target);
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder).map_err(&wrong)?;
    }
    let fresh = target.with_extension("restoring");
    std::fs::copy(backup, &fresh).map_err(&wrong)?;
    std::fs::File::open(&fresh)
        .and_then(|file| file.sync_all())
        .map_err(&wrong)?;
    // Also fails while a service writes there. From here on the indexes have to be rebuilt.
    if let Err(error) = index::clear(&config.index.dir) {
        let _ = std::fs::remove_file(&fresh);
        return Err(PortableError::Refused(error.to_string()));
    }
    let previous = target.with_extension("before-restore");
    let with_suffix =
        |path: &Path, ending: &str| PathBuf::from(format!("{}{ending}", path.display()));
    if target.exists() {
        // Moves the latest writes from the write-ahead log into the file. A store that does not open is kept unchanged.
        if let Ok(store) = Store::open(&config.store.url).await {
            store.checkpoint().await?;
            store.close().await;
        }
        // Removes the store kept by an earlier restore. Then the store has two names until the backup takes one of
        // them, so that a store exists whenever this is killed.
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(with_suffix(&previous, ending));
        }
        std::fs::hard_link(&target, &previous)
            .or_else(|_| std::fs::copy(&target, &previous).map(drop))
            .map_err(&wrong)?;
        for ending in ["-wal", "-shm"] {
            match std::fs::rename(with_suffix(&target, ending), with_suffix(&previous, ending)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(wrong(error));
                }
                _ => {}
            }
        }
    }
    std::fs::rename(&fresh, &target).map_err(&wrong)?;
    Ok(previous)
}
