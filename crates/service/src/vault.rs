//! The vault: passwords that must be used later, sealed.
//!
//! XChaCha20-Poly1305 with a random nonce; customer, row, field and key id are associated data, so that a sealed secret
//! opens only where it was put. The key lies in a file of its own and never in the database. Nothing here is ever
//! printed.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use rand::RngCore as _;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

/// First octet of everything sealed this way.
const VERSION: u8 = 1;
const KEY_ID: usize = 8;
const NONCE: usize = 24;

/// Where a sealed secret belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// Whose.
    pub(crate) customer: Uuid,
    /// Which row.
    pub(crate) row: Uuid,
    /// Which field of it.
    pub(crate) field: &'static str,
}

/// Why the vault cannot be opened, or a secret in it.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key's file cannot be read or made.
    #[error("the sealing key {path} cannot be used: {reason}")]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
    /// Others may read the key.
    #[error(
        "the sealing key {path} can be read by others; `chmod 0400` it, and think of the passwords as known"
    )]
    KeyIsPublic {
        /// The file.
        path: PathBuf,
    },
    /// A secret was sealed with another key, or for another place, or was changed.
    #[error("a stored password cannot be opened: it was sealed with another key, or was changed")]
    Sealed,
}

struct KeyEntry {
    id: [u8; KEY_ID],
    cipher: XChaCha20Poly1305,
}

/// Seals and opens.
pub struct Vault {
    /// The newest first: it seals; all of them open.
    keys: Vec<KeyEntry>,
    /// Keys a digest by which equal entries are found, without telling anybody who reads the database.
    digest_key: [u8; 32],
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vault({} keys)", self.keys.len())
    }
}

impl Vault {
    /// Reads the key's file, or makes it at the first start.
    ///
    /// # Errors
    ///
    /// When it cannot be read or made, is no key file, or can be read by others.
    pub fn open(path: &Path) -> Result<Vault, VaultError> {
        let failed = |reason: String| VaultError::KeyFile { path: path.to_owned(), reason };
        match OpenOptions::new().write(true).create_new(true).mode(0o400).open(path) {
            Ok(mut file) => {
                let line = new_key_line();
                file.write_all(line.as_bytes())
                    .and_then(|()| file.sync_all())
                    .map_err(|error| failed(error.to_string()))?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error.to_string())),
        }
        Vault::from_text(&read_private(path)?).ok_or_else(|| failed("it holds no key".to_owned()))
    }

    /// Reads a key that systemd handed over. Its mode says nothing: where the service has a user of its own, access is
    /// given by an ACL that shows as group permissions.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is no key.
    pub fn open_credential(path: &Path) -> Result<Vault, VaultError> {
        let failed = |reason: String| VaultError::KeyFile { path: path.to_owned(), reason };
        let text = std::fs::read_to_string(path).map(Zeroizing::new);
        let text = text.map_err(|error| failed(error.to_string()))?;
        Vault::from_text(&text).ok_or_else(|| failed("it holds no key".to_owned()))
    }

    /// With a key that nobody else will ever have.
    pub(crate) fn of_this_process() -> Vault {
        Vault::from_text(&new_key_line()).expect("a line that was made as a key is one")
    }

    /// Adds a key to the file; from the next start on it seals. What older keys sealed still opens.
    ///
    /// # Errors
    ///
    /// As [`Vault::open`].
    pub fn add_key(path: &Path) -> Result<(), VaultError> {
        replace(path, &Zeroizing::new(format!("{}{}", *new_key_line(), *read_private(path)?)))
    }

    /// Only the newest key of the file.
    pub(crate) fn open_newest(path: &Path) -> Result<Vault, VaultError> {
        let text = read_private(path)?;
        let newest = text.lines().find(|line| !line.trim().is_empty()).and_then(Vault::from_text);
        newest.ok_or_else(|| VaultError::KeyFile {
            path: path.to_owned(),
            reason: "it holds no key".to_owned(),
        })
    }

    /// Removes all keys but the newest from the file: what they sealed opens no more.
    pub(crate) fn keep_newest(path: &Path) -> Result<(), VaultError> {
        let text = read_private(path)?;
        let newest = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        replace(path, &Zeroizing::new(format!("{newest}\n")))
    }

    fn from_text(text: &str) -> Option<Vault> {
        let mut keys = Vec::new();
        let mut oldest = [0; 32];
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let octets = Zeroizing::new(BASE64.decode(line.trim()).ok()?);
            oldest = octets.as_slice().try_into().ok()?;
            keys.push(KeyEntry {
                id: *blake3::derive_key("mailimport sealing key id", &oldest).first_chunk()?,
                cipher: XChaCha20Poly1305::new(&Key::from(oldest)),
            });
        }
        let digest_key = blake3::derive_key("mailimport entry digest", &oldest);
        (!keys.is_empty()).then_some(Vault { keys, digest_key })
    }

    /// Seals a secret for its place.
    pub(crate) fn seal(&self, place: Place, secret: &SecretString) -> Vec<u8> {
        let key = &self.keys[0];
        let mut nonce = [0; NONCE];
        rand::rng().fill_bytes(&mut nonce);
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: &associated(place, &key.id) };
        let sealed = key
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .expect("only texts beyond 256 GiB cannot be encrypted (RFC 8439, section 2.8)");
        [&[VERSION], key.id.as_slice(), &nonce, &sealed].concat()
    }

    /// Opens what was sealed for this place.
    pub(crate) fn unseal(&self, place: Place, sealed: &[u8]) -> Result<SecretString, VaultError> {
        let (version, rest) = sealed.split_first().ok_or(VaultError::Sealed)?;
        let (id, rest) = rest.split_at_checked(KEY_ID).ok_or(VaultError::Sealed)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE>().ok_or(VaultError::Sealed)?;
        let key = self.keys.iter().find(|key| key.id == id).filter(|_| *version == VERSION);
        let key = key.ok_or(VaultError::Sealed)?;
        let payload = Payload { msg: text, aad: &associated(place, &key.id) };
        let octets = key.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| VaultError::Sealed)?;
        let octets = Zeroizing::new(octets);
        let text = std::str::from_utf8(&octets).map_err(|_| VaultError::Sealed)?;
        Ok(SecretString::from(text))
    }

    /// Whether it was sealed with the newest key.
    #[cfg(test)]
    fn is_current(&self, sealed: &[u8]) -> bool {
        sealed.get(1..=KEY_ID) == Some(self.keys[0].id.as_slice())
    }

    /// A digest that is equal for equal parts, and tells nothing to whoever has no key.
    pub(crate) fn digest(&self, parts: &[&str]) -> Vec<u8> {
        let mut hasher = blake3::Hasher::new_keyed(&self.digest_key);
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        hasher.finalize().as_bytes().to_vec()
    }
}

