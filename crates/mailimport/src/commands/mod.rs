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

use engine::report::{Counts, Report, SCHEMA, Side, SourceLine, Stop, Verdict, Verification};
use serde::Serialize;

use crate::arguments::{Format, OutputOptions};
use crate::bars::Bars;
use crate::exit::Exit;
use crate::human;
use crate::notice::notice;
use crate::setup::WrongUse;

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
fn blank_report(source: &engine::account::Source, destination: &str) -> Report {
    let now = jiff::Timestamp::now();
    Report {
        schema: SCHEMA.into(),
        verdict: Verdict::Incomplete,
        source: SourceLine { host: source.host().to_owned(), user: source.user().to_owned(), server: None },
        destination: destination.to_owned(),
        started_at: now,
        finished_at: now,
        totals: Counts::default(),
        folders: Vec::new(),
        exceptions: Vec::new(),
        renamed_folders: Vec::new(),
        left_out: Default::default(),
        notes: Vec::new(),
        verification: Verification::default(),
        differences: None,
        error: None,
    }
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
    match serde_json::to_string_pretty(document) {
        Ok(text) => print(&(text + "\n")),
        Err(error) => notice(format_args!("The report could not be written: {error}")),
    }
}

/// A reader that has gone away does not change what happened, nor the exit status.
fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}
