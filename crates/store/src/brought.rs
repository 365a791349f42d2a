//! How many messages of each folder the ledger calls imported: what a run that was interrupted brought so far.

use std::collections::HashMap;

use engine::ledger::{AccountKey, LedgerError};
use imap::WireName;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::entity::{account, epoch, message};
use crate::fault::unreadable;
use crate::row::account_key;
use crate::store::Store;

impl Store {
    /// Imported messages by folder, in each folder's current epoch; nothing for an account that was never imported.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Storage`] when the database failed.
    pub async fn imported_by_folder(&self, key: &AccountKey) -> Result<Vec<(WireName, u64)>, LedgerError> {
        let account = account::Entity::find()
            .filter(account::Column::KeyDigest.eq(account_key(&key.source, &key.destination)))
            .one(self.reading())
            .await
            .map_err(unreadable)?;
        let Some(account) = account else { return Ok(Vec::new()) };
        let epochs = epoch::Entity::find()
            .filter(epoch::Column::AccountId.eq(account.id))
            .filter(epoch::Column::IsCurrent.eq(true))
            .all(self.reading())
            .await
            .map_err(unreadable)?;
        let ids: Vec<i64> = epochs.iter().map(|epoch| epoch.id).collect();
        let mut counts: HashMap<i64, i64> = HashMap::new();
        for part in ids.chunks(500) {
            let rows: Vec<(i64, i64)> = message::Entity::find()
                .select_only()
                .column(message::Column::EpochId)
                .column_as(Expr::col(message::Column::Uid).count(), "count")
                .filter(message::Column::EpochId.is_in(part.to_vec()))
                .filter(message::Column::State.eq("imported"))
                .group_by(message::Column::EpochId)
                .into_tuple()
                .all(self.reading())
                .await
                .map_err(unreadable)?;
            counts.extend(rows);
        }
        let brought = |epoch: epoch::Model| {
            let count = counts.get(&epoch.id).copied().unwrap_or(0).cast_unsigned();
            (WireName::new(epoch.folder), count)
        };
        Ok(epochs.into_iter().map(brought).collect())
    }
}