fn associated(place: Place, key: &[u8; KEY_ID]) -> Vec<u8> {
    [place.customer.as_bytes().as_slice(), place.row.as_bytes(), place.field.as_bytes(), key].concat()
}

fn new_key_line() -> Zeroizing<String> {
    let mut key = Zeroizing::new([0; 32]);
    rand::rng().fill_bytes(key.as_mut_slice());
    Zeroizing::new(format!("{}\n", BASE64.encode(key.as_slice())))
}

/// Puts a new text in the file's place, durably.
fn replace(path: &Path, text: &str) -> Result<(), VaultError> {
    let beside = path.with_extension("new");
    let write = || {
        // What a rotation left that did not come to its end.
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o400).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, path)?;
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        std::fs::File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(|error: std::io::Error| VaultError::KeyFile {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

fn read_private(path: &Path) -> Result<Zeroizing<String>, VaultError> {
    let failed =
        |error: std::io::Error| VaultError::KeyFile { path: path.to_owned(), reason: error.to_string() };
    let mut file = std::fs::File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.mode() & 0o077 != 0 {
        return Err(VaultError::KeyIsPublic { path: path.to_owned() });
    }
    let mut text = Zeroizing::new(String::with_capacity(4096));
    file.read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn place() -> Place {
        Place { customer: Uuid::from_u128(1), row: Uuid::from_u128(2), field: "password" }
    }

    #[test]
    fn a_secret_opens_only_where_it_was_sealed() {
        let directory = tempfile::tempdir().unwrap();
        let vault = Vault::open(&directory.path().join("key")).unwrap();
        let sealed = vault.seal(place(), &SecretString::from("geheim; \"ü\""));
        assert!(!sealed.windows(6).any(|part| part == b"geheim"));
        assert_eq!(vault.unseal(place(), &sealed).unwrap().expose_secret(), "geheim; \"ü\"");
        let other = Uuid::from_u128(3);
        for elsewhere in [
            Place { customer: other, ..place() },
            Place { row: other, ..place() },
            Place { field: "mailbox_password", ..place() },
        ] {
            assert!(vault.unseal(elsewhere, &sealed).is_err(), "{elsewhere:?}");
        }
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(vault.unseal(place(), &changed).is_err(), "octet {at}");
            assert!(vault.unseal(place(), &sealed[..at]).is_err(), "cut at {at}");
        }
        let stranger = Vault::open(&directory.path().join("other")).unwrap();
        assert!(stranger.unseal(place(), &sealed).is_err());
    }

    #[test]
    fn a_new_key_seals_and_the_old_one_still_opens() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        let old = Vault::open(&path).unwrap();
        let sealed = old.seal(place(), &SecretString::from("x"));
        Vault::add_key(&path).unwrap();
        let new = Vault::open(&path).unwrap();
        assert_eq!(new.unseal(place(), &sealed).unwrap().expose_secret(), "x");
        assert!(!new.is_current(&sealed) && old.is_current(&sealed));
        assert!(new.is_current(&new.seal(place(), &SecretString::from("x"))));
        assert_eq!(old.digest(&["a", "b"]), new.digest(&["a", "b"]));
        assert_ne!(old.digest(&["a", "b"]), old.digest(&["ab", ""]));
    }

    #[test]
    fn the_key_is_private_and_a_public_one_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        Vault::open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o400);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o440)).unwrap();
        assert!(matches!(Vault::open(&path), Err(VaultError::KeyIsPublic { .. })));
        assert!(Vault::open_credential(&path).is_ok(), "what systemd hands over is kept by it");
        assert!(Vault::open_credential(&directory.path().join("none")).is_err(), "and never made");
    }
}
