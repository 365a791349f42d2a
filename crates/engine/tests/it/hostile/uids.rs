//! Numbers that cannot be: UIDs that were never asked for, told twice or in any order, and folders that count otherwise.

use testkit::scripted::{Answer, Command, Folder, Script};

use super::{MESSAGES, ODD, fetches, messages, ordinary, serve, twice};
use crate::rig::assert_balanced;

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_were_never_asked_for_are_not_believed() {
    for (what, odd) in [
        ("UID 0", "* 3 FETCH (UID 0 BODY[] {2}\r\nhi)\r\n"),
        ("a UID beyond 32 bits", "* 3 FETCH (UID 4294967299 BODY[] {2}\r\nhi)\r\n"),
        ("a UID that is not there", "* 3 FETCH (UID 77 BODY[] {2}\r\nhi)\r\n"),
    ] {
        let script = fetches(move |body| if body { odd.to_owned() } else { ordinary(ODD, false) });
        let (server, rig) = serve(vec![Folder::new("INBOX", messages(MESSAGES))], script);
        let report = rig.import().await;
        assert_balanced(&report);
        let told: Vec<_> = report.exceptions.iter().map(|e| (e.uid, e.class.as_str())).collect();
        assert_eq!(
            (told, report.totals.imported),
            (vec![(Some(ODD), "unreadable")], 4),
            "{what}: {report:#?}"
        );
        server.finish();
    }
}

/// What a listing tells of INBOX, whose messages are those from 1 to 5.
fn listed_as(listing: impl Fn() -> String + Send + Sync + 'static) -> Script {
    Script::default().on("UID FETCH", move |command: &Command| match command.arguments.starts_with("1:*") {
        true => Answer::text(&listing()),
        false => Answer::Usual,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_out_of_order_lists_each_message_once() {
    let line = |uid: &str| format!("* 1 FETCH (UID {uid} FLAGS ())\r\n");
    let lines = |uids: &[&str]| -> String { uids.iter().map(|uid| line(uid)).collect() };
    for (what, uids, phantoms) in [
        ("falling", vec!["5", "4", "3", "2", "1"], 0),
        ("twice", vec!["1", "2", "2", "3", "1", "4", "5", "5"], 0),
        ("0 among them", vec!["0", "1", "2", "3", "4", "5", "0"], 0),
        ("beyond 32 bits", vec!["1", "2", "3", "4", "5", "4294967296", "18446744073709551616"], 0),
        ("less than nothing", vec!["1", "2", "-3", "3", "4", "5"], 0),
        ("the last one there can be", vec!["1", "2", "3", "4", "5", "4294967295"], 1),
        ("ones that are not there", vec!["1", "2", "3", "4", "5", "77", "78"], 2),
    ] {
        let listing = lines(&uids);
        let script = listed_as(move || format!("{listing}{{tag}} OK done\r\n"));
        let (server, rig) = serve(vec![Folder::new("INBOX", messages(MESSAGES))], script);
        let report = twice(&rig).await;
        assert_eq!((report.totals.imported, report.totals.phantom), (5, phantoms), "{what}: {report:#?}");
        assert_eq!(report.verdict, engine::report::Verdict::Complete, "{what}: {report:#?}");
        let arrived: Vec<_> = crate::servers::octets(&rig, "INBOX");
        let sent: Vec<_> = messages(MESSAGES).into_iter().map(|message| message.bytes).collect();
        assert_eq!(arrived, sent, "{what}");
        server.finish();
    }
}

/// How many messages there are is told by EXAMINE, by STATUS, by the listing and by SEARCH, and never by all of them alike.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_counts_in_several_ways_loses_nothing_in_silence() {
    let open = |exists: u32| {
        format!("* {exists} EXISTS\r\n* OK [UIDVALIDITY 1] x\r\n* OK [UIDNEXT 6] x\r\n{{tag}} OK done\r\n")
    };
    let some = format!("{}{}{{tag}} OK done\r\n", ordinary(1, false), ordinary(2, false));
    for (what, exists, listed, found, imported, unlisted) in [
        ("fewer than are listed", Some(1), None, None, 5, 0),
        ("more than are listed", Some(8), None, None, 5, 3),
        ("a listing of some, a search of all", None, Some(&some), None, 5, 0),
        (
            "a listing and a search of some",
            None,
            Some(&some),
            Some("* SEARCH 1 4\r\n{tag} OK done\r\n"),
            3,
            2,
        ),
        ("a search of nothing", None, Some(&some), Some("* SEARCH\r\n{tag} OK done\r\n"), 2, 3),
        ("a search that is refused", None, Some(&some), Some("{tag} NO no search\r\n"), 2, 3),
        (
            "a search of more than there is",
            None,
            Some(&some),
            Some("* SEARCH 1 2 3 4 5 9\r\n{tag} OK done\r\n"),
            5,
            0,
        ),
        ("none although STATUS knows of some", Some(0), None, None, 5, 0),
    ] {
        let mut script = Script::default();
        if let Some(exists) = exists {
            let answer = open(exists);
            script = script.on("EXAMINE", move |_| Answer::text(&answer));
        }
        if let Some(listed) = listed.cloned() {
            script =
                script.on("UID FETCH", move |command: &Command| match command.arguments.starts_with("1:*") {
                    true => Answer::text(&listed),
                    false => Answer::Usual,
                });
        }
        if let Some(found) = found {
            script = script.on("UID SEARCH", move |_| Answer::text(found));
        }
        let (server, rig) = serve(vec![Folder::new("INBOX", messages(MESSAGES))], script);
        let report = twice(&rig).await;
        let told: Vec<_> = report.exceptions.iter().map(|e| (e.class.as_str(), e.message.as_str())).collect();
        let words =
            format!("The old server says that folder INBOX has {unlisted} messages more than it lists.");
        let expected: Vec<_> = if unlisted > 0 { vec![("unlisted", words.as_str())] } else { Vec::new() };
        assert_eq!((told, report.totals.imported), (expected, imported), "{what}: {report:#?}");
        server.finish();
    }
}
