//! Long work on knowledge as jobs of the durable queue. Uploaded files are read one per run, so that workspaces take
//! turns. Changes become jobs if their judged questions take longer than a request may.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Uuid;

use crate::editing::gate::{Breaking, ChangeTerms, Gate, GateError, PartialResult, RefusedWrites};
use crate::editing::impact::ImpactError;
use ken_base::domain::{DocumentId, WorkspaceId};
use ken_ingest::ingest::worker::FileReader;
use ken_store::queue::{self, Handler, Policy, WorkFailure, WorkProgress};
use ken_store::store::{
    CompletedItem, Effect, JobItem, Original, Recorded, Store, StoreError, WaitingJob, Write,
    WriteConditions,
};
use ken_text::text::sha256_hex;

/// How many documents of one file are recorded in one transaction.
const BATCH: usize = 64;

/// The queue's name, and the job's kind, for reading uploaded files.
pub const UPLOAD: &str = "upload";

/// The queue's payload of an upload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Upload {
    /// The job's id.
    pub job: String,
    /// Whether documents may break judged questions.
    #[serde(default)]
    pub breaking: Breaking,
}

/// Reads and records uploaded files. Finished files stay recorded; after a crash an upload continues with the first
/// waiting file. Only one file at a time is in memory.
pub struct Uploads {
    store: Store,
    reader: FileReader,
    gate: Gate,
    keep_original_bytes: usize,
}

impl Uploads {
    /// Joins the parts that uploads need. Files up to `keep_original_bytes` are kept as originals.
    pub fn new(store: Store, reader: FileReader, gate: Gate, keep_original_bytes: usize) -> Self {
        Self {
            store,
            reader,
            gate,
            keep_original_bytes,
        }
    }

    /// Reads the next waiting file.
    async fn next(
        &self,
        workspace: &WorkspaceId,
        upload: &Upload,
    ) -> Result<WorkProgress, ImpactError> {
        let Some((item, bytes)) = next_item(&self.store, workspace, &upload.job).await? else {
            return Ok(WorkProgress::Done);
        };
        let (state, detail) = match self.read_item(workspace, upload, &item.name, bytes).await {
            Ok(outcome) => outcome,
            // The other files are still read.
            Err(error) if is_final(&error) => ("failed", error.to_string()),
            Err(error) => return Err(error),
        };
        self.store
            .finish_job_item(workspace, &upload.job, item.ordinal, state, &detail)
            .await?;
        Ok(WorkProgress::More)
    }

