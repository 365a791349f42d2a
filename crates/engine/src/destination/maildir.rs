//! A Maildir++ mailbox as destination: translates the engine's words into those of crate `maildir`.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use maildir::{
    Arrival, Base, Delivery, Durability, FlagResult, Flags, FolderName, Maildir, Owner, SystemFlags,
};

use super::{
    Delivered, Deliveries, Destination, DestinationFolder, Failure, FlagChange, FlagNames, Limits, Mark,
    Naming, Parcel, Present, Staged, Stored, Writer,
};
use crate::error::size;
use crate::folder::{FolderPath, Role};
use crate::plan::NameRules;

/// A Maildir++ root.
#[derive(Debug, Clone)]
pub struct MaildirDestination {
    maildir: Maildir,
    path: PathBuf,
    limits: Limits,
    has_own_ledger: bool,
}

impl MaildirDestination {
    /// Opens the mailbox, or makes it. Everything made belongs to `owner`, if there is one.
    pub fn create(path: &Path, owner: Option<Owner>) -> Result<MaildirDestination, maildir::Error> {
        Ok(Self::of(Maildir::create(path, owner)?, path))
    }

    /// Opens a mailbox that exists, for reading.
    pub fn open(path: &Path) -> Result<MaildirDestination, maildir::Error> {
        Ok(Self::of(Maildir::open(path)?, path))
    }

    /// The same as [`MaildirDestination::create`] for a mailbox of a tree: `names` lead from `root` to it, and none of
    /// them may be a link.
    pub fn create_below(
        root: &Path,
        names: &[&str],
        owner: Option<Owner>,
    ) -> Result<MaildirDestination, maildir::Error> {
        let path = names.iter().fold(root.to_path_buf(), |path, name| path.join(name));
        Ok(Self::of(Maildir::create_below(root, names, owner)?, &path))
    }

    /// What an import may take and how it goes about it; [`Limits::default`] otherwise.
    pub fn with_limits(mut self, limits: Limits) -> MaildirDestination {
        self.limits = limits;
        self
    }

    /// Says where the ledger lies. One in the mailbox's own root moves with it, so it knows the mailbox by no path:
    /// what the customer removed before the move stays removed after it.
    pub fn with_ledger_at(mut self, ledger: &Path) -> MaildirDestination {
        self.has_own_ledger = ledger.parent() == Some(self.path.as_path());
        self
    }

    fn of(maildir: Maildir, path: &Path) -> MaildirDestination {
        let path = path.to_path_buf();
        MaildirDestination { maildir, path, limits: Limits::default(), has_own_ledger: false }
    }

    fn reserve(&self) -> Reserve {
        Reserve { maildir: self.maildir.clone(), free_space: self.limits.free_space }
    }

    fn folder(&self, inner: maildir::Folder) -> MaildirFolder {
        let reserve = self.reserve();
        MaildirFolder { inner, durability: self.limits.durability, reserve }
    }
}

/// A folder of it.
#[derive(Debug, Clone)]
pub struct MaildirFolder {
    inner: maildir::Folder,
    durability: Durability,
    reserve: Reserve,
}

/// What stays free of the disk.
#[derive(Debug, Clone)]
struct Reserve {
    maildir: Maildir,
    free_space: u64,
}

impl Reserve {
    /// Refuses where less is free. What cannot be asked is no reason to refuse.
    fn check(&self) -> Result<(), Failure> {
        if self.free_space == 0 {
            return Ok(());
        }
        let Ok(free) = self.maildir.free_space() else { return Ok(()) };
        if free >= self.free_space {
            return Ok(());
        }
        let message = format!(
            "The disk of the new mailbox has {} free, and {} are to stay free (limits.free_space_mb, --keep-free). \
             Make room there; the import goes on where it stopped.",
            size(free),
            size(self.free_space)
        );
        Err(Failure { class: "disk_low", message })
    }
}

impl Destination for MaildirDestination {
    type Folder = MaildirFolder;
    type Lock = maildir::ImportLock;

