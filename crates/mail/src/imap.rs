//! Fetching mails by IMAP and waiting for new ones.
//!
//! The mailbox is opened for reading only (`EXAMINE`), and mails are read without a mark (`BODY.PEEK`): nothing is marked,
//! moved or deleted.

use std::collections::BTreeMap;
use std::time::Duration;

use async_imap::Session;
use async_imap::imap_proto::{AttributeValue, MailboxDatum, Response, Status};
use jiff::Timestamp;

use crate::server::{Server, Stream};
use connection::{connect, drained, examine, idle_for, is_passing, refused, within};

mod connection;

/// The most mails of a batch.
pub const MAX_MAILS: usize = 50;
/// The most bytes of a batch, but for its first mail.
pub const MAX_BATCH: usize = 32 << 20;
/// The longest wait. Servers end a connection that is silent for 30 minutes (RFC 2177 asks for a sign every 29).
pub const MAX_WAIT: Duration = Duration::from_secs(25 * 60);

/// Up to where a mailbox has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The server's number of the mailbox's numbering. If it changes, all mails have new numbers.
    pub uid_validity: u32,
    /// The number of the last mail that was read.
    pub uid: u32,
    /// Mails that the server received before this time are never fetched, so that a new numbering does not bring back years
    /// of mails. Whole seconds.
    pub since: Timestamp,
}

/// A mail on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Its number.
    pub uid: u32,
    /// When the server received it.
    pub received: Option<Timestamp>,
    /// Its bytes.
    pub raw: Vec<u8>,
}

/// A mail that was not loaded, because it is too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oversize {
    /// Its number.
    pub uid: u32,
    /// Its size in bytes.
    pub bytes: u32,
}

/// Mails after a cursor, in the order of the mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The mails. After a change of the numbering, some may have been fetched before: their `Message-ID` shows it.
    pub mails: Vec<Fetched>,
    /// Mails that are larger than allowed.
    pub oversize: Vec<Oversize>,
    /// Numbers of mails that the server lists and refuses to give, with its reasons.
    pub unreadable: Vec<(u32, String)>,
    /// The cursor after them. Keep it when the mails are stored.
    pub cursor: Cursor,
    /// Whether there are more.
    pub has_more: bool,
}

/// Why a mailbox cannot be read. Connect again afterwards.
#[derive(Debug, thiserror::Error)]
pub enum ImapError {
    /// The server cannot be reached, or the connection ended.
    #[error("the mail server cannot be reached: {0}")]
    Unreachable(String),
    /// The server refuses the account, its password or the mailbox; an operator has to change the settings.
    #[error("the mail server refuses: {0}")]
    Refused(String),
    /// The server does not answer as the protocol says.
    #[error("the mail server does not answer as expected: {0}")]
    Protocol(String),
}

/// An opened mailbox.
#[derive(Debug)]
pub struct Mailbox {
    session: Session<Box<dyn Stream>>,
    uid_validity: u32,
    uid_next: u32,
    can_idle: bool,
    /// Whether a mail was announced with the answer to another command.
    has_news: bool,
}

/// Mails by number: size in bytes, time of arrival.
type Listed = BTreeMap<u32, (u32, Option<Timestamp>)>;

enum Loaded {
    Mail(Vec<u8>),
    Deleted,
    Refused(String),
}

enum Answer {
    Done,
    No(String),
}

impl Mailbox {
    /// Connects, logs in and opens a mailbox, usually `INBOX`.
    ///
    /// # Errors
    /// [`ImapError`].
    pub async fn open(server: &Server, mailbox: &str) -> Result<Self, ImapError> {
        let client = connect(server).await?;
        let logged_in = within(async {
            let logged_in = client.login(&server.user, server.password.expose()).await;
            Ok(logged_in.map_err(|(error, _)| error))
        });
        let mut session = logged_in.await?.map_err(refused)?;
        let can_idle = within(session.capabilities()).await?.has_str("IDLE");
        let (uid_validity, uid_next) = examine(&mut session, mailbox).await?;
        Ok(Self {
            session,
            uid_validity,
            uid_next,
            can_idle,
            has_news: false,
        })
    }

