//! The ledger keeps its promises on SQLite and on PostgreSQL, one list of tests for both.

#![allow(clippy::unwrap_used, reason = "in tests an unwrap states an expectation")]

mod place;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;

use engine::ledger::{
    AccountId, AccountKey, Cause, EpochId, Intended, Intent, Ledger, LedgerError, MessageRecord, OpenIntent,
    Seen, State,
};
use imap::{ModSeq, Uid, UidSet, UidValidity, WireName};
use mailimport_store::Store;
use place::{Place, open};
use proptest::prelude::*;

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
    every_field_comes_back_as_it_was_written
    a_row_is_replaced_by_a_later_one_of_its_uid
    rows_come_in_uid_order_page_by_page
    epochs_come_oldest_first_and_one_of_a_folder_is_current
    a_finished_pass_is_remembered
    an_account_is_founded_once
    ten_thousand_rows_go_in_one_call
    the_largest_numbers_survive
    names_of_any_octets_and_any_length_are_kept_apart
    inbox_is_one_folder_however_it_is_written
    writers_side_by_side_lose_nothing
    the_same_account_and_epoch_founded_side_by_side_are_one
    a_store_dropped_without_close_has_kept_everything
    a_killed_process_leaves_whole_calls_only
    a_call_that_fails_in_the_middle_leaves_nothing
    a_call_that_is_abandoned_leaves_nothing_half_and_blocks_nobody
    rows_of_an_unknown_epoch_are_refused
    a_text_that_cannot_be_kept_is_refused_before_anything_is_written
    the_tables_are_made_once_by_whoever_comes_first
    a_database_of_a_newer_version_is_refused
    a_closed_store_refuses_calls
    whatever_is_recorded_is_read_back
    an_intent_ends_together_with_its_rows
}

fn uid(number: u32) -> Uid {
    Uid::new(number).unwrap()
}

fn imported(number: u32) -> MessageRecord {
    MessageRecord {
        uid: uid(number),
        state: State::Imported,
        identity: Some(format!("1763900000.M{number}P1a2b3c4dF5e6f7a8b.mailimport")),
        size: Some(u64::from(number) * 3),
        digest: Some([number.to_le_bytes()[0]; 32]),
        flags: vec!["\\Answered".into(), "\\Seen".into()],
        object_id: None,
        cause: None,
    }
}

fn failed(number: u32) -> MessageRecord {
    MessageRecord {
        uid: uid(number),
        state: State::Failed,
        identity: None,
        size: None,
        digest: None,
        flags: vec![],
        object_id: Some("1278455344230334865".into()),
        cause: Some(Cause {
            class: "too_large".into(),
            message: "The server's literal is \"longer\" than announced.".into(),
            date: Some("Mon, 23 Nov 2026 12:00:00 +0100".into()),
            from: Some("Ünï Cödé <u@example.org>\0".into()),
            subject: None,
        }),
    }
}

fn key() -> AccountKey {
    AccountKey { source: "alice@imap.example.org".into(), destination: "maildir:/srv/mail/alice".into() }
}

async fn account(store: &Store) -> AccountId {
    store.account(&key(), 1_763_900_000).await.unwrap().id
}

async fn inbox(store: &Store) -> EpochId {
    store.open_epoch(account(store).await, &WireName::inbox(), UidValidity(1)).await.unwrap().id
}

async fn all(store: &Store, epoch: EpochId) -> Vec<MessageRecord> {
    store.messages(epoch, None, usize::MAX).await.unwrap()
}

async fn every_field_comes_back_as_it_was_written(place: &Place) {
    let store = place.open().await;
    let epoch = inbox(&store).await;
    let states = [State::Skipped, State::Unreadable, State::Phantom];
    let mut written = vec![imported(1), failed(2)];
    written.extend((3..).zip(states).map(|(number, state)| MessageRecord { state, ..failed(number) }));
    store.record(epoch, &written).await.unwrap();
    assert_eq!(all(&store, epoch).await, written);
    let again = place.open().await;
    assert_eq!(all(&again, epoch).await, written);
}

