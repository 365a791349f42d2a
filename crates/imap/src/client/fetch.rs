//! UID FETCH, pipelined (RFC 9051, sections 6.4.5, 6.4.9 and 5.5).
//!
//! Commands go out without waiting for answers; answers come as events. Bodies are never collected.

use std::collections::VecDeque;

use bytes::Bytes;

use super::Connection;
use crate::error::{Error, FramingFault};
use crate::protocol::{Command, Condition, Fetched, Frame, ModSeq, Response, ResponseCode, Uid, UidSet};

/// Longest command line sent, in octets (RFC 7162, section 4, tells servers to take 8,192).
const LINE: usize = 8_000;

/// Into how many commands one set may be cut, whatever the limit (about 500,000 scattered UIDs).
const SPLIT: usize = 512;

/// What to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchItem {
    /// UID; comes by itself with UID FETCH.
    Uid,
    /// FLAGS.
    Flags,
    /// INTERNALDATE.
    InternalDate,
    /// RFC822.SIZE.
    Rfc822Size,
    /// The whole message, by BODY.PEEK\[\], which sets no flag.
    Body,
    /// MODSEQ (CONDSTORE).
    ModSeq,
    /// X-GM-MSGID.
    GmailMessageId,
    /// X-GM-LABELS.
    GmailLabels,
    /// EMAILID (OBJECTID).
    EmailId,
    /// Some header fields, delivered in [`Fetched::header`].
    HeaderFields(&'static [&'static str]),
}

/// Restricts a fetch to what changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchModifier {
    /// Only messages changed after this (CONDSTORE).
    ChangedSince(ModSeq),
    /// The same, and which messages are gone since (QRESYNC, which must be enabled).
    ChangedSinceWithVanished(ModSeq),
}

/// Names one [`Pipeline::send`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FetchId(u64);

/// How a fetch ended. Even `Ok` does not mean that every message asked for came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// OK, NO or BAD; the worst where a long set needed several commands.
    pub condition: Condition,
    /// What stood in brackets.
    pub code: Option<ResponseCode>,
    /// The server's words.
    pub text: String,
}

/// What arrives while fetching.
#[derive(Clone, Debug, PartialEq)]
pub enum FetchEvent {
    /// A body begins; it belongs to the next [`FetchEvent::Message`].
    BodyStart {
        /// Its length in octets as announced.
        announced: u64,
        /// The message, where the UID stood before the body.
        uid: Option<Uid>,
    },
    /// Part of that body, at most 64 KiB, straight from the read buffer.
    BodyData(Bytes),
    /// The end of one message; only now is it complete. May also be one nobody asked for.
    Message(Fetched),
    /// A fetch ended.
    Completed {
        /// Which.
        id: FetchId,
        /// How.
        outcome: Outcome,
    },
    /// Messages that are gone.
    Vanished(UidSet),
}

/// Fetches on the wire.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    /// Tag of each command, with the fetch it belongs to.
    commands: VecDeque<(u32, FetchId)>,
    /// The worst outcome so far of fetches that took several commands.
    outcomes: Vec<(FetchId, Outcome)>,
    next: u64,
    continuations: u32,
}

impl InFlight {
    pub(super) fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    fn count(&self) -> usize {
        let mut ids: Vec<FetchId> = self.commands.iter().map(|&(_, id)| id).collect();
        ids.dedup();
        ids.len()
    }

    /// Notes a command's end; gives the fetch's outcome when that was its last one.
    fn complete(&mut self, tag: u32, outcome: Outcome) -> Option<Option<(FetchId, Outcome)>> {
        let at = self.commands.iter().position(|&(known, _)| known == tag)?;
        let (_, id) = self.commands.remove(at)?;
        let earlier = self.outcomes.iter().position(|(known, _)| *known == id);
        let outcome = match earlier.map(|at| self.outcomes.swap_remove(at).1) {
            Some(earlier) if earlier.condition != Condition::Ok => earlier,
            _ => outcome,
        };
        if self.commands.iter().any(|&(_, other)| other == id) {
            self.outcomes.push((id, outcome));
            return Some(None);
        }
        Some(Some((id, outcome)))
    }
}

/// Fetches on a connection. Dropped while some are on the wire, it leaves the connection unusable
/// ([`Error::Abandoned`]): the answers still to come would be taken for others.
#[derive(Debug)]
pub struct Pipeline<'a> {
    connection: &'a mut Connection,
}

impl Connection {
    /// Starts fetching from the open folder.
    pub fn fetch(&mut self) -> Pipeline<'_> {
        Pipeline { connection: self }
    }
}

