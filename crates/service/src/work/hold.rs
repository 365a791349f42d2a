//! Holding one job: it runs in a task of its own, so that its panic is only its own, while its lease is renewed beside
//! it, and it is put down when it ends.

use std::time::Duration;

use engine::ledger::LedgerError;
use store::Wake;
use store::jobs::{self, Job, Lease, Outcome, Want};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::{Control, Reason, Shop};
use crate::error::Result;

/// Before putting down is tried again after the database has failed.
const PAUSE: Duration = Duration::from_secs(1);

/// How a task ended.
enum Ended {
    Said(Outcome),
    Panicked(String),
    ByUs,
}

impl From<std::result::Result<Outcome, JoinError>> for Ended {
    fn from(ended: std::result::Result<Outcome, JoinError>) -> Ended {
        match ended {
            Ok(outcome) => Ended::Said(outcome),
            Err(error) if error.is_panic() => Ended::Panicked(error.to_string()),
            Err(_) => Ended::ByUs,
        }
    }
}

impl Shop {
    /// Runs a job from its claim to its end.
    pub(super) async fn run(&self, lease: Lease) {
        let kind = lease.job.kind.as_str();
        let (job, control) = (lease.job.clone(), Control::new(lease));
        tracing::info!(%job.id, kind, subject = %job.subject, "job begins");
        let running = metrics::gauge!("mailimport_jobs_running", "kind" => kind);
        running.increment(1);
        let ended = match self.outcome(&job, &control).await {
            Some(outcome) => self.end(&control, outcome).await,
            None => None,
        };
        running.decrement(1);
        let word = ended.map_or("lease_lost", |job| job.state.as_str());
        tracing::info!(%job.id, kind, "job is put down: {word}");
        metrics::counter!("mailimport_jobs_put_down_total", "kind" => kind, "as" => word).increment(1);
    }

    /// What the handler says. `None`: the lease was lost.
    async fn outcome(&self, job: &Job, control: &Control) -> Option<Outcome> {
        let (handler, begun, line) = (self.handler.clone(), job.clone(), control.clone());
        let work = tokio::spawn(async move { handler.run(begun, line).await });
        let outcome = match self.attend(work, control).await {
            Ended::Said(outcome) => outcome,
            Ended::ByUs => Outcome::GiveBack,
            Ended::Panicked(fault) => {
                tracing::error!(%job.id, fault, "a job panicked");
                metrics::counter!("mailimport_jobs_panicked_total", "kind" => job.kind.as_str()).increment(1);
                let (handler, job, line) = (self.handler.clone(), job.clone(), control.clone());
                let words = tokio::spawn(async move { handler.panicked(job, line, fault).await });
                match self.attend(words, control).await {
                    Ended::Said(outcome) => outcome,
                    Ended::ByUs | Ended::Panicked(_) => Outcome::Failed,
                }
            }
        };
        (control.reason() != Some(Reason::LeaseLost)).then_some(outcome)
    }

    /// Waits for the task, renewing the lease meanwhile. A task that does not stop when told to is ended. One that cannot
    /// even be ended, because it blocks its thread, is left to itself: the fence stands between it and whoever comes next.
    async fn attend(&self, task: JoinHandle<Outcome>, control: &Control) -> Ended {
        let mut task = AbortOnDropHandle::new(task);
        let told = async {
            control.stopped().await;
            tokio::time::sleep(self.limits.grace).await;
        };
        let lost = async {
            self.keep(control).await;
            tokio::time::sleep(self.limits.lease / 3).await;
        };
        tokio::select! {
            ended = &mut task => return Ended::from(ended),
            () = told => {}
            () = lost => {}
        }
        tracing::warn!(job = %control.lease().job.id, reason = ?control.reason(), "did not stop in time and is ended");
        task.abort();
        let patience = Duration::from_secs(1).min(self.limits.grace);
        tokio::time::timeout(patience, task).await.map_or(Ended::ByUs, Ended::from)
    }

    /// Renews the lease and passes on what people want, until the lease is lost.
    async fn keep(&self, control: &Control) {
        let lease = control.lease();
        let (third, mut wakes) = (lease.length / 3, self.store.wakes());
        let mut renewed = Instant::now();
        loop {
            let wanted = async {
                loop {
                    match wakes.next().await {
                        Wake::Wanted(job) if job == lease.job.id => break,
                        Wake::Anything => break,
                        _ => {}
                    }
                }
            };
            tokio::select! {
                () = tokio::time::sleep(third) => {}
                () = wanted => {}
                () = self.shutdown.cancelled(), if control.reason().is_none() => control.tell(Reason::Shutdown),
            }
            let begun = Instant::now();
            match tokio::time::timeout(third, self.store.renew(lease)).await {
                Ok(Ok(Some(want))) => {
                    renewed = begun;
                    match want {
                        Want::Run => {}
                        Want::Pause => control.tell(Reason::Pause),
                        Want::Cancel => control.tell(Reason::Cancel),
                    }
                }
                Ok(Ok(None)) => return control.tell(Reason::LeaseLost),
                // Nothing is known. By our own clock the lease may be over.
                Ok(Err(_)) | Err(_) if renewed.elapsed() >= lease.length => {
                    return control.tell(Reason::LeaseLost);
                }
                Ok(Err(error)) => tracing::warn!(%error, job = %lease.job.id, "the lease was not renewed"),
                Err(_) => tracing::warn!(job = %lease.job.id, "the lease was not renewed in time"),
            }
        }
    }

    /// Puts the job down, trying again as long as the lease lasts. `None`: it is lost, and somebody takes the job over.
    async fn end(&self, control: &Control, outcome: Outcome) -> Option<Job> {
        let outcome = match (outcome, control.reason()) {
            // It obeyed; perhaps people have changed their minds since.
            (Outcome::Paused, Some(Reason::Pause)) => Outcome::GiveBack,
            // Nobody asked for it back: at once again would be again and again.
            (Outcome::GiveBack, None) => Outcome::RetryAfter(self.limits.poll),
            (outcome, _) => outcome,
        };
        let (lease, begun) = (control.lease(), Instant::now());
        loop {
            match tokio::time::timeout(lease.length, self.put_down(lease, outcome)).await {
                Ok(Ok(job)) => return job,
                Ok(Err(error)) => tracing::warn!(%error, job = %lease.job.id, "could not be put down"),
                Err(_) => tracing::warn!(job = %lease.job.id, "could not be put down in time"),
            }
            if begun.elapsed() >= lease.length {
                return None;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// One attempt to put the job down; the handler's rows follow in the same transaction. `None`: the lease is lost.
    pub(super) async fn put_down(&self, lease: &Lease, outcome: Outcome) -> Result<Option<Job>> {
        let writing = self.store.writing().await?;
        let job = match jobs::release(&writing, lease, outcome).await {
            Ok(job) => job,
            Err(LedgerError::LeaseLost) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        self.handler.follow(&writing, std::slice::from_ref(&job)).await?;
        writing.commit().await?;
        Ok(Some(job))
    }
}
