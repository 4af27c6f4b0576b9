//! Leader election among the processes of one store.

use std::str::FromStr;
use std::time::Duration;

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, Connection};
use tokio::sync::watch;

use super::{Store, StoreError, SyncMode, postgres_settings};
use ken_base::background::Background;

/// PostgreSQL's advisory lock of the leading process. An arbitrary number that no other lock uses.
const LEADER: i64 = 0x4b65_6e02;

/// Whether this process leads. Only the leader of a store writes shared vectors, encodes, runs jobs and cases, and
/// learns.
///
/// On PostgreSQL the process that holds an advisory lock leads. The lock belongs to its connection, so it becomes free
/// when the process is gone, and another process gets it at its next try. A process that cannot reach the store does
/// not lead.
pub struct Leadership {
    leads: watch::Receiver<bool>,
    task: Background,
}

impl Leadership {
    /// A receiver that is true while this process leads.
    pub fn watch(&self) -> watch::Receiver<bool> {
        self.leads.clone()
    }

    /// Whether this process leads now.
    pub fn is_leader(&self) -> bool {
        *self.leads.borrow()
    }

    /// Gives up the lead and stops trying.
    pub async fn stop(&self) {
        self.task.stop().await;
    }
}

impl Store {
    /// Tries to become the leader every `retry`. With `may_lead` false, this process never leads. On SQLite, each
    /// process that may lead does.
    pub fn elect_leader(&self, may_lead: bool, retry: Duration) -> Leadership {
        let (tell, leads) = watch::channel(may_lead && !self.is_shared());
        let url = self.url.clone();
        let is_contested = may_lead && self.is_shared();
        let task = Background::start("the lead", move |mut stopped| async move {
            while is_contested && !*stopped.borrow() {
                tokio::select! {
                    // Also if the sender was dropped.
                    _ = stopped.wait_for(|stop| *stop) => break,
                    held = hold_leadership(&url, &tell, retry) => {
                        if let Err(error) = held {
                            tracing::warn!(%error, "lost the store; leadership unknown, standing down");
                        }
                    }
                }
                tell.send_if_modified(std::mem::take);
                tokio::time::sleep(retry).await;
            }
            // Receivers keep the last value.
            let _ = stopped.wait_for(|stop| *stop).await;
            tell.send_replace(false);
        });
        Leadership { leads, task }
    }
}

/// Waits for the lock, then holds it until its connection fails.
async fn hold_leadership(
    url: &str,
    tell: &watch::Sender<bool>,
    retry: Duration,
) -> Result<(), StoreError> {
    let options = AnyConnectOptions::from_str(url)?;
    let mut connection = AnyConnection::connect_with(&options).await?;
    let settings = postgres_settings(SyncMode::Deferred);
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

/// Maximum interval between two checks of the connection that holds the lock.
const LOOK: Duration = Duration::from_secs(1);
/// Time without a reply after which the lock counts as lost. Shorter than PostgreSQL needs to give it to another
/// process.
const PATIENCE: Duration = Duration::from_secs(3);
