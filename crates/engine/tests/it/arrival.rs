//! Everything arrives, octet for octet, from each kind of server.

use testkit::factory::{self, AccountSpec};
use testkit::imap_client::Client;
use testkit::judge::{self, Kind, Mapping};
use testkit::server::{Courier, Cyrus, Hierarchy, ImapServer};

use crate::rig::{PASSWORD, Rig, assert_balanced};

fn roles() -> Mapping {
    Mapping::identity().rename("Gesendete Objekte", "Sent")
}

/// Cyrus makes the parent of a folder, too, and children follow a parent that has a role.
fn roles_of_cyrus() -> Mapping {
    roles().rename("Archiv", "Archive")
}

async fn from_dovecot(spec: &AccountSpec, mapping: &Mapping) {
    let rig = Rig::start();
    rig.server.write_account("alice", spec).unwrap();
    let report = rig.import_all().await;
    assert_eq!(report.totals.imported, spec.messages() as u64);
    rig.judge(mapping);
    rig.assert_clean();
    let verified = rig.verify().await;
    assert_eq!(verified.differences, Some(Vec::new()), "{verified:#?}");
    assert_eq!(verified.verification.compared, spec.messages() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_account_with_awkward_folder_names_arrives() {
    from_dovecot(&factory::generated_small(), &Mapping::identity()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn untidy_messages_arrive_unchanged() {
    from_dovecot(&factory::awkward(), &Mapping::identity()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_messages_of_107_mb_arrive() {
    from_dovecot(&factory::generated_2000(), &roles()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_6046_real_messages_arrive() {
    from_dovecot(&factory::corpus().unwrap(), &Mapping::identity()).await;
}

async fn from_other(server: &impl ImapServer, spec: &AccountSpec, mapping: &Mapping) {
    let mut client = Client::login(server.plain(), "alice", PASSWORD).unwrap();
    spec.fill(&mut client).unwrap();
    let mut rig = Rig::start();
    rig.source = server.plain();
    let report = rig.import_all().await;
    assert_balanced(&report);
    assert!(report.totals.imported > 0, "{report:#?}");
    rig.judge(mapping);
    let again = rig.import_all().await;
    assert_eq!((again.totals.imported, again.totals.already_there), (0, report.totals.imported));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cyrus_account_arrives() {
    let mut cyrus = Cyrus::start(Hierarchy::InboxDot).unwrap();
    cyrus.add_user("alice", PASSWORD).unwrap();
    from_other(&cyrus, &factory::generated_2000(), &roles_of_cyrus()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cyrus_account_with_slashes_arrives() {
    let mut cyrus = Cyrus::start(Hierarchy::Slash).unwrap();
    cyrus.add_user("alice", PASSWORD).unwrap();
    from_other(&cyrus, &factory::generated_small(), &roles()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_courier_account_arrives() {
    let courier = Courier::start(&[("alice", PASSWORD)]).unwrap();
    from_other(&courier, &factory::generated_2000(), &roles()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_messages_arrive_from_cyrus() {
    let mut cyrus = Cyrus::start(Hierarchy::InboxDot).unwrap();
    cyrus.add_user("alice", PASSWORD).unwrap();
    from_other(&cyrus, &factory::corpus().unwrap(), &Mapping::identity()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_messages_arrive_from_courier() {
    let courier = Courier::start(&[("alice", PASSWORD)]).unwrap();
    from_other(&courier, &factory::corpus().unwrap(), &Mapping::identity()).await;
}

/// The control of everything above: one octet changed behind the importer's back is found by both judges.
#[tokio::test(flavor = "multi_thread")]
async fn one_changed_octet_is_found() {
    let rig = Rig::start();
    rig.server.write_account("alice", &factory::generated_small()).unwrap();
    rig.import_all().await;
    let (path, _) = rig.files().into_iter().next().unwrap();
    let mut octets = std::fs::read(&path).unwrap();
    let at = octets.len() / 2;
    octets[at] ^= 1;
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    std::fs::write(&path, octets).unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    let source = judge::Account::new(rig.source, "alice", PASSWORD);
    let destination = judge::Account::new(rig.server.plain(), "bob", PASSWORD);
    assert!(judge::compare(&source, &destination, &Mapping::identity()).unwrap().has(Kind::Bytes));
    let verified = rig.verify().await;
    let differences = verified.differences.unwrap();
    assert_eq!(differences.iter().map(|d| d.class.as_str()).collect::<Vec<_>>(), ["bytes"]);
}
