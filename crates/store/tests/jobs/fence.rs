//! Who has lost the lease can write nothing.

use std::sync::Arc;
use std::time::Duration;

use engine::ledger::{
    AccountId, AccountKey, EpochId, Ledger, LedgerError, MessageRecord, Seen, State as Became,
};
use imap::{Uid, UidSet, UidValidity, WireName};
use mailimport_store::Store;
use mailimport_store::jobs::{self, Claim, FencedLedger, Outcome};

use crate::place::Place;
use crate::{anything, claim, claim_with, enqueue, import, time_passes};

on_both_databases! {
    the_holder_of_a_lease_writes_as_anybody
    whoever_lost_the_lease_writes_nothing
    a_lease_that_is_over_but_nobody_elses_still_holds
    what_was_begun_under_the_fence_is_finished_before_anybody_takes_over
    asking_whether_it_is_still_ours_keeps_it_ours
    writers_and_takers_side_by_side_keep_the_epochs_in_order
    the_holder_writes_side_by_side_with_itself
}

fn key() -> AccountKey {
    AccountKey { source: "alice@imap.example.org".into(), destination: "maildir:/srv/mail/alice".into() }
}

fn row(uid: u32, size: u64) -> MessageRecord {
    MessageRecord {
        uid: Uid::new(uid).unwrap(),
        state: Became::Imported,
        identity: Some(format!("m{uid}")),
        size: Some(size),
        digest: None,
        flags: vec![],
        object_id: None,
        cause: None,
    }
}

fn nothing_seen() -> Seen {
    Seen { listed: UidSet::new(), uid_next: None, highest_mod_seq: None }
}

async fn inbox(ledger: &impl Ledger) -> (AccountId, EpochId) {
    let account = ledger.account(&key(), 1).await.unwrap().id;
    (account, ledger.open_epoch(account, &WireName::inbox(), UidValidity(1)).await.unwrap().id)
}

/// Everything in the database that a ledger can change, as one number.
async fn rows(place: &Place) -> i64 {
    place
        .number(
            "SELECT (SELECT count(*) FROM account) + 10 * (SELECT count(*) FROM epoch) \
             + 100 * (SELECT count(*) FROM message) + 1000 * (SELECT count(*) FROM epoch WHERE listed IS NOT NULL)",
        )
        .await
}

async fn the_holder_of_a_lease_writes_as_anybody(place: &Place) {
    let store = place.open().await;
    enqueue(&store, import(1)).await;
    let lease = claim(&store, "w").await.unwrap();
    let ledger = FencedLedger::new(&store, &lease);
    let (account, epoch) = inbox(&ledger).await;
    ledger.record(epoch, &[row(1, 7)]).await.unwrap();
    ledger.finish_pass(epoch, &nothing_seen()).await.unwrap();
    ledger.still_ours().await.unwrap();
    assert_eq!(ledger.messages(epoch, None, 9).await.unwrap(), [row(1, 7)]);
    assert_eq!(ledger.epochs(account).await.unwrap(), store.epochs(account).await.unwrap());
    assert_eq!(rows(place).await, 1_111);
}

async fn whoever_lost_the_lease_writes_nothing(place: &Place) {
    let store = place.open().await;
    let id = enqueue(&store, import(1)).await;
    let lease = claim(&store, "w").await.unwrap();
    let (account, epoch) = inbox(&store).await;
    let lost = |result: Result<(), LedgerError>| {
        assert!(matches!(result, Err(LedgerError::LeaseLost)), "{result:?}");
    };
    let refused = async |lease| {
        let (before, ledger) = (rows(place).await, FencedLedger::new(&store, lease));
        lost(ledger.record(epoch, &[row(1, 1)]).await);
        lost(ledger.finish_pass(epoch, &nothing_seen()).await);
        lost(ledger.open_epoch(account, &WireName::new("Sent"), UidValidity(1)).await.map(drop));
        let other = AccountKey { source: "bob@imap.example.org".into(), ..key() };
        lost(ledger.account(&other, 1).await.map(drop));
        lost(ledger.still_ours().await);
        lost(store.writing_fenced(lease).await.map(drop));
        lost(store.release(lease, Outcome::Done).await.map(drop));
        assert_eq!(store.renew(lease).await.unwrap(), None);
        assert_eq!(rows(place).await, before);
        // It may still read.
        assert_eq!(ledger.messages(epoch, None, 9).await.unwrap(), []);
    };
    time_passes(place).await;
    let second = claim(&store, "x").await.unwrap();
    assert_eq!(second.job.id, id);
    refused(&lease).await;
    // Its own worker's name makes no difference, nor that the job waits for anybody.
    store.release(&second, Outcome::GiveBack).await.unwrap();
    refused(&second).await;
    let third = claim(&store, "x").await.unwrap();
    refused(&lease).await;
    refused(&second).await;
    FencedLedger::new(&store, &third).finish_pass(epoch, &nothing_seen()).await.unwrap();
    store.release(&third, Outcome::Done).await.unwrap();
    refused(&third).await;
    // The control: without the fence the stale one writes.
    store.record(epoch, &[row(1, 1)]).await.unwrap();
    assert_eq!(store.messages(epoch, None, 9).await.unwrap(), [row(1, 1)]);
}

