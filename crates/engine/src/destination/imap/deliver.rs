//! Sending a batch: many messages by one command, many commands on the wire, and what became of each.
//!
//! Whatever is not known to have arrived is looked for before it is sent again. What is refused in company is sent in
//! halves, until the one message that the server does not take is alone.

use std::collections::{HashSet, VecDeque};

use imap::{AppendMessage, Appended, AppendedUids, Flag, ResponseCode};

use super::lane::Lane;
use super::spool::{Reader, Spooled};
use super::{ImapFolder, failure, identity, messages, quota, storable};
use crate::destination::{Delivered, Deliveries, Failure, Mark, Parcel, Refused};

/// Messages in one command.
const MESSAGES: usize = 200;
/// Octets in one command, unless a single message has more.
const OCTETS: u64 = 16 << 20;
/// How often the connection may break over messages before they are sent in halves, and over one before it is given up.
const LOSSES: u32 = 3;

/// Messages of a batch that may be refused where no more than these are taken: it is not the messages then.
const REFUSALS: usize = 50;

/// A message of the batch.
struct Outgoing {
    spooled: Spooled,
    flags: Vec<Flag>,
    dropped: Vec<String>,
    fate: Fate,
}

enum Fate {
    Waiting,
    /// Its identity.
    Arrived(String),
    /// Why.
    Refused(String),
}

/// Messages that one command appends, by their place in the batch.
#[derive(Clone)]
struct Group {
    at: Vec<usize>,
    losses: u32,
}

impl Group {
    fn halves(&self) -> [Group; 2] {
        let (left, right) = self.at.split_at(self.at.len() / 2);
        // What broke twice is not sent as it is again, and one half of it may be innocent.
        let losses = self.losses.min(1);
        [Group { at: left.to_vec(), losses }, Group { at: right.to_vec(), losses }]
    }
}

struct Batch<'a> {
    folder: &'a ImapFolder,
    mark: Mark,
    messages: Vec<Outgoing>,
    groups: VecDeque<Group>,
    created: bool,
}

/// Sends a batch.
pub(super) async fn deliver(
    folder: &ImapFolder,
    mark: Option<Mark>,
    parcels: Vec<Parcel<ImapFolder>>,
) -> Deliveries {
    let Some(mark) = mark else {
        let failure = Some(failure::internal("a batch without a mark"));
        return Deliveries { failure, ..Deliveries::default() };
    };
    let permanent = folder.shared.known(&folder.path).map(|known| known.permanent).unwrap_or_default();
    let outgoing = |(spooled, flags): Parcel<ImapFolder>| {
        let (flags, dropped) = storable(&flags, &permanent);
        Outgoing { spooled, flags, dropped, fate: Fate::Waiting }
    };
    let messages = parcels.into_iter().map(outgoing).collect();
    let mut batch = Batch { folder, mark, messages, groups: VecDeque::new(), created: false };
    let mut uncertain = false;
    let failure = match folder.shared.lanes.take(Some(&folder.name)).await {
        Ok(mut lane) => batch.send_all(&mut lane, &mut uncertain).await.err(),
        Err(failure) => Some(failure),
    };
    batch.deliveries(failure, uncertain)
}

