//! Jobs are claimed by one worker at a time, in order and within limits, on SQLite and on PostgreSQL.

#![allow(clippy::unwrap_used, reason = "in tests an unwrap states an expectation")]

mod place;

use std::time::Duration;

use engine::ledger::LedgerError;
use mailimport_store::Store;
use mailimport_store::jobs::{self, Claim, Job, JobId, Kind, Lease, NewJob, Outcome, State, Want};
use place::Place;
use uuid::Uuid;

macro_rules! on_both_databases {
    ($($test:ident)*) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(&super::Place::sqlite()).await;
            })*
        }
        mod on_postgresql {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(&super::Place::postgres()).await;
            })*
        }
    };
}

on_both_databases! {
    jobs_come_by_priority_then_in_turns_of_customers_then_by_time
    a_job_that_ended_is_not_claimed_again
    a_job_that_was_put_off_comes_not_before_its_time
}

const HOUR: Duration = Duration::from_secs(3_600);

fn customer(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn import(of: u128) -> NewJob {
    NewJob {
        kind: Kind::Import,
        queue: "here".into(),
        subject: Uuid::now_v7(),
        customer: customer(of),
        server: None,
        exclusive: None,
        priority: 0,
        run_at: None,
    }
}

async fn enqueue(store: &Store, new: NewJob) -> JobId {
    let writing = store.writing().await.unwrap();
    let id = jobs::enqueue(&writing, new).await.unwrap();
    writing.commit().await.unwrap();
    id
}

async fn claim(store: &Store, owner: &str) -> Option<Lease> {
    claim_within(store, owner, HOUR, None, None).await
}

async fn claim_within(
    store: &Store,
    owner: &str,
    lease: Duration,
    per_server: Option<u32>,
    per_customer: Option<u32>,
) -> Option<Lease> {
    let claim = Claim {
        owner,
        kinds: &[Kind::Check, Kind::Import],
        except: &[],
        queues: &["here".to_owned()],
        lease,
        per_server,
        per_customer,
    };
    store.claim(&claim).await.unwrap()
}

async fn job(store: &Store, id: JobId) -> Job {
    store.jobs([id]).await.unwrap().pop().unwrap()
}

async fn jobs_come_by_priority_then_in_turns_of_customers_then_by_time(place: &Place) {
    let store = place.open().await;
    let now = store.now().await.unwrap();
    let at = |time: i64, new: NewJob| NewJob { run_at: Some(now - 10_000 + time), ..new };
    let third = enqueue(&store, at(1, import(1))).await;
    let fourth = enqueue(&store, at(2, import(1))).await;
    let fifth = enqueue(&store, at(4, import(2))).await;
    let second = enqueue(&store, at(0, import(2))).await;
    let first = enqueue(&store, NewJob { priority: 1, ..at(9, import(1)) }).await;
    let _later = enqueue(&store, NewJob { run_at: Some(now + 3_600_000), priority: 9, ..import(3) }).await;
    let _elsewhere = enqueue(&store, NewJob { queue: "there".into(), priority: 9, ..import(3) }).await;
    let mut order = Vec::new();
    while let Some(lease) = claim(&store, "w").await {
        assert_eq!((lease.job.state, lease.job.takeovers, lease.job.attempts), (State::Running, 0, 0));
        order.push(lease.job.id);
    }
    // After the first one customer 1 has one running: customer 2 comes next, and then both by time.
    assert_eq!(order, [first, second, third, fifth, fourth]);
}

async fn a_job_that_ended_is_not_claimed_again(place: &Place) {
    let store = place.open().await;
    for (outcome, state) in [
        (Outcome::Done, State::Done),
        (Outcome::Failed, State::Failed),
        (Outcome::Cancelled, State::Cancelled),
        (Outcome::Paused, State::Paused),
    ] {
        let id = enqueue(&store, import(1)).await;
        let lease = claim(&store, "w").await.unwrap();
        assert_eq!(lease.job.id, id);
        assert!(claim(&store, "w").await.is_none(), "a held job is claimed by nobody");
        assert_eq!(store.renew(&lease).await.unwrap(), Some(Want::Run));
        assert_eq!(store.release(&lease, outcome).await.unwrap().state, state);
        assert!(claim(&store, "w").await.is_none());
        assert_eq!(job(&store, id).await.state, state);
        assert_eq!(store.renew(&lease).await.unwrap(), None);
        let again = store.release(&lease, outcome).await.unwrap_err();
        assert!(matches!(again, LedgerError::LeaseLost), "{again}");
    }
}

async fn a_job_that_was_put_off_comes_not_before_its_time(place: &Place) {
    let store = place.open().await;
    let id = enqueue(&store, import(1)).await;
    for attempt in 1..=3 {
        let lease = claim(&store, "w").await.unwrap();
        let later = store.now().await.unwrap() + 3_600_000;
        let put_off = store.release(&lease, Outcome::RetryAt(later)).await.unwrap();
        assert_eq!((put_off.state, put_off.run_at, put_off.attempts), (State::Queued, later, attempt));
        assert!(claim(&store, "w").await.is_none());
        assert_eq!(
            place.number("SELECT count(*) FROM job WHERE owner IS NULL AND lease_until IS NULL").await,
            1
        );
        // An hour passes.
        place.tamper("UPDATE job SET run_at = run_at - 3600000").await;
    }
    let lease = claim(&store, "w").await.unwrap();
    assert_eq!((lease.job.id, lease.job.attempts, lease.job.takeovers), (id, 3, 0));
}
