//! Domains: who owns which, and the counter of what happens in each.

use std::collections::HashMap;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use store::tables::{customer, domain, entry, run};
use uuid::Uuid;

use super::links::taken;
use crate::clock::now;
use crate::error::{Conflict, Error, Result};
use crate::model::{Actor, CustomerId, Domain, DomainId, Problem, Scope};
use crate::page::Page;
use crate::service::{Service, Transaction, require, require_operator};

/// A customer may see this many domains on one page.
const MOST: u64 = 1000;

impl Service {
    /// One's own domains by name.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] without the scope.
    pub async fn domains(&self, actor: &Actor) -> Result<Vec<Domain>> {
        require(actor, Scope::Read)?;
        let rows = domain::Entity::find()
            .filter(domain::Column::CustomerId.eq(actor.customer.0))
            .order_by_asc(domain::Column::Name)
            .limit(MOST)
            .all(self.reading())
            .await?;
        self.domain_views(rows).await
    }

    /// One of one's own domains.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when it is not one's own.
    pub async fn domain(&self, actor: &Actor, id: DomainId) -> Result<Domain> {
        require(actor, Scope::Read)?;
        let row = self.own_domain(actor, id).await?;
        self.domain_views(vec![row]).await?.pop().ok_or(Error::NotFound)
    }

    /// One of one's own domains.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when it is not one's own.
    pub async fn domain_by_name(&self, actor: &Actor, name: &str) -> Result<Domain> {
        require(actor, Scope::Read)?;
        let row = domain::Entity::find()
            .filter(domain::Column::CustomerId.eq(actor.customer.0))
            .filter(domain::Column::Name.eq(name.to_lowercase()))
            .one(self.reading())
            .await?
            .ok_or(Error::NotFound)?;
        self.domain_views(vec![row]).await?.pop().ok_or(Error::NotFound)
    }

    /// Everybody's domains by name.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for who is no operator.
    pub async fn all_domains(&self, actor: &Actor, page: Page) -> Result<Vec<Domain>> {
        require_operator(actor)?;
        let rows = domain::Entity::find()
            .order_by_asc(domain::Column::Name)
            .offset(page.offset)
            .limit(page.limit)
            .all(self.reading())
            .await?;
        self.domain_views(rows).await
    }

    /// One of all domains.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for who is no operator, and when there is no such domain.
    pub async fn any_domain(&self, actor: &Actor, id: DomainId) -> Result<Domain> {
        require_operator(actor)?;
        let row = domain::Entity::find_by_id(id.0).one(self.reading()).await?.ok_or(Error::NotFound)?;
        self.domain_views(vec![row]).await?.pop().ok_or(Error::NotFound)
    }

    /// Gives a customer a domain.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a name that is none; a conflict when somebody has it.
    pub async fn create_domain(&self, actor: &Actor, name: &str, owner: CustomerId) -> Result<Domain> {
        require_operator(actor)?;
        let unusable = || {
            let message = "This is not a domain, such as example.org.";
            Error::Invalid(vec![Problem::new("domain", "domain_unusable", message)])
        };
        let name: mailhost::DomainName = name.trim().parse().map_err(|_| unusable())?;
        let owner = self.customer_row(owner.0).await?;
        let row = domain::ActiveModel {
            id: Set(Uuid::now_v7()),
            customer_id: Set(owner.id),
            name: Set(name.to_string()),
            created_at: Set(now()),
            revision: Set(0),
            last_entry: Set(0),
            last_run: Set(0),
        };
        let writing = self.writing().await?;
        let row = row.insert(writing.connection()).await.map_err(taken)?;
        let subject = format!("{} for {}", row.name, owner.name);
        crate::audit::record(writing.connection(), actor, "domain.create", &subject).await?;
        writing.commit().await?;
        self.domain_views(vec![row]).await?.pop().ok_or(Error::NotFound)
    }

