//! Responses of a server, one file for each kind (RFC 9051, section 7).
//!
//! Reading is tolerant: what can be understood is, the rest is skipped by its syntax. A response
//! that makes no sense becomes [`Response::Unintelligible`]; nothing here can panic or fail.

mod esearch;
mod fetch;
mod id;
mod list;
mod namespace;
mod quota;
mod status;

pub use esearch::ESearch;
pub use fetch::{Body, Fetched, Suspicion};
pub use list::{Attribute, ListEntry};
pub use namespace::{Namespace, Namespaces};
pub use quota::{Quota, QuotaResource};
pub use status::Status;

pub(crate) use fetch::FetchParser;

use super::framing::Line;
use super::tokenizer::{Token, Tokenizer};
use super::{Capabilities, Flag, ResponseCode, Uid, UidSet, WireName};

/// Longest text for people that is kept, in characters.
const TEXT: usize = 1_000;

/// How a command ended, or the kind of an untagged status response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Success, or information.
    Ok,
    /// Failure, or a warning.
    No,
    /// The server did not understand.
    Bad,
}

/// A response without its tag: OK, NO or BAD with code and text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusText {
    /// OK, NO or BAD.
    pub condition: Condition,
    /// What stood in brackets.
    pub code: Option<ResponseCode>,
    /// The text for people, at most 1,000 characters, without control characters.
    pub text: String,
}

/// A complete response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Response {
    /// The end of one of our commands.
    Tagged {
        /// The number in the command's tag.
        tag: u32,
        /// How it ended.
        status: StatusText,
    },
    /// `+`: the server waits for more of a command; what it said.
    Continuation(Vec<u8>),
    /// Untagged OK, NO or BAD.
    Status(StatusText),
    /// BYE: the connection ends.
    Bye(StatusText),
    /// PREAUTH: a greeting that needs no login.
    PreAuth(StatusText),
    /// CAPABILITY.
    Capability(Capabilities),
    /// ENABLED: what was switched on.
    Enabled(Vec<String>),
    /// ID.
    Id(Vec<(String, String)>),
    /// NAMESPACE.
    Namespace(Namespaces),
    /// LIST, LSUB or XLIST.
    List(ListEntry),
    /// STATUS of a folder.
    FolderStatus(WireName, Status),
    /// FLAGS of the open folder.
    Flags(Vec<Flag>),
    /// EXISTS: messages in the open folder.
    Exists(u32),
    /// RECENT.
    Recent(u32),
    /// EXPUNGE: this message number is gone.
    Expunge(u32),
    /// FETCH.
    Fetch(Fetched),
    /// VANISHED (RFC 7162).
    Vanished(UidSet),
    /// SEARCH.
    Search(UidSet),
    /// ESEARCH.
    ESearch(ESearch),
    /// QUOTA.
    Quota(Quota),
    /// QUOTAROOT: a folder's quota roots.
    QuotaRoot(WireName),
    /// A line that makes no sense, or of a kind unknown here.
    Unintelligible {
        /// Its first word after the `*`, in capitals; empty where there is none.
        word: String,
    },
}

impl Response {
    pub(crate) fn unintelligible(line: &Line) -> Response {
        let mut words = line.octets().split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let word = match words.next() {
            Some(b"*") => words.next().unwrap_or_default(),
            _ => b"",
        };
        let word = &word[..word.len().min(20)];
        Response::Unintelligible { word: String::from_utf8_lossy(word).to_ascii_uppercase() }
    }

    /// Reads any response but FETCH.
    pub(crate) fn parse(line: &Line) -> Response {
        let octets = line.octets();
        let understood = match octets.first() {
            Some(b'+') => Some(Response::Continuation(octets[1..].trim_ascii().to_vec())),
            Some(b'*') => Self::untagged(line),
            _ => Self::tagged(octets),
        };
        understood.unwrap_or_else(|| Self::unintelligible(line))
    }

    fn tagged(octets: &[u8]) -> Option<Response> {
        let at = octets.iter().position(|&octet| octet == b' ')?;
        let tag = std::str::from_utf8(octets.get(1..at)?).ok()?.parse().ok()?;
        let mut tokens = Tokenizer::new(&octets[at..]);
        let word = tokens.token()?.octets()?;
        Some(Response::Tagged { tag, status: status_text(condition(&word)?, tokens.rest()) })
    }

