//! New jobs.

use engine::ledger::LedgerError;
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ConnectionTrait, EntityName, Iden};
use uuid::Uuid;

use super::{JobId, Kind, State, Want, now};
use crate::fault::unwritten;
use crate::row::storable;
use crate::store::Writing;
use crate::tables::job::{Column, Entity};
use crate::wake::Wake;

/// What a job is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// What is to be done.
    pub kind: Kind,
    /// The mail host that must be reachable.
    pub queue: String,
    /// The entry, import or notice that it is about.
    pub subject: Uuid,
    /// Whose it is.
    pub customer: Uuid,
    /// The old server's name, in lower case.
    pub server: Option<String>,
    /// At most one job of a key runs at a time: of those that are due the oldest.
    pub exclusive: Option<String>,
    /// Higher ones come first; 0 is usual.
    pub priority: i64,
    /// Milliseconds since 1970, by the database's clock. `None`: at once.
    pub run_at: Option<i64>,
}

/// Adds a job, as part of the transaction that creates what it is about. Workers hear of it when that is committed.
///
/// # Errors
///
/// [`LedgerError::Storage`] when the database failed, or a text holds NUL.
pub async fn enqueue(writing: &Writing<'_>, new: NewJob) -> Result<JobId, LedgerError> {
    let connection = writing.connection();
    let clock = || now(connection.get_database_backend());
    let text = |what, text: Option<String>| {
        text.map(|text| storable(what, &text).map(str::to_owned)).transpose().map(Expr::value)
    };
    let party = party(&new);
    let values = [
        (Column::Queue, text("queue", Some(new.queue))?),
        (Column::Kind, Expr::value(new.kind.as_str())),
        (Column::Subject, Expr::value(new.subject)),
        (Column::Customer, Expr::value(new.customer)),
        (Column::Server, text("server", new.server)?),
        (Column::ExclusiveKey, text("exclusive key", new.exclusive)?),
        (Column::Priority, Expr::value(new.priority)),
        (Column::Party, Expr::value(party)),
        (Column::State, Expr::value(State::Queued.as_str())),
        (Column::Want, Expr::value(Want::Run.as_str())),
        (Column::RunAt, new.run_at.map_or_else(clock, Expr::value)),
        (Column::Epoch, Expr::value(0_i64)),
        (Column::Takeovers, Expr::value(0_i64)),
        (Column::Attempts, Expr::value(0_i64)),
        (Column::CreatedAt, clock()),
    ];
    let (columns, values): (Vec<Column>, Vec<Expr>) = values.into_iter().unzip();
    let insert = Query::insert()
        .into_table(Entity.table_ref())
        .columns(columns)
        .values(values)
        .map_err(|error| LedgerError::Storage { action: "written", reason: error.to_string() })?
        .returning_col(Column::Id)
        .to_owned();
    let row = connection.query_one(&insert).await.map_err(unwritten)?;
    let row = row.ok_or_else(|| LedgerError::Storage {
        action: "written",
        reason: "the database gave the new job no number".to_owned(),
    })?;
    writing.wakes(Wake::Due).await?;
    row.try_get("", &Column::Id.to_string()).map(JobId).map_err(unwritten)
}

/// Jobs of one party differ in nothing that a claim looks at but their time and their key.
fn party(new: &NewJob) -> String {
    let server = new.server.as_deref();
    let parts = [
        new.kind.as_str().as_bytes(),
        new.queue.as_bytes(),
        new.customer.as_bytes(),
        if server.is_some() { b"server" } else { b"" },
        server.unwrap_or_default().as_bytes(),
        &new.priority.to_be_bytes(),
    ];
    let mut digest = blake3::Hasher::new();
    for part in parts {
        digest.update(&(part.len() as u64).to_be_bytes()).update(part);
    }
    digest.finalize().to_hex()[..32].to_owned()
}
