//! What a destination accepts as a folder name, and how a name that it does not accept is changed.
//!
//! Everything here is a pure function of the name: the same name is changed in the same way at every run. Nothing here
//! looks at other folders; that two names stay two is the plan's business.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// Octets of a suffix: `_` and eight hexadecimal digits.
const SUFFIX_OCTETS: usize = 9;
/// Octets that a shortened name gets at least, suffix included, so that people still recognise it.
const SHORTENED_OCTETS: usize = 48;

/// Whether a destination tells `Foo` from `foo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// It does.
    Sensitive,
    /// It does not.
    Insensitive,
}

/// What a destination accepts as a folder name. `INBOX` as the outermost level and control characters are never accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameRules {
    /// Separates levels, so it cannot stand inside one.
    pub separator: char,
    /// Cannot stand anywhere.
    pub forbidden: &'static [char],
    /// Cannot be the first character of a whole name.
    pub forbidden_first: &'static [char],
    /// Longest level, in octets of modified UTF-7.
    pub max_component_octets: usize,
    /// Longest whole name, in octets of modified UTF-7, one separator for each level included. At least 64.
    pub max_total_octets: usize,
    /// Deepest nesting. At least 2.
    pub max_depth: usize,
    /// Whether case tells names apart.
    pub case: Case,
}

/// Why a name had to be changed; a plain sentence each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Character(char),
    ControlCharacter,
    First(char),
    Empty,
    Inbox,
    TooLong,
    TooDeep,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Change::Character(c) => write!(f, "The new mailbox does not allow “{c}” in a folder name."),
            Change::ControlCharacter => f.write_str("The name holds a control character."),
            Change::First(c) => {
                write!(f, "The new mailbox does not allow “{c}” at the start of a folder name.")
            }
            Change::Empty => f.write_str("A part of the name is empty."),
            Change::Inbox => f.write_str("Only the inbox itself can be called INBOX."),
            Change::TooLong => f.write_str("The name is too long for the new mailbox."),
            Change::TooDeep => f.write_str("The folder is nested too deeply for the new mailbox."),
        }
    }
}

impl NameRules {
    /// Maildir++ as Dovecot serves it. Measured against Dovecot 2.3.19: a `.` is refused inside a name and a `~` at its
    /// start, everything else (`*`, `%`, `\`, `&`, `#`, spaces at either end, `INBOX/x`, 60 levels) is created,
    /// listed and opened. A directory name takes 255 octets on Linux file systems; 240 leave room for the customer to
    /// add to a name. More than 30 levels are beyond what mail programs show.
    pub fn maildir() -> NameRules {
        NameRules {
            separator: '.',
            forbidden: &['/'],
            forbidden_first: &['~'],
            max_component_octets: 239,
            max_total_octets: 240,
            max_depth: 30,
            case: Case::Sensitive,
        }
    }

    /// A level as this destination takes it: each character that it refuses becomes `_`.
    pub(super) fn escape(&self, component: &str, outermost: bool, changes: &mut Vec<Change>) -> String {
        if component.is_empty() {
            note(changes, Change::Empty);
            return "_".to_owned();
        }
        let mut escaped = String::with_capacity(component.len());
        for (index, character) in component.chars().enumerate() {
            let change = if character.is_control() {
                Some(Change::ControlCharacter)
            } else if character == self.separator || self.forbidden.contains(&character) {
                Some(Change::Character(character))
            } else if outermost && index == 0 && self.forbidden_first.contains(&character) {
                Some(Change::First(character))
            } else {
                None
            };
            escaped.push(if change.is_some() { '_' } else { character });
            if let Some(change) = change {
                note(changes, change);
            }
        }
        if outermost && escaped.eq_ignore_ascii_case("INBOX") {
            escaped.push('_');
            note(changes, Change::Inbox);
        }
        escaped
    }

    /// A level that the operator wrote: escaped, and cut where no level can be so long.
    pub(super) fn level(&self, component: &str, outermost: bool, changes: &mut Vec<Change>) -> String {
        let escaped = self.escape(component, outermost, changes);
        if self.fits(&[], &escaped) {
            return escaped;
        }
        note(changes, Change::TooLong);
        let digest = blake3::hash(component.as_bytes()).to_hex();
        self.with_suffix(&[], &escaped, &digest[..8])
    }

    /// Whether a level fits below `parent`.
    pub(super) fn fits(&self, parent: &[String], component: &str) -> bool {
        let octets = encoded_octets(component);
        octets <= self.max_component_octets && total_octets(parent) + 1 + octets <= self.max_total_octets
    }

    /// The nearest place at or above `parent` where a level with a suffix fits and can still be recognised.
    pub(super) fn roomy(&self, parent: &[String]) -> usize {
        let mut depth = parent.len().min(self.max_depth.saturating_sub(1));
        while depth > 0 && total_octets(&parent[..depth]) + 1 + SHORTENED_OCTETS > self.max_total_octets {
            depth -= 1;
        }
        depth
    }

