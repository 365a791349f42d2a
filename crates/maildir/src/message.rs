//! Message file names: `<base>,S=<octets>,W=<octets>:2,<flags>`.
//!
//! The flags after `:2,` are Maildir's (capital letters) and Dovecot's keyword letters (small letters, named in
//! `dovecot-keywords`). What a name carries beyond that is kept when flags change: it belongs to whoever wrote it.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::BitOr;

/// The longest base name taken: behind it `,S=` and `,W=` with 20 digits each, `:2,` and 32 flags must fit
/// into 255 octets.
const BASE_MAX: usize = 255 - 2 * (3 + 20) - 3 - 32;

/// A base name: what stays the same when a message's flags change, and what Dovecot takes as its GUID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Base(String);

/// Why a string cannot be a base name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaseError {
    /// It is empty.
    #[error("a message's base name is empty")]
    Empty,
    /// It is longer than file names allow once sizes and flags follow.
    #[error("a message's base name takes {octets} octets, {BASE_MAX} are possible")]
    TooLong {
        /// Its length.
        octets: usize,
    },
    /// It starts with a dot: such files are invisible to mail servers.
    #[error("a message's base name starts with a dot")]
    LeadingDot,
    /// A character that ends the base or the name: `:`, `,`, `/`, white space, a control character, non-ASCII.
    #[error("the character {character:?} cannot stand in a message's base name")]
    BadCharacter {
        /// The first such character.
        character: char,
    },
}

impl Base {
    /// Checks a base name.
    pub fn new(base: impl Into<String>) -> Result<Base, BaseError> {
        let base = base.into();
        if base.is_empty() {
            return Err(BaseError::Empty);
        }
        if base.starts_with('.') {
            return Err(BaseError::LeadingDot);
        }
        if let Some(character) = base.chars().find(|c| !c.is_ascii_graphic() || matches!(c, ':' | ',' | '/'))
        {
            return Err(BaseError::BadCharacter { character });
        }
        if base.len() > BASE_MAX {
            return Err(BaseError::TooLong { octets: base.len() });
        }
        Ok(Base(base))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Maildir's flags, a small set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SystemFlags(u8);

impl SystemFlags {
    /// `D`: a draft.
    pub const DRAFT: SystemFlags = SystemFlags(1);
    /// `F`: flagged.
    pub const FLAGGED: SystemFlags = SystemFlags(1 << 1);
    /// `P`: passed on (forwarded, bounced). Dovecot keeps the letter and shows nothing for it.
    pub const PASSED: SystemFlags = SystemFlags(1 << 2);
    /// `R`: replied to (IMAP's `\Answered`).
    pub const REPLIED: SystemFlags = SystemFlags(1 << 3);
    /// `S`: seen.
    pub const SEEN: SystemFlags = SystemFlags(1 << 4);
    /// `T`: trashed (IMAP's `\Deleted`).
    pub const TRASHED: SystemFlags = SystemFlags(1 << 5);

    const LETTERS: [(char, SystemFlags); 6] = [
        ('D', Self::DRAFT),
        ('F', Self::FLAGGED),
        ('P', Self::PASSED),
        ('R', Self::REPLIED),
        ('S', Self::SEEN),
        ('T', Self::TRASHED),
    ];

    /// No flag.
    pub const fn empty() -> SystemFlags {
        SystemFlags(0)
    }

    /// Whether no flag is set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether all of `other` are set.
    pub fn contains(self, other: SystemFlags) -> bool {
        self.0 & other.0 == other.0
    }

    /// These and `other`.
    #[must_use]
    pub const fn with(self, other: SystemFlags) -> SystemFlags {
        SystemFlags(self.0 | other.0)
    }

    /// These but not `other`.
    #[must_use]
    pub const fn without(self, other: SystemFlags) -> SystemFlags {
        SystemFlags(self.0 & !other.0)
    }

    /// The flag of one Maildir letter.
    pub fn from_letter(letter: char) -> Option<SystemFlags> {
        Self::LETTERS.iter().find(|(l, _)| *l == letter).map(|(_, flag)| *flag)
    }

    /// The flags of Maildir letters; other characters are passed over.
    pub fn from_letters(letters: &str) -> SystemFlags {
        letters.chars().filter_map(Self::from_letter).fold(Self::empty(), SystemFlags::with)
    }

    /// The letters in ASCII order, as Maildir wants them.
    pub fn letters(self) -> String {
        Self::LETTERS.iter().filter(|(_, flag)| self.contains(*flag)).map(|(letter, _)| *letter).collect()
    }
}

impl BitOr for SystemFlags {
    type Output = SystemFlags;

    fn bitor(self, other: SystemFlags) -> SystemFlags {
        self.with(other)
    }
}

/// Keyword letters `a` to `z` of one message, a set; [`KeywordTable`](crate::KeywordTable) knows their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct KeywordLetters(u32);

impl KeywordLetters {
    /// No letter.
    pub const fn empty() -> KeywordLetters {
        KeywordLetters(0)
    }

    /// Whether no letter is set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the letter is in the set.
    pub fn contains(self, letter: char) -> bool {
        self.0 & Self::bit(letter) != 0
    }

    /// Adds a letter; anything but `a` to `z` changes nothing.
    pub fn insert(&mut self, letter: char) {
        self.0 |= Self::bit(letter);
    }

    /// Takes a letter away.
    pub fn remove(&mut self, letter: char) {
        self.0 &= !Self::bit(letter);
    }

    /// The letters, in order.
    pub fn iter(self) -> impl Iterator<Item = char> {
        ('a'..='z').filter(move |letter| self.contains(*letter))
    }

    fn bit(letter: char) -> u32 {
        if letter.is_ascii_lowercase() { 1 << (u32::from(letter) - u32::from('a')) } else { 0 }
    }
}

/// The flags and keywords a message is to have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flags {
    /// Maildir's flags.
    pub system: SystemFlags,
    /// Keywords by name (IMAP keywords such as `$Forwarded`).
    pub keywords: BTreeSet<String>,
}

/// A message's file name, taken apart without losing anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageName {
    /// Up to the first `,` or `:`.
    pub base: String,
    /// `S=`: octets of the file.
    pub size: Option<u64>,
    /// `W=`: octets with every line end counted as CRLF.
    pub vsize: Option<u64>,
    /// Maildir's flags.
    pub flags: SystemFlags,
    /// Dovecot's keyword letters.
    pub keyword_letters: KeywordLetters,
    /// Everything before `:2,`.
    stem: String,
    /// Characters among the flags that are neither.
    foreign_flags: BTreeSet<char>,
    /// What follows the flags, from the next `,` on.
    tail: String,
}

