//! Where one response ends and the next begins (RFC 9051, sections 2.2 and 4.3).
//!
//! The decoder takes octets in pieces of any size and gives frames; the octets of a message body
//! leave it as they came, without being collected. It must never lose the line structure for good:
//! whatever a line holds, the next one that begins with `* `, `+ ` or one of our tags is found.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

use super::response::{FetchParser, Response};
use super::{Limits, Uid};

/// Largest piece of a body handed on at once, in octets.
pub(super) const PIECE: usize = 64 * 1024;

/// A step of what the server says.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// The body of a FETCH response begins.
    BodyStart {
        /// Its length in octets as announced.
        announced: u64,
        /// The message, where the UID stood before the body.
        uid: Option<Uid>,
    },
    /// Part of that body, at most 64 KiB.
    BodyData(Bytes),
    /// A complete response.
    Response(Box<Response>),
}

/// A literal within a [`Line`].
#[derive(Clone, Debug)]
pub(crate) struct LiteralAt {
    /// Where its `{` (or `~{`) stands.
    pub(crate) marker: usize,
    /// Where its octets begin; the end of the marker's line.
    pub(crate) start: usize,
    /// Where they end. Equal to `start` for a literal that was handed on.
    pub(crate) end: usize,
    /// Length of a literal that was handed on.
    pub(crate) streamed: Option<u64>,
}

/// One response, its literals in place, without the final line end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    octets: Vec<u8>,
    literals: Vec<LiteralAt>,
    /// The last octets of a body that was handed on, to tell how a wrong one ended.
    body_tail: Vec<u8>,
    /// A second body in one response: its octets are dropped.
    repeated_body: bool,
}

impl Line {
    pub(crate) fn octets(&self) -> &[u8] {
        &self.octets
    }

    pub(crate) fn literals(&self) -> &[LiteralAt] {
        &self.literals
    }

    pub(crate) fn body_tail(&self) -> &[u8] {
        &self.body_tail
    }

    pub(crate) fn has_repeated_body(&self) -> bool {
        self.repeated_body
    }
}

/// The kind of a line, as far as framing needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Tagged, `+`, or untagged OK/NO/BAD/BYE/PREAUTH: text, never a literal; the start is kept when too long.
    Text,
    /// Anything else; may be followed by literals.
    Data,
    /// FETCH.
    Fetch,
    /// SEARCH, ESEARCH, VANISHED.
    Search,
    /// Neither `* ` nor `+ ` nor a tag of ours.
    Stray,
}

#[derive(Debug)]
enum State {
    Line,
    /// A literal that is kept, with octets still to come.
    Inline(usize),
    /// A body that is handed on, with octets still to come.
    Body(u64),
    /// A literal (or second body) that is dropped, with octets still to come.
    Drop(u64),
    /// Too long: everything to the end of the line is dropped.
    Skip(u64),
}

/// Cuts the byte stream into frames.
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    state: State,
    line: Line,
    /// How much of the waiting octets was searched for a line end.
    searched: usize,
    kind: Kind,
    /// The line lost octets to a limit.
    overlong: bool,
    /// Empty lines since the last response.
    empty: u64,
    /// Frames of a body that stood in quotes.
    ready: VecDeque<Frame>,
}

impl Decoder {
    /// A decoder at the start of a stream.
    pub fn new(limits: Limits) -> Decoder {
        Decoder {
            limits,
            state: State::Line,
            line: Line::default(),
            searched: 0,
            kind: Kind::Stray,
            overlong: false,
            empty: 0,
            ready: VecDeque::new(),
        }
    }

    /// Whether a response has begun and not ended.
    pub fn is_mid_response(&self) -> bool {
        !matches!(self.state, State::Line) || !self.line.octets.is_empty()
    }

    /// The next frame of what is in `waiting`; `None` when more octets are needed. What was used is
    /// taken out of `waiting`.
    ///
    /// # Errors
    /// The name of the limit and the limit, when a line has no end.
    pub fn decode(&mut self, waiting: &mut BytesMut) -> Result<Option<Frame>, (&'static str, u64)> {
        if let Some(frame) = self.ready.pop_front() {
            return Ok(Some(frame));
        }
        loop {
            match self.state {
                State::Line => match self.take_line(waiting)? {
                    Step::Frame(frame) => return Ok(Some(frame)),
                    Step::Again => {}
                    Step::NeedMore => return Ok(None),
                },
                State::Inline(left) => {
                    let count = left.min(waiting.len());
                    self.line.octets.extend_from_slice(&waiting[..count]);
                    waiting.advance(count);
                    if count < left {
                        self.state = State::Inline(left - count);
                        return Ok(None);
                    }
                    self.end_literal();
                }
                State::Body(0) | State::Drop(0) => self.end_literal(),
                State::Body(left) => {
                    let count = waiting.len().min(PIECE).min(usize::try_from(left).unwrap_or(usize::MAX));
                    if count == 0 {
                        return Ok(None);
                    }
                    let piece = waiting.split_to(count).freeze();
                    self.remember_tail(&piece);
                    self.state = State::Body(left - count as u64);
                    return Ok(Some(Frame::BodyData(piece)));
                }
                State::Drop(left) => {
                    let count = waiting.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    if count == 0 {
                        return Ok(None);
                    }
                    waiting.advance(count);
                    self.state = State::Drop(left - count as u64);
                }
                State::Skip(skipped) => {
                    let found = waiting.iter().position(|&octet| octet == b'\n');
                    let skipped = skipped + found.unwrap_or(waiting.len()) as u64;
                    if skipped > self.limits.skip {
                        return Err(("the length of a line", self.limits.skip));
                    }
                    if let Some(at) = found {
                        waiting.advance(at + 1);
                        return Ok(Some(self.finish()));
                    }
                    waiting.clear();
                    self.state = State::Skip(skipped);
                    return Ok(None);
                }
            }
        }
    }

