//! A lane: the places for one kind of job.
//!
//! First a free place, then a look at the stop flag, then the claim: nothing is ever held that is not run.

use std::collections::HashSet;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use store::jobs::{Claim, JobId, Kind, Lease, Outcome};
use store::{Wake, Wakes};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Shop;

/// Between two looks that found nothing, however many wakes come.
const REST: Duration = Duration::from_millis(50);

/// After the database has failed.
const PAUSE: Duration = Duration::from_secs(1);

impl Shop {
    /// Runs jobs of this kind until the shutdown, and then until the last one has been put down.
    pub(super) async fn lane(self: Arc<Self>, kind: Kind) {
        let places = Arc::new(Semaphore::new(match kind {
            Kind::Check => self.limits.checks,
            Kind::Import => self.limits.imports,
            Kind::Tell => self.limits.notices,
        }));
        let mut wakes = self.store.wakes();
        let mut running = JoinSet::new();
        while let Some(place) = self.free_place(&places).await {
            while running.try_join_next().is_some() {}
            // Only wakes from here on can tell something that the claim has not seen.
            wakes.clear();
            match self.claim(kind).await {
                Ok(Some(lease)) if self.shutdown.is_cancelled() => self.hand_back(&lease).await,
                Ok(Some(lease)) => {
                    let (shop, job) = (Arc::clone(&self), lease.job.id);
                    self.held().insert(job);
                    running.spawn(async move {
                        shop.run(lease).await;
                        shop.held().remove(&job);
                        drop(place);
                    });
                }
                Ok(None) => {
                    drop(place);
                    self.wait_for_work(&mut wakes).await;
                }
                Err(error) => {
                    drop(place);
                    tracing::warn!(%error, kind = kind.as_str(), "no work can be had");
                    self.rest(PAUSE).await;
                }
            }
        }
        while running.join_next().await.is_some() {}
    }

    async fn free_place(&self, places: &Arc<Semaphore>) -> Option<tokio::sync::OwnedSemaphorePermit> {
        let place = tokio::select! {
            // The semaphore is never closed.
            place = Arc::clone(places).acquire_owned() => place.ok()?,
            () = self.shutdown.cancelled() => return None,
        };
        (!self.shutdown.is_cancelled()).then_some(place)
    }

    async fn claim(&self, kind: Kind) -> Result<Option<Lease>, engine::ledger::LedgerError> {
        let limits = &self.limits;
        let (per_server, per_customer) = match kind {
            Kind::Check => (limits.checks_per_server, limits.checks_per_customer),
            Kind::Import => (limits.imports_per_server, limits.imports_per_customer),
            Kind::Tell => (None, limits.notices_per_customer),
        };
        let held: Vec<JobId> = self.held().iter().copied().collect();
        let claim = Claim {
            owner: &self.owner,
            except: &held,
            kinds: &[kind],
            queues: &self.queues,
            lease: limits.lease,
            per_server,
            per_customer,
        };
        let lease = self.store.claim(&claim).await?;
        if let Some(lease) = &lease {
            metrics::counter!("mailimport_jobs_claimed_total", "kind" => kind.as_str()).increment(1);
            if let Some(from) = &lease.taken_from {
                tracing::warn!(job = %lease.job.id, from, "taken over from a worker that has vanished");
                metrics::counter!("mailimport_jobs_taken_over_total", "kind" => kind.as_str()).increment(1);
            }
        }
        Ok(lease)
    }

    fn held(&self) -> MutexGuard<'_, HashSet<JobId>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The shutdown came while the job was being claimed.
    async fn hand_back(&self, lease: &Lease) {
        if let Err(error) = self.put_down(lease, Outcome::GiveBack).await {
            tracing::warn!(%error, job = %lease.job.id, "could not be given back; its lease runs out");
        }
    }

    async fn wait_for_work(&self, wakes: &mut Wakes) {
        self.rest(REST).await;
        let due = async { while let Wake::Wanted(_) = wakes.next().await {} };
        tokio::select! {
            () = due => {}
            () = tokio::time::sleep(self.limits.poll) => {}
            () = self.shutdown.cancelled() => {}
        }
    }

    pub(super) async fn rest(&self, time: Duration) {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = self.shutdown.cancelled() => {}
        }
    }
}
