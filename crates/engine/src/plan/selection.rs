//! Which folders and messages the operator asked for: `--include`, `--exclude`, `--since`, `--max-size`, `--map`.
//!
//! Names are the decoded ones at the source, levels joined by `/` whatever the server's own separator is. They are told apart by case,
//! except INBOX. A pattern matches a whole name: `*` stays within a level, `**` does not (`{Work,Work/**}` is a
//! folder with all below it). A pattern never matches by accident of spelling: composed and decomposed letters are the same.

use globset::{GlobBuilder, GlobMatcher};
use jiff::civil::Date;

use super::rules::nfc;

/// Gmail's container looks like a glob's character class, which nobody can mean here.
const GMAIL_CONTAINERS: [(&str, &str); 2] =
    [("[Gmail]", "[[]Gmail[]]"), ("[Google Mail]", "[[]Google Mail[]]")];

/// Why an option cannot be used; each is one plain sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// Not a glob.
    #[error("the pattern {pattern:?} cannot be used: {reason}")]
    Pattern {
        /// As given.
        pattern: String,
        /// The cause.
        reason: String,
    },
    /// Not a date.
    #[error("{0:?} is no date; write it as 2024-12-31")]
    Date(String),
    /// Not a size.
    #[error("{0:?} is no size; write it as 25MB, 25MiB or as a number of octets")]
    Size(String),
    /// Not `OLD=NEW`.
    #[error("{0:?} cannot be used to rename a folder; write it as OLD=NEW, with \\= for a = in the old name")]
    Map(String),
    /// A level of the new name is empty.
    #[error("the folder name {0:?} has an empty part")]
    EmptyPart(String),
    /// Nothing can be renamed to INBOX.
    #[error("{0:?} cannot be imported into INBOX, which the old INBOX fills; choose another folder")]
    Inbox(String),
    /// One folder is to go to two places.
    #[error("the folder {0:?} is renamed twice")]
    RenamedTwice(String),
    /// Two folders are to go to one place.
    #[error("two folders are renamed to {0:?}; each needs a name of its own")]
    SameTarget(String),
}

/// One `--include` or `--exclude`.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    literal: String,
    matcher: GlobMatcher,
}

impl Pattern {
    /// Reads a pattern.
    pub fn new(text: &str) -> Result<Pattern, SelectionError> {
        let literal = canonical(text);
        let mut glob = literal.clone();
        for (container, escaped) in GMAIL_CONTAINERS {
            if let Some(rest) = glob.strip_prefix(container) {
                glob = format!("{escaped}{rest}");
            }
        }
        let refused = |reason: String| SelectionError::Pattern { pattern: text.to_owned(), reason };
        if has_wide_class(&glob) {
            return Err(refused(
                "only ASCII can stand in [...]; write {ä,ö} for one of several letters".to_owned(),
            ));
        }
        let built = GlobBuilder::new(&glob).literal_separator(true).build();
        let matcher = built.map_err(|error| refused(error.kind().to_string()))?.compile_matcher();
        Ok(Pattern { text: text.to_owned(), literal, matcher })
    }

    /// As the operator wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it matches a source name. A name written out always matches itself, whatever characters it has.
    pub fn matches(&self, name: &str) -> bool {
        let name = canonical(name);
        name == self.literal || self.matcher.is_match(self.one_octet_each(&name))
    }

    /// The name with one octet for each letter beyond ASCII that the pattern does not spell out: `?` and `[!a]` are one
    /// octet to the matcher and one letter to people.
    fn one_octet_each(&self, name: &str) -> String {
        let spelled = |c: char| c.is_ascii() || self.literal.contains(c);
        name.chars().map(|c| if spelled(c) { c } else { '\u{1}' }).collect()
    }
}

/// What to import. The default is everything, unrenamed.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Only folders that one of these matches; no pattern means all.
    pub include: Vec<Pattern>,
    /// Not the folders that one of these matches; stronger than `include`.
    pub exclude: Vec<Pattern>,
    /// Only messages received on or after this day.
    pub since: Option<Date>,
    /// Only messages of at most this many octets.
    pub max_size: Option<u64>,
    /// Source name and destination name; what lies below a folder follows it.
    pub map: Vec<(String, String)>,
}

impl Selection {
    /// Adds an `--include GLOB`.
    pub fn include(mut self, glob: &str) -> Result<Selection, SelectionError> {
        self.include.push(Pattern::new(glob)?);
        Ok(self)
    }

