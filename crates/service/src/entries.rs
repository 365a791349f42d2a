//! The prepared list: entries are added, checked, mended and removed here, until they are started together.
//!
//! What a person typed is always kept, also when it cannot be used: it is shown with its problems, to be mended. A
//! change makes an earlier check worthless, so each change asks for a new one in the same transaction.

mod add_csv;
mod validate;
mod view;

use std::collections::BTreeMap;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use store::tables::{domain, entry, removed_entry};
use uuid::Uuid;

pub use add_csv::CsvAdded;
pub(crate) use validate::digest_of;
pub(crate) use view::{entry_view, state_text};

use crate::clock::now;
use crate::error::{Conflict, Error, Result};
use crate::identity::domains::next_revision;
use crate::model::{Actor, DomainId, Entry, EntryId, EntryState, NewEntry, Problem, Scope};
use crate::page::Page;
use crate::service::{Service, Transaction, require};
use crate::vault::Place;
use validate::Fields;

/// Fields of an entry that are sealed.
pub(crate) const PASSWORD: &str = "password";
pub(crate) const MAILBOX_PASSWORD: &str = "mailbox_password";

/// Longest text of a field, in octets.
const LONGEST_FIELD: usize = 1024;

/// Whether a domain's prepared list can be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Readiness {
    /// Entries in the list.
    pub entries: u64,
    /// Of these, verified.
    pub verified: u64,
    /// Of these, invalid or with a failed check.
    pub need_attention: u64,
    /// Of these, waiting for their check or in it.
    pub pending: u64,
    /// The first that needs attention.
    pub first_failed: Option<EntryId>,
}

impl Readiness {
    /// Whether there is something, and all of it is verified.
    pub fn can_start(&self) -> bool {
        self.entries > 0 && self.verified == self.entries
    }
}

impl Service {
    /// A domain's prepared list in its order.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when the domain is not the actor's.
    pub async fn entries(&self, actor: &Actor, domain: DomainId, page: Page) -> Result<Vec<Entry>> {
        require(actor, Scope::Read)?;
        self.own_domain(actor, domain).await?;
        let rows = entry::Entity::find()
            .filter(entry::Column::DomainId.eq(domain.0))
            .order_by_asc(entry::Column::Number)
            .offset(page.offset)
            .limit(page.limit)
            .all(self.reading())
            .await?;
        Ok(rows.into_iter().map(entry_view).collect())
    }

    /// One entry.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when it is not the actor's, or was removed or started.
    pub async fn entry(&self, actor: &Actor, id: EntryId) -> Result<Entry> {
        require(actor, Scope::Read)?;
        Ok(entry_view(self.own_entry(actor, id).await?))
    }

    /// Appends to the prepared list; its check starts at once. Fields that cannot be used make it
    /// [`EntryState::Invalid`], with its problems.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when everything is empty, when it is in the list already, or when the list is full.
    pub async fn add_entry(&self, actor: &Actor, domain: DomainId, new: NewEntry) -> Result<Entry> {
        require(actor, Scope::Write)?;
        let domain = self.own_domain(actor, domain).await?;
        if is_empty(&new) {
            let message = "Please fill in the fields first.";
            return Err(Error::Invalid(vec![Problem::new("", "entry_empty", message)]));
        }
        let fields = Fields::of(new, &domain.name, None)?;
        let writing = self.writing().await?;
        let transaction = writing.connection();
        let revision = next_revision(transaction, domain.id).await?;
        self.refuse_full(transaction, domain.id, 1).await?;
        self.refuse_duplicate(transaction, domain.id, &fields, None).await?;
        let number = reserve_numbers(transaction, domain.id, 1).await?;
        let problems = self.problems(transaction, domain.id, &fields, None).await?;
        let row = self.insert(&writing, &domain, fields, problems, Vec::new(), (number, revision)).await?;
        let subject = format!("{} entry {number}", domain.name);
        crate::audit::record(transaction, actor, "entry.add", &subject).await?;
        writing.commit().await?;
        Ok(entry_view(row))
    }

