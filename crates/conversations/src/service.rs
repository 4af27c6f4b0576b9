//! [`Desk`]: the parts of conversations, joined, and the work in the background: answers and deliveries that are due.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{OnceCell, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::actions::{Acted, Action, Refusal, act};
use crate::attachments::Attachments;
use crate::deliveries::Deliveries;
use crate::erasure::{Erased, erase, erase_before, erase_conversation};
use crate::files::Files;
use crate::intake::{Inbound, InboundKind, Received, receive};
use crate::last_webhooks::LastWebhooks;
use crate::platforms::Connections;
use crate::replies::Replies;
use crate::secrets::{KeyFileInUse, SecretError, Vault};
use crate::traffic::{self, DeliveryOutcome};
use crate::writer::{DeskWriter, WriteError, route_of};
use ken_answer::answer::Answerer;
use ken_base::background::Background;
use ken_base::blocking::blocking;
use ken_base::config::DeskConfig;
use ken_base::desk::{
    ChannelKind, ConversationId, DeliveryRoute, DeliveryState, Direction, IdentityId, IdentityKey,
    Inbox, InboxId, LinkBasis, MessageId, VerifiedBy,
};
use ken_base::domain::WorkspaceId;
use ken_base::outbound::Destinations;
use ken_customers::identify::{Origin, Proof, Sender, identify};
use ken_customers::merging::{MergeError, merge, split};
use ken_store::store::{Store, StoreError};

/// Most answers that are made at once.
const REPLIES: usize = 4;
/// Most deliveries that are under way at once.
const DELIVERIES: usize = 16;
/// Most messages whose files are fetched at once.
const FILES: usize = 4;
/// How many due rows are read at once.
const DUE: i64 = 256;
/// How long the worker sleeps at most: another process may have taken something in and died.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

/// Why the desk cannot be built.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the desk: {0}")]
pub struct DeskError(String);

/// The desk of a process. Nothing runs in the background before its first use.
pub struct Desk {
    store: Store,
    answerer: Answerer,
    key_file: PathBuf,
    attachments: Attachments,
    last_webhooks: LastWebhooks,
    connections: Arc<Connections>,
    destinations: Destinations,
    running: OnceCell<Running>,
    /// Whether streams of events end.
    ended: watch::Sender<bool>,
}

/// What runs once there is an inbox.
struct Running {
    vault: Vault,
    /// So that the key is not replaced meanwhile.
    _key_file: KeyFileInUse,
    writer: DeskWriter,
    _writing: JoinHandle<()>,
    work: Background,
}

impl Desk {
    /// Joins the parts. Costs nothing. The key file is read, or created, with the first use.
    pub fn new(
        store: Store,
        answerer: Answerer,
        config: &DeskConfig,
        destinations: Destinations,
    ) -> Self {
        Self {
            attachments: Attachments::new(store.clone(), config),
            last_webhooks: LastWebhooks::default(),
            connections: Arc::default(),
            destinations,
            store,
            answerer,
            key_file: config.key_file.clone(),
            running: OnceCell::new(),
            ended: watch::Sender::new(false),
        }
    }

    /// Seals and opens the secrets of inboxes.
    ///
    /// # Errors
    /// [`DeskError`] if the key file cannot be read or created.
    pub async fn vault(&self) -> Result<&Vault, DeskError> {
        Ok(&self.running().await?.vault)
    }

    /// Like [`Desk::vault`] if the desk is in use by this process, or there is an inbox in any workspace; else `None`.
    ///
    /// # Errors
    /// As of [`Desk::vault`].
    pub async fn vault_if_used(&self) -> Result<Option<&Vault>, DeskError> {
        self.start_if_used().await?;
        Ok(self.running.get().map(|running| &running.vault))
    }

    /// The files of messages.
    pub fn attachments(&self) -> &Attachments {
        &self.attachments
    }

    /// The last request of a platform to each inbox.
    pub fn last_webhooks(&self) -> &LastWebhooks {
        &self.last_webhooks
    }

