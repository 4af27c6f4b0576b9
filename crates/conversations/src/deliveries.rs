//! The outbox: what is written to customers is sent to the inbox's callback address, signed as Standard Webhooks 1.0 say,
//! or by the platform of the inbox, until it is accepted, fails for good, or the channel's window closes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ring::hmac;
use serde::Serialize;

use crate::calls::Failure;
use crate::mails::TOO_MANY_MAILS;
use crate::platforms::{Connections, IN_PART, Platform};
use crate::responder::hand_off;
use crate::secrets::{SecretError, Vault};
use crate::traffic::{self, DeliveryOutcome};
use crate::writer::{DeskWriter, WriteError};
use ken_base::desk::{
    Author, AuthorKind, Conversation, ConversationId, DeliveryRoute, DeliveryState, Fact,
    IdentityKind, Inbox, InboxId, MessageId, NewEvent, Part, Responder, ResponderReason,
};
use ken_base::domain::WorkspaceId;
use ken_base::outbound;
use ken_store::store::desk::{Delivery, DeskTx, SealedSecrets};
use ken_store::store::{Store, StoreError};

/// Delays before the second, third … attempt, in seconds (Standard Webhooks 1.0, section "Retries"); then it has failed.
const DELAYS_S: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// How long an attempt may take before another process takes it up.
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// The same by a platform, to which a long message takes several requests.
const PLATFORM_LEASE: SignedDuration = SignedDuration::from_secs(120);
/// The time limit of an attempt by a platform.
const PLATFORM_TIMEOUT: Duration = Duration::from_secs(100);
/// The time limit of an attempt.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The time limit for connecting.
const CONNECT: Duration = Duration::from_secs(5);

/// Why a delivery could not be worked on.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The change could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The inbox's secret cannot be opened.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

/// The body of a callback.
#[derive(Serialize)]
struct Callback<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: Timestamp,
    data: CallbackData<'a>,
}

#[derive(Serialize)]
struct CallbackData<'a> {
    inbox_id: &'a InboxId,
    conversation_id: &'a ConversationId,
    message_id: &'a MessageId,
    /// The channel's id of the person.
    user_id: &'a str,
    author: &'a Author,
    parts: &'a [Part],
    answer_id: Option<&'a str>,
}

/// Sends what is due.
#[derive(Clone)]
pub struct Deliveries {
    store: Store,
    writer: DeskWriter,
    vault: Vault,
    client: reqwest::Client,
    connections: Arc<Connections>,
}

impl Deliveries {
    /// Joins the parts that deliveries need.
    ///
    /// # Errors
    /// The HTTP client cannot be built; the message says why.
    pub fn new(
        store: Store,
        writer: DeskWriter,
        vault: Vault,
        connections: Arc<Connections>,
    ) -> Result<Self, String> {
        Ok(Self {
            connections,
            store,
            writer,
            vault,
            client: outbound::client(CONNECT, TIMEOUT)?,
        })
    }

    /// Takes up again what a process was sending when it ended. Only if no other process works on the store.
    ///
    /// # Errors
    /// [`DeliveryError`]; they are due after their time limit.
    pub async fn resume(&self) -> Result<(), DeliveryError> {
        for (workspace, id) in self.store.deliveries_under_way().await? {
            let written = self.writer.write(move |tx| {
                Box::pin(async move {
                    let Some((state, attempt, conversation)) = tx.delivery(&workspace, &id).await?
                    else {
                        return Ok(());
                    };
                    if state == DeliveryState::Sending {
                        let of = tx.conversation(&workspace, &conversation).await?;
                        let again = Fact::DeliveryChanged {
                            message_id: id,
                            state: DeliveryState::Queued,
                            attempt,
                            next_at: Some(tx.now()),
                            error: Some("interrupted".to_owned()),
                        };
                        let again = event(tx, again, of.as_ref());
                        tx.append(&workspace, again).await?;
                    }
                    Ok(())
                })
            });
            written.await?;
        }
        Ok(())
    }

