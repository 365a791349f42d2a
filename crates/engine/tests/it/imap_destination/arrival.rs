//! Everything arrives, octet for octet, at each kind of server.

use engine::report::Verdict;
use testkit::factory::{self, AccountSpec};
use testkit::judge::{Kind, Mapping};
use testkit::server::{Courier, Cyrus, DovecotOptions, Hierarchy, ImapServer, MailFormat, User};

use super::rig::Rig;
use crate::rig::PASSWORD;

fn roles() -> Mapping {
    Mapping::identity().rename("Gesendete Objekte", "Sent")
}

async fn within_dovecot(format: MailFormat, spec: &AccountSpec, mapping: &Mapping) {
    arrives(&Rig::within_dovecot(format), spec, mapping).await;
}

async fn arrives(rig: &Rig, spec: &AccountSpec, mapping: &Mapping) {
    rig.old.write_account("alice", spec).unwrap();
    let report = rig.import_all().await;
    assert_eq!(report.totals.imported, spec.messages() as u64);
    rig.judge(mapping);
    rig.nothing_new().await;
    let verified = rig.verify().await;
    assert_eq!(verified.differences, Some(Vec::new()), "{verified:#?}");
    assert_eq!(verified.verification.compared, spec.messages() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_messages_of_107_mb_arrive_in_maildir() {
    within_dovecot(MailFormat::Maildir, &factory::generated_2000(), &roles()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_messages_of_107_mb_arrive_in_sdbox() {
    within_dovecot(MailFormat::Sdbox, &factory::generated_2000(), &roles()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_messages_of_107_mb_arrive_in_mdbox() {
    within_dovecot(MailFormat::Mdbox, &factory::generated_2000(), &roles()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_6046_real_messages_arrive() {
    // One of them has lines that end with CR CR LF.
    within_dovecot(
        MailFormat::Mdbox,
        &factory::corpus().unwrap(),
        &Mapping::identity().ignoring(Kind::Bytes),
    )
    .await;
}

/// What Dovecot changes in a message that is appended is its ends of lines, and a date that its parser does not know;
/// verify says so and does not mind. A message of no octets at all it refuses.
#[tokio::test(flavor = "multi_thread")]
async fn untidy_messages_arrive_and_what_the_server_changed_is_a_note() {
    let rig = Rig::within_dovecot(MailFormat::Sdbox);
    let mut spec = factory::awkward();
    for folder in &mut spec.folders {
        folder.messages.retain(|message| !message.content.bytes().unwrap().is_empty());
    }
    rig.old.write_account("alice", &spec).unwrap();
    let report = rig.import_all().await;
    assert_eq!(report.totals.imported, spec.messages() as u64);
    let verdict = rig.verdict(&Mapping::identity());
    let known = |kind| matches!(kind, Kind::Bytes | Kind::InternalDate);
    assert!(verdict.differences.iter().all(|difference| known(difference.kind)), "{verdict}");
    assert!(
        verdict.has(Kind::Bytes) && verdict.has(Kind::InternalDate),
        "make this test stricter: {verdict}"
    );
    let verified = rig.verify().await;
    assert_eq!(verified.differences, Some(Vec::new()), "{verified:#?}");
    assert_eq!(verified.verdict, Verdict::Complete, "{verified:#?}");
    for class in ["line_ends", "date_changed"] {
        assert!(verified.notes.iter().any(|note| note.class == class), "{class}: {verified:#?}");
    }
    rig.nothing_new().await;
}

async fn to_other(server: &impl ImapServer, spec: &AccountSpec, mapping: &Mapping) {
    arrives(&Rig::to_server(server), spec, mapping).await;
}

/// Cyrus makes the parents of a folder, too.
fn with_parents(mapping: Mapping) -> Mapping {
    mapping.ignoring(Kind::FolderExtra)
}

async fn to_cyrus(hierarchy: Hierarchy, spec: &AccountSpec) {
    let mut cyrus = Cyrus::start(hierarchy).unwrap();
    cyrus.add_user("bob", PASSWORD).unwrap();
    to_other(&cyrus, spec, &with_parents(roles())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_messages_arrive_at_cyrus() {
    to_cyrus(Hierarchy::InboxDot, &factory::generated_2000()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_account_arrives_at_cyrus_with_slashes() {
    to_cyrus(Hierarchy::Slash, &factory::generated_small()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_messages_arrive_at_courier_without_multiappend_and_literal_plus() {
    let courier = Courier::start(&[("bob", PASSWORD)]).unwrap();
    to_other(&courier, &factory::generated_2000(), &roles()).await;
}

/// SASL PLAIN with an authorization id (RFC 4616).
#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_imports_for_somebody_else() {
    let mut options = DovecotOptions::with_users([User::new("alice", PASSWORD), User::new("bob", PASSWORD)]);
    options.masters = vec![("master".into(), "master's".into())];
    let mut rig = Rig::with(options);
    rig.credentials = imap::Credentials::Password {
        user: "master".into(),
        password: "master's".to_owned().into(),
        authorization_id: Some("bob".into()),
    };
    arrives(&rig, &factory::generated_small(), &Mapping::identity()).await;
    rig.credentials = imap::Credentials::Password {
        user: "bob*master".into(),
        password: "master's".to_owned().into(),
        authorization_id: None,
    };
    // Another name for the same mailbox: nothing is known of what was imported under the first one, unless it is adopted.
    let again = rig.adopt().await;
    assert_eq!((again.totals.imported, again.totals.already_there), (0, 60), "{again:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_imports_into_cyrus_for_somebody_else() {
    let mut cyrus = Cyrus::start(Hierarchy::InboxDot).unwrap();
    cyrus.add_user("bob", PASSWORD).unwrap();
    let mut rig = Rig::to_server(&cyrus);
    rig.credentials = imap::Credentials::Password {
        user: "admin".into(),
        password: "administrator".to_owned().into(),
        authorization_id: Some("bob".into()),
    };
    arrives(&rig, &factory::generated_small(), &with_parents(Mapping::identity())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_folder_is_told_what_it_is_for() {
    let rig = Rig::within_dovecot(MailFormat::Sdbox);
    rig.old.write_account("alice", &factory::generated_2000()).unwrap();
    // Whether it can be told: Dovecot 2.3 offers it.
    let offered = rig.bob().capability().contains("CREATE-SPECIAL-USE");
    rig.import_all().await;
    let listed = rig.bob().command("LIST \"\" \"*\" RETURN (SPECIAL-USE)").unwrap().lines().join("\n");
    assert_eq!(offered, listed.contains("\\Sent"), "{listed}");
}
