//! Servers that lie, servers that are broken, and servers that mean harm: one row of a table for each thing that they do.
//!
//! Whatever one message, one folder's name or one answer holds, it costs at most itself. The rest arrives byte for byte, what
//! did not is reported under its class, the numbers balance, a second run copies nothing, and nothing is written
//! outside the mailbox.

mod commands;
mod connection;
mod content;
mod drops;
mod floods;
mod literals;
mod login;
mod names;
mod tls;
mod uids;
mod uidvalidity;

use std::time::Duration;

use engine::report::{Report, Verdict};
use testkit::scripted::{Answer, Command, Folder, Message, Script, Scripted, VirtualAccount};

use crate::rig::{Rig, assert_balanced};
use crate::servers::{assert_holds, folder};

/// Messages of INBOX; the third is the odd one.
const MESSAGES: u32 = 5;
const ODD: u32 = 3;

fn text(uid: u32) -> String {
    format!("Subject: {uid}\r\n\r\nbody\r\n")
}

fn messages(count: u32) -> Vec<Message> {
    (1..=count).map(|uid| Message::new(uid, text(uid).as_bytes())).collect()
}

fn serve(folders: Vec<Folder>, script: Script) -> (Scripted, Rig) {
    let server = Scripted::start(VirtualAccount::new(folders), script).unwrap();
    let mut rig = Rig::start();
    rig.source = server.addr();
    impatient(&mut rig);
    (server, rig)
}

/// Who says nothing, or announces more than comes, is not waited for long.
fn impatient(rig: &mut Rig) {
    rig.settings.first_pause = Duration::from_millis(1);
    let timeouts = &mut rig.settings.client.timeouts;
    for timeout in [&mut timeouts.connect, &mut timeouts.tls, &mut timeouts.greeting, &mut timeouts.reply] {
        *timeout = Duration::from_secs(1);
    }
}

/// An ordinary message in an answer to FETCH.
fn ordinary(uid: u32, body: bool) -> String {
    let size = text(uid).len();
    let body = if body { format!(" BODY[] {{{size}}}\r\n{}", text(uid)) } else { String::new() };
    let date = "INTERNALDATE \"01-Jan-2020 00:00:00 +0000\"";
    format!("* {uid} FETCH (UID {uid} FLAGS () {date} RFC822.SIZE {size}{body})\r\n")
}

/// Answers FETCH for INBOX, and as `odd` says for the odd one; it is told whether the body is asked for.
fn fetches(odd: impl Fn(bool) -> String + Send + Sync + 'static) -> Script {
    Script::default().on("UID FETCH", move |command: &Command| {
        let Some((set, items)) = command.arguments.split_once(' ') else { return Answer::Usual };
        let set: imap::UidSet = set.replace('*', &MESSAGES.to_string()).parse().unwrap();
        let body = items.contains("BODY.PEEK[]");
        let uids = set.iter().map(|uid| uid.get()).filter(|uid| *uid <= MESSAGES);
        let answer: String =
            uids.map(|uid| if uid == ODD { odd(body) } else { ordinary(uid, body) }).collect();
        Answer::text(&format!("{answer}{{tag}} OK done\r\n"))
    })
}

/// Imports twice: the numbers balance each time, and the second run copies nothing that had arrived.
async fn twice(rig: &Rig) -> Report {
    let report = rig.import().await;
    assert!(report.error.is_none(), "{report:#?}");
    assert_balanced(&report);
    rig.assert_clean();
    let files = rig.files();
    let again = rig.import().await;
    assert_balanced(&again);
    assert_eq!(again.totals.imported, 0, "{again:#?}");
    assert_eq!(rig.files(), files);
    report
}

/// What the accounts hold of which no server in a table of refusals hands over a message.
fn account() -> VirtualAccount {
    VirtualAccount::new(vec![folder("INBOX", 3), folder("Work", 2)])
}

/// An import that ends before it has begun, again and again, into one and the same new mailbox.
struct Refusals {
    rig: Rig,
}

impl Refusals {
    fn begin() -> Refusals {
        let mut rig = Rig::start();
        impatient(&mut rig);
        rig.settings.client.timeouts.greeting = Duration::from_millis(300);
        rig.settings.client.timeouts.tls = Duration::from_millis(300);
        // What may heal by itself is not waited for.
        rig.settings.patience = Duration::ZERO;
        Refusals { rig }
    }

    /// The import ends with this class, in plain words, and nothing has arrived.
    async fn assert_ends(&mut self, what: &str, server: &Scripted, class: &str) -> Report {
        self.rig.source = server.addr();
        let report = self.rig.import().await;
        let stop = report.error.as_ref().unwrap_or_else(|| panic!("{what}: {report:#?}"));
        assert_eq!(
            (stop.class.as_str(), report.verdict),
            (class, Verdict::Incomplete),
            "{what}: {report:#?}"
        );
        let plain = stop.message.chars().all(|c| !c.is_control()) && stop.message.len() < 2_000;
        assert!(plain, "{what}: {:?}", stop.message);
        assert_balanced(&report);
        assert!(self.rig.files().is_empty(), "{what}");
        self.rig.assert_clean();
        report
    }

    /// Nothing of it was noted as imported: from a server that is well everything arrives.
    async fn end(mut self) {
        let well = Scripted::start(account(), Script::default()).unwrap();
        self.rig.source = well.addr();
        self.rig.security = imap::Security::Plaintext;
        self.rig.credentials = Rig::password();
        self.rig.import_all().await;
        assert_holds(&self.rig, "INBOX", "INBOX", 1..=3);
        assert_holds(&self.rig, "Work", "Work", 1..=2);
        twice_is_once(&self.rig).await;
        well.finish();
    }
}

/// One more import copies nothing and touches no file.
async fn twice_is_once(rig: &Rig) {
    crate::servers::assert_nothing_more_comes(rig).await;
}
