//! The ledger: rows in, durably, and out again.
//!
//! `cargo bench --bench ledger`. Writing is mostly the disk below /var/tmp, which has to confirm each transaction.

use divan::Bencher;
use divan::counter::ItemsCount;
use engine::ledger::{AccountKey, EpochId, Ledger, MessageRecord, State};
use imap::{Uid, UidValidity, WireName};
use mailimport_store::Store;
use tokio::runtime::Runtime;

fn main() {
    divan::main();
}

struct Bench {
    runtime: Runtime,
    store: Store,
    epoch: EpochId,
    _directory: tempfile::TempDir,
}

impl Bench {
    fn open() -> Bench {
        let runtime = Runtime::new().expect("a runtime");
        let directory = tempfile::tempdir_in("/var/tmp").expect("a directory below /var/tmp");
        let path = directory.path().join("ledger.db");
        let (store, epoch) = runtime.block_on(async {
            let store = Store::open_file(&path, None).await.expect("a ledger");
            let key = AccountKey { source: "a@old.example".into(), destination: "maildir:.".into() };
            let account = store.account(&key, 1_700_000_000).await.expect("an account");
            let folder = WireName::new(b"INBOX".to_vec());
            let epoch = store.open_epoch(account.id, &folder, UidValidity(1)).await.expect("an epoch");
            (store, epoch.id)
        });
        Bench { runtime, store, epoch, _directory: directory }
    }

    fn record(&self, rows: &[MessageRecord]) {
        self.runtime.block_on(self.store.record(self.epoch, rows)).expect("recorded");
    }
}

fn rows(first: u32, count: u32) -> Vec<MessageRecord> {
    let row = |uid: u32| MessageRecord {
        uid: Uid::new(uid).expect("not zero"),
        state: State::Imported,
        identity: Some(format!("1700000000.M{uid}P0123456789abcdefF0123456789abcdef.mailimport")),
        size: Some(5_000),
        digest: Some([7; 32]),
        flags: vec!["\\Seen".into()],
        object_id: None,
        cause: None,
    };
    (first..first + count).map(row).collect()
}

/// One transaction of so many rows.
#[divan::bench(args = [1, 100, 500, 2_000], sample_count = 30)]
fn record(bencher: Bencher, count: u32) {
    let bench = Bench::open();
    let mut first = 1;
    let next = || {
        let batch = rows(first, count);
        first += count;
        batch
    };
    bencher.counter(ItemsCount::new(count)).with_inputs(next).bench_local_refs(|batch| bench.record(batch));
}

/// Reading them all, page by page.
#[divan::bench(args = [2_000, 20_000], sample_count = 20)]
fn messages(bencher: Bencher, count: u32) {
    let bench = Bench::open();
    bench.record(&rows(1, count));
    bencher.counter(ItemsCount::new(count)).bench_local(|| {
        let (mut after, mut read) = (None, 0);
        loop {
            let page = bench.runtime.block_on(bench.store.messages(bench.epoch, after, 2_000)).expect("read");
            let Some(last) = page.last() else { break };
            (after, read) = (Some(last.uid), read + page.len());
        }
        assert_eq!(read, count as usize);
    });
}