    /// Where requests whose replies are shown may go.
    pub fn destinations(&self) -> &Destinations {
        &self.destinations
    }

    /// What this process knows of the platforms.
    pub fn connections(&self) -> &Connections {
        &self.connections
    }

    /// Starts the work in the background if there is an inbox in any workspace.
    ///
    /// # Errors
    /// [`DeskError`] if the store fails or the client for callbacks cannot be built.
    pub async fn start_if_used(&self) -> Result<(), DeskError> {
        if self.running.initialized() {
            return Ok(());
        }
        let workspaces = self.store.desk_workspaces().await;
        let workspaces = workspaces.map_err(|error| DeskError(error.to_string()))?;
        if !workspaces.is_empty() {
            self.running().await?;
        }
        Ok(())
    }

    async fn running(&self) -> Result<&Running, DeskError> {
        let start = async || {
            let path = self.key_file.clone();
            let opened = blocking(move || {
                let held = KeyFileInUse::by_service(&path)?;
                Ok::<_, SecretError>((Vault::open_or_create(&path)?, held))
            });
            let (vault, held) = opened.await.map_err(|error| DeskError(error.to_string()))?;
            let (writer, writing) = DeskWriter::start(self.store.clone());
            let replies = Replies::new(self.store.clone(), self.answerer.clone(), writer.clone());
            let deliveries = Deliveries::new(
                self.store.clone(),
                writer.clone(),
                vault.clone(),
                self.connections.clone(),
            );
            let files = Files::new(
                self.store.clone(),
                writer.clone(),
                vault.clone(),
                self.attachments.clone(),
                self.connections.clone(),
                self.destinations.clone(),
            );
            let worker = Arc::new(Worker {
                store: self.store.clone(),
                replies,
                deliveries: deliveries.map_err(DeskError)?,
                files: files.map_err(DeskError)?,
            });
            let written = writer.written();
            let work = Background::start("desk", move |stopped| run(worker, written, stopped));
            Ok(Running {
                vault,
                _key_file: held,
                writer,
                _writing: writing,
                work,
            })
        };
        self.running.get_or_try_init(start).await
    }

    /// The writer, which starts with its first use.
    async fn writer(&self) -> Result<&DeskWriter, WriteError> {
        let running = self.running().await.map_err(|error| {
            tracing::error!(%error, "cannot start the desk");
            WriteError::Stopped
        });
        Ok(&running?.writer)
    }

    /// Changes whenever this process wrote to the desk.
    ///
    /// # Errors
    /// [`WriteError::Stopped`] if the desk cannot start.
    pub async fn written(&self) -> Result<watch::Receiver<u64>, WriteError> {
        Ok(self.writer().await?.written())
    }

    /// Becomes true when streams of events have to end, so that the service can stop. Their readers connect again.
    pub fn ended(&self) -> watch::Receiver<bool> {
        self.ended.subscribe()
    }

    /// Ends the streams of events.
    pub fn end_streams(&self) {
        self.ended.send_replace(true);
    }

    /// Stores what a channel delivers. It is durable when this returns.
    ///
    /// # Errors
    /// [`WriteError`]; then nothing was written, and the channel should deliver it again.
    pub async fn receive(&self, inbound: Inbound) -> Result<Received, WriteError> {
        self.receive_with_token(inbound, None).await
    }

    /// Like [`Desk::receive`], and keeps the platform's token for a free reply.
    ///
    /// # Errors
    /// As of [`Desk::receive`].
    pub async fn receive_with_token(
        &self,
        inbound: Inbound,
        reply_token: Option<String>,
    ) -> Result<Received, WriteError> {
        let writer = self.writer().await?;
        let (channel, arrival) = (inbound.inbox.channel, Arrival::of(&inbound.what));
        let received = writer
            .write(move |tx| {
                Box::pin(async move {
                    let received = receive(tx, &inbound).await?;
                    if let (
                        Received::New {
                            conversation_id, ..
                        },
                        Some(token),
                    ) = (&received, &reply_token)
                        && let Some(conversation) = conversation_id
                    {
                        tx.put_reply_token(&inbound.workspace, conversation, token)
                            .await?;
                    }
                    Ok(received)
                })
            })
            .await?;
        if let (Received::New { .. }, Some(arrival)) = (&received, arrival) {
            arrival.count(channel);
        }
        Ok(received)
    }

