//! What is to be done now and then, whoever asks: old passwords erased, secrets sealed with the newest key.

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use store::tables::{customer, entry, import};
use uuid::Uuid;

use crate::entries::{MAILBOX_PASSWORD, PASSWORD};
use crate::error::{Error, Result};
use crate::service::{Service, Transaction};
use crate::vault::Place;

/// Rows of one transaction.
const ROWS: u64 = 500;

impl Service {
    /// Does what is due. Cheap when nothing is; to be called every few minutes.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when the database failed.
    pub async fn maintain(&self) -> Result<()> {
        let runs = self.erase_old_secrets().await?;
        if runs > 0 {
            tracing::info!(runs, "passwords of finished runs were erased");
        }
        Ok(())
    }

    /// Seals with the newest key whatever an older one had sealed; says how many secrets. After it the older keys can be
    /// taken out of the key's file.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when a secret cannot be opened or the database failed.
    pub async fn reseal(&self) -> Result<u64> {
        let mut count = 0;
        let mut after = Uuid::nil();
        while let Some(last) = self.reseal_entries(after, &mut count).await? {
            after = last;
        }
        after = Uuid::nil();
        while let Some(last) = self.reseal_imports(after, &mut count).await? {
            after = last;
        }
        self.reseal_customers(&mut count).await?;
        Ok(count)
    }

    async fn reseal_entries(&self, after: Uuid, count: &mut u64) -> Result<Option<Uuid>> {
        let writing = self.writing().await?;
        let rows = entry::Entity::find()
            .filter(entry::Column::Id.gt(after))
            .order_by_asc(entry::Column::Id)
            .limit(ROWS)
            .all(writing.connection())
            .await?;
        let last = rows.last().map(|row| row.id);
        for row in rows {
            let place = |field| Place { customer: row.customer_id, row: row.id, field };
            let password = self.resealed(place(PASSWORD), row.password.as_ref())?;
            let mailbox_password = self.resealed(place(MAILBOX_PASSWORD), row.mailbox_password.as_ref())?;
            let mut changed = entry::ActiveModel { id: Set(row.id), ..Default::default() };
            let fresh = [password.is_some(), mailbox_password.is_some()];
            set(&mut changed.password, password);
            set(&mut changed.mailbox_password, mailbox_password);
            *count += save(fresh, changed, writing.connection()).await?;
        }
        writing.commit().await?;
        Ok(last)
    }

    async fn reseal_imports(&self, after: Uuid, count: &mut u64) -> Result<Option<Uuid>> {
        let writing = self.writing().await?;
        let rows = import::Entity::find()
            .filter(import::Column::Id.gt(after))
            .order_by_asc(import::Column::Id)
            .limit(ROWS)
            .all(writing.connection())
            .await?;
        let last = rows.last().map(|row| row.id);
        for row in rows {
            let place = |field| Place { customer: row.customer_id, row: row.id, field };
            let password = self.resealed(place(PASSWORD), row.password.as_ref())?;
            let mailbox_password = self.resealed(place(MAILBOX_PASSWORD), row.mailbox_password.as_ref())?;
            let mut changed = import::ActiveModel { id: Set(row.id), ..Default::default() };
            let fresh = [password.is_some(), mailbox_password.is_some()];
            set(&mut changed.password, password);
            set(&mut changed.mailbox_password, mailbox_password);
            *count += save(fresh, changed, writing.connection()).await?;
        }
        writing.commit().await?;
        Ok(last)
    }

    async fn reseal_customers(&self, count: &mut u64) -> Result<()> {
        let writing = self.writing().await?;
        let rows = customer::Entity::find()
            .filter(customer::Column::Totp.is_not_null())
            .all(writing.connection())
            .await?;
        for row in rows {
            let place = Place { customer: row.id, row: row.id, field: "totp" };
            let totp = self.resealed(place, row.totp.as_ref())?;
            let mut changed = customer::ActiveModel { id: Set(row.id), ..Default::default() };
            let fresh = [totp.is_some(), false];
            set(&mut changed.totp, totp);
            *count += save(fresh, changed, writing.connection()).await?;
        }
        writing.commit().await.map_err(Error::from)
    }

    /// The secret under the newest key, if it is under an older one.
    fn resealed(&self, place: Place, sealed: Option<&Vec<u8>>) -> Result<Option<Vec<u8>>> {
        let old = sealed.filter(|sealed| !self.inner.vault.is_current(sealed));
        let again = |sealed: &Vec<u8>| {
            let secret = self.inner.vault.unseal(place, sealed).map_err(Error::internal)?;
            Ok(self.inner.vault.seal(place, &secret))
        };
        old.map(again).transpose()
    }
}

fn set(column: &mut sea_orm::ActiveValue<Option<Vec<u8>>>, sealed: Option<Vec<u8>>) {
    if sealed.is_some() {
        *column = Set(sealed);
    }
}

/// Saves a row of which something was sealed anew; how many secrets.
async fn save<A>(fresh: [bool; 2], row: A, transaction: &Transaction) -> Result<u64>
where
    A: ActiveModelTrait + sea_orm::ActiveModelBehavior + Send,
    <A::Entity as EntityTrait>::Model: sea_orm::IntoActiveModel<A>,
{
    let count = fresh.into_iter().filter(|fresh| *fresh).count() as u64;
    if count > 0 {
        row.update(transaction).await?;
    }
    Ok(count)
}
