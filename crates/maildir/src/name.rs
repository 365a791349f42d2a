//! Maildir++ folder names: `.A.B` on disk, a list of components in memory.
//!
//! A component is the on-disk spelling, so ASCII; encoding to modified UTF-7 (RFC 3501 section 5.1.3) and escaping of
//! a dot inside a name is the caller's. A value of this type can never name anything outside the mailbox.

use std::fmt;

/// The longest file name Linux file systems take, in octets (`NAME_MAX`).
const NAME_MAX: usize = 255;

/// A folder of a Maildir++ mailbox. No component at all is the INBOX.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FolderName {
    components: Vec<String>,
}

/// Why a name cannot be a Maildir++ folder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A component is empty.
    #[error("a level of the folder name is empty")]
    EmptyComponent,
    /// A character that cannot stand in a Maildir++ name: `.`, `/`, a control character or anything beyond ASCII.
    #[error("the character {character:?} cannot stand in a Maildir++ folder name")]
    BadCharacter {
        /// The first such character.
        character: char,
    },
    /// The directory name would exceed 255 octets.
    #[error("the folder name takes {octets} octets on disk, 255 are possible")]
    TooLong {
        /// Its length.
        octets: usize,
    },
    /// A single component `INBOX` in any case: the INBOX is the mailbox's root, `.INBOX` would hide behind it.
    #[error("a folder cannot be called INBOX")]
    Inbox,
}

impl FolderName {
    /// The INBOX: the root of the mailbox.
    pub fn inbox() -> FolderName {
        FolderName::default()
    }

    /// A folder from its levels, outermost first; an empty list is the INBOX.
    pub fn new(components: Vec<String>) -> Result<FolderName, NameError> {
        for component in &components {
            if component.is_empty() {
                return Err(NameError::EmptyComponent);
            }
            let bad = |c: &char| matches!(c, '.' | '/') || !c.is_ascii() || c.is_ascii_control();
            if let Some(character) = component.chars().find(bad) {
                return Err(NameError::BadCharacter { character });
            }
        }
        if let [only] = components.as_slice()
            && only.eq_ignore_ascii_case("INBOX")
        {
            return Err(NameError::Inbox);
        }
        let octets: usize = components.iter().map(|c| c.len() + 1).sum();
        if octets > NAME_MAX {
            return Err(NameError::TooLong { octets });
        }
        Ok(FolderName { components })
    }

    /// The levels, outermost first.
    pub fn components(&self) -> &[String] {
        &self.components
    }

    /// Whether this is the INBOX.
    pub fn is_inbox(&self) -> bool {
        self.components.is_empty()
    }

    /// The directory below the root: empty for the INBOX, otherwise `.A.B`.
    pub fn directory(&self) -> String {
        self.components.iter().flat_map(|c| [".", c]).collect()
    }

    /// Reads a directory name `.A.B`.
    pub(crate) fn from_directory(name: &str) -> Option<FolderName> {
        FolderName::from_dotted(name.strip_prefix('.')?)
    }

    /// Reads `A.B`.
    pub(crate) fn from_dotted(name: &str) -> Option<FolderName> {
        FolderName::new(name.split('.').map(str::to_owned).collect()).ok()
    }
}

/// `A.B`, or `INBOX`.
impl fmt::Display for FolderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_inbox() { f.write_str("INBOX") } else { f.write_str(&self.components.join(".")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(components: &[&str]) -> Result<FolderName, NameError> {
        FolderName::new(components.iter().map(|c| (*c).to_owned()).collect())
    }

    #[test]
    fn names_become_directories_and_come_back() {
        for (components, directory) in [
            (&["Sent"][..], ".Sent"),
            (&["A", "B"], ".A.B"),
            (&["Entw&APw-rfe", "a b"], ".Entw&APw-rfe.a b"),
            (&["INBOX", "x"], ".INBOX.x"),
            (&["~", "-rf"], ".~.-rf"),
        ] {
            let folder = name(components).unwrap();
            assert_eq!(folder.directory(), directory);
            assert_eq!(FolderName::from_directory(directory), Some(folder));
        }
        assert_eq!(FolderName::inbox().directory(), "");
        assert_eq!(name(&[]).unwrap(), FolderName::inbox());
    }

    #[test]
    fn names_that_could_leave_the_mailbox_or_confuse_dovecot_are_refused() {
        for (components, why) in [
            (&[""][..], NameError::EmptyComponent),
            (&["A", ""], NameError::EmptyComponent),
            (&["."], NameError::BadCharacter { character: '.' }),
            (&[".."], NameError::BadCharacter { character: '.' }),
            (&["a.b"], NameError::BadCharacter { character: '.' }),
            (&["a/b"], NameError::BadCharacter { character: '/' }),
            (&["a\0"], NameError::BadCharacter { character: '\0' }),
            (&["a\nb"], NameError::BadCharacter { character: '\n' }),
            (&["a\tb"], NameError::BadCharacter { character: '\t' }),
            (&["a\x7f"], NameError::BadCharacter { character: '\x7f' }),
            (&["ü"], NameError::BadCharacter { character: 'ü' }),
            (&["inbox"], NameError::Inbox),
        ] {
            assert_eq!(name(components), Err(why), "{components:?}");
        }
    }

    #[test]
    fn a_directory_name_takes_255_octets_and_no_more() {
        assert!(name(&["a".repeat(254).as_str()]).is_ok());
        assert_eq!(name(&["a".repeat(255).as_str()]), Err(NameError::TooLong { octets: 256 }));
        assert_eq!(
            name(&["a".repeat(200).as_str(), "b".repeat(60).as_str()]),
            Err(NameError::TooLong { octets: 262 })
        );
    }

    #[test]
    fn directories_that_are_no_folder_are_not_read_as_one() {
        for directory in ["", ".", "..", "cur", ".A..B", ".A.", ".é"] {
            assert_eq!(FolderName::from_directory(directory), None, "{directory}");
        }
    }
}