    /// Changes an entry; it is checked again. A password of `None` stays as it is.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when it is not the actor's; a conflict when `revision` is not its latest.
    pub async fn edit_entry(
        &self,
        actor: &Actor,
        id: EntryId,
        revision: i64,
        new: NewEntry,
    ) -> Result<Entry> {
        require(actor, Scope::Write)?;
        let known = self.own_entry(actor, id).await?;
        let domain = self.own_domain(actor, DomainId(known.domain_id)).await?;
        let writing = self.writing().await?;
        let transaction = writing.connection();
        // Jobs first: a worker locks its job and then the domain.
        if let Some(job) = known.job_id {
            self.abandon(&writing, job).await?;
        }
        let next = next_revision(transaction, domain.id).await?;
        let known = entry::Entity::find_by_id(id.0).one(transaction).await?.ok_or(Error::NotFound)?;
        // A check that ended meanwhile takes nothing away from whoever edits; only somebody else's typing does.
        if revision < known.typed_revision {
            return Err(Error::conflict(Conflict::Changed));
        }
        let fields = Fields::of(new, &domain.name, Some((self, &known)))?;
        self.refuse_duplicate(transaction, domain.id, &fields, Some(id.0)).await?;
        let problems = self.problems(transaction, domain.id, &fields, Some(id.0)).await?;
        let mut row: entry::ActiveModel = known.into();
        self.fill(&mut row, &domain, id.0, &fields, problems);
        row.revision = Set(next);
        row.typed_revision = Set(next);
        let row = self.queue_check(&writing, row, &fields).await?;
        crate::audit::record(
            transaction,
            actor,
            "entry.edit",
            &format!("{} entry {}", domain.name, row.number),
        )
        .await?;
        writing.commit().await?;
        Ok(entry_view(row))
    }

    /// Removes an entry from the list.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when it is not the actor's.
    pub async fn remove_entry(&self, actor: &Actor, id: EntryId) -> Result<()> {
        require(actor, Scope::Write)?;
        let row = self.own_entry(actor, id).await?;
        let writing = self.writing().await?;
        self.remove_rows(&writing, row.domain_id, vec![row.clone()]).await?;
        crate::audit::record(writing.connection(), actor, "entry.remove", &format!("entry {}", row.number))
            .await?;
        writing.commit().await.map_err(Error::from)
    }

    /// Removes all entries that need attention; says how many.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when the domain is not the actor's.
    pub async fn remove_failed(&self, actor: &Actor, domain: DomainId) -> Result<u64> {
        require(actor, Scope::Write)?;
        let domain = self.own_domain(actor, domain).await?;
        let writing = self.writing().await?;
        let rows = failed(domain.id).all(writing.connection()).await?;
        let count = rows.len() as u64;
        self.remove_rows(&writing, domain.id, rows).await?;
        let subject = format!("{}: {count} entries with errors", domain.name);
        crate::audit::record(writing.connection(), actor, "entry.remove", &subject).await?;
        writing.commit().await?;
        Ok(count)
    }

    /// Checks an entry again.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when it is not the actor's.
    pub async fn check_again(&self, actor: &Actor, id: EntryId) -> Result<Entry> {
        require(actor, Scope::Write)?;
        let row = self.own_entry(actor, id).await?;
        let writing = self.writing().await?;
        let row = self.requeue(&writing, row).await?;
        writing.commit().await?;
        Ok(entry_view(row))
    }

    /// Checks all entries again whose check failed; says how many.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when the domain is not the actor's.
    pub async fn check_failed_again(&self, actor: &Actor, domain: DomainId) -> Result<u64> {
        require(actor, Scope::Write)?;
        let domain = self.own_domain(actor, domain).await?;
        let writing = self.writing().await?;
        let rows = failed(domain.id)
            .filter(entry::Column::State.eq(state_text(EntryState::CheckFailed)))
            .all(writing.connection())
            .await?;
        let count = rows.len() as u64;
        for row in rows {
            self.requeue(&writing, row).await?;
        }
        writing.commit().await?;
        Ok(count)
    }

    /// Whether the list can be started, and what stands in the way.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when the domain is not the actor's.
    pub async fn readiness(&self, actor: &Actor, domain: DomainId) -> Result<Readiness> {
        require(actor, Scope::Read)?;
        self.own_domain(actor, domain).await?;
        readiness(self.reading(), domain.0).await
    }

    pub(crate) async fn own_entry(&self, actor: &Actor, id: EntryId) -> Result<entry::Model> {
        entry::Entity::find_by_id(id.0)
            .filter(entry::Column::CustomerId.eq(actor.customer.0))
            .one(self.reading())
            .await?
            .ok_or(Error::NotFound)
    }

