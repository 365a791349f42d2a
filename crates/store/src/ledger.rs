//! The ledger on the database: [`engine::ledger::Ledger`] for [`Store`].
//!
//! Each writing call is one transaction. No call waits for ever, whatever the server on the other side does.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::ledger::{
    AccountId, AccountKey, AccountRecord, Epoch, EpochId, Intent, IntentId, Ledger, LedgerError,
    MessageRecord, OpenIntent, Seen,
};
use imap::{Uid, UidValidity, WireName};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};

use crate::entity::{account, epoch, intent, message};
use crate::fault::{unreadable, unwritten};
use crate::jobs::Fence;
use crate::row::{
    account_key, epoch_record, folder_key, intent_row, message_record, message_row, open_intent, storable,
};
use crate::store::{Store, Writing};

/// Rows of one INSERT: 500 rows of 9 columns are 4,500 variables; SQLite takes 32,766, PostgreSQL 65,535.
const ROWS: usize = 500;

/// The longest a call may take. A server that has vanished without a word shows only by its silence.
const LIMIT: Duration = Duration::from_secs(300);

impl Ledger for Store {
    async fn account(&self, key: &AccountKey, now: i64) -> Result<AccountRecord, LedgerError> {
        within("written", self.found_account(None, key, now)).await
    }

    async fn epochs(&self, account: AccountId) -> Result<Vec<Epoch>, LedgerError> {
        let rows = epoch::Entity::find()
            .filter(epoch::Column::AccountId.eq(account.0))
            .order_by_asc(epoch::Column::Id)
            .all(self.reading());
        let rows = within("read", async { rows.await.map_err(unreadable) }).await?;
        rows.into_iter().map(epoch_record).collect()
    }

    async fn open_epoch(
        &self,
        account: AccountId,
        folder: &WireName,
        uid_validity: UidValidity,
    ) -> Result<Epoch, LedgerError> {
        within("written", self.make_current(None, account, folder, uid_validity)).await
    }

    async fn finish_pass(&self, epoch: EpochId, seen: &Seen) -> Result<(), LedgerError> {
        within("written", self.remember(None, epoch, seen)).await
    }

    async fn record(&self, epoch: EpochId, messages: &[MessageRecord]) -> Result<(), LedgerError> {
        within("written", self.upsert(None, epoch, messages)).await
    }

    async fn begin_batch(&self, epoch: EpochId, intent: &Intent) -> Result<IntentId, LedgerError> {
        within("written", self.intend(None, epoch, intent)).await
    }

    async fn end_batch(
        &self,
        epoch: EpochId,
        intent: IntentId,
        messages: &[MessageRecord],
    ) -> Result<(), LedgerError> {
        within("written", self.fulfil(None, epoch, intent, messages)).await
    }

    async fn open_intents(&self, destination: &str) -> Result<Vec<OpenIntent>, LedgerError> {
        within("read", self.unfulfilled(destination)).await
    }

    async fn messages(
        &self,
        epoch: EpochId,
        after: Option<Uid>,
        limit: usize,
    ) -> Result<Vec<MessageRecord>, LedgerError> {
        let rows = message::Entity::find()
            .filter(message::Column::EpochId.eq(epoch.0))
            .filter(message::Column::Uid.gt(after.map_or(0, |uid| i64::from(uid.get()))))
            .order_by_asc(message::Column::Uid)
            // More rows than a folder has UIDs are all rows; the databases' limit is a signed number.
            .limit(u64::try_from(limit).unwrap_or(u64::MAX).min(u64::from(u32::MAX)))
            .all(self.reading());
        let rows = within("read", async { rows.await.map_err(unreadable) }).await?;
        rows.into_iter().map(message_record).collect()
    }
}

