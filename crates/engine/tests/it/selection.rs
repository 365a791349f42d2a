//! What is asked for and no more; what was left out once is brought when it is asked for later.

use engine::plan::Selection;
use testkit::factory::{AccountSpec, FolderSpec, MessageSpec};
use testkit::judge::Mapping;

use crate::rig::{Rig, assert_balanced};

const DAY: i64 = 86_400;

fn account() -> AccountSpec {
    let message = |size: usize, date| {
        let body = format!("Subject: {size}\r\n\r\n{}\r\n", "x".repeat(size));
        MessageSpec::exact(body.into_bytes(), date)
    };
    let old = 1_500_000_000;
    let folder = |path: &[&str]| {
        FolderSpec::new(
            path,
            vec![message(10, old), message(10, old + 10 * DAY), message(9_000, old + 20 * DAY)],
        )
    };
    AccountSpec {
        folders: vec![folder(&["INBOX"]), folder(&["Work"]), folder(&["Work", "Plans"]), folder(&["Junk"])],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn skipped_messages_are_counted_and_come_when_they_are_asked_for() {
    let mut rig = Rig::start();
    rig.server.write_account("alice", &account()).unwrap();
    rig.selection = Selection::default().since("2017-07-20").unwrap().max_size("1kB").unwrap();
    let report = rig.import_all().await;
    // Of each folder one is too old and one too large.
    assert_eq!((report.totals.imported, report.totals.skipped), (4, 8), "{report:#?}");
    rig.selection = Selection::default();
    let report = rig.import_all().await;
    assert_eq!((report.totals.imported, report.totals.already_there), (8, 4));
    rig.judge(&Mapping::identity().ignoring(testkit::judge::Kind::Order));
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_are_included_excluded_and_mapped() {
    let mut rig = Rig::start();
    rig.server.write_account("alice", &account()).unwrap();
    rig.selection = Selection::default().exclude("Junk").unwrap().map("Work=Projects/Old").unwrap();
    let report = rig.import_all().await;
    assert_balanced(&report);
    assert_eq!(report.totals.imported, 9);
    assert!(report.left_out.contains_key("Junk"), "{report:#?}");
    rig.judge(
        &Mapping::identity()
            .rename("Work", "Projects/Old")
            .without("Junk")
            .ignoring(testkit::judge::Kind::Subscription),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_option_that_matches_nothing_is_named() {
    let mut rig = Rig::start();
    rig.server.write_account("alice", &account()).unwrap();
    rig.selection = Selection::default().exclude("Jnk").unwrap();
    let report = rig.import_all().await;
    assert!(report.notes.iter().any(|note| note.class == "option_unused"), "{report:#?}");
}
