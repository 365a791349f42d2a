//! APPEND (RFC 9051, section 6.3.12), several messages at once (MULTIAPPEND, RFC 3502), literals that need not wait
//! (RFC 7888), octets that are no text (RFC 3516), and the UIDs that the messages got (RFC 4315).
//!
//! Bodies are streamed, and answers are read while they are: a server may refuse in the middle. It must never take a
//! refusal for anything but the end of the command, nor go on with a connection whose server may still be waiting for
//! octets of a literal.

use bytes::Bytes;
use tracing::debug;

use super::Connection;
use super::connection::require_ok;
use crate::error::{Error, FramingFault};
use crate::protocol::{
    Command, Condition, Flag, InternalDate, Literals, Response, ResponseCode, StatusText, Uid, UidValidity,
    WireName,
};

const NAME: &str = "APPEND";

/// Octets handed to the writing task at once.
const PIECE: usize = 64 * 1024;

/// What a message to append is read from.
pub trait AppendBody: Send {
    /// The next octets, of any number; none at the end.
    fn next(&mut self) -> impl Future<Output = std::io::Result<Bytes>> + Send;
}

/// A message to append.
#[derive(Debug)]
pub struct AppendMessage<B> {
    /// Its flags; those that no server takes ([`Flag::is_storable`]) are left out.
    pub flags: Vec<Flag>,
    /// Its date; the server's clock without it.
    pub date: Option<InternalDate>,
    /// Its octets; the body must give exactly so many.
    pub size: u64,
    /// Whether it holds a NUL: such a message travels as `literal8` where the server takes one (RFC 3516, section 4.4).
    pub has_nul: bool,
    /// Its content.
    pub body: B,
}

/// The UIDs of appended messages, in their order (APPENDUID).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendedUids {
    /// The folder's UIDVALIDITY.
    pub uid_validity: UidValidity,
    /// One for each message.
    pub uids: Vec<Uid>,
}

/// What became of one APPEND command.
#[derive(Clone, Debug)]
pub enum Appended {
    /// Its messages are in the folder; their UIDs, where the server tells them.
    Saved(Option<AppendedUids>),
    /// The server says that none of them is ([`Error::Refused`]).
    Refused(Error),
    /// It was not answered, perhaps not even sent: its messages may be in the folder or not.
    Unknown,
}

/// Commands that wait for their answers.
const ON_THE_WIRE: usize = 32;

/// How one step of a command ended.
enum Step {
    GoOn,
    /// The server has answered the command that is being sent.
    Answered(StatusText),
}

/// Commands on the wire, with consecutive tags.
struct Appends {
    first: u32,
    messages: Vec<usize>,
    answers: Vec<Option<StatusText>>,
}

impl Appends {
    /// Takes the answer of one of the commands; `None` if it is of none.
    fn take(&mut self, tag: u32, status: StatusText) -> Option<usize> {
        let at = usize::try_from(tag.wrapping_sub(self.first)).ok()?;
        let answer = self.answers.get_mut(at).filter(|answer| answer.is_none())?;
        *answer = Some(status);
        Some(at)
    }

    fn unanswered(&self) -> usize {
        self.answers.iter().filter(|answer| answer.is_none()).count()
    }

    fn outcomes(self, commands: usize) -> Vec<Appended> {
        let mut outcomes: Vec<Appended> = self
            .answers
            .into_iter()
            .zip(self.messages)
            .map(|(answer, count)| outcome(answer, count))
            .collect();
        outcomes.resize(commands, Appended::Unknown);
        outcomes
    }
}

impl Connection {
    /// Whether one command may append several messages.
    pub fn appends_many(&self) -> bool {
        self.offers("MULTIAPPEND")
    }