    fn describe(&self) -> String {
        format!("maildir:{}", self.path.display())
    }

    fn key(&self) -> String {
        if self.has_own_ledger { "maildir:.".to_owned() } else { self.describe() }
    }

    async fn rules(&self) -> Result<NameRules, Failure> {
        let rules = NameRules::maildir();
        Ok(NameRules { max_depth: rules.max_depth.min(self.limits.folder_levels.max(2)), ..rules })
    }

    async fn lock(&self) -> Result<Self::Lock, Failure> {
        let (maildir, reserve) = (self.maildir.clone(), self.reserve());
        blocking(move || {
            // Before anything is asked of the old server.
            reserve.check()?;
            let lock = maildir.lock_exclusively()?;
            // INBOX is where the locks and temporary files of the whole mailbox lie; the source may have none.
            if let Some(inbox) = maildir.folder(&FolderName::inbox())? {
                inbox.remove_stale(&|_| false)?;
            }
            Ok(lock)
        })
        .await
    }

    async fn folders(&self) -> Result<Vec<FolderPath>, Failure> {
        let maildir = self.maildir.clone();
        blocking(move || Ok(maildir.folders()?.iter().map(decoded).collect())).await
    }

    async fn open(&self, path: &FolderPath) -> Result<Option<MaildirFolder>, Failure> {
        let (maildir, name) = (self.maildir.clone(), encoded(path)?);
        let found = blocking(move || match maildir.folder(&name) {
            Ok(found) => Ok(found),
            // Who made it died before it was whole; there is no message in it, and `create` adds what is missing.
            Err(maildir::Error::Missing { .. }) => Ok(None),
            Err(other) => Err(other.into()),
        });
        Ok(found.await?.map(|inner| self.folder(inner)))
    }

    async fn create(&self, path: &FolderPath, _role: Option<Role>) -> Result<MaildirFolder, Failure> {
        let (maildir, name) = (self.maildir.clone(), encoded(path)?);
        Ok(self.folder(blocking(move || Ok(maildir.create_folder(&name)?)).await?))
    }

    async fn subscriptions(&self) -> Result<Vec<FolderPath>, Failure> {
        let maildir = self.maildir.clone();
        blocking(move || Ok(maildir.subscriptions()?.iter().map(decoded).collect())).await
    }

    async fn subscribe(&self, paths: &[FolderPath]) -> Result<(), Failure> {
        let names = paths.iter().map(encoded).collect::<Result<Vec<_>, _>>()?;
        let maildir = self.maildir.clone();
        blocking(move || {
            maildir.subscribe(&names)?;
            Ok(())
        })
        .await
    }
}

/// Runs what blocks on a thread that may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let fault = |error: tokio::task::JoinError| Failure { class: "internal", message: error.to_string() };
    tokio::task::spawn_blocking(work).await.map_err(fault)?
}

impl DestinationFolder for MaildirFolder {
    type Writer = StagedMessage;

    const TELLS_UIDS: bool = true;

    async fn clean(&self, naming: &Naming) -> Result<(), Failure> {
        let (folder, naming) = (self.inner.clone(), naming.clone());
        blocking(move || {
            folder.remove_stale(&|name| naming.is_ours(name))?;
            Ok(())
        })
        .await
    }

    async fn persist(&self) -> Result<(), Failure> {
        let folder = self.inner.clone();
        blocking(move || Ok(folder.persist()?)).await
    }