async fn a_row_is_replaced_by_a_later_one_of_its_uid(place: &Place) {
    let store = place.open().await;
    let epoch = inbox(&store).await;
    let other =
        store.open_epoch(account(&store).await, &WireName::new("Sent"), UidValidity(1)).await.unwrap().id;
    store.record(epoch, &[failed(1), failed(2)]).await.unwrap();
    store.record(other, &[failed(1)]).await.unwrap();
    store.record(epoch, &[imported(2), failed(3), imported(3)]).await.unwrap();
    assert_eq!(all(&store, epoch).await, [failed(1), imported(2), imported(3)]);
    assert_eq!(all(&store, other).await, [failed(1)], "another epoch's row is another row");
    store.record(epoch, &[]).await.unwrap();
    assert_eq!(all(&store, epoch).await.len(), 3);
}

async fn rows_come_in_uid_order_page_by_page(place: &Place) {
    let store = place.open().await;
    let epoch = inbox(&store).await;
    let written: Vec<MessageRecord> = (1..=25).rev().map(|number| imported(number * 10)).collect();
    store.record(epoch, &written).await.unwrap();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.messages(epoch, after, 10).await.unwrap();
        assert!(page.len() <= 10);
        let Some(last) = page.last() else { break };
        after = Some(last.uid);
        seen.extend(page.iter().map(|record| record.uid.get()));
    }
    assert_eq!(seen, (1..=25).map(|number| number * 10).collect::<Vec<u32>>());
    assert_eq!(store.messages(epoch, Some(uid(245)), 10).await.unwrap(), [imported(250)]);
    assert_eq!(store.messages(epoch, None, 0).await.unwrap(), []);
    assert_eq!(store.messages(EpochId(999), None, 10).await.unwrap(), []);
}

async fn epochs_come_oldest_first_and_one_of_a_folder_is_current(place: &Place) {
    let store = place.open().await;
    let account = account(&store).await;
    let (sent, inbox) = (WireName::new("Sent"), WireName::inbox());
    let first = store.open_epoch(account, &sent, UidValidity(9)).await.unwrap();
    assert!(first.current && first.seen.is_none() && first.folder == sent);
    let other = store.open_epoch(account, &inbox, UidValidity(9)).await.unwrap();
    let second = store.open_epoch(account, &sent, UidValidity(4)).await.unwrap();
    let current = |epochs: Vec<engine::ledger::Epoch>| {
        epochs.into_iter().map(|epoch| (epoch.id, epoch.current)).collect::<Vec<_>>()
    };
    let now = current(store.epochs(account).await.unwrap());
    assert_eq!(now, [(first.id, false), (other.id, true), (second.id, true)]);
    let again = store.open_epoch(account, &sent, UidValidity(9)).await.unwrap();
    assert_eq!(again.id, first.id);
    let now = current(store.epochs(account).await.unwrap());
    assert_eq!(now, [(first.id, true), (other.id, true), (second.id, false)]);
    assert_eq!(store.epochs(AccountId(999)).await.unwrap(), []);
    let unknown = store.open_epoch(AccountId(999), &sent, UidValidity(1)).await.unwrap_err();
    assert!(matches!(unknown, LedgerError::Storage { action: "written", .. }), "{unknown}");
}

async fn a_finished_pass_is_remembered(place: &Place) {
    let store = place.open().await;
    let epoch = inbox(&store).await;
    let passes = [
        Seen {
            listed: "1:5,7,4294967295".parse().unwrap(),
            uid_next: Some(uid(u32::MAX)),
            highest_mod_seq: Some(ModSeq(715_194_045_007)),
        },
        Seen { listed: UidSet::new(), uid_next: None, highest_mod_seq: None },
    ];
    for seen in passes {
        store.finish_pass(epoch, &seen).await.unwrap();
        assert_eq!(store.epochs(account(&store).await).await.unwrap()[0].seen, Some(seen.clone()));
        let opened =
            store.open_epoch(account(&store).await, &WireName::inbox(), UidValidity(1)).await.unwrap();
        assert_eq!(opened.seen, Some(seen), "opening an epoch again forgets nothing");
    }
    let seen = Seen { listed: UidSet::new(), uid_next: None, highest_mod_seq: None };
    assert!(store.finish_pass(EpochId(999), &seen).await.is_err());
}