    /// Adds an `--exclude GLOB`.
    pub fn exclude(mut self, glob: &str) -> Result<Selection, SelectionError> {
        self.exclude.push(Pattern::new(glob)?);
        Ok(self)
    }

    /// Sets `--since DATE`, an ISO 8601 date.
    pub fn since(mut self, date: &str) -> Result<Selection, SelectionError> {
        let day = date.trim().parse().map_err(|_| SelectionError::Date(date.to_owned()))?;
        self.since = Some(day);
        Ok(self)
    }

    /// Sets `--max-size SIZE`: octets, or a number with k, M, G, T (powers of 1000) or Ki, Mi, Gi, Ti (powers of 1024), B optional.
    pub fn max_size(mut self, size: &str) -> Result<Selection, SelectionError> {
        self.max_size = Some(octets(size).ok_or_else(|| SelectionError::Size(size.to_owned()))?);
        Ok(self)
    }

    /// Adds a `--map OLD=NEW`.
    pub fn map(mut self, old_and_new: &str) -> Result<Selection, SelectionError> {
        let (old, new) = split_map(old_and_new).ok_or_else(|| SelectionError::Map(old_and_new.to_owned()))?;
        if new.split('/').any(str::is_empty) {
            return Err(SelectionError::EmptyPart(new));
        }
        if new.eq_ignore_ascii_case("INBOX") {
            return Err(SelectionError::Inbox(old));
        }
        if self.map.iter().any(|(other, _)| canonical(other) == canonical(&old)) {
            return Err(SelectionError::RenamedTwice(old));
        }
        if self.map.iter().any(|(_, other)| canonical(other) == canonical(&new)) {
            return Err(SelectionError::SameTarget(new));
        }
        self.map.push((old, new));
        Ok(self)
    }

    /// Why a folder is left out, if it is.
    pub(super) fn refuses(&self, name: &str) -> Option<String> {
        if let Some(pattern) = self.exclude.iter().find(|p| p.matches(name)) {
            return Some(format!("It was excluded ({}).", pattern.text()));
        }
        if !self.include.is_empty() && !self.include.iter().any(|p| p.matches(name)) {
            return Some("It is not among the folders that were asked for.".to_owned());
        }
        None
    }

    /// Where a folder was asked to go.
    pub(super) fn mapped(&self, name: &str) -> Option<&str> {
        if self.map.is_empty() {
            return None;
        }
        let name = canonical(name);
        self.map.iter().find(|(old, _)| canonical(old) == name).map(|(_, new)| new.as_str())
    }
}

/// Whether a character class holds more than ASCII, which the matcher would read octet by octet.
fn has_wide_class(glob: &str) -> bool {
    let mut classes = glob.split('[').skip(1).filter_map(|rest| rest.split_once(']')).map(|(class, _)| class);
    classes.any(|class| !class.is_ascii())
}

/// A name or pattern in NFC, with a leading INBOX in upper case.
pub(super) fn canonical(name: &str) -> String {
    let name = nfc(name);
    match name.get(..5) {
        Some(head)
            if head.eq_ignore_ascii_case("INBOX") && matches!(name.as_bytes().get(5), None | Some(b'/')) =>
        {
            format!("INBOX{}", &name[5..])
        }
        _ => name.into_owned(),
    }
}

fn split_map(text: &str) -> Option<(String, String)> {
    let at = text.match_indices('=').map(|(at, _)| at).find(|at| !text[..*at].ends_with('\\'))?;
    let (old, new) = (text[..at].replace("\\=", "="), text[at + 1..].to_owned());
    (!old.is_empty() && !new.is_empty()).then_some((old, new))
}

