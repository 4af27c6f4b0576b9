//! Connecting inboxes, by the API and by `ken inbox`: which settings and secrets are allowed, sealing the secrets, and whether
//! the platform accepts them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use ken_base::desk::{ChannelKind, EmailSettings, IdentityKind, Inbox, InboxId, InboxSettings};
use ken_base::domain::WorkspaceId;
use ken_base::outbound::{self, Destinations};
use ken_channels::channel::{Channel, Credential, Outcome, PlatformReply};
use ken_channels::channel_of;
use ken_conversations::access::AccessTokens;
use ken_conversations::calls::call;
use ken_conversations::last_webhooks::LastWebhook;
use ken_conversations::mails::{IMAP_PASSWORD, REPLY_KEY, SMTP_PASSWORD, imap_server, smtp_server};
use ken_conversations::platforms::credentials_of;
use ken_conversations::secrets::{SecretError, Vault, new_webhook_secret, webhook_key};
use ken_customers::normalize::normalized;
use ken_mail::imap::{ImapError, Mailbox};
use ken_mail::server::Security;
use ken_mail::smtp;
use ken_store::store::desk::SealedSecrets;
use ken_store::store::{Store, StoreError};

/// The secrets that an inbox of any channel may have.
const SECRETS: [&str; 2] = ["webhook_secret", "identity_key"];
/// The languages of fixed texts.
const LANGUAGES: [&str; 3] = ["zh-Hant", "zh-Hans", "en"];
/// The most audiences of an inbox.
const MAX_AUDIENCES: usize = 20;
/// The time limits of a test.
const CONNECT: Duration = Duration::from_secs(5);
/// How much of a platform's explanation is shown, in characters.
const MAX_DETAIL: usize = 200;

/// An invalid value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupFault {
    /// A JSON pointer into the inbox as the API takes it, or `{id}` for its id.
    pub pointer: String,
    /// What is wrong.
    pub detail: String,
}

impl SetupFault {
    fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }

    /// The fault of a text that does not have 1 to `most` characters without outer blanks; `None` if it has.
    fn bounded(pointer: &str, text: &str, most: usize) -> Option<Self> {
        let n = text.trim().chars().count();
        let detail = || format!("expected 1 to {most} characters, found {n}");
        (!(1..=most).contains(&n)).then(|| Self::new(pointer, detail()))
    }
}

/// Why an inbox cannot be connected or tested.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Values are invalid.
    #[error("{}", listed(.0))]
    Invalid(Vec<SetupFault>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A secret cannot be sealed or opened.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The HTTP client cannot be built.
    #[error("{0}")]
    Client(String),
}

fn listed(faults: &[SetupFault]) -> String {
    let faults = faults.iter();
    let lines = faults.map(|fault| format!("{}: {}", fault.pointer, fault.detail));
    lines.collect::<Vec<_>>().join("; ")
}

/// An inbox to connect, or its new state.
#[derive(Debug)]
pub struct InboxChange {
    /// The kind of its channel.
    pub channel: ChannelKind,
    /// Its name for people, 1 to 128 characters.
    pub name: String,
    /// Its settings.
    pub settings: InboxSettings,
    /// Secrets to set, or `None` to remove one; others stay.
    pub secrets: BTreeMap<String, Option<String>>,
}

/// A change whose values are valid.
#[derive(Debug)]
pub struct CheckedInbox {
    id: InboxId,
    change: InboxChange,
    sealed: SealedSecrets,
}

/// An inbox that was connected or changed.
#[derive(Debug)]
pub struct ConnectedInbox {
    /// The inbox.
    pub inbox: Inbox,
    /// Whether it is new.
    pub is_new: bool,
    /// The secret that was made for callbacks; it is shown once.
    pub webhook_secret: Option<String>,
}

