//! The network side of a copy: commands ahead, responses sorted, what is missing asked for again.
//!
//! Containment: a message counts only when its response was complete and made sense. A request that brought less than it
//! asked for is halved until the one bad message is alone; alone it is asked for twice, then for its metadata only:
//! metadata and no body is *unreadable*, nothing at all is *phantom*.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use imap::{Body, Condition, DateItem, FetchEvent, FetchId, FetchItem, Fetched, Outcome, Uid, UidSet};

use super::stage::{self, Kept, Piece, Pieces};
use super::{CopyTask, Wanted};
use crate::destination::{DestinationFolder, Failure, flag_names};
use crate::error::{Error, names_daily_limit};
use crate::ledger::{Cause, MessageRecord, State};
use crate::line::{self, Line, Session};

/// FETCH commands on the wire at a time.
pub(super) const WINDOW: usize = 4;
/// What a probe asks for: everything about a message but its body.
const PROBE: [FetchItem; 4] = [
    FetchItem::Uid,
    FetchItem::InternalDate,
    FetchItem::Rfc822Size,
    FetchItem::HeaderFields(&["FROM", "SUBJECT", "DATE"]),
];

/// How a fetching ends: the connection, when it is still good, and whether all went well.
pub(super) type Fetching = (Option<Session>, Result<(), Error>);

/// What to do about a connection that broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renewal {
    /// Wait for another one as long as the patience lasts.
    Patient,
    /// Ask once; if that is refused, or the connection broke before it brought anything, give back what is in hand: others
    /// have connections that work, and no message is to blame.
    Once,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bodies,
    Probe,
}

#[derive(Debug, Clone)]
struct Request {
    chunk: u64,
    kind: Kind,
    /// What has not come yet.
    uids: UidSet,
    /// How often this one message was asked for alone.
    alone: u32,
    /// How often the server called it unavailable.
    unavailable: u32,
    /// What a probe brought.
    metadata: Option<Box<Fetched>>,
}

struct OpenChunk {
    wanted: Wanted,
    outstanding: UidSet,
}

struct Fetcher<F: DestinationFolder> {
    line: Arc<Line>,
    task: Arc<CopyTask<F>>,
    pieces: Pieces,
    todo: VecDeque<Request>,
    in_flight: VecDeque<(FetchId, Request)>,
    chunks: HashMap<u64, OpenChunk>,
    window: usize,
    body_open: bool,
    /// Connections lost over what was asked for, since a message came.
    losses: u32,
    /// The connection has brought a message.
    proven: bool,
    /// Messages that nobody asked for, since one came that somebody did.
    unasked: u64,
    renewal: Renewal,
    backoff: Option<imap::Error>,
}

/// Fetches chunks until none is waiting.
pub(super) async fn fetch<F: DestinationFolder>(
    line: Arc<Line>,
    session: Option<Session>,
    task: Arc<CopyTask<F>>,
    renewal: Renewal,
) -> Fetching {
    let (pieces, receiver) = Pieces::channel();
    let staging = {
        let task = Arc::clone(&task);
        let permit = line.begin_staging().await;
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            stage::run(&task.folder, &task.pool, &task.clock, receiver, &task.chunks)
        })
    };
    let mut fetcher = Fetcher {
        line,
        task,
        pieces,
        todo: VecDeque::new(),
        in_flight: VecDeque::new(),
        chunks: HashMap::new(),
        window: WINDOW,
        body_open: false,
        losses: 0,
        proven: false,
        unasked: 0,
        renewal,
        backoff: None,
    };
    let (session, result) = fetcher.run(session).await;
    let Fetcher { task, mut pieces, chunks, .. } = fetcher;
    // Whether it still listens is seen from how it ended.
    let _ = pieces.flush().await;
    drop(pieces);
    let staged = staging.await;
    // Only now: whoever takes the chunk stages its messages under the same names.
    for (_, chunk) in chunks {
        task.give_back(chunk.wanted);
    }
    // The disk's own error explains a broken channel better than the channel does.
    match staged {
        // Nobody takes chunks any more, which is no fault.
        Ok(Ok(())) if task.is_over() && matches!(result, Err(Error::Internal(_))) => (None, Ok(())),
        Ok(Ok(())) => (session, result),
        Ok(Err(failure)) => (None, Err(failure.into())),
        Err(panic) => (None, Err(Error::Internal(panic.to_string()))),
    }
}

