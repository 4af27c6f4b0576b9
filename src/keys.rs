//! API keys: create, show once, authenticate, revoke.
//!
//! A key is `ken_ID_SECRET`. The id selects the key. The SHA-256 hash of the secret (256 random bits of the system) is
//! compared in constant time. A slow hash protects guessable secrets; these are not guessable.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use subtle::ConstantTimeEq;

use crate::oidc::Oidc;
use ken_base::domain::{ApiKey, KeyRole, Principal, WorkspaceId};
use ken_store::store::{Store, StoreError};
use ken_text::text::sha256_hex;

/// Why a request cannot be authenticated.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The request has no key.
    #[error("missing key: send `Authorization: Bearer ken_…`")]
    Missing,
    /// There is no such session, or it has ended.
    #[error("the session has ended: sign in again")]
    SessionEnded,
    /// The key or token is invalid. The message does not say why.
    #[error("the key is unknown, revoked, expired, or not allowed from this network")]
    Refused,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How long keys are cached. A key that another process revokes works for this long.
const FRESH: Duration = Duration::from_secs(1);
/// How often the last use of a key is recorded.
const NOTED_EVERY: SignedDuration = SignedDuration::from_secs(60);

type CachedKeys = (Instant, Arc<HashMap<String, (ApiKey, String)>>);

/// The keys of all workspaces. Clones share the cache.
#[derive(Clone)]
pub struct KeyRing {
    store: Store,
    oidc: Option<Arc<Oidc>>,
    known: Arc<RwLock<Option<CachedKeys>>>,
    /// When this process last recorded each key's use.
    noted: Arc<Mutex<HashMap<String, Timestamp>>>,
}

