//! Somebody who reads mail in the new mailbox while it is filled.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use testkit::imap_client::Client;

use crate::scene::{BUSY_FOLDER, NEW, PASSWORD};

/// A client that is busy until it is dropped: opens every folder, flags foreign mail, appends and expunges its own.
pub(crate) struct Busy {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<testkit::Result<()>>>,
}

impl Busy {
    pub(crate) fn start(addr: SocketAddr) -> Busy {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || work(addr, &stopped));
        Busy { stop, thread: Some(thread) }
    }

    /// Waits for it to have finished, and for its words if something went wrong.
    pub(crate) fn finish(mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap().unwrap();
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

fn work(addr: SocketAddr, stop: &AtomicBool) -> testkit::Result<()> {
    let mut client = Client::login(addr, NEW, PASSWORD)?;
    client.digest_only();
    // It is there from an earlier round, perhaps.
    let _ = client.create(BUSY_FOLDER);
    let mut round = 0;
    while !stop.load(Ordering::SeqCst) {
        round += 1;
        for folder in client.list()?.iter().filter(|folder| folder.selectable) {
            if client.select(&folder.wire)? > 0 {
                client.command("UID FETCH 1:* (FLAGS)")?;
            }
            if stop.load(Ordering::SeqCst) {
                break;
            }
        }
        client.select("INBOX")?;
        // Foreign mail was there first.
        client.store("1:2", if round % 2 == 0 { "+FLAGS" } else { "-FLAGS" }, "\\Flagged")?;
        client.append(BUSY_FOLDER, &["\\Seen"], 1_300_000_000, b"Subject: busy\r\n\r\n.\r\n")?;
        client.select(BUSY_FOLDER)?;
        client.expunge("1:*")?;
    }
    client.command("LOGOUT").map(drop)
}
