//! Zimbra ends the connection whenever a shared folder is opened that somebody has locked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::report::Verdict;
use testkit::scripted::{Answer, Script};

use super::{assert_holds, assert_nothing_more_comes, files, folder, missed, serve};
use crate::rig::assert_balanced;

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_folder_is_reported_and_comes_when_it_is_free() {
    let locked = Arc::new(AtomicBool::new(true));
    let is_locked = Arc::clone(&locked);
    let script = Script::default().on("EXAMINE", move |command| {
        match is_locked.load(Ordering::SeqCst) && command.arguments.contains("Bestellungen") {
            true => Answer::SendAndClose(b"* BYE Zimbra IMAP server terminating connection\r\n".to_vec()),
            false => Answer::Usual,
        }
    });
    let (server, rig) = serve(vec![folder("INBOX", 3), folder("Bestellungen", 2), folder("Work", 2)], script);
    let report = rig.import().await;
    assert_eq!((report.verdict, &report.error), (Verdict::Incomplete, &None), "{report:#?}");
    assert_balanced(&report);
    assert_eq!(missed(&report), [("Bestellungen", None, "folder_unavailable")]);
    assert_holds(&rig, "INBOX", "INBOX", 1..=3);
    assert_holds(&rig, "Work", "Work", 1..=2);
    assert_eq!(files(&rig), 5);
    // Tried once in its turn and then after all others.
    let opened: Vec<_> = server.commands().into_iter().filter(|command| command.name == "EXAMINE").collect();
    let at = |name: &str, last: bool| {
        let is = |command: &testkit::scripted::Command| command.arguments.contains(name);
        if last { opened.iter().rposition(is) } else { opened.iter().position(is) }
    };
    assert!(at("Bestellungen", false) < at("Work", false) && at("Work", true) < at("Bestellungen", true));
    assert_eq!(opened.iter().filter(|command| command.arguments.contains("Bestellungen")).count(), 5);

    locked.store(false, Ordering::SeqCst);
    rig.import_all().await;
    assert_holds(&rig, "Bestellungen", "Bestellungen", 1..=2);
    assert_eq!(files(&rig), 7);
    assert_nothing_more_comes(&rig).await;
    server.finish();
}
