//! A message that the new server does not take fails alone, is kept for the customer, and named with the server's reason.

use testkit::factory::{self, AccountSpec, FolderSpec, MessageSpec};
use testkit::judge::{Kind, Mapping};
use testkit::server::{Cyrus, Hierarchy, ImapServer};

use super::rig::Rig;
use crate::rig::{PASSWORD, assert_balanced};

/// Cyrus refuses a header line that is none.
const POISON: &[u8] = b"Subject: poison\r\nno colon in this line\r\n\r\ntext\r\n";

fn account() -> AccountSpec {
    let mut messages = factory::generated_small().folders.remove(0).messages;
    messages.insert(7, MessageSpec::exact(POISON, 1_300_000_000));
    messages.insert(21, MessageSpec::exact([POISON, b"another\r\n"].concat(), 1_300_000_001));
    AccountSpec { folders: vec![FolderSpec::new(&["INBOX"], messages)] }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_message_fails_alone_and_is_kept() {
    let mut cyrus = Cyrus::start(Hierarchy::InboxDot).unwrap();
    cyrus.add_user("bob", PASSWORD).unwrap();
    let rig = Rig::to_server(&cyrus);
    let spec = account();
    rig.old.write_account("alice", &spec).unwrap();
    let report = rig.import().await;
    assert_balanced(&report);
    assert_eq!((report.totals.imported, report.totals.failed), (30, 2), "{report:#?}");
    let refused: Vec<_> = report.exceptions.iter().filter(|exception| exception.class == "refused").collect();
    assert_eq!(refused.iter().filter_map(|exception| exception.uid).collect::<Vec<_>>(), [8, 22]);
    for exception in &refused {
        assert!(
            exception.message.starts_with("The new server refuses this message: "),
            "{}",
            exception.message
        );
    }
    // Kept octet for octet, each in the file that its exception names.
    let kept: Vec<Vec<u8>> = refused
        .iter()
        .map(|exception| {
            let (_, file) = exception.message.split_once("It is kept as ").unwrap();
            std::fs::read(file.trim_end_matches('.')).unwrap()
        })
        .collect();
    let shown = rig.alice().fetch_all("INBOX").unwrap();
    let shown = |at: usize| shown[at].bytes.clone().unwrap();
    assert_eq!(kept, [shown(7), shown(21)]);
    let verdict = rig.verdict(&Mapping::identity().ignoring(Kind::Order));
    assert_eq!(
        verdict.differences.iter().filter(|d| d.kind == Kind::Missing || d.kind == Kind::Bytes).count(),
        2
    );
    assert!(!verdict.has(Kind::Extra), "{verdict}");
    // The next import tries them again, and brings nothing twice.
    let again = rig.import().await;
    assert_eq!(
        (again.totals.imported, again.totals.failed, again.totals.already_there),
        (0, 2, 30),
        "{again:#?}"
    );
}