/// Checks the values of an inbox.
///
/// # Errors
/// [`SetupError::Invalid`] with all faults; [`SetupError::Store`].
pub async fn check(
    store: &Store,
    workspace: &WorkspaceId,
    id: &str,
    change: InboxChange,
) -> Result<CheckedInbox, SetupError> {
    let mut faults = faults_of(&change);
    let id = InboxId::parse(id);
    let id = id.map_err(|error| faults.push(SetupFault::new("{id}", error.to_string())));
    let before = match &id {
        Ok(id) => store.inbox(workspace, id).await?,
        Err(()) => None,
    };
    let other = before.as_ref().map(|(inbox, _)| inbox.channel);
    if let Some(other) = other.filter(|channel| *channel != change.channel) {
        let is = other.as_str();
        let detail = format!("the inbox is of the channel {is}; connect another inbox");
        faults.push(SetupFault::new("/channel", detail));
    }
    match (id, faults.is_empty()) {
        (Ok(id), true) => Ok(CheckedInbox {
            id,
            change,
            sealed: before.map(|(_, secrets)| secrets).unwrap_or_default(),
        }),
        _ => Err(SetupError::Invalid(faults)),
    }
}

impl CheckedInbox {
    /// Seals the secrets and stores the inbox. Makes the secret of callbacks if it is needed and missing.
    ///
    /// # Errors
    /// [`SetupError::Secret`] if a secret cannot be sealed; [`SetupError::Store`]. Then nothing is stored.
    pub async fn put(
        self,
        store: &Store,
        vault: &Vault,
        workspace: &WorkspaceId,
    ) -> Result<ConnectedInbox, SetupError> {
        let (change, mut sealed) = (self.change, self.sealed);
        for (name, secret) in &change.secrets {
            match secret {
                Some(secret) => sealed.insert(name.clone(), vault.seal(name, secret)?),
                None => sealed.remove(name),
            };
        }
        let mut webhook_secret = None;
        if change.settings.callback_url.is_some() && !sealed.contains_key("webhook_secret") {
            let secret = new_webhook_secret()?;
            let sealed_secret = vault.seal("webhook_secret", &secret)?;
            sealed.insert("webhook_secret".to_owned(), sealed_secret);
            webhook_secret = Some(secret);
        }
        if change.channel == ChannelKind::Email && !sealed.contains_key(REPLY_KEY) {
            let key = new_webhook_secret()?;
            sealed.insert(REPLY_KEY.to_owned(), vault.seal(REPLY_KEY, &key)?);
        }
        let mut inbox = Inbox {
            id: self.id,
            channel: change.channel,
            name: change.name.trim().to_owned(),
            settings: change.settings,
            secrets: sealed.keys().cloned().collect(),
            created_at: store.now(),
        };
        let is_new = store.put_inbox(workspace, &inbox, Some(&sealed)).await?;
        // An earlier one keeps the time when it was connected.
        if let Some((stored, _)) = store.inbox(workspace, &inbox.id).await? {
            inbox = stored;
        }
        Ok(ConnectedInbox {
            inbox,
            is_new,
            webhook_secret,
        })
    }
}

/// Settings with some values replaced. A value is JSON, or else a text: `mode` `live`, `burst_ms` `0`, `audience` `["vip"]`.
///
/// # Errors
/// [`SetupFault`] if a setting is unknown or its value is of another type.
pub fn settings_with(
    settings: &InboxSettings,
    values: &[(String, String)],
) -> Result<InboxSettings, SetupFault> {
    let mut changed = settings.clone();
    for (name, value) in values {
        let pointer = format!("/settings/{name}");
        let invalid = |error: serde_json::Error| SetupFault::new(&pointer, error.to_string());
        let mut all = serde_json::to_value(&changed).map_err(invalid)?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.clone()));
        all[name.as_str()] = value;
        changed = serde_json::from_value(all).map_err(invalid)?;
    }
    Ok(changed)
}

/// The secrets that an inbox of a channel may have.
fn secrets_of(channel: ChannelKind) -> Vec<&'static str> {
    let of_platform = channel_of(channel).map_or(&[][..], |channel| channel.credentials());
    let of_platform = of_platform.iter().map(|credential| credential.name);
    let of_mail = match channel {
        ChannelKind::Email => &[IMAP_PASSWORD, SMTP_PASSWORD][..],
        _ => &[],
    };
    let all = SECRETS.into_iter().chain(of_platform);
    all.chain(of_mail.iter().copied()).collect()
}

