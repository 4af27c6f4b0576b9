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
    /// A running service uses the key file, or the key is being replaced.
    #[error("key file {0} is in use; stop the services that use it")]
    InUse(String),
}

/// The key file is in use, until this is dropped or the process ends: by services, or by one command that replaces the key.
#[derive(Debug)]
pub struct KeyFileInUse(#[expect(dead_code, reason = "it holds the lock")] std::fs::File);

impl KeyFileInUse {
    /// In use by a service.
    ///
    /// # Errors
    /// [`SecretError::InUse`] while the key is being replaced; [`SecretError::File`] if the lock file beside the key file
    /// cannot be written.
    pub fn by_service(path: &Path) -> Result<Self, SecretError> {
        Self::lock(path, std::fs::File::try_lock_shared)
    }

    /// In use by a command that replaces the key.
    ///
    /// # Errors
    /// [`SecretError::InUse`] while a service uses it; [`SecretError::File`] as of [`KeyFileInUse::by_service`].
    pub fn by_rotation(path: &Path) -> Result<Self, SecretError> {
        Self::lock(path, std::fs::File::try_lock)
    }

    fn lock(
        path: &Path,
        lock: impl Fn(&std::fs::File) -> Result<(), std::fs::TryLockError>,
    ) -> Result<Self, SecretError> {
        // A file of its own, because the key file is replaced.
        let path = path.with_extension("lock");
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|source| failed(&path, source))?;
        }
        let file = std::fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let file = file.map_err(|source| failed(&path, source))?;
        match lock(&file) {
            Ok(()) => Ok(Self(file)),
            Err(std::fs::TryLockError::WouldBlock) => {
                Err(SecretError::InUse(path.display().to_string()))
            }
            Err(std::fs::TryLockError::Error(source)) => Err(failed(&path, source)),
        }
    }
}

/// The keys of the key file. The first one seals; any of them opens. Clones share them.
#[derive(Clone)]
pub struct Vault {
    keys: Arc<[LessSafeKey]>,
    random: SystemRandom,
}

impl Vault {
    /// Reads the key file; creates it, readable by its owner only, if it is missing.
    ///
    /// # Errors
    /// [`SecretError`] if the file cannot be read or created, or has other content.
    pub fn open_or_create(path: &Path) -> Result<Self, SecretError> {
        match read(path)? {
            Some(keys) => Self::of_lines(path, &keys),
            None => {
                let keys = vec![new_key()?];
                create(path, &keys).map_err(|source| failed(path, source))?;
                Self::of_lines(path, &keys)
            }
        }
    }

    /// Reads the key file, which has to exist.
    ///
    /// # Errors
    /// [`SecretError`] if the file is missing, cannot be read, or has other content.
    pub fn open_file(path: &Path) -> Result<Self, SecretError> {
        let missing = || failed(path, std::io::ErrorKind::NotFound.into());
        Self::of_lines(path, &read(path)?.ok_or_else(missing)?)
    }

    /// Puts a new key first in the key file. The earlier keys stay until [`Vault::drop_old_keys`], so that secrets can be
    /// opened whenever the process ends in between.
    ///
    /// # Errors
    /// [`SecretError`] if the file cannot be read or written, or has other content.
    pub fn add_key(path: &Path) -> Result<Self, SecretError> {
        let mut keys = read(path)?.unwrap_or_default();
        Self::of_lines(path, &keys)?;
        keys.insert(0, new_key()?);
        replace(path, &keys).map_err(|source| failed(path, source))?;
        Self::of_lines(path, &keys)
    }

    /// Leaves the first key of the key file only.
    ///
    /// # Errors
    /// As of [`Vault::add_key`].
    pub fn drop_old_keys(path: &Path) -> Result<(), SecretError> {
        let mut keys = read(path)?.unwrap_or_default();
        keys.truncate(1);
        replace(path, &keys).map_err(|source| failed(path, source))
    }

    fn of_lines(path: &Path, keys: &[String]) -> Result<Self, SecretError> {
        let wrong = || SecretError::WrongFile(path.display().to_string());
        let keys = keys.iter().map(|key| {
            let bytes = STANDARD.decode(key).ok()?;
            Some(LessSafeKey::new(
                UnboundKey::new(&AES_256_GCM, &bytes).ok()?,
            ))
        });
        let keys: Option<Vec<LessSafeKey>> = keys.collect();
        let keys = keys.ok_or_else(wrong)?;
        Ok(Self {
            keys: keys.into(),
            random: SystemRandom::new(),
        })
    }

