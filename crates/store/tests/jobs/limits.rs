//! Limits hold, however many claim at the same moment.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};

use mailimport_store::Store;
use mailimport_store::jobs::{Claim, Kind, NewJob, Outcome, State};

use crate::place::Place;
use crate::{anything, claim_with, enqueue, import, job, time_passes};

on_both_databases! {
    no_more_than_so_many_of_a_server_and_of_a_customer_run
    sixteen_claimers_at_once_exceed_no_limit_and_hold_no_job_twice
    one_customers_giants_never_block_the_rest
    a_vanished_worker_uses_up_no_limit
    what_a_worker_runs_itself_it_does_not_take_over
}

fn of_server(server: &str, customer: u128) -> NewJob {
    NewJob { kind: Kind::Check, server: Some(server.to_owned()), ..import(customer) }
}

async fn no_more_than_so_many_of_a_server_and_of_a_customer_run(place: &Place) {
    let store = place.open().await;
    let limited = || Claim { per_server: Some(2), per_customer: Some(3), ..anything("w") };
    let (mut a, mut free) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        a.push(enqueue(&store, of_server("a", 1)).await);
    }
    for _ in 0..3 {
        free.push(enqueue(&store, import(1)).await);
    }
    let stranger = enqueue(&store, of_server("b", 2)).await;
    let mut held = Vec::new();
    while let Some(lease) = claim_with(&store, limited()).await {
        held.push(lease);
    }
    let mut ids: Vec<_> = held.iter().map(|lease| lease.job.id).collect();
    ids.sort();
    // Two of server a, one without a server, which makes three of customer 1; and the other customer's.
    assert_eq!(ids, [a[0], a[1], free[0], stranger]);
    // One of the server's makes room for one of the server's, and one more of the customer.
    let done = held.iter().find(|lease| lease.job.id == a[0]).unwrap();
    store.release(done, Outcome::Done).await.unwrap();
    assert_eq!(claim_with(&store, limited()).await.unwrap().job.id, a[2]);
    assert!(claim_with(&store, limited()).await.is_none());
    // Limits are those of the one who claims; jobs of other kinds do not count.
    let imports = Claim { kinds: &[Kind::Import], ..limited() };
    assert_eq!(claim_with(&store, imports.clone()).await.unwrap().job.id, free[1]);
    assert_eq!(claim_with(&store, imports.clone()).await.unwrap().job.id, free[2]);
    assert!(claim_with(&store, imports).await.is_none());
    assert_eq!(claim_with(&store, anything("w")).await.unwrap().job.id, a[3]);
}

/// Who runs what at this moment, and whether that was ever too many.
#[derive(Default)]
struct Watch {
    running: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    jobs: HashSet<i64>,
    servers: BTreeMap<Option<String>, usize>,
    customers: BTreeMap<uuid::Uuid, usize>,
    keys: HashSet<String>,
    done: usize,
}

impl Watch {
    fn begins(&self, job: &mailimport_store::jobs::Job) {
        let mut running = self.running.lock().unwrap();
        assert!(running.jobs.insert(job.id.0), "{} runs twice", job.id);
        let of_server = running.servers.entry(job.server.clone()).or_default();
        *of_server += 1;
        assert!(*of_server <= 2 || job.server.is_none(), "{of_server} of {:?}", job.server);
        let of_customer = running.customers.entry(job.customer).or_default();
        *of_customer += 1;
        assert!(*of_customer <= 5, "{of_customer} of {}", job.customer);
        if let Some(key) = &job.exclusive {
            assert!(running.keys.insert(key.clone()), "{key} is worked on twice");
        }
    }

    fn ends(&self, job: &mailimport_store::jobs::Job) {
        let mut running = self.running.lock().unwrap();
        running.jobs.remove(&job.id.0);
        *running.servers.get_mut(&job.server).unwrap() -= 1;
        *running.customers.get_mut(&job.customer).unwrap() -= 1;
        if let Some(key) = &job.exclusive {
            running.keys.remove(key);
        }
        running.done += 1;
    }
}

