//! Writing down that a run has ended, for each way on which its customer is told, with the job that tells it.
//!
//! This is part of the transaction that ends the run: a process that is killed right after it leaves jobs for others. It
//! asks the database only, and nobody else.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, Order, SimpleExpr};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use store::Writing;
use store::tables::{domain, import, notice, run};
use uuid::Uuid;

use super::{channel_text, state_text};
use crate::clock::{now, time};
use crate::error::{Error, Result};
use crate::model::{Channel, Failure, ImportState, MailboxEnd, NoticeState, RunEnd};
use crate::runs::{import_state, state_text as import_text, summary_in};
use crate::service::{Service, Transaction};

/// Mailboxes that an e-mail names at most.
const NAMED: u64 = 50;

impl Service {
    /// Has a run's customer told, on every way that is switched on, that it has ended as this row says.
    pub(crate) async fn tell_of_end(&self, writing: &Writing<'_>, row: &run::Model) -> Result<()> {
        let ways = self.ways(writing.connection(), row.customer_id).await?;
        if ways.is_empty() {
            return Ok(());
        }
        let end = end(writing.connection(), row).await?;
        for channel in ways {
            self.add_notice(writing, row.customer_id, channel, Some(&end)).await?;
        }
        Ok(())
    }

    /// A notice and its job; without an end it is a test.
    pub(super) async fn add_notice(
        &self,
        writing: &Writing<'_>,
        customer: Uuid,
        channel: Channel,
        end: Option<&RunEnd>,
    ) -> Result<()> {
        let id = Uuid::now_v7();
        let row = notice::ActiveModel {
            id: Set(id),
            customer_id: Set(customer),
            run_id: Set(end.map(|end| end.run.0)),
            channel: Set(channel_text(channel).to_owned()),
            content: Set(end.map(serde_json::to_string).transpose().map_err(Error::internal)?),
            state: Set(state_text(NoticeState::Waiting).to_owned()),
            outcome: Set(None),
            code: Set(None),
            attempts: Set(0),
            created_at: Set(now()),
            tried_at: Set(None),
            retry_at: Set(None),
        };
        notice::Entity::insert(row).exec_without_returning(writing.connection()).await?;
        self.enqueue_tell(writing, customer, id).await.map(drop)
    }
}

/// The run as it stands at this moment.
async fn end(transaction: &Transaction, row: &run::Model) -> Result<RunEnd> {
    let domain = domain::Entity::find_by_id(row.domain_id).one(transaction).await?.ok_or(Error::NotFound)?;
    let mailboxes = mailboxes(transaction, row.id, &domain.name).await?;
    let summary = summary_in(transaction, row.clone(), &domain.name).await?;
    Ok(RunEnd {
        run: summary.id,
        number: summary.number,
        domain: domain.name,
        state: summary.state,
        finished_at: summary.finished_at.unwrap_or_else(|| time(now())),
        imports: summary.imports,
        messages: summary.progress.messages_total,
        imported: summary.progress.imported,
        octets: summary.progress.octets_done,
        exceptions: summary.exceptions,
        mailboxes,
    })
}

/// The mailboxes that are named: what somebody has to look after comes first.
async fn mailboxes(transaction: &Transaction, run: Uuid, domain: &str) -> Result<Vec<MailboxEnd>> {
    use import::Column as C;
    let rows: Vec<(String, String, i64, i64, Option<String>)> = import::Entity::find()
        .select_only()
        .columns([C::Mailbox, C::State, C::MessagesTotal, C::Exceptions, C::Failure])
        .filter(C::RunId.eq(run))
        .order_by(trouble_first(), Order::Asc)
        .order_by_asc(C::Number)
        .limit(NAMED)
        .into_tuple()
        .all(transaction)
        .await?;
    let view =
        |(mailbox, state, messages, exceptions, failure): (String, String, i64, i64, Option<String>)| {
            let state = import_state(&state);
            let failure = failure.filter(|_| state == ImportState::Failed);
            MailboxEnd {
                mailbox: format!("{mailbox}@{domain}"),
                state,
                messages: messages.cast_unsigned(),
                exceptions: exceptions.cast_unsigned(),
                failure: failure.and_then(|text| serde_json::from_str(&text).ok()).map(without_detail),
            }
        };
    Ok(rows.into_iter().map(view).collect())
}

/// What a server said may hold a user name.
fn without_detail(failure: Failure) -> Failure {
    Failure { detail: None, ..failure }
}

fn trouble_first() -> SimpleExpr {
    let is = |state| Expr::col(import::Column::State).eq(import_text(state));
    Expr::case(is(ImportState::Failed), 0)
        .case(is(ImportState::Cancelled), 1)
        .case(is(ImportState::DoneWithExceptions), 2)
        .finally(3)
        .into()
}