    /// A vault with a key of 32 bytes; `None` for another length.
    pub fn of_key(key: &[u8]) -> Option<Self> {
        let key = UnboundKey::new(&AES_256_GCM, key).ok()?;
        Some(Self {
            keys: [LessSafeKey::new(key)].into(),
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
        let key = self.keys.first().ok_or(SecretError::NoRandomness)?;
        key.seal_in_place_append_tag(
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
        let sealed = bytes.split_off(NONCE_LEN);
        let nonce: [u8; NONCE_LEN] = bytes.try_into().map_err(|_| wrong())?;
        let opened = self.keys.iter().find_map(|key| {
            let mut sealed = sealed.clone();
            let nonce = Nonce::assume_unique_for_key(nonce);
            let opened = key.open_in_place(nonce, Aad::from(name.as_bytes()), &mut sealed);
            opened.ok().map(|opened| opened.to_vec())
        });
        let opened = opened.ok_or_else(wrong)?;
        let text = String::from_utf8(opened).map_err(|_| wrong())?;
        Ok(Some(text))
    }
}

fn failed(path: &Path, source: std::io::Error) -> SecretError {
    SecretError::File {
        path: path.display().to_string(),
        source,
    }
}

/// The keys of a key file, a line each; `None` if there is no file.
fn read(path: &Path) -> Result<Option<Vec<String>>, SecretError> {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            let keys: Vec<String> = lines.map(str::to_owned).collect();
            match keys.is_empty() {
                true => Err(SecretError::WrongFile(path.display().to_string())),
                false => Ok(Some(keys)),
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path, error)),
    }
}

fn new_key() -> Result<String, SecretError> {
    let mut key = [0; KEY_BYTES];
    SystemRandom::new()
        .fill(&mut key)
        .map_err(|_| SecretError::NoRandomness)?;
    Ok(STANDARD.encode(key))
}

/// Writes a file that does not exist yet, readable by its owner only.
fn create(path: &Path, keys: &[String]) -> std::io::Result<()> {
    use std::io::Write as _;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(keys.join("\n").as_bytes())?;
    file.sync_all()
}

/// Replaces a file at once: it has either the old keys or the new ones.
fn replace(path: &Path, keys: &[String]) -> std::io::Result<()> {
    let new = path.with_extension("new");
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    create(&new, keys)?;
    std::fs::rename(&new, path)?;
    // The folder's entry too.
    match path.parent().map(std::fs::File::open) {
        Some(Ok(folder)) => folder.sync_all(),
        _ => Ok(()),
    }
}

/// The key of a secret for signatures: what follows `whsec_` in base64, 24 to 64 bytes (Standard Webhooks 1.0, section
/// "Signature scheme"); `None` for anything else.
pub fn webhook_key(secret: &str) -> Option<Vec<u8>> {
    let key = STANDARD.decode(secret.strip_prefix("whsec_")?).ok()?;
    (24..=64).contains(&key.len()).then_some(key)
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
        for wrong in ["nonsense", ""] {
            std::fs::write(&path, wrong).unwrap();
            assert!(matches!(
                Vault::open_or_create(&path),
                Err(SecretError::WrongFile(_))
            ));
        }
    }

    #[test]
    fn key_is_not_replaced_while_a_service_uses_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("desk.key");
        let one = KeyFileInUse::by_service(&path).unwrap();
        let other = KeyFileInUse::by_service(&path).unwrap();
        let is_in_use =
            |path: &Path| matches!(KeyFileInUse::by_rotation(path), Err(SecretError::InUse(_)));
        assert!(is_in_use(&path));
        drop((one, other));
        let rotation = KeyFileInUse::by_rotation(&path).unwrap();
        assert!(KeyFileInUse::by_service(&path).is_err());
        drop(rotation);
        assert!(KeyFileInUse::by_service(&path).is_ok());
    }

    #[test]
    fn new_key_opens_old_secrets_until_the_old_keys_are_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("desk.key");
        let open = |vault: &Vault, sealed: &str| {
            let secrets = SealedSecrets::from([("pin".to_owned(), sealed.to_owned())]);
            vault.open(&secrets, "pin").ok().flatten()
        };
        let first = Vault::open_or_create(&path).unwrap();
        let old = first.seal("pin", "1234").unwrap();
        let both = Vault::add_key(&path).unwrap();
        assert_eq!(open(&both, &old).as_deref(), Some("1234"));
        let new = both.seal("pin", "1234").unwrap();
        assert_eq!(open(&first, &new), None, "it is sealed by the new key");
        // As a process that starts in between.
        let between = Vault::open_or_create(&path).unwrap();
        assert_eq!(open(&between, &old), open(&between, &new));
        Vault::drop_old_keys(&path).unwrap();
        let last = Vault::open_or_create(&path).unwrap();
        assert_eq!(open(&last, &old), None);
        assert_eq!(open(&last, &new).as_deref(), Some("1234"));
    }
}
