//! What people want, and how jobs are put down.

use std::time::Duration;

use mailimport_store::jobs::{self, JobId, Lease, Outcome, State, Want};
use mailimport_store::{Store, Wake};

use crate::place::Place;
use crate::{claim, enqueue, import, job, time_passes};

on_both_databases! {
    a_job_that_nobody_works_on_obeys_at_once
    the_worker_of_a_running_job_is_told
    what_people_want_by_then_decides_how_a_job_is_put_down
    jobs_of_vanished_workers_obey_people
    a_new_start_takes_up_what_its_name_held
    waiting_workers_hear_of_what_was_committed
}

async fn in_state(store: &Store, state: State) -> JobId {
    let id = enqueue(store, import(1)).await;
    let outcome = match state {
        State::Queued => return id,
        State::Running => None,
        State::Paused => Some(Outcome::Paused),
        State::Done => Some(Outcome::Done),
        State::Failed => Some(Outcome::Failed),
        State::Cancelled => Some(Outcome::Cancelled),
    };
    let lease = claim(store, "w").await.unwrap();
    if let Some(outcome) = outcome {
        store.release(&lease, outcome).await.unwrap();
    }
    id
}

async fn a_job_that_nobody_works_on_obeys_at_once(place: &Place) {
    use State::{Cancelled, Done, Failed, Paused, Queued, Running};
    let cases = [
        (Queued, Want::Run, Some(Queued)),
        (Queued, Want::Pause, Some(Paused)),
        (Queued, Want::Cancel, Some(Cancelled)),
        (Paused, Want::Run, Some(Queued)),
        (Paused, Want::Pause, Some(Paused)),
        (Paused, Want::Cancel, Some(Cancelled)),
        (Running, Want::Run, Some(Running)),
        (Running, Want::Pause, Some(Running)),
        (Running, Want::Cancel, Some(Running)),
    ];
    let store = place.open().await;
    for (before, want, after) in cases {
        let id = in_state(&store, before).await;
        assert_eq!(store.set_want(id, want).await.unwrap(), after, "{before:?} {want:?}");
        let now = job(&store, id).await;
        assert_eq!((Some(now.state), now.want), (after, want), "{before:?} {want:?}");
        // Nobody else's business in the next case.
        place.tamper("DELETE FROM job").await;
    }
    for ended in [Done, Failed, Cancelled] {
        for want in [Want::Run, Want::Pause, Want::Cancel] {
            let id = in_state(&store, ended).await;
            assert_eq!(store.set_want(id, want).await.unwrap(), None);
            assert_eq!(job(&store, id).await.state, ended);
        }
    }
    assert_eq!(store.set_want(JobId(999_999), Want::Run).await.unwrap(), None);
}

async fn the_worker_of_a_running_job_is_told(place: &Place) {
    let store = place.open().await;
    let id = enqueue(&store, import(1)).await;
    let lease = claim(&store, "w").await.unwrap();
    for want in [Want::Run, Want::Pause, Want::Run, Want::Pause, Want::Cancel] {
        assert_eq!(store.set_want(id, want).await.unwrap(), Some(State::Running));
        assert_eq!(store.renew(&lease).await.unwrap(), Some(want));
    }
    for late in [Want::Run, Want::Pause, Want::Cancel] {
        assert_eq!(store.set_want(id, late).await.unwrap(), Some(State::Running));
        assert_eq!(store.renew(&lease).await.unwrap(), Some(Want::Cancel), "a cancel stands");
    }
}

async fn what_people_want_by_then_decides_how_a_job_is_put_down(place: &Place) {
    use State::{Cancelled, Done, Failed, Paused, Queued};
    const LATER: i64 = 4_000_000_000_000;
    // Outcome; what it becomes when run, pause, cancel is wanted.
    let cases = [
        (Outcome::Done, [Done, Done, Done]),
        (Outcome::Failed, [Failed, Failed, Failed]),
        (Outcome::Paused, [Paused, Paused, Cancelled]),
        (Outcome::Cancelled, [Cancelled, Cancelled, Cancelled]),
        (Outcome::RetryAt(LATER), [Queued, Paused, Cancelled]),
        (Outcome::RetryAfter(Duration::from_secs(1_000)), [Queued, Paused, Cancelled]),
        (Outcome::GiveBack, [Queued, Paused, Cancelled]),
    ];
    let store = place.open().await;
    for (outcome, states) in cases {
        for (want, state) in [Want::Run, Want::Pause, Want::Cancel].into_iter().zip(states) {
            let id = enqueue(&store, import(1)).await;
            let lease = claim(&store, "w").await.unwrap();
            store.set_want(id, want).await.unwrap();
            let before = store.now().await.unwrap();
            let put_down = store.release(&lease, outcome).await.unwrap();
            let case = format!("{outcome:?} {want:?}");
            assert_eq!(put_down.state, state, "{case}");
            assert_eq!(job(&store, id).await, put_down, "{case}");
            let rests = "SELECT count(*) FROM job WHERE owner IS NOT NULL OR lease_until IS NOT NULL";
            assert_eq!(place.number(rests).await, 0, "{case}");
            let ended = place.number("SELECT count(*) FROM job WHERE ended_at IS NOT NULL").await;
            assert_eq!(ended == 1, state.is_final(), "{case}");
            match outcome {
                Outcome::RetryAt(at) => assert_eq!((put_down.run_at, put_down.attempts), (at, 1), "{case}"),
                Outcome::RetryAfter(_) => {
                    assert!(put_down.run_at >= before + 1_000_000 && put_down.attempts == 1, "{case}");
                }
                _ => assert_eq!((put_down.run_at, put_down.attempts), (lease.job.run_at, 0), "{case}"),
            }
            // It can be resumed exactly when it is paused, and keeps the time until which it was put off.
            let resumed = store.set_want(id, Want::Run).await.unwrap();
            assert_eq!(resumed.is_some(), !state.is_final(), "{case}");
            assert_eq!(job(&store, id).await.run_at, put_down.run_at, "{case}");
            place.tamper("DELETE FROM job").await;
        }
    }
}

