//! A private Dovecot, the factory and the judge, together.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use mailimport_testkit::factory::{self, AccountSpec, FolderSpec, MessageSpec};
use mailimport_testkit::imap_client::Client;
use mailimport_testkit::judge::{Account, Kind, Mapping, Verdict, compare};
use mailimport_testkit::server::{Dovecot, DovecotOptions, ImapServer, MailFormat, User};

fn two_users() -> Dovecot {
    let options = DovecotOptions::with_users([User::new("alice", "pw"), User::new("bob", "pw")]);
    Dovecot::start(&options).unwrap()
}

fn judge(server: &Dovecot) -> Verdict {
    let account = |user| Account::new(server.plain(), user, "pw");
    compare(&account("alice"), &account("bob"), &Mapping::identity()).unwrap()
}

fn write(server: &Dovecot, user: &str, spec: &AccountSpec) {
    server.write_account(user, spec).unwrap();
}

fn verdict_after(change: impl FnOnce(&mut AccountSpec)) -> Verdict {
    let server = two_users();
    let mut spec = factory::generated_small();
    write(&server, "alice", &spec);
    change(&mut spec);
    write(&server, "bob", &spec);
    judge(&server)
}

fn message(spec: &mut AccountSpec, index: usize) -> &mut MessageSpec {
    &mut spec.folders[1].messages[index]
}

fn only(verdict: &Verdict, kind: Kind) {
    let kinds: Vec<Kind> = verdict.differences.iter().map(|difference| difference.kind).collect();
    assert_eq!(kinds, [kind], "{verdict}");
}

#[test]
fn an_appended_message_is_fetched_octet_for_octet() {
    let server = two_users();
    let mut client = Client::login(server.plain(), "alice", "pw").unwrap();
    let bytes = b"Subject: x\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n";
    client.append("INBOX", &["\\Seen", "$Label1"], 1_234_567_890, bytes).unwrap();
    let messages = client.fetch_all("INBOX").unwrap();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].bytes.as_deref(), Some(bytes.as_slice()));
    assert_eq!(messages[0].internal_date, 1_234_567_890);
    assert!(messages[0].flags.contains("\\Seen") && messages[0].keywords.contains("$Label1"));
}

#[test]
fn tls_and_starttls_show_a_certificate_that_the_authority_vouches_for() {
    let server = two_users();
    for (addr, more) in [(server.tls(), &[][..]), (server.plain(), &["-starttls", "imap"][..])] {
        tls_greets(addr, more, server.ca_pem());
    }
}

fn tls_greets(addr: std::net::SocketAddr, more: &[&str], ca: &Path) {
    let output = std::process::Command::new("openssl")
        .args(["s_client", "-brief", "-verify_return_error", "-verify_hostname", "localhost", "-CAfile"])
        .arg(ca)
        .args(["-connect", &addr.to_string()])
        .args(more)
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(text.contains("Verification: OK"), "{text}");
}

#[test]
fn the_same_account_twice_is_equal() {
    let verdict = verdict_after(|_| ());
    verdict.assert_equal();
    assert_eq!((verdict.folders, verdict.messages), (4, 60));
}

#[test]
fn awkward_messages_are_served_and_compared() {
    let server = two_users();
    for user in ["alice", "bob"] {
        write(&server, user, &factory::awkward());
    }
    let verdict = judge(&server);
    verdict.assert_equal();
    assert_eq!(verdict.messages, factory::awkward().messages());
}

#[test]
fn a_maildir_and_a_dbox_filled_over_imap_are_equal() {
    let users = [User::new("alice", "pw"), User::new("bob", "pw").with_format(MailFormat::Sdbox)];
    let server = Dovecot::start(&DovecotOptions::with_users(users)).unwrap();
    let spec = factory::generated_small();
    write(&server, "alice", &spec);
    let mut client = Client::login(server.plain(), "bob", "pw").unwrap();
    assert_eq!(spec.fill(&mut client).unwrap(), []);
    judge(&server).assert_equal();
}

