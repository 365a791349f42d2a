//! Exactly once, whatever happens between the server and the ledger.

use std::sync::atomic::{AtomicU32, Ordering};

use engine::ledger::{
    AccountId, AccountKey, AccountRecord, Epoch, EpochId, Intent, IntentId, Ledger, LedgerError,
    MessageRecord, OpenIntent, Seen,
};
use engine::report::Verdict;
use imap::{Uid, UidValidity, WireName};
use store::Store;
use testkit::factory;
use testkit::judge::{Kind, Mapping};
use testkit::proxy::{Ending, Often, Proxy};
use testkit::server::MailFormat;

use super::rig::Rig;

/// A small generator of numbers; the seed is printed, so that a failure can be repeated with `MAILIMPORT_SEED`.
struct Random(u64);

impl Random {
    fn new() -> Random {
        let given = std::env::var("MAILIMPORT_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| u64::from(std::process::id()) * 7_919 + 1);
        eprintln!("MAILIMPORT_SEED={seed}");
        Random(seed)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

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
    let mut random = Random::new();
    for round in 0..10 {
        let format = [MailFormat::Maildir, MailFormat::Sdbox, MailFormat::Mdbox][round % 3];
        let octets = random.below(SENT) + 1_000;
        assert_eq!(cut(sent, octets, Often::Once, format).await, Verdict::Complete, "after {octets}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_once_at_random_octets_that_were_received() {
    let mut random = Random::new();
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
    store: Store,
    /// So many batches are recorded first.
    left: AtomicU32,
    /// Whether it remembers what was intended.
    remembers: bool,
}

impl Dying {
    async fn after(rig: &Rig, batches: u32) -> Dying {
        let store = Store::open_file(&rig.state(), None).await.unwrap();
        Dying { store, left: AtomicU32::new(batches), remembers: true }
    }
}

impl Ledger for Dying {
    async fn account(&self, key: &AccountKey, now: i64) -> Result<AccountRecord, LedgerError> {
        self.store.account(key, now).await
    }
    async fn epochs(&self, account: AccountId) -> Result<Vec<Epoch>, LedgerError> {
        self.store.epochs(account).await
    }
    async fn open_epoch(
        &self,
        id: AccountId,
        name: &WireName,
        validity: UidValidity,
    ) -> Result<Epoch, LedgerError> {
        self.store.open_epoch(id, name, validity).await
    }
    async fn finish_pass(&self, epoch: EpochId, seen: &Seen) -> Result<(), LedgerError> {
        self.store.finish_pass(epoch, seen).await
    }
    async fn record(&self, epoch: EpochId, messages: &[MessageRecord]) -> Result<(), LedgerError> {
        self.store.record(epoch, messages).await
    }
    async fn begin_batch(&self, epoch: EpochId, intent: &Intent) -> Result<IntentId, LedgerError> {
        self.store.begin_batch(epoch, intent).await
    }
    async fn end_batch(
        &self,
        epoch: EpochId,
        intent: IntentId,
        messages: &[MessageRecord],
    ) -> Result<(), LedgerError> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match left {
            Ok(_) => self.store.end_batch(epoch, intent, messages).await,
            Err(_) => Err(LedgerError::Storage { action: "written", reason: "died".into() }),
        }
    }
    async fn open_intents(&self, destination: &str) -> Result<Vec<OpenIntent>, LedgerError> {
        if self.remembers { self.store.open_intents(destination).await } else { Ok(Vec::new()) }
    }
    async fn messages(
        &self,
        id: EpochId,
        after: Option<Uid>,
        limit: usize,
    ) -> Result<Vec<MessageRecord>, LedgerError> {
        self.store.messages(id, after, limit).await
    }
}

/// An account in which the same message is there twice, and an import that dies after so many batches.
async fn died_after(batches: u32) -> Rig {
    let rig = Rig::within_dovecot(MailFormat::Sdbox);
    let mut spec = factory::generated_small();
    for folder in &mut spec.folders {
        let twin = folder.messages[0].clone();
        folder.messages.push(twin);
    }
    rig.old.write_account("alice", &spec).unwrap();
    let ledger = Dying::after(&rig, batches).await;
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
        let rig = died_after(batches).await;
        let report = rig.import_all().await;
        assert!(report.totals.already_there > 0, "{report:#?}");
        rig.judge(&Mapping::identity());
        rig.nothing_new().await;
    }
}

/// The control: whoever does not look at what was intended doubles it, and the judge notices.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_intent_messages_are_doubled_and_the_judge_notices() {
    let rig = died_after(0).await;
    let ledger = Dying { remembers: false, ..Dying::after(&rig, u32::MAX).await };
    rig.run_with(&ledger, false).await;
    assert!(rig.verdict(&Mapping::identity()).has(Kind::Extra));
}

/// The folder was numbered anew since the batch was noted: everything in it is looked at.
#[tokio::test(flavor = "multi_thread")]
async fn another_uidvalidity_at_the_destination_does_not_hide_what_arrived() {
    let rig = died_after(0).await;
    let change = "UPDATE intent SET uid_validity = uid_validity + 1, uid_next = 4000000000";
    let status = std::process::Command::new("sqlite3").arg(rig.state()).arg(change).status().unwrap();
    assert!(status.success());
    rig.import_all().await;
    rig.judge(&Mapping::identity());
}
