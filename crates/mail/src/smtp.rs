//! Sending a mail by SMTP.

use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters,
};
use lettre::transport::smtp::extension::ClientId;

use crate::compose::Composed;
use crate::server::{CONNECT, Security, Server, ServerError};

/// How long sending may take in all. RFC 5321 section 4.5.3.2 allows the server ten minutes after the data; a delivery that is
/// tried again later must not occupy its place so long.
const TIMEOUT: Duration = Duration::from_secs(80);
/// Codes by which servers refuse a sender that has not logged in as they ask (RFC 4954, section 6; 538 of RFC 2554).
const REFUSED: [u16; 4] = [530, 534, 535, 538];

/// The result of sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server took the mail: that is not yet delivered.
    Accepted,
    /// Try again later: `smtp_4…`, `name`, `connection`, `protection`, `timeout`. After a lost connection the server may have
    /// taken the mail; the next attempt has the same identifier, by which many servers drop the second one.
    Retry(String),
    /// The server never takes it: `smtp_5…`, `unsupported`.
    GiveUp(String),
    /// An operator has to change the settings: `smtp_535` and other refusals of the account, `no_login` and `no_starttls` for
    /// what the server does not offer, `unprotected`, `forbidden`, `authority`.
    Reconnect(String),
}

/// Sends a mail.
pub async fn send(server: &Server, mail: &Composed) -> Outcome {
    let domain = mail.envelope.from().map(|from| from.domain());
    within(deliver(server, domain.unwrap_or("localhost"), Some(mail))).await
}

/// Connects and logs in, and sends nothing.
pub async fn check(server: &Server) -> Outcome {
    within(deliver(server, "localhost", None)).await
}

async fn within(work: impl Future<Output = Result<(), Outcome>>) -> Outcome {
    match tokio::time::timeout(TIMEOUT, work).await {
        Ok(Ok(())) => Outcome::Accepted,
        Ok(Err(outcome)) => outcome,
        Err(_) => Outcome::Retry("timeout".to_owned()),
    }
}

async fn deliver(server: &Server, name: &str, mail: Option<&Composed>) -> Result<(), Outcome> {
    let addresses = server
        .addresses()
        .await
        .map_err(|error| of_server(&error))?;
    let name = ClientId::Domain(name.to_owned());
    let tls = match server.security {
        Security::None => None,
        Security::Starttls | Security::Tls => Some(protection(server).await?),
    };
    let (first, later) = match server.security {
        Security::Starttls => (None, tls),
        _ => (tls, None),
    };
    let connected = AsyncSmtpConnection::connect_tokio1(
        addresses.as_slice(),
        Some(CONNECT),
        &name,
        first,
        None,
    );
    let mut connection = connected
        .await
        .map_err(|error| of_error(&error, "connection"))?;
    if let Some(tls) = later {
        let upgraded = connection.starttls(tls, &name).await;
        upgraded.map_err(|error| match error.is_client() {
            true => Outcome::Reconnect("no_starttls".to_owned()),
            false => of_error(&error, "protection"),
        })?;
    }
    if !server.user.is_empty() {
        log_in(server, &mut connection).await?;
    }
    let result = match mail {
        Some(mail) => write(&mut connection, &mail.envelope, &mail.raw).await,
        None => Ok(()),
    };
    // The mail is taken or refused already; how the connection ends changes nothing.
    let _ = connection.quit().await;
    result
}

async fn protection(server: &Server) -> Result<TlsParameters, Outcome> {
    let broken = |_| Outcome::Reconnect("authority".to_owned());
    let mut builder =
        TlsParameters::builder(server.host.clone()).certificate_store(CertificateStore::None);
    for authority in server
        .authorities()
        .await
        .map_err(|error| of_server(&error))?
    {
        // The system's store may hold certificates that rustls does not accept.
        let is_read = rustls::RootCertStore::empty()
            .add(authority.clone())
            .is_ok();
        if is_read {
            builder = builder
                .add_root_certificate(Certificate::from_der(authority.to_vec()).map_err(broken)?);
        }
    }
    builder.build_rustls().map_err(broken)
}

async fn log_in(server: &Server, connection: &mut AsyncSmtpConnection) -> Result<(), Outcome> {
    let credentials = Credentials::new(server.user.clone(), server.password.expose().to_owned());
    let logged_in = connection.auth(DEFAULT_MECHANISMS, &credentials).await;
    logged_in.map(drop).map_err(|error| match error.status() {
        // At this point every permanent refusal is one of the account.
        Some(code) if error.is_permanent() => Outcome::Reconnect(format!("smtp_{code}")),
        None if error.is_client() => Outcome::Reconnect("no_login".to_owned()),
        _ => of_error(&error, "connection"),
    })
}

async fn write(
    connection: &mut AsyncSmtpConnection,
    envelope: &Envelope,
    raw: &[u8],
) -> Result<(), Outcome> {
    let sent = connection.send(envelope, raw).await;
    sent.map(drop)
        .map_err(|error| of_error(&error, "connection"))
}

fn of_server(error: &ServerError) -> Outcome {
    let code = |code: &str| code.to_owned();
    match error {
        ServerError::Name(..) => Outcome::Retry(code("name")),
        ServerError::Connect(..) => Outcome::Retry(code("connection")),
        ServerError::Protection(..) => Outcome::Retry(code("protection")),
        ServerError::Forbidden(_) => Outcome::Reconnect(code("forbidden")),
        ServerError::Unprotected(_) => Outcome::Reconnect(code("unprotected")),
        ServerError::Authority(_) => Outcome::Reconnect(code("authority")),
    }
}

/// What an error means; `otherwise` names it if it has no code.
fn of_error(error: &Error, otherwise: &str) -> Outcome {
    match error.status() {
        Some(code) => {
            let number = code.to_string().parse().unwrap_or_default();
            let name = format!("smtp_{code}");
            match error.is_permanent() {
                _ if REFUSED.contains(&number) => Outcome::Reconnect(name),
                true => Outcome::GiveUp(name),
                false => Outcome::Retry(name),
            }
        }
        // The mail needs an extension that the server lacks, such as for an address outside ASCII.
        None if error.is_client() => Outcome::GiveUp("unsupported".to_owned()),
        None => Outcome::Retry(otherwise.to_owned()),
    }
}

#[cfg(test)]
mod tests;
