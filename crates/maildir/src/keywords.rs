//! `dovecot-keywords`: which letter of a file name stands for which keyword.
//!
//! One line a keyword, `<index> <name>`; index 0 is `a`. An index that was given is never changed or taken back, because
//! file names carry its letter. Written only under `dovecot-uidlist.lock`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::Error;
use crate::folder::{Folder, FolderInner};
use crate::lock::UidlistLock;
use crate::message::KeywordLetters;
use crate::root::replace_control_file;

const FILE: &str = "dovecot-keywords";
/// File names have the letters `a` to `z`.
const LETTERS: u32 = 26;
/// Far more than Dovecot ever writes.
const LIMIT: u64 = 1 << 20;
/// The longest keyword given to Dovecot, in octets; with the table's limit it bounds memory.
const NAME_MAX: usize = 255;

/// The keywords of a folder and their letters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeywordTable {
    names: BTreeMap<u32, String>,
}

impl KeywordTable {
    fn parse(octets: &[u8]) -> KeywordTable {
        let text = String::from_utf8_lossy(octets);
        let line = |line: &str| {
            let (index, name) = line.split_once(' ')?;
            Some((index.parse().ok()?, name.to_owned()))
        };
        KeywordTable { names: text.lines().filter_map(line).collect() }
    }

    fn to_octets(&self) -> Vec<u8> {
        self.names.iter().map(|(index, name)| format!("{index} {name}\n")).collect::<String>().into_bytes()
    }

    /// The keyword of a letter.
    pub fn name(&self, letter: char) -> Option<&str> {
        let index = u32::from(letter).checked_sub(u32::from('a')).filter(|index| *index < LETTERS)?;
        self.names.get(&index).map(String::as_str)
    }

    /// The letter of a keyword; IMAP keywords are the same in any case (RFC 9051 section 2.3.2).
    pub fn letter(&self, name: &str) -> Option<char> {
        let (index, _) = self.names.iter().find(|(_, known)| known.eq_ignore_ascii_case(name))?;
        (b'a'..=b'z').nth(usize::try_from(*index).ok()?).map(char::from)
    }

    /// Letters and keywords.
    pub fn iter(&self) -> impl Iterator<Item = (char, &str)> {
        ('a'..='z').filter_map(|letter| Some((letter, self.name(letter)?)))
    }

    /// The names of a message's letters; letters that stand for nothing are passed over.
    pub fn names(&self, letters: KeywordLetters) -> BTreeSet<String> {
        letters.iter().filter_map(|letter| self.name(letter)).map(str::to_owned).collect()
    }

    /// Gives letters to keywords that have none, as far as there are any. Says whether that changed the table.
    fn add(&mut self, wanted: &BTreeSet<&str>) -> bool {
        let mut changed = false;
        for name in wanted {
            let known = self.names.values().any(|known| known.eq_ignore_ascii_case(name));
            let next = self.names.last_key_value().map_or(0, |(last, _)| last.saturating_add(1));
            if !known && next < LETTERS && is_keyword(name) {
                self.names.insert(next, (*name).to_owned());
                changed = true;
            }
        }
        changed
    }

    /// The letters of keywords, and those keywords that have none.
    pub(crate) fn letters<'a>(
        &self,
        names: impl IntoIterator<Item = &'a String>,
    ) -> (KeywordLetters, Vec<String>) {
        let (mut letters, mut dropped) = (KeywordLetters::empty(), Vec::new());
        for name in names {
            match self.letter(name) {
                Some(letter) => letters.insert(letter),
                None => dropped.push(name.clone()),
            }
        }
        (letters, dropped)
    }
}

/// RFC 9051 section 9: a flag-keyword is an atom. Anything else cannot be stored one a line either.
fn is_keyword(name: &str) -> bool {
    (1..=NAME_MAX).contains(&name.len())
        && name.bytes().all(|octet| {
            octet.is_ascii_graphic()
                && !matches!(octet, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']')
        })
}

impl Folder {
    /// The folder's keywords as they are now.
    pub fn keywords(&self) -> Result<KeywordTable, Error> {
        let file = self.inner.dir.read_small(FILE, LIMIT)?;
        Ok(file.map(|(octets, _)| KeywordTable::parse(&octets)).unwrap_or_default())
    }
}

/// Adds keywords to the folder's table, durably. The lock is the proof that nobody else writes it meanwhile.
pub(crate) fn merge(
    folder: &FolderInner,
    _lock: &UidlistLock<'_>,
    wanted: &BTreeSet<&str>,
) -> Result<KeywordTable, Error> {
    let file = folder.dir.read_small(FILE, LIMIT)?;
    let (mut table, old_mtime) = match &file {
        Some((octets, stat)) => (KeywordTable::parse(octets), Some(stat.st_mtime)),
        None => (KeywordTable::default(), None),
    };
    if table.add(wanted) {
        // Dovecot compares whole seconds: with the old time it would not see the new file, and write over it.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
        let mtime = old_mtime.map_or(now, |old| now.max(old.saturating_add(1)));
        let octets = table.to_octets();
        replace_control_file((&folder.tmp, &folder.dir), FILE, &octets, Some(mtime), folder.root.owner)?;
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_kept_and_new_keywords_come_after_them() {
        let mut table = KeywordTable::parse(b"0 $Forwarded\n2 NonJunk\n");
        assert!(table.add(&BTreeSet::from(["Work", "nonjunk"])));
        assert_eq!(table.to_octets(), b"0 $Forwarded\n2 NonJunk\n3 Work\n");
        assert_eq!(table.letter("$FORWARDED"), Some('a'));
        assert_eq!(table.name('d'), Some("Work"));
        assert_eq!(table.name('b'), None);
        assert!(!table.add(&BTreeSet::from(["work"])));
    }

    #[test]
    fn the_twenty_seventh_keyword_and_what_is_no_keyword_are_dropped() {
        let mut table = KeywordTable::default();
        let many: Vec<String> = (0..27).map(|n| format!("k{n:02}")).collect();
        table.add(&many.iter().map(String::as_str).collect());
        table.add(&BTreeSet::from(["a b", "a\nb", "", "\\Seen"]));
        let (letters, dropped) = table.letters(&many);
        assert_eq!(letters.iter().count(), 26);
        assert_eq!(dropped, ["k26"]);
        assert_eq!(table.iter().count(), 26);
    }

    #[test]
    fn keywords_beyond_the_letters_stay_in_the_table_but_have_no_letter() {
        let table = KeywordTable::parse(b"25 z\n26 beyond\n");
        assert_eq!(table.letter("z"), Some('z'));
        assert_eq!(table.letter("beyond"), None);
        assert_eq!(table.to_octets(), b"25 z\n26 beyond\n");
    }
}
