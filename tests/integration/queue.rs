//! The durable queue, on the store that the tests use.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ken_base::domain::WorkspaceId;
use ken_store::queue::{self, Handler, Handlers, Policy, Queue, Waker, WorkFailure, WorkProgress};
use ken_store::store::{MAX_PAYLOAD, NewWork, Store, StoreError, WorkOutcome};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::support::store_in;

#[derive(Serialize, Deserialize)]
struct Task {
    name: String,
}

/// The runs in order: workspace and name.
type Runs = Arc<Mutex<Vec<(String, String)>>>;

/// Records each run. The outcome depends on the name and on its number of earlier runs.
struct Probe {
    policy: Policy,
    runs: Runs,
    outcome: fn(&str, usize) -> Result<WorkProgress, WorkFailure>,
}

impl Handler for Probe {
    type Payload = Task;
    const KIND: &'static str = "probe";

    fn policy(&self) -> Policy {
        self.policy
    }

    async fn run(
        &self,
        workspace: WorkspaceId,
        task: Task,
        _stopped: watch::Receiver<bool>,
    ) -> Result<WorkProgress, WorkFailure> {
        let n_before = {
            let mut runs = self.runs.lock().unwrap();
            let before = runs.iter().filter(|(_, name)| *name == task.name).count();
            runs.push((workspace.to_string(), task.name.clone()));
            before
        };
        (self.outcome)(&task.name, n_before)
    }
}

/// A store with a running queue.
struct Bench {
    _folder: TempDir,
    store: Store,
    runs: Runs,
    leads: watch::Sender<bool>,
    queue: Queue,
}

const QUICK: Policy = Policy {
    max_concurrent: 1,
    serial: false,
    max_attempts: 3,
    min_delay: Duration::from_millis(10),
    max_delay: Duration::from_millis(20),
    timeout: Duration::from_secs(10),
};

