//! Private Cyrus and Courier servers, filled over IMAP and compared with Dovecot's view.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use mailimport_testkit::factory;
use mailimport_testkit::imap_client::Client;
use mailimport_testkit::judge::{Account, Mapping, compare};
use mailimport_testkit::server::{Courier, Cyrus, Dovecot, DovecotOptions, Hierarchy, ImapServer, User};

/// Fills the server and shows that it serves what Dovecot serves of the same account.
fn serves_the_account(server: &dyn ImapServer) {
    let spec = factory::generated_small();
    let mut client = Client::login(server.plain(), "alice", "pw").unwrap();
    assert_eq!(spec.fill(&mut client).unwrap(), []);
    let dovecot = Dovecot::start(&DovecotOptions::with_users([User::new("alice", "pw")])).unwrap();
    dovecot.write_account("alice", &spec).unwrap();
    let source = Account::new(server.plain(), "alice", "pw");
    // Cyrus makes the parent of a folder that is created.
    let mapping = Mapping::identity().without("Projekte");
    let verdict = compare(&source, &Account::new(dovecot.plain(), "alice", "pw"), &mapping).unwrap();
    verdict.assert_equal();
    assert_eq!(verdict.messages, 60);
    for (addr, more) in [(server.tls(), &[][..]), (server.plain(), &["-starttls", "imap"][..])] {
        let output = std::process::Command::new("openssl")
            .args(["s_client", "-brief", "-verify_return_error", "-verify_hostname", "localhost", "-CAfile"])
            .arg(server.ca_pem())
            .args(["-connect", &addr.to_string()])
            .args(more)
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(text.contains("Verification: OK"), "{text}");
    }
}

#[test]
fn cyrus_serves_an_account_in_each_of_its_hierarchies() {
    for hierarchy in [Hierarchy::InboxDot, Hierarchy::InboxSlash, Hierarchy::Slash, Hierarchy::Dot] {
        let mut server = Cyrus::start(hierarchy).unwrap();
        server.add_user("alice", "pw").unwrap();
        serves_the_account(&server);
    }
}

#[test]
fn courier_serves_an_account() {
    serves_the_account(&Courier::start(&[("alice", "pw")]).unwrap());
}

#[test]
fn cyrus_refuses_awkward_messages_and_says_so() {
    let mut server = Cyrus::start(Hierarchy::InboxDot).unwrap();
    server.add_user("alice", "pw").unwrap();
    let mut client = Client::login(server.plain(), "alice", "pw").unwrap();
    let refusals = factory::awkward().fill(&mut client).unwrap();
    assert!(!refusals.is_empty());
    let kept = client.fetch_all("INBOX").unwrap().len() + client.fetch_all("INBOX.Seltsam").unwrap().len();
    assert_eq!(kept + refusals.len(), factory::awkward().messages());
}
