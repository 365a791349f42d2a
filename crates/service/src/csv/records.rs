//! From text to records (RFC 4180), and what is wrong with their quotation marks.
//!
//! A reader that takes the end of the file for the end of a quoted field would lose every row behind one forgotten mark, so
//! this one is strict: after a faulty line it goes on with the next one, and tells which line it was. A field may hold line
//! ends, as long as its record has the number of columns that is expected.

use secrecy::zeroize::Zeroizing;

use crate::model::Problem;

/// Octets of a quoted field at most. Bounds what a forgotten mark can cost.
const MAX_QUOTED: usize = 16 * 1024;

/// What is wrong with the quotation marks of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Opened on this line and not closed.
    Unclosed { line: u64 },
    /// On this line something else than a delimiter follows a closing one.
    TextAfter { line: u64 },
}

impl Fault {
    pub(super) fn problem(self) -> Problem {
        let (code, line, message) = match self {
            Fault::Unclosed { line } => (
                "csv_quote_unclosed",
                line,
                format!(
                    "A quotation mark that opens on line {line} is not closed. Inside quotation marks, a quotation mark is written twice."
                ),
            ),
            Fault::TextAfter { line } => (
                "csv_quote_text",
                line,
                format!(
                    "On line {line} something follows a closing quotation mark. Inside quotation marks, a quotation mark is written twice."
                ),
            ),
        };
        Problem::new("", code, message).with("line", line)
    }
}

/// A row of fields.
#[derive(Debug)]
pub(super) struct Record {
    /// The line on which it begins, from 1.
    pub(super) line: u64,
    /// Its fields; with a fault only those before it.
    pub(super) fields: Vec<Zeroizing<String>>,
    pub(super) fault: Option<Fault>,
}

impl Record {
    /// What stands behind the last column, where that is more than delimiters and spaces.
    pub(super) fn surplus(&self, columns: usize) -> Option<&str> {
        self.fields.iter().skip(columns).map(|field| field.trim()).find(|field| !field.is_empty())
    }

    /// Nothing but delimiters and spaces.
    pub(super) fn is_blank(&self) -> bool {
        self.fault.is_none() && self.fields.iter().all(|field| field.trim().is_empty())
    }
}

/// How many fields a record that spans lines must have to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    /// Any number but one.
    Several,
    /// So many.
    Columns(usize),
}

/// The records of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Records<'a> {
    text: &'a str,
    at: usize,
    line: u64,
    delimiter: char,
}

/// Where a reading stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    at: usize,
    line: u64,
}

/// How a field ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Field,
    Record,
}

impl<'a> Records<'a> {
    /// From an octet and line on.
    pub(super) fn new(text: &'a str, at: usize, line: u64, delimiter: char) -> Records<'a> {
        Records { text, at, line, delimiter }
    }

    /// The next record; of blank ones only those with delimiters.
    pub(super) fn next(&mut self, expect: Expect) -> Option<Record> {
        self.skip_line_ends();
        if self.at >= self.text.len() {
            return None;
        }
        let (record, end) = self.record(expect);
        let end = match record.fault {
            None => end,
            Some(_) => self.next_line(Place { at: self.at, line: self.line }),
        };
        (self.at, self.line) = (end.at, end.line);
        Some(record)
    }

    fn skip_line_ends(&mut self) {
        let octets = self.text.as_bytes();
        while let Some(octet @ (b'\n' | b'\r')) = octets.get(self.at) {
            let pair = *octet == b'\r' && octets.get(self.at + 1) == Some(&b'\n');
            self.at += if pair { 2 } else { 1 };
            self.line += 1;
        }
    }

    fn record(&self, expect: Expect) -> (Record, Place) {
        let mut place = Place { at: self.at, line: self.line };
        let mut record = Record { line: self.line, fields: Vec::new(), fault: None };
        // The first field that holds a line end: its index and line.
        let mut spans = None;
        loop {
            let opened = place.line;
            let end = match self.field(&mut place) {
                Ok((field, end)) => {
                    if spans.is_none() && field.contains(['\n', '\r']) {
                        spans = Some((record.fields.len(), opened));
                    }
                    record.fields.push(field);
                    end
                }
                Err(fault) => {
                    record.fault = Some(fault);
                    End::Record
                }
            };
            if end == End::Record {
                break;
            }
        }
        let believed = match expect {
            Expect::Several => record.fields.len() > 1,
            Expect::Columns(count) => record.fields.len() >= count && record.surplus(count).is_none(),
        };
        if let Some((index, line)) = spans.filter(|_| record.fault.is_some() || !believed) {
            record.fault = Some(Fault::Unclosed { line });
            record.fields.truncate(index);
        }
        (record, place)
    }

    /// Reads one field and what ends it.
    fn field(&self, place: &mut Place) -> Result<(Zeroizing<String>, End), Fault> {
        let rest = &self.text[place.at..];
        // Some writers put a space behind each delimiter.
        if let Some(quoted) = rest.trim_start_matches(' ').strip_prefix('"') {
            let from = Place { at: self.text.len() - quoted.len(), line: place.line };
            return self.quoted(from, place);
        }
        let length = rest.find([self.delimiter, '\n', '\r']).unwrap_or(rest.len());
        place.at += length;
        Ok((Zeroizing::new(rest[..length].to_owned()), self.end(place)))
    }

    fn quoted(&self, from: Place, place: &mut Place) -> Result<(Zeroizing<String>, End), Fault> {
        let mut field = Zeroizing::new(String::new());
        let mut at = from.at;
        loop {
            let rest = &self.text[at..];
            let within = rest.len().min((MAX_QUOTED + from.at).saturating_sub(at));
            let closed = rest.as_bytes()[..within].iter().position(|octet| *octet == b'"');
            let Some(length) = closed else { return Err(Fault::Unclosed { line: from.line }) };
            field.push_str(&rest[..length]);
            at += length + 1;
            if self.text[at..].starts_with('"') {
                field.push('"');
                at += 1;
                continue;
            }
            let spaces = self.text[at..].len() - self.text[at..].trim_start_matches(' ').len();
            let next = self.text[at + spaces..].chars().next();
            if next.is_none_or(|c| c == self.delimiter || c == '\n' || c == '\r') {
                *place = Place { at: at + spaces, line: from.line + line_ends(&field) };
                let end = self.end(place);
                return Ok((field, end));
            }
            let same_line = line_ends(&field) == 0;
            let line = from.line;
            return Err(if same_line { Fault::TextAfter { line } } else { Fault::Unclosed { line } });
        }
    }

    /// Steps over what ends a field.
    fn end(&self, place: &mut Place) -> End {
        if self.text[place.at..].starts_with(self.delimiter) {
            place.at += self.delimiter.len_utf8();
            return End::Field;
        }
        *place = self.next_line(*place);
        End::Record
    }

    /// The start of the line behind.
    fn next_line(&self, place: Place) -> Place {
        let rest = &self.text[place.at..];
        let Some(length) = rest.find(['\n', '\r']) else {
            return Place { at: self.text.len(), line: place.line };
        };
        let ending = if rest[length..].starts_with("\r\n") { 2 } else { 1 };
        Place { at: place.at + length + ending, line: place.line + 1 }
    }
}

fn line_ends(text: &str) -> u64 {
    let returns = text.matches('\r').count();
    (text.matches('\n').count() + returns - text.matches("\r\n").count()) as u64
}
