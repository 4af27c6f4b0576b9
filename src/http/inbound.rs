//! `POST /v1/inboxes/{id}/messages`: what channels deliver; `GET`: what is to be sent to customers.

use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::attachments::completed;
use super::extract::{Json, Params, Path, Workspace};
use super::inboxes::inbox_of;
use super::page::{DEFAULT_LIMIT, MAX_LIMIT, page_of, parse_position};
use super::problem::{Fault, Problem};
use super::settings::limit_of;
use ken_base::desk::{
    ChannelKind, ClaimBasis, ConsentPurpose, DeliveryState, IdentityKey, IdentityKind, Inbox,
    LinkBasis, Message, MessageId, Part, VerifiedBy,
};
use ken_conversations::intake::{Inbound, InboundKind, Received, Revision};
use ken_customers::identify::{Claim, Proof, Sender};
use ken_customers::normalize::normalized;
use ken_customers::tokens::verified;
use ken_store::store::desk::SealedSecrets;

/// The longest text of a message, in characters.
const MAX_TEXT: usize = 20_000;
/// The most parts of a message.
const MAX_PARTS: usize = 20;
/// The most values of a template's places.
const MAX_PARAMETERS: usize = 20;

/// What a channel delivers. What has the same `id` is stored once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum InboundRequest {
    /// A customer wrote or said something.
    Message {
        /// The channel's id of it, 1 to 256 bytes.
        id: String,
        /// When it was written. Default: now.
        #[schema(value_type = Option<String>, format = DateTime)]
        at: Option<Timestamp>,
        /// Who wrote.
        sender: SenderBody,
        /// The text, 1 to 20,000 characters; or `parts`.
        text: Option<String>,
        /// 1 to 20 parts.
        #[serde(default)]
        parts: Vec<Part>,
        /// Of a transcript of speech: the number of this version of the turn, from 1. A later version replaces an earlier
        /// one; an earlier one that arrives late changes nothing.
        revision: Option<u32>,
        /// Of a transcript of speech: false while the turn is being spoken. Only a final turn is answered.
        #[serde(default = "yes")]
        is_final: bool,
    },
    /// A person of the company wrote to a customer on the channel's own app, and takes over by it.
    Echo {
        /// The channel's id of it, 1 to 256 bytes.
        id: String,
        /// When it was written. Default: now.
        #[schema(value_type = Option<String>, format = DateTime)]
        at: Option<Timestamp>,
        /// The customer.
        sender: SenderBody,
        /// The text, 1 to 20,000 characters; or `parts`.
        text: Option<String>,
        /// 1 to 20 parts.
        #[serde(default)]
        parts: Vec<Part>,
    },
    /// What became of a message to a customer.
    Delivery {
        /// The channel's id of this report, 1 to 256 bytes.
        id: String,
        /// The message.
        message_id: MessageId,
        /// Its state: `accepted`, `delivered`, `read` or `failed`.
        state: DeliveryState,
    },
    /// A customer follows, blocks, or writes a word that the channel reserves.
    Consent {
        /// The channel's id of it, 1 to 256 bytes.
        id: String,
        /// The customer.
        sender: SenderBody,
        /// For what.
        purpose: ConsentPurpose,
        /// Whether it is given.
        granted: bool,
    },
    /// The channel has another id for a customer, as after a change of number.
    Alias {
        /// The channel's id of it, 1 to 256 bytes.
        id: String,
        /// The customer, by the id that is known.
        sender: SenderBody,
        /// The other id.
        user_id: String,
    },
}

fn yes() -> bool {
    true
}

/// A customer as the channel knows them: `user_id`, `token`, or both.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SenderBody {
    /// The channel's id of the person, 1 to 256 bytes; of a call, the caller's number.
    pub user_id: Option<String>,
    /// A token that the company signed for somebody who is signed in: a JSON Web Token (HS256 or ES256) with `sub`, `iat`,
    /// `exp` (at most an hour later) and optionally `name`, `email` and `phone`, which the company has verified.
    pub token: Option<String>,
    /// Name, at most 128 characters.
    pub name: Option<String>,
    /// An address that the customer typed. It is suggested to agents and links nothing.
    pub email: Option<String>,
    /// A number that the customer typed, with its country code. It is suggested to agents and links nothing.
    pub phone: Option<String>,
}

