//! Writes to the desk: changes that arrive together share one transaction, so that each waits for one sync of the disk and
//! none holds the others up.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use ken_base::desk::{ChannelKind, DeliveryRoute, Inbox};
use ken_store::store::desk::DeskTx;
use ken_store::store::{Store, StoreError};

/// Most changes of one transaction.
const BATCH: usize = 256;
/// How many changes may wait.
const WAITING: usize = 4_096;

/// How messages to the customers of an inbox are delivered.
pub fn route_of(inbox: &Inbox) -> DeliveryRoute {
    let has = |secret: &str| inbox.secrets.iter().any(|name| name == secret);
    match inbox.channel {
        // Twilio signs its requests with this.
        ChannelKind::Phone if has("auth_token") => DeliveryRoute::Platform,
        ChannelKind::Generic if inbox.settings.callback_url.is_some() => DeliveryRoute::Callback,
        ChannelKind::Generic | ChannelKind::Web | ChannelKind::Phone => DeliveryRoute::Pull,
        ChannelKind::Line
        | ChannelKind::Whatsapp
        | ChannelKind::Messenger
        | ChannelKind::Telegram
        | ChannelKind::Slack
        | ChannelKind::Wechat
        | ChannelKind::Email => DeliveryRoute::Platform,
    }
}

/// A change: its work in a transaction, which returns what is called once the transaction is committed, or with its error.
type Change =
    Box<dyn for<'a> FnOnce(&'a mut DeskTx) -> BoxFuture<'a, Result<Answered, StoreError>> + Send>;
type Answered = Box<dyn FnOnce() + Send>;
type Failed = Box<dyn FnOnce(Arc<StoreError>) + Send>;

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The store failed. Nothing was written.
    #[error("{0}")]
    Store(Arc<StoreError>),
    /// The service stops.
    #[error("the service stops")]
    Stopped,
}

/// The one writer of a process. Clones share it.
#[derive(Clone)]
pub struct DeskWriter {
    changes: mpsc::Sender<(Change, Failed)>,
    written: watch::Receiver<u64>,
}

impl DeskWriter {
    /// Starts the writer. It stops when all its clones are dropped.
    pub fn start(store: Store) -> (Self, JoinHandle<()>) {
        let (changes, waiting) = mpsc::channel(WAITING);
        let (notify, written) = watch::channel(0);
        let task = tokio::spawn(write_all(store, waiting, notify));
        (Self { changes, written }, task)
    }

    /// Changes whenever something was written by this process.
    pub fn written(&self) -> watch::Receiver<u64> {
        self.written.clone()
    }

    /// Makes a change. It is durable when this returns. An error of the change itself, `Err` within the result, writes
    /// nothing either if the change appends nothing before it.
    ///
    /// # Errors
    /// [`WriteError`] if the store fails or the service stops. Then nothing was written.
    pub async fn write<T: Send + 'static>(
        &self,
        change: impl for<'a> FnOnce(&'a mut DeskTx) -> BoxFuture<'a, Result<T, StoreError>>
        + Send
        + 'static,
    ) -> Result<T, WriteError> {
        let (reply, replied) = oneshot::channel();
        let reply = Arc::new(std::sync::Mutex::new(Some(reply)));
        let take = |reply: &std::sync::Mutex<Option<_>>| {
            let mut reply = reply
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            reply.take()
        };
        let for_failure = reply.clone();
        let change: Change = Box::new(move |tx| {
            Box::pin(async move {
                let value = change(tx).await?;
                let answer: Answered = Box::new(move || {
                    if let Some(reply) = take(&reply) {
                        let reply: oneshot::Sender<Result<T, WriteError>> = reply;
                        let _ = reply.send(Ok(value));
                    }
                });
                Ok(answer)
            })
        });
        let failed: Failed = Box::new(move |error| {
            if let Some(reply) = take(&for_failure) {
                let _ = reply.send(Err(WriteError::Store(error)));
            }
        });
        let sent = self.changes.send((change, failed)).await;
        sent.map_err(|_| WriteError::Stopped)?;
        replied.await.unwrap_or(Err(WriteError::Stopped))
    }
}

