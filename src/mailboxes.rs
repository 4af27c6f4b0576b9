//! Mailboxes: the mails of inboxes are fetched while this process leads, and received once. A mailbox is never changed.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use ken_base::background::Background;
use ken_base::desk::{ChannelKind, EmailSettings, Inbox, InboxId, Part};
use ken_base::domain::WorkspaceId;
use ken_conversations::mails::{self, Author, REPLY_KEY, Received, imap_server};
use ken_conversations::secrets::SecretError;
use ken_conversations::service::{Desk, DeskError};
use ken_conversations::writer::WriteError;
use ken_mail::automatic::{Why, is_automatic};
use ken_mail::imap::{Cursor, Fetched, ImapError, Mailbox};
use ken_mail::message::{Attachment, Mail, parse};
use ken_mail::thread::{Link, links};
use ken_mail::verify::{Verification, Verifier};
use ken_store::store::desk::{MailPosition, SealedSecrets};
use ken_store::store::{Store, StoreError};

/// How often it is looked for inboxes that were connected, changed or disconnected.
const LOOK: Duration = Duration::from_secs(2);
/// How long a server may keep silent about new mails before they are looked for.
const WAIT: Duration = Duration::from_secs(60);
/// The same where the server announces none.
const POLL: Duration = Duration::from_secs(15);
/// The waits before a mailbox is opened again after failures, the last one for all further ones.
const AGAIN: [Duration; 4] = [
    Duration::from_secs(2),
    Duration::from_secs(15),
    Duration::from_secs(60),
    Duration::from_secs(300),
];
/// Mails that are older than this when a mailbox is first read are not answered.
const NEW: SignedDuration = SignedDuration::from_hours(24);
/// The largest mail that is loaded, in bytes.
const MAX_MAIL: u32 = 25 << 20;

/// The longest name of a file, in characters.
const MAX_NAME: usize = 255;

