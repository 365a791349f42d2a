//! One file for each command.

pub(crate) mod admin;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod import;
pub(crate) mod man;
mod many;
pub(crate) mod serve;
pub(crate) mod verify;
pub(crate) mod worker;

use std::io::Write;
use std::sync::Arc;

use engine::report::{Report, Side, SourceLine, Stop};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::arguments::{Format, OutputOptions};
use crate::bars::Bars;
use crate::exit::Exit;
use crate::mailbox::Mailbox;
use crate::notice::notice;
use crate::setup::WrongUse;
use crate::{document, human, interrupt};

/// Progress and logs as asked for.
fn watch(output: &OutputOptions) -> Arc<Bars> {
    let bars = Arc::new(Bars::new(output.quiet));
    crate::logs::start(output, bars.all());
    bars
}

/// Threads for connections and files.
fn runtime() -> Result<tokio::runtime::Runtime, WrongUse> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(WrongUse::from)
}

/// A report's bones for an import that could not begin, and for the time before its end is known.
fn blank_report(source: &engine::account::Source, mailbox: &Mailbox) -> Report {
    let source = SourceLine { host: source.host().to_owned(), user: source.user().to_owned(), server: None };
    Report::blank(source, mailbox.describe(), jiff::Timestamp::now())
}

/// Works in a task of its own, so that a fault in it still leaves a report; `work` gets what Ctrl-C cancels.
fn in_a_task<W, F>(blank: Report, work: W) -> Result<Report, WrongUse>
where
    W: FnOnce(CancellationToken) -> F + Send + 'static,
    F: Future<Output = Report> + Send,
{
    let runtime = runtime()?;
    let task = runtime.spawn(async move {
        let cancel = interrupt::listen()?;
        Ok::<Report, std::io::Error>(work(cancel).await)
    });
    Ok(match runtime.block_on(task) {
        Ok(Ok(report)) => report,
        Ok(Err(error)) => faulted(blank, &error.to_string()),
        Err(fault) => faulted(blank, &fault.to_string()),
    })
}

/// The report of an import that the destination did not let begin.
fn refused_by_destination(blank: Report, class: &str, message: String) -> Report {
    let error = Some(Stop { side: Side::Destination, class: class.to_owned(), message });
    Report { error, finished_at: jiff::Timestamp::now(), ..blank }
}

/// The report of an import that ended by a fault of this program.
fn faulted(blank: Report, what: &str) -> Report {
    let message = engine::error::Error::Internal(what.to_owned()).to_string();
    let error = Some(Stop { side: Side::Internal, class: "internal".to_owned(), message });
    Report { error, finished_at: jiff::Timestamp::now(), ..blank }
}

/// Prints the report and says which exit status it means.
fn conclude(report: &Report, format: Format) -> Exit {
    match format {
        Format::Json => print_json(report),
        Format::Human => print(&human::report(report)),
    }
    Exit::of(report)
}

fn print_json(document: &impl Serialize) {
    match document::json(document) {
        Ok(text) => print(&text),
        Err(error) => notice(format_args!("The report could not be written: {error}")),
    }
}

/// A reader that has gone away does not change what happened, nor the exit status.
fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}
