//! The report for people: how it ended, a table of folders, what did not arrive and why, what to do next.
//!
//! Everything a server said is made harmless for a terminal first.

use std::fmt::Write;

use engine::plan::Plan;
use engine::report::{Counts, Difference, Exception, FolderLine, Report, Side, Stop, Verdict};
use unicode_width::UnicodeWidthStr;

use crate::quantity::{count, counted, size, time};

/// A report names so many messages and leaves the rest to `--format json`.
const NAMED: usize = 20;
/// Wider names are cut in the table.
const NAME_WIDTH: usize = 44;

/// Text from outside without control characters and without marks that turn the direction of writing.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if is_harmful(c) { '\u{FFFD}' } else { c }).collect()
}

/// Whether a character steers a terminal or the direction of writing, or ends a line.
pub(crate) fn is_harmful(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Why something stopped: the plain sentence, and below it what server or system said.
pub(crate) fn stop(stop: &Stop) -> String {
    let side = match stop.side {
        Side::Source => "Old server",
        Side::Destination => "New mailbox",
        Side::Internal => "mailimport",
    };
    // The engine puts the technical part into brackets at the end.
    let message = plain(&stop.message);
    let parts = message.strip_suffix(')').and_then(|text| text.split_once(" ("));
    let mut text = match parts {
        Some((sentence, detail)) => format!("{side}: {sentence}\n  Detail ({}): {detail}\n", stop.class),
        None => format!("{side}: {message}\n"),
    };
    if stop.class == "tls" && message.contains("sha256:") {
        text += "  If you know that this is the right certificate, add --tls-pin and the fingerprint; \
                 for a private authority, --tls-ca FILE.\n";
    }
    text
}

/// An import's or a verification's report.
pub(crate) fn report(report: &Report) -> String {
    let mut text = String::new();
    let user = plain(&report.source.user);
    line(
        &mut text,
        format_args!("{user} at {} -> {}", plain(&report.source.host), plain(&report.destination)),
    );
    line(&mut text, format_args!(""));
    if let Some(error) = &report.error {
        text += &stop(error);
        if report.totals.listed == 0 {
            return text;
        }
        line(&mut text, format_args!(""));
    } else {
        line(&mut text, format_args!("{}", verdict(report)));
        line(&mut text, format_args!(""));
    }
    text += &folders(report);
    text += &balance(report);
    text += &exceptions(&report.exceptions);
    text += &differences(report.differences.as_deref().unwrap_or_default());
    text += &renamed(report);
    for note in &report.notes {
        line(&mut text, format_args!("Note, {}: {}", plain(&note.folder), plain(&note.message)));
    }
    text += &next(report);
    text
}

pub(crate) fn line(text: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{what}");
}

fn verdict(report: &Report) -> &'static str {
    match (report.verdict, &report.differences) {
        (Verdict::Complete, None) => "Complete: every message of the old account is accounted for.",
        (Verdict::Complete, Some(_)) => "Equal: every message is there, octet for octet.",
        (_, Some(_)) => "Not equal: the two sides differ.",
        (Verdict::CompleteWithExceptions, None) => {
            "Complete with exceptions: everything that can be had was imported."
        }
        (Verdict::Incomplete, None) => "Incomplete: something is missing.",
    }
}

