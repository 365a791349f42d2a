//! Yahoo and AOL answer UNAVAILABLE as long as one certain message is among those asked for, and describe it all the same.

use engine::report::Verdict;
use testkit::scripted::{Answer, Script};

use super::{asks_for_bodies, assert_holds, assert_nothing_more_comes, folder, is_about, missed, serve};
use crate::rig::assert_balanced;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_never_available_is_found_and_left_behind_alone() {
    let script =
        Script::default().on("UID FETCH", |command| match asks_for_bodies(command) && is_about(command, 3) {
            true => Answer::text("{tag} NO [UNAVAILABLE] UID FETCH Server error while fetching messages\r\n"),
            false => Answer::Usual,
        });
    let (server, rig) = serve(vec![folder("INBOX", 4), folder("Work", 2)], script);
    let report = rig.import().await;
    assert_eq!(report.verdict, Verdict::CompleteWithExceptions, "{report:#?}");
    assert_balanced(&report);
    assert_eq!(missed(&report), [("INBOX", Some(3), "unreadable")]);
    assert_eq!(report.exceptions[0].subject.as_deref(), Some("number 3 of INBOX"));
    assert_holds(&rig, "INBOX", "INBOX", [1, 2, 4]);
    assert_holds(&rig, "Work", "Work", 1..=2);
    assert_eq!(server.connections(), 1);
    assert_nothing_more_comes(&rig).await;
    server.finish();
}
