//! The audit log: who did what, when, from where. Only ever added to, in the transaction of what was done.

use std::net::IpAddr;

use jiff::Timestamp;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;
use store::tables::audit;
use uuid::Uuid;

use crate::clock::{now, time};
use crate::error::Result;
use crate::model::{Actor, CustomerId};
use crate::service::{Service, Transaction, require_operator};

/// Longest subject that is kept, in characters.
const SUBJECT: usize = 200;

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditLine {
    /// Its number; later ones are larger.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Name of who did it; empty when nobody was signed in.
    pub actor: String,
    /// Whose things.
    pub customer: Option<CustomerId>,
    /// What, such as `run.start`.
    pub action: String,
    /// With what.
    pub subject: String,
    /// From where.
    pub address: Option<String>,
}

impl Service {
    /// The newest lines, or those before line `before`.
    ///
    /// # Errors
    ///
    /// [`crate::Error::NotFound`] for who is no operator.
    pub async fn audit(&self, actor: &Actor, before: Option<i64>, limit: u64) -> Result<Vec<AuditLine>> {
        require_operator(actor)?;
        let rows = audit::Entity::find()
            .filter(audit::Column::Id.lt(before.unwrap_or(i64::MAX)))
            .order_by_desc(audit::Column::Id)
            .limit(limit.min(1000))
            .all(self.reading())
            .await?;
        let line = |row: audit::Model| AuditLine {
            id: row.id,
            at: time(row.at),
            actor: row.actor,
            customer: row.customer_id.map(CustomerId),
            action: row.action,
            subject: row.subject,
            address: row.address,
        };
        Ok(rows.into_iter().map(line).collect())
    }
}

/// Adds a line for what an actor did.
pub(crate) async fn record(
    transaction: &Transaction,
    actor: &Actor,
    action: &str,
    subject: &str,
) -> Result<()> {
    write(transaction, &actor.name, Some(actor.customer.0), action, subject, actor.address).await
}

/// Adds a line.
pub(crate) async fn write(
    transaction: &Transaction,
    actor: &str,
    customer: Option<Uuid>,
    action: &str,
    subject: &str,
    address: Option<IpAddr>,
) -> Result<()> {
    let row = audit::ActiveModel {
        id: NotSet,
        at: Set(now()),
        actor: Set(actor.to_owned()),
        customer_id: Set(customer),
        action: Set(action.to_owned()),
        subject: Set(subject.chars().filter(|c| !c.is_control()).take(SUBJECT).collect()),
        address: Set(address.map(|address| address.to_string())),
    };
    audit::Entity::insert(row).exec_without_returning(transaction).await?;
    Ok(())
}
