//! Sends messages by the platform of an inbox: LINE, WhatsApp, Messenger, Telegram, Slack.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Response;

use crate::secrets::{SecretError, Vault};
use ken_answer::answer::render::render;
use ken_base::desk::{AuthorKind, Consent, ConsentPurpose, Conversation, Inbox, text_of};
use ken_base::domain::{Outcome as AnswerOutcome, WorkspaceId};
use ken_base::outbound;
use ken_channels::channel::{
    Call, Channel, Credentials, Limits, Outcome, Outgoing, PlatformReply, Refusal, Way, cut,
};
use ken_channels::channel_of;
use ken_channels::ladder::{Standing, way};
use ken_store::store::desk::{Delivery, SealedSecrets};
use ken_store::store::{Store, StoreError};

/// The time limit of a request.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest reply that is read.
const MAX_REPLY: usize = 1 << 20;
/// How often the rest of a message is tried that was sent in part, and the wait before each time.
const REST: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// The longest wait of these that a platform may ask for, in seconds.
const MOST_S: u64 = 60;

/// Opens the secrets of an inbox that its platform needs.
///
/// # Errors
/// [`SecretError`] if another key sealed one.
pub fn credentials_of(
    vault: &Vault,
    channel: &dyn Channel,
    sealed: &SealedSecrets,
) -> Result<Credentials, SecretError> {
    let mut opened = Credentials::new();
    for credential in channel.credentials() {
        if let Some(secret) = vault.open(sealed, credential.name)? {
            opened.insert(credential.name.to_owned(), secret);
        }
    }
    Ok(opened)
}

/// A platform's reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Its status.
    pub status: u16,
    /// Its header `Retry-After` in seconds.
    pub retry_after: Option<u32>,
    /// Its body, the first megabyte.
    pub body: Vec<u8>,
}

/// Makes a request to the platform of an inbox.
///
/// # Errors
/// A code: `unreachable`, `timeout` or `forbidden_address`.
pub async fn call(
    client: &reqwest::Client,
    channel: &dyn Channel,
    inbox: &Inbox,
    call: &Call,
) -> Result<Answered, &'static str> {
    let address = inbox.settings.platform_url.as_deref();
    let url = format!("{}{}", address.unwrap_or(channel.address()), call.path);
    outbound::check(&url).map_err(|_| "forbidden_address")?;
    let mut request = match call.method {
        "GET" => client.get(&url),
        _ => client.post(&url),
    };
    for (name, value) in &call.headers {
        request = request.header(*name, value);
    }
    if let Some(body) = &call.body {
        request = request.json(body);
    }
    let reply = request.timeout(TIMEOUT).send().await;
    let reply = reply.map_err(|error| match error.is_timeout() {
        true => "timeout",
        false => "unreachable",
    })?;
    read(reply).await
}

async fn read(mut reply: Response) -> Result<Answered, &'static str> {
    let status = reply.status().as_u16();
    let after = reply.headers().get("retry-after");
    let retry_after = after
        .and_then(|value| value.to_str().ok())
        .and_then(|seconds| seconds.trim().parse().ok());
    let mut body = Vec::new();
    while let Some(bytes) = reply.chunk().await.map_err(|_| "unreachable")? {
        body.extend_from_slice(&bytes);
        if body.len() > MAX_REPLY {
            break;
        }
    }
    Ok(Answered {
        status,
        retry_after,
        body,
    })
}

/// Why an attempt failed.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// By a code; it is tried again, not before so many seconds.
    Transient(String, Option<u32>),
    /// The platform refuses the credentials, by a code; it is tried again.
    Reconnect(String),
    /// By a code; it is not tried again.
    Final(String),
    /// The platform's window has closed.
    Expired,
}

impl Failure {
    /// A failure that is tried again by the schedule.
    pub(crate) fn retry(code: &str) -> Self {
        Failure::Transient(code.to_owned(), None)
    }
}

/// What sending needs besides the message.
pub(crate) struct Platform<'a> {
    pub store: &'a Store,
    pub vault: &'a Vault,
    pub client: &'a reqwest::Client,
    pub workspace: &'a WorkspaceId,
}

