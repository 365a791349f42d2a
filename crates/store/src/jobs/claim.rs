//! Claiming: one statement that finds the next job and makes it the caller's.
//!
//! Ten thousand jobs may wait for one old server that takes two at a time, so a claim never walks through all that
//! wait: it hops through the index from party to party (see [`Column::Party`]) and compares the first of each.
//!
//! Two claims must never look at the same moment, or each would count what the other is about to take: on PostgreSQL
//! a lock that lasts as long as the transaction lets one look at a time, on SQLite there is one writer anyway.

use std::time::Duration;

use engine::ledger::LedgerError;
use sea_orm::sea_query::{
    Alias, CaseStatement, CommonTableExpression, Expr, ExprTrait, Func, JoinType, LockBehavior, LockType,
    Order, Query, SelectStatement, UnionType, WithQuery,
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, EntityName, FromQueryResult};

use super::{JobId, Kind, Lease, State, Want, clock, milliseconds};
use crate::fault::unwritten;
use crate::ledger::within;
use crate::store::Store;
use crate::tables::job::{Column, Entity, Model};

/// Any number that nothing else on the server uses for an advisory lock: it lets one claim look at a time.
const CLAIM_LOCK: i64 = 0x6d6c_696d_0002;

/// What a worker is free for.
#[derive(Debug, Clone)]
pub struct Claim<'a> {
    /// Who claims.
    pub owner: &'a str,
    /// Kinds of jobs that it can do.
    pub kinds: &'a [Kind],
    /// Jobs that it runs already. Their leases are its own to renew, even when the clock says that they are over: the
    /// machine may have slept, or its clock been set.
    pub except: &'a [JobId],
    /// Mail hosts that it can reach.
    pub queues: &'a [String],
    /// How long the lease lasts until it must be renewed.
    pub lease: Duration,
    /// How many jobs of these kinds may talk to one old server at once, whoever runs them.
    pub per_server: Option<u32>,
    /// How many jobs of these kinds may run for one customer at once, whoever runs them.
    pub per_customer: Option<u32>,
}

impl Store {
    /// Takes the next job that is due: of the highest priority, of the customer for whom the fewest run, the one that
    /// has waited longest. A running job whose lease is over is due too, and is taken over. Jobs beyond a limit are
    /// passed over, and so are those whose exclusive key another one works on or is due with before them.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] when the database failed; a lease of which nobody knows then runs out.
    pub async fn claim(&self, claim: &Claim<'_>) -> Result<Option<Lease>, LedgerError> {
        if claim.kinds.is_empty() || claim.queues.is_empty() {
            return Ok(None);
        }
        within("written", self.take_next(claim)).await
    }

    async fn take_next(&self, claim: &Claim<'_>) -> Result<Option<Lease>, LedgerError> {
        let writing = self.writing().await?;
        let now = alone(writing.connection()).await?;
        let backend = writing.connection().get_database_backend();
        let taken =
            writing.connection().query_one(&statement(claim, now, backend)).await.map_err(unwritten)?;
        let Some(row) = taken else { return Ok(None) };
        let row = Model::from_query_result(&row, "").map_err(unwritten)?;
        let lease = Lease {
            owner: claim.owner.to_owned(),
            length: claim.lease,
            taken_from: row.taken_from.clone(),
            epoch: row.epoch,
            job: row.try_into()?,
        };
        writing.commit().await?;
        Ok(Some(lease))
    }
}

/// Waits for the other claims, then tells the time.
async fn alone(transaction: &DatabaseTransaction) -> Result<i64, LedgerError> {
    if transaction.get_database_backend() == DbBackend::Postgres {
        let lock = format!("SELECT pg_advisory_xact_lock({CLAIM_LOCK})");
        transaction.execute_unprepared(&lock).await.map_err(unwritten)?;
    }
    clock(transaction).await
}