    fn untagged(line: &Line) -> Option<Response> {
        let mut tokens = Tokenizer::over(line);
        tokens.token()?;
        let word = tokens.token()?.octets()?.to_ascii_uppercase();
        if word.iter().all(u8::is_ascii_digit) {
            let number = std::str::from_utf8(&word).ok()?.parse().ok()?;
            return match tokens.token()?.octets()?.to_ascii_uppercase().as_slice() {
                b"EXISTS" => Some(Response::Exists(number)),
                b"RECENT" => Some(Response::Recent(number)),
                b"EXPUNGE" => Some(Response::Expunge(number)),
                _ => None,
            };
        }
        if let Some(condition) = condition(&word) {
            return Some(Response::Status(status_text(condition, tokens.rest())));
        }
        match word.as_slice() {
            b"BYE" => Some(Response::Bye(status_text(Condition::Ok, tokens.rest()))),
            b"PREAUTH" => Some(Response::PreAuth(status_text(Condition::Ok, tokens.rest()))),
            b"CAPABILITY" => {
                Some(Response::Capability(words(tokens.rest()).iter().map(String::as_str).collect()))
            }
            b"ENABLED" => Some(Response::Enabled(words(tokens.rest()))),
            b"ID" => id::parse(&mut tokens).map(Response::Id),
            b"NAMESPACE" => Namespaces::parse(&mut tokens).map(Response::Namespace),
            b"LIST" | b"LSUB" | b"XLIST" => ListEntry::parse(&mut tokens).map(Response::List),
            b"STATUS" => {
                Status::parse(&mut tokens).map(|(name, status)| Response::FolderStatus(name, status))
            }
            b"FLAGS" => flags(&mut tokens).map(Response::Flags),
            b"SEARCH" => search(&mut tokens).map(Response::Search),
            b"ESEARCH" => ESearch::parse(&mut tokens).map(Response::ESearch),
            b"VANISHED" => vanished(&mut tokens).map(Response::Vanished),
            b"QUOTA" => Quota::parse(&mut tokens).map(Response::Quota),
            b"QUOTAROOT" => {
                let name = tokens.token()?.octets()?.into_owned();
                Some(Response::QuotaRoot(WireName::new(name)))
            }
            _ => None,
        }
    }
}

fn condition(word: &[u8]) -> Option<Condition> {
    match word.to_ascii_uppercase().as_slice() {
        b"OK" => Some(Condition::Ok),
        b"NO" => Some(Condition::No),
        b"BAD" => Some(Condition::Bad),
        _ => None,
    }
}

/// Code and text after OK, NO, BAD, BYE or PREAUTH.
fn status_text(condition: Condition, rest: &[u8]) -> StatusText {
    let rest = rest.trim_ascii();
    let mut text = rest;
    let mut code = None;
    if let Some(inner) = rest.strip_prefix(b"[")
        && let Some(end) = end_of_code(inner)
    {
        code = Some(ResponseCode::parse(&inner[..end]));
        text = inner[end + 1..].trim_ascii();
    }
    let text = String::from_utf8_lossy(text).chars().filter(|c| !c.is_control()).take(TEXT).collect();
    StatusText { condition, code, text }
}

/// Where the code's `]` stands. Flags and quoted strings in a code may hold brackets of their own.
fn end_of_code(inner: &[u8]) -> Option<usize> {
    let mut quoted = false;
    let mut depth = 0_usize;
    for (at, octet) in inner.iter().enumerate() {
        match octet {
            b'"' => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => depth = depth.saturating_sub(1),
            b']' if !quoted && depth == 0 => return Some(at),
            _ => {}
        }
    }
    inner.iter().position(|&octet| octet == b']')
}

fn words(rest: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(rest).split_ascii_whitespace().map(str::to_owned).collect()
}

fn flags(tokens: &mut Tokenizer<'_>) -> Option<Vec<Flag>> {
    let mut flags = Vec::new();
    if tokens.token()? != Token::Open {
        return None;
    }
    while let Some(token) = tokens.token() {
        match token {
            Token::Close => break,
            Token::Open => {}
            token => flags.extend(token.octets().and_then(|raw| Flag::parse(&raw))),
        }
    }
    Some(flags)
}

/// Numbers up to the end; `(MODSEQ 7)` may follow (RFC 7162). Zeros are no UIDs.
fn search(tokens: &mut Tokenizer<'_>) -> Option<UidSet> {
    let mut found = Vec::new();
    while let Some(token) = tokens.token() {
        if token == Token::Open {
            tokens.skip_list();
            continue;
        }
        let number = u32::try_from(token.number()?).ok()?;
        found.extend(Uid::new(number));
    }
    Some(found.into_iter().collect())
}

fn vanished(tokens: &mut Tokenizer<'_>) -> Option<UidSet> {
    let mut token = tokens.token()?;
    if token == Token::Open {
        tokens.skip_list();
        token = tokens.token()?;
    }
    std::str::from_utf8(&token.octets()?).ok()?.parse().ok()
}