fn faults_of(change: &InboxChange) -> Vec<SetupFault> {
    let mut faults = Vec::from_iter(SetupFault::bounded("/name", &change.name, 128));
    faults.extend(settings_faults(change.channel, &change.settings));
    let secrets = secrets_of(change.channel);
    for (name, secret) in &change.secrets {
        let pointer = format!("/secrets/{}", name.replace('~', "~0").replace('/', "~1"));
        if !secrets.contains(&name.as_str()) {
            let detail = format!("expected one of {}, found {name:?}", secrets.join(", "));
            faults.push(SetupFault::new(pointer, detail));
        } else if let Some(secret) = secret {
            faults.extend(SetupFault::bounded(&pointer, secret, 10_000));
            let is_webhook = name == "webhook_secret";
            if is_webhook && webhook_key(secret).is_none() {
                let detail =
                    "expected `whsec_` and 24 to 64 bytes in base64, as Standard Webhooks 1.0 say";
                faults.push(SetupFault::new(pointer, detail));
            }
        }
    }
    faults
}

fn settings_faults(channel: ChannelKind, settings: &InboxSettings) -> Vec<SetupFault> {
    let mut faults = Vec::new();
    let within = |pointer: &str, value: u32, least: u32, most: u32| {
        let detail = || format!("expected {least} to {most}, found {value}");
        (!(least..=most).contains(&value))
            .then(|| SetupFault::new(format!("/settings/{pointer}"), detail()))
    };
    faults.extend(within("burst_ms", settings.burst_ms, 0, 10_000));
    faults.extend(within("reopen_hours", settings.reopen_hours, 1, 8_760));
    for (name, value, most) in [
        ("return_to_bot_hours", settings.return_to_bot_hours, 8_760),
        ("window_hours", settings.window_hours, 8_760),
        ("keep_days", settings.keep_days, 3_650),
    ] {
        faults.extend(value.and_then(|value| within(name, value, 1, most)));
    }
    if let Some(channel) = &settings.channel {
        faults.extend(SetupFault::bounded("/settings/channel", channel, 128));
    }
    if let Some(language) = &settings.language
        && !LANGUAGES.contains(&language.as_str())
    {
        let detail = format!("expected zh-Hant, zh-Hans or en, found {language:?}");
        faults.push(SetupFault::new("/settings/language", detail));
    }
    if settings.audience.len() > MAX_AUDIENCES {
        let found = settings.audience.len();
        let detail = format!("expected at most {MAX_AUDIENCES} names, found {found}");
        faults.push(SetupFault::new("/settings/audience", detail));
    }
    if let Some(url) = &settings.callback_url {
        faults.extend(callback_fault(channel, url));
    }
    faults.extend(email_faults(channel, settings.email.as_ref()));
    if let Some(url) = &settings.platform_url {
        faults.extend(platform_fault(channel, url));
    }
    faults
}

/// What is wrong with the settings of a mailbox.
fn email_faults(channel: ChannelKind, email: Option<&EmailSettings>) -> Vec<SetupFault> {
    let place = |name: &str| format!("/settings/email{name}");
    let email = match (channel, email) {
        (ChannelKind::Email, Some(email)) => email,
        (ChannelKind::Email, None) => {
            let detail = "expected the mailbox's address and servers, found none";
            return vec![SetupFault::new(place(""), detail)];
        }
        (_, Some(_)) => {
            let detail = "only an inbox of the channel email has a mailbox";
            return vec![SetupFault::new(place(""), detail)];
        }
        (_, None) => return Vec::new(),
    };
    let mut faults = Vec::new();
    if let Err(detail) = normalized(IdentityKind::Email, &email.address) {
        faults.push(SetupFault::new(place("/address"), detail));
    }
    for (name, security) in [
        ("/imap_security", &email.imap_security),
        ("/smtp_security", &email.smtp_security),
    ] {
        if Security::parse(security).is_none() {
            let detail = format!("expected tls, starttls or none, found {security:?}");
            faults.push(SetupFault::new(place(name), detail));
        }
    }
    for (name, text) in [
        ("/imap_host", &email.imap_host),
        ("/smtp_host", &email.smtp_host),
        ("/mailbox", &email.mailbox),
    ] {
        faults.extend(SetupFault::bounded(&place(name), text, 255));
    }
    faults
}

