//! What people want of a job.

use engine::ledger::LedgerError;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, Query};
use sea_orm::{ConnectionTrait, EntityName, Iden};

use super::{JobId, State, Want, now};
use crate::fault::unwritten;
use crate::store::{Store, Writing};
use crate::tables::job::{Column, Entity};
use crate::wake::Wake;

/// Says what people want. A job that nobody works on obeys at once; the worker of a running one is told. The answer is
/// the state afterwards: [`State::Running`] means that the worker will obey within seconds. `None`: no such job, or it
/// has ended.
///
/// What was cancelled stays cancelled. A job that was put off and is paused and resumed keeps the time until which it
/// was put off.
///
/// # Errors
///
/// [`LedgerError::Storage`] when the database failed.
pub async fn set_want(writing: &Writing<'_>, job: JobId, want: Want) -> Result<Option<State>, LedgerError> {
    let connection = writing.connection();
    let is = |state: State| Expr::col(Column::State).eq(state.as_str());
    let at_once = match want {
        Want::Run => State::Queued,
        Want::Pause => State::Paused,
        Want::Cancel => State::Cancelled,
    };
    let mut change = Query::update();
    change
        .table(Entity.table_ref())
        .value(Column::Want, want.as_str())
        .value(
            Column::State,
            CaseStatement::new().case(is(State::Running), State::Running.as_str()).finally(at_once.as_str()),
        )
        .and_where(Expr::col(Column::Id).eq(job.0))
        .and_where(is(State::Queued).or(is(State::Paused)).or(is(State::Running)))
        .and_where(Expr::col(Column::Want).ne(Want::Cancel.as_str()))
        .returning_col(Column::State);
    if want == Want::Cancel {
        let ended = CaseStatement::new()
            .case(is(State::Running), Expr::value(None::<i64>))
            .finally(now(connection.get_database_backend()));
        change.value(Column::EndedAt, ended);
    }
    let row = connection.query_one(&change).await.map_err(unwritten)?;
    let state = match row {
        Some(row) => row.try_get::<String>("", &Column::State.to_string()).map_err(unwritten)?.parse()?,
        None => return cancelled_before(writing, job).await,
    };
    writing.wakes(if state == State::Running { Wake::Wanted(job) } else { Wake::Due }).await?;
    Ok(Some(state))
}

/// A running job whose end is wanted already is still running.
async fn cancelled_before(writing: &Writing<'_>, job: JobId) -> Result<Option<State>, LedgerError> {
    let question = Query::select()
        .column(Column::Id)
        .from(Entity.table_ref())
        .and_where(Expr::col(Column::Id).eq(job.0))
        .and_where(Expr::col(Column::State).eq(State::Running.as_str()))
        .to_owned();
    let row = writing.connection().query_one(&question).await.map_err(unwritten)?;
    Ok(row.map(|_| State::Running))
}

impl Store {
    /// [`set_want`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Storage`] when the database failed.
    pub async fn set_want(&self, job: JobId, want: Want) -> Result<Option<State>, LedgerError> {
        let writing = self.writing().await?;
        let state = set_want(&writing, job, want).await?;
        writing.commit().await?;
        Ok(state)
    }
}
