//! E-mail of an inbox: its servers, the mails that go out, and what a mail that comes in means to the desk.

use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};

use crate::calls::Failure;
use crate::intake::{Inbound, InboundKind, Revision};
use crate::secrets::{SecretError, Vault};
use ken_base::config::Secret;
use ken_base::desk::{
    AuthorKind, Conversation, DeliveryState, Direction, EmailSettings, IdentityKey, IdentityKind,
    Inbox, LinkBasis, Message, MessageId, Part, VerifiedBy,
};
use ken_base::domain::WorkspaceId;
use ken_customers::identify::{Proof, Sender};
use ken_customers::normalize::normalized;
use ken_mail::compose::{Reply, compose};
use ken_mail::message::{Mail, Mailbox};
use ken_mail::server::{Security, Server};
use ken_mail::smtp::{self, Outcome};
use ken_mail::thread::sent_id;
use ken_mail::{limits, quotes};
use ken_store::store::desk::{Delivery, SealedSecrets};
use ken_store::store::{Store, StoreError};

/// The secret for the account at the IMAP server, and at the SMTP server unless that has one of its own.
pub const IMAP_PASSWORD: &str = "imap_password";
/// The secret for the account at the SMTP server.
pub const SMTP_PASSWORD: &str = "smtp_password";
/// The secret that signs addresses for replies; made with the inbox.
pub const REPLY_KEY: &str = "reply_key";
/// The code of a mail that is not sent, because the bot has sent as many to the conversation as it may within a day.
pub const TOO_MANY_MAILS: &str = "too_many_automatic_mails";
/// What stands before the address of a sender for whom no domain vouches: another customer than the one with the address.
const UNVERIFIED: &str = "unverified:";
/// How many of a conversation's last messages are looked at for its subject, and for how many mails were sent of late.
const RECENT: i64 = 50;
/// How long a mail may be under way, for its own date to be believed.
const MAX_UNDER_WAY: SignedDuration = SignedDuration::from_hours(24);
/// The longest subject, in characters; more is cut off.
const MAX_SUBJECT: usize = 500;
/// The longest text, in characters; more is cut off.
const MAX_TEXT: usize = 20_000;

/// The server from which the mails of an inbox are fetched.
///
/// # Errors
/// [`SecretError`] if another key sealed the password.
pub fn imap_server(
    vault: &Vault,
    email: &EmailSettings,
    sealed: &SealedSecrets,
) -> Result<Server, SecretError> {
    let password = vault.open(sealed, IMAP_PASSWORD)?.unwrap_or_default();
    Ok(Server {
        host: email.imap_host.clone(),
        port: email.imap_port,
        security: Security::parse(&email.imap_security).unwrap_or(Security::Tls),
        user: email.user.clone().unwrap_or_else(|| email.address.clone()),
        password: Secret::new(password),
        authority: email.authority.clone(),
    })
}

/// The server by which the mails of an inbox go out.
///
/// # Errors
/// [`SecretError`] if another key sealed the password.
pub fn smtp_server(
    vault: &Vault,
    email: &EmailSettings,
    sealed: &SealedSecrets,
) -> Result<Server, SecretError> {
    let own = vault.open(sealed, SMTP_PASSWORD)?;
    let password = match own {
        Some(password) => password,
        None => vault.open(sealed, IMAP_PASSWORD)?.unwrap_or_default(),
    };
    let user = email.user.clone().unwrap_or_else(|| email.address.clone());
    Ok(Server {
        host: email.smtp_host.clone(),
        port: email.smtp_port,
        security: Security::parse(&email.smtp_security).unwrap_or(Security::Starttls),
        user: match password.is_empty() {
            // A relay of one's own network.
            true => String::new(),
            false => user,
        },
        password: Secret::new(password),
        authority: email.authority.clone(),
    })
}

/// Who wrote a mail: an address of its own, and another one while nobody vouches for it.
fn key_of(inbox: &Inbox, address: &str, is_verified: bool) -> Option<IdentityKey> {
    let address = normalized(IdentityKind::Email, address).ok()?;
    let value = match is_verified {
        true => address,
        false => format!("{UNVERIFIED}{address}"),
    };
    Some(IdentityKey {
        inbox: Some(inbox.id.clone()),
        kind: IdentityKind::ChannelUser,
        value,
    })
}

/// The address of a customer's identity.
pub fn address_of(user_id: &str) -> &str {
    user_id.strip_prefix(UNVERIFIED).unwrap_or(user_id)
}

/// Who wrote a mail, as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// The domain of the address vouches for it.
    Verified,
    /// It came to the signed address of a conversation with this address. It belongs there, and proves nothing: anybody to whom a
    /// mail of it was forwarded knows that address.
    Linked,
    /// Nobody vouches for it.
    Claimed,
}