    /// Reads one file and records its documents. Returns the item's state and a message.
    async fn read_item(
        &self,
        workspace: &WorkspaceId,
        upload: &Upload,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<(&'static str, String), ImpactError> {
        let original = (bytes.len() <= self.keep_original_bytes).then(|| Original {
            name: name.to_owned(),
            bytes: bytes.clone(),
        });
        let parsed = match self.reader.read(name, bytes).await {
            Ok(parsed) => parsed,
            Err(error) => return Ok(("failed", error.to_string())),
        };
        let mut whole = PartialResult::default();
        let mut sources = parsed.sources.into_iter().peekable();
        while sources.peek().is_some() {
            let writes: Vec<Write> = sources.by_ref().take(BATCH).map(Write::put).collect();
            let conditions = WriteConditions {
                job: Some(&upload.job),
                ..WriteConditions::default()
            };
            let gate = &self.gate;
            match gate
                .apply_each_if(workspace, writes, upload.breaking, conditions)
                .await?
            {
                Ok(each) => {
                    whole.recorded.extend(each.recorded);
                    whole.refused.extend(each.refused);
                }
                Err(unmet) => return Ok(("failed", unmet.to_string())),
            }
        }
        if let Some(original) = original {
            self.keep_original(workspace, original, &whole.recorded)
                .await?;
        }
        let failed = parsed.failed.iter();
        let mut problems: Vec<String> =
            failed.map(|(path, why)| format!("{path}: {why}")).collect();
        problems.extend(whole.refused.iter().map(refusal_detail));
        let mut detail = counted(&whole.recorded);
        for problem in &problems {
            detail.push_str("; ");
            detail.push_str(problem);
        }
        let all_failed = whole.recorded.is_empty() && !problems.is_empty();
        Ok((if all_failed { "failed" } else { "done" }, detail))
    }

    /// Keeps a file as the original of the versions that were read from it. After a crash before this, the file is read
    /// again and its documents are found unchanged.
    async fn keep_original(
        &self,
        workspace: &WorkspaceId,
        original: Original,
        recorded: &[Recorded],
    ) -> Result<(), StoreError> {
        if self.keep_original_bytes == 0 {
            return Ok(());
        }
        let is_there = |one: &&Recorded| one.effect != Effect::NotFound;
        let versions = recorded.iter().filter(is_there);
        let versions: Vec<(DocumentId, i64)> = versions
            .map(|one| (one.document_id.clone(), one.version))
            .collect();
        let sha256 = sha256_hex([original.bytes.as_slice()]);
        self.store
            .keep_original(workspace, &sha256, &original, &versions)
            .await?;
        Ok(())
    }
}

/// Returns a message with the numbers of documents.
fn counted(recorded: &[Recorded]) -> String {
    let count = |is: fn(Effect) -> bool| recorded.iter().filter(|one| is(one.effect)).count();
    let n_unchanged = count(|effect| effect == Effect::Unchanged);
    let n_not_found = count(|effect| effect == Effect::NotFound);
    let n_written = recorded.len() - n_unchanged - n_not_found;
    let mut counts = format!("{n_written} written, {n_unchanged} unchanged");
    if n_not_found > 0 {
        counts.push_str(&format!(", {n_not_found} not found"));
    }
    counts
}

/// Returns a message with the refused documents and the reason.
fn refusal_detail(refused: &RefusedWrites) -> String {
    let ids = refused
        .writes
        .iter()
        .map(|write| write.document_id().as_str());
    let ids: Vec<&str> = ids.collect();
    format!("{}: {}", ids.join(", "), refused.reason())
}

/// Returns the next waiting part of a job. Without one, the job is finished: done, or failed if all its parts failed. A
/// cancelled job has no next part.
pub async fn next_item(
    store: &Store,
    workspace: &WorkspaceId,
    id: &str,
) -> Result<Option<(JobItem, Vec<u8>)>, StoreError> {
    store
        .move_job(workspace, id, &["queued"], "running")
        .await?;
    // The job may be a dead letter that is retried.
    store.reopen_job(workspace, id).await?;
    let job = store.job(workspace, id).await?;
    if job.is_none_or(|job| job.state != "running") {
        return Ok(None);
    }
    let next = store.next_job_item(workspace, id).await?;
    if next.is_none() {
        let counts = store.job_counts(workspace, &[id]).await?;
        let has_failed = counts
            .get(id)
            .is_some_and(|counts| counts.n_items > 0 && counts.n_failed == counts.n_items);
        let state = if has_failed { "failed" } else { "done" };
        store.move_job(workspace, id, &["running"], state).await?;
    }
    Ok(next)
}

impl Handler for Uploads {
    type Payload = Upload;
    const KIND: &'static str = UPLOAD;

    fn policy(&self) -> Policy {
        Policy {
            max_concurrent: 1,
            ..LONG_WORK
        }
    }

    async fn run(
        &self,
        workspace: WorkspaceId,
        upload: Upload,
        stopped: watch::Receiver<bool>,
    ) -> Result<WorkProgress, WorkFailure> {
        until(stopped, self.next(&workspace, &upload)).await
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

/// Works until the service stops. What is written by then is complete; a later run does the rest.
async fn until(
    mut stopped: watch::Receiver<bool>,
    work: impl Future<Output = Result<WorkProgress, ImpactError>>,
) -> Result<WorkProgress, WorkFailure> {
    tokio::select! {
        biased;
        _ = stopped.wait_for(|stopped| *stopped) => Ok(WorkProgress::More),
        worked = work => worked.map_err(|error| failure(&error)),
    }
}

/// The queue's name, and the job's kind, for checking and making changes.
pub const CHANGE: &str = "change";

/// The queue's payload of a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeJob {
    /// The job's id.
    pub job: String,
}

/// Waiting changes, serialised as the job's only item.
#[derive(Serialize, Deserialize)]
struct WaitingChanges {
    writes: Vec<Write>,
    breaking: Breaking,
    /// With the revisions of the documents at the time of the request.
    #[serde(default, flatten)]
    terms: ChangeTerms,
}

/// Checks and makes waiting changes. Each job is written completely or not at all.
pub struct Changes {
    store: Store,
    gate: Gate,
}

impl Changes {
    /// Joins the parts that changes need.
    pub fn new(store: Store, gate: Gate) -> Self {
        Self { store, gate }
    }

