//! Putting a job down: by its worker, and in the name of a worker that has vanished.

use std::time::Duration;

use engine::ledger::LedgerError;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, Query, UpdateStatement};
use sea_orm::{ConnectionTrait, EntityName, FromQueryResult};

use super::{Job, Kind, Lease, Outcome, State, Want, milliseconds, now};
use crate::fault::unwritten;
use crate::store::{Store, Writing};
use crate::tables::job::{Column, Entity, Model};
use crate::wake::Wake;

/// Puts the job down; answers it as it is afterwards. What people want by now may decide otherwise than the worker knew:
/// what was to be tried again is paused or cancelled when that is wanted.
///
/// # Errors
///
/// [`LedgerError::LeaseLost`] when it is not the worker's any more: somebody else decides what becomes of it.
pub async fn release(writing: &Writing<'_>, lease: &Lease, outcome: Outcome) -> Result<Job, LedgerError> {
    let fence = lease.fence();
    let mut change = put_down(outcome, writing);
    change
        .and_where(Expr::col(Column::Id).eq(fence.job.0))
        .and_where(Expr::col(Column::Epoch).eq(fence.epoch))
        .and_where(Expr::col(Column::State).eq(State::Running.as_str()));
    changed(writing, &change).await?.pop().ok_or(LedgerError::LeaseLost)
}

/// Puts down every job whose worker has vanished while people wanted a pause or its end; answers them as they are
/// afterwards. (Those that are to go on are taken over by [`Store::claim`].)
///
/// # Errors
///
/// [`LedgerError::Storage`] when the database failed.
pub async fn sweep(writing: &Writing<'_>) -> Result<Vec<Job>, LedgerError> {
    let now = now(writing.connection().get_database_backend());
    let mut change = put_down(Outcome::GiveBack, writing);
    change
        .and_where(Expr::col(Column::State).eq(State::Running.as_str()))
        .and_where(Expr::col(Column::Want).ne(Want::Run.as_str()))
        .and_where(Expr::col(Column::LeaseUntil).lt(now));
    changed(writing, &change).await
}

/// Puts down everything that `owner` holds; answers the jobs as they are afterwards. Only for a process that has the
/// name for itself and has just started: it takes up at once what its predecessor left when it was killed.
///
/// # Errors
///
/// [`LedgerError::Storage`] when the database failed.
pub async fn release_all_of(writing: &Writing<'_>, owner: &str) -> Result<Vec<Job>, LedgerError> {
    let mut change = put_down(Outcome::GiveBack, writing);
    change
        .value(Column::Takeovers, Expr::col(Column::Takeovers).add(1_i64))
        .and_where(Expr::col(Column::State).eq(State::Running.as_str()))
        .and_where(Expr::col(Column::Owner).eq(owner));
    changed(writing, &change).await
}

/// Forgets jobs of this kind that ended longer ago than `age`, a thousand at a time; answers how many.
///
/// # Errors
///
/// [`LedgerError::Storage`] when the database failed.
pub async fn forget_ended(writing: &Writing<'_>, kind: Kind, age: Duration) -> Result<u64, LedgerError> {
    let before = now(writing.connection().get_database_backend()).sub(milliseconds(age));
    let old = Query::select()
        .column(Column::Id)
        .from(Entity.table_ref())
        .and_where(Expr::col(Column::Kind).eq(kind.as_str()))
        .and_where(
            Expr::col(Column::State).is_in([State::Done, State::Failed, State::Cancelled].map(State::as_str)),
        )
        .and_where(Expr::col(Column::EndedAt).lt(before))
        .limit(1_000)
        .to_owned();
    let delete = Query::delete()
        .from_table(Entity.table_ref())
        .and_where(Expr::col(Column::Id).in_subquery(old))
        .to_owned();
    Ok(writing.connection().execute(&delete).await.map_err(unwritten)?.rows_affected())
}

impl Store {
    /// [`release`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`release`].
    pub async fn release(&self, lease: &Lease, outcome: Outcome) -> Result<Job, LedgerError> {
        let writing = self.writing().await?;
        let job = release(&writing, lease, outcome).await?;
        writing.commit().await?;
        Ok(job)
    }
}

async fn changed(writing: &Writing<'_>, change: &UpdateStatement) -> Result<Vec<Job>, LedgerError> {
    let rows = writing.connection().query_all(change).await.map_err(unwritten)?;
    if !rows.is_empty() {
        // Also a job that has ended makes room: for its old server, its customer, its exclusive key.
        writing.wakes(Wake::Due).await?;
    }
    rows.iter().map(|row| Model::from_query_result(row, "").map_err(unwritten)?.try_into()).collect()
}

/// What becomes of a job that is put down.
fn put_down(outcome: Outcome, writing: &Writing<'_>) -> UpdateStatement {
    let wanted = |want: Want| Expr::col(Column::Want).eq(want.as_str());
    let by_want = || {
        CaseStatement::new()
            .case(wanted(Want::Cancel), State::Cancelled.as_str())
            .case(wanted(Want::Pause), State::Paused.as_str())
            .finally(State::Queued.as_str())
            .into()
    };
    let state: Expr = match outcome {
        Outcome::Done => State::Done.as_str().into(),
        Outcome::Failed => State::Failed.as_str().into(),
        Outcome::Cancelled => State::Cancelled.as_str().into(),
        Outcome::Paused => CaseStatement::new()
            .case(wanted(Want::Cancel), State::Cancelled.as_str())
            .finally(State::Paused.as_str())
            .into(),
        Outcome::RetryAt(_) | Outcome::RetryAfter(_) | Outcome::GiveBack => by_want(),
    };
    let clock = || now(writing.connection().get_database_backend());
    let none = || Expr::value(None::<i64>);
    let ended = match outcome {
        Outcome::Done | Outcome::Failed | Outcome::Cancelled => clock(),
        _ => CaseStatement::new().case(wanted(Want::Cancel), clock()).finally(none()).into(),
    };
    let mut change = Query::update();
    change
        .table(Entity.table_ref())
        .value(Column::State, state)
        .value(Column::EndedAt, ended)
        .value(Column::Owner, Expr::value(None::<String>))
        .value(Column::LeaseUntil, none())
        .returning_all();
    let again = match outcome {
        Outcome::RetryAt(at) => Some(Expr::value(at)),
        Outcome::RetryAfter(pause) => Some(clock().add(milliseconds(pause))),
        _ => None,
    };
    if let Some(again) = again {
        change.value(Column::RunAt, again).value(Column::Attempts, Expr::col(Column::Attempts).add(1_i64));
    }
    if outcome == Outcome::Paused {
        let want = CaseStatement::new()
            .case(wanted(Want::Cancel), Want::Cancel.as_str())
            .finally(Want::Pause.as_str());
        change.value(Column::Want, want);
    }
    change
}
