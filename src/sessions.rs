//! Sessions of the console: sign in by a key or at the OpenID Connect provider, authenticate, sign out.
//!
//! A session's token (256 random bits) is in the browser's cookie; the store has its SHA-256. A session by key has the
//! role and workspace of the key and is valid only while the key is, from the same networks.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::SignedDuration;

use crate::keys::{KeyError, KeyRing, random_hex};
use crate::oidc::{CodeFlow, Oidc, OidcError};
use ken_base::actor::as_actor;
use ken_base::domain::{PendingSignIn, Principal, Session};
use ken_store::store::{Store, StoreError};
use ken_text::text::sha256_hex;

/// How long a session lasts even if it is used: a working day with its breaks. Nobody signs in twice a day, and a
/// stolen cookie is worthless the next day.
pub const ABSOLUTE: SignedDuration = SignedDuration::from_hours(12);
/// How long a session lasts without a request: a long lunch. An unattended browser is signed out after it.
pub const IDLE: SignedDuration = SignedDuration::from_hours(2);
/// How often the use of a session is recorded, so that a request rarely writes.
const NOTED_EVERY: SignedDuration = SignedDuration::from_secs(60);
/// How long a person may take to sign in at the provider, including a second factor.
pub const SIGN_IN: SignedDuration = SignedDuration::from_mins(10);

/// Why a sign-in failed.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Nobody needs to sign in.
    #[error("no key exists and no provider is configured, so nobody needs to sign in")]
    NotNeeded,
    /// The key is invalid.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// `auth.client_id` is not set.
    #[error("sign-in with OpenID Connect is not configured: set auth.issuer and auth.client_id")]
    NotConfigured,
    /// The sign-in is unknown, was finished before, or took too long.
    #[error("the sign-in was finished before, took too long, or was started in another browser")]
    Expired,
    /// The provider's token is invalid, or has no role and workspace for Ken.
    #[error("the provider's token is invalid, or has no role and workspace for Ken")]
    Refused,
    /// The provider is unavailable.
    #[error(transparent)]
    Provider(#[from] OidcError),
}

impl From<StoreError> for SignInError {
    fn from(error: StoreError) -> Self {
        Self::Key(error.into())
    }
}

/// A new session.
pub struct SignedIn {
    /// The token for the cookie; it is not stored.
    pub token: String,
    /// The principal of the session.
    pub principal: Principal,
}

/// Signs people in to the console and out.
pub struct Sessions {
    store: Store,
    keys: KeyRing,
    oidc: Option<Arc<Oidc>>,
}

impl Sessions {
    /// Sessions of a store by its keys, and by people of a provider if one is configured.
    pub fn new(store: Store, keys: KeyRing, oidc: Option<Arc<Oidc>>) -> Self {
        Self { store, keys, oidc }
    }

    /// Whether people can sign in at the provider.
    pub fn has_oidc(&self) -> bool {
        self.code_flow().is_some()
    }

    fn code_flow(&self) -> Option<&Oidc> {
        self.oidc.as_deref().filter(|oidc| oidc.has_code_flow())
    }

    /// Signs in by a key, from an address.
    pub async fn sign_in(&self, key: &str, from: Option<IpAddr>) -> Result<SignedIn, SignInError> {
        if self.keys.anyone().await?.is_some() {
            return Err(SignInError::NotNeeded);
        }
        let principal = self.keys.authenticate_key(key, from).await?;
        self.create(principal, false).await
    }

    /// Starts a sign-in at the provider that opens the path `next` at its end. Returns the address of the provider's
    /// page and the state, which the browser has to present at the end.
    pub async fn begin(
        &self,
        next: String,
        redirect_uri: &str,
    ) -> Result<(String, String), SignInError> {
        let oidc = self.code_flow().ok_or(SignInError::NotConfigured)?;
        let state = random_hex::<32>();
        let sign_in = PendingSignIn {
            nonce: random_hex::<32>(),
            verifier: random_hex::<32>(),
            next,
            expires_at: self.store.now() + SIGN_IN,
        };
        let url = oidc
            .authorization_url(&flow_of(&sign_in, redirect_uri), &state)
            .await?;
        self.store.insert_sign_in(&sign_in, &hash(&state)).await?;
        Ok((url, state))
    }

