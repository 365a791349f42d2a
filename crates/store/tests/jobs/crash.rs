//! Worker processes that are killed, or sleep through their lease.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use engine::ledger::{AccountKey, EpochId, Ledger, LedgerError, MessageRecord, State as Became};
use imap::{Uid, UidValidity, WireName};
use mailimport_store::Store;
use mailimport_store::jobs::{self, FencedLedger, Outcome, State};

use crate::place::{Place, open};
use crate::{claim, enqueue, import, job, time_passes};

on_both_databases! {
    a_killed_workers_job_goes_on_where_it_stopped
    a_worker_that_sleeps_through_its_lease_writes_nothing_when_it_wakes
}

const ADDRESS: &str = "MAILIMPORT_STORE_TEST_ADDRESS";

/// Not a test of its own: the worker that the others kill or put to sleep.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs only as the child of another test"]
async fn child_that_works_until_its_lease_is_lost() {
    let Ok(address) = std::env::var(ADDRESS) else { return };
    let store = open(&address).await;
    let lease = claim(&store, "child").await.unwrap();
    let ledger = FencedLedger::new(&store, &lease);
    let epoch = inbox(&ledger).await;
    for number in 1.. {
        match ledger.record(epoch, &[imported(number, "child")]).await {
            Ok(()) => eprintln!("wrote {number}"),
            Err(LedgerError::LeaseLost) => return eprintln!("lost before {number}"),
            Err(error) => panic!("{error}"),
        }
    }
}

struct Worker {
    process: Child,
    lines: Lines<BufReader<ChildStderr>>,
}

impl Worker {
    fn start(place: &Place) -> Worker {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::child_that_works_until_its_lease_is_lost", "--ignored", "--nocapture"])
            .env(ADDRESS, place.address())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        Worker { process, lines }
    }

    /// The next line that begins so, or nothing when the process has ended.
    fn says(&mut self, word: &str) -> Option<String> {
        self.lines.by_ref().map_while(Result::ok).find(|line| line.starts_with(word))
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn imported(uid: u32, by: &str) -> MessageRecord {
    MessageRecord {
        uid: Uid::new(uid).unwrap(),
        state: Became::Imported,
        identity: Some(by.to_owned()),
        size: None,
        digest: None,
        flags: vec![],
        object_id: None,
        cause: None,
    }
}

async fn inbox(ledger: &impl Ledger) -> EpochId {
    let key = AccountKey { source: "a@b".into(), destination: "maildir:/c".into() };
    let account = ledger.account(&key, 1).await.unwrap().id;
    ledger.open_epoch(account, &WireName::inbox(), UidValidity(1)).await.unwrap().id
}

async fn written(store: &Store) -> Vec<String> {
    let rows = store.messages(inbox(store).await, None, usize::MAX).await.unwrap();
    rows.into_iter().map(|row| row.identity.unwrap()).collect()
}

async fn a_killed_workers_job_goes_on_where_it_stopped(place: &Place) {
    let store = place.open().await;
    let id = enqueue(&store, import(1)).await;
    let mut worker = Worker::start(place);
    for _ in 0..5 {
        worker.says("wrote ").unwrap();
    }
    worker.process.kill().unwrap();
    worker.process.wait().unwrap();
    assert_eq!(job(&store, id).await.state, State::Running);
    assert!(claim(&store, "x").await.is_none(), "nobody knows yet that it is gone");
    // A new start of the same name knows; others wait until the lease is over.
    let lease = match place {
        Place::Sqlite(_) => {
            let writing = store.writing().await.unwrap();
            assert_eq!(jobs::release_all_of(&writing, "child").await.unwrap().len(), 1);
            writing.commit().await.unwrap();
            claim(&store, "child").await.unwrap()
        }
        Place::Postgres(_) => {
            time_passes(place).await;
            claim(&store, "x").await.unwrap()
        }
    };
    assert_eq!((lease.job.id, lease.job.takeovers, lease.job.attempts), (id, 1, 0));
    let before = written(&store).await.len();
    assert!(before >= 5);
    let ledger = FencedLedger::new(&store, &lease);
    ledger.record(inbox(&ledger).await, &[imported(before as u32 + 1, "successor")]).await.unwrap();
    store.release(&lease, Outcome::Done).await.unwrap();
    assert_eq!(written(&store).await.len(), before + 1);
}

async fn a_worker_that_sleeps_through_its_lease_writes_nothing_when_it_wakes(place: &Place) {
    use rustix::process::Signal;
    let store = place.open().await;
    let id = enqueue(&store, import(1)).await;
    let mut worker = Worker::start(place);
    for _ in 0..5 {
        worker.says("wrote ").unwrap();
    }
    // It sleeps wherever it is: perhaps in the middle of a transaction, which then keeps the job from being taken over
    // and, on SQLite, the database from everybody. So it is put to sleep again until it does not hold anything.
    let lease = loop {
        worker.signal(Signal::STOP);
        let taking = async {
            time_passes(place).await;
            claim(&store, "x").await
        };
        if let Ok(Some(lease)) = tokio::time::timeout(Duration::from_secs(2), taking).await {
            break lease;
        }
        worker.signal(Signal::CONT);
        worker.says("wrote ").unwrap();
    };
    assert_eq!((lease.job.id, lease.job.takeovers), (id, 1));
    let before = written(&store).await;
    let ledger = FencedLedger::new(&store, &lease);
    let next = before.len() as u32 + 1;
    ledger.record(inbox(&ledger).await, &[imported(next, "successor")]).await.unwrap();
    worker.signal(Signal::CONT);
    worker.says("lost before ").expect("it is told that the lease is lost");
    let after = written(&store).await;
    assert_eq!(after[..before.len()], before[..]);
    assert_eq!(after[before.len()..], ["successor"]);
    assert_eq!(store.release(&lease, Outcome::Done).await.unwrap().state, State::Done);
}