async fn a_lease_that_is_over_but_nobody_elses_still_holds(place: &Place) {
    let store = place.open().await;
    enqueue(&store, import(1)).await;
    let lease = claim(&store, "w").await.unwrap();
    time_passes(place).await;
    let ledger = FencedLedger::new(&store, &lease);
    let (_, epoch) = inbox(&ledger).await;
    ledger.record(epoch, &[row(1, 1)]).await.unwrap();
    assert!(store.renew(&lease).await.unwrap().is_some());
    assert!(claim(&store, "x").await.is_none(), "and then nobody can take it over");
}

async fn what_was_begun_under_the_fence_is_finished_before_anybody_takes_over(place: &Place) {
    let stores = [Arc::new(place.open().await), Arc::new(place.open().await)];
    enqueue(&stores[0], import(1)).await;
    let lease = claim(&stores[0], "w").await.unwrap();
    time_passes(place).await;
    let writing = stores[0].writing_fenced(&lease).await.unwrap();
    let taker = tokio::spawn({
        let store = Arc::clone(&stores[1]);
        async move {
            loop {
                if let Some(lease) = claim(&store, "x").await {
                    return lease;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!taker.is_finished(), "taken over in the middle of a transaction");
    writing.commit().await.unwrap();
    let taken = tokio::time::timeout(Duration::from_secs(60), taker).await.unwrap().unwrap();
    assert_eq!(taken.job.takeovers, 1);
    assert!(matches!(stores[0].writing_fenced(&lease).await, Err(LedgerError::LeaseLost)));
}

async fn asking_whether_it_is_still_ours_keeps_it_ours(place: &Place) {
    let store = place.open().await;
    enqueue(&store, import(1)).await;
    let lease = claim(&store, "w").await.unwrap();
    time_passes(place).await;
    FencedLedger::new(&store, &lease).still_ours().await.unwrap();
    assert!(claim(&store, "x").await.is_none());
}

async fn writers_and_takers_side_by_side_keep_the_epochs_in_order(place: &Place) {
    const TAKEOVERS: u64 = 40;
    let stores = [Arc::new(place.open().await), Arc::new(place.open().await)];
    let id = enqueue(&stores[0], import(1)).await;
    let (_, epoch) = inbox(&*stores[0]).await;
    let mut workers = Vec::new();
    for number in 0..6 {
        let store = Arc::clone(&stores[number % 2]);
        workers.push(tokio::spawn(async move {
            // Leases that are over when they begin: everybody always takes over from everybody.
            let at_once = || Claim { lease: Duration::ZERO, ..anything("w") };
            let mut refused = 0;
            loop {
                let Some(lease) = claim_with(&store, at_once()).await else {
                    tokio::task::yield_now().await;
                    continue;
                };
                let ours = u64::from(lease.job.takeovers);
                if ours >= TAKEOVERS {
                    return refused;
                }
                // The one row says who wrote last. Whoever is later must never be overwritten by who was before.
                let ledger = FencedLedger::new(&store, &lease);
                for _ in 0..3 {
                    match ledger.record(epoch, &[row(1, ours)]).await {
                        Ok(()) => {}
                        Err(LedgerError::LeaseLost) => refused += 1,
                        Err(error) => panic!("{error}"),
                    }
                    let last = store
                        .messages(epoch, None, 1)
                        .await
                        .unwrap()
                        .pop()
                        .map_or(0, |row| row.size.unwrap());
                    assert!(last >= ours || refused > 0, "{last} after {ours}");
                }
            }
        }));
    }
    let watch = async {
        let mut last = 0;
        loop {
            let now =
                stores[0].messages(epoch, None, 1).await.unwrap().pop().map_or(0, |row| row.size.unwrap());
            assert!(now >= last, "{now} was written after {last}");
            last = now;
            tokio::task::yield_now().await;
        }
    };
    let mut refused = 0;
    tokio::select! {
        () = watch => {}
        () = async {
            for worker in workers {
                refused += worker.await.unwrap();
            }
        } => {}
    }
    assert!(refused > 0, "nobody was ever refused: the test shows nothing");
    assert!(stores[0].jobs([id]).await.unwrap()[0].takeovers >= TAKEOVERS as u32);
}

async fn the_holder_writes_side_by_side_with_itself(place: &Place) {
    let store: Arc<Store> = Arc::new(place.open().await);
    enqueue(&store, import(1)).await;
    let lease = Arc::new(claim(&store, "w").await.unwrap());
    let (_, epoch) = inbox(&*store).await;
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let (store, lease) = (Arc::clone(&store), Arc::clone(&lease));
            tokio::spawn(async move {
                for call in 0..10 {
                    let rows = [row(writer * 10 + call + 2, 1), row(1, 1)];
                    FencedLedger::new(&store, &lease).record(epoch, &rows).await.unwrap();
                    // Core's own writes, and renewals, come in between.
                    let writing = store.writing().await.unwrap();
                    jobs::check(&writing, &*lease).await.unwrap();
                    writing.commit().await.unwrap();
                    assert!(store.renew(&lease).await.unwrap().is_some());
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(store.messages(epoch, None, 100).await.unwrap().len(), 81);
}
