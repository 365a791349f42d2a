//! Answers to commands that are out of order: tags that nobody sent or that come twice, an OK without what was asked for, and
//! what others do in the folder meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use engine::report::{Side, Verdict};
use testkit::scripted::{Answer, Command, Script};

use super::{serve, twice, twice_is_once};
use crate::rig::assert_balanced;
use crate::servers::{
    self, asks_for_bodies, assert_holds, folder, is_about, lists_everything, missed, serve_account,
};

/// Says this before what it answers to each FETCH of bodies.
fn before_bodies(said: &'static str) -> Script {
    Script::default().on("UID FETCH", move |command: &Command| match asks_for_bodies(command) {
        true => Answer::SendThenUsual(said.as_bytes().to_vec()),
        false => Answer::Usual,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_between_the_answers_costs_no_message_and_no_connection() {
    for (what, said) in [
        ("an unknown tag", "m999999 OK who?\r\nx1 NO what?\r\n"),
        ("the tag before its answer", "{tag} OK done already\r\n"),
        ("its refusal before the answer", "{tag} NO not at all\r\n"),
        (
            "flags that others changed",
            "* 2 FETCH (FLAGS (\\Seen))\r\n* 3 FETCH (UID 3 FLAGS (\\Deleted))\r\n",
        ),
        ("another message's body", "* 9 FETCH (UID 9 FLAGS () BODY[] {2}\r\nhi)\r\n"),
        ("a body without a UID", "* 9 FETCH (BODY[] {2}\r\nhi)\r\n"),
        ("a body without its octets", "* 3 FETCH (UID 3 BODY[] NIL)\r\n"),
        ("an expunge", "* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n* 3 EXISTS\r\n"),
        ("vanished without QRESYNC", "* VANISHED 1:4294967295\r\n* VANISHED (EARLIER) 1:5\r\n"),
        ("arrivals", "* 4000000000 EXISTS\r\n* 17 RECENT\r\n"),
        (
            "other capabilities",
            "* CAPABILITY IMAP4rev1 CONDSTORE QRESYNC ESEARCH X-GM-EXT-1 LOGINDISABLED\r\n",
        ),
        ("no capabilities", "* CAPABILITY\r\n* OK [CAPABILITY] x\r\n"),
        ("another UIDVALIDITY in passing", "* OK [UIDVALIDITY 77] x\r\n* OK [UIDNEXT 1] x\r\n"),
        ("a lower MODSEQ", "* OK [HIGHESTMODSEQ 1] x\r\n* OK [NOMODSEQ] x\r\n"),
        ("an alert", "* OK [ALERT] <b>\u{1b}[2J</b>\r\n"),
        ("requests for more", "+ \r\n+ go on\r\n"),
        ("empty lines", "\r\n\r\n  \r\n*\r\n* \r\n"),
        ("words of no language", "* XYZZY {3}\r\nabc foo\r\n* 1 XYZZY (((\r\nnonsense\r\n"),
        ("a search nobody asked for", "* SEARCH 1 2 3\r\n* ESEARCH (TAG \"x\") UID ALL 1:9\r\n"),
        ("a list nobody asked for", "* LIST () \"/\" \"../../x\"\r\n* STATUS INBOX (MESSAGES 0)\r\n"),
        ("a full quota", "* NO [OVERQUOTA] Mailbox is almost full\r\n"),
    ] {
        let (server, rig) = servers::serve(vec![folder("INBOX", 5), folder("Work", 2)], before_bodies(said));
        let report = rig.import_all().await;
        assert_eq!(report.totals.imported, 7, "{what}: {report:#?}");
        assert_holds(&rig, "INBOX", "INBOX", 1..=5);
        assert_holds(&rig, "Work", "Work", 1..=2);
        assert_eq!(server.connections(), 1, "{what}");
        twice_is_once(&rig).await;
        server.finish();
    }
}

/// `NO`, `BAD` and an OK without the message are never "done": the one message is reported, the others arrive.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_not_handed_over_is_found_among_the_others_and_reported() {
    for (what, answer, metadata, class) in [
        ("OK without it", "{tag} OK done\r\n", false, None),
        ("OK without its body", "{tag} OK done\r\n", true, Some("unreadable")),
        ("NO", "{tag} NO cannot\r\n", true, Some("unreadable")),
        ("BAD", "{tag} BAD cannot\r\n", true, Some("unreadable")),
        ("NO, not even its metadata", "{tag} NO cannot\r\n", false, Some("unreadable")),
        ("NIL", "* 3 FETCH (UID 3 BODY[] NIL)\r\n{tag} OK done\r\n", true, Some("unreadable")),
    ] {
        let script = Script::default().on("UID FETCH", move |command| {
            let probe = metadata && !asks_for_bodies(command);
            match is_about(command, 3) && !lists_everything(command) && !probe {
                true => Answer::text(answer),
                false => Answer::Usual,
            }
        });
        let (server, rig) = servers::serve(vec![folder("INBOX", 6), folder("Work", 2)], script);
        let report = twice(&rig).await;
        let expected: Vec<_> = class.map(|class| ("INBOX", Some(3), class)).into_iter().collect();
        assert_eq!(missed(&report), expected, "{what}: {report:#?}");
        assert_eq!(
            (report.totals.imported, report.totals.phantom),
            (7, u64::from(class.is_none())),
            "{what}"
        );
        assert_holds(&rig, "INBOX", "INBOX", [1, 2, 4, 5, 6]);
        assert_holds(&rig, "Work", "Work", 1..=2);
        assert_eq!(server.connections(), 2, "one for each run: {what}");
        server.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_one_command_at_a_time_gets_one_at_a_time() {
    let refused = Arc::new(AtomicU32::new(0));
    let refuses = Arc::clone(&refused);
    let rule = move |command: &Command| match command.more_waits {
        true => {
            refuses.fetch_add(1, Ordering::SeqCst);
            Answer::text("{tag} BAD one at a time\r\n")
        }
        false => Answer::Usual,
    };
    let script = Script::default().listens_on("UID FETCH", Duration::from_millis(100)).on("UID FETCH", rule);
    let (server, mut rig) = serve(vec![folder("INBOX", 450)], script);
    rig.settings.connections = 1;
    let report = rig.import_all().await;
    assert_eq!(report.totals.imported, 450);
    assert_holds(&rig, "INBOX", "INBOX", 1..=450);
    // Those that were on the wire when the first was refused, and no more.
    let refused = refused.load(Ordering::SeqCst);
    assert!((1..=4).contains(&refused), "{refused}");
    twice_is_once(&rig).await;
    server.finish();
}

/// RFC 5530, 3: OVERQUOTA. To somebody who only reads it is an allowance, whatever the words.
#[tokio::test(flavor = "multi_thread")]
async fn an_allowance_that_is_used_up_ends_the_import_and_the_next_run_brings_the_rest() {
    for (command, answer) in [
        ("UID FETCH", "{tag} NO [OVERQUOTA] That is all\r\n"),
        ("EXAMINE", "{tag} NO [OVERQUOTA] That is all\r\n"),
        ("EXAMINE", "* BYE [OVERQUOTA] That is all\r\n"),
    ] {
        let spent = Arc::new(AtomicBool::new(true));
        let is_spent = Arc::clone(&spent);
        let script = Script::default().on(command, move |command| {
            let of_work = command.folder.as_deref() == Some("Work") && asks_for_bodies(command);
            match is_spent.load(Ordering::SeqCst) && (of_work || command.arguments.contains("Work")) {
                true if answer.starts_with('*') => Answer::SendAndClose(answer.as_bytes().to_vec()),
                true => Answer::text(answer),
                false => Answer::Usual,
            }
        });
        let (server, rig) = servers::serve(vec![folder("INBOX", 3), folder("Work", 70)], script);
        let report = rig.import().await;
        let stop = report.error.as_ref().unwrap_or_else(|| panic!("{answer}: {report:#?}"));
        assert_eq!((stop.side, stop.class.as_str()), (Side::Source, "daily_limit"), "{answer}");
        assert_eq!((report.verdict, report.totals.imported), (Verdict::Incomplete, 3), "{answer}");
        assert_balanced(&report);
        rig.assert_clean();
        spent.store(false, Ordering::SeqCst);
        assert_eq!(rig.import_all().await.totals.imported, 70);
        assert_holds(&rig, "INBOX", "INBOX", 1..=3);
        assert_holds(&rig, "Work", "Work", 1..=70);
        twice_is_once(&rig).await;
        server.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn capabilities_that_change_from_connection_to_connection_are_used_where_they_are_offered() {
    // Each third command of the second kind of server meets a goodbye, so that another connection takes over.
    let bodies = AtomicU32::new(0);
    let script = Script::default()
        .on("CAPABILITY", |command| {
            let more = if command.connection % 2 == 1 { " CONDSTORE ESEARCH" } else { " AUTH=PLAIN SASL-IR" };
            Answer::text(&format!("* CAPABILITY IMAP4rev1{more}\r\n{{tag}} OK done\r\n"))
        })
        .on("EXAMINE", |command| {
            match command.arguments.contains("CONDSTORE") == (command.connection % 2 == 1) {
                true => Answer::Usual,
                false => Answer::text("{tag} BAD not offered here\r\n"),
            }
        })
        .on("STATUS", |command| match command.arguments.contains("HIGHESTMODSEQ") {
            true => Answer::text("{tag} NO not in the mood\r\n"),
            false => Answer::Usual,
        })
        .on("UID FETCH", move |command| {
            match asks_for_bodies(command) && bodies.fetch_add(1, Ordering::SeqCst) < 2 {
                true => Answer::SendAndClose(b"* BYE another one, please\r\n".to_vec()),
                false => Answer::Usual,
            }
        });
    let (server, rig) = serve_account(super::account(), script);
    rig.import_all().await;
    assert_holds(&rig, "INBOX", "INBOX", 1..=3);
    assert_holds(&rig, "Work", "Work", 1..=2);
    assert_eq!(server.connections(), 3);
    twice_is_once(&rig).await;
    server.finish();
}
