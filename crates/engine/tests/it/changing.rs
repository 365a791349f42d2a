//! A source that changes while it is imported. What the report says has arrived is what lies in the new mailbox, the numbers
//! balance, and the next run brings what there is by then. The moments are those that the import tells of itself, never
//! those of a clock.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::progress::{Event, Progress};
use engine::report::{Report, Verdict};
use testkit::factory::{AccountSpec, FolderSpec, MessageSpec};
use testkit::imap_client::Client;
use testkit::judge::{Kind, Mapping};
use testkit::scripted::{Answer, Message, Script, Scripted};

use crate::rig::{Rig, assert_balanced};
use crate::servers::{self, assert_holds, folder, letter};

fn body(folder: &str, number: u32) -> Vec<u8> {
    format!("Subject: {number} of {folder}\r\n\r\n{}\r\n", "text ".repeat(40)).into_bytes()
}

/// INBOX with 250 messages, which is more than a command brings, and Work with 30.
fn account() -> AccountSpec {
    let folder = |name: &'static str, count: u32| {
        let message = |number| MessageSpec::exact(body(name, number), 1_500_000_000 + i64::from(number));
        FolderSpec::new(&[name], (1..=count).map(message).collect())
    };
    AccountSpec { folders: vec![folder("INBOX", 250), folder("Work", 30)] }
}

/// The moments of an import at which something may happen to the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Surveyed,
    FolderBegins,
    BodiesCome,
    Delivered,
    FolderDone,
}

const MOMENTS: [Moment; 5] =
    [Moment::Surveyed, Moment::FolderBegins, Moment::BodiesCome, Moment::Delivered, Moment::FolderDone];

impl Moment {
    fn is(self, event: &Event) -> bool {
        match self {
            Moment::Surveyed => matches!(event, Event::Surveyed { .. }),
            Moment::FolderBegins => matches!(event, Event::Folder { .. }),
            Moment::BodiesCome => matches!(event, Event::Received { .. }),
            Moment::Delivered => matches!(event, Event::Delivered { .. }),
            Moment::FolderDone => matches!(event, Event::FolderDone { .. }),
        }
    }
}

/// Changes the source the first time that the moment comes.
struct At<F> {
    moment: Moment,
    done: AtomicBool,
    change: F,
}

impl<F: Fn() + Send + Sync> Progress for At<F> {
    fn event(&self, event: &Event) {
        if self.moment.is(event) && !self.done.swap(true, Ordering::SeqCst) {
            (self.change)();
        }
    }
}

fn at(moment: Moment, change: impl Fn() + Send + Sync + 'static) -> Arc<dyn Progress> {
    Arc::new(At { moment, done: AtomicBool::new(false), change })
}

/// What has arrived in this run is what the report says.
fn assert_true(rig: &Rig, before: usize, report: &Report, what: &str) {
    assert_balanced(report);
    let arrived = rig.files().len() - before;
    assert_eq!(report.totals.imported, arrived as u64, "{what}: {report:#?}");
    assert_eq!((report.verification.different, report.totals.removed_by_user), (0, 0), "{what}: {report:#?}");
    rig.assert_clean();
}

/// Each of these changes, made by another client of a real Dovecot.
type Change = fn(&mut Client);

fn messages_arrive(alice: &mut Client) {
    for number in 1_001..=1_010 {
        alice.append("INBOX", &[], 1_500_100_000, &body("INBOX", number)).unwrap();
    }
}

fn messages_go(alice: &mut Client) {
    alice.select("INBOX").unwrap();
    alice.expunge("1:20,120,240:250").unwrap();
}

fn messages_move(alice: &mut Client) {
    alice.select("INBOX").unwrap();
    alice.command("UID MOVE 101:130 Work").unwrap();
}

fn flags_change(alice: &mut Client) {
    alice.select("INBOX").unwrap();
    alice.store("1:250", "FLAGS", "\\Flagged Seen-To").unwrap();
}

fn a_folder_is_renamed(alice: &mut Client) {
    alice.command("RENAME Work Done").unwrap();
}

fn a_folder_is_deleted(alice: &mut Client) {
    alice.command("DELETE Work").unwrap();
}