impl Store {
    /// A transaction that writes; whoever works for a job writes only while the job is theirs.
    async fn writing_perhaps_fenced(&self, fence: Option<Fence>) -> Result<Writing<'_>, LedgerError> {
        match fence {
            Some(fence) => self.writing_fenced(fence).await,
            None => self.writing().await,
        }
    }

    pub(crate) async fn found_account(
        &self,
        fence: Option<Fence>,
        key: &AccountKey,
        now: i64,
    ) -> Result<AccountRecord, LedgerError> {
        let known = account::Entity::find()
            .filter(account::Column::KeyDigest.eq(account_key(&key.source, &key.destination)))
            .one(self.reading())
            .await
            .map_err(unreadable)?;
        if let Some(row) = known {
            return Ok(AccountRecord { id: AccountId(row.id), founded: row.founded });
        }
        let founded = account::ActiveModel {
            id: NotSet,
            key_digest: Set(account_key(&key.source, &key.destination)),
            source: Set(storable("source", &key.source)?.to_owned()),
            destination: Set(storable("destination", &key.destination)?.to_owned()),
            founded: Set(now),
        };
        let writing = self.writing_perhaps_fenced(fence).await?;
        // Two processes may found it at once: the second one finds what the first one founded.
        account::Entity::insert(founded)
            .on_conflict(OnConflict::column(account::Column::KeyDigest).do_nothing().to_owned())
            .exec_without_returning(&writing.transaction)
            .await
            .map_err(unwritten)?;
        let row = account::Entity::find()
            .filter(account::Column::KeyDigest.eq(account_key(&key.source, &key.destination)))
            .one(&writing.transaction)
            .await
            .map_err(unwritten)?
            .ok_or_else(|| unknown("the account that was just founded"))?;
        writing.commit().await?;
        Ok(AccountRecord { id: AccountId(row.id), founded: row.founded })
    }

    pub(crate) async fn make_current(
        &self,
        fence: Option<Fence>,
        account: AccountId,
        folder: &WireName,
        uid_validity: UidValidity,
    ) -> Result<Epoch, LedgerError> {
        let writing = self.writing_perhaps_fenced(fence).await?;
        let transaction = &writing.transaction;
        // The account's row is the lock that lets one epoch of a folder become current at a time (on PostgreSQL;
        // SQLite has one writer).
        account::Entity::find_by_id(account.0)
            .lock_exclusive()
            .one(transaction)
            .await
            .map_err(unwritten)?
            .ok_or_else(|| unknown(&format!("account {}", account.0)))?;
        epoch::Entity::update_many()
            .col_expr(epoch::Column::IsCurrent, Expr::value(false))
            .filter(epoch::Column::AccountId.eq(account.0))
            .filter(epoch::Column::FolderKey.eq(folder_key(folder)))
            .filter(epoch::Column::UidValidity.ne(i64::from(uid_validity.0)))
            .filter(epoch::Column::IsCurrent.eq(true))
            .exec(transaction)
            .await
            .map_err(unwritten)?;
        let row = find_or_insert(transaction, account, folder, uid_validity).await?;
        writing.commit().await?;
        epoch_record(row)
    }

    pub(crate) async fn remember(
        &self,
        fence: Option<Fence>,
        epoch: EpochId,
        seen: &Seen,
    ) -> Result<(), LedgerError> {
        let writing = self.writing_perhaps_fenced(fence).await?;
        let mod_seq = seen.highest_mod_seq.map(|number| number.0.cast_signed());
        let changed = epoch::Entity::update_many()
            .col_expr(epoch::Column::Listed, Expr::value(seen.listed.to_string()))
            .col_expr(epoch::Column::UidNext, Expr::value(seen.uid_next.map(|uid| i64::from(uid.get()))))
            .col_expr(epoch::Column::HighestModSeq, Expr::value(mod_seq))
            .filter(epoch::Column::Id.eq(epoch.0))
            .exec(&writing.transaction)
            .await
            .map_err(unwritten)?;
        if changed.rows_affected != 1 {
            return Err(unknown(&format!("epoch {}", epoch.0)));
        }
        writing.commit().await
    }

    pub(crate) async fn upsert(
        &self,
        fence: Option<Fence>,
        epoch: EpochId,
        messages: &[MessageRecord],
    ) -> Result<(), LedgerError> {
        if messages.is_empty() {
            return Ok(());
        }
        let writing = self.writing_perhaps_fenced(fence).await?;
        replace_rows(&writing.transaction, epoch, messages).await?;
        writing.commit().await
    }

    pub(crate) async fn intend(
        &self,
        fence: Option<Fence>,
        epoch: EpochId,
        intent: &Intent,
    ) -> Result<IntentId, LedgerError> {
        let row = intent_row(epoch, intent)?;
        let writing = self.writing_perhaps_fenced(fence).await?;
        let row = row.insert(&writing.transaction).await.map_err(unwritten)?;
        writing.commit().await?;
        Ok(IntentId(row.id))
    }

    pub(crate) async fn fulfil(
        &self,
        fence: Option<Fence>,
        epoch: EpochId,
        intent: IntentId,
        messages: &[MessageRecord],
    ) -> Result<(), LedgerError> {
        let writing = self.writing_perhaps_fenced(fence).await?;
        replace_rows(&writing.transaction, epoch, messages).await?;
        intent::Entity::delete_by_id(intent.0).exec(&writing.transaction).await.map_err(unwritten)?;
        writing.commit().await
    }

    async fn unfulfilled(&self, destination: &str) -> Result<Vec<OpenIntent>, LedgerError> {
        let mut open = Vec::new();
        let rows = intent::Entity::find().order_by_asc(intent::Column::Id).all(self.reading()).await;
        for row in rows.map_err(unreadable)? {
            let epoch =
                epoch::Entity::find_by_id(row.epoch_id).one(self.reading()).await.map_err(unreadable)?;
            let Some(epoch) = epoch else { continue };
            let account = account::Entity::find_by_id(epoch.account_id)
                .one(self.reading())
                .await
                .map_err(unreadable)?;
            if account.is_some_and(|account| account.destination == destination) {
                open.push(open_intent(AccountId(epoch.account_id), row)?);
            }
        }
        Ok(open)
    }
}

