//! The line to the old server: connections made, replaced and slowed down, for one account.
//!
//! All connections of an account share one [`Line`]: the budget of login attempts, the pause a server asked for, the rate
//! limit and the patience. Refused credentials are never tried again.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use imap::{AttemptBudget, Connection, ExamineMode, Examined, ResponseCode, UidValidity, WireName};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::account::{Compression, Settings, Source};
use crate::error::{Error, names_daily_limit};
use crate::progress::{Event, Progress};

/// Pauses after failures double up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A connection that is logged in, and the folder it has open.
pub(crate) struct Session {
    pub(crate) connection: Connection,
    /// What the server says of itself (ID).
    pub(crate) server: Option<Vec<(String, String)>>,
    /// It has brought something: a server that lets one connection too many in and then hangs up is known by that.
    pub(crate) proven: bool,
    selected: Option<(WireName, UidValidity)>,
}

impl Session {
    /// Opens a folder for reading, unless it is open.
    pub(crate) async fn examine(&mut self, name: &WireName) -> Result<UidValidity, imap::Error> {
        match &self.selected {
            Some((open, uid_validity)) if open == name => Ok(*uid_validity),
            _ => {
                self.examine_anew(name).await.map(|examined| examined.uid_validity.unwrap_or(UidValidity(0)))
            }
        }
    }

    /// Opens a folder for reading and says what the server says of it.
    pub(crate) async fn examine_anew(&mut self, name: &WireName) -> Result<Examined, imap::Error> {
        self.selected = None;
        let capabilities = self.connection.capabilities();
        let mode = if capabilities.has("CONDSTORE") || capabilities.has("QRESYNC") {
            ExamineMode::CondStore
        } else {
            ExamineMode::Plain
        };
        let examined = self.connection.examine(name, mode).await?;
        self.selected = Some((name.clone(), examined.uid_validity.unwrap_or(UidValidity(0))));
        Ok(examined)
    }
}

/// An account's way to its old server.
pub(crate) struct Line {
    source: Source,
    settings: Settings,
    progress: Arc<dyn Progress>,
    cancel: CancellationToken,
    attempts: AttemptBudget,
    been_in: AtomicU32,
    pace: Mutex<Pace>,
    received: AtomicU64,
    stored: AtomicU64,
    /// One permit for each thread that stages messages; see [`Line::nothing_is_staged`].
    staging: Arc<Semaphore>,
}

/// Threads that stage at a time, those that are only putting away what they had included.
const STAGING: u32 = 64;

#[derive(Debug)]
struct Pace {
    /// Nobody sends anything before this.
    pause_until: Instant,
    /// When the first of the failures came that nothing good has followed yet.
    failing_since: Option<Instant>,
    /// Failures since the server last let us work.
    failures: u32,
    started: Instant,
}

impl Line {
    pub(crate) fn new(
        source: &Source,
        settings: &Settings,
        progress: Arc<dyn Progress>,
        cancel: CancellationToken,
    ) -> Line {
        let now = Instant::now();
        Line {
            source: source.clone(),
            settings: settings.clone(),
            progress,
            cancel: cancel.child_token(),
            attempts: AttemptBudget::default(),
            been_in: AtomicU32::new(0),
            pace: Mutex::new(Pace { pause_until: now, failing_since: None, failures: 0, started: now }),
            received: AtomicU64::new(0),
            stored: AtomicU64::new(0),
            staging: Arc::new(Semaphore::new(STAGING as usize)),
        }
    }

    /// Held by a thread that stages messages until it has put everything away.
    pub(crate) async fn begin_staging(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        Arc::clone(&self.staging).acquire_owned().await.ok()
    }

    /// Waits for those who stage: an import that has ended leaves nothing in `tmp`, and its lock goes after that.
    pub(crate) async fn nothing_is_staged(&self) {
        // The semaphore is never closed.
        let _ = self.staging.acquire_many(STAGING).await;
    }

    fn pace(&self) -> std::sync::MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// How much may come that nobody asked for.
    pub(crate) fn unasked(&self) -> u64 {
        self.settings.client.limits.unasked
    }