    /// The cursor behind all mails that are in the mailbox now: for an inbox that begins to be read.
    pub fn end(&self, now: Timestamp) -> Cursor {
        Cursor {
            uid_validity: self.uid_validity,
            uid: self.uid_next.saturating_sub(1),
            since: Timestamp::from_second(now.as_second()).unwrap_or(now),
        }
    }

    /// Whether the server announces new mails.
    pub fn can_idle(&self) -> bool {
        self.can_idle
    }

    /// The mails after a cursor, at most 50 of 32 MiB together. Those larger than `max_bytes` are reported and not loaded.
    ///
    /// # Errors
    /// [`ImapError`].
    pub async fn fetch_after(
        &mut self,
        cursor: Cursor,
        max_bytes: u32,
    ) -> Result<Batch, ImapError> {
        let mut cursor = cursor;
        if cursor.uid_validity != self.uid_validity {
            cursor = Cursor {
                uid_validity: self.uid_validity,
                uid: 0,
                since: cursor.since,
            };
        }
        let (listed, has_more) = self.list(cursor).await?;
        let mut batch = Batch {
            mails: Vec::new(),
            oversize: Vec::new(),
            unreadable: Vec::new(),
            cursor,
            has_more,
        };
        let mut loaded = 0;
        for (uid, (bytes, received)) in listed {
            let is_old = received.is_some_and(|at| at < cursor.since);
            if is_old {
                // Only a new numbering lists it.
            } else if bytes > max_bytes {
                batch.oversize.push(Oversize { uid, bytes });
            } else if !batch.mails.is_empty() && loaded + bytes as usize > MAX_BATCH {
                batch.has_more = true;
                break;
            } else {
                match self.load(uid).await? {
                    Loaded::Mail(raw) => {
                        loaded += raw.len();
                        batch.mails.push(Fetched { uid, received, raw });
                    }
                    Loaded::Deleted => (),
                    Loaded::Refused(why) => batch.unreadable.push((uid, why)),
                }
            }
            batch.cursor.uid = uid;
        }
        Ok(batch)
    }

    /// The first mails after a cursor by number: size and time of arrival. And whether there are more.
    async fn list(&mut self, cursor: Cursor) -> Result<(Listed, bool), ImapError> {
        let (mut listed, mut has_more) = (Listed::new(), false);
        let Some(first) = cursor.uid.checked_add(1) else {
            return Ok((listed, false));
        };
        // A server lists the mails that it has announced; this has it announce them. The list will contain them.
        within(self.session.noop()).await?;
        drained(&self.session);
        self.has_news = false;
        let command = format!("UID FETCH {first}:* (UID RFC822.SIZE INTERNALDATE)");
        let answer = self.fetch(&command, |attributes| {
            let (mut uid, mut bytes, mut received) = (None, None, None);
            for one in attributes {
                match one {
                    AttributeValue::Uid(found) => uid = Some(*found),
                    AttributeValue::Rfc822Size(found) => bytes = Some(*found),
                    AttributeValue::InternalDate(found) => received = time(found),
                    _ => (),
                }
            }
            // `N:*` always names the last mail, also if its number is below N.
            if let (Some(uid), Some(bytes)) = (uid.filter(|uid| *uid >= first), bytes) {
                listed.insert(uid, (bytes, received));
            }
            if listed.len() > MAX_MAILS {
                listed.pop_last();
                has_more = true;
            }
        });
        match answer.await? {
            Answer::Done => Ok((listed, has_more)),
            Answer::No(why) => Err(ImapError::Unreachable(why)),
        }
    }

