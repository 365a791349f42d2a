//! The client against a real Dovecot.
#![allow(clippy::unwrap_used, reason = "an expectation of the test")]

mod server;

use std::collections::BTreeMap;

use mailimport_imap::{
    AttemptBudget, Attribute, Body, CertificateFault, Condition, Connection, Credentials, DateItem, Error,
    ExamineMode, FetchEvent, FetchItem, Flag, ListRequest, ListReturn, Options, SearchQuery, Security,
    StatusItem, Tls, TlsTrust, Uid, UidSet, WireName,
};
use secrecy::SecretString;
use server::Dovecot;
use sha2::{Digest, Sha256};

fn password(user: &str, password: &str) -> Credentials {
    Credentials::Password {
        user: user.to_owned(),
        password: SecretString::from(password.to_owned()),
        authorization_id: None,
    }
}

async fn alice(server: &Dovecot, security: Security) -> Connection {
    let mut connection = server.open(security).await;
    connection.authenticate(&password("alice", "pw"), &AttemptBudget::default()).await.unwrap();
    connection
}

#[tokio::test]
async fn every_kind_of_protection_logs_in_and_learns_capabilities() {
    let server = Dovecot::start();
    for security in [Security::Plaintext, Security::StartTls, Security::ImplicitTls] {
        let mut connection = alice(&server, security).await;
        assert!(connection.capabilities().has("CONDSTORE"), "after login, {security:?}");
        assert!(connection.server().contains("ready"));
        assert_eq!(connection.peer_addr().unwrap().ip().to_string(), "127.0.0.1");
        let id = connection.id().await.unwrap().unwrap();
        assert!(id.contains(&("name".to_owned(), "Dovecot".to_owned())));
        connection.noop().await.unwrap();
        assert!(connection.is_usable());
        assert_eq!(connection.skipped_lines(), 0);
        connection.logout().await.unwrap();
    }
    let log = server.log();
    assert!(log.contains("method=SCRAM-SHA-256"), "{log}");
}

#[tokio::test]
async fn certificates_are_verified_named_and_pinned() {
    let server = Dovecot::start();
    let options = Options::default();
    let open = async |host: &str, security, tls: &Tls| {
        Connection::open(&server.endpoint(host, security), tls, &options).await
    };
    let fault = |result: Result<Connection, Error>| match result {
        Err(Error::Certificate(problem)) => problem,
        other => panic!("{other:?}"),
    };
    let fingerprint: [u8; 32] = Sha256::digest(&server.certificate).into();
    let nobody = Tls::new(TlsTrust::default()).unwrap();
    let pinned = |pin| Tls::new(TlsTrust { additional_roots: Vec::new(), pin: Some(pin) }).unwrap();
    for security in [Security::ImplicitTls, Security::StartTls] {
        let unknown = fault(open("localhost", security, &nobody).await);
        assert_eq!(unknown.fault, CertificateFault::UnknownIssuer);
        assert_eq!(unknown.fingerprint, fingerprint);
        assert_eq!(unknown.names, ["localhost"]);
        assert!(unknown.subject.contains("Test server"), "{}", unknown.subject);
        assert_eq!(TlsTrust::parse_pin(&unknown.pin()).unwrap(), fingerprint);

        let wrong_host = fault(open("127.0.0.1", security, &server.trust()).await);
        assert_eq!(wrong_host.fault, CertificateFault::WrongHost);

        assert!(open("127.0.0.1", security, &pinned(fingerprint)).await.is_ok());
        let wrong_pin = fault(open("localhost", security, &pinned([7; 32])).await);
        assert_eq!(wrong_pin.fault, CertificateFault::NotPinned);
    }
}

#[tokio::test]
async fn a_wrong_password_is_not_tried_again_and_the_budget_is_shared() {
    let server = Dovecot::start();
    let attempts = AttemptBudget::new(2);
    for left in [1, 0] {
        let mut connection = server.open(Security::Plaintext).await;
        let error = connection.authenticate(&password("alice", "no"), &attempts).await.unwrap_err();
        assert!(matches!(error, Error::AuthenticationRefused { .. }), "{error:?}");
        assert!(!error.to_string().contains("\"no\""));
        assert_eq!(attempts.left(), left);
        assert!(connection.is_usable());
    }
    let mut connection = server.open(Security::Plaintext).await;
    let error = connection.authenticate(&password("alice", "no"), &attempts).await.unwrap_err();
    assert!(matches!(error, Error::AttemptsExhausted));
}

#[tokio::test]
async fn a_master_user_acts_as_another() {
    let server = Dovecot::start();
    server.deliver("alice", "INBOX", 1, "S", &[b"Subject: hers\r\n\r\n"]);
    let master = Credentials::Password {
        user: "root".to_owned(),
        password: SecretString::from("mpw".to_owned()),
        authorization_id: Some("alice".to_owned()),
    };
    let mut connection = server.open(Security::StartTls).await;
    connection.authenticate(&master, &AttemptBudget::default()).await.unwrap();
    let inbox = connection.examine(&WireName::inbox(), ExamineMode::Plain).await.unwrap();
    assert_eq!(inbox.exists, 1);
}