impl KeyRing {
    /// Authenticates with the keys of a store.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            oidc: None,
            known: Arc::default(),
            noted: Arc::default(),
        }
    }

    /// Also accepts tokens of an OpenID Connect provider.
    pub fn with_oidc(self, oidc: Option<Arc<Oidc>>) -> Self {
        Self { oidc, ..self }
    }

    /// Creates a key. Returns it with the token that its owner sends; the token is not stored.
    pub async fn create(
        &self,
        workspace: Option<WorkspaceId>,
        role: KeyRole,
        name: &str,
        networks: Vec<IpNet>,
        expires_at: Option<Timestamp>,
    ) -> Result<(ApiKey, String), StoreError> {
        let (id, secret) = (random_hex::<8>(), random_hex::<32>());
        let key = ApiKey {
            id,
            workspace,
            role,
            name: name.to_owned(),
            networks,
            created_at: self.store.now(),
            expires_at,
            revoked_at: None,
            last_used_at: None,
        };
        self.store
            .insert_key(&key, &sha256_hex([secret.as_bytes()]))
            .await?;
        self.invalidate();
        let token = format!("ken_{}_{secret}", key.id);
        Ok((key, token))
    }

    /// Revokes a key permanently. Returns `false` if nothing changed.
    pub async fn revoke(&self, key: &ApiKey) -> Result<bool, StoreError> {
        let done = self.store.revoke_key(key).await?;
        self.invalidate();
        Ok(done)
    }

    /// All keys, including revoked ones, oldest first.
    pub async fn list(&self) -> Result<Vec<ApiKey>, StoreError> {
        let keys = self.store.keys().await?;
        Ok(keys.into_iter().map(|(key, _)| key).collect())
    }

    /// Authenticates the sender of a token from an address. If no key was ever created and no provider is configured,
    /// every caller is an operator; the service then listens on loopback only.
    pub async fn authenticate(
        &self,
        token: Option<&str>,
        from: Option<IpAddr>,
    ) -> Result<Principal, KeyError> {
        if let Some(anyone) = self.anyone().await? {
            return Ok(anyone);
        }
        let token = token.ok_or(KeyError::Missing)?;
        if let Some(oidc) = &self.oidc
            && !token.starts_with("ken_")
        {
            return oidc.authenticate(token).await.ok_or(KeyError::Refused);
        }
        self.authenticate_key(token, from).await
    }

    /// The principal of every caller, an operator, if no key was ever created and no provider is configured.
    pub async fn anyone(&self) -> Result<Option<Principal>, StoreError> {
        let is_open = self.oidc.is_none() && !self.has_keys().await?;
        Ok(is_open.then_some(Principal {
            role: KeyRole::Operator,
            workspace: None,
            key_id: None,
            name: None,
        }))
    }

    /// Whether a key was ever created.
    pub async fn has_keys(&self) -> Result<bool, StoreError> {
        Ok(!self.keys().await?.is_empty())
    }

    /// Authenticates the sender of a key, `ken_ID_SECRET`, from an address.
    pub async fn authenticate_key(
        &self,
        token: &str,
        from: Option<IpAddr>,
    ) -> Result<Principal, KeyError> {
        let keys = self.keys().await?;
        let parts = token.strip_prefix("ken_").and_then(|t| t.split_once('_'));
        let (id, secret) = parts.ok_or(KeyError::Refused)?;
        let found = keys.get(id);
        // An unknown id takes as long as a wrong secret.
        let hash = sha256_hex([secret.as_bytes()]);
        let expected = found.map_or("", |(_, hash)| hash.as_str());
        let is_right = bool::from(hash.as_bytes().ct_eq(expected.as_bytes()));
        let (key, _) = found.filter(|_| is_right).ok_or(KeyError::Refused)?;
        self.admit(key, from)
    }

    /// The principal of a session by the key with this id, from an address.
    pub async fn principal_of(
        &self,
        id: &str,
        from: Option<IpAddr>,
    ) -> Result<Principal, KeyError> {
        let keys = self.keys().await?;
        let (key, _) = keys.get(id).ok_or(KeyError::Refused)?;
        self.admit(key, from)
    }

    /// The principal of a key, unless the key is revoked, expired, or not allowed from the address.
    fn admit(&self, key: &ApiKey, from: Option<IpAddr>) -> Result<Principal, KeyError> {
        let now = self.store.now();
        let is_over = key.revoked_at.is_some() || key.expires_at.is_some_and(|at| at <= now);
        let is_from_here = key.networks.is_empty()
            || from.is_some_and(|from| {
                // An IPv4 address on a dual-stack socket counts as IPv4.
                let from = from.to_canonical();
                key.networks.iter().any(|net| net.contains(&from))
            });
        if is_over || !is_from_here {
            return Err(KeyError::Refused);
        }
        self.record_use(key, now);
        Ok(Principal {
            role: key.role,
            workspace: key.workspace.clone(),
            key_id: Some(key.id.clone()),
            name: Some(format!("{} ({})", key.name, key.id)),
        })
    }

    /// Records the use of a key in the background, at most once a minute. No request waits for it or fails because of
    /// it.
    fn record_use(&self, key: &ApiKey, now: Timestamp) {
        let is_old = |used: Option<Timestamp>| {
            used.is_none_or(|used| now.duration_since(used) >= NOTED_EVERY)
        };
        if !is_old(key.last_used_at) {
            return;
        }
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_old(noted.get(&key.id).copied()) {
            return;
        }
        noted.insert(key.id.clone(), now);
        let (store, id) = (self.store.clone(), key.id.clone());
        tokio::spawn(async move {
            if let Err(error) = store.key_used(&id).await {
                tracing::warn!(%error, "cannot record last use of key");
            }
        });
    }

    async fn keys(&self) -> Result<Arc<HashMap<String, (ApiKey, String)>>, StoreError> {
        let fresh = {
            let known = self.known.read().unwrap_or_else(|p| p.into_inner());
            let fresh = known.as_ref().filter(|(read, _)| read.elapsed() < FRESH);
            fresh.map(|(_, keys)| keys.clone())
        };
        if let Some(keys) = fresh {
            return Ok(keys);
        }
        let keys = self.store.keys().await?.into_iter();
        let keys = Arc::new(
            keys.map(|(key, hash)| (key.id.clone(), (key, hash)))
                .collect(),
        );
        let mut known = self.known.write().unwrap_or_else(|p| p.into_inner());
        *known = Some((Instant::now(), Arc::clone(&keys)));
        Ok(keys)
    }

    /// Clears the cache: the next request reads the keys from the store.
    pub fn invalidate(&self) {
        *self.known.write().unwrap_or_else(|p| p.into_inner()) = None;
    }
}

/// N random bytes of the system, in hexadecimal digits.
pub(crate) fn random_hex<const N: usize>() -> String {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