    /// Makes one attempt to deliver a message that is due.
    ///
    /// # Errors
    /// [`DeliveryError`]; the delivery stays due.
    pub async fn deliver(
        &self,
        workspace: &WorkspaceId,
        id: &MessageId,
    ) -> Result<(), DeliveryError> {
        let (of, message) = (workspace.clone(), id.clone());
        let begun = self
            .writer
            .write(move |tx| Box::pin(async move { begin(tx, &of, &message).await }));
        let (attempt, token) = match begun.await? {
            Begun::Attempt(attempt, token) => (attempt, token),
            Begun::Nothing => return Ok(()),
            Begun::Ended(state, inbox) => {
                self.count_end(workspace, state, inbox).await;
                return Ok(());
            }
        };
        let Some(delivery) = self.store.delivery(workspace, id).await? else {
            return Ok(());
        };
        let to = self.destination(workspace, &delivery).await;
        let sent = match &to {
            Ok(to) => self.send(workspace, to, &delivery, token).await,
            Err(failure) => Err(failure.clone()),
        };
        let scheduled = DELAYS_S.get(attempt as usize - 1).copied();
        let outcome = outcome_of(&sent, scheduled.is_some());
        let (state, error, delay) = match (sent, scheduled) {
            (Ok(()), _) => (DeliveryState::Accepted, None, None),
            (Err(Failure::Final(code)), _) => (DeliveryState::Failed, Some(code), None),
            (Err(Failure::Expired), _) => (DeliveryState::Expired, None, None),
            (Err(Failure::Transient(code, _) | Failure::Reconnect(code)), None) => {
                (DeliveryState::Failed, Some(code), None)
            }
            (Err(Failure::Transient(code, after)), Some(delay)) => {
                let delay = after.map_or(delay, |after| delay.max(i64::from(after)));
                (DeliveryState::Queued, Some(code), Some(delay))
            }
            (Err(Failure::Reconnect(code)), Some(delay)) => {
                (DeliveryState::Queued, Some(code), Some(delay))
            }
        };
        let next_at = delay.and_then(|delay| {
            let now = self.store.now();
            now.saturating_add(SignedDuration::from_secs(delay)).ok()
        });
        // The bot may write no more: a person has to.
        let is_for_people = error.as_deref() == Some(TOO_MANY_MAILS);
        let changed = Fact::DeliveryChanged {
            message_id: id.clone(),
            state,
            attempt,
            next_at,
            error,
        };
        let (of, message) = (workspace.clone(), id.clone());
        let written = self.writer.write(move |tx| {
            Box::pin(async move {
                let Some((now, tried, conversation)) = tx.delivery(&of, &message).await? else {
                    return Ok(false);
                };
                // Another process may have taken it up after the lease.
                let is_ours = now == DeliveryState::Sending && tried == attempt;
                if is_ours {
                    let conversation = tx.conversation(&of, &conversation).await?;
                    let changed = event(tx, changed, conversation.as_ref());
                    tx.append(&of, changed).await?;
                    if let (true, Some(conversation)) = (is_for_people, &conversation) {
                        for fact in hand_off(conversation, ResponderReason::NotAnswered) {
                            let handed_off = event(tx, fact, Some(conversation));
                            tx.append(&of, handed_off).await?;
                        }
                    }
                }
                Ok(is_ours)
            })
        });
        if written.await? {
            self.count(to.as_ref().ok(), &delivery, outcome);
        }
        Ok(())
    }

    /// Counts the outcome of an attempt, and how long the message and the customer waited if it was accepted.
    fn count(&self, to: Option<&Destination>, delivery: &Delivery, outcome: DeliveryOutcome) {
        traffic::delivery(to.map(|to| to.inbox.channel), outcome);
        let Some(to) = to.filter(|_| outcome == DeliveryOutcome::Accepted) else {
            return;
        };
        let (channel, now, message) = (to.inbox.channel, self.store.now(), &delivery.message);
        traffic::delivery_time(channel, now.duration_since(message.at));
        let is_reply = message.author.kind != AuthorKind::Agent;
        // What the customer wrote since is not answered by it.
        let asked_at = to.conversation.last_in_at.filter(|at| *at <= message.at);
        if let (true, Some(asked_at)) = (is_reply, asked_at) {
            traffic::reply_time(channel, now.duration_since(asked_at));
        }
    }

    /// Counts a delivery that ended without an attempt.
    async fn count_end(&self, workspace: &WorkspaceId, state: DeliveryState, id: Option<InboxId>) {
        let inbox = match id {
            Some(id) => self.store.inbox(workspace, &id).await.ok().flatten(),
            None => None,
        };
        let channel = inbox.map(|(inbox, _)| inbox.channel);
        if let Some(outcome) = DeliveryOutcome::of(state) {
            traffic::delivery(channel, outcome);
        }
    }

