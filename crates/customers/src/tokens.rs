//! Signed tokens of people who are signed in to the company's web site or app (JSON Web Tokens).

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::{Deserialize, Serialize};

use crate::identify::{Proof, Sender};
use crate::normalize::normalized;
use ken_base::desk::{IdentityKey, IdentityKind, LinkBasis, VerifiedBy};

/// The allowed clock difference, in seconds.
const LEEWAY_S: u64 = 30;
/// The longest life of a token, in seconds: a stolen one is worth little.
pub const MAX_LIFE_S: u64 = 3_600;

/// What the company says about somebody who is signed in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IdentityClaims {
    /// The company's id of the person.
    pub sub: String,
    /// When it was issued, in seconds since 1970.
    pub iat: u64,
    /// When it expires, in seconds since 1970; at most an hour after `iat`.
    pub exp: u64,
    /// A name.
    #[serde(default)]
    pub name: Option<String>,
    /// An e-mail address that the company verified.
    #[serde(default)]
    pub email: Option<String>,
    /// A telephone number that the company verified.
    #[serde(default)]
    pub phone: Option<String>,
}

/// Why a token is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TokenError {
    /// The inbox has no key for tokens.
    #[error("the inbox has no secret `identity_key`; set one to accept signed tokens")]
    NoKey,
    /// The key cannot be read.
    #[error(
        "the secret `identity_key` is neither a text of at least 32 bytes (HS256) nor a public key in PEM (ES256)"
    )]
    WrongKey,
    /// It is not signed by the key, has expired, or lacks a claim.
    #[error("invalid token: {0}")]
    Invalid(String),
    /// It lives too long.
    #[error("the token lives for {0} s; expected at most 3,600 between iat and exp")]
    LivesTooLong(u64),
    /// A value in it is invalid.
    #[error("{claim}: {detail}")]
    Value {
        /// The claim.
        claim: &'static str,
        /// What is wrong.
        detail: String,
    },
}

/// Verifies a token by the inbox's key: a shared secret (HS256) or a public key in PEM (ES256). The key decides the
/// algorithm, not the token.
///
/// # Errors
/// [`TokenError`] with the reason.
pub fn verified(token: &str, key: Option<&str>) -> Result<IdentityClaims, TokenError> {
    let key = key.ok_or(TokenError::NoKey)?;
    let (algorithm, key) = if key.trim_start().starts_with("-----BEGIN") {
        let key = DecodingKey::from_ec_pem(key.as_bytes()).map_err(|_| TokenError::WrongKey)?;
        (Algorithm::ES256, key)
    } else if key.len() >= 32 {
        (Algorithm::HS256, DecodingKey::from_secret(key.as_bytes()))
    } else {
        return Err(TokenError::WrongKey);
    };
    let invalid = |error: jsonwebtoken::errors::Error| TokenError::Invalid(error.to_string());
    decode_header(token).map_err(invalid)?;
    let mut validation = Validation::new(algorithm);
    validation.leeway = LEEWAY_S;
    validation.set_required_spec_claims(&["sub", "exp", "iat"]);
    validation.validate_aud = false;
    let claims = decode::<IdentityClaims>(token, &key, &validation).map_err(invalid)?;
    let claims = claims.claims;
    let life = claims.exp.saturating_sub(claims.iat);
    match life <= MAX_LIFE_S {
        true => Ok(claims),
        false => Err(TokenError::LivesTooLong(life)),
    }
}

impl IdentityClaims {
    /// The sender that the token names: the external id itself, with the address and the number that the company verified.
    ///
    /// # Errors
    /// [`TokenError::Value`] if a value is invalid.
    pub fn sender(&self) -> Result<Sender, TokenError> {
        let key = |claim, kind, value: &str| {
            let value = normalized(kind, value);
            let value = value.map_err(|detail| TokenError::Value { claim, detail })?;
            Ok(IdentityKey {
                inbox: None,
                kind,
                value,
            })
        };
        let mut proofs = Vec::new();
        for (claim, kind, value, basis) in [
            (
                "email",
                IdentityKind::Email,
                &self.email,
                LinkBasis::VerifiedEmail,
            ),
            (
                "phone",
                IdentityKind::Phone,
                &self.phone,
                LinkBasis::VerifiedPhone,
            ),
        ] {
            if let Some(value) = value {
                proofs.push(Proof {
                    key: key(claim, kind, value)?,
                    verified_by: VerifiedBy::SignedToken,
                    basis,
                });
            }
        }
        Ok(Sender {
            key: key("sub", IdentityKind::ExternalId, &self.sub)?,
            verified_by: Some(VerifiedBy::SignedToken),
            display_name: self.name.clone().unwrap_or_default(),
            proofs,
            claims: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::{Value, json};

    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn token(claims: &Value, algorithm: Algorithm, secret: &str) -> String {
        let key = EncodingKey::from_secret(secret.as_bytes());
        encode(&Header::new(algorithm), claims, &key).unwrap()
    }

    #[test]
    fn token_is_accepted_only_signed_short_and_fresh() {
        let now = jiff::Timestamp::now().as_second();
        let good =
            json!({ "sub": "c-7", "iat": now, "exp": now + 600, "email": "Mei@example.com" });
        let claims = verified(&token(&good, Algorithm::HS256, SECRET), Some(SECRET)).unwrap();
        let sender = claims.sender().unwrap();
        assert_eq!(sender.key.value, "c-7");
        assert_eq!(sender.proofs[0].key.value, "mei@example.com");
        let with = |name: &str, value: Value| {
            let mut claims = good.clone();
            claims[name] = value;
            claims
        };
        for (claims, algorithm, secret) in [
            (
                good.clone(),
                Algorithm::HS256,
                "another secret of at least 32 bytes!",
            ),
            (good.clone(), Algorithm::HS384, SECRET),
            (with("exp", json!(now - 60)), Algorithm::HS256, SECRET),
            (with("exp", json!(now + 3_601)), Algorithm::HS256, SECRET),
            (with("sub", Value::Null), Algorithm::HS256, SECRET),
            (with("iat", Value::Null), Algorithm::HS256, SECRET),
        ] {
            let found = verified(&token(&claims, algorithm, secret), Some(SECRET));
            assert!(found.is_err(), "{claims} {algorithm:?}: {found:?}");
        }
        let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjLTcifQ.";
        assert!(verified(unsigned, Some(SECRET)).is_err());
        assert_eq!(verified("x", None), Err(TokenError::NoKey));
        assert_eq!(verified("x", Some("short")), Err(TokenError::WrongKey));
        let email = IdentityClaims {
            email: Some("nobody".into()),
            ..claims
        };
        assert!(matches!(
            email.sender(),
            Err(TokenError::Value { claim: "email", .. })
        ));
    }
}
