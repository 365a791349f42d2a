//! FETCH (RFC 9051, section 7.5.2).
//!
//! Items come in any order, also after the body, also outside their list. What cannot be explained
//! makes the message suspect: it must then not be stored, but asked for again.

use std::borrow::Cow;

use bytes::Bytes;

use super::super::framing::Line;
use super::super::tokenizer::{Token, Tokenizer};
use super::super::{DateItem, Flag, InternalDate, ModSeq, Uid};
use super::Response;

/// The body in a FETCH response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Body {
    /// The response has none.
    #[default]
    NotSent,
    /// The server sent `NIL`: it has the message but cannot hand it over.
    Nil,
    /// The body came before this, as data frames.
    Received {
        /// How many octets.
        octets: u64,
    },
}

/// Why a message must not be trusted. It may well be damaged: fetch it again, alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Suspicion {
    /// The list was not closed, or closed more often than opened.
    Unbalanced,
    /// An item had no value, or one that it cannot have.
    AttributeWithoutValue,
    /// More octets of the body seem to have followed than were announced.
    LiteralTooShort,
    /// The announced length seems to have swallowed the end of the response.
    LiteralTooLong,
    /// Something that is no item stood in or after the list.
    TrailingGarbage,
    /// The response had two bodies; only the first was handed on.
    RepeatedBody,
    /// The response exceeded a limit and was cut.
    TooLong,
}

/// One message as described by one FETCH response. Servers also send these unasked (flags changed
/// by somebody else), then with [`Body::NotSent`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Its number in the folder at that moment.
    pub sequence: u32,
    /// Its UID.
    pub uid: Option<Uid>,
    /// Its flags; those that cannot be read are left out.
    pub flags: Option<Vec<Flag>>,
    /// When it arrived.
    pub internal_date: DateItem,
    /// RFC822.SIZE: the server's claim, not to be compared with what arrives.
    pub size: Option<u64>,
    /// Its modification sequence.
    pub mod_seq: Option<ModSeq>,
    /// Gmail's X-GM-MSGID.
    pub gmail_message_id: Option<u64>,
    /// Gmail's X-GM-LABELS, as sent.
    pub gmail_labels: Option<Vec<Vec<u8>>>,
    /// EMAILID (RFC 8474).
    pub email_id: Option<String>,
    /// The header fields asked for.
    pub header: Option<Bytes>,
    /// Its body.
    pub body: Body,
    /// Why it must not be trusted, if so.
    pub suspicion: Option<Suspicion>,
}

/// Reads one FETCH response.
pub(crate) struct FetchParser<'a> {
    tokens: Tokenizer<'a>,
    fetched: Fetched,
    inline_body: Option<Cow<'a, [u8]>>,
}

/// Where the reader stands.
struct Place {
    /// Open parentheses.
    depth: usize,
    /// The list has been closed once.
    closed: bool,
    /// Items were read after that.
    items_outside: bool,
}

impl<'a> FetchParser<'a> {
    /// Whether an item's name stands for a whole message.
    pub(crate) fn is_body_name(name: &[u8]) -> bool {
        let name = match name.iter().position(|&octet| octet == b'<') {
            Some(at) => &name[..at],
            None => name,
        };
        let bodies: [&[u8]; 6] =
            [b"BODY[]", b"RFC822", b"BINARY[]", b"BODY.PEEK[]", b"RFC822.PEEK", b"BINARY.PEEK[]"];
        bodies.iter().any(|body| {
            // An item may follow an earlier body without a space: only the end counts then.
            name.len() >= body.len() && name[name.len() - body.len()..].eq_ignore_ascii_case(body)
        })
    }

    /// The UID in a response of which only the part before `end` has arrived.
    pub(crate) fn uid_so_far(line: &Line, end: usize) -> Option<Uid> {
        let before = line.octets().get(..end)?;
        let mut parser = FetchParser::new(Tokenizer::new(before))?;
        parser.items(&[]);
        parser.fetched.uid
    }

