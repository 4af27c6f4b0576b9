//! Measures how many jobs per second the durable queue enqueues and runs, on SQLite in a temporary folder.
//!
//!     cargo bench --bench queue -- [N]
//!
//! Enqueues N jobs (20,000 by default) of 50 workspaces from 16 concurrent tasks, each in its own durable transaction
//! as for a webhook. Then runs them, 32 at a time, with a handler that does nothing.

use std::time::Instant;

use ken_base::domain::WorkspaceId;
use ken_store::queue::{self, Handler, Handlers, Policy, Queue, Waker, WorkFailure, WorkProgress};
use ken_store::store::Store;
use tokio::sync::watch;

struct Nothing;

impl Handler for Nothing {
    type Payload = usize;
    const KIND: &'static str = "nothing";

    fn policy(&self) -> Policy {
        Policy {
            max_concurrent: 32,
            ..Policy::default()
        }
    }

    async fn run(
        &self,
        _workspace: WorkspaceId,
        _number: usize,
        _stopped: watch::Receiver<bool>,
    ) -> Result<WorkProgress, WorkFailure> {
        Ok(WorkProgress::Done)
    }
}

#[tokio::main]
async fn main() {
    let numbers = std::env::args().skip(1).find_map(|arg| arg.parse().ok());
    let n_work: usize = numbers.unwrap_or(20_000);
    let folder = tempfile::tempdir().expect("a folder of its own");
    let url = format!("sqlite://{}", folder.path().join("ken.db").display());
    let store = Store::open(&url).await.expect("a new store");
    let start = Instant::now();
    let tasks = (0..16).map(|task| {
        let store = store.clone();
        tokio::spawn(async move {
            for number in (task..n_work).step_by(16) {
                let workspace = format!("w{}", number % 50);
                let workspace = WorkspaceId::parse(&workspace).expect("a valid name");
                let key = number.to_string();
                let work = queue::work(Nothing::KIND, &key, &number);
                store.enqueue(&workspace, &[work]).await.expect("room");
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("no panic");
    }
    let per_second = |start: Instant| n_work as f64 / start.elapsed().as_secs_f64();
    println!("enqueued {n_work}: {:.0} a second", per_second(start));
    let (_leads, follows) = watch::channel(true);
    let start = Instant::now();
    let queue = Queue::start(
        store.clone(),
        Handlers::default().with(Nothing),
        follows,
        Waker::default(),
    );
    while store.n_waiting().await.expect("a store").0 > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    println!("worked off {n_work}: {:.0} a second", per_second(start));
    queue.stop().await;
}
