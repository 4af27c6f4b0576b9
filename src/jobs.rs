//! Long work on knowledge, in the background, by the durable queue: uploaded files, one a run, so that workspaces take
//! turns; and changes whose judged questions take longer than a request may.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Uuid;

use crate::domain::{DocumentId, WorkspaceId};
use crate::editing::gate::{Breaking, Each, Gate, GateError, Refused};
use crate::editing::impact::ImpactError;
use crate::ingest::worker::FileReader;
use crate::queue::{self, Failure, Handler, Policy, Progress};
use crate::store::{Effect, JobItem, Recorded, Store, StoreError, WaitingJob, Write};

/// How many documents of one file are recorded in one transaction.
const BATCH: usize = 64;

/// The kind of work, and of job, that reads uploaded files.
pub const UPLOAD: &str = "upload";

/// The upload that is to be worked off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Upload {
    pub job: String,
    #[serde(default)]
    pub breaking: Breaking,
}

/// Reads and records uploads. What is done stays done; after a crash an upload goes on with the first file that waits. One
/// file at a time is held in memory.
pub struct Uploads {
    store: Store,
    reader: FileReader,
    gate: Gate,
}

impl Uploads {
    pub fn new(store: Store, reader: FileReader, gate: Gate) -> Self {
        Self {
            store,
            reader,
            gate,
        }
    }

    /// Reads the next file that waits.
    async fn next(
        &self,
        workspace: &WorkspaceId,
        upload: &Upload,
    ) -> Result<Progress, ImpactError> {
        let Some((item, bytes)) = next_item(&self.store, workspace, &upload.job).await? else {
            return Ok(Progress::Done);
        };
        let (state, detail) = match self.read_item(workspace, upload, &item.name, bytes).await {
            Ok(outcome) => outcome,
            // Other files wait.
            Err(error) if is_final(&error) => ("failed", error.to_string()),
            Err(error) => return Err(error),
        };
        self.store
            .finish_job_item(workspace, &upload.job, item.ordinal, state, &detail)
            .await?;
        Ok(Progress::More)
    }

    /// Reads one file and records what it holds; returns the item's state and what to tell of it.
    async fn read_item(
        &self,
        workspace: &WorkspaceId,
        upload: &Upload,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<(&'static str, String), ImpactError> {
        let parsed = match self.reader.read(name, bytes).await {
            Ok(parsed) => parsed,
            Err(error) => return Ok(("failed", error.to_string())),
        };
        let mut whole = Each::default();
        let mut sources = parsed.sources.into_iter().peekable();
        while sources.peek().is_some() {
            let writes: Vec<Write> = sources.by_ref().take(BATCH).map(Write::put).collect();
            let job = Some(upload.job.as_str());
            let Some(each) = self
                .gate
                .apply_each(workspace, writes, upload.breaking, job)
                .await?
            else {
                return Ok(("failed", CANCELLED.to_owned()));
            };
            whole.recorded.extend(each.recorded);
            whole.refused.extend(each.refused);
        }
        let failed = parsed.failed.iter();
        let mut problems: Vec<String> =
            failed.map(|(path, why)| format!("{path}: {why}")).collect();
        problems.extend(whole.refused.iter().map(told));
        let is_unchanged = |recorded: &&Recorded| recorded.effect == Effect::Unchanged;
        let n_unchanged = whole.recorded.iter().filter(is_unchanged).count();
        let n_written = whole.recorded.len() - n_unchanged;
        let mut detail = format!("{n_written} written, {n_unchanged} unchanged");
        for problem in &problems {
            detail.push_str("; ");
            detail.push_str(problem);
        }
        let all_failed = whole.recorded.is_empty() && !problems.is_empty();
        Ok((if all_failed { "failed" } else { "done" }, detail))
    }
}

/// What is told of an item whose job does not run any more.
const CANCELLED: &str = "the job was cancelled";

/// What was refused, and why.
fn told(refused: &Refused) -> String {
    let ids = refused
        .writes
        .iter()
        .map(|write| write.document_id().as_str());
    let ids: Vec<&str> = ids.collect();
    format!("{}: {}", ids.join(", "), refused.reason())
}

/// The next part of a job that waits; where none does the job is done, and where it was cancelled there is none.
async fn next_item(
    store: &Store,
    workspace: &WorkspaceId,
    id: &str,
) -> Result<Option<(JobItem, Vec<u8>)>, StoreError> {
    store
        .move_job(workspace, id, &["queued"], "running")
        .await?;
    // A dead letter that somebody runs again.
    store.reopen_job(workspace, id).await?;
    let job = store.job(workspace, id).await?;
    if job.is_none_or(|job| job.state != "running") {
        return Ok(None);
    }
    let next = store.next_job_item(workspace, id).await?;
    if next.is_none() {
        store.move_job(workspace, id, &["running"], "done").await?;
    }
    Ok(next)
}

impl Handler for Uploads {
    type Payload = Upload;
    const KIND: &'static str = UPLOAD;