#[tokio::test]
async fn folders_are_listed_with_their_numbers() {
    let server = Dovecot::start();
    for (folder, messages) in [("INBOX", 2), ("Entw&APw-rfe", 3), ("Tom &- Jerry", 0), ("a.b", 1)] {
        server.maildir("alice", folder);
        for number in 0..messages {
            server.deliver("alice", folder, number, "", &[b"Subject: x\r\n\r\n12345\r\n"]);
        }
    }
    let mut connection = alice(&server, Security::Plaintext).await;
    let items = vec![
        StatusItem::Messages,
        StatusItem::UidNext,
        StatusItem::UidValidity,
        StatusItem::Size,
        StatusItem::HighestModSeq,
    ];
    let returns = vec![
        ListReturn::SpecialUse,
        ListReturn::Subscribed,
        ListReturn::Children,
        ListReturn::Status(items.clone()),
    ];
    let list = connection.list(&ListRequest { returns, ..ListRequest::default() }).await.unwrap();
    let counts: BTreeMap<String, Option<u32>> = list
        .iter()
        .map(|entry| {
            let name = entry.name.decode(connection.name_encoding());
            assert!(name.valid);
            (name.text, entry.status.as_ref().and_then(|status| status.messages))
        })
        .collect();
    let expected =
        [("INBOX", Some(2)), ("Entwürfe", Some(3)), ("Tom & Jerry", Some(0)), ("a", None), ("a.b", Some(1))];
    assert_eq!(counts, expected.map(|(name, count)| (name.to_owned(), count)).into());
    let parent = list.iter().find(|entry| entry.name.as_bytes() == b"a").unwrap();
    assert!(
        parent.attributes.contains(&Attribute::NonExistent)
            || parent.attributes.contains(&Attribute::NoSelect)
    );
    assert_eq!(parent.separator, Some('.'));

    let names: Vec<WireName> = ["INBOX", "missing", "Entw&APw-rfe"].map(WireName::new).into();
    let answers = connection.status_many(&names, &items).await.unwrap();
    assert_eq!(answers[0].as_ref().unwrap().size, Some(2 * 21));
    assert!(matches!(answers[1], Err(Error::Refused { condition: Condition::No, .. })));
    assert_eq!(answers[2].as_ref().unwrap().uid_next, Some(4));
    assert_eq!(connection.status(&names[2], &items).await.unwrap(), *answers[2].as_ref().unwrap());

    let namespaces = connection.namespace().await.unwrap();
    assert_eq!(namespaces.personal[0].separator, Some('.'));
    let quota = connection.quota_root(&WireName::inbox()).await.unwrap();
    assert_eq!(quota[0].resources[0].limit, 1024 * 1024);
}

type Digests = BTreeMap<u32, [u8; 32]>;

/// Fetches all by `per_command`, `window` commands on the wire; digest of each message by UID.
async fn fetch_all(connection: &mut Connection, uids: &UidSet, per_command: usize, window: usize) -> Digests {
    let mut sets = uids.chunks(per_command);
    let mut pipeline = connection.fetch();
    let mut hash = Sha256::new();
    let mut digests = Digests::new();
    loop {
        while pipeline.in_flight() < window
            && let Some(set) = sets.next()
        {
            let items = [FetchItem::Flags, FetchItem::InternalDate, FetchItem::Body];
            pipeline.send(&set, &items, None).await.unwrap();
        }
        match pipeline.next().await.unwrap() {
            None => return digests,
            Some(FetchEvent::BodyStart { .. }) => hash = Sha256::new(),
            Some(FetchEvent::BodyData(octets)) => {
                assert!(octets.len() <= 64 * 1024);
                hash.update(&octets);
            }
            Some(FetchEvent::Message(message)) => {
                assert_eq!(message.suspicion, None);
                assert!(matches!(message.internal_date, DateItem::Valid(_)));
                assert!(message.flags.unwrap().contains(&Flag::Seen));
                digests.insert(message.uid.unwrap().get(), std::mem::take(&mut hash).finalize().into());
            }
            Some(FetchEvent::Completed { outcome, .. }) => assert_eq!(outcome.condition, Condition::Ok),
            Some(FetchEvent::Vanished(_)) => panic!("nothing was expunged"),
        }
    }
}

#[tokio::test]
async fn hundreds_of_messages_arrive_octet_for_octet_plain_encrypted_and_compressed() {
    let server = Dovecot::start();
    let mut expected = Digests::new();
    for number in 0..400_u32 {
        let line = format!("{number} )\r\n* 1 FETCH (UID 1 BODY[] {{3}}\r\nabc)\r\nm3 OK done\r\n");
        let body = line.repeat(1 + number as usize % 97 * 7);
        let message = format!("Subject: {number}\r\n\r\n{body}");
        server.deliver("alice", "INBOX", number, "S", &[message.as_bytes()]);
        expected.insert(number + 1, Sha256::digest(&message).into());
    }
    for (security, compressed) in
        [(Security::Plaintext, false), (Security::ImplicitTls, false), (Security::StartTls, true)]
    {
        let mut connection = alice(&server, security).await;
        if compressed {
            connection.compress().await.unwrap();
        }
        let inbox = connection.examine(&WireName::inbox(), ExamineMode::CondStore).await.unwrap();
        assert_eq!((inbox.exists, inbox.uid_next), (400, Some(401)));
        assert!(inbox.highest_mod_seq.is_some() && inbox.uid_validity.is_some());
        assert!(connection.capabilities().has("ESEARCH"));
        let uids = connection.search(&SearchQuery::All).await.unwrap();
        assert_eq!(uids.to_string(), "1:400");
        assert_eq!(fetch_all(&mut connection, &uids, 50, 3).await, expected);
        assert_eq!(connection.skipped_lines(), 0);
        connection.unselect().await.unwrap();
        connection.logout().await.unwrap();
    }
}

