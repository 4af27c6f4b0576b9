//! Authenticates people by an OpenID Connect provider, in place of keys: by bearer tokens (signed JSON Web Tokens with
//! claims for subject, role and workspace), and by the authorization code flow with PKCE for the console.

use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use ken_base::config::{AuthConfig, Secret};
use ken_base::digest::sha256;
use ken_base::domain::{KeyRole, Principal, WorkspaceId};
use ken_base::outbound;

/// Why the provider cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The HTTP client could not be created.
    #[error("cannot create HTTP client: {0}")]
    Client(String),
    /// The client secret cannot be read.
    #[error("auth.client_secret_file: {0}")]
    Secret(#[from] std::io::Error),
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
    secret: Option<Secret>,
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
    #[serde(default)]
    authorization_endpoint: String,
    #[serde(default)]
    token_endpoint: String,
    /// `client_secret_basic`, if the provider names none (OpenID Connect Discovery 1.0, section 3).
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// The token endpoint's reply; Ken uses nothing else of it.
#[derive(Deserialize)]
struct TokenReply {
    id_token: String,
}

/// What a sign-in sends to the provider at its start and again at its end.
pub struct CodeFlow<'a> {
    /// The address of Ken that the provider sends the browser back to.
    pub redirect_uri: &'a str,
    /// The value that the id token has to contain.
    pub nonce: &'a str,
    /// The code verifier (RFC 7636).
    pub verifier: &'a str,
}

impl Oidc {
    /// Creates the client; `None` if no provider is configured.
    pub fn new(config: &AuthConfig) -> Result<Option<Self>, OidcError> {
        if config.issuer.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            client: outbound::client(CONNECT, SILENCE).map_err(OidcError::Client)?,
            secret: Secret::read(
                config.client_secret.as_ref(),
                config.client_secret_file.as_deref(),
            )?,
            config: config.clone(),
            keys: RwLock::default(),
            fetching: Mutex::default(),
        }))
    }

    /// Returns the token's principal. `None` if the token is unsigned, signed with another key, expired, for another
    /// audience, or without a valid role.
    pub async fn authenticate(&self, token: &str) -> Option<Principal> {
        let claims = self.verify(token, &self.config.audience).await?;
        self.principal(&claims)
    }

    /// The claims of a valid token for an audience.
    async fn verify(&self, token: &str, audience: &str) -> Option<Map<String, Value>> {
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
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let key = DecodingKey::from_jwk(&key).ok()?;
        let token = decode::<Map<String, Value>>(token, &key, &validation).ok()?;
        Some(token.claims)
    }

    /// Whether the console can sign people in: `auth.client_id` is set.
    pub fn has_code_flow(&self) -> bool {
        !self.config.client_id.is_empty()
    }

    /// The provider's page on which a person signs in. The provider returns `state` unchanged.
    ///
    /// # Errors
    /// The provider is unavailable, or does not support the flow.
    pub async fn authorization_url(
        &self,
        flow: &CodeFlow<'_>,
        state: &str,
    ) -> Result<String, OidcError> {
        let endpoint = self.discover().await?.authorization_endpoint;
        let wrong = |detail: String| OidcError::Fetch {
            address: "authorization_endpoint".to_owned(),
            detail,
        };
        outbound::check(&endpoint).map_err(wrong)?;
        let parameters = [
            ("response_type", "code"),
            ("client_id", &self.config.client_id),
            ("redirect_uri", flow.redirect_uri),
            ("scope", "openid profile"),
            ("state", state),
            ("nonce", flow.nonce),
            ("code_challenge", &code_challenge(flow.verifier)),
            ("code_challenge_method", "S256"),
        ];
        let url = Url::parse_with_params(&endpoint, parameters);
        Ok(url.map_err(|error| wrong(error.to_string()))?.into())
    }

    /// Exchanges an authorization code for an id token. Returns its principal; `None` if the token is invalid, not for
    /// this sign-in, or without a valid role.
    ///
    /// # Errors
    /// The provider is unavailable or rejects the code.
    pub async fn exchange(
        &self,
        flow: &CodeFlow<'_>,
        code: &str,
    ) -> Result<Option<Principal>, OidcError> {
        let discovered = self.discover().await?;
        let address = discovered.token_endpoint;
        let failed = |detail: String| OidcError::Fetch {
            address: address.clone(),
            detail,
        };
        outbound::check(&address).map_err(failed)?;
        let client_id = self.config.client_id.as_str();
        let mut parameters = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", flow.redirect_uri),
            ("code_verifier", flow.verifier),
        ];
        let methods = discovered.token_endpoint_auth_methods_supported;
        let in_header =
            methods.is_none_or(|all| all.iter().any(|one| one == "client_secret_basic"));
        let mut request = self.client.post(&address);
        match &self.secret {
            Some(secret) if in_header => {
                let [id, secret] = [client_id, secret.expose()].map(form_encoded);
                request = request.basic_auth(id, Some(secret));
            }
            Some(secret) => {
                parameters.extend([("client_id", client_id), ("client_secret", secret.expose())]);
            }
            None => parameters.push(("client_id", client_id)),
        }
        let request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form(&parameters));
        let reply: TokenReply = read(request, &address).await?;
        let claims = self.verify(&reply.id_token, client_id).await;
        let claims = claims.filter(|claims| {
            let has = |claim: &str, value: &str| claims.get(claim).is_some_and(|of| of == value);
            // A token for several audiences names the one that requested it.
            has("nonce", flow.nonce) && (!claims.contains_key("azp") || has("azp", client_id))
        });
        Ok(claims.and_then(|claims| self.principal(&claims)))
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
                let address = self.discover().await?.jwks_uri;
                let wrong = |detail: String| OidcError::Fetch {
                    address: address.clone(),
                    detail,
                };
                outbound::check(&address).map_err(wrong)?;
                address
            }
        };
        read(self.client.get(&address), &address).await
    }

    /// Fetches the description of the configured issuer (OpenID Connect Discovery).
    async fn discover(&self) -> Result<Discovered, OidcError> {
        let issuer = self.config.issuer.trim_end_matches('/');
        let address = format!("{issuer}/.well-known/openid-configuration");
        let discovered: Discovered = read(self.client.get(&address), &address).await?;
        if discovered.issuer != self.config.issuer {
            let detail = format!(
                "expected issuer {1:?}, found {0:?}",
                discovered.issuer, self.config.issuer
            );
            return Err(OidcError::Fetch { address, detail });
        }
        Ok(discovered)
    }
}

