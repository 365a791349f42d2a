//! Jobs are done by one worker at a time, in order, within limits, and whatever happens to the worker: on SQLite and on
//! PostgreSQL.

#![allow(clippy::unwrap_used, reason = "in tests an unwrap states an expectation")]

macro_rules! on_both_databases {
    ($($test:ident)*) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(&crate::place::Place::sqlite()).await;
            })*
        }
        mod on_postgresql {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(&crate::place::Place::postgres()).await;
            })*
        }
    };
}

mod crash;
mod fence;
mod limits;
mod order;
#[path = "../place/mod.rs"]
mod place;
mod wants;

use std::time::Duration;

use mailimport_store::Store;
use mailimport_store::jobs::{self, Claim, Job, JobId, Kind, Lease, NewJob};
use uuid::Uuid;

pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

pub(crate) fn import(customer: u128) -> NewJob {
    NewJob {
        kind: Kind::Import,
        queue: "here".into(),
        subject: Uuid::now_v7(),
        customer: Uuid::from_u128(customer),
        server: None,
        exclusive: None,
        priority: 0,
        run_at: None,
    }
}

pub(crate) async fn enqueue(store: &Store, new: NewJob) -> JobId {
    let writing = store.writing().await.unwrap();
    let id = jobs::enqueue(&writing, new).await.unwrap();
    writing.commit().await.unwrap();
    id
}

pub(crate) async fn job(store: &Store, id: JobId) -> Job {
    store.jobs([id]).await.unwrap().pop().unwrap()
}

/// A claim of everything, without limits.
pub(crate) fn anything(owner: &str) -> Claim<'_> {
    Claim {
        owner,
        kinds: &[Kind::Check, Kind::Import],
        except: &[],
        queues: const { &[] },
        lease: HOUR,
        per_server: None,
        per_customer: None,
    }
}

/// Claims with these limits in the one queue that the tests use.
pub(crate) async fn claim_with(store: &Store, claim: Claim<'_>) -> Option<Lease> {
    store.claim(&Claim { queues: &["here".to_owned()], ..claim }).await.unwrap()
}

pub(crate) async fn claim(store: &Store, owner: &str) -> Option<Lease> {
    claim_with(store, anything(owner)).await
}

/// Lets every lease run out.
pub(crate) async fn time_passes(place: &place::Place) {
    place.tamper("UPDATE job SET lease_until = 0").await;
}