    /// The response and a body that was not handed on as a literal (a quoted string).
    pub(crate) fn parse(line: &'a Line, overlong: bool) -> Option<(Fetched, Option<Cow<'a, [u8]>>)> {
        let mut parser = FetchParser::new(Tokenizer::over(line))?;
        parser.items(line.body_tail());
        if line.has_repeated_body() {
            parser.suspect(Suspicion::RepeatedBody);
        }
        if overlong {
            parser.fetched.suspicion = Some(Suspicion::TooLong);
        }
        Some((parser.fetched, parser.inline_body))
    }

    fn new(mut tokens: Tokenizer<'a>) -> Option<FetchParser<'a>> {
        let star = tokens.token()?;
        let sequence = tokens.token()?.number().and_then(|number| u32::try_from(number).ok())?;
        let word = tokens.token()?.octets()?;
        if star != Token::Atom(b"*") || !word.eq_ignore_ascii_case(b"FETCH") {
            return None;
        }
        Some(FetchParser { tokens, fetched: Fetched { sequence, ..Fetched::default() }, inline_body: None })
    }

    /// The first suspicion stays: it is the nearest to the cause.
    fn suspect(&mut self, suspicion: Suspicion) {
        self.fetched.suspicion.get_or_insert(suspicion);
    }

    fn items(&mut self, body_tail: &[u8]) {
        let mut place = Place { depth: 0, closed: false, items_outside: false };
        loop {
            let glued = self.tokens.is_glued_to_body();
            self.tokens.skip_spaces();
            match self.tokens.peek() {
                None => break,
                Some(Token::Open) => {
                    // Domino wraps single items in parentheses of their own.
                    self.tokens.token();
                    place.depth += 1;
                }
                Some(Token::Close) => {
                    self.tokens.token();
                    self.close(&mut place);
                }
                Some(_) => {
                    place.items_outside |= place.closed;
                    self.item(glued, place.closed);
                }
            }
        }
        if !place.closed || place.depth > 0 {
            let swallowed = [&b")\r\n* "[..], b")\n* ", b")\r\nm"]
                .iter()
                .any(|end| body_tail.windows(end.len()).any(|window| window == *end))
                || [&b")"[..], b")\r", b")\r\n"].iter().any(|end| body_tail.ends_with(end));
            self.suspect(if swallowed { Suspicion::LiteralTooLong } else { Suspicion::Unbalanced });
        }
    }

    fn close(&mut self, place: &mut Place) {
        match place.depth {
            // Xeams closes the list after the body, writes more items and closes it again.
            0 if place.items_outside => place.items_outside = false,
            0 => self.suspect(Suspicion::Unbalanced),
            1 => {
                place.depth = 0;
                place.closed = true;
            }
            _ => place.depth -= 1,
        }
    }

    fn item(&mut self, glued: bool, outside: bool) {
        let name = self.tokens.item_name();
        if name.is_empty() {
            // A stray string or bracket.
            self.tokens.token();
            self.suspect(if glued { Suspicion::LiteralTooShort } else { Suspicion::TrailingGarbage });
            return;
        }
        let upper = name.to_ascii_uppercase();
        let understood = match upper.as_slice() {
            b"UID" => self.number(|fetched, number| {
                fetched.uid = u32::try_from(number).ok().and_then(Uid::new);
            }),
            b"RFC822.SIZE" => self.number(|fetched, number| fetched.size = Some(number)),
            b"X-GM-MSGID" => self.number(|fetched, number| fetched.gmail_message_id = Some(number)),
            b"FLAGS" => self.strings().map(|raw| {
                self.fetched.flags = Some(raw.iter().filter_map(|flag| Flag::parse(flag)).collect());
            }),
            b"X-GM-LABELS" => self.strings().map(|raw| {
                self.fetched.gmail_labels = Some(raw.into_iter().map(Cow::into_owned).collect());
            }),
            b"MODSEQ" => self.strings().map(|raw| {
                let number = raw.first().and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
                self.fetched.mod_seq = number.map(ModSeq);
            }),
            b"EMAILID" => self.strings().map(|raw| {
                self.fetched.email_id = raw.first().map(|id| String::from_utf8_lossy(id).into_owned());
            }),
            b"INTERNALDATE" => self.date(),
            _ if upper.starts_with(b"BODY[HEADER") => self.header(),
            _ if Self::is_body_name(&upper) => self.body(),
            _ => return self.unknown(glued, outside),
        };
        if understood.is_none() {
            self.suspect(Suspicion::AttributeWithoutValue);
        }
    }

    fn unknown(&mut self, glued: bool, outside: bool) {
        if glued {
            self.suspect(Suspicion::LiteralTooShort);
        }
        match self.tokens.peek() {
            None | Some(Token::Close) => self.suspect(Suspicion::AttributeWithoutValue),
            Some(_) => {
                if !self.tokens.skip_value() {
                    self.suspect(Suspicion::Unbalanced);
                }
            }
        }
        if outside {
            self.suspect(Suspicion::TrailingGarbage);
        }
    }

    /// The item's value, unless the list ends where it should stand.
    fn value(&mut self) -> Option<Token<'a>> {
        match self.tokens.peek()? {
            Token::Close => None,
            _ => self.tokens.token(),
        }
    }

