//! What a worker does with a job: the check of an entry, or the import of an account.
//!
//! Whatever goes wrong ends in the job's outcome: a fault in one job never reaches another, and none is retried in a hot
//! loop.

use std::time::Duration;

use store::jobs::{Job, Kind, Outcome};

use crate::error::Result;
use crate::queue::Duty;
use crate::service::Service;

/// When a job is tried again of which nothing could be written: the database was away, or is busy.
const AFTER_A_FAULT: Duration = Duration::from_secs(15);

impl Service {
    /// Does a job and says how to put it down.
    pub(crate) async fn do_job(&self, duty: &Duty) -> Outcome {
        let done = match duty.lease.job.kind {
            Kind::Check => self.check(duty).await.map(|()| Outcome::Done),
            Kind::Import => self.import_account(duty).await,
        };
        match done {
            Ok(outcome) => outcome,
            Err(error) => {
                tracing::error!(job = %duty.lease.job.id, %error, "a job failed by an internal fault");
                self.again().await
            }
        }
    }

    /// A panic ended the work on a job. An import says so to its customer; a check is simply done again.
    pub(crate) async fn job_panicked(&self, duty: &Duty, fault: &str) -> Outcome {
        let told = match duty.lease.job.kind {
            Kind::Check if duty.lease.job.attempts < 3 => return self.again().await,
            Kind::Check => self.check_faulted(duty, fault).await.map(|()| Outcome::Failed),
            Kind::Import => self.import_faulted(duty, fault).await,
        };
        match told {
            Ok(outcome) => outcome,
            Err(_) => self.again().await,
        }
    }

    /// Jobs that were put down in the name of a worker that had vanished: what they are about says the same.
    pub(crate) async fn jobs_put_down(&self, writing: &store::Writing<'_>, jobs: &[Job]) -> Result<()> {
        for job in jobs.iter().filter(|job| job.kind == Kind::Import) {
            self.follow(writing, job).await?;
        }
        Ok(())
    }

    async fn again(&self) -> Outcome {
        match self.inner.store.now().await {
            Ok(now) => Outcome::RetryAt(now + AFTER_A_FAULT.as_millis() as i64),
            Err(_) => Outcome::GiveBack,
        }
    }
}
