//! The signatures and the encryption of a WeChat official account's messages ("Message encryption and decryption" of its
//! documents).

use aes::Aes256;
use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockDecryptMut as _, BlockEncryptMut as _, KeyIvInit as _};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::signature::{base64, hex, hmac_sha256};

/// The key has 43 characters for 32 bytes: the bits left over are whatever the platform's console wrote.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// The random bytes before a message, and the bytes of its length.
const RANDOM: usize = 16;
const LENGTH: usize = 4;
/// Messages are padded to multiples of 32 bytes, though a block of the cipher has 16.
const PADDED: usize = 32;

/// SHA-1 of the sorted texts, in lower-case hex.
pub fn signature(texts: &[&str]) -> String {
    let mut sorted = texts.to_vec();
    sorted.sort_unstable();
    hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, sorted.concat().as_bytes()).as_ref())
}

/// The key of an account's messages.
pub struct Key([u8; 32]);

impl Key {
    /// Reads the `EncodingAESKey`; `None` if it has not 43 characters of base64.
    pub fn of(encoded: &str) -> Option<Self> {
        let bytes = LENIENT.decode(encoded.trim()).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    fn iv(&self) -> [u8; 16] {
        std::array::from_fn(|at| self.0[at])
    }

    /// Decrypts a message; `None` if it is not one to this account.
    pub fn decrypt(&self, encrypted: &str, app_id: &str) -> Option<String> {
        let mut bytes = LENIENT.decode(encrypted.trim()).ok()?;
        let cipher = cbc::Decryptor::<Aes256>::new(&self.0.into(), &self.iv().into());
        let plain = cipher.decrypt_padded_mut::<NoPadding>(&mut bytes).ok()?;
        let padding = usize::from(*plain.last()?);
        if !(1..=PADDED).contains(&padding) {
            return None;
        }
        let plain = &plain[..plain.len().checked_sub(padding)?];
        let length = plain.get(RANDOM..RANDOM + LENGTH)?;
        let length = u32::from_be_bytes(length.try_into().ok()?);
        let rest = &plain[RANDOM + LENGTH..];
        let (message, account) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        (account == app_id.as_bytes()).then_some(())?;
        String::from_utf8(message.to_vec()).ok()
    }

    /// Encrypts a message, and returns it with a nonce. The bytes that make two encryptions of one text different are derived
    /// from the key, the salt and the text, so that the same request has the same response.
    pub fn encrypt(&self, message: &str, app_id: &str, salt: &str) -> (String, String) {
        let parts = [salt.as_bytes(), b"\n", message.as_bytes()];
        let derived = hmac_sha256(&hex(&self.0), &parts);
        let (random, rest) = derived.split_at(RANDOM);
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        let mut bytes = random.to_vec();
        bytes.extend(length.to_be_bytes());
        bytes.extend(message.as_bytes());
        bytes.extend(app_id.as_bytes());
        let padding = PADDED - bytes.len() % PADDED;
        let byte = u8::try_from(padding).expect("padding is at most 32");
        bytes.extend(std::iter::repeat_n(byte, padding));
        let size = bytes.len();
        let cipher = cbc::Encryptor::<Aes256>::new(&self.0.into(), &self.iv().into());
        let encrypted = cipher.encrypt_padded_mut::<NoPadding>(&mut bytes, size);
        let encrypted = encrypted.expect("the size is a multiple of a block");
        (base64(encrypted), hex(&rest[..8]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

    #[test]
    fn message_survives_encryption_for_its_account_only() {
        let key = Key::of(KEY).unwrap();
        for size in 0..70 {
            let message = "字".repeat(size);
            let (encrypted, _) = key.encrypt(&message, "wx1", "s");
            assert_eq!(key.decrypt(&encrypted, "wx1"), Some(message), "{size}");
            assert_eq!(key.decrypt(&encrypted, "wx2"), None);
        }
        assert_ne!(key.encrypt("a", "wx1", "s"), key.encrypt("a", "wx1", "t"));
    }

    #[test]
    fn broken_messages_are_refused() {
        let key = Key::of(KEY).unwrap();
        let (encrypted, _) = key.encrypt("<xml></xml>", "wx1", "s");
        for broken in ["", "AAAA", "?", &encrypted[4..], &base64(&[0; 64])] {
            assert_eq!(key.decrypt(broken, "wx1"), None, "{broken}");
        }
        assert!(Key::of("short").is_none());
    }

    #[test]
    fn signature_does_not_depend_on_the_order() {
        assert_eq!(signature(&["b", "a"]), signature(&["a", "b"]));
        // SHA-1 of "abc" (FIPS 180-4, example).
        let abc = "a9993e364706816aba3e25717850c26c9cd0d89d";
        assert_eq!(signature(&["c", "a", "b"]), abc);
    }
}
