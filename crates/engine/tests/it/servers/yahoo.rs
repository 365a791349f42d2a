//! Yahoo and AOL answer UNAVAILABLE as long as one certain message is among those asked for, and describe it all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::account::Route;
use engine::plan::Selection;
use engine::report::Verdict;
use imap::{AddressGuard, Allowed, Endpoint};
use testkit::scripted::{Answer, Script};

use super::{
    asks_for_bodies, assert_holds, assert_nothing_more_comes, folder, is_about, lists_everything, missed,
    serve,
};
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

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_not_even_described_is_asked_for_again_by_the_next_run() {
    let away = Arc::new(AtomicBool::new(true));
    let is_away = Arc::clone(&away);
    let script = Script::default().on("UID FETCH", move |command| {
        match is_away.load(Ordering::SeqCst) && !lists_everything(command) && is_about(command, 3) {
            // The suggested pause only makes the test a short one.
            true => Answer::text(
                "{tag} NO [UNAVAILABLE] Server error. Suggested Backoff Time: 1 milliseconds\r\n",
            ),
            false => Answer::Usual,
        }
    });
    let (server, rig) = serve(vec![folder("INBOX", 5), folder("Work", 2)], script);
    let report = rig.import().await;
    assert_eq!((report.verdict, &report.error), (Verdict::Incomplete, &None), "{report:#?}");
    assert_balanced(&report);
    assert_eq!(missed(&report), [("INBOX", Some(3), "unavailable")]);
    assert!(report.exceptions[0].retryable);
    assert_holds(&rig, "INBOX", "INBOX", [1, 2, 4, 5]);
    assert_holds(&rig, "Work", "Work", 1..=2);

    away.store(false, Ordering::SeqCst);
    assert_eq!(rig.import_all().await.totals.imported, 1);
    assert_holds(&rig, "INBOX", "INBOX", 1..=5);
    assert_nothing_more_comes(&rig).await;
    server.finish();
}

/// Every name leads to the scripted server.
#[derive(Debug)]
struct Led(std::net::SocketAddr);

impl AddressGuard for Led {
    fn addresses<'a>(&'a self, _: &'a Endpoint) -> Allowed<'a> {
        Box::pin(async move { Ok(vec![self.0]) })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_shown_in_part_is_said_to_be_and_where_all_of_it_is() {
    let (server, mut rig) = serve(vec![folder("INBOX", 10_000), folder("Work", 9_999)], Script::default());
    rig.route = Route::Guarded(Arc::new(Led(server.addr())));
    // Not one of them need be brought for that.
    rig.selection = Selection::default().since("2030-01-01").unwrap();
    for (host, told) in [
        ("imap.mail.yahoo.com", vec!["INBOX"]),
        ("IMAP.mail.yahoo.com.", vec!["INBOX"]),
        ("export.imap.mail.yahoo.com", vec![]),
        ("imap.example.org", vec![]),
    ] {
        rig.host = Some(host.to_owned());
        let report = rig.import_all().await;
        let notes: Vec<_> = report.notes.iter().filter(|note| note.class == "shown_in_part").collect();
        assert_eq!(notes.iter().map(|note| note.folder.as_str()).collect::<Vec<_>>(), told, "{host}");
        assert!(notes.iter().all(|note| note.message.contains("export.imap.mail.yahoo.com")), "{host}");
    }
    server.finish();
}
