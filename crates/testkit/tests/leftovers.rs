//! No server outlives its test, however that ends.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mailimport_testkit::imap_client::Client;
use mailimport_testkit::server::{
    Courier, Cyrus, Dovecot, DovecotOptions, Hierarchy, ImapServer, Postgres, User,
};

/// The processes with this directory in their command line.
fn processes(directory: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(directory)).collect()
}

fn assert_gone(directory: &str) {
    let end = Instant::now() + Duration::from_secs(10);
    while !processes(directory).is_empty() {
        assert!(Instant::now() < end, "{:?}", processes(directory));
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn ends_with_its_handle(server: impl ImapServer) {
    let directory = server.ca_pem().parent().unwrap().to_str().unwrap().to_owned();
    assert!(!processes(&directory).is_empty());
    let addr = server.plain();
    let _client = Client::connect(addr).unwrap();
    drop(server);
    assert_gone(&directory);
    assert!(Client::connect(addr).is_err());
}

fn dovecot() -> Dovecot {
    Dovecot::start(&DovecotOptions::with_users([User::new("alice", "pw")])).unwrap()
}

#[test]
fn dovecot_ends_with_its_handle() {
    ends_with_its_handle(dovecot());
}

#[test]
fn cyrus_ends_with_its_handle() {
    ends_with_its_handle(Cyrus::start(Hierarchy::Slash).unwrap());
}

#[test]
fn courier_ends_with_its_handle() {
    ends_with_its_handle(Courier::start(&[("alice", "pw")]).unwrap());
}

#[test]
fn postgresql_ends_with_its_handle_and_when_it_crashes_and_keeps_what_was_committed() {
    let mut server = Postgres::start().unwrap();
    let url = server.url();
    let directory = url.rsplit_once('=').unwrap().1;
    server.sql("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)").unwrap();
    server.crash();
    assert_gone(directory);
    assert!(server.sql("SELECT 1").is_err());
    server.start_again().unwrap();
    assert_eq!(server.url(), url);
    assert_eq!(server.sql("SELECT n, n + 1 FROM kept").unwrap(), "7|8");
    assert!(!processes(directory).is_empty());
    drop(server);
    assert_gone(directory);
    assert!(!std::path::Path::new(directory).exists());
}

/// Not a test of its own: the process that the next one kills.
#[test]
#[ignore = "started by dovecot_ends_when_the_test_process_is_killed"]
fn a_process_that_waits_with_a_dovecot() {
    let server = dovecot();
    println!("\nserves {} {}", server.plain(), server.ca_pem().parent().unwrap().display());
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn dovecot_ends_when_the_test_process_is_killed() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "a_process_that_waits_with_a_dovecot", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let line = lines.into_iter().find(|line| line.starts_with("serves ")).unwrap();
    let mut words = line.split(' ').skip(1);
    let addr: SocketAddr = words.next().unwrap().parse().unwrap();
    let directory = words.next().unwrap().to_owned();
    assert!(Client::connect(addr).is_ok());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_gone(&directory);
    std::fs::remove_dir_all(directory).unwrap();
}