impl Batch<'_> {
    async fn send_all(&mut self, lane: &mut Lane, uncertain: &mut bool) -> Result<(), Failure> {
        let sizes: Vec<u64> = self.messages.iter().map(|message| message.spooled.size).collect();
        let fitting = self.folder.shared.quota.fitting(lane, &self.folder.name, &sizes).await?;
        let many = lane.connection().await?.appends_many();
        self.groups = groups(&sizes[..fitting], many);
        while !self.groups.is_empty() {
            *uncertain = true;
            self.send_round(lane).await?;
            *uncertain = false;
        }
        match sizes.get(fitting..).filter(|rest| !rest.is_empty()) {
            Some(rest) => Err(quota::full(rest.iter().sum())),
            None => Ok(()),
        }
    }

    /// Sends all groups once, and finds out what became of each message. After an error that is not known.
    async fn send_round(&mut self, lane: &mut Lane) -> Result<(), Failure> {
        let sent: Vec<Group> = self.groups.drain(..).collect();
        let commands = sent.iter().map(|group| self.command(group)).collect();
        let (outcomes, result) = lane.connection().await?.append(&self.folder.name, commands).await;
        let (mut refused, mut lost, mut unnamed) = (Vec::new(), Vec::new(), Vec::new());
        for (group, outcome) in sent.into_iter().zip(outcomes) {
            match outcome {
                Appended::Saved(Some(uids)) => self.arrived(&group, &uids),
                Appended::Saved(None) => unnamed.push(group),
                Appended::Refused(error) => refused.push((group, error)),
                Appended::Unknown => lost.push(group),
            }
        }
        match result {
            Ok(()) => lane.went_well(),
            Err(error) => lane.recover(error).await?,
        }
        let mut strangers = Vec::new();
        if !(lost.is_empty() && unnamed.is_empty() && refused.is_empty()) {
            strangers = self.look(lane, !lost.is_empty()).await?;
        }
        self.name_the_rest(&unnamed, strangers);
        for group in lost {
            self.again_after_loss(group).await?;
        }
        for (group, error) in refused {
            self.again_after_refusal(lane, group, error).await?;
        }
        Ok(())
    }

    fn command(&self, group: &Group) -> Vec<AppendMessage<Reader>> {
        let message = |message: &Outgoing| AppendMessage {
            flags: message.flags.clone(),
            date: Some(message.spooled.date),
            size: message.spooled.size,
            has_nul: message.spooled.has_nul,
            body: message.spooled.reader(),
        };
        group.at.iter().filter_map(|at| self.messages.get(*at)).map(message).collect()
    }

    fn arrived(&mut self, group: &Group, appended: &AppendedUids) {
        for (at, uid) in group.at.iter().zip(&appended.uids) {
            self.messages[*at].fate = Fate::Arrived(identity(appended.uid_validity, *uid));
            self.folder.shared.advance(&self.folder.path, appended.uid_validity, uid.get());
        }
    }

    /// Looks for everything that has not arrived yet as far as is known. Answers what came and is none of it.
    async fn look(&mut self, lane: &mut Lane, until_settled: bool) -> Result<Vec<String>, Failure> {
        let waiting: Vec<usize> =
            (0..self.messages.len()).filter(|at| matches!(self.messages[*at].fate, Fate::Waiting)).collect();
        let canonical = waiting.iter().map(|at| self.messages[*at].spooled.canonical).collect();
        let mark = Mark { canonical, ..self.mark.clone() };
        let owned = self.identities();
        let found = match until_settled {
            true => messages::find_settled(self.folder, lane, &mark, &owned).await?,
            false => messages::find(self.folder, lane, &mark, &owned).await?,
        };
        for (at, found) in waiting.into_iter().zip(found.identities) {
            if let Some(identity) = found {
                self.messages[at].fate = Fate::Arrived(identity);
            }
        }
        Ok(found.strangers)
    }

    fn identities(&self) -> HashSet<String> {
        let identity = |message: &Outgoing| match &message.fate {
            Fate::Arrived(identity) => Some(identity.clone()),
            Fate::Waiting | Fate::Refused(_) => None,
        };
        self.messages.iter().filter_map(identity).collect()
    }

    /// The server says that these are saved, and stores something else than it was given: nothing tells them but their
    /// order. Where that does not tell either they have no name; they are never sent again.
    fn name_the_rest(&mut self, groups: &[Group], strangers: Vec<String>) {
        let waiting = |at: &usize| matches!(self.messages[*at].fate, Fate::Waiting);
        let unnamed: Vec<usize> =
            groups.iter().flat_map(|group| group.at.iter().copied()).filter(waiting).collect();
        let mut strangers =
            Some(strangers).filter(|found| found.len() == unnamed.len()).unwrap_or_default().into_iter();
        for at in unnamed {
            let message = &mut self.messages[at];
            let nameless = || format!("{}.{}", self.mark.uid_validity, message.spooled.staged_as);
            message.fate = Fate::Arrived(strangers.next().unwrap_or_else(nameless));
        }
    }

    /// What of a group is still to be sent.
    fn rest(&self, group: Group) -> Option<Group> {
        let waiting = |at: &usize| matches!(self.messages[*at].fate, Fate::Waiting);
        let at: Vec<usize> = group.at.into_iter().filter(waiting).collect();
        (!at.is_empty()).then_some(Group { at, ..group })
    }

    async fn again_after_loss(&mut self, group: Group) -> Result<(), Failure> {
        let Some(group) = self.rest(group) else { return Ok(()) };
        let group = Group { losses: group.losses + 1, ..group };
        match group.at.as_slice() {
            [only] if group.losses >= LOSSES => {
                let why = "The new server ends the connection whenever it is given this message.";
                self.refuse(*only, why).await
            }
            [_] => {
                self.groups.push_back(group);
                Ok(())
            }
            _ if group.losses >= LOSSES - 1 => {
                self.groups.extend(group.halves());
                Ok(())
            }
            _ => {
                self.groups.push_back(group);
                Ok(())
            }
        }
    }

    async fn again_after_refusal(
        &mut self,
        lane: &mut Lane,
        group: Group,
        error: imap::Error,
    ) -> Result<(), Failure> {
        let Some(group) = self.rest(group) else { return Ok(()) };
        let folder = self.folder;
        match error.code() {
            Some(ResponseCode::OverQuota) => {
                folder.shared.quota.forget();
                let needed = group.at.iter().map(|at| self.messages[*at].spooled.size).sum();
                return Err(quota::full(needed));
            }
            Some(ResponseCode::TryCreate | ResponseCode::NonExistent) if !self.created => {
                self.created = true;
                folder.shared.with_names(|names| names.now_gone(&folder.path)).await?;
                folder.shared.create(lane, &folder.path, None).await?;
                self.groups.push_back(group);
                return Ok(());
            }
            Some(ResponseCode::TryCreate | ResponseCode::NonExistent | ResponseCode::NoPerm) => {
                return Err(failure::of_server(&error));
            }
            _ => {}
        }
        match group.at.as_slice() {
            // LIMIT for one message alone means this message (RFC 5530, section 3).
            [only] if !crate::line::retryable(&error) || is_limit(&error) => {
                self.refuse(*only, &format!("The new server refuses this message: {}", said(&error))).await
            }
            [_] => {
                lane.recover(error).await?;
                self.groups.push_back(group);
                Ok(())
            }
            _ => {
                if crate::line::retryable(&error) && !is_limit(&error) {
                    lane.recover(error).await?;
                    self.groups.push_back(group);
                } else {
                    self.groups.extend(group.halves());
                }
                Ok(())
            }
        }
    }

    /// Keeps the message for the customer and gives it up until the next import.
    async fn refuse(&mut self, at: usize, why: &str) -> Result<(), Failure> {
        let message = &mut self.messages[at];
        let directory = &self.folder.shared.place.refused;
        let path = directory.join(format!("{}.eml", message.spooled.staged_as));
        let kept = keep(directory, &path, &message.spooled).map_err(|error| Failure {
            class: "destination",
            message: format!(
                "A message that the new server refuses cannot be kept as {}: {error}.",
                path.display()
            ),
        })?;
        message.fate = Fate::Refused(format!("{} It is kept as {kept}.", sentence(why)));
        let count = |is: fn(&Fate) -> bool| self.messages.iter().filter(|message| is(&message.fate)).count();
        let refused = count(|fate| matches!(fate, Fate::Refused(_)));
        if refused >= REFUSALS && count(|fate| matches!(fate, Fate::Arrived(_))) < refused {
            let message = format!("The new server refuses one message after another. {}", sentence(why));
            return Err(Failure { class: "refused", message });
        }
        Ok(())
    }

    fn deliveries(self, failure: Option<Failure>, uncertain: bool) -> Deliveries {
        let mut deliveries = Deliveries { failure, uncertain, ..Deliveries::default() };
        for message in self.messages {
            let staged_as = message.spooled.staged_as;
            match message.fate {
                Fate::Waiting => {}
                Fate::Arrived(identity) => deliveries.delivered.push(Delivered {
                    staged_as,
                    identity,
                    new: true,
                    dropped_keywords: message.dropped,
                }),
                Fate::Refused(message) => deliveries.refused.push(Refused { staged_as, message }),
            }
        }
        deliveries
    }
}

