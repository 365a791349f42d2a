//! `mailimport check`: logs in, counts, estimates; changes nothing anywhere.

use std::time::Duration;

use engine::Survey;
use engine::folder::Ownership;
use engine::report::{SourceLine, Stop};
use serde::Serialize;

use super::{many, print, print_json, runtime, watch};
use crate::arguments::{Check, Format};
use crate::exit::Exit;
use crate::human::{self, cut, line, plain, table};
use crate::interrupt;
use crate::quantity::{count, counted, size, time_between};
use crate::setup::{self, WrongUse};

/// What `check` found, as `--format json` prints it.
#[derive(Debug, Serialize)]
pub(crate) struct CheckDocument {
    schema: &'static str,
    source: SourceLine,
    totals: Totals,
    folders: Vec<FolderLine>,
    capabilities: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimate: Option<Estimate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Stop>,
}

/// Sums over the account's own folders that can be opened.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Totals {
    pub(crate) folders: usize,
    pub(crate) messages: u64,
    /// `null` when the server does not tell sizes of folders (RFC 8438).
    pub(crate) bytes: Option<u64>,
}

/// One folder.
#[derive(Debug, Serialize)]
pub(crate) struct FolderLine {
    pub(crate) name: String,
    pub(crate) messages: Option<u64>,
    pub(crate) bytes: Option<u64>,
    pub(crate) subscribed: bool,
}

/// How long an import takes if the line is the limit, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Estimate {
    /// At 100 Mbit/s.
    pub(crate) shortest_seconds: u64,
    /// At 10 Mbit/s.
    pub(crate) longest_seconds: u64,
}

impl Estimate {
    /// Of so many messages and octets. A message costs about a millisecond whatever its size.
    fn new(messages: u64, octets: u64) -> Estimate {
        let at = |octets_a_second: u64| (octets / octets_a_second + messages / 1000).max(1);
        Estimate { shortest_seconds: at(12_500_000), longest_seconds: at(1_250_000) }
    }

    /// As times.
    pub(crate) fn range(self) -> (Duration, Duration) {
        (Duration::from_secs(self.shortest_seconds), Duration::from_secs(self.longest_seconds))
    }
}

/// Checks the source.
pub(crate) fn run(arguments: &Check) -> Result<Exit, WrongUse> {
    if let Some(csv) = &arguments.csv {
        return many::check(arguments, csv);
    }
    // Clap asks for it where there is no list.
    let source = setup::source(arguments.source.as_deref().unwrap_or_default(), &arguments.account)?;
    let settings = setup::patient(&arguments.patience);
    let bars = watch(&arguments.output);
    let outcome = runtime()?.block_on(async {
        let cancel = interrupt::listen()?;
        bars.say(&format!("Counting messages at {}", human::plain(source.host())));
        Ok::<_, WrongUse>(tokio::select! {
            outcome = engine::check(&source, &settings) => outcome,
            () = cancel.cancelled() => Err(engine::error::Error::Interrupted),
        })
    })?;
    bars.finish();
    let line = SourceLine { host: source.host().to_owned(), user: source.user().to_owned(), server: None };
    let document = match outcome {
        Ok(survey) => document(line, survey),
        Err(error) => refused(line, error.stop()),
    };
    match arguments.output.format {
        Format::Json => print_json(&document),
        Format::Human => print(&readable(&document)),
    }
    Ok(document.error.as_ref().map_or(Exit::Complete, Exit::of_stop))
}

const SCHEMA: &str = "mailimport.check/1";

fn refused(source: SourceLine, stop: Stop) -> CheckDocument {
    CheckDocument {
        schema: SCHEMA,
        source,
        totals: Totals::default(),
        folders: Vec::new(),
        capabilities: Vec::new(),
        estimate: None,
        error: Some(stop),
    }
}

fn document(source: SourceLine, survey: Survey) -> CheckDocument {
    let (messages, bytes) = survey.totals();
    let own =
        survey.folders.iter().filter(|folder| folder.selectable && folder.ownership == Ownership::Personal);
    let mut folders: Vec<FolderLine> = own
        .map(|folder| FolderLine {
            name: engine::plan::source_name(folder),
            messages: folder.status.messages.map(u64::from),
            bytes: folder.status.size,
            subscribed: folder.subscribed,
        })
        .collect();
    // As people look for them: INBOX, then by name.
    folders.sort_by(|a, b| (a.name != "INBOX", &a.name).cmp(&(b.name != "INBOX", &b.name)));
    CheckDocument {
        schema: SCHEMA,
        source: SourceLine { server: survey.server, ..source },
        totals: Totals { folders: folders.len(), messages, bytes },
        folders,
        capabilities: survey.capabilities,
        estimate: bytes.map(|bytes| Estimate::new(messages, bytes)),
        error: None,
    }
}

/// The same for people.
fn readable(document: &CheckDocument) -> String {
    let mut text = String::new();
    let (user, host) = (plain(&document.source.user), plain(&document.source.host));
    if let Some(error) = &document.error {
        line(&mut text, format_args!("{user} at {host}\n"));
        return text + &human::stop(error);
    }
    let server =
        document.source.server.as_deref().map_or(String::new(), |name| format!(" ({})", plain(name)));
    line(&mut text, format_args!("{user} at {host}{server}: ready to import.\n"));
    let told = |number: Option<u64>, shown: fn(u64) -> String| number.map_or("?".to_owned(), shown);
    let mut rows = vec![["Folder", "messages", "size"].map(str::to_owned).to_vec()];
    for folder in &document.folders {
        rows.push(vec![cut(&plain(&folder.name)), told(folder.messages, count), told(folder.bytes, size)]);
    }
    let totals = &document.totals;
    rows.push(vec!["Total".to_owned(), count(totals.messages), told(totals.bytes, size)]);
    text += &table(&rows);
    let messages = counted(totals.messages, "message", "messages");
    let folders = counted(totals.folders as u64, "folder", "folders");
    let octets = totals.bytes.map_or(String::new(), |octets| format!(", {}", size(octets)));
    let estimate = document.estimate.map_or(String::new(), |estimate| {
        let (shortest, longest) = estimate.range();
        format!(", {} on a line of 100 to 10 Mbit/s", time_between(shortest, longest))
    });
    line(&mut text, format_args!("\n{messages} in {folders}{octets}{estimate}."));
    line(&mut text, format_args!("Capabilities: {}", plain(&document.capabilities.join(" "))));
    text
}

#[cfg(test)]
mod tests {
    use super::Estimate;

    #[test]
    fn estimates_count_octets_and_messages() {
        for (messages, octets, shortest, longest) in
            [(0, 0, 1, 1), (2_000, 107_000_000, 10, 87), (100_000, 0, 100, 100)]
        {
            let expected = Estimate { shortest_seconds: shortest, longest_seconds: longest };
            assert_eq!(Estimate::new(messages, octets), expected);
        }
    }
}
