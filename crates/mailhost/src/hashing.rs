//! Password hashes that Dovecot verifies.
//!
//! Slow and large on purpose: never call [`Scheme::hash`] on an async thread, and only so many at a time.

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, PasswordError};

/// Dovecot takes lines of 8 kB from a client.
const LONGEST: usize = 1024;
/// Bcrypt reads 72, the NUL at the end among them.
const LONGEST_BCRYPT: usize = 71;

/// Twenty times what crypt(3) does unasked, which was chosen in 2007.
const SHA512_ROUNDS: u32 = 100_000;

/// How passwords of mailboxes are stored; the names are Dovecot's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scheme {
    /// `{ARGON2ID}`: 64 MiB, three passes, one lane. With 256 MiB Dovecot's log-ins fail.
    #[default]
    Argon2id,
    /// `{BLF-CRYPT}`, cost 12. Knows 71 octets of a password at most.
    BlfCrypt,
    /// `{SHA512-CRYPT}`, for hosts that read the file with the system's crypt(3).
    Sha512Crypt,
}

impl Scheme {
    /// Its name in Dovecot.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Argon2id => "ARGON2ID",
            Scheme::BlfCrypt => "BLF-CRYPT",
            Scheme::Sha512Crypt => "SHA512-CRYPT",
        }
    }

    /// Whether it can hold this password.
    ///
    /// # Errors
    ///
    /// What stands in the way.
    pub fn accepts(self, password: &SecretString) -> Result<(), PasswordError> {
        let password = password.expose_secret().as_bytes();
        if password.is_empty() {
            return Err(PasswordError::Empty);
        }
        if password.iter().any(|b| matches!(b, 0 | b'\r' | b'\n')) {
            return Err(PasswordError::Character);
        }
        let longest = if self == Scheme::BlfCrypt { LONGEST_BCRYPT } else { LONGEST };
        if password.len() > longest {
            return Err(PasswordError::TooLong(longest));
        }
        Ok(())
    }

    /// The password field of a passwd-file's line: `{SCHEME}hash`, with a fresh salt.
    pub(crate) fn hash(self, password: &SecretString) -> Result<String, Error> {
        self.accepts(password)?;
        let octets = password.expose_secret().as_bytes();
        let hash = match self {
            Scheme::Argon2id => argon2id(octets)?,
            Scheme::BlfCrypt => bcrypt::non_truncating_hash(octets, 12).map_err(internal)?,
            Scheme::Sha512Crypt => sha512_crypt(octets)?,
        };
        Ok(format!("{{{}}}{hash}", self.name()))
    }
}

fn argon2id(password: &[u8]) -> Result<String, Error> {
    let params = Params::new(64 * 1024, 3, 1, Some(32)).map_err(internal)?;
    let salt: [u8; 16] = rand::random();
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    Ok(hasher.hash_password_with_salt(password, &salt).map_err(internal)?.to_string())
}

fn sha512_crypt(password: &[u8]) -> Result<String, Error> {
    // Twelve octets are the sixteen characters that crypt(3) reads of a salt.
    let salt: [u8; 12] = rand::random();
    let params = sha_crypt::Params::new(SHA512_ROUNDS).map_err(internal)?;
    let hasher = sha_crypt::ShaCrypt::new(sha_crypt::Algorithm::Sha512Crypt, params);
    Ok(sha_crypt::PasswordHasher::hash_password_with_salt(&hasher, password, &salt)
        .map_err(internal)?
        .to_string())
}

fn internal(error: impl std::fmt::Display) -> Error {
    Error::Internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_names_its_scheme_and_has_no_colon() {
        let password = SecretString::from("Sesam:\u{f6}ffne dich 1");
        for (scheme, start) in [
            (Scheme::Argon2id, "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$"),
            (Scheme::BlfCrypt, "{BLF-CRYPT}$2b$12$"),
            (Scheme::Sha512Crypt, "{SHA512-CRYPT}$6$rounds=100000$"),
        ] {
            let (one, two) = (scheme.hash(&password).unwrap(), scheme.hash(&password).unwrap());
            assert!(one.starts_with(start), "{one}");
            assert!(!one.contains([':', '\n', '\r', '\0']), "{one}");
            assert_ne!(one, two, "a salt of its own");
        }
    }

    #[test]
    fn passwords_that_cannot_be_kept_are_refused_and_not_cut() {
        let long = "a".repeat(72);
        for (scheme, password, expected) in [
            (Scheme::Argon2id, "", Err(PasswordError::Empty)),
            (Scheme::Argon2id, "a\nb", Err(PasswordError::Character)),
            (Scheme::Argon2id, "a\rb", Err(PasswordError::Character)),
            (Scheme::Argon2id, "a\0b", Err(PasswordError::Character)),
            (Scheme::Argon2id, " ", Ok(())),
            (Scheme::Argon2id, &long, Ok(())),
            (Scheme::BlfCrypt, &long, Err(PasswordError::TooLong(71))),
            (Scheme::BlfCrypt, &long[..71], Ok(())),
        ] {
            let password = SecretString::from(password);
            assert_eq!(scheme.accepts(&password), expected, "{scheme:?} {expected:?}");
            assert_eq!(scheme.hash(&password).is_ok(), expected.is_ok(), "{scheme:?} {expected:?}");
        }
    }
}
