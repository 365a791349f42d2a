//! Flags and keywords (RFC 9051, section 2.3.2).
//!
//! Reads what servers really send (quoted flags, brackets, 8-bit octets); it must never refuse a
//! message because of a flag, nor let a control character through to whoever stores the name.

use std::fmt;

/// A flag of a message. System flags compare without regard to case; keywords are kept as sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flag {
    /// `\Answered`
    Answered,
    /// `\Deleted`
    Deleted,
    /// `\Draft`
    Draft,
    /// `\Flagged`
    Flagged,
    /// `\Seen`
    Seen,
    /// `\Recent` (IMAP4rev1 only; belongs to the session, not to the message)
    Recent,
    /// Another flag that begins with a backslash, without it: `*` for `\*`.
    System(String),
    /// A keyword such as `$Forwarded`.
    Keyword(String),
}

impl Flag {
    /// Reads one flag. 8-bit octets that are no UTF-8 are taken as Latin-1. `None` for the empty
    /// flag and for one with control characters, which no server could have been given.
    pub fn parse(raw: &[u8]) -> Option<Flag> {
        if raw.is_empty() || raw == b"\\" || raw.iter().any(u8::is_ascii_control) {
            return None;
        }
        let text = match std::str::from_utf8(raw) {
            Ok(text) => text.to_owned(),
            Err(_) => raw.iter().map(|&octet| char::from(octet)).collect(),
        };
        if text.chars().any(char::is_control) {
            return None;
        }
        let Some(name) = text.strip_prefix('\\') else { return Some(Flag::Keyword(text)) };
        Some(match name.to_ascii_lowercase().as_str() {
            "answered" => Flag::Answered,
            "deleted" => Flag::Deleted,
            "draft" => Flag::Draft,
            "flagged" => Flag::Flagged,
            "seen" => Flag::Seen,
            "recent" => Flag::Recent,
            _ => Flag::System(name.to_owned()),
        })
    }

    /// Whether a server can be told to store it: `\Recent` belongs to a session, `\*` and the like mean no flag, and a
    /// keyword is an atom (RFC 9051, section 9).
    pub fn is_storable(&self) -> bool {
        match self {
            Flag::Recent | Flag::System(_) => false,
            Flag::Keyword(name) => {
                !name.is_empty()
                    && name.bytes().all(|octet| octet.is_ascii_graphic() && !b"(){%*\"\\]".contains(&octet))
            }
            _ => true,
        }
    }
}

impl fmt::Display for Flag {
    /// The form on the wire.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flag::Answered => f.write_str("\\Answered"),
            Flag::Deleted => f.write_str("\\Deleted"),
            Flag::Draft => f.write_str("\\Draft"),
            Flag::Flagged => f.write_str("\\Flagged"),
            Flag::Seen => f.write_str("\\Seen"),
            Flag::Recent => f.write_str("\\Recent"),
            Flag::System(name) => write!(f, "\\{name}"),
            Flag::Keyword(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_as_servers_send_them() {
        let keyword = |text: &str| Some(Flag::Keyword(text.to_owned()));
        for (raw, expected) in [
            (&b"\\SEEN"[..], Some(Flag::Seen)),
            (b"\\seen", Some(Flag::Seen)),
            (b"\\*", Some(Flag::System("*".to_owned()))),
            (b"\\Forwarded", Some(Flag::System("Forwarded".to_owned()))),
            (b"$Forwarded", keyword("$Forwarded")),
            (b"OIB-Seen-[Gmail]/Trash", keyword("OIB-Seen-[Gmail]/Trash")),
            (b"Caf\xe9", keyword("Caf\u{e9}")),
            ("Käse".as_bytes(), keyword("Käse")),
            (b"\x80\x80\x85\x04Junk", None),
            (b"", None),
            (b"\\", None),
            (b"a\r\nb", None),
        ] {
            assert_eq!(Flag::parse(raw), expected, "{raw:?}");
        }
    }

    #[test]
    fn a_flag_reads_back_from_its_wire_form() {
        for wire in ["\\Answered", "\\Deleted", "\\Draft", "\\Flagged", "\\Seen", "\\Recent", "\\X", "$Junk"]
        {
            assert_eq!(Flag::parse(wire.as_bytes()).unwrap().to_string(), wire);
        }
    }
}
