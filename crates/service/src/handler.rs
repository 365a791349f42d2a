//! What a worker does with a job: the check of an entry, the import of an account, or telling that a run has ended.
//!
//! Whatever goes wrong ends in the job's outcome: a fault in one job never reaches another, and none is retried in a hot
//! loop.

use std::sync::Arc;
use std::time::Duration;

use store::Writing;
use store::jobs::{Job, Kind, Outcome};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::error::Result;
use crate::queue::Duty;
use crate::service::Service;
use crate::work::{Control, Handler, Limits, Owner, Worker};

/// When a job is tried again of which nothing could be written: the database was away, or is busy.
const AFTER_A_FAULT: Duration = Duration::from_secs(15);

/// Where a worker brings its jobs.
struct Desk(Service);

#[async_trait::async_trait]
impl Handler for Desk {
    async fn run(&self, _: Job, control: Control) -> Outcome {
        self.0.do_job(&Duty::new(control)).await
    }

    async fn panicked(&self, _: Job, control: Control, fault: String) -> Outcome {
        self.0.job_panicked(&Duty::new(control), &fault).await
    }

    async fn follow(&self, writing: &Writing<'_>, jobs: &[Job]) -> Result<()> {
        for job in jobs.iter().filter(|job| job.kind == Kind::Import) {
            self.0.follow(writing, job).await?;
        }
        Ok(())
    }
}

impl Service {
    /// Starts working on jobs in this process; ends after `shutdown`, when everything in hand was put away.
    pub fn start_workers(&self, owner: Owner, limits: Limits, shutdown: CancellationToken) -> JoinHandle<()> {
        let worker = Worker {
            store: Arc::clone(&self.inner.store),
            owner,
            queues: vec![self.inner.host.name().to_owned()],
            limits,
            handler: Arc::new(Desk(self.clone())),
        };
        worker.start(shutdown)
    }

    /// Does a job and says how to put it down.
    async fn do_job(&self, duty: &Duty) -> Outcome {
        let done = match duty.job().kind {
            Kind::Check => self.check(duty).await.map(|()| Outcome::Done),
            Kind::Import => self.import_account(duty).await,
            Kind::Tell => self.tell(duty).await,
        };
        done.unwrap_or_else(|error| {
            tracing::error!(job = %duty.job().id, %error, "a job failed by an internal fault");
            Outcome::RetryAfter(AFTER_A_FAULT)
        })
    }

    /// A panic ended the work on a job: its customer is told. A check is first tried again.
    async fn job_panicked(&self, duty: &Duty, fault: &str) -> Outcome {
        let told = match duty.job().kind {
            Kind::Check if duty.job().attempts < 3 => return Outcome::RetryAfter(AFTER_A_FAULT),
            Kind::Check => self.check_faulted(duty, fault).await.map(|()| Outcome::Failed),
            Kind::Import => self.import_faulted(duty, fault).await,
            Kind::Tell => self.tell_faulted(duty).await,
        };
        told.unwrap_or(Outcome::RetryAfter(AFTER_A_FAULT))
    }
}