async fn an_account_is_founded_once(place: &Place) {
    let store = place.open().await;
    let first = store.account(&key(), 1_000).await.unwrap();
    assert_eq!(first.founded, 1_000);
    assert_eq!(store.account(&key(), 2_000).await.unwrap(), first);
    let elsewhere = AccountKey { destination: "maildir:/srv/mail/bob".into(), ..key() };
    let other = store.account(&elsewhere, 3_000).await.unwrap();
    assert_ne!(other.id, first.id);
    assert_eq!(other.founded, 3_000);
}

async fn ten_thousand_rows_go_in_one_call(place: &Place) {
    let store = place.open().await;
    let epoch = inbox(&store).await;
    let written: Vec<MessageRecord> = (1..=10_000).map(imported).collect();
    for _ in 0..2 {
        store.record(epoch, &written).await.unwrap();
        assert!(all(&store, epoch).await == written);
    }
    assert_eq!(place.number("SELECT count(*) FROM message").await, 10_000);
}

async fn the_largest_numbers_survive(place: &Place) {
    let store = place.open().await;
    let account = account(&store).await;
    let epoch = store.open_epoch(account, &WireName::inbox(), UidValidity(u32::MAX)).await.unwrap();
    assert_eq!(epoch.uid_validity, UidValidity(u32::MAX));
    let zero = store.open_epoch(account, &WireName::new("zero"), UidValidity(0)).await.unwrap();
    assert_eq!(zero.uid_validity, UidValidity(0));
    let uids = [1 << 31, (1 << 31) + 1, u32::MAX];
    let sizes = [0, u64::from(u32::MAX) + 1, 1 << 62, (1 << 63) - 1, 1 << 63, u64::MAX];
    for size in sizes {
        let written = uids.map(|number| MessageRecord { size: Some(size), ..imported(number) });
        store.record(epoch.id, &written).await.unwrap();
        assert_eq!(all(&store, epoch.id).await, written);
        let mod_seq = Some(ModSeq(size));
        let seen = Seen { listed: UidSet::new(), uid_next: None, highest_mod_seq: mod_seq };
        store.finish_pass(epoch.id, &seen).await.unwrap();
        assert_eq!(store.epochs(account).await.unwrap()[0].seen, Some(seen));
    }
    assert_eq!(store.messages(epoch.id, Some(uid(1 << 31)), 9).await.unwrap().len(), 2);
}

