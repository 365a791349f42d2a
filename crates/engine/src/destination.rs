//! What the engine needs of the place where messages go. Calls block; the engine makes them on blocking threads.
//!
//! A destination promises: what [`DestinationFolder::deliver`] reports is durable, a message that is there under an
//! identity is never stored a second time under it, and nothing that it did not store is ever changed or removed,
//! apart from flags it is asked to change.

mod maildir;
mod naming;

use std::collections::BTreeSet;
use std::io;

use imap::{Flag, Uid};

pub use self::maildir::MaildirDestination;
pub use self::naming::Naming;
use crate::folder::FolderPath;
use crate::plan::NameRules;

/// A destination's failure: its class and a plain sentence.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Class as in the product's table: `not_writable`, `disk_full`, `disk_low`, `quota`, `busy`, `locked`, `destination`.
    pub class: &'static str,
    /// One plain sentence.
    pub message: String,
}

/// What the operator bounds of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Octets of its disk that stay free; 0 lets an import fill it.
    pub free_space: u64,
    /// Levels that a folder may have below the root; what is deeper becomes one level. At least 2.
    pub folder_levels: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { free_space: 0, folder_levels: 30 }
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
    /// The UID it was imported from, when its identity belongs to the epoch asked for.
    pub uid: Option<Uid>,
    /// Its identity.
    pub identity: String,
    /// Octets, as far as its name tells.
    pub size: Option<u64>,
    /// Its flags at this moment.
    pub flags: FlagNames,
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

/// What a delivery did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The message's identity.
    pub identity: String,
    /// `false`: a message with this identity was there before.
    pub new: bool,
    /// Keywords that the destination cannot hold.
    pub dropped_keywords: Vec<String>,
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
    /// Removes what an interrupted import left half-written.
    fn clean(&self, naming: &Naming) -> Result<(), Failure>;
    /// Makes durable what was found in the folder. Who put it there may have died before seeing to it.
    fn persist(&self) -> Result<(), Failure>;
    /// Calls `each` for every message in the folder.
    fn present(&self, naming: &Naming, each: &mut dyn FnMut(Present)) -> Result<(), Failure>;
    /// Begins a message. `identity` may be a provisional one, while the server has not told its UID.
    fn begin(&self, identity: &str) -> Result<Self::Writer, Failure>;
    /// Makes messages appear, in this order, durably. On failure what was delivered comes back beside the failure.
    #[allow(clippy::type_complexity)]
    fn deliver(
        &self,
        batch: Vec<(<Self::Writer as Writer>::Staged, FlagNames)>,
    ) -> Result<Vec<Delivered>, (Vec<Delivered>, Failure)>;
    /// Changes flags; answers how many messages are different now.
    fn change_flags(&self, changes: &[FlagChange]) -> Result<u64, Failure>;
    /// Reads the messages that `wanted` chooses: each with its date in unix seconds and its octets.
    fn read(
        &self,
        naming: &Naming,
        wanted: &dyn Fn(&Present) -> bool,
        each: &mut dyn FnMut(Present, i64, &mut dyn io::Read) -> io::Result<()>,
    ) -> Result<(), Failure>;
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
    /// What folder names may be.
    fn rules(&self) -> NameRules;
    /// Keeps other imports away, and removes what one that died has left in the way of all folders.
    fn lock(&self) -> Result<Self::Lock, Failure>;
    /// The folders that exist.
    fn folders(&self) -> Result<Vec<FolderPath>, Failure>;
    /// A folder that exists.
    fn open(&self, path: &FolderPath) -> Result<Option<Self::Folder>, Failure>;
    /// A folder, made if it does not exist.
    fn create(&self, path: &FolderPath) -> Result<Self::Folder, Failure>;
    /// Folders that the mailbox is subscribed to.
    fn subscriptions(&self) -> Result<Vec<FolderPath>, Failure>;
    /// Subscribes to folders, beside what is subscribed already.
    fn subscribe(&self, paths: &[FolderPath]) -> Result<(), Failure>;
}
