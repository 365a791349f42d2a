//! What was typed, judged: pure but for one look at the other entries of the same mailbox.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use secrecy::{ExposeSecret, SecretString};
use store::tables::entry;
use uuid::Uuid;

use super::{LONGEST_FIELD, MAILBOX_PASSWORD, PASSWORD};
use crate::entry_fields::{self, Absent, Examined};
use crate::error::{Error, Result};
use crate::model::{NewEntry, Problem};
use crate::server_field;
use crate::service::{Service, Transaction};
use crate::vault::{Place, Vault};

/// An entry's fields in their one spelling, and what is wrong with them.
pub(crate) struct Fields {
    pub(crate) entry: NewEntry,
    pub(crate) problems: Vec<Problem>,
}

impl Fields {
    /// The fields of `new`; a password that is not given comes from the row that is changed.
    pub(crate) fn of(
        mut new: NewEntry,
        domain: &str,
        known: Option<(&Service, &entry::Model)>,
    ) -> Result<Fields> {
        if let Some((service, row)) = known {
            let given = |secret: &Option<SecretString>| {
                secret.as_ref().is_some_and(|secret| !secret.expose_secret().is_empty())
            };
            if !given(&new.password) {
                new.password = service.unsealed(row, PASSWORD)?;
            }
            if !given(&new.mailbox_password) {
                new.mailbox_password = service.unsealed(row, MAILBOX_PASSWORD)?;
            }
        }
        let Examined { mut entry, problems } = entry_fields::examine(new, domain, Absent::Missing);
        for text in [&mut entry.server, &mut entry.username, &mut entry.mailbox] {
            text.truncate(text.floor_char_boundary(LONGEST_FIELD));
            // PostgreSQL keeps no NUL in a text; the problem of the field stays.
            text.retain(|c| c != '\0');
        }
        Ok(Fields { entry, problems })
    }

    /// Equal for entries that are equal in every field.
    pub(crate) fn digest(&self, service: &Service) -> Vec<u8> {
        let entry = &self.entry;
        digest_of(
            &service.inner.vault,
            [&entry.server, &entry.username, &entry.mailbox],
            [entry.password.as_ref(), entry.mailbox_password.as_ref()],
        )
    }

    /// The old server as far as it is known: what the limit of checks for each server counts by.
    pub(crate) fn place(&self) -> String {
        place_of(&self.entry.server, &self.entry.username)
    }
}

/// The keyed digest of server, user name, mailbox and both passwords.
pub(crate) fn digest_of(vault: &Vault, texts: [&str; 3], secrets: [Option<&SecretString>; 2]) -> Vec<u8> {
    let [server, username, mailbox] = texts;
    let [password, mailbox_password] =
        secrets.map(|secret| secret.map_or("", |secret| secret.expose_secret()));
    vault.digest(&[server, username, password, mailbox, mailbox_password])
}

impl Service {
    /// Everything that is wrong with the fields; empty when they can be checked.
    pub(crate) async fn problems(
        &self,
        transaction: &Transaction,
        domain: Uuid,
        fields: &Fields,
        except: Option<Uuid>,
    ) -> Result<Vec<Problem>> {
        let mut problems = fields.problems.clone();
        let Some(secret) = &fields.entry.mailbox_password else { return Ok(problems) };
        if problems.iter().all(|problem| problem.field != "mailbox_password")
            && self.inner.host.accepts(secret).is_err()
        {
            let message = "The new mailbox cannot keep this password. Please choose another one.";
            problems.push(Problem::new("mailbox_password", "mailbox_password_unusable", message));
        }
        if self.conflicts(transaction, domain, &fields.entry.mailbox, secret, except).await? {
            problems.push(conflict_problem());
        }
        Ok(problems)
    }

    /// Whether another entry gives the same new mailbox another password.
    async fn conflicts(
        &self,
        transaction: &Transaction,
        domain: Uuid,
        mailbox: &str,
        secret: &SecretString,
        except: Option<Uuid>,
    ) -> Result<bool> {
        let others = entry::Entity::find()
            .filter(entry::Column::DomainId.eq(domain))
            .filter(entry::Column::Mailbox.eq(mailbox))
            .filter(entry::Column::Id.ne(except.unwrap_or_default()))
            .all(transaction)
            .await?;
        for other in others {
            let theirs = self.unsealed(&other, MAILBOX_PASSWORD)?;
            if theirs.is_some_and(|theirs| theirs.expose_secret() != secret.expose_secret()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A sealed field of an entry.
    pub(crate) fn unsealed(&self, row: &entry::Model, field: &'static str) -> Result<Option<SecretString>> {
        let sealed = if field == PASSWORD { &row.password } else { &row.mailbox_password };
        let place = Place { customer: row.customer_id, row: row.id, field };
        let open = |sealed: &Vec<u8>| self.inner.vault.unseal(place, sealed).map_err(Error::internal);
        sealed.as_ref().map(open).transpose()
    }
}

/// The problem of two entries that give one new mailbox two passwords.
pub(crate) fn conflict_problem() -> Problem {
    let message = "Another entry gives this mailbox a different password. A new mailbox has one password.";
    Problem::new("mailbox_password", "mailbox_password_conflict", message)
}

/// The server as far as it is known before it was looked for.
pub(crate) fn place_of(server: &str, username: &str) -> String {
    let given = server_field::parse(server).ok().and_then(|list| list.first().map(|e| e.host.clone()));
    given.or_else(|| entry_fields::email_domain(username)).unwrap_or_default()
}
