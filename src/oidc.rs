//! Authenticates bearer tokens of an OpenID Connect provider, in place of keys: signed JSON Web Tokens with claims for
//! subject, role and workspace.

use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use ken_base::config::AuthConfig;
use ken_base::domain::{KeyRole, Principal, WorkspaceId};
use ken_base::outbound;

/// Why the provider cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The HTTP client could not be created.
    #[error("cannot create HTTP client: {0}")]
    Client(String),
    /// A document of the provider could not be fetched or is invalid.
    #[error("cannot fetch {address}: {detail}")]
    Fetch {
        /// The address.
        address: String,
        /// The cause.
        detail: String,
    },
}

/// How long the provider's keys are cached.
const FRESH: Duration = Duration::from_secs(600);
/// The least time between two fetches of the keys.
const ASKED_EVERY: Duration = Duration::from_secs(10);
/// The allowed clock difference.
const LEEWAY_S: u64 = 30;
/// The time limit for connecting.
const CONNECT: Duration = Duration::from_secs(3);
/// The time limit without received data.
const SILENCE: Duration = Duration::from_secs(5);
/// The largest document of a provider, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// Verifies tokens by the provider's keys and the configured claims.
pub struct Oidc {
    config: AuthConfig,
    client: reqwest::Client,
    keys: RwLock<Option<Fetched>>,
    /// The time of the last fetch. While one request fetches, the others wait for its result.
    fetching: Mutex<Option<Instant>>,
}

struct Fetched {
    at: Instant,
    keys: JwkSet,
}

#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    jwks_uri: String,
}

impl Oidc {
    /// Creates the client; `None` if no provider is configured.
    pub fn new(config: &AuthConfig) -> Result<Option<Self>, OidcError> {
        if config.issuer.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            client: outbound::client(CONNECT, SILENCE).map_err(OidcError::Client)?,
            config: config.clone(),
            keys: RwLock::default(),
            fetching: Mutex::default(),
        }))
    }

    /// Returns the token's principal. `None` if the token is unsigned, signed with another key, expired, for another
    /// audience, or without a valid role.
    pub async fn authenticate(&self, token: &str) -> Option<Principal> {
        let header = decode_header(token).ok()?;
        let key = self.key(header.kid.as_deref()).await?;
        let algorithms = algorithms(&key);
        // The key determines the algorithm, never the token.
        if !algorithms.contains(&header.alg) {
            return None;
        }
        let mut validation = Validation::new(header.alg);
        validation.algorithms = algorithms.to_vec();
        validation.leeway = LEEWAY_S;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.config.issuer]);
        validation.set_audience(&[&self.config.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let key = DecodingKey::from_jwk(&key).ok()?;
        let claims = decode::<Map<String, Value>>(token, &key, &validation).ok()?;
        self.principal(&claims.claims)
    }

    fn principal(&self, claims: &Map<String, Value>) -> Option<Principal> {
        let roles = match claims.get(&self.config.role_claim)? {
            Value::String(role) => vec![role.as_str()],
            Value::Array(roles) => roles.iter().filter_map(Value::as_str).collect(),
            _ => return None,
        };
        // The first role that Ken knows; providers add roles of other systems.
        let role = roles.into_iter().find_map(KeyRole::parse)?;
        let workspace = claims.get(&self.config.workspace_claim);
        let workspace = workspace.and_then(Value::as_str);
        let workspace = workspace.and_then(|name| WorkspaceId::parse(name).ok());
        if (role == KeyRole::Operator) != workspace.is_none() {
            return None;
        }
        let subject = claims.get("sub").and_then(Value::as_str)?;
        Some(Principal {
            role,
            workspace,
            key_id: Some(format!("oidc {subject}")),
            name: Some(format!("{subject} (oidc)")),
        })
    }

    /// The provider's key with this id; without an id, its only key.
    async fn key(&self, name: Option<&str>) -> Option<Jwk> {
        if let Some(key) = self.known(name, FRESH) {
            return Some(key);
        }
        let mut last_fetch = self.fetching.lock().await;
        // Another request may have fetched them meanwhile.
        if let Some(key) = self.known(name, FRESH) {
            return Some(key);
        }
        if last_fetch.is_none_or(|at| at.elapsed() >= ASKED_EVERY) {
            *last_fetch = Some(Instant::now());
            match self.fetch().await {
                Ok(keys) => {
                    let at = Instant::now();
                    let mut known = self.keys.write().unwrap_or_else(PoisonError::into_inner);
                    *known = Some(Fetched { at, keys });
                }
                Err(error) => tracing::error!(%error, "cannot fetch provider keys"),
            }
        }
        // If the provider is unavailable, cached keys are valid for a day.
        self.known(name, FRESH * 144)
    }

    fn known(&self, name: Option<&str>, no_older: Duration) -> Option<Jwk> {
        let known = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let fetched = known.as_ref().filter(|of| of.at.elapsed() < no_older)?;
        match (name, fetched.keys.keys.as_slice()) {
            (Some(name), _) => fetched.keys.find(name).cloned(),
            (None, [only]) => Some(only.clone()),
            (None, _) => None,
        }
    }

    /// Fetches the provider's keys.
    ///
    /// The provider is unavailable, or its reply is not a key set of the configured issuer.
    pub async fn fetch(&self) -> Result<JwkSet, OidcError> {
        let address = match &self.config.jwks_url {
            Some(address) => address.clone(),
            None => {
                let issuer = self.config.issuer.trim_end_matches('/');
                let address = format!("{issuer}/.well-known/openid-configuration");
                let discovered: Discovered = self.get(&address).await?;
                let wrong = |detail: String| OidcError::Fetch {
                    address: address.clone(),
                    detail,
                };
                if discovered.issuer != self.config.issuer {
                    return Err(wrong(format!(
                        "expected issuer {1:?}, found {0:?}",
                        discovered.issuer, self.config.issuer
                    )));
                }
                outbound::check(&discovered.jwks_uri).map_err(wrong)?;
                discovered.jwks_uri
            }
        };
        self.get(&address).await
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, address: &str) -> Result<T, OidcError> {
        let failed = |detail: String| OidcError::Fetch {
            address: address.to_owned(),
            detail,
        };
        let sent = self.client.get(address).send().await;
        let mut response = sent
            .and_then(reqwest::Response::error_for_status)
            .map_err(|error| failed(error.without_url().to_string()))?;
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|e| failed(e.to_string()))? {
            body.extend_from_slice(&piece);
            if body.len() > MAX_BYTES {
                return Err(failed(format!("response exceeds {MAX_BYTES} bytes")));
            }
        }
        serde_json::from_slice(&body).map_err(|error| failed(error.to_string()))
    }
}

/// The algorithms of a key. Symmetric ones are never allowed.
fn algorithms(key: &Jwk) -> &'static [Algorithm] {
    match &key.algorithm {
        AlgorithmParameters::RSA(_) => &[
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::PS384,
            Algorithm::PS512,
        ],
        AlgorithmParameters::EllipticCurve(_) => &[Algorithm::ES256, Algorithm::ES384],
        AlgorithmParameters::OctetKeyPair(_) => &[Algorithm::EdDSA],
        _ => &[],
    }
}
