//! The ledger in the hands of a worker: every writing call is fenced by the worker's lease.

use engine::ledger::{
    AccountId, AccountKey, AccountRecord, Epoch, EpochId, Intent, IntentId, Ledger, LedgerError,
    MessageRecord, OpenIntent, Seen,
};
use imap::{Uid, UidValidity, WireName};

use super::Lease;
use crate::ledger::within;
use crate::store::Store;

/// The ledger, as long as the lease holds; then every writing call is [`LedgerError::LeaseLost`].
#[derive(Debug, Clone, Copy)]
pub struct FencedLedger<'a> {
    store: &'a Store,
    lease: &'a Lease,
}

impl<'a> FencedLedger<'a> {
    /// The store's ledger for the holder of the lease.
    pub fn new(store: &'a Store, lease: &'a Lease) -> FencedLedger<'a> {
        FencedLedger { store, lease }
    }
}

impl Ledger for FencedLedger<'_> {
    async fn account(&self, key: &AccountKey, now: i64) -> Result<AccountRecord, LedgerError> {
        within("written", self.store.found_account(Some(self.lease.fence()), key, now)).await
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
        let fence = Some(self.lease.fence());
        within("written", self.store.make_current(fence, account, folder, uid_validity)).await
    }

    async fn finish_pass(&self, epoch: EpochId, seen: &Seen) -> Result<(), LedgerError> {
        within("written", self.store.remember(Some(self.lease.fence()), epoch, seen)).await
    }

    async fn record(&self, epoch: EpochId, messages: &[MessageRecord]) -> Result<(), LedgerError> {
        within("written", self.store.upsert(Some(self.lease.fence()), epoch, messages)).await
    }

    async fn begin_batch(&self, epoch: EpochId, intent: &Intent) -> Result<IntentId, LedgerError> {
        within("written", self.store.intend(Some(self.lease.fence()), epoch, intent)).await
    }

    async fn end_batch(
        &self,
        epoch: EpochId,
        intent: IntentId,
        messages: &[MessageRecord],
    ) -> Result<(), LedgerError> {
        within("written", self.store.fulfil(Some(self.lease.fence()), epoch, intent, messages)).await
    }

    async fn open_intents(&self, destination: &str) -> Result<Vec<OpenIntent>, LedgerError> {
        self.store.open_intents(destination).await
    }

    /// Renews the lease too, so that what follows has a whole lease's time before anybody else may begin.
    async fn still_ours(&self) -> Result<(), LedgerError> {
        match within("written", self.store.renew(self.lease)).await? {
            Some(_) => Ok(()),
            None => Err(LedgerError::LeaseLost),
        }
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
