//! Exactly once, whatever happens between the server and the ledger.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use engine::ledger::{Ledger, LedgerError};
use engine::report::{Side, Verdict};
use testkit::factory;
use testkit::judge::{Kind, Mapping};
use testkit::proxy::{Ending, Often, Proxy};
use testkit::random::Random;
use testkit::server::MailFormat;

use super::rig::Rig;
use crate::ledger::{Tamper, Tampered};

/// What the small account takes on the wire, both ways together, is a little more than 300 kB.
const SENT: u64 = 320_000;

async fn cut(direction: fn(&Proxy, u64, Often), octets: u64, often: Often, format: MailFormat) -> Verdict {
    let mut rig = Rig::within_dovecot(format);
    rig.old.write_account("alice", &factory::generated_small()).unwrap();
    let proxy = Proxy::start(rig.destination).unwrap();
    rig.destination = proxy.addr();
    direction(&proxy, octets, often);
    let report = rig.import().await;
    proxy.heal();
    rig.import_all().await;
    let verdict = rig.verdict(&Mapping::identity());
    assert!(!verdict.has(Kind::Extra) && !verdict.has(Kind::Missing), "{octets} {often:?}: {verdict}");
    verdict_without_order(&rig);
    rig.nothing_new().await;
    report.verdict
}

/// What had to be sent again may stand after what was sent behind it.
fn verdict_without_order(rig: &Rig) {
    rig.judge(&Mapping::identity().ignoring(Kind::Order));
}

fn sent(proxy: &Proxy, octets: u64, often: Often) {
    proxy.cut_after_sent(octets, often, Ending::Reset);
}

fn received(proxy: &Proxy, octets: u64, often: Often) {
    proxy.cut_after(octets, often, Ending::Reset);
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_once_at_random_octets_that_were_sent() {
    let mut random = Random::seeded();
    for round in 0..10 {
        let format = [MailFormat::Maildir, MailFormat::Sdbox, MailFormat::Mdbox][round % 3];
        let octets = random.below(SENT) + 1_000;
        assert_eq!(cut(sent, octets, Often::Once, format).await, Verdict::Complete, "after {octets}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_once_at_random_octets_that_were_received() {
    let mut random = Random::seeded();
    for _ in 0..10 {
        // From log-in to the answers to APPEND. Who cannot log in the first time is not waited for.
        let octets = random.below(4_000) + 200;
        cut(received, octets, Often::Once, MailFormat::Sdbox).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_again_and_again_what_fits_between_two_cuts_arrives() {
    cut(sent, 60_000, Often::Always, MailFormat::Sdbox).await;
}

/// A ledger that dies between what the server has saved and its row.
struct Dying {
    /// So many batches are recorded first.
    left: AtomicU32,
    /// Whether it remembers what was intended.
    remembers: bool,
}

impl Tamper for Dying {
    fn ending(&self) -> Result<(), LedgerError> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(|_| ()).map_err(|_| LedgerError::Storage { action: "written", reason: "died".into() })
    }

    fn remembers(&self) -> bool {
        self.remembers
    }
}

async fn dying(rig: &Rig, batches: u32, remembers: bool) -> Tampered<Dying> {
    Tampered::open(&rig.state(), Dying { left: AtomicU32::new(batches), remembers }).await
}

/// An account in which the same message is there twice, and an import that dies after so many batches.
async fn died_after(batches: u32, format: MailFormat) -> Rig {
    let rig = Rig::within_dovecot(format);
    let mut spec = factory::generated_small();
    for folder in &mut spec.folders {
        let twin = folder.messages[0].clone();
        folder.messages.push(twin);
    }
    rig.old.write_account("alice", &spec).unwrap();
    let ledger = dying(&rig, batches, true).await;
    let report = rig.run_with(&ledger, false).await;
    assert_eq!(report.error.map(|stop| stop.class).as_deref(), Some("ledger"));
    let key = format!("imap:bob@{}:{}", rig.destination.ip(), rig.destination.port());
    assert!(!ledger.store.open_intents(&key).await.unwrap().is_empty(), "nothing was intended: {key}");
    ledger.store.close().await.unwrap();
    rig
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_saved_and_not_recorded_is_found_and_not_sent_again() {
    for batches in 0..4 {
        let rig = died_after(batches, MailFormat::Sdbox).await;
        let report = rig.import_all().await;
        assert!(report.totals.already_there > 0, "{report:#?}");
        rig.judge(&Mapping::identity());
        rig.nothing_new().await;
    }
}

/// The control: whoever does not look at what was intended doubles it, and the judge notices.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_intent_messages_are_doubled_and_the_judge_notices() {
    let rig = died_after(0, MailFormat::Sdbox).await;
    let ledger = dying(&rig, u32::MAX, false).await;
    rig.run_with(&ledger, false).await;
    assert!(rig.verdict(&Mapping::identity()).has(Kind::Extra));
}

/// The folder was numbered anew since the batch was noted: everything in it is looked at.
#[tokio::test(flavor = "multi_thread")]
async fn another_uidvalidity_at_the_destination_does_not_hide_what_arrived() {
    let rig = died_after(0, MailFormat::Sdbox).await;
    let change = "UPDATE intent SET uid_validity = uid_validity + 1, uid_next = 4000000000";
    let status = std::process::Command::new("sqlite3").arg(rig.state()).arg(change).status().unwrap();
    assert!(status.success());
    rig.import_all().await;
    rig.judge(&Mapping::identity());
}

/// What lies there and cannot be read may be what was sent: nothing is sent until that is known.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_back_is_not_taken_for_missing() {
    let mut rig = died_after(0, MailFormat::Maildir).await;
    rig.settings.patience = Duration::from_secs(2);
    let files = messages_below(&rig.old.maildir("bob"));
    assert!(!files.is_empty());
    let all_may = |mode| {
        files.iter().for_each(|file| std::fs::set_permissions(file, Permissions::from_mode(mode)).unwrap());
    };
    all_may(0o000);
    let report = rig.import().await;
    assert_eq!(report.totals.imported, 0, "{report:#?}");
    assert_eq!(report.error.map(|stop| stop.side), Some(Side::Destination));
    assert_eq!(messages_below(&rig.old.maildir("bob")).len(), files.len(), "something was sent");
    all_may(0o600);
    rig.import_all().await;
    rig.judge(&Mapping::identity());
}

/// All files in `cur` and `new` of a Maildir++.
fn messages_below(root: &Path) -> Vec<PathBuf> {
    let entries = |directory: PathBuf| std::fs::read_dir(directory).into_iter().flatten().flatten();
    let folders = entries(root.to_owned()).map(|entry| entry.path()).chain([root.to_owned()]);
    let places = folders.flat_map(|folder| [folder.join("cur"), folder.join("new")]);
    places.flat_map(entries).map(|entry| entry.path()).filter(|path| path.is_file()).collect()
}
