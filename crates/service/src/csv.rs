//! Reading a list of accounts from a CSV file, as people and spreadsheets write them.
//!
//! Delimiter, encoding and columns are found out; every problem stands at its own row with its line. Pure: nothing is
//! stored, and no note or problem repeats a password. Passwords are never trimmed.

mod across;
mod columns;
mod damage;
mod delimiter;
mod encoding;
pub mod export;
mod records;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use secrecy::{ExposeSecret, SecretString};

use crate::entry_fields::{self, Absent};
use crate::model::{NewEntry, Problem};
use columns::{Column, Columns};
use records::{Expect, Record, Records};

/// Octets of a file at most.
pub const MAX_OCTETS: usize = 5 * 1024 * 1024;
/// Rows at most, duplicates included, the header not.
pub const MAX_ROWS: usize = 10_000;

/// What a file holds.
#[derive(Debug)]
pub struct CsvPreview {
    /// Rows that are no duplicates, in the file's order.
    pub rows: Vec<CsvRow>,
    /// What concerns the whole file (`csv_encoding_guessed`, `csv_duplicates`, `csv_column_ignored`).
    pub notes: Vec<Problem>,
    /// Rows that were left out because an earlier one says exactly the same.
    pub duplicates: u64,
    /// What stands between the fields.
    pub delimiter: char,
    /// The encoding's name, as in `UTF-8`, `UTF-16LE`, `windows-1252`.
    pub encoding: &'static str,
    /// Whether the first row names the columns.
    pub header: Header,
}

/// Whether the first row names the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// It does.
    Present,
    /// The columns stand in the documented order.
    Absent,
}

/// One row: one entry that is to be.
#[derive(Debug)]
pub struct CsvRow {
    /// The line on which it begins, from 1, as an editor counts.
    pub line: u64,
    /// Its fields; passwords are absent where the row could not be cut into fields with certainty.
    pub entry: NewEntry,
    /// What cannot be used as it is.
    pub problems: Vec<Problem>,
    /// Worth knowing.
    pub notes: Vec<Problem>,
}

/// Reads a file for mailboxes of `domain`. Fails only where nothing can be made of the file as a whole.
pub fn read(octets: &[u8], domain: &str) -> Result<CsvPreview, Problem> {
    if octets.len() > MAX_OCTETS {
        let problem = Problem::new("file", "csv_too_large", "The file is larger than 5 MiB.");
        return Err(problem.with("limit", "5 MiB"));
    }
    let decoded = encoding::decode(octets)?;
    let (mut records, delimiter) = delimiter::records(&decoded.text)?;
    let (columns, header) = match columns::header(&mut records) {
        Some(columns) => (columns?, Header::Present),
        None => (Columns::documented(), Header::Absent),
    };
    let letters = if decoded.note.is_some() { Letters::Guessed } else { Letters::Known };
    let mut reading = Reading::new(&columns, domain, letters);
    reading.all(records)?;
    if reading.rows.is_empty() {
        return Err(Problem::new("file", "csv_empty", "The file holds no line with an account."));
    }
    across::mark_shared_mailboxes(&mut reading.rows);
    across::refuse_conflicting_passwords(&mut reading.rows);
    let mut notes: Vec<Problem> = decoded.note.into_iter().collect();
    notes.extend(columns.ignored_note());
    notes.extend(across::duplicates_note(&reading.repeated));
    Ok(CsvPreview {
        duplicates: reading.repeated.len() as u64,
        rows: reading.rows,
        notes,
        delimiter,
        encoding: decoded.encoding,
        header,
    })
}

/// Whether the letters beyond ASCII are certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Letters {
    Known,
    Guessed,
}

struct Reading<'a> {
    columns: &'a Columns,
    domain: &'a str,
    letters: Letters,
    rows: Vec<CsvRow>,
    /// Digests of the rows: no second copy of a password.
    seen: HashSet<blake3::Hash>,
    /// Lines left out.
    repeated: Vec<u64>,
}

