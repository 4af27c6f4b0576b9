//! [`Server`]: the settings of a mail server, and connections to it.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ken_base::config::Secret;
use ken_base::outbound::is_forbidden;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// How long connecting to one address may take.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Not at all: only to this machine itself.
    None,
    /// By TLS after a command (ports 587 and 143). A server that does not offer it is an error.
    Starttls,
    /// By TLS from the first byte (ports 465 and 993).
    Tls,
}

impl Security {
    /// Parses `none`, `starttls` or `tls`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "none" => Some(Security::None),
            "starttls" => Some(Security::Starttls),
            "tls" => Some(Security::Tls),
            _ => None,
        }
    }
}

/// A mail server and an account on it.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its name, or its address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How connections to it are protected.
    pub security: Security,
    /// The account; empty if the server asks for none (SMTP relays of one's own network).
    pub user: String,
    /// The account's password, or a password for programs.
    pub password: Secret,
    /// Certificates of authorities in PEM that are trusted besides the system's, as of a company's own.
    pub authority: Option<String>,
}

/// Why a server cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// Its name cannot be resolved.
    #[error("cannot resolve {0}: {1}")]
    Name(String, String),
    /// All its addresses are forbidden ([`is_forbidden`]).
    #[error("{0} has no permitted address")]
    Forbidden(String),
    /// A password would cross a network unprotected.
    #[error(
        "security `none` is allowed on this machine only, and {0} is another; set `starttls` or `tls`"
    )]
    Unprotected(String),
    /// A certificate of an authority cannot be read.
    #[error("the authority's certificate cannot be read: {0}")]
    Authority(String),
    /// No connection is made.
    #[error("cannot connect to {0}: {1}")]
    Connect(String, String),
    /// No protected connection is made: an unknown certificate, another name, or no TLS.
    #[error("no protected connection to {0}: {1}")]
    Protection(String, String),
}

/// A connection, protected or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug> Stream for T {}

impl Server {
    /// Its permitted addresses.
    pub(crate) async fn addresses(&self) -> Result<Vec<SocketAddr>, ServerError> {
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let found =
            found.map_err(|error| ServerError::Name(self.host.clone(), error.to_string()))?;
        let found: Vec<SocketAddr> = found.filter(|at| !is_forbidden(at.ip())).collect();
        if found.is_empty() {
            return Err(ServerError::Forbidden(self.host.clone()));
        }
        let is_here = found.iter().all(|at| at.ip().to_canonical().is_loopback());
        match self.security == Security::None && !is_here {
            true => Err(ServerError::Unprotected(self.host.clone())),
            false => Ok(found),
        }
    }

    /// A connection to the first address that takes one.
    pub(crate) async fn connect(&self) -> Result<TcpStream, ServerError> {
        let mut why = String::new();
        for address in self.addresses().await? {
            match tokio::time::timeout(CONNECT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => why = error.to_string(),
                Err(_) => why = format!("no answer within {} s", CONNECT.as_secs()),
            }
        }
        Err(ServerError::Connect(self.host.clone(), why))
    }

    /// The same connection, protected.
    pub(crate) async fn protect(&self, stream: TcpStream) -> Result<Box<dyn Stream>, ServerError> {
        let broken = |why: String| ServerError::Protection(self.host.clone(), why);
        let mut roots = RootCertStore::empty();
        for certificate in self.authorities().await? {
            // The system's store may hold certificates that rustls does not accept.
            let _ = roots.add(certificate);
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| broken(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name =
            ServerName::try_from(self.host.clone()).map_err(|error| broken(error.to_string()))?;
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let secured = tokio::time::timeout(CONNECT, connector.connect(name, stream)).await;
        let secured = secured.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        match secured {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(broken(error.to_string())),
        }
    }

    /// The certificates of all trusted authorities. The system's are read once.
    pub(crate) async fn authorities(&self) -> Result<Vec<CertificateDer<'static>>, ServerError> {
        static SYSTEM: OnceLock<Vec<CertificateDer<'static>>> = OnceLock::new();
        let mut all = match SYSTEM.get() {
            Some(all) => all.clone(),
            None => {
                let read =
                    tokio::task::spawn_blocking(|| rustls_native_certs::load_native_certs().certs);
                let read = read
                    .await
                    .map_err(|error| ServerError::Authority(error.to_string()))?;
                SYSTEM.get_or_init(|| read).clone()
            }
        };
        for own in
            CertificateDer::pem_slice_iter(self.authority.as_deref().unwrap_or_default().as_bytes())
        {
            all.push(own.map_err(|error| ServerError::Authority(error.to_string()))?);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(host: &str, security: Security) -> Server {
        Server {
            host: host.to_owned(),
            port: 1,
            security,
            user: String::new(),
            password: Secret::new(""),
            authority: None,
        }
    }

    #[tokio::test]
    async fn unprotected_connection_is_only_to_this_machine() {
        for host in ["127.0.0.1", "::1", "127.1.2.3"] {
            assert!(
                server(host, Security::None).addresses().await.is_ok(),
                "{host}"
            );
        }
        let found = server("192.0.2.1", Security::None).addresses().await;
        assert_eq!(found, Err(ServerError::Unprotected("192.0.2.1".to_owned())));
        assert!(
            server("192.0.2.1", Security::Starttls)
                .addresses()
                .await
                .is_ok()
        );
    }

    #[tokio::test]
    async fn metadata_address_is_forbidden() {
        let found = server("169.254.169.254", Security::Tls).addresses().await;
        assert_eq!(
            found,
            Err(ServerError::Forbidden("169.254.169.254".to_owned()))
        );
    }

    #[tokio::test]
    async fn unreadable_authority_is_an_error() {
        let mut server = server("127.0.0.1", Security::Tls);
        server.authority =
            Some("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----".to_owned());
        assert!(matches!(
            server.authorities().await,
            Err(ServerError::Authority(_))
        ));
    }
}
