//! STATUS (RFC 9051, section 6.3.11), for one folder or for many at once.

use std::collections::{HashMap, VecDeque};

use super::Connection;
use super::connection::require_ok;
use crate::error::{Error, FramingFault};
use crate::protocol::{Command, Response, Status, WireName};

/// A number to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StatusItem {
    /// MESSAGES.
    Messages,
    /// UIDNEXT.
    UidNext,
    /// UIDVALIDITY.
    UidValidity,
    /// UNSEEN.
    Unseen,
    /// DELETED (IMAP4rev2).
    Deleted,
    /// SIZE (STATUS=SIZE, RFC 8438).
    Size,
    /// HIGHESTMODSEQ (CONDSTORE, RFC 7162).
    HighestModSeq,
    /// MAILBOXID (OBJECTID, RFC 8474).
    MailboxId,
}

/// `(MESSAGES UIDNEXT)`.
pub(super) fn item_list(items: &[StatusItem]) -> String {
    let names: Vec<&str> = items
        .iter()
        .map(|item| match item {
            StatusItem::Messages => "MESSAGES",
            StatusItem::UidNext => "UIDNEXT",
            StatusItem::UidValidity => "UIDVALIDITY",
            StatusItem::Unseen => "UNSEEN",
            StatusItem::Deleted => "DELETED",
            StatusItem::Size => "SIZE",
            StatusItem::HighestModSeq => "HIGHESTMODSEQ",
            StatusItem::MailboxId => "MAILBOXID",
        })
        .collect();
    format!("({})", names.join(" "))
}

fn encode(name: &WireName, items: &[StatusItem]) -> Result<Command, Error> {
    Ok(Command::new("STATUS").string(name.as_bytes(), "the folder's name")?.text(&item_list(items)))
}

fn missing() -> Error {
    Error::Framing { command: "STATUS", fault: FramingFault::AnswerMissing }
}

/// How many STATUS commands are on the wire at once.
const WINDOW: usize = 32;

impl Connection {
    /// A folder's numbers.
    pub async fn status(&mut self, name: &WireName, items: &[StatusItem]) -> Result<Status, Error> {
        let mut answer: Option<(bool, Status)> = None;
        self.execute(encode(name, items)?, |response| {
            if let Response::FolderStatus(answered, status) = response {
                // Some servers write the name differently; the right name wins where both come.
                let exact = answered.names_the_same(name);
                if exact || answer.as_ref().is_none_or(|(known, _)| !known) {
                    answer = Some((exact, status));
                }
            }
            Ok(())
        })
        .await?;
        answer.map(|(_, status)| status).ok_or_else(missing)
    }

    /// The numbers of many folders, in the order of `names`, with up to 32 commands on the wire. An
    /// inner error is about that folder only.
    pub async fn status_many(
        &mut self,
        names: &[WireName],
        items: &[StatusItem],
    ) -> Result<Vec<Result<Status, Error>>, Error> {
        let commands = names.iter().map(|name| encode(name, items)).collect::<Result<Vec<_>, _>>()?;
        self.begin()?;
        // An answer and its end for each folder.
        self.allow(names.len() as u64 * 2);
        let result = self.status_pipelined(names, &commands).await;
        self.end(result)
    }

    async fn status_pipelined(
        &mut self,
        names: &[WireName],
        commands: &[Command],
    ) -> Result<Vec<Result<Status, Error>>, Error> {
        let key = |name: &WireName| if name.is_inbox() { WireName::inbox() } else { name.clone() };
        let literals = self.literals();
        let mut answers: HashMap<WireName, Status> = HashMap::new();
        let mut results: Vec<Result<Status, Error>> = names.iter().map(|_| Err(missing())).collect();
        let mut on_wire: VecDeque<(u32, usize)> = VecDeque::new();
        let mut next = 0;
        loop {
            while let Some(command) = commands.get(next).filter(|_| on_wire.len() < WINDOW) {
                let tag = self.next_tag();
                let mut pieces = command.encode(tag, literals);
                if pieces.len() > 1 && !on_wire.is_empty() {
                    // A literal the server must agree to: let the others finish first.
                    break;
                }
                let rest = pieces.split_off(1);
                self.write(pieces.pop().unwrap_or_default())?;
                let mut refused = None;
                for piece in rest {
                    refused = self.continuation("STATUS", tag).await?;
                    if refused.is_some() {
                        break;
                    }
                    self.write(piece)?;
                }
                match refused {
                    Some(status) => results[next] = require_ok("STATUS", status).and(Err(missing())),
                    None => on_wire.push_back((tag, next)),
                }
                next += 1;
            }
            if on_wire.is_empty() && next >= commands.len() {
                return Ok(results);
            }
            match self.response().await? {
                // What nobody asked for is bounded by the folders that were.
                Response::FolderStatus(name, status) if answers.len() <= names.len() => {
                    answers.insert(key(&name), status);
                }
                Response::Tagged { tag, status } => {
                    let Some(at) = on_wire.iter().position(|&(known, _)| known == tag) else {
                        self.skip("STATUS");
                        continue;
                    };
                    if let Some((_, index)) = on_wire.remove(at) {
                        let answer = answers.get(&key(&names[index])).cloned();
                        results[index] = require_ok("STATUS", status).and(answer.ok_or_else(missing));
                    }
                }
                _ => {}
            }
        }
    }
}