impl Bench {
    /// Not begun before [`Bench::begin`].
    async fn new(
        policy: Policy,
        outcome: fn(&str, usize) -> Result<WorkProgress, WorkFailure>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&store_in(folder.path())).await.unwrap();
        let (leads, follows) = watch::channel(false);
        let runs = Runs::default();
        let probe = Probe {
            policy,
            runs: runs.clone(),
            outcome,
        };
        let queue = Queue::start(
            store.clone(),
            Handlers::default().with(probe),
            follows,
            Waker::default(),
        );
        Self {
            _folder: folder,
            store,
            runs,
            leads,
            queue,
        }
    }

    async fn enqueue(&self, workspace: &str, names: &[&str]) -> u64 {
        let payloads: Vec<Task> = names
            .iter()
            .map(|name| Task {
                name: (*name).to_owned(),
            })
            .collect();
        let work: Vec<NewWork> = payloads
            .iter()
            .map(|task| queue::work(Probe::KIND, &task.name, task))
            .collect();
        self.store.enqueue(&named(workspace), &work).await.unwrap()
    }

    fn begin(&self) {
        self.leads.send_replace(true);
    }

    /// Waits until nothing waits or runs; what was run, and how many are dead letters.
    async fn finish(&self) -> (Vec<(String, String)>, i64) {
        for _ in 0..600 {
            let (n_waiting, n_dead, _) = self.store.n_waiting().await.unwrap();
            if n_waiting == 0 {
                return (self.runs.lock().unwrap().clone(), n_dead);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the queue is not empty: {:?}", self.runs.lock().unwrap());
    }
}

fn named(workspace: &str) -> WorkspaceId {
    WorkspaceId::parse(workspace).unwrap()
}

fn done(_: &str, _: usize) -> Result<WorkProgress, WorkFailure> {
    Ok(WorkProgress::Done)
}

#[tokio::test(flavor = "multi_thread")]
async fn work_with_known_key_is_enqueued_once() {
    let bench = Bench::new(QUICK, done).await;
    assert_eq!(bench.enqueue("a", &["one", "two"]).await, 2);
    assert_eq!(bench.enqueue("a", &["two", "three"]).await, 1);
    assert_eq!(bench.enqueue("b", &["two"]).await, 1);
    bench.begin();
    let (runs, n_dead) = bench.finish().await;
    assert_eq!((runs.len(), n_dead), (4, 0), "{runs:?}");
    // A key stays known for a while after its work is done.
    assert_eq!(bench.enqueue("a", &["one"]).await, 0);
    bench.queue.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_work_is_retried_then_becomes_dead_letter() {
    let bench = Bench::new(QUICK, |name, n_before| match (name, n_before) {
        ("passes", 2..) => Ok(WorkProgress::Done),
        ("passes" | "never", _) => Err(WorkFailure::Transient("not yet".to_owned())),
        ("panics", 0) => panic!("the handler panics"),
        ("final", _) => Err(WorkFailure::Final("no use".to_owned())),
        _ => Ok(WorkProgress::Done),
    })
    .await;
    bench
        .enqueue("a", &["passes", "never", "panics", "final"])
        .await;
    bench.begin();
    let (runs, n_dead) = bench.finish().await;
    let count = |of: &str| runs.iter().filter(|(_, name)| name == of).count();
    let counts = ["passes", "never", "panics", "final"].map(count);
    assert_eq!((counts, n_dead), ([3, 3, 2, 1], 2), "{runs:?}");
    let letters = bench
        .store
        .dead_letters(&named("a"), None, 10)
        .await
        .unwrap();
    let mut reasons: Vec<_> = letters.iter().map(|letter| &*letter.error).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["no use", "not yet"]);
    // Dead letters of another workspace cannot be revived.
    let id = &letters[0].id;
    assert!(!bench.store.revive_work(&named("b"), id).await.unwrap());
    assert!(bench.store.revive_work(&named("a"), id).await.unwrap());
    bench.queue.wake();
    assert_eq!(bench.finish().await.1, 2);
    assert!(bench.store.discard_work(&named("a"), id).await.unwrap());
    assert_eq!(bench.finish().await.1, 1);
    bench.queue.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queue_alternates_between_workspaces() {
    // One has much to do, and enqueued it first; each piece takes three runs.
    let bench = Bench::new(QUICK, |_, n_before| match n_before {
        2.. => Ok(WorkProgress::Done),
        _ => Ok(WorkProgress::More),
    })
    .await;
    let names: Vec<String> = (0..20).map(|i| format!("busy{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    bench.enqueue("busy", &names).await;
    bench.enqueue("calm", &["only"]).await;
    bench.begin();
    let (runs, n_dead) = bench.finish().await;
    let last = runs.iter().rposition(|(workspace, _)| workspace == "calm");
    assert!(last.is_some_and(|at| at <= 6), "{runs:?}");
    assert_eq!((runs.len(), n_dead), (63, 0));
    bench.queue.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_of_dead_process_is_run_again() {
    let bench = Bench::new(QUICK, done).await;
    bench.enqueue("a", &["one", "two"]).await;
    let begin = || bench.store.begin_work(Probe::KIND, 1, false, "", &[]);
    assert_eq!(begin().await.unwrap().len(), 1);
    bench.begin();
    let (runs, _) = bench.finish().await;
    assert_eq!(runs.len(), 2, "{runs:?}");
    bench.queue.stop().await;
    // Work that kills its process each time becomes a dead letter without another run.
    bench.enqueue("a", &["deadly"]).await;
    for _ in 0..QUICK.max_attempts {
        assert_eq!(begin().await.unwrap().len(), 1);
        bench.store.recover_work(&[]).await.unwrap();
    }
    let probe = Probe {
        policy: QUICK,
        runs: bench.runs.clone(),
        outcome: done,
    };
    let (_leads, follows) = watch::channel(true);
    let queue = Queue::start(
        bench.store.clone(),
        Handlers::default().with(probe),
        follows,
        Waker::default(),
    );
    let (runs, n_dead) = bench.finish().await;
    assert_eq!((runs.len(), n_dead), (2, 1), "{runs:?}");
    queue.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ordered_work_runs_sequentially_per_workspace() {
    let policy = Policy {
        max_concurrent: 4,
        serial: true,
        ..QUICK
    };
    let bench = Bench::new(policy, done).await;
    let names: Vec<String> = (0..12).map(|i| format!("{i:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for name in &names {
        bench.enqueue("a", &[*name]).await;
    }
    bench.begin();
    let (runs, _) = bench.finish().await;
    let order: Vec<&str> = runs.iter().map(|(_, name)| &**name).collect();
    assert_eq!(order, names);
    bench.queue.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn oversized_payload_enqueues_nothing() {
    let bench = Bench::new(QUICK, done).await;
    let large = Task {
        name: "x".repeat(MAX_PAYLOAD),
    };
    let small = Task {
        name: "small".to_owned(),
    };
    let work = [
        queue::work(Probe::KIND, "small", &small),
        queue::work(Probe::KIND, "large", &large),
    ];
    let refused = bench.store.enqueue(&named("a"), &work).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
    bench.begin();
    assert_eq!(bench.finish().await, (Vec::new(), 0));
    bench.queue.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workspace_awaiting_retry_does_not_block_others() {
    let policy = Policy {
        serial: true,
        min_delay: Duration::from_secs(3_600),
        max_delay: Duration::from_secs(3_600),
        ..QUICK
    };
    let bench = Bench::new(policy, |name, _| match name {
        "stuck" => Err(WorkFailure::Transient("not yet".to_owned())),
        _ => Ok(WorkProgress::Done),
    })
    .await;
    bench.enqueue("a", &["stuck"]).await;
    bench.enqueue("a", &["behind"]).await;
    bench.enqueue("b", &["one", "two", "three"]).await;
    bench.begin();
    let mut runs = Vec::new();
    for _ in 0..600 {
        runs.clone_from(&bench.runs.lock().unwrap());
        if runs.len() == 4 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Later work of the same workspace keeps its order and waits.
    let mut names: Vec<&str> = runs.iter().map(|(_, name)| &**name).collect();
    names.sort_unstable();
    assert_eq!(names, ["one", "stuck", "three", "two"]);
    bench.queue.stop().await;
    assert_eq!(bench.store.n_waiting().await.unwrap().0, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn restarted_work_is_settled_by_last_run_only() {
    let bench = Bench::new(QUICK, done).await;
    bench.enqueue("a", &["one"]).await;
    let begin = || bench.store.begin_work(Probe::KIND, 1, false, "", &[]);
    let first = begin().await.unwrap().remove(0);
    bench.store.recover_work(&[]).await.unwrap();
    let second = begin().await.unwrap().remove(0);
    assert_eq!((first.run, second.run), (1, 2));
    let settle = async |run: i64| {
        let settled = [(first.id.clone(), run, WorkOutcome::Done)];
        bench.store.finish_work(&settled).await.unwrap();
        bench.store.n_waiting().await.unwrap().0
    };
    assert_eq!(settle(first.run).await, 1);
    // Work that this process is running is not recovered.
    let own = [first.id.clone()];
    assert_eq!(bench.store.recover_work(&own).await.unwrap(), 0);
    assert_eq!(settle(second.run).await, 0);
    bench.queue.stop().await;
}