    /// Stops with [`Error::Interrupted`] when asked to.
    pub(crate) async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Error::Interrupted),
            done = work => Ok(done),
        }
    }

    /// Stops everything that works on this account, as if somebody had asked for it: what is in hand is put away.
    pub(crate) fn stop(&self) {
        self.cancel.cancel();
    }

    /// Waits until somebody asks to stop.
    pub(crate) async fn stopped(&self) {
        self.cancel.cancelled().await;
    }

    /// A connection, logged in. The first one of an account fails at once when nobody answers; later ones are tried
    /// until the patience is over.
    pub(crate) async fn connect(&self) -> Result<Session, Error> {
        loop {
            self.wait().await?;
            match self.unless_cancelled(self.log_in()).await? {
                Ok(session) => {
                    self.been_in.fetch_add(1, Ordering::Relaxed);
                    return Ok(session);
                }
                Err(error) => {
                    let first = self.been_in.load(Ordering::Relaxed) == 0;
                    if !(retryable(&error) && (!first || refuses_for_the_moment(&error))) {
                        return Err(error.into());
                    }
                    self.failed(error)?;
                }
            }
        }
    }

    /// A connection beside others: a server that refuses it is not asked again.
    pub(crate) async fn connect_another(&self) -> Result<Session, Error> {
        self.wait().await?;
        Ok(self.unless_cancelled(self.log_in()).await??)
    }

    async fn log_in(&self) -> Result<Session, imap::Error> {
        let Source { endpoint, tls, route, .. } = &self.source;
        let mut connection = route.open(endpoint, tls, &self.settings.client).await?;
        connection.authenticate(&self.source.credentials, &self.attempts).await?;
        if self.settings.compression == Compression::On && connection.capabilities().has("COMPRESS=DEFLATE") {
            match connection.compress().await {
                // RFC 4978, 3: NO where compression is on already in another layer. It is offered, not promised.
                Err(error @ imap::Error::Refused { .. }) => tracing::info!(%error, "no compression"),
                compressed => compressed?,
            }
        }
        // On every connection: 163 opens no folder on one that did not say who it is.
        let server = match connection.id().await {
            Err(error @ imap::Error::Refused { .. }) => {
                tracing::info!(%error, "no ID");
                None
            }
            answered => answered?,
        };
        Ok(Session { connection, server, proven: false, selected: None })
    }

    /// Waits for the end of a pause, if there is one.
    pub(crate) async fn wait(&self) -> Result<(), Error> {
        let until = self.pace().pause_until;
        self.unless_cancelled(tokio::time::sleep_until(until)).await
    }

    /// Something was achieved: patience and pauses begin anew. To be let in alone is no achievement, or a server that
    /// lets everybody in and then hangs up would be asked for ever.
    pub(crate) fn went_well(&self) {
        let mut pace = self.pace();
        pace.failing_since = None;
        pace.failures = 0;
    }

    /// The server lets us work: the next pause is a short one again.
    pub(crate) fn let_in(&self) {
        self.pace().failures = 0;
    }

    /// Octets arrived: tells the listener, and when to go on under the rate limit.
    pub(crate) async fn received(&self, octets: u64) -> Result<(), Error> {
        self.progress.event(&Event::Received { octets });
        let total = self.received.fetch_add(octets, Ordering::Relaxed) + octets;
        let Some(rate) = self.settings.rate.filter(|rate| *rate > 0) else { return Ok(()) };
        let due = self.pace().started + Duration::from_secs_f64(total as f64 / rate as f64);
        self.unless_cancelled(tokio::time::sleep_until(due)).await
    }

    /// Octets were stored. Those of one run are counted over all folders.
    pub(crate) fn stored(&self, octets: u64) {
        self.stored.fetch_add(octets, Ordering::Relaxed);
    }

    /// Whether more may be stored: asked before each delivery, so that an import that fits exactly is none too large.
    pub(crate) fn may_store(&self) -> Result<(), Error> {
        match self.settings.octets {
            Some(limit) if self.stored.load(Ordering::Relaxed) >= limit => Err(Error::OctetsSpent(limit)),
            _ => Ok(()),
        }
    }

    /// Something failed that may heal: sets the pause for all connections, or says that the patience is over.
    pub(crate) fn failed(&self, error: imap::Error) -> Result<(), Error> {
        if !retryable(&error) {
            return Err(error.into());
        }
        let pause = {
            let mut pace = self.pace();
            pace.failures += 1;
            let doubled = self.settings.first_pause.saturating_mul(1 << (pace.failures - 1).min(6));
            let growing = doubled.min(LONGEST_PAUSE);
            let pause =
                suggested_pause(&error).unwrap_or_else(|| growing.mul_f64(rand::random_range(0.75..1.25)));
            let failing_since = *pace.failing_since.get_or_insert_with(Instant::now);
            if failing_since.elapsed() + pause > self.settings.patience {
                return Err(Error::PatienceOver(Box::new(error)));
            }
            pace.pause_until = pace.pause_until.max(Instant::now() + pause);
            pause
        };
        self.progress.event(&Event::Retrying { pause, why: error.to_string() });
        tracing::info!(?pause, %error, "the source failed for the moment");
        Ok(())
    }
}

/// The error in a tagged reply that is not OK.
pub(crate) fn refusal(outcome: &imap::Outcome) -> Option<imap::Error> {
    let refused = || imap::Error::Refused {
        command: "UID FETCH",
        condition: outcome.condition,
        code: outcome.code.clone(),
        text: outcome.text.clone(),
    };
    (outcome.condition != imap::Condition::Ok).then(refused)
}

/// Whether the same may go well later.
pub(crate) fn retryable(error: &imap::Error) -> bool {
    use imap::Error as E;
    match error {
        // However often it is tried: the day must end first.
        _ if names_daily_limit(error) => false,
        _ if suggested_pause(error).is_some() => true,
        E::Connect { .. } | E::Timeout { .. } | E::Closed | E::Io(_) | E::Bye { .. } => true,
        E::Framing { .. } | E::LimitExceeded { .. } => true,
        // Where we have been before: a network that is away takes its resolver along.
        E::Dns { .. } | E::Tls(_) => true,
        other => other.code().is_some_and(passing),
    }
}

fn refuses_for_the_moment(error: &imap::Error) -> bool {
    error.code().is_some_and(passing) || suggested_pause(error).is_some()
}

fn passing(code: &ResponseCode) -> bool {
    matches!(
        code,
        ResponseCode::Unavailable | ResponseCode::InUse | ResponseCode::Limit | ResponseCode::Throttled
    )
}

/// "Suggested Backoff Time: N milliseconds", as Exchange says, mostly with BAD and without a code.
pub(crate) fn suggested_pause(error: &imap::Error) -> Option<Duration> {
    match error {
        imap::Error::Refused { text, .. } | imap::Error::Bye { text, .. } => backoff_hint(text),
        _ => None,
    }
}

fn backoff_hint(text: &str) -> Option<Duration> {
    let (_, rest) = text.split_once("Suggested Backoff Time: ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_own_hint_is_understood() {
        let text = "Request is throttled. Suggested Backoff Time: 4242 milliseconds";
        assert_eq!(backoff_hint(text), Some(Duration::from_millis(4242)));
        assert_eq!(backoff_hint("try later"), None);
    }
}