/// Sends a request and parses its JSON reply.
async fn read<T: serde::de::DeserializeOwned>(
    request: reqwest::RequestBuilder,
    address: &str,
) -> Result<T, OidcError> {
    let failed = |detail: String| OidcError::Fetch {
        address: address.to_owned(),
        detail,
    };
    let sent = request.send().await;
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

/// The code challenge of a verifier: the base64url digits of its SHA-256 (method S256 of RFC 7636).
fn code_challenge(verifier: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut challenge = String::new();
    for three in sha256(verifier.as_bytes()).chunks(3) {
        let bits = three
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - three.len()));
        for n in 0..=three.len() {
            let digit = DIGITS[(bits >> (18 - 6 * n) & 63) as usize];
            challenge.push(char::from(digit));
        }
    }
    challenge
}

/// `application/x-www-form-urlencoded` parameters.
fn form(parameters: &[(&str, &str)]) -> String {
    let mut url = Url::parse("form:").expect("the address is valid");
    url.query_pairs_mut().extend_pairs(parameters);
    url.query().unwrap_or_default().to_owned()
}

/// A value as in a form: client id and secret are encoded before basic authentication (RFC 6749, section 2.3.1).
fn form_encoded(value: &str) -> String {
    form(&[("", value)]).trim_start_matches('=').to_owned()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_challenge_matches_rfc_7636_appendix_b() {
        let challenge = code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn form_values_are_percent_encoded() {
        assert_eq!(
            form(&[("a", "b&c=d"), ("e", "é/+")]),
            "a=b%26c%3Dd&e=%C3%A9%2F%2B"
        );
        assert_eq!(form_encoded("=a:b c"), "%3Da%3Ab+c");
    }
}