async fn write_all(
    store: Store,
    mut waiting: mpsc::Receiver<(Change, Failed)>,
    notify: watch::Sender<u64>,
) {
    let mut batch = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        let (changes, failed): (Vec<Change>, Vec<Failed>) = batch.drain(..).unzip();
        let (error, results) = match write_batch(&store, changes).await {
            Ok(results) => (None, results),
            Err(error) => (Some(Arc::new(error)), Vec::new()),
        };
        if let Some(error) = &error {
            tracing::error!(%error, "cannot write to the desk");
        }
        let mut results = results.into_iter();
        for failed in failed {
            match (results.next(), &error) {
                (Some(Ok(answer)), _) => answer(),
                (Some(Err(error)), _) => {
                    tracing::error!(%error, "cannot make a change on the desk");
                    failed(Arc::new(error));
                }
                (None, Some(error)) => failed(error.clone()),
                (None, None) => {}
            }
        }
        if error.is_none() {
            notify.send_modify(|n| *n += 1);
        }
    }
}

/// Makes changes in one transaction. Only the one that fails is undone.
async fn write_batch(
    store: &Store,
    changes: Vec<Change>,
) -> Result<Vec<Result<Answered, StoreError>>, StoreError> {
    let mut tx = store.begin_desk().await?;
    let mut results = Vec::with_capacity(changes.len());
    let is_alone = changes.len() == 1;
    for change in changes {
        if is_alone {
            results.push(Ok(change(&mut tx).await?));
            continue;
        }
        let attempt = tx.attempt().await?;
        let made = change(&mut tx).await;
        match &made {
            Ok(_) => attempt.keep(&mut tx).await?,
            Err(_) => attempt.undo(&mut tx).await?,
        }
        results.push(made);
    }
    tx.commit().await?;
    Ok(results)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ken_base::desk::{Fact, NewEvent};
    use ken_base::domain::WorkspaceId;

    fn happened(store: &Store, source_id: &str) -> NewEvent {
        NewEvent {
            fact: Fact::IdentityErased,
            at: store.now(),
            source: "test".to_owned(),
            source_id: Some(source_id.to_owned()),
            identity_id: None,
            conversation_id: None,
            actor: "test".to_owned(),
            cause: None,
        }
    }

    #[tokio::test]
    async fn change_that_fails_leaves_others_of_its_batch() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/ken.db", folder.path().display());
        let store = Store::open(&url).await.unwrap();
        let workspace = WorkspaceId::parse("default").unwrap();
        store.ensure_workspace(&workspace).await.unwrap();
        let change = |source_id: &'static str, fails: bool| -> Change {
            let (event, workspace) = (happened(&store, source_id), workspace.clone());
            Box::new(move |tx| {
                Box::pin(async move {
                    tx.append(&workspace, event).await?;
                    match fails {
                        true => Err(StoreError::Gone(workspace)),
                        false => Ok(Box::new(|| {}) as Answered),
                    }
                })
            })
        };
        let batch = vec![change("a", false), change("b", true), change("c", false)];
        let results = write_batch(&store, batch).await.unwrap();
        let made: Vec<bool> = results.iter().map(Result::is_ok).collect();
        assert_eq!(made, [true, false, true]);
        let log = store.desk_events(&workspace, 0, 10).await.unwrap();
        let of = |event: &ken_base::desk::DeskEvent| event.event.source_id.clone();
        let ids: Vec<_> = log.iter().filter_map(of).collect();
        assert_eq!(ids, ["a", "c"]);
        let numbers: Vec<_> = log.iter().map(|event| event.seq).collect();
        assert_eq!(numbers, [1, 2], "the log has no gap");
    }
}