fn statement(claim: &Claim<'_>, now: i64, backend: DbBackend) -> WithQuery {
    let taken_over = CaseStatement::new().case(is(State::Running), 1_i64).finally(0_i64);
    let take = Query::update()
        .table(Entity.table_ref())
        .value(Column::State, State::Running.as_str())
        // A queued job has no owner.
        .value(Column::TakenFrom, Expr::col(Column::Owner))
        .value(Column::Owner, claim.owner)
        .value(Column::LeaseUntil, now.saturating_add(milliseconds(claim.lease)))
        .value(Column::Epoch, Expr::col(Column::Epoch).add(1_i64))
        .value(Column::Takeovers, Expr::col(Column::Takeovers).add(taken_over))
        .and_where(Expr::col(Column::Id).eq(scalar(next(claim, now, backend))))
        // Said again for a job that has changed while the statement was looking.
        .and_where(Expr::col(Column::Want).eq(Want::Run.as_str()))
        .and_where(is(State::Queued).or(is(State::Running).and(Expr::col(Column::LeaseUntil).lt(now))))
        .returning_all()
        .to_owned();
    Query::with().recursive(true).cte(parties()).to_owned().query(take)
}

/// The parties that wait, found by hops through the index. The last hop finds nothing: NULL.
fn parties() -> CommonTableExpression {
    let (parties, party, other) = (Alias::new("parties"), Alias::new("party"), Alias::new("other"));
    let theirs = |column: Column| Expr::col((other.clone(), column));
    let least = Query::select()
        .expr(theirs(Column::Party).min())
        .from_as(Entity.table_ref(), other.clone())
        .and_where(theirs(Column::State).eq(State::Queued.as_str()))
        .to_owned();
    let last = Expr::col((parties.clone(), party.clone()));
    let following = least.clone().and_where(theirs(Column::Party).gt(last.clone())).to_owned();
    let hop = Query::select()
        .expr(scalar(following))
        .from(parties.clone())
        .and_where(last.is_not_null())
        .to_owned();
    let all = Query::select().expr(scalar(least)).to_owned().union(UnionType::All, hop).to_owned();
    CommonTableExpression::new().table_name(parties).column(party).query(all).to_owned()
}

/// For each party the number of its first job that is due and whose key is free.
fn firsts(now: i64) -> SelectStatement {
    let (parties, party, first) = (Alias::new("parties"), Alias::new("party"), Alias::new("first"));
    let its = |column: Column| Expr::col((first.clone(), column));
    let of_party = Query::select()
        .expr(its(Column::Id))
        .from_as(Entity.table_ref(), first.clone())
        .and_where(its(Column::State).eq(State::Queued.as_str()))
        .and_where(its(Column::Party).eq(Expr::col((parties.clone(), party.clone()))))
        .and_where(its(Column::RunAt).lte(now))
        .and_where(has_free_key(&first, now))
        .order_by((first.clone(), Column::RunAt), Order::Asc)
        .order_by((first.clone(), Column::Id), Order::Asc)
        .limit(1)
        .to_owned();
    Query::select()
        .expr(scalar(of_party))
        .from(parties.clone())
        .and_where(Expr::col((parties, party)).is_not_null())
        .to_owned()
}

/// Jobs whose lease is over. They have their key already.
fn lapsed(now: i64) -> SelectStatement {
    let lapsed = Alias::new("lapsed");
    let its = |column: Column| Expr::col((lapsed.clone(), column));
    Query::select()
        .expr(its(Column::Id))
        .from_as(Entity.table_ref(), lapsed.clone())
        .and_where(its(Column::State).eq(State::Running.as_str()))
        .and_where(its(Column::LeaseUntil).lt(now))
        .to_owned()
}

/// Whether the job is one of those that a claim compares.
fn is_candidate(now: i64, backend: DbBackend) -> Expr {
    let id = Expr::col((Entity, Column::Id));
    let candidates = firsts(now).union(UnionType::All, lapsed(now)).to_owned();
    if backend == DbBackend::Postgres {
        // As an array they are found once, before anything else. Where statistics are missing, as after ten thousand
        // jobs came at once, the planner would find them anew for each row of the table.
        return Expr::cust_with_exprs("$1 = ANY(ARRAY($2))", [id, scalar(candidates)]);
    }
    id.in_subquery(candidates)
}