impl MessageName {
    /// Takes a file name apart. Names without `:2,` have no flags.
    pub fn parse(name: &str) -> MessageName {
        let (stem, info) = name.split_once(":2,").unwrap_or((name, ""));
        let flags_end = info.find(',').unwrap_or(info.len());
        let (letters, tail) = info.split_at(flags_end);
        let base_end = stem.find([',', ':']).unwrap_or(stem.len());
        let (base, fields) = stem.split_at(base_end);
        let field = |key: &str| fields.split(',').find_map(|f| f.strip_prefix(key)?.parse().ok());
        let mut keyword_letters = KeywordLetters::empty();
        letters.chars().for_each(|c| keyword_letters.insert(c));
        let foreign = |c: &char| !c.is_ascii_lowercase() && SystemFlags::from_letter(*c).is_none();
        MessageName {
            base: base.to_owned(),
            size: field("S="),
            vsize: field("W="),
            flags: SystemFlags::from_letters(letters),
            keyword_letters,
            stem: stem.to_owned(),
            foreign_flags: letters.chars().filter(foreign).collect(),
            tail: tail.to_owned(),
        }
    }

    /// The name of a message that is delivered now.
    pub(crate) fn delivered(
        base: &Base,
        size: u64,
        vsize: u64,
        flags: SystemFlags,
        letters: KeywordLetters,
    ) -> Self {
        MessageName {
            base: base.0.clone(),
            size: Some(size),
            vsize: Some(vsize),
            flags,
            keyword_letters: letters,
            stem: format!("{base},S={size},W={vsize}"),
            foreign_flags: BTreeSet::new(),
            tail: String::new(),
        }
    }

    /// The file name: what was read, with the flags as they are now, in ASCII order.
    pub fn file_name(&self) -> String {
        let mut letters: BTreeSet<char> = self.foreign_flags.clone();
        letters.extend(self.flags.letters().chars());
        letters.extend(self.keyword_letters.iter());
        let letters: String = letters.into_iter().collect();
        format!("{}:2,{letters}{}", self.stem, self.tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_and_put_together() {
        let name = MessageName::parse("1.M2P3F4.mailimport,S=10,W=12:2,FSab");
        assert_eq!(name.base, "1.M2P3F4.mailimport");
        assert_eq!((name.size, name.vsize), (Some(10), Some(12)));
        assert_eq!(name.flags, SystemFlags::FLAGGED | SystemFlags::SEEN);
        assert_eq!(name.keyword_letters.iter().collect::<String>(), "ab");
        assert_eq!(name.file_name(), "1.M2P3F4.mailimport,S=10,W=12:2,FSab");
    }

    #[test]
    fn what_others_wrote_into_a_name_survives_a_change_of_flags() {
        for (before, after) in [
            ("1.host", "1.host:2,S"),
            ("1.host:2,", "1.host:2,S"),
            ("1.host,X=1,S=x:2,TXb,extra", "1.host,X=1,S=x:2,STXb,extra"),
            ("1.host:1,exp", "1.host:1,exp:2,S"),
        ] {
            let mut name = MessageName::parse(before);
            name.flags = name.flags | SystemFlags::SEEN;
            assert_eq!(name.file_name(), after);
            assert_eq!(name.base, "1.host");
        }
    }

    #[test]
    fn flags_are_written_in_ascii_order() {
        let all = SystemFlags::from_letters("TSRPFD");
        assert_eq!(all.letters(), "DFPRST");
        assert_eq!(all.without(SystemFlags::SEEN).letters(), "DFPRT");
        assert!(SystemFlags::from_letters("xyz").is_empty());
    }

    #[test]
    fn bases_that_cannot_be_a_file_name_are_refused() {
        assert!(Base::new("1700000000.M1P0aF0b.mailimport").is_ok());
        assert_eq!(Base::new(""), Err(BaseError::Empty));
        assert_eq!(Base::new(".x"), Err(BaseError::LeadingDot));
        for c in [':', ',', '/', '\0', ' ', '\n', 'é'] {
            assert_eq!(Base::new(format!("a{c}b")), Err(BaseError::BadCharacter { character: c }));
        }
        assert_eq!(Base::new("a".repeat(BASE_MAX + 1)), Err(BaseError::TooLong { octets: BASE_MAX + 1 }));
        let widest = MessageName::delivered(
            &Base::new("a".repeat(BASE_MAX)).unwrap(),
            u64::MAX,
            u64::MAX,
            SystemFlags::from_letters("DFPRST"),
            KeywordLetters(u32::MAX >> 6),
        );
        assert!(widest.file_name().len() <= 255);
    }
}