    fn take_line(&mut self, waiting: &mut BytesMut) -> Result<Step, (&'static str, u64)> {
        let fresh = waiting.get(self.searched..).unwrap_or_default();
        let found = fresh.iter().position(|&octet| octet == b'\n').map(|at| self.searched + at);
        let available = found.map_or(waiting.len(), |at| at + 1);
        if self.line.octets.is_empty() {
            self.kind = kind_of(&waiting[..available.min(64)]);
        }
        let room = self.cap().saturating_sub(self.line.octets.len());
        if available > room {
            // Too long: keep what may be kept, drop the rest up to the line end.
            self.line.octets.extend_from_slice(&waiting[..room]);
            waiting.advance(room);
            self.searched = 0;
            self.overlong = true;
            self.state = State::Skip(0);
            return Ok(Step::Again);
        }
        let Some(end) = found else {
            self.searched = waiting.len();
            return Ok(Step::NeedMore);
        };
        self.searched = 0;
        let start = self.line.octets.len();
        self.line.octets.extend_from_slice(&waiting[..=end]);
        waiting.advance(end + 1);
        self.end_line(start)
    }

    /// A line end was read: is a literal announced, or is this the end of the response?
    fn end_line(&mut self, start: usize) -> Result<Step, (&'static str, u64)> {
        let literal = match self.kind {
            Kind::Text | Kind::Stray => None,
            Kind::Data | Kind::Fetch | Kind::Search => announced_literal(&self.line.octets[start..]),
        };
        let Some((marker, length)) = literal else {
            trim_line_end(&mut self.line.octets, start);
            if !self.line.octets.is_empty() {
                return Ok(Step::Frame(self.finish()));
            }
            self.empty += 1;
            if self.empty > self.limits.unasked {
                return Err(("empty lines", self.limits.unasked));
            }
            return Ok(Step::Again);
        };
        let marker = start + marker;
        let position = self.line.octets.len();
        let mut literal = LiteralAt { marker, start: position, end: position, streamed: None };
        if self.kind == Kind::Fetch && is_body(&self.line.octets[..marker]) {
            literal.streamed = Some(length);
            let repeated = self.line.literals.iter().any(|earlier| earlier.streamed.is_some());
            let uid = FetchParser::uid_so_far(&self.line, marker);
            self.line.literals.push(literal);
            if repeated {
                self.line.repeated_body = true;
                return self.drop_literal(length);
            }
            self.state = State::Body(length);
            return Ok(Step::Frame(Frame::BodyStart { announced: length, uid }));
        }
        self.line.literals.push(literal);
        let room = self.cap().saturating_sub(position);
        match usize::try_from(length) {
            Ok(length) if length <= room => self.state = State::Inline(length),
            _ => {
                self.overlong = true;
                return self.drop_literal(length);
            }
        }
        Ok(Step::Again)
    }

    /// A literal that nobody wants is read past, unless it is so long that another connection is the shorter way.
    fn drop_literal(&mut self, length: u64) -> Result<Step, (&'static str, u64)> {
        if length > self.limits.skip {
            return Err(("the length of a literal", self.limits.skip));
        }
        self.state = State::Drop(length);
        Ok(Step::Again)
    }

    fn end_literal(&mut self) {
        if let Some(literal) = self.line.literals.last_mut() {
            literal.end = self.line.octets.len();
        }
        self.state = State::Line;
    }

    fn remember_tail(&mut self, piece: &[u8]) {
        const TAIL: usize = 64;
        let tail = &mut self.line.body_tail;
        tail.extend_from_slice(&piece[piece.len().saturating_sub(TAIL)..]);
        let excess = tail.len().saturating_sub(TAIL);
        tail.drain(..excess);
    }

