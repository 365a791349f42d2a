//! From rows to what is shown of runs and imports.

use std::collections::HashMap;

use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func, SimpleExpr};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IdenStatic, Iterable, QueryFilter,
    QueryOrder, QuerySelect, Select,
};
use store::tables::{import, run};
use uuid::Uuid;

use crate::clock::time;
use crate::error::Result;
use crate::model::{
    DomainId, Estimate, FoundServer, Import, ImportId, ImportState, Progress, RunId, RunState, RunSummary,
    StateCounts,
};
use crate::service::{Service, Transaction};

const STATES: [(ImportState, &str); 10] = [
    (ImportState::Waiting, "waiting"),
    (ImportState::Creating, "creating"),
    (ImportState::Scanning, "scanning"),
    (ImportState::Copying, "copying"),
    (ImportState::Retrying, "retrying"),
    (ImportState::Paused, "paused"),
    (ImportState::Done, "done"),
    (ImportState::DoneWithExceptions, "done_with_exceptions"),
    (ImportState::Failed, "failed"),
    (ImportState::Cancelled, "cancelled"),
];

const RUN_STATES: [(RunState, &str); 6] = [
    (RunState::Running, "running"),
    (RunState::Paused, "paused"),
    (RunState::Completed, "completed"),
    (RunState::CompletedWithExceptions, "completed_with_exceptions"),
    (RunState::Failed, "failed"),
    (RunState::Cancelled, "cancelled"),
];

pub(crate) fn state_text(state: ImportState) -> &'static str {
    STATES.iter().find(|(known, _)| *known == state).map_or("failed", |(_, text)| text)
}

pub(crate) fn import_state(text: &str) -> ImportState {
    STATES.iter().find(|(_, known)| *known == text).map_or(ImportState::Failed, |(state, _)| *state)
}

/// The texts of the states that are wanted.
pub(crate) fn state_texts(wanted: impl Fn(ImportState) -> bool) -> Vec<&'static str> {
    STATES.iter().filter(|(state, _)| wanted(*state)).map(|(_, text)| *text).collect()
}

pub(crate) fn run_state_text(state: RunState) -> &'static str {
    RUN_STATES.iter().find(|(known, _)| *known == state).map_or("failed", |(_, text)| text)
}

pub(crate) fn run_state(text: &str) -> RunState {
    RUN_STATES.iter().find(|(_, known)| *known == text).map_or(RunState::Failed, |(state, _)| *state)
}

/// Imports by number as lines of a list: report and folders belong to the one import's own page, and are megabytes for
/// a run of 500.
pub(super) fn lines() -> Select<import::Entity> {
    use import::Column as C;
    let left_out = [C::Report, C::Folders, C::Password, C::MailboxPassword];
    let columns = C::iter().filter(|column| !left_out.iter().any(|out| out.as_str() == column.as_str()));
    let lines = import::Entity::find().select_only().columns(columns).order_by_asc(C::Number);
    left_out.into_iter().fold(lines, |lines, column| lines.column_as(Expr::cust("NULL"), column.as_str()))
}

/// An import as it is shown.
pub(crate) fn import_view(row: import::Model, domain: &str, takeovers: u32) -> Import {
    let state = import_state(&row.state);
    let found: Option<FoundServer> = serde_json::from_str(&row.found).ok();
    let progress = progress(&Sums::of(&row), matches!(state, ImportState::Copying));
    Import {
        id: ImportId(row.id),
        run: RunId(row.run_id),
        number: row.number.cast_unsigned(),
        server: found.map_or(row.server, |found| found.url),
        username: row.username,
        mailbox: format!("{}@{domain}", row.mailbox),
        state,
        progress,
        current_folder: row.current_folder.filter(|_| !state.is_final()),
        retry_at: row.retry_at.filter(|_| state == ImportState::Retrying).map(time),
        failure: row.failure.and_then(|text| serde_json::from_str(&text).ok()),
        exceptions: row.exceptions.cast_unsigned(),
        mailbox_created: row.mailbox_created,
        started_at: row.started_at.map(time),
        finished_at: row.finished_at.map(time),
        revision: row.revision,
        takeovers,
        folders: row.folders.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
        samples: Vec::new(),
        // While it works on, an interrupted attempt's report would only be misleading.
        report: row.report.filter(|_| state.is_final()).and_then(|text| serde_json::from_str(&text).ok()),
    }
}

