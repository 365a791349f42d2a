//! LIST, LSUB, XLIST (RFC 9051, section 6.3.9; RFC 5258; RFC 5819; RFC 6154).

use super::Connection;
use super::status::{StatusItem, item_list};
use crate::error::Error;
use crate::protocol::{Command, ListEntry, Response, WireName};

/// Octets of a folder's name, on average over as many folders as are allowed: one name may be as long as a line, but not
/// each of them.
const NAME: usize = 128;

/// Which command lists the folders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListCommand {
    /// LIST.
    #[default]
    List,
    /// LSUB: subscribed folders.
    Lsub,
    /// XLIST: Gmail's former way of marking special folders.
    Xlist,
}

/// What LIST shall say beside the names (RFC 5258). Needs LIST-EXTENDED or the option's own extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListReturn {
    /// What the folder is for (SPECIAL-USE).
    SpecialUse,
    /// Whether it is subscribed.
    Subscribed,
    /// Whether it has children.
    Children,
    /// Its numbers (LIST-STATUS).
    Status(Vec<StatusItem>),
}

/// Which folders to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRequest {
    /// What the patterns are relative to; mostly empty.
    pub reference: WireName,
    /// Patterns with `*` and `%`. More than one needs LIST-EXTENDED.
    pub patterns: Vec<WireName>,
    /// The command.
    pub command: ListCommand,
    /// What else to return; only for LIST.
    pub returns: Vec<ListReturn>,
}

impl Default for ListRequest {
    /// All folders, by LIST.
    fn default() -> ListRequest {
        ListRequest {
            reference: WireName::new(""),
            patterns: vec![WireName::new("*")],
            command: ListCommand::List,
            returns: Vec::new(),
        }
    }
}

impl Connection {
    /// The folders that match.
    ///
    /// # Errors
    /// [`Error::LimitExceeded`] for more folders than [`Limits::folders`](crate::Limits::folders). One whose name is longer
    /// than [`Limits::name`](crate::Limits::name) is left out; see [`Connection::overlong_names`].
    pub async fn list(&mut self, request: &ListRequest) -> Result<Vec<ListEntry>, Error> {
        let (limit, longest) = (self.options.limits.folders, self.options.limits.name);
        // A name and its numbers for each folder.
        let command = encode(request)?.expecting(limit.saturating_mul(2));
        let mut overlong = 0;
        let mut entries: Vec<ListEntry> = Vec::new();
        let mut statuses = Vec::new();
        let mut octets = 0_usize;
        let most = limit.saturating_mul(NAME);
        self.execute(command, |response| {
            match response {
                Response::List(entry) => {
                    // Also of those that are left out: they are to come to an end.
                    octets += entry.name.as_bytes().len();
                    if entry.name.as_bytes().len() > longest {
                        overlong += 1;
                    } else {
                        entries.push(entry);
                    }
                }
                Response::FolderStatus(name, status) => {
                    octets += name.as_bytes().len();
                    statuses.push((name, status));
                }
                _ => {}
            }
            if octets > most {
                return Err(Error::LimitExceeded {
                    what: "the length of all folder names",
                    limit: most as u64,
                });
            }
            if entries.len().max(statuses.len()) > limit {
                return Err(Error::LimitExceeded { what: "the number of folders", limit: limit as u64 });
            }
            Ok(())
        })
        .await?;
        self.overlong_names += overlong;
        let key = |name: &WireName| if name.is_inbox() { WireName::inbox() } else { name.clone() };
        let mut statuses: std::collections::HashMap<WireName, _> =
            statuses.into_iter().map(|(name, status)| (key(&name), status)).collect();
        for entry in &mut entries {
            entry.status = statuses.remove(&key(&entry.name));
        }
        Ok(entries)
    }
}

fn encode(request: &ListRequest) -> Result<Command, Error> {
    const WHAT: &str = "a folder's name";
    let mut command = Command::new(match request.command {
        ListCommand::List => "LIST",
        ListCommand::Lsub => "LSUB",
        ListCommand::Xlist => "XLIST",
    })
    .string(request.reference.as_bytes(), WHAT)?;
    match request.patterns.as_slice() {
        [pattern] => command = command.string(pattern.as_bytes(), WHAT)?,
        patterns => {
            command = command.text("(");
            for pattern in patterns {
                command = command.string(pattern.as_bytes(), WHAT)?;
            }
            command = command.text(")");
        }
    }
    if request.returns.is_empty() || request.command != ListCommand::List {
        return Ok(command);
    }
    let returns: Vec<String> = request
        .returns
        .iter()
        .map(|option| match option {
            ListReturn::SpecialUse => "SPECIAL-USE".to_owned(),
            ListReturn::Subscribed => "SUBSCRIBED".to_owned(),
            ListReturn::Children => "CHILDREN".to_owned(),
            ListReturn::Status(items) => format!("STATUS {}", item_list(items)),
        })
        .collect();
    Ok(command.text(&format!("RETURN ({})", returns.join(" "))))
}
