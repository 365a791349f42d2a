//! From `tmp` to `cur`: the moment a message exists.
//!
//! The order is what makes it safe: data on disk, then under `dovecot-uidlist.lock` keywords and renames in the
//! batch's order, then the directory on disk. A name that is taken is never replaced, and a base that is in the folder
//! is never delivered again: Dovecot takes the base for the message's identity.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::ffi::OsStr;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use crate::dir::rename_to_free;
use crate::durable::make_durable;
use crate::error::Error;
use crate::folder::{Folder, FolderInner};
use crate::keywords::{self, KeywordTable};
use crate::lock::UidlistLock;
use crate::message::{Base, Flags, MessageName};
use crate::scan::{Entry, fingerprint};
use crate::stage::Staged;

/// How long the lock is held at a stretch. Dovecot's clients wait meanwhile.
const LOCK_PERIOD: Duration = Duration::from_millis(400);
/// Between two stretches: time for a Dovecot that waits to get its turn.
const BETWEEN: Duration = Duration::from_millis(25);

/// How a batch's data reaches the disk before its messages appear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// One `syncfs`: everything that is dirty on the file system.
    SyncFs,
    /// `fsync` for each message, several at a time.
    FsyncEach,
    /// One or two messages: `fsync`. More: whichever took less time for a message on this file system lately; `fsync` is tried
    /// with a few messages at first, and the slower one now and then.
    Automatic,
}

/// A staged message and the flags it is to appear with.
#[derive(Debug)]
pub struct Delivery {
    /// The message.
    pub staged: Staged,
    /// Its flags and keywords.
    pub flags: Flags,
}

/// Whether a message was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It was put into the folder.
    Delivered,
    /// A message with this base was there; it stays as it is, the staged one is gone.
    AlreadyThere,
}

/// A message that is in the folder, durably.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// Its base name.
    pub base: Base,
    /// Its file name at this moment.
    pub file_name: String,
    /// Whether it was new.
    pub arrival: Arrival,
    /// Keywords that it does not carry: the folder has 26 others already, or they are no IMAP keywords.
    pub dropped_keywords: Vec<String>,
}

impl Folder {
    /// Makes messages appear in the folder, in the batch's order, durably.
    ///
    /// The batch must have been staged in this folder. Callers pass only messages that they do not know to be there;
    /// this looks all the same. Only one process at a time may deliver (see
    /// [`Maildir::lock_exclusively`](crate::Maildir::lock_exclusively)); threads may.
    ///
    /// # Errors
    ///
    /// Before the first rename: [`Error::Unsynced`], [`Error::NoSpace`], [`Error::Locked`] and others; then nothing
    /// has been delivered. After it: [`Error::PartlyDelivered`]. Messages that were not delivered are gone from `tmp`.
    pub fn deliver(&self, batch: Vec<Delivery>, durability: Durability) -> Result<Vec<Delivered>, Error> {
        let inner = &self.inner;
        if let Some(stray) = batch.iter().find(|d| !d.staged.belongs_to(inner)) {
            return Err(Error::Missing { path: inner.tmp.path_of(stray.staged.base().as_str()) });
        }
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        make_durable(inner, &batch, durability)?;
        let mut arrived = Vec::with_capacity(batch.len());
        let renamed = self.rename_all(batch.into(), &mut arrived);
        if arrived.is_empty() {
            return renamed.map(|()| arrived);
        }
        if let Err(cause) = inner.cur.sync() {
            return Err(Error::PartlyDelivered { delivered: Vec::new(), cause: Box::new(cause) });
        }
        match renamed {
            Ok(()) => Ok(arrived),
            Err(cause) => Err(Error::PartlyDelivered { delivered: arrived, cause: Box::new(cause) }),
        }
    }

    /// Renames in order, in stretches under the lock.
    fn rename_all(&self, mut queue: VecDeque<Delivery>, arrived: &mut Vec<Delivered>) -> Result<(), Error> {
        // Before the lock: nobody but us adds bases, and reading a big folder takes its time.
        let mut there = self.already_there(&queue)?;
        while !queue.is_empty() {
            if !arrived.is_empty() {
                std::thread::sleep(BETWEEN);
            }
            let lock = UidlistLock::take(&self.inner)?;
            let table = merge_keywords(&self.inner, &lock, &queue)?;
            let started = Instant::now();
            while started.elapsed() < LOCK_PERIOD
                && let Some(delivery) = queue.pop_front()
            {
                let found = there.remove(delivery.staged.base().as_str());
                arrived.push(self.rename_one(delivery, found, &table)?);
            }
        }
        Ok(())
    }

    fn rename_one(
        &self,
        delivery: Delivery,
        found: Option<Entry>,
        table: &KeywordTable,
    ) -> Result<Delivered, Error> {
        let Delivery { staged, flags } = delivery;
        let (arrival, dropped_keywords) = (Arrival::AlreadyThere, Vec::new());
        if let Some(entry) = found {
            let (base, file_name) = (staged.base().clone(), entry.file_name().to_string_lossy().into_owned());
            return Ok(Delivered { base, file_name, arrival, dropped_keywords });
        }
        let (letters, dropped) = table.letters(&flags.keywords);
        let name =
            MessageName::delivered(staged.base(), staged.size(), staged.vsize(), flags.system, letters);
        let file_name = name.file_name();
        let (tmp, cur) = (&self.inner.tmp, &self.inner.cur);
        match rename_to_free(tmp, OsStr::new(staged.base().as_str()), cur, &file_name) {
            Ok(()) => {
                let base = staged.moved();
                self.remember(&base);
                Ok(Delivered { base, file_name, arrival: Arrival::Delivered, dropped_keywords: dropped })
            }
            Err(Errno::EXIST) => {
                Ok(Delivered { base: staged.base().clone(), file_name, arrival, dropped_keywords })
            }
            Err(e) => Err(Error::from_errno("deliver", &cur.path_of(&file_name), e)),
        }
    }

    /// Those of the batch whose base is in the folder. Bases like ours are only ever added by us, so those read once
    /// and those delivered since are all; one that is among them may have been removed by the customer.
    fn already_there(&self, batch: &VecDeque<Delivery>) -> Result<HashMap<String, Entry>, Error> {
        let mut known = self.inner.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            let mut bases = HashSet::new();
            self.scan(&mut |entry| {
                bases.insert(fingerprint(entry.base.as_bytes()));
            })?;
            *known = Some(bases);
        }
        let may_be_there =
            |base: &&str| known.as_ref().is_some_and(|bases| bases.contains(&fingerprint(base.as_bytes())));
        let suspects: HashSet<&str> =
            batch.iter().map(|d| d.staged.base().as_str()).filter(may_be_there).collect();
        drop(known);
        if suspects.is_empty() { Ok(HashMap::new()) } else { self.find_all(&suspects) }
    }

    fn remember(&self, base: &Base) {
        let mut known = self.inner.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bases) = known.as_mut() {
            bases.insert(fingerprint(base.as_str().as_bytes()));
        }
    }
}

/// The folder's keywords with those of the batch; written before the first file that uses a letter.
fn merge_keywords(
    folder: &FolderInner,
    lock: &UidlistLock<'_>,
    queue: &VecDeque<Delivery>,
) -> Result<KeywordTable, Error> {
    let wanted: BTreeSet<&str> =
        queue.iter().flat_map(|delivery| &delivery.flags.keywords).map(String::as_str).collect();
    if wanted.is_empty() { Ok(KeywordTable::default()) } else { keywords::merge(folder, lock, &wanted) }
}