    async fn each<T: Send + 'static>(
        &self,
        naming: &Naming,
        mut kept: T,
        mut keep: impl FnMut(&mut T, Present) + Send + 'static,
    ) -> Result<T, Failure> {
        let (folder, naming) = (self.inner.clone(), naming.clone());
        blocking(move || {
            let keywords = folder.keywords()?;
            folder.scan(&mut |entry| keep(&mut kept, told_of(&entry, &naming, &keywords)))?;
            Ok(kept)
        })
        .await
    }

    fn begin(&self, identity: &str) -> Result<StagedMessage, Failure> {
        self.reserve.check()?;
        Ok(StagedMessage(self.inner.stage(&base(identity)?)?))
    }

    async fn mark(&self, _batch: &[Parcel<Self>]) -> Result<Option<Mark>, Failure> {
        Ok(None)
    }

    async fn deliver(&self, _mark: Option<Mark>, batch: Vec<Parcel<Self>>) -> Deliveries {
        let (folder, durability) = (self.inner.clone(), self.durability);
        let delivered = blocking(move || {
            let batch =
                batch.into_iter().map(|(staged, flags)| Delivery { staged, flags: split(&flags) }).collect();
            Ok(match folder.deliver(batch, durability) {
                Ok(delivered) => (delivered, None),
                Err(maildir::Error::PartlyDelivered { delivered, cause }) => {
                    (delivered, Some(Failure::from(*cause)))
                }
                Err(error) => (Vec::new(), Some(error.into())),
            })
        });
        let (delivered, failure) = delivered.await.unwrap_or_else(|failure| (Vec::new(), Some(failure)));
        let delivered = delivered.into_iter().map(told).collect();
        Deliveries { delivered, failure, ..Deliveries::default() }
    }

    async fn find(&self, mark: &Mark, _owned: &HashSet<String>) -> Result<Vec<Option<String>>, Failure> {
        Ok(vec![None; mark.canonical.len()])
    }

    async fn change_flags(&self, changes: Vec<FlagChange>) -> Result<u64, Failure> {
        let change = |change: FlagChange| {
            let (add, remove) = (split(&change.add), split(&change.remove));
            maildir::FlagChange {
                base: change.identity,
                add: add.system,
                remove: remove.system,
                add_keywords: add.keywords,
                remove_keywords: remove.keywords,
            }
        };
        let changes: Vec<_> = changes.into_iter().map(change).collect();
        let folder = self.inner.clone();
        let outcomes = blocking(move || Ok(folder.set_flags(&changes)?)).await?;
        Ok(outcomes.iter().filter(|outcome| outcome.result == FlagResult::Changed).count() as u64)
    }

    async fn read(
        &self,
        naming: &Naming,
        wanted: impl Fn(&Present) -> bool + Send + 'static,
    ) -> Result<Vec<Stored>, Failure> {
        let (folder, naming) = (self.inner.clone(), naming.clone());
        blocking(move || read(&folder, &naming, &wanted)).await
    }
}

fn read(
    folder: &maildir::Folder,
    naming: &Naming,
    wanted: &dyn Fn(&Present) -> bool,
) -> Result<Vec<Stored>, Failure> {
    let keywords = folder.keywords()?;
    let mut chosen = Vec::new();
    folder.scan(&mut |entry| {
        let present = told_of(&entry, naming, &keywords);
        if wanted(&present) {
            chosen.push((entry, present));
        }
    })?;
    let mut stored = Vec::with_capacity(chosen.len());
    for (entry, present) in chosen {
        let mut file = match folder.open_message(&entry) {
            Ok(file) => file,
            // A client removed it since the scan.
            Err(maildir::Error::Missing { .. }) => continue,
            Err(error) => return Err(error.into()),
        };
        let date = file.metadata().map_err(unreadable)?.modified().map_err(unreadable)?;
        let date = date.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
        let (size, digest) = digest(&mut file).map_err(unreadable)?;
        stored.push(Stored { present, date: Some(date), size, digest, canonical: None });
    }
    Ok(stored)
}

/// Octets and digest of what a reader gives.
fn digest(octets: &mut dyn io::Read) -> io::Result<(u64, crate::ledger::Digest)> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut size = 0;
    loop {
        let read = octets.read(&mut buffer)?;
        if read == 0 {
            return Ok((size, *hasher.finalize().as_bytes()));
        }
        size += read as u64;
        hasher.update(buffer.get(..read).unwrap_or_default());
    }
}

