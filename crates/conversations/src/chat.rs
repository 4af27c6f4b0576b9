//! Sessions of the web chat: a sealed token that names the visitor, so that no table holds sessions.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::secrets::{SecretError, Vault};
use ken_base::desk::{IdentityKey, IdentityKind, InboxId, VerifiedBy};
use ken_base::digest::sha256_hex;
use ken_base::domain::WorkspaceId;
use ken_customers::identify::Sender;
use ken_store::store::desk::SealedSecrets;

/// The name under which session tokens are sealed.
const NAME: &str = "chat_session";

/// Who writes in a web chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visitor {
    /// A visitor who has not signed in, by a random id.
    Anonymous(String),
    /// Somebody who is signed in at the company, by the company's id of them.
    SignedIn(String),
}

impl Visitor {
    /// A new visitor.
    pub fn new() -> Self {
        Self::Anonymous(Uuid::new_v4().simple().to_string())
    }
}

impl Default for Visitor {
    fn default() -> Self {
        Self::new()
    }
}

/// A session of a web chat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatSession {
    /// The workspace of the inbox.
    pub workspace: WorkspaceId,
    /// The inbox, of the channel `web`.
    pub inbox_id: InboxId,
    /// Who writes.
    pub visitor: Visitor,
    /// Until when it is valid.
    pub expires_at: Timestamp,
}

/// The token is none of this service, or has expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session is unknown or has expired")]
pub struct InvalidSession;

impl ChatSession {
    /// The key of the visitor's identity.
    pub fn key(&self) -> IdentityKey {
        match &self.visitor {
            Visitor::Anonymous(id) => IdentityKey {
                inbox: Some(self.inbox_id.clone()),
                kind: IdentityKind::Anonymous,
                value: id.clone(),
            },
            Visitor::SignedIn(id) => IdentityKey {
                inbox: None,
                kind: IdentityKind::ExternalId,
                value: id.clone(),
            },
        }
    }

    /// The visitor's id, for limits and for the ids of messages.
    pub fn visitor_id(&self) -> String {
        match &self.visitor {
            Visitor::Anonymous(id) => id.clone(),
            // The company's ids are personal.
            Visitor::SignedIn(id) => sha256_hex([id.as_bytes()])[..32].to_owned(),
        }
    }

    /// The visitor as the sender of a message.
    pub fn sender(&self) -> Sender {
        let verified_by = match &self.visitor {
            Visitor::Anonymous(_) => None,
            Visitor::SignedIn(_) => Some(VerifiedBy::SignedToken),
        };
        Sender {
            key: self.key(),
            verified_by,
            display_name: String::new(),
            proofs: Vec::new(),
            claims: Vec::new(),
        }
    }

    /// The token of the session.
    ///
    /// # Errors
    /// [`SecretError::NoRandomness`].
    pub fn token(&self, vault: &Vault) -> Result<String, SecretError> {
        let text = serde_json::to_string(self).expect("a session is plain data");
        vault.seal(NAME, &text)
    }

    /// The session of a token.
    ///
    /// # Errors
    /// [`InvalidSession`] if another service sealed it, it was altered, or it has expired at `now`.
    pub fn open(token: &str, vault: &Vault, now: Timestamp) -> Result<Self, InvalidSession> {
        let sealed = SealedSecrets::from([(NAME.to_owned(), token.to_owned())]);
        let text = vault.open(&sealed, NAME).ok().flatten();
        let session = text.and_then(|text| serde_json::from_str::<Self>(&text).ok());
        session
            .filter(|session| session.expires_at > now)
            .ok_or(InvalidSession)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_opens_until_it_expires_and_only_unaltered() {
        let vault = Vault::of_key(&[3; 32]).unwrap();
        let ends: Timestamp = "2026-11-30T00:00:00Z".parse().unwrap();
        let session = ChatSession {
            workspace: WorkspaceId::parse("shop").unwrap(),
            inbox_id: InboxId::parse("site").unwrap(),
            visitor: Visitor::new(),
            expires_at: ends,
        };
        let token = session.token(&vault).unwrap();
        let before: Timestamp = "2026-11-29T23:59:59Z".parse().unwrap();
        let open = |token: &str, vault: &Vault, at| ChatSession::open(token, vault, at);
        assert_eq!(open(&token, &vault, before), Ok(session));
        assert_eq!(open(&token, &vault, ends), Err(InvalidSession));
        let other = Vault::of_key(&[4; 32]).unwrap();
        assert_eq!(open(&token, &other, before), Err(InvalidSession));
        let altered = token.replacen(
            &token[20..21],
            if &token[20..21] == "A" { "B" } else { "A" },
            1,
        );
        assert_eq!(open(&altered, &vault, before), Err(InvalidSession));
        // An inbox's secret is no session, although the same key sealed it.
        let secret = vault.seal("webhook_secret", "{}").unwrap();
        assert_eq!(open(&secret, &vault, before), Err(InvalidSession));
    }
}
