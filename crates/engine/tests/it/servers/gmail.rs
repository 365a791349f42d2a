//! Gmail shows a label as a folder and everything once more in All Mail, under names in the user's language; each message
//! has one id wherever it lies. Who asks for much is told `[THROTTLED]`, also in an OK, and after 2,500 MB a day
//! nothing more is handed over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use engine::report::Verdict;
use testkit::scripted::{Answer, Folder, Message, Script, VirtualAccount};

use super::{
    asks_for_bodies, assert_holds, assert_nothing_more_comes, files, folder, letter, serve, serve_account,
    with_attributes,
};
use crate::rig::assert_balanced;

/// A folder that shows these messages of the account, each given by its number there.
fn label(wire: &str, attributes: &[&str], shown: &[u32]) -> Folder {
    let message = |(uid, number): (u32, &u32)| {
        let mut message = Message::new(uid, &letter("all", *number));
        message.items =
            vec![("X-GM-MSGID".to_owned(), (1_278_455_344_230_334_000 + u64::from(*number)).to_string())];
        message
    };
    with_attributes(Folder::new(wire, (1..).zip(shown).map(message).collect()), attributes)
}

#[tokio::test(flavor = "multi_thread")]
async fn all_mail_in_any_language_brings_only_what_has_no_label() {
    let container = with_attributes(Folder::new("[Gmail]", Vec::new()), &["\\HasChildren", "\\Noselect"]);
    let mut account = VirtualAccount::new(vec![
        label("INBOX", &["\\HasNoChildren"], &[1, 2]),
        label("Familie", &["\\HasNoChildren"], &[2, 3]),
        container,
        label("[Gmail]/Alle Nachrichten", &["\\All", "\\HasNoChildren"], &[1, 2, 3, 4, 5, 6]),
        label("[Gmail]/Chats", &["\\HasNoChildren"], &[9]),
        label("[Gmail]/Entw&APw-rfe", &["\\Drafts", "\\HasNoChildren"], &[4]),
        label("[Gmail]/Gesendet", &["\\HasNoChildren", "\\Sent"], &[5]),
        label("[Gmail]/Markiert", &["\\Flagged", "\\HasNoChildren"], &[1]),
        label("[Gmail]/Papierkorb", &["\\HasNoChildren", "\\Trash"], &[7]),
        label("[Gmail]/Spam", &["\\HasNoChildren", "\\Junk"], &[8]),
        label("[Gmail]/Wichtig", &["\\HasNoChildren", "\\Important"], &[2]),
    ]);
    account.capability = "IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 UIDPLUS \
                          MOVE SPECIAL-USE LITERAL- AUTH=PLAIN"
        .to_owned();
    let (server, rig) = serve_account(account, Script::default());
    let report = rig.import_all().await;
    assert_holds(&rig, "INBOX", "all", [1, 2]);
    assert_holds(&rig, "Familie", "all", [2, 3]);
    assert_holds(&rig, "Drafts", "all", [4]);
    assert_holds(&rig, "Sent", "all", [5]);
    assert_holds(&rig, "Archive", "all", [6]);
    assert_holds(&rig, "Trash", "all", [7]);
    assert_holds(&rig, "Junk", "all", [8]);
    assert_eq!((files(&rig), report.totals.imported, report.totals.skipped), (9, 9, 5));
    let left_out: Vec<_> = report.left_out.keys().map(String::as_str).collect();
    assert_eq!(left_out, ["[Gmail]", "[Gmail]/Chats", "[Gmail]/Markiert", "[Gmail]/Wichtig"]);
    assert_nothing_more_comes(&rig).await;
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_in_an_ok_or_a_no_costs_time_and_no_message() {
    let bodies = AtomicU32::new(0);
    let script = Script::default().on("UID FETCH", move |command| {
        if !asks_for_bodies(command) {
            return Answer::Usual;
        }
        match bodies.fetch_add(1, Ordering::SeqCst) {
            0 => Answer::text("{tag} OK [THROTTLED] Success\r\n"),
            1 => Answer::text("{tag} NO [THROTTLED] Throttled\r\n"),
            _ => Answer::Usual,
        }
    });
    let (server, mut rig) = serve(vec![folder("INBOX", 6)], script);
    let heard = crate::progress::listen(&mut rig);
    rig.import_all().await;
    assert_holds(&rig, "INBOX", "INBOX", 1..=6);
    assert_eq!(heard.pauses().len(), 1);
    assert_nothing_more_comes(&rig).await;
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_days_allowance_ends_the_import_and_the_next_run_brings_the_rest() {
    let no = Answer::text("{tag} NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)\r\n");
    let bye =
        Answer::SendAndClose(b"* BYE Account exceeded command or bandwidth limits. (Failure)\r\n".to_vec());
    for (command, answer) in [("UID FETCH", &no), ("UID FETCH", &bye), ("EXAMINE", &no), ("EXAMINE", &bye)] {
        let spent = Arc::new(AtomicBool::new(true));
        let (is_spent, answer) = (Arc::clone(&spent), answer.clone());
        let script = Script::default().on(command, move |command| {
            let in_travel = command.folder.as_deref() == Some("Travel") && asks_for_bodies(command);
            match is_spent.load(Ordering::SeqCst) && (in_travel || command.arguments.contains("Travel")) {
                true => answer.clone(),
                false => Answer::Usual,
            }
        });
        let (server, rig) = serve(vec![folder("INBOX", 3), folder("Travel", 4), folder("Work", 2)], script);
        let report = rig.import().await;
        assert_eq!(report.verdict, Verdict::Incomplete, "{report:#?}");
        assert_eq!(report.error.as_ref().map(|stop| stop.class.as_str()), Some("daily_limit"), "{report:#?}");
        assert!(report.exceptions.iter().all(|exception| exception.uid.is_none()), "{report:#?}");
        assert_balanced(&report);
        assert_eq!(server.connections(), 1, "the limit is not tried");
        assert_holds(&rig, "INBOX", "INBOX", 1..=3);
        assert_eq!(files(&rig), 3);

        spent.store(false, Ordering::SeqCst);
        let report = rig.import_all().await;
        assert_eq!((report.totals.imported, report.totals.already_there), (6, 3));
        assert_holds(&rig, "Travel", "Travel", 1..=4);
        assert_holds(&rig, "Work", "Work", 1..=2);
        assert_nothing_more_comes(&rig).await;
        server.finish();
    }
}