impl Platform<'_> {
    /// Sends a message. `token` is the one for a free reply, if it is unused.
    pub async fn send(
        &self,
        (inbox, sealed): (&Inbox, &SealedSecrets),
        conversation: &Conversation,
        user_id: &str,
        delivery: &Delivery,
        token: Option<(String, Timestamp)>,
    ) -> Result<(), Failure> {
        let Some(channel) = channel_of(inbox.channel) else {
            return Err(Failure::Final("no_platform".to_owned()));
        };
        if user_id.is_empty() {
            return Err(Failure::Final("unknown_customer".to_owned()));
        }
        let credentials = credentials_of(self.vault, channel, sealed);
        let credentials = credentials.map_err(|_| Failure::retry("sealed_by_another_key"))?;
        let unavailable = |_: StoreError| Failure::retry("store_unavailable");
        let limits = channel.limits();
        let message = self.outgoing(inbox, user_id, delivery, &limits);
        let message = message.await.map_err(unavailable)?;
        let identity = std::slice::from_ref(&conversation.identity_id);
        let consents = self.store.consents(self.workspace, identity).await;
        // Somebody who has written since has unblocked the account, whatever order the platform's reports came in.
        let is_block = |consent: &Consent| {
            consent.purpose == ConsentPurpose::Service
                && !consent.granted
                && consent.seq > conversation.last_in_seq
        };
        let is_blocked = consents.map_err(unavailable)?.iter().any(is_block);
        let standing = Standing {
            last_in_at: conversation.last_in_at,
            reply_token: token,
            by_person: message.by_person,
            is_blocked,
        };
        let mut way = way(&limits, &standing, self.store.now());
        loop {
            match &way {
                Way::Refuse(Refusal::WindowClosed) => return Err(Failure::Expired),
                Way::Refuse(why) => return Err(Failure::Final(why.code().to_owned())),
                Way::Reply(_) | Way::Push | Way::PersonPush => {}
            }
            let calls = channel.calls(&credentials, &message, &way);
            if calls.is_empty() {
                return Err(Failure::Final("nothing_to_send".to_owned()));
            }
            match self.send_all(channel, inbox, &calls).await {
                Outcome::Accepted => return Ok(()),
                Outcome::TokenSpent if matches!(way, Way::Reply(_)) => way = Way::Push,
                Outcome::TokenSpent => return Err(Failure::Final("token_spent".to_owned())),
                Outcome::Retry(code, after) => return Err(Failure::Transient(code, after)),
                // An operator may connect the inbox again within the days of the schedule.
                Outcome::Reconnect(code) => {
                    tracing::warn!(
                        inbox = inbox.id.as_str(),
                        code,
                        "the platform refuses the credentials; connect the inbox again"
                    );
                    return Err(Failure::Reconnect(code));
                }
                Outcome::GiveUp(code) => return Err(Failure::Final(code)),
            }
        }
    }

    /// Makes the calls in order. What follows a first one is tried at once until it is accepted, because the platform would
    /// send the first one again.
    async fn send_all(&self, channel: &dyn Channel, inbox: &Inbox, calls: &[Call]) -> Outcome {
        for (n, of) in calls.iter().enumerate() {
            let mut waits = REST.iter();
            loop {
                let outcome = match call(self.client, channel, inbox, of).await {
                    Ok(answered) => channel.outcome(&PlatformReply {
                        status: answered.status,
                        retry_after: answered.retry_after,
                        body: &answered.body,
                    }),
                    Err(code) => Outcome::Retry(code.to_owned(), None),
                };
                match (outcome, n) {
                    (Outcome::Accepted, _) => break,
                    (outcome, 0) => return outcome,
                    (Outcome::Retry(_, after), _) => match waits.next() {
                        Some(wait) => {
                            let asked = after.map_or(0, u64::from).min(MOST_S);
                            tokio::time::sleep((*wait).max(Duration::from_secs(asked))).await;
                        }
                        None => return Outcome::GiveUp("sent_in_part".to_owned()),
                    },
                    _ => return Outcome::GiveUp("sent_in_part".to_owned()),
                }
            }
        }
        Outcome::Accepted
    }

    /// The message as the platform shows it: an answer with its sources, and with its choices to touch.
    async fn outgoing(
        &self,
        inbox: &Inbox,
        user_id: &str,
        delivery: &Delivery,
        limits: &Limits,
    ) -> Result<Outgoing, StoreError> {
        let message = &delivery.message;
        let written = text_of(&message.parts);
        let turn = match &message.answer_id {
            Some(id) => self.store.answer(self.workspace, id).await?,
            None => None,
        };
        let (mut text, mut choices) = (written.clone(), Vec::new());
        if let Some((turn, _)) = turn {
            let answer = turn.answer;
            // Before the first answer on another channel it says what it continues.
            let before = written.strip_suffix(answer.text.as_str()).unwrap_or("");
            let shown = render(&answer, Some(inbox.channel.as_str()), None);
            text = format!("{before}{}", shown.messages.join("\n\n"));
            if answer.outcome == AnswerOutcome::Clarify {
                choices = answer.suggestions;
            }
        }
        Ok(Outgoing {
            message_id: message.id.to_string(),
            to: user_id.to_owned(),
            texts: cut(&text, limits),
            choices,
            by_person: message.author.kind == AuthorKind::Agent,
        })
    }
}
