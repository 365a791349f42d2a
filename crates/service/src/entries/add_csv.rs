//! Many entries at once, from a CSV file.

use std::collections::{HashMap, HashSet};

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use secrecy::{ExposeSecret, SecretString};
use store::tables::entry;
use uuid::Uuid;

use super::validate::{Fields, conflict_problem};
use super::{MAILBOX_PASSWORD, reserve_numbers};
use crate::csv::{self, CsvPreview};
use crate::error::{Error, Result};
use crate::identity::domains::next_revision;
use crate::model::{Actor, DomainId, EntryId, Problem, Scope};
use crate::service::{Service, Transaction, require};

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvAdded {
    /// The new entries, in the file's order.
    pub entries: Vec<EntryId>,
    /// Of these, with problems.
    pub with_problems: u64,
    /// Rows left out because the file or the list has exactly the same already.
    pub duplicates: u64,
    /// What concerns the whole file.
    pub notes: Vec<Problem>,
}

impl Service {
    /// Reads a file without adding anything.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when nothing can be made of the file as a whole; [`Error::NotFound`] when the domain is not
    /// the actor's.
    pub async fn read_csv(&self, actor: &Actor, domain: DomainId, octets: &[u8]) -> Result<CsvPreview> {
        require(actor, Scope::Read)?;
        let domain = self.own_domain(actor, domain).await?;
        csv::read(octets, &domain.name).map_err(|problem| Error::Invalid(vec![problem]))
    }

    /// Appends every row of a file to the prepared list, those with problems too, so that they can be mended in place.
    /// All of them or none.
    ///
    /// # Errors
    ///
    /// As [`Service::read_csv`]; [`Error::Invalid`] when the list would be too long.
    pub async fn add_csv(&self, actor: &Actor, domain: DomainId, octets: &[u8]) -> Result<CsvAdded> {
        require(actor, Scope::Write)?;
        let preview = self.read_csv(actor, domain, octets).await?;
        let domain = self.own_domain(actor, domain).await?;
        let writing = self.writing().await?;
        let transaction = writing.connection();
        let revision = next_revision(transaction, domain.id).await?;
        let mut there: HashSet<Vec<u8>> = entry::Entity::find()
            .select_only()
            .column(entry::Column::Digest)
            .filter(entry::Column::DomainId.eq(domain.id))
            .into_tuple()
            .all(transaction)
            .await?
            .into_iter()
            .collect();
        let given = self.given_passwords(transaction, domain.id).await?;
        let mut added = CsvAdded {
            entries: Vec::new(),
            with_problems: 0,
            duplicates: preview.duplicates,
            notes: preview.notes,
        };
        let mut rows = Vec::with_capacity(preview.rows.len());
        for row in preview.rows {
            let mut fields = Fields::of(row.entry, &domain.name, None)?;
            fields.problems = row.problems;
            // What is left of a row that could not be cut says nothing of the rest: it may look like another one.
            let uncut = fields.problems.iter().any(|problem| problem.field.is_empty());
            if there.insert(fields.digest(self)) || uncut {
                rows.push((row.line, fields, row.notes));
            } else {
                added.duplicates += 1;
            }
        }
        self.refuse_full(transaction, domain.id, rows.len() as u64).await?;
        let first = reserve_numbers(transaction, domain.id, rows.len() as i64).await?;
        for (number, (line, fields, mut notes)) in (first..).zip(rows) {
            let mut problems = fields.problems.clone();
            let own = fields.entry.mailbox_password.as_ref();
            let other = given.get(&fields.entry.mailbox);
            let conflict = conflict_problem();
            if let (Some(own), Some(other)) = (own, other)
                && own.expose_secret() != other.expose_secret()
                && problems.iter().all(|problem| problem.code != conflict.code)
            {
                problems.push(conflict);
            }
            notes.push(Problem::new("", "csv_line", format!("Line {line} of the file.")).with("line", line));
            added.with_problems += u64::from(!problems.is_empty());
            let row = self.insert(&writing, &domain, fields, problems, notes, (number, revision)).await?;
            added.entries.push(EntryId(row.id));
        }
        let subject = format!("{}: {} entries from a file", domain.name, added.entries.len());
        crate::audit::record(transaction, actor, "entry.add", &subject).await?;
        writing.commit().await?;
        Ok(added)
    }

    /// The passwords that the list gives to new mailboxes so far.
    async fn given_passwords(
        &self,
        transaction: &Transaction,
        domain: Uuid,
    ) -> Result<HashMap<String, SecretString>> {
        let rows = entry::Entity::find()
            .filter(entry::Column::DomainId.eq(domain))
            .filter(entry::Column::MailboxPassword.is_not_null())
            .all(transaction)
            .await?;
        let mut given = HashMap::with_capacity(rows.len());
        for row in rows {
            if let Some(secret) = self.unsealed(&row, MAILBOX_PASSWORD)? {
                given.insert(row.mailbox, secret);
            }
        }
        Ok(given)
    }
}