async fn held(store: &Store, owner: &str, want: Want) -> (JobId, Lease) {
    let id = enqueue(store, import(1)).await;
    let lease = claim(store, owner).await.unwrap();
    assert_eq!(lease.job.id, id);
    store.set_want(id, want).await.unwrap();
    (id, lease)
}

async fn jobs_of_vanished_workers_obey_people(place: &Place) {
    let store = place.open().await;
    let sweep = async || {
        let writing = store.writing().await.unwrap();
        let mut swept = jobs::sweep(&writing).await.unwrap();
        writing.commit().await.unwrap();
        swept.sort_by_key(|job| job.id);
        swept.into_iter().map(|job| (job.id, job.state)).collect::<Vec<_>>()
    };
    let (goes_on, _) = held(&store, "w", Want::Run).await;
    let (paused, _) = held(&store, "w", Want::Pause).await;
    let (cancelled, stale) = held(&store, "w", Want::Cancel).await;
    assert_eq!(sweep().await, [], "their worker may be alive");
    time_passes(place).await;
    assert!(store.claim(&crate::anything("x")).await.unwrap().is_none());
    assert_eq!(sweep().await, [(paused, State::Paused), (cancelled, State::Cancelled)]);
    assert_eq!(sweep().await, []);
    assert!(store.release(&stale, Outcome::Done).await.is_err());
    assert_eq!(job(&store, cancelled).await.state, State::Cancelled);
    let lease = claim(&store, "x").await.unwrap();
    assert_eq!((lease.job.id, lease.job.takeovers), (goes_on, 1));
    assert!(claim(&store, "x").await.is_none());
}

async fn a_new_start_takes_up_what_its_name_held(place: &Place) {
    let store = place.open().await;
    let (goes_on, stale) = held(&store, "server", Want::Run).await;
    let (paused, _) = held(&store, "server", Want::Pause).await;
    let (cancelled, _) = held(&store, "server", Want::Cancel).await;
    let (others, alive) = held(&store, "worker", Want::Run).await;
    let writing = store.writing().await.unwrap();
    let left = jobs::release_all_of(&writing, "server").await.unwrap();
    writing.commit().await.unwrap();
    let mut left: Vec<_> = left.into_iter().map(|job| (job.id, job.state, job.takeovers)).collect();
    left.sort_by_key(|job| job.0);
    assert_eq!(
        left,
        [(goes_on, State::Queued, 1), (paused, State::Paused, 1), (cancelled, State::Cancelled, 1)]
    );
    let lease = claim(&store, "server").await.unwrap();
    assert_eq!((lease.job.id, lease.taken_from.clone()), (goes_on, None), "at once, and counted once");
    assert_eq!(store.renew(&stale).await.unwrap(), None, "the same name is not the same lease");
    assert_eq!(store.renew(&lease).await.unwrap(), Some(Want::Run));
    assert_eq!(store.renew(&alive).await.unwrap(), Some(Want::Run));
    assert_eq!(job(&store, others).await.state, State::Running);
}

async fn waiting_workers_hear_of_what_was_committed(place: &Place) {
    let store = std::sync::Arc::new(place.open().await);
    // On PostgreSQL everything is done by another process.
    let other = match place {
        Place::Sqlite(_) => std::sync::Arc::clone(&store),
        Place::Postgres(_) => std::sync::Arc::new(place.open().await),
    };
    let mut wakes = store.wakes();
    let listening = tokio::spawn({
        let store = std::sync::Arc::clone(&store);
        async move { store.listen().await }
    });
    if matches!(place, Place::Postgres(_)) {
        assert_eq!(hears(&mut wakes).await, Wake::Anything, "what came before it listened");
    }
    let rolled_back = other.writing().await.unwrap();
    jobs::enqueue(&rolled_back, import(1)).await.unwrap();
    drop(rolled_back);
    let id = enqueue(&other, import(1)).await;
    assert_eq!(hears(&mut wakes).await, Wake::Due);
    let lease = claim(&other, "w").await.unwrap();
    other.set_want(id, Want::Pause).await.unwrap();
    assert_eq!(hears(&mut wakes).await, Wake::Wanted(id), "nothing else came before it");
    other.release(&lease, Outcome::GiveBack).await.unwrap();
    assert_eq!(hears(&mut wakes).await, Wake::Due, "there is room for others");
    other.set_want(id, Want::Run).await.unwrap();
    assert_eq!(hears(&mut wakes).await, Wake::Due);
    // Somebody who does not listen for long is told once that anything may have happened.
    for _ in 0..600 {
        enqueue(&store, import(1)).await;
    }
    assert_eq!(hears(&mut wakes).await, Wake::Anything);
    listening.abort();
}

async fn hears(wakes: &mut mailimport_store::Wakes) -> Wake {
    tokio::time::timeout(Duration::from_secs(60), wakes.next()).await.expect("a wake comes")
}