    /// Creates a job of changes. The job writes only on these terms, which should contain the revisions of the documents.
    /// It is durable when this returns. Returns the job's id.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails. Then there is no job.
    pub async fn enqueue(
        store: &Store,
        workspace: &WorkspaceId,
        writes: Vec<Write>,
        breaking: Breaking,
        terms: ChangeTerms,
    ) -> Result<String, StoreError> {
        let id = format!("job_{}", Uuid::now_v7().simple());
        let name = match writes.as_slice() {
            [write] => write.document_id().to_string(),
            writes => format!("{} documents", writes.len()),
        };
        let waiting = WaitingChanges {
            writes,
            breaking,
            terms,
        };
        let bytes = serde_json::to_vec(&waiting).expect("changes are plain data");
        let payload = ChangeJob { job: id.clone() };
        let work = queue::work(CHANGE, &id, &payload);
        store
            .add_whole_job(workspace, (&id, CHANGE), (&name, &bytes), work)
            .await?;
        Ok(id)
    }

    async fn next(&self, workspace: &WorkspaceId, id: &str) -> Result<WorkProgress, ImpactError> {
        let Some((item, bytes)) = next_item(&self.store, workspace, id).await? else {
            return Ok(WorkProgress::Done);
        };
        let made = self.make(workspace, id, item.ordinal, &bytes);
        let failed = match tokio::time::timeout(LONGEST_CHECK, made).await {
            // The transaction that wrote the changes has also finished the item.
            Ok(Ok(Ok(()))) => return Ok(WorkProgress::More),
            Ok(Ok(Err(reason))) => format!("nothing written: {reason}"),
            Ok(Err(error)) if is_final(&error) => error.to_string(),
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                let minutes = LONGEST_CHECK.as_secs() / 60;
                format!("nothing written: the check exceeded {minutes} minutes")
            }
        };
        self.store
            .finish_job_item(workspace, id, item.ordinal, "failed", &failed)
            .await?;
        Ok(WorkProgress::More)
    }

    /// Makes the changes and finishes their item. Returns the reason if nothing was written.
    async fn make(
        &self,
        workspace: &WorkspaceId,
        id: &str,
        ordinal: i64,
        bytes: &[u8],
    ) -> Result<Result<(), String>, ImpactError> {
        let waiting: WaitingChanges = match serde_json::from_slice(bytes) {
            Ok(waiting) => waiting,
            Err(error) => return Ok(Err(format!("cannot parse the stored change: {error}"))),
        };
        let detail = |recorded: &[Recorded]| {
            let revision = recorded.last().map_or(0, |last| last.revision);
            format!("{}, revision {revision}", counted(recorded))
        };
        let item = CompletedItem {
            ordinal,
            detail: &detail,
        };
        let conditions = WriteConditions {
            job: Some(id),
            completes: Some(&item),
            ..waiting.terms.conditions()
        };
        let made = self
            .gate
            .apply_if(workspace, waiting.writes, waiting.breaking, conditions);
        match made.await {
            Ok(made) => Ok(made.map(drop).map_err(|unmet| unmet.to_string())),
            Err(GateError::WouldBreak(refused)) => Ok(Err(refused.reason())),
            Err(GateError::Impact(error)) => Err(error),
        }
    }
}

impl Handler for Changes {
    type Payload = ChangeJob;
    const KIND: &'static str = CHANGE;

    fn policy(&self) -> Policy {
        Policy {
            max_concurrent: 2,
            ..LONG_WORK
        }
    }

    async fn run(
        &self,
        workspace: WorkspaceId,
        change: ChangeJob,
        stopped: watch::Receiver<bool>,
    ) -> Result<WorkProgress, WorkFailure> {
        until(stopped, self.next(&workspace, &change.job)).await
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

/// The time limit for checking a change. Beyond it the job fails for good, since a retry would take as long again.
const LONGEST_CHECK: Duration = Duration::from_secs(3_000);

/// Retry policy for acknowledged work: about 16 hours, to outlast a full disk; oldest first. A run may take a little
/// longer than the longest check of a change, 50 minutes.
pub const LONG_WORK: Policy = Policy {
    max_concurrent: 1,
    serial: true,
    max_attempts: 100,
    min_delay: Duration::from_secs(1),
    max_delay: Duration::from_secs(600),
    timeout: Duration::from_secs(3_600),
};

/// Returns whether a retry would not help.
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

fn failure(error: &ImpactError) -> WorkFailure {
    match is_final(error) {
        true => WorkFailure::Final(error.to_string()),
        false => WorkFailure::Transient(error.to_string()),
    }
}

/// Fails a job whose work is a dead letter.
pub async fn fail(store: &Store, workspace: &str, id: &str, error: &str) -> Result<(), StoreError> {
    let job = WaitingJob {
        workspace: workspace.to_owned(),
        id: id.to_owned(),
    };
    store.fail_job(&job, error).await
}