fn unreadable(error: io::Error) -> Failure {
    Failure {
        class: "destination",
        message: format!("A message in the new mailbox cannot be read: {error}."),
    }
}

fn told_of(entry: &maildir::Entry, naming: &Naming, keywords: &maildir::KeywordTable) -> Present {
    let mut flags = flags_from(entry.flags);
    flags.extend(keywords.names(entry.keyword_letters));
    Present { uid: naming.uid(&entry.base), identity: entry.base.clone(), size: entry.size, flags }
}

/// A message on its way into `tmp`.
#[derive(Debug)]
pub struct StagedMessage(maildir::StagedFile);

impl io::Write for StagedMessage {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Writer for StagedMessage {
    type Staged = maildir::Staged;

    fn finish(self, identity: &str, received: i64) -> Result<Staged<maildir::Staged>, Failure> {
        let inner = self.0.finish_as(&base(identity)?, received)?;
        let date_adjusted = inner.date_adjusted();
        Ok(Staged { inner, date_adjusted })
    }

    fn failure(&self, error: io::Error) -> Failure {
        self.0.error(error).into()
    }
}

impl From<maildir::Error> for Failure {
    fn from(error: maildir::Error) -> Failure {
        use maildir::Error as E;
        let class = match &error {
            E::NotWritable { .. }
            | E::ReadOnly { .. }
            | E::NotADirectory { .. }
            | E::NotAMaildir { .. }
            | E::LeavesRoot { .. } => "not_writable",
            E::NoSpace { .. } => "disk_full",
            E::Busy { .. } => "busy",
            E::Locked { .. } => "locked",
            _ => "destination",
        };
        Failure { class, message: format!("The new mailbox cannot be used: {error}.") }
    }
}

fn told(delivered: maildir::Delivered) -> Delivered {
    Delivered {
        staged_as: delivered.base.as_str().to_owned(),
        identity: delivered.base.as_str().to_owned(),
        new: delivered.arrival == Arrival::Delivered,
        dropped_keywords: delivered.dropped_keywords,
    }
}

fn base(identity: &str) -> Result<Base, Failure> {
    Base::new(identity).map_err(|error| Failure { class: "destination", message: error.to_string() })
}

fn encoded(path: &FolderPath) -> Result<FolderName, Failure> {
    FolderName::new(path.0.iter().map(|component| imap::utf7::encode(component)).collect()).map_err(|error| {
        Failure {
            class: "destination",
            message: format!("The new mailbox cannot hold a folder named {path}: {error}."),
        }
    })
}

/// A name on disk that is no valid modified UTF-7 stands for itself; encoding gives it back unchanged or not at all,
/// so it is only ever compared with, never opened.
fn decoded(name: &FolderName) -> FolderPath {
    FolderPath(
        name.components()
            .iter()
            .map(|component| imap::utf7::decode(component).unwrap_or_else(|_| component.clone()))
            .collect(),
    )
}

const SYSTEM: [(&str, SystemFlags); 5] = [
    ("\\Draft", SystemFlags::DRAFT),
    ("\\Flagged", SystemFlags::FLAGGED),
    ("\\Answered", SystemFlags::REPLIED),
    ("\\Seen", SystemFlags::SEEN),
    ("\\Deleted", SystemFlags::TRASHED),
];

fn flags_from(system: SystemFlags) -> FlagNames {
    SYSTEM.iter().filter(|(_, flag)| system.contains(*flag)).map(|(name, _)| (*name).to_owned()).collect()
}

fn split(names: &FlagNames) -> Flags {
    let known: HashMap<&str, SystemFlags> = SYSTEM.into_iter().collect();
    let mut system = SystemFlags::default();
    let mut keywords = BTreeSet::new();
    for name in names {
        match known.get(name.as_str()) {
            Some(flag) => system = system | *flag,
            None => {
                keywords.insert(name.clone());
            }
        }
    }
    Flags { system, keywords }
}