/// The number of the next job.
fn next(claim: &Claim<'_>, now: i64, backend: DbBackend) -> SelectStatement {
    let (busy, customer, jobs) = (Alias::new("busy"), Alias::new("customer"), Alias::new("jobs"));
    let running = Query::select()
        .expr_as(Expr::col(Column::Customer), customer.clone())
        .expr_as(Expr::col(Column::Id).count(), jobs.clone())
        .from(Entity.table_ref())
        .and_where(is_live(claim, now))
        .group_by_col(Column::Customer)
        .to_owned();
    let column = |column: Column| Expr::col((Entity, column));
    let mut next = Query::select();
    next.column((Entity, Column::Id))
        .from(Entity.table_ref())
        .join_subquery(
            JoinType::LeftJoin,
            running,
            busy.clone(),
            Expr::col((busy.clone(), customer)).equals((Entity, Column::Customer)),
        )
        .and_where(is_candidate(now, backend))
        .and_where(column(Column::Queue).is_in(claim.queues.iter().map(String::as_str)))
        .and_where(column(Column::Kind).is_in(claim.kinds.iter().map(|kind| kind.as_str())))
        .and_where(column(Column::Id).is_not_in(claim.except.iter().map(|job| job.0)))
        .and_where(column(Column::Want).eq(Want::Run.as_str()));
    if let Some(limit) = claim.per_server {
        let full = full(claim, now, Column::Server, limit);
        next.and_where(column(Column::Server).is_null().or(column(Column::Server).not_in_subquery(full)));
    }
    if let Some(limit) = claim.per_customer {
        let full = full(claim, now, Column::Customer, limit);
        next.and_where(column(Column::Customer).not_in_subquery(full));
    }
    next.order_by((Entity, Column::Priority), Order::Desc)
        .order_by_expr(Func::coalesce([Expr::col((busy, jobs)), Expr::value(0_i64)]).into(), Order::Asc)
        .order_by((Entity, Column::RunAt), Order::Asc)
        .order_by((Entity, Column::Id), Order::Asc)
        .limit(1);
    // A row that somebody else has in hand is not waited for. SQLite knows no such lock, and no second writer.
    if backend == DbBackend::Postgres {
        next.lock_with_tables_behavior(LockType::Update, [Entity.table_ref()], LockBehavior::SkipLocked);
    }
    next
}

/// Values of a column of which as many run as may.
fn full(claim: &Claim<'_>, now: i64, column: Column, limit: u32) -> SelectStatement {
    Query::select()
        .column(column)
        .from(Entity.table_ref())
        .and_where(is_live(claim, now))
        // NULL in the list would make everything unknown.
        .and_where(Expr::col(column).is_not_null())
        .group_by_col(column)
        .and_having(Expr::col(Column::Id).count().gte(i64::from(limit)))
        .to_owned()
}

/// Whether no other job of the same key runs, or is due and older. One that waits for its time or for people holds up
/// nobody.
fn has_free_key(job: &Alias, now: i64) -> Expr {
    let rival = Alias::new("rival");
    let theirs = |column: Column| Expr::col((rival.clone(), column));
    let ours = |column: Column| Expr::col((job.clone(), column));
    // Two questions instead of one with an OR: each is one look into the index.
    let of_state = |state: State| {
        Query::select()
            .expr(Expr::value(1_i64))
            .from_as(Entity.table_ref(), rival.clone())
            .and_where(theirs(Column::ExclusiveKey).eq(ours(Column::ExclusiveKey)))
            .and_where(theirs(Column::State).eq(state.as_str()))
            .to_owned()
    };
    let runs = of_state(State::Running);
    let due_before = of_state(State::Queued)
        .and_where(theirs(Column::Id).lt(ours(Column::Id)))
        .and_where(theirs(Column::RunAt).lte(now))
        .to_owned();
    let free = Expr::exists(runs).not().and(Expr::exists(due_before).not());
    ours(Column::ExclusiveKey).is_null().or(free)
}

fn scalar(select: SelectStatement) -> Expr {
    Expr::SubQuery(None, Box::new(select.into()))
}

fn is(state: State) -> Expr {
    Expr::col(Column::State).eq(state.as_str())
}

/// Runs, by a worker that is not known to have vanished.
fn is_live(claim: &Claim<'_>, now: i64) -> Expr {
    is(State::Running)
        .and(Expr::col(Column::LeaseUntil).gte(now))
        .and(Expr::col(Column::Kind).is_in(claim.kinds.iter().map(|kind| kind.as_str())))
}
