//! Who has given the right password and is asked for a code: remembered between two requests, so that the password
//! travels once.
//!
//! In memory only, for a few minutes, bounded. After a restart, or at another process, one begins again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use secrecy::SecretString;

use crate::session::random;

/// How long a code may be typed.
const LIFE: Duration = Duration::from_secs(5 * 60);
/// Sign-ins remembered at most; the oldest is forgotten first.
const MOST: usize = 1000;

/// Name and password of somebody who is asked for a code.
#[derive(Clone)]
pub(crate) struct Pending {
    /// Name.
    pub(crate) name: String,
    /// Password.
    pub(crate) password: SecretString,
}

/// All of them.
#[derive(Default)]
pub(crate) struct PendingSignIns(Mutex<HashMap<String, (Instant, Pending)>>);

impl PendingSignIns {
    /// Remembers one under a name that nobody can guess.
    pub(crate) fn add(&self, pending: Pending) -> String {
        let key = random();
        let now = Instant::now();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (since, _)| now - *since < LIFE);
        if all.len() >= MOST
            && let Some(oldest) = all.iter().min_by_key(|(_, (since, _))| *since).map(|(key, _)| key.clone())
        {
            all.remove(&oldest);
        }
        all.insert(key.clone(), (now, pending));
        key
    }

    /// What was remembered.
    pub(crate) fn get(&self, key: &str) -> Option<Pending> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, pending) = all.get(key)?;
        (since.elapsed() < LIFE).then(|| pending.clone())
    }

    /// Forgets it.
    pub(crate) fn remove(&self, key: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}
