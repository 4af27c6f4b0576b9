//! Long work in the background: uploaded files are read and recorded, one after another.

use std::time::Duration;

use tokio::sync::watch;

use crate::actor::acting;
use crate::background::Background;
use crate::domain::WorkspaceId;
use crate::ingest::worker::FileReader;
use crate::store::{Effect, Store, StoreError, WaitingJob, Write};

/// The kind of job that reads uploaded files.
pub const UPLOAD: &str = "upload";

/// How often jobs are looked for that another process queued.
const POLL: Duration = Duration::from_secs(2);
/// How many documents of one file are recorded in one transaction.
const BATCH: usize = 64;
/// Where so many workspaces' jobs fail in one round it is the store that fails, and the round ends.
const MAX_PUT_ASIDE: usize = 100;

/// Works off queued jobs, one item after another: one background task. What is done stays done; after a crash a job
/// goes on with the first item that waits. One file at a time is held in memory.
pub struct Jobs {
    wake: watch::Sender<()>,
    task: Background,
}

impl Jobs {
    /// Works while this process leads. `on_written` is called after each item that changed something.
    pub fn start(
        store: Store,
        reader: FileReader,
        leads: watch::Receiver<bool>,
        on_written: impl Fn() + Clone + Send + Sync + 'static,
    ) -> Self {
        let (wake, woken) = watch::channel(());
        let task = Background::start_while("the jobs", leads, move |mut stopped| {
            let (store, reader) = (store.clone(), reader.clone());
            let (on_written, mut woken) = (on_written.clone(), woken.clone());
            async move {
                loop {
                    if let Err(error) = work_off(&store, &reader, &on_written, &stopped).await {
                        tracing::error!(%error, "jobs wait and are tried again");
                    }
                    tokio::select! {
                        _ = stopped.wait_for(|stop| *stop) => break,
                        _ = woken.changed() => {}
                        () = tokio::time::sleep(POLL) => {}
                    }
                }
            }
        });
        Self { wake, task }
    }

    /// Says that there is a job.
    pub fn wake(&self) {
        self.wake.send_replace(());
    }

    /// Ends after the item under way.
    pub async fn stop(&self) {
        self.task.stop().await;
    }
}

/// Works off all that waits. A job that cannot be worked on stops no other workspace's: one that can never be read ends as
/// failed; where the store fails, the workspace's jobs, which keep their order, wait for the next round.
async fn work_off(
    store: &Store,
    reader: &FileReader,
    on_written: &(impl Fn() + Sync),
    stopped: &watch::Receiver<bool>,
) -> Result<(), StoreError> {
    let mut put_aside: Vec<String> = Vec::new();
    while !*stopped.borrow()
        && put_aside.len() < MAX_PUT_ASIDE
        && let Some(job) = store.next_job(&put_aside).await?
    {
        let worked = match WorkspaceId::parse(&job.workspace) {
            Ok(workspace) => work_on(store, reader, &workspace, &job, on_written, stopped).await,
            Err(error) => {
                fail(store, &job, &error.to_string()).await?;
                continue;
            }
        };
        match worked {
            Ok(()) => {}
            Err(error) if is_final(&error) => fail(store, &job, &error.to_string()).await?,
            Err(error) => {
                tracing::error!(
                    job = job.id, workspace = job.workspace, %error,
                    "a job stands still and is tried again"
                );
                put_aside.push(job.workspace);
            }
        }
    }
    Ok(())
}

async fn fail(store: &Store, job: &WaitingJob, reason: &str) -> Result<(), StoreError> {
    tracing::error!(
        job = job.id,
        workspace = job.workspace,
        reason,
        "a job failed"
    );
    store.fail_job(job, reason).await
}

/// Whether trying again would not help.
fn is_final(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::ChunkKeysExhausted(_) | StoreError::Corrupt { .. }
    ) || error.is_of_data()
}

/// Works off one job's items until none waits, it is cancelled, or the service stops.
async fn work_on(
    store: &Store,
    reader: &FileReader,
    workspace: &WorkspaceId,
    job: &WaitingJob,
    on_written: &(impl Fn() + Sync),
    stopped: &watch::Receiver<bool>,
) -> Result<(), StoreError> {
    let id = &job.id;
    store
        .move_job(workspace, id, &["queued"], "running")
        .await?;
    while !*stopped.borrow() {
        let is_wanted = store
            .job(workspace, id)
            .await?
            .is_some_and(|job| job.state == "running");
        if !is_wanted {
            break;
        }
        let Some((item, bytes)) = store.next_job_item(workspace, id).await? else {
            store.move_job(workspace, id, &["running"], "done").await?;
            break;
        };
        let read = acting(
            job.actor.clone(),
            read_item(store, reader, workspace, id, &item.name, bytes),
        )
        .await;
        let (state, detail) = match read {
            Ok(outcome) => outcome,
            // Other items and jobs wait.
            Err(error) if is_final(&error) => ("failed", error.to_string()),
            Err(error) => return Err(error),
        };
        store
            .finish_job_item(workspace, id, item.ordinal, state, &detail)
            .await?;
        on_written();
    }
    Ok(())
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
