//! Whether the sender's domain vouches for a mail: by a DKIM signature (RFC 6376) whose domain is the sender's or belongs to
//! it (DMARC, RFC 9989), or by the checks of a trusted receiving server ([`crate::results`]).
//!
//! A verified mail was signed by its sender's domain. That the person is the owner of the address is then the domain's word.

use std::net::SocketAddr;
use std::time::Duration;

use mail_auth::common::crypto::Algorithm;
use mail_auth::dmarc::verify::DmarcParameters;
use mail_auth::hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts,
};
use mail_auth::{
    AuthenticatedMessage, DkimOutput, DkimResult, DmarcResult, MessageAuthenticator, SpfOutput,
};
use mail_parser::MessageParser;

use crate::message::Mail;
use crate::results::{trusted, vouches};

/// How long all questions to the domain name system may take for a mail.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The most signatures of a mail that are looked at; each costs a question and a computation.
const MAX_SIGNATURES: usize = 5;
/// Fields that a mail has at most once (RFC 5322, section 3.6, and RFC 2045). If one is repeated, programs do not agree which
/// one counts, and a signature covers only one of them.
const ONCE: [&str; 12] = [
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "content-type",
    "content-transfer-encoding",
];
/// Fields that a signature must cover, if the mail has them. RFC 6376 section 5.4 recommends more; large providers leave
/// some of those out (Microsoft 365 `To`, Gmail `Content-Type`).
const COVERED: [&str; 3] = ["from", "subject", "reply-to"];

/// Whether the sender's domain vouches for a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verification {
    /// It does.
    Verified {
        /// The domain of the address in `From`.
        domain: String,
    },
    /// It does not, or that cannot be found out. The sender is only claimed.
    Unverified(Doubt),
}

/// Why a mail is not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// `From` has several addresses, or programs read it differently.
    SeveralSenders,
    /// A field that a mail has once is there twice.
    Repeated(String),
    /// It has a carriage return or a line feed alone, or its header has lines that are no fields: programs read them
    /// differently, and a signature may not notice them.
    Malformed,
    /// There is no signature.
    Unsigned,
    /// No signature is valid: why the first one is not. Among them are signatures of a part of the text (`l=`).
    Invalid(String),
    /// The signature is valid and leaves out a field.
    PartlySigned(String),
    /// The signature is valid and of another domain.
    OtherDomain(String),
    /// The domain name system did not answer within 3 seconds.
    NoAnswer,
}

impl Doubt {
    /// A word for logs and events.
    pub fn code(&self) -> &'static str {
        match self {
            Doubt::SeveralSenders => "several_senders",
            Doubt::Repeated(_) => "repeated_field",
            Doubt::Malformed => "malformed",
            Doubt::Unsigned => "unsigned",
            Doubt::Invalid(_) => "invalid_signature",
            Doubt::PartlySigned(_) => "partly_signed",
            Doubt::OtherDomain(_) => "other_domain",
            Doubt::NoAnswer => "no_answer",
        }
    }
}

/// The domain name system cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the domain name system: {0}")]
pub struct DnsError(String);

/// Verifies mails. Answers of the domain name system are cached for as long as they say.
pub struct Verifier {
    dns: MessageAuthenticator,
}

impl Verifier {
    /// One that asks the servers that the system is configured with.
    ///
    /// # Errors
    /// [`DnsError`] if the system's configuration cannot be read.
    pub fn system() -> Result<Self, DnsError> {
        let read = mail_auth::hickory_resolver::system_conf::read_system_conf();
        let (config, options) = read.map_err(|error| DnsError(error.to_string()))?;
        Self::with(config, options)
    }

