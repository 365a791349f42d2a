//! A connection: what every command needs.
//!
//! One place reads and frames; commands are known by their tags. A command that is given up half-way
//! leaves the connection [`Error::Abandoned`]: it must never mistake an old answer for a new one.

use std::net::SocketAddr;

use bytes::BytesMut;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, warn};

use super::options::Options;
use super::transport::Transport;
use crate::error::{Error, FramingFault, Stage};
use crate::protocol::{
    Capabilities, Command, Condition, Decoder, Frame, Literals, NameEncoding, Response, ResponseCode,
    StatusText,
};

/// How often a server may ask for more where nothing is due.
const STRAY_CONTINUATIONS: u32 = 8;

/// Lines without sense that are worth a warning each; further ones are only counted.
const WARNINGS: u64 = 20;

/// A connection to a server. Commands run one at a time, except FETCH (see [`Connection::fetch`]).
pub struct Connection {
    pub(super) transport: Option<Transport>,
    pub(super) decoder: Decoder,
    pub(super) waiting: BytesMut,
    pub(super) options: Options,
    pub(super) capabilities: Capabilities,
    pub(super) greeting: StatusText,
    pub(super) authenticated: bool,
    pub(super) peer: Option<SocketAddr>,
    pub(super) encoding: NameEncoding,
    pub(super) enabled: Vec<String>,
    pub(super) in_flight: super::fetch::InFlight,
    /// A command is on the wire and its answer has not been read to the end.
    pub(super) busy: bool,
    pub(super) lost: bool,
    pub(super) exists: Option<u32>,
    /// The folder that is open was opened by SELECT.
    pub(super) open_for_writing: bool,
    /// Responses that may still come before the command on the wire gets on.
    allowance: u64,
    pub(super) next_tag: u32,
    skipped: u64,
    skipped_names: u64,
    pub(super) overlong_names: u64,
    last_octet: Instant,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("peer", &self.peer).field("usable", &self.is_usable()).finish()
    }
}

impl Connection {
    pub(super) fn new(transport: Transport, peer: Option<SocketAddr>, options: &Options) -> Connection {
        Connection {
            transport: Some(transport),
            decoder: Decoder::new(options.limits.clone()),
            waiting: BytesMut::new(),
            options: options.clone(),
            capabilities: Capabilities::default(),
            greeting: StatusText { condition: Condition::Ok, code: None, text: String::new() },
            authenticated: false,
            peer,
            encoding: NameEncoding::ModifiedUtf7,
            enabled: Vec::new(),
            in_flight: super::fetch::InFlight::default(),
            busy: false,
            lost: false,
            exists: None,
            open_for_writing: false,
            allowance: options.limits.unasked,
            next_tag: 1,
            skipped: 0,
            skipped_names: 0,
            overlong_names: 0,
            last_octet: Instant::now(),
        }
    }

    /// What the server can do, as last announced.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// The text of the server's greeting.
    pub fn server(&self) -> &str {
        &self.greeting.text
    }

    /// The server's address; `None` for a connection over a given stream.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// How the server writes folder names that are not ASCII.
    pub fn name_encoding(&self) -> NameEncoding {
        self.encoding
    }

    /// How many lines of the server made no sense and were skipped so far.
    pub fn skipped_lines(&self) -> u64 {
        self.skipped
    }

    /// How many of these may have named a folder: those that begin like LIST or like nothing at all. Responses of kinds
    /// that are unknown here are none.
    pub fn skipped_names(&self) -> u64 {
        self.skipped_names
    }

    /// How many folders were left out of lists because of the length of their names.
    pub fn overlong_names(&self) -> u64 {
        self.overlong_names
    }

    /// Whether another command can be sent.
    pub fn is_usable(&self) -> bool {
        !self.lost && !self.busy && self.in_flight.is_empty()
    }

    /// Whether the server offers an extension, on its own or as part of IMAP4rev2.
    pub(super) fn offers(&self, extension: &str) -> bool {
        const REVISION_2: [&str; 11] = [
            "NAMESPACE",
            "UNSELECT",
            "UIDPLUS",
            "ESEARCH",
            "ENABLE",
            "IDLE",
            "SASL-IR",
            "LIST-EXTENDED",
            "LIST-STATUS",
            "MOVE",
            "LITERAL-",
        ];
        let folded = REVISION_2.contains(&extension)
            || (matches!(extension, "STATUS=SIZE" | "SPECIAL-USE") && !self.capabilities.has("IMAP4rev1"));
        self.capabilities.has(extension) || (folded && self.capabilities.has("IMAP4rev2"))
    }

