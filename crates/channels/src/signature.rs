//! Signatures and comparisons that do not reveal how much of a secret was right.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use subtle::ConstantTimeEq as _;

/// HMAC-SHA256.
pub fn hmac_sha256(secret: &str, message: &[&[u8]]) -> Vec<u8> {
    signed(hmac::HMAC_SHA256, secret, message)
}

/// HMAC-SHA1, as Twilio signs.
pub fn hmac_sha1(secret: &str, message: &[&[u8]]) -> Vec<u8> {
    signed(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret, message)
}

fn signed(algorithm: hmac::Algorithm, secret: &str, message: &[&[u8]]) -> Vec<u8> {
    let key = hmac::Key::new(algorithm, secret.as_bytes());
    let mut context = hmac::Context::with_key(&key);
    message.iter().for_each(|part| context.update(part));
    context.sign().as_ref().to_vec()
}

/// Bytes in base64.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Bytes in lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether two texts are equal, in a time that depends on their lengths only.
pub fn is_equal(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}