fn octets(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim_start().to_ascii_lowercase();
    let unit = unit.strip_suffix('b').unwrap_or(&unit);
    let (letter, base) = unit.strip_suffix('i').map_or((unit, 1000_u64), |letter| (letter, 1024));
    let power = match (letter, base) {
        ("", 1000) => 0,
        ("k", _) => 1,
        ("m", _) => 2,
        ("g", _) => 3,
        ("t", _) => 4,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(base.checked_pow(power)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names_level_by_level() {
        for (pattern, name, expected) in [
            ("Work", "Work", true),
            ("Work", "Work/2023", false),
            ("Work", "work", false),
            ("W*", "Work", true),
            ("*", "Work/2023", false),
            ("**", "Work/2023/May", true),
            ("Work/*", "Work/2023", true),
            ("Work/*", "Work/2023/May", false),
            ("Work/**", "Work/2023/May", true),
            ("{Work,Work/**}", "Work", true),
            ("inbox", "INBOX", true),
            ("INBOX", "Inbox", true),
            ("inbox/*", "INBOX/x", true),
            ("inboxes", "INBOXES", false),
            ("[Gmail]/*", "[Gmail]/Spam", true),
            ("[Gmail]/*", "G/Spam", false),
            ("[Google Mail]/Spam", "[Google Mail]/Spam", true),
            ("a[1]", "a[1]", true),
            ("a[1]", "a1", true),
            ("Entwu\u{308}rfe", "Entwürfe", true),
            ("Entw*rfe", "Entwürfe", true),
            ("Entw?rfe", "Entwürfe", true),
            ("Entw?rfe", "Entwuerfe", false),
            ("Entw[!a]rfe", "Entwürfe", true),
            ("送信?み*", "送信済みアイテム", true),
            ("ü*ä", "üöä", true),
            ("ü*ä", "üö", false),
            ("{ä,ö,ü}b", "öb", true),
            ("{ä,ö,ü}b", "éb", false),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap().matches(name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_broken_pattern_is_named() {
        let error = Selection::default().include("a[").unwrap_err().to_string();
        assert!(error.starts_with("the pattern \"a[\" cannot be used: "), "{error}");
        let error = Selection::default().exclude("[äö]*").unwrap_err().to_string();
        assert!(error.ends_with("write {ä,ö} for one of several letters"), "{error}");
    }

    #[test]
    fn exclusion_is_stronger_than_inclusion() {
        let selection = Selection::default().include("W*").unwrap().exclude("Wo*").unwrap();
        assert_eq!(selection.refuses("Wax"), None);
        assert_eq!(selection.refuses("Work").unwrap(), "It was excluded (Wo*).");
        assert!(selection.refuses("Other").unwrap().contains("asked for"));
    }

    #[test]
    fn sizes_are_read() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1024", Some(1024)),
            ("25MB", Some(25_000_000)),
            ("25 m", Some(25_000_000)),
            ("10MiB", Some(10 << 20)),
            ("1Gi", Some(1 << 30)),
            ("3k", Some(3000)),
            ("2TB", Some(2_000_000_000_000)),
            ("5B", Some(5)),
            ("", None),
            ("MB", None),
            ("-1", None),
            ("1.5M", None),
            ("5i", None),
            ("5X", None),
            ("99999999999T", None),
        ] {
            assert_eq!(Selection::default().max_size(text).ok().and_then(|s| s.max_size), expected, "{text}");
        }
    }

    #[test]
    fn dates_are_read() {
        assert_eq!(
            Selection::default().since("2024-02-29").unwrap().since,
            Some(jiff::civil::date(2024, 2, 29))
        );
        for wrong in ["2023-02-29", "yesterday", "", "29.02.2024"] {
            assert_eq!(
                Selection::default().since(wrong).unwrap_err(),
                SelectionError::Date(wrong.to_owned())
            );
        }
    }

    #[test]
    fn maps_are_read_and_contradictions_are_refused() {
        let selection = Selection::default().map("Old/a\\=b=New/x=y").unwrap().map("inbox=Before").unwrap();
        assert_eq!(selection.mapped("Old/a=b"), Some("New/x=y"));
        assert_eq!(selection.mapped("INBOX"), Some("Before"));
        assert_eq!(selection.mapped("Old"), None);
        for (text, error) in [
            ("a", SelectionError::Map("a".into())),
            ("=b", SelectionError::Map("=b".into())),
            ("a=", SelectionError::Map("a=".into())),
            ("a=b//c", SelectionError::EmptyPart("b//c".into())),
            ("a=/c", SelectionError::EmptyPart("/c".into())),
            ("a=Inbox", SelectionError::Inbox("a".into())),
            ("INBOX=b", SelectionError::RenamedTwice("INBOX".into())),
            ("z=Before", SelectionError::SameTarget("Before".into())),
        ] {
            assert_eq!(selection.clone().map(text).unwrap_err(), error, "{text}");
        }
    }
}
