//! The scripted server answers as an IMAP server does, except where it is told otherwise.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::Write;
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};

use mailimport_testkit::certificate;
use mailimport_testkit::imap_client::Client;
use mailimport_testkit::judge::{Account, Mapping, compare};
use mailimport_testkit::scripted::{Answer, Flood, Folder, Message, Script, Scripted, VirtualAccount};

fn account() -> VirtualAccount {
    let messages =
        vec![Message::new(3, b"Subject: a\r\n\r\na\r\n"), Message::new(7, b"Subject: b\r\n\r\nb\r\n")];
    VirtualAccount::new(vec![Folder::new("INBOX", messages), Folder::new("Sent", Vec::new())])
}

fn login(server: &Scripted) -> Client {
    Client::login(server.addr(), "alice", "pw").unwrap()
}

#[test]
fn the_judge_can_read_a_virtual_account() {
    let server = Scripted::start(account(), Script::default()).unwrap();
    let side = Account::new(server.addr(), "alice", "pw");
    let verdict = compare(&side, &side, &Mapping::identity()).unwrap();
    verdict.assert_equal();
    assert_eq!((verdict.folders, verdict.messages), (2, 2));
    server.finish();
}

#[test]
fn a_rule_replaces_one_answer_and_leaves_the_others() {
    let script = Script::default().on("NOOP", |command| match command.count {
        1 => Answer::text("{tag} NO not now\r\n"),
        _ => Answer::Usual,
    });
    let server = Scripted::start(account(), script).unwrap();
    let mut client = login(&server);
    assert!(client.command("NOOP").is_err());
    client.command("NOOP").unwrap();
}

#[test]
fn a_message_can_have_its_own_fetch_response() {
    let mut account = account();
    account.folders[0].messages[0].response = Some(b"1 FETCH (UID 3 FLAGS ())".to_vec());
    let server = Scripted::start(account, Script::default()).unwrap();
    let uids: Vec<u32> =
        login(&server).fetch_all("INBOX").unwrap().iter().map(|message| message.uid).collect();
    assert_eq!(uids, [7]);
}

#[test]
fn the_account_can_change_while_it_is_served() {
    let server = Scripted::start(account(), Script::default()).unwrap();
    let mut client = login(&server);
    assert_eq!(client.status("INBOX", "UIDVALIDITY").unwrap(), 1);
    server.account().folder("INBOX").unwrap().uid_validity = 2;
    assert_eq!(client.status("INBOX", "UIDVALIDITY").unwrap(), 2);
}

#[test]
fn writing_to_the_source_is_a_violation_and_peeking_is_none() {
    let server = Scripted::start(account(), Script::default()).unwrap();
    let mut client = login(&server);
    client.fetch_all("INBOX").unwrap();
    assert_eq!(server.violations(), Vec::<String>::new());
    client.raw(b"UID FETCH 3 (BODY[])").unwrap();
    client.raw(b"SELECT INBOX").unwrap();
    client.raw(b"UID STORE 3 +FLAGS (\\Seen)").unwrap();
    assert_eq!(server.forgive().len(), 3);
    server.finish();
}

/// Everything that would change the source, as it is written on the wire.
const WRITING: [&str; 19] = [
    "SELECT INBOX",
    "STORE 1 +FLAGS (\\Seen)",
    "UID STORE 3 +FLAGS (\\Seen)",
    "EXPUNGE",
    "UID EXPUNGE 3",
    "APPEND INBOX {3+}\r\nabc",
    "CREATE New",
    "DELETE Sent",
    "RENAME Sent Old",
    "SUBSCRIBE Sent",
    "UNSUBSCRIBE Sent",
    "COPY 1 Sent",
    "UID COPY 3 Sent",
    "MOVE 1 Sent",
    "UID MOVE 3 Sent",
    "FETCH 1 BODY[]",
    "UID FETCH 3 (FLAGS BODY[TEXT])",
    "UID FETCH 3 (RFC822)",
    "uid fetch 3 (binary[])",
];

#[test]
fn each_command_that_writes_fails_the_test_when_the_server_is_dropped() {
    for writing in WRITING {
        let server = Scripted::start(account(), Script::default()).unwrap();
        login(&server).raw(writing.as_bytes()).unwrap();
        assert_fails_on_drop(server, writing);
    }
}

#[test]
fn what_a_client_sends_last_and_does_not_wait_for_fails_the_test_too() {
    let on_noop = |answer: Answer| Script::default().on("NOOP", move |_| answer.clone());
    for (what, script) in [
        ("while the server answers", Script::default()),
        ("to a server that hangs up", on_noop(Answer::SendAndClose(b"* BYE now\r\n".to_vec()))),
        ("to a server that says nothing more", on_noop(Answer::SendAndFallSilent(Vec::new()))),
        ("to a server that talks on", on_noop(Answer::Flood(Flood::endless("", "* OK still here\r\n")))),
    ] {
        let server = Scripted::start(account(), script).unwrap();
        let mut stream = TcpStream::connect(server.addr()).unwrap();
        stream.write_all(b"1 LOGIN alice pw\r\n2 NOOP\r\n3 DELETE Sent\r\n").unwrap();
        assert_fails_on_drop(server, what);
    }
}

fn assert_fails_on_drop(server: Scripted, what: &str) {
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(server)));
    let panic = dropped.expect_err(what);
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.contains("tried to change the source"), "{what}: {text}");
}

#[test]
fn a_flood_is_as_long_as_it_is_told_to_be_and_is_numbered() {
    let flood = Flood {
        first: b"* OK first\r\n".to_vec(),
        again: b"* OK {n}\r\n".to_vec(),
        times: 20_000,
        last: b"{tag} OK last\r\n".to_vec(),
    };
    let script = Script::default().on("NOOP", move |_| Answer::Flood(flood.clone()));
    let server = Scripted::start(account(), script).unwrap();
    let lines = login(&server).command("NOOP").unwrap().lines();
    let ends: Vec<_> = [0, 1, 20_000].map(|at| lines[at].as_str()).into();
    assert_eq!((lines.len(), ends), (20_001, vec!["OK first", "OK 0", "OK 19999"]));
}

#[test]
fn authenticate_plain_works_with_and_without_an_initial_response() {
    let server = Scripted::start(account(), Script::default()).unwrap();
    let mut client = Client::connect(server.addr()).unwrap();
    client.command("AUTHENTICATE PLAIN AGFsaWNlAHB3").unwrap();
    assert!(client.command("AUTHENTICATE PLAIN AGFsaWNlAHh4").is_err());
}

#[test]
fn tls_is_spoken_from_the_first_octet_when_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let files = certificate::write(certificate::Kind::Good, directory.path()).unwrap();
    let script = Script::default().tls(certificate::server_config(&files).unwrap());
    let server = Scripted::start(account(), script).unwrap();
    let output = std::process::Command::new("openssl")
        .args(["s_client", "-brief", "-verify_return_error", "-CAfile"])
        .arg(&files.ca)
        .args(["-connect", &server.addr().to_string()])
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(text.contains("Verification: OK"), "{text}");
}
