//! `mailimport import`: one account, now, in the foreground.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::Survey;
use engine::account::{Account, Adoption, Settings, Source};
use engine::clock::SystemClock;
use engine::destination::{Destination, Failure, Limits, MaildirDestination};
use engine::plan::{Plan, Selection};
use engine::report::{Report, Side, Stop};
use maildir::Owner;
use serde::Serialize;
use store::Store;
use tokio_util::sync::CancellationToken;

use super::{
    blank_report, conclude, in_a_task, many, print, print_json, refused_by_destination, runtime, watch,
};
use crate::arguments::{Format, Import, OutputOptions};
use crate::bars::Bars;
use crate::exit::Exit;
use crate::mailbox::{Mailbox, Surroundings, Words};
use crate::setup::{self, WrongUse};
use crate::{human, interrupt, mailbox};

/// What an import needs, read and found usable.
struct Job {
    source: Source,
    mailbox: Mailbox,
    ledger: PathBuf,
    refused: Option<PathBuf>,
    selection: Selection,
    settings: Settings,
    limits: Limits,
}

/// Imports, or with `--dry-run` shows the plan.
pub(crate) fn run(arguments: &Import) -> Result<Exit, WrongUse> {
    if let Some(csv) = &arguments.csv {
        return many::import(arguments, csv);
    }
    let adoption = if arguments.adopt { Adoption::ByDigest } else { Adoption::OwnNames };
    let source = setup::source(&arguments.source, &arguments.account);
    let mailbox = Mailbox::read(&Words {
        // Clap asks for it where there is no list.
        destination: arguments.destination.as_deref().unwrap_or_default(),
        options: &arguments.new_account,
        mail_user: arguments.mail_user.as_deref(),
    })?;
    let job = Job {
        ledger: mailbox.ledger(&arguments.ledger)?,
        mailbox,
        refused: arguments.keep_refused.as_deref().map(std::path::absolute).transpose()?,
        selection: setup::selection(&arguments.selection)?,
        settings: setup::settings(&arguments.line, adoption),
        limits: setup::destination_limits(arguments.keep_free, arguments.durability),
        source: source?,
    };
    let bars = watch(&arguments.output);
    if arguments.dry_run {
        return runtime()?.block_on(dry_run(&job, &bars, &arguments.output));
    }
    let blank = blank_report(&job.source, &job.mailbox);
    let watched = Arc::clone(&bars);
    let report = in_a_task(blank, move |cancel| import(job, watched, cancel))?;
    bars.finish();
    Ok(conclude(&report, arguments.output.format))
}

async fn import(job: Job, bars: Arc<Bars>, cancel: CancellationToken) -> Report {
    let imported = match &job.mailbox {
        Mailbox::Maildir { path, owner } => import_into_maildir(&job, path, *owner, bars, cancel).await,
        Mailbox::Account(account) => import_into_account(&job, account, bars, cancel).await,
    };
    imported.unwrap_or_else(|failure| {
        refused_by_destination(blank_report(&job.source, &job.mailbox), failure.class, failure.message)
    })
}

async fn import_into_maildir(
    job: &Job,
    path: &Path,
    owner: Option<Owner>,
    bars: Arc<Bars>,
    cancel: CancellationToken,
) -> Result<Report, Failure> {
    let is_new = !path.exists();
    let destination =
        MaildirDestination::create(path, owner)?.with_ledger_at(&job.ledger).with_limits(job.limits);
    let ledger = ledger(job, owner.map(|owner| store::Owner { uid: owner.uid, gid: owner.gid })).await?;
    let report = import_into(job, &destination, &ledger, bars, cancel).await;
    close(ledger).await;
    let refused = report.error.as_ref().is_some_and(|stop| stop.side == Side::Source);
    if is_new && refused && report.folders.is_empty() {
        withdraw(path, &job.ledger);
    }
    Ok(report)
}

async fn import_into_account(
    job: &Job,
    account: &Source,
    bars: Arc<Bars>,
    cancel: CancellationToken,
) -> Result<Report, Failure> {
    let destination = mailbox::account(account, surroundings(job, &bars, &cancel))?;
    let ledger = ledger(job, None).await?;
    let report = import_into(job, &destination, &ledger, bars, cancel).await;
    destination.close().await;
    close(ledger).await;
    Ok(report)
}

fn surroundings<'a>(job: &'a Job, bars: &Arc<Bars>, cancel: &CancellationToken) -> Surroundings<'a> {
    let progress: Arc<Bars> = Arc::clone(bars);
    Surroundings {
        ledger: &job.ledger,
        refused: job.refused.as_deref(),
        settings: &job.settings,
        progress,
        cancel: cancel.clone(),
    }
}

