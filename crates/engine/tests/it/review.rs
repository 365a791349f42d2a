//! Trouble at the wrong moment: what must neither hang, nor go round in circles, nor take the whole account along.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::ledger::{EpochId, LedgerError, MessageRecord};
use engine::report::Verdict;
use imap::WireName;
use testkit::scripted::{Answer, Command, Folder, Gate, Message, Script, Scripted, VirtualAccount};

use crate::ledger::{Tamper, Tampered};
use crate::rig::{Rig, Work, assert_balanced};

fn messages(count: u32) -> Vec<Message> {
    (1..=count).map(|uid| Message::new(uid, format!("Subject: {uid}\r\n\r\nbody\r\n").as_bytes())).collect()
}

fn serve_folders(folders: Vec<Folder>, script: Script) -> (Scripted, Rig) {
    let server = Scripted::start(VirtualAccount::new(folders), script).unwrap();
    let mut rig = Rig::start();
    rig.source = server.addr();
    (server, rig)
}

fn serve(inbox: u32, script: Script) -> (Scripted, Rig) {
    serve_folders(vec![Folder::new("INBOX", messages(inbox)), Folder::new("Other", messages(2))], script)
}

/// What lies in the new INBOX, in its order.
fn bodies(rig: &Rig) -> Vec<Vec<u8>> {
    rig.bob().fetch_all("INBOX").unwrap().into_iter().map(|message| message.bytes.unwrap()).collect()
}

/// The answer to a UID FETCH in a folder whose messages have the UIDs from 1 to `last`.
fn fetched(command: &Command, last: u32) -> Answer {
    let Some((set, items)) = command.arguments.split_once(' ') else { return Answer::Usual };
    let set: imap::UidSet = set.replace('*', &last.to_string()).parse().unwrap();
    let mut answer = String::new();
    for uid in set.iter() {
        let text = format!("Subject: {uid}\r\n\r\nbody\r\n");
        let size = text.len();
        let date = "INTERNALDATE \"01-Jan-2020 00:00:00 +0000\"";
        answer += &format!("* {uid} FETCH (UID {uid} X-GM-MSGID 100{uid} FLAGS () {date} RFC822.SIZE {size}");
        if items.contains("BODY.PEEK[]") {
            answer += &format!(" BODY[] {{{size}}}\r\n{text}");
        }
        answer += ")\r\n";
    }
    Answer::text(&format!("{answer}{{tag}} OK done\r\n"))
}