impl SenderBody {
    /// Checks the sender.
    fn parse(self, inbox: &Inbox, identity_key: Option<&str>) -> Result<Sender, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut key = |pointer: &str, own: bool, kind: IdentityKind, value: &str| {
            let value = match normalized(kind, value) {
                Ok(value) => value,
                Err(detail) => {
                    faults.push(Fault::new(format!("/sender/{pointer}"), detail));
                    String::new()
                }
            };
            let inbox = own.then(|| inbox.id.clone());
            IdentityKey { inbox, kind, value }
        };
        let user = self.user_id.as_deref();
        let user = user.map(|id| key("user_id", true, IdentityKind::ChannelUser, id));
        let mut claims = Vec::new();
        for (name, kind, value, basis) in [
            (
                "email",
                IdentityKind::Email,
                &self.email,
                ClaimBasis::TypedEmail,
            ),
            (
                "phone",
                IdentityKind::Phone,
                &self.phone,
                ClaimBasis::TypedPhone,
            ),
        ] {
            if let Some(value) = value {
                let key = key(name, false, kind, value);
                claims.push(Claim { key, basis });
            }
        }
        // A caller's number can be forged, so it is a claim only.
        let is_call = inbox.channel == ChannelKind::Phone;
        if let Some(user) = user.as_ref().filter(|_| is_call)
            && let Ok(value) = normalized(IdentityKind::Phone, &user.value)
        {
            claims.push(Claim {
                key: IdentityKey {
                    inbox: None,
                    kind: IdentityKind::Phone,
                    value,
                },
                basis: ClaimBasis::TypedPhone,
            });
        }
        if let Some(name) = &self.name {
            faults.extend(Fault::bounded("/sender/name", name, 128));
        }
        let signed = match &self.token {
            None => None,
            Some(token) => {
                let sender = verified(token, identity_key).and_then(|claims| claims.sender());
                let fault =
                    |error: &dyn std::fmt::Display| Fault::new("/sender/token", error.to_string());
                sender.map_err(|error| faults.push(fault(&error))).ok()
            }
        };
        if self.token.is_none() && user.is_none() {
            faults.push(Fault::new("/sender", "expected user_id, token, or both"));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        // Of a call the token says who it is: the number that called is no proof of anybody.
        let user = user.filter(|_| !(is_call && signed.is_some()));
        let mut sender = match (user, signed) {
            (Some(key), signed) => {
                let verified_by = (!is_call).then_some(VerifiedBy::Provider);
                let mut proofs = Vec::new();
                let mut display_name = String::new();
                if let Some(signed) = signed {
                    proofs.push(Proof {
                        key: signed.key,
                        verified_by: VerifiedBy::SignedToken,
                        basis: LinkBasis::SameToken,
                    });
                    proofs.extend(signed.proofs);
                    display_name = signed.display_name;
                }
                Sender {
                    key,
                    verified_by,
                    display_name,
                    proofs,
                    claims: Vec::new(),
                }
            }
            (None, Some(signed)) => signed,
            (None, None) => return Err(vec![Fault::new("/sender", "expected user_id or token")]),
        };
        sender.claims = claims;
        if let Some(name) = self.name {
            sender.display_name = name.trim().to_owned();
        }
        Ok(sender)
    }
}

/// The parts of a message: its text, or the given ones.
pub fn parts_of(text: Option<String>, parts: Vec<Part>) -> Result<Vec<Part>, Vec<Fault>> {
    let mut faults = Vec::new();
    let parts = match (text, parts) {
        (Some(text), parts) if parts.is_empty() => {
            faults.extend(Fault::bounded("/text", &text, MAX_TEXT));
            vec![Part::Text { text }]
        }
        (None, parts) => parts,
        (Some(_), _) => {
            faults.push(Fault::new("/parts", "expected text or parts, found both"));
            Vec::new()
        }
    };
    if faults.is_empty() && !(1..=MAX_PARTS).contains(&parts.len()) {
        let detail = format!(
            "expected text, or 1 to {MAX_PARTS} parts, found {}",
            parts.len()
        );
        faults.push(Fault::new("/parts", detail));
    }
    for (at, part) in parts.iter().enumerate() {
        match part {
            Part::Text { text } if faults.is_empty() => {
                let pointer = format!("/parts/{at}/text");
                faults.extend(Fault::bounded(&pointer, text, MAX_TEXT));
            }
            Part::Location {
                latitude,
                longitude,
            } => {
                if !(-90.0..=90.0).contains(latitude) || !(-180.0..=180.0).contains(longitude) {
                    let detail = "expected -90 to 90 degrees north and -180 to 180 degrees east";
                    faults.push(Fault::new(format!("/parts/{at}"), detail));
                }
            }
            Part::Other {
                kind,
                media_id,
                name,
            } => {
                faults.extend(Fault::bounded(&format!("/parts/{at}/kind"), kind, 64));
                if media_id.is_some() || name.is_some() {
                    let detail = "expected kind alone; send a file as an attachment";
                    faults.push(Fault::new(format!("/parts/{at}"), detail));
                }
            }
            Part::Subject { text, .. } => {
                faults.extend(Fault::bounded(&format!("/parts/{at}/text"), text, 500));
            }
            Part::Template {
                name,
                language,
                parameters,
            } => {
                let place = |name: &str| format!("/parts/{at}/{name}");
                faults.extend(Fault::bounded(&place("name"), name, 512));
                faults.extend(Fault::bounded(&place("language"), language, 16));
                if parameters.len() > MAX_PARAMETERS {
                    let detail = format!(
                        "expected at most {MAX_PARAMETERS}, found {}",
                        parameters.len()
                    );
                    faults.push(Fault::new(place("parameters"), detail));
                }
                for (n, value) in parameters.iter().enumerate() {
                    faults.extend(Fault::bounded(
                        &place(&format!("parameters/{n}")),
                        value,
                        1_024,
                    ));
                }
            }
            Part::Text { .. } | Part::Attachment { .. } => {}
        }
    }
    match faults.is_empty() {
        true => Ok(parts),
        false => Err(faults),
    }
}

