//! `mailimport verify`: reads both sides again and compares every message; changes nothing.

use std::path::PathBuf;
use std::sync::Arc;

use engine::account::{Account, Adoption};
use engine::clock::SystemClock;
use engine::destination::{Destination, Failure};
use engine::report::Report;
use store::Store;
use tokio_util::sync::CancellationToken;

use super::{blank_report, conclude, in_a_task, refused_by_destination, watch};
use crate::arguments::Verify;
use crate::bars::Bars;
use crate::exit::Exit;
use crate::human;
use crate::mailbox::{self, Mailbox, Surroundings, Words};
use crate::setup::{self, WrongUse};

/// What a verification needs, read and found usable.
struct Job {
    source: engine::account::Source,
    mailbox: Mailbox,
    ledger: PathBuf,
    selection: engine::plan::Selection,
    settings: engine::account::Settings,
}

/// Compares both sides.
pub(crate) fn run(arguments: &Verify) -> Result<Exit, WrongUse> {
    let source = setup::source(&arguments.source, &arguments.account);
    let mailbox = Mailbox::read(&Words {
        destination: &arguments.destination,
        options: &arguments.new_account,
        mail_user: None,
    })?;
    let job = Job {
        ledger: mailbox.ledger(&arguments.ledger)?,
        mailbox,
        selection: setup::selection(&arguments.selection)?,
        settings: setup::settings(&arguments.line, Adoption::OwnNames),
        source: source?,
    };
    let bars = watch(&arguments.output);
    let blank = blank_report(&job.source, &job.mailbox);
    let watched = Arc::clone(&bars);
    let report = in_a_task(blank, move |cancel| verify(job, watched, cancel))?;
    bars.finish();
    Ok(conclude(&report, arguments.output.format))
}

async fn verify(job: Job, bars: Arc<Bars>, cancel: CancellationToken) -> Report {
    let verified = match &job.mailbox {
        Mailbox::Maildir { path, .. } => match mailbox::open_maildir(path, &job.ledger) {
            Ok(destination) => compare(&job, &destination, bars, cancel).await,
            Err(failure) => Err(failure),
        },
        Mailbox::Account(account) => verify_account(&job, account, bars, cancel).await,
    };
    verified.unwrap_or_else(|failure| {
        refused_by_destination(blank_report(&job.source, &job.mailbox), failure.class, failure.message)
    })
}

async fn verify_account(
    job: &Job,
    account: &engine::account::Source,
    bars: Arc<Bars>,
    cancel: CancellationToken,
) -> Result<Report, Failure> {
    let progress: Arc<Bars> = Arc::clone(&bars);
    let around = Surroundings {
        ledger: &job.ledger,
        refused: None,
        settings: &job.settings,
        progress,
        cancel: cancel.clone(),
    };
    let destination = mailbox::account(account, around)?;
    let report = compare(job, &destination, bars, cancel).await;
    destination.close().await;
    report
}

async fn compare(
    job: &Job,
    destination: &impl Destination,
    bars: Arc<Bars>,
    cancel: CancellationToken,
) -> Result<Report, Failure> {
    let refuse = |message: String| Failure { class: "ledger", message };
    if !job.ledger.exists() {
        return Err(refuse(format!(
            "Nothing is known of an import into this mailbox: there is no ledger {}. Import first, or name the ledger with --state.",
            job.ledger.display()
        )));
    }
    let ledger = Store::open_file(&job.ledger, None).await.map_err(|error| refuse(error.to_string()))?;
    bars.say(&format!("Counting messages at {}", human::plain(job.source.host())));
    let account = Account {
        source: &job.source,
        destination,
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
    Ok(report)
}