/// The columns that hold anything, and one line a folder.
fn folders(report: &Report) -> String {
    type Column = (&'static str, fn(&Counts) -> u64);
    let columns: [Column; 7] = [
        ("imported", |counts| counts.imported),
        ("already there", |counts| counts.already_there),
        ("removed by you", |counts| counts.removed_by_user),
        ("skipped", |counts| counts.skipped),
        ("failed", |counts| counts.failed),
        ("unreadable", |counts| counts.unreadable),
        ("phantom", |counts| counts.phantom),
    ];
    let mut shown: Vec<Column> = vec![("listed", |counts| counts.listed)];
    shown.extend(columns.into_iter().filter(|(_, number)| number(&report.totals) > 0));
    let mut rows =
        vec![std::iter::once("Folder".to_owned()).chain(shown.iter().map(|c| c.0.to_owned())).collect()];
    let row = |name: String, counts: &Counts| -> Vec<String> {
        std::iter::once(name).chain(shown.iter().map(|(_, number)| count(number(counts)))).collect()
    };
    rows.extend(report.folders.iter().map(|folder| row(folder_name(folder), &folder.counts)));
    rows.push(row("Total".to_owned(), &report.totals));
    table(&rows)
}

fn folder_name(folder: &FolderLine) -> String {
    let (source, destination) = (plain(&folder.source), plain(&folder.destination));
    if source == destination { cut(&source) } else { cut(&format!("{source} -> {destination}")) }
}

/// A name that fits into its column.
pub(crate) fn cut(name: &str) -> String {
    if name.width() <= NAME_WIDTH {
        return name.to_owned();
    }
    let mut short = String::new();
    for letter in name.chars() {
        if short.width() >= NAME_WIDTH - 2 {
            break;
        }
        short.push(letter);
    }
    short + "…"
}

/// First column left, the others right, two spaces between.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut cells = String::new();
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let space = " ".repeat(width.saturating_sub(cell.width()));
            cells += &if at == 0 { format!("{cell}{space}") } else { format!("  {space}{cell}") };
        }
        line(&mut text, format_args!("{}", cells.trim_end()));
    }
    text
}

fn balance(report: &Report) -> String {
    let totals = &report.totals;
    let mut text = String::from("\n");
    let parts: Vec<String> = [
        (totals.imported, "imported"),
        (totals.already_there, "already there"),
        (totals.removed_by_user, "removed by you"),
        (totals.skipped, "skipped"),
        (totals.failed, "failed"),
        (totals.unreadable, "unreadable"),
        (totals.phantom, "phantom"),
    ]
    .iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, what)| format!("{} {what}", count(*number)))
    .collect();
    let sum = if parts.is_empty() { "0".to_owned() } else { parts.join(" + ") };
    let folders = report.folders.iter().all(|folder| folder.counts.balances());
    if totals.balances() && folders {
        line(&mut text, format_args!("Balance: {} listed = {sum}.", count(totals.listed)));
    } else {
        line(
            &mut text,
            format_args!("THE NUMBERS DO NOT BALANCE: {} listed, but {sum}.", count(totals.listed)),
        );
    }
    if totals.flags_updated > 0 {
        let messages = counted(totals.flags_updated, "message", "messages");
        line(&mut text, format_args!("Flags brought up to date: {messages}."));
    }
    let (looked, different) = (report.verification.compared, report.verification.different);
    let looked = counted(looked, "message", "messages");
    line(
        &mut text,
        format_args!(
            "Verification: {looked} looked for at the destination, {} missing or different.",
            count(different)
        ),
    );
    let spent = report.finished_at.duration_since(report.started_at).unsigned_abs();
    if totals.bytes > 0 {
        line(&mut text, format_args!("{} in {}.", size(totals.bytes), time(spent)));
    }
    text
}

pub(crate) fn exceptions(exceptions: &[Exception]) -> String {
    let mut text = String::new();
    if exceptions.is_empty() {
        return text;
    }
    line(&mut text, format_args!("\nExceptions:"));
    for exception in exceptions.iter().take(NAMED) {
        let uid = exception.uid.map_or(String::new(), |uid| format!(", UID {uid}"));
        line(&mut text, format_args!("  {}{uid}: {}", plain(&exception.folder), plain(&exception.message)));
        let told = [
            exception.date.as_deref().map(plain),
            exception.from.as_deref().map(|from| format!("from {}", plain(from))),
            exception.subject.as_deref().map(|subject| format!("\"{}\"", plain(subject))),
            exception.size.map(size),
        ];
        let told: Vec<String> = told.into_iter().flatten().collect();
        if !told.is_empty() {
            line(&mut text, format_args!("    {}", told.join(", ")));
        }
    }
    text + &rest(exceptions.len())
}