async fn sixteen_claimers_at_once_exceed_no_limit_and_hold_no_job_twice(place: &Place) {
    const JOBS: usize = 240;
    // Several stores, as several processes would have.
    let mut stores = Vec::new();
    for _ in 0..if matches!(place, Place::Postgres(_)) { 4 } else { 2 } {
        stores.push(Arc::new(place.open().await));
    }
    for number in 0..JOBS {
        let server = (number % 5 > 0).then(|| format!("server{}", number % 5));
        let exclusive = (number % 3 == 0).then(|| format!("key{}", number % 4));
        enqueue(&stores[0], NewJob { server, exclusive, ..import(number as u128 % 4) }).await;
    }
    let watch = Arc::new(Watch::default());
    let claimers: Vec<_> = (0..16)
        .map(|number| {
            let (store, watch) = (Arc::clone(&stores[number % stores.len()]), Arc::clone(&watch));
            tokio::spawn(async move { work(&store, &watch, &format!("w{number}")).await })
        })
        .collect();
    for claimer in claimers {
        claimer.await.unwrap();
    }
    assert_eq!(watch.running.lock().unwrap().done, JOBS);
    assert_eq!(
        place.number("SELECT count(*) FROM job WHERE state = 'done' AND epoch = 1").await,
        JOBS as i64
    );
}

async fn work(store: &Store, watch: &Watch, owner: &str) {
    loop {
        let limited = Claim { per_server: Some(2), per_customer: Some(5), ..anything(owner) };
        match claim_with(store, limited).await {
            Some(lease) => {
                watch.begins(&lease.job);
                tokio::task::yield_now().await;
                // Noted before it is true: whoever comes next finds the place free at both.
                watch.ends(&lease.job);
                store.release(&lease, Outcome::Done).await.unwrap();
            }
            None if watch.running.lock().unwrap().done == 240 => return,
            None => tokio::task::yield_now().await,
        }
    }
}

async fn one_customers_giants_never_block_the_rest(place: &Place) {
    let store = place.open().await;
    let limited = || Claim { per_customer: Some(2), ..anything("w") };
    for _ in 0..50 {
        enqueue(&store, import(1)).await;
    }
    for _ in 0..2 {
        assert!(claim_with(&store, limited()).await.is_some());
    }
    assert!(claim_with(&store, limited()).await.is_none());
    let small = enqueue(&store, import(2)).await;
    assert_eq!(claim_with(&store, limited()).await.unwrap().job.id, small);
    // Without a limit as well: whoever has the fewest running comes next, however many wait before them.
    let another = enqueue(&store, import(3)).await;
    assert_eq!(claim_with(&store, anything("w")).await.unwrap().job.id, another);
}

async fn a_vanished_worker_uses_up_no_limit(place: &Place) {
    let store = place.open().await;
    let limited = || Claim { per_server: Some(1), ..anything("w") };
    let first = enqueue(&store, of_server("a", 1)).await;
    let second = enqueue(&store, of_server("a", 1)).await;
    assert_eq!(claim_with(&store, limited()).await.unwrap().job.id, first);
    assert!(claim_with(&store, limited()).await.is_none());
    time_passes(place).await;
    let lease = claim_with(&store, limited()).await.unwrap();
    assert_eq!((lease.job.id, lease.job.takeovers), (first, 1), "the older one first");
    assert!(claim_with(&store, limited()).await.is_none());
    assert_eq!(job(&store, second).await.state, State::Queued);
}

async fn what_a_worker_runs_itself_it_does_not_take_over(place: &Place) {
    let store = place.open().await;
    let id = enqueue(&store, import(1)).await;
    let lease = claim_with(&store, anything("w")).await.unwrap();
    time_passes(place).await;
    assert!(claim_with(&store, Claim { except: &[id], ..anything("w") }).await.is_none());
    assert!(store.renew(&lease).await.unwrap().is_some(), "the lease was over, but nobody else's");
    time_passes(place).await;
    let taken = claim_with(&store, anything("x")).await.unwrap();
    assert_eq!((taken.job.id, taken.taken_from.as_deref()), (id, Some("w")));
}
