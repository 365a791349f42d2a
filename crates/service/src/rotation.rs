//! A new sealing key: everything that is kept sealed is opened with the old one and sealed with the new one, and the old
//! one goes.
//!
//! Nobody else may work on the database meanwhile: a process that still holds the old key would go on sealing with
//! it. The key's file holds both keys until the database has taken everything; after a crash in between, everything
//! still opens, and rotating once more ends it.

use std::path::Path;

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, EntityTrait, PaginatorTrait, QueryOrder};
use secrecy::SecretString;
use store::Store;
use store::tables::{customer, entry, import, notice_setting};
use uuid::Uuid;

use crate::entries::{MAILBOX_PASSWORD, PASSWORD, digest_of};
use crate::error::{Error, Result};
use crate::identity::totp::TOTP;
use crate::notices::WEBHOOK_SECRET;
use crate::service::Transaction;
use crate::vault::{Place, Vault};

/// Rows read at a time.
const ROWS: u64 = 500;

/// Makes a new key in the file, seals everything with it and removes the old one. Says how many secrets were sealed.
///
/// # Errors
///
/// [`Error::Internal`] when the file or the database cannot be used, or a secret does not open; then the database is as
/// it was, and the file still holds every key that is needed.
pub async fn rotate_key(store: &Store, key_file: &Path) -> Result<u64> {
    Vault::add_key(key_file).map_err(Error::internal)?;
    let rotation = Rotation {
        old: Vault::open(key_file).map_err(Error::internal)?,
        new: Vault::open_newest(key_file).map_err(Error::internal)?,
    };
    let writing = store.writing().await?;
    let transaction = writing.connection();
    let sealed = rotation.entries(transaction).await?
        + rotation.imports(transaction).await?
        + rotation.customers(transaction).await?
        + rotation.webhooks(transaction).await?;
    writing.commit().await?;
    Vault::keep_newest(key_file).map_err(Error::internal)?;
    Ok(sealed)
}

struct Rotation {
    /// Opens everything.
    old: Vault,
    /// Knows the new key only.
    new: Vault,
}

impl Rotation {
    async fn entries(&self, transaction: &Transaction) -> Result<u64> {
        let mut sealed = 0;
        let mut pages = entry::Entity::find().order_by_asc(entry::Column::Id).paginate(transaction, ROWS);
        while let Some(rows) = pages.fetch_and_next().await? {
            for row in rows {
                let (id, customer) = (row.id, row.customer_id);
                let password = self.open(customer, id, PASSWORD, row.password.as_deref())?;
                let mailbox_password =
                    self.open(customer, id, MAILBOX_PASSWORD, row.mailbox_password.as_deref())?;
                let digest = digest_of(
                    &self.new,
                    [&row.server, &row.username, &row.mailbox],
                    [password.as_ref(), mailbox_password.as_ref()],
                );
                sealed += u64::from(password.is_some()) + u64::from(mailbox_password.is_some());
                let mut changed: entry::ActiveModel = row.into();
                changed.password = Set(self.seal(customer, id, PASSWORD, password));
                changed.mailbox_password = Set(self.seal(customer, id, MAILBOX_PASSWORD, mailbox_password));
                changed.digest = Set(digest);
                changed.update(transaction).await?;
            }
        }
        Ok(sealed)
    }

    async fn imports(&self, transaction: &Transaction) -> Result<u64> {
        let mut sealed = 0;
        let mut pages = import::Entity::find().order_by_asc(import::Column::Id).paginate(transaction, ROWS);
        while let Some(rows) = pages.fetch_and_next().await? {
            for row in rows {
                let (id, customer) = (row.id, row.customer_id);
                let password = self.open(customer, id, PASSWORD, row.password.as_deref())?;
                let mailbox_password =
                    self.open(customer, id, MAILBOX_PASSWORD, row.mailbox_password.as_deref())?;
                let count = u64::from(password.is_some()) + u64::from(mailbox_password.is_some());
                if count == 0 {
                    continue;
                }
                sealed += count;
                let mut changed: import::ActiveModel = row.into();
                changed.password = Set(self.seal(customer, id, PASSWORD, password));
                changed.mailbox_password = Set(self.seal(customer, id, MAILBOX_PASSWORD, mailbox_password));
                changed.update(transaction).await?;
            }
        }
        Ok(sealed)
    }

    async fn customers(&self, transaction: &Transaction) -> Result<u64> {
        let mut sealed = 0;
        let mut pages =
            customer::Entity::find().order_by_asc(customer::Column::Id).paginate(transaction, ROWS);
        while let Some(rows) = pages.fetch_and_next().await? {
            for row in rows {
                let id = row.id;
                let totp = self.open(id, id, TOTP, row.totp.as_deref())?;
                let pending = self.open(id, id, TOTP, row.totp_pending.as_deref())?;
                let count = u64::from(totp.is_some()) + u64::from(pending.is_some());
                if count == 0 {
                    continue;
                }
                sealed += count;
                let mut changed: customer::ActiveModel = row.into();
                changed.totp = Set(self.seal(id, id, TOTP, totp));
                changed.totp_pending = Set(self.seal(id, id, TOTP, pending));
                changed.update(transaction).await?;
            }
        }
        Ok(sealed)
    }

    async fn webhooks(&self, transaction: &Transaction) -> Result<u64> {
        let mut sealed = 0;
        let mut pages = notice_setting::Entity::find()
            .order_by_asc(notice_setting::Column::CustomerId)
            .paginate(transaction, ROWS);
        while let Some(rows) = pages.fetch_and_next().await? {
            for row in rows.into_iter().filter(|row| row.webhook_secret.is_some()) {
                let id = row.customer_id;
                let secret = self.open(id, id, WEBHOOK_SECRET, row.webhook_secret.as_deref())?;
                sealed += 1;
                let mut changed: notice_setting::ActiveModel = row.into();
                changed.webhook_secret = Set(self.seal(id, id, WEBHOOK_SECRET, secret));
                changed.update(transaction).await?;
            }
        }
        Ok(sealed)
    }

    fn open(
        &self,
        customer: Uuid,
        row: Uuid,
        field: &'static str,
        sealed: Option<&[u8]>,
    ) -> Result<Option<SecretString>> {
        let place = Place { customer, row, field };
        sealed.map(|sealed| self.old.unseal(place, sealed).map_err(Error::internal)).transpose()
    }

    fn seal(
        &self,
        customer: Uuid,
        row: Uuid,
        field: &'static str,
        secret: Option<SecretString>,
    ) -> Option<Vec<u8>> {
        secret.map(|secret| self.new.seal(Place { customer, row, field }, &secret))
    }
}
