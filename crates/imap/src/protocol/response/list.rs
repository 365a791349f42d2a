//! LIST, LSUB and XLIST (RFC 9051, section 7.3.1; RFC 5258; RFC 6154).
//!
//! Any line with a name is read, also with unquoted or 8-bit names: a line lost here is a folder lost.

use super::super::WireName;
use super::super::tokenizer::{Token, Tokenizer};
use super::Status;

/// An attribute of a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Attribute {
    /// No children can exist.
    NoInferiors,
    /// It holds no messages and cannot be opened.
    NoSelect,
    /// It does not exist (but a child does, or it is subscribed).
    NonExistent,
    /// It has children.
    HasChildren,
    /// It has none.
    HasNoChildren,
    /// Probably holds new messages.
    Marked,
    /// Holds no new messages.
    Unmarked,
    /// Subscribed.
    Subscribed,
    /// Lives on another server.
    Remote,
    /// XLIST's mark for INBOX under a translated name.
    Inbox,
    /// All messages; XLIST's `\AllMail` too.
    All,
    /// Archive.
    Archive,
    /// Drafts.
    Drafts,
    /// Flagged messages; XLIST's `\Starred` too.
    Flagged,
    /// Junk; XLIST's `\Spam` too.
    Junk,
    /// Sent mail.
    Sent,
    /// Deleted messages.
    Trash,
    /// Gmail's and RFC 8457's important messages.
    Important,
    /// Any other, as sent, without the backslash.
    Other(String),
}

impl Attribute {
    fn parse(raw: &[u8]) -> Attribute {
        let text = String::from_utf8_lossy(raw);
        let name = text.trim_start_matches('\\');
        match name.to_ascii_lowercase().as_str() {
            "noinferiors" => Attribute::NoInferiors,
            "noselect" => Attribute::NoSelect,
            "nonexistent" => Attribute::NonExistent,
            "haschildren" => Attribute::HasChildren,
            "hasnochildren" => Attribute::HasNoChildren,
            "marked" => Attribute::Marked,
            "unmarked" => Attribute::Unmarked,
            "subscribed" => Attribute::Subscribed,
            "remote" => Attribute::Remote,
            "inbox" => Attribute::Inbox,
            "all" | "allmail" => Attribute::All,
            "archive" => Attribute::Archive,
            "drafts" => Attribute::Drafts,
            "flagged" | "starred" => Attribute::Flagged,
            "junk" | "spam" => Attribute::Junk,
            "sent" => Attribute::Sent,
            "trash" => Attribute::Trash,
            "important" => Attribute::Important,
            _ => Attribute::Other(name.to_owned()),
        }
    }
}

/// One folder of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListEntry {
    /// Its attributes.
    pub attributes: Vec<Attribute>,
    /// What separates the levels of its name; `None` where names have no levels.
    pub separator: Option<char>,
    /// Its name.
    pub name: WireName,
    /// Its numbers, when LIST-STATUS (RFC 5819) was asked for and the server gave them.
    pub status: Option<Status>,
}

impl ListEntry {
    /// Reads what follows the word LIST, LSUB or XLIST.
    pub(crate) fn parse(tokens: &mut Tokenizer<'_>) -> Option<ListEntry> {
        let mut attributes = Vec::new();
        if tokens.peek()? == Token::Open {
            tokens.token();
            loop {
                match tokens.token()? {
                    Token::Close => break,
                    Token::Open => {
                        if !tokens.skip_list() {
                            return None;
                        }
                    }
                    token => attributes.extend(token.octets().map(|raw| Attribute::parse(&raw))),
                }
            }
        }
        let separator = separator(tokens)?;
        Some(ListEntry { attributes, separator, name: name(tokens)?, status: None })
    }
}

fn separator(tokens: &mut Tokenizer<'_>) -> Option<Option<char>> {
    tokens.skip_spaces();
    // Domino's and others' backslash that is not escaped.
    if tokens.rest().starts_with(b"\"\\\" ") {
        tokens.skip(3);
        return Some(Some('\\'));
    }
    let token = tokens.token()?;
    if token.is_nil() {
        return Some(None);
    }
    let octets = token.octets()?;
    Some(octets.first().filter(|octet| octet.is_ascii()).map(|&octet| char::from(octet)))
}

fn name(tokens: &mut Tokenizer<'_>) -> Option<WireName> {
    tokens.skip_spaces();
    let rest = tokens.rest();
    match tokens.token()? {
        Token::Literal(octets) => Some(WireName::new(octets)),
        Token::Quoted(octets) => {
            let after = tokens.rest().trim_ascii();
            // A quote inside the name that was not escaped: the last one on the line ends it.
            if !after.is_empty() && !after.starts_with(b"(") {
                let inner = rest.trim_ascii_end();
                let inner = inner.strip_prefix(b"\"").unwrap_or(inner);
                return Some(WireName::new(inner.strip_suffix(b"\"").unwrap_or(inner)));
            }
            Some(WireName::new(octets.into_owned()))
        }
        // Unquoted names may hold spaces and brackets; extended data (RFC 5258) may follow.
        _ => {
            let end = [&b" (\""[..], b" (CHILDINFO", b" (OLDNAME"]
                .iter()
                .filter_map(|start| rest.windows(start.len()).position(|window| window == *start))
                .min()
                .unwrap_or(rest.len());
            let name = rest[..end].trim_ascii_end();
            (!name.is_empty()).then(|| WireName::new(name))
        }
    }
}
