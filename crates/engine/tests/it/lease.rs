//! An import that is somebody else's by now changes nothing more at the destination.

use std::sync::atomic::{AtomicI64, Ordering};

use engine::ledger::{
    AccountId, AccountKey, AccountRecord, Epoch, EpochId, Intent, IntentId, Ledger, LedgerError,
    MessageRecord, OpenIntent, Seen,
};
use engine::report::{Report, Side};
use imap::{Uid, UidValidity, WireName};
use store::Store;
use testkit::factory;
use testkit::judge::Mapping;

use crate::rig::{Rig, Work};

/// A ledger whose lease is lost when it has been asked so often.
struct Leased {
    store: Store,
    left: AtomicI64,
}

impl Leased {
    async fn lost_after(rig: &Rig, questions: i64) -> Leased {
        let store = Store::open_file(&rig.state(), None).await.unwrap();
        Leased { store, left: AtomicI64::new(questions) }
    }

    fn holds(&self) -> Result<(), LedgerError> {
        if self.left.load(Ordering::SeqCst) > 0 { Ok(()) } else { Err(LedgerError::LeaseLost) }
    }
}

impl Ledger for Leased {
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
        self.holds()?;
        self.store.finish_pass(epoch, seen).await
    }
    async fn record(&self, epoch: EpochId, messages: &[MessageRecord]) -> Result<(), LedgerError> {
        if !messages.is_empty() {
            self.holds()?;
        }
        self.store.record(epoch, messages).await
    }
    async fn still_ours(&self) -> Result<(), LedgerError> {
        self.left.fetch_sub(1, Ordering::SeqCst);
        self.holds()
    }
    async fn begin_batch(&self, epoch: EpochId, intent: &Intent) -> Result<IntentId, LedgerError> {
        self.holds()?;
        self.store.begin_batch(epoch, intent).await
    }
    async fn end_batch(
        &self,
        epoch: EpochId,
        intent: IntentId,
        messages: &[MessageRecord],
    ) -> Result<(), LedgerError> {
        self.holds()?;
        self.store.end_batch(epoch, intent, messages).await
    }
    async fn open_intents(&self, destination: &str) -> Result<Vec<OpenIntent>, LedgerError> {
        self.store.open_intents(destination).await
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

async fn import_until_lost(rig: &Rig, questions: i64) -> Report {
    let ledger = Leased::lost_after(rig, questions).await;
    let report = rig.run_with(Work::Import, &ledger).await;
    ledger.store.close().await.unwrap();
    let error = report.error.as_ref().unwrap();
    assert_eq!((error.side, error.class.as_str()), (Side::Internal, "lease_lost"), "{report:#?}");
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_delivered_once_the_lease_is_lost_and_the_heir_brings_all() {
    let rig = Rig::start();
    let content = factory::generated_2000();
    rig.server.write_account("alice", &content).unwrap();
    import_until_lost(&rig, 1).await;
    assert_eq!(rig.files().len(), 0);
    rig.assert_clean();
    // In the middle: what is there stays, is complete, and is no hindrance.
    import_until_lost(&rig, 6).await;
    let there = rig.files().len();
    assert!(there > 0 && there < content.messages(), "{there}");
    rig.assert_clean();
    rig.import_all().await;
    assert_eq!(rig.files().len(), content.messages());
    rig.judge(&Mapping::identity().rename("Gesendete Objekte", "Sent"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_flag_is_changed_once_the_lease_is_lost() {
    let rig = Rig::start();
    rig.server.write_account("alice", &factory::generated_small()).unwrap();
    rig.import_all().await;
    let mut alice = rig.alice();
    alice.select("INBOX").unwrap();
    alice.command("UID STORE 1:* +FLAGS.SILENT (\\Flagged)").unwrap();
    let before = rig.files();
    import_until_lost(&rig, 1).await;
    assert_eq!(rig.files(), before);
    rig.import_all().await;
    assert_ne!(rig.files(), before, "the test would show nothing if there were nothing to change");
    rig.judge(&Mapping::identity());
}