/// A mail that was fetched.
#[derive(Debug)]
pub struct Received<'a> {
    /// The mail.
    pub mail: &'a Mail,
    /// Who wrote it.
    pub author: Author,
    /// Its files.
    pub files: Vec<Part>,
    /// When the server received it.
    pub at: Timestamp,
    /// Whether it must not be answered automatically.
    pub needs_person: bool,
}

/// What a mail that a customer wrote means to the desk. `None` if its sender has no address.
pub fn inbound(
    (workspace, inbox): (&WorkspaceId, &std::sync::Arc<Inbox>),
    received: Received<'_>,
) -> Option<Inbound> {
    let Received {
        mail,
        author,
        files,
        at,
        needs_person,
    } = received;
    let is_verified = author == Author::Verified;
    let from = &mail.from;
    let address = normalized(IdentityKind::Email, &from.address).ok()?;
    let proof = Proof {
        key: IdentityKey {
            inbox: None,
            kind: IdentityKind::Email,
            value: address,
        },
        verified_by: VerifiedBy::Dkim,
        basis: LinkBasis::VerifiedEmail,
    };
    let name = from.name.trim().chars().filter(|c| !c.is_control());
    let sender = Sender {
        key: key_of(inbox, &from.address, author != Author::Claimed)?,
        verified_by: is_verified.then_some(VerifiedBy::Dkim),
        display_name: name.take(128).collect(),
        proofs: is_verified.then_some(proof).into_iter().collect(),
        claims: Vec::new(),
    };
    let subject: String = mail.subject.trim().chars().take(MAX_SUBJECT).collect();
    let text: String = quotes::written(&mail.text).chars().take(MAX_TEXT).collect();
    let is_reply = !mail.in_reply_to.is_empty() || !mail.references.is_empty();
    let mut parts = vec![Part::Subject {
        text: subject,
        is_reply,
    }];
    if !text.trim().is_empty() {
        parts.push(Part::Text { text });
    }
    parts.extend(files);
    Some(Inbound {
        workspace: workspace.clone(),
        inbox: inbox.clone(),
        provider_id: mail.message_id.clone(),
        at: written_at(mail, at),
        what: InboundKind::Message {
            sender,
            parts,
            revision: Revision::default(),
            needs_person,
        },
    })
}

/// When a mail was written: what it says, unless that is more than a day from when the server received it.
fn written_at(mail: &Mail, received: Timestamp) -> Timestamp {
    let near = |at: &Timestamp| received.duration_since(*at).abs() <= MAX_UNDER_WAY;
    mail.date.filter(near).unwrap_or(received)
}

/// The messages that a report says were not delivered.
pub fn failed_messages(email: &EmailSettings, mail: &Mail) -> Vec<MessageId> {
    let Some(report) = mail.report.as_ref().filter(|report| report.has_failed()) else {
        return Vec::new();
    };
    let domain = email.address.rsplit_once('@');
    let domain = domain.map_or(email.address.as_str(), |(_, domain)| domain);
    let ids = report.message_ids.iter();
    ids.filter_map(|id| sent_id(id, domain)).collect()
}

/// What it means to the desk that a message was not delivered.
pub fn failure(
    (workspace, inbox): (&WorkspaceId, &std::sync::Arc<Inbox>),
    mail: &Mail,
    message_id: MessageId,
    at: Timestamp,
) -> Inbound {
    Inbound {
        workspace: workspace.clone(),
        inbox: inbox.clone(),
        provider_id: format!("{}/{message_id}", mail.message_id),
        at,
        what: InboundKind::Delivery {
            message_id,
            state: DeliveryState::Failed,
        },
    }
}