#[test]
fn one_changed_octet_is_found() {
    let verdict = verdict_after(|spec| {
        let mut bytes = message(spec, 3).content.bytes().unwrap().into_owned();
        bytes[700] ^= 1;
        message(spec, 3).content = factory::Content::Exact(bytes);
    });
    only(&verdict, Kind::Bytes);
}

#[test]
fn one_changed_flag_is_found() {
    only(&verdict_after(|spec| message(spec, 3).flags.push("\\Deleted".to_owned())), Kind::Flags);
}

#[test]
fn one_changed_keyword_is_found() {
    only(&verdict_after(|spec| message(spec, 3).keywords.push("Neu".to_owned())), Kind::Keywords);
}

#[test]
fn a_date_one_second_off_is_found() {
    only(&verdict_after(|spec| message(spec, 3).internal_date += 1), Kind::InternalDate);
}

#[test]
fn two_exchanged_messages_are_found() {
    only(&verdict_after(|spec| spec.folders[1].messages.swap(3, 4)), Kind::Order);
}

#[test]
fn a_missing_message_is_found() {
    only(&verdict_after(|spec| drop(spec.folders[1].messages.pop())), Kind::Missing);
}

#[test]
fn a_message_there_twice_is_found() {
    let verdict = verdict_after(|spec| {
        let twin = message(spec, 3).clone();
        spec.folders[1].messages.push(twin);
    });
    only(&verdict, Kind::Extra);
}

#[test]
fn a_missing_subscription_is_found() {
    only(&verdict_after(|spec| spec.folders[1].subscribed = false), Kind::Subscription);
}

#[test]
fn a_missing_and_an_extra_folder_are_found() {
    let verdict = verdict_after(|spec| {
        spec.folders.pop();
        spec.folders.push(FolderSpec { subscribed: false, ..FolderSpec::new(&["Neu"], Vec::new()) });
    });
    assert!(verdict.has(Kind::FolderMissing) && verdict.has(Kind::FolderExtra), "{verdict}");
}

#[test]
fn a_renamed_folder_is_followed_with_its_children() {
    let server = two_users();
    let spec = factory::generated_small();
    write(&server, "alice", &spec);
    write(&server, "bob", &spec.renamed(&["Projekte", "Größe"], &["Work", "Größe"]));
    let account = |user| Account::new(server.plain(), user, "pw");
    let mapping = Mapping::identity().rename("Projekte", "Work");
    compare(&account("alice"), &account("bob"), &mapping).unwrap().assert_equal();
}

#[test]
fn a_restart_keeps_the_ports_and_the_mail() {
    let mut server = two_users();
    let mut client = Client::login(server.plain(), "alice", "pw").unwrap();
    client.append("INBOX", &[], 0, b"Subject: x\r\n\r\n").unwrap();
    server.stop();
    assert!(Client::connect(server.plain()).is_err());
    server.restart().unwrap();
    assert_eq!(Client::login(server.plain(), "alice", "pw").unwrap().fetch_all("INBOX").unwrap().len(), 1);
}

#[test]
fn the_generated_account_has_the_promised_size() {
    let spec = factory::generated_2000();
    let octets: usize = spec
        .folders
        .iter()
        .flat_map(|folder| &folder.messages)
        .map(|m| m.content.bytes().unwrap().len())
        .sum();
    assert_eq!((spec.messages(), spec.folders.len()), (2000, 9));
    assert!((105_000_000..109_000_000).contains(&octets), "{octets}");
}

#[test]
fn the_corpus_has_all_its_messages_and_dovecot_serves_them() {
    let spec = factory::corpus().unwrap();
    assert_eq!(spec.messages(), 6046);
    let server = two_users();
    write(&server, "alice", &spec);
    let account = Account::new(server.plain(), "alice", "pw");
    assert_eq!(compare(&account, &account, &Mapping::identity()).unwrap().messages, 6046);
}
