//! What the engine needs of the place where messages go.
//!
//! A destination promises: what [`DestinationFolder::deliver`] reports is durable, a message that is there under an
//! identity is never stored a second time under it, and nothing that it did not store is ever changed or removed,
//! apart from flags it is asked to change.

mod imap;
mod maildir;
mod naming;

use std::collections::{BTreeSet, HashSet};
use std::future::Future;
use std::io;

use ::imap::{Flag, Uid, UidValidity};

pub use self::imap::{ImapDestination, ImapPlace};
pub use self::maildir::MaildirDestination;
pub use self::naming::Naming;
use crate::folder::{FolderPath, Role};
use crate::ledger::Digest;
use crate::plan::NameRules;
pub use ::maildir::Durability;

/// A destination's failure: its class and a plain sentence.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Class as in the product's table: `not_writable`, `disk_full`, `disk_low`, `quota`, `busy`, `locked`, `destination`,
    /// `folder_refused` for a folder that the destination does not take; of an IMAP server also what a source's error can be.
    pub class: &'static str,
    /// One plain sentence.
    pub message: String,
}

/// What the operator decides about a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Octets of its disk that stay free; 0 lets an import fill it.
    pub free_space: u64,
    /// Levels that a folder may have below the root; what is deeper becomes one level. At least 2.
    pub folder_levels: usize,
    /// How a batch's data reaches the disk before its messages appear in a Maildir.
    pub durability: Durability,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { free_space: 0, folder_levels: 30, durability: Durability::Automatic }
    }
}

/// Flags and keywords in wire form (`\Seen`, `$Forwarded`), sorted; `\Recent` never among them.
pub type FlagNames = BTreeSet<String>;

/// Flags as the ledger and the destination know them: system flags other than RFC 9051's five are dropped.
pub fn flag_names(flags: &[Flag]) -> FlagNames {
    flags.iter().filter(|flag| !matches!(flag, Flag::Recent | Flag::System(_))).map(Flag::to_string).collect()
}

/// A message that lies in the destination folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// The UID it was imported from, when its identity tells, and belongs to the epoch asked for.
    pub uid: Option<Uid>,
    /// Its identity.
    pub identity: String,
    /// Octets, as far as they are known without reading it.
    pub size: Option<u64>,
    /// Its flags at this moment.
    pub flags: FlagNames,
}

/// A message of the destination, read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// What is known of it without reading it.
    pub present: Present,
    /// Its date in unix seconds, as far as the destination tells.
    pub date: Option<i64>,
    /// Its octets.
    pub size: u64,
    /// Their digest.
    pub digest: Digest,
    /// The digest of its canonical form, where the destination may have changed the ends of its lines.
    pub canonical: Option<Digest>,
}

/// A message about to be stored.
pub trait Writer: io::Write + Send + 'static {
    /// A complete message that waits for delivery. Dropped, it leaves nothing behind.
    type Staged: Send + 'static;
    /// All octets were written. `received` is the message's date in unix seconds.
    fn finish(self, identity: &str, received: i64) -> Result<Staged<Self::Staged>, Failure>;
    /// Says which failure a write error was.
    fn failure(&self, error: io::Error) -> Failure;
}

/// A complete message that waits for delivery.
#[derive(Debug)]
pub struct Staged<S> {
    /// What the destination needs to deliver it.
    pub inner: S,
    /// Whether its date had to be moved into the range that the destination can hold.
    pub date_adjusted: bool,
}

/// A message and its flags, ready for delivery.
pub type Parcel<F> = (<<F as DestinationFolder>::Writer as Writer>::Staged, FlagNames);

/// Where the messages of a batch will be found again if nobody hears what became of it. Only for a destination that
/// gives its messages identities of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The destination folder.
    pub folder: FolderPath,
    /// Its UIDVALIDITY before the batch.
    pub uid_validity: UidValidity,
    /// None of the batch's messages will get a lower UID.
    pub uid_next: u32,
    /// What each of them will be known by: the digest of its canonical form.
    pub canonical: Vec<Digest>,
}

/// A message that was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The identity it was staged under.
    pub staged_as: String,
    /// Its identity.
    pub identity: String,
    /// `false`: a message with this identity was there before.
    pub new: bool,
    /// Keywords that the destination cannot hold.
    pub dropped_keywords: Vec<String>,
}