impl Pipeline<'_> {
    /// Puts a UID FETCH on the wire without waiting for an answer. A set that needs more than 8,000
    /// octets goes as several commands under one id. An empty set is refused.
    ///
    /// # Errors
    /// [`Error::LimitExceeded`] beyond
    /// [`Limits::commands_in_flight`](crate::Limits::commands_in_flight); nothing was sent then.
    pub async fn send(
        &mut self,
        uids: &UidSet,
        items: &[FetchItem],
        modifier: Option<FetchModifier>,
    ) -> Result<FetchId, Error> {
        let tail = tail(items, modifier);
        let room = LINE.saturating_sub(tail.len() + 40).max(100);
        let sets: Vec<String> = uids.wire_pieces(room).map(|piece| piece.to_string()).collect();
        self.put(&sets, &tail)
    }

    /// The same for all messages of the folder.
    pub async fn send_all(
        &mut self,
        items: &[FetchItem],
        modifier: Option<FetchModifier>,
    ) -> Result<FetchId, Error> {
        self.put(&["1:*".to_owned()], &tail(items, modifier))
    }

    /// How many fetches have not ended.
    pub fn in_flight(&self) -> usize {
        self.connection.in_flight.count()
    }

    fn put(&mut self, sets: &[String], tail: &str) -> Result<FetchId, Error> {
        let connection = &mut *self.connection;
        if connection.lost {
            return Err(Error::Closed);
        }
        if connection.busy {
            return Err(Error::Abandoned);
        }
        if sets.is_empty() {
            return Err(Error::Unsendable { what: "an empty set of messages" });
        }
        let limit = connection.options.limits.commands_in_flight;
        if connection.in_flight.commands.len() + sets.len() > limit.max(sets.len().min(SPLIT)) {
            return Err(Error::LimitExceeded { what: "commands on the wire", limit: limit as u64 });
        }
        connection.allow(0);
        connection.in_flight.next += 1;
        let id = FetchId(connection.in_flight.next);
        for set in sets {
            let tag = connection.next_tag();
            let command = Command::new("UID FETCH").text(set).text(tail);
            connection.in_flight.commands.push_back((tag, id));
            for piece in command.encode(tag, connection.literals()) {
                if let Err(error) = connection.write(piece) {
                    connection.lost = true;
                    return Err(error);
                }
            }
        }
        Ok(id)
    }

    /// The next event; `None` when nothing is on the wire. Safe to cancel: no event is lost.
    ///
    /// # Errors
    /// After an error the connection is lost; messages without their [`FetchEvent::Message`] are incomplete.
    pub async fn next(&mut self) -> Result<Option<FetchEvent>, Error> {
        let connection = &mut *self.connection;
        while !connection.in_flight.is_empty() {
            if connection.lost {
                return Err(Error::Closed);
            }
            match connection.frame().await? {
                Frame::BodyStart { announced, uid } => {
                    return Ok(Some(FetchEvent::BodyStart { announced, uid }));
                }
                Frame::BodyData(octets) => return Ok(Some(FetchEvent::BodyData(octets))),
                Frame::Response(response) => {
                    if let Some(event) = connection.fetch_event(*response)? {
                        return Ok(Some(event));
                    }
                }
            }
        }
        Ok(None)
    }
}

impl Connection {
    fn fetch_event(&mut self, response: Response) -> Result<Option<FetchEvent>, Error> {
        match &response {
            Response::Fetch(_) => self.allow(0),
            _ => self.endure()?,
        }
        match response {
            // Whether somebody asked for it is known to the caller.
            Response::Fetch(fetched) => Ok(Some(FetchEvent::Message(fetched))),
            Response::Vanished(uids) => Ok(Some(FetchEvent::Vanished(uids))),
            Response::Tagged { tag, status } => {
                let outcome = Outcome { condition: status.condition, code: status.code, text: status.text };
                match self.in_flight.complete(tag, outcome) {
                    Some(ended) => Ok(ended.map(|(id, outcome)| FetchEvent::Completed { id, outcome })),
                    None => {
                        self.skip("FETCH");
                        Ok(None)
                    }
                }
            }
            Response::Continuation(_) => {
                self.in_flight.continuations += 1;
                if self.in_flight.continuations > 8 {
                    self.lost = true;
                    let fault = FramingFault::TooManyContinuations;
                    return Err(Error::Framing { command: "UID FETCH", fault });
                }
                self.skip("+");
                Ok(None)
            }
            _ => Ok(None),
        }
    }
}

/// Items and modifier as they stand at the end of the command.
fn tail(items: &[FetchItem], modifier: Option<FetchModifier>) -> String {
    let mut names: Vec<String> = vec!["UID".to_owned()];
    for item in items {
        names.push(match item {
            FetchItem::Uid => continue,
            FetchItem::Flags => "FLAGS".to_owned(),
            FetchItem::InternalDate => "INTERNALDATE".to_owned(),
            FetchItem::Rfc822Size => "RFC822.SIZE".to_owned(),
            FetchItem::Body => "BODY.PEEK[]".to_owned(),
            FetchItem::ModSeq => "MODSEQ".to_owned(),
            FetchItem::GmailMessageId => "X-GM-MSGID".to_owned(),
            FetchItem::GmailLabels => "X-GM-LABELS".to_owned(),
            FetchItem::EmailId => "EMAILID".to_owned(),
            FetchItem::HeaderFields(fields) => format!("BODY.PEEK[HEADER.FIELDS ({})]", fields.join(" ")),
        });
    }
    let modifier = match modifier {
        None => String::new(),
        Some(FetchModifier::ChangedSince(mod_seq)) => format!(" (CHANGEDSINCE {mod_seq})"),
        Some(FetchModifier::ChangedSinceWithVanished(mod_seq)) => {
            format!(" (CHANGEDSINCE {mod_seq} VANISHED)")
        }
    };
    format!("({}){modifier}", names.join(" "))
}