    /// `component` with `suffix` (eight hexadecimal digits), cut so that it fits below `parent`.
    pub(super) fn with_suffix(&self, parent: &[String], component: &str, suffix: &str) -> String {
        let room =
            (self.max_total_octets.saturating_sub(total_octets(parent) + 1)).min(self.max_component_octets);
        let mut stem = component.char_indices().nth(room).map_or(component, |(end, _)| &component[..end]);
        while encoded_octets(stem) + SUFFIX_OCTETS > room {
            match stem.char_indices().next_back() {
                Some((end, _)) => stem = &stem[..end],
                None => break,
            }
        }
        format!("{}_{suffix}", stem.trim_end())
    }

    /// Equal for paths that this destination (or a person) would take for one folder.
    pub(super) fn identity(&self, path: &[String]) -> String {
        let joined: String = path.join("\0").nfc().collect();
        match self.case {
            Case::Sensitive => joined,
            Case::Insensitive => joined.to_lowercase().nfc().collect(),
        }
    }
}

/// Remembers a change once.
pub(super) fn note(changes: &mut Vec<Change>, change: Change) {
    if !changes.contains(&change) {
        changes.push(change);
    }
}

/// Octets of a whole name: each level and its separator.
pub(super) fn total_octets(path: &[String]) -> usize {
    path.iter().map(|component| 1 + encoded_octets(component)).sum()
}

/// Octets of a level in modified UTF-7 (RFC 3501, section 5.1.3): printable ASCII as it is, `&` as `&-`, the rest as
/// base64 of UTF-16 without padding between `&` and `-`.
pub(super) fn encoded_octets(component: &str) -> usize {
    let mut octets = 0;
    let mut units = 0;
    for character in component.chars() {
        if matches!(character, ' '..='~') {
            octets += run_octets(units) + if character == '&' { 2 } else { 1 };
            units = 0;
        } else {
            units += character.len_utf16();
        }
    }
    octets + run_octets(units)
}

fn run_octets(units: usize) -> usize {
    if units == 0 { 0 } else { 2 + (units * 16).div_ceil(6) }
}

/// NFC of a text, without a copy where it is in that form already.
pub(super) fn nfc(text: &str) -> Cow<'_, str> {
    if unicode_normalization::is_nfc(text) { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(path: &[&str]) -> Vec<String> {
        path.iter().map(|c| (*c).to_owned()).collect()
    }

    #[test]
    fn characters_that_dovecot_refuses_become_underscores() {
        for (component, outermost, expected, why) in [
            ("Projects", true, "Projects", None),
            ("a.b", true, "a_b", Some(Change::Character('.'))),
            ("..", true, "__", Some(Change::Character('.'))),
            ("a/b", false, "a_b", Some(Change::Character('/'))),
            ("a\0b", true, "a_b", Some(Change::ControlCharacter)),
            ("a\u{85}b", true, "a_b", Some(Change::ControlCharacter)),
            ("~root", true, "_root", Some(Change::First('~'))),
            ("~root", false, "~root", None),
            ("a~", true, "a~", None),
            ("", false, "_", Some(Change::Empty)),
            ("inBox", true, "inBox_", Some(Change::Inbox)),
            ("INBOX", false, "INBOX", None),
            (" *%\\&# ", true, " *%\\&# ", None),
            ("Entwürfe", true, "Entwürfe", None),
        ] {
            let mut changes = Vec::new();
            assert_eq!(NameRules::maildir().escape(component, outermost, &mut changes), expected);
            assert_eq!(changes, why.into_iter().collect::<Vec<_>>(), "{component:?}");
        }
    }

    #[test]
    fn octets_are_those_of_modified_utf7() {
        for (component, encoded) in [
            ("", ""),
            ("Sent", "Sent"),
            ("a&b", "a&-b"),
            ("Entwürfe", "Entw&APw-rfe"),
            ("台北", "&U,BTFw-"),
            ("日本語", "&ZeVnLIqe-"),
            ("😀", "&2D3eAA-"),
            ("a\tb", "a&AAk-b"),
        ] {
            assert_eq!(encoded_octets(component), encoded.len(), "{component}");
        }
        assert_eq!(total_octets(&strings(&["Archive", "2023"])), ".Archive.2023".len());
    }

    #[test]
    fn a_shortened_name_fits_and_keeps_its_beginning() {
        let rules = NameRules::maildir();
        let parent = strings(&["Archive"]);
        for long in ["x".repeat(1000), "日本".repeat(300), "😀".repeat(300), "&".repeat(300)] {
            assert!(!rules.fits(&parent, &long));
            let short = rules.with_suffix(&parent, &long, "0123abcd");
            assert!(rules.fits(&parent, &short), "{short}");
            assert!(short.ends_with("_0123abcd"));
            assert!(long.starts_with(short.trim_end_matches("_0123abcd")) && short.chars().count() > 40);
        }
    }

    #[test]
    fn twins_have_one_identity() {
        let rules = NameRules::maildir();
        assert_eq!(rules.identity(&strings(&["A\u{308}"])), rules.identity(&strings(&["Ä"])));
        assert_ne!(rules.identity(&strings(&["foo"])), rules.identity(&strings(&["Foo"])));
        let insensitive = NameRules { case: Case::Insensitive, ..rules };
        assert_eq!(insensitive.identity(&strings(&["foo"])), insensitive.identity(&strings(&["FOO"])));
    }
}
