//! [`Queue`]: durable work that survives a crash, is retried, and takes turns among workspaces. Uploads and long checks
//! of changes run on it.
//!
//! The rows are in the store ([`crate::store::Work`]); the leading process runs them. Work runs at least once: a
//! handler may run again after a crash and has to be idempotent. Failed work is retried with growing delays. Work that
//! fails for good becomes a dead letter with its error until a person revives or discards it.

use std::any::Any;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::future::{BoxFuture, FutureExt};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};

use crate::store::{NewWork, Store, StoreError, Work, WorkOutcome};
use ken_base::actor::{as_actor, as_system};
use ken_base::background::Background;
use ken_base::domain::WorkspaceId;

/// How work of one kind runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    /// Maximum number of pieces that run at once, in all workspaces together.
    pub max_concurrent: usize,
    /// Whether at most one piece of a workspace runs at a time, oldest first.
    pub serial: bool,
    /// Number of attempts after which work becomes a dead letter.
    pub max_attempts: u32,
    /// Delay before the second attempt; it doubles with each further one.
    pub min_delay: Duration,
    /// Maximum delay.
    pub max_delay: Duration,
    /// Time limit of an attempt.
    pub timeout: Duration,
}

impl Default for Policy {
    /// Ten attempts within 9 to 17 minutes.
    fn default() -> Self {
        Self {
            max_concurrent: 4,
            serial: false,
            max_attempts: 10,
            min_delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(600),
            timeout: Duration::from_secs(600),
        }
    }
}

/// Result of a run without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkProgress {
    /// The work is done.
    Done,
    /// There is more to do: the work runs again after a turn of the other workspaces.
    More,
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq)]
pub enum WorkFailure {
    /// A retry may help.
    Transient(String),
    /// A retry does not help.
    Final(String),
}

/// Runs work of one kind.
pub trait Handler: Send + Sync + 'static {
    /// Parameters of the work, at most [`crate::store::MAX_PAYLOAD`] bytes as JSON.
    type Payload: Serialize + DeserializeOwned + Send + Sync + 'static;
    /// Stable name of the kind, stored in the rows.
    const KIND: &'static str;

    /// How the work runs; the default policy unless overridden.
    fn policy(&self) -> Policy {
        Policy::default()
    }

    /// Runs one piece of work; has to be idempotent. Returns soon, with [`WorkProgress::More`], once `stopped` is true.
    fn run(
        &self,
        workspace: WorkspaceId,
        payload: Self::Payload,
        stopped: watch::Receiver<bool>,
    ) -> impl Future<Output = Result<WorkProgress, WorkFailure>> + Send;

    /// Called before work becomes a dead letter, perhaps more than once. The workspace name may be invalid. Not called
    /// if the payload cannot be parsed: give new fields of it defaults.
    ///
    /// # Errors
    /// The store failed; the work is retried.
    fn failed(
        &self,
        _workspace: &str,
        _payload: &Self::Payload,
        _error: &str,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        async { Ok(()) }
    }
}

/// Work for [`Store::enqueue`]. Work of the same kind and `key` is enqueued once.
pub fn work<'a>(kind: &'a str, key: &'a str, payload: &impl Serialize) -> NewWork<'a> {
    NewWork {
        kind,
        key,
        payload: serde_json::to_string(payload).expect("payloads are plain data"),
    }
}

type Run =
    dyn Fn(Store, Work, watch::Receiver<bool>) -> BoxFuture<'static, WorkOutcome> + Send + Sync;

/// A handler with its type erased.
#[derive(Clone)]
struct RegisteredHandler {
    name: &'static str,
    policy: Policy,
    run: Arc<Run>,
}

/// The handlers of a queue, by kind.
#[derive(Default)]
pub struct Handlers(Vec<RegisteredHandler>);

impl Handlers {
    /// Adds a handler.
    pub fn with<H: Handler>(mut self, handler: H) -> Self {
        let (policy, handler) = (handler.policy(), Arc::new(handler));
        let run = move |store: Store, work: Work, stopped| -> BoxFuture<'static, WorkOutcome> {
            let handler = handler.clone();
            Box::pin(async move { attempt(&*handler, policy, &store, work, stopped).await })
        };
        self.0.push(RegisteredHandler {
            name: H::KIND,
            policy,
            run: Arc::new(run),
        });
        self
    }
}