async fn ledger(job: &Job, owner: Option<store::Owner>) -> Result<Store, Failure> {
    let failed = |error: engine::ledger::LedgerError| Failure { class: "ledger", message: error.to_string() };
    Store::open_file(&job.ledger, owner).await.map_err(failed)
}

async fn close(ledger: Store) {
    if let Err(error) = ledger.close().await {
        tracing::warn!(%error, "closing the ledger");
    }
}

async fn import_into(
    job: &Job,
    destination: &impl Destination,
    ledger: &Store,
    bars: Arc<Bars>,
    cancel: CancellationToken,
) -> Report {
    bars.say(&format!("Counting messages at {}", human::plain(job.source.host())));
    let account = Account {
        source: &job.source,
        destination,
        ledger,
        selection: &job.selection,
        settings: &job.settings,
        progress: bars,
        clock: Arc::new(SystemClock),
        cancel,
    };
    account.import().await
}

/// The source refused before anything was imported: a mailbox that was made for it goes again. Only empty directories
/// and our own empty ledger are removed; whatever else is there by now keeps everything in its place.
fn withdraw(mailbox: &Path, ledger: &Path) {
    let ours = |path: &Path| {
        let is_empty = || std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
        path == ledger || ["cur", "new", "tmp"].iter().any(|name| path.ends_with(name)) && is_empty()
    };
    let untouched = std::fs::read_dir(mailbox)
        .is_ok_and(|mut entries| entries.all(|entry| entry.is_ok_and(|entry| ours(&entry.path()))));
    if !untouched || ledger.parent() != Some(mailbox) {
        return;
    }
    let emptied = ["cur", "new", "tmp"].iter().try_for_each(|name| std::fs::remove_dir(mailbox.join(name)));
    let gone =
        emptied.and_then(|()| std::fs::remove_file(ledger)).and_then(|()| std::fs::remove_dir(mailbox));
    if let Err(error) = gone {
        tracing::info!(%error, "the new mailbox stays");
    }
}

/// What `--dry-run --format json` prints.
#[derive(Serialize)]
struct PlanDocument<'a> {
    schema: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<&'a str>,
    #[serde(flatten)]
    plan: &'a Plan,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Stop>,
}

const PLAN_SCHEMA: &str = "mailimport.plan/1";

async fn dry_run(job: &Job, bars: &Arc<Bars>, output: &OutputOptions) -> Result<Exit, WrongUse> {
    let cancel = interrupt::listen()?;
    bars.say(&format!("Counting messages at {}", human::plain(job.source.host())));
    let outcome = tokio::select! {
        outcome = planned(job, bars, &cancel) => outcome,
        () = cancel.cancelled() => Err(engine::error::Error::Interrupted),
    };
    bars.finish();
    let failed = outcome.as_ref().err().map(engine::error::Error::stop);
    let exit = failed.as_ref().map_or(Exit::Complete, Exit::of_stop);
    let (server, plan) = outcome.map_or((None, Plan::default()), |(survey, plan)| (survey.server, plan));
    match (output.format, failed) {
        (Format::Json, error) => {
            print_json(&PlanDocument { schema: PLAN_SCHEMA, server: server.as_deref(), plan: &plan, error });
        }
        (Format::Human, Some(stop)) => print(&human::stop(&stop)),
        (Format::Human, None) => print(&human::plan(&plan)),
    }
    Ok(exit)
}

async fn planned(
    job: &Job,
    bars: &Arc<Bars>,
    cancel: &CancellationToken,
) -> Result<(Survey, Plan), engine::error::Error> {
    let path = match &job.mailbox {
        Mailbox::Maildir { path, .. } => path,
        Mailbox::Account(account) => {
            let destination = mailbox::account(account, surroundings(job, bars, cancel))?;
            let planned =
                engine::dry_run(&job.source, Some(&destination), &job.selection, &job.settings).await;
            destination.close().await;
            return planned;
        }
    };
    // A mailbox that is not there yet is empty.
    let destination = match MaildirDestination::open(path) {
        Ok(destination) => Some(destination),
        Err(maildir::Error::Missing { .. } | maildir::Error::NotAMaildir { .. }) if is_empty(path) => None,
        Err(error) => return Err(engine::error::Error::Destination(error.into())),
    };
    engine::dry_run(&job.source, destination.as_ref(), &job.selection, &job.settings).await
}

fn is_empty(directory: &Path) -> bool {
    std::fs::read_dir(directory).map_or(true, |mut entries| entries.next().is_none())
}
