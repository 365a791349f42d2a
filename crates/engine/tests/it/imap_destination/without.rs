//! Servers that lack an extension: slower perhaps, never wrong.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use testkit::factory;
use testkit::judge::Mapping;
use testkit::server::{DovecotOptions, MailFormat, User};

use super::rig::Rig;
use crate::rig::PASSWORD;

const USUAL: &str = "IMAP4rev1 SASL-IR ID ENABLE NAMESPACE LIST-EXTENDED LIST-STATUS UNSELECT CHILDREN SPECIAL-USE \
                     CONDSTORE ESEARCH UIDPLUS MULTIAPPEND LITERAL+ BINARY QUOTA CREATE-SPECIAL-USE";

async fn without(extensions: &[&str], instead: &str) {
    let capability: Vec<&str> =
        USUAL.split_whitespace().filter(|word| !extensions.contains(word)).chain([instead]).collect();
    let mut options = DovecotOptions::with_users([
        User::new("alice", PASSWORD),
        User::new("bob", PASSWORD).with_format(MailFormat::Mdbox),
    ]);
    options.capability = Some(capability.join(" "));
    arrives(&Rig::with(options)).await;
}

async fn arrives(rig: &Rig) {
    rig.old.write_account("alice", &factory::generated_small()).unwrap();
    rig.import_all().await;
    rig.judge(&Mapping::identity());
    rig.nothing_new().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_multiappend() {
    without(&["MULTIAPPEND"], "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_literals_that_need_not_wait() {
    without(&["LITERAL+"], "").await;
    without(&["LITERAL+", "MULTIAPPEND"], "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_small_literals_that_need_not_wait() {
    without(&["LITERAL+"], "LITERAL-").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_next_to_nothing() {
    without(&USUAL.split_whitespace().skip(1).collect::<Vec<_>>(), "").await;
}

/// The server tells no UIDs: messages are known by what is found after the batch.
#[tokio::test(flavor = "multi_thread")]
async fn without_uidplus() {
    let mut rig = Rig::within_dovecot(MailFormat::Sdbox);
    rig.destination = hiding(rig.destination, b"APPENDUID", b"XPPENDUID");
    arrives(&rig).await;
    let verified = rig.verify().await;
    assert_eq!(verified.differences, Some(Vec::new()), "{verified:#?}");
}

/// Passes everything on and writes one word of the server's otherwise. Answers are short and come in one piece.
fn hiding(target: SocketAddr, word: &'static [u8], other: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(target).unwrap();
            let (up, down) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || pass(&up, &down, |_| {}));
            std::thread::spawn(move || {
                pass(&server, &client, |octets| {
                    while let Some(at) = octets.windows(word.len()).position(|window| window == word) {
                        octets[at..at + word.len()].copy_from_slice(other);
                    }
                });
            });
        }
    });
    at
}

fn pass(mut from: &TcpStream, mut to: &TcpStream, change: impl Fn(&mut [u8])) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        change(&mut buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Write);
}
