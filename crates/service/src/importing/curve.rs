//! The curve of an import or a run: points of what was done when, thinned out as it grows.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use store::tables::{import, sample};
use uuid::Uuid;

use crate::clock::now;
use crate::error::Result;
use crate::service::Transaction;

/// Points of a curve; when there are more, every second one goes.
const POINTS: u64 = 240;
/// Milliseconds between two points: at the beginning, and at most.
const SHORTEST: i64 = 2_000;
const LONGEST: i64 = 60_000;

/// Adds a point, unless the last one is too near. `what` tells messages and octets, and is asked only if needed.
pub(crate) async fn add<W>(
    transaction: &Transaction,
    domain: Uuid,
    subject: Uuid,
    what: impl FnOnce() -> W,
) -> Result<()>
where
    W: Future<Output = Result<(i64, i64)>>,
{
    let newest: Vec<sample::Model> = sample::Entity::find()
        .filter(sample::Column::Subject.eq(subject))
        .order_by_desc(sample::Column::At)
        .limit(2)
        .all(transaction)
        .await?;
    let now = now();
    let between = match newest.as_slice() {
        [last, before] => (last.at - before.at).clamp(SHORTEST, LONGEST),
        _ => SHORTEST,
    };
    if newest.first().is_some_and(|last| now - last.at < between) {
        return Ok(());
    }
    let (messages, octets) = what().await?;
    let point = sample::ActiveModel {
        subject: Set(subject),
        domain_id: Set(domain),
        at: Set(now),
        messages: Set(messages),
        octets: Set(octets),
    };
    let key = [sample::Column::Subject, sample::Column::At];
    sample::Entity::insert(point)
        .on_conflict(OnConflict::columns(key).do_nothing().to_owned())
        .exec_without_returning(transaction)
        .await?;
    thin_out(transaction, subject).await
}

async fn thin_out(transaction: &Transaction, subject: Uuid) -> Result<()> {
    let all = sample::Entity::find().filter(sample::Column::Subject.eq(subject));
    if all.clone().count(transaction).await? <= POINTS {
        return Ok(());
    }
    let times: Vec<i64> = all
        .order_by_asc(sample::Column::At)
        .select_only()
        .column(sample::Column::At)
        .into_tuple()
        .all(transaction)
        .await?;
    let second: Vec<i64> = times.into_iter().skip(1).step_by(2).collect();
    sample::Entity::delete_many()
        .filter(sample::Column::Subject.eq(subject))
        .filter(sample::Column::At.is_in(second))
        .exec(transaction)
        .await?;
    Ok(())
}

/// What all imports of a run have done together.
pub(crate) async fn of_run(transaction: &Transaction, run: Uuid) -> Result<(i64, i64)> {
    let rows: Vec<(i64, i64)> = import::Entity::find()
        .select_only()
        .columns([import::Column::MessagesDone, import::Column::OctetsDone])
        .filter(import::Column::RunId.eq(run))
        .into_tuple()
        .all(transaction)
        .await?;
    Ok(rows.iter().fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1)))
}
