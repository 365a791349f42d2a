//! Waking workers: what one transaction committed, all who wait for work hear of.
//!
//! Within a process by a channel, between processes by PostgreSQL's NOTIFY, which is part of the transaction. A wake
//! may be lost (a connection breaks, a listener is slow), so nobody may rely on it: it only saves waiting.

use std::convert::Infallible;
use std::time::Duration;

use sea_orm::DbBackend;
use sea_orm::sqlx::Error as SqlxError;
use sea_orm::sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::sync::broadcast::{self, error::RecvError};

use crate::fault::sqlx_sentence;
use crate::jobs::JobId;
use crate::store::Store;

/// PostgreSQL's channel.
pub(crate) const CHANNEL: &str = "mailimport_job";

/// Wakes that a listener may be behind before it is only told to look at everything.
const BACKLOG: usize = 256;

/// Pause before a lost connection is tried again.
const PAUSE: Duration = Duration::from_secs(2);

/// What a committed transaction means for workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wake {
    /// A job may have become due.
    Due,
    /// People want something else of a running job.
    Wanted(JobId),
    /// Wakes were lost: anything may have happened.
    Anything,
}

impl std::fmt::Display for Wake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Wake::Due => f.write_str("due"),
            Wake::Wanted(job) => write!(f, "wanted {job}"),
            Wake::Anything => f.write_str("anything"),
        }
    }
}

impl Wake {
    fn parse(text: &str) -> Wake {
        match text.split_once(' ') {
            None if text == "due" => Wake::Due,
            Some(("wanted", job)) => job.parse().map_or(Wake::Anything, |job| Wake::Wanted(JobId(job))),
            // A newer version's word.
            _ => Wake::Anything,
        }
    }
}

/// The wakes from now on.
#[derive(Debug)]
pub struct Wakes(broadcast::Receiver<Wake>);

impl Wakes {
    /// Forgets those that have come and were not asked for.
    pub fn clear(&mut self) {
        self.0 = self.0.resubscribe();
    }

    /// The next one. Waits for ever when there is none; dropping the call loses nothing.
    pub async fn next(&mut self) -> Wake {
        match self.0.recv().await {
            Ok(wake) => wake,
            Err(RecvError::Lagged(_)) => Wake::Anything,
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

pub(crate) fn channel() -> broadcast::Sender<Wake> {
    broadcast::Sender::new(BACKLOG)
}

impl Store {
    /// The wakes from now on: of this process, and of others while somebody runs [`Store::listen`].
    pub fn wakes(&self) -> Wakes {
        Wakes(self.wake.subscribe())
    }

    /// Passes on what other processes commit, until it is dropped. On SQLite it does nothing.
    pub async fn listen(&self) -> Infallible {
        if self.reading().get_database_backend() != DbBackend::Postgres {
            return std::future::pending().await;
        }
        loop {
            let Err(error) = self.pass_on().await;
            tracing::debug!(reason = sqlx_sentence(&error), "no notifications from the database");
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn pass_on(&self) -> Result<Infallible, SqlxError> {
        let options = self.reading().get_postgres_connection_pool().connect_options();
        // A pool of its own: the connection must not be missing where the ledger needs one.
        let pool = PgPoolOptions::new().max_connections(1).connect_with((*options).clone()).await?;
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen(CHANNEL).await?;
        // What was committed until now has not been heard.
        let _ = self.wake.send(Wake::Anything);
        loop {
            match listener.try_recv().await? {
                // Nobody who waits is nobody to wake.
                Some(notification) => drop(self.wake.send(Wake::parse(notification.payload()))),
                None => drop(self.wake.send(Wake::Anything)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_understood_and_what_is_not_understood_means_anything() {
        for wake in [Wake::Due, Wake::Wanted(JobId(i64::MAX)), Wake::Anything] {
            assert_eq!(Wake::parse(&wake.to_string()), wake);
        }
        for unknown in ["", "wanted", "wanted x", "later 7"] {
            assert_eq!(Wake::parse(unknown), Wake::Anything, "{unknown}");
        }
    }
}