/// What is wrong with a callback address.
fn callback_fault(channel: ChannelKind, url: &str) -> Option<SetupFault> {
    let pointer = "/settings/callback_url";
    if channel != ChannelKind::Generic {
        let detail = "only an inbox of the channel generic has callbacks";
        return Some(SetupFault::new(pointer, detail));
    }
    address_fault(pointer, url)
}

/// What is wrong with a platform's address.
fn platform_fault(channel: ChannelKind, url: &str) -> Option<SetupFault> {
    let pointer = "/settings/platform_url";
    if channel_of(channel).is_none() {
        let detail = "an inbox of this channel has no platform";
        return Some(SetupFault::new(pointer, detail));
    }
    if url.ends_with('/') {
        return Some(SetupFault::new(pointer, "expected no slash at its end"));
    }
    address_fault(pointer, url)
}

/// What is wrong with an address that Ken calls. Plain HTTP is for tests on the same machine.
fn address_fault(pointer: &str, url: &str) -> Option<SetupFault> {
    let parsed = reqwest::Url::parse(url).ok();
    // A path is appended to it.
    let is_plain = |url: &reqwest::Url| {
        url.query().is_none() && url.fragment().is_none() && url.username().is_empty()
    };
    let parsed = parsed.filter(|url| pointer.ends_with("callback_url") || is_plain(url));
    let is_allowed = parsed.is_some_and(|url| match url.scheme() {
        "https" => url.has_host(),
        "http" => matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")),
        _ => false,
    });
    let detail = || format!("expected an https address, found {url:?}");
    (!is_allowed).then(|| SetupFault::new(pointer, detail()))
}

/// The credentials that a channel needs and an inbox lacks; none for a channel without a platform.
pub fn missing_credentials(channel: ChannelKind, has: &[String]) -> Vec<Credential> {
    let needed = channel_of(channel).map_or(&[][..], |channel| channel.credentials());
    let is_missing = |credential: &&Credential| {
        !credential.is_optional && !has.iter().any(|name| name == credential.name)
    };
    needed.iter().filter(is_missing).copied().collect()
}

/// The path of an inbox's webhook, with its query, below the address of the service.
pub fn webhook_path(workspace: &WorkspaceId, inbox: &InboxId) -> String {
    let of = match workspace.as_str() {
        "default" => String::new(),
        name => format!("?workspace={name}"),
    };
    format!("/v1/inboxes/{inbox}/webhook{of}")
}

/// The result of a test.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TestedInbox {
    /// What is wrong, and what to do.
    pub faults: Vec<String>,
    /// What the platform says about the account, as JSON; `None` if it was not reached or refuses the credentials.
    pub account: Option<String>,
}