impl<F: DestinationFolder> Fetcher<F> {
    async fn run(&mut self, mut session: Option<Session>) -> Fetching {
        loop {
            let mut current = match session.take() {
                Some(session) => session,
                None => match self.renew().await {
                    Ok(Some(session)) => session,
                    Ok(None) => return (None, Ok(())),
                    Err(error) => return (None, Err(error)),
                },
            };
            let line = Arc::clone(&self.line);
            match line.unless_cancelled(self.use_session(&mut current)).await {
                Ok(Ok(())) => return (Some(current), Ok(())),
                Ok(Err(Error::Source(error)))
                    if !names_daily_limit(&error)
                        && (error.is_connection_lost() || line::retryable(&error)) =>
                {
                    if self.renewal == Renewal::Once && !self.proven {
                        tracing::info!(%error, "a further connection is of no use");
                        return (None, Ok(()));
                    }
                    self.proven = false;
                    if let Err(error) = self.lost(error).await {
                        return (None, Err(error));
                    }
                }
                Ok(Err(error)) | Err(error) => return (None, Err(error)),
            }
        }
    }

    async fn renew(&self) -> Result<Option<Session>, Error> {
        match self.renewal {
            Renewal::Patient => self.line.connect().await.map(Some),
            Renewal::Once => match self.line.connect_another().await {
                Ok(session) => Ok(Some(session)),
                Err(Error::Interrupted) => Err(Error::Interrupted),
                Err(error) => {
                    tracing::info!(%error, "a broken connection is not replaced");
                    Ok(None)
                }
            },
        }
    }

    async fn use_session(&mut self, session: &mut Session) -> Result<(), Error> {
        let seen = session.examine(&self.task.name).await?;
        if seen != self.task.uid_validity {
            return Err(Error::EpochChanged);
        }
        self.line.let_in();
        let mut pipeline = session.connection.fetch();
        loop {
            while self.backoff.is_none() && pipeline.in_flight() < self.window {
                let Some(request) = self.next_request() else { break };
                self.line.wait().await?;
                let items = match request.kind {
                    Kind::Bodies => &self.task.items[..],
                    Kind::Probe => &PROBE[..],
                };
                // In `todo` until it is on the wire, so that a cut between loses nothing.
                self.todo.push_front(request);
                let uids = self.todo.front().map(|request| request.uids.clone()).unwrap_or_default();
                let id = pipeline.send(&uids, items, None).await?;
                self.in_flight.extend(self.todo.pop_front().map(|request| (id, request)));
            }
            match pipeline.next().await? {
                Some(event) => self.take(event).await?,
                None => match self.backoff.take() {
                    Some(error) => {
                        self.line.failed(error)?;
                        self.line.wait().await?;
                    }
                    None if self.todo.is_empty() && !self.task.has_next() => return Ok(()),
                    None => {}
                },
            }
        }
    }

    fn next_request(&mut self) -> Option<Request> {
        if let Some(request) = self.todo.pop_front() {
            return Some(request);
        }
        let wanted = self.task.next()?;
        let (chunk, uids) = (wanted.sequence, wanted.uids.clone());
        self.chunks.insert(chunk, OpenChunk { wanted, outstanding: uids.clone() });
        Some(Request { chunk, kind: Kind::Bodies, uids, alone: 0, unavailable: 0, metadata: None })
    }

    async fn say(&mut self, piece: Piece) -> Result<(), Error> {
        self.pieces.say(piece).await
    }

    async fn take(&mut self, event: FetchEvent) -> Result<(), Error> {
        match event {
            FetchEvent::BodyStart { uid, .. } => {
                let identity = match uid {
                    Some(uid) if self.asked(uid).is_some() => self.task.naming.identity(uid),
                    // Told twice, or never asked for: it must not come into the way of the one that waits for delivery.
                    _ => self.task.provisional(),
                };
                self.body_open = true;
                self.say(Piece::Begin(identity)).await
            }
            FetchEvent::BodyData(octets) => {
                self.line.received(octets.len() as u64).await?;
                self.say(Piece::Data(octets)).await
            }
            FetchEvent::Message(message) => self.message(message).await,
            FetchEvent::Completed { id, outcome } => self.completed(id, outcome).await,
            FetchEvent::Vanished(_) => Ok(()),
        }
    }

    /// Which request on the wire still waits for this message.
    fn asked(&self, uid: Uid) -> Option<usize> {
        self.in_flight.iter().position(|(_, request)| request.uids.contains(uid))
    }

