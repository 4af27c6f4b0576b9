//! An OpenID Connect provider for tests: signed tokens, discovery, and the authorization code flow with PKCE.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use ken_base::digest::sha256;
use rcgen::KeyPair;
use serde_json::{Value, json};

/// The client that the provider knows.
pub const CLIENT_ID: &str = "console";
/// Its secret, with characters that a form encodes.
pub const CLIENT_SECRET: &str = "a:b&c=d e";

/// A provider with a published signing key and a key that it does not publish.
pub struct Provider {
    pub issuer: String,
    pub known: EncodingKey,
    pub unknown: EncodingKey,
    pub public_pem: String,
    shared: Arc<Shared>,
}

struct Shared {
    issuer: String,
    key: EncodingKey,
    /// Codes that were not exchanged, with the parameters of their authorization.
    codes: Mutex<HashMap<String, HashMap<String, String>>>,
    /// Claims that replace those of the next id tokens.
    claims: Mutex<Value>,
    /// Requests to the token endpoint.
    n_exchanges: Mutex<usize>,
}

impl Provider {
    pub async fn start() -> Self {
        let pair = KeyPair::generate().unwrap();
        let sign =
            |pair: &KeyPair| EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
        let known = sign(&pair);
        let mut key = Jwk::from_encoding_key(&known, Algorithm::ES256).unwrap();
        key.common.key_id = Some("first".to_owned());
        key.common.public_key_use = Some(PublicKeyUse::Signature);
        let keys = JwkSet { keys: vec![key] };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let about = json!({
            "issuer": issuer, "jwks_uri": format!("{issuer}/keys"),
            "authorization_endpoint": format!("{issuer}/authorize?tenant=1"),
            "token_endpoint": format!("{issuer}/token"),
        });
        let keys = serde_json::to_value(keys).unwrap();
        let shared = Arc::new(Shared {
            issuer: issuer.clone(),
            key: sign(&pair),
            codes: Mutex::default(),
            claims: Mutex::new(json!({})),
            n_exchanges: Mutex::default(),
        });
        let router = Router::new()
            .route(
                "/.well-known/openid-configuration",
                get(async move || Json(about)),
            )
            .route("/keys", get(async move || Json(keys)))
            .route("/authorize", get(authorize))
            .route("/token", post(exchange))
            .with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            issuer,
            known,
            unknown: sign(&KeyPair::generate().unwrap()),
            public_pem: pair.public_key_pem(),
            shared,
        }
    }

    pub fn claims(&self, change: impl FnOnce(&mut Value)) -> Value {
        let mut claims = claims(&self.issuer);
        change(&mut claims);
        claims
    }

    pub fn token(&self, change: impl FnOnce(&mut Value)) -> String {
        signed(&self.claims(change), &self.known)
    }

    /// Replaces claims of the id tokens of the code flow.
    pub fn set_claims(&self, claims: Value) {
        *self.shared.claims.lock().unwrap() = claims;
    }

    pub fn n_exchanges(&self) -> usize {
        *self.shared.n_exchanges.lock().unwrap()
    }
}

fn claims(issuer: &str) -> Value {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    json!({
        "iss": issuer, "aud": "ken", "sub": "amy", "exp": now + 300, "nbf": now - 10,
        "ken_role": ["offline_access", "editor"], "ken_workspace": "a",
    })
}

fn signed(claims: &Value, key: &EncodingKey) -> String {
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some("first".to_owned());
    encode(&header, claims, key).unwrap()
}

type Parameters = HashMap<String, String>;

/// The person signs in at once.
async fn authorize(State(shared): State<Arc<Shared>>, Query(asked): Query<Parameters>) -> Response {
    let has = |name: &str, value: &str| asked.get(name).is_some_and(|of| of == value);
    let is_valid = has("client_id", CLIENT_ID)
        && has("response_type", "code")
        && has("code_challenge_method", "S256")
        && has("tenant", "1")
        && asked["scope"].split(' ').any(|scope| scope == "openid")
        && ["state", "nonce", "code_challenge"]
            .iter()
            .all(|name| asked[*name].len() >= 43);
    if !is_valid {
        return (StatusCode::BAD_REQUEST, format!("{asked:?}")).into_response();
    }
    let code = format!("code-{}", fastrand::u64(..));
    let mut back = reqwest::Url::parse(&asked["redirect_uri"]).unwrap();
    back.query_pairs_mut()
        .append_pair("code", &code)
        .append_pair("state", &asked["state"])
        .append_pair("iss", &shared.issuer);
    shared.codes.lock().unwrap().insert(code, asked);
    Redirect::to(back.as_str()).into_response()
}

/// Exchanges a code once.
async fn exchange(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: String) -> Response {
    *shared.n_exchanges.lock().unwrap() += 1;
    let refused =
        |error: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    let url = reqwest::Url::parse(&format!("form:?{body}")).unwrap();
    let sent: Parameters = url.query_pairs().into_owned().collect();
    // base64 of `console:a%3Ab%26c%3Dd+e`, by hand.
    if headers["authorization"] != "Basic Y29uc29sZTphJTNBYiUyNmMlM0RkK2U=" {
        return refused("invalid_client");
    }
    let Some(asked) = shared.codes.lock().unwrap().remove(&sent["code"]) else {
        return refused("invalid_grant");
    };
    let challenge = from_base64url(&asked["code_challenge"]);
    if sent["grant_type"] != "authorization_code"
        || sent["redirect_uri"] != asked["redirect_uri"]
        || sha256(sent["code_verifier"].as_bytes()) != challenge[..]
    {
        return refused("invalid_grant");
    }
    let mut of = claims(&shared.issuer);
    of["aud"] = json!(CLIENT_ID);
    of["nonce"] = json!(asked["nonce"]);
    for (name, value) in shared.claims.lock().unwrap().as_object().unwrap() {
        of[name] = value.clone();
    }
    Json(json!({ "token_type": "Bearer", "access_token": "x", "id_token": signed(&of, &shared.key) }))
        .into_response()
}

fn from_base64url(digits: &str) -> Vec<u8> {
    let (mut bytes, mut bits, mut n_bits) = (Vec::new(), 0_u32, 0);
    for digit in digits.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => panic!("{digits} is not base64url"),
        };
        bits = bits << 6 | u32::from(value);
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            bytes.push((bits >> n_bits) as u8);
        }
    }
    bytes
}