async fn names_of_any_octets_and_any_length_are_kept_apart(place: &Place) {
    let store = place.open().await;
    let account = account(&store).await;
    // Octets that no compression shortens: an index over the name itself would refuse them.
    let mut long: Vec<u8> = (0..40_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let mut names = vec![vec![], b"a\0b".to_vec(), b"Entw\xfcrfe".to_vec(), vec![0xff; 300], long.clone()];
    long.push(b'x');
    names.push(long);
    for name in &names {
        let epoch = store.open_epoch(account, &WireName::new(name.clone()), UidValidity(1)).await.unwrap();
        assert_eq!(epoch.folder.as_bytes(), name);
    }
    let kept: Vec<Vec<u8>> =
        store.epochs(account).await.unwrap().iter().map(|epoch| epoch.folder.as_bytes().to_vec()).collect();
    assert_eq!(kept, names);
}

async fn inbox_is_one_folder_however_it_is_written(place: &Place) {
    let store = place.open().await;
    let account = account(&store).await;
    let first = store.open_epoch(account, &WireName::new("INBOX"), UidValidity(1)).await.unwrap();
    let again = store.open_epoch(account, &WireName::new("Inbox"), UidValidity(1)).await.unwrap();
    assert_eq!(again.id, first.id);
    assert_eq!(again.folder, WireName::new("Inbox"), "the name is the one the server writes now");
    let next = store.open_epoch(account, &WireName::new("inbox"), UidValidity(2)).await.unwrap();
    let current: Vec<EpochId> = store
        .epochs(account)
        .await
        .unwrap()
        .iter()
        .filter(|epoch| epoch.current)
        .map(|epoch| epoch.id)
        .collect();
    assert_eq!(current, [next.id]);
}

async fn writers_side_by_side_lose_nothing(place: &Place) {
    const WRITERS: u32 = 16;
    const CALLS: u32 = 10;
    // Two stores, as two processes would have.
    let stores = [Arc::new(place.open().await), Arc::new(place.open().await)];
    let epoch = inbox(&stores[0]).await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = Arc::clone(&stores[writer as usize % 2]);
            tokio::spawn(async move {
                for call in 0..CALLS {
                    // One row of its own, and one that everybody writes.
                    let own = imported(writer * CALLS + call + 2);
                    store.record(epoch, &[own, imported(1)]).await.unwrap();
                    assert!(!store.messages(epoch, None, 5).await.unwrap().is_empty());
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let expected: Vec<MessageRecord> = (1..=WRITERS * CALLS + 1).map(imported).collect();
    assert_eq!(all(&stores[1], epoch).await, expected);
}

async fn the_same_account_and_epoch_founded_side_by_side_are_one(place: &Place) {
    let stores = [Arc::new(place.open().await), Arc::new(place.open().await)];
    let founders: Vec<_> = (0..8)
        .map(|founder| {
            let store = Arc::clone(&stores[founder % 2]);
            tokio::spawn(async move {
                let account = store.account(&key(), 1_000 + founder as i64).await.unwrap();
                let validity = UidValidity(founder as u32 / 4);
                let epoch = store.open_epoch(account.id, &WireName::inbox(), validity).await.unwrap();
                (account.id.0, account.founded, epoch.id.0)
            })
        })
        .collect();
    let mut found = BTreeSet::new();
    for founder in founders {
        found.insert(founder.await.unwrap());
    }
    assert_eq!(found.iter().map(|founder| (founder.0, founder.1)).collect::<BTreeSet<_>>().len(), 1);
    assert_eq!(found.len(), 2, "two epochs: {found:?}");
    assert_eq!(place.number("SELECT count(*) FROM epoch WHERE is_current").await, 1);
}

async fn a_store_dropped_without_close_has_kept_everything(place: &Place) {
    let epoch = {
        let store = place.open().await;
        let epoch = inbox(&store).await;
        store.record(epoch, &[imported(1)]).await.unwrap();
        // Neither closed nor dropped: its connections stay open, as if the process hung.
        std::mem::forget(store);
        epoch
    };
    let store = place.open().await;
    assert_eq!(all(&store, epoch).await, [imported(1)]);
}

/// Rows of one call of the process that is killed: three statements' worth.
const BATCH: u32 = 1_200;

/// Not a test of its own: the process that `a_killed_process_leaves_whole_calls_only` starts and kills.
#[tokio::test]
#[ignore = "runs only as the child of another test"]
async fn child_that_writes_until_it_is_killed() {
    let Ok(address) = std::env::var("MAILIMPORT_STORE_TEST_ADDRESS") else { return };
    let store = open(&address).await;
    let epoch = inbox(&store).await;
    for call in 0..1_000 {
        let rows: Vec<MessageRecord> = (1..=BATCH).map(|row| imported(call * BATCH + row)).collect();
        store.record(epoch, &rows).await.unwrap();
        eprintln!("acknowledged {}", call + 1);
    }
}

async fn a_killed_process_leaves_whole_calls_only(place: &Place) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_writes_until_it_is_killed", "--ignored", "--nocapture"])
        .env("MAILIMPORT_STORE_TEST_ADDRESS", place.address())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let acknowledged = BufReader::new(child.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .filter(|line| line.starts_with("acknowledged"))
        .take(5)
        .count();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(acknowledged, 5, "the child ended before it was killed");
    let store = place.open().await;
    let rows = all(&store, inbox(&store).await).await;
    assert!(rows.len() >= acknowledged * BATCH as usize, "an acknowledged row is gone: {} rows", rows.len());
    assert_eq!(rows.len() % BATCH as usize, 0, "half a call was kept");
    assert!((1..).zip(&rows).all(|(number, row)| *row == imported(number)));
    store.record(inbox(&store).await, &[imported(u32::MAX)]).await.unwrap();
}

async fn a_call_that_fails_in_the_middle_leaves_nothing(place: &Place) {
    let store = place.open().await;
    let epoch = inbox(&store).await;
    store.record(epoch, &[imported(1)]).await.unwrap();
    place
        .tamper(match place {
            Place::Sqlite(_) => {
                "CREATE TRIGGER no BEFORE INSERT ON message WHEN NEW.uid = 1100 BEGIN SELECT RAISE(ABORT, 'not this one'); END"
            }
            Place::Postgres(_) => "ALTER TABLE message ADD CONSTRAINT no CHECK (uid <> 1100)",
        })
        .await;
    // The row that is refused stands in the third statement of the call.
    let rows: Vec<MessageRecord> = (1..=1_200).map(failed).collect();
    let error = store.record(epoch, &rows).await.unwrap_err();
    assert!(matches!(error, LedgerError::Storage { action: "written", .. }), "{error}");
    assert_eq!(all(&store, epoch).await, [imported(1)]);
    store.record(epoch, &rows[..1_000]).await.unwrap();
    assert_eq!(all(&store, epoch).await, rows[..1_000]);
}

async fn a_call_that_is_abandoned_leaves_nothing_half_and_blocks_nobody(place: &Place) {
    let store = place.open().await;
    let epoch = inbox(&store).await;
    let rows: Vec<MessageRecord> = (1..=1_200).map(imported).collect();
    let mut abandoned = 0;
    for round in 0..40 {
        // Gives up after so many wake-ups, wherever the call is then. How many there are is the machine's affair; the
        // first poll never finishes.
        let patience = round % 5;
        let mut call = std::pin::pin!(store.record(epoch, &rows));
        let mut polls = 0;
        let finished = std::future::poll_fn(|context| match call.as_mut().poll(context) {
            std::task::Poll::Ready(result) => std::task::Poll::Ready(Some(result)),
            std::task::Poll::Pending if polls == patience => std::task::Poll::Ready(None),
            std::task::Poll::Pending => {
                polls += 1;
                std::task::Poll::Pending
            }
        })
        .await;
        match finished {
            Some(result) => result.unwrap(),
            None => abandoned += 1,
        }
        let count = place.number("SELECT count(*) FROM message").await;
        assert!(count == 0 || count == 1_200, "half a call was kept: {count} rows");
    }
    assert!(abandoned >= 8, "the call was abandoned {abandoned} times only");
    store.record(epoch, &rows).await.unwrap();
    let count = place.number("SELECT count(*) FROM message").await;
    assert_eq!(count, 1_200);
    // No connection of the pool is left inside a transaction.
    for number in 1..20 {
        store.record(epoch, &[failed(number)]).await.unwrap();
    }
}

async fn rows_of_an_unknown_epoch_are_refused(place: &Place) {
    let store = place.open().await;
    let error = store.record(EpochId(999), &[imported(1)]).await.unwrap_err();
    assert!(matches!(error, LedgerError::Storage { action: "written", .. }), "{error}");
    assert_eq!(place.number("SELECT count(*) FROM message").await, 0);
}

async fn a_text_that_cannot_be_kept_is_refused_before_anything_is_written(place: &Place) {
    let store = place.open().await;
    let epoch = inbox(&store).await;
    let nul = MessageRecord { object_id: Some("a\0b".into()), ..imported(2) };
    let error = store.record(epoch, &[imported(1), nul]).await.unwrap_err();
    assert!(error.to_string().contains("NUL"), "{error}");
    assert_eq!(all(&store, epoch).await, []);
}

async fn the_tables_are_made_once_by_whoever_comes_first(place: &Place) {
    let address = place.address();
    let openers: Vec<_> = (0..4)
        .map(|_| {
            let address = address.clone();
            tokio::spawn(async move { account(&open(&address).await).await })
        })
        .collect();
    let mut accounts = BTreeSet::new();
    for opener in openers {
        accounts.insert(opener.await.unwrap().0);
    }
    assert_eq!(accounts.len(), 1);
    let alone = Place::sqlite();
    alone.open().await;
    let steps = "SELECT count(*) FROM seaql_migrations";
    assert_eq!(place.number(steps).await, alone.number(steps).await);
}

async fn a_database_of_a_newer_version_is_refused(place: &Place) {
    place.open().await.close().await.unwrap();
    place.tamper("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_later', 0)").await;
    let opened = match place {
        Place::Sqlite(_) => Store::open_file(place.address().as_ref(), None).await,
        Place::Postgres(_) => Store::connect(&place.address()).await,
    };
    let error = opened.unwrap_err();
    assert!(matches!(error, LedgerError::Open { .. }), "{error}");
    assert!(error.to_string().ends_with("it was written by a newer version of this program"), "{error}");
}

async fn a_closed_store_refuses_calls(place: &Place) {
    let store = place.open().await;
    let epoch = inbox(&store).await;
    store.close().await.unwrap();
    let error = store.record(epoch, &[imported(1)]).await.unwrap_err();
    assert_eq!(error.to_string(), "the ledger could not be written: it has been closed");
    assert!(store.messages(epoch, None, 1).await.is_err());
    store.close().await.unwrap();
}

fn any_record() -> impl Strategy<Value = MessageRecord> {
    let states = prop_oneof![
        Just(State::Imported),
        Just(State::Skipped),
        Just(State::Failed),
        Just(State::Unreadable),
        Just(State::Phantom)
    ];
    let text = || proptest::option::of("[^\0]{0,40}");
    let cause = (any::<String>(), any::<String>(), any::<[Option<String>; 3]>())
        .prop_map(|(class, message, [date, from, subject])| Cause { class, message, date, from, subject });
    (
        (1..=u32::MAX, states, text(), any::<Option<u64>>()),
        (
            any::<Option<[u8; 32]>>(),
            proptest::collection::vec(any::<String>(), 0..6),
            text(),
            proptest::option::of(cause),
        ),
    )
        .prop_map(|((number, state, identity, size), (digest, flags, object_id, cause))| MessageRecord {
            uid: uid(number),
            state,
            identity,
            size,
            digest,
            flags,
            object_id,
            cause,
        })
}

async fn whatever_is_recorded_is_read_back(place: &Place) {
    let store = place.open().await;
    let account = account(&store).await;
    let runtime = tokio::runtime::Handle::current();
    let validity = std::cell::Cell::new(0);
    let records = proptest::collection::btree_map(1..=u32::MAX, any_record(), 0..20);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let outcome = tokio::task::block_in_place(|| {
        runner.run(&records, |records| {
            validity.set(validity.get() + 1);
            let records: Vec<MessageRecord> = records
                .into_iter()
                .map(|(number, record)| MessageRecord { uid: uid(number), ..record })
                .collect();
            let read = runtime.block_on(async {
                let folder = WireName::new("any");
                let epoch = store.open_epoch(account, &folder, UidValidity(validity.get())).await.unwrap().id;
                store.record(epoch, &records).await.unwrap();
                all(&store, epoch).await
            });
            prop_assert_eq!(read, records);
            Ok(())
        })
    });
    outcome.unwrap();
}

async fn an_intent_ends_together_with_its_rows(place: &Place) {
    let store = place.open().await;
    let (account, epoch) = (account(&store).await, inbox(&store).await);
    let intended = |number: u32| Intended {
        uid: uid(number),
        size: Some(u64::MAX),
        digest: Some([7; 32]),
        canonical: [number.to_le_bytes()[0]; 32],
        flags: vec!["\\Seen".into(), "Käse\0".into()],
        object_id: Some("M1".into()),
    };
    let folder = engine::folder::FolderPath(vec!["Ärger \"x\"".into(), "b".into()]);
    let intent = Intent {
        folder,
        uid_validity: UidValidity(u32::MAX),
        uid_next: u32::MAX,
        messages: (1..=300).map(intended).collect(),
    };
    let first = store.begin_batch(epoch, &intent).await.unwrap();
    let second = store.begin_batch(epoch, &Intent { messages: Vec::new(), ..intent.clone() }).await.unwrap();
    let open_ones = store.open_intents(&key().destination).await.unwrap();
    let whole = OpenIntent { id: first, account, epoch, intent };
    assert_eq!((open_ones.len(), &open_ones[0], open_ones[1].id), (2, &whole, second));
    assert!(store.open_intents("maildir:/srv/mail/bob").await.unwrap().is_empty());

    // A row that cannot be kept: neither it nor the intent's end is.
    let unkeepable = MessageRecord { identity: Some("a\0b".into()), ..imported(2) };
    store.end_batch(epoch, first, &[imported(1), unkeepable]).await.unwrap_err();
    assert_eq!(store.open_intents(&key().destination).await.unwrap().len(), 2);
    assert!(all(&store, epoch).await.is_empty());

    store.end_batch(epoch, first, &[imported(1)]).await.unwrap();
    store.end_batch(epoch, second, &[]).await.unwrap();
    assert!(store.open_intents(&key().destination).await.unwrap().is_empty());
    assert_eq!(all(&store, epoch).await, [imported(1)]);
    store.close().await.unwrap();
}