    /// The end of one FETCH response.
    async fn message(&mut self, message: Fetched) -> Result<(), Error> {
        let open = std::mem::take(&mut self.body_open);
        let trusted = message.suspicion.is_none();
        let asked = message.uid.and_then(|uid| Some((uid, self.asked(uid)?)));
        let Some((uid, at)) = asked.filter(|_| trusted) else {
            let alone = asked.and_then(|(_, at)| self.in_flight.get_mut(at)).map(|(_, request)| request);
            if let Some(request) = alone.filter(|request| request.uids.len() == 1) {
                // Told, however badly: the server has it.
                request.metadata.get_or_insert_with(|| Box::new(message));
            }
            if open {
                self.say(Piece::Forget).await?;
            }
            return self.endure();
        };
        let Some((_, request)) = self.in_flight.get_mut(at) else { return Ok(()) };
        match (request.kind, message.body) {
            (Kind::Bodies, Body::Received { .. }) if open => {
                request.uids.remove(uid);
                let chunk = request.chunk;
                let kept = self.kept(chunk, uid, &message);
                self.losses = 0;
                self.proven = true;
                self.unasked = 0;
                self.line.went_well();
                self.say(Piece::Keep(Box::new(kept))).await?;
                self.settled(chunk, uid).await
            }
            (Kind::Probe, _) => {
                request.metadata = Some(Box::new(message));
                if open { self.say(Piece::Forget).await } else { Ok(()) }
            }
            _ => {
                if open {
                    self.say(Piece::Forget).await?;
                }
                self.endure()
            }
        }
    }

    /// Counts a message that nobody asked for.
    fn endure(&mut self) -> Result<(), Error> {
        self.unasked += 1;
        let limit = self.line.unasked();
        if self.unasked < limit {
            return Ok(());
        }
        self.unasked = 0;
        Err(imap::Error::LimitExceeded { what: "messages that nobody asked for", limit }.into())
    }

    fn kept(&self, chunk: u64, uid: Uid, message: &Fetched) -> Kept {
        Kept {
            chunk,
            uid,
            identity: self.task.naming.identity(uid),
            received: match &message.internal_date {
                DateItem::Valid(date) => Some(date.timestamp),
                DateItem::Absent | DateItem::Invalid(_) => None,
            },
            flags: flag_names(message.flags.as_deref().unwrap_or_default()),
            object_id: object_id(message),
            announced: message.size,
        }
    }

    async fn settled(&mut self, chunk: u64, uid: Uid) -> Result<(), Error> {
        let Some(open) = self.chunks.get_mut(&chunk) else { return Ok(()) };
        open.outstanding.remove(uid);
        if open.outstanding.is_empty() {
            self.chunks.remove(&chunk);
            self.say(Piece::End(chunk)).await?;
        }
        Ok(())
    }

    /// The tagged reply: only now is it known what did not come.
    async fn completed(&mut self, id: FetchId, outcome: Outcome) -> Result<(), Error> {
        let Some(at) = self.in_flight.iter().position(|(other, _)| *other == id) else { return Ok(()) };
        let Some((_, request)) = self.in_flight.remove(at) else { return Ok(()) };
        if request.uids.is_empty() {
            return Ok(());
        }
        match line::refusal(&outcome) {
            // No fault of these messages.
            Some(error) if names_daily_limit(&error) => return Err(error.into()),
            Some(error) if line::retryable(&error) => {
                let unavailable = matches!(error.code(), Some(imap::ResponseCode::Unavailable));
                self.backoff = Some(error);
                return self.put_off(request, unavailable).await;
            }
            _ => {}
        }
        if outcome.condition == Condition::Bad && self.window > 1 {
            // A server that cannot cope with pipelined commands gets one at a time.
            self.window = 1;
            self.todo.push_front(request);
            return Ok(());
        }
        match (request.kind, request.uids.len()) {
            (Kind::Bodies, 1) => self.ask_alone(request).await,
            (Kind::Bodies, _) => {
                self.halve(request);
                Ok(())
            }
            (Kind::Probe, _) => self.probed(request, &outcome).await,
        }
    }

    /// Refused for the moment: asked for again after a pause. Some servers say UNAVAILABLE for ever when a certain message
    /// is among those asked for, so it is looked for, each time after a pause.
    async fn put_off(&mut self, mut request: Request, unavailable: bool) -> Result<(), Error> {
        request.unavailable += u32::from(unavailable);
        match (request.kind, request.uids.first()) {
            _ if !unavailable || request.unavailable < 2 => self.todo.push_front(request),
            (Kind::Bodies, _) if request.uids.len() > 1 => self.halve(request),
            (Kind::Bodies, _) => {
                self.todo.push_front(Request { kind: Kind::Probe, unavailable: 0, ..request })
            }
            // Nothing at all is told of it, so it may be there another day.
            (Kind::Probe, Some(uid)) if request.unavailable > 2 => {
                self.say(Piece::Settle(request.chunk, Box::new(unavailable_now(uid)))).await?;
                self.settled(request.chunk, uid).await?;
            }
            (Kind::Probe, _) => self.todo.push_front(request),
        }
        Ok(())
    }