fn a_folder_is_made_anew(alice: &mut Client) {
    alice.command("DELETE Work").unwrap();
    alice.create("Work").unwrap();
    for number in 501..=510 {
        alice.append("Work", &[], 1_500_200_000, &body("Work", number)).unwrap();
    }
}

async fn changed_at_each_moment(what: &str, change: Change) {
    for moment in MOMENTS {
        let what = format!("{what} at {moment:?}");
        let mut rig = Rig::start();
        rig.server.write_account("alice", &account()).unwrap();
        rig.settings.first_pause = Duration::from_millis(1);
        let alice = Mutex::new(rig.alice());
        rig.progress = at(moment, move || change(&mut alice.lock().unwrap()));
        let first = rig.import().await;
        assert_true(&rig, 0, &first, &what);
        assert_eq!(first.error, None, "{what}: {first:#?}");
        let arrived: BTreeSet<Vec<u8>> = contents(&rig);
        assert_eq!(arrived.len(), rig.files().len(), "{what}: something came twice");

        // By the next run everything is there that the source has by then, beside what it had before.
        rig.progress = Arc::new(engine::progress::Silent);
        let before = rig.files().len();
        let second = rig.import_all().await;
        assert_true(&rig, before, &second, &what);
        let there: BTreeSet<Vec<u8>> = contents(&rig);
        let mut alice = rig.alice();
        for folder in alice.list().unwrap() {
            for message in alice.fetch_all(&folder.wire).unwrap() {
                assert!(there.contains(message.bytes.as_deref().unwrap()), "{what}: {message:?}");
            }
        }
        let third = rig.import_all().await;
        assert_eq!((third.totals.imported, third.totals.flags_updated), (0, 0), "{what}: {third:#?}");
    }
}

