//! How an import ends, and with the last of them its run.

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use store::Writing;
use store::tables::{import, run};
use uuid::Uuid;

use super::view::{import_state, run_state, run_state_text, state_text};
use crate::clock::now;
use crate::error::{Error, Result};
use crate::identity::domains::next_revision;
use crate::model::{ImportState, RunState};
use crate::service::{Service, Transaction};

impl Service {
    /// Gives a row its new revision and passes the change on to its run; ends the run with its last import. The caller
    /// has set everything else.
    pub(crate) async fn save_import(
        &self,
        writing: &Writing<'_>,
        mut row: import::ActiveModel,
    ) -> Result<import::Model> {
        let transaction = writing.connection();
        let domain = *row.domain_id.as_ref();
        let revision = next_revision(transaction, domain).await?;
        row.revision = Set(revision);
        let row = row.update(transaction).await?;
        self.touch_run(writing, row.run_id, revision).await?;
        Ok(row)
    }

    /// Gives a run its revision, and its end when all its imports have ended; its customer is told then.
    async fn touch_run(&self, writing: &Writing<'_>, run: Uuid, revision: i64) -> Result<()> {
        let transaction = writing.connection();
        let row = run::Entity::find_by_id(run).one(transaction).await?.ok_or(Error::NotFound)?;
        let states: Vec<String> = import::Entity::find()
            .select_only()
            .column(import::Column::State)
            .filter(import::Column::RunId.eq(run))
            .distinct()
            .into_tuple()
            .all(transaction)
            .await?;
        let states: Vec<ImportState> = states.iter().map(|state| import_state(state)).collect();
        let (was, is) = (run_state(&row.state), next_state(run_state(&row.state), &states));
        let ended = !is.is_current();
        let mut changed: run::ActiveModel = row.into();
        changed.revision = Set(revision);
        changed.state = Set(run_state_text(is).to_owned());
        let ends = ended && was.is_current();
        if ends {
            let now = now();
            let keep = i64::try_from(self.inner.settings.keep_secrets.as_millis()).unwrap_or(i64::MAX);
            // After a cancel nobody comes back for new messages.
            let keep = if is == RunState::Cancelled { 0 } else { keep };
            changed.finished_at = Set(Some(now));
            changed.secrets_until = Set((keep > 0).then(|| now.saturating_add(keep)));
            if keep == 0 {
                erase(transaction, run).await?;
            }
            metrics::counter!("mailimport_runs_finished_total", "state" => run_state_text(is)).increment(1);
        }
        let row = changed.update(transaction).await?;
        if ends { self.tell_of_end(writing, &row).await } else { Ok(()) }
    }

    /// Erases the passwords of runs whose time is over; says of how many runs. To be called now and then.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when the database failed.
    pub async fn erase_old_secrets(&self) -> Result<u64> {
        let writing = self.writing().await?;
        let transaction = writing.connection();
        let due = run::Entity::find()
            .filter(run::Column::SecretsUntil.lt(now()))
            .filter(run::Column::FinishedAt.is_not_null())
            .limit(1_000)
            .all(transaction)
            .await?;
        let count = due.len() as u64;
        for row in due {
            erase(transaction, row.id).await?;
            let mut changed: run::ActiveModel = row.into();
            changed.secrets_until = Set(None);
            changed.update(transaction).await?;
        }
        writing.commit().await?;
        Ok(count)
    }
}

/// Erases all passwords of a run.
pub(crate) async fn erase(transaction: &Transaction, run: Uuid) -> Result<()> {
    let nothing = || sea_orm::sea_query::Expr::value(None::<Vec<u8>>);
    import::Entity::update_many()
        .col_expr(import::Column::Password, nothing())
        .col_expr(import::Column::MailboxPassword, nothing())
        .filter(import::Column::RunId.eq(run))
        .exec(transaction)
        .await?;
    Ok(())
}

/// Where a run stands when its imports stand there. Paused as a whole stays paused until somebody resumes it.
fn next_state(run: RunState, imports: &[ImportState]) -> RunState {
    let any = |state| imports.contains(&state);
    if imports.iter().any(|state| !state.is_final()) {
        return if run == RunState::Paused { RunState::Paused } else { RunState::Running };
    }
    let arrived = any(ImportState::Done) || any(ImportState::DoneWithExceptions);
    match (any(ImportState::Failed), any(ImportState::Cancelled)) {
        (true, _) => RunState::Failed,
        (false, true) if !arrived => RunState::Cancelled,
        (false, true) => RunState::CompletedWithExceptions,
        (false, false) if any(ImportState::DoneWithExceptions) => RunState::CompletedWithExceptions,
        (false, false) => RunState::Completed,
    }
}

/// What every end of an import sets.
pub(crate) fn ended(row: &mut import::ActiveModel, state: ImportState) {
    row.state = Set(state_text(state).to_owned());
    row.finished_at = Set(Some(now()));
    row.current_folder = Set(None);
    row.retry_at = Set(None);
    row.speed = Set(0);
}

#[cfg(test)]
mod tests {
    use ImportState as I;

    use super::*;

    #[test]
    fn a_run_ends_with_its_last_import_and_says_how_as_a_table() {
        for (run, imports, expected) in [
            (RunState::Running, vec![I::Done, I::Copying], RunState::Running),
            (RunState::Paused, vec![I::Done, I::Paused], RunState::Paused),
            (RunState::Running, vec![I::Done], RunState::Completed),
            (RunState::Paused, vec![I::Done], RunState::Completed),
            (RunState::Running, vec![I::Done, I::DoneWithExceptions], RunState::CompletedWithExceptions),
            (RunState::Running, vec![I::Done, I::Failed, I::Cancelled], RunState::Failed),
            (RunState::Running, vec![I::Cancelled], RunState::Cancelled),
            (RunState::Running, vec![I::Done, I::Cancelled], RunState::CompletedWithExceptions),
        ] {
            assert_eq!(next_state(run, &imports), expected, "{imports:?}");
        }
    }
}