fn is_listing(command: &Command) -> bool {
    command.arguments.starts_with("1:* ")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_the_listing_leaves_out_is_found_all_the_same() {
    let script = Script::default().on("UID FETCH", |command| match is_listing(command) {
        true => Answer::text(
            "* 1 FETCH (UID 1 FLAGS ())\r\n* 2 FETCH (UID 2 FLAGS ) nonsense (\r\n{tag} OK done\r\n",
        ),
        false => Answer::Usual,
    });
    let (server, rig) = serve_folders(vec![Folder::new("INBOX", messages(3))], script);
    let report = rig.import_all().await;
    assert_eq!((report.totals.listed, report.totals.imported), (3, 3), "{report:#?}");
    assert_eq!(bodies(&rig), messages(3).into_iter().map(|message| message.bytes).collect::<Vec<_>>());
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_claims_to_have_and_never_lists_spoils_the_verdict() {
    let script = Script::default()
        .on("UID FETCH", |command| match is_listing(command) {
            true => Answer::text("* 1 FETCH (UID 1 FLAGS ())\r\n{tag} OK done\r\n"),
            false => Answer::Usual,
        })
        .on("UID SEARCH", |_| Answer::text("* SEARCH 1\r\n{tag} OK done\r\n"));
    let (server, rig) = serve_folders(vec![Folder::new("INBOX", messages(3))], script);
    let report = rig.import().await;
    assert_eq!((report.verdict, report.totals.imported), (Verdict::Incomplete, 1), "{report:#?}");
    let exception = &report.exceptions[0];
    assert_eq!(exception.class, "unlisted");
    assert_eq!(exception.message, "The old server says that folder INBOX has 2 messages more than it lists.");
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_always_ends_the_connection_is_reported_and_the_others_arrive() {
    let script = Script::default().on("EXAMINE", |command| match command.arguments.contains("INBOX") {
        true => Answer::SendAndClose(b"* BYE locked\r\n".to_vec()),
        false => Answer::Usual,
    });
    let (server, mut rig) = serve(3, script);
    rig.settings.patience = Duration::from_secs(60);
    let report = rig.import().await;
    assert_eq!(report.error, None);
    assert_eq!((report.verdict, report.totals.imported), (Verdict::Incomplete, 2), "{report:#?}");
    let exception = &report.exceptions[0];
    assert_eq!((exception.folder.as_str(), exception.class.as_str()), ("INBOX", "folder_unavailable"));
    assert!(exception.retryable);
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_up_after_each_login_ends_the_import_when_the_patience_is_over() {
    let folders = ('a'..='m').map(|name| Folder::new(&name.to_string(), messages(1))).collect();
    let script = Script::default().on("EXAMINE", |_| Answer::SendAndClose(b"* BYE come again\r\n".to_vec()));
    let (server, mut rig) = serve_folders(folders, script);
    rig.settings.patience = Duration::from_secs(3);
    let report = rig.import().await;
    assert_eq!(report.error.unwrap().class, "connect");
    assert!(server.connections() < 12, "{}", server.connections());
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_refused_for_the_moment_is_asked_for_after_a_pause() {
    let first = std::sync::OnceLock::new();
    let script = Script::default().on("EXAMINE", move |_| {
        match first.get_or_init(std::time::Instant::now).elapsed() < Duration::from_millis(500) {
            true => Answer::text("{tag} NO [UNAVAILABLE] soon\r\n"),
            false => Answer::Usual,
        }
    });
    let (server, mut rig) = serve_folders(vec![Folder::new("INBOX", messages(3))], script);
    rig.settings.connections = 1;
    let report = rig.import_all().await;
    assert_eq!(report.totals.imported, 3);
    // The pauses are half a second and one second, a quarter less at the least.
    let asked = server.commands().iter().filter(|command| command.name == "EXAMINE").count();
    assert!(asked <= 4, "{asked}");
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_that_are_not_told_again_cost_nothing_but_their_news() {
    let listed = AtomicU32::new(0);
    let script = Script::default().on("UID FETCH", move |command| {
        // Two folders: two listings, and after them the flags as they are then.
        match is_listing(command)
            && command.connection == 1
            && listed.fetch_add(1, Ordering::Relaxed) % 2 == 1
        {
            true => Answer::text("{tag} NO not now\r\n"),
            false => Answer::Usual,
        }
    });
    let (server, mut rig) = serve(3, script);
    rig.settings.connections = 1;
    let report = rig.import_all().await;
    assert_eq!(report.totals.imported, 5);
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_lost_before_a_message_was_asked_for_blame_no_message() {
    let fetches = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&fetches);
    let failures = AtomicU32::new(0);
    let script = Script::default()
        .on("UID FETCH", move |command| {
            if is_listing(command) || seen.swap(true, Ordering::SeqCst) {
                return Answer::Usual;
            }
            Answer::SendAndClose(Vec::new())
        })
        .on("EXAMINE", move |_| {
            match fetches.load(Ordering::SeqCst) && failures.fetch_add(1, Ordering::SeqCst) < 5 {
                true => Answer::SendAndClose(Vec::new()),
                false => Answer::Usual,
            }
        });
    let (server, mut rig) = serve_folders(vec![Folder::new("INBOX", messages(1))], script);
    rig.settings.connections = 1;
    rig.settings.patience = Duration::from_secs(60);
    let report = rig.import_all().await;
    assert_eq!(report.totals.imported, 1);
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_told_twice_arrives_once_and_whole() {
    let mut odd = messages(5);
    let one = |uid: u32, body: &str| {
        format!(
            "{uid} FETCH (UID {uid} FLAGS () RFC822.SIZE {} BODY[] {{{}}}\r\n{body})",
            body.len(),
            body.len()
        )
    };
    let body = String::from_utf8(odd[2].bytes.clone()).unwrap();
    let again = one(3, "Subject: another\r\n\r\nand longer than the first\r\n");
    let twice = format!("{}\r\n* {again}\r\n* 3 FETCH (UID 3 FLAGS ())", one(3, &body));
    odd[2].internal_date = 0;
    odd[2].response = Some(twice.into_bytes());
    let (server, rig) = serve_folders(vec![Folder::new("INBOX", odd)], Script::default());
    let report = rig.import_all().await;
    assert_eq!(report.totals.imported, 5, "{report:#?}");
    assert_eq!(bodies(&rig), messages(5).into_iter().map(|message| message.bytes).collect::<Vec<_>>());
    rig.assert_clean();
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_uidvalidity_for_each_connection_is_no_reason_to_connect_for_ever() {
    let script = Script::default().on("EXAMINE", |command| {
        let answer =
            "* 1200 EXISTS\r\n* OK [UIDVALIDITY {n}] x\r\n* OK [UIDNEXT 1201] x\r\n{tag} OK done\r\n";
        Answer::text(&answer.replace("{n}", &command.connection.to_string()))
    });
    let script = script.on("UID FETCH", |command| {
        // Time enough for the other connection to try again and again, if it did.
        if !is_listing(command) {
            std::thread::sleep(Duration::from_millis(20));
        }
        fetched(command, 1_200)
    });
    let (server, rig) = serve_folders(vec![Folder::new("INBOX", messages(1_200))], script);
    let report = rig.import().await;
    assert!(server.connections() <= 6, "{}", server.connections());
    assert_eq!(report.totals.imported, 1_200, "{:?}", report.error);
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_does_not_wait_for_a_server_that_is_silent() {
    let gate = Gate::default();
    let waiting = gate.clone();
    let asked = Arc::new(tokio::sync::Notify::new());
    let tell = Arc::clone(&asked);
    let script = Script::default().on("EXAMINE", move |_| {
        tell.notify_one();
        waiting.wait();
        Answer::Usual
    });
    let (server, rig) = serve(3, script);
    let cancel = rig.cancel.clone();
    let (report, ()) =
        tokio::join!(tokio::time::timeout(Duration::from_secs(30), rig.import()), async move {
            asked.notified().await;
            cancel.cancel();
        });
    gate.open();
    assert_eq!(report.unwrap().error.unwrap().class, "interrupted");
    server.finish();
}

/// A ledger that cannot write the rows of one folder.
struct Faulty(&'static str, Mutex<HashSet<EpochId>>);

impl Tamper for Faulty {
    fn opened(&self, epoch: EpochId, folder: &WireName) {
        if folder.as_bytes() == self.0.as_bytes() {
            self.1.lock().unwrap().insert(epoch);
        }
    }

    fn recording(
        &self,
        epoch: EpochId,
        messages: Vec<MessageRecord>,
    ) -> Result<Vec<MessageRecord>, LedgerError> {
        if self.1.lock().unwrap().contains(&epoch) && !messages.is_empty() {
            return Err(LedgerError::Storage { action: "written", reason: "no space".into() });
        }
        Ok(messages)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_in_one_folder_ends_the_copy_of_another_one_soon_and_by_its_own_name() {
    // INBOX is copied by two connections and waits at the gate until the third one has failed.
    let gate = Gate::default();
    let waiting = gate.clone();
    let script = Script::default().on("UID FETCH", move |command| {
        if command.connection == 1 && !is_listing(command) && command.count > 6 {
            waiting.wait();
        }
        Answer::Usual
    });
    let folders = vec![Folder::new("INBOX", messages(3_000)), Folder::new("Other", messages(2))];
    let (server, mut rig) = serve_folders(folders, script);
    rig.settings.connections = 3;
    let ledger = Tampered::open(&rig.state(), Faulty("Other", Mutex::default())).await;
    let report = tokio::time::timeout(Duration::from_secs(60), rig.run_with(Work::Import, &ledger)).await;
    gate.open();
    let report = report.unwrap();
    assert_eq!(report.error.as_ref().map(|error| error.class.as_str()), Some("ledger"), "{report:#?}");
    assert_balanced(&report);
    drop(ledger);
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_mail_is_not_doubled_after_the_ledger_was_lost() {
    let script = Script::default().on("UID FETCH", |command| fetched(command, 3));
    let mut all = Folder::new("All", messages(3));
    all.attributes.push("\\All".to_owned());
    let mut account = VirtualAccount::new(vec![Folder::new("INBOX", messages(3)), all]);
    account.capability.push_str(" X-GM-EXT-1 SPECIAL-USE");
    let server = Scripted::start(account, script).unwrap();
    let mut rig = Rig::start();
    rig.source = server.addr();
    let report = rig.import_all().await;
    assert_eq!((report.totals.imported, report.totals.skipped), (3, 3), "{report:#?}");
    std::fs::remove_file(rig.state()).unwrap();
    let report = rig.import_all().await;
    let totals = report.totals;
    assert_eq!((totals.imported, totals.already_there, totals.skipped), (0, 3, 3), "{report:#?}");
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_counts_a_folder_that_the_customer_removed() {
    let (server, rig) = serve(3, Script::default());
    rig.import_all().await;
    rig.bob().command("DELETE Other").unwrap();
    let report = rig.verify().await;
    assert_balanced(&report);
    assert_eq!((report.totals.already_there, report.totals.removed_by_user), (3, 2), "{report:#?}");
    assert!(report.exceptions.is_empty());
    assert!(report.differences.unwrap().iter().any(|difference| difference.class == "folder_missing"));
    // And it does not come back.
    let report = rig.import_all().await;
    assert_eq!((report.totals.imported, report.totals.removed_by_user), (0, 2));
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_brought_before_the_folder_was_numbered_anew_counts_as_imported() {
    let script = Script::default()
        .on("EXAMINE", |command| {
            let answer =
                "* 300 EXISTS\r\n* OK [UIDVALIDITY {n}] x\r\n* OK [UIDNEXT 301] x\r\n{tag} OK done\r\n";
            Answer::text(&answer.replace("{n}", &command.connection.to_string()))
        })
        .on("UID FETCH", |command| {
            match command.connection == 1 && command.arguments.starts_with("201:300 ") {
                true => Answer::SendAndClose(Vec::new()),
                false => fetched(command, 300),
            }
        });
    let (server, mut rig) = serve_folders(vec![Folder::new("INBOX", messages(300))], script);
    rig.settings.connections = 1;
    let heard = crate::progress::listen(&mut rig);
    let report = rig.import_all().await;
    assert_eq!((report.totals.imported, report.totals.already_there), (300, 0));
    // Nor does whoever listens count them twice.
    assert_eq!(heard.folders()[0].messages, 300);
    assert_eq!(bodies(&rig).len(), 300);
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_the_list_of_folders_that_makes_no_sense_spoils_the_verdict() {
    let script = Script::default()
        .on("LIST", |_| Answer::SendThenUsual(b"* LIST (\\HasNoChildren \"/\" Lost\r\n".to_vec()));
    let (server, rig) = serve(3, script);
    let report = rig.import().await;
    assert_eq!((report.verdict, report.totals.imported), (Verdict::Incomplete, 5), "{report:#?}");
    assert_eq!(report.exceptions[0].class, "unlisted");
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_that_is_silent_does_not_let_the_other_pile_up_the_folder() {
    let gate = Gate::default();
    let waiting = gate.clone();
    // So big that each message is fetched by a command of its own.
    let script = Script::default()
        .on("STATUS", |_| {
            Answer::text(
                "* STATUS INBOX (MESSAGES 300 UIDNEXT 301 UIDVALIDITY 1 SIZE 30000000000)\r\n{tag} OK done\r\n",
            )
        })
        .on("UID FETCH", move |command| {
            if command.connection == 1 && !is_listing(command) {
                waiting.wait();
            }
            Answer::Usual
        });
    let mut account = VirtualAccount::new(vec![Folder::new("INBOX", messages(300))]);
    account.capability.push_str(" STATUS=SIZE");
    let server = Scripted::start(account, script).unwrap();
    let mut rig = Rig::start();
    rig.source = server.addr();
    let others = || {
        let bodies = |command: &&Command| command.connection != 1 && command.name == "UID FETCH";
        server.commands().iter().filter(bodies).count()
    };
    let watch = async {
        while others() < 32 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // A slow machine can only make this miss a fault, never see one that is not there.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let count = others();
        gate.open();
        count
    };
    let (report, ahead) = tokio::join!(rig.import_all(), watch);
    assert!((32..=64).contains(&ahead), "{ahead}");
    assert_eq!(report.totals.imported, 300);
    assert!(others() > ahead, "the other connection goes on afterwards");
    assert_eq!(bodies(&rig), messages(300).into_iter().map(|message| message.bytes).collect::<Vec<_>>());
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn big_messages_are_fetched_few_at_a_time_whatever_the_server_tells_of_sizes() {
    let big: Vec<_> = (1..=6).map(|uid| Message::new(uid, &vec![b'a'; 6 << 20])).collect();
    let (server, rig) = serve_folders(vec![Folder::new("INBOX", big)], Script::default());
    rig.import_all().await;
    let commands = server.commands();
    let fetches = commands.iter().filter(|c| c.name == "UID FETCH" && c.arguments.contains("BODY.PEEK[]"));
    assert_eq!(fetches.count(), 3);
    server.finish();
}