    async fn refuse_full(&self, transaction: &Transaction, domain: Uuid, more: u64) -> Result<()> {
        let most = self.inner.settings.entries_per_domain;
        let there =
            entry::Entity::find().filter(entry::Column::DomainId.eq(domain)).count(transaction).await?;
        if there + more <= most {
            return Ok(());
        }
        let message = format!("The list may hold {most} entries. Please start or remove some first.");
        Err(Error::Invalid(vec![Problem::new("", "list_full", message).with("most", most)]))
    }

    async fn refuse_duplicate(
        &self,
        transaction: &Transaction,
        domain: Uuid,
        fields: &Fields,
        except: Option<Uuid>,
    ) -> Result<()> {
        let same = entry::Entity::find()
            .filter(entry::Column::DomainId.eq(domain))
            .filter(entry::Column::Digest.eq(fields.digest(self)))
            .filter(entry::Column::Id.ne(except.unwrap_or_default()))
            .count(transaction)
            .await?;
        if same == 0 {
            return Ok(());
        }
        let message = "Exactly this entry is in the list already.";
        Err(Error::Invalid(vec![Problem::new("", "entry_duplicate", message)]))
    }

    async fn insert(
        &self,
        writing: &store::Writing<'_>,
        domain: &domain::Model,
        fields: Fields,
        problems: Vec<Problem>,
        notes: Vec<Problem>,
        (number, revision): (i64, i64),
    ) -> Result<entry::Model> {
        let id = Uuid::now_v7();
        let mut row = entry::ActiveModel {
            id: Set(id),
            customer_id: Set(domain.customer_id),
            domain_id: Set(domain.id),
            number: Set(number),
            notes: Set(json(&notes)?),
            job_id: Set(None),
            revision: Set(revision),
            typed_revision: Set(revision),
            ..Default::default()
        };
        self.fill(&mut row, domain, id, &fields, problems);
        let check = matches!(&row.state, Set(state) if *state == state_text(EntryState::Queued));
        if check {
            row.job_id =
                Set(Some(self.enqueue_check(writing, domain.customer_id, id, &fields.place()).await?));
        }
        row.insert(writing.connection()).await.map_err(Error::from)
    }

    /// Writes the fields into a row, sealed, with the state that their problems make.
    fn fill(
        &self,
        row: &mut entry::ActiveModel,
        domain: &domain::Model,
        id: Uuid,
        fields: &Fields,
        problems: Vec<Problem>,
    ) {
        let sealed = |field, secret: &Option<SecretString>| {
            let place = Place { customer: domain.customer_id, row: id, field };
            secret.as_ref().map(|secret| self.inner.vault.seal(place, secret))
        };
        let state = if problems.is_empty() { EntryState::Queued } else { EntryState::Invalid };
        let entry = &fields.entry;
        row.server = Set(entry.server.clone());
        row.username = Set(entry.username.clone());
        row.password = Set(sealed(PASSWORD, &entry.password));
        row.mailbox = Set(entry.mailbox.clone());
        row.mailbox_password = Set(sealed(MAILBOX_PASSWORD, &entry.mailbox_password));
        row.digest = Set(fields.digest(self));
        row.state = Set(state_text(state).to_owned());
        // Problems are plain texts and maps of texts.
        row.problems = Set(serde_json::to_string(&problems).unwrap_or_default());
        row.outcome = Set(None);
        row.updated_at = Set(now());
    }

    /// Saves a changed row and asks for its check, if it can be checked.
    async fn queue_check(
        &self,
        writing: &store::Writing<'_>,
        mut row: entry::ActiveModel,
        fields: &Fields,
    ) -> Result<entry::Model> {
        let queued = matches!(&row.state, Set(state) if *state == state_text(EntryState::Queued));
        let (customer, id) = (*row.customer_id.as_ref(), *row.id.as_ref());
        row.job_id = Set(match queued {
            true => Some(self.enqueue_check(writing, customer, id, &fields.place()).await?),
            false => None,
        });
        row.update(writing.connection()).await.map_err(Error::from)
    }

    /// Asks for a check of a row as it is; an invalid one stays as it is.
    async fn requeue(&self, writing: &store::Writing<'_>, row: entry::Model) -> Result<entry::Model> {
        if row.state == state_text(EntryState::Invalid) {
            return Ok(row);
        }
        if let Some(job) = row.job_id {
            self.abandon(writing, job).await?;
        }
        let transaction = writing.connection();
        let revision = next_revision(transaction, row.domain_id).await?;
        let place = validate::place_of(&row.server, &row.username);
        let job = self.enqueue_check(writing, row.customer_id, row.id, &place).await?;
        let mut changed: entry::ActiveModel = row.into();
        changed.state = Set(state_text(EntryState::Queued).to_owned());
        changed.outcome = Set(None);
        changed.job_id = Set(Some(job));
        changed.revision = Set(revision);
        changed.updated_at = Set(now());
        changed.update(transaction).await.map_err(Error::from)
    }