    /// Appends messages to a folder, those of each inner list by one command. Commands go out without waiting for the
    /// answers of earlier ones where the server takes literals without being asked. What became of each command is told
    /// also beside an error, after which the connection is lost.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for several messages in one command where MULTIAPPEND is not offered.
    pub async fn append<B: AppendBody>(
        &mut self,
        folder: &WireName,
        commands: Vec<Vec<AppendMessage<B>>>,
    ) -> (Vec<Appended>, Result<(), Error>) {
        let count = commands.len();
        let refuse = |error| (vec![Appended::Unknown; count], Err(error));
        if commands.iter().any(|messages| messages.len() > 1) && !self.appends_many() {
            return refuse(Error::Unsupported { extension: "MULTIAPPEND" });
        }
        if commands.iter().any(Vec::is_empty) {
            return refuse(Error::Unsendable { what: "an empty set of messages" });
        }
        let head = match Command::new(NAME).string(folder.as_bytes(), "the folder's name") {
            Ok(head) => head,
            Err(error) => return refuse(error),
        };
        if let Err(error) = self.begin() {
            return refuse(error);
        }
        let mut appends = Appends { first: self.next_tag, messages: Vec::new(), answers: Vec::new() };
        let result = self.append_all(&head, commands, &mut appends).await;
        let result = self.end(result);
        (appends.outcomes(count), result)
    }

    async fn append_all<B: AppendBody>(
        &mut self,
        head: &Command,
        commands: Vec<Vec<AppendMessage<B>>>,
        appends: &mut Appends,
    ) -> Result<(), Error> {
        for messages in commands {
            while appends.unanswered() >= ON_THE_WIRE {
                self.answer(appends).await?;
            }
            let tag = self.next_tag();
            debug!(tag, command = NAME, messages = messages.len(), "sending");
            appends.messages.push(messages.len());
            appends.answers.push(None);
            if let Step::Answered(status) = self.put_command(tag, head, messages, appends).await? {
                appends.take(tag, status);
            }
        }
        while appends.unanswered() > 0 {
            self.answer(appends).await?;
        }
        Ok(())
    }

    async fn put_command<B: AppendBody>(
        &mut self,
        tag: u32,
        head: &Command,
        messages: Vec<AppendMessage<B>>,
        appends: &mut Appends,
    ) -> Result<Step, Error> {
        let mut pieces = head.encode(tag, self.literals());
        let mut line = pieces.pop().unwrap_or_default();
        // The messages follow on the same line.
        line.truncate(line.len().saturating_sub(2));
        for piece in pieces {
            if let Step::Answered(status) = self.put_and_wait(tag, piece, appends).await? {
                return Ok(Step::Answered(status));
            }
        }
        for message in messages {
            if let Step::Answered(status) = self.put_message(tag, &mut line, message, appends).await? {
                return Ok(Step::Answered(status));
            }
        }
        line.extend_from_slice(b"\r\n");
        self.put(tag, line, appends).await
    }

    async fn put_message<B: AppendBody>(
        &mut self,
        tag: u32,
        line: &mut Vec<u8>,
        mut message: AppendMessage<B>,
        appends: &mut Appends,
    ) -> Result<Step, Error> {
        let waits = match self.literals() {
            Literals::Synchronizing => true,
            Literals::Small => message.size > 4_096,
            Literals::All => false,
        };
        let binary = message.has_nul && self.offers("BINARY");
        line.extend_from_slice(head(&message, binary, waits).as_bytes());
        if waits && let Step::Answered(status) = self.put_and_wait(tag, std::mem::take(line), appends).await?
        {
            return Ok(Step::Answered(status));
        }
        let mut left = message.size;
        loop {
            let octets = message.body.next().await?;
            if octets.is_empty() {
                break;
            }
            let longer = Error::Unsendable { what: "a message longer than announced" };
            left = left.checked_sub(octets.len() as u64).ok_or(longer)?;
            line.extend_from_slice(&octets);
            if line.len() >= PIECE
                && let Step::Answered(status) = self.put(tag, std::mem::take(line), appends).await?
            {
                return Ok(Step::Answered(status));
            }
        }
        if left > 0 {
            return Err(Error::Unsendable { what: "a message shorter than announced" });
        }
        Ok(Step::GoOn)
    }