/// Sums over imports.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    folders: u64,
    messages_total: u64,
    messages_done: u64,
    /// `None` as soon as one server did not tell.
    octets_total: Option<u64>,
    octets_done: u64,
    imported: u64,
    speed: u64,
}

impl Sums {
    fn of(row: &import::Model) -> Sums {
        Sums {
            folders: row.folders_total.cast_unsigned(),
            messages_total: row.messages_total.cast_unsigned(),
            messages_done: row.messages_done.cast_unsigned(),
            octets_total: row.octets_total.map(i64::cast_unsigned),
            octets_done: row.octets_done.cast_unsigned(),
            imported: row.imported.cast_unsigned(),
            speed: row.speed.cast_unsigned(),
        }
    }
}

fn progress(sums: &Sums, moving: bool) -> Progress {
    let speed = if moving { sums.speed } else { 0 };
    let left = sums.octets_total.map(|total| total.saturating_sub(sums.octets_done));
    Progress {
        folders: sums.folders,
        messages_total: sums.messages_total,
        messages_done: sums.messages_done,
        octets_total: sums.octets_total,
        octets_done: sums.octets_done,
        imported: sums.imported,
        speed,
        remaining: left.and_then(|left| remaining(left, speed)),
    }
}

/// A range, since speed changes: a fifth faster to half as fast again.
fn remaining(octets: u64, speed: u64) -> Option<Estimate> {
    let seconds = octets.checked_div(speed)?;
    Some(Estimate { low: seconds.saturating_mul(4) / 5, high: seconds.saturating_mul(3) / 2 + 1 })
}

/// The imports of a run in one state, added up.
#[derive(Debug, FromQueryResult)]
struct StateSums {
    run_id: Uuid,
    state: String,
    count: i64,
    folders: i64,
    messages_total: i64,
    messages_done: i64,
    octets_total: i64,
    unknown_octets: i64,
    octets_done: i64,
    imported: i64,
    speed: i64,
    exceptions: i64,
}

impl Service {
    /// What [`lines`] finds, as it is shown.
    pub(super) async fn lines_of(&self, lines: Select<import::Entity>, domain: &str) -> Result<Vec<Import>> {
        let rows = lines.all(self.reading()).await?;
        let takeovers = self.takeovers(rows.iter().filter_map(|row| row.job_id).collect()).await?;
        let view = |row: import::Model| {
            let taken = row.job_id.and_then(|job| takeovers.get(&job).copied()).unwrap_or(0);
            import_view(row, domain, taken)
        };
        Ok(rows.into_iter().map(view).collect())
    }

    /// Runs with the sums of their imports.
    pub(crate) async fn summaries(&self, rows: Vec<run::Model>, domain: &str) -> Result<Vec<RunSummary>> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let mut by_run: HashMap<Uuid, Vec<StateSums>> = HashMap::new();
        for sums in state_sums(self.reading(), ids).await? {
            by_run.entry(sums.run_id).or_default().push(sums);
        }
        let summary = |row: run::Model| {
            let sums = by_run.remove(&row.id).unwrap_or_default();
            summary(row, domain, &sums)
        };
        Ok(rows.into_iter().map(summary).collect())
    }
}

/// A run with the sums of its imports, as a transaction sees them.
pub(crate) async fn summary_in(
    transaction: &Transaction,
    row: run::Model,
    domain: &str,
) -> Result<RunSummary> {
    let sums = state_sums(transaction, vec![row.id]).await?;
    Ok(summary(row, domain, &sums))
}

