//! Secrets of inboxes, sealed by a key file (AES-256-GCM). Opened ones are never stored or shown.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};

use ken_store::store::desk::SealedSecrets;

/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// Why secrets cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The key file cannot be read or written.
    #[error("key file {path}: {source}")]
    File {
        /// The file.
        path: String,
        /// The cause.
        source: std::io::Error,
    },
    /// The key file has other content.
    #[error("key file {0}: expected 32 bytes in base64; restore the file that sealed the secrets")]
    WrongFile(String),
    /// A secret was sealed by another key, or altered.
    #[error(
        "the secret {0:?} was sealed by another key; restore that key file, or set the secret again"
    )]
    WrongKey(String),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    NoRandomness,
}

/// The key that seals secrets. Clones share it.
#[derive(Clone)]
pub struct Vault {
    key: Arc<LessSafeKey>,
    random: SystemRandom,
}

impl Vault {
    /// Reads the key file; creates it, readable by its owner only, if it is missing.
    ///
    /// # Errors
    /// [`SecretError`] if the file cannot be read or created, or has other content.
    pub fn open_or_create(path: &Path) -> Result<Self, SecretError> {
        let failed = |source| SecretError::File {
            path: path.display().to_string(),
            source,
        };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut key = [0; KEY_BYTES];
                SystemRandom::new()
                    .fill(&mut key)
                    .map_err(|_| SecretError::NoRandomness)?;
                let text = STANDARD.encode(key);
                create(path, &text).map_err(failed)?;
                text
            }
            Err(error) => return Err(failed(error)),
        };
        let wrong = || SecretError::WrongFile(path.display().to_string());
        let key = STANDARD.decode(text.trim()).map_err(|_| wrong())?;
        Self::of_key(&key).ok_or_else(wrong)
    }

    /// A vault with a key of 32 bytes; `None` for another length.
    pub fn of_key(key: &[u8]) -> Option<Self> {
        let key = UnboundKey::new(&AES_256_GCM, key).ok()?;
        Some(Self {
            key: Arc::new(LessSafeKey::new(key)),
            random: SystemRandom::new(),
        })
    }

    /// Seals a secret under its name: a random nonce, then the sealed text, in base64.
    ///
    /// # Errors
    /// [`SecretError::NoRandomness`].
    pub fn seal(&self, name: &str, secret: &str) -> Result<String, SecretError> {
        let mut nonce = [0; NONCE_LEN];
        self.random
            .fill(&mut nonce)
            .map_err(|_| SecretError::NoRandomness)?;
        let mut sealed = secret.as_bytes().to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(name.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| SecretError::NoRandomness)?;
        Ok(STANDARD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Opens a secret; `None` if there is none of this name.
    ///
    /// # Errors
    /// [`SecretError::WrongKey`] if another key sealed it.
    pub fn open(&self, secrets: &SealedSecrets, name: &str) -> Result<Option<String>, SecretError> {
        let Some(sealed) = secrets.get(name) else {
            return Ok(None);
        };
        let wrong = || SecretError::WrongKey(name.to_owned());
        let mut bytes = STANDARD.decode(sealed).map_err(|_| wrong())?;
        if bytes.len() < NONCE_LEN {
            return Err(wrong());
        }
        let mut sealed = bytes.split_off(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(&bytes).map_err(|_| wrong())?;
        let opened = self
            .key
            .open_in_place(nonce, Aad::from(name.as_bytes()), &mut sealed)
            .map_err(|_| wrong())?;
        let text = String::from_utf8(opened.to_vec()).map_err(|_| wrong())?;
        Ok(Some(text))
    }
}

#[cfg(unix)]
fn create(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(not(unix))]
fn create(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text)
}

/// Bytes of a text in base64; `None` if it is none.
pub(crate) fn base64_decoded(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Bytes in base64.
pub(crate) fn base64_encoded(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// A new secret for signatures: `whsec_` and 32 random bytes in base64.
///
/// # Errors
/// [`SecretError::NoRandomness`].
pub fn new_webhook_secret() -> Result<String, SecretError> {
    let mut bytes = [0; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| SecretError::NoRandomness)?;
    Ok(format!("whsec_{}", STANDARD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_opens_only_with_its_key_and_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/desk.key");
        let vault = Vault::open_or_create(&path).unwrap();
        let sealed = vault.seal("webhook_secret", "geheim").unwrap();
        assert!(!sealed.contains("geheim"));
        let secrets = SealedSecrets::from([("webhook_secret".to_owned(), sealed.clone())]);
        let again = Vault::open_or_create(&path).unwrap();
        let opened = again.open(&secrets, "webhook_secret").unwrap();
        assert_eq!(opened.as_deref(), Some("geheim"));
        assert_eq!(again.open(&secrets, "other").unwrap(), None);
        let renamed = SealedSecrets::from([("other".to_owned(), sealed)]);
        assert!(again.open(&renamed, "other").is_err());
        let stranger = Vault::of_key(&[7; 32]).unwrap();
        assert!(stranger.open(&secrets, "webhook_secret").is_err());
        assert!(Vault::of_key(&[7; 16]).is_none());
        std::fs::write(&path, "nonsense").unwrap();
        assert!(matches!(
            Vault::open_or_create(&path),
            Err(SecretError::WrongFile(_))
        ));
    }
}