    /// Where a delivery goes.
    async fn destination(
        &self,
        workspace: &WorkspaceId,
        delivery: &Delivery,
    ) -> Result<Destination, Failure> {
        let unavailable = |_: StoreError| Failure::retry("store_unavailable");
        let inbox = self.store.inbox(workspace, &delivery.inbox_id).await;
        let Some((inbox, secrets)) = inbox.map_err(unavailable)? else {
            return Err(Failure::Final("inbox_deleted".to_owned()));
        };
        let conversation = self
            .store
            .conversation(workspace, &delivery.message.conversation_id)
            .await;
        let conversation = conversation.map_err(unavailable)?;
        Ok(Destination {
            inbox,
            secrets,
            conversation: conversation.ok_or_else(|| Failure::retry("store_unavailable"))?,
        })
    }

    async fn send(
        &self,
        workspace: &WorkspaceId,
        to: &Destination,
        delivery: &Delivery,
        token: Option<(String, Timestamp)>,
    ) -> Result<(), Failure> {
        let (message, conversation) = (&delivery.message, &to.conversation);
        let (inbox, secrets) = (&to.inbox, &to.secrets);
        let unavailable = |_: StoreError| Failure::retry("store_unavailable");
        let customer = self
            .store
            .customer(workspace, &conversation.identity_id)
            .await;
        let customer = customer.map_err(unavailable)?;
        let identity = customer
            .iter()
            .find(|one| one.id == conversation.identity_id);
        let user_id = identity.filter(|one| one.kind == IdentityKind::ChannelUser);
        let user_id = user_id.map_or("", |one| one.value.as_str());
        if delivery.route == DeliveryRoute::Platform {
            let has_sent = AtomicBool::new(false);
            let platform = Platform {
                has_sent: &has_sent,
                connections: &self.connections,
                store: &self.store,
                vault: &self.vault,
                client: &self.client,
                workspace,
            };
            let sent = platform.send((inbox, secrets), conversation, user_id, delivery, token);
            let sent = tokio::time::timeout(PLATFORM_TIMEOUT, sent).await;
            return sent.unwrap_or_else(|_| match has_sent.load(Ordering::Acquire) {
                true => Err(Failure::Final(IN_PART.to_owned())),
                false => Err(Failure::retry("timeout")),
            });
        }
        let Some(url) = &inbox.settings.callback_url else {
            return Err(Failure::Final("no_callback_url".to_owned()));
        };
        let secret = self.vault.open(secrets, "webhook_secret");
        // Another key file may be restored.
        let secret = secret.map_err(|_| Failure::retry("sealed_by_another_key"))?;
        let secret = secret.ok_or_else(|| Failure::Final("no_webhook_secret".to_owned()))?;
        let now = Timestamp::now();
        let body = Callback {
            kind: "message.created",
            timestamp: message.at,
            data: CallbackData {
                inbox_id: &delivery.inbox_id,
                conversation_id: &message.conversation_id,
                message_id: &message.id,
                user_id,
                author: &message.author,
                parts: &message.parts,
                answer_id: message.answer_id.as_deref(),
            },
        };
        let body = ken_store::store::to_json(&body);
        let signature = sign(&secret, message.id.as_str(), now.as_second(), &body)
            .ok_or_else(|| Failure::Final("wrong_webhook_secret".to_owned()))?;
        outbound::check(url).map_err(|_| Failure::Final("forbidden_address".to_owned()))?;
        let request = self
            .client
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", message.id.as_str())
            .header("webhook-timestamp", now.as_second().to_string())
            .header("webhook-signature", signature)
            .timeout(TIMEOUT)
            .body(body);
        match request.send().await {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => {
                let status = response.status().as_u16();
                let code = format!("status_{status}");
                match status {
                    408 | 425 | 429 | 500..=599 => Err(Failure::retry(&code)),
                    _ => Err(Failure::Final(code)),
                }
            }
            Err(error) if error.is_timeout() => Err(Failure::retry("timeout")),
            Err(_) => Err(Failure::retry("unreachable")),
        }
    }
}

/// Where a delivery goes.
struct Destination {
    inbox: Inbox,
    secrets: SealedSecrets,
    conversation: Conversation,
}