async fn state_sums(on: &impl ConnectionTrait, runs: Vec<Uuid>) -> Result<Vec<StateSums>> {
    use import::Column as C;
    let unknown = Expr::case(Expr::col(C::OctetsTotal).is_null(), 1).finally(0);
    let rows = import::Entity::find()
        .select_only()
        .columns([C::RunId, C::State])
        .column_as(whole(Func::count(Expr::col(C::Id)).into()), "count")
        .column_as(sum(Expr::col(C::FoldersTotal)), "folders")
        .column_as(sum(Expr::col(C::MessagesTotal)), "messages_total")
        .column_as(sum(Expr::col(C::MessagesDone)), "messages_done")
        .column_as(sum(Expr::col(C::OctetsTotal)), "octets_total")
        .column_as(sum(unknown.into()), "unknown_octets")
        .column_as(sum(Expr::col(C::OctetsDone)), "octets_done")
        .column_as(sum(Expr::col(C::Imported)), "imported")
        .column_as(sum(Expr::col(C::Speed)), "speed")
        .column_as(sum(Expr::col(C::Exceptions)), "exceptions")
        .filter(C::RunId.is_in(runs))
        .group_by(C::RunId)
        .group_by(C::State)
        .into_model::<StateSums>()
        .all(on)
        .await?;
    Ok(rows)
}

/// A sum as a whole number: PostgreSQL would make it `numeric`, and of nothing NULL.
fn sum(of: SimpleExpr) -> SimpleExpr {
    whole(Func::coalesce([Func::sum(of).into(), Expr::val(0_i64)]).into())
}

fn whole(of: SimpleExpr) -> SimpleExpr {
    of.cast_as(Alias::new("bigint"))
}

fn summary(row: run::Model, domain: &str, sums: &[StateSums]) -> RunSummary {
    let mut counts = StateCounts::default();
    let mut all = Sums { octets_total: Some(0), ..Sums::default() };
    let (mut moving, mut exceptions) = (0, 0);
    for part in sums {
        let number = part.count.cast_unsigned();
        *count_of(&mut counts, import_state(&part.state)) += number;
        all.folders += part.folders.cast_unsigned();
        all.messages_total += part.messages_total.cast_unsigned();
        all.messages_done += part.messages_done.cast_unsigned();
        all.octets_total = match part.unknown_octets {
            0 => all.octets_total.map(|total| total + part.octets_total.cast_unsigned()),
            _ => None,
        };
        all.octets_done += part.octets_done.cast_unsigned();
        all.imported += part.imported.cast_unsigned();
        if import_state(&part.state) == ImportState::Copying {
            moving += part.speed.cast_unsigned();
        }
        exceptions += part.exceptions.cast_unsigned();
    }
    all.speed = moving;
    RunSummary {
        id: RunId(row.id),
        domain: DomainId(row.domain_id),
        domain_name: domain.to_owned(),
        number: row.number.cast_unsigned(),
        state: run_state(&row.state),
        started_at: time(row.started_at),
        finished_at: row.finished_at.map(time),
        progress: progress(&all, moving > 0),
        imports: counts,
        exceptions,
        revision: row.revision,
    }
}

fn count_of(counts: &mut StateCounts, state: ImportState) -> &mut u64 {
    match state {
        ImportState::Waiting => &mut counts.waiting,
        ImportState::Creating | ImportState::Scanning | ImportState::Copying => &mut counts.working,
        ImportState::Retrying => &mut counts.retrying,
        ImportState::Paused => &mut counts.paused,
        ImportState::Done => &mut counts.done,
        ImportState::DoneWithExceptions => &mut counts.done_with_exceptions,
        ImportState::Failed => &mut counts.failed,
        ImportState::Cancelled => &mut counts.cancelled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_text_of_its_own() {
        for (state, text) in STATES {
            assert_eq!((import_state(text), state_text(state)), (state, text));
        }
        for (state, text) in RUN_STATES {
            assert_eq!((run_state(text), run_state_text(state)), (state, text));
        }
    }

    #[test]
    fn time_left_is_a_range_and_unknown_while_nothing_moves() {
        assert_eq!(remaining(1_000, 0), None);
        assert_eq!(remaining(60_000, 100), Some(Estimate { low: 480, high: 901 }));
    }
}
