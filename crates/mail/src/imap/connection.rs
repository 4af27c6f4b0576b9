//! Connections to a mail server, and what its errors mean.

use std::time::Duration;

use async_imap::Session;
use async_imap::error::Error;
use async_imap::extensions::idle::{Handle, IdleResponse};
use async_imap::imap_proto::{Response, Status};
use async_imap::types::UnsolicitedResponse;

use super::{ImapError, MAX_WAIT};
use crate::server::{Security, Server, ServerError, Stream};

/// How long a command may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Whether a refusal is of a state that passes (RFC 5530; the last two are Microsoft's and Google's words).
pub(super) fn is_passing(text: &str) -> bool {
    let text = text.to_lowercase();
    [
        "unavailable",
        "inuse",
        "serverbug",
        "limit",
        "throttl",
        "overquota",
    ]
    .iter()
    .any(|word| text.contains(word))
}

/// Whether the server announced a change with its answers to other commands. It does not repeat that for `IDLE`.
pub(super) fn drained(session: &Session<Box<dyn Stream>>) -> bool {
    let mut has_changed = false;
    while let Ok(one) = session.unsolicited_responses.try_recv() {
        has_changed |= matches!(one, UnsolicitedResponse::Exists(_));
    }
    has_changed
}

pub(super) async fn idle_for(
    idle: &mut Handle<Box<dyn Stream>>,
    timeout: Duration,
) -> Result<bool, ImapError> {
    // The limit inside begins again with each sign of life of the server; the one outside does not.
    let (answer, _interrupt) = idle.wait_with_timeout(MAX_WAIT);
    match tokio::time::timeout(timeout, answer).await {
        Err(_) => Ok(false),
        Ok(answer) => Ok(matches!(
            answer.map_err(of_error)?,
            IdleResponse::NewData(_)
        )),
    }
}

pub(super) type Client = async_imap::Client<Box<dyn Stream>>;

pub(super) async fn connect(server: &Server) -> Result<Client, ImapError> {
    let stream = server.connect().await.map_err(of_server)?;
    let stream: Box<dyn Stream> = match server.security {
        Security::Tls => server.protect(stream).await.map_err(of_server)?,
        Security::None => Box::new(stream),
        Security::Starttls => {
            let mut client = async_imap::Client::new(stream);
            greeted(&mut client).await?;
            within(client.run_command_and_check_ok("STARTTLS", None)).await?;
            // Anything that was received before the protection is dropped with the client.
            let stream = server
                .protect(client.into_inner())
                .await
                .map_err(of_server)?;
            return Ok(async_imap::Client::new(stream));
        }
    };
    let mut client = async_imap::Client::new(stream);
    greeted(&mut client).await?;
    Ok(client)
}

pub(super) async fn greeted<T: Stream>(
    client: &mut async_imap::Client<T>,
) -> Result<(), ImapError> {
    let greeting = within(async { Ok(client.read_response().await?) }).await?;
    let greeting = greeting.ok_or_else(|| ImapError::Unreachable("no greeting".to_owned()))?;
    match greeting.parsed() {
        Response::Data {
            status: Status::Ok, ..
        } => Ok(()),
        // Such as BYE of a server with too many connections.
        other => Err(ImapError::Unreachable(format!(
            "the server greets with {other:?}"
        ))),
    }
}

/// Opens a mailbox for reading; returns the number of its numbering and the next mail's number.
pub(super) async fn examine(
    session: &mut Session<Box<dyn Stream>>,
    mailbox: &str,
) -> Result<(u32, u32), ImapError> {
    let opened = within(async { Ok(session.examine(mailbox).await) }).await?;
    let opened = opened.map_err(refused)?;
    let missing = |what: &str| ImapError::Protocol(format!("the mailbox has no {what}"));
    let uid_validity = opened.uid_validity.ok_or_else(|| missing("UIDVALIDITY"))?;
    let uid_next = match opened.uid_next {
        Some(next) => next,
        // Old servers leave it out (RFC 3501, section 6.3.1): the last mail's number shows it.
        None => {
            let all = within(session.uid_search("ALL")).await?;
            all.into_iter().max().unwrap_or(0).saturating_add(1)
        }
    };
    Ok((uid_validity, uid_next))
}

pub(super) async fn within<T>(
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, ImapError> {
    match tokio::time::timeout(TIMEOUT, work).await {
        Ok(done) => done.map_err(of_error),
        Err(_) => Err(ImapError::Unreachable(format!(
            "no answer within {} s",
            TIMEOUT.as_secs()
        ))),
    }
}

pub(super) fn of_server(error: ServerError) -> ImapError {
    let text = error.to_string();
    match error {
        ServerError::Name(..) | ServerError::Connect(..) | ServerError::Protection(..) => {
            ImapError::Unreachable(text)
        }
        ServerError::Forbidden(_) | ServerError::Unprotected(_) | ServerError::Authority(_) => {
            ImapError::Refused(text)
        }
    }
}

pub(super) fn of_error(error: Error) -> ImapError {
    match error {
        Error::Io(error) => ImapError::Unreachable(error.to_string()),
        Error::ConnectionLost => ImapError::Unreachable("the connection ended".to_owned()),
        other => ImapError::Protocol(other.to_string()),
    }
}

/// A `NO` to a login or an opening is a refusal, unless the server says that it is unavailable now (RFC 5530).
pub(super) fn refused(error: Error) -> ImapError {
    match error {
        Error::No(text) if is_passing(&text) => ImapError::Unreachable(text),
        Error::No(text) | Error::Bad(text) => ImapError::Refused(text),
        Error::Validate(error) => ImapError::Refused(error.to_string()),
        other => of_error(other),
    }
}
