//! Compares two accounts as their servers show them over IMAP: every folder, every message's octets
//! (SHA-256), flags, keywords, INTERNALDATE, the order, and the subscriptions.
//!
//! It must never use code of the product, and never call two accounts equal when one fact differs.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::net::SocketAddr;

use crate::Result;
use crate::imap_client::{Client, Folder, Message, Sha};

/// Where an account is and how to log in.
#[derive(Debug, Clone)]
pub struct Account {
    /// The server, plain IMAP on loopback.
    pub addr: SocketAddr,
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl Account {
    /// An account.
    #[must_use]
    pub fn new(addr: SocketAddr, user: &str, password: &str) -> Self {
        Self { addr, user: user.to_owned(), password: password.to_owned() }
    }
}

/// In what way two accounts differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A folder of the source is not there.
    FolderMissing,
    /// A folder that the source does not have.
    FolderExtra,
    /// A message is not there, or not as many times.
    Missing,
    /// A message too many.
    Extra,
    /// In place of a message is one with other octets.
    Bytes,
    /// System flags differ.
    Flags,
    /// Keywords differ.
    Keywords,
    /// INTERNALDATE is another instant.
    InternalDate,
    /// The messages stand in another order.
    Order,
    /// A folder is subscribed on one side only.
    Subscription,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The folder at the destination, its levels joined by `/`.
    pub folder: String,
    /// In what way.
    pub kind: Kind,
    /// What stands on either side.
    pub detail: String,
}

/// Which folder of the source is which at the destination, and what is not to be compared.
/// Separators and namespace prefixes need no mapping.
#[derive(Debug, Clone, Default)]
pub struct Mapping {
    renames: BTreeMap<Vec<String>, Vec<String>>,
    left_out: BTreeSet<Vec<String>>,
    ignored: BTreeSet<Kind>,
}

impl Mapping {
    /// Every folder keeps its name and everything is compared.
    #[must_use]
    pub fn identity() -> Self {
        Self::default()
    }

    /// The source's folder `from` is `to` at the destination; levels are separated by `/`, and children
    /// follow their parent.
    #[must_use]
    pub fn rename(self, from: &str, to: &str) -> Self {
        self.rename_levels(&from.split('/').collect::<Vec<_>>(), &to.split('/').collect::<Vec<_>>())
    }

    /// As [`Mapping::rename`], for names with a `/` in a level.
    #[must_use]
    pub fn rename_levels(mut self, from: &[&str], to: &[&str]) -> Self {
        let owned = |levels: &[&str]| levels.iter().map(|level| (*level).to_owned()).collect();
        self.renames.insert(owned(from), owned(to));
        self
    }

    /// Leaves a folder out, on both sides; the name is the source's.
    #[must_use]
    pub fn without(mut self, folder: &str) -> Self {
        self.left_out.insert(folder.split('/').map(str::to_owned).collect());
        self
    }

    /// Does not report differences of this kind.
    #[must_use]
    pub fn ignoring(mut self, kind: Kind) -> Self {
        self.ignored.insert(kind);
        self
    }

    fn apply(&self, path: &[String]) -> Option<Vec<String>> {
        if self.left_out.contains(path) {
            return None;
        }
        let longest = (1..=path.len()).rev().find_map(|length| {
            let (head, tail) = path.split_at_checked(length)?;
            Some([self.renames.get(head)?.as_slice(), tail].concat())
        });
        Some(longest.unwrap_or_else(|| path.to_vec()))
    }
}

/// What the judge found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Folders compared.
    pub folders: usize,
    /// Messages of the source that were compared.
    pub messages: usize,
    /// All differences.
    pub differences: Vec<Difference>,
}

impl Verdict {
    /// Whether the accounts are equal.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.differences.is_empty()
    }

    /// Whether a difference of this kind was found.
    #[must_use]
    pub fn has(&self, kind: Kind) -> bool {
        self.differences.iter().any(|difference| difference.kind == kind)
    }

    /// Panics with the whole verdict unless the accounts are equal.
    pub fn assert_equal(&self) {
        assert!(self.is_equal(), "{self}");
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.differences.len();
        writeln!(f, "{} folders, {} messages compared: {count} differences", self.folders, self.messages)?;
        for difference in self.differences.iter().take(50) {
            writeln!(f, "  {:?} in {}: {}", difference.kind, difference.folder, difference.detail)?;
        }
        if count > 50 {
            writeln!(f, "  and {} more", count - 50)?;
        }
        Ok(())
    }
}

