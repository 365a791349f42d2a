//! Which job is next.

use engine::ledger::LedgerError;
use mailimport_store::jobs::{Claim, Kind, NewJob, Outcome, State, Want};

use crate::place::Place;
use crate::{anything, claim, claim_with, enqueue, import, job};

on_both_databases! {
    jobs_come_by_priority_then_in_turns_of_customers_then_by_time
    a_claim_is_for_the_kinds_and_queues_asked_for
    a_job_that_ended_is_not_claimed_again
    a_job_that_was_put_off_comes_not_before_its_time
    jobs_of_one_key_come_one_after_the_other_by_age
    a_job_of_a_key_that_waits_for_its_time_or_for_people_holds_up_no_other
    an_enqueued_job_is_there_when_its_transaction_is_and_not_before
    a_text_that_cannot_be_kept_is_refused
    old_jobs_that_ended_are_forgotten_and_no_others
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

async fn a_claim_is_for_the_kinds_and_queues_asked_for(place: &Place) {
    let store = place.open().await;
    let check = enqueue(&store, NewJob { kind: Kind::Check, ..import(1) }).await;
    let there = enqueue(&store, NewJob { queue: "there".into(), ..import(1) }).await;
    let queues = ["here".to_owned(), "there".to_owned(), "nowhere".to_owned()];
    let nothing = [Claim { kinds: &[], queues: &queues, ..anything("w") }, anything("w")];
    for claim in nothing {
        assert!(store.claim(&claim).await.unwrap().is_none());
    }
    let imports = Claim { kinds: &[Kind::Import], ..anything("w") };
    assert!(store.claim(&Claim { queues: &queues[..1], ..imports.clone() }).await.unwrap().is_none());
    let lease = store.claim(&Claim { queues: &queues, ..imports }).await.unwrap().unwrap();
    assert_eq!((lease.job.id, lease.job.queue.as_str()), (there, "there"));
    let lease = claim_with(&store, Claim { kinds: &[Kind::Check], ..anything("w") }).await.unwrap();
    assert_eq!((lease.job.id, lease.job.kind), (check, Kind::Check));
}

async fn jobs_of_one_key_come_one_after_the_other_by_age(place: &Place) {
    let store = place.open().await;
    let keyed = |key: &str| NewJob { exclusive: Some(key.to_owned()), ..import(1) };
    let first = enqueue(&store, keyed("a")).await;
    // Neither priority nor an earlier time puts a younger one before an older one of its key.
    let second = enqueue(&store, NewJob { priority: 9, run_at: Some(0), ..keyed("a") }).await;
    let third =
        enqueue(&store, NewJob { kind: Kind::Check, customer: uuid::Uuid::nil(), ..keyed("a") }).await;
    let other = enqueue(&store, keyed("b")).await;
    let lease = claim(&store, "w").await.unwrap();
    assert_eq!(lease.job.id, first);
    let beside = claim(&store, "x").await.unwrap();
    assert_eq!(beside.job.id, other, "another key is not held up");
    assert!(claim(&store, "x").await.is_none());
    store.release(&beside, Outcome::Done).await.unwrap();
    // A worker that has vanished holds the key until its own job is taken over.
    crate::time_passes(place).await;
    let again = claim(&store, "x").await.unwrap();
    assert_eq!((again.job.id, again.job.takeovers), (first, 1));
    store.release(&again, Outcome::Failed).await.unwrap();
    for (id, outcome) in [(second, Outcome::Cancelled), (third, Outcome::Done)] {
        let lease = claim(&store, "w").await.unwrap();
        assert_eq!(lease.job.id, id);
        assert!(claim(&store, "w").await.is_none());
        store.release(&lease, outcome).await.unwrap();
    }
}

async fn a_job_of_a_key_that_waits_for_its_time_or_for_people_holds_up_no_other(place: &Place) {
    let store = place.open().await;
    let keyed = || NewJob { exclusive: Some("a".to_owned()), ..import(1) };
    let put_off = enqueue(&store, keyed()).await;
    let paused = enqueue(&store, keyed()).await;
    let last = enqueue(&store, keyed()).await;
    let lease = claim(&store, "w").await.unwrap();
    let later = store.now().await.unwrap() + 3_600_000;
    store.release(&lease, Outcome::RetryAt(later)).await.unwrap();
    assert_eq!(store.set_want(paused, Want::Pause).await.unwrap(), Some(State::Paused));
    let lease = claim(&store, "w").await.unwrap();
    assert_eq!(lease.job.id, last);
    // They become due while the youngest runs, and wait for it; also when its worker vanishes.
    place.tamper("UPDATE job SET run_at = 0").await;
    assert_eq!(store.set_want(paused, Want::Run).await.unwrap(), Some(State::Queued));
    assert!(claim(&store, "w").await.is_none());
    crate::time_passes(place).await;
    let lease = claim(&store, "w").await.unwrap();
    assert_eq!((lease.job.id, lease.job.takeovers), (last, 1));
    assert!(claim(&store, "w").await.is_none());
    store.release(&lease, Outcome::Done).await.unwrap();
    for id in [put_off, paused] {
        let lease = claim(&store, "w").await.unwrap();
        assert_eq!(lease.job.id, id);
        store.release(&lease, Outcome::Done).await.unwrap();
    }
}

async fn an_enqueued_job_is_there_when_its_transaction_is_and_not_before(place: &Place) {
    let store = place.open().await;
    let writing = store.writing().await.unwrap();
    mailimport_store::jobs::enqueue(&writing, import(1)).await.unwrap();
    drop(writing);
    assert!(claim(&store, "w").await.is_none(), "what was rolled back is not there");
    let writing = store.writing().await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..500 {
        ids.push(mailimport_store::jobs::enqueue(&writing, import(1)).await.unwrap());
    }
    assert_eq!(store.jobs(ids.clone()).await.unwrap(), [], "nobody else sees it before it is committed");
    writing.commit().await.unwrap();
    assert!(ids.is_sorted());
    assert_eq!(store.jobs(ids).await.unwrap().len(), 500);
}

async fn a_text_that_cannot_be_kept_is_refused(place: &Place) {
    let store = place.open().await;
    let nul = || "a\0b".to_owned();
    for new in [
        NewJob { queue: nul(), ..import(1) },
        NewJob { server: Some(nul()), ..import(1) },
        NewJob { exclusive: Some(nul()), ..import(1) },
    ] {
        let writing = store.writing().await.unwrap();
        let error = mailimport_store::jobs::enqueue(&writing, new).await.unwrap_err();
        assert!(error.to_string().contains("NUL"), "{error}");
    }
    let odd = "ü'; DROP TABLE job; --".to_owned();
    let id = enqueue(&store, NewJob { exclusive: Some(odd.clone()), server: Some(odd.clone()), ..import(1) })
        .await;
    let kept = job(&store, id).await;
    assert_eq!((kept.exclusive, kept.server), (Some(odd.clone()), Some(odd)));
}

async fn old_jobs_that_ended_are_forgotten_and_no_others(place: &Place) {
    let store = place.open().await;
    let mut kept = Vec::new();
    for outcome in [Outcome::Done, Outcome::Failed, Outcome::Paused, Outcome::RetryAfter(crate::HOUR)] {
        let id = enqueue(&store, import(1)).await;
        let lease = claim(&store, "w").await.unwrap();
        let state = store.release(&lease, outcome).await.unwrap().state;
        if !state.is_final() {
            kept.push(id);
        }
    }
    let check = enqueue(&store, NewJob { kind: Kind::Check, ..import(1) }).await;
    assert_eq!(store.set_want(check, Want::Cancel).await.unwrap(), Some(State::Cancelled));
    let forget = async |kind, age| {
        let writing = store.writing().await.unwrap();
        let gone = mailimport_store::jobs::forget_ended(&writing, kind, age).await.unwrap();
        writing.commit().await.unwrap();
        gone
    };
    assert_eq!(forget(Kind::Import, crate::HOUR).await, 0, "too young");
    place.tamper("UPDATE job SET ended_at = ended_at - 7200000").await;
    assert_eq!(forget(Kind::Import, crate::HOUR).await, 2);
    assert_eq!(forget(Kind::Check, crate::HOUR).await, 1);
    assert_eq!(store.jobs(kept).await.unwrap().len(), 2);
}
