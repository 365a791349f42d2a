//! What stands between the fields: said by a first line `sep=;`, or found by what makes the most sense of the rows.

use super::columns::{self, Columns};
use super::records::{Expect, Records};
use crate::model::Problem;

/// In the order in which they win a tie: the documented one first, and the comma, which passwords have most, last.
const CANDIDATES: [char; 3] = [';', '\t', ','];
/// Rows looked at.
const SAMPLE: usize = 100;
/// Rows that are looked through for them.
const MAX_BLANK: usize = 2_000;

/// The records of a text, by the delimiter that was found.
pub(super) fn records(text: &str) -> Result<(Records<'_>, char), Problem> {
    let line_end = text.find(['\n', '\r']).unwrap_or(text.len());
    if let Some(said) = said(&text[..line_end])? {
        let ending = if text[line_end..].starts_with("\r\n") { 2 } else { 1 };
        let at = (line_end + ending).min(text.len());
        return Ok((Records::new(text, at, 2, said), said));
    }
    let mut best = (Sense::default(), CANDIDATES[0]);
    for delimiter in CANDIDATES {
        let sense = sense(Records::new(text, 0, 1, delimiter));
        if sense > best.0 {
            best = (sense, delimiter);
        }
    }
    Ok((Records::new(text, 0, 1, best.1), best.1))
}

/// How much sense the rows make; compared field by field.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Sense {
    /// The first row names the columns.
    named: u8,
    /// Rows with exactly the columns.
    exact: usize,
    /// Rows with about so many.
    about: usize,
    /// Rows with several fields at all.
    several: usize,
}

fn sense(mut records: Records<'_>) -> Sense {
    let mut sense = Sense::default();
    let mut start = records;
    let header = columns::header(&mut start).and_then(Result::ok);
    let count = header.as_ref().map_or(Columns::documented().count, |columns| columns.count);
    if header.is_some() {
        sense.named = 1;
        records = start;
    }
    let rows = std::iter::from_fn(|| records.next(Expect::Columns(count)));
    for record in rows.take(MAX_BLANK).filter(|record| !record.is_blank()).take(SAMPLE) {
        let fields = record.fields.len();
        sense.exact += usize::from(fields == count);
        sense.about += usize::from(fields.abs_diff(count) <= 1);
        sense.several += usize::from(fields > 1);
    }
    sense
}

/// The delimiter that a first line `sep=;` names.
fn said(line: &str) -> Result<Option<char>, Problem> {
    let line = line.trim_matches([' ', '"']);
    let Some(rest) = line.get(..4).filter(|start| start.eq_ignore_ascii_case("sep=")).map(|_| &line[4..])
    else {
        return Ok(None);
    };
    let mut chars = rest.chars();
    match (chars.next(), chars.as_str()) {
        (Some(c), "") if c == '\t' || (c.is_ascii_punctuation() && c != '"') => Ok(Some(c)),
        // A spreadsheet has opened and saved the line as a row of its own: `sep=;;;;`.
        (Some(c), more) if CANDIDATES.contains(&c) && more.chars().all(|next| next == c) => Ok(Some(c)),
        _ => Err(Problem::new(
            "file",
            "csv_separator",
            "The first line, sep=, names no delimiter that can be used.",
        )),
    }
}