    fn policy(&self) -> Policy {
        Policy {
            at_once: 1,
            ..PATIENT
        }
    }

    async fn run(
        &self,
        workspace: WorkspaceId,
        upload: Upload,
        _stopped: watch::Receiver<bool>,
    ) -> Result<Progress, Failure> {
        let next = self.next(&workspace, &upload).await;
        next.map_err(|error| failure(&error))
    }

    async fn failed(
        &self,
        workspace: &str,
        upload: &Upload,
        error: &str,
    ) -> Result<(), StoreError> {
        fail(&self.store, workspace, &upload.job, error).await
    }
}

/// The kind of work, and of job, that checks and makes changes.
pub const CHANGE: &str = "change";

/// The job whose changes are to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeJob {
    pub job: String,
}

/// Changes as they wait, the bytes of a job's only item.
#[derive(Serialize, Deserialize)]
struct Waiting {
    writes: Vec<Write>,
    breaking: Breaking,
    /// The live version of each document when the change was asked for; none where there was no document.
    versions: Vec<Option<i64>>,
}

/// Checks and makes changes, each all or none.
pub struct Changes {
    store: Store,
    gate: Gate,
}

impl Changes {
    pub fn new(store: Store, gate: Gate) -> Self {
        Self { store, gate }
    }

    /// Makes a job of changes; durable when it returns. Returns the job's id.
    ///
    /// # Errors
    /// Where the store fails; there is no job then.
    pub async fn enqueue(
        store: &Store,
        workspace: &WorkspaceId,
        writes: Vec<Write>,
        breaking: Breaking,
    ) -> Result<String, StoreError> {
        let id = format!("job_{}", Uuid::now_v7().simple());
        let name = match writes.as_slice() {
            [write] => write.document_id().to_string(),
            writes => format!("{} documents", writes.len()),
        };
        let versions = live_versions(store, workspace, &writes).await?;
        let versions = versions.iter().map(|live| live.as_ref().map(|(n, _)| *n));
        let waiting = Waiting {
            versions: versions.collect(),
            writes,
            breaking,
        };
        let bytes = serde_json::to_vec(&waiting).expect("changes are plain data");
        store.add_job(workspace, &id, CHANGE).await?;
        store.add_job_item(workspace, &id, 0, &name, &bytes).await?;
        let payload = ChangeJob { job: id.clone() };
        let work = queue::work(CHANGE, &id, &payload);
        store.enqueue_job(workspace, &id, work).await?;
        Ok(id)
    }

    async fn next(&self, workspace: &WorkspaceId, id: &str) -> Result<Progress, ImpactError> {
        let Some((item, bytes)) = next_item(&self.store, workspace, id).await? else {
            return Ok(Progress::Done);
        };
        let (state, detail) = match self.make(workspace, id, &bytes).await {
            Ok(outcome) => outcome,
            Err(error) if is_final(&error) => ("failed", error.to_string()),
            Err(error) => return Err(error),
        };
        self.store
            .finish_job_item(workspace, id, item.ordinal, state, &detail)
            .await?;
        Ok(Progress::More)
    }