/// Compares everything of the source with everything of the destination.
pub fn compare(source: &Account, destination: &Account, mapping: &Mapping) -> Result<Verdict> {
    let mut left = Client::login(source.addr, &source.user, &source.password)?;
    let mut right = Client::login(destination.addr, &destination.user, &destination.password)?;
    left.digest_only();
    right.digest_only();
    let mut verdict = Verdict::default();

    let ours: Vec<(Vec<String>, Folder)> = mapped(left.list()?, mapping);
    let theirs: BTreeMap<Vec<String>, Folder> = right
        .list()?
        .into_iter()
        .filter(|folder| folder.selectable)
        .map(|folder| (folder.path.clone(), folder))
        .collect();
    for (path, folder) in &ours {
        let name = path.join("/");
        match theirs.get(path) {
            Some(other) => {
                let messages = left.fetch_all(&folder.wire)?;
                let others = right.fetch_all(&other.wire)?;
                verdict.folders += 1;
                verdict.messages += messages.len();
                verdict.differences.extend(compare_messages(&name, &messages, &others));
            }
            None => verdict.note(&name, Kind::FolderMissing, "it is not at the destination".to_owned()),
        }
    }
    let known: BTreeSet<&Vec<String>> = ours.iter().map(|(path, _)| path).collect();
    for path in theirs.keys().filter(|path| !known.contains(path) && !mapping.left_out.contains(*path)) {
        verdict.note(&path.join("/"), Kind::FolderExtra, "the source has no such folder".to_owned());
    }
    let wanted: BTreeSet<Vec<String>> =
        mapped(left.lsub()?, mapping).into_iter().map(|(path, _)| path).collect();
    let found: BTreeSet<Vec<String>> =
        right.lsub()?.into_iter().filter(|folder| folder.selectable).map(|folder| folder.path).collect();
    for path in wanted.symmetric_difference(&found).filter(|path| !mapping.left_out.contains(*path)) {
        let side = if wanted.contains(path) { "source" } else { "destination" };
        verdict.note(&path.join("/"), Kind::Subscription, format!("subscribed at the {side} only"));
    }
    verdict.differences.retain(|difference| !mapping.ignored.contains(&difference.kind));
    Ok(verdict)
}

impl Verdict {
    fn note(&mut self, folder: &str, kind: Kind, detail: String) {
        self.differences.push(Difference { folder: folder.to_owned(), kind, detail });
    }
}

fn mapped(folders: Vec<Folder>, mapping: &Mapping) -> Vec<(Vec<String>, Folder)> {
    let selectable = folders.into_iter().filter(|folder| folder.selectable);
    selectable.filter_map(|folder| Some((mapping.apply(&folder.path)?, folder))).collect()
}

/// Compares the messages of one folder, both lists in the order of their UIDs.
#[must_use]
pub fn compare_messages(folder: &str, source: &[Message], destination: &[Message]) -> Vec<Difference> {
    let mut out = Verdict::default();
    // Equal octets are paired in order, so that identical messages count as often as they are there.
    let mut waiting: BTreeMap<Sha, VecDeque<usize>> = BTreeMap::new();
    for (index, message) in destination.iter().enumerate() {
        waiting.entry(message.digest).or_default().push_back(index);
    }
    let mut partner: Vec<Option<usize>> = Vec::with_capacity(source.len());
    for message in source {
        partner.push(waiting.get_mut(&message.digest).and_then(VecDeque::pop_front));
    }
    let mut left_over: BTreeSet<usize> = waiting.into_values().flatten().collect();
    let mut furthest = None;
    for (index, (message, partner)) in source.iter().zip(&partner).enumerate() {
        let Some(other) = partner.and_then(|at| destination.get(at)) else {
            // A stranger at the same place is this message with changed octets.
            let kind = if left_over.remove(&index) { Kind::Bytes } else { Kind::Missing };
            out.note(folder, kind, describe(message));
            continue;
        };
        compare_facts(folder, message, other, &mut out);
        if furthest > *partner {
            out.note(folder, Kind::Order, format!("{} stands before its predecessor", describe(other)));
        }
        furthest = furthest.max(*partner);
    }
    for message in left_over.iter().filter_map(|index| destination.get(*index)) {
        out.note(folder, Kind::Extra, describe(message));
    }
    out.differences
}

fn compare_facts(folder: &str, source: &Message, destination: &Message, out: &mut Verdict) {
    let name = describe(source);
    if source.flags != destination.flags {
        out.note(folder, Kind::Flags, format!("{name}: {:?} became {:?}", source.flags, destination.flags));
    }
    if source.keywords != destination.keywords {
        out.note(
            folder,
            Kind::Keywords,
            format!("{name}: {:?} became {:?}", source.keywords, destination.keywords),
        );
    }
    if source.internal_date != destination.internal_date {
        let (was, is) = (source.internal_date, destination.internal_date);
        out.note(folder, Kind::InternalDate, format!("{name}: {was} became {is}"));
    }
}

fn describe(message: &Message) -> String {
    let start: String = message.digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("UID {} ({} octets, SHA-256 {start}...)", message.uid, message.size)
}