/// Tests whether an inbox has its secrets, and whether the platform accepts them.
///
/// # Errors
/// [`SetupError::Secret`] if another key sealed a secret; [`SetupError::Client`].
pub async fn test(
    vault: &Vault,
    (access, destinations): (&AccessTokens, &Destinations),
    channel: &dyn Channel,
    (workspace, inbox): (&WorkspaceId, &Inbox),
    sealed: &SealedSecrets,
) -> Result<TestedInbox, SetupError> {
    let mut tested = TestedInbox::default();
    let missing = missing_credentials(inbox.channel, &inbox.secrets).into_iter();
    tested.faults.extend(missing.map(|of| {
        let (name, place) = (of.name, of.found_at);
        format!("the secret {name} is not set; it is at: {place}")
    }));
    if !tested.faults.is_empty() {
        return Ok(tested);
    }
    let credentials = credentials_of(vault, channel, sealed)?;
    let client = outbound::client(CONNECT, CONNECT).map_err(SetupError::Client)?;
    let of = (workspace, inbox);
    let credentials = match access.with_token(&client, channel, of, credentials).await {
        Ok(credentials) => credentials,
        Err(outcome) => {
            tested.faults.push(refused(&outcome, &Value::Null));
            return Ok(tested);
        }
    };
    match call(&client, channel, inbox, &channel.check(&credentials)).await {
        Err(code) => tested
            .faults
            .push(format!("the platform was not reached: {code}")),
        Ok(answered) => {
            let reply = PlatformReply {
                status: answered.status,
                retry_after: answered.retry_after,
                body: &answered.body,
            };
            // What a server of a private network says is not shown to those who cannot reach it.
            let address = inbox.settings.platform_url.as_deref();
            let is_shown = destinations
                .check(address.unwrap_or(channel.address()))
                .is_ok();
            let shown = match is_shown {
                true => reply.json(),
                false => Value::Null,
            };
            let account = shown.to_string();
            match channel.outcome(&reply) {
                Outcome::Accepted => tested.account = Some(account),
                outcome => tested.faults.push(refused(&outcome, &shown)),
            }
        }
    }
    Ok(tested)
}

/// Tests whether the servers of a mailbox accept its account.
///
/// # Errors
/// [`SetupError::Secret`] if another key sealed a secret.
pub async fn test_mailbox(
    vault: &Vault,
    inbox: &Inbox,
    sealed: &SealedSecrets,
) -> Result<TestedInbox, SetupError> {
    let mut tested = TestedInbox::default();
    let Some(email) = &inbox.settings.email else {
        let fault =
            "the mailbox's address and servers are not set; put the inbox with settings.email";
        tested.faults.push(fault.to_owned());
        return Ok(tested);
    };
    if !sealed.contains_key(IMAP_PASSWORD) {
        let fault = "the secret imap_password is not set; it is the mailbox's password, or one for programs";
        tested.faults.push(fault.to_owned());
        return Ok(tested);
    }
    match Mailbox::open(&imap_server(vault, email, sealed)?, &email.mailbox).await {
        Ok(mailbox) => mailbox.close().await,
        Err(ImapError::Refused(_)) => {
            let fault = "IMAP: the server refuses the account, its password or the folder";
            tested.faults.push(fault.to_owned());
        }
        Err(ImapError::Unreachable(_)) => {
            let fault = "IMAP: the server was not reached; compare host, port and security";
            tested.faults.push(fault.to_owned());
        }
        Err(ImapError::Protocol(_)) => {
            let fault =
                "IMAP: what answers there is no IMAP server; compare host, port and security";
            tested.faults.push(fault.to_owned());
        }
    }
    match smtp::check(&smtp_server(vault, email, sealed)?).await {
        smtp::Outcome::Accepted => {}
        smtp::Outcome::Reconnect(code) => tested.faults.push(format!(
            "SMTP: the server refuses the account or its protection ({code}); compare user, password and security"
        )),
        smtp::Outcome::Retry(code) | smtp::Outcome::GiveUp(code) => tested
            .faults
            .push(format!("SMTP: the server was not reached ({code}); compare host and port")),
    }
    if tested.faults.is_empty() {
        let account = serde_json::json!({ "address": email.address });
        tested.account = Some(account.to_string());
    }
    Ok(tested)
}

/// Why a platform did not accept the credentials, in words.
fn refused(outcome: &Outcome, body: &Value) -> String {
    let said = detail(body);
    let shown = match said.is_empty() {
        true => String::new(),
        false => format!("; the platform says: {said}"),
    };
    match outcome {
        Outcome::Reconnect(code) => {
            let cause = cause(code, &said);
            format!("the platform refuses the access token ({code}): {cause}{shown}")
        }
        Outcome::Retry(code, _) => {
            format!("the platform cannot answer now ({code}); test again later{shown}")
        }
        Outcome::GiveUp(code) => {
            format!(
                "the platform does not know the account ({code}); compare the ids among the secrets{shown}"
            )
        }
        Outcome::AccessExpired => {
            format!("the platform refuses the access token that it issued; test again{shown}")
        }
        Outcome::Accepted | Outcome::TokenSpent => format!("the platform replied {outcome:?}"),
    }
}

