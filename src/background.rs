//! Tasks that run for as long as the service does.

use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A task that is asked to end, and waited for.
pub struct Background {
    name: &'static str,
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Background {
    /// Starts work that ends soon after what it is given says so.
    pub fn start<F>(name: &'static str, work: impl FnOnce(watch::Receiver<bool>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, stopped) = watch::channel(false);
        Self {
            name,
            stop,
            task: Mutex::new(Some(tokio::spawn(work(stopped)))),
        }
    }

    /// Where another process does the work.
    pub fn left_to_another(name: &'static str) -> Self {
        Self {
            name,
            stop: watch::channel(false).0,
            task: Mutex::new(None),
        }
    }

    /// Has it end, and waits until it has.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        let task = self
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::error!(%error, "{} ended badly", self.name);
        }
    }
}
