//! Files that customers send on platforms: they are fetched once the message is stored, and become its attachments.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use crate::attachments::{AttachmentError, Attachments};
use crate::calls::{Answered, call_at};
use crate::platforms::{Connections, credentials_of};
use crate::secrets::{SecretError, Vault};
use crate::writer::{DeskWriter, WriteError};
use ken_base::desk::{ConversationId, Fact, Inbox, Message, MessageId, NewEvent, Part};
use ken_base::domain::WorkspaceId;
use ken_base::outbound::Destinations;
use ken_channels::channel::{Channel, Credentials, MediaCall, MediaStep, Outcome, PlatformReply};
use ken_channels::channel_of;
use ken_store::store::{Store, StoreError};

/// Delays before the second, third … attempt. Platforms keep files for days, their pointers for minutes to an hour.
const AGAIN: [SignedDuration; 4] = [
    SignedDuration::from_secs(5),
    SignedDuration::from_secs(60),
    SignedDuration::from_mins(10),
    SignedDuration::from_hours(1),
];
/// How long an attempt may take before another process takes it up.
const LEASE: SignedDuration = SignedDuration::from_mins(5);
/// The time limit of a request for a file.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The time limit for connecting.
const CONNECT: Duration = Duration::from_secs(5);

/// Why files could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The change could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Fetches files.
#[derive(Clone)]
pub struct Files {
    store: Store,
    writer: DeskWriter,
    vault: Vault,
    attachments: Attachments,
    client: reqwest::Client,
    connections: Arc<Connections>,
    /// What a reply holds can be read, so it comes from where anybody may look.
    destinations: Destinations,
}

/// What became of a file.
enum Fetched {
    Stored(Part),
    /// It is tried again.
    Later(String),
    /// It stays on the platform.
    Never(String),
}

impl Files {
    /// Joins the parts that fetching needs.
    ///
    /// # Errors
    /// The HTTP client cannot be built; the message says why.
    pub fn new(
        store: Store,
        writer: DeskWriter,
        vault: Vault,
        attachments: Attachments,
        connections: Arc<Connections>,
        destinations: Destinations,
    ) -> Result<Self, String> {
        Ok(Self {
            store,
            writer,
            vault,
            attachments,
            client: destinations.client(CONNECT, TIMEOUT)?,
            destinations,
            connections,
        })
    }

    /// Makes one attempt to fetch the files of a message.
    ///
    /// # Errors
    /// [`FileError`]; they stay due.
    pub async fn fetch(&self, workspace: &WorkspaceId, id: &MessageId) -> Result<(), FileError> {
        let (of, message) = (workspace.clone(), id.clone());
        let begun = self.writer.write(move |tx| {
            Box::pin(async move { tx.begin_fetching(&of, &message, LEASE).await })
        });
        let Some(attempt) = begun.await? else {
            return Ok(());
        };
        let found = self
            .store
            .messages_by_id(workspace, std::slice::from_ref(id))
            .await?;
        let message = found
            .into_iter()
            .next()
            .filter(|one| one.erased_at.is_none());
        let (mut parts, mut is_changed, mut is_late) = (Vec::new(), false, false);
        if let Some(message) = &message {
            parts = message.parts.clone();
            for part in &mut parts {
                match self.part(workspace, message, part).await? {
                    None => {}
                    Some(Fetched::Stored(stored)) => {
                        *part = stored;
                        is_changed = true;
                    }
                    Some(Fetched::Later(why)) => {
                        tracing::info!(message = id.as_str(), why, "cannot fetch a file yet");
                        is_late = true;
                    }
                    Some(Fetched::Never(why)) => {
                        tracing::warn!(message = id.as_str(), why, "a file stays on its platform");
                    }
                }
            }
        }
        let again = usize::try_from(attempt - 1).ok().and_then(|n| AGAIN.get(n));
        let again = again.copied().filter(|_| is_late);
        let conversation = message.map(|message| message.conversation_id);
        self.end(
            workspace,
            id,
            conversation,
            is_changed.then_some(parts),
            again,
        )
        .await?;
        Ok(())
    }

    /// Records what an attempt came to.
    async fn end(
        &self,
        workspace: &WorkspaceId,
        id: &MessageId,
        conversation: Option<ConversationId>,
        parts: Option<Vec<Part>>,
        again: Option<SignedDuration>,
    ) -> Result<(), WriteError> {
        let (of, id) = (workspace.clone(), id.clone());
        let written = self.writer.write(move |tx| {
            Box::pin(async move {
                tx.end_fetching(&of, &id, again).await?;
                let (Some(parts), Some(conversation)) = (parts, conversation) else {
                    return Ok(());
                };
                if !tx.replace_parts(&of, &id, &parts).await? {
                    return Ok(());
                }
                let conversation = tx.conversation(&of, &conversation).await?;
                let fetched = NewEvent {
                    fact: Fact::FilesFetched { message_id: id },
                    at: tx.now(),
                    source: "ken".to_owned(),
                    source_id: None,
                    identity_id: conversation.as_ref().map(|of| of.identity_id.clone()),
                    conversation_id: conversation.map(|of| of.id),
                    actor: "ken".to_owned(),
                    cause: None,
                };
                tx.append(&of, fetched).await?;
                Ok(())
            })
        });
        written.await
    }

