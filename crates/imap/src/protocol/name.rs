//! Folder names as they stand on the wire, and what they mean to people.
//!
//! A name goes back to the server octet for octet as it came; decoding is for people and for the
//! destination only and must never be reversed to address the server.

use std::fmt;

use super::utf7;

/// A folder's name exactly as the server sent it (unquoted).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WireName(Vec<u8>);

/// How the server writes names that are not ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameEncoding {
    /// Modified UTF-7 (RFC 3501, section 5.1.3).
    ModifiedUtf7,
    /// UTF-8 (after `ENABLE UTF8=ACCEPT`, RFC 6855, or `ENABLE IMAP4rev2`, RFC 9051).
    Utf8,
}

/// A name as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedName {
    /// The text; for an invalid name the best reading of its octets (UTF-8, else Latin-1).
    pub text: String,
    /// Whether the octets followed the encoding.
    pub valid: bool,
}

impl WireName {
    /// The name with these octets.
    pub fn new(octets: impl Into<Vec<u8>>) -> WireName {
        WireName(octets.into())
    }

    /// `INBOX`, the one name every account has.
    pub fn inbox() -> WireName {
        WireName(b"INBOX".to_vec())
    }

    /// The octets.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is INBOX, which is written in any case (RFC 9051, section 5.1).
    pub fn is_inbox(&self) -> bool {
        self.0.eq_ignore_ascii_case(b"INBOX")
    }

    /// Whether both name one folder: equal octets, or both INBOX.
    pub fn names_the_same(&self, other: &WireName) -> bool {
        self.0 == other.0 || (self.is_inbox() && other.is_inbox())
    }

    /// The name as text.
    pub fn decode(&self, encoding: NameEncoding) -> DecodedName {
        let as_is = match std::str::from_utf8(&self.0) {
            Ok(text) => text.to_owned(),
            Err(_) => {
                let text = self.0.iter().map(|&octet| char::from(octet)).collect();
                return DecodedName { text, valid: false };
            }
        };
        match encoding {
            NameEncoding::Utf8 => DecodedName { text: as_is, valid: true },
            NameEncoding::ModifiedUtf7 => match utf7::decode(&as_is) {
                Ok(text) => DecodedName { text, valid: true },
                Err(_) => DecodedName { text: as_is, valid: false },
            },
        }
    }
}

impl fmt::Debug for WireName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WireName(\"{}\")", self.0.escape_ascii())
    }
}