/// Sends a message as a mail, in the thread of the customer's last one.
pub(crate) async fn send(
    (store, vault, workspace): (&Store, &Vault, &WorkspaceId),
    (inbox, sealed): (&Inbox, &SealedSecrets),
    conversation: &Conversation,
    user_id: &str,
    (delivery, text): (&Delivery, &str),
) -> Result<(), Failure> {
    let Some(email) = &inbox.settings.email else {
        return Err(Failure::Final("no_mail_server".to_owned()));
    };
    let sealed_by_another = |_: SecretError| Failure::retry("sealed_by_another_key");
    let server = smtp_server(vault, email, sealed).map_err(sealed_by_another)?;
    let key = vault.open(sealed, REPLY_KEY).map_err(sealed_by_another)?;
    let unavailable = |_: StoreError| Failure::retry("store_unavailable");
    let recent = store.newest_messages(workspace, &conversation.id, i64::MAX, RECENT);
    let recent = recent.await.map_err(unavailable)?;
    let by_bot = delivery.message.author.kind != AuthorKind::Agent;
    let sent: Vec<Timestamp> = recent
        .iter()
        .filter(|one| was_sent(one))
        .map(|one| one.at)
        .collect();
    if by_bot && !limits::may_send(&sent, store.now()) {
        return Err(Failure::Final(TOO_MANY_MAILS.to_owned()));
    }
    let asked = recent.iter().rev().find_map(|message| {
        let is_in = message.direction == Direction::In && message.erased_at.is_none();
        let id = message.provider_message_id.as_deref().filter(|_| is_in)?;
        Some((id, subject_of(&message.parts).unwrap_or_default()))
    });
    let (in_reply_to, subject) = match asked {
        Some((id, subject)) => (Some(id), subject),
        None => (None, inbox.name.as_str()),
    };
    let reply_to = key.filter(|_| email.signed_replies).and_then(|key| {
        ken_mail::thread::reply_address(&email.address, &conversation.id, key.as_bytes())
    });
    let from = Mailbox {
        address: email.address.clone(),
        name: inbox.name.clone(),
    };
    let to = Mailbox {
        address: address_of(user_id).to_owned(),
        name: String::new(),
    };
    let mail = compose(&Reply {
        message_id: delivery.message.id.as_str(),
        from: &from,
        to: &to,
        reply_to: reply_to.as_deref(),
        subject,
        in_reply_to,
        references: &[],
        text,
        by_bot,
        at: SystemTime::now(),
    });
    let mail = mail.map_err(|_| Failure::Final("wrong_address".to_owned()))?;
    match smtp::send(&server, &mail).await {
        Outcome::Accepted => Ok(()),
        Outcome::Retry(code) => Err(Failure::retry(&code)),
        Outcome::GiveUp(code) => Err(Failure::Final(code)),
        Outcome::Reconnect(code) => Err(Failure::Reconnect(code)),
    }
}

/// Whether the bot or the service sent a message as a mail.
fn was_sent(message: &Message) -> bool {
    let is_sent = matches!(
        message.delivery,
        Some(DeliveryState::Accepted | DeliveryState::Delivered | DeliveryState::Read)
    );
    is_sent && message.direction == Direction::Out && message.author.kind != AuthorKind::Agent
}

/// The subject of a mail.
fn subject_of(parts: &[Part]) -> Option<&str> {
    parts.iter().find_map(|part| match part {
        Part::Subject { text, .. } => Some(text.as_str()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ken_base::desk::{ChannelKind, InboxId, InboxSettings, text_of};

    fn inbox() -> std::sync::Arc<Inbox> {
        std::sync::Arc::new(Inbox {
            id: InboxId::parse("mail").unwrap(),
            channel: ChannelKind::Email,
            name: "客服".into(),
            settings: InboxSettings::default(),
            secrets: Vec::new(),
            created_at: Timestamp::UNIX_EPOCH,
        })
    }

    fn read(raw: &str, author: Author) -> (Sender, Vec<Part>) {
        let mail = ken_mail::message::parse(raw.replace('\n', "\r\n").as_bytes()).unwrap();
        let workspace = WorkspaceId::parse("default").unwrap();
        let of = (&workspace, &inbox());
        let received = Received {
            mail: &mail,
            author,
            files: Vec::new(),
            at: Timestamp::UNIX_EPOCH,
            needs_person: false,
        };
        let found = inbound(of, received).unwrap();
        assert_eq!(
            found.at,
            Timestamp::UNIX_EPOCH,
            "a date of years later is not believed"
        );
        match found.what {
            InboundKind::Message { sender, parts, .. } => (sender, parts),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn sender_for_whom_nobody_vouches_is_another_customer() {
        let raw = "From: Mei <Mei@Example.com>\nTo: help@shop.example\nMessage-ID: <1@example.com>\nDate: Mon, 30 Nov 2026 08:00:00 +0800\nSubject: =?utf-8?B?6YCA6LKo?=\n\n七天內可以退嗎？\n";
        let (verified, parts) = read(raw, Author::Verified);
        assert_eq!(verified.key.value, "mei@example.com");
        assert_eq!(verified.proofs.len(), 1);
        // The subject of a first mail is a part of the question; that of a reply is not.
        assert_eq!(text_of(&parts), "退貨\n七天內可以退嗎？");
        let (claimed, _) = read(raw, Author::Claimed);
        assert_eq!(claimed.key.value, "unverified:mei@example.com");
        assert_eq!((claimed.verified_by, claimed.proofs.len()), (None, 0));
        assert_eq!(address_of(&claimed.key.value), "mei@example.com");
        let (linked, _) = read(raw, Author::Linked);
        assert_eq!(linked.key.value, "mei@example.com");
        assert_eq!((linked.verified_by, linked.proofs.len()), (None, 0));
        let reply = raw.replace("Subject", "In-Reply-To: <msg_1@shop.example>\nSubject");
        assert_eq!(
            text_of(&read(&reply, Author::Verified).1),
            "七天內可以退嗎？"
        );
    }
}
