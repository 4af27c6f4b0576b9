use std::str::FromStr;
use std::time::Duration;

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, Connection};
use tokio::sync::watch;

use super::{Store, StoreError, Synced, postgres_settings};
use ken_base::background::Background;

/// PostgreSQL's advisory lock of the process that leads.
const LEADER: i64 = 0x4b65_6e02;

/// Which of several processes on one store does what one alone may do: it writes shared vectors, encodes, works off jobs and
/// cases, and learns.
///
/// On PostgreSQL whoever holds an advisory lock leads. The lock is its connection's, so it is free once the process is gone,
/// and another takes it at its next try. A process that cannot reach the store does not lead.
pub struct Lead {
    leads: watch::Receiver<bool>,
    task: Background,
}

impl Lead {
    /// Whether this process leads, now and from now on.
    pub fn watch(&self) -> watch::Receiver<bool> {
        self.leads.clone()
    }

    pub fn is_here(&self) -> bool {
        *self.leads.borrow()
    }

    /// Lets another lead.
    pub async fn stop(&self) {
        self.task.stop().await;
    }
}

impl Store {
    /// Tries to lead, again every `retry`. Where `may_lead` is false, this process never does; an SQLite store is led by
    /// whoever may.
    pub fn stand_for_lead(&self, may_lead: bool, retry: Duration) -> Lead {
        let (tell, leads) = watch::channel(may_lead && !self.is_shared());
        let url = self.url.clone();
        let is_contested = may_lead && self.is_shared();
        let task = Background::start("the lead", move |mut stopped| async move {
            while is_contested && !*stopped.borrow() {
                tokio::select! {
                    // Also where nobody is left who could say so.
                    _ = stopped.wait_for(|stop| *stop) => break,
                    held = hold(&url, &tell, retry) => {
                        if let Err(error) = held {
                            tracing::warn!(%error, "lost the store; leadership unknown, standing down");
                        }
                    }
                }
                tell.send_if_modified(std::mem::take);
                tokio::time::sleep(retry).await;
            }
            // Its receivers keep what was told last.
            let _ = stopped.wait_for(|stop| *stop).await;
            tell.send_replace(false);
        });
        Lead { leads, task }
    }
}

/// Waits for the lock, then holds it for as long as its connection lives.
async fn hold(url: &str, tell: &watch::Sender<bool>, retry: Duration) -> Result<(), StoreError> {
    let options = AnyConnectOptions::from_str(url)?;
    let mut connection = AnyConnection::connect_with(&options).await?;
    let settings = postgres_settings(Synced::Later);
    sqlx::raw_sql(sqlx::AssertSqlSafe(settings))
        .execute(&mut connection)
        .await?;
    loop {
        let (is_held,): (bool,) = sqlx::query_as("SELECT pg_try_advisory_lock($1)")
            .bind(LEADER)
            .fetch_one(&mut connection)
            .await?;
        if is_held {
            break;
        }
        tokio::time::sleep(retry).await;
    }
    tracing::info!("became leader");
    tell.send_replace(true);
    loop {
        tokio::time::sleep(retry.min(LOOK)).await;
        let answer = tokio::time::timeout(PATIENCE, connection.ping()).await;
        answer.map_err(|_| sqlx::Error::PoolTimedOut)??;
    }
}

/// How often it is looked whether it is still held, at least.
const LOOK: Duration = Duration::from_secs(1);
/// After how long without an answer the lock counts as lost. Shorter than PostgreSQL takes to give it to another.
const PATIENCE: Duration = Duration::from_secs(3);
