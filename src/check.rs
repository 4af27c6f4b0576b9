//! `ken check` and `ken status`: compare the store, the keyword index and the vectors.

use serde::Serialize;

use crate::app::App;
use ken_base::blocking::blocking;
use ken_base::domain::{Revision, WorkspaceId};
use ken_search::embed::EmbedError;
use ken_search::index::IndexError;
use ken_store::store::{Scope, StoreError};

/// Counts and revisions of one workspace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorkspaceStatus {
    /// Its name.
    pub workspace: String,
    /// The newest revision in the store.
    pub revision: Revision,
    /// The revision of the keyword index.
    pub keyword_revision: Revision,
    /// The revision of the vectors.
    pub vector_revision: Revision,
    /// The number of stored documents.
    pub n_documents: i64,
    /// The number of stored chunks.
    pub n_chunks: i64,
    /// The number of chunks in the keyword index.
    pub n_keyword_chunks: u64,
    /// The number of vectors.
    pub n_vectors: usize,
}

/// The result of a check of one workspace.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Check {
    /// Its name.
    pub workspace: String,
    /// The number of chunks that were compared.
    pub n_chunks: usize,
    /// One sentence per inconsistency; empty if the workspace is consistent.
    pub faults: Vec<String>,
}

/// Why a workspace could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An index failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The encoder failed.
    #[error(transparent)]
    Embed(#[from] EmbedError),
}

/// Returns counts and revisions of a workspace.
pub async fn status(app: &App, workspace: &WorkspaceId) -> Result<WorkspaceStatus, CheckError> {
    let index = app.indexes.workspace(workspace)?;
    let (n_documents, n_chunks) = app.store.counts(workspace).await?;
    Ok(WorkspaceStatus {
        workspace: workspace.to_string(),
        revision: app.store.revision(workspace).await?,
        keyword_revision: index.keyword.revision(),
        vector_revision: index.vectors.revision(),
        n_documents,
        n_chunks,
        n_keyword_chunks: index.keyword.all_keys()?.len(),
        n_vectors: blocking(move || index.vectors.n_vectors()).await?,
    })
}

/// Compares chunk by chunk: spans with their documents' text, and both indexes with the store. Also verifies the
/// workspace's audit log, what is derived from the desk's log, and the files of messages.
pub async fn check(app: &App, workspace: &WorkspaceId) -> Result<Check, CheckError> {
    let status = status(app, workspace).await?;
    let index = app.indexes.workspace(workspace)?;
    let mut faults = Vec::new();
    for (name, held) in [
        ("keyword index", status.keyword_revision),
        ("vectors", status.vector_revision),
    ] {
        if held != status.revision {
            faults.push(format!(
                "{name} at revision {held}, store at {}",
                status.revision
            ));
        }
    }
    let wrong = app.store.chunks_with_wrong_spans(workspace).await?;
    faults.extend(
        wrong
            .iter()
            .map(|id| format!("chunk {id}: text differs from its document at its span")),
    );
    let mut extra = index.keyword.all_keys()?;
    let (mut n_chunks, mut n_views, mut after) = (0, 0, 0);
    loop {
        let keys = app.store.chunk_keys(workspace, after, 1_000).await?;
        let Some(last) = keys.last() else { break };
        after = *last;
        n_chunks += keys.len();
        let vectors = index.clone();
        let (looked_for, keys) = (keys.clone(), keys);
        let missing = blocking(move || vectors.vectors.missing(&looked_for)).await?;
        for entry in app.store.chunks(workspace, &keys).await? {
            let key = entry.chunk.key;
            n_views += entry
                .metadata
                .views(&entry.chunk.heading_path, &entry.chunk.text)
                .len();
            n_views += entry.metadata.negative_views().len();
            if !extra.remove(key) {
                faults.push(format!(
                    "chunk {}: missing in the keyword index",
                    entry.chunk.id()
                ));
            }
            if missing.contains(&key) {
                faults.push(format!("chunk {}: vector missing", entry.chunk.id()));
            }
        }
    }
    faults.extend(
        extra
            .iter()
            .map(|key| format!("keyword index contains deleted chunk {key}")),
    );
    faults.extend(app.store.audit_faults(Scope::Workspace(workspace)).await?);
    faults.extend(app.store.desk_faults(workspace).await?);
    faults.extend(app.desk.attachments().faults(workspace).await?);
    if status.n_vectors != n_views {
        faults.push(format!(
            "expected {n_views} vectors, found {}",
            status.n_vectors
        ));
    }
    Ok(Check {
        workspace: workspace.to_string(),
        n_chunks,
        faults,
    })
}

/// Returns one sentence per inconsistency outside of the workspaces: in the service's audit log and among its folders.
pub async fn check_service(app: &App) -> Result<Vec<String>, CheckError> {
    let mut faults = app.store.audit_faults(Scope::Service).await?;
    faults.extend(app.desk.attachments().folder_faults().await?);
    Ok(faults)
}