fn differences(differences: &[Difference]) -> String {
    let mut text = String::new();
    if differences.is_empty() {
        return text;
    }
    line(&mut text, format_args!("\nDifferences:"));
    for difference in differences.iter().take(NAMED) {
        let uids =
            if difference.uids.is_empty() { String::new() } else { format!(", UID {}", difference.uids) };
        line(
            &mut text,
            format_args!("  {}{uids}: {}", plain(&difference.folder), plain(&difference.message)),
        );
    }
    text + &rest(differences.len())
}

fn rest(all: usize) -> String {
    match all.saturating_sub(NAMED) {
        0 => String::new(),
        more => format!("  and {} more; --format json names all.\n", count(more as u64)),
    }
}

fn renamed(report: &Report) -> String {
    let mut text = String::new();
    if !report.renamed_folders.is_empty() || !report.left_out.is_empty() {
        text.push('\n');
    }
    for folder in &report.renamed_folders {
        let (source, destination) = (plain(&folder.source), plain(&folder.destination));
        line(&mut text, format_args!("Folder {source} was saved as {destination}. {}", plain(&folder.why)));
    }
    for (folder, why) in &report.left_out {
        line(&mut text, format_args!("Folder {} was left out. {}", plain(folder), plain(why)));
    }
    text
}

fn next(report: &Report) -> String {
    let retry = report.exceptions.iter().any(|exception| exception.retryable);
    let next = match (&report.error, report.verdict, &report.differences) {
        (Some(stop), _, _) if stop.side == Side::Internal => {
            "Run the same command again; it goes on where it stopped."
        }
        (Some(_), _, _) => "Mend that and run the same command again; it goes on where it stopped.",
        (None, Verdict::Complete, Some(_)) => return String::new(),
        (None, _, Some(_)) => {
            "Run `mailimport import` again, then verify again. Flags that you changed in the new mailbox stay changed."
        }
        (None, Verdict::Complete, None) => {
            "Run the same command again at any time: it brings only what is new."
        }
        (None, Verdict::Incomplete, None) => "Run the same command again: it tries what is missing.",
        (None, Verdict::CompleteWithExceptions, None) if retry => {
            "Run the same command again later: a retry can help."
        }
        (None, Verdict::CompleteWithExceptions, None) => {
            "Trying again would not help. Look at the exceptions in the old mailbox."
        }
    };
    format!("\nNext: {next}\n")
}

/// What `--dry-run` shows.
pub(crate) fn plan(plan: &Plan) -> String {
    let mut text = String::from("Nothing was changed. This is what an import would do:\n\n");
    let header = ["Folder", "messages", "size"].map(str::to_owned).to_vec();
    let rows = plan.folders.iter().map(|folder| {
        let (source, destination) =
            (engine::plan::source_name(&folder.source), folder.destination.to_string());
        let name = if source == destination { source } else { format!("{source} -> {destination}") };
        let told = |number: Option<u64>, shown: fn(u64) -> String| number.map_or("?".to_owned(), shown);
        let status = &folder.source.status;
        vec![cut(&plain(&name)), told(status.messages.map(u64::from), count), told(status.size, size)]
    });
    text += &table(&std::iter::once(header).chain(rows).collect::<Vec<_>>());
    for folder in &plan.renamed {
        let (source, destination) = (plain(&folder.source), plain(&folder.destination));
        line(&mut text, format_args!("Folder {source} becomes {destination}. {}", plain(&folder.why)));
    }
    for folder in &plan.left_out {
        line(&mut text, format_args!("Folder {} is left out. {}", plain(&folder.source), plain(&folder.why)));
    }
    for option in &plan.unused {
        line(&mut text, format_args!("No folder answers to {}.", plain(option)));
    }
    text
}

#[cfg(test)]
mod tests;