/// What became of a delivery of a channel.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboundResponse {
    /// Whether it was stored before, or changes nothing.
    pub is_known: bool,
    /// The message, if it is one.
    pub message_id: Option<String>,
    /// Its conversation.
    pub conversation_id: Option<String>,
    /// The number of its event; null if it is known.
    pub seq: Option<i64>,
}

impl From<Received> for InboundResponse {
    fn from(received: Received) -> Self {
        match received {
            Received::Known => Self {
                is_known: true,
                message_id: None,
                conversation_id: None,
                seq: None,
            },
            Received::New {
                message_id,
                conversation_id,
                seq,
            } => Self {
                is_known: false,
                message_id: message_id.map(String::from),
                conversation_id: conversation_id.map(String::from),
                seq: Some(seq),
            },
        }
    }
}

impl InboundRequest {
    /// Checks what is delivered: its id, its time and what it is.
    fn parse(
        self,
        inbox: &Inbox,
        identity_key: Option<&str>,
        now: Timestamp,
    ) -> Result<(String, Timestamp, InboundKind), Vec<Fault>> {
        let mut faults = Vec::new();
        let mut sender_of = |sender: SenderBody| match sender.parse(inbox, identity_key) {
            Ok(sender) => Some(sender),
            Err(found) => {
                faults.extend(found);
                None
            }
        };
        let mut wrong_parts = Vec::new();
        let mut checked = |text: Option<String>, parts: Vec<Part>| match parts_of(text, parts) {
            Ok(parts) => parts,
            Err(found) => {
                wrong_parts.extend(found);
                Vec::new()
            }
        };
        let (id, at, what) = match self {
            Self::Message {
                id,
                at,
                sender,
                text,
                parts,
                revision,
                is_final,
            } => {
                let parts = checked(text, parts);
                let revision = Revision {
                    number: revision.unwrap_or(0),
                    is_final,
                };
                let what = sender_of(sender).map(|sender| InboundKind::Message {
                    sender,
                    parts,
                    revision,
                    needs_person: false,
                });
                (id, at, what)
            }
            Self::Echo {
                id,
                at,
                sender,
                text,
                parts,
            } => {
                let parts = checked(text, parts);
                let what = sender_of(sender).map(|to| InboundKind::Echo { to, parts });
                (id, at, what)
            }
            Self::Delivery {
                id,
                message_id,
                state,
            } => {
                let is_report = matches!(
                    state,
                    DeliveryState::Accepted
                        | DeliveryState::Delivered
                        | DeliveryState::Read
                        | DeliveryState::Failed
                );
                if !is_report {
                    let detail = "expected accepted, delivered, read or failed";
                    faults.push(Fault::new("/state", detail));
                }
                (id, None, Some(InboundKind::Delivery { message_id, state }))
            }
            Self::Consent {
                id,
                sender,
                purpose,
                granted,
            } => {
                let what = sender_of(sender).map(|sender| InboundKind::Consent {
                    sender,
                    purpose,
                    granted,
                });
                (id, None, what)
            }
            Self::Alias {
                id,
                sender,
                user_id,
            } => {
                let sender = sender_of(sender);
                if inbox.channel == ChannelKind::Phone {
                    let detail =
                        "an inbox of the channel phone has no aliases: numbers prove nobody";
                    faults.push(Fault::new("/type", detail));
                }
                let value = match normalized(IdentityKind::ChannelUser, &user_id) {
                    Ok(value) => value,
                    Err(detail) => {
                        faults.push(Fault::new("/user_id", detail));
                        String::new()
                    }
                };
                let alias = IdentityKey {
                    inbox: Some(inbox.id.clone()),
                    kind: IdentityKind::ChannelUser,
                    value,
                };
                let what = sender.map(|sender| InboundKind::Alias { sender, alias });
                (id, None, what)
            }
        };
        faults.extend(wrong_parts);
        if !(1..=256).contains(&id.len()) {
            let detail = format!("expected 1 to 256 bytes, found {}", id.len());
            faults.push(Fault::new("/id", detail));
        }
        match what.filter(|_| faults.is_empty()) {
            Some(what) => Ok((id, at.unwrap_or(now), what)),
            None => Err(faults),
        }
    }
}