    fn halve(&mut self, request: Request) {
        let half = request.uids.len().div_ceil(2) as usize;
        let halves: Vec<_> = request.uids.chunks(half).collect();
        for uids in halves.into_iter().rev() {
            self.todo.push_front(Request { uids, alone: 0, ..request.clone() });
        }
    }

    async fn ask_alone(&mut self, request: Request) -> Result<(), Error> {
        let kind = if request.alone == 0 { Kind::Bodies } else { Kind::Probe };
        self.todo.push_front(Request { kind, alone: request.alone + 1, ..request });
        Ok(())
    }

    async fn probed(&mut self, request: Request, outcome: &Outcome) -> Result<(), Error> {
        let Some(uid) = request.uids.first() else { return Ok(()) };
        let known = request.metadata.is_some() || outcome.condition != Condition::Ok;
        let record = if known {
            unreadable(uid, request.metadata.as_deref(), "The old server refuses to hand over this message.")
        } else {
            phantom(uid)
        };
        self.say(Piece::Settle(request.chunk, Box::new(record))).await?;
        self.settled(request.chunk, uid).await
    }

    /// The connection is gone. What was on the wire is asked for again; a request that keeps losing the connection
    /// is halved, and the one message that does so alone is unreadable.
    async fn lost(&mut self, error: imap::Error) -> Result<(), Error> {
        if std::mem::take(&mut self.body_open) {
            self.say(Piece::Forget).await?;
        }
        let mut again: Vec<Request> = self.in_flight.drain(..).map(|(_, request)| request).collect();
        again.retain(|request| !request.uids.is_empty());
        let asked = !again.is_empty();
        for request in again.into_iter().rev() {
            self.todo.push_front(request);
        }
        self.backoff = None;
        // Lost before anything was asked for: no message is to blame.
        self.losses += u32::from(asked);
        if asked
            && self.losses >= 2
            && let Some(first) = self.todo.pop_front()
        {
            match first.uids.len() {
                0 | 1 if first.alone >= 1 => {
                    let uid = first.uids.first();
                    if let Some(uid) = uid {
                        let why = "The old server ends the connection whenever this message is asked for.";
                        let record = Box::new(unreadable(uid, None, why));
                        self.say(Piece::Settle(first.chunk, record)).await?;
                        self.settled(first.chunk, uid).await?;
                    }
                }
                0 | 1 => self.todo.push_front(Request { alone: first.alone + 1, ..first }),
                _ => self.halve(first),
            }
        }
        self.line.failed(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        Error::Destination(failure)
    }
}

/// The server's own id of a message, where it has one.
pub(crate) fn object_id(message: &Fetched) -> Option<String> {
    message.gmail_message_id.map(|id| format!("gm:{id}")).or_else(|| message.email_id.clone())
}

fn phantom(uid: Uid) -> MessageRecord {
    MessageRecord {
        uid,
        state: State::Phantom,
        identity: None,
        size: None,
        digest: None,
        flags: Vec::new(),
        object_id: None,
        cause: None,
    }
}

/// A message that the next run asks for again.
fn unavailable_now(uid: Uid) -> MessageRecord {
    let message = "The old server refuses to hand over this message for the moment.";
    let cause =
        Cause { class: "unavailable".into(), message: message.into(), date: None, from: None, subject: None };
    MessageRecord { state: State::Failed, cause: Some(cause), ..phantom(uid) }
}

fn unreadable(uid: Uid, metadata: Option<&Fetched>, why: &str) -> MessageRecord {
    let header = metadata.and_then(|message| message.header.as_deref()).unwrap_or_default();
    let header = String::from_utf8_lossy(header);
    let field = |name: &str| {
        header.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().chars().take(200).collect::<String>())
        })
    };
    let cause = Cause {
        class: "unreadable".into(),
        message: why.into(),
        date: field("date"),
        from: field("from"),
        subject: field("subject"),
    };
    MessageRecord {
        state: State::Unreadable,
        size: metadata.and_then(|message| message.size),
        cause: Some(cause),
        ..phantom(uid)
    }
}