    fn finish(&mut self) -> Frame {
        self.empty = 0;
        let line = std::mem::take(&mut self.line);
        let overlong = std::mem::take(&mut self.overlong);
        self.state = State::Line;
        let response = match self.kind {
            Kind::Fetch => return self.finish_fetch(&line, overlong),
            Kind::Text => Response::parse(&line),
            Kind::Stray => Response::unintelligible(&line),
            Kind::Data | Kind::Search if overlong => Response::unintelligible(&line),
            Kind::Data | Kind::Search => Response::parse(&line),
        };
        Frame::Response(Box::new(response))
    }

    fn finish_fetch(&mut self, line: &Line, overlong: bool) -> Frame {
        let (response, body) = Response::parse_fetch(line, overlong);
        // Beside a body that was handed on already a quoted one is its repetition, and the response suspect.
        let handed_on = line.literals.iter().any(|literal| literal.streamed.is_some());
        let Some(mut body) = body.filter(|_| !handed_on) else { return Frame::Response(Box::new(response)) };
        let uid = match &response {
            Response::Fetch(fetched) => fetched.uid,
            _ => None,
        };
        let announced = body.len() as u64;
        while !body.is_empty() {
            self.ready.push_back(Frame::BodyData(body.split_to(body.len().min(PIECE))));
        }
        self.ready.push_back(Frame::Response(Box::new(response)));
        Frame::BodyStart { announced, uid }
    }

    fn cap(&self) -> usize {
        match self.kind {
            Kind::Text | Kind::Data | Kind::Stray => self.limits.line,
            Kind::Fetch => self.limits.fetch,
            Kind::Search => self.limits.search,
        }
    }
}

enum Step {
    Frame(Frame),
    Again,
    NeedMore,
}

fn trim_line_end(octets: &mut Vec<u8>, start: usize) {
    while octets.len() > start && matches!(octets.last(), Some(b'\r' | b'\n')) {
        octets.pop();
    }
}

/// The place and length of the literal that the end of this line announces: `{5}`, `{5+}`, `~{5}`.
fn announced_literal(line: &[u8]) -> Option<(usize, u64)> {
    let line = line.strip_suffix(b"\n")?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let inner = line.strip_suffix(b"}")?;
    let inner = inner.strip_suffix(b"+").unwrap_or(inner);
    let digits = inner.iter().rev().take_while(|octet| octet.is_ascii_digit()).count();
    let (before, digits) = inner.split_at(inner.len() - digits);
    let before = before.strip_suffix(b"{")?;
    // A length beyond 2^63 cannot be meant; then this is text.
    let length = std::str::from_utf8(digits).ok()?.parse::<u64>().ok().filter(|&n| n <= i64::MAX as u64)?;
    let before = before.strip_suffix(b"~").unwrap_or(before);
    Some((before.len(), length))
}

/// Whether what stands before a literal names a whole message.
fn is_body(before: &[u8]) -> bool {
    let before = before.trim_ascii_end();
    let length = before.iter().rev().take_while(|octet| !matches!(octet, b' ' | b'(')).count();
    FetchParser::is_body_name(&before[before.len() - length..])
}

fn kind_of(start: &[u8]) -> Kind {
    let Some(rest) = start.strip_prefix(b"*") else {
        return if start.starts_with(b"+") || is_tagged(start) { Kind::Text } else { Kind::Stray };
    };
    if !rest.first().is_some_and(u8::is_ascii_whitespace) {
        return Kind::Stray;
    }
    let mut words = rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default();
    let second = words.next().unwrap_or_default();
    let is = |word: &[u8], names: &[&[u8]]| names.iter().any(|name| word.eq_ignore_ascii_case(name));
    if is(first, &[b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"]) {
        Kind::Text
    } else if is(first, &[b"SEARCH", b"ESEARCH", b"VANISHED"]) {
        Kind::Search
    } else if first.iter().all(u8::is_ascii_digit) && (is(second, &[b"FETCH"]) || starts_fetch(second)) {
        Kind::Fetch
    } else {
        Kind::Data
    }
}

/// `FETCH(UID 1 ...` without a space.
fn starts_fetch(word: &[u8]) -> bool {
    word.get(..6).is_some_and(|start| start.eq_ignore_ascii_case(b"FETCH("))
}

/// A tag of ours is `m` and a number; what follows must be a condition, so that text which is not an
/// answer (after a literal that was announced too short) is not taken for one.
fn is_tagged(start: &[u8]) -> bool {
    let Some(rest) = start.strip_prefix(b"m") else { return false };
    let digits = rest.iter().take_while(|octet| octet.is_ascii_digit()).count();
    let after = rest[digits..].trim_ascii_start();
    let conditions: [&[u8]; 3] = [b"OK", b"NO", b"BAD"];
    digits > 0
        && rest.get(digits) == Some(&b' ')
        && conditions
            .iter()
            .any(|name| after.get(..name.len()).is_some_and(|word| word.eq_ignore_ascii_case(name)))
}