/// Runs one attempt and decides what becomes of the work.
async fn attempt<H: Handler>(
    handler: &H,
    policy: Policy,
    store: &Store,
    work: Work,
    stopped: watch::Receiver<bool>,
) -> WorkOutcome {
    let parse = || serde_json::from_str::<H::Payload>(&work.payload);
    let (payload, again) = match (parse(), parse()) {
        (Ok(payload), Ok(again)) => (payload, again),
        (Err(error), _) | (_, Err(error)) => {
            let error = format!("cannot parse payload: {error}");
            tracing::error!(
                work = work.id,
                kind = H::KIND,
                error,
                "job failed permanently"
            );
            return WorkOutcome::Dead { error };
        }
    };
    let ran = match WorkspaceId::parse(&work.workspace) {
        Err(error) => Err(WorkFailure::Final(error.to_string())),
        Ok(_) if work.attempt > policy.max_attempts => {
            Err(WorkFailure::Final(match work.last_error.as_str() {
                "" => "the process died in every attempt".to_owned(),
                error => error.to_owned(),
            }))
        }
        Ok(workspace) => {
            let run = AssertUnwindSafe(handler.run(workspace, payload, stopped));
            match tokio::time::timeout(policy.timeout, run.catch_unwind()).await {
                Ok(Ok(ran)) => ran,
                Ok(Err(panic)) => Err(WorkFailure::Transient(format!(
                    "panicked: {}",
                    panic_message(&*panic)
                ))),
                Err(_) => {
                    let seconds = policy.timeout.as_secs();
                    Err(WorkFailure::Transient(format!(
                        "timed out after {seconds} s"
                    )))
                }
            }
        }
    };
    let retry = |error: String| WorkOutcome::Retry {
        at: Timestamp::now() + delay(policy, work.attempt),
        error,
    };
    let error = match ran {
        Ok(WorkProgress::Done) => return WorkOutcome::Done,
        Ok(WorkProgress::More) => return WorkOutcome::More,
        Err(WorkFailure::Transient(error)) if work.attempt < policy.max_attempts => {
            tracing::warn!(
                work = work.id,
                kind = H::KIND,
                attempt = work.attempt,
                error,
                "job failed; retrying"
            );
            return retry(error);
        }
        Err(WorkFailure::Transient(error) | WorkFailure::Final(error)) => error,
    };
    tracing::error!(
        work = work.id,
        kind = H::KIND,
        workspace = work.workspace,
        error,
        "job failed permanently"
    );
    let failed = async {
        // If another process has begun the work since, that process decides about it.
        match store.is_running(&work.id, work.run).await? {
            true => handler.failed(&work.workspace, &again, &error).await,
            false => Ok(()),
        }
    };
    match failed.await {
        Ok(()) => WorkOutcome::Dead { error },
        Err(store) => {
            tracing::error!(%store, "cannot record job failure; retrying");
            retry(error)
        }
    }
}

/// Message of a panic.
fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}

/// Delay after an attempt, counted from 1.
fn delay(policy: Policy, attempt: u32) -> SignedDuration {
    let mut delays = ExponentialBuilder::default()
        .with_min_delay(policy.min_delay)
        .with_max_delay(policy.max_delay)
        .with_max_times(attempt as usize)
        .with_jitter()
        .build();
    let delay = delays.nth(attempt.saturating_sub(1) as usize);
    let delay = delay.unwrap_or(policy.max_delay).min(policy.max_delay);
    SignedDuration::try_from(delay).unwrap_or(SignedDuration::MAX)
}

/// How often the queue polls for work that another process enqueued.
const POLL: Duration = Duration::from_secs(2);
/// How long the key of finished work is kept.
const KEEP_DONE: SignedDuration = SignedDuration::from_hours(24);
/// How often the queue recovers work of processes that are gone.
const RECOVER_EVERY: Duration = Duration::from_secs(60);
/// How often finished work is pruned.
const PRUNE_EVERY: Duration = Duration::from_secs(600);

/// Runs the work of the durable queue in one background task. In memory it holds only the running work.
pub struct Queue {
    waker: Waker,
    task: Background,
}

/// Wakes a queue after work was enqueued. Clones wake the same queue. Created before the queue, for handlers that
/// enqueue work.
#[derive(Clone)]
pub struct Waker(watch::Sender<()>);

impl Default for Waker {
    fn default() -> Self {
        Self(watch::channel(()).0)
    }
}

impl Waker {
    /// Wakes the queue.
    pub fn wake(&self) {
        self.0.send_replace(());
    }
}

impl Queue {
    /// Starts the queue; it works while `leads` is true.
    pub fn start(
        store: Store,
        handlers: Handlers,
        leads: watch::Receiver<bool>,
        waker: Waker,
    ) -> Self {
        let woken = waker.0.subscribe();
        let kinds: Arc<[RegisteredHandler]> = handlers.0.into();
        let task = Background::start_while("the queue", leads, move |stopped| {
            let worker = QueueWorker {
                store: store.clone(),
                cursors: vec![String::new(); kinds.len()],
                kinds: kinds.clone(),
                running: JoinSet::new(),
                by_task: HashMap::new(),
                outcomes: Vec::new(),
                stopped,
            };
            worker.work(woken.clone())
        });
        Self { waker, task }
    }

    /// Wakes the queue after work was enqueued.
    pub fn wake(&self) {
        self.waker.wake();
    }

    /// Stops the queue after the running work has ended.
    pub async fn stop(&self) {
        self.task.stop().await;
    }
}

/// A running piece of work.
struct RunningWork {
    kind: usize,
    work: String,
    run: i64,
    workspace: String,
}

