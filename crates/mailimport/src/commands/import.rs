//! `mailimport import`: one account, now, in the foreground.

use std::sync::Arc;

use engine::Survey;
use engine::account::{Account, Adoption, Settings, Source};
use engine::clock::SystemClock;
use engine::destination::{Failure, Limits, MaildirDestination};
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
use crate::setup::{self, WrongUse};
use crate::{human, interrupt, location, owner};

/// What an import needs, read and found usable.
struct Job {
    source: Source,
    mailbox: std::path::PathBuf,
    owner: Option<Owner>,
    ledger: std::path::PathBuf,
    selection: Selection,
    settings: Settings,
    limits: Limits,
}

/// Imports, or with `--dry-run` shows the plan.
pub(crate) fn run(arguments: &Import) -> Result<Exit, WrongUse> {
    if let Some(csv) = &arguments.csv {
        return many::import(arguments, csv);
    }
    // Clap asks for it where there is no list.
    let mailbox = location::destination(arguments.destination.as_deref().unwrap_or_default())?;
    let adoption = if arguments.adopt { Adoption::ByDigest } else { Adoption::OwnNames };
    let job = Job {
        owner: owner::owner(&mailbox, arguments.mail_user.as_deref())?,
        ledger: setup::ledger(arguments.ledger.state.as_ref(), &mailbox),
        selection: setup::selection(&arguments.selection)?,
        settings: setup::settings(&arguments.line, adoption),
        limits: setup::destination_limits(arguments.keep_free),
        source: setup::source(&arguments.source, &arguments.account)?,
        mailbox,
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
    let blank = blank_report(&job.source, &job.mailbox);
    let is_new = !job.mailbox.exists();
    let destination = match MaildirDestination::create(&job.mailbox, job.owner) {
        Ok(destination) => destination.with_ledger_at(&job.ledger).with_limits(job.limits),
        Err(error) => {
            let failure = Failure::from(error);
            return refused_by_destination(blank, failure.class, failure.message);
        }
    };
    let owner = job.owner.map(|owner| store::Owner { uid: owner.uid, gid: owner.gid });
    let ledger = match Store::open_file(&job.ledger, owner).await {
        Ok(ledger) => ledger,
        Err(error) => return refused_by_destination(blank, "ledger", error.to_string()),
    };
    bars.say(&format!("Counting messages at {}", human::plain(job.source.host())));
    let account = Account {
        source: &job.source,
        destination: &destination,
        ledger: &ledger,
        selection: &job.selection,
        settings: &job.settings,
        progress: bars,
        clock: Arc::new(SystemClock),
        cancel,
    };
    let report = account.import().await;
    if let Err(error) = ledger.close().await {
        tracing::warn!(%error, "closing the ledger");
    }
    let refused = report.error.as_ref().is_some_and(|stop| stop.side == Side::Source);
    if is_new && refused && report.folders.is_empty() {
        withdraw(&job);
    }
    report
}

/// The source refused before anything was imported: a mailbox that was made for it goes again. Only empty directories
/// and our own empty ledger are removed; whatever else is there by now keeps everything in its place.
fn withdraw(job: &Job) {
    let ours = |path: &std::path::Path| {
        let is_empty = || std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
        path == job.ledger || ["cur", "new", "tmp"].iter().any(|name| path.ends_with(name)) && is_empty()
    };
    let untouched = std::fs::read_dir(&job.mailbox)
        .is_ok_and(|mut entries| entries.all(|entry| entry.is_ok_and(|entry| ours(&entry.path()))));
    if !untouched || job.ledger.parent() != Some(job.mailbox.as_path()) {
        return;
    }
    let emptied =
        ["cur", "new", "tmp"].iter().try_for_each(|name| std::fs::remove_dir(job.mailbox.join(name)));
    let gone = emptied
        .and_then(|()| std::fs::remove_file(&job.ledger))
        .and_then(|()| std::fs::remove_dir(&job.mailbox));
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

async fn dry_run(job: &Job, bars: &Bars, output: &OutputOptions) -> Result<Exit, WrongUse> {
    let cancel = interrupt::listen()?;
    bars.say(&format!("Counting messages at {}", human::plain(job.source.host())));
    let outcome = tokio::select! {
        outcome = planned(job) => outcome,
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

async fn planned(job: &Job) -> Result<(Survey, Plan), engine::error::Error> {
    // A mailbox that is not there yet is empty.
    let destination = match MaildirDestination::open(&job.mailbox) {
        Ok(destination) => Some(destination),
        Err(maildir::Error::Missing { .. } | maildir::Error::NotAMaildir { .. })
            if is_empty(&job.mailbox) =>
        {
            None
        }
        Err(error) => return Err(engine::error::Error::Destination(error.into())),
    };
    engine::dry_run(&job.source, destination.as_ref(), &job.selection, &job.settings).await
}

fn is_empty(directory: &std::path::Path) -> bool {
    std::fs::read_dir(directory).map_or(true, |mut entries| entries.next().is_none())
}
