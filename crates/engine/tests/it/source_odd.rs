//! Sources that list what they do not have, refuse what they list, or forbid a folder; and a ledger that forgets.

use engine::ledger::{EpochId, LedgerError, MessageRecord};
use engine::report::Verdict;
use imap::Uid;
use testkit::judge::Mapping;
use testkit::scripted::{Answer, Folder, Message, Script, Scripted, VirtualAccount};

use crate::ledger::{Tamper, Tampered};
use crate::rig::{Rig, Work, assert_balanced};

fn messages(count: u32) -> Vec<Message> {
    (1..=count).map(|uid| Message::new(uid, format!("Subject: {uid}\r\n\r\nbody\r\n").as_bytes())).collect()
}

fn serve(messages: Vec<Message>, script: Script) -> (Scripted, Rig) {
    let account =
        VirtualAccount::new(vec![Folder::new("INBOX", messages), Folder::new("Other", self::messages(2))]);
    let server = Scripted::start(account, script).unwrap();
    let mut rig = Rig::start();
    rig.source = server.addr();
    (server, rig)
}

/// Answers every request for a body of message 5 with nothing; `known` says whether its metadata is told.
fn without_body(known: bool) -> impl Fn(&testkit::scripted::Command) -> Answer + Send + Sync {
    move |command| {
        let (set, items) = command.arguments.split_once(' ').unwrap();
        let set: imap::UidSet = set.parse().unwrap_or_default();
        if !set.contains(Uid::new(5).unwrap()) || !(items.contains("BODY") || items.contains("SIZE")) {
            return Answer::Usual;
        }
        if set.len() > 1 {
            return Answer::text("{tag} NO cannot hand over one of these\r\n");
        }
        if known && items.contains("HEADER") {
            return Answer::text(
                "* 5 FETCH (UID 5 RFC822.SIZE 4711 INTERNALDATE \"01-Jan-2020 00:00:00 +0000\")\r\n{tag} OK done\r\n",
            );
        }
        Answer::text("{tag} OK done\r\n")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_with_metadata_and_no_body_is_unreadable_and_costs_nothing_else() {
    let (server, rig) = serve(messages(20), Script::default().on("UID FETCH", without_body(true)));
    let report = rig.import().await;
    assert_eq!(report.verdict, Verdict::CompleteWithExceptions, "{report:#?}");
    assert_balanced(&report);
    assert_eq!((report.totals.imported, report.totals.unreadable), (21, 1));
    let exception = &report.exceptions[0];
    assert_eq!(
        (exception.uid, exception.class.as_str(), exception.size),
        (Some(5), "unreadable", Some(4711))
    );
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_uid_that_is_listed_and_unknown_is_a_phantom_and_no_exception() {
    let (server, rig) = serve(messages(20), Script::default().on("UID FETCH", without_body(false)));
    let report = rig.import().await;
    // NO to a batch and OK with nothing to the message alone: nothing at all is a phantom.
    assert_eq!((report.totals.imported, report.totals.phantom), (21, 1), "{report:#?}");
    assert_eq!(report.verdict, Verdict::Complete);
    assert!(report.notes.iter().any(|note| note.class == "phantom" && note.uids == "5"));
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_may_not_be_opened_is_reported_and_the_others_arrive() {
    let script = Script::default().on("EXAMINE", |command| {
        if command.arguments.contains("Other") {
            Answer::text("{tag} NO [NOPERM] not yours\r\n")
        } else {
            Answer::Usual
        }
    });
    let (server, rig) = serve(messages(3), script);
    let report = rig.import().await;
    assert_eq!(report.verdict, Verdict::CompleteWithExceptions);
    assert_eq!(report.totals.imported, 3);
    let exception = &report.exceptions[0];
    assert_eq!(
        (exception.class.as_str(), exception.uid, exception.folder.as_str()),
        ("folder_denied", None, "Other")
    );
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_uid_told_after_the_body_is_no_hindrance() {
    let mut odd = messages(30);
    for message in &mut odd {
        let body = String::from_utf8(message.bytes.clone()).unwrap();
        let line = format!(
            "{} FETCH (BODY[] {{{}}}\r\n{body} UID {} FLAGS (\\Seen) INTERNALDATE \"01-Jan-2020 00:00:00 +0000\" RFC822.SIZE {})",
            message.uid,
            body.len(),
            message.uid,
            body.len()
        );
        message.flags = vec!["\\Seen".into()];
        message.internal_date = 1_577_836_800;
        message.response = Some(line.into_bytes());
    }
    let (server, rig) = serve(odd, Script::default());
    let report = rig.import_all().await;
    assert_eq!(report.totals.imported, 32);
    let arrived = rig.bob().fetch_all("INBOX").unwrap();
    let subjects: Vec<_> = arrived.iter().map(|message| message.bytes.clone().unwrap()).collect();
    let expected: Vec<_> = messages(30).into_iter().map(|message| message.bytes).collect();
    assert_eq!(subjects, expected);
    rig.assert_clean();
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_ends_the_connection_each_time_is_left_behind_alone() {
    let script = Script::default().on("UID FETCH", |command| {
        let (set, items) = command.arguments.split_once(' ').unwrap();
        let set: imap::UidSet = set.parse().unwrap_or_default();
        match set.contains(Uid::new(3).unwrap()) && items.contains("BODY.PEEK[]") {
            true => Answer::SendAndClose(b"* 3 FETCH (UID 3 FLAGS () BODY[] {100}\r\nhalf".to_vec()),
            false => Answer::Usual,
        }
    });
    let (server, mut rig) = serve(messages(6), script);
    rig.settings.patience = std::time::Duration::from_secs(120);
    let report = rig.import().await;
    assert_eq!((report.totals.imported, report.totals.unreadable), (7, 1), "{report:#?}");
    assert_balanced(&report);
    rig.assert_clean();
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn uidvalidity_that_never_settles_is_reported_and_not_looped_on() {
    let count = std::sync::atomic::AtomicU32::new(10);
    let script = Script::default().on("EXAMINE", move |_| {
        let next = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Answer::text(&format!(
            "* 3 EXISTS\r\n* OK [UIDVALIDITY {next}] x\r\n* OK [UIDNEXT 4] x\r\n{{tag}} OK [READ-ONLY] done\r\n"
        ))
    });
    let (server, mut rig) = serve(messages(3), script);
    // Each connection examines anew, and each time the number is another one.
    rig.settings.connections = 1;
    let report = rig.import().await;
    assert_balanced(&report);
    let _ = server.forgive();
}

/// A ledger that forgets the row of message 3.
struct Forgetful;

impl Tamper for Forgetful {
    fn recording(&self, _: EpochId, messages: Vec<MessageRecord>) -> Result<Vec<MessageRecord>, LedgerError> {
        Ok(messages.into_iter().filter(|message| message.uid.get() != 3).collect())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_do_not_balance_are_said_loudly() {
    let (server, rig) = serve(messages(5), Script::default());
    let ledger = Tampered::open(&rig.state(), Forgetful).await;
    let report = rig.run_with(Work::Import, &ledger).await;
    assert_eq!(report.verdict, Verdict::Incomplete);
    assert!(!report.totals.balances());
    let loud = report.exceptions.iter().find(|exception| exception.class == "unbalanced").unwrap();
    assert_eq!(
        loud.message,
        "The numbers of this folder do not add up: 5 messages were listed and 4 are accounted for. Import again."
    );
    drop(ledger);
    // With an honest ledger the next run finds the message by its name: nothing doubled, and the numbers balance.
    let report = rig.import_all().await;
    assert_eq!((report.totals.imported, report.totals.already_there), (0, 7));
    rig.judge(&Mapping::identity());
    server.finish();
}
