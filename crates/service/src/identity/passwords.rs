//! Passwords of customers and operators: Argon2id, a few at a time, in the same time for names that do not exist.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::error::{Error, Result};

/// Hashes and verifies. The parameters are the crate's defaults: 19 MiB, two passes (OWASP's recommendation).
pub(crate) struct Passwords {
    places: Arc<Semaphore>,
    /// What is verified where no password is set.
    nobody: String,
}

impl Passwords {
    pub(crate) async fn new(at_once: usize) -> Result<Passwords> {
        let places = Arc::new(Semaphore::new(at_once.max(1)));
        let nobody = hash_in(&places, SecretString::from(crate::secret::new_secret())).await?;
        Ok(Passwords { places, nobody })
    }

    /// A PHC string.
    pub(crate) async fn hash(&self, password: SecretString) -> Result<String> {
        hash_in(&self.places, password).await
    }

    /// Whether it is the password. Without a hash it takes as long, and is not.
    pub(crate) async fn verify(&self, hash: Option<String>, password: SecretString) -> Result<bool> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.clone());
        let verified = blocking(&self.places, move || {
            let parsed = PasswordHash::new(&hash).map_err(Error::internal)?;
            Ok(Argon2::default().verify_password(password.expose_secret().as_bytes(), &parsed).is_ok())
        });
        Ok(verified.await? && known)
    }
}

async fn hash_in(places: &Arc<Semaphore>, password: SecretString) -> Result<String> {
    let hash = blocking(places, move || {
        let hash = Argon2::default().hash_password(password.expose_secret().as_bytes());
        hash.map(|hash| hash.to_string()).map_err(Error::internal)
    });
    hash.await
}

async fn blocking<T: Send + 'static>(
    places: &Arc<Semaphore>,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let place = Arc::clone(places).acquire_owned().await.map_err(Error::internal)?;
    let work = move || {
        let _place = place;
        work()
    };
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}