struct QueueWorker {
    store: Store,
    kinds: Arc<[RegisteredHandler]>,
    /// By kind, the workspace that had the last turn.
    cursors: Vec<String>,
    running: JoinSet<WorkOutcome>,
    by_task: HashMap<Id, RunningWork>,
    /// Results that are not written yet.
    outcomes: Vec<(String, i64, WorkOutcome)>,
    stopped: watch::Receiver<bool>,
}

impl QueueWorker {
    async fn work(mut self, mut woken: watch::Receiver<()>) {
        // Running rows that are missing here belong to a process that is gone, or their reply was lost.
        let mut recovered: Option<Instant> = None;
        let mut pruned: Option<Instant> = None;
        while !*self.stopped.borrow() {
            let pass = async {
                self.write_outcomes().await?;
                if recovered.is_none_or(|at| at.elapsed() >= RECOVER_EVERY) {
                    let known = self
                        .by_task
                        .values()
                        .map(|running_work| running_work.work.clone());
                    self.store.recover_work(&known.collect::<Vec<_>>()).await?;
                    recovered = Some(Instant::now());
                }
                self.begin().await?;
                if pruned.is_none_or(|at| at.elapsed() >= PRUNE_EVERY) {
                    self.store.prune_work(Timestamp::now() - KEEP_DONE).await?;
                    pruned = Some(Instant::now());
                }
                let kinds: Vec<&str> = self.kinds.iter().map(|kind| kind.name).collect();
                self.store.next_work_at(&kinds).await
            };
            let next = pass.await.unwrap_or_else(|error| {
                tracing::error!(%error, "store unavailable; queue paused");
                recovered = None;
                None
            });
            let until = next.map_or(POLL, |at| {
                let left = at.duration_since(Timestamp::now());
                Duration::try_from(left).unwrap_or_default().min(POLL)
            });
            // Due work that was not begun waits for room, which running work makes when it ends.
            let until = if until.is_zero() { POLL } else { until };
            let mut stopped = self.stopped.clone();
            tokio::select! {
                biased;
                _ = stopped.wait_for(|stop| *stop) => {}
                Some(ended) = self.running.join_next_with_id() => self.ended(ended),
                _ = woken.changed() => {}
                () = tokio::time::sleep(until) => {}
            }
            while let Some(ended) = self.running.try_join_next_with_id() {
                self.ended(ended);
            }
        }
        while let Some(ended) = self.running.join_next_with_id().await {
            self.ended(ended);
        }
        if let Err(error) = self.write_outcomes().await {
            tracing::error!(%error, "cannot record finished jobs; they run again at next start");
        }
    }

    /// Begins due work as far as there is room.
    async fn begin(&mut self) -> Result<(), StoreError> {
        for (at, kind) in self.kinds.clone().iter().enumerate() {
            let of_kind = || {
                self.by_task
                    .values()
                    .filter(move |running_work| running_work.kind == at)
            };
            let room = kind.policy.max_concurrent.saturating_sub(of_kind().count());
            if room == 0 {
                continue;
            }
            let serial = kind.policy.serial;
            let without: Vec<String> = match serial {
                true => of_kind()
                    .map(|running_work| running_work.workspace.clone())
                    .collect(),
                false => Vec::new(),
            };
            let running_work = self
                .store
                .begin_work(kind.name, room, serial, &self.cursors[at], &without)
                .await?;
            if let Some(last) = running_work.last() {
                self.cursors[at].clone_from(&last.workspace);
            }
            for work in running_work {
                let running_work = RunningWork {
                    kind: at,
                    work: work.id.clone(),
                    run: work.run,
                    workspace: work.workspace.clone(),
                };
                let actor = work.actor.clone();
                let run = (kind.run)(self.store.clone(), work, self.stopped.clone());
                let task = self.running.spawn(as_system(as_actor(actor, run)));
                self.by_task.insert(task.id(), running_work);
            }
        }
        Ok(())
    }

    /// Takes over the result of a task.
    fn ended(&mut self, ended: Result<(Id, WorkOutcome), JoinError>) {
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let Some(running_work) = self.by_task.remove(&id) else {
            return;
        };
        match ended {
            Ok((_, outcome)) => self
                .outcomes
                .push((running_work.work, running_work.run, outcome)),
            // Not a panic of the handler, which is caught. The work is recovered later, and the attempt counts.
            Err(error) => {
                tracing::error!(%error, work = running_work.work, "job attempt ended without a result")
            }
        }
    }

    /// Writes the results of ended work. If the store fails, they are kept and written again later.
    async fn write_outcomes(&mut self) -> Result<(), StoreError> {
        self.store.finish_work(&self.outcomes).await?;
        self.outcomes.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_delay_doubles_up_to_maximum() {
        let policy = Policy {
            min_delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(10),
            ..Policy::default()
        };
        // A jitter of up to the delay is added.
        for (attempt, least, most) in [(1, 1, 2), (2, 2, 4), (3, 4, 8), (4, 8, 10), (9, 10, 10)] {
            let seconds = delay(policy, attempt).as_secs_f64();
            let range = f64::from(least)..=f64::from(most);
            assert!(range.contains(&seconds), "{attempt}: {seconds}");
        }
    }
}
