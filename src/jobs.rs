//! Uploaded files, read in the background: work of the durable queue, one file a run, so that workspaces take turns.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::domain::WorkspaceId;
use crate::ingest::worker::FileReader;
use crate::queue::{Failure, Handler, Policy, Progress};
use crate::store::{Effect, Store, StoreError, WaitingJob, Write};

/// How many documents of one file are recorded in one transaction.
const BATCH: usize = 64;

/// The kind of work, and of job, that reads uploaded files.
pub const UPLOAD: &str = "upload";

/// The upload that is to be worked off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Upload {
    pub job: String,
}

/// Reads and records uploads. What is done stays done; after a crash an upload goes on with the first file that waits. One
/// file at a time is held in memory.
pub struct Uploads<F> {
    store: Store,
    reader: FileReader,
    on_written: F,
}

impl<F: Fn() + Send + Sync + 'static> Uploads<F> {
    /// `on_written` is called after each file that changed something.
    pub fn new(store: Store, reader: FileReader, on_written: F) -> Self {
        Self {
            store,
            reader,
            on_written,
        }
    }

    /// Reads the next file that waits.
    async fn next(&self, workspace: &WorkspaceId, id: &str) -> Result<Progress, StoreError> {
        let store = &self.store;
        store
            .move_job(workspace, id, &["queued"], "running")
            .await?;
        // A dead letter that somebody runs again.
        store.reopen_job(workspace, id).await?;
        let job = store.job(workspace, id).await?;
        if job.is_none_or(|job| job.state != "running") {
            return Ok(Progress::Done);
        }
        let Some((item, bytes)) = store.next_job_item(workspace, id).await? else {
            store.move_job(workspace, id, &["running"], "done").await?;
            return Ok(Progress::Done);
        };
        let read = read_item(store, &self.reader, workspace, id, &item.name, bytes).await;
        let (state, detail) = match read {
            Ok(outcome) => outcome,
            // Other files wait.
            Err(error) if is_final(&error) => ("failed", error.to_string()),
            Err(error) => return Err(error),
        };
        store
            .finish_job_item(workspace, id, item.ordinal, state, &detail)
            .await?;
        (self.on_written)();
        Ok(Progress::More)
    }
}

impl<F: Fn() + Send + Sync + 'static> Handler for Uploads<F> {
    type Payload = Upload;
    const KIND: &'static str = UPLOAD;

    fn policy(&self) -> Policy {
        Policy {
            at_once: 1,
            in_order: true,
            // Some 16 hours: what was acknowledged waits for a disk that is full.
            max_attempts: 100,
            timeout: Duration::from_secs(3_600),
            ..Policy::default()
        }
    }

    async fn run(
        &self,
        workspace: WorkspaceId,
        upload: Upload,
        _stopped: watch::Receiver<bool>,
    ) -> Result<Progress, Failure> {
        let next = self.next(&workspace, &upload.job).await;
        next.map_err(|error| match is_final(&error) {
            true => Failure::Final(error.to_string()),
            false => Failure::Passing(error.to_string()),
        })
    }

    async fn failed(
        &self,
        workspace: &str,
        upload: &Upload,
        error: &str,
    ) -> Result<(), StoreError> {
        let job = WaitingJob {
            workspace: workspace.to_owned(),
            id: upload.job.clone(),
        };
        self.store.fail_job(&job, error).await
    }
}

/// Whether trying again would not help.
fn is_final(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::ChunkKeysExhausted(_) | StoreError::Corrupt { .. }
    ) || error.is_of_data()
}

/// Reads one file and records what it holds; returns the item's state and what to tell of it.
async fn read_item(
    store: &Store,
    reader: &FileReader,
    workspace: &WorkspaceId,
    job: &str,
    name: &str,
    bytes: Vec<u8>,
) -> Result<(&'static str, String), StoreError> {
    let parsed = match reader.read(name, bytes).await {
        Ok(parsed) => parsed,
        Err(error) => return Ok(("failed", error.to_string())),
    };
    let (mut n_written, mut n_unchanged) = (0, 0);
    let mut sources = parsed.sources.into_iter().peekable();
    while sources.peek().is_some() {
        let writes: Vec<Write> = sources
            .by_ref()
            .take(BATCH)
            .map(|source| Write::Put {
                source: Box::new(source),
                origin: None,
            })
            .collect();
        let Some(recorded) = store.record_for_job(workspace, job, writes).await? else {
            return Ok(("failed", "the job was cancelled".to_owned()));
        };
        for recorded in recorded {
            match recorded.effect {
                Effect::Unchanged => n_unchanged += 1,
                _ => n_written += 1,
            }
        }
    }
    let mut detail = format!("{n_written} written, {n_unchanged} unchanged");
    for (path, reason) in &parsed.failed {
        detail.push_str(&format!("; {path}: {reason}"));
    }
    let all_failed = n_written + n_unchanged == 0 && !parsed.failed.is_empty();
    Ok((if all_failed { "failed" } else { "done" }, detail))
}
