//! From octets in memory to messages in a Maildir, durably.
//!
//! `cargo bench --bench delivery`. What is measured is mostly the file system below /var/tmp.

use std::io::Write;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use divan::Bencher;
use divan::counter::ItemsCount;
use maildir::{Base, Delivery, Durability, Flags, Folder, FolderName, Maildir};

/// What one delivery brings.
const MESSAGES: usize = 500;

/// Below it all mailboxes stay until the end: a file system that has just lost many files is slow to make new ones.
static ROOT: OnceLock<PathBuf> = OnceLock::new();
static NEXT: AtomicU32 = AtomicU32::new(0);

fn main() {
    let root = tempfile::tempdir_in("/var/tmp").expect("a directory below /var/tmp");
    ROOT.set(root.path().to_path_buf()).expect("set once");
    divan::main();
}

fn inbox() -> Folder {
    let root = ROOT.get().expect("set by main");
    let path = root.join(NEXT.fetch_add(1, Ordering::Relaxed).to_string());
    let mailbox = Maildir::create(&path, None).expect("a mailbox");
    mailbox.folder(&FolderName::inbox()).expect("its INBOX").expect("is there")
}

fn stage(folder: &Folder, body: &[u8]) -> Vec<Delivery> {
    let message = |number: usize| {
        let base = Base::new(format!("1700000000.M{number}P1F1.mailimport")).expect("a base name");
        let mut file = folder.stage(&base).expect("a file in tmp");
        file.write_all(body).expect("written");
        Delivery { staged: file.finish(1_700_000_000).expect("finished"), flags: Flags::default() }
    };
    (1..=MESSAGES).map(message).collect()
}

/// Writing to `tmp` alone.
#[divan::bench(args = [5_000, 50_000], sample_count = 20)]
fn staging(bencher: Bencher, octets: usize) {
    let body = b"0123456789012345678901234567890123456789012345678901234567\r\n".repeat(octets / 60);
    bencher.counter(ItemsCount::new(MESSAGES)).with_inputs(inbox).bench_local_values(|folder| {
        let staged = stage(&folder, &body);
        // Not measured: taking the files away again.
        std::mem::forget(staged);
    });
}

/// From staged to durable and visible.
#[divan::bench(args = [Durability::SyncFs, Durability::FsyncEach, Durability::Automatic], sample_count = 20)]
fn delivery(bencher: Bencher, durability: Durability) {
    let body = b"0123456789012345678901234567890123456789012345678901234567\r\n".repeat(5_000 / 60);
    let staged = || {
        let folder = inbox();
        let batch = stage(&folder, &body);
        (folder, batch)
    };
    bencher.counter(ItemsCount::new(MESSAGES)).with_inputs(staged).bench_local_values(|(folder, batch)| {
        assert_eq!(folder.deliver(batch, durability).expect("delivered").len(), MESSAGES);
    });
}

/// Reading the names of a folder, as each run does.
#[divan::bench(args = [1_000, 10_000], sample_count = 20)]
fn scan(bencher: Bencher, messages: usize) {
    let folder = inbox();
    let cur =
        ROOT.get().expect("set by main").join((NEXT.load(Ordering::Relaxed) - 1).to_string()).join("cur");
    for number in 0..messages {
        let name = format!("1700000000.M{number}P1F1.mailimport,S=5000,W=5000:2,S");
        std::fs::write(cur.join(name), b"").expect("a file");
    }
    bencher.counter(ItemsCount::new(messages)).bench_local(|| {
        let mut found = 0;
        folder.scan(&mut |_| found += 1).expect("read");
        assert_eq!(found, messages);
    });
}