    /// Fetches the file of a part; `None` if it has none.
    async fn part(
        &self,
        workspace: &WorkspaceId,
        message: &Message,
        part: &Part,
    ) -> Result<Option<Fetched>, StoreError> {
        let Part::Other {
            kind,
            media_id: Some(media),
            name,
        } = part
        else {
            return Ok(None);
        };
        let later = |code: &str| Ok(Some(Fetched::Later(code.to_owned())));
        let conversation = self
            .store
            .conversation(workspace, &message.conversation_id)
            .await?;
        let Some(conversation) = conversation else {
            return Ok(None);
        };
        let found = self.store.inbox(workspace, &conversation.inbox_id).await?;
        let Some((inbox, sealed)) = found else {
            return Ok(Some(Fetched::Never("inbox_deleted".to_owned())));
        };
        let Some(channel) = channel_of(inbox.channel) else {
            return Ok(None);
        };
        let credentials: Result<_, SecretError> = credentials_of(&self.vault, channel, &sealed);
        let Ok(credentials) = credentials else {
            return later("sealed_by_another_key");
        };
        let access = &self.connections.access;
        let of = (workspace, &inbox);
        let credentials = match access
            .with_token(&self.client, channel, of, credentials)
            .await
        {
            Ok(credentials) => credentials,
            Err(outcome) => return Ok(Some(failed(outcome))),
        };
        let bytes = match self.bytes(channel, &inbox, &credentials, media).await {
            Ok(bytes) => bytes,
            Err(Outcome::AccessExpired) => {
                access.forget(workspace, &inbox.id, &credentials).await;
                return later("access_expired");
            }
            Err(outcome) => return Ok(Some(failed(outcome))),
        };
        let name = name.as_deref().filter(|name| !name.trim().is_empty());
        let name: String = name.unwrap_or(kind).chars().take(255).collect();
        Ok(Some(
            match self.attachments.store(workspace, &name, bytes).await {
                Ok(part) => Fetched::Stored(part),
                Err(AttachmentError::Store(error)) => return Err(error),
                Err(error @ AttachmentError::Folder { .. }) => Fetched::Later(error.to_string()),
                Err(error) => Fetched::Never(error.to_string()),
            },
        ))
    }

    /// The content of a file: of the reply to its request, or of the one that the reply points to.
    async fn bytes(
        &self,
        channel: &dyn Channel,
        inbox: &Inbox,
        credentials: &Credentials,
        media: &str,
    ) -> Result<Vec<u8>, Outcome> {
        let first = channel.media_call(credentials, media);
        let first = first.ok_or_else(|| Outcome::GiveUp("no_file".to_owned()))?;
        let answered = self.request(channel, inbox, &first).await?;
        let next = match channel.media_step(credentials, &reply_of(&answered))? {
            MediaStep::File => return Ok(answered.body),
            MediaStep::Next(next) => next,
        };
        let answered = self.request(channel, inbox, &next).await?;
        match reply_of(&answered).by_status() {
            Outcome::Accepted => Ok(answered.body),
            other => Err(other),
        }
    }

    async fn request(
        &self,
        channel: &dyn Channel,
        inbox: &Inbox,
        of: &MediaCall,
    ) -> Result<Answered, Outcome> {
        // A proxy of the platform is one of its files, too.
        let own = inbox.settings.platform_url.as_deref();
        let address = own.or(of.address.as_deref()).unwrap_or(channel.address());
        self.destinations
            .check(address)
            .map_err(|_| Outcome::GiveUp("forbidden_address".to_owned()))?;
        let most = self.attachments.max_bytes();
        let answered = call_at(&self.client, address, &of.call, TIMEOUT, most).await;
        let answered = answered.map_err(|code| Outcome::Retry(code.to_owned(), None))?;
        match answered.body.len() > most {
            true => Err(Outcome::GiveUp("too_large".to_owned())),
            false => Ok(answered),
        }
    }
}

fn reply_of(answered: &Answered) -> PlatformReply<'_> {
    PlatformReply {
        status: answered.status,
        retry_after: answered.retry_after,
        body: &answered.body,
    }
}

fn failed(outcome: Outcome) -> Fetched {
    match outcome {
        Outcome::Retry(code, _) | Outcome::Reconnect(code) => Fetched::Later(code),
        Outcome::GiveUp(code) => Fetched::Never(code),
        Outcome::AccessExpired => Fetched::Later("access_expired".to_owned()),
        Outcome::TokenSpent | Outcome::Accepted => Fetched::Never("no_file".to_owned()),
    }
}
