//! `mailimport verify`: reads both sides again and compares every message; changes nothing.

use std::sync::Arc;

use engine::account::{Account, Adoption};
use engine::clock::SystemClock;
use engine::destination::{Failure, MaildirDestination};
use engine::report::Report;
use store::Store;
use tokio_util::sync::CancellationToken;

use super::{blank_report, conclude, in_a_task, refused_by_destination, watch};
use crate::arguments::Verify;
use crate::bars::Bars;
use crate::exit::Exit;
use crate::setup::{self, WrongUse};
use crate::{human, location};

/// What a verification needs, read and found usable.
struct Job {
    source: engine::account::Source,
    mailbox: std::path::PathBuf,
    ledger: std::path::PathBuf,
    selection: engine::plan::Selection,
    settings: engine::account::Settings,
}

/// Compares both sides.
pub(crate) fn run(arguments: &Verify) -> Result<Exit, WrongUse> {
    let mailbox = location::destination(&arguments.destination)?;
    let job = Job {
        ledger: setup::ledger(arguments.ledger.state.as_ref(), &mailbox),
        selection: setup::selection(&arguments.selection)?,
        settings: setup::settings(&arguments.line, Adoption::OwnNames),
        source: setup::source(&arguments.source, &arguments.account)?,
        mailbox,
    };
    let bars = watch(&arguments.output);
    let blank = blank_report(&job.source, &job.mailbox);
    let watched = Arc::clone(&bars);
    let report = in_a_task(blank, move |cancel| verify(job, watched, cancel))?;
    bars.finish();
    Ok(conclude(&report, arguments.output.format))
}

async fn verify(job: Job, bars: Arc<Bars>, cancel: CancellationToken) -> Report {
    let blank = blank_report(&job.source, &job.mailbox);
    let destination = match MaildirDestination::open(&job.mailbox) {
        Ok(destination) => destination.with_ledger_at(&job.ledger),
        Err(error) => {
            let failure = Failure::from(error);
            return refused_by_destination(blank, failure.class, failure.message);
        }
    };
    if !job.ledger.exists() {
        let message = format!(
            "Nothing is known of an import into this mailbox: there is no ledger {}. Import first, or name the ledger with --state.",
            job.ledger.display()
        );
        return refused_by_destination(blank, "ledger", message);
    }
    let ledger = match Store::open_file(&job.ledger, None).await {
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
    let report = account.verify().await;
    if let Err(error) = ledger.close().await {
        tracing::warn!(%error, "closing the ledger");
    }
    report
}
