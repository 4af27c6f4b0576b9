//! `ken check` and `ken status`: do the store, the keyword index and the vectors agree?

use serde::Serialize;

use crate::app::App;
use ken_base::blocking::blocking;
use ken_base::domain::{Revision, WorkspaceId};
use ken_search::embed::EmbedError;
use ken_search::index::IndexError;
use ken_store::store::{Scope, StoreError};

/// What is stored and indexed of one workspace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    pub workspace: String,
    pub revision: Revision,
    pub keyword_revision: Revision,
    pub vector_revision: Revision,
    pub n_documents: i64,
    pub n_chunks: i64,
    pub n_keyword_chunks: u64,
    pub n_vectors: usize,
}

/// Where the parts disagree; empty is sound.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Check {
    pub workspace: String,
    pub n_chunks: usize,
    pub faults: Vec<String>,
}

/// Why it could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Embed(#[from] EmbedError),
}

/// Counts and revisions.
pub async fn status(app: &App, workspace: &WorkspaceId) -> Result<Status, CheckError> {
    let index = app.indexes.workspace(workspace)?;
    let (n_documents, n_chunks) = app.store.counts(workspace).await?;
    Ok(Status {
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

/// Compares chunk by chunk: spans with their documents' text, and both indexes with the store.
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