/// Why a platform refuses a token, by its code and its explanation, and what to do.
fn cause(code: &str, said: &str) -> &'static str {
    let said = said.to_lowercase();
    let has = |words: &[&str]| {
        words
            .iter()
            .any(|word| said.contains(word) || code.contains(word))
    };
    // Meta's codes of permissions: 3, 10 and 200 to 299.
    let number = code.strip_prefix("error_").and_then(|n| n.parse().ok());
    let is_permission = number.is_some_and(|n: i64| matches!(n, 3 | 10 | 200..=299));
    if has(&["expired"]) {
        "it has expired; make a new one and set it again"
    } else if is_permission || has(&["permission", "scope", "status_403"]) {
        "it lacks a permission; grant the permission at the platform, and set the token again if it changes"
    } else if has(&["revoked", "inactive", "invalidated"]) {
        "it was withdrawn; make a new one and set it again"
    } else {
        "it is wrong, expired or withdrawn; copy it again and set it"
    }
}

/// The explanation in a platform's reply; empty if it has none.
fn detail(body: &Value) -> String {
    let places = ["/error/message", "/message", "/description", "/error"];
    let mut found = places
        .iter()
        .filter_map(|place| body.pointer(place)?.as_str());
    let found = found.next().unwrap_or_default().trim();
    let shown = found.chars().filter(|c| !c.is_control());
    shown.take(MAX_DETAIL).collect()
}

/// What the last request of a platform shows to be wrong; `None` if it was accepted.
pub fn webhook_fault(last: Option<&LastWebhook>) -> Option<String> {
    match last {
        None => Some(
            "the platform has made no request within an hour; enter the webhook's address there, and send a message"
                .to_owned(),
        ),
        Some(last) => {
            let error = last.error.as_ref()?;
            Some(format!("the last request was refused: {error}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn refused_token_is_explained_by_code_and_reply() {
        for (code, body, words) in [
            (
                "error_190",
                json!({ "error": { "message": "Session has expired on Monday", "code": 190 } }),
                ["has expired", "Session has expired on Monday"],
            ),
            (
                "error_190",
                json!({ "error": { "message": "Invalid OAuth access token", "code": 190 } }),
                ["is wrong", "Invalid OAuth"],
            ),
            (
                "error_200",
                json!({ "error": { "message": "(#200) Requires more" } }),
                ["lacks a permission", "Requires more"],
            ),
            (
                "missing_scope",
                json!({ "ok": false, "error": "missing_scope" }),
                ["lacks a permission", "missing_scope"],
            ),
            (
                "token_revoked",
                json!({ "ok": false, "error": "token_revoked" }),
                ["was withdrawn", "token_revoked"],
            ),
            (
                "status_401",
                json!({ "message": "Authentication failed" }),
                ["is wrong", "Authentication failed"],
            ),
            ("status_403", json!(null), ["lacks a permission", "403"]),
        ] {
            let shown = refused(&Outcome::Reconnect(code.to_owned()), &body);
            assert!(
                words.iter().all(|word| shown.contains(word)),
                "{code}: {shown}"
            );
        }
    }

    #[test]
    fn settings_are_changed_by_text_or_json() {
        let pairs = |of: &[(&str, &str)]| -> Vec<(String, String)> {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            of.iter().map(own).collect()
        };
        let before = InboxSettings::default();
        let values = pairs(&[
            ("mode", "live"),
            ("burst_ms", "0"),
            ("audience", r#"["vip"]"#),
        ]);
        let changed = settings_with(&before, &values).unwrap();
        assert_eq!((changed.burst_ms, changed.audience.len()), (0, 1));
        assert_eq!(changed.reopen_hours, before.reopen_hours);
        for (name, value) in [("mood", "live"), ("burst_ms", "soon"), ("mode", "loud")] {
            let fault = settings_with(&before, &pairs(&[(name, value)])).unwrap_err();
            assert_eq!(fault.pointer, format!("/settings/{name}"), "{fault:?}");
        }
    }
}