/// Deliver what a customer wrote, or what else a channel reports. It is durable when the reply comes; deliver it again after
/// any other reply than 200, 404 or 422.
#[utoipa::path(
    post, path = "/v1/inboxes/{id}/messages", tag = "desk", request_body = InboundRequest,
    params(("id" = String, Path, description = "The inbox's id")),
    responses(
        (status = 200, body = InboundResponse), (status = 404, body = Problem), (status = 422, body = Problem),
    )
)]
pub async fn post_inbound(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
    Json(request): Json<InboundRequest>,
) -> Result<axum::Json<InboundResponse>, Problem> {
    let (inbox, secrets) = inbox_of(&state, &workspace, &id).await?;
    let identity_key = identity_key(&state, &secrets).await?;
    let now = state.app.store.now();
    let parsed = request.parse(&inbox, identity_key.as_deref(), now);
    let (provider_id, at, what) = parsed.map_err(Problem::invalid)?;
    let what = match what {
        InboundKind::Message {
            sender,
            parts,
            revision,
            needs_person,
        } => InboundKind::Message {
            sender,
            parts: completed(&state, &workspace, parts).await?,
            revision,
            needs_person,
        },
        InboundKind::Echo { to, parts } => InboundKind::Echo {
            to,
            parts: completed(&state, &workspace, parts).await?,
        },
        what => what,
    };
    let received = state.app.desk.receive(Inbound {
        workspace,
        inbox: Arc::new(inbox),
        provider_id,
        at,
        what,
    });
    Ok(axum::Json(received.await?.into()))
}

/// The key that verifies tokens of an inbox.
pub async fn identity_key(
    state: &AppState,
    secrets: &SealedSecrets,
) -> Result<Option<String>, Problem> {
    if !secrets.contains_key("identity_key") {
        return Ok(None);
    }
    let vault = state.app.desk.vault().await?;
    Ok(vault.open(secrets, "identity_key")?)
}

/// Query parameters of `GET /v1/inboxes/{id}/messages`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct OutboundParams {
    /// Return only later messages: `next` of the previous page, or the `seq` of a message.
    after: Option<String>,
    /// 1 to 200; default 100.
    limit: Option<i64>,
}

/// Messages to the customers of an inbox.
#[derive(Debug, Serialize, ToSchema)]
pub struct OutboundResponse {
    /// In the order in which they were written.
    pub messages: Vec<Message>,
    /// Pass as `after` to get the next page; null on the last page.
    pub next: Option<String>,
}

/// Read what is to be sent to the customers of an inbox, in order, for a channel that has no callback. Report what became of
/// each by `POST`.
#[utoipa::path(
    get, path = "/v1/inboxes/{id}/messages", tag = "desk",
    params(("id" = String, Path, description = "The inbox's id"), OutboundParams),
    responses(
        (status = 200, body = OutboundResponse), (status = 404, body = Problem), (status = 422, body = Problem),
    )
)]
pub async fn list_outbound(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
    Params(params): Params<OutboundParams>,
) -> Result<axum::Json<OutboundResponse>, Problem> {
    let limit = limit_of(params.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let after = parse_position(params.after.as_deref())?;
    let (inbox, _) = inbox_of(&state, &workspace, &id).await?;
    let store = &state.app.store;
    let found = store.outbound_messages(&workspace, &inbox.id, after, limit + 1);
    let limit = usize::try_from(limit).unwrap_or(0);
    let (messages, next) = page_of(found.await?, limit, |message| message.seq.to_string());
    Ok(axum::Json(OutboundResponse { messages, next }))
}