    /// Finishes a sign-in by the provider's code. Returns the session and the path to open. A state is accepted once.
    pub async fn finish(
        &self,
        state: &str,
        code: &str,
        redirect_uri: &str,
    ) -> Result<(SignedIn, String), SignInError> {
        let oidc = self.code_flow().ok_or(SignInError::NotConfigured)?;
        let sign_in = self.store.take_sign_in(&hash(state)).await?;
        let sign_in = sign_in.ok_or(SignInError::Expired)?;
        let flow = flow_of(&sign_in, redirect_uri);
        let principal = oidc.exchange(&flow, code).await?;
        let principal = principal.ok_or(SignInError::Refused)?;
        Ok((self.create(principal, true).await?, sign_in.next))
    }

    async fn create(&self, principal: Principal, is_person: bool) -> Result<SignedIn, SignInError> {
        let (Some(owner), Some(name)) = (principal.key_id.clone(), principal.name.clone()) else {
            return Err(SignInError::NotNeeded);
        };
        let now = self.store.now();
        let session = Session {
            owner,
            workspace: principal.workspace.clone(),
            person: is_person.then(|| (principal.role, name.clone())),
            created_at: now,
            last_seen_at: now,
            expires_at: now + ABSOLUTE,
        };
        let token = random_hex::<32>();
        let storing = async { self.store.insert_session(&session, &hash(&token)).await };
        as_actor(name, storing).await?;
        Ok(SignedIn { token, principal })
    }

    /// Authenticates the sender of a session's token from an address.
    pub async fn authenticate(
        &self,
        token: &str,
        from: Option<IpAddr>,
    ) -> Result<Principal, KeyError> {
        if let Some(anyone) = self.keys.anyone().await? {
            return Ok(anyone);
        }
        let hash = hash(token);
        let session = self.store.session(&hash).await?;
        let session = session.ok_or(KeyError::SessionEnded)?;
        let now = self.store.now();
        let unused = now.duration_since(session.last_seen_at);
        if session.expires_at <= now || unused >= IDLE {
            return Err(KeyError::SessionEnded);
        }
        let principal = match session.person {
            // Without the provider, nobody can sign in by it any more.
            Some(_) if !self.has_oidc() => return Err(KeyError::SessionEnded),
            Some((role, name)) => Principal {
                role,
                workspace: session.workspace,
                key_id: Some(session.owner),
                name: Some(name),
            },
            None => match self.keys.principal_of(&session.owner, from).await {
                Err(KeyError::Refused) => return Err(KeyError::SessionEnded),
                principal => principal?,
            },
        };
        if unused >= NOTED_EVERY
            && let Err(error) = self.store.session_seen(&hash).await
        {
            tracing::warn!(%error, "cannot record last use of session");
        }
        Ok(principal)
    }

    /// The number of the principal's sessions that have not ended.
    pub async fn count(&self, principal: &Principal) -> Result<u64, StoreError> {
        match &principal.key_id {
            Some(owner) => self.store.count_sessions(owner, IDLE).await,
            None => Ok(0),
        }
    }

    /// Ends the session with this token. Returns `false` if there is none.
    pub async fn end(&self, token: &str) -> Result<bool, StoreError> {
        self.store.end_session(&hash(token)).await
    }

    /// Ends all sessions of the principal's key, or of the same person. Returns their number.
    pub async fn end_all(&self, principal: &Principal) -> Result<u64, StoreError> {
        let workspace = principal.workspace.as_ref();
        match &principal.key_id {
            Some(owner) => self.store.end_sessions_of(owner, workspace).await,
            None => Ok(0),
        }
    }
}

fn flow_of<'a>(sign_in: &'a PendingSignIn, redirect_uri: &'a str) -> CodeFlow<'a> {
    CodeFlow {
        redirect_uri,
        nonce: &sign_in.nonce,
        verifier: &sign_in.verifier,
    }
}

fn hash(token: &str) -> String {
    sha256_hex([token.as_bytes()])
}
