//! A guard decides about the address of each connection: the first, further ones, and those after a cut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use engine::account::Route;
use engine::report::Verdict;
use imap::{AddressGuard, Allowed, Endpoint};
use testkit::scripted::{Answer, Folder, Message, Script, Scripted, VirtualAccount};

use crate::rig::Rig;

/// Allows one address, so many times.
#[derive(Debug)]
struct Counting {
    address: SocketAddr,
    allowed: usize,
    asked: AtomicUsize,
}

impl AddressGuard for Counting {
    fn addresses<'a>(&'a self, endpoint: &'a Endpoint) -> Allowed<'a> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            match asked < self.allowed {
                true => Ok(vec![self.address]),
                false => Err(imap::Error::AddressRefused { host: endpoint.host.clone() }),
            }
        })
    }
}

/// A server that ends the connection once in the middle of the mail.
fn cut_once() -> Scripted {
    let message = |uid| Message::new(uid, format!("Subject: {uid}\r\n\r\nbody\r\n").as_bytes());
    let script = Script::default().on("UID FETCH", |command| {
        match command.connection == 1 && command.arguments.contains("BODY") {
            true => Answer::SendAndClose(Vec::new()),
            false => Answer::Usual,
        }
    });
    let folder = Folder::new("INBOX", (1..=9).map(message).collect());
    Scripted::start(VirtualAccount::new(vec![folder]), script).unwrap()
}

fn guarded(server: &Scripted, allowed: usize) -> (Rig, Arc<Counting>) {
    let guard = Arc::new(Counting { address: server.addr(), allowed, asked: AtomicUsize::new(0) });
    let mut rig = Rig::start();
    // An address at which nobody answers: only what the guard says is connected to.
    rig.source = "192.0.2.1:143".parse().unwrap();
    rig.settings.connections = 1;
    rig.route = Route::Guarded(guard.clone());
    (rig, guard)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guard_is_asked_at_every_connect_and_only_its_addresses_are_used() {
    let server = cut_once();
    let (rig, guard) = guarded(&server, usize::MAX);
    assert_eq!(rig.import_all().await.totals.imported, 9);
    assert_eq!((guard.asked.load(Ordering::Relaxed), server.connections()), (2, 2));
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_refused_at_a_reconnect_ends_the_import() {
    let server = cut_once();
    let (rig, guard) = guarded(&server, 1);
    let report = rig.import().await;
    assert_eq!((report.verdict, report.totals.imported), (Verdict::Incomplete, 0));
    assert_eq!(report.error.unwrap().class, "blocked_address");
    assert_eq!((guard.asked.load(Ordering::Relaxed), server.connections()), (2, 1));
    server.finish();
}
