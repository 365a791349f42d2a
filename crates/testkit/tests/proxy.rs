//! The proxy harms connections as it is told to, and counts.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use mailimport_testkit::proxy::{Ending, Often, Proxy};

/// A server that sends 1,000 octets to each client and then repeats what it hears.
fn thousand() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let _ = stream.write_all(&[b'x'; 1000]);
                let mut buffer = [0; 100];
                while let Ok(length @ 1..) = stream.read(&mut buffer) {
                    let _ = stream.write_all(&buffer[..length]);
                }
            });
        }
    });
    addr
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.addr()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

#[test]
fn everything_passes_and_is_counted() {
    let proxy = Proxy::start(thousand()).unwrap();
    let mut stream = connect(&proxy);
    stream.write_all(b"hello").unwrap();
    stream.read_exact(&mut [0; 1005]).unwrap();
    assert_eq!((proxy.connections(), proxy.octets_from_client()), (1, 5));
}

#[test]
fn a_cut_comes_after_just_so_many_octets_and_only_once() {
    let proxy = Proxy::start(thousand()).unwrap();
    proxy.cut_after(300, Often::Once, Ending::Close);
    let mut got = Vec::new();
    connect(&proxy).read_to_end(&mut got).unwrap();
    assert_eq!(got.len(), 300);
    connect(&proxy).read_exact(&mut [0; 1000]).unwrap();
}

#[test]
fn a_reset_is_seen_as_one() {
    let proxy = Proxy::start(thousand()).unwrap();
    let mut stream = connect(&proxy);
    stream.read_exact(&mut [0; 1000]).unwrap();
    proxy.cut_after(1000, Often::Always, Ending::Reset);
    stream.write_all(b"x").unwrap();
    let error = stream.read(&mut [0; 10]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_stall_holds_the_octets_until_it_ends() {
    let proxy = Proxy::start(thousand()).unwrap();
    let mut stream = connect(&proxy);
    stream.read_exact(&mut [0; 1000]).unwrap();
    proxy.stall();
    stream.write_all(b"x").unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert!(stream.read(&mut [0; 10]).is_err());
    proxy.resume();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.read_exact(&mut [0; 1]).unwrap();
}

#[test]
fn a_delay_counts_both_ways() {
    let proxy = Proxy::start(thousand()).unwrap();
    let mut stream = connect(&proxy);
    stream.read_exact(&mut [0; 1000]).unwrap();
    proxy.delay(Duration::from_millis(30));
    let start = Instant::now();
    stream.write_all(b"x").unwrap();
    stream.read_exact(&mut [0; 1]).unwrap();
    assert!(start.elapsed() >= Duration::from_millis(60));
}

#[test]
fn refused_connections_end_at_once_until_they_are_accepted_again() {
    let proxy = Proxy::start(thousand()).unwrap();
    proxy.refuse();
    assert!(!matches!(connect(&proxy).read(&mut [0; 10]), Ok(1..)));
    proxy.accept();
    connect(&proxy).read_exact(&mut [0; 1000]).unwrap();
}
