//! Microsoft 365 and Exchange: says after how many milliseconds it wants to be asked again; lets users in whose mailbox it
//! does not reach; answers OK to a FETCH and sends nothing; tells sizes that are not so, writes what it likes
//! between brackets, hands over a notice in place of a message that it cannot convert, and lists what is no mail.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::report::Verdict;
use testkit::scripted::{Answer, Script, VirtualAccount};

use super::{
    asks_for_bodies, assert_holds, assert_nothing_more_comes, files, folder, is_about, letter, missed, serve,
    serve_account,
};
use crate::rig::assert_balanced;

#[tokio::test(flavor = "multi_thread")]
async fn the_pause_that_the_server_suggests_is_kept_to_the_millisecond() {
    let bodies = AtomicU32::new(0);
    let script = Script::default().on("UID FETCH", move |command| {
        match asks_for_bodies(command) && bodies.fetch_add(1, Ordering::SeqCst) == 0 {
            true => {
                Answer::text("{tag} BAD Request is throttled. Suggested Backoff Time: 43 milliseconds\r\n")
            }
            false => Answer::Usual,
        }
    });
    let (server, mut rig) = serve(vec![folder("INBOX", 5)], script);
    let heard = crate::progress::listen(&mut rig);
    rig.import_all().await;
    assert_holds(&rig, "INBOX", "INBOX", 1..=5);
    assert_eq!(heard.pauses(), [Duration::from_millis(43)]);
    assert_nothing_more_comes(&rig).await;
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suggested_pause_beyond_the_patience_is_left_to_the_next_run() {
    let throttled = Arc::new(AtomicBool::new(true));
    let is_throttled = Arc::clone(&throttled);
    let script = Script::default().on("UID FETCH", move |command| {
        match is_throttled.load(Ordering::SeqCst) && asks_for_bodies(command) {
            true => Answer::text(
                "{tag} BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds\r\n",
            ),
            false => Answer::Usual,
        }
    });
    let (server, rig) = serve(vec![folder("INBOX", 5)], script);
    let report = rig.import().await;
    assert_eq!(report.error.as_ref().map(|stop| stop.class.as_str()), Some("throttled"), "{report:#?}");
    assert_eq!((report.verdict, files(&rig)), (Verdict::Incomplete, 0));
    assert_balanced(&report);
    let asked = server.commands().iter().filter(|command| asks_for_bodies(command)).count();
    assert_eq!(asked, 1);

    throttled.store(false, Ordering::SeqCst);
    rig.import_all().await;
    assert_holds(&rig, "INBOX", "INBOX", 1..=5);
    assert_nothing_more_comes(&rig).await;
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_its_mailbox_is_replaced_by_another() {
    let script = Script::default().on("EXAMINE", |command| match command.connection {
        1 => Answer::text("{tag} BAD User is authenticated but not connected.\r\n"),
        _ => Answer::Usual,
    });
    let (server, rig) = serve(vec![folder("INBOX", 3), folder("Work", 2)], script);
    rig.import_all().await;
    assert_holds(&rig, "INBOX", "INBOX", 1..=3);
    assert_holds(&rig, "Work", "Work", 1..=2);
    assert_eq!(server.connections(), 2);
    assert_nothing_more_comes(&rig).await;
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_no_connection_reaches_is_not_called_empty() {
    let script = Script::default()
        .on("LIST", |_| Answer::text("{tag} BAD User is authenticated but not connected.\r\n"));
    let (server, rig) = serve(vec![folder("INBOX", 3)], script);
    let report = rig.import().await;
    assert_eq!(report.error.as_ref().map(|stop| stop.class.as_str()), Some("unavailable"), "{report:#?}");
    assert_eq!((report.verdict, files(&rig)), (Verdict::Incomplete, 0));
    server.finish();
}

const NOTICE: &str = "Subject: Retrieval using the IMAP4 protocol failed for the following message: 4\r\n\r\n\
    The server couldn't retrieve the following message:\r\n\r\nSubject: \"Offer\"\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn oks_without_messages_false_sizes_notices_and_things_that_are_no_mail() {
    let mut inbox = folder("INBOX", 6);
    inbox.messages[3].bytes = NOTICE.as_bytes().to_vec();
    for message in &mut inbox.messages {
        let text = String::from_utf8(message.bytes.clone()).unwrap();
        let (uid, size) = (message.uid, text.len());
        let line = format!(
            "{uid} FETCH (UID {uid} FLAGS (\\Seen) INTERNALDATE \" 1-Feb-2020 10:00:00 +0100\" \
             RFC822.SIZE {} BODY[] {{{size}}}\r\n{text})",
            size + 17
        );
        message.response = Some(line.into_bytes());
    }
    let bodies = AtomicU32::new(0);
    let script = Script::default()
        .on("LOGIN", |_| {
            Answer::text(
                "{tag} OK [Error=\"Success\" AuthResultFromPopImapEnd=0 Proxy=AM0PR01.prod.example:1993:SSL (] \
                 LOGIN completed.\r\n",
            )
        })
        .on("EXAMINE", |_| Answer::SendThenUsual(b"* OK [S=AM0 \"(Mbx {3}] [x\r\n".to_vec()))
        .on("UID FETCH", move |command| {
            match asks_for_bodies(command) && bodies.fetch_add(1, Ordering::SeqCst) == 0 {
                true => Answer::text("{tag} OK FETCH completed.\r\n"),
                false => Answer::Usual,
            }
        });
    let folders = ["Calendar", "Contacts", "Tasks", "Journal"].map(|name| folder(name, 2));
    let mut account = VirtualAccount::new([vec![inbox, folder("Notes", 1)], folders.to_vec()].concat());
    account.capability =
        "IMAP4 IMAP4rev1 AUTH=XOAUTH2 UIDPLUS ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+".into();
    let (server, rig) = serve_account(account, script);
    let report = rig.import().await;
    assert_eq!(report.verdict, Verdict::CompleteWithExceptions, "{report:#?}");
    assert_balanced(&report);
    assert_eq!(missed(&report), [("INBOX", Some(4), "unreadable")]);
    assert_holds(&rig, "INBOX", "INBOX", [1, 2, 3, 5, 6]);
    assert_holds(&rig, "Notes", "Notes", [1]);
    assert_eq!(report.totals.bytes, 5 * letter("INBOX", 1).len() as u64 + letter("Notes", 1).len() as u64);
    let left_out: Vec<_> = report.left_out.keys().map(String::as_str).collect();
    assert_eq!(left_out, ["Calendar", "Contacts", "Journal", "Tasks"]);
    let report = assert_nothing_more_comes(&rig).await;
    assert_eq!(missed(&report), [("INBOX", Some(4), "unreadable")]);
    server.finish();
}

/// "Too many errors": the connection on which the tenth command was refused ends. Finding the messages that cannot be
/// handed over takes more refusals than that, and those beside them are not to blame.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_ends_after_ten_errors_is_replaced_as_often_as_it_takes() {
    const BROKEN: [u32; 4] = [2, 9, 17, 30];
    let errors = Mutex::new(BTreeMap::new());
    let script = Script::default().on("UID FETCH", move |command| {
        let in_inbox = command.folder.as_deref() == Some("INBOX") && asks_for_bodies(command);
        if !in_inbox || BROKEN.iter().all(|uid| !is_about(command, *uid)) {
            return Answer::Usual;
        }
        let mut errors = errors.lock().unwrap();
        let count = errors.entry(command.connection).or_insert(0);
        *count += 1;
        match *count < 10 {
            true => Answer::text("{tag} NO The message could not be retrieved.\r\n"),
            false => Answer::SendAndClose(
                b"{tag} NO The message could not be retrieved.\r\n* BYE Too many errors, closing.\r\n"
                    .to_vec(),
            ),
        }
    });
    let (server, mut rig) = serve(vec![folder("INBOX", 32), folder("Work", 2)], script);
    rig.settings.first_pause = Duration::from_millis(1);
    let report = rig.import().await;
    assert_eq!((report.verdict, &report.error), (Verdict::CompleteWithExceptions, &None), "{report:#?}");
    assert_balanced(&report);
    let expected = BROKEN.map(|uid| ("INBOX", Some(uid), "unreadable"));
    assert_eq!(missed(&report), expected, "{report:#?}");
    assert_holds(&rig, "INBOX", "INBOX", (1..=32).filter(|uid| !BROKEN.contains(uid)));
    assert_holds(&rig, "Work", "Work", 1..=2);
    assert!(server.connections() > 1);
    assert_nothing_more_comes(&rig).await;
    server.finish();
}