    async fn make(
        &self,
        workspace: &WorkspaceId,
        id: &str,
        bytes: &[u8],
    ) -> Result<(&'static str, String), ImpactError> {
        let waiting: Waiting = match serde_json::from_slice(bytes) {
            Ok(waiting) => waiting,
            Err(error) => return Ok(("failed", format!("it cannot be read: {error}"))),
        };
        let live = live_versions(&self.store, workspace, &waiting.writes).await?;
        let others = waiting.writes.iter().zip(&waiting.versions).zip(live);
        // One that a run before a crash has made already is no other's.
        let is_others = |write: &Write, then: Option<i64>, now: Option<&(i64, String)>| {
            let is_own = match write {
                Write::Put { source, .. } => {
                    now.is_some_and(|(_, hash)| *hash == source.content_hash)
                }
                Write::Archive(_) | Write::Delete(_) => now.is_none(),
                Write::Schedule { .. } | Write::Stage(_) => false,
            };
            now.map(|(version, _)| *version) != then && !is_own
        };
        for ((write, then), now) in others {
            if is_others(write, *then, now.as_ref()) {
                let detail = format!(
                    "nothing is written: {} was changed since; send the change again",
                    write.document_id()
                );
                return Ok(("failed", detail));
            }
        }
        let checked = self
            .gate
            .apply_for_job(workspace, id, waiting.writes, waiting.breaking)
            .await;
        let recorded = match checked {
            Ok(Some(recorded)) => recorded,
            Ok(None) => return Ok(("failed", CANCELLED.to_owned())),
            Err(GateError::WouldBreak(refused)) => {
                return Ok((
                    "failed",
                    format!("nothing is written: {}", refused.reason()),
                ));
            }
            Err(GateError::Impact(error)) => return Err(error),
        };
        let revision = recorded.last().map_or(0, |last| last.revision);
        let is_unchanged = |recorded: &&Recorded| recorded.effect == Effect::Unchanged;
        let n_unchanged = recorded.iter().filter(is_unchanged).count();
        let n_written = recorded.len() - n_unchanged;
        let detail = format!("{n_written} written, {n_unchanged} unchanged, revision {revision}");
        Ok(("done", detail))
    }
}

/// The live version of each write's document, with its content hash.
async fn live_versions(
    store: &Store,
    workspace: &WorkspaceId,
    writes: &[Write],
) -> Result<Vec<Option<(i64, String)>>, StoreError> {
    let ids: Vec<DocumentId> = writes
        .iter()
        .map(|write| write.document_id().clone())
        .collect();
    let live = store.documents_by_id(workspace, &ids).await?.into_iter();
    let mut live: HashMap<DocumentId, (i64, String)> = live
        .map(|document| (document.id, (document.version, document.content_hash)))
        .collect();
    Ok(ids.iter().map(|id| live.remove(id)).collect())
}

impl Handler for Changes {
    type Payload = ChangeJob;
    const KIND: &'static str = CHANGE;

    fn policy(&self) -> Policy {
        Policy {
            at_once: 2,
            ..PATIENT
        }
    }

    async fn run(
        &self,
        workspace: WorkspaceId,
        change: ChangeJob,
        _stopped: watch::Receiver<bool>,
    ) -> Result<Progress, Failure> {
        let next = self.next(&workspace, &change.job).await;
        next.map_err(|error| failure(&error))
    }

    async fn failed(
        &self,
        workspace: &str,
        change: &ChangeJob,
        error: &str,
    ) -> Result<(), StoreError> {
        fail(&self.store, workspace, &change.job, error).await
    }
}

/// Of what was acknowledged: some 16 hours, so that it waits for a disk that is full; oldest first.
const PATIENT: Policy = Policy {
    at_once: 1,
    in_order: true,
    max_attempts: 100,
    min_delay: Duration::from_secs(1),
    max_delay: Duration::from_secs(600),
    timeout: Duration::from_secs(3_600),
};

/// Whether trying again would not help.
fn is_final(error: &ImpactError) -> bool {
    match error {
        ImpactError::Store(error) => {
            matches!(
                error,
                StoreError::ChunkKeysExhausted(_) | StoreError::Corrupt { .. }
            ) || error.is_of_data()
        }
        _ => false,
    }
}

fn failure(error: &ImpactError) -> Failure {
    match is_final(error) {
        true => Failure::Final(error.to_string()),
        false => Failure::Passing(error.to_string()),
    }
}

/// Ends a job whose work is a dead letter.
async fn fail(store: &Store, workspace: &str, id: &str, error: &str) -> Result<(), StoreError> {
    let job = WaitingJob {
        workspace: workspace.to_owned(),
        id: id.to_owned(),
    };
    store.fail_job(&job, error).await
}
