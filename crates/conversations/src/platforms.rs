//! Sends messages by the platform of an inbox: LINE, WhatsApp, WeChat and others.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::access::{ACCESS_TOKEN, AccessTokens};
use crate::calls::{Failure, call};
use crate::mails;
use crate::responses::{ResponseText, Responses};
use crate::secrets::{SecretError, Vault};
use jiff::{SignedDuration, Timestamp};
use ken_answer::answer::render::render;
use ken_base::desk::{
    AuthorKind, ChannelKind, Consent, ConsentPurpose, Conversation, Inbox, Part, text_of,
};
use ken_base::domain::{Outcome as AnswerOutcome, WorkspaceId};
use ken_channels::channel::{
    Call, Channel, Credentials, Limits, Outcome, Outgoing, PlatformReply, Refusal, Template, Unit,
    Way, cut,
};
use ken_channels::channel_of;
use ken_channels::ladder::{Standing, way};
use ken_store::store::desk::{Delivery, SealedSecrets};
use ken_store::store::{Store, StoreError};

/// How often the rest of a message is tried that was sent in part, and the wait before each time.
const REST: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// How long a call asks for an answer.
const ASKED_FOR: SignedDuration = SignedDuration::from_secs(60);
/// The code of a message of which a part was sent.
pub(crate) const IN_PART: &str = "sent_in_part";
/// What a mail allows: any length of text.
const MAIL: Limits = Limits::of_text(usize::MAX, Unit::Characters);

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

/// What this process knows of the platforms: their access tokens, and their requests that wait for a reply.
#[derive(Default)]
pub struct Connections {
    /// Access tokens.
    pub access: AccessTokens,
    /// Requests that wait.
    pub responses: Responses,
}