    /// Makes an action of an agent in a conversation.
    ///
    /// # Errors
    /// [`WriteError`] if the store fails; a [`Refusal`] within the result.
    pub async fn act(
        &self,
        workspace: WorkspaceId,
        inbox: Inbox,
        id: ConversationId,
        action: Action,
        actor: String,
    ) -> Result<Result<Acted, Refusal>, WriteError> {
        let writer = self.writer().await?;
        let (channel, is_message) = (inbox.channel, matches!(action, Action::Write(_)));
        let is_read = route_of(&inbox) == DeliveryRoute::Pull;
        let acted = writer
            .write(move |tx| {
                Box::pin(async move { act(tx, &workspace, &inbox, &id, &action, &actor).await })
            })
            .await?;
        if acted.is_ok() && is_message {
            traffic::message(channel, Direction::Out);
            if is_read {
                traffic::delivery(Some(channel), DeliveryOutcome::Accepted);
            }
        }
        Ok(acted)
    }

    /// Records who signed in, with the identities that the signed token proves to be the same customer. What `visitor` wrote
    /// before belongs to them too, if anything.
    ///
    /// # Errors
    /// [`WriteError`] if the store fails; then nothing was written.
    pub async fn sign_in(
        &self,
        workspace: WorkspaceId,
        inbox: InboxId,
        mut sender: Sender,
        visitor: Option<IdentityKey>,
    ) -> Result<(), WriteError> {
        let writer = self.writer().await?;
        writer
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(key) = visitor
                        && tx.identity_by_key(&workspace, &key).await?.is_some()
                    {
                        sender.proofs.push(Proof {
                            key,
                            verified_by: VerifiedBy::SignedToken,
                            basis: LinkBasis::SameToken,
                        });
                    }
                    let origin = Origin {
                        source: format!("inbox:{inbox}"),
                        actor: "customer".to_owned(),
                        at: tx.now(),
                        cause: None,
                    };
                    identify(tx, &workspace, &sender, &origin).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Merges the customers of two identities.
    ///
    /// # Errors
    /// [`WriteError`] if the store fails; a [`MergeError`] within the result.
    pub async fn merge(
        &self,
        workspace: WorkspaceId,
        one: IdentityId,
        other: IdentityId,
        actor: String,
    ) -> Result<Result<(), MergeError>, WriteError> {
        let writer = self.writer().await?;
        writer
            .write(move |tx| {
                Box::pin(async move { refusal(merge(tx, &workspace, &one, &other, &actor).await) })
            })
            .await
    }

    /// Withdraws the links between two identities.
    ///
    /// # Errors
    /// [`WriteError`] if the store fails; a [`MergeError`] within the result.
    pub async fn split(
        &self,
        workspace: WorkspaceId,
        one: IdentityId,
        other: IdentityId,
        actor: String,
    ) -> Result<Result<(), MergeError>, WriteError> {
        let writer = self.writer().await?;
        writer
            .write(move |tx| {
                Box::pin(async move { refusal(split(tx, &workspace, &one, &other, &actor).await) })
            })
            .await
    }

    /// Erases the customer of an identity. What the bot knows from the conversations is forgotten by
    /// [`Answerer::forget`], which the caller calls for each.
    ///
    /// # Errors
    /// [`WriteError`] if the store fails; then nothing was erased.
    pub async fn erase(
        &self,
        workspace: WorkspaceId,
        any: IdentityId,
        actor: String,
    ) -> Result<Erased, WriteError> {
        let (writer, of) = (self.writer().await?, workspace.clone());
        let erased = writer
            .write(move |tx| Box::pin(async move { erase(tx, &workspace, &any, &actor).await }));
        let erased = erased.await?;
        self.forget_erased(&of).await;
        Ok(erased)
    }

    /// Removes the files of erased messages, and forgets the last requests to the workspace's inboxes, which may have words of
    /// them. What cannot be removed now is removed by the hourly housekeeping.
    async fn forget_erased(&self, workspace: &WorkspaceId) {
        self.last_webhooks.forget_workspace(workspace);
        if let Err(error) = self.attachments.remove_marked().await {
            tracing::error!(%error, "cannot remove the files of erased messages; trying again later");
        }
    }

    /// Ends a conversation and erases its messages.
    ///
    /// # Errors
    /// As of [`Desk::erase`].
    pub async fn erase_conversation(
        &self,
        workspace: WorkspaceId,
        id: ConversationId,
        actor: String,
    ) -> Result<Erased, WriteError> {
        let (writer, of) = (self.writer().await?, workspace.clone());
        let erased = writer.write(move |tx| {
            Box::pin(async move { erase_conversation(tx, &workspace, &id, &actor).await })
        });
        let erased = erased.await?;
        self.forget_erased(&of).await;
        Ok(erased)
    }

    /// Erases messages of conversations that were written before a time.
    ///
    /// # Errors
    /// As of [`Desk::erase`].
    pub async fn erase_before(
        &self,
        workspace: WorkspaceId,
        conversations: Vec<ConversationId>,
        before: Timestamp,
    ) -> Result<Erased, WriteError> {
        let (writer, of) = (self.writer().await?, workspace.clone());
        let erased = writer.write(move |tx| {
            Box::pin(async move { erase_before(tx, &workspace, &conversations, before).await })
        });
        let erased = erased.await?;
        self.forget_erased(&of).await;
        Ok(erased)
    }

    /// Stops the work in the background. What is due stays due.
    pub async fn stop(&self) {
        self.end_streams();
        if let Some(running) = self.running.get() {
            running.work.stop().await;
        }
    }
}

/// What the metrics count of something that a channel delivers.
enum Arrival {
    Message,
    Echo,
    Report(DeliveryState),
}

impl Arrival {
    /// `None` if nothing is counted, as for the unfinished version of a transcript.
    fn of(what: &InboundKind) -> Option<Self> {
        match what {
            InboundKind::Message { revision, .. } => revision.is_final.then_some(Self::Message),
            InboundKind::Echo { .. } => Some(Self::Echo),
            InboundKind::Delivery { state, .. } => Some(Self::Report(*state)),
            InboundKind::Consent { .. }
            | InboundKind::Alias { .. }
            | InboundKind::Withdrawn { .. } => None,
        }
    }