    /// Sends the line up to a literal that the server must agree to. Its refusal is the clean end of the command.
    async fn put_and_wait(&mut self, tag: u32, piece: Vec<u8>, appends: &mut Appends) -> Result<Step, Error> {
        if let Step::Answered(status) = self.put(tag, piece, appends).await? {
            return Ok(Step::Answered(status));
        }
        loop {
            match self.response().await? {
                Response::Continuation(_) => return Ok(Step::GoOn),
                Response::Tagged { tag: ended, status } if ended == tag => return Ok(Step::Answered(status)),
                response => self.note(response, appends),
            }
        }
    }

    /// Queues octets as soon as those before are on their way, and reads what the server says meanwhile.
    ///
    /// An answer to the command that is being sent ends the connection: whether the server goes on waiting for the
    /// literal's octets nobody knows.
    async fn put(&mut self, tag: u32, piece: Vec<u8>, appends: &mut Appends) -> Result<Step, Error> {
        let room = self.transport.as_ref().ok_or(Error::Closed)?.room();
        tokio::pin!(room);
        let mut writable = true;
        loop {
            let response = tokio::select! {
                biased;
                room = &mut room, if writable => {
                    if room {
                        break;
                    }
                    // Broken; what the server said last may tell why.
                    writable = false;
                    continue;
                }
                response = self.response() => response?,
            };
            match response {
                Response::Tagged { tag: ended, status } if ended == tag => {
                    return self.too_early(tag, status, appends);
                }
                response => self.note(response, appends),
            }
        }
        self.allow(0);
        self.write(piece)?;
        Ok(Step::GoOn)
    }

    fn too_early(&mut self, tag: u32, status: StatusText, appends: &mut Appends) -> Result<Step, Error> {
        if status.condition == Condition::Ok {
            return Err(Error::Framing { command: NAME, fault: FramingFault::AnswerMissing });
        }
        appends.take(tag, status);
        Err(Error::Closed)
    }

    /// Waits for the answer to any of the commands.
    async fn answer(&mut self, appends: &mut Appends) -> Result<(), Error> {
        let before = appends.unanswered();
        while appends.unanswered() == before {
            let response = self.response().await?;
            self.note(response, appends);
        }
        self.allow(0);
        Ok(())
    }

    fn note(&mut self, response: Response, appends: &mut Appends) {
        let belongs = match response {
            Response::Tagged { tag, status } => appends.take(tag, status).is_some(),
            Response::Continuation(_) => false,
            _ => true,
        };
        if !belongs {
            self.skip(NAME);
        }
    }
}

fn outcome(answer: Option<StatusText>, count: usize) -> Appended {
    match answer.map(|status| require_ok(NAME, status)) {
        Some(Ok(status)) => Appended::Saved(uids(status.code, count)),
        Some(Err(refused @ Error::Refused { .. })) => Appended::Refused(refused),
        Some(Err(_)) | None => Appended::Unknown,
    }
}

/// ` (\Seen) "17-Jul-1996 02:44:25 -0700" {310+}` and the line's end.
fn head<B>(message: &AppendMessage<B>, binary: bool, waits: bool) -> String {
    let flags: Vec<String> =
        message.flags.iter().filter(|flag| flag.is_storable()).map(ToString::to_string).collect();
    let date = message.date.map(|date| format!(" \"{date}\"")).unwrap_or_default();
    let (tilde, plus) = (if binary { "~" } else { "" }, if waits { "" } else { "+" });
    format!(" ({}){date} {tilde}{{{}{plus}}}\r\n", flags.join(" "), message.size)
}

/// The UIDs, if there is one for each message; they stand in the messages' order (RFC 4315, section 3).
fn uids(code: Option<ResponseCode>, count: usize) -> Option<AppendedUids> {
    match code {
        Some(ResponseCode::AppendUid(uid_validity, uids)) if uids.len() == count as u64 => {
            Some(AppendedUids { uid_validity, uids: uids.iter().collect() })
        }
        _ => None,
    }
}
