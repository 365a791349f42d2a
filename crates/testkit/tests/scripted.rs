//! The scripted server answers as an IMAP server does, except where it is told otherwise.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use mailimport_testkit::certificate;
use mailimport_testkit::imap_client::Client;
use mailimport_testkit::judge::{Account, Mapping, compare};
use mailimport_testkit::scripted::{Answer, Folder, Message, Script, Scripted, VirtualAccount};

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

#[test]
#[should_panic(expected = "tried to change the source")]
fn a_violation_fails_the_test() {
    let server = Scripted::start(account(), Script::default()).unwrap();
    login(&server).raw(b"DELETE Sent").unwrap();
    server.finish();
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
