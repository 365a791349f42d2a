//! The second run: nothing twice, nothing lost, and the customer's own changes stay.

use testkit::factory;
use testkit::judge::Mapping;

use crate::rig::{Rig, assert_balanced};

#[tokio::test(flavor = "multi_thread")]
async fn the_second_run_copies_nothing_and_touches_no_file() {
    let rig = Rig::start();
    let spec = factory::generated_small();
    rig.server.write_account("alice", &spec).unwrap();
    rig.import_all().await;
    let before = rig.files();
    let report = rig.import_all().await;
    assert_eq!((report.totals.imported, report.totals.already_there), (0, spec.messages() as u64));
    assert_eq!(report.totals.flags_updated, 0);
    assert_eq!(rig.files(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_new_messages_and_five_changed_flags_bring_ten_and_five() {
    let rig = Rig::start();
    let spec = factory::generated_small();
    rig.server.write_account("alice", &spec).unwrap();
    rig.import_all().await;
    let mut alice = rig.alice();
    for number in 0..10 {
        let message = format!("Subject: new {number}\r\n\r\nnew\r\n");
        alice.append("INBOX", &["\\Seen"], 1_500_000_000 + number, message.as_bytes()).unwrap();
    }
    alice.select("INBOX").unwrap();
    alice.store("1:5", "FLAGS", "\\Flagged \\Deleted Changed").unwrap();
    drop(alice);
    let report = rig.import_all().await;
    assert_eq!((report.totals.imported, report.totals.flags_updated), (10, 5), "{report:#?}");
    rig.judge(&Mapping::identity());
    let third = rig.import_all().await;
    assert_eq!((third.totals.imported, third.totals.flags_updated), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_customer_deleted_stays_deleted_and_what_they_flagged_stays() {
    let rig = Rig::start();
    rig.server.write_account("alice", &factory::generated_small()).unwrap();
    rig.import_all().await;
    let mut bob = rig.bob();
    bob.select("INBOX").unwrap();
    bob.expunge("2:4").unwrap();
    bob.store("6", "FLAGS", "\\Answered Mine").unwrap();
    drop(bob);
    let mut alice = rig.alice();
    alice.select("INBOX").unwrap();
    // The source touches the same flags that the customer changed, and one that they did not.
    alice.store("6", "FLAGS", "\\Draft").unwrap();
    drop(alice);
    let report = rig.import_all().await;
    assert_eq!((report.totals.imported, report.totals.removed_by_user), (0, 3), "{report:#?}");
    let mut bob = rig.bob();
    let sixth = bob.fetch_all("INBOX").unwrap().into_iter().find(|message| message.uid == 6).unwrap();
    assert!(sixth.flags.contains("\\Answered") && sixth.keywords.contains("Mine"), "{sixth:?}");
    assert!(sixth.flags.contains("\\Draft"), "{sixth:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_ledger_is_rebuilt_from_the_names() {
    let rig = Rig::start();
    let spec = factory::awkward();
    rig.server.write_account("alice", &spec).unwrap();
    rig.import_all().await;
    let before = rig.files();
    std::fs::remove_file(rig.state()).unwrap();
    let report = rig.import_all().await;
    assert_eq!((report.totals.imported, report.totals.already_there), (0, spec.messages() as u64));
    assert_eq!(rig.files(), before);
    rig.judge(&Mapping::identity());
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_that_another_tool_put_there_is_adopted_when_asked() {
    let mut rig = Rig::start();
    let spec = factory::generated_small();
    rig.server.write_account("alice", &spec).unwrap();
    rig.server.write_account("bob", &spec).unwrap();
    rig.settings.adoption = engine::account::Adoption::ByDigest;
    let report = rig.import_all().await;
    assert_eq!((report.totals.imported, report.totals.already_there), (0, spec.messages() as u64));
    rig.judge(&Mapping::identity());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_import_says_so_and_goes_on() {
    let mut rig = Rig::start();
    let spec = factory::generated_small();
    rig.server.write_account("alice", &spec).unwrap();
    rig.cancel.cancel();
    let report = rig.import().await;
    assert_eq!(report.error.unwrap().class, "interrupted");
    rig.cancel = tokio_util::sync::CancellationToken::new();
    let report = rig.import_all().await;
    assert_balanced(&report);
    rig.judge(&Mapping::identity());
}