fn contents(rig: &Rig) -> BTreeSet<Vec<u8>> {
    rig.files().keys().map(|path| std::fs::read(path).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_arrive_meanwhile_come_now_or_with_the_next_run() {
    changed_at_each_moment("arrivals", messages_arrive).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_go_meanwhile_are_no_loss_and_no_fault() {
    changed_at_each_moment("expunged", messages_go).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_deleted_meanwhile_takes_nothing_else_along() {
    changed_at_each_moment("deleted", a_folder_is_deleted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_made_anew_meanwhile_is_another_one() {
    changed_at_each_moment("made anew", a_folder_is_made_anew).await;
}

/// What moves or gets another name is another message at the source, and may come under both.
#[tokio::test(flavor = "multi_thread")]
async fn what_moves_meanwhile_is_never_lost() {
    for (what, change) in [("moved", messages_move as Change), ("renamed", a_folder_is_renamed)] {
        for moment in MOMENTS {
            let what = format!("{what} at {moment:?}");
            let mut rig = Rig::start();
            rig.server.write_account("alice", &account()).unwrap();
            rig.settings.first_pause = Duration::from_millis(1);
            let alice = Mutex::new(rig.alice());
            rig.progress = at(moment, move || change(&mut alice.lock().unwrap()));
            let first = rig.import().await;
            assert_true(&rig, 0, &first, &what);
            assert_eq!(first.error, None, "{what}: {first:#?}");
            rig.progress = Arc::new(engine::progress::Silent);
            let before = rig.files().len();
            let second = rig.import_all().await;
            assert_true(&rig, before, &second, &what);
            let expected: BTreeSet<Vec<u8>> = (1..=250)
                .map(|number| body("INBOX", number))
                .chain((1..=30).map(|number| body("Work", number)))
                .collect();
            assert_eq!(contents(&rig), expected, "{what}");
            assert_eq!(rig.import_all().await.totals.imported, 0, "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_that_change_meanwhile_are_right_after_the_next_run_at_the_latest() {
    for moment in MOMENTS {
        let mut rig = Rig::start();
        rig.server.write_account("alice", &account()).unwrap();
        let alice = Mutex::new(rig.alice());
        rig.progress = at(moment, move || flags_change(&mut alice.lock().unwrap()));
        let first = rig.import_all().await;
        assert_eq!(first.totals.imported, 280, "{moment:?}");
        rig.progress = Arc::new(engine::progress::Silent);
        rig.import_all().await;
        rig.judge(&Mapping::identity());
    }
}

/// A folder that is there when it is listed, and gone when a second connection opens it to help, or a third one to go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_withdrawn_while_it_is_copied_costs_what_is_left_of_it() {
    for connections in [1, 2] {
        let opened = Mutex::new(0);
        let script = Script::default()
            .on("EXAMINE", move |command| {
                if !command.arguments.contains("Work") {
                    return Answer::Usual;
                }
                let mut opened = opened.lock().unwrap();
                *opened += 1;
                match *opened {
                    1 => Answer::Usual,
                    _ => Answer::text("{tag} NO [NONEXISTENT] no such folder\r\n"),
                }
            })
            .on("UID FETCH", |command| {
                let late = servers::asks_for_bodies(command) && servers::is_about(command, 650);
                match command.folder.as_deref() == Some("Work") && late {
                    true => Answer::SendAndClose(Vec::new()),
                    false => Answer::Usual,
                }
            });
        let (server, mut rig) =
            servers::serve(vec![folder("Work", 900), folder("Later", 3), folder("INBOX", 3)], script);
        rig.settings.first_pause = Duration::from_millis(1);
        rig.settings.connections = connections;
        let report = rig.import().await;
        assert_true(&rig, 0, &report, "withdrawn");
        assert_eq!((&report.error, report.verdict), (&None, Verdict::Incomplete), "{report:#?}");
        assert_eq!(servers::missed(&report), [("Work", None, "folder_denied")]);
        let work = report.folders.iter().find(|folder| folder.source == "Work").unwrap();
        assert!(work.counts.imported > 0 && work.counts.failed >= 250, "{report:#?}");
        assert_holds(&rig, "INBOX", "INBOX", 1..=3);
        assert_holds(&rig, "Later", "Later", 1..=3);
        server.finish();
    }
}

/// The control: what the judge is asked above can say no.
#[tokio::test(flavor = "multi_thread")]
async fn flags_that_change_after_the_import_are_a_difference() {
    let rig = Rig::start();
    rig.server.write_account("alice", &account()).unwrap();
    rig.import_all().await;
    flags_change(&mut rig.alice());
    let side = |user| testkit::judge::Account::new(rig.source, user, crate::rig::PASSWORD);
    let verdict = testkit::judge::compare(&side("alice"), &side("bob"), &Mapping::identity()).unwrap();
    assert!(verdict.has(Kind::Flags) && verdict.has(Kind::Keywords), "{verdict}");
}

/// Numbers a folder of the scripted account anew, and hangs up so that it is noticed.
fn renumber(server: &Scripted, uid_validity: u32) {
    let mut account = server.account();
    let work = account.folder("Work").unwrap();
    work.uid_validity = uid_validity;
    for message in &mut work.messages {
        message.uid += 1_000;
    }
    let uid = work.messages.len() as u32 + 2_000 + uid_validity;
    work.messages.push(Message::new(uid, &letter("Later", uid_validity)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_numbered_anew_meanwhile_is_neither_doubled_nor_lost() {
    for moment in MOMENTS {
        let cuts = Arc::new(AtomicBool::new(false));
        let cut = Arc::clone(&cuts);
        let script = Script::default().on("UID FETCH", move |_| match cut.swap(false, Ordering::SeqCst) {
            true => Answer::SendAndClose(b"* BYE the folder was rebuilt\r\n".to_vec()),
            false => Answer::Usual,
        });
        let (server, mut rig) = servers::serve(vec![folder("Work", 250), folder("INBOX", 3)], script);
        let server = Arc::new(server);
        rig.settings.first_pause = Duration::from_millis(1);
        let renumbered = Arc::clone(&server);
        rig.progress = at(moment, move || {
            renumber(&renumbered, 2);
            cuts.store(true, Ordering::SeqCst);
        });
        let first = rig.import().await;
        assert_true(&rig, 0, &first, &format!("{moment:?}"));
        assert_eq!(first.error, None, "{moment:?}: {first:#?}");
        rig.progress = Arc::new(engine::progress::Silent);
        let before = rig.files().len();
        let second = rig.import_all().await;
        assert_true(&rig, before, &second, &format!("{moment:?}"));
        assert_eq!(rig.files().len(), 254, "{moment:?}: {second:#?}");
        let expected: BTreeSet<_> = (1..=250)
            .map(|number| letter("Work", number))
            .chain((1..=3).map(|number| letter("INBOX", number)))
            .chain([letter("Later", 2)])
            .collect();
        assert_eq!(contents(&rig), expected, "{moment:?}");
        servers::assert_nothing_more_comes(&rig).await;
        drop(rig);
        Arc::into_inner(server).unwrap().finish();
    }
}

/// Modification sequences that fall: a server restored from a backup, or one that lies. What changed is not believed to be
/// unchanged.
#[tokio::test(flavor = "multi_thread")]
async fn a_modification_sequence_that_falls_or_lies_costs_no_message_and_no_flag_for_good() {
    for (what, before, after) in [
        ("falls", 900, 5),
        ("stays while a message arrives", 900, 900),
        ("is gone", 900, 0),
        ("comes", 0, 900),
    ] {
        let sequence = Arc::new(Mutex::new(before));
        let (in_status, in_examine) = (Arc::clone(&sequence), Arc::clone(&sequence));
        let script = Script::default()
            .on("STATUS", move |command| {
                let (messages, next) = if command.arguments.contains("INBOX") { (5, 6) } else { (2, 3) };
                let sequence = *in_status.lock().unwrap();
                // Only what is told of the sequences changes, and what a real server would tell of the messages.
                let more = u32::from(command.count > 2);
                Answer::text(&format!(
                    "* STATUS {} (MESSAGES {} UIDNEXT {} UIDVALIDITY 1 HIGHESTMODSEQ {sequence})\r\n{{tag}} OK done\r\n",
                    command.arguments.split(" (").next().unwrap(),
                    messages + more,
                    next + more
                ))
            })
            .on("EXAMINE", move |_| {
                let sequence = *in_examine.lock().unwrap();
                let lies = "* VANISHED (EARLIER) 1:4294967295\r\n* 1 FETCH (UID 1 MODSEQ (1) FLAGS (\\Deleted))\r\n";
                match sequence {
                    0 => Answer::SendThenUsual(format!("{lies}* OK [NOMODSEQ] x\r\n").into_bytes()),
                    _ => Answer::SendThenUsual(format!("{lies}* OK [HIGHESTMODSEQ {sequence}] x\r\n").into_bytes()),
                }
            })
            .on("UID FETCH", |command| match command.arguments.contains("CHANGEDSINCE") {
                // As if nothing had ever changed.
                true => Answer::text("{tag} OK done\r\n"),
                false => Answer::Usual,
            });
        let mut account = testkit::scripted::VirtualAccount::new(vec![folder("INBOX", 5), folder("Work", 2)]);
        account.capability = "IMAP4rev1 ENABLE CONDSTORE QRESYNC".to_owned();
        let (server, rig) = servers::serve_account(account, script);
        assert_eq!(rig.import_all().await.totals.imported, 7, "{what}");
        *sequence.lock().unwrap() = after;
        for name in ["INBOX", "Work"] {
            let mut account = server.account();
            let folder = account.folder(name).unwrap();
            let uid = folder.messages.len() as u32 + 1;
            folder.messages[0].flags = vec!["\\Flagged".to_owned()];
            folder.messages.push(Message::new(uid, &letter(name, uid)));
        }
        let second = rig.import_all().await;
        assert_eq!((second.totals.imported, second.totals.flags_updated), (2, 2), "{what}: {second:#?}");
        assert_holds(&rig, "INBOX", "INBOX", 1..=6);
        assert_holds(&rig, "Work", "Work", 1..=3);
        assert_eq!(servers::stored(&rig, "INBOX")[0].flags, "F", "{what}");
        assert_eq!(second.verdict, Verdict::Complete);
        servers::assert_nothing_more_comes(&rig).await;
        server.finish();
    }
}
