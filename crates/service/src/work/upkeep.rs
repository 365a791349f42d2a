//! What a worker does beside its jobs: it takes up what its predecessor left, and puts down in the name of others.

use std::convert::Infallible;
use std::time::Duration;

use store::jobs::{self, Kind};
use tokio::time::Instant;

use super::Shop;
use crate::error::Result;

/// How long ended checks and notices are kept. Ended imports stay as long as their runs, which tell how often they were taken over.
const KEEP: Duration = Duration::from_secs(24 * 3_600);
const FORGET_EVERY: Duration = Duration::from_secs(3_600);

impl Shop {
    /// Takes up what a killed process of the same name held, at once instead of when its leases are over.
    pub(super) async fn take_up(&self) {
        let left = async {
            let writing = self.store.writing().await?;
            let left = jobs::release_all_of(&writing, &self.owner).await?;
            self.handler.follow(&writing, &left).await?;
            writing.commit().await?;
            Ok::<usize, crate::Error>(left.len())
        };
        match left.await {
            Ok(0) => {}
            Ok(jobs) => tracing::warn!(jobs, "taken up from a predecessor that was killed"),
            Err(error) => {
                tracing::warn!(%error, "what a predecessor left is taken up when its leases are over")
            }
        }
    }

    /// Looks now and then after jobs whose worker vanished while people wanted them to stop, and after old rows.
    pub(super) async fn keep_tidy(&self) -> Infallible {
        let mut forgotten: Option<Instant> = None;
        loop {
            if let Err(error) = self.sweep().await {
                tracing::warn!(%error, "jobs of vanished workers could not be put down");
            }
            if forgotten.is_none_or(|time| time.elapsed() >= FORGET_EVERY) {
                forgotten = Some(Instant::now());
                if let Err(error) = self.forget().await {
                    tracing::warn!(%error, "jobs that ended long ago could not be forgotten");
                }
            }
            tokio::time::sleep(self.limits.lease / 3).await;
        }
    }

    async fn sweep(&self) -> Result<()> {
        let writing = self.store.writing().await?;
        let left = jobs::sweep(&writing).await?;
        if left.is_empty() {
            return Ok(());
        }
        for job in &left {
            tracing::warn!(job = %job.id, state = job.state.as_str(), "put down: its worker has vanished");
            metrics::counter!("mailimport_jobs_swept_total", "kind" => job.kind.as_str()).increment(1);
        }
        self.handler.follow(&writing, &left).await?;
        writing.commit().await?;
        Ok(())
    }

    async fn forget(&self) -> Result<()> {
        let writing = self.store.writing().await?;
        jobs::forget_ended(&writing, Kind::Check, KEEP).await?;
        jobs::forget_ended(&writing, Kind::Tell, KEEP).await?;
        writing.commit().await?;
        Ok(())
    }
}