    /// Takes a domain away with its prepared list and its finished runs. No mailbox is touched.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when it is not there; a conflict while a run works in it.
    pub async fn remove_domain(&self, actor: &Actor, id: DomainId) -> Result<()> {
        require_operator(actor)?;
        let row = domain::Entity::find_by_id(id.0).one(self.reading()).await?.ok_or(Error::NotFound)?;
        let writing = self.writing().await?;
        let transaction = writing.connection();
        next_revision(transaction, id.0).await?;
        let working = run::Entity::find()
            .filter(run::Column::DomainId.eq(id.0))
            .filter(run::Column::FinishedAt.is_null())
            .count(transaction)
            .await?;
        if working > 0 {
            return Err(Error::conflict(Conflict::DomainBusy));
        }
        domain::Entity::delete_by_id(id.0).exec(transaction).await?;
        crate::audit::record(transaction, actor, "domain.remove", &row.name).await?;
        writing.commit().await.map_err(Error::from)
    }

    pub(crate) async fn own_domain(&self, actor: &Actor, id: DomainId) -> Result<domain::Model> {
        domain::Entity::find_by_id(id.0)
            .filter(domain::Column::CustomerId.eq(actor.customer.0))
            .one(self.reading())
            .await?
            .ok_or(Error::NotFound)
    }

    async fn domain_views(&self, rows: Vec<domain::Model>) -> Result<Vec<Domain>> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let owners: Vec<Uuid> = rows.iter().map(|row| row.customer_id).collect();
        let names: HashMap<Uuid, String> = customer::Entity::find()
            .filter(customer::Column::Id.is_in(owners))
            .all(self.reading())
            .await?
            .into_iter()
            .map(|row| (row.id, row.name))
            .collect();
        let prepared: Vec<(Uuid, i64)> = entry::Entity::find()
            .select_only()
            .column(entry::Column::DomainId)
            .column_as(Expr::col(entry::Column::Id).count(), "count")
            .filter(entry::Column::DomainId.is_in(ids.clone()))
            .group_by(entry::Column::DomainId)
            .into_tuple()
            .all(self.reading())
            .await?;
        let prepared: HashMap<Uuid, i64> = prepared.into_iter().collect();
        let (current, finished) =
            (self.run_counts(&ids, Runs::Current).await?, self.run_counts(&ids, Runs::Finished).await?);
        let count = |map: &HashMap<Uuid, i64>, id| map.get(&id).copied().unwrap_or(0).cast_unsigned();
        let view = |row: domain::Model| Domain {
            id: DomainId(row.id),
            customer: CustomerId(row.customer_id),
            customer_name: names.get(&row.customer_id).cloned().unwrap_or_default(),
            prepared: count(&prepared, row.id),
            current_runs: count(&current, row.id),
            finished_runs: count(&finished, row.id),
            name: row.name,
        };
        Ok(rows.into_iter().map(view).collect())
    }

    async fn run_counts(&self, domains: &[Uuid], which: Runs) -> Result<HashMap<Uuid, i64>> {
        let filter = match which {
            Runs::Current => run::Column::FinishedAt.is_null(),
            Runs::Finished => run::Column::FinishedAt.is_not_null(),
        };
        let counts: Vec<(Uuid, i64)> = run::Entity::find()
            .select_only()
            .column(run::Column::DomainId)
            .column_as(Expr::col(run::Column::Id).count(), "count")
            .filter(run::Column::DomainId.is_in(domains.to_vec()))
            .filter(filter)
            .group_by(run::Column::DomainId)
            .into_tuple()
            .all(self.reading())
            .await?;
        Ok(counts.into_iter().collect())
    }
}

#[derive(Clone, Copy)]
enum Runs {
    Current,
    Finished,
}

/// The domain's next revision. Its row stays locked until the transaction ends, so revisions become visible in order.
pub(crate) async fn next_revision(transaction: &Transaction, domain: Uuid) -> Result<i64> {
    let changed = domain::Entity::update_many()
        .col_expr(domain::Column::Revision, Expr::col(domain::Column::Revision).add(1))
        .filter(domain::Column::Id.eq(domain))
        .exec(transaction)
        .await?;
    if changed.rows_affected != 1 {
        return Err(Error::NotFound);
    }
    let revision: Option<i64> = domain::Entity::find_by_id(domain)
        .select_only()
        .column(domain::Column::Revision)
        .into_tuple()
        .one(transaction)
        .await?;
    revision.ok_or(Error::NotFound)
}