    /// Sends a command and reads to its completion; `each` sees every untagged response.
    pub(super) async fn execute(
        &mut self,
        command: Command,
        each: impl FnMut(Response) -> Result<(), Error>,
    ) -> Result<StatusText, Error> {
        let name = command.name();
        let status = self.execute_any(command, each).await?;
        require_ok(name, status)
    }

    /// As [`Self::execute`], but NO and BAD are given back as they are.
    pub(super) async fn execute_any(
        &mut self,
        command: Command,
        each: impl FnMut(Response) -> Result<(), Error>,
    ) -> Result<StatusText, Error> {
        let name = command.name();
        self.begin()?;
        self.allow(command.expected());
        let tag = self.next_tag();
        let mut pieces = command.encode(tag, self.literals()).into_iter();
        debug!(tag, command = name, "sending");
        let result = async {
            self.write(pieces.next().unwrap_or_default())?;
            for piece in pieces {
                if let Some(status) = self.continuation(name, tag).await? {
                    return Ok(status);
                }
                self.write(piece)?;
            }
            self.completion(name, tag, each).await
        }
        .await;
        self.end(result)
    }

    /// Checks that a command may be sent now, and marks the connection busy.
    pub(super) fn begin(&mut self) -> Result<(), Error> {
        if self.lost {
            return Err(Error::Closed);
        }
        if self.busy || !self.in_flight.is_empty() {
            return Err(Error::Abandoned);
        }
        self.busy = true;
        self.allow(0);
        Ok(())
    }

    /// The command got on, or is a new one: beside what was asked for, so much of anything else may come.
    pub(super) fn allow(&mut self, asked_for: u64) {
        self.allowance = self.options.limits.unasked.saturating_add(asked_for);
    }

    /// Counts a response that did not get the command on.
    pub(super) fn endure(&mut self) -> Result<(), Error> {
        self.allowance = self.allowance.saturating_sub(1);
        if self.allowance > 0 {
            return Ok(());
        }
        self.lost = true;
        let limit = self.options.limits.unasked;
        Err(Error::LimitExceeded { what: "responses that nobody asked for", limit })
    }