/// The beginning of an attempt.
enum Begun {
    /// The attempt of this number, with the token for a free reply.
    Attempt(i64, Option<(String, Timestamp)>),
    /// The delivery ended instead, as because the window has closed; with its inbox.
    Ended(DeliveryState, Option<InboxId>),
    /// Nothing is due.
    Nothing,
}

/// The outcome of an attempt.
fn outcome_of(sent: &Result<(), Failure>, is_tried_again: bool) -> DeliveryOutcome {
    match sent {
        Ok(()) => DeliveryOutcome::Accepted,
        Err(Failure::Expired) => DeliveryOutcome::Expired,
        Err(Failure::Final(_)) => DeliveryOutcome::Failed,
        Err(Failure::Transient(..) | Failure::Reconnect(_)) if !is_tried_again => {
            DeliveryOutcome::Failed
        }
        Err(Failure::Transient(..)) => DeliveryOutcome::Retry,
        Err(Failure::Reconnect(_)) => DeliveryOutcome::Reconnect,
    }
}

/// Begins an attempt, unless nothing is due or the delivery has to end.
async fn begin(
    tx: &mut DeskTx,
    workspace: &WorkspaceId,
    id: &MessageId,
) -> Result<Begun, StoreError> {
    let Some(due) = tx.due_delivery(workspace, id).await? else {
        return Ok(Begun::Nothing);
    };
    if due.route == DeliveryRoute::Pull {
        return Ok(Begun::Nothing);
    }
    let now = tx.now();
    let has_expired = due.not_after.is_some_and(|until| until <= now);
    // Somebody may have taken over, or the customer was erased, since an earlier attempt failed.
    let of = tx.conversation(workspace, &due.conversation_id).await?;
    let responder = of.as_ref().map_or(Responder::None, |of| of.responder);
    let is_over = match responder {
        Responder::None => true,
        Responder::Human => due.author == AuthorKind::Bot,
        Responder::Bot => false,
    };
    let lease = match due.route {
        DeliveryRoute::Platform => PLATFORM_LEASE,
        DeliveryRoute::Callback | DeliveryRoute::Pull => LEASE,
    };
    let (state, attempt, next_at) = match (is_over, has_expired) {
        (true, _) => (DeliveryState::Cancelled, due.attempt, None),
        (false, true) => (DeliveryState::Expired, due.attempt, None),
        (false, false) => (
            DeliveryState::Sending,
            due.attempt + 1,
            now.saturating_add(lease).ok(),
        ),
    };
    let changed = Fact::DeliveryChanged {
        message_id: id.clone(),
        state,
        attempt,
        next_at,
        error: None,
    };
    let changed = event(tx, changed, of.as_ref());
    tx.append(workspace, changed).await?;
    if state != DeliveryState::Sending {
        return Ok(Begun::Ended(state, of.map(|of| of.inbox_id)));
    }
    let token = match due.route {
        DeliveryRoute::Platform => tx.take_reply_token(workspace, &due.conversation_id).await?,
        DeliveryRoute::Callback | DeliveryRoute::Pull => None,
    };
    Ok(Begun::Attempt(attempt, token))
}

fn event(tx: &DeskTx, fact: Fact, of: Option<&Conversation>) -> NewEvent {
    NewEvent {
        fact,
        at: tx.now(),
        source: "ken".to_owned(),
        source_id: None,
        identity_id: of.map(|of| of.identity_id.clone()),
        conversation_id: of.map(|of| of.id.clone()),
        actor: "ken".to_owned(),
        cause: None,
    }
}

/// The signature of a body (Standard Webhooks 1.0): `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64. `None` if
/// the secret is none, as [`crate::secrets::webhook_key`] says.
pub fn sign(secret: &str, id: &str, timestamp: i64, body: &str) -> Option<String> {
    let key = crate::secrets::webhook_key(secret)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let signed = hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
    Some(format!(
        "v1,{}",
        crate::secrets::base64_encoded(signed.as_ref())
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification.
    #[test]
    fn signature_equals_the_published_example() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let body = r#"{"test": 2432232314}"#;
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signature = sign(secret, id, 1_614_265_330, body);
        assert_eq!(
            signature.as_deref(),
            Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        );
        assert_eq!(sign("secret", id, 0, body), None);
    }
}