    /// One that asks these servers.
    ///
    /// # Errors
    /// [`DnsError`] if no client can be made for them.
    pub fn at(servers: &[SocketAddr]) -> Result<Self, DnsError> {
        let server = |at: &SocketAddr| {
            let mut server = NameServerConfig::udp(at.ip());
            server.connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].into();
            server
                .connections
                .iter_mut()
                .for_each(|one| one.port = at.port());
            server
        };
        let servers = servers.iter().map(server).collect();
        Self::with(
            ResolverConfig::from_name_servers(servers),
            ResolverOpts::default(),
        )
    }

    fn with(config: ResolverConfig, mut options: ResolverOpts) -> Result<Self, DnsError> {
        // Three tries within the limit.
        options.timeout = TIMEOUT / 3;
        options.attempts = 2;
        let dns = MessageAuthenticator::new(config, options);
        Ok(Self {
            dns: dns.map_err(|error| DnsError(error.to_string()))?,
        })
    }

    /// Verifies a mail: `raw` are its bytes as they were received, `mail` what [`crate::message::parse`] made of them.
    /// `trusted_server` names the server whose `Authentication-Results` are believed, if the operator has configured one.
    pub async fn verify(
        &self,
        raw: &[u8],
        mail: &Mail,
        trusted_server: Option<&str>,
    ) -> Verification {
        match tokio::time::timeout(TIMEOUT, self.examine(raw, mail, trusted_server)).await {
            Ok(Ok(domain)) => Verification::Verified { domain },
            Ok(Err(doubt)) => Verification::Unverified(doubt),
            Err(_) => Verification::Unverified(Doubt::NoAnswer),
        }
    }

    async fn examine(
        &self,
        raw: &[u8],
        mail: &Mail,
        trusted_server: Option<&str>,
    ) -> Result<String, Doubt> {
        // One parser for the signature and for the text, so that both see the same fields and the same body.
        let parsed = MessageParser::default()
            .parse(raw)
            .ok_or(Doubt::Malformed)?;
        let body = parsed.root_part().raw_body_offset() as usize;
        if !has_whole_line_ends(raw) || !is_well_formed(raw.get(..body).unwrap_or_default()) {
            return Err(Doubt::Malformed);
        }
        let message = AuthenticatedMessage::from_parsed(&parsed, raw, true);
        let domain = sender_domain(&message, mail)?;
        let results = trusted_server.and_then(|server| trusted(mail, server));
        if results.is_some_and(|results| vouches(&results, &domain)) {
            return Ok(domain);
        }
        let mut message = message;
        message.dkim_headers.truncate(MAX_SIGNATURES);
        let checked = self.dns.verify_dkim(&message).await;
        let passed = checked
            .iter()
            .filter(|one| *one.result() == DkimResult::Pass);
        let mut doubt = None;
        for one in passed {
            match self.is_of(&message, one, &domain, mail).await {
                Ok(()) => return Ok(domain),
                Err(why) => doubt = doubt.or(Some(why)),
            }
        }
        Err(doubt.unwrap_or_else(|| failure(&checked)))
    }

    /// Whether a valid signature covers what matters and is the sender's domain's.
    async fn is_of(
        &self,
        message: &AuthenticatedMessage<'_>,
        one: &DkimOutput<'_>,
        domain: &str,
        mail: &Mail,
    ) -> Result<(), Doubt> {
        let signature = one.signature().ok_or(Doubt::Unsigned)?;
        if signature.a == Algorithm::RsaSha1 {
            return Err(Doubt::Invalid("SHA-1 is broken (RFC 8301)".to_owned()));
        }
        let covers = |field: &&str| {
            signature
                .h
                .iter()
                .any(|name| name.eq_ignore_ascii_case(field))
        };
        let missing = COVERED
            .iter()
            .find(|field| mail.header(field).is_some() && !covers(field));
        if let Some(field) = missing {
            return Err(Doubt::PartlySigned((*field).to_owned()));
        }
        if signature.d.eq_ignore_ascii_case(domain) {
            return Ok(());
        }
        // A signature of the organisation's domain, or of one below it, if the domain's DMARC record allows it.
        let alone = std::slice::from_ref(one);
        let spf = SpfOutput::default();
        let policy = self
            .dns
            .verify_dmarc(DmarcParameters::new(message, alone, domain, &spf))
            .await;
        match policy.dkim_result() {
            DmarcResult::Pass => Ok(()),
            DmarcResult::TempError(_) => Err(Doubt::NoAnswer),
            _ => Err(Doubt::OtherDomain(signature.d.clone())),
        }
    }
}

/// Whether every carriage return is followed by a line feed, and no line feed is alone (RFC 5322, section 2.3).
fn has_whole_line_ends(raw: &[u8]) -> bool {
    let lines = raw.split(|byte| *byte == b'\n');
    let count = lines.clone().count();
    lines.enumerate().all(|(n, line)| {
        let is_last = n + 1 == count;
        let line = if is_last {
            Some(line)
        } else {
            line.strip_suffix(b"\r")
        };
        line.is_some_and(|line| !line.contains(&b'\r'))
    })
}

/// Whether a header is lines that end with CRLF, each a name with a colon or the continuation of one, and one empty line at
/// its end.
fn is_well_formed(header: &[u8]) -> bool {
    let Some(fields) = header.strip_suffix(b"\r\n\r\n") else {
        return false;
    };
    let mut lines = fields.split(|byte| *byte == b'\n');
    let last = lines.next_back();
    let is_field = |line: &[u8]| {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        let is_name =
            !name.is_empty() && name.len() < line.len() && name.iter().all(u8::is_ascii_graphic);
        let is_continued = line.starts_with(b" ") || line.starts_with(b"\t");
        (is_name || is_continued) && !line.contains(&0) && !line.contains(&b'\r')
    };
    lines.all(|line| line.strip_suffix(b"\r").is_some_and(is_field)) && last.is_some_and(is_field)
}

/// The domain of the one sender, in the form of the domain name system.
fn sender_domain(message: &AuthenticatedMessage<'_>, mail: &Mail) -> Result<String, Doubt> {
    let names: Vec<String> = message
        .raw_parsed_headers()
        .iter()
        .map(|(name, _)| String::from_utf8_lossy(name).trim().to_ascii_lowercase())
        .collect();
    let is_repeated =
        |field: &&&str| names.iter().filter(|name| name.as_str() == **field).count() > 1;
    if let Some(field) = ONCE.iter().find(is_repeated) {
        return Err(Doubt::Repeated((*field).to_owned()));
    }
    // mail-auth has a reading of its own; what the two do not agree on is not believed.
    let other = AuthenticatedMessage::parse(message.raw_message()).ok_or(Doubt::Malformed)?;
    let sender = [mail.from.address.to_lowercase()];
    let is_one = mail.senders == 1 && message.froms() == sender && other.froms() == sender;
    let domain = mail.from.address.rsplit_once('@').map(|(_, domain)| domain);
    match domain.filter(|domain| is_one && !domain.is_empty()) {
        Some(domain) => Ok(mail_auth::common::to_a_label(domain).to_ascii_lowercase()),
        None => Err(Doubt::SeveralSenders),
    }
}

/// Why no signature is valid.
fn failure(checked: &[DkimOutput<'_>]) -> Doubt {
    let Some(first) = checked.first() else {
        return Doubt::Unsigned;
    };
    let lacks_answer = checked
        .iter()
        .any(|one| matches!(one.result(), DkimResult::TempError(_)));
    match lacks_answer {
        true => Doubt::NoAnswer,
        false => Doubt::Invalid(first.result().to_string()),
    }
}

#[cfg(test)]
mod tests;
