//! Holding a job: renewing the lease, and the fence before everything that is written.

use engine::ledger::LedgerError;
use sea_orm::sea_query::{Expr, ExprTrait, Query, UpdateStatement};
use sea_orm::{ConnectionTrait, EntityName, Iden};

use super::{JobId, Lease, State, Want, milliseconds, now};
use crate::fault::unwritten;
use crate::store::{Store, Writing};
use crate::tables::job::{Column, Entity};

/// A worker's right to write: the job, and the epoch under which it was claimed. Checked by the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fence {
    /// The job.
    pub(super) job: JobId,
    /// The epoch of the claim.
    pub(super) epoch: i64,
}

impl From<&Lease> for Fence {
    fn from(lease: &Lease) -> Fence {
        lease.fence()
    }
}

/// Must be the first statement of a transaction. It keeps others from taking the job over until the transaction ends.
///
/// # Errors
///
/// [`LedgerError::LeaseLost`] when the job is another worker's by now, was put down, or does not exist.
pub async fn check(writing: &Writing<'_>, fence: impl Into<Fence>) -> Result<(), LedgerError> {
    // The value does not matter: that the row is locked and as it must be does.
    let unchanged = held(fence.into()).value(Column::Epoch, Expr::col(Column::Epoch)).to_owned();
    let changed = writing.connection().execute(&unchanged).await.map_err(unwritten)?;
    if changed.rows_affected() == 1 { Ok(()) } else { Err(LedgerError::LeaseLost) }
}

impl Store {
    /// Begins a transaction that writes only while the lease holds.
    ///
    /// # Errors
    ///
    /// [`LedgerError::LeaseLost`] when it does not hold any more; [`LedgerError::Storage`] when the database failed.
    pub async fn writing_fenced(&self, fence: impl Into<Fence>) -> Result<Writing<'_>, LedgerError> {
        let writing = self.writing().await?;
        check(&writing, fence).await?;
        Ok(writing)
    }

    /// Renews the lease for its length from now on, and brings what people want of the job. `None`: the lease is lost,
    /// stop at once.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Storage`] when the database failed: nothing is known then.
    pub async fn renew(&self, lease: &Lease) -> Result<Option<Want>, LedgerError> {
        let writing = self.writing().await?;
        let connection = writing.connection();
        let until = now(connection.get_database_backend()).add(milliseconds(lease.length));
        let longer =
            held(lease.fence()).value(Column::LeaseUntil, until).returning_col(Column::Want).to_owned();
        let row = connection.query_one(&longer).await.map_err(unwritten)?;
        writing.commit().await?;
        row.map(|row| row.try_get::<String>("", &Column::Want.to_string()).map_err(unwritten)?.parse())
            .transpose()
    }
}

/// A change of the job, if the fence stands.
fn held(fence: Fence) -> UpdateStatement {
    Query::update()
        .table(Entity.table_ref())
        .and_where(Expr::col(Column::Id).eq(fence.job.0))
        .and_where(Expr::col(Column::Epoch).eq(fence.epoch))
        .and_where(Expr::col(Column::State).eq(State::Running.as_str()))
        .to_owned()
}
