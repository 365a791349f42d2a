//! Jobs: what is to be done, by whom, and until when nobody else may.
//!
//! A job is a row with a lease and an epoch. Whoever claims it holds a [`Lease`] that must be renewed in time; every
//! claim raises the epoch, so that a worker which slept through its lease can write nothing any more (see
//! [`Store::writing_fenced`]). All times are the database's. A job is never held by two workers that may both write, and
//! never lost: it ends, waits to be claimed, or waits for people.
//!
//! Whoever changes a job and other rows in one transaction changes the job first: two that wait for each other would
//! otherwise wait in a circle.

mod claim;
mod end;
mod enqueue;
mod fence;
mod ledger;
mod want;
mod words;

use std::time::Duration;

use engine::ledger::LedgerError;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::fault::unreadable;
use crate::store::Store;
use crate::tables::job;

pub use claim::Claim;
pub use end::{forget_ended, release, release_all_of, sweep};
pub use enqueue::{NewJob, enqueue};
pub use fence::{Fence, check};
pub use ledger::FencedLedger;
pub use want::set_want;
pub use words::{Kind, Outcome, State, Want};

/// A job's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub i64);

impl std::fmt::Display for JobId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A job as it stood when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// The mail host that must be reachable.
    pub queue: String,
    /// What is to be done.
    pub kind: Kind,
    /// The entry, import or notice that it is about.
    pub subject: Uuid,
    /// Whose it is.
    pub customer: Uuid,
    /// The old server's name.
    pub server: Option<String>,
    /// What only one job at a time may work on.
    pub exclusive: Option<String>,
    /// Higher ones come first.
    pub priority: i64,
    /// Where it stands.
    pub state: State,
    /// What people ask for.
    pub want: Want,
    /// Milliseconds since 1970: not before this time.
    pub run_at: i64,
    /// How often it was taken over from a worker that had vanished.
    pub takeovers: u32,
    /// How often it was put off by [`Outcome::RetryAt`].
    pub attempts: u32,
}

/// The right to work on a job, for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The job, as it was when it was claimed.
    pub job: Job,
    /// Who holds it.
    pub owner: String,
    /// How long each renewal lasts.
    pub length: Duration,
    /// Who held it before and has vanished, if it was taken over.
    pub taken_from: Option<String>,
    epoch: i64,
}

impl Lease {
    /// What a transaction is checked by.
    pub fn fence(&self) -> Fence {
        Fence { job: self.job.id, epoch: self.epoch }
    }
}

impl Store {
    /// The jobs of these numbers that exist.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] when the database failed.
    pub async fn jobs(&self, ids: impl IntoIterator<Item = JobId>) -> Result<Vec<Job>, LedgerError> {
        let ids: Vec<i64> = ids.into_iter().map(|id| id.0).collect();
        let mut jobs = Vec::with_capacity(ids.len());
        for ids in ids.chunks(VARIABLES) {
            let rows = job::Entity::find().filter(job::Column::Id.is_in(ids.iter().copied()));
            for row in rows.all(self.reading()).await.map_err(unreadable)? {
                jobs.push(row.try_into()?);
            }
        }
        Ok(jobs)
    }

    /// What the database's clock says: milliseconds since 1970.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] when the database failed.
    pub async fn now(&self) -> Result<i64, LedgerError> {
        clock(self.reading()).await
    }
}

/// Values in one statement; SQLite takes 32,766.
const VARIABLES: usize = 10_000;

/// The database's clock as part of a statement.
fn now(backend: DbBackend) -> Expr {
    Expr::cust(match backend {
        DbBackend::Postgres => "(extract(epoch from clock_timestamp()) * 1000)::bigint",
        _ => "cast(unixepoch('subsec') * 1000 as integer)",
    })
}

async fn clock(connection: &impl ConnectionTrait) -> Result<i64, LedgerError> {
    let question =
        sea_orm::sea_query::Query::select().expr(now(connection.get_database_backend())).to_owned();
    let row = connection.query_one(&question).await.map_err(unreadable)?;
    let row = row.ok_or_else(|| LedgerError::Damaged("the database does not know the time".to_owned()))?;
    row.try_get_by_index(0).map_err(unreadable)
}

/// A length of time as the database counts it.
fn milliseconds(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX / 4)
}

impl TryFrom<job::Model> for Job {
    type Error = LedgerError;

    fn try_from(row: job::Model) -> Result<Job, LedgerError> {
        let count = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(Job {
            id: JobId(row.id),
            kind: row.kind.parse()?,
            state: row.state.parse()?,
            want: row.want.parse()?,
            queue: row.queue,
            subject: row.subject,
            customer: row.customer,
            server: row.server,
            exclusive: row.exclusive_key,
            priority: row.priority,
            run_at: row.run_at,
            takeovers: count(row.takeovers),
            attempts: count(row.attempts),
        })
    }
}
