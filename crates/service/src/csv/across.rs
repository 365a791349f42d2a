//! What shows only when rows are compared: duplicates, two sources for one mailbox, two passwords for one mailbox.

use std::collections::HashMap;

use secrecy::ExposeSecret;

use super::CsvRow;
use crate::model::Problem;

/// How many lines a sentence names.
const NAMED_LINES: usize = 10;

/// Two sources for one mailbox are imported one after the other: worth a note.
pub(super) fn mark_shared_mailboxes(rows: &mut [CsvRow]) {
    for indices in by_mailbox(rows).into_values().filter(|indices| indices.len() > 1) {
        let lines = lines(&indices.iter().map(|index| rows[*index].line).collect::<Vec<_>>());
        for index in indices {
            let message =
                format!("Several accounts go into this mailbox, one after the other (lines {lines}).");
            let note = Problem::new("mailbox", "mailbox_shared", message);
            rows[index].notes.push(note.with("lines", &lines).with("mailbox", &rows[index].entry.mailbox));
        }
    }
}

/// A mailbox has one password: two different ones are a problem of each row that names one.
pub(super) fn refuse_conflicting_passwords(rows: &mut [CsvRow]) {
    for mut indices in by_mailbox(rows).into_values() {
        let password = |index: &usize| {
            rows[*index].entry.mailbox_password.as_ref().map(|password| password.expose_secret())
        };
        indices.retain(|index| password(index).is_some());
        if indices.windows(2).all(|two| password(&two[0]) == password(&two[1])) {
            continue;
        }
        let lines = lines(&indices.iter().map(|index| rows[*index].line).collect::<Vec<_>>());
        for index in indices {
            let message =
                format!("This mailbox has different new passwords (lines {lines}); please choose one.");
            let problem = Problem::new("mailbox_password", "mailbox_password_conflict", message);
            rows[index]
                .problems
                .push(problem.with("lines", &lines).with("mailbox", &rows[index].entry.mailbox));
        }
    }
}

/// Says which lines were left out.
pub(super) fn duplicates_note(repeated: &[u64]) -> Option<Problem> {
    if repeated.is_empty() {
        return None;
    }
    let lines = lines(repeated);
    let message = format!("Lines that say exactly the same as an earlier one were left out: {lines}");
    Some(Problem::new("file", "csv_duplicates", message).with("count", repeated.len()).with("lines", lines))
}

/// Rows by mailbox. A name that cannot be used groups with nothing.
fn by_mailbox(rows: &[CsvRow]) -> HashMap<String, Vec<usize>> {
    let mut found: HashMap<String, Vec<usize>> = HashMap::new();
    let usable = |row: &CsvRow| {
        !row.entry.mailbox.is_empty()
            && row.problems.iter().all(|problem| problem.field != "mailbox" && !problem.field.is_empty())
    };
    for (index, row) in rows.iter().enumerate().filter(|(_, row)| usable(row)) {
        found.entry(row.entry.mailbox.clone()).or_default().push(index);
    }
    found
}

fn lines(lines: &[u64]) -> String {
    let named: Vec<String> = lines.iter().take(NAMED_LINES).map(u64::to_string).collect();
    let more = if lines.len() > NAMED_LINES { ", …" } else { "" };
    named.join(", ") + more
}