impl<'a> Reading<'a> {
    fn new(columns: &'a Columns, domain: &'a str, letters: Letters) -> Reading<'a> {
        Reading { columns, domain, letters, rows: Vec::new(), seen: HashSet::new(), repeated: Vec::new() }
    }

    fn all(&mut self, mut records: Records<'_>) -> Result<(), Problem> {
        while let Some(record) = records.next(Expect::Columns(self.columns.count)) {
            // Spreadsheets write rows of nothing but delimiters.
            if record.is_blank() {
                continue;
            }
            if self.rows.len() + self.repeated.len() == MAX_ROWS {
                let problem =
                    Problem::new("file", "csv_too_many_rows", "The file has more than 10,000 rows.");
                return Err(problem.with("limit", MAX_ROWS));
            }
            match self.cut_problem(&record) {
                Some(problem) => self.rows.push(self.uncertain_row(&record, problem)),
                None => {
                    let row = self.row(&record);
                    if self.seen.insert(digest(&row.entry)) {
                        self.rows.push(row);
                    } else {
                        self.repeated.push(row.line);
                    }
                }
            }
        }
        Ok(())
    }

    fn row(&self, record: &Record) -> CsvRow {
        let text = |column| self.columns.of(record, column).unwrap_or_default().to_owned();
        let secret = |column| self.columns.of(record, column).map(SecretString::from);
        let entry = NewEntry {
            server: text(Column::Server),
            username: text(Column::Username),
            password: secret(Column::Password),
            mailbox: text(Column::Mailbox),
            mailbox_password: secret(Column::MailboxPassword),
        };
        let mut problems = damage::problems(&entry);
        let examined = entry_fields::examine(entry, self.domain, Absent::Missing);
        // A damaged field has said all there is to say of it.
        let said = problems.len();
        for problem in examined.problems {
            if problems[..said].iter().all(|known| known.field != problem.field) {
                problems.push(problem);
            }
        }
        let guessed = self.letters == Letters::Guessed && !record.fields.iter().all(|field| field.is_ascii());
        let notes = guessed.then(encoding::guessed_in_row).into_iter().collect();
        CsvRow { line: record.line, entry: examined.entry, problems, notes }
    }

    /// Why the row could not be cut into the columns.
    fn cut_problem(&self, record: &Record) -> Option<Problem> {
        if let Some(fault) = record.fault {
            return Some(fault.problem());
        }
        let (found, expected) = (record.fields.len(), self.columns.count);
        let enough = found >= self.columns.fewest() && !self.lacks_the_server(record);
        if enough && record.surplus(expected).is_none() {
            return None;
        }
        let message = format!(
            "Line {} has {found} fields instead of {expected}. A password that contains the delimiter stands in quotation marks.",
            record.line
        );
        let problem = Problem::new("", "csv_columns", message);
        Some(problem.with("line", record.line).with("found", found).with("expected", expected))
    }

    /// A row without its first field: the user name stands where the server belongs, and the password where the user
    /// name does. The last field may be left out, so the count alone does not tell.
    fn lacks_the_server(&self, record: &Record) -> bool {
        let short =
            record.fields.len() + 1 == self.columns.count && self.columns.index(Column::Server) == Some(0);
        let first = record.fields.first().map_or("", |field| field.trim());
        let is_server = first.contains("://") || !first.contains('@') && first.contains(['.', ':']);
        short && !first.is_empty() && !is_server
    }

    /// A row that is cut wrongly: only what stands before any password can be relied on, and where a field is missing
    /// the password may stand one place earlier.
    fn uncertain_row(&self, record: &Record, problem: Problem) -> CsvRow {
        let missing = usize::from(record.fault.is_none() && record.fields.len() < self.columns.count);
        let reliable = self.columns.first_password().saturating_sub(missing);
        let text = |column| {
            let index = self.columns.index(column).filter(|index| *index < reliable);
            index
                .and_then(|index| record.fields.get(index))
                .map(|field| field.trim().to_owned())
                .unwrap_or_default()
        };
        let entry = NewEntry {
            server: text(Column::Server),
            username: text(Column::Username),
            password: None,
            mailbox: text(Column::Mailbox),
            mailbox_password: None,
        };
        CsvRow { line: record.line, entry, problems: vec![problem], notes: Vec::new() }
    }
}

/// The same for rows that say exactly the same.
fn digest(entry: &NewEntry) -> blake3::Hash {
    let secret = |secret: &Option<SecretString>| {
        blake3::hash(secret.as_ref().map_or(&[][..], |secret| secret.expose_secret().as_bytes()))
    };
    let mut hasher = blake3::Hasher::new();
    for text in [&entry.server, &entry.username, &entry.mailbox] {
        hasher.update(blake3::hash(text.as_bytes()).as_bytes());
    }
    hasher.update(secret(&entry.password).as_bytes());
    hasher.update(secret(&entry.mailbox_password).as_bytes());
    hasher.finalize()
}