#[tokio::test]
async fn a_search_that_finds_nothing_is_empty() {
    let server = Dovecot::start();
    server.deliver("alice", "INBOX", 1, "S", &[b"Subject: x\r\n\r\n"]);
    let mut connection = alice(&server, Security::Plaintext).await;
    connection.examine(&WireName::inbox(), ExamineMode::Plain).await.unwrap();
    assert!(connection.search(&SearchQuery::Deleted).await.unwrap().is_empty());
    assert_eq!(connection.search(&SearchQuery::Undeleted).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_refused_and_the_connection_goes_on() {
    let server = Dovecot::start();
    let mut connection = alice(&server, Security::Plaintext).await;
    let error = connection.examine(&WireName::new("missing"), ExamineMode::Plain).await.unwrap_err();
    assert!(matches!(error, Error::Refused { command: "EXAMINE", .. }));
    connection.examine(&WireName::inbox(), ExamineMode::Plain).await.unwrap();
}

#[tokio::test]
async fn qresync_tells_what_changed_and_what_is_gone() {
    let server = Dovecot::start();
    for number in 0..3 {
        server.deliver("alice", "INBOX", number, "S", &[b"Subject: x\r\n\r\n"]);
    }
    let mut connection = alice(&server, Security::Plaintext).await;
    let before = connection.examine(&WireName::inbox(), ExamineMode::CondStore).await.unwrap();
    let current = server.maildir("alice", "INBOX").join("cur");
    std::fs::remove_file(current.join("1700000001.M000001.test:2,S")).unwrap();
    std::fs::rename(
        current.join("1700000002.M000002.test:2,S"),
        current.join("1700000002.M000002.test:2,FS"),
    )
    .unwrap();
    let mut later = alice(&server, Security::Plaintext).await;
    // Dovecot gives the modification sequences when it looks at the changed files.
    later.examine(&WireName::inbox(), ExamineMode::Plain).await.unwrap();
    later.noop().await.unwrap();
    let mode = ExamineMode::QResync {
        uid_validity: before.uid_validity.unwrap(),
        mod_seq: before.highest_mod_seq.unwrap(),
        known: None,
    };
    let after = later.examine(&WireName::inbox(), mode).await.unwrap();
    assert_eq!(after.vanished.to_string(), "2");
    let changed: Vec<_> = after.changed.iter().filter_map(|message| message.uid).collect();
    assert_eq!(changed, [Uid::new(3).unwrap()]);
}

#[tokio::test]
async fn an_abandoned_fetch_leaves_the_connection_unusable() {
    let server = Dovecot::start();
    server.deliver("alice", "INBOX", 1, "S", &[b"Subject: x\r\n\r\n"]);
    let mut connection = alice(&server, Security::Plaintext).await;
    connection.examine(&WireName::inbox(), ExamineMode::Plain).await.unwrap();
    connection.fetch().send_all(&[FetchItem::Body], None).await.unwrap();
    assert!(!connection.is_usable());
    assert!(matches!(connection.noop().await, Err(Error::Abandoned)));
}

/// The largest memory this process has had, in kB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_message_of_100_megabytes_costs_no_more_memory_than_a_small_one() {
    let server = Dovecot::start();
    let line = format!("{}\r\n", "x".repeat(1_022)).into_bytes();
    let mut pieces: Vec<&[u8]> = vec![b"Subject: big\r\n\r\n"];
    pieces.extend(std::iter::repeat_n(line.as_slice(), 100 * 1024));
    server.deliver("alice", "INBOX", 1, "S", &pieces);
    let mut connection = alice(&server, Security::ImplicitTls).await;
    connection.examine(&WireName::inbox(), ExamineMode::Plain).await.unwrap();
    let before = peak();
    let mut pipeline = connection.fetch();
    pipeline.send_all(&[FetchItem::Body], None).await.unwrap();
    let mut octets = 0;
    while let Some(event) = pipeline.next().await.unwrap() {
        match event {
            FetchEvent::BodyData(data) => octets += data.len() as u64,
            FetchEvent::Message(message) => assert_eq!(message.body, Body::Received { octets }),
            _ => {}
        }
    }
    assert_eq!(octets, 16 + 100 * 1024 * 1024);
    assert!(peak() - before < 8 * 1024, "grew by {} kB", peak() - before);
}
