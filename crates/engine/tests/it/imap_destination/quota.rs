//! A mailbox that is full: the import says so and loses nothing, and goes on when there is room.

use engine::report::Verdict;
use testkit::factory;
use testkit::judge::Mapping;
use testkit::server::{DovecotOptions, User};

use super::rig::Rig;
use crate::rig::{PASSWORD, assert_balanced};

fn options(storage: &str, capability: Option<&str>) -> DovecotOptions {
    let mut bob = User::new("bob", PASSWORD);
    bob.fields = format!("userdb_quota_rule=*:storage={storage}");
    let mut options = DovecotOptions::with_users([User::new("alice", PASSWORD), bob]);
    options.capability = capability.map(str::to_owned);
    options
}

/// Stops with the customer's sentence after part of the mail, and goes on in a mailbox with more room.
async fn stops_and_goes_on(capability: Option<&str>, at_least: u64) {
    let mut rig = Rig::with(options("150K", capability));
    let spec = factory::generated_small();
    rig.old.write_account("alice", &spec).unwrap();
    let report = rig.import().await;
    assert_eq!(report.verdict, Verdict::Incomplete);
    let stop = report.error.clone().unwrap();
    assert_eq!(stop.class, "quota", "{report:#?}");
    assert!(stop.message.starts_with("The new mailbox is full: at least "), "{}", stop.message);
    assert_balanced(&report);
    assert!(report.totals.imported >= at_least && report.totals.imported < 60, "{report:#?}");
    let users = rig.old.mail_home("bob");
    assert!(users.exists());
    more_room(&mut rig);
    rig.import_all().await;
    rig.judge(&Mapping::identity());
    rig.nothing_new().await;
}

/// The customer deletes nothing: the provider gives more.
fn more_room(rig: &mut Rig) {
    rig.old.doveadm(&["reload"]).unwrap();
    let file = rig.old.mail_home("bob").parent().and_then(std::path::Path::parent).unwrap().join("users");
    let users = std::fs::read_to_string(&file).unwrap();
    assert!(users.contains("storage=150K"), "{users}");
    std::fs::write(&file, users.replace("storage=150K", "storage=100M")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fits_is_brought_then_it_stops_and_goes_on_with_more_room() {
    stops_and_goes_on(None, 10).await;
}

/// The server does not say how much room there is, and refuses.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_for_lack_of_room_stops_the_import_too() {
    let capability =
        "IMAP4rev1 LITERAL+ NAMESPACE UIDPLUS MULTIAPPEND LIST-EXTENDED UNSELECT SPECIAL-USE CHILDREN";
    stops_and_goes_on(Some(capability), 0).await;
}