    fn number(&mut self, store: impl FnOnce(&mut Fetched, u64)) -> Option<()> {
        let value = self.value()?;
        if !value.is_nil() {
            store(&mut self.fetched, value.number()?);
        }
        Some(())
    }

    /// A list of strings; a single one counts as a list, NIL as the empty list.
    fn strings(&mut self) -> Option<Vec<Cow<'a, [u8]>>> {
        let value = self.value()?;
        if value.is_nil() {
            return Some(Vec::new());
        }
        if value != Token::Open {
            return Some(vec![value.octets()?]);
        }
        let mut strings = Vec::new();
        loop {
            match self.tokens.token()? {
                Token::Close => return Some(strings),
                Token::Open => {
                    if !self.tokens.skip_list() {
                        return None;
                    }
                }
                token => strings.extend(token.octets()),
            }
        }
    }

    fn date(&mut self) -> Option<()> {
        let value = self.value()?.octets()?;
        let text = String::from_utf8_lossy(&value);
        self.fetched.internal_date = match InternalDate::parse(&text) {
            Some(date) => DateItem::Valid(date),
            None => DateItem::Invalid(text.chars().take(80).collect()),
        };
        Some(())
    }

    fn header(&mut self) -> Option<()> {
        let value = self.value()?;
        if !value.is_nil() {
            self.fetched.header = Some(Bytes::from(value.octets()?.into_owned()));
        }
        Some(())
    }

    fn body(&mut self) -> Option<()> {
        let value = self.value()?;
        if value.is_nil() {
            if self.fetched.body == Body::NotSent {
                self.fetched.body = Body::Nil;
            }
            return Some(());
        }
        let octets = match value {
            Token::Streamed(octets) => {
                if self.fetched.body == Body::NotSent {
                    self.fetched.body = Body::Received { octets };
                } else {
                    self.suspect(Suspicion::RepeatedBody);
                }
                return Some(());
            }
            Token::Quoted(text) => text,
            Token::Literal(text) => Cow::Borrowed(text),
            Token::Atom(_) | Token::Open | Token::Close => return None,
        };
        if self.fetched.body == Body::NotSent {
            self.fetched.body = Body::Received { octets: octets.len() as u64 };
            self.inline_body = Some(octets);
        } else {
            self.suspect(Suspicion::RepeatedBody);
        }
        Some(())
    }
}

impl Response {
    /// Reads a FETCH line, with a body that was written as a quoted string.
    pub(crate) fn parse_fetch(line: &Line, overlong: bool) -> (Response, Option<Bytes>) {
        match FetchParser::parse(line, overlong) {
            Some((fetched, body)) => {
                (Response::Fetch(fetched), body.map(|octets| Bytes::from(octets.into_owned())))
            }
            None => (Response::unintelligible(line), None),
        }
    }
}
