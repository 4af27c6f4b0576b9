//! [`Session`]s of the console, and sign-ins at a provider that are not finished.

use jiff::Timestamp;

use super::{KeyRole, WorkspaceId};

/// A session of the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The key's id, or `oidc SUBJECT`; equal to [`super::Principal::key_id`].
    pub owner: String,
    /// The workspace; `None` for an operator.
    pub workspace: Option<WorkspaceId>,
    /// Role and name from the provider. `None` for a session by key, which has those of the key.
    pub person: Option<(KeyRole, String)>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was used last, to the minute.
    pub last_seen_at: Timestamp,
    /// When it ends, even if it is used.
    pub expires_at: Timestamp,
}

/// A sign-in that waits for the provider's reply. It has no `Debug`: the verifier is a secret until it is used.
pub struct PendingSignIn {
    /// The nonce that the id token has to contain.
    pub nonce: String,
    /// The code verifier (RFC 7636).
    pub verifier: String,
    /// The path of the console to open afterwards.
    pub next: String,
    /// When it is no longer accepted.
    pub expires_at: Timestamp,
}