/// Why the mails of an inbox were not received; they stay on the server.
#[derive(Debug, thiserror::Error)]
enum MailboxError {
    #[error(transparent)]
    Imap(#[from] ImapError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Desk(#[from] DeskError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Fetches.
#[derive(Clone)]
pub struct Mailboxes {
    store: Store,
    desk: Arc<Desk>,
    verifier: Option<Arc<Verifier>>,
}

/// An inbox that is being followed.
struct Followed {
    /// The settings and the sealed secrets with which it is followed.
    by: (EmailSettings, SealedSecrets, String),
    task: JoinHandle<()>,
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Mailboxes {
    /// Joins the parts that are needed. Without a resolver no mail is verified.
    pub fn new(store: Store, desk: Arc<Desk>, dns_servers: &[SocketAddr]) -> Self {
        let verifier = match dns_servers {
            [] => Verifier::system(),
            servers => Verifier::at(servers),
        };
        let verifier = verifier.map(Arc::new);
        Self {
            store,
            desk,
            verifier: verifier
                .inspect_err(|error| tracing::warn!(%error, "mails are not verified"))
                .ok(),
        }
    }

    /// Works while `leads` is true.
    pub fn start(self, leads: watch::Receiver<bool>) -> Background {
        Background::start_while("mailboxes", leads, move |stopped| {
            self.clone().work(stopped)
        })
    }

    async fn work(self, mut stopped: watch::Receiver<bool>) {
        let mut followed: HashMap<(WorkspaceId, InboxId), Followed> = HashMap::new();
        loop {
            if let Err(error) = self.look(&mut followed).await {
                tracing::error!(%error, "cannot read the inboxes of mail");
            }
            let over = tokio::time::timeout(LOOK, stopped.wait_for(|stop| *stop)).await;
            if over.is_ok() {
                return;
            }
        }
    }

    /// Follows the inboxes that there are.
    async fn look(
        &self,
        followed: &mut HashMap<(WorkspaceId, InboxId), Followed>,
    ) -> Result<(), StoreError> {
        let mut known = Vec::new();
        for (workspace, inbox, sealed) in self.store.inboxes_of(ChannelKind::Email).await? {
            let Some(email) = inbox.settings.email.clone() else {
                continue;
            };
            let key = (workspace, inbox.id.clone());
            let by = (email, sealed, inbox.name.clone());
            known.push(key.clone());
            if followed
                .get(&key)
                .is_some_and(|one| one.by == by && !one.task.is_finished())
            {
                continue;
            }
            let this = self.clone();
            let (of, email, sealed) = (key.clone(), by.0.clone(), by.1.clone());
            let task = tokio::spawn(async move {
                this.follow(&of.0, Arc::new(inbox), &email, &sealed).await;
            });
            followed.insert(key, Followed { by, task });
        }
        followed.retain(|key, _| known.contains(key));
        Ok(())
    }

    /// Receives the mails of an inbox, until it is stopped.
    async fn follow(
        &self,
        workspace: &WorkspaceId,
        inbox: Arc<Inbox>,
        email: &EmailSettings,
        sealed: &SealedSecrets,
    ) {
        let mut n_failed = 0_usize;
        loop {
            let Err(error) = self
                .read(workspace, &inbox, email, sealed, &mut n_failed)
                .await;
            tracing::warn!(inbox = inbox.id.as_str(), %error, "cannot read a mailbox; trying again");
            let wait = AGAIN.get(n_failed).unwrap_or(&AGAIN[AGAIN.len() - 1]);
            n_failed += 1;
            tokio::time::sleep(*wait).await;
        }
    }

    /// Reads a mailbox over one connection.
    async fn read(
        &self,
        workspace: &WorkspaceId,
        inbox: &Arc<Inbox>,
        email: &EmailSettings,
        sealed: &SealedSecrets,
        n_failed: &mut usize,
    ) -> Result<std::convert::Infallible, MailboxError> {
        let vault = self.desk.vault().await?;
        let server = imap_server(vault, email, sealed)?;
        let reply_key = vault.open(sealed, REPLY_KEY)?.unwrap_or_default();
        let mut mailbox = Mailbox::open(&server, &email.mailbox).await?;
        let name = format!(
            "{}\n{}\n{}\n{}",
            email.imap_host, email.imap_port, server.user, email.mailbox
        );
        let known = self.store.mail_position(workspace, &inbox.id).await?;
        let mut cursor = match known.filter(|at| at.mailbox == name) {
            Some(at) => Cursor {
                uid_validity: at.uid_validity,
                uid: at.uid,
                since: at.since,
            },
            // What the server received before the inbox is not answered, and nothing of more than a day ago.
            None => Cursor {
                uid: 0,
                ..mailbox.end(inbox.created_at.max(self.store.now() - NEW))
            },
        };
        self.keep(workspace, inbox, &name, cursor).await?;
        loop {
            let batch = mailbox.fetch_after(cursor, MAX_MAIL).await?;
            for mail in &batch.oversize {
                tracing::warn!(
                    inbox = inbox.id.as_str(),
                    bytes = mail.bytes,
                    "left out a mail that is too large"
                );
            }
            for (uid, why) in &batch.unreadable {
                tracing::warn!(
                    inbox = inbox.id.as_str(),
                    uid,
                    why,
                    "left out a mail that the server does not hand out"
                );
            }
            for fetched in &batch.mails {
                self.take(workspace, inbox, email, &reply_key, fetched)
                    .await?;
            }
            *n_failed = 0;
            if batch.cursor != cursor {
                cursor = batch.cursor;
                self.keep(workspace, inbox, &name, cursor).await?;
            }
            if !batch.has_more {
                let wait = match mailbox.can_idle() {
                    true => WAIT,
                    false => POLL,
                };
                mailbox = mailbox.wait(wait).await?.0;
            }
        }
    }

    async fn keep(
        &self,
        workspace: &WorkspaceId,
        inbox: &Inbox,
        mailbox: &str,
        cursor: Cursor,
    ) -> Result<(), StoreError> {
        let position = MailPosition {
            mailbox: mailbox.to_owned(),
            uid_validity: cursor.uid_validity,
            uid: cursor.uid,
            since: cursor.since,
        };
        self.store
            .put_mail_position(workspace, &inbox.id, &position)
            .await
    }

    /// Receives a mail. What cannot be read is left out; a failure of the store leaves the mail on the server.
    async fn take(
        &self,
        workspace: &WorkspaceId,
        inbox: &Arc<Inbox>,
        email: &EmailSettings,
        reply_key: &str,
        fetched: &Fetched,
    ) -> Result<(), MailboxError> {
        let left_out = |why: &str| {
            tracing::info!(inbox = inbox.id.as_str(), why, "left out a mail");
        };
        let mail = match parse(&fetched.raw) {
            Ok(mail) => mail,
            Err(error) => {
                left_out(&error.to_string());
                return Ok(());
            }
        };
        let of = (workspace, inbox);
        let at = fetched.received.unwrap_or_else(|| self.store.now());
        for id in mails::failed_messages(email, &mail) {
            // Anybody can write a report: it counts for mails of this inbox.
            let sent = self.store.delivery(workspace, &id).await?;
            if sent.is_some_and(|sent| sent.inbox_id == inbox.id) {
                self.desk.receive(mails::failure(of, &mail, id, at)).await?;
            }
        }
        let automatic = is_automatic(&mail, &[&email.address]);
        if let Some(why) = automatic.filter(|why| is_left_out(*why)) {
            left_out(why.code());
            return Ok(());
        }
        let received = Received {
            author: self
                .author(workspace, email, reply_key, &fetched.raw, &mail)
                .await?,
            files: self.files(workspace, &mail.attachments).await,
            mail: &mail,
            at,
            needs_person: automatic.is_some(),
        };
        match mails::inbound(of, received) {
            Some(inbound) => {
                self.desk.receive(inbound).await?;
            }
            None => left_out("no_address"),
        }
        Ok(())
    }

    /// Who wrote a mail.
    async fn author(
        &self,
        workspace: &WorkspaceId,
        email: &EmailSettings,
        reply_key: &str,
        raw: &[u8],
        mail: &Mail,
    ) -> Result<Author, StoreError> {
        let trusted = email.authserv_id.as_deref();
        if let Some(verifier) = &self.verifier
            && let Verification::Verified { .. } = verifier.verify(raw, mail, trusted).await
        {
            return Ok(Author::Verified);
        }
        for link in links(mail, &email.address, reply_key.as_bytes()) {
            let Link::Conversation(id) = link else {
                continue;
            };
            let Some(conversation) = self.store.conversation(workspace, &id).await? else {
                continue;
            };
            let customer = self
                .store
                .customer(workspace, &conversation.identity_id)
                .await?;
            let is_same = |value: &str| value.eq_ignore_ascii_case(&mail.from.address);
            let mut own = customer
                .iter()
                .filter(|one| one.id == conversation.identity_id);
            if own.any(|one| is_same(&one.value)) {
                return Ok(Author::Linked);
            }
        }
        Ok(Author::Claimed)
    }

    /// Stores the files of a mail. Those that are not allowed are left out.
    async fn files(&self, workspace: &WorkspaceId, found: &[Attachment]) -> Vec<Part> {
        let mut parts = Vec::new();
        for file in found {
            let name: String = file.name.chars().take(MAX_NAME).collect();
            let name = Some(name).filter(|name| !name.trim().is_empty());
            let name = name.as_deref().unwrap_or("file");
            let stored = self
                .desk
                .attachments()
                .store(workspace, name, file.bytes.clone());
            match stored.await {
                Ok(part) => parts.push(part),
                Err(error) => {
                    tracing::info!(%error, "left out a file of a mail");
                    parts.push(Part::Other {
                        kind: "file".to_owned(),
                        media_id: None,
                        name: None,
                    });
                }
            }
        }
        parts
    }
}

/// Whether an automatic mail is of no use to people either. Others are for a person to read, as the form of a web site.
fn is_left_out(why: Why) -> bool {
    match why {
        Why::Report | Why::OwnAddress | Why::AutoSubmitted | Why::EmptyReturnPath | Why::Bulk => {
            true
        }
        Why::MailingList | Why::Suppressed | Why::UnreadSender => false,
    }
}