/// A message that the destination does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The identity it was staged under.
    pub staged_as: String,
    /// Why, in one plain sentence.
    pub message: String,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub struct Deliveries {
    /// What is durable, in the batch's order.
    pub delivered: Vec<Delivered>,
    /// What the destination does not take, though it takes others.
    pub refused: Vec<Refused>,
    /// Why the rest was not delivered.
    pub failure: Option<Failure>,
    /// The rest may have arrived all the same: it must be looked for ([`DestinationFolder::find`]) before it is sent again.
    pub uncertain: bool,
}

/// A change of flags, relative to what the message has then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagChange {
    /// The message.
    pub identity: String,
    /// To set.
    pub add: FlagNames,
    /// To clear.
    pub remove: FlagNames,
}

/// One destination folder.
pub trait DestinationFolder: Clone + Send + Sync + 'static {
    /// A message being written.
    type Writer: Writer;

    /// Whether messages have the identities that the engine gives them, which tell the UIDs they were imported from.
    const TELLS_UIDS: bool;

    /// Removes what an interrupted import left half-written.
    fn clean(&self, naming: &Naming) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Makes durable what was found in the folder. Who put it there may have died before seeing to it.
    fn persist(&self) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Shows every message in the folder to `keep`, which keeps what it wants of it in `kept`.
    fn each<T: Send + 'static>(
        &self,
        naming: &Naming,
        kept: T,
        keep: impl FnMut(&mut T, Present) + Send + 'static,
    ) -> impl Future<Output = Result<T, Failure>> + Send;

    /// Begins a message; blocks, as its writer does. `identity` may be a provisional one, while the server has not told
    /// its UID.
    fn begin(&self, identity: &str) -> Result<Self::Writer, Failure>;

    /// What must be in the ledger before this batch is delivered. `None`: the messages' own names will tell.
    fn mark(&self, batch: &[Parcel<Self>]) -> impl Future<Output = Result<Option<Mark>, Failure>> + Send;

    /// Makes messages appear, in this order, durably.
    fn deliver(
        &self,
        mark: Option<Mark>,
        batch: Vec<Parcel<Self>>,
    ) -> impl Future<Output = Deliveries> + Send;

    /// Looks for the messages of a batch of which nobody heard what became: the identity of each that is there, each
    /// message of the folder at most once, and none of those that belong to others by their identity.
    fn find(
        &self,
        mark: &Mark,
        owned: &HashSet<String>,
    ) -> impl Future<Output = Result<Vec<Option<String>>, Failure>> + Send;

    /// Changes flags; answers how many messages are different now.
    fn change_flags(&self, changes: Vec<FlagChange>) -> impl Future<Output = Result<u64, Failure>> + Send;

    /// Reads the messages that `wanted` chooses.
    fn read(
        &self,
        naming: &Naming,
        wanted: impl Fn(&Present) -> bool + Send + 'static,
    ) -> impl Future<Output = Result<Vec<Stored>, Failure>> + Send;
}

/// Where messages go.
pub trait Destination: Send + Sync + 'static {
    /// One of its folders.
    type Folder: DestinationFolder;
    /// Held while importing; keeps a second import away.
    type Lock: Send;
    /// As the operator wrote it.
    fn describe(&self) -> String;
    /// By what name the ledger knows it; another name is another mailbox.
    fn key(&self) -> String {
        self.describe()
    }
    /// Keeps other imports away, and removes what one that died has left in the way of all folders.
    fn lock(&self) -> impl Future<Output = Result<Self::Lock, Failure>> + Send;
    /// What folder names may be.
    fn rules(&self) -> impl Future<Output = Result<NameRules, Failure>> + Send;
    /// The folders that exist.
    fn folders(&self) -> impl Future<Output = Result<Vec<FolderPath>, Failure>> + Send;
    /// A folder that exists.
    fn open(&self, path: &FolderPath) -> impl Future<Output = Result<Option<Self::Folder>, Failure>> + Send;
    /// A folder, made if it does not exist; a new one is told what it is for.
    fn create(
        &self,
        path: &FolderPath,
        role: Option<Role>,
    ) -> impl Future<Output = Result<Self::Folder, Failure>> + Send;
    /// Folders that the mailbox is subscribed to.
    fn subscriptions(&self) -> impl Future<Output = Result<Vec<FolderPath>, Failure>> + Send;
    /// Subscribes to folders, beside what is subscribed already.
    fn subscribe(&self, paths: &[FolderPath]) -> impl Future<Output = Result<(), Failure>> + Send;
}