    /// The end of what [`Self::begin`] began.
    pub(super) fn end<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        self.lost |= result.is_err();
        self.busy = false;
        result
    }

    pub(super) fn next_tag(&mut self) -> u32 {
        let tag = self.next_tag;
        self.next_tag = self.next_tag.wrapping_add(1);
        tag
    }

    pub(super) fn literals(&self) -> Literals {
        if self.offers("LITERAL+") {
            Literals::All
        } else if self.offers("LITERAL-") {
            Literals::Small
        } else {
            Literals::Synchronizing
        }
    }

    /// Queues octets for the server; the time for an answer starts now.
    pub(super) fn write(&mut self, octets: Vec<u8>) -> Result<(), Error> {
        self.last_octet = Instant::now();
        self.transport.as_ref().ok_or(Error::Closed)?.send(octets)
    }

    /// Waits for the `+` that lets a command go on; a completion instead is given back.
    pub(super) async fn continuation(
        &mut self,
        name: &'static str,
        tag: u32,
    ) -> Result<Option<StatusText>, Error> {
        match self.continuation_or_completion(name, tag).await? {
            Reply::Continue(_) => Ok(None),
            Reply::Done(status) => Ok(Some(status)),
        }
    }

    pub(super) async fn continuation_or_completion(
        &mut self,
        name: &'static str,
        tag: u32,
    ) -> Result<Reply, Error> {
        loop {
            match self.response().await? {
                Response::Continuation(text) => return Ok(Reply::Continue(text)),
                Response::Tagged { tag: ended, status } if ended == tag => return Ok(Reply::Done(status)),
                Response::Tagged { .. } => self.skip(name),
                _ => {}
            }
        }
    }

    /// Reads to the completion of one command.
    pub(super) async fn completion(
        &mut self,
        name: &'static str,
        tag: u32,
        mut each: impl FnMut(Response) -> Result<(), Error>,
    ) -> Result<StatusText, Error> {
        let mut continuations = 0;
        loop {
            match self.response().await? {
                Response::Tagged { tag: ended, status } if ended == tag => return Ok(status),
                Response::Tagged { .. } => self.skip(name),
                Response::Continuation(_) => {
                    continuations += 1;
                    if continuations > STRAY_CONTINUATIONS {
                        return Err(Error::Framing {
                            command: name,
                            fault: FramingFault::TooManyContinuations,
                        });
                    }
                    self.skip(name);
                }
                response => each(response)?,
            }
        }
    }

    /// The next complete response; bodies that nobody asked for are dropped.
    pub(super) async fn response(&mut self) -> Result<Response, Error> {
        loop {
            if let Frame::Response(response) = self.frame().await? {
                self.endure()?;
                return Ok(*response);
            }
        }
    }

    /// The next frame, waiting for the server at most as long as it may be silent. Safe to cancel.
    pub(super) async fn frame(&mut self) -> Result<Frame, Error> {
        let frame = self.frame_or_end().await;
        self.lost |= frame.is_err();
        frame
    }

    async fn frame_or_end(&mut self) -> Result<Frame, Error> {
        loop {
            if let Some(frame) = self.decode()? {
                if let Frame::Response(response) = &frame {
                    self.observe(response)?;
                }
                return Ok(frame);
            }
            let deadline = self.last_octet + self.options.timeouts.reply;
            let transport = self.transport.as_mut().ok_or(Error::Closed)?;
            let read = timeout_at(deadline, transport.read(&mut self.waiting)).await;
            match read.map_err(|_| Error::Timeout { stage: Stage::Reply })?? {
                0 => return Err(Error::Closed),
                _ => self.last_octet = Instant::now(),
            }
        }
    }

    pub(super) fn decode(&mut self) -> Result<Option<Frame>, Error> {
        self.decoder.decode(&mut self.waiting).map_err(|(what, limit)| Error::LimitExceeded { what, limit })
    }

    /// What every response tells the connection, whatever command it belongs to.
    pub(super) fn observe(&mut self, response: &Response) -> Result<(), Error> {
        match response {
            Response::Capability(capabilities) => self.capabilities = capabilities.clone(),
            Response::Exists(count) => self.exists = Some(*count),
            Response::Status(status) | Response::PreAuth(status) | Response::Tagged { status, .. } => {
                self.observe_status(status);
            }
            Response::Bye(status) => {
                debug!(text = status.text, "the server says goodbye");
                return Err(Error::Bye { code: status.code.clone(), text: status.text.clone() });
            }
            Response::Unintelligible { word } => {
                let other_kind = word.starts_with(|c: char| c.is_ascii_alphanumeric())
                    && !word.contains("LIST")
                    && !word.contains("LSUB");
                self.skipped_names += u64::from(!other_kind);
                self.skip(word);
            }
            _ => {}
        }
        Ok(())
    }

    fn observe_status(&mut self, status: &StatusText) {
        match &status.code {
            Some(ResponseCode::Capability(capabilities)) => self.capabilities = capabilities.clone(),
            Some(ResponseCode::Alert) => warn!(text = status.text, "the server alerts"),
            _ => {}
        }
    }

    pub(super) fn skip(&mut self, what: &str) {
        self.skipped += 1;
        if self.skipped <= WARNINGS {
            warn!(what, "skipped a line that makes no sense");
        }
    }
}

/// What may come after part of a command.
pub(super) enum Reply {
    Continue(Vec<u8>),
    Done(StatusText),
}

pub(super) fn require_ok(command: &'static str, status: StatusText) -> Result<StatusText, Error> {
    match status.condition {
        Condition::Ok => Ok(status),
        // Exchange lets a user in whose mailbox it does not reach, and then refuses every command: this connection
        // is as good as ended.
        _ if status.text.contains("User is authenticated but not connected") => {
            Err(Error::Bye { code: Some(ResponseCode::Unavailable), text: status.text })
        }
        condition => Err(Error::Refused { command, condition, code: status.code, text: status.text }),
    }
}