/// Cuts messages of these sizes into groups.
fn groups(sizes: &[u64], many: bool) -> VecDeque<Group> {
    let mut groups = VecDeque::new();
    let (mut at, mut octets) = (Vec::new(), 0_u64);
    for (index, size) in sizes.iter().enumerate() {
        let full = !many || at.len() >= MESSAGES || octets.saturating_add(*size) > OCTETS;
        if full && !at.is_empty() {
            groups.push_back(Group { at: std::mem::take(&mut at), losses: 0 });
            octets = 0;
        }
        at.push(index);
        octets = octets.saturating_add(*size);
    }
    if !at.is_empty() {
        groups.push_back(Group { at, losses: 0 });
    }
    groups
}

fn is_limit(error: &imap::Error) -> bool {
    matches!(error.code(), Some(ResponseCode::Limit))
}

/// The server's own words.
fn said(error: &imap::Error) -> String {
    match error {
        imap::Error::Refused { text, .. } if !text.is_empty() => text.clone(),
        other => other.to_string(),
    }
}

fn sentence(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

fn keep(directory: &std::path::Path, path: &std::path::Path, message: &Spooled) -> std::io::Result<String> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    message.keep(path)?;
    Ok(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(sizes: &[u64], many: bool) -> Vec<Vec<usize>> {
        groups(sizes, many).into_iter().map(|group| group.at).collect()
    }

    #[test]
    fn messages_go_together_within_bounds() {
        assert_eq!(cut(&[1, 1, 1], true), [vec![0, 1, 2]]);
        assert_eq!(cut(&[1, 1, 1], false), [vec![0], vec![1], vec![2]]);
        assert_eq!(cut(&[OCTETS, 1, OCTETS + 1, 1], true), [vec![0], vec![1], vec![2], vec![3]]);
        assert_eq!(cut(&[1; 450], true).iter().map(Vec::len).collect::<Vec<_>>(), [200, 200, 50]);
        assert!(cut(&[], true).is_empty());
    }
}
