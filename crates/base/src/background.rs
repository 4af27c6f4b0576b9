//! Tasks that run for as long as the service does.

use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::actor::{actor, as_actor, as_system, may_create_workspaces};
use crate::blocking::resume_panic;

/// Runs `work` to completion in a task of its own, even if the caller drops the returned future. For work that cleans
/// up after itself. The task keeps the actor of its caller. A panic of `work` resumes in the caller.
pub async fn run_detached<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let work = as_actor(actor(), work);
    let task = match may_create_workspaces() {
        true => tokio::spawn(work),
        false => tokio::spawn(as_system(work)),
    };
    match task.await {
        Ok(outcome) => outcome,
        Err(error) => resume_panic(error).await,
    }
}

/// A receiver that is true while both flags are true. It becomes false for good once a sender of either is dropped.
pub fn and(
    mut one: watch::Receiver<bool>,
    mut other: watch::Receiver<bool>,
) -> watch::Receiver<bool> {
    let (tell, both) = watch::channel(*one.borrow() && *other.borrow());
    tokio::spawn(async move {
        loop {
            let is_open = tokio::select! {
                changed = one.changed() => changed.is_ok(),
                changed = other.changed() => changed.is_ok(),
                () = tell.closed() => false,
            };
            if !is_open {
                break;
            }
            let holds = *one.borrow() && *other.borrow();
            tell.send_replace(holds);
        }
        tell.send_replace(false);
    });
    both
}

/// A background task that can be asked to stop and then awaited.
pub struct Background {
    name: &'static str,
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Background {
    /// Starts work of the service. `work` gets a receiver and has to return soon after it becomes true.
    pub fn start<F>(name: &'static str, work: impl FnOnce(watch::Receiver<bool>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, stopped) = watch::channel(false);
        Self {
            name,
            stop,
            task: Mutex::new(Some(tokio::spawn(as_system(work(stopped))))),
        }
    }

    /// As [`Background::start`], but runs `work` only while `leads` is true: asks it to stop when `leads` becomes false
    /// and starts it again when `leads` becomes true. Ends when `work` returns unasked, or the sender of `leads` is dropped.
    pub fn start_while<F>(
        name: &'static str,
        mut leads: watch::Receiver<bool>,
        work: impl Fn(watch::Receiver<bool>) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::start(name, |mut stopped| async move {
            loop {
                let begins = tokio::select! {
                    biased;
                    _ = stopped.wait_for(|stop| *stop) => false,
                    led = leads.wait_for(|leads| *leads) => led.is_ok(),
                };
                if !begins {
                    return;
                }
                let (stop, stop_of_work) = watch::channel(false);
                let running = work(stop_of_work);
                tokio::pin!(running);
                let starts_again = tokio::select! {
                    () = &mut running => return,
                    _ = stopped.wait_for(|stop| *stop) => false,
                    ended = leads.wait_for(|leads| !*leads) => ended.is_ok(),
                };
                stop.send_replace(true);
                running.await;
                if !starts_again {
                    return;
                }
            }
        })
    }

    /// Asks the task to stop and waits until it has. Logs an error if it panicked. A second call returns at once.
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
            tracing::error!(%error, "background task {} panicked", self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn work_ends_once_sender_of_leads_is_dropped() {
        let (leads, led) = watch::channel(true);
        let starts = Arc::new(AtomicUsize::new(0));
        let counted = starts.clone();
        let background = Background::start_while("test", led, move |mut stopped| {
            counted.fetch_add(1, Ordering::SeqCst);
            async move {
                let _ = stopped.wait_for(|stop| *stop).await;
            }
        });
        while starts.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        drop(leads);
        let task = background.task.lock().unwrap().take().unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(60), task).await;
        ended.expect("the task ends").unwrap();
        assert_eq!(starts.load(Ordering::SeqCst), 1);
    }
}