    async fn load(&mut self, uid: u32) -> Result<Loaded, ImapError> {
        let mut raw = None;
        let command = format!("UID FETCH {uid} (UID BODY.PEEK[])");
        let answer = self.fetch(&command, |attributes| {
            let is_it = attributes
                .iter()
                .any(|one| matches!(one, AttributeValue::Uid(of) if *of == uid));
            for one in attributes {
                if let AttributeValue::BodySection {
                    section: None,
                    data: Some(data),
                    ..
                } = one
                    && is_it
                {
                    raw = Some(data.to_vec());
                }
            }
        });
        let answer = answer.await?;
        Ok(match (answer, raw) {
            (Answer::Done, Some(raw)) => Loaded::Mail(raw),
            (Answer::Done, None) => Loaded::Deleted,
            (Answer::No(why), _) => Loaded::Refused(why),
        })
    }

    /// Sends a command and gives the attributes of each mail to `each`. The library's own reading of mails ends alike after
    /// the last mail, a refusal and a lost connection; here they differ, so that no mail is lost.
    async fn fetch(
        &mut self,
        command: &str,
        mut each: impl FnMut(&[AttributeValue<'_>]),
    ) -> Result<Answer, ImapError> {
        let id = within(self.session.run_command(command)).await?;
        loop {
            let response = within(async { Ok(self.session.read_response().await?) }).await?;
            let response = response
                .ok_or_else(|| ImapError::Unreachable("the connection ended".to_owned()))?;
            match response.parsed() {
                Response::Fetch(_, attributes) => each(attributes),
                Response::MailboxData(MailboxDatum::Exists(_)) => self.has_news = true,
                Response::Done {
                    tag,
                    status,
                    outcome,
                } if *tag == id => {
                    let text = format!(
                        "{:?} {}",
                        outcome.code,
                        outcome.information.as_deref().unwrap_or_default()
                    );
                    return match status {
                        Status::Ok => Ok(Answer::Done),
                        // Limits of large providers, and other states that pass.
                        Status::No if is_passing(&text) => Err(ImapError::Unreachable(text)),
                        Status::No => Ok(Answer::No(text)),
                        _ => Err(ImapError::Protocol(text)),
                    };
                }
                Response::Data {
                    status: Status::Bye,
                    ..
                } => {
                    return Err(ImapError::Unreachable(format!(
                        "the server says {:?}",
                        response.parsed()
                    )));
                }
                _ => (),
            }
        }
    }

    /// Waits until something changes in the mailbox, at most `timeout` and at most 25 minutes. Returns the mailbox, and
    /// whether something changed. A server without `IDLE` announces nothing: then the time passes, and `true` is returned,
    /// because there may be new mails.
    ///
    /// # Errors
    /// [`ImapError`].
    pub async fn wait(self, timeout: Duration) -> Result<(Self, bool), ImapError> {
        let Self {
            mut session,
            uid_validity,
            uid_next,
            can_idle,
            has_news,
        } = self;
        let timeout = timeout.min(MAX_WAIT);
        let has_changed = if drained(&session) || has_news {
            true
        } else if can_idle {
            let announced = session.unsolicited_responses.clone();
            let mut idle = session.idle();
            within(idle.init()).await?;
            let has_changed = match announced.is_empty() {
                false => true,
                true => idle_for(&mut idle, timeout).await?,
            };
            session = within(idle.done()).await?;
            has_changed
        } else {
            tokio::time::sleep(timeout).await;
            within(session.noop()).await?;
            true
        };
        let mailbox = Self {
            session,
            uid_validity,
            uid_next,
            can_idle,
            has_news: false,
        };
        Ok((mailbox, has_changed))
    }

    /// Logs out. The connection may also simply be dropped.
    pub async fn close(mut self) {
        let _ = within(self.session.logout()).await;
    }
}

/// `30-Nov-2026 08:00:00 +0800`.
fn time(internal: &str) -> Option<Timestamp> {
    Timestamp::strptime("%d-%b-%Y %H:%M:%S %z", internal.trim()).ok()
}

#[cfg(test)]
mod tests;
