//! A ledger on a real database that a test interferes with.

use std::path::Path;

use engine::ledger::{
    AccountId, AccountKey, AccountRecord, Epoch, EpochId, Intent, IntentId, Ledger, LedgerError,
    MessageRecord, OpenIntent, Seen,
};
use imap::{Uid, UidValidity, WireName};
use store::Store;

/// What a test does to the calls of an import; nothing, unless it says so.
pub(crate) trait Tamper: Send + Sync {
    /// A folder has this epoch.
    fn opened(&self, epoch: EpochId, folder: &WireName) {
        let _ = (epoch, folder);
    }
    /// Asked whether the work is still ours.
    fn asked(&self) -> Result<(), LedgerError> {
        Ok(())
    }
    /// Before a pass is remembered.
    fn finishing(&self) -> Result<(), LedgerError> {
        Ok(())
    }
    /// Before rows are written: those that are written in their place.
    fn recording(
        &self,
        epoch: EpochId,
        messages: Vec<MessageRecord>,
    ) -> Result<Vec<MessageRecord>, LedgerError> {
        let _ = epoch;
        Ok(messages)
    }
    /// Before the end of a batch.
    fn ending(&self) -> Result<(), LedgerError> {
        Ok(())
    }
    /// Whether it tells what was intended.
    fn remembers(&self) -> bool {
        true
    }
}

/// The ledger.
pub(crate) struct Tampered<T> {
    pub(crate) store: Store,
    tamper: T,
}

impl<T> Tampered<T> {
    pub(crate) async fn open(path: &Path, tamper: T) -> Tampered<T> {
        Tampered { store: Store::open_file(path, None).await.unwrap(), tamper }
    }
}

impl<T: Tamper> Ledger for Tampered<T> {
    async fn account(&self, key: &AccountKey, now: i64) -> Result<AccountRecord, LedgerError> {
        self.store.account(key, now).await
    }
    async fn epochs(&self, account: AccountId) -> Result<Vec<Epoch>, LedgerError> {
        self.store.epochs(account).await
    }
    async fn open_epoch(
        &self,
        account: AccountId,
        folder: &WireName,
        uid_validity: UidValidity,
    ) -> Result<Epoch, LedgerError> {
        let epoch = self.store.open_epoch(account, folder, uid_validity).await?;
        self.tamper.opened(epoch.id, folder);
        Ok(epoch)
    }
    async fn finish_pass(&self, epoch: EpochId, seen: &Seen) -> Result<(), LedgerError> {
        self.tamper.finishing()?;
        self.store.finish_pass(epoch, seen).await
    }
    async fn record(&self, epoch: EpochId, messages: &[MessageRecord]) -> Result<(), LedgerError> {
        let messages = self.tamper.recording(epoch, messages.to_vec())?;
        self.store.record(epoch, &messages).await
    }
    async fn still_ours(&self) -> Result<(), LedgerError> {
        self.tamper.asked()
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
        self.tamper.ending()?;
        let messages = self.tamper.recording(epoch, messages.to_vec())?;
        self.store.end_batch(epoch, intent, &messages).await
    }
    async fn open_intents(&self, destination: &str) -> Result<Vec<OpenIntent>, LedgerError> {
        if self.tamper.remembers() { self.store.open_intents(destination).await } else { Ok(Vec::new()) }
    }
    async fn messages(
        &self,
        epoch: EpochId,
        after: Option<Uid>,
        limit: usize,
    ) -> Result<Vec<MessageRecord>, LedgerError> {
        self.store.messages(epoch, after, limit).await
    }
}
