//! What a running job knows of the world's wishes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use store::jobs::Lease;
use tokio_util::sync::CancellationToken;

/// Why a job is to stop. A later reason replaces an earlier one only when it weighs more; they stand in that order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The process ends. Give it back.
    Shutdown = 1,
    /// People want it to wait.
    Pause = 2,
    /// People want it to end.
    Cancel = 3,
    /// It is somebody else's by now: write nothing any more.
    LeaseLost = 4,
}

/// A job's line to its worker. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Control {
    lease: Arc<Lease>,
    stop: CancellationToken,
    reason: Arc<AtomicU8>,
}

impl Control {
    pub(super) fn new(lease: Lease) -> Control {
        Control { lease: Arc::new(lease), stop: CancellationToken::new(), reason: Arc::default() }
    }

    /// What everything that the job writes is fenced by.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Is cancelled when the job is to stop.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Why it is to stop; `None`: it is not.
    pub fn reason(&self) -> Option<Reason> {
        let reasons = [Reason::Shutdown, Reason::Pause, Reason::Cancel, Reason::LeaseLost];
        let now = self.reason.load(Ordering::Acquire);
        reasons.into_iter().find(|reason| *reason as u8 == now)
    }

    /// Waits until it is to stop.
    pub async fn stopped(&self) -> Reason {
        self.stop.cancelled().await;
        // The reason is stored before the token is cancelled.
        self.reason().unwrap_or(Reason::Shutdown)
    }

    pub(super) fn tell(&self, reason: Reason) {
        self.reason.fetch_max(reason as u8, Ordering::AcqRel);
        self.stop.cancel();
    }
}
