//! `mailimport.run/1`: the report of every line of the list, also of those that could not be started.

use std::path::{Path, PathBuf};

use engine::report::{Report, Side as EngineSide, SourceLine, Stop, Verdict};
use jiff::Timestamp;
use mailhost::DomainName;
use serde::Serialize;
use service::model::{Entry, EntryId, EntryState, Failure, Import, Problem, Side};
use service::reports::RUN_SCHEMA;

use super::Extent;
use super::show::ended;
use crate::exit::Exit;
use crate::human::{self, plain};
use crate::quantity::{counted, size};

/// The whole document.
#[derive(Debug, Serialize)]
pub(super) struct Document {
    schema: &'static str,
    verdict: Verdict,
    domain: String,
    started_at: Timestamp,
    finished_at: Timestamp,
    imports: Vec<Line>,
    /// Why nothing could be done at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Stop>,
    #[serde(skip)]
    root: PathBuf,
    #[serde(skip)]
    only_checked: bool,
    #[serde(skip)]
    was_interrupted: bool,
}

/// One line of the file.
#[derive(Debug, Serialize)]
struct Line {
    /// Where it stands in the file.
    line: Option<u64>,
    mailbox: String,
    state: String,
    /// What of the line cannot be used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<Problem>,
    #[serde(flatten)]
    report: Report,
    #[serde(skip)]
    id: EntryId,
    /// How it ended, for people.
    #[serde(skip)]
    said: String,
    #[serde(skip)]
    started: bool,
}

impl Document {
    pub(super) fn new(domain: &DomainName, root: &Path, extent: Extent) -> Document {
        let now = Timestamp::now();
        Document {
            schema: RUN_SCHEMA,
            verdict: Verdict::Incomplete,
            domain: domain.to_string(),
            started_at: now,
            finished_at: now,
            imports: Vec::new(),
            error: None,
            root: root.to_path_buf(),
            only_checked: extent == Extent::Check,
            was_interrupted: false,
        }
    }

    /// A line of the list, checked.
    pub(super) fn add_entry(&mut self, entry: &Entry) {
        let found = entry.check.as_ref().and_then(|check| check.server.as_ref());
        let endpoint = found.and_then(|server| service::server_field::parse(&server.url).ok()?.pop());
        let source = SourceLine {
            host: endpoint.map_or_else(|| entry.server.clone(), |endpoint| endpoint.host),
            user: entry.username.clone(),
            server: entry.check.as_ref().and_then(|check| check.software.clone()),
        };
        let error = stop(entry);
        let said = error.as_ref().map_or_else(|| ready(entry), |stop| stop.message.clone());
        let verified = entry.state == EntryState::Verified;
        let mailbox = format!("{}@{}", entry.mailbox, self.domain);
        let destination = self.root.join(&self.domain).join(&entry.mailbox).join("Maildir");
        let mut report = blank(source, &destination);
        report.error = error;
        if verified && self.only_checked {
            report.verdict = Verdict::Complete;
        }
        if let Some(check) = entry.check.as_ref().filter(|_| verified && self.only_checked) {
            report.totals.listed = check.messages;
        }
        self.imports.push(Line {
            line: line_in_file(entry),
            mailbox,
            state: word(&entry.state),
            problems: entry.problems.clone(),
            report,
            id: entry.id,
            said,
            started: false,
        });
        self.judge();
    }

    /// What became of a line that was started.
    pub(super) fn add_import(&mut self, import: &Import) {
        // An entry that is started keeps its id.
        let Some(line) = self.imports.iter_mut().find(|line| line.id.0 == import.id.0) else { return };
        line.started = true;
        line.state = word(&import.state);
        line.said = ended(import);
        if let Some(report) = &import.report {
            line.report = report.clone();
        }
        if let Some(failure) = &import.failure
            && line.report.error.is_none()
        {
            line.report.error = Some(stop_of(failure));
        }
        self.judge();
    }

    /// Nothing could be done at all.
    pub(super) fn failed(mut self, side: EngineSide, class: &str, message: String) -> Document {
        self.error = Some(Stop { side, class: class.to_owned(), message });
        self.finished_at = Timestamp::now();
        self
    }