/// What sending needs besides the message.
pub(crate) struct Platform<'a> {
    pub connections: &'a Connections,
    /// Set once the platform has taken a part of the message.
    pub has_sent: &'a AtomicBool,
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
        if user_id.is_empty() {
            return Err(Failure::Final("unknown_customer".to_owned()));
        }
        if inbox.channel == ChannelKind::Email {
            let unavailable = |_: StoreError| Failure::retry("store_unavailable");
            let message = self.outgoing(inbox, user_id, delivery, &MAIL).await;
            let text = message.map_err(unavailable)?.texts.join("\n\n");
            let (of, to) = ((self.store, self.vault, self.workspace), (inbox, sealed));
            return mails::send(of, to, conversation, user_id, (delivery, &text)).await;
        }
        let Some(channel) = channel_of(inbox.channel) else {
            return Err(Failure::Final("no_platform".to_owned()));
        };
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
            sent_since: self
                .sent_since(conversation, &limits)
                .await
                .map_err(unavailable)?,
            by_person: message.by_person,
            has_template: message.template.is_some(),
            is_blocked,
        };
        self.by_the_way(channel, inbox, credentials, &message, standing)
            .await
    }

    /// How many messages were pushed since the customer wrote, where the platform counts them. The first one went out in the
    /// response, as a rule.
    async fn sent_since(
        &self,
        conversation: &Conversation,
        limits: &Limits,
    ) -> Result<usize, StoreError> {
        if limits.per_inbound.is_none() {
            return Ok(0);
        }
        let since = conversation.last_in_seq;
        let n = self
            .store
            .sent_since(self.workspace, &conversation.id, since);
        let n = usize::try_from(n.await?).unwrap_or(usize::MAX);
        Ok(n.saturating_sub(usize::from(limits.in_response)))
    }

    /// Sends a message by the way that the standing allows, and by the next one if the reply token is spent.
    async fn by_the_way(
        &self,
        channel: &dyn Channel,
        inbox: &Inbox,
        credentials: Credentials,
        message: &Outgoing,
        mut standing: Standing,
    ) -> Result<(), Failure> {
        let limits = channel.limits();
        let mut credentials = credentials;
        // Whether the first text went out in a response, and whether the access token was fetched again.
        let (mut has_responded, mut is_renewed) = (false, false);
        // A call: nothing is pushed to it, and it asks until it has its answer.
        let is_asked_again =
            limits.in_response && channel.calls(&credentials, message, &Way::Push).is_empty();
        if let Some((token, at)) = &mut standing.reply_token
            && limits.in_response
        {
            let now = self.store.now();
            let responses = &self.connections.responses;
            let is_kept = is_asked_again && now.duration_since(*at) < ASKED_FOR;
            if is_kept || responses.is_waiting(self.workspace, &inbox.id, token) {
                *at = now;
            }
        }
        loop {
            let way = way(&limits, &standing, self.store.now());
            match &way {
                Way::Refuse(Refusal::WindowClosed) => return Err(Failure::Expired),
                Way::Refuse(why) => return Err(Failure::Final(why.code().to_owned())),
                Way::Reply(_) | Way::Push | Way::PersonPush | Way::Template => {}
            }
            if let Way::Reply(token) = &way
                && limits.in_response
            {
                has_responded =
                    has_responded || self.respond(inbox, message, token, is_asked_again);
                self.has_sent.fetch_or(has_responded, Ordering::AcqRel);
                if !has_responded {
                    standing.reply_token = None;
                    continue;
                }
            }
            if has_responded && channel.calls(&credentials, message, &way).is_empty() {
                return Ok(());
            }
            credentials = match self.with_token(channel, inbox, credentials).await {
                Err(_) if has_responded => return Err(Failure::Final(IN_PART.to_owned())),
                found => found?,
            };
            let calls = channel.calls(&credentials, message, &way);
            let outcome = match &way {
                _ if has_responded => self.send_rest(channel, inbox, &calls, 0).await,
                Way::Reply(_) => self.reply(channel, inbox, &calls, &standing).await,
                _ if calls.is_empty() => Outcome::GiveUp("nothing_to_send".to_owned()),
                _ => self.send_all(channel, inbox, &calls).await,
            };
            match outcome {
                Outcome::Accepted => return Ok(()),
                Outcome::TokenSpent if standing.reply_token.is_some() => {
                    standing.reply_token = None;
                }
                Outcome::AccessExpired if !is_renewed => {
                    is_renewed = true;
                    let access = &self.connections.access;
                    access.forget(self.workspace, &inbox.id, &credentials).await;
                    credentials.remove(ACCESS_TOKEN);
                }
                outcome => return Err(self.failure(inbox, outcome)),
            }
        }
    }

    async fn with_token(
        &self,
        channel: &dyn Channel,
        inbox: &Inbox,
        credentials: Credentials,
    ) -> Result<Credentials, Failure> {
        let access = &self.connections.access;
        let of = (self.workspace, inbox);
        let found = access
            .with_token(self.client, channel, of, credentials)
            .await;
        found.map_err(|outcome| self.failure(inbox, outcome))
    }

    fn failure(&self, inbox: &Inbox, outcome: Outcome) -> Failure {
        match outcome {
            Outcome::Retry(code, after) => Failure::Transient(code, after),
            Outcome::GiveUp(code) => Failure::Final(code),
            // An operator may connect the inbox again within the days of the schedule.
            Outcome::Reconnect(code) => {
                tracing::warn!(
                    inbox = inbox.id.as_str(),
                    code,
                    "the platform refuses the credentials; connect the inbox again"
                );
                Failure::Reconnect(code)
            }
            Outcome::AccessExpired => Failure::Reconnect("access_expired".to_owned()),
            Outcome::TokenSpent | Outcome::Accepted => Failure::Final("token_spent".to_owned()),
        }
    }

    /// Hands the first text to the request of the platform that waits for it. Returns whether there is one.
    fn respond(
        &self,
        inbox: &Inbox,
        message: &Outgoing,
        token: &str,
        is_asked_again: bool,
    ) -> bool {
        let Some(first) = message.texts.first() else {
            return false;
        };
        let is_all = message.texts.len() == 1;
        let text = ResponseText {
            text: first.clone(),
            choices: match is_all {
                true => message.choices.clone(),
                false => Vec::new(),
            },
        };
        let responses = &self.connections.responses;
        responses.give(self.workspace, &inbox.id, token, text, is_asked_again)
    }

    /// Sends a reply by its token. Where it is unknown whether the platform received it, it is sent again: a token that is
    /// spent then, though it is still fresh, was spent by the first time.
    async fn reply(
        &self,
        channel: &dyn Channel,
        inbox: &Inbox,
        calls: &[Call],
        standing: &Standing,
    ) -> Outcome {
        let Some(first) = calls.first() else {
            return Outcome::GiveUp("nothing_to_send".to_owned());
        };
        let fresh = channel.limits().reply;
        let came = standing.reply_token.as_ref().map(|(_, at)| *at);
        let is_fresh = || {
            let age = came.map(|at| self.store.now().duration_since(at));
            fresh.zip(age).is_some_and(|(fresh, age)| age < fresh)
        };
        let mut is_unknown = false;
        let mut waits = REST.iter();
        let taken = loop {
            let outcome = self.attempt(channel, inbox, first).await;
            match &outcome {
                Outcome::TokenSpent if is_unknown && is_fresh() => break Outcome::Accepted,
                Outcome::Retry(code, after) if is_fresh() => {
                    is_unknown |= matches!(code.as_str(), "timeout" | "interrupted");
                    let Some(wait) = waits.next() else {
                        break outcome;
                    };
                    let asked = after.map_or(0, u64::from).min(MOST_S);
                    tokio::time::sleep((*wait).max(Duration::from_secs(asked))).await;
                }
                _ => break outcome,
            }
        };
        match taken {
            Outcome::Accepted => self.send_rest(channel, inbox, calls, 1).await,
            other => other,
        }
    }

    /// Makes a request, and says what its reply means.
    async fn attempt(&self, channel: &dyn Channel, inbox: &Inbox, of: &Call) -> Outcome {
        let outcome = match call(self.client, channel, inbox, of).await {
            Ok(answered) => channel.outcome(&PlatformReply {
                status: answered.status,
                retry_after: answered.retry_after,
                body: &answered.body,
            }),
            Err(code) => Outcome::Retry(code.to_owned(), None),
        };
        if outcome == Outcome::Accepted {
            self.has_sent.store(true, Ordering::Release);
        }
        outcome
    }

    /// Makes the calls in order.
    async fn send_all(&self, channel: &dyn Channel, inbox: &Inbox, calls: &[Call]) -> Outcome {
        let Some(first) = calls.first() else {
            return Outcome::Accepted;
        };
        match self.attempt(channel, inbox, first).await {
            Outcome::Accepted => self.send_rest(channel, inbox, calls, 1).await,
            other => other,
        }
    }

    /// Makes the calls from one on. Each is tried at once until it is accepted, because the platform would send what came
    /// before it again.
    async fn send_rest(
        &self,
        channel: &dyn Channel,
        inbox: &Inbox,
        calls: &[Call],
        from: usize,
    ) -> Outcome {
        for of in calls.iter().skip(from) {
            let mut waits = REST.iter();
            loop {
                match self.attempt(channel, inbox, of).await {
                    Outcome::Accepted => break,
                    Outcome::Retry(_, after) => match waits.next() {
                        Some(wait) => {
                            let asked = after.map_or(0, u64::from).min(MOST_S);
                            tokio::time::sleep((*wait).max(Duration::from_secs(asked))).await;
                        }
                        None => return Outcome::GiveUp(IN_PART.to_owned()),
                    },
                    _ => return Outcome::GiveUp(IN_PART.to_owned()),
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
            template: template_of(&message.parts),
        })
    }
}

/// The template that a message is, if it is one.
fn template_of(parts: &[Part]) -> Option<Template> {
    parts.iter().find_map(|part| match part {
        Part::Template {
            name,
            language,
            parameters,
        } => Some(Template {
            name: name.clone(),
            language: language.clone(),
            parameters: parameters.clone(),
        }),
        _ => None,
    })
}