    fn count(self, channel: ChannelKind) {
        match self {
            Self::Message => traffic::message(channel, Direction::In),
            Self::Echo => traffic::echo(channel),
            Self::Report(state) => {
                if let Some(outcome) = DeliveryOutcome::of(state) {
                    traffic::delivery(Some(channel), outcome);
                }
            }
        }
    }
}

/// An error of the store fails the transaction; a refusal does not.
fn refusal(merged: Result<(), MergeError>) -> Result<Result<(), MergeError>, StoreError> {
    match merged {
        Err(MergeError::Store(error)) => Err(error),
        other => Ok(other),
    }
}

struct Worker {
    store: Store,
    replies: Replies,
    deliveries: Deliveries,
    files: Files,
}

/// What is worked on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Work {
    Reply(WorkspaceId, ConversationId),
    Delivery(WorkspaceId, MessageId),
    Files(WorkspaceId, MessageId),
}

impl Work {
    fn workspace(&self) -> &WorkspaceId {
        match self {
            Work::Reply(of, _) | Work::Delivery(of, _) | Work::Files(of, _) => of,
        }
    }
}

impl Worker {
    async fn do_work(&self, work: &Work) {
        let failed = match work {
            Work::Reply(workspace, id) => {
                let replied = self.replies.reply(workspace, id).await;
                replied.err().map(|error| error.to_string())
            }
            Work::Delivery(workspace, id) => {
                let delivered = self.deliveries.deliver(workspace, id).await;
                delivered.err().map(|error| error.to_string())
            }
            Work::Files(workspace, id) => {
                let fetched = self.files.fetch(workspace, id).await;
                fetched.err().map(|error| error.to_string())
            }
        };
        if let Some(error) = failed {
            tracing::error!(error, ?work, "desk work failed; trying again");
            // An unavailable store fails at once; what is due stays due.
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// What is due at a time.
    async fn due(&self, now: Timestamp) -> Result<Vec<Work>, StoreError> {
        let replies = self.store.due_replies(now, DUE).await?;
        let deliveries = self.store.due_deliveries(now, DUE).await?;
        let replies = replies.into_iter().map(|(of, id)| Work::Reply(of, id));
        let deliveries = deliveries
            .into_iter()
            .map(|(of, id)| Work::Delivery(of, id));
        let files = self.store.due_files(now, DUE).await?;
        let files = files.into_iter().map(|(of, id)| Work::Files(of, id));
        Ok(replies.chain(deliveries).chain(files).collect())
    }

    /// How long nothing more becomes due after a time: what was due then is under way, or waits for its end.
    async fn sleep(&self, looked_at: Timestamp) -> Duration {
        let next = self.store.next_desk_work(looked_at).await.ok().flatten();
        let until = next.map(|at| at.duration_since(self.store.now()));
        let until = until.map(|until| until.max(SignedDuration::from_millis(1)));
        let until = until.and_then(|until| Duration::try_from(until).ok());
        until.unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP)
    }
}

async fn run(
    worker: Arc<Worker>,
    mut written: watch::Receiver<u64>,
    mut stopped: watch::Receiver<bool>,
) {
    // What another process is sending, it goes on to send.
    if !worker.store.is_shared()
        && let Err(error) = worker.deliveries.resume().await
    {
        tracing::error!(%error, "cannot take up interrupted deliveries");
    }
    let mut tasks: JoinSet<Work> = JoinSet::new();
    let mut under_way: HashSet<Work> = HashSet::new();
    loop {
        written.borrow_and_update();
        let looked_at = worker.store.now();
        match worker.due(looked_at).await {
            Ok(due) => {
                for work in due {
                    let is_alike =
                        |of: &&Work| std::mem::discriminant(*of) == std::mem::discriminant(&work);
                    let most = match work {
                        Work::Reply(..) => REPLIES,
                        Work::Delivery(..) => DELIVERIES,
                        Work::Files(..) => FILES,
                    };
                    let alike = || under_way.iter().filter(is_alike);
                    // One workspace whose platforms hang leaves room for others.
                    let is_own = |of: &&Work| of.workspace() == work.workspace();
                    let has_room =
                        alike().count() < most && alike().filter(is_own).count() < most - most / 4;
                    if has_room && under_way.insert(work.clone()) {
                        let worker = worker.clone();
                        tasks.spawn(async move {
                            worker.do_work(&work).await;
                            work
                        });
                    }
                }
            }
            Err(error) => tracing::error!(%error, "cannot read what is due"),
        }
        let sleep = worker.sleep(looked_at).await;
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => break,
            Some(done) = tasks.join_next() => match done {
                Ok(work) => {
                    under_way.remove(&work);
                }
                Err(error) => {
                    tracing::error!(%error, "desk work panicked");
                    // Its name is lost with it: forget all, each is claimed in its own transaction.
                    under_way.clear();
                }
            },
            changed = written.changed() => {
                if changed.is_err() {
                    break;
                }
            }
            () = tokio::time::sleep(sleep) => {}
        }
    }
    tasks.shutdown().await;
}