    /// Somebody stopped it.
    pub(super) fn interrupted(&mut self) {
        self.was_interrupted = true;
        for line in &mut self.imports {
            let is_open = line.report.error.is_none() && line.report.verdict == Verdict::Incomplete;
            if is_open && (!line.started || line.state == "cancelled") {
                let message = engine::error::Error::Interrupted.to_string();
                line.said.clone_from(&message);
                line.report.error =
                    Some(Stop { side: EngineSide::Internal, class: "interrupted".to_owned(), message });
            }
        }
    }

    fn judge(&mut self) {
        self.finished_at = Timestamp::now();
        let all =
            |verdicts: &[Verdict]| self.imports.iter().all(|line| verdicts.contains(&line.report.verdict));
        self.verdict = match () {
            () if all(&[Verdict::Complete]) => Verdict::Complete,
            () if all(&[Verdict::Complete, Verdict::CompleteWithExceptions]) => {
                Verdict::CompleteWithExceptions
            }
            () => Verdict::Incomplete,
        };
    }

    /// 0 all complete, 1 some were not, 3 none could start.
    pub(super) fn exit(&self) -> Exit {
        if let Some(stop) = &self.error {
            return Exit::of_stop(stop);
        }
        let usable = |line: &Line| line.started || line.report.error.is_none();
        match self.verdict {
            _ if self.was_interrupted => Exit::Interrupted,
            Verdict::Complete => Exit::Complete,
            _ if !self.imports.iter().any(usable) => Exit::Source,
            _ => Exit::Exceptions,
        }
    }

    /// A line for each mailbox, then what did not arrive.
    pub(super) fn for_people(&self) -> String {
        if let Some(error) = &self.error {
            return human::stop(error);
        }
        let complete = self.imports.iter().filter(|line| line.report.verdict == Verdict::Complete).count();
        let done = if self.only_checked { "ready" } else { "complete" };
        let mut text = format!(
            "{complete} of {} {done}.\n\n",
            counted(self.imports.len() as u64, "account", "accounts")
        );
        for line in &self.imports {
            let at = line.line.map_or(String::new(), |line| format!("line {line}: "));
            let user = plain(&line.report.source.user);
            text += &format!("{at}{user} -> {}: {}\n", plain(&line.mailbox), plain(&line.said));
            for problem in line.problems.iter().skip(1) {
                text += &format!("  {}\n", plain(&problem.message));
            }
            text += &human::exceptions(&line.report.exceptions);
        }
        let (messages, octets) = self.imports.iter().fold((0, 0), |(messages, octets), line| {
            (messages + line.report.totals.imported, octets + line.report.totals.bytes)
        });
        if messages > 0 {
            text += &format!("\nImported: {}, {}.\n", counted(messages, "message", "messages"), size(octets));
        }
        if self.verdict == Verdict::Incomplete && !self.only_checked {
            text += "Mend what is named, and run the same command again: it brings what is missing.\n";
        }
        text
    }
}

/// A state's name, as in every JSON document.
fn word(state: &impl Serialize) -> String {
    match serde_json::to_value(state) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// What a check found, for people.
fn ready(entry: &Entry) -> String {
    let Some(check) = &entry.check else { return "not checked".to_owned() };
    let folders = counted(check.folders, "folder", "folders");
    let octets = check.octets.map_or(String::new(), |octets| format!(", {}", size(octets)));
    format!("ready, {} in {folders}{octets}", counted(check.messages, "message", "messages"))
}

/// Why an entry could not be started.
fn stop(entry: &Entry) -> Option<Stop> {
    if let Some(problem) = entry.problems.first() {
        return Some(Stop {
            side: EngineSide::Source,
            class: "invalid".to_owned(),
            message: problem.message.clone(),
        });
    }
    entry.check.as_ref().and_then(|check| check.failure.as_ref()).map(stop_of)
}

fn stop_of(failure: &Failure) -> Stop {
    let side = match failure.side {
        Side::Source => EngineSide::Source,
        Side::Destination => EngineSide::Destination,
        Side::Internal => EngineSide::Internal,
    };
    Stop { side, class: failure.class.clone(), message: failure.message.clone() }
}

fn line_in_file(entry: &Entry) -> Option<u64> {
    let note = entry.notes.iter().find(|note| note.code == "csv_line")?;
    note.args.get("line")?.parse().ok()
}

fn blank(source: SourceLine, destination: &Path) -> Report {
    Report::blank(source, format!("maildir:{}", destination.display()), Timestamp::now())
}