    /// Takes rows out of the list and remembers for a while that they are gone.
    pub(crate) async fn remove_rows(
        &self,
        writing: &store::Writing<'_>,
        domain: Uuid,
        rows: Vec<entry::Model>,
    ) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let transaction = writing.connection();
        for job in rows.iter().filter_map(|row| row.job_id) {
            self.abandon(writing, job).await?;
        }
        let revision = next_revision(transaction, domain).await?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        forget(transaction, domain, &ids, revision).await
    }
}

/// Deletes entries and leaves their ids for pages that still show them.
pub(crate) async fn forget(
    transaction: &Transaction,
    domain: Uuid,
    ids: &[Uuid],
    revision: i64,
) -> Result<()> {
    /// How long a page may stay open without having heard of it.
    const REMEMBERED: i64 = 24 * 3600 * 1000;
    let now = now();
    for part in ids.chunks(500) {
        entry::Entity::delete_many().filter(entry::Column::Id.is_in(part.to_vec())).exec(transaction).await?;
        let gone = part.iter().map(|id| removed_entry::ActiveModel {
            entry_id: Set(*id),
            domain_id: Set(domain),
            revision: Set(revision),
            removed_at: Set(now),
        });
        removed_entry::Entity::insert_many(gone).exec_without_returning(transaction).await?;
    }
    removed_entry::Entity::delete_many()
        .filter(removed_entry::Column::DomainId.eq(domain))
        .filter(removed_entry::Column::RemovedAt.lt(now - REMEMBERED))
        .exec(transaction)
        .await?;
    Ok(())
}

/// Counts a domain's entries by state.
pub(crate) async fn readiness(database: &impl sea_orm::ConnectionTrait, domain: Uuid) -> Result<Readiness> {
    let counts: Vec<(String, i64)> = entry::Entity::find()
        .select_only()
        .column(entry::Column::State)
        .column_as(Expr::col(entry::Column::Id).count(), "count")
        .filter(entry::Column::DomainId.eq(domain))
        .group_by(entry::Column::State)
        .into_tuple()
        .all(database)
        .await?;
    let counts: BTreeMap<String, i64> = counts.into_iter().collect();
    let of = |states: &[EntryState]| {
        states.iter().map(|state| counts.get(state_text(*state)).copied().unwrap_or(0).cast_unsigned()).sum()
    };
    let need_attention = of(&[EntryState::Invalid, EntryState::CheckFailed]);
    let first: Option<Uuid> = match need_attention {
        0 => None,
        _ => failed(domain).select_only().column(entry::Column::Id).into_tuple().one(database).await?,
    };
    Ok(Readiness {
        entries: counts.values().sum::<i64>().cast_unsigned(),
        verified: of(&[EntryState::Verified]),
        need_attention,
        pending: of(&[EntryState::Queued, EntryState::Checking]),
        first_failed: first.map(EntryId),
    })
}

fn failed(domain: Uuid) -> sea_orm::Select<entry::Entity> {
    entry::Entity::find()
        .filter(entry::Column::DomainId.eq(domain))
        .filter(
            entry::Column::State
                .is_in([state_text(EntryState::Invalid), state_text(EntryState::CheckFailed)]),
        )
        .order_by_asc(entry::Column::Number)
}

/// Gives out numbers of a domain; the first of them.
async fn reserve_numbers(transaction: &Transaction, domain: Uuid, count: i64) -> Result<i64> {
    domain::Entity::update_many()
        .col_expr(domain::Column::LastEntry, Expr::col(domain::Column::LastEntry).add(count))
        .filter(domain::Column::Id.eq(domain))
        .exec(transaction)
        .await?;
    let row = domain::Entity::find_by_id(domain).one(transaction).await?.ok_or(Error::NotFound)?;
    Ok(row.last_entry - count + 1)
}

fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

fn is_empty(new: &NewEntry) -> bool {
    let secret = |secret: &Option<SecretString>| secret.as_ref().is_none_or(|s| s.expose_secret().is_empty());
    [&new.server, &new.username, &new.mailbox].iter().all(|text| text.trim().is_empty())
        && secret(&new.password)
        && secret(&new.mailbox_password)
}