/// Writes rows in place of those of the same UID.
async fn replace_rows(
    transaction: &DatabaseTransaction,
    epoch: EpochId,
    messages: &[MessageRecord],
) -> Result<(), LedgerError> {
    // By UID: the last of several rows of one UID counts (PostgreSQL refuses to replace a row twice in one
    // statement), and calls side by side take their locks in the same order.
    let latest: BTreeMap<Uid, &MessageRecord> = messages.iter().map(|record| (record.uid, record)).collect();
    let rows = latest.values().map(|record| message_row(epoch, record)).collect::<Result<Vec<_>, _>>()?;
    let replace = OnConflict::columns([message::Column::EpochId, message::Column::Uid])
        .update_columns([
            message::Column::State,
            message::Column::Identity,
            message::Column::Size,
            message::Column::Digest,
            message::Column::Flags,
            message::Column::ObjectId,
            message::Column::Cause,
        ])
        .to_owned();
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        message::Entity::insert_many(rows.by_ref().take(ROWS))
            .on_conflict(replace.clone())
            .exec_without_returning(transaction)
            .await
            .map_err(unwritten)?;
    }
    Ok(())
}

/// The epoch's row, current, with the folder's name as the server writes it now.
async fn find_or_insert(
    transaction: &DatabaseTransaction,
    account: AccountId,
    folder: &WireName,
    uid_validity: UidValidity,
) -> Result<epoch::Model, LedgerError> {
    let known = epoch::Entity::find()
        .filter(epoch::Column::AccountId.eq(account.0))
        .filter(epoch::Column::FolderKey.eq(folder_key(folder)))
        .filter(epoch::Column::UidValidity.eq(i64::from(uid_validity.0)))
        .one(transaction)
        .await
        .map_err(unwritten)?;
    if let Some(row) = known {
        if row.is_current && row.folder == folder.as_bytes() {
            return Ok(row);
        }
        let mut row = row.into_active_model();
        row.is_current = Set(true);
        row.folder = Set(folder.as_bytes().to_vec());
        return row.update(transaction).await.map_err(unwritten);
    }
    let row = epoch::ActiveModel {
        id: NotSet,
        account_id: Set(account.0),
        folder_key: Set(folder_key(folder)),
        folder: Set(folder.as_bytes().to_vec()),
        uid_validity: Set(i64::from(uid_validity.0)),
        is_current: Set(true),
        listed: Set(None),
        uid_next: Set(None),
        highest_mod_seq: Set(None),
    };
    row.insert(transaction).await.map_err(unwritten)
}

pub(crate) async fn within<T>(
    action: &'static str,
    call: impl Future<Output = Result<T, LedgerError>>,
) -> Result<T, LedgerError> {
    match tokio::time::timeout(LIMIT, call).await {
        Ok(result) => result,
        Err(_) => Err(LedgerError::Storage {
            action,
            reason: format!("the database gave no answer for {} s", LIMIT.as_secs()),
        }),
    }
}

fn unknown(what: &str) -> LedgerError {
    LedgerError::Storage { action: "written", reason: format!("{what} is not in it") }
}
